"""Checks of 04-regularization: soft labels, early stopping, random shifts."""

import numpy as np
import pytest

from autograder.checks.regularization.noisy import assert_share
from autograder.testing import (
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    exercise,
    expect,
    generator,
    gradient,
    robust,
    shape,
    supporting,
)


@exercise("label_smoothing")
class TestLabelSmoothing:
    @pytest.fixture
    def case(self, rng):  # logits and soft targets (6, 4): rows of the targets add up to 1
        targets = rng.uniform(0.1, 1, size=(6, 4))
        return 2 * rng.normal(size=(6, 4)), targets / targets.sum(axis=1, keepdims=True)

    def test_smooth_by_hand(self, student):
        """With 4 classes and eps = 0.2 the right class gets 0.85 and each other class 0.05"""
        expected = [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]
        assert_close(student.smooth_labels(np.array([2, 0]), 4, 0.2), expected, "the targets")

    @pytest.mark.parametrize("eps", [0.0, 0.1, 0.6, 1.0])
    def test_smooth(self, same, rng, eps):
        """The targets are right for every eps from 0 to 1, even if a class does not occur"""
        labels = rng.randint(0, 4, size=7)  # classes 4 and 5 have no sample
        assert_close(
            *same.smooth_labels(labels, 6, eps),
            "the targets",
        )

    def test_smooth_rows_add_up(self, student, rng):
        """The targets of each sample add up to 1"""
        targets = assert_shape(
            student.smooth_labels(rng.randint(0, 5, size=6), 5, 0.3), (6, 5), "the targets"
        )
        assert_close(targets.sum(axis=1), np.ones(6), "the row sums")

    def test_loss_by_hand(self, student):
        """The loss of scores 0 and ln 3 with targets 1/2 and 1/2 is ln 4 - (ln 3) / 2"""
        result = student.soft_cross_entropy(np.array([[0.0, np.log(3)]]), np.array([[0.5, 0.5]]))
        assert_scalar(assert_parts(result, ["loss", "dlogits"])[0], np.log(4) - np.log(3) / 2)

    @gradient
    def test_gradient_by_hand(self, student):
        """The gradient of that loss is -1/4 and 1/4"""
        result = student.soft_cross_entropy(np.array([[0.0, np.log(3)]]), np.array([[0.5, 0.5]]))
        assert_close(assert_parts(result, ["loss", "dlogits"])[1], [[-0.25, 0.25]], "dlogits")

    @pytest.mark.parametrize("i, name", [(0, "loss"), (1, "dlogits")], ids=["loss", "dlogits"])
    def test_values(self, same, case, i, name):
        """The loss is the mean over the samples, and dlogits is its gradient"""
        mine, right = same.soft_cross_entropy(*case)
        actual = assert_parts(mine, ["loss", "dlogits"])[i]
        compare = assert_scalar if i == 0 else assert_close
        compare(actual, right[i], name)

    @robust
    def test_batch_of_one(self, same, case):
        """The loss and the gradient of a single sample are right"""
        case = case[0][:1], case[1][:1]
        mine, right = same.soft_cross_entropy(*case)
        loss, dlogits = assert_parts(mine, ["loss", "dlogits"])
        expected = right
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_shift(self, student, oracle, case):
        """Adding one number to all scores of a sample changes neither the loss nor the gradient"""
        shifted = case[0] + np.array([[70.0], [-90.0], [5.0], [0.0], [-30.0], [10.0]])
        loss, dlogits = assert_parts(
            student.soft_cross_entropy(shifted, case[1]), ["loss", "dlogits"]
        )
        expected = oracle.soft_cross_entropy(*case)
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_confident_and_wrong(self, student):
        """For scores that are 10,000 apart, the loss and the gradient are finite and right"""
        logits, targets = np.array([[1e4, 0.0], [-1e4, 0.0]]), np.array([[0.0, 1.0], [0.75, 0.25]])
        loss, dlogits = assert_parts(
            student.soft_cross_entropy(logits, targets), ["loss", "dlogits"]
        )
        assert_scalar(loss, 8750.0)
        assert_close(dlogits, [[0.5, -0.5], [-0.375, 0.375]], "dlogits")

    @robust
    def test_hard_targets(self, same, rng):
        """One-hot targets give the cross-entropy, also for integer targets and scores"""
        case = rng.randint(-3, 4, size=(5, 3)), np.eye(3, dtype=int)[rng.randint(0, 3, size=5)]
        mine, right = same.soft_cross_entropy(*case)
        loss, dlogits = assert_parts(mine, ["loss", "dlogits"])
        expected = right
        assert_scalar(loss, expected[0])
        assert_close(dlogits, expected[1], "dlogits")

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """The arguments are not changed"""
        unchanged.smooth_labels(np.array([0, 2, 1]), 3, 0.1)
        unchanged.soft_cross_entropy(*case)


