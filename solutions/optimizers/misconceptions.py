"""Known wrong answers to 03-optimizers: what students really write, what it is called, where to
look.
"""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.optimizers import reference

# -- sgd, momentum, nesterov
# -------------------------------------------------------------------------


@misconception("sgd", "Where does the loss grow: along the gradient, or against it?")
def sgd_uphill(w, grad, state, lr):
    """the step goes up the gradient instead of down"""
    return w + lr * grad, {}


@misconception("sgd", "Does the caller's w still hold the old weights afterwards?")
def w_changed_in_place(w, grad, state, lr):
    """the step is taken in the caller's own array"""
    w -= lr * grad
    return w, {}


@misconception("sgd", "Two things are asked for. Which one is missing?")
def only_w_returned(w, grad, state, lr):
    """the new w is returned without a state"""
    return w - lr * grad


@misconception("sgd", "Should a step be longer where the slope is steeper?")
def length_of_the_gradient_lost(w, grad, state, lr):
    """only the sign of the gradient is used"""
    return w - lr * np.sign(grad), {}


@misconception(
    "momentum", "What does the second step know of the first? Look at the state you return."
)
def momentum_without_memory(w, grad, state, lr, beta=0.9):
    """the velocity is forgotten after each step, so this is plain gradient descent"""
    return w - lr * grad, {"v": grad}


@misconception(
    "momentum", "Which of the two terms of the velocity has a factor here? Books differ."
)
def momentum_as_an_average(w, grad, state, lr, beta=0.9):
    """the velocity is a running mean, with the factor 1 - beta on the gradient"""
    v = beta * state.get("v", 0.0) + (1 - beta) * grad
    return w - lr * v, {"v": v}


@misconception(
    "momentum", "If the rate changes, which gradients should feel it: the new ones only?"
)
def rate_inside_the_velocity(w, grad, state, lr, beta=0.9):
    """the rate is multiplied into the velocity, so that old steps keep their old rate"""
    v = beta * state.get("v", 0.0) + lr * grad
    return w - v, {"v": v}


@misconception("momentum", "Does the result change when the caller asks for another beta?")
def momentum_beta_ignored(w, grad, state, lr, beta=0.9):
    """beta is always 0.9, whatever is asked for"""
    return reference.momentum(w, grad, state, lr)


@misconception("momentum", "Which velocity moves w: that of the last step, or that of this one?")
def velocity_one_step_late(w, grad, state, lr, beta=0.9):
    """w moves by the old velocity, and the new gradient counts only in the next step"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * state.get("v", 0.0 * v), {"v": v}


@misconception(
    "momentum", "Whose array is it that you add the gradient to? Take a step twice from one state."
)
def velocity_changed_in_place(w, grad, state, lr, beta=0.9):
    """the old state's velocity is overwritten, so an old state is no longer what it was"""
    v = state.setdefault("v", np.zeros(np.shape(w)))
    v *= beta
    v += grad
    return w - lr * v, {"v": v}


@misconception("momentum", "Which signs do the old velocity and the gradient have?")
def velocity_of_the_other_sign(w, grad, state, lr, beta=0.9):
    """the old velocity brakes where it should push"""
    v = grad - beta * state.get("v", 0.0)
    return w - lr * v, {"v": v}


@misconception(
    "nesterov", "Which velocity is added to the gradient: the one before this step, or after it?"
)
def nesterov_with_the_old_velocity(w, grad, state, lr, beta=0.9):
    """the look ahead uses the old velocity, which makes it plain momentum"""
    return reference.momentum(w, grad, state, lr, beta)


@misconception("nesterov", "By how much is the velocity's share in the step scaled?")
def nesterov_without_the_second_beta(w, grad, state, lr, beta=0.9):
    """the velocity is added to the gradient in full, without its factor beta"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * (grad + v), {"v": v}


@misconception("nesterov", "The step has two parts. What is left when the velocity is 0?")
def nesterov_without_the_gradient(w, grad, state, lr, beta=0.9):
    """the step is beta times the velocity alone; the gradient's own share is missing"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * beta * v, {"v": v}


@misconception("nesterov", "The velocity appears twice. Which beta belongs to which?")
def nesterov_keeps_the_step(w, grad, state, lr, beta=0.9):
    """the whole step is kept as the velocity, so the look ahead is counted again and again"""
    v = beta * state.get("v", 0.0) + grad
    step = grad + beta * v
    return w - lr * step, {"v": step}


