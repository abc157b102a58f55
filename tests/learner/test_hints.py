"""Hints point further each time, tell nothing that the card does not, and are drawn from what the
check found.
"""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks import COURSE, TOPIC, answer, cell, public_answers, solved, written
from test_cause import every

from autograder.course.misconceptions import misconceptions
from autograder.grading.run import grade_namespace
from autograder.learner.advice import advice, by_hand
from autograder.learner.exercise_text import ExerciseText, exercise_text
from autograder.learner.hints import hints
from autograder.learner.progress import TIERS
from autograder.model import notebook
from autograder.model.report import Check, Exercise
from autograder.testing import assertions
from autograder.worker.invoke import call
from solutions.neurons import misconceptions as bank
from solutions.neurons import reference

STUB = notebook.read(COURSE.release(TOPIC.id) / "neurons.ipynb")
WHERE = ExerciseText("3.1 Softmax", ("Idea", "By hand", "Contract"), asks=True, example=True)


def judged(exercise, **functions):
    """The verdict on the reference with some functions in its place."""
    namespace = vars(reference) | {
        name: body for name, body in functions.items() if body is not None
    }
    names = set(namespace) - {name for name, body in functions.items() if body is None}
    return grade_namespace(public_answers(), {n: namespace[n] for n in names}, [exercise]).exercise(
        exercise
    )


def given_for(exercise):
    return hints(exercise, public_answers().catches(exercise.id), exercise_text(STUB, exercise.id))


def calling(*arguments):
    return {"function": "softmax", "arguments": [list(pair) for pair in arguments]}


Z = calling(("z", [4, 3]))


def failing(
    text,
    *,
    kind="value",
    title="Rows sum to one",
    call="softmax(z (4, 3))",
    made=Z,
    cause=None,
    status="partial",
    beside=(),
):
    check = Check("test_a", kind, title, False, 1, f"{call}\n{text}", call=made, cause=cause)
    return Exercise("softmax", 0.0, 2.0, status, [*beside, check])


# --- for every misconception of a topic ---

MISCONCEPTIONS = [m for m in misconceptions(bank) if not m.function.endswith("_fit")]


@pytest.fixture(scope="module")
def told():
    """Each misconception's verdict and its hints."""
    verdicts = {
        m.name: judged(TOPIC.exercise_of(m.function), **{m.function: m.body})
        for m in MISCONCEPTIONS
    }
    return {name: (verdict, given_for(verdict)) for name, verdict in verdicts.items()}


@pytest.mark.parametrize("misconception", MISCONCEPTIONS, ids=lambda m: m.name)
def test_a_misconception_has_three_hints_each_pointing_further(told, misconception):
    verdict, given = told[misconception.name]
    first = verdict.failed[0]
    assert len(given.texts) == TIERS
    assert first.title in given.texts[0]
    assert misconception.hint in given.texts[1]
    heading = exercise_text(STUB, verdict.id).heading
    assert heading in given.texts[2]
    assert first.message.split("\n")[0] in given.texts[2]


@pytest.mark.parametrize("misconception", MISCONCEPTIONS, ids=lambda m: m.name)
def test_no_hint_tells_a_number_that_the_card_does_not(told, misconception):
    verdict, given = told[misconception.name]
    card = " ".join(
        str(part) for c in verdict.checks for part in (c.title, c.message, c.hint, c.misconception)
    )
    card += exercise_text(STUB, verdict.id).heading + " 0 1 2 3"  # what one is told to try oneself
    numbers = set(re.findall(r"\d[\d.]*\d|\d", " ".join(given.texts)))
    assert numbers <= set(re.findall(r"\d[\d.]*\d|\d", card))


@pytest.mark.parametrize("misconception", MISCONCEPTIONS, ids=lambda m: m.name)
def test_no_hint_spells_the_code(told, misconception):
    """No line of the reference, and no NumPy call besides those that the card names."""
    verdict, given = told[misconception.name]
    text = " ".join(given.texts)
    own = [
        line.strip()
        for line in answer(verdict.id).splitlines()
        if len(line.strip()) > 12 and "def " not in line
    ]
    assert not [line for line in own if line in text]
    assert "np." not in text


# --- what a check found, as those say it who find it ---


def found(assertion, *args):
    with pytest.raises(assertions.CheckFailed) as caught:
        assertion(*args)
    return caught.value.cause


def raised(source):
    namespace = {"np": np}
    exec(source, namespace)
    return call(namespace, "softmax", (np.ones((4, 3)),), {})["cause"]


