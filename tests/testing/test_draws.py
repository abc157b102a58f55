"""The generator of the checks: RandomState's numbers, rounded alike everywhere."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.testing.draws import Draws, log

SIZES = [None, 1, 3, (4, 3), 0, (2, 0, 3), 1001, (100, 7)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_numbers_and_stream_are_those_of_random_state(size):
    ours, theirs = Draws(5), np.random.RandomState(5)
    for _ in range(3):  # an odd number of normal numbers leaves one for the next call
        np.testing.assert_allclose(ours.normal(0, 2, size), theirs.normal(0, 2, size), rtol=1e-13)
        np.testing.assert_array_equal(ours.uniform(-2, 3, size), theirs.uniform(-2, 3, size))
        np.testing.assert_allclose(
            ours.standard_normal(size), theirs.standard_normal(size), rtol=1e-13
        )
        np.testing.assert_array_equal(ours.permutation(9), theirs.permutation(9))
        np.testing.assert_allclose(ours.randn(2, 3), theirs.randn(2, 3), rtol=1e-13)


def test_scales_and_bounds_may_be_arrays():
    ours, theirs, scale = Draws(5), np.random.RandomState(5), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(ours.normal(0, scale), theirs.normal(0, scale), rtol=1e-13)
    np.testing.assert_array_equal(ours.uniform(-scale, scale), theirs.uniform(-scale, scale))


def test_a_seed_begins_anew():
    rng = Draws(1)
    first = rng.normal()
    rng.seed(1)
    assert rng.normal() == first


def exact_log(x):
    """The logarithm of a number, by fractions, to 40 digits."""
    m, e = math.frexp(x)
    s = (Fraction(m) - 1) / (Fraction(m) + 1)
    ln2 = 2 * sum(Fraction(1, (2 * k + 1) * 3 ** (2 * k + 1)) for k in range(50))
    return 2 * sum(s ** (2 * k + 1) / (2 * k + 1) for k in range(50)) + e * ln2


@given(st.floats(1e-300, 1.0))
def test_the_logarithm_is_right_to_a_few_last_bits(x):
    ours, exact = Fraction(float(log(np.array([x]))[0])), exact_log(x)
    assert abs(ours - exact) <= abs(exact) * Fraction(1, 2**50)


@given(st.lists(st.floats(1e-300, 1.0), min_size=1, max_size=20))
def test_each_number_is_rounded_alone_whatever_stands_beside_it(numbers):
    """Vector units take several at once, and the rest one by one: both round alike."""
    together = log(np.array(numbers))
    assert together.tolist() == [log(np.array([x]))[0] for x in numbers]
