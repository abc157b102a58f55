"""Compare a learner's functions with PyTorch's, if it is installed."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def pytorch() -> Any:
    """The module torch, or None with a message if it is not installed."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: skipped")
        return None
    return torch


def differences(pairs: Mapping[str, tuple[Iterable[Any], Iterable[Any]]]) -> None:
    """Print for each name how far your arrays are from PyTorch's tensors, at the worst entry."""
    width = max(map(len, pairs), default=0)
    for name, (yours, theirs) in pairs.items():
        gaps = [_gap(np.asarray(a), _array(b)) for a, b in zip(yours, theirs)]
        print(f"{name:<{width}}   largest difference {max(gaps):.1e}")


def _array(tensor: Any) -> Any:
    return np.asarray(tensor.detach() if hasattr(tensor, "detach") else tensor)


def _gap(a: Any, b: Any) -> float:
    """The largest difference of two arrays; infinite if their shapes differ."""
    return float(np.abs(a - b).max(initial=0.0)) if a.shape == b.shape else np.inf
