"""A submission runs in processes of its own: values come back, and whatever else it does costs it
alone.
"""

import contextlib
import gc
import os
import threading

import numpy as np
import psutil
import pytest
from jails import TIERS, jail_of

from autograder.grading.in_process import InProcess
from autograder.grading.in_worker import InWorker
from autograder.jail import workers
from autograder.model.notebook import Cell, _without_magics
from autograder.model.topic import ExerciseSpec, Topic

GIVEN = "import numpy as np\n\nCONSTANT = 42\n\n\ndef plot():\n    import matplotlib.pyplot as plt\n    plt.plot([1])\n"


def exercise(name="e", cpu_seconds=5.0):
    return ExerciseSpec(name, 1.0, cpu_seconds, {"f": ["x"], "g": ["x"]})


class Submission:
    """Code cells, and calls of their functions in the exercise that has begun."""

    def __init__(
        self, cells, jail, cpu_seconds=5.0, own_cpu_seconds=5.0, memory_mb=1024, probes=""
    ):
        self.spec = exercise(cpu_seconds=cpu_seconds)
        topic = Topic("01-a", "A", [self.spec], own_cpu_seconds, memory_mb, [], GIVEN)
        self.backend = InWorker(
            topic, [Cell(i, "code", source) for i, source in enumerate(cells, 1)], probes, jail
        )
        self.begin()

    def begin(self):
        self.backend.begin(self.spec)

    def __call__(self, function, *args, **kwargs):
        return self.backend.call(function, args, kwargs)


def children():
    """Processes below this one; those that are killed and only wait to be noticed do not count."""
    return {process for process in psutil.Process().children(recursive=True) if runs(process)}


