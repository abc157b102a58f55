"""Data, figures and small tools for 01-neurons; the figures draw what your own functions return."""

import contextlib

import numpy as np

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#666666"
COLOURS = [BLUE, ORANGE, GREEN, RED, PURPLE]
XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (4, 2)
XOR_Y = np.array([-1, 1, 1, -1])


# ---- tools ----------------------------------------------------------------------------------
def beside(got, expected, name="value"):
    """Print your value beside the expected one, row by row, with a mark for each row."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        print(f"✗ {name}: your shape is {got.shape}, expected {expected.shape}")
        return
    rows = [(np.atleast_1d(g), np.atleast_1d(e)) for g, e in zip(np.atleast_1d(got), np.atleast_1d(expected))]
    shown = [tuple(" ".join(f"{v:.6g}" for v in side) for side in row) for row in rows]
    width = max(13, *(len(left) for left, _ in shown))
    print(f"  {name + ': yours':<{width}}  expected")
    for (g, e), (left, right) in zip(rows, shown):
        print(f"{'✓' if np.allclose(g, e, rtol=1e-6, atol=1e-9) else '✗'} {left:<{width}}  {right}")


@contextlib.contextmanager
def swapped(namespace, **parts):
    """Inside the `with` block, names of the notebook mean other functions; afterwards all is as before."""
    before = {name: namespace[name] for name in parts}
    namespace.update(parts)
    try:
        yield
    finally:
        namespace.update(before)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch's in float64."""
    try:
        import torch
        from torch.nn import functional as F
    except ImportError:
        print("PyTorch is not installed: skipped")
        return
    rng = np.random.RandomState(1)
    z, x, W, b = rng.normal(0, 3, (5, 4)), rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    labels, y, t = rng.randint(0, 4, 5), rng.randint(0, 2, (5, 4)).astype(float), torch.from_numpy
    pairs = {
        "linear_forward": (f["linear_forward"](x, W, b), F.linear(t(x), t(W).T, t(b))),  # PyTorch keeps W as (out, in)
        "sigmoid": (f["sigmoid"](z), torch.sigmoid(t(z))),
        "relu": (f["relu"](z), F.relu(t(z))),
        "leaky_relu": (f["leaky_relu"](z, 0.2), F.leaky_relu(t(z), 0.2)),
        "gelu": (f["gelu"](z), F.gelu(t(z))),
        "swish": (f["swish"](z), F.silu(t(z))),
        "softmax": (f["softmax"](z), F.softmax(t(z), dim=1)),
        "mse": (f["mse"](z, y), F.mse_loss(t(z), t(y))),
        "binary_cross_entropy": (f["binary_cross_entropy"](z, y), F.binary_cross_entropy_with_logits(t(z), t(y))),
        "cross_entropy": (f["cross_entropy"](z, labels), F.cross_entropy(t(z), t(labels).long())),
    }
    for name, (ours, theirs) in pairs.items():
        print(f"{name:<22} largest difference {np.abs(ours - theirs.numpy()).max():.1e}")


