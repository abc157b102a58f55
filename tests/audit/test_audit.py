"""The audit finds holes: break a suite on purpose, and it names what gets through."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from notebooks import COURSE, ROOT, TOPIC, answer, public_answers, solved, written

from autograder.audit.audit import caught
from autograder.audit.mutants import mutants
from autograder.audit.mutation import Fate, explained, run_batch
from autograder.audit.seeded import elsewhere, examine
from autograder.course import record as recording
from autograder.course.course_file import FILE
from autograder.course.record import record
from autograder.grading import suite
from autograder.grading.submission import grade_file
from autograder.jail.tiers import survey

FILES = suite.suite_files(TOPIC)
LAYERS = next(path for path in FILES if path.name == "test_layers.py")  # its last class: softmax
CHECKS = LAYERS.read_text(encoding="utf-8")


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Puts another text in the place of the suite of 01-neurons."""

    def put(text):
        assert text != CHECKS
        shutil.copytree(LAYERS.parent, tmp_path / "neurons", dirs_exist_ok=True)
        (tmp_path / "neurons" / LAYERS.name).write_text(text, encoding="utf-8")
        monkeypatch.setattr(suite, "_CHECKS", tmp_path)
        for name in [n for n in sys.modules if n.endswith("test_layers")]:
            monkeypatch.delitem(sys.modules, name)  # the text of the test before this one

    return put


def without(*names):
    """The suite without some checks of softmax."""
    before, softmax = re.split(r"(?=@exercise\(\"softmax\"\))", CHECKS)
    for name in names:
        softmax, count = re.subn(
            rf"(    @\w+\n)?    def {name}\(.*?(?=\n    @|\n    def |\Z)", "", softmax, flags=re.S
        )
        assert count == 1, name
    return before + softmax


def survivors(seed=1):
    """Mutants of softmax that get through and are not listed as equivalent."""
    source = (ROOT / "solutions" / "neurons" / "reference.py").read_text(encoding="utf-8")
    own = [m for m in mutants(source, TOPIC.functions) if m.function == "softmax"]
    fates = run_batch(record(COURSE, TOPIC, seed), own, False)
    assert len(fates) == len(own) > 20
    return {f.mutant.name for f in fates if not f.failed} - explained(COURSE, TOPIC).keys()


def test_the_suite_as_it_is_refuses_no_right_answer_and_names_every_misconception():
    result = examine(ROOT / FILE, TOPIC.id, 5)
    assert dict(result.problems) == {}
    assert {name for name, named in result.named.items() if named != name} == set()


def test_the_suite_as_it_is_lets_no_mutant_of_softmax_through():
    assert survivors() == set()


def test_without_the_check_of_large_scores_the_missing_shift_is_named_as_a_hole(broken):
    broken(without("test_large_scores", "test_rows_far_apart", "test_shift"))
    problems = examine(Path(ROOT / FILE), TOPIC.id, 5).problems["misconceptions"]
    assert "softmax_without_shift is not caught, seed 5" in problems
    assert "shift_by_the_largest_of_all is not caught, seed 5" in problems
    assert survivors()


def test_comparing_only_the_sum_lets_base_two_through_and_is_named_as_a_hole(broken):
    gone = ("test_by_hand", "test_shift", "test_integers", "test_values")
    broken(without(*gone))
    problems = examine(Path(ROOT / FILE), TOPIC.id, 5).problems["misconceptions"]
    assert "softmax_in_base_two is not caught, seed 5" in problems
    assert any("exp2" in name for name in survivors())


def test_the_same_submission_gets_the_same_report_a_hundred_times(tmp_path):
    wrong = answer("losses").replace("np.mean(np.logaddexp", "np.sum(np.logaddexp")
    path = written(solved(losses=wrong), tmp_path)
    reports = {
        grade_file(public_answers(), path, survey().jail, exercises=["losses"]).to_json()
        for _ in range(100)
    }
    assert len({re.sub(r'"seconds": [\d.]+', "", text) for text in reports}) == 1


def test_a_misconception_that_is_said_to_cost_another_exercise_points_too_is_held_to_it(
    monkeypatch,
):
    one = replace(
        next(m for m in recording.load_misconceptions(COURSE, TOPIC) if m.function == "softmax"),
        also="relu",
    )
    monkeypatch.setattr(recording, "load_misconceptions", lambda *_: [one])
    assert elsewhere(ROOT / FILE, TOPIC.id, 5) == [
        f"{one.name} of softmax declares also='relu' but fails no check of it"
    ]


class Named:
    line, change = 3, "1 → 2"

    def __init__(self, name):
        self.name = name


FATES = {
    "caught": Fate(Named("caught"), ("e::test_values",), True),
    "survives": Fate(Named("survives"), (), False),
    "learns too little": Fate(Named("learns too little"), ("e::test_digits",), False),
}


@pytest.mark.parametrize(
    ("listed", "problems"),
    [
        (["survives"], []),
        (["survives", "learns too little"], []),
        ([], ["survives, line 3: 1 → 2"]),
        (["survives", "caught"], ["caught is listed as equivalent, but it is caught or gone"]),
        (["survives", "gone"], ["gone is listed as equivalent, but it is caught or gone"]),
    ],
)
def test_the_list_of_equivalent_mutants_is_held_to_what_it_says(listed, problems):
    assert caught([*FATES.values()], dict.fromkeys(listed, "a reason")).problems == problems
