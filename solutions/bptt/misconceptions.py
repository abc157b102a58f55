"""Misconceptions of 06-bptt: what students really write, what it is called, where to look."""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.bptt import reference

# -- embedding
# -----------------------------------------------------------------------------------------


@misconception(
    "embedding_backward",
    "What does `dE[ids] += dy` do if a symbol occurs twice in ids? Try ids = [0, 0].",
)
def repeats_lost(dy, ids, vocab_size):
    """if a symbol occurs several times, only one of its gradients is kept"""
    dE = np.zeros((vocab_size, dy.shape[-1]))
    dE[ids] += dy
    return dE


@misconception(
    "embedding_backward",
    "Several positions use the same row of E. Are their gradients averaged or added?",
)
def repeats_averaged(dy, ids, vocab_size):
    """the gradients of a symbol are averaged over its positions instead of summed"""
    counts = np.bincount(np.ravel(ids), minlength=vocab_size)
    return reference.embedding_backward(dy, ids, vocab_size) / np.maximum(counts, 1)[:, None]


@misconception("embedding_backward", "What is the shape of E? Can a batch leave out some symbols?")
def rows_that_occur_only(dy, ids, vocab_size):
    """dE ends at the largest symbol that occurs, not at the end of the table"""
    return reference.embedding_backward(dy, ids, int(np.max(ids)) + 1)


@misconception("embedding_backward", "Which row of dE belongs to which symbol?")
def gradient_by_place(dy, ids, vocab_size):
    """the gradients are summed by position in the sequence, not by symbol"""
    dE = np.zeros((vocab_size, dy.shape[-1]))
    for i, row in enumerate(dy.reshape(-1, dy.shape[-1])):
        dE[i % vocab_size] += row
    return dE


@misconception("embedding_forward", "Is a symbol a row or a column of E?")
def columns_for_rows(ids, E):
    """the symbols are looked up in the columns of E"""
    return np.take(E, np.asarray(ids) % E.shape[1], axis=1).T


@misconception(
    "embedding_forward", "Print E and the output side by side. Does the lookup scale anything?"
)
def lookup_normalised(ids, E):
    """the vectors are scaled to length 1"""
    y = np.asarray(E)[ids]
    return y / np.linalg.norm(y, axis=-1, keepdims=True)


# -- rnn_step
# ------------------------------------------------------------------------------------------


@misconception("rnn_step_forward", "What does the new state depend on besides x?")
def state_forgotten(x, h_prev, Wx, Wh, b):
    """the previous state is not used"""
    return np.tanh(x @ Wx + b)


@misconception(
    "rnn_step_forward", "Write the shape below each factor. If both fit, try Wh = (0, 1; 0, 0)."
)
def recurrent_weights_transposed(x, h_prev, Wx, Wh, b):
    """the state is multiplied by the transpose of Wh"""
    return np.tanh(x @ Wx + h_prev @ Wh.T + b)


@misconception(
    "rnn_step_forward", "What is the new state if the state and the input are 0, and b is not 0?"
)
def bias_outside_the_tanh(x, h_prev, Wx, Wh, b):
    """the bias is added after the tanh"""
    return np.tanh(x @ Wx + h_prev @ Wh) + b


@misconception("rnn_step_forward", "Between which two numbers does a state lie?")
def sigmoid_for_tanh(x, h_prev, Wx, Wh, b):
    """a sigmoid is used instead of tanh"""
    return (1 + np.tanh((x @ Wx + h_prev @ Wh + b) / 2)) / 2


def _step_backward(dz, x, h_prev, Wx, Wh):
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)


@misconception("rnn_step_backward", "What is the slope of tanh at 0, and at an output of 1/2?")
def slope_without_the_square(dh, x, h_prev, h, Wx, Wh):
    """the slope of tanh is 1 - h, without the square"""
    return _step_backward(dh * (1 - h), x, h_prev, Wx, Wh)


@misconception("rnn_step_backward", "Is h the input or the output of the tanh?")
def tanh_applied_again(dh, x, h_prev, h, Wx, Wh):
    """the slope uses tanh(h), but h is already the output of tanh"""
    return _step_backward(dh * (1 - np.tanh(h) ** 2), x, h_prev, Wx, Wh)


@misconception("rnn_step_backward", "Which operations are on the path from h back to Wx?")
def slope_forgotten(dh, x, h_prev, h, Wx, Wh):
    """the gradient does not go through the tanh"""
    return _step_backward(dh, x, h_prev, Wx, Wh)


@misconception(
    "rnn_step_backward",
    "Which state did the forward multiply by Wh: the one before the step, or the one after it?",
)
def new_state_in_dwh(dh, x, h_prev, h, Wx, Wh):
    """dWh uses the state after the step instead of the state before it"""
    return _step_backward(dh * (1 - h**2), x, h, Wx, Wh)


