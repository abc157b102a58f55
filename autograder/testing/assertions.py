"""What a check asserts with. Type, then shape, then finiteness, then values, in that order.

The verdict rests on one number for the whole array, ‖a − e‖ / (‖a‖ + ‖e‖ + 1e-9), which neither a
zero entry nor float32 can upset; the message names the entry that is furthest off.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, NoReturn

import numpy as np

from autograder.model import cause as causes
from autograder.model import picture as pictures
from autograder.model.cause import Cause
from autograder.model.picture import Picture

margins: ContextVar[list[float] | None] = ContextVar(
    "margins", default=None
)  # of the check that is running
progress: ContextVar[Picture | None] = ContextVar(
    "progress", default=None
)  # a curve among what it was given
_CURVES = ("losses", "mistakes")  # names of parts that are one number an epoch
_MOST = 1 << 24  # numbers in a value: a byte each on its way here, eight as floats
TOLERANCE = 1e-5  # correct float32 ≤ 6e-8, every known bug ≥ 1e-2


class CheckFailed(AssertionError):
    """The student's value is not right. `saw` is what was judged: its fingerprint may be known.

    `cause` says as data what the message says in words, where there is a kind for it.
    """

    def __init__(
        self,
        message: str,
        saw: object = None,
        hint: str | None = None,
        picture: Picture | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.saw, self.hint, self.picture = message, saw, hint, picture
        self.cause = cause


def fail(
    message: str,
    saw: object = None,
    hint: str | None = None,
    picture: Picture | None = None,
    cause: Cause | None = None,
) -> NoReturn:
    raise CheckFailed(message, saw, hint, picture or progress.get(), cause)


def expect(
    condition: object,
    message: str,
    saw: object = None,
    hint: str | None = None,
    cause: Cause | None = None,
) -> None:
    """A property in words: `message` says what was found and what was expected."""
    if not condition:
        fail(message, saw, hint, cause=cause)


def numbers(actual: object, name: str) -> np.ndarray:
    """`actual` as an array of floats: an array, a number, or lists of numbers all alike."""
    if actual is None:
        fail(f"{name} is None; is a return missing?", saw=actual, cause={"kind": "none"})
    if isinstance(actual, (tuple, list)) and _has_text(
        actual
    ):  # NumPy would give each entry the longest one's room
        _fail_type(name, type(actual).__name__, "an array of real numbers", actual)
    try:
        array = np.asarray(actual)
    except ValueError:
        message = f"{name} is a nested list whose rows differ in length"
        fail(message, saw=actual, cause={"kind": "type", "got": type(actual).__name__})
    if array.dtype.kind not in "biuf":
        kind = (
            f"an array of dtype {array.dtype}"
            if isinstance(actual, np.ndarray)
            else type(actual).__name__
        )
        _fail_type(name, kind, "an array of real numbers", actual)
    if array.size > _MOST:
        fail(f"{name} has {array.size} entries, expected at most {_MOST}")
    return array.astype(float)


def assert_shape(actual: object, shape: Sequence[int], name: str = "the result") -> np.ndarray:
    """The value has exactly this shape; return it as an array of floats."""
    array = numbers(actual, name)
    expected = tuple(shape)
    if array.shape != expected:
        fail(
            f"{name} has shape {array.shape}, expected {expected}",
            saw=array,
            picture=pictures.shapes(array.shape, expected),
            cause=causes.shape(array.shape, expected),
        )
    return array


def assert_finite(actual: object, name: str = "the result") -> np.ndarray:
    """No entry is NaN or infinite; return the value as an array of floats."""
    array = numbers(actual, name)
    bad = ~np.isfinite(array)
    if bad.any():
        message = f"{_entry(name, array, bad)} is {_show(array[bad][0])}, expected a finite number"
        picture = pictures.where(bad, "are not finite")
        fail(message, saw=array, picture=picture, cause=causes.nonfinite(bad))
    return array


def assert_close(
    actual: object, expected: object, name: str = "the result", tolerance: float = TOLERANCE
) -> None:
    """The value equals the expected one, up to rounding in either precision."""
    e = np.asarray(expected, float)
    a = assert_finite(assert_shape(actual, e.shape, name), name)
    error = relative_error(a, e)
    if not error <= tolerance:  # written so that a NaN fails
        worst = np.zeros(a.shape, bool)
        # The first of those that are furthest off but for rounding: the same on every machine.
        gap = _gap(a, e)
        worst[np.unravel_index(np.argmax(gap >= gap.max() * (1 - 1e-9)), a.shape)] = True
        differ = differing(a, e, tolerance)
        fail(
            f"{_entry(name, a, worst)} is {_show(a[worst][0])}, expected "
            f"{_show(e[worst][0])}{_count(differ, error)}",
            saw=a,
            picture=pictures.where(differ, "differ"),
            cause=causes.values(differ, error),
        )


def assert_scalar(actual: object, expected: float, name: str = "the loss") -> None:
    """A single number: a float, an int or an array without axes."""
    if isinstance(actual, np.ndarray) and actual.shape != ():
        _fail_type(name, f"an array of shape {actual.shape}", "one number", actual)
    if isinstance(actual, (list, tuple, dict, str)):
        _fail_type(name, type(actual).__name__, "one number", actual)
    assert_close(actual, expected, name)


def assert_parts(actual: object, names: Sequence[str]) -> list[Any]:
    """A tuple or list with one part for each name; return the parts."""
    wanted = f"{len(names)} values ({', '.join(names)})"
    if not isinstance(actual, (tuple, list)):
        _fail_type("the result", type(actual).__name__, wanted, actual)
    if len(actual) != len(names):
        cause = {"kind": "parts", "got": len(actual), "expected": len(names)}
        fail(f"the result has {len(actual)} values, expected {wanted}", saw=actual, cause=cause)
    for name, part in zip(names, actual):
        if (
            name in _CURVES
        ):  # drawn beside whatever this check finds wrong, and no evidence of anything
            progress.set(pictures.curve(name, part))
    return list(actual)


def assert_at_least(value: float, threshold: float, name: str, saw: object = None) -> None:
    """A measured quantity reaches its threshold. How far it is above it is kept, for the audit's
    margins.
    """
    _keep_margin(float(value) - float(threshold))
    if not value >= threshold:
        picture = pictures.measured(name, float(value), float(threshold), "least")
        fail(
            f"{name} is {value:.3g}, expected at least {threshold:.3g}",
            saw,
            picture=progress.get() or picture,
            cause=causes.measured("least", value, threshold),
        )


def assert_at_most(value: float, threshold: float, name: str, saw: object = None) -> None:
    """A measured quantity stays below its threshold; the margin is kept likewise."""
    _keep_margin(float(threshold) - float(value))
    if not value <= threshold:
        picture = pictures.measured(name, float(value), float(threshold), "most")
        fail(
            f"{name} is {value:.3g}, expected at most {threshold:.3g}",
            saw,
            picture=progress.get() or picture,
            cause=causes.measured("most", value, threshold),
        )


def _fail_type(name: str, got: str, expected: str, saw: object) -> NoReturn:
    cause = {"kind": "type", "got": got.removeprefix("an ")}
    fail(f"{name} is {_article(got)}, expected {expected}", saw=saw, cause=cause)


def _keep_margin(margin: float) -> None:
    kept = margins.get()
    if kept is not None:
        kept.append(margin)


def relative_error(a: np.ndarray, e: np.ndarray) -> float:
    """‖a − e‖ / (‖a‖ + ‖e‖ + 1e-9) over all entries, at any size of numbers: squares of large ones
    would overflow.
    """
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.abs(e).max(initial=0.0)), 1.0)
    a, e = a / scale, e / scale
    return float(np.linalg.norm(a - e) / (np.linalg.norm(a) + np.linalg.norm(e) + 1e-9 / scale))


def differing(a: np.ndarray, e: np.ndarray, tolerance: float) -> np.ndarray:
    """The mask of the entries that are off, each measured by its own size."""
    return np.asarray(_gap(a, e) > tolerance * (np.abs(a / 2) + np.abs(e / 2) + 1e-9))


def _gap(a: np.ndarray, e: np.ndarray) -> np.ndarray:
    return np.abs(a / 2 - e / 2)  # halves, whose difference cannot overflow


def _has_text(value: Sequence[Any]) -> bool:
    return any(isinstance(v, str) or (isinstance(v, (tuple, list)) and _has_text(v)) for v in value)


def _entry(name: str, array: np.ndarray, mask: np.ndarray) -> str:
    if array.shape == ():
        return name
    name = name.removeprefix("the ")
    index = ", ".join(str(int(i)) for i in np.argwhere(mask)[0])
    name = f"({name})" if any(sign in name for sign in (" + ", " - ", " / ", " * ")) else name
    return f"{name}[{index}]"


def _count(mask: np.ndarray, error: float | None = None) -> str:
    count = int(mask.sum())
    notes = (
        [f"{count} of {mask.size} entries {'differs' if count == 1 else 'differ'}"]
        if mask.size > 1
        else []
    )
    notes += [f"relative error {error:.2g}"] if error is not None else []
    return f" ({', '.join(notes)})" if notes else ""


def _show(number: float) -> str:
    return f"{number:.6g}"


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" if not kind.startswith("an ") else kind
