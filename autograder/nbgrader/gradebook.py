"""Enter the Reports of a class into the gradebook, with the files that `nbgrader autograde` writes.

nbgrader opens its database a dozen times for each submission, which takes longer than grading it.
Here it is opened once. Everything goes through nbgrader's own Gradebook and file formats.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry, SubmittedAssignment
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from autograder.grading.report_cache import write_whole
from autograder.model import opened as files
from autograder.model.errors import KitError, UserError
from autograder.model.report import Report
from autograder.model.report_file import NoReport, read_report
from autograder.nbgrader import api
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.extras import ignore, make_room, take_over
from autograder.nbgrader.outputs import REPORT, extra_credit, fill, within
from autograder.nbgrader.timestamps import FILE, HandedIn, Warn, settle, text_of

PATIENCE = 90.0  # seconds to wait for a locked gradebook
_READ_ONLY = 0o444  # as nbgrader leaves them


@contextmanager
def opened(classroom: Classroom, warn: Warn = lambda warning: None) -> Iterator["Book"]:
    """The open gradebook of the classroom's course. UserError if the topic was never released.

    `warn` gets each oddity of the time of a submission.
    """
    with api.opened(classroom.course) as nbgrader, nbgrader.gradebook as gradebook:
        topic = classroom.topic
        try:
            gradebook.find_notebook(topic.name, topic.id)
        except MissingEntry:
            raise UserError(
                f"{topic.id} is not in the gradebook yet; run first: autograder release {topic.id}"
            ) from None
        yield Book(classroom, nbgrader, gradebook, warn)


class Book:
    """The gradebook of a course, open for the submissions of one topic."""

    def __init__(
        self, classroom: Classroom, nbgrader: Any, gradebook: Gradebook, warn: Warn
    ) -> None:
        self._warn, self._due = warn, classroom.course.entry(classroom.topic.id).due
        self._classroom, self._topic = classroom, classroom.topic
        self._coursedir, self._config = nbgrader.coursedir, nbgrader.config
        self._gradebook = gradebook
        released = gradebook.find_notebook(self._topic.name, self._topic.id)
        self._checksums = {cell.name: cell.checksum for cell in released.source_cells}
        graded = [*released.grade_cells, *released.solution_cells, *released.task_cells]
        self._names = {cell.id: cell.name for cell in graded}  # read once for all grades

    def enter(self, nb: Any, report: Report) -> None:
        """Replace the student's earlier Report by this one. Manual points and comments stay.

        The files are replaced first and the grade last, each whole or not at all. After a crash in
        between, entering it again brings both to the same state. Raise KitError if it fails,
        OSError if the disk is full.
        """
        student = str(report.student)
        self._sanitize(nb)
        fill(nb, report)
        once = self._bonuses(student)
        when = settle(self._folder("submitted", student), self._due)
        if when.warning is not None:
            self._warn(f"{student}: {when.warning}")
        self._write(student, nb, report, when)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._record(student, nb, report, once, when)
            except (DBAPIError, InvalidEntry) as error:
                self._gradebook.db.rollback()
                if not _passes(error) or time.monotonic() > deadline:
                    reason = str(getattr(error, "orig", error)).splitlines()
                    raise KitError(f"the gradebook could not be written ({reason[0]})") from None
                time.sleep(0.2)

    def _bonuses(self, student: str) -> set[str]:
        """The bonus exercises of the student's earlier Report: their extra credit may be removed.

        Extra credit that an instructor gave by hand stays.
        """
        path = self._folder("autograded", student) / REPORT
        try:
            earlier = read_report(path, self._topic.id, student)
        except NoReport:
            return set()
        return {e.id for e in earlier.exercises if e.max_score == 0}

    def _sanitize(self, nb: Any) -> None:
        """Add the checksums of the released cells, by which nbgrader knows an untouched stub."""
        for cell in nb.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if self._checksums.get(grade_id):
                cell.metadata.nbgrader["checksum"] = self._checksums[grade_id]

    def _write(self, student: str, nb: Any, report: Report, when: HandedIn) -> None:
        """Write the graded submission's folder: notebook, Report, submitted and released files."""
        folder, submitted = self._folder("autograded", student), self._folder("submitted", student)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with files.submitted(submitted) as at:
                take_over(at, folder, ignore)
        except files.NotPlain as error:  # a link: the Report says so
            ignore(submitted, error)
        with files.folder(self._classroom.course.assignment(self._topic.id).parent) as at:
            take_over(at, folder, ignore)
        contents = {REPORT: report.to_json(), f"{self._topic.name}.ipynb": nbformat.v4.writes(nb)}
        make_room(folder, Path(FILE))
        (folder / FILE).unlink(missing_ok=True)
        if when.moment is not None:
            contents[FILE] = text_of(when.moment)
        for name, content in contents.items():
            make_room(folder, Path(name))
            write_whole(folder / name, content.encode(), _READ_ONLY)

    def _folder(self, step: str, student: str) -> Path:
        directory = getattr(self._coursedir, f"{step}_directory")
        return Path(self._coursedir.format_path(directory, student, self._topic.id))

    def _record(
        self, student: str, nb: Any, report: Report, once: set[str], when: HandedIn
    ) -> None:
        gradebook = self._gradebook
        gradebook.update_or_create_student(student)
        known = {"timestamp": when.moment} if when.moment or when.warning else {}
        submission = gradebook.update_or_create_submission(self._topic.id, student, **known)
        _require_sense(submission)
        (notebook,) = submission.notebooks
        scores = {  # of written answers, which have no automatic score
            c.metadata.nbgrader.grade_id: determine_grade(c)[0] for c in nb.cells if is_grade(c)
        }
        exercises = {f"check-{e.id}": e for e in report.exercises}
        for grade in notebook.grades:
            name = self._names[grade.cell_id]
            exercise = exercises.get(name)
            grade.auto_score = scores[name] if exercise is None else within(exercise)
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            if exercise is not None and (exercise.max_score == 0 or exercise.id in once):
                grade.extra_credit = extra_credit(exercise)
        unanswered = {
            cell.metadata.nbgrader.grade_id
            for cell in nb.cells
            if is_solution(cell)
            and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
        }
        for comment in notebook.comments:
            comment.auto_comment = (
                "No response." if self._names[comment.cell_id] in unanswered else None
            )
        notebook.late_submission_penalty = None
        gradebook.db.commit()
        self._penalize(submission, student)

    def _penalize(self, submission: SubmittedAssignment, student: str) -> None:
        if submission.total_seconds_late > 0:
            names = {"notebook": self._topic.name, "assignment": self._topic.id, "student": student}
            resources = {"nbgrader": {**names, "db_url": self._coursedir.db_url}}
            AssignLatePenalties(config=self._config).preprocess(
                nbformat.v4.new_notebook(), resources
            )


def _require_sense(submission: SubmittedAssignment) -> None:
    """UserError if a submission has an extension but no due date: nbgrader fails on it."""
    if submission.extension is not None and submission.assignment.duedate is None:
        raise UserError(
            f"{submission.student_id} has an extension, but {submission.name} has no due date; set "
            f"`due` in course.yaml and run: autograder release {submission.name}"
        )


def _passes(error: Exception) -> bool:
    """Whether another grader caused the error: a lock, a deadlock, or a row added just before."""
    if isinstance(error, OperationalError):
        return "lock" in str(error.orig)
    return isinstance(error, (IntegrityError, InvalidEntry))
