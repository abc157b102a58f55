"""Read untrusted plain data, as JSON has it, into dataclasses.

A Reader takes a value and its place in the data, and returns the value or raises Odd. Unknown keys
are ignored: a later version may have added them.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, get_args

Reader = Callable[[Any, str], Any]
_TOO_MUCH = 1e12  # of points, weights or seconds


class Odd(ValueError):
    """A key is missing or has a wrong type. `where` names the key; the value is not repeated."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where or 'all of it'} is missing or not of its kind")
        self.where = where


def read(of: type, known: Mapping[str, Reader], data: object, where: str = "") -> Any:
    """Read a JSON object as a dataclass. A key may be missing if its field has a plain default."""
    if not isinstance(data, dict):
        raise Odd(where)
    needed = [field.name for field in fields(of) if field.default is MISSING]
    for name in needed:
        if name not in data:
            raise Odd(_in(where, name))
    there = {name: reader for name, reader in known.items() if name in data}
    return of(**{name: reader(data[name], _in(where, name)) for name, reader in there.items()})


def each(of: type, known: Mapping[str, Reader]) -> Reader:
    """Read a list of such objects."""

    def reader(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise Odd(where)
        return [read(of, known, item, _in(where, str(i))) for i, item in enumerate(value)]

    return reader


def fitting(fits: Callable[[Any], bool]) -> Reader:
    """Accept a value that satisfies a predicate."""

    def reader(value: Any, where: str) -> Any:
        if not fits(value):
            raise Odd(where)
        return value

    return reader


def optional(inner: Callable[[Any], Any]) -> Reader:
    """Accept null, or what a function accepts that raises ValueError for anything else."""

    def reader(value: Any, where: str) -> Any:
        try:
            return None if value is None else inner(value)
        except ValueError:
            raise Odd(where) from None

    return reader


def word(of: Any) -> Reader:
    """Accept one of the words of a Literal."""
    return fitting(lambda value: isinstance(value, str) and value in get_args(of))


def is_number(value: object) -> bool:
    """Whether the value is a number of points or seconds: finite and not negative."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return plain and 0 <= value < _TOO_MUCH  # type: ignore[operator]


text = fitting(lambda value: isinstance(value, str))
text_or_none = fitting(lambda value: value is None or isinstance(value, str))
truth = fitting(lambda value: isinstance(value, bool))
number = fitting(is_number)
number_or_none = fitting(lambda value: value is None or is_number(value))


def _in(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
