"""Checks of 01-neurons: layers, activations, losses, and two ways to train a single layer."""

import numpy as np
import pytest

from autograder.checks.data import digits, two_clouds
from autograder.testing.assertions import (
    TOLERANCE,
    assert_at_least,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    numbers,
    relative_error,
)
from autograder.testing.student import assert_unchanged
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")


@pytest.mark.exercise("linear_forward")
class TestLinearForward:
    @pytest.fixture
    def case(self, rng):  # N, D, M all different, so that a missing transpose cannot hide
        return rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)

    def test_by_hand(self, student):
        """One sample worked by hand comes out right"""
        x, W, b = (
            np.array([[1.0, 2.0]]),
            np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.5]]),
            np.array([10.0, 20.0, 30.0]),
        )
        assert_close(student.linear_forward(x, W, b), [[15.0, 22.0, 30.0]])

    def test_batch(self, student, oracle, case):
        """x W + b is right for every sample of a batch"""
        assert_close(student.linear_forward(*case), oracle.linear_forward(*case))

    def test_bias_belongs_to_the_outputs(self, student, case):
        """With x = 0 every sample gives the bias, one entry for each output"""
        x, W, b = np.zeros((4, 3)), case[1], case[2]  # N = M: a bias by sample would fit too
        assert_close(student.linear_forward(x, W, b), np.tile(b, (4, 1)))

    @shape
    def test_batch_of_one(self, student, case):
        """A batch of one sample gives (1, M)"""
        assert_shape(student.linear_forward(case[0][:1], *case[1:]), (1, 4))

    @robust
    def test_integers(self, student, oracle, rng):
        """Integer inputs are fine"""
        case = (
            rng.randint(-9, 9, size=(3, 2)),
            rng.randint(-9, 9, size=(2, 4)),
            rng.randint(-9, 9, size=4),
        )
        assert_close(student.linear_forward(*case), oracle.linear_forward(*case))

    @robust
    def test_arguments_unchanged(self, student, case):
        """x, W and b are left as they were"""
        student.linear_forward(*case)
        assert_unchanged(student)


@pytest.mark.exercise("sigmoid")
class TestSigmoid:
    def test_by_hand(self, student):
        """sigmoid(0) is 1/2 and sigmoid(ln 3) is 3/4"""
        assert_close(student.sigmoid(np.array([0.0, np.log(3), -np.log(3)])), [0.5, 0.75, 0.25])

    def test_values(self, student, oracle, rng):
        """The values are right between -6 and 6"""
        z = rng.uniform(-6, 6, size=(3, 7))
        assert_close(student.sigmoid(z), oracle.sigmoid(z))

    def test_symmetry(self, student, rng):
        """sigmoid(-z) is 1 - sigmoid(z)"""
        z = rng.uniform(-9, 9, size=11)
        a, b = assert_shape(student.sigmoid(z), z.shape), assert_shape(student.sigmoid(-z), z.shape)
        assert_close(a + b, np.ones(11), "sigmoid(z) + sigmoid(-z)")

    def test_small_tail(self, student):
        """Far to the left it is small, but not cut off: about exp(z)"""
        value = assert_shape(student.sigmoid(np.array([-9.0])), (1,))
        assert_close(
            value / np.exp(-9), 1 / (1 + np.exp([-9.0])), "sigmoid(-9) / exp(-9)", tolerance=1e-2
        )

    @robust
    @pytest.mark.parametrize("size", [(), (5,), (2, 3, 4)], ids=["number", "vector", "rank-3"])
    def test_any_shape(self, student, oracle, rng, size):
        """Any shape goes in and the same shape comes out"""
        z = np.asarray(rng.normal(size=size))
        assert_close(student.sigmoid(z), oracle.sigmoid(z))

    @robust
    def test_integers(self, student, oracle):
        """Integer inputs give fractions, not whole numbers"""
        z = np.array([[-2, -1, 0], [1, 2, 3]])
        assert_close(student.sigmoid(z), oracle.sigmoid(z))

    @robust
    def test_extremes(self, student):
        """At -10,000 and 10,000 it is 0 and 1, not NaN"""
        assert_close(student.sigmoid(np.array([-1e4, 1e4, -800.0, 800.0])), [0.0, 1.0, 0.0, 1.0])

    @robust
    def test_argument_unchanged(self, student, rng):
        """z is left as it was"""
        student.sigmoid(rng.normal(size=(2, 3)))
        assert_unchanged(student)


