"""What a fork server may see of the machine, and the ways to start one."""

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from autograder.jail import seccomp, surroundings
from autograder.jail.workers import Tier
from autograder.model.errors import UserError
from autograder.worker import lockdown

NOBODY = 65534
_NEWEST_LANDLOCK = 1 << 30  # whichever the kernel has
_HIGHEST = 1 << 31  # user ids above this one are trouble for some programs


class NoBubblewrap(UserError):
    """Bubblewrap is not installed."""


@dataclass(frozen=True)
class Way:
    """One way to start a fork server: its command, and what it is told."""

    command: list[str]
    plan: dict[str, Any]

    @property
    def threads(self) -> bool:
        """Whether a student's code may start threads."""
        return bool(self.plan["threads"])


def ways(tier: Tier) -> list[Way]:
    """The ways to open tier A or B on this machine, best first.

    Root opens the sandbox with its own rights and each worker becomes a user whom nothing belongs
    to. Where it may not, and for everybody else, the sandbox is a user namespace. A limit on threads
    does not bind whom root is outside, and without a namespace it counts all that an ordinary user
    runs: there, no thread can be started at all.
    """
    root = os.getuid() == 0
    if tier == "A":
        shared = bubblewrapped(namespace=True)
        best = (
            Way(bubblewrapped(namespace=False), plan(scratch=True, threads=True, uid=own_uid()))
            if root
            else Way(shared, plan(scratch=True, threads=True))
        )
        return [best, Way(shared, plan(scratch=True, threads=False))]
    if root:
        ids = [(own_uid(), True), (NOBODY, False)]
        return [Way(naked(), plan(scratch=False, threads=t, uid=uid)) for uid, t in ids]
    return [Way(naked(), plan(scratch=False, threads=False))]


def own_uid() -> int:
    """A user id that no account has and no other fork server: of this namespace's highest ones."""
    with open("/proc/self/uid_map") as file:
        ranges = [(int(first), int(count)) for first, _, count in map(str.split, file)]
    last = max(first + count for first, count in ranges)
    return min(last, _HIGHEST) - 2 - os.getpid() % 4096


def plan(scratch: bool, threads: bool, uid: int | None = None) -> dict[str, Any]:
    """What the fork server is told on its command line; its workers become `uid`, if given."""
    return {
        "modules": {**surroundings.modules(), "autograder.worker.lockdown": lockdown.__file__},
        "server": surroundings.source("server"),
        "readable": readable(),
        "scratch": scratch,
        "threads": threads,
        "seccomp": seccomp.program(threads).hex(),
        "landlock": _NEWEST_LANDLOCK,
        "uid": uid,
    }


def readable() -> list[str]:
    """Files and folders that a worker may read: the interpreter, its libraries, NumPy, msgpack, and
    our modules.
    """
    ours = [
        *surroundings.modules().values(),
        *(surroundings.source(name) for name in ("server", "fork_server", "lockdown")),
    ]
    return [
        interpreter(),
        *_standard_library(),
        *_system_libraries(),
        *_package(np.__file__),
        *_package(msgpack.__file__),
        *(path for path in ours if Path(path).name != "__init__.py"),
    ]


def interpreter() -> str:
    """The Python itself, not the link to it in a virtual environment."""
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def naked() -> list[str]:
    """The command of a fork server without bubblewrap."""
    return [interpreter(), "-I", "-S", surroundings.source("fork_server")]


def bubblewrapped(namespace: bool) -> list[str]:
    """The command of a fork server that sees nothing but `readable()` and an empty scratch folder,
    with or without a user `namespace`.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise NoBubblewrap(
            "bubblewrap is missing: install it (Debian and Ubuntu: apt install bubblewrap)"
        )
    command = [program, "--new-session", "--die-with-parent", "--clearenv"]
    for name, value in {**surroundings.environment(), "HOME": lockdown.SCRATCH}.items():
        command += ["--setenv", name, value]
    command += [f"--unshare-{kind}" for kind in ("ipc", "pid", "net", "uts", "cgroup-try")]
    # In there only: to give each worker its scratch, and to make another user of it.
    command += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    if namespace:
        command += ["--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    else:
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    memory = ["/", lockdown.SCRATCH]  # folders that bubblewrap makes in memory, for all workers
    command += ["--tmpfs", lockdown.SCRATCH]  # before the files: the kit itself may lie below it
    for link in ("/lib", "/lib64", "/lib32"):
        if os.path.islink(link):
            command += ["--symlink", os.readlink(link), link]
    stdlib = _standard_library()
    for path in sorted({os.path.abspath(p) for p in readable()}):
        command += ["--ro-bind", path, path]
        if path in stdlib:  # what is installed beside the standard library is not part of it
            for folder in ("site-packages", "dist-packages"):
                if os.path.isdir(f"{path}/{folder}"):
                    command += ["--tmpfs", f"{path}/{folder}"]
                    memory.append(f"{path}/{folder}")
    command += ["--dev", "/dev"]
    for folder in [*memory, "/dev"]:
        command += ["--remount-ro", folder]
    return [*command, "--chdir", lockdown.SCRATCH, *naked()]


def _standard_library() -> list[str]:
    return sorted(
        {
            os.path.realpath(path)
            for path in (os.path.dirname(os.__file__), sysconfig.get_path("stdlib"))
        }
    )


def _package(init: str | None) -> list[str]:
    """A package's folder, and the libraries that its wheel brought along."""
    folder = Path(str(init)).parent
    libraries = folder.with_name(f"{folder.name}.libs")
    return [str(folder), str(libraries)] if libraries.is_dir() else [str(folder)]


def _system_libraries() -> list[str]:
    """The folders of the shared libraries that this process has loaded, but for those of installed
    packages.
    """
    python = tuple(f"{prefix}/lib/python" for prefix in (sys.prefix, sys.base_prefix))
    python += tuple(
        _standard_library()
    )  # the prefix alone would not do: the system's Python has /usr
    with open("/proc/self/maps") as file:
        mapped = {line.split(None, 5)[5].strip() for line in file if ".so" in line and "/" in line}
    folders = {os.path.dirname(path) for path in mapped if not path.startswith(python)}
    folders = {
        path for path in folders if not {"site-packages", "dist-packages"} & set(path.split("/"))
    }
    extras = ["/usr/lib64", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"]
    folders |= {path for path in extras if os.path.exists(path) and not os.path.islink(path)}
    return sorted(folder for folder in folders if os.path.exists(folder))
