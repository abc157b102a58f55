"""Right, and in single precision throughout; one-hot products for lookups, logaddexp for
the loss.
"""

import numpy as np

F = np.float32


def single(*arrays):
    """All of them as float32."""
    return [np.asarray(a, dtype=F) for a in arrays]


def one_hot(ids, n):
    """Rows of the identity."""
    return np.eye(n, dtype=F)[np.asarray(ids)]


def embedding_forward(ids, E):
    """A product with one-hot rows."""
    return one_hot(ids, len(E)) @ np.asarray(E, dtype=F)


def embedding_backward(dy, ids, vocab_size):
    """The transposed product."""
    flat = one_hot(ids, vocab_size).reshape(-1, vocab_size)
    return flat.T @ np.asarray(dy, dtype=F).reshape(len(flat), -1)


def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """Inputs and state side by side, one product with both matrices stacked."""
    x, h_prev, Wx, Wh, b = single(x, h_prev, Wx, Wh, b)
    return np.tanh(np.hstack([x, h_prev]) @ np.vstack([Wx, Wh]) + b)


def rnn_step_backward(dh, x, h_prev, h, Wx, Wh):
    """The stacked matrices again, their gradient cut in two."""
    dh, x, h_prev, h, Wx, Wh = single(dh, x, h_prev, h, Wx, Wh)
    dz, D = dh - dh * h * h, x.shape[1]
    back, dW = dz @ np.vstack([Wx, Wh]).T, np.hstack([x, h_prev]).T @ dz
    return back[:, :D], back[:, D:], dW[:D], dW[D:], dz.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    """Time first inside."""
    x, h = np.asarray(x, dtype=F).transpose(1, 0, 2), np.asarray(h0, dtype=F)
    states = []
    for part in x:
        h = rnn_step_forward(part, h, Wx, Wh, b)
        states.append(h)
    return np.array(states).transpose(1, 0, 2)


def rnn_backward(dh, x, h0, h, Wx, Wh):
    """First all dz through time, then one product for each gradient."""
    dh, x, h0, h, Wx, Wh = single(dh, x, h0, h, Wx, Wh)
    before = np.concatenate([h0[:, None], h], axis=1)[:, :-1]
    dz, carry = np.zeros_like(h), np.zeros_like(h0)
    for t in range(h.shape[1] - 1, -1, -1):
        dz[:, t] = (dh[:, t] + carry) * (1 - h[:, t] * h[:, t])
        carry = dz[:, t] @ Wh.T
    flat = dz.reshape(-1, dz.shape[2])
    dWx, dWh = x.reshape(len(flat), -1).T @ flat, before.reshape(len(flat), -1).T @ flat
    return dz @ Wx.T, carry, dWx, dWh, flat.sum(axis=0)


def sequence_cross_entropy(logits, targets, mask):
    """Picks out the real tokens first and works on a plain matrix."""
    real = np.asarray(mask) > 0
    z, labels = np.asarray(logits, dtype=F)[real], np.asarray(targets)[real]
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    rows = np.arange(len(labels))
    d = np.exp(log_p)
    d[rows, labels] -= 1
    dlogits = np.zeros(np.shape(logits), dtype=F)
    dlogits[real] = d / len(labels)
    return -log_p[rows, labels].mean(), dlogits


def clip_gradients(grads, max_norm):
    """One long vector."""
    flat = np.concatenate([np.ravel(part).astype(F) for part in grads.values()])
    scale = min(F(1), F(max_norm) / max(np.linalg.norm(flat), F(1e-30)))
    return {name: np.asarray(part, dtype=F) * scale for name, part in grads.items()}


def sigmoid(z):
    """Through logaddexp."""
    return np.exp(-np.logaddexp(F(0), -z))


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """The blocks by reshaping (N, 4, H)."""
    x, h_prev, c_prev, Wx, Wh, b = single(x, h_prev, c_prev, Wx, Wh, b)
    a = (x @ Wx + h_prev @ Wh + b).reshape(len(x), 4, -1)
    c = sigmoid(a[:, 1]) * c_prev + sigmoid(a[:, 0]) * np.tanh(a[:, 2])
    return sigmoid(a[:, 3]) * np.tanh(c), c


