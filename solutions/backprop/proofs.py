"""The gradients of 02-backprop, each against central differences of its forward and against
PyTorch.
"""

import math

import numpy as np

from autograder.course.proofs import Proof
from solutions.backprop.reference import (
    Value,
    gelu_backward,
    linear_backward,
    mlp_loss_and_gradients,
    relu_backward,
    sigmoid_backward,
    softmax_backward,
    softmax_cross_entropy,
    tanh_backward,
)

_erf = np.vectorize(math.erf, otypes=[float])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def expression(a, b, c):
    """All operations of Value in one, for Values as for PyTorch's numbers."""
    d = a * b + (a - 2) / c
    return (
        (d.tanh() * 3 - b**3 + (0.3 * d).exp() + 5).relu() / (1 + c * d * d)
        + (2 - a)
        - (1 / c)
        + (-b)
    )


def value(abc):
    """The expression's result at three numbers."""
    return expression(*(Value(float(v)) for v in abc)).data


def value_slopes(abc):
    """Its three slopes, found by `backward`."""
    leaves = [Value(float(v)) for v in abc]
    expression(*leaves).backward()
    return np.array([leaf.grad for leaf in leaves])


def activations(rng):
    """A claim for each activation, at scores away from relu's kink."""
    z = rng.uniform(0.2, 2, size=(3, 4)) * rng.choice([-1, 1], size=(3, 4))
    dy = rng.normal(size=(3, 4))
    table = {
        "relu": (lambda z: np.maximum(z, 0), relu_backward(dy, z), lambda torch, z: torch.relu(z)),
        "sigmoid": (sigmoid, sigmoid_backward(dy, sigmoid(z)), lambda torch, z: torch.sigmoid(z)),
        "tanh": (
            lambda z: np.tanh(z),
            tanh_backward(dy, np.tanh(z)),
            lambda torch, z: torch.tanh(z),
        ),
        "gelu": (
            lambda z: z * (1 + _erf(z / math.sqrt(2))) / 2,
            gelu_backward(dy, z),
            lambda torch, z: torch.nn.functional.gelu(z),
        ),
    }
    for name, (forward, dz, theirs) in table.items():
        yield Proof(name, forward, {"z": z}, dy, {"z": dz}, theirs)


def network(rng):
    """The claim for a network of three layers, every tensor an input."""
    sizes, x, labels = [3, 6, 5, 4], rng.normal(size=(7, 3)), rng.permutation(np.arange(7) % 4)
    params = {f"W{i}": rng.normal(size=(sizes[i - 1], sizes[i])) for i in (1, 2, 3)}
    params |= {f"b{i}": rng.normal(size=sizes[i]) for i in (1, 2, 3)}

    def theirs(torch, **p):
        h = torch.tensor(x)
        for i in (1, 2, 3):
            h = (torch.relu(h) if i > 1 else h) @ p[f"W{i}"] + p[f"b{i}"]
        return torch.nn.functional.cross_entropy(h, torch.tensor(labels))

    return Proof(
        name="mlp_loss_and_gradients",
        forward=lambda **p: mlp_loss_and_gradients(p, x, labels)[0],
        inputs=params,
        upstream=1.0,
        gradients=mlp_loss_and_gradients(params, x, labels)[1],
        torch=theirs,
    )


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    abc = np.array([0.7, -1.1, 1.3]) + 0.1 * rng.normal(size=3)
    yield Proof(
        "Value",
        value,
        {"abc": abc},
        1.0,
        {"abc": value_slopes(abc)},
        lambda torch, abc: expression(*abc.unbind()),
    )
    x, W, b, dy = (rng.normal(size=size) for size in [(5, 3), (3, 2), 2, (5, 2)])
    yield Proof(
        name="linear_backward",
        forward=lambda x, W, b: x @ W + b,
        inputs={"x": x, "W": W, "b": b},
        upstream=dy,
        gradients=dict(zip(("x", "W", "b"), linear_backward(dy, x, W))),
        torch=lambda torch, x, W, b: x @ W + b,
    )
    yield from activations(rng)
    z, dp = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    dz = softmax_backward(dp, softmax(z))
    yield Proof(
        "softmax_backward",
        softmax,
        {"z": z},
        dp,
        {"z": dz},
        lambda torch, z: torch.softmax(z, dim=1),
    )
    labels = np.array([2, 0, 1, 1, 2])
    yield Proof(
        name="softmax_cross_entropy",
        forward=lambda z: softmax_cross_entropy(z, labels)[0],
        inputs={"z": z},
        upstream=1.0,
        gradients={"z": softmax_cross_entropy(z, labels)[1]},
        torch=lambda torch, z: torch.nn.functional.cross_entropy(z, torch.tensor(labels)),
    )
    yield network(rng)
