"""Compare a backward, and where it differs find out whether the forward is what is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.testing.assertions import CheckFailed, assert_close, relative_error

EPS = 1e-5
# looser than a verdict: the student's forward may compute in float32, and this is a hint only
AGREES = 1e-4
OWN_FORWARD = "Your backward is right for your own forward: look at the forward."


def assert_gradient(
    actual: object,
    expected: object,
    name: str,
    forward: Callable[[np.ndarray], Any],
    x: np.ndarray,
    upstream: np.ndarray,
) -> None:
    """`actual` is the expected gradient of sum(upstream * forward(x)); `forward` is the student's
    own.

    If it is not, but agrees with central differences of that forward, the message says so.
    """
    try:
        assert_close(actual, expected, name)
    except CheckFailed as failure:
        if _fits(actual, forward, x, upstream):
            failure.hint = OWN_FORWARD
        raise


def _fits(
    actual: object, forward: Callable[[np.ndarray], Any], x: np.ndarray, upstream: np.ndarray
) -> bool:
    try:
        measured = _differences(forward, x, upstream)
        a = np.asarray(actual, float)
        return a.shape == measured.shape and relative_error(a, measured) <= AGREES
    except Exception:  # a forward that fails here has checks of its own
        return False


def _differences(
    forward: Callable[[np.ndarray], Any], x: np.ndarray, upstream: np.ndarray
) -> np.ndarray:
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = EPS
        rise = np.asarray(forward(x + step), float) - np.asarray(forward(x - step), float)
        gradient[index] = np.sum(upstream * rise) / (2 * EPS)
    return gradient
