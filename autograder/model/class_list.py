"""The roll: what is known of each student's work on one topic, put together for class reports and
exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from autograder.model.report import Report

State = Literal["graded", "unreadable", "grader_error", "not_graded", "nothing"]


@dataclass(frozen=True)
class GradebookGrade:
    """What the gradebook holds of a submission. `score` is what counts: manual points in, late
    penalty off.
    """

    score: float
    max_score: float
    complete: bool  # every cell has points, by machine or by hand
    waiting: Sequence[str] = ()  # cells that formgrader lists as to be graded by hand
    penalty: float = 0.0


@dataclass(frozen=True)
class StudentEntry:
    """One student: what was handed in, what became of it, and what stands in the gradebook."""

    student: str
    name: str = ""  # first and last name, where the gradebook has them
    handed_in: bool = False
    report: Report | None = None
    trouble: str | None = None  # why there is no Report of a submission
    fault: str | None = None  # the grader error of the latest attempt
    outdated: bool = False  # handed in anew since it was graded
    grade: GradebookGrade | None = None
    seconds_late: float | None = None  # None where no due date is known, or no time of handing in
    email: str = ""
    lms_id: str = ""

    @property
    def state(self) -> State:
        """Where this student's work stands. A fault of ours outweighs an earlier verdict."""
        if self.fault is not None:
            return "grader_error"
        if self.report is not None and self.report.status != "grader_error":
            return self.report.status
        return "not_graded" if self.handed_in else "nothing"


@dataclass(frozen=True)
class ClassList:
    """All students of a course, on one topic. `notes` say what could not be read."""

    topic: str
    title: str
    entries: Sequence[StudentEntry]
    exercises: dict[str, float]  # id -> points that it counts for, 0 for a bonus
    notes: Sequence[str] = field(default_factory=list)
    points_possible: float | None = (
        None  # in the gradebook, written answers included; None where it has no such topic
    )

    @property
    def max_score(self) -> float:
        return sum(self.exercises.values())

    @property
    def graded(self) -> list[tuple[StudentEntry, Report]]:
        """The students with a verdict, and it."""
        return [(e, e.report) for e in self.entries if e.state == "graded" and e.report is not None]
