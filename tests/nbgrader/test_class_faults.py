"""A class is graded through kills, locks and full disks: a rerun goes on, and ends as if nothing
had been.
"""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from classes import Here
from nbgrader.api import Gradebook
from notebooks import COURSE, TOPIC, public_answers, solved, written
from sqlalchemy.exc import OperationalError

from autograder.course import course_file
from autograder.grading import executors, report_cache
from autograder.grading.executors import Pool
from autograder.model.no_verdict import grader_error
from autograder.model.report import Exercise, Report
from autograder.nbgrader import gradebook, releasing
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.grade_class import grade

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    root = tmp_path_factory.mktemp("faults") / "course"
    releasing.copy_course(COURSE, root)
    course = course_file.load(root / course_file.FILE)
    releasing.release(course, TOPIC.id)
    return course


def hand_in(course, student, **answers):
    folder = course.root / "submitted" / student / TOPIC.id
    folder.mkdir(parents=True, exist_ok=True)
    written(solved(**answers), folder)


def scores(course):
    """All that the gradebook holds of each submission."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {
            submission.student.id: {
                grade.name: (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
                for notebook in submission.notebooks
                for grade in notebook.grades
            }
            for submission in gradebook.assignment_submissions(TOPIC.id)
        }


class Instant:
    """A runner that knows every score without running anything."""

    def __init__(self):
        self.ran = Counter()

    def run(self, answers, work):
        for name, _ in work:
            self.ran[name] += 1
            yield name, verdict(0.5)

    def tier(self):
        return "A"

    def close(self):
        """Nothing to let go of."""


def verdict(share):
    exercises = [Exercise(e.id, share * e.points, e.points, "partial") for e in TOPIC.exercises]
    return Report(TOPIC.id, "graded", share * TOPIC.max_score, TOPIC.max_score, 0.1, exercises)


KILLED = """
import os, random, sys, threading, time
from pathlib import Path
sys.path[:0] = [{tests!r}, str(Path({tests!r}).parent)]
from autograder.course import course_file
from autograder.nbgrader.grade_class import grade
from test_class_faults import Instant, TOPIC
course = course_file.load(Path({root!r}) / "course.yaml")
def kill():
    time.sleep(float(sys.argv[1]))
    os.kill(os.getpid(), 9)
for i, report in enumerate(grade(course, TOPIC.id, course.submitted(TOPIC.id), Instant())):
    if i == 0:
        threading.Thread(target=kill, daemon=True).start()
    assert report.status == "graded", report.reason
"""


def test_a_store_never_holds_half_a_report(tmp_path, monkeypatch):
    kept = report_cache.ReportCache(tmp_path)
    kept.put("ab12", verdict(1.0))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(report_cache.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        kept.put("ab12", verdict(0.0))
    assert kept.get("ab12", "ada").score == TOPIC.max_score
    assert len(list(tmp_path.rglob("*"))) == 2  # the folder and the one file


def test_what_cannot_be_read_back_is_graded_again(tmp_path):
    kept = report_cache.ReportCache(tmp_path)
    kept.put("ab12", verdict(1.0))
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:50])
    assert kept.get("ab12", "ada") is None


def test_a_fault_of_ours_is_not_kept(tmp_path):
    kept = report_cache.ReportCache(tmp_path)
    kept.put("ab12", grader_error(public_answers().topic, "no reason"))
    assert kept.get("ab12", "ada") is None


def test_a_full_disk_is_our_fault_and_the_next_run_goes_on(released, monkeypatch):
    hand_in(released, "ada")
    list(grade(released, TOPIC.id, ["ada"], Instant()))
    before = scores(released)["ada"]
    hand_in(released, "ada", softmax="softmax = 1")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(report_cache.os, "fsync", full)
        (report,) = grade(released, TOPIC.id, ["ada"], Instant())
    assert report.status == "grader_error"
    assert "No space left on device" in report.reason
    assert scores(released)["ada"] == before
    (report,) = grade(released, TOPIC.id, ["ada"], Instant())
    assert report.status == "graded"


def test_a_locked_gradebook_is_waited_for(released):
    hand_in(released, "eve")
    lock = sqlite3.connect(released.root / "gradebook.db", check_same_thread=False)
    lock.execute("BEGIN EXCLUSIVE")
    threading.Timer(8, lock.rollback).start()  # longer than SQLite waits by itself
    (report,) = grade(released, TOPIC.id, ["eve"], Instant())
    assert report.status == "graded"
    assert "eve" in scores(released)


def test_two_graders_at_once_leave_every_grade(released):
    for i in range(6):
        hand_in(released, f"twin{i}", softmax=f"softmax = {i}")
    names = [f"twin{i}" for i in range(6)]
    code = KILLED.format(tests=str(Path(__file__).parent), root=str(released.root))
    other = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, "1000"])
    reports = list(grade(released, TOPIC.id, names, Instant()))
    assert other.wait(120) == 0
    assert {r.status for r in reports} == {"graded"}
    assert set(names) <= set(scores(released))


def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(released, tmp_path):
    kills, students = map(
        int, os.environ.get("KILLS", "4x8").split("x")
    )  # KILLS=20x50: the long version
    random.seed(4)
    root = tmp_path / "course"
    releasing.copy_course(COURSE, root)
    course = course_file.load(root / course_file.FILE)
    releasing.release(course, TOPIC.id)
    for i in range(students):
        hand_in(course, f"s{i}", softmax=f"softmax = {i}")
    code = KILLED.format(tests=str(Path(__file__).parent), root=str(root))
    codes = []
    for _ in range(kills):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, str(random.uniform(0, students / 16))],
            check=False,
            timeout=120,
        )
        codes.append(done.returncode)
    assert -signal.SIGKILL in codes  # or nothing was disturbed
    runner = Instant()
    reports = list(grade(course, TOPIC.id, course.submitted(TOPIC.id), runner))
    assert {r.status for r in reports} == {"graded"}
    half = {f"check-{e.id}": (e.points / 2, None, False) for e in TOPIC.exercises}
    found = scores(course)
    assert set(found) == {f"s{i}" for i in range(students)}
    assert all({k: v for k, v in rows.items() if k in half} == half for rows in found.values())


def deadly_batch(answers, batch, unsafe):
    """Submissions of which one ends the process that it runs in."""
    if b"deadly" in batch:
        os._exit(1)
    return [verdict(1.0).to_json() for _ in batch]


def test_a_grading_process_that_dies_costs_only_the_submission_that_kills_it(monkeypatch):
    monkeypatch.setattr(executors, "grade_batch", deadly_batch)
    work = [(f"s{i}", b"deadly" if i == 5 else b"fine") for i in range(12)]
    with closing(Pool(2, unsafe=True)) as runner:
        reports = dict(runner.run(public_answers().to_bytes(), work))
    assert len(reports) == 12
    assert [name for name, report in reports.items() if report.status != "graded"] == ["s5"]
    assert "could not be graded, twice" in reports["s5"].reason
    assert "the grading process died of it" in reports["s5"].reason


ORPHANS = """
import sys, time
from autograder.grading.executors import Pool
if __name__ == "__main__":
    pool = Pool(2, unsafe=True)
    print(pool.tier(), *pool.pids, flush=True)
    time.sleep(1000)
