"""The student of a check: `student.softmax(z)` calls the function of that name, wherever it lives.

A check cannot tell a live notebook from a worker process: both get copies of the arguments over the
wire format and answer with a Reply, and a value that one refuses the other refuses too.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from autograder.model import cause as causes
from autograder.model.cause import Call, Cause
from autograder.testing.assertions import CheckFailed
from autograder.worker.codec import PROBE, Seed

# A call: the function as it is shown, the arguments' names, and the arguments.
_Made = tuple[str, tuple[str | None, ...], tuple[Any, ...]]


@dataclass(frozen=True)
class Reply:
    """What a call came to: a plain value, or the cause of there being none and a sentence about it.

    `changed` holds the positions of arguments that the function altered.
    """

    value: Any = None
    cause: Cause | None = None
    text: str = ""
    changed: tuple[int, ...] = ()

    @property
    def trouble(self) -> str | None:
        """The kind of what went wrong, if something did."""
        return causes.kind(self.cause)


class Backend(Protocol):
    """Whoever runs the student's functions."""

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reply: ...

    def aside(self) -> AbstractContextManager[None]:
        """Calls in here use up nothing of the exercise's time; they have a little of their own."""


class StudentFailed(CheckFailed):
    """A call that brought no value: not there, a stub, an exception, out of time, gone."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text, cause=reply.cause)


class Student:
    """Calls the student's functions by name and remembers the last call for the message.

    Who will look at no picture says so with `pictures`, and nothing is called for their sake.
    """

    def __init__(
        self, backend: Backend, parameters: dict[str, list[str]], pictures: bool = True
    ) -> None:
        self._backend, self._parameters, self._pictures = backend, parameters, pictures
        self._call = ""
        self._made: _Made | None = None
        self._changed: tuple[str, ...] = ()
        self._called: set[str] = set()

    @property
    def probes(self) -> "Probes":
        """The topic's probes: `student.probes.name(...)` runs one beside the student's code."""
        return Probes(self)

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("_"):
            raise AttributeError(function)

        def call(*args: Any, **kwargs: Any) -> Any:
            names = self._parameters.get(function, [])
            known = [*names, *[None] * len(args)][: len(args)]  # of arguments by position
            self._call = describe(function, names, args, kwargs)
            self._called.add(function)
            self._made = shown(function), (*known, *kwargs), (*args, *kwargs.values())
            reply = self._backend.call(function, args, kwargs)
            labels = [name or f"argument {i}" for i, name in enumerate(known, 1)]
            self._changed = tuple([*labels, *kwargs][i] for i in reply.changed)
            if reply.cause:
                raise StudentFailed(reply)
            return reply.value

        return call


class Probes:
    """Calls probes by name, through a Student or an oracle."""

    def __init__(self, caller: Any) -> None:
        self._caller = caller

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._caller, PROBE + name)
        return call


class ByName:
    """Functions by their names: `x.softmax(z)` asks for softmax, `x.probes.p(z)` for a probe."""

    @property
    def probes(self) -> Probes:
        """The topic's probes, likewise."""
        return Probes(self)

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("_"):
            raise AttributeError(function)
        return lambda *args, **kwargs: self._ask(function, args, kwargs)

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise NotImplementedError


class Same(ByName):
    """Makes one and the same call to the student and to the oracle: the value and the expected
    one.
    """

    def __init__(self, student: Any, oracle: Any) -> None:
        self._student, self._oracle = student, oracle

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        mine = getattr(self._student, function)(*args, **kwargs)
        return mine, getattr(self._oracle, function)(*args, **kwargs)


class Unchanged(ByName):
    """Calls the student's functions, and fails the check where an argument has changed."""

    def __init__(self, student: Student) -> None:
        self._student = student

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value = getattr(self._student, function)(*args, **kwargs)
        assert_unchanged(self._student)
        return value


def generator(rng: np.random.RandomState) -> Seed:
    """A fresh `np.random.Generator` for a student's function, as it travels over the wire."""
    return Seed(int(rng.randint(2**31)))


def called(student: Student) -> frozenset[str]:
    """The names of all functions that have been called."""
    return frozenset(student._called)


def last_call(student: Student) -> str:
    """`softmax(z (4, 3))`: the last call, with the shapes of its arguments."""
    return student._call


def last_call_as_data(student: Student) -> Call | None:
    """The last call, for whoever asks about its arguments; None where there was none. It is made
    when it is asked for, which is where a check fails: most do not.
    """
    return None if student._made is None else causes.call(*student._made)


@contextmanager
def aside(student: Student) -> Iterator[bool]:
    """Calls that only show what was judged already: they leave no trace in it. False where nobody
    will look.
    """
    kept = student._call, student._made, student._changed
    try:
        with student._backend.aside():
            yield student._pictures
    finally:
        student._call, student._made, student._changed = kept


def assert_unchanged(student: Student) -> None:
    """The last call left its arguments as they were."""
    if student._changed:
        which = " and ".join(student._changed)
        raise CheckFailed(
            f"{which} changed during the call; work on a copy instead",
            saw={"changed": which},
            cause={"kind": "changed", "arguments": list(student._changed)},
        )


def describe(function: str, names: list[str], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A call in words: arrays by their shape, numbers by their value."""
    parts = [f"{name} {_brief(arg)}" for name, arg in zip(names, args)]
    parts += [_brief(arg) for arg in args[len(names) :]]
    parts += [f"{name}={_brief(arg)}" for name, arg in kwargs.items()]
    return f"{shown(function)}({', '.join(parts)})"


def shown(function: str) -> str:
    """A function by its name; a probe, whose name no student knows, in words."""
    return (
        function.removeprefix(PROBE).replace("_", " ") if function.startswith(PROBE) else function
    )


def _brief(value: object) -> str:
    if isinstance(value, Seed):
        return "a generator"
    if isinstance(value, np.ndarray):
        return str(value.shape)
    if isinstance(value, dict):
        items = [f"{item[0]} {_brief(item[1])}" if item else "…" for item in causes.items(value)]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = repr(value)
    if len(text) <= 40:
        return text
    return (
        f"{type(value).__name__} of {len(value)}"
        if isinstance(value, (str, tuple, list))
        else text[:40] + "…"
    )
