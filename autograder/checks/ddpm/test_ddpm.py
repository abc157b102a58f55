"""Checks of 08-ddpm: the chain of noise, the way back, what is learnt, a U-Net, and points drawn
from noise.
"""

import math

import numpy as np
import pytest

from autograder.checks.ddpm.clouds import (
    MOONS_SPREAD,
    energy_distance,
    law,
    moons,
    moons_middles,
    on_the_ring,
    ring,
)
from autograder.testing.assertions import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    numbers,
)
from autograder.testing.gradients import assert_gradient
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_linear, assert_tensors
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")
any_rank = pytest.mark.parametrize(
    "size", [(5,), (5, 3), (5, 2, 3, 4)], ids=["numbers", "points", "images"]
)


def chain(T):
    """The betas (T,) of the training chain."""
    return np.linspace(0.1 / T, 20 / T, T)


def shares(rng, T):
    """Falling alpha_bars (T,) between 0.95 and 0.1."""
    return np.sort(rng.uniform(0.1, 0.95, size=T))[::-1].copy()


def steps(rng, n, T):
    """A step t (n,) for each sample: the first, the last, and others between them."""
    return rng.permutation(np.append([0, T - 1], rng.randint(1, T - 1, size=n - 2)))


# -- the chain forward
# -------------------------------------------------------------------------------


@pytest.mark.exercise("schedules")
class TestSchedules:
    def test_linear_by_hand(self, student):
        """linear_betas(5, 0.1, 0.3) is 0.1, 0.15, 0.2, 0.25, 0.3"""
        assert_close(student.linear_betas(5, 0.1, 0.3), [0.1, 0.15, 0.2, 0.25, 0.3], "the betas")

    @pytest.mark.parametrize("T", [7, 1000])
    def test_linear_defaults(self, student, oracle, T):
        """linear_betas runs from 0.0001 to 0.02 unless told otherwise"""
        assert_close(student.linear_betas(T), oracle.linear_betas(T), "the betas")

    @shape
    def test_linear_one_step(self, student):
        """A chain of one step has one beta, the first"""
        assert_close(student.linear_betas(1, 0.3, 0.9), [0.3], "the betas")

    def test_cosine_by_hand(self, student):
        """cosine_alpha_bars(3) with s = 0 is 3/4, 1/4, 0: squared cosines of 30, 60 and 90
        degrees
        """
        assert_close(student.cosine_alpha_bars(3, 0.0), [0.75, 0.25, 0.0], "the alpha_bars")

    def test_cosine_defaults(self, student, oracle):
        """cosine_alpha_bars is right with the usual s"""
        assert_close(student.cosine_alpha_bars(9), oracle.cosine_alpha_bars(9), "the alpha_bars")

    def test_cosine_offset(self, student, oracle):
        """cosine_alpha_bars uses the s it is given, and the first share is near 1 all the same"""
        assert_close(
            student.cosine_alpha_bars(8, 0.3), oracle.cosine_alpha_bars(8, 0.3), "the alpha_bars"
        )

    @pytest.mark.parametrize("T", [1, 4])
    def test_cosine_ends_in_noise(self, student, T):
        """The last cosine share is 0, not cut off above it"""
        last = assert_finite(assert_shape(student.cosine_alpha_bars(T), (T,), "the alpha_bars"))[-1]
        assert_at_most(abs(last), 1e-6, "the size of the last share", last)

    def test_alpha_bars_by_hand(self, student):
        """Betas 1/2, 1/5, 1/2 leave the shares 1/2, 2/5, 1/5"""
        assert_close(
            student.alpha_bars(np.array([0.5, 0.2, 0.5])), [0.5, 0.4, 0.2], "the alpha_bars"
        )

    def test_alpha_bars(self, student, oracle, rng):
        """alpha_bars multiplies all that was kept, up to and with each step"""
        betas = rng.uniform(0.05, 0.6, size=6)
        assert_close(student.alpha_bars(betas), oracle.alpha_bars(betas), "the alpha_bars")

    def test_thousand_steps(self, student, oracle):
        """Over a thousand steps of the linear chain nothing is left: 4e-5"""
        betas = np.linspace(1e-4, 0.02, 1000)
        last = numbers(student.alpha_bars(betas), "the alpha_bars").ravel()[-1]
        assert_close(last, oracle.alpha_bars(betas)[-1], "the last alpha_bar", tolerance=1e-3)

    @shape
    def test_alpha_bars_one_step(self, student):
        """A chain of one step has one share"""
        assert_close(student.alpha_bars(np.array([0.25])), [0.75], "the alpha_bars")

    @robust
    def test_argument_unchanged(self, student, rng):
        """betas are left as they were"""
        student.alpha_bars(rng.uniform(0.05, 0.6, size=6))
        assert_unchanged(student)


@pytest.mark.exercise("q_sample")
class TestQSample:
    def test_by_hand(self, student):
        """At alpha_bar = 0.64 eight tenths of x0 are left, beside six tenths of noise"""
        x0, noise = np.array([[2.0, -4.0], [2.0, -4.0]]), np.array([[1.0, 1.0], [-1.0, 0.0]])
        x_t = student.q_sample(x0, np.array([0, 1]), noise, np.array([0.64, 0.36]))
        assert_close(x_t, [[2.2, -2.6], [0.4, -2.4]], "x_t")

    @any_rank
    def test_any_rank(self, student, oracle, rng, size):
        """Numbers, points and images, each sample noised to its own step"""
        case = rng.normal(size=size), steps(rng, 5, 7), rng.normal(size=size), shares(rng, 7)
        assert_close(student.q_sample(*case), oracle.q_sample(*case), "x_t")

    def test_square(self, student, oracle, rng):
        """It is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            np.array([2, 0, 4, 1]),
            rng.normal(size=(4, 4)),
            shares(rng, 5),
        )
        assert_close(student.q_sample(*case), oracle.q_sample(*case), "x_t")

    @pytest.mark.parametrize("t", [0, 5])
    def test_first_and_last(self, student, oracle, rng, t):
        """t = 0 and t = T - 1 are legal steps, and are not the clean data"""
        case = rng.normal(size=(3, 2)), np.full(3, t), rng.normal(size=(3, 2)), shares(rng, 6)
        assert_close(student.q_sample(*case), oracle.q_sample(*case), "x_t")

    def test_without_noise(self, student, rng):
        """With noise 0 what is left of x0 is its root-alpha_bar-th part"""
        x0, alpha_bar = rng.normal(size=(3, 2)), np.array([0.81, 0.25, 0.04])
        x_t = student.q_sample(x0, np.array([2, 1, 0]), np.zeros((3, 2)), alpha_bar)
        assert_close(x_t, x0 * np.array([[0.2], [0.5], [0.9]]), "x_t")

    @shape
    def test_batch_of_one(self, student, rng):
        """A batch of one stays a batch"""
        assert_shape(
            student.q_sample(
                rng.normal(size=(1, 3)), np.array([1]), np.ones((1, 3)), shares(rng, 4)
            ),
            (1, 3),
        )

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers in x0 are fine"""
        case = (
            rng.randint(-3, 4, size=(4, 3)),
            steps(rng, 4, 5),
            rng.normal(size=(4, 3)),
            shares(rng, 5),
        )
        assert_close(student.q_sample(*case), oracle.q_sample(*case), "x_t")

    @robust
    def test_arguments_unchanged(self, student, rng):
        """x0, t, noise and alpha_bar are left as they were"""
        student.q_sample(
            rng.normal(size=(4, 3)), steps(rng, 4, 5), rng.normal(size=(4, 3)), shares(rng, 5)
        )
        assert_unchanged(student)


