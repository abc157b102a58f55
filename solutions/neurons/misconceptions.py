"""Misconceptions of 01-neurons: what students really write, what it is called, where
to look.
"""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.neurons import reference

# -- linear_forward
# ----------------------------------------------------------------------------------


@misconception("linear_forward", "What does the layer give for an input of zeros?")
def bias_left_out_of_the_layer(x, W, b):
    """the bias is never added"""
    return x @ W


@misconception("linear_forward", "How often should b count in one output? Try an input of zeros.")
def bias_at_every_input(x, W, b):
    """the bias is added once for every input feature, inside the sum"""
    return x @ W + x.shape[1] * b


@misconception(
    "linear_forward",
    "Which sign does the bias have in the formula? A threshold has the opposite sign.",
)
def bias_as_a_threshold(x, W, b):
    """the bias is subtracted, as if it were a threshold"""
    return x @ W - b


@misconception(
    "linear_forward", "W is (in, out) already. Does reshaping keep each weight with its input?"
)
def reshape_for_transpose(x, W, b):
    """W is reshaped, which mixes up its entries"""
    return x @ W.reshape(W.shape[::-1]).T + b


# -- sigmoid
# -----------------------------------------------------------------------------------------


@misconception(
    "sigmoid",
    "What is exp of a very large score? Print the numerator and the denominator separately.",
)
def sigmoid_overflow(z):
    """exp overflows for large positive scores, and inf / inf is nan"""
    return np.exp(z) / (1 + np.exp(z))


@misconception("sigmoid", "Should a large score give a value near 1 or near 0?")
def sigmoid_upside_down(z):
    """the sign in the exponent is missing, so the curve falls instead of rising"""
    return 1 - reference.sigmoid(z)


@misconception("sigmoid", "Between which two values does the sigmoid lie, and what is it at 0?")
def tanh_for_sigmoid(z):
    """this is tanh, whose values lie between -1 and 1"""
    return np.tanh(z)


@misconception("sigmoid", "The limits are right. How steep should the curve be at 0?")
def tanh_at_full_width(z):
    """tanh is shifted and scaled to (0, 1), but its argument is not halved"""
    return (1 + np.tanh(z)) / 2


@misconception("sigmoid", "You write your result into an array. What is the dtype of that array?")
def result_in_an_integer_array(z):
    """for integer scores, the result is stored in an integer array and loses its fraction"""
    out = np.empty_like(z)
    out[...] = reference.sigmoid(z)
    return out


# -- relu and leaky_relu
# -----------------------------------------------------------------------------


@misconception("relu", "Is the second argument a number to compare with, or an axis?")
def max_for_maximum(z):
    """the maximum is taken along an axis instead of between each entry and 0"""
    return np.max(z, 0)


@misconception("relu", "Is this the function, or its slope?")
def step_for_ramp(z):
    """positive scores become 1 instead of staying as they are"""
    return np.heaviside(z, 0.0)


@misconception("relu", "What should a negative score become?")
def absolute_value(z):
    """negative scores change their sign instead of becoming 0"""
    return np.abs(z)


@misconception("leaky_relu", "Does the result change when the caller gives another slope?")
def slope_hard_coded(z, slope=0.01):
    """the slope is always 0.01, whatever slope is given"""
    return reference.leaky_relu(z)


@misconception(
    "leaky_relu",
    "Which scores should be multiplied by the slope: the positive or the negative ones?",
)
def slope_on_the_positive_side(z, slope=0.01):
    """positive scores are multiplied by the slope, and negative scores are kept"""
    return np.where(np.asarray(z) > 0, slope * np.asarray(z), z)


@misconception("leaky_relu", "Should all negative scores give the same number?")
def slope_as_the_value(z, slope=0.01):
    """negative scores are replaced by the slope itself, not multiplied by it"""
    return np.where(np.asarray(z) > 0, z, slope)


