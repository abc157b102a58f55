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
    supporting,
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
        """denoise returns a prediction (n, 2), one row for each point, also for a single point"""
        params = student.train_denoiser(rng.normal(size=(40, 2)), 30, generator(rng), 2)
        eps = student.denoise(params, rng.normal(size=(n, 2)), rng.permutation(30)[:n])
        assert_finite(assert_shape(eps, (n, 2), "eps"), "eps")

    @supporting
    def test_each_on_its_own(self, student, rng):
        """The prediction for a point depends only on that point and its t, not on the batch"""
        params = student.train_denoiser(rng.normal(size=(40, 2)), 25, generator(rng), 5)
        x_t, t = rng.normal(size=(6, 2)), np.array([0, 24, 7, 7, 13, 24])
        eps = assert_finite(assert_shape(student.denoise(params, x_t, t), (6, 2), "eps"), "eps")
        alone = [
            assert_shape(student.denoise(params, x_t[i : i + 1], t[i : i + 1]), (1, 2))[0]
            for i in range(6)
        ]
        assert_close(
            eps, np.array(alone), "eps of the batch, compared with eps of each point alone"
        )

    @supporting
    def test_generator(self, student, rng):
        """All randomness comes from rng: the same seed gives the same network, another seed
        another
        """
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
        assert_close(again, first, "eps for the same seed")
        expect(np.abs(first - other).max() > 1e-6, "two seeds give the same network", first)

    @supporting
    def test_one_update(self, student, rng, cloud):
        """steps is the number of updates: after one update the loss is still high"""
        params = student.train_denoiser(cloud[2], 30, generator(rng), 1)
        above = excess(student, params, rng, chain(30), *cloud[:2])
        assert_at_least(
            above, 0.15, "the loss minus the lowest possible loss, after one update", above
        )

    @convergence
    @weight(3)
    def test_cloud(self, student, rng, cloud):
        """After 300 updates on one cloud, the loss is close to the lowest possible loss"""
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
            assert_at_most(reached, 0.12, "the loss minus the lowest possible loss", reached)

    @convergence
    @weight(4)
    def test_ring(self, student, rng):
        """After 1,500 updates on eight clusters, the sampled points lie in the clusters, and in all
        eight
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
            assert_at_least(share, 0.75, "the share of points that lie in a cluster", points)
        assert_at_least(fewest, 50, "the number of points in the smallest cluster", points)

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
        """sample_ddpm returns n points (n, 2), also for n = 1"""
        self.drawn(student, rng, cloud, n, chain(30))

    @pytest.mark.parametrize("T", [1, 6])
    def test_steps(self, student, rng, T):
        """denoise is called for every t from T - 1 down to 0, with t as an array of n integers"""
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
        """With an exact denoiser, the mean and the variance of the points are the right ones"""
        betas = rng.uniform(0.2, 0.7, size=T)
        points = self.drawn(student, rng, cloud, 10_000, betas)
        mean, variance = law(cloud["middles"][0], cloud["spread"], betas)
        off = np.abs(points.mean(axis=0) - mean).max() / np.sqrt(variance.max())
        assert_at_most(
            off, 6 / math.sqrt(10_000), "the error of the mean, in standard deviations", points
        )
        ratio = points.var(axis=0) / np.maximum(variance, 1e-12)
        assert_at_most(
            np.abs(ratio - 1).max(),
            6 * math.sqrt(2 / 10_000),
            "|variance / expected variance − 1|",
            points,
        )

    def test_recovers_the_cloud(self, student, rng, cloud):
        """A hundred steps recover the cloud: its mean within 0.05, its deviation within 12 %"""
        points = self.drawn(student, rng, cloud, 10_000, chain(100))
        assert_at_most(
            np.abs(points.mean(axis=0) - cloud["middles"]).max(),
            0.05,
            "the error of the mean",
            points,
        )
        off = np.abs(points.std(axis=0) / cloud["spread"] - 1).max()
        assert_at_most(off, 0.12, "the relative error of the standard deviation", points)

    def test_independent(self, student, rng, cloud):
        """All points and coordinates are drawn independently"""
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
        """All randomness comes from rng: the same seed gives the same points, another seed
        others
        """
        seed, betas = generator(rng), np.full(4, 0.3)
        first, again, other = (
            student.probes.points_from_a_perfect_network(cloud, 6, betas, s)
            for s in (seed, seed, generator(rng))
        )
        assert_close(
            again, assert_shape(first, (6, 2), "the points"), "the points for the same seed"
        )
        expect(
            np.abs(assert_shape(other, (6, 2)) - first).min() > 0,
            "two seeds give the same points",
            first,
        )

    @convergence
    def test_moons(self, student, rng):
        """With a denoiser that knows two moons exactly, the points are distributed like new data"""
        cloud = {"middles": moons_middles(24), "spread": MOONS_SPREAD}
        points = self.drawn(student, rng, cloud, 1500, chain(50))
        assert_at_most(
            energy_distance(points, moons(rng, 1000)),
            0.012,
            "the energy distance to new data",
            points,
        )

    @robust
    def test_arguments_unchanged(self, student, rng, cloud):
        """betas are not changed"""
        self.drawn(student, rng, cloud, 3, chain(25))
        assert_unchanged(student)
