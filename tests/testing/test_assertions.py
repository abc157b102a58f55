"""What a check asserts with: type, then shape, then finiteness, then values, and a message that
helps.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.testing import assertions
from autograder.testing.assertions import (
    CheckFailed,
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    fail,
    numbers,
)

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=5)
ordinary = st.one_of(st.floats(1e-3, 1e6), st.floats(-1e6, -1e-3))
arrays = hnp.arrays(float, shapes, elements=ordinary)


def message(assertion, *args, **kwargs):
    """The sentence that an assertion fails with."""
    with pytest.raises(CheckFailed) as caught:
        assertion(*args, **kwargs)
    assert str(caught.value) == caught.value.message
    return caught.value.message


# --- the ladder ---

LADDER = {
    "a missing return before all else": (None, "the result is None; is a return missing?"),
    "type before shape": (
        np.array([1 + 1j]),
        "the result is an array of dtype complex128, expected an array of real",
    ),
    "shape before finiteness": (
        np.array([np.nan, 0, 0]),
        "the result has shape (3,), expected (2,)",
    ),
    "finiteness before values": (
        np.array([5.0, np.nan]),
        "result[1] is nan, expected a finite number",
    ),
    "values at last": (np.array([1.0, 3.0]), "result[1] is 3, expected 2"),
}


@pytest.mark.parametrize(("actual", "words"), LADDER.values(), ids=LADDER)
def test_the_first_thing_wrong_is_the_one_that_is_told(actual, words):
    assert message(assert_close, actual, [1.0, 2.0]).startswith(words)


TYPES = {
    "text": ("abc", "x is a str, expected an array of real numbers"),
    "a dict": ({"a": 1}, "x is a dict, expected an array of real numbers"),
    "a list of text": (["a"], "x is a list, expected an array of real numbers"),
    "a list with None": ([1.0, None], "x is a list, expected an array of real numbers"),
    "a complex number": (1j, "x is a complex, expected an array of real numbers"),
    "an array of text": (
        np.array(["a"]),
        "x is an array of dtype <U1, expected an array of real numbers",
    ),
    "rows that differ": ([[1], [1, 2]], "x is a nested list whose rows differ in length"),
    "parts that differ": (
        (np.ones((2, 3)), np.ones((2, 4))),
        "x is a nested list whose rows differ in length",
    ),
}


@pytest.mark.parametrize(("actual", "words"), TYPES.values(), ids=TYPES)
def test_what_is_no_array_of_numbers_is_named(actual, words):
    assert message(numbers, actual, "x") == words


# --- what is right ---


@given(arrays)
def test_the_right_answer_is_right_in_single_precision_too(e):
    assert_close(e.astype(np.float32), e)


@given(arrays, st.sampled_from([1e-3, -1e-3]))
def test_an_answer_off_by_a_thousandth_is_wrong(e, by):
    message(assert_close, e * (1 + by), e)


@given(hnp.arrays(float, shapes, elements=st.floats(-1e9, 1e9)))
def test_an_answer_is_close_to_itself_and_its_zeros_do_no_harm(e):
    assert_close(e, e)
    assert_close(e + 0.0, e)


LAYOUTS = {
    "a list": lambda e: e.tolist(),
    "a tuple of rows": lambda e: tuple(e),
    "Fortran order": np.asfortranarray,
    "a view": lambda e: np.repeat(e, 2, axis=1)[:, ::2],
    "big endian": lambda e: e.astype(">f8"),
    "a long double": lambda e: e.astype(np.longdouble),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_right_answer_is_right_however_it_is_held(layout):
    e = np.arange(6.0).reshape(2, 3) / 7
    assert_close(layout(e), e)


@pytest.mark.parametrize("actual", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), np.array(2)])
def test_one_number_is_right_in_every_form(actual):
    assert_close(actual, 2.0)
    assert_scalar(actual, 2.0)


def test_an_empty_answer_to_an_empty_question_is_right():
    assert_close(np.zeros((0, 3)), np.zeros((0, 3)))


@pytest.mark.parametrize("scale", [1e-3, 1e150, 1e160, 1e300])
def test_rounding_is_forgiven_at_every_size(scale):
    with np.errstate(all="ignore"):
        assert_close(np.array([scale * (1 + 1e-12), 1.0]), np.array([scale, 1.0]))


@pytest.mark.parametrize("scale", [1e-3, 1e150, 1e155, 1e300])
def test_a_wrong_value_is_wrong_at_every_size(scale):
    with np.errstate(all="ignore"):
        message(assert_close, np.array([scale * 1.09, 1.0]), np.array([scale, 1.0]))


def test_numbers_of_opposite_sign_at_the_end_of_the_range_are_told_apart_in_silence():
    message(assert_close, np.array([1.7e308]), np.array([-1.7e308]))


# --- what is wrong ---


@given(arrays, st.data(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_an_entry_that_is_not_finite_never_passes(e, data, odd):
    a = e.copy()
    a.ravel()[data.draw(st.integers(0, e.size - 1))] = odd
    message(assert_close, a, e)
    message(assert_close, a, a)
    with np.errstate(invalid="ignore"):
        message(assert_close, e, a)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ((5, 1), (5,)),
        ((1, 5), (5,)),
        ((1,), ()),
        ((), (1,)),
        ((2, 1), (2, 3)),
        ((3,), (2, 3)),
        ((3, 2), (2, 3)),
        ((0,), (1,)),
    ],
)
def test_a_shape_that_would_broadcast_is_wrong(actual, expected):
    told = message(assert_close, np.ones(actual), np.ones(expected), "dW")
    assert told == f"dW has shape {actual}, expected {expected}"


def test_the_message_names_the_worst_entry_how_many_differ_and_by_how_much():
    e = np.full((2, 3), 2.0)
    a = e.copy()
    a[0, 1], a[1, 2] = 2.5, 5.0
    error = np.sqrt(0.25 + 9) / (np.linalg.norm(a) + np.linalg.norm(e))
    told = message(assert_close, a, e, "dL/dW")
    assert (
        told == f"dL/dW[1, 2] is 5, expected 2 (2 of 6 entries differ, relative error {error:.2g})"
    )


def test_the_message_about_a_single_number_has_no_index():
    assert (
        message(assert_close, 3.0, 2.0, "the loss")
        == "the loss is 3, expected 2 (relative error 0.2)"
    )


def test_the_message_about_infinities_names_the_first():
    told = message(assert_finite, np.array([[1.0, np.inf], [np.nan, 1.0]]), "p")
    assert told == "p[0, 1] is inf, expected a finite number"


@pytest.mark.parametrize(
    ("assertion", "words"), [(assert_at_least, "at least 0.9"), (assert_at_most, "at most 0.9")]
)
def test_a_line_is_reached_or_told(assertion, words):
    assertion(0.9, 0.9, "the accuracy")
    beyond = 0.85 if assertion is assert_at_least else 0.95
    assert (
        message(assertion, beyond, 0.9, "the accuracy")
        == f"the accuracy is {beyond}, expected {words}"
    )
    message(assertion, float("nan"), 0.9, "the accuracy")


def test_how_far_a_line_was_from_what_was_measured_is_kept_for_the_audit():
    token = assertions.margins.set([])
    try:
        assert_at_least(0.95, 0.9, "a")
        assert_at_most(0.5, 0.9, "b")
        assert assertions.margins.get() == pytest.approx([0.05, 0.4])
    finally:
        assertions.margins.reset(token)


def test_a_tolerance_of_ones_own_is_kept():
    assert_close(1.01, 1.0, tolerance=0.1)
    message(assert_close, 1.000_001, 1.0, tolerance=1e-9)


def test_a_failure_carries_what_was_seen_and_a_hint():
    with pytest.raises(CheckFailed) as caught:
        fail("wrong", saw=[1], hint="look there")
    assert (caught.value.message, caught.value.saw, caught.value.hint) == (
        "wrong",
        [1],
        "look there",
    )


@pytest.mark.parametrize("bad", [[1.0, 5.0], [np.nan, 0.0], [0.0]])
def test_a_failed_comparison_carries_the_value_it_judged(bad):
    with pytest.raises(CheckFailed) as caught:
        assert_close(bad, [1.0, 2.0])
    np.testing.assert_array_equal(caught.value.saw, bad)


# --- the other assertions ---


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        (np.ones(1), "the loss is an array of shape (1,), expected one number"),
        (np.ones((2, 2)), "the loss is an array of shape (2, 2), expected one number"),
        ([1.0], "the loss is a list, expected one number"),
        ((1.0,), "the loss is a tuple, expected one number"),
        ({}, "the loss is a dict, expected one number"),
        ("1.0", "the loss is a str, expected one number"),
        (None, "the loss is None; is a return missing?"),
        (float("nan"), "the loss is nan, expected a finite number"),
    ],
)
def test_a_loss_is_one_number(actual, words):
    assert message(assert_scalar, actual, 1.0) == words


@pytest.mark.parametrize("parts", [(1, 2), [1, 2], (np.ones(2), None)])
def test_parts_are_returned_as_they_are(parts):
    assert assert_parts(parts, ["dx", "dW"]) == list(parts)


@pytest.mark.parametrize(
    ("actual", "words"),
    [
        ((1,), "the result has 1 values, expected 2 values (dx, dW)"),
        ((1, 2, 3), "the result has 3 values, expected 2 values (dx, dW)"),
        ({"dx": 1, "dW": 2}, "the result is a dict, expected 2 values (dx, dW)"),
        (None, "the result is a NoneType, expected 2 values (dx, dW)"),
        (1.0, "the result is a float, expected 2 values (dx, dW)"),
    ],
)
def test_parts_that_are_not_there_are_named(actual, words):
    assert message(assert_parts, actual, ["dx", "dW"]) == words


def test_an_array_is_not_taken_for_its_rows():
    assert "ndarray" in message(assert_parts, np.ones((2, 2)), ["dx", "dW"])


@pytest.mark.parametrize("truth", [True, 1, np.True_, "yes"])
def test_what_is_expected_and_found_passes(truth):
    expect(truth, "never read")


@pytest.mark.parametrize("falsehood", [False, 0, np.False_, None, ""])
def test_what_is_expected_and_not_found_fails_with_its_words(falsehood):
    with pytest.raises(CheckFailed, match="rows sum to 2, expected 1") as caught:
        expect(falsehood, "rows sum to 2, expected 1", saw=2, hint="which axis?")
    assert (caught.value.saw, caught.value.hint) == (2, "which axis?")


@pytest.mark.parametrize("actual", [[True, False], np.array([1, 2], np.uint8), np.float16(0.5), 3])
def test_numbers_come_back_as_floats(actual):
    assert numbers(actual, "x").dtype == float
    np.testing.assert_array_equal(numbers(actual, "x"), np.asarray(actual, float))


def test_a_shape_may_be_asked_for_as_a_list():
    assert assert_shape([[1, 2]], [1, 2]).shape == (1, 2)


@given(arrays, arrays)
def test_the_relative_error_lies_between_nothing_and_one(a, b):
    if a.shape == b.shape:
        assert 0 <= assertions.relative_error(a, b) <= 1
        assert assertions.relative_error(a, b) == assertions.relative_error(b, a)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(2**63), 2**64 - 1)
    | st.complex_numbers()
    | st.text()
    | arrays,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(anything)
def test_no_value_of_a_students_makes_anything_but_a_sentence(value):
    with pytest.raises(CheckFailed):
        assert_close(value, np.full((7, 2), 0.123))


def test_one_entry_that_differs_is_told_as_one():
    assert "1 of 3 entries differs," in message(
        assert_close, np.array([1.0, 2.0, 4.0]), [1.0, 2.0, 3.0]
    )


def test_an_entry_of_a_sum_is_an_entry_of_the_whole_sum():
    assert message(assert_close, np.zeros(2), [0.0, 1.0], "f(z) + f(-z)").startswith(
        "(f(z) + f(-z))[1] is 0"
    )


# --- what is drawn beside the sentence ---


def drawn(assertion, *args, **kwargs):
    """The picture that an assertion fails with, in a check of its own."""
    assertions.progress.set(None)
    with pytest.raises(CheckFailed) as caught:
        assertion(*args, **kwargs)
    return caught.value.picture


def test_where_values_differ_is_drawn_and_what_they_are_is_not():
    e = np.arange(12.0).reshape(3, 4)
    a = e.copy()
    a[1] = 12345.678
    picture = drawn(assert_close, a, e)
    assert picture == {
        "type": "where",
        "what": "differ",
        "shape": [3, 4],
        "sheets": [["0000", "9999", "0000"]],
    }


def test_where_values_are_not_finite_is_drawn():
    assert drawn(assert_finite, np.array([1, np.nan, 2, 3]))["sheets"] == [["0900"]]


def test_a_wrong_shape_is_drawn_beside_the_right_one():
    assert drawn(assert_shape, np.ones((4, 1)), (4,)) == {
        "type": "shapes",
        "actual": [4, 1],
        "expected": [4],
    }


@pytest.mark.parametrize(
    ("assertion", "side"), [(assert_at_least, "least"), (assert_at_most, "most")]
)
def test_a_measured_quantity_is_drawn_beside_its_line(assertion, side):
    value, threshold = (0.25, 0.92) if side == "least" else (0.92, 0.25)
    made = {
        "type": "measured",
        "name": "the share",
        "value": value,
        "line": threshold,
        "side": side,
    }
    assert drawn(assertion, value, threshold, "the share") == made


def test_a_curve_among_the_parts_is_drawn_and_decides_nothing():
    parts = ["w", "mistakes"]

    def check(mistakes):
        assert_parts((1.0, mistakes), parts)
        expect(False, "the line is elsewhere")

    assert drawn(check, [9, 5, 2, 1])["type"] == "curve"
    assert drawn(check, "none") is None
    assertions.progress.set(None)
    assert assert_parts((1.0, [9, 5, 2, 1]), parts) == [1.0, [9, 5, 2, 1]]


@pytest.mark.parametrize("value", [np.zeros((2, 2)), 3.0, np.array([1.0, 3.0])])
def test_what_is_wrong_all_over_or_small_needs_no_picture(value):
    assert drawn(assert_close, value, np.ones(np.shape(value))) is None


def test_of_entries_that_are_equally_far_off_the_first_is_named_whatever_the_last_bits_say():
    expected = np.linspace(1, 2, 12).reshape(3, 4)
    for seed in range(20):
        bits = np.random.RandomState(seed).randint(-2, 3, size=(3, 4)) * 2.0**-52
        with pytest.raises(CheckFailed, match=r"result\[0, 0\] is 1\.5"):
            assert_close((expected + 0.5) * (1 + bits), expected)
