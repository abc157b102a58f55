"""Markdown cells as HTML that can do nothing: for the feedback pages and for formgrader, which would let all pass.

A student's text is read in the browser of whoever grades, where their session with the gradebook is. So it
may have structure, pictures of its own and mathematics; no scripts, no styles, no forms, nothing that is loaded
from elsewhere, and no name by which formgrader's own code finds the boxes for points and comments.
"""

import re
from html import escape
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

_TAGS = frozenset(
    """
    a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre s
    small span strong sub summary sup table tbody td tfoot th thead tr u ul
    """.split()  # noqa: SIM905
)
# Told by how a value begins, as it stands in the text: what hides behind an entity is not among them.
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


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """The filter of that name in nbconvert's templates, with its result cleaned."""
    cell = context.get("cell", {})
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
    try:
        return clean(MarkdownWithMath(renderer=renderer).render(source))
    except Exception:  # a picture that is not attached, quotes a thousand deep: no page fails over it
        return f"<pre>{escape(source)}</pre>"


def clean(html: str) -> str:
    """The HTML with what is not allowed shown as the text that it is."""
    cleaned: str = bleach.clean(html, _TAGS, _allowed, protocols={"http", "https", "mailto", "data"})
    return cleaned


def _allowed(tag: str, name: str, value: str) -> bool:
    pattern = _ATTRIBUTES.get((tag, name))
    return pattern is not None and pattern.match(value) is not None
