"""Checks of 04-regularization: batch and layer normalisation."""

import numpy as np
import pytest

from autograder.testing import (
    along,
    assert_close,
    assert_finite,
    assert_gradient,
    assert_linear,
    assert_parts,
    assert_shape,
    exercise,
    expect,
    gradient,
    quietly,
    robust,
    shape,
)

GRADIENTS = pytest.mark.parametrize("i, name", [(0, "dL/dx"), (1, "dL/dgamma"), (2, "dL/dbeta")])


@exercise("batchnorm")
class TestBatchnorm:
    @pytest.fixture
    def case(self, rng):  # x, gamma, beta, running_mean, running_var; N = 6, D = 4
        scale, shift = rng.uniform(0.5, 3, size=4), rng.normal(size=4)
        x = scale * rng.normal(size=(6, 4)) + shift
        return (
            x,
            rng.uniform(0.5, 2, size=4),
            rng.normal(size=4),
            rng.normal(size=4),
            rng.uniform(0.5, 2, size=4),
        )

    PARTS = ("y", "running_mean", "running_var")

    @pytest.mark.parametrize("i", [0, 1, 2], ids=PARTS)
    def test_by_hand(self, student, i):
        """The batch of three samples from the text gives the values worked out there"""
        x = np.array([[0.0, 5.0], [0.0, 5.0], [6.0, 5.0]])
        args = np.array([3.0, 7.0]), np.array([1.0, -1.0]), np.zeros(2), np.ones(2), True, 0.1, 1.0
        expected = [[-1.0, -1.0], [-1.0, -1.0], [5.0, -1.0]], [0.2, 0.5], [2.1, 0.9]
        assert_close(
            assert_parts(student.batchnorm_forward(x, *args), self.PARTS)[i],
            expected[i],
            self.PARTS[i],
        )

    @pytest.mark.parametrize("i", [0, 1, 2], ids=PARTS)
    @pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
    def test_values(self, same, case, training, i):
        """y and the running statistics are right in training and in evaluation, with default
        options
        """
        mine, right = same.batchnorm_forward(*case, training)
        actual = assert_parts(mine, self.PARTS)
        assert_close(actual[i], right[i], self.PARTS[i])

    @pytest.mark.parametrize("momentum", [0.0, 0.35, 1.0])
    def test_momentum(self, same, case, momentum):
        """momentum is the weight of the new batch in the running statistics"""
        mine, right = same.batchnorm_forward(*case, True, momentum)
        actual = assert_parts(mine, self.PARTS)
        expected = right
        assert_close(actual[1], expected[1], "running_mean")
        assert_close(actual[2], expected[2], "running_var")

    @pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
    def test_eps(self, same, case, training):
        """eps is added to the variance, inside the root"""
        mine, right = same.batchnorm_forward(*case, training, 0.1, 0.7)
        y = assert_parts(mine, self.PARTS)[0]
        assert_close(y, right[0], "y")

    def test_default_eps(self, same, case):
        """eps is 0.00001 if it is not given"""
        args = 0.003 * case[0], *case[1:]  # variances as small as eps
        mine, right = same.batchnorm_forward(*args, True)
        y = assert_parts(mine, self.PARTS)[0]
        assert_close(y, right[0], "y")

    @robust
    def test_constant_feature(self, student, case):
        """A feature that is constant over the batch gives beta, not NaN"""
        x, gamma, beta, *running = case
        y, *_ = assert_parts(
            student.batchnorm_forward(np.full((6, 4), 2.5), gamma, beta, *running, True), self.PARTS
        )
        assert_close(y, np.tile(beta, (6, 1)), "y")

    @robust
    def test_batch_of_one(self, same, case):
        """In evaluation a sample gives the same result alone and in a batch"""
        args = case[0][2:3], *case[1:]
        mine, right = same.batchnorm_forward(*args, False)
        y, *_ = assert_parts(mine, self.PARTS)
        assert_close(y, right[0], "y")

    @robust
    @pytest.mark.parametrize("i", [0, 2], ids=["y", "running_var"])
    def test_batch_of_two(self, same, case, i):
        """Training works with a batch of two samples"""
        args = case[0][:2], *case[1:]
        mine, right = same.batchnorm_forward(*args, True)
        actual = assert_parts(mine, self.PARTS)[i]
        assert_close(actual, right[i], self.PARTS[i])

    @robust
    def test_integers(self, same, rng, case):
        """Integer inputs give the right values"""
        args = (
            rng.permutation(24).reshape(6, 4),
            np.array([1, 2, 3, 4]),
            np.array([3, 2, 1, 0]),
            *case[3:],
        )
        mine, right = same.batchnorm_forward(*args, True)
        actual, expected = (
            mine,
            right,
        )
        for part, value, name in zip(assert_parts(actual, self.PARTS), expected, self.PARTS):
            assert_close(part, value, name)

    @gradient
    def test_backward_by_hand(self, student):
        """The batch of three samples from the text gives the gradients worked out there"""
        dy, x = np.array([[1.0], [0.0], [2.0]]), np.array([[0.0], [0.0], [6.0]])
        expected = [[[4 / 9], [-5 / 9], [1 / 9]], [2.0], [3.0]]
        parts = assert_parts(
            student.batchnorm_backward(dy, x, np.array([3.0]), 1.0), ["dx", "dgamma", "dbeta"]
        )
        for part, value, name in zip(parts, expected, ["dL/dx", "dL/dgamma", "dL/dbeta"]):
            assert_close(part, value, name)

    @gradient
    @GRADIENTS
    @pytest.mark.parametrize("eps", [None, 0.7], ids=["default eps", "large eps"])
    def test_each_gradient(self, student, same, rng, case, eps, i, name):
        """dL/dx, dL/dgamma and dL/dbeta are each right"""
        dy, inputs, eps = rng.normal(size=(6, 4)), case[:3], [] if eps is None else [eps]
        mine, right = same.batchnorm_backward(dy, *inputs[:2], *eps)
        actual = assert_parts(mine, ["dx", "dgamma", "dbeta"])[i]
        own = quietly(student).batchnorm_forward
        forward = along(lambda *inputs: own(*inputs, *case[3:], True, 0.1, *eps)[0], inputs, i)
        expected = right[i]
        assert_gradient(actual, expected, name, forward, inputs[i], dy)

    @gradient
    def test_default_eps_backward(self, same, rng, case):
        """The backward uses the same eps as the forward: 0.00001 if it is not given"""
        args = rng.normal(size=(6, 4)), 0.003 * case[0], case[1]
        mine, right = same.batchnorm_backward(*args)
        dx = assert_parts(mine, ["dx", "dgamma", "dbeta"])[0]
        assert_close(dx, right[0], "dL/dx")

    @gradient
    def test_backward_is_linear(self, student, rng, case):
        """The gradient for the sum of two upstream gradients is the sum of their gradients"""
        u, v = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
        assert_linear(lambda dy: student.batchnorm_backward(dy, *case[:2])[0], u, v, "dL/dx")

    @gradient
    def test_nothing_gained_by_a_shift(self, student, rng, case):
        """dL/dx of each feature adds up to 0 over the batch"""
        dx = assert_parts(
            student.batchnorm_backward(rng.normal(size=(6, 4)), *case[:2]),
            ["dx", "dgamma", "dbeta"],
        )[0]
        total = np.abs(assert_finite(assert_shape(dx, (6, 4), "dL/dx"), "dL/dx").sum(axis=0)).max()
        expect(
            total < 1e-4,
            f"over the batch, dL/dx of a feature adds up to {total:.3g}, expected 0",
            dx,
        )

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """The arguments are not changed, in particular the running statistics"""
        unchanged.batchnorm_forward(*case, True)
        unchanged.batchnorm_backward(rng.normal(size=(6, 4)), *case[:2])


