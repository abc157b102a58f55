"""The scanned digits that most lessons use."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float64]
Labels = NDArray[np.integer[Any]]


def digits(split: int = 0) -> tuple[Images, Labels, Images, Labels]:
    """Scanned digits of 8 x 8 pixels in [0, 1], in an order drawn with the seed `split`.

    Return X (1347, 64), labels (1347,), X_test (450, 64), labels_test (450,).
    """
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    train, test = np.split(np.random.RandomState(split).permutation(len(X)), [1347])
    return X[train] / 16, labels[train], X[test] / 16, labels[test]
