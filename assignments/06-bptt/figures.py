"""Figures of 06-bptt; they draw what your own functions return."""

import numpy as np
from given import SYMBOLS, baselines, counted, random_weights, scores, train_and_held_out

from autograder.checks.bptt.dinosaurs import NAMES, encode
from autograder.lesson import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    differences,
    label,
    panels,
    pytorch,
    show,
)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch's in float64."""
    if not (torch := pytorch()):
        return
    rng = np.random.RandomState(1)
    x, h0, u = rng.normal(size=(3, 6, 2)), rng.normal(size=(1, 3, 4)), rng.normal(size=(3, 6, 4))

    def layer(kind, gates):
        net, arrays = kind(2, 4, batch_first=True, dtype=torch.float64), random_weights(2, 4, gates)
        with torch.no_grad():
            for theirs, ours in zip((net.weight_ih_l0, net.weight_hh_l0, net.bias_ih_l0), arrays):
                theirs.copy_(torch.tensor(ours.T))
            net.bias_hh_l0.zero_()  # PyTorch has two biases, whose sum is our b
        return net, arrays

    net, (Wx, Wh, b) = layer(torch.nn.RNN, 1)
    tx, th0 = (torch.tensor(a, requires_grad=True) for a in (x, h0))
    states, _ = net(tx, th0)
    states.backward(torch.tensor(u))
    h = f["rnn_forward"](x, h0[0], Wx, Wh, b)
    pairs = {"rnn_forward": ([h], [states])}
    theirs = [
        tx.grad,
        th0.grad[0],
        net.weight_ih_l0.grad.T,
        net.weight_hh_l0.grad.T,
        net.bias_ih_l0.grad,
    ]
    pairs["rnn_backward"] = f["rnn_backward"](u, x, h0[0], h, Wx, Wh), theirs
    net, (Wx, Wh, b) = layer(torch.nn.LSTM, 4)
    parts = [torch.tensor(a, requires_grad=True) for a in (x[:, :1], h0, 0.5 * h0)]
    _, (new_h, new_c) = net(parts[0], tuple(parts[1:]))
    (new_h[0] * torch.tensor(u[:, 0]) + new_c[0] * torch.tensor(u[:, 1])).sum().backward()
    pairs["lstm_step_forward"] = (
        f["lstm_step_forward"](x[:, 0], h0[0], 0.5 * h0[0], Wx, Wh, b),
        [new_h[0], new_c[0]],
    )
    theirs = [*(part.grad.squeeze() for part in parts), net.weight_ih_l0.grad.T]
    mine = f["lstm_step_backward"](u[:, 0], u[:, 1], x[:, 0], h0[0], 0.5 * h0[0], Wx, Wh, b)
    pairs["lstm_step_backward"] = mine[:4], theirs
    differences(pairs)


def plot_opening():
    """Which letter follows which in the names, and how well models do that know nothing, letters,
    or pairs.
    """
    table, ladder = panels(2, height=4.2, width_ratios=[1.15, 1])
    names, held_back = train_and_held_out(*encode(NAMES))
    image = table.imshow(counted(*names), cmap="Blues", vmax=0.6)
    label(table, "how often which symbol follows which", "the next symbol", "a symbol")
    table.set_xticks(range(27), SYMBOLS, fontsize=7)
    table.set_yticks(range(27), SYMBOLS, fontsize=7)
    table.figure.colorbar(image, ax=table, shrink=0.8)
    models = ["frequencies of pairs", "frequencies of letters", "equal guesses"]
    bars = ladder.barh(models, baselines(names, held_back)[::-1], color=[BLUE, GREEN, GREY])
    ladder.bar_label(bars, fmt="%.2f", padding=3)
    label(ladder, "loss on 200 names held back", "nats for each symbol", "", xlim=(0, 3.9))
    show()


