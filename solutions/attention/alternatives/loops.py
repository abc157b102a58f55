"""Right, and written with loops: over sequences, heads and queries; lists where others have
arrays.
"""

import math

import numpy as np


def positional_encoding(T, D):
    """Entry by entry."""
    table = [[0.0] * D for _ in range(T)]
    for t in range(T):
        for c in range(D):
            angle = t * math.exp(-math.log(10000.0) * (c - c % 2) / D)
            table[t][c] = math.cos(angle) if c % 2 else math.sin(angle)
    return table


def _row(q, K, allowed):
    """The weights of one query: a softmax over the keys that are allowed."""
    weights = np.zeros(len(K))
    keys = [j for j in range(len(K)) if allowed[j]]
    if keys:
        scores = [float(q @ K[j]) / math.sqrt(len(q)) for j in keys]
        log_sum = np.logaddexp.reduce(scores)
        for j, score in zip(keys, scores):
            weights[j] = math.exp(score - log_sum)
    return weights


def _spread(Q, K, mask):
    """The mask for every query and key, of every batch and head."""
    size = (*Q.shape[:-1], K.shape[-2])
    return np.broadcast_to(1 if mask is None else mask, size)


def attention_forward(Q, K, V, mask=None):
    """One query after the other."""
    allowed = _spread(Q, K, mask)
    weights = np.zeros(allowed.shape)
    out = np.zeros((*Q.shape[:-1], V.shape[-1]))
    for lead in np.ndindex(Q.shape[:-2]):
        for i in range(Q.shape[-2]):
            weights[lead][i] = _row(Q[lead][i], K[lead], allowed[lead][i])
            for j in range(K.shape[-2]):
                out[lead][i] += weights[lead][i, j] * V[lead][j]
    return [out, weights]


def attention_backward(dout, Q, K, V, mask=None):
    """Shares, added up pair by pair."""
    _, weights = attention_forward(Q, K, V, mask)
    dQ, dK, dV = np.zeros(Q.shape), np.zeros(K.shape), np.zeros(V.shape)
    scale = 1 / math.sqrt(Q.shape[-1])
    for lead in np.ndindex(Q.shape[:-2]):
        for i in range(Q.shape[-2]):
            w, d = weights[lead][i], dout[lead][i]
            slopes = [float(d @ v) for v in V[lead]]
            average = sum(a * b for a, b in zip(w, slopes))
            for j in range(K.shape[-2]):
                s = w[j] * (slopes[j] - average) * scale
                dQ[lead][i] += s * K[lead][j]
                dK[lead][j] += s * Q[lead][i]
                dV[lead][j] += w[j] * d
    return [dQ, dK, dV]


def causal_mask(T):
    """A list of rows."""
    return [[1 if j <= i else 0 for j in range(T)] for i in range(T)]


def split_heads(x, n_heads):
    """Slices of columns, stacked."""
    return np.stack(np.split(x, n_heads, axis=2), axis=1)


def merge_heads(x):
    """Side by side."""
    return np.concatenate([x[:, h] for h in range(x.shape[1])], axis=2)


def _attend(q, k, v, causal):
    """One head of one sequence: out and weights."""
    scores = q @ k.T / math.sqrt(q.shape[1])
    if causal:
        for i in range(len(q)):
            scores[i, i + 1 :] = -math.inf
    weights = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])
    return weights @ v, weights


def multi_head_attention_forward(x, params, n_heads, causal=True):
    """Sequence by sequence, head by head."""
    return np.array([_mixed(s, params, n_heads, causal) @ params["Wo"] + params["bo"] for s in x])


def _mixed(s, p, H, causal):
    """The heads of one sequence (T, D), side by side."""
    q, k, v = (s @ p["W" + n] + p["b" + n] for n in "qkv")
    d = s.shape[1] // H
    cuts = [slice(h * d, (h + 1) * d) for h in range(H)]
    return np.hstack([_attend(q[:, c], k[:, c], v[:, c], causal)[0] for c in cuts])


def multi_head_attention_backward(dy, x, params, n_heads, causal=True):
    """Sequence by sequence; all gradients add up."""
    p, d = params, x.shape[2] // n_heads
    grads = {name: np.zeros(np.shape(tensor)) for name, tensor in p.items()}
    dx = np.zeros(x.shape)
    for n, s in enumerate(x):
        grads["Wo"] += _mixed(s, p, n_heads, causal).T @ dy[n]
        grads["bo"] += dy[n].sum(axis=0)
        dmixed = dy[n] @ p["Wo"].T
        q, k, v = (s @ p["W" + name] + p["b" + name] for name in "qkv")
        back = {name: np.zeros(s.shape) for name in "qkv"}
        for h in range(n_heads):
            c = slice(h * d, (h + 1) * d)
            _, w = _attend(q[:, c], k[:, c], v[:, c], causal)
            dw = dmixed[:, c] @ v[:, c].T
            ds = (w * dw - w * (w * dw).sum(axis=1)[:, None]) / math.sqrt(d)
            back["q"][:, c], back["k"][:, c], back["v"][:, c] = (
                ds @ k[:, c],
                ds.T @ q[:, c],
                w.T @ dmixed[:, c],
            )
        for name in "qkv":
            grads["W" + name] += s.T @ back[name]
            grads["b" + name] += back[name].sum(axis=0)
            dx[n] += back[name] @ p["W" + name].T
    return dx, grads