@pytest.mark.exercise("relu")
class TestRelu:
    def test_relu_by_hand(self, student):
        """relu keeps what is positive and turns the rest into 0"""
        assert_close(student.relu(np.array([[-2.0, 0.0], [0.5, 3.0]])), [[0.0, 0.0], [0.5, 3.0]])

    def test_relu_values(self, student, oracle, rng):
        """relu is right entry by entry, in any shape"""
        z = rng.normal(size=(2, 3, 4))
        assert_close(student.relu(z), oracle.relu(z))

    @robust
    def test_relu_of_a_number(self, student):
        """relu takes a single number too"""
        assert_close(student.relu(np.array(-1.5)), 0.0)
        assert_close(student.relu(np.array(1.5)), 1.5)

    def test_leaky_default_slope(self, student, oracle, rng):
        """leaky_relu multiplies what is negative by 0.01 unless told otherwise"""
        z = -rng.uniform(
            1, 3, size=(3, 4)
        )  # negative only: beside large positives 0.01 would hardly show
        assert_close(student.leaky_relu(z), oracle.leaky_relu(z))

    @pytest.mark.parametrize("slope", [0.2, 0.7])
    def test_leaky_slope(self, student, oracle, rng, slope):
        """leaky_relu uses the slope it is given, on the negative side only"""
        z = rng.normal(size=(3, 5))
        assert_close(student.leaky_relu(z, slope), oracle.leaky_relu(z, slope))

    @pytest.mark.parametrize("slope", [0.0, 1.0])
    def test_leaky_limits(self, student, rng, slope):
        """Slope 0 is relu, slope 1 changes nothing"""
        z = rng.normal(size=(4, 3))
        assert_close(student.leaky_relu(z, slope), np.maximum(z, 0) if slope == 0 else z)

    @robust
    def test_integers(self, student):
        """Integer inputs give the right fractions"""
        assert_close(student.leaky_relu(np.array([-4, 0, 3]), 0.5), [-2.0, 0.0, 3.0])
        assert_close(student.relu(np.array([-4, 0, 3])), [0.0, 0.0, 3.0])

    @robust
    def test_arguments_unchanged(self, student, rng):
        """z is left as it was"""
        z = rng.normal(size=(3, 4))
        student.relu(z)
        assert_unchanged(student)
        student.leaky_relu(z, 0.1)
        assert_unchanged(student)


@pytest.mark.exercise("gelu_swish")
class TestGeluSwish:
    def test_gelu_by_hand(self, student):
        """gelu(0) is 0 and gelu(1) is 0.841345, the share of a normal variable below 1"""
        assert_close(student.gelu(np.array([0.0, 1.0, -1.0])), [0.0, 0.8413447461, -0.1586552539])

    def test_gelu_values(self, student, oracle, rng):
        """gelu is the exact form, z times the normal distribution function, not an approximation"""
        z = rng.uniform(-3.5, 3.5, size=(4, 6))
        assert_close(student.gelu(z), oracle.gelu(z))

    def test_swish_values(self, student, oracle, rng):
        """swish is z times sigmoid(z) when no beta is given"""
        z = rng.uniform(-4, 4, size=(3, 5))
        assert_close(student.swish(z), oracle.swish(z))

    @pytest.mark.parametrize("beta", [0.4, 2.5])
    def test_swish_beta(self, student, oracle, rng, beta):
        """beta scales the argument of the sigmoid"""
        z = rng.uniform(-3, 3, size=(3, 5))
        assert_close(student.swish(z, beta), oracle.swish(z, beta))

    def test_swish_limit(self, student, rng):
        """With beta = 0 swish is z / 2"""
        z = rng.normal(size=7)
        assert_close(student.swish(z, 0.0), z / 2)

    @robust
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_extremes(self, student, name):
        """Far out it is z on the right and 0 on the left, and finite"""
        assert_close(getattr(student, name)(np.array([-1e4, 1e4])), [0.0, 1e4], name)

    @robust
    @pytest.mark.parametrize("size", [(), (2, 3, 4)], ids=["number", "rank-3"])
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_any_shape(self, student, oracle, rng, name, size):
        """Any shape goes in and the same shape comes out"""
        z = np.asarray(
            rng.uniform(0.5, 2, size=size)
        )  # alone far left, float32 would have no digits to compare
        assert_close(getattr(student, name)(z), getattr(oracle, name)(z), name)

    @robust
    @pytest.mark.parametrize("name", ["gelu", "swish"])
    def test_argument_unchanged(self, student, rng, name):
        """z is left as it was"""
        getattr(student, name)(rng.normal(size=(2, 3)))
        assert_unchanged(student)