@pytest.mark.exercise("timestep_embedding")
class TestTimestepEmbedding:
    def test_by_hand(self, student):
        """dim 4 and max_period 100: sin t, sin t/10, cos t, cos t/10"""
        t, expected = (
            np.array([0, 3]),
            [[0, 0, 1, 1], [math.sin(3), math.sin(0.3), math.cos(3), math.cos(0.3)]],
        )
        assert_close(student.timestep_embedding(t, 4, 100), expected, "the embedding")

    @pytest.mark.parametrize("dim", [2, 6, 16])
    def test_values(self, student, oracle, rng, dim):
        """Sines first, then cosines, at frequencies that fall by equal factors"""
        t = rng.permutation(100)[:7]
        assert_close(
            student.timestep_embedding(t, dim), oracle.timestep_embedding(t, dim), "the embedding"
        )

    def test_max_period(self, student, oracle, rng):
        """max_period is the one that is asked for"""
        case = rng.permutation(60)[:5], 8, 50
        assert_close(
            student.timestep_embedding(*case), oracle.timestep_embedding(*case), "the embedding"
        )

    @pytest.mark.parametrize("dim", [3, 7])
    def test_odd(self, student, oracle, rng, dim):
        """An odd dim ends on a column of zeros"""
        t = rng.permutation(80)[:6]
        assert_close(
            student.timestep_embedding(t, dim), oracle.timestep_embedding(t, dim), "the embedding"
        )

    @shape
    def test_batch_of_one(self, student):
        """One step gives one row"""
        assert_shape(student.timestep_embedding(np.array([4]), 10), (1, 10), "the embedding")

    @robust
    def test_argument_unchanged(self, student, rng):
        """t is left as it was"""
        student.timestep_embedding(rng.permutation(9), 6)
        assert_unchanged(student)


# -- the way back
# ------------------------------------------------------------------------------------


@pytest.mark.exercise("predict_x0")
class TestPredictX0:
    def test_by_hand(self, student):
        """x_t = 2.2 with noise 1 at alpha_bar = 0.64 was x0 = 2"""
        x_t, eps = np.array([[2.2, -2.6], [0.4, -2.4]]), np.array([[1.0, 1.0], [-1.0, 0.0]])
        x0 = student.predict_x0(x_t, np.array([0, 1]), eps, np.array([0.64, 0.36]))
        assert_close(x0, [[2.0, -4.0], [2.0, -4.0]], "x0")

    @any_rank
    def test_any_rank(self, student, oracle, rng, size):
        """Numbers, points and images, each sample at its own step"""
        case = rng.normal(size=size), steps(rng, 5, 7), rng.normal(size=size), shares(rng, 7)
        assert_close(student.predict_x0(*case), oracle.predict_x0(*case), "x0")

    def test_square(self, student, oracle, rng):
        """It is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            np.array([2, 0, 4, 1]),
            rng.normal(size=(4, 4)),
            shares(rng, 5),
        )
        assert_close(student.predict_x0(*case), oracle.predict_x0(*case), "x0")

    @pytest.mark.parametrize("t", [0, 49], ids=["first", "last"])
    def test_first_and_last(self, student, oracle, rng, t):
        """It is right at t = 0 and at t = T - 1, where hardly any signal is left"""
        case = (
            rng.normal(size=(3, 2)),
            np.full(3, t),
            rng.normal(size=(3, 2)),
            np.cumprod(1 - chain(50)),
        )
        assert_close(student.predict_x0(*case), oracle.predict_x0(*case), "x0")

    def test_round_trip(self, student, rng):
        """What was noised comes back, at every step of a chain"""
        x0, noise, alpha_bar = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), shares(rng, 6)
        kept = alpha_bar[:, None]
        x_t = np.sqrt(kept) * x0 + np.sqrt(1 - kept) * noise
        assert_close(student.predict_x0(x_t, np.arange(6), noise, alpha_bar), x0, "x0")

    @shape
    def test_batch_of_one(self, student, rng):
        """A batch of one stays a batch"""
        x0 = student.predict_x0(
            rng.normal(size=(1, 3)), np.array([1]), np.ones((1, 3)), shares(rng, 4)
        )
        assert_shape(x0, (1, 3), "x0")

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers in x_t are fine"""
        case = (
            rng.randint(-3, 4, size=(4, 3)),
            steps(rng, 4, 5),
            rng.normal(size=(4, 3)),
            shares(rng, 5),
        )
        assert_close(student.predict_x0(*case), oracle.predict_x0(*case), "x0")

    @robust
    def test_arguments_unchanged(self, student, rng):
        """x_t, t, eps and alpha_bar are left as they were"""
        student.predict_x0(
            rng.normal(size=(4, 3)), steps(rng, 4, 5), rng.normal(size=(4, 3)), shares(rng, 5)
        )
        assert_unchanged(student)


