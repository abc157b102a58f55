"""At `nbgrader autograde`: grade the notebook in our worker and write what came of it into its check cells."""

from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder import course as course_file
from autograder import notebook
from autograder.errors import KitError
from autograder.nbgrader.rebuild import MARK
from autograder.record import secret_answers
from autograder.report import html
from autograder.results import Report
from autograder.submissions import grade_notebook, unreadable

REPORT = "report.json"


class Grade(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's Execute: no kernel, no code of the student's in this process."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        course = course_file.find(Path.cwd())
        names = resources["nbgrader"]
        topic = course.topic(names["assignment"])
        reason = nb.metadata.get(MARK, {}).get("unreadable")
        if reason:
            report = unreadable(topic, names["student"], reason)
        else:
            submitted = notebook.parse(course.assignment(topic.id), nbformat.writes(nb))
            report = grade_notebook(secret_answers(course, topic), submitted, names["student"])
        if report.status == "grader_error":
            raise KitError(str(report.reason))  # nbgrader drops this attempt and keeps any earlier grade
        for cell in nb.cells:
            metadata = cell.metadata.get("nbgrader", {})
            if metadata.get("grade") and cell.cell_type == "code":
                cell.outputs = _outputs(report, metadata["grade_id"].removeprefix("check-"))
        resources.setdefault("outputs", {})[REPORT] = report.to_json().encode()
        resources[REPORT] = report
        return nb, resources


class SaveBonus(NbGraderPreprocessor):  # type: ignore[misc]
    """Enters what a bonus exercise earned as extra credit, which its cell of 0 points cannot hold."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        names, report = resources["nbgrader"], resources[REPORT]
        with Gradebook(names["db_url"]) as gradebook:
            for exercise in report.exercises:
                if exercise.max_score == 0:
                    cell = (f"check-{exercise.id}", names["notebook"], names["assignment"], names["student"])
                    gradebook.find_grade(*cell).extra_credit = exercise.score
            gradebook.db.commit()
        return nb, resources


def _outputs(report: Report, exercise_id: str) -> list[Any]:
    """What nbgrader reads the score from: a plain float between 0 and the points, and the card beside it."""
    exercise = report.exercise(exercise_id)
    score = min(max(float(exercise.score), 0.0), float(exercise.max_score))
    card = html.card(exercise) if report.status == "graded" else html.notice(report)
    data = {"text/plain": repr(score), "text/html": card}
    return [new_output("execute_result", data=data, execution_count=None)]
