"""The outcome of one check in a run. The Report's Check is made from it."""

from dataclasses import dataclass
from typing import Any

from autograder.model.cause import Call, Cause
from autograder.model.picture import Picture
from autograder.model.report import Kind


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check: the value that failed it, and the margin to its threshold."""

    exercise: str
    id: str
    kind: Kind
    title: str
    weight: float
    passed: bool
    margin: float | None = None
    call: str = ""  # in words
    made: Call | None = None  # the same call as data
    message: str = ""
    hint: str | None = None
    cause: Cause | None = None
    saw: Any = None
    picture: Picture | None = None

    @property
    def key(self) -> str:
        return f"{self.exercise}::{self.id}"
