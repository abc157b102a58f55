"""Checks of 07-attention: positions, attention and heads."""

import numpy as np
import pytest

from autograder.checks.attention.attending import (
    KINDS,
    MASKS,
    a_mask,
    assert_blind_to_the_future,
    parts_of,
    queries_keys_values,
)
from autograder.checks.attention.transformer import (
    attention_params,
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
    expect,
    gradient,
    robust,
    shape,
    vector,
)

# -- positions
# ---------------------------------------------------------------------------------------


@exercise("positional_encoding")
class TestPositionalEncoding:
    def test_by_hand(self, student):
        """With 4 channels, position 0 is 0, 1, 0, 1 and position 1 is sin 1, cos 1, sin 0.01, cos
        0.01
        """
        right = [[0.0, 1.0, 0.0, 1.0], [0.841470985, 0.540302306, 0.00999983333, 0.999950000]]
        assert_close(student.positional_encoding(2, 4), right)

    @pytest.mark.parametrize(
        "least, most", [(2, 9), (30, 60), (1, 1)], ids=["short", "long", "one position"]
    )
    def test_values(self, same, rng, least, most):
        """Every entry is right, for other lengths and widths"""
        T, D = int(rng.randint(least, most + 1)), 2 * int(rng.randint(3, 9))
        assert_close(*same.positional_encoding(T, D))

    @pytest.mark.parametrize("D", [1, 5])
    def test_odd(self, same, D):
        """With an odd number of channels, the last channel is a sine"""
        assert_close(*same.positional_encoding(9, D))

    @shape
    def test_shape(self, student):
        """The result has the shape (T, D): one row for each position"""
        assert_shape(student.positional_encoding(3, 10), (3, 10))


# -- attention
# ---------------------------------------------------------------------------------------


