"""Checks of 02-backprop: measured slopes, a scalar autodiff, gradients of layers, and a network
that learns.
"""

import math

import numpy as np
import pytest

from autograder.checks.backprop.mlp import accuracy, network, rings
from autograder.checks.data import digits
from autograder.testing.assertions import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    numbers,
    relative_error,
)
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_linear, assert_tensors
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")


def away_from_zero(rng, size):
    """Numbers between 0.2 and 2 in size, of either sign: no kink is near."""
    return rng.uniform(0.2, 2, size=size) * rng.choice([-1, 1], size=size)


# -- measuring slopes
# --------------------------------------------------------------------------------


@pytest.mark.exercise("numerical_gradient")
class TestNumericalGradient:
    def test_by_hand(self, student):
        """The slopes of x0^2 + 3 x0 x1 at (2, -1) are 1 and 6"""
        assert_close(
            student.probes.gradient_of("x0^2 + 3 x0 x1", np.array([2.0, -1.0])), [1.0, 6.0]
        )

    def test_both_sides(self, student):
        """For cubes at 1 and -2 a step of 0.1 to both sides gives 3x^2 + 0.01"""
        assert_close(
            student.probes.gradient_of("sum of cubes", np.array([1.0, -2.0]), 0.1), [3.01, 12.01]
        )

    def test_default_step(self, student, oracle, rng):
        """Unless told otherwise, the step is 1e-5"""
        x = rng.uniform(-1, 1, size=4)
        assert_close(
            student.probes.gradient_of("sum of sin(3000 x)", x),
            oracle.probes.gradient_of("sum of sin(3000 x)", x),
        )

    @pytest.mark.parametrize("size", [(), (3,), (2, 1, 3)], ids=["number", "vector", "rank-3"])
    def test_any_shape(self, student, oracle, rng, size):
        """x of any shape gives a gradient of that shape, one entry moved at a time"""
        x = np.asarray(rng.uniform(0.5, 1.5, size=size))
        name = "product of all entries"
        assert_close(student.probes.gradient_of(name, x), oracle.probes.gradient_of(name, x))

    @robust
    def test_integers(self, student):
        """Whole numbers in x do not swallow the step"""
        assert_close(student.probes.gradient_of("x0^2 + 3 x0 x1", np.array([2, -1])), [1.0, 6.0])

    @robust
    def test_argument_unchanged(self, student, rng):
        """x is left as it was, to the last bit"""
        student.probes.gradient_of("product of all entries", rng.normal(size=(5, 4)))
        assert_unchanged(student)


@pytest.mark.exercise("gradient_check")
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
        """A gradient of another shape than x is wrong, whatever its numbers"""
        error = student.probes.check_of_a_bias(away_from_zero(rng, 3), generator(rng))
        assert_at_least(one_error(error), 1e-3, "the error", error)

    def test_relative(self, student, oracle, rng):
        """The error is relative: for a gradient that is half of the right one it is 1/3"""
        layer, x = "tiny squares, the 2 forgotten", away_from_zero(rng, (2, 5))
        error = student.probes.check_of_a_broken_layer(layer, x, generator(rng))
        assert_close(one_error(error), 1 / 3, "the error", tolerance=1e-3)

    @robust
    def test_argument_unchanged(self, student, rng):
        """x is left as it was"""
        student.probes.check_of_a_right_layer("tanh", rng.normal(size=(3, 2)), generator(rng))
        assert_unchanged(student)


def one_error(error):
    """The error as one number, not negative and not NaN; infinite is allowed."""
    array = assert_shape(error, (), "the error")
    expect(array >= 0, f"the error is {array:g}, expected 0 or more", error)
    return float(array)


# -- a number that remembers
# -------------------------------------------------------------------------