@misconception("leaky_relu", "What is the slope of your function for positive scores?")
def leak_on_both_sides(z, slope=0.01):
    """the slope times z is added to positive scores too"""
    return np.maximum(z, 0.0) + slope * np.asarray(z)


# -- gelu and swish
# ----------------------------------------------------------------------------------


@misconception("gelu", "It is close, but which form does the contract ask for?")
def gelu_by_tanh(z):
    """this is the tanh approximation of GELU"""
    z = np.asarray(z)
    return z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2


@misconception(
    "gelu",
    "z should be multiplied by the normal distribution function. How far from it is a sigmoid?",
)
def gelu_by_sigmoid(z):
    """this is the sigmoid approximation of GELU"""
    return reference.swish(z, 1.702)


@misconception(
    "gelu", "How is the normal distribution function written with erf? Look at erf's argument."
)
def erf_without_root_two(z):
    """erf is applied to z itself, so the bell curve is too narrow"""
    return reference.gelu(math.sqrt(2) * np.asarray(z)) / math.sqrt(2)


@misconception("gelu", "What should GELU be close to for a large score?")
def gelu_without_the_half(z):
    """the factor 1/2 is missing, so large scores are doubled"""
    return 2 * reference.gelu(z)


@misconception("swish", "Does the result change when the caller gives another beta?")
def beta_ignored(z, beta=1.0):
    """beta is never used"""
    return reference.swish(z)


@misconception("swish", "What should swish be for beta = 0, and what for a very large beta?")
def beta_outside_the_gate(z, beta=1.0):
    """beta multiplies the result instead of the argument of the sigmoid"""
    return beta * reference.swish(z)


@misconception("swish", "What does the formula multiply by the sigmoid?")
def gate_without_its_input(z, beta=1.0):
    """only the sigmoid is returned, not z times the sigmoid"""
    return reference.sigmoid(beta * np.asarray(z))


# -- softmax
# -----------------------------------------------------------------------------------------


@misconception("softmax", "Which axis holds the classes? Each row should add up to 1.")
def softmax_over_the_batch(z):
    """the softmax runs over the batch instead of over the classes"""
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


@misconception(
    "softmax", "What does each row add up to? Over which entries does the denominator sum?"
)
def softmax_over_everything(z):
    """the exponentials are divided by the sum of the whole array, not of their own row"""
    e = np.exp(z - z.max())
    return e / e.sum()


@misconception(
    "softmax", "What is exp of a very large score? Softmax does not change when a row is shifted."
)
def softmax_without_shift(z):
    """exp overflows for large scores, and inf / inf is nan"""
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


@misconception(
    "softmax", "Which maximum do you subtract? Think of a row that is far below the others."
)
def shift_by_the_largest_of_all(z):
    """the maximum of the whole array is subtracted, so a row far below it becomes 0 / 0"""
    e = np.exp(z - z.max())
    return e / e.sum(axis=1, keepdims=True)


@misconception("softmax", "Does the answer stay the same when 100 is added to a whole row?")
def scores_clipped_before_exp(z):
    """the scores are clipped before exp, so all large scores become equal"""
    return reference.softmax(np.clip(z, -50, 50))


@misconception("softmax", "Which number is raised to the power of the scores?")
def softmax_in_base_two(z):
    """powers of 2 are used instead of powers of e"""
    return reference.softmax(math.log(2) * z)


@misconception(
    "softmax", "Can a probability be negative? What happens to the scores before the division?"
)
def softmax_without_exp(z):
    """the scores themselves are divided by their sum"""
    return z / z.sum(axis=1, keepdims=True)


@misconception("softmax", "What should each row add up to?")
def softmax_never_normalised(z):
    """the shifted exponentials are not divided by their sum"""
    return np.exp(z - z.max(axis=1, keepdims=True))


# -- mse
# ---------------------------------------------------------------------------------------------


@misconception("mse", "Some books use a factor 1/2. Does the formula here have it?")
def mse_halved(pred, target):
    """the squared error is halved"""
    return reference.mse(pred, target) / 2


