"""Checks of 04-regularization: penalties, dropout, normalisation, soft targets, stopping,
augmentation, variances.
"""

import numpy as np
import pytest

from autograder.checks.regularization.noisy import assert_share, mean_loss, noisy_digits
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
from autograder.testing.tensors import along, aside, assert_gradients, assert_linear

robust = pytest.mark.kind("robustness")
gradient = pytest.mark.kind("gradient")
shape = pytest.mark.kind("shape")
GRADIENTS = pytest.mark.parametrize("i, name", [(0, "dL/dx"), (1, "dL/dgamma"), (2, "dL/dbeta")])


def penalty(result, expected, value_only=False):
    """A penalty's value and, unless only that is asked for, its gradients are the expected ones."""
    value, grads = assert_parts(result, ["value", "grads"])
    assert_scalar(value, expected[0], "the value")
    if not value_only:
        assert_gradients(grads, expected[1])


@pytest.mark.exercise("penalties")
class TestPenalties:
    @pytest.fixture
    def params(self, rng):  # sizes all different; what is no weight matrix has other names
        sizes = {
            "W1": (3, 5),
            "b1": (5,),
            "gamma": (5,),
            "W2": (5, 2),
            "b2": (2,),
            "Wx": (2, 3, 4),
            "W10": (4, 6),
        }
        return {key: rng.normal(size=size) for key, size in sizes.items()}

    @pytest.mark.parametrize(
        "name, value, slope", [("l2", 0.7, [[0.1, -0.2], [0.3, 0.0]]), ("l1", 0.6, None)]
    )
    def test_by_hand(self, student, name, value, slope):
        """Weights 1, -2, 3 and 0 with strength 0.1 cost 0.7 by L2 and 0.6 by L1"""
        params = {"W1": np.array([[1.0, -2.0], [3.0, 0.0]]), "b1": np.array([5.0, -4.0])}
        expected = value, {"W1": slope, "b1": np.zeros(2)}
        penalty(
            getattr(student, f"{name}_penalty")(params, 0.1), expected, value_only=slope is None
        )

    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_value(self, student, oracle, params, name):
        """The value counts every parameter whose name starts with W, and no other"""
        penalty(
            getattr(student, name)(params, 0.3), getattr(oracle, name)(params, 0.3), value_only=True
        )

    @gradient
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_gradients(self, student, oracle, params, name):
        """The gradients have the keys and shapes of the parameters, and are zero for all that is no
        weight
        """
        _, grads = assert_parts(getattr(student, name)(params, 0.3), ["value", "grads"])
        assert_gradients(grads, getattr(oracle, name)(params, 0.3)[1])

    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_strength(self, student, oracle, params, name):
        """Ten times the strength costs ten times as much"""
        result = getattr(student, name)(params, 7.0), getattr(oracle, name)(params, 7.0)
        penalty(*result)

    @gradient
    def test_l1_at_zero(self, student):
        """At a weight of exactly 0 the L1 gradient lies between -lam and lam"""
        params = {"W1": np.array([[0.0, 2.0], [-3.0, 0.0]]), "b1": np.zeros(2)}
        _, grads = assert_parts(student.l1_penalty(params, 0.4), ["value", "grads"])
        expect(
            isinstance(grads, dict) and "W1" in grads,
            "grads should be a dict with the key W1",
            grads,
        )
        g = assert_finite(assert_shape(grads["W1"], (2, 2), "grads['W1']"), "grads['W1']")
        assert_close(g[[0, 1], [1, 0]], [0.4, -0.4], "the gradient of the weights 2 and -3")
        expect(
            np.abs(g).max() <= 0.4 * (1 + 1e-6), f"at 0 the gradient is {g[0, 0]:g}, {g[1, 1]:g}", g
        )

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_no_strength(self, student, params, name):
        """With strength 0 it costs nothing and pulls at nothing"""
        penalty(
            getattr(student, name)(params, 0.0),
            (0.0, {key: np.zeros(w.shape) for key, w in params.items()}),
        )

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_integers(self, student, name):
        """Whole-number weights are fine"""
        W, value = np.array([[2, -4, 6]]), {"l2_penalty": 14.0, "l1_penalty": 6.0}[name]
        slope = {"l2_penalty": W / 2, "l1_penalty": np.sign(W) / 2}[name]
        result = getattr(student, name)({"W1": W, "b1": np.array([3, 1, 2])}, 0.5)
        penalty(result, (value, {"W1": slope, "b1": np.zeros(3)}))

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_arguments_unchanged(self, student, params, name):
        """params is left as it was"""
        getattr(student, name)(params, 0.3)
        assert_unchanged(student)


def dropped(student, x, p, seed, *training):
    """The two parts of dropout's answer, each an array of x's shape, the mask of zeros and ones."""
    y, mask = assert_parts(student.dropout_forward(x, p, seed, *training), ["y", "mask"])
    y = assert_finite(assert_shape(y, x.shape, "y"), "y")
    mask = assert_finite(assert_shape(mask, x.shape, "mask"), "mask")
    values = np.unique(mask)
    expect(
        np.isin(values, [0, 1]).all(),
        f"mask holds {values[-1]:.4g}, expected zeros and ones",
        values[:5],
    )
    return y, mask


