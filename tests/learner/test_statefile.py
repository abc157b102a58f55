"""The file of a learner's progress: in its place, whole, and not lost to anybody else's writing."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.learner import statefile
from autograder.learner.progress import Progress
from autograder.model.report import Exercise

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def keep(name):
    with statefile.changing() as progress:
        progress.record("t", Exercise(name, 1.0, 2.0, "partial"), NOON)


def kept():
    return sorted(statefile.load().topics.get("t", {}))


def test_nothing_is_there_at_first_and_looking_makes_nothing(home):
    assert statefile.load() == Progress()
    assert not home.exists()


def test_what_was_kept_is_there_again():
    keep("a")
    keep("b")
    assert kept() == ["a", "b"]


@pytest.mark.skipif(sys.platform != "linux", reason="XDG is Linux's")
def test_without_a_home_of_its_own_it_lives_in_the_users_state_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("AUTOGRADER_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    keep("a")
    assert (tmp_path / "state" / "autograder" / statefile.NAME).is_file()


BROKEN = {
    "half of it": b'{"schema": 1, "topics": {"t',
    "empty": b"",
    "another program's": b'{"progress": [1, 2]}',
    "of a later version": b'{"schema": 2, "topics": {}}',
    "not text": b"\xff\xfe\x00",
    "far too large": b" " * (5 << 20),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_that_cannot_be_read_is_set_aside_as_it_is(home, content):
    home.mkdir()
    (home / statefile.NAME).write_bytes(content)
    keep("a")
    assert kept() == ["a"]
    (aside,) = statefile.set_aside()
    assert aside.read_bytes() == content


def test_to_look_at_a_broken_file_sets_it_aside_too(home):
    home.mkdir()
    (home / statefile.NAME).write_bytes(b"{")
    assert statefile.load() == Progress()
    assert len(statefile.set_aside()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("nowhere", path)])
def test_whatever_else_lies_in_its_place_is_set_aside_and_nothing_waits_for_it(home, make):
    home.mkdir()
    make(home / statefile.NAME)
    keep("a")
    assert kept() == ["a"]
    assert len(os.listdir(home)) == 3  # ours, the lock, and what lay there


def test_nothing_is_set_aside_over_what_was_before(home):
    home.mkdir()
    for content in (b"{1", b"{2", b"{3"):
        (home / statefile.NAME).write_bytes(content)
        keep("a")
    assert {path.read_bytes() for path in statefile.set_aside()} == {b"{1", b"{2", b"{3"}


def test_a_write_that_fails_leaves_what_was_there(home, monkeypatch):
    keep("a")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            keep("b")
    assert kept() == ["a"]
    assert len(list(home.iterdir())) == 2  # ours and the lock, no half of anything


def test_a_block_that_fails_keeps_nothing(home):
    keep("a")
    before = (home / statefile.NAME).read_bytes()
    with pytest.raises(KeyError), statefile.changing() as progress:
        progress.topics.pop("t")["nothing"]
    assert (home / statefile.NAME).read_bytes() == before


MANY = """
import sys
from datetime import UTC, datetime
from autograder.learner import statefile
from autograder.model.report import Exercise
for i in range(15):
    with statefile.changing() as progress:
        progress.record("t", Exercise(f"{sys.argv[1]}{i}", 1.0, 2.0, "partial"), datetime.now(UTC))
"""


def test_two_notebooks_at_once_lose_nothing():
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    both = [subprocess.Popen([sys.executable, "-c", MANY, name], env=here) for name in ("a", "b")]
    assert [process.wait() for process in both] == [0, 0]
    assert kept() == sorted(f"{name}{i}" for name in "ab" for i in range(15))


def test_whoever_holds_the_file_for_ever_is_not_waited_for(home, monkeypatch):
    monkeypatch.setattr(statefile, "_PATIENCE", 0.02)
    monkeypatch.setattr(statefile, "_taken", lambda file: False)
    keep("a")
    assert kept() == ["a"]
