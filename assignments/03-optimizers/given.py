"""Data, landscapes, figures and small tools for 03-optimizers; the figures draw what your own functions return."""

import numpy as np

BLUE, ORANGE, GREEN, RED, PINK, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#666666"
COLOURS, STYLES = [BLUE, ORANGE, GREEN, RED, PINK, GREY], ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]


def beside(got, expected, name="value"):
    """Print your value beside the expected one, row by row, with a mark for each row."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind not in "biuf" or got.shape != expected.shape:
        print(f"✗ {name}: yours has type {got.dtype}, shape {got.shape}; expected shape {expected.shape}")
        return
    rows = [(np.atleast_1d(g), np.atleast_1d(e)) for g, e in zip(np.atleast_1d(got), np.atleast_1d(expected))]
    shown = [tuple(" ".join(f"{v:.6g}" for v in side) for side in row) for row in rows]
    width = max(len(name) + 7, *(len(left) for left, _ in shown))
    print(f"  {name + ': yours':<{width}}   expected")
    for (g, e), (left, right) in zip(rows, shown):
        print(f"{'✓' if np.allclose(g, e, rtol=1e-6, atol=1e-9) else '✗'} {left:<{width}}   {right}")


def digits():
    """Scanned digits, pixels in [0, 1]: X (1347, 64), labels (1347,), X_test (450, 64), labels_test (450,)."""
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    train, test = np.split(np.random.RandomState(0).permutation(len(X)), [1347])
    return X[train] / 16, labels[train], X[test] / 16, labels[test]


def bowl(w, k=25.0):
    """A stretched bowl: curvature 1 one way, k the other. w (..., 2) -> (...)."""
    return (w[..., 0] ** 2 + k * w[..., 1] ** 2) / 2


def bowl_gradient(w, k=25.0):
    """The bowl's slope at w (2,)."""
    return np.array([1.0, k]) * w


def valley(w):
    """Rosenbrock's bent valley (1960), its lowest point at (1, 1). w (..., 2) -> (...)."""
    return (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2


def valley_gradient(w):
    """The valley's slope at w (2,)."""
    bend = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 400 * w[0] * bend, 200 * bend])


def softmax(z):
    """Rows of scores (N, C) -> rows of probabilities (N, C)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def scores(params, X):
    """Logits (N, C) of a network W1, b1 or W1, b1, W2, b2 with ReLU between its layers."""
    z = X @ params["W1"] + params["b1"]
    return np.maximum(z, 0) @ params["W2"] + params["b2"] if "W2" in params else z


def cross_entropy(params, X, labels):
    """Mean -log p(label) of the network."""
    z = scores(params, X)
    z = z - z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(X)), labels]))


def accuracy(params, X, labels):
    """Share of samples that the network reads right."""
    return float(np.mean(scores(params, X).argmax(axis=1) == labels))


def network(seed=0, hidden=64):
    """He's start for a network 64-hidden-10."""
    rng = np.random.RandomState(seed)
    W1, W2 = rng.normal(0, np.sqrt(2 / 64), (64, hidden)), rng.normal(0, np.sqrt(2 / hidden), (hidden, 10))
    return {"W1": W1, "b1": np.zeros(hidden), "W2": W2, "b2": np.zeros(10)}


def network_gradients(params, x, labels):
    """Backpropagation through the network of one hidden layer: a dict with the parameters' keys."""
    z = x @ params["W1"] + params["b1"]
    h = np.maximum(z, 0)
    d = softmax(h @ params["W2"] + params["b2"])
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    dz = d @ params["W2"].T * (z > 0)
    return {"W1": x.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d, "b2": d.sum(axis=0)}


