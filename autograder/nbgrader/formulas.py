"""TeX as MathML, which browsers draw and screen readers read without network or script.

A student's formula is untrusted. It is never parsed as HTML: it becomes a tree, and only the
elements and attributes listed here pass, as tokens for the serializer, which escapes every text. A
formula with anything else is shown as its source.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import zip_longest
from typing import Any
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

Token = dict[str, Any]
_LONGEST = 4000
_NAMESPACE = "http://www.w3.org/1999/xhtml"
_ELEMENTS = frozenset(
    """
    math menclose mfrac mi mn mo mover mpadded mphantom mroot mrow mspace msqrt mstyle msub msubsup msup mtable mtd
    mtext mtr munder munderover
    """.split()  # noqa: SIM905
)
_LENGTH = re.compile(r"[+-]?[0-9.]{1,8}(em|ex|px|pt)?\Z")
_WORD = re.compile(r"[a-z-]{1,20}\Z")
_ATTRIBUTES = {
    **dict.fromkeys(
        ("width", "height", "depth", "lspace", "rspace", "voffset", "minsize", "maxsize"), _LENGTH
    ),
    "linethickness": _LENGTH,
    "scriptlevel": re.compile(r"[+-]?[0-9]\Z"),
    **dict.fromkeys(
        ("display", "displaystyle", "mathvariant", "stretchy", "fence", "form", "accent"), _WORD
    ),
    **dict.fromkeys(("columnalign", "notation", "linebreak"), _WORD),
}
_MACROS = re.compile(
    r"\\((re)?newcommand|providecommand|[gex]?def|let|DeclareMathOperator|newenvironment)(?![A-Za-z])"
)
# Commands that the converter does not know, in terms of those it knows.
_REWRITTEN = [
    (
        re.compile(r"\\(begin|end)\{(aligned|align|split|gathered|equation|gather|multline)\*?\}"),
        r"\\\1{align*}",
    ),
    (re.compile(r"\\\\\s*\[\s*-?[0-9.]+\s*[a-z]{2}\s*\]"), r"\\\\"),
]
_SIGNS = {r"\lVert": "‖", r"\rVert": "‖", r"\Vert": "‖", r"\|": "‖", r"\lvert": "|", r"\rvert": "|"}
_NAMES = frozenset("arcsin arctan cos cosh det exp ln log sin sinh tan tanh".split())  # noqa: SIM905
_CLOSING = (")", "]", "}", "⟩", "⌋", "⌉", "|", "‖", "!", "")
_DOUBLE = {"C": "ℂ", "H": "ℍ", "N": "ℕ", "P": "ℙ", "Q": "ℚ", "R": "ℝ", "Z": "ℤ"}


class Formulas:
    """The formulas of one text. While it is rendered, an unguessable word stands for each."""

    def __init__(self) -> None:
        nonce = secrets.token_hex(8)
        self._mark = re.compile(f"formula{nonce}n([0-9]+)n")
        self._word = f"formula{nonce}n%dn"
        self._kept: list[tuple[str, bool]] = []

    def keep(self, tex: str, block: bool) -> str:
        """Keep a formula and return the word that stands for it."""
        self._kept.append((tex, block))
        return self._word % (len(self._kept) - 1)

    def put_back(self, tokens: Iterable[Token]) -> Iterator[Token]:
        """Replace the words in cleaned tokens by the formulas, in attributes by their source."""
        for token in tokens:
            if token["type"] == "Characters" and self._mark.search(token["data"]):
                yield from self._between(token["data"])
            elif token["type"] in ("StartTag", "EmptyTag"):
                data = {k: self._mark.sub(self._source, v) for k, v in token["data"].items()}
                yield {**token, "data": data}
            else:
                yield token

    def _between(self, text: str) -> Iterator[Token]:
        parts = self._mark.split(text)  # text, number, text, number, …, text
        for i, part in enumerate(parts):
            if i % 2:
                yield from mathml(*self._kept[int(part)])
            elif part:
                yield characters(part)

    def _source(self, match: re.Match[str]) -> str:
        return self._kept[int(match[1])][0]


def mathml(tex: str, block: bool) -> Iterator[Token]:
    """A formula as tokens: MathML, or its source if it cannot be converted."""
    try:
        tokens = list(_tokens(_converted(tex, block)))
    except Exception:  # the converter raises many errors; such a formula is shown as text
        tokens = [start("code"), characters(tex.strip()), end("code")]
    if block:
        yield start("span", {"class": "formula"})
    yield from tokens
    if block:
        yield end("span")


def _converted(tex: str, block: bool) -> Element:
    if len(tex) > _LONGEST or _MACROS.search(tex):
        raise ValueError("too long, or a program")
    for pattern, known in _REWRITTEN:
        tex = pattern.sub(known, tex)
    tree: Element = convert_to_element(tex, display="block" if block else "inline")
    return tree


def _tokens(element: Element, form: str = "") -> Iterator[Token]:
    if element.tag not in _ELEMENTS:
        raise ValueError(f"no element of a formula: {element.tag}")
    attributes = {**element.attrib, **({"form": form} if form else {})}
    if attributes.get("width") == "negativethinmathspace":
        attributes["width"] = "-0.167em"
    fit = {k: v for k, v in attributes.items() if k in _ATTRIBUTES and _ATTRIBUTES[k].match(v)}
    yield start(element.tag, fit)
    if element.text:
        yield characters(_said(element))
    before = None
    for child, after in zip_longest(element, element[1:]):
        yield from _tokens(child, "prefix" if _is_sign(child, before) else "")
        if child.tag == "mi" and child.text in _NAMES and after is not None and after.tag != "mo":
            yield from (start("mspace", {"width": "0.167em"}), end("mspace"))  # log 3, not log3
        before = child if child.tag != "mspace" else before
    yield end(element.tag)


def _is_sign(element: Element, before: Element | None) -> bool:
    """Whether a minus is a sign, as in (-1, -2): no operand stands before it."""
    if element.tag != "mo" or unescape(element.text or "") not in ("−", "+", "±"):
        return False
    return before is not None and before.tag == "mo" and unescape(before.text or "") not in _CLOSING


def _said(element: Element) -> str:
    text = unescape(element.text or "")
    text = _SIGNS.get(text, text)
    if element.tag == "mtext":
        text = text.replace("\\_", "_")
    if element.get("mathvariant") == "double-struck":  # browsers support only the variant `normal`
        text = "".join(
            _DOUBLE.get(c, chr(0x1D538 + ord(c) - ord("A")) if "A" <= c <= "Z" else c) for c in text
        )
    if "\\" in text:
        raise ValueError(f"a command that is not known: {text[:40]}")
    return text


def start(name: str, attributes: dict[str, str] | None = None) -> Token:
    data = {(None, key): value for key, value in (attributes or {}).items()}
    return {"type": "StartTag", "name": name, "namespace": _NAMESPACE, "data": data}


def end(name: str) -> Token:
    return {"type": "EndTag", "name": name, "namespace": _NAMESPACE, "data": {}}


def characters(text: str) -> Token:
    return {"type": "Characters", "data": text}
