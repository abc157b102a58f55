"""What the checks of 07-attention share: queries, keys and masks, a test for leaks from the future,
and measures.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.testing.assertions import assert_finite, assert_parts, assert_shape, expect

Array = NDArray[Any]


def queries_keys_values(
    rng: np.random.RandomState,
    lead: Sequence[int] = (2, 3),
    Tq: int = 4,
    Tk: int = 6,
    d: int = 5,
    dv: int = 7,
) -> list[Array]:
    """Q (..., Tq, d), K (..., Tk, d), V (..., Tk, dv), all dimensions different."""
    return [rng.normal(size=(*lead, *size)) for size in [(Tq, d), (Tk, d), (Tk, dv)]]


def a_mask(rng: np.random.RandomState, size: Sequence[int]) -> Array:
    """Some pairs allowed, some not, at least one key for each query."""
    mask = rng.uniform(size=size) < 0.5
    mask[..., 0] |= ~mask.any(axis=-1)
    mask[..., -1] &= mask[..., :-1].sum(axis=-1) == 0
    return mask


MASKS = {
    "(Tq, Tk)": (4, 6),
    "(N, 1, Tq, Tk)": (2, 1, 4, 6),
    "(1, Tk)": (1, 6),
    "(N, H, Tq, Tk)": (2, 3, 4, 6),
}
KINDS = {"True and False": bool, "1 and 0": int, "1.0 and 0.0": float}


def assert_blind_to_the_future(layer: Callable[[Array], Any], x: Array, causal: bool) -> None:
    """`layer` (N, T, D) -> (N, T, ...): what stands at position j reaches j and later ones, and not
    those before.
    """
    j = x.shape[1] // 2
    other = x.copy()
    other[:, j] = -3 * other[:, j] + 1
    before, after = (assert_finite(layer(part), "the output") for part in (x, other))
    early = np.abs(after - before)[:, :j].max()
    if causal:
        found = f"another input at position {j} changes earlier outputs by up to {early:.3g}, expected 0"
        expect(early <= 1e-6 * np.abs(before).max(), found, [before, after])
    else:
        expect(
            early > 1e-6,
            f"another input at position {j} changes no earlier output, expected a change",
            after,
        )
    for t in range(j, x.shape[1]):
        expect(
            np.abs(after - before)[:, t].max() > 1e-6,
            f"another input at position {j} does not reach the output at position {t}",
            [before, after],
        )


def parts_of(result: object, x: Array) -> tuple[Array, Any]:
    """dx, of the shape of x and finite, and the gradients of the parameters."""
    dx, grads = assert_parts(result, ("dx", "grads"))
    return assert_finite(assert_shape(dx, x.shape, "dx"), "dx"), grads


def probabilities(scores: Array) -> Array:
    """Softmax along the last axis."""
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def turned_rightly(logits: Array, targets: Array, mask: Array) -> float:
    """The share of unmasked tokens that are the likeliest by these scores."""
    return float(np.mean((logits.argmax(axis=2) == targets)[mask == 1]))


def mean_loss(logits: Array, targets: Array) -> float:
    """The cross-entropy, measured by the grader."""
    chosen = np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    return float(np.mean(np.logaddexp.reduce(logits, axis=-1) - chosen))
