"""Where a topic's public checks and probes are installed, and their digest."""

from pathlib import Path

from autograder.model import answer_key
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.model.topic import Topic

_CHECKS = Path(__file__).parents[1] / "checks"


def suite_files(topic: Topic) -> list[Path]:
    """The test files of a topic's suite. KitError if this autograder has none."""
    files = sorted((_CHECKS / topic.name).glob("test_*.py"))
    if not files:
        raise KitError(
            f"this autograder has no checks for {topic.id}; install the version that came with the "
            "course"
        )
    return files


def probes_source(topic: Topic) -> str:
    """The source of the topic's probes, which run beside the student's code; "" if it has none."""
    path = _CHECKS / topic.name / "probes.py"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def suite_digest(topic: Topic) -> str:
    """Digest of a topic's checks, data and probes, which the answers file records."""
    files = sorted((_CHECKS / topic.name).glob("*.py")) if suite_files(topic) else []
    return answer_key.digest(*(part for f in files for part in (f.name, f.read_text("utf-8"))))


def require_suite(answers: Answers, path: Path) -> None:
    """Raise KitError unless the answers were recorded with the installed checks."""
    if answers.suite != suite_digest(answers.topic):
        raise KitError(
            f"{path} was made for another version of the checks; use the folder and the package "
            "from the same release"
        )
