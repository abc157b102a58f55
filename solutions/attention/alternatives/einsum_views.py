"""Right, and written with einsum, views and one fused projection; masks are added as very negative
numbers.
"""

import math

import numpy as np


def positional_encoding(T, D):
    """Sines and cosines written into every other column."""
    pairs = (D + 1) // 2
    angle = np.outer(np.arange(T), np.power(10000.0, -2 * np.arange(pairs) / D))
    table = np.empty((T, D))
    table[:, 0::2] = np.sin(angle)
    table[:, 1::2] = np.cos(angle[:, : D // 2])
    return table


def attention_forward(Q, K, V, mask=None):
    """Weights are zeroed once more behind the softmax, for queries that may attend to nothing."""
    scores = np.einsum("...id,...jd->...ij", Q, K) / np.sqrt(float(Q.shape[-1]))
    open_ = (
        np.ones(scores.shape)
        if mask is None
        else np.broadcast_to(np.asarray(mask, float), scores.shape)
    )
    scores = scores - 1e30 * (1 - open_)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True) * open_
    return np.einsum("...ij,...jv->...iv", weights, V), weights


def attention_backward(dout, Q, K, V, mask=None):
    """The softmax subtracts sum(dout * out): the same number for a query, without the weights."""
    out, weights = attention_forward(Q, K, V, mask)
    dweights = np.einsum("...iv,...jv->...ij", dout, V)
    dscores = weights * (dweights - (dout * out).sum(axis=-1)[..., None]) * Q.shape[-1] ** -0.5
    dQ = np.einsum("...ij,...jd->...id", dscores, K)
    dK = np.einsum("...ij,...id->...jd", dscores, Q)
    return dQ, dK, np.einsum("...ij,...iv->...jv", weights, dout)


def causal_mask(T):
    """By comparing positions."""
    return (np.arange(T)[:, None] >= np.arange(T)[None]).astype(float)


def split_heads(x, n_heads):
    """A view."""
    return np.moveaxis(x.reshape(*x.shape[:2], n_heads, -1), 2, 1)


def merge_heads(x):
    """Back again."""
    moved = np.swapaxes(x, 1, 2)
    return moved.reshape(*moved.shape[:2], -1)


def _fused(x, p, n_heads):
    """One product for queries, keys and values: (3, N, H, T, d)."""
    W, b = (np.stack([p[kind + name] for name in "qkv"]) for kind in "Wb")
    three = np.einsum("nti,kio->knto", x, W) + b[:, None, None]
    return np.stack([split_heads(part, n_heads) for part in three])


def multi_head_attention_forward(x, params, n_heads, causal=True):
    """The output layer takes the heads apart, instead of merging them."""
    out, _ = attention_forward(
        *_fused(x, params, n_heads), causal_mask(x.shape[1]) if causal else None
    )
    Wo = params["Wo"].reshape(n_heads, -1, x.shape[2])
    return np.einsum("nhtd,hdo->nto", out, Wo) + params["bo"]


def multi_head_attention_backward(dy, x, params, n_heads, causal=True):
    """As the forward, with the heads' own slices of Wo."""
    qkv, mask = _fused(x, params, n_heads), causal_mask(x.shape[1]) if causal else None
    out, _ = attention_forward(*qkv, mask)
    Wo = params["Wo"].reshape(n_heads, -1, x.shape[2])
    dWo = np.einsum("nhtd,nto->hdo", out, dy).reshape(params["Wo"].shape)
    dheads = attention_backward(np.einsum("nto,hdo->nhtd", dy, Wo), *qkv, mask)
    back = np.stack([merge_heads(part) for part in dheads])
    grads = {"bo": np.einsum("nto->o", dy), "Wo": dWo}
    for k, name in enumerate("qkv"):
        grads["b" + name], grads["W" + name] = (
            np.einsum("nto->o", back[k]),
            np.einsum("nti,nto->io", x, back[k]),
        )
    return np.einsum("knto,kio->nti", back, np.stack([params["W" + name] for name in "qkv"])), grads


_STEP = 1 / 256
_TABLE = np.array([math.erfc(-a * _STEP / math.sqrt(2)) / 2 for a in range(-2304, 2305)])


def _bell(z):
    return np.exp(-0.5 * np.square(z)) / math.sqrt(2 * math.pi)


def _below(z):
    """The normal distribution function, from a table with a cubic correction."""
    z = np.minimum(np.maximum(np.asarray(z, float), -9.0), 9.0)
    i = np.round(z / _STEP).astype(int)
    a, h = i * _STEP, z - i * _STEP
    return _TABLE[i + 2304] + _bell(a) * (h - a * h**2 / 2 + (a**2 - 1) * h**3 / 6)


def feed_forward_forward(x, params):
    """GELU between two einsums."""
    z = np.einsum("ntd,df->ntf", x, params["W1"]) + params["b1"]
    return np.einsum("ntf,fd->ntd", z * _below(z), params["W2"]) + params["b2"]


def feed_forward_backward(dy, x, params):
    """The slope is the distribution plus z times the density."""
    z = np.einsum("ntd,df->ntf", x, params["W1"]) + params["b1"]
    below = _below(z)
    dz = np.einsum("ntd,fd->ntf", dy, params["W2"]) * (below + z * _bell(z))
    grads = {"b2": np.einsum("ntd->d", dy), "W2": np.einsum("ntf,ntd->fd", z * below, dy)}
    grads |= {"b1": np.einsum("ntf->f", dz), "W1": np.einsum("ntd,ntf->df", x, dz)}
    return np.einsum("ntf,df->ntd", dz, params["W1"]), grads


class _Norm:
    """LayerNorm of one x, remembered for the way back."""

    def __init__(self, x, p):
        self.p, centred = p, x - np.einsum("...d->...", x)[..., None] / x.shape[-1]
        self.inverse = (
            1
            / np.sqrt(np.einsum("...d,...d->...", centred, centred) / x.shape[-1] + 1e-5)[..., None]
        )
        self.n = centred * self.inverse
        self.y = self.n * p["gamma"] + p["beta"]

    def back(self, dy):
        """dx and the gradients of gamma and beta."""
        D, d = dy.shape[-1], dy * self.p["gamma"]
        along = np.einsum("...d,...d->...", d, self.n)[..., None] / D
        grads = {"beta": np.einsum("ntd->d", dy), "gamma": np.einsum("ntd,ntd->d", dy, self.n)}
        return (d - d.mean(axis=-1, keepdims=True) - self.n * along) * self.inverse, grads


def block_forward(x, params, n_heads, causal=True):
    """Pre-LN."""
    h = multi_head_attention_forward(_Norm(x, params["ln1"]).y, params["attn"], n_heads, causal)
    h += x
    return feed_forward_forward(_Norm(h, params["ln2"]).y, params["ffn"]) + h


def block_backward(dy, x, params, n_heads, causal=True):
    """Both norms remember what they need."""
    first = _Norm(x, params["ln1"])
    h = x + multi_head_attention_forward(first.y, params["attn"], n_heads, causal)
    second = _Norm(h, params["ln2"])
    d, ffn = feed_forward_backward(dy, second.y, params["ffn"])
    d, ln2 = second.back(d)
    dh = d + dy
    d, attn = multi_head_attention_backward(dh, first.y, params["attn"], n_heads, causal)
    d, ln1 = first.back(d)
    return d + dh, {"ffn": ffn, "ln2": ln2, "attn": attn, "ln1": ln1}


def _stream(params, ids, n_heads):
    x = np.take(params["E"], ids, axis=0) + positional_encoding(ids.shape[1], params["E"].shape[1])
    yield x
    for block in params["blocks"]:
        x = block_forward(x, block, n_heads)
        yield x


def gpt_forward(params, ids, n_heads):
    """The end of the stream."""
    *_, x = _stream(params, ids, n_heads)
    return np.einsum("ntd,dv->ntv", _Norm(x, params["ln_f"]).y, params["Wy"]) + params["by"]


def gpt_loss_and_gradients(params, ids, targets, mask, n_heads):
    """One-hot products at both ends."""
    *inputs, last = _stream(params, ids, n_heads)
    norm = _Norm(last, params["ln_f"])
    logits = norm.y @ params["Wy"] + params["by"]
    highest = logits.max(axis=-1)
    log_sum = np.log(np.exp(logits - highest[..., None]).sum(axis=-1)) + highest
    told = np.take_along_axis(logits, targets[:, :, None], 2)[:, :, 0]
    share = np.asarray(mask, float) / np.count_nonzero(mask)
    loss = np.asarray((share * (log_sum - told)).sum())  # an array without axes
    dlogits = np.exp(logits - log_sum[..., None]) * share[..., None]
    np.subtract.at(dlogits, (*np.indices(ids.shape), targets), share)
    dx, ln_f = norm.back(dlogits @ params["Wy"].T)
    blocks = []
    for x, block in zip(reversed(inputs), reversed(params["blocks"])):
        dx, grads = block_backward(dx, x, block, n_heads)
        blocks = [grads, *blocks]
    one_hot = np.eye(params["E"].shape[0])[ids]
    grads = {"by": np.einsum("ntv->v", dlogits), "Wy": np.einsum("ntd,ntv->dv", norm.y, dlogits)}
    return loss, grads | {
        "ln_f": ln_f,
        "blocks": blocks,
        "E": np.einsum("ntv,ntd->vd", one_hot, dx),
    }


def _sampled(logits, temperature, rng):
    """The inverse of the distribution function, for a uniform number each."""
    if temperature == 0:
        return np.argmax(logits, axis=-1)
    p = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature).cumsum(axis=-1)
    return (p < rng.random(size=(len(p), 1)) * p[:, -1:]).sum(axis=-1)


