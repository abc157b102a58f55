"""Take over the files of a submission other than its notebook, and those that were given out."""

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.model import opened
from autograder.nbgrader.timestamps import FILE

_LEFT_OUT = ("__pycache__", ".ipynb_checkpoints")
_LIMIT = 1 << 30  # bytes of one file
_READ_ONLY = 0o444  # as nbgrader leaves them


def ignore(path: Path, error: OSError) -> None:
    """What is no plain file stays where it is."""


def take_over(handle: int, target: Path, left_out: Callable[[Path, OSError], None]) -> None:
    """Copy the plain files of an open folder, those that are no notebooks, into the folder of the
    graded submission. When it was handed in is not for them to say.
    """
    for path, file in opened.plain_files(handle, left_out, _LEFT_OUT.__contains__):
        if path.suffix != ".ipynb" and path.parts[0] != FILE:
            make_room(target, path)
            (target / path).unlink(missing_ok=True)
            try:
                opened.copy(file, target / path, _LIMIT)
            except opened.TooLarge as error:
                left_out(path, error)
                continue
            (target / path).chmod(_READ_ONLY)


def make_room(folder: Path, path: Path) -> None:
    """Let a file be where one of that name was a folder, or a folder on its way a file: those
    handed in come first.
    """
    for parent in reversed((folder / path).parents):
        if parent.is_relative_to(folder) and not parent.is_dir():
            parent.unlink(missing_ok=True)
            parent.mkdir()
    if (folder / path).is_dir():
        shutil.rmtree(folder / path)
