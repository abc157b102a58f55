"""Search files to hand out for secrets: solutions, seeds, answers, files of the course.

Names must match an allow-list. Texts are searched for lines of the solutions, in any white space,
and for functions that equal a solution's apart from layout and comments.
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

# characters of a line too long for a coincidence, and of its start without white space
_LONG, _START = 40, 20
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
    """A secret that was found, and its file."""

    where: str
    what: str


@dataclass(frozen=True)
class Secrets:
    """The secrets of a course: its folder of solutions, and its seed if there is one."""

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
        """Long single-line statements without their white space, and the file of each."""
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
        """The lines by their first characters, so that a text is searched once, not once per line."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            found.setdefault(line[:_START], []).append(line)
        return found

    @cached_property
    def functions(self) -> dict[str, str]:
        """A key of each function that ignores layout, and the file of each."""
        return {key: name for name, source in self.sources.items() for key in _functions(source)}


_TOLD = (ast.Return, ast.Assign, ast.AugAssign)


def leaks(
    members: Mapping[str, bytes], allowed: re.Pattern[str], secrets: Secrets, inside: str = ""
) -> list[Leak]:
    """All secrets in the members of an archive and in the wheels among them."""
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
    """Answers other than the public ones. Their arrays hold no text to search."""
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
    """The secret lines in a text."""
    places = ((i, starts.get(whole[i : i + _START], ())) for i in range(len(whole) - _START + 1))
    return {line for i, lines in places for line in lines if whole.startswith(line, i)}


def _texts(name: str, text: str) -> Iterator[str]:
    """The texts of a file; of a notebook, the source of each cell and every other text."""
    if not name.endswith(".ipynb"):
        yield text
        return
    todo: list[Any] = [json.loads(text)]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            todo += [*item, *item.values()]
        elif isinstance(item, list) and item and all(isinstance(part, str) for part in item):
            yield "".join(item)  # a text as a list of lines
        elif isinstance(item, list):
            todo += item
        elif isinstance(item, str):
            yield item


def _functions(source: str) -> Iterator[str]:
    """A key of each non-trivial function: its name and statements, without docstring and comments."""
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
