"""The Report: what one submission earned and why. All pages and tables are drawn from it alone."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from autograder.model import cause as causes
from autograder.model import picture as pictures
from autograder.model import plain
from autograder.model.cause import Call, Cause
from autograder.model.kind import Kind
from autograder.model.picture import Picture

SCHEMA = 1
ExerciseStatus = Literal["passed", "partial", "failed", "not_attempted", "timeout", "crashed"]
ReportStatus = Literal["graded", "unreadable", "grader_error"]
_LEFT_OUT = ("call", "cause", "picture")  # of the JSON if None


@dataclass(frozen=True)
class Check:
    """One sentence that was found true or false. The first line of `message` is the call.

    `call` and `cause` say the same as data; `picture` shows it. None of the three says more than
    the message, and the JSON omits each if it is None.
    """

    id: str
    kind: Kind
    title: str
    passed: bool
    weight: float = 1
    message: str | None = None
    hint: str | None = None
    misconception: str | None = None
    call: Call | None = None
    cause: Cause | None = None
    picture: Picture | None = None

    @property
    def waits(self) -> bool:
        """Whether it holds, and counts once the function gives right values."""
        return causes.kind(self.cause) == "waits"

    @property
    def said(self) -> tuple[str, str]:
        """The call in words, "" if none was made, and what was found."""
        first, _, rest = (self.message or "").partition("\n")
        return (first, rest) if self.call is not None and rest else ("", self.message or "")


@dataclass(frozen=True)
class Exercise:
    """The checks of one exercise and the points they earned. A bonus has a max_score of 0."""

    id: str
    score: float
    max_score: float
    status: ExerciseStatus
    checks: list[Check] = field(default_factory=list)

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold, without those that only wait."""
        return [check for check in self.checks if not (check.passed or check.waits)]


@dataclass(frozen=True)
class Report:
    """The verdict on one submission. `reason` is set unless the status is "graded"."""

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
        found = asdict(self)
        for check in (c for exercise in found["exercises"] for c in exercise["checks"]):
            for name in _LEFT_OUT:
                if check[name] is None:
                    del check[name]
        return {key: found[key] for key in order}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read untrusted JSON of `to_json`'s format. NotAReport for anything else.

        Unknown keys are ignored.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise NotAReport("it is not JSON") from None
        if not isinstance(data, dict):
            raise NotAReport(f"it is a {type(data).__name__}")
        schema = data.get("schema")
        if schema != SCHEMA:
            found = f"schema {schema}" if isinstance(schema, int) else "no schema"
            raise NotAReport(f"it has {found[:20]}, this version reads {SCHEMA}")
        try:
            report: Report = plain.read(cls, _REPORT, data)
        except plain.Odd as odd:
            raise NotAReport(str(odd)) from None
        return report


class NotAReport(ValueError):
    """The text is no Report. `why` says why in a few words, none of them taken from the text."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a report: {why}")
        self.why = why


_CHECK = {
    "id": plain.text,
    "kind": plain.word(Kind),
    "title": plain.text,
    "passed": plain.truth,
    "weight": plain.number,
    "message": plain.text_or_none,
    "hint": plain.text_or_none,
    "misconception": plain.text_or_none,
    "call": plain.optional(causes.read_call),
    "cause": plain.optional(causes.read),
    "picture": plain.optional(pictures.require),
}
_EXERCISE = {
    "id": plain.text,
    "score": plain.number,
    "max_score": plain.number,
    "status": plain.word(ExerciseStatus),
    "checks": plain.each(Check, _CHECK),
}
_REPORT = {
    "topic": plain.text,
    "status": plain.word(ReportStatus),
    "score": plain.number_or_none,
    "max_score": plain.number,
    "seconds": plain.number,
    "exercises": plain.each(Exercise, _EXERCISE),
    "student": plain.text_or_none,
    "reason": plain.text_or_none,
}
