"""Read plain data, as JSON has it, into dataclasses, whoever may have written it.

A Reader takes a value and the place where it stands, and returns it or raises Odd. Keys that are
not known are left out: a later version may have added them.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, get_args

Reader = Callable[[Any, str], Any]
_TOO_MUCH = 1e12  # of points, weights or seconds


class Odd(ValueError):
    """Something is missing or not of its kind. `where` says which key: what stands there may be
    anything, of any length, and is not repeated.
    """

    def __init__(self, where: str) -> None:
        super().__init__(f"{where or 'all of it'} is missing or not of its kind")
        self.where = where


def read(of: type, known: Mapping[str, Reader], data: object, where: str = "") -> Any:
    """An object of JSON as a dataclass; a key may be missing where its field has a plain
    default.
    """
    if not isinstance(data, dict):
        raise Odd(where)
    needed = [field.name for field in fields(of) if field.default is MISSING]
    for name in needed:
        if name not in data:
            raise Odd(_in(where, name))
    there = {name: reader for name, reader in known.items() if name in data}
    return of(**{name: reader(data[name], _in(where, name)) for name, reader in there.items()})


def each(of: type, known: Mapping[str, Reader]) -> Reader:
    """A list of such objects."""

    def reader(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise Odd(where)
        return [read(of, known, item, _in(where, str(i))) for i, item in enumerate(value)]

    return reader


def fitting(fits: Callable[[Any], bool]) -> Reader:
    """A value that fits, as it is."""

    def reader(value: Any, where: str) -> Any:
        if not fits(value):
            raise Odd(where)
        return value

    return reader


def optional(inner: Callable[[Any], Any]) -> Reader:
    """Null, or what a function makes of it that raises ValueError for anything else."""

    def reader(value: Any, where: str) -> Any:
        try:
            return None if value is None else inner(value)
        except ValueError:
            raise Odd(where) from None

    return reader


def word(of: Any) -> Reader:
    """One of the words of a Literal."""
    return fitting(lambda value: isinstance(value, str) and value in get_args(of))


def is_number(value: object) -> bool:
    """A number of points or seconds, which a NaN is not."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return plain and 0 <= value < _TOO_MUCH  # type: ignore[operator]


text = fitting(lambda value: isinstance(value, str))
text_or_none = fitting(lambda value: value is None or isinstance(value, str))
truth = fitting(lambda value: isinstance(value, bool))
number = fitting(is_number)
number_or_none = fitting(lambda value: value is None or is_number(value))


def _in(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
