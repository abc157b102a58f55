"""A class through nbgrader: nothing that one submission does costs another its grade, and no grade is lost."""

import json
import os
import subprocess
import sys

import pytest
from nbgrader.api import Gradebook
from notebooks import COURSE, TOPIC, answer, cell, solved, written

from autograder import course as course_file
from autograder import demo, releasing
from autograder.errors import KitError, UserError
from autograder.grade import grade, submitted
from autograder.nbgrader import grade as preprocessor

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of its own, released, whose path has a blank and an umlaut in it."""
    root = tmp_path_factory.mktemp("class") / "Kurs für alle"
    releasing.copy_course(COURSE, root)
    copy = course_file.load(root / course_file.FILE)
    releasing.release(copy, TOPIC.id)
    return copy


@pytest.fixture
def hand_in(course):
    def put(student, notebook, name="neurons.ipynb"):
        folder = course.root / "submitted" / student / TOPIC.id
        folder.mkdir(parents=True, exist_ok=True)
        return written(notebook, folder, name) if isinstance(notebook, dict) else (folder / name).write_bytes(notebook)

    return put


def graded(course, *students):
    return {report.student: report for report in grade(course, TOPIC.id, list(students))}


def score(course, student):
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return gradebook.find_submission(TOPIC.id, student).score


def test_the_demo_ends_with_every_grade_right(capsys):
    said = []
    assert demo.run(COURSE, 14, said.append), "\n".join(said)
    assert sum(line.startswith("✓") for line in said) == 14


def test_a_renamed_notebook_is_graded_and_stays(course, hand_in):
    handed_in = hand_in("renamed", solved(), "neurons (1) final.ipynb")
    assert graded(course, "renamed")["renamed"].score == 20
    assert score(course, "renamed") == 20
    assert handed_in.is_file()


def test_a_folder_without_a_notebook_is_a_zero_with_a_reason(course, hand_in):
    hand_in("essay", b"I did it on paper", "neurons.docx")
    report = graded(course, "essay")["essay"]
    assert (report.status, report.score) == ("unreadable", 0)
    assert "expected neurons.ipynb, found neurons.docx" in report.reason
    assert score(course, "essay") == 0


def test_broken_ones_do_not_stop_the_others(course, hand_in):
    hand_in("a broken", b'{"nbformat": 4, "cells": [')
    hand_in("b's odd-name_ü", solved())
    reports = graded(course, "a broken", "b's odd-name_ü")
    assert [r.status for r in reports.values()] == ["unreadable", "graded"]
    assert score(course, "b's odd-name_ü") == 20
    assert set(reports) <= set(submitted(course, TOPIC.id))


def test_a_broken_resubmission_does_not_keep_the_old_grade(course, hand_in):
    hand_in("again", solved())
    graded(course, "again")
    hand_in("again", b"{")
    graded(course, "again")
    assert score(course, "again") == 0


def test_manual_points_and_comments_survive_another_grading(course, hand_in):
    notebook = solved()
    cell(notebook, "written-saturation")["source"] = "The slope of the squared error has the factor s(1 - s)."
    hand_in("writer", notebook)
    graded(course, "writer")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        where = ("written-saturation", "neurons", TOPIC.id, "writer")
        gradebook.find_grade(*where).manual_score = 1.5
        gradebook.find_comment(*where).manual_comment = "well read"
        gradebook.db.commit()
    graded(course, "writer")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_grade(*where).manual_score == 1.5
        assert gradebook.find_comment(*where).comment == "well read"
    assert score(course, "writer") == 21.5


def test_a_fault_of_ours_writes_no_grade_over_an_earlier_one(course, hand_in, monkeypatch):
    hand_in("unlucky", solved())
    graded(course, "unlucky")

    def fail(*_):
        raise KitError("the answers are gone")

    monkeypatch.setattr(preprocessor, "secret_answers", fail)
    report = graded(course, "unlucky")["unlucky"]
    assert (report.status, report.score) == ("grader_error", None)
    assert "the answers are gone" in report.reason
    assert score(course, "unlucky") == 20


def test_nbgraders_own_commands_grade_and_make_feedback(course, hand_in):
    script = "</pre><script>alert('own')</script>"
    wrong = answer("softmax").replace("axis=1", "axis=0") + f"\n\n\ndef relu(z):\n    raise ValueError({script!r})"
    hand_in("stock", solved(softmax=wrong))
    for command in (["autograde", "--force"], ["generate_feedback"]):
        line = [sys.executable, "-m", "nbgrader", command[0], TOPIC.id, "--student=stock", *command[1:]]
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        done = subprocess.run(line, cwd=course.root, env={**os.environ, "PATH": path}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert 0 < score(course, "stock") < 20
    page = (course.root / "feedback" / "stock" / TOPIC.id / "neurons.html").read_text(encoding="utf-8")
    assert "the softmax runs over the batch" in page
    assert "<script>alert(&#39;own" not in page
    assert page.count("<script>alert(") == 0
    report = json.loads((course.root / "autograded" / "stock" / TOPIC.id / "report.json").read_text(encoding="utf-8"))
    assert report["student"] == "stock"
    assert report["score"] == pytest.approx(score(course, "stock"))


def test_what_was_not_released_cannot_be_graded_and_says_so(tmp_path, hand_in):
    releasing.copy_course(COURSE, tmp_path / "fresh")
    fresh = course_file.load(tmp_path / "fresh" / course_file.FILE)
    (tmp_path / "fresh" / "submitted" / "ada" / TOPIC.id).mkdir(parents=True)
    with pytest.raises(UserError, match=r"run first: autograder release 01-neurons"):
        graded(fresh, "ada")


def test_a_release_out_of_step_is_named(course):
    path = course.release(TOPIC.id) / "given.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n# edited by hand\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"out of step in given\.py; run: autograder release 01-neurons"):
        releasing.require_current(course, TOPIC.id)
    path.write_text(text, encoding="utf-8")


def test_points_in_the_notebook_have_to_be_those_of_course_yaml(tmp_path):
    releasing.copy_course(COURSE, tmp_path / "other")
    path = tmp_path / "other" / course_file.FILE
    path.write_text(path.read_text(encoding="utf-8").replace("softmax: {points: 2}", "softmax: {points: 5}"))
    with pytest.raises(UserError, match=r"the cell check-softmax of 01-neurons is worth 2\.0 .* 5\.0 in course\.yaml"):
        releasing.release(course_file.load(path), TOPIC.id)
