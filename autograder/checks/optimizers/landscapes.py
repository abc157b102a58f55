"""Problems that optimisers are tried on. Every draw is from the check's own `rng`, so it is the
seed's alone.
"""

from typing import Any

import numpy as np

from autograder.checks.data import digits
from autograder.checks.optimizers.probes import unpacked

Problem = dict[str, Any]  # plain data: the kind, where to start, and what its gradient needs


# Curvatures that grow by one factor. `np.logspace` asks for powers, which no standard rounds.
ONE_TO_100_IN_4 = np.cumprod([1.0] + [4.641588833612779] * 3)
ONE_TO_100_IN_5 = np.cumprod([1.0] + [3.1622776601683795] * 4)
TENTH_TO_10_IN_12 = np.cumprod([0.1] + [1.5199110829529336] * 11)


def turned_axes(rng: np.random.RandomState, n: int) -> np.ndarray:
    """An orthonormal basis (n, n), an axis a row, turned at random.

    Gram and Schmidt's way, each axis twice, by sums in a fixed order: the same to the bit on every
    machine, which LAPACK's factorisations are not.
    """
    axes: list[np.ndarray] = []
    for axis in rng.normal(size=(n, n)).T:
        for other in axes * 2:
            axis = axis - other * np.cumsum(other * axis)[-1]
        axes.append(axis / np.sqrt(np.cumsum(axis * axis)[-1]))
    return np.array(axes)


def combined(axes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The sum of the axes (n, n), each times its share (n,), in their order."""
    return np.asarray(np.cumsum(axes * shares[:, None], axis=0)[-1])


def curved(axes: np.ndarray, curvatures: np.ndarray) -> np.ndarray:
    """A symmetric matrix (n, n) with these eigenvalues along these axes."""
    squares = axes[:, :, None] * axes[:, None, :]
    return np.asarray(np.cumsum(squares * curvatures[:, None, None], axis=0)[-1])


def network(rng: np.random.RandomState, hidden: int) -> dict[str, np.ndarray]:
    """He's start for a network 64-hidden-10."""
    W1, W2 = (
        rng.normal(size=(64, hidden)) * np.sqrt(2 / 64),
        rng.normal(size=(hidden, 10)) * np.sqrt(2 / hidden),
    )
    return {"W1": W1, "b1": np.zeros(hidden), "W2": W2, "b2": np.zeros(10)}


def epochs(rng: np.random.RandomState, n: int, batch_size: int, count: int) -> np.ndarray:
    """Row numbers of full mini-batches (batches, batch_size), each epoch in an order of its own."""
    full = n // batch_size * batch_size
    return np.concatenate([rng.permutation(n)[:full].reshape(-1, batch_size) for _ in range(count)])


def network_loss(params: dict[str, np.ndarray], X: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy of the network; infinite rather than NaN."""
    with np.errstate(all="ignore"):
        scores = np.maximum(X @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"]
        scores = scores - scores.max(axis=1, keepdims=True)
        log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return float(np.nan_to_num(-np.mean(log_p[np.arange(len(labels)), labels]), nan=np.inf))


def noisy_bowl(rng: np.random.RandomState, total: int) -> Problem:
    """A bowl in 12 dimensions, 100 times as steep one way as another, whose slope is measured with
    noise.
    """
    axes, goal = turned_axes(rng, 12), rng.normal(size=12)
    start = goal + combined(axes, rng.choice([-2.0, 2.0], 12))
    A = curved(axes, TENTH_TO_10_IN_12)
    return {
        "kind": "noisy bowl",
        "A": A,
        "goal": goal,
        "start": start,
        "noise": 0.5 * rng.normal(size=(total, 12)),
    }


def valley(rng: np.random.RandomState, total: int) -> Problem:
    """Rosenbrock's valley in 6 dimensions."""
    return {"kind": "valley", "start": rng.uniform(-1.5, -0.5, size=6)}


def small_network(rng: np.random.RandomState, total: int) -> Problem:
    """A network of 12 hidden units on 600 digits in batches of 32, its parameters one long
    vector.
    """
    X, labels, _, _ = digits(rng)
    start = np.concatenate([p.ravel() for p in network(rng, 12).values()])
    batches = rng.randint(0, 600, size=(total, 32))
    shape = {"sizes": np.array([64, 12, 10]), "batches": batches}
    return {"kind": "digits", "start": start, "X": X[:600], "labels": labels[:600], **shape}


KINDS = {"noisy bowl": noisy_bowl, "valley": valley, "digits": small_network}


def height(problem: Problem, w: np.ndarray) -> float:
    """The loss of a problem at w."""
    if problem["kind"] == "noisy bowl":
        away = w - problem["goal"]
        return float(away @ problem["A"] @ away / 2)
    if problem["kind"] == "valley":
        return float(np.sum(100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2))
    return network_loss(unpacked(w, problem["sizes"]), problem["X"], problem["labels"])


def descent(problem: Problem, w: np.ndarray) -> float:
    """How many powers of ten below the start's the loss is: -1 counts a tenth; kept within -4 and
    2.
    """
    with np.errstate(all="ignore"):
        ratio = height(problem, w) / height(problem, problem["start"])
    return float(np.clip(np.log10(max(ratio, 1e-30)), -4, 2)) if np.isfinite(ratio) else 2.0