def plot_unrolled():
    """Three steps of a recurrent network drawn side by side: values go right and up, gradients the
    other way.
    """
    (ax,) = panels(1, height=3.3)
    for t in range(4):
        box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": BLUE if t else GREY}
        ax.text(2 * t, 1, f"$h_{{{t - 1}}}$", ha="center", va="center", bbox=box, fontsize=12)
        if t:
            for y0, y1, text, dy in (
                (0.25, 0.78, f"$x_{{{t - 1}}}$", -0.16),
                (1.25, 1.78, f"loss at {t - 1}", 0.12),
            ):
                ax.annotate(
                    "",
                    (2 * t - 0.1, y1),
                    (2 * t - 0.1, y0),
                    arrowprops={"arrowstyle": "->", "color": BLUE},
                )
                ax.annotate(
                    "",
                    (2 * t + 0.1, y0),
                    (2 * t + 0.1, y1),
                    arrowprops={"arrowstyle": "->", "color": RED},
                )
                ax.text(2 * t, (y0 if dy < 0 else y1) + dy, text, ha="center", va="center")
            for y, colour, ends in ((1.08, BLUE, (-1.5, -0.42)), (0.92, RED, (-0.42, -1.5))):
                start, end = ((2 * t + e, y) for e in ends)
                ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour})
            ax.text(2 * t - 0.95, 1.16, "$W_h$", ha="center", color=BLUE)
            ax.text(2 * t - 0.95, 0.74, "carry", ha="center", color=RED, fontsize=9)
    ax.set(
        xlim=(-0.8, 6.8),
        ylim=(-0.1, 2.1),
        title="values (blue) and gradients (red): one network, three times",
    )
    ax.axis("off")
    show()


def plot_flow(gradient_norms, sizes=(0.5, 0.9, 1.0, 1.1, 1.5), T=60, H=32):
    """Your norms by distance to the last step, Wh a turn of each size: asleep at 0, and with noise
    for input.
    """
    rng = np.random.RandomState(0)
    Wx, turn = rng.normal(size=(4, H)) / 2, np.linalg.qr(rng.normal(size=(H, H)))[0]
    x, h0, b = rng.normal(size=(8, T, 4)), np.zeros((8, H)), np.zeros(H)
    titles = "no input: every slope of tanh is 1", "noise for input"
    for ax, signal, title in zip(panels(2, height=3.8, sharey=True), (0 * x, x), titles):
        for size, colour, style in zip(
            sizes, (RED, ORANGE, BLUE, GREEN, PINK), (":", "--", "-", "--", ":")
        ):
            norms = np.asarray(gradient_norms(Wx, size * turn, b, signal, h0))
            ax.semilogy(np.arange(T)[::-1], norms, style, color=colour, lw=2, label=f"{size:g}")
        label(ax, title, "steps before the last one", "norm of the gradient")
    ax.legend(title="size of $W_h$", ncols=2, fontsize=8)
    show()


def plot_cliffs(rnn_forward, rnn_backward, T=50, H=20):
    """A loss of the last state, and its slope by your gradients, while Wh grows: s times a random
    matrix.
    """
    rng = np.random.RandomState(3)
    Wx, Wh, b = random_weights(1, H, seed=3)
    x, h0, goal = (
        np.zeros((1, T, 1)),
        rng.uniform(-0.5, 0.5, (1, H)),
        rng.uniform(-0.5, 0.5, (1, H)),
    )
    grid, losses, slopes = np.linspace(0.2, 3, 500), [], []
    for s in grid:
        h, dh = rnn_forward(x, h0, Wx, s * Wh, 0.1 * b), np.zeros((1, T, H))
        dh[:, -1] = 2 * (h[:, -1] - goal) / H
        losses.append(np.mean((h[:, -1] - goal) ** 2))
        slopes.append(abs(np.sum(rnn_backward(dh, x, h0, h, Wx, s * Wh)[3] * Wh)))
    left, right = panels(2, height=3.2)
    left.plot(grid, losses, color=BLUE, lw=1)
    right.semilogy(grid, slopes, color=RED, lw=1)
    label(left, "the loss after 50 steps", "size s of $W_h$", "loss")
    label(right, "how steep it is", "size s of $W_h$", "|d loss / d s|")
    show()


