"""What the self-test tries from inside a worker: each attempt is a cell that should not get
anywhere.

An attempt leaves True in `escaped` if it got through, and does no harm if it does: it may run with
every right. They are tried on the machine at hand, because what a kernel's version promises and
what a container lets through are two things.
"""

READ_FILE = "opening a file of yours"
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
    "taking more memory than its limit": """
        import numpy as np
        escaped = np.empty((4 * {memory_mb}, 1 << 17)).size > 0  # claimed, never touched
        """,
}
WORKS = """
import tempfile, threading, statistics
import numpy as np
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
works = bool(np.allclose(np.linalg.inv(np.eye(3)), np.eye(3)))
"""
