"""`student.f(...)` is the function f, wherever it lives; what goes wrong is told with the call in
words.
"""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.grading.in_process import Local
from autograder.model import cause as causes
from autograder.testing.assertions import CheckFailed
from autograder.testing.student import (
    Reply,
    Student,
    StudentFailed,
    assert_unchanged,
    describe,
    generator,
    last_call,
    last_call_as_data,
)
from autograder.worker import codec

SOURCE = """
def relu(x):
    return np.maximum(x, 0)

def spoil(x, W, b=0):
    W[0] = 1
    if type(b) is not int:
        b[0] = 1
    return x

def stub(x):
    raise NotImplementedError

def broken(x):
    raise ValueError("no such axis")

def odd(x):
    return {x}

thing = 3
"""
PARAMETERS = {name: ["x"] for name in ("relu", "stub", "broken", "odd", "thing", "absent")} | {
    "spoil": ["x", "W", "b"]
}


class Fixed:
    """A backend that has one reply to everything, and keeps what it was asked."""

    def __init__(self, reply):
        self.reply, self.asked = reply, []

    def call(self, function, args, kwargs):
        self.asked.append((function, args, kwargs))
        return self.reply


@pytest.fixture
def student():
    namespace = {"np": np}
    exec(SOURCE, namespace)
    return Student(Local(namespace), PARAMETERS)


def test_a_call_brings_the_value(student):
    np.testing.assert_array_equal(student.relu(np.array([-1.0, 2.0])), [0, 2])
    np.testing.assert_array_equal(student.relu(x=np.array([-1.0, 2.0])), [0, 2])


def test_a_call_hands_on_arguments_by_position_and_by_name():
    backend = Fixed(Reply(5))
    assert Student(backend, {}).f(1, 2, b=3) == 5
    assert backend.asked == [("f", (1, 2), {"b": 3})]


TROUBLES = {
    "stub": {"kind": "stub", "function": "stub"},
    "broken": {"kind": "raised", "error": "ValueError"},
    "odd": {"kind": "refused"},
    "thing": {"kind": "missing", "function": "thing", "found": "int"},
    "absent": {"kind": "missing", "function": "absent", "found": None},
}


@pytest.mark.parametrize(("function", "cause"), TROUBLES.items(), ids=TROUBLES)
def test_a_call_that_brings_no_value_is_a_failed_check_that_says_why(student, function, cause):
    with pytest.raises(StudentFailed) as caught:
        getattr(student, function)(1)
    assert caught.value.cause == cause
    assert caught.value.message.startswith((function, f"there is no function {function}"))
    assert isinstance(caught.value, CheckFailed)


@pytest.mark.parametrize("cause", [{"kind": "timeout", "seconds": 2.0}, {"kind": "crashed"}])
def test_a_call_that_ended_its_process_is_a_failed_check(cause):
    with pytest.raises(StudentFailed, match="gone") as caught:
        Student(Fixed(Reply(cause=cause, text="gone")), {}).f()
    assert caught.value.cause == cause


@pytest.mark.parametrize("name", ["_private", "__len__", "__array__"])
def test_a_student_is_no_array_and_has_no_private_functions(student, name):
    with pytest.raises(AttributeError):
        getattr(student, name)


# --- arguments that changed ---


def test_arguments_that_stay_as_they_were_are_fine(student):
    student.relu(np.ones(2))
    assert_unchanged(student)


def changed(student, *args, **kwargs):
    student.spoil(*args, **kwargs)
    with pytest.raises(CheckFailed) as caught:
        assert_unchanged(student)
    return caught.value.message


def test_an_argument_that_changed_is_named(student):
    assert changed(student, 1, np.zeros(2)) == "W changed during the call; work on a copy instead"


def test_an_argument_given_by_name_that_changed_is_named(student):
    assert changed(student, 1, W=np.zeros(2)).startswith("W changed")


def test_all_arguments_that_changed_are_named(student):
    assert changed(student, 1, np.zeros(2), b=np.zeros(1)).startswith("W and b changed")


def test_an_argument_without_a_known_name_is_named_by_its_place():
    student = Student(Fixed(Reply(1, changed=(1, 2))), {"spoil": ["x"]})
    assert changed(student, 1, 2, k=3).startswith("argument 2 and k changed")


def test_only_the_last_call_counts(student):
    student.spoil(1, np.zeros(2))
    student.relu(1)
    assert_unchanged(student)


# --- the call in words ---

