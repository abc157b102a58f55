"""Grade a notebook that was submitted under another name, and remove links from a submission."""

import os
import shutil
import stat
from pathlib import Path

from autograder.course import course_file
from autograder.model.find_notebook import notebook_of


def adopt_renamed(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's hook before each submission: copy a renamed notebook to the expected name.

    The submitted file stays. Links and pipes are removed, because nbgrader would copy their
    targets.
    """
    folder = Path(notebooks[0]).parent
    topic = course_file.find(Path.cwd()).topic(folder.name)
    for parent, _, names in os.walk(folder):
        for path in (Path(parent) / name for name in names):
            if not stat.S_ISREG(path.lstat().st_mode):
                path.unlink()
    expected, found = folder / f"{topic.name}.ipynb", notebook_of(folder, topic)
    if found is not None and found != expected:
        shutil.copy2(found, expected)
        notebooks.append(str(expected))
