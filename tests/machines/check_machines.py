"""The same verdict on every machine: `make test-machines`, and a part of it in CI.

A solved notebook, the stub and one alternative of each topic are checked against the released
answers while the linear algebra, the vector units and the threads are those of another machine, or
the packages those of another year.

MACHINES says which: `two` kernels that differ from this machine's own (CI), `all` kernels, features
and threads, or a folder of virtual environments, each with a Python that has other packages.
"""

import json
import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from autograder.course import course_file, record, solve
from autograder.model import answer_key

ROOT = Path(__file__).parents[2]
COURSE = course_file.load(ROOT / "course.yaml")
WHICH = os.environ.get("MACHINES", "two")
KERNELS = ["SkylakeX", "Haswell", "Zen", "Prescott"]
NO_VECTORS = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX2 FMA3 F16C AVX"


def own_kernel():
    """The kernel that OpenBLAS picks for this processor."""
    found = [i["architecture"] for i in threadpool_info() if i["internal_api"] == "openblas"]
    return found[0] if found else ""


def machines():
    """For each machine its name, its Python and what its environment says."""
    if WHICH == "two":
        others = [kernel for kernel in KERNELS if kernel != own_kernel()]
        return [(k, sys.executable, {"OPENBLAS_CORETYPE": k}) for k in (others[0], others[-1])]
    if WHICH == "all":
        return [
            (
                f"{kernel}, {'all' if vectors else 'no'} vector units, {threads} threads",
                sys.executable,
                {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": threads}
                | ({} if vectors else {"NPY_DISABLE_CPU_FEATURES": NO_VECTORS}),
            )
            for kernel, vectors, threads in product(KERNELS, (True, False), "12")
        ]
    folders = sorted(Path(WHICH).glob("*/bin/python"))
    return [(path.parents[1].name, str(path), {}) for path in folders]


def sources(topic):
    """The stub, the reference and the first alternative, each by its text."""
    folder = COURSE.solutions(topic.id)
    alternative = record.alternatives(COURSE, topic)[0]
    reference = (folder / "reference.py").read_text(encoding="utf-8")
    return {"stub": "", "reference": reference, "alternative": alternative.read_text("utf-8")}


@pytest.fixture(scope="module", params=COURSE.topic_ids)
def folder(request, tmp_path_factory):
    """A copy of a released folder, with the three notebooks in it."""
    topic = COURSE.topic(request.param)
    copy = tmp_path_factory.mktemp("lesson") / topic.id
    shutil.copytree(COURSE.release(topic.id), copy)
    for name, source in sources(topic).items():
        solved = solve.solve(COURSE.assignment(topic.id), topic, source, name)
        solve.write(solved, copy / f"{name}.ipynb")
    return copy


# In CI two answers are enough: the third doubles what the first one takes.
NAMES = ["reference", "stub"] + (["alternative"] if WHICH != "two" else [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("machine", machines(), ids=lambda machine: machine[0])
def test_the_verdict_is_the_same(folder, name, machine):
    _, python, environment = machine
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "NPY_DISABLE"))}
    done = subprocess.run(
        [python, "-m", "autograder", "check", f"{folder}/{name}.ipynb", "--json", "-"],
        env=kept | environment | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr[-2000:]
    report = json.loads(done.stdout)
    failed = [c["id"] for e in report["exercises"] for c in e["checks"] if not c["passed"]]
    right = 0.0 if name == "stub" else answer_key.load(folder / answer_key.NAME).topic.max_score
    wrong = failed if name != "stub" else []
    assert (report["status"], wrong, report["reason"]) == ("graded", [], None)
    assert report["score"] >= right
    assert done.returncode == (1 if name == "stub" else 0)
