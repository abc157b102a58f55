"""A training that falls short is shown on its way, and what is run for that changes no verdict."""

import numpy as np
import pytest
from jails import TIERS, jail_of
from notebooks import answer, public_answers, solved, written

from autograder.grading.in_process import InProcess
from autograder.grading.in_worker import InWorker
from autograder.grading.submission import grade_file
from autograder.jail.tiers import survey
from autograder.model.errors import KitError
from autograder.model.notebook import Cell
from autograder.model.topic import ExerciseSpec, Topic
from autograder.testing.assertions import CheckFailed, assert_at_least, assert_shape
from autograder.testing.student import Student, StudentFailed, assert_unchanged, last_call
from autograder.testing.training import on_the_way

SOURCE = """
calls = []

def train(w, steps):
    calls.append(steps)
    w += 1
    return steps / 20

def asked(x):
    return calls
"""
MEASURED = {"name": "the share", "value": 0.8, "line": 0.9, "side": "least"}


def student_of(source=SOURCE, **options):
    namespace = {}
    exec(source, namespace)
    return Student(InProcess(namespace), {"train": ["w", "steps"]}, **options)


def failed(student, reached=None, steps=16, threshold=0.9):
    """The failure of a check whose training ends too early."""
    w = np.zeros(3)
    value = student.train(w, steps)
    with (
        pytest.raises(CheckFailed) as caught,
        on_the_way(student, steps, "steps", reached or (lambda n: student.train(w, n))),
    ):
        assert_at_least(value, threshold, "the share")
    return caught.value


def test_shorter_trainings_lead_up_to_the_one_that_was_judged():
    picture = failed(student_of()).picture
    assert picture == {
        "type": "training",
        **MEASURED,
        "unit": "steps",
        "lengths": [1, 2, 4, 8, 16],
        "low": 0.0,
        "high": 1.0,
        "heights": [2, 3, 6, 13, 26],
    }


def test_the_check_knows_nothing_of_them():
    student = student_of()
    failed(student)
    assert last_call(student) == "train(w (3,), steps 16)"
    with pytest.raises(CheckFailed, match="w changed during the call"):
        assert_unchanged(student)


def test_where_nobody_looks_nothing_is_trained():
    student = student_of(pictures=False)
    assert failed(student).picture == {"type": "measured", **MEASURED}
    assert student.asked(1) == [16]


def test_what_reaches_its_line_is_trained_once():
    student = student_of()
    with on_the_way(student, 20, "steps", lambda n: student.train(np.zeros(1), n)):
        assert_at_least(student.train(np.zeros(1), 20), 0.9, "the share")
    assert student.asked(1) == [20]


def test_a_failure_of_another_kind_is_left_as_it_is():
    with (
        pytest.raises(CheckFailed) as caught,
        on_the_way(student_of(), 16, "steps", lambda n: pytest.fail("it was trained")),
    ):
        assert_shape(np.ones((4, 1)), (4,))
    assert caught.value.picture["type"] == "shapes"


@pytest.mark.parametrize("error", [ValueError, StopIteration, CheckFailed])
def test_what_cannot_be_trained_for_less_keeps_its_scale(error):
    def reached(n):
        raise error("not for so few")

    failure = failed(student_of(), reached)
    assert failure.picture == {"type": "measured", **MEASURED}
    assert failure.message == "the share is 0.8, expected at least 0.9"


def test_a_fault_of_ours_is_not_hidden():
    def reached(n):
        raise KitError("the measuring is broken")

    with pytest.raises(KitError), on_the_way(student_of(), 16, "steps", reached):
        assert_at_least(0.8, 0.9, "the share")


def test_a_loss_that_is_no_number_on_the_way_is_a_gap():
    picture = failed(student_of(), lambda n: np.nan if n == 4 else n / 20).picture
    assert picture["heights"] == [2, 3, None, 13, 26]


def test_a_single_epoch_has_no_way():
    assert failed(student_of(), steps=1).picture["type"] == "measured"


def test_a_second_call_may_hang_and_costs_the_exercise_nothing():
    """Whoever can tell that this is the second call gains nothing by it, and loses nothing."""
    source = "def train(w, steps):\n    while steps < 16: pass\n    return 0.8\n"
    spec = ExerciseSpec("e", 1.0, 1.0, {"train": ["w", "steps"]})
    topic = Topic("01-a", "A", [spec], 4.0, 1024, [], "")
    backend = InWorker(topic, [Cell(1, "code", source)], "", jail_of(TIERS[0]))
    try:
        backend.begin(spec)
        student = Student(backend, {})
        assert failed(student).picture["type"] == "measured"
        assert student.train(np.zeros(3), 16) == 0.8
        assert (
            failed(student).picture["type"] == "measured"
        )  # what there was to spare is used up: no more waiting
        with pytest.raises(StudentFailed) as caught:
            student.train(np.zeros(3), 1)
        assert caught.value.cause["kind"] == "timeout"
    finally:
        backend.close()


def test_a_submission_that_nobody_looks_at_in_pictures_is_trained_once(tmp_path):
    climbs = answer("softmax_regression_fit").replace("W - lr", "W + lr")
    path = written(solved(softmax_regression_fit=climbs), tmp_path)
    seen = {}
    for pictures in (True, False):
        report = grade_file(
            public_answers(),
            path,
            survey().jail,
            exercises=["softmax_regression_fit"],
            pictures=pictures,
        )
        checks = report.exercise("softmax_regression_fit").checks
        seen[pictures] = (
            {(c.picture or {}).get("type") for c in checks if c.kind == "convergence"},
            report.score,
        )
    assert seen[True][0] == {"training"}
    assert seen[False] == ({"measured"}, seen[True][1])
