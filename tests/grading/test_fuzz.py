"""Readers of hostile bytes say a value or no, and nothing else: some thousand inputs here, a
million by `make fuzz`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_codec import values

from autograder.grading.in_worker import _reply, _trouble
from autograder.jail.workers import Budget, Crashed, Timeout, Worker
from autograder.model import cause as causes
from autograder.worker import codec
from benchmarks import fuzz


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_escapes_from_some_thousand_broken_inputs(seed):
    result = fuzz.run(3_000, seed, lambda text: None)
    assert result.escaped == []
    assert result.grown_mb < 300
    assert all(counter["taken"] and counter["refused"] for counter in result.fates.values()), (
        result.table()
    )


def test_an_input_can_be_made_again_from_its_seed():
    first, second = (fuzz.run(500, 7, print) for _ in range(2))
    assert first.fates == second.fates


def test_an_exception_that_escapes_is_counted_and_its_input_named(monkeypatch):
    def broken(rng):
        raise IndexError("oh")

    monkeypatch.setattr(fuzz, "ATTEMPTS", [("broken", broken)])
    said = []
    result = fuzz.run(2, 3, said.append)
    assert "broken, input 1 of seed 3" in result.escaped[1]
    assert "IndexError: oh" in said[0]
    assert "2 exceptions escaped" in result.table()


@given(
    st.dictionaries(
        st.sampled_from(["cause", "changed", "text", "kind", "error", "value"]), values
    ),
    st.integers(0, 3),
)
def test_any_plain_outcome_is_a_reply_or_a_crash(outcome, arguments):
    try:
        reply = _reply(codec.copy(outcome), arguments)
    except Crashed:
        return
    assert reply.cause is None or reply.trouble in causes.BY_WORKER
    assert max(len(reply.text), len(str(reply.cause))) <= 500
    assert set(reply.changed) <= set(range(arguments))


@given(
    values | st.dictionaries(st.sampled_from(["error", "text", "cause"]), values | st.text()),
)
def test_any_plain_word_on_a_cell_is_a_trouble_or_a_crash(said):
    try:
        trouble = _trouble(codec.copy(said))
    except Crashed:
        return
    assert trouble is None or (len(trouble[0]) <= 80 and len(trouble[1]) <= 500)


class Says:
    """A process that answers with what it was told to, whatever it is asked."""

    def __init__(self, answer):
        self._answer, self._sent, self.ended = answer, b"", False

    def send(self, frame):
        self._sent = frame

    def receive(self, seconds):
        nonce = codec.decode(self._sent)["nonce"]
        answer = (
            {
                k: nonce if type(v) is str and v == "the nonce" else v
                for k, v in self._answer.items()
            }
            if type(self._answer) is dict
            else self._answer
        )
        return codec.encode(answer, envelope=True)

    def cpu_seconds(self):
        return 0.0

    def end(self):
        self.ended = True


@given(st.one_of(values, st.fixed_dictionaries({}, optional={"nonce": values, "outcome": values})))
def test_a_reply_without_its_nonce_is_a_crash_that_ends_the_worker(answer):
    process = Says(answer)
    with pytest.raises((Crashed, Timeout)):
        Worker(process).ask({"do": "nothing"}, Budget(1))
    assert process.ended


@given(values)
def test_an_outcome_that_is_no_dict_is_a_crash_that_ends_the_worker(outcome):
    process = Says({"nonce": "the nonce", "outcome": outcome})
    if type(outcome) is dict:
        assert type(Worker(process).ask({"do": "nothing"}, Budget(1))) is dict
        return
    with pytest.raises(Crashed):
        Worker(process).ask({"do": "nothing"}, Budget(1))
    assert process.ended
