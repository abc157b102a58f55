"""Right, and written with loops: sample by sample, token by token, Python floats and lists where
that is possible.
"""

import math

import numpy as np


def embedding_forward(ids, E):
    """Row after row."""
    ids = np.asarray(ids)
    out = np.empty((*ids.shape, E.shape[1]))
    for place in np.ndindex(ids.shape):
        out[place] = E[ids[place]]
    return out


def embedding_backward(dy, ids, vocab_size):
    """Place after place."""
    ids, dE = np.asarray(ids), np.zeros((vocab_size, np.shape(dy)[-1]))
    for place in np.ndindex(ids.shape):
        dE[ids[place]] += dy[place]
    return dE


def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """Sample by sample."""
    rows = []
    for n in range(len(x)):
        z = [float(bias) for bias in b]
        for j in range(len(z)):
            for d in range(len(Wx)):
                z[j] += x[n, d] * Wx[d, j]
            for k in range(len(Wh)):
                z[j] += h_prev[n, k] * Wh[k, j]
        rows.append([math.tanh(v) for v in z])
    return np.array(rows)


def rnn_step_backward(dh, x, h_prev, h, Wx, Wh):
    """Every gradient gathered term by term."""
    dx, dh_prev = np.zeros(x.shape), np.zeros(h_prev.shape)
    dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(Wh.shape[1])
    for n in range(len(x)):
        for j in range(Wh.shape[1]):
            slope = dh[n, j] * (1 - h[n, j]) * (1 + h[n, j])
            dx[n] += slope * Wx[:, j]
            dh_prev[n] += slope * Wh[:, j]
            dWx[:, j] += slope * x[n]
            dWh[:, j] += slope * h_prev[n]
            db[j] += slope
    return [dx, dh_prev, dWx, dWh, db]


def rnn_forward(x, h0, Wx, Wh, b):
    """Writes into an array that is there from the start."""
    N, T, _ = x.shape
    h = np.zeros((N, T, len(Wh)))
    for t in range(T):
        before = h0 if t == 0 else h[:, t - 1]
        h[:, t] = rnn_step_forward(x[:, t], before, Wx, Wh, b)
    return h


def rnn_backward(dh, x, h0, h, Wx, Wh):
    """From the last step to the first, on a working copy of dh."""
    above = np.array(dh, dtype=float)
    dx, sums = np.zeros(x.shape), [0, 0, 0]
    t = x.shape[1]
    while t > 0:
        t -= 1
        before = h[:, t - 1] if t else h0
        dx[:, t], back, *parts = rnn_step_backward(above[:, t], x[:, t], before, h[:, t], Wx, Wh)
        if t:
            above[:, t - 1] += back
        for k in range(3):
            sums[k] = sums[k] + parts[k]
    return [dx, back, *sums]


def sequence_cross_entropy(logits, targets, mask):
    """Token by token."""
    N, T, V = logits.shape
    count = sum(1 for n in range(N) for t in range(T) if mask[n, t])
    loss, dlogits = 0.0, np.zeros((N, T, V))
    for n in range(N):
        for t in range(T):
            if not mask[n, t]:
                continue
            row = [float(v) for v in logits[n, t]]
            top = max(row)
            e = [math.exp(v - top) for v in row]
            loss += (math.log(sum(e)) + top - row[targets[n, t]]) / count
            for k in range(V):
                dlogits[n, t, k] = (e[k] / sum(e) - (k == targets[n, t])) / count
    return loss, dlogits


def clip_gradients(grads, max_norm):
    """The squares added up in a Python float."""
    total = 0.0
    for part in grads.values():
        for value in np.ravel(part):
            total += float(value) ** 2
    if math.sqrt(total) <= max_norm:
        return {name: np.array(part) for name, part in grads.items()}
    return {name: np.array(part) * (max_norm / math.sqrt(total)) for name, part in grads.items()}


def sigmoid(z):
    """By the sign, so that exp stays small."""
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def four_gates(x, h_prev, Wx, Wh, b):
    """i, f, g, o, one number at a time."""
    scores = x @ Wx + h_prev @ Wh + b
    N, H = h_prev.shape
    gates = np.zeros((4, N, H))
    for k in range(4):
        for n in range(N):
            for j in range(H):
                v = scores[n, k * H + j]
                gates[k, n, j] = math.tanh(v) if k == 2 else sigmoid(v)
    return gates


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """A list of two."""
    i, f, g, o = four_gates(x, h_prev, Wx, Wh, b)
    c = c_prev * f + g * i
    return [np.tanh(c) * o, c]


def lstm_step_backward(dh, dc, x, h_prev, c_prev, Wx, Wh, b):
    """One block of the scores after the other."""
    i, f, g, o = four_gates(x, h_prev, Wx, Wh, b)
    t = np.tanh(c_prev * f + g * i)
    whole = dc + dh * o - dh * o * t * t
    H = h_prev.shape[1]
    dscores = np.zeros((len(x), 4 * H))
    dscores[:, :H] = whole * g * (i - i * i)
    dscores[:, H : 2 * H] = whole * c_prev * (f - f * f)
    dscores[:, 2 * H : 3 * H] = whole * i * (1 - g) * (1 + g)
    dscores[:, 3 * H :] = dh * t * (o - o * o)
    dWx, dWh, db = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(4 * H)
    for n in range(len(x)):
        dWx += np.outer(x[n], dscores[n])
        dWh += np.outer(h_prev[n], dscores[n])
        db += dscores[n]
    return dscores @ Wx.T, dscores @ Wh.T, whole * f, dWx, dWh, db


