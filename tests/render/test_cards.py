"""Cards and terminal say each thing once, and nothing that a student wrote does more than stand
there.
"""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.model.report import Check, Exercise, Report
from autograder.render import cards, terminal, view

CALL = "softmax(z (4, 3))"
HOSTILE = [
    "<script>alert(1)</script>",
    "</section><img src=x onerror=alert(1)>",
    "\"'><b>&amp;&lt;",
    "{{ 7 * 7 }}{% raw %}",
    "<!--",
    "<style>*{display:none}</style>",
    "]]>",
]
CONTROL = ["\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "a\rb", "a\x08b", "\x00", "\x9b31m", "\x7f"]


def failed(title, text="sum is 2", call=CALL, **more):
    """A check that failed; its call is there in words and as data, or not at all."""
    made = {"function": call.partition("(")[0], "arguments": []} if call else None
    message = f"{call}\n{text}" if call else text
    return Check(f"test_{title}", "value", title, False, 1, message, call=made, **more)


def right(title):
    return Check(f"test_{title}", "value", title, True)


def exercise(*checks, status="failed", score=0.0):
    return Exercise("softmax", score, 2.0, status, list(checks))


def report(*exercises, **more):
    return Report(
        "01-neurons",
        **{"status": "graded", "score": 0.5, "max_score": 2.0, "seconds": 1.0, **more},
        exercises=[*exercises],
    )


def on_terminal(of):
    return terminal.render(report(of))


RENDERERS = [pytest.param(cards.card, id="card"), pytest.param(on_terminal, id="terminal")]


class Reader(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_comment(self, data):
        self.tags.append("comment")

    def handle_data(self, data):
        self.text += data


# --- nothing but text ---


def card_of(text):
    """A card with this text in every place."""
    misconception = failed("b", text, misconception=text, hint=text)
    return cards.card(
        exercise(failed(text, text, call=text, hint=text), misconception, right(text))
    )


TIMEOUT = {"kind": "timeout", "seconds": 2.0}
STOPPED = exercise(
    failed("a", "stopped: a", cause=TIMEOUT), failed("b", "stopped: a", cause=TIMEOUT)
)
ALLOWED = {*Reader(card_of("plain")).tags, *Reader(cards.card(STOPPED)).tags}


@given(st.text(min_size=1))
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[4])
@example(HOSTILE[5])
def test_no_text_adds_a_tag_to_a_card(text):
    assert set(Reader(card_of(text)).tags) <= ALLOWED


@pytest.mark.parametrize("text", HOSTILE)
def test_a_card_shows_the_text_as_it_was_written(text):
    assert text in Reader(cards.card(exercise(failed("a", f"got {text} here")))).text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_card_shows_the_call_as_it_was_written(text):
    assert text in Reader(cards.card(exercise(failed("a", call=f"f({text})")))).text


@pytest.mark.parametrize("status", ["unreadable", "grader_error"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_notice_shows_the_reason_as_it_was_written(text, status):
    page = Reader(cards.notice(report(status=status, score=None, reason=f"it is {text}")))
    assert [tag for tag, *_ in page.tags] == [
        "style",
        "section",
        "header",
        "span",
        "b",
        "span",
        "p",
    ]
    assert text in page.text


CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("text", CONTROL)
def test_no_text_moves_the_cursor_or_colours_the_screen(render, text):
    made = exercise(
        failed("a", f"f raised ValueError: {text} (line 1)"),
        failed("b", hint=text, misconception="m"),
    )
    assert not CONTROLS.search(render(made))


@pytest.mark.parametrize("text", CONTROL)
def test_no_reason_moves_the_cursor_or_colours_the_screen(text):
    unreadable = report(
        status="unreadable",
        score=None,
        reason=f"it is the notebook of {text}",
        student=f"ada{text}",
    )
    assert not CONTROLS.search(terminal.render(unreadable))
    assert not CONTROLS.search(terminal.line(unreadable))
    assert not CONTROLS.search(cards.notice(unreadable))


@pytest.mark.parametrize("more", [{}, {"status": "unreadable", "score": None, "reason": "a\nb"}])
def test_a_line_of_the_class_list_is_one_line(more):
    assert (
        len(terminal.line(report(exercise(failed("a")), student="ada", **more)).splitlines()) == 1
    )


# --- each thing once ---


def test_the_time_that_is_left_comes_from_the_latest_submissions(monkeypatch):
    """Neither what was known already nor the start, which takes seconds, says how long the rest
    will take.
    """
    now = iter([0.0, *[0.01] * 30, *(4.0 + 0.5 * k for k in range(60))])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(now))
    progress = terminal.Progress(100)
    lines = [progress.line(report(exercise(failed("a")), student="ada")) for _ in range(90)]
    assert all("left" not in text for text in lines[:9])
    assert lines[-1].startswith("[ 90/100    2.0/s     5 s left]  ✓ ada")
    assert {text.index("]") for text in lines} == {lines[0].index("]")}


@pytest.mark.parametrize("render", RENDERERS)
def test_each_sentence_that_fails_is_shown_once(render):
    cases = [
        failed("rows sum to one", f"sum is {i}", call=f"softmax(z ({i}, 3))") for i in range(3)
    ]
    shown = render(exercise(*cases, failed("no entry is negative", "p[0] is -1")))
    assert shown.count("rows sum to one") == 1
    assert shown.count("no entry is negative") == 1
    assert "sum is 0" in shown
    assert "p[0] is -1" in shown


@pytest.mark.parametrize("render", RENDERERS)
def test_a_misconception_is_named_once_with_its_hint(render):
    misconception = {
        "misconception": "the wrong axis was summed",
        "hint": "which axis holds the classes?",
    }
    shown = render(
        exercise(
            failed("a", "sum is 2", **misconception),
            failed("b", "sum is 3", **misconception),
            failed("c", "sum is 4"),
        )
    )
    assert shown.count("the wrong axis was summed") == 1
    assert shown.count("which axis holds the classes?") == 1


@pytest.mark.parametrize("render", RENDERERS)
def test_two_misconceptions_are_both_named(render):
    shown = render(
        exercise(
            failed("a", misconception="rows summed", hint="hint 1"),
            failed("b", misconception="no shift", hint="hint 2"),
        )
    )
    assert [shown.count(word) for word in ("rows summed", "no shift", "hint 1", "hint 2")] == [
        1,
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("render", RENDERERS)
def test_a_misconception_of_one_function_of_several_names_the_function(render):
    misconception = {"misconception": "the slope is fixed", "hint": "whose slope?"}
    assert "Looks like, in leaky_relu:" in render(
        exercise(failed("a", call="leaky_relu(z (3,))", **misconception))
    )
    assert "Looks like:" in render(exercise(failed("a", call="", **misconception)))
    assert "Looks like:" in render(
        exercise(failed("a", call="the network trained(z)", **misconception))
    )


@pytest.mark.parametrize("render", RENDERERS)
def test_a_hint_of_the_check_itself_is_shown(render):
    assert (
        render(exercise(failed("a", hint="subtract the largest first"))).count(
            "subtract the largest first"
        )
        == 1
    )


STUB = ("softmax is not written yet", {"kind": "stub", "function": "softmax"})
MISSING = (
    "there is no function softmax in the notebook",
    {"kind": "missing", "function": "softmax", "found": None},
)
CELL = {"kind": "cell", "function": "softmax", "cell": "cell 3", "error": "NameError"}
TITLES = {"many checks": "abcde", "one check": "a", "cases of one check": "aaa"}


@pytest.mark.parametrize("titles", TITLES.values(), ids=TITLES)
@pytest.mark.parametrize(("reason", "cause"), [STUB, MISSING])
def test_an_exercise_not_attempted_takes_its_name_and_one_line(titles, reason, cause):
    cases = [
        failed(f"sentence {t}", reason, call=f"softmax(z ({i}, 3))", cause=cause)
        for i, t in enumerate(titles)
    ]
    none = exercise(*cases, status="not_attempted")
    head, *rest = on_terminal(none).splitlines()[:-2]
    assert "not attempted" in head
    assert [line.strip() for line in rest] == [reason]
    card = Reader(cards.card(none)).text
    assert card.count(reason) == 1
    assert card.count("not attempted") == 1
    assert "sentence" not in card


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("stopped: the exercise used up its 2 seconds", TIMEOUT),
        ("softmax is not there, because cell 3 does not run", CELL),
        (
            "softmax needs relu, which is a stub",
            {"kind": "needs_stub", "function": "a", "needs": "b"},
        ),
    ],
)
def test_a_cause_of_many_failures_is_told_once(render, text, cause):
    found = [failed(f"sentence {i}", text, call=f"softmax({i})", cause=cause) for i in range(4)]
    shown = render(exercise(*found, status="timeout"))
    assert shown.count(text) == 1
    assert all(shown.count(f"sentence {i}") == 1 for i in range(4))


@pytest.mark.parametrize("render", RENDERERS)
def test_what_only_sounds_like_such_a_cause_is_told_each_time(render):
    """An exception's text is a student's own: f raised ValueError: stopped: f is not written yet."""
    raised = {"kind": "raised", "error": "ValueError"}
    text = "f raised ValueError: stopped: f is not written yet"
    shown = render(exercise(*(failed(f"sentence {i}", text, cause=raised) for i in range(3))))
    assert shown.count(text) == 3


@pytest.mark.parametrize("render", RENDERERS)
def test_a_report_of_before_there_were_causes_in_it_shows_every_word(render):
    old = Check("test_a", "value", "rows sum to one", False, 1, f"{CALL}\nsum is 2")
    shown = render(exercise(old))
    assert all(shown.count(words) == 1 for words in ("rows sum to one", CALL, "sum is 2"))


@pytest.mark.parametrize("render", RENDERERS)
def test_an_exercise_that_passes_shows_its_points_and_no_failure(render):
    shown = render(exercise(right("a"), right("b"), status="passed", score=2.0))
    assert "2 / 2 points" in shown
    assert "✗" not in shown


@pytest.mark.parametrize("render", RENDERERS)
def test_a_bonus_is_added_on_top(render):
    assert "+1.5 bonus points" in render(Exercise("extra", 1.5, 0.0, "passed", [right("a")]))


def test_what_passes_beside_what_fails_is_counted():
    assert "✓ 2 other checks pass" in on_terminal(
        exercise(failed("a"), right("b"), right("c"), status="partial")
    )
    assert "✓ 1 other check passes" in on_terminal(
        exercise(failed("a"), right("b"), status="partial")
    )


def test_the_total_is_the_last_line():
    assert on_terminal(exercise(failed("a"))).splitlines()[-1] == "01-neurons   0.5 / 2 points"


@pytest.mark.parametrize(
    ("status", "words"),
    [("unreadable", "could not be read"), ("grader_error", "an error of the autograder")],
)
def test_a_report_without_a_verdict_says_why(status, words):
    none = report(status=status, score=None, reason="the file is empty")
    assert "the file is empty" in terminal.render(none)
    assert "the file is empty" in cards.notice(none)
    assert words in cards.notice(none)
    assert "points" not in terminal.render(none)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2"),
        (2.0, "2"),
        (1.5, "1.5"),
        (4 / 3, "1.33"),
        (0, "0"),
        (10, "10"),
        (100, "100"),
        (0.004, "0"),
    ],
)
def test_points_have_two_decimals_at_most(value, text):
    assert view.points(value) == text


checks = st.builds(
    Check,
    st.text(),
    st.just("value"),
    st.text(),
    st.booleans(),
    st.just(1),
    *[st.none() | st.text()] * 3,
)


@given(st.lists(checks, max_size=5), st.sampled_from(list(view.STATUS)))
def test_every_report_can_be_drawn(found, status):
    made = exercise(*found, status=status)
    cards.card(made)
    on_terminal(made)
