"""A Report in the form that Gradescope shows.

A student may submit again and again against the same secret inputs. So the page names the sentences
that are false and the likely misconception, but no values. Students see values at home, for other
inputs.
"""

from typing import Any

from autograder.model.report import Exercise, Report
from autograder.render import view

_MEANING = {
    "C": "Your code ran without isolation: whoever set this up asked for it (--unsafe-no-jail).",
    "B": "Your code ran isolated by kernel filters (tier B).",
    "A": "Your code ran isolated (tier A).",
}


def document(report: Report, tier: str) -> dict[str, Any]:
    """The contents of results.json: plain texts and finite numbers."""
    return {
        "score": round(report.score or 0.0, 4),
        "execution_time": round(report.seconds),
        "output": _output(report, tier),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(exercise) for exercise in report.exercises]
        if report.status == "graded"
        else [],
    }


def _output(report: Report, tier: str) -> str:
    if report.status == "grader_error":
        why = view.plain(report.reason)
        return f"NOT GRADED, and not your fault: {why}\nThe 0 is no verdict. Tell your instructor, and hand in again."
    if report.status == "unreadable":
        return f"Your notebook could not be read: {view.plain(report.reason)}"
    total = f"{view.points(report.score or 0)} of {view.points(report.max_score)} points."
    return f"{total} {_MEANING.get(tier, '')}\nFor the values that a check saw, run it in your notebook."


def _test(exercise: Exercise) -> dict[str, Any]:
    """One exercise. A bonus scores more than its maximum of 0."""
    return {
        "name": exercise.id,
        "score": round(exercise.score, 4),
        "max_score": exercise.max_score,
        "status": "passed" if exercise.status == "passed" else "failed",
        "output": "\n".join(_lines(exercise)),
        "output_format": "text",
        "visibility": "visible",
    }


def _lines(exercise: Exercise) -> list[str]:
    lines = [view.STATUS[exercise.status].capitalize() + "."]
    lines += [
        f"Looks like: {misconception.title}. {misconception.hint}"
        for misconception in view.misconceptions(exercise)
    ]
    if exercise.status != "not_attempted":
        failed = dict.fromkeys((view.plain(c.title), view.plain(c.hint)) for c in exercise.failed)
        hints = {misconception.hint for misconception in view.misconceptions(exercise)}
        for title, hint in failed:
            lines += [f"✗ {title}", *([f"    {hint}"] if hint and hint not in hints else [])]
    return lines
