"""Checks of 05-cnn: pooling and causal convolution."""

import numpy as np
import pytest

from autograder.checks.cnn.images import (
    numbered,
)
from autograder.testing import (
    assert_close,
    assert_finite,
    assert_linear,
    assert_scalar,
    assert_shape,
    assert_unchanged,
    exercise,
    expect,
    gradient,
    robust,
    shape,
    supporting,
)

windows = pytest.mark.parametrize(
    "size, stride", [(2, 2), (3, 2), (3, 1), (2, 3)], ids=["2-2", "3-2", "3-1", "2-3"]
)


# -- pooling
# -----------------------------------------------------------------------------------------

POOLS = ["maxpool2d", "avgpool2d"]


both = pytest.mark.parametrize("pool", POOLS)


@exercise("pooling")
class TestPooling:
    @pytest.fixture
    def case(self, rng):
        """x (2, 3, 8, 11), all pixels different, half of them negative: windows of 2 or 3 leave
        something over.
        """
        return (numbered(rng, (2, 3, 8, 11)) - 264) / 100

    def upstream(self, rng, size, stride):
        return rng.normal(size=(2, 3, (8 - size) // stride + 1, (11 - size) // stride + 1))

    def test_max_by_hand(self, student):
        """maxpool2d_forward returns the largest pixel of each 2 x 2 window, also of negative
        pixels
        """
        x = np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]])
        assert_close(student.maxpool2d_forward(x, 2, 2), [[[[5.0, -1.0]]]], "maxpool2d_forward")

    def test_average_by_hand(self, student):
        """avgpool2d_forward returns the mean of each 2 x 2 window"""
        x = np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]])
        assert_close(student.avgpool2d_forward(x, 2, 2), [[[[2.0, -2.5]]]], "avgpool2d_forward")

    @windows
    @both
    def test_forward(self, student, oracle, case, pool, size, stride):
        """Windows that touch, overlap or leave gaps are right; windows that do not fit are left
        out
        """
        name = f"{pool}_forward"
        assert_close(
            getattr(student, name)(case, size, stride),
            getattr(oracle, name)(case, size, stride),
            name,
        )

    @gradient
    def test_max_backward_by_hand(self, student):
        """Max pooling: the gradient of a window goes only to its largest pixel"""
        x, dy = (
            np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]]),
            np.array([[[[10.0, -7.0]]]]),
        )
        dx = [[[[0.0, 0.0, 0.0, 0.0], [10.0, 0.0, -7.0, 0.0]]]]
        assert_close(student.maxpool2d_backward(dy, x, 2, 2), dx, "maxpool2d_backward")

    @gradient
    def test_average_backward_by_hand(self, student):
        """Average pooling: each pixel of a window gets an equal share, and its shares add up"""
        dx = student.avgpool2d_backward(np.array([[[[8.0, 4.0]]]]), np.zeros((1, 1, 2, 3)), 2, 1)
        assert_close(dx, [[[[2.0, 3.0, 1.0], [2.0, 3.0, 1.0]]]], "avgpool2d_backward")

    @gradient
    @windows
    @both
    def test_backward(self, student, oracle, rng, case, pool, size, stride):
        """The backward is right for windows that touch, overlap or leave gaps"""
        name, dy = f"{pool}_backward", self.upstream(rng, size, stride)
        mine = getattr(student, name)(dy, case, size, stride)
        assert_close(mine, getattr(oracle, name)(dy, case, size, stride), name)

    @gradient
    @both
    def test_linear_in_dy(self, student, rng, case, pool):
        """The gradient is linear in dy"""
        u, v = self.upstream(rng, 3, 2), self.upstream(rng, 3, 2)
        assert_linear(
            lambda dy: getattr(student, f"{pool}_backward")(dy, case, 3, 2),
            u,
            v,
            f"{pool}_backward",
        )

    @gradient
    @pytest.mark.parametrize(
        "pixels", [[[4, 4], [4, 4]], [[4, 1], [2, 4]], [[0, 7], [7, -1]]], ids=["4", "2", "row"]
    )
    def test_ties(self, student, rng, pixels):
        """Only the largest pixels of a window share its gradient; their shares add up to all of
        it
        """
        x, dy = np.tile(np.array(pixels, float), (2, 3, 2, 4)), rng.normal(size=(2, 3, 2, 4))
        dx = assert_finite(assert_shape(student.maxpool2d_backward(dy, x, 2, 2), x.shape), "dx")
        shares = dx.reshape(2, 3, 2, 2, 4, 2) / dy[:, :, :, None, :, None]  # (N, C, H', 2, W', 2)
        total, greatest = shares.sum(axis=(3, 5)), (x == np.max(pixels)).reshape(shares.shape)
        expect(
            np.abs(total - 1).max() < 1e-5,
            f"the shares of a window add up to {total.flat[0]:.4g}, expected 1",
            dx,
        )
        expect(
            np.abs(shares[~greatest]).max(initial=0) < 1e-5,
            "a pixel that is not the largest of its window has a share of the gradient",
            dx,
        )
        expect(
            shares.min() > -1e-5 and shares.max() < 1 + 1e-5, "a share is not between 0 and 1", dx
        )

    @gradient
    def test_ties_in_overlaps(self, student, rng):
        """If all pixels are equal and windows overlap, dx adds up to the sum of dy"""
        dy = rng.uniform(1, 2, size=(1, 2, 3, 4))
        dx = assert_finite(
            assert_shape(student.maxpool2d_backward(dy, np.ones((1, 2, 5, 6)), 3, 1), (1, 2, 5, 6))
        )
        assert_close(dx.sum(axis=(2, 3)), dy.sum(axis=(2, 3)), "the sum of dx over each channel")

    @shape
    @both
    def test_batch_of_one(self, student, rng, pool):
        """Forward and backward keep all four axes for one image with one channel"""
        x, dy = rng.normal(size=(1, 1, 5, 4)), rng.normal(size=(1, 1, 2, 1))
        assert_shape(getattr(student, f"{pool}_forward")(x, 3, 2), (1, 1, 2, 1), f"{pool}_forward")
        assert_shape(
            getattr(student, f"{pool}_backward")(dy, x, 3, 2), (1, 1, 5, 4), f"{pool}_backward"
        )

    @robust
    @both
    def test_integers(self, student, oracle, rng, pool):
        """Integer inputs give the right values, fractions included"""
        x, dy = rng.permutation(20).reshape(1, 1, 4, 5), np.array([[[[3, -2], [5, 7]]]])
        forward, backward = f"{pool}_forward", f"{pool}_backward"
        assert_close(getattr(student, forward)(x, 3, 1), getattr(oracle, forward)(x, 3, 1), forward)
        assert_close(
            getattr(student, backward)(dy, x, 2, 2),
            getattr(oracle, backward)(dy, x, 2, 2),
            backward,
        )

    @robust
    @both
    def test_arguments_unchanged(self, student, rng, case, pool):
        """The arguments are not changed"""
        getattr(student, f"{pool}_forward")(case, 3, 2)
        assert_unchanged(student)
        getattr(student, f"{pool}_backward")(self.upstream(rng, 3, 2), case, 3, 2)
        assert_unchanged(student)


