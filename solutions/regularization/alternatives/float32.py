"""Right, and in single precision: every input becomes float32, every result is float32."""

from itertools import pairwise

import numpy as np

F = np.float32


def _single(a):
    return np.asarray(a, dtype=F)


def l2_penalty(params, lam):
    """A float32 number, float32 gradients."""
    weights = {k: _single(w) for k, w in params.items() if k.startswith("W")}
    value = F(lam / 2) * sum((np.vdot(w, w) for w in weights.values()), F(0))
    return value, {
        k: F(lam) * weights[k] if k in weights else np.zeros(np.shape(w), F)
        for k, w in params.items()
    }


def l1_penalty(params, lam):
    """At 0 the slope is taken to be +lam."""
    grads, value = {}, F(0)
    for k, w in params.items():
        grads[k] = np.zeros(np.shape(w), F)
        if k.startswith("W"):
            value += F(lam) * np.abs(_single(w)).sum()
            grads[k] = np.where(_single(w) >= 0, F(lam), -F(lam))
    return value, grads


def dropout_forward(x, p, rng, training=True):
    """The mask is boolean."""
    x = _single(x)
    keep = rng.random(x.shape, dtype=F) >= F(p) if training else np.ones(x.shape, dtype=bool)
    return np.where(keep, x / F(1 - p if training else 1), F(0)), keep


def dropout_backward(dy, mask, p):
    """Kept entries, divided by the chance to be kept."""
    return np.where(np.asarray(mask) > 0, _single(dy) / F(1 - p), F(0))


def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """(N, D) and four (D,) in single precision."""
    x, gamma, beta, mean, var = map(_single, (x, gamma, beta, running_mean, running_var))
    if not training:
        return gamma * (x - mean) / np.sqrt(var + F(eps)) + beta, mean, var
    m, n = F(momentum), len(x)
    centred = x - x.mean(axis=0)
    squares = np.square(centred).sum(axis=0)
    y = gamma * centred / np.sqrt(squares / F(n) + F(eps)) + beta
    return y, (1 - m) * mean + m * x.mean(axis=0), (1 - m) * var + m * squares / F(n - 1)


def _backward(dy, x, gamma, eps, axis):
    dy, x, gamma = map(_single, (dy, x, gamma))
    centred = x - x.mean(axis=axis, keepdims=True)
    std = np.sqrt(np.square(centred).mean(axis=axis, keepdims=True) + F(eps))
    hat, d = centred / std, dy * gamma
    dx = (
        d - d.mean(axis=axis, keepdims=True) - hat * (d * hat).mean(axis=axis, keepdims=True)
    ) / std
    return dx, dy * hat, dy


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """Sums over the batch."""
    dx, a, b = _backward(dy, x, gamma, eps, 0)
    return dx, a.sum(axis=0), b.sum(axis=0)


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Along the last axis."""
    x = _single(x)
    centred = x - x.mean(axis=-1, keepdims=True)
    return _single(gamma) * centred / np.sqrt(
        np.square(centred).mean(axis=-1, keepdims=True) + F(eps)
    ) + _single(beta)


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Sums over all that stands before the last axis."""
    dx, a, b = _backward(dy, x, gamma, eps, -1)
    width = dx.shape[-1]
    return dx, a.reshape(-1, width).sum(axis=0), b.reshape(-1, width).sum(axis=0)


def smooth_labels(labels, n_classes, eps):
    """The right class is found by comparing."""
    one_hot = np.asarray(labels)[:, None] == np.arange(n_classes)
    return np.where(one_hot, F(1 - eps + eps / n_classes), F(eps / n_classes))


def _log_softmax(z):
    z = _single(z)
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def soft_cross_entropy(logits, targets):
    """A float32 number and a float32 array."""
    log_p, t = _log_softmax(logits), _single(targets)
    return -(t * log_p).sum(axis=1).mean(), (np.exp(log_p) - t) / F(len(t))


