"""What is handed out is what a student needs; a secret in it stops it, and is named with
its place.
"""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from notebooks import COURSE, ROOT, cell, solved

from autograder.cli.main import main
from autograder.course.course_file import FILE, load
from autograder.export import archive, kit, leaks
from autograder.export import wheel as wheels
from autograder.model import answer_key
from autograder.model.errors import UserError

TOPIC = "01-neurons"


@pytest.fixture(scope="module")
def wheel():
    return wheels.wheel(None)


@pytest.fixture
def course(tmp_path):
    """A course of one topic, with a seed of its own, to plant something in."""
    root = tmp_path / "course"
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in (f"release/{TOPIC}", f"assignments/{TOPIC}"):
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    (root / "solutions" / "neurons").mkdir(parents=True)
    reference = Path("solutions") / "neurons" / "reference.py"
    shutil.copy(ROOT / reference, root / reference)
    only = (ROOT / FILE).read_text(encoding="utf-8").partition("  02-backprop:")[0]
    (root / FILE).write_text(only, encoding="utf-8")
    (root / ".autograder").mkdir()
    (root / ".autograder" / "seed").write_text("8812345678901234567\n")
    return load(root / FILE)


def test_the_kit_holds_the_releases_the_package_and_a_page_to_start_from(wheel):
    members = kit.contents(COURSE, wheel)
    folders = {name.partition("/")[0] for name in members}
    assert folders == {COURSE.file.course}
    released = [
        f"release/{t}/{f}"
        for t in COURSE.topic_ids
        for f in ("answers.npz", "figures.py", "given.py", f"{t[3:]}.ipynb")
    ]
    assert {name.partition("/")[2] for name in members} == {"README.md", wheel[0], *released}
    page = members[f"{COURSE.file.course}/README.md"].decode()
    assert f"pip install ./{wheel[0]}" in page
    assert all(f"release/{t}/{t[3:]}.ipynb" in page for t in COURSE.topic_ids)


def test_the_same_contents_are_the_same_bytes(monkeypatch):
    members = {"b/run": b"#!/bin/sh", "a": b"text" * 1000}
    first = archive.zipped(members, ["b/run"])
    monkeypatch.setattr("time.time", lambda: 2_000_000_000)
    assert archive.zipped(dict(reversed(members.items())), ["b/run"]) == first
    names = zipfile.ZipFile(io.BytesIO(first)).infolist()
    assert [(i.filename, i.external_attr >> 16 & 0o777) for i in names] == [
        ("a", 0o644),
        ("b/run", 0o755),
    ]


def released(course, name="neurons.ipynb"):
    return course.release(TOPIC) / name


def plant_line(course):
    text = released(course, "given.py").read_text(encoding="utf-8")
    line = next(iter(kit.secrets_of(course).lines))
    released(course, "given.py").write_text(
        f"{text}\n# {line[:20]}  {line[20:]}\n", encoding="utf-8"
    )


def plant_function(course):
    notebook = json.loads(released(course).read_text(encoding="utf-8"))
    cell(notebook, "answer-relu")["source"] = (
        cell(solved(), "answer-relu")["source"].replace("z", "z ").splitlines(True)
    )
    released(course).write_text(json.dumps(notebook), encoding="utf-8")


def plant_output(course):
    notebook = json.loads(released(course).read_text(encoding="utf-8"))
    source = (course.root / "solutions" / "neurons" / "reference.py").read_text(encoding="utf-8")
    code = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": source.splitlines(True)}]
    released(course).write_text(json.dumps(notebook), encoding="utf-8")


def plant_answers(course):
    path = released(course, "answers.npz")
    replace(answer_key.load(path), seed=7).save(path)


def plant_seed(course):
    notebook = json.loads(released(course).read_text(encoding="utf-8"))
    notebook["metadata"]["note"] = "drawn with 8812345678901234567"
    released(course).write_text(json.dumps(notebook), encoding="utf-8")


def plant_file(course):
    shutil.copy(course.root / FILE, released(course, "course.yaml"))


