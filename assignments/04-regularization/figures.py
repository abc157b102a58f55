"""Figures of 04-regularization; they draw what your own functions return."""

from functools import cache
from itertools import pairwise

import numpy as np
from given import adam, linear_backward, noisy_digits, softmax, test_loss

from autograder.lesson import BLUE, GREEN, GREY, ORANGE, RED, image, label, panels, show


@cache
def plain(seed=0, epochs=150):
    """The plain network 64-256-256-10, Adam at 0.001, batches of 32: losses of each epoch, test
    probabilities.
    """
    X, labels, _, *rest = noisy_digits(seed)
    rng, sizes = np.random.default_rng(seed), [64, 256, 256, 10]
    theta = [rng.normal(size=(m, k)) * np.sqrt(2 / m) for m, k in pairwise(sizes)]
    theta, states = theta + [np.zeros(k) for k in sizes[1:]], [{} for _ in range(6)]
    sets = {"training": (X, labels), "validation": rest[:2], "test": (rest[2][::3], rest[3][::3])}
    curves = {name: [] for name in sets}

    def layers(x):
        h1 = np.maximum(x @ theta[0] + theta[3], 0)
        h2 = np.maximum(h1 @ theta[1] + theta[4], 0)
        return h1, h2, softmax(h2 @ theta[2] + theta[5])

    for epoch in range(epochs + 1):
        for name, (x, t) in sets.items():
            curves[name].append(test_loss(layers(x)[2], t))
        order = rng.permutation(len(X)) if epoch < epochs else X[:0]
        for rows in np.split(order, range(32, len(order), 32)) if len(order) else []:
            h1, h2, p = layers(X[rows])
            d2, g2, c2 = linear_backward((p - np.eye(10)[labels[rows]]) / len(rows), h2, theta[2])
            d1, g1, c1 = linear_backward(d2 * (h2 > 0), h1, theta[1])
            _, g0, c0 = linear_backward(d1 * (h1 > 0), X[rows], theta[0])
            for i, g in enumerate([g0, g1, g2, c0, c1, c2]):
                theta[i], states[i] = adam(theta[i], g, states[i], 1e-3)
    return curves, layers(rest[2])[2]


