"""What the checks of 02-backprop run beside the student's code: functions to differentiate, layers,
expressions.

A probe takes plain data, drives the student's functions and classes, and returns plain data.
"""

from typing import Any

import numpy as np

# -- functions to measure the slope of, and layers to check: (forward, backward)
# ----------------------

FUNCTIONS: dict[str, Any] = {
    "x0^2 + 3 x0 x1": lambda x: x[0] ** 2 + 3 * x[0] * x[1],
    "sum of cubes": lambda x: np.sum(x**3),
    "sum of sin(3000 x)": lambda x: np.sum(np.sin(3000 * x)),
    "product of all entries": lambda x: np.prod(x),
}

WEIGHTS = np.array([[0.7, -1.2, 0.4], [1.1, 0.3, -0.8], [-0.5, 0.9, 1.4]])  # (3, 3)


def softmax(z: Any) -> Any:
    odds = np.exp(z)  # small scores only
    return odds / np.sum(odds, axis=1)[:, None]


def cumulate(dy: Any) -> Any:
    return np.cumsum(dy[::-1], axis=0)[::-1]


RIGHT_LAYERS: dict[str, Any] = {
    "linear": (lambda x: x @ WEIGHTS[:, :2], lambda dy, x: dy @ WEIGHTS[:, :2].T),
    "tanh": (np.tanh, lambda dy, x: dy / np.cosh(x) ** 2),
    "large cubes": (lambda x: 1e4 * x**3, lambda dy, x: 3e4 * x**2 * dy),
    "centred": (lambda x: x - x.mean(axis=0), lambda dy, x: dy - dy.mean(axis=0)),
    "relu, all closed": (lambda x: np.maximum(x - 9, 0), lambda dy, x: 0 * dy),
    "sum of squares": (lambda x: np.sum(x**2), lambda dy, x: 2 * x * dy),
}
BROKEN_LAYERS: dict[str, Any] = {
    "tiny squares, the 2 forgotten": (lambda x: 1e-5 * x**2, lambda dy, x: 1e-5 * x * dy),
    "tanh, the upstream gradient ignored": (np.tanh, lambda dy, x: 1 / np.cosh(x) ** 2),
    "softmax, no gradient at all": (softmax, lambda dy, x: np.zeros(np.shape(x))),
    "cubes, the sign turned": (lambda x: x**3, lambda dy, x: -3 * x**2 * dy),
    "linear, W not transposed": (lambda x: x @ WEIGHTS, lambda dy, x: dy @ WEIGHTS),
    "running sum, wrong in the last row only": (
        lambda x: np.cumsum(x, axis=0),
        lambda dy, x: np.concatenate([cumulate(dy)[:-1], 0.9 * dy[-1:]]),
    ),
}


def gradient_of(student: Any, function: str, x: Any, eps: Any = None) -> Any:
    """The student's numerical gradient of one of FUNCTIONS at x, with a step of its own or the one
    given.
    """
    more = () if eps is None else (eps,)
    return student.numerical_gradient(FUNCTIONS[function], x, *more)


def check_of_a_right_layer(student: Any, layer: str, x: Any, rng: Any) -> Any:
    """What the student's gradient_check says of a layer whose backward is right."""
    return student.gradient_check(*RIGHT_LAYERS[layer], x, rng)


def check_of_a_broken_layer(student: Any, layer: str, x: Any, rng: Any) -> Any:
    """What the student's gradient_check says of a layer whose backward is wrong."""
    return student.gradient_check(*BROKEN_LAYERS[layer], x, rng)


def check_of_a_bias(student: Any, bias: Any, rng: Any) -> Any:
    """What gradient_check says of a bias (M,) whose gradient comes as (1, M)."""

    def forward(b: Any) -> Any:
        return np.zeros((4, 1)) + b

    return student.gradient_check(forward, lambda dy, b: dy.sum(axis=0, keepdims=True), bias, rng)


# -- expressions of Values
# ----------------------------------------------------------------------------