@pytest.mark.exercise("posterior")
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
        """Betas 0.36 and 0.4375 at t = 1: the mean is 35/64 x0 + 27/64 x_t, the variance 63/256"""
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
    def test_values(self, student, oracle, case, i):
        """The mean is right for each sample's own step, and so is the variance (N,)"""
        actual = assert_parts(student.posterior_mean_variance(*case), self.names)[i]
        assert_close(actual, oracle.posterior_mean_variance(*case)[i], self.names[i])

    @any_rank
    def test_any_rank(self, student, oracle, rng, size):
        """Numbers, points and images have one variance a sample"""
        case = (
            rng.normal(size=size),
            rng.normal(size=size),
            steps(rng, 5, 4),
            rng.uniform(0.1, 0.6, size=4),
        )
        mean, variance = assert_parts(student.posterior_mean_variance(*case), self.names)
        right = oracle.posterior_mean_variance(*case)
        assert_close(mean, right[0], "mean")
        assert_close(variance, right[1], "variance")

    def test_square(self, student, oracle, rng):
        """The mean is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            rng.normal(size=(4, 4)),
            np.array([2, 0, 3, 1]),
            rng.uniform(0.1, 0.6, size=4),
        )
        mean = assert_parts(student.posterior_mean_variance(*case), self.names)[0]
        assert_close(mean, oracle.posterior_mean_variance(*case)[0], "mean")

    def test_first_step(self, student, rng):
        """At t = 0 there is nothing left to guess: the mean is x0 and the variance 0"""
        x0, x_1 = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
        result = student.posterior_mean_variance(
            x0, x_1, np.zeros(3, int), np.array([0.2, 0.4, 0.3])
        )
        mean, variance = assert_parts(result, self.names)
        assert_close(mean, x0, "mean")
        assert_close(variance, np.zeros(3), "variance")

    def test_last_step(self, student, oracle, rng):
        """It is right at t = T - 1 of a long chain"""
        case = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), np.full(2, 49), chain(50)
        mean, variance = assert_parts(student.posterior_mean_variance(*case), self.names)
        right = oracle.posterior_mean_variance(*case)
        assert_close(mean, right[0], "mean")
        assert_close(variance, right[1], "variance")

    def test_on_course(self, student, rng):
        """Where x_t is just what is left of x0, the mean is what was left one step before"""
        x0, betas = rng.normal(size=(4, 3)), rng.uniform(0.1, 0.6, size=5)
        left, t = np.sqrt(np.cumprod(1 - betas)), np.array([4, 1, 2, 3])
        result = student.posterior_mean_variance(x0, left[t][:, None] * x0, t, betas)
        assert_close(assert_parts(result, self.names)[0], left[t - 1][:, None] * x0, "mean")

    @shape
    def test_chain_of_one(self, student):
        """A chain of one step and a batch of one sample"""
        result = student.posterior_mean_variance(
            np.array([[2.0]]), np.array([[5.0]]), np.array([0]), np.array([0.4])
        )
        mean, variance = assert_parts(result, self.names)
        assert_close(mean, [[2.0]], "mean")
        assert_close(variance, [0.0], "variance")

    @robust
    def test_arguments_unchanged(self, student, case):
        """x0, x_t, t and betas are left as they were"""
        student.posterior_mean_variance(*case)
        assert_unchanged(student)


@pytest.mark.exercise("reverse_steps")
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
        """Betas 0.36 and 0.4375 at t = 1: (x_t - 0.546875 eps) / 0.75, and the noise
        0.496078 times
        """
        x_t, eps, noise = np.array([[1.1875, 0.0]]), np.array([[0.8, 0.0]]), np.array([[0.0, 1.0]])
        step = student.ddpm_step(x_t, np.array([1]), eps, np.array([0.36, 0.4375]), noise)
        assert_close(step, [[1.0, math.sqrt(63) / 16]], "x_{t-1}")

    def test_ddpm(self, student, oracle, case):
        """ddpm_step is right, each sample at its own step"""
        assert_close(student.ddpm_step(*case), oracle.ddpm_step(*case), "x_{t-1}")

    def test_ddpm_mean(self, student, oracle, case):
        """With noise 0 ddpm_step gives the mean"""
        case = (*case[:4], np.zeros((6, 2)))
        assert_close(student.ddpm_step(*case), oracle.ddpm_step(*case), "x_{t-1}")

    def test_ddpm_noise(self, student, oracle, rng, case):
        """The noise is scaled by the root of the posterior variance"""
        other = (*case[:4], rng.normal(size=(6, 2)))
        actual, right = (
            [numbers(f(*c), "x_{t-1}") for c in (case, other)]
            for f in (student.ddpm_step, oracle.ddpm_step)
        )
        assert_close(
            actual[0] - actual[1], right[0] - right[1], "the difference that another noise makes"
        )

    def test_ddpm_first_step(self, student, rng):
        """At t = 0 no noise is added: the step ends in the x0 that eps stands for"""
        x0, eps, noise = (rng.normal(size=(3, 2)) for _ in range(3))
        x_1 = 0.8 * x0 + 0.6 * eps
        assert_close(
            student.ddpm_step(x_1, np.zeros(3, int), eps, np.array([0.36, 0.5]), 9 * noise),
            x0,
            "x_{t-1}",
        )

    def test_ddpm_last_step(self, student, oracle, rng):
        """ddpm_step is right at t = T - 1 of a long chain"""
        case = (
            rng.normal(size=(3, 2)),
            np.full(3, 49),
            rng.normal(size=(3, 2)),
            chain(50),
            rng.normal(size=(3, 2)),
        )
        assert_close(student.ddpm_step(*case), oracle.ddpm_step(*case), "x_{t-1}")

    @any_rank
    def test_ddpm_any_rank(self, student, oracle, rng, size):
        """ddpm_step takes numbers, points and images"""
        case = (*self.points(rng, size, 4), rng.uniform(0.1, 0.6, size=4), rng.normal(size=size))
        assert_close(student.ddpm_step(*case), oracle.ddpm_step(*case), "x_{t-1}")

    @shape
    def test_ddpm_chain_of_one(self, student):
        """A chain of one step and a batch of one sample"""
        case = (
            np.array([[2.2]]),
            np.array([0]),
            np.array([[1.0]]),
            np.array([0.36]),
            np.array([[7.0]]),
        )
        assert_close(student.ddpm_step(*case), [[2.0]], "x_{t-1}")

    def test_ddim_by_hand(self, student):
        """From alpha_bar = 0.36 to 0.64: x_t = 1.4 with eps = 1 is x0 = 1, and 0.8 + 0.6 one step
        before
        """
        t, t_prev = np.array([1, 1]), np.array([0, -1])
        step = student.ddim_step(
            np.full((2, 1), 1.4), t, t_prev, np.ones((2, 1)), np.array([0.64, 0.36])
        )
        assert_close(step, [[1.4], [1.0]], "the step")

    def test_ddim(self, student, oracle, rng):
        """ddim_step jumps from any step to any earlier one"""
        x_t, _, eps = self.points(rng, (5, 3), 9)
        case = x_t, np.array([8, 5, 6, 3, 8]), np.array([7, 1, 0, 2, 4]), eps, shares(rng, 9)
        assert_close(student.ddim_step(*case), oracle.ddim_step(*case), "the step")

    def test_ddim_to_the_end(self, student, rng):
        """t_prev = -1 means x0 itself, from any step"""
        x0, eps, alpha_bar = rng.normal(size=(4, 2)), rng.normal(size=(4, 2)), shares(rng, 4)
        x_t = np.sqrt(alpha_bar)[:, None] * x0 + np.sqrt(1 - alpha_bar)[:, None] * eps
        assert_close(
            student.ddim_step(x_t, np.arange(4), np.full(4, -1), eps, alpha_bar), x0, "the step"
        )

    def test_ddim_mixed(self, student, oracle, rng):
        """-1 may stand beside other steps in t_prev"""
        x_t, _, eps = self.points(rng, (4, 2, 3, 2), 6)
        case = x_t, np.array([0, 5, 3, 5]), np.array([-1, 4, -1, 0]), eps, shares(rng, 6)
        assert_close(student.ddim_step(*case), oracle.ddim_step(*case), "the step")

    @any_rank
    def test_ddim_any_rank(self, student, oracle, rng, size):
        """ddim_step takes numbers, points and images"""
        x_t, _, eps = self.points(rng, size, 6)
        case = x_t, np.array([5, 2, 3, 1, 4]), np.array([4, 0, 1, -1, 2]), eps, shares(rng, 6)
        assert_close(student.ddim_step(*case), oracle.ddim_step(*case), "the step")

    @shape
    def test_ddim_chain_of_one(self, student):
        """A chain of one step and a batch of one sample: the only jump is to x0"""
        case = np.array([[2.2]]), np.array([0]), np.array([-1]), np.array([[1.0]]), np.array([0.64])
        assert_close(student.ddim_step(*case), [[2.0]], "the step")

    @robust
    def test_ddpm_arguments_unchanged(self, student, case):
        """x_t, t, eps, betas and noise are left as they were"""
        student.ddpm_step(*case)
        assert_unchanged(student)

    @robust
    def test_ddim_arguments_unchanged(self, student, rng):
        """x_t, t, t_prev, eps and alpha_bar are left as they were"""
        x_t, _, eps = self.points(rng, (3, 2), 4)
        student.ddim_step(x_t, np.array([3, 0, 1]), np.array([2, -1, -1]), eps, shares(rng, 4))
        assert_unchanged(student)


# -- what is learnt
# ----------------------------------------------------------------------------------


@pytest.mark.exercise("denoising_loss")
class TestDenoisingLoss:
    names = ("loss", "d_eps_pred")
    parts = ("x_t", "t", "noise")

    def test_by_hand(self, student):
        """Errors 1, 0, 2, -1 cost 6/4, and the gradient is half of them"""
        result = student.denoising_loss(
            np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])
        )
        loss, d = assert_parts(result, self.names)
        assert_scalar(loss, 1.5)
        assert_close(d, [[0.5, 0.0], [1.0, -0.5]], "d_eps_pred")

    @any_rank
    def test_loss(self, student, oracle, rng, size):
        """The loss is the mean over all entries, of numbers, points and images"""
        case = rng.normal(size=size), rng.normal(size=size)
        assert_scalar(
            assert_parts(student.denoising_loss(*case), self.names)[0],
            oracle.denoising_loss(*case)[0],
        )

    @gradient
    @any_rank
    def test_gradient(self, student, oracle, rng, size):
        """d_eps_pred is the gradient of that mean"""
        case = rng.normal(size=size), rng.normal(size=size)
        d = assert_parts(student.denoising_loss(*case), self.names)[1]
        assert_close(d, oracle.denoising_loss(*case)[1], "d_eps_pred")

    def test_of_nothing(self, student, rng):
        """A network that always says 0 has the loss of its noise, about 1; one that is
        right has 0
        """
        noise = rng.normal(size=(5, 3))
        assert_scalar(
            assert_parts(student.denoising_loss(np.zeros((5, 3)), noise), self.names)[0],
            np.mean(noise**2),
        )
        assert_scalar(assert_parts(student.denoising_loss(noise, noise), self.names)[0], 0.0)

    @robust
    def test_integers(self, student):
        """Whole numbers are fine"""
        loss, d = assert_parts(
            student.denoising_loss(np.array([[3, -1]]), np.array([[1, 0]])), self.names
        )
        assert_scalar(loss, 2.5)
        assert_close(d, [[2.0, -1.0]], "d_eps_pred")

    @robust
    def test_arguments_unchanged(self, student, rng):
        """What goes in is left as it was"""
        student.denoising_loss(rng.normal(size=(3, 2)), rng.normal(size=(3, 2)))
        assert_unchanged(student)
        student.training_batch(rng.normal(size=(3, 2)), shares(rng, 4), generator(rng))
        assert_unchanged(student)

    @pytest.mark.parametrize(
        "size", [(1, 3), (6, 2), (4, 2, 3, 5)], ids=["one", "points", "images"]
    )
    def test_batch_fits_together(self, student, rng, size):
        """x_t is just what x0 becomes at the steps t, with the very noise that is returned"""
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
        """Every step from 0 to T - 1 is drawn equally often"""
        _, t, _ = self.many(student, rng, 20, 3, 6, 200)  # 4,000 draws
        counts, each = np.array([np.sum(t == k) for k in range(6)]), t.size / 6
        assert_at_most(
            np.abs(counts - each).max(),
            6 * math.sqrt(each * 5 / 6),
            f"|count − {each:.0f}| of a step",
            counts,
        )

    def test_a_step_for_each_sample(self, student, rng):
        """Each sample has a step of its own: neighbours in a batch agree by chance only"""
        _, t, _ = self.many(student, rng, 20, 3, 6, 200)
        alike = np.mean(t[:, 1:] == t[:, :-1])
        assert_at_most(
            abs(alike - 1 / 6),
            6 * math.sqrt(5) / 6 / math.sqrt(3800),
            "|share of equal neighbours − 1/6|",
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
            "|share beyond 2 − 0.0455|",
            noise,
        )

    def test_noise_is_independent(self, student, rng):
        """Samples, features and batches have noises of their own, which say nothing of the data"""
        x0, _, noise = self.many(student, rng, 10, 4, 5, 300)
        pairs = [
            (noise[1:], noise[:-1]),
            (noise[:, 1:], noise[:, :-1]),
            (noise[..., 1:], noise[..., :-1]),
            (noise, x0),
        ]
        for (a, b), what in zip(
            pairs, ("of two batches", "of two samples", "of two features", "and the data")
        ):
            assert_at_most(
                abs(np.mean(a * b)),
                6 * a.std() * b.std() / math.sqrt(a.size),
                f"|mean product| {what}",
                noise,
            )

    def test_generator(self, student, rng):
        """All randomness comes from rng: the same seed gives the same batch, another gives
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