def plot_lstm(forward, backward, gradient_norms, biases=(0, 1, 3), T=60, H=32):
    """The gradient of the last cell state, back through an LSTM at several forget biases, and
    through a plain RNN.
    """
    rng = np.random.RandomState(0)
    Wx, Wh, b = (part / 2 for part in random_weights(4, H, 4))
    x, zero = rng.normal(size=(8, T, 4)), np.zeros((8, H))
    (ax,) = panels(1, height=3.6)
    for bias, colour, style in zip(biases, (ORANGE, GREEN, BLUE), (":", "--", "-")):
        b = np.repeat([0.0, bias, 0.0, 0.0], H)
        states, norms, dh, dc = [(zero, zero)], [], zero, zero + 1
        for t in range(T):
            states.append(forward(x[:, t], *states[-1], Wx, Wh, b))
        for t in reversed(range(T)):
            norms.append(np.sqrt((dh**2).sum() + (dc**2).sum()))
            _, dh, dc, *_ = backward(dh, dc, x[:, t], *states[t], Wx, Wh, b)
        ax.semilogy(norms, style, color=colour, lw=2, label=f"LSTM, forget bias {bias}")
    plain = gradient_norms(Wx[:, :H], 2 * Wh[:, :H], b[:H], x, zero)
    ax.semilogy(np.asarray(plain)[::-1], "-.", color=RED, lw=2, label="plain recurrent network")
    label(
        ax,
        "what is left of a gradient",
        "steps before the last one",
        "norm of the gradient",
        ylim=(1e-9, 100),
    )
    ax.legend(fontsize=9)
    show()


def plot_training(train, loss, counts=(50, 100, 200, 400, 800, 1600), hidden=64):
    """Loss on both parts of the names after each number of updates; returns the parameters by that
    number.
    """
    parts, found = train_and_held_out(*encode(NAMES)), {}
    for steps in counts:
        found[steps] = train(*parts[0], 27, hidden, steps, np.random.default_rng(0))
    (ax,) = panels(1, height=3.6)
    for part, name, colour, style in zip(
        parts, ("names to train on", "names held back"), (BLUE, RED), ("o-", "s--")
    ):
        curve = [loss(p, *part) for p in found.values()]
        ax.plot(
            counts,
            curve,
            style,
            color=colour,
            label=f"{name}: {curve[-1]:.2f} at the end, best {min(curve):.2f}",
        )
    for value, name in zip(baselines(*parts)[1:], ("letters", "pairs")):
        ax.axhline(
            value,
            color=GREY,
            ls=":" if name == "pairs" else "-.",
            lw=1,
            label=f"frequencies of {name}",
        )
    label(
        ax,
        "a recurrent network on dinosaurs",
        "updates (logarithmic)",
        "nats for each symbol",
        xscale="log",
        ylim=(0.9, 2.95),
    )
    ax.set_xticks(counts, [str(c) for c in counts])
    ax.minorticks_off()
    ax.legend(fontsize=9, loc="lower left")
    show()
    return found


def plot_states(params, name):
    """The 24 liveliest hidden units while a name is read, and what the model expects next at each
    symbol.
    """
    z, states = scores(params, np.array([[0, *(SYMBOLS.index(letter) for letter in name)]]))
    p = np.exp(z[0] - np.logaddexp.reduce(z[0], axis=1)[:, None])
    units = np.argsort(-states[0].std(axis=0))[:24]
    axes = panels(2, height=4.4)
    images = (
        (states[0][:, units].T, {"cmap": "PuOr", "vmin": -1, "vmax": 1}),
        (p.T, {"cmap": "Blues"}),
    )
    for ax, (image, look), title in zip(
        axes, images, ("state of 24 units", "probability of the next symbol")
    ):
        ax.figure.colorbar(ax.imshow(image, aspect="auto", **look), ax=ax, shrink=0.8)
        label(ax, title, "read so far", "", yticks=[])
        ax.set_xticks(range(len(name) + 1), ["·", *name])
    axes[1].set_yticks(range(27), SYMBOLS, fontsize=7)
    show()
