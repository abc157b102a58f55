"""Fill a stub notebook's answer cells with the functions and classes of a Python module."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import UserError
from autograder.topic import Topic

HELPERS = "solution-helpers"


@dataclass
class Module:
    """A module taken apart: each answer's own text, what it all needs first, and what must come after."""

    answers: dict[str, str]
    helpers: str
    late: dict[str, str]  # statements that use an answer when they run, by that answer


def solve(stub: Path, topic: Topic, source: str, name: str) -> dict[str, Any]:
    """The notebook as plain JSON data; answers that `source` does not have stay stubs."""
    module = take_apart(source, set(topic.functions), name)
    notebook: dict[str, Any] = json.loads(stub.read_text(encoding="utf-8"))
    cells: list[dict[str, Any]] = []
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if grade_id.startswith("answer-"):
            if not any(c.get("id") == HELPERS for c in cells) and module.helpers:
                cells.append(code_cell(HELPERS, module.helpers))
            functions = topic.exercise(grade_id.removeprefix("answer-")).functions
            cell = {**cell, "source": _filled(_text(cell["source"]), list(functions), module)}
        cells.append(cell)
    return {**notebook, "cells": cells}


def write(notebook: dict[str, Any], path: Path) -> None:
    """Write a notebook the way Jupyter does."""
    try:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None


def take_apart(source: str, wanted: set[str], name: str) -> Module:
    """Split a module's text by its top-level statements; comments go with the statement below them."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UserError(f"{name} is not Python: {error.msg} (line {error.lineno})") from None
    lines, start = source.splitlines(), 0
    module, helpers = Module({}, "", {}), []
    for node in tree.body:
        end = node.end_lineno or node.lineno
        text, start = "\n".join(lines[start:end]).strip("\n"), end
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in wanted:
            module.answers[node.name] = text
        elif used := [f for f in module.answers if f in _used_at_once(node)]:
            module.late[used[-1]] = module.late.get(used[-1], "") + "\n\n" + text
        else:
            helpers.append(text)
    module.helpers = "\n".join(helpers)
    return module


def _used_at_once(node: ast.stmt) -> set[str]:
    """Names that a statement reads when it runs, not when a function it defines is called."""
    names: set[str] = set()
    todo: list[ast.AST] = [node]
    while todo:
        item = todo.pop()
        if isinstance(item, ast.FunctionDef):
            todo += [*item.decorator_list, *item.args.defaults]
        elif isinstance(item, ast.Lambda):
            todo += item.args.defaults
        else:
            if isinstance(item, ast.Name):
                names.add(item.id)
            todo += ast.iter_child_nodes(item)
    return names


def _filled(stub: str, functions: list[str], module: Module) -> str:
    stubs = take_apart(stub, set(functions), "the stub").answers
    return "\n\n\n".join(module.answers.get(f, stubs[f]) + module.late.get(f, "") for f in functions)


def code_cell(name: str, source: str) -> dict[str, Any]:
    """A code cell of a student's own, as it stands in a file."""
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
