"""A learner's map as lines of text."""

import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from textwrap import wrap

from autograder.learner.overview import Overview, Part, Place
from autograder.render.view import STATUS, plain, points

SIGN = {"full": "✓", "partial": "◐", "none": "○"}
WORDS = {"full": "full marks", "partial": "in part", "none": "not attempted"}
_BAR, _WIDTH = 16, 80


def render(overview: Overview, now: datetime, here: Path) -> str:
    """The whole map for a terminal: a line for each exercise of a lesson that has been started."""
    lines = [line for part in overview.parts for line in (*_part(part, now), "")]
    total = f"{overview.full} of {overview.exercises} exercises in full, "
    total += f"{_of(overview.score, overview.max_score)} points"
    return "\n".join([*lines, total, *_next(overview, here)])


def when(moment: datetime, now: datetime) -> str:
    """`today 17:03`, `yesterday 9:30`, `21 Nov 2026`, in the reader's time zone."""
    local, today = moment.astimezone(), now.astimezone().date()
    clock = f"{local.hour}:{local.minute:02}"
    days = (today - local.date()).days
    return {0: f"today {clock}", 1: f"yesterday {clock}"}.get(days, date(moment).rpartition(" ")[0])


def date(moment: datetime) -> str:
    """`21 Nov 2026 17:03`, for a page that is read later."""
    local = moment.astimezone()
    return f"{local.day} {local:%b %Y} {local.hour}:{local.minute:02}"


def remark(place: Place) -> str:
    """What the points do not say: the check was stopped, or an earlier result was better."""
    standing = place.standing
    if standing is None:
        return ""
    stopped = STATUS[standing.status] if standing.status in ("timeout", "crashed") else ""
    better = f"was {points(standing.best)}" if standing.best > standing.score else ""
    return ", ".join(filter(None, (stopped, better)))


def earned(place: Place) -> str:
    """`1.33 / 2`, or `+1.5` for a bonus."""
    if place.max_score == 0:
        return f"+{points(place.score)}"
    return f"{points(place.score) if place.state != 'none' else '–'} / {points(place.max_score)}"


def _part(part: Part, now: datetime) -> Iterator[str]:
    filled = int(_BAR * part.share)  # full only if all is done
    bar = "█" * filled + "░" * (_BAR - filled)
    yield f"{bar} {_of(part.score, part.max_score):>12}   {plain(part.id)}   {plain(part.title)}".rstrip()
    if not part.begun:
        names = "  ".join(
            f"{SIGN['none']} {plain(place.id)}".replace(" ", "\xa0") for place in part.places
        )
        yield from (
            f"  {line}".replace("\xa0", " ")
            for line in wrap(names, _WIDTH - 2, break_on_hyphens=False)
        )
        return
    for place in part.places:
        last = when(place.standing.checked, now) if place.standing else ""
        line = f"  {SIGN[place.state]} {plain(place.id):<28} {earned(place):>11}   {last:<16} {remark(place)}"
        yield line.rstrip()


def _next(overview: Overview, here: Path) -> Iterator[str]:
    if overview.next is None:
        if overview.parts:
            yield "Everything is done."
        return
    part, place = overview.next
    yield f"Next: {plain(place.id)} in {plain(part.id)}"
    if part.notebook is not None:
        inside = part.notebook.is_relative_to(here)
        where = plain(
            shlex.quote(str(part.notebook.relative_to(here) if inside else part.notebook))
        )
        yield f"    jupyter lab {where}"
        if place.state == "partial":
            yield f"    autograder hint {where} {plain(place.id)}"


def _of(score: float, most: float) -> str:
    return f"{points(score)} / {points(most)}"