@pytest.mark.exercise("softmax")
class TestSoftmax:
    def test_by_hand(self, student):
        """Scores 0 and ln 3 give the probabilities 1/4 and 3/4"""
        assert_close(
            student.softmax(np.array([[0.0, np.log(3.0)], [2.0, 2.0]])), [[0.25, 0.75], [0.5, 0.5]]
        )

    def test_values(self, student, oracle, rng):
        """Every probability is right"""
        z = 2 * rng.normal(size=(4, 3))
        assert_close(student.softmax(z), oracle.softmax(z))

    def test_rows_sum_to_one(self, student, rng):
        """The probabilities of each sample add up to 1"""
        p = assert_shape(student.softmax(2 * rng.normal(size=(5, 3))), (5, 3))
        assert_close(p.sum(axis=1), np.ones(5), "the row sums")

    def test_shift(self, student, oracle, rng):
        """Adding a number to all scores of a sample changes nothing"""
        z = rng.normal(size=(3, 4))
        shifted = z + np.array([[80.0], [-90.0], [5.0]])
        assert_close(student.softmax(shifted), oracle.softmax(z))

    @shape
    def test_batch_of_one(self, student):
        """One sample gives one row"""
        assert_close(student.softmax(np.array([[1.0, 1.0, 1.0, 1.0]])), [[0.25, 0.25, 0.25, 0.25]])

    @robust
    def test_large_scores(self, student):
        """Scores of 10,000 and more do not overflow"""
        assert_close(student.softmax(np.array([[1e4, 1e4], [1e4, -1e4]])), [[0.5, 0.5], [1.0, 0.0]])

    @robust
    def test_rows_far_apart(self, student):
        """A sample with small scores is right beside one with large scores"""
        assert_close(
            student.softmax(np.array([[1e4, 1e4], [-1e4, -1e4]])), [[0.5, 0.5], [0.5, 0.5]]
        )

    @robust
    def test_integers(self, student, oracle, rng):
        """Integer scores are fine"""
        z = rng.randint(-3, 4, size=(3, 5))
        assert_close(student.softmax(z), oracle.softmax(z))

    @robust
    def test_argument_unchanged(self, student, rng):
        """z is left as it was"""
        student.softmax(rng.normal(size=(3, 2)))
        assert_unchanged(student)


