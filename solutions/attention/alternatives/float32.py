"""Right, and all in float32: whatever comes in is cast first. Written with small closures."""

import math

import numpy as np

F32 = np.float32


def _cast(tree):
    """A nest of arrays, all of them float32."""
    if isinstance(tree, dict):
        return {key: _cast(part) for key, part in tree.items()}
    return [_cast(part) for part in tree] if isinstance(tree, list) else np.asarray(tree, F32)


def positional_encoding(T, D):
    """Each column in turn; angles in double precision, so that late positions keep their digits."""
    columns = [
        (np.cos if c % 2 else np.sin)(np.arange(T) / 10000 ** ((c - c % 2) / D)) for c in range(D)
    ]
    return np.stack(columns, axis=1).astype(F32)


def attention_forward(Q, K, V, mask=None):
    """Softmax by its own definition, on the allowed keys."""
    Q, K, V = map(_cast, (Q, K, V))
    scores = np.matmul(Q, np.moveaxis(K, -1, -2)) * F32(Q.shape[-1] ** -0.5)
    allowed = np.broadcast_to(
        np.array(True) if mask is None else np.asarray(mask) != 0, scores.shape
    )
    highest = np.max(scores, axis=-1, keepdims=True, initial=F32(-3e38), where=allowed)
    odds = np.where(allowed, np.exp(np.where(allowed, scores - highest, 0)), 0)
    total = odds.sum(axis=-1, keepdims=True)
    weights = np.divide(odds, total, out=np.zeros_like(odds), where=total > 0)
    return weights @ V, weights


def attention_backward(dout, Q, K, V, mask=None):
    """Scaled queries and keys, so that the scale needs no line of its own."""
    dout, Q, K, V = map(_cast, (dout, Q, K, V))
    scale = F32(Q.shape[-1] ** -0.5)
    weights = attention_forward(Q, K, V, mask)[1]
    dw = dout @ V.swapaxes(-1, -2)
    ds = weights * dw
    ds -= weights * ds.sum(axis=-1, keepdims=True)
    return ds @ (scale * K), ds.swapaxes(-1, -2) @ (scale * Q), weights.swapaxes(-1, -2) @ dout


def causal_mask(T):
    """Not above the diagonal."""
    return ~np.triu(np.ones((T, T), dtype=bool), k=1)


