"""Checks of 06-bptt: embedding and the recurrent network."""

import numpy as np
import pytest

from autograder.checks.bptt.cases import TURN, each
from autograder.checks.bptt.sequences import (
    weights,
)
from autograder.testing import (
    assert_close,
    assert_gradient,
    assert_gradients,
    assert_linear,
    assert_parts,
    assert_shape,
    exercise,
    gradient,
    robust,
    shape,
)

# -- symbols as vectors
# --------------------------------------------------------------------------------


@exercise("embedding")
class TestEmbedding:
    @pytest.fixture
    def ids(self):  # 2 stands four times, in both rows; 0 and 5 not at all
        return np.array([[2, 4, 2, 1], [3, 2, 1, 2]])

    def test_forward_by_hand(self, student):
        """Each symbol gets its row of E"""
        E = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        y = student.embedding_forward(np.array([[2, 0, 2]]), E)
        assert_close(y, [[[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]])

    @pytest.mark.parametrize("size", [(5, 4), (7,), (2, 3, 4)], ids=["matrix", "vector", "rank-3"])
    def test_forward(self, same, rng, size):
        """The vectors have the shape (*ids.shape, D), for ids of any shape"""
        case = rng.randint(0, 6, size=size), rng.normal(size=(6, 3))
        assert_close(*same.embedding_forward(*case))

    @gradient
    def test_backward_by_hand(self, student):
        """A symbol that occurs twice gets the sum of both gradients; a missing symbol gets 0"""
        dy = np.array([[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]])
        dE = student.embedding_backward(dy, np.array([[2, 0, 2]]), 4)
        assert_close(dE, [[10.0, 20.0], [0.0, 0.0], [101.0, 202.0], [0.0, 0.0]], "dE")

    @gradient
    def test_backward(self, same, rng, ids):
        """Gradients are summed over all positions of a symbol, in all rows"""
        dy = rng.normal(size=(2, 4, 3))
        assert_close(*same.embedding_backward(dy, ids, 6), "dE")

    @gradient
    @pytest.mark.parametrize("size", [(9,), (2, 3, 4)], ids=["vector", "rank-3"])
    def test_backward_any_shape(self, same, rng, size):
        """The gradient is right for ids of any shape"""
        case = rng.normal(size=(*size, 2)), rng.randint(0, 5, size=size), 5
        assert_close(*same.embedding_backward(*case), "dE")

    @gradient
    def test_linear_in_dy(self, student, rng, ids):
        """The gradient is linear in dy"""
        u, v = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3))
        assert_linear(
            lambda dy: assert_shape(student.embedding_backward(dy, ids, 6), (6, 3), "dE"),
            u,
            v,
            "dE",
        )

    @robust
    def test_integers(self, student):
        """Integer values in dy give the right gradient"""
        dE = student.embedding_backward(np.array([[3, -1], [4, 2], [1, 1]]), np.array([1, 1, 0]), 2)
        assert_close(dE, [[1.0, 1.0], [7.0, 1.0]], "dE")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, ids):
        """ids, E and dy are not changed"""
        unchanged.embedding_forward(ids, rng.normal(size=(6, 3)))
        unchanged.embedding_backward(rng.normal(size=(2, 4, 3)), ids, 6)


# -- a step, and steps in a row
# ------------------------------------------------------------------------

STEP = ("dx", "dh_prev", "dWx", "dWh", "db")


