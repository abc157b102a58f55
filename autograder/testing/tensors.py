"""Dicts of named arrays, parameters or gradients, and what the checks of several topics say of
them.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.model import cause as causes
from autograder.testing.assertions import (
    TOLERANCE,
    CheckFailed,
    assert_close,
    assert_finite,
    assert_shape,
    differing,
    fail,
    relative_error,
)
from autograder.testing.student import Student

Array = NDArray[np.float64]


def assert_tensors(
    actual: object, expected: Mapping[str, Any], name: str = "the gradients"
) -> dict[str, Array]:
    """A dict with just these keys, each array of the expected shape and finite; return its arrays
    of floats.
    """
    if not isinstance(actual, dict):
        fail(
            f"{name} should be a dict with the keys {', '.join(expected)}, not "
            f"{type(actual).__name__}",
            saw=actual,
        )
    missing, more = (
        [k for k in expected if k not in actual],
        [k for k in actual if k not in expected],
    )
    if missing or more:
        found = [f"lacks {', '.join(missing)}"] * bool(missing) + [
            f"has {', '.join(map(str, more))} too"
        ] * bool(more)
        fail(
            f"{name}: the dict {' and '.join(found)}; expected the keys {', '.join(expected)}",
            saw=actual,
        )
    try:
        return {
            k: assert_finite(assert_shape(actual[k], np.shape(e), f"{name}[{k!r}]"))
            for k, e in expected.items()
        }
    except CheckFailed as error:
        fail(error.message, saw=actual, cause=error.cause)


def assert_shapes(
    actual: object, shapes: Mapping[str, tuple[int, ...]], name: str = "the result"
) -> dict[str, Array]:
    """A dict with just these keys, each a finite array of its shape; return it as arrays of
    floats.
    """
    return assert_tensors(actual, {key: np.zeros(shape) for key, shape in shapes.items()}, name)


def assert_gradients(
    actual: object,
    expected: Mapping[str, Any],
    name: str = "the gradients",
    tolerance: float = TOLERANCE,
) -> None:
    """A dict of gradients is right, judged as one long vector; the message names the tensor that
    differs most.
    """
    a = assert_tensors(actual, expected, name)
    e = {key: np.asarray(value, float) for key, value in expected.items()}
    ours, theirs = (np.concatenate([part[key].ravel() for key in e]) for part in (a, e))
    error = relative_error(ours, theirs)
    if not error <= tolerance:  # written so that a NaN fails
        worst = max(e, key=lambda key: float(np.linalg.norm(a[key] - e[key])))
        off = [key for key in e if relative_error(a[key], e[key]) > tolerance]
        try:
            assert_close(a[worst], e[worst], f"{name}[{worst!r}]", tolerance)
        except CheckFailed as failure:
            message = f"{failure.message}; all wrong tensors: {', '.join(off)}"
            fail(message, saw=actual, cause=failure.cause)
        fail(
            f"{name} differ in {', '.join(off)} (relative error {error:.2g})",
            saw=actual,
            cause=causes.values(differing(ours, theirs, tolerance), error),
        )


def assert_linear(
    backward: Callable[[Array], Any], u: Array, v: Array, name: str = "the gradient"
) -> None:
    """backward(2u - 3v) is 2 backward(u) - 3 backward(v): a gradient is linear in what comes from
    above.
    """
    whole, *parts = (assert_finite(backward(w), name) for w in (2 * u - 3 * v, u, v))
    assert_close(
        whole,
        2 * parts[0] - 3 * parts[1],
        f"{name} for 2u − 3v, compared with 2·(for u) − 3·(for v)",
    )


def quietly(student: Student) -> Student:
    """The same student, for calls of which the message should not speak: it names the last call of
    the one asked.
    """
    return copy(student)


def along(forward: Callable[..., Any], inputs: Sequence[Any], i: int) -> Callable[[Array], Any]:
    """A function of several inputs as a function of the i-th alone, the others left as they are."""
    return lambda value: forward(*inputs[:i], value, *inputs[i + 1 :])