"""


def test_a_killed_grader_leaves_no_process_behind(tmp_path):
    script = tmp_path / "orphans.py"
    script.write_text(ORPHANS)
    grader = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    with grader.stdout as said:
        processes = [psutil.Process(int(pid)) for pid in said.readline().split()[1:]]
    below = [child for process in processes for child in process.children(recursive=True)]
    grader.kill()
    grader.wait()
    assert len(processes) == 2
    assert psutil.wait_procs([*processes, *below], timeout=20)[1] == []


def failing_batch(answers, batch, unsafe):
    """Jobs of which one meets an error of ours."""
    if b"odd" in batch:
        raise ValueError("of our own making")
    return [verdict(1.0).to_json() for _ in batch]


def greedy_batch(answers, batch, unsafe):
    """Jobs of which one takes all memory that there is."""
    kept = []
    while b"greedy" in batch:
        kept.append(bytearray(1 << 28))
    return [verdict(1.0).to_json() for _ in batch]


def endless_batch(answers, batch, unsafe):
    """Jobs of which one is never done."""
    while b"endless" in batch:
        pass
    return [verdict(1.0).to_json() for _ in batch]


@pytest.mark.parametrize(
    ("odd", "grade_batch", "reason"),
    [
        (b"odd", failing_batch, "ValueError: of our own making"),
        (b"greedy", greedy_batch, "MemoryError"),
        (b"endless", endless_batch, "took the grader more than 6 seconds of computing"),
    ],
)
def test_whatever_a_submission_costs_the_grader_it_costs_that_submission_alone(
    monkeypatch, odd, grade_batch, reason
):
    monkeypatch.setattr(executors, "grade_batch", grade_batch)
    monkeypatch.setattr(executors, "_OWN_CPU", 6.0)
    work = [(f"s{i}", odd if i == 3 else b"fine") for i in range(8)]
    with closing(Pool(2, unsafe=True)) as runner:
        reports = dict(runner.run(public_answers().to_bytes(), work))
    assert len(reports) == 8
    assert [name for name, report in reports.items() if report.status != "graded"] == ["s3"]
    assert reason in reports["s3"].reason


def test_here_and_a_pool_come_to_the_same_reports(released):
    classroom = Classroom(released, TOPIC.id)
    hand_in(released, "right")
    hand_in(released, "wrong", sigmoid="def sigmoid(z):\n    return z")
    folders = {name: released.root / "submitted" / name / TOPIC.id for name in ("right", "wrong")}
    work = [(name, classroom.code(classroom.read(folder))) for name, folder in folders.items()]
    here = dict(Here(unsafe=True).run(classroom.answers, work))
    with closing(Pool(2, unsafe=True)) as several:
        there = dict(several.run(classroom.answers, work))
    assert {k: without_times(r) for k, r in here.items()} == {
        k: without_times(r) for k, r in there.items()
    }


def without_times(report):
    return {**report.to_dict(), "seconds": 0}


def test_waiting_ends_when_the_gradebook_stays_locked(released, monkeypatch):
    monkeypatch.setattr(gradebook, "PATIENCE", 0.0)
    hand_in(released, "late")

    def locked(*_):
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(gradebook.Book, "_record", locked)
    started = time.monotonic()
    (report,) = grade(released, TOPIC.id, ["late"], Instant())
    assert report.status == "grader_error"
    assert "the gradebook could not be written (database is locked)" in report.reason
    assert time.monotonic() - started < 60