def plot_opening():
    """Digits with their given labels, a fifth of them wrong, and what a plain network makes of
    them.
    """
    X, labels, wrong, *_ = noisy_digits()
    images, losses = panels(2, height=3.8, width_ratios=[1, 1.5])
    shown = np.concatenate([np.flatnonzero(wrong)[:5], np.flatnonzero(~wrong)[:20]])
    for i, k in enumerate(np.random.RandomState(0).permutation(shown)):
        left, top = 10 * (i % 5), 12 * (i // 5)
        images.imshow(X[k].reshape(8, 8), cmap="gray_r", extent=(left, left + 8, top + 8, top))
        look = {"color": RED, "weight": "bold"} if wrong[k] else {}
        images.text(left + 4, top - 0.4, labels[k], ha="center", **look)
    images.set(title="labels as given; wrong ones in red", xlim=(-1, 49), ylim=(57, -4))
    images.axis("off")
    names = ["training, noisy labels", "validation, noisy labels", "test, clean labels"]
    for curve, name, colour, style in zip(
        plain()[0].values(), names, (BLUE, ORANGE, RED), ("-", ":", "--")
    ):
        losses.plot(curve, style, color=colour, lw=2, label=f"{name}: {curve[-1]:.2f} at the end")
    label(losses, "a plain network learns by heart", "epoch", "loss, nats", ylim=(0, None))
    losses.legend()
    show()


def plot_shrinkage(l2_penalty, l1_penalty, lam=1.0):
    """Where descent on (w - a)^2 / 2 + penalty(w) ends, for many a at once."""
    a = np.linspace(-3, 3, 61)
    (ax,) = panels(1, height=3.6)
    looks = [
        ("no penalty", None, GREY, ":"),
        ("L2", l2_penalty, BLUE, "--"),
        ("L1", l1_penalty, RED, "-"),
    ]
    for name, penalty, colour, style in looks:
        w = np.zeros((1, 61))
        for step in range(3000):
            rate = 0.1 / (1 + 0.01 * step)  # it must fall: the slope of |w| jumps at 0
            w = w - rate * (w - a + (penalty({"W1": w}, lam)[1]["W1"] if penalty else 0))
        ax.plot(a, w[0], style, color=colour, lw=2, label=name)
    ax.axhline(0, color=GREY, lw=0.6)
    label(ax, f"where w ends, strength {lam:g}", "a, where the data alone pull w to", "w")
    ax.legend()
    show()


def plot_dropout(dropout_forward, rates=(0.1, 0.5, 0.8), units=100, draws=4000):
    """The sum of many kept and scaled entries, over many masks."""
    x = np.random.RandomState(0).uniform(0, 1, units)
    axes = panels(len(rates), height=3.3, sharex=True)
    for ax, p in zip(axes, rates):
        sums = dropout_forward(np.tile(x, (draws, 1)), p, np.random.default_rng(0))[0].sum(axis=1)
        ax.hist(sums, bins=40, color=BLUE, alpha=0.7)
        ax.axvline(x.sum(), color=RED, lw=2, label="sum of x")
        ax.axvline(sums.mean(), color="black", ls="--", label="mean of the sums")
        predicted = np.sqrt(p / (1 - p) * (x**2).sum())
        label(ax, f"p = {p}: spread {sums.std():.2f}, by formula {predicted:.2f}", "sum of y", "")
        ax.title.set_fontsize(10)
    axes[0].set_ylabel("number of masks")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    show()


def plot_gradients(
    layernorm_forward, layernorm_backward, scales=(0.7, 1.0, 1.4), depth=20, width=64
):
    """The size of the gradient below each of many ReLU layers, without and with layer
    normalisation.
    """
    axes = panels(2, height=3.4, sharey=True)
    one, zero = np.ones(width), np.zeros(width)
    for ax, normalised in zip(axes, (False, True)):
        for scale, colour, marker in zip(scales, (BLUE, GREEN, RED), "osD"):
            rng = np.random.RandomState(0)
            W = [scale * np.sqrt(2 / width) * rng.normal(size=(width, width)) for _ in range(depth)]
            h, tape, d = rng.normal(size=(32, width)), [], rng.normal(size=(32, width))
            for V in W:
                z = h @ V
                a = layernorm_forward(z, one, zero) if normalised else z
                tape.append((z, a))
                h = np.maximum(a, 0)
            sizes = []
            for V, (z, a) in zip(W[::-1], tape[::-1]):
                d = d * (a > 0)
                d = (layernorm_backward(d, z, one)[0] if normalised else d) @ V.T
                sizes.append(np.sqrt(np.mean(d**2)))
            ax.semilogy(
                range(depth, 0, -1), sizes, marker=marker, ms=4, color=colour, label=f"{scale} × He"
            )
        title = "with layer normalisation: one line for all" if normalised else "without"
        label(ax, title, "layer", "", xticks=[1, 5, 10, 15, 20])
    axes[0].set_ylabel("size of dL/dh below the layer")
    axes[0].legend()
    show()


def plot_smoothing(smooth_labels, soft_cross_entropy, rates=(0.0, 0.1, 0.4), C=10):
    """The loss of one sample against the gap between the right score and the nine others."""
    gaps = np.linspace(-2, 14, 321)
    logits = np.zeros((len(gaps), C))
    logits[:, 0] = gaps
    (ax,) = panels(1, height=3.4)
    for eps, colour, style in zip(rates, (GREY, BLUE, RED), (":", "-", "--")):
        target = smooth_labels(np.array([0]), C, eps)
        loss = np.array([soft_cross_entropy(z[None], target)[0] for z in logits])
        best = gaps[loss.argmin()]
        lowest = f"at {best:.2f}" if best < gaps[-1] else "beyond the figure"
        ax.plot(gaps, loss, style, color=colour, lw=2, label=f"ε = {eps:g}: lowest {lowest}")
        ax.plot(best, loss.min(), "o", color=colour)
    label(
        ax,
        "how confident should one be?",
        "right score minus each other score",
        "loss",
        ylim=(0, None),
    )
    ax.legend()
    show()


def plot_stopping(early_stopping, patiences=(1, 20)):
    """The plain network's curves, and where your rule stops and goes back to."""
    curves = plain()[0]
    axes = panels(len(patiences), height=3.4, sharey=True)
    for ax, patience in zip(axes, patiences):
        best, stop = early_stopping(curves["validation"], patience)
        ax.plot(curves["validation"], color=ORANGE, lw=2, label="validation, noisy labels")
        ax.plot(curves["test"], color=RED, ls="--", lw=2, label="test, clean labels")
        ax.axvline(best, color=GREEN, label=f"best: epoch {best}, test {curves['test'][best]:.2f}")
        ax.axvline(
            stop,
            color="black",
            ls=":",
            label=f"stop: epoch {stop}, test {curves['test'][stop]:.2f}",
        )
        label(ax, f"patience {patience}", "epoch", "", ylim=(0, 3))
        ax.legend(fontsize=8)
    axes[0].set_ylabel("loss, nats")
    show()


def plot_shifts(random_shift, copies=7, max_shift=2):
    """Four digits, and copies of each that your function has moved."""
    images = noisy_digits()[5][[3, 8, 21, 33]].reshape(4, 8, 8)
    axes = panels(copies + 1, 4, height=4.8)
    rng = np.random.default_rng(5)
    for scanned, row in zip(images, axes.reshape(4, -1)):
        moved = random_shift(np.tile(scanned, (copies, 1, 1)), max_shift, rng)
        for ax, picture in zip(row, [scanned, *moved]):
            image(ax, picture, cmap="gray_r", vmin=0, vmax=1)
    axes[0].figure.suptitle("left: as scanned; the others: moved by up to 2 pixels")
    show()


def plot_variances(activation_variances, depth=30, width=200):
    """The variance after each layer for three activations and four schemes."""
    axes = panels(3, height=3.6)
    for ax, activation in zip(axes, ("relu", "tanh", "sigmoid")):
        looks = zip(
            ("small", "xavier", "he", "large"), (GREY, BLUE, GREEN, RED), (":", "--", "-", "-.")
        )
        for scheme, colour, style in looks:
            v = activation_variances(depth, width, scheme, activation, np.random.default_rng(0))
            ax.semilogy(range(1, depth + 1), v, style, color=colour, lw=2, label=scheme)
        label(ax, activation, "layer", "")
    axes[0].set(ylabel="variance after the layer", ylim=(1e-30, 1e35))
    axes[0].legend(fontsize=8)
    show()


def paired(train_regularized, predict_proba, seeds=5, epochs=150):
    """Train on the data of each seed beside the plain network; print both and draw them."""
    lines, bars = panels(2, height=3.6)
    runs, gains = [], []
    for seed in range(seeds):
        X, labels, _, _, _, X_test, truth = noisy_digits(seed)
        params = train_regularized(X, labels, 10, np.random.default_rng(seed), epochs)
        pair = plain(seed)[1], predict_proba(params, X_test)
        runs.append([(q.max(axis=1), q.argmax(axis=1) == truth) for q in pair])
        (a, b), (r, s) = (
            [test_loss(q, truth) for q in pair],
            [right.mean() for _, right in runs[-1]],
        )
        print(
            f"seed {seed}: plain loss {a:.3f}, accuracy {r:.3f}   yours {b:.3f}, {s:.3f}   gain "
            f"{a - b:+.3f}"
        )
        lines.plot([0, 1], [a, b], "o-", color=GREEN if b < a else RED)
        gains.append(a - b)
    print(
        f"mean gain {np.mean(gains):.3f} ± {np.std(gains, ddof=1) / np.sqrt(seeds):.3f} (standard "
        "error)"
    )
    label(lines, "one line, one data set", "", "test loss, nats", xlim=(-0.3, 1.3))
    lines.set_xticks([0, 1], ["plain", "yours"])
    for i, (name, colour, marker) in enumerate([("plain", RED, "s--"), ("yours", BLUE, "o-")]):
        sure, right = (np.concatenate([run[i][k] for run in runs]) for k in (0, 1))
        bins = np.digitize(sure, np.linspace(0.1, 0.9, 9))
        full = [bins == k for k in range(10) if np.sum(bins == k) >= 20]
        bars.plot(
            [sure[b].mean() for b in full],
            [right[b].mean() for b in full],
            marker,
            color=colour,
            label=name,
        )
    bars.plot([0, 1], [0, 1], color=GREY, ls=":", label="as sure as right")
    label(
        bars,
        "is it as sure as it should be?",
        "probability of its answer",
        "share of right answers",
    )
    bars.legend()
    show()
