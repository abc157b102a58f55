"""Probes of 03-optimizers: walk with the student's rules, and hand functions of ours to theirs.

The rules here are of our own making, none is an answer: what is judged is how they are used.
"""

import numpy as np


def walk(student, rule, w, grads, lr, options=()):
    """w after each of these gradients, in their order: (len(grads), ...)."""
    update, state, path = getattr(student, rule), {}, []
    for grad in grads:
        w, state = update(w, grad, state, lr, *options)
        path.append(w)
    return np.array(path)


def the_same_step_twice(student, rule, w, grads, lr):
    """Go one step, then take the second step twice from there; w after each of the two."""
    update = getattr(student, rule)
    w, state = update(w, grads[0], {}, lr)
    once, _ = update(w, grads[1], state, lr)
    again, _ = update(w, grads[1], state, lr)
    return np.array([once, again])


# -- landscapes
# --------------------------------------------------------------------------------------


def bowl(w, A):
    """Gradient of w A w / 2."""
    return A @ w


def banana(w):
    """Gradient of Rosenbrock's valley (1 - a)^2 + 100 (b - a^2)^2 at w = (a, b)."""
    a, b = w
    return np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])


def end_in_a_bowl(student, rule, A, w, lr, steps, options=()):
    """Where the rule is after so many steps in the bowl w A w / 2."""
    update, state = getattr(student, rule), {}
    for _ in range(steps):
        w, state = update(w, bowl(w, A), state, lr, *options)
    return w


def end_in_the_banana(student, rule, w, lr, steps):
    """Where the rule is after so many steps in Rosenbrock's valley."""
    update, state = getattr(student, rule), {}
    for _ in range(steps):
        w, state = update(w, banana(w), state, lr)
    return w


def network_gradients(params, x, labels):
    """Gradients of a network with one hidden layer of ReLU, softmax and cross-entropy."""
    z = x @ params["W1"] + params["b1"]
    h = np.maximum(z, 0)
    scores = h @ params["W2"] + params["b2"]
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(x)), labels] -= 1
    d = p / len(x)
    dz = d @ params["W2"].T * (z > 0)
    return {"W1": x.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d, "b2": d.sum(axis=0)}


def network_trained_on_digits(student, rule, params, X, labels, batches, lr):
    """A small network after one step of the rule for each parameter and each batch of row
    numbers.
    """
    update, states = getattr(student, rule), {name: {} for name in params}
    for rows in batches:
        grads = network_gradients(params, X[rows], labels[rows])
        for name in grads:
            params[name], states[name] = update(params[name], grads[name], states[name], lr)
    return params


# -- rules and gradients of ours, for functions that take one
# ----------------------------------------


def tiring(w, grad, state, lr):
    """A rule that tires: its k-th step, k from 1, is lr * grad / k. It needs its state back."""
    k = state.get("steps", 0) + 1
    return w - lr * grad / k, {"steps": k}


def plain(w, grad, state, lr):
    """The shortest rule there is."""
    return w - lr * grad, state


def bend(w):
    """Gradient of sum(cosh w), a landscape that is not a parabola, for w of any shape."""
    return np.sinh(w)


def path_of_a_rule_that_tires(student, w0, lr, steps):
    """minimise with a rule whose k-th step is lr * grad / k, on the landscape sum(cosh w)."""
    return student.minimise(tiring, bend, w0, lr, steps)


def path_in_a_bowl(student, A, w0, lr, steps):
    """minimise with plain gradient descent on the bowl w A w / 2."""
    return student.minimise(plain, lambda w: bowl(w, A), w0, lr, steps)


def what_the_rule_and_the_gradient_see(student, w0, lr, steps):
    """minimise with a rule and a gradient that write down what they are given."""
    places, rates, counts = [], [], []

    def gradient(w):
        places.append(np.array(w, float))
        return 0.5 * w

    def rule(w, grad, state, lr):
        rates.append(float(lr))
        counts.append(state.get("steps", 0))
        return tiring(w, grad, state, lr)

    student.minimise(rule, gradient, w0, lr, steps)
    return np.array(places), rates, counts


def train_with_plain_steps(student, X, labels, n_classes, lr, steps, rng):
    """train_with and plain gradient descent."""
    return student.train_with(plain, X, labels, n_classes, lr, steps, rng)


def train_with_a_rule_that_keeps_a_diary(student, X, labels, n_classes, lr, steps, rng):
    """train_with and a rule that writes down each of its steps: w, gradient, lr and the steps in
    its state.
    """
    diary = []

    def rule(w, grad, state, lr):
        diary.append(
            {
                "w": np.array(w),
                "grad": np.array(grad),
                "lr": float(lr),
                "steps": state.get("steps", 0),
            }
        )
        return tiring(w, grad, state, lr)

    return student.train_with(rule, X, labels, n_classes, lr, steps, rng), diary


# -- mini-batches
# ------------------------------------------------------------------------------------


def orders_of_many_epochs(student, n, batch_size, epochs, rng):
    """The order in which n samples are dealt in each of many epochs: (epochs, n)."""
    X, y = np.arange(n)[:, None], np.arange(n)
    dealt = [student.minibatches(X, y, batch_size, rng) for _ in range(epochs)]
    return np.array([np.concatenate([yb for _, yb in batches]) for batches in dealt])


# -- the challenge
# -----------------------------------------------------------------------------------


def slope(problem, w, step):
    """The gradient that a rule gets at w in this step of a problem (see the suite for the three
    kinds).
    """
    if problem["kind"] == "noisy bowl":
        return problem["A"] @ (w - problem["goal"]) + problem["noise"][step]
    if problem["kind"] == "valley":
        rise = w[1:] - w[:-1] ** 2
        return 200 * np.append(0, rise) - np.append(400 * w[:-1] * rise + 2 * (1 - w[:-1]), 0)
    rows = problem["batches"][step]
    grads = network_gradients(
        unpacked(w, problem["sizes"]), problem["X"][rows], problem["labels"][rows]
    )
    return np.concatenate([g.ravel() for g in grads.values()])


def unpacked(w: np.ndarray, sizes: list[int]) -> dict[str, np.ndarray]:
    """A long vector as the parameters W1, b1, W2, b2 of a network with these widths."""
    d, h, c = (int(size) for size in sizes)
    W1, b1, W2, b2 = np.split(w, np.cumsum([d * h, h, h * c]))
    return {"W1": W1.reshape(d, h), "b1": b1, "W2": W2.reshape(h, c), "b2": b2}


def tuned_adam(student, problem, lr, total):
    """Where Adam with this constant rate is at the end of the step budget."""
    w, state = problem["start"], {}
    for step in range(total):
        w, state = student.adam(w, slope(problem, w, step), state, lr)
    return w
