"""Why a check failed, and in which call: as data what its message says in words.

A cause is made where the fact is known and travels in the Report. Nobody reads it back out of a
sentence. It says no more than the message does. Its kinds:

- of a value: none, type, parts, shape, nonfinite, values, at_least, at_most, changed;
- of a call without a value: missing, stub, needs_stub, raised, refused (a worker may say these),
  cell (the cell that defines the function does not run), timeout, crashed;
- unusable: the check itself raised an error on the value;
- waits: the check holds, and counts once the function gives right values.

A call is {"function": "softmax", "arguments": [["z", [4, 3]], ["axis", 1]]}. An array or a tuple of
whole numbers is the list of its lengths, a number is itself, a dict is a dict of these, and
anything else is null. An argument without a name has the name null.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Cause = dict[str, Any]
Call = dict[str, Any]
BY_WORKER = frozenset({"missing", "stub", "needs_stub", "raised", "refused"})
OF_A_CALL = BY_WORKER | {"cell", "timeout", "crashed"}  # kinds of a call without a value
ITEMS = 8  # of a dict that a call names: the layers of a deep network would fill a page
_LONGEST = 200  # characters of a name
_MOST = 64  # names
_AXES = 32
_DEPTH = 8
_BYTES = 4096


def shape(got: Sequence[int], expected: Sequence[int]) -> Cause:
    """An array of another shape."""
    return {"kind": "shape", "got": [int(n) for n in got], "expected": [int(n) for n in expected]}


def nonfinite(mask: np.ndarray) -> Cause:
    """Entries that are NaN or infinite."""
    return {"kind": "nonfinite", "wrong": int(mask.sum()), "of": mask.size}


def values(mask: np.ndarray, error: float) -> Cause:
    """Entries that differ, and the relative error of the whole."""
    return {"kind": "values", "wrong": int(mask.sum()), "of": mask.size, "error": _short(error)}


def measured(side: str, value: float, threshold: float) -> Cause:
    """A quantity that should be at `least` or at `most` its threshold."""
    return {"kind": f"at_{side}", "value": _short(value), "line": _short(threshold)}


def of_type(got: str) -> Cause:
    """A value of another type, such as an array for a number."""
    return {"kind": "type", "got": got}


def kind(cause: Cause | None) -> str | None:
    """The kind of a cause, where there is one."""
    return None if cause is None else str(cause["kind"])


def read(data: object) -> Cause | None:
    """Read a cause from untrusted plain data; None for a kind of a later version.

    Raise ValueError if a key is missing or holds something else.
    """
    if not isinstance(data, dict) or not _is_name(data.get("kind")):
        raise ValueError("a cause of no known form")
    fields = _KINDS.get(data["kind"])
    if fields is None:
        return None
    if not all(name in data and fits(data[name]) for name, fits in fields.items()):
        raise ValueError(f"a cause {data['kind']} of no known form")
    return {"kind": data["kind"], **{name: data[name] for name in fields}}


def call(function: str, names: Sequence[str | None], values: Sequence[Any]) -> Call:
    """A call as plain data."""
    made = [[name, _brief(value)] for name, value in zip(names, values)]
    if not _are_arguments(made):  # a check may pass on a student's own dict
        made = [[name, None] for name in names]
    return {"function": function, "arguments": made}


def read_call(data: object) -> Call:
    """Read a call from untrusted plain data. ValueError if it is none."""
    if not isinstance(data, dict) or not _is_name(data.get("function")):
        raise ValueError("a call of no known form")
    if not _are_arguments(data.get("arguments")):
        raise ValueError("a call with arguments of no known form")
    return {name: data[name] for name in ("function", "arguments")}


def shapes(call: Call | None) -> list[list[int]]:
    """The shapes of all arrays in a call."""
    return _shapes([value for _, value in call["arguments"]]) if call else []


def items(value: Mapping[Any, Any]) -> list[tuple[Any, Any] | None]:
    """The items of a dict that a call names.

    All of them, or of many the first and the last, with None for those between.
    """
    found: list[tuple[Any, Any] | None] = list(value.items())
    if len(found) > ITEMS:
        found[2:-2] = [None]
    return found


def _brief(value: object) -> Any:
    """An argument as data."""
    if isinstance(value, np.ndarray):
        return list(value.shape)
    if isinstance(value, tuple):
        return list(value) if all(type(n) is int for n in value) else None
    if isinstance(value, dict):
        return {str(item[0]): _brief(item[1]) for item in items(value) if item}
    return value if _is_number(value) else None


def _shapes(values: Sequence[Any]) -> list[list[int]]:
    found = [value for value in values if isinstance(value, list)]
    inner = [_shapes(list(value.values())) for value in values if isinstance(value, dict)]
    return [*found, *(one for more in inner for one in more)]


def _short(number: float) -> float | None:
    """The number rounded as in a message; None if it is not finite or too large for JSON."""
    return float(f"{number:.3g}") if _is_number(float(number)) else None


def _are_arguments(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= _MOST
        and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
        and all(_is_name_or_none(name) and _is_argument(given) for name, given in value)
        and len(json.dumps(value)) <= _BYTES
    )


def _is_argument(value: object, depth: int = 0) -> bool:
    if isinstance(value, dict):
        return depth < _DEPTH and all(
            _is_name(name) and _is_argument(item, depth + 1) for name, item in value.items()
        )
    return _is_number_or_none(value) or _is_shape(value)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _is_name_or_none(value: object) -> bool:
    return value is None or _is_name(value)


def _are_names(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _MOST and all(map(_is_name, value))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _is_shape(value: object) -> bool:
    return isinstance(value, list) and len(value) <= _AXES and all(map(_is_count, value))


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(value) < 1e300  # type: ignore[arg-type]  # no NaN


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


_Fields = dict[str, Callable[[object], bool]]
_MEASURED: _Fields = {"value": _is_number_or_none, "line": _is_number_or_none}
_KINDS: dict[str, _Fields] = {
    "none": {},
    "type": {"got": _is_name},
    "parts": {"got": _is_count, "expected": _is_count},
    "shape": {"got": _is_shape, "expected": _is_shape},
    "nonfinite": {"wrong": _is_count, "of": _is_count},
    "values": {"wrong": _is_count, "of": _is_count, "error": _is_number_or_none},
    "at_least": _MEASURED,
    "at_most": _MEASURED,
    "changed": {"arguments": _are_names},
    "missing": {"function": _is_name, "found": _is_name_or_none},
    "stub": {"function": _is_name},
    "needs_stub": {"function": _is_name, "needs": _is_name},
    "raised": {"error": _is_name},
    "refused": {},
    "cell": {"function": _is_name, "cell": _is_name, "error": _is_name_or_none},
    "timeout": {"seconds": _is_number},
    "crashed": {},
    "unusable": {"error": _is_name},
    "waits": {},
}
