"""The jail as somebody who is not root has it, and one grading in it."""

import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest
from notebooks import COURSE, ROOT, TOPIC, answer, solved, written

from autograder.jail import tiers

USER = 54321  # has no account, no group and no files
IMPORTS = (
    "import numpy, msgpack, psutil, pyseccomp, pytest, threadpoolctl, jinja2, click, os, sys\n"
)
IMPORTS += (
    "sys.exit(not os.access(sys.executable, os.R_OK | os.X_OK) and 'its Python is out of reach')"
)


def as_user(*command):
    """Run a command with the rights of an ordinary user, and with what this test can import."""
    folders = [
        str(ROOT),
        str(ROOT / "tests"),
        *(path for path in sys.path if path.endswith(("site-packages", "dist-packages"))),
    ]
    folders += [path for path in site.getsitepackages() if path not in folders]
    drop = [
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(folders),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [*drop, *command],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@cache
def python():
    """A Python that others may run: that of the tests, or else the system's."""
    if not hasattr(os, "getuid") or os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming an ordinary user needs root and setpriv")
    last = ""
    for candidate in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if os.path.exists(candidate):
            done = as_user(candidate, "-B", "-c", IMPORTS)
            if done.returncode == 0:
                return candidate
            last = (done.stderr.strip().splitlines() or [f"{candidate} cannot be run"])[-1]
    return pytest.skip(f"no Python here that another user may run with these packages: {last}")


SURVEY = """
from autograder.jail import tiers
found = tiers.survey()
print(found.jail.tier, found.passed_over)
"""
GRADING = """
import sys
from pathlib import Path
from autograder.model import answer_key
from autograder.jail import tiers
from autograder.grading.submission import grade_file
for tier in sys.argv[3:]:
    jail = tiers.open_tier(tier)
    print(grade_file(answer_key.load(Path(sys.argv[1])), Path(sys.argv[2]), jail, None, ["relu"]).to_json())
    print("----")
"""


def test_an_ordinary_user_has_a_jail_that_holds():
    done = as_user(python(), "-B", "-c", SURVEY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in ("A", "B"), done.stdout
    if tiers.survey().jail.tier == "A" and "A" not in done.stdout[:1]:
        assert "bwrap" in done.stdout or "uid map" in done.stdout, done.stdout


@pytest.mark.parametrize("tier", ["A", "B"])
@pytest.mark.parametrize("right", [True, False])
def test_an_ordinary_user_grades_in_it(tier, right):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        attack = "def relu(z):\n    raise ValueError(open('/etc/passwd').read())\ndef leaky_relu(z): return z"
        path = written(solved(relu=answer("relu") if right else attack), Path(folder))
        path.chmod(0o644)
        release = COURSE.release(TOPIC.id) / "answers.npz"
        copy = Path(shutil.copy(release, folder))
        copy.chmod(0o644)
        done = as_user(python(), "-B", "-c", GRADING, str(copy), str(path), tier)
        if done.returncode and ("uid map" in done.stderr or "not permitted" in done.stderr):
            pytest.skip(
                done.stderr.strip().splitlines()[-1]
            )  # a machine that gives users no namespaces
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout.partition("----")[0])
        assert (report["score"] == report["max_score"]) is right, report
        assert "root:" not in done.stdout
