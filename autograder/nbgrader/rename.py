"""A notebook handed in under another name is graded all the same."""

import os
import shutil
from pathlib import Path

from autograder import course as course_file
from autograder import notebook
from autograder.errors import UserError


def adopt_renamed(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's hook before a submission: where `neurons.ipynb` is missing, take the notebook that is there.

    Of several it is the one of the right topic that was saved last. The file that was handed in stays.
    """
    folder = Path(notebooks[0]).parent
    course = course_file.find(Path.cwd())
    expected = folder / course.assignment(folder.name).name
    if expected.exists():
        return
    found = max(map(Path, notebooks), key=lambda path: (_fits(path, course, folder.name), os.path.getmtime(path)))
    shutil.copy2(found, expected)
    notebooks.append(str(expected))


def _fits(path: Path, course: course_file.Course, topic_id: str) -> bool:
    try:
        notebook.require_topic(notebook.read(path), course.topic(topic_id))
    except UserError:
        return False
    return True
