"""Right, and written with loops: Python floats and lists inside, in-place steps that are undone,
closures in Value.
"""

import math

import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    """Move an entry of one working copy, measure, put it back."""
    work = np.array(x, dtype=float)
    slopes = []
    for index in np.ndindex(work.shape):
        kept = float(work[index])
        work[index] = kept + eps
        above = float(f(work))
        work[index] = kept - eps
        below = float(f(work))
        work[index] = kept
        slopes.append((above - below) / (2 * eps))
    return np.array(slopes).reshape(work.shape)


def gradient_check(forward, backward, x, rng):
    """Sums of squares by hand; a uniform upstream gradient."""
    y = np.asarray(forward(x))
    dy = rng.uniform(-1, 1, size=y.shape)
    claimed = backward(dy, x)
    measured = numerical_gradient(lambda v: (dy * np.asarray(forward(v))).sum(), x)
    if np.shape(claimed) != measured.shape:
        return float("inf")
    gap = first = second = 0.0
    for a, b in zip(np.ravel(claimed), measured.ravel()):
        gap, first, second = gap + (a - b) ** 2, first + a**2, second + b**2
    return math.sqrt(gap) / (math.sqrt(first) + math.sqrt(second) + 1e-30)


class Value:
    """Each result knows how to pass its gradient on: a function made on the spot."""

    def __init__(self, data, parents=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.pass_on = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other))

        def pass_on():
            self.grad += out.grad
            other.grad += out.grad

        out.pass_on = pass_on
        return out

    __radd__ = __add__

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other))

        def pass_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.pass_on = pass_on
        return out

    __rmul__ = __mul__

    def _one(self, data, slope):
        out = Value(data, (self,))

        def pass_on():
            self.grad += slope * out.grad

        out.pass_on = pass_on
        return out

    def __pow__(self, n):
        return self._one(self.data**n, n * self.data ** (n - 1))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-1) * other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other

    def exp(self):
        """e to this power."""
        e = math.exp(self.data)
        return self._one(e, e)

    def tanh(self):
        """Hyperbolic tangent."""
        t = math.tanh(self.data)
        return self._one(t, 1 - t * t)

    def relu(self):
        """The larger of this and 0; at 0 the slope is a half."""
        slope = 0.5 if self.data == 0 else (1.0 if self.data > 0 else 0.0)
        return self._one(self.data if self.data > 0 else 0.0, slope)

    def backward(self):
        """Count for every node how many nodes use it; it passes on when all of them have passed on
        to it.
        """
        users, stack, known = {}, [self], {self}
        while stack:
            for parent in stack.pop().parents:
                users[parent] = users.get(parent, 0) + 1
                if parent not in known:
                    known.add(parent)
                    stack.append(parent)
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            node.pass_on()
            for parent in node.parents:
                users[parent] -= 1
                if users[parent] == 0:
                    ready.append(parent)


def linear_backward(dy, x, W):
    """Three nested sums."""
    (n, m), d = dy.shape, x.shape[1]
    dx, dW, db = np.zeros((n, d)), np.zeros((d, m)), np.zeros(m)
    for i in range(n):
        for k in range(m):
            db[k] += dy[i, k]
            for j in range(d):
                dx[i, j] += dy[i, k] * W[j, k]
                dW[j, k] += dy[i, k] * x[i, j]
    return [dx, dW, db]


def _each(f, dy, v):
    """f for every pair of entries; a single number stays a Python float."""
    values = [f(float(a), float(b)) for a, b in zip(np.ravel(dy), np.ravel(v))]
    return np.array(values).reshape(np.shape(dy)) if np.shape(dy) else values[0]


def relu_backward(dy, z):
    """dy where z is positive."""
    return _each(lambda a, b: a if b > 0 else 0.0, dy, z)


def sigmoid_backward(dy, s):
    """s - s^2."""
    return _each(lambda a, b: a * (b - b * b), dy, s)


