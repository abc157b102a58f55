"""A class for tests: one course, released once, whose students hand in what they like."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from notebooks import COURSE, TOPIC, written

from autograder.course import course_file
from autograder.grading.batch import grade_batch
from autograder.jail import tiers
from autograder.model.report import Report
from autograder.nbgrader import releasing
from autograder.nbgrader.grade_class import grade


class Here:
    """A runner that grades in the process of the test: no other one has to start."""

    def __init__(self, unsafe=False):
        self._unsafe = unsafe

    def tier(self):
        return tiers.best(self._unsafe).tier

    def run(self, answers, work):
        for name, job in work:
            (text,) = grade_batch(answers, [job], self._unsafe)
            yield name, Report.from_json(text)

    def close(self):
        """Nothing to let go of."""


@cache
def released():
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    releasing.copy_course(COURSE, folder / "course")
    course = course_file.load(folder / "course" / course_file.FILE)
    releasing.release(course, TOPIC.id)
    return course


def hand_in(course, student, notebook):
    """The folder of a submission, with a notebook in it if there is one."""
    folder = course.root / "submitted" / student / TOPIC.id
    folder.mkdir(parents=True, exist_ok=True)
    if notebook is not None:
        written(notebook, folder)
    return folder


def graded(course, *students):
    return {report.student: report for report in grade(course, TOPIC.id, list(students), Here())}
