"""Inputs and helpers that several parts of the checks of 06-bptt share."""

import pytest


def each(names):
    """One check for each of these gradients."""
    return pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)


TURN = [
    [0.6, 0.8, 0.0, 0.0],
    [-0.8, 0.6, 0.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
    [0.0, 0.0, 1.0, 0.0],
]  # orthogonal
