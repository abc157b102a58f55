"""A student's submission of a topic: its folder is read once, then graded and entered as it was."""

import json
import os
import stat
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from autograder.model import opened
from autograder.model.errors import UserError
from autograder.model.notebook import text
from autograder.model.report import Report
from autograder.nbgrader.classroom import Classroom

_Stamps = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Submission:
    """What one student handed in: the code to grade, and the notebook to enter.

    `verdict` is set if there is nothing to grade: the notebook is unreadable, or its code was
    graded before.
    """

    student: str
    folder: Path
    code: bytes
    verdict: Report | None
    _packed: bytes  # a class is held in memory while it is graded
    _stamps: _Stamps

    @property
    def notebook(self) -> Any:
        """The rebuilt notebook, a fresh copy."""
        return nbformat.from_dict(json.loads(zlib.decompress(self._packed)))

    @property
    def replaced(self) -> bool:
        """Whether the folder holds other notebooks by now."""
        return _stamps(self.folder) != self._stamps


def read(classroom: Classroom, student: str, folder: Path) -> Submission:
    """Read a student's folder. UserError if its name cannot be one, OSError if it cannot be read."""
    if text(student) != student:
        raise UserError("the name of its folder is not text; give it another one")
    stamps = _stamps(folder)
    nb = classroom.read(folder)
    verdict, code = classroom.unreadable(nb, student), b""
    if verdict is None:
        code = classroom.code(nb)
        kept = classroom.kept(code, student)
        verdict = replace(kept, student=student) if kept is not None else None
    packed = zlib.compress(json.dumps(nb).encode(), 1)
    return Submission(student, folder, code, verdict, packed, stamps)


def _stamps(folder: Path) -> _Stamps:
    """By name, which file each notebook is, when it was saved and how large it is."""
    try:
        with opened.submitted(folder) as at:
            return tuple(_stamp(at, n) for n in opened.names(at) if n.endswith(".ipynb"))
    except OSError:
        return ()


def _stamp(above: int, name: str) -> tuple[str, int, int, int]:
    found = os.stat(name, dir_fd=above, follow_symlinks=False)
    kind = found.st_ino if stat.S_ISREG(found.st_mode) else 0
    return name, kind, found.st_mtime_ns, found.st_size
