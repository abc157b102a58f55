"""The feedback page: one HTML file without network or scripts, from a Report or a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from autograder.model.report import Exercise, Report
from autograder.render import cards, view

SIGN = {"good": "✓", "bad": "✗", "open": "…"}


@dataclass(frozen=True)
class Section:
    """A row of the table of contents. `kind` is good, bad or open."""

    anchor: str
    name: str
    kind: str
    state: str
    points: str


@dataclass(frozen=True)
class Page:
    """Everything that a page shows. Only Markup in `body` is taken for HTML."""

    title: str
    student: str | None
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    body: Sequence[str]


def render(page: Page) -> str:
    """The page as HTML."""
    style = cards.style("page.css", "card.css")
    return cards.render("page.html", page=page, SIGN=SIGN, style=style)


def of_report(report: Report) -> str:
    """A page of cards, from a Report without its notebook."""
    student = view.plain(report.student) or None
    facts = [("Student", student)] if student else []
    if report.status != "graded":
        return render(
            Page(view.plain(report.topic), student, facts, [], [Markup(cards.notice(report))])
        )
    facts.append(
        ("Score", f"{view.points(report.score or 0)} / {view.points(report.max_score)} points")
    )
    body = [card(exercise, anchor(i), 2) for i, exercise in enumerate(report.exercises)]
    sections = [section(exercise, anchor(i)) for i, exercise in enumerate(report.exercises)]
    return render(Page(view.plain(report.topic), student, facts, sections, body))


def anchor(i: int) -> str:
    return f"exercise-{i + 1}"


def section(exercise: Exercise, anchor: str) -> Section:
    """An exercise's row in the table of contents."""
    kind = (
        "good"
        if exercise.status == "passed"
        else "open"
        if exercise.status == "not_attempted"
        else "bad"
    )
    return Section(
        anchor, view.plain(exercise.id), kind, view.STATUS[exercise.status], view.score(exercise)
    )


def card(exercise: Exercise, anchor: str, level: int, note: str = "") -> Markup:
    """An exercise's card on a page, with the anchor that its link names."""
    return Markup(
        cards.render(
            "place.html", anchor=anchor, card=Markup(cards.card(exercise, level)), note=note
        )
    )
