"""A process of its own for work on what strangers sent. It may die of it, and is replaced.

Here a class is graded and pages are drawn: whatever a submission costs, in memory or in time, ends
with this process and costs one submission. It is trusted itself: only our code runs in it.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import psutil

from autograder.model.errors import KitError, UserError

MEMORY_MB = 3072  # ten times what grading takes
_POLL = 0.5  # seconds between two looks at its CPU time


class Gone(KitError):
    """The process died, or took more than its share and was ended."""


class Disposable:
    """One process, asked one thing at a time. `core` is where it stays, if it has one to itself."""

    def __init__(self, core: int | None = None) -> None:
        self._core, self._over = core, False
        self._start()

    def _start(self) -> None:
        # Never forked from this process: a copy would carry the gradebook's connections and threads
        # along.
        methods = multiprocessing.get_all_start_methods()
        method = "forkserver" if "forkserver" in methods else "spawn"
        context: Any = multiprocessing.get_context(method)
        context.set_forkserver_preload(["autograder.grading.batch"])  # once for all of them
        self._channel, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._core), daemon=True)
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid or 0)

    def call(self, function: Callable[..., Any], *args: Any, cpu: float, wall: float) -> Any:
        """What the function returns or raises. Raise Gone when the process died of it, or used more
        CPU seconds of its own or more time than that; the next call gets a new process.
        """
        if self._over:
            raise Gone("it has been closed")
        if not self._process.is_alive():
            self._end()
            self._start()
        try:
            self._channel.send((function, args))
            self._wait(cpu, wall)
            error, value = self._channel.recv()
        except (EOFError, OSError):
            self._end()
            raise Gone("the grading process died of it; is there enough memory?") from None
        except Gone:
            self._end()
            raise
        if error is not None:
            raise error
        return value

    def _wait(self, cpu: float, wall: float) -> None:
        started, before = time.monotonic(), self._cpu_seconds()
        while not self._channel.poll(_POLL):
            if self._cpu_seconds() - before > cpu:
                raise Gone(f"it took the grader more than {cpu:g} seconds of computing")
            if time.monotonic() - started > wall:
                raise Gone(f"it was not done after {wall:g} seconds")

    def _cpu_seconds(self) -> float:
        """Its own, without that of the workers below it."""
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            raise EOFError from None
        return float(times.user + times.system)

    def close(self) -> None:
        """End the process for good. A thread that waits for an answer gets Gone."""
        self._over = True
        self._process.kill()

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._channel.close()


def _serve(channel: Connection, core: int | None) -> None:
    """Answer calls until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a whole terminal: the other side says when
    _end_with_parent()
    _limit_memory()
    if core is not None:
        os.sched_setaffinity(0, {core})
    while True:
        try:
            function, args = channel.recv()
        except EOFError:
            return
        answer: tuple[Exception | None, Any]
        try:
            answer = None, function(*args)
        except UserError as error:  # ours, whose kind says what to do
            answer = error, None
        except Exception as error:  # another kind may not travel
            answer = KitError(f"{type(error).__name__}: {error}"), None
        channel.send(answer)


def _end_with_parent() -> None:
    """A killed grader leaves nobody behind who grades for nobody."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource  # absent on Windows

    with contextlib.suppress(ValueError, OSError):  # the system's own limit is lower
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
