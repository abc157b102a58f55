"""Checks of 08-ddpm: the forward process."""

import math

import numpy as np
import pytest

from autograder.checks.ddpm.cases import any_rank, chain, shares, steps
from autograder.testing import (
    assert_at_most,
    assert_close,
    assert_finite,
    assert_shape,
    exercise,
    numbers,
    robust,
    shape,
)

# -- the chain forward
# -------------------------------------------------------------------------------


@exercise("schedules")
class TestSchedules:
    def test_linear_by_hand(self, student):
        """linear_betas(5, 0.1, 0.3) is 0.1, 0.15, 0.2, 0.25, 0.3"""
        assert_close(student.linear_betas(5, 0.1, 0.3), [0.1, 0.15, 0.2, 0.25, 0.3], "the betas")

    @pytest.mark.parametrize("T", [7, 1000])
    def test_linear_defaults(self, same, T):
        """linear_betas goes from 0.0001 to 0.02 if no limits are given"""
        assert_close(*same.linear_betas(T), "the betas")

    @shape
    def test_linear_one_step(self, student):
        """A chain of one step has one beta, the start value"""
        assert_close(student.linear_betas(1, 0.3, 0.9), [0.3], "the betas")

    def test_cosine_by_hand(self, student):
        """cosine_alpha_bars(3) with s = 0 is 3/4, 1/4, 0: the squared cosines of 30, 60 and 90
        degrees
        """
        assert_close(student.cosine_alpha_bars(3, 0.0), [0.75, 0.25, 0.0], "the alpha_bars")

    def test_cosine_defaults(self, same):
        """cosine_alpha_bars is right with the default s"""
        assert_close(*same.cosine_alpha_bars(9), "the alpha_bars")

    def test_cosine_offset(self, same):
        """cosine_alpha_bars uses the s that it is given"""
        assert_close(*same.cosine_alpha_bars(8, 0.3), "the alpha_bars")

    @pytest.mark.parametrize("T", [1, 4])
    def test_cosine_ends_in_noise(self, student, T):
        """The last alpha_bar of the cosine schedule is 0: it is not clipped"""
        last = assert_finite(assert_shape(student.cosine_alpha_bars(T), (T,), "the alpha_bars"))[-1]
        assert_at_most(abs(last), 1e-6, "the size of the last alpha_bar", last)

    def test_alpha_bars_by_hand(self, student):
        """The betas 1/2, 1/5, 1/2 give the alpha_bars 1/2, 2/5, 1/5"""
        assert_close(
            student.alpha_bars(np.array([0.5, 0.2, 0.5])), [0.5, 0.4, 0.2], "the alpha_bars"
        )

    def test_alpha_bars(self, same, rng):
        """alpha_bars is the product of 1 - beta up to and including each step"""
        betas = rng.uniform(0.05, 0.6, size=6)
        assert_close(*same.alpha_bars(betas), "the alpha_bars")

    def test_thousand_steps(self, same):
        """After a thousand steps of the linear chain, alpha_bar is about 4e-5"""
        betas = np.linspace(1e-4, 0.02, 1000)
        mine, right = same.alpha_bars(betas)
        last = numbers(mine, "the alpha_bars").ravel()[-1]
        assert_close(last, right[-1], "the last alpha_bar", tolerance=1e-3)

    @shape
    def test_alpha_bars_one_step(self, student):
        """A chain of one step has one alpha_bar"""
        assert_close(student.alpha_bars(np.array([0.25])), [0.75], "the alpha_bars")

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """betas are not changed"""
        unchanged.alpha_bars(rng.uniform(0.05, 0.6, size=6))


