"""Attacks for tests: a tiny topic whose answer nobody can guess, secrets to find, and what must
hold in the end.

The reference of `double` adds a secret number, so whoever passes it without knowing the number has
seen something of ours. `shift` is there for the taking: an attack that leaves it alone keeps its
point.
"""

import atexit
import os
import secrets
import shutil
import struct
import sys
import tempfile
import textwrap
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from jails import jail_of

from autograder.course.record import Recording
from autograder.grading import suite
from autograder.grading.in_worker import Jailed
from autograder.grading.run import grade_each, run_suite
from autograder.grading.suite import suite_digest
from autograder.model.answer_key import Answers
from autograder.model.notebook import Cell
from autograder.model.report import Report
from autograder.model.topic import ExerciseSpec, Topic
from autograder.render import cards, terminal

LOCKED = ("A", "B")  # the tiers that hold a stranger's code
CANARY = f"canary-{secrets.token_hex(16)}"
PATTERN = "canary-[0-9a-f]{32}"  # what an attack looks for: it does not contain itself
NUMBER = struct.unpack("<d", b"\x01" + secrets.token_bytes(5) + b"\x10\x40")[0]  # between 4 and 5
HONEST, STOLEN = 1.0, 3.0  # points without the answer of `double`, and with it
SUITE = '''
import numpy as np
import pytest

from autograder.testing import assert_close, assert_unchanged


@pytest.mark.exercise("double")
class TestDouble:
    @pytest.mark.parametrize("shape", [(3, 2), (8, 8), (1,)])
    def test_values(self, student, oracle, rng, shape):
        """2 x and a bit is right"""
        x = rng.normal(size=shape)
        assert_close(student.double(x), oracle.double(x))

    def test_zeros(self, student, oracle):
        """All entries are the same for zeros"""
        assert_close(student.double(np.zeros((3, 2))), oracle.double(np.zeros((3, 2))))


@pytest.mark.exercise("shift")
class TestShift:
    def test_shift(self, student, rng):
        """x + 1 is right, and x stays as it is"""
        x = rng.normal(size=3)
        assert_close(student.shift(x), x + 1)
        assert_unchanged(student)
'''
SHIFT = "def shift(x):\n    return x + 1"
RIGHT = f"def double(x):\n    return 2 * x + {NUMBER!r}"
WRONG = "def double(x):\n    return 2 * x"


@cache
def course():
    """A folder as an instructor has it, its secrets open to all accounts, so that only the jail is
    in the way.
    """
    root = Path(tempfile.mkdtemp(dir="/var/tmp" if os.path.isdir("/var/tmp") else None))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for name in (
        ".autograder/seed",
        ".autograder/07-tiny.npz",
        "solutions/tiny.py",
        "gradebook.db",
        "tests/hidden.py",
    ):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(CANARY, encoding="utf-8")
    for path in (root, *root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    os.environ["AUTOGRADER_CANARY"] = CANARY
    return root


def topic(seconds=0.3, memory_mb=512):
    exercises = [
        ExerciseSpec("double", 2.0, seconds, {"double": ["x"]}),
        ExerciseSpec("shift", 1.0, seconds, {"shift": ["x"]}),
    ]
    return Topic("07-tiny", "Tiny", exercises, 1.0, memory_mb, [], "import numpy as np\n")


@pytest.fixture
def tiny(monkeypatch):
    """Answers to the tiny topic, recorded with its own suite in the place of the course's."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tiny").mkdir()
        (Path(folder) / "tiny" / "test_tiny.py").write_text(SUITE, encoding="utf-8")
        monkeypatch.setattr(suite, "_CHECKS", Path(folder))
        yield answers(4711)
        sys.modules.pop("test_tiny", None)


def answers(seed):
    """What the reference says under a seed; the canary lies among it."""
    found = Answers(topic(), seed, suite_digest(topic()))
    reference = SimpleNamespace(double=lambda x: 2 * x + NUMBER, shift=lambda x: x + 1)
    run_suite(topic(), [Recording(reference, found)])
    found.mistakes["canary"] = {"exercise": "double", "title": CANARY, "hint": CANARY}
    return found


def cells(attack):
    """A submission: the attack, with an answer that is wrong unless it has one of its own, and a
    right one.
    """
    attack = textwrap.dedent(attack)
    texts = ["import numpy as np", *([] if "def double" in attack else [WRONG]), attack]
    texts += [] if "def shift" in attack else [SHIFT]
    return [Cell(i, "code", text) for i, text in enumerate(texts, 1)]


def pages(report):
    """Everything that is drawn from a Report."""
    drawn = [cards.card(e) for e in report.exercises]
    return "\n".join(
        [
            report.to_json(),
            *drawn,
            cards.notice(report),
            terminal.render(report),
            terminal.line(report),
        ]
    )


def survived(tiny, tier, attack, most=HONEST):
    """Grade an attack and then an honest submission; what must hold for any attack is asserted. Its
    Report.
    """
    course()
    honest = [Cell(1, "code", RIGHT), Cell(2, "code", SHIFT)]
    report, neighbour = grade_each(tiny, [cells(attack), honest], jail_of(tier))
    assert isinstance(report, Report), report  # no fault of ours
    assert report.score <= most, pages(report)  # nothing is gained
    assert CANARY not in pages(report)  # nothing leaks
    assert repr(NUMBER) not in pages(report)
    assert isinstance(neighbour, Report), neighbour  # the class goes on
    assert neighbour.score == neighbour.max_score == STOLEN, pages(neighbour)
    return report


def answered(tier, attack, function, *args, seconds=2.0):
    """What a function of an attack answers, as the grader gets it: a Reply."""
    spec = topic(seconds)
    backend = Jailed(spec, cells(attack), "", jail_of(tier))
    backend.begin(spec.exercises[0])
    try:
        return backend.call(function, args, {})
    finally:
        backend.close()
