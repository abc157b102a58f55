"""A backward that is wrong only because the forward is, is told so."""

import numpy as np
import pytest

from autograder.compare import CheckFailed
from autograder.gradients import OWN_FORWARD, assert_gradient

X = np.array([0.3, -1.2, 2.0])
DY = np.array([1.0, -2.0, 0.5])
EXPECTED = DY * 2 * X  # of x squared


def hint(actual, forward):
    with pytest.raises(CheckFailed) as failure:
        assert_gradient(actual, EXPECTED, "dx", forward, X, DY)
    return failure.value.hint


def test_a_right_gradient_passes_whatever_the_forward_does():
    assert_gradient(EXPECTED, EXPECTED, "dx", lambda x: x, X, DY)


def test_a_backward_that_fits_its_own_wrong_forward_points_at_the_forward():
    assert hint(DY * 3 * X**2, lambda x: x**3) == OWN_FORWARD


@pytest.mark.parametrize("forward", [lambda x: x**2, lambda x: x**3, lambda x: None, lambda x: 1 / 0], ids=str)
def test_a_backward_that_fits_no_forward_does_not(forward):
    assert hint(DY * X, forward) is None
