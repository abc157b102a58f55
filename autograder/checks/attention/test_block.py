"""Checks of 07-attention: a Transformer block and a GPT."""

import numpy as np
import pytest

from autograder.checks.attention.attending import (
    assert_blind_to_the_future,
    parts_of,
)
from autograder.checks.attention.transformer import (
    block_params,
    feed_forward_params,
    gpt_params,
)
from autograder.testing import (
    assert_close,
    assert_finite,
    assert_gradient,
    assert_gradients,
    assert_linear,
    assert_nested,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_structure,
    exercise,
    expect,
    gradient,
    robust,
    vector,
)


@exercise("feed_forward")
class TestFeedForward:
    @pytest.fixture
    def case(self, rng):
        return rng.normal(size=(2, 3, 4)), feed_forward_params(rng, 4, 7)

    def test_by_hand(self, student):
        """x = 1 with z = (1, -1) gives the value worked out by hand"""
        params = {
            "W1": np.array([[2.0, -2.0]]),
            "b1": np.array([-1.0, 1.0]),
            "W2": np.array([[2.0], [1.0]]),
        }
        y = student.feed_forward_forward(np.array([[[1.0]]]), params | {"b2": np.array([0.5])})
        assert_close(y, [[[2 * 0.841344746 - 0.158655254 + 0.5]]])

    def test_values(self, same, case):
        """Every entry is right"""
        assert_close(*same.feed_forward_forward(*case))

    def test_narrow(self, same, rng):
        """The hidden layer may be narrower than x"""
        case = rng.normal(size=(1, 5, 6)), feed_forward_params(rng, 6, 2)
        assert_close(*same.feed_forward_forward(*case))

    def test_each_position_alone(self, student, case):
        """A new input at one position changes the output at that position only"""
        x, params = case
        other = x.copy()
        other[:, 1] += 1
        change = assert_shape(
            student.feed_forward_forward(other, params), x.shape
        ) - student.feed_forward_forward(*case)
        expect(
            np.abs(change[:, [0, 2]]).max() < 1e-6,
            "a new input at position 1 changes other positions",
            change,
        )
        expect(
            np.abs(change[:, 1]).max() > 1e-3,
            "a new input at position 1 does not change the output there",
            change,
        )

    @gradient
    def test_dx(self, student, oracle, rng, case):
        """dx is right"""
        (x, params), dy = case, rng.normal(size=(2, 3, 4))
        dx, _ = parts_of(student.feed_forward_backward(dy, *case), x)
        right = oracle.feed_forward_backward(dy, *case)[0]
        assert_gradient(dx, right, "dx", lambda x: student.feed_forward_forward(x, params), x, dy)

    @gradient
    @pytest.mark.parametrize(
        "size, F",
        [((2, 3, 4), 7), ((1, 5, 6), 2), ((3, 3, 3), 3)],
        ids=["wide", "narrow", "square"],
    )
    def test_gradients(self, same, rng, size, F):
        """The gradients of W1, b1, W2 and b2 are right"""
        case, dy = (
            (rng.normal(size=size), feed_forward_params(rng, size[2], F)),
            rng.normal(size=size),
        )
        mine, right = same.feed_forward_backward(dy, *case)
        _, grads = parts_of(mine, case[0])
        assert_gradients(grads, right[1])

    @gradient
    def test_linear_in_dy(self, student, rng, case):
        """dx and the gradients are linear in dy"""
        u, v = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4))
        assert_linear(
            lambda dy: vector(list(parts_of(student.feed_forward_backward(dy, *case), case[0]))),
            u,
            v,
        )

    @robust
    def test_far_out(self, student):
        """Scores of ±1,000 in the hidden layer give the right values and gradients"""
        params = {
            "W1": np.array([[1.0, -1.0]]),
            "b1": np.zeros(2),
            "W2": np.array([[1.0], [5.0]]),
            "b2": np.zeros(1),
        }
        x = np.array([[[1000.0], [-1000.0]]])
        assert_close(student.feed_forward_forward(x, params), [[[1000.0], [5000.0]]])
        dx, _ = parts_of(student.feed_forward_backward(np.array([[[1.0], [2.0]]]), x, params), x)
        assert_close(dx, [[[1.0], [-10.0]]], "dx")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """x, params and dy are not changed"""
        unchanged.feed_forward_forward(*case)
        unchanged.feed_forward_backward(rng.normal(size=(2, 3, 4)), *case)


