"""The words of hints: for each cause of a failure, where to look, and what to work out by hand.

`by_hand` goes on from "Take the check's call, f(x (3, 2)), ".
"""

import math
from dataclasses import dataclass

from autograder.model import cause as causes
from autograder.model.cause import Call, Cause
from autograder.model.kind import Kind

_ON_PAPER = 12  # entries of an array that fit
_COUNTS = ("steps", "epochs", "max_epochs")  # names of an argument that says how long to train
_LINE_BY_LINE = (
    "Put the value of each line on paper first, then print the same lines of your code: the first "
    "that differs is the place."
)
_SMALL = (
    f"which fits on paper as it is; with numbers like 0, 1 and 2 if you may choose. {_LINE_BY_LINE}"
)
_LARGE = (
    "cut down as far as it stays wrong: one or two entries along each axis, numbers like 0, 1 and "
    f"2. {_LINE_BY_LINE}"
)
_SHAPES = (
    "with axes of lengths like 1, 2 and 3, no two alike. Put the shape of each line on paper "
    "first, then print it from your code: the first that differs is the place."
)
_ALONE = "and make it in a cell of your own. Then take lines away from your function until it runs through."


@dataclass(frozen=True)
class Advice:
    """Where to look if a check fails in this way, and how to find the place by hand, if there is a
    way of its own.
    """

    look: str
    by_hand: str | None = None


_NAME = Advice(
    "Python met a name that it does not know at that point. Is it spelt alike everywhere? Is it "
    "set on every path that leads there? Is it yours, or does it live in a cell for figures, which "
    "does not count?",
    _ALONE,
)
_INDEX = Advice(
    "An index points outside of what it indexes. Does that happen at the first step or at the "
    "last? Note how long the thing is, and the smallest and the largest index that you use.",
)
_MISFIT = Advice(
    "The call ends in an error before there is a result. Go to the line that the card names, and "
    "write beside each array there its shape and what each axis counts. Which two do not fit "
    "together?",
    _SHAPES,
)
_RECURSION = Advice(
    "A function calls itself without end. Which call should have been the last? How would it know?",
    _ALONE,
)
_RAISED = Advice(
    "The call ends in an error before there is a result. Make it again in a cell of your own: "
    "there the error shows each line on its way.",
    _ALONE,
)
_OTHER_TYPE = Advice(
    "What comes back is of another kind than was asked for. The first line of the docstring says "
    "what goes out, after the arrow. Print your result and its type, and compare.",
    "and print what comes back: its type, and if it has parts, how many and of which shape.",
)
_BOUND = Advice(
    "Something that was measured lies beyond its line. On which side of it? Which line of yours "
    "decides how large it becomes?",
)
_BY_ERROR = {
    "NameError": _NAME,
    "UnboundLocalError": _NAME,
    "IndexError": _INDEX,
    "KeyError": _INDEX,
    "ValueError": _MISFIT,
    "TypeError": _MISFIT,
    "AxisError": _MISFIT,
    "LinAlgError": _MISFIT,
    "RecursionError": _RECURSION,
}
_BY_CAUSE = {
    "cell": Advice(
        "The function is in your notebook, but the cell that defines it stops before its end. Run "
        "that cell by itself and read the error below it: nothing else can be judged until it runs.",
        _ALONE,
    ),
    "needs_stub": Advice(
        "Your code reaches another function that is still a stub. That one comes first.", _ALONE
    ),
    "none": Advice(
        "The call gives nothing back. Follow it to its last line, on every branch: where does the "
        "result leave?",
        "and print its result. Then print it again one line before the end of your function.",
    ),
    "changed": Advice(
        "The call leaves something altered that the caller still needs. Which lines write into an "
        "array that you were given, instead of making a new one?",
        "with arrays of two numbers, and print the arguments after each line of your function: the "
        "line after which one is no longer what it was is the place.",
    ),
    "shape": Advice(
        "Leave the numbers for later: the shape is off. Write behind each line of yours the shape "
        "that you mean it to have, print the one that it has, and find the first line where the "
        "two part.",
        _SHAPES,
    ),
    "nonfinite": Advice(
        "Somewhere on the way a number becomes inf or nan: exp of something large, log of 0, a "
        "division by 0. Print what each line makes of this kind of input. Which line is the first "
        "with such a number in it, and what did it start from?",
        "cut down to the one row that goes wrong. For each line of yours write down its largest "
        "and its smallest number, as a power of ten: the line where one leaves all bounds, or "
        "where 0 is divided by, is the place.",
    ),
    "timeout": Advice(
        "It was stopped because it took too long. If a loop never ends: what has to become true "
        "for it to end, and does each step bring that closer? If it only takes long: which loop "
        "visits every single number?",
        "with two entries along each axis, and print one line at each turn of the loop.",
    ),
    "crashed": Advice(
        "The call ends the whole process. Is there an exit, or an array that no memory could hold?",
        _ALONE,
    ),
    "type": _OTHER_TYPE,
    "parts": _OTHER_TYPE,
    "refused": _OTHER_TYPE,
    "at_least": _BOUND,
    "at_most": _BOUND,
}

