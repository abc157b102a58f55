"""What a learner's checks leave behind, in a notebook and in a terminal, and what they never do."""

import ast
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner
from notebooks import COURSE, ROOT, cell, public_answers, solved, written

from autograder import live
from autograder.cli.main import main
from autograder.jail import tiers
from autograder.learner import find_answers as answers_home
from autograder.learner import record_verdict, statefile
from autograder.model.errors import UserError

PACKAGE = ROOT / "autograder"
WRONG = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder as a learner has it, with one wrong answer in the notebook."""
    folder = tmp_path / "01-neurons"
    folder.mkdir()
    for path in COURSE.release("01-neurons").iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    written(solved(softmax=WRONG), folder)
    monkeypatch.chdir(folder)
    return folder


def run(*args):
    return CliRunner().invoke(main, [str(a) for a in args])


def kept():
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.startswith("Thread"):
            thread.join()
    return {
        name: standing.status
        for name, standing in statefile.load().topics.get("01-neurons", {}).items()
    }


# --- in a notebook ---


@pytest.fixture
def notebook(home, monkeypatch):
    """A live notebook's namespace with softmax run and nothing else."""
    namespace = {}
    exec(f"import numpy as np\n{WRONG}", namespace)
    monkeypatch.setattr(live, "_folder", None)
    monkeypatch.setattr(live, "_namespace", lambda: namespace)
    return namespace


def test_each_live_check_is_kept(notebook):
    live.check("softmax")
    live.check("relu")
    assert kept() == {"softmax": "failed", "relu": "not_attempted"}


def test_a_class_that_a_stock_nbgrader_grades_is_nobodys_progress(notebook, monkeypatch, state):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert "Stuck" not in live.check("softmax")._repr_html_()
    live.hint("softmax")
    kept()
    assert not state.exists()


def test_no_fault_of_the_disk_reaches_the_notebook(notebook, state):
    state.write_text("a file where the folder should be")
    assert float(live.check("softmax")) < 2
    kept()
    assert "hint 3 of 3" in repr(live.hint("softmax"))  # all of them, where none can be kept


def test_no_fault_of_ours_reaches_the_notebook(notebook, monkeypatch):
    monkeypatch.setattr(record_verdict, "verdicts", lambda *_: 1 / 0)
    assert float(live.check("softmax")) < 2
    assert kept() == {}


def test_a_live_check_does_not_wait_for_the_disk(notebook, monkeypatch):
    blocked = threading.Event()
    monkeypatch.setattr(record_verdict, "verdicts", lambda *_: blocked.wait(60))
    live.check("softmax")  # would never come back
    blocked.set()
    kept()


def test_hints_go_on_from_one_to_the_next_and_begin_anew(notebook):
    assert [repr(live.hint("softmax")).split("\n")[0][-6:] for _ in range(4)] == [
        "1 of 3",
        "2 of 3",
        "3 of 3",
        "3 of 3",
    ]
    exec("def softmax(z): return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)", notebook)
    assert "hint 1 of 3" in repr(live.hint("softmax"))


def test_a_hint_is_a_card_and_its_repr_is_no_number(notebook):
    card = live.hint("softmax")
    assert "The first check that fails" in card._repr_html_()
    with pytest.raises(ValueError, match="could not convert"):
        float(repr(card))


def test_a_hint_for_what_is_no_exercise_names_those_there_are(notebook):
    with pytest.raises(UserError, match="it has linear_forward"):
        live.hint("sofmax")


def test_a_hint_finds_its_way_without_the_notebook_file(notebook, home):
    (home / "neurons.ipynb").rename(home / "mine.ipynb")
    for _ in range(3):
        card = live.hint("softmax")
    assert "above the answer cell of softmax" in repr(card)


def test_a_card_that_fails_says_how_to_get_a_hint(notebook):
    assert 'hint("softmax")' in live.check("softmax")._repr_html_()


# --- in a terminal ---


def test_a_check_is_kept_and_points_to_a_hint(home):
    done = run("check", "neurons.ipynb", "--exercise", "softmax")
    assert kept() == {"softmax": "failed"} or kept() == {"softmax": "partial"}
    assert done.stdout.splitlines()[-1] == "Stuck? autograder hint neurons.ipynb softmax"
    assert "Stuck" not in run("check", "neurons.ipynb", "--exercise", "relu").stdout
    assert set(kept()) == {"softmax", "relu"}


@pytest.mark.parametrize("option", [("--seed", "7"), ("--jailed",)])
def test_what_is_tried_out_is_not_kept(home, option, state, monkeypatch):
    monkeypatch.setattr(answers_home, "answers_for", lambda path, seed: public_answers())
    monkeypatch.setattr(tiers, "best", lambda unsafe: tiers.Unsafe())
    done = run("check", "neurons.ipynb", "--exercise", "softmax", *option)
    assert done.exit_code == 1
    assert "Stuck" not in done.stdout
    assert not state.exists()


