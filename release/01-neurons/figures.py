"""Figures of 01-neurons; they draw what your own functions return."""

import numpy as np
from given import XOR_X, XOR_Y, appended, clouds

from autograder.lesson import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    differences,
    digits,
    label,
    panels,
    pytorch,
    show,
)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch's in float64."""
    if not (torch := pytorch()):
        return
    F = torch.nn.functional
    rng = np.random.RandomState(1)
    z, x, W, b = (rng.normal(size=shape) for shape in [(5, 4), (5, 3), (3, 4), 4])
    y, labels = rng.randint(0, 2, (5, 4)).astype(float), rng.randint(0, 4, 5).astype(np.int64)
    theirs = {
        # PyTorch keeps W as (out, in)
        "linear_forward": (lambda x, W, b: F.linear(x, W.T, b), (x, W, b)),
        "sigmoid": (torch.sigmoid, (z,)),
        "relu": (F.relu, (z,)),
        "leaky_relu": (F.leaky_relu, (z,)),
        "gelu": (F.gelu, (z,)),
        "swish": (F.silu, (z,)),
        "softmax": (lambda z: F.softmax(z, dim=1), (z,)),
        "mse": (F.mse_loss, (z, y)),
        "binary_cross_entropy": (F.binary_cross_entropy_with_logits, (3 * z, y)),
        "cross_entropy": (F.cross_entropy, (3 * z, labels)),
    }
    differences(
        {
            name: ([f[name](*arguments)], [g(*map(torch.from_numpy, arguments))])
            for name, (g, arguments) in theirs.items()
        }
    )


def _slope(f, z, h=1e-5):
    return (f(z + h) - f(z - h)) / (2 * h)


def _points(ax, X, y, title, **more):
    """Scatter labels -1 (orange squares) and +1 (blue dots)."""
    for sign, c, marker in [(-1, ORANGE, "s"), (1, BLUE, "o")]:
        ax.scatter(
            *X[y == sign].T,
            c=c,
            marker=marker,
            s=36,
            ec="white",
            lw=0.6,
            label=f"{sign:+d}",
            zorder=3,
        )
    label(ax, title, "$x_1$", "$x_2$", aspect="equal", **more)


def _line(ax, w, b, **style):
    """Draw w . x + b = 0 across the axes, or say that there is no such line."""
    norm = np.sqrt((w * w).sum())
    if norm == 0:
        ax.text(0.5, 0.9, "w = 0: no line", ha="center", transform=ax.transAxes)
        return
    box = [*ax.get_xlim(), *ax.get_ylim()]
    foot, along = -b * w / norm**2, np.array([-w[1], w[0]]) / norm
    ax.plot(*(foot + np.outer([-9, 9], along)).T, **style)
    ax.set(xlim=box[:2], ylim=box[2:])


def plot_opening():
    """What the lesson works on: real digits, two clouds that a line parts, two that no line
    parts.
    """
    images, left, right = panels(3)
    tiles = np.pad(digits()[0][:16].reshape(4, 4, 8, 8), [(0, 0), (0, 0), (1, 1), (1, 1)])
    images.imshow(tiles.swapaxes(1, 2).reshape(40, 40), cmap="gray_r")
    label(images, "16 of 1,797 scanned digits", "pixel column", "pixel row")
    P, y, u = clouds(0.15, seed=3)
    _points(left, P, y, "one line parts them")
    _line(left, u[:2], u[2], color="black")
    corners = np.repeat(XOR_X, 20, axis=0) + np.random.RandomState(0).normal(0, 0.1, (80, 2))
    _points(right, corners, np.repeat(XOR_Y, 20), "no line parts these")
    show()


