"""No points for nothing: a check that holds counts only once the function gives right values.

A shape, a finite number, an argument left as it was: a function that computes nothing keeps these
promises. So does a table of the worked examples in the lesson. Such a check waits until a *core*
check of the same function passes: one that compares values with the reference's on inputs drawn
from the secret seed, or measures a training. In an exercise without a comparison, every check of
values on drawn inputs is core, unless the suite marks it as supporting.
"""

from collections.abc import Sequence
from dataclasses import replace

from autograder.grading.outcome import Outcome

MESSAGE = "this holds, and counts once the values are right"


def settled(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of one exercise, with each check that waits turned into a failed one."""
    core = _core(outcomes)
    return [_waits(o) if o.passed and not _counts(o, core) else o for o in outcomes]


def _core(outcomes: Sequence[Outcome]) -> list[Outcome]:
    drawn = [o for o in outcomes if o.drawn]
    if not any(o.compared for o in drawn):
        return drawn
    return [o for o in drawn if o.compared or o.kind == "convergence"]


def _counts(outcome: Outcome, core: Sequence[Outcome]) -> bool:
    """Whether a core check of a function that this check called passes, or of any, if it has none."""
    same = [o for o in core if o.functions & outcome.functions] or core
    return outcome in core or not core or any(o.passed for o in same)


def _waits(outcome: Outcome) -> Outcome:
    return replace(outcome, passed=False, message=MESSAGE, cause={"kind": "waits"}, made=None)