def plant_binary(course):
    released(course).write_bytes(b"\xff\xfe\x00")


PLANTED = {
    "a line of a solution": (plant_line, r"given\.py: a line of solutions/"),
    "a short solution, laid out differently": (
        plant_function,
        r"neurons\.ipynb: the function relu of solutions/",
    ),
    "a solution in an output": (plant_output, r"neurons\.ipynb: a line of solutions/"),
    "other answers": (plant_answers, r"answers\.npz: answers under another seed"),
    "the seed": (plant_seed, r"neurons\.ipynb: the course's secret seed"),
    "a file of the course": (plant_file, r"course\.yaml: a file that has no business there"),
    "what cannot be read": (plant_binary, r"neurons\.ipynb: it cannot be read"),
}


@pytest.mark.parametrize(("plant", "said"), PLANTED.values(), ids=PLANTED)
def test_a_secret_stops_the_kit_and_is_named_with_its_place(course, wheel, plant, said):
    kit.contents(course, wheel)
    plant(course)
    with pytest.raises(UserError, match=rf"nothing was written(.|\n)*release/{TOPIC}/{said}"):
        kit.contents(course, wheel)


def packed(wheel, **files):
    """The wheel with more in it."""
    data = io.BytesIO(wheel[1])
    with zipfile.ZipFile(data, "a") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return wheel[0], data.getvalue()


def test_a_secret_inside_the_wheel_is_found(course, wheel):
    source = (course.root / "solutions" / "neurons" / "reference.py").read_text(encoding="utf-8")
    found = r"whl/autograder/x\.py: a line of solutions/neurons/reference\.py"
    with pytest.raises(UserError, match=found):
        kit.contents(course, packed(wheel, **{"autograder__x.py": source}))
    with pytest.raises(
        UserError, match=r"whl/solutions/neurons\.py: a file that has no business there"
    ):
        kit.contents(course, packed(wheel, **{"solutions__neurons.py": ""}))


def test_many_leaks_are_counted(course):
    found = [leaks.Leak(f"file {i}", "the seed") for i in range(9)]
    assert kit.explained(found).endswith("file 4: the seed\n  and 4 more")


def test_without_solutions_nothing_can_be_proven_and_nothing_is_packed(course, wheel):
    shutil.rmtree(course.root / "solutions")
    with pytest.raises(UserError, match=r"has no solutions/, and without them"):
        kit.contents(course, wheel)


def test_a_topic_that_is_not_released_is_named(course, wheel):
    shutil.rmtree(course.release(TOPIC))
    with pytest.raises(UserError, match=r"run first: autograder release 01-neurons"):
        kit.contents(course, wheel)


def test_a_wheel_of_another_version_is_refused(tmp_path, wheel):
    path = tmp_path / wheel[0]
    path.write_bytes(wheel[1])
    assert wheels.wheel(path) == wheel
    path.write_bytes(packed(wheel, autograder__more="x")[1])
    with pytest.raises(UserError, match=r"differs from the running package in autograder/more"):
        wheels.wheel(path)
    path.write_bytes(b"no zip")
    with pytest.raises(UserError, match="it is no zip file"):
        wheels.wheel(path)
    with pytest.raises(UserError, match=r"numpy\.whl cannot be read"):
        wheels.wheel(tmp_path / "numpy.whl")


def test_the_command_writes_the_same_kit_or_nothing(course, tmp_path, wheel, monkeypatch):
    monkeypatch.chdir(course.root)
    given = tmp_path / wheel[0]
    given.write_bytes(wheel[1])
    for name in ("one.zip", "two.zip"):
        done = CliRunner().invoke(main, ["kit", "-o", str(tmp_path / name), "--wheel", str(given)])
        assert done.exit_code == 0, done.output
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    plant_file(course)
    none = CliRunner().invoke(
        main, ["kit", "-o", str(tmp_path / "none.zip"), "--wheel", str(given)]
    )
    assert none.exit_code == 2
    assert not (tmp_path / "none.zip").exists()
