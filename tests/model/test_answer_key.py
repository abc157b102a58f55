"""An answers file holds what the reference answered: the same bytes for the same answers, and whole
or not at all.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.in_process import InProcess
from autograder.grading.oracle import Oracle, Recorder
from autograder.model import answer_key, fingerprint
from autograder.model.answer_key import Answer, Answers, call_sketch, digest
from autograder.model.errors import KitError, UserError
from autograder.model.topic import ExerciseSpec, Topic
from autograder.testing.student import Student
from autograder.worker import codec

KEY = "relu::test_values[a/b-é.npy]"
SPEC = ExerciseSpec("relu", 2.0, 10.0, {"relu": ["x"]})
TOPIC = Topic("01-neurons", "Neurons", [SPEC], 10.0, 1024, ["import numpy as np"], "K = 3\n")
X = np.array([-1.0, 2.0])


def made(seed=1):
    """Answers with a call, a misconception and its mark."""
    answers = Answers(TOPIC, seed, "abc")
    answers.calls[KEY] = [
        Answer(call_sketch("relu", (X,), {}), codec.encode(np.maximum(X, 0))),
        Answer(call_sketch("relu", (), {"x": 3}), codec.encode((3, None, "text"))),
    ]
    answers.calls["relu::test_nothing"] = []
    answers.misconceptions["forgets"] = {"exercise": "relu", "title": "é", "hint": "where?"}
    answers.fingerprints[KEY] = {"forgets": fingerprint.of_value(X), "other": None}
    return answers


@pytest.fixture(scope="module")
def whole():
    return made().to_bytes()


def test_answers_are_read_back_as_they_were_saved(tmp_path):
    path = tmp_path / "ñ 1" / answer_key.NAME
    path.parent.mkdir()
    made().save(path)
    assert answer_key.load(path) == made()
    assert [p.name for p in path.parent.iterdir()] == [answer_key.NAME]


def test_the_same_answers_are_the_same_bytes(whole):
    assert made().to_bytes() == whole
    assert made(seed=2).to_bytes() != whole


def test_answers_are_the_same_bytes_after_a_round_trip(tmp_path, whole):
    path = tmp_path / answer_key.NAME
    path.write_bytes(whole)
    assert answer_key.load(path).to_bytes() == whole


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch, whole):
    path = tmp_path / answer_key.NAME
    path.write_bytes(whole)
    monkeypatch.setattr(
        type(path), "write_bytes", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        made(seed=2).save(path)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("name", ["absent.npz", "."])
def test_a_file_that_is_not_there_is_the_users_error(tmp_path, name):
    with pytest.raises(UserError, match="copy the whole folder") as caught:
        answer_key.load(tmp_path / name)
    assert type(caught.value) is UserError


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(KitError) as caught:
        answer_key.load(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("answers") / answer_key.NAME


def npz(folder, **members):
    np.savez(folder / "other.npz", **members)
    return (folder / "other.npz").read_bytes()


def meta(**changes):
    import msgpack

    plain = {
        "format": 2,
        "topic": TOPIC.to_dict(),
        "seed": 1,
        "suite": "abc",
        "calls": {},
        "misconceptions": {},
    }
    return np.frombuffer(msgpack.packb({**plain, "fingerprints": {}, **changes}), np.uint8)


OTHERS = {
    "empty": lambda _: b"",
    "text": lambda _: b"hello",
    "a pickle": lambda _: b"\x80\x04K\x01.",
    "another zip": lambda f: npz(f, a=np.ones(2)),
    "a pickle in a zip": lambda f: npz(f, meta=np.array([None])),
    "no structure": lambda f: npz(f, meta=np.zeros(3, np.uint8)),
    "an answer missing": lambda f: npz(f, meta=meta(calls={"k": ["d"]})),
    "another topic": lambda f: npz(f, meta=meta(topic={"id": "x"})),
    "no topic": lambda f: npz(f, meta=meta(topic=None)),
    "a version of numpy's own file": lambda _: (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
    ),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_kind_is_damaged(path, tmp_path, content):
    assert "is damaged" in refused(path, content(tmp_path))


def test_a_file_of_another_version_says_so(path, tmp_path):
    assert "has format 3, this autograder reads 2" in refused(
        path, npz(tmp_path, meta=meta(format=3))
    )


@given(st.data())
def test_a_file_cut_short_is_damaged(path, whole, data):
    refused(path, whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.data(), st.integers(1, 255))
def test_a_file_with_one_byte_changed_is_damaged_or_the_same(path, whole, data, flip):
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    try:
        found = answer_key.load(path)
    except KitError:
        return
    assert found == made()


@given(st.binary(max_size=300))
def test_any_bytes_are_damaged(path, content):
    refused(path, content)


# --- digests ---


@given(st.lists(st.text() | st.binary()), st.lists(st.text() | st.binary()))
def test_a_digest_knows_where_each_part_ends(a, b):
    plain = [[p.encode() if isinstance(p, str) else p for p in parts] for parts in (a, b)]
    assert (digest(*a) == digest(*b)) == (plain[0] == plain[1])


CALLS = {
    "another function": ("f", (X,), {}),
    "another value": ("relu", (X * (1 + 1e-6),), {}),
    "two entries swapped": ("relu", (X[::-1],), {}),
    "another type": ("relu", (X.astype(np.float32),), {}),
    "another shape": ("relu", (X.reshape(1, 2),), {}),
    "a list": ("relu", (X.tolist(),), {}),
    "by name": ("relu", (), {"x": X}),
    "more": ("relu", (X, 1), {}),
    "nothing": ("relu", (), {}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_sketch_of_a_call_tells_its_inputs_apart(call):
    assert not call_sketch(*call).fits(call_sketch("relu", (X,), {}))


def test_the_sketch_of_a_call_does_not_depend_on_how_an_array_is_laid_out():
    assert call_sketch("relu", (X,), {}) == call_sketch("relu", (np.repeat(X, 2)[::2],), {})


# --- the oracle ---


def test_the_oracle_answers_in_the_order_of_the_calls():
    oracle = Oracle(made(), KEY)
    np.testing.assert_array_equal(oracle.relu(X), [0, 2])
    assert oracle.relu(x=3) == (3, None, "text")


def test_an_answer_can_be_changed_without_harm():
    answers = made()
    Oracle(answers, KEY).relu(X)[:] = 9
    np.testing.assert_array_equal(Oracle(answers, KEY).relu(X), [0, 2])


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_oracle_refuses_other_inputs_as_a_fault_of_ours(call):
    function, args, kwargs = call
    with pytest.raises(KitError, match="are not those its answer was recorded for"):
        getattr(Oracle(made(), KEY), function)(*args, **kwargs)


def test_the_oracle_refuses_another_order():
    with pytest.raises(KitError):
        Oracle(made(), KEY).relu(x=3)


@pytest.mark.parametrize("key", ["relu::test_nothing", "relu::test_unknown"])
def test_the_oracle_refuses_calls_beyond_those_recorded(key):
    with pytest.raises(KitError, match="more often than when its answers were recorded"):
        Oracle(made(), key).relu(X)


def test_the_oracle_refuses_a_call_after_the_last():
    oracle = Oracle(made(), KEY)
    oracle.relu(X)
    oracle.relu(x=3)
    with pytest.raises(KitError, match="more often"):
        oracle.relu(x=3)


@pytest.mark.parametrize("name", ["_answer_of", "__array__"])
def test_the_oracle_is_no_array_and_has_no_private_functions(name):
    with pytest.raises(AttributeError):
        getattr(Oracle(made(), KEY), name)


def test_what_is_recorded_is_answered():
    answers = Answers(TOPIC, 1, "abc")
    reference = Student(
        InProcess({"relu": lambda x, low=0: np.maximum(x, low)}), {"relu": ["x", "low"]}
    )
    recorder = Recorder(reference, answers, KEY)
    np.testing.assert_array_equal(recorder.relu(X), [0, 2])
    np.testing.assert_array_equal(recorder.relu(X, low=1), [1, 2])
    oracle = Oracle(answers, KEY)
    np.testing.assert_array_equal(oracle.relu(X), [0, 2])
    np.testing.assert_array_equal(oracle.relu(X, low=1), [1, 2])


def test_a_topic_survives_its_own_plain_form():
    assert Topic.from_dict(TOPIC.to_dict()) == TOPIC
    assert (TOPIC.name, TOPIC.max_score, TOPIC.functions) == ("neurons", 2.0, {"relu": ["x"]})
    with pytest.raises(KeyError, match="has no exercise 'x'; it has relu"):
        TOPIC.exercise("x")
