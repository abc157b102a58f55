"""What the checks of 08-ddpm run beside the student's code: networks that make no error, and a
sampler of ours.

A probe takes plain data, drives the student's functions, and returns plain data.
"""

from typing import Any

import numpy as np


def many_training_batches(student: Any, x0: Any, alpha_bar: Any, times: int, rng: Any) -> Any:
    """So many training batches from one generator: x_t (times, N, ...), t (times, N) and
    the noise.
    """
    batches = [student.training_batch(x0.copy(), alpha_bar.copy(), rng) for _ in range(times)]
    return [np.array([np.asarray(batch[i], float) for batch in batches]) for i in range(3)]


def points_from_your_network(student: Any, params: Any, betas: Any, n: int, rng: Any) -> Any:
    """Points (n, 2) that a sampler of ours draws with the student's denoise.

    It keeps y, which is x_t brought back to a signal of size 1, under noise of a variance that
    falls to 0.
    """
    kept = np.cumprod(1 - betas)
    variances = [*(1 / kept - 1), 0.0]
    y = rng.normal(size=(n, 2)) / np.sqrt(kept[-1])
    for t in reversed(range(len(betas))):
        eps = np.asarray(student.denoise(params, y * np.sqrt(kept[t]), np.full(n, t)), float)
        now, then = variances[t], variances[t - 1]  # the last one, 0, answers to -1
        y = (
            y
            - (now - then) / np.sqrt(now) * eps
            + np.sqrt(then * (1 - then / now)) * rng.normal(size=(n, 2))
        )
    return y


def points_from_a_perfect_network(
    student: Any, cloud: dict[str, Any], n: int, betas: Any, rng: Any
) -> Any:
    """The student's sample (n, 2), where denoise knows the noise to expect in points around the
    cloud's middles.
    """
    return student.sample(
        expected_noise, {**cloud, "alpha_bar": np.cumprod(1 - betas)}, n, betas, rng
    )


def steps_that_your_sampler_asks_for(student: Any, n: int, betas: Any, rng: Any) -> Any:
    """Each t that the student's sample hands to denoise, in order, and beside it the shape of its
    x_t.
    """
    asked: list[Any] = []

    def denoise(params: Any, x_t: Any, t: Any) -> Any:
        asked.append([np.array(t), list(np.shape(x_t))])
        return np.zeros(np.shape(x_t))

    student.sample(denoise, {}, n, betas, rng)
    return asked


def expected_noise(params: Any, x_t: Any, t: Any) -> Any:
    """E[noise | x_t], for normal data around middles (K, 2) that are equally probable: all there is
    to be learnt.
    """
    kept = params["alpha_bar"][t][:, None, None]  # (n, 1, 1)
    away = x_t[:, None, :] - np.sqrt(kept) * params["middles"]  # (n, K, 2)
    width = kept * params["spread"] ** 2 + 1 - kept
    closeness = -np.sum(away**2 / width, axis=2) / 2
    weight = np.exp(closeness - closeness.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return np.sum(weight[:, :, None] * np.sqrt(1 - kept) * away / width, axis=1)
