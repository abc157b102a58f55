"""Figures of 05-cnn; they draw what your own functions return."""

import numpy as np
from given import framed_digits, moved, photo

from autograder.lesson import (
    BLUE,
    GREY,
    LIGHT,
    ORANGE,
    RED,
    differences,
    image,
    numbers,
    panels,
    pytorch,
    show,
)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch in float64: forward, and
    gradients.
    """
    if not (torch := pytorch()):
        return
    F = torch.nn.functional
    rng = np.random.RandomState(1)
    x, W, b = rng.normal(size=(3, 2, 9, 12)), rng.normal(size=(5, 2, 4, 3)), rng.normal(size=5)
    s, V = rng.normal(size=(3, 2, 11)), rng.normal(size=(5, 2, 3))
    t = [torch.tensor(a, requires_grad=True) for a in (x, W, b)]
    y = F.conv2d(*t, stride=2, padding=1)
    dy = rng.normal(size=y.shape)
    y.backward(torch.tensor(dy))
    pairs = {
        "conv2d_forward": ([f["conv2d_forward"](x, W, b, 2, 1)], [y]),
        "conv2d_fast": ([f["conv2d_fast"](x, W, b, 2, 1)], [y]),
        "conv2d_backward": (f["conv2d_backward"](dy, x, W, 2, 1), [a.grad for a in t]),
        "causal_conv1d": (
            [f["causal_conv1d"](s, V, b, 2)],
            [F.conv1d(F.pad(torch.tensor(s), (4, 0)), torch.tensor(V), t[2], dilation=2)],
        ),
    }
    for name, theirs in (("maxpool2d", F.max_pool2d), ("avgpool2d", F.avg_pool2d)):
        u = torch.tensor(x, requires_grad=True)
        y = theirs(u, 3, 2)
        dy = rng.normal(size=y.shape)
        y.backward(torch.tensor(dy))
        pairs[name] = (
            (f[f"{name}_forward"](x, 3, 2), f[f"{name}_backward"](dy, x, 3, 2)),
            (y, u.grad),
        )
    differences(pairs)


def plot_opening():
    """A digit and the same digit moved by a pixel; and the weights of three layers that could look
    at a photograph.
    """
    X, labels, _, _ = framed_digits()
    eight = X[np.flatnonzero(labels == 8)[0]]
    one, two, gap, bars = panels(4, height=2.6, width_ratios=[1, 1, 1, 1.7])
    here, there = moved(eight[None], 9, (0, 0))[0, 0], moved(eight[None], 9, (1, 1))[0, 0]
    image(one, here, "an eight")
    image(two, there, "one pixel down and right")
    image(gap, there - here, "their difference", cmap="PuOr_r")
    counts = {
        "linear, 224 x 224 pixels": 16 * 50176**2,
        "linear, 28 x 28 pixels": 16 * 784**2,
        "16 kernels of 3 x 3": 144,
    }
    bars.barh(list(counts), list(counts.values()), color=[RED, ORANGE, BLUE], log=True)
    for i, count in enumerate(counts.values()):
        bars.text(
            count * 1.5, i, f"{count:,}" if count < 1e9 else f"{count:.0e}", va="center", fontsize=8
        )
    bars.set(xlim=(10, 1e15))
    bars.set_title("weights for 16 maps of features", fontsize=9)
    bars.tick_params(labelsize=8)
    show()


def plot_places(
    output_size, cases=((7, 3, 1, 0, 1), (8, 3, 2, 0, 1), (7, 3, 2, 1, 1), (7, 3, 1, 0, 2))
):
    """The places of a kernel on a line; dots are taps, hollow squares are padding."""
    for ax, (n, kernel, stride, padding, dilation) in zip(panels(len(cases), height=2.4), cases):
        for i in range(-padding, n + padding):
            ax.plot(i, 0, "s", ms=9, mfc=LIGHT if 0 <= i < n else "white", mec=GREY)
        count = int(output_size(n, kernel, stride, padding, dilation))
        for k in range(count):
            taps = -padding + k * stride + dilation * np.arange(kernel)
            ax.plot(taps, 0 * taps - k - 1, "o-", color=BLUE, ms=5)
        text = f"n {n}, kernel {kernel}, stride {stride}\npadding {padding}, dilation {dilation}: yours {count}"
        ax.set_title(text, fontsize=8)
        ax.set(xlim=(-1.7, 8.7), ylim=(-6.2, 0.7))
        ax.axis("off")
    show()


def plot_photo(conv2d_forward, kernels):
    """A photograph, and what your convolution makes of it with each kernel (a dict by name)."""
    x = photo()[None, None]
    W = np.array(list(kernels.values()), float)[:, None]
    maps = conv2d_forward(x, W, np.zeros(len(W)), 1, 1)[0, :, 1:-1, 1:-1]
    axes = panels(3, 2, height=4.8)
    image(axes[0], x[0, 0], "the photograph")
    for ax, name, kernel, values in zip(axes[1:], kernels, W, maps):
        most = np.percentile(np.abs(values), 99.5)
        look = (
            {"vmin": 0, "vmax": 1}
            if kernel.sum() > 0.5
            else {"cmap": "PuOr_r", "vmin": -most, "vmax": most}
        )
        image(ax, values, name, **look)
    show()


def plot_im2col(im2col):
    """An image of 3 x 4 and its windows of 2 x 2, as your im2col stacks them; equal colours are
    equal pixels.
    """
    x = np.arange(1.0, 13).reshape(1, 1, 3, 4)
    left, right = panels(2, height=2.8, width_ratios=[1.2, 1])
    for ax, values, title in (
        (left, x[0, 0], "the image"),
        (right, im2col(x, 2, 2), "a row for each window"),
    ):
        image(ax, values, title, cmap="viridis", vmin=-2, vmax=16, alpha=0.6, aspect="auto")
        numbers(ax, values)
    show()


def plot_covered(col2im, kernel=3):
    """col2im of ones: in how many windows each pixel of an image of 8 x 8 lies, for three
    strides.
    """
    for ax, stride in zip(panels(3, height=3.0), (1, 2, 3)):
        places = (8 - kernel) // stride + 1
        values = col2im(np.ones((places**2, kernel**2)), (1, 1, 8, 8), kernel, kernel, stride)[0, 0]
        image(
            ax,
            values,
            f"kernel {kernel} x {kernel}, stride {stride}",
            cmap="Blues",
            vmin=0,
            vmax=14,
        )
        numbers(ax, values)
    show()


def plot_pools(pools, size=8):
    """A photograph, pooled by each function of the dict."""
    x = photo("flower.jpg", 3)[None, None]
    axes = panels(1 + len(pools), height=2.6)
    image(axes[0], x[0, 0], f"{x.shape[2]} x {x.shape[3]} pixels")
    for ax, (name, pool) in zip(axes[1:], pools.items()):
        y = pool(x, size, size)[0, 0]
        image(ax, y, f"{name}, {y.shape[0]} x {y.shape[1]}")
    show()


def plot_tree(dilations=(1, 2, 4, 8), steps=17):
    """Which steps the last output of a tower of causal layers with two taps is made of."""
    (ax,) = panels(1, height=3.0)
    for level in range(len(dilations) + 1):
        ax.plot(np.arange(steps), np.full(steps, level), "o", color=LIGHT, ms=6)
    needed = {steps - 1}
    for level, dilation in reversed(list(enumerate(dilations))):
        below = {(t, t - tap) for t in needed for tap in (0, dilation)}
        for t, s in below:
            ax.plot([t, s], [level + 1, level], color=BLUE, lw=1)
        needed = {s for _, s in below}
        ax.plot(sorted(needed), np.full(len(needed), level), "o", color=BLUE, ms=6)
    ax.plot(steps - 1, len(dilations), "o", color=RED, ms=8)
    ax.set_yticks(range(len(dilations) + 1), ["input", *(f"dilation {d}" for d in dilations)])
    ax.set(
        title=f"one output, {len(needed)} steps of the input, {len(dilations)} layers of two taps",
        xlabel="step",
    )
    show()


def plot_reach(causal_conv1d, towers, steps=20):
    """How strongly the last output of a tower of causal layers, its taps all 1/2, depends on each
    step of the input.
    """
    for ax, (name, dilations) in zip(panels(len(towers), height=2.6, sharex=True), towers.items()):
        x = np.eye(steps)[:, None]  # one sequence for each click
        for dilation in dilations:
            x = causal_conv1d(x, np.full((1, 1, 2), 0.5), np.zeros(1), dilation)
        ax.bar(np.arange(steps) - steps + 1, x[:, 0, -1], color=BLUE)
        ax.set_title(f"{name}: {np.count_nonzero(x[:, 0, -1])} steps", fontsize=9)
        ax.set_xlabel("steps before the present")
    show()


def plot_rows(top, bottom, titles, signed=(False, False)):
    """Two rows of images (n, H, W), each row on one scale, a title above each column."""
    axes = panels(len(top), 2, height=2.9)
    for row, images in enumerate((top, bottom)):
        most = np.abs(images).max() or 1.0
        for k, values in enumerate(images):
            look = (
                {"cmap": "PuOr_r", "vmin": -most, "vmax": most}
                if signed[row]
                else {"vmin": 0, "vmax": most}
            )
            image(axes[row * len(top) + k], values, "" if row else titles[k], **look)
    show()


def plot_shifts(rows, shifts):
    """Test accuracy by the shift of the test images, for each model (a dict of lists by name)."""
    (ax,) = panels(1, height=3.2)
    for (name, values), colour, style in zip(
        rows.items(), (ORANGE, BLUE, ORANGE, BLUE), ("s-", "o-", "s:", "o:")
    ):
        ax.plot(shifts, values, style, color=colour, label=name)
    ax.set(
        title="moved digits",
        xlabel="pixels to the right",
        ylabel="test accuracy",
        xticks=shifts,
        ylim=(0, 1.03),
    )
    ax.legend(fontsize=8, loc="lower center")
    show()
