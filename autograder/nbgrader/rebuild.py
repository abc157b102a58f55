"""Rebuild a submission in the shape of its source, so that nbgrader accepts it in any state.

Check cells, texts and metadata come from the source; answers and all other cells from the student.
Deleted cells are restored, duplicated ones lose their grade or are removed. A file that cannot be
read becomes the source's notebook with the reason in its metadata.
"""

from pathlib import Path
from secrets import token_hex
from typing import Any

import nbformat

from autograder.model import notebook
from autograder.model.notebook import Unreadable, source_of, text
from autograder.model.topic import Topic

MARK = "autograder"
MISSING = "# This answer cell was missing from the submission."


def from_bytes(path: Path, content: bytes, topic: Topic, source: Any) -> Any:
    """The rebuilt notebook of these bytes, or the source's with the reason why they are unreadable."""
    try:
        data = notebook.decode(path, content)
        notebook.require_topic(notebook.of(path, data), topic)
        return rebuild(data, source)
    except Unreadable as error:
        return unread(str(error), topic, source)


def unread(reason: str, topic: Topic, source: Any) -> Any:
    """The source's notebook with the reason why the submission cannot be read."""
    rebuilt = rebuild({"cells": []}, source)
    rebuilt.metadata[MARK] = {"topic": topic.id, "unreadable": text(reason)}
    return rebuilt


def rebuild(submitted: dict[str, Any], source: Any) -> Any:
    """A valid notebook in the student's order: the source's graded cells and the student's own."""
    ours = {
        cell.metadata.nbgrader.grade_id: cell
        for cell in source.cells
        if "nbgrader" in cell.metadata
    }
    cells: list[Any] = []
    placed: set[str] = set()
    for data in submitted["cells"]:
        data = data if isinstance(data, dict) else {}
        grade_id = _grade_id(data)
        if grade_id not in ours:
            cells.append(_own(data))
        elif grade_id not in placed:
            placed.add(grade_id)
            cells.append(_restored(ours[grade_id], data))
        elif _is_solution(ours[grade_id]):
            # a second copy of an answer cell: its code counts, but it has no grade
            cells.append(_own(data))
    _insert_missing(cells, ours, placed)
    rebuilt = nbformat.v4.new_notebook(cells=cells, metadata=dict(source.metadata))
    unreadable = _dict(_dict(submitted.get("metadata")).get(MARK)).get("unreadable")
    if isinstance(unreadable, str):  # nbgrader reads the notebook twice; the first pass wrote this
        rebuilt.metadata[MARK] = {**rebuilt.metadata.get(MARK, {}), "unreadable": text(unreadable)}
    return rebuilt


def _restored(cell: Any, data: dict[str, Any]) -> Any:
    """The source's cell, with the student's text if it is an answer."""
    source = source_of(data) if _is_solution(cell) else cell.source
    return _new(cell.cell_type, source, dict(cell.metadata), data)


def _own(data: dict[str, Any]) -> Any:
    """A cell of the student's own, which cannot affect grading."""
    tags = _dict(data.get("metadata")).get("tags")
    kind = "code" if data.get("cell_type") == "code" else "markdown"
    keep = {"tags": ["demo"]} if isinstance(tags, list) and "demo" in tags else {}
    return _new(kind, source_of(data), keep, data)


def _new(kind: str, source: str, metadata: dict[str, Any], data: dict[str, Any]) -> Any:
    # nbformat's new_code_cell would validate each cell, which took most of the time.
    cell = nbformat.from_dict(
        {"id": token_hex(4), "cell_type": kind, "metadata": metadata, "source": source}
    )
    if kind == "code":
        cell.update(execution_count=None, outputs=[])
        return cell
    attachments = {
        text(name): _bundle(v)
        for name, v in _dict(data.get("attachments")).items()
        if _is_bundle(v)
    }
    if attachments:  # a picture in a written answer
        cell.attachments = attachments
    return cell


def _bundle(value: dict[str, str]) -> dict[str, str]:
    return {text(kind): text(content) for kind, content in value.items()}


def _is_bundle(value: object) -> bool:
    """Whether an attachment has the notebook format: its contents as text by MIME type."""
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _insert_missing(cells: list[Any], ours: dict[str, Any], placed: set[str]) -> None:
    """Insert each missing cell after the one it follows in the source."""
    before = ""
    for grade_id, cell in ours.items():
        if grade_id not in placed:
            source = MISSING if _is_solution(cell) and cell.cell_type == "code" else cell.source
            at = next((i + 1 for i, c in enumerate(cells) if _id_of(c) == before), 0)
            cells.insert(at, _new(cell.cell_type, source, dict(cell.metadata), {}))
        before = grade_id


def _id_of(cell: Any) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _is_solution(cell: Any) -> bool:
    return bool(cell.metadata.nbgrader.solution)


def _grade_id(data: dict[str, Any]) -> str:
    grade_id = _dict(_dict(data.get("metadata")).get("nbgrader")).get("grade_id")
    return grade_id if isinstance(grade_id, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
