"""What is kept of a learner's work, and that nothing which was achieved gets lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.learner.progress import TIERS, Hinted, Progress, Standing
from autograder.model.report import Check, Exercise
from autograder.render.view import STATUS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def verdict(*passed, score=None, status=None):
    """An exercise of two points whose checks a, b, c … passed or failed."""
    checks = [
        Check(name, "value", f"sentence {name}", good) for name, good in zip("abcdef", passed)
    ]
    points = 2.0 * sum(passed) / len(passed) if score is None else score
    return Exercise(
        "softmax", points, 2.0, status or ("passed" if all(passed) else "partial"), checks
    )


STUB = verdict(False, False, status="not_attempted")


def after(*verdicts):
    progress = Progress()
    for found in verdicts:
        progress.record("01-neurons", found, NOON)
    return progress.topics["01-neurons"]["softmax"]


def test_the_last_verdict_stands_and_the_best_is_remembered():
    standing = after(verdict(True, True), verdict(True, False))
    assert (standing.status, standing.score, standing.best, standing.checked) == (
        "partial",
        1.0,
        2.0,
        NOON,
    )


def test_a_fresh_kernel_undoes_nothing():
    assert after(verdict(True, True), STUB) == after(verdict(True, True))


def test_a_stub_is_not_attempted_until_it_is():
    assert after(STUB).status == "not_attempted"
    assert after(STUB, verdict(True, False)).status == "partial"


def test_a_verdict_that_was_overtaken_by_a_later_one_changes_nothing():
    progress = Progress()
    progress.record("t", verdict(True, True), NOON + timedelta(milliseconds=2))
    progress.record("t", verdict(False, False), NOON)
    assert progress.topics["t"]["softmax"].status == "passed"


def test_a_clock_that_was_once_far_ahead_stops_nothing():
    progress = Progress()
    progress.record("t", verdict(True, False), NOON + timedelta(days=400))
    progress.record("t", verdict(True, True), NOON)
    assert progress.topics["t"]["softmax"].status == "passed"


def test_each_hint_that_is_asked_for_is_one_more_and_the_last_stays():
    progress = Progress()
    assert [progress.next_hint("t", verdict(True, False), NOON) for _ in range(5)] == [
        1,
        2,
        3,
        3,
        3,
    ]


def test_hints_begin_anew_when_another_check_is_the_first_to_fail():
    progress = Progress()
    asked = [
        verdict(False, False),
        verdict(False, False),
        verdict(True, False),
        verdict(False, True),
    ]
    assert [progress.next_hint("t", found, NOON) for found in asked] == [1, 2, 1, 1]


def test_a_check_between_two_hints_changes_nothing_unless_something_else_fails():
    progress = Progress()
    progress.next_hint("t", verdict(False, False), NOON)
    progress.record("t", verdict(False, True), LATER)
    assert progress.next_hint("t", verdict(False, True), LATER) == 2
    progress.record("t", verdict(True, True), LATER)
    assert progress.next_hint("t", verdict(False, True), LATER) == 1


def test_a_hint_where_nothing_fails_is_none():
    assert Progress().next_hint("t", verdict(True, True), NOON) == 0


def test_hints_for_a_stub_are_counted_where_more_was_once_there():
    progress = Progress()
    progress.record("t", verdict(True, True), NOON)
    assert [progress.next_hint("t", STUB, LATER) for _ in range(2)] == [1, 2]
    assert progress.topics["t"]["softmax"].status == "passed"


points = st.floats(0, 1000)
moments = st.datetimes(datetime(2001, 1, 2), datetime(2999, 12, 30), timezones=st.just(UTC))
hinted = st.none() | st.builds(Hinted, st.text(), st.integers(1, TIERS))
standings = st.builds(
    Standing, st.sampled_from(list(STATUS)), points, points, points, moments, hinted
)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), standings, max_size=3), max_size=3))
def test_what_is_written_is_read_again(topics):
    assert Progress.from_json(Progress(topics).to_json()).topics == topics


@given(st.text())
@example("")
@example("[]")
@example("[" * 100_000)
@example('{"schema": 2, "topics": {}}')
@example('{"schema": 1}')
@example('{"schema": 1, "topics": []}')
@example('{"schema": 1, "topics": {"t": {"e": {}}}}')
def test_what_is_none_of_ours_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        Progress.from_json(text)


GOOD = Progress({"t": {"e": Standing("partial", 1.0, 2.0, 1.5, NOON, Hinted("a", 2))}}).to_json()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"score": 1.0', '"score": NaN'),
        ('"score": 1.0', '"score": -1'),
        ('"score": 1.0', '"score": true'),
        ('"score": 1.0', '"score": "<b>1</b>"'),
        ('"score": 1.0', '"score": 1' + 400 * "0"),
        ('"partial"', '"splendid"'),
        ('"partial"', "[]"),
        ("2026-11-21T12:00:00.000000+00:00", "2026-11-21T12:00:00"),
        ("2026-11-21T12:00:00.000000+00:00", "0001-01-01T00:00:00+00:00"),
        ("2026-11-21T12:00:00.000000+00:00", "soon"),
        ('"tier": 2', '"tier": 9'),
        ('"tier": 2', '"tier": true'),
        ('"check": "a"', '"check": 7'),
    ],
)
def test_a_value_that_cannot_be_is_no_record_of_ours(old, new):
    assert old in GOOD
    with pytest.raises(ValueError, match=r"."):
        Progress.from_json(GOOD.replace(old, new))
