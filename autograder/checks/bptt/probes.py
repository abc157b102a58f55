"""What the checks of 06-bptt run beside the student's code: a function called many times with one
generator.
"""

from typing import Any


def many_names(
    student: Any,
    params: Any,
    start: int,
    end: int,
    max_length: int,
    temperature: float,
    times: int,
    rng: Any,
) -> Any:
    """So many names, one after the other, all drawn with the same generator."""
    names = (
        student.sample_name(params, start, end, max_length, temperature, rng) for _ in range(times)
    )
    return [[int(symbol) for symbol in name] for name in names]
