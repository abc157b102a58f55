"""What grading needs to know of a topic.

In class it is read from course.yaml, at home from the answers file.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ExerciseSpec:
    """One exercise: its points, its budget in CPU seconds, and the parameters of each function."""

    id: str
    points: float
    cpu_seconds: float
    functions: dict[str, list[str]]
    bonus: bool = False  # its points are extra: full marks do not need them


@dataclass(frozen=True)
class Topic:
    """One topic of the course, as course.yaml and its stub notebook describe it."""

    id: str
    title: str
    exercises: list[ExerciseSpec]
    cpu_seconds: float  # budget for running the notebook's own cells
    memory_mb: int
    setup: list[str]  # sources of the locked code cells that every submission starts with
    given: str  # source of given.py

    @property
    def name(self) -> str:
        """`neurons` for `01-neurons`: the name of its notebook, reference and suite."""
        return self.id.partition("-")[2]

    @property
    def max_score(self) -> float:
        return sum(e.points for e in self.exercises if not e.bonus)

    @property
    def functions(self) -> dict[str, list[str]]:
        return {
            name: parameters for e in self.exercises for name, parameters in e.functions.items()
        }

    def exercise(self, name: str) -> ExerciseSpec:
        """The exercise of that id. For any other, KeyError names those that exist."""
        for spec in self.exercises:
            if spec.id == name:
                return spec
        raise KeyError(
            f"{self.id} has no exercise {name!r}; it has {', '.join(e.id for e in self.exercises)}"
        )

    def exercise_of(self, function: str) -> str:
        return next(e.id for e in self.exercises if function in e.functions)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Topic":
        return cls(**{**data, "exercises": [ExerciseSpec(**e) for e in data["exercises"]]})
