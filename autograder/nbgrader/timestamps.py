"""When something was handed in, and who says so.

nbgrader believes `timestamp.txt` among the files of a submission, which a student may have written.
Here a time counts if it lies beside the submission's folder, where no file of a student's comes:
`nbgrader collect` writes what the exchange says, and an instructor what they know. Inside, a time
is believed as far as it helps nobody: it may make work late, but never on time.
"""

import os
import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.utils import parse_utc

from autograder.grading.report_cache import write_whole
from autograder.model import opened

FILE = "timestamp.txt"
ASIDE = "timestamp.unconfirmed.txt"
_BYTES = 200  # of a time and its zone; a longer file is none
# As nbgrader's exchange writes it, and ISO 8601; dateutil by itself finds a time in nearly anything.
_TIME = re.compile(
    r"\s*\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s*"
    r"([A-Za-z][A-Za-z0-9/_+-]{0,40}|[+-]\d{2}:?\d{2})?\s*",
    re.ASCII,
)
_SLACK = timedelta(minutes=10)  # between two clocks
Warn = Callable[[str], None]


@dataclass(frozen=True)
class HandedIn:
    """When, in UTC and without a zone as nbgrader has it; None where nobody says so who can know.
    `warning` says what is odd about it.
    """

    moment: datetime | None = None
    warning: str | None = None


def beside(folder: Path) -> Path:
    """The file that vouches for the time of a submission's folder."""
    return folder.with_name(f"{folder.name}.{FILE}")


def vouch(folder: Path, moment: datetime) -> None:
    """Write when it was handed in, beside the folder for us and in it for nbgrader. OSError if that
    cannot be written.
    """
    write_whole(beside(folder), text_of(moment).encode(), 0o644)
    write_whole(folder / FILE, text_of(moment).encode(), 0o644)


def said(folder: Path) -> datetime | None:
    """The time inside a folder, whoever wrote it; None if there is none, or what is there is no
    time.
    """
    try:
        return _read(*_below(folder))
    except _NoTime:
        return None


def handed_in(folder: Path, due: datetime | None) -> HandedIn:
    """When a submission was handed in, for a topic that is due then. Nothing that lies there makes
    it fail.
    """
    try:
        inside, odd = _read(*_below(folder)), False
    except _NoTime:
        inside, odd = None, True
    file = folder / FILE
    advice = f"write when it was handed in to {beside(folder)}, such as 2026-11-21 10:00:00 UTC"
    try:
        ours, student, _ = _below(folder)
        vouched = _read(ours, student, name=beside(folder).name, vouching=True)
    except _NoTime:
        return HandedIn(None, f"{beside(folder)} is no time and does not count; {advice}")
    if vouched is not None:
        if odd or (inside is not None and inside != vouched):
            told = "is no time" if inside is None else f"says {_utc(inside)}"
            counts = f"{_utc(vouched)} of {beside(folder).name} counts"
            return HandedIn(vouched, f"{file} {told}; {counts}")
        return HandedIn(vouched)
    if odd:
        return HandedIn(None, f"{file} is no time and does not count; {advice}")
    if inside is None:
        return HandedIn()
    if inside > datetime.now(UTC).replace(tzinfo=None) + _SLACK:
        told = f"says {_utc(inside)}, which is still to come, and does not count"
        return HandedIn(None, f"{file} {told}; {advice}")
    if due is not None and inside <= due.astimezone(UTC).replace(tzinfo=None):
        told = f"says {_utc(inside)}, on time, but the student may have written it: it does not"
        return HandedIn(None, f"{file} {told} count; if you know the time, {advice}")
    return HandedIn(inside)


def settle(folder: Path, due: datetime | None) -> HandedIn:
    """As `handed_in`; and nbgrader, which reads the file inside, now finds the same there. What the
    file said before is set aside. A folder that cannot be written stays as it is.
    """
    found = handed_in(folder, due)
    with suppress(OSError), opened.submitted(folder) as at:
        if found.warning is not None:
            os.replace(FILE, ASIDE, src_dir_fd=at, dst_dir_fd=at)
        if found.moment is not None and (found.warning or said(folder) is None):
            opened.create(at, FILE, text_of(found.moment).encode())
    return found


def moment_of(text: str) -> datetime | None:
    """The time that a text is, in UTC without a zone; None if it is none."""
    if not _TIME.fullmatch(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of zones that it does not know
            # nbgrader takes +0100 behind a blank for a hundred seconds
            found: datetime = parse_utc(re.sub(r"\s+(?=[+-])", "", text.strip()))
    except Exception:  # dateutil fails in many ways
        return None
    return found if 1970 <= found.year < 9999 else None


def text_of(moment: datetime) -> str:
    """A time in UTC as nbgrader writes and reads it."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f} UTC\n"


class _NoTime(Exception):
    """What lies there is no time."""


def _read(ours: Path, *names: str, name: str = FILE, vouching: bool = False) -> datetime | None:
    """The time in a file, below a folder of ours; None without a file. _NoTime for anything else,
    and for a file of a student's account where only an instructor's counts.
    """
    try:
        with opened.folder(ours, *names) as at, opened.regular(at, name) as file:
            if vouching and os.fstat(file.fileno()).st_uid not in _trusted(ours):
                raise _NoTime
            text = opened.read(file, _BYTES).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise _NoTime from None
    moment = moment_of(text)
    if moment is None:
        raise _NoTime
    return moment


def _trusted(ours: Path) -> set[int]:
    """The accounts that may say when something was handed in: root, this one, and the one whose
    folder of submissions it is.
    """
    return {0, os.geteuid(), os.stat(ours).st_uid}


def _below(folder: Path) -> tuple[Path, str, str]:
    """The folder of all submissions, and the two names from there to one."""
    return folder.parent.parent, folder.parent.name, folder.name


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