@pytest.mark.exercise("dropout")
class TestDropout:
    @pytest.mark.parametrize("p", [0.2, 0.7])
    def test_share(self, student, rng, p):
        """A share p of the entries is dropped: their mask is 0, up to chance"""
        _, mask = dropped(student, rng.normal(size=(100, 200)), p, generator(rng))
        assert_share(mask == 0, p, "the share of dropped entries")

    @pytest.mark.parametrize("p", [0.3, 0.75])
    def test_scale(self, student, rng, p):
        """An entry is either 0 or x / (1 - p): what is kept is scaled up, so that the mean stays"""
        x = rng.uniform(1, 2, size=(30, 40))
        ratio = np.unique(np.round(dropped(student, x, p, generator(rng))[0] / x, 4))
        right = ratio.size == 2 and np.allclose(ratio, [0, 1 / (1 - p)], atol=2e-4)
        found = ", ".join(f"{v:.4g}" for v in ratio[:4])
        expect(
            right, f"y / x takes the values {found}, expected 0 and {1 / (1 - p):.4g}", ratio[:4]
        )

    def test_mask_tells(self, student, rng):
        """The mask is 1 just where the entry was kept"""
        y, mask = dropped(student, rng.uniform(1, 2, size=(20, 30)), 0.4, generator(rng))
        wrong = np.mean((y != 0) != (mask == 1))
        expect(wrong == 0, f"y and mask disagree in {wrong:.0%} of the entries", round(wrong, 1))

    def test_each_entry_for_itself(self, student, rng):
        """Every entry is drawn on its own: no two samples, and no two features, share their mask"""
        _, mask = dropped(student, rng.normal(size=(60, 70)), 0.5, generator(rng))
        rows, columns = len(np.unique(mask, axis=0)), len(np.unique(mask, axis=1).T)
        expect(rows == 60, f"{rows} of 60 samples have a mask of their own", (rows, columns))
        expect(columns == 70, f"{columns} of 70 features have a mask of their own", (rows, columns))

    def test_the_number_varies(self, student, rng):
        """How many entries are dropped differs from call to call"""
        x = rng.normal(size=12)
        counts = {int(np.sum(dropped(student, x, 0.5, generator(rng))[1])) for _ in range(40)}
        expect(
            len(counts) > 1,
            f"always {min(counts)} of 12 entries are kept: are they drawn one by one?",
            min(counts),
        )

    def test_chance_comes_from_rng(self, student, rng):
        """The same generator gives the same mask, another one another"""
        x, one, other = rng.normal(size=(8, 9)), generator(rng), generator(rng)
        first, again, another = (dropped(student, x, 0.5, seed)[1] for seed in (one, one, other))
        expect(
            np.array_equal(first, again),
            "two generators of one seed gave two masks: where does chance come from?",
            1,
        )
        expect(not np.array_equal(first, another), "two generators of two seeds gave one mask", 2)

    @pytest.mark.parametrize("p", [0.4, 0.9])
    def test_not_training(self, student, rng, p):
        """Out of training nothing is dropped or scaled: y is x, and the mask is all ones"""
        x = rng.normal(size=(6, 5))
        y, mask = dropped(student, x, p, generator(rng), False)
        assert_close(y, x, "y")
        assert_close(mask, np.ones(x.shape), "mask")

    @robust
    def test_nothing_dropped(self, student, rng):
        """With p = 0 training changes nothing either"""
        x = rng.normal(size=(7, 4))
        y, mask = dropped(student, x, 0.0, generator(rng))
        assert_close(y, x, "y")
        assert_close(mask, np.ones(x.shape), "mask")

    @shape
    @pytest.mark.parametrize(
        "size", [(50,), (1, 50), (4, 5, 6, 7)], ids=["vector", "one sample", "rank-4"]
    )
    def test_any_shape(self, student, rng, size):
        """Any shape goes in, and y and mask have it too"""
        y, mask = dropped(student, rng.uniform(1, 2, size=size), 0.5, generator(rng))
        assert_close(y > 0, mask, "the mask found in y")

    @robust
    def test_integers(self, student, rng):
        """Whole numbers give the right fractions"""
        y, mask = dropped(student, rng.randint(1, 9, size=(20, 20)) * 0 + 3, 0.2, generator(rng))
        assert_close(np.unique(y), [0, 3.75], "the values in y")

    @gradient
    def test_backward_by_hand(self, student):
        """A gradient of 3, -6 and 9 with mask 1, 0, 1 and p = 1/4 goes back as 4, 0 and 12"""
        dx = student.dropout_backward(
            np.array([[3.0, -6.0, 9.0]]), np.array([[1.0, 0.0, 1.0]]), 0.25
        )
        assert_close(dx, [[4.0, 0.0, 12.0]], "dL/dx")

    @gradient
    @pytest.mark.parametrize("p", [0.0, 0.3, 0.8])
    def test_backward(self, student, oracle, rng, p):
        """The gradient passes where the entry was kept, with the scale of the forward"""
        case = rng.normal(size=(5, 7)), (rng.uniform(size=(5, 7)) > 0.5).astype(float), p
        assert_close(student.dropout_backward(*case), oracle.dropout_backward(*case), "dL/dx")

    @robust
    def test_arguments_unchanged(self, student, rng):
        """x, dy and mask are left as they were"""
        x = rng.normal(size=(4, 3))
        student.dropout_forward(x, 0.5, generator(rng))
        assert_unchanged(student)
        student.dropout_backward(x, np.ones((4, 3)), 0.5)
        assert_unchanged(student)


