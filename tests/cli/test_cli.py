"""The command: exit codes, output, and errors of one line."""

import json

import pytest
from click.testing import CliRunner
from notebooks import COURSE, ROOT, answer, solved, written

from autograder.cli.main import main

EMPTY = {
    "schema": 1,
    "topic": "t",
    "status": "graded",
    "score": 0,
    "max_score": 1,
    "seconds": 0,
    "exercises": [],
}


@pytest.fixture
def autograder(monkeypatch):
    monkeypatch.chdir(ROOT)

    def run(*args):
        return CliRunner().invoke(main, [str(a) for a in args])

    return run


@pytest.fixture
def home(tmp_path):
    """A folder as a student has it: what was released, nothing else."""
    for path in COURSE.release("01-neurons").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_the_reference_gets_full_marks_under_another_seed(autograder, tmp_path):
    assert autograder("solve", "01-neurons", "-o", tmp_path / "x.ipynb").exit_code == 0
    done = autograder("check", tmp_path / "x.ipynb", "--jailed", "--seed", "7", "--json", "-")
    report = json.loads(done.stdout)
    assert done.exit_code == 0
    assert report["score"] == report["max_score"] == 20
    assert all(c["title"] for e in report["exercises"] for c in e["checks"])


def test_the_stub_scores_nothing_and_is_not_attempted(autograder, home):
    done = autograder("check", home / "neurons.ipynb", "--json", "-")
    report = json.loads(done.stdout)
    assert done.exit_code == 1
    assert report["score"] == 0
    assert {e["status"] for e in report["exercises"]} == {"not_attempted"}


def test_a_misconception_is_named_once_with_its_hint(autograder, home):
    wrong = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"
    done = autograder("check", written(solved(softmax=wrong), home), "--exercise", "softmax")
    assert done.exit_code == 1
    assert done.stdout.count("Looks like: the softmax runs over the batch") == 1


def test_the_report_is_written_to_a_file(autograder, home):
    done = autograder(
        "check", home / "neurons.ipynb", "--exercise", "relu", "--json", home / "report.json"
    )
    assert done.exit_code == 1
    assert json.loads((home / "report.json").read_text())["schema"] == 1


def test_a_report_becomes_a_page(autograder, home):
    wrong = "def softmax(z):\n    return z.T"
    autograder("check", written(solved(softmax=wrong), home), "--json", home / "report.json")
    done = autograder("feedback", home / "report.json", "-o", home / "page.html")
    assert done.exit_code == 0
    page = (home / "page.html").read_text(encoding="utf-8")
    assert all(f">{e.id}<" in page for e in COURSE.topic("01-neurons").exercises)
    assert "<svg" in page


def test_a_report_is_read_from_standard_input_too(home):
    report = '{"schema": 1, "topic": "t", "status": "graded", "score": 0, "max_score": 1, '
    report += '"seconds": 0, "exercises": []}'
    done = CliRunner().invoke(main, ["feedback", "-", "-o", str(home / "page.html")], input=report)
    assert done.exit_code == 0
    assert (home / "page.html").is_file()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("feedback", "{home}/nowhere.json", "-o", "{home}/x.html"), "cannot be read"),
        (("feedback", "{home}/cut.ipynb", "-o", "{home}/x.html"), "holds no report"),
        (
            ("feedback", "{home}/neurons.ipynb", "-o", "{home}/x.html"),
            "make one with: autograder check",
        ),
        (("feedback", "{home}/answers.npz", "-o", "{home}/x.html"), "holds no report"),
        (("feedback", "{home}/class.json", "-o", "{home}/x.html"), "it is a list"),
        (("feedback", "{home}/good.json", "-o", "{home}/none/x.html"), "cannot be written"),
        (("check", "nowhere.ipynb"), "there is no"),
        (
            ("check", "{home}/neurons.ipynb", "--exercise", "sofmax"),
            "has no exercise 'sofmax'; it has linear_forward",
        ),
        (("check", "{home}/cut.ipynb"), "is damaged"),
        (("solve", "01-neuron", "-o", "x.ipynb"), "has no topic '01-neuron'; it has 01-neurons"),
        (
            ("solve", "01-neurons", "--from", "{home}/bad.py", "-o", "{home}/x.ipynb"),
            "is not Python",
        ),
        (
            ("solve", "01-neurons", "--from", "{home}/none.py", "-o", "{home}/x.ipynb"),
            "cannot be read",
        ),
        (("solve", "01-neurons", "-o", "{home}/none/x.ipynb"), "cannot be written"),
        (("grade", "09-nothing"), "has no topic"),
        (("release", "09-nothing"), "has no topic"),
        (("audit", "09-nothing"), "has no topic"),
    ],
)
def test_a_users_error_is_one_line_and_exit_code_2(autograder, home, args, said):
    (home / "cut.ipynb").write_bytes((home / "neurons.ipynb").read_bytes()[:9000])
    (home / "bad.py").write_text("def (")
    (home / "good.json").write_text(json.dumps(EMPTY))
    (home / "class.json").write_text(json.dumps([EMPTY]))
    done = autograder(*(str(a).replace("{home}", str(home)) for a in args))
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_answers_of_another_version_of_the_checks_are_our_fault_and_no_verdict(autograder, home):
    from autograder.model import answer_key

    answers_file = home / answer_key.NAME
    old = answer_key.load(answers_file)
    old.suite = "another"
    old.save(answers_file)
    done = autograder("check", home / "neurons.ipynb")
    assert done.exit_code == 3
    assert "another version of the checks" in done.output


def test_outside_a_course_the_command_says_where_to_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["release"])
    assert done.exit_code == 2
    assert "run this inside the course folder" in done.output


def test_a_module_without_an_answer_leaves_its_stub(autograder, home):
    (home / "half.py").write_text("import numpy as np\n" + answer("softmax"))
    assert (
        autograder(
            "solve", "01-neurons", "--from", home / "half.py", "-o", home / "half.ipynb"
        ).exit_code
        == 0
    )
    report = json.loads(autograder("check", home / "half.ipynb", "--json", "-").stdout)
    assert {e["id"]: e["status"] for e in report["exercises"] if e["score"]} == {
        "softmax": "passed"
    }