# -- one axis, that of time
# --------------------------------------------------------------------------


@exercise("causal_conv1d")
class TestCausalConv1d:
    @pytest.fixture
    def case(self, rng):
        return rng.normal(size=(3, 2, 11)), rng.normal(size=(5, 2, 4)), rng.normal(size=5)

    def test_by_hand(self, student):
        """Two taps that are two steps apart give the values worked out by hand"""
        x, W = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[10.0, 1.0]]])
        assert_close(student.causal_conv1d(x, W, np.array([0.5]), 2), [[[1.5, 2.5, 13.5, 24.5]]])

    def test_values(self, same, case):
        """Without dilation, several sequences, channels and kernels are right at once"""
        assert_close(*same.causal_conv1d(*case))

    @pytest.mark.parametrize("dilation", [2, 3, 20])
    def test_dilation(self, same, case, dilation):
        """All dilations are right, also one that reaches back before the start"""
        assert_close(*same.causal_conv1d(*case, dilation))

    @pytest.mark.parametrize("dilation", [1, 2])
    def test_no_leak(self, student, rng, case, dilation):
        """The first 6 outputs do not change when only later inputs change"""
        x, W, b = case
        other = np.concatenate([x[:, :, :6], rng.normal(size=(3, 2, 5))], axis=2)
        now, then = (
            assert_shape(student.causal_conv1d(part, W, b, dilation), (3, 5, 11))
            for part in (x, other)
        )
        assert_close(now[:, :, :6], then[:, :, :6], "the first 6 outputs")

    def test_present(self, student, rng):
        """The last tap sees the present step, and the first tap sees the most distant step"""
        x, W = np.zeros((1, 1, 8)), rng.normal(size=(2, 1, 3))
        x[0, 0, 1] = 1.0  # a click at t = 1 plays the kernel backwards
        y = np.zeros((1, 2, 8))
        y[0, :, 1::2][:, :3] = W[:, 0, ::-1]
        assert_close(student.causal_conv1d(x, W, np.zeros(2), 2), y)

    def test_one_tap(self, same, rng):
        """A kernel of one tap mixes the channels of each step"""
        case = rng.normal(size=(2, 3, 5)), rng.normal(size=(4, 3, 1)), rng.normal(size=4)
        assert_close(*same.causal_conv1d(*case, 3))

    @shape
    def test_batch_of_one(self, student, rng):
        """One short sequence keeps its axes and its length"""
        y = student.causal_conv1d(
            rng.normal(size=(1, 2, 2)), rng.normal(size=(1, 2, 4)), np.ones(1)
        )
        assert_shape(y, (1, 1, 2))

    def test_receptive_field_by_hand(self, student):
        """A kernel of 2 sees 2 steps; three layers with dilations 1, 2, 4 see 8 steps"""
        assert_scalar(student.receptive_field(2, [1]), 2, "the receptive field")
        assert_scalar(student.receptive_field(2, [1, 2, 4]), 8, "the receptive field")

    # A kernel of 1 sees one step, whatever the dilations.
    @pytest.mark.parametrize("kernel", [pytest.param(1, marks=supporting), 2, 3, 5])
    def test_receptive_field(self, same, rng, kernel):
        """The receptive field is right for any number of layers"""
        dilations = [int(d) for d in rng.randint(1, 9, size=6)]
        yours, expected = same.receptive_field(kernel, dilations)
        mine, right = (
            yours,
            expected,
        )
        assert_scalar(mine, right, "the receptive field")

    @robust
    def test_integers(self, same, rng):
        """Integer inputs and weights give the right values, also with a bias that has a fraction"""
        case = (
            rng.randint(0, 9, size=(2, 3, 7)),
            rng.randint(-2, 3, size=(2, 3, 2)),
            np.array([0.5, -0.25]),
        )
        assert_close(*same.causal_conv1d(*case, 2))

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """x, W, b and the dilations are not changed"""
        unchanged.causal_conv1d(*case, 2)
        unchanged.receptive_field(3, [1, 2, 4])