@pytest.mark.exercise("losses")
class TestLosses:
    def test_mse_by_hand(self, student):
        """mse of errors 1, 0, 2, -1 is 6/4"""
        assert_scalar(
            student.mse(np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[0.0, 2.0], [1.0, 1.0]])), 1.5
        )

    def test_mse_values(self, student, oracle, rng):
        """mse is the mean over all entries, in any shape"""
        pred, target = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
        assert_scalar(student.mse(pred, target), oracle.mse(pred, target))

    def test_bce_by_hand(self, student):
        """binary_cross_entropy of a logit 0 is ln 2 for either label"""
        assert_scalar(student.binary_cross_entropy(np.zeros(2), np.array([0, 1])), np.log(2))

    def test_bce_values(self, student, oracle, rng):
        """binary_cross_entropy is right for labels 0 and 1 alike"""
        logits, y = 2 * rng.normal(size=9), np.array([0, 1, 1, 0, 1, 0, 0, 1, 1])
        assert_scalar(
            student.binary_cross_entropy(logits, y), oracle.binary_cross_entropy(logits, y)
        )

    def test_bce_columns(self, student, oracle, rng):
        """binary_cross_entropy takes logits and labels of any one shape"""
        logits, y = rng.normal(size=(5, 2)), rng.randint(0, 2, size=(5, 2))
        assert_scalar(
            student.binary_cross_entropy(logits, y), oracle.binary_cross_entropy(logits, y)
        )

    def test_ce_by_hand(self, student):
        """cross_entropy of equal scores is ln C"""
        assert_scalar(student.cross_entropy(np.zeros((2, 5)), np.array([4, 0])), np.log(5))

    def test_ce_values(self, student, oracle, rng):
        """cross_entropy is the mean over the samples of -log p(label)"""
        logits, labels = 2 * rng.normal(size=(6, 4)), np.array([3, 0, 1, 1, 2, 3])
        assert_scalar(student.cross_entropy(logits, labels), oracle.cross_entropy(logits, labels))

    def test_ce_batch_of_one(self, student, oracle, rng):
        """cross_entropy of a single sample is right"""
        logits, labels = rng.normal(size=(1, 3)), np.array([2])
        assert_scalar(student.cross_entropy(logits, labels), oracle.cross_entropy(logits, labels))

    @robust
    @pytest.mark.parametrize("size", [50.0, 1e4])
    def test_bce_confident_and_wrong(self, student, size):
        """A confident mistake costs as much as its logit, even at 10,000"""
        assert_scalar(student.binary_cross_entropy(np.array([size, -size]), np.array([0, 1])), size)

    @robust
    @pytest.mark.parametrize("size", [50.0, 1e4])
    def test_ce_confident_and_wrong(self, student, size):
        """A confident mistake costs the gap between the scores, even at 10,000"""
        assert_scalar(
            student.cross_entropy(np.array([[size, 0.0], [0.0, size]]), np.array([1, 0])), size
        )

    @robust
    def test_ce_rows_far_apart(self, student):
        """cross_entropy of a sample with small scores is right beside one with large scores"""
        logits = np.array(
            [[1e4, 0.0], [-1e4, 0.0]]
        )  # under one shift for both, exp leaves nothing of the second
        assert_scalar(student.cross_entropy(logits, np.array([1, 0])), 1e4)

    @robust
    def test_confident_and_right(self, student):
        """A confident right answer costs nothing, and is finite"""
        assert_scalar(student.binary_cross_entropy(np.array([1e4, -1e4]), np.array([1, 0])), 0.0)
        assert_scalar(
            student.cross_entropy(np.array([[1e4, -1e4], [-1e4, 1e4]]), np.array([0, 1])), 0.0
        )

    @robust
    def test_arguments_unchanged(self, student, rng):
        """What goes in is left as it was"""
        student.mse(rng.normal(size=3), rng.normal(size=3))
        assert_unchanged(student)
        student.binary_cross_entropy(rng.normal(size=3), np.array([0, 1, 1]))
        assert_unchanged(student)
        student.cross_entropy(rng.normal(size=(3, 2)), np.array([0, 1, 1]))
        assert_unchanged(student)