@misconception(
    "rnn_step_backward",
    "Which matrix takes the gradient back? Write the shapes, with D and H different.",
)
def back_through_wh_itself(dh, x, h_prev, h, Wx, Wh):
    """dh_prev uses Wh instead of its transpose"""
    dx, _, *weights = reference.rnn_step_backward(dh, x, h_prev, h, Wx, Wh)
    return dx, (dh * (1 - h**2)) @ Wh, *weights


@misconception(
    "rnn_step_backward",
    "Is the loss already averaged over the batch? How often may the factor 1/N appear?",
)
def step_averaged_over_the_batch(dh, x, h_prev, h, Wx, Wh):
    """the gradients of the weights are divided by the batch size, but the loss is already a mean"""
    dx, dh_prev, *weights = reference.rnn_step_backward(dh, x, h_prev, h, Wx, Wh)
    return dx, dh_prev, *(grad / len(x) for grad in weights)


# -- rnn
# -----------------------------------------------------------------------------------------------


@misconception(
    "rnn_forward", "From which state does the first step start? Try an h0 that is not 0."
)
def h0_ignored(x, h0, Wx, Wh, b):
    """the first step starts from 0 instead of h0"""
    return reference.rnn_forward(x, np.zeros(np.shape(h0)), Wx, Wh, b)


@misconception(
    "rnn_forward", "Which state does the third step get: the state after the second step, or h0?"
)
def every_step_from_h0(x, h0, Wx, Wh, b):
    """every step starts from h0 again, so nothing is remembered"""
    return np.tanh(x @ Wx + (h0 @ Wh)[:, None] + b)


@misconception("rnn_forward", "How many states should T steps give, and which state is the first?")
def h0_among_the_states(x, h0, Wx, Wh, b):
    """the result includes h0, so it has one state too many"""
    return np.concatenate([h0[:, None], reference.rnn_forward(x, h0, Wx, Wh, b)], axis=1)


@misconception("rnn_forward", "Which axis of x is time?")
def time_first(x, h0, Wx, Wh, b):
    """the states are stacked with time as the first axis: (T, N, H)"""
    return reference.rnn_forward(x, h0, Wx, Wh, b).swapaxes(0, 1)


@misconception("rnn_forward", "In which order should the network read the sequence?")
def read_backwards(x, h0, Wx, Wh, b):
    """the sequence is read from its end"""
    return reference.rnn_forward(x[:, ::-1], h0, Wx, Wh, b)[:, ::-1]


def _rnn_backward(
    dh, x, h0, h, Wx, Wh, carried=1.0, previous=True, kept=None, initial=True, slope=None
):
    """Through time with one thing changed: the share of the carry, the state that dWh sees, the
    steps that count.
    """
    N, T, _ = x.shape
    before = (
        np.concatenate([h0[:, None] if initial else 0 * h0[:, None], h[:, :-1]], axis=1)
        if previous
        else h
    )
    dx, carry, totals = (
        np.zeros(x.shape),
        np.zeros(h0.shape),
        [np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(len(Wh))],
    )
    for t in reversed(range(T)):
        dz = (dh[:, t] + carried * carry) * (1 - h[:, t] ** 2 if slope is None else slope(h[:, t]))
        dx[:, t], carry, *grads = _step_backward(dz, x[:, t], before[:, t], Wx, Wh)
        if kept is None or t == kept:
            totals = [total + grad for total, grad in zip(totals, grads)]
    return dx, carry, *totals


@misconception(
    "rnn_backward",
    "Which step uses a state, besides the output at the same time?",
)
def carry_dropped(dh, x, h0, h, Wx, Wh):
    """no gradient is passed from one step to the step before it"""
    return _rnn_backward(dh, x, h0, h, Wx, Wh, carried=0.0)


@misconception("rnn_backward", "How many steps use Wh? Which share is missing?")
def first_steps_share_only(dh, x, h0, h, Wx, Wh):
    """the weight gradients of each step replace the ones of the step before: only one step
    counts
    """
    return _rnn_backward(dh, x, h0, h, Wx, Wh, kept=0)


@misconception(
    "rnn_backward",
    "Which state did the forward multiply by Wh in step t: h_t, or the one before it?",
)
def new_states_in_dwh(dh, x, h0, h, Wx, Wh):
    """dWh uses the new state of each step instead of the state before it"""
    return _rnn_backward(dh, x, h0, h, Wx, Wh, previous=False)


@misconception(
    "rnn_backward", "From which state does the first step start? Try an h0 that is not 0."
)
def h0_taken_for_zero(dh, x, h0, h, Wx, Wh):
    """dWh uses 0 instead of h0 in the first step"""
    return _rnn_backward(dh, x, h0, h, Wx, Wh, initial=False)


