"""A Report as lines of text."""

from collections.abc import Iterator

from autograder.report.view import STATUS, failures, passed, plain, points, score, slips
from autograder.results import Exercise, Report


def render(report: Report) -> str:
    """The whole report for a terminal."""
    if report.status != "graded":
        return f"✗ {report.topic}: {report.status.replace('_', ' ')}\n    {plain(report.reason)}"
    lines = [line for exercise in report.exercises for line in _exercise(exercise)]
    total = f"{report.topic}   {points(report.score or 0)} / {points(report.max_score)} points"
    return "\n".join([*lines, "─" * 60, total])


def line(report: Report) -> str:
    """One line of a class list: student, score or state, and what the reader should know."""
    student = plain(report.student) or "?"
    if report.status != "graded":
        return f"✗ {student:<24} {report.status.replace('_', ' '):<14} {plain(report.reason)}"
    odd = [f"{e.id} {STATUS[e.status]}" for e in report.exercises if e.status in ("timeout", "crashed")]
    total = f"{points(report.score or 0)} / {points(report.max_score)}"
    return f"✓ {student:<24} {total:<14} {'; '.join(odd)}".rstrip()


def _exercise(exercise: Exercise) -> Iterator[str]:
    sign = "✓" if exercise.status == "passed" else "✗"
    note = "" if exercise.status in ("passed", "partial", "failed") else f"   {STATUS[exercise.status]}"
    yield f"{sign} {exercise.id:<24} {score(exercise)}{note}"
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