# -- adagrad and rmsprop
# -----------------------------------------------------------------------------


@misconception("adagrad", "What has units of the gradient: the sum of squares, or its root?")
def adagrad_without_root(w, grad, state, lr, eps=1e-8):
    """the gradient is divided by the sum of squares itself, not by its root"""
    G = state.get("G", 0.0) + grad**2
    return w - lr * grad / (G + eps), {"G": G}


@misconception("adagrad", "Where does eps stand in the formula: under the root, or beside it?")
def adagrad_eps_inside(w, grad, state, lr, eps=1e-8):
    """eps is added inside the root"""
    G = state.get("G", 0.0) + grad**2
    return w - lr * grad / np.sqrt(G + eps), {"G": G}


@misconception("adagrad", "How many past gradients does the sum hold after three steps?")
def adagrad_forgets(w, grad, state, lr, eps=1e-8):
    """the sum starts again in each step, so only the sign of the gradient is left"""
    return w - lr * grad / (np.sqrt(grad**2) + eps), {"G": grad**2}


@misconception("adagrad", "Sum what first: the gradients, or their squares?")
def adagrad_sums_the_gradients(w, grad, state, lr, eps=1e-8):
    """the gradients are summed, and their sum is squared"""
    s = state.get("s", 0.0) + grad
    return w - lr * grad / (np.sqrt(s**2) + eps), {"s": s}


@misconception("adagrad", "Does each weight have a sum of its own? What shape has yours?")
def adagrad_one_sum_for_all(w, grad, state, lr, eps=1e-8):
    """all weights of a tensor share one sum of squares"""
    G = state.get("G", 0.0) + np.sum(grad**2)
    return w - lr * grad / (np.sqrt(G) + eps), {"G": G}


