"""The class report as a table for a spreadsheet, one row for each student."""

from collections.abc import Iterator, Sequence

from autograder.model.class_list import ClassList, StudentEntry
from autograder.render import class_figures, spreadsheet, view
from autograder.render.class_page import STATE
from autograder.render.spreadsheet import Cell


def render(roll: ClassList) -> bytes:
    """The bytes of the CSV file, with a byte order mark for Excel."""
    return spreadsheet.table(_rows(roll), bom=True)


def _rows(roll: ClassList) -> Iterator[Sequence[Cell]]:
    concerns = {
        concern.student: "; ".join(concern.reasons) for concern in class_figures.concerns(roll)
    }
    yield [
        *(
            "student",
            "name",
            "state",
            "points by machine",
            "of",
            "gradebook",
            "gradebook of",
            "late (hours)",
            "penalty",
        ),
        *("seconds to grade", "by hand", "look at", *roll.exercises, "likely misconceptions"),
    ]
    for entry in roll.entries:
        yield [
            *_row(entry, roll),
            concerns.get(entry.student, ""),
            *_points(entry, roll),
            _misconceptions(entry),
        ]


def _row(entry: StudentEntry, roll: ClassList) -> list[Cell]:
    grade, report = entry.grade, entry.report
    late = None if entry.seconds_late is None else round(entry.seconds_late / 3600, 2)
    return [
        *(entry.student, entry.name, STATE[entry.state]),
        *((report.score, roll.max_score) if report else (None, None)),
        *((grade.score, grade.max_score) if grade else (None, None)),
        *(late, grade.penalty if grade else None, report.seconds if report else None),
        "; ".join(grade.waiting) if grade else "",
    ]


def _points(entry: StudentEntry, roll: ClassList) -> list[Cell]:
    """The points of each exercise in the order of the header; empty without a verdict."""
    found = {e.id: e.score for e in entry.report.exercises} if entry.report else {}
    return [found.get(name) for name in roll.exercises]


def _misconceptions(entry: StudentEntry) -> str:
    exercises = entry.report.exercises if entry.report else []
    return "; ".join(
        f"{e.id}: {misconception.title}"
        for e in exercises
        for misconception in view.misconceptions(e)
    )
