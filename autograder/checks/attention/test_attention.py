"""Checks of 07-attention: one attention head, many, a Transformer block, a small GPT, its voice and
its training.
"""

import time

import numpy as np
import pytest

from autograder.checks.attention.attending import (
    KINDS,
    MASKS,
    a_mask,
    assert_blind_to_the_future,
    mean_loss,
    parts_of,
    probabilities,
    queries_keys_values,
    turned_rightly,
)
from autograder.checks.attention.transformer import (
    attention_params,
    attentive_gpt,
    block_params,
    feed_forward_params,
    gpt_params,
    noisy_language,
    reversal,
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
)
from autograder.testing.gradients import assert_gradient
from autograder.testing.nested import assert_nested, assert_structure, vector
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_linear
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")


# -- positions
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("positional_encoding")
class TestPositionalEncoding:
    def test_by_hand(self, student):
        """Position 1 of 4 channels is sin 1, cos 1, sin 0.01, cos 0.01; position 0 is 0, 1, 0, 1"""
        right = [[0.0, 1.0, 0.0, 1.0], [0.841470985, 0.540302306, 0.00999983333, 0.999950000]]
        assert_close(student.positional_encoding(2, 4), right)

    @pytest.mark.parametrize("T, D", [(7, 12), (40, 6), (1, 8)])
    def test_values(self, student, oracle, T, D):
        """Every entry is right, for other lengths and widths"""
        assert_close(student.positional_encoding(T, D), oracle.positional_encoding(T, D))

    @pytest.mark.parametrize("D", [1, 5])
    def test_odd(self, student, oracle, D):
        """An odd number of channels ends on a sine"""
        assert_close(student.positional_encoding(9, D), oracle.positional_encoding(9, D))

    @shape
    def test_shape(self, student):
        """The result is (T, D), a row for each position"""
        assert_shape(student.positional_encoding(3, 10), (3, 10))


