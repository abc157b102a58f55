"""A Report as HTML cards. The template engine escapes every text of a student."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from autograder.learner.hints import Hints
from autograder.model.report import Exercise, Report
from autograder.render import view
from autograder.render.drawing import draw


def card(exercise: Exercise, level: int = 0, live: bool = False) -> str:
    """One exercise as a card.

    In a notebook's output it includes its style. On a page, which has the style, its name is a
    heading of the given level. A live card mentions `hint`.
    """
    own = style("card.css")
    return render(
        "card.html", exercise=exercise, level=level, live=live, view=view, draw=draw, style=own
    )


def notice(report: Report) -> str:
    """Why there is no verdict: an unreadable submission, or our own fault."""
    return render("notice.html", report=report, view=view, style=style("card.css"))


def style(*names: str) -> Markup:
    """Our own style sheets."""
    return Markup("\n".join(template(name).render() for name in names))


def render(name: str, **values: Any) -> str:
    """A filled template. Everything that is not Markup is escaped."""
    return template(name).render(**values)


def hints(given: Hints, tier: int) -> str:
    """The given hints of an exercise as a card: the newest in full, the earlier ones folded."""
    return render("hints.html", given=given, tier=tier, view=view, style=style("card.css"))


@cache
def template(name: str) -> Template:
    """A template of this folder. HTML templates escape everything."""
    return environment().get_template(name)


def environment(**options: Any) -> Environment:
    """The environment of all templates: HTML is escaped, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader("autograder.render", "templates"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
