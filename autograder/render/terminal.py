"""A Report as lines of text."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from textwrap import wrap

from autograder.learner.hints import Hints
from autograder.learner.watch import Update, turned
from autograder.model.report import Exercise, Report
from autograder.render.view import (
    SHOWN,
    STATUS,
    Failure,
    advice,
    failures,
    misconceptions,
    passed,
    plain,
    points,
    score,
    waiting,
)

_WIDTH = 80
_LATEST, _FEWEST = 32, 10  # submissions to measure the pace with: they come in batches
ADVICE = {  # text in the reason of a failure -> how to get the better tier
    "uid map": "Ubuntu 24.04 and later: allow bubblewrap its user namespace with an AppArmor "
    "profile for "
    "/usr/bin/bwrap that has `userns,`, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "No permissions to creat": "user namespaces are switched off: sysctl "
    "kernel.unprivileged_userns_clone=1 and "
    "user.max_user_namespaces above 0; in a container: allow them (Docker: --security-opt "
    "seccomp=unconfined)",
    "Operation not permitted": "a container around this one forbids it; Docker: --security-opt "
    "seccomp=unconfined "
    "--security-opt apparmor=unconfined",
}


def render(report: Report) -> str:
    """The whole report for a terminal."""
    lines = [line for exercise in report.exercises for line in _exercise(exercise)]
    if report.status != "graded":
        shown = [*lines, "─" * 60] if lines and report.status == "grader_error" else []
        return "\n".join([*shown, *_without_verdict(report)])
    return "\n".join([*lines, "─" * 60, f"{report.topic}   {_total(report)}"])


def _without_verdict(report: Report) -> list[str]:
    reasons = [f"    {plain(line)}" for line in (report.reason or "").splitlines()]
    return [f"✗ {report.topic}: {report.status.replace('_', ' ')}", *reasons]


def update(update: Update, clock: str) -> str:
    """The result of a save: at first the whole report, then the checks that turned."""
    if update.report is None or (update.trouble is not None and not update.ran):
        return f"{clock}  ✗ {plain(update.trouble)}"
    if not update.ran:
        return f"{clock}  saved: no answer has changed"
    if all(before is None for before, _ in update.ran):
        return render(update.report)
    lines = [f"{clock}  checked again: {', '.join(now.id for _, now in update.ran)}"]
    for before, now in update.ran:
        head, *facts = _exercise(now, SHOWN)
        lines += (
            [head, *_turned(before, now), *facts]
            if before is None or before.checks != now.checks
            else [head]
        )
    if update.report.status != "graded":
        return "\n".join([*lines, *_without_verdict(update.report)])
    return "\n".join([*lines, f"{update.report.topic}   {_total(update.report)}"])


def _turned(before: Exercise | None, now: Exercise) -> Iterator[str]:
    for news, checks in zip(("right", "wrong"), turned(before, now)):
        titles = list(dict.fromkeys(plain(check.title) for check in checks))
        yield from (f"  now {news}: {title}" for title in titles[:SHOWN])
        if titles[SHOWN:]:
            yield f"  now {news}: {len(titles) - SHOWN} more"


def hints(given: Hints, tier: int) -> str:
    """The given hints of an exercise, the newest last."""
    if not given.texts:
        return f"✓ {given.exercise}: all checks pass, so no hint is needed"
    shown = given.texts[:tier]
    lines = []
    for number, text in enumerate(shown, 1):
        head = f"{number}. "
        lines += wrap(plain(text), _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return "\n".join([f"{given.exercise}   hint {len(shown)} of {len(given.texts)}", *lines])


def line(report: Report) -> str:
    """One line of a class list: student, score or state, and remarks."""
    student = plain(report.student) or "?"
    if report.status != "graded":
        return f"✗ {student:<24} {report.status.replace('_', ' '):<14} {plain(report.reason)}"
    odd = [
        f"{e.id} {STATUS[e.status]}" for e in report.exercises if e.status in ("timeout", "crashed")
    ]
    total = f"{points(report.score or 0)} / {points(report.max_score)}"
    return f"✓ {student:<24} {total:<14} {'; '.join(odd)}".rstrip()


class Progress:
    """The lines of a class list as they come, with the progress and a summary."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.monotonic()
        self._latest = deque[float](maxlen=_LATEST)  # times of the latest reports
        self._counts: Counter[str] = Counter()
        self._human: list[str] = []

    def line(self, report: Report) -> str:
        """A report's line, with the number done and the time left."""
        self._done += 1
        self._counts[report.status] += 1
        odd = [
            f"{e.id} {STATUS[e.status]}"
            for e in report.exercises
            if e.status in ("timeout", "crashed")
        ]
        if report.status != "graded" or odd:
            self._human.append(line(report))
        self._latest.append(time.monotonic())
        width = len(str(self._total))
        return f"[{self._done:>{width}}/{self._total}  {self._pace():<20}]  {line(report)}"

    def _pace(self) -> str:
        """The rate of the latest reports, and the time left at this rate.

        The start takes seconds and cached reports take none, so only the latest count.
        """
        if len(self._latest) < _FEWEST:
            return ""
        seconds = max((self._latest[-1] - self._latest[0]) / (len(self._latest) - 1), 0.002)
        return f"{1 / seconds:5.1f}/s  {(self._total - self._done) * seconds:4.0f} s left"

    def summary(self) -> str:
        """The totals, and the submissions that need a human."""
        seconds = time.monotonic() - self._started
        counts = ", ".join(
            f"{n} {status.replace('_', ' ')}" for status, n in sorted(self._counts.items())
        )
        lines = [f"{self._done} submissions in {seconds:.1f} s: {counts}"]
        if self._human:
            lines += ["to be looked at by a human:", *(f"  {text}" for text in self._human)]
        if self._counts["grader_error"]:
            lines.append(
                "grader errors are our fault and changed no grade: run the same command again"
            )
        return "\n".join(lines)


