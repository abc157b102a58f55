"""Checks of 05-cnn: sizes, convolution by loops and by one product, its gradients, pooling,
dilation, a network.
"""

import numpy as np
import pytest

from autograder.checks.cnn.images import (
    cnn_accuracy,
    cnn_scores,
    digit_images,
    in_one_order,
    linear_accuracy,
    moved,
    numbered,
    seconds,
    small_cnn,
    times_covered,
    window_by_window,
)
from autograder.testing.assertions import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
)
from autograder.testing.gradients import assert_gradient
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_linear, assert_shapes
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")

# stride and padding; a kernel of 4 x 3 on 9 x 12 leaves something over at stride 2, and gaps at
# stride 5
WAYS = {
    "plain": (1, 0),
    "padded": (1, 2),
    "stride": (2, 0),
    "stride-and-padding": (2, 1),
    "gaps": (5, 1),
}
ways = pytest.mark.parametrize("stride, padding", WAYS.values(), ids=WAYS)
windows = pytest.mark.parametrize(
    "size, stride", [(2, 2), (3, 2), (3, 1), (2, 3)], ids=["2-2", "3-2", "3-1", "2-3"]
)


# -- how many places
# ---------------------------------------------------------------------------------


@pytest.mark.exercise("output_size")
class TestOutputSize:
    @pytest.mark.parametrize(
        "case, expected",
        [((6, 3), 4), ((5, 5), 1), ((9, 3, 2), 4), ((5, 3, 1, 1), 5), ((9, 3, 1, 0, 2), 5)],
        ids=["plain", "whole", "stride", "padding", "dilation"],
    )
    def test_by_hand(self, student, case, expected):
        """Five sizes counted by hand come out right"""
        assert_scalar(student.output_size(*case), expected, "the size")

    @pytest.mark.parametrize(
        "case", [(10, 3, 2), (8, 2, 3), (11, 5, 4, 1), (12, 3, 4, 0, 2)], ids=str
    )
    def test_remainder(self, student, oracle, case):
        """Where the last step does not fit, it is left out"""
        assert_scalar(student.output_size(*case), oracle.output_size(*case), "the size")

    def test_many(self, student, oracle, rng):
        """Stride, padding and dilation together are right, for thirty draws"""
        draws = zip(rng.randint(20, 40, 30), *rng.randint(1, 5, size=(4, 30)))
        cases = [(int(n), int(k), int(s), int(p) - 1, int(d)) for n, k, s, p, d in draws]
        assert_close(
            [student.output_size(*c) for c in cases],
            [oracle.output_size(*c) for c in cases],
            "the sizes",
        )


# -- the definition, window by window
# ----------------------------------------------------------------


@pytest.fixture
def layer(rng):
    """x (3, 2, 9, 12), W (5, 2, 4, 3), b (5,): H' and W' differ from all of them where that
    can be.
    """
    return rng.normal(size=(3, 2, 9, 12)), rng.normal(size=(5, 2, 4, 3)), rng.normal(size=5)


def by_hand():
    """One image, one kernel, a bias: each of the four outputs tells which corner of the kernel met
    which pixel.
    """
    x = np.array([[[[1.0, 2.0, 0.0], [0.0, 3.0, 1.0], [4.0, 0.0, 2.0]]]])
    return x, np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]), np.array([0.5])


