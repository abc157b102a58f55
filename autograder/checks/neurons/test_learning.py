"""Checks of 01-neurons: losses, a network's forward, and models that learn."""

import numpy as np
import pytest

from autograder.checks.data import digits, two_clouds
from autograder.testing import (
    TOLERANCE,
    assert_at_least,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    causes,
    convergence,
    exercise,
    expect,
    numbers,
    on_the_way,
    relative_error,
    robust,
    shape,
)


@exercise("losses")
class TestLosses:
    def test_mse_by_hand(self, student):
        """mse of the errors 1, 0, 2, -1 is 6/4"""
        assert_scalar(
            student.mse(np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])), 1.5
        )

    def test_mse_values(self, same, rng):
        """mse is the mean over all entries of the arrays"""
        pred, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
        assert_scalar(*same.mse(pred, target))

    def test_bce_by_hand(self, student):
        """binary_cross_entropy of a logit 0 is ln 2, for label 0 and for label 1"""
        assert_scalar(student.binary_cross_entropy(np.zeros(2), np.array([0, 1])), np.log(2))

    def test_bce_values(self, same, rng):
        """binary_cross_entropy is right for samples with label 0 and with label 1"""
        logits, y = 2 * rng.normal(size=9), np.array([0, 1, 1, 0, 1, 0, 0, 1, 1])
        assert_scalar(*same.binary_cross_entropy(logits, y))

    def test_bce_columns(self, same, rng):
        """binary_cross_entropy accepts logits and labels with several columns"""
        logits, y = rng.normal(size=(5, 2)), rng.randint(0, 2, size=(5, 2))
        assert_scalar(*same.binary_cross_entropy(logits, y))

    def test_ce_by_hand(self, student):
        """cross_entropy of C equal scores is ln C"""
        assert_scalar(student.cross_entropy(np.zeros((2, 5)), np.array([4, 0])), np.log(5))

    def test_ce_values(self, same, rng):
        """cross_entropy is the mean over the samples of -log p(label)"""
        logits, labels = 2 * rng.normal(size=(6, 4)), np.array([3, 0, 1, 1, 2, 3])
        assert_scalar(*same.cross_entropy(logits, labels))

    def test_ce_batch_of_one(self, same, rng):
        """cross_entropy of a single sample is right"""
        logits, labels = rng.normal(size=(1, 3)), np.array([2])
        assert_scalar(*same.cross_entropy(logits, labels))

    @robust
    @pytest.mark.parametrize("size", [50.0, 1e4])
    def test_bce_confident_and_wrong(self, student, size):
        """binary_cross_entropy of a confident wrong logit is the size of that logit, even at
        10,000
        """
        assert_scalar(student.binary_cross_entropy(np.array([size, -size]), np.array([0, 1])), size)

    @robust
    @pytest.mark.parametrize("size", [50.0, 1e4])
    def test_ce_confident_and_wrong(self, student, size):
        """cross_entropy of a confident wrong sample is the gap between its scores, even at
        10,000
        """
        assert_scalar(
            student.cross_entropy(np.array([[size, 0.0], [0.0, size]]), np.array([1, 0])), size
        )

    @robust
    def test_ce_rows_far_apart(self, student):
        """cross_entropy is right for very small and very large scores in the same batch"""
        logits = np.array(
            [[1e4, 0.0], [-1e4, 0.0]]
        )  # under one shift for both, exp leaves nothing of the second
        assert_scalar(student.cross_entropy(logits, np.array([1, 0])), 1e4)

    @robust
    def test_confident_and_right(self, student):
        """The loss of a confident right sample is 0, not NaN"""
        assert_scalar(student.binary_cross_entropy(np.array([1e4, -1e4]), np.array([1, 0])), 0.0)
        assert_scalar(
            student.cross_entropy(np.array([[1e4, -1e4], [-1e4, 1e4]]), np.array([0, 1])), 0.0
        )

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """The arguments are not changed"""
        unchanged.mse(rng.normal(size=3), rng.normal(size=3))
        unchanged.binary_cross_entropy(rng.normal(size=3), np.array([0, 1, 1]))
        unchanged.cross_entropy(rng.normal(size=(3, 2)), np.array([0, 1, 1]))


