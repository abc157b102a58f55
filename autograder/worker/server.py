"""The process that a student's code runs in. It is told code and calls, and answers with values.

Started by path, isolated, without site-packages: of the world outside the standard library it gets
the modules that its first argument names, NumPy and msgpack. It reads frames from the descriptor
that was its standard input and writes them to the one that was its standard output; the student's
code sees neither. In a jail the fork server makes a Server of itself instead, on a socket.
"""

import importlib.util
import json
import marshal
import os
import re
import sys
from types import ModuleType
from typing import Any, BinaryIO


def main() -> None:
    """Serve one parent until it closes the pipe."""
    places: dict[str, str] = json.loads(sys.argv[1])
    _limit_memory(int(sys.argv[2]))
    _adopt_orphans()
    requests, replies = _take_pipes()
    Server(requests, replies, furnish(places)).serve()


def furnish(places: dict[str, str]) -> ModuleType:
    """Import modules by name from their files, ours below empty packages, the outermost of which is
    returned.
    """
    package = _empty_package("autograder")
    vars(package)["worker"] = _empty_package("autograder.worker")
    for name, path in places.items():
        _load(name, path)
    return package


def _empty_package(name: str) -> ModuleType:
    package = sys.modules[name] = ModuleType(name)
    package.__path__ = []
    return package


class Server:
    """One namespace, like a notebook's, and the requests that fill it and call into it."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO, package: ModuleType) -> None:
        from autograder.worker import codec, invoke

        self.codec, self.invoke = codec, invoke
        self.requests, self.replies = requests, replies
        self.namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.probes: dict[str, Any] = {}
        _furnish(self.namespace, package)

    def serve(self) -> None:
        while (frame := self.codec.read_frame(self.requests.read)) is not None:
            request = self.codec.decode(frame, self.codec.Seed)
            outcome = getattr(self, f"do_{request['do']}")(request)
            self.replies.write(
                self.codec.encode({"nonce": request["nonce"], "outcome": outcome}, envelope=True)
            )
            self.replies.flush()

    def do_topic(self, request: dict[str, Any]) -> dict[str, Any]:
        """Take what is the course's own, compiled: the module `given` and the probes."""
        module = sys.modules["given"] = ModuleType("given")
        with self.invoke.quiet():
            exec(marshal.loads(request["given"].tobytes()), vars(module))
        self.probes = self.invoke.load_probes(marshal.loads(request["probes"].tobytes()))
        return {}

    def do_notebook(self, request: dict[str, Any]) -> dict[str, Any]:
        """All of a submission in one request: the course's own, then the cells; what each came
        to.
        """
        self.do_topic(request)
        return {"cells": [self.do_cell(cell) for cell in request["cells"]]}

    def do_cell(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one cell of the notebook in the namespace; the type of its error, and a sentence."""
        return self._execute(request["source"], request["label"], self.namespace)

    def do_call(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            function, args, kwargs = request["function"], request["args"], request["kwargs"]
            return self.invoke.call(self.namespace, function, args, kwargs, self.probes)
        except KeyboardInterrupt:  # here only a student's own raise can be the cause
            cause = {"kind": "raised", "error": self.invoke.error_name()}
            return {"cause": cause, "text": f"{function} raised {self.invoke.first_line()}"}

    def _execute(self, source: str, label: str, namespace: dict[str, Any]) -> dict[str, Any]:
        try:
            with self.invoke.quiet():
                exec(compile(source, f"<{label}>", "exec"), namespace)
        except SyntaxError as error:
            kind = type(error).__name__
            return {"error": kind, "text": f"{kind}: {error.msg} (line {error.lineno})"}
        except BaseException:
            line = self.invoke.line_in(namespace)
            text = self.invoke.first_line() + (f" (line {line})" if line else "")
            return {"error": self.invoke.error_name(), "text": text}
        return {}


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes to the parent; what the student's code reads and prints goes nowhere."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    return requests, replies


def _limit_memory(megabytes: int) -> None:
    try:
        import resource  # absent on Windows, and without effect on macOS
    except ImportError:
        return
    size = megabytes << 20
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):  # the system's own limit is lower, or there is none to set
        return


def _adopt_orphans() -> None:
    """Whatever the student's code starts stays below this process, where the parent finds it to end
    it.
    """
    if sys.platform == "linux":
        import ctypes

        PR_SET_CHILD_SUBREAPER = 36
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _load(name: str, path: str) -> None:
    folder = [os.path.dirname(path)] if path.endswith("__init__.py") else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folder)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


class _Inert(ModuleType):
    """Stands in for what only draws or talks: any attribute, call, item or loop comes to
    nothing.
    """

    __path__: list[str] = []  # noqa: RUF012, it is a package too

    def __init__(self, name: str = "nothing", length: int = 2) -> None:
        super().__init__(name)
        self.__dict__["_length"] = length

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _subplots if name == "subplots" else self

    def __call__(self, *args: object, **kwargs: object) -> "_Inert":
        return self

    def __getitem__(self, key: object) -> "_Inert":
        return self

    def __setitem__(self, key: object, value: object) -> None:
        return None

    def __len__(self) -> int:
        return int(self._length)

    def __iter__(self) -> Any:
        return iter([self] * len(self))

    def __enter__(self) -> "_Inert":
        return self

    def __exit__(self, *exception: object) -> None:
        return None


def _subplots(rows: int = 1, columns: int = 1, **kwargs: int) -> tuple[_Inert, _Inert]:
    """A figure and as many axes as were asked for, so that they can be unpacked."""
    rows, columns = kwargs.get("nrows", rows), kwargs.get("ncols", columns)
    return _Inert(), _Inert(length=rows if rows > 1 else columns)


class _Drawing:
    """Finds what a notebook looks with, and each module of it is nothing: the libraries that draw,
    a topic's figures, and what all lessons share.
    """

    LIBRARIES = ("matplotlib", "mpl_toolkits", "IPython", "ipywidgets", "seaborn")
    OURS = ("figures", "autograder.lesson")

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        if not f"{name}.".startswith(tuple(f"{known}." for known in self.LIBRARIES + self.OURS)):
            return None
        loader: Any = self
        return importlib.util.spec_from_loader(name, loader)

    def create_module(self, spec: Any) -> _Inert:
        return _Inert(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _Shell:
    """What `get_ipython()` answers: magics that time code run it, all others do nothing."""

    _RUNS = ("time", "timeit", "prun", "capture", "memit")

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def run_line_magic(self, name: str, line: str, *_: object) -> None:
        self.run_cell_magic(name, "", re.sub(r"^\s*(-\w+(\s+\d+)?\s+)*", "", line))

    def run_cell_magic(self, name: str, line: str, body: str) -> None:
        if name in self._RUNS:
            try:
                code = compile(body, f"<%{name}>", "exec")
            except SyntaxError:  # options that we do not know: it would only have been timed
                return
            exec(code, self._namespace)

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: []


def _furnish(namespace: dict[str, Any], package: ModuleType) -> None:
    """What a notebook finds around it: our own functions, its shell, and libraries that draw."""
    nothing, shell = _Inert(), _Shell(namespace)
    vars(package).update(check=nothing, start=nothing, hint=nothing)
    namespace.update(get_ipython=lambda: shell, display=nothing)
    sys.meta_path.insert(0, _Drawing())


if __name__ == "__main__":
    main()
