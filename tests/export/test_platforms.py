"""Grades go to Canvas and Moodle as these import them: no grade is no zero, and no name is more
than a name.
"""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rolls import entry, graded, roll
from test_class_report import FORMULAS, RUNS

from autograder.export import platforms
from autograder.model.class_list import GradebookGrade, StudentEntry

ADA = replace(graded("ada", softmax=0.5), name="Ada Lovelace", lms_id="71", email="ada@example.edu")
WAITS = replace(graded("bob"), grade=GradebookGrade(5.0, 9.0, False, ["why"]), lms_id="72")
ABSENT, UNGRADED = StudentEntry("eve", lms_id="73"), entry("zoe", lms_id="74")
CLASS = roll(ADA, WAITS, ABSENT, UNGRADED, points_possible=9.0)


def table(export, of=CLASS, column="Neurons (4711)", partial=False):
    data = export(of, column, partial)
    assert not data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8"))))


def test_canvas_gets_its_columns_its_row_of_points_and_a_row_for_each_student():
    assert table(platforms.canvas) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Neurons (4711)"],
        ["Points Possible", "", "", "", "", "9"],
        ["Ada Lovelace", "71", "", "ada", "", "4"],
        ["bob", "72", "", "bob", "", ""],
        ["eve", "73", "", "eve", "", ""],
        ["zoe", "74", "", "zoe", "", ""],
    ]


def test_moodle_gets_what_identifies_everybody_and_its_own_sign_for_no_grade():
    assert table(platforms.moodle) == [
        ["Username", "ID number", "Neurons (4711)"],  # not everybody has an address
        ["ada", "71", "4"],
        ["bob", "72", "-"],
        ["eve", "73", "-"],
        ["zoe", "74", "-"],
    ]


@pytest.mark.parametrize("export", [platforms.canvas, platforms.moodle])
def test_a_grade_that_waits_for_a_human_is_exported_on_request_only(export):
    rows = {
        row[-2] if export is platforms.moodle else row[1]: row[-1]
        for row in table(export, partial=True)
    }
    assert rows["72"] == "5"
    assert rows["73"] in ("", "-")


def test_a_real_zero_is_a_zero():
    zero = graded("ada", 0, 0)
    assert table(platforms.canvas, roll(zero, points_possible=5.0))[-1][-1] == "0"
    assert table(platforms.moodle, roll(zero, points_possible=5.0))[-1][-1] == "0"


def test_who_has_no_grade_or_an_old_one_is_counted_with_the_reason():
    again, failed = replace(graded("x"), outdated=True), replace(graded("y"), fault="no memory")
    said = platforms.remarks(roll(*CLASS.entries, again, failed), partial=False)
    assert [line.partition(" (")[0] for line in said] == [
        "1 without a grade: handed in nothing",
        "1 without a grade: not graded",
        "1 without a grade: written answers wait for manual grading",
        "1 with an earlier grade: grading them again failed by our own fault",
        "1 with an earlier grade: submitted again since; grade them again",
    ]
    assert platforms.remarks(roll(ADA), partial=False) == []


def test_nobody_becomes_canvas_row_of_points_by_their_name():
    mallory = replace(graded("mallory"), name="Dr Points Possible")
    assert table(platforms.canvas, roll(mallory, points_possible=5.0))[-1][0] == "mallory"


@given(st.text(min_size=1))
@pytest.mark.parametrize("export", [platforms.canvas, platforms.moodle])
def test_no_name_makes_a_formula_or_another_row(export, name):
    rows = table(
        export,
        roll(replace(graded(name), name=name, lms_id=name, email=name), ADA, points_possible=5.0),
    )
    assert len(rows) == (4 if export is platforms.canvas else 3)
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows for cell in row if cell != "-" and RUNS.search(cell)]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_column_is_no_formula_either(text):
    assert not RUNS.search(table(platforms.canvas, column=text)[0][-1])