# -- attention
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("attention")
class TestAttention:
    names, grads = ("out", "weights"), ("dQ", "dK", "dV")

    @pytest.fixture
    def case(self, rng):
        return queries_keys_values(rng)

    def forward(self, student, case, mask=None):
        """out and weights, each of its right shape and finite."""
        more = () if mask is None else (mask,)
        parts = assert_parts(student.attention_forward(*case, *more), self.names)
        sizes = [(*case[0].shape[:-1], case[2].shape[-1]), (*case[0].shape[:-1], case[1].shape[-2])]
        return [
            assert_finite(assert_shape(p, s, n), n) for p, s, n in zip(parts, sizes, self.names)
        ]

    def backward(self, student, dout, case, mask=None):
        """dQ, dK and dV, each of its right shape and finite."""
        more = () if mask is None else (mask,)
        parts = assert_parts(student.attention_backward(dout, *case, *more), self.grads)
        return [
            assert_finite(assert_shape(p, x.shape, n), n)
            for p, x, n in zip(parts, case, self.grads)
        ]

    def test_by_hand(self, student):
        """Scores 2 ln 3 and 0, over the root of 4, give the weights 3/4 and 1/4, and of values 4
        and 8 out 3 and 2
        """
        Q, K = (
            np.array([[2 * np.log(3), 0.0, 0.0, 5.0]]),
            np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]),
        )
        out, weights = self.forward(student, (Q, K, np.array([[4.0, 0.0], [0.0, 8.0]])))
        assert_close(weights, [[0.75, 0.25]], "weights")
        assert_close(out, [[3.0, 2.0]], "out")

    @pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)
    def test_values(self, student, oracle, case, i, name):
        """out and weights are right, for a batch of several heads and other lengths of keys than of
        queries
        """
        assert_close(self.forward(student, case)[i], oracle.attention_forward(*case)[i], name)

    @pytest.mark.parametrize("lead", [(), (3,)], ids=["none", "one"])
    def test_leading_axes(self, student, oracle, rng, lead):
        """No leading axis, or one, is as good as two"""
        case = queries_keys_values(rng, lead)
        assert_close(self.forward(student, case)[0], oracle.attention_forward(*case)[0], "out")

    def test_square(self, student, oracle, rng):
        """They are right when all dimensions are equal and a wrong axis would fit"""
        case = queries_keys_values(rng, (3, 3), 3, 3, 3, 3)
        assert_close(self.forward(student, case)[0], oracle.attention_forward(*case)[0], "out")

    @pytest.mark.parametrize("size", MASKS.values(), ids=MASKS)
    def test_mask(self, student, oracle, rng, case, size):
        """Under a mask of any shape that stretches to the scores, out is right"""
        mask = a_mask(rng, size)
        assert_close(
            self.forward(student, case, mask)[0], oracle.attention_forward(*case, mask)[0], "out"
        )

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_kinds_of_mask(self, student, oracle, rng, case, kind):
        """A mask may hold True and False or 1 and 0; 1 means: may attend"""
        mask = a_mask(rng, (4, 6))
        right = oracle.attention_forward(*case, mask)[1]
        assert_close(self.forward(student, case, mask.astype(kind))[1], right, "weights")

    def test_forbidden_keys_play_no_part(self, student, rng, case):
        """A forbidden key has weight 0, and neither its key nor its value changes anything"""
        Q, K, V = case
        mask = np.array([1, 0, 1, 1, 0, 1])
        out, weights = self.forward(student, (Q, K, V), mask[None])
        expect(
            np.abs(weights[..., mask == 0]).max() < 1e-12,
            "a forbidden key has a weight that is not 0",
            weights,
        )
        loud = 30 * (1 - mask)[:, None]
        assert_close(self.forward(student, (Q, K + loud, V - loud), mask[None])[0], out, "out")

    @robust
    def test_nothing_allowed(self, student, oracle, rng, case):
        """A query that may attend to nothing gets zeros, not NaN, and the other queries are
        right
        """
        mask = a_mask(rng, (4, 6))
        mask[2] = False
        out, weights = self.forward(student, case, mask)
        expect(
            np.abs(out[:, :, 2]).max() < 1e-12,
            "out is not 0 for a query that may attend to nothing",
            out,
        )
        expect(
            np.abs(weights[:, :, 2]).max() < 1e-12, "weights are not 0 for such a query", weights
        )
        assert_close(out, oracle.attention_forward(*case, mask)[0], "out")

    @robust
    @pytest.mark.parametrize(
        "sign, right", [(1, [[3.0], [7.0]]), (-1, [[7.0], [3.0]])], ids=["+", "-"]
    )
    def test_extreme_scores(self, student, sign, right):
        """Scores of ±1,000 do not overflow, nor do they drown those of another query"""
        Q, K = np.array([[1.0], [-0.1]]), sign * np.array([[1000.0], [1000.0], [0.0], [-1000.0]])
        out, _ = self.forward(student, (Q, K, np.array([[2.0], [4.0], [90.0], [7.0]])))
        assert_close(out, right, "out")

    @robust
    def test_loud_forbidden_key(self, student):
        """A forbidden key may have by far the highest score: the allowed ones share all the same"""
        K, V = np.array([[0.0], [0.0], [2000.0]]), np.array([[2.0], [6.0], [9.0]])
        out, _ = self.forward(student, (np.array([[1.0]]), K, V), np.array([[True, True, False]]))
        assert_close(out, [[4.0]], "out")

    @robust
    def test_integers(self, student):
        """Whole numbers are fine in Q, K and V"""
        out, _ = self.forward(
            student, (np.array([[0, 0]]), np.array([[3, 1], [2, 5]]), np.array([[1], [4]]))
        )
        assert_close(out, [[2.5]], "out")

    @gradient
    def test_gradients_by_hand(self, student):
        """One query, weights 3/4 and 1/4, values 4 and 0, d = 1 worked by hand"""
        case = np.array([[1.0]]), np.array([[np.log(3)], [0.0]]), np.array([[4.0], [0.0]])
        dQ, dK, dV = self.backward(student, np.array([[2.0]]), case)
        assert_close(dV, [[1.5], [0.5]], "dV")
        assert_close(dK, [[1.5], [-1.5]], "dK")
        assert_close(dQ, [[1.5 * np.log(3)]], "dQ")

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_each_gradient(self, student, oracle, rng, i, name):
        """dQ, dK and dV are right, each on its own"""
        case, dout = queries_keys_values(rng, (2,), 3, 4, 5, 2), rng.normal(size=(2, 3, 2))
        mine = self.backward(student, dout, case)[i]

        def forward(x):
            return student.attention_forward(*case[:i], x, *case[i + 1 :])[0]

        assert_gradient(
            mine, oracle.attention_backward(dout, *case)[i], name, forward, case[i], dout
        )

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_gradients_under_a_mask(self, student, oracle, rng, case, i, name):
        """They are right under a mask, also where a query may attend to nothing"""
        dout, mask = rng.normal(size=(2, 3, 4, 7)), a_mask(rng, (2, 1, 4, 6))
        mask[1, 0, 2] = False
        right = oracle.attention_backward(dout, *case, mask)[i]
        assert_close(self.backward(student, dout, case, mask.astype(int))[i], right, name)

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_gradients_square(self, student, oracle, rng, i, name):
        """They are right when all dimensions are equal"""
        case, dout = queries_keys_values(rng, (), 4, 4, 4, 4), rng.normal(size=(4, 4))
        assert_close(
            self.backward(student, dout, case)[i], oracle.attention_backward(dout, *case)[i], name
        )

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_linear_in_dout(self, student, rng, case, i, name):
        """Each gradient is linear in dout"""
        u, v = rng.normal(size=(2, 3, 4, 7)), rng.normal(size=(2, 3, 4, 7))
        assert_linear(lambda dout: self.backward(student, dout, case)[i], u, v, name)

    @gradient
    def test_no_gradient_where_forbidden(self, student, rng, case):
        """A key that nobody may attend to gets no gradient, nor does its value"""
        mask = np.array([[1, 1, 0, 1, 0, 1]])
        _, dK, dV = self.backward(student, rng.normal(size=(2, 3, 4, 7)), case, mask)
        expect(np.abs(dK[..., [2, 4], :]).max() < 1e-12, "dK is not 0 at a forbidden key", dK)
        expect(np.abs(dV[..., [2, 4], :]).max() < 1e-12, "dV is not 0 at a forbidden key", dV)

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """Q, K, V, the mask and dout are left as they were"""
        mask = a_mask(rng, (4, 6))
        student.attention_forward(*case, mask)
        assert_unchanged(student)
        student.attention_backward(rng.normal(size=(2, 3, 4, 7)), *case, mask)
        assert_unchanged(student)


