"""Plots of a training: a scale, the progress towards a threshold, a returned curve."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from autograder.model.picture import TOP, Picture, is_share
from autograder.render.svg import WIDTH, Drawing, join, rect, text

_PLOT, _PLOT_TOP = 72, 8  # height of a curve, and its top


def measured(picture: Picture) -> Drawing:
    value, threshold, least = picture["value"], picture["line"], picture["side"] == "least"
    low, high = min(value, threshold, 0.0), max(value, threshold, 0.0)
    high = 1.0 if is_share(low, high) else high + (high - low) * 0.1
    span = (high - low) or 1.0
    at, goal = (round(WIDTH * (v - low) / span) for v in (value, threshold))
    y = 22
    good = (goal, WIDTH - goal) if least else (0, goal)
    parts = [
        rect("ground", 0, y, WIDTH, 10),
        rect("right", good[0], y, max(good[1], 1), 10),
        Markup('<path class="threshold" d="M{0} {1}V{2}"/>').format(goal, y - 4, y + 14),
        Markup('<path class="mark" d="M{0} {1}l-5 -8h10z"/>').format(at, y),
        text(at, 11, f"yours {value:g}", _anchor(at)),
        text(goal, y + 25, f"threshold {threshold:g}", _anchor(goal)),
    ]
    side = "least" if least else "most"
    words = f"{picture['name']}: yours is {value:g}, the threshold is at {side} {threshold:g}"
    return Drawing(join(parts), WIDTH, y + 30, "A scale with your value and the threshold", words)


def training(picture: Picture) -> Drawing:
    lengths, heights, low, high = (picture[key] for key in ("lengths", "heights", "low", "high"))
    least, left = picture["side"] == "least", _margin(picture)
    xs = [left + (WIDTH - left) * n / lengths[-1] for n in lengths]
    goal = _PLOT_TOP + _PLOT * (1 - (picture["line"] - low) / ((high - low) or 1.0))
    above, below = max(goal - 4, 1), max(_PLOT_TOP + _PLOT + 4 - goal, 1)
    dots = (
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(x, _height(h))
        for x, h in zip(xs, heights)
        if h is not None
    )
    parts = [
        rect("goal", left, 4 if least else goal, WIDTH - left, above if least else below),
        Markup('<path class="threshold" d="M{} {:.1f}H{}"/>').format(left, goal, WIDTH),
        *_plot(picture, xs, left),
        *dots,
        text(WIDTH + 5, goal + 3, "line"),
        text(left, _PLOT + 24, "0"),
        text(WIDTH, _PLOT + 24, f"{lengths[-1]} {picture['unit']}", "end"),
    ]
    value, threshold = f"{picture['value']:g}", f"at {picture['side']} {picture['line']:g}"
    counts = ", ".join(map(str, lengths[:-1]))
    words = f"{picture['name']}, trained anew for {counts} and {lengths[-1]} {picture['unit']}: "
    words += f"the last is {value}, the line is {threshold}"
    return Drawing(
        join(parts),
        WIDTH + 26,
        _PLOT + 30,
        "How far the training came, and the line to reach",
        words,
    )


def curve(picture: Picture) -> Drawing:
    heights, count = picture["heights"], picture["count"]
    left = _margin(picture)
    xs = [left + i * (WIDTH - left) / (len(heights) - 1) for i in range(len(heights))]
    parts = [
        *_plot(picture, xs, left),
        text(left, _PLOT + 24, "1"),
        text(WIDTH, _PLOT + 24, f"{count:g}", "end"),
    ]
    span = f"{count:g} numbers from {picture['low']:g} to {picture['high']:g}"
    words = f"{picture['name']}, as your function returned them: {span}."
    return Drawing(join(parts), WIDTH, _PLOT + 30, "A curve", words)


def _plot(picture: Picture, xs: Sequence[float], left: int) -> Iterator[Markup]:
    """Axes with the ends of the scale, and the heights as a line with gaps for missing values."""
    strokes, pen = [], "M"
    for x, h in zip(xs, picture["heights"]):
        if h is None:
            pen = "M"
            continue
        strokes.append(f"{pen}{x:.1f} {_height(h):.1f}h.1")
        pen = "L"
    yield Markup('<path class="axis" d="M{0} 4V{1}H{2}"/>').format(left, _PLOT + 12, WIDTH)
    yield Markup('<path class="curve" d="{0}"/>').format("".join(strokes))
    yield text(left - 3, 12, f"{picture['high']:g}", "end")
    yield text(left - 3, _PLOT + 11, f"{picture['low']:g}", "end")


def _margin(picture: Picture) -> int:
    """The space for the numbers at a plot's left."""
    return 7 * max(len(f"{picture[key]:g}") for key in ("low", "high")) + 4


def _height(h: int) -> float:
    return _PLOT_TOP + _PLOT * (1 - h / TOP)


def _anchor(x: float) -> str:
    """The anchor of a label, so that it stays inside the picture."""
    return "start" if x < WIDTH / 4 else "end" if x > WIDTH * 3 / 4 else "middle"