def train_network(rule, lr, minibatches, clip=None, epochs=10, seed=0):
    """Ten epochs on the digits: the network, and the gradients' norm in each step if `clip(grads)` gives it."""
    X, labels, _, _ = digits()
    params, rng, norms = network(seed), np.random.default_rng(seed), []
    states = {name: {} for name in params}
    for _ in range(epochs):
        for xb, yb in minibatches(X, labels, 32, rng):
            grads = network_gradients(params, xb, yb)
            if clip is not None:
                grads, norm = clip(grads)
                norms.append(float(norm))
            for name in params:
                params[name], states[name] = rule(params[name], grads[name], states[name], lr)
    return params, norms


def leaderboard(own, adam, rates=(0.001, 0.02, 0.05, 0.1, 0.2, 0.3), total=200, draws=2, seed=1):
    """Your rule and Adam at constant rates on the same problems: powers of ten that the loss comes down by."""
    from autograder.checks.landscapes import KINDS, descent
    from autograder.checks.probes_optimizers import slope

    rng = np.random.RandomState(seed)
    problems = {kind: [make(rng, total) for _ in range(draws)] for kind, make in KINDS.items()}

    def score(rule, problem):
        w, state = problem["start"], {}
        with np.errstate(all="ignore"):
            for k in range(total):
                w, state = rule(w, slope(problem, w, k), state, k, total)
        return descent(problem, w)

    def at(lr):
        return lambda w, grad, state, step, total: adam(w, grad, state, lr)

    rules = {"your own": own} | {f"Adam, rate {lr:g}": at(lr) for lr in rates}
    rows = {name: [np.mean([score(rule, p) for p in ps]) for ps in problems.values()] for name, rule in rules.items()}
    print(f"{'':<18}" + "".join(f"{kind:>12}" for kind in problems) + f"{'mean':>12}")
    for name, row in sorted(rows.items(), key=lambda item: np.mean(item[1])):
        print(f"{name:<18}" + "".join(f"{value:>12.2f}" for value in [*row, np.mean(row)]))


