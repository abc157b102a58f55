"""Data, figures and small tools for 05-cnn; the figures draw what your own functions return."""

import numpy as np

BLUE, ORANGE, RED, GREY = "#0072B2", "#E69F00", "#D55E00", "#666666"


def beside(got, expected, name="value"):
    """Print your value beside the expected one, row by row, with a mark for each row."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind not in "biuf" or got.shape != expected.shape:
        print(
            f"✗ {name}: yours has type {got.dtype}, shape {got.shape}; expected shape "
            f"{expected.shape}"
        )
        return
    while got.ndim > 2 and len(got) == 1:  # the axes of one image and one channel
        got, expected = got[0], expected[0]
    rows = [(np.ravel(g), np.ravel(e)) for g, e in zip(np.atleast_1d(got), np.atleast_1d(expected))]
    shown = [tuple(" ".join(f"{v:.6g}" for v in side) for side in row) for row in rows]
    width = max(len(name) + 7, *(len(left) for left, _ in shown))
    print(f"  {name + ': yours':<{width}}   expected")
    for (g, e), (left, right) in zip(rows, shown):
        print(
            f"{'✓' if np.allclose(g, e, rtol=1e-6, atol=1e-9) else '✗'} {left:<{width}}   {right}"
        )


def digits(split=0, frame=8):
    """Scanned digits in [0, 1], X (1347, 1, 8, 8), labels, 450 for testing; placed at random in a
    larger frame.
    """
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    rng = np.random.RandomState(split)
    train, test = np.split(rng.permutation(len(X)), [1347])
    images = moved(X.reshape(-1, 1, 8, 8) / 16, frame, rng.randint(0, frame - 7, size=(len(X), 2)))
    return images[train], labels[train], images[test], labels[test]


def moved(images, frame, corners):
    """Each image (1, 8, 8) laid into a black frame with its upper left pixel at its corner (row,
    column).
    """
    out = np.zeros((len(images), 1, frame, frame))
    for place, image, (i, j) in zip(out, images, np.broadcast_to(corners, (len(images), 2))):
        place[:, i : i + 8, j : j + 8] = image
    return out


def photo(name="china.jpg", step=4):
    """One of scikit-learn's two photographs in grey, pixels in [0, 1], blocks of step x step
    averaged: (H, W).
    """
    from sklearn.datasets import load_sample_image

    grey = load_sample_image(name) @ np.array([0.299, 0.587, 0.114]) / 255
    H, W = (n // step * step for n in grey.shape)
    return grey[:H, :W].reshape(H // step, step, W // step, step).mean(axis=(1, 3))


def softmax_cross_entropy(logits, labels):
    """Lesson 2: the mean loss of scores (N, C), and its gradient (N, C)."""
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    hot = np.equal.outer(np.asarray(labels), np.arange(log_p.shape[1]))
    return float(-log_p[hot].mean()), (np.exp(log_p) - hot) / len(log_p)


def linear_model(X, labels, steps=500):
    """Lesson 1: softmax regression on the pixels, full batch, rate 1. Returns a function images ->
    labels.
    """
    flat = np.column_stack([X.reshape(len(X), -1), np.ones(len(X))])
    W = np.zeros((flat.shape[1], 10))
    for _ in range(steps):
        W -= flat.T @ softmax_cross_entropy(flat @ W, labels)[1]
    return lambda images: (images.reshape(len(images), -1) @ W[:-1] + W[-1]).argmax(axis=1)


def train_deeper(f, X, labels, epochs=6, seed=0):
    """Train conv 8 - ReLU - conv 16 - ReLU - max-pool - linear with the functions in the dict f;
    return its predict.
    """
    rng = np.random.default_rng(seed)
    shapes = {
        "W1": (8, 1, 3, 3),
        "b1": (8,),
        "W2": (16, 8, 3, 3),
        "b2": (16,),
        "W3": (256, 10),
        "b3": (10,),
    }
    inputs = {"W1": 9, "W2": 72, "W3": 256}  # of each output; biases begin at 0
    p = {
        k: rng.normal(size=s) * np.sqrt(2 / inputs[k]) if k in inputs else np.zeros(s)
        for k, s in shapes.items()
    }
    speed = dict.fromkeys(p, 0.0)

    def conv(i):
        W, b = f"W{i}", f"b{i}"

        def back(dy, x):
            dx, dW, db = f["conv2d_backward"](dy, x, p[W], 1, 1)
            return dx, {W: dW, b: db}

        return lambda x: f["conv2d_fast"](x, p[W], p[b], 1, 1), back

    relu = lambda z: np.clip(z, 0, None), lambda dy, z: (np.where(z > 0, dy, 0), {})
    pool = (
        lambda x: f["maxpool2d_forward"](x, 2, 2),
        lambda dy, x: (f["maxpool2d_backward"](dy, x, 2, 2), {}),
    )
    layers = [conv(1), relu, conv(2), relu, pool]  # each a pair, there and back

    def run(x):
        seen = [x]
        for forward, _ in layers:
            seen.append(forward(seen[-1]))
        return seen, seen[-1].reshape(len(x), -1)

    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), len(X) // 32):
            seen, flat = run(X[batch])
            _, d = softmax_cross_entropy(flat @ p["W3"] + p["b3"], labels[batch])
            grads = {"W3": flat.T @ d, "b3": d.sum(axis=0)}
            d = (d @ p["W3"].T).reshape(seen[-1].shape)
            for (_, backward), x in zip(layers[::-1], seen[-2::-1]):
                d, found = backward(d, x)
                grads |= found
            for name, g in grads.items():
                speed[name] = 0.9 * speed[name] + g
                p[name] = p[name] - 0.05 * speed[name]
    return lambda images: (run(images)[1] @ p["W3"] + p["b3"]).argmax(axis=1)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch in float64: forward, and
    gradients.
    """
    try:
        import torch
        from torch.nn import functional as F
    except ImportError:
        print("PyTorch is not installed: skipped")
        return
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
    for name, both in pairs.items():
        print(
            f"{name:<16} largest difference "
            f"{max(np.abs(a - np.array(b.detach())).max() for a, b in zip(*both)):.1e}"
        )