@exercise("q_sample")
class TestQSample:
    def test_by_hand(self, student):
        """At alpha_bar = 0.64, x_t is 0.8 x0 + 0.6 noise"""
        x0, noise = np.array([[2.0, -4.0], [2.0, -4.0]]), np.array([[1.0, 1.0], [-1.0, 0.0]])
        x_t = student.q_sample(x0, np.array([0, 1]), noise, np.array([0.64, 0.36]))
        assert_close(x_t, [[2.2, -2.6], [0.4, -2.4]], "x_t")

    @any_rank
    def test_any_rank(self, same, rng, size):
        """Numbers, points and images are right, and each sample uses its own step"""
        case = rng.normal(size=size), steps(rng, 5, 7), rng.normal(size=size), shares(rng, 7)
        assert_close(*same.q_sample(*case), "x_t")

    def test_square(self, same, rng):
        """The result is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            np.array([2, 0, 4, 1]),
            rng.normal(size=(4, 4)),
            shares(rng, 5),
        )
        assert_close(*same.q_sample(*case), "x_t")

    @pytest.mark.parametrize("t", [0, 5])
    def test_first_and_last(self, same, rng, t):
        """t = 0 and t = T - 1 are right; noise is added at t = 0 too"""
        case = rng.normal(size=(3, 2)), np.full(3, t), rng.normal(size=(3, 2)), shares(rng, 6)
        assert_close(*same.q_sample(*case), "x_t")

    def test_without_noise(self, student, rng):
        """With noise 0, x_t is x0 times the square root of alpha_bar"""
        x0, alpha_bar = rng.normal(size=(3, 2)), np.array([0.81, 0.25, 0.04])
        x_t = student.q_sample(x0, np.array([2, 1, 0]), np.zeros((3, 2)), alpha_bar)
        assert_close(x_t, x0 * np.array([[0.2], [0.5], [0.9]]), "x_t")

    @shape
    def test_batch_of_one(self, student, rng):
        """A batch of one sample keeps its batch axis"""
        assert_shape(
            student.q_sample(
                rng.normal(size=(1, 3)), np.array([1]), np.ones((1, 3)), shares(rng, 4)
            ),
            (1, 3),
        )

    @robust
    def test_integers(self, same, rng):
        """Integer x0 give the right values"""
        case = (
            rng.randint(-3, 4, size=(4, 3)),
            steps(rng, 4, 5),
            rng.normal(size=(4, 3)),
            shares(rng, 5),
        )
        assert_close(*same.q_sample(*case), "x_t")

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """x0, t, noise and alpha_bar are not changed"""
        unchanged.q_sample(
            rng.normal(size=(4, 3)), steps(rng, 4, 5), rng.normal(size=(4, 3)), shares(rng, 5)
        )


@exercise("timestep_embedding")
class TestTimestepEmbedding:
    def test_by_hand(self, student):
        """dim 4 and max_period 100 give sin t, sin t/10, cos t, cos t/10"""
        t, expected = (
            np.array([0, 3]),
            [[0, 0, 1, 1], [math.sin(3), math.sin(0.3), math.cos(3), math.cos(0.3)]],
        )
        assert_close(student.timestep_embedding(t, 4, 100), expected, "the embedding")

    @pytest.mark.parametrize("dim", [2, 6, 16])
    def test_values(self, same, rng, dim):
        """The sines come first, then the cosines, and the frequencies fall by a constant factor"""
        t = rng.permutation(100)[:7]
        assert_close(*same.timestep_embedding(t, dim), "the embedding")

    def test_max_period(self, same, rng):
        """timestep_embedding uses the max_period that it is given"""
        case = rng.permutation(60)[:5], 8, 50
        assert_close(*same.timestep_embedding(*case), "the embedding")

    @pytest.mark.parametrize("dim", [3, 7])
    def test_odd(self, same, rng, dim):
        """If dim is odd, the last column is zero"""
        t = rng.permutation(80)[:6]
        assert_close(*same.timestep_embedding(t, dim), "the embedding")

    @shape
    def test_batch_of_one(self, student):
        """One step gives one row"""
        assert_shape(student.timestep_embedding(np.array([4]), 10), (1, 10), "the embedding")

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """t is not changed"""
        unchanged.timestep_embedding(rng.permutation(9), 6)


# -- the way back
# ------------------------------------------------------------------------------------


@exercise("predict_x0")
class TestPredictX0:
    def test_by_hand(self, student):
        """x_t = 2.2 and noise 1 at alpha_bar = 0.64 give x0 = 2"""
        x_t, eps = np.array([[2.2, -2.6], [0.4, -2.4]]), np.array([[1.0, 1.0], [-1.0, 0.0]])
        x0 = student.predict_x0(x_t, np.array([0, 1]), eps, np.array([0.64, 0.36]))
        assert_close(x0, [[2.0, -4.0], [2.0, -4.0]], "x0")

    @any_rank
    def test_any_rank(self, same, rng, size):
        """Numbers, points and images are right, and each sample uses its own step"""
        case = rng.normal(size=size), steps(rng, 5, 7), rng.normal(size=size), shares(rng, 7)
        assert_close(*same.predict_x0(*case), "x0")

    def test_square(self, same, rng):
        """The result is right when there are as many samples as features"""
        case = (
            rng.normal(size=(4, 4)),
            np.array([2, 0, 4, 1]),
            rng.normal(size=(4, 4)),
            shares(rng, 5),
        )
        assert_close(*same.predict_x0(*case), "x0")

    @pytest.mark.parametrize("t", [0, 49], ids=["first", "last"])
    def test_first_and_last(self, same, rng, t):
        """t = 0 and t = T - 1 are right, even if almost no signal is left"""
        case = (
            rng.normal(size=(3, 2)),
            np.full(3, t),
            rng.normal(size=(3, 2)),
            np.cumprod(1 - chain(50)),
        )
        assert_close(*same.predict_x0(*case), "x0")

    def test_round_trip(self, student, rng):
        """predict_x0 recovers the x0 that q_sample noised, at every step of a chain"""
        x0, noise, alpha_bar = rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), shares(rng, 6)
        kept = alpha_bar[:, None]
        x_t = np.sqrt(kept) * x0 + np.sqrt(1 - kept) * noise
        assert_close(student.predict_x0(x_t, np.arange(6), noise, alpha_bar), x0, "x0")

    @shape
    def test_batch_of_one(self, student, rng):
        """A batch of one sample keeps its batch axis"""
        x0 = student.predict_x0(
            rng.normal(size=(1, 3)), np.array([1]), np.ones((1, 3)), shares(rng, 4)
        )
        assert_shape(x0, (1, 3), "x0")

    @robust
    def test_integers(self, same, rng):
        """Integer x_t give the right values"""
        case = (
            rng.randint(-3, 4, size=(4, 3)),
            steps(rng, 4, 5),
            rng.normal(size=(4, 3)),
            shares(rng, 5),
        )
        assert_close(*same.predict_x0(*case), "x0")

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """x_t, t, eps and alpha_bar are not changed"""
        unchanged.predict_x0(
            rng.normal(size=(4, 3)), steps(rng, 4, 5), rng.normal(size=(4, 3)), shares(rng, 5)
        )
