"""Data, figures and small tools for 06-bptt; the figures draw what your own functions return."""

import contextlib

import numpy as np

BLUE, ORANGE, GREEN, RED, PINK, GREY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#666666",
)
SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"  # 0 is the dot before and after a name


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


def random_weights(D, H, gates=1, seed=0):
    """Wx (D, gates H), Wh (H, gates H), b: random."""
    rng, M = np.random.RandomState(seed), gates * H
    return rng.normal(size=(D, M)), rng.normal(size=(H, M)) / np.sqrt(H), rng.normal(size=M)


def adam_step(params, grads, memory, rate=0.01):
    """One update by Adam (lesson 3): new params and new memory; begin with {} for memory."""
    t = memory.get("t", 0) + 1
    new, kept = {}, {"t": t}
    for key, g in grads.items():
        first, second = memory.get(key, (0.0, 0.0))
        kept[key] = first, second = first + (g - first) / 10, second + (g * g - second) / 100
        size = np.sqrt(second / (1 - 0.99**t)) + 1e-8
        new[key] = params[key] - rate / size * first / (1 - 0.9**t)
    return new, kept


def dinosaurs():
    """All names: a tuple of texts."""
    from autograder.checks.bptt.dinosaurs import NAMES

    return tuple(NAMES)


def decode(ids):
    """Symbols as text."""
    return "".join(SYMBOLS[i] for i in ids)


def train_and_held_out(held_out=200):
    """The names in a fixed random order, all but 200 to train on: (ids, mask), (ids, mask)."""
    from autograder.checks.bptt.dinosaurs import encode

    parts = encode(
        dinosaurs()
    )  # ids (N, T + 1), from dot to dot and dots behind; mask (N, T) of the real targets
    order = np.random.RandomState(0).permutation(len(parts[0]))
    return tuple(
        tuple(part[rows] for part in parts) for rows in (order[:-held_out], order[-held_out:])
    )


def counted(ids, mask, a=0.1):
    """Frequencies of pairs (27, 27), row: before, column: after; `a` is added to each count."""
    counts = np.full((27, 27), a)
    np.add.at(counts, (ids[:, :-1][mask], ids[:, 1:][mask]), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def baselines():
    """Mean loss on the held-out names: equal guesses, frequencies of letters, frequencies
    of pairs.
    """
    (ids, mask), (ids_h, mask_h) = train_and_held_out()
    letters, pairs = np.bincount(ids[:, 1:][mask]) / mask.sum(), counted(ids, mask)
    before, after = ids_h[:, :-1][mask_h], ids_h[:, 1:][mask_h]
    return np.log(27), -np.mean(np.log(letters[after])), -np.mean(np.log(pairs[before, after]))


def recall_task(n, lag=10, seed=0):
    """Rows of lag + 1 symbols from 0 to 3 whose last repeats the first; the mask asks for the last
    target only.
    """
    ids = np.random.RandomState(seed).randint(0, 4, (n, lag + 1))
    ids[:, -1] = ids[:, 0]
    return ids, np.arange(lag) == np.full((n, 1), lag - 1)


def scores(params, ids):
    """The character model's scores (N, T, V) after each of the symbols ids (N, T), and its states
    (N, T, H).
    """
    h, states = np.zeros((len(ids), len(params["Wh"]))), []
    for column in ids.T:
        h = np.tanh(params["E"][column] @ params["Wx"] + h @ params["Wh"] + params["b"])
        states.append(h)
    states = np.stack(states, axis=1)
    return states @ params["Wy"] + params["by"], states


def recalled(params, ids):
    """The share of rows whose last symbol is predicted."""
    return np.mean(scores(params, ids[:, :-1])[0][:, -1].argmax(axis=1) == ids[:, -1])


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch's in float64."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: skipped")
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

    def compare(name, mine, theirs):
        pairs = zip(mine, (t.detach().numpy() for t in theirs))
        print(f"{name:<24} largest difference {max(np.abs(a - b).max() for a, b in pairs):.1e}")

    net, (Wx, Wh, b) = layer(torch.nn.RNN, 1)
    tx, th0 = (torch.tensor(a, requires_grad=True) for a in (x, h0))
    states, _ = net(tx, th0)
    states.backward(torch.tensor(u))
    h = f["rnn_forward"](x, h0[0], Wx, Wh, b)
    compare("rnn_forward", [h], [states])
    theirs = [
        tx.grad,
        th0.grad[0],
        net.weight_ih_l0.grad.T,
        net.weight_hh_l0.grad.T,
        net.bias_ih_l0.grad,
    ]
    compare("rnn_backward", f["rnn_backward"](u, x, h0[0], h, Wx, Wh), theirs)
    net, (Wx, Wh, b) = layer(torch.nn.LSTM, 4)
    parts = [torch.tensor(a, requires_grad=True) for a in (x[:, :1], h0, 0.5 * h0)]
    _, (new_h, new_c) = net(parts[0], tuple(parts[1:]))
    (new_h[0] * torch.tensor(u[:, 0]) + new_c[0] * torch.tensor(u[:, 1])).sum().backward()
    compare(
        "lstm_step_forward",
        f["lstm_step_forward"](x[:, 0], h0[0], 0.5 * h0[0], Wx, Wh, b),
        [new_h[0], new_c[0]],
    )
    theirs = [*(part.grad.squeeze() for part in parts), net.weight_ih_l0.grad.T]
    mine = f["lstm_step_backward"](u[:, 0], u[:, 1], x[:, 0], h0[0], 0.5 * h0[0], Wx, Wh, b)
    compare("lstm_step_backward", mine[:4], theirs)


def _panels(columns, rows=1, height=3.2, **options):
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.5, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False, **options).ravel()


