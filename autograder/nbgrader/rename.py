"""A notebook handed in under another name is graded all the same, and a link among the files leads nowhere."""

import os
import shutil
import stat
from pathlib import Path

from autograder import course as course_file
from autograder import notebook
from autograder.errors import UserError
from autograder.topic import Topic


def notebook_of(folder: Path, topic: Topic) -> Path | None:
    """The notebook to grade: the one of the expected name, or else of the right topic, saved last; None without any."""
    expected = folder / f"{topic.name}.ipynb"
    if os.path.lexists(expected):
        return expected
    found = [path for path in folder.glob("*.ipynb") if stat.S_ISREG(path.lstat().st_mode)]
    return max(found, key=lambda path: (_fits(path, topic), path.stat().st_mtime, path.name), default=None)


def adopt_renamed(assignment: str, student: str, notebooks: list[str]) -> None:
    """nbgrader's hook before a submission: where `neurons.ipynb` is missing, take the notebook that is there.

    The file that was handed in stays. Links and pipes go: nbgrader would copy what they lead to.
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


def _fits(path: Path, topic: Topic) -> bool:
    try:
        notebook.require_topic(notebook.read(path), topic)
    except UserError:
        return False
    return True
