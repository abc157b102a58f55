"""The exporter with which nbgrader reads submissions."""

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from autograder.course import course_file
from autograder.nbgrader.rebuild import from_file


class SubmissionExporter(NotebookExporter):
    """Reads a submitted notebook in any state, so that the rest of nbgrader sees a valid one."""

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> Any:
        path = Path(filename)
        course = course_file.find(Path.cwd())
        topic_id = resources["nbgrader"]["assignment"]
        source = nbformat.read(course.assignment(topic_id), as_version=4)
        rebuilt = from_file(path, course.topic(topic_id), source)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        return self.from_notebook_node(rebuilt, resources, **options)  # type: ignore[no-untyped-call]