# -- a U-Net
# -----------------------------------------------------------------------------------------


def adjoint(student, name, x, dy):
    """<forward(x), dy> and <x, backward(dy)>: equal, where the backward belongs to the forward."""
    y = assert_shape(getattr(student, f"{name}_forward")(x), dy.shape, "y")
    dx = assert_shape(getattr(student, f"{name}_backward")(dy), x.shape, "dx")
    return float(np.sum(y * dy)), float(np.sum(x * dx))


@pytest.mark.exercise("unet_parts")
class TestUnetParts:
    samplers = pytest.mark.parametrize("name", ["upsample2x", "downsample2x"])

    def upstream(self, rng, name, n=2, c=3):
        """A random dL/dy for images (n, c, 4, 6)."""
        return rng.normal(size=(n, c, 8, 12) if name == "upsample2x" else (n, c, 2, 3))

    def test_up_by_hand(self, student):
        """Each pixel becomes a block of four"""
        y = student.upsample2x_forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
        assert_close(y, [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]], "y")

    def test_down_by_hand(self, student):
        """Each block of four becomes its mean"""
        y = student.downsample2x_forward(np.array([[[[1.0, 3.0, 0.0, 8.0], [5.0, 7.0, 0.0, 0.0]]]]))
        assert_close(y, [[[[4.0, 2.0]]]], "y")

    @samplers
    def test_forward(self, student, oracle, rng, name):
        """Several images of several channels, wider than high"""
        x = rng.normal(size=(2, 3, 4, 6))
        f = f"{name}_forward"
        assert_close(getattr(student, f)(x), getattr(oracle, f)(x), "y")

    @gradient
    def test_up_backward_by_hand(self, student):
        """A pixel that was copied four times gets four shares of the gradient"""
        dx = student.upsample2x_backward(np.array([[[[1.0, 2.0, 0.0, 1.0], [3.0, 4.0, 0.0, 1.0]]]]))
        assert_close(dx, [[[[10.0, 2.0]]]], "dx")

    @gradient
    def test_down_backward_by_hand(self, student):
        """Each of the four pixels of a mean gets a quarter"""
        dx = student.downsample2x_backward(np.array([[[[4.0, -8.0]]]]))
        assert_close(dx, [[[[1.0, 1.0, -2.0, -2.0], [1.0, 1.0, -2.0, -2.0]]]], "dx")

    @gradient
    @samplers
    def test_backward(self, student, oracle, rng, name):
        """The gradient is right for several images of several channels"""
        x, dy, f = rng.normal(size=(2, 3, 4, 6)), self.upstream(rng, name), f"{name}_backward"
        dx = getattr(student, f)(dy)
        assert_gradient(
            dx, getattr(oracle, f)(dy), "dx", getattr(student, f"{name}_forward"), x, dy
        )

    @gradient
    @samplers
    def test_adjoint(self, student, rng, name):
        """Forward and backward belong together: y times dy is x times dx"""
        there, back = adjoint(
            student, name, rng.normal(size=(2, 3, 4, 6)), self.upstream(rng, name)
        )
        assert_close(there, back, "the sum of y dy, beside that of x dx")

    @gradient
    @samplers
    def test_linear(self, student, rng, name):
        """The gradient is linear in dy"""
        u, v = self.upstream(rng, name), self.upstream(rng, name)
        f = getattr(student, f"{name}_backward")
        assert_linear(lambda dy: assert_shape(f(dy), (2, 3, 4, 6), "dx"), u, v)

    def test_there_and_back(self, student, rng):
        """Up and then down again is where one began"""
        x = rng.normal(size=(2, 2, 3, 1))
        y = assert_shape(student.upsample2x_forward(x), (2, 2, 6, 2), "y")
        assert_close(student.downsample2x_forward(y), x, "the image")

    def test_concat(self, student, rng):
        """x comes first, the skip behind it, along the channels"""
        x, skip = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 1, 4, 5))
        y = assert_shape(student.skip_concat_forward(x, skip), (2, 4, 4, 5), "y")
        assert_close(y[:, :3], x, "y[:, :3]")
        assert_close(y[:, 3:], skip, "y[:, 3:]")

    @gradient
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_concat_backward(self, student, rng, channels):
        """The gradient is cut behind the channels of x"""
        dy = rng.normal(size=(3, 5, 2, 4))
        dx, dskip = assert_parts(student.skip_concat_backward(dy, channels), ["dx", "dskip"])
        assert_close(dx, dy[:, :channels], "dx")
        assert_close(dskip, dy[:, channels:], "dskip")

    def test_time(self, student, oracle, rng):
        """Every pixel of a channel gets the same shift, each sample its own"""
        x, shift = rng.normal(size=(3, 2, 4, 5)), rng.normal(size=(3, 2))
        assert_close(student.add_time_forward(x, shift), oracle.add_time_forward(x, shift), "y")

    def test_time_square(self, student, oracle, rng):
        """The shift goes to samples and channels, also where these are as many as rows and
        columns
        """
        x, shift = rng.normal(size=(3, 3, 3, 3)), rng.normal(size=(3, 3))
        assert_close(student.add_time_forward(x, shift), oracle.add_time_forward(x, shift), "y")

    @gradient
    @pytest.mark.parametrize("size", [(3, 2, 4, 5), (1, 1, 2, 3)], ids=["batch", "one"])
    def test_time_backward(self, student, oracle, rng, size):
        """dx is dy, and dshift its sum over the pixels"""
        dy = rng.normal(size=size)
        dx, dshift = assert_parts(student.add_time_backward(dy), ["dx", "dshift"])
        assert_close(dx, dy, "dx")
        assert_close(dshift, oracle.add_time_backward(dy)[1], "dshift")

    @shape
    @samplers
    def test_smallest(self, student, rng, name):
        """One image of one channel, as small as can be"""
        size = (1, 1, 1, 1) if name == "upsample2x" else (1, 1, 2, 2)
        out = (1, 1, 2, 2) if name == "upsample2x" else (1, 1, 1, 1)
        assert_shape(getattr(student, f"{name}_forward")(rng.normal(size=size)), out, "y")
        assert_shape(getattr(student, f"{name}_backward")(rng.normal(size=out)), size, "dx")

    @robust
    def test_integers(self, student):
        """Whole numbers in an image give the right fractions"""
        assert_close(
            student.downsample2x_forward(np.array([[[[1, 0], [1, 1]]]])), [[[[0.75]]]], "y"
        )
        assert_close(
            student.add_time_forward(np.array([[[[1, 2]]]]), np.array([[0.5]])),
            [[[[1.5, 2.5]]]],
            "y",
        )

    @robust
    @pytest.mark.parametrize("name", ["upsample2x", "downsample2x", "skip_concat", "add_time"])
    def test_arguments_unchanged(self, student, rng, name):
        """What goes in is left as it was"""
        x, dy = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 4, 2))
        more = {
            "skip_concat": [rng.normal(size=(2, 1, 4, 2))],
            "add_time": [rng.normal(size=(2, 3))],
        }.get(name, [])
        getattr(student, f"{name}_forward")(x, *more)
        assert_unchanged(student)
        getattr(student, f"{name}_backward")(dy, *([1] if name == "skip_concat" else []))
        assert_unchanged(student)


