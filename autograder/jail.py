"""Start the process that a student's code runs in, keep its time, and end it.

This is the seam for isolation: whoever grades asks `spawn` for a Worker and talks to it in frames. Here
it is a process of its own with a memory limit, a clean environment and nothing but NumPy to import,
which stops accidents; it is no boundary against an attacker yet.
"""

import contextlib
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import msgpack
import numpy as np
import psutil

from autograder import calling, wire, worker

_POLL = 0.02  # seconds between two looks at a worker's CPU time
_WALL = 6.0  # a sleeper is stopped after this many times its CPU budget


class Timeout(Exception):
    """The budget of CPU seconds is used up, or nothing came for several times as long."""


class Crashed(Exception):
    """The worker is gone, or talks nonsense."""


class Budget:
    """CPU seconds left to one exercise. The parent counts, so a loaded machine changes no verdict."""

    def __init__(self, cpu_seconds: float) -> None:
        self.cpu_seconds = cpu_seconds
        self.left = cpu_seconds
        self.wall = cpu_seconds * _WALL


class Worker:
    """One process and the pipes to it. `ask` sends a request and waits for its reply."""

    def __init__(self, memory_mb: int) -> None:
        places = {
            "numpy": np.__file__,
            "msgpack": msgpack.__file__,
            "autograder.wire": wire.__file__,
            "autograder.calling": calling.__file__,
        }
        command = [sys.executable, "-I", "-S", str(Path(worker.__file__)), json.dumps(places), str(memory_mb)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=os.name == "posix",
        )
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._frames: queue.Queue[bytes | None] = queue.Queue(maxsize=2)
        self._ended = threading.Event()
        pumps = [
            threading.Thread(target=_feed, args=(self._process.stdin, self._requests), daemon=True),
            threading.Thread(target=_pump, args=(self._process.stdout, self._frames, self._ended), daemon=True),
        ]
        for pump in pumps:
            pump.start()
        self._pumps = pumps

    def ask(self, request: dict[str, Any], budget: Budget) -> dict[str, Any]:
        """Send a request, return the outcome; raise Timeout or Crashed, after which the worker is ended."""
        nonce = secrets.token_hex(8)
        try:
            started, spent = time.monotonic(), self._cpu_seconds()
            self._requests.put(wire.encode({**request, "nonce": nonce}, seeds=True, envelope=True))
            frame = self._wait(budget, started, spent)
            budget.left -= self._cpu_seconds() - spent
            budget.wall -= time.monotonic() - started
            reply = wire.decode(frame)
            if type(reply) is not dict or reply.get("nonce") != nonce or type(reply.get("outcome")) is not dict:
                raise Crashed
            outcome: dict[str, Any] = reply["outcome"]
            return outcome
        except wire.BadFrame:
            self.end()
            raise Crashed from None
        except (Timeout, Crashed):
            self.end()
            raise

    def _wait(self, budget: Budget, started: float, spent: float) -> bytes:
        while True:
            try:
                frame = self._frames.get(timeout=_POLL)
            except queue.Empty:
                used, waited = self._cpu_seconds() - spent, time.monotonic() - started
                if used > budget.left or waited > budget.wall:
                    budget.left = 0
                    raise Timeout from None
                continue
            if frame is None:
                raise Crashed
            return frame

    def _cpu_seconds(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            raise Crashed from None
        return float(times.user + times.system + times.children_user + times.children_system)

    def end(self) -> None:
        """Kill the process with all that it started. Safe to call twice."""
        if self._process.poll() is None:
            for process in _family(self._process.pid):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self._process.wait()
        self._ended.set()
        self._requests.put(None)
        for pump in self._pumps:
            pump.join(timeout=1)  # an escaped grandchild may hold a pipe open; the threads are daemons


def spawn(memory_mb: int) -> Worker:
    """A fresh worker, with nothing loaded yet."""
    return Worker(memory_mb)


def _environment() -> dict[str, str]:
    """Nothing of ours but what the interpreter needs to start. One thread, so that sums are bit-stable."""
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    needed = ("SYSTEMROOT", "PATH") if os.name == "nt" else ()
    return {**{name: os.environ[name] for name in needed if name in os.environ}, **one_thread, "LC_ALL": "C.UTF-8"}


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.Error:
        return []


def _feed(stream: BinaryIO, requests: "queue.Queue[bytes | None]") -> None:
    """Write requests to the worker. It has a thread, because a worker that does not read would hold up who writes."""
    with contextlib.suppress(OSError):
        while (frame := requests.get()) is not None:
            stream.write(frame)
            stream.flush()
    with contextlib.suppress(OSError):
        stream.close()


def _pump(stream: BinaryIO, frames: "queue.Queue[bytes | None]", ended: threading.Event) -> None:
    """Read whole frames off the pipe, which Windows cannot select on; None marks its end."""
    frame: bytes | None = b""
    while frame is not None:
        try:
            frame = wire.read_frame(stream.read)
        except (wire.BadFrame, OSError):
            frame = None
        while not ended.is_set():  # nobody reads on from a worker that has been ended
            try:
                frames.put(frame, timeout=0.1)
                break
            except queue.Full:
                continue
    stream.close()
