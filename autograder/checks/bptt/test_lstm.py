"""Checks of 06-bptt: the LSTM and the flow of gradients."""

import numpy as np
import pytest

from autograder.checks.bptt.cases import TURN, each
from autograder.checks.bptt.sequences import (
    weights,
)
from autograder.testing import (
    assert_close,
    assert_finite,
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

# -- a memory with gates
# -------------------------------------------------------------------------------


@exercise("lstm_step")
class TestLstmStep:
    names = ("dx", "dh_prev", "dc_prev", "dWx", "dWh", "db")

    @pytest.fixture
    def case(self, rng):  # N, D, H all different: x, h_prev, c_prev, Wx, Wh, b
        states = rng.uniform(-0.9, 0.9, size=(4, 3)), 1.5 * rng.normal(size=(4, 3))
        return rng.normal(size=(4, 2)), *states, *weights(rng, 2, 3, gates=4)

    def forward(self, student, *case):
        return assert_parts(student.lstm_step_forward(*case), ("h", "c"))

    def backward(self, student, *case):
        return assert_parts(student.lstm_step_backward(*case), self.names)

    def compare(self, student, oracle, *case):
        """All six at once."""
        mine, right = self.backward(student, *case), oracle.lstm_step_backward(*case)
        assert_gradients(dict(zip(self.names, mine)), dict(zip(self.names, right)))

    def test_forward_by_hand(self, student):
        """i = 1/2, f = 3/4, g = 3/5, o = 4/5 and c_prev = 2 give c = 1.8 and h = 0.8 tanh(1.8)"""
        b = np.log([1.0, 3.0, 2.0, 4.0])
        zero, Wx, Wh = np.zeros((1, 1)), np.ones((1, 4)), np.ones((1, 4))
        h, c = self.forward(student, zero, zero, np.array([[2.0]]), Wx, Wh, b)
        assert_close(c, [[1.8]], "c")
        assert_close(h, [[0.757444808]], "h")

    @pytest.mark.parametrize("i, name", [(0, "h"), (1, "c")], ids=["h", "c"])
    def test_forward(self, student, oracle, case, i, name):
        """The new h and c are right"""
        assert_close(self.forward(student, *case)[i], oracle.lstm_step_forward(*case)[i], name)

    @pytest.mark.parametrize("i, name", [(0, "h"), (1, "c")], ids=["h", "c"])
    def test_forward_square(self, student, oracle, rng, i, name):
        """h and c are right when N, D and H are equal"""
        case = (*(rng.normal(size=(3, 3)) for _ in range(3)), *weights(rng, 3, 3, gates=4))
        assert_close(self.forward(student, *case)[i], oracle.lstm_step_forward(*case)[i], name)

    @shape
    def test_batch_of_one(self, student, rng):
        """The results keep all axes for one sample and one cell"""
        case = (*(rng.normal(size=(1, n)) for n in (2, 1, 1)), *weights(rng, 2, 1, gates=4))
        for part, name in zip(self.forward(student, *case), ("h", "c")):
            assert_shape(part, (1, 1), name)
        parts = self.backward(student, np.ones((1, 1)), np.ones((1, 1)), *case)
        for part, size, name in zip(
            parts, [(1, 2), (1, 1), (1, 1), (2, 4), (1, 4), (4,)], self.names
        ):
            assert_shape(part, size, name)

    @gradient
    def test_backward_by_hand(self, student):
        """For that step, dh = 0 and dc = 10 give dc_prev 7.5 and the gates 1.5, 3.75, 3.2 and 0"""
        b, zero = np.log([1.0, 3.0, 2.0, 4.0]), np.zeros((1, 1))
        case = zero, zero, np.array([[2.0]]), np.ones((1, 4)), np.ones((1, 4)), b
        parts = self.backward(student, zero, np.array([[10.0]]), *case)
        assert_close(parts[2], [[7.5]], "dc_prev")
        assert_close(parts[5], [1.5, 3.75, 3.2, 0.0], "db")

    @gradient
    @each(names)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """With upstream gradients on h and on c, each of the six gradients is right"""
        dh, dc = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))

        def forward(v):
            h, c = student.lstm_step_forward(*case[:i], v, *case[i + 1 :])
            return np.stack([h, c])

        mine, right = (
            self.backward(student, dh, dc, *case)[i],
            oracle.lstm_step_backward(dh, dc, *case)[i],
        )
        assert_gradient(mine, right, name, forward, case[i], np.stack([dh, dc]))

    @gradient
    @pytest.mark.parametrize("on_h, on_c", [(1, 0), (0, 1)], ids=["on-h", "on-c"])
    def test_one_way(self, student, oracle, rng, case, on_h, on_c):
        """The gradients are right with an upstream gradient on h only, and on c only"""
        self.compare(
            student, oracle, on_h * rng.normal(size=(4, 3)), on_c * rng.normal(size=(4, 3)), *case
        )

    @gradient
    def test_square(self, student, oracle, rng):
        """The gradients are right when all dimensions are equal, where a wrong transpose would
        fit
        """
        parts = (rng.normal(size=(3, 3)) for _ in range(5))
        self.compare(student, oracle, *parts, *weights(rng, 3, 3, gates=4))

    @gradient
    @each(names)
    def test_linear(self, student, rng, case, i, name):
        """Each gradient is linear in dh and dc together"""
        u, v = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3))
        assert_linear(lambda above: self.backward(student, *above, *case)[i], u, v, name)

    @gradient
    def test_memory_held(self, student):
        """If f is 1 and i and o are 0, c and its gradient do not change"""
        shut, x, h = np.array([-60.0, 60.0, 0.0, -60.0]), np.zeros((1, 1)), np.zeros((1, 1))
        case = x, h, np.array([[0.7]]), np.zeros((1, 4)), np.zeros((1, 4)), shut
        assert_close(self.forward(student, *case)[1], [[0.7]], "c")
        assert_close(self.backward(student, h + 3.0, h + 5.0, *case)[2], [[5.0]], "dc_prev")

    @robust
    def test_far_out(self, student):
        """At scores of ±10,000 the gates are 0 or 1, and nothing is NaN or infinite"""
        x, zero, c_prev = np.array([[1.0]]), np.zeros((1, 2)), np.array([[0.5, -0.5]])
        Wx = 1e4 * np.array(
            [[1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, -1.0]]
        )  # i 1 0, f 0 1, g 1 -1, o 1 0
        case = x, zero, c_prev, Wx, np.zeros((2, 8)), np.zeros(8)
        h, c = self.forward(student, *case)
        assert_close(c, [[1.0, -0.5]], "c")
        assert_close(h, [[np.tanh(1), 0.0]], "h")
        assert_close(
            self.backward(student, zero, np.array([[1.0, 2.0]]), *case)[2], [[0.0, 2.0]], "dc_prev"
        )

    @robust
    def test_integers(self, student, oracle, rng):
        """Integer inputs give the right values"""
        sizes = [(3, 2), (3, 2), (3, 2), (2, 8), (2, 8), 8]
        case = tuple(rng.randint(-2, 3, size=size) for size in sizes)
        for mine, right, name in zip(
            self.forward(student, *case), oracle.lstm_step_forward(*case), ("h", "c")
        ):
            assert_close(mine, right, name)
        self.compare(
            student, oracle, rng.randint(-2, 3, size=(3, 2)), rng.randint(-2, 3, size=(3, 2)), *case
        )

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """The arguments are not changed"""
        unchanged.lstm_step_forward(*case)
        unchanged.lstm_step_backward(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), *case)


