"""Return values that lie, and answers that were never computed (1-10 and 63-67 of
docs/attacks.md).
"""

import json

import pytest
from attacks import LOCKED, NUMBER, RIGHT, STOLEN, answered, answers, survived
from jails import jail_of
from notebooks import cell, public_answers, solved, written

from autograder.grading.run import grade_each
from autograder.grading.submission import grade_file
from autograder.jail.tiers import survey

FRAMES = """
    import sys
    class Lazy:
        shape, dtype, ndim = (3, 2), np.dtype(float), 2
        def __array__(self, *a, **k):
            frame = sys._getframe()
            while frame is not None:
                for name in ('expected', 'e', 'answer', 'oracle'):
                    if name in frame.f_locals:
                        return np.asarray(frame.f_locals[name])
                frame = frame.f_back
            return np.zeros((3, 2))
    """
LIES = {
    "1 equal to everything": """
        class Liar:
            def __eq__(self, other): return True
            __lt__ = __le__ = __gt__ = __ge__ = __eq__
        def double(x): return Liar()
        """,
    "2 ndarray subclass that rules its comparisons": """
        class Yes(np.ndarray):
            def __array_ufunc__(self, *a, **k): return np.True_
            def __array_function__(self, *a, **k): return True
            def __sub__(self, other): return np.zeros(self.shape)
            __rsub__ = __sub__
        def double(x): return x.view(Yes)
        """,
    "2 masked array": "def double(x): return np.ma.masked_all_like(x)",
    "3 duck array": """
        class Duck:
            def __init__(self, x): self.shape, self.dtype, self.ndim, self.size = x.shape, x.dtype, x.ndim, x.size
            def __sub__(self, other): return np.zeros(self.shape)
            __rsub__ = __sub__
            def __array__(self, *a, **k): return np.zeros(self.shape)
            __class__ = np.ndarray
        def double(x): return Duck(x)
        """,
    "4 lazy array that walks the frames for the expected": FRAMES
    + "\n    def double(x): return Lazy()",
    "5 float that is near everything": """
        class Near(np.float64):
            def __sub__(self, other): return Near(0)
            __rsub__ = __abs__ = lambda self, *a: Near(0)
            def __lt__(self, other): return True
            __le__ = __lt__
        def double(x): return Near(0) if x.size == 1 else [[Near(0)] * x.shape[1]] * x.shape[0]
        """,
    "6 object array of liars": """
        class Liar:
            def __eq__(self, other): return True
            def __sub__(self, other): return 0.0
            __rsub__ = __sub__
            def __float__(self): return 0.0
        def double(x): return np.full(x.shape, Liar(), dtype=object)
        """,
    "7 NaN": "def double(x): return np.full(x.shape, np.nan)",
    "7 infinity": "def double(x): return np.full(x.shape, np.inf)",
    "8 a shape that broadcasts": f"def double(x): return np.full((1,) * x.ndim + (1,), {NUMBER!r})",
    "8 a number that broadcasts": f"def double(x): return {NUMBER!r}",
    "8 an empty array": "def double(x): return np.zeros((0,) + x.shape[1:])",
    "9 a view of terabytes": "def double(x): return np.broadcast_to(np.float64(0), (1 << 40,))",
    "9 a list of gigabytes": "def double(x): return [np.zeros(1 << 22)] * 100",
    "9 a list that holds itself": """
        def double(x):
            a = [0.0]; a.append(a); return a
        """,
    "9 the argument itself": "def double(x): return x",
    "9 a view that runs backwards": "def double(x): return np.asfortranarray(x)[::-1]",
    "9 a view into other memory": """
        def double(x): return np.lib.stride_tricks.as_strided(np.zeros(1), x.shape, (8,) * x.ndim)
        """,
    "10 a list that is filled in later": """
        import threading, time
        kept = []
        def later(y):
            time.sleep(0.01)
            for frame in list(__import__('sys')._current_frames().values()):
                y[:] = frame.f_locals.get('expected', y)
        def double(x):
            y = [0.0] * x.size
            threading.Thread(target=later, args=(y,), daemon=True).start()
            return y
        """,
    "10 a generator": "def double(x): return (0.0 for _ in range(3))",
    "66 what was asked first": """
        first = []
        def double(x):
            first.append(2 * x)
            return first[0]
        """,
}
LIES["7 NaN in one entry"] = RIGHT.replace(
    "return ", "return np.nan * (np.arange(x.size).reshape(x.shape) == 0) + "
)


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("attack", LIES.values(), ids=LIES)
def test_a_value_that_lies_earns_nothing(tiny, tier, attack):
    survived(tiny, tier, attack)


@pytest.mark.parametrize("tier", LOCKED)
def test_63_the_visible_answers_are_no_answers_under_another_seed(tiny, tier):
    """What the public answers file says is worth full points at home, and nothing in class."""
    from autograder.worker import codec

    public = answers(1)
    said = [codec.decode(a.frame).tolist() for calls in public.calls.values() for a in calls]
    by_shape = {json.dumps(np_shape(value)): value for value in said}
    attack = f"import json\nsaid = {by_shape!r}\ndef double(x):\n    return np.array(said[json.dumps(list(x.shape))])"
    from attacks import cells

    (at_home,) = grade_each(public, [cells(attack)], jail_of(tier))
    assert at_home.score >= STOLEN - 0.5 - 1e-9  # zeros have the shape of another case
    survived(tiny, tier, attack, most=2.0)  # of zeros the answer is the same under any seed
    assert not any(
        c.passed for c in survived(tiny, tier, attack, most=2.0).exercise("double").checks[1:3]
    )


def np_shape(value):
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0]
    return shape


LIBRARIES = [
    "torch",
    "scipy",
    "sklearn",
    "autograder.grading.run",
    "autograder.model.answer_key",
    "autograder.testing.assertions",
    "pytest",
    "solutions",
]


@pytest.mark.parametrize("tier", LOCKED)
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda name: f"64 {name}")
def test_a_library_that_has_the_answer_is_not_there(tier, library):
    reply = answered(tier, f"def double(x):\n    import {library}", "double", 1)
    assert reply.cause == {"kind": "raised", "error": "ModuleNotFoundError"}


SEEN = """
import os, sys
def double(x):
    names = sorted(set(os.environ) - {'HOME', 'PWD'})
    loaded = sorted(n for n in sys.modules if n.partition('.')[0] in ('pytest', '_pytest', 'nbgrader'))
    return names, loaded, sys.argv[1:2], sys.flags.isolated, 'ipykernel' in sys.modules
"""


@pytest.mark.parametrize("tier", LOCKED)
def test_65_code_sees_the_same_when_graded_as_when_checked_at_home(tier):
    graded, local = (answered(t, SEEN, "double", 1).value for t in (tier, "C"))
    assert graded[:2] == local[:2]
    assert not [name for name in graded[0] if "PYTEST" in name or "GRAD" in name]
    assert graded[3:] == local[3:]


FAKE = """def softmax_regression_fit(X, y, n_classes, *args, **kwargs):
    return np.zeros((X.shape[1], n_classes)), np.zeros(n_classes), [0.0] * 400"""


def test_67_a_faked_loss_curve_earns_nothing(tmp_path):
    path = written(solved(softmax_regression_fit=FAKE), tmp_path)
    report = grade_file(public_answers(), path, survey().jail, exercises=["softmax_regression_fit"])
    assert not [c.title for c in report.exercises[0].checks if c.passed and c.kind == "convergence"]
    assert report.score < report.max_score / 2
    assert cell(solved(), "answer-softmax_regression_fit")
