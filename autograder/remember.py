"""Take verdicts and hints into the learner's own record, now."""

from collections.abc import Iterable
from datetime import UTC, datetime

from autograder import statefile
from autograder.results import Exercise


def verdicts(topic: str, exercises: Iterable[Exercise]) -> None:
    """Keep what some exercises came to."""
    now = datetime.now(UTC)
    with statefile.changing() as progress:
        for exercise in exercises:
            progress.record(topic, exercise, now)


def next_hint(topic: str, exercise: Exercise) -> int:
    """Keep a verdict that a hint was asked for, and that one more was given; return how many."""
    with statefile.changing() as progress:
        return progress.next_hint(topic, exercise, datetime.now(UTC))
