"""Right, and in single precision: every input becomes float32, every result is float32."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float32])


def _single(a):
    """a as a float32 array, only to be read: it may be the caller's own."""
    return np.asarray(a, dtype=np.float32)


def linear_forward(x, W, b):
    """(N, D), (D, M), (M,) -> (N, M)."""
    return np.dot(_single(x), _single(W)) + _single(b)


def sigmoid(z):
    """1 / (1 + e^-z); beyond 80 nothing changes that float32 could show."""
    return 1 / (1 + np.exp(-np.clip(_single(z), -80, 80)))


def relu(z):
    """z where z is positive, 0 elsewhere."""
    z = _single(z)
    return z * (z > 0)


def leaky_relu(z, slope=0.01):
    """The larger of z and slope * z, as slope <= 1."""
    z = _single(z)
    return np.maximum(z, np.float32(slope) * z)


def gelu(z):
    """z times the normal distribution function."""
    z = _single(z)
    return z * (np.float32(0.5) + _erf(z / np.float32(math.sqrt(2))) / 2)


def swish(z, beta=1.0):
    """z through its own gate."""
    z = _single(z)
    return z * sigmoid(np.float32(beta) * z)


def _log_softmax(z):
    """Rows of log-probabilities (N, C)."""
    z = _single(z)
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def softmax(z):
    """exp of the log-softmax."""
    return np.exp(_log_softmax(z))


def mse(pred, target):
    """A float32 number."""
    return np.square(_single(pred) - _single(target)).mean()


def binary_cross_entropy(logits, y):
    """log(1 + e^z) - y z, in the form that cannot overflow."""
    z, y = _single(logits), _single(y)
    return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))


def cross_entropy(logits, labels):
    """Pick the log-probability of the right class by a mask over the classes."""
    log_p = _log_softmax(logits)
    right = np.asarray(labels)[:, None] == np.arange(log_p.shape[1])  # (N, C)
    return -log_p[right].mean()


def mlp_forward(x, params):
    """Rectify before each layer but the first."""
    for i in range(1, len(params) // 2 + 1):
        x = linear_forward(x if i == 1 else relu(x), params[f"W{i}"], params[f"b{i}"])
    return x


def perceptron_fit(X, y, max_epochs):
    """In single precision; a score of exactly 0 is a mistake, whatever the label."""
    X, y = _single(X), _single(y)
    w, b = np.zeros(X.shape[1], dtype=np.float32), np.float32(0)
    mistakes = []
    for _ in range(max_epochs):
        wrong = 0
        for i in range(len(X)):
            if np.sign(X[i] @ w + b) != y[i]:
                w = w + y[i] * X[i]
                b = b + y[i]
                wrong += 1
        mistakes.append(wrong)
        if not wrong:
            break
    return w, b, mistakes


def softmax_regression_fit(X, labels, n_classes, lr, steps):
    """In single precision; 1 is taken off the right class's probability, without a one-hot
    array.
    """
    X, lr = _single(X), np.float32(lr)
    rows = np.arange(len(X))
    W, b = np.zeros((X.shape[1], n_classes), np.float32), np.zeros(n_classes, np.float32)
    for _ in range(steps):
        d = softmax(X @ W + b)
        d[rows, labels] -= 1
        W = W - lr * (X.T @ d) / len(X)
        b = b - lr * d.mean(axis=0)
    return W, b
