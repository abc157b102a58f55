"""Find the answers to check a notebook against: beside it, in the release, or recorded for
a seed.
"""

from pathlib import Path

from autograder.grading.suite import require_suite
from autograder.model import answer_key, notebook
from autograder.model.answer_key import NAME, Answers
from autograder.model.errors import UserError
from autograder.model.notebook import Notebook, Unreadable


def answers_for(path: Path, seed: int | None) -> Answers:
    """The answers file that lies beside the notebook or in the course's release/, or one made for
    `seed`.
    """
    if seed is not None:
        return _recorded(path, seed)
    for candidate in (path.parent / NAME, *_released(path)):
        if candidate.is_file():
            answers = answer_key.load(candidate)
            require_suite(answers, candidate)
            return answers
    raise UserError(
        f"there is no {NAME} beside {path}, and no release/ folder of its topic above it; check "
        "the notebook in the folder that it came in"
    )


def _released(path: Path) -> list[Path]:
    """Where the release of the notebook's topic may lie: in a folder above the notebook or above
    here.
    """
    try:
        topic = notebook.read(path).topic
    except Unreadable:
        topic = None
    folders = dict.fromkeys([*path.resolve().parents, Path.cwd(), *Path.cwd().parents])
    return [found for f in folders for found in sorted(f.glob(f"release/{topic or '*'}/{NAME}"))]


def _recorded(path: Path, seed: int) -> Answers:
    """Record answers for a seed: for whoever has the solutions, and the packages that a course
    needs.
    """
    from autograder.course import course_file
    from autograder.course.record import record

    course = course_file.find(Path.cwd())
    topic = _topic_of(notebook.read(path), course.topic_ids)
    return record(course, course.topic(topic), seed)


def _topic_of(notebook: Notebook, known: list[str]) -> str:
    if notebook.topic in known:
        return str(notebook.topic)
    named = [t for t in known if t.partition("-")[2] == notebook.path.stem]
    if notebook.topic is None and named:
        return named[0]
    raise Unreadable(
        f"{notebook.path.name} does not name its topic; the topics in course.yaml are "
        f"{', '.join(known)}"
    )