@pytest.mark.exercise("value")
class TestValue:
    def compare(self, student, oracle, expression, **numbers):
        mine = student.probes.slopes_of(expression, numbers)
        assert_gradients(
            mine, oracle.probes.slopes_of(expression, numbers), "the value and the slopes"
        )

    def test_by_hand(self, student):
        """For c = a b + a at a = 2, b = -3: c is -4, its slopes are -2 and 2"""
        mine = student.probes.slopes_of("a * b + a", {"a": 2.0, "b": -3.0})
        assert_gradients(mine, {"value": -4.0, "a": -2.0, "b": 2.0}, "the value and the slopes")

    @gradient
    @pytest.mark.parametrize("expression", ["a + b", "a - b", "a * b", "a / b", "-a * b"])
    def test_arithmetic(self, student, oracle, rng, expression):
        """Each operation between two Values has the right result and the right two slopes"""
        a, b = away_from_zero(rng, 2)
        self.compare(student, oracle, expression, a=float(a), b=float(b))

    @gradient
    @pytest.mark.parametrize(
        "expression", ["a + 3", "3 + a", "a - 3", "3 - a", "a * 3", "3 * a", "a / 3", "3 / a"]
    )
    def test_plain_numbers(self, student, oracle, rng, expression):
        """A plain number may stand on either side"""
        self.compare(student, oracle, expression, a=float(rng.uniform(0.6, 0.9)))

    @gradient
    @pytest.mark.parametrize("power", ["2", "3", "-2", "0.5", "1"])
    def test_power(self, student, oracle, rng, power):
        """A constant power is right, also a negative or a broken one"""
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
    def test_result_used_twice(self, student, oracle):
        """An intermediate result on two ways of different length gets both shares before it passes
        them on
        """
        leaves, steps = (
            [1.5, -0.5],
            [("*", 0, 1), ("+", 2, 2), ("*", 3, 2), ("tanh", 4, 4), ("-", 5, 2)],
        )
        mine = student.probes.slopes_of_every_node(leaves, steps)
        self.same_nodes(mine, oracle.probes.slopes_of_every_node(leaves, steps))

    def test_the_result_itself(self, student, rng):
        """.grad is 0 before, and the result's own is 1 after backward"""
        a, b = away_from_zero(rng, 2)
        before, after = assert_parts(
            student.probes.grad_of_the_result(float(a), float(b)), ["before", "after"]
        )
        assert_scalar(before, 0.0, ".grad of the result before backward")
        assert_scalar(after, 1.0, ".grad of the result after backward")

    @gradient
    @pytest.mark.parametrize("length", [6, 15, 40])
    def test_random_expressions(self, student, oracle, rng, length):
        """In a random expression, all results and all slopes are right"""
        case = random_steps(rng, length)
        self.same_nodes(
            student.probes.slopes_of_every_node(*case), oracle.probes.slopes_of_every_node(*case)
        )

    @gradient
    def test_second_backward(self, student, oracle, rng):
        """A second backward, after every .grad was set to 0, finds the same slopes"""
        case = random_steps(
            rng, 12, ["+", "*"]
        )  # others may be made of parts that a caller cannot set to 0
        assert_close(
            student.probes.slopes_found_twice(*case),
            oracle.probes.slopes_found_twice(*case),
            "the slopes",
        )

    @gradient
    def test_relu_at_its_kink(self, student):
        """At 0, relu gives 0 and a slope between 0 and 1"""
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
        """Values of whole numbers are divided like all others"""
        mine = student.probes.slopes_of("a / b", {"a": 7, "b": 2})
        assert_gradients(mine, {"value": 3.5, "a": 0.5, "b": -1.75}, "the value and the slopes")

    @robust
    def test_long_chain(self, student):
        """A chain of 5,000 operations is no deeper than Python can go"""
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


# -- gradients of layers
# -----------------------------------------------------------------------------


@pytest.mark.exercise("linear_backward")
class TestLinearBackward:
    names = ("dx", "dW", "db")

    @pytest.fixture
    def case(self, rng):  # N, D, M all different, so that a missing transpose cannot hide
        return rng.normal(size=(5, 2)), rng.normal(size=(5, 3)), rng.normal(size=(3, 2))

    @gradient
    def test_by_hand(self, student):
        """Two samples worked by hand come out right"""
        dy, x, W = (
            np.array([[1.0, 0.0], [2.0, -1.0]]),
            np.array([[1.0], [3.0]]),
            np.array([[2.0, 5.0]]),
        )
        dx, dW, db = assert_parts(student.linear_backward(dy, x, W), self.names)
        assert_close(dx, [[2.0], [-1.0]], "dx")
        assert_close(dW, [[7.0, -3.0]], "dW")
        assert_close(db, [3.0, -1.0], "db")

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)
    def test_each_gradient(self, student, oracle, case, i, name):
        """dx, dW and db are right, each on its own"""
        mine = assert_parts(student.linear_backward(*case), self.names)
        assert_close(mine[i], oracle.linear_backward(*case)[i], name)

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)
    def test_square(self, student, oracle, rng, i, name):
        """They are right when all dimensions are equal and a wrong transpose would fit"""
        case = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
        mine = assert_parts(student.linear_backward(*case), self.names)
        assert_close(mine[i], oracle.linear_backward(*case)[i], name)

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)
    def test_linear_in_dy(self, student, rng, case, i, name):
        """Each gradient is linear in dy"""
        u, x, W = case
        assert_linear(
            lambda dy: assert_parts(student.linear_backward(dy, x, W), self.names)[i],
            u,
            u[::-1],
            name,
        )

    @shape
    def test_batch_of_one(self, student, case):
        """For one sample dx is (1, D), dW (D, M) and db still (M,)"""
        dy, x, W = case
        parts = assert_parts(student.linear_backward(dy[:1], x[:1], W), self.names)
        for part, size, name in zip(parts, [(1, 3), (3, 2), (2,)], self.names):
            assert_shape(part, size, name)

    @robust
    def test_arguments_unchanged(self, student, case):
        """dy, x and W are left as they were"""
        student.linear_backward(*case)
        assert_unchanged(student)


