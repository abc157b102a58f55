"""A folder or a file that is swapped for a link while it is collected or read (57 of
docs/attacks.md, second round).

The swapping is done by another process, thousands of times a second, in one step each
(RENAME_EXCHANGE): whoever looks at a path and opens it afterwards opens something else.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from attacks import CANARY
from classes import graded, hand_in, released
from notebooks import TOPIC, answer, solved, written
from test_ordinary_user import USER, as_user, python

from autograder.model import opened
from autograder.nbgrader import api
from autograder.nbgrader.classroom import Classroom

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
WRONG = solved(softmax="def softmax(z):\n    return z")
ADA = solved(relu=answer("relu") + "\n\n\n# adas-own-words")
STAMP = "2026-11-21 10:00:00 UTC"
SWAP = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
here, there = (os.fsencode(path) for path in sys.argv[1:3])
if libc.renameat2(-100, here, -100, there, 2):
    sys.exit(os.strerror(ctypes.get_errno()))
print("swapping", flush=True)
while os.getppid() == int(sys.argv[3]):
    libc.renameat2(-100, here, -100, there, 2)
"""


@contextmanager
def swapping(here, there, user=None):
    """Two paths that change places all the time, by a process of its own."""
    rights = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
    run = sys.executable if user is None else python()
    line = [run, "-c", SWAP, str(here), str(there), str(os.getpid())]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, **rights) as process:
        try:
            assert process.stdout.readline() == "swapping\n"
            yield
        finally:
            process.kill()


@pytest.fixture(scope="module")
def course():
    return released()


@pytest.fixture
def inbound(course):
    """What ada, bob and carl handed in: ada and carl have it right, bob has not."""
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)  # pytest's own folders are closed to other accounts
    folder = top / course.file.course / "inbound"
    for student, notebook in (("ada", ADA), ("bob", WRONG), ("carl", solved())):
        own = folder / f"{student}+{TOPIC.id}+{STAMP}"
        own.mkdir(parents=True)
        written(notebook, own)
        (own / "plan").mkdir()
        (own / "plan" / "a.txt").write_text(f"{student}'s plan")
    (folder / f"ada+{TOPIC.id}+{STAMP}" / "plan" / "diary.txt").write_text("adas-own-words")
    secret = top / "secret"
    secret.mkdir(mode=0o700)
    (secret / "a.txt").write_text(CANARY)
    yield folder
    shutil.rmtree(top)
    for student in ("ada", "bob", "carl"):
        shutil.rmtree(course.root / "submitted" / student, ignore_errors=True)


def collect(course, inbound):
    with api.opened(course) as nbgrader:
        nbgrader.config.Exchange.root = str(inbound.parents[1])
        done = nbgrader.collect(TOPIC.id, update=True)
    assert done["success"], done


