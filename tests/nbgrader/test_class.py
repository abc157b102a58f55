"""A class through nbgrader: nothing that one submission does costs another its grade, and no grade
is lost.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import nbformat
import pytest
from classes import Here
from nbgrader.api import Gradebook
from notebooks import COURSE, ROOT, TOPIC, answer, cell, public_answers, solved, written

from autograder.course import course_file
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.nbgrader import demo, gradebook, release, releasing
from autograder.nbgrader.classroom import Classroom, faults_of
from autograder.nbgrader.grade_class import grade

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
        return (
            written(notebook, folder, name)
            if isinstance(notebook, dict)
            else (folder / name).write_bytes(notebook)
        )

    return put


def graded(course, *students, runner=None):
    runner = runner or Here(unsafe=True)
    return {report.student: report for report in grade(course, TOPIC.id, list(students), runner)}


def rows(course, student):
    """What the gradebook holds of a submission, apart from numbers of its own."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        (notebook,) = gradebook.find_submission(TOPIC.id, student).notebooks
        grades = {
            g.name: (g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
            for g in notebook.grades
        }
        return grades, {c.name: (c.auto_comment, c.manual_comment) for c in notebook.comments}


def autograded(course, student):
    """The cells of the graded notebook, apart from their random names."""
    path = course.root / "autograded" / student / TOPIC.id / "neurons.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        {key: value for key, value in cell.items() if key != "id"} for cell in notebook["cells"]
    ], {key: value for key, value in notebook["metadata"].items() if key != "language_info"}


def nbgrader(course, *command):
    """Run one of nbgrader's own commands."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    line = [sys.executable, "-m", "nbgrader", *command]
    done = subprocess.run(
        line, cwd=course.root, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


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
    assert set(reports) <= set(course.submitted(TOPIC.id))


def test_a_broken_resubmission_does_not_keep_the_old_grade(course, hand_in):
    hand_in("again", solved())
    graded(course, "again")
    hand_in("again", b"{")
    graded(course, "again")
    assert score(course, "again") == 0


def test_manual_points_and_comments_survive_another_grading(course, hand_in):
    notebook = solved()
    cell(notebook, "written-saturation")["source"] = (
        "The slope of the squared error has the factor s(1 - s)."
    )
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


def entered(course, student, report):
    """Enter a Report of a student's submission, and look up what the gradebook then holds."""
    classroom = Classroom(course, TOPIC.id)
    nb = classroom.read(course.root / "submitted" / student / TOPIC.id)
    with gradebook.opened(classroom) as book:
        book.enter(nb, report)
    grades, _ = rows(course, student)
    return grades


def with_exercise(report, **changes):
    found = [replace(e, **changes) if e.id == "softmax" else e for e in report.exercises]
    return replace(report, exercises=found)


def test_an_exercise_that_is_no_bonus_any_more_keeps_no_extra_credit(course, hand_in):
    hand_in("reverted", solved())
    report = graded(course, "reverted")["reverted"]
    bonus = with_exercise(report, max_score=0.0, score=1.5)
    assert entered(course, "reverted", bonus)["check-softmax"][:3] == (0.0, None, 1.5)
    lost = with_exercise(report, max_score=0.0, score=0.0)
    assert entered(course, "reverted", lost)["check-softmax"][:3] == (0.0, None, 0.0)
    entered(course, "reverted", bonus)
    points = report.exercise("softmax").score
    assert entered(course, "reverted", report)["check-softmax"][:3] == (points, None, None)


def test_extra_credit_that_an_instructor_gave_by_hand_stays(course, hand_in):
    hand_in("praised", solved())
    report = graded(course, "praised")["praised"]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_grade("check-softmax", "neurons", TOPIC.id, "praised").extra_credit = 0.5
        gradebook.db.commit()
    assert entered(course, "praised", report)["check-softmax"][2] == 0.5


def test_points_are_those_of_the_report_whatever_stands_in_the_cells(course, hand_in, monkeypatch):
    hand_in("third", solved())
    report = with_exercise(graded(course, "third")["third"], score=1 / 3)
    monkeypatch.setattr(gradebook, "fill", lambda nb, report: None)
    grades = entered(course, "third", report)
    assert grades["check-softmax"][0] == 1 / 3
    assert grades["written-saturation"][0] == 0  # untouched: of that the Report says nothing