ACTIVATIONS = ["relu_backward", "sigmoid_backward", "tanh_backward", "gelu_backward"]


def an_input(rng, name, size):
    """What each takes beside dy: scores for relu and gelu, outputs in (0, 1) for sigmoid and (-1,
    1) for tanh.
    """
    if name == "sigmoid_backward":
        return np.asarray(rng.uniform(0.05, 0.95, size=size))
    return np.asarray(
        rng.uniform(-0.95, 0.95, size=size)
        if name == "tanh_backward"
        else away_from_zero(rng, size)
    )


@pytest.mark.exercise("activation_backward")
class TestActivationBackward:
    @gradient
    def test_by_hand(self, student):
        """One number each, worked by hand, comes out right"""
        dy = np.array([10.0, 10.0])
        assert_close(student.relu_backward(dy, np.array([-3.0, 0.5])), [0.0, 10.0], "relu_backward")
        assert_close(
            student.sigmoid_backward(dy, np.array([0.5, 0.75])), [2.5, 1.875], "sigmoid_backward"
        )
        assert_close(student.tanh_backward(dy, np.array([0.5, -0.8])), [7.5, 3.6], "tanh_backward")
        assert_close(
            student.gelu_backward(dy, np.array([0.0, 1.0])), [5.0, 10.8331547], "gelu_backward"
        )

    @gradient
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_values(self, student, oracle, rng, name):
        """Every entry of the gradient is right"""
        case = rng.normal(size=(4, 7)), an_input(rng, name, (4, 7))
        assert_close(getattr(student, name)(*case), getattr(oracle, name)(*case), name)

    @gradient
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_linear_in_dy(self, student, rng, name):
        """The gradient is linear in dy"""
        u, v, z = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), an_input(rng, name, (3, 4))
        assert_linear(
            lambda dy: assert_shape(getattr(student, name)(dy, z), (3, 4), name), u, v, name
        )

    @gradient
    def test_relu_at_its_kink(self, student):
        """At z = 0 any slope of relu from 0 to 1 is right"""
        dz = assert_finite(
            assert_shape(student.relu_backward(np.array([4.0, -4.0]), np.zeros(2)), (2,))
        )
        share = dz / [4.0, -4.0]
        expect(
            ((share >= 0) & (share <= 1)).all(),
            f"the slopes are {share}, expected numbers from 0 to 1",
            dz,
        )

    @robust
    @pytest.mark.parametrize("size", [(), (2, 3, 4)], ids=["number", "rank-3"])
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_any_shape(self, student, oracle, rng, name, size):
        """Any shape goes in and the same shape comes out"""
        case = np.asarray(rng.normal(size=size)), np.abs(an_input(rng, name, size))
        assert_close(getattr(student, name)(*case), getattr(oracle, name)(*case), name)

    @robust
    def test_integers(self, student):
        """Integer scores and upstream gradients are fine"""
        dy, z = np.array([[3, -2, 5]]), np.array([[2, -1, 1]])
        assert_close(student.relu_backward(dy, z), [[3.0, 0.0, 5.0]], "relu_backward")
        assert_close(
            student.gelu_backward(dy, z), [[3.25569514, 0.16663094, 5.41657736]], "gelu_backward"
        )

    @robust
    def test_far_out(self, student):
        """At scores of ±10,000 gelu passes dy on the right and nothing on the left, and is
        finite
        """
        assert_close(
            student.gelu_backward(np.array([2.0, 3.0]), np.array([1e4, -1e4])),
            [2.0, 0.0],
            "gelu_backward",
        )

    @robust
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_arguments_unchanged(self, student, rng, name):
        """What goes in is left as it was"""
        getattr(student, name)(rng.normal(size=(2, 3)), an_input(rng, name, (2, 3)))
        assert_unchanged(student)


def probabilities(rng, n, c):
    """Rows of random probabilities (n, c)."""
    p = rng.uniform(0.1, 1, size=(n, c))
    return p / p.sum(axis=1, keepdims=True)


