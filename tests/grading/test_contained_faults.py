"""A fault of ours costs its own exercise the verdict, and no other."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from notebooks import COURSE, TOPIC, public_answers, solved, written

from autograder.cli.main import main
from autograder.grading.batch import Code, grade_batch
from autograder.grading.in_process import InProcess
from autograder.grading.run import Grading, grade_namespace, run_suite
from autograder.learner.watch import watch
from autograder.model import answer_key, notebook
from autograder.model.answer_key import Answer
from autograder.model.errors import KitError
from autograder.model.sketch import Sketch

SPOILT = "softmax"


NAMESPACE = {
    "np": np,
    "relu": lambda z: np.maximum(z, 0),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}


def spoilt():
    """The public answers, one input of one exercise changed."""
    answers = answer_key.from_bytes(public_answers().to_bytes())
    key = next(k for k, calls in answers.calls.items() if k.startswith(f"{SPOILT}::") and calls)
    first, *rest = answers.calls[key]
    answers.calls[key] = [
        Answer(Sketch("of other inputs", first.inputs.numbers), first.frame),
        *rest,
    ]
    return answers


@pytest.fixture
def folder(tmp_path):
    """The released folder, its answers spoilt, with a solved notebook in it."""
    shutil.copytree(COURSE.release(TOPIC.id), tmp_path / TOPIC.id)
    spoilt().save(tmp_path / TOPIC.id / answer_key.NAME)
    written(solved(), tmp_path / TOPIC.id)
    return tmp_path / TOPIC.id


def test_a_learner_sees_the_other_verdicts_and_what_to_report(folder):
    done = CliRunner().invoke(main, ["check", str(folder / "neurons.ipynb")])
    assert done.exit_code == 3
    assert all(e.id in done.output for e in TOPIC.exercises)
    assert done.output.count("2 / 2 points") >= 5
    assert f"{SPOILT} could not be checked, and that is our fault" in done.output
    assert "please report this" in done.output


def test_the_report_has_no_score_and_holds_the_others(folder, tmp_path):
    to = tmp_path / "report.json"
    arguments = ["check", str(folder / "neurons.ipynb"), "--json", str(to)]
    assert CliRunner().invoke(main, arguments).exit_code == 3
    report = json.loads(to.read_text())
    assert (report["status"], report["score"], report["max_score"]) == ("grader_error", None, 20)
    assert {e["id"] for e in report["exercises"]} == {e.id for e in TOPIC.exercises} - {SPOILT}
    assert all(e["status"] == "passed" for e in report["exercises"])


def test_in_class_it_is_a_grader_error_that_names_the_exercise():
    cells = notebook.submission(notebook.of(COURSE.assignment(TOPIC.id), solved()), TOPIC)
    submissions = [Code(tuple(cells)).to_bytes()] * 2
    for text in grade_batch(spoilt().to_bytes(), submissions, unsafe=True):
        report = json.loads(text)
        assert (report["status"], report["score"]) == ("grader_error", None)
        assert SPOILT in report["reason"]


def test_in_a_live_notebook_another_exercise_is_checked_as_ever():
    report = grade_namespace(spoilt(), NAMESPACE, ["relu", SPOILT])
    assert [e.id for e in report.exercises] == ["relu"]
    assert report.reason.startswith(f"{SPOILT} could not be checked")


def test_a_watched_notebook_tells_of_both_and_tries_again():
    saved = notebook.of(COURSE.assignment(TOPIC.id), solved())
    asked = []

    def grade(nb, exercises):
        asked.append(exercises)
        return grade_namespace(spoilt(), NAMESPACE, exercises)

    first, second = watch([saved, saved], TOPIC, grade, ["relu", SPOILT])
    assert [now.id for _, now in first.ran] == ["relu"]
    assert SPOILT in first.trouble
    assert asked == [["relu", SPOILT], [SPOILT]]
    assert second.report.score is None


def test_whoever_cannot_bear_a_fault_gets_it():
    grading = Grading(spoilt(), InProcess(NAMESPACE))
    with pytest.raises(KitError, match=SPOILT):
        run_suite(TOPIC, [grading])