def generate(params, ids, n_new, n_heads, temperature, rng):
    """Into an array that is large enough from the start."""
    T = ids.shape[1]
    tokens = np.empty((len(ids), T + n_new), dtype=np.int64)
    tokens[:, :T] = ids
    for t in range(T, T + n_new):
        tokens[:, t] = _sampled(
            gpt_forward(params, tokens[:, :t], n_heads)[:, -1], temperature, rng
        )
    return tokens


def generate_cached(params, ids, n_new, n_heads, temperature, rng):
    """Keys and values in arrays that are large enough from the start."""
    (N, T), D = ids.shape, params["E"].shape[1]
    table, total = positional_encoding(T + n_new, D), T + n_new
    store = np.zeros((len(params["blocks"]), 2, N, n_heads, total, D // n_heads))
    tokens, begin = np.concatenate([ids, np.zeros((N, n_new), ids.dtype)], axis=1), 0
    for end in range(T, total):
        x = params["E"][tokens[:, begin:end]] + table[begin:end]
        for block, kept in zip(params["blocks"], store):
            q, k, v = _fused(_Norm(x, block["ln1"]).y, block["attn"], n_heads)
            kept[0, :, :, begin:end], kept[1, :, :, begin:end] = k, v
            mask = np.arange(end) <= np.arange(begin, end)[:, None]
            out, _ = attention_forward(q, kept[0, :, :, :end], kept[1, :, :, :end], mask)
            x = x + merge_heads(out) @ block["attn"]["Wo"] + block["attn"]["bo"]
            x = x + feed_forward_forward(_Norm(x, block["ln2"]).y, block["ffn"])
        last = _Norm(x[:, -1], params["ln_f"]).y @ params["Wy"] + params["by"]
        tokens[:, end], begin = _sampled(last, temperature, rng), end
    return tokens


def train_transformer(ids, targets, mask, vocab_size, rng, steps):
    """Two heads, 24 channels, momentum on gradients that are scaled like RMSprop."""
    D, F, H = 32, 32, 4
    shapes = {"ln1.gamma": 1.0, "ln1.beta": 0.0, "ln2.gamma": 1.0, "ln2.beta": 0.0}
    block = {"ln1": {}, "ln2": {}, "attn": {}, "ffn": {}}
    for name, value in shapes.items():
        part, key = name.split(".")
        block[part][key] = np.full(D, value)
    for name in "qkvo":
        block["attn"] |= {
            "W" + name: rng.standard_normal((D, D)) * D**-0.5,
            "b" + name: np.zeros(D),
        }
    block["ffn"] |= {"W1": rng.standard_normal((D, F)) * D**-0.5, "b1": np.zeros(F)}
    block["ffn"] |= {"W2": rng.standard_normal((F, D)) * F**-0.5, "b2": np.zeros(D)}
    params = {"E": rng.standard_normal((vocab_size, D)), "by": np.zeros(vocab_size)}
    params |= {"blocks": [block], "Wy": rng.standard_normal((D, vocab_size)) * D**-0.5}
    params["ln_f"] = {"gamma": np.ones(D), "beta": np.zeros(D)}
    state = {}
    for step in range(steps):
        chosen = rng.choice(len(ids), size=min(20, len(ids)), replace=False)
        grads = gpt_loss_and_gradients(params, ids[chosen], targets[chosen], mask[chosen], H)[1]
        params = _moved(
            params,
            grads,
            state,
            "",
            0.008 * min(1, (step + 1) / 25) * math.sqrt(1 - step / steps),
            step + 1,
        )
    return params, H


def _moved(p, g, state, name, lr, t):
    """The nest after one step; `state` keeps two running means by name."""
    if isinstance(p, dict):
        return {key: _moved(p[key], g[key], state, f"{name}.{key}", lr, t) for key in p}
    if isinstance(p, list):
        return [_moved(a, b, state, f"{name}.{i}", lr, t) for i, (a, b) in enumerate(zip(p, g))]
    m, v = state.get(name, (np.zeros(p.shape), np.zeros(p.shape)))
    m, v = state[name] = m + 0.1 * (g - m), v + 0.02 * (g * g - v)
    return p - lr * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.98**t)) + 1e-9)
