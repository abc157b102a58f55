"""A Report as HTML cards. Every word of a student's is escaped by the template engine."""

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from autograder.hints import Hints
from autograder.overview import Overview
from autograder.report import chart, view
from autograder.results import Exercise, Report


def card(exercise: Exercise, live: bool = False) -> str:
    """One exercise as a self-contained card, for a feedback page or, where hints are to be had, a live notebook."""
    style = _template("card.css").render()
    return _template("card.html").render(exercise=exercise, view=view, style=style, live=live)


def notice(report: Report) -> str:
    """Why there is no verdict: an unreadable submission, or our own fault."""
    return _template("notice.html").render(report=report, view=view, style=_template("card.css").render())


def hints(given: Hints, tier: int) -> str:
    """The first hints of an exercise as a card: the newest in full, those before it to be read again below."""
    return _template("hints.html").render(given=given, tier=tier, view=view, style=_template("card.css").render())


def progress(overview: Overview, now: datetime) -> str:
    """A learner's map as a page of its own."""
    return _template("progress.html").render(
        overview=overview, now=now, view=view, chart=chart, style=_template("progress.css").render()
    )


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("autograder.report", "."),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
