"""Figures of 07-attention; they draw what your own functions return."""

import numpy as np
from given import named_tensors, random_gpt

from autograder.lesson import BLUE, GREEN, GREY, ORANGE, RED, label, panels, pytorch, show


def compare_with_torch(f):
    """Compare the learner's GPT of two blocks, a dict of functions by name, with PyTorch in
    float64.
    """
    if not (torch := pytorch()):
        return
    F = torch.nn.functional
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


def plot_opening():
    """Which token each answer of the reversal task has to look at, and how far away that is for two
    architectures.
    """
    arcs, path = panels(2, height=3.2, width_ratios=[3, 2])
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
    label(
        path,
        "layers between two tokens",
        "tokens apart",
        "steps from one to the other",
        ylim=(0, 105),
    )
    path.legend(fontsize=9)
    show()


def plot_positions(positional_encoding, T=64, D=32):
    """The table of positional codes, and how alike two positions are, by their distance."""
    table, alike = panels(2, height=3.4)
    P = np.asarray(positional_encoding(T, D))
    image = table.imshow(P.T, cmap="PuOr", aspect="auto", vmin=-1, vmax=1)
    table.figure.colorbar(image, ax=table)
    label(table, "a column for each position", "position", "channel")
    for at, colour, style in [(10, BLUE, "-"), (30, ORANGE, "--"), (50, GREEN, "-.")]:
        alike.plot(np.arange(T) - at, P @ P[at], color=colour, ls=style, label=f"position {at}")
    label(alike, "dot product of two codes", "distance", "dot product")
    alike.legend(fontsize=8)
    show()


def plot_maps(maps, xlabel="key: looked at", ylabel="query: looks", tokens=None, height=2.9):
    """Attention maps (Tq, Tk) by name, dark for large weights; `tokens` label both axes."""
    axes = panels(len(maps), height=height)
    for ax, (name, weights) in zip(axes, maps.items()):
        image = ax.imshow(
            np.asarray(weights, float), cmap="Blues", vmin=0, vmax=max(1e-9, float(np.max(weights)))
        )
        label(ax, name, xlabel, ylabel if ax is axes[0] else "")
        if tokens is not None:
            ax.set_xticks(range(len(tokens)), tokens, fontsize=7)
            ax.set_yticks(range(len(tokens)), tokens, fontsize=7)
        else:
            ax.locator_params(integer=True)
    axes[0].figure.colorbar(image, ax=list(axes), shrink=0.7)
    show()


def plot_scale(attention_forward, keys=16):
    """Entropy of the weights and slope of the softmax for random queries and keys of d channels,
    for three scales.
    """
    entropy, slope = panels(2, height=3.4)
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
    label(
        entropy,
        "how evenly a query looks",
        "d, size of a head",
        "entropy of its weights, nats",
        ylim=(-0.1, 3),
    )
    label(
        slope,
        "how much its scores can move",
        "d, size of a head",
        "sum of w (1 - w) over the keys",
        ylim=(-0.03, 1),
    )
    entropy.legend(fontsize=8, title="q·k times", title_fontsize=8)
    show()


def plot_lines(curves, xlabel, ylabel, floor=None):
    """A line for each name: {name: (xs, ys)}; `floor` (height, name) is drawn dotted."""
    (ax,) = panels(1, height=3.2)
    for (name, line), colour, look in zip(
        curves.items(), (BLUE, RED, GREEN, ORANGE), ("o-", "s--", "^-.", "v:")
    ):
        ax.plot(*line, look, color=colour, ms=5, label=name)
    if floor is not None:
        ax.axhline(floor[0], color=GREY, ls=":", label=floor[1])
    label(ax, "", xlabel, ylabel, ylim=(0, None))
    ax.legend(fontsize=8)
    show()