@misconception(
    "rnn_backward", "Which step can be computed first in the backward: the last, or the first?"
)
def forwards_through_time(dh, x, h0, h, Wx, Wh):
    """the backward goes from the first step to the last, so the gradient goes the wrong way"""
    before = np.concatenate([h0[:, None], h[:, :-1]], axis=1)
    dx, carry, totals = np.zeros(x.shape), np.zeros(h0.shape), [0.0, 0.0, 0.0]
    for t in range(x.shape[1]):
        dz = (dh[:, t] + carry) * (1 - h[:, t] ** 2)
        dx[:, t], carry, *grads = _step_backward(dz, x[:, t], before[:, t], Wx, Wh)
        totals = [total + grad for total, grad in zip(totals, grads)]
    return dx, carry, *totals


@misconception("rnn_backward", "At how many steps does an upstream gradient arrive?")
def last_states_share_only(dh, x, h0, h, Wx, Wh):
    """only the upstream gradient of the last state is used"""
    only = np.zeros(dh.shape)
    only[:, -1] = dh[:, -1]
    return reference.rnn_backward(only, x, h0, h, Wx, Wh)


@misconception("rnn_backward", "What is the slope of tanh at 0, and at an output of 1/2?")
def slopes_without_the_square(dh, x, h0, h, Wx, Wh):
    """the slope of tanh is 1 - h, without the square"""
    return _rnn_backward(dh, x, h0, h, Wx, Wh, slope=lambda h: 1 - h)


@misconception("rnn_backward", "What is the shape of b? Over which axes is it shared?")
def bias_gradient_of_one_axis(dh, x, h0, h, Wx, Wh):
    """db is summed over time only, so it keeps the batch axis"""
    dx, carry = np.zeros(x.shape), np.zeros(h0.shape)
    dz = np.zeros(h.shape)
    for t in reversed(range(x.shape[1])):
        dz[:, t] = (dh[:, t] + carry) * (1 - h[:, t] ** 2)
        dx[:, t], carry = dz[:, t] @ Wx.T, dz[:, t] @ Wh.T
    right = reference.rnn_backward(dh, x, h0, h, Wx, Wh)
    return *right[:4], dz.sum(axis=1)


@misconception("rnn_backward", "Compare dh before and after the call.")
def upstream_overwritten(dh, x, h0, h, Wx, Wh):
    """the gradient that goes back is added into the caller's dh"""
    if dh.dtype.kind == "f":
        carry = np.zeros(h0.shape)
        right = reference.rnn_backward(dh, x, h0, h, Wx, Wh)
        for t in reversed(range(x.shape[1])):
            dh[:, t] += carry
            carry = (dh[:, t] * (1 - h[:, t] ** 2)) @ Wh.T
        return right
    return reference.rnn_backward(dh, x, h0, h, Wx, Wh)


@misconception(
    "rnn_backward", "Is dh0 the gradient of the first state, or of the state before the first step?"
)
def dh0_one_step_early(dh, x, h0, h, Wx, Wh):
    """dh0 is the gradient of the first state: it did not go back through the first step"""
    right = reference.rnn_backward(dh, x, h0, h, Wx, Wh)
    later = np.zeros(h0.shape)
    if x.shape[1] > 1:
        later = reference.rnn_backward(dh[:, 1:], x[:, 1:], h[:, 0], h[:, 1:], Wx, Wh)[1]
    return right[0], dh[:, 0] + later, *right[2:]


# -- sequence_cross_entropy
# ----------------------------------------------------------------------------


def _log_p(logits):
    return logits - reference._log_sum_exp(logits)


def _masked_loss(logits, targets, weight, gradient_weight=None):
    """Cross-entropy with any weights (N, T) on the tokens, and others in the gradient."""
    log_p = _log_p(logits)
    chosen = np.arange(logits.shape[2]) == np.asarray(targets)[:, :, None]
    above = weight if gradient_weight is None else gradient_weight
    return float(-np.sum(weight[:, :, None] * chosen * log_p)), above[:, :, None] * (
        np.exp(log_p) - chosen
    )


@misconception(
    "sequence_cross_entropy",
    "By how many tokens do you divide the sum: all, or the unmasked ones?",
)
def divided_by_all_tokens(logits, targets, mask):
    """the sum over the unmasked tokens is divided by N·T, padding included"""
    return _masked_loss(logits, targets, np.asarray(mask, float) / np.size(mask))


@misconception(
    "sequence_cross_entropy", "What do padded tokens add to your loss? What should they add?"
)
def mask_ignored(logits, targets, mask):
    """the mask is not used: padding counts like all other tokens"""
    return _masked_loss(logits, targets, np.full(np.shape(mask), 1 / np.size(mask)))


