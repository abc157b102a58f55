"""Dicts of named arrays: parameters or gradients, judged as one long vector."""

from collections.abc import Mapping

import numpy as np

from autograder.compare import (
    TOLERANCE,
    CheckFailed,
    assert_close,
    assert_finite,
    assert_shape,
    expect,
    fail,
    relative_error,
)


def assert_tensors(actual: object, expected: Mapping[str, np.ndarray], name: str = "the result") -> None:
    """A dict with these keys and shapes, whose arrays joined to one vector equal the expected ones.

    A tensor that is zero in theory cannot fail by rounding alone. The message names the one that is furthest off.
    """
    arrays = assert_keys_and_shapes(actual, {key: np.shape(e) for key, e in expected.items()}, name)
    gaps = {key: float(np.linalg.norm(arrays[key] - expected[key])) for key in expected}
    error = relative_error(_joined(arrays), _joined(expected))
    if not error <= TOLERANCE:  # written so that a NaN fails
        worst = max(gaps, key=lambda key: gaps[key])
        try:
            assert_close(arrays[worst], expected[worst], worst)
        except CheckFailed as failed:
            fail(failed.message, saw=arrays)
        fail(f"{worst} differs most (relative error of all tensors together {error:.2g})", saw=arrays)


def assert_keys_and_shapes(
    actual: object, shapes: Mapping[str, tuple[int, ...]], name: str = "the result"
) -> dict[str, np.ndarray]:
    """A dict with exactly these keys, each a finite array of its shape; return it as arrays of floats."""
    if not isinstance(actual, dict):
        fail(f"{name} is of type {type(actual).__name__}, expected a dict", saw=actual)
    wanted, got = sorted(shapes), sorted(actual, key=str)
    expect(got == wanted, f"{name} has the keys {', '.join(map(str, got))}, expected {', '.join(wanted)}", actual)
    return {key: assert_finite(assert_shape(actual[key], shape, key), key) for key, shape in shapes.items()}


def _joined(tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(tensors[key]) for key in sorted(tensors)])