def early_stopping(val_losses, patience):
    """NumPy integers in an array, from running minima."""
    losses = np.asarray(val_losses, dtype=float)
    smallest = np.minimum.accumulate(losses)
    epochs = np.arange(len(losses))
    new = np.concatenate([[True], smallest[1:] < smallest[:-1]])
    last_best = np.maximum.accumulate(np.where(new, epochs, 0))
    stops = np.flatnonzero(epochs - last_best >= patience)
    stop = stops[0] if len(stops) else epochs[-1]
    return np.array([last_best[stop], stop])[0], stop


def random_shift(images, max_shift, rng):
    """Roll, then clear what has come in."""
    out = np.array(images, dtype=F)
    for image, (dy, dx) in zip(out, rng.integers(-max_shift, max_shift + 1, (len(out), 2))):
        image[...] = np.roll(image, (dy, dx), axis=(-2, -1))
        image[..., slice(0, dy) if dy >= 0 else slice(dy, None), :] = 0
        image[..., slice(0, dx) if dx >= 0 else slice(dx, None)] = 0
    return out


def activation_variances(depth, width, scheme, activation, rng):
    """The functions from a dictionary, the variances in double precision."""
    std = {"small": 0.01, "xavier": (1 / width) ** 0.5, "he": (2 / width) ** 0.5, "large": 1}[
        scheme
    ]
    names = ["relu", "tanh", "sigmoid", "linear"]
    f = [lambda z: z * (z > 0), np.tanh, lambda z: 1 / (1 + np.exp(-z)), lambda z: z][
        names.index(activation)
    ]
    h, found = rng.standard_normal((300, width), dtype=F), np.empty(depth, F)
    for layer in range(depth):
        h = f(h @ (F(std) * rng.standard_normal((width, width), dtype=F)))
        found[layer] = h.astype(float).var()
    return found


def train_regularized(X, labels, n_classes, rng, epochs):
    """Dropout on the inputs too, momentum, a rate that falls to zero along a cosine."""
    X, sizes = _single(X), [X.shape[1], 160, 96, n_classes]
    T = smooth_labels(labels, n_classes, 0.0)
    W = [rng.standard_normal((m, n), dtype=F) * F((2 / m) ** 0.5) for m, n in pairwise(sizes)]
    b = [np.zeros(n, F) for n in sizes[1:]]
    V = [np.zeros_like(w) for w in W + b]
    for epoch in range(epochs):
        rate = F(0.02 * (1 + np.cos(np.pi * epoch / epochs)))
        for rows in np.array_split(rng.permutation(len(X)), max(1, len(X) // 40)):
            x, mask0 = dropout_forward(X[rows], 0.1, rng)
            z1 = x @ W[0] + b[0]
            h1, mask1 = dropout_forward(np.maximum(z1, 0), 0.5, rng)
            z2 = h1 @ W[1] + b[1]
            h2, mask2 = dropout_forward(np.maximum(z2, 0), 0.5, rng)
            d3 = soft_cross_entropy(h2 @ W[2] + b[2], T[rows])[1]
            d2 = dropout_backward(d3 @ W[2].T, mask2, 0.5) * (z2 > 0)
            d1 = dropout_backward(d2 @ W[1].T, mask1, 0.5) * (z1 > 0)
            grads = [x.T @ d1, h1.T @ d2, h2.T @ d3, d1.sum(0), d2.sum(0), d3.sum(0)]
            for v, g, w in zip(V, grads, W + b):
                v *= F(0.9)
                v += g
                w -= rate * v
    return {"W": W, "b": b}


def predict_proba(params, X):
    """exp of the log-softmax."""
    h = _single(X)
    for W, b in list(zip(params["W"], params["b"]))[:-1]:
        h = np.maximum(h @ W + b, 0)
    return np.exp(_log_softmax(h @ params["W"][-1] + params["b"][-1]))
