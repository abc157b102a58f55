"""Checks of 02-backprop: a network, from its initialisation to its training."""

import math

import numpy as np
import pytest

from autograder.checks.backprop.mlp import accuracy, network, rings
from autograder.checks.data import digits
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_tensors,
    causes,
    convergence,
    exercise,
    expect,
    generator,
    gradient,
    on_the_way,
    relative_error,
    robust,
    shape,
    supporting,
)

# -- where to start
# ----------------------------------------------------------------------------------


@exercise("initialisation")
class TestInitialisation:
    both = pytest.mark.parametrize("name", ["xavier_uniform", "he_normal"])

    @shape
    @both
    def test_shape(self, student, rng, name):
        """The weights have the shape (fan_in, fan_out)"""
        assert_shape(getattr(student, name)(5, 3, generator(rng)), (5, 3), name)

    @pytest.mark.parametrize(
        "fan_in, fan_out", [(5, 4), (3, 1), (30, 70)], ids=["5-4", "3-1", "30-70"]
    )
    @both
    def test_variance(self, student, rng, name, fan_in, fan_out):
        """The variance has the value that the rule gives for fan_in and fan_out"""
        w = self.drawn(student, rng, name, fan_in, fan_out)
        expected = 2 / (fan_in + fan_out) if name == "xavier_uniform" else 2 / fan_in
        # 6 standard errors: the fourth moment of a uniform is 1.8 variances squared, of a normal 3
        band = 6 * math.sqrt((1.8 if name == "xavier_uniform" else 3) - 1) / math.sqrt(w.size)
        off = abs(np.mean(w**2) / expected - 1)
        assert_at_most(off, band, f"the relative distance of the variance from {expected:.4g}", w)

    @supporting
    @both
    def test_mean(self, student, rng, name):
        """The mean is 0"""
        w = self.drawn(student, rng, name, 4, 6)
        assert_at_most(abs(w.mean()), 6 * w.std() / math.sqrt(w.size), "the size of the mean", w)

    def test_uniform(self, student, rng):
        """xavier_uniform fills its whole interval evenly and never leaves it"""
        w = self.drawn(student, rng, "xavier_uniform", 4, 6)
        limit = math.sqrt(6 / 10)
        largest = float(np.abs(w).max())
        expect(
            largest <= limit * (1 + 1e-6),
            f"the largest weight is {largest:.4g}, expected at most {limit:.4g}",
            w,
            cause=causes.measured("most", largest, limit),
        )
        assert_at_least(largest, 0.998 * limit, "the largest weight", w)
        tenth = np.mean(np.abs(w) > 0.9 * limit)
        assert_at_most(
            abs(tenth - 0.1),
            6 * 0.3 / math.sqrt(w.size),
            "|share of weights beyond 0.9 · bound − 0.1|",
            w,
        )

    def test_normal(self, student, rng):
        """he_normal has the tails of a normal distribution: they are not cut off"""
        w = self.drawn(student, rng, "he_normal", 8, 5)
        share = np.mean(np.abs(w) > 2 * math.sqrt(2 / 8))
        assert_at_most(
            abs(share - 0.0455),
            6 * 0.2084 / math.sqrt(w.size),
            "|share of weights beyond 2 standard deviations − 0.0455|",
            w,
        )

    @both
    def test_generator(self, student, rng, name):
        """All randomness comes from rng: the same seed gives the same weights, another seed
        others
        """
        seed, other = generator(rng), generator(rng)
        first, again, others = (
            assert_shape(getattr(student, name)(6, 7, s), (6, 7)) for s in (seed, seed, other)
        )
        assert_close(again, first, f"{name} from the same seed")
        expect(np.abs(first - others).min() > 0, "two seeds give the same weights", first)

    @supporting
    @both
    def test_second_draw(self, student, rng, name):
        """A second draw from the same generator is independent of the first draw"""
        first, second = self.drawn(student, rng, name, 40, 50, times=2)
        alike = abs(np.mean(first * second)) / (first.std() * second.std())
        assert_at_most(
            alike, 6 / math.sqrt(first.size), "the correlation of two draws", (first, second)
        )

    @convergence
    @pytest.mark.parametrize(
        "name, activation", [("he_normal", "relu"), ("xavier_uniform", "none")]
    )
    def test_fifty_layers(self, student, rng, name, activation):
        """After 50 layers of width 300 the signal has neither vanished nor exploded"""
        x = rng.normal(size=(20, 300))
        x = student.probes.signal_behind_layers(name, activation, 50, x, generator(rng))
        size = float(np.log(np.mean(assert_finite(assert_shape(x, (20, 300))) ** 2) + 1e-300))
        assert_at_most(abs(size), math.log(30), "|log of the mean square after 50 layers|", size)

    def drawn(self, student, rng, name, fan_in, fan_out, times=None):
        """Many draws (times, fan_in, fan_out), 12,000 numbers unless told otherwise."""
        times = times or 12_000 // (fan_in * fan_out)
        w = student.probes.many_draws(name, fan_in, fan_out, times, generator(rng))
        return assert_finite(assert_shape(w, (times, fan_in, fan_out), f"{times} draws of {name}"))


