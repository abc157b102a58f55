"""Which file of a folder that was handed in is the notebook to grade."""

import os
import stat
from pathlib import Path

from autograder.model import notebook
from autograder.model.errors import UserError
from autograder.model.notebook import Unreadable
from autograder.model.topic import Topic

_NAMED = 5  # files that are named where none of them is a notebook


def require_notebook(folder: Path, topic: Topic) -> Path:
    """The notebook to grade; Unreadable says what is there instead."""
    path = notebook_of(folder, topic)
    if path is None:
        names = sorted(notebook.shown(path.name) for path in folder.iterdir())
        found = ", ".join([*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])]) or "nothing"
        raise Unreadable(f"no notebook was handed in: expected {topic.name}.ipynb, found {found}")
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Unreadable(f"{notebook.shown(path.name)} is not a regular file but a link or a pipe")
    return path


def notebook_of(folder: Path, topic: Topic) -> Path | None:
    """The notebook to grade: the one of the expected name, or else of the right topic, saved last;
    None without any.
    """
    expected = folder / f"{topic.name}.ipynb"
    if os.path.lexists(expected):
        return expected
    found = [path for path in folder.glob("*.ipynb") if stat.S_ISREG(path.lstat().st_mode)]
    return max(
        found, key=lambda path: (_fits(path, topic), path.stat().st_mtime, path.name), default=None
    )


def _fits(path: Path, topic: Topic) -> bool:
    try:
        notebook.require_topic(notebook.read(path), topic)
    except UserError:
        return False
    return True
