"""The exporter with which nbgrader reads submissions."""

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde

from autograder.course import course_file
from autograder.model.notebook import MAX_BYTES
from autograder.model.opened import read_own
from autograder.nbgrader import private_copy
from autograder.nbgrader.rebuild import from_bytes


class SubmissionExporter(NotebookExporter):
    """Reads a submitted notebook in any state, so that the rest of nbgrader sees a valid one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        if isinstance(self.parent, Autograde):  # about to begin; it has looked at names only
            private_copy.give(self.parent, self)

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        path = Path(filename)
        course = course_file.find(Path.cwd())
        topic_id = resources["nbgrader"]["assignment"]
        source = nbformat.read(course.assignment(topic_id), as_version=4)
        content = read_own(path, 2 * MAX_BYTES)  # a copy of ours
        rebuilt = from_bytes(path, content, course.topic(topic_id), source)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(rebuilt, resources, **options)  # type: ignore[no-untyped-call]