def lstm_step_backward(dh, dc, x, h_prev, c_prev, Wx, Wh, b):
    """The gradients of the blocks stacked likewise."""
    dh, dc, x, h_prev, c_prev, Wx, Wh, b = single(dh, dc, x, h_prev, c_prev, Wx, Wh, b)
    a = (x @ Wx + h_prev @ Wh + b).reshape(len(x), 4, -1)
    i, f, o = (sigmoid(a[:, k]) for k in (0, 1, 3))
    g = np.tanh(a[:, 2])
    t = np.tanh(f * c_prev + i * g)
    dc = dc + dh * o * (1 - t * t)
    da = np.stack(
        [
            dc * g * i * (1 - i),
            dc * c_prev * f * (1 - f),
            dc * i * (1 - g * g),
            dh * t * o * (1 - o),
        ],
        axis=1,
    )
    dz = da.reshape(len(x), -1)
    return dz @ Wx.T, dz @ Wh.T, dc * f, x.T @ dz, h_prev.T @ dz, np.ones(len(x), dtype=F) @ dz


def gradient_norms(Wx, Wh, b, x, h0):
    """Fills an array from its end."""
    h = rnn_forward(x, h0, Wx, Wh, b)
    g, norms = np.ones_like(h[:, 0]), np.zeros(h.shape[1], dtype=F)
    for t in range(h.shape[1] - 1, -1, -1):
        norms[t] = np.sqrt((g * g).sum())
        g = (g - g * h[:, t] ** 2) @ np.asarray(Wh, dtype=F).T
    return norms


def char_rnn_loss_and_gradients(params, ids, mask):
    """All parts from above."""
    E, Wx, Wh, b, Wy, by = single(*(params[k] for k in ("E", "Wx", "Wh", "b", "Wy", "by")))
    x, h0 = embedding_forward(ids[:, :-1], E), np.zeros((len(ids), len(Wh)), dtype=F)
    h = rnn_forward(x, h0, Wx, Wh, b)
    loss, d = sequence_cross_entropy(h @ Wy + by, ids[:, 1:], mask)
    dx, _, dWx, dWh, db = rnn_backward(d @ Wy.T, x, h0, h, Wx, Wh)
    grads = {"E": embedding_backward(dx, ids[:, :-1], len(E)), "Wx": dWx, "Wh": dWh, "b": db}
    return loss, {
        **grads,
        "Wy": np.tensordot(h, d, axes=([0, 1], [0, 1])),
        "by": d.sum(axis=1).sum(axis=0),
    }


def sample_name(params, start, end, max_length, temperature, rng):
    """Gumbel noise on the scores: its largest sum is a draw from softmax."""
    name, symbol = [], start
    h = np.zeros((1, len(params["Wh"])), dtype=F)
    while len(name) < max_length:
        h = rnn_step_forward(
            embedding_forward([symbol], params["E"]), h, params["Wx"], params["Wh"], params["b"]
        )
        scores = (h @ np.asarray(params["Wy"], dtype=F) + np.asarray(params["by"], dtype=F))[0]
        if temperature > 0:
            scores = scores + temperature * rng.gumbel(size=len(scores))
        symbol = np.argmax(scores)
        if symbol == end:
            break
        name.append(symbol)
    return np.array(name, dtype=np.int64)


def train_char_rnn(ids, mask, vocab_size, hidden, steps, rng):
    """Root mean squares of the gradients (RMSprop), Wh near the identity, rows drawn with
    replacement.
    """
    width, real = 24, np.flatnonzero(np.asarray(mask).sum(axis=1))
    params = {
        "E": rng.normal(size=(vocab_size, width)) / 5,
        "Wx": rng.normal(size=(width, hidden)) / 5,
    }
    params |= {"Wh": np.eye(hidden), "b": np.zeros(hidden)}
    params |= {"Wy": rng.normal(size=(hidden, vocab_size)) / 8, "by": np.zeros(vocab_size)}
    params = dict(zip(params, single(*params.values())))
    square = {name: np.zeros_like(part) for name, part in params.items()}
    for _ in range(steps):
        rows = rng.choice(real, size=40)
        grads = clip_gradients(char_rnn_loss_and_gradients(params, ids[rows], mask[rows])[1], 1)
        for name, g in grads.items():
            square[name] = F(0.95) * square[name] + F(0.05) * g * g
            params[name] = params[name] - F(0.004) * g / (np.sqrt(square[name]) + F(1e-6))
    return params
