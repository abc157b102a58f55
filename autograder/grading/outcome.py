"""The outcome of one check in a run. The Report's Check is made from it."""

from dataclasses import dataclass

from autograder.model.cause import Call, Cause
from autograder.model.fingerprint import Fingerprint
from autograder.model.kind import Kind
from autograder.model.picture import Picture


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check. Of the value that failed it, only the fingerprint is kept."""

    exercise: str
    id: str
    kind: Kind
    title: str
    weight: float
    passed: bool
    drawn: bool = False  # it judges values on inputs drawn from the seed
    compared: bool = False  # with the reference's
    functions: frozenset[str] = frozenset()  # of the student's, that it called
    margin: float | None = None
    call: str = ""  # in words
    made: Call | None = None  # the same call as data
    message: str = ""
    hint: str | None = None
    cause: Cause | None = None
    fingerprint: Fingerprint | None = None
    picture: Picture | None = None

    @property
    def key(self) -> str:
        return f"{self.exercise}::{self.id}"
