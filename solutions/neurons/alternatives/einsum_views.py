"""Right, in other forms: einsum, log-sum-exp, the bias folded in; views, Fortran order, copies
changed.
"""

import math
from functools import reduce

import numpy as np


def _copy(z):
    """A float64 copy of one's own, free to be changed in place."""
    return np.array(z, dtype=np.float64)


def _with_ones(x):
    """(N, D) -> (N, D + 1), so that the last weight is the bias."""
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def _log_sum_exp(z):
    """log of the sum of exp over each row: (N, C) -> (N, 1)."""
    return np.logaddexp.reduce(_copy(z), axis=1, keepdims=True)


def linear_forward(x, W, b):
    """The transpose of (M, N): a view in Fortran order."""
    out = np.einsum("nd,dm->mn", _copy(x), W)
    out += np.asarray(b)[:, None]
    return out.T


def sigmoid(z):
    """(1 + tanh(z / 2)) / 2, all in one buffer."""
    out = _copy(z)
    out /= 2
    np.tanh(out, out=out)
    out += 1
    out /= 2
    return out


def relu(z):
    """Half of z + |z|."""
    out = _copy(z)
    out += np.abs(out)
    out /= 2
    return out


def leaky_relu(z, slope=0.01):
    """Scale the negative entries of a copy."""
    out = _copy(z)
    return np.multiply(out, slope, out=out, where=out < 0)


def gelu(z):
    """z times the normal distribution function; frompyfunc gives objects, so back to floats."""
    phi = np.frompyfunc(lambda v: (1 + math.erf(v / math.sqrt(2))) / 2, 1, 1)
    return np.asarray(phi(_copy(z)), dtype=float) * z


def swish(z, beta=1.0):
    """The gate is multiplied by z in place."""
    out = sigmoid(np.multiply(z, beta))
    out *= z
    return out


def softmax(z):
    """exp(z - log-sum-exp), in Fortran order."""
    out = np.asfortranarray(z - _log_sum_exp(z))
    return np.exp(out, out=out)


def mse(pred, target):
    """The difference's dot product with itself, as a 0-d array."""
    d = np.subtract(pred, target, dtype=float).ravel()
    return np.asarray(np.einsum("i,i->", d, d) / d.size)


def binary_cross_entropy(logits, y):
    """log(1 + e^-z) for label 1, log(1 + e^z) for label 0; a 0-d array."""
    sign = 1 - 2 * _copy(y)
    return np.asarray(np.logaddexp(0, sign * logits).mean())


def cross_entropy(logits, labels):
    """Log-sum-exp less the right score; a 0-d array."""
    right = np.take_along_axis(np.asarray(logits), np.asarray(labels)[:, None], axis=1)  # (N, 1)
    return np.asarray((_log_sum_exp(logits) - right).mean())


def mlp_forward(x, params):
    """Fold the layers, from the second on, over the first one's scores."""
    layers = [(params[f"W{i}"], params[f"b{i}"]) for i in range(1, len(params) // 2 + 1)]
    return reduce(
        lambda h, layer: linear_forward(relu(h), *layer), layers[1:], linear_forward(x, *layers[0])
    )


def perceptron_fit(X, y, max_epochs):
    """One vector holds w and b, returned as views; a score of exactly 0 counts as -1; counts in an
    array.
    """
    A = _with_ones(X)
    theta = np.zeros(A.shape[1])
    mistakes = np.zeros(max_epochs, dtype=int)
    for epoch in range(max_epochs):
        for a, label in zip(A, y, strict=True):
            if (1 if np.einsum("i,i->", a, theta) > 0 else -1) != label:
                theta += label * a
                mistakes[epoch] += 1
        if mistakes[epoch] == 0:
            break
    return theta[:-1], theta[-1:].reshape(()), mistakes[: epoch + 1]


def softmax_regression_fit(X, labels, n_classes, lr, steps):
    """One matrix holds W (its first D columns) and b (its last); both are returned as views."""
    A = _with_ones(X)
    one_hot = np.asarray(labels)[:, None] == np.arange(n_classes)  # (N, C)
    theta = np.zeros((n_classes, A.shape[1]))
    for _ in range(steps):
        d = softmax(A @ theta.T) - one_hot
        d *= lr / len(A)
        theta -= np.einsum("nc,nd->cd", d, A, optimize=True)
    return theta[:, :-1].T, theta[:, -1]