@exercise("mlp_forward")
class TestMlpForward:
    @pytest.fixture
    def params(self, rng):
        sizes = [3, 5, 4, 2]
        weights = {f"W{i}": rng.normal(size=sizes[i - 1 : i + 1]) for i in (1, 2, 3)}
        return weights | {f"b{i}": rng.normal(size=sizes[i]) for i in (1, 2, 3)}

    def test_by_hand(self, student):
        """A network of two layers gives the scores worked out by hand"""
        params = {
            "W1": np.array([[1.0, -1.0]]),
            "b1": np.array([0.0, 0.0]),
            "W2": np.array([[1.0], [2.0]]),
            "b2": np.array([-5.0]),
        }
        assert_close(student.mlp_forward(np.array([[3.0], [-2.0]]), params), [[-2.0], [-1.0]])

    def test_three_layers(self, same, rng, params):
        """Three layers give the right scores"""
        x = rng.normal(size=(6, 3))
        assert_close(*same.mlp_forward(x, params))

    def test_one_layer(self, same, rng, params):
        """With W1 and b1 only, the network is one linear layer, without a ReLU after it"""
        x, params = rng.normal(size=(7, 3)), {key: params[key] for key in ("W1", "b1")}
        assert_close(*same.mlp_forward(x, params))

    def test_deep(self, same, rng):
        """Eleven layers are applied in the order of their numbers"""
        params = {
            f"{k}{i}": rng.normal(size=(3, 3) if k == "W" else 3)
            for i in range(1, 12)
            for k in "Wb"
        }
        x = rng.normal(size=(4, 3))
        assert_close(*same.mlp_forward(x, params))

    @shape
    def test_batch_of_one(self, student, rng, params):
        """A batch of one sample gives one row of scores"""
        assert_shape(student.mlp_forward(rng.normal(size=(1, 3)), params), (1, 2))

    @robust
    def test_arguments_unchanged(self, unchanged, rng, params):
        """x and params are not changed"""
        unchanged.mlp_forward(rng.normal(size=(4, 3)), params)


def fitted(result, n_inputs):
    """The parts of a perceptron: w (n_inputs,), b and the list of mistakes, each of the
    right kind.
    """
    w, b, mistakes = assert_parts(result, ["w", "b", "mistakes"])
    w, b, counts = (
        assert_finite(assert_shape(w, (n_inputs,), "w"), "w"),
        numbers(b, "b"),
        numbers(mistakes, "mistakes"),
    )
    found = f"b has {b.size} entries, expected one number"
    expect(b.size == 1, found, b, cause=causes.of_type("array"))
    expect(
        counts.ndim == 1 and counts.size > 0,
        "mistakes is not a list with one count for each epoch",
        counts,
    )
    whole = np.all((counts >= 0) & (counts == np.round(counts)))
    expect(whole, f"mistakes is {counts.tolist()}, expected whole numbers, 0 or more", counts)
    return w, float(b.reshape(())), counts


@exercise("perceptron_fit")
class TestPerceptronFit:
    @pytest.fixture
    def clouds(self, rng):
        return two_clouds(rng, 40, margin=0.25)

    def test_separates(self, student, clouds):
        """If a line can separate two clouds, all points end up on the right side of the line
        found
        """
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 500), 2)
        wrong = int(np.sum(y * (X @ w + b) <= 0))
        expect(
            wrong == 0, f"{wrong} of {len(y)} points are on the wrong side, expected none", (w, b)
        )

    def test_stops_when_clean(self, student, clouds):
        """Training stops after the first epoch without a mistake; the last count is that epoch's
        0
        """
        w, b, mistakes = fitted(student.perceptron_fit(*clouds, 500), 2)
        zeros = int(np.sum(mistakes == 0))
        expect(mistakes[-1] == 0, f"the last count is {mistakes[-1]:g}, expected 0", mistakes)
        expect(zeros == 1, f"{zeros} epochs have no mistake, expected only the last one", mistakes)

    @convergence
    def test_novikoff(self, student, clouds):
        """The total number of mistakes is at most Novikoff's bound (R / gamma)^2"""
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 500), 2)
        X1 = np.column_stack([X, np.ones(len(X))])
        margins = y * (X1 @ np.append(w, b)) / max(np.linalg.norm(np.append(w, b)), 1e-12)
        expect(
            margins.min() > 0,
            "the line found does not separate the clouds, so the bound cannot be computed",
            (w, b),
        )
        bound = (np.linalg.norm(X1, axis=1).max() / margins.min()) ** 2
        expect(
            mistakes.sum() <= bound,
            f"{mistakes.sum():g} mistakes, expected at most {bound:.0f}",
            mistakes,
            cause=causes.measured("most", mistakes.sum(), bound),
        )

    def test_sum_of_mistakes(self, student, rng):
        """w is the sum of y x over all mistakes, b is the sum of y, and every mistake is counted"""
        X, y = (
            rng.normal(size=(4, 6)),
            np.array([1, -1, -1, 1]),
        )  # independent samples: the sum tells its terms
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 200), 6)
        times = np.linalg.lstsq(X.T, w, rcond=None)[0] * y
        whole = np.allclose(X.T @ (times * y), w, atol=1e-3) and np.allclose(
            times, times.round(), atol=1e-3
        )
        expect(
            whole and times.min() > -0.5,
            "w is not a sum of updates y x that starts from zero",
            (w, b, mistakes),
        )
        total, bias = int(times.round().sum()), int((times * y).round().sum())
        expect(
            abs(b - bias) < 1e-3,
            f"b is {b:g}, but the updates that made w add up to {bias}",
            (w, b, mistakes),
        )
        expect(
            total == mistakes.sum(),
            f"{mistakes.sum():g} mistakes are counted, but w was updated {total} times",
            (w, b, mistakes),
        )

    @pytest.mark.parametrize("label", [1, -1])
    def test_updates_at_once(self, student, rng, label):
        """w and b are updated at once: of two equal samples in a row, at most one is a mistake"""
        X, y = np.tile(rng.normal(size=(1, 3)), (2, 1)), np.array([label, label])
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 3)
        expect(
            mistakes[0] <= 1,
            f"{mistakes[0]:g} mistakes on two equal samples, expected at most 1",
            (w, b, mistakes),
            cause=causes.measured("most", mistakes[0], 1),
        )

    def test_given_order(self, student, oracle, rng):
        """Samples are visited in the given order, and only mistakes change w and b"""
        X, y = rng.normal(scale=0.5, size=(40, 3)), np.resize([1, -1], 40)
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 3)
        # Where a score of 0 counts as +1, learning starts at the second sample, else at the first.
        ends = [oracle.perceptron_fit(X[i:], y[i:], 1) for i in (0, 1)]
        error = min(relative_error(np.append(w, b), np.append(*end[:2])) for end in ends)
        expect(
            error <= TOLERANCE,
            "after one epoch, w and b are not what the mistakes of that epoch give",
            (w, b, mistakes),
        )

    def test_not_separable(self, student):
        """On XOR every epoch has a mistake, and training ends after max_epochs epochs"""
        X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([-1, 1, 1, -1])
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 25), 2)
        expect(len(mistakes) == 25, f"{len(mistakes)} epochs are counted, expected 25", mistakes)
        expect(
            mistakes.min() > 0,
            "one epoch on XOR has no mistake, but no line can separate XOR",
            mistakes,
        )

    def test_one_epoch(self, student, clouds):
        """With max_epochs = 1 the loop goes through the data once"""
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 2)
        expect(len(mistakes) == 1, f"{len(mistakes)} counts are returned, expected 1", mistakes)

    @robust
    def test_arguments_unchanged(self, unchanged, clouds):
        """X and y are not changed"""
        unchanged.perceptron_fit(*clouds, 3)