def jail(tier: str, meaning: str, passed_over: Mapping[str, str]) -> str:
    """The output of `autograder jail`."""
    lines = [f"tier {tier}: {meaning}"]
    for better, reason in passed_over.items():
        lines.append(f"tier {better} is not available: {reason}")
        if advice := next((text for sign, text in ADVICE.items() if sign in reason), None):
            lines.append(f"    {advice}")
    return "\n".join(lines)


def _total(report: Report) -> str:
    return f"{points(report.score or 0)} / {points(report.max_score)} points"


def _exercise(exercise: Exercise, most: int | None = None) -> Iterator[str]:
    """The lines of one exercise: its score first, then its failures, `most` at the most."""
    sign = "✓" if exercise.status == "passed" else "✗"
    note = (
        ""
        if exercise.status in ("passed", "partial", "failed")
        else f"   {STATUS[exercise.status]}"
    )
    yield f"{sign} {exercise.id:<24} {score(exercise)}{note}"
    for misconception in misconceptions(exercise):
        yield f"    {misconception.start} {misconception.title}. {misconception.hint}"
    failed = failures(exercise)
    for failure in failed[:most]:
        yield from _failure(failure, with_titles=exercise.status != "not_attempted")
    if most is not None and failed[most:]:
        yield f"  ✗ {len(failed) - most} more failures"
    if advice(exercise):
        yield f"    Next: {advice(exercise)}"
    held = len(waiting(exercise))
    if held:
        verb = ("check holds, and counts", "checks hold, and count")[held > 1]
        yield f"  … {held} {verb} once the values are right"
    good = len(passed(exercise))
    if good and exercise.status != "passed":
        yield f"  ✓ {good} other check{'s' if good > 1 else ''} pass{'' if good > 1 else 'es'}"


def _failure(failure: Failure, with_titles: bool) -> Iterator[str]:
    if with_titles:
        yield from (f"  ✗ {title}" for title in failure.titles)
    yield from (f"      {line}" for line in [failure.call, *failure.lines] if line)
    if failure.hint:
        yield f"      {failure.hint}"


def row(name: str, report: Report) -> str:
    """One tried file in one line: its points, and the exercises that lost some."""
    if report.status != "graded":
        reason = plain((report.reason or "").partition("\n")[0])
        return f"✗ {report.status.replace('_', ' '):>13}   {plain(name)}: {reason}"
    lost = [e for e in report.exercises if e.score < e.max_score]
    told = ", ".join(f"{e.id} {points(e.score)} of {points(e.max_score)}{_called(e)}" for e in lost)
    sign, total = "✗" if lost else "✓", f"{points(report.score or 0)} / {points(report.max_score)}"
    return f"{sign} {total:>13}   {plain(name)}{': ' if lost else ''}{told}"


def _called(exercise: Exercise) -> str:
    named = misconceptions(exercise)
    return f" ({named[0].title})" if named else ""
