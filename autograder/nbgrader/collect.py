"""At `nbgrader collect`: take plain files of a student's own, and no submission stops the others.

nbgrader looks at a path and opens it afterwards, when a student may have put a link there, and
copies what that leads to with the instructor's rights; it believes the time that a student wrote;
and it gives up on the whole class at a pipe, a file without permission, a folder that is too large
or a name that is no time.
"""

import fnmatch
import os
import pwd
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.exchange.default import ExchangeCollect

from autograder.model import opened
from autograder.model.opened import NotPlain
from autograder.nbgrader.timestamps import FILE, moment_of, vouch

_FILES = 1000  # of one submission
_LONG = timedelta(
    minutes=10
)  # from handing in until the last file is there, and between two clocks


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

    def _path_to_record(self, path: str) -> dict[str, Any]:
        """Who handed in and when, by the name that nbgrader's exchange gives a folder. Where that
        is no time, when the folder last changed.
        """
        name = os.path.basename(path)
        username, _, rest = name.rpartition(f"+{self.coursedir.assignment_id}+")
        moment = moment_of(rest.rpartition("+")[0]) or moment_of(rest)
        if moment is None:
            moment = _utc(os.lstat(path).st_ctime)
            self.log.warning("%s has no time in its name; %s UTC counts", name, moment)
        return {"username": username, "filename": name, "timestamp": moment}

    def copy_files(self) -> None:
        self._compares, self.check_owner = self.check_owner, False  # by what is opened, not by path
        try:
            super().copy_files()
        finally:
            self.check_owner = self._compares

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy the plain files of a submission, within the limits of the course; say what was left
        out, and write when it was handed in.
        """
        Path(dest).mkdir(parents=True)
        inbound, name = os.path.split(src)
        record = next(r for r in self.src_records if r["filename"] == name)
        try:
            with opened.folder(Path(inbound), name) as folder:
                if self._compares:
                    self._compare(record, os.fstat(folder).st_uid)
                copied = _Copying(self, src, Path(dest))
                copied.all(folder)
            self._doubt(record, copied.changed)
            vouch(Path(dest), record["timestamp"])
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

    def _doubt(self, record: dict[str, Any], changed: datetime | None) -> None:
        """Say where the time in a folder's name and what the system knows of its files differ. The
        name counts: files also change when an exchange is moved or restored.
        """
        moment, now = record["timestamp"], datetime.now(UTC).replace(tzinfo=None)
        if changed is not None and changed > moment + _LONG:
            self.log.warning(
                "%s: handed in at %s UTC by the name of its folder, but changed at %s UTC; ask "
                "when it was handed in",
                record["username"],
                moment,
                changed.replace(microsecond=0),
            )
        elif moment > now + _LONG:
            self.log.warning("%s: handed in at %s UTC, still to come", record["username"], moment)


@dataclass
class _Copying:
    """The copying of one submission. `changed` is when the last of its files did, by the system's
    own record, which no program can set.
    """

    collector: Collect
    source: str
    target: Path
    taken: int = 0
    changed: datetime | None = None

    def all(self, folder: int) -> None:
        directory = self.collector.coursedir
        left = 1000 * directory.max_dir_size
        for path, file in opened.plain_files(folder, self._left_out, self._ignored):
            if path == Path(FILE):
                self._own_time(file.read(200))
                continue
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
            self.changed = max(self.changed or datetime.min, _utc(found.st_ctime))

    def _ignored(self, name: str) -> bool:
        ignored = self.collector.coursedir.ignore
        return any(fnmatch.fnmatch(name, pattern) for pattern in ignored)

    def _own_time(self, content: bytes) -> None:
        """Say so if the file in the submission and the name of its folder differ."""
        name = os.path.basename(self.source)
        own, text = moment_of(content.decode("utf-8", "replace")), content.strip()
        record = next(r for r in self.collector.src_records if r["filename"] == name)
        if text and (own is None or abs(own - record["timestamp"]) > timedelta(seconds=1)):
            self.collector.log.warning(
                "%s: its own %s says %s; the name of its folder counts",
                record["username"],
                FILE,
                f"{own} UTC" if own else "no time",
            )

    def _left_out(self, path: Path, error: OSError) -> None:
        shown = ascii(os.path.join(self.source, path))
        self.collector.log.warning("%s is left out: %s", shown, error.strerror or error)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
