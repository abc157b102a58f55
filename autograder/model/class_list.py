"""The class list: each student's work on one topic, for class reports and exports."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from autograder.model.report import Report

State = Literal["graded", "unreadable", "grader_error", "not_graded", "nothing"]


@dataclass(frozen=True)
class GradebookGrade:
    """A submission's grade in the gradebook.

    `score` counts: with manual points, after the late penalty.
    """

    score: float
    max_score: float
    complete: bool  # every cell has points, automatic or manual
    waiting: Sequence[str] = ()  # cells that wait for manual grading
    penalty: float = 0.0


@dataclass(frozen=True)
class StudentEntry:
    """One student: what was handed in, its Report, and the grade in the gradebook."""

    student: str
    name: str = ""  # first and last name, where the gradebook has them
    handed_in: bool = False
    report: Report | None = None
    trouble: str | None = None  # why there is no Report of a submission
    fault: str | None = None  # the grader error of the latest attempt
    outdated: bool = False  # submitted again since it was graded
    grade: GradebookGrade | None = None
    seconds_late: float | None = None  # None if the due date or the time of submission is unknown
    email: str = ""
    lms_id: str = ""

    @property
    def state(self) -> State:
        """The state of this student's work. A grader error outweighs an earlier verdict."""
        if self.fault is not None:
            return "grader_error"
        if self.report is not None and self.report.status != "grader_error":
            return self.report.status
        return "not_graded" if self.handed_in else "nothing"


@dataclass(frozen=True)
class ClassList:
    """All students of a course on one topic. `notes` say what could not be read."""

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
        """The students with a verdict, each with the Report."""
        return [(e, e.report) for e in self.entries if e.state == "graded" and e.report is not None]
