"""The one small file that a learner's progress is kept in, between runs and notebooks.

It is read and written under a lock, so that two notebooks lose nothing to each other, and appears
whole or not at all.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from autograder.grading.report_cache import write_whole
from autograder.learner.progress import Progress

NAME = "progress.json"
_MOST = 4 << 20  # bytes: a course of a hundred exercises takes 20 kB
_PATIENCE = 5.0  # seconds to wait for another notebook's turn, which takes milliseconds
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def folder() -> Path:
    """Where progress is kept: AUTOGRADER_HOME, or this user's state folder."""
    if home := os.environ.get("AUTOGRADER_HOME"):
        return Path(home)
    from platformdirs import user_state_path

    return user_state_path("autograder", appauthor=False)


def load() -> Progress:
    """The progress so far. A file that we cannot read is moved aside."""
    path = folder() / NAME
    if not os.path.lexists(path):
        return Progress()
    try:
        return _read(path)
    except ValueError:
        with _locked(path):  # another may be putting it right
            return _read_or_move_aside(path)


@contextmanager
def changing() -> Iterator[Progress]:
    """The progress, to be changed: kept when the block ends, unless it raises."""
    path = folder() / NAME
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(path):
        progress = _read_or_move_aside(path)
        yield progress
        write_whole(path, progress.to_json().encode())


def set_aside() -> list[Path]:
    """Files with our name that could not be read."""
    return sorted(folder().glob(_aside("*")))


def _read(path: Path) -> Progress:
    """ValueError for what is no record of progress, and be it a folder or a pipe; nothing there is
    an empty one.
    """
    if not os.path.lexists(path):
        return Progress()
    if not path.is_file() or path.stat().st_size > _MOST:
        raise ValueError("not a small file")
    return Progress.from_json(path.read_bytes().decode("utf-8"))


def _read_or_move_aside(path: Path) -> Progress:
    try:
        return _read(path)
    except ValueError:
        names = (path.with_name(_aside(str(i))) for i in range(1, 1000))
        path.replace(next(name for name in names if not os.path.lexists(name)))
        return Progress()


def _aside(number: str) -> str:
    return f"progress.unreadable-{number}.json"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for our turn at a file; whoever is stuck with it for long is not waited for."""
    deadline = time.monotonic() + _PATIENCE
    with open(path.with_suffix(".lock"), "ab") as file:
        while not _taken(file) and time.monotonic() < deadline:
            time.sleep(0.005)
        yield  # closing the file, or the end of the process, gives the lock back


def _taken(file: BinaryIO) -> bool:
    """Take the lock if it is free, by each system's own means; where there are no locks, act as if
    it were.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True
