"""Formulas are MathML on a page with no network, and nothing that stands between dollars is read as
HTML.
"""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from notebooks import COURSE

from autograder.nbgrader.formulas import mathml
from autograder.nbgrader.markdown import Outline, render

LISTED = {
    "math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow", "mspace", "msqrt",
    "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover", "span", "code", "p",
}  # fmt: skip
ATTRIBUTES = {
    "accent", "class", "columnalign", "depth", "display", "displaystyle", "fence", "form", "height", "linebreak",
    "linethickness", "lspace", "mathvariant", "maxsize", "minsize", "notation", "rspace", "scriptlevel", "stretchy",
    "voffset", "width",
}  # fmt: skip


class Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def words(tex):
    """The text of a formula, and whether it is shown as its source."""
    page = Reader(render(f"${tex}$"))
    return page.text.strip(), "code" in page.tags


@pytest.mark.parametrize("topic", COURSE.topic_ids)
def test_every_formula_of_the_lessons_is_drawn(topic):
    cells = json.loads(COURSE.assignment(topic).read_text(encoding="utf-8"))["cells"]
    drawn = 0
    for cell in cells:
        if cell["cell_type"] == "markdown":
            html = render("".join(cell["source"]))
            outside = re.sub(r"<(code|pre)>.*?</\1>", "", html, flags=re.DOTALL)
            assert not set("$\\") & set(outside), outside
            assert not re.search(r"<code>[^<]*\\(frac|partial|sum|text)", html)
            drawn += html.count("<math")
    assert drawn > 100


DRAWN = {
    r"a<b & c": "a<b&c",
    r"\mathbb E": "𝔼",
    r"\mathbb{R}^n": "ℝn",
    r"\bigl\lVert x\bigr\rVert": "‖x‖",
    r"\text{fan\_in}": "fan_in",
    r"\begin{aligned}a&=b\\[2mm] c&=d\end{aligned}": "a=bc=d",
}


@pytest.mark.parametrize(("tex", "text"), DRAWN.items(), ids=DRAWN)
def test_what_the_converter_does_not_know_is_put_in_words_that_it_knows(tex, text):
    assert words(tex) == (text, False)


def test_a_name_keeps_its_distance():
    assert "<mi>log</mi><mspace" in render(r"$\log 3$")
    assert "<mspace" not in render(r"$\log(3)$")


def test_a_sign_stands_at_its_number_and_a_minus_between_two():
    assert render("$(-1,-x)$").count('form="prefix"') == 2
    assert "prefix" not in render("$a-b$ $f(x)-1$ $|x|-1$")


SOURCES = [
    r"\nosuchcommand x",
    "{" * 3000,
    r"\frac" * 2000,
    "x" * 5000,
    r"\newcommand{\a}{\a\a}\a",
    r"\def\a{\b\b}\def\b{\c\c}\a",
    "%",
]


@pytest.mark.parametrize("tex", SOURCES, ids=[tex[:20] for tex in SOURCES])
def test_what_cannot_be_drawn_is_shown_as_it_was_written(tex):
    assert words(tex) == (tex, True)


HOSTILE = {
    "a tag": r"\text{<img src=x onerror=attack()>}",
    "a script": r"\text{</math><script>attack()</script>}",
    "an address": r"\href{javascript:attack()}{x}",
    "a style": r"\style{background:url(https://evil.example)}{x}",
    "a class": r"\class{score}{x}",
    "a name": r"\cssId{score}{x} \id{score}",
    "a character": r"\unicode{<img src=x onerror=attack()>}",
    "an entity": r"&lt;img src=x onerror=attack()&gt;",
    "a length": r"\hspace{1em' onload='attack()}",
    "a verbatim": r"\verb|<script>attack()</script>|",
}


@pytest.mark.parametrize("tex", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_a_formula_is_read_as_html(tex):
    for source in (f"${tex}$", f"$${tex}$$", f"\\begin{{align}}{tex}\\end{{align}}"):
        page = Reader(render(source))
        assert page.tags <= LISTED
        assert page.attributes <= ATTRIBUTES
        assert "evil" not in render(source).replace("evil.example)}", "")


@given(st.text())
@example("\\text{<b>}")
@example("\x00\ud800")
def test_any_formula_is_of_listed_elements(tex):
    for token in mathml(tex, True):
        assert token["type"] == "Characters" or token["name"] in LISTED
        assert (
            {name for _, name in token["data"]} <= ATTRIBUTES
            if token["type"] == "StartTag"
            else True
        )


def test_a_formula_in_the_words_of_a_picture_stays_text():
    page = render('![a $\\text{" onerror=attack() x="}$ b](data:image/png;base64,AAAA)')
    assert Reader(page).tags == {"p", "img"}
    assert Reader(page).attributes == {"src", "alt"}


def test_a_guess_at_the_word_that_stands_for_a_formula_is_a_word():
    assert render("formula0123456789abcdefn0n $x$").startswith(
        "<p>formula0123456789abcdefn0n <math"
    )


# --- headings ---


def levels(html):
    return re.findall(r"<(h[1-6])>", html)


def test_headings_begin_below_the_pages_own_and_skip_no_level():
    outline = Outline()
    assert levels(render("# a\n\n### b\n\n###### c\n\n## d", None, outline)) == [
        "h2",
        "h3",
        "h4",
        "h3",
    ]
    assert levels(render("###### e\n\n# f", None, outline)) == ["h4", "h2"]


def test_headings_have_no_links_to_nowhere():
    assert render("# a") == "<h1>a</h1>\n"


def test_a_picture_without_words_has_some_on_a_page():
    assert 'alt="' in render('<img src="data:image/png;base64,AAAA">', None, Outline())
