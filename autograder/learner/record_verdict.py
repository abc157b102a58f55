"""Take verdicts and hints into the learner's own record."""

from collections.abc import Iterable
from datetime import UTC, datetime

from autograder.learner import statefile
from autograder.model.report import Exercise


def now() -> datetime:
    """The time of a verdict."""
    return datetime.now(UTC)


def verdicts(topic: str, exercises: Iterable[Exercise], at: datetime) -> None:
    """Keep what some exercises came to at some time."""
    with statefile.changing() as progress:
        for exercise in exercises:
            progress.record(topic, exercise, at)


def next_hint(topic: str, exercise: Exercise) -> int:
    """Keep a verdict that a hint was asked for, and that one more was given; return how many."""
    with statefile.changing() as progress:
        return progress.next_hint(topic, exercise, now())
