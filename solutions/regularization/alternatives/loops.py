"""Right, and written with loops: one entry, one row or one feature at a time, Python numbers and
lists inside.
"""

import math

import numpy as np


def l2_penalty(params, lam):
    """Add up the squares of one matrix after the other."""
    total, grads = 0.0, {}
    for key in params:
        if key[0] == "W":
            for w in np.asarray(params[key], dtype=float).flat:
                total += float(w) ** 2
            grads[key] = params[key] * lam
        else:
            grads[key] = params[key] * 0
    return 0.5 * lam * total, grads


def l1_penalty(params, lam):
    """Add up the sizes; at 0 the slope is taken to be -lam, which is as good as any between."""
    total, grads = 0.0, {}
    for key, value in params.items():
        grad = np.zeros(np.shape(value))
        if key[0] == "W":
            for index, w in np.ndenumerate(value):
                total += abs(float(w))
                grad[index] = lam if w > 0 else -lam
        grads[key] = grad
    return lam * total, grads


def dropout_forward(x, p, rng, training=True):
    """Toss a coin for every entry."""
    x = np.asarray(x)
    y, mask = np.zeros(x.shape), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        if not training:
            y[index], mask[index] = x[index], 1
        elif rng.random() >= p:
            y[index], mask[index] = x[index] / (1 - p), 1
    return y, mask


def dropout_backward(dy, mask, p):
    """The gradient of each entry that was kept, divided as in the forward."""
    dx = np.zeros(np.shape(dy))
    for index in np.ndindex(dx.shape):
        if mask[index]:
            dx[index] = dy[index] / (1 - p)
    return dx


def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """One feature after the other, its mean and variance by hand."""
    n, d = np.shape(x)
    y, new_mean, new_var = np.zeros((n, d)), [], []
    for j in range(d):
        column = [float(v) for v in np.asarray(x)[:, j]]
        mean, var = float(running_mean[j]), float(running_var[j])
        if training:
            mean = sum(column) / n
            squares = sum((v - mean) ** 2 for v in column)
            var = squares / n
            new_mean.append((1 - momentum) * running_mean[j] + momentum * mean)
            new_var.append((1 - momentum) * running_var[j] + momentum * squares / (n - 1))
        for i in range(n):
            y[i, j] = gamma[j] * (column[i] - mean) / math.sqrt(var + eps) + beta[j]
    return (y, new_mean, new_var) if training else (y, running_mean, running_var)


def _column_backward(dy, x, gamma, eps):
    """Gradients of one normalised list of numbers with one gamma each: (dx, dy * xhat)."""
    n = len(x)
    mean = sum(x) / n
    std = math.sqrt(sum((v - mean) ** 2 for v in x) / n + eps)
    hat = [(v - mean) / std for v in x]
    d = [g * u for g, u in zip(gamma, dy)]
    level, along = sum(d) / n, sum(a * b for a, b in zip(d, hat)) / n
    return [(d[i] - level - hat[i] * along) / std for i in range(n)], [
        u * h for u, h in zip(dy, hat)
    ]


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """One feature after the other."""
    columns = []
    for j in range(np.shape(x)[1]):
        u, v = np.asarray(dy)[:, j].tolist(), np.asarray(x, float)[:, j].tolist()
        dx, products = _column_backward(u, v, [float(gamma[j])] * len(v), eps)
        columns.append((dx, sum(products), sum(u)))
    return (
        np.array([c[0] for c in columns]).T,
        np.array([c[1] for c in columns]),
        np.array([c[2] for c in columns]),
    )


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """One sample after the other, whatever stands before the last axis."""
    x = np.asarray(x, dtype=float)
    y = np.zeros(x.shape)
    for index in np.ndindex(x.shape[:-1]):
        row = x[index].tolist()
        mean = sum(row) / len(row)
        std = math.sqrt(sum((v - mean) ** 2 for v in row) / len(row) + eps)
        y[index] = [g * (v - mean) / std + b for v, g, b in zip(row, gamma, beta)]
    return y


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """One sample after the other; the parameters' gradients are added up on the way."""
    dx, dgamma, dbeta = np.zeros(np.shape(x)), np.zeros(len(gamma)), np.zeros(len(gamma))
    for index in np.ndindex(dx.shape[:-1]):
        row, products = _column_backward(dy[index].tolist(), x[index].tolist(), gamma.tolist(), eps)
        dx[index] = row
        dgamma += products
        dbeta += dy[index]
    return dx, dgamma, dbeta


