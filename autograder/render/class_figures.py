"""The numbers of a class report, each computed from the class list by a small pure function."""

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autograder.model.class_list import ClassList, State, StudentEntry
from autograder.model.report import Exercise, ExerciseStatus, Report
from autograder.render import view

BINS = 10
_WORST = 5  # checks of an exercise that are shown unfolded
Bins = Sequence["Bin"]
# an outlier takes so many times the median, and so many seconds more
_SLOW, _SLOW_SECONDS = 5.0, 2.0


@dataclass(frozen=True)
class Bin:
    """A bar of the histogram: how many scores are in [low, high). The last bin includes `high`."""

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Scores:
    """The distribution of automatic points over the graded submissions."""

    bins: Sequence[Bin]
    lowest: float
    median: float
    mean: float
    highest: float


@dataclass(frozen=True)
class Rate:
    """How many of the students who attempted an exercise pass one of its checks."""

    title: str
    passed: int
    tried: int

    @property
    def share(self) -> float:
        return self.passed / self.tried if self.tried else 0.0


@dataclass(frozen=True)
class Attempts:
    """One exercise over the class. `mean` is the mean share of its points of all graded students."""

    id: str
    max_score: float
    mean: float
    statuses: dict[ExerciseStatus, int]
    rates: Sequence[Rate]  # the worst first

    @property
    def worst(self) -> Sequence[Rate]:
        """The hardest checks that somebody fails."""
        return [rate for rate in self.rates if rate.share < 1][:_WORST]

    @property
    def not_attempted(self) -> int:
        return self.statuses.get("not_attempted", 0)


@dataclass(frozen=True)
class ClassMisconception:
    """A misconception that was named in the class, and the students who have it."""

    exercise: str
    title: str
    hint: str
    students: Sequence[str]

    @property
    def rare(self) -> bool:
        return len(self.students) == 1


@dataclass(frozen=True)
class Concern:
    """A student whose work needs a human, and why."""

    student: str
    name: str
    reasons: Sequence[str]


def counts(roll: ClassList) -> dict[State, int]:
    """The number of students in each state, zeros included."""
    found = Counter(entry.state for entry in roll.entries)
    states: tuple[State, ...] = ("graded", "unreadable", "grader_error", "not_graded", "nothing")
    return {state: found[state] for state in states}


def handed_in(roll: ClassList) -> int:
    return sum(entry.handed_in for entry in roll.entries)


def untouched(roll: ClassList) -> list[str]:
    """Students who submitted a notebook without attempting any exercise."""
    return [
        e.student for e, r in roll.graded if all(x.status == "not_attempted" for x in r.exercises)
    ]


def scores(roll: ClassList) -> Scores | None:
    """The distribution of points; None if nothing was graded.

    A bonus may lift a score above the end of the last bin.
    """
    found = [report.score or 0.0 for _, report in roll.graded]
    if not found:
        return None
    width = (roll.max_score or 1.0) / BINS
    places = Counter(min(int(score / width + 1e-9), BINS - 1) for score in found)
    bins = [Bin(i * width, (i + 1) * width, places[i]) for i in range(BINS)]
    return Scores(bins, min(found), statistics.median(found), statistics.fmean(found), max(found))


def attempts(roll: ClassList) -> list[Attempts]:
    """The exercises, the hardest first."""
    found = []
    for name, points in roll.exercises.items():
        made = [e for _, report in roll.graded for e in report.exercises if e.id == name]
        # a bonus is compared with its best score
        full = points or max((e.score for e in made), default=0.0)
        mean = statistics.fmean(min(e.score / full, 1.0) for e in made) if made and full else 0.0
        statuses = Counter(e.status for e in made)
        found.append(Attempts(name, points, mean, dict(statuses), _rates(made)))
    return sorted(found, key=lambda a: a.mean)


def _rates(made: Sequence[Exercise]) -> list[Rate]:
    """One rate for each sentence: a student passes it if all its cases pass."""
    tried, passed = Counter[str](), Counter[str]()
    for exercise in made:
        if exercise.status != "not_attempted":
            sentences: dict[str, bool] = {}
            for check in exercise.checks:
                sentences[check.title] = sentences.get(check.title, True) and (
                    check.passed or check.waits
                )
            tried.update(sentences.keys())
            passed.update(title for title, good in sentences.items() if good)
    return sorted(
        (Rate(title, passed[title], n) for title, n in tried.items()), key=lambda r: r.share
    )


