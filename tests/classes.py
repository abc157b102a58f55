"""A class for tests: one course, released once, whose students hand in what they like."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from notebooks import COURSE, TOPIC, written

from autograder.course import course_file
from autograder.grading.executors import Here
from autograder.nbgrader import releasing
from autograder.nbgrader.grade_class import grade


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
