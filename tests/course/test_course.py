"""course.yaml names everything once; an error in it is told with its file, line, key and what is
allowed.
"""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autograder.course import course_file
from autograder.model import notebook
from autograder.model.errors import UserError

ROOT = Path(__file__).parents[2]
GOOD = """\
course: my-course
limits:
  cpu_seconds: 5
  memory_mb: 512
topics:
  01-neurons:
    title: Neurons
    due: 2027-02-01T23:59:00+00:00
    exercises:
      relu: {points: 2}
      softmax:
        points: 1.5
        cpu_seconds: 20
    written:
      why: {points: 1}
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / course_file.FILE


def complaint(path, text):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        course_file.load(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def test_a_good_file_is_read(path):
    path.write_text(GOOD)
    read = course_file.load(path)
    assert read.topic_ids == ["01-neurons"]
    assert read.file.limits.cpu_seconds == 5
    entry = read.entry("01-neurons")
    assert (entry.title, list(entry.exercises), entry.written["why"].points) == (
        "Neurons",
        ["relu", "softmax"],
        1,
    )
    assert (entry.exercises["softmax"].points, entry.exercises["softmax"].cpu_seconds) == (1.5, 20)
    assert entry.due.utcoffset() is not None


def test_limits_and_due_may_be_left_out(path):
    path.write_text("course: c\ntopics:\n  01-a:\n    title: A\n    exercises: {f: {points: 1}}\n")
    read = course_file.load(path)
    assert (read.file.limits.cpu_seconds, read.entry("01-a").due) == (10, None)


UNKNOWN = {
    "at the top": (
        "limits:",
        "limit:",
        "line 2: unknown key limit; allowed here: course, limits, topics",
    ),
    "in limits": (
        "cpu_seconds: 5",
        "cpu_second: 5",
        "line 3: unknown key limits.cpu_second; allowed here: cpu_seconds, memory_mb",
    ),
    "in a topic": (
        "title: Neurons",
        "title: N\n    name: x",
        "line 8: unknown key topics.01-neurons.name; allowed here: ",
    ),
    "in an exercise": (
        "relu: {points: 2}",
        "relu: {points: 2, point: 3}",
        "line 10: unknown key topics.01-neurons.exercises.relu.point; allowed here: bonus, "
        "cpu_seconds, points",
    ),
    "in a written question": (
        "why: {points: 1}",
        "why: {points: 1, cpu_seconds: 3}",
        "line 15: unknown key topics.01-neurons.written.why.cpu_seconds; allowed here: points",
    ),
}
MISSING = {
    "the course": (
        "course: my-course\n",
        "",
        "the key course is missing; allowed here: course, limits, topics",
    ),
    "a title": (
        "    title: Neurons\n",
        "",
        "line 6: the key topics.01-neurons.title is missing; allowed here: due, ex",
    ),
    "points": (
        "relu: {points: 2}",
        "relu: {}",
        "line 10: the key topics.01-neurons.exercises.relu.points is missing; allow",
    ),
    "points on lines": (
        "        points: 1.5\n",
        "",
        "line 11: the key topics.01-neurons.exercises.softmax.points is missing",
    ),
    "written points": (
        "why: {points: 1}",
        "why: {}",
        "line 15: the key topics.01-neurons.written.why.points is missing",
    ),
}
ILL_TYPED = {
    "a number as text": (
        "cpu_seconds: 5",
        "cpu_seconds: five",
        "line 3: limits.cpu_seconds is 'five': input should be a valid number",
    ),
    "a number in quotes": (
        "points: 1.5",
        "points: '1.5'",
        "line 12: topics.01-neurons.exercises.softmax.points is '1.5': input",
    ),
    "a truth": (
        "points: 1.5",
        "points: yes",
        "line 12: topics.01-neurons.exercises.softmax.points is True: input should be",
    ),
    "nothing": (
        "points: 1.5",
        "points:",
        "line 12: topics.01-neurons.exercises.softmax.points is None: input should be",
    ),
    "no points": (
        "{points: 2}",
        "{points: 0}",
        "line 10: topics.01-neurons.exercises.relu.points is 0: input should be greater",
    ),
    "negative points": (
        "{points: 2}",
        "{points: -1}",
        "line 10: topics.01-neurons.exercises.relu.points is -1: input",
    ),
    "points not a number": (
        "{points: 2}",
        "{points: .nan}",
        "line 10: topics.01-neurons.exercises.relu.points is nan: input",
    ),
    "points without end": (
        "{points: 2}",
        "{points: .inf}",
        "line 10: topics.01-neurons.exercises.relu.points is inf: input",
    ),
    "a fraction of a megabyte": (
        "512",
        "512.5",
        "line 4: limits.memory_mb is 512.5: input should be a valid integer",
    ),
    "too little memory": (
        "512",
        "5",
        "line 4: limits.memory_mb is 5: input should be greater than or equal to 256",
    ),
    "a number for a mapping": (
        "relu: {points: 2}",
        "relu: 2",
        "line 10: topics.01-neurons.exercises.relu is 2: input should be",
    ),
    "a list for a mapping": (
        "relu: {points: 2}",
        "relu: [2]",
        "line 10: topics.01-neurons.exercises.relu is [2]: input",
    ),
    "a title of numbers": (
        "title: Neurons",
        "title: 1",
        "line 7: topics.01-neurons.title is 1: input should be a valid string",
    ),
    "a date without a time": (
        "2027-02-01T23:59:00+00:00",
        "2027-02-01",
        "line 8: topics.01-neurons.due is ",
    ),
    "a date without a zone": (
        "2027-02-01T23:59:00+00:00",
        "2027-02-01T23:59:00",
        "line 8: topics.01-neurons.due is ",
    ),
    "a date as text": (
        "2027-02-01T23:59:00+00:00",
        "tomorrow",
        "line 8: topics.01-neurons.due is 'tomorrow': input should be",
    ),
    "an odd course": (
        "my-course",
        "my course",
        "line 1: course is 'my course': string should match pattern",
    ),
    "an odd topic": (
        "01-neurons",
        "1-neurons",
        "line 6: topics.1-neurons is '1-neurons': string should match pattern",
    ),
    "an odd exercise": (
        "relu:",
        "ReLU:",
        "line 10: topics.01-neurons.exercises.ReLU is 'ReLU': string should match pattern",
    ),
    "a number for a name": (
        "relu:",
        "7:",
        "line 10: topics.01-neurons.exercises.7 is 7: input should be a valid string",
    ),
}
DUPLICATE = {
    "at the top": (
        "limits:",
        "course: b\nlimits:",
        "line 2: course is given twice (also on line 1)",
    ),
    "an exercise": (
        "    written:",
        "      relu: {points: 3}\n    written:",
        "line 14: topics.01-neurons.exercises.relu is given twice (also on line 10)",
    ),
    "in one line": (
        "{points: 2}",
        "{points: 2, points: 3}",
        "line 10: topics.01-neurons.exercises.relu.points is given twice",
    ),
}


@pytest.mark.parametrize(("old", "new", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_key_is_told_with_those_allowed(path, old, new, words):
    assert f", {words}" in complaint(path, GOOD.replace(old, new))


@pytest.mark.parametrize(("old", "new", "words"), MISSING.values(), ids=MISSING)
def test_a_missing_key_is_told(path, old, new, words):
    assert words in complaint(path, GOOD.replace(old, new))


@pytest.mark.parametrize(("old", "new", "words"), ILL_TYPED.values(), ids=ILL_TYPED)
def test_an_ill_typed_value_is_told_with_what_is_allowed(path, old, new, words):
    assert f", {words}" in complaint(path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(("old", "new", "words"), DUPLICATE.values(), ids=DUPLICATE)
def test_a_key_given_twice_is_told_with_both_lines(path, old, new, words):
    assert f", {words}" in complaint(path, GOOD.replace(old, new))


def test_two_errors_are_told_together(path):
    told = complaint(path, GOOD.replace("cpu_seconds: 5", "cpu: 5").replace("{points: 2}", "{}"))
    assert len(told.splitlines()) == 2


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "[1, 2]", "text", "3", "course: c\ntopics: {}\n", "null"]
)
def test_a_file_of_something_else_is_told(path, text):
    assert complaint(path, text)


@pytest.mark.parametrize(
    "text",
    ["a: [", "a: b: c", "\t- a", "a: *b", "!!python/object:os.system {}", "{[1]: 2}", "a: \x00"],
)
def test_a_file_that_is_not_yaml_is_told(path, text):
    assert " is not YAML: " in complaint(path, text)


@pytest.mark.parametrize(
    "value",
    [
        "2027-02-30",
        "2027-13-01T00:00:00+00:00",
        "2027-02-01T25:00:00Z",
        "2027-02-01T00:00:00+99:00",
    ],
)
def test_a_date_that_does_not_exist_is_told(path, value):
    complaint(path, GOOD.replace("2027-02-01T23:59:00+00:00", value))


@pytest.mark.parametrize(
    "text", ["course: &a {b: *a}", "topics: &a [*a]", "0x_: 1", "a: !!int x", "a: !!float x"]
)
def test_odd_yaml_is_told(path, text):
    complaint(path, text)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_a_course_or_told(tmp_path_factory, text):
    complaint(tmp_path_factory.getbasetemp() / "any.yaml", text)


places = st.sampled_from(
    [
        "course",
        "limits",
        "topics",
        "01-neurons",
        "title",
        "due",
        "exercises",
        "written",
        "relu",
        "points",
        "cpu_seconds",
    ]
)
plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=4)
)
trees = st.recursive(
    plain | places,
    lambda inner: st.lists(inner) | st.dictionaries(places | plain, inner),
    max_leaves=12,
)


@given(trees)
def test_any_tree_is_a_course_or_told(tmp_path_factory, tree):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    try:
        course_file.load(path)
    except UserError as error:
        assert str(path) in str(error)  # noqa: PT017


def test_a_file_that_is_not_there_or_no_text_is_told(path, tmp_path):
    with pytest.raises(UserError, match="cannot be opened"):
        course_file.load(path)
    path.write_bytes(b"course: \xff")
    with pytest.raises(UserError, match="is not UTF-8 text"):
        course_file.load(path)
    with pytest.raises(UserError, match="cannot be opened"):
        course_file.load(tmp_path)


def test_a_course_is_found_from_any_folder_within(path, tmp_path):
    path.write_text(GOOD)
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert course_file.find(tmp_path / "a" / "b").root == tmp_path.resolve()


def test_no_course_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no course\.yaml here or above"):
        course_file.find(tmp_path)


def test_an_unknown_topic_is_told_with_those_there_are(path):
    path.write_text(GOOD)
    with pytest.raises(UserError, match=r"has no topic '02-x'; it has 01-neurons"):
        course_file.load(path).entry("02-x")


# --- a topic and its notebook ---


def answer(name, source):
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"nbgrader": {"grade_id": f"answer-{name}"}},
    }


SETUP = {
    "cell_type": "code",
    "source": "import numpy as np",
    "metadata": {"nbgrader": {"grade_id": "setup", "locked": True}},
}
RELU = answer("relu", "def relu(x, low=0):\n    raise NotImplementedError")
SOFTMAX = answer(
    "softmax", "class Value:\n    ...\n\ndef softmax(z):\n    raise NotImplementedError"
)


@pytest.fixture
def checkout(path):
    """A course with a stub notebook of these cells."""

    def make(*cells):
        path.write_text(GOOD)
        read = course_file.load(path)
        stub = read.assignment("01-neurons")
        stub.parent.mkdir(parents=True)
        stub.write_text(
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
        )
        stub.with_name("given.py").write_text("K = 3\n")
        return read

    return make


def test_a_topic_is_made_of_its_entry_and_its_notebook(checkout):
    topic = checkout(SETUP, RELU, SOFTMAX).topic("01-neurons")
    assert [(e.id, e.points, e.cpu_seconds) for e in topic.exercises] == [
        ("relu", 2, 5),
        ("softmax", 1.5, 20),
    ]
    assert topic.functions == {"relu": ["x", "low"], "Value": [], "softmax": ["z"]}
    assert (topic.setup, topic.given, topic.memory_mb) == (["import numpy as np"], "K = 3\n", 512)
    assert (topic.name, topic.max_score, topic.exercise_of("Value")) == ("neurons", 3.5, "softmax")


@pytest.mark.parametrize(
    ("cells", "odd"),
    [((RELU,), "softmax"), ((RELU, SOFTMAX, answer("gelu", "")), "gelu"), ((), "relu, softmax")],
)
def test_a_notebook_that_names_other_exercises_is_told(checkout, cells, odd):
    with pytest.raises(UserError) as caught:
        checkout(*cells).topic("01-neurons")
    assert str(caught.value).endswith(f"name different exercises: {odd}")


def test_an_answer_cell_that_is_not_python_is_told(checkout):
    with pytest.raises(UserError, match="softmax"):
        checkout(RELU, answer("softmax", "def softmax(z)\n    pass")).topic("01-neurons")


def test_a_notebook_that_is_not_there_is_told(path):
    path.write_text(GOOD)
    with pytest.raises(UserError, match="there is no file"):
        course_file.load(path).topic("01-neurons")


# --- the repository's own ---

TOPICS = course_file.load(ROOT / course_file.FILE).topic_ids


@pytest.mark.parametrize("topic_id", TOPICS)
def test_the_repositorys_own_topics_agree_with_their_notebooks(topic_id):
    own = course_file.load(ROOT / course_file.FILE)
    topic, stub = own.topic(topic_id), notebook.read(own.assignment(topic_id))
    notebook.require_topic(stub, topic)
    checks = [
        c.grade_id.removeprefix("check-") for c in stub.cells if c.grade_id.startswith("check-")
    ]
    assert checks == [e.id for e in topic.exercises]
    assert set(topic.functions) <= stub.functions()
    assert topic.setup