@exercise("attention")
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
        """Scores 2 ln 3 and 0 with d = 4 give the weights 3/4, 1/4; the values 4 and 8 give out 3
        and 2
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
        """out and weights are right for several heads, and for more or fewer keys than queries"""
        assert_close(self.forward(student, case)[i], oracle.attention_forward(*case)[i], name)

    @pytest.mark.parametrize("lead", [(), (3,)], ids=["none", "one"])
    def test_leading_axes(self, student, oracle, rng, lead):
        """Inputs with no leading axis or one leading axis are right too"""
        case = queries_keys_values(rng, lead)
        assert_close(self.forward(student, case)[0], oracle.attention_forward(*case)[0], "out")

    def test_square(self, student, oracle, rng):
        """out and weights are right when all dimensions are equal, where a wrong axis would fit"""
        case = queries_keys_values(rng, (3, 3), 3, 3, 3, 3)
        assert_close(self.forward(student, case)[0], oracle.attention_forward(*case)[0], "out")

    @pytest.mark.parametrize("size", MASKS.values(), ids=MASKS)
    def test_mask(self, student, oracle, rng, case, size):
        """out is right for a mask of any shape that broadcasts to the scores"""
        mask = a_mask(rng, size)
        assert_close(
            self.forward(student, case, mask)[0], oracle.attention_forward(*case, mask)[0], "out"
        )

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_kinds_of_mask(self, student, oracle, rng, case, kind):
        """A mask may hold True and False, or 1 and 0; 1 means: may attend"""
        mask = a_mask(rng, (4, 6))
        right = oracle.attention_forward(*case, mask)[1]
        assert_close(self.forward(student, case, mask.astype(kind))[1], right, "weights")

    def test_forbidden_keys_play_no_part(self, student, rng, case):
        """A forbidden key has weight 0, and its key and value do not change the result"""
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
        """A query that may attend to no key gives zeros, not NaN, and the other queries are
        right
        """
        mask = a_mask(rng, (4, 6))
        mask[2] = False
        out, weights = self.forward(student, case, mask)
        expect(
            np.abs(out[:, :, 2]).max() < 1e-12,
            "out is not 0 for a query that may attend to no key",
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
        """Scores of ±1,000 do not overflow and do not change the result of another query"""
        Q, K = np.array([[1.0], [-0.1]]), sign * np.array([[1000.0], [1000.0], [0.0], [-1000.0]])
        out, _ = self.forward(student, (Q, K, np.array([[2.0], [4.0], [90.0], [7.0]])))
        assert_close(out, right, "out")

    @robust
    def test_loud_forbidden_key(self, student):
        """A forbidden key with a very high score does not change the weights of the allowed keys"""
        K, V = np.array([[0.0], [0.0], [2000.0]]), np.array([[2.0], [6.0], [9.0]])
        out, _ = self.forward(student, (np.array([[1.0]]), K, V), np.array([[True, True, False]]))
        assert_close(out, [[4.0]], "out")

    @robust
    def test_integers(self, student):
        """Integer Q, K and V give the right values"""
        out, _ = self.forward(
            student, (np.array([[0, 0]]), np.array([[3, 1], [2, 5]]), np.array([[1], [4]]))
        )
        assert_close(out, [[2.5]], "out")

    @gradient
    def test_gradients_by_hand(self, student):
        """One query with weights 3/4 and 1/4 gives the gradients worked out by hand"""
        case = np.array([[1.0]]), np.array([[np.log(3)], [0.0]]), np.array([[4.0], [0.0]])
        dQ, dK, dV = self.backward(student, np.array([[2.0]]), case)
        assert_close(dV, [[1.5], [0.5]], "dV")
        assert_close(dK, [[1.5], [-1.5]], "dK")
        assert_close(dQ, [[1.5 * np.log(3)]], "dQ")

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_each_gradient(self, student, oracle, rng, i, name):
        """dQ, dK and dV are each right"""
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
        """The gradients are right with a mask, also for a query that may attend to no key"""
        dout, mask = rng.normal(size=(2, 3, 4, 7)), a_mask(rng, (2, 1, 4, 6))
        mask[1, 0, 2] = False
        right = oracle.attention_backward(dout, *case, mask)[i]
        assert_close(self.backward(student, dout, case, mask.astype(int))[i], right, name)

    @gradient
    @pytest.mark.parametrize("i, name", list(enumerate(grads)), ids=grads)
    def test_gradients_square(self, student, oracle, rng, i, name):
        """The gradients are right when all dimensions are equal"""
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
        """A key that no query may attend to gets no gradient, and its value gets none"""
        mask = np.array([[1, 1, 0, 1, 0, 1]])
        _, dK, dV = self.backward(student, rng.normal(size=(2, 3, 4, 7)), case, mask)
        expect(np.abs(dK[..., [2, 4], :]).max() < 1e-12, "dK is not 0 at a forbidden key", dK)
        expect(np.abs(dV[..., [2, 4], :]).max() < 1e-12, "dV is not 0 at a forbidden key", dV)

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """Q, K, V, the mask and dout are not changed"""
        mask = a_mask(rng, (4, 6))
        unchanged.attention_forward(*case, mask)
        unchanged.attention_backward(rng.normal(size=(2, 3, 4, 7)), *case, mask)


@exercise("causal_mask")
class TestCausalMask:
    def test_by_hand(self, student):
        """For three positions, the first may attend to itself, the second to two, the third to
        all
        """
        assert_close(student.causal_mask(3), [[1, 0, 0], [1, 1, 0], [1, 1, 1]], "the mask")

    @pytest.mark.parametrize("least, most", [(2, 3), (6, 12)], ids=["short", "long"])
    def test_values(self, same, rng, least, most):
        """The mask is right for other lengths"""
        assert_close(*same.causal_mask(int(rng.randint(least, most + 1))), "the mask")

    @robust
    def test_one(self, same):
        """A single position sees itself"""
        assert_close(*same.causal_mask(1), "the mask")


@exercise("heads")
class TestHeads:
    @pytest.fixture
    def x(self, rng):  # N, T, H and D/H all different
        return rng.normal(size=(2, 5, 12))

    def test_by_hand(self, student):
        """With four channels and two heads, head 0 gets the first two channels of each position"""
        x = np.arange(8.0).reshape(1, 2, 4)
        heads = [[[[0, 1], [4, 5]], [[2, 3], [6, 7]]]]
        assert_close(student.split_heads(x, 2), heads, "split_heads")
        assert_close(student.merge_heads(np.array(heads, float)), x, "merge_heads")

    @pytest.mark.parametrize("n_heads", [3, 1, 12])
    def test_split(self, student, x, n_heads):
        """Head h holds the channels h d to (h + 1) d - 1 of every position, with d = D / H"""
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
    def test_merge(self, same, rng, size):
        """merge_heads joins the heads of each position in their order"""
        heads = rng.normal(size=size)
        assert_close(*same.merge_heads(heads), "merge_heads")

    @shape
    def test_there_and_back(self, student, x):
        """merge_heads undoes split_heads"""
        assert_close(
            student.merge_heads(student.split_heads(x, 3)), x, "merge_heads after split_heads"
        )

    @robust
    def test_arguments_unchanged(self, unchanged, x):
        """x is not changed"""
        unchanged.split_heads(x, 4)
        unchanged.merge_heads(x.reshape(2, 1, 5, 12))


# -- sublayers
# ---------------------------------------------------------------------------------------


@exercise("multi_head_attention")
class TestMultiHeadAttention:
    @pytest.fixture
    def case(self, rng):  # N, T, D, heads, head size all different
        return rng.normal(size=(2, 5, 12)), attention_params(rng, 12), 3

    def test_by_hand(self, student):
        """Two heads of size 1 give the values worked out by hand, with and without the mask"""
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
        """Every entry is right, with and without the causal mask"""
        right = oracle.multi_head_attention_forward(*case, causal)
        assert_close(student.multi_head_attention_forward(*case, causal), right)

    @pytest.mark.parametrize("n_heads", [1, 2, 12])
    def test_number_of_heads(self, student, oracle, case, n_heads):
        """One head, two heads, and as many heads as channels are right"""
        x, params, _ = case
        right = oracle.multi_head_attention_forward(x, params, n_heads)
        assert_close(student.multi_head_attention_forward(x, params, n_heads), right)

    def test_one_position(self, student, oracle, case):
        """A single position attends only to itself: its value goes through Wv and Wo"""
        x, p, H = case
        y = student.multi_head_attention_forward(x[:, :1], p, H)
        assert_close(y, (x[:, :1] @ p["Wv"] + p["bv"]) @ p["Wo"] + p["bo"])

    @pytest.mark.parametrize("causal", [True, False], ids=["causal", "open"])
    def test_future(self, student, case, causal):
        """With the mask, later positions do not change earlier outputs; without it, they do"""
        x, params, H = case
        assert_blind_to_the_future(
            lambda x: student.multi_head_attention_forward(x, params, H, causal), x, causal
        )

    def test_causal_by_default(self, student, case):
        """If `causal` is not given, the mask is used"""
        x, params, H = case
        assert_blind_to_the_future(
            lambda x: student.multi_head_attention_forward(x, params, H), x, True
        )

    @gradient
    def test_dx(self, student, oracle, rng):
        """dx is right: x is used for the queries, the keys and the values"""
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
    def test_gradients(self, same, rng, case, causal):
        """dx and the gradients of all eight parameters are right, with and without the mask"""
        dy = rng.normal(size=(2, 5, 12))
        mine, right = same.multi_head_attention_backward(dy, *case, causal)
        dx, grads = parts_of(mine, case[0])
        assert_gradients(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    @pytest.mark.parametrize(
        "size, n_heads", [((1, 3, 6), 1), ((3, 4, 4), 4), ((2, 2, 4), 2)], ids=["1", "4", "2"]
    )
    def test_gradients_of_other_sizes(self, same, rng, size, n_heads):
        """The gradients are right for one head, for as many heads as channels, and for equal
        dimensions
        """
        case, dy = (
            (rng.normal(size=size), attention_params(rng, size[2]), n_heads),
            rng.normal(size=size),
        )
        mine, right = same.multi_head_attention_backward(dy, *case)
        dx, grads = parts_of(mine, case[0])
        assert_gradients(grads, right[1])
        assert_close(dx, right[0], "dx")

    @gradient
    def test_no_gradient_from_the_past(self, student, rng, case):
        """With the mask, an early output gives no gradient to later inputs"""
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
    def test_arguments_unchanged(self, unchanged, rng, case):
        """x, params and dy are not changed"""
        unchanged.multi_head_attention_forward(*case)
        unchanged.multi_head_attention_backward(rng.normal(size=(2, 5, 12)), *case)
