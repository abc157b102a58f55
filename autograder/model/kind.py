"""The kinds of checks."""

from typing import Literal

Kind = Literal["value", "shape", "gradient", "convergence", "robustness", "speed"]
