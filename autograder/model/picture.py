"""Pictures of a failed check, as plain data of a few hundred bytes that travels in the Report.

A picture is a map of the wrong entries of an array, two shapes, a measured quantity beside its
threshold, the progress of a training towards its threshold, or a curve that the student's function
returned. None holds an expected value or an input: a map is made of a mask alone, and a curve is
rounded to the pixels that are drawn.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

Picture = dict[str, Any]
MOST_CELLS = 24  # of a map, each way: longer axes are shown in blocks
ALL = 9  # digit of a map: 0 no wrong entry in its block, ALL every entry, between them the share
TOP = 32  # heights of a curve: 0 to TOP
_SHEETS = 6  # pages of a map side by side, for an array of more than two axes
_POINTS = 48  # of a curve
_FEWEST = 4  # entries or points that are worth a picture
_BYTES = 4096
_AXES = 32
_LONGEST = 1 << 16  # of a curve: no training has more epochs


def where(mask: np.ndarray, what: str) -> Picture | None:
    """A map of the wrong entries; None if it would show nothing."""
    if mask.size < _FEWEST or not mask.any() or mask.all():
        return None
    return {"type": "where", "what": what, "shape": list(mask.shape), "sheets": _sheets(mask)}


def shapes(actual: Sequence[int], expected: Sequence[int]) -> Picture:
    """The shape that came beside the shape that was expected."""
    return {
        "type": "shapes",
        "actual": [int(n) for n in actual],
        "expected": [int(n) for n in expected],
    }


def measured(name: str, value: float, threshold: float, side: str) -> Picture | None:
    """A quantity and the threshold it must reach; None if either cannot be drawn.

    `side` is "least" or "most".
    """
    if not (_is_number(value) and _is_number(threshold)):
        return None
    return {
        "type": "measured",
        "name": name,
        "value": _short(value),
        "line": _short(threshold),
        "side": side,
    }


def training(judged: Picture, unit: str, values: Mapping[int, float]) -> Picture | None:
    """What a training reached after so many steps, beside its threshold; None if too few are known."""
    numbers = {n: v if _is_number(v) else None for n, v in sorted(values.items())}
    finite = [v for v in numbers.values() if v is not None]
    if len(finite) < _FEWEST - 1:
        return None
    low, high = min(*finite, judged["line"], 0.0), max(*finite, judged["line"], 0.0)
    high = 1.0 if is_share(low, high) else high
    heights = [
        v if v is None else round(TOP * (v - low) / (high - low or 1.0)) for v in numbers.values()
    ]
    ends = {"low": _short(low), "high": _short(high)}
    return {
        **judged,
        "type": "training",
        "unit": unit,
        "lengths": list(numbers),
        **ends,
        "heights": heights,
    }


def curve(name: str, values: object) -> Picture | None:
    """A curve of one number per epoch or step; None if the values are no such list."""
    array = _row(values)
    if array is None:
        return None
    finite = array[np.isfinite(array)]
    if array.size < _FEWEST or not finite.size:
        return None
    low, high = min(float(finite.min()), 0.0), float(finite.max())
    if not (_is_number(low) and _is_number(high)):
        return None
    scale = high - low or 1.0
    chosen = array[np.linspace(0, array.size - 1, min(array.size, _POINTS)).round().astype(int)]
    heights = [round(TOP * float((v - low) / scale)) if np.isfinite(v) else None for v in chosen]
    ends = {"low": _short(low), "high": _short(high)}
    return {"type": "curve", "name": name, "count": array.size, **ends, "heights": heights}


def is_share(low: float, high: float) -> bool:
    """Whether a scale with these ends shows shares, and so is drawn up to 1."""
    return low == 0 and 0.2 < high <= 1


def require(picture: object) -> Picture:
    """Return a picture that one of the functions above could have made, or raise ValueError."""
    kind = picture.get("type") if isinstance(picture, dict) else None
    form = _FORMS.get(kind) if isinstance(kind, str) else None
    if form is None or not form(cast(Picture, picture)) or len(json.dumps(picture)) > _BYTES:
        raise ValueError("a picture of no known form")
    return cast(Picture, picture)


def _sheets(mask: np.ndarray) -> list[list[str]]:
    """The mask as pages of rows of digits.

    Two axes or fewer give one page. More axes give a page for each entry of the leading axes, or,
    if these are many, one page of their mean.
    """
    rows, columns = (1, 1, *mask.shape)[-2:]
    pages = mask.reshape(-1, rows, columns).astype(np.float32)
    if (
        len(pages) > _SHEETS
        or len(pages) * rows * columns > MOST_CELLS**2
        or max(rows, columns) > MOST_CELLS
    ):
        pages = pages.mean(axis=0, keepdims=True, dtype=np.float64)
    return [["".join(map(str, row)) for row in _digits(page)] for page in pages]


def _digits(page: np.ndarray) -> np.ndarray:
    """The share of wrong entries in each block of a page, as digits.

    A page has at most MOST_CELLS blocks each way.
    """
    sums, widths = page, []
    for axis, n in enumerate(page.shape):
        k = min(n, MOST_CELLS)
        starts = np.arange(k) * n // k
        sums = np.add.reduceat(sums, starts, axis, dtype=float)
        widths.append(np.diff(starts, append=n))
    share = sums / np.outer(*widths)
    partly = np.clip(1 + (ALL - 1) * share, 1, ALL - 1).astype(int)
    return np.asarray(np.select([share <= 0, share >= 1], [0, ALL], partly))


def _row(values: object) -> np.ndarray | None:
    """The values as floats (n,), or None. It raises nothing: what is no curve is not drawn."""
    if isinstance(values, (tuple, list)):
        if len(values) > _LONGEST or not all(
            isinstance(v, (int, float, np.number)) for v in values
        ):
            return None
        values = np.asarray(values)
    if (
        not isinstance(values, np.ndarray)
        or values.ndim != 1
        or values.size > _LONGEST
        or values.dtype.kind not in "iuf"
    ):
        return None
    return values.astype(float)


def _short(number: float) -> float:
    return float(f"{number:.3g}")


def _is_where(p: Picture) -> bool:
    return (
        set(p) == {"type", "what", "shape", "sheets"}
        and p["what"] in ("differ", "are not finite")
        and _is_shape(p["shape"], fewest=1)
        and _is_list(p["sheets"], 1, _SHEETS)
        and len(p["sheets"]) in (1, math.prod(p["shape"][:-2]))
        and all(_is_list(sheet, 1, MOST_CELLS) for sheet in p["sheets"])
        and all(
            _is_row(row) and len(row) == len(p["sheets"][0][0])
            for sheet in p["sheets"]
            for row in sheet
        )
        and all(len(sheet) == len(p["sheets"][0]) for sheet in p["sheets"])
        and any(set(row) != {"0"} for sheet in p["sheets"] for row in sheet)
        and len(p["sheets"]) * len(p["sheets"][0]) * len(p["sheets"][0][0]) <= MOST_CELLS**2
    )


def _is_shapes(p: Picture) -> bool:
    return (
        set(p) == {"type", "actual", "expected"}
        and _is_shape(p["actual"])
        and _is_shape(p["expected"])
    )


def _is_measured(p: Picture) -> bool:
    return (
        set(p) == {"type", "name", "value", "line", "side"}
        and isinstance(p["name"], str)
        and p["side"] in ("least", "most")
        and _is_number(p["value"])
        and _is_number(p["line"])
    )


def _is_training(p: Picture) -> bool:
    own = {"unit", "lengths", "low", "high", "heights"}
    return (
        own <= set(p)
        and _is_measured({key: p[key] for key in p if key not in own})
        and isinstance(p["unit"], str)
        and all(_is_number(p[key]) for key in ("low", "high"))
        and p["low"] <= p["line"] <= p["high"]
        and _is_list(p["lengths"], _FEWEST - 1, _POINTS)
        and all(type(n) is int and 0 < n < 1 << 31 for n in p["lengths"])
        and sorted(set(p["lengths"])) == p["lengths"]
        and _are_heights(p["heights"])
        and len(p["heights"]) == len(p["lengths"])
    )


def _is_curve(p: Picture) -> bool:
    return (
        set(p) == {"type", "name", "count", "low", "high", "heights"}
        and isinstance(p["name"], str)
        and all(_is_number(p[key]) for key in ("count", "low", "high"))
        and _is_list(p["heights"], _FEWEST, _POINTS)
        and _are_heights(p["heights"])
    )


def _are_heights(value: Any) -> bool:
    return isinstance(value, list) and all(
        h is None or (type(h) is int and 0 <= h <= TOP) for h in value
    )


def _is_shape(value: Any, fewest: int = 0) -> bool:
    return _is_list(value, fewest, _AXES) and all(
        type(n) is int and 0 <= n < 1 << 62 for n in value
    )


def _is_list(value: Any, fewest: int, most: int) -> bool:
    return isinstance(value, list) and fewest <= len(value) <= most


def _is_row(value: object) -> bool:
    return (
        isinstance(value, str) and 1 <= len(value) <= MOST_CELLS and set(value) <= set("0123456789")
    )


def _is_number(value: object) -> bool:
    # a NaN fails the comparison
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


_FORMS = {
    "where": _is_where,
    "shapes": _is_shapes,
    "measured": _is_measured,
    "training": _is_training,
    "curve": _is_curve,
}