@misconception("sequence_cross_entropy", "Is the gradient of a masked token 0?")
def gradient_not_masked(logits, targets, mask):
    """the loss is masked but the gradient is not"""
    mask = np.asarray(mask, float)
    return _masked_loss(logits, targets, mask / mask.sum(), np.full(mask.shape, 1 / mask.sum()))


@misconception(
    "sequence_cross_entropy", "Does a token in a short row count as much as a token in a long row?"
)
def mean_of_row_means(logits, targets, mask):
    """each row is averaged first, so tokens of short rows count more"""
    mask = np.asarray(mask, float)
    count = mask.sum(axis=1, keepdims=True)
    return _masked_loss(logits, targets, mask / np.maximum(count, 1) / (count > 0).sum())


@misconception("sequence_cross_entropy", "What happens to your loss if the batch is doubled?")
def summed_over_the_batch(logits, targets, mask):
    """the loss is divided by the number of steps only, not by the number of tokens"""
    return _masked_loss(logits, targets, np.asarray(mask, float) / np.shape(mask)[1])


@misconception(
    "sequence_cross_entropy", "Is your gradient the gradient of the loss that you return?"
)
def gradient_of_the_sum(logits, targets, mask):
    """the loss is a mean, but the gradient belongs to the sum"""
    mask = np.asarray(mask, float)
    return _masked_loss(logits, targets, mask / mask.sum(), mask)


@misconception(
    "sequence_cross_entropy", "Along which axis do the probabilities of one token add up to 1?"
)
def softmax_over_time(logits, targets, mask):
    """the softmax runs over the steps instead of over the symbols"""
    mask = np.asarray(mask, float)
    log_p = np.swapaxes(_log_p(np.swapaxes(logits, 1, 2)), 1, 2)
    chosen = np.arange(logits.shape[2]) == np.asarray(targets)[:, :, None]
    weight = (mask / mask.sum())[:, :, None]
    return float(-np.sum(weight * chosen * log_p)), weight * (np.exp(log_p) - chosen)


@misconception(
    "sequence_cross_entropy", "What is exp(10,000)? Which shift does not change the probabilities?"
)
def scores_not_shifted(logits, targets, mask):
    """exp overflows for large scores"""
    mask = np.asarray(mask, float)
    p = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    chosen = np.arange(logits.shape[2]) == np.asarray(targets)[:, :, None]
    weight = (mask / mask.sum())[:, :, None]
    return float(-np.sum(np.where(weight * chosen > 0, weight * np.log(p), 0)[chosen])), weight * (
        p - chosen
    )


@misconception(
    "sequence_cross_entropy",
    "If you multiply the scores of a padded token by 0, what is its probability?",
)
def scores_masked_to_zero(logits, targets, mask):
    """the scores of padded tokens are set to 0, not their loss, so each of them costs ln V"""
    mask = np.asarray(mask, float)
    return _masked_loss(
        logits * mask[:, :, None], targets, np.full(mask.shape, 1 / mask.sum()), mask / mask.sum()
    )


# -- clip_gradients
# ------------------------------------------------------------------------------------


def _norm(grads):
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=float))) for g in grads.values()))


@misconception("clip_gradients", "Does the gradient keep its direction?")
def clipped_by_value(grads, max_norm):
    """each entry is clipped to ±max_norm, which changes the direction of the gradient"""
    return {name: np.clip(g, -max_norm, max_norm) for name, g in grads.items()}


@misconception("clip_gradients", "How many norms do you compute: one, or one for each tensor?")
def clipped_tensor_by_tensor(grads, max_norm):
    """each tensor is clipped by its own norm"""
    return {
        name: g * min(1.0, max_norm / (np.linalg.norm(g) + 1e-300)) for name, g in grads.items()
    }


@misconception(
    "clip_gradients", "What should happen to a gradient whose norm is already small enough?"
)
def always_scaled(grads, max_norm):
    """gradients with a norm below max_norm are scaled up to it"""
    scale = max_norm / (_norm(grads) or 1.0)
    return {name: scale * g for name, g in grads.items()}


@misconception("clip_gradients", "Is a norm the sum of squares, or its root?")
def squared_norm(grads, max_norm):
    """the sum of squares is used as the norm: the square root is missing"""
    norm = _norm(grads) ** 2
    return {name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()}


@misconception("clip_gradients", "Is the norm of all tensors together the sum of their norms?")
def norms_added(grads, max_norm):
    """the norms of the tensors are added, not their squares"""
    norm = sum(float(np.linalg.norm(g)) for g in grads.values())
    return {name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()}


@misconception("clip_gradients", "Which norm should the clipped gradients have?")
def scaled_by_the_limit_only(grads, max_norm):
    """gradients that are too long are divided by their norm, but not multiplied by max_norm"""
    norm = _norm(grads)
    return {name: g / norm if norm > max_norm else g for name, g in grads.items()}


