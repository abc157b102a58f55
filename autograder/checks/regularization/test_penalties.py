"""Checks of 04-regularization: penalties and dropout."""

import numpy as np
import pytest

from autograder.checks.regularization.noisy import assert_share
from autograder.testing import (
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_unchanged,
    exercise,
    expect,
    generator,
    gradient,
    robust,
    shape,
)


def penalty(result, expected, value_only=False):
    """A penalty's value and, unless only that is asked for, its gradients are the expected ones."""
    value, grads = assert_parts(result, ["value", "grads"])
    assert_scalar(value, expected[0], "the value")
    if not value_only:
        assert_gradients(grads, expected[1])


@exercise("penalties")
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
        """For the weights 1, -2, 3, 0 and strength 0.1, the penalty is 0.7 (L2) and 0.6 (L1)"""
        params = {"W1": np.array([[1.0, -2.0], [3.0, 0.0]]), "b1": np.array([5.0, -4.0])}
        expected = value, {"W1": slope, "b1": np.zeros(2)}
        penalty(
            getattr(student, f"{name}_penalty")(params, 0.1), expected, value_only=slope is None
        )

    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_value(self, student, oracle, params, name):
        """The value includes every parameter whose name starts with W, and no other"""
        penalty(
            getattr(student, name)(params, 0.3), getattr(oracle, name)(params, 0.3), value_only=True
        )

    @gradient
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_gradients(self, student, oracle, params, name):
        """The gradients have the keys and shapes of the parameters, and are zero for the biases"""
        _, grads = assert_parts(getattr(student, name)(params, 0.3), ["value", "grads"])
        assert_gradients(grads, getattr(oracle, name)(params, 0.3)[1])

    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_strength(self, student, oracle, params, name):
        """Ten times the strength gives ten times the penalty and ten times the gradients"""
        result = getattr(student, name)(params, 7.0), getattr(oracle, name)(params, 7.0)
        penalty(*result)

    @gradient
    def test_l1_at_zero(self, student):
        """At a weight of exactly 0, the L1 gradient lies between -lam and lam"""
        params = {"W1": np.array([[0.0, 2.0], [-3.0, 0.0]]), "b1": np.zeros(2)}
        _, grads = assert_parts(student.l1_penalty(params, 0.4), ["value", "grads"])
        expect(
            isinstance(grads, dict) and "W1" in grads,
            "grads is not a dict with the key W1",
            grads,
        )
        g = assert_finite(assert_shape(grads["W1"], (2, 2), "grads['W1']"), "grads['W1']")
        assert_close(g[[0, 1], [1, 0]], [0.4, -0.4], "the gradient of the weights 2 and -3")
        expect(
            np.abs(g).max() <= 0.4 * (1 + 1e-6),
            f"at 0 the gradient is {g[0, 0]:g}, {g[1, 1]:g}, expected -0.4 to 0.4",
            g,
        )

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_no_strength(self, student, params, name):
        """With strength 0 the penalty and its gradients are 0"""
        penalty(
            getattr(student, name)(params, 0.0),
            (0.0, {key: np.zeros(w.shape) for key, w in params.items()}),
        )

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_integers(self, student, name):
        """Integer weights give the right penalty and gradients"""
        W, value = np.array([[2, -4, 6]]), {"l2_penalty": 14.0, "l1_penalty": 6.0}[name]
        slope = {"l2_penalty": W / 2, "l1_penalty": np.sign(W) / 2}[name]
        result = getattr(student, name)({"W1": W, "b1": np.array([3, 1, 2])}, 0.5)
        penalty(result, (value, {"W1": slope, "b1": np.zeros(3)}))

    @robust
    @pytest.mark.parametrize("name", ["l2_penalty", "l1_penalty"])
    def test_arguments_unchanged(self, student, params, name):
        """params is not changed"""
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