@exercise("layernorm")
class TestLayernorm:
    @pytest.fixture
    def case(self, rng):  # x, gamma, beta; N = 5, D = 4
        x = rng.uniform(0.5, 3, size=(5, 1)) * rng.normal(size=(5, 4)) + rng.normal(size=(5, 1))
        return x, rng.uniform(0.5, 2, size=4), rng.normal(size=4)

    def test_by_hand(self, student):
        """The sample from the text gives the values worked out there"""
        x, gamma, beta = (
            np.array([[0.0, 0.0, 6.0], [5.0, 5.0, 5.0]]),
            np.array([3.0, 6.0, 3.0]),
            np.array([1.0, 0.0, -1.0]),
        )
        assert_close(
            student.layernorm_forward(x, gamma, beta, 1.0), [[-1.0, -4.0, 3.0], [1.0, 0.0, -1.0]]
        )

    def test_values(self, same, case):
        """Each sample is normalised over its own features"""
        assert_close(*same.layernorm_forward(*case))

    @pytest.mark.parametrize(
        "scale, eps", [(1.0, 0.7), (0.003, 1e-5)], ids=["large eps", "small variance"]
    )
    def test_eps(self, same, case, scale, eps):
        """eps is added to the variance, inside the root"""
        args = scale * case[0], case[1], case[2], *([] if eps == 1e-5 else [eps])
        assert_close(*same.layernorm_forward(*args))

    def test_alone_or_in_company(self, same, case):
        """A sample gives the same result alone and in a batch"""
        args = case[0][3:4], *case[1:]
        assert_close(*same.layernorm_forward(*args))

    @shape
    @pytest.mark.parametrize(
        "size", [(4,), (2, 3, 4), (2, 3, 5, 4)], ids=["vector", "rank-3", "rank-4"]
    )
    def test_any_rank(self, same, rng, case, size):
        """The last axis holds the features, whatever the number of other axes"""
        args = rng.normal(size=size), *case[1:]
        assert_close(*same.layernorm_forward(*args))

    @robust
    def test_integers(self, same, rng):
        """Integer inputs give the right values"""
        args = rng.permutation(20).reshape(5, 4), np.array([1, 2, 3, 4]), np.array([3, 2, 1, 0])
        assert_close(*same.layernorm_forward(*args))

    @gradient
    def test_backward_by_hand(self, student):
        """The sample from the text gives the gradients worked out there"""
        dy, x = np.array([[1.0, 0.0, 2.0]]), np.array([[0.0, 0.0, 6.0]])
        parts = assert_parts(
            student.layernorm_backward(dy, x, np.full(3, 3.0), 1.0), ["dx", "dgamma", "dbeta"]
        )
        expected = [[[4 / 9, -5 / 9, 1 / 9]], [-2 / 3, 0.0, 8 / 3], [1.0, 0.0, 2.0]]
        for part, value, name in zip(parts, expected, ["dL/dx", "dL/dgamma", "dL/dbeta"]):
            assert_close(part, value, name)

    @gradient
    @GRADIENTS
    @pytest.mark.parametrize("size", [(5, 4), (4,), (3, 2, 4)], ids=["batch", "vector", "rank-3"])
    def test_each_gradient(self, student, same, rng, case, size, i, name):
        """dL/dx, dL/dgamma and dL/dbeta are each right, for any number of axes"""
        dy, inputs = rng.normal(size=size), (rng.normal(size=size), *case[1:])
        mine, right = same.layernorm_backward(dy, *inputs[:2])
        actual = assert_parts(mine, ["dx", "dgamma", "dbeta"])[i]
        forward = along(quietly(student).layernorm_forward, inputs, i)
        assert_gradient(actual, right[i], name, forward, inputs[i], dy)

    @gradient
    @pytest.mark.parametrize(
        "scale, eps", [(1.0, 0.7), (0.003, 1e-5)], ids=["large eps", "small variance"]
    )
    def test_eps_backward(self, same, rng, case, scale, eps):
        """The backward uses the same eps as the forward"""
        args = rng.normal(size=(5, 4)), scale * case[0], case[1], *([] if eps == 1e-5 else [eps])
        mine, right = same.layernorm_backward(*args)
        dx = assert_parts(mine, ["dx", "dgamma", "dbeta"])[0]
        assert_close(dx, right[0], "dL/dx")

    @gradient
    def test_backward_is_linear(self, student, rng, case):
        """The gradient for the sum of two upstream gradients is the sum of their gradients"""
        u, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
        assert_linear(lambda dy: student.layernorm_backward(dy, *case[:2])[0], u, v, "dL/dx")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """The arguments are not changed"""
        unchanged.layernorm_forward(*case)
        unchanged.layernorm_backward(rng.normal(size=(5, 4)), *case[:2])