@pytest.mark.exercise("mlp_forward")
class TestMlpForward:
    @pytest.fixture
    def params(self, rng):
        sizes = [3, 5, 4, 2]
        weights = {f"W{i}": rng.normal(size=sizes[i - 1 : i + 1]) for i in (1, 2, 3)}
        return weights | {f"b{i}": rng.normal(size=sizes[i]) for i in (1, 2, 3)}

    def test_by_hand(self, student):
        """A network of two layers worked by hand comes out right"""
        params = {
            "W1": np.array([[1.0, -1.0]]),
            "b1": np.array([0.0, 0.0]),
            "W2": np.array([[1.0], [2.0]]),
            "b2": np.array([-5.0]),
        }
        assert_close(student.mlp_forward(np.array([[3.0], [-2.0]]), params), [[-2.0], [-1.0]])

    def test_three_layers(self, student, oracle, rng, params):
        """Three layers give the right scores"""
        x = rng.normal(size=(6, 3))
        assert_close(student.mlp_forward(x, params), oracle.mlp_forward(x, params))

    def test_one_layer(self, student, oracle, rng, params):
        """With W1 and b1 alone it is the linear layer: nothing comes after the last one"""
        x, params = rng.normal(size=(7, 3)), {key: params[key] for key in ("W1", "b1")}
        assert_close(student.mlp_forward(x, params), oracle.mlp_forward(x, params))

    def test_deep(self, student, oracle, rng):
        """Eleven layers are taken in the order of their numbers"""
        params = {
            f"{k}{i}": rng.normal(size=(3, 3) if k == "W" else 3)
            for i in range(1, 12)
            for k in "Wb"
        }
        x = rng.normal(size=(4, 3))
        assert_close(student.mlp_forward(x, params), oracle.mlp_forward(x, params))

    @shape
    def test_batch_of_one(self, student, rng, params):
        """A batch of one sample gives one row of scores"""
        assert_shape(student.mlp_forward(rng.normal(size=(1, 3)), params), (1, 2))

    @robust
    def test_arguments_unchanged(self, student, rng, params):
        """x and params are left as they were"""
        student.mlp_forward(rng.normal(size=(4, 3)), params)
        assert_unchanged(student)


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
    expect(b.size == 1, f"b has {b.size} entries, expected one number", b)
    expect(
        counts.ndim == 1 and counts.size > 0,
        "mistakes should be a list with one count for each epoch",
        counts,
    )
    whole = np.all((counts >= 0) & (counts == np.round(counts)))
    expect(whole, f"mistakes is {counts.tolist()}, expected whole numbers from 0 up", counts)
    return w, float(b.reshape(())), counts


@pytest.mark.exercise("perceptron_fit")
class TestPerceptronFit:
    @pytest.fixture
    def clouds(self, rng):
        return two_clouds(rng, 40, margin=0.25)

    def test_separates(self, student, clouds):
        """Two clouds that a line can part end up on its two sides"""
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 500), 2)
        wrong = int(np.sum(y * (X @ w + b) <= 0))
        expect(
            wrong == 0, f"{wrong} of {len(y)} points are on the wrong side, expected none", (w, b)
        )

    def test_stops_when_clean(self, student, clouds):
        """It stops after its first epoch without a mistake, and that epoch's 0 is the last count"""
        w, b, mistakes = fitted(student.perceptron_fit(*clouds, 500), 2)
        zeros = int(np.sum(mistakes == 0))
        expect(mistakes[-1] == 0, f"the last count is {mistakes[-1]:g}, expected 0", mistakes)
        expect(zeros == 1, f"{zeros} epochs have no mistake, expected only the last one", mistakes)

    @pytest.mark.kind("convergence")
    def test_novikoff(self, student, clouds):
        """The mistakes of all epochs together stay within Novikoff's bound (R / gamma)^2"""
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 500), 2)
        X1 = np.column_stack([X, np.ones(len(X))])
        margins = y * (X1 @ np.append(w, b)) / max(np.linalg.norm(np.append(w, b)), 1e-12)
        expect(
            margins.min() > 0,
            "the line found does not part the clouds, so the bound says nothing",
            (w, b),
        )
        bound = (np.linalg.norm(X1, axis=1).max() / margins.min()) ** 2
        expect(
            mistakes.sum() <= bound,
            f"{mistakes.sum():g} mistakes, expected at most {bound:.0f}",
            mistakes,
        )

    def test_sum_of_mistakes(self, student, rng):
        """w is the sum of y x over the samples that were wrong, b the sum of their y, and all are
        counted
        """
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
            "w is not a sum of whole steps y x from zero",
            (w, b, mistakes),
        )
        total, bias = int(times.round().sum()), int((times * y).round().sum())
        expect(
            abs(b - bias) < 1e-3,
            f"b is {b:g}, but the steps in w add up to {bias}",
            (w, b, mistakes),
        )
        expect(
            total == mistakes.sum(),
            f"{mistakes.sum():g} mistakes counted, but w took {total} steps",
            (w, b, mistakes),
        )

    @pytest.mark.parametrize("label", [1, -1])
    def test_updates_at_once(self, student, rng, label):
        """It learns from a mistake at once: the same sample twice in a row is wrong at most once"""
        X, y = np.tile(rng.normal(size=(1, 3)), (2, 1)), np.array([label, label])
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 3)
        expect(
            mistakes[0] <= 1,
            f"{mistakes[0]:g} mistakes on two equal samples, expected at most 1",
            (w, b, mistakes),
        )

    def test_given_order(self, student, oracle, rng):
        """The samples are taken in the given order, and only those that are wrong move w and b"""
        X, y = rng.normal(scale=0.5, size=(40, 3)), np.resize([1, -1], 40)
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 3)
        # Where a score of 0 counts as +1, learning starts at the second sample, else at the first.
        ends = [oracle.perceptron_fit(X[i:], y[i:], 1) for i in (0, 1)]
        error = min(relative_error(np.append(w, b), np.append(*end[:2])) for end in ends)
        expect(
            error <= TOLERANCE,
            "one epoch ends at another w and b than its mistakes lead to",
            (w, b, mistakes),
        )

    def test_not_separable(self, student):
        """On XOR it makes mistakes in every epoch and ends after max_epochs"""
        X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([-1, 1, 1, -1])
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 25), 2)
        expect(len(mistakes) == 25, f"{len(mistakes)} epochs, expected 25", mistakes)
        expect(
            mistakes.min() > 0, "an epoch without mistakes on XOR: no line can do that", mistakes
        )

    def test_one_epoch(self, student, clouds):
        """With max_epochs = 1 it goes through the data once"""
        X, y = clouds
        w, b, mistakes = fitted(student.perceptron_fit(X, y, 1), 2)
        expect(len(mistakes) == 1, f"{len(mistakes)} counts, expected 1", mistakes)

    @robust
    def test_arguments_unchanged(self, student, clouds):
        """X and y are left as they were"""
        student.perceptron_fit(*clouds, 3)
        assert_unchanged(student)


