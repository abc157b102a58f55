"""Read a submitted notebook in any state, and take the student's own code from it."""

import ast
import json
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder.model.errors import UserError
from autograder.model.opened import NotPlain, TooLarge, read_own
from autograder.model.topic import Topic

MAX_BYTES = 32 << 20
MAX_CELLS = 2_000  # forty times as many as a long lesson has
# Lists and dicts that a file may hold: a hundred bytes of memory each, for two of the file.
_MAX_PARTS = 300_000
# characters of code read here, outside the jail: four times as many as in a long notebook
_READ = 200_000
# characters times magics: IPython reads a cell again for each magic in it
_WORK, _MAGICS = 200_000, 30
# everything that IPython may take for a magic
_MAGIC = re.compile(r"^[ \t]*[%!?]|=[ \t]*[%!]|\?[ \t]*$", re.M)


class Unreadable(UserError):
    """The file is no notebook of this topic: it scores 0 and the report says why."""


@dataclass(frozen=True)
class Cell:
    """One cell of the file. `grade_id` is nbgrader's name for it, "" if it has none."""

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
        """Whether the code counts as the submission: the student's own, no figure and no long run."""
        ours = self.locked or self.grade_id.startswith("check-")
        return self.kind == "code" and "demo" not in self.tags and not ours


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook, and the topic in its metadata, if any."""

    path: Path
    cells: list[Cell]
    topic: str | None

    def functions(self) -> set[str]:
        """Names that the cells define, found by pattern: a cell need not compile."""
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
        return decode(path, read_own(path, MAX_BYTES))
    except FileNotFoundError:
        raise Unreadable(f"there is no file {path}") from None
    except OSError as error:  # Windows cannot open a folder
        raise refused(path, NotPlain() if path.is_dir() else error) from None


def refused(path: Path, error: OSError) -> Unreadable:
    """Why a file could not be opened as a notebook."""
    if isinstance(error, TooLarge):
        return Unreadable(
            f"{shown(path.name)} has {error.size >> 20} MB, more than {MAX_BYTES >> 20}; clear its "
            "outputs and save"
        )
    if isinstance(error, NotPlain):
        return Unreadable(f"{path} is not a file; give the path of a notebook (.ipynb)")
    return Unreadable(f"{path} cannot be opened ({error.strerror}); check its permissions")


def decode(path: Path, content: bytes) -> dict[str, Any]:
    """The JSON data of a notebook file with these bytes; Unreadable as for `read`."""
    try:
        text = content.decode("utf-8-sig")
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
    """The notebook in data that `load` accepted."""
    metadata = _dict(data.get("metadata"))
    topic = _dict(metadata.get("autograder")).get("topic")
    cells = [_cell(i, _dict(c)) for i, c in enumerate(data["cells"], 1)]
    return Notebook(path, cells, topic if isinstance(topic, str) else None)


def _data(path: Path, text: str) -> dict[str, Any]:
    if text.count("[") + text.count("{") > _MAX_PARTS:
        raise Unreadable(
            f"{shown(path.name)} holds more than {_MAX_PARTS} lists; clear its outputs and save"
        )
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
    if len(data["cells"]) > MAX_CELLS:
        raise Unreadable(
            f"{shown(path.name)} has {len(data['cells'])} cells, expected at most {MAX_CELLS}; "
            "delete the empty ones and save"
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
    """The text of a cell. A file stores it whole or as a list of lines."""
    source = data.get("source", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return text(source) if isinstance(source, str) else ""


def text(value: str) -> str:
    """The text without lone surrogates, which JSON and file names may hold and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode("utf-8")


def shown(value: object) -> str:
    """A text from a file, on one line and cut short, for a message."""
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def require_topic(notebook: Notebook, topic: Topic) -> None:
    """Raise Unreadable unless metadata, cells or functions show a notebook of that topic."""
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
    """The code to run when grading: the topic's setup, then the student's cells in their order."""
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
    """Turn IPython's magics and `!` lines into plain calls. Code that parses stays as it is."""
    if _parses(cell.source):
        return cell
    source = _blanked(cell.source)
    if transform and _work(cell) <= _WORK and len(_MAGIC.findall(cell.source)) <= _MAGICS:
        # takes half a second and is rarely needed
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                source = TransformerManager().transform_cell(cell.source)
        except Exception:  # not Python even with magics: the worker reports the error
            return cell
    return replace(cell, source=source) if _parses(source) else cell


def _blanked(source: str) -> str:
    """The source without lines that begin with % or !, for cells that take IPython minutes to read."""
    return re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.M)


def _parses(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
