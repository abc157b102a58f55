"""How far a learner is: of each exercise what its last check came to, and which hints were
given.
"""

import json
import math
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, get_args

from autograder.model.report import Exercise, ExerciseStatus

SCHEMA = 1
TIERS = 3  # hints that there are for one failing check
_OVERTAKEN = timedelta(
    minutes=1
)  # a later verdict may be kept sooner; far later is a clock that was put right


@dataclass(frozen=True)
class Hinted:
    """The check that the last hint was about, and how many hints were given for it."""

    check: str
    tier: int


@dataclass(frozen=True)
class Standing:
    """What the last check of an exercise came to, its best score so far, and when it was
    checked.
    """

    status: ExerciseStatus
    score: float
    max_score: float
    best: float
    checked: datetime
    hinted: Hinted | None = None


@dataclass
class Progress:
    """The standings of all that was ever checked: topic -> exercise -> Standing."""

    topics: dict[str, dict[str, Standing]] = field(default_factory=dict)

    def record(self, topic: str, exercise: Exercise, now: datetime) -> None:
        """Take in a verdict. A stub or a fresh kernel undoes nothing: what was once attempted stays
        so.
        """
        old = self.topics.get(topic, {}).get(exercise.id)
        if old is not None and exercise.status == "not_attempted" != old.status:
            return
        if old is not None and now < old.checked < now + _OVERTAKEN:
            return
        best = max(exercise.score, old.best if old else 0.0)
        hinted = (
            old.hinted
            if old and old.hinted and old.hinted.check == first_failure(exercise)
            else None
        )
        standing = Standing(exercise.status, exercise.score, exercise.max_score, best, now, hinted)
        self.topics.setdefault(topic, {})[exercise.id] = standing

    def next_hint(self, topic: str, exercise: Exercise, now: datetime) -> int:
        """Take in a verdict that a hint was asked for; return how many hints are to be shown by
        now.
        """
        self.record(topic, exercise, now)
        standing, check = self.topics[topic][exercise.id], first_failure(exercise)
        if check is None:
            return 0
        given = standing.hinted.tier if standing.hinted and standing.hinted.check == check else 0
        tier = min(given + 1, TIERS)
        self.topics[topic][exercise.id] = replace(standing, hinted=Hinted(check, tier))
        return tier

    def to_json(self) -> str:
        topics = {
            topic: {name: _plain(standing) for name, standing in sorted(standings.items())}
            for topic, standings in sorted(self.topics.items())
        }
        return json.dumps({"schema": SCHEMA, "topics": topics}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Progress":
        """Read what to_json wrote; raise ValueError for anything else."""
        try:
            data = json.loads(text)
            if data["schema"] != SCHEMA:
                raise ValueError(f"progress of schema {data['schema']!r}, expected {SCHEMA}")
            topics = {
                topic: {name: _standing(plain) for name, plain in standings.items()}
                for topic, standings in data["topics"].items()
            }
        except (AttributeError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"no record of progress: {type(error).__name__}: {error}") from None
        return cls(topics)


def first_failure(exercise: Exercise) -> str | None:
    """The first check that fails: the one that hints are about."""
    return next((check.id for check in exercise.failed), None)


def _plain(standing: Standing) -> dict[str, Any]:
    return {**asdict(standing), "checked": standing.checked.isoformat(timespec="microseconds")}


def _standing(plain: dict[str, Any]) -> Standing:
    hinted, checked = plain["hinted"], datetime.fromisoformat(plain["checked"])
    if (
        plain["status"] not in get_args(ExerciseStatus)
        or checked.tzinfo is None
        or not 2000 < checked.year < 3000
    ):
        raise ValueError(f"status {plain['status']!r} at {checked}")
    score, max_score, best = (_points(plain[key]) for key in ("score", "max_score", "best"))
    return Standing(
        plain["status"],
        score,
        max_score,
        best,
        checked,
        _hinted(hinted) if hinted is not None else None,
    )


def _hinted(plain: dict[str, Any]) -> Hinted:
    check, tier = plain["check"], plain["tier"]
    if type(check) is not str or type(tier) is not int or not 1 <= tier <= TIERS:
        raise ValueError(f"hint {tier!r} of {check!r}")
    return Hinted(check, tier)


def _points(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} points")
    return float(value)
