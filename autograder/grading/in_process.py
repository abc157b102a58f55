"""The student in this process: the namespace of a live notebook or of the instructor's module."""

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from types import CodeType
from typing import Any

from autograder.model.topic import ExerciseSpec
from autograder.testing.student import Reply
from autograder.worker import invoke


class InProcess:
    """A Backend over a namespace. It has no time limit: a learner can press stop."""

    def __init__(self, namespace: dict[str, Any], probes: str = "") -> None:
        self._namespace, self._probes = namespace, invoke.load_probes(_compiled(probes))

    def begin(self, spec: ExerciseSpec) -> None:
        """Nothing to prepare."""

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reply:
        return Reply(**invoke.call(self._namespace, function, args, kwargs, self._probes))

    def aside(self) -> AbstractContextManager[None]:
        """Nothing to do: there is no time limit."""
        return nullcontext()


@lru_cache(maxsize=16)
def _compiled(source: str) -> CodeType:
    return compile(source, "<probes>", "exec")
