"""Print a learner's value beside the expected one."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Relative and absolute tolerance by the dtype of your value: a float32 answer is right too.
_TOLERANCE = {"float32": (1e-5, 1e-6), "float16": (1e-2, 1e-3)}
_FULL = (1e-6, 1e-9)


def beside(got: object, expected: object, name: str = "value") -> None:
    """Print your value beside the expected one, row by row, with a mark for each row.

    Both are numbers, lists or arrays of one shape. A row is an entry of an array with one axis, and
    a run along the last axis of any other.
    """
    right = np.asarray(expected)
    try:
        yours = np.asarray(got)
    except ValueError:  # parts of different shapes
        print(f"✗ {name}: yours is a {type(got).__name__} of unequal parts; {_wanted(right)}")
        return
    if yours.dtype.kind not in "biuf":
        kind = f"has type {yours.dtype}" if isinstance(got, np.ndarray) else f"is {_kind(got)}"
        print(f"✗ {name}: yours {kind}, shape {yours.shape}; {_wanted(right)}")
    elif yours.shape != right.shape:
        print(f"✗ {name}: yours has type {yours.dtype}, shape {yours.shape}; {_wanted(right)}")
    else:
        _print_rows(_rows(yours), _rows(right), name, _TOLERANCE.get(str(yours.dtype), _FULL))


def _wanted(right: NDArray[np.generic]) -> str:
    return f"expected shape {right.shape}"


def _kind(got: object) -> str:
    return "None" if got is None else f"a {type(got).__name__} that holds no numbers"


def _rows(values: NDArray[np.generic]) -> Array:
    """Values of any shape as rows of a table (rows, columns)."""
    flat = values.astype(np.float64) + 0.0  # which turns -0 into 0
    columns = values.shape[-1] if values.ndim > 1 else 1
    return flat.reshape(flat.size // max(columns, 1), columns)


def _print_rows(yours: Array, right: Array, name: str, tolerance: tuple[float, float]) -> None:
    rtol, atol = tolerance
    shown = [[" ".join(f"{v:.6g}" for v in row) for row in part] for part in (yours, right)]
    width = max([len(name) + 7, *map(len, shown[0])])
    print(f"  {name + ': yours':<{width}}   expected")
    for row, other, left, there in zip(yours, right, *shown):
        close = np.allclose(row, other, rtol=rtol, atol=atol)
        print(f"{'✓' if close else '✗'} {left:<{width}}   {there}")
