"""Right, and engineered: layers as classes with a cache, a registry of schemes, prints, decoupled
weight decay.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np


def as_float(x):
    """x as a float64 array."""
    return np.asarray(x, dtype=np.float64)


def is_weight(name):
    """Weights are what starts with W."""
    return name.startswith("W")


@dataclass
class Penalty:
    """A penalty by its value and its slope at each weight."""

    value: callable
    slope: callable

    def __call__(self, params, lam):
        weights = {k: as_float(w) for k, w in params.items() if is_weight(k)}
        total = np.sum([lam * self.value(w) for w in weights.values()])
        return [
            total,
            {
                k: lam * self.slope(weights[k]) if k in weights else np.zeros_like(as_float(w))
                for k, w in params.items()
            },
        ]


L2 = Penalty(lambda w: 0.5 * np.linalg.norm(w) ** 2, np.copy)
L1 = Penalty(lambda w: np.abs(w).sum(), lambda w: np.greater(w, 0).astype(float) - np.less(w, 0))


def l2_penalty(params, lam):
    """Half the squared Frobenius norms."""
    return L2(params, lam)


def l1_penalty(params, lam):
    """The sum of sizes."""
    return L1(params, lam)


@dataclass
class Dropout:
    """Inverted dropout."""

    p: float
    rng: np.random.Generator
    mask: np.ndarray = None

    @property
    def scale(self):
        return 1.0 / (1.0 - self.p)

    def forward(self, x):
        self.mask = self.rng.choice([0.0, 1.0], size=np.shape(x), p=[self.p, 1 - self.p])
        return self.scale * self.mask * x

    def backward(self, dy):
        return self.scale * self.mask * dy


def dropout_forward(x, p, rng, training=True):
    """A list for the tuple, a boolean mask; in evaluation a copy."""
    if not training:
        return [np.copy(x), np.ones(np.shape(x), dtype=bool)]
    layer = Dropout(p, rng)
    y = layer.forward(as_float(x))
    return [y, np.asarray(layer.mask).astype(bool)]


def dropout_backward(dy, mask, p):
    """The layer's own backward, with a mask from outside."""
    return Dropout(p, None, as_float(mask)).backward(as_float(dy))


class Normaliser:
    """Normalise along some axes and remember what the backward needs."""

    def __init__(self, x, axis, eps, mean=None, var=None):
        x = as_float(x)
        self.axis, self.count = axis, x.shape[axis]
        self.mean = x.mean(axis, keepdims=True) if mean is None else as_float(mean)
        self.centred = x - self.mean
        self.var = np.mean(self.centred**2, axis, keepdims=True) if var is None else as_float(var)
        self.inverse = (self.var + eps) ** -0.5
        self.hat = self.centred * self.inverse

    def backward(self, d):
        """In three steps: through the product, the variance and the mean."""
        total = partial(np.sum, axis=self.axis, keepdims=True)
        d_var = total(d * self.centred) * -0.5 * self.inverse**3
        d_mean = total(-d * self.inverse) + d_var * total(-2 * self.centred) / self.count
        return d * self.inverse + d_var * 2 * self.centred / self.count + d_mean / self.count


def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """The running variance by Bessel's correction through ddof."""
    if not training:
        norm = Normaliser(x, 0, eps, running_mean, running_var)
        return gamma * norm.hat + beta, np.copy(running_mean), np.copy(running_var)
    norm = Normaliser(x, 0, eps)
    blend = lambda old, new: old * (1 - momentum) + new * momentum  # noqa: E731
    return (
        gamma * norm.hat + beta,
        blend(running_mean, norm.mean[0]),
        blend(running_var, np.var(x, axis=0, ddof=1)),
    )


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """Through the cache."""
    norm = Normaliser(x, 0, eps)
    return norm.backward(dy * gamma), (dy * norm.hat).sum(0), np.sum(dy, 0)


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """The same class along the last axis."""
    return Normaliser(x, -1, eps).hat * gamma + beta


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Sum axes away until one is left."""
    norm = Normaliser(x, -1, eps)
    dgamma, dbeta = dy * norm.hat, as_float(dy)
    while dgamma.ndim > 1:
        dgamma, dbeta = dgamma.sum(axis=0), dbeta.sum(axis=0)
    return norm.backward(gamma * dy), dgamma, dbeta


def smooth_labels(labels, n_classes, eps):
    """A mixture of the one-hot row and the uniform one."""
    uniform = np.ones(n_classes) / n_classes
    return np.array([(1 - eps) * np.eye(n_classes)[k] + eps * uniform for k in labels])


def softmax(z):
    """Rows of probabilities."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def soft_cross_entropy(logits, targets):
    """A NumPy scalar and an array; general in the sum of the targets."""
    z = as_float(logits)
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    mass = np.sum(targets, axis=-1, keepdims=True)
    return np.average(-(targets * log_p).sum(axis=-1)), (mass * softmax(z) - targets) / np.shape(
        targets
    )[0]