ONES = np.ones((4, 3))
SPIKE = ONES + np.eye(4, 3) * [1, 0, 0]
FOUND = {
    "nothing": (found(assertions.assert_close, None, ONES), "returns None"),
    "a text": (found(assertions.numbers, "a", "the result"), "has the wrong type"),
    "an array for a number": (found(assertions.assert_scalar, ONES, 1.0), "has the wrong type"),
    "one part for two": (found(assertions.assert_parts, 1.0, ["a", "b"]), "has the wrong type"),
    "a ragged list": (found(assertions.numbers, [[1], [1, 2]], "the result"), "has the wrong type"),
    "a function": (raised("def softmax(z): return print"), "has the wrong type"),
    "a shape": (found(assertions.assert_shape, ONES, (3, 4)), "the shape is wrong"),
    "nan": (found(assertions.assert_finite, ONES * np.nan), "inf or nan"),
    "every entry": (found(assertions.assert_close, 2 * ONES, ONES), "Every entry is wrong"),
    "few entries": (found(assertions.assert_close, SPIKE, ONES), "Most entries are right"),
    "one number": (found(assertions.assert_scalar, 2.0, 1.0), "One number is wrong"),
    "a bound": (
        found(assertions.assert_at_most, 2.0, 1.0, "the error"),
        "the wrong side of its threshold",
    ),
    "a changed argument": (
        {"kind": "changed", "arguments": ["z"]},
        "changes something that the caller still needs",
    ),
    "a name": (raised("def softmax(z): return zz"), "does not know a name"),
    "an index": (raised("def softmax(z): return z[9]"), "that does not exist"),
    "a product": (raised("def softmax(z): return z @ z"), "its shape and what each axis counts"),
    "no end": (raised("def softmax(z): return softmax(z)"), "calls itself without end"),
    "a stub below": (
        raised("def relu(z): raise NotImplementedError\ndef softmax(z): return relu(z)"),
        "Write that function first",
    ),
    "an own error": (raised("def softmax(z): raise Exception('no')"), "in a cell of your own"),
    "time": ({"kind": "timeout", "seconds": 10.0}, "took too long"),
    "an exit": ({"kind": "crashed"}, "ends the whole process"),
    "a broken cell": (
        {"kind": "cell", "function": "softmax", "cell": "cell 3", "error": "NameError"},
        "that cell alone",
    ),
}


@pytest.mark.parametrize(("cause", "words"), FOUND.values(), ids=FOUND)
def test_each_way_to_fail_has_advice_of_its_own(cause, words):
    assert re.search(words, hints(failing("it is 2", cause=cause), {}, WHERE).texts[0])


@pytest.mark.parametrize(
    "text",
    [
        "f raised ValueError: f is not written yet",
        "there is no function f in the notebook",
        "stopped: the exercise used up its 10 seconds",
        "p has shape (3,), expected (3, 4)",
    ],
)
def test_no_words_of_a_message_are_taken_for_its_cause(text):
    assert f"It found this: {text}." in hints(failing(text), {}, WHERE).texts[0]


def differ(wrong, of):
    return {"kind": "values", "wrong": wrong, "of": of, "error": 1.0}


KINDS = [
    ("convergence", calling(("X", [9, 2])), found(assertions.assert_at_least, 0.2, 0.9, "accuracy"), "Follow the loss"),
    ("value", calling(("X", [9, 2]), ("steps", 4)), differ(3, 3), "single step"),
    ("value", calling(("X", [9, 2]), ("epochs", [4])), differ(3, 3), "Every entry"),
    ("gradient", calling(("dy", [2, 2])), differ(1, 1), "you can measure a gradient"),
    ("gradient", calling(("x", [2, 2])), differ(1, 1), "you can measure a gradient"),
    ("speed", calling(("x", [900, 9])), None, "the time that a call takes"),
    ("value", calling(("T", 2), ("D", 4)), differ(8, 8), "one position"),
    ("value", None, differ(1, 1), "One number is wrong"),
    ("value", calling(("p", {"W": [3, 2]})), differ(6, 6), "Every entry"),
    ("value", Z, differ(2, 12), "Most entries are right"),
    ("value", Z, differ(6, 12), "Some entries are right"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "call", "cause", "words"), KINDS)
def test_advice_fits_the_kind_of_check(kind, call, cause, words):
    assert words in advice(kind, call, cause, False).look


@pytest.mark.parametrize(
    ("name", "words"),
    [("dy", "upstream gradient"), ("d_out", "upstream gradient"), ("x", "make it smaller")],
)
def test_a_backward_is_worked_out_from_a_single_1_above(name, words):
    call = calling((name, [9, 9]))
    assert words in by_hand(advice("gradient", call, differ(1, 2), False), call)


@pytest.mark.parametrize("cause", [None, {"kind": "unusable", "error": "TypeError"}])
def test_a_cause_without_advice_has_none(cause):
    assert advice("value", Z, cause, False) is None


def test_what_a_check_says_in_words_of_its_own_is_asked_back():
    text = hints(failing("the rows sum to 2, expected 1"), {}, WHERE).texts[0]
    assert "It found this: the rows sum to 2, expected 1. What did it expect" in text


def test_at_the_edge_the_formula_is_said_to_be_right():
    ordinary = Check("test_b", "value", "Ordinary scores", True)
    edge = failing("p[0] is 1", kind="robustness", cause=differ(2, 2), beside=[ordinary])
    text = hints(edge, {}, WHERE).texts[0]
    assert "the formula is right" in text
    assert "Every entry" not in text


# --- which check that passes narrows it down ---

PASSING = [Check(f"test_{name}", "value", f"Sentence {name}", True) for name in "bcd"]