@pytest.mark.exercise("conv2d_forward")
class TestConv2dForward:
    def test_by_hand(self, student):
        """A kernel of 2 x 2 on an image of 3 x 3, worked by hand, comes out right"""
        assert_close(student.conv2d_forward(*by_hand()), [[[[3021.5, 1302.5], [430.5, 2013.5]]]])

    def test_values(self, student, oracle, layer):
        """Several images, channels and kernels at once are right"""
        assert_close(student.conv2d_forward(*layer), oracle.conv2d_forward(*layer))

    @ways
    def test_stride_and_padding(self, student, oracle, layer, stride, padding):
        """Strides and padding are right, also where the last step does not fit"""
        assert_close(
            student.conv2d_forward(*layer, stride, padding),
            oracle.conv2d_forward(*layer, stride, padding),
            "y",
        )

    def test_not_turned(self, student, rng):
        """The kernel is laid on as it is: on an image that is the kernel it finds the sum of
        squares
        """
        x = rng.normal(size=(1, 2, 3, 4))
        assert_close(student.conv2d_forward(x, x, np.zeros(1)), [[[[float(np.sum(x**2))]]]])

    def test_bias(self, student, rng):
        """On a black image each output is its kernel's bias"""
        b = rng.normal(size=3)
        y = student.conv2d_forward(np.zeros((1, 2, 5, 4)), rng.normal(size=(3, 2, 2, 2)), b, 1, 1)
        assert_close(y, np.broadcast_to(b[:, None, None], (1, 3, 6, 5)))

    def test_rim(self, student):
        """The padding is black: a kernel of ones on an image of ones counts the pixels it covers"""
        y = student.conv2d_forward(
            np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), np.zeros(1), padding=1
        )
        assert_close(y, [[[[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]]]])

    def test_one_pixel_kernel(self, student, oracle, rng):
        """A kernel of 1 x 1 mixes the channels of each pixel"""
        case = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(6, 3, 1, 1)), rng.normal(size=6)
        assert_close(student.conv2d_forward(*case), oracle.conv2d_forward(*case))

    @shape
    def test_batch_of_one(self, student, rng):
        """One image, one channel, one kernel keep their axes"""
        y = student.conv2d_forward(
            rng.normal(size=(1, 1, 5, 7)), rng.normal(size=(1, 1, 2, 3)), np.ones(1), 2
        )
        assert_shape(y, (1, 1, 2, 3))

    @robust
    def test_integers(self, student, oracle, rng):
        """Pixels and weights may be whole numbers, and the bias need not"""
        case = (
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            rng.randint(-2, 3, size=(3, 1, 2, 2)),
            np.array([0.5, 0.25, -1.5]),
        )
        assert_close(student.conv2d_forward(*case), oracle.conv2d_forward(*case))

    @robust
    def test_arguments_unchanged(self, student, layer):
        """x, W and b are left as they were"""
        student.conv2d_forward(*layer, 1, 1)
        assert_unchanged(student)


# -- all windows in one matrix, and back
# --------------------------------------------------------------


