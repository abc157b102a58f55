"""Checks of 03-optimizers: rates for the rules, batches for the gradients."""

import numpy as np
import pytest

from autograder.testing import (
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_shapes,
    causes,
    exercise,
    expect,
    generator,
    numbers,
    robust,
    shape,
    supporting,
    weight,
)


@exercise("schedules")
class TestSchedules:
    @pytest.mark.parametrize("step, rate", [(0, 0.0), (2, 0.4), (5, 1.0), (10, 0.5), (15, 0.0)])
    def test_cosine_by_hand(self, student, step, rate):
        """warmup_cosine gives the rates worked out by hand for total 15, warmup 5 and peak 1"""
        assert_scalar(student.warmup_cosine(step, 15, 5, 1.0), rate, f"the rate at step {step}")

    def test_cosine_values(self, student, oracle, rng):
        """The schedule with a floor is right at every step"""
        total, warmup, peak, floor = (
            int(rng.randint(30, 40)),
            int(rng.randint(5, 9)),
            rng.uniform(0.5, 2),
            0.1,
        )
        for step in range(total):
            expected = oracle.warmup_cosine(step, total, warmup, peak, floor)
            assert_scalar(
                student.warmup_cosine(step, total, warmup, peak, floor),
                expected,
                f"the rate at step {step}",
            )

    def test_cosine_default_floor(self, student, oracle, rng):
        """If no floor is given, the rate falls to 0"""
        total, peak = int(rng.randint(20, 30)), rng.uniform(0.5, 2)
        for step in range(4, total):
            expected = oracle.warmup_cosine(step, total, 4, peak)
            assert_scalar(
                student.warmup_cosine(step, total, 4, peak), expected, f"the rate at step {step}"
            )

    @pytest.mark.parametrize("late", [0, 1, 7, 40])
    def test_cosine_after_the_end(self, student, late):
        """From step `total` on, the rate stays at the floor"""
        assert_scalar(
            student.warmup_cosine(20 + late, 20, 4, 2.0, 0.3), 0.3, f"the rate at step {20 + late}"
        )

    @robust
    @pytest.mark.parametrize("step, rate", [(0, 2.0), (3, 1.25), (6, 0.5)])
    def test_cosine_without_warmup(self, student, step, rate):
        """With warmup 0 the rate starts at the peak"""
        assert_scalar(student.warmup_cosine(step, 6, 0, 2.0, 0.5), rate, f"the rate at step {step}")

    def test_warmup_ignores_the_floor(self, student):
        """The warm-up is a straight line from 0 to the peak, whatever the floor"""
        rates = [numbers(student.warmup_cosine(k, 30, 10, 4.0, 1.0), "the rate") for k in range(11)]
        assert_close(np.array(rates), 0.4 * np.arange(11), "the rate")

    @pytest.mark.parametrize(
        "step, rate", [(0, 8.0), (4, 8.0), (5, 4.0), (9, 4.0), (10, 2.0), (17, 1.0)]
    )
    def test_decay_by_hand(self, student, step, rate):
        """step_decay with base 8, every 5 and factor 1/2: 8 to step 4, 4 from 5, 2 from 10, 1 from
        15
        """
        assert_scalar(student.step_decay(step, 8.0, 5, 0.5), rate, f"the rate at step {step}")

    def test_decay_values(self, student, oracle, rng):
        """step_decay is right at every step for other factors and periods"""
        base, every, factor = rng.uniform(1, 2), int(rng.randint(3, 7)), rng.uniform(0.3, 0.9)
        for step in range(25):
            expected = oracle.step_decay(step, base, every, factor)
            assert_scalar(
                student.step_decay(step, base, every, factor), expected, f"the rate at step {step}"
            )


def clipped(result):
    """The parts of an answer: the gradients, and the norm as a number."""
    grads, norm = assert_parts(result, ["grads", "norm"])
    value = assert_finite(norm, "the norm")
    found = f"the norm has shape {value.shape}, expected one number"
    expect(value.size == 1, found, norm, cause=causes.of_type("array"))
    return grads, float(value.reshape(()))