@exercise("gradient_flow")
class TestGradientFlow:
    @pytest.fixture
    def case(self, rng):  # Wx, Wh, b, x, h0: N, T, D, H all different
        return *weights(rng, 2, 4), rng.normal(size=(3, 6, 2)), rng.uniform(-0.9, 0.9, size=(3, 4))

    def test_by_hand(self, student):
        """For one neuron, Wh = 2, three steps and z = 0 after the first step, the norms are 4,
        2, 1
        """
        x, h0, b = np.zeros((1, 3, 1)), np.zeros((1, 1)), np.zeros(1)
        norms = student.gradient_norms(np.ones((1, 1)), np.array([[2.0]]), b, x, h0)
        assert_close(norms, [4.0, 2.0, 1.0], "the norms")

    def test_values(self, same, case):
        """All norms are right"""
        assert_close(*same.gradient_norms(*case), "the norms")

    def test_square(self, same, rng):
        """The norms are right when all dimensions are equal, where a wrong transpose would fit"""
        case = *weights(rng, 3, 3), rng.normal(size=(3, 3, 3)), rng.uniform(-0.9, 0.9, size=(3, 3))
        assert_close(*same.gradient_norms(*case), "the norms")

    def test_last(self, student, case):
        """The last norm is √(N·H), because the gradient of the last state is all ones"""
        norms = assert_shape(student.gradient_norms(*case), (6,), "the norms")
        assert_close(norms[-1], np.sqrt(12), "the last norm")

    @shape
    @pytest.mark.parametrize("N, T", [(1, 5), (3, 1)], ids=["one-sample", "one-step"])
    def test_shape(self, same, rng, N, T):
        """The result has T norms, also for one sample and for one step"""
        case = *weights(rng, 2, 3), rng.normal(size=(N, T, 2)), rng.uniform(-0.9, 0.9, size=(N, 3))
        assert_close(*same.gradient_norms(*case), "the norms")

    @pytest.mark.parametrize("factor", [0.5, 1.0, 1.5], ids=["vanishing", "kept", "exploding"])
    def test_thirty_steps(self, student, rng, factor):
        """At z = 0 with Wh a rotation times 0.5, 1 or 1.5, each step back multiplies by that
        factor
        """
        zeros, Wh = np.zeros((2, 30, 3)), factor * np.array(TURN)
        norms = student.gradient_norms(
            rng.normal(size=(3, 4)), Wh, np.zeros(4), zeros, np.zeros((2, 4))
        )
        size = np.log(np.abs(assert_finite(assert_shape(norms, (30,), "the norms"))) + 1e-30)
        assert_close(
            size, np.log(np.sqrt(8)) + np.log(factor) * np.arange(29, -1, -1), "log of the norms"
        )

    def test_saturated(self, student):
        """No gradient passes through a saturated neuron"""
        x = np.array([[[0.0], [50.0], [0.0]]])
        norms = student.gradient_norms(
            np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), x, np.zeros((1, 1))
        )
        assert_close(norms, [0.0, 1 / np.cosh(1) ** 2, 1.0], "the norms")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """The arguments are not changed"""
        unchanged.gradient_norms(*case)