def unet_case(rng, n=2, size=(4, 6), channels=(2, 3, 5, 4), width=7):
    """Parameters, images and embeddings for a U-Net with these channels: image, then h1, h2, h3."""
    c, c1, c2, c3 = channels
    shapes = {"1": (c1, c), "2": (c2, c1), "3": (c3, c2 + c1), "4": (c, c3)}
    params = {
        f"W{i}": rng.normal(size=(*s, 3, 3)) / math.sqrt(4.5 * s[1]) for i, s in shapes.items()
    }
    params |= {f"b{i}": 0.5 * rng.normal(size=s[0]) for i, s in shapes.items()}
    params |= {
        "Wt": rng.normal(size=(width, c2)) / math.sqrt(width),
        "bt": 0.5 * rng.normal(size=c2),
    }
    return params, rng.normal(size=(n, c, *size)), rng.normal(size=(n, width))


@pytest.mark.exercise("unet")
class TestUnet:
    @pytest.fixture
    def case(self, rng):
        return unet_case(rng)

    @pytest.fixture
    def by_hand(self):
        """Kernels with a middle only, so that every pixel goes its own way."""
        params = {f"W{i}": np.zeros((1, 2 if i == 3 else 1, 3, 3)) for i in (1, 2, 3, 4)}
        params |= {
            "b1": [-2.0],
            "b2": [0.5],
            "b3": [0.0],
            "b4": [1.0],
            "Wt": [[-1.0], [2.0]],
            "bt": [1.0],
        }
        for i, middle in ((1, [1.0]), (2, [2.0]), (3, [1.0, 10.0]), (4, [0.5])):
            params[f"W{i}"][0, :, 1, 1] = middle
        params = {name: np.array(tensor) for name, tensor in params.items()}
        return params, np.array([[[[1.0, 3.0], [5.0, 7.0]]]]), np.array([[2.0, 0.0]])

    def test_by_hand(self, student, by_hand):
        """A U-Net of one channel worked by hand comes out right"""
        # h1 = (0 1; 3 5), its mean 2.25, h2 = 2 · 2.25 + 0.5 - 2 + 1 = 4, h3 = 4 + 10 h1, y = h3 /
        # 2 + 1
        assert_close(student.unet_forward(*by_hand), [[[[3.0, 8.0], [18.0, 28.0]]]], "y")

    def test_forward(self, student, oracle, case):
        """The forward pass is right for several images of several channels"""
        assert_close(student.unet_forward(*case), oracle.unet_forward(*case), "y")

    def test_one_channel(self, student, oracle, rng):
        """It is right for 8 x 8 images of one channel"""
        case = unet_case(rng, n=3, size=(8, 8), channels=(1, 4, 6, 5), width=4)
        assert_close(student.unet_forward(*case), oracle.unet_forward(*case), "y")

    def test_more_in_than_out(self, student, oracle, rng):
        """A network may be fed more channels than it returns"""
        params, x, t_emb = unet_case(rng, channels=(5, 3, 4, 6))
        params |= {"W4": params["W4"][:2], "b4": params["b4"][:2]}
        y, grads = (
            student.unet_forward(params, x, t_emb),
            student.unet_backward(x[:, :2], params, x, t_emb),
        )
        assert_close(y, oracle.unet_forward(params, x, t_emb), "y")
        assert_gradients(grads, oracle.unet_backward(x[:, :2], params, x, t_emb))

    def test_time_matters(self, student, rng, case):
        """Another t_emb gives another answer, and each sample has its own"""
        params, x, t_emb = case
        first = assert_shape(student.unet_forward(params, x, t_emb), x.shape, "y")
        other = t_emb.copy()
        other[1] += rng.normal(size=7)
        second = assert_shape(student.unet_forward(params, x, other), x.shape, "y")
        assert_close(second[0], first[0], "y[0], whose t_emb is the same")
        expect(
            np.abs(second[1] - first[1]).max() > 1e-6, "y[1] is the same for another t_emb", second
        )

    @gradient
    def test_gradient_by_hand(self, student, by_hand):
        """The gradients of the U-Net worked by hand are right, for dy = 1 at the last pixel"""
        dy = np.array([[[[0.0, 0.0], [0.0, 1.0]]]])
        grads = student.unet_backward(dy, *by_hand)
        right = {name: np.zeros(tensor.shape) for name, tensor in by_hand[0].items()}
        # dh3 = W4 dy = 1/2 there, so the shift gets 1/2, h1 gets 10/2 by the skip and 1/2 · 2 / 4
        # by way of the mean
        right |= {
            "b4": [1.0],
            "b3": [0.5],
            "b2": [0.5],
            "bt": [0.5],
            "Wt": [[1.0], [0.0]],
            "b1": [5.75],
        }
        right["W4"][0, 0] = [[4, 14, 0], [34, 54, 0], [0, 0, 0]]
        right["W3"][0] = [
            [[2, 2, 0], [2, 2, 0], [0, 0, 0]],
            [[0, 0.5, 0], [1.5, 2.5, 0], [0, 0, 0]],
        ]
        right["W2"][0, 0, 1, 1] = 0.5 * 2.25
        right["W1"][0, 0] = [[5.25, 16, 0.75], [26.5, 38.75, 1.75], [1.25, 1.75, 0]]
        assert_gradients(grads, right)

    @gradient
    def test_gradients(self, student, oracle, rng, case):
        """The gradients of all ten tensors are right"""
        dy = rng.normal(size=case[1].shape)
        assert_gradients(student.unet_backward(dy, *case), oracle.unet_backward(dy, *case))

    @gradient
    def test_gradients_square(self, student, oracle, rng):
        """They are right where all channels and sides are alike and a wrong axis would fit"""
        case = unet_case(rng, n=4, size=(4, 4), channels=(4, 4, 4, 4), width=4)
        dy = rng.normal(size=case[1].shape)
        assert_gradients(student.unet_backward(dy, *case), oracle.unet_backward(dy, *case))

    @gradient
    def test_batch_of_one(self, student, oracle, rng):
        """One small image of one channel"""
        case = unet_case(rng, n=1, size=(2, 2), channels=(1, 2, 3, 2), width=2)
        dy = rng.normal(size=(1, 1, 2, 2))
        assert_close(student.unet_forward(*case), oracle.unet_forward(*case), "y")
        assert_gradients(student.unet_backward(dy, *case), oracle.unet_backward(dy, *case))

    @gradient
    def test_linear(self, student, rng, case):
        """The gradients are linear in dy"""
        params, x, t_emb = case

        def backward(dy):
            grads = assert_tensors(student.unet_backward(dy, *case), params)
            return np.concatenate([grads[name].ravel() for name in sorted(params)])

        assert_linear(backward, rng.normal(size=x.shape), rng.normal(size=x.shape), "the gradients")

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """dy, params, x and t_emb are left as they were"""
        student.unet_forward(*case)
        assert_unchanged(student)
        student.unet_backward(rng.normal(size=case[1].shape), *case)
        assert_unchanged(student)


