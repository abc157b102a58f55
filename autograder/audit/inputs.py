"""Prove that the inputs of the oracle and of the probes are the same to the bit on every machine.

An answers file is recorded on one machine and read on others. So the inputs of these calls may come
only from `rng` and from operations that IEEE 754 fixes. `exact_inputs` records what this machine
gives. `shaken` imitates a machine whose mathematical functions round their last bit the other way,
as another C library, processor or version of NumPy may.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from autograder.course.course_file import Course
from autograder.course.record import load_reference
from autograder.grading.in_process import InProcess
from autograder.grading.oracle import Oracle
from autograder.grading.outcome import Outcome
from autograder.grading.run import parameters, run_suite
from autograder.grading.suite import probes_source
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.testing.student import Reply, Student
from autograder.worker import codec
from autograder.worker.codec import PROBE

# Functions that IEEE 754 does not fix. `@` cannot be replaced: other kernels shake it.
_ROUNDED = """
exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh power
float_power cbrt hypot logaddexp logaddexp2 dot matmul einsum tensordot inner outer vdot
""".split()  # noqa: SIM905
_FACTORISED = [
    "qr",
    "eigh",
    "eig",
    "svd",
    "inv",
    "solve",
    "cholesky",
    "norm",
    "det",
    "lstsq",
    "pinv",
]


def exact_inputs(course: Course, answers: Answers) -> dict[str, list[str]]:
    """For each check, digests to the last bit of what it gives to the oracle and to probes."""
    reference = vars(load_reference(course, answers.topic))
    witness = _Witness(answers, InProcess(reference, probes_source(answers.topic)))
    run_suite(answers.topic, [witness], untrained=True)
    return witness.seen


@contextmanager
def shaken() -> Iterator[None]:
    """In this context functions that are not correctly rounded return the next larger number."""
    with mock.patch.multiple(np, **{name: _nudged(getattr(np, name)) for name in _ROUNDED}):
        linalg = {name: _nudged(getattr(np.linalg, name)) for name in _FACTORISED}
        with mock.patch.multiple(np.linalg, **linalg):
            yield


def _nudged(function: Any) -> Any:
    class Nudged:
        """The function, and its methods such as `reduce`."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return _next(function(*args, **kwargs))

        def __getattr__(self, name: str) -> Any:
            method = getattr(function, name)
            if not callable(method):
                return method
            return lambda *args, **kwargs: _next(method(*args, **kwargs))

    return Nudged()


def _next(value: Any) -> Any:
    if isinstance(value, tuple):
        parts = map(_next, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, (float, np.ndarray, np.floating)) and np.asarray(value).dtype.kind == "f":
        return np.nextafter(value, np.asarray(np.inf, np.asarray(value).dtype))
    return value


class _Witness:
    """A Job that records what the oracle and the probes are given.

    The reference is the student. The job is a Backend too, so that it sees the calls of probes.
    """

    def __init__(self, answers: Answers, reference: InProcess) -> None:
        self.seed, self.over, self.seen = answers.seed, False, dict[str, list[str]]()
        self._answers, self._reference, self._exercise = answers, reference, ""

    def student(self, exercise: str) -> Student:
        self._exercise = exercise
        return Student(self, parameters(self._answers.topic), pictures=False)

    def oracle(self, key: str) -> Oracle:
        return _Witnessed(self._answers, key, self.seen.setdefault(key, []))

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reply:
        if function.startswith(PROBE):
            seen = self.seen.setdefault(f"{self._exercise}, probes", [])
            seen.append(_digest(function, args, kwargs))
        return self._reference.call(function, args, kwargs)

    def aside(self) -> AbstractContextManager[None]:
        return self._reference.aside()

    def add(self, outcome: Outcome) -> None:
        """Nothing to do: a check that ends early asks less, and its digests show it."""

    def strike(self, exercise: str, fault: KitError) -> None:
        raise fault

    def done(self) -> None:
        """Nothing to do: all calls were recorded."""


class _Witnessed(Oracle):
    def __init__(self, answers: Answers, key: str, seen: list[str]) -> None:
        super().__init__(answers, key)
        self._seen = seen

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._seen.append(_digest(function, args, kwargs))
        return super()._ask(function, args, kwargs)


def _digest(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    frame = codec.encode((args, kwargs), seeds=True)
    return f"{function} {hashlib.sha256(frame).hexdigest()[:16]}"
