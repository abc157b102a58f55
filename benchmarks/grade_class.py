"""Stock `nbgrader autograde` and `autograder grade` on the same class and the same checks, side by side.

    make bench, or: python benchmarks/grade_class.py [--students 20] [--rounds 3] [--large 500]

The class has handed in 01-neurons, each notebook filled with the reference and different from the others by a
comment. Cells tagged `demo` (figures, long experiments) are taken out for both, since ours would not run them.
The two take turns, so that what slows the machine down slows both down; each run is a process of its own, from
a fresh gradebook, timed from outside. Stock runs each notebook in a kernel, where the check cells compare with
the released answers: the same suite. Written to benchmarks/results.json.
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
from pathlib import Path
from typing import Any

import psutil

from autograder import course as course_file
from autograder import releasing, solve
from autograder.course import FILE, Course
from autograder.jail import tiers

TOPIC = "01-neurons"
RESULTS = Path(__file__).with_name("results.json")
STOCK = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.source_directory = "assignments"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=500, help="a second class, for the growth; 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="autograder-bench-") as folder:
        results = measure(Path(folder), options.students, options.rounds, options.large)
    known = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    RESULTS.write_text(json.dumps(known | results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


def measure(folder: Path, students: int, rounds: int, large: int) -> dict[str, Any]:
    course = make_class(folder / "class", students)
    stock, one, two = [], [], []
    for turn in range(rounds):
        stock.append(run_stock(course))
        two.append(run_ours(course, workers=2))
        one.append(run_ours(course, workers=1))
        print(f"round {turn + 1}: stock {stock[-1][0]:.1f} s, ours {two[-1][0]:.1f} s with 2 workers", file=sys.stderr)
    ratios = [s / o for (s, _), (o, _) in zip(stock, two)]
    again = run_ours(course, workers=2, fresh=False)
    results: dict[str, Any] = {
        "tier": tiers.survey().jail.tier,
        "cores": os.cpu_count(),
        "submissions": students,
        "throughput_ratio": round(statistics.median(ratios), 2),
        "throughput_ratio_spread": [round(min(ratios), 2), round(max(ratios), 2)],
        "throughput_ratio_1_worker": round(statistics.median(s / o for (s, _), (o, _) in zip(stock, one)), 2),
        "stock_seconds_each": round(statistics.median(s for s, _ in stock) / students, 3),
        "ours_seconds_each": round(statistics.median(s for s, _ in two) / students, 3),
        "ours_seconds_each_1_worker": round(statistics.median(s for s, _ in one) / students, 3),
        "rerun_seconds_each": round(again[0] / students, 4),
        "peak_mb": round(max(mb for _, mb in two)),
        "stock_peak_mb": round(max(mb for _, mb in stock)),
        "stages_ms": stages(course),
    }
    if large:
        seconds, peak = run_ours(make_class(folder / "large", large), workers=2)
        results |= {"large_class": large, "large_seconds_each": round(seconds / large, 3), "large_peak_mb": round(peak)}
    return results


def make_class(root: Path, students: int) -> Course:
    """A released course in which everybody has handed in the solved notebook, each with a comment of their own."""
    here = course_file.find(Path(__file__))
    releasing.copy_course(here, root)
    course = course_file.load(root / FILE)
    releasing.release(course, TOPIC)
    topic = course.topic(TOPIC)
    reference = (course.root / "solutions" / f"{topic.name}.py").read_text(encoding="utf-8")
    notebook = solve.solve(course.release(TOPIC) / f"{topic.name}.ipynb", topic, reference, "the reference")
    notebook["cells"] = [c for c in notebook["cells"] if "demo" not in c["metadata"].get("tags", [])]
    for i in range(students):
        folder = root / "submitted" / f"student{i:03}" / TOPIC
        folder.mkdir(parents=True)
        text = json.dumps(notebook).replace("def softmax(", f"# student {i}\\ndef softmax(")
        (folder / f"{topic.name}.ipynb").write_text(text, encoding="utf-8")
    shutil.copy(root / "gradebook.db", root / "released.db")
    shutil.copy(root / "nbgrader_config.py", root / "our_config.py")
    return course


def run_stock(course: Course) -> tuple[float, float]:
    start_afresh(course)
    config = STOCK.format(root=str(course.root), course=course.file.course)
    (course.root / "nbgrader_config.py").write_text(config)
    return timed([sys.executable, "-m", "nbgrader", "autograde", TOPIC], course)


def run_ours(course: Course, workers: int, fresh: bool = True) -> tuple[float, float]:
    if fresh:
        start_afresh(course)
    shutil.copy(course.root / "our_config.py", course.root / "nbgrader_config.py")
    return timed([sys.executable, "-m", "autograder", "grade", TOPIC, f"--workers={workers}"], course)


def start_afresh(course: Course) -> None:
    """Nothing graded yet. The answers under the secret seed stay: they are made once, not for each class."""
    shutil.rmtree(course.root / "autograded", ignore_errors=True)
    shutil.rmtree(course.secrets / "results", ignore_errors=True)
    shutil.copy(course.root / "released.db", course.root / "gradebook.db")


def timed(command: list[str], course: Course) -> tuple[float, float]:
    """Wall seconds of a command, and the most memory, in MB, that it and all below it held at once."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=course.root, env={**os.environ, "PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    peak = [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    watch.start()
    said, _ = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{said.decode()[-2000:]}")
    return seconds, peak[0]


def _watch(pid: int, peak: list[float]) -> None:
    """Memory that is a process's own, so that what forks share is not counted again for each."""
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
    from autograder import jobs
    from autograder.nbgrader import api
    from autograder.nbgrader.book import Book
    from autograder.nbgrader.classroom import Classroom
    from autograder.results import Report

    times: dict[str, list[float]] = {"read": [], "grade": [], "enter": []}
    classroom = Classroom(course, TOPIC)
    with api.opened(course) as nbgrader, nbgrader.gradebook as gradebook:
        book = Book(classroom, nbgrader, gradebook)
        for folder in sorted((course.root / "submitted").glob(f"*/{TOPIC}"))[:12]:
            at = [time.perf_counter()]
            nb = classroom.read(folder)
            job = classroom.job(nb)
            at.append(time.perf_counter())
            (text,) = jobs.grade_batch(classroom.answers, [job], unsafe=True)
            at.append(time.perf_counter())
            report = Report.from_json(text.replace('"student": null', f'"student": "{folder.parent.name}"'))
            book.enter(nb, report)
            at.append(time.perf_counter())
            for name, start, end in zip(times, at, at[1:]):
                times[name].append(1000 * (end - start))
    return {name: round(statistics.median(values[2:]), 1) for name, values in times.items()}


if __name__ == "__main__":
    main()
