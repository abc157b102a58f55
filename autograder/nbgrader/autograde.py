"""At `nbgrader autograde`: grade the notebook in our jail and write what came of it into its check
cells.
"""

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from autograder.course import course_file
from autograder.model.errors import KitError
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.outputs import REPORT, extra_credit, fill


class Grade(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes the place of nbgrader's Execute: no kernel, no code of the student's in this
    process.
    """

    unsafe_no_jail = Bool(
        False,
        help="Grade without isolation where this machine offers none: for code that you trust "
        "only.",
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> Any:
        names = resources["nbgrader"]
        classroom = Classroom(course_file.find(Path.cwd()), names["assignment"])
        report = classroom.report(nb, names["student"], self.unsafe_no_jail)
        classroom.faults.note(report)
        if report.status == "grader_error":
            raise KitError(
                str(report.reason)
            )  # nbgrader drops this attempt and keeps any earlier grade
        fill(nb, report)
        resources.setdefault("outputs", {})[REPORT] = report.to_json().encode()
        resources[REPORT] = report
        return nb, resources


class SaveBonus(NbGraderPreprocessor):  # type: ignore[misc]
    """Enters what a bonus exercise earned as extra credit, which its cell of 0 points cannot
    hold.
    """

    def preprocess(self, nb: Any, resources: Any) -> Any:
        names, report = resources["nbgrader"], resources[REPORT]
        with Gradebook(names["db_url"]) as gradebook:
            for exercise in (e for e in report.exercises if e.max_score == 0):
                cell = (
                    f"check-{exercise.id}",
                    names["notebook"],
                    names["assignment"],
                    names["student"],
                )
                gradebook.find_grade(*cell).extra_credit = extra_credit(exercise)
            gradebook.db.commit()
        return nb, resources
