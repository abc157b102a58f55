"""The parts of a drawing: rectangles, grids and text as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 260  # largest width of a drawing, without labels


@dataclass(frozen=True)
class Drawing:
    """The content of an svg element, its size, its label and its caption."""

    body: Markup
    width: int
    height: int
    label: str
    caption: str


def join(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def rect(style: str, x: float, y: float, width: float, height: float, more: str = "") -> Markup:
    return Markup(
        '<rect class="{}" x="{:.4g}" y="{:.4g}" width="{:.4g}" height="{:.4g}"{}/>'
    ).format(style, x, y, width, height, Markup(more))


def grid(x: float, y: float, dx: float, dy: float, rows: int, columns: int) -> Markup:
    down = "".join(f"M{x + j * dx:.4g} {y:.4g}v{rows * dy:.4g}" for j in range(columns + 1))
    across = "".join(f"M{x:.4g} {y + i * dy:.4g}h{columns * dx:.4g}" for i in range(rows + 1))
    return Markup('<path class="grid" d="{}"/>').format(down + across)


def text(x: float, y: float, words: object, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.4g}" y="{:.4g}" text-anchor="{}">{}</text>').format(
        x, y, anchor, words
    )
