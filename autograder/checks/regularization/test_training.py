"""Checks of 04-regularization: the flow of variance, and a training with all of it."""

import numpy as np
import pytest

from autograder.checks.regularization.noisy import mean_loss, noisy_digits
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_shape,
    convergence,
    exercise,
    expect,
    generator,
    numbers,
    robust,
    shape,
    supporting,
    weight,
)

STD = {
    "small": lambda n: 0.01,
    "xavier": lambda n: n**-0.5,
    "he": lambda n: (2 / n) ** 0.5,
    "large": lambda n: 1.0,
}


FUNCTIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
}


def expected_variances(depth, width, scheme, activation):
    """What a very wide layer gives: scores are normal, with width * std^2 times the mean square
    below as variance.
    """
    z, square, found = np.linspace(-12, 12, 24001), 1.0, []
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    for _ in range(depth):
        h = FUNCTIONS[activation](z * STD[scheme](width) * np.sqrt(width * square))
        square = weight @ h**2
        found.append(square - (weight @ h) ** 2)
    return np.array(found)


# How far |log variance| may stray at width 200 after each of four layers: five standard deviations,
# with 64 samples.
BANDS = {
    "linear": np.array([0.15, 0.15, 0.2, 0.2]),
    "tanh": np.array([0.15, 0.15, 0.2, 0.2]),
    "relu": np.array([0.15, 0.5, 0.8, 1.0]),
    "sigmoid": np.array([0.15, 0.7, 0.8, 0.8]),
}


# Where every layer's variance is 1: a list of ones is right, too.
STEADY = [("xavier", "linear"), ("large", "tanh")]


@exercise("variance_flow")
class TestVarianceFlow:
    @pytest.mark.parametrize(
        "scheme, activation",
        [
            pytest.param(s, a, marks=[supporting] if (s, a) in STEADY else [])
            for s in STD
            for a in FUNCTIONS
        ],
    )
    def test_variances(self, student, rng, scheme, activation):
        """The variance after each layer is what the scheme and the activation give"""
        found = student.activation_variances(4, 200, scheme, activation, generator(rng))
        found = assert_finite(assert_shape(found, (4,), "the variances"), "the variances")
        expect(
            (found > 0).all(),
            f"a variance is {found.min():g}, expected a positive number",
            np.sign(found),
        )
        off = np.log(found / expected_variances(4, 200, scheme, activation))
        share = np.abs(off) / BANDS[activation]
        worst = int(share.argmax())
        name = (
            f"after layer {worst + 1} the variance is {np.exp(off[worst]):.3g} times the expected "
        )
        name += "one; the error"
        assert_at_most(
            share[worst], 1.0, f"{name} divided by the largest random error", np.round(2 * off[:2])
        )

    @supporting
    @pytest.mark.parametrize("width", [120, 480])
    def test_width(self, student, rng, width):
        """The schemes use the width: a wider layer keeps its variance too"""
        found = student.activation_variances(2, width, "xavier", "linear", generator(rng))
        found = assert_finite(assert_shape(found, (2,), "the variances"), "the variances")
        assert_at_most(
            np.abs(np.log(np.maximum(found, 1e-300))).max(),
            0.2,
            "the log of a variance",
            np.round(found, 1),
        )

    @shape
    @pytest.mark.parametrize("depth", [1, 7])
    def test_depth(self, student, rng, depth):
        """The result has one variance for each layer"""
        assert_shape(
            student.activation_variances(depth, 50, "he", "relu", generator(rng)),
            (depth,),
            "the variances",
        )

    @convergence
    def test_deep(self, student, rng):
        """In 30 ReLU layers, He keeps the variance and Xavier halves it in each layer"""
        he, xavier = (
            assert_finite(
                assert_shape(
                    student.activation_variances(30, 300, s, "relu", generator(rng)), (30,)
                )
            )
            for s in ("he", "xavier")
        )
        log_he, log_xavier = (np.log(np.maximum(v[-1], 1e-300)) for v in (he, xavier))
        assert_at_least(log_he, -4.0, "the log of the last variance with He")
        assert_at_most(log_he, 3.5, "the log of the last variance with He")
        assert_at_most(log_xavier, -15.0, "the log of the last variance with Xavier")

    @robust
    def test_chance_comes_from_rng(self, student, rng):
        """The same seed gives the same variances, and another seed gives other variances"""
        one, other = generator(rng), generator(rng)
        runs = [
            numbers(student.activation_variances(3, 20, "he", "tanh", s), "the variances")
            for s in (one, one, other)
        ]
        expect(
            np.array_equal(runs[0], runs[1]),
            "two generators with the same seed gave different variances",
            1,
        )
        expect(
            not np.array_equal(runs[0], runs[2]),
            "two generators with different seeds gave the same variances",
            2,
        )


