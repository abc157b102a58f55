"""Misconceptions of 07-attention: what students really write, what it is called, where to
look.
"""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.attention import reference

# -- positional_encoding
# -----------------------------------------------------------------------------


def _waves(position, exponent, odd):
    """sin of position / 10000^exponent, and cos where `odd` is true: (T, D)."""
    angle = position[:, None] / 10000.0**exponent
    return np.where(odd, np.cos(angle), np.sin(angle))


@misconception(
    "positional_encoding",
    "Which channel comes after the first sine: another sine, or its cosine?",
)
def sines_first_then_cosines(T, D):
    """the first half of the channels are sines and the second half cosines, not in alternation"""
    right = reference.positional_encoding(T, D)
    return np.concatenate([right[:, ::2], right[:, 1::2]], axis=1)


@misconception(
    "positional_encoding",
    "What is the exponent of the third channel? Does it count channels or pairs?",
)
def exponent_doubled(T, D):
    """the exponent is 2c/D with c the channel, so the wavelengths grow twice as fast"""
    c = np.arange(D)
    return _waves(np.arange(T), 2 * (c - c % 2) / D, c % 2 == 1)


@misconception("positional_encoding", "Do a sine and its cosine have the same wavelength?")
def every_channel_its_own_wave(T, D):
    """the exponent grows with every channel, so a cosine and its sine have different wavelengths"""
    c = np.arange(D)
    return _waves(np.arange(T), c / D, c % 2 == 1)


@misconception("positional_encoding", "What is the first number of the first row?")
def cosines_on_even_channels(T, D):
    """sine and cosine are swapped"""
    c = np.arange(D)
    return _waves(np.arange(T), (c - c % 2) / D, c % 2 == 0)


@misconception("positional_encoding", "What is the number of the first position?")
def positions_from_one(T, D):
    """the positions are counted from 1"""
    return reference.positional_encoding(T + 1, D)[1:]


