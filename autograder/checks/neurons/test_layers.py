"""Checks of 01-neurons: layers and activations."""

import numpy as np
import pytest

from autograder.testing import (
    assert_close,
    assert_shape,
    assert_unchanged,
    exercise,
    robust,
    shape,
)


@exercise("linear_forward")
class TestLinearForward:
    @pytest.fixture
    def case(self, rng):  # N, D, M all different, so that a missing transpose cannot hide
        return rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)

    def test_by_hand(self, student):
        """One sample gives the values worked out by hand"""
        x, W, b = (
            np.array([[1.0, 2.0]]),
            np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]]),
            np.array([10.0, 20.0, 30.0]),
        )
        assert_close(student.linear_forward(x, W, b), [[15.0, 22.0, 30.0]])

    def test_batch(self, same, case):
        """x W + b is right for every sample of a batch"""
        assert_close(*same.linear_forward(*case))

    def test_bias_belongs_to_the_outputs(self, student, case):
        """For x = 0 the output of every sample is the bias b"""
        x, W, b = np.zeros((4, 3)), case[1], case[2]  # N = M: a bias by sample would fit too
        assert_close(student.linear_forward(x, W, b), np.tile(b, (4, 1)))

    @shape
    def test_batch_of_one(self, student, case):
        """A batch of one sample gives a result of shape (1, M)"""
        assert_shape(student.linear_forward(case[0][:1], *case[1:]), (1, 4))

    @robust
    def test_integers(self, same, rng):
        """Integer inputs give the right values"""
        case = (
            rng.randint(-9, 9, size=(3, 2)),
            rng.randint(-9, 9, size=(2, 4)),
            rng.randint(-9, 9, size=4),
        )
        assert_close(*same.linear_forward(*case))

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """x, W and b are not changed"""
        unchanged.linear_forward(*case)


@exercise("sigmoid")
class TestSigmoid:
    def test_by_hand(self, student):
        """sigmoid(0) is 1/2 and sigmoid(ln 3) is 3/4"""
        assert_close(student.sigmoid(np.array([0.0, np.log(3), -np.log(3)])), [0.5, 0.75, 0.25])

    def test_values(self, same, rng):
        """The values are right for z between -6 and 6"""
        z = rng.uniform(-6, 6, size=(3, 7))
        assert_close(*same.sigmoid(z))

    def test_symmetry(self, student, rng):
        """sigmoid(-z) is 1 - sigmoid(z)"""
        z = rng.uniform(-9, 9, size=11)
        a, b = assert_shape(student.sigmoid(z), z.shape), assert_shape(student.sigmoid(-z), z.shape)
        assert_close(a + b, np.ones(11), "sigmoid(z) + sigmoid(-z)")

    def test_small_tail(self, student):
        """sigmoid(-9) is small, but not 0: it is about exp(-9)"""
        value = assert_shape(student.sigmoid(np.array([-9.0])), (1,))
        assert_close(
            value / np.exp(-9), 1 / (1 + np.exp([-9.0])), "sigmoid(-9) / exp(-9)", tolerance=1e-2
        )

    @robust
    @pytest.mark.parametrize("size", [(), (5,), (2, 3, 4)], ids=["number", "vector", "rank-3"])
    def test_any_shape(self, same, rng, size):
        """The result has the shape of the input, whatever that shape is"""
        z = np.asarray(rng.normal(size=size))
        assert_close(*same.sigmoid(z))

    @robust
    def test_integers(self, same):
        """Integer inputs give fractions, not whole numbers"""
        z = np.array([[-2, -1, 0], [1, 2, 3]])
        assert_close(*same.sigmoid(z))

    @robust
    def test_extremes(self, student):
        """sigmoid(-10,000) is 0 and sigmoid(10,000) is 1, not NaN"""
        assert_close(student.sigmoid(np.array([-1e4, 1e4, -800.0, 800.0])), [0.0, 1.0, 0.0, 1.0])

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """z is not changed"""
        unchanged.sigmoid(rng.normal(size=(2, 3)))


@exercise("relu")
class TestRelu:
    def test_relu_by_hand(self, student):
        """relu keeps positive entries and sets all others to 0"""
        assert_close(student.relu(np.array([[-2.0, 0.0], [0.5, 3.0]])), [[0.0, 0.0], [0.5, 3.0]])

    def test_relu_values(self, same, rng):
        """relu is right for every entry of an array with three axes"""
        z = rng.normal(size=(2, 3, 4))
        assert_close(*same.relu(z))

    @robust
    def test_relu_of_a_number(self, student):
        """relu also accepts a single number"""
        assert_close(student.relu(np.array(-1.5)), 0.0)
        assert_close(student.relu(np.array(1.5)), 1.5)

    def test_leaky_default_slope(self, same, rng):
        """leaky_relu multiplies negative entries by 0.01 if no slope is given"""
        z = -rng.uniform(
            1, 3, size=(3, 4)
        )  # negative only: beside large positives 0.01 would hardly show
        assert_close(*same.leaky_relu(z))

    @pytest.mark.parametrize("slope", [0.2, 0.7])
    def test_leaky_slope(self, same, rng, slope):
        """leaky_relu uses the given slope, for negative entries only"""
        z = rng.normal(size=(3, 5))
        assert_close(*same.leaky_relu(z, slope))

    @pytest.mark.parametrize("slope", [0.0, 1.0])
    def test_leaky_limits(self, student, rng, slope):
        """leaky_relu with slope 0 equals relu; with slope 1 it returns z"""
        z = rng.normal(size=(4, 3))
        assert_close(student.leaky_relu(z, slope), np.maximum(z, 0) if slope == 0 else z)

    @robust
    def test_integers(self, student):
        """Integer inputs give the right values, fractions included"""
        assert_close(student.leaky_relu(np.array([-4, 0, 3]), 0.5), [-2.0, 0.0, 3.0])
        assert_close(student.relu(np.array([-4, 0, 3])), [0.0, 0.0, 3.0])

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """z is not changed"""
        z = rng.normal(size=(3, 4))
        unchanged.relu(z)
        unchanged.leaky_relu(z, 0.1)


