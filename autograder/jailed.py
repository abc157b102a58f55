"""The student in a worker process: each exercise begins in a fresh one that has run the notebook's cells."""

import re
from typing import Any, get_args

from autograder import jail, wire
from autograder.notebook import Cell
from autograder.student import Reply, Trouble
from autograder.topic import ExerciseSpec, Topic

_STRIKES = 3  # cells that hang or end the process, before those after them are left out
_TEXT = 500  # characters of a worker's own words that are passed on


class Jailed:
    """A Backend over workers. A cell that hangs or ends the process is left out from then on.

    With `ahead` the next worker starts while one works: for whoever has several exercises to run.
    """

    def __init__(self, topic: Topic, cells: list[Cell], probes: str = "", ahead: bool = True) -> None:
        self._topic, self._cells, self._probes, self._ahead = topic, cells, probes, ahead
        self._troubles: dict[int, str] = {}  # index of a cell -> what went wrong when it ran
        self._skipped: set[int] = set()
        self._worker: jail.Worker | None = None
        self._spare: jail.Worker | None = None
        self._spec: ExerciseSpec | None = None
        self._budget = jail.Budget(0)

    def begin(self, spec: ExerciseSpec) -> None:
        """Forget the worker of the exercise before; this one has a budget and a process of its own."""
        self._end_worker()
        self._spec, self._budget = spec, jail.Budget(spec.cpu_seconds)

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
        except jail.Timeout:
            self._end_worker()
            return self._timeout()
        except jail.Crashed:
            self._end_worker()
            return Reply(trouble="crashed", text=f"{function} ended its process instead of returning a value")
        return self._explain(reply) if reply.trouble == "missing" else reply

    def _timeout(self) -> Reply:
        limit = f"{self._budget.cpu_seconds:g} seconds"
        return Reply(trouble="timeout", text=f"stopped: the exercise used up its {limit}; does a loop never end?")

    def _load(self) -> jail.Worker:
        """A worker that has run every cell that can be run, started anew after one that cannot."""
        while True:
            worker = self._spare or jail.spawn(self._topic.memory_mb)
            self._spare = jail.spawn(self._topic.memory_mb) if self._ahead else None  # starts while this one works
            try:
                if self._run_cells(worker):
                    return worker
            except (jail.Timeout, jail.Crashed):
                worker.end()
                raise
            worker.end()

    def _run_cells(self, worker: jail.Worker) -> bool:
        budget = jail.Budget(self._topic.cpu_seconds)
        worker.ask({"do": "module", "name": "given", "source": self._topic.given}, budget)
        worker.ask({"do": "probes", "source": self._probes}, budget)
        for i, cell in enumerate(self._cells):
            if i in self._skipped:
                continue
            try:
                outcome = worker.ask({"do": "cell", "label": cell.label, "source": cell.source}, budget)
            except wire.NotPlain as error:
                self._skip(i, f"it holds {error}")
                continue
            except jail.Timeout:
                self._skip(i, f"it was stopped after {budget.cpu_seconds:g} seconds")
                return False
            except jail.Crashed:
                self._skip(i, "it ends the process")
                return False
            if isinstance(outcome.get("error"), str):
                self._troubles[i] = outcome["error"][:_TEXT]
        return True

    def _skip(self, index: int, trouble: str) -> None:
        """Leave a cell out; after too many that hang or end the process, leave out all that follow."""
        self._skipped.add(index)
        self._troubles[index] = trouble
        if len(self._skipped) >= _STRIKES:
            for i in range(index + 1, len(self._cells)):
                self._skipped.add(i)
                self._troubles.setdefault(i, f"{_STRIKES} cells before it had to be stopped")

    def _explain(self, reply: Reply) -> Reply:
        """A function that is missing because its cell does not run was attempted: say which cell and why."""
        function = reply.error
        pattern = re.compile(rf"^[ \t]*(?:def|class)\s+{re.escape(function)}\b", re.M)
        for i, trouble in self._troubles.items():
            if pattern.search(self._cells[i].source):
                where = self._cells[i].label
                text = f"{function} is not there, because {where}, where it is defined, does not run: {trouble}"
                return Reply(trouble="raised", text=text, error=trouble.partition(":")[0])
        return reply

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None


def _reply(outcome: dict[str, Any], arguments: int) -> Reply:
    """Believe nothing of it but that it is plain data."""
    trouble, changed = outcome.get("trouble"), outcome.get("changed", ())
    if trouble is not None and trouble not in get_args(Trouble):
        raise jail.Crashed
    if type(changed) is not tuple or any(type(i) is not int or not 0 <= i < arguments for i in changed):
        raise jail.Crashed
    text, error = (str(outcome.get(key, ""))[:_TEXT] for key in ("text", "error"))
    return Reply(outcome.get("value"), trouble, text, error, changed)
