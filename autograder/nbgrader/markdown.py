"""Markdown cells as safe HTML, for the feedback pages and for formgrader.

The grader's browser shows a student's text in a session with access to the gradebook. So it may
have structure, its own pictures and mathematics, but no scripts, styles, forms, remote content, or
names that formgrader's code uses to find the boxes for points and comments.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from html import escape
from typing import Any

from bleach.sanitizer import Cleaner
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.nbgrader.formulas import Formulas, Token, end, start

_TAGS = frozenset(
    """
    a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre s
    small span strong sub summary sup table tbody td tfoot th thead tr u ul
    """.split()  # noqa: SIM905
)
# Recognised by the start of a value as written: one that hides behind an entity is refused.
_ATTRIBUTES = {
    ("a", "href"): re.compile(r"https?://|mailto:|#"),
    ("a", "title"): re.compile(""),
    ("abbr", "title"): re.compile(""),
    ("img", "src"): re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z"),
    ("img", "alt"): re.compile(""),
    ("img", "title"): re.compile(""),
    ("img", "width"): re.compile(r"[0-9]{1,4}%?\Z"),
    ("img", "height"): re.compile(r"[0-9]{1,4}%?\Z"),
    ("ol", "start"): re.compile(r"[0-9]{1,6}\Z"),
    ("td", "align"): re.compile(r"(left|right|center)\Z"),
    ("th", "align"): re.compile(r"(left|right|center)\Z"),
    ("div", "class"): re.compile(r"highlight( hl-[a-z0-9+-]{1,20})?\Z"),
    ("span", "class"): re.compile(r"[a-z][a-z0-9]{0,2}\Z"),  # the colours of code
}


LONGEST = 20_000  # characters of a text, pictures apart: a long essay
_PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*")


class Outline:
    """The headings of a page, each at most one level below the last: no level is skipped."""

    def __init__(self, level: int = 1) -> None:
        self._top = self.level = level

    def fit(self, level: int) -> int:
        """The level on the page of a heading with this level in the text."""
        self.level = min(self._top + level, self.level + 1, 6)
        return self.level


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas kept apart and headings without anchors."""

    def __init__(self, formulas: Formulas, attachments: Any) -> None:
        super().__init__(escape=False, attachments=attachments, exclude_anchor_links=True)
        self._formulas = formulas

    def block_math(self, body: str) -> str:
        return self._formulas.keep(body, True)

    def inline_math(self, body: str) -> str:
        return self._formulas.keep(body, False)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formulas.keep(f"\\begin{{{name}}}{body}\\end{{{name}}}", True)


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """The filter of that name in nbconvert's templates, with a cleaned result."""
    return render(source, context.get("cell", {}).get("attachments", {}))


def render(source: str, attachments: Any = None, outline: Outline | None = None) -> str:
    """Markdown as clean HTML, with formulas as MathML and headings at the outline's levels.

    A text longer than LONGEST is returned as it was written: the time to render it grows with the
    square of its length.
    """
    if len(_PICTURE.sub("", source)) > LONGEST:
        return f"<pre>{escape(source)}</pre>"
    formulas = Formulas()
    try:
        html = MarkdownWithMath(renderer=_Renderer(formulas, attachments or {})).render(source)
        return clean(html, formulas, outline)
    except Exception:  # a missing attachment or quotes a thousand deep must not fail the page
        return f"<pre>{escape(source)}</pre>"


def clean(html: str, formulas: Formulas | None = None, outline: Outline | None = None) -> str:
    """The HTML with everything that is not allowed shown as text.

    Formulas are put back after the cleaning, and none of their text is parsed as HTML.
    """
    filters = [partial(_laid_out, outline)] if outline else []
    filters += [partial(_with_formulas, formulas)] if formulas else []
    protocols = {"http", "https", "mailto", "data"}
    cleaned: str = Cleaner(_TAGS, _allowed, protocols=protocols, filters=filters).clean(html)
    return cleaned


def _with_formulas(formulas: Formulas, source: Iterable[Token]) -> Iterator[Token]:
    return formulas.put_back(source)


def _laid_out(outline: Outline, source: Iterable[Token]) -> Iterator[Token]:
    """Set the levels of headings, and put tables in boxes that scroll on a narrow screen."""
    level = 0
    for token in source:
        name = token.get("name", "")
        if token["type"] == "StartTag" and re.fullmatch("h[1-6]", name):
            level = outline.fit(int(name[1]))
        if re.fullmatch("h[1-6]", name):
            token = {**token, "name": f"h{level}"}
        if name == "img" and (None, "alt") not in token["data"]:
            token = {
                **token,
                "data": {**token["data"], (None, "alt"): "a picture without a description"},
            }
        if name == "table" and token["type"] == "StartTag":
            yield start("div", {"class": "wide"})
        yield token
        if name == "table" and token["type"] == "EndTag":
            yield end("div")


def _allowed(tag: str, name: str, value: str) -> bool:
    pattern = _ATTRIBUTES.get((tag, name))
    return pattern is not None and pattern.match(value) is not None
