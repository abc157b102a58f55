"""Data of 01-neurons: NumPy alone, so that answers may use it."""

import numpy as np

XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # (4, 2)
XOR_Y = np.array([-1, 1, 1, -1])


def clouds(margin, n=80, seed=0):
    """X (n, 2) in a square, y (n,) of -1 and +1, and a unit u (3,) with y * (u . (x, 1)) >=
    margin.
    """
    rng = np.random.RandomState(seed)
    angle, shift = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.3)
    u = np.array([np.cos(angle), np.sin(angle), shift]) / np.sqrt(1 + shift**2)
    X = rng.uniform(-1, 1, (100 * n, 2))
    X = X[np.abs(appended(X) @ u) >= margin][:n]
    return X, np.where(appended(X) @ u > 0, 1, -1), u


def appended(X):
    """X (N, D) with a column of ones: (N, D + 1)."""
    return np.column_stack([X, np.ones(len(X))])