def test_a_class_comes_back_whole_from_the_backup_that_the_guide_makes(course, hand_in, tmp_path):
    """Points, comments and verdicts: those of the same secret inputs, in a fresh copy of the kit"""
    notebook = solved(softmax="def softmax(z):\n    return z")
    cell(notebook, "written-saturation")["source"] = "Because of the slope."
    hand_in("saved", notebook)
    before = graded(course, "saved")["saved"]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.find_grade("written-saturation", "neurons", TOPIC.id, "saved").manual_score = 1.5
        gradebook.find_comment(
            "written-saturation", "neurons", TOPIC.id, "saved"
        ).manual_comment = "well read"
        gradebook.db.commit()
    kept = rows(course, "saved")
    (command,) = re.findall(
        r"^tar -czf .*(?:\n .*)*", (ROOT / "docs" / "instructor.md").read_text("utf-8"), re.M
    )
    archive = tmp_path / "backup.tar.gz"
    subprocess.run(
        command.replace("../course-backup.tar.gz", str(archive)),
        shell=True,
        cwd=course.root,
        check=True,
    )
    fresh = tmp_path / "fresh"
    releasing.copy_course(COURSE, fresh)
    subprocess.run(["tar", "-xzf", archive], cwd=fresh, check=True)
    restored = course_file.load(fresh / course_file.FILE)
    releasing.release(restored, TOPIC.id)
    again = graded(restored, "saved")["saved"]
    assert replace(again, seconds=0) == replace(before, seconds=0)
    assert rows(restored, "saved") == kept


def test_an_extension_without_a_due_date_is_explained(course, hand_in):
    hand_in("extended", solved())
    graded(course, "extended")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.grant_extension(TOPIC.id, "extended", days=1)
    report = graded(course, "extended")["extended"]
    assert report.status == "grader_error"
    assert "set `due` in course.yaml and run: autograder release 01-neurons" in report.reason


@pytest.mark.parametrize(
    ("due", "entered"),
    [("2027-02-01T23:59:00+01:00", datetime(2027, 2, 1, 22, 59)), ("null", None)],
)
def test_a_release_enters_the_due_date_of_course_yaml_and_takes_back_any_other(
    tmp_path, monkeypatch, due, entered
):
    releasing.copy_course(COURSE, tmp_path / "dated")
    path = tmp_path / "dated" / course_file.FILE
    path.write_text(
        path.read_text(encoding="utf-8").replace("due: null", f"due: {due}", 1), encoding="utf-8"
    )
    monkeypatch.chdir(path.parent)
    monkeypatch.setattr(release, "record", lambda *_: public_answers())
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with Gradebook(url) as gradebook:
        gradebook.add_assignment(TOPIC.id, duedate="2030-01-01")
    notebook = nbformat.read(path.parent / "assignments" / TOPIC.id / "neurons.ipynb", as_version=4)
    release.Release().preprocess(notebook, {"nbgrader": {"assignment": TOPIC.id, "db_url": url}})
    with Gradebook(url) as gradebook:
        assert gradebook.find_assignment(TOPIC.id).duedate == entered


class Faulty:
    """A runner with a fault of our own."""

    def run(self, answers, work):
        for name, _ in work:
            yield name, grader_error(public_answers().topic, "the answers are gone")


def test_a_fault_of_ours_writes_no_grade_over_an_earlier_one_and_is_tried_again(course, hand_in):
    hand_in("unlucky", solved())
    graded(course, "unlucky")
    hand_in("unlucky", solved(softmax="softmax = None"))
    report = graded(course, "unlucky", runner=Faulty())["unlucky"]
    assert (report.status, report.score) == ("grader_error", None)
    assert (
        "the answers are gone; any earlier grade stands, run the grading of unlucky again"
        in report.reason
    )
    assert score(course, "unlucky") == 20
    assert "the answers are gone" in faults_of(course, TOPIC.id).of(TOPIC.id, "unlucky")
    assert graded(course, "unlucky")["unlucky"].score < 20
    assert faults_of(course, TOPIC.id).of(TOPIC.id, "unlucky") is None


class Nobody:
    """A runner that must not be needed."""

    def run(self, answers, work):
        assert not work
        return iter(())


