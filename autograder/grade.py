"""`autograder grade`: one topic of a whole class, into nbgrader's gradebook.

Whatever a submission holds, it ends as graded, unreadable or grader_error, and the others are graded. What has
been graded is kept by what it depends on, so that a run that was cut short goes on where it ended.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbgrader.api import MissingEntry

from autograder.course import Course
from autograder.errors import UserError
from autograder.nbgrader import api
from autograder.nbgrader.book import Book
from autograder.nbgrader.classroom import Classroom
from autograder.pool import Runner
from autograder.results import Report
from autograder.topic import Topic


def grade(course: Course, topic_id: str, students: list[str], runner: Runner) -> Iterator[Report]:
    """Grade the students' submissions into the gradebook and yield their Reports, those known already first."""
    classroom = Classroom(course, topic_id)
    folders = {student: _folder(course, topic_id, student) for student in students}
    with api.opened(course) as nbgrader, nbgrader.gradebook as gradebook:
        _require_released(gradebook, classroom.topic)
        book = Book(classroom, nbgrader, gradebook)
        waiting: dict[str, bytes] = {}
        for student, folder in folders.items():
            known = _known(classroom, student, folder, waiting)
            if known is not None:
                yield _entered(book, classroom, folder, known)
        for student, verdict in runner.run(classroom.answers, list(waiting.items())):
            report = replace(verdict, student=student)
            _keep(classroom, waiting.pop(student), report)
            yield _entered(book, classroom, folders[student], report)


def _folder(course: Course, topic_id: str, student: str) -> Path:
    folder = course.root / "submitted" / student / topic_id
    if not folder.is_dir():
        raise UserError(f"{student} has handed in nothing for {topic_id}: there is no folder {folder}")
    return folder


def _known(classroom: Classroom, student: str, folder: Path, waiting: dict[str, bytes]) -> Report | None:
    """The Report of a submission that need not be run; else its job waits, under the student's name."""
    nb = classroom.read(folder)
    report = classroom.unreadable(nb, student)
    if report is not None:
        return report
    waiting[student] = classroom.job(nb)
    report = classroom.kept(waiting[student], student)
    if report is not None:
        del waiting[student]
    return report


def _keep(classroom: Classroom, job: bytes, report: Report) -> None:
    try:
        classroom.keep(job, report)
    except OSError:  # a full disk: it stands in the gradebook all the same, or is graded again next time
        return


def _entered(book: Book, classroom: Classroom, folder: Path, report: Report) -> Report:
    """Enter a verdict; what cannot be entered becomes our fault, and any earlier grade stands."""
    reason = report.reason
    if report.status != "grader_error":
        try:
            book.enter(classroom.read(folder), report)
            return report
        except (UserError, OSError) as error:
            reason = str(error)
    topic = classroom.topic
    why = f"{reason}; any earlier grade stands, run the grading of {report.student} again"
    return Report(topic.id, "grader_error", None, topic.max_score, report.seconds, student=report.student, reason=why)


def _require_released(gradebook: Any, topic: Topic) -> None:
    try:
        gradebook.find_notebook(topic.name, topic.id)
    except MissingEntry:
        raise UserError(f"{topic.id} is not in the gradebook yet; run first: autograder release {topic.id}") from None
