"""Misconceptions of 04-regularization: what students really write, what it is called, where to
look.
"""

from itertools import pairwise

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.regularization import reference


def _normalise(x, axis, eps):
    """x with mean 0 and variance 1 along the axis, and the standard deviation that it was divided
    by.
    """
    std = np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)
    return (x - np.mean(x, axis=axis, keepdims=True)) / std, std


def _normalise_backward(d, xhat, std, axis):
    """The gradient through that, for an upstream d on xhat."""
    along = np.mean(d * xhat, axis=axis, keepdims=True)
    return (d - np.mean(d, axis=axis, keepdims=True) - xhat * along) / std


# -- l2_penalty
# --------------------------------------------------------------------------------------


@misconception(
    "l2_penalty", "Differentiate your value by hand for one weight. Is the result your gradient?"
)
def half_missing_in_l2(params, lam):
    """the value has no factor 1/2, so it does not fit its gradient"""
    value, grads = reference.l2_penalty(params, lam)
    return 2 * value, grads


@misconception(
    "l2_penalty",
    "The derivative of a square has a factor 2. What does the factor 1/2 in front do to it?",
)
def l2_gradient_doubled(params, lam):
    """the gradient is 2 lam W, as if the value had no factor 1/2"""
    value, grads = reference.l2_penalty(params, lam)
    return value, {k: 2 * g for k, g in grads.items()}


@misconception("l2_penalty", "Does a weight of 10 cost a hundred times as much as a weight of 1?")
def norm_without_square(params, lam):
    """the value is the norm of the weights, not the square of the norm"""
    value, grads = reference.l2_penalty(params, lam)
    return lam * np.sqrt(2 * value / lam) if lam else 0.0, grads


@misconception(
    "l2_penalty",
    "Which parameters does the contract name? Look at the keys.",
)
def biases_penalised(params, lam):
    """the biases and all other parameters are penalised like weights"""
    value = lam / 2 * sum(np.sum(np.square(w)) for w in params.values())
    return value, {k: lam * w for k, w in params.items()}


@misconception("l2_penalty", "Should the penalty get weaker when the matrix gets larger?")
def mean_of_squares(params, lam):
    """the mean of the squares of each matrix is used, not the sum"""
    weights = {k: w for k, w in params.items() if k.startswith("W")}
    grads = {k: lam * w / w.size if k in weights else np.zeros(w.shape) for k, w in params.items()}
    return lam / 2 * sum(np.mean(np.square(w)) for w in weights.values()), grads


@misconception("l2_penalty", "What should an optimiser find under the key of a bias?")
def gradients_of_weights_only(params, lam):
    """the gradients of the biases are missing; they should be zero"""
    value, grads = reference.l2_penalty(params, lam)
    return value, {k: g for k, g in grads.items() if k.startswith("W")}


@misconception("l2_penalty", "How many weight matrices can a network have?")
def first_matrix_only(params, lam):
    """only W1 is penalised"""
    return reference.l2_penalty({k: w if k == "W1" else 0 * w for k, w in params.items()}, lam)


# -- l1_penalty
# --------------------------------------------------------------------------------------


@misconception("l1_penalty", "What is the slope of |w|? Draw it. Does it depend on the size of w?")
def absolute_value_for_sign(params, lam):
    """the gradient is lam |w|, not lam times the sign of w"""
    value, grads = reference.l1_penalty(params, lam)
    return value, {
        k: np.abs(g) if not k.startswith("W") else lam * np.abs(params[k]) for k, g in grads.items()
    }


@misconception(
    "l1_penalty", "The absolute value has no square. Where does your factor 1/2 come from?"
)
def l1_halved(params, lam):
    """the value and the gradient are halved, as in L2"""
    return reference.l1_penalty(params, lam / 2)


@misconception("l1_penalty", "Should a weight of -3 raise or lower the penalty?")
def sum_without_absolute_value(params, lam):
    """the weights are added with their signs"""
    value = lam * sum(np.sum(w) for k, w in params.items() if k.startswith("W"))
    return value, reference.l1_penalty(params, lam)[1]


@misconception("l1_penalty", "Which parameters does the contract name? Look at the keys.")
def biases_penalised_by_l1(params, lam):
    """the biases and all other parameters are penalised like weights"""
    value = lam * sum(np.sum(np.abs(w)) for w in params.values())
    return value, {k: lam * np.sign(w) for k, w in params.items()}


@misconception(
    "l1_penalty", "In which direction should a step against the gradient move a negative weight?"
)
def always_pushes_down(params, lam):
    """the gradient is lam for every weight, even for negative weights"""
    value, grads = reference.l1_penalty(params, lam)
    return value, {k: np.abs(g) for k, g in grads.items()}