def _show():
    import matplotlib.pyplot as plt

    plt.show()


def _label(ax, title, xlabel, ylabel, **more):
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, **more)


def plot_opening():
    """Which letter follows which in the names, and how well models do that know nothing, letters,
    or pairs.
    """
    table, ladder = _panels(2, height=4.2, width_ratios=[1.15, 1])
    pairs = counted(*train_and_held_out()[0])
    image = table.imshow(pairs, cmap="Blues", vmax=0.6)
    _label(table, "how often which symbol follows which", "the next symbol", "a symbol")
    table.set_xticks(range(27), SYMBOLS, fontsize=7)
    table.set_yticks(range(27), SYMBOLS, fontsize=7)
    table.figure.colorbar(image, ax=table, shrink=0.8)
    names = ["frequencies of pairs", "frequencies of letters", "equal guesses"]
    bars = ladder.barh(names, baselines()[::-1], color=[BLUE, GREEN, GREY])
    ladder.bar_label(bars, fmt="%.2f", padding=3)
    _label(ladder, "loss on 200 names held back", "nats for each symbol", "", xlim=(0, 3.9))
    _show()


def plot_unrolled():
    """Three steps of a recurrent network drawn side by side: values go right and up, gradients the
    other way.
    """
    (ax,) = _panels(1, height=3.3)
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
    _show()


def plot_flow(gradient_norms, sizes=(0.5, 0.9, 1.0, 1.1, 1.5), T=60, H=32):
    """Your norms by distance to the last step, Wh a turn of each size: asleep at 0, and with noise
    for input.
    """
    rng = np.random.RandomState(0)
    Wx, turn = rng.normal(size=(4, H)) / 2, np.linalg.qr(rng.normal(size=(H, H)))[0]
    x, h0, b = rng.normal(size=(8, T, 4)), np.zeros((8, H)), np.zeros(H)
    titles = "no input: every slope of tanh is 1", "noise for input"
    for ax, signal, title in zip(_panels(2, height=3.8, sharey=True), (0 * x, x), titles):
        for size, colour, style in zip(
            sizes, (RED, ORANGE, BLUE, GREEN, PINK), (":", "--", "-", "--", ":")
        ):
            norms = np.asarray(gradient_norms(Wx, size * turn, b, signal, h0))
            ax.semilogy(np.arange(T)[::-1], norms, style, color=colour, lw=2, label=f"{size:g}")
        _label(ax, title, "steps before the last one", "norm of the gradient")
    ax.legend(title="size of $W_h$", ncols=2, fontsize=8)
    _show()


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
    left, right = _panels(2, height=3.2)
    left.plot(grid, losses, color=BLUE, lw=1)
    right.semilogy(grid, slopes, color=RED, lw=1)
    _label(left, "the loss after 50 steps", "size s of $W_h$", "loss")
    _label(right, "how steep it is", "size s of $W_h$", "|d loss / d s|")
    _show()


def plot_lstm(forward, backward, gradient_norms, biases=(0, 1, 3), T=60, H=32):
    """The gradient of the last cell state, back through an LSTM at several forget biases, and
    through a plain RNN.
    """
    rng = np.random.RandomState(0)
    Wx, Wh, b = (part / 2 for part in random_weights(4, H, 4))
    x, zero = rng.normal(size=(8, T, 4)), np.zeros((8, H))
    (ax,) = _panels(1, height=3.6)
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
    _label(
        ax,
        "what is left of a gradient",
        "steps before the last one",
        "norm of the gradient",
        ylim=(1e-9, 100),
    )
    ax.legend(fontsize=9)
    _show()


def plot_training(train, loss, counts=(50, 100, 200, 400, 800, 1600), hidden=64):
    """Loss on both parts of the names after each number of updates; returns the parameters by that
    number.
    """
    parts, found = train_and_held_out(), {}
    for steps in counts:
        found[steps] = train(*parts[0], 27, hidden, steps, np.random.default_rng(0))
    (ax,) = _panels(1, height=3.6)
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
    for value, name in zip(baselines()[1:], ("letters", "pairs")):
        ax.axhline(
            value,
            color=GREY,
            ls=":" if name == "pairs" else "-.",
            lw=1,
            label=f"frequencies of {name}",
        )
    _label(
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
    _show()
    return found


def plot_states(params, name):
    """The 24 liveliest hidden units while a name is read, and what the model expects next at each
    symbol.
    """
    z, states = scores(params, np.array([[0, *(SYMBOLS.index(letter) for letter in name)]]))
    p = np.exp(z[0] - np.logaddexp.reduce(z[0], axis=1)[:, None])
    units = np.argsort(-states[0].std(axis=0))[:24]
    axes = _panels(2, height=4.4)
    images = (
        (states[0][:, units].T, {"cmap": "PuOr", "vmin": -1, "vmax": 1}),
        (p.T, {"cmap": "Blues"}),
    )
    for ax, (image, look), title in zip(
        axes, images, ("state of 24 units", "probability of the next symbol")
    ):
        ax.figure.colorbar(ax.imshow(image, aspect="auto", **look), ax=ax, shrink=0.8)
        _label(ax, title, "read so far", "", yticks=[])
        ax.set_xticks(range(len(name) + 1), ["·", *name])
    axes[1].set_yticks(range(27), SYMBOLS, fontsize=7)
    _show()
