"""Escape sequences, C1 controls and turns of direction in all that a student can name, on each way
to a terminal or a log (60 of docs/attacks.md, second round).
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import CANARY
from classes import hand_in, released
from nbgrader.api import Gradebook
from notebooks import TOPIC, solved, written

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
# No [ in names: nbgrader takes it for a pattern, and then finds no such folder.
ESCAPES = "\x1bc\x1b]0;owned\x07\x9b31m\u202egnp\u2066\u2028\x7f\r\x08"
OBEYED = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u202e\u2066\u2028"} - set("\n\t")


@pytest.fixture(scope="module")
def course():
    return released()


@pytest.fixture
def mallory(course):
    """The name of a student whose name, files and time are full of it; beside an honest one."""
    name = f"mallory{ESCAPES}"
    folder = hand_in(course, name, None)
    written(solved(softmax=f"def softmax(z):\n    raise ValueError({ESCAPES!r})"), folder)
    (folder / f"plan{ESCAPES}").mkdir()
    (folder / f"plan{ESCAPES}" / f"a{ESCAPES}.txt").write_text("x")
    (folder / f"link{ESCAPES}").symlink_to("/nowhere")
    (folder / "timestamp.txt").write_text(f"2026-11-21 10:00:00 {ESCAPES}")
    hand_in(course, "honest", solved())
    yield name
    for student in (name, "honest"):
        for step in ("submitted", "autograded"):
            shutil.rmtree(course.root / step / student, ignore_errors=True)


def run(course, *command):
    """What a command writes, as it comes to a terminal, and its exit code."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8:surrogateescape"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *command],
        cwd=course.root,
        env=environment,
        capture_output=True,
        check=False,
    )
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return out, err, done.returncode


def silent(text):
    assert {c for c in text if c in OBEYED or "\ud800" <= c <= "\udfff"} == set(), ascii(text)
    assert CANARY not in text
    return text


def score(course, student):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return gradebook.find_submission(TOPIC.id, student).score


def test_60_the_log_of_nbgraders_own_grading_obeys_nobody(course, mallory):
    log = course.root / "autograde.log"
    out, err, code = run(
        course, "nbgrader", "autograde", TOPIC.id, "--force", f"--NbGrader.logfile={log}"
    )
    assert code == 0, err
    assert "mallory" in silent(out + err)
    assert "mallory" in silent(log.read_bytes().decode("utf-8", "surrogateescape"))
    assert score(course, "honest") == 20
    assert score(course, mallory) < 20


def test_60_the_log_of_collecting_obeys_nobody(course, mallory, tmp_path):
    inbound = tmp_path / course.file.course / "inbound"
    inbound.mkdir(parents=True)
    handed_in = course.root / "submitted" / mallory / TOPIC.id
    for student in (mallory, "honest"):
        name = f"{student}+{TOPIC.id}+2026-11-21 10:00:00 UTC"
        shutil.copytree(handed_in, inbound / name, symlinks=True)
    shutil.rmtree(course.root / "submitted")
    for path in (tmp_path, inbound.parent, inbound):
        path.chmod(0o777)
    out, err, code = run(course, "nbgrader", "collect", TOPIC.id, f"--Exchange.root={tmp_path}")
    assert code == 0, err
    assert "is left out" in silent(out + err)
    assert (course.root / "submitted" / "honest" / TOPIC.id / "neurons.ipynb").is_file()


@pytest.mark.parametrize("json_to", [None, "-"])
def test_60_what_grading_prints_obeys_nobody(course, mallory, json_to):
    more = ["--json", json_to] if json_to else []
    out, err, code = run(course, "autograder", "grade", TOPIC.id, *more)
    assert code == 0, err
    assert "mallory" in silent(out)
    silent(err)
    assert score(course, "honest") == 20
    if json_to:
        reports = {report["student"]: report for report in json.loads(out)}
        assert set(reports) == {mallory, "honest"}
        assert reports["honest"]["score"] == 20


def test_60_what_a_class_report_and_a_check_print_obey_nobody(course, mallory):
    out, err, code = run(course, "autograder", "report", TOPIC.id)
    assert code == 0, err
    silent(out + err)
    page = (course.root / "reports" / TOPIC.id / "class.html").read_text("utf-8")
    table = (course.root / "reports" / TOPIC.id / "class.csv").read_text("utf-8-sig")
    silent(page)
    silent(table)
    path = course.root / "submitted" / mallory / TOPIC.id / f"gone{ESCAPES}.ipynb"
    out, err, code = run(course, "autograder", "check", str(Path(path)))
    assert code == 2
    assert "there is no file" in silent(out + err)
