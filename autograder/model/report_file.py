"""Read Reports that lie in folders: any of them may be old, broken, or a student's own file of that
name.
"""

import math
import stat
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from autograder.model.notebook import shown
from autograder.model.report import SCHEMA, Report

_MAX_BYTES = 8_000_000  # ten times the longest that was seen


class NoReport(Exception):
    """There is no Report to be had; the message says why, in a few words."""


def read_report(path: Path, topic: str, student: str) -> Report:
    """The Report in a file, if it is one of this topic's and this student's, well-typed
    throughout.
    """
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MAX_BYTES:
            raise NoReport(f"{path.name} is no plain file of at most {_MAX_BYTES // 1_000_000} MB")
        report = _adapter().validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        raise NoReport(f"there is no {path.name}") from None
    except OSError as error:
        raise NoReport(f"{path.name} cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise NoReport(f"{path.name} is no report of this version ({_first(error)})") from None
    if report.schema != SCHEMA:
        raise NoReport(f"{path.name} has schema {report.schema}, this version reads {SCHEMA}")
    if (report.topic, report.student) != (topic, student):
        raise NoReport(f"{path.name} is of {shown(report.student)} and {shown(report.topic)}")
    if not _sound(report):
        raise NoReport(f"{path.name} has points or seconds that are none")
    return report


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


def _first(error: ValidationError) -> str:
    """Where the first problem lies, without the value that is there."""
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return shown(where) if where else "it is not JSON of that form"


def _sound(report: Report) -> bool:
    """Whether all numbers are finite, none is negative, and a verdict has a score."""
    exercises = [
        x for e in report.exercises for x in (e.score, e.max_score, *(c.weight for c in e.checks))
    ]
    numbers = [report.score or 0.0, report.max_score, report.seconds, *exercises]
    return all(math.isfinite(x) and x >= 0 for x in numbers) and (
        report.status != "graded" or report.score is not None
    )