@pytest.mark.exercise("batchnorm")
class TestBatchnorm:
    @pytest.fixture
    def case(self, rng):  # x, gamma, beta, running_mean, running_var; N = 6, D = 4
        scale, shift = rng.uniform(0.5, 3, size=4), rng.normal(size=4)
        x = scale * rng.normal(size=(6, 4)) + shift
        return (
            x,
            rng.uniform(0.5, 2, size=4),
            rng.normal(size=4),
            rng.normal(size=4),
            rng.uniform(0.5, 2, size=4),
        )

    PARTS = ("y", "running_mean", "running_var")

    @pytest.mark.parametrize("i", [0, 1, 2], ids=PARTS)
    def test_by_hand(self, student, i):
        """The batch of three that is worked by hand in the text comes out right"""
        x = np.array([[0.0, 5.0], [0.0, 5.0], [6.0, 5.0]])
        args = np.array([3.0, 7.0]), np.array([1.0, -1.0]), np.zeros(2), np.ones(2), True, 0.1, 1.0
        expected = [[-1.0, -1.0], [-1.0, -1.0], [5.0, -1.0]], [0.2, 0.5], [2.1, 0.9]
        assert_close(
            assert_parts(student.batchnorm_forward(x, *args), self.PARTS)[i],
            expected[i],
            self.PARTS[i],
        )

    @pytest.mark.parametrize("i", [0, 1, 2], ids=PARTS)
    @pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
    def test_values(self, student, oracle, case, training, i):
        """In each of the two modes y and the running statistics are right, momentum and eps left
        alone
        """
        actual = assert_parts(student.batchnorm_forward(*case, training), self.PARTS)
        assert_close(actual[i], oracle.batchnorm_forward(*case, training)[i], self.PARTS[i])

    @pytest.mark.parametrize("momentum", [0.0, 0.35, 1.0])
    def test_momentum(self, student, oracle, case, momentum):
        """momentum is the share of the new batch in the running statistics"""
        actual = assert_parts(student.batchnorm_forward(*case, True, momentum), self.PARTS)
        expected = oracle.batchnorm_forward(*case, True, momentum)
        assert_close(actual[1], expected[1], "running_mean")
        assert_close(actual[2], expected[2], "running_var")

    @pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
    def test_eps(self, student, oracle, case, training):
        """eps is added to the variance, inside the root"""
        y = assert_parts(student.batchnorm_forward(*case, training, 0.1, 0.7), self.PARTS)[0]
        assert_close(y, oracle.batchnorm_forward(*case, training, 0.1, 0.7)[0], "y")

    def test_default_eps(self, student, oracle, case):
        """eps is 0.00001 unless told otherwise"""
        args = 0.003 * case[0], *case[1:]  # variances as small as eps
        y = assert_parts(student.batchnorm_forward(*args, True), self.PARTS)[0]
        assert_close(y, oracle.batchnorm_forward(*args, True)[0], "y")

    @robust
    def test_constant_feature(self, student, case):
        """A feature that is the same for the whole batch comes out as beta, and finite"""
        x, gamma, beta, *running = case
        y, *_ = assert_parts(
            student.batchnorm_forward(np.full((6, 4), 2.5), gamma, beta, *running, True), self.PARTS
        )
        assert_close(y, np.tile(beta, (6, 1)), "y")

    @robust
    def test_batch_of_one(self, student, oracle, case):
        """In evaluation a sample alone gives what it gives in company"""
        args = case[0][2:3], *case[1:]
        y, *_ = assert_parts(student.batchnorm_forward(*args, False), self.PARTS)
        assert_close(y, oracle.batchnorm_forward(*args, False)[0], "y")

    @robust
    @pytest.mark.parametrize("i", [0, 2], ids=["y", "running_var"])
    def test_batch_of_two(self, student, oracle, case, i):
        """A batch of two is enough to train with"""
        args = case[0][:2], *case[1:]
        actual = assert_parts(student.batchnorm_forward(*args, True), self.PARTS)[i]
        assert_close(actual, oracle.batchnorm_forward(*args, True)[i], self.PARTS[i])

    @robust
    def test_integers(self, student, oracle, rng, case):
        """Whole numbers are fine"""
        args = (
            rng.permutation(24).reshape(6, 4),
            np.array([1, 2, 3, 4]),
            np.array([3, 2, 1, 0]),
            *case[3:],
        )
        actual, expected = (
            student.batchnorm_forward(*args, True),
            oracle.batchnorm_forward(*args, True),
        )
        for part, value, name in zip(assert_parts(actual, self.PARTS), expected, self.PARTS):
            assert_close(part, value, name)

    @gradient
    def test_backward_by_hand(self, student):
        """The gradients of the batch of three that is worked by hand in the text come out right"""
        dy, x = np.array([[1.0], [0.0], [2.0]]), np.array([[0.0], [0.0], [6.0]])
        expected = [[[4 / 9], [-5 / 9], [1 / 9]], [2.0], [3.0]]
        parts = assert_parts(
            student.batchnorm_backward(dy, x, np.array([3.0]), 1.0), ["dx", "dgamma", "dbeta"]
        )
        for part, value, name in zip(parts, expected, ["dL/dx", "dL/dgamma", "dL/dbeta"]):
            assert_close(part, value, name)

    @gradient
    @GRADIENTS
    @pytest.mark.parametrize("eps", [None, 0.7], ids=["default eps", "large eps"])
    def test_each_gradient(self, student, oracle, rng, case, eps, i, name):
        """dL/dx, dL/dgamma and dL/dbeta are right, each on its own"""
        dy, inputs, eps = rng.normal(size=(6, 4)), case[:3], [] if eps is None else [eps]
        actual = assert_parts(
            student.batchnorm_backward(dy, *inputs[:2], *eps), ["dx", "dgamma", "dbeta"]
        )[i]
        own = aside(student).batchnorm_forward
        forward = along(lambda *inputs: own(*inputs, *case[3:], True, 0.1, *eps)[0], inputs, i)
        expected = oracle.batchnorm_backward(dy, *inputs[:2], *eps)[i]
        assert_gradient(actual, expected, name, forward, inputs[i], dy)

    @gradient
    def test_default_eps_backward(self, student, oracle, rng, case):
        """The gradient has the same eps as the forward: 0.00001 unless told otherwise"""
        args = rng.normal(size=(6, 4)), 0.003 * case[0], case[1]
        dx = assert_parts(student.batchnorm_backward(*args), ["dx", "dgamma", "dbeta"])[0]
        assert_close(dx, oracle.batchnorm_backward(*args)[0], "dL/dx")

    @gradient
    def test_backward_is_linear(self, student, rng, case):
        """The gradient of a sum of upstream gradients is the sum of their gradients"""
        u, v = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
        assert_linear(lambda dy: student.batchnorm_backward(dy, *case[:2])[0], u, v, "dL/dx")

    @gradient
    def test_nothing_gained_by_a_shift(self, student, rng, case):
        """Moving the whole batch moves nothing: over the batch, dL/dx adds up to 0"""
        dx = assert_parts(
            student.batchnorm_backward(rng.normal(size=(6, 4)), *case[:2]),
            ["dx", "dgamma", "dbeta"],
        )[0]
        total = np.abs(assert_finite(assert_shape(dx, (6, 4), "dL/dx"), "dL/dx").sum(axis=0)).max()
        expect(
            total < 1e-4,
            f"over the batch, dL/dx of a feature adds up to {total:.3g}, expected 0",
            dx,
        )

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """Nothing that goes in is changed, the running statistics among it"""
        student.batchnorm_forward(*case, True)
        assert_unchanged(student)
        student.batchnorm_backward(rng.normal(size=(6, 4)), *case[:2])
        assert_unchanged(student)