@pytest.mark.exercise("ema")
class TestEma:
    @pytest.fixture
    def pair(self, rng):
        shapes = {"W1": (3, 2), "b1": (2,), "scale": ()}
        return tuple(
            {name: np.asarray(rng.normal(size=size)) for name, size in shapes.items()}
            for _ in range(2)
        )

    def test_by_hand(self, student):
        """With decay 0.9 the average 10 moves to 9 when the parameter is 0"""
        moved = student.ema_update({"w": np.array([10.0, 0.0])}, {"w": np.array([0.0, 5.0])}, 0.9)
        assert_tensors(moved, {"w": np.zeros(2)}, "the average")
        assert_close(moved["w"], [9.0, 0.5], "the average['w']")

    def test_values(self, student, oracle, pair):
        """Every tensor is averaged with its own"""
        assert_gradients(
            student.ema_update(*pair, 0.7), oracle.ema_update(*pair, 0.7), "the average"
        )

    @pytest.mark.parametrize("decay", [0.0, 1.0])
    def test_limits(self, student, pair, decay):
        """Decay 0 takes the parameters, decay 1 keeps the average"""
        assert_gradients(
            student.ema_update(*pair, decay), pair[0] if decay else pair[1], "the average"
        )

    def test_many_steps(self, student, oracle, rng):
        """Ten steps, each from the average before"""
        mine, right = {"w": np.zeros(3)}, {"w": np.zeros(3)}
        for _ in range(10):
            params = {"w": rng.normal(size=3)}
            mine = assert_tensors(student.ema_update(mine, params, 0.8), params, "the average")
            right = oracle.ema_update(right, params, 0.8)
        assert_gradients(mine, right, "the average")

    @robust
    def test_arguments_unchanged(self, student, pair):
        """shadow and params are left as they were"""
        student.ema_update(*pair, 0.9)
        assert_unchanged(student)


