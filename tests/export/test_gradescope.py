"""A grader for Gradescope: whatever a student uploads, there is a valid results.json, and no secret
in it.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from notebooks import COURSE, ROOT, TOPIC, public_answers, solved
from rolls import check, exercise, report
from test_cards import CONTROL, HOSTILE

from autograder.course import course_file
from autograder.export import wheel as wheels
from autograder.export.gradescope import inside, pack, results
from autograder.jail import tiers
from autograder.model.errors import UserError
from autograder.nbgrader import releasing

FIELDS = {
    "score",
    "execution_time",
    "output",
    "output_format",
    "visibility",
    "stdout_visibility",
    "tests",
}
TEST_FIELDS = {"name", "score", "max_score", "status", "output", "output_format", "visibility"}


def valid(document):
    """The document, after what Gradescope's specification asks of it."""
    assert set(document) <= FIELDS
    assert isinstance(document["score"], (int, float)) and document["score"] >= 0
    for test in document["tests"]:
        assert set(test) <= TEST_FIELDS
        assert isinstance(test["score"], (int, float)) and isinstance(
            test["max_score"], (int, float)
        )
        assert test["status"] in ("passed", "failed") and isinstance(test["output"], str)
    return document


# --- what is shown ---


def test_each_exercise_is_a_test_and_the_points_are_those_of_the_report():
    shown = valid(results.document(report("ada", softmax=0.5, relu=1), "A"))
    assert (
        shown["score"],
        [(t["name"], t["score"], t["max_score"], t["status"]) for t in shown["tests"]],
    ) == (
        4,
        [("softmax", 1, 2, "failed"), ("relu", 3, 3, "passed")],
    )


def test_it_says_what_is_wrong_and_the_likely_misconception_but_no_value_of_the_secret_inputs():
    held = replace(
        check("rows sum to one", False, "the wrong axis", "which?"),
        message="softmax(z)\nis 0.25, expected 1",
        call={"function": "softmax", "arguments": [["z", 0.25]]},
        cause={"kind": "at_least", "value": 0.25, "line": 1},
    )
    made = report("ada", softmax=exercise("softmax", 0.5, "partial", [held, check("finite", True)]))
    text = json.dumps(results.document(made, "A"))
    assert "rows sum to one" in text and "the wrong axis. which?" in text
    assert "0.25" not in text and "expected" not in text


def test_a_fault_of_ours_is_no_silent_zero():
    shown = valid(
        results.document(report("ada", status="grader_error", score=None, reason="no jail"), "")
    )
    assert shown["score"] == 0
    assert "NOT GRADED, and not your fault: no jail" in shown["output"]


def test_a_jail_that_is_none_is_named():
    assert "without isolation" in results.document(report("ada"), "C")["output"]


@given(st.text())
@pytest.mark.parametrize("status", ["graded", "unreadable", "grader_error"])
def test_any_text_is_valid_json_on_one_line(status, text):
    made = report(
        "ada",
        softmax=exercise("softmax", 0, checks=[check(text, False, text, text)]),
        reason=text,
        status=status,
    )
    document = results.document(made, "A")
    assert json.loads(json.dumps(document).encode()) == document
    assert "\r" not in document["output"]


@pytest.mark.parametrize("text", HOSTILE + CONTROL)
def test_hostile_text_stays_text(text):
    shown = results.document(report("ada", reason=text, status="unreadable", score=0.0), "A")
    assert shown["output_format"] == "text"
    assert "\x1b" not in shown["output"]


# --- what happens there ---


@pytest.fixture
def root(tmp_path):
    """A container's folder, with the public answers in the place of the secret ones."""
    (tmp_path / "source").mkdir()
    (tmp_path / "submission").mkdir()
    shutil.copy(COURSE.release(TOPIC.id) / "answers.npz", tmp_path / "source")
    return tmp_path


def graded(root, *flags):
    done = CliRunner().invoke(inside.main, [str(root), *flags], catch_exceptions=False)
    assert done.exit_code == 0
    return valid(json.loads((root / "results" / "results.json").read_text(encoding="utf-8")))


def put(root, content, name="neurons.ipynb"):
    data = json.dumps(content).encode() if isinstance(content, dict) else content
    (root / "submission" / name).write_bytes(data)


def test_a_right_notebook_has_full_marks_under_any_name(root):
    put(root, solved(), "my homework (2).ipynb")
    shown = graded(root)
    assert shown["score"] == 20
    assert {t["status"] for t in shown["tests"]} == {"passed"}


