"""The Report: what one submission earned and why. Every page and table is drawn from it alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from autograder.model import picture as pictures
from autograder.model.picture import Picture

SCHEMA = 1
Kind = Literal["value", "shape", "gradient", "convergence", "robustness", "speed"]
ExerciseStatus = Literal["passed", "partial", "failed", "not_attempted", "timeout", "crashed"]
Trouble = Literal[
    "missing", "stub", "raised", "refused", "timeout", "crashed"
]  # why a call brought no value
ReportStatus = Literal["graded", "unreadable", "grader_error"]


@dataclass(frozen=True)
class Check:
    """One sentence that was found true or false. `message` has the call on its first line.

    `picture` is for readers who see: it is left out of the JSON where there is none, and says
    nothing that is not said in the message too, or that decides anything.
    """

    id: str
    kind: Kind
    title: str
    passed: bool
    weight: float = 1
    message: str | None = None
    hint: str | None = None
    misconception: str | None = None
    picture: Picture | None = None


@dataclass(frozen=True)
class Exercise:
    """The checks of one exercise and the points they earned together. A bonus has a
    max_score of 0.
    """

    id: str
    score: float
    max_score: float
    status: ExerciseStatus
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """Everything a reader may know of one submission. `reason` is set unless it was graded."""

    topic: str
    status: ReportStatus
    score: float | None
    max_score: float
    seconds: float
    exercises: list[Exercise] = field(default_factory=list)
    student: str | None = None
    reason: str | None = None
    schema: int = SCHEMA

    @property
    def full_marks(self) -> bool:
        return self.status == "graded" and all(e.score >= e.max_score for e in self.exercises)

    def exercise(self, name: str) -> Exercise:
        return next(e for e in self.exercises if e.id == name)

    def to_dict(self) -> dict[str, Any]:
        order = (
            "schema",
            "topic",
            "student",
            "status",
            "reason",
            "score",
            "max_score",
            "seconds",
            "exercises",
        )
        plain = asdict(self)
        for check in (c for exercise in plain["exercises"] for c in exercise["checks"]):
            if check["picture"] is None:
                del check["picture"]
        return {key: plain[key] for key in order}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what to_json wrote; raise ValueError for another schema or shape."""
        try:
            data = json.loads(text)
            if not isinstance(data, dict):
                raise ValueError(f"not a report: it is a {type(data).__name__}")
            if data.get("schema") != SCHEMA:
                raise ValueError(f"a report of schema {data.get('schema')!r}, expected {SCHEMA}")
            exercises = [
                Exercise(**{**e, "checks": [Check(**c) for c in e["checks"]]})
                for e in data.pop("exercises")
            ]
            report = cls(**data, exercises=exercises)
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"not a report: {error}") from None
        for odd in _oddities(report):
            raise ValueError(f"not a report: {odd}")
        return report


def _oddities(report: Report) -> Iterator[str]:
    """What is of the wrong type in a Report that somebody else may have written."""
    yield from _wrong(report, _is_text, ("topic",))
    yield from _wrong(report, _is_text_or_none, ("student", "reason"))
    yield from _wrong(report, _is_number, ("max_score", "seconds"))
    if report.status not in get_args(ReportStatus):
        yield f"status is {report.status!r}"
    if not (report.score is None or _is_number(report.score)):
        yield f"score is {report.score!r}"
    for exercise in report.exercises:
        yield from _wrong(exercise, _is_text, ("id",))
        yield from _wrong(exercise, _is_number, ("score", "max_score"))
        if exercise.status not in get_args(ExerciseStatus):
            yield f"status is {exercise.status!r}"
        for check in exercise.checks:
            yield from _wrong(check, _is_text, ("id", "title"))
            yield from _wrong(check, _is_text_or_none, ("message", "hint", "misconception"))
            yield from _wrong(check, _is_number, ("weight",))
            if check.kind not in get_args(Kind) or not isinstance(check.passed, bool):
                yield f"{check.id} has kind {check.kind!r} and passed {check.passed!r}"
            if check.picture is not None:
                pictures.require(check.picture)


def _wrong(of: object, fits: Callable[[object], bool], names: tuple[str, ...]) -> Iterator[str]:
    return (f"{name} is {getattr(of, name)!r}" for name in names if not fits(getattr(of, name)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12
    )  # not so a NaN