# -- dropout
# -----------------------------------------------------------------------------------------


def _mask(x, p, rng):
    return (rng.random(np.shape(x)) >= p).astype(float)


@misconception("dropout_forward", "What is the mean of y over many draws, and what should it be?")
def never_scaled(x, p, rng, training=True):
    """kept entries are not scaled up, so y is too small on average in training"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = _mask(x, p, rng)
    return x * mask, mask


@misconception(
    "dropout_forward",
    "p is the probability to drop. For p = 0.2, which share of the mask is 1?",
)
def p_kept_instead_of_dropped(x, p, rng, training=True):
    """p is used as the probability to keep an entry"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = (rng.random(np.shape(x)) < p).astype(float)
    return (x * mask / p if p else 0 * x), mask


@misconception(
    "dropout_forward", "By which probability is a kept entry divided: to be dropped, or to be kept?"
)
def divided_by_p(x, p, rng, training=True):
    """kept entries are divided by p, not by 1 - p"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = _mask(x, p, rng)
    return x * mask / p if p else x, mask


@misconception(
    "dropout_forward", "Should each sample lose the same features? What is the shape of the mask?"
)
def mask_shared_over_the_batch(x, p, rng, training=True):
    """one mask is drawn for a sample and used for the whole batch"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = np.ones(np.shape(x)) * _mask(np.asarray(x)[:1], p, rng)
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    "Do you draw a number for each entry or for each sample? What is the shape of the mask?",
)
def whole_samples_dropped(x, p, rng, training=True):
    """one number is drawn for each sample, so whole samples are dropped"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = np.ones(np.shape(x)) * (rng.random((len(x),) + (1,) * (np.ndim(x) - 1)) >= p)
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward",
    "What does the factor 1 / (1 - p) correct? Is anything missing outside training?",
)
def scaled_at_test_too(x, p, rng, training=True):
    """outside training y is multiplied by 1 - p, but training has already scaled it"""
    y, mask = reference.dropout_forward(x, p, rng, training)
    return (y if training else y * (1 - p)), mask


@misconception(
    "dropout_forward",
    "Outside training, should two calls with the same input give the same output?",
)
def dropped_at_test_too(x, p, rng, training=True):
    """entries are dropped outside training too"""
    return reference.dropout_forward(x, p, rng, True)


@misconception("dropout_forward", "Which values may the mask have? Read the contract again.")
def mask_holds_the_scale(x, p, rng, training=True):
    """the returned mask holds 1 / (1 - p) instead of 1"""
    y, mask = reference.dropout_forward(x, p, rng, training)
    return y, mask / (1 - p) if training else mask


@misconception("dropout_forward", "From which distribution is a number below p with probability p?")
def normal_for_uniform(x, p, rng, training=True):
    """normal random numbers are compared with p, so the wrong share of entries is dropped"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = (rng.normal(size=np.shape(x)) >= p).astype(float)
    return x * mask / (1 - p), mask


@misconception(
    "dropout_forward", "Toss 12 coins twice. Do you always get the same number of heads?"
)
def exactly_so_many_dropped(x, p, rng, training=True):
    """the number of dropped entries is always the same: they are not drawn independently"""
    if not training:
        return x, np.ones(np.shape(x))
    mask = np.ones(np.size(x))
    mask[rng.permutation(mask.size)[: round(p * mask.size)]] = 0
    mask = mask.reshape(np.shape(x))
    return x * mask / (1 - p), mask


@misconception("dropout_forward", "The caller gives you a generator. Which generator do you use?")
def generator_of_its_own(x, p, rng, training=True):
    """the mask comes from a generator made inside the function, so every call gives the same
    mask
    """
    return reference.dropout_forward(x, p, np.random.default_rng(0), training)


@misconception("dropout_forward", "Which entries have a 1 in the mask: kept ones or dropped ones?")
def mask_marks_the_dropped(x, p, rng, training=True):
    """the returned mask is 1 where the entry is dropped"""
    y, mask = reference.dropout_forward(x, p, rng, training)
    return y, 1 - mask


@misconception(
    "dropout_backward",
    "By what is x multiplied in the forward? What is the derivative of that?",
)
def backward_without_scale(dy, mask, p):
    """the gradient is masked, but the scale of the forward is missing"""
    return dy * mask


@misconception("dropout_backward", "Does a dropped entry have any influence on y?")
def backward_without_mask(dy, mask, p):
    """the gradient also flows through dropped entries"""
    return dy / (1 - p)


@misconception(
    "dropout_backward",
    "The forward divides by 1 - p. What does the chain rule do with that factor?",
)
def backward_scaled_the_other_way(dy, mask, p):
    """the gradient is multiplied by 1 - p instead of divided by it"""
    return dy * mask * (1 - p)