# -- points in the plane
# -----------------------------------------------------------------------------


def excess(student, params, rng, betas, mean, spread, n=4000):
    """By how much the loss of the student's network on a Gaussian cloud is above that of one that
    makes no error.
    """
    alpha_bar, t = np.cumprod(1 - betas), rng.randint(len(betas), size=n)
    noise, kept = rng.normal(size=(n, 2)), alpha_bar[t][:, None]
    x_t = np.sqrt(kept) * (mean + spread * rng.normal(size=(n, 2))) + np.sqrt(1 - kept) * noise
    best = np.sqrt(1 - kept) * (x_t - np.sqrt(kept) * mean) / (kept * spread**2 + 1 - kept)
    guess = assert_finite(assert_shape(student.denoise(params, x_t, t), (n, 2), "eps"), "eps")
    return float(np.mean((guess - best) ** 2))  # the expected losses differ by just this


@pytest.mark.exercise("train_denoiser")
class TestTrainDenoiser:
    @pytest.fixture
    def cloud(self, rng):  # off the middle, longer than wide
        mean, spread = rng.choice([-1, 1], size=2) * np.array([0.8, 0.5]), np.array([0.5, 0.2])
        return mean, spread, mean + spread * rng.normal(size=(500, 2))

    @shape
    @pytest.mark.parametrize("n", [7, 1])
    def test_shape(self, student, rng, n):
        """denoise gives a guess (n, 2) for each point, also for a single one"""
        params = student.train_denoiser(rng.normal(size=(40, 2)), 30, generator(rng), 2)
        eps = student.denoise(params, rng.normal(size=(n, 2)), rng.permutation(30)[:n])
        assert_finite(assert_shape(eps, (n, 2), "eps"), "eps")

    def test_each_on_its_own(self, student, rng):
        """The guess for a point depends on that point and its t alone, not on the others in the
        batch
        """
        params = student.train_denoiser(rng.normal(size=(40, 2)), 25, generator(rng), 5)
        x_t, t = rng.normal(size=(6, 2)), np.array([0, 24, 7, 7, 13, 24])
        eps = assert_finite(assert_shape(student.denoise(params, x_t, t), (6, 2), "eps"), "eps")
        alone = [
            assert_shape(student.denoise(params, x_t[i : i + 1], t[i : i + 1]), (1, 2))[0]
            for i in range(6)
        ]
        assert_close(eps, np.array(alone), "eps, beside each point alone")

    def test_generator(self, student, rng):
        """All randomness comes from rng: the same seed trains the same network, another another"""
        x0, seed, x_t, t = (
            rng.normal(size=(60, 2)),
            generator(rng),
            rng.normal(size=(9, 2)),
            rng.randint(30, size=9),
        )
        first, again, other = (
            assert_shape(
                student.denoise(student.train_denoiser(x0, 30, s, 5), x_t, t), (9, 2), "eps"
            )
            for s in (seed, seed, generator(rng))
        )
        assert_close(again, first, "eps of the same seed")
        expect(np.abs(first - other).max() > 1e-6, "two seeds give the same network", first)

    def test_one_update(self, student, rng, cloud):
        """steps is the number of updates: a single one teaches little"""
        params = student.train_denoiser(cloud[2], 30, generator(rng), 1)
        above = excess(student, params, rng, chain(30), *cloud[:2])
        assert_at_least(
            above, 0.15, "how far the loss is above the least possible, after one update", above
        )

    @convergence
    @pytest.mark.weight(3)
    def test_cloud(self, student, rng, cloud):
        """After 300 updates the noise in one cloud is guessed nearly as well as it can be"""
        seed = generator(rng)

        def above(steps):
            return excess(
                student,
                student.train_denoiser(cloud[2], 30, seed, steps),
                rng,
                chain(30),
                *cloud[:2],
            )

        reached = above(300)
        with on_the_way(student, 300, "steps", above):
            assert_at_most(reached, 0.12, "how far the loss is above the least possible", reached)

    @convergence
    @pytest.mark.weight(4)
    def test_ring(self, student, rng):
        """After 1,500 updates on eight heaps, points drawn from noise fall into the heaps, and into
        all of them
        """
        x0, middles = ring(rng, 2000)
        seeds = generator(rng), generator(rng)

        def sampled(steps):
            params = student.train_denoiser(x0, 50, seeds[0], steps)
            points = student.probes.points_from_your_network(params, chain(50), 1000, seeds[1])
            return assert_finite(assert_shape(points, (1000, 2), "the points"))

        points = sampled(1500)
        share, fewest = on_the_ring(points, middles)
        with on_the_way(student, 1500, "steps", lambda n: on_the_ring(sampled(n), middles)[0]):
            assert_at_least(share, 0.75, "the share of points in a heap", points)
        assert_at_least(fewest, 50, "the number of points in the emptiest heap", points)

    @robust
    def test_arguments_unchanged(self, student, rng):
        """x0, params, x_t and t are left as they were"""
        params = student.train_denoiser(rng.normal(size=(50, 2)), 30, generator(rng), 2)
        assert_unchanged(student)
        student.denoise(params, rng.normal(size=(4, 2)), np.array([0, 29, 3, 11]))
        assert_unchanged(student)


