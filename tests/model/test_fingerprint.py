"""A fingerprint is the same for the same value, however it was rounded, and for no other."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.model.fingerprint import of_error, of_value, same

shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=6)
ordinary = st.one_of(st.floats(1e-3, 1e6), st.floats(-1e6, -1e-3))
arrays = hnp.arrays(float, shapes, elements=ordinary)
numbers = st.floats() | st.integers(-(2**63), 2**64 - 1) | st.booleans()
values = st.recursive(
    numbers | st.none() | st.text(max_size=4) | hnp.arrays(float, shapes),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=6,
)


def alike(a, b):
    return same(of_value(a), of_value(b))


@given(arrays)
def test_it_is_the_same_in_single_precision(value):
    assert alike(value, value.astype(np.float32))


@given(hnp.arrays(float, (7, 30), elements=st.floats(-100, 100)))
@example(np.full((7, 30), 0.1))
def test_it_is_the_same_when_the_sums_behind_it_ran_in_another_order(terms):
    assume(np.linalg.norm(terms.sum(axis=1)) > 1e-3)
    assert alike(terms.sum(axis=1), np.array([sum(row[::-1]) for row in terms]))


@given(arrays)
def test_it_is_the_same_however_the_array_is_laid_out(value):
    assert alike(value, value.copy(order="F"))
    assert alike(value, np.repeat(value[..., None], 2, axis=-1)[..., 0])
    assert alike((value.reshape(1, -1), 1.0), [value.reshape(1, -1), 1])


@pytest.mark.parametrize("number", [float, np.float64, np.float32, np.array])
def test_it_is_the_same_whatever_kind_of_number_a_tuple_holds(number):
    assert alike((1.5, 2.5), (number(1.5), number(2.5)))


@given(arrays, st.data(), st.floats(1e-3, 10))
def test_it_differs_when_one_entry_differs(value, data, by):
    other = value.copy()
    other.ravel()[data.draw(st.integers(0, value.size - 1))] += by * np.linalg.norm(value)
    assert not alike(value, other)


@given(arrays, st.sampled_from([-1, 0.5, 1.01, 1000]))
def test_it_differs_when_all_entries_differ(value, factor):
    assert not alike(value, value * factor)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6, 1e150, 1e200, 1e300])
def test_it_differs_for_other_values_of_every_size(scale):
    with np.errstate(all="ignore"):
        assert not alike(np.array([1.0, 2.0]) * scale, np.array([3.0, -1.0]) * scale)


@pytest.mark.parametrize("scale", [1e200, 1.7e308])
def test_values_at_the_end_of_the_range_are_marked_in_silence(scale):
    assert alike(np.array([scale, scale]), np.array([scale, scale]))


PAIRS = {
    "shapes that broadcast": (np.ones((3, 1)), np.ones((1, 3))),
    "a vector and a row": (np.ones(3), np.ones((1, 3))),
    "sizes": (np.ones(3), np.ones(4)),
    "the order of entries": (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
    "the order of parts": ((np.ones(2), np.zeros(3)), (np.zeros(3), np.ones(2))),
    "one part and two": (np.ones(2), (np.ones(2), np.ones(2))),
    "the keys": ({"dW": np.ones(2)}, {"db": np.ones(2)}),
    "a place of NaN": (np.array([np.nan, 1.0]), np.array([1.0, np.nan])),
    "NaN and infinity": (np.array([np.nan, 1.0]), np.array([np.inf, 1.0])),
    "the sign of infinity": (np.array([np.inf, 1.0]), np.array([-np.inf, 1.0])),
    "NaN and zero": (np.array([np.nan, 1.0]), np.array([0.0, 1.0])),
    "what stands beside NaN": (np.array([np.nan, 1.0]), np.array([np.nan, 2.0])),
    "a number and a text": (3.0, "abc"),
}


@pytest.mark.parametrize(("a", "b"), PAIRS.values(), ids=PAIRS)
def test_it_tells_apart(a, b):
    assert not alike(a, b)
    assert not alike(b, a)


@pytest.mark.parametrize(
    "value", [np.array([np.nan, 1.0]), np.array([[np.inf, -np.inf]]), np.nan, (np.nan, [1, np.inf])]
)
def test_the_same_pattern_of_what_is_not_finite_is_the_same(value):
    assert alike(value, value)


def test_an_order_of_keys_does_not_matter():
    assert alike({"a": 1.0, "b": np.ones(2)}, {"b": np.ones(2), "a": 1.0})


def test_errors_are_the_same_by_their_kind():
    assert same(of_error("IndexError"), of_error("IndexError"))
    assert not same(of_error("IndexError"), of_error("KeyError"))
    assert not same(of_error("abc"), of_value("abc"))


def test_nothing_has_no_fingerprint():
    assert of_value(None) is None


def test_nothing_of_the_value_is_kept():
    kept = of_value(np.array([0.123456789, 42.0]))
    assert set(kept) == {"kind", "outline", "scale", "marks", "norm"}
    assert not {0.123456789, 42.0} & set(kept["marks"])


@given(values)
def test_every_plain_value_has_a_fingerprint_or_none_and_equals_its_own(value):
    with np.errstate(all="ignore"):
        mark = of_value(value)
    assert mark is None or same(mark, mark)


@pytest.mark.parametrize("value", [np.array([1 + 2j]), 1j, (1j, np.ones(2))])
def test_complex_numbers_are_taken_in_silence(value):
    of_value(value)