def _panels(columns, rows=1, height=3.2, **options):
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(9.5, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False, **options).ravel()


def _show():
    import matplotlib.pyplot as plt

    plt.show()


def _image(ax, image, title="", **look):
    ax.imshow(image, **({"cmap": "gray"} | look))
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)


def _numbers(ax, values):
    for (i, j), v in np.ndenumerate(values):
        ax.text(j, i, f"{v:g}", ha="center", va="center", fontsize=9)


def plot_opening():
    """A digit and the same digit moved by a pixel; and the weights of three layers that could look
    at a photograph.
    """
    X, labels, _, _ = digits()
    eight = X[np.flatnonzero(labels == 8)[0]]
    one, two, gap, bars = _panels(4, height=2.6, width_ratios=[1, 1, 1, 1.7])
    here, there = moved(eight[None], 9, (0, 0))[0, 0], moved(eight[None], 9, (1, 1))[0, 0]
    _image(one, here, "an eight")
    _image(two, there, "one pixel down and right")
    _image(gap, there - here, "their difference", cmap="PuOr_r")
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
    _show()


def plot_places(
    output_size, cases=((7, 3, 1, 0, 1), (8, 3, 2, 0, 1), (7, 3, 2, 1, 1), (7, 3, 1, 0, 2))
):
    """The places of a kernel on a line; dots are taps, hollow squares are padding."""
    for ax, (n, kernel, stride, padding, dilation) in zip(_panels(len(cases), height=2.4), cases):
        for i in range(-padding, n + padding):
            ax.plot(i, 0, "s", ms=9, mfc="#cccccc" if 0 <= i < n else "white", mec=GREY)
        count = int(output_size(n, kernel, stride, padding, dilation))
        for k in range(count):
            taps = -padding + k * stride + dilation * np.arange(kernel)
            ax.plot(taps, 0 * taps - k - 1, "o-", color=BLUE, ms=5)
        text = f"n {n}, kernel {kernel}, stride {stride}\npadding {padding}, dilation {dilation}: yours {count}"
        ax.set_title(text, fontsize=8)
        ax.set(xlim=(-1.7, 8.7), ylim=(-6.2, 0.7))
        ax.axis("off")
    _show()


