"""Figures of 02-backprop; they draw what your own functions return."""

import numpy as np
from given import mlp_forward, random_params, rings, softmax

from autograder.lesson import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    differences,
    digits,
    label,
    numbers,
    panels,
    pytorch,
    show,
)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch's automatic gradients in
    float64.
    """
    if not (torch := pytorch()):
        return
    F = torch.nn.functional
    rng = np.random.RandomState(1)
    x, W, z, dp = (rng.normal(size=shape) for shape in [(5, 3), (3, 4), (5, 4), (5, 4)])
    t = torch.tensor(labels := rng.randint(0, 4, 5).astype(np.int64))

    def theirs(g, *arrays, upstream=None):
        tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
        y = g(*tensors)
        y.backward(torch.ones_like(y) if upstream is None else torch.tensor(upstream))
        return [t.grad.numpy() for t in tensors]

    p = F.softmax(torch.tensor(z), dim=1).numpy()
    pairs = {
        "linear_backward": (
            f["linear_backward"](dp, x, W)[:2],
            theirs(torch.matmul, x, W, upstream=dp),
        ),
        "relu_backward": ([f["relu_backward"](dp, z)], theirs(F.relu, z, upstream=dp)),
        "sigmoid_backward": (
            [f["sigmoid_backward"](dp, 1 / (1 + np.exp(-z)))],
            theirs(torch.sigmoid, z, upstream=dp),
        ),
        "tanh_backward": ([f["tanh_backward"](dp, np.tanh(z))], theirs(torch.tanh, z, upstream=dp)),
        "gelu_backward": ([f["gelu_backward"](dp, z)], theirs(F.gelu, z, upstream=dp)),
        "softmax_backward": (
            [f["softmax_backward"](dp, p)],
            theirs(lambda z: F.softmax(z, dim=1), z, upstream=dp),
        ),
    }
    fused = [f["softmax_cross_entropy"](z, labels)[1]]
    pairs["softmax_cross_entropy"] = fused, theirs(lambda z: F.cross_entropy(z, t), z)
    params = random_params([3, 6, 5, 4], seed=2)

    def loss(*tensors):
        h = torch.tensor(x)
        for i in range(0, len(tensors), 2):
            h = (F.relu(h) if i else h) @ tensors[i] + tensors[i + 1]
        return F.cross_entropy(h, t)

    grads = f["mlp_loss_and_gradients"](params, x, labels)[1]
    pairs["mlp_loss_and_gradients"] = (
        [grads[name] for name in params],
        theirs(loss, *params.values()),
    )
    differences(pairs)


def _clouds(ax, X, labels, **more):
    for k, colour, marker in zip(range(3), (BLUE, ORANGE, GREEN), "os^"):
        ax.scatter(
            *X[labels == k].T,
            c=colour,
            marker=marker,
            s=14,
            ec="white",
            lw=0.3,
            label=f"class {k}",
            **more,
        )


def plot_opening():
    """Three rings that no line parts, and what a gradient costs when it is measured weight by
    weight.
    """
    left, right = panels(2, height=3.6)
    _clouds(left, *rings())
    label(left, "three rings: no line parts them", "$x_1$", "$x_2$", aspect="equal")
    P = np.logspace(1, 9, 50)
    right.loglog(P, 2 * P, color=RED, lw=2, label="measured: 2 runs for each weight")
    right.loglog(
        P, 3 + 0 * P, color=BLUE, lw=2, ls="--", label="backpropagation: about 3 runs' work"
    )
    for weights, name in [(2410, "lesson 2"), (1.1e8, "a small language model")]:
        right.axvline(weights, color=GREY, ls=":", lw=1)
        right.text(weights * 1.3, 12, name, fontsize=8, color=GREY, rotation=90)
    label(
        right,
        "the price of one gradient",
        "weights in the network",
        "runs of the network",
        ylim=(1, 4e9),
    )
    right.legend(fontsize=8, loc="upper left")
    show()


def plot_step_sizes(numerical_gradient):
    """How far the measured slope of exp(sin x) at x = 1 is off, for step sizes from 1e-1 to
    1e-13.
    """
    steps = np.logspace(-1, -13, 37)
    x, right = np.array([1.0]), np.exp(np.sin(1.0)) * np.cos(1.0)

    def f(x):
        return float(np.exp(np.sin(x[0])))

    central = [abs(numerical_gradient(f, x, h)[0] - right) / right for h in steps]
    one_sided = [abs((f(x + h) - f(x)) / h - right) / right for h in steps]
    (ax,) = panels(1, height=3.4)
    ax.loglog(steps, one_sided, "s--", color=RED, ms=4, label="one side")
    ax.loglog(steps, np.maximum(central, 1e-16), "o-", color=BLUE, ms=4, label="yours: both sides")
    ax.axvline(1e-5, color=GREY, ls=":", label="1e-5")
    label(
        ax,
        "the step: too large bends, too small rounds",
        "step",
        "relative error of the slope",
        xlim=(0.2, 5e-14),
    )
    ax.legend()
    show()


def plot_graph():
    """The graph of c = a b, d = c + a, e = d c at a = 2, b = 3: values above, slopes of e below."""
    (ax,) = panels(1, height=3.0)
    places = {"a": (0, 1), "b": (0, 0), "c": (1.5, 0.25), "d": (3, 1), "e": (4.5, 0.5)}
    texts = {
        "a": ("a = 2", "48"),
        "b": ("b = 3", "28"),
        "c": ("c = a·b = 6", "14"),
        "d": ("d = c+a = 8", "6"),
    }
    texts["e"] = ("e = d·c = 48", "1")
    edges = [
        ("a", "c", "b = 3"),
        ("b", "c", "a = 2"),
        ("c", "d", "1"),
        ("a", "d", "1"),
        ("d", "e", "c = 6"),
    ]
    for start, end, slope in [*edges, ("c", "e", "d = 8")]:
        (x0, y0), (x1, y1) = places[start], places[end]
        style = {"arrowstyle": "->", "color": GREY, "shrinkA": 34, "shrinkB": 40}
        ax.annotate("", (x1, y1), (x0, y0), arrowprops=style)
        ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.07, slope, color=GREY, fontsize=9, ha="center")
    for name, (x, y) in places.items():
        value, slope = texts[name]
        ax.text(x, y + 0.05, value, color=BLUE, ha="center", va="bottom", weight="bold")
        ax.text(x, y - 0.02, f"slope {slope}", color=RED, ha="center", va="top")
    ax.set(
        xlim=(-0.6, 5.2),
        ylim=(-0.3, 1.35),
        title="values go right (blue), slopes of e come back (red)",
    )
    ax.axis("off")
    show()


def plot_xor(answer, losses):
    """The loss of the little network, and its answer over the input plane; `answer(x1, x2)` is a
    number.
    """
    curve, plane = panels(2, height=3.6)
    curve.semilogy(losses, color=BLUE)
    label(curve, "exclusive or, learnt by Values", "step", "mean squared error")
    side = np.linspace(-0.4, 1.4, 31)
    surface = np.array([[answer(float(u), float(v)) for u in side] for v in side])
    filled = plane.contourf(
        side, side, surface, levels=np.linspace(-1, 1, 11), cmap="PuOr", extend="both"
    )
    plane.scatter([0, 1], [1, 0], c=BLUE, marker="o", s=70, ec="black", zorder=3)
    plane.scatter([0, 1], [0, 1], c=ORANGE, marker="s", s=70, ec="black", zorder=3)
    plane.figure.colorbar(filled, ax=plane, label="answer")
    label(plane, "its answer: circles +1, squares -1", "$x_1$", "$x_2$", aspect="equal")
    show()


def plot_slopes(pairs):
    """For each (name, forward, slope): the slope that you return for dy = 1, and the measured one
    in dots.
    """
    axes = panels(len(pairs), height=2.8)
    z = np.linspace(-4, 4, 200)
    for ax, (name, forward, slope) in zip(axes, pairs):
        ax.plot(z, slope(z), color=BLUE, lw=2, label="yours")
        ax.plot(
            z[::10],
            (forward(z + 1e-5) - forward(z - 1e-5))[::10] / 2e-5,
            "o",
            color=RED,
            ms=4,
            label="measured",
        )
        label(ax, name, "z", "slope" if ax is axes[0] else "", ylim=(-0.25, 1.25))
    axes[1].legend(fontsize=8, loc="upper center")
    show()


def plot_jacobian(softmax_backward, scores):
    """The Jacobian dp_j / dz_i of softmax, one row for each unit upstream gradient, beside its
    diagonal.
    """
    p = softmax(np.array([scores]))
    C = p.shape[1]
    J = np.array([softmax_backward(np.eye(C)[[j]], p)[0] for j in range(C)])
    for ax, title, shown in zip(
        panels(2, height=3.4), ["yours", "the diagonal alone"], [J, np.diag(np.diag(J))]
    ):
        image = ax.imshow(shown, cmap="PuOr", vmin=-0.25, vmax=0.25)
        numbers(ax, shown, "{:.2f}", white_above=0.15)
        label(ax, title, "score $z_i$", "probability $p_j$", xticks=range(C), yticks=range(C))
    ax.figure.colorbar(image, ax=ax.figure.axes, label="$\\partial p_j/\\partial z_i$")
    show()


def plot_flow(starts, mlp_loss_and_gradients, depth=30, width=100):
    """Signals and gradients through a deep ReLU network on digits, for several ways to draw its
    weights.
    """
    X, labels = (part[:200] for part in digits()[:2])
    forward, back = panels(2, height=3.6)
    for (name, draw), colour, marker in zip(starts.items(), (BLUE, ORANGE, GREEN, RED), "os^v"):
        rng = np.random.default_rng(0)
        sizes = [64] + [width] * (depth - 1) + [10]
        params = {f"W{i}": draw(sizes[i - 1], sizes[i], rng) for i in range(1, depth + 1)}
        params |= {f"b{i}": np.zeros(sizes[i]) for i in range(1, depth + 1)}
        signal = [np.mean(np.maximum(z, 0) ** 2) for z in mlp_forward(params, X)[:-1]]
        grads = mlp_loss_and_gradients(params, X, labels)[1]
        norms = [np.sqrt((grads[f"W{i}"] ** 2).sum()) for i in range(1, depth + 1)]
        look = {"color": colour, "marker": marker, "ms": 3, "lw": 1.2, "label": name}
        forward.semilogy(range(1, depth), signal, **look)
        back.semilogy(range(1, depth + 1), norms, **look)
    label(forward, "forward: what comes out of each layer", "layer", "mean square of its output")
    label(back, "backward: the gradient of each layer", "layer", "norm of the gradient of W")
    forward.legend(fontsize=8)
    show()


def plot_training(train_mlp, loss_of, counts=(1, 2, 5, 10, 20, 50, 100)):
    """Loss on both parts of the digits after each number of epochs; `loss_of(params, X, labels)` is
    a number.
    """
    X, labels, X_test, labels_test = digits()
    curves = {"training": [], "test": []}
    for epochs in counts:
        params = train_mlp(X, labels, 10, 32, 0.05, epochs, 32, np.random.default_rng(0))
        curves["training"].append(loss_of(params, X, labels))
        curves["test"].append(loss_of(params, X_test, labels_test))
    (ax,) = panels(1, height=3.4)
    for (name, curve), colour, style in zip(curves.items(), (BLUE, RED), ("o-", "s--")):
        ax.loglog(
            counts, curve, style, color=colour, ms=5, label=f"{name}: {curve[-1]:.3f} at the end"
        )
    ax.axhline(np.log(10), color=GREY, ls=":", label="ln 10: ten equal guesses")
    label(ax, "a network of 32 hidden neurons on the digits", "epochs", "loss, nats")
    ax.set_xticks(counts, [str(c) for c in counts])
    ax.minorticks_off()
    ax.legend()
    show()


def plot_regions(train_mlp, predict, epochs=(1, 5, 20, 60)):
    """What the network says over the plane after each number of epochs on the rings."""
    X, labels = rings()
    side = np.linspace(-2, 2, 121)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for ax, count in zip(panels(len(epochs), height=2.8, sharey=True), epochs):
        params = train_mlp(X, labels, 3, 32, 0.2, count, 20, np.random.default_rng(1))
        says, right = (np.asarray(predict(params, part)) for part in (grid, X))
        ax.contourf(
            side,
            side,
            says.reshape(121, 121),
            levels=[-0.5, 0.5, 1.5, 2.5],
            colors=[BLUE, ORANGE, GREEN],
            alpha=0.25,
        )
        _clouds(ax, X, labels, alpha=0.8)
        label(
            ax, f"epoch {count}: {np.mean(right == labels):.2f} right", "$x_1$", "", aspect="equal"
        )
    show()


def plot_detectors(W1):
    """The first 20 columns of W1 (64, hidden) as 8 x 8 images on one scale."""
    axes = panels(10, 2, height=2.4)
    for k, ax in enumerate(axes):
        image = ax.imshow(
            W1[:, k].reshape(8, 8), cmap="PuOr", vmin=-abs(W1).max(), vmax=abs(W1).max()
        )
        ax.set(title=f"{k}", xticks=[], yticks=[])
    axes[0].figure.colorbar(image, ax=list(axes), label="weight", shrink=0.8)
    show()
