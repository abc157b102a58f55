"""A learner's map as a page."""

from datetime import datetime

from autograder.learner.overview import Overview
from autograder.render import cards, chart, view


def render(overview: Overview, now: datetime) -> str:
    """The page as one complete file."""
    style = cards.style("progress.css")
    return cards.render(
        "progress.html", overview=overview, now=now, view=view, chart=chart, style=style
    )
