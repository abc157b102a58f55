"""What a worker finds around it, wherever it runs: its modules, by path, and its environment."""

import os
from pathlib import Path

import msgpack
import numpy as np

from autograder import worker


def modules() -> dict[str, str]:
    """What a worker imports besides the standard library, and from where."""
    return {
        "numpy": str(np.__file__),
        "msgpack": str(msgpack.__file__),
        "autograder.worker.codec": source("codec"),
        "autograder.worker.invoke": source("invoke"),
    }


def source(module: str) -> str:
    """The file of a module that shares a process with a student's code: it is started or loaded by
    path.
    """
    return str(Path(str(worker.__file__)).with_name(f"{module}.py"))


def environment() -> dict[str, str]:
    """Nothing of ours but what the interpreter needs to start. One thread, so that sums are
    bit-stable.
    """
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    needed = ("SYSTEMROOT", "PATH") if os.name == "nt" else ()
    return {
        **{name: os.environ[name] for name in needed if name in os.environ},
        **one_thread,
        "LC_ALL": "C.UTF-8",
    }
