"""The fork server: a process in the jail that has NumPy imported and turns into workers.

Started by path, isolated. Its standard input is a socket to the grader; each message on it is a
request for a worker and carries the worker's own socket, and the answer carries a handle of the new
process. The worker locks itself in, says so, and only then serves requests; so nothing of a
student's runs before.
"""

import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

READY = b"locked in\n"
NO_ROOM = b"no room: "  # the answer to a request for which no process could be started
# Imported once, before the doors close: later imports may find no files, and each worker is born
# with these.
_FURNITURE = """
abc array bisect collections contextlib copy csv ctypes dataclasses datetime decimal difflib enum fractions functools
heapq inspect io itertools json math operator os pathlib pprint queue random re secrets statistics string struct
tempfile textwrap threading time traceback types typing uuid warnings
numpy.fft numpy.linalg numpy.ma numpy.polynomial numpy.random numpy.lib.stride_tricks
""".split()  # noqa: SIM905
# And these where a worker becomes another user, whom the files of the interpreter may be out of
# reach for.
_ATTIC = """
argparse asyncio bz2 cProfile cmath concurrent.futures fnmatch getpass glob gzip hashlib html keyword logging
multiprocessing numbers numpy.testing pickle platform pstats shelve shutil signal socket sqlite3 subprocess sys
timeit tokenize unittest.mock weakref zipfile zlib
""".split()  # noqa: SIM905


def main() -> None:
    """Serve the grader until it goes away."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    spec = importlib.util.spec_from_file_location("server", plan["server"])
    assert spec is not None and spec.loader is not None
    server = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(server)
    package = server.furnish(plan["modules"])
    for name in [*_FURNITURE, *(_ATTIC if plan["uid"] is not None else [])]:
        importlib.import_module(name)
    gc.freeze()
    control = socket.socket(fileno=os.dup(0))
    deaths = _tell_of_deaths()
    control.send(READY)
    while True:
        ready, _, _ = select.select([control, deaths], [], [])
        if deaths in ready:
            deaths.recv(4096)
            _reap()
        if control not in ready:
            continue
        request, channels, _, _ = socket.recv_fds(control, 64, 1)
        if not request:
            return
        try:
            pid = os.fork()
        except OSError as error:  # the machine has no room now; it may have some later
            os.close(channels[0])
            control.send(NO_ROOM + str(error.strerror).encode())
            continue
        if pid == 0:
            _work(plan, int(request), channels[0], lambda *pipes: server.Server(*pipes, package))
        os.close(channels[0])
        handle = os.pidfd_open(pid)  # nothing is reaped in between, so the number is still its own
        socket.send_fds(control, [b"%d" % pid], [handle])
        os.close(handle)


def _tell_of_deaths() -> socket.socket:
    """A socket on which a byte arrives for each worker that has ended."""
    here, there = socket.socketpair()
    there.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(there.detach(), warn_on_full_buffer=False)
    return here


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _work(plan: dict[str, Any], memory_mb: int, channel: int, server: Callable[..., Any]) -> None:
    """Become a worker. Never returns."""
    lockdown = sys.modules["autograder.worker.lockdown"]
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.dup2(channel, 3)
    os.closerange(4, 1 << 16)
    try:
        lockdown.lock(memory_mb, plan)
    except Exception as error:
        os.write(3, f"{error}\n".encode())
        os._exit(1)
    os.write(3, READY)
    try:
        server(os.fdopen(os.dup(3), "rb"), os.fdopen(3, "wb")).serve()
    finally:  # whatever comes: a worker never goes on as a fork server
        os._exit(0)


if __name__ == "__main__":
    main()
