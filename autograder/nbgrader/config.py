"""The settings of a course's nbgrader_config.py, which make the stock commands run our grader."""

import warnings
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SAWarning

from autograder.course import course_file
from autograder.nbgrader import log

_OURS = "autograder.nbgrader"
_STOCK = "nbgrader.preprocessors"


def configure(c: Any, root: Path) -> None:
    """Set up nbgrader's config object `c` for the course in `root`."""
    log.install()
    course = course_file.load(root / course_file.FILE)
    # nbgrader 0.9 builds a submission's rows before it adds them; SQLAlchemy warns for each one.
    warnings.filterwarnings("ignore", category=SAWarning, module=r"nbgrader\.")
    c.CourseDirectory.root = str(root)
    c.CourseDirectory.course_id = course.file.course
    # With two graders at once, or a backup: SQLite waits so many seconds, not five.
    c.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db?timeout=60"
    c.CourseDirectory.source_directory = "assignments"
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc*", "__pycache__"]
    c.ExchangeFactory.collect = f"{_OURS}.collect.Collect"
    c.ZipCollectApp.collector_plugin = f"{_OURS}.zip_collect.Collector"
    c.ExchangeCollect.check_owner = False  # `nbgrader submit --student=NAME` on a single machine
    # Formgrader shows markdown cells with their scripts; we clean them.
    c.HTMLExporter.filters = {"markdown2html": f"{_OURS}.markdown.markdown2html"}
    c.GenerateFeedback.exporter_class = f"{_OURS}.feedback.FeedbackExporter"
    c.GenerateFeedback.preprocessors = [f"{_OURS}.feedback.Grades"]
    # Answer cells are stubs already. ClearSolutions would remove the signatures too.
    c.GenerateAssignment.preprocessors = [
        f"{_OURS}.release.Release",
        f"{_STOCK}.LockCells",
        f"{_STOCK}.ClearOutput",
        f"{_STOCK}.CheckCellMetadata",
        f"{_STOCK}.ComputeChecksums",
        f"{_STOCK}.SaveCells",
        f"{_STOCK}.CheckCellMetadata",
    ]
    c.Autograde.exporter_class = f"{_OURS}.exporter.SubmissionExporter"
    c.Autograde.sanitize_preprocessors = [
        f"{_STOCK}.ClearOutput",
        f"{_STOCK}.OverwriteKernelspec",
        f"{_STOCK}.OverwriteCells",
        f"{_STOCK}.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        # reading rebuilds the cells, so their checksums are computed again
        f"{_STOCK}.OverwriteCells",
        f"{_OURS}.autograde.Grade",
        f"{_STOCK}.SaveAutoGrades",
        f"{_OURS}.autograde.SaveBonus",
        f"{_STOCK}.AssignLatePenalties",
        f"{_STOCK}.CheckCellMetadata",
    ]
