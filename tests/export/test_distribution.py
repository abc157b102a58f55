"""What can be published: a name of our own, metadata that an index takes, and no solution."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest
from notebooks import ROOT

from autograder.export.leaks import Secrets, leaks


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the source distribution and the wheel, built in a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("autograder", "solutions", "tests", "assignments"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "build", "--outdir", str(tree / "dist"), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return tree / "dist"


def members(folder):
    """The files of both distributions, by their path in it."""
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(source) as archive:
        files = [m for m in archive.getmembers() if m.isfile()]
        found = {m.name.partition("/")[2]: archive.extractfile(m).read() for m in files}
    with zipfile.ZipFile(wheel) as archive:
        return found | {name: archive.read(name) for name in archive.namelist()}


def test_the_name_is_our_own(built):
    names = sorted(path.name.partition("-")[0] for path in built.iterdir())
    assert names == ["first_principles_kit", "first_principles_kit"]


def test_an_index_would_take_it(built):
    files = [str(path) for path in built.iterdir()]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_solution_is_in_it(built):
    secrets = Secrets(ROOT / "solutions", None)
    found = members(built)
    assert not [name for name in found if name.startswith(("solutions", "tests", "assignments"))]
    assert {"autograder/live.py", "autograder/checks/neurons/test_layers.py"} <= set(found)
    assert leaks(found, re.compile(".*"), secrets) == []