def test_what_was_graded_is_not_graded_again_until_something_changes(course, hand_in):
    hand_in("once", solved(sigmoid="def sigmoid(z):\n    return 0 * z  # once"))
    first = graded(course, "once")["once"]
    assert graded(course, "once", runner=Nobody())["once"] == first
    hand_in("twin", solved(sigmoid="def sigmoid(z):\n    return 0 * z  # once"))
    assert graded(course, "twin", runner=Nobody())["twin"].score == first.score
    hand_in("once", solved(sigmoid="def sigmoid(z):\n    return 1 + 0 * z  # twice"))
    with pytest.raises(AssertionError):
        graded(course, "once", runner=Nobody())


def test_our_own_way_into_the_gradebook_leaves_what_nbgraders_leaves(course, hand_in):
    notebook = solved(softmax="def softmax(z):\n    return z", losses="")
    cell(notebook, "written-saturation")["source"] = "Because of the slope."
    notebook["cells"].remove(cell(notebook, "check-sigmoid"))
    hand_in("parity", notebook)
    (course.root / "submitted" / "parity" / TOPIC.id / "timestamp.txt").write_text(
        "2026-11-21 10:00:00 UTC\n"
    )
    (course.root / "submitted" / "parity" / TOPIC.id / "plan.txt").write_text("think")
    graded(course, "parity")
    folder = course.root / "autograded" / "parity" / TOPIC.id
    ours = (
        rows(course, "parity"),
        autograded(course, "parity"),
        sorted(path.name for path in folder.iterdir()),
    )
    nbgrader(course, "autograde", TOPIC.id, "--student=parity", "--force")
    stock = (
        rows(course, "parity"),
        autograded(course, "parity"),
        sorted(path.name for path in folder.iterdir()),
    )
    for mine, theirs in zip(ours[0], stock[0]):
        assert {k: (v, theirs[k]) for k, v in mine.items() if v != theirs[k]} == {}
    assert ours[1] == stock[1]
    assert (
        ours[2]
        == stock[2]
        == [
            "figures.py",
            "given.py",
            "neurons.ipynb",
            "plan.txt",
            "report.json",
            "timestamp.txt",
        ]
    )


def test_nbgraders_own_commands_grade_and_make_feedback(course, hand_in):
    script = "</pre><script>alert('own')</script>"
    wrong = (
        answer("softmax").replace("axis=1", "axis=0")
        + f"\n\n\ndef relu(z):\n    raise ValueError({script!r})"
    )
    hand_in("stock", solved(softmax=wrong))
    nbgrader(course, "autograde", TOPIC.id, "--student=stock", "--force")
    nbgrader(course, "generate_feedback", TOPIC.id, "--student=stock")
    assert 0 < score(course, "stock") < 20
    page = (course.root / "feedback" / "stock" / TOPIC.id / "neurons.html").read_text(
        encoding="utf-8"
    )
    assert "the softmax runs over the batch" in page
    assert "<script>alert(&#39;own" not in page
    assert page.count("<script>alert(") == 0
    report = json.loads(
        (course.root / "autograded" / "stock" / TOPIC.id / "report.json").read_text(
            encoding="utf-8"
        )
    )
    assert report["student"] == "stock"
    assert report["score"] == pytest.approx(score(course, "stock"))


def test_what_was_not_released_cannot_be_graded_and_says_so(tmp_path, hand_in):
    releasing.copy_course(COURSE, tmp_path / "fresh")
    fresh = course_file.load(tmp_path / "fresh" / course_file.FILE)
    (tmp_path / "fresh" / "submitted" / "ada" / TOPIC.id).mkdir(parents=True)
    with pytest.raises(UserError, match=r"run first: autograder release 01-neurons"):
        graded(fresh, "ada")


@pytest.mark.parametrize("name", ["given", "figures"])
def test_a_release_out_of_step_is_named(course, name):
    path = course.release(TOPIC.id) / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "\n# edited by hand\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=rf"out of date in {name}\.py; run: autograder release 01-neurons"
    ):
        releasing.require_current(course, TOPIC.id)
    path.write_text(text, encoding="utf-8")


def test_points_in_the_notebook_have_to_be_those_of_course_yaml(tmp_path):
    releasing.copy_course(COURSE, tmp_path / "other")
    path = tmp_path / "other" / course_file.FILE
    path.write_text(
        path.read_text(encoding="utf-8").replace("softmax: {points: 2}", "softmax: {points: 5}")
    )
    with pytest.raises(
        UserError,
        match=r"the cell check-softmax of 01-neurons is worth 2\.0 .* 5\.0 in course\.yaml",
    ):
        releasing.release(course_file.load(path), TOPIC.id)
