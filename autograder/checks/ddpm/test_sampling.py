"""Checks of 08-ddpm: training and sampling."""

import math

import numpy as np
import pytest

from autograder.checks.ddpm.cases import chain
from autograder.checks.ddpm.clouds import (
    MOONS_SPREAD,
    energy_distance,
    law,
    moons,
    moons_middles,
    on_the_ring,
    ring,
)
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_shape,
    assert_unchanged,
    convergence,
    exercise,
    expect,
    generator,
    on_the_way,
    robust,
    shape,
    weight,
)

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


@exercise("train_denoiser")
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
    @weight(3)
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
    @weight(4)
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
    def test_arguments_unchanged(self, unchanged, rng):
        """x0, params, x_t and t are not changed"""
        params = unchanged.train_denoiser(rng.normal(size=(50, 2)), 30, generator(rng), 2)
        unchanged.denoise(params, rng.normal(size=(4, 2)), np.array([0, 29, 3, 11]))


@exercise("sample_ddpm")
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
        """betas are not changed"""
        self.drawn(student, rng, cloud, 3, chain(25))
        assert_unchanged(student)
