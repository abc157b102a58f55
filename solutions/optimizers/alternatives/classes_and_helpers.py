"""Right, and engineered: classes that keep their memory in the state, einsum, views, prints and
generators.
"""

import itertools
from dataclasses import dataclass

import numpy as np


@dataclass
class Average:
    """A running mean that starts at 0 and knows how far it has come; its parts live in the state
    dict.
    """

    name: str
    decay: float

    def update(self, state, value):
        """The new plain mean and the mean freed of its start, which the weights' own sum gives."""
        mean, weight = state.get(self.name, 0.0), state.get(self.name + " weight", 0.0)
        mean = self.decay * mean + (1 - self.decay) * value
        weight = self.decay * weight + (1 - self.decay)
        return {self.name: mean, self.name + " weight": weight}, mean / weight


def accumulate(state, grad, beta):
    """The velocity of a heavy ball."""
    return np.add(np.multiply(beta, state.get("velocity", np.zeros_like(grad, dtype=float))), grad)


def scaled(grad, root, eps):
    """A gradient over a root mean square."""
    return np.divide(grad, np.add(root, eps))


def sgd(w, grad, state, lr):
    """A list for the tuple, and a state that counts for the fun of it."""
    return [np.subtract(w, np.multiply(lr, grad)), {"steps": state.get("steps", 0) + 1}]


def momentum(w, grad, state, lr, beta=0.9):
    """The velocity is the gradients' sum, weighted by powers of beta."""
    velocity = accumulate(state, grad, beta)
    return w - lr * velocity, {"velocity": velocity}


def nesterov(w, grad, state, lr, beta=0.9):
    """One momentum step, and then the rest of the look ahead: beta (v - v_old) more than g
    itself.
    """
    velocity = accumulate(state, grad, beta)
    now, _ = momentum(w, grad, state, lr, beta)
    return now - lr * (grad + (beta - 1) * velocity), {"velocity": velocity}


def adagrad(w, grad, state, lr, eps=1e-8):
    """All squares are kept in a list and summed anew: slow, and right."""
    squares = [*state.get("squares", []), np.asarray(grad, float) ** 2]
    return w - lr * scaled(grad, np.sqrt(np.sum(squares, axis=0)), eps), {"squares": squares}


def rmsprop(w, grad, state, lr, rho=0.9, eps=1e-8):
    """The root itself is kept, and squared again in the next step."""
    root = np.hypot(
        np.sqrt(rho) * state.get("root", 0.0), np.sqrt(1 - rho) * np.asarray(grad, float)
    )
    return w - lr * scaled(grad, root, eps), {"root": root}


def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Two averages that divide by the sum of their weights: 1 - beta^t without a power, or
    a count.
    """
    grad = np.asarray(grad, float)
    first, m_hat = Average("m", beta1).update(state, grad)
    second, v_hat = Average("v", beta2).update(state, np.einsum("...,...->...", grad, grad))
    return w - lr * scaled(m_hat, np.sqrt(v_hat), eps), first | second


def adamw(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """Adam's step, and a decay of the old w beside it."""
    moved, new = adam(w, grad, state, lr, beta1, beta2, eps)
    return moved - np.multiply(lr * weight_decay, w), new


def warmup_cosine(step, total, warmup, peak, floor=0.0):
    """A table of the whole schedule, looked up."""
    ramp = np.arange(warmup) / max(warmup, 1) * peak
    angles = np.linspace(0, np.pi, total - warmup + 1)
    table = np.concatenate([ramp, floor + (peak - floor) * (np.cos(angles) + 1) / 2])
    return table[min(step, total)]


def step_decay(step, base, every, factor):
    """A product of ones and factors."""
    return np.prod([base] + [factor for k in range(1, step + 1) if k % every == 0])


def clip_by_global_norm(grads, max_norm):
    """One long vector, clipped, and cut up again into views."""
    long = np.concatenate([np.ravel(g).astype(float) for g in grads.values()])
    norm = np.sqrt(np.vdot(long, long))
    long = long * min(1.0, max_norm / max(norm, 1e-300))
    cuts = np.cumsum([np.size(g) for g in grads.values()])[:-1]
    parts = zip(grads.items(), np.split(long, cuts))
    return {name: part.reshape(np.shape(g), order="C") for (name, g), part in parts}, norm


def minibatches(X, y, batch_size, rng):
    """Sort by random keys, then take slices of the sorted copies."""
    keys = rng.random(len(X))
    order = np.argsort(keys)
    X, y = np.take(X, order, axis=0), np.take(y, order, axis=0)
    cuts = range(batch_size, len(X), batch_size)
    return tuple(zip(np.split(X, cuts), np.split(y, cuts)))


def descent(optimizer, gradient, w, lr):
    """The points of a walk without an end, w first."""
    state = {}
    while True:
        yield np.asfortranarray(w) if np.ndim(w) else w
        w, state = optimizer(w, gradient(w), state, lr)


def minimise(optimizer, gradient, w0, lr, steps):
    """As many points of the walk as are asked for, and one more."""
    return np.stack(
        [
            np.asarray(w, float)
            for w in itertools.islice(descent(optimizer, gradient, w0, lr), steps + 1)
        ]
    )


@dataclass
class Regression:
    """Softmax regression with its parameters and their states."""

    params: dict
    states: dict

    def gradients(self, x, labels):
        """From the mean cross-entropy's own formula, p - t over n."""
        z = np.einsum("nd,dc->nc", x, self.params["W1"]) + self.params["b1"]
        log_p = z - z.max(axis=-1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
        d = np.exp(log_p)
        d[np.arange(len(x)), labels] -= 1.0
        return {"W1": np.einsum("nd,nc->dc", x, d) / len(x), "b1": d.mean(axis=0)}

    def step(self, optimizer, batch, lr):
        """Both gradients first, then both steps."""
        for name, grad in self.gradients(*batch).items():
            self.params[name], self.states[name] = optimizer(
                self.params[name], grad, self.states[name], lr
            )


def train_with(optimizer, X, labels, n_classes, lr, steps, rng):
    """Epoch after epoch of batches of 100, cut off after the last step."""
    zeros = {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)}
    model = Regression(zeros, {"W1": {}, "b1": {}})
    epochs = (minibatches(X, labels, 100, rng) for _ in itertools.count())
    for k, batch in enumerate(itertools.islice(itertools.chain.from_iterable(epochs), steps)):
        model.step(optimizer, batch, lr)
        if k % 100 == 0:
            print("step", k)
    return model.params


def own_optimizer(w, grad, state, step, total):
    """Adam whose rate climbs in a straight line, stays, and comes down in a straight line."""
    way = (step + 1) / total
    rate = 0.2 * min(1.0, 4 * way, 2 * (1 - way) + 0.01)
    return adam(w, grad, state, rate, 0.9, 0.95)
