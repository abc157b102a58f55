"""The reference for 04-regularization: generalisation and training dynamics in plain NumPy."""

from itertools import pairwise

import numpy as np


def _weights_only(params, lam, slope):
    """lam * slope(w) for each parameter whose name starts with W, zeros for every other one."""
    return {
        k: lam * slope(w) if k.startswith("W") else np.zeros(np.shape(w)) for k, w in params.items()
    }


def l2_penalty(params, lam):
    """lam / 2 times the sum of all squared weights, and its gradients. Krogh & Hertz 1992."""
    value = sum(np.sum(np.square(w)) for k, w in params.items() if k.startswith("W"))
    return lam / 2 * value, _weights_only(params, lam, np.asarray)


def l1_penalty(params, lam):
    """lam times the sum of all absolute weights, and its gradients (0 at 0). Tibshirani 1996."""
    value = sum(np.sum(np.abs(w)) for k, w in params.items() if k.startswith("W"))
    return lam * value, _weights_only(params, lam, np.sign)


def dropout_forward(x, p, rng, training=True):
    """Drop each entry of x with probability p, scale up what is kept: y, and the mask. Srivastava
    et al. 2014.
    """
    if not training:
        return x, np.ones(np.shape(x))
    mask = np.where(rng.random(np.shape(x)) < p, 0.0, 1.0)
    return x * mask / (1 - p), mask


def dropout_backward(dy, mask, p):
    """Given dL/dy, return dL/dx: the same entries, the same scale."""
    return dy * mask / (1 - p)


def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """Normalise each feature of x (N, D) over the batch: y, the running statistics. Ioffe & Szegedy
    2015.
    """
    mean, var = running_mean, running_var
    if training:
        mean, var, n = np.mean(x, axis=0), np.var(x, axis=0), len(x)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * n / (n - 1)  # unbiased
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, running_mean, running_var


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """Given dL/dy (N, D) of training mode, return dL/dx (N, D), dL/dgamma (D,), dL/dbeta (D,)."""
    std = np.sqrt(np.var(x, axis=0) + eps)
    xhat = (x - np.mean(x, axis=0)) / std
    dgamma, dbeta = np.sum(dy * xhat, axis=0), np.sum(dy, axis=0)
    return gamma / std * (dy - (dbeta + xhat * dgamma) / len(x)), dgamma, dbeta


def _standardise(x, eps):
    """x with mean 0 and variance 1 along the last axis, and the standard deviation that it was
    divided by.
    """
    std = np.sqrt(np.var(x, axis=-1, keepdims=True) + eps)
    return (x - np.mean(x, axis=-1, keepdims=True)) / std, std


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Normalise each sample of x (..., D) over its own D features. Ba, Kiros & Hinton 2016."""
    return gamma * _standardise(x, eps)[0] + beta


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Given dL/dy (..., D), return dL/dx (..., D), dL/dgamma (D,), dL/dbeta (D,)."""
    xhat, std = _standardise(x, eps)
    d, samples = gamma * dy, tuple(range(np.ndim(x) - 1))  # every axis but the last
    along = np.mean(d * xhat, axis=-1, keepdims=True)
    dx = (d - np.mean(d, axis=-1, keepdims=True) - xhat * along) / std
    return dx, np.sum(dy * xhat, axis=samples), np.sum(dy, axis=samples)


def smooth_labels(labels, n_classes, eps):
    """Labels (N,) to targets (N, C): (1 - eps) * one-hot + eps / C. Szegedy et al. 2016,
    section 7.
    """
    return (1 - eps) * np.eye(n_classes)[labels] + eps / n_classes


def _log_softmax(logits):
    """Rows of log-probabilities (N, C)."""
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


def soft_cross_entropy(logits, targets):
    """Mean of -sum_c t_c log p_c over the rows (N, C), and dL/dlogits (N, C)."""
    log_p = _log_softmax(logits)
    return -np.sum(targets * log_p) / len(targets), (np.exp(log_p) - targets) / len(targets)


