"""Right, with classes that cache, einsum, views and Fortran order, bincount, and numbers drawn by
inverting a sum.
"""

import math

import numpy as np


def embedding_forward(ids, E):
    """np.take, as a Fortran-ordered array."""
    return np.asfortranarray(np.take(E, ids, axis=0))


def embedding_backward(dy, ids, vocab_size):
    """A bincount for each column."""
    flat, where = np.reshape(dy, (-1, np.shape(dy)[-1])), np.ravel(ids)
    return np.stack([np.bincount(where, column, vocab_size) for column in flat.T], axis=1)


class Cell:
    """A recurrent cell that keeps what its backward needs, newest last."""

    def __init__(self, Wx, Wh, b=None):
        self.Wx, self.Wh, self.b = Wx, Wh, b
        self.tape = []
        self.grads = [np.zeros(np.shape(Wx)), np.zeros(np.shape(Wh)), np.zeros(np.shape(Wh)[1])]

    def forward(self, x, h):
        """One step."""
        new = np.tanh(
            np.einsum("nd,dh->nh", x, self.Wx) + np.einsum("nk,kh->nh", h, self.Wh) + self.b
        )
        self.tape.append((x, h, new))
        return new

    def backward(self, dh):
        """The newest step back; the gradients of the weights are added to what is there."""
        x, before, new = self.tape.pop()
        dz = np.multiply(dh, np.subtract(1, np.square(new)))
        for total, part in zip(
            self.grads,
            (np.einsum("nd,nh->dh", x, dz), np.einsum("nk,nh->kh", before, dz), dz.sum(0)),
        ):
            total += part
        return np.einsum("nh,dh->nd", dz, self.Wx), np.einsum("nh,kh->nk", dz, self.Wh)


def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """By a cell."""
    return Cell(Wx, Wh, b).forward(x, h_prev)


def rnn_step_backward(dh, x, h_prev, h, Wx, Wh):
    """By a cell whose tape is written for it."""
    cell = Cell(Wx, Wh)
    cell.tape.append((x, h_prev, h))
    return (*cell.backward(dh), *cell.grads)


def rnn_forward(x, h0, Wx, Wh, b):
    """The products with x for all steps at once."""
    driven = np.tensordot(x, Wx, axes=1) + b
    h, states = h0, np.empty((x.shape[1], len(x), np.shape(Wh)[0]))
    for t in range(x.shape[1]):
        h = np.tanh(driven[:, t] + h @ Wh, out=states[t])
    return states.swapaxes(0, 1)


def rnn_backward(dh, x, h0, h, Wx, Wh):
    """A tape for the whole sequence, popped from its end."""
    cell, N = Cell(Wx, Wh), len(x)
    states = np.concatenate([np.reshape(h0, (N, 1, -1)), h], axis=1)
    cell.tape = [(x[:, t], states[:, t], states[:, t + 1]) for t in range(x.shape[1])]
    back, dx = np.zeros(np.shape(h0)), []
    for above in dh.swapaxes(0, 1)[::-1]:
        step, back = cell.backward(above + back)
        dx.insert(0, step)
    return (np.stack(dx, axis=1), back, *cell.grads)


def sequence_cross_entropy(logits, targets, mask):
    """Log-sum-exp over a sorted copy; the gradient from a softmax by tanh-free ratios."""
    mask = np.asarray(mask).astype(bool)
    z = logits - np.sort(logits, axis=2)[:, :, -1:]
    total = np.exp(z).sum(axis=2)
    picked = np.take_along_axis(z, np.asarray(targets)[:, :, None], axis=2)[:, :, 0]
    n = np.count_nonzero(mask)
    loss = np.where(mask, np.log(total) - picked, 0).sum() / n
    d = np.exp(z) / total[:, :, None]
    np.put_along_axis(
        d,
        np.asarray(targets)[:, :, None],
        np.take_along_axis(d, np.asarray(targets)[:, :, None], 2) - 1,
        2,
    )
    return np.asarray(loss), np.einsum("ntv,nt->ntv", d, mask / n)


def clip_gradients(grads, max_norm):
    """hypot all the way."""
    norm = math.hypot(*(float(np.linalg.norm(part)) for part in grads.values()))
    if norm > max_norm:
        return {name: np.divide(part, norm / max_norm) for name, part in grads.items()}
    return dict(grads)


