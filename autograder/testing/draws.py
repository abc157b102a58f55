"""Random inputs that are the same to the bit on every machine.

NumPy has frozen the stream of RandomState (NEP 19), but not how its numbers are rounded on the
way: `normal` asks the system's `log`, and a compiler may fuse the product and the sum in `uniform`.
Here both come from the same stream by correctly rounded operations alone (+, -, *, /, sqrt), which
IEEE 754 fixes; the numbers are those of RandomState up to their last bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = int | tuple[int, ...] | None
_LN2 = 0.6931471805599453
_TERMS = 12  # of the series for log: |s| <= 0.172, and 0.172 ** 26 / 26 < 2 ** -70


class Draws(np.random.RandomState):
    """A RandomState whose `normal` and `uniform` are rounded alike everywhere."""

    def __init__(self, seed: Any = None) -> None:
        super().__init__(seed)
        self._waiting: float | None = None  # normal numbers come in pairs

    def seed(self, seed: Any = None) -> None:
        """Begin anew; as RandomState.seed."""
        super().seed(seed)
        self._waiting = None

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Size = None) -> Any:  # type: ignore[override]
        """Numbers in [low, high); as RandomState.uniform."""
        size = np.broadcast(low, high).shape or None if size is None else size
        return low + (high - low) * self.random_sample(size)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Size = None) -> Any:  # type: ignore[override]
        """Normal numbers of this mean and standard deviation; as RandomState.normal."""
        size = np.broadcast(loc, scale).shape or None if size is None else size
        if size is None:
            return loc + scale * float(self._gauss(1)[0])
        return loc + scale * self._gauss(int(np.prod(size))).reshape(size)

    def standard_normal(self, size: Size = None) -> Any:  # type: ignore[override]
        """As `normal`, with mean 0 and standard deviation 1."""
        return self.normal(size=size)

    def randn(self, *size: int) -> Any:
        """As `standard_normal`, with the sizes as arguments."""
        return self.normal(size=size or None)

    def _gauss(self, n: int) -> NDArray[np.float64]:
        """Standard normal numbers (n,) by the polar method. Marsaglia and Bray 1964."""
        kept = [] if self._waiting is None or n == 0 else [self._waiting]
        self._waiting = None if kept else self._waiting
        pairs = (n - len(kept) + 1) // 2
        x = self._inside(pairs)
        r2 = x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1]
        factor = np.sqrt(-2.0 * log(r2) / r2)
        found = np.concatenate([kept, (factor[:, None] * x[:, ::-1]).ravel()])
        if len(found) > n:
            self._waiting = float(found[-1])
        return found[:n]

    def _inside(self, pairs: int) -> NDArray[np.float64]:
        """So many points (pairs, 2) inside the unit circle, and no number of the stream more."""
        found = np.zeros((0, 2))
        while len(found) < pairs:
            # At most one point in each trial, so this many trials are never too many.
            x = 2.0 * self.random_sample((pairs - len(found), 2)) - 1.0
            r2 = x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1]
            found = np.concatenate([found, x[(r2 < 1.0) & (r2 != 0.0)]])
        return found


def log(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The natural logarithm of positive numbers, to a few last bits, by operations that are
    rounded alike everywhere: 2 atanh(s) for s = (m - 1) / (m + 1), where x = m * 2^e.
    """
    m, e = np.frexp(x)
    small = m < 0.7071067811865476  # then m lies within a factor sqrt(2) of 1
    m, e = np.where(small, 2.0 * m, m), np.where(small, e - 1, e)
    s = (m - 1.0) / (m + 1.0)
    square, total = s * s, np.zeros_like(s)
    for k in range(_TERMS, -1, -1):
        total = total * square + 1.0 / (2 * k + 1)
    return np.asarray(2.0 * s * total + e * _LN2)
