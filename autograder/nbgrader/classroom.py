"""What grading a topic of a class needs: its source notebook, its answers, its cached Reports."""

from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat

from autograder.course.course_file import Course
from autograder.course.record import secret_answers
from autograder.grading import batch
from autograder.grading.faults import Faults
from autograder.grading.report_cache import ReportCache
from autograder.model import notebook, opened
from autograder.model.find_notebook import require_notebook
from autograder.model.no_verdict import unreadable
from autograder.model.notebook import Unreadable
from autograder.model.opened import NotPlain
from autograder.model.report import Report
from autograder.model.topic import Topic
from autograder.nbgrader.rebuild import MARK, from_bytes, unread


class Classroom:
    """One topic of a course, loaded once."""

    def __init__(self, course: Course, topic_id: str) -> None:
        self.course, self.topic = course, course.topic(topic_id)
        self.store = ReportCache(course.secrets / "results" / topic_id)
        self.faults = faults_of(course, topic_id)

    @cached_property
    def source(self) -> Any:
        """The topic's source notebook."""
        return nbformat.read(self.course.assignment(self.topic.id), as_version=4)

    @cached_property
    def answers(self) -> bytes:
        """The answers file under the course's secret seed."""
        return secret_answers(self.course, self.topic).to_bytes()

    def read(self, folder: Path) -> Any:
        """The submission as a valid notebook. If it is none, its metadata hold the reason."""
        try:
            name, content = _notebook(folder, self.topic)
            return from_bytes(Path(name), content, self.topic, self.source)
        except Unreadable as error:
            return unread(str(error), self.topic, self.source)

    def unreadable(self, nb: Any, student: str) -> Report | None:
        """The Report of a notebook that could not be read; None if it could."""
        reason = nb.metadata.get(MARK, {}).get("unreadable")
        return unreadable(self.topic, student, reason) if reason else None

    def code(self, nb: Any) -> bytes:
        """The code of a rebuilt notebook, as bytes to grade."""
        cells = notebook.submission(
            notebook.of(self.course.assignment(self.topic.id), nb), self.topic
        )
        return batch.Code(tuple(cells)).to_bytes()

    def kept(self, code: bytes, student: str) -> Report | None:
        """The cached Report of the same code, or None."""
        return self.store.get(batch.key(self.answers, code), student)

    def keep(self, code: bytes, report: Report) -> None:
        self.store.put(batch.key(self.answers, code), report)


def _notebook(folder: Path, topic: Topic) -> tuple[str, bytes]:
    """The name and bytes of the notebook in a student's folder."""
    try:
        with opened.submitted(folder) as at:
            return require_notebook(at, topic)
    except NotPlain as error:
        raise Unreadable(f"what was handed in cannot be graded: {error}") from None


def faults_of(course: Course, topic_id: str) -> Faults:
    """The standing grader errors of a topic."""
    return Faults(course.secrets / "faults" / topic_id)
