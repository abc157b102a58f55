"""The picture of a failed check as SVG, with a text that says the same.

It is drawn from numbers alone, so equal pictures give equal drawings. Colours come from the card's
style and follow its theme.
"""

import math
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from autograder.model.picture import ALL, Picture
from autograder.render import plots
from autograder.render.svg import WIDTH, Drawing, grid, join, rect, text

_HEIGHT = 168  # largest height of a map, without labels
_CELL = 14
_GAP = 12  # room for a line of labels


def draw(picture: Picture) -> Drawing:
    """The drawing of a picture that `picture.require` accepted."""
    return _DRAWN[picture["type"]](picture)


def _where(picture: Picture) -> Drawing:
    sheets, shape = picture["sheets"], picture["shape"]
    rows, columns = len(sheets[0]), len(sheets[0][0])
    last = (1, *shape)[-2:]
    side = max(
        4,
        min(_CELL, _HEIGHT // rows, (WIDTH - _GAP * (len(sheets) - 1)) // (columns * len(sheets))),
    )
    left, top = (
        7 * len(str(last[0] - 1)) + 4 if len(shape) > 1 else 0,
        _GAP + (_GAP if len(sheets) > 1 else 0),
    )
    parts: list[Markup] = []
    for i, sheet in enumerate(sheets):
        x0 = left + i * (columns * side + _GAP)
        parts += _sheet(
            sheet, x0, top, side, last[1], f"[{_index(i, shape[:-2])}]" if len(sheets) > 1 else ""
        )
    if len(shape) > 1:
        parts += [text(left - 3, top + side / 2 + 3, "0", "end")]
        parts += (
            [text(left - 3, top + (rows - 0.5) * side + 3, last[0] - 1, "end")] if rows > 1 else []
        )
    width = left + len(sheets) * (columns * side + _GAP)
    what = " × ".join(map(str, shape))
    words = f"Where entries {picture['what']}: {_pattern(sheets, shape)}."
    return Drawing(
        join(parts),
        width,
        top + rows * side + 2,
        f"A map of the array, {what}",
        f"{words} {_legend(picture)}".strip(),
    )


def _sheet(
    rows: list[str], x0: int, y0: int, side: int, columns: int, name: str
) -> Iterator[Markup]:
    """One page of a map: background, wrong cells, grid lines and column numbers."""
    width, height = len(rows[0]) * side, len(rows) * side
    yield rect("ground", x0, y0, width, height)
    for i, row in enumerate(rows):
        for j, digit in enumerate(row):
            if digit != "0":
                opacity = (
                    "" if int(digit) == ALL else f' opacity="{0.2 + 0.7 * int(digit) / ALL:.2f}"'
                )
                yield rect("wrong", x0 + j * side, y0 + i * side, side, side, opacity)
    yield grid(x0, y0, side, side, len(rows), len(rows[0]))
    yield text(x0 + side / 2, y0 - 3, "0", "middle")
    if len(rows[0]) > 1:
        yield text(x0 + width - side / 2, y0 - 3, columns - 1, "middle")
    if name:
        yield text(x0, y0 - 3 - _GAP, name)


def _pattern(sheets: list[list[str]], shape: Sequence[int]) -> str:
    """Which entries are wrong, in words."""
    last = (1, *shape)[-2:]
    grids = [[[digit != "0" for digit in row] for row in sheet] for sheet in sheets]
    if (len(grids[0]), len(grids[0][0])) != last:
        return _within(grids[0], last)
    if len(shape) == 1:
        return _numbered("entry", "entries", _true(grids[0][0]))
    pages = [i for i, grid in enumerate(grids) if any(map(any, grid))]
    alike = all(grids[i] == grids[pages[0]] for i in pages)
    place = _place(grids[pages[0]], *last) if alike else "some"
    if len(sheets) > 1:
        return f"{place} in {', '.join(f'[{_index(i, shape[:-2])}]' for i in pages)}"
    return f"in the last two axes, {place}" if math.prod(shape[:-2]) > 1 else place


def _within(blocks: list[list[bool]], last: Sequence[int]) -> str:
    """The rows and columns that the blocks with wrong entries cover."""
    rows, columns = (_true([any(line) for line in lines]) for lines in (blocks, list(zip(*blocks))))
    ends = [(at[0] * n // k, -(-(at[-1] + 1) * n // k) - 1) for at, n, k in
            ((rows, last[0], len(blocks)), (columns, last[1], len(blocks[0])))]  # fmt: skip
    return f"within rows {ends[0][0]}–{ends[0][1]} and columns {ends[1][0]}–{ends[1][1]}"


def _place(grid: list[list[bool]], rows: int, columns: int) -> str:
    """Where the wrong entries of a matrix are, by a name of the place if it has one."""
    across = [i for i in range(rows) if all(grid[i])]
    down = [j for j in range(columns) if all(row[j] for row in grid)]
    count = sum(map(sum, grid))
    if count == rows * columns:
        return "everywhere"
    if across and count == len(across) * columns:
        return f"the whole of {_numbered('row', 'rows', across)}"
    if down and count == len(down) * rows:
        return f"the whole of {_numbered('column', 'columns', down)}"
    for name, inside in _PLACES.items():
        if grid == [[inside(i, j, rows, columns) for j in range(columns)] for i in range(rows)]:
            return name
    touched, reached = (
        _true([any(row) for row in grid]),
        _true([any(column) for column in zip(*grid)]),
    )
    return f"{count} in {_numbered('row', 'rows', touched)} and {_numbered('column', 'columns', reached)}"


_PLACES: dict[str, Callable[[int, int, int, int], bool]] = {
    "the diagonal": lambda i, j, rows, columns: i == j,
    "all but the diagonal": lambda i, j, rows, columns: i != j,
    "above the diagonal": lambda i, j, rows, columns: i < j,
    "below the diagonal": lambda i, j, rows, columns: i > j,
    "on and above the diagonal": lambda i, j, rows, columns: i <= j,
    "on and below the diagonal": lambda i, j, rows, columns: i >= j,
    "the border": lambda i, j, rows, columns: i in (0, rows - 1) or j in (0, columns - 1),
    "all but the border": lambda i, j, rows, columns: 0 < i < rows - 1 and 0 < j < columns - 1,
}


def _legend(picture: Picture) -> str:
    """What a cell of the map stands for, if it is more than one entry."""
    sheets, shape = picture["sheets"], picture["shape"]
    heaps = len(sheets) == 1 and math.prod(shape[:-2]) > 1
    blocks = (len(sheets[0]), len(sheets[0][0])) != (1, *shape)[-2:]
    if heaps and not blocks:
        entries = math.prod(shape[:-2])
        return f"A cell is a place in the last two axes: the darker, the more of its {entries} entries."
    return "A cell is a block of entries: the darker, the more of them." if heaps or blocks else ""


def _shapes(picture: Picture) -> Drawing:
    both = [("yours", picture["actual"], "wrong"), ("expected", picture["expected"], "right")]
    longest = max((n for _, shape, _ in both for n in shape[-2:]), default=1)
    unit = min(_CELL, 112 / max(longest, 1))
    parts: list[Markup] = []
    x, height = 0.0, 0.0
    for name, shape, style in both:
        drawn, width, tall = _block(shape, style, x, 2 * _GAP + 2, unit)
        parts += [text(x, _GAP - 2, name), text(x, 2 * _GAP - 2, _tuple(shape)), *drawn]
        x += max(width, 7.0 * max(len(name), len(_tuple(shape)))) + 28
        height = max(height, tall)
    words = (
        f"To scale: yours is {_said(picture['actual'])}, expected is {_said(picture['expected'])}."
    )
    return Drawing(
        join(parts),
        math.ceil(x),
        math.ceil(2 * _GAP + height + 6),
        "Two shapes side by side",
        words,
    )


def _block(
    shape: Sequence[int], style: str, x: float, y: float, unit: float
) -> tuple[list[Markup], float, float]:
    """A shape's last two axes to scale, with up to two sheets behind; and its width and height."""
    if not shape:
        return (
            [
                Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(
                    style, x + 4, y + 4
                )
            ],
            8,
            8,
        )
    rows, columns = (1, *shape)[-2:]
    width, height = max(columns * unit, 3), max(rows * unit, 3)
    if len(shape) == 1:
        height = min(unit, 5)  # an array with one axis is a thin row
    behind = min(math.prod(shape[:-2]) - 1, 2)
    parts = [
        rect(f"{style} behind", x + 4 * i, y + 4 * (behind - i), width, height)
        for i in range(behind, 0, -1)
    ]
    parts.append(rect(style, x, y + 4 * max(behind, 0), width, height))
    if unit >= 4:
        parts.append(
            grid(x, y + 4 * max(behind, 0), unit, height / rows if rows else unit, rows, columns)
        )
    return parts, width + 4 * max(behind, 0), height + 4 * max(behind, 0)


_DRAWN: dict[str, Callable[[Picture], Drawing]] = {
    "where": _where,
    "shapes": _shapes,
    "measured": plots.measured,
    "training": plots.training,
    "curve": plots.curve,
}


def _true(marks: Sequence[bool]) -> list[int]:
    return [i for i, mark in enumerate(marks) if mark]


def _numbered(one: str, many: str, numbers: Sequence[int]) -> str:
    """`row 2`, or `rows 0–3, 7`. Runs are joined, and a long list ends in an ellipsis."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    said = [str(a) if a == b else f"{a}–{b}" for a, b in runs]
    return f"{one if len(numbers) == 1 else many} {', '.join(said[:6])}{', …' if len(said) > 6 else ''}"


def _index(i: int, shape: Sequence[int]) -> str:
    """The index of the i-th entry of the leading axes."""
    places = []
    for n in reversed(shape):
        places.append(str(i % n))
        i //= n
    return ", ".join(reversed(places))


def _said(shape: Sequence[int]) -> str:
    return (
        _tuple(shape)[1:-1].replace(", ", " × ")
        if len(shape) > 1
        else f"a row of {shape[0]}"
        if shape
        else "one number"
    )


def _tuple(shape: Sequence[int]) -> str:
    sizes = [f"{n:.3g}" if n > 10**6 else str(n) for n in shape]
    if len(sizes) > 6:
        sizes[3:-2] = ["…"]
    return f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
