"""Data with wrong labels in it, and what chance may do to a measured share."""

import numpy as np
from numpy.typing import NDArray

from autograder.checks.data import Arrays, digits
from autograder.testing.assertions import assert_at_most

STANDARD_ERRORS = 5.0  # a right answer strays further about once in two million draws


def noisy_digits(rng: np.random.RandomState, n: int = 150, flipped: float = 0.2) -> Arrays:
    """n digits of which a share has another class's label, and all others with their right labels.

    Returns X (n, 64), labels (n,), X_test (1797 - n, 64), labels_test (1797 - n,); pixels in [0,
    1].
    """
    X, labels, X_more, labels_more = digits(rng)
    wrong = rng.permutation(n)[: round(flipped * n)]
    noisy = labels[:n].copy()
    noisy[wrong] = (noisy[wrong] + rng.randint(1, 10, size=len(wrong))) % 10
    return X[:n], noisy, np.concatenate([X[n:], X_more]), np.concatenate([labels[n:], labels_more])


def assert_share(found: NDArray[np.bool_], p: float, name: str) -> None:
    """The share of true entries is p, up to what chance does to independent draws."""
    share, band = float(np.mean(found)), STANDARD_ERRORS * np.sqrt(p * (1 - p) / found.size)
    saw = round(share, 1)  # not the draws themselves: another order of draws is the same answer
    assert_at_most(abs(share - p), band, f"{name} is {share:.3f}; its distance from {p:g}", saw)


def mean_loss(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The mean of -log p of the right class; a probability below 1e-12 counts as that."""
    right = probabilities[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.maximum(right, 1e-12))))