def gradient_norms(Wx, Wh, b, x, h0):
    """A backward call for each entry, with a gradient from above at the last step only."""
    h, T = rnn_forward(x, h0, Wx, Wh, b), x.shape[1]
    norms = []
    for t in range(T):
        above = np.zeros((len(x), T - t, len(Wh)))
        above[:, -1] = 1
        g = above[:, 0]
        if t < T - 1:
            g = rnn_backward(above[:, 1:], x[:, t + 1 :], h[:, t], h[:, t + 1 :], Wx, Wh)[1]
        norms.append(math.sqrt(sum(v * v for v in g.ravel())))
    return norms


def char_rnn_loss_and_gradients(params, ids, mask):
    """The parts in a row; Wy's gradient step by step."""
    inputs, targets = ids[:, :-1], ids[:, 1:]
    x, h0 = params["E"][inputs], np.zeros((len(ids), len(params["Wh"])))
    h, before = [], h0
    for t in range(inputs.shape[1]):
        before = np.tanh(x[:, t] @ params["Wx"] + before @ params["Wh"] + params["b"])
        h.append(before)
    h = np.stack(h, axis=1)
    loss, d = sequence_cross_entropy(h @ params["Wy"] + params["by"], targets, mask)
    dWy, dby = np.zeros(params["Wy"].shape), np.zeros(params["by"].shape)
    for t in range(inputs.shape[1]):
        dWy += h[:, t].T @ d[:, t]
        dby += d[:, t].sum(axis=0)
    dx, _, dWx, dWh, db = rnn_backward(d @ params["Wy"].T, x, h0, h, params["Wx"], params["Wh"])
    dE = embedding_backward(dx, inputs, len(params["E"]))
    return loss, {"by": dby, "Wy": dWy, "b": db, "Wh": dWh, "Wx": dWx, "E": dE}


def sample_name(params, start, end, max_length, temperature, rng):
    """Walks through the cumulated probabilities."""
    h, symbol, name = np.zeros(len(params["Wh"])), start, []
    while len(name) < max_length:
        h = np.tanh(params["E"][symbol] @ params["Wx"] + h @ params["Wh"] + params["b"])
        scores = h @ params["Wy"] + params["by"]
        if temperature == 0:
            symbol = int(np.argmax(scores))
        else:
            odds = [math.exp((s - max(scores)) / temperature) for s in scores]
            left, symbol = rng.random() * sum(odds), 0
            while left > odds[symbol] and symbol < len(odds) - 1:
                left -= odds[symbol]
                symbol += 1
        if symbol == end:
            return name
        name.append(symbol)
    return name


def train_char_rnn(ids, mask, vocab_size, hidden, steps, rng):
    """Momentum, all rows in turn; fast gradients, as the token loops above would take minutes."""
    params = {
        "E": rng.normal(0, 0.3, (vocab_size, 16)),
        "Wx": rng.normal(0, 0.25, (16, hidden)),
        "Wh": np.linalg.svd(rng.normal(size=(hidden, hidden)))[0],
        "b": np.zeros(hidden),
        "Wy": rng.normal(0, 0.1, (hidden, vocab_size)),
        "by": np.zeros(vocab_size),
    }
    rows = [n for n in range(len(ids)) if np.any(mask[n])]
    order, velocity = [], dict.fromkeys(params, 0.0)
    for _ in range(steps):
        if len(order) < min(32, len(rows)):
            order = order + list(rng.permutation(rows))
        batch, order = order[:32], order[32:]
        grads = clip_gradients_fast(
            gradients_fast(params, ids[batch], np.asarray(mask)[batch]), 1.0
        )
        for name in params:
            velocity[name] = 0.9 * velocity[name] + grads[name]
            params[name] = params[name] - 0.1 * velocity[name]
    return params


def clip_gradients_fast(grads, limit):
    """As clip_gradients, without its loop over entries."""
    norm = np.sqrt(sum(np.sum(part**2) for part in grads.values()))
    return {name: part * min(1, limit / (norm + 1e-12)) for name, part in grads.items()}


def gradients_fast(params, ids, mask):
    """As char_rnn_loss_and_gradients, in matrix products."""
    E, Wx, Wh, Wy = (params[k] for k in ("E", "Wx", "Wh", "Wy"))
    inputs, T = ids[:, :-1], ids.shape[1] - 1
    x, h = E[inputs], [np.zeros((len(ids), len(Wh)))]
    for t in range(T):
        h.append(np.tanh(x[:, t] @ Wx + h[-1] @ Wh + params["b"]))
    grads = {name: np.zeros(part.shape) for name, part in params.items()}
    back = 0
    for t in range(T)[::-1]:
        z = h[t + 1] @ Wy + params["by"]
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(ids)), ids[:, t + 1]] -= 1
        p *= mask[:, t : t + 1] / np.sum(mask)
        dz = (p @ Wy.T + back) * (1 - h[t + 1] ** 2)
        back = dz @ Wh.T
        parts = {
            "Wy": h[t + 1].T @ p,
            "by": p.sum(0),
            "Wh": h[t].T @ dz,
            "Wx": x[:, t].T @ dz,
            "b": dz.sum(0),
        }
        for name, part in parts.items():
            grads[name] += part
        np.add.at(grads["E"], inputs[:, t], dz @ Wx.T)
    return grads
