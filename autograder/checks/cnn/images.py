"""Images for the checks, and what can be said of layers on them without being one: counts, orders,
a yardstick.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.checks.data import Arrays, digits

Array = NDArray[np.float64]


def numbered(rng: np.random.RandomState, shape: tuple[int, ...]) -> Array:
    """Images whose pixels are the numbers 1, 2, 3 ... in a random order: each pixel can be told
    from all others.
    """
    return np.asarray(1 + rng.permutation(int(np.prod(shape))).reshape(shape), float)


def times_covered(shape: tuple[int, ...], kH: int, kW: int, stride: int, padding: int) -> Array:
    """How many windows each pixel of images (N, C, H, W) lies in."""
    down, across = (_times_covered(n, k, stride, padding) for n, k in zip(shape[2:], (kH, kW)))
    return np.broadcast_to(np.outer(down, across), shape).astype(float)


def _times_covered(n: int, k: int, stride: int, padding: int) -> NDArray[np.int64]:
    starts = np.arange(-padding, n + padding - k + 1, stride)[:, None]
    pixels = np.arange(n)
    return np.asarray(((starts <= pixels) & (pixels < starts + k)).sum(axis=0))


def in_one_order(cols: Array) -> Array:
    """A matrix of windows, its rows and columns put into an order of ours: any order of theirs
    comes out alike.
    """
    contents = np.sort(cols, axis=1)
    rows = cols[np.lexsort(contents.T[::-1])]
    return np.asarray(rows[:, np.lexsort(rows[::-1])])


def digit_images(rng: np.random.RandomState) -> Arrays:
    """The digits as images (N, 1, 8, 8): 1347 to train on, 450 to test, their classes renamed at
    random.
    """
    X, labels, X_test, labels_test = digits(rng)
    return X.reshape(-1, 1, 8, 8), labels, X_test.reshape(-1, 1, 8, 8), labels_test


def moved(rng: np.random.RandomState, images: Array) -> Array:
    """Each image (1, 8, 8) in one of the four corners of a frame of 9 x 9, drawn at random."""
    frames = np.zeros((len(images), 1, 9, 9))
    for frame, image, (i, j) in zip(frames, images, rng.randint(0, 2, size=(len(images), 2))):
        frame[:, i : i + 8, j : j + 8] = image
    return frames


def small_cnn(
    rng: np.random.RandomState, shape: tuple[int, ...], kernels: int, n_classes: int
) -> dict[str, Array]:
    """Random parameters of the lesson's network for images (C, H, W), about the size that training
    gives them.
    """
    C, H, W = shape
    flat = kernels * (H // 2) * (W // 2)
    sizes = {
        "W1": (kernels, C, 3, 3),
        "b1": (kernels,),
        "W2": (flat, n_classes),
        "b2": (n_classes,),
    }
    scales = {"W1": 1 / np.sqrt(4 * C), "b1": 0.3, "W2": np.sqrt(2 / flat), "b2": 0.3}
    return {name: scales[name] * rng.normal(size=size) for name, size in sizes.items()}


def cnn_scores(params: Mapping[str, Any], X: Array) -> Array:
    """The network's scores, measured by the grader: its convolution as a product of Fourier
    transforms.
    """
    N, _, H, W = X.shape
    frame = (
        H + 2,
        W + 2,
    )  # the transform sees the image on a torus; a rim of zeros keeps its ends apart
    spectrum = np.einsum(
        "nchw,fchw->nfhw",
        np.fft.rfft2(X, frame),
        np.conj(np.fft.rfft2(params["W1"], frame)),
        optimize=True,
    )
    shifted = np.roll(np.fft.irfft2(spectrum, frame), (1, 1), axis=(2, 3))[:, :, :H, :W]
    z = np.maximum(shifted + params["b1"][:, None, None], 0)
    z = z[:, :, : H // 2 * 2, : W // 2 * 2].reshape(N, -1, H // 2, 2, W // 2, 2).max(axis=(3, 5))
    return np.asarray(z.reshape(N, -1) @ params["W2"] + params["b2"])


def cnn_accuracy(params: Mapping[str, Any], X: Array, labels: NDArray[np.int64]) -> float:
    """The share that the network W1, b1, W2, b2 reads rightly, measured by the grader."""
    return float(np.mean(cnn_scores(params, X).argmax(axis=1) == labels))


def linear_accuracy(
    X: Array, labels: NDArray[np.int64], X_test: Array, labels_test: NDArray[np.int64]
) -> float:
    """The share of X_test that a linear model of the pixels reads rightly, trained on X for 300
    full steps.
    """
    X, X_test = (
        np.column_stack([part.reshape(len(part), -1), np.ones(len(part))]) for part in (X, X_test)
    )
    wanted = np.equal.outer(labels, np.arange(10))
    W = np.zeros((X.shape[1], 10))
    for _ in range(300):
        z = X @ W
        W += X.T @ (wanted - np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])) / len(X)
    return float(np.mean((X_test @ W).argmax(axis=1) == labels_test))


def seconds(f: Callable[[], Any], runs: int) -> float:
    """The shortest of so many runs: whatever else the machine does makes a run longer, never
    shorter.
    """
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        taken.append(time.perf_counter() - start)
    return min(taken)


def window_by_window(windows: int, window: Array, kernel: Array) -> None:
    """The least that a loop over windows has to do: multiply each with a kernel and add up."""
    for _ in range(windows):
        (window * kernel).sum()