@exercise("clip_by_global_norm")
class TestClipByGlobalNorm:
    @pytest.fixture
    def grads(self, rng):  # tensors of very different sizes
        return {
            "W1": 2 * rng.normal(size=(4, 3)),
            "b1": 0.1 * rng.normal(size=3),
            "W2": rng.normal(size=(2, 3, 2)),
        }

    def test_by_hand(self, student):
        """With max_norm 1, the gradients (3) and (4) become (0.6) and (0.8), and the norm is 5"""
        grads, norm = clipped(
            student.clip_by_global_norm({"a": np.array([3.0]), "b": np.array([4.0])}, 1.0)
        )
        assert_gradients(grads, {"a": np.array([0.6]), "b": np.array([0.8])})
        assert_scalar(norm, 5.0, "the norm")

    def test_values(self, student, oracle, grads):
        """Large gradients are all multiplied by the same factor"""
        expected, _ = oracle.clip_by_global_norm(grads, 2.5)
        assert_gradients(clipped(student.clip_by_global_norm(grads, 2.5))[0], expected)

    def test_norm(self, student, oracle, grads):
        """The returned norm is the norm of all tensors together, before clipping"""
        _, expected = oracle.clip_by_global_norm(grads, 2.5)
        assert_scalar(clipped(student.clip_by_global_norm(grads, 2.5))[1], expected, "the norm")

    def test_new_norm(self, student, grads):
        """The clipped gradients have the norm max_norm"""
        new, _ = clipped(student.clip_by_global_norm(grads, 1.7))
        new = assert_shapes(new, {key: g.shape for key, g in grads.items()})
        total = np.sqrt(sum(np.sum(g**2) for g in new.values()))
        expect(
            abs(total - 1.7) < 1e-4, f"the new norm is {total:.6g}, expected max_norm = 1.7", new
        )

    def test_small_stay(self, student, grads):
        """Gradients with a norm below max_norm do not change"""
        new, norm = clipped(student.clip_by_global_norm(grads, 100.0))
        assert_gradients(new, grads)
        assert_scalar(norm, np.sqrt(sum(np.sum(g**2) for g in grads.values())), "the norm")

    def test_just_at_the_limit(self, student):
        """Gradients with a norm of exactly max_norm do not change"""
        grads = {"a": np.array([[3.0, 0.0]]), "b": np.array([0.0, 4.0])}
        assert_gradients(clipped(student.clip_by_global_norm(grads, 5.0))[0], grads)

    @pytest.mark.parametrize("alone", ["W1", "b1"])
    def test_one_tensor(self, student, oracle, grads, alone):
        """A single tensor is clipped by its own norm"""
        one = {alone: 50 * grads[alone]}
        expected, before = oracle.clip_by_global_norm(one, 1.5)
        new, norm = clipped(student.clip_by_global_norm(one, 1.5))
        assert_gradients(new, expected)
        assert_scalar(norm, before, "the norm")

    @robust
    def test_zeros(self, student):
        """Gradients of zeros stay zero, without a division by 0"""
        zeros = {"W": np.zeros((2, 3)), "b": np.zeros(4)}
        new, norm = clipped(student.clip_by_global_norm(zeros, 1.0))
        assert_gradients(new, zeros)
        assert_scalar(norm, 0.0, "the norm")

    @robust
    def test_integers(self, student):
        """Integer gradients give fractions"""
        grads, _ = clipped(
            student.clip_by_global_norm({"W": np.array([[6, 0]]), "b": np.array(-8)}, 5.0)
        )
        assert_gradients(grads, {"W": np.array([[3.0, 0.0]]), "b": np.array(-4.0)})

    @robust
    def test_arguments_unchanged(self, unchanged, grads):
        """The incoming gradients are not changed"""
        unchanged.clip_by_global_norm(grads, 0.5)


def dealt(result, n_features):
    """The batches of an answer as pairs of arrays, each with as many rows on both sides."""
    if not isinstance(result, (list, tuple)):
        expect(
            False,
            f"the result is of type {type(result).__name__}, expected a list of pairs",
            result,
        )
    pairs = []
    for i, pair in enumerate(result):
        x, y = (numbers(part, f"batch {i}") for part in assert_parts(pair, ["xb", "yb"]))
        expect(
            y.ndim == 1 and x.shape == (len(y), n_features),
            f"batch {i} has shapes {x.shape} and {y.shape}",
            result,
        )
        pairs.append((x, y))
    return pairs


