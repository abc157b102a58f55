"""Misconceptions of 03-optimizers: what students really write, what it is called, where to
look.
"""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.optimizers import reference

# -- sgd, momentum, nesterov
# -------------------------------------------------------------------------


@misconception("sgd", "Along the gradient or against it: in which direction does the loss grow?")
def sgd_uphill(w, grad, state, lr):
    """the step goes up the gradient instead of down"""
    return w + lr * grad, {}


@misconception("sgd", "After the call, does the caller's w still hold the old weights?")
def w_changed_in_place(w, grad, state, lr):
    """the step is taken in the caller's own array"""
    w -= lr * grad
    return w, {}


@misconception("sgd", "The contract asks for two values. Which one is missing?")
def only_w_returned(w, grad, state, lr):
    """the new w is returned without a state"""
    return w - lr * grad


@misconception("sgd", "Should a step be longer where the slope is steeper?")
def length_of_the_gradient_lost(w, grad, state, lr):
    """only the sign of the gradient is used"""
    return w - lr * np.sign(grad), {}


@misconception(
    "momentum", "What does the second step know about the first? Look at the state you return."
)
def momentum_without_memory(w, grad, state, lr, beta=0.9):
    """the velocity is forgotten after each step, so this is plain gradient descent"""
    return w - lr * grad, {"v": grad}


@misconception(
    "momentum", "Which of the two terms of the velocity has a factor here? Books differ."
)
def momentum_as_an_average(w, grad, state, lr, beta=0.9):
    """the velocity is a running mean: the gradient has the factor 1 - beta"""
    v = beta * state.get("v", 0.0) + (1 - beta) * grad
    return w - lr * v, {"v": v}


@misconception(
    "momentum",
    "If the learning rate changes, which gradients should use the new rate: only the new ones?",
)
def rate_inside_the_velocity(w, grad, state, lr, beta=0.9):
    """the velocity includes the learning rate, so old gradients keep their old rate"""
    v = beta * state.get("v", 0.0) + lr * grad
    return w - v, {"v": v}


@misconception("momentum", "Does the result change when the caller gives another beta?")
def momentum_beta_ignored(w, grad, state, lr, beta=0.9):
    """beta is always 0.9, whatever beta is given"""
    return reference.momentum(w, grad, state, lr)


@misconception("momentum", "Which velocity changes w: the old one, or the one after this step?")
def velocity_one_step_late(w, grad, state, lr, beta=0.9):
    """w uses the old velocity, so the new gradient counts only in the next step"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * state.get("v", 0.0 * v), {"v": v}


@misconception(
    "momentum",
    "You add the gradient to an array. Whose array is it? Take a step twice from the same state.",
)
def velocity_changed_in_place(w, grad, state, lr, beta=0.9):
    """the velocity in the old state is overwritten"""
    v = state.setdefault("v", np.zeros(np.shape(w)))
    v *= beta
    v += grad
    return w - lr * v, {"v": v}


@misconception("momentum", "Which signs do the old velocity and the gradient have?")
def velocity_of_the_other_sign(w, grad, state, lr, beta=0.9):
    """the old velocity has the wrong sign: it slows down instead of pushing on"""
    v = grad - beta * state.get("v", 0.0)
    return w - lr * v, {"v": v}


@misconception(
    "nesterov",
    "Which velocity is added to the gradient: the one before this step, or the one after it?",
)
def nesterov_with_the_old_velocity(w, grad, state, lr, beta=0.9):
    """the look-ahead uses the old velocity, which makes this plain momentum"""
    return reference.momentum(w, grad, state, lr, beta)


@misconception("nesterov", "By which factor is the velocity multiplied in the step?")
def nesterov_without_the_second_beta(w, grad, state, lr, beta=0.9):
    """the velocity is added to the gradient without its factor beta"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * (grad + v), {"v": v}


