"""Tables for spreadsheets and learning platforms, in which no cell is a formula.

A cell that begins with = + - @ is a formula to a spreadsheet, and what is in it may come from a
student. OWASP's rule: an apostrophe before it. Numbers are written by us and stay numbers.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from autograder.render.view import plain

Cell = str | float | int | None
BOM = "\ufeff"
NONE = "-"  # by itself no formula anywhere
# Also behind a semicolon, which parts the cells where the comma is the decimal sign, and the signs
# of full width.
_FORMULA = re.compile(r"(^|;)(?=\s*[=+\-@\t\r\n＝＋－＠])")


def table(rows: Iterable[Sequence[Cell]], bom: bool) -> bytes:
    """Rows as the bytes of a CSV file.

    With `bom` it begins with the mark by which Excel knows UTF-8: without, it takes `ü` for two
    letters. Learning platforms read UTF-8 anyway, and some take the mark for a part of the first
    column's name.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [cell(value) for value in row] for row in rows
    )
    return ((BOM if bom else "") + text.getvalue()).encode("utf-8")


def cell(value: Cell) -> str:
    """A value as text: a number plainly, nothing as nothing, a text such that it runs nowhere."""
    if value is None or value == NONE:
        return value or ""
    if isinstance(value, (int, float)):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return plain(_FORMULA.sub(r"\1'", value)).strip()
