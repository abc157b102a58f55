"""At `nbgrader zip_collect`: the time is in the name that the learning platform gave a file."""

import os
from datetime import datetime
from pathlib import Path

from nbgrader.plugins import FileNameCollectorPlugin

from autograder.grading.report_cache import write_whole
from autograder.nbgrader.timestamps import FILE, beside, moment_of, text_of


class Collector(FileNameCollectorPlugin):  # type: ignore[misc]
    """nbgrader's own, but a `timestamp.txt` of a student's is left out, and a time in the name of a
    file is vouched for; one that is none costs a warning, not the class.
    """

    def collect(self, submitted_file: str) -> dict[str, str] | None:
        found: dict[str, str] | None = super().collect(submitted_file)
        if not found:
            return None
        _, ending = os.path.splitext(submitted_file)
        if os.path.splitext(found.get("file_id") or "")[0] + ending == FILE:
            self.log.warning("%s is left out: nobody vouches for it", submitted_file)
            return None
        moment = _moment(found.pop("timestamp", "") or "")
        if moment is None:
            self.log.warning("%s has no time in its name", submitted_file)
        else:
            found["timestamp"] = moment.isoformat(" ")
            self._vouch(found.get("student_id") or "", moment)
        return found

    def _vouch(self, student: str, moment: datetime) -> None:
        """The latest of a student's files counts, as to nbgrader."""
        directory = self.parent.coursedir
        if student in ("", ".", "..") or "/" in student:
            return
        where = directory.format_path(
            directory.submitted_directory, student, directory.assignment_id
        )
        latest: dict[str, datetime] = self.__dict__.setdefault("_latest", {})
        latest[where] = max(moment, latest.get(where, moment))
        Path(where).parent.mkdir(parents=True, exist_ok=True)
        write_whole(beside(Path(where)), text_of(latest[where]).encode(), 0o644)


def _moment(text: str) -> datetime | None:
    """The time of a name, also as `2026-11-21-10-00-00`, in which no file system sees a colon."""
    parts = text.replace("_", "-").split("-")
    if len(parts) == 6 and all(part.isdigit() for part in parts):
        text = "{}-{}-{} {}:{}:{}".format(*parts)
    return moment_of(text)
