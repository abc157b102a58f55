"""A Report as lines of text."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from autograder.report.view import STATUS, advice, failures, passed, plain, points, score, slips
from autograder.results import Exercise, Report

ADVICE = {  # what the reason of a failure tells -> how to get the better tier
    "uid map": "Ubuntu 24.04 and later: allow bubblewrap its user namespace with an AppArmor profile for "
    "/usr/bin/bwrap that has `userns,`, or: sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    "No permissions to creat": "user namespaces are switched off: sysctl kernel.unprivileged_userns_clone=1 and "
    "user.max_user_namespaces above 0; in a container: allow them (Docker: --security-opt seccomp=unconfined)",
    "Operation not permitted": "a container around this one forbids it; Docker: --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined",
}


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


class Progress:
    """The lines of a class list as they come, with how far it is, and who needs a human at the end."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._started = total, 0, time.monotonic()
        self._counts: Counter[str] = Counter()
        self._human: list[str] = []

    def line(self, report: Report) -> str:
        """A report's line, behind how many are done and how long the rest will take."""
        self._done += 1
        self._counts[report.status] += 1
        odd = [f"{e.id} {STATUS[e.status]}" for e in report.exercises if e.status in ("timeout", "crashed")]
        if report.status != "graded" or odd:
            self._human.append(line(report))
        rate = self._done / max(time.monotonic() - self._started, 1e-3)
        left = (self._total - self._done) / rate
        width = len(str(self._total))
        return f"[{self._done:>{width}}/{self._total}  {rate:5.1f}/s  {left:4.0f} s left]  {line(report)}"

    def summary(self) -> str:
        """How it went, and the submissions that somebody should look at."""
        seconds = time.monotonic() - self._started
        counts = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in sorted(self._counts.items()))
        lines = [f"{self._done} submissions in {seconds:.1f} s: {counts}"]
        if self._human:
            lines += ["to be looked at by a human:", *(f"  {text}" for text in self._human)]
        if self._counts["grader_error"]:
            lines.append("grader errors are our fault and changed no grade: run the same command again")
        return "\n".join(lines)


def jail(tier: str, meaning: str, passed_over: Mapping[str, str]) -> str:
    """What `autograder jail` prints."""
    lines = [f"tier {tier}: {meaning}"]
    for better, reason in passed_over.items():
        lines.append(f"tier {better} is not available: {reason}")
        if advice := next((text for sign, text in ADVICE.items() if sign in reason), None):
            lines.append(f"    {advice}")
    return "\n".join(lines)


def _exercise(exercise: Exercise) -> Iterator[str]:
    sign = "✓" if exercise.status == "passed" else "✗"
    note = "" if exercise.status in ("passed", "partial", "failed") else f"   {STATUS[exercise.status]}"
    yield f"{sign} {exercise.id:<24} {score(exercise)}{note}"
    for slip in slips(exercise):
        yield f"    {slip.start} {slip.title}. {slip.hint}"
    for failure in failures(exercise):
        if exercise.status != "not_attempted":
            for title in failure.titles:
                yield f"  ✗ {title}"
        yield from (f"      {line}" for line in [failure.call, *failure.lines] if line)
        if failure.hint:
            yield f"      {failure.hint}"
    if advice(exercise):
        yield f"    Next: {advice(exercise)}"
    good = len(passed(exercise))
    if good and exercise.status != "passed":
        yield f"  ✓ {good} other check{'s' if good > 1 else ''} pass{'' if good > 1 else 'es'}"