@pytest.mark.exercise("softmax_regression_fit")
class TestSoftmaxRegressionFit:
    @pytest.fixture
    def case(self, rng):  # class 3 has no sample: it still needs its column
        return rng.normal(size=(7, 5)), np.array([0, 2, 1, 1, 2, 0, 2]), 4

    @pytest.mark.parametrize("steps", [1, 4])
    @pytest.mark.parametrize("i, name", [(0, "W"), (1, "b")], ids=["W", "b"])
    def test_first_steps(self, student, oracle, case, i, name, steps):
        """After a few steps from zeros, W and b are where the gradient leads"""
        actual = assert_parts(student.softmax_regression_fit(*case, 0.5, steps), ["W", "b"])
        assert_close(actual[i], oracle.softmax_regression_fit(*case, 0.5, steps)[i], name)

    @shape
    def test_shapes(self, student, case):
        """W is (D, C) and b is (C,), also when a class has no sample"""
        W, b = assert_parts(student.softmax_regression_fit(*case, 0.1, 1), ["W", "b"])
        assert_shape(W, (5, 4), "W")
        assert_shape(b, (4,), "b")

    def test_learning_rate(self, student, case):
        """Half the learning rate makes half the first step"""
        W1, b1 = assert_parts(student.softmax_regression_fit(*case, 0.8, 1), ["W", "b"])
        W2, b2 = assert_parts(student.softmax_regression_fit(*case, 0.4, 1), ["W", "b"])
        assert_close(2 * assert_shape(W2, (5, 4), "W"), W1, "twice the W of half the rate")

    @pytest.mark.kind("convergence")
    def test_digits(self, student, oracle, rng):
        """500 steps on real digits classify new ones about as well as they should"""
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
    def test_arguments_unchanged(self, student, case):
        """X and labels are left as they were"""
        student.softmax_regression_fit(*case, 0.5, 2)
        assert_unchanged(student)
