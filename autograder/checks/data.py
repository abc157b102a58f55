"""Data that checks train on. Every draw is from the check's own `rng`, so it is the seed's
alone.
"""

import gzip
import importlib.util
from functools import cache

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]


@cache
def _digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """scikit-learn's bundled digits, read from its file: to import scikit-learn would take a
    second.
    """
    (package,) = importlib.util.find_spec("sklearn").submodule_search_locations  # type: ignore[union-attr, misc]
    with gzip.open(f"{package}/datasets/data/digits.csv.gz") as file:
        table = np.loadtxt(file, delimiter=",")
    return table[:, :-1] / 16, table[:, -1].astype(np.int64)


def digits(rng: np.random.RandomState) -> Arrays:
    """The 8x8 digits, pixels in [0, 1], in a random split of 1347 and 450, their classes renamed at
    random.

    Returns X (1347, 64), labels (1347,), X_test (450, 64), labels_test (450,). Renaming the classes
    keeps weights that were trained elsewhere from being of any use.
    """
    X, labels = _digits()
    order, names = rng.permutation(len(X)), rng.permutation(10)
    train, test = order[:1347], order[1347:]
    return X[train], names[labels[train]], X[test], names[labels[test]]


def two_clouds(
    rng: np.random.RandomState, n: int, margin: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points X (n, 2) and labels y in {-1, 1} (n,) that a line off the origin parts with at least
    this margin.
    """
    angle = rng.uniform(0, 2 * np.pi)
    normal, offset = np.array([np.cos(angle), np.sin(angle)]), rng.uniform(0.6, 0.9)
    X = rng.uniform(-2, 2, size=(40 * n, 2))
    distance = X @ normal - offset
    X, distance = X[abs(distance) > margin], distance[abs(distance) > margin]
    balanced = np.concatenate(
        [np.flatnonzero(distance > 0)[: n // 2], np.flatnonzero(distance < 0)[: n - n // 2]]
    )
    chosen = rng.permutation(balanced)
    return X[chosen], np.where(distance[chosen] > 0, 1, -1)
