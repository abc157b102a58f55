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
    "First write down the value of each line on paper. Then print the same lines of your code. "
    "The first line that differs is where to look."
)
_SMALL = (
    "which is small enough for paper. Use numbers like 0, 1 and 2 if you can choose. "
    f"{_LINE_BY_LINE}"
)
_LARGE = (
    "and make it smaller while it stays wrong: one or two entries along each axis, numbers like "
    f"0, 1 and 2. {_LINE_BY_LINE}"
)
_SHAPES = (
    "with axes of different lengths, like 1, 2 and 3. First write down the shape of each line on "
    "paper. Then print the shapes in your code. The first line that differs is where to look."
)
_ALONE = (
    "and make it in a cell of your own. Then remove lines from your function until it runs without "
    "an error."
)


@dataclass(frozen=True)
class Advice:
    """Where to look if a check fails in this way, and how to find the place by hand, if there is a
    way of its own.
    """

    look: str
    by_hand: str | None = None


_NAME = Advice(
    "Python does not know a name at that point. Is it spelled the same everywhere? Is it set on "
    "every path that leads there? Is it defined in your own cells? Cells for figures do not count.",
    _ALONE,
)
_INDEX = Advice(
    "You use an index or a key that does not exist. Does this happen at the first step or at the "
    "last? Write down the length of the array, and the smallest and the largest index that you "
    "use.",
)
_MISFIT = Advice(
    "The call ends in an error before there is a result. Go to the line that the card names. For "
    "each array in it, write down its shape and what each axis counts. Which two do not fit "
    "together?",
    _SHAPES,
)
_RECURSION = Advice(
    "A function calls itself without end. Which call should be the last? How does the function "
    "know that?",
    _ALONE,
)
_RAISED = Advice(
    "The call ends in an error before there is a result. Make the same call in a cell of your "
    "own: there, the error shows each line that led to it.",
    _ALONE,
)
_OTHER_TYPE = Advice(
    "The result has the wrong type. The first line of the docstring says, after the arrow, what "
    "the function returns. Print your result and its type, and compare.",
    "and print the result: its type, and if it has parts, their number and their shapes.",
)
_BOUND = Advice(
    "A measured value is on the wrong side of its threshold. Is it too large or too small? Which "
    "of your lines decides its size?",
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
        "The function is in your notebook, but the cell that defines it ends in an error. Run "
        "that cell alone and read the error below it. Nothing else can be checked until it runs.",
        _ALONE,
    ),
    "needs_stub": Advice(
        "Your code calls another function that is not written yet. Write that function first.",
        _ALONE,
    ),
    "none": Advice(
        "The call returns None. Follow your function to its last line, on every branch: where does "
        "it return the result?",
        "and print its result. Then print the result inside your function, before its last line.",
    ),
    "changed": Advice(
        "The call changes something that the caller still needs. Which of your lines write into "
        "an array that you were given, instead of making a new one?",
        "with arrays of two numbers, and print the arguments after each line of your function. "
        "The line after which an argument differs is where to look.",
    ),
    "shape": Advice(
        "Ignore the numbers for now: the shape is wrong. After each of your lines, write down the "
        "shape that you expect, and print the shape that it has. Find the first line where the two "
        "differ.",
        _SHAPES,
    ),
    "nonfinite": Advice(
        "Somewhere a number becomes inf or nan: exp of a large number, log of 0, or a division by "
        "0. Print the result of each line for this kind of input. Which line is the first with inf "
        "or nan, and what was its input?",
        "and keep only the row that goes wrong. For each of your lines, write down its largest and "
        "its smallest number, as a power of ten. The line where a number becomes huge, or where "
        "you divide by 0, is where to look.",
    ),
    "timeout": Advice(
        "It was stopped because it took too long. If a loop never ends: which condition ends it, "
        "and does each step bring that condition closer? If it is only slow: which loop visits "
        "every single number?",
        "with two entries along each axis, and print one line in each turn of the loop.",
    ),
    "crashed": Advice(
        "The call ends the whole process. Is there a call of exit, or an array that is too large "
        "for the memory?",
        _ALONE,
    ),
    "type": _OTHER_TYPE,
    "parts": _OTHER_TYPE,
    "refused": _OTHER_TYPE,
    "at_least": _BOUND,
    "at_most": _BOUND,
}

_ONE_STEP = (
    "with two samples and one step only. First write down on paper everything that this step "
    "changes. Then print it. The first value that differs is where to look."
)
_TRAINING = Advice(
    "This check looks at a whole training run. There is no error, but the result is not good "
    "enough. Follow the loss over the first steps: does it fall at all? If it does, what stops it? "
    "If it does not, which step makes it rise?",
    _ONE_STEP,
)
_STEPS = Advice(
    "A mistake in one step spoils all later steps. Run a single step and look at what it changes. "
    "For each parameter: by how much, in which direction, and computed from which other values?",
    _ONE_STEP,
)
_SPEED = Advice(
    "This check looks only at the time that a call takes.",
    "and write down how often each of your lines runs in it.",
)
_GRADIENT = Advice(
    "This check looks at a gradient, and you can measure a gradient: change one entry of an input "
    "a little, see by how much the output changes, and compare with what you return for that entry."
)
_UPSTREAM = Advice(
    _GRADIENT.look,
    "with one sample, and an upstream gradient of zeros and a single 1. Work out the gradient of "
    "each entry on paper. Then print yours. The first entry that differs is where to look.",
)
_ODD_INPUT = Advice(
    "Make the call with this input and with an ordinary input of the same size, and print all "
    "lines side by side. In which line do they start to differ: in type, in shape, in size?"
)
_SHARED = (
    "Every entry is wrong, so the cause is something that all entries share: a sign, a factor, an "
    "axis, or "
)
_EVERY_ENTRY = Advice(
    f"{_SHARED}a missing term. Try an input of zeros, then an input of zeros and a single 1: which "
    "of the two is right?"
)
_NO_ARRAY = Advice(
    f"{_SHARED}a shift by one position. Which of these would give exactly your numbers?"
)
_FEW_ENTRIES = Advice(
    "Most entries are right, so the main idea is right. What do the wrong entries have in common: "
    "are they zero, negative, very large, the first, the last, or at an edge?"
)
_SOME_ENTRIES = Advice(
    "Some entries are right and some are wrong. Mark the wrong ones on paper. What do they have in "
    "common: a row, a column, a sign, their size?"
)
_ONE_NUMBER = Advice(
    "One number is wrong. Is it too large or too small? Is it wrong by a factor or by a "
    "difference? Each of these points to another line."
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
