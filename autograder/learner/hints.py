"""Hints for a learner who is stuck: one more each time, each says more, none tells the code.

1. what the first failing check says, and on which kind of input to look;
2. the likely misconception and its question, or a check that passes and so narrows it down;
3. where it is derived, and the smallest example to work by hand.

All is drawn from what the card of the exercise shows already: no hint tells a number that the card
does not.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.learner.advice import Advice, advice, by_hand
from autograder.learner.exercise_text import ExerciseText
from autograder.model import cause as causes
from autograder.model.report import Check, Exercise

Misconceptions = Mapping[
    str, Iterable[str]
]  # id of a check -> names of the misconceptions that it catches


@dataclass(frozen=True)
class Hints:
    """The hints for one exercise, in their order. There are none where nothing fails."""

    exercise: str
    texts: tuple[str, ...]


def hints(exercise: Exercise, misconceptions: Misconceptions, where: ExerciseText | None) -> Hints:
    """All hints for the first check of an exercise that fails."""
    failing = next(iter(exercise.failed), None)
    if failing is None:
        return Hints(exercise.id, ())
    if exercise.status == "not_attempted" or _is_stub(failing):
        return Hints(exercise.id, (_begin(failing), _plan(where), _place(exercise, failing, where)))
    texts = (
        _first(exercise, failing),
        _second(exercise, failing, misconceptions),
        _place(exercise, failing, where),
    )
    return Hints(exercise.id, texts)


def _first(exercise: Exercise, failing: Check) -> str:
    """What the check says, on which kind of input, and where to look for it."""
    kind = ""
    if failing.kind == "shape":
        kind = "It looks only at the shape of the result, not at its numbers."
    if _is_edge(exercise, failing):
        kind = (
            "All checks with ordinary inputs pass, so the formula is right. Only special inputs "
            "fail."
        )
    known = _advice(exercise, failing)
    own = (
        f"It found this: {_found(failing)}. What did it expect, and why? Say it in your own words."
    )
    return _sentences(
        f"The first check that fails: “{failing.title}”", kind, known.look if known else own
    )


def _advice(exercise: Exercise, failing: Check) -> Advice | None:
    return advice(failing.kind, failing.call, failing.cause, _is_edge(exercise, failing))


def _is_edge(exercise: Exercise, failing: Check) -> bool:
    ordinary = [c for c in exercise.checks if c.kind == "value"]
    return failing.kind == "robustness" and bool(ordinary) and all(c.passed for c in ordinary)


def _second(exercise: Exercise, failing: Check, misconceptions: Misconceptions) -> str:
    """The likely misconception, or what a check that passes rules out."""
    misconception = next((c for c in (failing, *exercise.checks) if c.misconception), None)
    if misconception is not None:
        question = "Answer this on paper before you change your code."
        return _sentences(
            f"Looks like: {misconception.misconception}", misconception.hint or "", question
        )
    return _sentences(failing.hint or "", _narrowed(exercise, failing, misconceptions))


def _narrowed(exercise: Exercise, failing: Check, misconceptions: Misconceptions) -> str:
    """What the check that passes and shares the most misconceptions with the failing one rules out."""
    caught = set(misconceptions.get(failing.id, ()))
    passing = [
        (len(caught & set(misconceptions.get(check.id, ()))), check.kind == "value", i)
        for i, check in enumerate(exercise.checks)
        if check.passed
    ]
    shared, _, best = max(passing, default=(0, False, 0))
    if shared:
        return _sentences(_beside(failing, exercise.checks[best]), _ruled_out(shared, len(caught)))
    if _is_edge(exercise, failing):
        return (
            "All checks with ordinary inputs pass, so little has to change. Go through your lines "
            "one by one: which line assumes something that is not true for this check's input?"
        )
    return (
        "The checks that pass rule out little, so start at the beginning. Take the simplest input "
        "whose answer you know, and follow it through your code. Is the first line right? Only "
        "then look at the second."
    )


def _beside(failing: Check, sound: Check) -> str:
    """Two checks of which one passes: the misconception is in what sets them apart."""
    if failing.title != sound.title:
        return (
            f"This check passes: “{sound.title}”. Compare it with the check that fails. What does "
            "the failing check require of your code that the passing check does not?"
        )
    good, bad = (re.findall(r"\[([^\d\W][\w -]*)\]$", c.id) for c in (sound, failing))
    cases = f" (it passes for “{good[0]}” and fails for “{bad[0]}”)" if good and bad else ""
    return (
        f"The same check passes with another input{cases}. What is different about the input that "
        "fails?"
    )


def _ruled_out(shared: int, caught: int) -> str:
    if 2 * shared <= caught:
        return ""
    return "Most misconceptions would fail both checks, so they are ruled out."


def _place(exercise: Exercise, failing: Check, where: ExerciseText | None) -> str:
    """Where it is derived, and the call of the failing check made as small as it goes."""
    call, _ = failing.said
    named = f"the check's call, {call}," if call else "a call like the check's,"
    if _is_stub(failing):
        task = (
            "work it out on paper, one line for each step of the formula. These lines are your "
            "program"
        )
        small = f"Take {named} with numbers like 0, 1 and 2, and {task}"
    else:
        small = f"Take {named} {by_hand(_advice(exercise, failing), failing.call)}"
    return _sentences(_reading(exercise.id, where), small)


def _reading(exercise: str, where: ExerciseText | None) -> str:
    if where is None:
        return f"Read the text above the answer cell of {exercise} again"
    worked = next((name for name in where.paragraphs if name.startswith("By hand")), None)
    start = worked or ("Contract" if "Contract" in where.paragraphs else None)
    asks = ", and answer the questions at its end" if where.asks else ""
    shown = ". The cell below your answer shows an example" if where.example else ""
    return f"Read “{where.heading}” again{f', starting at “{start}”' if start else ''}{asks}{shown}"


def _begin(failing: Check) -> str:
    """The first hint where nothing is written yet."""
    if causes.kind(failing.cause) == "missing":
        return _sentences(
            f"The check cannot find the function: {_found(failing)}",
            "Did you run its cell since the kernel was started? Does the function still have its "
            "original name?",
        )
    return _sentences(
        f"Nothing is wrong so far: {_found(failing)}",
        "Start with the inputs and the outputs: the first line of the docstring gives both, with "
        "their shapes.",
        f"The first check to pass: “{failing.title}”",
    )


def _plan(where: ExerciseText | None) -> str:
    worked = bool(where and any(name.startswith("By hand") for name in where.paragraphs))
    return _sentences(
        "Do it once on paper, with numbers, before you write code. Describe each step in a few "
        "words.",
        "The text works out such an example under “By hand”." if worked else "",
        "Each step becomes a line of code. Write the first line, return its result, run the cell, "
        "and look at the result before you go on.",
    )


def _is_stub(check: Check) -> bool:
    return causes.kind(check.cause) in ("stub", "missing")


def _found(check: Check) -> str:
    """What a failed check found, on one line."""
    _, found = check.said
    return " ".join(found.split("\n")).rstrip(".")


def _sentences(*parts: str) -> str:
    """Join sentences, each with its stop."""
    return " ".join(
        part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part
    )
