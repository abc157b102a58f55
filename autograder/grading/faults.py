"""The standing grader errors: noted when grading fails by our own fault, removed when it succeeds."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from autograder.grading.report_cache import write_whole
from autograder.model.notebook import text
from autograder.model.report import Report
from autograder.model.report_file import NoReport, read_report


class Faults:
    """A folder with a file for each student whose latest attempt was a grader error."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def note(self, report: Report) -> None:
        """Note a grader error, or remove the previous one. A full disk does not stop grading."""
        path = self._path(str(report.student))
        try:
            if report.status == "grader_error":
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                write_whole(path, replace(report, exercises=[]).to_json().encode())
            else:
                path.unlink(missing_ok=True)
        except OSError:
            return

    def of(self, topic: str, student: str) -> str | None:
        """The reason of a student's grader error; None if there is none."""
        try:
            return read_report(self._path(student), topic, student).reason or "no reason was given"
        except NoReport:
            return None

    def _path(self, student: str) -> Path:
        name = hashlib.sha256(
            os.fsencode(text(student))
        ).hexdigest()  # a student's name may be too long for a file name
        return self._folder / f"{name[:32]}.json"