@exercise("gelu_swish")
class TestGeluSwish:
    def test_gelu_by_hand(self, student):
        """gelu(0) is 0, and gelu(1) is 0.841345: the normal distribution function at 1"""
        assert_close(student.gelu(np.array([0.0, 1.0, -1.0])), [0.0, 0.8413447461, -0.1586552539])

    def test_gelu_values(self, same, rng):
        """gelu is exact: z times the normal distribution function, not an approximation"""
        z = rng.uniform(-3.5, 3.5, size=(4, 6))
        assert_close(*same.gelu(z))

    def test_swish_values(self, same, rng):
        """swish is z times sigmoid(z) if no beta is given"""
        z = rng.uniform(-4, 4, size=(3, 5))
        assert_close(*same.swish(z))

    @pytest.mark.parametrize("beta", [0.4, 2.5])
    def test_swish_beta(self, same, rng, beta):
        """swish multiplies the argument of the sigmoid by beta"""
        z = rng.uniform(-3, 3, size=(3, 5))
        assert_close(*same.swish(z, beta))

    def test_swish_limit(self, student, rng):
        """With beta = 0 swish is z / 2"""
        z = rng.normal(size=7)
        assert_close(student.swish(z, 0.0), z / 2)

    @robust
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_extremes(self, student, name):
        """At z = 10,000 the result is z, at z = -10,000 it is 0, never NaN"""
        assert_close(getattr(student, name)(np.array([-1e4, 1e4])), [0.0, 1e4], name)

    @robust
    @pytest.mark.parametrize("size", [(), (2, 3, 4)], ids=["number", "rank-3"])
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_any_shape(self, student, oracle, rng, name, size):
        """The result has the shape of the input, whatever that shape is"""
        z = np.asarray(
            rng.uniform(0.5, 2, size=size)
        )  # alone far left, float32 would have no digits to compare
        assert_close(getattr(student, name)(z), getattr(oracle, name)(z), name)

    @robust
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_argument_unchanged(self, student, rng, name):
        """z is not changed"""
        getattr(student, name)(rng.normal(size=(2, 3)))
        assert_unchanged(student)


@exercise("softmax")
class TestSoftmax:
    def test_by_hand(self, student):
        """Scores 0 and ln 3 give the probabilities 1/4 and 3/4"""
        assert_close(
            student.softmax(np.array([[0.0, np.log(3.0)], [2.0, 2.0]])), [[0.25, 0.75], [0.5, 0.5]]
        )

    def test_values(self, same, rng):
        """Every probability is right"""
        z = 2 * rng.normal(size=(4, 3))
        assert_close(*same.softmax(z))

    def test_rows_sum_to_one(self, student, rng):
        """The probabilities of each sample add up to 1"""
        p = assert_shape(student.softmax(2 * rng.normal(size=(5, 3))), (5, 3))
        assert_close(p.sum(axis=1), np.ones(5), "the row sums")

    def test_shift(self, student, oracle, rng):
        """Adding one number to all scores of a sample does not change its probabilities"""
        z = rng.normal(size=(3, 4))
        shifted = z + np.array([[80.0], [-90.0], [5.0]])
        assert_close(student.softmax(shifted), oracle.softmax(z))

    @shape
    def test_batch_of_one(self, student):
        """One sample gives one row of probabilities"""
        assert_close(student.softmax(np.array([[1.0, 1.0, 1.0, 1.0]])), [[0.25, 0.25, 0.25, 0.25]])

    @robust
    def test_large_scores(self, student):
        """Scores of 10,000 and more do not overflow"""
        assert_close(student.softmax(np.array([[1e4, 1e4], [1e4, -1e4]])), [[0.5, 0.5], [1.0, 0.0]])

    @robust
    def test_rows_far_apart(self, student):
        """Samples with very small and very large scores are right in the same batch"""
        assert_close(
            student.softmax(np.array([[1e4, 1e4], [-1e4, -1e4]])), [[0.5, 0.5], [0.5, 0.5]]
        )

    @robust
    def test_integers(self, same, rng):
        """Integer scores give the right probabilities"""
        z = rng.randint(-3, 4, size=(3, 5))
        assert_close(*same.softmax(z))

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """z is not changed"""
        unchanged.softmax(rng.normal(size=(3, 2)))
