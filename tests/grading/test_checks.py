"""Every check of every suite says what it is, in words that a student understands."""

import ast
import re
from pathlib import Path

import pytest

from autograder.course import course_file
from autograder.grading.suite import suite_files

ROOT = Path(__file__).parents[2]
COURSE = course_file.load(ROOT / "course.yaml")
KINDS = {"value", "shape", "gradient", "convergence", "robustness", "speed"}
JARGON = re.compile(
    r"\b(oracle|fixture|mutant|assert|parametri[sz]e|tolerance|kwargs|dtype)\b", re.I
)


def classes(topic_id):
    """The classes of a suite, in the order of the lesson, whichever file each is in."""
    files = suite_files(COURSE.topic(topic_id))
    nodes = [n for f in files for n in ast.parse(f.read_text("utf-8")).body]
    return [node for node in nodes if isinstance(node, ast.ClassDef)]


def checks(topic_id):
    return [
        n
        for c in classes(topic_id)
        for n in c.body
        if isinstance(n, ast.FunctionDef) and n.name.startswith("test")
    ]


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_each_exercise_has_exactly_one_class_of_checks(topic_id):
    marked = [
        ast.literal_eval(c.decorator_list[0].args[0]) for c in classes(topic_id) if c.decorator_list
    ]
    assert sorted(marked) == sorted(COURSE.entry(topic_id).exercises)


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_each_check_has_a_sentence_for_the_student(topic_id):
    for check in checks(topic_id):
        title = ast.get_docstring(check) or ""
        assert len(title.split()) >= 3, check.name
        assert not title.endswith("."), check.name
        assert not JARGON.search(title), f"{check.name}: {title}"


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_the_machine_grades_twenty_points_and_two_questions_are_read(topic_id):
    entry = COURSE.entry(topic_id)
    assert sum(e.points for e in entry.exercises.values() if not e.bonus) == 20
    assert len(entry.written) == 2
    assert (COURSE.solutions(topic_id) / "rubrics.md").is_file()
