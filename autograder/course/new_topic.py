"""Write the folders of a new topic, with one exercise and two written questions to start from."""

import re
from pathlib import Path
from typing import Any

from autograder.course.course_file import FILE, Course, load
from autograder.course.new_exercise import cell, cells, checks, misconception, parse, reference
from autograder.course.solve import write
from autograder.model.errors import UserError

_ID = re.compile(r"[0-9]{2}-([a-z][a-z0-9_]*)")
_POINTS = 20
_QUESTIONS = ("first_question", "second_question")


def new_topic(course: Course, topic_id: str) -> list[Path]:
    """Write the parts of a topic. Return the changed and new files, in the order of work.

    The exercise `first_exercise` is worth all 20 points: rename it and add others. If the topic or
    a folder of its name exists, or the name is invalid, raise UserError and write nothing.
    """
    match = _ID.fullmatch(topic_id)
    if match is None:
        raise UserError(f"{topic_id!r} is not a topic name; write two digits and a name: 09-trees")
    name = match[1]
    package = course.root / "autograder" / "checks"
    if not package.is_dir():
        raise UserError(f"there is no folder {package}; run this in a checkout of the whole kit")
    lesson, solutions = course.root / "assignments" / topic_id, course.root / "solutions" / name
    taken = [t for t in course.topic_ids if t.partition("-")[2] == name]
    taken += [str(path) for path in (lesson, solutions, package / name) if path.exists()]
    if taken:
        raise UserError(f"{', '.join(taken)} exists already; choose another name")
    function = parse("first_function(x)")
    files = {
        lesson / "given.py": f'"""Data and layers of {topic_id}."""\n',
        lesson / "figures.py": f'"""Figures of {topic_id}."""\n',
        solutions
        / "reference.py": f'"""The reference of {topic_id}."""\n\n\n{reference(function)}',
        package / name / "__init__.py": f'"""The public checks of {name}."""\n',
        package / name / "test_first_exercise.py": checks(topic_id, "first_exercise", function),
        solutions / "misconceptions.py": _bank(topic_id) + misconception(function),
        solutions / "alternatives" / "loops.py": (
            f'"""{topic_id} by somebody who has seen the notebook alone."""\n\n\n'
            f"{reference(function)}"
        ),
        solutions / "proofs.py": _proofs(topic_id),
        solutions / "equivalent_mutants.yaml": "# Mutants that no legal input tells apart.\n{}\n",
        solutions / "rubrics.md": _rubrics(topic_id),
        course.root / "docs" / "topics" / f"{topic_id}.md": (
            f"# {topic_id}: what was measured\n\nFor each check that trains: mean, spread, room.\n"
        ),
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write(_notebook(topic_id, cells("first_exercise", function, _POINTS)), lesson / f"{name}.ipynb")
    with (course.root / FILE).open("a", encoding="utf-8") as file:
        file.write(_entry(topic_id, name))
    load(course.root / FILE).topic(topic_id)  # proves that the new files can be read
    return [course.root / FILE, lesson / f"{name}.ipynb", *files]


def _entry(topic_id: str, name: str) -> str:
    written = "".join(f"      {question}: {{points: 2}}\n" for question in _QUESTIONS)
    return (
        f"\n  {topic_id}:\n    title: {name.capitalize()}\n    due: null\n    exercises:\n"
        f"      first_exercise: {{points: {_POINTS}}}\n    written:\n{written}"
    )


def _notebook(topic_id: str, exercise: list[dict[str, Any]]) -> dict[str, Any]:
    setup = (
        "import numpy as np\n\nfrom autograder import check, hint, start\n"
        f'from autograder.lesson import beside\n\nstart("{topic_id}")\nimport figures\nimport given'
    )
    title = f"# {topic_id}\n\nWhy it matters, and a figure."
    questions = [
        cell("markdown", f"written-{question}", "*Your answer here.*", solution=True, points=2)
        for question in _QUESTIONS
    ]
    return {
        "cells": [
            cell("markdown", "text-title", title, locked=True),
            cell("code", "setup", setup, locked=True),
            *exercise,
            *questions,
        ],
        "metadata": {
            "autograder": {"topic": topic_id},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _bank(topic_id: str) -> str:
    return (
        f'"""Misconceptions of {topic_id}: what students really write."""\n\n'
        "from autograder.course.misconceptions import misconception\n\n\n"
    )


def _proofs(topic_id: str) -> str:
    return (
        f'"""The gradients of {topic_id}, proven; delete this file if it has none."""\n\n\n'
        'def proofs(rng):\n    """The claims, on inputs drawn from `rng` (a RandomState)."""\n'
        '    raise NotImplementedError("yield a Proof for each gradient of the reference")\n'
    )


def _rubrics(topic_id: str) -> str:
    parts = "".join(f"\n## written-{question}\n\nto be written\n" for question in _QUESTIONS)
    return f"# Rubric: {topic_id}, the two written questions\n{parts}"
