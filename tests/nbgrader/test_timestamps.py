"""When something was handed in is for the exchange and the instructor to say: a time of a student's
own making costs a warning, never a grade, and makes nothing on time.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attacks import CANARY
from classes import Here
from nbgrader.api import Gradebook
from notebooks import COURSE, TOPIC, answer, solved, written

from autograder.course import course_file
from autograder.nbgrader import api, class_list, releasing
from autograder.nbgrader.grade_class import grade
from autograder.nbgrader.timestamps import ASIDE, FILE, beside, handed_in, moment_of, said, vouch

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
DUE = datetime(2026, 11, 20, 12)
LATE, EARLY = DUE + timedelta(hours=2), DUE - timedelta(hours=2)
NO_TIMES = [
    "31 Feb",
    "2026-02-31 10:00:00 UTC",
    "",
    "never",
    "1 2 3",
    "9" * 5000,
    "\x00",
    "99999999999-01-01",
    "2026-11-21 10:00:00 \x1b[2J",
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose topic is due, and in which late work gets nothing."""
    root = tmp_path_factory.mktemp("due") / "course"
    releasing.copy_course(COURSE, root)
    path = root / course_file.FILE
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("due: null", f"due: {DUE}+00:00", 1), encoding="utf-8")
    with open(root / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    course = course_file.load(path)
    releasing.release(course, TOPIC.id)
    return course


@pytest.fixture(autouse=True)
def nobody(course):
    yield
    for step in ("submitted", "autograded"):
        shutil.rmtree(course.root / step, ignore_errors=True)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        for student in [student.id for student in gradebook.students]:
            gradebook.remove_student(student)


@pytest.fixture
def inbound(course, tmp_path):
    folder = tmp_path / course.file.course / "inbound"
    folder.mkdir(parents=True)
    return folder


def put(folder, inside=None, notebook=None):
    folder.mkdir(parents=True)
    written(notebook or solved(), folder)
    if inside is not None:
        (folder / FILE).write_text(inside, encoding="utf-8")
    return folder


def by_hand(course, student, inside=None):
    return put(course.root / "submitted" / student / TOPIC.id, inside)


def name(student, moment):
    return f"{student}+{TOPIC.id}+{moment:%Y-%m-%d %H:%M:%S.%f} UTC"


def nbgrader(course, *command):
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "nbgrader", *command],
        cwd=course.root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def collect(course, inbound, *more):
    inbound.parents[1].chmod(0o777)
    return nbgrader(course, "collect", TOPIC.id, f"--Exchange.root={inbound.parents[1]}", *more)


def grading(course, way):
    """Grade everybody, in our way or in nbgrader's own; what it warned of."""
    if way == "stock":
        log = nbgrader(course, "autograde", TOPIC.id)
        return [line for line in log.splitlines() if "WARNING" in line]
    told = []
    reports = list(
        grade(course, TOPIC.id, course.submitted(TOPIC.id), Here(unsafe=True), told.append)
    )
    assert [r.status for r in reports] == ["graded"] * len(reports), reports
    return told


