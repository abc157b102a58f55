"""Write the parts of a new exercise into their files. The author fills them in.

Each unfinished part raises NotImplementedError, so that it cannot pass for finished. The audit
lists what is missing.
"""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course.course_file import FILE, Course, load
from autograder.course.solve import write
from autograder.model.errors import UserError

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Function:
    """A function to write: its name, its parameters with defaults, and their names."""

    name: str
    parameters: str
    arguments: list[str]

    @property
    def signature(self) -> str:
        return f"{self.name}({self.parameters})"


def parse(signature: str) -> Function:
    """The function that a signature such as `f(x, y=1.0)` describes. UserError if it is none."""
    try:
        (node,) = ast.parse(f"def {signature}: ...").body
        assert isinstance(node, ast.FunctionDef)
    except (SyntaxError, ValueError, AssertionError):
        raise UserError(
            f'{signature!r} is not a signature; write it as in Python: "f(x, y=1.0)"'
        ) from None
    return Function(node.name, ast.unparse(node.args), [a.arg for a in node.args.args])


def new_exercise(
    course: Course, topic_id: str, exercise: str, signature: str, points: float
) -> list[Path]:
    """Write the parts of an exercise. Return the changed and new files, in the order of work.

    If the name or the function is taken or invalid, raise UserError and write nothing.
    """
    entry, function = course.entry(topic_id), parse(signature)
    topic = course.topic(topic_id)
    if not _NAME.fullmatch(exercise):
        raise UserError(
            f"{exercise!r} is not a valid name; use lowercase letters, digits and _, as in softmax"
        )
    if exercise in entry.exercises or exercise in entry.written:
        raise UserError(f"{topic_id} has an exercise {exercise!r} already; choose another name")
    if function.name in topic.functions:
        raise UserError(
            f"{topic_id} has a function {function.name!r} already, in "
            f"{topic.exercise_of(function.name)!r}; choose another name"
        )
    suite = _checks(course, topic.name) / f"test_{exercise}.py"
    if suite.exists():
        raise UserError(f"{suite} already exists; move it or choose another name")
    solutions = course.solutions(topic_id)
    changed = [course.root / FILE, course.assignment(topic_id), solutions / "reference.py", suite]
    _enter(changed[0], topic_id, exercise, points)
    _insert(changed[1], exercise, function, points)
    _append(changed[2], reference(function))
    suite.write_text(checks(topic_id, exercise, function), encoding="utf-8")
    bank, others = (
        solutions / "misconceptions.py",
        sorted((solutions / "alternatives").glob("*.py")),
    )
    _append(bank, misconception(function))
    for other in others:
        _append(other, reference(function))
    load(course.root / FILE).topic(topic_id)  # proves that the new files can be read
    return [*changed, bank, *others]


def _checks(course: Course, name: str) -> Path:
    folder = course.root / "autograder" / "checks" / name
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; run this in a checkout of the whole kit")
    return folder


def _enter(path: Path, topic_id: str, exercise: str, points: float) -> None:
    """Add a line to course.yaml after the topic's last exercise. Comments and layout stay."""
    lines = path.read_text(encoding="utf-8").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(f"  {topic_id}:"))
    at = next(i for i in range(start, len(lines)) if lines[i].startswith("    exercises:")) + 1
    while at < len(lines) and re.match(r"      \S", lines[at]):
        at += 1
    lines.insert(at, f"      {exercise}: {{points: {points:g}}}")
    path.write_text("\n".join(lines), encoding="utf-8")


def _insert(path: Path, exercise: str, function: Function, points: float) -> None:
    """Add the four cells of the exercise after the last exercise of the notebook."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    names = [c["metadata"].get("nbgrader", {}).get("grade_id", "") for c in notebook["cells"]]
    last = max((i for i, n in enumerate(names) if n.startswith("check-")), default=len(names) - 1)
    notebook["cells"][last + 1 : last + 1] = cells(exercise, function, points)
    write(notebook, path)


def _append(path: Path, text: str) -> None:
    path.write_text(f"{path.read_text(encoding='utf-8').rstrip()}\n\n\n{text}", encoding="utf-8")


def cells(exercise: str, function: Function, points: float) -> list[dict[str, Any]]:
    """The four beats of an exercise as cells: idea, answer, look, check."""
    name, calls = function.name, ", ".join(function.arguments)
    idea = (
        f"## `{exercise}`\n\n**Idea.** What it is for, its formula, and where that comes from.\n\n"
        f"**Contract.** `{function.signature}`: shapes, extremes, types; arguments are left as "
        "they are.\n\n*By hand:* a tiny input, and its result worked out in the text."
    )
    answer = (
        f'def {function.signature}:\n    """One sentence: shapes in, shapes out. Source."""\n'
        f'    raise NotImplementedError("{name}: say what to return")'
    )
    look = f"# beside({name}({calls}), expected), on the input that the text works out by hand"
    return [
        cell("markdown", f"text-{exercise}", idea, locked=True),
        cell("code", f"answer-{exercise}", answer, solution=True),
        _demo(f"look-{exercise}", look),
        cell("code", f"check-{exercise}", f'check("{exercise}")', locked=True, points=points),
    ]


def cell(
    kind: str,
    name: str,
    source: str,
    locked: bool = False,
    solution: bool = False,
    points: float | None = None,
) -> dict[str, Any]:
    metadata = {
        "grade": points is not None,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        metadata["points"] = points
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    made = {"cell_type": kind, "id": name, "metadata": {"nbgrader": metadata}, "source": source}
    return made | code


def _demo(name: str, source: str) -> dict[str, Any]:
    return cell("code", name, source) | {"metadata": {"tags": ["demo"]}}


def reference(function: Function) -> str:
    """A stub of the reference, and of an alternative."""
    return (
        f'def {function.signature}:\n    """Shapes in, shapes out. Source."""\n'
        f'    raise NotImplementedError("{function.name}: to be written")\n'
    )


def misconception(function: Function) -> str:
    """A stub of a misconception."""
    return (
        f'@misconception("{function.name}", "Where to look, and never what to type.")\n'
        f"def {function.name}_with_a_misconception({function.parameters}):\n"
        f'    """what the misconception is: it completes "Looks like: …\\""""\n'
        f'    raise NotImplementedError("{function.name}: a wrong version that students write")\n'
    )


def checks(topic_id: str, exercise: str, function: Function) -> str:
    """A class of checks. Its author has to draw the inputs."""
    arguments = ", ".join(function.arguments)
    title = "".join(part.capitalize() for part in exercise.split("_"))
    return f'''"""Checks of {topic_id}: {exercise}."""

import pytest

from autograder.testing import assert_close, exercise, robust


@exercise("{exercise}")
class Test{title}:
    @pytest.fixture
    def case(self, rng):  # all sizes different, so that a wrong order of axes cannot hide
        raise NotImplementedError("draw {arguments} from rng")

    def test_values(self, same, case):
        """The values are right"""
        assert_close(*same.{function.name}(*case))

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """{arguments} are not changed"""
        unchanged.{function.name}(*case)
'''