@pytest.mark.exercise("causal_mask")
class TestCausalMask:
    def test_by_hand(self, student):
        """For three positions: the first sees itself, the second two, the third all three"""
        assert_close(student.causal_mask(3), [[1, 0, 0], [1, 1, 0], [1, 1, 1]], "the mask")

    @pytest.mark.parametrize("T", [1, 2, 6])
    def test_values(self, student, oracle, T):
        """Other lengths are right, a single position among them"""
        assert_close(student.causal_mask(T), oracle.causal_mask(T), "the mask")


@pytest.mark.exercise("heads")
class TestHeads:
    @pytest.fixture
    def x(self, rng):  # N, T, H and D/H all different
        return rng.normal(size=(2, 5, 12))

    def test_by_hand(self, student):
        """Two positions of four channels, two heads: head 0 gets the first two channels of each
        position
        """
        x = np.arange(8.0).reshape(1, 2, 4)
        heads = [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]]
        assert_close(student.split_heads(x, 2), heads, "split_heads")
        assert_close(student.merge_heads(np.array(heads, float)), x, "merge_heads")

    @pytest.mark.parametrize("n_heads", [3, 1, 12])
    def test_split(self, student, x, n_heads):
        """Head h holds the channels from h d to (h + 1) d - 1 of every position, d = D / H"""
        d = 12 // n_heads
        heads = assert_shape(student.split_heads(x, n_heads), (2, n_heads, 5, d), "split_heads")
        for h in range(n_heads):
            expect(
                np.allclose(heads[:, h], x[:, :, h * d : (h + 1) * d], atol=1e-5),
                f"head {h} does not hold the channels {h * d} to {(h + 1) * d - 1} of every "
                "position",
                heads,
            )

    @pytest.mark.parametrize(
        "size", [(2, 3, 5, 4), (3, 1, 2, 5), (1, 4, 4, 4)], ids=["3 heads", "1 head", "square"]
    )
    def test_merge(self, student, oracle, rng, size):
        """merge_heads puts the heads of each position side by side"""
        heads = rng.normal(size=size)
        assert_close(student.merge_heads(heads), oracle.merge_heads(heads), "merge_heads")

    @shape
    def test_there_and_back(self, student, x):
        """merge_heads undoes split_heads"""
        assert_close(
            student.merge_heads(student.split_heads(x, 3)), x, "merge_heads after split_heads"
        )

    @robust
    def test_arguments_unchanged(self, student, x):
        """x is left as it was"""
        student.split_heads(x, 4)
        assert_unchanged(student)
        student.merge_heads(x.reshape(2, 1, 5, 12))
        assert_unchanged(student)