def plot_photo(conv2d_forward, kernels):
    """A photograph, and what your convolution makes of it with each kernel (a dict by name)."""
    x = photo()[None, None]
    W = np.array(list(kernels.values()), float)[:, None]
    maps = conv2d_forward(x, W, np.zeros(len(W)), 1, 1)[0, :, 1:-1, 1:-1]
    axes = _panels(3, 2, height=4.8)
    _image(axes[0], x[0, 0], "the photograph")
    for ax, name, kernel, values in zip(axes[1:], kernels, W, maps):
        most = np.percentile(np.abs(values), 99.5)
        look = (
            {"vmin": 0, "vmax": 1}
            if kernel.sum() > 0.5
            else {"cmap": "PuOr_r", "vmin": -most, "vmax": most}
        )
        _image(ax, values, name, **look)
    _show()


def plot_im2col(im2col):
    """An image of 3 x 4 and its windows of 2 x 2, as your im2col stacks them; equal colours are
    equal pixels.
    """
    x = np.arange(1.0, 13).reshape(1, 1, 3, 4)
    left, right = _panels(2, height=2.8, width_ratios=[1.2, 1])
    for ax, values, title in (
        (left, x[0, 0], "the image"),
        (right, im2col(x, 2, 2), "a row for each window"),
    ):
        _image(ax, values, title, cmap="viridis", vmin=-2, vmax=16, alpha=0.6, aspect="auto")
        _numbers(ax, values)
    _show()


def plot_covered(col2im, kernel=3):
    """col2im of ones: in how many windows each pixel of an image of 8 x 8 lies, for three
    strides.
    """
    for ax, stride in zip(_panels(3, height=3.0), (1, 2, 3)):
        places = (8 - kernel) // stride + 1
        values = col2im(np.ones((places**2, kernel**2)), (1, 1, 8, 8), kernel, kernel, stride)[0, 0]
        _image(
            ax,
            values,
            f"kernel {kernel} x {kernel}, stride {stride}",
            cmap="Blues",
            vmin=0,
            vmax=14,
        )
        _numbers(ax, values)
    _show()


def plot_pools(pools, size=8):
    """A photograph, pooled by each function of the dict."""
    x = photo("flower.jpg", 3)[None, None]
    axes = _panels(1 + len(pools), height=2.6)
    _image(axes[0], x[0, 0], f"{x.shape[2]} x {x.shape[3]} pixels")
    for ax, (name, pool) in zip(axes[1:], pools.items()):
        y = pool(x, size, size)[0, 0]
        _image(ax, y, f"{name}, {y.shape[0]} x {y.shape[1]}")
    _show()


def plot_tree(dilations=(1, 2, 4, 8), steps=17):
    """Which steps the last output of a tower of causal layers with two taps is made of."""
    (ax,) = _panels(1, height=3.0)
    for level in range(len(dilations) + 1):
        ax.plot(np.arange(steps), np.full(steps, level), "o", color="#cccccc", ms=6)
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
    _show()


def plot_reach(causal_conv1d, towers, steps=20):
    """How strongly the last output of a tower of causal layers, its taps all 1/2, depends on each
    step of the input.
    """
    for ax, (name, dilations) in zip(_panels(len(towers), height=2.6, sharex=True), towers.items()):
        x = np.eye(steps)[:, None]  # one sequence for each click
        for dilation in dilations:
            x = causal_conv1d(x, np.full((1, 1, 2), 0.5), np.zeros(1), dilation)
        ax.bar(np.arange(steps) - steps + 1, x[:, 0, -1], color=BLUE)
        ax.set_title(f"{name}: {np.count_nonzero(x[:, 0, -1])} steps", fontsize=9)
        ax.set_xlabel("steps before the present")
    _show()


def plot_rows(top, bottom, titles, signed=(False, False)):
    """Two rows of images (n, H, W), each row on one scale, a title above each column."""
    axes = _panels(len(top), 2, height=2.9)
    for row, images in enumerate((top, bottom)):
        most = np.abs(images).max() or 1.0
        for k, image in enumerate(images):
            look = (
                {"cmap": "PuOr_r", "vmin": -most, "vmax": most}
                if signed[row]
                else {"vmin": 0, "vmax": most}
            )
            _image(axes[row * len(top) + k], image, "" if row else titles[k], **look)
    _show()


def plot_shifts(rows, shifts):
    """Test accuracy by the shift of the test images, for each model (a dict of lists by name)."""
    (ax,) = _panels(1, height=3.2)
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
    _show()
