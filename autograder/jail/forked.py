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
from collections.abc import Sequence
from typing import Any

from autograder.jail import surroundings
from autograder.jail.workers import Crashed, Worker
from autograder.model.errors import KitError
from autograder.worker import codec, fork_server

_PATIENCE = 60.0  # seconds for the server to start, or to answer
_CHUNK = 1 << 20
_TICKS = os.sysconf("SC_CLK_TCK")


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
        """A fresh worker, locked in before it is told anything."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                socket.send_fds(self._control, [b"%d" % memory_mb], [theirs.fileno()])
                _, handles, _, _ = socket.recv_fds(self._control, 64, 1)
            except OSError:
                handles = []
        if not handles:
            ours.close()
            raise KitError("the fork server of the jail is gone")
        return Worker(Forked(ours, handles[0]))

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
        self._ready = self._ended = False
        channel.setblocking(False)

    def send(self, frame: bytes) -> None:
        self._out += frame

    def receive(self, seconds: float) -> bytes | None:
        if self._ended:
            raise Crashed
        while True:
            if (frame := self._take()) is not None:
                return frame
            events = select.POLLIN | (select.POLLOUT if self._out else 0)
            poll = select.poll()
            poll.register(self._channel, events)
            ready = poll.poll(seconds * 1000)
            if not ready:
                return None
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
        if not self._ready:
            self._take_greeting()
        if not self._ready or len(self._in) < codec.HEADER_SIZE:
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

    def _take_greeting(self) -> None:
        """The line that the worker wrote before anything of the student's ran: it is locked in, or
        why not.
        """
        line, end, rest = self._in.partition(b"\n")
        if not end:
            return
        if line + end != fork_server.READY:
            raise KitError(f"a worker could not be locked in: {line.decode('utf-8', 'replace')}")
        self._in, self._ready = rest, True

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
