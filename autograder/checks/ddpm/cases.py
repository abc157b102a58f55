"""Inputs and helpers that several parts of the checks of 08-ddpm share."""

import numpy as np
import pytest

any_rank = pytest.mark.parametrize(
    "size", [(5,), (5, 3), (5, 2, 3, 4)], ids=["numbers", "points", "images"]
)


def chain(T):
    """The betas (T,) of the training chain."""
    return np.linspace(0.1 / T, 20 / T, T)


def shares(rng, T):
    """Falling alpha_bars (T,) between 0.95 and 0.1."""
    return np.sort(rng.uniform(0.1, 0.95, size=T))[::-1].copy()


def steps(rng, n, T):
    """A step t (n,) for each sample: the first, the last, and others between them."""
    return rng.permutation(np.append([0, T - 1], rng.randint(1, T - 1, size=n - 2)))
