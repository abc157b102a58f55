"""What the checks of 04-regularization run beside the student's code. A probe takes and returns
plain data.
"""

from itertools import pairwise
from typing import Any

import numpy as np


def plain_network_loss(
    student: Any,
    X: Any,
    labels: Any,
    n_classes: int,
    X_test: Any,
    labels_test: Any,
    epochs: int,
    seed: int,
) -> float:
    """The test loss of the notebook's plain network D-256-256-C: He, Adam at 1e-3, batches of 32,
    no regularisation.
    """
    rng, sizes = np.random.RandomState(seed), [X.shape[1], 256, 256, n_classes]
    theta = [rng.normal(scale=np.sqrt(2 / m), size=(m, n)) for m, n in pairwise(sizes)]
    theta += [np.zeros(n) for n in sizes[1:]]
    first, second, t = [0 * w for w in theta], [0 * w for w in theta], 0
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), 32):
            rows, t = order[start : start + 32], t + 1
            for i, g in enumerate(_gradients(theta, X[rows], labels[rows])):
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                step = first[i] / (1 - 0.9**t) / (np.sqrt(second[i] / (1 - 0.999**t)) + 1e-8)
                theta[i] = theta[i] - 1e-3 * step
    log_p = _forward(theta, X_test)[-1]
    return float(-np.mean(log_p[np.arange(len(labels_test)), labels_test]))


def _forward(theta: list[Any], x: Any) -> list[Any]:
    """Inputs, two hidden layers after their ReLU, log-probabilities."""
    h1 = np.maximum(x @ theta[0] + theta[3], 0)
    h2 = np.maximum(h1 @ theta[1] + theta[4], 0)
    z = h2 @ theta[2] + theta[5]
    z = z - z.max(axis=1, keepdims=True)
    return [x, h1, h2, z - np.log(np.exp(z).sum(axis=1, keepdims=True))]


def _gradients(theta: list[Any], x: Any, labels: Any) -> list[Any]:
    x, h1, h2, log_p = _forward(theta, x)
    d3 = (np.exp(log_p) - np.eye(log_p.shape[1])[labels]) / len(x)
    d2 = (d3 @ theta[2].T) * (h2 > 0)
    d1 = (d2 @ theta[1].T) * (h1 > 0)
    return [x.T @ d1, h1.T @ d2, h2.T @ d3, d1.sum(axis=0), d2.sum(axis=0), d3.sum(axis=0)]
