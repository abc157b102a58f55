"""The roll is called whatever state the gradebook and the folders are in."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook
from notebooks import ROOT
from rolls import report

from autograder.cli.main import main
from autograder.course import course_file
from autograder.nbgrader import api, class_list
from autograder.nbgrader.classroom import faults_of
from autograder.nbgrader.timestamps import vouch

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
TOPIC = "01-neurons"
DUE = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def course(tmp_path):
    """A course of which nothing was released; its topic is due."""
    for name in (course_file.FILE, "nbgrader_config.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / course_file.FILE).read_text(encoding="utf-8")
    (tmp_path / course_file.FILE).write_text(
        text.replace("due: null", f"due: {DUE.isoformat()}", 1)
    )
    return course_file.load(tmp_path / course_file.FILE)


@pytest.fixture
def gradebook(course):
    """Its gradebook: ada, bob and eve; a cell graded by machine and a question graded by hand."""
    api.make_tools_reachable()
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as book:
        book.add_assignment(TOPIC)
        book.add_notebook("neurons", TOPIC)
        book.add_grade_cell("check-relu", "neurons", TOPIC, max_score=2, cell_type="code")
        book.add_grade_cell("written-why", "neurons", TOPIC, max_score=4, cell_type="markdown")
        for student in ("ada", "bob", "eve"):
            book.add_student(student, first_name=student.title(), lms_user_id=f"7{len(student)}")
        yield book


def entered(gradebook, student, auto, manual=None, **when):
    """A submission in the gradebook, with its points."""
    (notebook,) = gradebook.update_or_create_submission(TOPIC, student, **when).notebooks
    for grade in notebook.grades:
        if grade.name == "check-relu":
            grade.auto_score, grade.needs_manual_grade = auto, False
        else:
            grade.manual_score, grade.needs_manual_grade = manual, manual is None
    gradebook.db.commit()


def hand_in(course, student, stamp=None):
    folder = course.root / "submitted" / student / TOPIC
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "neurons.ipynb").write_text("{}")
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
    return folder


def keep(course, student, content=None, stamp=None):
    folder = course.root / "autograded" / student / TOPIC
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(report(student).to_json() if content is None else content)
    if stamp is not None:
        (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
    return folder / "report.json"


def called(course):
    return {entry.student: entry for entry in class_list.call(course, TOPIC).entries}


def test_everybody_who_is_enrolled_or_has_a_folder_is_on_the_roll(course, gradebook):
    hand_in(course, "zoe")
    keep(course, "yan")
    assert {name: e.state for name, e in called(course).items()} == {
        **dict.fromkeys(("ada", "bob", "eve"), "nothing"),
        "zoe": "not_graded",
        "yan": "graded",
    }


def test_points_are_the_gradebooks_with_those_by_hand_and_without_the_penalty(course, gradebook):
    entered(gradebook, "ada", 1.5, 3.0)
    (notebook,) = gradebook.find_submission(TOPIC, "ada").notebooks
    notebook.late_submission_penalty = 1.0
    gradebook.db.commit()
    grade = called(course)["ada"].grade
    assert (grade.score, grade.max_score, grade.penalty, grade.complete, list(grade.waiting)) == (
        3.5,
        6,
        1,
        True,
        [],
    )


def test_a_written_answer_that_waits_leaves_the_grade_incomplete(course, gradebook):
    entered(gradebook, "ada", 1.5)
    grade = called(course)["ada"].grade
    assert (grade.score, grade.complete, list(grade.waiting)) == (1.5, False, ["written-why"])


def test_what_was_entered_but_never_graded_is_no_zero(course, gradebook):
    gradebook.update_or_create_submission(TOPIC, "ada")
    assert called(course)["ada"].grade is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', report("mallory").to_json()])
def test_a_broken_report_costs_nobody_else_theirs(course, content):
    hand_in(course, "ada")
    keep(course, "ada", content)
    keep(course, "bob")
    found = called(course)
    assert found["ada"].state == "not_graded"
    assert "report.json" in found["ada"].trouble
    assert found["bob"].state == "graded"


def test_a_resubmission_since_the_grading_is_noticed(course):
    for student, stamp in (("ada", "2026-11-19 10:00:00 UTC"), ("bob", "2026-11-19 11:00:00 UTC")):
        hand_in(course, student, stamp)
        keep(course, student, stamp="2026-11-19 10:00:00 UTC")
    assert {name: e.outdated for name, e in called(course).items()} == {"ada": False, "bob": True}


def test_without_timestamps_the_files_own_times_tell(course):
    for student, age in (("ada", -60), ("bob", 60)):
        made = keep(course, student).stat().st_mtime
        os.utime(hand_in(course, student) / "neurons.ipynb", (made + age, made + age))
    assert {name: e.outdated for name, e in called(course).items()} == {"ada": False, "bob": True}


def test_late_is_by_course_yaml_where_the_gradebook_has_no_due_date(course, gradebook):
    hand_in(course, "ada", f"{DUE + timedelta(hours=2):%Y-%m-%d %H:%M:%S} UTC")
    vouch(hand_in(course, "bob"), (DUE - timedelta(hours=2)).replace(tzinfo=None))
    found = called(course)
    assert (found["ada"].seconds_late, found["bob"].seconds_late, found["eve"].seconds_late) == (
        7200,
        0,
        None,
    )


def test_a_time_that_nobody_vouches_for_makes_nothing_on_time(course, gradebook):
    hand_in(course, "ada", f"{DUE - timedelta(hours=2):%Y-%m-%d %H:%M:%S} UTC")
    assert called(course)["ada"].seconds_late is None


def test_an_extension_in_the_gradebook_counts(course, gradebook):
    gradebook.update_or_create_assignment(TOPIC, duedate=DUE.isoformat())
    late = (DUE + timedelta(hours=2)).isoformat()
    for student in ("ada", "bob"):
        entered(gradebook, student, 1.0, 1.0, timestamp=late)
    gradebook.find_submission(TOPIC, "ada").extension = timedelta(days=1)
    gradebook.db.commit()
    hand_in(course, "ada", f"{DUE + timedelta(hours=2):%Y-%m-%d %H:%M:%S} UTC")
    found = called(course)
    assert (found["ada"].seconds_late, found["bob"].seconds_late) == (0, 7200)


@pytest.mark.parametrize(
    "stamp", ["", "soon", "9" * 5000, "\x00", "2026-99-99", "99999999999-01-01", "1 2 3"]
)
def test_a_time_that_is_none_stops_nothing(course, stamp):
    hand_in(course, "ada", stamp)
    keep(course, "ada", stamp=stamp)
    assert called(course)["ada"].state == "graded"


def test_a_grader_error_is_on_the_roll(course):
    hand_in(course, "ada")
    faults_of(course, TOPIC).note(
        report("ada", status="grader_error", score=None, reason="no memory")
    )
    assert (called(course)["ada"].state, called(course)["ada"].fault) == (
        "grader_error",
        "no memory",
    )


def test_without_a_gradebook_the_roll_says_so_and_makes_none(course):
    keep(course, "ada")
    roll = class_list.call(course, TOPIC)
    assert "no gradebook yet" in roll.notes[0]
    assert [e.state for e in roll.entries] == ["graded"]
    assert not (course.root / "gradebook.db").exists()


def test_a_broken_gradebook_leaves_the_reports(course):
    keep(course, "ada")
    (course.root / "gradebook.db").write_text(
        "no database at all, but a text that is long enough" * 100
    )
    roll = class_list.call(course, TOPIC)
    assert "could not be read" in roll.notes[0]
    assert [e.state for e in roll.entries] == ["graded"]


@pytest.fixture
def autograder(course, monkeypatch):
    monkeypatch.chdir(course.root)
    return lambda *args: CliRunner().invoke(main, [str(a) for a in args])


def test_the_report_is_two_files_that_nobody_else_can_read(course, autograder):
    hand_in(course, "b's <i>odd name")
    keep(course, "ada")
    done = autograder("report", TOPIC)
    assert done.exit_code == 0, done.output
    folder = course.root / "reports" / TOPIC
    assert sorted(p.name for p in folder.iterdir()) == ["class.csv", "class.html"]
    assert {p.stat().st_mode & 0o077 for p in folder.iterdir()} == {0}
    assert "b&#39;s &lt;i&gt;odd name" in (folder / "class.html").read_text(encoding="utf-8")
    assert "/reports/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_report_goes_where_it_is_asked_to(course, autograder, tmp_path):
    keep(course, "ada")
    assert autograder("report", TOPIC, "-o", tmp_path / "a" / "b").exit_code == 0
    assert (tmp_path / "a" / "b" / "class.html").is_file()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("report", "09-nothing"), "has no topic '09-nothing'"),
        (("report", TOPIC), "there is nothing to report yet"),
        (("report", TOPIC, "-o", "course.yaml"), "cannot be written"),
    ],
)
def test_a_users_error_is_one_line_and_exit_code_2(course, autograder, args, said):
    if "-o" in args:
        keep(course, "ada")
    done = autograder(*args)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_grades_are_exported_from_the_gradebook(course, gradebook, autograder, platform):
    entered(gradebook, "ada", 1.5, 3.0)
    entered(gradebook, "bob", 2.0)
    hand_in(course, "eve")
    done = autograder("export", platform, TOPIC, "-o", course.root / "grades.csv")
    assert done.exit_code == 0, done.output
    assert "1 without a grade: not graded" in done.output
    assert "1 without a grade: written answers wait" in done.output
    rows = (course.root / "grades.csv").read_text(encoding="utf-8").splitlines()
    none = "-" if platform == "moodle" else ""
    assert [
        row.rpartition(",")[2] for row in rows if "ada" in row or "bob" in row or "eve" in row
    ] == [
        "4.5",
        none,
        none,
    ]
    assert "Neurons, layers and losses" in rows[0]


def test_without_a_gradebook_there_is_nothing_to_export(course, autograder):
    keep(course, "ada")
    done = autograder("export", "canvas", TOPIC, "-o", course.root / "grades.csv")
    assert done.exit_code == 2
    assert "is not in the gradebook; release and grade it first" in done.output
    assert not (course.root / "grades.csv").exists()
