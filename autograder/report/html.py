"""A Report as HTML cards. Every word of a student's is escaped by the template engine."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from autograder.report import view
from autograder.results import Exercise, Report


def card(exercise: Exercise) -> str:
    """One exercise as a self-contained card, for a notebook's output or a feedback page."""
    return _template("card.html").render(exercise=exercise, view=view, style=_template("card.css").render())


def notice(report: Report) -> str:
    """Why there is no verdict: an unreadable submission, or our own fault."""
    return _template("notice.html").render(report=report, view=view, style=_template("card.css").render())


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