@pytest.mark.exercise("layernorm")
class TestLayernorm:
    @pytest.fixture
    def case(self, rng):  # x, gamma, beta; N = 5, D = 4
        x = rng.uniform(0.5, 3, size=(5, 1)) * rng.normal(size=(5, 4)) + rng.normal(size=(5, 1))
        return x, rng.uniform(0.5, 2, size=4), rng.normal(size=4)

    def test_by_hand(self, student):
        """The sample that is worked by hand in the text comes out right"""
        x, gamma, beta = (
            np.array([[0.0, 0.0, 6.0], [5.0, 5.0, 5.0]]),
            np.array([3.0, 6.0, 3.0]),
            np.array([1.0, 0.0, -1.0]),
        )
        assert_close(
            student.layernorm_forward(x, gamma, beta, 1.0), [[-1.0, -4.0, 3.0], [1.0, 0.0, -1.0]]
        )

    def test_values(self, student, oracle, case):
        """Each sample is normalised over its own features"""
        assert_close(student.layernorm_forward(*case), oracle.layernorm_forward(*case))

    @pytest.mark.parametrize(
        "scale, eps", [(1.0, 0.7), (0.003, 1e-5)], ids=["large eps", "small variance"]
    )
    def test_eps(self, student, oracle, case, scale, eps):
        """eps is added to the variance, inside the root"""
        args = scale * case[0], case[1], case[2], *([] if eps == 1e-5 else [eps])
        assert_close(student.layernorm_forward(*args), oracle.layernorm_forward(*args))

    def test_alone_or_in_company(self, student, oracle, case):
        """A sample alone gives what it gives in a batch"""
        args = case[0][3:4], *case[1:]
        assert_close(student.layernorm_forward(*args), oracle.layernorm_forward(*args))

    @shape
    @pytest.mark.parametrize(
        "size", [(4,), (2, 3, 4), (2, 3, 5, 4)], ids=["vector", "rank-3", "rank-4"]
    )
    def test_any_rank(self, student, oracle, rng, case, size):
        """The last axis holds the features, whatever stands before it"""
        args = rng.normal(size=size), *case[1:]
        assert_close(student.layernorm_forward(*args), oracle.layernorm_forward(*args))

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers are fine"""
        args = rng.permutation(20).reshape(5, 4), np.array([1, 2, 3, 4]), np.array([3, 2, 1, 0])
        assert_close(student.layernorm_forward(*args), oracle.layernorm_forward(*args))

    @gradient
    def test_backward_by_hand(self, student):
        """The gradients of the sample that is worked by hand in the text come out right"""
        dy, x = np.array([[1.0, 0.0, 2.0]]), np.array([[0.0, 0.0, 6.0]])
        parts = assert_parts(
            student.layernorm_backward(dy, x, np.full(3, 3.0), 1.0), ["dx", "dgamma", "dbeta"]
        )
        expected = [[[4 / 9, -5 / 9, 1 / 9]], [-2 / 3, 0.0, 8 / 3], [1.0, 0.0, 2.0]]
        for part, value, name in zip(parts, expected, ["dL/dx", "dL/dgamma", "dL/dbeta"]):
            assert_close(part, value, name)

    @gradient
    @GRADIENTS
    @pytest.mark.parametrize("size", [(5, 4), (4,), (3, 2, 4)], ids=["batch", "vector", "rank-3"])
    def test_each_gradient(self, student, oracle, rng, case, size, i, name):
        """dL/dx, dL/dgamma and dL/dbeta are right, each on its own, for any rank"""
        dy, inputs = rng.normal(size=size), (rng.normal(size=size), *case[1:])
        actual = assert_parts(
            student.layernorm_backward(dy, *inputs[:2]), ["dx", "dgamma", "dbeta"]
        )[i]
        forward = along(aside(student).layernorm_forward, inputs, i)
        assert_gradient(
            actual, oracle.layernorm_backward(dy, *inputs[:2])[i], name, forward, inputs[i], dy
        )

    @gradient
    @pytest.mark.parametrize(
        "scale, eps", [(1.0, 0.7), (0.003, 1e-5)], ids=["large eps", "small variance"]
    )
    def test_eps_backward(self, student, oracle, rng, case, scale, eps):
        """The gradient has the same eps as the forward"""
        args = rng.normal(size=(5, 4)), scale * case[0], case[1], *([] if eps == 1e-5 else [eps])
        dx = assert_parts(student.layernorm_backward(*args), ["dx", "dgamma", "dbeta"])[0]
        assert_close(dx, oracle.layernorm_backward(*args)[0], "dL/dx")

    @gradient
    def test_backward_is_linear(self, student, rng, case):
        """The gradient of a sum of upstream gradients is the sum of their gradients"""
        u, v = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
        assert_linear(lambda dy: student.layernorm_backward(dy, *case[:2])[0], u, v, "dL/dx")

    @robust
    def test_arguments_unchanged(self, student, rng, case):
        """Nothing that goes in is changed"""
        student.layernorm_forward(*case)
        assert_unchanged(student)
        student.layernorm_backward(rng.normal(size=(5, 4)), *case[:2])
        assert_unchanged(student)


@pytest.mark.exercise("label_smoothing")
class TestLabelSmoothing:
    @pytest.fixture
    def case(self, rng):  # logits and soft targets (6, 4): rows of the targets add up to 1
        targets = rng.uniform(0.1, 1, size=(6, 4))
        return 2 * rng.normal(size=(6, 4)), targets / targets.sum(axis=1, keepdims=True)

    def test_smooth_by_hand(self, student):
        """With 4 classes and eps = 0.2 the right class gets 0.85 and each other one 0.05"""
        expected = [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]
        assert_close(student.smooth_labels(np.array([2, 0]), 4, 0.2), expected, "the targets")

    @pytest.mark.parametrize("eps", [0.0, 0.1, 0.6, 1.0])
    def test_smooth(self, student, oracle, rng, eps):
        """The targets are right for every eps from 0 to 1, also when a class does not occur"""
        labels = rng.randint(0, 4, size=7)  # classes 4 and 5 have no sample
        assert_close(
            student.smooth_labels(labels, 6, eps),
            oracle.smooth_labels(labels, 6, eps),
            "the targets",
        )

    def test_smooth_rows_add_up(self, student, rng):
        """The targets of each sample add up to 1"""
        targets = assert_shape(
            student.smooth_labels(rng.randint(0, 5, size=6), 5, 0.3), (6, 5), "the targets"
        )
        assert_close(targets.sum(axis=1), np.ones(6), "the row sums")

    def test_loss_by_hand(self, student):
        """Scores 0 and ln 3 with targets 1/2 and 1/2 cost ln 4 - (ln 3) / 2"""
        result = student.soft_cross_entropy(np.array([[0.0, np.log(3)]]), np.array([[0.5, 0.5]]))
        assert_scalar(assert_parts(result, ["loss", "dlogits"])[0], np.log(4) - np.log(3) / 2)

    @gradient
    def test_gradient_by_hand(self, student):
        """The gradient of that loss is -1/4 and 1/4"""
        result = student.soft_cross_entropy(np.array([[0.0, np.log(3)]]), np.array([[0.5, 0.5]]))
        assert_close(assert_parts(result, ["loss", "dlogits"])[1], [[-0.25, 0.25]], "dlogits")

    @pytest.mark.parametrize("i, name", [(0, "loss"), (1, "dlogits")], ids=["loss", "dlogits"])
    def test_values(self, student, oracle, case, i, name):
        """The loss is the mean over the samples, and dlogits is its gradient"""
        actual = assert_parts(student.soft_cross_entropy(*case), ["loss", "dlogits"])[i]
        compare = assert_scalar if i == 0 else assert_close
        compare(actual, oracle.soft_cross_entropy(*case)[i], name)

    @robust
    def test_batch_of_one(self, student, oracle, case):
        """A batch of one sample is right too"""
        case = case[0][:1], case[1][:1]
        loss, dlogits = assert_parts(student.soft_cross_entropy(*case), ["loss", "dlogits"])
        expected = oracle.soft_cross_entropy(*case)
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_shift(self, student, oracle, case):
        """Adding a number to all scores of a sample changes neither"""
        shifted = case[0] + np.array([[70.0], [-90.0], [5.0], [0.0], [-30.0], [10.0]])
        loss, dlogits = assert_parts(
            student.soft_cross_entropy(shifted, case[1]), ["loss", "dlogits"]
        )
        expected = oracle.soft_cross_entropy(*case)
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_confident_and_wrong(self, student):
        """With scores 10,000 apart it is finite and right, in a row far from the others too"""
        logits, targets = np.array([[1e4, 0.0], [-1e4, 0.0]]), np.array([[0.0, 1.0], [0.75, 0.25]])
        loss, dlogits = assert_parts(
            student.soft_cross_entropy(logits, targets), ["loss", "dlogits"]
        )
        assert_scalar(loss, 8750.0)
        assert_close(dlogits, [[0.5, -0.5], [-0.375, 0.375]], "dlogits")

    @robust
    def test_hard_targets(self, student, oracle, rng):
        """One-hot targets and scores may be whole numbers: it is the cross-entropy then"""
        case = rng.randint(-3, 4, size=(5, 3)), np.eye(3, dtype=int)[rng.randint(0, 3, size=5)]
        loss, dlogits = assert_parts(student.soft_cross_entropy(*case), ["loss", "dlogits"])
        expected = oracle.soft_cross_entropy(*case)
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_arguments_unchanged(self, student, case):
        """Nothing that goes in is changed"""
        student.smooth_labels(np.array([0, 2, 1]), 3, 0.1)
        assert_unchanged(student)
        student.soft_cross_entropy(*case)
        assert_unchanged(student)


@pytest.mark.exercise("early_stopping")
class TestEarlyStopping:
    @pytest.mark.parametrize(
        "losses, patience, best, stop",
        [
            ([5, 4, 3, 3.5, 3.2, 3.1, 1], 3, 2, 5),  # the 1 comes too late
            (
                [5, 4, 3, 3.5, 3.2, 2, 2.5],
                3,
                5,
                6,
            ),  # found just in time; the data end before patience does
            ([2, 3, 4], 1, 0, 1),
            ([3, 2, 1], 2, 2, 2),
            ([2, 1, 1, 1, 1, 0], 3, 1, 4),  # equal is not better
            ([1.5], 2, 0, 0),
            ([4, 5, 3, 5, 5, 2, 9, 9, 9], 2, 2, 4),  # patience begins anew at each best
        ],
        ids=["too late", "just in time", "patience 1", "never worse", "equal", "one epoch", "anew"],
    )
    def test_by_hand(self, student, losses, patience, best, stop):
        """best_epoch and stop_epoch are right, counted from 0, for a curve that can be followed by
        hand
        """
        result = student.early_stopping([float(v) for v in losses], patience)
        assert_close(
            assert_parts(result, ["best_epoch", "stop_epoch"]),
            [best, stop],
            "(best_epoch, stop_epoch)",
        )

    @pytest.mark.parametrize("patience", [1, 2, 5])
    def test_noisy_curve(self, student, oracle, rng, patience):
        """A long, noisy curve, an array, with equal values in it"""
        epochs = np.arange(60)
        losses = np.round(np.exp(-epochs / 9) + epochs / 90 + rng.uniform(0, 0.3, size=60), 1)
        result = assert_parts(
            student.early_stopping(losses, patience), ["best_epoch", "stop_epoch"]
        )
        assert_close(result, oracle.early_stopping(losses, patience), "(best_epoch, stop_epoch)")

    def test_future_does_not_count(self, student, oracle, rng):
        """What comes after the stop changes nothing"""
        losses = np.concatenate(
            [rng.uniform(2, 3, size=5), rng.uniform(4, 5, size=4), rng.uniform(0, 1, size=6)]
        )
        result = assert_parts(student.early_stopping(losses, 4), ["best_epoch", "stop_epoch"])
        assert_close(result, oracle.early_stopping(losses[:9], 4), "(best_epoch, stop_epoch)")

    @robust
    def test_argument_unchanged(self, student, rng):
        """val_losses is left as it was"""
        student.early_stopping(rng.uniform(size=9), 3)
        assert_unchanged(student)


def shifts(image, m):
    """All zero-filled shifts of an image (..., H, W) by -m..m: ((2m + 1)^2, ..., H, W), in the
    order of (dy, dx).
    """
    height, width = image.shape[-2:]
    found = np.zeros(((2 * m + 1) ** 2, *image.shape))
    for k, (dy, dx) in enumerate(np.ndindex(2 * m + 1, 2 * m + 1)):
        dy, dx = dy - m, dx - m
        rows, columns = (
            slice(max(dy, 0), height + min(dy, 0)),
            slice(max(dx, 0), width + min(dx, 0)),
        )
        back = slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0))
        found[(k, ..., rows, columns)] = image[(..., *back)]
    return found


def which_shift(result, image, m):
    """For each image of a result that was made from copies of one image, the number of its shift;
    all must be one.
    """
    out = assert_finite(
        assert_shape(result, (len(result), *image.shape), "the result"), "the result"
    )
    known = shifts(image, m).reshape(-1, image.size)
    distance = np.abs(out.reshape(len(out), 1, -1) - known).max(axis=2)
    odd = distance.min(axis=1) > 1e-4
    kinds = np.unique(
        np.round(out, 4).reshape(len(out), -1), axis=0
    )  # in an order of its own, whatever was drawn
    expect(
        not odd.any(),
        f"{odd.sum()} of {len(out)} images are not the image moved by up to {m}, with zeros",
        kinds,
    )
    return distance.argmin(axis=1), kinds


@pytest.mark.exercise("augment")
class TestAugment:
    @pytest.mark.parametrize("size", [(5, 6), (2, 4, 5)], ids=["gray", "two channels"])
    def test_zeros_come_in(self, student, rng, size):
        """Every image comes out moved by up to max_shift each way, with zeros where nothing was"""
        image = rng.uniform(1, 2, size=size)
        which_shift(
            student.random_shift(np.tile(image, (300, *[1] * len(size))), 1, generator(rng)),
            image,
            1,
        )

    @pytest.mark.parametrize("m", [1, 2])
    def test_all_shifts_occur(self, student, rng, m):
        """All whole shifts from -max_shift to max_shift occur, the two directions independent of
        each other
        """
        image = rng.uniform(1, 2, size=(6, 5))
        which, kinds = which_shift(
            student.random_shift(np.tile(image, (1200, 1, 1)), m, generator(rng)), image, m
        )
        expect(
            len(kinds) == (2 * m + 1) ** 2,
            f"{len(kinds)} shifts occur, expected {(2 * m + 1) ** 2}",
            kinds,
        )

    def test_uniform(self, student, rng):
        """Every shift is as likely as every other"""
        image = rng.uniform(1, 2, size=(4, 5))
        which, _ = which_shift(
            student.random_shift(np.tile(image, (4500, 1, 1)), 1, generator(rng)), image, 1
        )
        counts = np.bincount(which, minlength=9)
        assert_share(which == counts.argmax(), 1 / 9, "the share of the commonest shift")
        assert_share(which == counts.argmin(), 1 / 9, "the share of the rarest shift")

    def test_each_image_for_itself(self, student, rng):
        """Each image has a shift of its own"""
        image = rng.uniform(1, 2, size=(7, 6))
        which, _ = which_shift(
            student.random_shift(np.tile(image, (90, 1, 1)), 2, generator(rng)), image, 2
        )
        found = len(np.unique(which))
        expect(found > 5, f"90 images have only {found} different shifts", found)

    @shape
    def test_channels_stay_together(self, student, rng):
        """All channels of an image move together, and (N, C, H, W) keeps its shape"""
        image = rng.uniform(1, 2, size=(3, 5, 4))
        out = assert_shape(
            student.random_shift(np.tile(image, (40, 1, 1, 1)), 2, generator(rng)), (40, 3, 5, 4)
        )
        moved = [which_shift(out[:, c], image[c], 2)[0] for c in range(3)]
        expect(
            np.ptp(moved, axis=0).max() == 0, "the channels of an image moved by different steps", 1
        )

    @robust
    def test_different_images(self, student, rng):
        """Each image stays in its place in the batch"""
        images = rng.uniform(1, 2, size=(20, 6, 7))
        out = assert_shape(student.random_shift(images, 2, generator(rng)), images.shape)
        lost = [
            i
            for i in range(20)
            if np.abs(shifts(images[i], 2) - out[i]).max(axis=(1, 2)).min() > 1e-4
        ]
        expect(
            not lost,
            f"{len(lost)} of 20 images are not their own input moved by up to 2",
            len(lost),
        )

    @robust
    def test_no_shift(self, student, rng):
        """With max_shift = 0 nothing moves"""
        images = rng.uniform(1, 2, size=(4, 5, 6))
        assert_close(student.random_shift(images, 0, generator(rng)), images)

    @robust
    def test_chance_comes_from_rng(self, student, rng):
        """The same generator gives the same shifts, another one others"""
        images, one, other = rng.uniform(1, 2, size=(30, 5, 6)), generator(rng), generator(rng)
        runs = [
            assert_shape(student.random_shift(images, 2, seed), images.shape)
            for seed in (one, one, other)
        ]
        expect(
            np.array_equal(runs[0], runs[1]),
            "two generators of one seed moved the images differently",
            1,
        )
        expect(
            not np.array_equal(runs[0], runs[2]),
            "two generators of two seeds moved the images alike",
            2,
        )

    @robust
    def test_integers(self, student, rng):
        """Images of whole numbers, and a batch of one, are fine"""
        image = rng.permutation(30).reshape(5, 6) + 1
        which_shift(student.random_shift(image[None], 2, generator(rng)), image, 2)

    @robust
    def test_argument_unchanged(self, student, rng):
        """images is left as it was"""
        student.random_shift(rng.uniform(1, 2, size=(9, 5, 6)), 1, generator(rng))
        assert_unchanged(student)


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
BANDS = {name: np.array([0.15, *rest]) for name, rest in {
    "linear": [0.15, 0.2, 0.2], "tanh": [0.15, 0.2, 0.2], "relu": [0.5, 0.8, 1.0], "sigmoid": [0.7, 0.8, 0.8],
}.items()}  # fmt: skip


@pytest.mark.exercise("variance_flow")
class TestVarianceFlow:
    @pytest.mark.parametrize("activation", list(FUNCTIONS))
    @pytest.mark.parametrize("scheme", list(STD))
    def test_variances(self, student, rng, scheme, activation):
        """The variance after each layer is what the scheme and the activation lead to, up
        to chance
        """
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
        name += "one; the log of that"
        assert_at_most(
            share[worst], 1.0, f"{name}, as a share of what chance can do,", np.round(2 * off[:2])
        )

    @pytest.mark.parametrize("width", [120, 480])
    def test_width(self, student, rng, width):
        """The schemes take the width into account: a wider layer keeps its variance too"""
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
        """There is one variance for each layer"""
        assert_shape(
            student.activation_variances(depth, 50, "he", "relu", generator(rng)),
            (depth,),
            "the variances",
        )

    @pytest.mark.kind("convergence")
    def test_deep(self, student, rng):
        """Through 30 layers He keeps a ReLU network alive, and Xavier halves it layer by layer"""
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
        """The same generator gives the same variances, another one others"""
        one, other = generator(rng), generator(rng)
        runs = [
            numbers(student.activation_variances(3, 20, "he", "tanh", s), "the variances")
            for s in (one, one, other)
        ]
        expect(np.array_equal(runs[0], runs[1]), "two generators of one seed gave two answers", 1)
        expect(
            not np.array_equal(runs[0], runs[2]), "two generators of two seeds gave one answer", 2
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


@pytest.mark.exercise("train_regularized")
class TestTrainRegularized:
    @pytest.fixture
    def small(self, rng):  # three clouds in five dimensions, far apart
        labels = np.repeat([0, 1, 2], 15)
        return 3 * np.eye(3, 5)[labels] + 0.5 * rng.normal(size=(45, 5)), labels, 3

    @shape
    def test_probabilities(self, student, rng, small):
        """predict_proba gives a row of probabilities for each sample, whatever the number of
        features and classes
        """
        params = student.train_regularized(*small, generator(rng), 3)
        probabilities(student, params, rng.normal(size=(11, 5)), 3)

    def test_learns(self, student, rng, small):
        """60 epochs on three clouds that are far apart are enough to tell them apart"""
        params = student.train_regularized(*small, generator(rng), 60)
        p = probabilities(student, params, small[0], 3)
        assert_at_least(np.mean(p.argmax(axis=1) == small[1]), 0.9, "the share read right")

    def test_nothing_left_to_chance(self, student, rng, small):
        """The same inputs give the same probabilities each time: prediction is not training"""
        params, X = student.train_regularized(*small, generator(rng), 5), rng.normal(size=(9, 5))
        first, again = (probabilities(student, params, X, 3) for _ in range(2))
        expect(np.array_equal(first, again), "two calls with the same inputs gave two answers", 1)

    def test_alone_or_in_company(self, student, rng, small):
        """A sample's probabilities do not depend on the rest of the batch"""
        params, X = (
            student.train_regularized(*small, generator(rng), 5),
            3 * rng.normal(size=(9, 5)),
        )
        together = probabilities(student, params, X, 3)
        alone = np.concatenate([probabilities(student, params, X[i : i + 1], 3) for i in range(9)])
        worst = np.abs(together - alone).max()
        expect(
            worst < 1e-5,
            f"a probability changes by {worst:.2g} when the sample comes alone",
            round(worst, 1),
        )

    def test_chance_comes_from_rng(self, student, rng, small):
        """The same generator gives the same network"""
        X, one = rng.normal(size=(9, 5)), generator(rng)
        runs = [
            probabilities(student, student.train_regularized(*small, one, 2), X, 3)
            for _ in range(2)
        ]
        expect(np.allclose(*runs, atol=1e-6), "two generators of one seed gave two networks", 1)

    def test_epochs(self, student, rng, small):
        """Sixty epochs teach more than one"""
        X, labels, n_classes = small[0][::3], small[1][::3], small[2]
        losses = []
        for epochs in (60, 1):
            params = student.train_regularized(X, labels, n_classes, generator(rng), epochs)
            losses.append(mean_loss(probabilities(student, params, X, n_classes), labels))
        assert_at_most(
            losses[0] / losses[1],
            0.8,
            "the training loss after 60 epochs, as a share of that after 1",
        )

    @pytest.mark.kind("convergence")
    @pytest.mark.weight(3)
    def test_beats_the_plain_network(self, student, oracle, rng):
        """Where a fifth of 150 labels is wrong, its loss on clean test digits is well below the
        plain network's
        """
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
            + " nats; the mean of that"
        )
        assert_at_least(np.mean(gains), 0.08, name, np.array(gains))

    @robust
    def test_arguments_unchanged(self, student, rng, small):
        """X, labels and params are left as they were"""
        params = student.train_regularized(*small, generator(rng), 1)
        assert_unchanged(student)
        student.predict_proba(params, small[0])
        assert_unchanged(student)
