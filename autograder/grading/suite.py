"""Where a topic's public checks and probes are installed, and the digest by which they are
known.
"""

from pathlib import Path

from autograder.model import answer_key
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.model.topic import Topic

_CHECKS = Path(__file__).parents[1] / "checks"


def suite_path(topic: Topic) -> Path:
    """The suite of a topic; KitError if this autograder has none."""
    path = _CHECKS / topic.name / f"test_{topic.name}.py"
    if not path.is_file():
        raise KitError(
            f"this autograder has no checks for {topic.id}; install the version that came with "
            "the course"
        )
    return path


def probes_source(topic: Topic) -> str:
    """The source of the topic's probes, which run beside the student's code; empty where it has
    none.
    """
    path = _CHECKS / topic.name / "probes.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def suite_digest(topic: Topic) -> str:
    """Digest of a topic's checks and probes, by which an answers file knows them."""
    return answer_key.digest(suite_path(topic).read_text(encoding="utf-8"), probes_source(topic))


def require_suite(answers: Answers, path: Path) -> None:
    """KitError unless the answers were recorded with the checks that are installed."""
    if answers.suite != suite_digest(answers.topic):
        raise KitError(
            f"{path} was made for another version of the checks than this autograder has; "
            "take the folder and the package from the same release"
        )
