"""Which lessons there are to make progress in: those of course.yaml, or the released folders that
lie here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.learner.overview import Lesson
from autograder.model import answer_key
from autograder.model.errors import UserError
from autograder.model.topic import Topic

if TYPE_CHECKING:
    from autograder.course.course_file import Course


def lessons(folder: Path) -> tuple[list[Lesson], list[str]]:
    """The lessons at, below or around a folder, and a line for each that could not be read."""
    here = folder.resolve()
    if not here.is_dir():
        raise UserError(f"{folder} is not a folder; give the one that holds the lessons")
    try:
        from autograder.course import course_file  # needs packages that not every learner has
    except ImportError:
        return _released(here)
    for above in (here, *here.parents):
        if (above / course_file.FILE).is_file():
            return _of_course(course_file.load(above / course_file.FILE)), []
    return _released(here)


def _of_course(course: "Course") -> list[Lesson]:
    found = []
    for topic_id, entry in course.file.topics.items():
        points = {name: 0.0 if e.bonus else e.points for name, e in entry.exercises.items()}
        found.append(
            Lesson(topic_id, entry.title, points, _notebook(course.release(topic_id), topic_id))
        )
    return found


def _released(here: Path) -> tuple[list[Lesson], list[str]]:
    found: dict[str, Lesson] = {}
    troubles = []
    for path in _answers_files(here):
        try:
            topic = answer_key.topic_of(path)
        except UserError as error:
            troubles.append(str(error))
        else:
            found.setdefault(topic.id, _lesson(topic, path.parent))
    return [found[topic_id] for topic_id in sorted(found)], troubles


def _answers_files(here: Path) -> Iterator[Path]:
    """Beside the notebook, in a folder of lessons, in a release; and the lessons beside the one
    that this is.
    """
    name = answer_key.NAME
    own = here / name
    yield from [own] if own.is_file() else []
    for base in (
        here,
        *([here.parent] if own.is_file() else []),
        *(f / "release" for f in (here, *here.parents)),
    ):
        yield from sorted(base.glob(f"*/{name}"))


def _lesson(topic: Topic, folder: Path) -> Lesson:
    points = {e.id: 0.0 if e.bonus else e.points for e in topic.exercises}
    return Lesson(topic.id, topic.title, points, _notebook(folder, topic.id))


def _notebook(folder: Path, topic_id: str) -> Path | None:
    path = folder / f"{topic_id.partition('-')[2]}.ipynb"
    return path if path.is_file() else None
