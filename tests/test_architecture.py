"""A package imports only packages below it, and a student's side needs neither Linux nor the
instructor's packages.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "autograder"
# From the top down: what a package may import stands below it, or in it.
LAYERS = [
    "cli",
    "nbgrader",
    "export",
    "live",
    "render",
    "learner",
    "audit",
    "course",
    "grading",
    "checks",
    "jail",
    "testing",
    "lesson",
    "model",
    "worker",
]
MODULES = sorted(
    ".".join(p.relative_to(PACKAGE).with_suffix("").parts) for p in PACKAGE.rglob("*.py")
)


def imports(module):
    """Our own modules that one imports, anywhere in it."""
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autograder."):
            base = node.module.removeprefix("autograder.")
            names = {f"{base}.{alias.name}" for alias in node.names}
            yield from (names & set(MODULES)) or {base}


@pytest.mark.parametrize("module", [m for m in MODULES if m.partition(".")[0] in LAYERS])
def test_a_package_imports_only_packages_below_it(module):
    home = LAYERS.index(module.partition(".")[0])
    assert {
        name for name in imports(module) if LAYERS.index(name.partition(".")[0]) < home
    } <= ALLOWED.get(module, set())


def test_nothing_else_lies_at_the_root():
    assert {m for m in MODULES if "." not in m} == {"__init__", "__main__", "live"}
    assert {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"} <= set(
        LAYERS
    )


ALLOWED = {}


@cache
def depth(module):
    """How many modules an import of this one passes through, one importing the next, at most."""
    return 1 + max(
        (depth(name) for name in imports(module) if name != module and name in MODULES), default=0
    )


def test_no_chain_of_imports_is_long():
    assert max(map(depth, MODULES)) <= 10


BLOCKED = [
    "resource",
    "fcntl",
    "pwd",
    "grp",
    "termios",
    "pty",
    "posix_spawn",
    "nbgrader",
    "pydantic",
    "yaml",
    "sqlalchemy",
]


@pytest.mark.parametrize(
    "module", ["live", "cli.main", "learner.find_answers", "grading.submission", "grading.run"]
)
def test_a_students_side_imports_nothing_linux_only_and_nothing_of_the_instructors(module):
    # psutil and subprocess pick their own platform's modules: what is meant is ours
    code = f"""
import sys, subprocess, psutil, multiprocessing, tempfile, pytest, IPython, jinja2
for name in {BLOCKED}:
    sys.modules[name] = None
import importlib
importlib.import_module("autograder.{module}")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
