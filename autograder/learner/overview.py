"""A learner's map: each lesson's exercises beside what is known of them, and what to do next."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from autograder.learner.progress import Progress, Standing

State = Literal["full", "partial", "none"]


@dataclass(frozen=True)
class Lesson:
    """A topic as a learner sees it: its exercises with their points, a bonus with 0, and its
    notebook.
    """

    id: str
    title: str
    exercises: dict[str, float]
    notebook: Path | None


@dataclass(frozen=True)
class Place:
    """An exercise on the map."""

    id: str
    max_score: float
    standing: Standing | None

    @property
    def state(self) -> State:
        if self.standing is None or self.standing.status == "not_attempted":
            return "none"
        return "full" if self.standing.status == "passed" else "partial"

    @property
    def score(self) -> float:
        return self.standing.score if self.standing else 0.0


@dataclass(frozen=True)
class Part:
    """A lesson on the map."""

    id: str
    title: str
    notebook: Path | None
    places: list[Place]

    @property
    def score(self) -> float:
        return sum(place.score for place in self.places)

    @property
    def max_score(self) -> float:
        return sum(place.max_score for place in self.places)

    @property
    def share(self) -> float:
        """How much of the points is earned, from 0 to 1; a bonus can make up for what is
        missing.
        """
        return min(self.score / self.max_score, 1.0) if self.max_score else 0.0

    @property
    def full(self) -> int:
        return sum(place.state == "full" for place in self.places)

    @property
    def begun(self) -> bool:
        return any(place.state != "none" for place in self.places)

    @property
    def last(self) -> datetime | None:
        return max(
            (place.standing.checked for place in self.places if place.standing), default=None
        )


@dataclass(frozen=True)
class Overview:
    """The whole map."""

    parts: list[Part]

    @property
    def full(self) -> int:
        return sum(part.full for part in self.parts)

    @property
    def exercises(self) -> int:
        return sum(len(part.places) for part in self.parts)

    @property
    def score(self) -> float:
        return sum(part.score for part in self.parts)

    @property
    def max_score(self) -> float:
        return sum(part.max_score for part in self.parts)

    @property
    def share(self) -> float:
        """How much of all points is earned, from 0 to 1; a lesson's bonus makes up for none of
        another's.
        """
        return sum(part.share * part.max_score for part in self.parts) / (self.max_score or 1)

    @property
    def next(self) -> tuple[Part, Place] | None:
        """The first exercise not yet in full of the lesson worked on last, or of the first that has
        one.
        """
        open_parts = [
            p
            for p in self.parts
            if any(place.state != "full" and place.max_score for place in p.places)
        ]
        begun = [(part.last, -i) for i, part in enumerate(open_parts) if part.last is not None]
        if not open_parts:
            return None
        part = open_parts[-max(begun)[1]] if begun else open_parts[0]
        return part, next(
            place for place in part.places if place.state != "full" and place.max_score
        )


def overview(lessons: list[Lesson], progress: Progress) -> Overview:
    """Lay out the lessons in their order, then whatever else was ever checked."""
    parts = [_part(lesson, progress.topics.get(lesson.id, {})) for lesson in lessons]
    for topic in sorted(set(progress.topics) - {lesson.id for lesson in lessons}):
        standings = progress.topics[topic]
        places = [Place(name, standing.max_score, standing) for name, standing in standings.items()]
        parts.append(Part(topic, "", None, places))
    return Overview(parts)


def _part(lesson: Lesson, standings: dict[str, Standing]) -> Part:
    places = [Place(name, points, standings.get(name)) for name, points in lesson.exercises.items()]
    return Part(lesson.id, lesson.title, lesson.notebook, places)
