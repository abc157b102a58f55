"""Checks of 06-bptt: the loss of a sequence, and clipping."""

import numpy as np
import pytest

from autograder.testing import (
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    exercise,
    expect,
    gradient,
    numbers,
    robust,
)

# -- losses with holes, and steps that stay short
# ------------------------------------------------------


@exercise("sequence_loss")
class TestSequenceLoss:
    names = ("loss", "dlogits")

    @pytest.fixture
    def case(self, rng):  # sequences of 5, 2, 0 and 3 tokens: one is empty
        mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
        return 2 * rng.normal(size=(4, 5, 3)), rng.randint(0, 3, size=(4, 5)), mask

    def compare(self, student, oracle, *case):
        """Loss and gradient; returns the student's."""
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        right = oracle.sequence_cross_entropy(*case)
        assert_scalar(loss, right[0])
        assert_close(dlogits, right[1], "dlogits")
        return loss, dlogits

    def test_by_hand(self, student):
        """For two tokens with p(target) 1/4 and 1/2, the loss is (ln 4 + ln 2) / 2; padding has no
        gradient
        """
        logits = np.array([[[0.0, np.log(3)], [0.0, 0.0]], [[5.0, 0.0], [2.0, 1.0]]])
        targets, mask = np.array([[0, 1], [1, 0]]), np.array([[1, 1], [0, 0]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, targets, mask), self.names
        )
        assert_scalar(loss, 1.5 * np.log(2))
        right = [[[-0.375, 0.375], [0.25, -0.25]], [[0.0, 0.0], [0.0, 0.0]]]
        assert_close(dlogits, right, "dlogits")

    def test_loss(self, same, case):
        """The loss is the mean over all unmasked tokens of the batch"""
        mine, right = same.sequence_cross_entropy(*case)
        loss = assert_parts(mine, self.names)[0]
        assert_scalar(loss, right[0])

    @gradient
    def test_gradient(self, same, case):
        """dlogits is the gradient of that mean"""
        mine, right = same.sequence_cross_entropy(*case)
        dlogits = assert_parts(mine, self.names)[1]
        assert_close(dlogits, right[1], "dlogits")

    def test_nothing_masked(self, student, oracle, rng):
        """Without padding the loss is the mean over all tokens"""
        self.compare(
            student,
            oracle,
            rng.normal(size=(2, 4, 3)),
            rng.randint(0, 3, size=(2, 4)),
            np.ones((2, 4)),
        )

    @gradient
    @pytest.mark.parametrize(
        "size", [(3, 3, 3), (1, 4, 3), (4, 1, 3), (1, 1, 5)], ids=["square", "row", "step", "one"]
    )
    def test_sizes(self, student, oracle, rng, size):
        """Equal dimensions, one row, one step and one token are right"""
        mask = rng.randint(0, 2, size=size[:2])
        mask[0, 0] = 1
        self.compare(
            student, oracle, 2 * rng.normal(size=size), rng.randint(0, size[2], size=size[:2]), mask
        )

    def test_holes(self, student, oracle, rng):
        """Masked tokens may also be in the middle or at the start of a row"""
        mask = np.array([[0, 1, 0, 1], [1, 0, 0, 1], [0, 0, 1, 0]])
        self.compare(
            student, oracle, rng.normal(size=(3, 4, 5)), rng.randint(0, 5, size=(3, 4)), mask
        )

    @gradient
    def test_padding_gets_no_gradient(self, student, case):
        """The gradient is exactly 0 where the mask is 0"""
        dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)[1]
        dlogits = assert_finite(assert_shape(dlogits, (4, 5, 3), "dlogits"))
        expect(
            not dlogits[case[2] == 0].any(),
            "a masked token has a gradient that is not 0",
            dlogits,
        )

    def test_padding_does_not_matter(self, student, rng, case):
        """The scores and targets of masked tokens do not change the result"""
        logits, targets, mask = case
        gone = mask == 0
        others = (
            np.where(gone[:, :, None], 9 * rng.normal(size=logits.shape), logits),
            np.where(gone, 0, targets),
        )
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        again = assert_parts(student.sequence_cross_entropy(*others, mask), self.names)
        assert_scalar(
            again[0], float(numbers(loss, "the loss").sum()), "the loss with other padding"
        )
        assert_close(
            again[1], assert_shape(dlogits, (4, 5, 3), "dlogits"), "dlogits with other padding"
        )

    def test_doubled_batch(self, student, case):
        """If every row comes twice, the loss is the same and each gradient is half as large"""
        loss, dlogits = assert_parts(student.sequence_cross_entropy(*case), self.names)
        twice = assert_parts(
            student.sequence_cross_entropy(*(np.concatenate([p, p]) for p in case)), self.names
        )
        assert_scalar(
            twice[0], float(numbers(loss, "the loss").sum()), "the loss of the doubled batch"
        )
        half = assert_shape(dlogits, (4, 5, 3), "dlogits") / 2
        assert_close(twice[1], np.concatenate([half, half]), "dlogits")

    @robust
    @pytest.mark.parametrize("kind", [bool, float], ids=["true-false", "floats"])
    def test_kinds_of_mask(self, student, oracle, rng, kind):
        """A mask may hold True and False, floats, or integers"""
        mask = np.array([[1, 1, 0], [1, 0, 0]]).astype(kind)
        self.compare(
            student, oracle, rng.normal(size=(2, 3, 4)), rng.randint(0, 4, size=(2, 3)), mask
        )

    @robust
    def test_large_scores(self, student):
        """At scores of ±10,000 the loss is the gap between the scores, and nothing is NaN or
        infinite
        """
        logits = np.array([[[1e4, 0.0, -1e4], [0.0, 1e4, -1e4], [-1e4, 1e4, -1e4]]])
        targets, mask = np.array([[1, 1, 0]]), np.array([[1, 1, 0]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, targets, mask), self.names
        )
        assert_scalar(loss, 5e3)
        assert_close(dlogits, [[[0.5, -0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], "dlogits")

    @robust
    def test_rows_far_apart(self, student):
        """Tokens with very small and very large scores are right in the same batch"""
        logits = np.array([[[1e4, 1e4], [-1e4, -1e4]]])
        loss, dlogits = assert_parts(
            student.sequence_cross_entropy(logits, np.array([[0, 1]]), np.ones((1, 2))), self.names
        )
        assert_close(
            loss, np.log(2), "the loss", tolerance=1e-3
        )  # float32 has three digits behind 10,000
        assert_close(dlogits, [[[-0.25, 0.25], [0.25, -0.25]]], "dlogits", tolerance=1e-3)

    @robust
    def test_integers(self, student, oracle, rng):
        """Integer scores give the right loss and gradient"""
        case = (
            rng.randint(-3, 4, size=(2, 3, 4)),
            rng.randint(0, 4, size=(2, 3)),
            np.array([[1, 1, 1], [1, 0, 0]]),
        )
        self.compare(student, oracle, *case)

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """logits, targets and mask are not changed"""
        unchanged.sequence_cross_entropy(*case)


@exercise("clip_gradients")
class TestClipGradients:
    @pytest.fixture
    def grads(self, rng):  # norm about 4
        return {
            "Wx": rng.normal(size=(2, 3)),
            "Wh": rng.normal(size=(3, 3)),
            "b": rng.normal(size=3),
        }

    def test_by_hand(self, student):
        """(3, 0) and 4 together have the norm 5; with max_norm 2 they become (1.2, 0) and 1.6"""
        clipped = student.clip_gradients({"W": np.array([3.0, 0.0]), "b": np.array(4.0)}, 2.0)
        assert_gradients(clipped, {"W": [1.2, 0.0], "b": 1.6}, "the clipped gradients")

    @pytest.mark.parametrize("max_norm", [0.5, 1.0, 3])
    def test_too_long(self, same, grads, max_norm):
        """Gradients that are too long keep their direction and get the norm max_norm"""
        grads = {name: 2 * part / np.abs(part).max() for name, part in grads.items()}
        assert_gradients(*same.clip_gradients(grads, max_norm))

    @pytest.mark.parametrize("max_norm", [20.0, 1e4])
    def test_short_enough(self, student, grads, max_norm):
        """Gradients with a norm below max_norm do not change"""
        assert_gradients(student.clip_gradients(grads, max_norm), grads, "the clipped gradients")

    def test_at_the_line(self, student):
        """A norm just below max_norm is not changed, and a norm just above it is"""
        grads = {"W": np.array([[0.6, 0.0], [0.0, 0.0]]), "b": np.array([0.0, 0.8])}
        assert_gradients(student.clip_gradients(grads, 1.0), grads, "the clipped gradients")
        right = {name: part / 1.25 for name, part in grads.items()}
        assert_gradients(student.clip_gradients(grads, 0.8), right, "the clipped gradients")

    def test_one_tensor_large(self, same, grads):
        """If one tensor is very large, all other tensors are scaled by the same factor"""
        grads = {**grads, "Wh": 1e3 * grads["Wh"]}
        mine, right = same.clip_gradients(grads, 5.0)
        clipped = mine
        assert_gradients(clipped, right, "the clipped gradients")
        assert_close(clipped["b"], right["b"], "the clipped gradients['b']", tolerance=1e-4)

    @robust
    def test_zeros(self, student):
        """Gradients of 0 stay 0"""
        grads = {"W": np.zeros((2, 3)), "b": np.zeros(3)}
        assert_gradients(student.clip_gradients(grads, 1.0), grads, "the clipped gradients")

    @robust
    def test_integers(self, student):
        """Integer gradients are clipped like all others"""
        clipped = student.clip_gradients({"W": np.array([[3, 0], [0, 4]])}, 1)
        assert_gradients(clipped, {"W": [[0.6, 0.0], [0.0, 0.8]]}, "the clipped gradients")

    @robust
    @pytest.mark.parametrize("max_norm", [0.1, 100.0], ids=["shortened", "kept"])
    def test_arguments_unchanged(self, unchanged, grads, max_norm):
        """The incoming gradients are not changed"""
        unchanged.clip_gradients(grads, max_norm)