@misconception(
    "rmsprop", "Under a constant gradient, does your step go on shrinking? It should settle."
)
def rmsprop_accumulates(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the squares are summed up for ever, as in AdaGrad"""
    return reference.adagrad(w, grad, state, lr, eps)


@misconception(
    "rmsprop", "Which of the two, old mean or new square, should weigh more when rho is 0.9?"
)
def rho_on_the_new_square(w, grad, state, lr, rho=0.9, eps=1e-8):
    """rho and 1 - rho have changed places"""
    return reference.rmsprop(w, grad, state, lr, 1 - rho, eps)


@misconception("rmsprop", "Where does eps stand in the formula: under the root, or beside it?")
def rmsprop_eps_inside(w, grad, state, lr, rho=0.9, eps=1e-8):
    """eps is added inside the root"""
    s = rho * state.get("s", 0.0) + (1 - rho) * grad**2
    return w - lr * grad / np.sqrt(s + eps), {"s": s}


@misconception("rmsprop", "A mean of what? What would a negative gradient do to it?")
def rmsprop_without_squares(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the running mean is of the gradients' sizes, not of their squares"""
    s = rho * state.get("s", 0.0) + (1 - rho) * abs(grad)
    return w - lr * grad / (s + eps), {"s": s}


@misconception("rmsprop", "The weights of old and new should add up to 1. Do yours?")
def rmsprop_without_one_minus_rho(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the new square enters in full, without its factor 1 - rho"""
    s = rho * state.get("s", 0.0) + grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}


@misconception("rmsprop", "Which rule corrects for the start at 0, and which one does not?")
def rmsprop_corrected(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the running mean is corrected for its start at 0, which is Adam's idea"""
    t = state.get("t", 0) + 1
    s = rho * state.get("s", 0.0) + (1 - rho) * grad**2
    return w - lr * grad / (np.sqrt(s / (1 - rho**t)) + eps), {"s": s, "t": t}


@misconception("rmsprop", "Where does the mean start, before there is any gradient?")
def rmsprop_starts_at_one(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the running mean starts at 1 instead of 0"""
    return reference.rmsprop(w, grad, state or {"s": np.ones(np.shape(w))}, lr, rho, eps)


# -- adam
# --------------------------------------------------------------------------------------------


def _adam(grad, state, beta1, beta2, eps, first=1, each=1, corrected="mv", squared=lambda g: g**2):
    """Adam's direction with one part of one's own: the count of t, what is corrected, the
    square.
    """
    t = state["t"] + each if "t" in state else first
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * squared(grad)
    m_hat = m / (1 - np.float64(beta1) ** t) if "m" in corrected else m
    v_hat = v / (1 - np.float64(beta2) ** t) if "v" in corrected else v
    return m_hat / (np.sqrt(v_hat) + eps), {"t": t, "m": m, "v": v}


@misconception("adam", "What is 1 - beta^t for the t of your very first step?")
def t_from_zero(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the first step is counted as t = 0, and its correction divides by 0"""
    direction, state = _adam(grad, state, beta1, beta2, eps, first=0)
    return w - lr * direction, state


@misconception("adam", "Which number has the very first step? Follow t through two steps.")
def t_one_ahead(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """t runs one ahead: the first step is counted as t = 2"""
    direction, state = _adam(grad, state, beta1, beta2, eps, first=2)
    return w - lr * direction, state


@misconception(
    "adam", "By how much does t grow from one step to the next? Look for a second owner of t."
)
def t_counted_twice(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """t grows by 2 in each step"""
    direction, state = _adam(grad, state, beta1, beta2, eps, each=2)
    return w - lr * direction, state


@misconception(
    "adam", "Both averages start at 0. How large is the first step, and how large should it be?"
)
def no_bias_correction(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """neither average is corrected for its start at 0, so the first steps are too long"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="")
    return w - lr * direction, state


@misconception("adam", "There are two averages that start at 0. Are both corrected?")
def only_the_mean_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean is corrected for its start at 0, the mean square is not"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="m")
    return w - lr * direction, state


@misconception("adam", "There are two averages that start at 0. Are both corrected?")
def only_the_square_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean square is corrected for its start at 0, the mean is not"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="v")
    return w - lr * direction, state


@misconception("adam", "Is the correction as strong in step 5 as in step 1? What happened to t?")
def correction_never_fades(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the correction divides by 1 - beta in every step, without the power t"""
    direction, state = _adam(grad, state, beta1, beta2, eps, each=0)
    return w - lr * direction, state


@misconception("adam", "Which m goes into the next step: the plain one, or the corrected one?")
def corrected_averages_kept(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the corrected averages are kept, and are corrected again in the next step"""
    t = state.get("t", 0) + 1
    m = (beta1 * state.get("m", 0.0) + (1 - beta1) * grad) / (1 - beta1**t)
    v = (beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2) / (1 - beta2**t)
    return w - lr * m / (np.sqrt(v) + eps), {"t": t, "m": m, "v": v}


@misconception("adam", "Where does eps stand in the algorithm: under the root, or beside it?")
def adam_eps_inside(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """eps is added inside the root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m_hat / np.sqrt(v_hat + eps), state


@misconception(
    "adam", "To which quantity is eps added: the root before the correction, or after it?"
)
def adam_reorganised(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """this is the paper's shortened form, in which eps is added to the uncorrected root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    rate = lr * math.sqrt(1 - beta2 ** state["t"]) / (1 - beta1 ** state["t"])
    return w - rate * state["m"] / (np.sqrt(state["v"]) + eps), state


@misconception("adam", "Which of the two averages has the longer memory?")
def betas_swapped(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """beta1 and beta2 have changed places"""
    return reference.adam(w, grad, state, lr, beta2, beta1, eps)


@misconception("adam", "What is v an average of? Can it become negative?")
def gradient_not_squared(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """v averages the gradient itself, not its square"""
    direction, state = _adam(grad, state, beta1, beta2, eps, squared=lambda g: g)
    return w - lr * direction, state


@misconception("adam", "If all gradients are doubled, should the step become half as long?")
def adam_without_root(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean is divided by the mean square itself, not by its root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m_hat / (v_hat + eps), state


@misconception(
    "adam", "Which weights does the mean belong to? Let a matrix and a vector take turns."
)
def counter_shared_between_tensors(
    w,
    grad,
    state,
    lr,
    beta1=0.9,
    beta2=0.999,
    eps=1e-8,
    _count=[0],  # noqa: B006
):
    """t is counted outside the state, so that two tensors that take turns share it"""
    _count[0] = _count[0] + 1 if state else 1
    direction, state = _adam(grad, {**state, "t": _count[0] - 1}, beta1, beta2, eps)
    return w - lr * direction, state


# -- adamw
# -------------------------------------------------------------------------------------------


@misconception(
    "adamw", "How much decay does a weight get whose gradients are large? Should it matter?"
)
def decay_through_the_gradient(
    w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01
):
    """the decay is added to the gradient, where Adam's division rescales it"""
    return reference.adam(w, grad + weight_decay * w, state, lr, beta1, beta2, eps)


@misconception("adamw", "With a rate of 0, should anything move?")
def decay_without_the_rate(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay is not multiplied by the rate"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - weight_decay * w, state


@misconception("adamw", "Which w decays: the one before Adam's step, or the one after it?")
def decay_of_the_new_w(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay is taken from the w after Adam's step, not from the old one"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - lr * weight_decay * new, state


@misconception("adamw", "What happens to a weight without a gradient?")
def no_decay_at_all(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the weights never decay, so this is Adam"""
    return reference.adam(w, grad, state, lr, beta1, beta2, eps)


@misconception("adamw", "Does a weight come nearer to 0, or move away from it?")
def weights_grow(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay has the wrong sign, so the weights grow"""
    return reference.adamw(w, grad, state, lr, beta1, beta2, eps, -weight_decay)


@misconception("adamw", "Does a large weight decay by more than a small one?")
def decay_by_the_sign(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """every weight decays by the same amount, whatever its size"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - lr * weight_decay * np.sign(w), state


@misconception("adamw", "Is the half of the penalty still there when it is differentiated?")
def decay_doubled(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the weights decay twice as fast as asked for"""
    return reference.adamw(w, grad, state, lr, beta1, beta2, eps, 2 * weight_decay)


# -- schedules
# ---------------------------------------------------------------------------------------


@misconception("warmup_cosine", "What is the rate of step 0, and of the step numbered `warmup`?")
def warmup_off_by_one(step, total, warmup, peak, floor=0.0):
    """the warm-up is one step ahead, so it does not start at 0"""
    return (
        peak * (step + 1) / warmup
        if step < warmup
        else reference.warmup_cosine(step, total, warmup, peak, floor)
    )


def _progress(step, total, warmup):
    """How far the cosine is, 0 to 1, held at both ends."""
    return min(max((step - warmup) / max(total - warmup, 1), 0.0), 1.0)


@misconception("warmup_cosine", "What is the cosine at its own start, and at its end?")
def cosine_from_pi(step, total, warmup, peak, floor=0.0):
    """the cosine starts at pi, so that the rate falls to the floor at once and rises again"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 - math.cos(math.pi * _progress(step, total, warmup))) / 2


@misconception(
    "warmup_cosine", "Over how many steps does the cosine come down? Where does it start?"
)
def cosine_over_all_steps(step, total, warmup, peak, floor=0.0):
    """the cosine counts from step 0, so that the rate jumps at the end of the warm-up"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 + math.cos(math.pi * min(step / total, 1.0))) / 2


@misconception(
    "warmup_cosine", "What does the cosine do after pi? What should the rate do after `total`?"
)
def rises_after_the_end(step, total, warmup, peak, floor=0.0):
    """after the end the cosine goes on, and the rate rises again"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


@misconception("warmup_cosine", "What is the rate at the very end?")
def floor_ignored(step, total, warmup, peak, floor=0.0):
    """the floor is never used"""
    return reference.warmup_cosine(step, total, warmup, peak)


@misconception("warmup_cosine", "What is the rate at the peak, when floor and wave are added up?")
def floor_added_on_top(step, total, warmup, peak, floor=0.0):
    """the floor is added to the whole wave, so that the rate starts above the peak"""
    return reference.warmup_cosine(step, total, warmup, peak) + (floor if step >= warmup else 0.0)


@misconception("warmup_cosine", "Is the way down a straight line?")
def straight_line_down(step, total, warmup, peak, floor=0.0):
    """the rate comes down on a straight line instead of a cosine"""
    if step < warmup:
        return peak * step / warmup
    return peak + (floor - peak) * _progress(step, total, warmup)


@misconception("warmup_cosine", "What is the quotient step / warmup when there is no warm-up?")
def no_warmup_divides_by_zero(step, total, warmup, peak, floor=0.0):
    """a warm-up of 0 steps is divided by"""
    return min(
        peak * step / warmup, reference.warmup_cosine(max(step, warmup), total, warmup, peak, floor)
    )


@misconception("step_decay", "Does the rate change between two stairs?")
def decay_without_stairs(step, base, every, factor):
    """the rate falls a little in every step instead of standing still and then falling"""
    return base * factor ** (step / every)


@misconception("step_decay", "How many whole periods are over at step 0, and at step `every`?")
def decay_one_step_early(step, base, every, factor):
    """each stair comes one step too early"""
    return base * factor ** ((step + 1) // every)


@misconception(
    "step_decay", "What becomes of the rate after the second stair? Multiply again, or subtract?"
)
def decay_once_only(step, base, every, factor):
    """the rate falls once and then stays"""
    return base * (factor if step >= every else 1.0)


@misconception("step_decay", "Does the exponent count steps or periods?")
def decay_at_every_step(step, base, every, factor):
    """the factor is applied in every step"""
    return base * factor**step


# -- clip_by_global_norm
# -----------------------------------------------------------------------------


def _norm(grads):
    return math.sqrt(sum(float(np.sum(np.square(g))) for g in grads.values()))


@misconception("clip_by_global_norm", "Does the direction of all gradients together stay the same?")
def each_tensor_clipped_alone(grads, max_norm):
    """each tensor is clipped by its own norm"""
    each = {
        name: reference.clip_by_global_norm({name: g}, max_norm)[0][name]
        for name, g in grads.items()
    }
    return each, _norm(grads)


@misconception(
    "clip_by_global_norm",
    "Clip the numbers, or shorten the whole vector? Which keeps its direction?",
)
def clipped_by_value(grads, max_norm):
    """each entry is clipped to the limit, which turns the gradient"""
    return {name: np.clip(g, -max_norm, max_norm) for name, g in grads.items()}, _norm(grads)


@misconception(
    "clip_by_global_norm", "What should happen to gradients that are short enough already?"
)
def small_gradients_scaled_up(grads, max_norm):
    """gradients below the limit are scaled up to it"""
    norm = _norm(grads)
    return {name: g * (max_norm / norm if norm else 1.0) for name, g in grads.items()}, norm


@misconception("clip_by_global_norm", "What is 0 / 0? Try gradients that are all zeros.")
def zeros_divided_by_zero(grads, max_norm):
    """gradients of zeros become NaN"""
    norm = _norm(grads)
    return {
        name: g * np.minimum(1.0, np.float64(max_norm) / norm * (norm > 0) / (norm > 0))
        for name, g in grads.items()
    }, norm


@misconception(
    "clip_by_global_norm", "Which norm does the caller want to plot: before, or after clipping?"
)
def norm_after_clipping(grads, max_norm):
    """the norm that is returned is that after clipping"""
    clipped, norm = reference.clip_by_global_norm(grads, max_norm)
    return clipped, min(norm, float(max_norm))


@misconception("clip_by_global_norm", "What is the norm of (3, 4)?")
def norm_without_the_root(grads, max_norm):
    """the norm is the sum of squares, without its root"""
    square = _norm(grads) ** 2
    return {
        name: g * (max_norm / square if square > max_norm else 1.0) for name, g in grads.items()
    }, square


@misconception(
    "clip_by_global_norm", "Two tensors with the norms 3 and 4: what is the norm of both together?"
)
def norms_added_up(grads, max_norm):
    """the norms of the tensors are added up"""
    norm = sum(_norm({name: g}) for name, g in grads.items())
    return {
        name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()
    }, norm


@misconception(
    "clip_by_global_norm",
    "Which size of the whole vector is meant: its largest entry, or its length?",
)
def largest_entry_for_the_norm(grads, max_norm):
    """the largest entry is taken for the norm"""
    norm = max(float(np.max(np.abs(g))) for g in grads.values())
    return {
        name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()
    }, norm


@misconception(
    "clip_by_global_norm", "Does the caller's dict still hold the long gradients afterwards?"
)
def gradients_changed_in_place(grads, max_norm):
    """the caller's own arrays are shortened"""
    norm = _norm(grads)
    for g in grads.values():
        if norm > max_norm:
            g *= max_norm / norm
    return grads, norm


# -- minibatches
# -------------------------------------------------------------------------------------


@misconception("minibatches", "Are X and y shuffled by one and the same order?")
def pairs_shuffled_apart(X, y, batch_size, rng):
    """X and y are shuffled each in an order of its own"""
    return reference.minibatches(rng.permutation(X), y, batch_size, rng)


@misconception("minibatches", "Which order do the labels have when the samples are shuffled?")
def labels_not_shuffled(X, y, batch_size, rng):
    """only the samples are shuffled, the labels stay in their order"""
    X = X[rng.permutation(len(X))]
    return [(X[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(X), batch_size)]


@misconception("minibatches", "What becomes of the samples that do not fill a batch?")
def last_batch_dropped(X, y, batch_size, rng):
    """the last, smaller batch is dropped"""
    order = rng.permutation(len(X))[: len(X) // batch_size * batch_size]
    return [(X[part], y[part]) for part in order.reshape(-1, batch_size)]


@misconception("minibatches", "How many batches do 8 samples make, four at a time?")
def an_empty_batch_at_the_end(X, y, batch_size, rng):
    """when the size divides the samples, an empty batch comes at the end"""
    order = rng.permutation(len(X))
    parts = [order[i * batch_size : (i + 1) * batch_size] for i in range(len(X) // batch_size + 1)]
    return [(X[part], y[part]) for part in parts]


@misconception("minibatches", "In which order are the samples dealt in the next epoch?")
def never_shuffled(X, y, batch_size, rng):
    """the samples are dealt in their old order"""
    return [(X[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(X), batch_size)]


@misconception("minibatches", "Which samples can share a batch? Think of data sorted by class.")
def only_the_batches_shuffled(X, y, batch_size, rng):
    """the batches come in a random order, but each holds neighbours"""
    starts = range(0, len(X), batch_size)
    return [
        (X[i : i + batch_size], y[i : i + batch_size])
        for i in sorted(starts, key=lambda i: (i + batch_size > len(X), rng.random()))
    ]


@misconception("minibatches", "How often is each sample dealt in one epoch? Count.")
def drawn_with_replacement(X, y, batch_size, rng):
    """the samples are drawn with replacement, so some come twice and some never"""
    order = rng.integers(len(X), size=len(X))
    return [
        (X[order[i : i + batch_size]], y[order[i : i + batch_size]])
        for i in range(0, len(X), batch_size)
    ]


@misconception(
    "minibatches", "Is the second epoch's order another one? Where does the chance come from?"
)
def the_same_order_every_epoch(X, y, batch_size, rng):
    """a generator of its own with a fixed seed deals the same order in every epoch"""
    return reference.minibatches(X, y, batch_size, np.random.default_rng(0))


@misconception("minibatches", "Is batch_size a number of samples, or of batches?")
def size_taken_for_a_count(X, y, batch_size, rng):
    """batch_size is taken for the number of batches"""
    parts = np.array_split(rng.permutation(len(X)), batch_size)
    return [(X[part], y[part]) for part in parts]


@misconception("minibatches", "How large may the last batch be, and how large are the others?")
def batches_of_even_size(X, y, batch_size, rng):
    """the samples are spread evenly, so that no batch is full"""
    parts = np.array_split(rng.permutation(len(X)), -(-len(X) // batch_size))
    return [(X[part], y[part]) for part in parts]


@misconception(
    "minibatches", "How many different orders of four samples are there, and how many can you deal?"
)
def rotated_not_shuffled(X, y, batch_size, rng):
    """the samples only begin at a random place: the order behind it is always the same"""
    order = np.roll(np.arange(len(X)), int(rng.integers(len(X))))
    return [
        (X[order[i : i + batch_size]], y[order[i : i + batch_size]])
        for i in range(0, len(X), batch_size)
    ]


# -- minimise
# ----------------------------------------------------------------------------------------


@misconception("minimise", "What does the rule find in its state in the second step?")
def state_thrown_away(optimizer, gradient, w0, lr, steps):
    """the rule gets an empty state in every step, so it remembers nothing"""
    return reference.minimise(lambda w, g, _, lr: optimizer(w, g, {}, lr), gradient, w0, lr, steps)


@misconception("minimise", "At which place is the slope taken in the second step?")
def slope_of_the_start(optimizer, gradient, w0, lr, steps):
    """the gradient is taken at w0 in every step"""
    g0 = gradient(w0)
    return reference.minimise(optimizer, lambda w: g0, w0, lr, steps)


@misconception("minimise", "How many points does a path of one step have?")
def start_left_out(optimizer, gradient, w0, lr, steps):
    """the path begins after the first step, without w0"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[1:]


@misconception("minimise", "Where does the path end, and where does the walk?")
def end_left_out(optimizer, gradient, w0, lr, steps):
    """each point is kept before its step, so the last one is missing"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[:-1]


@misconception("minimise", "Is it asked for where the walk ends, or for the whole way?")
def only_the_end(optimizer, gradient, w0, lr, steps):
    """only the last point is returned"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[-1]


@misconception("minimise", "How many different arrays does your list of points hold?")
def one_array_many_times(optimizer, gradient, w0, lr, steps):
    """every point of the path is the same array, overwritten in each step"""
    w, state, path = np.array(w0, float), {}, []
    for k in range(steps + 1):
        path.append(w)
        if k < steps:
            w[...], state = optimizer(w.copy(), gradient(w), state, lr)
    return np.array(path)


@misconception("minimise", "Who takes the step: the rule, or you?")
def the_rule_is_not_used(optimizer, gradient, w0, lr, steps):
    """the step is plain gradient descent, whatever the rule"""
    return reference.minimise(reference.sgd, gradient, w0, lr, steps)


@misconception("minimise", "Can a path that starts at whole numbers leave them?")
def path_of_whole_numbers(optimizer, gradient, w0, lr, steps):
    """the path is kept in an array of w0's type, which cuts fractions off for an integer start"""
    path = np.zeros((steps + 1, *np.shape(w0)), np.asarray(w0).dtype)
    path[:] = reference.minimise(optimizer, gradient, w0, lr, steps)
    return path


# -- train_with
# --------------------------------------------------------------------------------------


def _train(
    optimizer,
    X,
    labels,
    n_classes,
    lr,
    steps,
    deal,
    gradients=reference._softmax_gradients,
    states=None,
):
    """The reference's loop with batches, gradients or states of one's own."""
    params = {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)}
    states = states or {"W1": {}, "b1": {}}
    for k in range(steps):
        grads = gradients(params, *deal(k))
        for name in params:
            params[name], states[name] = optimizer(params[name], grads[name], states[name], lr)
    return params


def _dealt(X, labels, rng):
    """What gives the k-th batch of 64, each epoch shuffled anew."""
    batches = []

    def deal(k):
        batches[:] = batches or reference.minibatches(X, labels, 64, rng)
        return batches.pop()

    return deal


@misconception("train_with", "Whose state is it? How many parameters are there?")
def state_shared_by_the_parameters(optimizer, X, labels, n_classes, lr, steps, rng):
    """W1 and b1 share one state"""
    shared = {}

    def rule(w, grad, _, lr):
        new, kept = optimizer(w, grad, shared, lr)
        shared.update(kept)
        return new, {}

    return reference.train_with(rule, X, labels, n_classes, lr, steps, rng)


@misconception("train_with", "What does the rule find in its state in the second step?")
def states_start_again(optimizer, X, labels, n_classes, lr, steps, rng):
    """the states are emptied in every step, so the rule remembers nothing"""
    rule = lambda w, grad, _, lr: optimizer(w, grad, {}, lr)  # noqa: E731
    return reference.train_with(rule, X, labels, n_classes, lr, steps, rng)


@misconception("train_with", "Which parameters does a step change? Print them all after one.")
def bias_never_trained(optimizer, X, labels, n_classes, lr, steps, rng):
    """the bias is never passed to the rule and stays 0"""
    params, state, deal = (
        {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)},
        {},
        _dealt(X, labels, rng),
    )
    for k in range(steps):
        grads = reference._softmax_gradients(params, *deal(k))
        params["W1"], state = optimizer(params["W1"], grads["W1"], state, lr)
    return params


@misconception("train_with", "At which W1 is the gradient of b1 taken: the old or the new?")
def bias_after_the_weights(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradient of b1 is taken after W1 has moved"""
    params, states = (
        {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)},
        {"W1": {}, "b1": {}},
    )
    deal = _dealt(X, labels, rng)
    for k in range(steps):
        batch = deal(k)
        for name in params:
            grad = reference._softmax_gradients(params, *batch)[name]
            params[name], states[name] = optimizer(params[name], grad, states[name], lr)
    return params


@misconception("train_with", "Is the loss a sum or a mean over the batch? And its gradient?")
def summed_over_the_batch(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradients are summed over the batch, not averaged"""

    def summed(params, x, y):
        return {name: len(x) * g for name, g in reference._softmax_gradients(params, x, y).items()}

    return _train(optimizer, X, labels, n_classes, lr, steps, _dealt(X, labels, rng), summed)


@misconception(
    "train_with", "By how many is the gradient divided: the samples of the batch, or all samples?"
)
def divided_by_all_samples(optimizer, X, labels, n_classes, lr, steps, rng):
    """a mini-batch's gradient is divided by the size of the whole data set"""

    def diluted(params, x, y):
        return {
            name: g * len(x) / len(X)
            for name, g in reference._softmax_gradients(params, x, y).items()
        }

    small = min(4, len(X) - 1)
    deal = lambda k: (X[(rows := rng.permutation(len(X))[:small])], labels[rows])  # noqa: E731
    return _train(optimizer, X, labels, n_classes, lr, steps, deal, diluted)


@misconception("train_with", "How many different samples has the model seen in the end?")
def always_the_first_batch(optimizer, X, labels, n_classes, lr, steps, rng):
    """every step sees the same few samples"""
    return _train(optimizer, X, labels, n_classes, lr, steps, lambda k: (X[:32], labels[:32]))


@misconception(
    "train_with", "Does each image still have its own label when it reaches the gradient?"
)
def labels_dealt_apart(optimizer, X, labels, n_classes, lr, steps, rng):
    """the images of a batch and its labels are drawn apart"""
    deal = lambda k: (X[rng.integers(len(X), size=64)], labels[rng.integers(len(X), size=64)])  # noqa: E731
    return _train(optimizer, X, labels, n_classes, lr, steps, deal)


@misconception("train_with", "Count the steps: one for each batch, or one for each epoch?")
def steps_taken_for_epochs(optimizer, X, labels, n_classes, lr, steps, rng):
    """each step goes through all batches of an epoch, so there are far too many"""
    return reference.train_with(optimizer, X, labels, n_classes, lr, steps * 2, rng)


@misconception(
    "train_with", "What is exp of a very large score? Softmax stays the same when a row is shifted."
)
def scores_not_shifted(optimizer, X, labels, n_classes, lr, steps, rng):
    """exp overflows for large scores, and inf / inf is nan"""

    def unshifted(params, x, y):
        e = np.exp(x @ params["W1"] + params["b1"])
        d = (e / e.sum(axis=1, keepdims=True) - np.eye(n_classes)[y]) / len(x)
        return {"W1": x.T @ d, "b1": d.sum(axis=0)}

    return _train(optimizer, X, labels, n_classes, lr, steps, _dealt(X, labels, rng), unshifted)


@misconception(
    "train_with",
    "Where does the loss grow: along the gradient, or against it? The rule already knows.",
)
def gradient_with_the_other_sign(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradient is truth minus prediction, so the rule climbs"""

    def turned(params, x, y):
        return {name: -g for name, g in reference._softmax_gradients(params, x, y).items()}

    return _train(optimizer, X, labels, n_classes, lr, steps, _dealt(X, labels, rng), turned)


# -- own_optimizer
# -----------------------------------------------------------------------------------


@misconception(
    "own_optimizer",
    "How far does it still get in the last tenth of the steps, where the noise rules?",
)
def adam_at_a_constant_rate(w, grad, state, step, total):
    """this is Adam at a constant rate of 0.01: it neither hurries at first nor settles at last"""
    return reference.adam(w, grad, state, 0.01)


@misconception(
    "own_optimizer", "One direction is 100 times as steep as another. Which rate suits both?"
)
def plain_descent(w, grad, state, step, total):
    """this is plain gradient descent, which is too slow in flat directions and flies off in steep
    ones
    """
    return reference.sgd(w, grad, state, 0.02)


@misconception(
    "own_optimizer", "Of what use are the averages when the state is empty in every step?"
)
def rule_without_memory(w, grad, state, step, total):
    """the state is never used, so only the sign of the newest gradient counts"""
    return reference.adam(w, grad, {}, 0.2 * (1 - step / total))


@misconception("own_optimizer", "What is the rate in step 0? And can step 0 be divided by?")
def rate_divided_by_the_step(w, grad, state, step, total):
    """the rate is divided by the step, which is 0 at first"""
    return reference.adam(w, grad, state, 0.2 / np.float64(step))