def smooth_labels(labels, n_classes, eps):
    """A list of lists."""
    return [
        [(1 - eps) * (c == k) + eps / n_classes for c in range(n_classes)]
        for k in np.asarray(labels).tolist()
    ]


def soft_cross_entropy(logits, targets):
    """Row by row, through log-sum-exp."""
    loss, gradient = 0.0, []
    for z, t in zip(np.asarray(logits).tolist(), np.asarray(targets).tolist()):
        top = max(z)
        log_sum = top + math.log(sum(math.exp(v - top) for v in z))
        loss += sum(t_c * (log_sum - z_c) for t_c, z_c in zip(t, z))
        gradient.append([(math.exp(z_c - log_sum) - t_c) / len(logits) for t_c, z_c in zip(t, z)])
    return loss / len(logits), gradient


def early_stopping(val_losses, patience):
    """Count the epochs since the best one."""
    best, best_loss, waited = -1, math.inf, 0
    for epoch in range(len(val_losses)):
        if val_losses[epoch] < best_loss:
            best, best_loss, waited = epoch, val_losses[epoch], 0
        else:
            waited += 1
            if waited >= patience:
                return best, epoch
    return best, len(val_losses) - 1


def random_shift(images, max_shift, rng):
    """Copy pixel by pixel to its new place, if that is inside."""
    images = np.asarray(images)
    out = np.zeros(images.shape)
    height, width = images.shape[-2:]
    for n in range(len(images)):
        dy, dx = (int(rng.integers(-max_shift, max_shift, endpoint=True)) for _ in range(2))
        for i in range(height):
            for j in range(width):
                if 0 <= i + dy < height and 0 <= j + dx < width:
                    out[n, ..., i + dy, j + dx] = images[n, ..., i, j]
    return out


def activation_variances(depth, width, scheme, activation, rng):
    """One layer after the other; a list."""
    if scheme == "small":
        std = 0.01
    elif scheme == "large":
        std = 1.0
    else:
        std = math.sqrt((2.0 if scheme == "he" else 1.0) / width)
    h = rng.standard_normal((100, width))
    found = []
    for _ in range(depth):
        h = h @ (std * rng.standard_normal((width, width)))
        if activation == "relu":
            h = h * (h > 0)
        elif activation == "tanh":
            h = np.tanh(h)
        elif activation == "sigmoid":
            h = 1 / (1 + np.exp(-h))
        found.append(float(((h - h.mean()) ** 2).mean()))
    return found


def train_regularized(X, labels, n_classes, rng, epochs):
    """Adam on a network of three layers, dropout 0.5 after both hidden ones; the parameters are
    lists of layers.
    """
    sizes = [X.shape[1], 100, 100, n_classes]
    W = [rng.standard_normal((sizes[i], sizes[i + 1])) * math.sqrt(2 / sizes[i]) for i in range(3)]
    b = [np.zeros(n) for n in sizes[1:]]
    slots = [[np.zeros(a.shape), np.zeros(a.shape)] for a in W + b]
    t = 0
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), 30):
            rows = order[start : start + 30]
            inputs, masks, h = [], [], X[rows]
            for i in range(3):
                inputs.append(h)
                h = h @ W[i] + b[i]
                if i < 2:
                    keep = (h > 0) * (rng.random(h.shape) < 0.5) * 2.0
                    masks.append(keep)
                    h = h * keep
            p = np.exp(h - h.max(axis=1, keepdims=True))
            d = p / p.sum(axis=1, keepdims=True)
            d[np.arange(len(rows)), labels[rows]] -= 1
            d /= len(rows)
            gW, gb = [None] * 3, [None] * 3
            for i in (2, 1, 0):
                gW[i], gb[i] = inputs[i].T @ d, d.sum(axis=0)
                if i:
                    d = (d @ W[i].T) * masks[i - 1]
            t += 1
            for array, g, slot in zip(W + b, gW + gb, slots):
                slot[0] += 0.1 * (g - slot[0])
                slot[1] += 0.001 * (g * g - slot[1])
                array -= 1e-3 * slot[0] / (1 - 0.9**t) / (np.sqrt(slot[1] / (1 - 0.999**t)) + 1e-8)
    return [W, b]


def predict_proba(params, X):
    """Row by row at the end."""
    W, b = params
    h = X
    for i in range(3):
        h = h @ W[i] + b[i]
        if i < 2:
            h = np.where(h > 0, h, 0)
    rows = []
    for row in h:
        e = [math.exp(v - max(row)) for v in row]
        rows.append([v / sum(e) for v in e])
    return np.array(rows)
