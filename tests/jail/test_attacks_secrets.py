"""Reading what is secret (26-41 of docs/attacks.md): seed, answers, solutions, gradebook,
environment, memory.
"""

import os
import re

import pytest
from attacks import CANARY, LOCKED, NUMBER, PATTERN, answered, course, pages, survived
from jails import jail_of
from notebooks import ROOT, TOPIC, public_answers, solved, written

from autograder.grading.submission import grade_file

# Each search returns what it found that looks like the canary, or anything that nobody may see.
LOOK = f"""
import os, re, sys
PATTERN = re.compile({PATTERN!r})
found = []
def look(path, size=1 << 20):
    try:
        with open(path, 'rb') as file:
            found.extend(PATTERN.findall(file.read(size).decode('latin-1')))
    except (OSError, ValueError, MemoryError):
        pass
def everything(root):
    for folder, folders, names in os.walk(root):
        for name in names:
            look(os.path.join(folder, name))
"""
SEARCHES = {
    "26 the tests and answers beside the notebook": """
        for root in ({root!r}, '.', '..', './tests', '/autograder', '/home', '/root', '/var/tmp', '/tmp', '/srv'):
            everything(root)
        """,
    "26 the course's files by name": """
        for name in ('.autograder/seed', '.autograder/07-tiny.npz', 'solutions/tiny.py', 'gradebook.db'):
            look(os.path.join({root!r}, name))
        """,
    "26 by way of /proc/self/root and cwd": """
        for way in ('/proc/self/root', '/proc/1/root', '/proc/self/cwd', '/proc/{pid}/root', '/dev/fd/3'):
            look(way + {root!r} + '/.autograder/seed')
        """,
    "26 by a link of its own": """
        for target in ('/tmp/link', 'link', '/dev/shm/link'):
            for make in (os.symlink, os.link):
                try: make({root!r} + '/.autograder/seed', target)
                except OSError: continue
                look(target)
        """,
    "26 by sendfile and memory maps": """
        try:
            import mmap
            with open({root!r} + '/gradebook.db', 'r+b') as file:
                found.append(mmap.mmap(file.fileno(), 0)[:].decode())
        except (OSError, ValueError, ImportError): pass
        """,
    "27 imports and caches": """
        sys.path[:0] = [{root!r}, {root!r} + '/solutions', {kit!r}]
        for name in ('solutions', 'solutions.tiny', 'tiny', 'hidden', 'autograder.checks.test_neurons'):
            try: found.append(str(__import__(name)))
            except Exception: pass
        import inspect, linecache
        for path in ({root!r} + '/solutions/tiny.py', {kit!r} + '/solutions/neurons.py'):
            found.extend(linecache.getlines(path)[:1])
        """,
    "28 frames and tracebacks": """
        import traceback, threading
        for frame in [sys._getframe(), *sys._current_frames().values()]:
            while frame is not None:
                found.extend(PATTERN.findall(repr(frame.f_locals) + repr(frame.f_code.co_consts)))
                frame = frame.f_back
        """,
    "29 all objects of the process": """
        import gc
        for thing in gc.get_objects():
            if type(thing) in (str, bytes, dict, list, tuple):
                try: found.extend(PATTERN.findall(repr(thing)[:1_000_000]))
                except Exception: pass
        """,
    "30 memory that was freed": """
        for size in (64, 512, 4096, 1 << 16, 1 << 20):
            for _ in range(10):
                found.extend(PATTERN.findall(np.empty(size, np.uint8).tobytes().decode('latin-1')))
        """,
    "30 all memory of the process": """
        import ctypes
        try: maps = open('/proc/self/maps').read().splitlines()
        except OSError: maps = []
        for line in maps:
            start, end = (int(n, 16) for n in line.split()[0].split('-'))
            if 'r' in line.split()[1] and end - start < 1 << 26 and 'vvar' not in line:
                found.extend(PATTERN.findall(ctypes.string_at(start, end - start).decode('latin-1')))
        """,
    "31 the environment": """
        found.extend(v for k, v in os.environ.items() if 'GRADER' in k or PATTERN.search(v))
        look('/proc/self/environ')
        """,
    "32 other processes": """
        for pid in ['1', 'self', '{pid}', str(os.getppid()), *(str(p) for p in range(2, 50))]:
            for name in ('environ', 'cmdline', 'maps', 'mem', 'stack', 'auxv'):
                try:
                    with open('/proc/' + pid + '/' + name, 'rb') as file: found.append(name + str(len(file.read(64))))
                except OSError: pass
        """,
    "32 descriptors that were left open": """
        for number in range(200):
            try: os.lseek(number, 0, 0)
            except OSError: continue
            found.extend(filter(None, [os.read(number, 4096).decode('latin-1')]))
        """,
    "33 ptrace and process_vm_readv": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for pid in (1, os.getppid(), {pid}):
            if pid and libc.ptrace(0x4206, pid, 0, 0) == 0: found.append('traced')
            if pid and libc.syscall(310, pid, 0, 0, 0, 0, 0) > 0: found.append('read')
            try: os.pidfd_open(pid); found.append('a handle')
            except (OSError, AttributeError): pass
        """,
    "39 a connection to the world": """
        import socket, ctypes
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, 16, 17):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
                try: found.append(repr(socket.socket(family, kind)))
                except OSError: pass
        try: found.append(repr(socket.create_connection(('127.0.0.1', 22), timeout=0.1)))
        except (OSError, LookupError): pass
        try: found.append(socket.getaddrinfo('example.org', 80)[0][4][0])
        except (OSError, LookupError): pass
        """,
    "39 io_uring, which knows no filter": """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        for number in (425, 426, 427, 41, 288, 321):  # io_uring_*, socket, accept4, bpf
            if libc.syscall(number, 2, 1, 0, 0, 0, 0) >= 0: found.append(str(number))
        """,
}
GETS_THROUGH = ("26 the course's", "32 other", "39 a connection")  # where there is no jail: tier C


def search(name):
    """The code of a search, as a function that returns what it found and one that tries to carry it
    out.
    """
    values = {"root": str(course()), "pid": os.getpid(), "kit": str(ROOT)}
    code = SEARCHES[name]
    for key, value in values.items():
        code = code.replace("{" + key + "!r}", repr(value)).replace("{" + key + "}", str(value))
    lines = [line[8:] for line in code.strip("\n").splitlines()]
    body = "\n".join("    " + line for line in lines)
    carry = "def double(x):\n    raise ValueError(' '.join(map(str, search()))[:200] or 'nothing')"
    return f"{LOOK}\ndef search():\n    found.clear()\n{body}\n    return [str(f)[:200] for f in found[:20]]\n{carry}\n"


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_nothing_and_carries_nothing_out(tiny, tier, name):
    code = search(name)
    assert answered(tier, code, "search").value == []
    report = survived(tiny, tier, code)
    assert not re.search(PATTERN, pages(report).replace(CANARY, CANARY + "!"))


@pytest.mark.parametrize("name", [n for n in SEARCHES if n.startswith(GETS_THROUGH)])
def test_the_same_search_gets_through_where_there_is_no_jail(name):
    """So that the test above is one of the jail, and not of a search that never finds anything."""
    assert answered("C", search(name), "search").value


@pytest.mark.parametrize("tier", LOCKED)
def test_26_what_an_attack_writes_stays_in_its_worker(tier):
    write = f"""
        import os
        def shift(x):
            for folder in ('/tmp', '/var/tmp', '/dev/shm', '.', os.path.expanduser('~'), {str(course())!r}):
                try:
                    with open(os.path.join(folder, 'loot.txt'), 'w') as file: file.write('loot')
                except OSError: pass
        """
    answered(tier, write, "shift", 1)
    places = ["/tmp", "/var/tmp", "/dev/shm", str(ROOT), os.path.expanduser("~"), str(course())]
    assert [place for place in places if os.path.exists(os.path.join(place, "loot.txt"))] == []
    read = "import os\ndef shift(x):\n    return os.path.exists('/tmp/loot.txt')"
    assert answered(tier, read, "shift", 1).value is False


def test_34_the_seed_of_a_class_is_its_own_and_inputs_are_drawn_of_it(tiny):
    from attacks import answers

    calls = [{k: [a.inputs for a in v] for k, v in answers(seed).calls.items()} for seed in (1, 2)]
    key = next(k for k in calls[0] if "8" in k or "shape1" in k)
    assert not any(a.fits(b) for a, b in zip(calls[0][key], calls[1][key]))


LOUD = "def softmax(z):\n    print(z, flush=True)\n    raise ValueError('\\n'.join(map(repr, [z] * 1000)))"


@pytest.mark.parametrize("tier", LOCKED)
def test_36_of_what_code_says_about_hidden_inputs_a_line_is_shown_at_most(tmp_path, tier):
    path = written(solved(softmax=LOUD), tmp_path)
    report = grade_file(public_answers(), path, jail_of(tier), exercises=["softmax"])
    messages = [check.message for check in report.exercises[0].checks]
    assert (
        max(len(message.partition("raised")[2]) for message in messages) < 360
    )  # 300 of the first line, and where
    assert not [message for message in messages if len(message.splitlines()) > 2]


SOLUTION = "import numpy as np\ndef softmax(z):\n    return 0 * z"


def test_35_a_check_that_breaks_over_a_value_shows_no_traceback_and_no_line_of_ours(tmp_path):
    path = written(solved(softmax="def softmax(z):\n    return [[1], [1, 2]]"), tmp_path)
    report = grade_file(public_answers(), path, jail_of("B"), exercises=["softmax"])
    text = report.to_json()
    assert "Traceback" not in text
    assert "assert_close" not in text
    assert str(ROOT) not in text


def test_40_no_digest_of_an_answer_is_in_what_students_get():
    """The public answers hold digests of inputs only; written answers and small numbers are nowhere
    hashed.
    """
    import hashlib

    text = (ROOT / "release" / TOPIC.id / "answers.npz").read_bytes()
    for value in (0, 1, 2, True, "True", 0.5):
        for digest in (hashlib.sha256, hashlib.md5, hashlib.sha1):
            assert digest(str(value).encode()).hexdigest().encode() not in text


@pytest.mark.parametrize("tier", LOCKED)
def test_38_a_report_tells_no_time_of_a_single_check(tiny, tier):
    report = survived(
        tiny, tier, "import time\ndef double(x):\n    time.sleep(0.01 * x.size)\n    return x"
    )
    assert not re.search(r"second|elapsed|time", "".join(map(repr, report.exercises)))


def test_the_secret_number_is_one_that_nobody_guesses():
    assert 4 < NUMBER < 5
    assert len(repr(NUMBER)) > 10
