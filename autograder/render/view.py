"""What a reader sees of an exercise in any format: misconceptions first, then failures."""

from dataclasses import dataclass, replace

from autograder.model import cause as causes
from autograder.model.harmless import on_one_line
from autograder.model.picture import Picture
from autograder.model.report import Check, Exercise

STATUS = {
    "passed": "all checks pass",
    "partial": "some checks fail",
    "failed": "the checks fail",
    "not_attempted": "not attempted",
    "timeout": "stopped: out of time",
    "crashed": "stopped: the process ended",
}


# where to look if neither a misconception nor the check says so, by the kind of the first failure
NEXT = {
    "timeout": "Run the call in a cell of your own, with the smallest input you can think of. "
    "Which loop does not end?",
    "crashed": "Run the call in a cell of your own. What does it do instead of returning?",
    "shape": "Print the shape of each array on the way to the result, and compare with the "
    "shapes in the docstring.",
    "value": "Choose an input that is small enough to work out by hand. Print each step and "
    "compare with your own numbers.",
    "gradient": "Measure one slope: change a single entry by 1e-5 and see by how much the output "
    "changes.",
    "convergence": "Print the loss every few steps. Does it fall, stay the same or jump?",
    "robustness": "Call the function with such an input in a cell of your own, and print each "
    "step.",
    "speed": "Which loop visits single entries that one array operation could handle at once?",
}
SHOWN = 3  # failures that a card shows unfolded


@dataclass(frozen=True)
class Misconception:
    """A likely misconception, named once for all checks it fails.

    `function` is set if the exercise has another name.
    """

    title: str
    hint: str
    function: str = ""

    @property
    def start(self) -> str:
        return f"Looks like, in {self.function}:" if self.function else "Looks like:"


@dataclass(frozen=True)
class Failure:
    """Failed checks with one sentence or one cause. `call`, `lines`, `picture` are the first one's."""

    titles: list[str]
    cases: int
    call: str
    lines: list[str]
    hint: str | None
    picture: Picture | None = None


def misconceptions(exercise: Exercise) -> list[Misconception]:
    """The distinct misconceptions that the checks of an exercise name."""
    named: dict[str, Misconception] = {}
    for check in exercise.checks:
        if check.misconception:
            function = str(check.call["function"]) if check.call else ""
            elsewhere = function.isidentifier() and function != exercise.id
            misconception = Misconception(
                plain(check.misconception), plain(check.hint), function if elsewhere else ""
            )
            named.setdefault(check.misconception, misconception)
    return list(named.values())


def failures(exercise: Exercise) -> list[Failure]:
    """The failed checks, those with the same sentence or cause merged."""
    groups: dict[object, list[Check]] = {}
    for check in exercise.failed:
        call, lines = _split(check)
        groups.setdefault(check.title if call else tuple(lines), []).append(check)
    merged: list[list[Check]] = []
    for group in groups.values():  # one cause, such as a stub or a timeout, is shown once
        twin = next(
            (g for g in merged if _split(g[0])[1] == _split(group[0])[1] and _general(group[0])),
            None,
        )
        if twin:
            twin += group
        else:
            merged.append(list(group))
    return _each_curve_once([_failure(group) for group in merged])


def passed(exercise: Exercise) -> list[str]:
    """The titles of passed checks, each once."""
    return list(dict.fromkeys(c.title for c in exercise.checks if c.passed))


def waiting(exercise: Exercise) -> list[str]:
    """The titles of checks that hold and do not count yet, each once."""
    return list(dict.fromkeys(c.title for c in exercise.checks if c.waits))


def advice(exercise: Exercise) -> str:
    """Where to look next, if nothing else on the card says so."""
    failed = exercise.failed
    if not failed or exercise.status == "not_attempted" or any(c.hint for c in failed):
        return ""
    misshapen = (failed[0].picture or {}).get("type") == "shapes"
    return NEXT.get(exercise.status) or NEXT["shape" if misshapen else failed[0].kind]


def score(exercise: Exercise) -> str:
    """`1.33 / 2 points`, or `+1.5 bonus points`."""
    if exercise.max_score == 0:
        return f"+{points(exercise.score)} bonus points"
    return f"{points(exercise.score)} / {points(exercise.max_score)} points"


def points(value: float) -> str:
    """`1.33` or `2`: at most two decimals, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def plain(text: str | None) -> str:
    """Text on one line without control characters: a student's text must not move the cursor."""
    return on_one_line(text or "")


def _failure(group: list[Check]) -> Failure:
    call, lines = _split(group[0])
    titles = list(dict.fromkeys(plain(c.title) for c in group))
    hint = None if group[0].misconception else plain(group[0].hint)
    alone = len(titles) == 1 and not _general(group[0])
    return Failure(titles, len(group), call if alone else "", lines, hint, group[0].picture)


def _each_curve_once(found: list[Failure]) -> list[Failure]:
    """Keep only the first curve: all curves of an exercise show the same training."""
    curves = [f for f in found if f.picture and f.picture["type"] == "curve"]
    return [replace(f, picture=None) if f in curves[1:] else f for f in found]


def _split(check: Check) -> tuple[str, list[str]]:
    call, found = check.said
    return plain(call), [plain(line) for line in found.split("\n") if line]


def _general(check: Check) -> bool:
    """Whether a message is about the function as a whole, not about one value."""
    kind = causes.kind(check.cause)
    nowhere = check.cause is not None and kind == "missing" and check.cause["found"] is None
    return nowhere or kind in ("stub", "needs_stub", "cell", "timeout")
