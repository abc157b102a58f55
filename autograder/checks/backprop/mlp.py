"""Networks for the checks: random parameters, what parameters of one hidden layer can read, and
rings to read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.checks.data import Arrays


def network(rng: np.random.RandomState, sizes: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Random W1, b1 ... for layers of these sizes, about the size that training would give them."""
    params = {}
    for i in range(1, len(sizes)):
        params[f"W{i}"] = rng.normal(size=(sizes[i - 1], sizes[i])) * np.sqrt(2 / sizes[i - 1])
        params[f"b{i}"] = 0.3 * rng.normal(size=sizes[i])
    return params


def accuracy(params: Mapping[str, Any], X: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The share that the network W1, b1, ReLU, W2, b2 reads rightly, measured by the grader."""
    hidden = np.maximum(X @ params["W1"] + params["b1"], 0)
    return float(np.mean((hidden @ params["W2"] + params["b2"]).argmax(axis=1) == labels))


def rings(rng: np.random.RandomState, n: int = 450) -> Arrays:
    """Points on three rings about the origin, a class each, named at random: n to train on, n to
    test.

    No line parts them, nor can a network without biases. They come class by class: who does not
    shuffle fails.
    """
    ring, names = np.tile(np.repeat(np.arange(3), n // 3), 2), rng.permutation(3)
    radius = np.array([0.4, 1.0, 1.6])[ring] + rng.uniform(-0.12, 0.12, size=2 * n)
    angle = rng.uniform(0, 2 * np.pi, size=2 * n)
    X, labels = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), names[ring]
    return X[:n], labels[:n], X[n:], labels[n:]