@exercise("early_stopping")
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
        """best_epoch and stop_epoch, counted from 0, are right for short curves worked out by
        hand
        """
        result = student.early_stopping([float(v) for v in losses], patience)
        assert_close(
            assert_parts(result, ["best_epoch", "stop_epoch"]),
            [best, stop],
            "(best_epoch, stop_epoch)",
        )

    @pytest.mark.parametrize("patience", [1, 2, 5])
    def test_noisy_curve(self, same, rng, patience):
        """Both epochs are right for a long, noisy curve with equal values in it"""
        epochs = np.arange(60)
        losses = np.round(np.exp(-epochs / 9) + epochs / 90 + rng.uniform(0, 0.3, size=60), 1)
        mine, right = same.early_stopping(losses, patience)
        result = assert_parts(mine, ["best_epoch", "stop_epoch"])
        assert_close(result, right, "(best_epoch, stop_epoch)")

    def test_future_does_not_count(self, student, oracle, rng):
        """Losses after the stop do not change the result"""
        losses = np.concatenate(
            [rng.uniform(2, 3, size=5), rng.uniform(4, 5, size=4), rng.uniform(0, 1, size=6)]
        )
        result = assert_parts(student.early_stopping(losses, 4), ["best_epoch", "stop_epoch"])
        assert_close(result, oracle.early_stopping(losses[:9], 4), "(best_epoch, stop_epoch)")

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """val_losses is not changed"""
        unchanged.early_stopping(rng.uniform(size=9), 3)


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
        f"{odd.sum()} of {len(out)} images are not the input moved by up to {m} "
        "pixels with zeros in the gap",
        kinds,
    )
    return distance.argmin(axis=1), kinds


@exercise("augment")
class TestAugment:
    @supporting
    @pytest.mark.parametrize("size", [(5, 6), (2, 4, 5)], ids=["gray", "two channels"])
    def test_zeros_come_in(self, student, rng, size):
        """Every image is moved by up to max_shift in each direction, and zeros fill the gap"""
        image = rng.uniform(1, 2, size=size)
        which_shift(
            student.random_shift(np.tile(image, (300, *[1] * len(size))), 1, generator(rng)),
            image,
            1,
        )

    @pytest.mark.parametrize("m", [1, 2])
    def test_all_shifts_occur(self, student, rng, m):
        """All integer shifts from -max_shift to max_shift occur, in every combination of
        directions
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
        """All shifts are equally likely"""
        image = rng.uniform(1, 2, size=(4, 5))
        which, _ = which_shift(
            student.random_shift(np.tile(image, (4500, 1, 1)), 1, generator(rng)), image, 1
        )
        counts = np.bincount(which, minlength=9)
        assert_share(which == counts.argmax(), 1 / 9, "the share of the most frequent shift")
        assert_share(which == counts.argmin(), 1 / 9, "the share of the least frequent shift")

    def test_each_image_for_itself(self, student, rng):
        """Each image has its own shift"""
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
            np.ptp(moved, axis=0).max() == 0, "the channels of an image have different shifts", 1
        )

    @robust
    def test_different_images(self, student, rng):
        """Each image keeps its place in the batch"""
        images = rng.uniform(1, 2, size=(20, 6, 7))
        out = assert_shape(student.random_shift(images, 2, generator(rng)), images.shape)
        lost = [
            i
            for i in range(20)
            if np.abs(shifts(images[i], 2) - out[i]).max(axis=(1, 2)).min() > 1e-4
        ]
        expect(
            not lost,
            f"{len(lost)} of 20 images are not their own input moved by up to 2 pixels",
            len(lost),
        )

    @robust
    def test_no_shift(self, student, rng):
        """With max_shift = 0 the images do not change"""
        images = rng.uniform(1, 2, size=(4, 5, 6))
        assert_close(student.random_shift(images, 0, generator(rng)), images)

    @robust
    def test_chance_comes_from_rng(self, student, rng):
        """The same seed gives the same shifts, and another seed gives other shifts"""
        images, one, other = rng.uniform(1, 2, size=(30, 5, 6)), generator(rng), generator(rng)
        runs = [
            assert_shape(student.random_shift(images, 2, seed), images.shape)
            for seed in (one, one, other)
        ]
        expect(
            np.array_equal(runs[0], runs[1]),
            "two generators with the same seed gave different shifts",
            1,
        )
        expect(
            not np.array_equal(runs[0], runs[2]),
            "two generators with different seeds gave the same shifts",
            2,
        )

    @robust
    def test_integers(self, student, rng):
        """Integer images and a batch of one image are right too"""
        image = rng.permutation(30).reshape(5, 6) + 1
        which_shift(student.random_shift(image[None], 2, generator(rng)), image, 2)

    @robust
    def test_argument_unchanged(self, unchanged, rng):
        """images is not changed"""
        unchanged.random_shift(rng.uniform(1, 2, size=(9, 5, 6)), 1, generator(rng))
