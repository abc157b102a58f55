"""Odd names, half characters, links, pipes and folders among what is handed in (57, 58, 68-75 of
docs/attacks.md).
"""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest
from attacks import CANARY
from classes import Here, graded, hand_in, released
from nbgrader.api import Gradebook
from notebooks import TOPIC, solved, written

from autograder.nbgrader import api
from autograder.nbgrader.grade_class import grade
from autograder.render import terminal

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
NAMES = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "<img src=x onerror=attack()>",
    "{{7*7}}",
    "$(touch x)",
    "a\nb",
]


@pytest.fixture(scope="module")
def course():
    return released()


# --- names ---


@pytest.mark.parametrize("name", NAMES)
def test_a_student_of_an_odd_name_is_graded_and_shown_on_one_line(course, name):
    hand_in(course, name, solved())
    report = graded(course, name)[name]
    assert report.score == 20
    line = terminal.line(report)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    shutil.rmtree(course.root / "submitted" / name)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(TOPIC.id, name).score == 20


@pytest.mark.parametrize(
    "name",
    [
        b"\xff.txt",
        b"a\nb",
        b"\x1b[2J",
        b"; touch x",
        b"-rf",
        b"x" * 250,
        b"=cmd|x.csv",
        b"\xed\xa0\x80",
    ],
)
def test_a_file_of_any_name_is_no_hindrance(course, name):
    for student, notebook in (("with", solved()), ("without", None)):
        folder = hand_in(course, student, notebook)
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x")
    reports = graded(course, "with", "without")
    assert reports["with"].score == 20
    assert reports["without"].status == "unreadable"
    assert "expected neurons.ipynb, found" in reports["without"].reason
    assert reports["without"].reason.isprintable()
    for student in reports:
        shutil.rmtree(course.root / "submitted" / student)


def test_a_student_whose_name_is_no_text_costs_the_others_nothing(course):
    odd = os.fsdecode(b"m\xfcller")
    hand_in(course, odd, solved())
    hand_in(course, "next", solved())
    reports = list(grade(course, TOPIC.id, [odd, "next"], Here()))
    assert [r.status for r in reports] == ["grader_error", "graded"]
    assert "give it another one" in reports[0].reason
    json.dumps([r.to_dict() for r in reports], ensure_ascii=False).encode()
    shutil.rmtree(course.root / "submitted" / odd)


HALF = json.dumps(solved(relu="a = 'HALF'\ndef relu(z): return z")).replace("HALF", "\\ud800")
HALVES = {
    "in code": HALF,
    "in a text": HALF.replace("\\ud800", "").replace("why the", "why \\ud800 the", 1),
    "in a name": HALF.replace('"cell_type"', '"\\udfff": 1, "cell_type"', 1),
    "in its topic": json.dumps(
        {"nbformat": 4, "cells": [], "metadata": {"autograder": {"topic": "T"}}}
    ).replace('"T"', '"\\ud800"'),
    "in its format": '{"nbformat": "\\ud800", "cells": []}',
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES)
def test_half_a_character_costs_nothing_and_nobody(course, text):
    folder = hand_in(course, "half", None)
    (folder / "neurons.ipynb").write_text(text, encoding="utf-8")
    hand_in(course, "next", solved())
    reports = graded(course, "half", "next")
    assert reports["next"].score == 20
    assert reports["half"].status in ("graded", "unreadable")
    assert reports["half"].status == "graded" or "half" not in text


@pytest.mark.parametrize(
    "name", ["report.json", "given.py", "figures.py", "neurons.ipynb", "neurons_files/x"]
)
def test_a_folder_where_a_file_of_ours_belongs_is_no_hindrance(course, name):
    student = "folder " + name.replace("/", " ")
    folder = hand_in(course, student, None if name == "neurons.ipynb" else solved())
    (folder / name).mkdir(parents=True)
    (folder / name / "x.txt").write_text("x")
    report = graded(course, student)[student]
    assert report.status == ("unreadable" if name == "neurons.ipynb" else "graded")
    left = course.root / "autograded" / student / TOPIC.id
    assert (left / "report.json").is_file()
    assert (left / "neurons.ipynb").is_file()


def test_a_file_that_has_become_a_folder_is_no_hindrance(course):
    folder = hand_in(course, "plans", solved())
    for make in (Path.touch, Path.mkdir, Path.touch):
        make(folder / "plan")
        if (folder / "plan").is_dir():
            (folder / "plan" / "a").touch()
        assert graded(course, "plans")["plans"].score == 20
        shutil.rmtree(folder / "plan", ignore_errors=True)
        (folder / "plan").unlink(missing_ok=True)


