"""In `nbgrader autograde`: grade the notebook in our jail and fill its check cells."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from autograder.course import course_file
from autograder.grading.executors import Pool
from autograder.model.errors import KitError
from autograder.model.report import Report
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.outputs import REPORT, extra_credit, fill


class Grade(NbGraderPreprocessor):  # type: ignore[misc]
    """Replaces nbgrader's Execute. It starts no kernel and runs no student code in this process."""

    unsafe_no_jail = Bool(
        False,
        help="Grade without isolation if this machine has none: only for code that you trust.",
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> Any:
        names = resources["nbgrader"]
        classroom = Classroom(course_file.find(Path.cwd()), names["assignment"])
        report = _report(classroom, nb, names["student"], self.unsafe_no_jail)
        classroom.faults.note(report)
        if report.status == "grader_error":
            # nbgrader drops this attempt and keeps an earlier grade
            raise KitError(str(report.reason))
        fill(nb, report)
        resources.setdefault("outputs", {})[REPORT] = report.to_json().encode()
        resources[REPORT] = report
        return nb, resources


def _report(classroom: Classroom, nb: Any, student: str, unsafe: bool) -> Report:
    """The Report of a rebuilt notebook, from the cache or graded now."""
    known = classroom.unreadable(nb, student)
    if known is not None:
        return known
    code = classroom.code(nb)
    kept = classroom.kept(code, student)
    if kept is not None:
        return kept
    ((_, report),) = _grader(unsafe).run(classroom.answers, [(student, code)])
    classroom.keep(code, report)
    return replace(report, student=student)


@cache
def _grader(unsafe: bool) -> Pool:
    """The process in which nbgrader's own commands grade: it stays for the next submission."""
    return Pool(1, unsafe)


class SaveBonus(NbGraderPreprocessor):  # type: ignore[misc]
    """Enters what a bonus exercise earned as extra credit, because its cell has 0 points."""

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
