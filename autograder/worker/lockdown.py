"""What a worker gives up before it sees a line of the student's code. It runs inside the jail.

Imported by path, so it imports nothing of ours. Each step raises where it does not take: a worker
that could not lock itself in must never come to run anything.
"""

import ctypes
import os
import resource
import struct
from collections.abc import Iterable, Sequence
from typing import Any

SCRATCH = "/tmp"
SCRATCH_MB = 32
PROCESSES = 64  # threads and processes of one user in one jail, the fork server's own included

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CLONE_NEWNS = 0x00020000
_MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8

# Landlock's system calls have one number on all machines; the rights that each version of it knows
# (ABI 1, 2, 3, 5).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_FS_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_READ_FILE, _READ_FOLDER, _WRITE_FILE = 1 << 2, 1 << 3, 1 << 1


def lock(memory_mb: int, plan: dict[str, Any]) -> None:
    """Give up everything but the open descriptors, reading what the plan calls `readable`, and a
    scratch folder if the plan has one.
    """
    if plan["scratch"]:
        _own_scratch()
    _limit(memory_mb)
    if plan["uid"] is not None:
        _become(plan["uid"])
    _prctl(_PR_SET_PDEATHSIG, 9)
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _drop_capabilities()
    _landlock(plan["readable"], [SCRATCH] if plan["scratch"] else [], plan["landlock"])
    _filter(bytes.fromhex(plan["seccomp"]))


def _own_scratch() -> None:
    """A folder in memory that is this worker's alone and goes with it."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare")
    options = f"size={SCRATCH_MB}m,nr_inodes=1000,mode=777".encode()
    _check(
        _libc.mount(b"scratch", SCRATCH.encode(), b"tmpfs", _MS_NOSUID_NODEV_NOEXEC, options),
        "mount",
    )
    os.chdir(SCRATCH)


def _limit(memory_mb: int) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, memory_mb << 20),
        (resource.RLIMIT_FSIZE, SCRATCH_MB << 20),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NPROC, PROCESSES),
    ):
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _become(uid: int) -> None:
    """Root without a user namespace may do too much, whatever is filtered."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _drop_capabilities() -> None:
    header, nothing = struct.pack("Ii", 0x20080522, 0), bytes(24)  # version 3, this thread
    _check(_libc.capset(header, nothing), "capset")


def _landlock(readable: Iterable[str], writable: Sequence[str], newest: int) -> None:
    """Restrict files as far as this kernel's Landlock can, by no version newer than `newest`. The
    self-test finds out whether that is enough.
    """
    version = min(newest, _libc.syscall(_CREATE_RULESET, None, 0, 1))
    if version < 1:
        return
    rights = _FS_RIGHTS[max(v for v in _FS_RIGHTS if v <= version)]
    network, scoped = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = struct.pack("QQQ", rights, network, scoped)[:size]
    rules = _check(_libc.syscall(_CREATE_RULESET, attributes, size, 0), "landlock_create_ruleset")
    for path in readable:
        _allow(rules, path, _READ_FILE | (_READ_FOLDER if os.path.isdir(path) else 0))
    for path in writable:
        _allow(rules, path, rights)
    _allow(rules, os.devnull, _READ_FILE | _WRITE_FILE)
    _check(_libc.syscall(_RESTRICT_SELF, rules, 0), "landlock_restrict_self")
    os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # what is not there, or out of reach, needs no permission
        return
    attributes = struct.pack("=Qi", rights, folder)
    _check(_libc.syscall(_ADD_RULE, rules, 1, attributes, 0), f"landlock_add_rule {path}")
    os.close(folder)


def _filter(program: bytes) -> None:
    """Load a seccomp filter: the instructions as libseccomp exports them, 8 bytes each."""
    instructions = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    filled = Program(len(program) // 8, ctypes.addressof(instructions))
    _check(_libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(filled), 0, 0), "seccomp")


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl {option}")


def _check(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result
