"""What a suite imports: `from autograder.testing import assert_close, exercise, robust`.

Fixtures come from the plugin: `student`, `oracle`, `rng`; `both.f(x)` makes the same call to both
and returns the student's value and the expected one; `unchanged.f(x)` makes it to the student and
fails if an argument is no longer what it was.
"""

from autograder.model import cause as causes
from autograder.testing.assertions import (
    TOLERANCE,
    CheckFailed,
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    fail,
    numbers,
    relative_error,
)
from autograder.testing.gradients import assert_gradient
from autograder.testing.marks import (
    convergence,
    exercise,
    gradient,
    robust,
    shape,
    speed,
    supporting,
    weight,
)
from autograder.testing.nested import assert_nested, assert_structure, flat, vector
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import (
    along,
    assert_gradients,
    assert_linear,
    assert_shapes,
    assert_tensors,
    quietly,
)
from autograder.testing.training import on_the_way

__all__ = [
    "TOLERANCE",
    "CheckFailed",
    "along",
    "assert_at_least",
    "assert_at_most",
    "assert_close",
    "assert_finite",
    "assert_gradient",
    "assert_gradients",
    "assert_linear",
    "assert_nested",
    "assert_parts",
    "assert_scalar",
    "assert_shape",
    "assert_shapes",
    "assert_structure",
    "assert_tensors",
    "assert_unchanged",
    "causes",
    "convergence",
    "exercise",
    "expect",
    "fail",
    "flat",
    "generator",
    "gradient",
    "numbers",
    "on_the_way",
    "quietly",
    "relative_error",
    "robust",
    "shape",
    "speed",
    "supporting",
    "vector",
    "weight",
]