_ERF = np.frompyfunc(math.erf, 1, 1)


def _distribution(z):
    return 0.5 + 0.5 * _ERF(z * math.sqrt(0.5)).astype(float)


def feed_forward_forward(x, params):
    """Sequence by sequence."""
    rows = []
    for s in x:
        z = s @ params["W1"] + params["b1"]
        rows.append(z * _distribution(z) @ params["W2"] + params["b2"])
    return np.array(rows)


def feed_forward_backward(dy, x, params):
    """Sequence by sequence; all gradients add up."""
    grads = {name: np.zeros(np.shape(tensor)) for name, tensor in params.items()}
    dx = np.zeros(x.shape)
    for n, s in enumerate(x):
        z = s @ params["W1"] + params["b1"]
        below = _distribution(z)
        slope = below + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        dz = dy[n] @ params["W2"].T * slope
        for name, share in {
            "W1": s.T @ dz,
            "b1": dz.sum(0),
            "W2": (z * below).T @ dy[n],
            "b2": dy[n].sum(0),
        }.items():
            grads[name] += share
        dx[n] = dz @ params["W1"].T
    return dx, grads


def _norm(x, p):
    """LayerNorm: the result, the standardised x, and the deviations."""
    centred = x - x.mean(axis=-1)[..., None]
    deviation = np.sqrt((centred**2).mean(axis=-1) + 1e-5)[..., None]
    return centred / deviation * p["gamma"] + p["beta"], centred / deviation, deviation


def _norm_backward(dy, x, p):
    _, n, deviation = _norm(x, p)
    d = dy * p["gamma"]
    D = x.shape[-1]
    dx = (D * d - d.sum(axis=-1)[..., None] - n * (d * n).sum(axis=-1)[..., None]) / (D * deviation)
    flat = (-1, D)
    return dx, {"gamma": (dy * n).reshape(flat).sum(axis=0), "beta": dy.reshape(flat).sum(axis=0)}


def block_forward(x, params, n_heads, causal=True):
    """Two sums."""
    x = x + multi_head_attention_forward(
        _norm(x, params["ln1"])[0], params["attn"], n_heads, causal
    )
    return x + feed_forward_forward(_norm(x, params["ln2"])[0], params["ffn"])


def block_backward(dy, x, params, n_heads, causal=True):
    """The two sums backwards."""
    entrance = _norm(x, params["ln1"])[0]
    h = x + multi_head_attention_forward(entrance, params["attn"], n_heads, causal)
    grads = {}
    dm, grads["ffn"] = feed_forward_backward(dy, _norm(h, params["ln2"])[0], params["ffn"])
    dh, grads["ln2"] = _norm_backward(dm, h, params["ln2"])
    dh = dh + dy
    dn, grads["attn"] = multi_head_attention_backward(dh, entrance, params["attn"], n_heads, causal)
    dx, grads["ln1"] = _norm_backward(dn, x, params["ln1"])
    return dx + dh, grads


def gpt_forward(params, ids, n_heads):
    """The list of inputs of all blocks is built anew for the loss; here only its end is needed."""
    return _norm(_inputs(params, ids, n_heads)[-1], params["ln_f"])[0] @ params["Wy"] + params["by"]


def _inputs(params, ids, n_heads):
    E = np.asarray(params["E"])
    positions = np.array(positional_encoding(ids.shape[1], E.shape[1]))
    found = [np.array([[E[i] for i in row] for row in ids]) + positions]
    for block in params["blocks"]:
        found.append(block_forward(found[-1], block, n_heads))
    return found


def gpt_loss_and_gradients(params, ids, targets, mask, n_heads):
    """Token by token at both ends."""
    inputs = _inputs(params, ids, n_heads)
    normed, count = _norm(inputs[-1], params["ln_f"])[0], float(np.sum(mask))
    logits = normed @ params["Wy"] + params["by"]
    loss, dlogits = 0.0, np.zeros(logits.shape)
    for n, t in np.ndindex(ids.shape):
        if mask[n, t]:
            log_p = logits[n, t] - np.logaddexp.reduce(logits[n, t])
            loss -= log_p[targets[n, t]] / count
            dlogits[n, t] = np.exp(log_p) / count
            dlogits[n, t, targets[n, t]] -= 1 / count
    V = logits.shape[2]
    grads = {
        "Wy": normed.reshape(-1, normed.shape[2]).T @ dlogits.reshape(-1, V),
        "by": dlogits.reshape(-1, V).sum(0),
    }
    dx, grads["ln_f"] = _norm_backward(dlogits @ params["Wy"].T, inputs[-1], params["ln_f"])
    grads["blocks"] = [None] * len(params["blocks"])
    for i in reversed(range(len(params["blocks"]))):
        dx, grads["blocks"][i] = block_backward(dx, inputs[i], params["blocks"][i], n_heads)
    grads["E"] = np.zeros(np.shape(params["E"]))
    for n, t in np.ndindex(ids.shape):
        grads["E"][ids[n, t]] += dx[n, t]
    return loss, grads


