"""The reference for 07-attention: from one attention head to a small GPT, in plain NumPy."""

import math

import numpy as np

_erf = np.vectorize(math.erf)


def positional_encoding(T, D):
    """Sines (even channels) and cosines (odd) of pos / 10000^(2 floor(c/2) / D): (T, D). Vaswani et
    al. 2017, 3.5.
    """
    channel = np.arange(D)
    angle = np.arange(T)[:, None] / 10000 ** (channel // 2 * 2 / D)
    return np.where(channel % 2, np.cos(angle), np.sin(angle))


def attention_forward(Q, K, V, mask=None):
    """Q (..., Tq, d), K (..., Tk, d), V (..., Tk, dv) -> out (..., Tq, dv), weights (..., Tq, Tk).

    Scaled dot products, Vaswani et al. 2017, eq. 1. A query that may attend to nothing gets zeros.
    """
    scores = Q @ np.swapaxes(K, -1, -2) / math.sqrt(Q.shape[-1])
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    highest = scores.max(axis=-1, keepdims=True)
    odds = np.exp(
        scores - np.where(highest == -np.inf, 0, highest)
    )  # shift, so exp cannot overflow
    total = odds.sum(axis=-1, keepdims=True)
    weights = odds / np.where(total == 0, 1, total)
    return weights @ V, weights


def attention_backward(dout, Q, K, V, mask=None):
    """Given dL/dout (..., Tq, dv), return dL/dQ, dL/dK, dL/dV. A forbidden pair has weight 0, and
    so no gradient.
    """
    weights = attention_forward(Q, K, V, mask)[1]
    dweights = dout @ np.swapaxes(V, -1, -2)
    dscores = (
        weights
        * (dweights - (weights * dweights).sum(axis=-1, keepdims=True))
        / math.sqrt(Q.shape[-1])
    )
    return dscores @ K, np.swapaxes(dscores, -1, -2) @ Q, np.swapaxes(weights, -1, -2) @ dout


def causal_mask(T):
    """(T, T): query i may attend to key j if j <= i."""
    return np.tril(np.ones((T, T), bool))


def split_heads(x, n_heads):
    """Cut the channels into heads: (N, T, D) -> (N, H, T, D/H)."""
    N, T, D = x.shape
    return x.reshape(N, T, n_heads, D // n_heads).transpose(0, 2, 1, 3)


def merge_heads(x):
    """The inverse of split_heads: (N, H, T, D/H) -> (N, T, D)."""
    N, H, T, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(N, T, H * d)


def multi_head_attention_forward(x, params, n_heads, causal=True):
    """Attention in n_heads subspaces side by side: x (N, T, D) -> (N, T, D). Vaswani et al. 2017,
    3.2.2.
    """
    out, _ = attention_forward(*_queries_keys_values(x, params, n_heads), _mask(x, causal))
    return merge_heads(out) @ params["Wo"] + params["bo"]


def multi_head_attention_backward(dy, x, params, n_heads, causal=True):
    """Given dL/dy (N, T, D), return dL/dx and the dict of gradients. x is used three times: its
    shares add up.
    """
    qkv = _queries_keys_values(x, params, n_heads)
    out, _ = attention_forward(*qkv, _mask(x, causal))
    dmerged, dWo, dbo = _linear_backward(dy, merge_heads(out), params["Wo"])
    dx, grads = np.zeros(x.shape), {"Wo": dWo, "bo": dbo}
    dqkv = attention_backward(split_heads(dmerged, n_heads), *qkv, _mask(x, causal))
    for name, dheads in zip("qkv", dqkv):
        share, grads[f"W{name}"], grads[f"b{name}"] = _linear_backward(
            merge_heads(dheads), x, params[f"W{name}"]
        )
        dx += share
    return dx, grads


def _queries_keys_values(x, params, n_heads):
    """What each position asks, offers and hands over, each (N, H, T, D/H)."""
    return [split_heads(x @ params[f"W{name}"] + params[f"b{name}"], n_heads) for name in "qkv"]


def _mask(x, causal):
    return causal_mask(x.shape[1]) if causal else None


def _linear_backward(dy, x, W):
    """Gradients of x W + b for any number of leading axes: every position is a sample."""
    rows = dy.reshape(-1, dy.shape[-1])
    return dy @ W.T, x.reshape(-1, x.shape[-1]).T @ rows, rows.sum(axis=0)


def feed_forward_forward(x, params):
    """The same small network at every position: gelu(x W1 + b1) W2 + b2, (N, T, D) -> (N, T, D)."""
    z = x @ params["W1"] + params["b1"]
    return z * _phi(z) @ params["W2"] + params["b2"]


def feed_forward_backward(dy, x, params):
    """Given dL/dy, return dL/dx and the dict of gradients; gelu'(z) = Phi(z) + z phi(z). Hendrycks
    & Gimpel 2016.
    """
    z = x @ params["W1"] + params["b1"]
    phi, density = _phi(z), np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    dh, dW2, db2 = _linear_backward(dy, z * phi, params["W2"])
    dx, dW1, db1 = _linear_backward(dh * (phi + z * density), x, params["W1"])
    return dx, {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def _phi(z):
    """The normal distribution function."""
    return (1 + _erf(z / math.sqrt(2))) / 2


def block_forward(x, params, n_heads, causal=True):
    """Pre-LN Transformer block: h = x + attn(ln1(x)), y = h + ffn(ln2(h)). Xiong et al. 2020,
    figure 1b.
    """
    h = x + multi_head_attention_forward(
        _layernorm(x, **params["ln1"]), params["attn"], n_heads, causal
    )
    return h + feed_forward_forward(_layernorm(h, **params["ln2"]), params["ffn"])


def block_backward(dy, x, params, n_heads, causal=True):
    """Given dL/dy (N, T, D), return dL/dx and the gradients, nested like params."""
    normed = _layernorm(x, **params["ln1"])
    h = x + multi_head_attention_forward(normed, params["attn"], n_heads, causal)
    dnormed, ffn = feed_forward_backward(dy, _layernorm(h, **params["ln2"]), params["ffn"])
    through, ln2 = _layernorm_backward(dnormed, h, params["ln2"]["gamma"])
    dh = dy + through  # the residual way and the way through the sublayer
    dnormed, attn = multi_head_attention_backward(dh, normed, params["attn"], n_heads, causal)
    through, ln1 = _layernorm_backward(dnormed, x, params["ln1"]["gamma"])
    return dh + through, {"ln1": ln1, "attn": attn, "ln2": ln2, "ffn": ffn}


def _layernorm(x, gamma, beta):
    """Each position brought to mean 0 and variance 1, then scaled. Ba, Kiros & Hinton 2016."""
    return gamma * _standardised(x)[0] + beta


def _layernorm_backward(dy, x, gamma):
    """Return dL/dx, and dL/dgamma and dL/dbeta in a dict: dx is what of dy gamma is neither mean
    nor along n.
    """
    n, deviation = _standardised(x)
    dn = dy * gamma
    dx = (
        dn - dn.mean(axis=-1, keepdims=True) - n * (dn * n).mean(axis=-1, keepdims=True)
    ) / deviation
    axes = tuple(range(x.ndim - 1))
    return dx, {"gamma": (dy * n).sum(axis=axes), "beta": dy.sum(axis=axes)}


def _standardised(x):
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    return (x - x.mean(axis=-1, keepdims=True)) / deviation, deviation


def gpt_forward(params, ids, n_heads):
    """Scores of every next token: ids (N, T) -> logits (N, T, V). Radford et al. 2018, without
    dropout.
    """
    x = _states(params, ids, n_heads)[-1]
    return _layernorm(x, **params["ln_f"]) @ params["Wy"] + params["by"]


def gpt_loss_and_gradients(params, ids, targets, mask, n_heads):
    """Mean -log p(target) over the unmasked tokens, and its gradients, nested like params."""
    states = _states(params, ids, n_heads)
    normed = _layernorm(states[-1], **params["ln_f"])
    loss, dlogits = _cross_entropy(normed @ params["Wy"] + params["by"], targets, mask)
    dnormed, dWy, dby = _linear_backward(dlogits, normed, params["Wy"])
    dx, ln_f = _layernorm_backward(dnormed, states[-1], params["ln_f"]["gamma"])
    blocks = []
    for x, block in zip(states[-2::-1], params["blocks"][::-1]):
        dx, grads = block_backward(dx, x, block, n_heads)
        blocks.insert(0, grads)
    dE = np.zeros(params["E"].shape)
    np.add.at(dE, ids, dx)  # a token that stands in many places gets the sum
    return loss, {"E": dE, "blocks": blocks, "ln_f": ln_f, "Wy": dWy, "by": dby}


def _states(params, ids, n_heads):
    """What goes into each block and what comes out of the last, each (N, T, D)."""
    states = [params["E"][ids] + positional_encoding(ids.shape[1], params["E"].shape[1])]
    for block in params["blocks"]:
        states.append(block_forward(states[-1], block, n_heads))
    return states


def _cross_entropy(logits, targets, mask):
    """Mean of -log softmax(logits)[target] where mask is 1, and its gradient (P - T) mask / sum of
    mask.
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    share, truth = mask / np.sum(mask), np.eye(logits.shape[-1])[targets]
    return float(-(share * (log_p * truth).sum(axis=-1)).sum()), (np.exp(log_p) - truth) * share[
        ..., None
    ]


def generate(params, ids, n_new, n_heads, temperature, rng):
    """Append n_new tokens to ids (N, T), each from the scores of the last position: (N, T +
    n_new).
    """
    for _ in range(n_new):
        logits = gpt_forward(params, ids, n_heads)[:, -1]
        ids = np.concatenate([ids, _choose(logits, temperature, rng)], axis=1)
    return ids


def generate_cached(params, ids, n_new, n_heads, temperature, rng):
    """As generate, but every token goes through the blocks once: keys and values of earlier ones
    are kept.
    """
    nothing = split_heads(np.zeros((len(ids), 0, params["E"].shape[1])), n_heads)
    cache, new = [(nothing, nothing)] * len(params["blocks"]), ids
    for _ in range(n_new):
        x = (
            params["E"][new]
            + positional_encoding(ids.shape[1], params["E"].shape[1])[-new.shape[1] :]
        )
        for i, block in enumerate(params["blocks"]):
            x, cache[i] = _block_cached(x, block, n_heads, cache[i])
        logits = _layernorm(x[:, -1], **params["ln_f"]) @ params["Wy"] + params["by"]
        new = _choose(logits, temperature, rng)
        ids = np.concatenate([ids, new], axis=1)
    return ids


def _choose(logits, temperature, rng):
    """(N, V) -> (N, 1): the likeliest at temperature 0, else a draw from softmax(logits /
    temperature), by Gumbel.
    """
    if temperature > 0:
        logits = logits / temperature + rng.gumbel(size=logits.shape)
    return logits.argmax(axis=1)[:, None]


def _block_cached(x, params, n_heads, cache):
    """block_forward for the newest positions x, given the keys and values of all before; also all
    keys and values.
    """
    queries, *new = _queries_keys_values(_layernorm(x, **params["ln1"]), params["attn"], n_heads)
    keys, values = (np.concatenate(pair, axis=2) for pair in zip(cache, new))
    out, _ = attention_forward(queries, keys, values, causal_mask(keys.shape[2])[-x.shape[1] :])
    h = x + merge_heads(out) @ params["attn"]["Wo"] + params["attn"]["bo"]
    return h + feed_forward_forward(_layernorm(h, **params["ln2"]), params["ffn"]), (keys, values)


def train_transformer(ids, targets, mask, vocab_size, rng, steps):
    """A GPT of one block, 32 channels and 4 heads, by Adam on batches of 16; the rate rises, then
    falls to zero.
    """
    params = _fresh(vocab_size, 32, 32, rng)
    m = v = _mapped(np.zeros_like, params)
    for t in range(1, steps + 1):
        batch = rng.integers(len(ids), size=16)
        _, grads = gpt_loss_and_gradients(params, ids[batch], targets[batch], mask[batch], 4)
        m = _mapped(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = _mapped(lambda v, g: 0.98 * v + 0.02 * g**2, v, grads)
        params = _step(params, m, v, t, 0.01 * min(t / 20, 1 - (t - 1) / steps))
    return params, 4


def _step(params, m, v, t, lr):
    """Adam's update number t, from the running means of gradients and of their squares. Kingma & Ba
    2015.
    """
    rate = lr * math.sqrt(1 - 0.98**t) / (1 - 0.9**t)
    return _mapped(lambda p, m, v: p - rate * m / (np.sqrt(v) + 1e-8), params, m, v)


def _fresh(vocab_size, D, F, rng):
    """Random parameters of a GPT with one block: weights of variance 1 / fan-in, biases zero."""

    def weights(n, m):
        return rng.normal(size=(n, m)) / math.sqrt(n)

    ln = {"gamma": np.ones(D), "beta": np.zeros(D)}
    attn = {f"W{name}": weights(D, D) for name in "qkvo"} | {
        f"b{name}": np.zeros(D) for name in "qkvo"
    }
    ffn = {"W1": weights(D, F), "b1": np.zeros(F), "W2": weights(F, D), "b2": np.zeros(D)}
    block = {"ln1": ln, "attn": attn, "ln2": ln, "ffn": ffn}
    head = {"Wy": weights(D, vocab_size), "by": np.zeros(vocab_size)}
    return {"E": rng.normal(size=(vocab_size, D)), "blocks": [block], "ln_f": ln, **head}


def _mapped(f, *trees):
    """f of the arrays at the same place in trees of dicts and lists: one tree."""
    if isinstance(trees[0], dict):
        return {key: _mapped(f, *(tree[key] for tree in trees)) for key in trees[0]}
    return (
        [_mapped(f, *parts) for parts in zip(*trees)] if isinstance(trees[0], list) else f(*trees)
    )
