"""Data of 07-attention and layers of earlier lessons: NumPy alone, so that answers may use them."""

import math

import numpy as np

# -- layers of earlier lessons --


def linear_backward(dy, x, W):
    """Lesson 2's, for any number of leading axes: dy (..., M), x (..., D), W (D, M) -> dx,
    dW, db.
    """
    lead = list(range(x.ndim - 1))
    return (
        np.tensordot(dy, W, axes=([-1], [1])),
        np.tensordot(x, dy, axes=(lead, lead)),
        np.sum(dy, axis=tuple(lead)),
    )


_TABLE = np.array([math.erf(k / 512 / math.sqrt(2)) for k in range(-4096, 4097)])


def _normal(z):
    """The distribution function and the density of the normal distribution; a table, so that it is
    fast.
    """
    near = np.rint(512 * np.clip(z, -8, 8))
    a, bell = near / 512, np.exp(-np.square(z) / 2) / np.sqrt(2 * np.pi)
    h = np.clip(z, -8, 8) - a
    series = h * (1 - h * a / 2 + h * h * (a * a - 1) / 6)
    return 0.5 + _TABLE[near.astype(int) + 4096] / 2 + series * np.exp(-a * a / 2) / np.sqrt(
        2 * np.pi
    ), bell


def gelu(z):
    """GELU of lesson 1, z Phi(z), entry by entry."""
    return np.multiply(z, _normal(z)[0])


def gelu_backward(dy, z):
    """Lesson 2's: dy and the scores z, of one shape -> dz."""
    below, bell = _normal(z)
    return np.multiply(dy, below + np.multiply(z, bell))


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """LayerNorm of lesson 4 over the last axis: x (..., D), gamma and beta (D,) -> (..., D)."""
    mean = np.mean(x, -1)[..., None]
    return beta + gamma * (x - mean) / np.sqrt(np.mean(np.square(x - mean), -1) + eps)[..., None]


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Lesson 4's: dy (..., D) and the forward's x and gamma -> dx, dgamma, dbeta."""
    c = x - np.mean(x, -1)[..., None]
    r = 1 / np.sqrt(np.mean(np.square(c), -1) + eps)[..., None]
    g, lead = dy * gamma, tuple(range(np.ndim(x) - 1))
    dx = r * (g - np.mean(g, -1)[..., None]) - r**3 * c * np.mean(g * c, -1)[..., None]
    return dx, np.sum(dy * c * r, lead), np.sum(dy, lead)


def embedding_backward(dy, ids, vocab_size):
    """Lesson 6's, of y = E[ids]: dy (N, T, D), ids (N, T) -> dE (V, D); a repeated token collects
    its shares.
    """
    return np.einsum("ntv,ntd->vd", np.eye(vocab_size)[ids], dy)


def sequence_cross_entropy(logits, targets, mask):
    """Lesson 6's: logits (N, T, V), targets and mask (N, T) -> the mean loss over the unmasked
    tokens, dlogits.
    """
    log_p = logits - np.logaddexp.reduce(logits, axis=2)[..., None]
    truth = np.arange(logits.shape[2]) == np.asarray(targets)[..., None]
    count = np.count_nonzero(mask)
    loss = -np.sum(log_p[truth] * np.ravel(mask)) / count
    return float(loss), (np.exp(log_p) - truth) * np.asarray(mask)[..., None] / count


def adam(w, grad, state, lr, beta1=0.9, beta2=0.99, eps=1e-8):
    """Adam of lesson 3: the new w and the new state; the first state is {}."""
    t, m, v = state.get("t", 0) + 1, state.get("m", 0.0), state.get("v", 0.0)
    m, v = m + (1 - beta1) * (grad - m), v + (1 - beta2) * (np.square(grad) - v)
    return w - lr * (m / (1 - beta1**t)) / (eps + (v / (1 - beta2**t)) ** 0.5), {
        "t": t,
        "m": m,
        "v": v,
    }


def named_tensors(tree, name=""):
    """All tensors of nested dicts and lists, in order: [("blocks.0.attn.Wq", array), ...]."""
    if not isinstance(tree, (dict, list)):
        return [(name[1:], tree)]
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [found for key, part in pairs for found in named_tensors(part, f"{name}.{key}")]


def with_tensors(tree, tensors, name=""):
    """The same nest with other tensors: `tensors` is a dict by the names that named_tensors
    gives.
    """
    if isinstance(tree, dict):
        return {key: with_tensors(part, tensors, f"{name}.{key}") for key, part in tree.items()}
    if isinstance(tree, list):
        return [with_tensors(part, tensors, f"{name}.{i}") for i, part in enumerate(tree)]
    return tensors[name[1:]]


def random_gpt(vocab_size, D, F, n_blocks, rng):
    """Parameters of a GPT to begin with, as nested dicts: weights of variance 1 / fan-in, biases
    zero, gains one.
    """

    def dense(keys, a, b):
        return {keys[0]: rng.normal(size=(a, b)) * a**-0.5, keys[1]: np.zeros(b)}

    def norm():
        return {"gamma": np.ones(D), "beta": np.zeros(D)}

    blocks = []
    for _ in range(n_blocks):
        attn = dense(("Wq", "bq"), D, D) | dense(("Wk", "bk"), D, D) | dense(("Wv", "bv"), D, D)
        ffn = dense(("W1", "b1"), D, F) | dense(("W2", "b2"), F, D)
        blocks.append(
            {"ln1": norm(), "attn": attn | dense(("Wo", "bo"), D, D), "ln2": norm(), "ffn": ffn}
        )
    E = rng.normal(size=(vocab_size, D))
    return {"E": E, "blocks": blocks, "ln_f": norm()} | dense(("Wy", "by"), D, vocab_size)


SEP = 10  # the token that says: now backwards


def reversal(n, seed=0):
    """n times eight digits, SEP, the digits backwards: ids, targets, mask (n, 16); the mask is 1
    behind SEP.
    """
    digits = np.random.RandomState(seed).randint(0, 10, size=(n, 8))
    whole = np.hstack([digits, np.full((n, 1), SEP), digits[:, ::-1]])
    return whole[:, :-1], whole[:, 1:], np.tile(np.repeat([0.0, 1.0], 8), (n, 1))


def _chances(V=6):
    odds = np.random.RandomState(7).gamma(0.5, size=(V, V)) + 0.02
    return odds / odds.sum(axis=1)[:, None]


def surprise(text):
    """The mean of -log p(next token) over texts (n, T), by the chances that the language is really
    drawn with.
    """
    return float(-np.log(_chances()[text[:, :-1], text[:, 1:]]).mean())


def noisy_language(n, T=16, seed=0):
    """Text in which each token depends by chance on the one before it: ids, targets, mask (n, T),
    the mask all ones.
    """
    rng, P = np.random.RandomState(seed), _chances()
    text = rng.randint(0, len(P), size=(n, T + 1))
    for t in range(T):
        text[:, t + 1] = (P[text[:, t]].cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1)
    return text[:, :-1], text[:, 1:], np.ones((n, T))
