"""Checks of 02-backprop: slopes that are measured."""

import numpy as np
import pytest

from autograder.checks.backprop.cases import away_from_zero
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_shape,
    exercise,
    expect,
    generator,
    robust,
    supporting,
)

# -- measuring slopes
# --------------------------------------------------------------------------------


@exercise("numerical_gradient")
class TestNumericalGradient:
    def test_by_hand(self, student):
        """The slopes of x0^2 + 3 x0 x1 at (2, -1) are 1 and 6"""
        assert_close(
            student.probes.gradient_of("x0^2 + 3 x0 x1", np.array([2.0, -1.0])), [1.0, 6.0]
        )

    def test_both_sides(self, student):
        """For x^3 at 1 and -2, a step of 0.1 to both sides gives 3x^2 + 0.01"""
        assert_close(
            student.probes.gradient_of("sum of cubes", np.array([1.0, -2.0]), 0.1), [3.01, 12.01]
        )

    def test_default_step(self, same, rng):
        """The step is 1e-5 if none is given"""
        x = rng.uniform(-1, 1, size=4)
        assert_close(
            *same.probes.gradient_of("sum of sin(3000 x)", x),
        )

    @pytest.mark.parametrize(
        "size",
        [
            pytest.param((), id="number", marks=supporting),  # where the slope is 1
            pytest.param((3,), id="vector"),
            pytest.param((2, 1, 3), id="rank-3"),
        ],
    )
    def test_any_shape(self, same, rng, size):
        """The gradient has the shape of x, and one entry of x is moved at a time"""
        x = np.asarray(rng.uniform(0.5, 1.5, size=size))
        name = "product of all entries"
        assert_close(*same.probes.gradient_of(name, x))

    @robust
    def test_integers(self, student):
        """The gradient is right for an x of integers: the step is not lost"""
        assert_close(student.probes.gradient_of("x0^2 + 3 x0 x1", np.array([2, -1])), [1.0, 6.0])

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """x is not changed, not even in its last bit"""
        unchanged.probes.gradient_of("product of all entries", rng.normal(size=(5, 4)))


@exercise("gradient_check")
class TestGradientCheck:
    @pytest.mark.parametrize(
        "layer", ["linear", "tanh", "large cubes", "centred", "relu, all closed", "sum of squares"]
    )
    def test_right_layer(self, student, rng, layer):
        """A layer whose backward is right gets an error below 1e-6"""
        error = student.probes.check_of_a_right_layer(
            layer, away_from_zero(rng, (4, 3)), generator(rng)
        )
        assert_at_most(one_error(error), 1e-6, "the error", error)

    @pytest.mark.parametrize(
        "layer",
        [
            "tiny squares, the 2 forgotten",
            "tanh, the upstream gradient ignored",
            "softmax, no gradient at all",
            "cubes, the sign turned",
            "linear, W not transposed",
            "running sum, wrong in the last row only",
        ],
    )
    def test_broken_layer(self, student, rng, layer):
        """A layer whose backward is wrong gets an error above 1e-3"""
        size = (
            (4, 16) if layer.startswith("running") else (4, 3)
        )  # a wide row: by chance a narrow one hardly counts
        error = student.probes.check_of_a_broken_layer(
            layer, away_from_zero(rng, size), generator(rng)
        )
        assert_at_least(one_error(error), 1e-3, "the error", error)

    def test_wrong_shape(self, student, rng):
        """A gradient whose shape differs from x gives an error above 1e-3, whatever its numbers"""
        error = student.probes.check_of_a_bias(away_from_zero(rng, 3), generator(rng))
        assert_at_least(one_error(error), 1e-3, "the error", error)

    def test_relative(self, student, oracle, rng):
        """The error is relative: for half of the right gradient it is 1/3"""
        layer, x = "tiny squares, the 2 forgotten", away_from_zero(rng, (2, 5))
        error = student.probes.check_of_a_broken_layer(layer, x, generator(rng))
        assert_close(one_error(error), 1 / 3, "the error", tolerance=1e-3)

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """x is not changed"""
        unchanged.probes.check_of_a_right_layer("tanh", rng.normal(size=(3, 2)), generator(rng))


def one_error(error):
    """The error as one number, not negative and not NaN; infinite is allowed."""
    array = assert_shape(error, (), "the error")
    expect(array >= 0, f"the error is {array:g}, expected 0 or more", error)
    return float(array)
