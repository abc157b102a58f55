"""The student in a worker process: a fresh one for each exercise, which runs the notebook's cells."""

import marshal
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.jail.workers import Budget, Crashed, Jail, Timeout, Worker
from autograder.model import cause as causes
from autograder.model.cause import Cause
from autograder.model.notebook import Cell
from autograder.model.topic import ExerciseSpec, Topic
from autograder.testing.student import Reply
from autograder.worker import codec

_STRIKES = 3  # cells that hang or end the process, before all later ones are left out
_ASIDE = 0.5  # of an exercise's time: extra time to illustrate a failure
_TEXT = 500  # characters of a worker's text that are passed on
_NAME = 80  # of the name of an error or a cell
_Trouble = tuple[str | None, str]  # the type of an error, if it was one, and a sentence


class InWorker:
    """A Backend over workers. A cell that hangs or ends the process is left out from then on.

    With `ahead` the next worker starts while one runs. That helps where a worker starts slowly and
    several exercises run.
    """

    def __init__(
        self, topic: Topic, cells: list[Cell], probes: str, jail: Jail, ahead: bool = True
    ) -> None:
        self._topic, self._cells, self._probes, self._jail = topic, cells, probes, jail
        self._ahead = ahead and jail.tier == "C"
        self._troubles: dict[int, _Trouble] = {}  # index of a cell -> its error
        self._skipped: set[int] = set()
        self._one_by_one = False
        self._worker: Worker | None = None
        self._spare: Worker | None = None
        self._spec: ExerciseSpec | None = None
        self._budget = self._allowance = Budget(0)
        self._loaded = False  # once already in this exercise

    def begin(self, spec: ExerciseSpec) -> None:
        """Start an exercise: a fresh worker with a budget of its own."""
        self._end_worker()
        self._spec, self._budget, self._loaded = spec, Budget(spec.cpu_seconds), False
        self._allowance = Budget(spec.cpu_seconds * _ASIDE)

    def close(self) -> None:
        self._end_worker()
        if self._spare is not None:
            self._spare.end()
            self._spare = None

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reply:
        if self._budget.left <= 0:
            return self._timeout()
        request = {"do": "call", "function": function, "args": args, "kwargs": kwargs}
        try:
            self._worker = self._worker or self._load()
            reply = _reply(self._worker.ask(request, self._budget), len(args) + len(kwargs))
        except Timeout:
            self._end_worker()
            return self._timeout()
        except Crashed:
            self._end_worker()
            text = f"{function} ended the Python process instead of returning a value"
            return Reply(cause={"kind": "crashed"}, text=text)
        return self._explain(reply) if reply.trouble == "missing" else reply

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Calls in this context do not use up the exercise's time."""
        budget, self._budget = self._budget, self._allowance
        try:
            yield
        finally:
            self._budget = budget
            # a worker that ended in here is replaced at no charge
            self._loaded = self._worker is not None

    def _timeout(self) -> Reply:
        seconds = self._budget.cpu_seconds
        return Reply(
            cause={"kind": "timeout", "seconds": seconds},
            text=f"stopped: the exercise used all its {seconds:g} seconds; is there an endless "
            "loop?",
        )

    def _load(self) -> Worker:
        """A worker that has run every cell that can run, started anew after a cell that cannot."""
        while True:
            worker = self._spare or self._jail.spawn(self._topic.memory_mb)
            # starts while this one runs
            self._spare = self._jail.spawn(self._topic.memory_mb) if self._ahead else None
            own = Budget(self._topic.cpu_seconds)
            try:
                if self._run_cells(worker, own):
                    # who ends the process again and again pays for its cells from the second time
                    # on
                    if self._loaded:
                        self._budget.charge(own)
                    self._loaded = True
                    return worker
            except (Timeout, Crashed):
                worker.end()
                raise
            worker.end()  # its state cannot be trusted any more

    def _run_cells(self, worker: Worker, own: Budget) -> bool:
        """Run the cells. False if one hung or ended the process; that one is left out from then on."""
        if not self._one_by_one:
            try:
                self._run_all(worker, own)
                return True
            except (codec.NotPlain, Timeout, Crashed):
                self._one_by_one = True  # to find out which cell it is
                return False
        return self._run_each(worker, own)

    def _run_all(self, worker: Worker, own: Budget) -> None:
        """Run all cells in one request, which is fast."""
        cells = [{"label": cell.label, "source": cell.source} for cell in self._cells]
        request = {"do": "notebook", **self._ours(), "cells": cells}
        ran = worker.ask(request, own).get("cells")
        if type(ran) is not list or len(ran) != len(self._cells):
            raise Crashed
        found = {i: _trouble(cell) for i, cell in enumerate(ran)}
        self._troubles = {i: trouble for i, trouble in found.items() if trouble}

    def _ours(self) -> dict[str, Any]:
        return {
            "given": compiled(self._topic.given, "given"),
            "probes": compiled(self._probes, "probes"),
        }

    def _run_each(self, worker: Worker, own: Budget) -> bool:
        worker.ask({"do": "topic", **self._ours()}, own)
        for i, cell in enumerate(self._cells):
            if i in self._skipped:
                continue
            try:
                request = {"do": "cell", "label": cell.label, "source": cell.source}
                trouble = _trouble(worker.ask(request, own))
            except codec.NotPlain as error:
                self._skip(i, f"it contains {error}")
                continue
            except Timeout:
                self._skip(i, f"it was stopped after {own.cpu_seconds:g} seconds")
                return False
            except Crashed:
                self._skip(i, "it ends the Python process")
                return False
            if trouble:
                self._troubles[i] = trouble
        return True

    def _skip(self, index: int, trouble: str) -> None:
        """Leave a cell out. After too many such cells, leave out all that follow."""
        self._skipped.add(index)
        self._troubles[index] = None, trouble
        if len(self._skipped) >= _STRIKES:
            for i in range(index + 1, len(self._cells)):
                self._skipped.add(i)
                why = f"{_STRIKES} earlier cells had to be stopped"
                self._troubles.setdefault(i, (None, why))

    def _explain(self, reply: Reply) -> Reply:
        """If a function is missing because its cell failed, name the cell and the error."""
        assert reply.cause is not None
        function = reply.cause["function"]
        pattern = re.compile(rf"^[ \t]*(?:def|class)\s+{re.escape(function)}\b", re.M)
        for i, (error, trouble) in self._troubles.items():
            if pattern.search(self._cells[i].source):
                where = self._cells[i].label
                text = (
                    f"{function} is not defined, because its cell ({where}) does not run: {trouble}"
                )
                cause = {
                    "kind": "cell",
                    "function": function,
                    "cell": where[:_NAME],
                    "error": error,
                }
                return Reply(cause=cause, text=text)
        return reply

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None