class LSTM:
    """A step of an LSTM, computed once, asked twice."""

    def __init__(self, x, h_prev, c_prev, Wx, Wh, b):
        self.inputs = x, h_prev, c_prev, Wx, Wh
        H = np.shape(h_prev)[1]
        a = np.matmul(x, Wx) + np.matmul(h_prev, Wh) + b
        self.i, self.f, self.g, self.o = (a[:, k * H : (k + 1) * H] for k in range(4))
        self.i, self.f, self.o = (0.5 * np.tanh(0.5 * z) + 0.5 for z in (self.i, self.f, self.o))
        self.g = np.tanh(self.g)
        self.c = self.f * c_prev + self.i * self.g
        self.squashed = np.tanh(self.c)

    def back(self, dh, dc):
        """The gradients of all six inputs."""
        x, h_prev, c_prev, Wx, Wh = self.inputs
        dc = dc + dh * self.o * (1 - self.squashed) * (1 + self.squashed)
        slopes = np.stack(
            [self.i * (1 - self.i), self.f * (1 - self.f), 1 - self.g**2, self.o * (1 - self.o)]
        )
        above = np.stack([dc * self.g, dc * c_prev, dc * self.i, dh * self.squashed])
        da = np.einsum("knh,knh->knh", slopes, above)
        wx, wh = (np.reshape(W, (len(W), 4, -1)) for W in (Wx, Wh))
        dx, dh_prev = np.einsum("knh,dkh->nd", da, wx), np.einsum("knh,jkh->nj", da, wh)
        dWx, dWh = np.einsum("knh,nd->dkh", da, x), np.einsum("knh,nj->jkh", da, h_prev)
        db = da.sum(axis=1).reshape(-1)
        return dx, dh_prev, dc * self.f, dWx.reshape(np.shape(Wx)), dWh.reshape(np.shape(Wh)), db


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """The class."""
    step = LSTM(x, h_prev, c_prev, Wx, Wh, b)
    return step.o * step.squashed, step.c


def lstm_step_backward(dh, dc, x, h_prev, c_prev, Wx, Wh, b):
    """The class again: it computes the step anew."""
    return LSTM(x, h_prev, c_prev, Wx, Wh, b).back(dh, dc)


def gradient_norms(Wx, Wh, b, x, h0):
    """The Jacobian of each step and sample, multiplied up."""
    h = rnn_forward(x, h0, Wx, Wh, b)
    N, T, H = h.shape
    g, norms = np.ones((N, H)), [math.sqrt(N * H)]
    for t in range(T - 1, 0, -1):
        jacobians = np.einsum("kj,nj->nkj", Wh, 1 - h[:, t] ** 2)
        g = np.einsum("nkj,nj->nk", jacobians, g)
        norms.append(float(np.linalg.norm(g)))
    return norms[::-1]


def char_rnn_loss_and_gradients(params, ids, mask):
    """Flat tokens for the output layer."""
    ids = np.asarray(ids)
    before, after = ids[:, :-1], ids[:, 1:]
    (N, T), H = before.shape, len(params["Wh"])
    x, h0 = embedding_forward(before, params["E"]), np.zeros((N, H))
    h = np.ascontiguousarray(rnn_forward(x, h0, params["Wx"], params["Wh"], params["b"]))
    flat = h.reshape(N * T, H)
    loss, d = sequence_cross_entropy(
        (flat @ params["Wy"] + params["by"]).reshape(N, T, -1), after, mask
    )
    d = d.reshape(N * T, -1)
    above = (d @ params["Wy"].T).reshape(N, T, H)
    dx, _, dWx, dWh, db = rnn_backward(above, x, h0, h, params["Wx"], params["Wh"])
    dE = embedding_backward(dx, before, len(params["E"]))
    return loss, {"E": dE, "Wx": dWx, "Wh": dWh, "b": db, "Wy": flat.T @ d, "by": np.add.reduce(d)}


def sample_name(params, start, end, max_length, temperature, rng):
    """A tuple; the first symbol whose cumulated probability passes a uniform number."""
    cell, h, name = (
        Cell(params["Wx"], params["Wh"], params["b"]),
        np.zeros((1, len(params["Wh"]))),
        (),
    )
    symbol = start
    for _ in range(max_length):
        h = cell.forward(params["E"][symbol][None], h)
        z = (h @ params["Wy"] + params["by"]).ravel()
        z = z - z.max()
        p = np.exp(z / temperature) if temperature else (z == 0).astype(float)
        symbol = min(
            int(np.searchsorted(np.cumsum(p), rng.uniform(0, p.sum()), side="right")), len(p) - 1
        )
        if symbol == end:
            break
        name += (symbol,)
    return name


def train_char_rnn(ids, mask, vocab_size, hidden, steps, rng):
    """Plain descent on large batches at a rate that sinks; the batches are drawn before the
    weights.
    """
    good = np.flatnonzero(np.count_nonzero(mask, axis=1))
    batches = [rng.permutation(good)[:64] for _ in range(steps)]
    params = {
        "E": 0.5 * rng.normal(size=(vocab_size, 12)),
        "Wx": 0.3 * rng.normal(size=(12, hidden)),
    }
    params["Wh"] = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    params["b"], params["Wy"] = np.zeros(hidden), 0.3 * rng.normal(size=(hidden, vocab_size))
    params["by"] = np.zeros(vocab_size)
    for k, batch in enumerate(batches):
        rate = 1.2 * (1 - 0.8 * k / steps)
        grads = clip_gradients(
            char_rnn_loss_and_gradients(params, ids[batch], np.asarray(mask)[batch])[1], 1.0
        )
        params = {name: params[name] - rate * grads[name] for name in params}
    return params