def test_74_what_is_handed_in_during_grading_gets_no_grade_of_what_was_there_before(course):
    class Late(Here):
        def run(self, answers, work):
            for name, report in super().run(answers, work):
                hand_in(course, "late", solved(softmax="softmax = None", relu="relu = None"))
                yield name, report

    hand_in(course, "late", solved(sigmoid="def sigmoid(z):\n    return z"))
    (report,) = grade(course, TOPIC.id, ["late"], Late())
    assert report.status == "grader_error"
    assert "handed in anew while it was graded" in report.reason
    assert graded(course, "late")["late"].exercise("softmax").score == 0


# --- links, pipes and sockets among the files ---


def strew(folder, secret):
    """All that is no plain file."""
    os.mkfifo(folder / "pipe")
    (folder / "link.txt").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)
    (folder / "nowhere").symlink_to("/nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(folder)  # a socket's path has 107 characters at most
        one.bind("socket")
        os.chdir(here)


@pytest.fixture
def secret(course):
    path = course.root / ".autograder" / "canary"
    path.write_text(CANARY)
    yield path
    path.unlink()


def test_57_what_is_no_file_among_the_files_is_not_followed(course, secret):
    folder = hand_in(course, "strewn", solved())
    strew(folder, secret)
    assert graded(course, "strewn")["strewn"].score == 20
    left = course.root / "autograded" / "strewn" / TOPIC.id
    assert sorted(path.name for path in left.rglob("*")) == [
        "figures.py",
        "given.py",
        "neurons.ipynb",
        "report.json",
    ]
    with api.opened(course) as nbgrader:
        done = nbgrader.autograde(TOPIC.id, "strewn")
    assert done["success"], done
    assert not [path for path in left.rglob("*") if path.is_file() and CANARY in path.read_text()]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(TOPIC.id, "strewn").score == 20


@pytest.mark.parametrize(
    "kind", ["a link to the seed", "a link to another's work", "a pipe", "a folder"]
)
def test_57_a_notebook_that_is_no_file_is_unreadable_and_is_not_read(course, secret, kind):
    student = "not a file " + kind.replace("'", "")
    folder = hand_in(course, student, None)
    path = folder / "neurons.ipynb"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(
            secret if "seed" in kind else hand_in(course, "rich", solved()) / "neurons.ipynb"
        )
    report = graded(course, student)[student]
    assert (report.status, report.score) == ("unreadable", 0)
    assert CANARY not in report.to_json()


def test_57_collecting_follows_no_link_and_stops_at_no_pipe(course, secret, tmp_path):
    inbound = tmp_path / course.file.course / "inbound"
    stamp = "2026-11-21 10:00:00 UTC"
    for student in ("aaa", "mmm", "zzz"):
        folder = inbound / f"{student}+{TOPIC.id}+{stamp}"
        folder.mkdir(parents=True)
        written(solved(), folder)
        (folder / "timestamp.txt").write_text(stamp)
        (folder / "plan").mkdir()
        (folder / "plan" / "a.txt").write_text("plan")
    bad = inbound / f"mmm+{TOPIC.id}+{stamp}"
    strew(bad, secret)
    (bad / "neurons.ipynb").unlink()
    (bad / "neurons.ipynb").symlink_to(inbound / f"zzz+{TOPIC.id}+{stamp}" / "neurons.ipynb")
    (bad / "large").write_bytes(b"")
    os.truncate(bad / "large", 1 << 31)
    (inbound / f"linked+{TOPIC.id}+{stamp}").symlink_to(inbound / f"zzz+{TOPIC.id}+{stamp}")
    with api.opened(course) as nbgrader:
        nbgrader.config.Exchange.root = str(tmp_path)
        done = nbgrader.collect(TOPIC.id, update=True)
    assert done["success"], done
    for student in ("aaa", "zzz"):
        names = sorted(p.name for p in (course.root / "submitted" / student / TOPIC.id).rglob("*"))
        assert names == ["a.txt", "neurons.ipynb", "plan", "timestamp.txt"]
    got = course.root / "submitted" / "mmm" / TOPIC.id
    assert sorted(p.name for p in got.rglob("*")) == ["a.txt", "plan", "timestamp.txt"]
    assert list((course.root / "submitted" / "linked" / TOPIC.id).iterdir()) == []