@misconception("nesterov", "The step has two terms. What is left when the velocity is 0?")
def nesterov_without_the_gradient(w, grad, state, lr, beta=0.9):
    """the step is only beta times the velocity: the gradient itself is missing"""
    v = beta * state.get("v", 0.0) + grad
    return w - lr * beta * v, {"v": v}


@misconception(
    "nesterov", "The velocity appears twice in the formulas. Which of the two is kept in the state?"
)
def nesterov_keeps_the_step(w, grad, state, lr, beta=0.9):
    """the whole step is kept as the velocity, so the look-ahead is counted again and again"""
    v = beta * state.get("v", 0.0) + grad
    step = grad + beta * v
    return w - lr * step, {"v": step}


# -- adagrad and rmsprop
# -----------------------------------------------------------------------------


@misconception("adagrad", "Which has the unit of the gradient: the sum of squares, or its root?")
def adagrad_without_root(w, grad, state, lr, eps=1e-8):
    """the gradient is divided by the sum of squares, not by its square root"""
    G = state.get("G", 0.0) + grad**2
    return w - lr * grad / (G + eps), {"G": G}


@misconception("adagrad", "Where is eps in the formula: under the root, or outside it?")
def adagrad_eps_inside(w, grad, state, lr, eps=1e-8):
    """eps is added inside the root"""
    G = state.get("G", 0.0) + grad**2
    return w - lr * grad / np.sqrt(G + eps), {"G": G}


@misconception("adagrad", "After three steps, how many gradients does the sum hold?")
def adagrad_forgets(w, grad, state, lr, eps=1e-8):
    """the sum starts again in each step, so only the sign of the gradient remains"""
    return w - lr * grad / (np.sqrt(grad**2) + eps), {"G": grad**2}


@misconception("adagrad", "Which comes first: the sum, or the square?")
def adagrad_sums_the_gradients(w, grad, state, lr, eps=1e-8):
    """the gradients are summed first, and then the sum is squared"""
    s = state.get("s", 0.0) + grad
    return w - lr * grad / (np.sqrt(s**2) + eps), {"s": s}


@misconception("adagrad", "Does each weight have its own sum? What is the shape of your sum?")
def adagrad_one_sum_for_all(w, grad, state, lr, eps=1e-8):
    """all weights of a tensor share one sum of squares"""
    G = state.get("G", 0.0) + np.sum(grad**2)
    return w - lr * grad / (np.sqrt(G) + eps), {"G": G}