BROKEN = {
    "cut": json.dumps(solved()).encode()[:9000],
    "empty": b"",
    "binary": bytes(range(256)),
    "list": b"[]",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_notebook_scores_nothing_and_says_why(root, content):
    put(root, content)
    shown = graded(root)
    assert shown["score"] == 0
    assert "could not be read" in shown["output"]


def test_no_notebook_at_all_says_what_was_there(root):
    put(root, b"x", "essay.docx")
    assert "expected neurons.ipynb, found essay.docx" in graded(root)["output"]


def test_a_link_to_the_answers_is_not_followed(root):
    (root / "submission" / "neurons.ipynb").symlink_to(root / "source" / "answers.npz")
    assert "no file of its own but a link" in graded(root)["output"]


def nothing_jails(unsafe):
    if not unsafe:
        raise tiers.NoJail("this machine offers no jail")
    return tiers.Unsafe()


def test_without_a_jail_nothing_is_run_unless_it_was_exported_so(root, monkeypatch):
    monkeypatch.setattr(tiers, "best", nothing_jails)
    put(root, solved())
    assert "NOT GRADED, and not your fault: this machine offers no jail" in graded(root)["output"]
    shown = graded(root, "--unsafe-no-jail")
    assert shown["score"] == 20
    assert "without isolation" in shown["output"]


def spoil_answers(root):
    (root / "source" / "answers.npz").write_bytes(b"x")


def remove_answers(root):
    (root / "source" / "answers.npz").unlink()


def of_another_suite(root):
    replace(public_answers(), suite="another").save(root / "source" / "answers.npz")


def remove_submission(root):
    (root / "submission").rmdir()


@pytest.mark.parametrize(
    "harm", [spoil_answers, remove_answers, of_another_suite, remove_submission]
)
def test_a_damaged_grader_says_that_it_is_not_the_students_fault(root, harm):
    harm(root)
    assert "NOT GRADED, and not your fault" in graded(root)["output"]


def test_an_error_of_our_own_making_is_no_crash(root, monkeypatch):
    put(root, solved())
    monkeypatch.setattr(inside, "grade_notebook", lambda *_, **__: 1 / 0)
    assert "NOT GRADED, and not your fault: ZeroDivisionError" in graded(root)["output"]


def test_where_python_does_not_even_start_the_script_leaves_valid_results(root):
    (root / "results" / "results.json").mkdir(parents=True)  # whatever lies in its place
    script = Path(pack.__file__).with_name("run_autograder")
    done = subprocess.run(
        ["bash", str(script)],
        env={**os.environ, "GRADESCOPE_ROOT": str(root)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    shown = valid(json.loads((root / "results" / "results.json").read_text(encoding="utf-8")))
    assert "the grader did not start" in shown["output"]


# --- what is packed ---


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("gradescope") / "course"
    releasing.copy_course(COURSE, root)
    shutil.copy(ROOT / "constraints.txt", root / "constraints.txt")
    return course_file.load(root / course_file.FILE)


@pytest.fixture(scope="module")
def wheel():
    return wheels.wheel(None)


def test_the_archive_has_the_scripts_at_its_top_the_secret_answers_and_no_solution(course, wheel):
    members = pack.contents(course, TOPIC.id, wheel, unsafe=False)
    assert set(members) == {
        "setup.sh",
        "run_autograder",
        "constraints.txt",
        "answers.npz",
        wheel[0],
    }
    assert members["answers.npz"] != (COURSE.release(TOPIC.id) / "answers.npz").read_bytes()
    assert b"--unsafe-no-jail" not in members["run_autograder"]
    assert b"@FLAGS@" not in members["run_autograder"]
    assert pack.contents(course, TOPIC.id, wheel, unsafe=False) == members
    assert (
        b" --unsafe-no-jail\n"
        in pack.contents(course, TOPIC.id, wheel, unsafe=True)["run_autograder"]
    )


def test_a_solution_in_it_stops_it(course, wheel):
    source = (course.root / "solutions" / "neurons" / "reference.py").read_text(encoding="utf-8")
    (course.root / "constraints.txt").write_text(source, encoding="utf-8")
    with pytest.raises(
        UserError, match=r"constraints\.txt: a line of solutions/neurons/reference\.py"
    ):
        pack.contents(course, TOPIC.id, wheel, unsafe=False)
    shutil.copy(ROOT / "constraints.txt", course.root / "constraints.txt")


HOSTILE_CODE = """
import os, json
for name in ("/autograder", os.environ.get("GRADESCOPE_ROOT", "."), "."):
    try:
        open(os.path.join(name, "results", "results.json"), "w").write('{"score": 1e9}')
    except BaseException:
        pass

def softmax(z):
    os._exit(0)
"""


@pytest.mark.skipif(
    os.environ.get("GRADESCOPE") != "all", reason="installs the package afresh; run: GRADESCOPE=all"
)
def test_from_upload_to_results_in_a_folder_of_its_own(course, wheel, tmp_path):
    """Unpacked, set up and run as Gradescope does it: a right, a wrong, a broken and a hostile
    submission.
    """
    from autograder.export.archive import zipped

    (tmp_path / "a.zip").write_bytes(
        zipped(pack.contents(course, TOPIC.id, wheel, unsafe=False), pack.PROGRAMS)
    )
    zipfile.ZipFile(tmp_path / "a.zip").extractall(tmp_path / "source")
    shutil.copy(tmp_path / "source" / "run_autograder", tmp_path / "run_autograder")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GRADESCOPE_ROOT": str(tmp_path),
    }
    environment |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    setup = ["bash", str(tmp_path / "source" / "setup.sh")]
    subprocess.run(setup, env={**environment, "PYTHON": sys.executable}, check=True)
    assert (tmp_path / "source" / "answers.npz").stat().st_mode & 0o077 == 0
    wrong = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"
    handed_in = {
        "right": solved(),
        "wrong": solved(softmax=wrong),
        "hostile": solved(softmax=HOSTILE_CODE),
    }
    texts = {name: json.dumps(notebook) for name, notebook in handed_in.items()}
    texts["broken"] = texts["right"][:9000]
    shown = {}
    for name, text in texts.items():
        shutil.rmtree(tmp_path / "submission", ignore_errors=True)
        (tmp_path / "submission").mkdir()
        (tmp_path / "submission" / "neurons.ipynb").write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["bash", str(tmp_path / "run_autograder")], cwd=tmp_path, env=environment, check=False
        )
        assert done.returncode == 0
        shown[name] = valid(
            json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
        )
    assert (shown["right"]["score"], shown["broken"]["score"]) == (20, 0)
    assert 0 < shown["wrong"]["score"] < 20 and "Looks like" in json.dumps(shown["wrong"])
    failed = {test["name"] for test in shown["hostile"]["tests"] if test["status"] == "failed"}
    assert failed == {"softmax", "softmax_regression_fit"}  # which calls it; nothing else happened
    assert shown["hostile"]["score"] == 15