def contents(folder):
    return "\n".join(p.read_text(errors="replace") for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("what", ["its folder", "a folder in it", "its notebook"])
def test_57_what_is_swapped_for_a_link_while_it_is_collected_leads_nowhere(course, inbound, what):
    ada, bob = (inbound / f"{name}+{TOPIC.id}+{STAMP}" for name in ("ada", "bob"))
    here, there = {
        "its folder": (bob, ada),
        "a folder in it": (bob / "plan", inbound.parents[1] / "secret"),
        "its notebook": (bob / "neurons.ipynb", ada / "neurons.ipynb"),
    }[what]
    link = inbound.parent / "link"
    link.symlink_to(there)
    got = course.root / "submitted" / "bob" / TOPIC.id
    whole = 0
    with swapping(here, link):
        for _ in range(20):
            shutil.rmtree(got.parent, ignore_errors=True)
            collect(course, inbound)
            assert "adas-own-words" not in contents(got)  # nothing of hers
            assert CANARY not in contents(got)  # nor of ours
            whole += (got / "neurons.ipynb").is_file() and (got / "plan" / "a.txt").is_file()
    reports = graded(course, "ada", "bob", "carl")
    assert reports["ada"].score == reports["carl"].score == 20
    assert reports["bob"].score < 20
    assert CANARY not in contents(course.root / "autograded" / "bob")
    assert whole < 20  # the link was met


def test_57_what_is_swapped_while_it_is_graded_is_nobody_elses(course):
    folder, other = hand_in(course, "bob", WRONG), hand_in(course, "ada", ADA)
    room, link = Classroom(course, TOPIC.id), course.root / "link"
    link.symlink_to(other)
    met = 0
    with swapping(folder, link):
        for _ in range(200):
            nb = room.read(folder)
            assert not any("adas-own-words" in cell.source for cell in nb.cells)
            met += room.unreadable(nb, "bob") is not None
        for _ in range(5):
            reports = graded(course, "ada", "bob")
            assert reports["ada"].score == 20
            assert (reports["bob"].score or 0) < 20
    assert met
    link.is_symlink() and link.unlink()
    for student in ("ada", "bob"):
        shutil.rmtree(course.root / "submitted" / student, ignore_errors=True)
    shutil.rmtree(link, ignore_errors=True)


def test_57_nbgraders_own_grading_reads_no_path_that_a_student_can_change(course, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "a.txt").write_text(CANARY)
    folder = hand_in(course, "bob", WRONG)
    (folder / "plan").mkdir()
    (folder / "plan" / "a.txt").write_text("a plan")
    (tmp_path / "link").symlink_to(secret)
    (folder / "more").symlink_to(secret)
    (folder / "one.txt").symlink_to(secret / "a.txt")
    left = course.root / "autograded" / "bob" / TOPIC.id
    for _ in range(10):
        with swapping(folder / "plan", tmp_path / "link"), api.opened(course) as nbgrader:
            done = nbgrader.autograde(TOPIC.id, "bob", force=True)
        assert done["success"], done
        assert CANARY not in contents(left)
        assert not [path for path in left.rglob("*") if path.is_symlink()]
    shutil.rmtree(course.root / "submitted" / "bob")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another account needs root")
def test_57_a_student_of_an_account_of_their_own_gains_nothing_by_swapping(course, inbound):
    """The students' folders belong to accounts of their own, as on a shared machine."""
    inbound.chmod(0o777)
    bob = inbound / f"bob+{TOPIC.id}+{STAMP}"
    for path in (bob, *bob.rglob("*")):
        os.chown(path, USER, USER)
    link = inbound / "link"
    link.symlink_to(inbound / f"ada+{TOPIC.id}+{STAMP}")
    os.chown(link, USER, USER, follow_symlinks=False)
    got = course.root / "submitted" / "bob" / TOPIC.id
    with swapping(bob, link, USER):
        for _ in range(10):
            shutil.rmtree(got.parent, ignore_errors=True)
            collect(course, inbound)
            assert "adas-own-words" not in contents(got)


def test_57_a_hard_link_to_anothers_file_is_not_collected(course, inbound):
    ada, bob = (inbound / f"{name}+{TOPIC.id}+{STAMP}" for name in ("ada", "bob"))
    (bob / "neurons.ipynb").unlink()
    os.link(ada / "neurons.ipynb", bob / "neurons.ipynb")
    os.link(inbound.parents[1] / "secret" / "a.txt", bob / "plan" / "b.txt")
    collect(course, inbound)
    got = course.root / "submitted" / "bob" / TOPIC.id
    assert "adas-own-words" not in contents(got)
    assert CANARY not in contents(got)
    reports = graded(course, "bob", "carl")
    assert (reports["bob"].status, reports["carl"].score) == ("unreadable", 20)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another account needs root")
def test_57_a_hard_link_to_a_file_of_another_account_is_not_graded(course, tmp_path):
    hers = hand_in(course, "ada", ADA)
    folder = hand_in(course, "bob", None)
    os.chown(folder, USER, USER)
    os.link(hers / "neurons.ipynb", folder / "neurons.ipynb")
    reports = graded(course, "bob")
    assert reports["bob"].status == "unreadable"
    assert "hard link" in reports["bob"].reason
    for student in ("ada", "bob"):
        shutil.rmtree(course.root / "submitted" / student)


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_57_a_folder_that_names_no_student_goes_nowhere(course, inbound, name):
    folder = inbound / f"{name}+{TOPIC.id}+{STAMP}"
    folder.mkdir()
    written(solved(), folder)
    collect(course, inbound)
    assert not (course.root / TOPIC.id).exists()
    assert not (course.root / "submitted" / TOPIC.id).exists()
    assert graded(course, "ada")["ada"].score == 20


RACE = """
import ctypes, os, sys, tempfile, threading
from pathlib import Path
from autograder.model import opened
os.chdir(tempfile.mkdtemp())
for name in ("own", "hers"):
    os.mkdir(name)
    Path(name, "a.txt").write_text(name)
os.symlink("hers", "link")
libc, done = ctypes.CDLL(None), False
def swap():
    while not done:
        libc.renameat2(-100, b"own", -100, b"link", 2)
threading.Thread(target=swap, daemon=True).start()
found = set()
for _ in range(3000):
    try:
        with opened.folder(Path("."), "own") as folder:
            found.add(opened.read_regular(folder, "a.txt", 100))
    except opened.NotPlain:
        found.add(None)
done = True
print(sorted(map(str, found)))
"""


def test_57_an_ordinary_user_opens_no_link_either():
    done = as_user(python(), "-B", "-c", RACE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(sorted(["None", "b'own'"]))


# --- one opening ---


def test_only_a_plain_file_is_opened_and_nothing_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    started = time.monotonic()
    with opened.folder(tmp_path) as folder:
        assert opened.read_regular(folder, "file", 1) == b"x"
        for name in ("pipe", "folder", "link", "..", ".", "", "folder/../file"):
            with pytest.raises(opened.NotPlain):
                opened.read_regular(folder, name, 100)
        with pytest.raises(FileNotFoundError):
            opened.read_regular(folder, "nothing", 100)
        for name in ("file", "link", "pipe"):
            with pytest.raises(opened.NotPlain), opened.folder(tmp_path, name):
                pass
    assert time.monotonic() - started < 5


def test_a_file_that_has_grown_since_its_size_was_told_is_cut_off_at_the_limit(tmp_path):
    """The files of /proc say that they have 0 bytes, as one does that grows right afterwards."""
    with opened.folder(Path("/proc/self")) as folder:
        assert os.stat("/proc/self/maps").st_size == 0
        with pytest.raises(opened.TooLarge):
            opened.read_regular(folder, "maps", 1000)
        with opened.regular(folder, "maps") as file, pytest.raises(opened.TooLarge):
            opened.copy(file, tmp_path / "copy", 1000)
    assert list(tmp_path.iterdir()) == []


def test_no_descriptor_stays_open(tmp_path):
    for i in range(30):
        (tmp_path / "/".join(["deep"] * (i + 1))).mkdir()
        (tmp_path / "/".join(["deep"] * (i + 1)) / "a.txt").write_text("x")
    (tmp_path / "link").symlink_to("deep")
    before, told = len(os.listdir("/proc/self/fd")), []
    with opened.folder(tmp_path) as folder:
        found = [p for p, _ in opened.plain_files(folder, lambda path, error: told.append(path))]
    assert len(found) == 20
    assert len(told) == 2  # the link, and what lies too deep
    assert len(os.listdir("/proc/self/fd")) == before