def compare_with_torch(f):
    """Five steps of the learner's rules, a dict by name, beside PyTorch's, in float64."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: skipped")
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
    for name, (kind, options) in theirs.items():
        p, state, mine = torch.tensor(w, requires_grad=True), {}, w
        optimiser = kind([p], lr=0.1, **options)
        for grad in grads:
            p.grad = torch.tensor(grad)
            optimiser.step()
            mine, state = f[name](mine, grad, state, 0.1)
        print(f"{name:<22} largest difference {np.abs(mine - p.detach().numpy()).max():.1e}")


def _panels(columns, rows=1, height=3.4, **options):
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.5, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False, **options).ravel()


def _show():
    import matplotlib.pyplot as plt

    plt.show()


def _contours(ax, height, box, title):
    """Level lines, closer together near the bottom."""
    a, b = np.linspace(*box[:2], 200), np.linspace(*box[2:], 200)
    h = height(np.stack(np.meshgrid(a, b), axis=-1))
    levels = h.min() + (h.max() - h.min()) * np.linspace(0.02, 1, 14) ** 3
    ax.contour(a, b, h, levels=levels, colors="#bbbbbb", linewidths=0.8)
    ax.set(title=title, xlabel="$w_1$", ylabel="$w_2$")


def plot_opening():
    """What the lesson works on: a stretched bowl, a bent valley, and a slope that is measured with noise."""
    left, middle, right = _panels(3)
    _contours(left, bowl, (-5.5, 5.5, -2, 2), "a stretched bowl")
    left.plot(0, 0, "*", color=RED, ms=10)
    _contours(middle, valley, (-2, 2, -1, 3), "a bent valley")
    middle.plot(1, 1, "*", color=RED, ms=10)
    X, labels, _, _ = digits()
    params, rng = network(), np.random.RandomState(0)
    slopes = [network_gradients(params, X[r], labels[r])["W2"][:2, 0] for r in rng.randint(0, len(X), (150, 32))]
    full = network_gradients(params, X, labels)["W2"][:2, 0]
    right.scatter(*np.transpose(slopes), s=9, color=BLUE, alpha=0.6, label="32 images")
    right.plot(*full, "*", color=RED, ms=12, label="all 1,347")
    right.set(title="one slope, measured again and again", xlabel="$g_1$", ylabel="$g_2$")
    right.legend(fontsize=8)
    _show()


def plot_spectrum(rules, steps=400):
    """By which factor each rule shrinks w in a step on a parabola, for each rate times curvature up to 4."""
    (ax,) = _panels(1, height=3.6)
    x = np.linspace(0.002, 4, 700)
    for (name, rule), colour, style in zip(rules.items(), COLOURS, STYLES):
        w, state, sizes = np.ones_like(x), {}, []
        for _ in range(steps):
            w, state = rule(w, x * w, state, 1.0)
            sizes.append(np.abs(w) + 1e-280)
        early, late = np.max(sizes[steps // 2 - 40 : steps // 2], axis=0), np.max(sizes[-40:], axis=0)
        ax.plot(x, (late / early) ** (2 / steps), color=colour, ls=style, lw=2, label=name)
    ax.axhline(1, color="black", lw=0.8)
    ax.set(xlabel="rate times curvature", ylabel="factor for each step", ylim=(0, 1.3), xlim=(0, 4))
    ax.set_title("below 1 the error shrinks, above 1 it grows")
    ax.legend(loc="lower right")
    _show()


def plot_step_lengths(rules, steps=60, seed=0):
    """Length of each rule's steps at rate 1: a gradient that stays, one 100 times as large, one that only trembles."""
    rng = np.random.RandomState(seed)
    grads = np.stack([np.ones(steps), 100 * np.ones(steps), rng.choice([-1.0, 1.0], steps)], axis=1)  # (steps, 3)
    axes = _panels(3, height=3.3, sharex=True)
    titles = ["gradient 1 in each step", "gradient 100 in each step", "gradient +1 or −1 by chance"]
    for (name, rule), colour, style in zip(rules.items(), COLOURS, STYLES):
        w, state, path = np.zeros(3), {}, [np.zeros(3)]
        for grad in grads:
            w, state = rule(w, grad, state, 1.0)
            path.append(w)
        lengths = np.abs(np.diff(path, axis=0))
        for ax, title, column in zip(axes, titles, lengths.T):
            ax.plot(range(1, steps + 1), column + 1e-12, color=colour, ls=style, lw=1.8, label=name)
            ax.set(title=title, xlabel="step", yscale="log", ylim=(3e-3, 2e3))
    axes[0].set_ylabel("length of the step / rate")
    axes[0].legend(fontsize=8)
    _show()


def plot_schedules(warmup_cosine, step_decay, total=100):
    """The rate over the steps, as your functions give it."""
    left, right = _panels(2, height=3.2)
    steps = range(total + 15)
    for warmup, floor, colour, style in [(0, 0.0, BLUE, "-"), (10, 0.0, ORANGE, "--"), (30, 0.2, GREEN, "-.")]:
        rates = [warmup_cosine(k, total, warmup, 1.0, floor) for k in steps]
        left.plot(steps, rates, color=colour, ls=style, lw=2, label=f"warmup {warmup}, floor {floor:g}")
    for every, factor, colour, style in [(30, 0.5, BLUE, "-"), (30, 0.1, ORANGE, "--"), (1, 0.96, GREEN, "-.")]:
        rates = [step_decay(k, 1.0, every, factor) for k in steps]
        right.plot(steps, rates, color=colour, ls=style, lw=2, label=f"every {every}, factor {factor:g}")
    for ax, title in [(left, f"warmup_cosine, total {total}, peak 1"), (right, "step_decay, base 1")]:
        ax.set(title=title, xlabel="step", ylabel="rate", ylim=(-0.04, 1.09))
        ax.legend(fontsize=8)
    _show()


