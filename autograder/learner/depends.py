"""Which code of a notebook an exercise's verdict may depend on, so that only what changed is
checked again.

A cell counts for an exercise if it defines one of its functions, or a name that a counting cell
mentions, or if it may do more than define and print. When in doubt it counts: to check too much
costs a second, to check too little misleads.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.model import answer_key
from autograder.model.notebook import Cell
from autograder.model.topic import Topic

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# A call of these leaves everything as it was, and so does one of the topic's own functions.
_QUIET = {*dir(builtins), "display"} - {
    "exec",
    "eval",
    "setattr",
    "delattr",
    "globals",
    "vars",
    "__import__",
}
_LOUD_NUMPY = {
    "seterr",
    "seterrcall",
    "errstate",
    "copyto",
    "put",
    "place",
    "putmask",
    "fill_diagonal",
}


@dataclass(frozen=True)
class _Code:
    """A cell by the names that it mentions, the names it defines, and whether it may do more than
    define and print.
    """

    source: str
    words: set[str]
    defines: set[str]
    acts: bool


def digests(cells: Iterable[Cell], topic: Topic) -> dict[str, str]:
    """For each exercise a digest of the code, in its order, that its verdict may depend on."""
    functions = set(topic.functions)
    codes = [_code(cell.source, _QUIET | functions) for cell in cells]
    return {
        e.id: answer_key.digest(*_counting(codes, set(e.functions), functions))
        for e in topic.exercises
    }


def _counting(codes: list[_Code], wanted: set[str], functions: set[str]) -> Iterator[str]:
    """The sources that count for some functions. That a cell tries out another of the topic's
    changes nothing.
    """
    needed = wanted.union(*(code.words - functions for code in codes if code.acts))
    defining: set[int] = set()
    while more := {
        i for i, code in enumerate(codes) if i not in defining and code.defines & needed
    }:
        defining |= more
        needed = needed.union(*(codes[i].words for i in more))
    yield from (code.source for i, code in enumerate(codes) if code.acts or i in defining)


def _code(source: str, quiet: set[str]) -> _Code:
    body = _parsed(source)
    if body is None:  # it does not run, and takes with it what it would have defined
        lost = re.findall(r"^[ \t]*(?:def|class)\s+(\w+)", source, re.M)
        return _Code(source, set(), set(lost), acts=False)
    words = {word for node in body for word in _words(node)}
    names = {name for node in body for name in _bound(node)}
    return _Code(source, words, names, acts=not all(_is_quiet(node, quiet) for node in body))


def _words(statement: ast.stmt) -> Iterator[str]:
    """The names that code mentions, in texts too, for they may be looked up by them; but not in a
    docstring.
    """
    nodes = list(ast.walk(statement))
    idle = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in idle
        ):
            yield from re.findall(r"[^\W\d]\w*", node.value)


def _parsed(source: str) -> list[ast.stmt] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds in the notebook."""
    if isinstance(node, _DEFINITIONS):
        yield node.name
        return
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
            yield part.id
        elif isinstance(part, ast.alias):
            yield (part.asname or part.name).partition(".")[0]
        elif isinstance(part, _DEFINITIONS):
            yield part.name


def _is_quiet(node: ast.stmt, quiet: set[str]) -> bool:
    """Whether a statement only defines, computes and prints."""
    if isinstance(node, (*_DEFINITIONS, ast.Import)):
        return True
    if isinstance(node, ast.ImportFrom):
        return all(alias.name != "*" for alias in node.names)
    if not isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign)):
        return False
    stores = (n for n in ast.walk(node) if isinstance(getattr(n, "ctx", None), ast.Store))
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return all(isinstance(s, (ast.Name, ast.Tuple, ast.List, ast.Starred)) for s in stores) and all(
        _changes_nothing(function, quiet) for function in calls
    )


def _changes_nothing(function: ast.expr, quiet: set[str]) -> bool:
    """`print`, `softmax`, `np.array`: what test prints consist of."""
    if isinstance(function, ast.Attribute):
        name = function.value
        return isinstance(name, ast.Name) and name.id == "np" and function.attr not in _LOUD_NUMPY
    return isinstance(function, ast.Name) and function.id in quiet
