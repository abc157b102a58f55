"""The gradients of 04-regularization, each for a random upstream gradient on inputs of its own."""

import numpy as np

from autograder.course.proofs import Proof
from solutions.regularization import reference as r


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    W = rng.normal(size=(4, 3)) + 0.2 * rng.choice([-1, 1], size=(4, 3))
    W = np.where(np.abs(W) < 0.1, 0.5, W)  # away from the kink of |w|
    for name, penalty in (("l2_penalty", r.l2_penalty), ("l1_penalty", r.l1_penalty)):
        yield Proof(
            name=name,
            forward=lambda W, b, penalty=penalty: penalty({"W1": W, "b1": b}, 0.3)[0],
            inputs={"W": W, "b": rng.normal(size=3)},
            upstream=1.0,
            gradients=dict(zip("Wb", penalty({"W1": W, "b1": np.zeros(3)}, 0.3)[1].values())),
            torch=lambda torch, W, b, name=name: (
                0 * b.sum() + (0.15 * (W**2).sum() if "2" in name else 0.3 * W.abs().sum())
            ),
        )
    yield from _dropout(rng)
    yield from _normalisations(rng)
    logits, targets = (
        2 * rng.normal(size=(5, 4)),
        r.smooth_labels(np.array([0, 3, 1, 1, 2]), 4, 0.3),
    )
    yield Proof(
        name="soft_cross_entropy",
        forward=lambda logits: r.soft_cross_entropy(logits, targets)[0],
        inputs={"logits": logits},
        upstream=1.0,
        gradients={"logits": r.soft_cross_entropy(logits, targets)[1]},
        torch=lambda torch, logits: torch.nn.functional.cross_entropy(
            logits, torch.tensor(targets)
        ),
    )


def _dropout(rng):
    """The forward with a generator of the same seed each time, so that it draws the same mask."""
    x, u, p = rng.normal(size=(5, 7)), rng.normal(size=(5, 7)), 0.4
    _, mask = r.dropout_forward(x, p, np.random.default_rng(1))
    yield Proof(
        name="dropout",
        forward=lambda x: r.dropout_forward(x, p, np.random.default_rng(1))[0],
        inputs={"x": x},
        upstream=u,
        gradients={"x": r.dropout_backward(u, mask, p)},
        torch=lambda torch, x: x * torch.tensor(mask) / (1 - p),
    )


def _normalisations(rng):
    mean, var = np.zeros(4), np.ones(4)
    for eps in (1e-5, 0.7):
        x, gamma, beta = rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=4)
        u = rng.normal(size=(6, 4))
        yield Proof(
            name=f"batchnorm, eps {eps:g}",
            forward=lambda x, gamma, beta, eps=eps: r.batchnorm_forward(
                x, gamma, beta, mean, var, True, 0.1, eps
            )[0],
            inputs={"x": x, "gamma": gamma, "beta": beta},
            upstream=u,
            gradients=dict(zip(("x", "gamma", "beta"), r.batchnorm_backward(u, x, gamma, eps))),
            torch=lambda torch, x, gamma, beta, eps=eps: torch.nn.functional.batch_norm(
                x, None, None, gamma, beta, training=True, eps=eps
            ),
        )
    for size in ((5, 4), (2, 3, 4), (4,)):
        x, u, gamma, beta = (
            rng.normal(size=size),
            rng.normal(size=size),
            rng.normal(size=4),
            rng.normal(size=4),
        )
        yield Proof(
            name=f"layernorm of {size}",
            forward=lambda x, gamma, beta: r.layernorm_forward(x, gamma, beta),
            inputs={"x": x, "gamma": gamma, "beta": beta},
            upstream=u,
            gradients=dict(zip(("x", "gamma", "beta"), r.layernorm_backward(u, x, gamma))),
            torch=lambda torch, x, gamma, beta: torch.nn.functional.layer_norm(
                x, (4,), gamma, beta
            ),
        )
