"""Fingerprints: a short mark of the value that a failing check saw, to recognise a misconception.

Four random projections of the numbers. They match despite float32 and another order of summation,
and they do not reveal the value.
"""

import zlib
from typing import Any

import numpy as np

_PROJECTIONS = 4
_MATCH = 2e-5  # of the value's norm
_MOST = 1 << 22  # numbers: the projections of more would fill the memory
Fingerprint = dict[str, Any]


def of_value(saw: object) -> Fingerprint | None:
    """The fingerprint of a decoded value; None for no value or a very large one."""
    if saw is None or _size(saw) > _MOST:
        return None
    leaves: list[np.ndarray] = []
    outline = _flatten(saw, leaves)
    v = np.concatenate([leaf.ravel() for leaf in leaves]) if leaves else np.zeros(0)
    finite = np.isfinite(v)
    if not finite.all():
        odd = np.select([np.isnan(v), v == np.inf, v == -np.inf], [1, 2, 3], 0).astype(np.uint8)
        outline += f" nonfinite:{zlib.crc32(odd.tobytes()):08x}"
    v = np.where(finite, v, 0.0)
    # Divide by a power of two, so that nothing overflows.
    scale = 2.0 ** float(np.frexp(np.abs(v).max(initial=0.0) or 1.0)[1] - 1)
    v = v / scale
    norm = float(np.linalg.norm(v))
    return {
        "kind": "value",
        "outline": outline,
        "scale": scale,
        "marks": [float(m) for m in _project(v)],
        "norm": norm,
    }


def of_error(kind: str) -> Fingerprint:
    """The fingerprint of a call that raised an error of this kind, such as `IndexError`."""
    return {"kind": "error", "outline": kind, "scale": 1.0, "marks": [], "norm": 0.0}


def same(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two fingerprints are of the same value, up to rounding."""
    if (a["kind"], a["outline"], len(a["marks"])) != (b["kind"], b["outline"], len(b["marks"])):
        return False
    ratio = b["scale"] / a["scale"]
    allowed = _MATCH * a["norm"] + 1e-12 / max(a["scale"], 1e-300)
    return abs(a["norm"] - b["norm"] * ratio) <= allowed and all(
        abs(x - y * ratio) <= allowed for x, y in zip(a["marks"], b["marks"])
    )


def _project(v: np.ndarray) -> np.ndarray:
    return np.asarray(
        np.random.RandomState(20_000 + v.size % 10_000).normal(size=(_PROJECTIONS, v.size)) @ v
    )


def _size(value: object) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, (tuple, list)):
        return sum(map(_size, value))
    return value.size if isinstance(value, np.ndarray) else 1


def _flatten(value: object, leaves: list[np.ndarray]) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{k}:{_flatten(value[k], leaves)}" for k in sorted(value, key=str))
            + "}"
        )
    if isinstance(value, (tuple, list)) and not _numeric(value):
        return "(" + ",".join(_flatten(v, leaves) for v in value) + ")"
    if isinstance(value, str):
        return repr(value[:80])
    try:
        array = np.asarray(value)
        array = (
            np.stack([array.real, array.imag]) if array.dtype.kind == "c" else array.astype(float)
        )
    except (TypeError, ValueError):
        return type(value).__name__
    leaves.append(array)
    return str(array.shape)


def _numeric(value: tuple[Any, ...] | list[Any]) -> bool:
    return all(
        isinstance(v, (bool, int, float, complex, np.generic, np.ndarray)) and np.ndim(v) == 0
        for v in value
    )
