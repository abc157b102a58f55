"""Checks of 08-ddpm: the way back, and the loss."""

import math

import numpy as np
import pytest

from autograder.checks.ddpm.cases import any_rank, chain, shares, steps
from autograder.testing import (
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    exercise,
    expect,
    generator,
    gradient,
    numbers,
    robust,
    shape,
)


@exercise("posterior")
class TestPosterior:
    names = ("mean", "variance")

    @pytest.fixture
    def case(self, rng):
        return (
            rng.normal(size=(6, 2)),
            rng.normal(size=(6, 2)),
            steps(rng, 6, 5),
            rng.uniform(0.1, 0.6, size=5),
        )

    def test_by_hand(self, student):
        """For betas 0.36, 0.4375 and t = 1, the mean is 35/64 x0 + 27/64 x_t and the variance
        63/256
        """
        case = (
            np.array([[64.0, 0.0]]),
            np.array([[0.0, 64.0]]),
            np.array([1]),
            np.array([0.36, 0.4375]),
        )
        mean, variance = assert_parts(student.posterior_mean_variance(*case), self.names)
        assert_close(mean, [[35.0, 27.0]], "mean")
        assert_close(variance, [63 / 256], "variance")

    @pytest.mark.parametrize("i", [0, 1], ids=names)
    def test_values(self, same, case, i):
        """The mean and the variance (N,) are right, and each sample uses its own step"""
        mine, right = same.posterior_mean_variance(*case)
        actual = assert_parts(mine, self.names)[i]
        assert_close(actual, right[i], self.names[i])

    @any_rank
    def test_any_rank(self, same, rng, size):
        """Numbers, points and images have one variance for each sample"""
        case = (
            rng.normal(size=size),
            rng.normal(size=size),
            steps(rng, 5, 4),
            rng.uniform(0.1, 0.6, size=4),
        )
        mine, right = same.posterior_mean_variance(*case)
        mean, variance = assert_parts(mine, self.names)
        assert_close(mean, right[0], "mean")
        assert_close(variance, right[1], "variance")

    def test_square(self, same, rng):
        """The mean is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            rng.normal(size=(4, 4)),
            np.array([2, 0, 3, 1]),
            rng.uniform(0.1, 0.6, size=4),
        )
        mine, right = same.posterior_mean_variance(*case)
        mean = assert_parts(mine, self.names)[0]
        assert_close(mean, right[0], "mean")

    def test_first_step(self, student, rng):
        """At t = 0 the mean is x0 and the variance is 0"""
        x0, x_1 = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
        result = student.posterior_mean_variance(
            x0, x_1, np.zeros(3, int), np.array([0.2, 0.4, 0.3])
        )
        mean, variance = assert_parts(result, self.names)
        assert_close(mean, x0, "mean")
        assert_close(variance, np.zeros(3), "variance")

    def test_last_step(self, same, rng):
        """The mean and the variance are right at t = T - 1 of a long chain"""
        case = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), np.full(2, 49), chain(50)
        mine, right = same.posterior_mean_variance(*case)
        mean, variance = assert_parts(mine, self.names)
        assert_close(mean, right[0], "mean")
        assert_close(variance, right[1], "variance")

    def test_on_course(self, student, rng):
        """If x_t is x0 times the root of alpha_bar at t, the mean is x0 times that root one step
        before
        """
        x0, betas = rng.normal(size=(4, 3)), rng.uniform(0.1, 0.6, size=5)
        left, t = np.sqrt(np.cumprod(1 - betas)), np.array([4, 1, 2, 3])
        result = student.posterior_mean_variance(x0, left[t][:, None] * x0, t, betas)
        assert_close(assert_parts(result, self.names)[0], left[t - 1][:, None] * x0, "mean")

    @shape
    def test_chain_of_one(self, student):
        """A chain of one step with a batch of one sample is right"""
        result = student.posterior_mean_variance(
            np.array([[2.0]]), np.array([[5.0]]), np.array([0]), np.array([0.4])
        )
        mean, variance = assert_parts(result, self.names)
        assert_close(mean, [[2.0]], "mean")
        assert_close(variance, [0.0], "variance")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """x0, x_t, t and betas are not changed"""
        unchanged.posterior_mean_variance(*case)


@exercise("reverse_steps")
class TestReverseSteps:
    @pytest.fixture
    def case(self, rng):  # x_t, t, eps, betas, noise
        return (
            *self.points(rng, (6, 2), 5),
            rng.uniform(0.1, 0.6, size=5),
            rng.normal(size=(6, 2)),
        )

    def points(self, rng, size, T):
        return rng.normal(size=size), steps(rng, size[0], T), rng.normal(size=size)

    def test_ddpm_by_hand(self, student):
        """For betas 0.36, 0.4375 and t = 1, the step is (x_t - 0.546875 eps) / 0.75 + 0.496078
        noise
        """
        x_t, eps, noise = np.array([[1.1875, 0.0]]), np.array([[0.8, 0.0]]), np.array([[0.0, 1.0]])
        step = student.ddpm_step(x_t, np.array([1]), eps, np.array([0.36, 0.4375]), noise)
        assert_close(step, [[1.0, math.sqrt(63) / 16]], "x_{t-1}")

    def test_ddpm(self, same, case):
        """ddpm_step is right, and each sample uses its own step"""
        assert_close(*same.ddpm_step(*case), "x_{t-1}")

    def test_ddpm_mean(self, same, case):
        """With noise 0, ddpm_step returns the mean"""
        case = (*case[:4], np.zeros((6, 2)))
        assert_close(*same.ddpm_step(*case), "x_{t-1}")

    def test_ddpm_noise(self, student, oracle, rng, case):
        """The noise is multiplied by the root of the posterior variance"""
        other = (*case[:4], rng.normal(size=(6, 2)))
        actual, right = (
            [numbers(f(*c), "x_{t-1}") for c in (case, other)]
            for f in (student.ddpm_step, oracle.ddpm_step)
        )
        assert_close(
            actual[0] - actual[1],
            right[0] - right[1],
            "the difference between the results of two noises",
        )

    def test_ddpm_first_step(self, student, rng):
        """At t = 0 no noise is added: the result is the x0 that follows from eps"""
        x0, eps, noise = (rng.normal(size=(3, 2)) for _ in range(3))
        x_1 = 0.8 * x0 + 0.6 * eps
        assert_close(
            student.ddpm_step(x_1, np.zeros(3, int), eps, np.array([0.36, 0.5]), 9 * noise),
            x0,
            "x_{t-1}",
        )

    def test_ddpm_last_step(self, same, rng):
        """ddpm_step is right at t = T - 1 of a long chain"""
        case = (
            rng.normal(size=(3, 2)),
            np.full(3, 49),
            rng.normal(size=(3, 2)),
            chain(50),
            rng.normal(size=(3, 2)),
        )
        assert_close(*same.ddpm_step(*case), "x_{t-1}")

    @any_rank
    def test_ddpm_any_rank(self, same, rng, size):
        """ddpm_step accepts numbers, points and images"""
        case = (*self.points(rng, size, 4), rng.uniform(0.1, 0.6, size=4), rng.normal(size=size))
        assert_close(*same.ddpm_step(*case), "x_{t-1}")

    @shape
    def test_ddpm_chain_of_one(self, student):
        """A chain of one step with a batch of one sample is right"""
        case = (
            np.array([[2.2]]),
            np.array([0]),
            np.array([[1.0]]),
            np.array([0.36]),
            np.array([[7.0]]),
        )
        assert_close(student.ddpm_step(*case), [[2.0]], "x_{t-1}")

    def test_ddim_by_hand(self, student):
        """From alpha_bar 0.36 to 0.64, x_t = 1.4 and eps = 1 give 0.8 + 0.6"""
        t, t_prev = np.array([1, 1]), np.array([0, -1])
        step = student.ddim_step(
            np.full((2, 1), 1.4), t, t_prev, np.ones((2, 1)), np.array([0.64, 0.36])
        )
        assert_close(step, [[1.4], [1.0]], "the step")

    def test_ddim(self, same, rng):
        """ddim_step goes from any step to any earlier step"""
        x_t, _, eps = self.points(rng, (5, 3), 9)
        case = x_t, np.array([8, 5, 6, 3, 8]), np.array([7, 1, 0, 2, 4]), eps, shares(rng, 9)
        assert_close(*same.ddim_step(*case), "the step")

    def test_ddim_to_the_end(self, student, rng):
        """t_prev = -1 gives x0 itself, from any step"""
        x0, eps, alpha_bar = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), shares(rng, 4)
        x_t = np.sqrt(alpha_bar)[:, None] * x0 + np.sqrt(1 - alpha_bar)[:, None] * eps
        assert_close(
            student.ddim_step(x_t, np.arange(4), np.full(4, -1), eps, alpha_bar), x0, "the step"
        )

    def test_ddim_mixed(self, same, rng):
        """t_prev may hold -1 for some samples and other steps for others"""
        x_t, _, eps = self.points(rng, (4, 2, 3, 2), 6)
        case = x_t, np.array([0, 5, 3, 5]), np.array([-1, 4, -1, 0]), eps, shares(rng, 6)
        assert_close(*same.ddim_step(*case), "the step")

    @any_rank
    def test_ddim_any_rank(self, same, rng, size):
        """ddim_step accepts numbers, points and images"""
        x_t, _, eps = self.points(rng, size, 6)
        case = x_t, np.array([5, 2, 3, 1, 4]), np.array([4, 0, 1, -1, 2]), eps, shares(rng, 6)
        assert_close(*same.ddim_step(*case), "the step")

    @shape
    def test_ddim_chain_of_one(self, student):
        """In a chain of one step, ddim_step goes to x0, for a batch of one sample"""
        case = np.array([[2.2]]), np.array([0]), np.array([-1]), np.array([[1.0]]), np.array([0.64])
        assert_close(student.ddim_step(*case), [[2.0]], "the step")

    @robust
    def test_ddpm_arguments_unchanged(self, unchanged, case):
        """x_t, t, eps, betas and noise are not changed"""
        unchanged.ddpm_step(*case)

    @robust
    def test_ddim_arguments_unchanged(self, unchanged, rng):
        """x_t, t, t_prev, eps and alpha_bar are not changed"""
        x_t, _, eps = self.points(rng, (3, 2), 4)
        unchanged.ddim_step(x_t, np.array([3, 0, 1]), np.array([2, -1, -1]), eps, shares(rng, 4))


# -- what is learnt
# ----------------------------------------------------------------------------------


@exercise("denoising_loss")
class TestDenoisingLoss:
    names = ("loss", "d_eps_pred")
    parts = ("x_t", "t", "noise")

    def test_by_hand(self, student):
        """For the errors 1, 0, 2, -1 the loss is 6/4, and the gradient is half of the errors"""
        result = student.denoising_loss(
            np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])
        )
        loss, d = assert_parts(result, self.names)
        assert_scalar(loss, 1.5)
        assert_close(d, [[0.5, 0.0], [1.0, -0.5]], "d_eps_pred")

    @any_rank
    def test_loss(self, same, rng, size):
        """The loss is the mean over all entries, for numbers, points and images"""
        case = rng.normal(size=size), rng.normal(size=size)
        mine, right = same.denoising_loss(*case)
        assert_scalar(
            assert_parts(mine, self.names)[0],
            right[0],
        )

    @gradient
    @any_rank
    def test_gradient(self, same, rng, size):
        """d_eps_pred is the gradient of that mean"""
        case = rng.normal(size=size), rng.normal(size=size)
        mine, right = same.denoising_loss(*case)
        d = assert_parts(mine, self.names)[1]
        assert_close(d, right[1], "d_eps_pred")

    def test_of_nothing(self, student, rng):
        """A prediction of 0 has a loss of about 1, and the right prediction has the loss 0"""
        noise = rng.normal(size=(5, 3))
        assert_scalar(
            assert_parts(student.denoising_loss(np.zeros((5, 3)), noise), self.names)[0],
            np.mean(noise**2),
        )
        assert_scalar(assert_parts(student.denoising_loss(noise, noise), self.names)[0], 0.0)

    @robust
    def test_integers(self, student):
        """Integer inputs give the right loss and gradient"""
        loss, d = assert_parts(
            student.denoising_loss(np.array([[3, -1]]), np.array([[1, 0]])), self.names
        )
        assert_scalar(loss, 2.5)
        assert_close(d, [[2.0, -1.0]], "d_eps_pred")

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """The arguments are not changed"""
        unchanged.denoising_loss(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
        unchanged.training_batch(rng.normal(size=(3, 2)), shares(rng, 4), generator(rng))

    @pytest.mark.parametrize(
        "size", [(1, 3), (6, 2), (4, 2, 3, 5)], ids=["one", "points", "images"]
    )
    def test_batch_fits_together(self, student, rng, size):
        """x_t is q_sample of x0 at the returned steps t with the returned noise"""
        x0, alpha_bar = rng.normal(size=size), shares(rng, 5)
        x_t, t, noise = self.batch(student.training_batch(x0, alpha_bar, generator(rng)), size, 5)
        kept = alpha_bar[t].reshape(-1, *[1] * (len(size) - 1))
        assert_close(x_t, np.sqrt(kept) * x0 + np.sqrt(1 - kept) * noise, "x_t")

    def test_batch_of_a_short_chain(self, student, rng):
        """In a chain of one step every t is 0"""
        t = self.batch(
            student.training_batch(rng.normal(size=(4, 2)), np.array([0.5]), generator(rng)),
            (4, 2),
            1,
        )[1]
        expect(np.all(t == 0), f"t is {t}, expected zeros", t)

    def test_all_steps_alike(self, student, rng):
        """All steps from 0 to T - 1 are equally likely"""
        _, t, _ = self.many(student, rng, 20, 3, 6, 200)  # 4,000 draws
        counts, each = np.array([np.sum(t == k) for k in range(6)]), t.size / 6
        assert_at_most(
            np.abs(counts - each).max(),
            6 * math.sqrt(each * 5 / 6),
            f"|count − {each:.0f}| of a step",
            counts,
        )

    def test_a_step_for_each_sample(self, student, rng):
        """Each sample draws its own step"""
        _, t, _ = self.many(student, rng, 20, 3, 6, 200)
        alike = np.mean(t[:, 1:] == t[:, :-1])
        assert_at_most(
            abs(alike - 1 / 6),
            6 * math.sqrt(5) / 6 / math.sqrt(3800),
            "|share of neighbours with equal steps − 1/6|",
            t,
        )

    def test_noise_is_standard_normal(self, student, rng):
        """The noise has mean 0, variance 1 and the tails of a normal distribution"""
        _, _, noise = self.many(student, rng, 10, 4, 5, 300)  # 12,000 numbers
        n = math.sqrt(noise.size)
        assert_at_most(abs(noise.mean()), 6 / n, "the size of the mean", noise)
        assert_at_most(abs(np.mean(noise**2) - 1), 6 * math.sqrt(2) / n, "|variance − 1|", noise)
        assert_at_most(
            abs(np.mean(np.abs(noise) > 2) - 0.0455),
            6 * 0.2084 / n,
            "|share of noise beyond ±2 − 0.0455|",
            noise,
        )

    def test_noise_is_independent(self, student, rng):
        """The noise is independent: between samples, features and batches, and of the data"""
        x0, _, noise = self.many(student, rng, 10, 4, 5, 300)
        pairs = [
            (noise[1:], noise[:-1]),
            (noise[:, 1:], noise[:, :-1]),
            (noise[..., 1:], noise[..., :-1]),
            (noise, x0),
        ]
        for (a, b), what in zip(
            pairs, ("of two batches", "of two samples", "of two features", "with the data")
        ):
            assert_at_most(
                abs(np.mean(a * b)),
                6 * a.std() * b.std() / math.sqrt(a.size),
                f"|mean product of the noise {what}|",
                noise,
            )

    def test_generator(self, student, rng):
        """All randomness comes from rng: the same seed gives the same batch, another seed
        another
        """
        x0, alpha_bar, seed = rng.normal(size=(5, 2)), shares(rng, 9), generator(rng)
        first, again, other = (
            self.batch(student.training_batch(x0, alpha_bar, s), (5, 2), 9)
            for s in (seed, seed, generator(rng))
        )
        assert_close(again[2], first[2], "the noise from the same seed")
        expect(np.abs(other[2] - first[2]).min() > 0, "two seeds give the same noise", first)

    def batch(self, result, size, T):
        """The parts of a training batch, t as whole numbers."""
        x_t, t, noise = assert_parts(result, self.parts)
        x_t, noise = (
            assert_finite(assert_shape(a, size, name), name)
            for a, name in ((x_t, "x_t"), (noise, "noise"))
        )
        return x_t, whole(assert_shape(t, size[:1], "t"), T), noise

    def many(self, student, rng, n, d, T, times):
        """The data and the steps and noises of many batches: (times, n, d), (times, n), (times, n,
        d).
        """
        x0 = rng.normal(size=(n, d))
        result = student.probes.many_training_batches(x0, shares(rng, T), times, generator(rng))
        _, t, noise = assert_parts(result, self.parts)
        noise = assert_finite(assert_shape(noise, (times, n, d), "the noise of all batches"))
        return (
            np.tile(x0, (times, 1, 1)),
            whole(assert_shape(t, (times, n), "t of all batches"), T),
            noise,
        )


def whole(t, T):
    """Steps as integers, if they are whole numbers from 0 to T - 1."""
    expect(np.all(t == np.round(t)), f"t holds {t.ravel()[:5]}, expected whole numbers", t)
    expect(
        t.min() >= 0 and t.max() < T,
        f"t runs from {t.min():g} to {t.max():g}, expected steps from 0 to {T - 1}",
        t,
    )
    return t.astype(int)
