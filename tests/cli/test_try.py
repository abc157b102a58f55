"""`autograder try`: many answers, one recording, a row and a Report for each."""

import json

import pytest
from click.testing import CliRunner
from notebooks import COURSE, ROOT, public_answers

from autograder.cli.main import main
from autograder.course import try_answers
from autograder.course.record import record
from autograder.model.answer_key import PUBLIC_SEED

RELU = "import numpy as np\n\n\ndef relu(z):\n    return {}\n\n\n"
RELU += "def leaky_relu(z, slope=0.01):\n    return np.where(z > 0, z, slope * z)\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A right answer and two wrong ones; the working folder is the course, whose public answers
    need not be recorded anew each time.
    """
    monkeypatch.chdir(ROOT)

    def recorded(course, topic, seed):
        return public_answers() if seed == PUBLIC_SEED else record(course, topic, seed)

    monkeypatch.setattr(try_answers, "record", recorded)
    bodies = {"right": "np.maximum(z, 0)", "wrong": "z", "loops": "[max(v, 0) for v in z]"}
    for name, body in bodies.items():
        (tmp_path / f"{name}.py").write_text(RELU.format(body), encoding="utf-8")
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, ["try", "01-neurons", "--exercise", "relu", *arguments])


def test_each_file_has_a_row_with_its_points_and_what_lost_them(files):
    done = run(*(str(files / f"{name}.py") for name in ("right", "wrong")))
    assert done.exit_code == 1
    right, wrong = done.output.splitlines()
    assert right.split() == ["✓", "2", "/", "2", str(files / "right.py")]
    assert wrong.startswith("✗")
    assert "relu" in wrong


def test_right_answers_alone_end_with_0(files):
    assert run(str(files / "right.py")).exit_code == 0


def test_json_holds_each_file_and_its_report(files):
    paths = [str(files / f"{name}.py") for name in ("wrong", "right")]
    found = json.loads(run(*paths, "--json", "-").stdout)
    assert [entry["file"] for entry in found] == paths
    assert [entry["report"]["status"] for entry in found] == ["graded", "graded"]
    assert found[0]["report"]["score"] < found[1]["report"]["score"] == 2


def test_other_inputs_are_drawn_for_another_seed(files):
    path = str(files / "wrong.py")
    reports = [run(path, "--json", "-", *more).stdout for more in ((), ("--seed", "5"))]
    messages = [
        c["message"] for r in reports for c in json.loads(r)[0]["report"]["exercises"][0]["checks"]
    ]
    assert len(set(filter(None, messages))) > len(list(filter(None, messages))) // 2
    assert reports[0] != reports[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.py",), "nowhere.py cannot be read"),
        (
            (str(COURSE.assignment("01-neurons").with_name("given.py")), "--exercise", "other"),
            "no exercise",
        ),
        ((), "Missing argument"),
    ],
)
def test_bad_input_gets_one_sentence(files, arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_file_that_is_not_python_is_named(files):
    (files / "broken.py").write_text("def relu(z:\n", encoding="utf-8")
    done = run(str(files / "broken.py"))
    assert done.exit_code == 2
    assert "broken.py is not Python" in done.output
