"""Claims about the gradients of solutions/cnn.py, each to be proven by central differences and by
PyTorch.
"""

import numpy as np

from autograder.course.proofs import Proof
from solutions.cnn import reference as cnn


def convolutions(rng):
    """conv2d: stride and padding with a remainder, and gaps between the windows."""
    for stride, padding in [(1, 0), (2, 1), (4, 2)]:
        inputs = {
            "x": rng.normal(size=(2, 3, 6, 7)),
            "W": rng.normal(size=(4, 3, 3, 2)),
            "b": rng.normal(size=4),
        }
        dy = rng.normal(size=cnn.conv2d_forward(**inputs, stride=stride, padding=padding).shape)
        yield Proof(
            name=f"conv2d_backward, stride {stride}, padding {padding}",
            forward=lambda x, W, b, s=stride, p=padding: cnn.conv2d_forward(x, W, b, s, p),
            inputs=inputs,
            upstream=dy,
            gradients=dict(
                zip("xWb", cnn.conv2d_backward(dy, inputs["x"], inputs["W"], stride, padding))
            ),
            torch=lambda torch, x, W, b, s=stride, p=padding: torch.nn.functional.conv2d(
                x, W, b, s, p
            ),
        )


def windows(rng):
    """col2im: the gradient of im2col."""
    x = rng.normal(size=(2, 3, 6, 7))
    c = rng.normal(size=cnn.im2col(x, 3, 2, 2, 1).shape)

    def unfolded(torch, x):
        columns = torch.nn.functional.unfold(x, (3, 2), padding=1, stride=2)  # (N, C kH kW, H' W')
        return columns.transpose(1, 2).reshape(-1, 18)

    dx = cnn.col2im(c, x.shape, 3, 2, 2, 1)
    yield Proof("col2im", lambda x: cnn.im2col(x, 3, 2, 2, 1), {"x": x}, c, {"x": dx}, unfolded)


def pools(rng):
    """Pooling with windows that overlap, and that leave gaps and a remainder; no two pixels are
    close.
    """
    x = rng.permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7) / 10
    for size, stride in [(2, 2), (3, 1), (2, 3)]:
        for kind, theirs in (("max", "max_pool2d"), ("avg", "avg_pool2d")):
            forward, backward = (
                getattr(cnn, f"{kind}pool2d_{way}") for way in ("forward", "backward")
            )
            dy = rng.normal(size=forward(x, size, stride).shape)
            yield Proof(
                name=f"{kind}pool2d_backward, size {size}, stride {stride}",
                forward=lambda x, f=forward, m=size, s=stride: f(x, m, s),
                inputs={"x": x},
                upstream=dy,
                gradients={"x": backward(dy, x, size, stride)},
                torch=lambda torch, x, f=theirs, m=size, s=stride: getattr(torch.nn.functional, f)(
                    x, m, s
                ),
            )


def network(rng):
    """The little network, every tensor an input; odd sizes."""
    x, labels = rng.normal(size=(5, 2, 5, 6)), rng.permutation(np.arange(5) % 3)
    sizes = {"W1": (4, 2, 3, 3), "b1": (4,), "W2": (24, 3), "b2": (3,)}
    params = {name: rng.normal(size=size) for name, size in sizes.items()}

    def theirs(torch, W1, b1, W2, b2):
        f = torch.nn.functional
        h = f.max_pool2d(torch.relu(f.conv2d(torch.tensor(x), W1, b1, padding=1)), 2)
        return f.cross_entropy(h.flatten(1) @ W2 + b2, torch.tensor(labels))

    yield Proof(
        name="cnn_loss_and_gradients",
        forward=lambda **p: cnn.cnn_loss_and_gradients(p, x, labels)[0],
        inputs=params,
        upstream=1.0,
        gradients=cnn.cnn_loss_and_gradients(params, x, labels)[1],
        torch=theirs,
    )


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    yield from convolutions(rng)
    yield from windows(rng)
    yield from pools(rng)
    yield from network(rng)
