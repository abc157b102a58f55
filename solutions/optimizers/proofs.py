"""The one gradient of 03-optimizers: that of the softmax regression which train_with trains."""

import numpy as np

from autograder.course.proofs import Proof
from solutions.optimizers.reference import _softmax_gradients


def _loss(X, labels):
    """Mean cross-entropy of scores X W1 + b1, as a function of W1 and b1; written apart from its
    gradient.
    """

    def loss(W1, b1):
        z = X @ W1 + b1
        return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(X)), labels]))

    return loss


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    X, labels = rng.normal(size=(6, 4)), rng.randint(0, 3, size=6)
    params = {"W1": rng.normal(size=(4, 3)), "b1": rng.normal(size=3)}
    yield Proof(
        name="softmax regression",
        forward=_loss(X, labels),
        inputs=params,
        upstream=1.0,
        gradients=_softmax_gradients(params, X, labels),
        torch=lambda torch, W1, b1: torch.nn.functional.cross_entropy(
            torch.tensor(X) @ W1 + b1, torch.tensor(labels, dtype=torch.int64)
        ),
    )
