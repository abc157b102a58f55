"""Data of 02-backprop and layers of lesson 1: NumPy alone, so that answers may use them."""

import numpy as np


def rings(n=450, seed=0):
    """Points on three rings about the origin, a class each: X (n, 2), labels (n,)."""
    rng = np.random.RandomState(seed)
    ring = rng.permutation(np.arange(n) % 3)
    radius, angle = (
        np.array([0.4, 1.0, 1.6])[ring] + rng.uniform(-0.12, 0.12, n),
        rng.uniform(0, 2 * np.pi, n),
    )
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), ring


def random_params(sizes, seed=0):
    """W1, b1, W2, ... for layers of these sizes, drawn from normal distributions."""
    rng = np.random.RandomState(seed)
    shapes = {
        f"{k}{i}": sizes[i - 1 : i + 1] if k == "W" else sizes[i]
        for i in range(1, len(sizes))
        for k in "Wb"
    }
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def softmax(z):
    """Lesson 1: rows of scores (N, C) to rows of probabilities."""
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def mlp_forward(params, x):
    """Lesson 1: the scores of every layer of the network, first to last."""
    scores = []
    for i in range(1, len(params) // 2 + 1):
        scores.append(
            (np.maximum(scores[-1], 0) if scores else x) @ params[f"W{i}"] + params[f"b{i}"]
        )
    return scores
