"""Stock `nbgrader autograde` and `autograder grade` on the same class and the same checks, side by
side.

    make bench, or: python -m benchmarks.grade_class [--students 60] [--rounds 3] [--large 500]

The class has handed in 01-neurons, each notebook filled with the reference and different from the
others by a comment. Cells tagged `demo` (figures, long experiments) are taken out for both, since
ours would not run them. The two take turns, so that what slows the machine down slows both down;
each run is a process of its own, from a fresh gradebook, timed from outside. Stock runs each
notebook in a kernel, where the check cells compare with the released answers: the same suite.
Written to benchmarks/results.json.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from autograder.course import course_file, record, solve
from autograder.course.course_file import FILE, Course
from autograder.jail import tiers
from autograder.nbgrader import releasing
from benchmarks.results import note

TOPIC = "01-neurons"
SMALL = 20
Measure = Callable[[list[str], Course], float]
STOCK = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.source_directory = "assignments"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--large", type=int, default=500, help="a second class, for the growth; 0 for none"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as folder:
        results = measure(Path(folder), options.students, options.rounds, options.large)
    note(results)


def measure(folder: Path, students: int, rounds: int, large: int) -> dict[str, Any]:
    course = make_class(folder / "class", students)
    stock, one, two = [], [], []
    for turn in range(rounds):
        stock.append(run_stock(course, timed))
        two.append(run_ours(course, timed, workers=2))
        one.append(run_ours(course, timed, workers=1))
        print(
            f"round {turn + 1}: stock {stock[-1]:.1f} s, ours {two[-1]:.1f} s with 2 workers",
            file=sys.stderr,
        )
    again = run_ours(course, timed, workers=2, fresh=False)
    ratios = [s / o for s, o in zip(stock, two)]
    results: dict[str, Any] = {
        "tier": tiers.survey().jail.tier,
        "cores": os.cpu_count(),
        "submissions": students,
        "throughput_ratio": round(statistics.median(ratios), 2),
        "throughput_ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "throughput_ratio_1_worker": round(statistics.median(s / o for s, o in zip(stock, one)), 2),
        "stock_seconds_each": round(statistics.median(stock) / students, 3),
        "ours_seconds_each": round(statistics.median(two) / students, 3),
        "ours_seconds_each_1_worker": round(statistics.median(one) / students, 3),
        "rerun_seconds_each": round(again / students, 4),
        "peak_mb": round(run_ours(course, weighed, workers=2)),
        "stock_peak_mb": round(run_stock(course, weighed)),
        "stages_ms": stages(course),
    }
    for name, size in (("small", SMALL), ("large", large)):
        results |= growth(folder / name, name, size) if size else {}
    return results


def growth(root: Path, name: str, size: int) -> dict[str, Any]:
    """Time and memory of ours for a class of another size."""
    course = make_class(root, size)
    seconds, peak = run_ours(course, timed, workers=2), run_ours(course, weighed, workers=2)
    return {
        f"{name}_class": size,
        f"{name}_seconds_each": round(seconds / size, 3),
        f"{name}_peak_mb": round(peak),
    }


def make_class(root: Path, students: int) -> Course:
    """A released course in which everybody has handed in the solved notebook, each with a comment
    of their own.
    """
    here = course_file.find(Path(__file__))
    releasing.copy_course(here, root)
    course = course_file.load(root / FILE)
    releasing.release(course, TOPIC)
    record.secret_answers(course, course.topic(TOPIC))  # made once for a topic, not for each class
    topic = course.topic(TOPIC)
    reference = (course.solutions(topic.id) / "reference.py").read_text(encoding="utf-8")
    notebook = solve.solve(
        course.release(TOPIC) / f"{topic.name}.ipynb", topic, reference, "the reference"
    )
    notebook["cells"] = [
        c for c in notebook["cells"] if "demo" not in c["metadata"].get("tags", [])
    ]
    for i in range(students):
        folder = root / "submitted" / f"student{i:03}" / TOPIC
        folder.mkdir(parents=True)
        text = json.dumps(notebook).replace("def softmax(", f"# student {i}\\ndef softmax(")
        (folder / f"{topic.name}.ipynb").write_text(text, encoding="utf-8")
    shutil.copy(root / "gradebook.db", root / "released.db")
    shutil.copy(root / "nbgrader_config.py", root / "our_config.py")
    return course


def run_stock(course: Course, measured: Measure) -> float:
    start_afresh(course)
    config = STOCK.format(root=str(course.root), course=course.file.course)
    (course.root / "nbgrader_config.py").write_text(config)
    return measured([sys.executable, "-m", "nbgrader", "autograde", TOPIC], course)


def run_ours(course: Course, measured: Measure, workers: int, fresh: bool = True) -> float:
    if fresh:
        start_afresh(course)
    shutil.copy(course.root / "our_config.py", course.root / "nbgrader_config.py")
    return measured(
        [sys.executable, "-m", "autograder", "grade", TOPIC, f"--workers={workers}"], course
    )


def start_afresh(course: Course) -> None:
    """Nothing graded yet."""
    shutil.rmtree(course.root / "autograded", ignore_errors=True)
    shutil.rmtree(course.secrets / "results", ignore_errors=True)
    shutil.copy(course.root / "released.db", course.root / "gradebook.db")


def timed(command: list[str], course: Course) -> float:
    """Wall seconds of a command."""
    started = time.perf_counter()
    process = _start(command, course)
    _finish(process, command)
    return time.perf_counter() - started


def weighed(command: list[str], course: Course) -> float:
    """The most memory, in MB, that a command and all below it held at once. Looking takes time, so
    it is not timed.
    """
    process, peak = _start(command, course), [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watch.start()
    _finish(process, command)
    return peak[0]


def _start(command: list[str], course: Course) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")]),
    }
    return subprocess.Popen(
        command, cwd=course.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _finish(process: "subprocess.Popen[bytes]", command: list[str]) -> None:
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.decode()[-2000:]}")


def _watch(pid: int, peak: list[float]) -> None:
    """The share of memory that is a process's own, so that what forks have in common counts
    once.
    """
    while psutil.pid_exists(pid):
        try:
            family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return
        total = 0
        for process in family:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:
                continue
        peak[0] = max(peak[0], total / 1e6)
        time.sleep(0.25)


def stages(course: Course) -> dict[str, float]:
    """Median milliseconds of what is done for one submission, in this process, by itself."""
    from autograder.grading import batch
    from autograder.model.report import Report
    from autograder.nbgrader import api
    from autograder.nbgrader.classroom import Classroom
    from autograder.nbgrader.gradebook import Book

    times: dict[str, list[float]] = {"read": [], "grade": [], "enter": []}
    classroom = Classroom(course, TOPIC)
    with api.opened(course) as nbgrader, nbgrader.gradebook as gradebook:
        book = Book(classroom, nbgrader, gradebook)
        for folder in sorted((course.root / "submitted").glob(f"*/{TOPIC}"))[:12]:
            at = [time.perf_counter()]
            nb = classroom.read(folder)
            code = classroom.code(nb)
            at.append(time.perf_counter())
            (text,) = batch.grade_batch(classroom.answers, [code], unsafe=True)
            at.append(time.perf_counter())
            report = Report.from_json(
                text.replace('"student": null', f'"student": "{folder.parent.name}"')
            )
            book.enter(nb, report)
            at.append(time.perf_counter())
            for name, start, end in zip(times, at, at[1:]):
                times[name].append(1000 * (end - start))
    return {name: round(statistics.median(values[2:]), 1) for name, values in times.items()}


if __name__ == "__main__":
    main()