@pytest.mark.exercise("softmax_backward")
class TestSoftmaxBackward:
    @pytest.fixture
    def case(self, rng):
        return rng.normal(size=(5, 3)), probabilities(rng, 5, 3)

    @gradient
    def test_by_hand(self, student):
        """p = (1/2, 1/4, 1/4) with dp = (4, 0, 0) gives (1, -1/2, -1/2)"""
        dz = student.softmax_backward(np.array([[4.0, 0.0, 0.0]]), np.array([[0.5, 0.25, 0.25]]))
        assert_close(dz, [[1.0, -0.5, -0.5]])

    @gradient
    def test_values(self, student, oracle, case):
        """Every entry of the gradient is right"""
        assert_close(student.softmax_backward(*case), oracle.softmax_backward(*case))

    @gradient
    def test_square(self, student, oracle, rng):
        """It is right when there are as many samples as classes"""
        case = rng.normal(size=(4, 4)), probabilities(rng, 4, 4)
        assert_close(student.softmax_backward(*case), oracle.softmax_backward(*case))

    @gradient
    def test_linear_in_dp(self, student, rng, case):
        """The gradient is linear in dp"""
        u, p = case
        assert_linear(
            lambda dp: assert_shape(student.softmax_backward(dp, p), p.shape),
            u,
            rng.normal(size=(5, 3)),
        )

    @gradient
    def test_rows_sum_to_zero(self, student, case):
        """Each row of the gradient adds up to 0, as a shift of the scores changes nothing"""
        dz = assert_finite(assert_shape(student.softmax_backward(*case), (5, 3)))
        expect(
            np.abs(dz.sum(axis=1)).max() < 1e-5,
            f"the rows add up to {dz.sum(axis=1).round(4)}, expected 0",
            dz,
        )

    @shape
    def test_batch_of_one(self, student, case):
        """One sample gives one row"""
        assert_shape(student.softmax_backward(case[0][:1], case[1][:1]), (1, 3))

    @robust
    def test_certain(self, student):
        """Where one probability is 1 the gradient is 0, not NaN"""
        dz = student.softmax_backward(np.array([[3.0, -1.0, 2.0]]), np.array([[0.0, 1.0, 0.0]]))
        assert_close(dz, [[0.0, 0.0, 0.0]])

    @robust
    def test_arguments_unchanged(self, student, case):
        """dp and p are left as they were"""
        student.softmax_backward(*case)
        assert_unchanged(student)


@pytest.mark.exercise("softmax_cross_entropy")
class TestSoftmaxCrossEntropy:
    names = ("loss", "dlogits")

    @pytest.fixture
    def case(self, rng):  # no class is last in all rows, and one occurs twice
        return 2 * rng.normal(size=(6, 4)), np.array([3, 0, 1, 1, 2, 3])

    def test_by_hand(self, student):
        """Scores (0, ln 3) with label 0: the loss is ln 4, its gradient (-3/4, 3/4)"""
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(np.array([[0.0, np.log(3)]]), [0]), self.names
        )
        assert_scalar(loss, np.log(4))
        assert_close(dlogits, [[-0.75, 0.75]], "dlogits")

    def test_loss(self, student, oracle, case):
        """The loss is the mean over the samples of -log p(label)"""
        loss = assert_parts(student.softmax_cross_entropy(*case), self.names)[0]
        assert_scalar(loss, oracle.softmax_cross_entropy(*case)[0])

    @gradient
    def test_gradient(self, student, oracle, case):
        """dlogits is the gradient of that mean"""
        dlogits = assert_parts(student.softmax_cross_entropy(*case), self.names)[1]
        assert_close(dlogits, oracle.softmax_cross_entropy(*case)[1], "dlogits")

    @gradient
    def test_batch_of_one(self, student, oracle, rng):
        """A single sample is right"""
        case = rng.normal(size=(1, 3)), np.array([2])
        loss, dlogits = assert_parts(student.softmax_cross_entropy(*case), self.names)
        right = oracle.softmax_cross_entropy(*case)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")

    @gradient
    def test_doubled_batch(self, student, case):
        """Every sample twice: the same loss, and half the gradient for each"""
        logits, labels = case
        once = assert_parts(student.softmax_cross_entropy(logits, labels), self.names)
        twice = assert_parts(
            student.softmax_cross_entropy(np.tile(logits, (2, 1)), np.tile(labels, 2)), self.names
        )
        assert_scalar(
            twice[0], float(numbers(once[0], "the loss").sum()), "the loss of the doubled batch"
        )
        assert_close(
            twice[1], np.tile(assert_shape(once[1], (6, 4), "dlogits"), (2, 1)) / 2, "dlogits"
        )

    @robust
    def test_large_scores(self, student):
        """At scores of ±10,000 the loss is the gap, and the gradient finite"""
        logits = np.array([[1e4, 0.0, -1e4], [0.0, 1e4, -1e4]])
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(logits, np.array([1, 1])), self.names
        )
        assert_scalar(loss, 5e3)
        assert_close(dlogits, [[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]], "dlogits")

    @robust
    def test_rows_far_apart(self, student):
        """A sample with small scores is right beside one with large scores"""
        logits = np.array([[1e4, 1e4], [-1e4, -1e4]])
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(logits, np.array([0, 1])), self.names
        )
        assert_scalar(loss, np.log(2))
        assert_close(dlogits, [[-0.25, 0.25], [0.25, -0.25]], "dlogits")

    @robust
    def test_integers(self, student, oracle, rng):
        """Integer scores are fine"""
        case = rng.randint(-3, 4, size=(4, 5)), np.array([4, 0, 2, 2])
        loss, dlogits = assert_parts(student.softmax_cross_entropy(*case), self.names)
        right = oracle.softmax_cross_entropy(*case)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")

    @robust
    def test_arguments_unchanged(self, student, case):
        """logits and labels are left as they were"""
        student.softmax_cross_entropy(*case)
        assert_unchanged(student)


