"""Submissions for tests: the released notebook, filled with the reference and then bent."""

import json
from functools import cache
from pathlib import Path

from autograder.course import course_file, solve
from autograder.model import answer_key

ROOT = Path(__file__).parents[1]
COURSE = course_file.load(ROOT / "course.yaml")
TOPIC = COURSE.topic("01-neurons")


@cache
def public_answers():
    return answer_key.load(COURSE.release(TOPIC.id) / answer_key.NAME)


def solved(**replaced):
    """The solved notebook as JSON data; `softmax="..."` puts other code into that answer cell."""
    source = (ROOT / "solutions" / "neurons" / "reference.py").read_text(encoding="utf-8")
    notebook = solve.solve(
        COURSE.release(TOPIC.id) / "neurons.ipynb", TOPIC, source, "the reference"
    )
    for exercise, code in replaced.items():
        cell(notebook, f"answer-{exercise}")["source"] = code
    return notebook


def cell(notebook, grade_id):
    return next(
        c
        for c in notebook["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    )


def answer(exercise):
    """The reference's code of one answer cell."""
    return cell(solved(), f"answer-{exercise}")["source"]


def written(notebook, folder, name="neurons.ipynb"):
    path = folder / name
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path