@misconception(
    "rmsprop", "With a constant gradient, do your steps keep shrinking? What should they do?"
)
def rmsprop_accumulates(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the squares are added up without end, as in AdaGrad"""
    return reference.adagrad(w, grad, state, lr, eps)


@misconception(
    "rmsprop", "If rho is 0.9, which should count more: the old mean, or the new square?"
)
def rho_on_the_new_square(w, grad, state, lr, rho=0.9, eps=1e-8):
    """rho and 1 - rho are swapped"""
    return reference.rmsprop(w, grad, state, lr, 1 - rho, eps)


@misconception("rmsprop", "Where is eps in the formula: under the root, or outside it?")
def rmsprop_eps_inside(w, grad, state, lr, rho=0.9, eps=1e-8):
    """eps is added inside the root"""
    s = rho * state.get("s", 0.0) + (1 - rho) * grad**2
    return w - lr * grad / np.sqrt(s + eps), {"s": s}


@misconception("rmsprop", "What is the running mean a mean of?")
def rmsprop_without_squares(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the running mean is a mean of the absolute gradients, not of their squares"""
    s = rho * state.get("s", 0.0) + (1 - rho) * abs(grad)
    return w - lr * grad / (s + eps), {"s": s}


@misconception("rmsprop", "The two factors of a running mean should add up to 1. Do yours?")
def rmsprop_without_one_minus_rho(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the new square is added without its factor 1 - rho"""
    s = rho * state.get("s", 0.0) + grad**2
    return w - lr * grad / (np.sqrt(s) + eps), {"s": s}


@misconception("rmsprop", "Which rule corrects for the start at 0, and which rule does not?")
def rmsprop_corrected(w, grad, state, lr, rho=0.9, eps=1e-8):
    """the running mean is corrected for its start at 0, as in Adam"""
    t = state.get("t", 0) + 1
    s = rho * state.get("s", 0.0) + (1 - rho) * grad**2
    return w - lr * grad / (np.sqrt(s / (1 - rho**t)) + eps), {"s": s, "t": t}


@misconception("rmsprop", "What is the value of the mean before the first gradient?")
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


@misconception("adam", "What is 1 - beta^t for the t of your first step?")
def t_from_zero(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the first step has t = 0, so its correction divides by 0"""
    direction, state = _adam(grad, state, beta1, beta2, eps, first=0)
    return w - lr * direction, state


@misconception("adam", "Which t does the first step have? Follow t through two steps.")
def t_one_ahead(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """t is one too large: the first step has t = 2"""
    direction, state = _adam(grad, state, beta1, beta2, eps, first=2)
    return w - lr * direction, state


@misconception("adam", "By how much does t grow in one step? How many lines change t?")
def t_counted_twice(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """t grows by 2 in each step"""
    direction, state = _adam(grad, state, beta1, beta2, eps, each=2)
    return w - lr * direction, state


@misconception(
    "adam", "Both averages start at 0. How large is the first step, and how large should it be?"
)
def no_bias_correction(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """neither average is corrected for its start at 0, so the first steps have the wrong length"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="")
    return w - lr * direction, state


@misconception("adam", "Two averages start at 0. Are both corrected?")
def only_the_mean_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean is corrected for its start at 0, but the mean square is not"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="m")
    return w - lr * direction, state


@misconception("adam", "Two averages start at 0. Are both corrected?")
def only_the_square_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean square is corrected for its start at 0, but the mean is not"""
    direction, state = _adam(grad, state, beta1, beta2, eps, corrected="v")
    return w - lr * direction, state


@misconception(
    "adam", "Should the correction be as strong in step 5 as in step 1? Where is t in it?"
)
def correction_never_fades(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the correction divides by 1 - beta in every step: the power t is missing"""
    direction, state = _adam(grad, state, beta1, beta2, eps, each=0)
    return w - lr * direction, state


@misconception("adam", "Which m should the next step get: the original one, or the corrected one?")
def corrected_averages_kept(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the state keeps the corrected averages, so they are corrected again in the next step"""
    t = state.get("t", 0) + 1
    m = (beta1 * state.get("m", 0.0) + (1 - beta1) * grad) / (1 - beta1**t)
    v = (beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2) / (1 - beta2**t)
    return w - lr * m / (np.sqrt(v) + eps), {"t": t, "m": m, "v": v}


@misconception("adam", "Where is eps in the algorithm: under the root, or outside it?")
def adam_eps_inside(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """eps is added inside the root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m_hat / np.sqrt(v_hat + eps), state


@misconception(
    "adam", "To which root is eps added: the one before the correction, or the one after it?"
)
def adam_reorganised(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """this is the short form from the paper, which adds eps to the uncorrected root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    rate = lr * math.sqrt(1 - beta2 ** state["t"]) / (1 - beta1 ** state["t"])
    return w - rate * state["m"] / (np.sqrt(state["v"]) + eps), state


@misconception("adam", "Which of the two averages has the longer memory?")
def betas_swapped(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """beta1 and beta2 are swapped"""
    return reference.adam(w, grad, state, lr, beta2, beta1, eps)


@misconception("adam", "What is v an average of? Can it become negative?")
def gradient_not_squared(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """v is an average of the gradient itself, not of its square"""
    direction, state = _adam(grad, state, beta1, beta2, eps, squared=lambda g: g)
    return w - lr * direction, state


@misconception("adam", "If all gradients are doubled, should the step become half as long?")
def adam_without_root(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """the mean is divided by the mean square, not by its square root"""
    _, state = _adam(grad, state, beta1, beta2, eps)
    m_hat, v_hat = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m_hat / (v_hat + eps), state


@misconception("adam", "Which weights does t belong to? Update a matrix and a vector in turn.")
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
    """t is not in the state, so several tensors share one t"""
    _count[0] = _count[0] + 1 if state else 1
    direction, state = _adam(grad, {**state, "t": _count[0] - 1}, beta1, beta2, eps)
    return w - lr * direction, state


# -- adamw
# -------------------------------------------------------------------------------------------


@misconception("adamw", "Should the decay of a weight depend on the size of its gradients?")
def decay_through_the_gradient(
    w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01
):
    """the decay is added to the gradient, so Adam rescales it"""
    return reference.adam(w, grad + weight_decay * w, state, lr, beta1, beta2, eps)


@misconception("adamw", "With a learning rate of 0, should anything change?")
def decay_without_the_rate(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay is not multiplied by the learning rate"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - weight_decay * w, state


@misconception("adamw", "Which w decays: the w before Adam's step, or the w after it?")
def decay_of_the_new_w(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay uses the w after Adam's step, not the old w"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - lr * weight_decay * new, state


@misconception("adamw", "What should happen to a weight whose gradient is 0?")
def no_decay_at_all(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the weights never decay, so this is Adam"""
    return reference.adam(w, grad, state, lr, beta1, beta2, eps)


@misconception("adamw", "Should the decay move a weight towards 0, or away from 0?")
def weights_grow(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the decay has the wrong sign, so the weights grow"""
    return reference.adamw(w, grad, state, lr, beta1, beta2, eps, -weight_decay)


@misconception("adamw", "Should a large weight decay by more than a small one?")
def decay_by_the_sign(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """every weight decays by the same amount, whatever its size"""
    new, state = reference.adam(w, grad, state, lr, beta1, beta2, eps)
    return new - lr * weight_decay * np.sign(w), state


@misconception("adamw", "The penalty has a factor 1/2. What is left of it after you differentiate?")
def decay_doubled(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """the weights decay twice as fast as the contract says"""
    return reference.adamw(w, grad, state, lr, beta1, beta2, eps, 2 * weight_decay)


# -- schedules
# ---------------------------------------------------------------------------------------


@misconception("warmup_cosine", "What is the rate of step 0, and of the step numbered `warmup`?")
def warmup_off_by_one(step, total, warmup, peak, floor=0.0):
    """the warm-up is one step too early, so it does not start at 0"""
    return (
        peak * (step + 1) / warmup
        if step < warmup
        else reference.warmup_cosine(step, total, warmup, peak, floor)
    )


def _progress(step, total, warmup):
    """How far the cosine is, 0 to 1, held at both ends."""
    return min(max((step - warmup) / max(total - warmup, 1), 0.0), 1.0)


@misconception("warmup_cosine", "What is the value of the cosine at its start and at its end?")
def cosine_from_pi(step, total, warmup, peak, floor=0.0):
    """the cosine starts at pi, so the rate jumps to the floor and rises again"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 - math.cos(math.pi * _progress(step, total, warmup))) / 2


@misconception(
    "warmup_cosine", "At which step does the cosine start, and over how many steps does it fall?"
)
def cosine_over_all_steps(step, total, warmup, peak, floor=0.0):
    """the cosine counts from step 0, so the rate jumps at the end of the warm-up"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 + math.cos(math.pi * min(step / total, 1.0))) / 2


@misconception(
    "warmup_cosine", "What does the cosine do after pi? What should the rate be after `total`?"
)
def rises_after_the_end(step, total, warmup, peak, floor=0.0):
    """after the end the cosine goes on, so the rate rises again"""
    if step < warmup:
        return peak * step / warmup
    return floor + (peak - floor) * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2


@misconception("warmup_cosine", "What should the rate be at the end?")
def floor_ignored(step, total, warmup, peak, floor=0.0):
    """the floor is never used"""
    return reference.warmup_cosine(step, total, warmup, peak)


@misconception(
    "warmup_cosine", "At the top of the cosine, what is your rate? Compare it with the peak."
)
def floor_added_on_top(step, total, warmup, peak, floor=0.0):
    """the floor is added to the whole curve, so the rate starts above the peak"""
    return reference.warmup_cosine(step, total, warmup, peak) + (floor if step >= warmup else 0.0)


@misconception("warmup_cosine", "Which curve does the rate follow after the warm-up?")
def straight_line_down(step, total, warmup, peak, floor=0.0):
    """the rate falls on a straight line instead of a cosine"""
    if step < warmup:
        return peak * step / warmup
    return peak + (floor - peak) * _progress(step, total, warmup)


@misconception("warmup_cosine", "What is step / warmup if there is no warm-up?")
def no_warmup_divides_by_zero(step, total, warmup, peak, floor=0.0):
    """a warm-up of 0 steps causes a division by 0"""
    return min(
        peak * step / warmup, reference.warmup_cosine(max(step, warmup), total, warmup, peak, floor)
    )


@misconception("step_decay", "Does the rate change within one period?")
def decay_without_stairs(step, base, every, factor):
    """the rate falls a little in every step instead of once per period"""
    return base * factor ** (step / every)


@misconception("step_decay", "How many whole periods are over at step 0, and at step `every`?")
def decay_one_step_early(step, base, every, factor):
    """the rate falls one step too early"""
    return base * factor ** ((step + 1) // every)


@misconception("step_decay", "What should the rate be after the second period?")
def decay_once_only(step, base, every, factor):
    """the rate falls once and then stays the same"""
    return base * (factor if step >= every else 1.0)


@misconception("step_decay", "Does the exponent count steps or periods?")
def decay_at_every_step(step, base, every, factor):
    """the factor is applied in every step"""
    return base * factor**step


# -- clip_by_global_norm
# -----------------------------------------------------------------------------


def _norm(grads):
    return math.sqrt(sum(float(np.sum(np.square(g))) for g in grads.values()))


@misconception("clip_by_global_norm", "Is the direction of all gradients together still the same?")
def each_tensor_clipped_alone(grads, max_norm):
    """each tensor is clipped by its own norm"""
    each = {
        name: reference.clip_by_global_norm({name: g}, max_norm)[0][name]
        for name, g in grads.items()
    }
    return each, _norm(grads)


@misconception(
    "clip_by_global_norm",
    "Does clipping single entries keep the direction of the vector?",
)
def clipped_by_value(grads, max_norm):
    """each entry is clipped separately, which changes the direction of the gradient"""
    return {name: np.clip(g, -max_norm, max_norm) for name, g in grads.items()}, _norm(grads)


@misconception(
    "clip_by_global_norm", "What should happen to gradients whose norm is already small enough?"
)
def small_gradients_scaled_up(grads, max_norm):
    """gradients with a norm below max_norm are scaled up to it"""
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


@misconception("clip_by_global_norm", "Which norm should the caller get: before or after clipping?")
def norm_after_clipping(grads, max_norm):
    """the returned norm is the norm after clipping"""
    clipped, norm = reference.clip_by_global_norm(grads, max_norm)
    return clipped, min(norm, float(max_norm))


@misconception("clip_by_global_norm", "What is the norm of (3, 4)?")
def norm_without_the_root(grads, max_norm):
    """the norm is the sum of squares, without the square root"""
    square = _norm(grads) ** 2
    return {
        name: g * (max_norm / square if square > max_norm else 1.0) for name, g in grads.items()
    }, square


@misconception(
    "clip_by_global_norm", "Two tensors have the norms 3 and 4. What is the norm of both together?"
)
def norms_added_up(grads, max_norm):
    """the norms of the tensors are added up"""
    norm = sum(_norm({name: g}) for name, g in grads.items())
    return {
        name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()
    }, norm


@misconception(
    "clip_by_global_norm",
    "Which measure of the whole vector does the contract ask for: its largest entry, or its "
    "length?",
)
def largest_entry_for_the_norm(grads, max_norm):
    """the largest entry is used as the norm"""
    norm = max(float(np.max(np.abs(g))) for g in grads.values())
    return {
        name: g * (max_norm / norm if norm > max_norm else 1.0) for name, g in grads.items()
    }, norm


@misconception(
    "clip_by_global_norm",
    "After the call, does the caller's dict still hold the unclipped gradients?",
)
def gradients_changed_in_place(grads, max_norm):
    """the caller's own arrays are changed"""
    norm = _norm(grads)
    for g in grads.values():
        if norm > max_norm:
            g *= max_norm / norm
    return grads, norm


# -- minibatches
# -------------------------------------------------------------------------------------


@misconception("minibatches", "Do X and y use the same order?")
def pairs_shuffled_apart(X, y, batch_size, rng):
    """X and y are shuffled in two different orders"""
    return reference.minibatches(rng.permutation(X), y, batch_size, rng)


@misconception("minibatches", "In which order are the labels after the samples are shuffled?")
def labels_not_shuffled(X, y, batch_size, rng):
    """only the samples are shuffled; the labels keep their order"""
    X = X[rng.permutation(len(X))]
    return [(X[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(X), batch_size)]


@misconception("minibatches", "What happens to the samples that do not fill a batch?")
def last_batch_dropped(X, y, batch_size, rng):
    """the last, smaller batch is left out"""
    order = rng.permutation(len(X))[: len(X) // batch_size * batch_size]
    return [(X[part], y[part]) for part in order.reshape(-1, batch_size)]


@misconception("minibatches", "How many batches of four do 8 samples give?")
def an_empty_batch_at_the_end(X, y, batch_size, rng):
    """if batch_size divides the number of samples, the last batch is empty"""
    order = rng.permutation(len(X))
    parts = [order[i * batch_size : (i + 1) * batch_size] for i in range(len(X) // batch_size + 1)]
    return [(X[part], y[part]) for part in parts]


@misconception("minibatches", "In which order do the samples come in the next epoch?")
def never_shuffled(X, y, batch_size, rng):
    """the samples keep their order: they are not shuffled"""
    return [(X[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(X), batch_size)]


@misconception(
    "minibatches", "Which samples can be in the same batch? Think of data sorted by class."
)
def only_the_batches_shuffled(X, y, batch_size, rng):
    """the batches come in a random order, but each holds neighbours of the original order"""
    starts = range(0, len(X), batch_size)
    return [
        (X[i : i + batch_size], y[i : i + batch_size])
        for i in sorted(starts, key=lambda i: (i + batch_size > len(X), rng.random()))
    ]


@misconception("minibatches", "How often does each sample come in one epoch? Count.")
def drawn_with_replacement(X, y, batch_size, rng):
    """the samples are drawn with replacement, so some come twice and some never"""
    order = rng.integers(len(X), size=len(X))
    return [
        (X[order[i : i + batch_size]], y[order[i : i + batch_size]])
        for i in range(0, len(X), batch_size)
    ]


@misconception(
    "minibatches", "Is the order of the second epoch different? Which generator do you use?"
)
def the_same_order_every_epoch(X, y, batch_size, rng):
    """a generator with a fixed seed inside the function gives the same order in every epoch"""
    return reference.minibatches(X, y, batch_size, np.random.default_rng(0))


@misconception("minibatches", "Is batch_size a number of samples, or a number of batches?")
def size_taken_for_a_count(X, y, batch_size, rng):
    """batch_size is used as the number of batches"""
    parts = np.array_split(rng.permutation(len(X)), batch_size)
    return [(X[part], y[part]) for part in parts]


@misconception(
    "minibatches", "How large should the last batch be, and how large should the others be?"
)
def batches_of_even_size(X, y, batch_size, rng):
    """the samples are spread evenly over the batches, so no batch is full"""
    parts = np.array_split(rng.permutation(len(X)), -(-len(X) // batch_size))
    return [(X[part], y[part]) for part in parts]


@misconception(
    "minibatches",
    "How many different orders do four samples have? How many of them can your code give?",
)
def rotated_not_shuffled(X, y, batch_size, rng):
    """the samples start at a random position, but the order after it is always the same"""
    order = np.roll(np.arange(len(X)), int(rng.integers(len(X))))
    return [
        (X[order[i : i + batch_size]], y[order[i : i + batch_size]])
        for i in range(0, len(X), batch_size)
    ]


# -- minimise
# ----------------------------------------------------------------------------------------


@misconception("minimise", "Which state does the rule get in the second step?")
def state_thrown_away(optimizer, gradient, w0, lr, steps):
    """the rule gets an empty state in every step, so it remembers nothing"""
    return reference.minimise(lambda w, g, _, lr: optimizer(w, g, {}, lr), gradient, w0, lr, steps)


@misconception("minimise", "At which point is the gradient computed in the second step?")
def slope_of_the_start(optimizer, gradient, w0, lr, steps):
    """the gradient is computed at w0 in every step"""
    g0 = gradient(w0)
    return reference.minimise(optimizer, lambda w: g0, w0, lr, steps)


@misconception("minimise", "How many points does a path of one step have?")
def start_left_out(optimizer, gradient, w0, lr, steps):
    """the path starts after the first step: w0 is missing"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[1:]


@misconception("minimise", "Which point is the last one of the path?")
def end_left_out(optimizer, gradient, w0, lr, steps):
    """each point is recorded before its step, so the last point is missing"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[:-1]


@misconception("minimise", "Does the contract ask for the last point, or for the whole path?")
def only_the_end(optimizer, gradient, w0, lr, steps):
    """only the last point is returned"""
    return reference.minimise(optimizer, gradient, w0, lr, steps)[-1]


@misconception("minimise", "How many different arrays does your list of points hold?")
def one_array_many_times(optimizer, gradient, w0, lr, steps):
    """every point of the path is the same array, which is overwritten in each step"""
    w, state, path = np.array(w0, float), {}, []
    for k in range(steps + 1):
        path.append(w)
        if k < steps:
            w[...], state = optimizer(w.copy(), gradient(w), state, lr)
    return np.array(path)


@misconception("minimise", "Who makes the step: the rule, or your code?")
def the_rule_is_not_used(optimizer, gradient, w0, lr, steps):
    """the step is plain gradient descent, whatever the rule"""
    return reference.minimise(reference.sgd, gradient, w0, lr, steps)


@misconception(
    "minimise",
    "Can a path that starts at integers leave the integers? What is the dtype of your path?",
)
def path_of_whole_numbers(optimizer, gradient, w0, lr, steps):
    """the path has the dtype of w0, so an integer start cuts off the fractions"""
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


@misconception(
    "train_with", "To which parameter does a state belong? How many parameters are there?"
)
def state_shared_by_the_parameters(optimizer, X, labels, n_classes, lr, steps, rng):
    """W1 and b1 share one state"""
    shared = {}

    def rule(w, grad, _, lr):
        new, kept = optimizer(w, grad, shared, lr)
        shared.update(kept)
        return new, {}

    return reference.train_with(rule, X, labels, n_classes, lr, steps, rng)


@misconception("train_with", "Which state does the rule get in the second step?")
def states_start_again(optimizer, X, labels, n_classes, lr, steps, rng):
    """the states are reset in every step, so the rule remembers nothing"""
    rule = lambda w, grad, _, lr: optimizer(w, grad, {}, lr)  # noqa: E731
    return reference.train_with(rule, X, labels, n_classes, lr, steps, rng)


@misconception(
    "train_with", "Which parameters does a step change? Print all of them after one step."
)
def bias_never_trained(optimizer, X, labels, n_classes, lr, steps, rng):
    """b1 is never given to the rule, so it stays 0"""
    params, state, deal = (
        {"W1": np.zeros((X.shape[1], n_classes)), "b1": np.zeros(n_classes)},
        {},
        _dealt(X, labels, rng),
    )
    for k in range(steps):
        grads = reference._softmax_gradients(params, *deal(k))
        params["W1"], state = optimizer(params["W1"], grads["W1"], state, lr)
    return params


@misconception("train_with", "Which W1 do you use for the gradient of b1: the old or the new one?")
def bias_after_the_weights(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradient of b1 is computed after W1 has changed"""
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
    "train_with", "By what do you divide the gradient: the size of the batch, or of the whole data?"
)
def divided_by_all_samples(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradient of a mini-batch is divided by the size of the whole data set"""

    def diluted(params, x, y):
        return {
            name: g * len(x) / len(X)
            for name, g in reference._softmax_gradients(params, x, y).items()
        }

    small = min(4, len(X) - 1)
    deal = lambda k: (X[(rows := rng.permutation(len(X))[:small])], labels[rows])  # noqa: E731
    return _train(optimizer, X, labels, n_classes, lr, steps, deal, diluted)


@misconception("train_with", "How many different samples has the model seen at the end?")
def always_the_first_batch(optimizer, X, labels, n_classes, lr, steps, rng):
    """every step uses the same few samples"""
    return _train(optimizer, X, labels, n_classes, lr, steps, lambda k: (X[:32], labels[:32]))


@misconception(
    "train_with", "Does each image still have its own label when you compute the gradient?"
)
def labels_dealt_apart(optimizer, X, labels, n_classes, lr, steps, rng):
    """the images and the labels of a batch are drawn separately"""
    deal = lambda k: (X[rng.integers(len(X), size=64)], labels[rng.integers(len(X), size=64)])  # noqa: E731
    return _train(optimizer, X, labels, n_classes, lr, steps, deal)


@misconception("train_with", "What is one step: one batch, or one epoch?")
def steps_taken_for_epochs(optimizer, X, labels, n_classes, lr, steps, rng):
    """each step goes through all batches of an epoch, so there are too many updates"""
    return reference.train_with(optimizer, X, labels, n_classes, lr, steps * 2, rng)


@misconception(
    "train_with",
    "What is exp of a very large score? Softmax does not change when a row is shifted.",
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
    "In which direction does the loss grow: along the gradient, or against it?",
)
def gradient_with_the_other_sign(optimizer, X, labels, n_classes, lr, steps, rng):
    """the gradient is truth minus prediction, so the loss rises"""

    def turned(params, x, y):
        return {name: -g for name, g in reference._softmax_gradients(params, x, y).items()}

    return _train(optimizer, X, labels, n_classes, lr, steps, _dealt(X, labels, rng), turned)


# -- own_optimizer
# -----------------------------------------------------------------------------------


@misconception(
    "own_optimizer",
    "How much does the loss still fall in the last tenth of the steps, where noise dominates?",
)
def adam_at_a_constant_rate(w, grad, state, step, total):
    """this is Adam at a constant rate of 0.01, neither fast at first nor precise at the end"""
    return reference.adam(w, grad, state, 0.01)


@misconception(
    "own_optimizer",
    "One direction is 100 times as steep as another. Which learning rate fits both?",
)
def plain_descent(w, grad, state, step, total):
    """this is plain gradient descent: too slow in flat directions, and unstable in steep ones"""
    return reference.sgd(w, grad, state, 0.02)


@misconception("own_optimizer", "What do the averages hold if the state is empty in every step?")
def rule_without_memory(w, grad, state, step, total):
    """the state is never used, so only the sign of the newest gradient counts"""
    return reference.adam(w, grad, {}, 0.2 * (1 - step / total))


@misconception("own_optimizer", "What is the learning rate in step 0?")
def rate_divided_by_the_step(w, grad, state, step, total):
    """the learning rate is divided by the step number, which is 0 at first"""
    return reference.adam(w, grad, state, 0.2 / np.float64(step))
