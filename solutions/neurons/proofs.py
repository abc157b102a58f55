"""The gradient that 01-neurons trains with, read off a single step from zeros with rate 1."""

import numpy as np

from autograder.course.proofs import Proof
from solutions.neurons.reference import cross_entropy, linear_forward, softmax_regression_fit


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    X, labels = (
        rng.normal(size=(6, 4)),
        np.array([0, 2, 2, 1, 2, 0]),
    )  # classes of unequal size: no gradient is 0
    W, b = softmax_regression_fit(X, labels, 3, 1.0, 1)
    yield Proof(
        name="softmax regression",
        forward=lambda W, b: cross_entropy(linear_forward(X, W, b), labels),
        inputs={"W": np.zeros((4, 3)), "b": np.zeros(3)},
        upstream=1.0,
        gradients={"W": -W, "b": -b},
        torch=lambda torch, W, b: torch.nn.functional.cross_entropy(
            torch.tensor(X) @ W + b, torch.tensor(labels)
        ),
    )
