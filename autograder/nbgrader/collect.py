"""At `nbgrader collect`: take plain files of a student's own, and no submission stops the others.

nbgrader looks at a path and opens it afterwards, when a student may have put a link there, and
copies what that leads to with the instructor's rights; and it gives up on the whole class at a
pipe, a file without permission or a folder that is too large.
"""

import fnmatch
import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

from autograder.model import opened
from autograder.model.opened import NotPlain

_FILES = 1000  # of one submission


class Collect(ExchangeCollect):  # type: ignore[misc]
    """Takes the place of nbgrader's own collector."""

    src_records: list[dict[str, Any]]
    check_owner: bool
    _compares = False

    def init_src(self) -> None:
        super().init_src()
        for record in self.src_records:
            if record["username"] in ("", ".", ".."):
                self.log.warning("%s names no student and is left out", record["filename"])
        self.src_records = [r for r in self.src_records if r["username"] not in ("", ".", "..")]

    def copy_files(self) -> None:
        self._compares, self.check_owner = self.check_owner, False  # by what is opened, not by path
        try:
            super().copy_files()
        finally:
            self.check_owner = self._compares

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the plain files of a submission, within the limits of the course; say what was left
        out.
        """
        Path(dest).mkdir(parents=True)
        inbound, name = os.path.split(src)
        record = next(r for r in self.src_records if r["filename"] == name)
        try:
            with opened.folder(Path(inbound), name) as folder:
                if self._compares:
                    self._compare(record, os.fstat(folder).st_uid)
                _Copying(self, src, Path(dest)).all(folder)
        except OSError as error:
            self.log.warning("%s is not followed: %s", src, error.strerror or error)

    def _compare(self, record: dict[str, Any], uid: int) -> None:
        try:
            owner = pwd.getpwuid(uid).pw_name
        except KeyError:
            owner = "unknown id"
        if record["username"] != owner:
            self.log.warning(
                "%s claims to be submitted by %s but is owned by %s; cheating attempt? Set "
                "ExchangeCollect.check_owner to False to see no such warning",
                record["filename"],
                record["username"],
                owner,
            )


@dataclass
class _Copying:
    """The copying of one submission."""

    collector: Collect
    source: str
    target: Path
    taken: int = 0

    def all(self, folder: int) -> None:
        directory = self.collector.coursedir
        left = 1000 * directory.max_dir_size
        for path, file in opened.plain_files(folder, self._left_out, self._ignored):
            most = min(left, 1000 * directory.max_file_size) if self.taken < _FILES else -1
            found = os.fstat(file.fileno())
            try:
                if found.st_nlink > 1:
                    raise NotPlain("it has another name elsewhere (a hard link)")
                left -= opened.copy(file, self.target / path, most)
            except opened.TooLarge:
                self._left_out(path, NotPlain("it is too large, or one of too many"))
                continue
            except OSError as error:
                self._left_out(path, error)
                continue
            self.taken += 1

    def _ignored(self, name: str) -> bool:
        ignored = self.collector.coursedir.ignore
        return any(fnmatch.fnmatch(name, pattern) for pattern in ignored)

    def _left_out(self, path: Path, error: OSError) -> None:
        shown = ascii(os.path.join(self.source, path))
        self.collector.log.warning("%s is left out: %s", shown, error.strerror or error)
