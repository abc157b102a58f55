"""Misconceptions of 08-ddpm: what students really write, what it is called, where to look."""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.ddpm import reference


def _of_each(values, t, x):
    """values[t] (N,), with axes of length 1 behind it, as x (N, ...) has."""
    return np.asarray(values)[t].reshape(-1, *[1] * (np.ndim(x) - 1))


# -- schedules
# ---------------------------------------------------------------------------------------


@misconception(
    "linear_betas", "Which beta should be first, and which last? Count the gaps between T numbers."
)
def linear_without_its_end(T, start=1e-4, end=0.02):
    """the last beta is one step before the end value"""
    return start + (end - start) * np.arange(T) / T


@misconception(
    "linear_betas", "Does the result change when the caller gives another start and end?"
)
def linear_bounds_ignored(T, start=1e-4, end=0.02):
    """start and end are never used: the betas always go from 0.0001 to 0.02"""
    return np.linspace(1e-4, 0.02, T)


@misconception("linear_betas", "Which should be equally spaced: the variances, or their roots?")
def linear_in_the_deviation(T, start=1e-4, end=0.02):
    """the square roots of the betas are equally spaced, not the betas"""
    return np.linspace(math.sqrt(start), math.sqrt(end), T) ** 2


def _cosine(u, T, s):
    return np.cos((np.asarray(u) / T + s) / (1 + s) * math.pi / 2) ** 2


@misconception(
    "cosine_alpha_bars",
    "What should alpha_bar be before the first step, when nothing is lost yet?",
)
def cosine_not_normalised(T, s=0.008):
    """the cosine is not divided by its value at 0, so the alpha_bars do not start from 1"""
    return _cosine(np.arange(1, T + 1), T, s)


@misconception(
    "cosine_alpha_bars", "How many steps of noise does x_t have at t = 0? And at t = T - 1?"
)
def cosine_one_step_early(T, s=0.008):
    """f is computed at t instead of t + 1, so the first step adds no noise"""
    return _cosine(np.arange(T), T, s) / _cosine(0, T, s)


@misconception("cosine_alpha_bars", "Which power of the cosine is in the formula?")
def cosine_without_square(T, s=0.008):
    """the cosine is not squared"""
    return np.sqrt(reference.cosine_alpha_bars(T, s))


@misconception(
    "cosine_alpha_bars",
    "Should the last alpha_bar be 0? Which of your lines is not in the formula?",
)
def cosine_clipped(T, s=0.008):
    """the betas are clipped at 0.999, as in programs that need betas"""
    f = _cosine(np.arange(T + 1), T, s)
    return np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], 0.999))


@misconception("cosine_alpha_bars", "Does the result change when the caller gives another s?")
def cosine_offset_ignored(T, s=0.008):
    """s is never used: it is always 0.008"""
    return reference.cosine_alpha_bars(T)


@misconception("alpha_bars", "Two steps keep half each: how much is left after both?")
def sum_for_product(betas):
    """the betas are added instead of multiplying the values of 1 - beta"""
    return 1 - np.cumsum(betas)


@misconception("alpha_bars", "Is this what one step keeps, or what all steps so far keep?")
def alpha_for_alpha_bar(betas):
    """the result is 1 - beta of each single step, not the product over all steps so far"""
    return 1 - np.asarray(betas)


@misconception("alpha_bars", "How much is left after step t = 0?")
def product_one_step_behind(betas):
    """the product stops before step t, so the first alpha_bar is 1"""
    return np.append(1.0, reference.alpha_bars(betas)[:-1])


@misconception("alpha_bars", "What should be multiplied: what each step adds, or what it keeps?")
def product_of_betas(betas):
    """the betas are multiplied instead of 1 - beta"""
    return np.cumprod(betas)


# -- q_sample
# ----------------------------------------------------------------------------------------


@misconception(
    "q_sample", "alpha_bar is a share of the variance. Which factor does the signal need?"
)
def signal_without_root(x0, t, noise, alpha_bar):
    """x0 is multiplied by alpha_bar, not by its square root"""
    a = _of_each(alpha_bar, t, x0)
    return a * x0 + np.sqrt(1 - a) * noise


@misconception("q_sample", "Is 1 - alpha_bar a variance or a standard deviation?")
def noise_without_root(x0, t, noise, alpha_bar):
    """the noise is multiplied by 1 - alpha_bar, not by its square root"""
    a = _of_each(alpha_bar, t, x0)
    return np.sqrt(a) * x0 + (1 - a) * noise


@misconception("q_sample", "Which of the two factors is large when little noise has been added?")
def signal_and_noise_swapped(x0, t, noise, alpha_bar):
    """the factors of the signal and of the noise are swapped"""
    return reference.q_sample(noise, t, x0, alpha_bar)


@misconception(
    "q_sample",
    "If x0 and noise have variance 1, what is the variance of x_t?",
)
def noise_not_scaled(x0, t, noise, alpha_bar):
    """the noise is not scaled: its factor is 1 at every step"""
    return np.sqrt(_of_each(alpha_bar, t, x0)) * x0 + noise


@misconception(
    "q_sample", "Each sample has its own step. Which entry of t does the second sample use?"
)
def first_step_for_all(x0, t, noise, alpha_bar):
    """all samples use the step of the first sample"""
    return reference.q_sample(x0, np.full(len(t), t[0]), noise, alpha_bar)


@misconception("q_sample", "Steps count from 0. Which steps does the entry at index t include?")
def step_before(x0, t, noise, alpha_bar):
    """alpha_bar is read one entry too early; at t = 0 this is the last entry"""
    return reference.q_sample(x0, t - 1, noise, alpha_bar)