@misconception(
    "positional_encoding", "Which power of 10,000 should the last pair of channels have?"
)
def exponent_up_to_one(T, D):
    """the exponent of the last pair is exactly 1"""
    c = np.arange(D)
    return _waves(np.arange(T), (c // 2) / max((D + 1) // 2 - 1, 1), c % 2 == 1)


# -- attention_forward
# -------------------------------------------------------------------------------


def _scores(Q, K):
    return Q @ np.swapaxes(K, -1, -2) / math.sqrt(Q.shape[-1])


def _softmax(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _allowed(scores, mask, low=-np.inf):
    return scores if mask is None else np.where(mask, scores, low)


def _rescaled(Q, factor):
    return Q * (math.sqrt(Q.shape[-1]) * factor)  # the reference divides by the root again


@misconception(
    "attention_forward", "A score is a sum of d products. How does its spread grow with d?"
)
def scores_not_scaled(Q, K, V, mask=None):
    """the scores are not divided by the square root of d"""
    return reference.attention_forward(_rescaled(Q, 1.0), K, V, mask)


@misconception("attention_forward", "Does the formula have d, or its root?")
def scaled_without_the_root(Q, K, V, mask=None):
    """the scores are divided by d instead of its square root"""
    return reference.attention_forward(_rescaled(Q, 1 / Q.shape[-1]), K, V, mask)


@misconception("attention_forward", "Which size is d? Over what does one score sum?")
def scaled_by_the_number_of_keys(Q, K, V, mask=None):
    """the scores are divided by the root of the number of keys, not of d"""
    return reference.attention_forward(_rescaled(Q, 1 / math.sqrt(K.shape[-2])), K, V, mask)


@misconception(
    "attention_forward",
    "What should the weights of one query add up to? Which axis holds its keys?",
)
def softmax_over_the_queries(Q, K, V, mask=None):
    """the softmax runs over the queries instead of over the keys"""
    weights = np.nan_to_num(_softmax(_allowed(_scores(Q, K), mask, -1e9), axis=-2))
    return weights @ V, weights


@misconception(
    "attention_forward", "What do the weights of a query add up to if some keys are forbidden?"
)
def mask_after_the_softmax(Q, K, V, mask=None):
    """the mask is applied after the softmax, so the weights no longer add up to 1"""
    weights = _softmax(_scores(Q, K)) * (1 if mask is None else mask)
    return weights @ V, weights


@misconception("attention_forward", "Does a 1 in the mask mean: may attend, or: must not attend?")
def mask_turned_round(Q, K, V, mask=None):
    """the mask is inverted: queries attend only to forbidden keys"""
    return reference.attention_forward(Q, K, V, None if mask is None else ~np.asarray(mask, bool))


@misconception("attention_forward", "Which weight does the softmax give to a score of 0?")
def scores_times_mask(Q, K, V, mask=None):
    """a forbidden score is set to 0, but 0 is an ordinary score"""
    weights = _softmax(_allowed(_scores(Q, K), mask, 0.0))
    return weights @ V, weights


@misconception(
    "attention_forward", "What happens to a weight if you add 1 to its score? And if you add 0?"
)
def mask_added_as_it_is(Q, K, V, mask=None):
    """the mask of 0 and 1 is added to the scores"""
    weights = _softmax(_scores(Q, K) + (0 if mask is None else np.asarray(mask, float)))
    return weights @ V, weights


@misconception("attention_forward", "By what does the softmax divide if no key is allowed?")
def nothing_allowed_is_nan(Q, K, V, mask=None):
    """a query that may attend to no key gives 0/0"""
    weights = _softmax(_allowed(_scores(Q, K), mask))
    return weights @ V, weights


@misconception(
    "attention_forward", "Which weights does a softmax give if all scores are equally low?"
)
def nothing_allowed_is_everything(Q, K, V, mask=None):
    """a query that may attend to no key attends equally to all keys"""
    weights = _softmax(_allowed(_scores(Q, K), mask, -1e9))
    return weights @ V, weights


@misconception("attention_forward", "What is 0 times infinity?")
def zero_times_infinity(Q, K, V, mask=None):
    """minus infinity is multiplied by the mask, which gives NaN where the mask is 0"""
    penalty = 0 if mask is None else (1.0 - np.asarray(mask, float)) * -np.inf
    weights = _softmax(_scores(Q, K) + penalty)
    return weights @ V, weights


@misconception(
    "attention_forward",
    "What is exp(1000)? Does the softmax of a row change if you shift all its scores?",
)
def scores_not_shifted(Q, K, V, mask=None):
    """exp overflows for large scores"""
    odds = np.exp(_allowed(_scores(Q, K), mask))
    total = odds.sum(axis=-1, keepdims=True)
    weights = odds / np.where(total == 0, 1, total)
    return weights @ V, weights


@misconception("attention_forward", "Which maximum should you subtract from a row of scores?")
def one_shift_for_all_rows(Q, K, V, mask=None):
    """the highest score of the whole array is subtracted, so a row of low scores becomes 0/0"""
    scores = _allowed(_scores(Q, K), mask)
    odds = np.exp(scores - scores.max())
    total = odds.sum(axis=-1, keepdims=True)
    weights = odds / np.where(total == 0, 1, total)
    return weights @ V, weights


@misconception(
    "attention_forward", "Do you take the maximum over the allowed keys only, or over all keys?"
)
def shifted_before_the_mask(Q, K, V, mask=None):
    """the subtracted maximum may belong to a forbidden key, so the allowed weights become 0/0"""
    scores = _scores(Q, K)
    odds = np.exp(scores - scores.max(axis=-1, keepdims=True)) * (1 if mask is None else mask)
    total = odds.sum(axis=-1, keepdims=True)
    weights = odds / np.where(total == 0, 1, total)
    return weights @ V, weights


@misconception("attention_forward", "What should the weights of a query add up to?")
def weights_not_divided(Q, K, V, mask=None):
    """the exponentials are not divided by their sum"""
    scores = _allowed(_scores(Q, K), mask)
    highest = scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    return weights @ V, weights


# -- attention_backward
# ------------------------------------------------------------------------------


def _backward(dout, Q, K, V, weights, dscores, scale=None):
    """The last steps: from the gradient of the scores to those of Q, K and V."""
    dscores = dscores * (1 / math.sqrt(Q.shape[-1]) if scale is None else scale)
    return dscores @ K, np.swapaxes(dscores, -1, -2) @ Q, np.swapaxes(weights, -1, -2) @ dout


def _through(dout, Q, K, V, mask=None):
    """The weights and their gradient."""
    return reference.attention_forward(Q, K, V, mask)[1], dout @ np.swapaxes(V, -1, -2)


def _jacobian(weights, dweights, axis=-1):
    return weights * (dweights - (weights * dweights).sum(axis=axis, keepdims=True))


@misconception(
    "attention_backward",
    "Which constant factor is between Q, K and the scores?",
)
def scale_forgotten_on_the_way_back(dout, Q, K, V, mask=None):
    """the scores are divided by the root of d, but their gradients are not"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(dout, Q, K, V, weights, _jacobian(weights, dweights), 1.0)


@misconception("attention_backward", "How often does the scale appear in a score?")
def scale_taken_twice(dout, Q, K, V, mask=None):
    """the gradients are divided twice by the root of d"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(dout, Q, K, V, weights, _jacobian(weights, dweights), 1 / Q.shape[-1])


@misconception(
    "attention_backward", "If one score rises, what happens to the other weights of its row?"
)
def only_the_diagonal_of_the_softmax(dout, Q, K, V, mask=None):
    """only the diagonal of the softmax's Jacobian is used"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(dout, Q, K, V, weights, weights * (1 - weights) * dweights)


@misconception(
    "attention_backward",
    "If all weight gradients of a row are equal, what should the score gradients of that row be?",
)
def softmax_passed_by(dout, Q, K, V, mask=None):
    """the gradient of the weights is multiplied by the weights, but nothing is subtracted"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(dout, Q, K, V, weights, weights * dweights)


@misconception(
    "attention_backward",
    "Which sum does the softmax gradient subtract: a plain sum, or a weighted sum?",
)
def sum_not_weighted(dout, Q, K, V, mask=None):
    """the softmax gradient subtracts the plain mean of the gradients, not the weighted one"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(
        dout, Q, K, V, weights, weights * (dweights - dweights.mean(axis=-1, keepdims=True))
    )


@misconception(
    "attention_backward",
    "Over which axis does the softmax run: the keys of a query, or the queries of a key?",
)
def softmax_gradient_over_the_queries(dout, Q, K, V, mask=None):
    """the weighted sum in the softmax gradient runs over the queries"""
    weights, dweights = _through(dout, Q, K, V, mask)
    return _backward(dout, Q, K, V, weights, _jacobian(weights, dweights, axis=-2))


@misconception(
    "attention_backward",
    "Every query i uses value j: over which index of the weights do you sum?",
)
def values_gradient_not_transposed(dout, Q, K, V, mask=None):
    """dV uses the weights instead of their transpose"""
    dQ, dK, _ = reference.attention_backward(dout, Q, K, V, mask)
    return dQ, dK, _through(dout, Q, K, V, mask)[0] @ dout


@misconception(
    "attention_backward",
    "Every query i uses key j: over which index of the scores do you sum?",
)
def keys_gradient_not_transposed(dout, Q, K, V, mask=None):
    """dK uses the gradient of the scores instead of its transpose"""
    weights, dweights = _through(dout, Q, K, V, mask)
    dQ, _, dV = reference.attention_backward(dout, Q, K, V, mask)
    return dQ, _jacobian(weights, dweights) / math.sqrt(Q.shape[-1]) @ Q, dV


@misconception("attention_backward", "Which weights did the forward use?")
def mask_ignored_on_the_way_back(dout, Q, K, V, mask=None):
    """the backward computes the weights without the mask"""
    return reference.attention_backward(dout, Q, K, V)


@misconception("attention_backward", "In which order does the forward take Q, K and V?")
def gradients_of_queries_and_keys_swapped(dout, Q, K, V, mask=None):
    """dQ and dK are returned in the wrong order"""
    dQ, dK, dV = reference.attention_backward(dout, Q, K, V, mask)
    return dK, dQ, dV


@misconception("attention_backward", "What are the weights of a query that may attend to no key?")
def nan_on_the_way_back(dout, Q, K, V, mask=None):
    """the backward computes the weights again, and they are NaN for a query without allowed keys"""
    weights = _softmax(_allowed(_scores(Q, K), mask))
    return _backward(dout, Q, K, V, weights, _jacobian(weights, dout @ np.swapaxes(V, -1, -2)))


# -- causal_mask
# -------------------------------------------------------------------------------------


@misconception("causal_mask", "Row 0 is the first query. To how many keys may it attend?")
def the_future_allowed(T):
    """the upper triangle is allowed: every position sees itself and the later positions"""
    return np.triu(np.ones((T, T), bool))


@misconception("causal_mask", "May a position attend to itself? Think of the first position.")
def itself_forbidden(T):
    """a position may not attend to itself, so the first position may attend to no key"""
    return np.tril(np.ones((T, T), bool), -1)


@misconception("causal_mask", "In this lesson, does 1 mean: may attend, or: must not attend?")
def ones_where_forbidden(T):
    """the mask is 1 where attention is forbidden"""
    return np.triu(np.ones((T, T), bool), 1)


@misconception("causal_mask", "Which values may a mask in this lesson hold?")
def minus_infinity_to_be_added(T):
    """the mask holds 0 and minus infinity, to be added to the scores"""
    return np.where(np.tril(np.ones((T, T), bool)), 0.0, -np.inf)


@misconception("causal_mask", "May the first position attend to the second?")
def one_step_ahead(T):
    """every position sees one later position"""
    return np.tril(np.ones((T, T), bool), 1)


# -- heads
# -------------------------------------------------------------------------------------------


@misconception(
    "split_heads",
    "Follow the second channel of the first position: in which head and position does it end?",
)
def split_by_reshape_alone(x, n_heads):
    """the heads are split by one reshape only, so a head mixes channels and positions"""
    N, T, D = x.shape
    return x.reshape(N, n_heads, T, D // n_heads)


@misconception("split_heads", "Which channels belong to head 0: the first d, or every H-th?")
def every_nth_channel(x, n_heads):
    """head h gets every H-th channel instead of d neighbouring channels"""
    N, T, D = x.shape
    return x.reshape(N, T, D // n_heads, n_heads).transpose(0, 3, 1, 2)


@misconception(
    "split_heads", "Each head needs its own attention. Which axis should hold the heads?"
)
def heads_behind_the_positions(x, n_heads):
    """the axis of the heads comes after the positions: (N, T, H, D/H)"""
    N, T, D = x.shape
    return x.reshape(N, T, n_heads, D // n_heads)


@misconception("split_heads", "Is n_heads the number of heads, or the size of one head?")
def number_taken_for_size(x, n_heads):
    """n_heads is used as the size of a head"""
    N, T, D = x.shape
    return x.reshape(N, T, D // n_heads, n_heads).transpose(0, 2, 1, 3)


@misconception(
    "merge_heads",
    "Before the merge, are the numbers of one position next to each other in memory?",
)
def merge_by_reshape_alone(x):
    """the heads are merged by one reshape only, so positions are mixed"""
    N, H, T, d = x.shape
    return x.reshape(N, T, H * d)


@misconception("merge_heads", "In which order are the channels of one position?")
def channels_of_heads_in_turns(x):
    """the channels of the heads alternate instead of coming head by head"""
    N, H, T, d = x.shape
    return x.transpose(0, 2, 3, 1).reshape(N, T, H * d)


# -- multi_head_attention_forward
# --------------------------------------------------------------------


def _project(x, p, name):
    return x @ p[f"W{name}"] + p[f"b{name}"]


def _split(x, n_heads):
    N, T, D = x.shape
    return x.reshape(N, T, n_heads, D // n_heads).transpose(0, 2, 1, 3)


def _merge(x):
    N, H, T, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(N, T, H * d)


def _self_attention(x, p, H, mask, split=_split, merge=_merge, factor=1.0, names="qkv"):
    q, k, v = (split(_project(x, p, name), H) for name in names)
    return _project(merge(reference.attention_forward(q * factor, k, v, mask)[0]), p, "o")


def _mask(x, causal):
    return np.tril(np.ones((x.shape[1], x.shape[1]), bool)) if causal else None


@misconception(
    "multi_head_attention_forward",
    "In which head and position does your split put the second channel of the first position?",
)
def heads_by_reshape(x, params, n_heads, causal=True):
    """the heads are split and merged by reshapes only"""

    def cut(x, H):
        N, T, D = x.shape
        return x.reshape(N, H, T, D // H)

    return _self_attention(
        x, params, n_heads, _mask(x, causal), cut, lambda x: x.reshape(len(x), x.shape[2], -1)
    )


@misconception(
    "multi_head_attention_forward",
    "Which two axes must be the last ones before you join the heads?",
)
def merged_without_transpose(x, params, n_heads, causal=True):
    """the heads are merged before their axis is moved to the place after the positions"""
    return _self_attention(
        x, params, n_heads, _mask(x, causal), merge=lambda x: x.reshape(len(x), x.shape[2], -1)
    )


@misconception(
    "multi_head_attention_forward",
    "A score is a sum of how many products: one per channel, or one per channel of a head?",
)
def scaled_by_the_width_of_the_model(x, params, n_heads, causal=True):
    """the scores are divided by the root of the number of channels instead of the size of a head"""
    return _self_attention(x, params, n_heads, _mask(x, causal), factor=1 / math.sqrt(n_heads))


@misconception("multi_head_attention_forward", "What mixes the heads?")
def no_output_layer(x, params, n_heads, causal=True):
    """the heads are merged, but Wo and bo are not applied"""
    q, k, v = (_split(_project(x, params, name), n_heads) for name in "qkv")
    return _merge(reference.attention_forward(q, k, v, _mask(x, causal))[0])


@misconception("multi_head_attention_forward", "What should change when causal is True?")
def never_causal(x, params, n_heads, causal=True):
    """the mask is never applied"""
    return _self_attention(x, params, n_heads, None)


@misconception("multi_head_attention_forward", "What should change when causal is False?")
def always_causal(x, params, n_heads, causal=True):
    """the mask is always applied, even when causal is False"""
    return _self_attention(x, params, n_heads, _mask(x, True))


@misconception("multi_head_attention_forward", "What is a row of the mask: a query or a key?")
def mask_transposed(x, params, n_heads, causal=True):
    """the mask is transposed, so every position sees only later positions"""
    return _self_attention(x, params, n_heads, _mask(x, True).T if causal else None)


@misconception("multi_head_attention_forward", "Which weights give the values?")
def values_from_the_keys(x, params, n_heads, causal=True):
    """the values are computed with the weights of the keys"""
    return _self_attention(x, params, n_heads, _mask(x, causal), names="qkk")


@misconception(
    "multi_head_attention_forward", "How many tensors does params hold, and how many do you use?"
)
def biases_forgotten(x, params, n_heads, causal=True):
    """the biases are left out"""
    bare = {name: tensor if name[0] == "W" else 0 * tensor for name, tensor in params.items()}
    return _self_attention(x, bare, n_heads, _mask(x, causal))


@misconception("multi_head_attention_forward", "Does the result depend on n_heads?")
def one_large_head(x, params, n_heads, causal=True):
    """all channels form one head, whatever n_heads is"""
    return _self_attention(x, params, 1, _mask(x, causal))


@misconception(
    "multi_head_attention_forward",
    "Where is x added: in the attention, or in the block?",
)
def residual_inside(x, params, n_heads, causal=True):
    """x is added to the result, but that is done by the block"""
    return x + _self_attention(x, params, n_heads, _mask(x, causal))


# -- multi_head_attention_backward
# -------------------------------------------------------------------


def _shares(dy, x, p, H, causal):
    """What dx gets through queries, keys and values, and all gradients."""
    qkv = [_split(_project(x, p, name), H) for name in "qkv"]
    merged = _merge(reference.attention_forward(*qkv, _mask(x, causal))[0])
    dheads = reference.attention_backward(_split(dy @ p["Wo"].T, H), *qkv, _mask(x, causal))
    parts = [_merge(d) for d in dheads]
    grads = {"Wo": np.einsum("ntd,nte->de", merged, dy), "bo": dy.sum(axis=(0, 1))}
    for name, d in zip("qkv", parts):
        grads |= {f"W{name}": np.einsum("ntd,nte->de", x, d), f"b{name}": d.sum(axis=(0, 1))}
    return [d @ p[f"W{name}"].T for name, d in zip("qkv", parts)], grads


@misconception("multi_head_attention_backward", "How often does the forward use x?")
def only_the_share_of_the_values(dy, x, params, n_heads, causal=True):
    """dx holds only the gradient through the values: the other two parts are overwritten"""
    shares, grads = _shares(dy, x, params, n_heads, causal)
    return shares[2], grads


@misconception("multi_head_attention_backward", "How often does the forward use x?")
def share_of_the_queries_lost(dy, x, params, n_heads, causal=True):
    """dx lacks the gradient through the queries"""
    shares, grads = _shares(dy, x, params, n_heads, causal)
    return shares[1] + shares[2], grads


@misconception(
    "multi_head_attention_backward", "dx is d times which matrix? Which index of W belongs to x?"
)
def weights_of_the_inputs_not_transposed(dy, x, params, n_heads, causal=True):
    """the gradients go back to x through the weights instead of their transposes"""
    turned = {k: v.T if k in ("Wq", "Wk", "Wv") else v for k, v in params.items()}
    shares, grads = _shares(dy, x, params, n_heads, causal)
    back = [s @ np.linalg.inv(params[f"W{n}"].T) @ turned[f"W{n}"].T for n, s in zip("qkv", shares)]
    return sum(back), grads


@misconception(
    "multi_head_attention_backward",
    "By which matrix are the merged heads multiplied? Which index of it belongs to them?",
)
def output_weights_not_transposed(dy, x, params, n_heads, causal=True):
    """dy goes back through Wo instead of its transpose"""
    shares, grads = _shares(dy, x, params | {"Wo": params["Wo"].T}, n_heads, causal)
    return sum(shares), grads


@misconception(
    "multi_head_attention_backward",
    "What is the shape of a bias? Over which axes do you sum its gradient?",
)
def bias_gradients_for_each_position(dy, x, params, n_heads, causal=True):
    """the gradients of the biases are summed over the batch, but not over the positions"""
    dx, grads = reference.multi_head_attention_backward(dy, x, params, n_heads, causal)
    return dx, grads | {"bo": dy.sum(axis=0)}


@misconception(
    "multi_head_attention_backward",
    "Is the loss already a mean? How often may the factor 1/N appear?",
)
def gradients_averaged_over_the_batch(dy, x, params, n_heads, causal=True):
    """the gradients of the weights are divided by the batch size, but the loss is already a mean"""
    dx, grads = reference.multi_head_attention_backward(dy, x, params, n_heads, causal)
    return dx, {name: g / (len(x) * x.shape[1]) for name, g in grads.items()}


@misconception("multi_head_attention_backward", "Which mask did the forward use?")
def backward_never_causal(dy, x, params, n_heads, causal=True):
    """the backward does not use the mask"""
    return reference.multi_head_attention_backward(dy, x, params, n_heads, False)


@misconception(
    "multi_head_attention_backward", "What is the input of Wo? In which order are the heads in it?"
)
def output_gradient_of_reshaped_heads(dy, x, params, n_heads, causal=True):
    """the gradient of Wo uses heads that were merged by one reshape only"""
    dx, grads = reference.multi_head_attention_backward(dy, x, params, n_heads, causal)
    qkv = [_split(_project(x, params, name), n_heads) for name in "qkv"]
    mixed = reference.attention_forward(*qkv, _mask(x, causal))[0].reshape(x.shape)
    return dx, grads | {"Wo": np.einsum("ntd,nte->de", mixed, dy)}


@misconception("multi_head_attention_backward", "Which index of a weight belongs to its input?")
def weight_gradients_transposed(dy, x, params, n_heads, causal=True):
    """the gradients of the weights are transposed, which fits because the weights are square"""
    dx, grads = reference.multi_head_attention_backward(dy, x, params, n_heads, causal)
    return dx, {name: g.T for name, g in grads.items()}


# -- feed_forward
# ------------------------------------------------------------------------------------


def _hidden(x, p):
    return x @ p["W1"] + p["b1"]


def _phi(z):
    return (1 + np.vectorize(math.erf)(z / math.sqrt(2))) / 2


def _tanh_gelu(z):
    return z / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))


@misconception("feed_forward_forward", "Which activation does the contract ask for?")
def relu_for_gelu(x, params):
    """a ReLU is used instead of GELU"""
    return np.maximum(_hidden(x, params), 0) @ params["W2"] + params["b2"]


@misconception(
    "feed_forward_forward", "Is this the exact GELU, with the normal distribution function?"
)
def gelu_by_tanh(x, params):
    """GELU is approximated with tanh"""
    return _tanh_gelu(_hidden(x, params)) @ params["W2"] + params["b2"]


@misconception(
    "feed_forward_forward", "Is this the exact GELU, with the normal distribution function?"
)
def gelu_by_a_sigmoid(x, params):
    """GELU is approximated with a sigmoid"""
    z = _hidden(x, params)
    return z / (1 + np.exp(-np.clip(1.702 * z, -700, 700))) @ params["W2"] + params["b2"]


@misconception(
    "feed_forward_forward", "Where is the activation: between the two layers, or after them?"
)
def gelu_at_the_end_too(x, params):
    """GELU is applied to the output too"""
    y = reference.feed_forward_forward(x, params)
    return y * _phi(y)


@misconception(
    "feed_forward_forward", "How many tensors does params hold, and how many do you use?"
)
def second_bias_forgotten(x, params):
    """b2 is left out"""
    return reference.feed_forward_forward(x, params) - params["b2"]


@misconception(
    "feed_forward_forward", "Where is x added: in the feed-forward layer, or in the block?"
)
def feed_forward_with_residual(x, params):
    """x is added to the result, but that is done by the block"""
    return x + reference.feed_forward_forward(x, params)


def _ffn_backward(dy, x, p, slope, h=None):
    """The right backward but for the slope of the activation, or what W2's gradient is
    taken with.
    """
    z = _hidden(x, p)
    h = z * _phi(z) if h is None else h
    dz = dy @ p["W2"].T * slope
    grads = {"W1": np.einsum("ntd,ntf->df", x, dz), "b1": dz.sum(axis=(0, 1))}
    return dz @ p["W1"].T, grads | {
        "W2": np.einsum("ntf,ntd->fd", h, dy),
        "b2": dy.sum(axis=(0, 1)),
    }


def _gelu_slope(z):
    return _phi(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


@misconception("feed_forward_backward", "What is the slope of GELU just below 0?")
def slope_of_relu(dy, x, params):
    """the slope of ReLU is used for GELU"""
    return _ffn_backward(dy, x, params, _hidden(x, params) > 0)


@misconception(
    "feed_forward_backward", "GELU is a product of two functions of z. Which rule gives its slope?"
)
def product_rule_forgotten(dy, x, params):
    """the slope of GELU lacks the term with the density"""
    return _ffn_backward(dy, x, params, _phi(_hidden(x, params)))


@misconception(
    "feed_forward_backward",
    "At which number do you need the slope of GELU: its input, or its output?",
)
def slope_at_the_output(dy, x, params):
    """the slope of GELU is computed at its output instead of its input"""
    z = _hidden(x, params)
    return _ffn_backward(dy, x, params, _gelu_slope(z * _phi(z)))


@misconception("feed_forward_backward", "What does the forward multiply by W2?")
def second_weights_with_the_scores(dy, x, params):
    """the gradient of W2 uses the scores before GELU"""
    z = _hidden(x, params)
    return _ffn_backward(dy, x, params, _gelu_slope(z), z)


@misconception(
    "feed_forward_backward", "Which operations are on the path from the output back to W1?"
)
def activation_passed_by(dy, x, params):
    """the backward ignores GELU"""
    return _ffn_backward(dy, x, params, 1.0)


@misconception(
    "feed_forward_backward", "What is the shape of a bias? Over which axes do you sum its gradient?"
)
def feed_forward_bias_for_each_position(dy, x, params):
    """the gradients of the biases are summed over the batch, but not over the positions"""
    dx, grads = reference.feed_forward_backward(dy, x, params)
    return dx, grads | {"b2": dy.sum(axis=0)}


# -- block
# -------------------------------------------------------------------------------------------


def _ln(x, p, axis=-1):
    deviation = np.sqrt(x.var(axis=axis, keepdims=True) + 1e-5)
    return (x - x.mean(axis=axis, keepdims=True)) / deviation * p["gamma"] + p["beta"]


_attn, _ffn = reference.multi_head_attention_forward, reference.feed_forward_forward


@misconception(
    "block_forward",
    "What is normalised: x itself, or only the input of a sublayer?",
)
def norm_behind_the_sum(x, params, n_heads, causal=True):
    """the norms come after the sums, as in the first Transformer, not before the sublayers"""
    h = _ln(x + _attn(x, params["attn"], n_heads, causal), params["ln1"])
    return _ln(h + _ffn(h, params["ffn"]), params["ln2"])


@misconception("block_forward", "What should y be if both sublayers give zeros?")
def first_residual_missing(x, params, n_heads, causal=True):
    """x is not added to the output of the attention"""
    h = _attn(_ln(x, params["ln1"]), params["attn"], n_heads, causal)
    return h + _ffn(_ln(h, params["ln2"]), params["ffn"])


@misconception("block_forward", "What should y be if both sublayers give zeros?")
def second_residual_missing(x, params, n_heads, causal=True):
    """h is not added to the output of the feed-forward layer"""
    h = x + _attn(_ln(x, params["ln1"]), params["attn"], n_heads, causal)
    return _ffn(_ln(h, params["ln2"]), params["ffn"])


@misconception("block_forward", "What is added to the attention output: x, or the normalised x?")
def residual_of_the_norm(x, params, n_heads, causal=True):
    """the normalised inputs are added to the sublayers' outputs, instead of x and h"""
    n = _ln(x, params["ln1"])
    m = _ln(n + _attn(n, params["attn"], n_heads, causal), params["ln2"])
    return m + _ffn(m, params["ffn"])


@misconception("block_forward", "What is the input of the second sublayer: x or h?")
def sublayers_side_by_side(x, params, n_heads, causal=True):
    """the input of the feed-forward layer comes from x instead of h"""
    h = x + _attn(_ln(x, params["ln1"]), params["attn"], n_heads, causal)
    return h + _ffn(_ln(x, params["ln2"]), params["ffn"])


@misconception("block_forward", "How many norms does a block have? Do they share their parameters?")
def first_norm_used_twice(x, params, n_heads, causal=True):
    """ln1 is used for both sublayers"""
    h = x + _attn(_ln(x, params["ln1"]), params["attn"], n_heads, causal)
    return h + _ffn(_ln(h, params["ln1"]), params["ffn"])


@misconception("block_forward", "How many norms does a block have?")
def no_second_norm(x, params, n_heads, causal=True):
    """h goes into the feed-forward layer without a norm"""
    h = x + _attn(_ln(x, params["ln1"]), params["attn"], n_heads, causal)
    return h + _ffn(h, params["ffn"])


@misconception(
    "block_forward", "Over which axis does LayerNorm take its mean: channels or positions?"
)
def norm_over_the_positions(x, params, n_heads, causal=True):
    """the norms take the mean and the variance over the positions instead of over the channels"""
    h = x + _attn(_ln(x, params["ln1"], 1), params["attn"], n_heads, causal)
    return h + _ffn(_ln(h, params["ln2"], 1), params["ffn"])


@misconception("block_forward", "Which functions need to know whether the attention is causal?")
def causal_not_passed_on(x, params, n_heads, causal=True):
    """`causal` is not passed to the attention"""
    return reference.block_forward(x, params, n_heads)


def _pieces(x, params, n_heads, causal):
    """What each part of the block is fed with."""
    n = _ln(x, params["ln1"])
    h = x + _attn(n, params["attn"], n_heads, causal)
    return n, h, _ln(h, params["ln2"])


def _ln_backward(dy, x, p):
    return reference._layernorm_backward(dy, x, p["gamma"])


def _block_backward(
    dy, x, params, n_heads, causal, first=1.0, second=1.0, at_h=None, attn_in=None, both_ways=True
):
    """The right backward but for: the weight of either residual way, and what the norms and the
    attention saw.
    """
    n, h, m = _pieces(x, params, n_heads, causal)
    dm, ffn = reference.feed_forward_backward(dy, m, params["ffn"])
    through, ln2 = _ln_backward(dm, h if at_h is None else at_h, params["ln2"])
    dh = second * dy + through
    dn, attn = reference.multi_head_attention_backward(
        dh if both_ways else dy, n if attn_in is None else attn_in, params["attn"], n_heads, causal
    )
    through, ln1 = _ln_backward(dn, x, params["ln1"])
    return first * dh + through, {"ln1": ln1, "attn": attn, "ln2": ln2, "ffn": ffn}


@misconception("block_backward", "What should dx be if both sublayers give zeros?")
def first_residual_way_forgotten(dy, x, params, n_heads, causal=True):
    """the gradient goes back through the attention only, not through the residual path"""
    return _block_backward(dy, x, params, n_heads, causal, first=0.0)


@misconception("block_backward", "How many paths lead from h to y?")
def second_residual_way_forgotten(dy, x, params, n_heads, causal=True):
    """the gradient goes back through the feed-forward layer only, not through the residual path"""
    return _block_backward(dy, x, params, n_heads, causal, second=0.0)


@misconception(
    "block_backward",
    "Which gradient does the attention's backward need: the gradient of y, or of h?",
)
def attention_fed_with_dy(dy, x, params, n_heads, causal=True):
    """the attention's backward gets dy, without the gradient through the feed-forward layer"""
    return _block_backward(dy, x, params, n_heads, causal, both_ways=False)


@misconception("block_backward", "What was the input of ln2 in the forward?")
def second_norm_at_x(dy, x, params, n_heads, causal=True):
    """the backward of ln2 uses x instead of h"""
    return _block_backward(dy, x, params, n_heads, causal, at_h=x)


@misconception("block_backward", "What was the input of the attention in the forward?")
def attention_backward_at_x(dy, x, params, n_heads, causal=True):
    """the attention's backward uses x instead of ln1(x)"""
    return _block_backward(dy, x, params, n_heads, causal, attn_in=x)


@misconception("block_backward", "Do the mean and the variance of a norm depend on its input?")
def norms_passed_by(dy, x, params, n_heads, causal=True):
    """the backward treats both norms as a plain scaling"""
    n, h, m = _pieces(x, params, n_heads, causal)
    dm, ffn = reference.feed_forward_backward(dy, m, params["ffn"])
    dh = dy + dm * params["ln2"]["gamma"]
    dn, attn = reference.multi_head_attention_backward(dh, n, params["attn"], n_heads, causal)
    ln1, ln2 = _ln_backward(dn, x, params["ln1"])[1], _ln_backward(dm, h, params["ln2"])[1]
    return dh + dn * params["ln1"]["gamma"], {"ln1": ln1, "attn": attn, "ln2": ln2, "ffn": ffn}


@misconception("block_backward", "Which functions need to know whether the attention is causal?")
def causal_not_passed_on_in_backward(dy, x, params, n_heads, causal=True):
    """`causal` is not passed to the attention's backward"""
    return reference.block_backward(dy, x, params, n_heads)


# -- gpt
# ---------------------------------------------------------------------------------------------


def _gpt(params, ids, n_heads, positions=1.0, scale=1.0, again=0.0, causal=True, norm=True):
    T, D = ids.shape[1], params["E"].shape[1]
    x = scale * params["E"][ids] + positions * reference.positional_encoding(T, D)
    for block in params["blocks"]:
        x = reference.block_forward(
            x, block, n_heads, causal
        ) + again * reference.positional_encoding(T, D)
    return (_ln(x, params["ln_f"]) if norm else x) @ params["Wy"] + params["by"]


@misconception(
    "gpt_forward",
    "How does the model know the order of the tokens?",
    also="train_transformer",
)
def positions_forgotten(params, ids, n_heads):
    """the positional encoding is not added"""
    return _gpt(params, ids, n_heads, positions=0.0)


@misconception("gpt_forward", "How often should the positional encoding be added?")
def positions_at_every_block(params, ids, n_heads):
    """the positional encoding is added again after every block"""
    return _gpt(params, ids, n_heads, again=1.0)


@misconception(
    "gpt_forward", "Does the contract of this lesson scale the embedding?", also="train_transformer"
)
def embedding_scaled(params, ids, n_heads):
    """the embedding is multiplied by the root of its width"""
    return _gpt(params, ids, n_heads, scale=math.sqrt(params["E"].shape[1]))


@misconception(
    "gpt_forward", "What is between the last block and the scores?", also="train_transformer"
)
def final_norm_forgotten(params, ids, n_heads):
    """ln_f is left out"""
    return _gpt(params, ids, n_heads, norm=False)


@misconception("gpt_forward", "May the scores at a position depend on later tokens?")
def blocks_not_causal(params, ids, n_heads):
    """the blocks are not causal, so the model can see the token that it should predict"""
    return _gpt(params, ids, n_heads, causal=False)


@misconception(
    "gpt_forward",
    "Does the contract ask for scores or probabilities? Who applies the softmax?",
    also="train_transformer",
)
def softmax_at_the_end(params, ids, n_heads):
    """probabilities are returned instead of scores"""
    return _softmax(_gpt(params, ids, n_heads))


@misconception("gpt_forward", "How many blocks are there? What is the input of each?")
def only_the_last_block(params, ids, n_heads):
    """every block gets the embedding as its input, so only the last block counts"""
    return _gpt({**params, "blocks": params["blocks"][-1:]}, ids, n_heads)


def _loss(params, ids, targets, mask, n_heads, share):
    """Loss and gradients when token (n, t) counts with share[n, t]."""
    total = float(np.sum(share))
    loss, grads = reference.gpt_loss_and_gradients(params, ids, targets, share, n_heads)
    return loss * total, _scaled(grads, total)


def _scaled(tree, factor):
    return reference._mapped(lambda g: factor * g, tree)


@misconception("gpt_loss_and_gradients", "By how many tokens do you divide the sum?")
def mean_over_all_tokens(params, ids, targets, mask, n_heads):
    """the sum over the unmasked tokens is divided by the number of all tokens"""
    return _loss(params, ids, targets, mask, n_heads, np.asarray(mask) / np.size(mask))


@misconception("gpt_loss_and_gradients", "Which tokens should count?")
def mask_ignored(params, ids, targets, mask, n_heads):
    """the mask is not used: all tokens count"""
    return reference.gpt_loss_and_gradients(params, ids, targets, np.ones(np.shape(mask)), n_heads)


@misconception("gpt_loss_and_gradients", "Is the loss a sum or a mean?")
def loss_summed(params, ids, targets, mask, n_heads):
    """the loss is the sum over the unmasked tokens, not their mean"""
    return _loss(params, ids, targets, mask, n_heads, np.asarray(mask, float))


@misconception(
    "gpt_loss_and_gradients",
    "Does a token of a short sequence count as much as a token of a long one?",
)
def mean_of_the_sequences_means(params, ids, targets, mask, n_heads):
    """each sequence is averaged first, so tokens of short sequences count more"""
    mask = np.asarray(mask, float)
    share = mask / np.maximum(mask.sum(axis=1, keepdims=True), 1) / max(np.sum(mask.any(axis=1)), 1)
    return _loss(params, ids, targets, mask, n_heads, share)


@misconception(
    "gpt_loss_and_gradients",
    "The targets are already the next tokens. What happens if you shift them again?",
)
def targets_moved_again(params, ids, targets, mask, n_heads):
    """the targets are shifted by one more position"""
    return reference.gpt_loss_and_gradients(
        params, ids, np.roll(targets, -1, axis=1), mask, n_heads
    )


@misconception("gpt_loss_and_gradients", "What does += do if an index occurs twice?")
def repeated_tokens_lost(params, ids, targets, mask, n_heads):
    """if a token occurs several times, only one of its gradients is kept"""
    loss, grads = reference.gpt_loss_and_gradients(params, ids, targets, mask, n_heads)
    parts = {
        **params,
        "E": params["E"][ids.ravel()],
    }  # every place its own row: what each would add
    each = reference.gpt_loss_and_gradients(
        parts, np.arange(ids.size).reshape(ids.shape), targets, mask, n_heads
    )[1]
    dE = np.zeros(params["E"].shape)
    dE[ids.ravel()] += each["E"]
    return loss, {**grads, "E": dE}


@misconception(
    "gpt_loss_and_gradients",
    "In which order does the backward visit the blocks, and in which order is the list?",
)
def gradients_of_the_blocks_backwards(params, ids, targets, mask, n_heads):
    """the gradients of the blocks are in reversed order"""
    loss, grads = reference.gpt_loss_and_gradients(params, ids, targets, mask, n_heads)
    return loss, {**grads, "blocks": grads["blocks"][::-1]}


@misconception(
    "gpt_loss_and_gradients", "Are your gradients the gradients of the loss that you return?"
)
def gradients_of_the_sum(params, ids, targets, mask, n_heads):
    """the loss is a mean, but the gradients belong to the sum"""
    loss, grads = reference.gpt_loss_and_gradients(params, ids, targets, mask, n_heads)
    return loss, _scaled(grads, float(np.sum(mask)))


@misconception("gpt_loss_and_gradients", "What is the logarithm of a probability that rounds to 0?")
def logarithm_of_zero(params, ids, targets, mask, n_heads):
    """the probability may round to 0, and its logarithm is not finite"""
    _, grads = reference.gpt_loss_and_gradients(params, ids, targets, mask, n_heads)
    p = _softmax(reference.gpt_forward(params, ids, n_heads))
    chosen = np.take_along_axis(p, np.asarray(targets)[..., None], axis=2)[..., 0]
    return float(-(np.log(chosen) * mask).sum() / np.sum(mask)), grads


# -- generate
# ----------------------------------------------------------------------------------------


def _generate(params, ids, n_new, n_heads, choose):
    """Token by token, `choose` (the scores at all positions) -> (N,)."""
    for _ in range(n_new):
        ids = np.concatenate(
            [ids, choose(reference.gpt_forward(params, ids, n_heads))[:, None]], axis=1
        )
    return ids


def _draw(scores, temperature, rng):
    return reference._choose(scores, temperature, rng)[:, 0]


@misconception("generate", "Which position has the scores for the next token?")
def scores_of_the_first_position(params, ids, n_new, n_heads, temperature, rng):
    """the next token is chosen by the scores of the first position"""
    return _generate(params, ids, n_new, n_heads, lambda s: _draw(s[:, 0], temperature, rng))


@misconception("generate", "Should a high temperature make the probabilities more equal, or less?")
def temperature_multiplied(params, ids, n_new, n_heads, temperature, rng):
    """the scores are multiplied by the temperature instead of divided by it"""
    inverse = 1 / temperature if temperature else 0
    return reference.generate(params, ids, n_new, n_heads, inverse, rng)


@misconception(
    "generate", "If the temperature is not 0, is the next token always the most likely one?"
)
def always_the_likeliest(params, ids, n_new, n_heads, temperature, rng):
    """the most likely token is always chosen, whatever the temperature"""
    return reference.generate(params, ids, n_new, n_heads, 0, rng)


@misconception("generate", "Does your result change between the temperatures 0.5 and 2?")
def temperature_ignored(params, ids, n_new, n_heads, temperature, rng):
    """the temperature is not used, except for 0"""
    return reference.generate(params, ids, n_new, n_heads, 1.0 if temperature else 0, rng)


@misconception("generate", "Which tokens should the result hold?")
def prompt_left_out(params, ids, n_new, n_heads, temperature, rng):
    """only the new tokens are returned, without the prompt"""
    return reference.generate(params, ids, n_new, n_heads, temperature, rng)[:, ids.shape[1] :]


@misconception("generate", "What does the second new token know about the first?")
def all_tokens_from_the_prompt(params, ids, n_new, n_heads, temperature, rng):
    """all new tokens use the scores after the prompt: no new token is fed back"""
    scores = reference.gpt_forward(params, ids, n_heads)[:, -1]
    new = [_draw(scores, temperature, rng)[:, None] for _ in range(n_new)]
    return np.concatenate([ids, *new], axis=1)


@misconception(
    "generate", "If two prompts in a batch are equal, must they continue in the same way?"
)
def one_draw_for_the_whole_batch(params, ids, n_new, n_heads, temperature, rng):
    """one random number decides for all sequences of the batch"""

    def choose(scores):
        if temperature == 0:
            return scores[:, -1].argmax(axis=1)
        return (_softmax(scores[:, -1] / temperature).cumsum(axis=1) < rng.uniform()).sum(axis=1)

    return _generate(params, ids, n_new, n_heads, choose)


@misconception("generate", "What is exp of a score of 1,000 divided by a small temperature?")
def draw_overflows(params, ids, n_new, n_heads, temperature, rng):
    """exp overflows for large scores"""

    def choose(scores):
        if temperature == 0:
            return scores[:, -1].argmax(axis=1)
        odds = np.exp(scores[:, -1] / temperature)
        p = odds / odds.sum(axis=1, keepdims=True)
        return np.array([rng.choice(p.shape[1], p=row) for row in p])

    return _generate(params, ids, n_new, n_heads, choose)


@misconception("generate", "What is a score divided by a temperature of 0?")
def division_by_temperature_zero(params, ids, n_new, n_heads, temperature, rng):
    """temperature 0 is not treated separately: the scores are divided by 0"""

    def choose(scores):
        p = _softmax(scores[:, -1] / np.float64(temperature))
        return np.array([rng.choice(p.shape[1], p=row) for row in p])

    return _generate(params, ids, n_new, n_heads, choose)


def _cached(params, ids, n_new, n_heads, temperature, rng, position, remember, causal=True):
    """The right generate_cached but for the positions of what is new, and what is remembered."""
    D = params["E"].shape[1]
    cache, new = [None] * len(params["blocks"]), ids
    for _ in range(n_new):
        T = ids.shape[1]
        x = params["E"][new] + reference.positional_encoding(T, D)[position(T, new.shape[1])]
        for i, p in enumerate(params["blocks"]):
            q, *kv = (
                _split(_project(_ln(x, p["ln1"]), p["attn"], name), n_heads) for name in "qkv"
            )
            keys, values = cache[i] = remember(cache, i, kv)
            mask = np.tril(np.ones((keys.shape[2],) * 2, bool))[-x.shape[1] :] if causal else None
            h = x + _project(
                _merge(reference.attention_forward(q, keys, values, mask)[0]), p["attn"], "o"
            )
            x = h + _ffn(_ln(h, p["ln2"]), p["ffn"])
        scores = _ln(x[:, -1], params["ln_f"]) @ params["Wy"] + params["by"]
        new = _draw(scores, temperature, rng)[:, None]
        ids = np.concatenate([ids, new], axis=1)
    return ids


def _newest(T, n):
    return slice(T - n, T)


def _append(cache, i, kv):
    return kv if cache[i] is None else [np.concatenate(pair, axis=2) for pair in zip(cache[i], kv)]


@misconception("generate_cached", "Which keys does the newest token see?")
def cache_not_appended(params, ids, n_new, n_heads, temperature, rng):
    """the keys and values of new tokens are not cached, so each new token sees only itself"""
    return _cached(params, ids, n_new, n_heads, temperature, rng, _newest, lambda cache, i, kv: kv)


@misconception("generate_cached", "Which tokens does the second new token see?")
def cache_ends_with_the_prompt(params, ids, n_new, n_heads, temperature, rng):
    """a new token sees the prompt and itself, but not the new tokens before it"""
    prompt = {}

    def remember(cache, i, kv):
        prompt.setdefault(i, kv)
        return (
            kv if prompt[i] is kv else [np.concatenate(pair, axis=2) for pair in zip(prompt[i], kv)]
        )

    return _cached(params, ids, n_new, n_heads, temperature, rng, _newest, remember)


@misconception("generate_cached", "Which position does a new token have?")
def new_tokens_at_position_zero(params, ids, n_new, n_heads, temperature, rng):
    """every new token gets the encoding of position 0"""
    return _cached(params, ids, n_new, n_heads, temperature, rng, lambda T, n: slice(0, n), _append)


@misconception("generate_cached", "Does each block have its own keys and values?")
def one_cache_for_all_blocks(params, ids, n_new, n_heads, temperature, rng):
    """all blocks use the cache of the first block"""

    def remember(cache, i, kv):
        return _append(cache, 0, kv) if i == 0 else cache[0]

    return _cached(params, ids, n_new, n_heads, temperature, rng, _newest, remember)


@misconception(
    "generate_cached",
    "May a position of the prompt see later positions?",
)
def prompt_not_masked(params, ids, n_new, n_heads, temperature, rng):
    """the prompt goes through the blocks without a mask"""
    return _cached(params, ids, n_new, n_heads, temperature, rng, _newest, _append, causal=False)


@misconception("generate_cached", "How many tokens go through the blocks for each new token?")
def everything_computed_anew(params, ids, n_new, n_heads, temperature, rng):
    """nothing is cached: the whole sequence goes through the blocks for every new token"""
    return reference.generate(params, ids, n_new, n_heads, temperature, rng)


# -- train_transformer
# -------------------------------------------------------------------------------


@misconception("train_transformer", "Which tokens should count in the loss?")
def trained_on_all_tokens(ids, targets, mask, vocab_size, rng, steps):
    """all tokens count in training, the masked ones too"""
    return reference.train_transformer(
        ids, targets, np.ones(np.shape(mask)), vocab_size, rng, min(steps, 10)
    )


@misconception(
    "train_transformer", "How many rows does E need if a token of the vocabulary does not occur?"
)
def vocabulary_from_the_data(ids, targets, mask, vocab_size, rng, steps):
    """the size of the vocabulary is counted in the data"""
    return reference.train_transformer(
        ids, targets, mask, int(np.max(ids)) + 1, rng, min(steps, 10)
    )


@misconception("train_transformer", "Which generator do you use?")
def always_the_same_seed(ids, targets, mask, vocab_size, rng, steps):
    """a generator with a fixed seed is used instead of rng"""
    return reference.train_transformer(
        ids, targets, mask, vocab_size, np.random.default_rng(0), min(steps, 10)
    )


@misconception("train_transformer", "How many updates do you make if steps is 3?")
def steps_not_counted(ids, targets, mask, vocab_size, rng, steps):
    """the number of updates does not depend on steps"""
    return reference.train_transformer(ids, targets, mask, vocab_size, rng, 70)


@misconception("train_transformer", "Does the loss fall? In which direction is your step?")
def steps_go_uphill(ids, targets, mask, vocab_size, rng, steps):
    """the steps follow the gradient instead of going against it"""
    params, n_heads = reference.train_transformer(ids, targets, mask, vocab_size, rng, 1)
    grads = reference.gpt_loss_and_gradients(params, ids[:50], targets[:50], mask[:50], n_heads)[1]
    return reference._mapped(lambda p, g: p + 0.01 * steps * g, params, grads), n_heads


@misconception(
    "train_transformer", "Do the inputs and the targets of a batch come from the same sequences?"
)
def pairs_torn_apart(ids, targets, mask, vocab_size, rng, steps):
    """the inputs and the targets are drawn separately, so they do not belong together"""
    return reference.train_transformer(
        ids[rng.permutation(len(ids))], targets, mask, vocab_size, rng, min(steps, 60)
    )
