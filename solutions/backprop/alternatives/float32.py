"""Right, and in single precision wherever that can be right: measuring slopes stays in double."""

import math

import numpy as np

F = np.float32


def numerical_gradient(f, x, eps=1e-5):
    """A step of 1e-5 is below float32's reach, so this one stays in float64."""
    x = np.asarray(x, dtype=np.float64)
    flat, out = x.reshape(-1), []
    for i in range(flat.size):
        moved = np.tile(flat, (2, 1))
        moved[0, i] += eps
        moved[1, i] -= eps
        out.append(
            (f(moved[0].reshape(x.shape)) - f(moved[1].reshape(x.shape)))
            / (moved[0, i] - moved[1, i])
        )
    return np.array(out).reshape(x.shape)


def gradient_check(forward, backward, x, rng):
    """A single number at the end, in float32."""
    dy = rng.standard_normal(np.asarray(forward(x)).shape)
    a, b = (
        np.asarray(backward(dy, x)),
        numerical_gradient(lambda v: float(np.vdot(dy, forward(v))), x),
    )
    if a.shape != b.shape:
        return F(1.0)
    size = np.linalg.norm(a) + np.linalg.norm(b)
    return F(np.linalg.norm(a - b) / size) if size > 0 else F(0)


class Value:
    """Numbers in float32; parents and their slopes in one list of pairs."""

    def __init__(self, data, ways=()):
        self.data, self.grad, self.ways = F(data), F(0), list(ways)

    @staticmethod
    def of(v):
        """v itself, or a constant."""
        return v if isinstance(v, Value) else Value(v)

    def __add__(self, other):
        return Value(self.data + Value.of(other).data, [(self, F(1)), (Value.of(other), F(1))])

    def __sub__(self, other):
        return Value(self.data - Value.of(other).data, [(self, F(1)), (Value.of(other), F(-1))])

    def __mul__(self, other):
        other = Value.of(other)
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __truediv__(self, other):
        other = Value.of(other)
        y = self.data / other.data
        return Value(y, [(self, F(1) / other.data), (other, -y / other.data)])

    def __pow__(self, n):
        return Value(self.data**n, [(self, F(n * self.data ** (n - 1)))])

    def __neg__(self):
        return Value(-self.data, [(self, F(-1))])

    def __radd__(self, other):
        return Value.of(other) + self

    def __rsub__(self, other):
        return Value.of(other) - self

    def __rmul__(self, other):
        return Value.of(other) * self

    def __rtruediv__(self, other):
        return Value.of(other) / self

    def exp(self):
        """e to this power."""
        y = np.exp(self.data)
        return Value(y, [(self, y)])

    def tanh(self):
        """Hyperbolic tangent."""
        y = np.tanh(self.data)
        return Value(y, [(self, (F(1) - y) * (F(1) + y))])

    def relu(self):
        """Positive part, with slope 1 at 0."""
        return Value(max(self.data, F(0)), [(self, F(self.data >= 0))])

    def backward(self):
        """Nodes in the order of a depth-first walk with iterators, then backwards through it."""
        order, seen, walk = [], {id(self)}, [(self, iter(self.ways))]
        while walk:
            node, ways = walk[-1]
            for parent, _ in ways:
                if id(parent) not in seen:
                    seen.add(id(parent))
                    walk.append((parent, iter(parent.ways)))
                    break
            else:
                order.append(node)
                walk.pop()
        self.grad = F(1)
        for node in order[::-1]:
            for parent, slope in node.ways:
                parent.grad = parent.grad + slope * node.grad


def _single(*arrays):
    return [np.asarray(a, dtype=F) for a in arrays]


def linear_backward(dy, x, W):
    """In float32."""
    dy, x, W = _single(dy, x, W)
    return np.dot(dy, W.T), np.dot(x.T, dy), np.add.reduce(dy, axis=0)


def relu_backward(dy, z):
    """Any subgradient at 0 will do: here dy / 2."""
    dy, z = _single(dy, z)
    return dy * np.heaviside(z, F(0.5))


def sigmoid_backward(dy, s):
    """In float32."""
    dy, s = _single(dy, s)
    return dy * (s * (1 - s))


def tanh_backward(dy, t):
    """In float32."""
    dy, t = _single(dy, t)
    return dy - dy * np.square(t)


def gelu_backward(dy, z):
    """In float32, with a table-free erf."""
    dy, z = _single(dy, z)
    phi = np.array([math.erfc(-v / math.sqrt(2)) / 2 for v in z.ravel().tolist()], dtype=F).reshape(
        z.shape
    )
    return dy * (phi + z * np.exp(-np.square(z) / 2) * F(1 / math.sqrt(2 * math.pi)))


def softmax_backward(dp, p):
    """In float32."""
    dp, p = _single(dp, p)
    weighted = dp * p
    return weighted - p * weighted.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(logits, labels):
    """In float32."""
    z, labels = np.asarray(logits, dtype=F), np.asarray(labels)
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    truth = np.eye(z.shape[1], dtype=F)[labels]
    return -np.vdot(truth, log_p) / F(len(labels)), (np.exp(log_p) - truth) / F(len(labels))


def xavier_uniform(fan_in, fan_out, rng):
    """In float32, from [0, 1)."""
    limit = F(math.sqrt(6 / (fan_in + fan_out)))
    return (2 * rng.random((fan_in, fan_out), dtype=F) - 1) * limit


def he_normal(fan_in, fan_out, rng):
    """In float32."""
    return rng.standard_normal((fan_in, fan_out), dtype=F) * F(math.sqrt(2 / fan_in))


def mlp_loss_and_gradients(params, x, labels):
    """Recursion over the layers: each call handles one and asks for the rest."""
    depth = len(params) // 2

    def layer(h, i):
        W, b = params[f"W{i}"], params[f"b{i}"]
        z = h @ W + b
        if i == depth:
            loss, dz = softmax_cross_entropy(z, labels)
            grads = {}
        else:
            loss, dh, grads = layer(np.maximum(z, 0), i + 1)
            dz = relu_backward(dh, z)
        dx, dW, db = linear_backward(dz, h, W)
        return loss, dx, {**grads, f"W{i}": dW, f"b{i}": db}

    loss, _, grads = layer(np.asarray(x), 1)
    return loss, grads


def train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """Weights in float32 throughout."""
    X = np.asarray(X, dtype=F)
    params = {
        "W1": he_normal(X.shape[1], hidden, rng),
        "b1": np.zeros(hidden, dtype=F),
        "W2": xavier_uniform(hidden, n_classes, rng),
        "b2": np.zeros(n_classes, dtype=F),
    }
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), range(batch_size, len(X), batch_size)):
            grads = mlp_loss_and_gradients(params, X[batch], labels[batch])[1]
            for name in params:
                params[name] = params[name] - F(lr) * grads[name]
    return params


def predict(params, X):
    """In float32."""
    X, W1, b1, W2, b2 = _single(X, *(params[name] for name in ("W1", "b1", "W2", "b2")))
    return (np.maximum(X @ W1 + b1, 0) @ W2 + b2).argmax(axis=1).astype(np.int32)
