"""Look through what is about to be handed out for what must stay: solutions, seeds, answers, files
of the course.

Names are held against a list of what may be there, never of what may not. Texts are searched for
the solutions' lines, whatever the white space, and for functions that are a solution's by another
layout or comment.
"""

import ast
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.model import answer_key
from autograder.model.answer_key import PUBLIC_SEED
from autograder.model.errors import KitError

_LONG, _START = (
    40,
    20,
)  # characters of a line that is nobody's accident, and of its start without white space
_TEXTS = (
    ".py",
    ".ipynb",
    ".md",
    ".html",
    ".css",
    ".txt",
    ".sh",
    ".toml",
    "METADATA",
    "run_autograder",
)
_PACKAGE = re.compile(
    r"autograder/([a-z_]+/){0,2}([\w.]+\.(py|html|css|sh)|py\.typed|run_autograder)|first_principles_kit-[^/]+\.dist-info/[\w./]+"
)


@dataclass(frozen=True)
class Leak:
    """Something that must not be handed out, and the file that it was found in."""

    where: str
    what: str


@dataclass(frozen=True)
class Secrets:
    """What a course keeps to itself: the folder of its solutions, and its seed if it has one
    already.
    """

    solutions: Path
    seed: int | None

    @cached_property
    def sources(self) -> dict[str, str]:
        root = self.solutions
        return {
            p.relative_to(root.parent).as_posix(): p.read_text("utf-8")
            for p in sorted(root.rglob("*.py"))
        }

    @cached_property
    def lines(self) -> dict[str, str]:
        """Statements that fill one long line, without their white space, and the file of each."""
        found = {}
        for name, source in self.sources.items():
            rows = source.encode().split(b"\n")
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, _TOLD) and node.lineno == node.end_lineno:
                    text = rows[node.lineno - 1][node.col_offset : node.end_col_offset].decode()
                    if len(text) >= _LONG:
                        found[_squeezed(text)] = name
        return found

    @cached_property
    def starts(self) -> dict[str, list[str]]:
        """The lines by how they begin: a text is then gone through once, not once for each line."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            found.setdefault(line[:_START], []).append(line)
        return found

    @cached_property
    def functions(self) -> dict[str, str]:
        """What each function is, however it is laid out, and the file of each."""
        return {key: name for name, source in self.sources.items() for key in _functions(source)}


_TOLD = (ast.Return, ast.Assign, ast.AugAssign)


def leaks(
    members: Mapping[str, bytes], allowed: re.Pattern[str], secrets: Secrets, inside: str = ""
) -> list[Leak]:
    """All that must not be handed out, in the members of an archive and in the wheels among
    them.
    """
    found = []
    for name, data in members.items():
        where = f"{inside}{name}"
        if not allowed.fullmatch(name):
            found.append(Leak(where, "a file that has no business there"))
        elif name.endswith(".whl"):
            found += _in_wheel(where, data, secrets)
        elif name.endswith(".npz"):
            found += [Leak(where, what) for what in _in_answers(data, where)]
        elif name.endswith(_TEXTS):
            found += [Leak(where, what) for what in _in_text(name, data, secrets)]
    return found


def _in_wheel(where: str, data: bytes, secrets: Secrets) -> list[Leak]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return leaks(members, _PACKAGE, secrets, f"{where}/")


def _in_answers(data: bytes, where: str) -> Iterator[str]:
    """Answers other than the public ones. Arrays hold no text that a seed or a solution could stand
    in.
    """
    try:
        answers = answer_key.from_bytes(data, where)
    except KitError as error:
        yield str(error)
        return
    if answers.seed != PUBLIC_SEED:
        yield "answers under another seed than the public one"


def _in_text(name: str, data: bytes, secrets: Secrets) -> Iterator[str]:
    try:
        texts = list(_texts(name, data.decode("utf-8")))
    except (ValueError, RecursionError):
        yield "it cannot be read, so that nobody knows what is in it"
        return
    whole = _squeezed("".join(texts))
    for line in sorted(_found(whole, secrets.starts)):
        yield f"a line of {secrets.lines[line]}: {line[:60]}"
    copies = {key for text in texts for key in _functions(text)} & secrets.functions.keys()
    yield from (
        f"the function {key.partition(' ')[0]} of {secrets.functions[key]}"
        for key in sorted(copies)
    )
    if secrets.seed is not None and len(str(secrets.seed)) > 5 and str(secrets.seed) in whole:
        yield "the course's secret seed"


def _found(whole: str, starts: Mapping[str, list[str]]) -> set[str]:
    """The lines that stand in a text."""
    places = ((i, starts.get(whole[i : i + _START], ())) for i in range(len(whole) - _START + 1))
    return {line for i, lines in places for line in lines if whole.startswith(line, i)}


def _texts(name: str, text: str) -> Iterator[str]:
    """The texts of a file: of a notebook, each cell's source and whatever else is written in it."""
    if not name.endswith(".ipynb"):
        yield text
        return
    todo: list[Any] = [json.loads(text)]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += [*item, *item.values()]
        elif isinstance(item, list) and item and all(isinstance(part, str) for part in item):
            yield "".join(item)  # a text in lines
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str):
            yield item


def _functions(source: str) -> Iterator[str]:
    """Each function with more than a name to it: its name and its statements, without texts and
    comments.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source if "def " in source else "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        body = (
            [n for n in node.body if not _is_text(n)] if isinstance(node, ast.FunctionDef) else []
        )
        if (
            isinstance(node, ast.FunctionDef)
            and body
            and not isinstance(body[0], (ast.Raise, ast.Pass))
        ):
            yield f"{node.name} {' '.join(ast.dump(n) for n in body)}"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
