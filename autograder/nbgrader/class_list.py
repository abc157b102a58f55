"""Build the class list of one topic from the gradebook and from the course's folders.

A missing, old or broken file stops nothing: the class list says so, and the other files are read.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, SubmittedAssignment
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from autograder.course.course_file import Course
from autograder.model.class_list import ClassList, GradebookGrade, StudentEntry
from autograder.model.notebook import text
from autograder.model.report_file import NoReport, read_report
from autograder.nbgrader import api
from autograder.nbgrader.classroom import faults_of
from autograder.nbgrader.outputs import REPORT
from autograder.nbgrader.timestamps import handed_in, said


def call(course: Course, topic_id: str) -> ClassList:
    """The class list of a topic: every student in the gradebook or with a folder."""
    topic_entry = course.entry(topic_id)
    exercises = {name: 0.0 if e.bonus else e.points for name, e in topic_entry.exercises.items()}
    book = _from_gradebook(course, topic_id)
    entries = book.entries
    folders, files = _folders(course, topic_id), _Files(course, topic_id)
    for student in folders.keys() | entries.keys():
        entry = entries.get(student, StudentEntry(student))
        entries[student] = files.complete(entry, folders.get(student, student))
    ordered = [entries[student] for student in sorted(entries)]
    return ClassList(
        topic_id, topic_entry.title, ordered, exercises, book.notes, book.points_possible
    )


def _folders(course: Course, topic_id: str) -> dict[str, str]:
    """The folders of students, by their names as valid text."""
    found = [
        *(course.root / "submitted").glob(f"*/{topic_id}"),
        *(course.root / "autograded").glob(f"*/{topic_id}"),
    ]
    return {text(path.parent.name): path.parent.name for path in found if path.is_dir()}


@dataclass
class _Book:
    """What the gradebook holds, or the note that it cannot be read."""

    entries: dict[str, StudentEntry] = field(default_factory=dict)
    points_possible: float | None = None
    notes: list[str] = field(default_factory=list)


def _from_gradebook(course: Course, topic_id: str) -> _Book:
    with api.opened(course) as nbgrader:
        url = make_url(nbgrader.coursedir.db_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
            return _Book(
                notes=[
                    "There is no gradebook yet: points, due dates and who is enrolled are unknown."
                ]
            )
        try:
            with nbgrader.gradebook as gradebook:
                return _book(gradebook, topic_id)
        except (DBAPIError, OSError) as error:
            reason = str(getattr(error, "orig", error)).splitlines() or [type(error).__name__]
            return _Book(
                notes=[
                    f"The gradebook could not be read ({reason[0]}): points and due dates are "
                    "unknown."
                ]
            )


def _book(gradebook: Gradebook, topic_id: str) -> _Book:
    book = _Book()
    for student in gradebook.students:
        name = " ".join(part for part in (student.first_name, student.last_name) if part)
        contact = student.email or "", student.lms_user_id or ""
        book.entries[student.id] = StudentEntry(
            student.id, name, email=contact[0], lms_id=contact[1]
        )
    try:
        assignment = gradebook.find_assignment(topic_id)
    except MissingEntry:  # never released into it
        return book
    book.points_possible, names = assignment.max_score, _cell_names(assignment)
    for submission in gradebook.assignment_submissions(topic_id):
        late = submission.total_seconds_late if submission.duedate else None
        entry = book.entries[submission.student_id]
        book.entries[entry.student] = replace(
            entry, grade=_grade(submission, names), seconds_late=late
        )
    return book


def _cell_names(assignment: Assignment) -> dict[str, str]:
    """The names of the graded cells by their ids, read once for all grades."""
    cells = (
        cell
        for notebook in assignment.notebooks
        for cell in [*notebook.grade_cells, *notebook.task_cells]
    )
    return {cell.id: cell.name for cell in cells}


def _grade(submission: SubmittedAssignment, names: dict[str, str]) -> GradebookGrade | None:
    """The grade of a submission; None if it was never graded, as after a failed autograde."""
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    given = [grade.auto_score is not None or grade.manual_score is not None for grade in grades]
    if not any(given):
        return None
    return GradebookGrade(
        score=max(0.0, submission.score - submission.late_submission_penalty),
        max_score=submission.max_score,
        complete=all(given),
        waiting=sorted(
            names.get(grade.cell_id, "?") for grade in grades if grade.needs_manual_grade
        ),
        penalty=submission.late_submission_penalty,
    )


class _Files:
    """The files in the folders of a topic's students."""

    def __init__(self, course: Course, topic_id: str) -> None:
        self._root, self._topic = course.root, topic_id
        self._due = course.entry(topic_id).due
        self._faults = faults_of(course, topic_id)

    def complete(self, entry: StudentEntry, folder: str) -> StudentEntry:
        """The entry, completed from the student's folders."""
        submitted = self._root / "submitted" / folder / self._topic
        path = self._root / "autograded" / folder / self._topic / REPORT
        fault = self._faults.of(self._topic, entry.student)
        entry = replace(entry, handed_in=submitted.is_dir(), fault=fault)
        if entry.seconds_late is None:  # no due date in the gradebook: course.yaml's counts
            entry = replace(entry, seconds_late=self._seconds_late(submitted))
        try:
            report = read_report(path, self._topic, entry.student)
            return replace(entry, report=report, outdated=_outdated(submitted, path))
        except NoReport as error:
            return replace(entry, trouble=str(error))

    def _seconds_late(self, submitted: Path) -> float | None:
        moment = handed_in(submitted, self._due).moment
        if moment is None or self._due is None:
            return None
        return max(0.0, (moment.replace(tzinfo=UTC) - self._due).total_seconds())


def _outdated(submitted: Path, report: Path) -> bool:
    """Whether something was submitted after the Report was written.

    nbgrader's timestamps decide; without one, the times of the files.
    """
    ours, theirs = said(report.parent), said(submitted)
    if theirs is not None:
        return ours != theirs
    made = report.stat().st_mtime
    return any(path.lstat().st_mtime > made for path in submitted.glob("*.ipynb"))