# -- lstm_step
# -----------------------------------------------------------------------------------------


def _gates(x, h_prev, Wx, Wh, b, order="ifgo"):
    """The four gates by their letters, their blocks taken in this order."""
    blocks = dict(zip(order, np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)))
    return {k: np.tanh(a) if k == "g" else (1 + np.tanh(a / 2)) / 2 for k, a in blocks.items()}


@misconception("lstm_step_forward", "In which order are the four gates in Wx, Wh and b?")
def gates_in_another_order(x, h_prev, c_prev, Wx, Wh, b):
    """the gates are in the order i, f, o, g"""
    p = _gates(x, h_prev, Wx, Wh, b, "ifog")
    c = p["f"] * c_prev + p["i"] * p["g"]
    return p["o"] * np.tanh(c), c


@misconception("lstm_step_forward", "Between which numbers does h lie? And c?")
def state_without_its_tanh(x, h_prev, c_prev, Wx, Wh, b):
    """h is o times c, without the tanh"""
    p = _gates(x, h_prev, Wx, Wh, b)
    c = p["f"] * c_prev + p["i"] * p["g"]
    return p["o"] * c, c


@misconception("lstm_step_forward", "Which of the four may be negative?")
def candidate_through_a_sigmoid(x, h_prev, c_prev, Wx, Wh, b):
    """g goes through a sigmoid, like the gates"""
    a = np.split(x @ Wx + h_prev @ Wh + b, 4, axis=1)
    i, f, g, o = ((1 + np.tanh(z / 2)) / 2 for z in a)
    c = f * c_prev + i * g
    return o * np.tanh(c), c


@misconception("lstm_step_forward", "Are i and f one gate, or two gates?")
def forget_gate_coupled(x, h_prev, c_prev, Wx, Wh, b):
    """1 - i is used as the forget gate"""
    p = _gates(x, h_prev, Wx, Wh, b)
    c = (1 - p["i"]) * c_prev + p["i"] * p["g"]
    return p["o"] * np.tanh(c), c


@misconception(
    "lstm_step_forward",
    "Which state is which? Which one is multiplied by f, and which one by Wh?",
)
def states_swapped(x, h_prev, c_prev, Wx, Wh, b):
    """c is returned before h"""
    h, c = reference.lstm_step_forward(x, h_prev, c_prev, Wx, Wh, b)
    return c, h


def _lstm_backward(dh, dc, x, h_prev, c_prev, Wx, Wh, b, wrong=""):
    """The right backward but for one thing."""
    p = _gates(x, h_prev, Wx, Wh, b)
    i, f, g, o = p["i"], p["f"], p["g"], p["o"]
    t = np.tanh(f * c_prev + i * g)
    slope = 1 - t**2 if wrong != "tanh of c" else 1
    dc = (dc if wrong != "upstream" else 0) + (dh * o * slope if wrong != "through h" else 0)
    da = [
        dc * g * i * (1 - i),
        dc * c_prev * f * (1 - f),
        dc * i * (1 - g**2),
        dh * t * o * (1 - o),
    ]
    if wrong == "candidate":
        da[2] = dc * i * g * (1 - g)
    if wrong == "slopes":
        da = [dc * g, dc * c_prev, dc * i, dh * t]
    if wrong == "order":
        da = [da[0], da[1], da[3], da[2]]
    if wrong == "output":
        da[3] = dh * (f * c_prev + i * g) * o * (1 - o)
    dz = np.concatenate(da, axis=1)
    dc_prev = dc if wrong == "forget gate" else dc * f
    return dz @ Wx.T, dz @ Wh.T, dc_prev, x.T @ dz, h_prev.T @ dz, dz.sum(axis=0)


@misconception(
    "lstm_step_backward", "h = o tanh(c): which operations are on the path from h back to c?"
)
def tanh_of_c_forgotten(*args):
    """the gradient goes from h to c without the slope of tanh(c)"""
    return _lstm_backward(*args, wrong="tanh of c")


@misconception(
    "lstm_step_backward", "How many paths lead back to c? Set dh to 0: does a gradient come back?"
)
def upstream_on_c_forgotten(*args):
    """the upstream gradient on c is not used"""
    return _lstm_backward(*args, wrong="upstream")


@misconception(
    "lstm_step_backward",
    "How many paths lead back to c? Set dc to 0: which gradient does the forget gate get?",
)
def way_through_h_forgotten(*args):
    """the part of dc that comes through h is missing"""
    return _lstm_backward(*args, wrong="through h")


@misconception("lstm_step_backward", "By what does the forward multiply c_prev?")
def forget_gate_not_passed(*args):
    """dc_prev does not go through the forget gate"""
    return _lstm_backward(*args, wrong="forget gate")


