"""Taking more than one's share (51-62 of docs/attacks.md): it costs the exercise, and
nobody else.
"""

import ast
import os
import time
from pathlib import Path

import psutil
import pytest
from attacks import HONEST, LOCKED, answered, survived
from jails import jail_of
from notebooks import ROOT, solved

from autograder.jail.workers import Budget
from autograder.model import fingerprint, notebook
from autograder.model.notebook import Cell
from autograder.testing import assertions

GREEDY = {
    "51 an endless loop": "def double(x):\n    while True: pass",
    "51 a loop in a cell": "while True: pass",
    "51 a sleep": "import time\ndef double(x): time.sleep(1e6)",
    "51 a regular expression": "import re\ndef double(x): re.match('(a+)+$', 'a' * 60 + 'b')",
    "52 a loop that never looks up": "def double(x): sum(range(10**12))",
    "52 a power in C": "def double(x): return 3 ** (10 ** 9)",
    "52 a storm of threads": """
        import threading
        def spin():
            while True: pass
        def double(x):
            for _ in range(2000):
                try: threading.Thread(target=spin, daemon=True).start()
                except RuntimeError: break
            spin()
        """,
    "52 a storm of BLAS": """
        import os
        os.environ.update(OPENBLAS_NUM_THREADS='64', OMP_NUM_THREADS='64')
        def double(x):
            a = np.ones((2000, 2000))
            while True: a = a @ a * 0
        """,
    "53 an array of terabytes": "def double(x): return np.ones(1 << 40)",
    "53 memory bit by bit": """
        kept = []
        def double(x):
            while True: kept.append(np.ones(1 << 20))
        """,
    "53 memory in a cell": "kept = [bytearray(1 << 24) for _ in range(10_000)]",
    "53 a mapping without limits": """
        import mmap
        kept = []
        def double(x):
            while True: kept.append(mmap.mmap(-1, 1 << 28))
        """,
    "53 small bytes for floats": "def double(x): return np.ones((1 << 26) - 4096, np.int8)",
    "53 one long text and many short": "def double(x): return ['x' * 500_000] + [''] * 5_000",
    "53 lists of lists": "def double(x): return [[]] * 900_000",
    "54 a fork bomb": """
        import os
        def double(x):
            for _ in range(100):  # enough to tell, and no harm to the machine should it ever succeed
                try: os.fork() or os._exit(0)
                except OSError: break
            return x
        """,
    "54 survivors in a session of their own": """
        import os, time
        def double(x):
            try:
                if os.fork() == 0:
                    os.setsid()
                    end = time.process_time() + 20
                    while time.process_time() < end: pass
                    os._exit(0)
            except OSError: pass
            try: os.posix_spawn('/bin/sleep', ['sleep', '98.765'], {})
            except OSError: pass
            return x
        """,
    "54 clone3, vfork and exec": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def double(x):
            for number in (58, 57, 435, 59, 322):  # vfork, fork, clone3, execve, execveat
                libc.syscall(number, 0, 0, 0, 0, 0)
            return x
        """,
    "55 a flood of output": """
        import os, sys
        def double(x):
            for _ in range(2000):
                os.write(1, b'x' * 65536); os.write(2, b'x' * 65536)
                print('x' * 65536); sys.stderr.write('x' * 65536)
            return x
        """,
    "55 a flood of an exception": "def double(x): raise ValueError('x' * (1 << 26))",
    "56 a full disk": """
        import os
        def double(x):
            for folder in ('/tmp', '/var/tmp', '/dev/shm', '.', '/'):
                for i in range(40):
                    try:
                        with open(f'{folder}/attack-{i}', 'wb') as file: file.write(bytes(1 << 20))
                    except OSError: break
            return x
        """,
    "58 names for a shell": """
        import os
        def double(x):
            for name in ('; touch x', '$(touch x)', '`touch x`', '| touch x', '&& touch x'):
                try: open('/tmp/' + name.replace('/', ''), 'w').close()
                except OSError: pass
            return x
        """,
    "59 modules that shadow ours": """
        import os, sys
        def double(x):
            for name in ('numpy', 'conftest', 'sitecustomize', 'usercustomize', 'msgpack', 'pytest'):
                for folder in ('.', '/tmp', os.path.dirname(np.__file__), sys.prefix, os.path.expanduser('~')):
                    try:
                        with open(f'{folder}/{name}.py', 'w') as file: file.write('raise SystemExit')
                    except OSError: pass
            return x
        """,
    "61 kill everybody": """
        import os
        def double(x):
            hit = []
            for target in (-1, 0, 1, os.getppid(), {pid}):  # signal 0 only asks whether another one would arrive
                try:
                    os.kill(target, 0)
                    hit.append(target)
                except OSError: pass
            return hit
        """.replace("{pid}", str(os.getpid())),
    "62 caches for the next one": """
        import os, pathlib
        def double(x):
            for path in ('/tmp/.ipython/x.py', '~/.ipython/profile_default/startup/x.py', '~/.config/x', '/tmp/x.pyc'):
                path = pathlib.Path(os.path.expanduser(path))
                try:
                    path.parent.mkdir(parents=True, exist_ok=True); path.write_text('1 / 0')
                except OSError: pass
            return x
        """,
}
KEEPS = (
    "51",
    "52",
    "53",
    "54 a",
    "55",
    "56",
    "58",
    "59",
    "61",
    "62",
)  # it costs `double` alone, not `shift`


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("name", GREEDY)
def test_greed_earns_nothing_and_costs_its_exercise_only(tiny, tier, name):
    before = psutil.Process().memory_info().rss
    report = survived(tiny, tier, GREEDY[name])
    if name.startswith(KEEPS) and "cell" not in name:
        assert report.score == HONEST, report
    assert psutil.Process().memory_info().rss - before < 600 << 20
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if "98.765" in (p.info["cmdline"] or [])
    ]


@pytest.mark.parametrize("tier", LOCKED)
def test_61_no_process_can_be_sent_a_signal(tier):
    assert answered(tier, GREEDY["61 kill everybody"], "double", 1).value == []


@pytest.mark.parametrize("tier", LOCKED)
def test_52_who_ends_the_process_again_and_again_pays_for_its_cells(tiny, tier):
    """The cells take half a second of their second, and each call of `double` would run
    them anew.
    """
    busy = (
        "import os, time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass\n"
    )
    started = time.process_time()
    report = survived(tiny, tier, busy + "def double(x): os._exit(0)")
    ran = [c.message for c in report.exercise("double").checks]
    assert "ended the Python process" in ran[0]
    assert "used all its" in ran[-1]
    assert time.process_time() - started < 60


@pytest.mark.parametrize("used", [0.0, 0.4, 2.0])
def test_a_budget_is_charged_with_what_another_one_spent(used):
    mine, other = Budget(1.0), Budget(3.0)
    other.left -= used
    other.wall -= 2 * used
    mine.charge(other)
    assert (mine.left, mine.wall) == pytest.approx((1.0 - used, 6.0 - 2 * used))


# --- what is read outside of the jail ---

BULKY = {
    "a megabyte of names": "a\n" * 500_000,
    "a magic in every assignment": "a = !x\n" * 4_000,
    "a question in every line": "a?\n" * 6_000,
    "thirty magics in a long cell": "a = %x\n" * 30 + "b = 1\n" * 20_000,
    "brackets without end": "[" * 100_000,
    "a sum without end": "1" + "+1" * 90_000,
    "a call of a call": "f" + "()" * 90_000,
    "a lambda in a lambda": "lambda:" * 20_000,
    "an unclosed text": "x = '''" + "%a\n" * 5_000,
    "lines that go on": "\\\n" * 50_000 + "%x",
}


@pytest.mark.parametrize("source", BULKY.values(), ids=BULKY)
def test_53_code_is_read_in_seconds_however_it_is_made(source):
    found = notebook.Notebook(Path("a.ipynb"), [Cell(i, "code", source) for i in range(20)], None)
    started = time.process_time()
    notebook.submission(found, jail_topic())
    assert time.process_time() - started < 12


def jail_topic():
    from attacks import topic

    return topic()


def test_53_an_honest_notebook_of_many_magics_is_read_whole():
    cells = [
        Cell(i, "code", f"%matplotlib inline\n!ls\nx = {i}\n" + "y = 1\n" * 100) for i in range(40)
    ]
    read = notebook.submission(notebook.Notebook(Path("a.ipynb"), cells, None), jail_topic())
    assert all("get_ipython()" in c.source or "pass" in c.source for c in read)
    assert all(notebook._parses(c.source) for c in read)


@pytest.mark.parametrize(
    "value", [["x" * 500_000, *[""] * 1_000_000], [[["x" * 500_000], [""] * 1000]], (("a",),)]
)
def test_53_texts_in_a_list_are_refused_before_numpy_makes_room_for_them(value):
    with pytest.raises(assertions.CheckFailed, match="expected an array of real numbers"):
        assertions.numbers(value, "the result")


def test_53_more_numbers_than_any_exercise_has_are_neither_converted_nor_projected():
    import numpy as np

    huge = np.broadcast_to(np.int8(1), (1 << 25,))
    with pytest.raises(assertions.CheckFailed, match="33554432 entries"):
        assertions.numbers(huge, "the result")
    assert fingerprint.of_value(huge) is None
    assert fingerprint.of_value([huge, {"a": 1}]) is None
    assert fingerprint.of_value(np.ones(1000)) is not None


def test_58_no_line_of_the_kit_goes_through_a_shell():
    for path in (ROOT / "autograder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in ("os.system", "os.popen", "subprocess.getoutput", "pty.spawn"), (
                    path
                )
                assert not [k for k in node.keywords if k.arg == "shell"], path


def test_45_nothing_of_the_kit_unpickles():
    unpicklers = (
        "pickle.load",
        "pickle.loads",
        "dill.load",
        "joblib.load",
        "shelve.open",
        "marshal.load",
        "yaml.load",
    )
    for path in (ROOT / "autograder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in unpicklers, path
                assert not [
                    k
                    for k in node.keywords
                    if k.arg == "allow_pickle" and ast.unparse(k.value) != "False"
                ]


def test_59_files_beside_a_notebook_are_nothing_to_the_grader(tmp_path):
    """A conftest.py, a pytest.ini and modules of the names of ours, in the notebook's folder and
    the process's.
    """
    import subprocess
    import sys

    from notebooks import COURSE, written

    for name in (
        "conftest",
        "sitecustomize",
        "usercustomize",
        "numpy",
        "autograder",
        "pytest",
        "given",
        "figures",
        "matplotlib",
    ):
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'w').write('x')\nraise SystemExit(9)"
        )
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --collect-only")
    (tmp_path / "answers.npz").write_bytes(
        (COURSE.release("01-neurons") / "answers.npz").read_bytes()
    )
    path = written(solved(), tmp_path)
    command = f"from autograder.cli.main import main; main(['check', {str(path)!r}, '--exercise', 'relu'])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()
    assert jail_of("C")
