"""Checks of 02-backprop: the backward of each layer."""

import numpy as np
import pytest

from autograder.checks.backprop.cases import away_from_zero
from autograder.testing import (
    assert_close,
    assert_finite,
    assert_linear,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_unchanged,
    exercise,
    expect,
    gradient,
    numbers,
    robust,
    shape,
)

# -- gradients of layers
# -----------------------------------------------------------------------------


@exercise("linear_backward")
class TestLinearBackward:
    names = ("dx", "dW", "db")

    @pytest.fixture
    def case(self, rng):  # N, D, M all different, so that a missing transpose cannot hide
        return rng.normal(size=(5, 2)), rng.normal(size=(5, 3)), rng.normal(size=(3, 2))

    @gradient
    def test_by_hand(self, student):
        """Two samples give the gradients worked out by hand"""
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
    def test_each_gradient(self, same, case, i, name):
        """dx, dW and db are each right"""
        mine, right = same.linear_backward(*case)
        mine = assert_parts(mine, self.names)
        assert_close(mine[i], right[i], name)

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)
    def test_square(self, same, rng, i, name):
        """dx, dW and db are right when D = M = N, where a wrong transpose would fit"""
        case = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
        mine, right = same.linear_backward(*case)
        mine = assert_parts(mine, self.names)
        assert_close(mine[i], right[i], name)

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
        """For one sample, the shapes are (1, D) for dx, (D, M) for dW and (M,) for db"""
        dy, x, W = case
        parts = assert_parts(student.linear_backward(dy[:1], x[:1], W), self.names)
        for part, size, name in zip(parts, [(1, 3), (3, 2), (2,)], self.names):
            assert_shape(part, size, name)

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """dy, x and W are not changed"""
        unchanged.linear_backward(*case)


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


@exercise("activation_backward")
class TestActivationBackward:
    @gradient
    def test_by_hand(self, student):
        """Each backward gives the gradients worked out by hand"""
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
        """At z = 0 relu_backward uses a slope from 0 to 1"""
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
        """The result has the shape of the input, whatever that shape is"""
        case = np.asarray(rng.normal(size=size)), np.abs(an_input(rng, name, size))
        assert_close(getattr(student, name)(*case), getattr(oracle, name)(*case), name)

    @robust
    def test_integers(self, student):
        """Integer scores and integer upstream gradients give the right values"""
        dy, z = np.array([[3, -2, 5]]), np.array([[2, -1, 1]])
        assert_close(student.relu_backward(dy, z), [[3.0, 0.0, 5.0]], "relu_backward")
        assert_close(
            student.gelu_backward(dy, z), [[3.25569514, 0.16663094, 5.41657736]], "gelu_backward"
        )

    @robust
    def test_far_out(self, student):
        """gelu_backward returns dy for the score 10,000 and 0 for -10,000, never NaN"""
        assert_close(
            student.gelu_backward(np.array([2.0, 3.0]), np.array([1e4, -1e4])),
            [2.0, 0.0],
            "gelu_backward",
        )

    @robust
    @pytest.mark.parametrize("name", ACTIVATIONS)
    def test_arguments_unchanged(self, student, rng, name):
        """The arguments are not changed"""
        getattr(student, name)(rng.normal(size=(2, 3)), an_input(rng, name, (2, 3)))
        assert_unchanged(student)


def probabilities(rng, n, c):
    """Rows of random probabilities (n, c)."""
    p = rng.uniform(0.1, 1, size=(n, c))
    return p / p.sum(axis=1, keepdims=True)


@exercise("softmax_backward")
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
    def test_values(self, same, case):
        """Every entry of the gradient is right"""
        assert_close(*same.softmax_backward(*case))

    @gradient
    def test_square(self, same, rng):
        """The gradient is right when there are as many samples as classes"""
        case = rng.normal(size=(4, 4)), probabilities(rng, 4, 4)
        assert_close(*same.softmax_backward(*case))

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
        """Each row of the gradient adds up to 0"""
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
        """The gradient is 0, not NaN, if one probability is 1"""
        dz = student.softmax_backward(np.array([[3.0, -1.0, 2.0]]), np.array([[0.0, 1.0, 0.0]]))
        assert_close(dz, [[0.0, 0.0, 0.0]])

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """dp and p are not changed"""
        unchanged.softmax_backward(*case)


@exercise("softmax_cross_entropy")
class TestSoftmaxCrossEntropy:
    names = ("loss", "dlogits")

    @pytest.fixture
    def case(self, rng):  # no class is last in all rows, and one occurs twice
        return 2 * rng.normal(size=(6, 4)), np.array([3, 0, 1, 1, 2, 3])

    def test_by_hand(self, student):
        """For scores (0, ln 3) and label 0, the loss is ln 4 and the gradient is (-3/4, 3/4)"""
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(np.array([[0.0, np.log(3)]]), [0]), self.names
        )
        assert_scalar(loss, np.log(4))
        assert_close(dlogits, [[-0.75, 0.75]], "dlogits")

    def test_loss(self, same, case):
        """The loss is the mean over the samples of -log p(label)"""
        mine, right = same.softmax_cross_entropy(*case)
        loss = assert_parts(mine, self.names)[0]
        assert_scalar(loss, right[0])

    @gradient
    def test_gradient(self, same, case):
        """dlogits is the gradient of that mean loss"""
        mine, right = same.softmax_cross_entropy(*case)
        dlogits = assert_parts(mine, self.names)[1]
        assert_close(dlogits, right[1], "dlogits")

    @gradient
    def test_batch_of_one(self, same, rng):
        """The loss and the gradient of a single sample are right"""
        case = rng.normal(size=(1, 3)), np.array([2])
        mine, right = same.softmax_cross_entropy(*case)
        loss, dlogits = assert_parts(mine, self.names)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")

    @gradient
    def test_doubled_batch(self, student, case):
        """If every sample comes twice, the loss is the same and each gradient is half as large"""
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
        """At scores of ±10,000 the loss is the gap between the scores, and the gradient is
        finite
        """
        logits = np.array([[1e4, 0.0, -1e4], [0.0, 1e4, -1e4]])
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(logits, np.array([1, 1])), self.names
        )
        assert_scalar(loss, 5e3)
        assert_close(dlogits, [[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]], "dlogits")

    @robust
    def test_rows_far_apart(self, student):
        """Samples with very small and very large scores are right in the same batch"""
        logits = np.array([[1e4, 1e4], [-1e4, -1e4]])
        loss, dlogits = assert_parts(
            student.softmax_cross_entropy(logits, np.array([0, 1])), self.names
        )
        assert_scalar(loss, np.log(2))
        assert_close(dlogits, [[-0.25, 0.25], [0.25, -0.25]], "dlogits")

    @robust
    def test_integers(self, same, rng):
        """Integer scores give the right loss and gradient"""
        case = rng.randint(-3, 4, size=(4, 5)), np.array([4, 0, 2, 2])
        mine, right = same.softmax_cross_entropy(*case)
        loss, dlogits = assert_parts(mine, self.names)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """logits and labels are not changed"""
        unchanged.softmax_cross_entropy(*case)
