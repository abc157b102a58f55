"""What the oracle and the probes are given is the same to the bit on every machine."""

import json
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from notebooks import COURSE

from autograder.audit.inputs import exact_inputs, shaken
from autograder.model import answer_key

NO_VECTORS = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX2 FMA3 F16C AVX"
MACHINES = {
    "SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX", "OPENBLAS_NUM_THREADS": "2"},
    "Haswell": {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1"},
    "Zen": {"OPENBLAS_CORETYPE": "Zen", "OPENBLAS_NUM_THREADS": "2"},
    "old": {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": NO_VECTORS},
}
SEEN = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")  # features that this machine does not have cannot be switched off
from autograder.audit.inputs import exact_inputs
from autograder.course import course_file
from autograder.model import answer_key
course = course_file.load(Path(sys.argv[1]))
found = {}
for topic in course.topic_ids:
    found[topic] = exact_inputs(course, answer_key.load(course.release(topic) / answer_key.NAME))
print(json.dumps(found))
"""


@cache
def seen(name):
    """The inputs of each topic on a machine, in one process for all of them."""
    machine = MACHINES.get(name, {})
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "NPY_DISABLE"))}
    done = subprocess.run(
        [sys.executable, "-c", SEEN, str(COURSE.root / "course.yaml")],
        env=kept | machine,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=COURSE.topic_ids)
def topic(request):
    return request.param


@pytest.fixture(scope="module")
def here(topic):
    return seen("here")[topic]


def test_a_topic_asks_the_oracle(here):
    assert sum(len(calls) for calls in here.values()) >= 20


@pytest.mark.parametrize("machine", MACHINES)
def test_inputs_are_the_same_on_another_machine(topic, here, machine):
    assert seen(machine)[topic] == here


def test_inputs_are_the_same_where_functions_round_otherwise(topic, here):
    """The reference is shaken too, so that a check of its own may end early and ask less."""
    released = answer_key.load(COURSE.release(topic) / answer_key.NAME)
    with shaken():
        found = exact_inputs(COURSE, released)
    for key, calls in here.items():
        assert [c for c, now in zip(calls, found.get(key, [])) if c != now] == []


def test_shaken_functions_round_otherwise():
    """Else the test above could not fail."""
    x = np.array([0.5, 2.0])
    before = np.exp(x), np.linalg.norm(x), np.logaddexp.reduce(x)
    with shaken():
        after = np.exp(x), np.linalg.norm(x), np.logaddexp.reduce(x)
    assert all(np.all(b < a) and np.allclose(a, b, rtol=1e-15) for b, a in zip(before, after))