@exercise("softmax_regression_fit")
class TestSoftmaxRegressionFit:
    @pytest.fixture
    def case(self, rng):  # class 3 has no sample: it still needs its column
        return rng.normal(size=(7, 5)), np.array([0, 2, 1, 1, 2, 0, 2]), 4

    @pytest.mark.parametrize("steps", [1, 4])
    @pytest.mark.parametrize("i, name", [(0, "W"), (1, "b")], ids=["W", "b"])
    def test_first_steps(self, same, case, i, name, steps):
        """After a few steps of gradient descent from zeros, W and b are right"""
        mine, right = same.softmax_regression_fit(*case, 0.5, steps)
        actual = assert_parts(mine, ["W", "b"])
        assert_close(actual[i], right[i], name)

    @shape
    def test_shapes(self, student, case):
        """W has shape (D, C) and b has shape (C,), even if one class has no sample"""
        W, b = assert_parts(student.softmax_regression_fit(*case, 0.1, 1), ["W", "b"])
        assert_shape(W, (5, 4), "W")
        assert_shape(b, (4,), "b")

    def test_learning_rate(self, student, case):
        """With half the learning rate, the first step is half as long"""
        W1, b1 = assert_parts(student.softmax_regression_fit(*case, 0.8, 1), ["W", "b"])
        W2, b2 = assert_parts(student.softmax_regression_fit(*case, 0.4, 1), ["W", "b"])
        assert_close(
            2 * assert_shape(W2, (5, 4), "W"), W1, "2 · (W after one step with half the rate)"
        )

    @convergence
    def test_digits(self, student, oracle, rng):
        """After 500 steps on real digits, the accuracy on new digits is high enough"""
        X, labels, X_test, labels_test = digits(rng)

        def fitted(steps):
            W, b = assert_parts(
                student.softmax_regression_fit(X, labels, 10, 1.0, steps), ["W", "b"]
            )
            return assert_finite(assert_shape(W, (64, 10), "W"), "W"), assert_finite(
                assert_shape(b, (10,), "b"), "b"
            )

        def accuracy(W, b):
            return np.mean((X_test @ W + b).argmax(axis=1) == labels_test)

        line = min(0.92, accuracy(*oracle.softmax_regression_fit(X, labels, 10, 1.0, 500)) - 0.03)
        yours = fitted(500)
        with on_the_way(student, 500, "steps", lambda steps: accuracy(*fitted(steps))):
            assert_at_least(accuracy(*yours), line, "the test accuracy", yours)

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """X and labels are not changed"""
        unchanged.softmax_regression_fit(*case, 0.5, 2)
