"""Checks of 06-bptt: recurrent layers and their gradients through time, an LSTM step, a character
model that writes.
"""

import numpy as np
import pytest

from autograder.checks.bptt.dinosaurs import bigram_nll
from autograder.checks.bptt.sequences import (
    character_model,
    name_probabilities,
    nll,
    recall,
    recalled,
    some_names,
    surprise,
    tensor_shapes,
    weights,
)
from autograder.testing.assertions import (
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
)
from autograder.testing.gradients import assert_gradient
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_linear, assert_shapes
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")


def each(names):
    """One check for each of these gradients."""
    return pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)


# -- symbols as vectors
# --------------------------------------------------------------------------------


@pytest.mark.exercise("embedding")
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
    def test_forward(self, student, oracle, rng, size):
        """Symbols in an array of any shape give vectors in that shape"""
        case = rng.randint(0, 6, size=size), rng.normal(size=(6, 3))
        assert_close(student.embedding_forward(*case), oracle.embedding_forward(*case))

    @gradient
    def test_backward_by_hand(self, student):
        """A symbol that stands twice gets the sum of both gradients, one that is missing gets 0"""
        dy = np.array([[[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]])
        dE = student.embedding_backward(dy, np.array([[2, 0, 2]]), 4)
        assert_close(dE, [[10.0, 20.0], [0.0, 0.0], [101.0, 202.0], [0.0, 0.0]], "dE")

    @gradient
    def test_backward(self, student, oracle, rng, ids):
        """Gradients are summed over all places of a symbol, across the rows too"""
        dy = rng.normal(size=(2, 4, 3))
        assert_close(
            student.embedding_backward(dy, ids, 6), oracle.embedding_backward(dy, ids, 6), "dE"
        )

    @gradient
    @pytest.mark.parametrize("size", [(9,), (2, 3, 4)], ids=["vector", "rank-3"])
    def test_backward_any_shape(self, student, oracle, rng, size):
        """The gradient is right for symbols in an array of any shape"""
        case = rng.normal(size=(*size, 2)), rng.randint(0, 5, size=size), 5
        assert_close(student.embedding_backward(*case), oracle.embedding_backward(*case), "dE")

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
        """Whole numbers in dy are fine"""
        dE = student.embedding_backward(np.array([[3, -1], [4, 2], [1, 1]]), np.array([1, 1, 0]), 2)
        assert_close(dE, [[1.0, 1.0], [7.0, 1.0]], "dE")

    @robust
    def test_arguments_unchanged(self, student, rng, ids):
        """ids, E and dy are left as they were"""
        student.embedding_forward(ids, rng.normal(size=(6, 3)))
        assert_unchanged(student)
        student.embedding_backward(rng.normal(size=(2, 4, 3)), ids, 6)
        assert_unchanged(student)


# -- a step, and steps in a row
# ------------------------------------------------------------------------

STEP = ("dx", "dh_prev", "dWx", "dWh", "db")


@pytest.mark.exercise("rnn_step")
class TestRnnStep:
    @pytest.fixture
    def case(self, rng):  # N, D, H all different: x, h_prev, Wx, Wh, b
        return rng.normal(size=(5, 2)), rng.uniform(-0.9, 0.9, size=(5, 3)), *weights(rng, 2, 3)

    def backward(self, student, dh, x, h_prev, h, Wx, Wh):
        return assert_parts(student.rnn_step_backward(dh, x, h_prev, h, Wx, Wh), STEP)

    def test_forward_by_hand(self, student):
        """x = 1, h_prev = (1/2, -1): z = (0, ln 2) and h = (0, 3/5)"""
        x, h_prev, Wx = np.array([[1.0]]), np.array([[0.5, -1.0]]), np.array([[2.0, np.log(2)]])
        Wh, b = np.array([[-2.0, 4.0], [0.0, 3.0]]), np.array([-1.0, 1.0])
        assert_close(student.rnn_step_forward(x, h_prev, Wx, Wh, b), [[0.0, 0.6]], "h")

    def test_forward(self, student, oracle, case):
        """The new state is right"""
        assert_close(student.rnn_step_forward(*case), oracle.rnn_step_forward(*case), "h")

    def test_forward_square(self, student, oracle, rng):
        """The new state is right when all dimensions are equal and a wrong transpose would fit"""
        case = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), *weights(rng, 3, 3)
        assert_close(student.rnn_step_forward(*case), oracle.rnn_step_forward(*case), "h")

    @gradient
    def test_backward_by_hand(self, student):
        """One sample worked by hand: h = (0, 3/5) and dh = (1, 25) give dz = (1, 16)"""
        x, h_prev, h = np.array([[3.0]]), np.array([[0.5, -1.0]]), np.array([[0.0, 0.6]])
        Wx, Wh = np.array([[2.0, 1.0]]), np.array([[-2.0, 4.0], [0.0, 3.0]])
        parts = self.backward(student, np.array([[1.0, 25.0]]), x, h_prev, h, Wx, Wh)
        right = [[[18.0]], [[62.0, 48.0]], [[3.0, 48.0]], [[0.5, 8.0], [-1.0, -16.0]], [1.0, 16.0]]
        for part, expected, name in zip(parts, right, STEP):
            assert_close(part, expected, name)

    @gradient
    @each(STEP)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """dx, dh_prev, dWx, dWh and db are right, each on its own"""
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
        """They are right when all dimensions are equal and a wrong transpose would fit"""
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
        """One sample stays a batch, and db has the shape of b"""
        x, h_prev, Wx, Wh, b = rng.normal(size=(1, 2)), rng.normal(size=(1, 3)), *weights(rng, 2, 3)
        assert_shape(student.rnn_step_forward(x, h_prev, Wx, Wh, b), (1, 3), "h")
        parts = self.backward(student, h_prev, x, h_prev, np.zeros((1, 3)), Wx, Wh)
        for part, size, name in zip(parts, [(1, 2), (1, 3), (2, 3), (3, 3), (3,)], STEP):
            assert_shape(part, size, name)

    @robust
    def test_saturated(self, student):
        """At z = ±10,000 the state is ±1, and no gradient comes back"""
        h = student.rnn_step_forward(
            *(np.array(part) for part in ([[1e4, -1e4]], [[0.0, 0.0]], I2, I2, [0.0, 0.0]))
        )
        assert_close(h, [[1.0, -1.0]], "h")
        ones = np.array([[1.0, -1.0]])
        dx = self.backward(student, ones, ones, ones, ones, np.array(I2), np.array(I2))[0]
        assert_close(dx, [[0.0, 0.0]], "dx")

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers are fine"""
        x, h_prev, Wx, Wh, b = (
            rng.randint(-2, 3, size=size) for size in [(4, 2), (4, 3), (2, 3), (3, 3), 3]
        )
        case = x, h_prev, Wx, Wh, b
        assert_close(student.rnn_step_forward(*case), oracle.rnn_step_forward(*case), "h")

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """What goes in is left as it was"""
        student.rnn_step_forward(*case)
        assert_unchanged(student)
        student.rnn_step_backward(
            rng.normal(size=(5, 3)), *case[:2], rng.uniform(-0.9, 0.9, size=(5, 3)), *case[2:4]
        )
        assert_unchanged(student)


I2 = [[1.0, 0.0], [0.0, 1.0]]
THROUGH_TIME = ("dx", "dh0", "dWx", "dWh", "db")


@pytest.mark.exercise("rnn")
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
        """Two steps worked by hand: the second begins where the first ended"""
        x, h0, b = np.array([[[np.log(2)], [0.0]]]), np.array([[0.0]]), np.array([0.0])
        h = student.rnn_forward(x, h0, np.array([[1.0]]), np.array([[5 * np.log(3) / 3]]), b)
        assert_close(h, [[[0.6], [0.8]]], "h")

    def test_forward(self, student, oracle, case):
        """All states are right, beginning from an h0 that is not 0"""
        assert_close(student.rnn_forward(*case), oracle.rnn_forward(*case), "h")

    def test_forward_square(self, student, oracle, rng):
        """All states are right when all dimensions are equal"""
        case = rng.normal(size=(3, 3, 3)), rng.normal(size=(3, 3)), *weights(rng, 3, 3)
        assert_close(student.rnn_forward(*case), oracle.rnn_forward(*case), "h")

    @shape
    @pytest.mark.parametrize("N, T", [(1, 5), (4, 1)], ids=["one-sample", "one-step"])
    def test_forward_shape(self, student, oracle, rng, N, T):
        """One sample and one step keep their axes: (N, T, H)"""
        case = rng.normal(size=(N, T, 2)), rng.normal(size=(N, 3)), *weights(rng, 2, 3)
        assert_close(student.rnn_forward(*case), oracle.rnn_forward(*case), "h")

    @gradient
    def test_backward_by_hand(self, student):
        """h0 = 0, h = (3/5, 0), Wh = 2, dh = (0, 1): the last state's gradient comes back as 2,
        then as 1.28
        """
        x, h0, h = np.array([[[1.0], [-1.2]]]), np.array([[0.0]]), np.array([[[0.6], [0.0]]])
        dh, Wx, Wh = np.array([[[0.0], [1.0]]]), np.array([[3.0]]), np.array([[2.0]])
        parts = assert_parts(student.rnn_backward(dh, x, h0, h, Wx, Wh), THROUGH_TIME)
        right = [[[[3.84], [3.0]]], [[2.56]], [[0.08]], [[0.6]], [2.28]]
        for part, expected, name in zip(parts, right, THROUGH_TIME):
            assert_close(part, expected, name)

    @gradient
    @each(THROUGH_TIME)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """With a gradient from above at every step, dx, dh0, dWx, dWh and db are right, each on its
        own
        """
        dh = rng.normal(size=(3, 6, 4))
        mine, right = self.both(student, oracle, dh, *case)

        def forward(v):
            return student.rnn_forward(*case[:i], v, *case[i + 1 :])

        assert_gradient(mine[i], right[i], name, forward, case[i], dh)

    @gradient
    @pytest.mark.parametrize("step", [5, 3, 0], ids=["last", "middle", "first"])
    def test_from_one_step(self, student, oracle, rng, case, step):
        """A gradient from above at one step only reaches all steps before it, and none behind it"""
        dh = np.zeros((3, 6, 4))
        dh[:, step] = rng.normal(size=(3, 4))
        self.compare(student, oracle, dh, *case)

    @gradient
    @each(THROUGH_TIME)
    def test_square(self, student, oracle, rng, i, name):
        """They are right when all dimensions are equal and a wrong transpose or axis would fit"""
        case = rng.normal(size=(3, 3, 3)), rng.uniform(-0.9, 0.9, size=(3, 3)), *weights(rng, 3, 3)
        mine, right = self.both(student, oracle, rng.normal(size=(3, 3, 3)), *case)
        assert_close(mine[i], right[i], name)

    @gradient
    def test_one_step(self, student, oracle, rng):
        """A sequence of one step is right"""
        case = rng.normal(size=(4, 1, 2)), rng.uniform(-0.9, 0.9, size=(4, 3)), *weights(rng, 2, 3)
        self.compare(student, oracle, rng.normal(size=(4, 1, 3)), *case)

    @gradient
    def test_one_sample(self, student, oracle, rng):
        """A batch of one sequence is right, and keeps its axes"""
        case = rng.normal(size=(1, 5, 2)), rng.uniform(-0.9, 0.9, size=(1, 3)), *weights(rng, 2, 3)
        self.compare(student, oracle, rng.normal(size=(1, 5, 3)), *case)

    @gradient
    def test_far_back(self, student, oracle, rng):
        """A gradient at the end of 40 steps is carried back to h0 and to the first x"""
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
    def test_integers(self, student, oracle, rng):
        """Whole numbers in x, h0 and dh are fine"""
        x, h0, dh = (rng.randint(-2, 3, size=size) for size in [(3, 4, 2), (3, 5), (3, 4, 5)])
        case = x, h0, *weights(rng, 2, 5)
        assert_close(student.rnn_forward(*case), oracle.rnn_forward(*case), "h")
        self.compare(student, oracle, dh, *case)

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """What goes in is left as it was, dh above all"""
        student.rnn_forward(*case)
        assert_unchanged(student)
        x, h0, Wx, Wh, _ = case
        student.rnn_backward(
            rng.normal(size=(3, 6, 4)), x, h0, rng.uniform(-0.9, 0.9, size=(3, 6, 4)), Wx, Wh
        )
        assert_unchanged(student)


TURN = [
    [0.6, 0.8, 0.0, 0.0],
    [-0.8, 0.6, 0.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
    [0.0, 0.0, 1.0, 0.0],
]  # orthogonal


# -- losses with holes, and steps that stay short
# ------------------------------------------------------


@pytest.mark.exercise("sequence_loss")
class TestSequenceLoss:
    names = ("loss", "dlogits")

    @pytest.fixture
    def case(self, rng):  # sequences of 5, 2, 0 and 3 tokens: one is empty
        mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
        return 2 * rng.normal(size=(4, 5, 3)), rng.randint(0, 3, size=(4, 5)), mask

    def compare(self, student, oracle, *case):
        """Loss and gradient; returns the student's."""
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        right = oracle.sequence_cross_entropy(*case)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")
        return loss, dlogits

    def test_by_hand(self, student):
        """Two tokens count, with p(target) 1/4 and 1/2: the loss is (ln 4 + ln 2) / 2, and padding
        gets no gradient
        """
        logits = np.array([[[0.0, np.log(3)], [0.0, 0.0]], [[5.0, 0.0], [2.0, 1.0]]])
        targets, mask = np.array([[0, 1], [1, 0]]), np.array([[1, 1], [0, 0]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, targets, mask), self.names
        )
        assert_scalar(loss, 1.5 * np.log(2))
        right = [[[-0.375, 0.375], [0.25, -0.25]], [[0.0, 0.0], [0.0, 0.0]]]
        assert_close(dlogits, right, "dlogits")

    def test_loss(self, student, oracle, case):
        """The loss is the mean over the unmasked tokens, however they are spread over the rows"""
        loss = assert_parts(student.sequence_cross_entropy(*case), self.names)[0]
        assert_scalar(loss, oracle.sequence_cross_entropy(*case)[0])

    @gradient
    def test_gradient(self, student, oracle, case):
        """dlogits is the gradient of that mean"""
        dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)[1]
        assert_close(dlogits, oracle.sequence_cross_entropy(*case)[1], "dlogits")

    def test_nothing_masked(self, student, oracle, rng):
        """Without padding it is the mean over all tokens"""
        self.compare(
            student,
            oracle,
            rng.normal(size=(2, 4, 3)),
            rng.randint(0, 3, size=(2, 4)),
            np.ones((2, 4)),
        )

    @gradient
    @pytest.mark.parametrize(
        "size", [(3, 3, 3), (1, 4, 3), (4, 1, 3), (1, 1, 5)], ids=["square", "row", "step", "one"]
    )
    def test_sizes(self, student, oracle, rng, size):
        """It is right for equal dimensions, one row, one step and one token"""
        mask = rng.randint(0, 2, size=size[:2])
        mask[0, 0] = 1
        self.compare(
            student, oracle, 2 * rng.normal(size=size), rng.randint(0, size[2], size=size[:2]), mask
        )

    def test_holes(self, student, oracle, rng):
        """Masked tokens may also stand in the middle or at the front"""
        mask = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]])
        self.compare(
            student, oracle, rng.normal(size=(3, 4, 5)), rng.randint(0, 5, size=(3, 4)), mask
        )

    @gradient
    def test_padding_gets_no_gradient(self, student, case):
        """Where the mask is 0, the gradient is exactly 0"""
        dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)[1]
        dlogits = assert_finite(assert_shape(dlogits, (4, 5, 3), "dlogits"))
        expect(
            not dlogits[case[2] == 0].any(),
            "some masked token has a gradient that is not 0",
            dlogits,
        )

    def test_padding_does_not_matter(self, student, rng, case):
        """Other scores and targets at masked places change nothing"""
        logits, targets, mask = case
        gone = mask == 0
        others = (
            np.where(gone[:, :, None], 9 * rng.normal(size=logits.shape), logits),
            np.where(gone, 0, targets),
        )
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        again = assert_parts(student.sequence_cross_entropy(*others, mask), self.names)
        assert_scalar(
            again[0], float(numbers(loss, "the loss").sum()), "the loss with other padding"
        )
        assert_close(
            again[1], assert_shape(dlogits, (4, 5, 3), "dlogits"), "dlogits with other padding"
        )

    def test_doubled_batch(self, student, case):
        """Every row twice: the same loss, and half the gradient for each"""
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        twice = assert_parts(
            student.sequence_cross_entropy(*(np.concatenate([p, p]) for p in case)), self.names
        )
        assert_scalar(
            twice[0], float(numbers(loss, "the loss").sum()), "the loss of the doubled batch"
        )
        half = assert_shape(dlogits, (4, 5, 3), "dlogits") / 2
        assert_close(twice[1], np.concatenate([half, half]), "dlogits")

    @robust
    @pytest.mark.parametrize("kind", [bool, float], ids=["true-false", "floats"])
    def test_kinds_of_mask(self, student, oracle, rng, kind):
        """A mask of True and False, or of floats, is as good as one of 0 and 1"""
        mask = np.array([[1, 1, 0], [1, 0, 0]]).astype(kind)
        self.compare(
            student, oracle, rng.normal(size=(2, 3, 4)), rng.randint(0, 4, size=(2, 3)), mask
        )

    @robust
    def test_large_scores(self, student):
        """At scores of ±10,000 the loss is the gap, and all is finite, at masked places too"""
        logits = np.array([[[1e4, 0.0, -1e4], [0.0, 1e4, -1e4], [-1e4, 1e4, -1e4]]])
        targets, mask = np.array([[1, 1, 0]]), np.array([[1, 1, 0]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, targets, mask), self.names
        )
        assert_scalar(loss, 5e3)
        assert_close(dlogits, [[[0.5, -0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], "dlogits")

    @robust
    def test_rows_far_apart(self, student):
        """A token with small scores is right beside one with large scores"""
        logits = np.array([[[1e4, 1e4], [-1e4, -1e4]]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, np.array([[0, 1]]), np.ones((1, 2))), self.names
        )
        assert_close(
            loss, np.log(2), "the loss", tolerance=1e-3
        )  # float32 has three digits behind 10,000
        assert_close(dlogits, [[[-0.25, 0.25], [0.25, -0.25]]], "dlogits", tolerance=1e-3)

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers for scores are fine"""
        case = (
            rng.randint(-3, 4, size=(2, 3, 4)),
            rng.randint(0, 4, size=(2, 3)),
            np.array([[1, 1, 1], [1, 0, 0]]),
        )
        self.compare(student, oracle, *case)

    @robust
    def test_arguments_unchanged(self, student, case):
        """logits, targets and mask are left as they were"""
        student.sequence_cross_entropy(*case)
        assert_unchanged(student)


@pytest.mark.exercise("clip_gradients")
class TestClipGradients:
    @pytest.fixture
    def grads(self, rng):  # norm about 4
        return {
            "Wx": rng.normal(size=(2, 3)),
            "Wh": rng.normal(size=(3, 3)),
            "b": rng.normal(size=3),
        }

    def test_by_hand(self, student):
        """(3, 0) and 4 have the norm 5 together: at most 2 leaves (1.2, 0) and 1.6"""
        clipped = student.clip_gradients({"W": np.array([3.0, 0.0]), "b": np.array(4.0)}, 2.0)
        assert_gradients(clipped, {"W": [1.2, 0.0], "b": 1.6}, "the clipped gradients")

    @pytest.mark.parametrize("max_norm", [0.5, 1.0, 3])
    def test_too_long(self, student, oracle, grads, max_norm):
        """Gradients that are too long keep their direction and get the norm max_norm"""
        grads = {name: 2 * part / np.abs(part).max() for name, part in grads.items()}
        assert_gradients(
            student.clip_gradients(grads, max_norm), oracle.clip_gradients(grads, max_norm)
        )

    @pytest.mark.parametrize("max_norm", [20.0, 1e4])
    def test_short_enough(self, student, grads, max_norm):
        """Gradients that are short enough stay as they are"""
        assert_gradients(student.clip_gradients(grads, max_norm), grads, "the clipped gradients")

    def test_at_the_line(self, student):
        """A norm just at the line stays, one just above it is shortened, by all tensors together"""
        grads = {"W": np.array([[0.6, 0.0], [0.0, 0.0]]), "b": np.array([0.0, 0.8])}
        assert_gradients(student.clip_gradients(grads, 1.0), grads, "the clipped gradients")
        right = {name: part / 1.25 for name, part in grads.items()}
        assert_gradients(student.clip_gradients(grads, 0.8), right, "the clipped gradients")

    def test_one_tensor_large(self, student, oracle, grads):
        """One huge tensor shortens the others with it"""
        grads = {**grads, "Wh": 1e3 * grads["Wh"]}
        clipped = student.clip_gradients(grads, 5.0)
        right = oracle.clip_gradients(grads, 5.0)
        assert_gradients(clipped, right, "the clipped gradients")
        assert_close(clipped["b"], right["b"], "the clipped gradients['b']", tolerance=1e-4)

    @robust
    def test_zeros(self, student):
        """Gradients of 0 stay 0"""
        grads = {"W": np.zeros((2, 3)), "b": np.zeros(3)}
        assert_gradients(student.clip_gradients(grads, 1.0), grads, "the clipped gradients")

    @robust
    def test_integers(self, student):
        """Whole numbers are shortened like all others"""
        clipped = student.clip_gradients({"W": np.array([[3, 0], [0, 4]])}, 1)
        assert_gradients(clipped, {"W": [[0.6, 0.0], [0.0, 0.8]]}, "the clipped gradients")

    @robust
    @pytest.mark.parametrize("max_norm", [0.1, 100.0], ids=["shortened", "kept"])
    def test_arguments_unchanged(self, student, grads, max_norm):
        """The gradients that go in are left as they were"""
        student.clip_gradients(grads, max_norm)
        assert_unchanged(student)


# -- a memory with gates
# -------------------------------------------------------------------------------


@pytest.mark.exercise("lstm_step")
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
        """They are right for as many samples as inputs and cells"""
        case = (*(rng.normal(size=(3, 3)) for _ in range(3)), *weights(rng, 3, 3, gates=4))
        assert_close(self.forward(student, *case)[i], oracle.lstm_step_forward(*case)[i], name)

    @shape
    def test_batch_of_one(self, student, rng):
        """One sample and one cell keep their axes"""
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
        """The same step with dh = 0 and dc = 10: dc_prev is 7.5, and the gates get 1.5, 3.75, 3.2
        and 0
        """
        b, zero = np.log([1.0, 3.0, 2.0, 4.0]), np.zeros((1, 1))
        case = zero, zero, np.array([[2.0]]), np.ones((1, 4)), np.ones((1, 4)), b
        parts = self.backward(student, zero, np.array([[10.0]]), *case)
        assert_close(parts[2], [[7.5]], "dc_prev")
        assert_close(parts[5], [1.5, 3.75, 3.2, 0.0], "db")

    @gradient
    @each(names)
    def test_each_gradient(self, student, oracle, rng, case, i, name):
        """With gradients from above on h and on c, each of the six is right on its own"""
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
        """They are right with a gradient from above on h alone, and on c alone"""
        self.compare(
            student, oracle, on_h * rng.normal(size=(4, 3)), on_c * rng.normal(size=(4, 3)), *case
        )

    @gradient
    def test_square(self, student, oracle, rng):
        """They are right when all dimensions are equal and a wrong transpose would fit"""
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
        """With the forget gate open and the others shut, c and its gradient pass unchanged"""
        shut, x, h = np.array([-60.0, 60.0, 0.0, -60.0]), np.zeros((1, 1)), np.zeros((1, 1))
        case = x, h, np.array([[0.7]]), np.zeros((1, 4)), np.zeros((1, 4)), shut
        assert_close(self.forward(student, *case)[1], [[0.7]], "c")
        assert_close(self.backward(student, h + 3.0, h + 5.0, *case)[2], [[5.0]], "dc_prev")

    @robust
    def test_far_out(self, student):
        """At scores of ±10,000 the gates are 0 or 1, and all is finite"""
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
        """Whole numbers are fine"""
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
    def test_arguments_unchanged(self, student, rng, case):
        """What goes in is left as it was"""
        student.lstm_step_forward(*case)
        assert_unchanged(student)
        student.lstm_step_backward(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), *case)
        assert_unchanged(student)


@pytest.mark.exercise("gradient_flow")
class TestGradientFlow:
    @pytest.fixture
    def case(self, rng):  # Wx, Wh, b, x, h0: N, T, D, H all different
        return *weights(rng, 2, 4), rng.normal(size=(3, 6, 2)), rng.uniform(-0.9, 0.9, size=(3, 4))

    def test_by_hand(self, student):
        """One neuron, z = 0 but for the first step, Wh = 2, three steps: 4, 2 and 1"""
        x, h0, b = np.zeros((1, 3, 1)), np.zeros((1, 1)), np.zeros(1)
        norms = student.gradient_norms(np.ones((1, 1)), np.array([[2.0]]), b, x, h0)
        assert_close(norms, [4.0, 2.0, 1.0], "the norms")

    def test_values(self, student, oracle, case):
        """All norms are right"""
        assert_close(student.gradient_norms(*case), oracle.gradient_norms(*case), "the norms")

    def test_square(self, student, oracle, rng):
        """They are right when all dimensions are equal and a wrong transpose would fit"""
        case = *weights(rng, 3, 3), rng.normal(size=(3, 3, 3)), rng.uniform(-0.9, 0.9, size=(3, 3))
        assert_close(student.gradient_norms(*case), oracle.gradient_norms(*case), "the norms")

    def test_last(self, student, case):
        """The last norm is √(N·H): the last state's gradient is all ones"""
        norms = assert_shape(student.gradient_norms(*case), (6,), "the norms")
        assert_close(norms[-1], np.sqrt(12), "the last norm")

    @shape
    @pytest.mark.parametrize("N, T", [(1, 5), (3, 1)], ids=["one-sample", "one-step"])
    def test_shape(self, student, oracle, rng, N, T):
        """One sample and one step give T norms too"""
        case = *weights(rng, 2, 3), rng.normal(size=(N, T, 2)), rng.uniform(-0.9, 0.9, size=(N, 3))
        assert_close(student.gradient_norms(*case), oracle.gradient_norms(*case), "the norms")

    @pytest.mark.parametrize("factor", [0.5, 1.0, 1.5], ids=["vanishing", "kept", "exploding"])
    def test_thirty_steps(self, student, rng, factor):
        """Asleep at z = 0, with Wh a turn of size 0.5, 1 or 1.5, each step back multiplies by just
        that
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
        """A saturated neuron lets nothing through"""
        x = np.array([[[0.0], [50.0], [0.0]]])
        norms = student.gradient_norms(
            np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), x, np.zeros((1, 1))
        )
        assert_close(norms, [0.0, 1 / np.cosh(1) ** 2, 1.0], "the norms")

    @robust
    def test_arguments_unchanged(self, student, case):
        """What goes in is left as it was"""
        student.gradient_norms(*case)
        assert_unchanged(student)


# -- a model of characters
# -----------------------------------------------------------------------------


@pytest.mark.exercise("char_rnn")
class TestCharRnn:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):  # N, T, V, D, H all different; one row is empty, and 5 never occurs
        mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
        return character_model(rng, 7, 2, 4), rng.choice([0, 1, 2, 3, 4, 6], size=(3, 7)), mask

    def compare(self, student, oracle, *case):
        """Loss and all gradients."""
        loss, grads = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)
        right = oracle.char_rnn_loss_and_gradients(*case)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    def test_by_hand(self, student):
        """All weights 0 but by = (0, ln 3): every symbol 0 costs ln 4, every 1 costs ln 4/3"""
        params = {name: np.zeros(size) for name, size in tensor_shapes(2, 3, 4).items()}
        params["by"] = np.array([0.0, np.log(3)])
        ids, mask = np.array([[0, 0, 1, 1]]), np.array([[1, 1, 0]])
        loss, grads = assert_parts(
            student.char_rnn_loss_and_gradients(params, ids, mask), self.names
        )
        right = {name: np.zeros(size) for name, size in tensor_shapes(2, 3, 4).items()}
        assert_scalar(loss, np.log(16 / 3) / 2)
        assert_gradients(grads, {**right, "by": [-0.25, 0.25]})

    def test_loss(self, student, oracle, case):
        """The loss is the mean over the unmasked targets of -log p(next symbol)"""
        loss = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)[0]
        assert_scalar(loss, oracle.char_rnn_loss_and_gradients(*case)[0])

    @gradient
    def test_gradients(self, student, oracle, case):
        """The gradients of all six tensors are right"""
        grads = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)[1]
        assert_gradients(grads, oracle.char_rnn_loss_and_gradients(*case)[1])

    @gradient
    def test_square(self, student, oracle, rng):
        """They are right when all dimensions are equal"""
        self.compare(
            student,
            oracle,
            character_model(rng, 3, 3, 3),
            rng.randint(0, 3, size=(3, 4)),
            np.ones((3, 3)),
        )

    @gradient
    @pytest.mark.parametrize("N, T", [(1, 5), (6, 1)], ids=["one-row", "one-step"])
    def test_sizes(self, student, oracle, rng, N, T):
        """One row of symbols and rows of one step are right"""
        ids, mask = rng.randint(0, 5, size=(N, T + 1)), np.ones((N, T), bool)
        self.compare(student, oracle, character_model(rng, 5, 3, 2), ids, mask)

    @gradient
    def test_last_target_only(self, student, oracle, rng):
        """A loss at the last of nine steps alone reaches every symbol before it"""
        mask = np.zeros((2, 9), np.int64)
        mask[:, -1] = 1
        ids = np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 3], [4, 3, 8, 2, 7, 1, 6, 0, 5, 6]])
        self.compare(student, oracle, character_model(rng, 9, 3, 5), ids, mask)

    def test_padding_does_not_matter(self, student, rng, case):
        """Other symbols behind the end of a row change nothing"""
        params, ids, mask = case
        loss, grads = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)
        others = ids.copy()
        others[1, 4:] = (ids[1, 4:] + 1) % 7
        again = assert_parts(student.char_rnn_loss_and_gradients(params, others, mask), self.names)
        assert_scalar(
            again[0], float(numbers(loss, "the loss").sum()), "the loss with other padding"
        )
        shapes = {name: np.shape(part) for name, part in params.items()}
        assert_gradients(again[1], assert_shapes(grads, shapes), "the gradients with other padding")

    def test_no_look_ahead(self, student, rng):
        """The prediction of a symbol does not depend on that symbol: with by = 0 and Wy = 0 all
        cost ln V
        """
        params = {**character_model(rng, 5, 2, 3), "Wy": np.zeros((3, 5)), "by": np.zeros(5)}
        loss = assert_parts(
            student.char_rnn_loss_and_gradients(
                params, rng.randint(0, 5, size=(2, 5)), np.ones((2, 4))
            ),
            self.names,
        )[0]
        assert_scalar(loss, np.log(5))

    @robust
    def test_arguments_unchanged(self, student, case):
        """params, ids and mask are left as they were"""
        student.char_rnn_loss_and_gradients(*case)
        assert_unchanged(student)


def plain_name(name):
    """A name as a tuple of whole numbers."""
    symbols = numbers(list(name) if isinstance(name, (list, tuple)) else name, "the name")
    if symbols.ndim != 1 or (symbols % 1).any():
        fail("the name should be a list of whole numbers, one for each symbol", saw=name)
    return tuple(int(s) for s in symbols)


@pytest.mark.exercise("sample_name")
class TestSampleName:
    @pytest.fixture
    def model(self, rng):  # 0 ends a name; 4 begins it, and is not drawn again
        model = character_model(rng, 5, 3, 4, scale=2.5)
        model["by"][0] -= 0.5
        model["by"][4] = -200.0
        return model

    def written(self, student, model, start, end, longest, temperature, seed, times=1):
        """Many names as tuples, all of them legal."""
        names = student.probes.many_names(model, start, end, longest, temperature, times, seed)
        names = [plain_name(name) for name in names]
        for name in names:
            expect(
                len(name) <= longest,
                f"a name has {len(name)} symbols, expected at most {longest}",
                names,
            )
            expect(end not in name, f"the end symbol {end} is part of a name", names)
        return names

    def greedy(self, student, params, *rest):
        return plain_name(
            student.sample_name(params, *rest, 0, generator(np.random.RandomState(0)))
        )

    @pytest.mark.parametrize(
        "start, name", [(3, (0, 1, 2)), (1, (2,)), (2, ())], ids=["three", "one", "none"]
    )
    def test_by_hand(self, student, start, name):
        """A model that knows one order only, 3 0 1 2 and the end (4), writes it from any start"""
        chain = (
            np.array(
                [
                    [0, 1, 0, 0, 0],
                    [0, 0, 1, 0, 0],
                    [0, 0, 0, 0, 1],
                    [1, 0, 0, 0, 0],
                    [0, 0, 0, 0, 1],
                ]
            )
            * 9.0
        )
        params = {"E": 9 * np.eye(5), "Wx": np.eye(5), "Wh": np.zeros((5, 5)), "b": np.zeros(5)}
        mine = self.greedy(student, {**params, "Wy": chain, "by": np.zeros(5)}, start, 4, 10)
        expect(mine == name, f"the name is {list(mine)}, expected {list(name)}", np.array(mine))

    @pytest.mark.parametrize("model_number", [1, 2, 3])
    def test_greedy(self, student, oracle, rng, model_number):
        """At temperature 0 each symbol is the likeliest one, given all before it"""
        model = character_model(rng, 6, 3, 5, scale=3.0)
        model["by"][0] = -30.0  # the end never comes
        mine = self.greedy(student, model, 4, 0, 12)
        right = oracle.sample_name(model, 4, 0, 12, 0, generator(np.random.RandomState(0)))
        expect(
            mine == tuple(right),
            f"the name is {list(mine)}, expected {list(right)}",
            np.array(mine),
        )

    @pytest.mark.parametrize("temperature", [0.5, 1, 3.0])
    def test_distribution(self, student, rng, model, temperature):
        """Names of up to three symbols come as often as softmax(scores / temperature) says"""
        names = self.written(student, model, 4, 0, 3, temperature, generator(rng), times=900)
        off = surprise(names, name_probabilities(model, 4, 0, 3, temperature))
        assert_at_most(off, 6, "the distance of the worst count, in standard errors,", names)

    def test_start_is_end(self, student, rng):
        """One and the same symbol may begin and end a name"""
        model = character_model(rng, 3, 2, 4, scale=2.0)
        names = self.written(student, model, 0, 0, 2, 1.0, generator(rng), times=600)
        off = surprise(names, name_probabilities(model, 0, 0, 2, 1.0))
        assert_at_most(off, 6, "the distance of the worst count, in standard errors,", names)

    def test_longest(self, student, rng, model):
        """Where the end never comes, the name has max_length symbols"""
        model["by"][0] = -200.0
        for longest in (1, 7):
            (name,) = self.written(student, model, 4, 0, longest, 1.0, generator(rng))
            expect(
                len(name) == longest,
                f"the name has {len(name)} symbols, expected {longest}",
                np.array(name),
            )

    def test_generator(self, student, rng, model):
        """All chance comes from rng: the same seed gives the same names, another gives others"""
        model["by"][0] = -200.0
        seed, other = generator(rng), generator(rng)
        first, again, others = (
            self.written(student, model, 4, 0, 30, 3.0, s, times=3) for s in (seed, seed, other)
        )
        expect(first == again, "the same seed gives other names", np.array(again))
        expect(first != others, "two seeds give the same names", np.array(first))
        expect(
            len(set(first)) > 1, "names drawn one after the other are all alike", np.array(first)
        )

    @robust
    @pytest.mark.parametrize("temperature", [1.0, 1e-3])
    def test_large_scores(self, student, rng, temperature):
        """Scores of ±1,000 and small temperatures do not overflow"""
        params = {name: np.zeros(size) for name, size in tensor_shapes(4, 2, 3).items()}
        params["by"] = np.array([-1000.0, 900.0, 1000.0, 0.0])
        (name,) = self.written(student, params, 3, 0, 4, temperature, generator(rng))
        expect(
            name == (2, 2, 2, 2), f"the name is {list(name)}, expected [2, 2, 2, 2]", np.array(name)
        )

    @robust
    @pytest.mark.parametrize("temperature", [0, 0.7])
    def test_arguments_unchanged(self, student, rng, model, temperature):
        """The parameters are left as they were"""
        student.sample_name(model, 4, 0, 5, temperature, generator(rng))
        assert_unchanged(student)


@pytest.mark.exercise("train_char_rnn")
class TestTrainCharRnn:
    def trained(self, student, ids, mask, V, H, steps, seed):
        """The student's params: the tensors of a character model, the width of E free."""
        params = student.train_char_rnn(ids, mask, V, H, steps, seed)
        expect(
            isinstance(params, dict),
            f"params should be a dict, not {type(params).__name__}",
            params,
        )
        width = np.shape(params.get("E"))[-1:] or (1,)
        return assert_shapes(params, tensor_shapes(V, width[0], H), "params")

    @shape
    @pytest.mark.parametrize("V, H", [(6, 5), (9, 1)])
    def test_shapes(self, student, rng, V, H):
        """The six tensors have their shapes, also when a symbol never occurs"""
        self.trained(
            student, rng.randint(0, 4, size=(7, 5)), np.ones((7, 4)), V, H, 2, generator(rng)
        )

    def test_no_steps(self, student, rng):
        """With no steps the parameters are where they began, whatever the data is"""
        seed, one, two = (
            generator(rng),
            rng.randint(0, 4, size=(7, 5)),
            rng.randint(0, 4, size=(7, 5)),
        )
        first, second = (
            self.trained(student, ids, np.ones((7, 4)), 4, 5, 0, seed) for ids in (one, two)
        )
        assert_gradients(second, first, "the parameters from other data")

    def test_one_step(self, student, rng):
        """One step moves every tensor, and where to depends on the data"""
        seed, one = generator(rng), rng.randint(0, 4, size=(7, 5))
        first, second = (
            self.trained(student, ids, np.ones((7, 4)), 4, 5, 1, seed) for ids in (one, 3 - one)
        )
        for name in first:
            moved = np.abs(first[name] - second[name]).max()
            expect(
                moved > 0, f"other data leads to the same {name}: was it trained?", (first, second)
            )

    def test_generator(self, student, rng):
        """All chance comes from rng: the same seed gives the same parameters, another gives
        others
        """
        case, seed, other = (
            (rng.randint(0, 4, size=(9, 4)), np.ones((9, 3)), 4, 5, 3),
            generator(rng),
            generator(rng),
        )
        first, again, others = (self.trained(student, *case, s) for s in (seed, seed, other))
        assert_gradients(again, first, "the parameters from the same seed")
        expect(
            any((first[k] != others[k]).any() for k in first),
            "two seeds give the same parameters",
            first,
        )

    def test_padding_does_not_matter(self, student, rng):
        """What stands behind the end of a row leaves no trace in the parameters"""
        ids, mask, seed = (
            rng.randint(0, 5, size=(8, 6)),
            np.arange(5) < rng.randint(1, 5, size=(8, 1)),
            generator(rng),
        )
        behind = np.concatenate([np.zeros((8, 1), bool), ~mask], axis=1)
        others = np.where(behind, (ids + 2) % 5, ids)
        first, second = (self.trained(student, row, mask, 5, 4, 5, seed) for row in (ids, others))
        assert_gradients(second, first, "the parameters with other padding")

    @robust
    def test_empty_rows(self, student, rng):
        """Rows without a single target do no harm"""
        mask = np.zeros((60, 4), np.int64)
        mask[7, :2] = mask[31] = 1
        params = self.trained(
            student, rng.randint(0, 4, size=(60, 5)), mask, 4, 5, 40, generator(rng)
        )
        expect(
            all(np.isfinite(part).all() for part in params.values()), "not all is finite", params
        )

    @convergence
    def test_recall(self, student, rng):
        """The first of eleven symbols is remembered to the end, which only a gradient through all
        steps can teach
        """
        ids, mask = recall(rng, 900)
        seed = generator(rng)

        def trained(steps):
            return self.trained(student, ids[:500], mask[:500], 4, 24, steps, seed)

        params = trained(600)
        with on_the_way(student, 600, "steps", lambda n: recalled(trained(n), ids[500:])):
            assert_at_least(recalled(params, ids[500:]), 0.95, "the share that is recalled", params)

    @convergence
    def test_names(self, student, rng):
        """Names are predicted better than by the frequencies of pairs of letters"""
        ids, mask = some_names(rng, 200)
        seed = generator(rng)

        def trained(steps):
            return self.trained(student, ids, mask, 27, 48, steps, seed)

        params = trained(300)
        with on_the_way(student, 300, "steps", lambda n: nll(trained(n), ids, mask)):
            assert_at_most(
                nll(params, ids, mask),
                0.9 * bigram_nll(ids, mask),
                "the mean loss on the names",
                params,
            )

    @robust
    def test_arguments_unchanged(self, student, rng):
        """ids and mask are left as they were"""
        student.train_char_rnn(
            rng.randint(0, 4, size=(9, 4)), np.ones((9, 3)), 4, 5, 2, generator(rng)
        )
        assert_unchanged(student)
