"""Right, in single precision: every result is float32, and so is every memory."""

import numpy as np

F = np.float32


def _f(x):
    return np.asarray(x, dtype=F)


def sgd(w, grad, state, lr):
    """float32 in, float32 out."""
    return _f(w) - F(lr) * _f(grad), state


def momentum(w, grad, state, lr, beta=0.9):
    """The velocity is float32."""
    v = _f(state["v"]) * F(beta) + _f(grad) if state else _f(grad)
    return _f(w) - F(lr) * v, {"v": v}


def nesterov(w, grad, state, lr, beta=0.9):
    """Momentum's step from the gradient, after momentum's new velocity."""
    v = _f(state["v"]) * F(beta) + _f(grad) if state else _f(grad)
    return _f(w) - F(lr) * (_f(grad) + F(beta) * v), {"v": v}


def adagrad(w, grad, state, lr, eps=1e-8):
    """The sum of squares is float32."""
    total = _f(state.get("total", 0)) + np.square(_f(grad))
    return _f(w) - F(lr) * _f(grad) / (np.sqrt(total) + F(eps)), {"total": total}


def rmsprop(w, grad, state, lr, rho=0.9, eps=1e-8):
    """The mean of squares is float32."""
    mean = F(rho) * _f(state.get("mean", 0)) + F(1 - rho) * np.square(_f(grad))
    return _f(w) - F(lr) * _f(grad) / (np.sqrt(mean) + F(eps)), {"mean": mean}


def _direction(grad, state, beta1, beta2, eps):
    t = int(state.get("t", 0)) + 1
    m = F(beta1) * _f(state.get("m", 0)) + F(1 - beta1) * _f(grad)
    v = F(beta2) * _f(state.get("v", 0)) + F(1 - beta2) * np.square(_f(grad))
    d = (m / F(1 - beta1**t)) / (np.sqrt(v / F(1 - beta2**t)) + F(eps))
    return d, {"t": t, "m": m, "v": v}


def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Both averages are float32."""
    d, new = _direction(grad, state, beta1, beta2, eps)
    return _f(w) - F(lr) * d, new


def adamw(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """First shrink the old w, then take Adam's step: the same sum in another order."""
    d, new = _direction(grad, state, beta1, beta2, eps)
    return _f(w) * F(1 - lr * weight_decay) - F(lr) * d, new


def warmup_cosine(step, total, warmup, peak, floor=0.0):
    """A float32 number."""
    up = step / warmup if warmup > 0 else 1.0
    way = np.clip((step - warmup) / max(1, total - warmup), 0, 1)
    return _f(
        peak * up if step < warmup else floor + (peak - floor) * (1 + np.cos(np.pi * way)) / 2
    )


def step_decay(step, base, every, factor):
    """A float32 number."""
    return F(base) * F(factor) ** F(int(step / every))


def clip_by_global_norm(grads, max_norm):
    """The norm is an array without axes."""
    norm = np.linalg.norm([np.linalg.norm(_f(g).ravel()) for g in grads.values()])
    if norm <= max_norm:
        return grads, _f(norm)
    return {name: _f(g) * F(max_norm / norm) for name, g in grads.items()}, _f(norm)


def minibatches(X, y, batch_size, rng):
    """The samples are float32."""
    order = np.arange(len(X))
    rng.shuffle(order)
    starts = np.arange(0, len(X), batch_size)
    return [(_f(X[order[s : s + batch_size]]), y[order[s : s + batch_size]]) for s in starts]


def minimise(optimizer, gradient, w0, lr, steps):
    """The path is kept in float32; the walk itself is the rule's."""
    path, w, state = np.empty((steps + 1, *np.shape(w0)), F), w0, {}
    path[0] = w0
    for k in range(1, steps + 1):
        w, state = optimizer(w, gradient(w), state, lr)
        path[k] = w
    return path


def train_with(optimizer, X, labels, n_classes, lr, steps, rng):
    """The whole data set in each step is a legal batch too; small random weights at the start."""
    X, hot = _f(X), np.eye(n_classes, dtype=F)[labels]
    p = {"W1": _f(0.01 * rng.normal(size=(X.shape[1], n_classes))), "b1": np.zeros(n_classes, F)}
    states = {"b1": {}, "W1": {}}
    for _ in range(steps):
        z = X @ _f(p["W1"]) + _f(p["b1"])
        e = np.exp(z - z.max(axis=1, keepdims=True))
        d = (e / e.sum(axis=1, keepdims=True) - hot) / F(len(X))
        grads = {"b1": d.sum(axis=0), "W1": X.T @ d}
        for name, g in grads.items():
            p[name], states[name] = optimizer(p[name], g, states[name], lr)
    return p


def own_optimizer(w, grad, state, step, total):
    """Adam that looks one step ahead (Dozat 2016), with a cosine; all in float32."""
    _, new = _direction(grad, state, 0.9, 0.95, 1e-8)
    t = new["t"]
    ahead = F(0.9) * new["m"] / F(1 - 0.9 ** (t + 1)) + F(0.1) * _f(grad) / F(1 - 0.9**t)
    d = ahead / (np.sqrt(new["v"] / F(1 - 0.95**t)) + F(1e-8))
    return _f(w) - F(warmup_cosine(step, total, 0.15 * total, 0.2)) * d, new