def tanh_backward(dy, t):
    """(1 - t)(1 + t)."""
    return _each(lambda a, b: a * (1 - b) * (1 + b), dy, t)


def gelu_backward(dy, z):
    """Phi through erfc."""

    def one(a, b):
        return a * (
            math.erfc(-b / math.sqrt(2)) / 2 + b * math.exp(-b * b / 2) / math.sqrt(math.tau)
        )

    return _each(one, dy, z)


def softmax_backward(dp, p):
    """The Jacobian of each row, written out entry by entry."""
    out = np.zeros(p.shape)
    for n, row in enumerate(p):
        for i in range(len(row)):
            for j in range(len(row)):
                out[n, i] += dp[n, j] * row[j] * ((i == j) - row[i])
    return out


def softmax_cross_entropy(logits, labels):
    """Sample by sample, in lists."""
    loss, rows = 0.0, []
    for row, label in zip(np.asarray(logits).tolist(), labels):
        top = max(row)
        e = [math.exp(v - top) for v in row]
        loss += math.log(sum(e)) - (row[label] - top)
        rows.append([(v / sum(e) - (k == label)) / len(labels) for k, v in enumerate(e)])
    return loss / len(labels), np.array(rows)


def xavier_uniform(fan_in, fan_out, rng):
    """Row by row, from numbers in [0, 1)."""
    limit = (6 / (fan_in + fan_out)) ** 0.5
    return np.array([[limit * (2 * u - 1) for u in rng.random(fan_out)] for _ in range(fan_in)])


def he_normal(fan_in, fan_out, rng):
    """Row by row."""
    return np.array([rng.standard_normal(fan_out) * (2 / fan_in) ** 0.5 for _ in range(fan_in)])


def mlp_loss_and_gradients(params, x, labels):
    """A list of layers, popped from its end on the way back."""
    h, tape, i = x, [], 1
    while f"W{i}" in params:
        if i > 1:
            h = np.where(h > 0, h, 0.0)
        tape.append((i, h))
        h = h @ params[f"W{i}"] + params[f"b{i}"]
        i += 1
    loss, d = softmax_cross_entropy(h, labels)
    grads = {}
    while tape:
        i, h = tape.pop()
        grads[f"b{i}"], grads[f"W{i}"] = d.sum(0), h.T @ d
        d = np.where(h > 0, d @ params[f"W{i}"].T, 0.0)
    return loss, grads


def train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """The data is shuffled in place, on copies of its own; the weights move in place too."""
    X, labels = np.array(X), np.array(labels)
    W1, W2 = he_normal(X.shape[1], hidden, rng), he_normal(hidden, n_classes, rng)
    b1, b2 = np.zeros(hidden), np.zeros(n_classes)
    for _ in range(epochs):
        order = list(range(len(X)))
        rng.shuffle(order)
        X, labels = X[order], labels[order]
        start = 0
        while start < len(X):
            x, t = X[start : start + batch_size], labels[start : start + batch_size]
            h = np.maximum(x @ W1 + b1, 0)
            z = h @ W2 + b2
            d = np.exp(z - z.max(axis=1, keepdims=True))
            d /= d.sum(axis=1, keepdims=True)
            d[range(len(t)), t] -= 1
            d /= len(t)
            dh = (d @ W2.T) * (h > 0)
            W2 -= lr * (h.T @ d)
            b2 -= lr * d.sum(axis=0)
            W1 -= lr * (x.T @ dh)
            b1 -= lr * dh.sum(axis=0)
            start += batch_size
    return {"b2": b2, "W2": W2, "b1": b1, "W1": W1}


def predict(params, X):
    """Row by row, a list of ints."""
    labels = []
    for row in X:
        h = [max(float(v), 0.0) for v in row @ params["W1"] + params["b1"]]
        labels.append(int(np.argmax(np.array(h) @ params["W2"] + params["b2"])))
    return labels
