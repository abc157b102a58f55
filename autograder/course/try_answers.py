"""Grade many Python modules with one recording: an author tries right and wrong answers."""

from collections.abc import Iterable
from pathlib import Path

from autograder.course.course_file import Course
from autograder.course.record import record
from autograder.course.solve import read_source, solve
from autograder.grading.run import grade_each
from autograder.jail.workers import Jail
from autograder.model import notebook
from autograder.model.answer_key import PUBLIC_SEED
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.model.report import Report
from autograder.model.topic import Topic


def try_answers(
    course: Course,
    topic_id: str,
    files: Iterable[Path],
    jail: Jail,
    seed: int | None = None,
    exercise: str | None = None,
) -> list[Report]:
    """The Report of each file, in order. UserError if one cannot be read or is not Python.

    Answers that a file lacks stay stubs. The default seed is the public one.
    """
    topic = course.topic(topic_id)
    wanted = None if exercise is None else [_exercise(topic, exercise)]
    submissions = [_cells(course, topic, path) for path in files]
    answers = record(course, topic, PUBLIC_SEED if seed is None else seed)
    graded = grade_each(answers, submissions, jail, wanted)
    return [r if isinstance(r, Report) else grader_error(topic, str(r)) for r in graded]


def _exercise(topic: Topic, name: str) -> str:
    try:
        return topic.exercise(name).id
    except KeyError as error:
        raise UserError(error.args[0]) from None


def _cells(course: Course, topic: Topic, path: Path) -> list[notebook.Cell]:
    """The cells of the stub notebook, filled with the functions of a file."""
    stub = course.assignment(topic.id)
    filled = solve(stub, topic, read_source(path), str(path))
    return notebook.submission(notebook.of(stub, filled), topic)
