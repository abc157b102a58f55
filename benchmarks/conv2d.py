"""How the lesson's convolution compares with PyTorch's on the CPU: forward and backward, float32,
one thread each.

    make bench, or: python -m benchmarks.conv2d

64 images of 16 x 16 with 16 channels, 32 kernels of 3 x 3, padding 1. Without PyTorch only ours is
timed. The runs take turns, so that both see the same machine; the medians and their ratio are
printed, and written to benchmarks/results.json.
"""

import os

os.environ.update(
    OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1"
)  # before NumPy is imported

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.results import note
from solutions import cnn

RUNS = 30


def main() -> None:
    rng = np.random.default_rng(0)
    sizes = {"x": (64, 16, 16, 16), "W": (32, 16, 3, 3), "b": (32,), "dy": (64, 32, 16, 16)}
    x, W, b, dy = (rng.normal(size=size).astype(np.float32) for size in sizes.values())
    jobs: dict[str, Callable[[], Any]] = {
        "ours, forward": lambda: cnn.conv2d_fast(x, W, b, padding=1),
        "ours, backward": lambda: cnn.conv2d_backward(dy, x, W, padding=1),
    }
    if (theirs := _torch(x, W, b, dy)) is None:
        print("PyTorch is not installed: ours alone")
    jobs |= theirs or {}
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(RUNS + 3):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            taken[name].append(1000 * (time.perf_counter() - start))
    medians = {name: statistics.median(times[3:]) for name, times in taken.items()}
    for name, median in medians.items():
        print(f"{name:<18} {median:7.2f} ms")
    if theirs:
        both = {
            name: medians[f"{name}, forward"] + medians[f"{name}, backward"]
            for name in ("ours", "PyTorch")
        }
        ways = {
            way: medians[f"ours, {way}"] / medians[f"PyTorch, {way}"]
            for way in ("forward", "backward")
        }
        ways["both"] = both["ours"] / both["PyTorch"]
        note({f"conv2d_times_pytorch_{way}": round(ratio, 2) for way, ratio in ways.items()})


def _torch(*arrays: np.ndarray) -> dict[str, Callable[[], Any]] | None:
    """The same two jobs for PyTorch; None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    x, W, b, dy = (torch.tensor(array) for array in arrays)
    conv = torch.nn.functional.conv2d
    x, W, b = (tensor.requires_grad_() for tensor in (x, W, b))
    y = conv(x, W, b, padding=1)

    def forward() -> Any:
        with torch.no_grad():
            return conv(x, W, b, padding=1)

    def backward() -> Any:
        return torch.autograd.grad(y, (x, W, b), dy, retain_graph=True)

    return {"PyTorch, forward": forward, "PyTorch, backward": backward}


if __name__ == "__main__":
    main()