@exercise("rnn_step")
class TestRnnStep:
    @pytest.fixture
    def case(self, rng):  # N, D, H all different: x, h_prev, Wx, Wh, b
        return rng.normal(size=(5, 2)), rng.uniform(-0.9, 0.9, size=(5, 3)), *weights(rng, 2, 3)

    def backward(self, student, dh, x, h_prev, h, Wx, Wh):
        return assert_parts(student.rnn_step_backward(dh, x, h_prev, h, Wx, Wh), STEP)

    def test_forward_by_hand(self, student):
        """x = 1 and h_prev = (1/2, -1) give z = (0, ln 2) and h = (0, 3/5)"""
        x, h_prev, Wx = np.array([[1.0]]), np.array([[0.5, -1.0]]), np.array([[2.0, np.log(2)]])
        Wh, b = np.array([[-2.0, 4.0], [0.0, 3.0]]), np.array([-1.0, 1.0])
        assert_close(student.rnn_step_forward(x, h_prev, Wx, Wh, b), [[0.0, 0.6]], "h")

    def test_forward(self, same, case):
        """The new state is right"""
        assert_close(*same.rnn_step_forward(*case), "h")

    def test_forward_square(self, same, rng):
        """The new state is right when all dimensions are equal, where a wrong transpose would
        fit
        """
        case = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), *weights(rng, 3, 3)
        assert_close(*same.rnn_step_forward(*case), "h")

    @gradient
    def test_backward_by_hand(self, student):
        """For one sample, h = (0, 3/5) and dh = (1, 25) give dz = (1, 16)"""
        x, h_prev, h = np.array([[3.0]]), np.array([[0.5, -1.0]]), np.array([[0.0, 0.6]])
        Wx, Wh = np.array([[2.0, 1.0]]), np.array([[-2.0, 4.0], [0.0, 3.0]])
        parts = self.backward(student, np.array([[1.0, 25.0]]), x, h_prev, h, Wx, Wh)
        right = [[[18.0]], [[62.0, 48.0]], [[3.0, 48.0]], [[0.5, 8.0], [-1.0, -16.0]], [1.0, 16.0]]
        for part, expected, name in zip(parts, right, STEP):
            assert_close(part, expected, name)

    @gradient
    @each(STEP)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """dx, dh_prev, dWx, dWh and db are each right"""
        dh, h = rng.normal(size=(5, 3)), oracle.rnn_step_forward(*case)
        x, h_prev, Wx, Wh, _ = case
        right = oracle.rnn_step_backward(dh, x, h_prev, h, Wx, Wh)[i]

        def forward(v):
            return student.rnn_step_forward(*case[:i], v, *case[i + 1 :])

        mine = self.backward(student, dh, x, h_prev, h, Wx, Wh)[i]
        assert_gradient(mine, right, name, forward, case[i], dh)

    @gradient
    @each(STEP)
    def test_square(self, student, oracle, rng, i, name):
        """The gradients are right when all dimensions are equal, where a wrong transpose would
        fit
        """
        dh, x, h_prev = (rng.normal(size=(3, 3)) for _ in range(3))
        case = dh, x, h_prev, rng.uniform(-0.9, 0.9, size=(3, 3)), *weights(rng, 3, 3)[:2]
        assert_close(self.backward(student, *case)[i], oracle.rnn_step_backward(*case)[i], name)

    @gradient
    @each(STEP)
    def test_linear_in_dh(self, student, rng, case, i, name):
        """Each gradient is linear in dh"""
        x, h_prev, Wx, Wh, _ = case
        h, u, v = (
            rng.uniform(-0.9, 0.9, size=(5, 3)),
            rng.normal(size=(5, 3)),
            rng.normal(size=(5, 3)),
        )
        assert_linear(lambda dh: self.backward(student, dh, x, h_prev, h, Wx, Wh)[i], u, v, name)

    @shape
    def test_batch_of_one(self, student, rng):
        """One sample keeps its batch axis, and db has the shape of b"""
        x, h_prev, Wx, Wh, b = rng.normal(size=(1, 2)), rng.normal(size=(1, 3)), *weights(rng, 2, 3)
        assert_shape(student.rnn_step_forward(x, h_prev, Wx, Wh, b), (1, 3), "h")
        parts = self.backward(student, h_prev, x, h_prev, np.zeros((1, 3)), Wx, Wh)
        for part, size, name in zip(parts, [(1, 2), (1, 3), (2, 3), (3, 3), (3,)], STEP):
            assert_shape(part, size, name)

    @robust
    def test_saturated(self, student):
        """At z = ±10,000 the state is ±1 and all gradients are 0"""
        h = student.rnn_step_forward(
            *(np.array(part) for part in ([[1e4, -1e4]], [[0.0, 0.0]], I2, I2, [0.0, 0.0]))
        )
        assert_close(h, [[1.0, -1.0]], "h")
        ones = np.array([[1.0, -1.0]])
        dx = self.backward(student, ones, ones, ones, ones, np.array(I2), np.array(I2))[0]
        assert_close(dx, [[0.0, 0.0]], "dx")

    @robust
    def test_integers(self, same, rng):
        """Integer inputs give the right values"""
        x, h_prev, Wx, Wh, b = (
            rng.randint(-2, 3, size=size) for size in [(4, 2), (4, 3), (2, 3), (3, 3), 3]
        )
        case = x, h_prev, Wx, Wh, b
        assert_close(*same.rnn_step_forward(*case), "h")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """The arguments are not changed"""
        unchanged.rnn_step_forward(*case)
        unchanged.rnn_step_backward(
            rng.normal(size=(5, 3)), *case[:2], rng.uniform(-0.9, 0.9, size=(5, 3)), *case[2:4]
        )


