"""A worker as an ordinary process with a memory limit and a clean environment. It stops accidents.

It is no boundary against an attacker: it may read and send what its user may. It needs nothing of
Linux, and is what a learner's own code runs in.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from typing import BinaryIO

import psutil

from autograder.jail import surroundings
from autograder.jail.workers import Crashed, Worker
from autograder.worker import codec


def spawn(memory_mb: int) -> Worker:
    """A fresh worker, with nothing loaded yet."""
    return Worker(Plain(memory_mb))


class Plain:
    """A subprocess, and two threads at its pipes, because Windows cannot wait for a pipe."""

    def __init__(self, memory_mb: int) -> None:
        command = [
            sys.executable,
            "-I",
            "-S",
            surroundings.source("server"),
            json.dumps(surroundings.modules()),
            str(memory_mb),
        ]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=surroundings.environment(),
            start_new_session=os.name == "posix",
        )
        self._requests: queue.Queue[bytes | None] = queue.Queue()
        self._frames: queue.Queue[bytes | None] = queue.Queue(maxsize=2)
        self._ended = threading.Event()
        self._pumps = [
            threading.Thread(target=_feed, args=(self._process.stdin, self._requests), daemon=True),
            threading.Thread(
                target=_pump, args=(self._process.stdout, self._frames, self._ended), daemon=True
            ),
        ]
        for pump in self._pumps:
            pump.start()

    def send(self, frame: bytes) -> None:
        self._requests.put(frame)

    def receive(self, seconds: float) -> bytes | None:
        try:
            frame = self._frames.get(timeout=seconds)
        except queue.Empty:
            return None
        if frame is None:
            raise Crashed
        return frame

    def cpu_seconds(self) -> float:
        try:
            times = psutil.Process(self._process.pid).cpu_times()
        except psutil.Error:
            raise Crashed from None
        return float(times.user + times.system + times.children_user + times.children_system)

    def end(self) -> None:
        if self._process.poll() is None:
            for process in _family(self._process.pid):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        self._process.wait()
        self._ended.set()
        self._requests.put(None)
        for pump in self._pumps:
            pump.join(
                timeout=1
            )  # an escaped grandchild may hold a pipe open; the threads are daemons


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.Error:
        return []


def _feed(stream: BinaryIO, requests: "queue.Queue[bytes | None]") -> None:
    """Write requests to the worker. It has a thread, because a worker that does not read would hold
    up who writes.
    """
    with contextlib.suppress(OSError):
        while (frame := requests.get()) is not None:
            stream.write(frame)
            stream.flush()
    with contextlib.suppress(OSError):
        stream.close()


def _pump(stream: BinaryIO, frames: "queue.Queue[bytes | None]", ended: threading.Event) -> None:
    """Read whole frames off the pipe; None marks its end."""
    frame: bytes | None = b""
    while frame is not None:
        try:
            frame = codec.read_frame(stream.read)
        except (codec.BadFrame, OSError):
            frame = None
        while not ended.is_set():  # nobody reads on from a worker that has been ended
            try:
                frames.put(frame, timeout=0.1)
                break
            except queue.Full:
                continue
    stream.close()
