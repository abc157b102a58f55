"""Workers as forks of a server process in the jail: born with NumPy imported, in a few milliseconds
each.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from autograder.jail import surroundings
from autograder.jail.workers import Crashed, Worker
from autograder.model.errors import KitError
from autograder.worker import codec, fork_server

_PATIENCE = 60.0  # seconds for the server to start, or to answer
_CHUNK = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")


class NotReady(KitError):
    """A worker ended before it was locked in. Nothing of a student's has run: the fault is ours."""


class NoRoom(KitError):
    """The machine could not start a process just now."""


class ForkServer:
    """One server process, started by a command to which its plan is added, and asked for
    workers.
    """

    def __init__(self, command: Sequence[str], plan: dict[str, Any]) -> None:
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_PATIENCE)
        self._lock = threading.Lock()
        with theirs, tempfile.TemporaryFile() as errors:
            try:
                self._process = subprocess.Popen(
                    [*command, json.dumps(plan)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    env=surroundings.environment(),
                    start_new_session=True,
                )
            except OSError as error:
                self._control.close()
                raise KitError(f"the fork server did not start: {error}") from None
            theirs.close()
            try:
                hello = self._control.recv(64)
            except OSError:
                hello = b""
            if hello != fork_server.READY:
                self.close()
                errors.seek(0)
                lines = errors.read().decode("utf-8", "replace").strip().splitlines() or [
                    "it ended without a word"
                ]
                raise KitError(f"the fork server did not start: {lines[-1]}")

    def spawn(self, memory_mb: int) -> Worker:
        """A fresh worker, locked in before it is told anything. Raise NotReady if it did not come
        to that, NoRoom if the machine could not start a process.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [b"%d" % memory_mb], [theirs.fileno()])
                answer, handles, _, _ = socket.recv_fds(self._control, 256, 1)
            except OSError:
                answer, handles = b"", []
        if not handles:
            ours.close()
            if answer.startswith(fork_server.NO_ROOM):
                raise NoRoom(f"no process could be started ({answer.decode('utf-8', 'replace')})")
            raise NotReady("the fork server of the jail is gone")
        worker = Forked(ours, handles[0])
        try:
            worker.wait_until_locked_in()
        except NotReady:
            worker.end()
            raise
        return Worker(worker)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the server, and with it every worker."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()


class Forked:
    """A worker's socket, and a handle of its process by which it can be killed but never
    mistaken.
    """

    def __init__(self, channel: socket.socket, handle: int) -> None:
        self._channel, self._handle = channel, handle
        self._times = os.open(
            f"/proc/{_pid_of(handle)}/stat", os.O_RDONLY
        )  # kept open: it is read at every call
        self._out, self._in = bytearray(), bytearray()
        self._ended = False
        channel.setblocking(False)

    def wait_until_locked_in(self) -> None:
        """Until the worker has said so, before anything of the student's runs; raise NotReady with
        its reason if it says something else, or nothing.
        """
        deadline = time.monotonic() + _PATIENCE
        try:
            while b"\n" not in self._in and time.monotonic() < deadline:
                self._exchange(deadline)
        except Crashed:
            pass
        line, _, self._in = self._in.partition(b"\n")
        if line + b"\n" != fork_server.READY:
            reason = line.decode("utf-8", "replace") or "it ended without a word"
            raise NotReady(f"a worker could not be locked in: {reason}")

    def send(self, frame: bytes) -> None:
        self._out += frame

    def receive(self, seconds: float) -> bytes | None:
        if self._ended:
            raise Crashed
        deadline = time.monotonic() + seconds
        while (frame := self._take()) is None:
            self._exchange(deadline)
            if time.monotonic() >= deadline:  # also for who sends a byte now and then
                return self._take()
        return frame

    def _exchange(self, deadline: float) -> None:
        """Wait until something can be written or read, and move it; at the longest until then."""
        events = select.POLLIN | (select.POLLOUT if self._out else 0)
        poll = select.poll()
        poll.register(self._channel, events)
        ready = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        if ready:
            self._move(ready[0][1])

    def _move(self, events: int) -> None:
        """Write and read as much as goes without waiting."""
        try:
            if events & select.POLLOUT:
                del self._out[: self._channel.send(memoryview(self._out)[:_CHUNK])]
            if events & ~select.POLLOUT:
                data = self._channel.recv(_CHUNK)
                if not data:
                    raise Crashed
                self._in += data
        except BlockingIOError:
            return
        except OSError:
            raise Crashed from None

    def _take(self) -> bytes | None:
        """A whole frame off what has come in. Sizes are checked before anything is waited for."""
        if len(self._in) < codec.HEADER_SIZE:
            return None
        try:
            size = codec.HEADER_SIZE + sum(codec.sizes(bytes(self._in[: codec.HEADER_SIZE])))
        except codec.BadFrame:
            raise Crashed from None
        if len(self._in) < size:
            return None
        frame = bytes(self._in[:size])
        del self._in[:size]
        return frame

    def cpu_seconds(self) -> float:
        if self._ended:
            raise Crashed
        try:
            fields = os.pread(self._times, 4096, 0).rpartition(b")")[2].split()
        except OSError:
            raise Crashed from None
        return (
            sum(map(int, fields[11:15])) / _TICKS
        )  # user and system time, its own and that of what it waited for

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(
                self._handle, signal.SIGKILL
            )  # it runs nothing more; its end takes care of itself
        os.close(self._times)
        os.close(self._handle)
        self._channel.close()


def _pid_of(handle: int) -> int:
    with open(f"/proc/self/fdinfo/{handle}") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pid:"))
