"""What a fork server may see of the machine, and the commands that start one."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from autograder.jail import seccomp, surroundings
from autograder.model.errors import UserError
from autograder.worker import lockdown

NOBODY = 65534


class NoBubblewrap(UserError):
    """Bubblewrap is not installed."""


def plan(scratch: bool) -> dict[str, Any]:
    """What the fork server is told on its command line."""
    root = os.getuid() == 0
    return {
        "modules": {**surroundings.modules(), "autograder.worker.lockdown": lockdown.__file__},
        "server": surroundings.source("server"),
        "readable": readable(),
        "scratch": scratch,
        "seccomp": seccomp.program().hex(),
        "uid": NOBODY if root and not scratch else None,
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


def bubblewrapped() -> list[str]:
    """The command of a fork server that sees nothing but `readable()` and an empty scratch
    folder.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise NoBubblewrap(
            "bubblewrap is missing: install it (Debian and Ubuntu: apt install bubblewrap)"
        )
    command = [program, "--unshare-all", "--new-session", "--die-with-parent", "--clearenv"]
    for name, value in {**surroundings.environment(), "HOME": lockdown.SCRATCH}.items():
        command += ["--setenv", name, value]
    if os.getuid() == 0:  # in the sandbox nobody is root
        command += ["--uid", str(NOBODY), "--gid", str(NOBODY)]
    command += [
        "--cap-drop",
        "ALL",
        "--cap-add",
        "CAP_SYS_ADMIN",
    ]  # in there only, to give each worker its scratch
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
    return [*command, "--dev", "/dev", "--chdir", lockdown.SCRATCH, *naked()]


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