@misconception(
    "lstm_step_backward", "g is a tanh, not a sigmoid: what is its slope, computed from its output?"
)
def candidate_with_a_sigmoids_slope(*args):
    """g gets the slope of a sigmoid"""
    return _lstm_backward(*args, wrong="candidate")


@misconception(
    "lstm_step_backward",
    "Do your gradients belong to the gates, or to the scores before the gates?",
)
def gate_slopes_forgotten(*args):
    """the slopes of the sigmoids and of the tanh in the gates are missing"""
    return _lstm_backward(*args, wrong="slopes")


@misconception(
    "lstm_step_backward", "Do the forward and the backward use the same order of the gates?"
)
def gradients_in_another_order(*args):
    """the gradients of the gates are in the order i, f, o, g"""
    return _lstm_backward(*args, wrong="order")


@misconception("lstm_step_backward", "By what does the forward multiply o?")
def output_gate_by_plain_c(*args):
    """the gradient of the output gate uses c instead of tanh(c)"""
    return _lstm_backward(*args, wrong="output")


# -- gradient_norms
# ------------------------------------------------------------------------------------


def _flow(Wx, Wh, b, x, h0, back=None, norm=np.linalg.norm):
    h = reference.rnn_forward(x, h0, Wx, Wh, b)
    gradient, norms = np.ones(h0.shape), []
    for t in reversed(range(x.shape[1])):
        norms.append(norm(gradient))
        gradient = back(gradient, h, t) if back else (gradient * (1 - h[:, t] ** 2)) @ Wh.T
    return np.array(norms[::-1])


@misconception(
    "gradient_norms", "To which state does the first entry belong, and to which state the last?"
)
def norms_from_the_end(Wx, Wh, b, x, h0):
    """the norms are in reversed order: the norm of the last state comes first"""
    return _flow(Wx, Wh, b, x, h0)[::-1]


@misconception("gradient_norms", "Which function is between z and h? What is its slope?")
def tanh_slope_ignored(Wx, Wh, b, x, h0):
    """the gradient goes back through Wh only, without the slope of tanh"""
    return _flow(Wx, Wh, b, x, h0, back=lambda g, h, t: g @ Wh.T)


@misconception(
    "gradient_norms",
    "To go back from step t + 1 to h_t: do you need the slope at h_t, or at the next state?",
)
def slope_of_the_wrong_state(Wx, Wh, b, x, h0):
    """each step back uses the slope at the state before the step, not at the state after it"""
    return _flow(
        Wx, Wh, b, x, h0, back=lambda g, h, t: (g * (1 - (h[:, t - 1] if t else h0) ** 2)) @ Wh.T
    )


@misconception("gradient_norms", "Which matrix takes a gradient back?")
def flow_through_wh_itself(Wx, Wh, b, x, h0):
    """the gradient goes back through Wh instead of its transpose"""
    return _flow(Wx, Wh, b, x, h0, back=lambda g, h, t: (g * (1 - h[:, t] ** 2)) @ Wh)


@misconception("gradient_norms", "The last entry is √(N·H). Which array has this norm?")
def norm_averaged(Wx, Wh, b, x, h0):
    """the root of the mean square is used instead of the norm"""
    return _flow(Wx, Wh, b, x, h0, norm=lambda g: np.sqrt(np.mean(g**2)))


@misconception(
    "gradient_norms",
    "The last entry belongs to the last state. Which state is missing at the start?",
)
def norms_one_step_early(Wx, Wh, b, x, h0):
    """entry t belongs to the state before step t, not to the state after it"""
    norms = []
    h, g = reference.rnn_forward(x, h0, Wx, Wh, b), np.ones(h0.shape)
    for t in reversed(range(x.shape[1])):
        g = (g * (1 - h[:, t] ** 2)) @ Wh.T
        norms.append(np.linalg.norm(g))
    return np.array(norms[::-1])


# -- char_rnn
# ------------------------------------------------------------------------------------------


def _character_model(params, ids, mask, targets=None, rnn_back=None, embed_back=None, h0=None):
    """Loss and gradients with one part of the model replaced."""
    E, Wx, Wh, b, Wy, by = (params[name] for name in ("E", "Wx", "Wh", "b", "Wy", "by"))
    inputs, targets = ids[:, :-1], ids[:, 1:] if targets is None else targets
    x, h0 = E[inputs], np.zeros((len(ids), len(Wh)))
    h = reference.rnn_forward(x, h0, Wx, Wh, b)
    loss, d = reference.sequence_cross_entropy(h @ Wy + by, targets, mask)
    dx, _, dWx, dWh, db = (rnn_back or reference.rnn_backward)(d @ Wy.T, x, h0, h, Wx, Wh)
    dE = (embed_back or reference.embedding_backward)(dx, inputs, len(E))
    return loss, {
        "E": dE,
        "Wx": dWx,
        "Wh": dWh,
        "b": db,
        "Wy": np.einsum("nth,ntv->hv", h, d),
        "by": d.sum((0, 1)),
    }


