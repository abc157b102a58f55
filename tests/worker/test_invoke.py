"""A student's function is called on copies, quietly, and whatever it does becomes a value or a
sentence.
"""

import builtins
import json
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.in_process import InProcess
from autograder.model import cause as causes
from autograder.worker import codec, invoke
from autograder.worker.codec import Seed
from autograder.worker.invoke import call


def run(source, *args, function="f", **kwargs):
    """What a call of `function` comes to in a notebook with this code."""
    namespace = {"__name__": "__main__", "np": np}
    exec(source, namespace)
    try:
        outcome = call(namespace, function, args, kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # not let through: pytest itself would trip over some of them
        leaked = type(error).__name__
    else:
        codec.encode(outcome)  # it has to travel
        return outcome
    return pytest.fail(f"call let a {leaked} through", pytrace=False)


# --- values ---


def test_a_value_comes_back():
    assert run("def f(x, y):\n    return x + y", 1, y=2) == {"value": 3, "changed": ()}


def test_arguments_go_by_position_and_by_name():
    source = "def f(a, b=0, *rest, c, **more):\n    return a, b, rest, c, more"
    assert run(source, 1, 2, 3, c=4, d=5)["value"] == (1, 2, (3,), 4, {"d": 5})


def test_an_argument_may_have_the_name_of_one_of_ours():
    outcome = call(
        {"f": lambda function, args: function + args}, "f", (), {"function": 1, "args": 2}
    )
    assert outcome["value"] == 3


@pytest.mark.parametrize(
    "source", ["f = abs", "f = lambda x: abs(x)", "class f(int): __new__ = lambda c, x: abs(x)"]
)
def test_anything_that_can_be_called_is_a_function(source):
    assert run(source, -2)["value"] == 2


@pytest.mark.parametrize(
    "made",
    ["x", "x[::2]", "x.T", "x.astype('f4')", "np.asfortranarray(x)", "np.broadcast_to(x, (2, 4))"],
)
def test_an_array_comes_back_as_a_copy_of_its_own(made):
    value = run(f"def f(x):\n    return {made}", np.arange(4.0))["value"]
    assert type(value) is np.ndarray
    assert value.flags.owndata or value.base is None or value.flags.writeable


def test_the_caller_keeps_its_own_arguments():
    x = np.zeros(3)
    assert run("def f(x):\n    x += 1\n    return x", x)["changed"] == (0,)
    np.testing.assert_array_equal(x, 0)


def test_a_seed_arrives_as_a_fresh_generator():
    source = "def f(a, b):\n    return a.normal(), b.normal()"
    outcome = run(source, Seed(7), Seed(7))
    assert outcome == {"value": (np.random.default_rng(7).normal(),) * 2, "changed": ()}


# --- mutation ---

MUTATIONS = {
    "the first": ("x[0] = 9.0", (0,)),
    "by name": ("y[0] = 9.0", (2,)),
    "two": ("x *= 2; y *= 2", (0, 2)),
    "a list": ("z.append(1)", (1,)),
    "to what is not plain": ("z.append(set())", (1,)),
    "its shape": ("x.shape = (3, 1)", (0,)),
    "to NaN": ("x[:] = np.nan", (0,)),
    "not at all": ("x = x + 1; z = z + [1]", ()),
    "and back": ("x += 1; x -= 1", ()),
}


@pytest.mark.parametrize(("body", "changed"), MUTATIONS.values(), ids=MUTATIONS)
def test_arguments_that_changed_are_named_by_their_place(body, changed):
    outcome = run(f"def f(x, z, y):\n    {body}\n    return 1", np.ones(3), [1], y=np.ones(2))
    assert outcome == {"value": 1, "changed": changed}


def test_a_nan_in_an_argument_is_not_taken_for_a_change():
    assert run("def f(x):\n    return 1", np.array([np.nan]))["changed"] == ()


# --- not there, or not yet ---


def test_a_function_that_is_not_there_is_missing():
    assert run("def g(): ...") == {
        "cause": {"kind": "missing", "function": "f", "found": None},
        "text": "there is no function f in the notebook",
    }


def test_a_function_that_was_renamed_is_suggested():
    outcome = run("def soft_max(z): ...", function="softmax")
    assert outcome["cause"]["kind"] == "missing"
    assert (
        outcome["text"]
        == "there is no function softmax. Did you mean soft_max? Its name must be softmax"
    )


@pytest.mark.parametrize("source", ["soft_max = 3", "def _softmax(z): ...", "def relu(z): ..."])
def test_what_is_no_function_or_far_off_is_not_suggested(source):
    assert run(source, function="softmax")["text"].endswith("in the notebook")


@pytest.mark.parametrize(
    ("source", "kind"), [("f = 3", "int"), ("f = np.ones(2)", "ndarray"), ("f = None", "NoneType")]
)
def test_a_name_that_was_used_for_something_else_says_so(source, kind):
    outcome = run(source)
    assert outcome["cause"] == {"kind": "missing", "function": "f", "found": kind}
    assert (
        outcome["text"]
        == f"f has the type {kind} and is not a function; did you use the name twice?"
    )


@pytest.mark.parametrize(
    "raised", ["NotImplementedError", "NotImplementedError('write softmax here')"]
)
def test_a_stub_is_not_written_yet(raised):
    outcome = run(f"def f(x):\n    raise {raised}", 1)
    assert outcome == {
        "cause": {"kind": "stub", "function": "f"},
        "text": "f is not written yet",
    }


def test_a_stub_that_another_function_needs_is_named():
    outcome = run("def g(x):\n    raise NotImplementedError\ndef f(x):\n    return g(x)", 1)
    assert outcome == {
        "cause": {"kind": "needs_stub", "function": "f", "needs": "g"},
        "text": "f needs g, which is not written yet",
    }


def test_a_written_function_that_trips_over_a_library_is_no_stub():
    outcome = run("import codecs\ndef f():\n    return codecs.Codec().encode('')")
    assert outcome["cause"]["kind"] == "raised"


# --- exceptions ---


def test_an_exception_is_told_with_its_line():
    outcome = run("def f(x):\n    y = 1\n    raise ValueError('no such axis\\nmore')", 1)
    assert outcome["cause"] == {"kind": "raised", "error": "ValueError"}
    assert outcome["text"] == "f raised ValueError: no such axis (line 3 of its cell)"


def test_the_line_is_the_innermost_of_the_students_own():
    outcome = run("def g(x):\n    return np.ones(2) @ np.ones(3)\ndef f(x):\n    return g(x)", 1)
    assert outcome["text"].endswith("(line 2 of its cell)")


@pytest.mark.parametrize("args", [(), (1, 2), (1, 2, 3)])
def test_a_wrong_number_of_arguments_is_told(args):
    outcome = run("def f(x):\n    return x", *args)
    assert outcome["cause"] == {"kind": "raised", "error": "TypeError"}
    assert "argument" in outcome["text"]


EXCEPTIONS = {
    "SystemExit": ("raise SystemExit(0)", "SystemExit"),
    "exit": ("exit()", "SystemExit"),
    "GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "BaseException": ("raise BaseException('odd')", "BaseException"),
    "recursion": ("return f()", "RecursionError"),
    "an assertion": ("assert False, 'why'", "AssertionError"),
    "a chain": (
        "try:\n        1 / 0\n    except ZeroDivisionError as e:\n        raise KeyError(1) from e",
        "KeyError",
    ),
    "a group": ("raise ExceptionGroup('two', [ValueError(1), TypeError(2)])", "ExceptionGroup"),
    "memory": ("raise MemoryError", "MemoryError"),
    "a syntax error": ("exec('a b')", "SyntaxError"),
    "a warning": ("raise UserWarning('x')", "UserWarning"),
    "end of iteration": ("raise StopIteration", "StopIteration"),
}


@pytest.mark.parametrize(("body", "kind"), EXCEPTIONS.values(), ids=EXCEPTIONS)
def test_every_exception_becomes_a_sentence(body, kind):
    outcome = run(f"def f():\n    {body}")
    assert outcome["cause"] == {"kind": "raised", "error": kind}
    assert outcome["text"].startswith(f"f raised {kind}")


def test_the_stop_button_stops():
    with pytest.raises(KeyboardInterrupt):
        run("def f():\n    raise KeyboardInterrupt")


BROKEN = {
    "str raises": "def __str__(self): 1 / 0",
    "str ends the process": "def __str__(self): raise SystemExit",
    "str is no text": "def __str__(self): return 3",
    "str is a liar": "def __str__(self):\n        return type('S', (str,), {'strip': lambda s: "
    "3})('x')",
    "str is a liar with lines": (
        "def __str__(self):\n        return type('S', (str,), dict(strip=lambda s: s, "
        "splitlines=lambda s: [L()]))('x')"
    ),
    "str without end": "def __str__(self): return str(self)",
    "str of a lone surrogate": "def __str__(self): return '\\ud800'",
    "class lies": "__class__ = property(lambda self: 1 / 0)",
    "traceback lies": "__traceback__ = property(lambda self: 3)",
    "attributes lie": "def __getattribute__(self, name): 1 / 0",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_exception_becomes_a_sentence(body):
    lies = "class L:\n    def __format__(self, spec): 1 / 0\n"
    outcome = run(f"{lies}class E(Exception):\n    {body}\ndef f():\n    raise E('x')")
    assert outcome["cause"] == {"kind": "raised", "error": "E"}
    assert outcome["text"].startswith("f raised E")


@given(st.text())
def test_any_text_of_an_exception_fits_on_a_line(text):
    outcome = run("def f(text):\n    raise ValueError(text)", text)
    assert "\n" not in outcome["text"]
    assert len(outcome["text"]) <= 400


def test_a_long_text_is_cut():
    try:
        raise ValueError("x" * 10_000_000)
    except ValueError:
        line = invoke.first_line()
    assert len(line) < 400
    assert line.endswith("…")


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    raise type('E' * 10_000, (Exception,), {})",
        "f = type('T' * 10_000, (), {})()",
        f"def {'g' * 10_000}(): raise NotImplementedError\ndef f(): return {'g' * 10_000}()",
    ],
)
def test_a_long_name_is_cut_and_the_cause_is_one_that_is_believed(source):
    outcome = run(source)
    assert causes.read(outcome["cause"]) == outcome["cause"]
    assert len(json.dumps(outcome["cause"])) < 200