# -- sublayers
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("multi_head_attention")
class TestMultiHeadAttention:
    @pytest.fixture
    def case(self, rng):  # N, T, D, heads, head size all different
        return rng.normal(size=(2, 5, 12)), attention_params(rng, 12), 3

    def test_by_hand(self, student):
        """Two channels, two heads of size 1, two positions, worked by hand, with and without the
        mask
        """
        eye, zero = np.eye(2), np.zeros(2)
        params = {
            "Wq": eye,
            "bq": zero,
            "Wk": eye,
            "bk": zero,
            "Wv": eye,
            "bv": zero,
            "Wo": 2 * eye,
            "bo": zero + 1,
        }
        x = np.array([[[0.0, 1.0], [np.log(3), 0.0]]])
        # head 0: scores 0 and ln3 of the second query (ln3)^2; its weights are 1 and 3^ln3 parts
        a, b = 3 ** np.log(3), np.e
        open_ = [[np.log(3) + 1, 2 * b / (1 + b) + 1], [2 * np.log(3) * a / (1 + a) + 1, 2.0]]
        assert_close(student.multi_head_attention_forward(x, params, 2, False), [open_])
        assert_close(
            student.multi_head_attention_forward(x, params, 2, True), [[[1.0, 3.0], open_[1]]]
        )

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_values(self, student, oracle, case, causal):
        """Every entry is right, with the causal mask and without"""
        right = oracle.multi_head_attention_forward(*case, causal)
        assert_close(student.multi_head_attention_forward(*case, causal), right)

    @pytest.mark.parametrize("n_heads", [1, 2, 12])
    def test_number_of_heads(self, student, oracle, case, n_heads):
        """One head, two, and as many as channels are right"""
        x, params, _ = case
        right = oracle.multi_head_attention_forward(x, params, n_heads)
        assert_close(student.multi_head_attention_forward(x, params, n_heads), right)

    def test_one_position(self, student, oracle, case):
        """A single position attends to itself alone: its value goes through Wv and Wo"""
        x, p, H = case
        y = student.multi_head_attention_forward(x[:, :1], p, H)
        assert_close(y, (x[:, :1] @ p["Wv"] + p["bv"]) @ p["Wo"] + p["bo"])

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_future(self, student, case, causal):
        """With the mask, what stands at a position never reaches an earlier one; without it, it
        does
        """
        x, params, H = case
        assert_blind_to_the_future(
            lambda x: student.multi_head_attention_forward(x, params, H, causal), x, causal
        )

    def test_causal_by_default(self, student, case):
        """Unless told otherwise, it is causal"""
        x, params, H = case
        assert_blind_to_the_future(
            lambda x: student.multi_head_attention_forward(x, params, H), x, True
        )

    @gradient
    def test_dx(self, student, oracle, rng):
        """dx is right: x is used for queries, keys and values"""
        x, params, dy = (
            rng.normal(size=(2, 3, 4)),
            attention_params(rng, 4),
            rng.normal(size=(2, 3, 4)),
        )
        dx, _ = parts_of(student.multi_head_attention_backward(dy, x, params, 2), x)
        right = oracle.multi_head_attention_backward(dy, x, params, 2)[0]
        assert_gradient(
            dx, right, "dx", lambda x: student.multi_head_attention_forward(x, params, 2), x, dy
        )

    @gradient
    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_gradients(self, student, oracle, rng, case, causal):
        """dx and all eight gradients of the parameters are right, with the mask and without"""
        dy = rng.normal(size=(2, 5, 12))
        dx, grads = parts_of(student.multi_head_attention_backward(dy, *case, causal), case[0])
        right = oracle.multi_head_attention_backward(dy, *case, causal)
        assert_gradients(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    @pytest.mark.parametrize(
        "size, n_heads", [((1, 3, 6), 1), ((3, 4, 4), 4), ((2, 2, 4), 2)], ids=["1", "4", "2"]
    )
    def test_gradients_of_other_sizes(self, student, oracle, rng, size, n_heads):
        """One head, as many as channels, equal dimensions: right, too"""
        case, dy = (
            (rng.normal(size=size), attention_params(rng, size[2]), n_heads),
            rng.normal(size=size),
        )
        dx, grads = parts_of(student.multi_head_attention_backward(dy, *case), case[0])
        right = oracle.multi_head_attention_backward(dy, *case)
        assert_gradients(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    def test_no_gradient_from_the_past(self, student, rng, case):
        """An early output gives no gradient to later inputs"""
        dy = rng.normal(size=(2, 5, 12))
        dy[:, 2:] = 0
        dx, _ = parts_of(student.multi_head_attention_backward(dy, *case), case[0])
        expect(
            np.abs(dx[:, 2:]).max() < 1e-12,
            "dx is not 0 after the last position that has a gradient",
            dx,
        )

    @gradient
    def test_linear_in_dy(self, student, rng, case):
        """dx and the gradients are linear in dy"""
        u, v = rng.normal(size=(2, 5, 12)), rng.normal(size=(2, 5, 12))
        assert_linear(
            lambda dy: vector(
                list(parts_of(student.multi_head_attention_backward(dy, *case), case[0]))
            ),
            u,
            v,
        )

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """x, params and dy are left as they were"""
        student.multi_head_attention_forward(*case)
        assert_unchanged(student)
        student.multi_head_attention_backward(rng.normal(size=(2, 5, 12)), *case)
        assert_unchanged(student)


@pytest.mark.exercise("feed_forward")
class TestFeedForward:
    @pytest.fixture
    def case(self, rng):
        return rng.normal(size=(2, 3, 4)), feed_forward_params(rng, 4, 7)

    def test_by_hand(self, student):
        """x = 1 through z = (1, -1) and gelu: 0.8413447 and -0.1586553, taken 2 and 1 times, plus
        0.5
        """
        params = {
            "W1": np.array([[2.0, -2.0]]),
            "b1": np.array([-1.0, 1.0]),
            "W2": np.array([[2.0], [1.0]]),
        }
        y = student.feed_forward_forward(np.array([[[1.0]]]), params | {"b2": np.array([0.5])})
        assert_close(y, [[[2 * 0.841344746 - 0.158655254 + 0.5]]])

    def test_values(self, student, oracle, case):
        """Every entry is right"""
        assert_close(student.feed_forward_forward(*case), oracle.feed_forward_forward(*case))

    def test_narrow(self, student, oracle, rng):
        """The hidden layer may be narrower than x"""
        case = rng.normal(size=(1, 5, 6)), feed_forward_params(rng, 6, 2)
        assert_close(student.feed_forward_forward(*case), oracle.feed_forward_forward(*case))

    def test_each_position_alone(self, student, case):
        """Another input at one position changes the output there and nowhere else"""
        x, params = case
        other = x.copy()
        other[:, 1] += 1
        change = assert_shape(
            student.feed_forward_forward(other, params), x.shape
        ) - student.feed_forward_forward(*case)
        expect(
            np.abs(change[:, [0, 2]]).max() < 1e-6,
            "another input at position 1 changes other positions",
            change,
        )
        expect(
            np.abs(change[:, 1]).max() > 1e-3,
            "another input at position 1 changes nothing there",
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
    def test_gradients(self, student, oracle, rng, size, F):
        """The gradients of W1, b1, W2 and b2 are right"""
        case, dy = (
            (rng.normal(size=size), feed_forward_params(rng, size[2], F)),
            rng.normal(size=size),
        )
        _, grads = parts_of(student.feed_forward_backward(dy, *case), case[0])
        assert_gradients(grads, oracle.feed_forward_backward(dy, *case)[1])

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
        """Scores of ±1,000 in the hidden layer pass or give 0, and so do their gradients"""
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
    def test_arguments_unchanged(self, student, rng, case):
        """x, params and dy are left as they were"""
        student.feed_forward_forward(*case)
        assert_unchanged(student)
        student.feed_forward_backward(rng.normal(size=(2, 3, 4)), *case)
        assert_unchanged(student)


@pytest.mark.exercise("block")
class TestBlock:
    @pytest.fixture
    def case(self, rng):
        return 2 * rng.normal(size=(2, 5, 12)) + 1, block_params(rng, 12, 7), 3

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_values(self, student, oracle, case, causal):
        """Every entry is right, with the causal mask and without"""
        assert_close(student.block_forward(*case, causal), oracle.block_forward(*case, causal))

    def test_silent_sublayers(self, student, case):
        """When Wo, bo, W2 and b2 are zero, both sublayers add nothing: y is x"""
        x, params, H = case
        params["attn"] |= {"Wo": np.zeros((12, 12)), "bo": np.zeros(12)}
        params["ffn"] |= {"W2": np.zeros((7, 12)), "b2": np.zeros(12)}
        assert_close(student.block_forward(x, params, H), x)

    def test_size_of_x(self, student, case):
        """Ten times x changes what x adds, and not what the two sublayers see at their entrance"""
        x, params, H = case
        params["ffn"] |= {"W2": np.zeros((7, 12)), "b2": np.zeros(12)}  # the attention alone
        shares = [
            assert_shape(student.block_forward(k * x, params, H), x.shape) - k * x for k in (1, 10)
        ]
        assert_close(
            shares[1], shares[0], "what the attention adds for 10 x", tolerance=1e-4
        )  # eps counts a little

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_future(self, student, case, causal):
        """With the mask, what stands at a position never reaches an earlier one; without it, it
        does
        """
        x, params, H = case
        assert_blind_to_the_future(lambda x: student.block_forward(x, params, H, causal), x, causal)

    def test_causal_by_default(self, student, case):
        """Unless told otherwise, it is causal"""
        x, params, H = case
        assert_blind_to_the_future(lambda x: student.block_forward(x, params, H), x, True)

    @gradient
    def test_dx(self, student, oracle, rng):
        """dx is right: it comes by the residual ways and through the sublayers"""
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
    def test_gradients(self, student, oracle, rng, case, causal):
        """dx and the gradients of both norms and both sublayers are right, nested like params"""
        dy = rng.normal(size=(2, 5, 12))
        dx, grads = parts_of(student.block_backward(dy, *case, causal), case[0])
        right = oracle.block_backward(dy, *case, causal)
        assert_nested(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    def test_gradients_of_silent_sublayers(self, student, rng, case):
        """When both sublayers add nothing, dx is dy"""
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
    def test_one_position(self, student, oracle, rng, case):
        """A batch of one with a single position is right"""
        x, params, H = case
        dy = rng.normal(size=(1, 1, 12))
        dx, grads = parts_of(student.block_backward(dy, x[:1, :1], params, H), x[:1, :1])
        right = oracle.block_backward(dy, x[:1, :1], params, H)
        assert_nested(grads, right[1])
        assert_close(dx, right[0], "dx")

    @robust
    def test_equal_channels(self, student, oracle, rng, case):
        """A position whose channels are all equal is no division by zero, forward or backward"""
        x, params, H = case
        x[:, 2] = 1.5
        assert_close(student.block_forward(x, params, H), oracle.block_forward(x, params, H))
        dy = rng.normal(size=x.shape)
        right = oracle.block_backward(dy, x, params, H)[0]
        assert_close(
            parts_of(student.block_backward(dy, x, params, H), x)[0], right, "dx", tolerance=1e-4
        )

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """x, params and dy are left as they were"""
        student.block_forward(*case)
        assert_unchanged(student)
        student.block_backward(rng.normal(size=(2, 5, 12)), *case)
        assert_unchanged(student)


# -- a small GPT
# -------------------------------------------------------------------------------------


@pytest.mark.exercise("gpt")
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

    def test_logits(self, student, oracle, case):
        """The scores of every next token are right"""
        params, ids, _, _, H = case
        assert_close(
            student.gpt_forward(params, ids, H), oracle.gpt_forward(params, ids, H), "logits"
        )

    @pytest.mark.parametrize("blocks", [1, 3])
    def test_depth(self, student, oracle, rng, blocks):
        """One block and three are right, and a longer sequence"""
        params, ids = gpt_params(rng, 5, 8, 6, blocks), rng.randint(0, 5, size=(2, 11))
        assert_close(
            student.gpt_forward(params, ids, 2), oracle.gpt_forward(params, ids, 2), "logits"
        )

    def test_future(self, student, rng, case):
        """Another token at a position changes no earlier scores"""
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
            f"another token at position 3 changes earlier scores by {leak:.3g}",
            after,
        )
        expect(
            np.abs(after - before)[:, 3:].max(axis=(0, 2)).min() > 1e-6,
            "it does not reach the scores from there on",
            after,
        )

    def test_order_matters(self, student, case):
        """The same tokens in another order have other scores at the last position: positions are
        told apart
        """
        params, ids, _, _, H = case
        ids = np.array([[0, 1, 2, 3, 4], [1, 0, 2, 3, 4]])
        last = assert_shape(student.gpt_forward(params, ids, H), (2, 5, 9), "logits")[:, -1]
        expect(
            np.abs(last[0] - last[1]).max() > 1e-6,
            "two orders of the tokens have the same last scores",
            last,
        )

    def test_loss_by_hand(self, student):
        """With Wy = 0 and by = (0, ln 3), targets 1, 0 and one masked: the loss is (ln 4/3 + ln 4)
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

    def test_loss(self, student, oracle, case):
        """The loss is the mean over the unmasked tokens"""
        loss, _ = assert_parts(student.gpt_loss_and_gradients(*case), self.names)
        assert_scalar(loss, oracle.gpt_loss_and_gradients(*case)[0])

    @gradient
    def test_gradients(self, student, oracle, case):
        """All gradients are right, nested like params"""
        _, grads = assert_parts(student.gpt_loss_and_gradients(*case), self.names)
        assert_nested(grads, oracle.gpt_loss_and_gradients(*case)[1])

    @gradient
    @pytest.mark.parametrize("blocks", [1, 3])
    def test_gradients_of_other_depths(self, student, oracle, rng, blocks):
        """One block and three are right, a batch of one, and a mask of True and False"""
        ids, targets = rng.randint(0, 5, size=(1, 7)), rng.randint(0, 5, size=(1, 7))
        case = gpt_params(rng, 5, 8, 6, blocks), ids, targets, rng.permutation(7)[None] < 5, 2
        _, grads = assert_parts(student.gpt_loss_and_gradients(*case), self.names)
        assert_nested(grads, oracle.gpt_loss_and_gradients(*case)[1])

    @gradient
    def test_embedding(self, student, case):
        """A token that stands nowhere gets no gradient"""
        _, grads = assert_parts(student.gpt_loss_and_gradients(*case), self.names)
        assert_structure(grads, case[0], "the gradients")
        dE = assert_shape(grads["E"], (9, 12), "grads['E']")
        expect(np.abs(dE[8]).max() == 0, "a token that stands nowhere has a gradient", dE)

    @gradient
    def test_masked_targets(self, student, case):
        """What the target of a masked token is plays no part"""
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
        """Scores in the tens of thousands give a finite loss"""
        params, ids, targets, mask, H = case
        loud = params | {"Wy": 1e4 * params["Wy"]}
        loss, grads = assert_parts(
            student.gpt_loss_and_gradients(loud, ids, targets, mask, H), self.names
        )
        assert_finite(loss, "the loss")
        assert_structure(grads, params, "the gradients")
        assert_finite(vector(grads), "the gradients")

    @robust
    def test_arguments_unchanged(self, student, case):
        """params, ids, targets and mask are left as they were"""
        student.gpt_forward(*case[:2], case[4])
        assert_unchanged(student)
        student.gpt_loss_and_gradients(*case)
        assert_unchanged(student)


both = pytest.mark.parametrize("name", ["generate", "generate_cached"])


@pytest.mark.exercise("generate")
class TestGenerate:
    @pytest.fixture
    def case(self, rng):  # N, T, V, D, heads, head size all different; two blocks
        return attentive_gpt(rng, 11, 12, 7, 2), rng.randint(0, 11, size=(2, 13)), 10, 3

    @both
    def test_greedy(self, student, oracle, rng, case, name):
        """At temperature 0 each new token is the one with the highest score, given all before it"""
        (params, _, n_new, H), ids, seed = case, rng.randint(0, 11, size=(40, 13)), generator(rng)
        right = oracle.generate(params, ids, n_new, H, 0, seed)
        scores = np.sort(oracle.gpt_forward(params, right[:, :-1], H)[:, 12:], axis=2)
        clear = (scores[..., -1] - scores[..., -2]).min(
            axis=1
        ) > 1e-3  # the others may turn on a rounding
        tokens = assert_shape(
            getattr(student, name)(params, ids, n_new, H, 0, seed), right.shape, "the tokens"
        )
        assert_close(tokens[clear], right[clear], "the tokens")

    @both
    def test_short_prompt(self, student, oracle, rng, case, name):
        """A prompt of one token, a batch of one"""
        params, ids, _, H = case
        seed = generator(rng)
        right = oracle.generate(params, ids[:1, :1], 14, H, 0, seed)
        assert_close(
            getattr(student, name)(params, ids[:1, :1], 14, H, 0, seed), right, "the tokens"
        )

    @both
    @shape
    def test_shape(self, student, rng, case, name):
        """One new token or many, the prompt stands before them"""
        params, ids, _, H = case
        for n_new in (1, 4):
            tokens = getattr(student, name)(params, ids, n_new, H, 1.0, generator(rng))
            tokens = assert_shape(tokens, (2, 13 + n_new), "the tokens")
            assert_close(tokens[:, :13], ids, "the prompt")
            expect(
                np.isin(tokens, np.arange(11)).all(), "a token is not one of the vocabulary", tokens
            )

    @both
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
    def test_distribution(self, student, oracle, rng, name, temperature):
        """Tokens are drawn from softmax(scores / temperature), of many equal prompts each
        its own
        """
        params, n = gpt_params(rng, 5, 4, 3, 1), 4000
        ids = np.repeat(rng.randint(0, 5, size=(1, 3)), n, axis=0)
        tokens = getattr(student, name)(params, ids, 1, 2, temperature, generator(rng))
        first = assert_shape(tokens, (n, 4), "the tokens")[:, -1]
        share = np.bincount(first.astype(int), minlength=5)[:5] / n
        p = probabilities(oracle.gpt_forward(params, ids[:1], 2)[0, -1] / temperature)
        off = np.abs(share - p) / np.sqrt(p * (1 - p) / n + 1 / n**2)
        assert_at_most(
            off.max(),
            6,
            "the distance of a token's share from its probability, in standard errors",
            tokens,
        )

    @both
    def test_second_token(self, student, oracle, rng, name):
        """The second new token is drawn given the first"""
        params, n = gpt_params(rng, 3, 4, 5, 2), 6000
        ids = np.repeat(rng.randint(0, 3, size=(1, 2)), n, axis=0)
        tokens = assert_shape(
            getattr(student, name)(params, ids, 2, 2, 1.5, generator(rng)), (n, 4), "the tokens"
        )
        share = np.bincount((3 * tokens[:, 2] + tokens[:, 3]).astype(int), minlength=9)[:9] / n
        longer = np.concatenate([ids[:3], np.arange(3)[:, None]], axis=1)
        scores = oracle.gpt_forward(params, longer, 2)[
            :, 1:
        ]  # after the prompt, and after each first token
        p = (
            probabilities(scores[0, 0] / 1.5)[:, None] * probabilities(scores[:, -1] / 1.5)
        ).ravel()
        off = np.abs(share - p) / np.sqrt(p * (1 - p) / n + 1 / n**2)
        assert_at_most(
            off.max(),
            6,
            "the distance of a pair's share from its probability, in standard errors",
            tokens,
        )

    @both
    def test_generator(self, student, rng, name):
        """All randomness comes from rng: the same seed gives the same tokens, another gives
        others
        """
        params, ids, seeds = (
            gpt_params(rng, 9, 4, 5, 1),
            rng.randint(0, 9, size=(4, 3)),
            [generator(rng), generator(rng)],
        )
        first, again, others = (
            getattr(student, name)(params, ids, 20, 2, 2.0, s) for s in (*seeds[:1] * 2, seeds[1])
        )
        assert_close(
            again, assert_shape(first, (4, 23), "the tokens"), "the tokens from the same seed"
        )
        expect(np.not_equal(first, others).any(), "two seeds give the same tokens", first)

    @both
    @robust
    def test_loud(self, student, oracle, rng, case, name):
        """Huge scores over a small temperature do not overflow: it is as good as 0"""
        params, ids, n_new, H = case
        loud = params | {"Wy": 1e3 * params["Wy"]}
        right = oracle.generate(loud, ids, n_new, H, 0, seed := generator(rng))
        assert_close(getattr(student, name)(loud, ids, n_new, H, 0.01, seed), right, "the tokens")

    @both
    @robust
    def test_arguments_unchanged(self, student, rng, case, name):
        """params and ids are left as they were"""
        params, ids, _, H = case
        getattr(student, name)(params, ids, 3, H, 0.8, generator(rng))
        assert_unchanged(student)

    @pytest.mark.kind("speed")
    def test_work(self, student, oracle, rng):
        """60 new tokens behind 140 take generate_cached at most a third of the time that generate
        takes
        """
        params, ids = gpt_params(rng, 7, 32, 16, 1, loud=3), rng.randint(0, 7, size=(2, 140))
        rest, times = (
            (ids, 60, 4, 0, generator(rng)),
            {student.generate: [], student.generate_cached: []},
        )
        right = oracle.generate(params, *rest)
        plain, cached = times
        for run in (cached, plain, cached, cached):  # in turns: a busy moment is nobody's fault
            start = time.perf_counter()
            tokens = run(params, *rest)
            times[run].append(time.perf_counter() - start)
            assert_close(tokens, right, "the tokens")
        ratio = min(times[plain][0] / min(times[cached]), 6.0)  # far above the line it is all one
        assert_at_least(
            ratio, 3, "the time of generate, in times of generate_cached", {"ratio": "too small"}
        )


@pytest.mark.exercise("train_transformer")
class TestTrainTransformer:
    @pytest.fixture
    def small(self, rng):
        return [part[:30] for part in reversal(rng, 30, length=3, symbols=4)]

    def trained(self, student, data, vocab_size, seed, steps):
        """The student's params and the number of heads."""
        return assert_parts(
            student.train_transformer(*data, vocab_size, seed, steps), ("params", "n_heads")
        )

    def scores(self, student, params, ids, n_heads, V):
        """What the trained model says, by the student's own gpt_forward."""
        return assert_finite(
            assert_shape(student.gpt_forward(params, ids, n_heads), (*ids.shape, V), "logits")
        )

    @shape
    def test_a_model(self, student, rng, small):
        """A model that gpt_forward takes comes back, with a row of E and a column of Wy for every
        token there is
        """
        params, n_heads = self.trained(student, small, 8, generator(rng), 2)
        self.scores(student, params, small[0], n_heads, 8)
        keys = gpt_params(np.random.RandomState(0), 8, 4, 5, 0)
        expect(
            isinstance(params, dict) and params.keys() == keys.keys(),
            f"params should have the keys {', '.join(keys)}",
        )
        expect(
            len(params["E"]) == 8,
            f"E has {len(params['E'])} rows, expected vocab_size = 8",
            params["E"],
        )

    def test_masked_targets(self, student, rng, small):
        """The targets of masked tokens play no part, whichever tokens of a sequence are masked"""
        ids, targets, _ = small
        mask = rng.uniform(size=targets.shape) < 0.5
        mask[:, 0] = True
        seed, other = generator(rng), np.where(mask, targets, rng.randint(0, 5, size=targets.shape))
        logits = [
            self.scores(student, *self.after(student, (ids, t, mask), seed), 5)
            for t in (targets, other)
        ]
        assert_close(logits[1], logits[0], "the scores after training with other masked targets")

    def after(self, student, data, seed):
        params, n_heads = self.trained(student, data, 5, seed, 4)
        return params, data[0], n_heads

    def test_generator(self, student, rng, small):
        """All randomness comes from rng: the same seed gives the same model, another gives
        another
        """
        seeds = [generator(rng), generator(rng)]
        first, again, other = (
            self.scores(student, *self.after(student, small, s), 5)
            for s in (seeds[0], seeds[0], seeds[1])
        )
        assert_close(again, first, "the scores from the same seed")
        expect(np.abs(first - other).max() > 1e-6, "two seeds give the same model", first)

    @convergence
    def test_steps(self, student, rng):
        """Three steps are not enough to learn it: steps is the number of updates"""
        ids, targets, mask = reversal(rng, 200)
        params, n_heads = self.trained(student, (ids, targets, mask), 11, generator(rng), 3)
        right = turned_rightly(self.scores(student, params, ids, n_heads, 11), targets, mask)
        assert_at_most(right, 0.2, "the share of tokens turned rightly after three steps", params)

    @convergence
    def test_known_entropy(self, student, rng):
        """On a language of chance, the loss on new text comes near its entropy, and never below"""
        text, least = noisy_language(rng, 800, 12)
        data, seed = (text[:400, :-1], text[:400, 1:], np.ones((400, 12))), generator(rng)

        def above(params, n_heads):
            return (
                mean_loss(self.scores(student, params, text[400:, :-1], n_heads, 6), text[400:, 1:])
                - least
            )

        params, n_heads = self.trained(student, data, 6, seed, 100)
        excess = above(params, n_heads)
        low = f"the loss is {-excess:.3g} below what is possible: does a position see what comes after it?"
        expect(excess > -0.03, low, params)
        with on_the_way(
            student, 100, "steps", lambda n: above(*self.trained(student, data, 6, seed, n))
        ):
            assert_at_most(excess, 0.2, "the loss on new text, less what is possible", params)

    @convergence
    def test_reversal(self, student, rng):
        """After 400 steps it turns new sequences of eight symbols round"""
        ids, targets, mask = reversal(rng, 2500)
        data, seed = (ids[:2000], targets[:2000], mask[:2000]), generator(rng)

        def right(params, n_heads):
            return turned_rightly(
                self.scores(student, params, ids[2000:], n_heads, 11), targets[2000:], mask[2000:]
            )

        params, n_heads = self.trained(student, data, 11, seed, 400)
        share = right(params, n_heads)
        with on_the_way(
            student, 400, "steps", lambda n: right(*self.trained(student, data, 11, seed, n))
        ):
            assert_at_least(share, 0.98, "the share of tokens turned rightly", params)

    @robust
    def test_arguments_unchanged(self, student, rng, small):
        """ids, targets and mask are left as they were"""
        self.trained(student, small, 5, generator(rng), 2)
        assert_unchanged(student)
