"""Figures of 03-optimizers; they draw what your own functions return."""

import numpy as np
from given import bowl, judge, network, network_gradients, valley

from autograder.checks.optimizers.landscapes import KINDS, descent
from autograder.checks.optimizers.probes import slope
from autograder.lesson import (
    BLUE,
    COLOURS,
    DASHES,
    GREY,
    LIGHT,
    ORANGE,
    RED,
    differences,
    digits,
    panels,
    pytorch,
    show,
)


def leaderboard(own, adam, rates=(0.001, 0.02, 0.05, 0.1, 0.2, 0.3), total=200, draws=2, seed=1):
    """Your rule and Adam at constant rates on the same problems: powers of ten that the loss comes
    down by.
    """
    rng = np.random.RandomState(seed)
    problems = {kind: [make(rng, total) for _ in range(draws)] for kind, make in KINDS.items()}

    def score(rule, problem):
        w, state = problem["start"], {}
        with np.errstate(all="ignore"):
            for k in range(total):
                w, state = rule(w, slope(problem, w, k), state, k, total)
        return descent(problem, w)

    rules = {"your own": own} | {
        f"Adam, rate {r:g}": lambda w, g, s, *_, r=r: adam(w, g, s, r) for r in rates
    }
    rows = {
        name: [np.mean([score(rule, p) for p in ps]) for ps in problems.values()]
        for name, rule in rules.items()
    }
    print(f"{'':<18}" + "".join(f"{kind:>12}" for kind in problems) + f"{'mean':>12}")
    for name, row in sorted(rows.items(), key=lambda item: np.mean(item[1])):
        print(f"{name:<18}" + "".join(f"{value:>12.2f}" for value in [*row, np.mean(row)]))


def compare_with_torch(f):
    """Five steps of the learner's rules, a dict by name, beside PyTorch's, in float64."""
    if not (torch := pytorch()):
        return
    rng, optim = np.random.RandomState(1), torch.optim
    w, grads = rng.normal(size=(4, 3)), rng.normal(size=(5, 4, 3))
    theirs = {
        "sgd": (optim.SGD, {}),
        "momentum": (optim.SGD, {"momentum": 0.9}),
        "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
        "adagrad": (optim.Adagrad, {"eps": 1e-8}),
        "rmsprop": (optim.RMSprop, {"alpha": 0.9}),
        "adam": (optim.Adam, {}),
        "adamw": (optim.AdamW, {"weight_decay": 0.01}),
    }
    pairs = {}
    for name, (kind, options) in theirs.items():
        p, mine = torch.tensor(w, requires_grad=True), _walked(f[name], grads, w, 0.1)[-1]
        optimiser = kind([p], lr=0.1, **options)
        for grad in grads:
            p.grad = torch.tensor(grad)
            optimiser.step()
        pairs[name] = [mine], [p]
    differences(pairs)


def _walked(rule, grads, w, lr):
    """The places that a rule comes through under these gradients, w first."""
    state, path = {}, [w]
    for grad in grads:
        w, state = rule(w, grad, state, lr)
        path.append(w)
    return np.array(path)


def _contours(ax, height, box, title, bottom=()):
    """Level lines, closer together near the bottom, which may be marked."""
    a, b = np.linspace(*box[:2], 200), np.linspace(*box[2:], 200)
    h = height(np.stack(np.meshgrid(a, b), axis=-1))
    levels = h.min() + (h.max() - h.min()) * np.linspace(0.05, 1, 14) ** 3
    ax.contour(a, b, h, levels=levels, colors=LIGHT, linewidths=0.8)
    ax.plot(*np.reshape(bottom, (-1, 2)).T, "*", color=RED, ms=10)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$", xlim=box[:2], ylim=box[2:])


def _logarithmic(ax, x, y):
    ax.set(xscale="log", yscale="log")
    ax.minorticks_off()
    ax.set(xticks=x, xticklabels=x, yticks=y, yticklabels=y)


