"""Tampering with the process that the code runs in (11-25 of docs/attacks.md): verdicts are made in
another one.
"""

import pytest
from attacks import HONEST, LOCKED, answered, survived

TAMPERING = {
    "11 NumPy's comparisons replaced": """
        yes = lambda *a, **k: np.True_
        for name in ('allclose', 'isclose', 'all', 'array_equal', 'less_equal', 'isfinite', 'abs'):
            setattr(np, name, yes)
        np.testing.assert_allclose = yes
        """,
    "11 NumPy's norm replaced": "np.linalg.norm = lambda *a, **k: 0.0",
    "12 test runners replaced": """
        import sys, types, unittest
        unittest.TestCase.run = lambda *a, **k: True
        for name in ('pytest', '_pytest', '_pytest.reports', 'doctest'):
            module = sys.modules.setdefault(name, types.ModuleType(name))
            module.TestReport = module.DocTestRunner = lambda *a, **k: None
        """,
    "13 our own modules replaced": """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith('autograder') or name == 'worker':
                for attribute in list(vars(module)):
                    if callable(vars(module)[attribute]) and not attribute.startswith('__'):
                        setattr(module, attribute, lambda *a, **k: {'value': True, 'passed': True, 'score': 3.0})
        """,
    "13 the server's answers replaced": """
        import gc
        for o in gc.get_objects():
            if type(o).__name__ == 'Server':
                o.do_call = lambda request: {'passed': True, 'score': 3, 'value': None, 'changed': ()}
        """,
    "14 builtins replaced": """
        import builtins
        yes = lambda *a, **k: True
        for name in ('abs', 'all', 'any', 'isinstance', 'issubclass', 'callable', '__import__', 'len', 'type'):
            setattr(builtins, name, yes)
        """,
    "15 NumPy and the reference shadowed": """
        import sys, types
        for name in ('numpy', 'reference', 'solutions', 'solutions.tiny', 'autograder.testing.assertions', 'tiny'):
            module = sys.modules[name] = types.ModuleType(name)
            module.double = lambda x: x
            module.assert_close = lambda *a, **k: None
        """,
    "16 the notebook's shell replaced": """
        shell = get_ipython()
        type(shell).showtraceback = type(shell).run_cell_magic = lambda *a, **k: None
        get_ipython = lambda: 1 / 0
        raise ValueError('hidden')
        """,
    "17 trace, profile, audit and import hooks": """
        import sys, threading
        def hook(frame, event, arg):
            frame.f_locals.update(expected=0, passed=True)
            return hook
        for attach in (sys.settrace, sys.setprofile, threading.settrace, threading.setprofile):
            attach(hook)
        class Finder:
            def find_spec(self, name, path=None, target=None): raise ImportError(name)
        sys.meta_path.insert(0, Finder())
        sys.addaudithook(lambda *a: None)
        """,
    "17 an audit hook that forbids everything": """
        import sys
        def hook(event, args):
            if event not in ('object.__getattr__',): raise RuntimeError(event)
        sys.addaudithook(hook)
        """,
    "18 what runs after the check": """
        import atexit, os, threading, time
        def late():
            time.sleep(0.05)
            for descriptor in range(20):
                try: os.write(descriptor, b'late' * 50)
                except OSError: pass
        class Late:
            def __del__(self): late()
        late_one = Late()
        atexit.register(late)
        threading.Thread(target=late, daemon=True).start()
        def double(x):
            threading.Thread(target=late).start()
            return Late()
        """,
    "19 alarms and signals switched off": """
        import signal
        signal.alarm(0)
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def double(x):
            while True: pass
        """,
    "20 sys.exit(0)": "import sys\ndef double(x): sys.exit(0)",
    "20 SystemExit in a cell": "raise SystemExit(0)",
    "20 KeyboardInterrupt": "def double(x): raise KeyboardInterrupt",
    "20 GeneratorExit": "def double(x): raise GeneratorExit",
    "20 an exception that is equal to none": """
        class Quiet(BaseException):
            __bool__ = __eq__ = lambda self, *a: False
            def __str__(self): raise self
        def double(x): raise Quiet
        """,
    "21 unittest.SkipTest": "import unittest\ndef double(x): raise unittest.SkipTest('later')",
    "21 an exception called Skipped": """
        Skipped = type('Skipped', (BaseException,), {'__module__': '_pytest.outcomes', 'allow_module_level': True})
        def double(x): raise Skipped('not today')
        """,
    "21 an exception called CheckFailed": """
        class KitError(Exception): __module__ = 'autograder.model.errors'
        def double(x): raise KitError('our own fault')
        """,
    "22 os._exit": "import os\ndef double(x): os._exit(0)",
    "22 os._exit in a cell": "import os\nos._exit(0)",
    "22 a segmentation fault": "import ctypes\ndef double(x): ctypes.string_at(0)",
    "22 a signal to itself": "import os, signal\ndef double(x): os.kill(os.getpid(), "
    "signal.SIGKILL)\nos.abort()",
    "23 inputs altered so that they fit": """
        def double(x):
            x[...] = 0
            return x
        def shift(x):
            x -= 1
            return x + 2
        """,
    "24 state left behind": """
        import os, random, warnings
        def double(x):
            np.random.seed(0); random.seed(0); np.seterr(all='raise'); np.set_printoptions(precision=0)
            warnings.simplefilter('error'); os.environ['PYTHONHASHSEED'] = '0'; os.umask(0o777)
            try: os.chdir('/')
            except OSError: pass
            return x
        """,
    "25 a clock that stands still": """
        import time
        time.time = time.perf_counter = time.monotonic = time.process_time = time.thread_time = lambda: 0.0
        time.sleep = lambda s: None
        def double(x):
            while time.time() == 0: pass
        """,
}
KEEPS = (
    "11",
    "12",
    "16",
    "18",
    "20",
    "21",
    "24",
    "25",
)  # where `shift` still earns its point: it is another process


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_earns_nothing(tiny, tier, name):
    report = survived(tiny, tier, TAMPERING[name])
    if name.startswith(KEEPS) and "norm" not in name:
        assert report.score == HONEST


@pytest.mark.parametrize("tier", LOCKED)
def test_23_an_argument_that_was_altered_is_told_by_its_position(tier):
    reply = answered(tier, TAMPERING["23 inputs altered so that they fit"], "shift", 3.0)
    assert reply.changed == ()  # a number cannot be altered
    import numpy as np

    assert answered(
        tier, TAMPERING["23 inputs altered so that they fit"], "shift", np.ones(2)
    ).changed == (0,)


@pytest.mark.parametrize("tier", LOCKED)
def test_19_a_worker_that_ignores_every_signal_is_ended(tier):
    assert (
        answered(
            tier, TAMPERING["19 alarms and signals switched off"], "double", 1, seconds=0.3
        ).trouble
        == "timeout"
    )
