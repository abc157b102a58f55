"""Imports point one way, and a student's side needs neither Linux nor the instructor's packages."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "autograder"

# Each layer may import those before it. The worker is apart: it is started by path and imports the least.
LAYERS = [
    {"picture"},
    {"errors", "results", "topic", "wire", "bank", "proof", "mutants", "compare", "fingerprint"},
    {"roll", "handout.archive", "handout.wheel"},
    {
        "calling",
        "answers",
        "notebook",
        "worker",
        "report.view",
        "report.svg",
        "gradients",
        "learner.progress",
        "learner.advice",
    },
    {"learner.signpost", "learner.depends", "learner.overview", "report.plots"},
    {"learner.hints", "learner.watch"},
    {"report.chart", "report.drawing"},
    {
        "student",
        "suite",
        "handout.leaks",
        "handed_in",
        "jail.lockdown",
        "jail.inside",
        "jail.workers",
        "report.terminal",
        "report.html",
        "solve",
    },
    {"jail.attempts", "jail.syscalls", "jail.plain", "store", "sheets", "report.page", "report.figures"},
    {"gradescope.results"},
    {"learner.statefile"},
    {"learner.remember"},
    {"reading", "report.class_page"},
    {"faults", "report.gradesheet", "platforms"},
    {"jail.sandbox", "jail.forked"},
    {"jail.tiers"},
    {"oracle", "local", "jailed", "checks.data", "plugin", "training"},
    {"diagnose"},
    {"run"},
    {"submissions", "live", "jobs"},
    {"home", "course", "pool", "learner.desk"},
    {"record", "handout.kit", "gradescope.inside", "learner.catalogue"},
    {"gradescope.pack"},
    {
        "nbgrader.rename",
        "nbgrader.release",
        "nbgrader.rebuild",
        "nbgrader.api",
        "nbgrader.collect",
        "nbgrader.timestamps",
        "nbgrader.formulas",
        "audit.findings",
        "audit.seeded",
    },
    {"nbgrader.outputs", "nbgrader.classroom", "nbgrader.exporter", "nbgrader.markdown", "audit.mutation"},
    {"nbgrader.grade", "nbgrader.book", "nbgrader.feedback", "nbgrader.roll"},
    {"nbgrader.config", "grade", "releasing", "audit.audit"},
    {"demo", "cli_base", "cli_class"},
    {"cli_learner"},
    {"cli"},
    {"__main__"},
]
RANK = {module: rank for rank, layer in enumerate(LAYERS) for module in layer}
CHECKS = [p.stem for p in (PACKAGE / "checks").glob("[a-z]*.py") if not p.stem.startswith("test_")]
RANK |= {f"checks.{name}": RANK["checks.data"] for name in CHECKS}  # what suites share, and probes


def modules():
    paths = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" and p.stem[:5] != "test_")
    return [".".join(p.relative_to(PACKAGE).with_suffix("").parts) for p in paths]


def imports(module, everywhere):
    """Our own modules that one imports: at its top, or anywhere."""
    tree = ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else tree.body
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "autograder":
            base = (node.module or "").removeprefix("autograder").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                yield full if full in RANK else base


def test_every_module_has_its_layer():
    assert set(modules()) == set(RANK)


@pytest.mark.parametrize("module", modules())
def test_imports_point_down(module):
    sideways = {name for name in imports(module, everywhere=module != "home") if RANK[name] > RANK[module]}
    assert sideways <= ({"calling", "wire"} if module == "worker" else set())


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


@pytest.mark.parametrize("module", ["live", "cli", "home", "submissions", "run"])
def test_a_students_side_imports_nothing_linux_only_and_nothing_of_the_instructors(module):
    code = f"""
import sys
for name in {BLOCKED}:
    sys.modules[name] = None
import importlib
importlib.import_module("autograder.{module}")
"""
    # psutil and subprocess pick their own platform's modules: what is meant is ours
    code = code.replace(
        "import sys\n", "import sys, subprocess, psutil, multiprocessing, tempfile, pytest, IPython, jinja2\n", 1
    )
    subprocess.run([sys.executable, "-c", code], check=True)