@dataclass
class Watch:
    """Watches a curve and says when to stop."""

    patience: int
    history: list = field(default_factory=list)

    @property
    def best(self):
        return self.history.index(min(self.history))

    def says_stop(self, loss):
        self.history.append(float(loss))
        return len(self.history) - 1 - self.best >= self.patience


def early_stopping(val_losses, patience):
    """Feed the curve to the watch until it speaks."""
    watch = Watch(patience)
    for loss in val_losses:
        if watch.says_stop(loss):
            break
    return [watch.best, len(watch.history) - 1]


def random_shift(images, max_shift, rng):
    """Two shift matrices for each image: one from the left for the rows, one from the right for the
    columns.
    """
    images = as_float(images)
    height, width = images.shape[-2:]
    print(f"shifting {len(images)} images by up to {max_shift}")
    moved = []
    for image in images:
        dy, dx = rng.integers(-max_shift, max_shift + 1, size=2)
        moved.append(np.eye(height, k=-dy) @ image @ np.eye(width, k=dx))
    return np.array(moved)


SCHEMES = {
    "small": lambda n: 0.01,
    "xavier": lambda n: np.sqrt(1 / n),
    "he": lambda n: np.sqrt(2 / n),
    "large": lambda n: 1.0,
}
ACTIVATIONS = {
    "relu": lambda z: np.where(z > 0, z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: np.where(
        z >= 0, 1 / (1 + np.exp(-np.abs(z))), np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z)))
    ),
    "linear": lambda z: z,
}


def activation_variances(depth, width, scheme, activation, rng):
    """By recursion, a layer at a time; variance by np.std."""

    def descend(h, left):
        if not left:
            return []
        h = ACTIVATIONS[activation](h @ rng.normal(0, SCHEMES[scheme](width), size=(width, width)))
        return [np.std(h) ** 2, *descend(h, left - 1)]

    return np.array(descend(rng.normal(size=(200, width)), depth))


class Network:
    """D-128-128-C with dropout; Adam with decoupled weight decay."""

    def __init__(self, sizes, rng, p=0.5):
        self.rng, self.p = rng, p
        self.W = [rng.normal(size=(m, n)) * np.sqrt(2 / m) for m, n in pairwise(sizes)]
        self.b = [np.zeros(n) for n in sizes[1:]]
        self.t, self.moments = 0, [(0.0, 0.0)] * (2 * len(self.W))

    def gradients(self, x, targets):
        tape, last = [], len(self.W) - 1
        for i, (W, b) in enumerate(zip(self.W, self.b)):
            z, drop = x @ W + b, Dropout(self.p, self.rng)
            tape.append((x, z, drop))
            x = z if i == last else drop.forward(np.maximum(z, 0))
        d, grads = soft_cross_entropy(x, targets)[1], []
        for i in range(last, -1, -1):
            x, z, drop = tape[i]
            d = d if i == last else drop.backward(d) * (z > 0)
            grads.append((x.T @ d, d.sum(0)))
            d = d @ self.W[i].T
        return [g for g, _ in grads[::-1]] + [g for _, g in grads[::-1]]

    def step(self, grads, lr=1e-3, decay=0.01):
        self.t += 1
        for i, g in enumerate(grads):
            m, v = self.moments[i]
            self.moments[i] = m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            move = m / (1 - 0.9**self.t) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)
            layer, store = i % len(self.W), self.W if i < len(self.W) else self.b
            store[layer] = store[layer] - lr * (move + decay * store[layer] * (store is self.W))


def train_regularized(X, labels, n_classes, rng, epochs):
    """Dropout and decay on all samples; progress on the screen; parameters as a flat dictionary."""
    net, targets = (
        Network([X.shape[1], 128, 128, n_classes], rng),
        smooth_labels(labels, n_classes, 0.0),
    )
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for rows in (order[i : i + 50] for i in range(0, len(X), 50)):
            net.step(net.gradients(X[rows], targets[rows]))
        if epoch % 50 == 0:
            print("epoch", epoch)
    return {
        f"{name}{i}": a for name, store in (("W", net.W), ("b", net.b)) for i, a in enumerate(store)
    }


def predict_proba(params, X):
    """As many layers as there are weights."""
    depth = sum(map(is_weight, params))
    for i in range(depth - 1):
        X = np.maximum(X @ params[f"W{i}"] + params[f"b{i}"], 0)
    return softmax(X @ params[f"W{depth - 1}"] + params[f"b{depth - 1}"])