@exercise("block")
class TestBlock:
    @pytest.fixture
    def case(self, rng):
        return 2 * rng.normal(size=(2, 5, 12)) + 1, block_params(rng, 12, 7), 3

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_values(self, same, case, causal):
        """Every entry is right, with and without the causal mask"""
        assert_close(*same.block_forward(*case, causal))

    def test_silent_sublayers(self, student, case):
        """If Wo, bo, W2 and b2 are zero, y is x"""
        x, params, H = case
        params["attn"] |= {"Wo": np.zeros((12, 12)), "bo": np.zeros(12)}
        params["ffn"] |= {"W2": np.zeros((7, 12)), "b2": np.zeros(12)}
        assert_close(student.block_forward(x, params, H), x)

    def test_size_of_x(self, student, case):
        """Ten times x gives the same attention output, because the block normalises x first"""
        x, params, H = case
        params["ffn"] |= {"W2": np.zeros((7, 12)), "b2": np.zeros(12)}  # the attention alone
        shares = [
            assert_shape(student.block_forward(k * x, params, H), x.shape) - k * x for k in (1, 10)
        ]
        assert_close(
            shares[1], shares[0], "what the attention adds for 10 · x", tolerance=1e-4
        )  # eps counts a little

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_future(self, student, case, causal):
        """With the mask, later positions do not change earlier outputs; without it, they do"""
        x, params, H = case
        assert_blind_to_the_future(lambda x: student.block_forward(x, params, H, causal), x, causal)

    def test_causal_by_default(self, student, case):
        """If `causal` is not given, the mask is used"""
        x, params, H = case
        assert_blind_to_the_future(lambda x: student.block_forward(x, params, H), x, True)

    @gradient
    def test_dx(self, student, oracle, rng):
        """dx is right: it comes through the residual paths and through the sublayers"""
        x, params, dy = (
            rng.normal(size=(1, 3, 8)),
            block_params(rng, 8, 5),
            rng.normal(size=(1, 3, 8)),
        )
        dx, _ = parts_of(student.block_backward(dy, x, params, 2), x)
        right = oracle.block_backward(dy, x, params, 2)[0]
        assert_gradient(dx, right, "dx", lambda x: student.block_forward(x, params, 2), x, dy)

    @gradient
    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_gradients(self, same, rng, case, causal):
        """dx and the gradients of both norms and both sublayers are right, nested like params"""
        dy = rng.normal(size=(2, 5, 12))
        mine, right = same.block_backward(dy, *case, causal)
        dx, grads = parts_of(mine, case[0])
        assert_nested(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    def test_gradients_of_silent_sublayers(self, student, rng, case):
        """If both sublayers add nothing, dx is dy"""
        x, params, H = case
        params["attn"] |= {"Wo": np.zeros((12, 12)), "bo": np.zeros(12)}
        params["ffn"] |= {"W2": np.zeros((7, 12)), "b2": np.zeros(12)}
        dy = rng.normal(size=(2, 5, 12))
        assert_close(parts_of(student.block_backward(dy, x, params, H), x)[0], dy, "dx")

    @gradient
    def test_linear_in_dy(self, student, rng, case):
        """dx and the gradients are linear in dy"""
        u, v = rng.normal(size=(2, 5, 12)), rng.normal(size=(2, 5, 12))
        assert_linear(
            lambda dy: vector(list(parts_of(student.block_backward(dy, *case), case[0]))), u, v
        )

    @gradient
    def test_one_position(self, same, rng, case):
        """A batch of one with a single position is right"""
        x, params, H = case
        dy = rng.normal(size=(1, 1, 12))
        mine, right = same.block_backward(dy, x[:1, :1], params, H)
        dx, grads = parts_of(mine, x[:1, :1])
        assert_nested(grads, right[1])
        assert_close(dx, right[0], "dx")

    @robust
    def test_equal_channels(self, student, oracle, same, rng, case):
        """A position with equal channels causes no division by 0, in the forward and in the
        backward
        """
        x, params, H = case
        x[:, 2] = 1.5
        assert_close(*same.block_forward(x, params, H))
        dy = rng.normal(size=x.shape)
        right = oracle.block_backward(dy, x, params, H)[0]
        assert_close(
            parts_of(student.block_backward(dy, x, params, H), x)[0], right, "dx", tolerance=1e-4
        )

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """x, params and dy are not changed"""
        unchanged.block_forward(*case)
        unchanged.block_backward(rng.normal(size=(2, 5, 12)), *case)


# -- a small GPT
# -------------------------------------------------------------------------------------


@exercise("gpt")
class TestGpt:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):
        """params, ids, targets, mask, n_heads: some tokens occur often and one never, one sequence
        is all masked.
        """
        mask = (rng.uniform(size=(3, 5)) < 0.6).astype(float)
        mask[0, :2], mask[1] = 1, 0
        ids, targets = rng.randint(0, 8, size=(3, 5)), rng.randint(0, 9, size=(3, 5))
        return gpt_params(rng, 9, 12, 7, 2), ids, targets, mask, 3

    def test_logits(self, same, case):
        """The scores of every next token are right"""
        params, ids, _, _, H = case
        assert_close(*same.gpt_forward(params, ids, H), "logits")

    @pytest.mark.parametrize("blocks", [1, 3])
    def test_depth(self, same, rng, blocks):
        """One block, three blocks and a longer sequence are right"""
        params, ids = gpt_params(rng, 5, 8, 6, blocks), rng.randint(0, 5, size=(2, 11))
        assert_close(*same.gpt_forward(params, ids, 2), "logits")

    def test_future(self, student, rng, case):
        """A new token at a position does not change earlier scores"""
        params, ids, _, _, H = case
        other = ids.copy()
        other[:, 3] = (other[:, 3] + 1) % 9
        before, after = (
            assert_shape(student.gpt_forward(params, i, H), (3, 5, 9), "logits")
            for i in (ids, other)
        )
        leak = np.abs(after - before)[:, :3].max()
        expect(
            leak <= 1e-6 * np.abs(before).max(),
            f"a new token at position 3 changes earlier scores by {leak:.3g}",
            after,
        )
        expect(
            np.abs(after - before)[:, 3:].max(axis=(0, 2)).min() > 1e-6,
            "a new token at position 3 does not change the scores from there on",
            after,
        )

    def test_order_matters(self, student, case):
        """The same tokens in another order give other scores at the last position"""
        params, ids, _, _, H = case
        ids = np.array([[0, 1, 2, 3, 4], [1, 0, 2, 3, 4]])
        last = assert_shape(student.gpt_forward(params, ids, H), (2, 5, 9), "logits")[:, -1]
        expect(
            np.abs(last[0] - last[1]).max() > 1e-6,
            "two orders of the tokens give the same last scores",
            last,
        )

    def test_loss_by_hand(self, student):
        """With Wy = 0, by = (0, ln 3), targets 1, 0 and one masked, the loss is (ln 4/3 + ln 4)
        / 2
        """
        params = gpt_params(np.random.RandomState(0), 2, 4, 3, 1) | {
            "Wy": np.zeros((4, 2)),
            "by": np.array([0, np.log(3)]),
        }
        ids, targets, mask = np.array([[0, 1, 1]]), np.array([[1, 0, 0]]), np.array([[1, 1, 0]])
        loss, grads = assert_parts(
            student.gpt_loss_and_gradients(params, ids, targets, mask, 2), self.names
        )
        assert_scalar(loss, (np.log(4 / 3) + np.log(4)) / 2)
        assert_structure(grads, params, "the gradients")
        assert_close(grads["by"], [-0.25, 0.25], "grads['by']")

    def test_loss(self, same, case):
        """The loss is the mean over the unmasked tokens"""
        mine, right = same.gpt_loss_and_gradients(*case)
        loss, _ = assert_parts(mine, self.names)
        assert_scalar(loss, right[0])

    @gradient
    def test_gradients(self, same, case):
        """All gradients are right, nested like params"""
        mine, right = same.gpt_loss_and_gradients(*case)
        _, grads = assert_parts(mine, self.names)
        assert_nested(grads, right[1])

    @gradient
    @pytest.mark.parametrize("blocks", [1, 3])
    def test_gradients_of_other_depths(self, same, rng, blocks):
        """The gradients are right for one and three blocks, a batch of one, and a mask of
        booleans
        """
        ids, targets = rng.randint(0, 5, size=(1, 7)), rng.randint(0, 5, size=(1, 7))
        case = gpt_params(rng, 5, 8, 6, blocks), ids, targets, rng.permutation(7)[None] < 5, 2
        mine, right = same.gpt_loss_and_gradients(*case)
        _, grads = assert_parts(mine, self.names)
        assert_nested(grads, right[1])

    @gradient
    def test_embedding(self, student, case):
        """A token that does not occur gets no gradient"""
        _, grads = assert_parts(student.gpt_loss_and_gradients(*case), self.names)
        assert_structure(grads, case[0], "the gradients")
        dE = assert_shape(grads["E"], (9, 12), "grads['E']")
        expect(np.abs(dE[8]).max() == 0, "a token that does not occur has a gradient", dE)

    @gradient
    def test_masked_targets(self, student, case):
        """The targets of masked tokens do not change the result"""
        params, ids, targets, mask, H = case
        other = np.where(mask == 1, targets, (targets + 1) % 9)
        pairs = [
            assert_parts(student.gpt_loss_and_gradients(params, ids, t, mask, H), self.names)
            for t in (targets, other)
        ]
        assert_scalar(pairs[1][0], float(assert_shape(pairs[0][0], (), "the loss")))
        assert_structure(pairs[0][1], params, "the gradients")
        assert_nested(pairs[1][1], pairs[0][1])

    @robust
    def test_certain(self, student, case):
        """Scores of tens of thousands give a finite loss"""
        params, ids, targets, mask, H = case
        loud = params | {"Wy": 1e4 * params["Wy"]}
        loss, grads = assert_parts(
            student.gpt_loss_and_gradients(loud, ids, targets, mask, H), self.names
        )
        assert_finite(loss, "the loss")
        assert_structure(grads, params, "the gradients")
        assert_finite(vector(grads), "the gradients")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """params, ids, targets and mask are not changed"""
        unchanged.gpt_forward(*case[:2], case[4])
        unchanged.gpt_loss_and_gradients(*case)
