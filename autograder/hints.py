"""Hints for whoever is stuck: one more each time, each pointing further, none spelling the code.

1. what the first failing check says, and on which kind of input to look;
2. the likely slip and its question, or a check that passes and so narrows it down;
3. where it is derived, and the smallest example to work by hand.

All is drawn from what the card of the exercise shows already: no hint tells a number that the card does not.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.results import Check, Exercise
from autograder.signpost import Signpost

Mistakes = Mapping[str, Iterable[str]]  # id of a check -> names of the known mistakes that it catches

# What a failing check found, by the words of autograder/compare.py, calling.py and jailed.py -> where to look.
_FINDINGS = [
    (
        r"is not there, because",
        "The function is in your notebook, but the cell that defines it stops before its end. Run that cell by itself "
        "and read the error below it: nothing else can be judged until it runs.",
    ),
    (
        r"needs \w+, which is not written yet",
        "Your code is not at fault here: it calls a function that is still a stub. Write that one first.",
    ),
    (
        r" raised (NameError|UnboundLocalError)",
        "Python met a name that it does not know at that point. Is it spelt alike everywhere, is it set on every "
        "path that leads there, and does it stand in a cell that counts as your answer?",
    ),
    (
        r" raised (IndexError|KeyError)",
        "An index points outside of what it indexes. Which one, at the first step of the loop or at the last? "
        "Write down the length, and the smallest and the largest index that you use.",
    ),
    (
        r" raised (ValueError|TypeError|AxisError|LinAlgError)",
        "The call ended in an error before there was a result. Go to the line that it names and write beside each "
        "array there its shape and what each axis counts. Which two do not fit together?",
    ),
    (
        r" raised RecursionError",
        "A function calls itself without end. Which call should have been the last, and how does it know?",
    ),
    (
        r" raised ",
        "The call ended in an error before there was a result. Make the same kind of call in a cell of your own: "
        "the error there shows each line on its way.",
    ),
    (
        r"is None; is a return missing",
        "The call gives nothing back. Follow it to its last line, on every branch: where does the result leave?",
    ),
    (
        r"changed during the call",
        "The numbers may be right, but the call leaves something altered that the caller still needs. Which lines "
        "write into an array that you were given, instead of making a new one?",
    ),
    (
        r"has shape .*, expected",
        "Leave the numbers for later: the shape is off. Write behind each line the shape that you mean it to have, "
        "print the shape that it has, and find the first line where the two part.",
    ),
    (
        r"expected a finite number",
        "Somewhere on the way a number became inf or nan: exp of something large, log of 0, or a division by 0. "
        "Print each intermediate for this kind of input. In which line does the first such number appear, and what "
        "went into that line?",
    ),
    (
        r"stopped: the exercise used up",
        "It was stopped because it took too long. If a loop never ends: what has to become true for it to end, and "
        "does each step bring that closer? If it only takes long: which loop visits every single number?",
    ),
    (
        r"ended its process",
        "The call ended the whole process. Is there an exit, or an array so large that no memory holds it?",
    ),
    (
        r"expected (an array of real numbers|one number|\d+ values)|a nested list whose rows differ|returned ",
        "What comes back is of another kind than asked for. Read the first line of the docstring: after the arrow "
        "stands what goes out. Print your result, and its type, beside it.",
    ),
    (
        r"expected at (least|most)",
        "Nothing breaks, but it does not get far enough. Watch the quantity itself over the first steps: does it "
        "move in the right direction at all, and if so, what stops it?",
    ),
]

_KINDS = {
    "shape": "It looks at the form of the result only, at no number in it.",
    "gradient": "It looks at a gradient. You have a judge for that: move one entry of an input by a millionth, see by "
    "how much the output moves, and compare with the entry that you return.",
    "convergence": "It looks at a whole training run. If the checks of the parts pass, the loop is left: what is "
    "computed, from which parameters, and in which order?",
    "robustness": "It looks at an unusual input: an extreme one, another type or shape, or what happens to the "
    "arguments.",
    "speed": "It looks at the time that a call takes, and only that.",
}


@dataclass(frozen=True)
class Hints:
    """The hints for one exercise, in their order. There are none where nothing fails."""

    exercise: str
    texts: tuple[str, ...]


def hints(exercise: Exercise, mistakes: Mistakes, where: Signpost | None) -> Hints:
    """All hints for the first check of an exercise that fails."""
    failing = next((c for c in exercise.checks if not c.passed), None)
    if failing is None:
        return Hints(exercise.id, ())
    if exercise.status == "not_attempted" or _is_stub(failing):
        return Hints(exercise.id, (_begin(failing), _plan(where), _place(exercise.id, failing, where)))
    texts = (_first(exercise, failing), _second(exercise, failing, mistakes), _place(exercise.id, failing, where))
    return Hints(exercise.id, texts)


def _first(exercise: Exercise, failing: Check) -> str:
    """What the check says, which kind of input it uses, and what to look for there."""
    ordinary = [c for c in exercise.checks if c.kind == "value"]
    kind = _KINDS.get(failing.kind, "")
    if failing.kind == "robustness" and ordinary and all(c.passed for c in ordinary):
        kind = f"All checks of ordinary values pass, so the formula is right. {kind}"
    return _sentences(f"The first check that fails: “{failing.title}”", kind, _finding(_fact(failing)))


def _finding(fact: str) -> str:
    """Where a failure of this sort is looked for."""
    known = next((advice for pattern, advice in _FINDINGS if re.search(pattern, fact)), None)
    if known is not None:
        return known
    if counted := re.search(r"\((\d+) of (\d+) entries differ", fact):
        return _entries(int(counted[1]), int(counted[2]))
    if re.search(r" is \S+, expected \S+ \(relative error", fact):
        return "One number is off. Too large or too small, by a factor or by a difference? Each points to another line."
    return f"It found this: {fact}. Say in your own words what it wanted to find, and why it should be so."


def _entries(wrong: int, of: int) -> str:
    if wrong == of:
        return (
            "Every entry is off, so this is no special case but something that they all share: a sign, a factor, an "
            "axis, a missing term. Try an input of zeros, then one of zeros and a single 1: which of them is right?"
        )
    if 2 * wrong <= of:
        return (
            "Most entries are right, so the idea is right. What do the others have in common: are they zero, "
            "negative, very large, the first, the last, at an edge?"
        )
    return (
        "Some entries are right and others are not. Mark which: is it a row, a column, a sign, a size that tells them "
        "apart?"
    )


def _second(exercise: Exercise, failing: Check, mistakes: Mistakes) -> str:
    """The likely slip, or what a check that passes rules out."""
    slip = next((c for c in (failing, *exercise.checks) if c.misconception), None)
    if slip is not None:
        question = "Settle that on paper before you change a line."
        return _sentences(f"It looks like this: {slip.misconception}", slip.hint or "", question)
    caught = set(mistakes.get(failing.id, ()))
    passing = [(len(caught & set(mistakes.get(c.id, ()))), i) for i, c in enumerate(exercise.checks) if c.passed]
    if not passing:
        return (
            "No check passes yet, so nothing is ruled out. Forget the batch: take one sample with two numbers and "
            "follow it through your code, a line at a time. Is the first line right? Only then look at the second."
        )
    shared, best = max(passing)
    sound = exercise.checks[best]
    return _sentences(_beside(failing, sound), _ruled_out(shared, len(caught)))


def _beside(failing: Check, sound: Check) -> str:
    """Two checks of which one passes: the slip is in what sets them apart."""
    if failing.title != sound.title:
        return (
            f"This check passes: “{sound.title}”. Put it beside the one that fails. What does that one ask of your "
            "code that this one does not?"
        )
    good, bad = (re.findall(r"\[([^\d\W][\w -]*)\]$", c.id) for c in (sound, failing))
    cases = f" (it passes for “{good[0]}” and fails for “{bad[0]}”)" if good and bad else ""
    return f"The same check passes with another input{cases}. What is it about the input that makes the difference?"


def _ruled_out(shared: int, caught: int) -> str:
    if 2 * shared <= caught:
        return ""
    return "Most slips that fail the one fail the other too, so those are ruled out: yours is in the difference."


def _place(exercise: str, failing: Check, where: Signpost | None) -> str:
    """Where it is derived, and the call of the failing check made as small as it goes."""
    call, begun = _call(failing), not _is_stub(failing)
    small = (
        f"{'The check called' if begun else 'The first check will call'} {call}. Make the smallest call of that kind "
        f"{'that is still wrong' if begun else 'that is not trivial'}: one or two entries along each axis, one step of "
        "a loop, numbers like 0, 1 and 2. Work it out on paper by the formula, line by line"
    )
    compare = "; print the same lines of your code beside it. The first line that differs is the place."
    shown = "The cell below your answer does so for one example." if where and where.example else ""
    return _sentences(_reading(exercise, where), small + (compare if begun else "."), shown)


def _reading(exercise: str, where: Signpost | None) -> str:
    if where is None:
        return f"Read the text above the answer cell of {exercise} again"
    worked = next((name for name in where.paragraphs if name.startswith("By hand")), None)
    parts = [f"an example under “{worked}”"] if worked else []
    parts += ["what is asked for under “Contract”"] if "Contract" in where.paragraphs else []
    parts += ["the questions to ask yourself at its end"] if where.asks else []
    holds = f": it has {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}" if parts else ""
    return f"It is derived in the text “{where.heading}”{holds}"


def _begin(failing: Check) -> str:
    """The first hint where nothing is written yet."""
    fact = _fact(failing)
    if "there is no function" in fact or "not a function" in fact:
        return _sentences(
            f"The check looks for a function and does not find it: {fact}",
            "Has its cell been run since the kernel was started, and does the function still have the name that it "
            "came with?",
        )
    return _sentences(
        f"It is not written yet: {fact}",
        "Begin with what goes in and what comes out: the first line of the docstring says both, with their shapes.",
        f"The first thing to get right: “{failing.title}”",
    )


def _plan(where: Signpost | None) -> str:
    worked = bool(where and any(name.startswith("By hand") for name in where.paragraphs))
    return _sentences(
        "Do it once on paper, with numbers, before you write code; note each step in a few words.",
        "The text works out such an example under “By hand”." if worked else "",
        "Each step becomes a line. Write the first one, return it, run the cell, and look at it before you go on.",
    )


def _is_stub(check: Check) -> bool:
    return bool(re.search(r"^\S+ is not written yet|there is no function|, not a function", _fact(check)))


def _fact(check: Check) -> str:
    """What a failed check found, without the call before it."""
    lines = (check.message or "").split("\n")
    return " ".join(lines[1:] if len(lines) > 1 else lines).rstrip(".")


def _call(check: Check) -> str:
    lines = (check.message or "").split("\n")
    return lines[0] if len(lines) > 1 else "it"


def _sentences(*parts: str) -> str:
    """Join sentences, each with its stop."""
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)
