"""Prove a reference's gradients by central differences, and by PyTorch where it is installed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

EPS = 1e-5
TOLERANCE = 1e-7  # norm-relative, float64
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Proof:
    """A claim: `gradients[name]` is d(sum(upstream * forward(**inputs))) / d(inputs[name]).

    `torch`, if given, is the same forward on tensors, called as torch(torch_module, **inputs).
    """

    name: str
    forward: Callable[..., Any]
    inputs: Arrays
    upstream: np.ndarray | float
    gradients: Arrays
    torch: Callable[..., Any] | None = None


def errors(proof: Proof) -> Iterator[tuple[str, float]]:
    """For each claimed gradient, how it was tested and its relative error."""
    for name, gradient in proof.gradients.items():
        yield (
            f"{proof.name} {name}, central differences",
            distance(gradient, differences(proof, name)),
        )
    if proof.torch is not None and (torch := _torch()) is not None:
        for name, gradient in autograd(proof, torch).items():
            yield f"{proof.name} {name}, PyTorch", distance(proof.gradients[name], gradient)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """‖a − b‖ / (‖a‖ + ‖b‖ + 1e-12); infinite if the shapes differ."""
    if np.shape(a) != np.shape(b):
        return float("inf")
    return float(
        np.linalg.norm(np.subtract(a, b)) / (np.linalg.norm(a) + np.linalg.norm(b) + 1e-12)
    )


def differences(proof: Proof, name: str) -> np.ndarray:
    """The gradient with respect to one input, by (L(x + eps) − L(x − eps)) / 2 eps for each entry."""
    x = np.array(proof.inputs[name], float)
    gradient = np.zeros_like(x)

    def loss() -> float:
        return float(
            np.sum(proof.upstream * np.asarray(proof.forward(**{**proof.inputs, name: x})))
        )

    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + EPS
        above = loss()
        x[index] = kept - EPS
        gradient[index] = (above - loss()) / (2 * EPS)
        x[index] = kept
    return gradient


def autograd(proof: Proof, torch: Any) -> Arrays:
    """The same gradients by PyTorch's automatic differentiation, in float64."""
    tensors = {
        k: torch.tensor(v, dtype=torch.float64 if v.dtype.kind == "f" else None)
        for k, v in proof.inputs.items()
    }
    for name in proof.gradients:
        tensors[name].requires_grad_()
    assert proof.torch is not None
    (proof.torch(torch, **tensors) * torch.as_tensor(proof.upstream)).sum().backward()
    return {name: tensors[name].grad.numpy() for name in proof.gradients}


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        return None
    return torch