@pytest.mark.exercise("im2col")
class TestIm2col:
    @pytest.fixture
    def images(self, rng):
        return numbered(rng, (3, 2, 9, 12))

    def test_by_hand(self, student):
        """The two windows of 2 x 2 in an image of 2 x 3 are the two rows"""
        cols = student.im2col(np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), 2, 2)
        right = np.array([[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]])
        assert_close(
            in_one_order(assert_finite(assert_shape(cols, (2, 4)))),
            right,
            "the rows, put in order,",
        )

    @shape
    @ways
    def test_shape(self, student, oracle, images, stride, padding):
        """There is a row for each window and a column for each weight of a kernel"""
        cols = student.im2col(images, 4, 3, stride, padding)
        assert_shape(cols, np.shape(oracle.im2col(images, 4, 3, stride, padding)))

    @ways
    def test_rows(self, student, oracle, images, stride, padding):
        """Each row holds the pixels of one window, of all its channels, and zeros beyond the rim"""
        right = oracle.im2col(images, 4, 3, stride, padding)
        cols = assert_finite(
            assert_shape(student.im2col(images, 4, 3, stride, padding), right.shape)
        )
        rows, right = (part[np.lexsort(part.T[::-1])] for part in (np.sort(cols), np.sort(right)))
        assert_close(rows, right, "the rows, each sorted,")

    @ways
    def test_columns(self, student, oracle, images, stride, padding):
        """Each column holds the pixels that meet one and the same weight, whatever the order of the
        columns
        """
        right = oracle.im2col(images, 4, 3, stride, padding)
        cols = assert_finite(
            assert_shape(student.im2col(images, 4, 3, stride, padding), right.shape)
        )
        assert_close(in_one_order(cols), in_one_order(right), "the matrix, put in order,")

    def test_times_covered(self, student):
        """col2im of ones counts for each pixel the windows that it lies in"""
        image = student.col2im(np.ones((6, 4)), (1, 1, 3, 4), 2, 2)
        assert_close(image, [[[[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]]], "the image")

    @ways
    def test_there_and_back(self, student, images, stride, padding):
        """col2im of im2col brings each pixel back, once for each window that it lies in"""
        cols = student.im2col(images, 4, 3, stride, padding)
        right = images * times_covered(images.shape, 4, 3, stride, padding)
        assert_close(student.col2im(cols, images.shape, 4, 3, stride, padding), right, "the images")

    def test_defaults(self, student, images):
        """Unless told otherwise, the stride is 1 and there is no padding, both ways"""
        cols = assert_shape(student.im2col(images, 4, 3), (3 * 6 * 10, 24), "im2col")
        right = images * times_covered(images.shape, 4, 3, 1, 0)
        assert_close(student.col2im(cols, images.shape, 4, 3), right, "the images")

    @ways
    def test_adjoint(self, student, rng, images, stride, padding):
        """col2im is the adjoint of im2col: the sum of im2col(x) c is the sum of x col2im(c)"""
        x = rng.normal(size=images.shape)
        cols = assert_finite(student.im2col(x, 4, 3, stride, padding), "im2col(x)")
        c = rng.normal(size=cols.shape)
        back = student.col2im(c, x.shape, 4, 3, stride, padding)
        back = assert_finite(assert_shape(back, x.shape, "col2im(c)"), "col2im(c)")
        left, right = float(np.sum(cols * c)), float(np.sum(x * back))
        message = f"the sum of im2col(x) c is {left:.6g}, that of x col2im(c) is {right:.6g}"
        expect(abs(left - right) <= 1e-5 * np.abs(cols * c).sum(), message, back)

    @shape
    def test_batch_of_one(self, student, rng):
        """A single image with one window is one row, and comes back with all its axes"""
        assert_shape(student.im2col(rng.normal(size=(1, 2, 3, 4)), 3, 4), (1, 24), "im2col")
        assert_shape(
            student.col2im(rng.normal(size=(1, 24)), (1, 2, 3, 4), 3, 4), (1, 2, 3, 4), "col2im"
        )

    @robust
    def test_integers(self, student, rng):
        """Whole numbers are fine, both ways"""
        x = rng.randint(1, 9, size=(2, 1, 4, 5))
        cols = assert_shape(student.im2col(x, 2, 2, 2), (8, 4), "im2col")
        back = student.col2im(cols.astype(int), x.shape, 2, 2, 2)
        assert_close(back, x * times_covered(x.shape, 2, 2, 2, 0), "the images")

    @robust
    def test_arguments_unchanged(self, student, rng, images):
        """What goes in is left as it was"""
        student.im2col(images, 4, 3, 1, 1)
        assert_unchanged(student)
        student.col2im(rng.normal(size=(6, 4)), (1, 1, 3, 4), 2, 2)
        assert_unchanged(student)


@pytest.mark.exercise("conv2d_fast")
class TestConv2dFast:
    def test_by_hand(self, student):
        """A kernel of 2 x 2 on an image of 3 x 3, worked by hand, comes out right"""
        assert_close(student.conv2d_fast(*by_hand()), [[[[3021.5, 1302.5], [430.5, 2013.5]]]])

    def test_values(self, student, oracle, layer):
        """Several images, channels and kernels at once are right"""
        assert_close(student.conv2d_fast(*layer), oracle.conv2d_fast(*layer))

    @ways
    def test_stride_and_padding(self, student, oracle, layer, stride, padding):
        """Strides and padding are right, also where the last step does not fit"""
        assert_close(
            student.conv2d_fast(*layer, stride, padding),
            oracle.conv2d_fast(*layer, stride, padding),
            "y",
        )

    def test_square(self, student, oracle, rng):
        """It is right when all sizes are equal and a wrong order of axes would fit"""
        case = rng.normal(size=(3, 3, 5, 5)), rng.normal(size=(3, 3, 3, 3)), rng.normal(size=3)
        assert_close(student.conv2d_fast(*case), oracle.conv2d_fast(*case))

    @shape
    def test_batch_of_one(self, student, rng):
        """One image, one channel, one kernel keep their axes"""
        y = student.conv2d_fast(
            rng.normal(size=(1, 1, 5, 7)), rng.normal(size=(1, 1, 2, 3)), np.ones(1), 2
        )
        assert_shape(y, (1, 1, 2, 3))

    @robust
    def test_integers(self, student, oracle, rng):
        """Pixels and weights may be whole numbers, and the bias need not"""
        case = (
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            rng.randint(-2, 3, size=(3, 1, 2, 2)),
            np.array([0.5, 0.25, -1.5]),
        )
        assert_close(student.conv2d_fast(*case), oracle.conv2d_fast(*case))

    @robust
    def test_arguments_unchanged(self, student, layer):
        """x, W and b are left as they were"""
        student.conv2d_fast(*layer, 1, 1)
        assert_unchanged(student)

    @pytest.mark.kind("speed")
    @pytest.mark.weight(3)
    def test_speed(self, student, oracle, rng):
        """On 16 images it takes less than a fifth of the time of a loop over windows and kernels"""
        x, W, b = (
            rng.normal(size=(16, 3, 14, 14)),
            rng.normal(size=(8, 3, 3, 3)),
            rng.normal(size=8),
        )
        y = assert_shape(
            student.conv2d_fast(x, W, b), (16, 8, 12, 12)
        )  # a first run, not timed: it fills the caches
        assert_close(y[:1], oracle.conv2d_fast(x[:1], W, b), "the output for the first image")
        loop = seconds(lambda: window_by_window(y.size, x[0, :, :3, :3], W[0]), 2)
        yours = seconds(lambda: student.conv2d_fast(rng.permutation(x), W, b), 5)
        assert_at_most(yours / loop, 1 / 5, "its share of the loop's time", "too slow")


# -- gradients
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("conv2d_backward")
class TestConv2dBackward:
    names = ("dx", "dW", "db")
    each = pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)

    @gradient
    def test_by_hand(self, student):
        """A kernel of 2 x 2 on an image of 2 x 3, worked by hand, comes out right"""
        x, W = (
            np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]),
            np.array([[[[1.0, -1.0], [2.0, 3.0]]]]),
        )
        dy = np.array([[[[10.0, 1.0]]]])
        dx, dW, db = assert_parts(student.conv2d_backward(dy, x, W), self.names)
        right = [[[[10.0, -9.0, -1.0], [20.0, 32.0, 3.0]]]]
        assert_gradient(dx, right, "dx", lambda x: student.conv2d_forward(x, W, np.zeros(1)), x, dy)
        assert_close(dW, [[[[12.0, 23.0], [45.0, 56.0]]]], "dW")
        assert_close(db, [11.0], "db")

    @gradient
    @ways
    @each
    def test_each_gradient(self, student, oracle, rng, layer, i, name, stride, padding):
        """dx, dW and db are right, each on its own, for all strides and paddings"""
        x, W, _ = layer
        size = [(n + 2 * padding - k) // stride + 1 for n, k in ((9, 4), (12, 3))]
        case = rng.normal(size=(3, 5, *size)), x, W, stride, padding
        mine = assert_parts(student.conv2d_backward(*case), self.names)
        assert_close(mine[i], oracle.conv2d_backward(*case)[i], name)

    @gradient
    @each
    def test_square(self, student, oracle, rng, i, name):
        """They are right when all sizes are equal and a wrong order of axes would fit"""
        case = tuple(rng.normal(size=(3, 3, 3, 3)) for _ in range(3))
        mine = assert_parts(student.conv2d_backward(*case, padding=1), self.names)
        assert_close(mine[i], oracle.conv2d_backward(*case, padding=1)[i], name)

    @gradient
    @each
    def test_linear_in_dy(self, student, rng, i, name):
        """Each gradient is linear in dy"""
        u, v = rng.normal(size=(2, 2, 4, 2, 3))
        x, W = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(4, 3, 3, 3))
        assert_linear(
            lambda dy: assert_parts(student.conv2d_backward(dy, x, W), self.names)[i], u, v, name
        )

    @gradient
    def test_pixels_left_out(self, student, rng):
        """A pixel that no window sees has no gradient, one that four windows see has four shares"""
        x, dy = rng.normal(size=(1, 1, 6, 8)), np.ones((1, 1, 2, 3))
        dx = assert_parts(student.conv2d_backward(dy, x, np.ones((1, 1, 3, 3)), 2), self.names)[0]
        assert_close(dx, times_covered(x.shape, 3, 3, 2, 0), "dx")

    @shape
    def test_batch_of_one(self, student, rng):
        """For one image dx, dW and db have the shapes of x, W and b"""
        case = (
            rng.normal(size=(1, 3, 2, 1)),
            rng.normal(size=(1, 2, 5, 4)),
            rng.normal(size=(3, 2, 3, 4)),
            2,
        )
        parts = assert_parts(student.conv2d_backward(*case), self.names)
        for part, size, name in zip(parts, [(1, 2, 5, 4), (3, 2, 3, 4), (3,)], self.names):
            assert_shape(part, size, name)

    @robust
    def test_integers(self, student, oracle, rng):
        """Whole numbers are fine"""
        case = (
            rng.randint(-3, 4, size=(2, 3, 3, 2)),
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            np.ones((3, 1, 2, 4), int),
        )
        mine = assert_parts(student.conv2d_backward(*case), self.names)
        for part, right, name in zip(mine, oracle.conv2d_backward(*case), self.names):
            assert_close(part, right, name)

    @robust
    def test_arguments_unchanged(self, student, rng, layer):
        """dy, x and W are left as they were"""
        x, W, _ = layer
        student.conv2d_backward(rng.normal(size=(3, 5, 6, 10)), x, W)
        assert_unchanged(student)