def misconceptions(roll: ClassList) -> list[ClassMisconception]:
    """The misconceptions that were named, the most frequent first."""
    students: dict[tuple[str, str], list[str]] = {}
    hints: dict[tuple[str, str], str] = {}
    for entry, report in roll.graded:
        for exercise, misconception in dict.fromkeys(_named(report)):
            students.setdefault((exercise, misconception.title), []).append(entry.student)
            hints.setdefault((exercise, misconception.title), misconception.hint)
    found = [ClassMisconception(*key, hints[key], who) for key, who in students.items()]
    return sorted(found, key=lambda m: -len(m.students))


def _named(report: Report) -> Iterator[tuple[str, view.Misconception]]:
    return (
        (exercise.id, misconception)
        for exercise in report.exercises
        for misconception in view.misconceptions(exercise)
    )


def typical_seconds(roll: ClassList) -> float | None:
    """The median grading time."""
    found = [report.seconds for _, report in roll.graded]
    return statistics.median(found) if found else None


def slow(roll: ClassList) -> list[tuple[str, float]]:
    """Submissions that took far longer to grade than the others, the slowest first."""
    median = typical_seconds(roll) or 0.0
    least = max(_SLOW * median, median + _SLOW_SECONDS)
    found = [
        (entry.student, report.seconds) for entry, report in roll.graded if report.seconds > least
    ]
    return sorted(found, key=lambda pair: -pair[1])


def concerns(roll: ClassList) -> list[Concern]:
    """Students who need a human, apart from waiting written answers."""
    found = ((entry, list(_reasons(entry, roll))) for entry in roll.entries)
    return [Concern(entry.student, entry.name, reasons) for entry, reasons in found if reasons]


def _reasons(entry: StudentEntry, roll: ClassList) -> Iterator[str]:
    report = entry.report
    if entry.fault is not None:
        yield f"grader error, our fault: {entry.fault}"
    elif entry.state == "not_graded":
        yield f"handed in, not graded: {entry.trouble or 'there is no report'}; grade it"
    if entry.outdated and entry.fault is None:
        yield "submitted again since it was graded; grade it again"
    if report is None:
        return
    if report.status == "unreadable":
        yield f"unreadable, 0 points: {report.reason or 'no reason was given'}"
        return
    for exercise in report.exercises:
        if exercise.status in ("timeout", "crashed"):
            yield f"{exercise.id} {view.STATUS[exercise.status]}"
    if {e.id for e in report.exercises} != set(roll.exercises):
        yield "graded by another version of the topic; grade it again"
    if entry.grade is None and roll.points_possible is not None:
        yield "graded, but not in the gradebook: the grading was cut short; grade it again"
    if _fewer_points(entry, report):
        yield "the gradebook has fewer points than the report gave: were they changed by hand?"


def _fewer_points(entry: StudentEntry, report: Report) -> bool:
    grade = entry.grade
    return grade is not None and grade.score + grade.penalty < (report.score or 0.0) - 0.01


def waiting(roll: ClassList) -> dict[str, int]:
    """The number of written answers that wait for manual grading, by cell."""
    return dict(
        Counter(cell for entry in roll.entries if entry.grade for cell in entry.grade.waiting)
    )


def late(roll: ClassList) -> list[StudentEntry]:
    """Students who were late, the latest first."""
    return sorted(
        (e for e in roll.entries if e.seconds_late), key=lambda e: -(e.seconds_late or 0.0)
    )


def has_due_date(roll: ClassList) -> bool:
    return any(entry.seconds_late is not None for entry in roll.entries)


def duration(seconds: float) -> str:
    """`3 days 4 h`, `2 h 5 min` or `4 min`."""
    minutes = max(1, round(seconds / 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")
    return (f"{hours} h" + (f" {rest} min" if rest else "")) if hours else f"{rest} min"