@misconception("mse", "By how many numbers should the sum be divided: the samples, or all entries?")
def mse_summed_over_features(pred, target):
    """the squares are summed over the features and averaged over the batch only"""
    return float(np.sum((pred - target) ** 2) / len(pred))


@misconception("mse", "Should the loss double when there is twice as much data?")
def mse_summed(pred, target):
    """the squares are summed, not averaged"""
    return float(np.sum((pred - target) ** 2))


@misconception("mse", "What is the last step of the formula: a mean, or a root?")
def mse_with_a_root(pred, target):
    """the square root of the mean is taken"""
    return math.sqrt(reference.mse(pred, target))


# -- binary_cross_entropy
# ----------------------------------------------------------------------------


@misconception("binary_cross_entropy", "What is log(1 + exp(z)) close to for a very large z?")
def softplus_overflow(logits, y):
    """exp overflows for large logits"""
    return float(np.mean(np.log(1 + np.exp(logits)) - y * logits))


@misconception(
    "binary_cross_entropy",
    "Can you compute the loss from the logit, without a probability in between?",
)
def log_of_a_saturated_probability(logits, y):
    """the probability rounds to exactly 0 or 1, so its logarithm is wrong"""
    p = reference.sigmoid(logits)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


@misconception(
    "binary_cross_entropy", "How large can this loss get? Can you compute it from the logit itself?"
)
def binary_log_of_a_clipped_probability(logits, y):
    """the probability is clipped before the logarithm, so a confident wrong answer costs too
    little
    """
    p = np.clip(reference.sigmoid(logits), 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


@misconception("binary_cross_entropy", "What does a sample with label 0 cost?")
def forgets_the_zeros(logits, y):
    """only the samples with label 1 are counted"""
    return float(np.mean(y * np.logaddexp(0.0, -logits)))


@misconception(
    "binary_cross_entropy",
    "What happens to a logit of 3, or of -1? Which function turns it into a probability?",
)
def logits_taken_for_probabilities(logits, y):
    """the logits are used as if they were probabilities"""
    p = np.clip(logits, 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


@misconception("binary_cross_entropy", "Should the loss double when there is twice as much data?")
def binary_loss_summed(logits, y):
    """the loss is summed over the batch, not averaged"""
    return reference.binary_cross_entropy(logits, y) * np.size(logits)


# -- cross_entropy
# -----------------------------------------------------------------------------------


@misconception(
    "cross_entropy", "How large can this loss get? Can you take the logarithm before the division?"
)
def log_of_a_clipped_probability(logits, labels):
    """the probability is clipped before the logarithm, so a confident wrong answer costs too
    little
    """
    p = np.clip(reference.softmax(logits), 1e-12, 1.0)
    return float(-np.mean(np.log(p[np.arange(len(labels)), labels])))


@misconception(
    "cross_entropy", "What is exp of a very large logit? Shifting a row does not change its loss."
)
def cross_entropy_without_shift(logits, labels):
    """exp overflows for large logits"""
    log_sum = np.log(np.exp(logits).sum(axis=1))
    return float(np.mean(log_sum - logits[np.arange(len(labels)), labels]))


@misconception(
    "cross_entropy",
    "How many terms does one sample add to the sum? By how many do you divide the sum?",
)
def loss_averaged_over_classes_too(logits, labels):
    """the mean is taken over the classes as well as over the batch"""
    return reference.cross_entropy(logits, labels) / logits.shape[1]


@misconception(
    "cross_entropy", "Is the loss a sum or a mean? Should it double when the batch doubles?"
)
def loss_summed(logits, labels):
    """the loss is summed over the batch, not averaged"""
    return reference.cross_entropy(logits, labels) * len(labels)


@misconception("cross_entropy", "What is a label: a one-hot row, or the number of a class?")
def labels_taken_for_one_hot(logits, labels):
    """the labels are used as if they were one-hot, so class 3 counts three times as much as
    class 1
    """
    return float(-np.mean(np.sum(labels[:, None] * np.log(reference.softmax(logits)), axis=1)))


@misconception(
    "cross_entropy", "How many entries do you take from each row? Print the shape of what you take."
)
def every_label_for_every_row(logits, labels):
    """each row is read at the labels of the whole batch, not at its own label"""
    return float(-np.mean(np.log(reference.softmax(logits))[:, labels]))


@misconception(
    "cross_entropy", "Which logarithm undoes exp? With equal logits, what should the loss be?"
)
def loss_in_bits(logits, labels):
    """the logarithm has base 2"""
    return reference.cross_entropy(logits, labels) / math.log(2)


# -- mlp_forward
# -------------------------------------------------------------------------------------


def _layers(params):
    """W and b of each layer, first to last."""
    return [(params[f"W{i}"], params[f"b{i}"]) for i in range(1, len(params) // 2 + 1)]


@misconception("mlp_forward", "Can this network give a negative score?")
def relu_after_the_last_layer(x, params):
    """the last layer has a ReLU too"""
    return reference.relu(reference.mlp_forward(x, params))


@misconception(
    "mlp_forward", "What comes between two layers? Without it, two layers are the same as one."
)
def no_relu_at_all(x, params):
    """there is no ReLU between the layers, so the network is linear"""
    for W, b in _layers(params):
        x = x @ W + b
    return x


@misconception("mlp_forward", "Which activation does this network have between its layers?")
def sigmoid_between_layers(x, params):
    """there is a sigmoid between the layers instead of a ReLU"""
    *hidden, (W, b) = _layers(params)
    for V, c in hidden:
        x = reference.sigmoid(x @ V + c)
    return x @ W + b


@misconception("mlp_forward", "How many layers does params hold? Try one layer, then three.")
def always_two_layers(x, params):
    """exactly two layers are used, whatever the number of layers in params"""
    return reference.relu(x @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"]


@misconception("mlp_forward", "What does the network give for an input of zeros?")
def biases_left_out_of_the_network(x, params):
    """the biases are never added"""
    return reference.mlp_forward(
        x, {k: v if k.startswith("W") else 0 * v for k, v in params.items()}
    )


@misconception(
    "mlp_forward", "Who applies the softmax: the network, or the loss that uses the scores?"
)
def softmax_at_the_end(x, params):
    """the scores are turned into probabilities"""
    return reference.softmax(reference.mlp_forward(x, params))


# -- perceptron_fit
# ----------------------------------------------------------------------------------


def _perceptron(X, y, max_epochs, update):
    """Rosenblatt's loop with an update(w, b, x, y, wrong) of one's own."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    while len(mistakes) < max_epochs and 0 not in mistakes:
        mistakes.append(0)
        for x_i, y_i in zip(X, y, strict=True):
            wrong = bool(y_i * (w @ x_i + b) <= 0)
            mistakes[-1] += wrong
            w, b = update(w, b, x_i, y_i, wrong)
    return w, b, mistakes


@misconception(
    "perceptron_fit", "What should happen for a sample that is already on the right side?"
)
def updates_on_every_sample(X, y, max_epochs):
    """every sample changes the weights, not only the mistakes"""
    return _perceptron(X, y, max_epochs, lambda w, b, x, y, wrong: (w + y * x, b + y))


@misconception(
    "perceptron_fit", "Can your line move away from the origin? Look at what a mistake changes."
)
def perceptron_bias_not_updated(X, y, max_epochs):
    """the bias stays 0, so the line always goes through the origin"""
    return _perceptron(X, y, max_epochs, lambda w, b, x, y, wrong: (w + wrong * y * x, b))


@misconception(
    "perceptron_fit", "After an update, is the score of that sample closer to its label?"
)
def pushes_the_wrong_way(X, y, max_epochs):
    """the update for a mistake is subtracted instead of added"""
    return _perceptron(
        X, y, max_epochs, lambda w, b, x, y, wrong: (w - wrong * y * x, b - wrong * y)
    )


@misconception(
    "perceptron_fit", "All scores are 0 at the start. Which samples count as mistakes then?"
)
def nothing_is_wrong_at_zero(X, y, max_epochs):
    """a score of 0 counts as right for both labels, so training from zeros never starts"""
    return np.zeros(X.shape[1]), 0.0, [0]


@misconception(
    "perceptron_fit", "If the first sample is a mistake, which weights judge the second sample?"
)
def updates_after_the_epoch(X, y, max_epochs):
    """all samples of an epoch are judged with the same weights, which change once per epoch"""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    while len(mistakes) < max_epochs and 0 not in mistakes:
        wrong = y * (X @ w + b) <= 0
        w, b = w + (wrong * y) @ X, b + float(np.sum(wrong * y))
        mistakes.append(int(wrong.sum()))
    return w, b, mistakes


@misconception("perceptron_fit", "After an epoch without a mistake, what is left to learn?")
def never_stops_early(X, y, max_epochs):
    """training goes on after an epoch without a mistake"""
    w, b, mistakes = reference.perceptron_fit(X, y, max_epochs)
    return w, b, mistakes + [0] * (max_epochs - len(mistakes))


@misconception("perceptron_fit", "Does the count start again with each epoch?")
def mistakes_never_reset(X, y, max_epochs):
    """the mistakes are a running total, so an epoch without a mistake is never noticed"""
    w, b, mistakes = never_stops_early(X, y, max_epochs)
    return w, b, np.cumsum(mistakes).tolist()


@misconception(
    "perceptron_fit", "How do the returned counts show that the last epoch had no mistake?"
)
def clean_epoch_not_recorded(X, y, max_epochs):
    """the loop ends before the 0 of the epoch without a mistake is recorded"""
    w, b, mistakes = reference.perceptron_fit(X, y, max_epochs)
    return w, b, [m for m in mistakes if m > 0]


# -- softmax_regression_fit
# --------------------------------------------------------------------------


def _step(X, labels, W, b, lr, probabilities=reference.softmax):
    """One step of gradient descent, with probabilities of one's own."""
    d = (probabilities(X @ W + b) - np.eye(len(b))[labels]) / len(X)
    return W - lr * X.T @ d, b - lr * d.sum(axis=0)


@misconception(
    "softmax_regression_fit", "Is the loss a sum or a mean over the batch? And its gradient?"
)
def gradient_summed_over_the_batch(X, labels, n_classes, lr, steps):
    """the gradient is summed over the batch, not averaged, so each step is far too long"""
    return reference.softmax_regression_fit(X, labels, n_classes, lr * len(X), steps)


@misconception(
    "softmax_regression_fit",
    "By what do you divide the gradient: the number of samples, or of all scores?",
)
def gradient_averaged_over_classes_too(X, labels, n_classes, lr, steps):
    """the gradient is divided by the number of classes as well, so each step is too short"""
    return reference.softmax_regression_fit(X, labels, n_classes, lr / n_classes, steps)


@misconception("softmax_regression_fit", "Does the loss fall from step to step? Print it.")
def climbs_instead_of_descending(X, labels, n_classes, lr, steps):
    """the step goes up the gradient instead of down"""
    return reference.softmax_regression_fit(X, labels, n_classes, -lr, steps)


@misconception("softmax_regression_fit", "How many times does your loop run? Try one step.")
def one_step_too_few(X, labels, n_classes, lr, steps):
    """the loop runs one step too few"""
    return reference.softmax_regression_fit(X, labels, n_classes, lr, steps - 1)


@misconception(
    "softmax_regression_fit",
    "Which parameters does a step change? Print all of them after one step.",
)
def regression_bias_not_updated(X, labels, n_classes, lr, steps):
    """the bias stays 0"""
    W, b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes)
    for _ in range(steps):
        W, _ = _step(X, labels, W, b, lr)
    return W, b


@misconception(
    "softmax_regression_fit",
    "Which weights do you use for the gradient of b: the old or the new ones?",
)
def bias_from_the_new_weights(X, labels, n_classes, lr, steps):
    """the gradient of b is computed after W has changed"""
    W, b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes)
    for _ in range(steps):
        W, _ = _step(X, labels, W, b, lr)
        _, b = _step(X, labels, W, b, lr)
    return W, b


@misconception(
    "softmax_regression_fit", "Which axis holds the classes? What does each row add up to?"
)
def probabilities_over_the_batch(X, labels, n_classes, lr, steps):
    """the softmax runs over the batch instead of over the classes"""
    W, b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes)
    for _ in range(steps):
        W, b = _step(X, labels, W, b, lr, softmax_over_the_batch)
    return W, b


@misconception("softmax_regression_fit", "What do a sample's probabilities add up to?")
def a_sigmoid_for_each_class(X, labels, n_classes, lr, steps):
    """each class has its own sigmoid, so the probabilities of a sample do not add up to 1"""
    W, b = np.zeros((X.shape[1], n_classes)), np.zeros(n_classes)
    for _ in range(steps):
        W, b = _step(X, labels, W, b, lr, reference.sigmoid)
    return W, b


# Right values, but what was passed in is changed: the caller still needs it.


@misconception(
    "linear_forward",
    "Which array does your last line write into: your own, or one that you were given?",
)
def adds_into_the_bias(x, W, b):
    """b is changed in place, in the caller's own array"""
    y = reference.linear_forward(x, W, b)
    b += 0 * b + 1
    return y


@misconception(
    "sigmoid",
    "Which line writes into z? Operators such as *= do, and so does an index on the left.",
)
def negates_z_in_place(z):
    """z is changed in place, in the caller's own array"""
    s = reference.sigmoid(z)
    z *= -1
    return s


@misconception("relu", "You may set entries to 0 in an array of your own. Whose array is z?")
def zeros_written_into_z(z):
    """z is changed in place, in the caller's own array"""
    positive = reference.relu(z)
    z[z < 0] = 0
    return positive


@misconception(
    "swish", "Which line writes into z? Operators such as *= do, and so does an index on the left."
)
def scales_z_in_place(z, beta=1.0):
    """z is changed in place, in the caller's own array"""
    y = reference.swish(z, beta)
    z *= 2 + beta
    return y


@misconception("softmax", "Subtracting with -= changes the array on its left. Whose array is it?")
def shift_written_into_z(z):
    """z is changed in place, in the caller's own array"""
    p = reference.softmax(z)
    z -= z.max(axis=1, keepdims=True)
    return p


@misconception(
    "cross_entropy", "Subtracting with -= changes the array on its left. Whose array is it?"
)
def shift_written_into_the_logits(logits, labels):
    """the logits are changed in place, in the caller's own array"""
    loss = reference.cross_entropy(logits, labels)
    logits -= logits.max(axis=1, keepdims=True)
    return loss


@misconception(
    "mlp_forward",
    "Adding with += changes the array on its left. Which array is x in the first layer?",
)
def layer_written_into_x(x, params):
    """x is changed in place, in the caller's own array"""
    y = reference.mlp_forward(x, params)
    x += 1
    return y


@misconception(
    "perceptron_fit", "Did you append a 1 to each sample, or change the samples themselves?"
)
def samples_signed_in_place(X, y, max_epochs):
    """X is changed in place, in the caller's own array"""
    result = reference.perceptron_fit(X, y, max_epochs)
    X *= y[:, None]
    return result


@misconception(
    "softmax_regression_fit", "Are the inputs centred or scaled in place? Whose array is X?"
)
def inputs_scaled_in_place(X, labels, n_classes, lr, steps):
    """X is changed in place, in the caller's own array"""
    result = reference.softmax_regression_fit(X, labels, n_classes, lr, steps)
    X -= X.mean(axis=0)
    return result
