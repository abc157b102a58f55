"""Recurrent networks for the checks: random weights, what a character model predicts, tasks for its
memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.checks.bptt.dinosaurs import NAMES, Ids, encode

Array = NDArray[np.float64]
Params = Mapping[str, Any]


def weights(
    rng: np.random.RandomState, D: int, H: int, gates: int = 1
) -> tuple[Array, Array, Array]:
    """Wx (D, gates H), Wh (H, gates H) and b, of a size at which a tanh neither sleeps nor
    saturates.
    """
    Wx = rng.normal(size=(D, gates * H)) / np.sqrt(D)
    return Wx, rng.normal(size=(H, gates * H)) / np.sqrt(H), 0.3 * rng.normal(size=gates * H)


def character_model(
    rng: np.random.RandomState, V: int, D: int, H: int, scale: float = 1.0
) -> dict[str, Array]:
    """Random E, Wx, Wh, b, Wy, by; with a larger scale it has strong opinions."""
    E = rng.normal(size=(V, D))
    Wx, Wh, b = weights(rng, D, H)
    return {
        "E": E,
        "Wx": Wx,
        "Wh": Wh,
        "b": b,
        "Wy": scale * rng.normal(size=(H, V)),
        "by": rng.normal(size=V),
    }


def tensor_shapes(V: int, D: int, H: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a character model's tensors."""
    return {"E": (V, D), "Wx": (D, H), "Wh": (H, H), "b": (H,), "Wy": (H, V), "by": (V,)}


@np.errstate(all="ignore")  # parameters that training has thrown away overflow
def log_probabilities(params: Params, ids: Ids, temperature: float = 1.0) -> Array:
    """What the model says at each place of ids (N, T) of the symbol to come: (N, T, V), computed by
    the grader.
    """
    h, found = np.zeros((len(ids), len(params["Wh"]))), []
    for symbols in ids.T:
        h = np.tanh(params["E"][symbols] @ params["Wx"] + h @ params["Wh"] + params["b"])
        z = (h @ params["Wy"] + params["by"]) / temperature
        found.append(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return np.stack(found, axis=1)


def nll(params: Params, ids: Ids, mask: NDArray[Any]) -> float:
    """The mean of -log p(next symbol) over the unmasked targets."""
    log_p = log_probabilities(params, ids[:, :-1])
    chosen = np.take_along_axis(log_p, ids[:, 1:, None], axis=2)[:, :, 0]
    return float(-chosen[np.asarray(mask, bool)].mean())


def some_names(rng: np.random.RandomState, n: int) -> tuple[Ids, NDArray[np.bool_]]:
    """n dinosaurs of at most 11 letters drawn at random, their letters renamed at random; the dot
    stays symbol 0.
    """
    short = [name for name in NAMES if len(name) <= 11]
    ids, mask = encode([short[i] for i in rng.permutation(len(short))[:n]])
    return np.concatenate([[0], 1 + rng.permutation(26)])[ids], mask


def recall(
    rng: np.random.RandomState, n: int, lag: int = 10, V: int = 4
) -> tuple[Ids, NDArray[np.int64]]:
    """Rows of lag + 1 random symbols whose last repeats the first, and a mask for that last target
    alone.
    """
    ids = rng.randint(0, V, size=(n, lag + 1)).astype(np.int64)
    ids[:, -1] = ids[:, 0]
    mask = np.zeros((n, lag), np.int64)
    mask[:, -1] = 1
    return ids, mask


def recalled(params: Params, ids: Ids) -> float:
    """The share of rows whose last symbol the model predicts."""
    return float(
        np.mean(log_probabilities(params, ids[:, :-1])[:, -1].argmax(axis=1) == ids[:, -1])
    )


Name = tuple[int, ...]


def name_probabilities(
    params: Params, start: int, end: int, longest: int, temperature: float
) -> dict[Name, float]:
    """Every name that the model can write, and how likely it is."""

    def grow(name: Name, log_p: float) -> Iterator[tuple[Name, float]]:
        if len(name) == longest:
            yield name, log_p
            return
        following = log_probabilities(params, np.array([[start, *name]]), temperature)[0, -1]
        yield name, log_p + following[end]
        for symbol in set(range(len(following))) - {end}:
            yield from grow((*name, symbol), log_p + following[symbol])

    return {name: float(np.exp(log_p)) for name, log_p in grow((), 0.0)}


def surprise(names: Sequence[Name], expected: Mapping[Name, float]) -> float:
    """How many standard errors the counts of these names are off at most; the rare ones are counted
    together.
    """
    n = len(names)
    common = {name: p for name, p in expected.items() if n * p >= 40}
    counts = [names.count(name) for name in common]
    p = np.array([*common.values(), max(1 - sum(common.values()), 0.0)])
    found = np.array([*counts, n - sum(counts)])
    return float(np.max(np.abs(found - n * p) / np.sqrt(n * p * (1 - p) + 1)))
