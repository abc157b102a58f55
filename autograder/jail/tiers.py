"""Which jail this machine offers, found out by trying to break out of it.

A: bubblewrap, Landlock, seccomp and limits. B: the same without bubblewrap: file sizes and times
are visible, and there is no folder to write to. C: an ordinary process with limits, which is no
security boundary and is used where it is asked for by name. What fails its self-test is not used.
"""

import atexit
import functools
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from autograder.jail import unconfined
from autograder.jail.escape_attempts import ATTEMPTS, THREADS, WORKS
from autograder.jail.workers import Budget, Crashed, Jail, Tier, Timeout, Worker
from autograder.model.errors import KitError, UserError

if TYPE_CHECKING:
    from autograder.jail.bubblewrap import Way

MEMORY_MB = 1024
_PATIENCE = 10.0  # seconds in which a worker must have come to be locked in
_PAUSE = 0.05  # seconds between two tries
MEANING: dict[Tier, str] = {
    "A": "isolated: no file but Python's and NumPy's, no network, no other process, no program to "
    "run",
    "B": "kernel filters only: no file's contents, no network, no process; but sizes and times of "
    "files are visible",
    "C": "not a security boundary: the code may read, change and send whatever you may; your own "
    "code only",
}


class NoJail(UserError):
    """This machine offers no tier that would hold a stranger's code."""


class WorkerSource(Protocol):
    """What starts workers, and may itself come to an end."""

    @property
    def alive(self) -> bool: ...

    def spawn(self, memory_mb: int) -> Worker: ...

    def close(self) -> None: ...


class Unsafe:
    """Tier C: ordinary processes with limits."""

    tier: Tier = "C"

    def spawn(self, memory_mb: int) -> Worker:
        return unconfined.spawn(memory_mb)


class Locked:
    """Tier A or B: forks of a server that has passed the self-test. A server that has died is
    started anew.

    A worker that ends before it is locked in has run nothing of a student's. It costs a new server
    and another try, never the student.
    """

    def __init__(self, tier: Tier, start: Callable[[], "WorkerSource"]) -> None:
        self.tier = tier
        self._start = start
        self._server = start()
        self._owner = os.getpid()
        atexit.register(self.close)

    def spawn(self, memory_mb: int) -> Worker:
        from autograder.jail.forked import NoRoom, NotReady

        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._running().spawn(memory_mb)
            except NotReady:
                self._server.close()
                if time.monotonic() > deadline:
                    raise
            except NoRoom:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE)

    def _running(self) -> "WorkerSource":
        """The server, of this process and alive."""
        if os.getpid() != self._owner:  # a fork of the grader needs a server of its own
            self._server, self._owner = self._start(), os.getpid()
            atexit.register(self.close)
        if not self._server.alive:
            self._server.close()
            self._server = self._start()
        return self._server

    def close(self) -> None:
        if os.getpid() == self._owner:
            self._server.close()


@dataclass
class Survey:
    """The best tier found, and why the better ones were not taken."""

    jail: Jail
    passed_over: dict[Tier, str] = field(default_factory=dict)


def best(unsafe: bool = False) -> Jail:
    """The best jail of this machine; raise NoJail if there is none and tier C was not asked for."""
    found = survey()
    if found.jail.tier == "C" and not unsafe:
        reasons = "; ".join(f"tier {tier}: {reason}" for tier, reason in found.passed_over.items())
        raise NoJail(
            f"this machine offers no jail to run strangers' code in ({reasons}). Mend that "
            "(`autograder jail` says how) or, for code that you trust only, add --unsafe-no-jail"
        )
    return found.jail


@functools.cache
def survey() -> Survey:
    """Try the tiers, best first, once in a process."""
    passed_over: dict[Tier, str] = {}
    for tier in ("A", "B"):
        try:
            return Survey(open_tier(tier), passed_over)
        except UserError as error:
            passed_over[tier] = str(error)
    return Survey(Unsafe(), passed_over)


def open_tier(tier: Tier) -> Jail:
    """The jail of one tier, tested; raise UserError with the reason where it does not hold."""
    if tier == "C":
        return Unsafe()
    if sys.platform != "linux":
        raise UserError(
            "it needs Linux (on macOS and Windows: run the kit in a Linux container or virtual "
            "machine)"
        )
    from autograder.jail import bubblewrap

    errors: list[UserError] = []
    for way in bubblewrap.ways(tier):
        try:
            return _opened(tier, way)
        except UserError as error:
            errors.append(error)
    raise type(errors[-1])("; ".join(dict.fromkeys(map(str, errors))))


def _opened(tier: Tier, way: "Way") -> Jail:
    from autograder.jail.forked import ForkServer

    jail = Locked(tier, lambda: ForkServer(way.command, way.plan))
    try:
        escapes = self_test(jail)
        if way.threads and not _works(jail, THREADS):
            raise KitError("no thread can be started in it")
    except UserError:
        jail.close()
        raise
    if escapes:
        jail.close()
        raise KitError(f"the self-test got out of it by {', '.join(escapes)}")
    return jail


def self_test(jail: Jail) -> list[str]:
    """Try to break out of a worker; return the attempts that succeeded."""
    with tempfile.TemporaryDirectory() as folder:
        canary = Path(folder) / "canary"
        canary.write_text("canary")
        os.chmod(folder, 0o755)  # whoever the worker is: file permissions are not what is tested
        values = {"canary": str(canary), "pid": os.getpid(), "memory_mb": MEMORY_MB}
        escapes = [
            name for name, code in ATTEMPTS.items() if _gets_through(jail, code.format(**values))
        ]
    if not _works(jail, WORKS):
        raise KitError("an ordinary program does not run in it")
    return escapes


def _works(jail: Jail, program: str) -> bool:
    try:
        return _try(jail, program, "works") is True
    except (Crashed, Timeout):
        return False


def _gets_through(jail: Jail, code: str) -> bool:
    """Whether an attempt succeeded. A worker that is gone has become something else, which counts,
    as does no word.
    """
    try:
        return _try(jail, f"escaped = False\n{textwrap.dedent(code)}", "escaped") is not False
    except (Crashed, Timeout):
        return True


def _try(jail: Jail, code: str, name: str) -> Any:
    """The value that a name has after a cell; None if it has none."""
    worker, budget = jail.spawn(MEMORY_MB), Budget(10)
    try:
        worker.ask({"do": "cell", "label": "self-test", "source": code}, budget)
        worker.ask(
            {"do": "cell", "label": "self-test", "source": f"def answer():\n    return {name}"},
            budget,
        )
        return worker.ask(
            {"do": "call", "function": "answer", "args": (), "kwargs": {}}, budget
        ).get("value")
    finally:
        worker.end()
