"""Data of 04-regularization and layers of earlier lessons."""

import numpy as np


def softmax(z):
    """Lesson 1: rows of scores (N, C) to rows of probabilities."""
    return np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])


def linear_backward(dy, x, W):
    """Lesson 2: dL/dx, dL/dW, dL/db of y = x W + b."""
    dW = np.einsum("nd,nm->dm", x, dy)
    return dy @ W.T, dW, dy.sum(axis=0)


def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Lesson 3: one step, `w_new, state_new`; begin with the state {}."""
    t, m, v = state.get("t", 0) + 1, state.get("m", 0.0), state.get("v", 0.0)
    m, v = beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2
    step = lr * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w - step, {"t": t, "m": m, "v": v}


def test_loss(p, labels):
    """Mean of -log p[n, labels[n]]; p holds probabilities (N, C)."""
    return float(-np.mean(np.log(np.maximum(p[np.arange(len(labels)), labels], 1e-12))))


def noisy_digits(seed=0, n=150, flipped=0.2):
    """X (n, 64), labels, which of them are wrong; X_val (n, 64), labels_val as noisy; X_test and
    clean labels_test.
    """
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    rng = np.random.RandomState(seed)
    order = rng.permutation(len(X))
    X, labels = X[order] / 16, labels[order]
    wrong = np.zeros(2 * n, bool)
    for part in (slice(0, n), slice(n, 2 * n)):
        wrong[part] = rng.permutation(n) < round(flipped * n)
    noisy = np.where(wrong, (labels[: 2 * n] + rng.randint(1, 10, 2 * n)) % 10, labels[: 2 * n])
    return X[:n], noisy[:n], wrong[:n], X[n : 2 * n], noisy[n:], X[2 * n :], labels[2 * n :]


def train_normalised(f, n=400, epochs=60):
    """A network 64-128-10, trained with the functions of the dict `f` on clean digits, half of them
    moved.
    """
    X, labels, *_ = noisy_digits(0, n, 0.0)
    rng = np.random.default_rng(0)
    theta = {"W1": rng.normal(size=(64, 128)) / 8, "gamma": np.ones(128), "beta": np.zeros(128)}
    theta |= {"W2": rng.normal(size=(128, 10)) / 12, "b2": np.zeros(10)}
    states, running = {k: {} for k in theta}, (np.zeros(128), np.ones(128))
    for _ in range(epochs):
        for rows in np.split(rng.permutation(n), n // 40):
            moved = f["random_shift"](X[rows].reshape(-1, 8, 8), 1, rng).reshape(-1, 64)
            x = np.where(rng.random((len(rows), 1)) < 0.5, moved, X[rows])
            z = x @ theta["W1"]
            a, *running = f["batchnorm_forward"](z, theta["gamma"], theta["beta"], *running, True)
            h = np.maximum(a, 0)
            p = softmax(h @ theta["W2"] + theta["b2"])
            dh, dW2, db2 = linear_backward(
                (p - np.eye(10)[labels[rows]]) / len(rows), h, theta["W2"]
            )
            dz, dgamma, dbeta = f["batchnorm_backward"](dh * (a > 0), z, theta["gamma"])
            grads = {"W1": x.T @ dz, "gamma": dgamma, "beta": dbeta, "W2": dW2, "b2": db2}
            for k, g in grads.items():
                theta[k], states[k] = adam(theta[k], g, states[k], 2e-3)
    return theta, running


def normalised_scores(f, model, X, training=False):
    """The scores (N, 10) of that network, by the running statistics or, as in training, by those of
    the batch.
    """
    theta, running = model
    a = f["batchnorm_forward"](X @ theta["W1"], theta["gamma"], theta["beta"], *running, training)[
        0
    ]
    return np.maximum(a, 0) @ theta["W2"] + theta["b2"]