@misconception("dropout_backward", "Does a 1 in the mask mean kept or dropped?")
def backward_through_the_dropped(dy, mask, p):
    """the gradient flows through the dropped entries instead of the kept ones"""
    return dy * (1 - mask) / (1 - p)


# -- batchnorm
# ---------------------------------------------------------------------------------------


def _apply(x, gamma, beta, mean, var, eps):
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@misconception("batchnorm_forward", "In training, which mean and variance normalise a batch?")
def running_statistics_in_training(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """in training too, the batch is normalised with the running statistics"""
    _, mean, var = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    return _apply(x, gamma, beta, running_mean, running_var, eps), mean, var


@misconception(
    "batchnorm_forward",
    "Outside training, which statistics should normalise a batch of one sample?",
)
def batch_statistics_in_evaluation(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """the statistics of the batch are used outside training too"""
    y = reference.batchnorm_forward(x, gamma, beta, running_mean, running_var, True, momentum, eps)
    return y if training else (y[0], running_mean, running_var)


@misconception(
    "batchnorm_forward",
    "With momentum 0, should the running mean stay the same, or become the mean of the batch?",
)
def momentum_the_other_way(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """momentum is used as the weight of the old statistics, not of the new batch"""
    return reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, 1 - momentum, eps
    )


@misconception(
    "batchnorm_forward",
    "The text has two variances. Which one is used for the running statistics?",
)
def biased_running_variance(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """the running variance uses the biased variance, divided by N"""
    y, mean, var = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    return y, mean, (1 - momentum) * running_var + momentum * np.var(x, axis=0) if training else var


@misconception(
    "batchnorm_forward",
    "The text has two variances. Which one normalises the batch?",
)
def unbiased_for_normalising(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """the batch is normalised with the unbiased variance, divided by N - 1"""
    result = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    if not training:
        return result
    return _apply(x, gamma, beta, np.mean(x, axis=0), np.var(x, axis=0, ddof=1), eps), *result[1:]


@misconception(
    "batchnorm_forward",
    "Where is eps in the formula: under the root, or outside it?",
)
def batchnorm_eps_outside_the_root(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """eps is added to the standard deviation, outside the root"""
    result = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    mean, var = (np.mean(x, axis=0), np.var(x, axis=0)) if training else (running_mean, running_var)
    return gamma * (x - mean) / (np.sqrt(var) + eps) + beta, *result[1:]


@misconception(
    "batchnorm_forward",
    "Which axis holds the samples? Does a mean belong to a feature or to a sample?",
)
def batchnorm_over_the_features(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """each sample is normalised over its features"""
    result = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    return (reference.layernorm_forward(x, gamma, beta, eps) if training else result[0]), *result[
        1:
    ]


@misconception(
    "batchnorm_forward",
    "What do you divide by: the variance, or its root? What is the variance of your y?",
)
def divided_by_the_variance(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """the batch is divided by the variance, not by the standard deviation"""
    result = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )
    mean, var = (np.mean(x, axis=0), np.var(x, axis=0)) if training else (running_mean, running_var)
    return gamma * (x - mean) / (var + eps) + beta, *result[1:]


@misconception("batchnorm_forward", "What may an evaluation change?")
def evaluation_moves_the_statistics(
    x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5
):
    """the running statistics change outside training too"""
    y = reference.batchnorm_forward(
        x, gamma, beta, running_mean, running_var, training, momentum, eps
    )[0]
    if training or len(x) > 1:
        _, running_mean, running_var = reference.batchnorm_forward(
            x, gamma, beta, running_mean, running_var, True, momentum, eps
        )
    return y, running_mean, running_var


@misconception(
    "batchnorm_backward",
    "Does the mean of the batch depend on x? How many paths lead from x to y?",
)
def mean_taken_for_a_constant(dy, x, gamma, eps=1e-5):
    """the gradient ignores that the mean depends on x"""
    xhat, std = _normalise(x, 0, eps)
    dx = gamma * (dy - xhat * np.mean(dy * xhat, axis=0)) / std
    return dx, *reference.batchnorm_backward(dy, x, gamma, eps)[1:]


@misconception(
    "batchnorm_backward",
    "Does the variance of the batch depend on x? How many paths lead from x to y?",
)
def variance_taken_for_a_constant(dy, x, gamma, eps=1e-5):
    """the gradient ignores that the variance depends on x"""
    _, std = _normalise(x, 0, eps)
    return gamma * (dy - np.mean(dy, axis=0)) / std, *reference.batchnorm_backward(
        dy, x, gamma, eps
    )[1:]


@misconception(
    "batchnorm_backward",
    "The mean and the variance both depend on x. How does this change the simple formula?",
)
def statistics_taken_for_constants(dy, x, gamma, eps=1e-5):
    """the gradient is gamma dy / std, as if the mean and the variance were constants"""
    _, std = _normalise(x, 0, eps)
    return gamma * dy / std, *reference.batchnorm_backward(dy, x, gamma, eps)[1:]


@misconception(
    "batchnorm_backward", "After x is normalised, what else happens to it before it is y?"
)
def gamma_missing_in_dx(dy, x, gamma, eps=1e-5):
    """dL/dx has no factor gamma"""
    dx, dgamma, dbeta = reference.batchnorm_backward(dy, x, gamma, eps)
    return dx / gamma, dgamma, dbeta


@misconception("batchnorm_backward", "Which array does the forward multiply by gamma?")
def dgamma_from_raw_x(dy, x, gamma, eps=1e-5):
    """dL/dgamma uses x itself, not the normalised x"""
    dx, _, dbeta = reference.batchnorm_backward(dy, x, gamma, eps)
    return dx, np.sum(dy * x, axis=0), dbeta


@misconception(
    "batchnorm_backward", "Is the loss already averaged? Which gradients are sums over the batch?"
)
def parameter_gradients_averaged(dy, x, gamma, eps=1e-5):
    """dL/dgamma and dL/dbeta are means over the batch instead of sums"""
    dx, dgamma, dbeta = reference.batchnorm_backward(dy, x, gamma, eps)
    return dx, dgamma / len(x), dbeta / len(x)


@misconception(
    "batchnorm_backward",
    "Which factor is in front of the whole bracket?",
)
def dx_without_division_by_std(dy, x, gamma, eps=1e-5):
    """dL/dx is not divided by the standard deviation"""
    dx, dgamma, dbeta = reference.batchnorm_backward(dy, x, gamma, eps)
    return dx * np.sqrt(np.var(x, axis=0) + eps), dgamma, dbeta


# -- layernorm
# ---------------------------------------------------------------------------------------


@misconception(
    "layernorm_forward", "Should the result of a sample depend on the other samples in the batch?"
)
def layernorm_over_the_batch(x, gamma, beta, eps=1e-5):
    """each feature is normalised over the batch: this is batch normalisation"""
    return gamma * _normalise(x, 0, eps)[0] + beta


@misconception("layernorm_forward", "If x has three axes, over how many of them is one mean taken?")
def layernorm_over_all_but_the_first(x, gamma, beta, eps=1e-5):
    """for inputs with more axes, the mean is taken over all axes but the first"""
    axes = tuple(range(1, np.ndim(x))) or -1
    return gamma * _normalise(x, axes, eps)[0] + beta


@misconception(
    "layernorm_forward",
    "Where is eps in the formula: under the root, or outside it?",
)
def layernorm_eps_outside_the_root(x, gamma, beta, eps=1e-5):
    """eps is added to the standard deviation, outside the root"""
    std = np.std(x, axis=-1, keepdims=True)
    return gamma * (x - np.mean(x, axis=-1, keepdims=True)) / (std + eps) + beta


@misconception("layernorm_forward", "By what do you divide the sum of squares: D, or D - 1?")
def layernorm_with_unbiased_variance(x, gamma, beta, eps=1e-5):
    """the variance is divided by D - 1"""
    var = np.var(x, axis=-1, keepdims=True, ddof=1)
    return gamma * (x - np.mean(x, axis=-1, keepdims=True)) / np.sqrt(var + eps) + beta


@misconception(
    "layernorm_forward", "What should the mean of each normalised sample be, before gamma and beta?"
)
def layernorm_without_the_mean(x, gamma, beta, eps=1e-5):
    """the mean is never subtracted"""
    return gamma * x / np.sqrt(np.var(x, axis=-1, keepdims=True) + eps) + beta


@misconception(
    "layernorm_backward",
    "Is gamma inside or outside the means in the formula? Does that make a difference here?",
)
def gamma_outside_the_means(dy, x, gamma, eps=1e-5):
    """gamma is multiplied in at the end, but here it differs along the axis of the means"""
    xhat, std = _normalise(x, -1, eps)
    dx = gamma * _normalise_backward(dy, xhat, std, -1)
    return dx, *reference.layernorm_backward(dy, x, gamma, eps)[1:]


@misconception(
    "layernorm_backward",
    "The mean and the variance both depend on x. How does this change the simple formula?",
)
def layernorm_statistics_taken_for_constants(dy, x, gamma, eps=1e-5):
    """the gradient is gamma dy / std, as if the mean and the variance were constants"""
    _, std = _normalise(x, -1, eps)
    return gamma * dy / std, *reference.layernorm_backward(dy, x, gamma, eps)[1:]


@misconception(
    "layernorm_backward",
    "Does the variance of a sample depend on x? How many paths lead from x to y?",
)
def layernorm_variance_taken_for_a_constant(dy, x, gamma, eps=1e-5):
    """the gradient ignores that the variance depends on x"""
    _, std = _normalise(x, -1, eps)
    d = gamma * dy
    dx = (d - np.mean(d, axis=-1, keepdims=True)) / std
    return dx, *reference.layernorm_backward(dy, x, gamma, eps)[1:]


@misconception(
    "layernorm_backward",
    "Along which axes is the same gamma used? Print the shape of your dgamma.",
)
def parameter_gradients_over_the_first_axis_only(dy, x, gamma, eps=1e-5):
    """dL/dgamma and dL/dbeta are summed over the first axis only"""
    xhat, _ = _normalise(x, -1, eps)
    dx = reference.layernorm_backward(dy, x, gamma, eps)[0]
    return dx, np.atleast_2d(dy * xhat).sum(axis=0), np.atleast_2d(dy).sum(axis=0)


@misconception("layernorm_backward", "Over which axis does the forward take its means?")
def layernorm_backward_over_the_batch(dy, x, gamma, eps=1e-5):
    """the means in the gradient are taken over the batch, as in batch normalisation"""
    xhat, std = _normalise(x, -1, eps)
    dx = _normalise_backward(gamma * dy, xhat, std, 0)
    return dx, *reference.layernorm_backward(dy, x, gamma, eps)[1:]


# -- smooth_labels and soft_cross_entropy
# ------------------------------------------------------------


@misconception(
    "smooth_labels",
    "Among how many classes is eps split? Does the right class get a part of it?",
)
def smoothed_over_the_other_classes(labels, n_classes, eps):
    """eps is split among the other C - 1 classes, so the right class gets no part of it"""
    one_hot = np.eye(n_classes)[labels]
    return (1 - eps) * one_hot + (1 - one_hot) * eps / (n_classes - 1)


@misconception("smooth_labels", "What should the targets of a sample add up to?")
def one_hot_not_scaled_down(labels, n_classes, eps):
    """eps / C is added, but the right class is not reduced"""
    return np.eye(n_classes)[labels] + eps / n_classes


@misconception("smooth_labels", "What should the targets of a sample add up to?")
def eps_given_to_every_class(labels, n_classes, eps):
    """every class gets the whole of eps"""
    return (1 - eps) * np.eye(n_classes)[labels] + eps


@misconception("smooth_labels", "How many classes are there if the largest label does not occur?")
def classes_counted_from_the_labels(labels, n_classes, eps):
    """the number of classes is counted in the labels that occur"""
    return reference.smooth_labels(labels, int(np.max(labels)) + 1, eps)


@misconception("smooth_labels", "What does eps = 0 mean: hard labels, or no labels at all?")
def eps_kept_instead_of_spread(labels, n_classes, eps):
    """eps is the share that stays with the label, not the share that is spread"""
    return reference.smooth_labels(labels, n_classes, 1 - eps)


@misconception(
    "soft_cross_entropy",
    "How many terms does one sample add to the sum? By how many do you divide the sum?",
)
def averaged_over_classes_too(logits, targets):
    """the mean is taken over the classes as well as over the batch"""
    loss, d = reference.soft_cross_entropy(logits, targets)
    return loss / logits.shape[1], d / logits.shape[1]


@misconception(
    "soft_cross_entropy", "The loss is a mean over the samples. What does that do to its gradient?"
)
def gradient_not_averaged(logits, targets):
    """dlogits is not divided by the number of samples, but the loss is"""
    loss, d = reference.soft_cross_entropy(logits, targets)
    return loss, d * len(logits)


@misconception(
    "soft_cross_entropy",
    "In which direction does the loss rise? Is it prediction minus target, or the reverse?",
)
def gradient_with_the_wrong_sign(logits, targets):
    """dlogits has the wrong sign: it is target minus prediction"""
    loss, d = reference.soft_cross_entropy(logits, targets)
    return loss, -d


@misconception(
    "soft_cross_entropy",
    "If a target has two classes, how much of it does your loss use?",
)
def largest_target_taken_for_the_label(logits, targets):
    """only the class with the largest target counts, as if the targets were one-hot"""
    return reference.soft_cross_entropy(logits, np.eye(targets.shape[1])[targets.argmax(axis=1)])


@misconception(
    "soft_cross_entropy",
    "What is exp of a very large score? Shifting a row does not change its loss.",
)
def soft_loss_without_shift(logits, targets):
    """exp overflows for large scores"""
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(targets * np.log(p)) / len(p), (p - targets) / len(p)


@misconception(
    "soft_cross_entropy",
    "How large can this loss get? Can you take the logarithm before the division?",
)
def soft_loss_of_a_clipped_probability(logits, targets):
    """the probability is clipped before the logarithm, so a confident wrong answer costs too
    little
    """
    p = np.exp(reference._log_softmax(logits))
    return -np.sum(targets * np.log(p + 1e-12)) / len(p), (p - targets) / len(p)


# -- early_stopping
# ----------------------------------------------------------------------------------


@misconception(
    "early_stopping",
    "Count on paper the epochs since the best one. When have there been `patience` of them?",
)
def one_epoch_too_patient(val_losses, patience):
    """training stops one epoch too late"""
    return reference.early_stopping(val_losses, patience + 1)


@misconception(
    "early_stopping",
    "Count on paper the epochs since the best one. When have there been `patience` of them?",
)
def one_epoch_too_impatient(val_losses, patience):
    """training stops one epoch too early"""
    return reference.early_stopping(val_losses, max(patience - 1, 0))


@misconception("early_stopping", "At the moment when training stops, are the later losses known?")
def best_of_the_whole_curve(val_losses, patience):
    """the best epoch is searched in the whole curve, even after the stop"""
    return int(np.argmin(val_losses)), reference.early_stopping(val_losses, patience)[1]


@misconception("early_stopping", "Is a loss equal to the best one an improvement?")
def equal_counts_as_better(val_losses, patience):
    """an equal loss counts as a new best"""
    best = 0
    for epoch, loss in enumerate(val_losses):
        if loss <= val_losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return best, epoch


@misconception(
    "early_stopping",
    "Which loss do you compare with: the loss of the epoch before, or the best so far?",
)
def compared_with_the_epoch_before(val_losses, patience):
    """an epoch counts as better if it is better than the epoch before, not than the best so far"""
    best, worse = 0, 0
    for epoch in range(1, len(val_losses)):
        worse = 0 if val_losses[epoch] < val_losses[epoch - 1] else worse + 1
        best = epoch if val_losses[epoch] < val_losses[best] else best
        if worse == patience:
            return best, epoch
    return best, len(val_losses) - 1


@misconception(
    "early_stopping", "After a new best epoch, does the count of `patience` start again?"
)
def patience_never_renewed(val_losses, patience):
    """all epochs without improvement are counted, not only those since the last best epoch"""
    best, worse = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best]:
            best = epoch
        else:
            worse += 1
        if worse == patience:
            return best, epoch
    return best, len(val_losses) - 1


@misconception("early_stopping", "What is the number of the first epoch?")
def epochs_counted_from_one(val_losses, patience):
    """the epochs are counted from 1"""
    best, stop = reference.early_stopping(val_losses, patience)
    return best + 1, stop + 1


@misconception("early_stopping", "Which of the two epochs comes first in the contract?")
def two_numbers_exchanged(val_losses, patience):
    """the two epochs are returned in the wrong order"""
    return reference.early_stopping(val_losses, patience)[::-1]


# -- random_shift
# ------------------------------------------------------------------------------------


def _shifted(images, steps, move=None):
    """Each image of the batch moved by its (dy, dx), zeros coming in, unless it is moved in a way
    of its own.
    """

    def zeros_in(image, dy, dx):
        m = max(abs(dy), abs(dx))
        height, width = image.shape[-2:]
        padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(m, m), (m, m)])
        return padded[..., m - dy : m - dy + height, m - dx : m - dx + width]

    return np.stack(
        [(move or zeros_in)(image, int(dy), int(dx)) for image, (dy, dx) in zip(images, steps)]
    )


def _steps(images, m, rng):
    return rng.integers(-m, m + 1, size=(len(images), 2))


@misconception(
    "random_shift", "What happens to pixels that leave on one side? Look at the opposite side."
)
def roll_instead_of_shift(images, max_shift, rng):
    """pixels that leave on one side come in again on the other side"""
    roll = lambda image, dy, dx: np.roll(image, (dy, dx), axis=(-2, -1))  # noqa: E731
    return _shifted(images, _steps(images, max_shift, rng), roll)


@misconception("random_shift", "How often do you draw the two numbers: once, or for each image?")
def one_shift_for_the_batch(images, max_shift, rng):
    """all images of the batch have the same shift"""
    return _shifted(images, np.tile(_steps(images[:1], max_shift, rng), (len(images), 1)))


@misconception("random_shift", "Print many draws. Is the largest shift among them?")
def largest_step_left_out(images, max_shift, rng):
    """the shift +max_shift never occurs: the upper end of the range is left out"""
    if max_shift == 0:
        return images
    return _shifted(images, rng.integers(-max_shift, max_shift, size=(len(images), 2)))


@misconception("random_shift", "How many numbers does one image need?")
def same_step_both_ways(images, max_shift, rng):
    """one number is used for both directions, so images move only along the diagonal"""
    return _shifted(
        images, np.repeat(rng.integers(-max_shift, max_shift + 1, size=(len(images), 1)), 2, axis=1)
    )


@misconception("random_shift", "In which directions can an image move?")
def only_down_and_right(images, max_shift, rng):
    """images move only down and to the right"""
    return _shifted(images, rng.integers(0, max_shift + 1, size=(len(images), 2)))


@misconception("random_shift", "Print many draws. Are some shifts more frequent than others?")
def rounded_uniform_numbers(images, max_shift, rng):
    """real numbers are rounded, so the smallest and the largest shift occur half as often"""
    return _shifted(images, np.rint(rng.uniform(-max_shift, max_shift, size=(len(images), 2))))


@misconception("random_shift", "Which values fill the gap: zeros, or a copy of the edge?")
def edge_repeated(images, max_shift, rng):
    """the gap is filled with a copy of the edge instead of zeros"""

    def repeat(image, dy, dx):
        m, (height, width) = max(abs(dy), abs(dx)), image.shape[-2:]
        padded = np.pad(image, [(0, 0)] * (image.ndim - 2) + [(m, m), (m, m)], mode="edge")
        return padded[..., m - dy : m - dy + height, m - dx : m - dx + width]

    return _shifted(images, _steps(images, max_shift, rng), repeat)


@misconception("random_shift", "Which two axes of (N, C, H, W) are the directions of the image?")
def channels_taken_for_rows(images, max_shift, rng):
    """for images with channels, the shift moves the channels and the rows"""

    def shift(image, dy, dx):
        swapped = np.moveaxis(image, -1, 0) if image.ndim == 3 else image  # (W, C, H)
        moved = _shifted(swapped[None], [(dy, dx)])[0]
        return np.moveaxis(moved, 0, -1) if image.ndim == 3 else moved

    return _shifted(images, _steps(images, max_shift, rng), shift)


# -- activation_variances
# ----------------------------------------------------------------------------


def _flow(depth, width, scheme, activation, rng, std=None, f=None, measure=np.var):
    """The reference's loop with another width of the weights, another activation, another
    measure.
    """
    std = (
        std
        or {"small": 0.01, "xavier": width**-0.5, "he": (2 / width) ** 0.5, "large": 1.0}[scheme]
    )
    known = {
        "relu": reference._relu,
        "tanh": np.tanh,
        "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
    }
    f = f or known.get(activation, np.asarray)
    h, found = rng.normal(size=(256, width)), []
    for _ in range(depth):
        z = h @ rng.normal(scale=std, size=(width, width))
        h = f(z)
        found.append(measure(h))
    return np.array(found)


@misconception(
    "activation_variances", "Which scheme was made for ReLU, and why does it have a factor 2?"
)
def xavier_and_he_swapped(depth, width, scheme, activation, rng):
    """the schemes of Xavier and He are swapped"""
    return reference.activation_variances(
        depth, width, {"xavier": "he", "he": "xavier"}.get(scheme, scheme), activation, rng
    )


@misconception(
    "activation_variances", "Which does a normal generator expect: the variance, or its root?"
)
def variance_taken_for_the_deviation(depth, width, scheme, activation, rng):
    """1 / width and 2 / width are used as the standard deviation, but they are the variance"""
    std = {"small": 0.01, "xavier": 1 / width, "he": 2 / width, "large": 1.0}[scheme]
    return _flow(depth, width, scheme, activation, rng, std)


@misconception(
    "activation_variances", "Where is the variance measured: before or after the activation?"
)
def measured_before_the_activation(depth, width, scheme, activation, rng):
    """the variance is measured before the activation"""
    std = {"small": 0.01, "xavier": width**-0.5, "he": (2 / width) ** 0.5, "large": 1.0}[scheme]
    known = {
        "relu": reference._relu,
        "tanh": np.tanh,
        "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
    }
    h, found = rng.normal(size=(256, width)), []
    for _ in range(depth):
        z = h @ rng.normal(scale=std, size=(width, width))
        found.append(np.var(z))
        h = known.get(activation, np.asarray)(z)
    return np.array(found)


@misconception(
    "activation_variances", "What is the variance of a constant array? And the mean of its squares?"
)
def mean_square_for_the_variance(depth, width, scheme, activation, rng):
    """the mean of the squares is returned: the mean is not subtracted"""
    return _flow(depth, width, scheme, activation, rng, measure=lambda h: np.mean(np.square(h)))


@misconception("activation_variances", "Is the value that you return a variance, or its root?")
def deviation_for_the_variance(depth, width, scheme, activation, rng):
    """the standard deviation is returned"""
    return np.sqrt(reference.activation_variances(depth, width, scheme, activation, rng))


@misconception(
    "activation_variances",
    "Which variance belongs to the first layer: the variance of its inputs, or of its outputs?",
)
def inputs_counted_as_a_layer(depth, width, scheme, activation, rng):
    """the first entry is the variance of the inputs, and the variance of the last layer is
    missing
    """
    return np.append(1.0, reference.activation_variances(depth, width, scheme, activation, rng))[
        :depth
    ]


# -- train_regularized and predict_proba
# -------------------------------------------------------------


def _train(X, labels, n_classes, rng, epochs, p=0.5, lam=0.002, spread=2.0):
    """The reference's training with other settings, and without its regularisation where they are
    0.
    """
    sizes, targets = [X.shape[1], 128, 96, n_classes], np.eye(n_classes)[labels]
    params = {
        f"W{i}": rng.normal(scale=(spread / m) ** 0.5, size=(m, n))
        for i, (m, n) in enumerate(pairwise(sizes), 1)
    }
    params |= {f"b{i}": np.zeros(n) for i, n in enumerate(sizes[1:], 1)}
    velocity = {k: np.zeros(w.shape) for k, w in params.items()}
    for _ in range(epochs):
        for rows in np.split(rng.permutation(len(X)), range(50, len(X), 50)):
            grads = reference._gradients(params, X[rows], targets[rows], p, lam, rng)
            velocity = {k: 0.9 * v + grads[k] for k, v in velocity.items()}
            params = {k: w - 0.02 * velocity[k] for k, w in params.items()}
    return params


@misconception(
    "train_regularized",
    "What does your training do that a plain network does not? Is it in the gradient?",
)
def nothing_regularised(X, labels, n_classes, rng, epochs):
    """the network is trained without any regularisation"""
    return _train(X, labels, n_classes, rng, epochs, p=0.0, lam=0.0)


@misconception(
    "train_regularized",
    "Compare the gradient of the penalty with the gradient of the data. Print both norms.",
)
def penalty_far_too_strong(X, labels, n_classes, rng, epochs):
    """the penalty is so strong that the weights go to zero"""
    return _train(X, labels, n_classes, rng, epochs, p=0.0, lam=0.15)


@misconception("train_regularized", "Count the passes over the data. Where do you use `epochs`?")
def a_single_epoch(X, labels, n_classes, rng, epochs):
    """training goes through the data once, whatever epochs says"""
    return _train(X, labels, n_classes, rng, 1)


@misconception(
    "train_regularized",
    "Print your hidden layer after one epoch. Do its units differ?",
)
def weights_begin_at_zero(X, labels, n_classes, rng, epochs):
    """all weights start at zero, so only the last bias learns"""
    return _train(X, labels, n_classes, rng, epochs, spread=0.0)


@misconception("predict_proba", "Predict the same image twice. Is prediction a part of training?")
def dropout_when_predicting(params, X):
    """hidden units are dropped when predicting too"""
    rng, h = np.random.default_rng(), X
    for i in (1, 2):
        h, _ = reference.dropout_forward(
            reference._relu(h @ params[f"W{i}"] + params[f"b{i}"]), 0.5, rng
        )
    return np.exp(reference._log_softmax(h @ params["W3"] + params["b3"]))


@misconception("predict_proba", "What should each row add up to?")
def scores_for_probabilities(params, X):
    """the scores of the last layer are returned, not probabilities"""
    h1 = reference._relu(X @ params["W1"] + params["b1"])
    return reference._relu(h1 @ params["W2"] + params["b2"]) @ params["W3"] + params["b3"]


@misconception(
    "predict_proba",
    "Inverted dropout scales in training. Is anything left to correct when predicting?",
)
def halved_when_predicting(params, X):
    """predict_proba multiplies the hidden layers by 1 - p, but training has already scaled them"""
    h1 = reference._relu(X @ params["W1"] + params["b1"]) / 2
    h2 = reference._relu(h1 @ params["W2"] + params["b2"]) / 2
    return np.exp(reference._log_softmax(h2 @ params["W3"] + params["b3"]))


@misconception("predict_proba", "Which axis holds the classes? What does each row add up to?")
def probabilities_over_the_samples(params, X):
    """the softmax runs over the batch instead of over the classes"""
    h1 = reference._relu(X @ params["W1"] + params["b1"])
    h2 = reference._relu(h1 @ params["W2"] + params["b2"])
    return np.exp(reference._log_softmax((h2 @ params["W3"] + params["b3"]).T)).T


@misconception(
    "predict_proba", "Should the result of a sample depend on the other samples in the batch?"
)
def batch_mean_taken_off(params, X):
    """predict_proba subtracts the mean of the batch, so samples depend on each other"""
    return reference.predict_proba(params, X - np.mean(X, axis=0))