_ONE_STEP = (
    "cut down to two samples and one step. Put all that this step changes on paper first, then "
    "print it: the first that differs is the place."
)
_TRAINING = Advice(
    "It looks at a whole run of training. Nothing breaks, but it does not get far enough. Follow "
    "the loss over the first steps: does it fall at all? If so, what stops it? If not, which step "
    "turns it round?",
    _ONE_STEP,
)
_STEPS = Advice(
    "A mistake in one step spoils all that follow. Ask for a single step and look at what it "
    "changes: each parameter, by how much, in which direction, computed from which values of the "
    "others?",
    _ONE_STEP,
)
_SPEED = Advice(
    "It looks at the time that a call takes, and at nothing else.",
    "and write down how often each line of yours runs in it.",
)
_GRADIENT = Advice(
    "It looks at a gradient, and for that you have a judge: move one entry of an input a little, "
    "see by how much the output moves, and compare with what you return for that entry."
)
_UPSTREAM = Advice(
    _GRADIENT.look,
    "with one sample, and an upstream gradient of zeros and a single 1. Work out on paper what "
    "goes back to each entry, then print yours: the first that differs is the place.",
)
_ODD_INPUT = Advice(
    "Make the call with this input and with an ordinary one of the same size, and print the lines "
    "of both side by side. In which line do they begin to part: in type, in shape, in size?"
)
_SHARED = (
    "Every entry is off, so this is no special case but something that they all share: a sign, a "
    "factor, an axis, "
)
_EVERY_ENTRY = Advice(
    f"{_SHARED}a missing term. Try an input of zeros, then one of zeros and a single 1: which of "
    "the two is right?"
)
_NO_ARRAY = Advice(
    f"{_SHARED}a shift by one place. Which of these would give exactly the numbers that you get?"
)
_FEW_ENTRIES = Advice(
    "Most entries are right, so the idea is right. What do the others have in common: are they "
    "zero, negative, very large, the first, the last, at an edge?"
)
_SOME_ENTRIES = Advice(
    "Some entries are right and others are not. Mark which on paper. What sets them apart: a row, "
    "a column, a sign, their size?"
)
_ONE_NUMBER = Advice(
    "One number is off. Is it too large or too small, and by a factor or by a difference? Each of "
    "these points to another line."
)


def advice(
    kind: Kind, call: Call | None, cause: Cause | None, formula_right: bool
) -> Advice | None:
    """The advice for a check of some kind that failed by this cause; None if it has no words for
    it, and the check's own have to do.
    """
    if kind == "speed":
        return _SPEED
    found = causes.kind(cause)
    if cause is None or found is None:
        return None
    if kind == "convergence" and found in ("at_least", "at_most"):
        return _TRAINING
    if found == "raised":
        return _BY_ERROR.get(cause["error"], _RAISED)
    if found == "values":
        return _of_values(kind, call, cause, formula_right)
    return _BY_CAUSE.get(found)


def by_hand(known: Advice | None, call: Call | None) -> str:
    """How to work out a call on paper: in the way of its advice, or else by how large it is."""
    if known is not None and known.by_hand is not None:
        return known.by_hand
    largest = max((math.prod(shape) for shape in causes.shapes(call)), default=0)
    return _SMALL if largest <= _ON_PAPER else _LARGE


def _of_values(kind: Kind, call: Call | None, cause: Cause, formula_right: bool) -> Advice:
    """The advice for numbers that are not the right ones."""
    arguments = call["arguments"] if call else []
    if any(name in _COUNTS and isinstance(given, (int, float)) for name, given in arguments):
        return _STEPS
    if kind == "gradient":
        return _UPSTREAM if arguments and _is_upstream(*arguments[0]) else _GRADIENT
    wrong, of = cause["wrong"], cause["of"]
    if of == 1:
        return _ONE_NUMBER
    if formula_right:
        return _ODD_INPUT
    if wrong == of:
        return _EVERY_ENTRY if any(causes.shapes(call)) else _NO_ARRAY
    return _FEW_ENTRIES if 2 * wrong < of else _SOME_ENTRIES


def _is_upstream(name: str | None, given: object) -> bool:
    """Whether an argument is a gradient from above, by its name: dy, dout."""
    letters = (name or "")[1:].replace("_", "a")
    return (name or "").startswith("d") and letters.isalpha() and isinstance(given, list)