def slopes_of(student: Any, expression: str, numbers: dict[str, float]) -> Any:
    """The expression's value, and its slope with respect to each of the named numbers, found by
    `backward`.
    """
    leaves = {name: student.Value(number) for name, number in numbers.items()}
    result = eval(expression, {"__builtins__": {}}, dict(leaves))
    result.backward()
    return {"value": result.data, **{name: leaf.grad for name, leaf in leaves.items()}}


def grad_of_the_result(student: Any, a: float, b: float) -> Any:
    """`.grad` of c = a b before and after c.backward()."""
    c = student.Value(a) * student.Value(b)
    before = c.grad
    c.backward()
    return before, c.grad


def slopes_of_every_node(
    student: Any, leaves: list[float], steps: list[tuple[str, int, int]]
) -> Any:
    """Build nodes step by step from earlier ones, call `backward` on the last, return every `.data`
    and `.grad`.
    """
    nodes = grown(student, leaves, steps)
    nodes[-1].backward()
    return [float(n.data) for n in nodes], [float(n.grad) for n in nodes]


def slopes_found_twice(student: Any, leaves: list[float], steps: list[tuple[str, int, int]]) -> Any:
    """The `.grad` of every node after a second `backward`, all grads set to 0 between the two."""
    nodes = grown(student, leaves, steps)
    nodes[-1].backward()
    for node in nodes:
        node.grad = 0.0
    nodes[-1].backward()
    return [float(n.grad) for n in nodes]


def grown(student: Any, leaves: list[float], steps: list[tuple[str, int, int]]) -> list[Any]:
    """Values for the leaves, then one for each step (operator, left, right): every one of them is
    listed.
    """
    nodes = [student.Value(number) for number in leaves]
    for operator, i, j in steps:
        nodes.append(OPERATORS[operator](nodes[i], nodes[j]))
    return nodes


OPERATORS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "tanh": lambda a, b: a.tanh(),
}


def chain_of_values(student: Any, x: float, length: int) -> Any:
    """y = x, then y = 0.999 y + 0.001 so many times: the last y and its slope in x."""
    leaf = y = student.Value(x)
    for _ in range(length // 2):  # a product and a sum each
        y = y * 0.999 + 0.001
    y.backward()
    return y.data, leaf.grad


def network_of_values(student: Any, W1: Any, W2: Any, steps: int, lr: float) -> Any:
    """Train a 2-4-1 tanh network of Values on exclusive or, from these weights; its four
    answers.
    """
    weights = [student.Value(float(w)) for w in (*W1.ravel(), *np.zeros(4), *W2, 0.0)]
    corners = [((0.0, 0.0), -1.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), -1.0)]

    def answer(x: Any) -> Any:
        score = weights[16]
        for j in range(4):
            score = (
                score
                + weights[12 + j]
                * (weights[j] * x[0] + weights[4 + j] * x[1] + weights[8 + j]).tanh()
            )
        return score.tanh()

    for _ in range(steps):
        loss = sum((answer(x) - target) ** 2 for x, target in corners) / 4
        for w in weights:
            w.grad = 0.0
        loss.backward()
        for w in weights:
            w.data -= lr * w.grad
    return [float(answer(x).data) for x, _ in corners]


# -- weights to start from
# ----------------------------------------------------------------------------


def many_draws(student: Any, name: str, fan_in: int, fan_out: int, times: int, rng: Any) -> Any:
    """The weights of so many draws from one generator: (times, fan_in, fan_out)."""
    return np.array([getattr(student, name)(fan_in, fan_out, rng) for _ in range(times)], float)


def signal_behind_layers(
    student: Any, name: str, activation: str, depth: int, x: Any, rng: Any
) -> Any:
    """What is left of the signal x (N, width) behind so many layers, each with fresh weights."""
    width = x.shape[1]
    for _ in range(depth):
        x = x @ getattr(student, name)(width, width, rng)
        x = np.maximum(x, 0) if activation == "relu" else x
    return x
