"""The reference for 03-optimizers: paths downhill in plain NumPy.

An update takes (w, grad, state, lr, ...) and returns (w_new, state_new), all of w's shape, any
shape. The state starts as {}; what is passed in is never changed.
"""

import math

import numpy as np


def sgd(w, grad, state, lr):
    """One step against the gradient; no memory. Robbins & Monro 1951."""
    return w - lr * grad, {}


def momentum(w, grad, state, lr, beta=0.9):
    """Heavy ball: v <- beta v + g, w <- w - lr v. Polyak 1964, in PyTorch's form."""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * v, {"v": v}


def nesterov(w, grad, state, lr, beta=0.9):
    """Momentum that looks ahead: w <- w - lr (g + beta v) with the new v. Sutskever et al. 2013."""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * (grad + beta * v), {"v": v}


def adagrad(w, grad, state, lr, eps=1e-8):
    """Divide by the root of all squares so far: G <- G + g^2. Duchi, Hazan & Singer 2011."""
    G = state.get("G", 0.0) + grad**2
    return w - lr * grad / (np.sqrt(G) + eps), {"G": G}


def rmsprop(w, grad, state, lr, rho=0.9, eps=1e-8):
    """Divide by the root of a running mean of squares, which forgets. Tieleman & Hinton 2012."""
    s = rho * state.get("s", 0.0) + (1 - rho) * grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}


def _adam_step(grad, state, beta1, beta2, eps):
    """The direction m_hat / (sqrt(v_hat) + eps), and the new state. Kingma & Ba 2015,
    Algorithm 1.
    """
    t = state.get("t", 0) + 1  # counted before it is used: the first step is 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return m_hat / (np.sqrt(v_hat) + eps), {"t": t, "m": m, "v": v}


def adam(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Mean over root mean square of the gradients, both freed of their start at 0. Kingma & Ba
    2015.
    """
    direction, state = _adam_step(grad, state, beta1, beta2, eps)
    return w - lr * direction, state


def adamw(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """Adam, and beside it a decay of the old w that no gradient rescales. Loshchilov &
    Hutter 2019.
    """
    direction, state = _adam_step(grad, state, beta1, beta2, eps)
    return w - lr * (direction + weight_decay * w), state


def warmup_cosine(step, total, warmup, peak, floor=0.0):
    """The rate of a step: a straight line up to the peak, then half a cosine down. Loshchilov &
    Hutter 2017.
    """
    if step < warmup:
        return peak * step / warmup
    if step >= total:
        return floor
    return floor + (peak - floor) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


def step_decay(step, base, every, factor):
    """The rate of a step: base, multiplied by the factor after each `every` steps."""
    return base * factor ** (step // every)


def clip_by_global_norm(grads, max_norm):
    """Shorten all gradients together to max_norm at most; return them and the norm before. Pascanu
    et al. 2013.
    """
    norm = math.sqrt(sum(np.sum(g**2) for g in grads.values()))
    scale = max_norm / norm if norm > max_norm else 1.0
    return {name: scale * g for name, g in grads.items()}, norm


def minibatches(X, y, batch_size, rng):
    """Deal X (N, ...) and y (N, ...) in one random order: a list of pairs, the last perhaps
    smaller.
    """
    order = rng.permutation(len(X))
    parts = [order[i : i + batch_size] for i in range(0, len(X), batch_size)]
    return [(X[part], y[part]) for part in parts]


def minimise(optimizer, gradient, w0, lr, steps):
    """Walk downhill from w0 with a rule of one's choice: the path (steps + 1, ...), w0 first."""
    w, state, path = w0, {}, [w0]
    for _ in range(steps):
        w, state = optimizer(w, gradient(w), state, lr)
        path.append(w)
    return np.array(path)


def _softmax_gradients(params, x, labels):
    """Gradients of the mean cross-entropy of scores x W1 + b1, at the given pair of W1 and b1."""
    z = x @ params["W1"] + params["b1"]  # (n, C)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    d = (p - np.eye(p.shape[1])[labels]) / len(x)  # dL/dz (n, C)
    return {"W1": x.T @ d, "b1": d.sum(axis=0)}


def train_with(optimizer, X, labels, n_classes, lr, steps, rng):
    """Softmax regression on mini-batches of 64, a state for each parameter: {"W1": (D, C), "b1":
    (C,)}.
    """
    params = {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)}
    states, batches = {"W1": {}, "b1": {}}, []
    for _ in range(steps):
        batches = batches or minibatches(X, labels, 64, rng)
        grads = _softmax_gradients(params, *batches.pop())
        for name in params:
            params[name], states[name] = optimizer(params[name], grads[name], states[name], lr)
    return params


def own_optimizer(w, grad, state, step, total):
    """One answer to the challenge: Adam with a short memory for squares, a long warm-up and half a
    cosine.
    """
    return adam(w, grad, state, warmup_cosine(step, total, 0.3 * total, 0.2), 0.9, 0.95)