@misconception(
    "q_sample",
    "Does the factor of a sample reach all its features? NumPy aligns shapes from the right.",
)
def factor_along_the_features(x0, t, noise, alpha_bar):
    """alpha_bar[t] is broadcast along the last axis instead of along the samples"""
    a = np.asarray(alpha_bar)[t]
    return np.sqrt(a) * x0 + np.sqrt(1 - a) * noise


# -- timestep_embedding
# ------------------------------------------------------------------------------


def _waves(angles, dim, first=np.sin, then=np.cos):
    return np.concatenate([first(angles), then(angles), np.zeros((len(angles), dim % 2))], axis=1)


def _angles(t, dim, max_period, power):
    return np.asarray(t)[:, None] * float(max_period) ** -power(np.arange(dim // 2), dim)


@misconception("timestep_embedding", "Which half should be 0 at t = 0?")
def cosines_first(t, dim, max_period=10000):
    """the cosines come before the sines"""
    return _waves(_angles(t, dim, max_period, lambda i, dim: i / (dim // 2)), dim, np.cos, np.sin)


@misconception("timestep_embedding", "Are the waves in two halves, or in pairs?")
def sines_and_cosines_in_turn(t, dim, max_period=10000):
    """sines and cosines alternate, as in the Transformer"""
    e = reference.timestep_embedding(t, dim, max_period)
    half = dim // 2
    turns = np.stack([e[:, :half], e[:, half : 2 * half]], axis=2).reshape(len(e), -1)
    return np.concatenate([turns, e[:, 2 * half :]], axis=1)


@misconception(
    "timestep_embedding",
    "How many frequencies are there? Do you divide the exponent by this number?",
)
def exponent_over_dim(t, dim, max_period=10000):
    """the exponent is divided by dim instead of dim / 2, so the longest wave is too short"""
    return _waves(_angles(t, dim, max_period, lambda i, dim: i / dim), dim)


@misconception(
    "timestep_embedding",
    "Is the period of the slowest wave max_period, or one factor less?",
)
def exponent_to_the_end(t, dim, max_period=10000):
    """the exponents go up to exactly 1: they are divided by one too few"""
    return _waves(_angles(t, dim, max_period, lambda i, dim: i / max(dim // 2 - 1, 1)), dim)


@misconception(
    "timestep_embedding", "Does the result change when the caller gives another max_period?"
)
def period_hard_coded(t, dim, max_period=10000):
    """max_period is never used: it is always 10000"""
    return reference.timestep_embedding(t, dim)


@misconception("timestep_embedding", "Do the waves get slower from left to right, or faster?")
def frequencies_upside_down(t, dim, max_period=10000):
    """the sign in the exponent is missing, so the frequencies rise"""
    return _waves(_angles(t, dim, max_period, lambda i, dim: -i / (dim // 2)), dim)


@misconception("timestep_embedding", "How many columns should the result have if dim is odd?")
def odd_column_left_out(t, dim, max_period=10000):
    """if dim is odd, the last column is missing"""
    return reference.timestep_embedding(t, dim // 2 * 2, max_period)


# -- predict_x0
# --------------------------------------------------------------------------------------


@misconception("predict_x0", "By what did q_sample multiply x0: alpha_bar, or its root?")
def divided_by_the_share(x_t, t, eps, alpha_bar):
    """the result is divided by alpha_bar, not by its square root"""
    a = _of_each(alpha_bar, t, x_t)
    return (x_t - np.sqrt(1 - a) * eps) / a


@misconception("predict_x0", "By what did q_sample multiply the noise: a variance, or its root?")
def subtracted_without_root(x_t, t, eps, alpha_bar):
    """the subtracted noise is multiplied by 1 - alpha_bar, not by its square root"""
    a = _of_each(alpha_bar, t, x_t)
    return (x_t - (1 - a) * eps) / np.sqrt(a)


@misconception(
    "predict_x0", "After the noise is subtracted, how large is the rest compared with x0?"
)
def never_divided(x_t, t, eps, alpha_bar):
    """the noise is subtracted, but the result is not scaled back"""
    return x_t - np.sqrt(1 - _of_each(alpha_bar, t, x_t)) * eps


@misconception(
    "predict_x0",
    "Solve the equation of q_sample for x0 again. Which terms are divided?",
)
def divided_before_subtracting(x_t, t, eps, alpha_bar):
    """only x_t is divided by the root of alpha_bar, not the noise term"""
    a = _of_each(alpha_bar, t, x_t)
    return x_t / np.sqrt(a) - np.sqrt(1 - a) * eps


@misconception("predict_x0", "May x0 be larger than 1? Does the contract mention a limit?")
def x0_clipped(x_t, t, eps, alpha_bar):
    """the result is clipped to [-1, 1], as in programs for images"""
    return np.clip(reference.predict_x0(x_t, t, eps, alpha_bar), -1, 1)


# -- posterior
# ---------------------------------------------------------------------------------------


def _posterior(x0, x_t, t, of_x0, of_xt, variance):
    return _of_each(of_x0, t, x0) * x0 + _of_each(of_xt, t, x0) * x_t, np.asarray(variance)[t]


def _parts(betas):
    betas = np.asarray(betas)
    a = np.cumprod(1 - betas)
    return betas, a, np.append(1.0, a[:-1])


@misconception(
    "posterior_mean_variance", "At t = 0, which of x0 and x_t should have all the weight?"
)
def coefficients_swapped(x0, x_t, t, betas):
    """the coefficients of x0 and x_t are swapped"""
    return reference.posterior_mean_variance(x_t, x0, t, betas)


@misconception("posterior_mean_variance", "At t = 0, x0 is known. What should the variance be?")
def beta_for_posterior_variance(x0, x_t, t, betas):
    """the variance is beta itself, without the factor that makes it 0 at t = 0"""
    return reference.posterior_mean_variance(x0, x_t, t, betas)[0], np.asarray(betas)[t]


@misconception(
    "posterior_mean_variance", "What is alpha_bar before the first step? What does index -1 read?"
)
def wrapped_round_at_zero(x0, x_t, t, betas):
    """at t = 0, alpha_bar of the step before is read at index -1, which is the last entry"""
    betas, a, _ = _parts(betas)
    b = np.roll(a, 1)
    return _posterior(
        x0,
        x_t,
        t,
        np.sqrt(b) * betas / (1 - a),
        np.sqrt(1 - betas) * (1 - b) / (1 - a),
        betas * (1 - b) / (1 - a),
    )


@misconception(
    "posterior_mean_variance",
    "Which alpha_bar does the coefficient of x0 use: at t, or at the step before?",
)
def x0_with_alpha_bar_of_t(x0, x_t, t, betas):
    """the coefficient of x0 uses the root of alpha_bar at t, not at the step before"""
    betas, a, b = _parts(betas)
    of_xt, variance = np.sqrt(1 - betas) * (1 - b) / (1 - a), betas * (1 - b) / (1 - a)
    return _posterior(x0, x_t, t, np.sqrt(a) * betas / (1 - a), of_xt, variance)


@misconception(
    "posterior_mean_variance",
    "Does the coefficient of x_t belong to one step, or to all steps so far?",
)
def xt_with_alpha_bar(x0, x_t, t, betas):
    """the coefficient of x_t uses the root of alpha_bar, not of 1 - beta of this step"""
    betas, a, b = _parts(betas)
    of_x0, variance = np.sqrt(b) * betas / (1 - a), betas * (1 - b) / (1 - a)
    return _posterior(x0, x_t, t, of_x0, np.sqrt(a) * (1 - b) / (1 - a), variance)


@misconception(
    "posterior_mean_variance",
    "If x_t is x0 times the root of alpha_bar at t, what should the mean be?",
)
def roots_forgotten(x0, x_t, t, betas):
    """the square roots in both coefficients are missing"""
    betas, a, b = _parts(betas)
    return _posterior(
        x0, x_t, t, b * betas / (1 - a), (1 - betas) * (1 - b) / (1 - a), betas * (1 - b) / (1 - a)
    )


@misconception(
    "posterior_mean_variance", "Does the contract ask for the variance, or for its root?"
)
def deviation_for_variance(x0, x_t, t, betas):
    """the standard deviation is returned instead of the variance"""
    mean, variance = reference.posterior_mean_variance(x0, x_t, t, betas)
    return mean, np.sqrt(variance)


@misconception(
    "posterior_mean_variance",
    "Which 1 - alpha_bar is smaller? Can the variance grow when x0 is known?",
)
def ratio_upside_down(x0, x_t, t, betas):
    """the two factors 1 - alpha_bar of the variance are swapped"""
    betas, a, b = _parts(betas)
    with np.errstate(divide="ignore"):
        return reference.posterior_mean_variance(x0, x_t, t, betas)[0], (betas * (1 - a) / (1 - b))[
            t
        ]


# -- reverse_steps
# -----------------------------------------------------------------------------------


def _ddpm(x_t, t, betas, guess, width, noise):
    """(x_t - guess) / root(1 - beta) + width noise, guess and width by sample."""
    return (x_t - guess) / np.sqrt(1 - _of_each(betas, t, x_t)) + width * noise


def _width(x_t, t, betas):
    betas, a, b = _parts(betas)
    return _of_each(np.sqrt(betas * (1 - b) / (1 - a)), t, x_t)


def _share(x_t, t, betas):
    return _of_each(betas, t, x_t), _of_each(np.cumprod(1 - np.asarray(betas)), t, x_t)


@misconception(
    "ddpm_step", "What happens to the noise of the last step? Try t = 0 with two different noises."
)
def noise_at_the_end(x_t, t, eps, betas, noise):
    """noise is added at t = 0 too, because its standard deviation is the root of beta"""
    beta, a = _share(x_t, t, betas)
    return _ddpm(x_t, t, betas, beta / np.sqrt(1 - a) * eps, np.sqrt(beta), noise)


@misconception("ddpm_step", "Ho et al. use two variances. Which one does the contract ask for?")
def beta_for_the_width(x_t, t, eps, betas, noise):
    """the noise is scaled by the root of beta, not of the posterior variance"""
    beta, a = _share(x_t, t, betas)
    width = np.sqrt(beta) * _of_each(np.arange(len(betas)) > 0, t, x_t)
    return _ddpm(x_t, t, betas, beta / np.sqrt(1 - a) * eps, width, noise)


@misconception("ddpm_step", "Is sigma squared a variance? Which factor gives noise this variance?")
def variance_for_deviation(x_t, t, eps, betas, noise):
    """the noise is multiplied by the variance, not by its square root"""
    beta, a = _share(x_t, t, betas)
    return _ddpm(x_t, t, betas, beta / np.sqrt(1 - a) * eps, _width(x_t, t, betas) ** 2, noise)


@misconception(
    "ddpm_step",
    "Put the predicted x0 into the posterior mean again. Where is a root in the fraction?",
)
def eps_over_variance(x_t, t, eps, betas, noise):
    """eps is multiplied by beta / (1 - alpha_bar), without the square root"""
    beta, a = _share(x_t, t, betas)
    return _ddpm(x_t, t, betas, beta / (1 - a) * eps, _width(x_t, t, betas), noise)


@misconception("ddpm_step", "How much noise should one step remove: all of it, or a small part?")
def all_noise_at_once(x_t, t, eps, betas, noise):
    """all the noise in x_t is removed in one step"""
    _, a = _share(x_t, t, betas)
    return _ddpm(x_t, t, betas, np.sqrt(1 - a) * eps, _width(x_t, t, betas), noise)


@misconception("ddpm_step", "Which root undoes one step: the root of alpha, or of alpha_bar?")
def divided_by_the_whole_chain(x_t, t, eps, betas, noise):
    """the division uses the root of alpha_bar, which undoes the whole chain, not one step"""
    beta, a = _share(x_t, t, betas)
    return (x_t - beta / np.sqrt(1 - a) * eps) / np.sqrt(a) + _width(x_t, t, betas) * noise


@misconception("ddpm_step", "Does the result change if the noise changes?")
def noise_left_out(x_t, t, eps, betas, noise):
    """the noise is never added"""
    return reference.ddpm_step(x_t, t, eps, betas, 0 * noise)


@misconception("ddpm_step", "Should a reverse step add the predicted noise, or subtract it?")
def step_forward_again(x_t, t, eps, betas, noise):
    """the predicted noise is added instead of subtracted"""
    return reference.ddpm_step(x_t, t, -eps, betas, noise)


@misconception(
    "ddim_step", "What is alpha_bar if t_prev is -1? What does an array give at index -1?"
)
def ddim_wrapped_round(x_t, t, t_prev, eps, alpha_bar):
    """at t_prev = -1, the last entry of alpha_bar is used instead of 1"""
    to = _of_each(alpha_bar, t_prev, x_t)
    return np.sqrt(to) * reference.predict_x0(x_t, t, eps, alpha_bar) + np.sqrt(1 - to) * eps


@misconception("ddim_step", "How noisy should the result be: as at t, or as at t_prev?")
def ddim_with_the_old_noise(x_t, t, t_prev, eps, alpha_bar):
    """the noise that is added back has the size of step t, not of t_prev"""
    a, to = _of_each(alpha_bar, t, x_t), _of_each(np.append(alpha_bar, 1.0), t_prev, x_t)
    return np.sqrt(to) * reference.predict_x0(x_t, t, eps, alpha_bar) + np.sqrt(1 - a) * eps


@misconception(
    "ddim_step",
    "Is alpha_bar a product of all steps, or the factor of one step? The DDIM paper calls it "
    "alpha.",
)
def ddim_with_alpha(x_t, t, t_prev, eps, alpha_bar):
    """alpha_bar is multiplied up again, as if it were the alpha of a single step"""
    return reference.ddim_step(x_t, t, t_prev, eps, np.cumprod(alpha_bar))


@misconception("ddim_step", "The noise at t_prev is smaller. Is it 0?")
def ddim_without_noise(x_t, t, t_prev, eps, alpha_bar):
    """the noise is not added back, so the result has no noise at any step"""
    to = _of_each(np.append(alpha_bar, 1.0), t_prev, x_t)
    return np.sqrt(to) * reference.predict_x0(x_t, t, eps, alpha_bar)


@misconception("ddim_step", "May t_prev be more than one step before t?")
def ddim_one_step_only(x_t, t, t_prev, eps, alpha_bar):
    """t_prev is never used: the step always goes to t - 1"""
    return reference.ddim_step(x_t, t, np.asarray(t) - 1, eps, alpha_bar)


# -- denoising_loss and training_batch
# ---------------------------------------------------------------


@misconception(
    "denoising_loss",
    "Should the loss grow with the size of the images?",
)
def loss_summed(eps_pred, noise):
    """the squares are summed, not averaged"""
    gap = np.asarray(eps_pred) - noise
    return float(np.sum(gap**2)), 2 * gap


@misconception("denoising_loss", "Over what is the mean: the samples, or all entries?")
def mean_over_samples_only(eps_pred, noise):
    """the squares are summed over the features and averaged over the samples only"""
    gap = np.asarray(eps_pred) - noise
    return float(np.sum(gap**2) / len(gap)), 2 * gap / len(gap)


@misconception("denoising_loss", "Your loss is a mean. How does that change its gradient?")
def gradient_of_the_sum(eps_pred, noise):
    """the loss is a mean, but the gradient belongs to the sum"""
    loss, d = reference.denoising_loss(eps_pred, noise)
    return loss, d * d.size


@misconception("denoising_loss", "What is the derivative of a square?")
def gradient_without_two(eps_pred, noise):
    """the factor 2 of the square's derivative is missing"""
    loss, d = reference.denoising_loss(eps_pred, noise)
    return loss, d / 2


@misconception(
    "denoising_loss", "If the prediction is too large, should the gradient be positive or negative?"
)
def gradient_turned_round(eps_pred, noise):
    """the gradient has the wrong sign: it is noise minus prediction"""
    loss, d = reference.denoising_loss(eps_pred, noise)
    return loss, -d


@misconception("denoising_loss", "What should an error of 2 cost?")
def absolute_error(eps_pred, noise):
    """this is the mean absolute error, not the mean squared error"""
    gap = np.asarray(eps_pred) - noise
    return float(np.mean(np.abs(gap))), np.sign(gap) / gap.size


def _batch(x0, alpha_bar, t, noise):
    return reference.q_sample(x0, t, noise, alpha_bar), t, noise


@misconception("training_batch", "How many different steps should a batch of 20 samples have?")
def one_step_for_the_batch(x0, alpha_bar, rng):
    """one step is drawn for the whole batch instead of one for each sample"""
    t = np.full(len(x0), rng.integers(len(alpha_bar)))
    return _batch(x0, alpha_bar, t, rng.normal(size=np.shape(x0)))


@misconception("training_batch", "Can t = 0 be drawn? Steps count from 0.")
def first_step_never_drawn(x0, alpha_bar, rng):
    """t = 0 is never drawn"""
    t = rng.integers(min(1, len(alpha_bar) - 1), len(alpha_bar), size=len(x0))
    return _batch(x0, alpha_bar, t, rng.normal(size=np.shape(x0)))


@misconception("training_batch", "Can t = T - 1 be drawn? Does your draw include its upper end?")
def last_step_never_drawn(x0, alpha_bar, rng):
    """t = T - 1, where sampling starts, is never drawn"""
    t = rng.integers(max(1, len(alpha_bar) - 1), size=len(x0))
    return _batch(x0, alpha_bar, t, rng.normal(size=np.shape(x0)))


@misconception("training_batch", "Which distribution should the noise have? Can it be negative?")
def uniform_noise(x0, alpha_bar, rng):
    """the noise is uniform between 0 and 1, not standard normal"""
    return _batch(
        x0, alpha_bar, rng.integers(len(alpha_bar), size=len(x0)), rng.random(np.shape(x0))
    )


@misconception("training_batch", "Is the noise that you return the noise in x_t?")
def noise_drawn_twice(x0, alpha_bar, rng):
    """the returned noise is drawn again: it is not the noise in x_t"""
    t = rng.integers(len(alpha_bar), size=len(x0))
    x_t = reference.q_sample(x0, t, rng.normal(size=np.shape(x0)), alpha_bar)
    return x_t, t, rng.normal(size=np.shape(x0))


@misconception("training_batch", "Should all samples of a batch have the same noise?")
def one_noise_for_the_batch(x0, alpha_bar, rng):
    """one noise is drawn for all samples of the batch"""
    noise = np.tile(rng.normal(size=(1, *np.shape(x0)[1:])), (len(x0), *[1] * (np.ndim(x0) - 1)))
    return _batch(x0, alpha_bar, rng.integers(len(alpha_bar), size=len(x0)), noise)


# -- unet_parts
# --------------------------------------------------------------------------------------


@misconception(
    "upsample2x_forward",
    "Which pixels are neighbours now: copies of one pixel, or copies of the image?",
)
def tiled_for_repeated(x):
    """the whole image is repeated four times instead of each pixel"""
    return np.tile(x, (1, 1, 2, 2))


@misconception(
    "upsample2x_forward", "Each old pixel gives three new pixels. Which value should they have?"
)
def zeros_between_pixels(x):
    """the new pixels are zeros instead of copies"""
    y = np.zeros((*np.shape(x)[:2], 2 * np.shape(x)[2], 2 * np.shape(x)[3]))
    y[:, :, ::2, ::2] = x
    return y


@misconception("upsample2x_forward", "Which two axes hold the height and the width?")
def wrong_axes_repeated(x):
    """only the last axis is repeated, four times, so height and width do not match"""
    return np.repeat(x, 4, axis=3)


@misconception(
    "upsample2x_backward", "How many copies does each pixel have? Which of them change the loss?"
)
def one_pixel_of_four(dy):
    """only the gradient of one of the four copies is used"""
    return dy[:, :, ::2, ::2]


@misconception(
    "upsample2x_backward", "A pixel is used four times. Are the four gradients averaged or added?"
)
def shares_averaged(dy):
    """the gradients of the four copies are averaged, not added"""
    return reference.downsample2x_forward(dy)


@misconception(
    "downsample2x_forward",
    "What should each new pixel be: the mean of four pixels, or one of them?",
)
def every_second_pixel(x):
    """every second pixel is kept and the others are left out"""
    return np.asarray(x)[:, :, ::2, ::2]


@misconception("downsample2x_forward", "What should the result be for an image of ones?")
def sum_of_four(x):
    """the four pixels are summed, not averaged"""
    return reference.upsample2x_backward(x)


@misconception("downsample2x_forward", "Does the contract ask for the mean or for the maximum?")
def maximum_of_four(x):
    """the maximum of the four pixels is used, not their mean"""
    x = np.asarray(x)
    return x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max(axis=(3, 5))


@misconception(
    "downsample2x_backward", "If one of the four pixels rises by 1, by how much does the mean rise?"
)
def whole_share_for_each(dy):
    """each of the four pixels gets the whole gradient instead of a quarter"""
    return reference.upsample2x_forward(dy)


@misconception("downsample2x_backward", "Which of the four pixels change the mean?")
def gradient_to_one_pixel(dy):
    """one of the four pixels gets the whole gradient, and the others get none"""
    return zeros_between_pixels(dy)


@misconception(
    "downsample2x_backward",
    "By what does a mean of four divide each pixel?",
)
def halves_for_quarters(dy):
    """each of the four pixels gets half of the gradient instead of a quarter"""
    return reference.upsample2x_forward(dy) / 2


@misconception("skip_concat_forward", "Which of the two should come first?")
def skip_first(x, skip):
    """the channels of the skip come before the channels of x"""
    return np.concatenate([skip, x], axis=1)


@misconception("skip_concat_forward", "Which axis holds the channels?")
def joined_along_the_width(x, skip):
    """the arrays are joined along the last axis, not along the channels"""
    return np.concatenate([x, skip], axis=-1)


@misconception("skip_concat_backward", "Which array has `channels` channels: x or the skip?")
def cut_from_the_end(dy, channels):
    """the last `channels` channels are given to the skip, but `channels` counts the channels of
    x
    """
    return dy[:, :-channels], dy[:, -channels:]


@misconception(
    "skip_concat_backward", "Is the last channel of x in the right part? Try channels = 1."
)
def cut_one_channel_late(dy, channels):
    """the gradient is split one channel too late"""
    return dy[:, : channels + 1], dy[:, channels + 1 :]


@misconception("skip_concat_backward", "Which gradient does the contract return first?")
def parts_swapped(dy, channels):
    """dskip is returned before dx"""
    return dy[:, channels:], dy[:, :channels]


@misconception("skip_concat_backward", "Must x and the skip have the same number of channels?")
def cut_in_the_middle(dy, channels):
    """the gradient is split in the middle, whatever `channels` is"""
    return dy[:, : dy.shape[1] // 2], dy[:, dy.shape[1] // 2 :]


@misconception(
    "add_time_forward",
    "To which axes of x does the shift (N, C) belong? NumPy aligns shapes from the right.",
)
def shift_along_rows_and_columns(x, shift):
    """the shift is broadcast along rows and columns instead of samples and channels"""
    return x + np.asarray(shift)


@misconception("add_time_forward", "Does each sample have its own step, and so its own shift?")
def shift_of_the_first_sample(x, shift):
    """all samples get the shift of the first sample"""
    return reference.add_time_forward(x, np.tile(shift[:1], (len(x), 1)))


@misconception("add_time_forward", "Should the shift be added to x, or multiply x?")
def shift_multiplied(x, shift):
    """the shift multiplies x instead of being added"""
    return x * np.asarray(shift)[:, :, None, None]


@misconception(
    "add_time_backward",
    "How many pixels use the same shift? Are their gradients averaged or added?",
)
def shift_gradient_averaged(dy):
    """dshift is the mean over the pixels, not the sum"""
    return dy, dy.mean(axis=(2, 3))


@misconception(
    "add_time_backward", "Does each sample have its own shift? What is the shape of dshift?"
)
def shift_gradient_over_the_batch(dy):
    """dshift is summed over the samples too, as if all samples had the same shift"""
    return dy, np.tile(dy.sum(axis=(0, 2, 3)), (len(dy), 1))


@misconception("add_time_backward", "Which two axes hold the pixels?")
def shift_gradient_over_wrong_axes(dy):
    """dshift is summed over one pixel axis only"""
    return dy, dy.sum(axis=3)


# -- unet
# --------------------------------------------------------------------------------------------


def _unet(p, x, t_emb, **changed):
    """The forward pass with other parts; all that happens is kept by name."""
    part = {
        "relu1": lambda z: np.maximum(z, 0),
        "relu2": lambda z: np.maximum(z, 0),
        "relu3": lambda z: np.maximum(z, 0),
        "shift": lambda: t_emb @ p["Wt"] + p["bt"],
        "order": reference.skip_concat_forward,
        "skip": lambda h1, z1: h1,
        "end": lambda y: y,
    } | changed
    z1 = reference._conv3x3(x, p["W1"], p["b1"])
    h1 = part["relu1"](z1)
    small = reference.downsample2x_forward(h1)
    h2 = part["relu2"](
        reference.add_time_forward(reference._conv3x3(small, p["W2"], p["b2"]), part["shift"]())
    )
    both = part["order"](reference.upsample2x_forward(h2), part["skip"](h1, z1))
    h3 = part["relu3"](reference._conv3x3(both, p["W3"], p["b3"]))
    return part["end"](reference._conv3x3(h3, p["W4"], p["b4"]))


@misconception("unet_forward", "Can noise be negative? What comes after the last convolution?")
def relu_at_the_end(params, x, t_emb):
    """there is a ReLU after the last convolution, so no prediction is negative"""
    return _unet(params, x, t_emb, end=lambda y: np.maximum(y, 0))


@misconception("unet_forward", "What is the shift if t_emb is 0?")
def time_bias_forgotten(params, x, t_emb):
    """bt is never added to the shift"""
    return _unet(params, x, t_emb, shift=lambda: t_emb @ params["Wt"])


@misconception("unet_forward", "Does the output change with t_emb?")
def time_left_out(params, x, t_emb):
    """t_emb is never used"""
    return _unet(params, x, t_emb, shift=lambda: np.tile(params["bt"], (len(x), 1)))


@misconception("unet_forward", "Where is the shift added: before or after the second ReLU?")
def time_behind_the_relu(params, x, t_emb):
    """the shift is added after the second ReLU, not before it"""
    h1 = np.maximum(reference._conv3x3(x, params["W1"], params["b1"]), 0)
    h2 = np.maximum(
        reference._conv3x3(reference.downsample2x_forward(h1), params["W2"], params["b2"]), 0
    )
    h2 = reference.add_time_forward(h2, t_emb @ params["Wt"] + params["bt"])
    both = reference.skip_concat_forward(reference.upsample2x_forward(h2), h1)
    h3 = np.maximum(reference._conv3x3(both, params["W3"], params["b3"]), 0)
    return reference._conv3x3(h3, params["W4"], params["b4"])


@misconception(
    "unet_forward", "Which array goes through the skip: h1, or its scores before the ReLU?"
)
def skip_before_the_relu(params, x, t_emb):
    """the skip holds the scores of the first layer, before its ReLU"""
    return _unet(params, x, t_emb, skip=lambda h1, z1: z1)


@misconception("unet_forward", "Which array comes first in the concatenation?")
def concatenated_the_other_way(params, x, t_emb):
    """the skip comes before the upsampled part, so W3 gets its channels in the wrong order"""
    return _unet(params, x, t_emb, order=lambda up, skip: np.concatenate([skip, up], axis=1))


@misconception("unet_forward", "How many ReLUs does the network have, and where?")
def relu_missing_behind_the_third(params, x, t_emb):
    """there is no ReLU after the third convolution"""
    return _unet(params, x, t_emb, relu3=lambda z: z)


def _unet_backward(dy, p, x, t_emb, skip=1.0, up=1.0, quarter=1.0, mask2=True, mask1=True, drop=()):
    """The way back with shares scaled or left out; `drop` names gradients that stay 0."""
    h3, both, h2, small, h1 = reference._unet(p, x, t_emb)[1]
    grads = {}
    dh3, grads["W4"], grads["b4"] = reference._conv3x3_backward(dy, h3, p["W4"])
    dboth, grads["W3"], grads["b3"] = reference._conv3x3_backward(dh3 * (h3 > 0), both, p["W3"])
    dup, dskip = reference.skip_concat_backward(dboth, np.shape(h2)[1])
    dz2 = up * reference.upsample2x_backward(dup) * ((h2 > 0) if mask2 else 1.0)
    dshift = dz2.sum(axis=(2, 3))
    grads["Wt"], grads["bt"] = np.asarray(t_emb).T @ dshift, dshift.sum(axis=0)
    dsmall, grads["W2"], grads["b2"] = reference._conv3x3_backward(dz2, small, p["W2"])
    dh1 = quarter * reference.downsample2x_backward(dsmall) + skip * dskip
    _, grads["W1"], grads["b1"] = reference._conv3x3_backward(
        dh1 * ((h1 > 0) if mask1 else 1.0), x, p["W1"]
    )
    return {name: (0 if name in drop else 1) * grad for name, grad in grads.items()}


@misconception("unet_backward", "h1 is used twice. Which of its two gradients reaches W1?")
def skip_gradient_lost(dy, params, x, t_emb):
    """the gradient of h1 through the skip is missing"""
    return _unet_backward(dy, params, x, t_emb, skip=0.0)


@misconception("unet_backward", "h1 is used twice. Which of its two gradients reaches W1?")
def deep_gradient_lost(dy, params, x, t_emb):
    """the gradient of h1 through the lower level is missing: the skip's gradient replaces it"""
    return _unet_backward(dy, params, x, t_emb, quarter=0.0)


@misconception("unet_backward", "By how much does a mean of four change if one pixel changes?")
def quarter_forgotten(dy, params, x, t_emb):
    """the backward of the downsampling lacks its factor 1/4"""
    return _unet_backward(dy, params, x, t_emb, quarter=4.0)


@misconception("unet_backward", "Which gradients pass through the second ReLU?")
def second_gate_forgotten(dy, params, x, t_emb):
    """the backward ignores the second ReLU"""
    return _unet_backward(dy, params, x, t_emb, mask2=False)


@misconception("unet_backward", "Which gradients pass through the first ReLU?")
def first_gate_forgotten(dy, params, x, t_emb):
    """the backward ignores the first ReLU"""
    return _unet_backward(dy, params, x, t_emb, mask1=False)


@misconception(
    "unet_backward", "Does the loss depend on Wt and bt? Follow the gradient of the shift."
)
def time_weights_not_trained(dy, params, x, t_emb):
    """Wt and bt get no gradient"""
    return _unet_backward(dy, params, x, t_emb, drop=("Wt", "bt"))


@misconception("unet_backward", "Is the loss already a mean? How often may the factor 1/N appear?")
def divided_by_the_batch(dy, params, x, t_emb):
    """the gradients are divided by the number of images again"""
    return {
        name: grad / len(x) for name, grad in reference.unet_backward(dy, params, x, t_emb).items()
    }


# -- ema
# ---------------------------------------------------------------------------------------------


@misconception("ema_update", "With decay 0.999, should the average change a lot or a little?")
def weights_swapped(shadow, params, decay):
    """the two factors are swapped: the new parameters get the factor `decay`"""
    return reference.ema_update(params, shadow, decay)


@misconception("ema_update", "If shadow and params are equal, what should the result be?")
def weights_that_do_not_add_up(shadow, params, decay):
    """the new parameters are added without their factor, so the factors add up to more than 1"""
    return {name: decay * shadow[name] + params[name] for name in params}


@misconception("ema_update", "After the call, does the caller still have the old average?")
def shadow_changed_in_place(shadow, params, decay):
    """the old average is overwritten in the caller's own arrays"""
    for name in params:
        shadow[name] = decay * shadow[name] + (1 - decay) * params[name]
    return shadow


@misconception("ema_update", "Does the result change when the caller gives another decay?")
def decay_hard_coded(shadow, params, decay):
    """decay is never used: it is always 0.999"""
    return reference.ema_update(shadow, params, 0.999)


# -- train_denoiser and denoise
# ----------------------------------------------------------------------


def _train(
    x0, T, rng, steps, betas=None, spoil=lambda x0, x_t, t, noise: (x_t, t, noise), inputs=None
):
    """The reference's training on another chain, with spoilt batches, or with some inputs (30, 1)
    only.
    """
    alpha_bar = reference.alpha_bars(
        reference.linear_betas(T, 0.1 / T, 20 / T) if betas is None else betas
    )
    inputs, params = 1.0 if inputs is None else inputs, reference._new_network(rng)
    params["W1"] = inputs * params["W1"]
    first = second = {name: np.zeros_like(tensor) for name, tensor in params.items()}
    for step in range(steps):
        points = x0[rng.integers(len(x0), size=96)]
        grads = reference._gradients(
            params, *spoil(points, *reference.training_batch(points, alpha_bar, rng))
        )
        grads["W1"] = inputs * grads["W1"]
        first = reference.ema_update(first, grads, 0.9)
        second = reference.ema_update(second, {name: g**2 for name, g in grads.items()}, 0.99)
        rate = 0.01 * (1 - step / steps)
        params = {
            name: p - rate * first[name] / (np.sqrt(second[name]) + 1e-8)
            for name, p in params.items()
        }
    return params


@misconception(
    "train_denoiser",
    "Which chain is used to sample the points? Print the last alpha_bar of both chains.",
)
def trained_on_another_chain(x0, T, rng, steps):
    """the network is trained on the chain linear_betas(T), but the chain goes from 0.1/T to 20/T"""
    return _train(x0, T, rng, steps, reference.linear_betas(T))


@misconception(
    "train_denoiser", "What should the network predict? Compare your target with the noise."
)
def data_for_noise(x0, T, rng, steps):
    """the network learns to predict the clean points, not the noise"""
    return _train(x0, T, rng, steps, spoil=lambda x0, x_t, t, noise: (x_t, t, x0))


@misconception(
    "train_denoiser",
    "Is the noise in the loss the noise in x_t? What does a loss that stays at 1 mean?",
)
def taught_another_noise(x0, T, rng, steps):
    """the noise in the loss is not the noise in x_t, so there is nothing to learn"""
    return _train(
        x0, T, rng, steps, spoil=lambda x0, x_t, t, noise: (x_t, t, rng.permutation(noise))
    )


@misconception(
    "train_denoiser",
    "What does the network get for each point? Eight clusters need a prediction that bends often.",
)
def points_fed_in_raw(x0, T, rng, steps):
    """the network gets only the raw coordinates, so its prediction is too smooth"""
    return _train(x0, T, rng, steps, inputs=np.r_[np.ones(2), np.zeros(12), np.ones(16)][:, None])


@misconception("train_denoiser", "How many updates does a call with steps = 1 make?")
def number_of_updates_fixed(x0, T, rng, steps):
    """steps is never used: there are always 200 updates"""
    return _train(x0, T, rng, 200)


@misconception(
    "denoise",
    "Does the prediction change with t? The same x_t has another meaning at another step.",
)
def time_ignored(params, x_t, t):
    """t is never used"""
    return reference.denoise(params, x_t, np.zeros(len(x_t), int))


@misconception(
    "denoise", "Each point has its own step. Which entry of t does the second point use?"
)
def step_of_the_first_point(params, x_t, t):
    """all points use the step of the first point"""
    return reference.denoise(params, x_t, np.full(len(x_t), t[0]))


@misconception(
    "denoise", "Does the prediction for a point change with the other points in the batch?"
)
def centred_over_the_batch(params, x_t, t):
    """the mean of the batch is subtracted, so each prediction depends on all points"""
    eps = reference.denoise(params, x_t, t)
    return eps - eps.mean(axis=0)


# -- sample
# ------------------------------------------------------------------------------------------


def _sample(
    denoise, params, n, betas, rng, order=None, start=None, noises=None, step=reference.ddpm_step
):
    """The reference's sampler with other parts; `noises` draws the noise of a step, of the shape
    (n, 2).
    """
    noises = noises or (lambda: rng.normal(size=(n, 2)))
    x = rng.normal(size=(n, 2)) if start is None else start
    for t in order or range(len(betas) - 1, -1, -1):
        t = np.full(n, t)
        x = step(x, t, denoise(params, x, t), betas, noises())
    return x


@misconception(
    "sample",
    "In which order should the steps be undone? Where is the noise: at t = 0, or at T - 1?",
)
def steps_in_rising_order(denoise, params, n, betas, rng):
    """the steps go from 0 up instead of from T - 1 down"""
    return _sample(denoise, params, n, betas, rng, order=range(len(betas)))


@misconception("sample", "What does the end of the chain look like: one point, or a cloud?")
def start_at_zero(denoise, params, n, betas, rng):
    """every point starts at 0 instead of from random noise"""
    return _sample(denoise, params, n, betas, rng, start=np.zeros((n, 2)))


@misconception("sample", "Which distribution does x_T have? Can it be negative?")
def start_uniform(denoise, params, n, betas, rng):
    """the points start from a uniform distribution on (0, 1) instead of a normal one"""
    return _sample(denoise, params, n, betas, rng, start=rng.random((n, 2)))


@misconception("sample", "Which t is the last? Look at where your range ends.")
def last_step_left_out(denoise, params, n, betas, rng):
    """the step t = 0 is left out, so some noise remains"""
    return _sample(denoise, params, n, betas, rng, order=list(range(len(betas) - 1, 0, -1)) or [0])


@misconception("sample", "How often do you draw noise? Does each step need new noise?")
def one_noise_for_all_steps(denoise, params, n, betas, rng):
    """one noise is drawn and used again in every step"""
    noise = rng.normal(size=(n, 2))
    return _sample(denoise, params, n, betas, rng, noises=lambda: noise)


@misconception("sample", "Why do the points differ if the steps add no noise?")
def no_noise_on_the_way(denoise, params, n, betas, rng):
    """no noise is added in the steps, so the points move too close together"""
    return _sample(denoise, params, n, betas, rng, noises=lambda: np.zeros((n, 2)))


@misconception("sample", "Does every point have its own noise? Print the shape of your noise.")
def one_noise_for_all_points(denoise, params, n, betas, rng):
    """each step draws one noise for all points"""
    return _sample(
        denoise, params, n, betas, rng, noises=lambda: np.tile(rng.normal(size=(1, 2)), (n, 1))
    )


@misconception("sample", "How much noise should the step t = 0 add?")
def noise_in_the_last_step(denoise, params, n, betas, rng):
    """noise scaled by root(beta) is added in every step, even in the last one"""
    return _sample(denoise, params, n, betas, rng, step=noise_at_the_end)


@misconception("sample", "Which factor gives noise the variance sigma squared?")
def variance_for_width(denoise, params, n, betas, rng):
    """the noise of each step is multiplied by the variance, not by its square root"""
    return _sample(denoise, params, n, betas, rng, step=variance_for_deviation)


@misconception(
    "sample", "Which shape of t does denoise expect? Read the contract of train_denoiser."
)
def step_as_one_number(denoise, params, n, betas, rng):
    """denoise gets t as one number, but it needs one t for each point"""
    x = rng.normal(size=(n, 2))
    for t in range(len(betas) - 1, -1, -1):
        x = reference.ddpm_step(
            x, np.full(n, t), denoise(params, x, t), betas, rng.normal(size=(n, 2))
        )
    return x