# ---- data -----------------------------------------------------------------------------------
def digits():
    """The 1,797 scanned digits, pixels in [0, 1]: X (1347, 64), labels (1347,), X_test (450, 64), labels_test (450,)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.RandomState(0).permutation(len(data.target))
    X, labels = data.data[order] / 16, data.target[order]
    return X[:1347], labels[:1347], X[1347:], labels[1347:]


def clouds(margin, n=80, seed=0):
    """Points X (n, 2) in a square, labels y (n,) of -1 and +1, and a unit u (3,) with y * (u . (x, 1)) >= margin."""
    rng = np.random.RandomState(seed)
    angle = rng.uniform(0, 2 * np.pi)
    u = np.array([np.cos(angle), np.sin(angle), rng.uniform(-0.3, 0.3)])
    u = u / np.sqrt((u * u).sum())
    X = rng.uniform(-1, 1, (100 * n, 2))
    score = X @ u[:2] + u[2]
    X, score = X[np.abs(score) >= margin][:n], score[np.abs(score) >= margin][:n]
    return X, np.where(score > 0, 1, -1), u


def appended(X):
    """X (N, D) with a column of ones: (N, D + 1)."""
    return np.column_stack([X, np.ones(len(X))])


# ---- figures --------------------------------------------------------------------------------
def _panels(columns, rows=1, height=3.2, **options):
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(9.5, height), layout="constrained", squeeze=False, **options)[1].ravel()


def _show():
    import matplotlib.pyplot as plt

    plt.show()


def _slope(f, z, h=1e-5):
    return (f(z + h) - f(z - h)) / (2 * h)


def _points(ax, X, y, title):
    """Scatter labels -1 (orange squares) and +1 (blue dots)."""
    ax.scatter(*X[y < 0].T, c=ORANGE, marker="s", s=34, edgecolors="white", linewidths=0.6, label="−1", zorder=3)
    ax.scatter(*X[y > 0].T, c=BLUE, marker="o", s=38, edgecolors="white", linewidths=0.6, label="+1", zorder=3)
    ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")


def _line(ax, w, b, **style):
    """Draw w . x + b = 0 across the axes, and nothing when w is zero."""
    norm = np.sqrt((w * w).sum())
    if norm > 0:
        box = [*ax.get_xlim(), *ax.get_ylim()]
        foot, along = -b * w / norm**2, np.array([-w[1], w[0]]) / norm
        ends = np.array([foot - 9 * along, foot + 9 * along])
        ax.plot(*ends.T, **style)
        ax.set(xlim=box[:2], ylim=box[2:])


def plot_opening():
    """What the lesson works on: real digits, two clouds that a line parts, two that no line parts."""
    images, left, right = _panels(3)
    X, labels, *_ = digits()
    first = [X[labels == k][0].reshape(8, 8) for k in range(10)]
    sheet = np.block([[np.pad(image, 1) for image in first[5 * row : 5 * row + 5]] for row in range(2)])
    images.imshow(sheet, cmap="gray_r")
    images.set(title="ten of 1,797 scanned digits", xlabel="pixel column", ylabel="pixel row")
    P, y, u = clouds(0.15, seed=3)
    _points(left, P, y, "one line parts them")
    _line(left, u[:2], u[2], color="black")
    rng = np.random.RandomState(0)
    _points(right, np.repeat(XOR_X, 20, axis=0) + rng.normal(0, 0.1, (80, 2)), np.repeat(XOR_Y, 20), "no line parts these")
    _show()


def plot_activations(functions, low=-5, high=5):
    """Each function (a dict by name) and its slope, measured by central differences."""
    rows = -(-len(functions) // 3)
    z = np.linspace(low, high, 400)  # an even number of points: none at 0, where a kink has no slope
    axes = _panels(min(3, len(functions)), rows, height=2.9 * rows, sharex=True)
    for ax, (name, f) in zip(axes, functions.items()):
        ax.axhline(0, color=GREY, lw=0.6)
        ax.plot(z, f(z), color=BLUE, lw=2, label="value")
        ax.plot(z, _slope(f, z), color=RED, lw=2, ls="--", label="slope")
        ax.set(title=name, xlabel="z", ylabel="value, slope")
        ax.legend()
    _show()


def plot_temperature(softmax, scores, temperatures):
    """Bars of softmax(scores / T) for each temperature T; scores is (C,)."""
    axes = _panels(len(temperatures), height=2.8, sharey=True)
    for ax, T in zip(axes, temperatures):
        bars = ax.bar(range(len(scores)), softmax(np.array([scores]) / T)[0], color=BLUE)
        ax.bar_label(bars, fmt="%.2f", fontsize=8)
        ax.set(title=f"T = {T}", xlabel="class", xticks=range(len(scores)), ylim=(0, 1.12))
    axes[0].set_ylabel("probability")
    _show()


def plot_saturation(sigmoid, mse, binary_cross_entropy, start=-6.0, steps=300):
    """One logit z whose label is 1: the cost, the size of its slope, and gradient descent on z from `start`."""
    one = np.array([1.0])
    costs = {
        "squared error of σ(z)": lambda z: mse(sigmoid(np.array([z])), one),
        "cross-entropy": lambda z: binary_cross_entropy(np.array([z]), one),
    }
    cost_ax, slope_ax, path_ax = _panels(3, height=3.4)
    grid = np.linspace(-10, 6, 200)
    for (name, cost), colour, style in zip(costs.items(), [RED, BLUE], ["--", "-"]):
        look = {"color": colour, "ls": style, "lw": 2, "label": name}
        cost_ax.plot(grid, [cost(z) for z in grid], **look)
        slope_ax.plot(grid, [abs(_slope(cost, z)) for z in grid], **look)
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - _slope(cost, path[-1]))
        path_ax.plot(sigmoid(np.array(path)), **look)
    cost_ax.set(title="the cost, label 1", xlabel="logit z", ylabel="cost")
    slope_ax.set(title="how steep the cost is", xlabel="logit z", ylabel="|d cost / dz|")
    path_ax.set(title=f"learning from z = {start:g}, step size 1", xlabel="step", ylabel="σ(z), should become 1")
    cost_ax.legend()
    _show()


def plot_xor(mlp_forward, relu, params):
    """The two-layer network's answer over the input plane, and the four corners in hidden space."""
    inputs, hidden_ax = _panels(2, height=4.0)
    side = np.linspace(-0.5, 1.5, 201)
    grid = np.stack(np.meshgrid(side, side), axis=-1)  # (201, 201, 2)
    answer = mlp_forward(grid.reshape(-1, 2), params).reshape(201, 201)
    inputs.contourf(side, side, answer, levels=[-99, 0.5, 99], colors=[ORANGE, BLUE], alpha=0.2)
    _points(inputs, XOR_X, XOR_Y, "input space: shaded by output > 0.5")
    hidden = relu(mlp_forward(XOR_X, {"W1": params["W1"], "b1": params["b1"]}))  # (4, 2)
    _points(hidden_ax, hidden, XOR_Y, "hidden space: the same four corners")
    hidden_ax.set(xlabel="$h_1$", ylabel="$h_2$", xlim=(-0.5, 2.9), ylim=(-0.7, 1.5))
    _line(hidden_ax, params["W2"][:, 0], params["b2"][0] - 0.5, color="black", label="output = 0.5")
    for place in np.unique(hidden, axis=0):
        names = [f"({a:.0f}, {b:.0f})" for (a, b), h in zip(XOR_X, hidden) if np.allclose(h, place)]
        hidden_ax.annotate(" and ".join(names), place, (6, 8), textcoords="offset points", fontsize=9)
    hidden_ax.legend(loc="upper left")
    _show()