# -- where to start
# ----------------------------------------------------------------------------------


@pytest.mark.exercise("initialisation")
class TestInitialisation:
    both = pytest.mark.parametrize("name", ["xavier_uniform", "he_normal"])

    @shape
    @both
    def test_shape(self, student, rng, name):
        """The weights have the shape (fan_in, fan_out)"""
        assert_shape(getattr(student, name)(5, 3, generator(rng)), (5, 3), name)

    @pytest.mark.parametrize(
        "fan_in, fan_out", [(2, 3), (3, 1), (30, 70)], ids=["2-3", "3-1", "30-70"]
    )
    @both
    def test_variance(self, student, rng, name, fan_in, fan_out):
        """The variance is what the two fans ask for"""
        w = self.drawn(student, rng, name, fan_in, fan_out)
        expected = 2 / (fan_in + fan_out) if name == "xavier_uniform" else 2 / fan_in
        # 6 standard errors: the fourth moment of a uniform is 1.8 variances squared, of a normal 3
        band = 6 * math.sqrt((1.8 if name == "xavier_uniform" else 3) - 1) / math.sqrt(w.size)
        off = abs(np.mean(w**2) / expected - 1)
        assert_at_most(off, band, f"the relative distance of the variance from {expected:.4g}", w)

    @both
    def test_mean(self, student, rng, name):
        """The mean is 0"""
        w = self.drawn(student, rng, name, 4, 6)
        assert_at_most(abs(w.mean()), 6 * w.std() / math.sqrt(w.size), "the size of the mean", w)

    def test_uniform(self, student, rng):
        """xavier_uniform fills its interval evenly up to the bounds, and never leaves it"""
        w = self.drawn(student, rng, "xavier_uniform", 4, 6)
        limit = math.sqrt(6 / 10)
        largest = float(np.abs(w).max())
        expect(
            largest <= limit * (1 + 1e-6),
            f"the largest weight is {largest:.4g}, expected at most {limit:.4g}",
            w,
        )
        assert_at_least(largest, 0.998 * limit, "the largest weight", w)
        tenth = np.mean(np.abs(w) > 0.9 * limit)
        assert_at_most(
            abs(tenth - 0.1),
            6 * 0.3 / math.sqrt(w.size),
            "|share beyond 0.9 of the bound − 0.1|",
            w,
        )

    def test_normal(self, student, rng):
        """he_normal has the tails of a normal distribution, not cut off"""
        w = self.drawn(student, rng, "he_normal", 8, 5)
        share = np.mean(np.abs(w) > 2 * math.sqrt(2 / 8))
        assert_at_most(
            abs(share - 0.0455),
            6 * 0.2084 / math.sqrt(w.size),
            "|share beyond 2 deviations − 0.0455|",
            w,
        )

    @both
    def test_generator(self, student, rng, name):
        """All randomness comes from rng: the same seed gives the same weights, another
        gives others
        """
        seed, other = generator(rng), generator(rng)
        first, again, others = (
            assert_shape(getattr(student, name)(6, 7, s), (6, 7)) for s in (seed, seed, other)
        )
        assert_close(again, first, f"{name} from the same seed")
        expect(np.abs(first - others).min() > 0, "two seeds give the same weights", first)

    @both
    def test_second_draw(self, student, rng, name):
        """A second draw from the same generator is independent of the first"""
        first, second = self.drawn(student, rng, name, 40, 50, times=2)
        alike = abs(np.mean(first * second)) / (first.std() * second.std())
        assert_at_most(
            alike, 6 / math.sqrt(first.size), "the correlation of two draws", (first, second)
        )

    @convergence
    @pytest.mark.parametrize(
        "name, activation", [("he_normal", "relu"), ("xavier_uniform", "none")]
    )
    def test_fifty_layers(self, student, rng, name, activation):
        """After 50 layers of width 300 the signal has neither died nor exploded"""
        x = rng.normal(size=(20, 300))
        x = student.probes.signal_behind_layers(name, activation, 50, x, generator(rng))
        size = float(np.log(np.mean(assert_finite(assert_shape(x, (20, 300))) ** 2) + 1e-300))
        assert_at_most(abs(size), math.log(30), "|log of the mean square after 50 layers|", size)

    def drawn(self, student, rng, name, fan_in, fan_out, times=None):
        """Many draws (times, fan_in, fan_out), 12,000 numbers unless told otherwise."""
        times = times or 12_000 // (fan_in * fan_out)
        w = student.probes.many_draws(name, fan_in, fan_out, times, generator(rng))
        return assert_finite(assert_shape(w, (times, fan_in, fan_out), f"{times} draws of {name}"))


