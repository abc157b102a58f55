"""Checks of 02-backprop: the scalar autodiff."""

import math

import numpy as np
import pytest

from autograder.checks.backprop.cases import away_from_zero
from autograder.testing import (
    assert_at_most,
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_tensors,
    convergence,
    exercise,
    expect,
    gradient,
    robust,
)

# -- a number that remembers
# -------------------------------------------------------------------------


@exercise("value")
class TestValue:
    def compare(self, student, oracle, expression, **numbers):
        mine = student.probes.slopes_of(expression, numbers)
        assert_gradients(
            mine, oracle.probes.slopes_of(expression, numbers), "the value and the slopes"
        )

    def test_by_hand(self, student):
        """For c = a b + a at a = 2, b = -3, c is -4 and its slopes are -2 and 2"""
        mine = student.probes.slopes_of("a * b + a", {"a": 2.0, "b": -3.0})
        assert_gradients(mine, {"value": -4.0, "a": -2.0, "b": 2.0}, "the value and the slopes")

    @gradient
    @pytest.mark.parametrize("expression", ["a + b", "a - b", "a * b", "a / b", "-a * b"])
    def test_arithmetic(self, student, oracle, rng, expression):
        """Each operation on two Values gives the right result and two right slopes"""
        a, b = away_from_zero(rng, 2)
        self.compare(student, oracle, expression, a=float(a), b=float(b))

    @gradient
    @pytest.mark.parametrize(
        "expression", ["a + 3", "3 + a", "a - 3", "3 - a", "a * 3", "3 * a", "a / 3", "3 / a"]
    )
    def test_plain_numbers(self, student, oracle, rng, expression):
        """A plain number may be on either side of an operator"""
        self.compare(student, oracle, expression, a=float(rng.uniform(0.6, 0.9)))

    @gradient
    @pytest.mark.parametrize("power", ["2", "3", "-2", "0.5", "1"])
    def test_power(self, student, oracle, rng, power):
        """A constant power is right, also for a negative or fractional exponent"""
        self.compare(student, oracle, f"a ** {power}", a=float(rng.uniform(1.2, 1.8)))

    @gradient
    @pytest.mark.parametrize("function", ["exp", "tanh", "relu"])
    @pytest.mark.parametrize("sign", [1, -1], ids=["positive", "negative"])
    def test_functions(self, student, oracle, rng, function, sign):
        """exp, tanh and relu are right for positive and negative numbers"""
        a, b = rng.uniform(0.4, 0.9, size=2)
        self.compare(student, oracle, f"a.{function}() * b", a=float(sign * a), b=float(b))

    @gradient
    @pytest.mark.parametrize(
        "expression", ["a + a", "a * a", "a - a * a", "a / (a + 1)", "(a * b).tanh() * a + b"]
    )
    def test_used_twice(self, student, oracle, rng, expression):
        """A number that is used twice gets the sum of both slopes"""
        a, b = away_from_zero(rng, 2)
        self.compare(student, oracle, expression, a=abs(float(a)), b=float(b))

    @gradient
    def test_result_used_twice(self, same):
        """An intermediate result passes its slope on only after it has received all shares of it"""
        leaves, steps = (
            [1.5, -0.5],
            [("*", 0, 1), ("+", 2, 2), ("*", 3, 2), ("tanh", 4, 4), ("-", 5, 2)],
        )
        mine, right = same.probes.slopes_of_every_node(leaves, steps)
        self.same_nodes(mine, right)

    def test_the_result_itself(self, student, rng):
        """.grad is 0 before backward; the .grad of the result is 1 after it"""
        a, b = away_from_zero(rng, 2)
        before, after = assert_parts(
            student.probes.grad_of_the_result(float(a), float(b)), ["before", "after"]
        )
        assert_scalar(before, 0.0, ".grad of the result before backward")
        assert_scalar(after, 1.0, ".grad of the result after backward")

    @gradient
    @pytest.mark.parametrize("length", [6, 15, 40])
    def test_random_expressions(self, same, rng, length):
        """In a random expression, all results and all slopes are right"""
        case = random_steps(rng, length)
        self.same_nodes(*same.probes.slopes_of_every_node(*case))

    @gradient
    def test_second_backward(self, same, rng):
        """If every .grad is set to 0, a second backward gives the same slopes"""
        case = random_steps(
            rng, 12, ["+", "*"]
        )  # others may be made of parts that a caller cannot set to 0
        assert_close(
            *same.probes.slopes_found_twice(*case),
            "the slopes",
        )

    @gradient
    def test_relu_at_its_kink(self, student):
        """relu at 0 gives 0 and a slope from 0 to 1"""
        mine = student.probes.slopes_of("a.relu()", {"a": 0.0})
        slopes = assert_tensors(mine, {"value": 0.0, "a": 0.0}, "the value and the slope")
        assert_close(slopes["value"], 0.0, "relu(0)")
        expect(
            0 <= slopes["a"] <= 1,
            f"the slope is {slopes['a']:g}, expected a number from 0 to 1",
            mine,
        )

    @robust
    @pytest.mark.parametrize("a", [1000.0, -1000.0])
    def test_tanh_far_out(self, student, a):
        """tanh of ±1,000 is ±1 with slope 0"""
        mine = student.probes.slopes_of("a.tanh()", {"a": a})
        assert_gradients(mine, {"value": np.sign(a), "a": 0.0}, "the value and the slope")

    @robust
    def test_whole_numbers(self, student):
        """Values made from integers give the same quotient as Values made from floats"""
        mine = student.probes.slopes_of("a / b", {"a": 7, "b": 2})
        assert_gradients(mine, {"value": 3.5, "a": 0.5, "b": -1.75}, "the value and the slopes")

    @robust
    def test_long_chain(self, student):
        """A chain of 5,000 operations works: backward does not exceed Python's recursion limit"""
        y, slope = assert_parts(
            student.probes.chain_of_values(0.5, 5000), ["the result", "the slope"]
        )
        assert_close(
            y, 1 - 0.5 * 0.999**2500, "the result", tolerance=1e-3
        )  # float32 adds up 5,000 roundings
        assert_close(slope, 0.999**2500, "the slope", tolerance=1e-3)

    @convergence
    def test_learns_exclusive_or(self, student, rng):
        """A small network of Values learns exclusive or"""
        W1, W2 = rng.uniform(-1, 1, size=(2, 4)), rng.uniform(-1, 1, size=4)
        answers = assert_finite(
            assert_shape(student.probes.network_of_values(W1, W2, 300, 0.5), (4,), "the answers")
        )
        error = float(np.mean((answers - [-1, 1, 1, -1]) ** 2))
        assert_at_most(error, 0.01, "the mean squared error on the four corners", answers)

    def same_nodes(self, mine, right):
        """The numbers and the slopes of all nodes, in the order in which they were made."""
        parts = zip(assert_parts(mine, ["numbers", "slopes"]), right, ["the results", "the slopes"])
        for actual, expected, name in parts:
            assert_close(actual, expected, name)


def random_steps(rng, length, operators=("+", "-", "*", "tanh")):
    """Three leaves and so many steps, each on the node before it and an earlier one, no number tiny
    or large.
    """
    steps = []
    while len(steps) < length:  # a beginning from which no step leads on is dropped
        numbers, steps = [float(leaf) for leaf in away_from_zero(rng, 3)], []
        while len(steps) < length and (fitting := steps_that_fit(numbers, operators)):
            operator, j, result = fitting[rng.randint(len(fitting))]
            steps.append((operator, len(numbers) - 1, j))
            numbers.append(result)
    return numbers[:3], steps


def steps_that_fit(numbers, operators):
    """Operator, earlier node and result of each step that goes on from the last number to one of a
    good size.
    """
    i = len(numbers) - 1
    a, found = numbers[i], []
    for j in range(max(0, i - 5), i + 1):
        results = {
            "+": a + numbers[j],
            "-": a - numbers[j],
            "*": a * numbers[j],
            "tanh": math.tanh(a),
        }
        found += [(name, j, results[name]) for name in operators if 0.2 < abs(results[name]) < 2]
    return found
