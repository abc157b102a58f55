"""Nested dicts and lists of arrays, the parameters of a whole model: flattened by name, and
compared by name.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.testing.assertions import TOLERANCE, fail
from autograder.testing.tensors import assert_gradients


def flat(tree: Any) -> dict[str, Any]:
    """The tensors of a nest by their place in it: {"blocks[0].attn.Wq": ..., "ln_f.gamma": ...}."""
    return _along(tree, tree, "")


def vector(tree: Any) -> NDArray[np.float64]:
    """All numbers of a nest in one row."""
    return np.concatenate([np.ravel(np.asarray(tensor, float)) for tensor in flat(tree).values()])


def assert_nested(
    actual: object,
    expected: Mapping[str, Any],
    name: str = "the gradients",
    tolerance: float = TOLERANCE,
) -> None:
    """A nest of just this structure whose numbers are right, judged as one vector; the worst tensor
    is named.
    """
    assert_structure(actual, expected, name)
    assert_gradients(_along(actual, expected, ""), flat(expected), name, tolerance)


def assert_structure(actual: Any, expected: Any, name: str) -> None:
    """Dicts with just these keys, lists of just this length, all the way down; what the tensors
    hold is open.
    """
    kind = (
        f"an array of shape {actual.shape}"
        if isinstance(actual, np.ndarray)
        else type(actual).__name__
    )
    if isinstance(expected, Mapping):
        keys = ", ".join(map(str, expected))
        if not isinstance(actual, dict):
            fail(f"{name} should be a dict with the keys {keys}, not {kind}", saw={"kind": kind})
        if actual.keys() != expected.keys():
            found = ", ".join(map(str, actual)) or "none"
            fail(f"{name} should have the keys {keys}; it has {found}", saw={"keys": found})
        for key, part in expected.items():
            assert_structure(actual[key], part, f"{name}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        if not isinstance(actual, (list, tuple)):
            fail(
                f"{name} should be a list of {len(expected)} items, not {kind}", saw={"kind": kind}
            )
        if len(actual) != len(expected):
            fail(
                f"{name} should be a list of {len(expected)} items, not of {len(actual)}",
                saw={"length": len(actual)},
            )
        for i, part in enumerate(expected):
            assert_structure(actual[i], part, f"{name}[{i}]")


def _along(tree: Any, like: Any, name: str) -> dict[str, Any]:
    """The leaves of a tree by their place, as deep as `like` goes: a list of numbers for a tensor
    is a leaf.
    """
    if isinstance(like, Mapping):
        parts = [
            _along(tree[key], part, f"{name}.{key}" if name else str(key))
            for key, part in like.items()
        ]
    elif isinstance(like, (list, tuple)):
        parts = [_along(tree[i], part, f"{name}[{i}]") for i, part in enumerate(like)]
    else:
        return {name: tree}
    return {key: leaf for part in parts for key, leaf in part.items()}