@pytest.mark.exercise("sample_ddpm")
class TestSampleDdpm:
    @pytest.fixture
    def cloud(self, rng):
        mean = rng.choice([-1, 1], size=2) * np.array([1.5, 0.6])
        return {"middles": mean[None], "spread": np.array([0.5, 0.9])}

    def drawn(self, student, rng, cloud, n, betas):
        """Points (n, 2) of the student's sampler with a network that makes no error."""
        points = student.probes.points_from_a_perfect_network(cloud, n, betas, generator(rng))
        return assert_finite(assert_shape(points, (n, 2), "the points"), "the points")

    @shape
    @pytest.mark.parametrize("n", [1, 7])
    def test_shape(self, student, rng, cloud, n):
        """n points (n, 2), also a single one"""
        self.drawn(student, rng, cloud, n, chain(30))

    @pytest.mark.parametrize("T", [1, 6])
    def test_steps(self, student, rng, T):
        """denoise is asked for every t from T - 1 down to 0, as an array of n integers"""
        asked = student.probes.steps_that_your_sampler_asks_for(
            5, rng.uniform(0.1, 0.5, size=T), generator(rng)
        )
        for t, size in asked:
            shapes = f"t {np.shape(t)} and x_t {tuple(size)}"
            fits = (
                np.ndim(t) == 1 and np.asarray(t).dtype.kind in "iu" and list(size) == [len(t), 2]
            )
            expect(
                fits, f"denoise got {shapes}, expected t as n whole numbers and x_t (n, 2)", asked
            )
        order = [int(t[0]) for t, _ in asked]
        right = list(range(T - 1, -1, -1))
        expect(
            sorted(set(order), reverse=True) == right,
            f"the steps are {order[:9]}, expected {right}",
            asked,
        )

    # By how much chance moves mean and variance: 6 standard errors of 10,000 points.
    @pytest.mark.parametrize("T", [1, 2, 5])
    def test_law(self, student, rng, cloud, T):
        """For a network without error, mean and spread of the points are what the chain
        must give
        """
        betas = rng.uniform(0.2, 0.7, size=T)
        points = self.drawn(student, rng, cloud, 10_000, betas)
        mean, variance = law(cloud["middles"][0], cloud["spread"], betas)
        off = np.abs(points.mean(axis=0) - mean).max() / np.sqrt(variance.max())
        assert_at_most(off, 6 / math.sqrt(10_000), "how far the mean is off, in spreads", points)
        ratio = points.var(axis=0) / np.maximum(variance, 1e-12)
        assert_at_most(
            np.abs(ratio - 1).max(),
            6 * math.sqrt(2 / 10_000),
            "|variance / what it should be − 1|",
            points,
        )

    def test_recovers_the_cloud(self, student, rng, cloud):
        """A hundred steps give back the cloud: its mean to 0.05, its spread to 12 %"""
        points = self.drawn(student, rng, cloud, 10_000, chain(100))
        assert_at_most(
            np.abs(points.mean(axis=0) - cloud["middles"]).max(),
            0.05,
            "how far the mean is off",
            points,
        )
        off = np.abs(points.std(axis=0) / cloud["spread"] - 1).max()
        assert_at_most(off, 0.12, "how far the spread is off", points)

    def test_independent(self, student, rng, cloud):
        """Every point and every coordinate is drawn for itself"""
        points = self.drawn(student, rng, cloud, 5000, rng.uniform(0.2, 0.7, size=4))
        z = (points - points.mean(axis=0)) / (points.std(axis=0) + 1e-12)
        for product, what in ((z[:, 0] * z[:, 1], "coordinates"), (z[1:] * z[:-1], "neighbours")):
            assert_at_most(
                abs(product.mean()),
                6 / math.sqrt(product.size),
                f"the correlation of {what}",
                points,
            )

    def test_generator(self, student, rng, cloud):
        """All randomness comes from rng: the same seed gives the same points, another gives
        others
        """
        seed, betas = generator(rng), np.full(4, 0.3)
        first, again, other = (
            student.probes.points_from_a_perfect_network(cloud, 6, betas, s)
            for s in (seed, seed, generator(rng))
        )
        assert_close(
            again, assert_shape(first, (6, 2), "the points"), "the points of the same seed"
        )
        expect(
            np.abs(assert_shape(other, (6, 2)) - first).min() > 0,
            "two seeds give the same points",
            first,
        )

    @convergence
    def test_moons(self, student, rng):
        """With a network that knows two moons by heart, the points lie like fresh data"""
        cloud = {"middles": moons_middles(24), "spread": MOONS_SPREAD}
        points = self.drawn(student, rng, cloud, 1500, chain(50))
        assert_at_most(
            energy_distance(points, moons(rng, 1000)),
            0.012,
            "the energy distance to fresh data",
            points,
        )

    @robust
    def test_arguments_unchanged(self, student, rng, cloud):
        """betas are left as they were"""
        self.drawn(student, rng, cloud, 3, chain(25))
        assert_unchanged(student)
