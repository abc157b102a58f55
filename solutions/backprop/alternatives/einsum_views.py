"""Right, in other forms: einsum, Jacobians written out, views and Fortran order, a tape."""

import math

import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    """All moved copies of x at once, from rows of an identity matrix."""
    x = np.asarray(x, dtype=float)
    moves = (eps * np.eye(x.size)).reshape(x.size, *x.shape)
    above, below = ([float(f(x + sign * move)) for move in moves] for sign in (1, -1))
    return (np.subtract(above, below) / (2 * eps)).reshape(x.shape)


def gradient_check(forward, backward, x, rng):
    """Copies handed out, and an einsum for the sum."""
    y = np.asarray(forward(x), dtype=float)
    dy = rng.normal(size=y.shape)
    claimed = np.asarray(backward(dy.copy(), x.copy()), dtype=float)
    if claimed.shape != x.shape:
        return math.inf
    measured = numerical_gradient(lambda v: np.einsum("i,i->", dy.ravel(), np.ravel(forward(v))), x)
    size = np.linalg.norm(claimed, axis=None) + np.linalg.norm(measured, axis=None)
    return np.linalg.norm(claimed - measured) / size if size else 0.0


class Value:
    """Every node carries the time of its making: later nodes come first on the way back, no search
    needed.
    """

    made = 0

    def __init__(self, data, edges=()):
        self.data, self.grad, self.edges = np.asarray(float(data)), np.zeros(()), edges
        Value.made += 1
        self.time = Value.made

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other):
        other = as_value(other)
        return Value(self.data - other.data, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __truediv__(self, other):
        other = as_value(other)
        return Value(
            self.data / other.data, ((self, 1 / other.data), (other, -self.data / other.data**2))
        )

    def __pow__(self, n):
        return Value(self.data**n, ((self, n * self.data**n / self.data),))

    def __neg__(self):
        return 0 - self

    def __radd__(self, other):
        return as_value(other) + self

    def __rsub__(self, other):
        return as_value(other) - self

    def __rmul__(self, other):
        return as_value(other) * self

    def __rtruediv__(self, other):
        return as_value(other) / self

    def exp(self):
        """e to this power."""
        return Value(np.exp(self.data), ((self, np.exp(self.data)),))

    def tanh(self):
        """Hyperbolic tangent; its slope as 1 / cosh^2, which underflows instead of overflowing."""
        with np.errstate(over="ignore"):
            return Value(np.tanh(self.data), ((self, np.cosh(self.data) ** -2.0),))

    def relu(self):
        """Positive part."""
        return Value(self.data * (self.data > 0), ((self, (self.data > 0) * 1.0),))

    def backward(self):
        """All nodes below, latest first."""
        below, todo = {self.time: self}, [self]
        while todo:
            for node, _ in todo.pop().edges:
                if node.time not in below:
                    below[node.time] = node
                    todo.append(node)
        self.grad = np.ones(())
        for time in sorted(below, reverse=True):
            for node, slope in below[time].edges:
                node.grad = node.grad + slope * below[time].grad


def as_value(v):
    """v itself, or a constant."""
    return v if isinstance(v, Value) else Value(v)


def linear_backward(dy, x, W):
    """Each gradient as an einsum; dW in Fortran order."""
    dx = np.einsum("nm,dm->nd", dy, W)
    dW = np.einsum("nd,nm->md", x, dy).T
    return dx, dW, np.einsum("nm->m", dy)


def relu_backward(dy, z):
    """Half of dy (1 + sign z)."""
    return np.asarray(dy) * (1 + np.sign(z)) / 2


def sigmoid_backward(dy, s):
    """A quarter minus the squared distance from one half."""
    return np.multiply(dy, 0.25 - np.square(np.subtract(s, 0.5)))


def tanh_backward(dy, t):
    """One buffer of one's own."""
    out = np.array(t, dtype=float)
    out *= out
    np.subtract(1.0, out, out=out)
    out *= dy
    return out


def gelu_backward(dy, z):
    """frompyfunc gives objects, so back to floats."""
    slope = np.frompyfunc(
        lambda v: (
            0.5 * (1 + math.erf(v * math.sqrt(0.5)))
            + v * math.exp(-0.5 * v * v) / math.sqrt(2 * math.pi)
        ),
        1,
        1,
    )
    return np.asarray(slope(np.asarray(z, dtype=float)), dtype=float) * dy


def softmax_backward(dp, p):
    """The Jacobians of all rows, (N, C, C)."""
    jacobian = np.einsum("ni,ij->nij", p, np.eye(p.shape[1])) - np.einsum("ni,nj->nij", p, p)
    return np.einsum("nij,nj->ni", jacobian, dp)


def softmax_cross_entropy(logits, labels):
    """By log-sum-exp."""
    z = np.array(logits, dtype=float)
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    truth = np.equal.outer(np.asarray(labels), np.arange(z.shape[1])).astype(float)
    return np.asarray(-(truth * log_p).sum(axis=1).mean()), np.asfortranarray(
        (np.exp(log_p) - truth) / len(z)
    )


def xavier_uniform(fan_in, fan_out, rng):
    """A view of a longer draw."""
    a = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-a, a, size=(fan_out, fan_in + 1))[:, 1:].T


def he_normal(fan_in, fan_out, rng):
    """Scaled afterwards, through the standard deviation."""
    w = rng.standard_normal(size=fan_in * fan_out).reshape(fan_in, fan_out, order="F")
    w *= np.sqrt(2.0) / np.sqrt(fan_in)
    return w


def mlp_loss_and_gradients(params, x, labels):
    """The bias folded in as a last row: gradients are views of one array for each layer."""
    depth = len(params) // 2
    layers = [np.vstack([params[f"W{i}"], params[f"b{i}"]]) for i in range(1, depth + 1)]
    inputs = []
    for V in layers:
        x = np.maximum(x, 0) if inputs else x
        inputs.append(np.column_stack([x, np.ones(len(x))]))
        x = inputs[-1] @ V
    loss, d = softmax_cross_entropy(x, labels)
    grads = {}
    for i in reversed(range(depth)):
        dV = inputs[i].T @ d
        grads[f"W{i + 1}"], grads[f"b{i + 1}"] = dV[:-1], dV[-1]
        d = (d @ layers[i].T)[:, :-1] * (inputs[i][:, :-1] > 0)
    return loss, grads


def train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """Indices shuffled in place; a small random bias to begin with."""
    params = {
        "W2": he_normal(hidden, n_classes, rng),
        "W1": he_normal(X.shape[1], hidden, rng),
        "b1": rng.uniform(-0.1, 0.1, size=hidden),
        "b2": np.zeros(n_classes),
    }
    order = np.arange(len(X))
    for _ in range(epochs):
        rng.shuffle(order)
        for i in range(-(-len(X) // batch_size)):
            batch = order[i * batch_size :][:batch_size]
            _, grads = mlp_loss_and_gradients(params, X[batch], labels[batch])
            for name, part in grads.items():
                params[name] -= lr * part
    return params


def predict(params, X):
    """argsort's last column."""
    h = np.einsum("nd,dh->nh", X, params["W1"]) + params["b1"]
    return np.argsort(h.clip(0) @ params["W2"] + params["b2"], axis=1)[:, -1]
