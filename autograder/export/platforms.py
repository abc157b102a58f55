"""A topic's grades as learning platforms import them.

A student without a grade stays without one, never 0.
"""

from autograder.model.class_list import ClassList, StudentEntry
from autograder.render import spreadsheet
from autograder.render.spreadsheet import Cell

_POINTS_ROW = "Points Possible"  # Canvas knows the row of points by these words in its first cell


def grade_of(entry: StudentEntry, partial: bool) -> float | None:
    """The points to export; None without a grade or, unless `partial`, with an incomplete one."""
    if entry.grade is None or not (entry.grade.complete or partial):
        return None
    return round(entry.grade.score, 4)


def remarks(roll: ClassList, partial: bool) -> list[str]:
    """What to know before an import: who has no grade and why, and which grades may change."""
    none = [entry for entry in roll.entries if grade_of(entry, partial) is None]
    absent = sum(entry.grade is None and entry.state == "nothing" for entry in none)
    waits = sum(entry.grade is not None for entry in none)
    told = {
        "without a grade: handed in nothing": absent,
        "without a grade: not graded": len(none) - absent - waits,
        "without a grade: written answers wait for manual grading (--partial exports the rest)": waits,
        "with an earlier grade: grading them again failed by our own fault": sum(
            entry.fault is not None and entry.grade is not None for entry in roll.entries
        ),
        "with an earlier grade: submitted again since; grade them again": sum(
            e.outdated for e in roll.entries
        ),
    }
    return [f"{n} {text}" for text, n in told.items() if n]


def canvas(roll: ClassList, column: str, partial: bool) -> bytes:
    """Canvas: its five columns in order, the assignment's column, and the row of points.

    Canvas looks for a student by ID, then by the two SIS columns, then by name.
    """
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column]
    points: list[Cell] = [_POINTS_ROW, None, None, None, None, roll.points_possible]
    rows = [[_name(e), e.lms_id, None, e.student, None, grade_of(e, partial)] for e in roll.entries]
    return spreadsheet.table([header, points, *rows], bom=False)


def _name(entry: StudentEntry) -> str:
    """The student's name, unless Canvas would take the row for its row of points."""
    names = (name for name in (entry.name, entry.student) if name and _POINTS_ROW not in name)
    return next(names, "")


def moodle(roll: ClassList, column: str, partial: bool) -> bytes:
    """Moodle: columns that identify a student, and the grade.

    Only identifiers that every student has become columns: Moodle would enter a row with an empty
    identifier for the student above it. A missing grade is Moodle's own sign for none, because an
    empty cell becomes a 0 if the column becomes a new grade item.
    """
    known = {
        "Username": [entry.student for entry in roll.entries],
        "ID number": [entry.lms_id for entry in roll.entries],
        "Email address": [entry.email for entry in roll.entries],
    }
    whole = {title: values for title, values in known.items() if all(values)}
    grades: list[Cell] = [grade_of(entry, partial) for entry in roll.entries]
    marked = [spreadsheet.NONE if grade is None else grade for grade in grades]
    return spreadsheet.table([[*whole, column], *zip(*whole.values(), marked)], bom=False)