def probabilities(student, params, X, n_classes):
    """The student's class probabilities, (N, C): finite, none negative, rows that add up to 1."""
    p = student.predict_proba(params, X)
    p = assert_finite(
        assert_shape(p, (len(X), n_classes), "the probabilities"), "the probabilities"
    )
    expect(p.min() > -1e-9, f"a probability is {p.min():.3g}, expected none below 0", p)
    assert_close(p.sum(axis=1), np.ones(len(X)), "the row sums")
    return p


@exercise("train_regularized")
class TestTrainRegularized:
    @pytest.fixture
    def small(self, rng):  # three clouds in five dimensions, far apart
        labels = np.repeat([0, 1, 2], 15)
        return 3 * np.eye(3, 5)[labels] + 0.5 * rng.normal(size=(45, 5)), labels, 3

    @shape
    def test_probabilities(self, student, rng, small):
        """predict_proba returns a row of probabilities for each sample, for any number of
        classes
        """
        params = student.train_regularized(*small, generator(rng), 3)
        probabilities(student, params, rng.normal(size=(11, 5)), 3)

    def test_learns(self, student, rng, small):
        """60 epochs are enough to separate three clouds that are far apart"""
        params = student.train_regularized(*small, generator(rng), 60)
        p = probabilities(student, params, small[0], 3)
        assert_at_least(
            np.mean(p.argmax(axis=1) == small[1]), 0.9, "the share of samples classified right"
        )

    def test_nothing_left_to_chance(self, student, rng, small):
        """predict_proba is not random: the same inputs give the same probabilities"""
        params, X = student.train_regularized(*small, generator(rng), 5), rng.normal(size=(9, 5))
        first, again = (probabilities(student, params, X, 3) for _ in range(2))
        expect(
            np.array_equal(first, again),
            "two calls with the same inputs gave different probabilities",
            1,
        )

    def test_alone_or_in_company(self, student, rng, small):
        """The probabilities of a sample do not depend on the rest of the batch"""
        params, X = (
            student.train_regularized(*small, generator(rng), 5),
            3 * rng.normal(size=(9, 5)),
        )
        together = probabilities(student, params, X, 3)
        alone = np.concatenate([probabilities(student, params, X[i : i + 1], 3) for i in range(9)])
        worst = np.abs(together - alone).max()
        expect(
            worst < 1e-5,
            f"a probability changes by {worst:.2g} when the sample is alone in the batch",
            round(worst, 1),
        )

    def test_chance_comes_from_rng(self, student, rng, small):
        """The same seed gives the same network"""
        X, one = rng.normal(size=(9, 5)), generator(rng)
        runs = [
            probabilities(student, student.train_regularized(*small, one, 2), X, 3)
            for _ in range(2)
        ]
        expect(
            np.allclose(*runs, atol=1e-6),
            "two generators with the same seed gave different networks",
            1,
        )

    def test_epochs(self, student, rng, small):
        """After 60 epochs the training loss is lower than after one"""
        X, labels, n_classes = small[0][::3], small[1][::3], small[2]
        losses = []
        for epochs in (60, 1):
            params = student.train_regularized(X, labels, n_classes, generator(rng), epochs)
            losses.append(mean_loss(probabilities(student, params, X, n_classes), labels))
        assert_at_most(
            losses[0] / losses[1],
            0.8,
            "the training loss after 60 epochs, divided by the loss after 1 epoch",
        )

    @convergence
    @weight(3)
    def test_beats_the_plain_network(self, student, oracle, rng):
        """With a fifth of 150 labels wrong, the test loss is well below a plain network's"""
        gains = []
        for _ in range(5):
            X, labels, X_test, labels_test = noisy_digits(rng)
            seed, plain_seed = generator(rng), int(rng.randint(2**31))
            plain = oracle.probes.plain_network_loss(
                X, labels, 10, X_test, labels_test, 150, plain_seed
            )
            params = student.train_regularized(X, labels, 10, seed, 150)
            gains.append(plain - mean_loss(probabilities(student, params, X_test, 10), labels_test))
        name = (
            "the test loss falls by "
            + ", ".join(f"{g:.2f}" for g in gains)
            + " nats; the mean of these"
        )
        assert_at_least(np.mean(gains), 0.08, name, np.array(gains))

    @robust
    def test_arguments_unchanged(self, unchanged, rng, small):
        """X, labels and params are not changed"""
        params = unchanged.train_regularized(*small, generator(rng), 1)
        unchanged.predict_proba(params, small[0])
