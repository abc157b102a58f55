"""The Report: what one submission earned and why. Every page and table is drawn from it alone."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SCHEMA = 1
Kind = Literal["value", "shape", "gradient", "convergence", "robustness", "speed"]
ExerciseStatus = Literal["passed", "partial", "failed", "not_attempted", "timeout", "crashed"]
ReportStatus = Literal["graded", "unreadable", "grader_error"]


@dataclass(frozen=True)
class Check:
    """One sentence that was found true or false. `message` has the call on its first line."""

    id: str
    kind: Kind
    title: str
    passed: bool
    weight: float = 1
    message: str | None = None
    hint: str | None = None
    misconception: str | None = None


@dataclass(frozen=True)
class Exercise:
    """The checks of one exercise and the points they earned together. A bonus has a max_score of 0."""

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
        order = ("schema", "topic", "student", "status", "reason", "score", "max_score", "seconds", "exercises")
        plain = asdict(self)
        return {key: plain[key] for key in order}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what to_json wrote; raise ValueError for another schema or shape."""
        try:
            data = json.loads(text)
            if data.get("schema") != SCHEMA:
                raise ValueError(f"a report of schema {data.get('schema')!r}, expected {SCHEMA}")
            exercises = [Exercise(**{**e, "checks": [Check(**c) for c in e["checks"]]}) for e in data.pop("exercises")]
            return cls(**data, exercises=exercises)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a report: {error}") from None
