"""The reference for 01-neurons: neurons, layers and losses in plain NumPy."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])


def linear_forward(x, W, b):
    """Map a batch x (N, D) through weights W (D, M) and bias b (M,) to (N, M)."""
    return x @ W + b  # (N, D) @ (D, M) + (M,)


def sigmoid(z):
    """Squash scores of any shape into (0, 1); exp only ever sees numbers <= 0."""
    e = np.exp(-np.abs(z))
    return np.where(np.asarray(z) >= 0, 1 / (1 + e), e / (1 + e))


def relu(z):
    """max(z, 0), entry by entry. Nair & Hinton 2010."""
    return np.maximum(z, 0.0)


def leaky_relu(z, slope=0.01):
    """z where z is positive, slope * z elsewhere, 0 <= slope <= 1. Maas et al. 2013."""
    return np.where(np.asarray(z) > 0, z, slope * np.asarray(z))


def gelu(z):
    """z times the standard normal's distribution function at z. Hendrycks & Gimpel 2016."""
    z = np.asarray(z)
    return z * (1 + _erf(z / math.sqrt(2))) / 2


def swish(z, beta=1.0):
    """z * sigmoid(beta z). Ramachandran, Zoph & Le 2017."""
    z = np.asarray(z)
    return z * sigmoid(beta * z)


def softmax(z):
    """Turn each row of scores (N, C) into probabilities (N, C). Bridle 1990."""
    e = np.exp(z - np.max(z, axis=1, keepdims=True))  # shift, so that exp cannot overflow
    return e / e.sum(axis=1, keepdims=True)


def mse(pred, target):
    """Mean squared error over all entries, a float."""
    return float(np.mean((np.asarray(pred) - target) ** 2))


def binary_cross_entropy(logits, y):
    """Mean of -log p(y) for labels y in {0, 1}, one logit each; log(1 + e^z) - y z."""
    logits = np.asarray(logits)
    return float(np.mean(np.logaddexp(0.0, logits) - y * logits))


def cross_entropy(logits, labels):
    """Mean of -log softmax(logits (N, C))[i, labels[i]], through log-sum-exp."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-np.mean(log_p[np.arange(len(labels)), labels]))


def mlp_forward(x, params):
    """Linear layers W1, b1 ... WL, bL with ReLU between them and none after the last."""
    depth = len(params) // 2
    for i in range(1, depth):
        x = relu(linear_forward(x, params[f"W{i}"], params[f"b{i}"]))
    return linear_forward(x, params[f"W{depth}"], params[f"b{depth}"])


def perceptron_fit(X, y, max_epochs):
    """Rosenblatt's rule (1958) from zeros: return w (D,), b and the mistakes of each epoch."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    while len(mistakes) < max_epochs and 0 not in mistakes:
        wrong = 0
        for x_i, y_i in zip(X, y):
            if y_i * (w @ x_i + b) <= 0:
                w, b, wrong = w + y_i * x_i, b + y_i, wrong + 1
        mistakes.append(wrong)
    return w, b, mistakes


def softmax_regression_fit(X, labels, n_classes, lr, steps):
    """Full-batch gradient descent on the cross-entropy, from zeros: W (D, C), b (C,)."""
    W, b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes)
    one_hot = np.eye(n_classes)[labels]
    for _ in range(steps):
        d = (softmax(linear_forward(X, W, b)) - one_hot) / len(X)  # dL/dlogits (N, C)
        W, b = W - lr * (X.T @ d), b - lr * d.sum(axis=0)
    return W, b
