"""Read a submitted notebook, whatever state it is in, and take the student's own code from it."""

import ast
import json
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.model.errors import UserError
from autograder.model.topic import Topic

MAX_BYTES = 64 << 20
# characters of code that are read here, outside of any jail: four times as long as a long notebook
_READ = 200_000
_WORK, _MAGICS = (
    200_000,
    30,
)  # IPython reads a cell over again for each magic in it: characters times magics
_MAGIC = re.compile(r"^[ \t]*[%!?]|=[ \t]*[%!]|\?[ \t]*$", re.M)  # all that it may take for one


class Unreadable(UserError):
    """The file is no notebook of this topic: it scores 0 and the report says why."""


@dataclass(frozen=True)
class Cell:
    """One cell as it stands in the file. `grade_id` is nbgrader's name for it, "" if it has
    none.
    """

    number: int
    kind: str
    source: str
    grade_id: str = ""
    locked: bool = False
    tags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return self.grade_id or f"cell {self.number}"

    @property
    def is_students(self) -> bool:
        """Code that counts as the submission: not the course's own cells, not a figure or a long
        run.
        """
        ours = self.locked or self.grade_id.startswith("check-")
        return self.kind == "code" and "demo" not in self.tags and not ours


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook and the topic that its metadata names, if any."""

    path: Path
    cells: list[Cell]
    topic: str | None

    def functions(self) -> set[str]:
        """Names that some cell defines, by the look of its text: it need not compile."""
        found = (
            re.findall(r"^[ \t]*(?:def|class)\s+(\w+)", c.source, re.M)
            for c in self.cells
            if c.kind == "code"
        )
        return {name for names in found for name in names}


def read(path: Path) -> Notebook:
    """Read a notebook file; Unreadable says in one sentence what is wrong with it."""
    return of(path, load(path))


def load(path: Path) -> dict[str, Any]:
    """The JSON data of a notebook file; Unreadable as for `read`."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise Unreadable(f"{path} is not a file; give the path of a notebook (.ipynb)")
        if size > MAX_BYTES:
            raise Unreadable(
                f"{shown(path.name)} is {size >> 20} MB large, more than {MAX_BYTES >> 20} MB; "
                "clear its outputs and save it again"
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise Unreadable(f"there is no file {path}") from None
    except OSError as error:
        raise Unreadable(
            f"{path} cannot be opened ({error.strerror}); check its permissions"
        ) from None
    except UnicodeDecodeError:
        raise Unreadable(
            f"{shown(path.name)} is not text; is it really a notebook (.ipynb)?"
        ) from None
    if not text.strip():
        raise Unreadable(f"{shown(path.name)} is empty; save the notebook again")
    return _data(path, text)


def parse(path: Path, text: str) -> Notebook:
    """The notebook that this text is; Unreadable as for `read`."""
    return of(path, _data(path, text))


def of(path: Path, data: dict[str, Any]) -> Notebook:
    """The notebook that a file's data, which `load` has let through, describe."""
    metadata = _dict(data.get("metadata"))
    topic = _dict(metadata.get("autograder")).get("topic")
    cells = [_cell(i, _dict(c)) for i, c in enumerate(data["cells"], 1)]
    return Notebook(path, cells, topic if isinstance(topic, str) else None)


def _data(path: Path, text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable(
            f"{shown(path.name)} is damaged: its JSON ends or breaks{where}; save or download it "
            "again"
        ) from None
    if not isinstance(data, dict) or "nbformat" not in data:
        raise Unreadable(f"{shown(path.name)} is JSON but not a notebook; save it from Jupyter")
    if data["nbformat"] != 4 or not isinstance(data.get("cells"), list):
        raise Unreadable(
            f"{shown(path.name)} has notebook format {shown(data['nbformat'])}, expected 4; open "
            "and save it in Jupyter"
        )
    return data


def _cell(number: int, data: dict[str, Any]) -> Cell:
    metadata = _dict(data.get("metadata"))
    nbgrader = _dict(metadata.get("nbgrader"))
    grade_id, tags = nbgrader.get("grade_id"), metadata.get("tags")
    grade_id = grade_id if isinstance(grade_id, str) else ""
    locked = bool(nbgrader.get("locked")) and not grade_id.startswith("answer-")
    return Cell(
        number=number,
        kind=str(data.get("cell_type")),
        source=source_of(data),
        grade_id=grade_id,
        locked=locked,
        tags=tuple(t for t in tags if isinstance(t, str)) if isinstance(tags, list) else (),
    )


def source_of(data: dict[str, Any]) -> str:
    """The text of a cell, which a file has whole or in lines."""
    source = data.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return text(source) if isinstance(source, str) else ""


def text(value: str) -> str:
    """A text that can be written to a file: half a character, as JSON and file names may have it,
    is none.
    """
    return value.encode("utf-8", "replace").decode("utf-8")


def shown(value: object) -> str:
    """What a file says of itself, on one line and no longer than it deserves."""
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def require_topic(notebook: Notebook, topic: Topic) -> None:
    """Unreadable unless this is a notebook of that topic, by its metadata, cells or functions."""
    name = shown(notebook.path.name)
    if notebook.topic is not None and notebook.topic != topic.id:
        raise Unreadable(
            f"{name} is the notebook of {shown(notebook.topic)}, expected {topic.id}; hand in that "
            "notebook"
        )
    answers = {f"answer-{e.id}" for e in topic.exercises}
    known = (
        answers & {c.grade_id for c in notebook.cells}
        or set(topic.functions) & notebook.functions()
    )
    if notebook.topic is None and not known:
        raise Unreadable(f"{name} has none of the exercises of {topic.id}; is it another notebook?")


def submission(notebook: Notebook, topic: Topic) -> list[Cell]:
    """The code to run when grading: the topic's own setup, then the student's cells in
    their order.
    """
    cells, read, work = [Cell(0, "code", source, "setup") for source in topic.setup], 0, 0
    for cell in notebook.cells:
        if cell.is_students and cell.source.strip():
            read += len(cell.source)
            work += _work(cell)
            cells.append(_without_magics(cell, work <= _WORK) if read <= _READ else cell)
    return cells


def _work(cell: Cell) -> int:
    return len(cell.source) * len(_MAGIC.findall(cell.source))


def _without_magics(cell: Cell, transform: bool = True) -> Cell:
    """Turn IPython's magics and `!` lines into plain calls, or leave them out; Python that parses
    is left alone.
    """
    if _parses(cell.source):
        return cell
    source = _blanked(cell.source)
    if transform and _work(cell) <= _WORK and len(_MAGIC.findall(cell.source)) <= _MAGICS:
        from IPython.core.inputtransformer2 import (
            TransformerManager,
        )  # half a second, and rarely needed

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                source = TransformerManager().transform_cell(cell.source)
        except (
            Exception
        ):  # not Python with magics either: the worker will say what is wrong with it
            return cell
    return replace(cell, source=source) if _parses(source) else cell


def _blanked(source: str) -> str:
    """Every line that begins with % or ! left out: for cells that IPython would take minutes to
    read.
    """
    return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.M)


def _parses(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
