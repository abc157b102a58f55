"""The seccomp filter of a worker: the system calls that Python and NumPy need, and no others.

Made here with libseccomp, where we trust everything, and handed to the worker as a program of
bytes. What is not on the list fails with EPERM, so that a student's code sees an exception and goes
on.
"""

import errno
import functools
import os
import tempfile

from autograder.model.errors import UserError

_ALLOWED = """
read write readv writev pread64 pwrite64 lseek close fstat fsync fdatasync ftruncate fallocate sendfile
stat lstat newfstatat statx access faccessat faccessat2 readlink readlinkat getdents64 getcwd chdir fchdir umask
open openat mkdir mkdirat rmdir rename renameat renameat2 unlink unlinkat chmod fchmod fchmodat utimensat
dup dup2 dup3 fcntl flock pipe pipe2 poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2
mmap mprotect munmap mremap madvise brk membarrier
rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
futex set_robust_list get_robust_list rseq set_tid_address sched_yield sched_getaffinity gettid
getpid getppid getuid geteuid getgid getegid getgroups getpgrp getpgid getsid getrlimit getrusage times uname sysinfo
clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time getcpu
getitimer setitimer alarm restart_syscall getrandom exit exit_group
""".split()  # noqa: SIM905
_CLONE_THREAD = 0x00010000
_FIOCLEX, _FIONCLEX, _TCGETS, _TIOCGWINSZ = 0x5451, 0x5450, 0x5401, 0x5413


class NoSeccomp(UserError):
    """There is no libseccomp to make a filter with."""


@functools.cache
def program() -> bytes:
    """The filter as instructions for the kernel; raise NoSeccomp where it cannot be made."""
    try:
        import pyseccomp as sc
    except (ImportError, RuntimeError, OSError):
        raise NoSeccomp(
            "libseccomp is missing: install it (Debian and Ubuntu: apt install libseccomp2)"
        ) from None
    rules = sc.SyscallFilter(sc.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        _add(rules, sc.ALLOW, name)
    for request in (_FIOCLEX, _FIONCLEX, _TCGETS, _TIOCGWINSZ):
        _add(rules, sc.ALLOW, "ioctl", sc.Arg(1, sc.EQ, request))
    _add(rules, sc.ALLOW, "prlimit64", sc.Arg(0, sc.EQ, 0))  # its own limits: they can only go down
    _add(
        rules, sc.ALLOW, "clone", sc.Arg(0, sc.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD)
    )  # threads, no processes
    _add(
        rules, sc.ERRNO(errno.ENOSYS), "clone3"
    )  # its flags are out of a filter's sight; the C library turns to clone
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read()


def _add(rules: object, action: int, name: str, *arguments: object) -> None:
    try:
        rules.add_rule(action, name, *arguments)  # type: ignore[attr-defined]
    except (ValueError, OSError):  # this machine has no call of that name, so nobody can make it
        return
