"""Parameters of a Transformer for the checks, and sequences to turn round. Every draw is from the
check's `rng`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Params = dict[str, Any]
Sequences = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def attention_params(rng: np.random.RandomState, D: int) -> Params:
    """Wq, bq ... Wo, bo: weights that keep the size of what goes in, and biases that matter."""
    weights = {f"W{n}": rng.normal(size=(D, D)) / np.sqrt(D) for n in "qkvo"}
    return {
        name: part
        for n in "qkvo"
        for name, part in ((f"W{n}", weights[f"W{n}"]), (f"b{n}", rng.normal(size=D)))
    }


def feed_forward_params(rng: np.random.RandomState, D: int, F: int) -> Params:
    """W1 (D, F), b1, W2 (F, D), b2."""
    W1, W2 = rng.normal(size=(D, F)) / np.sqrt(D), rng.normal(size=(F, D)) / np.sqrt(F)
    return {"W1": W1, "b1": rng.normal(size=F), "W2": W2, "b2": rng.normal(size=D)}


def layernorm_params(rng: np.random.RandomState, D: int) -> Params:
    """A gain that is not 1 and a shift that is not 0."""
    return {"gamma": rng.uniform(0.5, 1.5, size=D), "beta": 0.5 * rng.normal(size=D)}


def block_params(rng: np.random.RandomState, D: int, F: int) -> Params:
    """ln1, attn, ln2, ffn."""
    first, attn = layernorm_params(rng, D), attention_params(rng, D)
    return {
        "ln1": first,
        "attn": attn,
        "ln2": layernorm_params(rng, D),
        "ffn": feed_forward_params(rng, D, F),
    }


def gpt_params(
    rng: np.random.RandomState, V: int, D: int, F: int, n_blocks: int, loud: float = 1.0
) -> Params:
    """E, blocks, ln_f, Wy, by of a GPT; `loud` makes its scores larger."""
    params: Params = {
        "E": rng.normal(size=(V, D)),
        "blocks": [block_params(rng, D, F) for _ in range(n_blocks)],
    }
    params |= {
        "ln_f": layernorm_params(rng, D),
        "Wy": loud * rng.normal(size=(D, V)),
        "by": loud * rng.normal(size=V),
    }
    return params


def attentive_gpt(rng: np.random.RandomState, V: int, D: int, F: int, n_blocks: int) -> Params:
    """A GPT whose next token depends on what it attends to: one of random parameters says nearly
    the same whatever stands before. Keys are sharp, what is attended to is loud, shifts are small.
    """
    params = gpt_params(rng, V, D, F, n_blocks, loud=3)
    shifts = [
        (params, "by"),
        (params["ln_f"], "beta"),
        *((block["ffn"], "b2") for block in params["blocks"]),
    ]
    shifts += [(block["attn"], f"b{name}") for block in params["blocks"] for name in "qkvo"]
    for part, name in shifts:
        part[name] = 0.2 * part[name]
    for block in params["blocks"]:
        block["attn"] |= {"Wk": 4 * block["attn"]["Wk"], "Wo": 3 * block["attn"]["Wo"]}
    return params


def reversal(rng: np.random.RandomState, n: int, length: int = 8, symbols: int = 10) -> Sequences:
    """n sequences a1 ... aL SEP aL ... a1: inputs, targets and mask (n, 2L), the mask 1 where the
    turning is asked for.

    The names of the symbols, and which number separates, are drawn: nothing learnt elsewhere is of
    use.
    """
    names = rng.permutation(symbols + 1)
    a = names[rng.randint(0, symbols, size=(n, length))]
    whole = np.concatenate([a, np.full((n, 1), names[-1]), a[:, ::-1]], axis=1)
    mask = np.zeros((n, 2 * length))
    mask[:, length:] = 1
    return whole[:, :-1], whole[:, 1:], mask


def noisy_language(
    rng: np.random.RandomState, n: int, length: int, tokens: int = 6
) -> tuple[NDArray[np.int64], float]:
    """n texts (n, length + 1), each token drawn given the one before, and the least loss on the
    last half.

    That loss is the mean of -log p(token) under the chances that drew it, over the rows from n // 2
    on.
    """
    chances = rng.gamma(0.5, size=(tokens, tokens)) + 0.02
    chances /= chances.sum(axis=1, keepdims=True)
    text = rng.randint(0, tokens, size=(n, length + 1))
    for t in range(length):
        above = rng.uniform(size=(n, 1)) > chances[text[:, t]].cumsum(axis=1)
        text[:, t + 1] = np.minimum(above.sum(axis=1), tokens - 1)
    late = text[n // 2 :]
    return text, float(-np.log(chances[late[:, :-1], late[:, 1:]]).mean())