def test_a_state_folder_that_cannot_be_written_costs_no_verdict(home, state):
    state.write_text("a file where the folder should be")
    done = run("check", "neurons.ipynb", "--exercise", "softmax")
    assert done.exit_code == 1
    assert "✗ softmax" in done.stdout
    assert "your progress cannot be saved" in done.stderr
    assert "Traceback" not in done.output


def test_only_a_learners_own_commands_know_of_the_record():
    """Nothing that grades a class, and nothing that runs in a jail, can write into it."""
    importers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder"):
                names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
                if names & {"autograder.learner.record_verdict", "autograder.learner.statefile"}:
                    importers.add(path.stem)
    assert importers == {"live", "session", "record_verdict", "progress"}


def test_hints_in_a_terminal_are_one_more_each_time(home):
    heads = [run("hint", "neurons.ipynb", "softmax").stdout.splitlines()[0] for _ in range(2)]
    assert heads == ["softmax   hint 1 of 3", "softmax   hint 2 of 3"]
    done = run("hint", "neurons.ipynb", "softmax")
    assert done.exit_code == 0
    assert "3.1 Softmax" in done.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("hint", "neurons.ipynb", "sofmax"), "has no exercise 'sofmax'; it has linear_forward"),
        (("hint", "nowhere.ipynb", "softmax"), "there is no file"),
        (("hint", "cut.ipynb", "softmax"), "is damaged"),
        (("check", "cut.ipynb", "--watch"), "is damaged"),
        (("check", "nowhere.ipynb", "--watch"), "there is no file"),
        (("check", "neurons.ipynb", "--watch", "--json", "-"), "give --json a file name"),
        (("progress", "nowhere"), "is not a folder"),
        (("progress", "{empty}"), "name the folder that holds them"),
        (("progress", "--html", "no/where.html"), "cannot be written"),
    ],
)
def test_a_users_error_is_one_line_and_exit_code_2(home, tmp_path, args, said):
    (home / "cut.ipynb").write_bytes((home / "neurons.ipynb").read_bytes()[:9000])
    (tmp_path / "empty").mkdir()
    done = run(*(a.replace("{empty}", str(tmp_path / "empty")) for a in args))
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_the_map_shows_what_was_checked(home, tmp_path):
    run("check", "neurons.ipynb", "--exercise", "relu")
    done = run("progress", "--html", tmp_path / "map.html")
    assert done.exit_code == 0
    assert "✓ relu" in done.stdout
    assert "1 of 9 exercises in full, 2 / 20 points" in done.stdout
    assert "relu" in (tmp_path / "map.html").read_text(encoding="utf-8")


def test_the_map_says_what_was_set_aside(home, state):
    state.mkdir()
    (state / statefile.NAME).write_text("{")
    done = run("progress")
    assert done.exit_code == 0
    assert "progress.unreadable-1.json was no record of progress" in done.stderr


# --- watching ---


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_watching_tells_of_a_save_and_ends_with_the_last_verdict(home, state):
    command = [
        sys.executable,
        "-m",
        "autograder",
        "check",
        "neurons.ipynb",
        "--exercise",
        "softmax",
        "--watch",
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        env=environment,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # which a shell's background job ignores
    )
    try:
        assert "softmax" in read_until(process, "01-neurons   ")
        written(solved(), home)
        news = read_until(process, "01-neurons   ")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "checked again: softmax" in news
    assert "now right: Scores" in news
    assert kept() == {"softmax": "passed"}


def read_until(process, mark):
    lines = []
    while not lines or not lines[-1].startswith(mark):
        line = process.stdout.readline()
        assert line, f"it ended with {lines}"
        lines.append(line)
    return "".join(lines)


def test_ctrl_c_in_the_middle_of_a_check_is_no_fault_of_ours(home, monkeypatch):
    """pytest keeps an interrupt to itself; here it ends the run."""
    from autograder.grading.run import grade_namespace

    def softmax(z):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade_namespace(public_answers(), {"softmax": softmax}, ["softmax"])


def test_watching_writes_each_report(home, tmp_path, monkeypatch):
    def once(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", once)
    monkeypatch.setattr("autograder.learner.session._LOOK", 0)
    done = run(
        "check",
        "neurons.ipynb",
        "--exercise",
        "softmax",
        "--watch",
        "--json",
        tmp_path / "report.json",
    )
    assert done.exit_code == 1
    assert json.loads((tmp_path / "report.json").read_text())["exercises"][0]["id"] == "softmax"


def test_the_lessons_begin_by_importing_what_their_cards_speak_of():
    for topic_id in COURSE.topic_ids:
        stub = json.loads(COURSE.assignment(topic_id).read_text(encoding="utf-8"))
        source = cell(stub, "setup")["source"]
        assert "from autograder import check, hint, start" in "".join(source)