# -- a network
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("mlp_loss_and_gradients")
class TestMlpLossAndGradients:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):
        return network(rng, [3, 5, 4, 2]), rng.normal(size=(6, 3)), np.array([1, 0, 0, 1, 1, 0])

    def test_by_hand(self, student):
        """A network of two layers worked by hand comes out right"""
        params = {
            "W1": [[1.0, -1.0]],
            "b1": [0.0, 0.0],
            "W2": [[np.log(3), 0.0], [0.0, 0.0]],
            "b2": [0.0, 0.0],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        loss, grads = assert_parts(
            student.mlp_loss_and_gradients(params, np.array([[1.0]]), np.array([1])), self.names
        )
        push = 0.75 * np.log(3)
        right = {
            "W1": [[push, 0.0]],
            "b1": [push, 0.0],
            "W2": [[0.75, -0.75], [0.0, 0.0]],
            "b2": [0.75, -0.75],
        }
        assert_scalar(loss, np.log(4))
        assert_gradients(grads, right)

    def test_loss(self, student, oracle, case):
        """The loss of three layers is right"""
        loss = assert_parts(student.mlp_loss_and_gradients(*case), self.names)[0]
        assert_scalar(loss, oracle.mlp_loss_and_gradients(*case)[0])

    @gradient
    def test_gradients(self, student, oracle, case):
        """The gradients of three layers are right"""
        grads = assert_parts(student.mlp_loss_and_gradients(*case), self.names)[1]
        assert_gradients(grads, oracle.mlp_loss_and_gradients(*case)[1])

    @gradient
    @pytest.mark.parametrize(
        "sizes", [[3, 4], [3, 5, 4], [3, 6, 5, 4, 4]], ids=["one", "two", "four"]
    )
    def test_any_depth(self, student, oracle, rng, sizes):
        """One, two and four layers are right"""
        case = network(rng, sizes), rng.normal(size=(7, 3)), rng.permutation(np.arange(7) % 4)
        loss, grads = assert_parts(student.mlp_loss_and_gradients(*case), self.names)
        right = oracle.mlp_loss_and_gradients(*case)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    @gradient
    def test_deep(self, student, oracle, rng):
        """Eleven layers are taken in the order of their numbers"""
        case = (
            network(rng, [4] * 11 + [3]),
            rng.normal(size=(9, 4)),
            rng.permutation(np.arange(9) % 3),
        )
        grads = assert_parts(student.mlp_loss_and_gradients(*case), self.names)[1]
        assert_gradients(grads, oracle.mlp_loss_and_gradients(*case)[1])

    @gradient
    def test_square(self, student, oracle, rng):
        """It is right when all layers are square and a wrong transpose would fit"""
        case = network(rng, [4, 4, 4, 4]), rng.normal(size=(4, 4)), np.array([3, 0, 2, 2])
        grads = assert_parts(student.mlp_loss_and_gradients(*case), self.names)[1]
        assert_gradients(grads, oracle.mlp_loss_and_gradients(*case)[1])

    @gradient
    def test_batch_of_one(self, student, oracle, case):
        """A batch of one sample is right"""
        params, x, _ = case
        ways = [oracle.mlp_loss_and_gradients(params, x[:1], np.array([label])) for label in (0, 1)]
        label = int(
            ways[1][0] > ways[0][0]
        )  # the less likely one: where p is nearly 1, float32 has no digits of 1 - p
        grads = assert_parts(
            student.mlp_loss_and_gradients(params, x[:1], np.array([label])), self.names
        )[1]
        assert_gradients(grads, ways[label][1])

    @robust
    def test_arguments_unchanged(self, student, case):
        """params, x and labels are left as they were"""
        student.mlp_loss_and_gradients(*case)
        assert_unchanged(student)


def middle(ways):
    """Of three pairs of dicts the middle one by its error: on its way from one start a neuron may
    pass its kink.
    """
    vectors = [
        [np.concatenate([part.ravel() for part in way.values()]) for way in pair] for pair in ways
    ]
    return ways[np.argsort([relative_error(*pair) for pair in vectors])[1]]


@pytest.mark.exercise("train_mlp")
class TestTrainMlp:
    @pytest.fixture
    def small(self, rng):  # N divides by 4; class 3 has no sample: it still needs its column
        return rng.normal(size=(12, 3)), rng.permutation(np.arange(12) % 3)

    def trained(self, student, X, labels, n_classes, hidden, *rest):
        """The student's params, each tensor of its right shape and finite."""
        sizes = {
            "W1": (X.shape[1], hidden),
            "b1": (hidden,),
            "W2": (hidden, n_classes),
            "b2": (n_classes,),
        }
        params = student.train_mlp(X, labels, n_classes, hidden, *rest)
        return assert_tensors(
            params, {name: np.zeros(size) for name, size in sizes.items()}, "params"
        )

    def moved(self, student, small, seed, lr, epochs, batch_size):
        """How far training with this rate moves each tensor, from where it begins with this
        seed.
        """
        n_classes = int(small[1].max()) + 2
        start, end = (
            self.trained(student, *small, n_classes, 5, r, epochs, batch_size, seed)
            for r in (1e-12, lr)
        )
        return start, {name: end[name] - start[name] for name in start}

    @shape
    @pytest.mark.parametrize("hidden", [1, 7])
    def test_shapes(self, student, rng, small, hidden):
        """W1 (D, hidden), b1, W2 (hidden, C) and b2 have their shapes, also when a class has no
        sample
        """
        self.trained(student, *small, 4, hidden, 0.1, 2, 5, generator(rng))

    def test_one_step(self, student, rng, small):
        """One full-batch step goes along the gradient, as far as the learning rate says, in every
        tensor
        """
        start, step = self.moved(student, small, generator(rng), 1e-3, 1, 12)
        before, after = (
            mean_loss(p, *small) for p in (start, {k: start[k] + step[k] for k in start})
        )
        length = sum(float((part**2).sum()) for part in step.values())
        for name in step:
            expect(np.abs(step[name]).max() > 0, f"{name} did not move at all", (start, step))
        gained = (before - after) * 1e-3 / (length + 1e-30)
        # along the gradient g the loss falls by lr g·g, and the squared length of the step is lr²
        # g·g
        assert_at_most(
            abs(gained - 1),
            0.05,
            "|(fall of the loss) · lr / (squared length of the step) − 1|",
            step,
        )

    @pytest.mark.parametrize("batch_size", [4, 1])
    def test_every_sample_once(self, student, rng, small, batch_size):
        """An epoch of small steps uses each sample once: the mean of its steps is the full-batch
        step
        """
        n, ways = 12 // batch_size, []
        for seed in (generator(rng), generator(rng), generator(rng)):
            whole, parts = (
                self.moved(student, small, seed, 1e-4, 1, size)[1] for size in (12, batch_size)
            )
            ways.append((parts, {name: n * step for name, step in whole.items()}))
        assert_gradients(*middle(ways), "the way of one epoch", 0.02)

    def test_own_batch(self, student, rng, small):
        """A step looks at its own batch only: 8 and 4 samples lead another way than all 12 twice"""
        seed = generator(rng)
        whole, parts = (self.moved(student, small, seed, 1e-3, 1, size)[1] for size in (12, 8))
        away = sum(np.abs(parts[name] - 2 * whole[name]).sum() for name in whole)
        share = away / (sum(np.abs(2 * part).sum() for part in whole.values()) + 1e-30)
        assert_at_least(share, 0.01, "the relative distance between the two ways", parts)

    def test_epochs(self, student, rng, small):
        """Six epochs go six times as far as one, at a small rate"""
        ways = []
        for seed in (generator(rng), generator(rng), generator(rng)):
            one, six = (self.moved(student, small, seed, 1e-3, epochs, 12)[1] for epochs in (1, 6))
            ways.append((six, {name: 6 * step for name, step in one.items()}))
        assert_gradients(*middle(ways), "the way of six epochs", 0.03)

    def test_last_batch(self, student, rng, small):
        """The last batch may be smaller than the others, and counts all the same"""
        seed = generator(rng)
        whole, short = (self.moved(student, small, seed, 1e-3, 1, size)[1] for size in (12, 20))
        assert_gradients(short, whole, "the way of one epoch", 0.02)

    def test_hidden_weights_differ(self, student, rng, small):
        """The hidden neurons start different from one another"""
        W1 = self.trained(student, *small, 4, 5, 1e-9, 1, 12, generator(rng))["W1"]
        spread = np.abs(W1 - W1.mean(axis=1, keepdims=True)).max()
        expect(spread > 1e-3, "all hidden neurons are alike, so they will stay alike", W1)

    def test_fresh_order(self, student, rng):
        """Each epoch takes the samples in a fresh order: the second does not repeat the first"""
        blank, ways = (
            (np.zeros((12, 3)), np.arange(12)),
            [],
        )  # each batch shows in b2 which labels it held
        for seed in (generator(rng), generator(rng), generator(rng)):
            one, two = (
                self.moved(student, blank, seed, 0.01, epochs, 8)[1]["b2"] for epochs in (1, 2)
            )
            ways.append(two - 2 * one)
        expect(
            np.abs(ways).max() > 2e-4,
            "with batches of 8 and 4 the second epoch goes the way of the first",
            ways,
        )

    def test_predict_by_hand(self, student):
        """predict takes the class with the greatest score of that network"""
        params = {
            "W1": [[1.0, -1.0]],
            "b1": [0.0, 0.5],
            "W2": [[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]],
            "b2": [0, 0, 0.9],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        # scores (2, 0, -1.1), (0, 5, 0.9) and, at 0.45, (0.45, 0.1, 0.45): the last away from a tie
        # by b2
        assert_close(
            student.predict(params, np.array([[2.0], [-2.0], [0.3]])), [0, 1, 2], "the labels"
        )

    def test_predict(self, student, oracle, rng):
        """predict gives the labels of many rows"""
        params, X = network(rng, [4, 6, 5]), rng.normal(size=(40, 4))
        assert_close(student.predict(params, X), oracle.predict(params, X), "the labels")

    @shape
    def test_predict_one(self, student, rng):
        """predict of one row is one label"""
        assert_shape(
            student.predict(network(rng, [4, 6, 5]), rng.normal(size=(1, 4))), (1,), "the labels"
        )

    @convergence
    def test_digits(self, student, oracle, rng):
        """A network of 32 hidden neurons reads new digits about as well as it should"""
        X, labels, X_test, labels_test = digits(rng)
        seeds = generator(rng), generator(rng)

        def trained(epochs, seed):
            return self.trained(student, X, labels, 10, 32, 0.05, epochs, 32, seed)

        best = accuracy(
            oracle.train_mlp(X, labels, 10, 32, 0.05, 100, 32, seeds[0]), X_test, labels_test
        )
        line, reached = min(0.93, best - 0.03), 0.0
        for seed in seeds:  # a constant rate may end in a spike: then another start counts
            if reached < line:
                params = trained(100, seed)
                reached = accuracy(params, X_test, labels_test)
        with on_the_way(
            student, 100, "epochs", lambda n: accuracy(trained(n, seeds[1]), X_test, labels_test)
        ):
            assert_at_least(reached, line, "the test accuracy", params)

    @convergence
    def test_rings(self, student, rng):
        """Rings inside rings are told apart, also when the samples come class by class"""
        X, labels, X_test, labels_test = rings(rng)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 3, 32, 0.2, epochs, 20, seed)

        params = trained(60)
        with on_the_way(student, 60, "epochs", lambda n: accuracy(trained(n), X_test, labels_test)):
            assert_at_least(
                accuracy(params, X_test, labels_test), 0.97, "the test accuracy", params
            )

    @convergence
    def test_by_heart(self, student, rng):
        """Eight samples are learnt by heart"""
        X, labels = rng.normal(size=(8, 6)), rng.permutation(np.arange(8) % 4)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 4, 32, 0.2, epochs, 4, seed)

        params = trained(400)
        with on_the_way(student, 400, "epochs", lambda n: mean_loss(trained(n), X, labels)):
            assert_at_most(mean_loss(params, X, labels), 0.01, "the training loss", params)

    @robust
    def test_arguments_unchanged(self, student, rng, small):
        """X, labels and params are left as they were"""
        student.train_mlp(*small, 4, 5, 0.1, 2, 5, generator(rng))
        assert_unchanged(student)
        student.predict(network(rng, [3, 5, 4]), small[0])
        assert_unchanged(student)


def mean_loss(params, X, labels):
    """The cross-entropy of the network, measured by the grader."""
    scores = np.maximum(X @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"]
    highest = scores.max(axis=1, keepdims=True)
    log_sum = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
    return float(np.mean(log_sum - scores[np.arange(len(X)), labels]))
