"""Landscapes of 03-optimizers and layers of lessons 1 and 2: NumPy alone, so that answers may use
them.
"""

import numpy as np


def bowl(w, k=25.0):
    """A stretched bowl: curvature 1 one way, k the other. w (..., 2) -> (...)."""
    return (w[..., 0] ** 2 + k * w[..., 1] ** 2) / 2


def bowl_gradient(w, k=25.0):
    """The bowl's slope at w (2,)."""
    return np.array([1.0, k]) * w


def valley(w):
    """Rosenbrock's bent valley (1960), its lowest point at (1, 1). w (..., 2) -> (...)."""
    return (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2


def valley_gradient(w):
    """The valley's slope at w (2,)."""
    bend = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 400 * w[0] * bend, 200 * bend])


def softmax(z):
    """Lesson 1: rows of scores (N, C) to rows of probabilities."""
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def judge(params, X, labels):
    """Mean -log p(label), and the share read right, of W1, b1 or W1, b1, W2, b2 with ReLU between
    layers.
    """
    z = X @ params["W1"] + params["b1"]
    z = np.maximum(z, 0) @ params["W2"] + params["b2"] if "W2" in params else z
    p = softmax(z)[np.arange(len(X)), labels]
    return float(-np.mean(np.log(p + 1e-300))), float(np.mean(z.argmax(axis=1) == labels))


def network(seed=0, hidden=64):
    """He's start for a network 64-hidden-10."""
    rng = np.random.RandomState(seed)
    W1, W2 = (
        rng.normal(0, np.sqrt(2 / 64), (64, hidden)),
        rng.normal(0, np.sqrt(2 / hidden), (hidden, 10)),
    )
    return {"W1": W1, "b1": np.zeros(hidden), "W2": W2, "b2": np.zeros(10)}


def network_gradients(params, x, labels):
    """Backpropagation through the network of one hidden layer: a dict with the parameters' keys."""
    z = x @ params["W1"] + params["b1"]
    h = np.maximum(z, 0)
    d = softmax(h @ params["W2"] + params["b2"])
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    dz = d @ params["W2"].T * (z > 0)
    return {"W1": x.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d, "b2": d.sum(axis=0)}


def train_network(rule, lr, X, labels, minibatches, clip=None, epochs=10, seed=0):
    """Some epochs on images X (N, 64): the network, and the gradients' norm in each step if
    `clip(grads)` gives it.
    """
    params, rng, norms = network(seed), np.random.default_rng(seed), []
    states = {name: {} for name in params}
    for _ in range(epochs):
        for xb, yb in minibatches(X, labels, 40, rng):
            grads = network_gradients(params, xb, yb)
            if clip is not None:
                grads, norm = clip(grads)
                norms.append(float(norm))
            for name in params:
                params[name], states[name] = rule(params[name], grads[name], states[name], lr)
    return params, norms