def split_heads(x, n_heads):
    """Fortran order, for once."""
    N, T, D = x.shape
    return np.asfortranarray(
        np.stack([x[:, :, h * D // n_heads : (h + 1) * D // n_heads] for h in range(n_heads)], 1)
    )


def merge_heads(x):
    """Into an empty array, head by head."""
    N, H, T, d = x.shape
    merged = np.empty((N, T, H * d), x.dtype)
    for h in range(H):
        merged[..., h * d : (h + 1) * d] = x[:, h]
    return merged


def _attention(x, p, H, causal):
    """The result, and the function that takes dy back."""
    x, p = _cast(x), _cast(p)
    mask = causal_mask(x.shape[1]) if causal else None
    q, k, v = (split_heads(x @ p[f"W{c}"] + p[f"b{c}"], H) for c in "qkv")
    merged = merge_heads(attention_forward(q, k, v, mask)[0])

    def back(dy):
        dy = _cast(dy)
        grads = {
            "Wo": np.tensordot(merged, dy, axes=([0, 1], [0, 1])),
            "bo": dy.sum(axis=1).sum(axis=0),
        }
        parts = attention_backward(split_heads(dy @ p["Wo"].T, H), q, k, v, mask)
        dx = np.zeros_like(x)
        for c, part in zip("qkv", map(merge_heads, parts)):
            grads[f"W{c}"], grads[f"b{c}"] = (
                np.tensordot(x, part, axes=([0, 1], [0, 1])),
                part.sum(axis=(0, 1)),
            )
            dx += part @ p[f"W{c}"].T
        return dx, grads

    return merged @ p["Wo"] + p["bo"], back


def multi_head_attention_forward(x, params, n_heads, causal=True):
    """The first half of `_attention`."""
    return _attention(x, params, n_heads, causal)[0]


def multi_head_attention_backward(dy, x, params, n_heads, causal=True):
    """The second half of `_attention`."""
    return _attention(x, params, n_heads, causal)[1](dy)


_PHI = np.array([0.5 * math.erfc(-a / 1024 / math.sqrt(2)) for a in range(-8192, 8193)], F32)


def _gelu(z):
    """GELU and its slope."""
    near = np.rint(np.clip(z, -8, 8) * 1024).astype(int)
    a = (near / 1024).astype(F32)
    h = np.clip(z, -8, 8) - a
    bell = np.exp(-a * a / 2) / F32(math.sqrt(2 * math.pi))
    phi = _PHI[near + 8192] + bell * h * (1 - a * h / 2)
    return z * phi, phi + z * np.exp(-z * z / 2) / F32(math.sqrt(2 * math.pi))


def _feed_forward(x, p):
    x, p = _cast(x), _cast(p)
    z = x @ p["W1"] + p["b1"]
    h, slope = _gelu(z)

    def back(dy):
        dy = _cast(dy)
        dz = dy @ p["W2"].T * slope
        outer = lambda a, b: np.tensordot(a, b, axes=([0, 1], [0, 1]))  # noqa: E731
        grads = {
            "W1": outer(x, dz),
            "b1": dz.sum(axis=(0, 1)),
            "W2": outer(h, dy),
            "b2": dy.sum(axis=(0, 1)),
        }
        return dz @ p["W1"].T, grads

    return h @ p["W2"] + p["b2"], back


def feed_forward_forward(x, params):
    """The first half of `_feed_forward`."""
    return _feed_forward(x, params)[0]


def feed_forward_backward(dy, x, params):
    """The second half of `_feed_forward`."""
    return _feed_forward(x, params)[1](dy)


def _layernorm(x, p):
    mean = x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + F32(1e-5))
    n = (x - mean) / spread

    def back(dy):
        d = dy * p["gamma"]
        dx = (
            d - d.mean(axis=-1, keepdims=True) - n * (d * n).mean(axis=-1, keepdims=True)
        ) / spread
        return dx, {"gamma": np.sum(dy * n, axis=(0, 1)), "beta": np.sum(dy, axis=(0, 1))}

    return n * p["gamma"] + p["beta"], back


def _block(x, p, H, causal):
    x, p = _cast(x), _cast(p)
    a, back1 = _layernorm(x, p["ln1"])
    b, back2 = _attention(a, p["attn"], H, causal)
    c, back3 = _layernorm(x + b, p["ln2"])
    d, back4 = _feed_forward(c, p["ffn"])

    def back(dy):
        dc, ffn = back4(dy)
        dh, ln2 = back3(dc)
        dh = dh + dy
        da, attn = back2(dh)
        dx, ln1 = back1(da)
        return dx + dh, {"ln1": ln1, "attn": attn, "ln2": ln2, "ffn": ffn}

    return x + b + d, back


def block_forward(x, params, n_heads, causal=True):
    """The first half of `_block`."""
    return _block(x, params, n_heads, causal)[0]


def block_backward(dy, x, params, n_heads, causal=True):
    """The second half of `_block`."""
    return _block(x, params, n_heads, causal)[1](_cast(dy))


def _gpt(params, ids, H):
    p, backs = _cast(params), []
    x = p["E"][ids] + positional_encoding(ids.shape[1], p["E"].shape[1])
    for block in p["blocks"]:
        x, back = _block(x, block, H, True)
        backs.append(back)
    y, final = _layernorm(x, p["ln_f"])

    def back(dlogits):
        grads = {
            "Wy": np.tensordot(y, dlogits, axes=([0, 1], [0, 1])),
            "by": dlogits.sum(axis=(0, 1)),
            "blocks": [],
        }
        dx, grads["ln_f"] = final(dlogits @ p["Wy"].T)
        for f in backs[::-1]:
            dx, g = f(dx)
            grads["blocks"].insert(0, g)
        dE = np.zeros_like(p["E"])
        for token in range(len(dE)):
            dE[token] = dx[ids == token].sum(axis=0)
        return {**grads, "E": dE}

    return y @ p["Wy"] + p["by"], back


def gpt_forward(params, ids, n_heads):
    """The first half of `_gpt`."""
    return _gpt(params, ids, n_heads)[0]


def gpt_loss_and_gradients(params, ids, targets, mask, n_heads):
    """Both halves of `_gpt`, and the loss between them, on the unmasked tokens only."""
    logits, back = _gpt(params, ids, n_heads)
    where = np.nonzero(mask)
    kept, right = logits[where], targets[where]
    log_p = kept - kept.max(axis=1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    rows = np.arange(len(right))
    dlogits, inner = np.zeros_like(logits), np.exp(log_p)
    inner[rows, right] -= 1
    dlogits[where] = inner / F32(len(right))
    return -log_p[rows, right].mean(), back(dlogits)


def _pick(logits, temperature, rng):
    """Exponential races: the first clock to ring wins with its softmax probability."""
    if temperature == 0:
        return np.argmax(logits, axis=1)
    return np.argmin(np.log(rng.exponential(size=logits.shape)) - logits / temperature, axis=1)


def generate(params, ids, n_new, n_heads, temperature, rng):
    """Column by column."""
    columns = list(np.asarray(ids).T)
    for _ in range(n_new):
        columns.append(
            _pick(gpt_forward(params, np.stack(columns, axis=1), n_heads)[:, -1], temperature, rng)
        )
    return np.stack(columns, axis=1)


class _Memory:
    """The keys and values of one block, and the block for what comes next."""

    def __init__(self, p, H):
        self.p, self.H, self.k, self.v = p, H, None, None

    def __call__(self, x):
        p = self.p["attn"]
        a = _layernorm(x, self.p["ln1"])[0]
        q, k, v = (split_heads(a @ p[f"W{c}"] + p[f"b{c}"], self.H) for c in "qkv")
        self.k = k if self.k is None else np.concatenate([self.k, k], axis=2)
        self.v = v if self.v is None else np.concatenate([self.v, v], axis=2)
        n, T = q.shape[2], self.k.shape[2]
        out = attention_forward(q, self.k, self.v, causal_mask(T)[T - n :])[0]
        x = x + merge_heads(out) @ p["Wo"] + p["bo"]
        return x + _feed_forward(_layernorm(x, self.p["ln2"])[0], self.p["ffn"])[0]


def generate_cached(params, ids, n_new, n_heads, temperature, rng):
    """The prompt at once, then one token at a time."""
    p, ids = _cast(params), np.asarray(ids)
    blocks = [_Memory(block, n_heads) for block in p["blocks"]]
    table = positional_encoding(ids.shape[1] + n_new, p["E"].shape[1])
    columns, done = list(ids.T), 0
    while len(columns) < len(table):
        x = p["E"][np.stack(columns[done:], axis=1)] + table[done : len(columns)]
        done = len(columns)
        for block in blocks:
            x = block(x)
        scores = _layernorm(x[:, -1], p["ln_f"])[0] @ p["Wy"] + p["by"]
        columns.append(_pick(scores, temperature, rng))
    return np.stack(columns, axis=1)


def train_transformer(ids, targets, mask, vocab_size, rng, steps):
    """Adam with a constant rate behind its warm-up, and the mean of the last steps' parameters."""
    D, F, H = 32, 40, 2
    g = lambda *size: rng.normal(size=size) / math.sqrt(size[0])  # noqa: E731
    ones, zeros = np.ones(D), np.zeros(D)
    ln = {"gamma": ones, "beta": zeros}
    attn = {
        "Wq": g(D, D),
        "bq": zeros,
        "Wk": g(D, D),
        "bk": zeros,
        "Wv": g(D, D),
        "bv": zeros,
        "Wo": g(D, D),
        "bo": zeros,
    }
    ffn = {"W1": g(D, F), "b1": np.zeros(F), "W2": g(F, D), "b2": zeros}
    p = {
        "E": rng.normal(size=(vocab_size, D)),
        "blocks": [{"ln1": ln, "attn": attn, "ln2": ln, "ffn": ffn}],
        "ln_f": ln,
    }
    p = _cast(p | {"Wy": g(D, vocab_size), "by": np.zeros(vocab_size)})
    m = v = _zip(lambda a: 0 * a, p)
    for t in range(1, steps + 1):
        b = rng.integers(0, len(ids), 32)
        grads = gpt_loss_and_gradients(p, ids[b], targets[b], mask[b], H)[1]
        m = _zip(lambda a, b: F32(0.9) * a + F32(0.1) * b, m, grads)
        v = _zip(lambda a, b: F32(0.99) * a + F32(0.01) * b * b, v, grads)
        step = F32(
            0.006
            * min(1, t / 30, 2 * (1 - (t - 1) / steps))
            * math.sqrt(1 - 0.99**t)
            / (1 - 0.9**t)
        )
        p = _zip(lambda a, b, c, step=step: a - step * b / (np.sqrt(c) + F32(1e-8)), p, m, v)
    return p, H


def _zip(f, *trees):
    first = trees[0]
    if isinstance(first, dict):
        return {key: _zip(f, *(tree[key] for tree in trees)) for key in first}
    if isinstance(first, list):
        return [_zip(f, *parts) for parts in zip(*trees)]
    return f(*trees)