def entered(course):
    """Of each student: the time in the gradebook, and the points after the penalty."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        return {
            s.student_id: (s.timestamp, s.score - s.late_submission_penalty)
            for s in gradebook.assignment_submissions(TOPIC.id)
        }


ways = pytest.mark.parametrize("way", ["ours", "stock"])


# --- through the exchange ---


@ways
def test_the_exchange_says_when_and_no_file_of_a_students(course, inbound, way):
    put(inbound / name("mallory", LATE), "2001-01-01 00:00:00 UTC")
    put(inbound / name("feb", EARLY), "31 Feb")
    put(inbound / name("honest", EARLY), f"{EARLY} UTC")
    put(inbound / name("late", LATE), f"{LATE} UTC")
    log = collect(course, inbound)
    assert "mallory: its own timestamp.txt says 2001-01-01 00:00:00 UTC" in log
    assert "feb: its own timestamp.txt says no time; the name of its folder counts" in log
    grading(course, way)
    assert entered(course) == {
        "mallory": (LATE, 0),
        "feb": (EARLY, 20),
        "honest": (EARLY, 20),
        "late": (LATE, 0),
    }


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_time_that_is_no_file_is_not_opened(course, inbound, tmp_path, kind):
    folder = put(inbound / name("mallory", LATE))
    (tmp_path / "canary").write_text(CANARY)
    path = folder / FILE
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "canary")
    else:
        path.mkdir()
    assert CANARY not in collect(course, inbound)
    grading(course, "ours")
    assert entered(course)["mallory"] == (LATE, 0)


@pytest.mark.parametrize("odd", [f"x+y+{TOPIC.id}+z", f"ada+{TOPIC.id}+31 Feb", f"ada+{TOPIC.id}+"])
def test_a_folder_without_a_time_in_its_name_costs_a_warning_not_the_class(course, inbound, odd):
    put(inbound / odd)
    put(inbound / f"{name('honest', EARLY)}+Zm9vYmFy")
    log = collect(course, inbound)
    assert "has no time in its name" in log
    grading(course, "ours")
    found = entered(course)
    assert found["honest"] == (EARLY, 20)
    (student,) = found.keys() - {"honest"}
    assert abs(found[student][0] - datetime.now(UTC).replace(tzinfo=None)) < timedelta(hours=1)
    assert found[student][1] == 0  # the kernel's time is after the due date


def test_a_folder_that_was_made_or_changed_after_the_time_in_its_name_is_pointed_out(
    course, inbound
):
    put(inbound / name("forger", datetime(2001, 1, 1)))
    put(inbound / name("honest", datetime.now(UTC).replace(tzinfo=None, microsecond=0)))
    put(inbound / name("future", datetime(2099, 1, 1)))
    log = collect(course, inbound)
    assert "forger: handed in at 2001-01-01 00:00:00 UTC by the name of its folder, but" in log
    assert "honest:" not in log
    assert "future: handed in at 2099-01-01 00:00:00 UTC, still to come" in log


def test_what_is_handed_in_later_is_collected_and_its_time_counts(course, inbound):
    put(inbound / name("ada", EARLY))
    collect(course, inbound)
    grading(course, "ours")
    put(inbound / name("ada", LATE), f"{EARLY} UTC", solved(relu=answer("relu") + "\n# anew"))
    assert "Updating submission" in collect(course, inbound, "--update")
    assert "No newer submission" in collect(course, inbound, "--update")
    (entry,) = class_list.call(course, TOPIC.id).entries
    assert entry.outdated
    grading(course, "ours")
    assert entered(course)["ada"] == (LATE, 0)
    (entry,) = class_list.call(course, TOPIC.id).entries
    assert (entry.outdated, entry.seconds_late) == (False, 7200)


# --- by hand ---


@ways
def test_what_is_no_time_costs_a_warning_and_no_grade(course, way):
    folders = {f"s{i}": by_hand(course, f"s{i}", text) for i, text in enumerate(NO_TIMES)}
    for student, make in (("pipe", os.mkfifo), ("folder", os.mkdir)):
        folders[student] = by_hand(course, student)
        make(folders[student] / FILE)
    by_hand(course, "honest")
    warned = "\n".join(grading(course, way))
    assert entered(course) == dict.fromkeys([*folders, "honest"], (None, 20))
    for student, folder in folders.items():
        advice = f"{student}/{TOPIC.id}/timestamp.txt is no time and does not count; write when it"
        assert advice in warned
        assert (folder / ASIDE).exists() and not (folder / FILE).exists()
    assert grading(course, "ours") == []  # said once
    with api.opened(course) as nbgrader:  # as formgrader lists it
        for student in folders:
            assert nbgrader.get_submitted_timestamp(TOPIC.id, student) is None


@ways
def test_nobody_is_on_time_by_a_file_of_their_own(course, way):
    moments = {"old": datetime(2001, 1, 1), "early": EARLY, "coming": datetime(2099, 1, 1)}
    for student, moment in moments.items():
        by_hand(course, student, f"{moment} UTC")
    by_hand(course, "late", f"{LATE} UTC")
    warned = "\n".join(grading(course, way))
    unknown = dict.fromkeys(moments, (None, 20))  # as without the file
    assert entered(course) == {**unknown, "late": (LATE, 0)}
    for student, moment in moments.items():
        assert f"{student}/{TOPIC.id}/timestamp.txt says {moment} UTC" in warned
        assert not (course.root / "submitted" / student / TOPIC.id / FILE).exists()
    assert warned.count("write when it was handed in to") == 3
    assert "late/" not in warned


@ways
def test_what_an_instructor_writes_beside_the_folder_counts(course, way):
    right = {}
    for inside in (None, "2001-01-01 00:00:00 UTC", "31 Feb"):
        for moment, points in ((EARLY, 20), (LATE, 0)):
            student = f"s{len(right)}"
            folder = by_hand(course, student, inside)
            beside(folder).write_text(f"{moment} UTC\n")
            right[student] = (moment, points)
    warned = "\n".join(grading(course, way))
    assert entered(course) == right
    assert warned.count(f"UTC of {TOPIC.id}.timestamp.txt counts") == 4
    for student, (moment, _) in right.items():  # nbgrader finds the same there
        assert said(course.root / "submitted" / student / TOPIC.id) == moment


def test_what_was_believed_once_is_taken_back(course):
    folder = by_hand(course, "ada")
    vouch(folder, LATE)
    grading(course, "ours")
    assert entered(course)["ada"] == (LATE, 0)
    beside(folder).write_text("soon")
    (folder / FILE).unlink()
    assert "is no time and does not count" in grading(course, "ours")[0]
    assert entered(course)["ada"] == (None, 20)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another account needs root")
def test_a_student_with_an_account_of_their_own_vouches_for_nothing(course):
    folder = by_hand(course, "ada")
    beside(folder).write_text(f"{EARLY} UTC\n")
    os.chown(beside(folder), 54321, 54321)
    assert handed_in(folder, None).moment is None


def test_a_folder_that_cannot_be_written_is_graded_all_the_same(course, monkeypatch):
    by_hand(course, "ada", "31 Feb")

    monkeypatch.setattr("autograder.nbgrader.timestamps.ASIDE", "no/such/folder")
    assert "is no time" in grading(course, "ours")[0]
    assert entered(course)["ada"] == (None, 20)


# --- from a learning platform's archive ---


def test_a_name_that_the_platform_gave_says_when(course, tmp_path):
    downloaded = course.root / "downloaded" / TOPIC.id / "archive"
    downloaded.mkdir(parents=True)
    notebook = written(solved(), tmp_path)
    with zipfile.ZipFile(downloaded / "all.zip", "w") as archive:
        for student, moment in (("ada", EARLY), ("mallory", LATE)):
            stamp = f"{moment:%Y-%m-%d-%H-%M-%S}"
            archive.write(notebook, f"{student}_{stamp}_neurons.ipynb")
            archive.writestr(f"{student}_{stamp}_timestamp.txt", "2001-01-01 00:00:00 UTC")
        archive.write(notebook, "feb_2026-02-31-10-00-00_neurons.ipynb")
    pattern = r".*[/\\](?P<student_id>\w+?)_(?P<timestamp>[0-9-]+)_(?P<file_id>.*)"
    nbgrader(
        course,
        "zip_collect",
        TOPIC.id,
        f"--FileNameCollectorPlugin.named_regexp={pattern}",
        "--FileNameCollectorPlugin.valid_ext=['.ipynb', '.txt']",
    )
    shutil.rmtree(course.root / "downloaded")
    assert grading(course, "ours") == []
    assert entered(course) == {"ada": (EARLY, 20), "mallory": (LATE, 0), "feb": (None, 20)}


@pytest.mark.parametrize("text", NO_TIMES)
def test_no_text_is_a_time_that_is_none(text):
    assert moment_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 10:00:00 UTC",
        "2026-11-21 10:00:00.000000 UTC\n",
        "2026-11-21 10:00",
        "2026-11-21T11:00:00+01:00",
        "2026-11-21 11:00:00 +0100",
        "2026-11-21 11:00:00 Europe/Berlin",
    ],
)
def test_times_as_nbgrader_and_people_write_them(text):
    assert moment_of(text) == datetime(2026, 11, 21, 10)


def test_what_is_vouched_for_is_read_back_to_the_microsecond(course):
    folder, moment = by_hand(course, "ada"), datetime(2026, 11, 21, 10, 0, 0, 123456)
    vouch(folder, moment)
    assert handed_in(folder, None).moment == said(folder) == moment
    assert Path(beside(folder)).parent == folder.parent
