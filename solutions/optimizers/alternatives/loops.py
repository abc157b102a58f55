"""Right, and entry by entry: Python loops and lists, NumPy for little more than arrays."""

import math

import numpy as np


def _each(step, w, grad, *memories):
    """Apply step(w, g, *old) -> new values to every entry; return as many arrays, all of
    w's shape.
    """
    shape = np.shape(w)
    flat = [np.asarray(a, dtype=float).ravel().tolist() for a in (w, grad, *memories)]
    rows = [step(*entries) for entries in zip(*flat)]
    return [np.array(column).reshape(shape) for column in zip(*rows)]


def _memory(state, name, w):
    return state[name] if name in state else np.zeros(np.shape(w))


def sgd(w, grad, state, lr):
    """One entry at a time."""
    (new,) = _each(lambda a, g: (a - lr * g,), w, grad)
    return new, {}


def momentum(w, grad, state, lr, beta=0.9):
    """A velocity for each entry."""

    def step(a, g, v):
        v = beta * v + g
        return a - lr * v, v

    new, velocity = _each(step, w, grad, _memory(state, "velocity", w))
    return new, {"velocity": velocity}


def nesterov(w, grad, state, lr, beta=0.9):
    """A velocity for each entry, and a look ahead."""

    def step(a, g, v):
        v = beta * v + g
        return a - lr * g - lr * beta * v, v

    new, velocity = _each(step, w, grad, _memory(state, "velocity", w))
    return new, {"velocity": velocity}


def adagrad(w, grad, state, lr, eps=1e-8):
    """A sum of squares for each entry."""

    def step(a, g, total):
        total += g * g
        return a - lr * g / (math.sqrt(total) + eps), total

    new, total = _each(step, w, grad, _memory(state, "total", w))
    return new, {"total": total}


def rmsprop(w, grad, state, lr, rho=0.9, eps=1e-8):
    """A mean square for each entry."""

    def step(a, g, mean):
        mean += (1 - rho) * (g * g - mean)
        return a - lr * g / (math.sqrt(mean) + eps), mean

    new, mean = _each(step, w, grad, _memory(state, "mean", w))
    return new, {"mean": mean}


def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """adamw without decay."""
    return adamw(w, grad, state, lr, beta1, beta2, eps, 0.0)


def adamw(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """Two averages for each entry, and one count of steps."""
    t = state["t"] + 1 if state else 1

    def step(a, g, m, v):
        m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return a - lr * m_hat / (math.sqrt(v_hat) + eps) - lr * weight_decay * a, m, v

    new, m, v = _each(step, w, grad, _memory(state, "m", w), _memory(state, "v", w))
    return new, {"m": m, "v": v, "t": t}


def warmup_cosine(step, total, warmup, peak, floor=0.0):
    """By cases, with the square of a sine for the cosine: (1 + cos a) / 2 = 1 - sin(a/2)^2."""
    if step >= total:
        return floor
    if step < warmup:
        return peak * step / warmup
    way = (step - warmup) / (total - warmup)
    return peak - (peak - floor) * math.sin(math.pi * way / 2) ** 2


def step_decay(step, base, every, factor):
    """Go down the stairs one by one."""
    while step >= every:
        step, base = step - every, base * factor
    return base


def clip_by_global_norm(grads, max_norm):
    """Add up all squares, then shorten where needed."""
    total = 0.0
    for g in grads.values():
        for entry in np.asarray(g, float).ravel():
            total += float(entry) ** 2
    norm = total**0.5
    out = {}
    for name, g in grads.items():
        out[name] = np.array(g, float)
        if norm > max_norm:
            out[name] *= max_norm / norm
    return [out, norm]


def minibatches(X, y, batch_size, rng):
    """Draw one sample after the other from those that are left."""
    left, batches = list(range(len(X))), []
    while left:
        rows = [left.pop(int(rng.integers(len(left)))) for _ in range(min(batch_size, len(left)))]
        batches.append([np.array([X[i] for i in rows]), np.array([y[i] for i in rows])])
    return batches


def minimise(optimizer, gradient, w0, lr, steps):
    """A list of points; nothing is shared between them."""
    path, state = [np.array(w0, dtype=float)], {}
    while len(path) <= steps:
        here = path[-1].copy()
        there, state = optimizer(here, gradient(here), state, lr)
        path.append(np.array(there, dtype=float))
    return path


def train_with(optimizer, X, labels, n_classes, lr, steps, rng):
    """A batch of 32 samples drawn anew for each step; gradients sample by sample."""
    W, b, state_W, state_b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes), {}, {}
    for _ in range(steps):
        rows = rng.choice(len(X), size=min(32, len(X)), replace=False)
        dW, db = np.zeros_like(W), np.zeros_like(b)
        for i in rows:
            e = np.exp((z := X[i] @ W + b) - z.max())
            d = e / e.sum()
            d[labels[i]] -= 1
            dW += np.outer(X[i], d) / len(rows)
            db += d / len(rows)
        (W, state_W), (b, state_b) = optimizer(W, dW, state_W, lr), optimizer(b, db, state_b, lr)
    return {"W1": W, "b1": b}


def own_optimizer(w, grad, state, step, total):
    """Adam whose rate climbs for a quarter of the way and then comes down like a cosine."""
    rate = warmup_cosine(step + 1, total + 1, (total + 1) / 4, 0.2)
    return adam(w, grad, state, rate, 0.9, 0.95)
