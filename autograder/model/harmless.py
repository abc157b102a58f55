"""Text that does nothing to a terminal, a log or the order in which it is read.

One set of characters, one filter, for all that we print and all that nbgrader logs: the controls
of ASCII, those above it (U+009B begins a command as ESC [ does), what turns the direction of
writing, what ends a line elsewhere than we do, and halves of characters. Accents, emoji and all
that is joined of several characters stay as they are.
"""

import re

_SETS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u206a-\u206f"  # direction
    "\u2028\u2029"  # line and paragraph
    "\u200b\u2060-\u2064\ufff9-\ufffb\ufeff"  # what nobody sees
    "\ud800-\udfff"  # halves
)
HARMFUL = re.compile(f"[{_SETS}]")
_HARMFUL_ON_ONE_LINE = re.compile(f"[{_SETS}\t]")
_SHOWN = "\N{REPLACEMENT CHARACTER}"


def harmless(text: str) -> str:
    """A text with its lines and tabs; a sign stands where a character could do harm."""
    return HARMFUL.sub(_SHOWN, text.replace("\r\n", "\n"))


def on_one_line(text: str) -> str:
    """A text as one line, for a row of a table: a student's words must not begin another."""
    return _HARMFUL_ON_ONE_LINE.sub(_SHOWN, text.replace("\n", " "))


def escaped(json: str) -> str:
    """JSON that means the same and is harmless: JSON has a spelling for each such character."""
    return HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
