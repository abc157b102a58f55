"""At `nbgrader collect`: take plain files of a student's own, and no submission stops the others.

nbgrader copies what a link leads to with the instructor's rights, so that a student could hand in
anybody's file; and it gives up on the whole class at a pipe, a file without permission or a folder
that is too large.
"""

import fnmatch
import os
import shutil
import stat
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

_FILES = 1000  # of one submission


class Collect(ExchangeCollect):  # type: ignore[misc]
    """Takes the place of nbgrader's own collector."""

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the plain files of a submission, within the limits of the course; say what was left
        out.
        """
        Path(dest).mkdir(parents=True)
        if os.path.islink(src):
            self.log.warning("%s is a link and is not followed", src)
            return
        left, taken = 1000 * self.coursedir.max_dir_size, 0
        for folder, folders, names in os.walk(src):
            folders[:] = sorted(name for name in folders if not self._ignored(name))
            for name in sorted(names, key=lambda name: (not name.endswith(".ipynb"), name)):
                if self._ignored(name):
                    continue
                path = Path(folder, name)
                largest = min(left, 1000 * self.coursedir.max_file_size) if taken < _FILES else -1
                try:
                    left -= _copy(path, Path(dest) / path.relative_to(src), largest)
                    taken += 1
                except OSError as error:
                    self.log.warning(
                        "%s is left out: %s", ascii(str(path)), error.strerror or error
                    )

    def _ignored(self, name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in self.coursedir.ignore)


def _copy(source: Path, target: Path, largest: int) -> int:
    """Copy a plain file and return its size; OSError for anything else, also where it took a file's
    place just now.
    """
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as reader:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is a pipe or a device")
        if found.st_size > largest:
            raise OSError("it is too large, or one of too many")
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as writer:
            shutil.copyfileobj(reader, writer)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return found.st_size
