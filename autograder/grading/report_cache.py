"""A cache of Reports: nothing is graded twice, and a killed run loses nothing."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from autograder.model.report import Report


class ReportCache:
    """A folder of Reports, each in a file that is written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str, student: str | None) -> Report | None:
        """The cached Report for a key, as this student's; None if there is none that can be read."""
        try:
            report = Report.from_json(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return replace(report, student=student)

    def put(self, key: str, report: Report) -> None:
        """Cache a verdict. A grader error is not a verdict and is not cached."""
        if report.status == "grader_error":
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, replace(report, student=None).to_json().encode())

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all, also if the process is killed or the disk is full."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, mode)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise
