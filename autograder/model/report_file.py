"""Read Reports from folders. Any of them may be old, broken, or written by a student."""

from pathlib import Path

from autograder.model import opened
from autograder.model.notebook import shown
from autograder.model.opened import NotPlain
from autograder.model.report import NotAReport, Report

MAX_BYTES = 8_000_000  # ten times the longest one seen


class NoReport(Exception):
    """There is no Report to read. The message says why, in a few words."""


def read_report(path: Path, topic: str, student: str) -> Report:
    """The Report in a file, if it is of this topic and this student. NoReport otherwise."""
    try:
        with opened.folder(path.parent) as folder:
            content = opened.read_regular(folder, path.name, MAX_BYTES)
        report = Report.from_json(content.decode("utf-8"))
    except FileNotFoundError:
        raise NoReport(f"there is no {path.name}") from None
    except NotPlain:
        most = f"{MAX_BYTES // 1_000_000} MB"
        raise NoReport(f"{path.name} is no plain file of at most {most}") from None
    except OSError as error:
        raise NoReport(f"{path.name} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise NoReport(f"{path.name} is no report of this version (it is not text)") from None
    except NotAReport as error:
        raise NoReport(f"{path.name} is no report of this version ({error.why})") from None
    if (report.topic, report.student) != (topic, student):
        raise NoReport(f"{path.name} is of {shown(report.student)} and {shown(report.topic)}")
    if report.status == "graded" and report.score is None:
        raise NoReport(f"{path.name} is a verdict without a score")
    return report
