"""No points for nothing: what holds for a function that computes nothing counts only once its values
are right.
"""

from dataclasses import replace

import pytest
from notebooks import COURSE, TOPIC, public_answers

from autograder.audit import trivial
from autograder.course import record
from autograder.grading.outcome import Outcome
from autograder.grading.run import grade_namespace
from autograder.grading.waiting import MESSAGE, settled
from autograder.render import cards, terminal, view


def outcome(name, passed, kind="value", drawn=False, compared=False, functions=("f",)):
    return Outcome(
        "e",
        name,
        kind,
        f"sentence {name}",
        1.0,
        passed,
        drawn=drawn,
        compared=compared,
        functions=frozenset(functions),
    )


def passing(*outcomes):
    return [o.id for o in settled(outcomes) if o.passed]


def test_a_worked_example_and_an_edge_wait_for_the_values():
    example, edge = outcome("example", True), outcome("edge", True, "robustness", drawn=True)
    right = outcome("values", True, drawn=True, compared=True)
    wrong = outcome("values", False, drawn=True, compared=True)
    assert passing(example, edge, wrong) == []
    assert passing(example, edge, right) == ["example", "edge", "values"]


def test_a_property_does_not_stand_in_for_a_comparison():
    symmetry = outcome("symmetry", True, drawn=True)
    assert passing(symmetry, outcome("values", False, drawn=True, compared=True)) == []
    assert passing(symmetry) == ["symmetry"]  # where the suite has no comparison, it is the core


def test_a_training_that_is_measured_is_core_as_a_comparison_is():
    trained = outcome("trained", True, "convergence", drawn=True)
    shape = outcome("shape", True, "shape")
    assert passing(shape, trained, outcome("step", False, drawn=True, compared=True)) == [
        "shape",
        "trained",
    ]


def test_each_function_waits_for_its_own_values():
    edges = [outcome(f"edge of {f}", True, "robustness", functions=[f]) for f in "fg"]
    values = [
        outcome(f"values of {f}", f == "f", drawn=True, compared=True, functions=[f]) for f in "fg"
    ]
    assert passing(*edges, *values) == ["edge of f", "values of f"]


def test_where_there_is_nothing_to_wait_for_every_check_counts():
    assert passing(outcome("example", True), outcome("other", False)) == ["example"]


@pytest.fixture(scope="module")
def solution():
    return dict(vars(record.load_reference(COURSE, TOPIC)))


def test_a_check_that_waits_is_told_apart_from_one_that_fails(solution):
    def softmax(z):
        return z

    report = grade_namespace(public_answers(), solution | {"softmax": softmax}, ["softmax"])
    exercise = report.exercise("softmax")
    waiting = [c for c in exercise.checks if c.waits]
    assert (exercise.score, exercise.status) == (0.0, "failed")
    assert waiting
    assert not any(c.passed for c in waiting)  # the score is the share of the checks that pass
    assert {c.message for c in waiting} == {MESSAGE}
    assert not any(MESSAGE in line for failure in view.failures(exercise) for line in failure.lines)
    said = "once the values are right"
    assert said in cards.card(exercise)
    assert said in terminal.render(report)


def test_a_trivial_answer_earns_nothing(solution):
    """In the exercises that train nothing; the audit tries all."""
    answers = public_answers()
    topic = replace(answers.topic, exercises=answers.topic.exercises[:6])
    found = trivial.tried(replace(answers, topic=topic), solution)
    assert found.earned == []
    assert found.tried == 12 * 6


def test_a_trivial_answer_that_earns_is_named(solution, monkeypatch):
    """With the rule switched off it is what it was: points for nothing."""
    from autograder.grading import run

    monkeypatch.setattr(run, "settled", list)
    answers = public_answers()
    topic = replace(answers.topic, exercises=[answers.topic.exercise("softmax")])
    found = trivial.tried(replace(answers, topic=topic), solution)
    assert any(line.startswith("softmax: ") and " earns " in line for line in found.earned)
