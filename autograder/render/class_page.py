"""The class report as one page without scripts, network or other files.

Every text that may come from a student is put on one line, without control characters, and escaped.
If that ever fails, the page's own policy still forbids scripts and loading.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from autograder.model.class_list import ClassList, State
from autograder.model.report import ExerciseStatus
from autograder.render import cards, class_figures, view
from autograder.render.class_figures import Bin

STATE: dict[State, str] = {
    "graded": "graded",
    "unreadable": "unreadable",
    "grader_error": "grader error",
    "not_graded": "not graded yet",
    "nothing": "nothing handed in",
}
SIGN: dict[ExerciseStatus, str] = {
    "passed": "✓",
    "partial": "½",
    "failed": "✗",
    "timeout": "!",
    "crashed": "!",
    "not_attempted": "–",
}
_WIDTH, _HEIGHT, _GAP = 56, 150, 8  # of a bar of the histogram, in SVG units


@dataclass(frozen=True)
class Bar:
    """A bar of the histogram as drawn."""

    x: int
    y: float
    width: int
    height: float
    bin: Bin


def render(roll: ClassList, made: datetime) -> str:
    """The page as HTML. `made` is the time it shows."""
    found = class_figures.scores(roll)
    bars = histogram(found.bins) if found else []
    return _template().render(
        roll=roll,
        made=made,
        scores=found,
        bars=bars,
        figures=class_figures,
        view=view,
        STATE=STATE,
        SIGN=SIGN,
        style=cards.style("class.css"),
    )


def histogram(bins: class_figures.Bins) -> list[Bar]:
    """The bars side by side: the highest has full height, any non-empty one at least two units."""
    most = max((b.count for b in bins), default=0) or 1
    heights = [max(_HEIGHT * b.count / most, 2.0) if b.count else 0.0 for b in bins]
    return [
        Bar(i * _WIDTH + _GAP // 2, round(_HEIGHT - h, 1), _WIDTH - _GAP, round(h, 1), b)
        for i, (b, h) in enumerate(zip(bins, heights))
    ]


def _shown(value: Any) -> Any:
    """A value as the page shows it: text on one line, without control characters."""
    return view.plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _template() -> Template:
    environment = cards.environment(finalize=_shown)
    environment.filters["percent"] = lambda share: f"{100 * share:.0f} %"
    return environment.get_template("class.html")
