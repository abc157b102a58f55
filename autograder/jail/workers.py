"""A worker as the grader sees it: asked in frames, its CPU time counted, ended when the time is up.

Where it runs is another matter: a Process is anything that takes and gives frames.
"""

import contextlib
import secrets
import time
from typing import Any, Literal, Protocol

from autograder.worker import codec

Tier = Literal["A", "B", "C"]
_POLL = 0.02  # seconds between two looks at a worker's CPU time
_WALL = 6.0  # a sleeper is stopped after this many times its CPU budget


class Timeout(Exception):
    """The budget of CPU seconds is used up, or nothing came for several times as long."""


class Crashed(Exception):
    """The worker is gone, or talks nonsense."""


class Budget:
    """CPU seconds left to one exercise. The parent counts, so a loaded machine changes no
    verdict.
    """

    def __init__(self, cpu_seconds: float) -> None:
        self.cpu_seconds = cpu_seconds
        self.left = cpu_seconds
        self.wall = cpu_seconds * _WALL

    def charge(self, other: "Budget") -> None:
        """Take off what was used of another budget."""
        self.left -= other.cpu_seconds - other.left
        self.wall -= other.cpu_seconds * _WALL - other.wall


class Process(Protocol):
    """A process that serves requests, and all that it may have started."""

    def send(self, frame: bytes) -> None:
        """Take a frame to deliver, without waiting."""

    def receive(self, seconds: float) -> bytes | None:
        """The next frame, or None if none is whole after so long; raise Crashed at the end of the
        stream.
        """

    def cpu_seconds(self) -> float:
        """What it has used so far; raise Crashed when it is gone."""

    def end(self) -> None:
        """Kill it. Safe to call twice."""


class Worker:
    """One process. `ask` sends a request and waits for its reply."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def ask(self, request: dict[str, Any], budget: Budget) -> dict[str, Any]:
        """Send a request, return the outcome; raise Timeout or Crashed, after which the worker is
        ended.
        """
        nonce = secrets.token_hex(8)
        frame = codec.encode({**request, "nonce": nonce}, seeds=True, envelope=True)
        try:
            started, spent = time.monotonic(), self._process.cpu_seconds()
            self._process.send(frame)
            reply = codec.decode(self._wait(budget, started, spent))
            budget.left -= self._process.cpu_seconds() - spent
            budget.wall -= time.monotonic() - started
            if (
                type(reply) is not dict
                or type(reply.get("nonce")) is not str
                or reply["nonce"] != nonce
            ):
                raise Crashed
            if type(reply.get("outcome")) is not dict:
                raise Crashed
            outcome: dict[str, Any] = reply["outcome"]
            return outcome
        except codec.BadFrame:
            self.end()
            raise Crashed from None
        except (Timeout, Crashed):
            self.end()
            raise

    def _wait(self, budget: Budget, started: float, spent: float) -> bytes:
        while (frame := self._process.receive(_POLL)) is None:
            used, waited = self._process.cpu_seconds() - spent, time.monotonic() - started
            if used > budget.left or waited > budget.wall:
                budget.left = 0
                raise Timeout
        return frame

    def end(self) -> None:
        """Kill the process with all that it started. Safe to call twice."""
        with contextlib.suppress(Crashed):
            self._process.end()


class Jail(Protocol):
    """Somewhere to run a student's code."""

    @property
    def tier(self) -> Tier: ...

    def spawn(self, memory_mb: int) -> Worker:
        """A fresh worker, with nothing loaded yet."""
