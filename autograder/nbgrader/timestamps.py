"""When something was handed in, by the file that nbgrader's exchange puts beside it.

A student may have written that file. nbgrader opens whatever is there, a pipe too, and ends where
it is no time.
"""

from datetime import datetime
from pathlib import Path

from nbgrader.utils import parse_utc

from autograder.model import opened
from autograder.model.errors import UserError

FILE = "timestamp.txt"
_BYTES = 200  # of a time and its zone; a longer file is none


def handed_in(folder: Path) -> datetime | None:
    """The time in UTC, without a zone as nbgrader has it; None where none is said. UserError if it
    is no time.
    """
    path = folder / FILE
    if not path.is_symlink() and not path.exists():
        return None
    try:
        with opened.folder(folder.parent.parent, folder.parent.name, folder.name) as at:
            said = opened.read_regular(at, FILE, _BYTES).decode("utf-8").strip()
        moment: datetime | None = parse_utc(said) if said else None
        return moment
    except Exception:  # dateutil fails in many ways
        raise UserError(
            f"{path} is no time; write when it was handed in, such as 2026-11-21 10:00:00 UTC, or "
            "delete the file"
        ) from None
