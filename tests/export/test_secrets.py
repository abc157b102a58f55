"""What students get holds no solution, no misconception's code and no secret."""

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder.course import course_file, record
from autograder.model import answer_key

ROOT = Path(__file__).parents[2]
COURSE = course_file.load(ROOT / "course.yaml")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"  # a clean one: an old build/ would be packed along
    shutil.copytree(
        ROOT / "autograder", tree / "autograder", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(tree),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_checks_a_notebook_where_there_is_no_course(wheel, tmp_path):
    """The live check and the command, from the wheel alone, in a copy of the released
    folder alone.
    """
    home, site = tmp_path / "home folder", tmp_path / "site"
    shutil.copytree(COURSE.release("01-neurons"), home)
    zipfile.ZipFile(wheel).extractall(site)
    live = "import autograder; from autograder import check, start; start('01-neurons'); import given, figures; "
    live += "print(autograder.__file__, given.__file__, repr(check('softmax')), check('softmax')._repr_html_()[:7])"
    isolated = [sys.executable, "-c"]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [*isolated, live], cwd=home, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[0].endswith("0.0 <style>")
    assert str(site) in done.stdout
    command = "from autograder.cli.main import main; main(['check', 'neurons.ipynb', '--exercise', 'softmax'])"
    done = subprocess.run(
        [*isolated, command], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "softmax is not written yet" in done.stdout


def secret_lines():
    """Lines of the solutions long enough to be nobody's accident."""
    for path in sorted((ROOT / "solutions").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.Return, ast.Assign, ast.AugAssign)):
                line = ast.get_source_segment(source, node) or ""
                if len(line) >= 40 and "\n" not in line:
                    yield path.name, line


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_the_wheel_holds_the_package_and_nothing_of_the_course(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "autograder/checks/neurons/test_layers.py" in names
    assert "autograder/render/templates/card.html" in names
    instructors = r"solution|misconception|alternative|answers\.npz|course\.yaml|assignments"
    reader = "autograder/course/misconceptions.py"  # the package's own, which reads a course's bank
    assert [n for n in names if re.search(instructors, n)] == [reader]


def test_neither_wheel_nor_release_holds_a_line_of_a_solution(wheel):
    archive = zipfile.ZipFile(wheel)
    public = [archive.read(n).decode() for n in archive.namelist() if n.endswith((".py", ".html"))]
    public += [
        p.read_text(encoding="utf-8")
        for p in (ROOT / "release").rglob("*")
        if p.suffix in (".py", ".ipynb")
    ]
    haystack = squeezed("\n".join(public)).replace("\\n", "").replace('\\"', '"')
    assert [(name, line) for name, line in secret_lines() if squeezed(line) in haystack] == []


# What no hint spells: a statement that computes. `t = T - 1` and `h = o tanh(c)` are mathematics,
# and may stand there.
CODE = re.compile(r"\bnp\.|\blambda\b|\w = \w[\w.]*(?:[(\[]| ?[*/@])|\breturn [\w.]*[(\[+*/-]")


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_the_public_answers_are_of_the_public_seed_and_name_misconceptions_without_their_code(
    topic_id,
):
    answers = answer_key.load(COURSE.release(topic_id) / answer_key.NAME)
    assert answers.seed == answer_key.PUBLIC_SEED
    assert {frozenset(m) for m in answers.misconceptions.values()} == {
        frozenset({"exercise", "title", "hint"})
    }
    assert not [m for m in answers.misconceptions.values() if CODE.search(" ".join(m.values()))]


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_the_release_holds_what_a_student_needs_and_nothing_else(topic_id):
    names = {
        p.name
        for p in COURSE.release(topic_id).iterdir()
        if p.name not in ("__pycache__", ".ipynb_checkpoints")
    }
    assert names == {f"{topic_id.partition('-')[2]}.ipynb", "given.py", "figures.py", "answers.npz"}


def test_a_hint_never_spells_code():
    for topic_id in COURSE.topic_ids:
        for misconception in record.load_misconceptions(COURSE, COURSE.topic(topic_id)):
            assert not CODE.search(misconception.hint), misconception.name
