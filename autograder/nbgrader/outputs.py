"""Write a Report into the check cells of a notebook, where nbgrader and its pages read it."""

from typing import Any

import nbformat

from autograder.model.report import Exercise, Report
from autograder.render import cards

REPORT = "report.json"


def fill(nb: Any, report: Report) -> None:
    """Give every check cell its exercise's card and, for nbgrader, its score."""
    for cell in nb.cells:
        metadata = cell.metadata.get("nbgrader", {})
        if metadata.get("grade") and cell.cell_type == "code":
            cell.outputs = _outputs(report, metadata["grade_id"].removeprefix("check-"))


def _outputs(report: Report, exercise_id: str) -> list[Any]:
    """The output of a check cell: the score as a float between 0 and the points, and the card."""
    exercise = report.exercise(exercise_id)
    card = cards.card(exercise) if report.status == "graded" else cards.notice(report)
    data = {"text/plain": repr(within(exercise)), "text/html": card}
    output = {
        "output_type": "execute_result",
        "data": data,
        "metadata": {},
        "execution_count": None,
    }
    return [nbformat.from_dict(output)]


def within(exercise: Exercise) -> float:
    """The points of an exercise that its cell accepts: between 0 and its maximum."""
    return min(max(float(exercise.score), 0.0), float(exercise.max_score))


def extra_credit(exercise: Exercise) -> float | None:
    """What a bonus exercise earned; None for any other exercise.

    Its cell has 0 points, so the points are extra credit. None removes those of a former bonus.
    """
    return float(exercise.score) if exercise.max_score == 0 else None
