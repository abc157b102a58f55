"""Fill a stub notebook's answer cells with the functions and classes of a Python module."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.model.errors import UserError
from autograder.model.topic import Topic

HELPERS = "solution-helpers"


@dataclass
class Module:
    """A module in parts: the text of each answer, and the helpers that come before the answers."""

    answers: dict[str, str]
    helpers: str
    late: dict[str, str]  # statements that use an answer when they run, by that answer


def solve(stub: Path, topic: Topic, source: str, name: str) -> dict[str, Any]:
    """The filled notebook as JSON data. Answers that `source` does not define stay stubs."""
    notebook: dict[str, Any] = json.loads(stub.read_text(encoding="utf-8"))
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id", "") for cell in notebook["cells"]]
    order = [
        f
        for i in ids
        if i.startswith("answer-")
        for f in topic.exercise(i.removeprefix("answer-")).functions
    ]
    module = take_apart(source, order, name)
    cells: list[dict[str, Any]] = []
    for cell, grade_id in zip(notebook["cells"], ids):
        if grade_id.startswith("answer-"):
            if not any(c.get("id") == HELPERS for c in cells) and module.helpers:
                cells.append(code_cell(HELPERS, module.helpers))
            functions = topic.exercise(grade_id.removeprefix("answer-")).functions
            cell = {**cell, "source": _filled(_text(cell["source"]), list(functions), module)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def read_source(path: Path) -> str:
    """The text of a Python file. UserError says why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UserError(f"{path} cannot be read ({reason})") from None


def write(notebook: dict[str, Any], path: Path) -> None:
    """Write a notebook as Jupyter does."""
    try:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None


def take_apart(source: str, order: list[str], name: str) -> Module:
    """Split a module by its top-level statements. A comment goes with the statement below it.

    `order` holds the answers in the order of the notebook. A statement that needs some of them when
    it runs comes after the last of those, and so does every statement that needs it in turn.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UserError(f"{name} is not Python: {error.msg} (line {error.lineno})") from None
    lines, start = re.split(r"\r\n|\r|\n", source), 0  # as Python splits: a form feed ends no line
    module, helpers = Module({}, "", {}), []
    needs: dict[str, set[str]] = {}  # name -> answers that it needs
    for node in tree.body:
        end = node.end_lineno or node.lineno
        text, start = "\n".join(lines[start:end]).strip("\n"), end
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in order:
            module.answers[node.name] = text
            continue
        used = {
            answer
            for n in _names(node, at_once=True)
            for answer in ({n} & set(order)) | needs.get(n, set())
        }
        reached = {
            answer
            for n in _names(node, at_once=False)
            for answer in ({n} & set(order)) | needs.get(n, set())
        }
        for bound in _bound(node):
            needs[bound] = reached if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else used
        if used:
            last = max(used, key=order.index)
            module.late[last] = module.late.get(last, "") + "\n\n" + text
        else:
            helpers.append(text)
    module.helpers = "\n".join(helpers)
    return module


def _names(node: ast.stmt, at_once: bool) -> set[str]:
    """Names that a statement reads: when it runs, or also when a function it defines is called."""
    names: set[str] = set()
    todo: list[ast.AST] = [node]
    while todo:
        item = todo.pop()
        if at_once and isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += [*item.decorator_list, item.args]
        elif at_once and isinstance(item, ast.Lambda):
            todo.append(item.args)
        else:
            if isinstance(item, ast.Name):
                names.add(item.id)
            todo += ast.iter_child_nodes(item)
    return names


def _bound(node: ast.stmt) -> set[str]:
    """Names that a statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    return {
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _filled(stub: str, functions: list[str], module: Module) -> str:
    stubs = take_apart(stub, functions, "the stub").answers
    return "\n\n\n".join(
        module.answers.get(f, stubs[f]) + module.late.get(f, "") for f in functions
    )


def code_cell(name: str, source: str) -> dict[str, Any]:
    """A student's own code cell, as it is in a file."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": source,
    }


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
