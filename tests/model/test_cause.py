"""A cause and a call are plain data: they survive JSON, and what is not one of them is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.model import cause as causes

names = st.text(max_size=200)
counts = st.integers(0, 2**62 - 1)
shapes = st.lists(counts, max_size=32)
numbers = st.none() | st.integers(-(10**299), 10**299) | st.floats(-1e299, 1e299)
FACTS = {
    "none": {},
    "type": {"got": names},
    "parts": {"got": counts, "expected": counts},
    "shape": {"got": shapes, "expected": shapes},
    "nonfinite": {"wrong": counts, "of": counts},
    "values": {"wrong": counts, "of": counts, "error": numbers},
    "at_least": {"value": numbers, "line": numbers},
    "at_most": {"value": numbers, "line": numbers},
    "changed": {"arguments": st.lists(names, max_size=64)},
    "missing": {"function": names, "found": st.none() | names},
    "stub": {"function": names},
    "needs_stub": {"function": names, "needs": names},
    "raised": {"error": names},
    "refused": {},
    "cell": {"function": names, "cell": names, "error": st.none() | names},
    "timeout": {"seconds": st.floats(0, 1e9)},
    "crashed": {},
    "unusable": {"error": names},
}
every = st.one_of(
    st.fixed_dictionaries({"kind": st.just(kind), **facts}) for kind, facts in FACTS.items()
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "got", "expected", "wrong", "of", "error", "function"]), inner
        )
    ),
    max_leaves=8,
)


def travelled(value):
    return json.loads(json.dumps(value))


# --- causes ---


@given(every)
def test_any_cause_survives_json(cause):
    assert causes.read(travelled(cause)) == cause


@given(every, st.dictionaries(st.text(min_size=12), plain, max_size=2))
def test_a_key_of_a_later_version_is_left_out(cause, more):
    assert causes.read({**more, **cause}) == cause


@given(every, st.data())
def test_a_mangled_cause_is_refused_or_still_one(cause, data):
    key = data.draw(st.sampled_from(sorted(cause)))
    mangled = {**cause, key: data.draw(plain)}
    if data.draw(st.booleans()):
        del mangled[key]
    try:
        found = causes.read(mangled)
    except ValueError:
        return
    assert found is None or causes.read(travelled(found)) == found


@given(plain)
def test_any_plain_data_is_a_cause_or_none_or_a_value_error(value):
    for read in (causes.read, causes.read_call):
        try:
            read(value)
        except ValueError:
            continue


def test_a_kind_of_a_later_version_is_no_cause():
    assert causes.read({"kind": "too_slow", "seconds": 9}) is None


MANGLED = {
    "no dict": "shape",
    "no kind": {"got": [1]},
    "a kind of numbers": {"kind": 1},
    "a fact that is missing": {"kind": "shape", "got": [1]},
    "a length below zero": {"kind": "shape", "got": [-1], "expected": [1]},
    "a length that is true": {"kind": "shape", "got": [True], "expected": [1]},
    "an endless error": {"kind": "values", "wrong": 1, "of": 2, "error": float("inf")},
    "a value that is no number": {"kind": "at_least", "value": float("nan"), "line": 1},
    "a long name": {"kind": "raised", "error": "E" * 201},
    "many names": {"kind": "changed", "arguments": ["x"] * 65},
    "many axes": {"kind": "shape", "got": [1] * 33, "expected": [1]},
}


@pytest.mark.parametrize("data", MANGLED.values(), ids=MANGLED)
def test_what_is_no_cause_is_a_value_error(data):
    with pytest.raises(ValueError, match="a cause"):
        causes.read(data)


def test_what_is_made_here_can_be_read():
    mask = np.array([[True, False], [True, True]])
    made = {
        causes.kind(cause): cause
        for cause in (
            causes.shape((4, np.int64(3)), [3, 4]),
            causes.nonfinite(mask),
            causes.values(mask, np.float64(0.0213)),
            causes.measured("least", np.float64(0.71234), 1),
            causes.measured("most", float("nan"), 1e400),
        )
    }
    assert made["shape"] == {"kind": "shape", "got": [4, 3], "expected": [3, 4]}
    assert made["nonfinite"] == {"kind": "nonfinite", "wrong": 3, "of": 4}
    assert made["values"] == {"kind": "values", "wrong": 3, "of": 4, "error": 0.0213}
    assert made["at_least"] == {"kind": "at_least", "value": 0.712, "line": 1.0}
    assert made["at_most"] == {"kind": "at_most", "value": None, "line": None}
    for cause in made.values():
        assert causes.read(travelled(cause)) == cause


# --- calls ---

arguments = st.recursive(
    numbers | st.lists(counts, max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(names, st.lists(st.tuples(st.none() | st.text(max_size=5), arguments), max_size=5))
def test_any_call_survives_json(function, found):
    call = {"function": function, "arguments": [list(pair) for pair in found]}
    try:
        made = causes.read_call(call)
    except ValueError:  # too long, or too deep
        assert len(json.dumps(call)) > 4096
        return
    assert causes.read_call(travelled(made)) == call


CALLS = {
    "no dict": "f(x)",
    "no function": {"arguments": []},
    "no arguments": {"function": "f"},
    "arguments of text": {"function": "f", "arguments": "x"},
    "an argument alone": {"function": "f", "arguments": [["x"]]},
    "a value of text": {"function": "f", "arguments": [["x", "y"]]},
    "a name of numbers": {"function": "f", "arguments": [[1, 1]]},
    "an endless number": {"function": "f", "arguments": [["x", float("inf")]]},
    "too much": {"function": "f", "arguments": [["x", {"k" * 199 + str(i): 1 for i in range(30)}]]},
}


@pytest.mark.parametrize("data", CALLS.values(), ids=CALLS)
def test_what_is_no_call_is_a_value_error(data):
    with pytest.raises(ValueError, match="a call"):
        causes.read_call(data)


def test_a_nest_a_thousand_levels_deep_is_a_value_error():
    nest = 1
    for _ in range(900):
        nest = {"a": nest}
    with pytest.raises(ValueError, match="a call"):
        causes.read_call({"function": "f", "arguments": [["x", nest]]})


def test_the_shapes_of_a_call_are_those_in_its_dicts_too():
    values = [np.ones((4, 3)), {"W": np.ones((3, 2)), "inner": {"b": np.ones(2)}}, 4, "s"]
    call = causes.call("f", ["x", "params", "k", None], values)
    assert causes.shapes(call) == [[4, 3], [3, 2], [2]]
    assert causes.shapes(None) == []