@misconception(
    "char_rnn_loss_and_gradients",
    "After symbol t has been read, which symbol should be predicted?",
)
def targets_not_shifted(params, ids, mask):
    """the target of each step is the symbol that was just read"""
    return _character_model(params, ids, mask, targets=ids[:, :-1])


@misconception(
    "char_rnn_loss_and_gradients",
    "Does the loss of the last step give a gradient to the first step?",
)
def model_without_carry(params, ids, mask):
    """no gradient is passed from one step to the step before it"""
    return _character_model(params, ids, mask, rnn_back=carry_dropped)


@misconception(
    "char_rnn_loss_and_gradients", "What happens to a letter that occurs twice in a name?"
)
def repeated_symbols_lost(params, ids, mask):
    """if a symbol is read several times, only one of its gradients reaches E"""
    return _character_model(params, ids, mask, embed_back=repeats_lost)


@misconception(
    "char_rnn_loss_and_gradients",
    "Change the symbols after the end of a name: does the loss change?",
)
def padding_learnt(params, ids, mask):
    """the mask is not used: padding is predicted like all other symbols"""
    return _character_model(params, ids, np.ones(np.shape(mask)))


@misconception(
    "char_rnn_loss_and_gradients", "How often do you divide by a number of tokens or rows?"
)
def divided_by_the_rows_again(params, ids, mask):
    """the gradients are divided by the number of rows, but the loss is already a mean"""
    loss, grads = reference.char_rnn_loss_and_gradients(params, ids, mask)
    return loss, {name: grad / len(ids) for name, grad in grads.items()}


@misconception("char_rnn_loss_and_gradients", "Which of the six gradients are zeros?")
def embedding_frozen(params, ids, mask):
    """E gets no gradient"""
    loss, grads = reference.char_rnn_loss_and_gradients(params, ids, mask)
    return loss, {**grads, "E": np.zeros(grads["E"].shape)}


@misconception("char_rnn_loss_and_gradients", "How many steps use Wy?")
def output_weights_of_the_last_step(params, ids, mask):
    """Wy and by get a gradient from the last step only"""
    loss, grads = reference.char_rnn_loss_and_gradients(params, ids, mask)
    E, Wx, Wh, b, Wy, by = (params[name] for name in ("E", "Wx", "Wh", "b", "Wy", "by"))
    h = reference.rnn_forward(E[ids[:, :-1]], np.zeros((len(ids), len(Wh))), Wx, Wh, b)
    d = reference.sequence_cross_entropy(h @ Wy + by, ids[:, 1:], mask)[1]
    return loss, {**grads, "Wy": h[:, -1].T @ d[:, -1], "by": d[:, -1].sum(axis=0)}


# -- sample_name
# ---------------------------------------------------------------------------------------


def _write(
    params, start, end, max_length, draw, carried=True, fed=True, keep_start=False, keep_end=False
):
    """A name, with one thing changed in how it is written."""
    h, symbol, name = np.zeros((1, len(params["Wh"]))), start, [start] if keep_start else []
    for _ in range(max_length):
        h = h if carried else 0 * h
        h = np.tanh(params["E"][[symbol]] @ params["Wx"] + h @ params["Wh"] + params["b"])
        drawn = draw((h @ params["Wy"] + params["by"])[0])
        if drawn == end and not keep_end:
            break
        name.append(drawn)
        if drawn == end:
            break
        symbol = drawn if fed else start
    return name


@misconception("sample_name", "Should names at a low temperature (1/2) vary more, or less?")
def temperature_multiplied(params, start, end, max_length, temperature, rng):
    """the scores are multiplied by the temperature instead of divided by it"""
    draw = reference._draw
    return _write(
        params,
        start,
        end,
        max_length,
        lambda z: draw(z, 1 / temperature if temperature else 0, rng),
    )


@misconception("sample_name", "Do your names change when the temperature changes?")
def temperature_unused(params, start, end, max_length, temperature, rng):
    """the temperature does not change the draws"""
    return _write(
        params, start, end, max_length, lambda z: reference._draw(z, 1 if temperature else 0, rng)
    )


@misconception(
    "sample_name",
    "Where do you use the temperature: in the scores, or after the softmax?",
)
def temperature_squared(params, start, end, max_length, temperature, rng):
    """the temperature is used twice"""
    return _write(params, start, end, max_length, lambda z: reference._draw(z, temperature**2, rng))


@misconception("sample_name", "Do two names ever differ? What should temperature 1 do?")
def always_the_likeliest(params, start, end, max_length, temperature, rng):
    """the most likely symbol is always chosen, whatever the temperature"""
    return _write(params, start, end, max_length, lambda z: int(np.argmax(z)))


