"""The reference for 06-bptt: networks with a memory, and gradients that go back through time, in
plain NumPy.

Sequences are (N, T, D). A backward takes the upstream gradient first and returns gradients in the
order of the forward's inputs.
"""

import math

import numpy as np


def embedding_forward(ids, E):
    """The row of E (V, D) for each symbol: ids of any shape (...) -> (..., D). Bengio et
    al. 2003.
    """
    return np.asarray(E)[ids]


def embedding_backward(dy, ids, vocab_size):
    """Given dL/dy (..., D), return dL/dE (V, D): each row is the sum over all places where its
    symbol stands.
    """
    dE = np.zeros((vocab_size, dy.shape[-1]))
    np.add.at(dE, ids, dy)  # `dE[ids] += dy` would keep only one of the places of a symbol
    return dE


def rnn_step_forward(x, h_prev, Wx, Wh, b):
    """One step: x (N, D), h_prev (N, H) -> h = tanh(x Wx + h_prev Wh + b) (N, H). Elman 1990."""
    return np.tanh(x @ Wx + h_prev @ Wh + b)


def rnn_step_backward(dh, x, h_prev, h, Wx, Wh):
    """Given dL/dh (N, H), return dL/dx, dL/dh_prev, dL/dWx, dL/dWh, dL/db."""
    dz = dh * (1 - h**2)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    """The same step for each time: x (N, T, D), h0 (N, H) -> the states after every step
    (N, T, H).
    """
    h, states = h0, []
    for t in range(x.shape[1]):
        h = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
    return np.stack(states, axis=1)


def rnn_backward(dh, x, h0, h, Wx, Wh):
    """Given dL/dh (N, T, H), the direct share of every state, return dL/dx, dL/dh0, dL/dWx, dL/dWh,
    dL/db.

    Backpropagation through time (Werbos 1990): each state's own share, and what comes back from the
    step behind it.
    """
    dx, carry, shared = np.empty(x.shape), np.zeros(h0.shape), [0.0, 0.0, 0.0]
    for t in reversed(range(x.shape[1])):
        h_prev = h[:, t - 1] if t > 0 else h0
        dx[:, t], carry, *grads = rnn_step_backward(
            dh[:, t] + carry, x[:, t], h_prev, h[:, t], Wx, Wh
        )
        shared = [
            total + grad for total, grad in zip(shared, grads)
        ]  # all steps share Wx, Wh and b
    return dx, carry, *shared


def sequence_cross_entropy(logits, targets, mask):
    """Mean of -log softmax(logits (N, T, V))[target] over the unmasked tokens of (N, T); loss and
    dlogits.
    """
    log_p = logits - _log_sum_exp(logits)
    chosen = np.arange(logits.shape[2]) == np.asarray(targets)[:, :, None]  # one-hot (N, T, V)
    weight = (mask / np.sum(mask))[:, :, None]
    return float(-np.sum(weight * chosen * log_p)), weight * (np.exp(log_p) - chosen)


def _log_sum_exp(z):
    """log of the sum of exp(z) over the last axis, which stays as 1; shifted, so that exp cannot
    overflow.
    """
    highest = np.max(z, axis=-1, keepdims=True)
    return highest + np.log(np.exp(z - highest).sum(axis=-1, keepdims=True))


def clip_gradients(grads, max_norm):
    """The gradients, shortened all alike if their common norm exceeds max_norm. Pascanu, Mikolov &
    Bengio 2013.
    """
    norm = math.sqrt(sum(float(np.sum(np.square(g))) for g in grads.values()))
    scale = max_norm / norm if norm > max_norm else 1.0
    return {name: scale * g for name, g in grads.items()}


def lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b):
    """One step: x (N, D), h_prev and c_prev (N, H) -> h, c. Hochreiter & Schmidhuber 1997; Gers et
    al. 2000.
    """
    i, f, g, o = _gates(x, h_prev, Wx, Wh, b)
    c = f * c_prev + i * g
    return o * np.tanh(c), c


def _gates(x, h_prev, Wx, Wh, b):
    """The input, forget, candidate and output gates, (N, H) each."""
    a = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    i, f, o = (
        (1 + np.tanh(z / 2)) / 2 for z in (a[0], a[1], a[3])
    )  # the sigmoid, which cannot overflow so
    return i, f, np.tanh(a[2]), o