def plot_perceptron(perceptron_fit, X, y, epochs):
    """The clouds and your line after each number of epochs; misread points are ringed."""
    axes = _panels(len(epochs), height=2.9, sharex=True, sharey=True)
    for ax, max_epochs in zip(axes, epochs):
        w, b, mistakes = perceptron_fit(X, y, max_epochs)
        wrong = y * (X @ w + b) <= 0
        _points(ax, X, y, f"epoch {len(mistakes)}: {mistakes[-1]} updates")
        ax.scatter(*X[wrong].T, s=130, facecolors="none", edgecolors="black", zorder=4)
        ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))
        _line(ax, w, b, color="black")
    _show()


def plot_novikoff(perceptron_fit, margins=(0.4, 0.2, 0.1, 0.05, 0.025), seeds=12):
    """Total mistakes against the bound (R / margin) squared, one mark for each data set."""
    (ax,) = _panels(1, height=4.0)
    for margin, colour, marker in zip(margins, COLOURS, "osD^v"):
        found = []
        for seed in range(seeds):
            X, y, u = clouds(margin, seed=seed)
            R, gamma = np.sqrt((appended(X) ** 2).sum(axis=1)).max(), (y * (appended(X) @ u)).min()
            found.append(((R / gamma) ** 2, max(1, sum(perceptron_fit(X, y, 2000)[2]))))
        ax.scatter(*np.array(found).T, c=colour, marker=marker, s=30, label=f"margin ≥ {margin}")
    ax.plot([5, 9000], [5, 9000], color="black", label="mistakes = bound")
    ax.set(xscale="log", yscale="log", title="The perceptron makes far fewer mistakes than it might")
    ax.set(xlabel="Novikoff's bound $(R/\\gamma)^2$", ylabel="mistakes until a clean epoch")
    ax.legend()
    _show()


