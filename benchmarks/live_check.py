"""How long a live check takes: each exercise of a released notebook, in a Jupyter kernel, as a
student runs it.

    make bench, or: python -m benchmarks.live_check [TOPIC]

The notebook is filled with the reference, run once up to its last answer, and each check cell is
then run again and again in the same kernel. Printed is the time in the kernel from the call to the
card's HTML; written to benchmarks/results.json is the median over the topic's exercises, and the
slowest of them.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from autograder.course import course_file, solve
from benchmarks.results import note

RUNS = 15
MEASURE = """
import json as _json, time as _time
def _seconds(exercise):
    start = _time.perf_counter()
    check(exercise)._repr_html_()
    return _time.perf_counter() - start
print(_json.dumps({e: [_seconds(e) for _ in range(%d)] for e in %r}))
"""


def main(topic_id: str) -> None:
    course = course_file.find(Path(__file__))
    topic = course.topic(topic_id)
    reference = (course.solutions(topic.id) / "reference.py").read_text(encoding="utf-8")
    notebook = solve.solve(
        course.release(topic_id) / f"{topic.name}.ipynb", topic, reference, "the reference"
    )
    node = nbformat.reads(json.dumps(notebook), as_version=4)
    code = [
        c for c in node.cells if c.cell_type == "code" and "demo" not in c.metadata.get("tags", [])
    ]
    node.cells = [c for c in code if not c.source.startswith("check(")]
    node.cells.append(new_code_cell(MEASURE % (RUNS, [e.id for e in topic.exercises])))
    os.environ["AUTOGRADER_HOME"] = tempfile.mkdtemp()  # it is nobody's own progress
    NotebookClient(
        node, timeout=600, resources={"metadata": {"path": str(course.release(topic_id))}}
    ).execute()
    seconds = json.loads(node.cells[-1].outputs[0]["text"])
    print(f"{'exercise':<26} {'first':>8} {'median':>8} {'max':>8}   milliseconds, {RUNS} runs")
    for exercise, times in seconds.items():
        first, *rest = [1000 * t for t in times]
        print(f"{exercise:<26} {first:>8.0f} {statistics.median(rest):>8.0f} {max(rest):>8.0f}")
    medians = {exercise: 1000 * statistics.median(times[1:]) for exercise, times in seconds.items()}
    slowest = max(medians, key=lambda exercise: medians[exercise])
    figures = {"live_check_ms": round(statistics.median(medians.values()), 1)}
    note(
        figures
        | {"live_check_slowest": slowest, "live_check_slowest_ms": round(medians[slowest], 1)}
    )


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "01-neurons")