@exercise("minibatches")
class TestMinibatches:
    @pytest.fixture
    def case(
        self, rng
    ):  # row i is (i, -i, i^2) and y is 3 i: every row can be told from the others
        i = np.arange(11)
        return np.column_stack([i, -i, i**2]).astype(float), 3 * i, generator(rng)

    @shape
    @pytest.mark.parametrize(
        "n, size, sizes",
        [(9, 4, [4, 4, 1]), (8, 4, [4, 4]), (3, 5, [3]), (5, 1, [1] * 5), (6, 6, [6])],
    )
    def test_sizes(self, student, case, n, size, sizes):
        """All batches except the last are full, and none is empty"""
        X, y, rng = case
        found = [len(yb) for _, yb in dealt(student.minibatches(X[:n], y[:n], size, rng), 3)]
        expect(found == sizes, f"the batches have {found} samples, expected {sizes}", found)

    def test_every_sample_once(self, student, case):
        """Every sample appears exactly once"""
        X, y, rng = case
        rows = np.concatenate(
            [xb for xb, _ in dealt(student.minibatches(X, y, 4, rng), 3)] or [X[:0]]
        )
        expect(len(rows) == 11, f"{len(rows)} samples are returned, expected 11", rows)
        assert_close(rows[np.argsort(rows[:, 0])], X, "the samples, sorted")

    @supporting
    def test_pairs(self, student, case):
        """Each sample keeps its own label"""
        X, y, rng = case
        for xb, yb in dealt(student.minibatches(X, y, 4, rng), 3):
            assert_close(yb, 3 * xb[:, 0], "yb")

    @supporting
    @weight(4)
    def test_shuffled(self, student, case):
        """The samples are shuffled one by one, not only the batches"""
        X, y, rng = case
        X, y = np.repeat(np.arange(60.0)[:, None], 3, axis=1), np.arange(60)
        order = np.concatenate([yb for _, yb in dealt(student.minibatches(X, y, 10, rng), 3)])
        together = int(np.sum(np.diff(order) == 1))
        expect(
            together <= 12,
            f"{together} of 59 samples still come right after the sample before them in X",
            order,
        )

    @weight(6)
    def test_every_order(self, student, rng):
        """Over many epochs, each of the 24 orders of four samples appears about equally often"""
        orders = assert_shape(
            student.probes.orders_of_many_epochs(4, 3, 1200, generator(rng)),
            (1200, 4),
            "the orders of 1200 epochs",
        )
        counts = np.unique(orders @ [64, 16, 4, 1], return_counts=True)[1]
        expect(len(counts) == 24, f"{len(counts)} different orders appeared, expected 24", orders)
        chi2 = float(np.sum((counts - 50) ** 2 / 50))  # 23 on average, standard deviation 7
        expect(
            chi2 <= 80,
            f"each order comes {counts.min()} to {counts.max()} times in 1200: not equally often",
            orders,
        )

    @supporting
    def test_generator(self, student, case):
        """All randomness comes from rng: the same generator gives the same batches"""
        X, y, rng = case
        first, again = (dealt(student.minibatches(X, y, 4, rng), 3) for _ in range(2))
        orders = [np.concatenate([yb for _, yb in pairs]) for pairs in (first, again)]
        same = orders[0].shape == orders[1].shape and bool(np.all(orders[0] == orders[1]))
        expect(
            same,
            "two generators with the same seed give different batches; do you use "
            "another generator?",
            orders,
        )

    @shape
    def test_images(self, student, rng):
        """Samples may be images and labels may be rows: each stays whole"""
        X, y = rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 4))
        pairs = [
            assert_parts(pair, ["xb", "yb"])
            for pair in student.minibatches(X, y, 2, generator(rng))
        ]
        xs = np.concatenate([assert_shape(x, (len(x), 3, 2), "xb") for x, _ in pairs])
        ys = np.concatenate([assert_shape(t, (len(t), 4), "yb") for _, t in pairs])
        expect(
            len(xs) == len(ys) == 5,
            f"{len(xs)} samples and {len(ys)} labels are returned, expected 5 of each",
            (xs, ys),
        )
        old, new = np.argsort(X[:, 0, 0]), np.argsort(xs[:, 0, 0])
        assert_close(xs[new], X[old], "the samples, sorted")
        assert_close(ys[new], y[old], "the labels in the samples' order")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """X and y keep their order"""
        unchanged.minibatches(*case[:2], 4, case[2])
