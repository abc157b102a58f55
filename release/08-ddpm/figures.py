"""Figures of 08-ddpm; they draw what your own functions return."""

import numpy as np
from given import moons, ring, signed_images

from autograder.lesson import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    differences,
    digits,
    image,
    panels,
    pytorch,
    show,
)


def compare_with_torch(f):
    """Compare the learner's functions, a dict by name, with PyTorch in float64."""
    if not (torch := pytorch()):
        return
    F = torch.nn.functional
    r = np.random.RandomState(1)
    shapes = {"W1": (4, 2, 3, 3), "b1": 4, "W2": (5, 4, 3, 3), "b2": 5, "Wt": (3, 5), "bt": 5}
    shapes |= {"W3": (6, 9, 3, 3), "b3": 6, "W4": (2, 6, 3, 3), "b4": 2}
    params, (x, dy) = (
        {k: r.normal(size=s) for k, s in shapes.items()},
        r.normal(size=(2, 3, 2, 8, 8)),
    )
    t_emb, e = r.normal(size=(3, 3)), r.normal(size=(3, 2, 8, 8))
    p = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    tx, te, guess = torch.tensor(x), torch.tensor(t_emb), torch.tensor(e, requires_grad=True)
    h1 = F.relu(F.conv2d(tx, p["W1"], p["b1"], padding=1))
    shift = (te @ p["Wt"] + p["bt"])[:, :, None, None]
    h2 = F.relu(F.conv2d(F.avg_pool2d(h1, 2), p["W2"], p["b2"], padding=1) + shift)
    both = torch.cat([F.interpolate(h2, scale_factor=2), h1], dim=1)
    y = F.conv2d(F.relu(F.conv2d(both, p["W3"], p["b3"], padding=1)), p["W4"], p["b4"], padding=1)
    y.backward(torch.tensor(dy))
    loss = F.mse_loss(guess, torch.tensor(dy))
    loss.backward()
    grads, mine = f["unet_backward"](dy, params, x, t_emb), f["denoising_loss"](e, dy)
    differences(
        {
            "unet_forward": ([f["unet_forward"](params, x, t_emb)], [y]),
            "denoising_loss": ([mine[0]], [loss]),
            "its gradient": ([mine[1]], [guess.grad]),
            "unet_backward": ([grads[k] for k in p], [p[k].grad for k in p]),
        }
    )


def scatter(ax, points, title, colour=BLUE, **more):
    """Points (n, 2) on these axes."""
    ax.scatter(*np.asarray(points).T, s=3, color=colour, alpha=0.6, **more)
    ax.set(
        title=title,
        xlim=(-2.6, 2.6),
        ylim=(-2.6, 2.6),
        aspect="equal",
        xticks=[-2, 0, 2],
        yticks=[-2, 0, 2],
    )


def digit(ax, pixels, title=""):
    """A digit, 64 pixels in [-1, 1] of any shape, on these axes."""
    image(ax, np.reshape(pixels, (8, 8)), title, cmap="gray_r", vmin=-1, vmax=1)


def plot_points(clouds, colours=(GREY, BLUE, ORANGE, GREEN, RED)):
    """A panel of points for each name."""
    for ax, (name, points), colour in zip(
        panels(len(clouds), height=3.0, sharey=True), clouds.items(), colours
    ):
        scatter(ax, points, name, colour)
    show()


def plot_images(rows, titles=None, height=None):
    """Rows of digits (name -> images), a title above each image where there is one."""
    columns = max(map(len, rows.values()))
    axes = panels(columns, len(rows), height or 0.75 * len(rows) + 0.5)
    for line, (name, images) in zip(axes.reshape(-1, columns), rows.items()):
        for k, ax in enumerate(line):
            if k < len(images):
                digit(ax, images[k], (titles or {}).get(name, [""] * len(images))[k])
            else:
                ax.axis("off")
        line[0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    show()


def plot_opening():
    """Above real digits and noise; below points of the ring and of a normal distribution."""
    rng = np.random.default_rng(0)
    plot_images({"digits": signed_images(digits()[0][:12]), "noise": rng.normal(size=(12, 64))})
    plot_points(
        {"moons": moons(1500, rng), "ring": ring(1500, rng), "noise": rng.normal(size=(1500, 2))}
    )
