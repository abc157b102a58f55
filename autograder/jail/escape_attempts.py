"""What the self-test tries from inside a worker: each attempt is a cell that should not get
anywhere.

An attempt leaves True in `escaped` if it got through, and does no harm if it does: it may run with
every right. They are tried on the machine at hand, because what a kernel's version promises and
what a container lets through are two things.
"""

READ_FILE = "opening a file of yours"
# Each call sets what is set already.
_CHANGED = """
        import os
        for path in (os.__file__, os.devnull, "/", {canary!r}):
            try:
                now = os.stat(path)
                CALL
                escaped = True
            except OSError:
                pass
        """
ATTEMPTS = {
    READ_FILE: """
        with open({canary!r}) as file:
            escaped = bool(file.read())
        """,
    "writing where your files are": """
        with open({canary!r} + ".new", "w") as file:
            escaped = True
        """,
    "listing the course's folder": """
        import os
        escaped = bool(os.listdir(os.path.dirname({canary!r})))
        """,
    "seeing the grader's environment": """
        with open("/proc/{pid}/environ", "rb") as file:
            escaped = bool(file.read())
        """,
    "reading another process": """
        with open("/proc/{pid}/mem", "rb") as file:
            escaped = True
        """,
    "opening a network connection": """
        import socket
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        escaped = True
        """,
    "talking to local services": """
        import socket
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        escaped = True
        """,
    "starting a process": """
        import os
        if os.fork() == 0:
            os._exit(0)
        escaped = True
        """,
    "running a program": """
        import os
        os.execv("/bin/true", ["true"])
        """,
    "killing the grader": """
        import os
        os.kill({pid}, 0)
        escaped = True
        """,
    "tracing a process": """
        import ctypes
        escaped = ctypes.CDLL(None).ptrace(0x4206, {pid}, 0, 0) == 0  # PTRACE_SEIZE, which does not stop it
        """,
    "being root": """
        import os
        escaped = os.getuid() == 0
        """,
    "opening a namespace of its own": """
        import ctypes
        escaped = ctypes.CDLL(None).unshare(0x10000000) == 0
        """,
    "mounting a folder": """
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mount(b"x", {canary!r}.encode() + b".none", b"tmpfs", 0, None)  # a folder that is not there: no harm
        escaped = ctypes.get_errno() != errno.EPERM
        """,
    "changing a file's permissions": _CHANGED.replace(
        "CALL", "os.chmod(path, now.st_mode & 0o7777)"
    ),
    "changing a file's times": _CHANGED.replace(
        "CALL", "os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))"
    ),
    "changing a file's attributes": _CHANGED.replace(
        "CALL", "os.setxattr(path, 'user.none', b''), os.removexattr(path, 'user.none')"
    ),
    "emptying a file that it may only read": """
        import os
        os.close(os.open({canary!r}, os.O_RDONLY | os.O_TRUNC))
        escaped = True
        """,
    "locking a file": """
        import fcntl, os
        with open(os.__file__) as file:
            for lock in (fcntl.flock, fcntl.lockf):
                try:
                    lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    escaped = True
                except OSError:
                    pass
        """,
    "a lease on a file": """
        import fcntl, os
        with open(os.__file__) as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        escaped = True
        """,
    "signals through a descriptor": """
        import fcntl
        for command, value in ((8, {pid}), (10, 9)):  # F_SETOWN, F_SETSIG
            try:
                fcntl.fcntl(0, command, value)
                escaped = True
            except OSError:
                pass
        """,
    "threads without end": """
        import threading
        threading.stack_size(1 << 16)
        enough = threading.Event()
        try:
            for _ in range(200):
                threading.Thread(target=enough.wait, daemon=True).start()
            escaped = True
        finally:
            enough.set()
        """,
    "a process in the guise of a thread": """
        import ctypes, os
        child = ctypes.CDLL(None).syscall(56, 0x00000011, 0, 0, 0, 0)  # clone with SIGCHLD alone, on x86-64
        if child == 0:
            os._exit(0)
        escaped = os.uname().machine == "x86_64" and child > 0
        """,
    "taking more memory than its limit": """
        import numpy as np
        escaped = np.empty((4 * {memory_mb}, 1 << 17)).size > 0  # claimed, never touched
        """,
}
WORKS = """
import tempfile, threading, statistics
import numpy as np
works = bool(np.allclose(np.linalg.inv(np.eye(3)), np.eye(3)))
"""
THREADS = """
import threading
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
works = True
"""