def runs(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module", params=TIERS)
def jail(request):
    return jail_of(request.param)


@pytest.fixture
def submit(jail):
    """Make submissions; they are closed at the end, and nothing of them may be left."""
    before = children()
    with contextlib.ExitStack() as stack:

        def make(*cells, **limits):
            submission = Submission(cells, jail, **limits)
            stack.callback(submission.backend.close)
            return submission

        yield make
    _, left = psutil.wait_procs(
        children() - before, timeout=5
    )  # it is killed without waiting for its end
    if left:
        # so that the warning about a process left running falls to the test that left it
        gc.collect()
    for process in left:  # the next test starts clean
        process.kill()
        process.wait(5)
    assert left == []


# --- what works ---


def test_values_come_back_and_names_are_shared_among_the_cells(submit):
    run = submit(
        "import numpy as np\nK = 2",
        "def f(x, y=0):\n    return K * x, [y, None, 'a'], {'z': x.sum()}",
    )
    doubled, rest, more = run("f", np.arange(3.0), y=1j).value
    np.testing.assert_array_equal(doubled, [0, 2, 4])
    assert (rest, more) == ([1j, None, "a"], {"z": 3.0})


def test_a_process_serves_all_calls_of_an_exercise(submit):
    run = submit("import os\ndef f():\n    return os.getpid()")
    assert run("f").value == run("f").value != os.getpid()


def test_arguments_that_changed_are_reported(submit):
    assert submit("def f(x, y):\n    y[0] = 1")("f", np.zeros(2), np.zeros(2)).changed == (1,)


def test_given_can_be_imported(submit):
    run = submit(
        "import given\nfrom given import CONSTANT\ngiven.plot()",
        "def f():\n    return given.CONSTANT + CONSTANT",
    )
    assert run("f").value == 84


OURS = """
import numpy as np

from autograder import check, hint, start
from autograder.lesson import BLUE, beside, digits, panels, swapped

start("01-a")
import figures
import given
"""
LOOKS = {
    "a helper": "beside(f(1), 2, 'f')",
    "a figure": "figures.plot_opening()\nfigures.COLOURS[0].x = 1",
    "a figure by name": "from figures import plot_opening as show\nshow(f, [1], height=2)",
    "the style": "for ax in panels(2):\n    ax.plot([1], color=BLUE)\n(ax,) = [panels(1)]",
    "a part of the package": "import autograder.lesson.style as s\ns.show(s.RED)",
    "the package": "from autograder import lesson\nimport autograder\nautograder.lesson.show()",
    "another function, lent": "with swapped(globals(), f=abs):\n    g = f",
    "data": "X = digits()[0]",
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_figures_and_what_lessons_share_come_to_nothing(submit, look):
    """In an answer's own cell too, before and behind its functions."""
    run = submit(
        OURS, f"def f(x):\n    return x + 1\n\n\n{look}\n\n\ndef g(x):\n    return f(x) + 1"
    )
    assert (run("f", 1).value, run("g", 1).value) == (2, 3)


def test_an_answer_may_call_a_helper(submit):
    run = submit(
        OURS, "def f(x):\n    beside(x, 1)\n    figures.plot(x)\n    return x + given.CONSTANT"
    )
    assert run("f", 1).value == 43


@pytest.mark.parametrize("name", ["figures_", "figure", "autograder.lessons", "autograder.model"])
def test_no_other_module_is_taken_for_ours(submit, name):
    reply = submit(f"import {name}\ndef f():\n    return 1")("f")
    assert reply.trouble == "cell"
    assert "ModuleNotFoundError" in reply.text


def test_a_probe_runs_beside_the_students_code(submit):
    run = submit(
        "def f(x):\n    return x + 1",
        probes="def twice(student, x):\n    return student.f(student.f(x))\n",
    )
    assert run("probes.twice", 1).value == 3


PLT = "import matplotlib.pyplot as plt\n"
HARMLESS = {
    "a plot": PLT
    + "plt.plot([1])\nplt.title('a')[0].set(b=1)\nfig, ax = plt.subplots()\nplt.show()",
    "a part of matplotlib": "from matplotlib.colors import ListedColormap\nimport "
    "matplotlib.patches as patches",
    "an animation": "from matplotlib.animation import FuncAnimation\nFuncAnimation(None, print)",
    "three axes": PLT + "fig, (a, b, c) = plt.subplots(1, 3)\na.plot([1])",
    "a grid of axes": PLT
    + "fig, ax = plt.subplots(2, 2)\nfor a in ax.flat:\n    a.plot([1])\nax[0, 1].grid()",
    "a figure as a context": "import matplotlib as m\nwith m.rc_context():\n    m.use('Agg')",
    "a display": "from IPython.display import HTML, display\ndisplay(HTML('a'))",
    "our own functions": "from autograder import check, hint, "
    "start\nstart('01-a')\ncheck('e')\nhint('e')",
    "a shell": "get_ipython().run_line_magic('matplotlib', 'inline')",
    "prints": "import sys\nprint('x' * 10_000_000)\nsys.stderr.write('x' * 1_000_000)",
    "raw output": "import os\nos.write(1, b'x' * 100_000)\nos.write(2, b'x')",
    "output under another name": "import sys\nsys.__stdout__.write('x' * "
    "100_000)\nsys.__stdout__.flush()",
    "warnings": "import warnings, numpy as np\nwarnings.warn('a')\nnp.log(np.zeros(1))",
    "an error state": "import numpy as np\nnp.seterr(all='raise')",
    "a thread": "import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()",
    "a dataclass": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: 'int' = 1\nP()",
    "a lone surrogate": "a = '\\ud800'",
    "numpy": "import numpy.linalg, numpy.random, numpy.fft\nimport numpy as "
    "np\nnp.linalg.svd(np.eye(3))",
    "the standard library": "import collections, copy, functools, itertools, json, math, random, "
    "time, typing",
    "%matplotlib": "%matplotlib inline",
    "!pip": "!pip install x\nfiles = !ls\nassert files == []",
    "%time": "%time a = 1\nassert a == 1",
    "%timeit with options": "%timeit -n 10 -r 3 sum(range(3))",
    "a question": "sum?",
    "%autoreload": "x = 1\n%load_ext autoreload\n%autoreload 2",
}
FOREIGN = [
    "sklearn",
    "pytest",
    "psutil",
    "yaml",
    "solutions",
    "nbgrader",
    "autograder.grading.oracle",
    "autograder.model.answer_key",
]
REFUSED = [
    "{1}",
    "np.array([None])",
    "print",
    "np.ma.ones(2)",
    "object()",
    "type('A', (np.ndarray,), {})(2)",
    "'\\ud800'",
]


LEAVING = [
    "import sys; sys.exit()",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "exit()",
    "raise Exception('\\ud800')",
]
TEXTS = {
    "a surrogate": "'\\ud800'",
    "two lines": "'a\\nb'",
    "five megabytes": "'x' * 5_000_000",
    "a zero": "'\\0'",
}
AT_HOME = {
    "deep": "deep(23)",
    "deeper": "deep(24)",
    "deepest": "deep(25)",
    "many axes": "np.ones((1,) * 20)",
    "almost too much text": "'x' * ((1 << 20) - 40)",
    "a key of two megabytes": "{'x' * 2_000_000: {1}}",
    "an integer at the edge": "2**64 - 1",
    "an integer beyond": "2**64",
}
DEEP = "def deep(n):\n    return [deep(n - 1)] if n else []"


@pytest.fixture(scope="module")
def together(jail):
    """One process that runs all of these cells, each with a function of its own after it."""
    cells = [
        f"{source}\n\ndef harmless_{i}():\n    return {i}"
        for i, source in enumerate(HARMLESS.values())
    ]
    cells += [f"def imports_{i}():\n    import {name}" for i, name in enumerate(FOREIGN)]
    cells += [
        f"import numpy as np\ndef returns_{i}():\n    return {value}"
        for i, value in enumerate(REFUSED)
    ]
    cells += [f"def stays_{i}():\n    return {i}\n{ending}" for i, ending in enumerate(LEAVING)]
    cells += [
        f"def leaves_{i}():\n    {ending}"
        for i, ending in enumerate([*LEAVING, f"return leaves_{len(LEAVING)}()"])
    ]
    cells += [
        f"def says_{i}():\n    raise ValueError({text})" for i, text in enumerate(TEXTS.values())
    ]
    cells += [
        DEEP,
        *(f"def edge_{i}():\n    return {value}" for i, value in enumerate(AT_HOME.values())),
    ]
    cells += ["import os\ndef process():\n    return os.getpid()"]
    run = Submission([_without_magics(Cell(0, "code", source)).source for source in cells], jail)
    yield run
    run.backend.close()


@pytest.mark.parametrize("i", range(len(HARMLESS)), ids=HARMLESS)
def test_what_an_honest_notebook_does_costs_nothing(together, i):
    reply = together(f"harmless_{i}")
    assert (reply.text, reply.value) == ("", i)


@pytest.mark.parametrize("i", range(len(FOREIGN)), ids=FOREIGN)
def test_no_installed_module_can_be_imported(together, i):
    assert together(f"imports_{i}").cause == {"kind": "raised", "error": "ModuleNotFoundError"}


@pytest.mark.parametrize("i", range(len(REFUSED)), ids=REFUSED)
def test_a_value_that_is_not_plain_is_refused(together, i):
    reply = together(f"returns_{i}")
    assert (reply.trouble, reply.value) == ("refused", None)
    assert reply.text.startswith(f"returns_{i} returned ")


@pytest.mark.parametrize("i", range(len(LEAVING)), ids=LEAVING)
def test_a_cell_that_wants_to_leave_stays(together, i):
    assert together(f"stays_{i}").value == i


@pytest.mark.parametrize("i", range(len(LEAVING) + 1), ids=[*LEAVING, "recursion"])
def test_a_function_that_wants_to_leave_has_raised(together, i):
    process = together("process").value
    assert together(f"leaves_{i}").trouble == "raised"
    assert together("process").value == process


@pytest.mark.parametrize("i", range(len(TEXTS)), ids=TEXTS)
def test_any_text_of_an_exception_comes_through(together, i):
    reply = together(f"says_{i}")
    assert reply.cause == {"kind": "raised", "error": "ValueError"}
    assert len(reply.text) <= 500


@pytest.mark.parametrize(("i", "value"), list(enumerate(AT_HOME.values())), ids=AT_HOME)
def test_what_is_refused_in_class_is_refused_at_home_and_nothing_else(together, i, value):
    namespace = {"np": np}
    exec(f"{DEEP}\ndef edge_{i}():\n    return {value}", namespace)
    there, here = together(f"edge_{i}"), InProcess(namespace).call(f"edge_{i}", (), {})
    assert there.trouble == here.trouble
    assert there.trouble in (None, "refused")


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 1"])
def test_a_cell_under_a_magic_is_run(submit, magic):
    cell = _without_magics(Cell(1, "code", magic + "\ndef f():\n    return 1"))
    assert submit(cell.source)("f").value == 1


def test_nothing_that_is_printed_reaches_the_graders_own_output(submit, capfd):
    raw = "import os, sys\nos.write(1, b'one')\nos.write(2, b'two')\n"
    python = "print('three', file=sys.__stdout__, flush=True)\nprint('four')\n"
    submit(raw + python + "def f():\n    os.write(1, b'five')\n    print('six')\n    return 1")("f")
    assert capfd.readouterr() == ("", "")


# --- cells that do not run ---


def test_a_syntax_error_in_a_cell_costs_its_functions_and_says_which_cell(submit):
    run = submit("def f(x)\n    return x", "def g(x):\n    return x")
    assert run("g", 1).value == 1
    reply = run("f", 1)
    assert reply.cause == {
        "kind": "cell",
        "function": "f",
        "cell": "cell 1",
        "error": "SyntaxError",
    }
    assert reply.text.startswith(
        "f is not defined, because its cell (cell 1) does not run: SyntaxError"
    )
    assert "(line 1)" in reply.text


def test_an_exception_in_a_cell_costs_what_comes_after_it_in_that_cell(submit):
    run = submit(
        "def f(x):\n    return x\n1 / 0\ndef g(x):\n    return x", "def h(x):\n    return x"
    )
    assert (run("f", 1).value, run("h", 1).value) == (1, 1)
    reply = run("g", 1)
    assert (reply.trouble, reply.cause["error"]) == ("cell", "ZeroDivisionError")
    assert (
        "its cell (cell 1) does not run: ZeroDivisionError: division by zero (line 3)" in reply.text
    )


def test_a_function_that_no_cell_defines_is_missing(submit):
    assert submit("1 / 0")("f").trouble == "missing"


def test_a_probe_of_a_function_whose_cell_does_not_run_says_which_cell(submit):
    run = submit(
        "def f(x)\n    return x",
        probes="def twice(student, x):\n    return student.f(student.f(x))\n",
    )
    reply = run("probes.twice", 1)
    assert (reply.trouble, reply.cause["function"]) == ("cell", "f")
    assert "f is not defined, because its cell (cell 1)" in reply.text


ENDINGS = ["import os; os._exit(0)", "import ctypes; ctypes.string_at(0)", "import os; os.abort()"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cell_that_ends_the_process_is_left_out_and_the_others_run(submit, ending):
    run = submit("def f():\n    return 1", f"{ending}\ndef g():\n    return 2")
    assert run("f").value == 1
    assert "its cell (cell 2) does not run: it ends the Python process" in run("g").text


def test_a_cell_that_never_ends_is_left_out_and_the_others_run(submit):
    run = submit(
        "def f():\n    return 1",
        "while True:\n    pass\ndef g():\n    return 2",
        own_cpu_seconds=1.0,
    )
    assert run("f").value == 1
    assert "its cell (cell 2) does not run: it was stopped after 1 seconds" in run("g").text
    run.begin()
    assert run("f").value == 1


class Hanging:
    """Stands in for a jail, and its workers, whose cells never end."""

    tier, spawned = "A", 0

    def spawn(self, memory_mb):
        self.spawned += 1
        return self

    def ask(self, request, budget):
        if request["do"] == "cell":
            budget.left = budget.wall = 0
            raise workers.Timeout
        return (
            {
                "cause": {"kind": "missing", "function": "f", "found": None},
                "text": "there is no function f in the notebook",
            }
            if request["do"] == "call"
            else {}
        )

    def end(self):
        """Nothing to end."""


def test_a_notebook_of_cells_that_never_end_does_not_hold_up_the_class():
    jail = Hanging()
    Submission(["while True: pass"] * 100, jail)("f")
    assert (
        jail.spawned < 20
    )  # and not a budget for each cell: a hundred of ten seconds are a quarter of an hour


ODD_SOURCES = {
    "of a lone surrogate": "a = '\ud800'",
    "of two megabytes": "a = '" + "x" * 2_000_000 + "'",
    "of zeros": "a = '\0'",
}


@pytest.mark.parametrize("source", ODD_SOURCES.values(), ids=ODD_SOURCES)
def test_an_odd_cell_costs_itself_at_most(submit, source):
    assert submit(source, "def f():\n    return 1")("f").value == 1


# --- functions that do not return ---


def test_a_function_that_never_ends_costs_one_budget_and_the_next_exercise_works(submit):
    run = submit("def f():\n    while True:\n        pass\ndef g():\n    return 1", cpu_seconds=1.0)
    reply = run("f")
    assert reply.trouble == "timeout"
    assert reply.text == "stopped: the exercise used all its 1 seconds; is there an endless loop?"
    spawned = children()
    assert run("f").trouble == run("g").trouble == "timeout"
    assert children() <= spawned  # no further process was even started
    run.begin()
    assert run("g").value == 1


def test_the_calls_of_an_exercise_share_one_budget(submit):
    busy = "    end = process_time() + 0.4\n    while process_time() < end:\n        pass\n"
    run = submit(f"from time import process_time\ndef f():\n{busy}    return 1", cpu_seconds=1.0)
    assert [run("f").trouble for _ in range(4)][-1] == "timeout"


def test_a_function_that_sleeps_is_stopped(submit):
    run = submit("import time\ndef f():\n    time.sleep(1000)", cpu_seconds=0.05)
    assert run("f").trouble == "timeout"


def test_a_process_that_stops_itself_is_stopped_for_good(submit):
    run = submit(
        "import os, signal\ndef f():\n    os.kill(os.getpid(), signal.SIGSTOP)", cpu_seconds=0.05
    )
    assert run("f").trouble in ("timeout", "raised")  # in a jail it may not even stop itself


def test_a_process_that_no_longer_listens_holds_nobody_up(submit):
    busy = "def busy():\n    time.sleep(0.2)\n    sum(range(10**12))  # never lets go of the interpreter\n"
    start = "def f(x):\n    threading.Thread(target=busy, daemon=True).start()\n    return 1\n"
    run = submit(f"import threading, time\n{busy}{start}def g(x):\n    return 2", cpu_seconds=0.4)
    assert run("f", 0).value == 1
    threading.Event().wait(0.5)
    watchdog = threading.Timer(
        8, lambda: [child.kill() for child in psutil.Process().children()]
    )  # or the test hangs
    watchdog.start()
    reply = run("g", np.zeros(1_000_000))  # more than a pipe holds
    watchdog.cancel()
    assert reply.trouble == "timeout"


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_function_that_ends_the_process_is_told_and_the_next_call_works(submit, ending):
    run = submit(f"def f():\n    {ending}", "def g():\n    return 1")
    reply = run("f")
    assert (reply.trouble, reply.text) == (
        "crashed",
        "f ended the Python process instead of returning a value",
    )
    assert run("g").value == 1


BOMBS = {
    "an array": "np.ones(10 * 2**30 // 8)",
    "a list": "[0] * (10 * 2**30)",
    "arrays without end": "[np.empty(10**7) for i in range(10**6)]",
    "a power": "bytes(10 * 2**30)",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_memory_bomb_is_an_error_and_the_next_call_works(submit, bomb):
    run = submit(
        f"import numpy as np\ndef f():\n    {bomb}\n    return 1\ndef g():\n    return 1",
        memory_mb=512,
    )
    assert run("f").trouble in ("raised", "crashed")
    assert run("g").value == 1


# --- values ---


def forged(outcome):
    """A notebook that answers in our place."""
    forgery = f"sys.modules['autograder.worker.invoke'].call = lambda *a, **k: {outcome}"
    return f"import sys\n{forgery}\ndef f(x=0):\n    return 1"


FORGERIES = {
    "an unknown cause": "{'cause': {'kind': 'passed'}}",
    "a cause that is no dict": "{'cause': 'stub'}",
    "a cause whose kind is no text": "{'cause': {'kind': ['stub']}}",
    "a cause without its facts": "{'cause': {'kind': 'raised'}}",
    "a cause with a long name": "{'cause': {'kind': 'raised', 'error': 'E' * 1000}}",
    "a cause that is ours to find": "{'cause': {'kind': 'timeout', 'seconds': 1.0}}",
    "a text that is none": "{'cause': {'kind': 'refused'}, 'text': ['y'] * 1000}",
    "changes out of range": "{'value': 1, 'changed': (5,)}",
    "changes below zero": "{'value': 1, 'changed': (-1,)}",
    "changes that are no numbers": "{'value': 1, 'changed': ('x',)}",
    "changes that are no tuple": "{'value': 1, 'changed': {}}",
    "no outcome": "3",
    "not plain": "{'value': {1}}",
    "a generator for us to make": "{'value': sys.modules['autograder.worker.codec'].Seed(1)}",
}


@pytest.mark.parametrize("outcome", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_outcome_is_a_crash_and_leaves_no_process_behind(submit, outcome):
    assert submit(forged(outcome))("f", 1).trouble == "crashed"


def test_a_forged_text_is_cut(submit):
    reply = submit(forged("{'cause': {'kind': 'refused'}, 'text': 'x' * 100_000}"))("f")
    assert len(reply.text) <= 500


WRITE = """
import os
def f():
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, {junk})
        except OSError:
            pass
    return 1
def g():
    return 2
"""


@pytest.mark.parametrize(
    "junk",
    [
        "b'junk' * 100",
        "b'dlw1' + bytes(12)",
        "b'dlw1' + b'\\xff' * 12",
        "b'dlw1\\x03\\0\\0\\0' + bytes(8) + b'\\x92\\x01\\x90'",
    ],
)
def test_junk_on_every_descriptor_is_a_crash_at_most(submit, junk):
    run = submit(WRITE.format(junk=junk))
    assert run("f").trouble in (None, "crashed")
    run.begin()
    assert run("g").value == 2


def test_closed_descriptors_are_a_crash_at_most(submit):
    run = submit(
        "import os\ndef f():\n    os.closerange(0, 64)\n    return 1\ndef g():\n    return 2"
    )
    assert run("f").trouble in (None, "crashed", "timeout")
    run.begin()
    assert run("g").value == 2


# --- what it can see, and what it leaves behind ---


def test_no_environment_variable_of_ours_is_seen(submit, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_TEST_TOKEN", "a-secret-token")
    raw = "    try:\n        return seen, open('/proc/self/environ').read()\n"
    raw += "    except OSError:\n        return seen, ''"
    source = f"import os\ndef f():\n    seen = dict(os.environ)\n{raw}"
    seen, raw = submit(source)("f").value
    assert "a-secret-token" not in str(seen) + raw
    assert seen.pop("HOME", "/tmp") == "/tmp"
    assert not {"USER", "PATH", "VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST"} & set(seen)


def test_two_exercises_share_no_state(submit):
    seeds = "import numpy as np, random\nnp.random.seed(1)\nrandom.seed(1)\ncount = 0\n"
    body = "    global count\n    count += 1\n    return count, np.random.rand(), random.random()"
    run = submit(f"{seeds}def f():\n{body}")
    first, second = run("f").value, run("f").value
    assert (first[0], second[0]) == (1, 2)
    run.begin()
    assert run("f").value == first


def test_threads_are_gone_after_close(submit):
    run = submit(
        "import threading, time\ndef f():\n    threading.Thread(target=lambda: "
        "time.sleep(1000)).start()\n    return 1"
    )
    assert run("f").value == 1


MARK = f"98765.{os.getpid()}"  # no other process sleeps for just as long
START = "subprocess.Popen(['sleep', MARK], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)"
ORPHAN = f"os.setsid(); os.fork() or {START}; os._exit(0)"


def sleepers():
    return [p for p in psutil.process_iter(["cmdline"]) if MARK in (p.info["cmdline"] or [])]


@pytest.mark.parametrize(
    "start", [START, f"if os.fork() == 0: {ORPHAN}"], ids=["a child", "an orphan"]
)
def test_processes_that_a_function_started_are_gone_after_close(submit, start):
    head = f"import os, subprocess, time\nMARK = '{MARK}'\n"
    body = f"    try:\n        {start}\n    except Exception:\n        pass\n    time.sleep(0.3)\n    return 1"
    run = submit(f"{head}def f():\n{body}")
    try:
        assert run("f").trouble in (None, "crashed")
        run.backend.close()
        assert psutil.wait_procs(sleepers(), timeout=5)[1] == []
    finally:
        for process in sleepers():
            process.kill()


def test_closing_twice_and_closing_unused_is_fine(submit):
    run = submit("def f():\n    return 1")
    run.backend.close()
    run("f")
    run.backend.close()
    run.backend.close()


def test_a_worker_that_cannot_be_fed_is_ended_with_the_others(submit):
    run = submit("def f(x):\n    return 1")
    with contextlib.suppress(TypeError):
        run("f", {1})  # no check does this, but a fault of ours must not leave processes behind
    assert run("f", 1).value == 1