def _pick(scores, temperature, rng):
    """One token for one row of scores."""
    if temperature == 0:
        return int(np.argmax(scores))
    odds = np.exp((scores - scores.max()) / temperature)
    return int(rng.choice(len(scores), p=odds / odds.sum()))


def generate(params, ids, n_new, n_heads, temperature, rng):
    """A list of lists that grows."""
    rows = [list(map(int, row)) for row in ids]
    for _ in range(n_new):
        scores = gpt_forward(params, np.array(rows), n_heads)
        for row, s in zip(rows, scores):
            row.append(_pick(s[-1], temperature, rng))
    return rows


def generate_cached(params, ids, n_new, n_heads, temperature, rng):
    """Position by position, the prompt too: a list of keys and values for every block."""
    D, T = np.shape(params["E"])[1], ids.shape[1]
    positions = np.array(positional_encoding(T + n_new, D))
    tokens = np.concatenate([ids, np.zeros((len(ids), n_new), int)], axis=1)
    kept = [([], []) for _ in params["blocks"]]
    for t in range(T + n_new - 1):
        x = params["E"][tokens[:, t]] + positions[t]  # (N, D)
        for block, (keys, values) in zip(params["blocks"], kept):
            p, n = block["attn"], _norm(x, block["ln1"])[0]
            keys.append(n @ p["Wk"] + p["bk"])
            values.append(n @ p["Wv"] + p["bv"])
            heads = [split_heads(np.stack(part, axis=1), n_heads) for part in (keys, values)]
            q = split_heads((n @ p["Wq"] + p["bq"])[:, None], n_heads)
            w = np.einsum("nhqd,nhkd->nhqk", q, heads[0]) / math.sqrt(D // n_heads)
            w = np.exp(w - w.max(axis=-1, keepdims=True))
            out = merge_heads(w / w.sum(axis=-1, keepdims=True) @ heads[1])[:, 0]
            x = x + out @ p["Wo"] + p["bo"]
            x = x + feed_forward_forward(_norm(x, block["ln2"])[0][None], block["ffn"])[0]
        if t >= T - 1:
            for n, s in enumerate(_norm(x, params["ln_f"])[0] @ params["Wy"] + params["by"]):
                tokens[n, t + 1] = _pick(s, temperature, rng)
    return tokens


def _leaves(tree):
    """Every array of a nest with the dict that holds it."""
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(part, (dict, list)):
            yield from _leaves(part)
        else:
            yield tree, key


def train_transformer(ids, targets, mask, vocab_size, rng, steps):
    """Adam in place, in epochs of shuffled sequences, eight a step."""
    D, F, H = 32, 24, 4
    draw = lambda a, b: rng.uniform(-1, 1, size=(a, b)) * math.sqrt(3 / a)  # noqa: E731
    attn = {}
    for name in "qkvo":
        attn["W" + name], attn["b" + name] = draw(D, D), np.zeros(D)
    ffn = {"W1": draw(D, F), "b1": np.zeros(F), "W2": draw(F, D), "b2": np.zeros(D)}
    norms = [{"gamma": np.ones(D), "beta": np.zeros(D)} for _ in range(3)]
    params = {
        "E": rng.normal(size=(vocab_size, D)),
        "Wy": draw(D, vocab_size),
        "by": np.zeros(vocab_size),
    }
    params |= {
        "blocks": [{"ln1": norms[0], "attn": attn, "ln2": norms[1], "ffn": ffn}],
        "ln_f": norms[2],
    }
    memory, order = {}, []
    for step in range(steps):
        if len(order) < 8:
            order = list(rng.permutation(len(ids)))
        batch = [order.pop() for _ in range(min(8, len(order)))]
        _, grads = gpt_loss_and_gradients(params, ids[batch], targets[batch], mask[batch], H)
        lr = 0.008 * min(1.0, (step + 1) / 30) * (1 - step / steps)
        for i, ((home, key), (found, _)) in enumerate(zip(_leaves(params), _paired(params, grads))):
            g = found[key]
            m, v = memory.get(i, (0, 0))
            m, v = memory[i] = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
            home[key] = home[key] - lr * m / (1 - 0.9 ** (step + 1)) / (
                np.sqrt(v / (1 - 0.99 ** (step + 1))) + 1e-8
            )
    return params, H


def _paired(params, grads):
    """The places of grads in the order of those of params."""
    for key, part in params.items() if isinstance(params, dict) else enumerate(params):
        if isinstance(part, (dict, list)):
            yield from _paired(part, grads[key])
        else:
            yield grads, key
