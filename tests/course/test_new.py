"""`autograder new`: what it writes is what the audit asks for, and once filled, it is graded."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from notebooks import ROOT

from autograder.course.new_exercise import parse
from autograder.model.errors import UserError


@pytest.fixture
def course(tmp_path):
    """A copy of the kit, whose own code runs."""
    for name in ("autograder", "assignments", "solutions", "docs/topics"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("course.yaml", "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(course, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "autograder", *arguments],
        cwd=course,
        env=os.environ | {"PYTHONPATH": str(course)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def state(course):
    """Every file of the copy but those that Python and nbgrader leave behind."""
    folders = ("autograder", "assignments", "solutions", "docs")
    files = [p for f in folders for p in (course / f).rglob("*") if p.is_file()]
    files = [p for p in files if "__pycache__" not in p.parts]
    return {p: p.read_bytes() for p in [*files, course / "course.yaml"]}


def replaced(path, *pairs):
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text, f"{old!r} is not in {path}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def filled(course, name, function, exercise):
    """What an author writes: f(x) = 3 x, and two ways to get it wrong."""
    stub = f'raise NotImplementedError("{function}: to be written")'
    solutions = course / "solutions" / name
    for path in (solutions / "reference.py", *(solutions / "alternatives").glob("*.py")):
        replaced(path, (stub, "return 3 * x"))
    bank = solutions / "misconceptions.py"
    wrong = f'raise NotImplementedError("{function}: a wrong version that students write")'
    replaced(bank, (wrong, "return x"), ("what the misconception is: it completes", "x itself"))
    bank.write_text(
        bank.read_text("utf-8")
        + f'\n\n@misconception("{function}", "Count the x.")\n'
        + f'def {function}_doubled(x):\n    """it is doubled"""\n    return 2 * x\n',
        encoding="utf-8",
    )
    suite = course / "autograder" / "checks" / name / f"test_{exercise}.py"
    replaced(
        suite, ('raise NotImplementedError("draw x from rng")', "return (rng.normal(size=3),)")
    )


def test_an_exercise_is_listed_as_missing_until_it_is_written(course):
    code, said = run(
        course, "new", "exercise", "01-neurons", "triple", "triple(x)", "--points", "1"
    )
    assert code == 0, said
    assert "01-neurons now has 21 points" in said
    code, said = run(course, "audit", "01-neurons", "--seeds", "1", "--no-mutants")
    assert code == 3
    for part in ("neurons/reference.py", "alternatives/loops.py", "neurons/misconceptions.py"):
        assert f"{part}: triple" in said
    assert "test_triple.py: case is not written yet" in said
    assert "triple has 1 misconceptions, expected 2 at least" in said
    filled(course, "neurons", "triple", "triple")
    code, said = run(course, "release", "01-neurons")
    assert code == 0, said
    code, said = run(course, "try", "01-neurons", "solutions/neurons/alternatives/loops.py")
    assert code == 0, said
    assert "21 / 21" in said
    code, said = run(course, "audit", "01-neurons", "--seeds", "2", "--no-mutants")
    assert code == 0, said


def test_a_topic_is_complete_when_its_parts_are_written(course):
    code, said = run(course, "new", "topic", "09-trees")
    assert code == 0, said
    code, said = run(course, "audit", "09-trees", "--seeds", "1")
    assert code == 3
    for part in ("rubric for written-first_question", "trees/proofs.py: proofs", "first_function"):
        assert part in said
    filled(course, "trees", "first_function", "first_exercise")
    (course / "solutions" / "trees" / "proofs.py").unlink()
    rubric = course / "solutions" / "trees" / "rubrics.md"
    replaced(rubric, ("to be written", "Half a point for each of these words. " * 5))
    code, said = run(course, "release", "09-trees")
    assert code == 0, said
    assert (course / "release" / "09-trees" / "figures.py").is_file()
    code, said = run(course, "audit", "09-trees", "--seeds", "2", "--no-mutants")
    assert code == 0, said
    notebook = json.loads((course / "assignments/09-trees/trees.ipynb").read_text("utf-8"))
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


REFUSED = {
    "taken exercise": ("exercise", "01-neurons", "softmax", "f(x)", "--points", "1"),
    "taken function": ("exercise", "01-neurons", "other", "softmax(z)", "--points", "1"),
    "no signature": ("exercise", "01-neurons", "other", "f(x", "--points", "1"),
    "no name": ("exercise", "01-neurons", "Other!", "f(x)", "--points", "1"),
    "no points": ("exercise", "01-neurons", "other", "f(x)", "--points", "0"),
    "unknown topic": ("exercise", "77-nowhere", "other", "f(x)", "--points", "1"),
    "taken topic": ("topic", "09-neurons"),
    "no topic": ("topic", "trees"),
}


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_made_changes_nothing(course, arguments):
    before = state(course)
    code, said = run(course, "new", *arguments)
    assert code == 2, said
    assert "Traceback" not in said
    assert state(course) == before


def test_a_signature_keeps_its_defaults():
    function = parse("huber(pred, target, delta=1.0)")
    assert function.signature == "huber(pred, target, delta=1.0)"
    assert function.arguments == ["pred", "target", "delta"]


@pytest.mark.parametrize("text", ["", "f", "f(x", "f(x): return 1\ndef g()", "1(x)", "lambda x"])
def test_what_is_no_signature_is_refused(text):
    with pytest.raises(UserError, match="not a signature"):
        parse(text)
