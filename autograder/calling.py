"""Call a student's function on plain data and say plainly what happened.

The same few lines run in a live notebook and in a worker process, which imports nothing else of ours
but the wire.
"""

import builtins
import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from autograder import wire

Outcome = dict[str, Any]  # the fields of a Reply, as plain data
PROBE = "probes."  # before the name of a probe, where a function's name stands
_LONGEST = 300  # characters of an exception's first line that are shown


class Functions:
    """The student's functions as a probe sees them: `student.softmax` is the one of that name."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def __getattr__(self, function: str) -> Any:
        if not callable(self._namespace.get(function)):
            raise NotThere(function)
        return self._namespace[function]


class NotThere(Exception):
    """A probe asked for a function that the student does not have."""


def load_probes(source: str) -> dict[str, Any]:
    """The functions of a topic's probes: ours, public, run beside the student's code, and they return plain data."""
    module: dict[str, Any] = {"__name__": "probes"}
    exec(compile(source, "<probes>", "exec"), module)
    return {name: value for name, value in module.items() if callable(value)}


def call(
    namespace: dict[str, Any],
    function: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    probes: dict[str, Any] | None = None,
) -> Outcome:
    """Call a function of the namespace, or a probe of its functions, on copies of the arguments.

    Never raises but for KeyboardInterrupt.
    """
    if function.startswith(PROBE):
        body: Any = functools.partial((probes or {})[function.removeprefix(PROBE)], Functions(namespace))
    else:
        body = namespace.get(function)
    if not callable(body):
        return _missing(namespace, function)
    before = [wire.encode(v) for v in (*args, *kwargs.values())]
    copies = [wire.decode(frame) for frame in before]
    positional, keywords = copies[: len(args)], dict(zip(kwargs, copies[len(args) :]))
    try:
        with quiet():
            value = body(*positional, **keywords)
    except KeyboardInterrupt:
        raise
    except NotThere as error:
        return _missing(namespace, str(error))
    except BaseException as error:  # SystemExit and inventions of the student's own among them
        return _raised(error, namespace, function)
    try:
        value = wire.copy(value)  # now, as bytes: nothing of the student's lives on in it
    except Exception as error:
        what = str(error) if isinstance(error, wire.NotPlain) else f"something that cannot be read ({_name(error)})"
        return {"trouble": "refused", "text": f"{function} returned {what}; return NumPy arrays and plain numbers"}
    return {"value": value, "changed": tuple(i for i, frame in enumerate(before) if _differs(copies[i], frame))}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No prints, no warnings, NumPy's usual error state, and an input() that answers at once."""
    asked = builtins.input
    builtins.input = _no_input
    try:
        with (
            contextlib.redirect_stdout(_Sink()),
            contextlib.redirect_stderr(_Sink()),
            warnings.catch_warnings(),
            np.errstate(all="warn"),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        builtins.input = asked


def first_line(error: BaseException) -> str:
    """`ValueError: shapes (2,) and (3,) do not match`, cut to what fits on a line."""
    try:
        text = str(error).strip().splitlines()
    except Exception:  # a student's exception may have a broken __str__
        text = []
    line = f"{_name(error)}: {text[0]}" if text else _name(error)
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " …"


def line_in(namespace: dict[str, Any], trace: TracebackType | None) -> int | None:
    """The line, in the student's own code, of the innermost frame of a traceback."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_globals is namespace:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


class _Sink(io.TextIOBase):
    """Takes any amount of text and keeps none."""

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


def _no_input(*_: object) -> str:
    raise RuntimeError("input() cannot be answered while checking; take the value as an argument")


def _name(error: BaseException) -> str:
    return type(error).__name__[:80]


def _missing(namespace: dict[str, Any], function: str) -> Outcome:
    if function in namespace:
        kind = type(namespace[function]).__name__
        return {"trouble": "missing", "text": f"{function} is {kind} here, not a function; was the name used twice?"}
    return {"trouble": "missing", "text": f"there is no function {function}{_similar(namespace, function)}"}


def _similar(namespace: dict[str, Any], function: str) -> str:
    import difflib

    names = [n for n, v in list(namespace.items()) if isinstance(n, str) and callable(v) and not n.startswith("_")]
    close = difflib.get_close_matches(function, names, 1, 0.75)
    return f"; was {close[0]} meant to be it? Its name must stay {function}" if close else " in the notebook"


def _raised(error: BaseException, namespace: dict[str, Any], function: str) -> Outcome:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals is namespace:
            frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    if function.startswith(PROBE):
        function = frames[0] if frames else "the call"
    if isinstance(error, NotImplementedError):
        if len(frames) <= 1:
            return {"trouble": "stub", "text": f"{function} is not written yet", "error": "NotImplementedError"}
        text = f"{function} needs {frames[-1]}, which is not written yet"
        return {"trouble": "raised", "text": text, "error": "NotImplementedError"}
    line = line_in(namespace, error.__traceback__)
    where = f" (line {line} of its cell)" if line else ""
    return {"trouble": "raised", "text": f"{function} raised {first_line(error)}{where}", "error": _name(error)}


def _differs(value: object, frame: bytes) -> bool:
    if isinstance(value, np.random.Generator):  # drawing from it is what it is for
        return False
    try:
        return wire.encode(value) != frame
    except Exception:  # what was plain data no longer is
        return True
