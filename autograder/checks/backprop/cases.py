"""Inputs and helpers that several parts of the checks of 02-backprop share."""


def away_from_zero(rng, size):
    """Numbers between 0.2 and 2 in size, of either sign: no kink is near."""
    return rng.uniform(0.2, 2, size=size) * rng.choice([-1, 1], size=size)