# --- values that are refused ---

REFUSED = {
    "a generator": ("(i for i in x)", "an object of type generator"),
    "a set": ("{1, 2}", "an object of type set"),
    "an object array": ("np.array([None])", "an array of dtype object"),
    "a masked array": ("np.ma.masked_array([1.0])", "an object of type MaskedArray"),
    "a function": ("f", "an object of type function"),
    "a class": ("int", "an object of type type"),
    "deep inside": ("(1, {'dW': [x, {1}]})", "at [1]['dW'][1] an object of type set"),
    "too large": (
        "np.broadcast_to(1.0, (10**5, 10**5))",
        "an array of 10000000000 entries, 80000 MB",
    ),
    "a seed of ours": ("__import__('sys').modules['autograder.worker.codec'].Seed(1)", "Seed"),
    "a generator of numbers": ("np.random.default_rng(1)", "an object of type Generator"),
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_is_not_plain_is_refused_with_a_sentence(value, words):
    outcome = run(f"def f(x):\n    return {value}", [1])
    assert outcome["cause"] == {"kind": "refused"}
    assert outcome["text"].startswith("f returned ")
    assert words in outcome["text"]
    assert outcome["text"].endswith("; return NumPy arrays and plain numbers")


def test_a_value_that_cannot_even_be_looked_at_is_refused():
    source = "class M(type):\n    __name__ = property(lambda c: 1 / 0)\n"
    source += "class V(metaclass=M): ...\ndef f():\n    return V()"
    assert run(source)["cause"] == {"kind": "refused"}


@pytest.mark.parametrize("value", ["{'k' * 2_000_000: {1}}", "type('T' * 2_000_000, (), {})()"])
def test_a_refusal_is_short_enough_to_travel(value):
    outcome = run(f"def f():\n    return {value}")
    assert outcome["cause"] == {"kind": "refused"}
    assert len(outcome["text"]) <= 600


# --- quiet ---


def test_prints_of_any_size_go_nowhere(capsys):
    source = "import sys\ndef f():\n    print('x' * 10_000_000)\n"
    source += "    print('e', file=sys.stderr, flush=True)\n    return 1"
    assert run(source)["value"] == 1
    assert capsys.readouterr() == ("", "")


def test_a_function_may_close_its_output():
    assert run("import sys\ndef f():\n    sys.stdout.close()\n    return 1")["value"] == 1
    print(end="")


@pytest.mark.parametrize(
    "body", ["np.log(np.zeros(1))", "import warnings; warnings.warn('x')", "np.float32(1e38) * 10"]
)
def test_a_warning_costs_nothing(body):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert run(f"def f():\n    {body}\n    return 1")["value"] == 1
    assert seen == []


@pytest.mark.parametrize(
    "where", ["np.seterr(all='raise')\ndef f():", "def f():\n    np.seterr(all='raise')\n"]
)
def test_an_error_state_of_the_students_own_ends_with_the_call(where):
    before = np.geterr()
    try:
        outcome = run(f"{where}\n    return 1")
        if where.startswith("def"):
            assert np.geterr() == before
    finally:
        np.seterr(**before)
    assert outcome["value"] == 1


def test_numpy_warns_and_does_not_raise_whatever_the_notebook_set():
    with np.errstate(all="raise"):
        assert run("def f():\n    return np.exp(np.array([1000.0]))")["value"] == np.inf


def test_an_input_is_answered_at_once():
    outcome = run("def f():\n    return input('x? ')")
    assert outcome["text"].startswith("f raised RuntimeError: input() does not work during a check")


def test_everything_is_put_back_as_it_was():
    before = builtins.input, sys.stdout, sys.stderr, warnings.filters[:], np.geterr()
    run(
        "import warnings\ndef f():\n    warnings.simplefilter('error')\n    "
        "np.seterr(all='ignore')\n    raise SystemExit"
    )
    assert before == (builtins.input, sys.stdout, sys.stderr, warnings.filters[:], np.geterr())


# --- probes ---

PROBES = "def twice(student, x):\n    return student.f(student.f(x))\n"


def probe(source, name, *args):
    namespace = {"np": np}
    exec(source, namespace)
    return InProcess(namespace, PROBES).call(f"probes.{name}", args, {})


def test_a_probe_runs_beside_the_students_functions():
    assert probe("def f(x):\n    return x + 1", "twice", 1).value == 3


def test_a_probe_of_a_function_that_is_missing_names_the_function():
    reply = probe("", "twice", 1)
    assert (reply.trouble, reply.text) == ("missing", "there is no function f in the notebook")


def test_a_probe_of_a_stub_names_the_stub():
    reply = probe("def f(x):\n    raise NotImplementedError", "twice", 1)
    assert (reply.trouble, reply.text) == ("stub", "f is not written yet")


def test_an_exception_in_a_probed_function_is_told_as_its_own():
    reply = probe("def f(x):\n    return x / 0", "twice", 1)
    assert reply.text == "f raised ZeroDivisionError: division by zero (line 2 of its cell)"
