"""Inputs and helpers that several parts of the checks of 03-optimizers share."""

from autograder.testing import (
    assert_parts,
    expect,
)


def stepped(result):
    """The parts of an update's answer: w as it came, and the state, a dict."""
    w, state = assert_parts(result, ["w", "state"])
    expect(
        isinstance(state, dict),
        f"the state is of type {type(state).__name__}, expected a dict",
        state,
    )
    return w, state