# -- pooling
# -----------------------------------------------------------------------------------------

POOLS = ["maxpool2d", "avgpool2d"]
both = pytest.mark.parametrize("pool", POOLS)


@pytest.mark.exercise("pooling")
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
        """The greatest of each window of 2 x 2, also among negative pixels"""
        x = np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]])
        assert_close(student.maxpool2d_forward(x, 2, 2), [[[[5.0, -1.0]]]], "maxpool2d_forward")

    def test_average_by_hand(self, student):
        """The mean of each window of 2 x 2"""
        x = np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]])
        assert_close(student.avgpool2d_forward(x, 2, 2), [[[[2.0, -2.5]]]], "avgpool2d_forward")

    @windows
    @both
    def test_forward(self, student, oracle, case, pool, size, stride):
        """Forward is right for windows that touch, overlap or leave gaps; those that do not fit are
        left out
        """
        name = f"{pool}_forward"
        assert_close(
            getattr(student, name)(case, size, stride),
            getattr(oracle, name)(case, size, stride),
            name,
        )

    @gradient
    def test_max_backward_by_hand(self, student):
        """The gradient of a window goes to its greatest pixel alone"""
        x, dy = (
            np.array([[[[1.0, 2.0, -3.0, -4.0], [5.0, 0.0, -1.0, -2.0]]]]),
            np.array([[[[10.0, -7.0]]]]),
        )
        dx = [[[[0.0, 0.0, 0.0, 0.0], [10.0, 0.0, -7.0, 0.0]]]]
        assert_close(student.maxpool2d_backward(dy, x, 2, 2), dx, "maxpool2d_backward")

    @gradient
    def test_average_backward_by_hand(self, student):
        """The gradient of a window is shared equally, and shares of overlapping windows are
        added
        """
        dx = student.avgpool2d_backward(np.array([[[[8.0, 4.0]]]]), np.zeros((1, 1, 2, 3)), 2, 1)
        assert_close(dx, [[[[2.0, 3.0, 1.0], [2.0, 3.0, 1.0]]]], "avgpool2d_backward")

    @gradient
    @windows
    @both
    def test_backward(self, student, oracle, rng, case, pool, size, stride):
        """Backward is right for windows that touch, overlap or leave gaps"""
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
        """Equal greatest pixels share their window's gradient in any way that adds up to it; others
        get none
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
            "a pixel that is not the greatest has a share",
            dx,
        )
        expect(
            shares.min() > -1e-5 and shares.max() < 1 + 1e-5, "a share is not between 0 and 1", dx
        )

    @gradient
    def test_ties_in_overlaps(self, student, rng):
        """On an even image with overlapping windows, no part of dy is lost or counted twice"""
        dy = rng.uniform(1, 2, size=(1, 2, 3, 4))
        dx = assert_finite(
            assert_shape(student.maxpool2d_backward(dy, np.ones((1, 2, 5, 6)), 3, 1), (1, 2, 5, 6))
        )
        assert_close(dx.sum(axis=(2, 3)), dy.sum(axis=(2, 3)), "the sum of dx over each channel")

    @shape
    @both
    def test_batch_of_one(self, student, rng, pool):
        """One image with one channel keeps its axes, there and back"""
        x, dy = rng.normal(size=(1, 1, 5, 4)), rng.normal(size=(1, 1, 2, 1))
        assert_shape(getattr(student, f"{pool}_forward")(x, 3, 2), (1, 1, 2, 1), f"{pool}_forward")
        assert_shape(
            getattr(student, f"{pool}_backward")(dy, x, 3, 2), (1, 1, 5, 4), f"{pool}_backward"
        )

    @robust
    @both
    def test_integers(self, student, oracle, rng, pool):
        """Whole numbers are fine, and keep their fractions"""
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
        """What goes in is left as it was"""
        getattr(student, f"{pool}_forward")(case, 3, 2)
        assert_unchanged(student)
        getattr(student, f"{pool}_backward")(self.upstream(rng, 3, 2), case, 3, 2)
        assert_unchanged(student)


# -- one axis, that of time
# --------------------------------------------------------------------------


@pytest.mark.exercise("causal_conv1d")
class TestCausalConv1d:
    @pytest.fixture
    def case(self, rng):
        return rng.normal(size=(3, 2, 11)), rng.normal(size=(5, 2, 4)), rng.normal(size=5)

    def test_by_hand(self, student):
        """Two taps two steps apart, worked by hand, come out right"""
        x, W = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[[10.0, 1.0]]])
        assert_close(student.causal_conv1d(x, W, np.array([0.5]), 2), [[[1.5, 2.5, 13.5, 24.5]]])

    def test_values(self, student, oracle, case):
        """Without dilation, several sequences, channels and kernels at once are right"""
        assert_close(student.causal_conv1d(*case), oracle.causal_conv1d(*case))

    @pytest.mark.parametrize("dilation", [2, 3, 20])
    def test_dilation(self, student, oracle, case, dilation):
        """Dilations are right, also one that reaches beyond the start"""
        assert_close(student.causal_conv1d(*case, dilation), oracle.causal_conv1d(*case, dilation))

    @pytest.mark.parametrize("dilation", [1, 2])
    def test_no_leak(self, student, rng, case, dilation):
        """What comes later changes nothing: the first 6 outputs are the same for another future"""
        x, W, b = case
        other = np.concatenate([x[:, :, :6], rng.normal(size=(3, 2, 5))], axis=2)
        now, then = (
            assert_shape(student.causal_conv1d(part, W, b, dilation), (3, 5, 11))
            for part in (x, other)
        )
        assert_close(now[:, :, :6], then[:, :, :6], "the first 6 outputs")

    def test_present(self, student, rng):
        """The last tap sees the present, the first the most distant past"""
        x, W = np.zeros((1, 1, 8)), rng.normal(size=(2, 1, 3))
        x[0, 0, 1] = 1.0  # a click at t = 1 plays the kernel backwards
        y = np.zeros((1, 2, 8))
        y[0, :, 1::2][:, :3] = W[:, 0, ::-1]
        assert_close(student.causal_conv1d(x, W, np.zeros(2), 2), y)

    def test_one_tap(self, student, oracle, rng):
        """A kernel of one tap mixes the channels of each step"""
        case = rng.normal(size=(2, 3, 5)), rng.normal(size=(4, 3, 1)), rng.normal(size=4)
        assert_close(student.causal_conv1d(*case, 3), oracle.causal_conv1d(*case, 3))

    @shape
    def test_batch_of_one(self, student, rng):
        """One short sequence keeps its axes and its length"""
        y = student.causal_conv1d(
            rng.normal(size=(1, 2, 2)), rng.normal(size=(1, 2, 4)), np.ones(1)
        )
        assert_shape(y, (1, 1, 2))

    def test_receptive_field_by_hand(self, student):
        """A kernel of 2 sees 2 steps; with dilations 1, 2, 4 a tower of them sees 8"""
        assert_scalar(student.receptive_field(2, [1]), 2, "the receptive field")
        assert_scalar(student.receptive_field(2, [1, 2, 4]), 8, "the receptive field")

    @pytest.mark.parametrize("kernel", [1, 2, 3, 5])
    def test_receptive_field(self, student, oracle, rng, kernel):
        """The receptive field of any tower is right"""
        dilations = [int(d) for d in rng.randint(1, 9, size=6)]
        mine, right = (
            student.receptive_field(kernel, dilations),
            oracle.receptive_field(kernel, dilations),
        )
        assert_scalar(mine, right, "the receptive field")

    @robust
    def test_integers(self, student, oracle, rng):
        """Steps and weights may be whole numbers, and the bias need not"""
        case = (
            rng.randint(0, 9, size=(2, 3, 7)),
            rng.randint(-2, 3, size=(2, 3, 2)),
            np.array([0.5, -0.25]),
        )
        assert_close(student.causal_conv1d(*case, 2), oracle.causal_conv1d(*case, 2))

    @robust
    def test_arguments_unchanged(self, student, case):
        """x, W, b and the dilations are left as they were"""
        student.causal_conv1d(*case, 2)
        assert_unchanged(student)
        student.receptive_field(3, [1, 2, 4])
        assert_unchanged(student)


# -- a network
# ---------------------------------------------------------------------------------------


@pytest.mark.exercise("cnn_loss_and_gradients")
class TestCnnLossAndGradients:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):
        return (
            small_cnn(rng, (2, 6, 9), 5, 4),
            rng.normal(size=(7, 2, 6, 9)),
            rng.permutation(np.arange(7) % 4),
        )

    def test_by_hand(self, student):
        """A network worked by hand comes out right: one kernel that looks at its middle pixel, two
        classes
        """
        params = {
            "W1": np.zeros((1, 1, 3, 3)),
            "b1": [-1.0],
            "W2": [[np.log(3), 0.0]],
            "b2": [0.0, 0.0],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        params["W1"][0, 0, 1, 1] = 1.0
        x = np.array([[[[0.0, 2.0], [1.5, 0.5]]]])  # minus 1, cut at 0, and the greatest: 1
        loss, grads = assert_parts(
            student.cnn_loss_and_gradients(params, x, np.array([1])), self.names
        )
        push = 0.75 * np.log(3)
        dW1 = push * np.array([[[[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.5, 0.5, 0.0]]]])
        dW1[0, 0] = push * np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.5, 0.5, 0.0]])
        assert_scalar(loss, np.log(4))
        assert_gradients(
            grads, {"W1": dW1, "b1": [push], "W2": [[0.75, -0.75]], "b2": [0.75, -0.75]}
        )

    def test_loss(self, student, oracle, case):
        """The loss of a batch is right"""
        loss = assert_parts(student.cnn_loss_and_gradients(*case), self.names)[0]
        assert_scalar(loss, oracle.cnn_loss_and_gradients(*case)[0])

    @gradient
    def test_gradients(self, student, oracle, case):
        """The gradients of all four tensors are right"""
        grads = assert_parts(student.cnn_loss_and_gradients(*case), self.names)[1]
        assert_gradients(grads, oracle.cnn_loss_and_gradients(*case)[1])

    @gradient
    @pytest.mark.parametrize("size", [(1, 8, 8), (3, 5, 7), (4, 4, 4), (1, 2, 3)], ids=str)
    def test_sizes(self, student, oracle, rng, size):
        """Images of other sizes are right, odd ones and square ones"""
        case = small_cnn(rng, size, 4, 3), rng.normal(size=(4, *size)), np.array([2, 0, 1, 1])
        loss, grads = assert_parts(student.cnn_loss_and_gradients(*case), self.names)
        right = oracle.cnn_loss_and_gradients(*case)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    @gradient
    def test_batch_of_one(self, student, oracle, case):
        """A batch of one image is right"""
        params, x, labels = case
        grads = assert_parts(student.cnn_loss_and_gradients(params, x[:1], labels[:1]), self.names)[
            1
        ]
        assert_gradients(grads, oracle.cnn_loss_and_gradients(params, x[:1], labels[:1])[1])

    @robust
    def test_large_scores(self, student, rng, case):
        """At scores of many thousands the loss and the gradients are finite"""
        params, x, labels = case
        loud = params | {"W2": 1e5 * params["W2"]}
        loss, grads = assert_parts(student.cnn_loss_and_gradients(loud, x, labels), self.names)
        assert_finite(assert_shape(loss, (), "the loss"), "the loss")
        assert_shapes(
            grads, {name: tensor.shape for name, tensor in params.items()}, "the gradients"
        )

    @robust
    def test_arguments_unchanged(self, student, case):
        """params, x and labels are left as they were"""
        student.cnn_loss_and_gradients(*case)
        assert_unchanged(student)


@pytest.mark.exercise("train_cnn")
class TestTrainCnn:
    def trained(self, student, X, labels, n_classes, *rest):
        """The student's params, finite and of the network's shapes, with as many kernels as the
        student likes.
        """
        params = student.train_cnn(X, labels, n_classes, *rest)
        expect(
            isinstance(params, dict) and "W1" in params,
            "params should be a dict with W1, b1, W2, b2",
            params,
        )
        kernels, (C, H, W) = len(np.atleast_1d(params["W1"])), X.shape[1:]
        sizes = {
            "W1": (kernels, C, 3, 3),
            "b1": (kernels,),
            "W2": (kernels * (H // 2) * (W // 2), n_classes),
        }
        return assert_shapes(params, sizes | {"b2": (n_classes,)}, "params")

    def test_predict(self, student, rng):
        """predict takes the class with the greatest score of that network, for each of many
        images
        """
        params, X = small_cnn(rng, (2, 5, 6), 3, 4), rng.normal(size=(30, 2, 5, 6))
        assert_close(student.predict(params, X), cnn_scores(params, X).argmax(axis=1), "the labels")

    def test_predict_many(self, student, rng):
        """It does so for a network with more kernels, on square images of one channel"""
        params, X = small_cnn(rng, (1, 8, 8), 7, 10), rng.normal(size=(40, 1, 8, 8))
        assert_close(student.predict(params, X), cnn_scores(params, X).argmax(axis=1), "the labels")

    @shape
    def test_predict_one(self, student, rng):
        """predict of one image is one label"""
        assert_shape(
            student.predict(small_cnn(rng, (1, 4, 4), 3, 5), rng.normal(size=(1, 1, 4, 4))),
            (1,),
            "the labels",
        )

    @pytest.fixture
    def few(self, rng):  # class 3 has no image: it still needs its column
        return rng.normal(size=(12, 2, 5, 6)), rng.permutation(np.arange(12) % 3)

    @shape
    def test_shapes(self, student, rng, few):
        """W1 (F, C, 3, 3), b1, W2 and b2 have their shapes, also when a class has no image"""
        self.trained(student, *few, 4, generator(rng), 2)

    def test_all_learn(self, student, rng, few):
        """A second epoch moves every tensor: kernels and biases are trained, not only the last
        layer
        """
        seed = generator(rng)
        one, two = (self.trained(student, *few, 3, seed, epochs) for epochs in (1, 2))
        for name in one:
            expect(
                np.abs(two[name] - one[name]).max() > 0,
                f"{name} is the same after one epoch and after two",
                two,
            )

    def test_labels_matter(self, student, rng, few):
        """One epoch already learns: from the same start, other labels lead to other weights"""
        seed, (X, labels) = generator(rng), few
        one, other = (self.trained(student, X, y, 3, seed, 1) for y in (labels, (labels + 1) % 3))
        expect(np.abs(one["W2"] - other["W2"]).max() > 0, "W2 is the same for other labels", one)

    @convergence
    def test_by_heart(self, student, rng):
        """Twelve noisy images are learnt by heart"""
        X, labels = rng.normal(size=(12, 1, 6, 6)), rng.permutation(np.arange(12) % 3)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 3, seed, epochs)

        params = trained(150)
        with on_the_way(student, 150, "epochs", lambda n: cnn_accuracy(trained(n), X, labels)):
            assert_at_least(
                cnn_accuracy(params, X, labels), 0.9, "the accuracy on the twelve", params
            )

    @convergence
    def test_moved_digits(self, student, rng):
        """On digits moved by a pixel it reads more than a linear model: the mean over three
        splits
        """
        gains = []
        for _ in range(3):
            X, labels, X_test, labels_test = digit_images(rng)
            X, labels, X_test = moved(rng, X[:500]), labels[:500], moved(rng, X_test)
            params = self.trained(student, X, labels, 10, generator(rng), 16)
            baseline = linear_accuracy(X, labels, X_test, labels_test)
            gains.append(cnn_accuracy(params, X_test, labels_test) - baseline)
        assert_at_least(float(np.mean(gains)), 0.0, "the mean gain in test accuracy", gains)

    @convergence
    def test_digits(self, student, rng):
        """20 epochs on real digits read new ones about as well as they should"""
        X, labels, X_test, labels_test = digit_images(rng)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 10, seed, epochs)

        params = trained(20)
        with on_the_way(
            student, 20, "epochs", lambda n: cnn_accuracy(trained(n), X_test, labels_test)
        ):
            assert_at_least(
                cnn_accuracy(params, X_test, labels_test), 0.95, "the test accuracy", params
            )

    @robust
    def test_arguments_unchanged(self, student, rng, few):
        """X, labels and params are left as they were"""
        student.train_cnn(*few, 3, generator(rng), 1)
        assert_unchanged(student)
        student.predict(small_cnn(rng, (2, 5, 6), 3, 4), few[0])
        assert_unchanged(student)