@lru_cache(maxsize=16)
def compiled(source: str, name: str) -> NDArray[np.uint8]:
    """The course's own code as bytes, compiled once for all workers: uint8 (n,)."""
    return np.frombuffer(marshal.dumps(compile(source, f"<{name}>", "exec")), np.uint8)


def _trouble(cell: object) -> _Trouble | None:
    """The error of a cell in a worker's untrusted reply; None if it ran. Crashed if malformed."""
    if type(cell) is not dict:
        raise Crashed
    error, text = cell.get("error"), cell.get("text")
    if error is None:
        return None
    if type(error) is not str or type(text) is not str:
        raise Crashed
    return error[:_NAME], text[:_TEXT]


def _reply(answer: dict[str, Any], arguments: int) -> Reply:
    """The Reply in a worker's untrusted answer. Crashed if it is malformed."""
    changed, text = answer.get("changed", ()), answer.get("text", "")
    cause = _cause(answer.get("cause"))
    if type(changed) is not tuple or any(
        type(i) is not int or not 0 <= i < arguments for i in changed
    ):
        raise Crashed
    if type(text) is not str or len(set(changed)) != len(changed):
        raise Crashed
    return Reply(answer.get("value"), cause, text[:_TEXT], changed)


def _cause(said: object) -> Cause | None:
    """The cause in a worker's untrusted answer, if it is of a kind that a worker may report."""
    if said is None:
        return None
    try:
        cause = causes.read(said)
    except ValueError:
        raise Crashed from None
    if causes.kind(cause) not in causes.BY_WORKER:
        raise Crashed
    return cause