CALLS = {
    "arrays by their shape": (
        ["x", "W"],
        (np.ones((4, 3)), np.ones((3, 2))),
        {},
        "f(x (4, 3), W (3, 2))",
    ),
    "numbers by their value": (["x", "n"], (0.123456, 3), {}, "f(x 0.1235, n 3)"),
    "text": (["mode"], ("same",), {}, "f(mode 'same')"),
    "by name": (["x"], (1,), {"axis": 0, "y": np.ones(2)}, "f(x 1, axis=0, y=(2,))"),
    "without known names": ([], (1, np.ones(2)), {}, "f(1, (2,))"),
    "fewer than the names": (["x", "y"], (1,), {}, "f(x 1)"),
    "a dict of many": (
        ["p"],
        ({f"W{i}": i for i in range(22)},),
        {},
        "f(p {W0 0, W1 1, …, W20 20, W21 21})",
    ),
    "a dict of arrays": (
        ["p"],
        ({"W": np.ones((2, 3)), "b": np.ones(3)},),
        {},
        "f(p {W (2, 3), b (3,)})",
    ),
    "a short list": (["layers"], ([2, 3],), {}, "f(layers [2, 3])"),
    "a long list": (["layers"], (list(range(100)),), {}, "f(layers list of 100)"),
    "a long text": (["s"], ("x" * 99,), {}, "f(s str of 99)"),
    "nothing": (["x"], (None,), {}, "f(x None)"),
    "a number of NumPy's": (["x"], (np.float64(0.5),), {}, "f(x 0.5)"),
    "no arguments": ([], (), {}, "f()"),
}


@pytest.mark.parametrize(("names", "args", "kwargs", "words"), CALLS.values(), ids=CALLS)
def test_a_call_is_described_by_what_matters(names, args, kwargs, words):
    assert describe("f", names, args, kwargs) == words


def test_a_probe_is_described_in_words():
    assert describe("probes.value_and_grad", [], (1,), {}) == "value and grad(1)"


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.complex_numbers()
    | st.text()
    | hnp.arrays(
        hnp.scalar_dtypes().filter(lambda d: d.char in codec.DTYPES), hnp.array_shapes(min_dims=0)
    )
    | hnp.arrays(st.sampled_from("?bdfD"), ()).map(lambda a: a[()]),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(max_size=3), inner)
    ),
    max_leaves=5,
)


@given(plain)
def test_every_plain_argument_can_be_described(value):
    assert describe("f", ["x"], (value,), {}).startswith("f(x ")


def test_the_last_call_is_remembered_even_if_it_fails(student):
    with pytest.raises(StudentFailed):
        student.stub(np.ones((2, 2)))
    assert last_call(student) == "stub(x (2, 2))"


DATA = {
    "by position": (["x", "k"], (np.ones((2, 3)), 4), {}, [["x", [2, 3]], ["k", 4]]),
    "by name": (["x"], (np.ones(3),), {"lr": 0.1}, [["x", [3]], ["lr", 0.1]]),
    "without a name": ([], (np.ones(3), "s"), {}, [[None, [3]], [None, None]]),
    "lengths": (["shape"], ((2, 3),), {}, [["shape", [2, 3]]]),
    "a number alone": (["x"], (np.float64(0.5),), {}, [["x", None]]),
    "a dict": (["p"], ({"W": np.ones((2, 3)), "t": 1},), {}, [["p", {"W": [2, 3], "t": 1}]]),
    "a large dict": (
        ["p"],
        ({f"W{i}": i for i in range(22)},),
        {},
        [["p", {"W0": 0, "W1": 1, "W20": 20, "W21": 21}]],
    ),
    "a dict that is too much": (["p", "k"], ({"x" * 9999: 1}, 4), {}, [["p", None], ["k", None]]),
    "nothing": ([], (), {}, []),
}


@pytest.mark.parametrize(("names", "args", "kwargs", "arguments"), DATA.values(), ids=DATA)
def test_the_last_call_is_there_as_data_too(names, args, kwargs, arguments):
    student = Student(Fixed(Reply(1)), {"f": names})
    assert last_call_as_data(student) is None
    student.f(*args, **kwargs)
    assert last_call_as_data(student) == {"function": "f", "arguments": arguments}


def test_a_probe_is_in_the_data_as_it_is_shown():
    student = Student(Fixed(Reply(1)), {})
    student.probes.value_and_grad(1)
    assert last_call_as_data(student)["function"] == "value and grad"


@given(plain)
def test_every_plain_argument_makes_a_call_that_can_be_read_back(value):
    student = Student(Fixed(Reply(1)), {})
    student.f(value, [value], key={"a": value})
    made = last_call_as_data(student)
    assert causes.read_call(json.loads(json.dumps(made))) == made


def test_a_generator_is_drawn_from_the_seed_alone():
    first, second = generator(np.random.RandomState(3)), generator(np.random.RandomState(3))
    assert first == second
    assert describe("f", ["rng"], (first,), {}) == "f(rng a generator)"