def lstm_step_backward(dh, dc, x, h_prev, c_prev, Wx, Wh, b):
    """Given dL/dh and the dL/dc that does not come through h, (N, H) each, return the gradients of
    the six inputs.
    """
    i, f, g, o = _gates(x, h_prev, Wx, Wh, b)
    t = np.tanh(f * c_prev + i * g)
    dc = dc + dh * o * (1 - t**2)  # the two ways in which c matters
    da = (
        dc * g * i * (1 - i),
        dc * c_prev * f * (1 - f),
        dc * i * (1 - g**2),
        dh * t * o * (1 - o),
    )
    dz = np.concatenate(da, axis=1)
    return dz @ Wx.T, dz @ Wh.T, dc * f, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)


def gradient_norms(Wx, Wh, b, x, h0):
    """Norms (T,) of d(sum of the last state) / d(state after step t). Bengio, Simard & Frasconi
    1994.
    """
    h = rnn_forward(x, h0, Wx, Wh, b)
    gradient, norms = np.ones(h0.shape), []
    for t in reversed(range(x.shape[1])):
        norms.append(np.linalg.norm(gradient))
        gradient = (gradient * (1 - h[:, t] ** 2)) @ Wh.T
    return np.array(norms[::-1])


def char_rnn_loss_and_gradients(params, ids, mask):
    """Loss of predicting each next symbol of ids (N, T + 1), and its gradient for each of E, Wx,
    Wh, b, Wy, by.

    Embedding, recurrent layer from h0 = 0, linear layer, masked cross-entropy; then back in the
    opposite order.
    """
    E, Wx, Wh, Wy = (params[name] for name in ("E", "Wx", "Wh", "Wy"))
    x, h0 = embedding_forward(ids[:, :-1], E), np.zeros((len(ids), len(Wh)))
    h = rnn_forward(x, h0, Wx, Wh, params["b"])
    loss, dlogits = sequence_cross_entropy(h @ Wy + params["by"], ids[:, 1:], mask)
    dx, _, dWx, dWh, db = rnn_backward(dlogits @ Wy.T, x, h0, h, Wx, Wh)
    dE = embedding_backward(dx, ids[:, :-1], len(E))
    dWy = np.einsum("nth,ntv->hv", h, dlogits)
    return loss, {"E": dE, "Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "by": dlogits.sum(axis=(0, 1))}


def sample_name(params, start, end, max_length, temperature, rng):
    """Draw one symbol after the other until `end` or max_length of them: a list of ids without
    start and end.
    """
    h, symbol, name = np.zeros(len(params["Wh"])), start, []  # one name: no batch axis
    for _ in range(max_length):
        x = embedding_forward(symbol, params["E"])
        h = rnn_step_forward(x, h, params["Wx"], params["Wh"], params["b"])
        symbol = _draw(h @ params["Wy"] + params["by"], temperature, rng)
        if symbol == end:
            break
        name.append(symbol)
    return name


def _draw(logits, temperature, rng):
    """A symbol with the probabilities softmax(logits / temperature), at temperature 0 the
    likeliest.
    """
    if temperature == 0:
        return int(np.argmax(logits))
    z = logits / temperature
    return int(rng.choice(len(z), p=np.exp(z - _log_sum_exp(z))))


def train_char_rnn(ids, mask, vocab_size, hidden, steps, rng):
    """Momentum (Polyak 1964) on batches of 32 rows, gradients clipped: the parameters of a
    character model.
    """
    params = _start(vocab_size, hidden, rng)
    velocity = {}
    rows = np.flatnonzero(np.any(mask, axis=1))  # a row without a target has nothing to say
    for _ in range(steps):
        batch = rng.choice(rows, 32)
        grads = clip_gradients(char_rnn_loss_and_gradients(params, ids[batch], mask[batch])[1], 1.0)
        for name in grads:
            velocity[name] = 0.9 * velocity.get(name, 0.0) + grads[name]
            params[name] = params[name] - 0.1 * velocity[name]
    return params


def _start(vocab_size, hidden, rng):
    """A start with Wh orthogonal (Saxe et al. 2014) and small inputs, so that a state neither fades
    nor saturates.
    """
    sizes = [(vocab_size, hidden), (hidden, hidden), (hidden, vocab_size)]
    E, Wx, Wy = (rng.normal(size=size) / math.sqrt(hidden) for size in sizes)
    Wh = np.linalg.qr(rng.normal(size=(hidden, hidden)))[0]
    return {"E": E, "Wx": Wx, "Wh": Wh, "b": np.zeros(hidden), "Wy": Wy, "by": np.zeros(vocab_size)}
