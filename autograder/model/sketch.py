"""Sketches of plain data: two sketches fit if the data are equal up to rounding.

Structure, types, shapes, texts and whole numbers are kept exactly, as a digest. Of each array of
floating-point numbers the largest magnitude and two weighted sums are kept, so that two machines
that round differently still agree. A sketch detects an accident. It stops no attacker.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RELATIVE = {8: 1e-9, 16: 1e-9, 4: 1e-5, 2: 1e-1}  # of the largest entry, by bytes of a number


@dataclass(frozen=True)
class Sketch:
    """The digest of what must be equal, and for each array of floats four numbers.

    These are the bytes per number, the largest magnitude, and two weighted sums of the numbers
    divided by it.
    """

    outline: str
    numbers: tuple[tuple[int, float, float, float], ...] = ()

    def fits(self, other: "Sketch") -> bool:
        """Whether both are of the same data, up to rounding."""
        pairs = zip(self.numbers, other.numbers)
        return self.outline == other.outline and all(_close(a, b) for a, b in pairs)

    def to_plain(self) -> list[Any]:
        """The sketch as lists, for a file."""
        return [self.outline, *(list(number) for number in self.numbers)]

    @classmethod
    def from_plain(cls, plain: list[Any]) -> "Sketch":
        """The sketch that `to_plain` wrote."""
        return cls(plain[0], tuple((int(n), *map(float, rest)) for n, *rest in plain[1:]))  # type: ignore[misc]


def sketch(value: object) -> Sketch:
    """The sketch of plain data, which may hold Seeds. TypeError for anything else."""
    outline, arrays = hashlib.sha256(), list[NDArray[Any]]()
    for part in _parts(value, arrays):
        outline.update(len(part).to_bytes(8, "little") + part)
    return Sketch(outline.hexdigest()[:32], tuple(map(_numbers, arrays)))


def _parts(value: object, arrays: list[NDArray[Any]]) -> Iterator[bytes]:
    """The parts that must be equal to the bit, in order. Float arrays are appended to `arrays`."""
    kind = type(value)
    if kind in (tuple, list):
        yield f"{kind.__name__} {len(value)}".encode()  # type: ignore[arg-type]
        for item in value:  # type: ignore[attr-defined]
            yield from _parts(item, arrays)
    elif kind is dict:
        yield f"dict {len(value)}".encode()  # type: ignore[arg-type]
        for key, item in value.items():  # type: ignore[attr-defined]
            yield repr(key).encode()
            yield from _parts(item, arrays)
    elif isinstance(value, (float, complex, np.ndarray, np.generic)):
        array = np.asarray(value)
        yield f"{'array' if kind is np.ndarray else 'number'} {array.dtype.str} {array.shape}".encode()
        if array.dtype.kind in "fc":
            arrays.append(array)
            odd = np.isnan(array) * 1 + np.isposinf(array.real) * 2 + np.isneginf(array.real) * 4
            yield odd.astype(np.uint8).tobytes() if odd.any() else b""
        else:
            yield array.tobytes()
    elif value is None or kind in (bool, int, str) or is_dataclass(kind):  # a Seed, by its repr
        yield repr(value).encode("utf-8", "surrogatepass")
    else:
        raise TypeError(f"a value of type {kind.__name__} is no plain data")


def _numbers(array: NDArray[Any]) -> tuple[int, float, float, float]:
    size = array.real.dtype.itemsize
    flat = (
        np.concatenate([array.real.ravel(), array.imag.ravel()])
        if array.dtype.kind == "c"
        else array.ravel()
    )
    flat = np.where(np.isfinite(flat), flat, 0.0).astype(float)
    scale = float(np.abs(flat).max(initial=0.0))
    first, second = _weights(len(flat)) @ (flat / (scale or 1.0))
    return size, scale, float(first), float(second)


@lru_cache(maxsize=64)
def _weights(n: int) -> NDArray[np.float64]:
    """Weights (2, n) between 1/2 and 3/2: none hides an entry, and no two entries share one."""
    return 0.5 + np.random.RandomState(n % 2**32).random_sample((2, n))


def _close(a: tuple[int, float, float, float], b: tuple[int, float, float, float]) -> bool:
    allowed = _RELATIVE.get(a[0], 1e-9)
    largest = max(abs(a[1]), abs(b[1]))
    return abs(a[1] - b[1]) <= allowed * largest and all(
        abs(x - y) <= allowed for x, y in zip(a[2:], b[2:])
    )
