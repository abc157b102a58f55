"""The reference for 02-backprop: from the chain rule to a trained network, in plain NumPy."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[float])


def numerical_gradient(f, x, eps=1e-5):
    """Measure df/dx of any shape: (f(x + eps e_i) - f(x - eps e_i)) / 2 eps for each entry i."""
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[i] = eps
        gradient[i] = (f(x + step) - f(x - step)) / (2 * eps)
    return gradient


def gradient_check(forward, backward, x, rng):
    """Relative error of backward(dy, x) against the measured gradient of sum(dy * forward(x)), dy
    random.
    """
    dy = rng.normal(size=np.shape(forward(x)))
    claimed = np.asarray(backward(dy, x))
    measured = numerical_gradient(lambda x: np.sum(dy * forward(x)), x)
    if claimed.shape != measured.shape:
        return math.inf
    size = np.linalg.norm(claimed) + np.linalg.norm(measured)
    return float(np.linalg.norm(claimed - measured) / max(size, 1e-12))


class Value:
    """A number that remembers what it was computed from, so that `backward` can find every slope.

    Each result keeps its operands and the local slope with respect to each of them: the chain rule,
    run from the result backwards (Linnainmaa 1970), needs nothing else.
    """

    def __init__(self, data, operands=(), slopes=()):
        self.data, self.grad = float(data), 0.0
        self._operands, self._slopes = operands, slopes

    def __add__(self, other):
        other = _value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = _value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * _value(other) ** -1

    def __rsub__(self, other):
        return _value(other) - self

    def __rtruediv__(self, other):
        return _value(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def exp(self):
        """e to this power: the slope is the result itself."""
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def tanh(self):
        """tanh, with the slope 1 - tanh^2."""
        y = math.tanh(self.data)
        return Value(y, (self,), (1 - y**2,))

    def relu(self):
        """max(data, 0), with the slope 1 or 0."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def backward(self):
        """Give every node that this one depends on its slope d(self)/d(node), in `.grad`."""
        self.grad = 1.0
        for node in reversed(_operands_first(self)):
            for operand, slope in zip(node._operands, node._slopes):
                operand.grad += slope * node.grad


def _value(other):
    return other if isinstance(other, Value) else Value(other)


def _operands_first(result):
    """Every node below `result` once, each after its operands: depth first, with a stack of our
    own.
    """
    order, seen, stack = [], set(), [(result, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack += [(node, True), *((operand, False) for operand in node._operands)]
    return order


def linear_backward(dy, x, W):
    """Given dL/dy (N, M) of y = x W + b, return dL/dx (N, D), dL/dW (D, M), dL/db (M,)."""
    return dy @ W.T, x.T @ dy, dy.sum(axis=0)


def relu_backward(dy, z):
    """Given dL/dy of y = relu(z), return dL/dz; of one shape, any."""
    return dy * (np.asarray(z) > 0)


def sigmoid_backward(dy, s):
    """Given dL/ds and s = sigmoid(z), return dL/dz."""
    return dy * s * (1 - s)


def tanh_backward(dy, t):
    """Given dL/dt and t = tanh(z), return dL/dz."""
    return dy * (1 - t**2)


def gelu_backward(dy, z):
    """Given dL/dy of y = z Phi(z), return dL/dz = dL/dy (Phi(z) + z phi(z)). Hendrycks & Gimpel
    2016.
    """
    distribution = (1 + _erf(z / math.sqrt(2))) / 2
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return dy * (distribution + z * density)


def softmax_backward(dp, p):
    """Given dL/dp (N, C) and p = softmax(z), return dL/dz = p (dL/dp - sum_j p_j dL/dp_j)."""
    return p * (dp - (p * dp).sum(axis=1, keepdims=True))


def softmax_cross_entropy(logits, labels):
    """Mean of -log softmax(logits (N, C))[n, labels[n]] as a float, and its gradient (P -
    T) / N.
    """
    rows = np.arange(len(labels))
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_p)  # P (N, C)
    dlogits[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), dlogits / len(labels)


def xavier_uniform(fan_in, fan_out, rng):
    """Weights (fan_in, fan_out), uniform within +-sqrt(6 / (fan_in + fan_out)). Glorot & Bengio
    2010, eq. 16.
    """
    limit = math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


def he_normal(fan_in, fan_out, rng):
    """Weights (fan_in, fan_out), normal with variance 2 / fan_in. He et al. 2015, eq. 10."""
    return rng.normal(0.0, math.sqrt(2 / fan_in), size=(fan_in, fan_out))


def mlp_loss_and_gradients(params, x, labels):
    """Cross-entropy of linear layers W1, b1 ... WL, bL with ReLU between, and its gradient for each
    tensor.

    Rumelhart, Hinton & Williams 1986: forward keeping every layer's input and scores, then
    backward.
    """
    depth = len(params) // 2
    inputs, scores, grads = [x], [], {}
    for i in range(1, depth + 1):
        scores.append(inputs[-1] @ params[f"W{i}"] + params[f"b{i}"])
        inputs.append(np.maximum(scores[-1], 0))
    loss, dz = softmax_cross_entropy(scores[-1], labels)
    for i in range(depth, 0, -1):
        dh, grads[f"W{i}"], grads[f"b{i}"] = linear_backward(dz, inputs[i - 1], params[f"W{i}"])
        if i > 1:
            dz = relu_backward(dh, scores[i - 2])
    return loss, grads


def train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """Mini-batch SGD on a network with one hidden layer: W1 (D, hidden), b1, W2 (hidden, C), b2."""
    sizes = [X.shape[1], hidden, n_classes]
    params = {f"W{i}": he_normal(sizes[i - 1], sizes[i], rng) for i in (1, 2)}
    params |= {f"b{i}": np.zeros(sizes[i]) for i in (1, 2)}
    for _ in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            batch = order[start : start + batch_size]
            _, grads = mlp_loss_and_gradients(params, X[batch], labels[batch])
            params = {name: params[name] - lr * grads[name] for name in params}
    return params


def predict(params, X):
    """The class with the greatest score, for each row of X: (N, D) -> (N,)."""
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    return np.argmax(h @ params["W2"] + params["b2"], axis=1)