def plot_gradient_noise(minibatches, sizes=(1, 4, 16, 64, 256), seed=0):
    """How far a mini-batch's gradient is from that of all samples, on average, for each batch size."""
    X, labels, _, _ = digits()
    params, rng, errors = network(), np.random.default_rng(seed), []
    full = network_gradients(params, X, labels)["W1"]
    for size in sizes:
        batches = minibatches(X, labels, size, rng)[:200]
        gaps = [np.sum((network_gradients(params, xb, yb)["W1"] - full) ** 2) for xb, yb in batches if len(yb) == size]
        errors.append(np.sqrt(np.mean(gaps)) / np.linalg.norm(full))
    (ax,) = _panels(1, height=3.4)
    ax.plot(sizes, errors, "o-", color=BLUE, label="measured on the digits")
    ax.plot(sizes, errors[0] / np.sqrt(sizes), "--", color=ORANGE, label=r"$1/\sqrt{B}$ from the first point")
    ax.set(xscale="log", yscale="log", xlabel="batch size $B$", ylabel="error / length of the true gradient")
    ax.set(title="how wrong a mini-batch's gradient is", xticks=sizes, xticklabels=sizes)
    ax.minorticks_off()
    ax.legend()
    _show()


def plot_race(minimise, runs, height, gradient, start, box, steps):
    """Paths of several rules (name -> (rule, rate)) from one start, and the height along each."""
    land, curve = _panels(2, height=4.0)
    _contours(land, height, box, f"the first {min(steps, 60)} steps")
    for (name, (rule, lr)), colour, style in zip(runs.items(), COLOURS, STYLES):
        path = np.asarray(minimise(rule, gradient, np.array(start), lr, steps))
        look = {"color": colour, "label": f"{name}, rate {lr:g}"}
        land.plot(*path[:61].T, marker="o", ms=2.5, lw=1, alpha=0.9, **look)
        curve.plot(height(path) + 1e-18, lw=1.8, ls=style, **look)
    land.set(xlim=box[:2], ylim=box[2:])
    curve.set(title="the height", xlabel="step", ylabel="height", yscale="log")
    curve.legend(fontsize=8)
    _show()


def plot_rules_on_digits(train_with, runs, counts=(3, 10, 30, 100, 300, 1000)):
    """Training loss of your softmax regression after some steps, for several rules (name -> (rule, rate))."""
    X, labels, X_test, labels_test = digits()
    (ax,) = _panels(1, height=3.8)
    for (name, (rule, lr)), colour, style in zip(runs.items(), COLOURS, STYLES):
        fits = [train_with(rule, X, labels, 10, lr, n, np.random.default_rng(0)) for n in counts]
        share = accuracy(fits[-1], X_test, labels_test)
        label = f"{name}, rate {lr:g} (test accuracy {share:.3f})"
        losses = [cross_entropy(p, X, labels) for p in fits]
        ax.plot(counts, losses, marker="o", ms=4, color=colour, ls=style, label=label)
    ax.set(title="softmax regression on the digits", xlabel="steps", ylabel="training loss, nats")
    ax.set(xscale="log", yscale="log", xticks=counts, xticklabels=counts)
    ax.minorticks_off()
    ax.legend(fontsize=8)
    _show()


def plot_decay(rules, steps=400, lr=0.01, seed=0):
    """Two weights that start at 1, with trembling gradients of sizes 0.1 and 10, under each rule."""
    noise = np.random.RandomState(seed).normal(size=(steps, 2)) * np.array([0.1, 10.0])
    for ax, (name, rule) in zip(_panels(len(rules), height=3.3, sharey=True), rules.items()):
        w, state, path = np.ones(2), {}, [np.ones(2)]
        for grad in noise:
            w, state = rule(w, grad, state, lr)
            path.append(w)
        for column, colour, style, size in zip(np.transpose(path), [BLUE, RED], ["-", "--"], ["0.1", "10"]):
            ax.plot(column, color=colour, ls=style, lw=1.8, label=f"gradients of size {size}")
        ax.axhline(0, color=GREY, lw=0.6)
        ax.set(title=name, xlabel="step", ylabel="weight")
        ax.legend(fontsize=8)
    _show()
