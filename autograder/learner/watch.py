"""`autograder check --watch`: check again whenever the notebook is saved, and tell what that
changed.

The loop takes a feed of saves and a way to grade, and knows neither files nor clocks.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.learner import depends
from autograder.model import notebook
from autograder.model.notebook import Notebook, Unreadable
from autograder.model.report import Check, Exercise, Report
from autograder.model.topic import Topic

_PATIENCE = (
    8  # looks at a file that cannot be read, before one says so: an editor may be half-way through
)
Signature = tuple[
    int, int, int
]  # of a file: when it was written, its size, and which one it is: editors replace files


@dataclass(frozen=True)
class Update:
    """What a save came to. `ran` holds the exercises that were checked again, as they were and as
    they are.
    """

    report: Report | None  # of all exercises, as far as is known by now
    ran: tuple[tuple[Exercise | None, Exercise], ...] = ()
    trouble: str | None = None  # why there is no verdict on this save


def watch(
    feed: Iterable[Notebook | Unreadable],
    topic: Topic,
    grade: Callable[[Notebook, list[str]], Report],
    exercises: Iterable[str] | None = None,
) -> Iterator[Update]:
    """For each save grade the exercises whose code has changed since they were last graded."""
    wanted = [e.id for e in topic.exercises if exercises is None or e.id in set(exercises)]
    seen: dict[str, str] = {}
    whole: Report | None = None
    for saved in feed:
        if isinstance(saved, Unreadable):
            yield Update(whole, trouble=str(saved))
            continue
        code = depends.digests(notebook.submission(saved, topic), topic)
        changed = [name for name in wanted if code[name] != seen.get(name)]
        if not changed:
            yield Update(whole)
            continue
        report = grade(saved, changed)
        if report.status == "unreadable" or not report.exercises:
            yield Update(whole, trouble=report.reason)
            continue
        seen |= {
            e.id: code[e.id] for e in report.exercises
        }  # what could not be checked is tried again
        before = {e.id: e for e in whole.exercises} if whole else {}
        whole = _merged(whole, report, topic)
        ran = tuple((before.get(e.id), e) for e in report.exercises)
        yield Update(whole, ran, report.reason)


def turned(before: Exercise | None, now: Exercise) -> tuple[list[Check], list[Check]]:
    """The checks that have become right, and those that have become wrong."""
    was = {check.id: _holds(check) for check in before.checks} if before else {}
    changed = [check for check in now.checks if was.get(check.id, _holds(check)) != _holds(check)]
    return [c for c in changed if _holds(c)], [c for c in changed if not _holds(c)]


def _holds(check: Check) -> bool:
    return check.passed or check.waits


def saves(path: Path, wait: Callable[[], None]) -> Iterator[Notebook | Unreadable]:
    """The notebook now, and again each time that its file has changed. `wait` passes the time
    between two looks.
    """
    last: Signature | None = (0, 0, 0)
    failed = 0
    while True:
        signature = _signature(path)
        if signature != last or 0 < failed < _PATIENCE:
            failed = failed + 1 if signature == last else 1
            try:
                saved = notebook.read(path)
            except Unreadable as error:
                if failed == _PATIENCE:
                    yield error
            else:
                failed = 0
                if (
                    _signature(path) == signature
                ):  # else it was written anew meanwhile, and is read again
                    yield saved
                else:
                    signature = None
        last = signature
        wait()


def _signature(path: Path) -> Signature | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _merged(whole: Report | None, report: Report, topic: Topic) -> Report:
    """All that is known: the new verdicts in place of the old, in the topic's order."""
    known = {e.id: e for e in [*(whole.exercises if whole else []), *report.exercises]}
    exercises = [known[spec.id] for spec in topic.exercises if spec.id in known]
    score = sum(e.score for e in exercises) if report.status == "graded" else None
    most = max(sum(e.max_score for e in exercises), report.max_score)
    return replace(report, exercises=exercises, score=score, max_score=most)
