"""Grade one notebook file, in any state, into a Report."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autograder.grading.run import grade_cells
from autograder.jail.workers import Jail
from autograder.model import notebook
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.model.no_verdict import grader_error, unreadable
from autograder.model.notebook import Notebook, Unreadable
from autograder.model.report import Report


def grade_file(
    answers: Answers,
    path: Path,
    jail: Jail,
    student: str | None = None,
    exercises: Iterable[str] | None = None,
    pictures: bool = True,
) -> Report:
    """The Report of a notebook file, also of one that cannot be read."""
    try:
        return grade_notebook(answers, notebook.read(path), jail, student, exercises, pictures)
    except Unreadable as error:
        return unreadable(answers.topic, student, str(error))


def grade_notebook(
    answers: Answers,
    submitted: Notebook,
    jail: Jail,
    student: str | None = None,
    exercises: Iterable[str] | None = None,
    pictures: bool = True,
) -> Report:
    """The Report of a notebook. A fault of ours gives a Report without a score."""
    topic = answers.topic
    try:
        notebook.require_topic(submitted, topic)
        cells = notebook.submission(submitted, topic)
        return replace(grade_cells(answers, cells, jail, exercises, pictures), student=student)
    except Unreadable as error:
        return unreadable(topic, student, str(error))
    except KitError as error:
        return grader_error(topic, str(error), student)