@exercise("dropout")
class TestDropout:
    @pytest.mark.parametrize("p", [0.2, 0.7])
    def test_share(self, student, rng, p):
        """A share of about p of the entries is dropped: their mask is 0"""
        _, mask = dropped(student, rng.normal(size=(100, 200)), p, generator(rng))
        assert_share(mask == 0, p, "the share of dropped entries")

    @pytest.mark.parametrize("p", [0.3, 0.75])
    def test_scale(self, student, rng, p):
        """Each entry of y is 0 or x / (1 - p): kept entries are scaled up"""
        x = rng.uniform(1, 2, size=(30, 40))
        ratio = np.unique(np.round(dropped(student, x, p, generator(rng))[0] / x, 4))
        right = ratio.size == 2 and np.allclose(ratio, [0, 1 / (1 - p)], atol=2e-4)
        found = ", ".join(f"{v:.4g}" for v in ratio[:4])
        expect(
            right, f"y / x takes the values {found}, expected 0 and {1 / (1 - p):.4g}", ratio[:4]
        )

    def test_mask_tells(self, student, rng):
        """The mask is 1 where the entry is kept, and 0 where it is dropped"""
        y, mask = dropped(student, rng.uniform(1, 2, size=(20, 30)), 0.4, generator(rng))
        wrong = np.mean((y != 0) != (mask == 1))
        expect(wrong == 0, f"y and mask disagree in {wrong:.0%} of the entries", round(wrong, 1))

    def test_each_entry_for_itself(self, student, rng):
        """Each entry is drawn separately: all samples and all features have different masks"""
        _, mask = dropped(student, rng.normal(size=(60, 70)), 0.5, generator(rng))
        rows, columns = len(np.unique(mask, axis=0)), len(np.unique(mask, axis=1).T)
        expect(rows == 60, f"{rows} of 60 samples have their own mask", (rows, columns))
        expect(columns == 70, f"{columns} of 70 features have their own mask", (rows, columns))

    def test_the_number_varies(self, student, rng):
        """The number of dropped entries differs from call to call"""
        x = rng.normal(size=12)
        counts = {int(np.sum(dropped(student, x, 0.5, generator(rng))[1])) for _ in range(40)}
        expect(
            len(counts) > 1,
            f"always {min(counts)} of 12 entries are kept; do you draw each entry separately?",
            min(counts),
        )

    def test_chance_comes_from_rng(self, student, rng):
        """The same seed gives the same mask, and another seed gives another mask"""
        x, one, other = rng.normal(size=(8, 9)), generator(rng), generator(rng)
        first, again, another = (dropped(student, x, 0.5, seed)[1] for seed in (one, one, other))
        expect(
            np.array_equal(first, again),
            "two generators with the same seed gave different masks; do you use another generator?",
            1,
        )
        expect(
            not np.array_equal(first, another),
            "two generators with different seeds gave the same mask",
            2,
        )

    @pytest.mark.parametrize("p", [0.4, 0.9])
    def test_not_training(self, student, rng, p):
        """With training=False y is x and the mask is all ones"""
        x = rng.normal(size=(6, 5))
        y, mask = dropped(student, x, p, generator(rng), False)
        assert_close(y, x, "y")
        assert_close(mask, np.ones(x.shape), "mask")

    @robust
    def test_nothing_dropped(self, student, rng):
        """With p = 0 y is x in training too"""
        x = rng.normal(size=(7, 4))
        y, mask = dropped(student, x, 0.0, generator(rng))
        assert_close(y, x, "y")
        assert_close(mask, np.ones(x.shape), "mask")

    @shape
    @pytest.mark.parametrize(
        "size", [(50,), (1, 50), (4, 5, 6, 7)], ids=["vector", "one sample", "rank-4"]
    )
    def test_any_shape(self, student, rng, size):
        """y and mask have the shape of x, whatever that shape is"""
        y, mask = dropped(student, rng.uniform(1, 2, size=size), 0.5, generator(rng))
        assert_close(y > 0, mask, "the mask found in y")

    @robust
    def test_integers(self, student, rng):
        """Integer inputs give the right fractions"""
        y, mask = dropped(student, rng.randint(1, 9, size=(20, 20)) * 0 + 3, 0.2, generator(rng))
        assert_close(np.unique(y), [0, 3.75], "the values in y")

    @gradient
    def test_backward_by_hand(self, student):
        """For dy = 3, -6, 9, mask 1, 0, 1 and p = 1/4, the gradient is 4, 0, 12"""
        dx = student.dropout_backward(
            np.array([[3.0, -6.0, 9.0]]), np.array([[1.0, 0.0, 1.0]]), 0.25
        )
        assert_close(dx, [[4.0, 0.0, 12.0]], "dL/dx")

    @gradient
    @pytest.mark.parametrize("p", [0.0, 0.3, 0.8])
    def test_backward(self, same, rng, p):
        """The gradient passes through kept entries only, with the scale of the forward"""
        case = rng.normal(size=(5, 7)), (rng.uniform(size=(5, 7)) > 0.5).astype(float), p
        assert_close(*same.dropout_backward(*case), "dL/dx")

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """x, dy and mask are not changed"""
        x = rng.normal(size=(4, 3))
        unchanged.dropout_forward(x, 0.5, generator(rng))
        unchanged.dropout_backward(x, np.ones((4, 3)), 0.5)