def plot_limits(perceptron_fit, mlp_forward, relu, params, epochs=30):
    """The perceptron on XOR's corners as they are, and on the hidden layer's view of them."""
    hidden = relu(mlp_forward(XOR_X, {"W1": params["W1"], "b1": params["b1"]}))  # (4, 2)
    counts, before, after = _panels(3, height=3.5)
    views = [("inputs", XOR_X, before, RED, "o-"), ("hidden values", hidden, after, BLUE, "s--")]
    for name, X, ax, colour, style in views:
        w, b, mistakes = perceptron_fit(X, XOR_Y, epochs)
        counts.plot(range(1, len(mistakes) + 1), mistakes, style, color=colour, ms=4, label=f"on the {name}")
        _points(ax, X, XOR_Y, f"on the {name}, epoch {len(mistakes)}")
        ax.set(xlim=(-0.6, 2.6), ylim=(-0.9, 1.6))
        _line(ax, w, b, color="black")
    after.set(xlabel="$h_1$", ylabel="$h_2$")
    counts.set(title="mistakes on XOR's four corners", xlabel="epoch", ylabel="mistakes", yticks=range(5), ylim=(-0.2, 5.2))
    counts.legend(loc="upper right")
    _show()


def plot_training(fit, linear_forward, cross_entropy, counts, lr=1.0):
    """Cross-entropy on both parts of the digits after each number of steps, beginning at no step."""
    X, labels, X_test, labels_test = digits()
    curves = [[cross_entropy(np.zeros((len(t), 10)), t)] for t in (labels, labels_test)]
    for steps in counts:
        W, b = fit(X, labels, 10, lr, steps)
        for curve, A, t in zip(curves, (X, X_test), (labels, labels_test)):
            curve.append(cross_entropy(linear_forward(A, W, b), t))
    (ax,) = _panels(1, height=3.4)
    for curve, name, colour, style in zip(curves, ("training", "test"), (BLUE, RED), ("o-", "s--")):
        ax.plot([0, *counts], curve, style, color=colour, label=f"{name}: {curve[-1]:.3f} at the end", ms=5)
    ax.axhline(np.log(10), color=GREY, ls=":", label="ln 10 = 2.303: ten equal guesses")
    ax.set(title="Softmax regression on the digits", xlabel="steps (linear to 1, then logarithmic)", ylabel="cross-entropy, nats")
    ax.set_xscale("symlog", linthresh=1)
    ax.set(ylim=(0, 2.6), xticks=[0, *counts], xticklabels=[0, *counts])
    ax.legend()
    _show()


def plot_templates(W):
    """The columns of W (64, 10) as 8 x 8 images on one scale."""
    axes = _panels(5, 2, height=4.2)
    for k, ax in enumerate(axes):
        image = ax.imshow(W[:, k].reshape(8, 8), cmap="PuOr", vmin=-abs(W).max(), vmax=abs(W).max())
        ax.set(title=f"class {k}", xticks=[0, 7], yticks=[0, 7])
    axes[5].set(xlabel="pixel column", ylabel="pixel row")
    axes[0].figure.colorbar(image, ax=list(axes), label="weight", shrink=0.8)
    _show()


def plot_confusion(labels, predicted, images):
    """Counts of (true, predicted) pairs, and the first misread images (N, 64)."""
    import matplotlib.pyplot as plt

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    figure = plt.figure(figsize=(9.5, 4.6), layout="constrained")
    table, gallery = figure.subfigures(1, 2, width_ratios=[1.25, 1])
    ax = table.subplots()
    ax.imshow(np.sqrt(counts), cmap="Blues")
    for i, j in zip(*np.nonzero(counts)):
        ax.text(j, i, counts[i, j], ha="center", va="center", color="white" if i == j else "black", weight="bold")
    ax.set(title="how each test digit was read", xlabel="predicted", ylabel="true", xticks=range(10), yticks=range(10))
    gallery.suptitle("misread: true → predicted")
    wrong = np.flatnonzero(labels != predicted)[:9]
    for ax, i in zip(gallery.subplots(3, 3).ravel(), np.pad(wrong, (0, 9 - len(wrong)), constant_values=-1)):
        ax.set_axis_off()
        if i >= 0:
            ax.imshow(images[i].reshape(8, 8), cmap="gray_r")
            ax.set_title(f"{labels[i]} → {predicted[i]}", fontsize=10)
    _show()
