"""Points in the plane to diffuse, and how far a sample is from them. Every draw is from the check's
own `rng`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NEAR = 0.24  # three standard deviations of a heap of the ring


def heaps(turn: float) -> Array:
    """The middles of eight heaps on a circle (8, 2), of mean 0 and variance 1 in each direction."""
    angle = turn + np.pi / 4 * np.arange(8)
    return np.asarray(np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def ring(rng: np.random.RandomState, n: int) -> tuple[Array, Array]:
    """Points (n, 2) in eight heaps of standard deviation 0.08, and the heaps' middles; turned at
    random.
    """
    middles = heaps(rng.uniform(0, 2 * np.pi))
    return middles[rng.randint(8, size=n)] + 0.08 * rng.normal(size=(n, 2)), middles


def on_the_ring(points: Array, middles: Array) -> tuple[float, int]:
    """The share of points that lie in a heap, and how many of them lie in the emptiest."""
    away = np.linalg.norm(points[:, None] - middles, axis=2)  # (n, 8)
    inside = away.min(axis=1) <= NEAR
    return float(inside.mean()), int(np.bincount(away.argmin(axis=1)[inside], minlength=8).min())


MOONS_SPREAD = 0.05 / np.array([0.87, 0.5])


def crescents(angle: Array, upper: NDArray[Any]) -> Array:
    """Points (n, 2) on two half circles that reach into each other, brought to mean 0 and about
    unit size.
    """
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.asarray((np.stack([x, y], axis=1) - np.array([0.5, 0.25])) / np.array([0.87, 0.5]))


def moons(rng: np.random.RandomState, n: int) -> Array:
    """Points (n, 2) near the two half circles, evenly spread along both, so that chance adds little
    of its own.
    """
    angle = (np.arange(n) // 2 + rng.uniform(size=n)) * np.pi / (n // 2)
    return crescents(angle, np.arange(n) % 2) + MOONS_SPREAD * rng.normal(size=(n, 2))


def moons_middles(k: int) -> Array:
    """Points (2k, 2) along the two half circles, so close that heaps of that spread around them
    make the moons.
    """
    angle = (np.arange(k) + 0.5) * np.pi / k
    return crescents(np.tile(angle, 2), np.arange(2 * k) < k)


def energy_distance(a: Array, b: Array) -> float:
    """2 E|a - b| - E|a - a'| - E|b - b'|, unbiased; 0 for equal distributions only. Szekely & Rizzo
    2013.
    """
    within = sum(_distances(x, x).sum() / (len(x) * (len(x) - 1)) for x in (a, b))
    return float(2 * _distances(a, b).mean() - within)


def _distances(a: Array, b: Array) -> Array:
    return np.asarray(np.hypot(*(a[:, None, i] - b[None, :, i] for i in (0, 1))))


def law(mean: Array, spread: Array, betas: Array) -> tuple[Array, Array]:
    """Mean and variance (2,) of what the chain ends in, for data N(mean, spread^2) and a network
    that makes no error.

    Every step is linear in x_t, so both follow by recursion from the standard normal at the start.
    """
    alpha_bar = np.cumprod(1 - betas)
    m, v = np.zeros(2), np.ones(2)
    for t in range(len(betas) - 1, -1, -1):
        before = alpha_bar[t - 1] if t else 1.0
        share = betas[t] / (
            alpha_bar[t] * spread**2 + 1 - alpha_bar[t]
        )  # of x - sqrt(alpha_bar) mean
        m = ((1 - share) * m + share * np.sqrt(alpha_bar[t]) * mean) / np.sqrt(1 - betas[t])
        v = (1 - share) ** 2 * v / (1 - betas[t]) + betas[t] * (1 - before) / (1 - alpha_bar[t])
    return m, v
