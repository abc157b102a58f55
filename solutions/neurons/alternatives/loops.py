"""Right, and written with loops: Python floats and lists inside, an array only where one is
returned.
"""

import math

import numpy as np


def _each(f, z):
    """Apply f to every entry of z, whatever its shape; a single number stays a Python float."""
    z = np.asarray(z)
    values = [f(float(v)) for v in z.flat]
    return np.array(values).reshape(z.shape) if z.shape else values[0]


def linear_forward(x, W, b):
    """(N, D), (D, M), (M,) -> (N, M), one dot product after the other."""
    x, W, b = np.asarray(x).tolist(), np.asarray(W).tolist(), np.asarray(b).tolist()
    out = []
    for row in x:
        scores = []
        for j in range(len(b)):
            total = float(b[j])
            for d in range(len(row)):
                total += row[d] * W[d][j]
            scores.append(total)
        out.append(scores)
    return np.array(out)


def _sigmoid(v):
    """The sigmoid of one number; exp never sees a positive one."""
    if v >= 0:
        return 1.0 / (1.0 + math.exp(-v))
    return math.exp(v) / (1.0 + math.exp(v))


def sigmoid(z):
    """Squash each score into (0, 1)."""
    return _each(_sigmoid, z)


def relu(z):
    """Keep what is positive."""
    return _each(lambda v: v if v > 0 else 0.0, z)


def leaky_relu(z, slope=0.01):
    """Keep what is positive, shrink the rest."""
    return _each(lambda v: v if v > 0 else slope * v, z)


def gelu(z):
    """z times the normal distribution function, here through erfc."""
    return _each(lambda v: 0.5 * v * math.erfc(-v / math.sqrt(2)), z)


def swish(z, beta=1.0):
    """z through its own gate."""
    return _each(lambda v: v * _sigmoid(beta * v), z)


def _softmax_row(row):
    """Probabilities of one list of scores, a list."""
    top = max(row)
    e = [math.exp(v - top) for v in row]
    return [v / math.fsum(e) for v in e]


def softmax(z):
    """One row after the other."""
    return np.array([_softmax_row(row) for row in np.asarray(z).tolist()])


def mse(pred, target):
    """Add up the squares, count them, divide."""
    total, count = 0.0, 0
    for p, t in zip(np.asarray(pred).flat, np.asarray(target).flat, strict=True):
        total += (float(p) - float(t)) ** 2
        count += 1
    return total / count


def binary_cross_entropy(logits, y):
    """max(z, 0) - y z + log(1 + e^-|z|), averaged."""
    losses = []
    for z, label in zip(np.asarray(logits).flat, np.asarray(y).flat, strict=True):
        z = float(z)
        losses.append(max(z, 0.0) - float(label) * z + math.log1p(math.exp(-abs(z))))
    return sum(losses) / len(losses)


def cross_entropy(logits, labels):
    """The log of each row's sum of exponentials, less the score of the right class, averaged."""
    rows, total = np.asarray(logits).tolist(), 0.0
    for i, row in enumerate(rows):
        top = max(row)
        total += top + math.log(sum(math.exp(v - top) for v in row)) - row[int(labels[i])]
    return total / len(rows)


def mlp_forward(x, params):
    """Go on as long as there is a next layer."""
    i = 1
    x = linear_forward(x, params["W1"], params["b1"])
    while f"W{i + 1}" in params:
        i += 1
        x = linear_forward(relu(x), params[f"W{i}"], params[f"b{i}"])
    return x


def perceptron_fit(X, y, max_epochs):
    """w is a list until the end; a score of exactly 0 counts as +1."""
    samples = [(row, int(label)) for row, label in zip(X.tolist(), y.tolist(), strict=True)]
    w, b = [0.0] * X.shape[1], 0.0
    mistakes = []
    for _ in range(max_epochs):
        wrong = 0
        for x_i, y_i in samples:
            score = b
            for j in range(len(w)):
                score += w[j] * x_i[j]
            predicted = 1 if score >= 0 else -1
            if predicted != y_i:
                wrong += 1
                b += y_i
                for j in range(len(w)):
                    w[j] += y_i * x_i[j]
        mistakes.append(wrong)
        if wrong == 0:
            break
    return np.array(w), b, mistakes


def softmax_regression_fit(X, labels, n_classes, lr, steps):
    """A list of weight vectors, one a class, and a loop over the classes."""
    labels = np.asarray(labels)
    classes = range(n_classes)
    W, b = [np.zeros(X.shape[1]) for _ in classes], [0.0 for _ in classes]
    for _ in range(steps):
        scores = [X @ W[c] + b[c] for c in classes]  # C columns (N,)
        top = scores[0]
        for column in scores:
            top = np.maximum(top, column)
        e = [np.exp(column - top) for column in scores]
        total = sum(e)
        for c in classes:
            error = e[c] / total - (labels == c)  # (N,)
            W[c] = W[c] - lr * (error @ X) / len(X)
            b[c] = b[c] - lr * float(error.mean())
    return np.array(W).T, np.array(b)
