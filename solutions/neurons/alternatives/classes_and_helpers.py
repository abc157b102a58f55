"""Right, and engineered: classes, helpers, a cache, prints, and np.where, which warns of
overflow.
"""

import functools
import math
from dataclasses import dataclass, field

import numpy as np

SQRT_2 = math.sqrt(2.0)


def as_float(z):
    """z as a float64 array."""
    return np.asarray(z, dtype=np.float64)


@functools.lru_cache(maxsize=4096)
def normal_cdf(v):
    """The standard normal's distribution function at one number, remembered."""
    return 0.5 * (1.0 + math.erf(v / SQRT_2))


def one_hot(labels, n_classes):
    """Labels (N,) -> (N, C) of zeros and ones."""
    out = np.zeros((len(labels), n_classes))
    out[range(len(labels)), labels] = 1.0
    return out


def log_softmax(z):
    """Rows of log-probabilities (N, C)."""
    z = as_float(z)
    top = np.amax(z, axis=-1)[:, np.newaxis]
    return z - top - np.log(np.sum(np.exp(z - top), axis=-1))[:, np.newaxis]


@dataclass
class Linear:
    """One layer, callable."""

    W: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return np.matmul(as_float(x), self.W) + self.b


@dataclass
class Perceptron:
    """Weights, bias and the history of mistakes."""

    w: np.ndarray
    b: float = 0.0
    history: list = field(default_factory=list)

    def sees(self, x, y):
        """Learn from one sample if it is a mistake (a score of exactly 0 always is); say whether it
        was.
        """
        if np.sign(np.dot(self.w, x) + self.b) == y:
            return False
        self.w, self.b = self.w + y * x, self.b + float(y)
        return True

    def converged(self):
        """Was the last epoch clean?"""
        return bool(self.history) and self.history[-1] == 0


def linear_forward(x, W, b):
    """(N, D), (D, M), (M,) -> (N, M)."""
    return Linear(W, b)(x)


def sigmoid(z):
    """Both stable forms are computed everywhere and one is kept: the other may overflow,
    and warn.
    """
    z = as_float(z)
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def relu(z):
    """Leaky ReLU without a leak."""
    return leaky_relu(z, slope=0.0)


def leaky_relu(z, slope=0.01):
    """The positive part, and slope times the negative part."""
    z = as_float(z)
    return np.maximum(z, 0) + slope * np.minimum(z, 0)


def gelu(z):
    """z times the normal distribution function, looked up entry by entry."""
    z = as_float(z)
    phi = np.fromiter((normal_cdf(v) for v in z.ravel().tolist()), dtype=float, count=z.size)
    return z * phi.reshape(z.shape)


def swish(z, beta=1.0):
    """z / (1 + exp(-beta z)): overflow gives z / inf, which is the right 0."""
    z = as_float(z)
    return z / (1 + np.exp(-beta * z))


def softmax(z):
    """exp of the log-softmax, divided once more by its own sum."""
    p = np.exp(log_softmax(z))
    return p / p.sum(axis=-1)[:, np.newaxis]


def mse(pred, target):
    """np.average of the squares, a NumPy scalar."""
    return np.average((as_float(pred) - as_float(target)) ** 2)


def binary_cross_entropy(logits, y):
    """A two-class cross-entropy: the scores are 0 and z."""
    z = as_float(logits).ravel()
    return cross_entropy(np.stack([np.zeros_like(z), z], axis=1), as_float(y).ravel().astype(int))


def cross_entropy(logits, labels):
    """Minus the one-hot labels times the log-probabilities, a NumPy scalar."""
    log_p = log_softmax(logits)
    return -np.sum(one_hot(labels, log_p.shape[1]) * log_p) / len(log_p)


def mlp_forward(x, params):
    """Build the layers, then run them."""
    depth = max(int(name[1:]) for name in params)
    *hidden, last = [Linear(params[f"W{i}"], params[f"b{i}"]) for i in range(1, depth + 1)]
    for layer in hidden:
        x = relu(layer(x))
    return last(x)


def perceptron_fit(X, y, max_epochs):
    """A list for the tuple; the history is the model's own."""
    model = Perceptron(np.zeros(X.shape[1]))
    for epoch in range(max_epochs):
        model.history.append(sum(model.sees(x_i, y_i) for x_i, y_i in zip(X, y, strict=True)))
        if model.converged():
            print(f"converged after {epoch + 1} epochs")
            break
    return [model.w, model.b, model.history]


def softmax_regression_fit(X, labels, n_classes, lr, steps):
    """A model dictionary, progress on the screen, a list for the tuple."""
    target = one_hot(labels, n_classes)
    model = {"W": np.zeros((X.shape[1], n_classes)), "b": np.zeros(n_classes)}
    for step in range(steps):
        logits = linear_forward(X, **model)
        error = softmax(logits) - target
        grads = {"W": np.transpose(X) @ error / len(X), "b": np.mean(error, axis=0)}
        model = {name: value - lr * grads[name] for name, value in model.items()}
        if step % 100 == 0:
            print(f"step {step:4d}  loss {cross_entropy(logits, labels):.4f}")
    return [model["W"], model["b"]]
