"""The seccomp filter of a worker: the system calls that Python and NumPy need, and no others.

Made here with libseccomp, where we trust everything, and handed to the worker as a program of
bytes. A call that is not on the list fails with EPERM, so that a student's code sees an exception
and goes on.

A filter cannot see paths. So no call that changes a file's mode, owner, times, locks or attributes
is on the list at all: Landlock, which sees paths, does not cover these. Where a call does many
things by a number (fcntl, ioctl, prlimit, clone, madvise), the numbers are on the list too.
"""

import errno
import fcntl
import functools
import mmap
import os
import tempfile
from typing import Any

from autograder.model.errors import UserError

_ALLOWED = """
read write readv writev pread64 pwrite64 lseek close fstat fsync fdatasync ftruncate sendfile
stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd chdir
fchdir umask mkdir mkdirat rmdir rename renameat renameat2 unlink unlinkat
dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait
eventfd2 mprotect munmap mremap brk
rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity gettid
getpid getppid getuid geteuid getgid getegid getgroups getpgrp getpgid getsid getrlimit getrusage
times uname sysinfo clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getcpu
getitimer setitimer alarm restart_syscall getrandom exit exit_group
""".split()  # noqa: SIM905
_TCGETS, _TIOCGWINSZ, _FIOCLEX, _FIONCLEX = 0x5401, 0x5413, 0x5451, 0x5450
_F_DUPFD_CLOEXEC = 1030
_MAP_GROWSDOWN, _MAP_LOCKED, _MAP_HUGETLB = 0x100, 0x2000, 0x40000
_MADV_FREE, _MADV_HUGEPAGE, _MADV_NOHUGEPAGE = 8, 14, 15
# How the C libraries make a thread: everything shared, no namespace, nothing traced, no process.
_THREAD_GLIBC, _THREAD_MUSL = 0x3D0F00, 0x7D0F00


class NoSeccomp(UserError):
    """There is no libseccomp to make a filter with."""


@functools.cache
def program(threads: bool) -> bytes:
    """The filter as instructions for the kernel; without `threads` no thread can be started.

    Raise NoSeccomp where it cannot be made.
    """
    try:
        import pyseccomp as sc
    except (ImportError, RuntimeError, OSError):
        raise NoSeccomp(
            "libseccomp is missing: install it (Debian and Ubuntu: apt install libseccomp2)"
        ) from None
    rules = sc.SyscallFilter(sc.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        _add(rules, sc.ALLOW, name)
    for call, place, numbers in _by_number(threads):
        for number in numbers:
            _add(rules, sc.ALLOW, call, sc.Arg(place, sc.EQ, number))
    for call, place, mask, value in _by_bits():
        _add(rules, sc.ALLOW, call, sc.Arg(place, sc.MASKED_EQ, mask, value))
    # Its flags are out of a filter's sight; the C library turns to clone.
    _add(rules, sc.ERRNO(errno.ENOSYS), "clone3")
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read()


def _by_number(threads: bool) -> list[tuple[str, int, list[int]]]:
    """Calls that are allowed where an argument, by its place, is one of some numbers."""
    descriptors = [fcntl.F_DUPFD, _F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL]
    advice = [mmap.MADV_DONTNEED, _MADV_FREE, _MADV_HUGEPAGE, _MADV_NOHUGEPAGE]
    return [
        ("fcntl", 1, descriptors),  # no lock, lease, owner or signal
        ("ioctl", 1, [_FIOCLEX, _FIONCLEX, _TCGETS, _TIOCGWINSZ]),
        ("madvise", 2, advice),
        ("prlimit64", 0, [0]),  # its own limits: they can only go down
        ("clone", 0, [_THREAD_GLIBC, _THREAD_MUSL] if threads else []),
    ]


def _by_bits() -> list[tuple[str, int, int, int]]:
    """Calls that are allowed where some bits of an argument, by its place, have a value."""
    memory = _MAP_GROWSDOWN | _MAP_LOCKED | _MAP_HUGETLB  # shared by the whole machine, or endless
    found = [("mmap", 3, memory, 0)]
    # Landlock before its version 3 lets a file that may only be read be opened and emptied at once.
    for call, place in (("open", 1), ("openat", 2)):
        found += [(call, place, os.O_TRUNC, 0)]
        found += [(call, place, os.O_ACCMODE, mode) for mode in (os.O_WRONLY, os.O_RDWR)]
    return found


def _add(rules: Any, action: int, name: str, *arguments: object) -> None:
    try:
        rules.add_rule(action, name, *arguments)
    except (ValueError, OSError):  # this machine has no call of that name, so nobody can make it
        return