# -- a network
# ---------------------------------------------------------------------------------------


@exercise("mlp_loss_and_gradients")
class TestMlpLossAndGradients:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):
        return network(rng, [3, 5, 4, 2]), rng.normal(size=(6, 3)), np.array([1, 0, 0, 1, 1, 0])

    def test_by_hand(self, student):
        """A network of two layers gives the loss and gradients worked out by hand"""
        params = {
            "W1": [[1.0, -1.0]],
            "b1": [0.0, 0.0],
            "W2": [[np.log(3), 0.0], [0.0, 0.0]],
            "b2": [0.0, 0.0],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        loss, grads = assert_parts(
            student.mlp_loss_and_gradients(params, np.array([[1.0]]), np.array([1])), self.names
        )
        push = 0.75 * np.log(3)
        right = {
            "W1": [[push, 0.0]],
            "b1": [push, 0.0],
            "W2": [[0.75, -0.75], [0.0, 0.0]],
            "b2": [0.75, -0.75],
        }
        assert_scalar(loss, np.log(4))
        assert_gradients(grads, right)

    def test_loss(self, same, case):
        """The loss of a network of three layers is right"""
        mine, right = same.mlp_loss_and_gradients(*case)
        loss = assert_parts(mine, self.names)[0]
        assert_scalar(loss, right[0])

    @gradient
    def test_gradients(self, same, case):
        """The gradients of a network of three layers are right"""
        mine, right = same.mlp_loss_and_gradients(*case)
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @gradient
    @pytest.mark.parametrize(
        "sizes", [[3, 4], [3, 5, 4], [3, 6, 5, 4, 4]], ids=["one", "two", "four"]
    )
    def test_any_depth(self, same, rng, sizes):
        """Networks of one, two and four layers are right"""
        case = network(rng, sizes), rng.normal(size=(7, 3)), rng.permutation(np.arange(7) % 4)
        mine, right = same.mlp_loss_and_gradients(*case)
        loss, grads = assert_parts(mine, self.names)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    @gradient
    def test_deep(self, same, rng):
        """Eleven layers are applied in the order of their numbers"""
        case = (
            network(rng, [4] * 11 + [3]),
            rng.normal(size=(9, 4)),
            rng.permutation(np.arange(9) % 3),
        )
        mine, right = same.mlp_loss_and_gradients(*case)
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @gradient
    def test_square(self, same, rng):
        """The gradients are right when all layers are square, where a wrong transpose would fit"""
        case = network(rng, [4, 4, 4, 4]), rng.normal(size=(4, 4)), np.array([3, 0, 2, 2])
        mine, right = same.mlp_loss_and_gradients(*case)
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @gradient
    def test_batch_of_one(self, student, oracle, case):
        """The loss and the gradients of a single sample are right"""
        params, x, _ = case
        ways = [oracle.mlp_loss_and_gradients(params, x[:1], np.array([label])) for label in (0, 1)]
        label = int(
            ways[1][0] > ways[0][0]
        )  # the less likely one: where p is nearly 1, float32 has no digits of 1 - p
        grads = assert_parts(
            student.mlp_loss_and_gradients(params, x[:1], np.array([label])), self.names
        )[1]
        assert_gradients(grads, ways[label][1])

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """params, x and labels are not changed"""
        unchanged.mlp_loss_and_gradients(*case)


def middle(ways):
    """Of three pairs of dicts the middle one by its error: on its way from one start a neuron may
    pass its kink.
    """
    vectors = [
        [np.concatenate([part.ravel() for part in way.values()]) for way in pair] for pair in ways
    ]
    return ways[np.argsort([relative_error(*pair) for pair in vectors])[1]]


@exercise("train_mlp")
class TestTrainMlp:
    @pytest.fixture
    def small(self, rng):  # N divides by 4; class 3 has no sample: it still needs its column
        return rng.normal(size=(12, 3)), rng.permutation(np.arange(12) % 3)

    def trained(self, student, X, labels, n_classes, hidden, *rest):
        """The student's params, each tensor of its right shape and finite."""
        sizes = {
            "W1": (X.shape[1], hidden),
            "b1": (hidden,),
            "W2": (hidden, n_classes),
            "b2": (n_classes,),
        }
        params = student.train_mlp(X, labels, n_classes, hidden, *rest)
        return assert_tensors(
            params, {name: np.zeros(size) for name, size in sizes.items()}, "params"
        )

    def moved(self, student, small, seed, lr, epochs, batch_size):
        """How far training with this rate moves each tensor, from where it begins with this
        seed.
        """
        n_classes = int(small[1].max()) + 2
        start, end = (
            self.trained(student, *small, n_classes, 5, r, epochs, batch_size, seed)
            for r in (1e-12, lr)
        )
        return start, {name: end[name] - start[name] for name in start}

    @shape
    @pytest.mark.parametrize("hidden", [1, 7])
    def test_shapes(self, student, rng, small, hidden):
        """W1 (D, hidden), b1, W2 (hidden, C) and b2 have these shapes, even if a class has no
        sample
        """
        self.trained(student, *small, 4, hidden, 0.1, 2, 5, generator(rng))

    def test_one_step(self, student, rng, small):
        """A step on the full batch is -lr times the gradient, for every tensor"""
        start, step = self.moved(student, small, generator(rng), 1e-3, 1, 12)
        before, after = (
            mean_loss(p, *small) for p in (start, {k: start[k] + step[k] for k in start})
        )
        length = sum(float((part**2).sum()) for part in step.values())
        for name in step:
            expect(np.abs(step[name]).max() > 0, f"{name} did not change at all", (start, step))
        gained = (before - after) * 1e-3 / (length + 1e-30)
        # along the gradient g the loss falls by lr g·g, and the squared length of the step is lr²
        # g·g
        assert_at_most(
            abs(gained - 1),
            0.05,
            "|(fall of the loss) · lr / (squared length of the step) − 1|",
            step,
        )

    @pytest.mark.parametrize("batch_size", [4, 1])
    def test_every_sample_once(self, student, rng, small, batch_size):
        """An epoch uses each sample once: the mean of its small steps is the full-batch step"""
        n, ways = 12 // batch_size, []
        for seed in (generator(rng), generator(rng), generator(rng)):
            whole, parts = (
                self.moved(student, small, seed, 1e-4, 1, size)[1] for size in (12, batch_size)
            )
            ways.append((parts, {name: n * step for name, step in whole.items()}))
        assert_gradients(*middle(ways), "the change after one epoch", 0.02)

    def test_own_batch(self, student, rng, small):
        """Each step uses its own batch only: batches of 8 and 4 give other steps than batches of
        12
        """
        seed = generator(rng)
        whole, parts = (self.moved(student, small, seed, 1e-3, 1, size)[1] for size in (12, 8))
        away = sum(np.abs(parts[name] - 2 * whole[name]).sum() for name in whole)
        share = away / (sum(np.abs(2 * part).sum() for part in whole.values()) + 1e-30)
        assert_at_least(share, 0.01, "the relative distance between the two results", parts)

    def test_epochs(self, student, rng, small):
        """At a small learning rate, six epochs change the parameters six times as much as one
        epoch
        """
        ways = []
        for seed in (generator(rng), generator(rng), generator(rng)):
            one, six = (self.moved(student, small, seed, 1e-3, epochs, 12)[1] for epochs in (1, 6))
            ways.append((six, {name: 6 * step for name, step in one.items()}))
        assert_gradients(*middle(ways), "the change after six epochs", 0.03)

    def test_last_batch(self, student, rng, small):
        """A last batch that is smaller than batch_size is used too"""
        seed = generator(rng)
        whole, short = (self.moved(student, small, seed, 1e-3, 1, size)[1] for size in (12, 20))
        assert_gradients(short, whole, "the change after one epoch", 0.02)

    def test_hidden_weights_differ(self, student, rng, small):
        """The hidden neurons start with different weights"""
        W1 = self.trained(student, *small, 4, 5, 1e-9, 1, 12, generator(rng))["W1"]
        spread = np.abs(W1 - W1.mean(axis=1, keepdims=True)).max()
        expect(spread > 1e-3, "all hidden neurons start with equal weights, so they stay equal", W1)

    def test_fresh_order(self, student, rng):
        """Each epoch uses a new random order of the samples"""
        blank, ways = (
            (np.zeros((12, 3)), np.arange(12)),
            [],
        )  # each batch shows in b2 which labels it held
        for seed in (generator(rng), generator(rng), generator(rng)):
            one, two = (
                self.moved(student, blank, seed, 0.01, epochs, 8)[1]["b2"] for epochs in (1, 2)
            )
            ways.append(two - 2 * one)
        expect(
            np.abs(ways).max() > 2e-4,
            "the second epoch makes the same steps as the first, so it has the same batches",
            ways,
        )

    def test_predict_by_hand(self, student):
        """predict returns the class with the largest score of the network"""
        params = {
            "W1": [[1.0, -1.0]],
            "b1": [0.0, 0.5],
            "W2": [[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]],
            "b2": [0, 0, 0.9],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        # scores (2, 0, -1.1), (0, 5, 0.9) and, at 0.45, (0.45, 0.1, 0.45): the last away from a tie
        # by b2
        assert_close(
            student.predict(params, np.array([[2.0], [-2.0], [0.3]])), [0, 1, 2], "the labels"
        )

    def test_predict(self, same, rng):
        """predict returns the right labels for many samples"""
        params, X = network(rng, [4, 6, 5]), rng.normal(size=(40, 4))
        assert_close(*same.predict(params, X), "the labels")

    @shape
    def test_predict_one(self, student, rng):
        """predict returns one label for one sample"""
        assert_shape(
            student.predict(network(rng, [4, 6, 5]), rng.normal(size=(1, 4))), (1,), "the labels"
        )

    @convergence
    def test_digits(self, student, oracle, rng):
        """A network of 32 hidden neurons classifies new digits accurately enough"""
        X, labels, X_test, labels_test = digits(rng)
        seeds = generator(rng), generator(rng)

        def trained(epochs, seed):
            return self.trained(student, X, labels, 10, 32, 0.05, epochs, 32, seed)

        best = accuracy(
            oracle.train_mlp(X, labels, 10, 32, 0.05, 100, 32, seeds[0]), X_test, labels_test
        )
        line, reached = min(0.93, best - 0.03), 0.0
        for seed in seeds:  # a constant rate may end in a spike: then another start counts
            if reached < line:
                params = trained(100, seed)
                reached = accuracy(params, X_test, labels_test)
        with on_the_way(
            student, 100, "epochs", lambda n: accuracy(trained(n, seeds[1]), X_test, labels_test)
        ):
            assert_at_least(reached, line, "the test accuracy", params)

    @convergence
    def test_rings(self, student, rng):
        """The network learns rings inside rings, even if the samples are sorted by class"""
        X, labels, X_test, labels_test = rings(rng)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 3, 32, 0.2, epochs, 20, seed)

        params = trained(60)
        with on_the_way(student, 60, "epochs", lambda n: accuracy(trained(n), X_test, labels_test)):
            assert_at_least(
                accuracy(params, X_test, labels_test), 0.97, "the test accuracy", params
            )

    @convergence
    def test_by_heart(self, student, rng):
        """The network learns eight samples by heart"""
        X, labels = rng.normal(size=(8, 6)), rng.permutation(np.arange(8) % 4)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 4, 32, 0.2, epochs, 4, seed)

        params = trained(400)
        with on_the_way(student, 400, "epochs", lambda n: mean_loss(trained(n), X, labels)):
            assert_at_most(mean_loss(params, X, labels), 0.01, "the training loss", params)

    @robust
    def test_arguments_unchanged(self, unchanged, rng, small):
        """X, labels and params are not changed"""
        unchanged.train_mlp(*small, 4, 5, 0.1, 2, 5, generator(rng))
        unchanged.predict(network(rng, [3, 5, 4]), small[0])


def mean_loss(params, X, labels):
    """The cross-entropy of the network, measured by the grader."""
    scores = np.maximum(X @ params["W1"] + params["b1"], 0) @ params["W2"] + params["b2"]
    highest = scores.max(axis=1, keepdims=True)
    log_sum = highest[:, 0] + np.log(np.exp(scores - highest).sum(axis=1))
    return float(np.mean(log_sum - scores[np.arange(len(X)), labels]))
