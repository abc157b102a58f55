"""Open what somebody else may own, and may change while it is read.

From a folder that is ours each name is looked up once, relative to the folder before it, and no
link is followed. What was opened says by its own descriptor what it is: nothing else may take its
place any more. Only a plain file is read, and of it no more than a limit, however fast it grows.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FLAGS |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)  # a pipe lets nobody wait
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NAMES, _DEPTH, _CHUNK = 10_000, 20, 1 << 20


class NotPlain(OSError):
    """What was found is no plain file, or no folder, of its own; the message says what it is."""


class TooLarge(NotPlain):
    """The file has more bytes than it may have. `size` is how many it said it had."""

    def __init__(self, size: int) -> None:
        super().__init__("it is too large")
        self.size = size


@contextmanager
def folder(ours: Path, *names: str) -> Iterator[int]:
    """The descriptor of the folder `ours/name/name…`. `ours` may be a link, the names below it are
    none: NotPlain. OSError if there is no such folder.
    """
    handle = os.open(ours, _FLAGS | os.O_DIRECTORY)
    try:
        for name in names:
            above, handle = handle, _step(handle, name)
            os.close(above)
        yield handle
    finally:
        os.close(handle)


def submitted(folder_of_one: Path) -> AbstractContextManager[int]:
    """The descriptor of a submission's folder. Only the folder of all submissions, two above it, is
    ours: neither name below that may be a link. Errors as of `folder`.
    """
    student = folder_of_one.parent
    return folder(student.parent, student.name, folder_of_one.name)


def _step(above: int, name: str) -> int:
    try:
        return _opened(above, name, os.O_DIRECTORY)
    except NotADirectoryError:
        raise NotPlain("it is no folder of its own but a link or a file") from None


def _opened(above: int, name: str, more: int = 0) -> int:
    """The descriptor of what has this name in a folder; NotPlain for a link and for a name that
    would lead out of the folder.
    """
    if name in ("", ".", "..") or "/" in name:
        raise NotPlain("it is no name of a file")
    try:
        return os.open(name, _FLAGS | _NO_LINK | more, dir_fd=above)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain("it is no file of its own but a link") from None
        if error.errno == errno.ENXIO:
            raise NotPlain("it is no file of its own but a socket or a device") from None
        raise


def read_regular(above: int, name: str, limit: int) -> bytes:
    """The contents of a plain file in a folder. NotPlain for anything else, TooLarge above the
    limit, OSError if it cannot be opened.
    """
    with regular(above, name) as file:
        return read(file, limit)


def regular(above: int, name: str) -> BinaryIO:
    """A plain file in a folder, open. Errors as of `read_regular`."""
    return _plain(_opened(above, name), above)


def read_own(path: Path, limit: int) -> bytes:
    """The contents of a plain file that a user names; a link to it is theirs to make. Errors as of
    `read_regular`.
    """
    with _plain(os.open(path, _FLAGS), None) as file:
        return read(file, limit)


def read(file: BinaryIO, limit: int) -> bytes:
    """The contents of an open file; TooLarge above the limit."""
    size = os.fstat(file.fileno()).st_size
    content = file.read(size + 1) if size <= limit else b""
    if len(content) > size:  # it has grown
        content += file.read(limit + 1 - len(content))
    if max(size, len(content)) > limit:
        raise TooLarge(max(size, len(content)))
    return content


def plain_files(
    above: int,
    left_out: Callable[[Path, OSError], None],
    ignored: Callable[[str], bool] = lambda name: False,
    at: Path = Path(),
) -> Iterator[tuple[Path, BinaryIO]]:
    """Every plain file below a folder, open, with its path from there: notebooks first, folders
    last. Of what cannot be opened, or is something else, `left_out` is told.
    """
    for name in _names(above):
        if ignored(name):
            continue
        try:
            handle = _opened(above, name)
        except OSError as error:
            left_out(at / name, error)
            continue
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            try:
                file = _plain(handle, above)
            except OSError as error:
                left_out(at / name, error)
                continue
            with file:
                yield at / name, file
            continue
        try:
            if len(at.parts) < _DEPTH:
                yield from plain_files(handle, left_out, ignored, at / name)
            else:
                left_out(at / name, NotPlain("it lies too deep"))
        finally:
            os.close(handle)


def copy(file: BinaryIO, target: Path, limit: int) -> int:
    """Copy an open file to a path of ours, with its time, and return its size. TooLarge, and no
    copy, above the limit, also if the file grows while it is read.
    """
    found = os.fstat(file.fileno())
    if found.st_size > limit:
        raise TooLarge(found.st_size)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    try:
        with open(target, "wb") as writer:
            while chunk := file.read(min(_CHUNK, limit + 1 - size)):
                size += writer.write(chunk)
                if size > limit:
                    raise TooLarge(size)
    except BaseException:
        target.unlink()
        raise
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return size


def create(above: int, name: str, content: bytes) -> None:
    """A new file in a folder. FileExistsError if there is something of that name, and be it a
    link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=above), "wb") as file:
        file.write(content)


def names(above: int) -> list[str]:
    """What a folder holds, in order; of a folder that never ends the beginning."""
    return sorted(_names(above))


def _names(above: int) -> list[str]:
    """Notebooks, other files, folders; what a name is may have changed when it is opened."""
    with os.scandir(above) as entries:
        found = [
            (entry.is_dir(follow_symlinks=False), not entry.name.endswith(".ipynb"), entry.name)
            for entry in islice(entries, _NAMES)
        ]
    return [name for _, _, name in sorted(found)]


def _plain(handle: int, above: int | None) -> BinaryIO:
    """The file of a descriptor, which is closed if it is none, or a name for a file of another
    account's in a folder of one's own.
    """
    file = os.fdopen(handle, "rb", closefd=True) if _is_file(handle) else None
    if file is None:
        os.close(handle)
        raise NotPlain("it is no file of its own but a folder, a pipe or a device")
    found = os.fstat(handle)
    if above is not None and found.st_nlink > 1 and found.st_uid != os.fstat(above).st_uid:
        file.close()
        raise NotPlain("it is no file of its own but a hard link to somebody else's")
    return file


def _is_file(handle: int) -> bool:
    return stat.S_ISREG(os.fstat(handle).st_mode)
