"""The Report is JSON of schema 1, key by key, and nothing else is read as one."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_cause import arguments, every, names

from autograder.model.report import Check, Exercise, NotAReport, Report

texts = st.none() | st.text()
numbers = st.floats(0, 1000)
checks = st.builds(
    Check,
    st.text(),
    st.sampled_from(["value", "shape", "gradient"]),
    st.text(),
    st.booleans(),
    numbers,
    texts,
    texts,
    texts,
    call=st.none()
    | st.builds(
        lambda name, given: {"function": name, "arguments": [["x", given]]}, names, arguments
    ),
    cause=st.none() | every,
)
exercises = st.builds(
    Exercise,
    st.text(),
    numbers,
    numbers,
    st.sampled_from(["passed", "timeout"]),
    st.lists(checks, max_size=3),
)
reports = st.builds(
    Report,
    topic=st.text(),
    status=st.sampled_from(["graded", "unreadable", "grader_error"]),
    score=st.none() | numbers,
    max_score=numbers,
    seconds=numbers,
    exercises=st.lists(exercises, max_size=3),
    student=texts,
    reason=texts,
)
CHECK = Check(
    "test_rows",
    "value",
    "rows sum to one",
    False,
    1,
    "softmax(z (4, 3))\nsum is 2",
    "which axis?",
    "sums columns",
)
EXERCISE = Exercise(
    "softmax", 1.5, 2.0, "partial", [CHECK, Check("test_shape", "shape", "the shape is z's", True)]
)
REPORT = Report("01-neurons", "graded", 12.5, 20.0, 1.9, [EXERCISE], "ada")


@given(reports)
def test_a_report_is_read_back_as_it_was_written(report):
    assert Report.from_json(report.to_json()) == report


def test_the_keys_are_those_of_schema_1_and_in_their_order():
    data = json.loads(REPORT.to_json())
    assert list(data) == [
        "schema",
        "topic",
        "student",
        "status",
        "reason",
        "score",
        "max_score",
        "seconds",
        "exercises",
    ]
    assert list(data["exercises"][0]) == ["id", "score", "max_score", "status", "checks"]
    assert list(data["exercises"][0]["checks"][0]) == [
        "id", "kind", "title", "passed", "weight", "message", "hint", "misconception",
    ]  # fmt: skip
    assert data["schema"] == 1


def test_what_is_not_known_is_null():
    data = json.loads(REPORT.to_json())
    assert data["reason"] is None
    assert data["exercises"][0]["checks"][1]["message"] is None


CALL = {"function": "softmax", "arguments": [["z", [4, 3]]]}
CAUSE = {"kind": "shape", "got": [4, 3], "expected": [3, 4]}


def test_a_call_and_a_cause_are_keys_of_a_check_only_where_there_are_some():
    seen = replace(CHECK, call=CALL, cause=CAUSE)
    report = replace(REPORT, exercises=[replace(EXERCISE, checks=[seen, CHECK])])
    with_them, without = json.loads(report.to_json())["exercises"][0]["checks"]
    assert (with_them["call"], with_them["cause"]) == (CALL, CAUSE)
    assert not {"call", "cause"} & without.keys()
    assert Report.from_json(report.to_json()) == report


def test_the_message_is_told_apart_by_what_is_known_of_it():
    """A Report of before there were calls in it shows its message whole."""
    assert replace(CHECK, call=CALL).said == ("softmax(z (4, 3))", "sum is 2")
    assert CHECK.said == ("", "softmax(z (4, 3))\nsum is 2")
    assert replace(CHECK, call=CALL, message="cut").said == ("", "cut")
    assert replace(CHECK, call=CALL, message=None).said == ("", "")


PICTURE = {"type": "shapes", "actual": [3], "expected": [3, 1]}


def test_a_picture_is_a_key_of_a_check_only_where_there_is_one():
    seen, unseen = replace(CHECK, picture=PICTURE), CHECK
    report = replace(REPORT, exercises=[replace(EXERCISE, checks=[seen, unseen])])
    with_it, without = json.loads(report.to_json())["exercises"][0]["checks"]
    assert with_it["picture"] == PICTURE
    assert "picture" not in without
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize("status", ["unreadable", "grader_error"])
def test_a_report_without_a_verdict_has_its_reason(status):
    report = Report("01-neurons", status, None, 20.0, 0.0, reason="it is empty")
    assert json.loads(report.to_json())["score"] is None
    assert Report.from_json(report.to_json()).reason == "it is empty"


@pytest.mark.parametrize(
    ("report", "full"),
    [
        (REPORT, False),
        (replace(REPORT, score=20.0, exercises=[replace(EXERCISE, score=2.0)]), True),
        (replace(REPORT, status="unreadable", exercises=[]), False),
        (replace(REPORT, exercises=[Exercise("bonus", 0.0, 0.0, "not_attempted")]), True),
    ],
)
def test_full_marks_are_full_in_every_exercise(report, full):
    assert report.full_marks is full


DATA = json.loads(REPORT.to_json())
OTHERS = {
    "schema 2": {**DATA, "schema": 2},
    "no schema": {k: v for k, v in DATA.items() if k != "schema"},
    "schema as text": {**DATA, "schema": "1"},
    "schema of many digits": {**DATA, "schema": 10**4000},
    "no topic": {k: v for k, v in DATA.items() if k != "topic"},
    "no exercises": {k: v for k, v in DATA.items() if k != "exercises"},
    "exercises null": {**DATA, "exercises": None},
    "an exercise of text": {**DATA, "exercises": ["softmax"]},
    "an exercise without checks": {
        **DATA,
        "exercises": [{"id": "a", "score": 1, "max_score": 1, "status": "passed"}],
    },
    "a check with less": {**DATA, "exercises": [{**DATA["exercises"][0], "checks": [{"id": "a"}]}]},
    "points below zero": {**DATA, "score": -1},
    "a cause of text": {
        **DATA,
        "exercises": [
            {
                **DATA["exercises"][0],
                "checks": [{**DATA["exercises"][0]["checks"][0], "cause": "it is wrong"}],
            }
        ],
    },
    "a call of text": {
        **DATA,
        "exercises": [
            {
                **DATA["exercises"][0],
                "checks": [{**DATA["exercises"][0]["checks"][0], "call": "f(x)"}],
            }
        ],
    },
    "checks of text": {**DATA, "exercises": [{**DATA["exercises"][0], "checks": "abc"}]},
    "a picture of another kind": {
        **DATA,
        "exercises": [
            {
                **DATA["exercises"][0],
                "checks": [{**DATA["exercises"][0]["checks"][0], "picture": "<svg>"}],
            }
        ],
    },
    "a score of text": {**DATA, "exercises": [{**DATA["exercises"][0], "score": "12"}]},
    "a score without end": {**DATA, "score": float("inf")},
    "a score that is too large": {**DATA, "score": 10**400},
    "a title of numbers": {
        **DATA,
        "exercises": [
            {**DATA["exercises"][0], "checks": [{**DATA["exercises"][0]["checks"][0], "title": 1}]}
        ],
    },
    "a status that is none": {**DATA, "status": "fine"},
    "an exercise's status in a list": {
        **DATA,
        "exercises": [{**DATA["exercises"][0], "status": ["passed"]}],
    },
    "a student of numbers": {**DATA, "student": 7},
    "a list": [DATA],
    "null": None,
    "a number": 1,
    "a text": "report",
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_another_schema_or_shape_is_refused(data):
    with pytest.raises(NotAReport, match="not a report: "):
        Report.from_json(json.dumps(data))


def test_keys_of_a_later_version_are_left_out():
    (exercise,) = DATA["exercises"]
    first, second = exercise["checks"]
    checks = [{**first, "note": 1, "cause": {"kind": "later", "n": 1}}, {**second, "x": []}]
    later = {**DATA, "grade": "A", "exercises": [{**exercise, "level": 2, "checks": checks}]}
    assert Report.from_json(json.dumps(later)) == REPORT


def test_it_says_where_it_is_odd_and_repeats_nothing_of_it():
    (exercise,) = DATA["exercises"]
    odd = {
        **exercise,
        "checks": [exercise["checks"][0], {**exercise["checks"][1], "weight": "<b>"}],
    }
    with pytest.raises(NotAReport) as caught:
        Report.from_json(json.dumps({**DATA, "exercises": [odd]}))
    assert "exercises.0.checks.1.weight" in caught.value.why
    assert "<b>" not in str(caught.value)


@pytest.mark.parametrize("key", ["schema", "topic", "exercises"])
@pytest.mark.parametrize("levels", [500, 900, 100_000])
def test_a_report_a_thousand_levels_deep_is_a_value_error(key, levels):
    with pytest.raises(ValueError, match="report"):
        Report.from_json("[" * levels)
    deep = json.dumps({**DATA, key: 0}).replace(
        f'"{key}": 0', f'"{key}": {"[" * levels}{"]" * levels}'
    )
    with pytest.raises(ValueError, match="report"):
        Report.from_json(deep)


@given(st.text())
def test_text_that_is_no_report_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011 - of json or of ours
        Report.from_json(text)


@given(st.integers(0, len(REPORT.to_json()) - 3))
def test_a_report_cut_short_is_a_value_error(length):
    with pytest.raises(ValueError):  # noqa: PT011
        Report.from_json(REPORT.to_json()[:length])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "checks", "score"]), inner)
    ),
    max_leaves=6,
)


@given(json_values)
def test_any_exercises_are_read_or_a_value_error(found):
    try:
        report = Report.from_json(json.dumps({**DATA, "exercises": found}))
    except ValueError:
        return
    assert len(report.exercises) == len(found)


def test_an_exercise_is_found_by_its_id():
    assert REPORT.exercise("softmax") is EXERCISE