def plot_opening():
    """What the lesson works on: a stretched bowl, a bent valley, and a slope that is measured with
    noise.
    """
    left, middle, right = panels(3, height=3.4)
    _contours(left, bowl, (-5.5, 5.5, -2, 2), "a stretched bowl", (0, 0))
    _contours(middle, valley, (-2, 2, -1, 3), "a bent valley", (1, 1))
    X, labels, _, _ = digits()
    params, rng = network(), np.random.RandomState(0)
    slopes = [
        network_gradients(params, X[r], labels[r])["W2"][:2, 0]
        for r in rng.randint(0, len(X), (150, 32))
    ]
    full = network_gradients(params, X, labels)["W2"][:2, 0]
    right.scatter(*np.transpose(slopes), s=9, color=BLUE, label="32 images")
    right.plot(*full, "*", color=RED, ms=12, label="all 1,347")
    right.set(title="two slopes, batch by batch", xlabel="$g_1$", ylabel="$g_2$")
    right.legend(fontsize=8)
    show()


def plot_spectrum(rules, steps=160):
    """By which factor each rule shrinks w in a step on a parabola, for each rate times curvature up
    to 4.
    """
    (ax,) = panels(1, height=3.6)
    x = np.linspace(0.001, 4, 801)
    for (name, rule), colour, style in zip(rules.items(), COLOURS, DASHES):
        w, state, sizes = np.ones_like(x), {}, []
        for _ in range(steps):
            w, state = rule(w, x * w, state, 1.0)
            sizes.append(np.abs(w))
        early, late = (np.max(sizes[k - 40 : k], axis=0) for k in (steps // 2, steps))
        ax.plot(
            x, (late / (early + 1e-300)) ** (2 / steps), color=colour, ls=style, lw=2, label=name
        )
    ax.axhline(1, color="black", lw=0.8)
    ax.set(
        xlabel="rate times curvature",
        ylabel="factor of the error in a step",
        ylim=(0, 1.3),
        xlim=(0, 4),
    )
    ax.legend(fontsize=8)
    show()


def plot_step_lengths(rules, steps=60, seed=0):
    """Length of each rule's steps at rate 1: a gradient that stays, one 100 times as large, one
    that only trembles.
    """
    rng = np.random.RandomState(seed)
    grads = np.stack(
        [np.ones(steps), 100 * np.ones(steps), rng.choice([-1.0, 1.0], steps)], axis=1
    )  # (steps, 3)
    axes = panels(3, height=3.3, sharex=True)
    titles = ["gradient 1 in each step", "gradient 100 in each step", "gradient +1 or −1 by chance"]
    for (name, rule), colour, style in zip(rules.items(), COLOURS, DASHES):
        lengths = np.abs(np.diff(_walked(rule, grads, np.zeros(3), 1.0), axis=0))  # (steps, 3)
        for ax, title, column in zip(axes, titles, lengths.T):
            ax.plot(range(1, steps + 1), column + 1e-12, color=colour, ls=style, lw=1.8, label=name)
            ax.set(title=title, xlabel="step", yscale="log", ylim=(3e-3, 2e3))
    axes[0].set_ylabel("length of the step / rate")
    axes[0].legend(fontsize=8)
    show()


def plot_schedules(warmup_cosine, step_decay, total=100):
    """The rate over the steps, as your functions give it."""
    left, right = panels(2, height=3.2, sharey=True)
    steps, curves = range(total + 15), [(0, 0.0, 30, 0.5), (10, 0.0, 30, 0.1), (30, 0.2, 1, 0.96)]
    for colour, style, (warmup, floor, every, factor) in zip(COLOURS, DASHES, curves):
        rates = [
            [warmup_cosine(k, total, warmup, 1.0, floor), step_decay(k, 1.0, every, factor)]
            for k in steps
        ]
        labels = f"warmup {warmup}, floor {floor}", f"every {every}, factor {factor}"
        for ax, column, label in zip((left, right), np.transpose(rates), labels):
            ax.plot(steps, column, color=colour, ls=style, lw=2, label=label)
    left.set(title=f"warmup_cosine, total {total}, peak 1", xlabel="step", ylabel="rate")
    right.set(title="step_decay, base 1", xlabel="step")
    left.legend(fontsize=8)
    right.legend(fontsize=8)
    show()


def plot_gradient_noise(minibatches, sizes=(1, 4, 16, 64, 256), seed=0):
    """How far a mini-batch's gradient is from that of all samples, on average, for each
    batch size.
    """
    X, labels, _, _ = digits()
    params, rng, errors = network(), np.random.default_rng(seed), []
    full = network_gradients(params, X, labels)["W1"]
    for size in sizes:
        batches = minibatches(X, labels, size, rng)[:200]
        gaps = [
            np.sum((network_gradients(params, xb, yb)["W1"] - full) ** 2)
            for xb, yb in batches
            if len(yb) == size
        ]
        errors.append(np.sqrt(np.mean(gaps)) / np.linalg.norm(full))
    (ax,) = panels(1, height=3.4)
    ax.plot(sizes, errors, "o-", color=BLUE, label="measured on the digits")
    ax.plot(
        sizes,
        errors[0] / np.sqrt(sizes),
        "--",
        color=ORANGE,
        label=r"$1/\sqrt{B}$ from the first point",
    )
    ax.set(xlabel="batch size $B$", ylabel="error / length of the true gradient")
    _logarithmic(ax, sizes, [0.3, 1, 3])
    ax.legend(fontsize=8)
    show()


def plot_race(minimise, runs, height, gradient, start, box, steps):
    """Paths of several rules (name -> (rule, rate)) from one start, and the height along each."""
    land, curve = panels(2, height=4.0)
    _contours(land, height, box, f"the first {min(steps, 60)} steps")
    for (name, (rule, lr)), colour, style in zip(runs.items(), COLOURS, DASHES):
        path = np.asarray(minimise(rule, gradient, np.array(start), lr, steps))
        land.plot(*path[:61].T, marker="o", ms=2.5, lw=1, alpha=0.9, color=colour)
        curve.plot(
            height(path) + 1e-18, lw=1.8, ls=style, color=colour, label=f"{name}, rate {lr:g}"
        )
    curve.set(title="the height", xlabel="step", ylabel="height", yscale="log")
    curve.legend(fontsize=8)
    show()


def plot_rules_on_digits(train_with, runs, counts=(3, 10, 30, 100, 300, 1000)):
    """Training loss of your softmax regression after some steps, for several rules (name -> (rule,
    rate)).
    """
    X, labels, X_test, labels_test = digits()
    (ax,) = panels(1, height=3.8)
    for (name, (rule, lr)), colour, style in zip(runs.items(), COLOURS, DASHES):
        fits = [train_with(rule, X, labels, 10, lr, n, np.random.default_rng(0)) for n in counts]
        label = f"{name}, rate {lr:g} (test accuracy {judge(fits[-1], X_test, labels_test)[1]:.3f})"
        losses = [judge(p, X, labels)[0] for p in fits]
        ax.plot(counts, losses, marker="o", ms=4, color=colour, ls=style, label=label)
    ax.set(title="softmax regression on the digits", xlabel="steps", ylabel="training loss, nats")
    _logarithmic(ax, counts, [0.1, 0.3, 1, 2.3])
    ax.legend(fontsize=8)
    show()


def plot_decay(rules, steps=400, lr=0.01, seed=0):
    """Means of 200 weights each that start at 1, with noise of size 0.1 and 10 for a gradient,
    under each rule.
    """
    noise = np.random.RandomState(seed).normal(size=(steps, 2, 200)) * np.array([[0.1], [10.0]])
    for ax, (name, rule) in zip(axes := panels(len(rules), height=3.4, sharey=True), rules.items()):
        means = _walked(rule, noise, np.ones((2, 200)), lr).mean(axis=2)  # (steps + 1, 2)
        for column, colour, style, size in zip(means.T, [BLUE, RED], ["-", "--"], ["0.1", "10"]):
            ax.plot(
                column,
                color=colour,
                ls=style,
                label=f"gradients of size {size}: {abs(column[-1]):.2f} at the end",
            )
        ax.axhline(0, color=GREY, lw=0.6)
        ax.set(title=name, xlabel="step", ylabel="mean weight")
    for ax in axes:
        ax.legend(fontsize=8)
    show()
