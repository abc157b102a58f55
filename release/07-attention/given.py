"""Data, earlier layers, figures and small tools for 07-attention; the figures draw what your own
functions return.
"""

import contextlib
import math

import numpy as np

BLUE, ORANGE, GREEN, RED, PINK, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#666666",
)


def beside(got, expected, name="value"):
    """Print your value beside the expected one, row by row, with a mark for each row."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind not in "biuf" or got.shape != expected.shape:
        print(
            f"✗ {name}: yours has type {got.dtype}, shape {got.shape}; expected shape "
            f"{expected.shape}"
        )
        return
    rows = [
        (np.atleast_1d(g), np.atleast_1d(e))
        for g, e in zip(np.atleast_1d(got), np.atleast_1d(expected))
    ]
    shown = [tuple(" ".join(f"{v:.6g}" for v in np.ravel(side)) for side in row) for row in rows]
    width = max(len(name) + 7, *(len(left) for left, _ in shown))
    print(f"  {name + ': yours':<{width}}   expected")
    for (g, e), (left, right) in zip(rows, shown):
        print(
            f"{'✓' if np.allclose(g, e, rtol=1e-6, atol=1e-9) else '✗'} {left:<{width}}   {right}"
        )


@contextlib.contextmanager
def swapped(namespace, **parts):
    """Inside the `with` block, names of the notebook mean other functions; afterwards all is as
    before.
    """
    before = {name: namespace[name] for name in parts}
    namespace.update(parts)
    try:
        yield
    finally:
        namespace.update(before)


# -- layers of earlier lessons
# -----------------------------------------------------------------------


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


def compare_with_torch(f):
    """Compare the learner's GPT of two blocks, a dict of functions by name, with PyTorch in
    float64.
    """
    try:
        import torch
        from torch.nn import functional as F
    except ImportError:
        print("PyTorch is not installed: skipped")
        return
    rng = np.random.RandomState(1)
    params, ids = random_gpt(7, 12, 20, 2, np.random.default_rng(2)), rng.randint(0, 7, size=(3, 6))
    targets, counts = rng.randint(0, 7, size=(3, 6)), np.tile([1, 1, 0, 1, 1, 0], (3, 1))
    leaves = {name: torch.tensor(a, requires_grad=True) for name, a in named_tensors(params)}
    x = leaves["E"][ids] + torch.tensor(np.asarray(f["positional_encoding"](6, 12)))
    for i in range(2):
        p = {name.removeprefix(f"blocks.{i}."): leaf for name, leaf in leaves.items()}
        n = F.layer_norm(x, (12,), p["ln1.gamma"], p["ln1.beta"])
        q, k, v = (
            (n @ p[f"attn.W{c}"] + p[f"attn.b{c}"]).reshape(3, 6, 3, 4).transpose(1, 2)
            for c in "qkv"
        )
        heads = (
            F.scaled_dot_product_attention(q, k, v, is_causal=True)
            .transpose(1, 2)
            .reshape(3, 6, 12)
        )
        x = x + heads @ p["attn.Wo"] + p["attn.bo"]
        n = F.layer_norm(x, (12,), p["ln2.gamma"], p["ln2.beta"])
        x = x + F.gelu(n @ p["ffn.W1"] + p["ffn.b1"]) @ p["ffn.W2"] + p["ffn.b2"]
    logits = (
        F.layer_norm(x, (12,), leaves["ln_f.gamma"], leaves["ln_f.beta"]) @ leaves["Wy"]
        + leaves["by"]
    )
    loss = F.cross_entropy(logits[torch.tensor(counts) == 1], torch.tensor(targets[counts == 1]))
    loss.backward()
    mine, grads = f["gpt_loss_and_gradients"](params, ids, targets, counts, 3)
    gaps = {
        name: np.abs(grad - leaves[name].grad.numpy()).max() for name, grad in named_tensors(grads)
    }
    scores = np.asarray(f["gpt_forward"](params, ids, 3))
    gaps |= {
        "loss": abs(mine - loss.item()),
        "scores": np.abs(scores - logits.detach().numpy()).max(),
    }
    worst = max(gaps, key=gaps.get)
    print(
        f"scores, loss and {len(gaps) - 2} gradients: largest difference {gaps[worst]:.1e}, in "
        f"{worst}"
    )


# -- figures
# -----------------------------------------------------------------------------------------


def _panels(columns, rows=1, height=3.2, **options):
    import matplotlib.pyplot as plt

    return (
        plt.figure(figsize=(9.5, height), layout="constrained")
        .subplots(rows, columns, squeeze=False, **options)
        .ravel()
    )


def _show():
    import matplotlib.pyplot as plt

    plt.show()


def _label(ax, title, xlabel, ylabel, **more):
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, **more)


def plot_opening():
    """Which token each answer of the reversal task has to look at, and how far away that is for two
    architectures.
    """
    arcs, path = _panels(2, height=3.2, gridspec_kw={"width_ratios": [3, 2]})
    for x, token in enumerate("3145|5413"):
        arcs.text(
            x,
            0,
            token,
            ha="center",
            va="center",
            fontsize=15,
            color=BLUE if x < 4 else RED if x > 4 else GREY,
        )
    for k in range(4):
        look = {"arrowstyle": "->", "color": GREY, "connectionstyle": "arc3,rad=0.5"}
        arcs.annotate("", (3 - k, 0.15), (4 + k, 0.15), arrowprops=look)
    arcs.set(
        xlim=(-0.6, 8.6),
        ylim=(-0.4, 2.2),
        title="to write the next digit, look back (here four, in the task eight)",
    )
    arcs.axis("off")
    for far, name, colour, style in [
        (100, "recurrent network", RED, "-"),
        (1, "attention", BLUE, "--"),
    ]:
        path.plot([1, 100], [1, far], color=colour, lw=2, ls=style, label=name)
    _label(
        path,
        "layers between two tokens",
        "tokens apart",
        "steps from one to the other",
        ylim=(0, 105),
    )
    path.legend(fontsize=9)
    _show()


def plot_positions(positional_encoding, T=64, D=32):
    """The table of positional codes, and how alike two positions are, by their distance."""
    table, alike = _panels(2, height=3.4)
    P = np.asarray(positional_encoding(T, D))
    image = table.imshow(P.T, cmap="PuOr", aspect="auto", vmin=-1, vmax=1)
    table.figure.colorbar(image, ax=table)
    _label(table, "a column for each position", "position", "channel")
    for at, colour, style in [(10, BLUE, "-"), (30, ORANGE, "--"), (50, GREEN, "-.")]:
        alike.plot(np.arange(T) - at, P @ P[at], color=colour, ls=style, label=f"position {at}")
    _label(alike, "dot product of two codes", "distance", "dot product")
    alike.legend(fontsize=8)
    _show()


def plot_maps(maps, xlabel="key: looked at", ylabel="query: looks", tokens=None, height=2.9):
    """Attention maps (Tq, Tk) by name, dark for large weights; `tokens` label both axes."""
    axes = _panels(len(maps), height=height)
    for ax, (name, weights) in zip(axes, maps.items()):
        image = ax.imshow(
            np.asarray(weights, float), cmap="Blues", vmin=0, vmax=max(1e-9, float(np.max(weights)))
        )
        _label(ax, name, xlabel, ylabel if ax is axes[0] else "")
        if tokens is not None:
            ax.set_xticks(range(len(tokens)), tokens, fontsize=7)
            ax.set_yticks(range(len(tokens)), tokens, fontsize=7)
        else:
            ax.locator_params(integer=True)
    axes[0].figure.colorbar(image, ax=list(axes), shrink=0.7)
    _show()


def plot_scale(attention_forward, keys=16):
    """Entropy of the weights and slope of the softmax for random queries and keys of d channels,
    for three scales.
    """
    entropy, slope = _panels(2, height=3.4)
    sizes = 2 ** np.arange(0, 11)
    for name, power, colour, look in [
        ("1", 0.5, RED, "o-"),
        ("1/√d", 0.0, BLUE, "s--"),
        ("1/d", -0.5, GREEN, "^-."),
    ]:
        found = []
        for d in sizes:
            rng = np.random.RandomState(d)
            Q, K = rng.normal(size=(200, 1, d)), rng.normal(size=(200, keys, d))
            w = np.asarray(
                attention_forward(Q * float(d) ** power, K, K)[1]
            )  # which divides by the root of d
            found.append(
                [-(w * np.log(w + 1e-300)).sum(axis=-1).mean(), (w * (1 - w)).sum(axis=-1).mean()]
            )
        for ax, line in zip((entropy, slope), np.transpose(found)):
            ax.semilogx(sizes, line, look, color=colour, ms=4, base=2, label=name)
    entropy.axhline(np.log(keys), color=GREY, ls=":", label=f"ln {keys}: all alike")
    _label(
        entropy,
        "how evenly a query looks",
        "d, size of a head",
        "entropy of its weights, nats",
        ylim=(-0.1, 3),
    )
    _label(
        slope,
        "how much its scores can move",
        "d, size of a head",
        "sum of w (1 - w) over the keys",
        ylim=(-0.03, 1),
    )
    entropy.legend(fontsize=8, title="q·k times", title_fontsize=8)
    _show()


def plot_lines(curves, xlabel, ylabel, floor=None):
    """A line for each name: {name: (xs, ys)}; `floor` (height, name) is drawn dotted."""
    (ax,) = _panels(1, height=3.2)
    for (name, line), colour, look in zip(
        curves.items(), (BLUE, RED, GREEN, ORANGE), ("o-", "s--", "^-.", "v:")
    ):
        ax.plot(*line, look, color=colour, ms=5, label=name)
    if floor is not None:
        ax.axhline(floor[0], color=GREY, ls=":", label=floor[1])
    _label(ax, "", xlabel, ylabel, ylim=(0, None))
    ax.legend(fontsize=8)
    _show()