@misconception(
    "sample_name", "At the third letter, what does the network still know about the first?"
)
def state_reset_for_each_symbol(params, start, end, max_length, temperature, rng):
    """the state is reset to 0 for each symbol, so the model sees only one symbol"""
    return _write(
        params,
        start,
        end,
        max_length,
        lambda z: reference._draw(z, temperature, rng),
        carried=False,
    )


@misconception("sample_name", "What should the network read at the second step?")
def start_fed_again(params, start, end, max_length, temperature, rng):
    """each step reads the start symbol instead of the symbol that was just written"""
    return _write(
        params, start, end, max_length, lambda z: reference._draw(z, temperature, rng), fed=False
    )


@misconception("sample_name", "Is the end symbol a letter of the name?")
def end_kept(params, start, end, max_length, temperature, rng):
    """the end symbol is part of the returned name"""
    return _write(
        params,
        start,
        end,
        max_length,
        lambda z: reference._draw(z, temperature, rng),
        keep_end=True,
    )


@misconception("sample_name", "Is the start symbol a letter of the name?")
def start_kept(params, start, end, max_length, temperature, rng):
    """the returned name begins with the start symbol"""
    return _write(
        params,
        start,
        end,
        max_length,
        lambda z: reference._draw(z, temperature, rng),
        keep_start=True,
    )


@misconception("sample_name", "Which generator do you use? Ask for two names with one generator.")
def a_generator_of_its_own(params, start, end, max_length, temperature, rng):
    """the numbers come from a generator made inside the function, so every name is the same"""
    return reference.sample_name(
        params, start, end, max_length, temperature, np.random.default_rng(0)
    )


# -- train_char_rnn
# ------------------------------------------------------------------------------------


def _train(ids, mask, vocab_size, hidden, steps, rng, start=None, loss=None, frozen=(), rate=0.1):
    """The reference's training with one part replaced."""
    params, velocity = (start or reference._start)(vocab_size, hidden, rng), {}
    rows = np.flatnonzero(np.any(mask, axis=1))
    for _ in range(steps):
        batch = rng.choice(rows, 32)
        grads = (loss or reference.char_rnn_loss_and_gradients)(params, ids[batch], mask[batch])[1]
        for name, g in reference.clip_gradients(grads, 1.0).items():
            velocity[name] = 0.9 * velocity.get(name, 0.0) + g
            params[name] = params[name] - (0 if name in frozen else rate) * velocity[name]
    return params


@misconception(
    "train_char_rnn",
    "Can the network learn from the first symbol if a gradient goes back only one step?",
)
def trained_without_carry(*args):
    """no gradient goes back through time, so the network learns nothing from distant symbols"""
    return _train(*args, loss=model_without_carry)


@misconception(
    "train_char_rnn",
    "Whose loss should fall: the loss of the real symbols only, or of the padding too?",
)
def trained_on_the_padding(*args):
    """the mask is not used in training"""
    return _train(*args, loss=padding_learnt)


@misconception(
    "train_char_rnn",
    "If all weights start at 0, do two hidden neurons ever differ?",
)
def begun_at_zero(*args):
    """all weights start at zero, so most gradients are zero too"""
    return _train(
        *args, start=lambda *sizes: {k: 0 * v for k, v in reference._start(*sizes).items()}
    )


@misconception("train_char_rnn", "Which of the six tensors do not change in one step?")
def recurrent_weights_frozen(*args):
    """Wh is never trained"""
    return _train(*args, frozen=("Wh",))


@misconception("train_char_rnn", "Print E before and after one step.")
def embeddings_frozen(*args):
    """E is never trained"""
    return _train(*args, frozen=("E",))


@misconception("train_char_rnn", "In which direction does the loss fall?")
def steps_uphill(*args):
    """the steps follow the gradient instead of going against it"""
    return _train(*args, rate=-0.1)


@misconception("train_char_rnn", "How many updates does the caller want? Count yours.")
def one_pass_too_few(ids, mask, vocab_size, hidden, steps, rng):
    """there is one update too few"""
    return _train(ids, mask, vocab_size, hidden, max(steps - 1, 0), rng)


@misconception("train_char_rnn", "What does your code do with a batch that has only padding?")
def empty_batches_divided_by_zero(ids, mask, vocab_size, hidden, steps, rng):
    """in a batch without any target, the loss is divided by 0 tokens"""

    def one_row(params, ids, mask):
        with np.errstate(all="ignore"):
            return reference.char_rnn_loss_and_gradients(params, ids, mask)

    params = reference._start(vocab_size, hidden, rng)
    for _ in range(steps):
        part = rng.integers(0, len(ids), size=1)
        grads = one_row(params, ids[part], mask[part])[1]
        params = {name: params[name] - 0.1 * grads[name] for name in params}
    return params
