"""A feedback page needs no network, runs nothing, and can be found one's way in by eye, by ear and
on paper.
"""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_cards import HOSTILE, STUB, exercise, failed, report, right

from autograder.model import picture
from autograder.model.report import Exercise
from autograder.render import cards, page

WHERE = picture.shapes((4, 3), (4,))


class Reader(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def complete(text="plain"):
    """A report with each kind of card, and this text in every place."""
    bad = failed(text, text, call=text, hint=text, picture=WHERE)
    misconception = failed("b", text, misconception=text, hint=text)
    cards = [
        exercise(bad, misconception, right(text)),
        Exercise(text, 2.0, 2.0, "passed", [right(text)]),
        Exercise("c", 0.0, 2.0, "not_attempted", [failed(text, STUB[0], cause=STUB[1])]),
    ]
    return report(*cards, student=text)


def of(text="plain"):
    return Reader(page.of_report(complete(text)))


def test_a_page_loads_nothing_and_runs_nothing():
    read = of()
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in read.tags
    }
    assert not [a for _, a in read.tags if set(a) & {"src", "srcset", "data", "action", "style"}]
    assert not [name for _, a in read.tags for name in a if name.startswith("on")]
    text = page.of_report(complete())
    assert not re.search(r"url\(|@import|https?:", text)
    (policy,) = (
        m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert "script" not in policy
    assert "form-action 'none'" in policy


def test_a_page_can_be_found_ones_way_in_by_ear():
    read = of()
    assert read.all("html") == [{"lang": "en"}]
    assert all(len(read.all(tag)) == 1 for tag in ("nav", "main", "title", "h1"))
    assert "width=device-width" in next(
        m["content"] for m in read.all("meta") if m.get("name") == "viewport"
    )
    assert all(a.get("role") == "img" and a["aria-label"] for a in read.all("svg"))


def test_headings_are_in_order():
    levels = [int(tag[1]) for tag, _ in of().tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_line_of_the_contents_leads_to_its_card():
    read = of()
    leads = [a["href"][1:] for a in read.all("a") if a["href"].startswith("#exercise")]
    assert (
        leads
        == [a["id"] for a in read.all("article")]
        == ["exercise-1", "exercise-2", "exercise-3"]
    )
    names = {a["id"] for _, a in read.tags if "id" in a}
    assert {a["href"][1:] for a in read.all("a")} <= names


def test_the_state_of_an_exercise_is_told_in_words_and_by_a_sign():
    text = of().text
    for words in (
        "all checks pass",
        "not attempted",
        "the checks fail",
        "0.5 / 2 points",
        "✓",
        "✗",
    ):
        assert words in text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_text_as_it_was_written(text):
    assert [tag for tag, _ in of(text).tags] == [tag for tag, _ in of().tags]
    assert text in of(text).text


@given(st.text(min_size=1))
@example("\ud800")
def test_no_text_adds_a_tag_to_a_page(text):
    assert {tag for tag, _ in of(text).tags} <= {tag for tag, _ in of().tags}
    page.of_report(complete(text)).encode("utf-8", "replace")


@pytest.mark.parametrize("status", ["unreadable", "grader_error"])
def test_a_report_without_a_verdict_is_a_page_that_says_why(status):
    text = page.of_report(report(status=status, score=None, reason="<b>it is empty", student="ada"))
    assert "&lt;b&gt;it is empty" in text
    assert "points" not in Reader(text).text.partition("</style>")[2]


def test_a_picture_is_on_the_card_with_its_words():
    card = cards.card(exercise(failed("a", picture=WHERE)))
    assert "<svg" in card
    assert "yours is 4 × 3, expected is a row of 4" in card


def test_a_curve_is_shown_once_on_a_card():
    curve = picture.curve("mistakes", [5, 4, 3, 2])
    found = [failed(f"check {i}", f"it is {i}", picture=curve) for i in range(3)]
    assert cards.card(exercise(*found)).count("<svg") == 1


# --- the next place to look ---


def test_what_has_no_hint_of_its_own_says_where_to_look_next():
    assert "Choose an input that is small enough" in cards.card(exercise(failed("a")))
    assert "Print the shape of each array" in cards.card(exercise(failed("a", picture=WHERE)))
    assert "Which loop does not end?" in cards.card(exercise(failed("a"), status="timeout"))


@pytest.mark.parametrize("checks", [[failed("a", hint="subtract first")], [right("a")]])
def test_what_has_a_hint_or_is_right_needs_no_other(checks):
    assert "Next:" not in cards.card(exercise(*checks))


# --- colours ---


def luminance(colour):
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * d for d in digits)
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def themes():
    found = re.findall(r":root \{(.*?)\}", cards.style("page.css"), re.DOTALL)
    return [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", theme)) for theme in found]


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark", "print"])
@pytest.mark.parametrize("ground", ["paper", "faint"])
def test_text_stands_out_from_its_ground(theme, ground):
    texts = ("ink", "quiet", "link", "good", "bad", "keyword", "text", "number", "comment")
    assert {name for name in texts if contrast(theme[name], theme[ground]) < 4.5} == set()
