"""`autograder grade`: grade a topic of a whole class into nbgrader's gradebook.

Every submission ends as graded, unreadable or grader_error, and none stops the others. Reports are
cached: after a crash, run the command again and it resumes.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course.course_file import Course
from autograder.grading.executors import Runner
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.model.notebook import text
from autograder.model.report import Report
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.submission import Submission, read

if TYPE_CHECKING:
    from autograder.nbgrader.gradebook import Book


def grade(
    course: Course,
    topic_id: str,
    students: list[str],
    runner: Runner,
    warn: Callable[[str], None] = lambda warning: None,
) -> Iterator[Report]:
    """Grade the students' submissions into the gradebook and yield their Reports.

    Cached Reports come first. `warn` gets each oddity of a time, which costs nobody a grade.
    """
    classroom = Classroom(course, topic_id)
    folders = {student: _folder(course, topic_id, student) for student in students}
    known: list[tuple[Submission | None, Report]] = []
    waiting: dict[str, Submission] = {}
    for student, folder in folders.items():
        try:
            submission = read(classroom, student, folder)
        except Exception as error:  # whatever is in that folder, the other submissions go on
            known.append((None, _fault(classroom, student, _reason(error))))
            continue
        if submission.verdict is not None:
            known.append((submission, submission.verdict))
        else:
            waiting[student] = submission
    verdicts = runner.run(classroom.answers, [(s, one.code) for s, one in waiting.items()])
    # importing nbgrader takes two seconds; the runner works meanwhile
    from autograder.nbgrader import gradebook

    with gradebook.opened(classroom, warn) as book:
        for one, report in known:
            yield _noted(classroom, _entered(book, classroom, one, report))
        for student, verdict in verdicts:
            submission, report = waiting.pop(student), replace(verdict, student=student)
            _keep(classroom, submission.code, report)
            yield _noted(classroom, _entered(book, classroom, submission, report))


def _folder(course: Course, topic_id: str, student: str) -> Path:
    folder = course.root / "submitted" / student / topic_id
    if not folder.is_dir():
        raise UserError(
            f"{student} has handed in nothing for {topic_id}: there is no folder {folder}"
        )
    return folder


def _keep(classroom: Classroom, code: bytes, report: Report) -> None:
    try:
        classroom.keep(code, report)
    except OSError:
        # a full disk: the gradebook still gets the grade, or it is graded again next time
        return


def _noted(classroom: Classroom, report: Report) -> Report:
    """The Report. A grader error is kept for the class report until grading succeeds."""
    classroom.faults.note(report)
    return report


def _entered(
    book: "Book", classroom: Classroom, submission: Submission | None, report: Report
) -> Report:
    """Enter a verdict. If that fails, it becomes a grader error and an earlier grade stays."""
    reason = report.reason
    if submission is not None and report.status != "grader_error":
        try:
            if submission.replaced:
                raise UserError("it was handed in anew while it was graded")
            book.enter(submission.notebook, report)
            return report
        except Exception as error:  # of this submission, a disk or our own: the others go on
            reason = _reason(error)
    why = f"{reason}; any earlier grade stands, run the grading of {report.student} again"
    return replace(_fault(classroom, str(report.student), why), seconds=report.seconds)


def _fault(classroom: Classroom, student: str, reason: str) -> Report:
    return grader_error(classroom.topic, text(reason), text(student))


def _reason(error: Exception) -> str:
    return (
        str(error)
        if isinstance(error, (UserError, OSError))
        else f"{type(error).__name__}: {error}"
    )