def early_stopping(val_losses, patience):
    """The epoch to go back to and the epoch to stop at, from 0. Prechelt 1998."""
    best = 0
    for epoch, loss in enumerate(val_losses):
        if loss < val_losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return best, epoch


def random_shift(images, max_shift, rng):
    """Move each image (..., H, W) by its own (dy, dx), uniform on -m..m; zeros come in from
    outside.
    """
    m, (height, width) = max_shift, np.shape(images)[-2:]
    frame = [(0, 0)] * (np.ndim(images) - 2) + [(m, m), (m, m)]
    corners = rng.integers(0, 2 * m + 1, size=(len(images), 2))
    padded = np.pad(images, frame)
    return np.stack(
        [image[..., r : r + height, c : c + width] for image, (r, c) in zip(padded, corners)]
    )


def activation_variances(depth, width, scheme, activation, rng):
    """The variance of all activations after each layer, (depth,). Glorot & Bengio 2010, He et al.
    2015.
    """
    std = {"small": 0.01, "xavier": width**-0.5, "he": (2 / width) ** 0.5, "large": 1.0}[scheme]
    f = {
        "relu": _relu,
        "tanh": np.tanh,
        "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
        "linear": np.asarray,
    }[activation]
    h, variances = rng.normal(size=(256, width)), []
    for _ in range(depth):
        h = f(h @ rng.normal(scale=std, size=(width, width)))
        variances.append(np.var(h))
    return np.array(variances)


def _relu(z):
    return np.maximum(z, 0.0)


def _gradients(params, x, targets, p, lam, rng):
    """Gradients of soft cross-entropy plus L2 for a ReLU network of three layers with dropout on
    both hidden ones.
    """
    z1 = x @ params["W1"] + params["b1"]
    h1, mask1 = dropout_forward(_relu(z1), p, rng)
    z2 = h1 @ params["W2"] + params["b2"]
    h2, mask2 = dropout_forward(_relu(z2), p, rng)
    d3 = soft_cross_entropy(h2 @ params["W3"] + params["b3"], targets)[1]
    d2 = dropout_backward(d3 @ params["W3"].T, mask2, p) * (z2 > 0)
    d1 = dropout_backward(d2 @ params["W2"].T, mask1, p) * (z1 > 0)
    grads = {
        "W1": x.T @ d1,
        "b1": d1.sum(0),
        "W2": h1.T @ d2,
        "b2": d2.sum(0),
        "W3": h2.T @ d3,
        "b3": d3.sum(0),
    }
    return {k: grads[k] + penalty for k, penalty in l2_penalty(params, lam)[1].items()}


def train_regularized(X, labels, n_classes, rng, epochs):
    """Momentum on mini-batches, with dropout and a little L2: the parameters of a network
    D-128-96-C.
    """
    sizes, targets = [X.shape[1], 128, 96, n_classes], np.eye(n_classes)[labels]
    params = {
        f"W{i}": rng.normal(scale=(2 / m) ** 0.5, size=(m, n))
        for i, (m, n) in enumerate(pairwise(sizes), 1)
    }
    params |= {f"b{i}": np.zeros(n) for i, n in enumerate(sizes[1:], 1)}
    velocity = {k: np.zeros(w.shape) for k, w in params.items()}
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for rows in np.split(order, range(50, len(X), 50)):
            grads = _gradients(params, X[rows], targets[rows], 0.5, 0.002, rng)
            velocity = {k: 0.9 * v + grads[k] for k, v in velocity.items()}
            params = {k: w - 0.02 * velocity[k] for k, w in params.items()}
    return params


def predict_proba(params, X):
    """Class probabilities (N, C) of the trained network, every unit in its place."""
    h1 = _relu(X @ params["W1"] + params["b1"])
    h2 = _relu(h1 @ params["W2"] + params["b2"])
    return np.exp(_log_softmax(h2 @ params["W3"] + params["b3"]))
