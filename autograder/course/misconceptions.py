"""The bank of misconceptions: wrong answers that students really give, with a name and a hint."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
_MARK = "__misconception__"


@dataclass(frozen=True)
class Misconception:
    """A wrong version of `function`. `title` completes "Looks like: …"; `hint` says where to look.

    `also` names another exercise that calls the function, so that the misconception costs points
    there too.
    """

    name: str
    function: str
    title: str
    hint: str
    body: Callable[..., Any]
    also: str | None = None


def misconception(
    function: str, hint: str, also: str | None = None
) -> Callable[[Function], Function]:
    """Mark a wrong version of `function`. Its name and its docstring name the misconception."""

    def mark(body: Function) -> Function:
        if not body.__doc__:
            raise ValueError(
                f"the misconception {body.__name__} needs a docstring: it completes 'Looks like: …'"
            )
        title = " ".join(body.__doc__.split()).rstrip(".")
        setattr(body, _MARK, Misconception(body.__name__, function, title, hint, body, also))
        return body

    return mark


def misconceptions(module: ModuleType) -> list[Misconception]:
    """The misconceptions that a module of the bank defines, in its order."""
    found = (getattr(value, _MARK, None) for value in vars(module).values())
    return [m for m in found if isinstance(m, Misconception)]