def plot_activations(functions, low=-5, high=5):
    """Each function (a dict by name) and its slope, measured by central differences."""
    rows = -(-len(functions) // 3)
    z = np.linspace(
        low, high, 400
    )  # an even number of points: none at 0, where a kink has no slope
    axes = panels(min(3, len(functions)), rows, height=2.7 * rows)
    for ax, (name, f) in zip(axes, functions.items()):
        ax.axhline(0, color=GREY, lw=0.6)
        ax.plot(z, f(z), color=BLUE, lw=2, label="value")
        ax.plot(z, _slope(f, z), color=RED, lw=2, ls="--", label="slope")
        ax.set(title=name, xlabel="z", ylabel="value, slope")
        ax.legend()
    show()


def plot_temperature(softmax, scores, temperatures):
    """Bars of softmax(scores / T) for each temperature T; scores is (C,)."""
    axes = panels(len(temperatures), height=2.8, sharey=True)
    for ax, T in zip(axes, temperatures):
        p = softmax(np.array([scores]) / T)[0]
        ax.bar_label(ax.bar(range(len(p)), p, color=BLUE), fmt="%.2f", fontsize=8)
        ax.set(title=f"T = {T}", xlabel="class", xticks=range(len(scores)), ylim=(0, 1.12))
    axes[0].set_ylabel("probability")
    show()


def plot_saturation(sigmoid, mse, binary_cross_entropy, start=-6.0, steps=300):
    """One logit z whose label is 1: the cost, the size of its slope, and descent from `start`."""
    costs = {
        "squared error of σ(z)": lambda z: mse(sigmoid(np.array([z])), np.ones(1)),
        "cross-entropy": lambda z: binary_cross_entropy(np.array([z]), np.ones(1)),
    }
    cost_ax, slope_ax, path_ax = panels(3, height=3.4)
    grid = np.linspace(-10, 6, 200)
    for (name, cost), colour, style in zip(costs.items(), [RED, BLUE], ["--", "-"]):
        look = {"color": colour, "ls": style, "lw": 2, "label": name}
        cost_ax.plot(grid, [cost(z) for z in grid], **look)
        slope_ax.plot(grid, [abs(_slope(cost, z)) for z in grid], **look)
        path = [start]
        for _ in range(steps):
            path.append(path[-1] - _slope(cost, path[-1]))
        path_ax.plot(sigmoid(np.array(path)), **look)
    label(cost_ax, "the cost, label 1", "logit z", "cost")
    label(slope_ax, "how steep the cost is", "logit z", "|d cost / dz|")
    label(path_ax, f"descent from z = {start:g}, rate 1", "step", "σ(z), should become 1")
    cost_ax.legend()
    show()


def plot_xor(mlp_forward, relu, params):
    """The two-layer network's answer over the input plane, and the four corners in hidden space."""
    inputs, hidden_ax = panels(2, height=4.0)
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
        hidden_ax.annotate(
            " and ".join(names), place, (6, 8), textcoords="offset points", fontsize=9
        )
    hidden_ax.legend(loc="upper left")
    show()


def plot_perceptron(perceptron_fit, X, y, epochs):
    """The clouds and your line after each number of epochs; misread points are ringed."""
    axes = panels(len(epochs), height=2.9, sharex=True, sharey=True)
    for ax, max_epochs in zip(axes, epochs):
        w, b, mistakes = perceptron_fit(X, y, max_epochs)
        _points(ax, X, y, f"epoch {len(mistakes)}: {mistakes[-1]} updates", xlim=(-1.15, 1.15))
        ax.scatter(
            *X[np.sign(X @ w + b) != y].T, s=130, facecolors="none", edgecolors="black", zorder=4
        )
        _line(ax, w, b, color="black")
    show()


def plot_novikoff(perceptron_fit, margins=(0.4, 0.2, 0.1, 0.05, 0.025), seeds=12):
    """Total mistakes against the bound (R / margin) squared, one mark for each data set."""
    (ax,) = panels(1, height=4.0)
    for margin, colour, marker in zip(margins, [BLUE, ORANGE, GREEN, RED, PINK], "osD^v"):
        found = []
        for seed in range(seeds):
            X, y, u = clouds(margin, seed=seed)
            R, gamma = np.sqrt((appended(X) ** 2).sum(axis=1)).max(), (y * (appended(X) @ u)).min()
            found.append(((R / gamma) ** 2, max(1, sum(perceptron_fit(X, y, 2000)[2]))))
        ax.scatter(*np.array(found).T, c=colour, marker=marker, s=30, label=f"margin ≥ {margin}")
    ax.plot([5, 9000], [5, 9000], color="black", label="mistakes = bound")
    label(
        ax,
        "mistakes and their bound",
        "bound $(R/\\gamma)^2$",
        "mistakes in all",
        xscale="log",
        yscale="log",
    )
    ax.legend()
    show()


def plot_limits(perceptron_fit, mlp_forward, relu, params, epochs=30):
    """The perceptron on XOR's corners as they are, and on the hidden layer's view of them."""
    hidden = relu(mlp_forward(XOR_X, {"W1": params["W1"], "b1": params["b1"]}))  # (4, 2)
    counts, before, after = panels(3, height=3.5)
    views = [("inputs", XOR_X, before, RED, "o-"), ("hidden values", hidden, after, BLUE, "s--")]
    for name, X, ax, colour, style in views:
        w, b, mistakes = perceptron_fit(X, XOR_Y, epochs)
        counts.plot(
            range(1, len(mistakes) + 1), mistakes, style, color=colour, ms=4, label=f"on the {name}"
        )
        _points(
            ax,
            X,
            XOR_Y,
            f"on the {name}, epoch {len(mistakes)}",
            xlim=(-0.6, 2.6),
            ylim=(-0.9, 1.6),
        )
        _line(ax, w, b, color="black")
    after.set(xlabel="$h_1$", ylabel="$h_2$")
    label(counts, "mistakes on XOR's four corners", "epoch", "mistakes", ylim=(-0.2, 5.2))
    counts.legend(loc="upper right")
    show()


def plot_training(fit, linear_forward, cross_entropy, counts, lr=1.0):
    """Cross-entropy on both parts of the digits after each number of steps, the first of them 0."""
    X, labels, X_test, labels_test = digits()
    curves = [[cross_entropy(np.zeros((len(t), 10)), t)] for t in (labels, labels_test)]
    for steps in counts:
        W, b = fit(X, labels, 10, lr, steps)
        for curve, A, t in zip(curves, (X, X_test), (labels, labels_test)):
            curve.append(cross_entropy(linear_forward(A, W, b), t))
    (ax,) = panels(1, height=3.4)
    for curve, name, colour, style in zip(curves, ("training", "test"), (BLUE, RED), ("o-", "s--")):
        ax.plot(
            [0, *counts],
            curve,
            style,
            color=colour,
            label=f"{name}: {curve[-1]:.3f} at the end",
            ms=5,
        )
    ax.axhline(np.log(10), color=GREY, ls=":", label="ln 10 = 2.303: ten equal guesses")
    label(ax, "softmax regression on the digits", "steps (logarithmic)", "loss, nats")
    ax.set(
        xscale="symlog",
        xlim=(-0.1, None),
        ylim=(0, 2.6),
        xticks=[0, *counts],
        xticklabels=[0, *counts],
    )
    ax.legend()
    show()


def plot_templates(W):
    """The columns of W (64, 10) as 8 x 8 images on one scale."""
    axes = panels(5, 2, height=4.2)
    for k, ax in enumerate(axes):
        image = ax.imshow(W[:, k].reshape(8, 8), cmap="PuOr", vmin=-abs(W).max(), vmax=abs(W).max())
        ax.set(title=f"class {k}", xticks=[0, 7], yticks=[0, 7])
    axes[5].set(xlabel="pixel column", ylabel="pixel row")
    axes[0].figure.colorbar(image, ax=list(axes), label="weight", shrink=0.8)
    show()


def plot_confusion(labels, predicted, images):
    """Counts of (true, predicted) pairs, and the first misread images (N, 64)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predicted), 1)
    table, gallery = panels(2, height=4.6)
    table.imshow(np.sqrt(counts), cmap="Blues")
    for i, j in zip(*np.nonzero(counts)):
        table.text(
            j, i, counts[i, j], ha="center", va="center", color="white" if i == j else "black"
        )
    label(
        table,
        "how each test digit was read",
        "predicted",
        "true",
        xticks=range(10),
        yticks=range(10),
    )
    for place, i in enumerate(np.flatnonzero(labels != predicted)[:12]):
        left, top = 10 * (place % 4), 12 * (place // 4)
        gallery.imshow(
            images[i].reshape(8, 8), cmap="gray_r", extent=(left, left + 8, top + 8, top)
        )
        gallery.text(left + 4, top - 0.5, f"{labels[i]} → {predicted[i]}", ha="center")
    gallery.set(
        title="misread: true → predicted", xlim=(-1, 39), ylim=(33, -3), xticks=[], yticks=[]
    )
    show()
