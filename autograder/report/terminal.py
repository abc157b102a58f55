"""A Report as lines of text."""

from collections.abc import Iterator

from autograder.report.view import STATUS, failures, passed, points, slips
from autograder.results import Exercise, Report


def render(report: Report) -> str:
    """The whole report for a terminal."""
    if report.status != "graded":
        return f"✗ {report.topic}: {report.status.replace('_', ' ')}\n    {report.reason}"
    lines = [line for exercise in report.exercises for line in _exercise(exercise)]
    total = f"{report.topic}   {points(report.score or 0)} / {points(report.max_score)} points"
    return "\n".join([*lines, "─" * 60, total])


def _exercise(exercise: Exercise) -> Iterator[str]:
    sign = "✓" if exercise.status == "passed" else "✗"
    score = f"{points(exercise.score)} / {points(exercise.max_score)} points"
    note = "" if exercise.status in ("passed", "partial", "failed") else f"   {STATUS[exercise.status]}"
    yield f"{sign} {exercise.id:<24} {score}{note}"
    for slip in slips(exercise):
        yield f"    Looks like: {slip.title}. {slip.hint}"
    for failure in failures(exercise):
        if exercise.status != "not_attempted":
            for title in failure.titles:
                yield f"  ✗ {title}"
        yield from (f"      {line}" for line in [failure.call, *failure.lines] if line)
        if failure.hint:
            yield f"      {failure.hint}"
    good = len(passed(exercise))
    if good and exercise.status != "passed":
        yield f"  ✓ {good} other check{'s' if good > 1 else ''} pass{'' if good > 1 else 'es'}"
