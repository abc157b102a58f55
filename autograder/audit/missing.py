"""The parts that a topic must have, and which of them are missing or unfinished."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from autograder.audit.findings import Finding
from autograder.course import record
from autograder.course.course_file import Course
from autograder.grading.suite import suite_files
from autograder.model.errors import KitError
from autograder.model.topic import Topic

_MISCONCEPTIONS = 2  # of each exercise, at least


def missing(course: Course, topic: Topic) -> tuple[Finding, bool]:
    """What the author still has to write, and whether that prevents the rest of the audit."""
    unwritten = list(_unwritten(course, topic))
    problems = [*unwritten, *_few(course, topic), *_texts(course, topic)]
    summary = f"{len(topic.exercises)} exercises, {len(problems)} parts missing"
    return Finding("all parts are there", summary, problems), bool(unwritten)


def _unwritten(course: Course, topic: Topic) -> Iterator[str]:
    """Functions that still raise NotImplementedError or are not defined at all."""
    folder = course.solutions(topic.id)
    complete = [folder / "reference.py", *record.alternatives(course, topic)]
    if len(complete) == 1:
        yield f"{folder.name}/alternatives has no file: another right answer, in another style"
    checks = _suite(topic)
    for path in [*complete, folder / "misconceptions.py", folder / "proofs.py", *checks]:
        if not path.is_file():
            if path.name != "proofs.py":  # a topic may have no gradients
                yield f"{folder.name}/{path.name} is missing"
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        where = f"{path.parent.name}/{path.name}"
        yield from (f"{where}: {name} is not written yet" for name in _stubs(tree))
        if path in complete:
            absent = set(topic.functions) - _names(tree)
            yield from (f"{where}: {name} is missing" for name in sorted(absent))
    if not checks:
        yield f"checks/{topic.name} has no file test_*.py"


def _suite(topic: Topic) -> list[Path]:
    try:
        return suite_files(topic)
    except KitError:
        return []


def _few(course: Course, topic: Topic) -> Iterator[str]:
    """Exercises without checks or with too few misconceptions."""
    marks = [re.findall(r'exercise\("(\w+)"\)', p.read_text("utf-8")) for p in _suite(topic)]
    checked = {name for found in marks for name in found}
    path = course.solutions(topic.id) / "misconceptions.py"
    wrong = (
        re.findall(r'@misconception\(\s*"(\w+)"', path.read_text("utf-8")) if path.is_file() else []
    )
    for spec in topic.exercises:
        if spec.id not in checked:
            yield f"{spec.id} has no class of checks marked exercise({spec.id!r})"
        known = sum(function in spec.functions for function in wrong)
        if known < _MISCONCEPTIONS:
            yield f"{spec.id} has {known} misconceptions, expected {_MISCONCEPTIONS} at least"


def _texts(course: Course, topic: Topic) -> Iterator[str]:
    """Rubrics of the written questions, and the page of measurements."""
    path = course.solutions(topic.id) / "rubrics.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for question in course.entry(topic.id).written:
        section = text.partition(f"## written-{question}")[2].partition("\n## ")[0].strip()
        if len(section.split()) < 20:
            yield f"{topic.name}/rubrics.md has no rubric for written-{question}"
    if not (course.root / "docs" / "topics" / f"{topic.id}.md").is_file():
        yield f"docs/topics/{topic.id}.md is missing: what was measured"


def _stubs(tree: ast.Module) -> list[str]:
    """Functions whose body only raises NotImplementedError."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    return [f.name for f in functions if _raises(f.body[-1]) and len(f.body) <= 2]


def _raises(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Raise) and "NotImplementedError" in ast.unparse(statement)


def _names(tree: ast.Module) -> set[str]:
    """Names that a module defines or assigns at its top level."""
    defined = {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    stored = (n for s in tree.body for n in ast.walk(s) if isinstance(n, ast.Name))
    return defined | {n.id for n in stored if isinstance(n.ctx, ast.Store)}