I2 = [[1.0, 0.0], [0.0, 1.0]]


THROUGH_TIME = ("dx", "dh0", "dWx", "dWh", "db")


@exercise("rnn")
class TestRnn:
    @pytest.fixture
    def case(self, rng):  # N, T, D, H all different, h0 not 0: x, h0, Wx, Wh, b
        return rng.normal(size=(3, 6, 2)), rng.uniform(-0.9, 0.9, size=(3, 4)), *weights(rng, 2, 4)

    def both(self, student, oracle, dh, x, h0, Wx, Wh, b):
        """The student's gradients and the right ones, for the states of the right forward pass."""
        h = oracle.rnn_forward(x, h0, Wx, Wh, b)
        mine = assert_parts(student.rnn_backward(dh, x, h0, h, Wx, Wh), THROUGH_TIME)
        return mine, oracle.rnn_backward(dh, x, h0, h, Wx, Wh)

    def compare(self, student, oracle, dh, *case):
        """All five at once."""
        mine, right = self.both(student, oracle, dh, *case)
        assert_gradients(dict(zip(THROUGH_TIME, mine)), dict(zip(THROUGH_TIME, right)))

    def test_forward_by_hand(self, student):
        """Two steps give the states worked out by hand: the second starts from the first state"""
        x, h0, b = np.array([[[np.log(2)], [0.0]]]), np.array([[0.0]]), np.array([0.0])
        h = student.rnn_forward(x, h0, np.array([[1.0]]), np.array([[5 * np.log(3) / 3]]), b)
        assert_close(h, [[[0.6], [0.8]]], "h")

    def test_forward(self, same, case):
        """All states are right for an h0 that is not 0"""
        assert_close(*same.rnn_forward(*case), "h")

    def test_forward_square(self, same, rng):
        """All states are right when all dimensions are equal"""
        case = rng.normal(size=(3, 3, 3)), rng.normal(size=(3, 3)), *weights(rng, 3, 3)
        assert_close(*same.rnn_forward(*case), "h")

    @shape
    @pytest.mark.parametrize("N, T", [(1, 5), (4, 1)], ids=["one-sample", "one-step"])
    def test_forward_shape(self, same, rng, N, T):
        """The states have the shape (N, T, H), also for one sample and for one step"""
        case = rng.normal(size=(N, T, 2)), rng.normal(size=(N, 3)), *weights(rng, 2, 3)
        assert_close(*same.rnn_forward(*case), "h")

    @gradient
    def test_backward_by_hand(self, student):
        """Two steps give the gradients worked out by hand"""
        x, h0, h = np.array([[[1.0], [-1.2]]]), np.array([[0.0]]), np.array([[[0.6], [0.0]]])
        dh, Wx, Wh = np.array([[[0.0], [1.0]]]), np.array([[3.0]]), np.array([[2.0]])
        parts = assert_parts(student.rnn_backward(dh, x, h0, h, Wx, Wh), THROUGH_TIME)
        right = [[[[3.84], [3.0]]], [[2.56]], [[0.08]], [[0.6]], [2.28]]
        for part, expected, name in zip(parts, right, THROUGH_TIME):
            assert_close(part, expected, name)

    @gradient
    @each(THROUGH_TIME)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """With upstream gradients at every step, dx, dh0, dWx, dWh and db are each right"""
        dh = rng.normal(size=(3, 6, 4))
        mine, right = self.both(student, oracle, dh, *case)

        def forward(v):
            return student.rnn_forward(*case[:i], v, *case[i + 1 :])

        assert_gradient(mine[i], right[i], name, forward, case[i], dh)

    @gradient
    @pytest.mark.parametrize("step", [5, 3, 0], ids=["last", "middle", "first"])
    def test_from_one_step(self, student, oracle, rng, case, step):
        """An upstream gradient at one step reaches all steps before it, and no step after it"""
        dh = np.zeros((3, 6, 4))
        dh[:, step] = rng.normal(size=(3, 4))
        self.compare(student, oracle, dh, *case)

    @gradient
    @each(THROUGH_TIME)
    def test_square(self, student, oracle, rng, i, name):
        """The gradients are right when all dimensions are equal, where a wrong axis would fit"""
        case = rng.normal(size=(3, 3, 3)), rng.uniform(-0.9, 0.9, size=(3, 3)), *weights(rng, 3, 3)
        mine, right = self.both(student, oracle, rng.normal(size=(3, 3, 3)), *case)
        assert_close(mine[i], right[i], name)

    @gradient
    def test_one_step(self, student, oracle, rng):
        """The gradients of a sequence of one step are right"""
        case = rng.normal(size=(4, 1, 2)), rng.uniform(-0.9, 0.9, size=(4, 3)), *weights(rng, 2, 3)
        self.compare(student, oracle, rng.normal(size=(4, 1, 3)), *case)

    @gradient
    def test_one_sample(self, student, oracle, rng):
        """A batch of one sequence is right and keeps its axes"""
        case = rng.normal(size=(1, 5, 2)), rng.uniform(-0.9, 0.9, size=(1, 3)), *weights(rng, 2, 3)
        self.compare(student, oracle, rng.normal(size=(1, 5, 3)), *case)

    @gradient
    def test_far_back(self, student, oracle, rng):
        """A gradient at the end of 40 steps reaches h0 and the first x"""
        x, h0, dh = (
            0.1 * rng.normal(size=(2, 40, 3)),
            0.1 * rng.normal(size=(2, 4)),
            np.zeros((2, 40, 4)),
        )
        dh[:, -1] = rng.normal(size=(2, 4))
        Wx, _, b = weights(rng, 3, 4)
        mine, right = self.both(student, oracle, dh, x, h0, Wx, np.array(TURN), 0 * b)
        assert_close(mine[1], right[1], "dh0")
        assert_close(
            assert_shape(mine[0], (2, 40, 3), "dx")[:, 0], right[0][:, 0], "dx at the first step"
        )

    @gradient
    @each(THROUGH_TIME)
    def test_linear_in_dh(self, student, rng, case, i, name):
        """Each gradient is linear in dh"""
        x, h0, Wx, Wh, _ = case
        h, u, v = (
            rng.uniform(-0.9, 0.9, size=(3, 6, 4)),
            rng.normal(size=(3, 6, 4)),
            rng.normal(size=(3, 6, 4)),
        )
        back = lambda dh: assert_parts(student.rnn_backward(dh, x, h0, h, Wx, Wh), THROUGH_TIME)  # noqa: E731
        assert_linear(lambda dh: back(dh)[i], u, v, name)

    @robust
    def test_integers(self, student, oracle, same, rng):
        """Integer values in x, h0 and dh give the right gradients"""
        x, h0, dh = (rng.randint(-2, 3, size=size) for size in [(3, 4, 2), (3, 5), (3, 4, 5)])
        case = x, h0, *weights(rng, 2, 5)
        assert_close(*same.rnn_forward(*case), "h")
        self.compare(student, oracle, dh, *case)

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """The arguments are not changed, in particular dh"""
        unchanged.rnn_forward(*case)
        x, h0, Wx, Wh, _ = case
        unchanged.rnn_backward(
            rng.normal(size=(3, 6, 4)), x, h0, rng.uniform(-0.9, 0.9, size=(3, 6, 4)), Wx, Wh
        )