def test_the_check_that_rules_out_most_is_put_beside_the_one_that_fails():
    misconceptions = {
        "test_a": {"m", "n", "o"},
        "test_b": {"m"},
        "test_c": {"m", "n"},
        "test_d": {"x"},
    }
    text = hints(failing("it is 2", beside=PASSING), misconceptions, WHERE).texts[1]
    assert "“Sentence c”" in text
    assert "ruled out" in text


def test_a_check_that_rules_out_nothing_is_not_named():
    text = hints(
        failing("it is 2", beside=PASSING), {"test_a": {"m"}, "test_b": {"x"}}, WHERE
    ).texts[1]
    assert "Sentence" not in text
    assert "start at the beginning" in text


def test_a_hint_of_the_check_itself_comes_before_what_narrows_it_down():
    check = Check(
        "test_a",
        "value",
        "Rows sum to one",
        False,
        1,
        "f(x)\nit is 2",
        hint="Which axis is it?",
        call=Z,
    )
    text = hints(Exercise("softmax", 0.0, 2.0, "failed", [check]), {}, WHERE).texts[1]
    assert text.startswith("Which axis is it? The checks that pass")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (calling(("n", 9), ("kernel", 30)), "small enough for paper"),
        (calling(("x", [2, 3]), ("b", [3])), "small enough for paper"),
        (calling(("x", [40, 2])), "make it smaller"),
        (calling(("x", [1]), ("p", {"W": [40, 2]})), "make it smaller"),
    ],
)
def test_a_call_that_fits_on_paper_need_not_be_cut_down(made, words):
    text = hints(failing("it is 2", call="softmax(a call)", made=made), {}, WHERE).texts[2]
    assert "the check's call, softmax(a call), " in text
    assert words in text


def test_a_report_of_before_there_were_calls_in_it_has_hints_all_the_same():
    old = hints(failing("it is 2", made=None), {}, WHERE).texts
    assert "It found this: softmax(z (4, 3)) it is 2. What did it expect" in old[0]
    assert "Take a call like the check's, " in old[2]


def test_cases_of_one_check_are_told_apart_by_their_names():
    checks = [
        Check("test_s[vector]", "value", "Any shape", True),
        Check("test_s[number]", "value", "Any shape", False),
    ]
    verdict = Exercise("softmax", 1.0, 2.0, "partial", checks)
    text = hints(verdict, {"test_s[vector]": {"m"}, "test_s[number]": {"m"}}, WHERE).texts[1]
    assert "passes for “vector” and fails for “number”" in text


# --- where nothing is written, and where nothing is wrong ---


def test_a_stub_gets_a_way_to_begin():
    namespace = {}
    exec("def softmax(z): raise NotImplementedError", namespace)
    texts = given_for(
        grade_namespace(public_answers(), namespace, ["softmax"]).exercise("softmax")
    ).texts
    assert len(texts) == TIERS
    assert "docstring" in texts[0]
    assert "paper" in texts[1]
    assert "3.1 Softmax" in texts[2]


def test_a_function_that_is_not_there_is_asked_for():
    assert "since the kernel was started" in given_for(judged("softmax", softmax=None)).texts[0]


def test_nothing_is_hinted_at_where_nothing_fails():
    assert given_for(judged("softmax")).texts == ()


# --- where it is derived ---


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_every_exercise_of_the_course_has_a_signpost_with_an_example(topic_id):
    topic = COURSE.topic(topic_id)
    released = notebook.read(COURSE.release(topic_id) / f"{topic.name}.ipynb")
    for spec in topic.exercises:
        found = exercise_text(released, spec.id)
        assert found is not None
        assert found.example
        assert re.match(r"\d\.\d ", found.heading)


def test_the_way_is_told_by_what_is_there():
    assert (
        "“3.1 Softmax” again, starting at “By hand”, and answer the questions at its end"
        in hints(failing("it is 2"), {}, WHERE).texts[2]
    )
    assert (
        "“3.1 Softmax” again. Take"
        in hints(failing("it is 2"), {}, ExerciseText("3.1 Softmax")).texts[2]
    )
    assert "above the answer cell of softmax" in hints(failing("it is 2"), {}, None).texts[2]


def test_a_notebook_without_that_cell_or_any_text_has_no_signpost(tmp_path):
    bare = solved()
    bare["cells"] = [cell(bare, "answer-softmax")]
    assert exercise_text(notebook.read(written(bare, tmp_path)), "softmax") is None
    assert exercise_text(notebook.read(written(bare, tmp_path)), "relu") is None


checks = st.builds(
    Check,
    st.text(),
    st.sampled_from(["value", "shape", "gradient", "convergence", "robustness", "speed"]),
    st.text(),
    st.booleans(),
    st.just(1),
    *[st.none() | st.text()] * 3,
    call=st.none() | st.just(Z),
    cause=st.none() | every,
)


@given(st.lists(checks, max_size=5))
def test_every_verdict_has_three_hints_or_none(found):
    given = hints(Exercise("softmax", 0.0, 2.0, "failed", found), {}, WHERE)
    assert len(given.texts) == (0 if all(c.passed for c in found) else TIERS)
    assert all(given.texts)
