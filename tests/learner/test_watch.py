"""`check --watch`: what is checked again at a save, what is said of it, and how the file is
followed.
"""

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks import COURSE, TOPIC, cell, solved, written

from autograder.learner import depends, watch
from autograder.model import notebook
from autograder.model.notebook import Cell, Unreadable
from autograder.model.report import Check, Exercise, Report
from autograder.render import terminal

ALL = [e.id for e in TOPIC.exercises]


def parsed(data):
    return notebook.parse(COURSE.assignment(TOPIC.id), json.dumps(data))


def own_cell(source, before="answer-relu"):
    """The solved notebook with a cell of the student's own before another."""
    data = solved()
    new = {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    data["cells"].insert(data["cells"].index(cell(data, before)), new)
    return data


def stale(before, after):
    """The exercises that are to be checked again from one state of the notebook to the next."""
    old, new = (
        depends.digests(notebook.submission(parsed(data), TOPIC), TOPIC) for data in (before, after)
    )
    return {name for name in ALL if old[name] != new[name]}


def changed(exercise, more="\n\nSLOPE = 2\n"):
    data = solved()
    cell(data, f"answer-{exercise}")["source"] += more
    return data


# --- which exercises a change concerns ---


def test_a_change_of_an_answer_concerns_its_exercise_and_those_that_use_it():
    assert stale(solved(), changed("gelu_swish")) == {"gelu_swish"}
    assert stale(solved(), changed("softmax")) == {"softmax", "softmax_regression_fit"}


def test_a_docstring_or_a_comment_uses_nothing():
    data = solved(sigmoid='def sigmoid(z):\n    """Not the softmax."""\n    return z  # nor relu')
    other = json.loads(json.dumps(data))
    cell(other, "answer-softmax")["source"] += "\nA = 1"
    assert "sigmoid" not in stale(data, other)


def test_a_name_that_is_looked_up_by_its_text_is_used():
    data = solved(sigmoid='def sigmoid(z):\n    return globals()["relu"](z)')
    other = json.loads(json.dumps(data))
    cell(other, "answer-relu")["source"] += "\nA = 1"
    assert "sigmoid" in stale(data, other)


def test_an_answer_that_calls_another_is_checked_when_that_changes():
    data = solved(mlp_forward="def mlp_forward(x, params):\n    return relu(x)")
    other = json.loads(json.dumps(data))
    cell(other, "answer-relu")["source"] += "\nA = 1"
    assert stale(data, other) == {"relu", "mlp_forward"}


def test_a_helper_concerns_those_that_mention_it():
    used = "def softmax(z):\n    return halved(z)"
    before, after = (own_cell(f"def halved(z):\n    return z / {n}") for n in (2, 3))
    for data in (before, after):
        cell(data, "answer-softmax")["source"] = used
    assert "softmax" in stale(before, after)
    assert "sigmoid" not in stale(before, after)


def test_a_helper_of_a_helper_counts_too():
    sources = [
        f"N = {n}\n\ndef halved(z):\n    return z / other()\n\ndef other():\n    return N"
        for n in (2, 3)
    ]
    before, after = (own_cell(source) for source in sources)
    for data in (before, after):
        cell(data, "answer-relu")["source"] = "def relu(z):\n    return halved(z)"
    assert "relu" in stale(before, after)


@pytest.mark.parametrize(
    "source",
    [
        "np.seterr(all='raise')",
        "np.float64 = np.float32",
        "globals()['softmax'] = None",
        "for i in range(3):\n    relu(i)",
        "with np.errstate(all='raise'):\n    a = 1",
        "import given\ngiven.XOR_X[0] = 7",
        "from given import *",
        "np.random.seed(1)",
        "del relu",
    ],
)
def test_a_cell_that_may_do_anything_concerns_all(source):
    assert stale(solved(), own_cell(source)) == set(ALL)


@pytest.mark.parametrize(
    "source",
    [
        "# nothing",
        "'nothing'",
        "print(relu(np.array([[1.0, -2.0]])))",
        "first, *others = softmax(np.ones((2, 3)))",
        "def unused(z):\n    return z",
    ],
)
def test_a_cell_that_tries_something_out_concerns_nobody(source):
    assert stale(solved(), own_cell(source)) == set()


def test_a_try_in_the_answer_cell_concerns_that_exercise_alone():
    assert stale(solved(), changed("relu", "\n\nprint(relu(np.array([1.0])))")) == {"relu"} | stale(
        solved(), changed("relu")
    )


def test_an_answer_that_does_not_parse_any_more_is_checked_again():
    assert "sigmoid" in stale(solved(), solved(sigmoid="def sigmoid(z):\n    return ("))


def test_a_figure_or_a_text_concerns_nobody():
    data = solved()
    next(c for c in data["cells"] if c["cell_type"] == "markdown")["source"] = "other words"
    next(c for c in data["cells"] if "demo" in c["metadata"].get("tags", []))["source"] = "1 / 0"
    assert stale(solved(), data) == set()


@pytest.mark.parametrize(
    "source", ["A = " + "+".join("1" * 3000), "A = " + "(" * 90 + "1" + ")" * 90, "A = 1\0"]
)
def test_code_of_any_depth_has_a_digest(source):
    assert depends.digests([Cell(1, "code", source)], TOPIC)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_cells_have_digests_and_the_same_cells_the_same(sources):
    cells = [Cell(i, "code", notebook.text(source)) for i, source in enumerate(sources)]
    assert depends.digests(cells, TOPIC) == depends.digests(list(cells), TOPIC)


# --- the loop ---


class Grader:
    """Grades by a table, and notes what it was asked for."""

    def __init__(self, **wrong):
        self.wrong, self.asked = wrong, []

    def __call__(self, saved, exercises):
        self.asked.append(exercises)
        found = [self.exercise(name) for name in exercises]
        return Report(TOPIC.id, "graded", sum(e.score for e in found), 2.0 * len(found), 0.1, found)

    def exercise(self, name):
        checks = [Check(c, "value", f"{name} {c}", c not in self.wrong.get(name, "")) for c in "ab"]
        score = float(sum(c.passed for c in checks))
        return Exercise(name, score, 2.0, "passed" if score == 2 else "partial", checks)


def test_the_first_look_checks_all_and_each_save_what_has_changed():
    grade = Grader()
    saves = [parsed(solved()), parsed(changed("gelu_swish")), parsed(changed("gelu_swish"))]
    first, second, third = watch.watch(saves, TOPIC, grade)
    assert grade.asked == [ALL, ["gelu_swish"]]
    assert [now.id for _, now in first.ran] == ALL
    assert [now.id for _, now in second.ran] == ["gelu_swish"]
    assert third.ran == ()
    assert [e.id for e in third.report.exercises] == ALL
    assert third.report.score == 2.0 * len(ALL)


def test_what_turned_right_and_what_turned_wrong_is_told():
    grade = Grader(gelu_swish="a")
    updates = watch.watch([parsed(solved()), parsed(changed("gelu_swish"))], TOPIC, grade)
    next(updates)
    grade.wrong = {"gelu_swish": "b"}
    told = terminal.update(next(updates), "17:03:00")
    assert "now right: gelu_swish a" in told
    assert "now wrong: gelu_swish b" in told
    assert told.splitlines()[0] == "17:03:00  checked again: gelu_swish"
    assert told.splitlines()[-1] == f"01-neurons   {2 * len(ALL) - 1} / {2 * len(ALL)} points"


def test_what_was_checked_again_and_came_to_the_same_is_one_line():
    grade = Grader(gelu_swish="a")
    _, again = watch.watch([parsed(solved()), parsed(changed("gelu_swish"))], TOPIC, grade)
    told = terminal.update(again, "17:03:00").splitlines()
    assert [line.split()[:2] for line in told[1:-1]] == [["✗", "gelu_swish"]]


def test_much_news_is_told_in_short():
    call = {"function": "f", "arguments": [["x", None]]}
    names = [
        Check(f"t{i}", "value", f"sentence {i}", i % 2 == 0, 1, "f(x)\nit is 1", call=call)
        for i in range(20)
    ]
    turned = [replace(check, passed=not check.passed) for check in names]
    before, now = (Exercise("softmax", 1.0, 2.0, "partial", checks) for checks in (names, turned))
    report = Report(TOPIC.id, "graded", 1.0, 2.0, 0.1, [now])
    told = terminal.update(watch.Update(report, ((before, now),)), "17:03:00")
    assert told.count("now right: sentence") == told.count("now wrong: sentence") == 3
    assert "now right: 7 more" in told
    assert "7 more failures" in told


def test_a_save_that_changes_no_answer_is_one_line():
    *_, last = watch.watch([parsed(solved()), parsed(solved())], TOPIC, Grader())
    assert terminal.update(last, "17:03:00") == "17:03:00  saved: no answer has changed"


def test_only_the_exercise_that_was_asked_for_is_watched():
    grade = Grader()
    saves = [parsed(solved()), parsed(changed("relu")), parsed(changed("gelu_swish"))]
    list(watch.watch(saves, TOPIC, grade, ["gelu_swish"]))
    assert grade.asked == [["gelu_swish"], ["gelu_swish"]]


def test_an_unreadable_save_and_a_fault_of_ours_keep_the_last_verdict_and_are_tried_again():
    def broken(saved, exercises):
        return Report(TOPIC.id, "grader_error", None, 20.0, 0.0, reason="a full disk")

    grades = iter([Grader(), broken, Grader()])
    saves = [
        parsed(solved()),
        Unreadable("it is damaged"),
        parsed(changed("gelu_swish")),
        parsed(changed("gelu_swish")),
    ]
    updates = list(
        watch.watch(saves, TOPIC, lambda saved, exercises: next(grades)(saved, exercises))
    )
    assert [u.trouble for u in updates] == [None, "it is damaged", "a full disk", None]
    assert all(u.report is updates[0].report for u in updates[1:3])
    assert [now.id for _, now in updates[3].ran] == ["gelu_swish"]
    assert terminal.update(updates[2], "17:03:00") == "17:03:00  ✗ a full disk"


def test_a_first_save_without_a_verdict_is_told_too():
    (only,) = watch.watch([Unreadable("it is damaged")], TOPIC, Grader())
    assert terminal.update(only, "17:03:00") == "17:03:00  ✗ it is damaged"


# --- following the file ---


class Clock:
    """Passes the time by doing what is next in a script, and ends with it."""

    def __init__(self, *script):
        self.script = list(script)

    def __call__(self):
        if not self.script:
            raise KeyboardInterrupt
        self.script.pop(0)()


def followed(path, *script):
    """What the feed yields while a script is played, a step between two looks."""
    seen = []
    with contextlib.suppress(KeyboardInterrupt):
        seen.extend(watch.saves(path, Clock(*script)))
    return seen


def nothing():
    """Time passes."""


@pytest.fixture
def path(tmp_path):
    return written(solved(), tmp_path)


def test_a_file_that_stays_is_read_once(path):
    assert len(followed(path, nothing, nothing, nothing)) == 1


def test_each_save_is_seen(path):
    seen = followed(path, lambda: written(changed("relu"), path.parent), nothing)
    assert "SLOPE" in seen[1].cells[[c.grade_id for c in seen[1].cells].index("answer-relu")].source


def test_an_editor_that_replaces_the_file_is_followed(path):
    def replaced():
        written(changed("relu"), path.parent, "other.ipynb").replace(path)

    assert len(followed(path, path.unlink, nothing, replaced, nothing)) == 2


def test_half_a_file_is_waited_for_in_silence(path):
    whole = path.read_bytes()
    seen = followed(
        path, lambda: path.write_bytes(whole[:900]), nothing, lambda: path.write_bytes(whole)
    )
    assert [type(s).__name__ for s in seen] == ["Notebook", "Notebook"]


def test_a_file_that_stays_broken_is_told_of_once(path):
    seen = followed(path, lambda: path.write_bytes(b"{"), *[nothing] * 30)
    assert [type(s).__name__ for s in seen] == ["Notebook", "Unreadable"]


def test_a_file_written_anew_while_it_is_read_is_read_again(path, monkeypatch):
    read, times = notebook.read, []

    def slowly(which):
        found = read(which)
        if not times:
            written(changed("relu"), path.parent)
        times.append(1)
        return found

    monkeypatch.setattr(notebook, "read", slowly)
    (seen,) = followed(path, nothing)
    assert any("SLOPE" in c.source for c in seen.cells)
