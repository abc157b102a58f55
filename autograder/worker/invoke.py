"""Call a student's function on plain data and say plainly what happened.

The same few lines run in a live notebook and in a worker process, which imports nothing else of
ours but the wire.
"""

import builtins
import contextlib
import functools
import io
import sys
import warnings
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograder.worker import codec
from autograder.worker.codec import PROBE

RawReply = dict[str, Any]  # the fields of a Reply, as plain data
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


def load_probes(code: CodeType) -> dict[str, Any]:
    """The functions of a topic's probes: ours, public, run beside the student's code, and they
    return plain data.
    """
    module: dict[str, Any] = {"__name__": "probes"}
    exec(code, module)
    return {name: value for name, value in module.items() if callable(value)}


def call(
    namespace: dict[str, Any],
    function: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    probes: dict[str, Any] | None = None,
) -> RawReply:
    """Call a function of the namespace, or a probe of its functions, on copies of the arguments.

    Never raises but for KeyboardInterrupt.
    """
    if function.startswith(PROBE):
        body: Any = functools.partial(
            (probes or {})[function.removeprefix(PROBE)], Functions(namespace)
        )
    else:
        body = namespace.get(function)
    if not callable(body):
        return _missing(namespace, function)
    before = [codec.encode(v, seeds=True) for v in (*args, *kwargs.values())]
    copies = [codec.decode(frame, np.random.default_rng) for frame in before]
    positional, keywords = copies[: len(args)], dict(zip(kwargs, copies[len(args) :]))
    try:
        with quiet():
            value = body(*positional, **keywords)
    except KeyboardInterrupt:
        raise
    except NotThere as error:
        return _missing(namespace, str(error))
    except BaseException:  # SystemExit and inventions of the student's own among them
        return _raised(namespace, function)
    try:
        value = codec.copy(value)  # now, as bytes: nothing of the student's lives on in it
    except Exception as error:
        what = (
            str(error)
            if isinstance(error, codec.NotPlain)
            else f"something that cannot be read ({first_line()})"
        )
        return {
            "cause": {"kind": "refused"},
            "text": f"{function} returned {what}; return NumPy arrays and plain numbers",
        }
    return {
        "value": value,
        "changed": tuple(i for i, frame in enumerate(before) if _differs(copies[i], frame)),
    }


class quiet:
    """No prints, no warnings, NumPy's usual error state, and an input() that answers at once.

    A class, because contextlib's decorator would touch an exception of the student's making on its
    way out.
    """

    def __enter__(self) -> None:
        self._asked, builtins.input = builtins.input, _no_input
        self._contexts = (
            contextlib.redirect_stdout(_Sink()),
            contextlib.redirect_stderr(_Sink()),
            warnings.catch_warnings(),
            np.errstate(all="warn"),
        )
        for context in self._contexts:
            context.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *_: object) -> None:
        for context in reversed(self._contexts):
            context.__exit__(None, None, None)
        builtins.input = self._asked


def first_line() -> str:
    """The exception being handled, `ValueError: shapes (2,) and (3,) do not match`, cut to what
    fits on a line.

    Its class is the student's perhaps, so nothing of it is believed: not its text, nor its
    traceback.
    """
    kind, error, _ = sys.exc_info()
    assert kind is not None
    name = _name(kind)
    try:
        text = str.__str__(str(error))  # an exact str, whatever __str__ returns
    except KeyboardInterrupt:
        raise
    except BaseException:
        text = ""
    lines = [line for line in str.splitlines(text) if not str.isspace(line)] or [""]
    line = f"{name}: {lines[0].strip()}" if lines[0] else name
    line = line.encode("utf-8", "replace").decode("utf-8")
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " …"


def error_name() -> str:
    """The type of the exception being handled."""
    kind = sys.exc_info()[0]
    assert kind is not None
    return _name(kind)


def line_in(namespace: dict[str, Any]) -> int | None:
    """The line, in the student's own code, of the innermost frame of the exception being
    handled.
    """
    lines = [line for frame, line in _frames() if frame.f_globals is namespace]
    return lines[-1] if lines else None


def _frames() -> list[tuple[FrameType, int]]:
    """Frames, outermost first, of the exception being handled."""
    trace, found = sys.exc_info()[2], []
    while trace is not None:
        found.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return found


class _Sink(io.TextIOBase):
    """Takes any amount of text and keeps none."""

    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


def _no_input(*_: object) -> str:
    raise RuntimeError("input() does not work during a check; take the value as an argument")


def _name(kind: type[BaseException]) -> str:
    name = str(type.__dict__["__name__"].__get__(kind))  # a metaclass may lie about it
    return _short(name)


def _short(name: str) -> str:
    return name[:80].encode("utf-8", "replace").decode("utf-8")


def _missing(namespace: dict[str, Any], function: str) -> RawReply:
    found = _name(type(namespace[function])) if function in namespace else None
    if found is not None:
        text = f"{function} has the type {found} and is not a function; did you use the name twice?"
    else:
        text = f"there is no function {function}{_similar(namespace, function)}"
    return {"cause": {"kind": "missing", "function": function, "found": found}, "text": text}


def _similar(namespace: dict[str, Any], function: str) -> str:
    import difflib

    names = [
        n
        for n, v in list(namespace.items())
        if isinstance(n, str) and callable(v) and not n.startswith("_")
    ]
    close = difflib.get_close_matches(function, names, 1, 0.75)
    return (
        f". Did you mean {close[0]}? Its name must be {function}" if close else " in the notebook"
    )


def _raised(namespace: dict[str, Any], function: str) -> RawReply:
    frames = [frame for frame, _ in _frames()]
    own = [frame.f_code.co_name for frame in frames if frame.f_globals is namespace]
    if function.startswith(PROBE):
        function = own[0] if own else "the call"
    kind = sys.exc_info()[0]
    if (
        kind is not None
        and issubclass(kind, NotImplementedError)
        and frames[-1].f_globals is namespace
    ):
        if len(own) == 1:
            cause = {"kind": "stub", "function": _short(function)}
            return {"cause": cause, "text": f"{function} is not written yet"}
        cause = {"kind": "needs_stub", "function": _short(function), "needs": _short(own[-1])}
        text = f"{function} needs {own[-1]}, which is not written yet"
        return {"cause": cause, "text": text}
    line = line_in(namespace)
    where = f" (line {line} of its cell)" if line else ""
    return {
        "cause": {"kind": "raised", "error": error_name()},
        "text": f"{function} raised {first_line()}{where}",
    }


def _differs(value: object, frame: bytes) -> bool:
    if isinstance(value, np.random.Generator):  # drawing from it is what it is for
        return False
    try:
        return codec.encode(value) != frame
    except Exception:  # what was plain data no longer is
        return True
