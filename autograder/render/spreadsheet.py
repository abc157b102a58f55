"""Tables for spreadsheets and learning platforms, in which no cell is a formula.

A spreadsheet takes a cell that begins with = + - @ for a formula, and its text may come from a
student. By OWASP's rule such a text gets an apostrophe in front. Our own numbers stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from autograder.render.view import plain

Cell = str | float | int | None
BOM = "\ufeff"
NONE = "-"  # alone it is never a formula
# Also after a semicolon, the separator where the comma is the decimal sign, and full-width signs.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\t\r\n＝＋－＠])")


def table(rows: Iterable[Sequence[Cell]], bom: bool) -> bytes:
    """The rows as the bytes of a CSV file.

    With `bom` it begins with a byte order mark, without which Excel misreads `ü`. Learning
    platforms need none, and some take it for a part of the first column's name.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [cell(value) for value in row] for row in rows
    )
    return ((BOM if bom else "") + text.getvalue()).encode("utf-8")


def cell(value: Cell) -> str:
    """A value as text: a number as it is, None as nothing, a text escaped."""
    if value is None or value == NONE:
        return value or ""
    if isinstance(value, (int, float)):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return plain(_FORMULA.sub(r"\1'", value)).strip()
