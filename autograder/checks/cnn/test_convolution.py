"""Checks of 05-cnn: convolution, by loops and by im2col, and its backward."""

import numpy as np
import pytest

from autograder.checks.cnn.images import (
    in_one_order,
    numbered,
    seconds,
    times_covered,
    window_by_window,
)
from autograder.testing import (
    assert_at_most,
    assert_close,
    assert_finite,
    assert_gradient,
    assert_linear,
    assert_parts,
    assert_scalar,
    assert_shape,
    exercise,
    expect,
    gradient,
    robust,
    shape,
    speed,
    weight,
)

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


# -- how many places
# ---------------------------------------------------------------------------------


@exercise("output_size")
class TestOutputSize:
    @pytest.mark.parametrize(
        "case, expected",
        [((6, 3), 4), ((5, 5), 1), ((9, 3, 2), 4), ((5, 3, 1, 1), 5), ((9, 3, 1, 0, 2), 5)],
        ids=["plain", "whole", "stride", "padding", "dilation"],
    )
    def test_by_hand(self, student, case, expected):
        """Five output sizes are the ones counted by hand"""
        assert_scalar(student.output_size(*case), expected, "the size")

    @pytest.mark.parametrize(
        "case", [(10, 3, 2), (8, 2, 3), (11, 5, 4, 1), (12, 3, 4, 0, 2)], ids=str
    )
    def test_remainder(self, same, case):
        """A last step that does not fit is not counted"""
        assert_scalar(*same.output_size(*case), "the size")

    def test_many(self, student, oracle, rng):
        """The size is right for thirty random strides, paddings and dilations together"""
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


@exercise("conv2d_forward")
class TestConv2dForward:
    def test_by_hand(self, student):
        """A 2 x 2 kernel on a 3 x 3 image gives the values worked out by hand"""
        assert_close(student.conv2d_forward(*by_hand()), [[[[3021.5, 1302.5], [430.5, 2013.5]]]])

    def test_values(self, same, layer):
        """The output is right for several images, channels and kernels at once"""
        assert_close(*same.conv2d_forward(*layer))

    @ways
    def test_stride_and_padding(self, same, layer, stride, padding):
        """All strides and paddings are right, also if the last step does not fit"""
        assert_close(
            *same.conv2d_forward(*layer, stride, padding),
            "y",
        )

    def test_not_turned(self, student, rng):
        """The kernel is not flipped: a kernel equal to the image gives the sum of its squares"""
        x = rng.normal(size=(1, 2, 3, 4))
        assert_close(student.conv2d_forward(x, x, np.zeros(1)), [[[[float(np.sum(x**2))]]]])

    def test_bias(self, student, rng):
        """For an image of zeros each output is the bias of its kernel"""
        b = rng.normal(size=3)
        y = student.conv2d_forward(np.zeros((1, 2, 5, 4)), rng.normal(size=(3, 2, 2, 2)), b, 1, 1)
        assert_close(y, np.broadcast_to(b[:, None, None], (1, 3, 6, 5)))

    def test_rim(self, student):
        """The padding is zero: a kernel of ones on an image of ones counts the pixels it covers"""
        y = student.conv2d_forward(
            np.ones((1, 1, 3, 4)), np.ones((1, 1, 3, 3)), np.zeros(1), padding=1
        )
        assert_close(y, [[[[4, 6, 6, 4], [6, 9, 9, 6], [4, 6, 6, 4]]]])

    def test_one_pixel_kernel(self, same, rng):
        """A 1 x 1 kernel mixes the channels of each pixel"""
        case = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(6, 3, 1, 1)), rng.normal(size=6)
        assert_close(*same.conv2d_forward(*case))

    @shape
    def test_batch_of_one(self, student, rng):
        """The result keeps all four axes for one image, one channel and one kernel"""
        y = student.conv2d_forward(
            rng.normal(size=(1, 1, 5, 7)), rng.normal(size=(1, 1, 2, 3)), np.ones(1), 2
        )
        assert_shape(y, (1, 1, 2, 3))

    @robust
    def test_integers(self, same, rng):
        """Integer pixels and weights give the right values, also with a bias that has a fraction"""
        case = (
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            rng.randint(-2, 3, size=(3, 1, 2, 2)),
            np.array([0.5, 0.25, -1.5]),
        )
        assert_close(*same.conv2d_forward(*case))

    @robust
    def test_arguments_unchanged(self, unchanged, layer):
        """x, W and b are not changed"""
        unchanged.conv2d_forward(*layer, 1, 1)


# -- all windows in one matrix, and back
# --------------------------------------------------------------


@exercise("im2col")
class TestIm2col:
    @pytest.fixture
    def images(self, rng):
        return numbered(rng, (3, 2, 9, 12))

    def test_by_hand(self, student):
        """An image of 2 x 3 has two windows of 2 x 2, and they are the two rows"""
        cols = student.im2col(np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]), 2, 2)
        right = np.array([[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]])
        assert_close(
            in_one_order(assert_finite(assert_shape(cols, (2, 4)))),
            right,
            "the sorted rows",
        )

    @shape
    @ways
    def test_shape(self, same, images, stride, padding):
        """im2col returns a row for each window and a column for each weight of a kernel"""
        mine, right = same.im2col(images, 4, 3, stride, padding)
        cols = mine
        assert_shape(cols, np.shape(right))

    @ways
    def test_rows(self, student, oracle, images, stride, padding):
        """Each row holds the pixels of one window in all channels, with zeros for the padding"""
        right = oracle.im2col(images, 4, 3, stride, padding)
        cols = assert_finite(
            assert_shape(student.im2col(images, 4, 3, stride, padding), right.shape)
        )
        rows, right = (part[np.lexsort(part.T[::-1])] for part in (np.sort(cols), np.sort(right)))
        assert_close(rows, right, "the rows with sorted entries")

    @ways
    def test_columns(self, student, oracle, images, stride, padding):
        """Each column holds all pixels that meet the same weight; the columns may be in any
        order
        """
        right = oracle.im2col(images, 4, 3, stride, padding)
        cols = assert_finite(
            assert_shape(student.im2col(images, 4, 3, stride, padding), right.shape)
        )
        assert_close(in_one_order(cols), in_one_order(right), "the matrix with sorted columns")

    def test_times_covered(self, student):
        """col2im of ones gives, for each pixel, the number of windows that contain it"""
        image = student.col2im(np.ones((6, 4)), (1, 1, 3, 4), 2, 2)
        assert_close(image, [[[[1, 2, 2, 1], [2, 4, 4, 2], [1, 2, 2, 1]]]], "the image")

    @ways
    def test_there_and_back(self, student, images, stride, padding):
        """col2im of im2col multiplies each pixel by the number of windows that contain it"""
        cols = student.im2col(images, 4, 3, stride, padding)
        right = images * times_covered(images.shape, 4, 3, stride, padding)
        assert_close(student.col2im(cols, images.shape, 4, 3, stride, padding), right, "the images")

    def test_defaults(self, student, images):
        """If they are not given, the stride is 1 and the padding is 0, in im2col and in col2im"""
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
        message = f"the sum of im2col(x) c is {left:.6g}, the sum of x col2im(c) is {right:.6g}"
        expect(abs(left - right) <= 1e-5 * np.abs(cols * c).sum(), message, back)

    @shape
    def test_batch_of_one(self, student, rng):
        """One image with one window gives one row, and col2im returns an image with all four
        axes
        """
        assert_shape(student.im2col(rng.normal(size=(1, 2, 3, 4)), 3, 4), (1, 24), "im2col")
        assert_shape(
            student.col2im(rng.normal(size=(1, 24)), (1, 2, 3, 4), 3, 4), (1, 2, 3, 4), "col2im"
        )

    @robust
    def test_integers(self, student, rng):
        """Integer inputs give the right values, in im2col and in col2im"""
        x = rng.randint(1, 9, size=(2, 1, 4, 5))
        cols = assert_shape(student.im2col(x, 2, 2, 2), (8, 4), "im2col")
        back = student.col2im(cols.astype(int), x.shape, 2, 2, 2)
        assert_close(back, x * times_covered(x.shape, 2, 2, 2, 0), "the images")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, images):
        """The arguments are not changed"""
        unchanged.im2col(images, 4, 3, 1, 1)
        unchanged.col2im(rng.normal(size=(6, 4)), (1, 1, 3, 4), 2, 2)


@exercise("conv2d_fast")
class TestConv2dFast:
    def test_by_hand(self, student):
        """A 2 x 2 kernel on a 3 x 3 image gives the values worked out by hand"""
        assert_close(student.conv2d_fast(*by_hand()), [[[[3021.5, 1302.5], [430.5, 2013.5]]]])

    def test_values(self, same, layer):
        """The output is right for several images, channels and kernels at once"""
        assert_close(*same.conv2d_fast(*layer))

    @ways
    def test_stride_and_padding(self, same, layer, stride, padding):
        """All strides and paddings are right, also if the last step does not fit"""
        assert_close(
            *same.conv2d_fast(*layer, stride, padding),
            "y",
        )

    def test_square(self, same, rng):
        """The output is right when all sizes are equal, where a wrong order of axes would fit"""
        case = rng.normal(size=(3, 3, 5, 5)), rng.normal(size=(3, 3, 3, 3)), rng.normal(size=3)
        assert_close(*same.conv2d_fast(*case))

    @shape
    def test_batch_of_one(self, student, rng):
        """The result keeps all four axes for one image, one channel and one kernel"""
        y = student.conv2d_fast(
            rng.normal(size=(1, 1, 5, 7)), rng.normal(size=(1, 1, 2, 3)), np.ones(1), 2
        )
        assert_shape(y, (1, 1, 2, 3))

    @robust
    def test_integers(self, same, rng):
        """Integer pixels and weights give the right values, also with a bias that has a fraction"""
        case = (
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            rng.randint(-2, 3, size=(3, 1, 2, 2)),
            np.array([0.5, 0.25, -1.5]),
        )
        assert_close(*same.conv2d_fast(*case))

    @robust
    def test_arguments_unchanged(self, unchanged, layer):
        """x, W and b are not changed"""
        unchanged.conv2d_fast(*layer, 1, 1)

    @speed
    @weight(3)
    def test_speed(self, student, oracle, rng):
        """For 16 images it takes less than 1/5 of the time of a loop over windows and kernels"""
        x, W, b = (
            rng.normal(size=(16, 3, 14, 14)),
            rng.normal(size=(8, 3, 3, 3)),
            rng.normal(size=8),
        )
        size, expected = (16, 8, 12, 12), oracle.conv2d_fast(x[:1], W, b)[0]
        orders = [np.arange(16), *(rng.permutation(16) for _ in range(5))]
        turns, outputs = iter(orders), list[np.ndarray]()

        def run():
            outputs.append(student.conv2d_fast(x[next(turns)], W, b))

        run()  # not timed: it fills the caches
        loop = seconds(lambda: window_by_window(np.prod(size), x[0, :, :3, :3], W[0]), 2)
        yours = seconds(run, 5)
        for order, y in zip(orders, outputs):  # what was timed was computed
            y = assert_shape(y, size)
            assert_close(y[order.argmin()], expected, "the output for the first image")
        assert_at_most(yours / loop, 1 / 5, "its time divided by the time of the loop", "too slow")


# -- gradients
# ---------------------------------------------------------------------------------------


@exercise("conv2d_backward")
class TestConv2dBackward:
    names = ("dx", "dW", "db")
    each = pytest.mark.parametrize("i, name", list(enumerate(names)), ids=names)

    @gradient
    def test_by_hand(self, student):
        """A 2 x 2 kernel on a 2 x 3 image gives the gradients worked out by hand"""
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
    def test_each_gradient(self, same, rng, layer, i, name, stride, padding):
        """dx, dW and db are each right, for all strides and paddings"""
        x, W, _ = layer
        size = [(n + 2 * padding - k) // stride + 1 for n, k in ((9, 4), (12, 3))]
        case = rng.normal(size=(3, 5, *size)), x, W, stride, padding
        mine, right = same.conv2d_backward(*case)
        mine = assert_parts(mine, self.names)
        assert_close(mine[i], right[i], name)

    @gradient
    @each
    def test_square(self, same, rng, i, name):
        """dx, dW and db are right when all sizes are equal, where a wrong order of axes would
        fit
        """
        case = tuple(rng.normal(size=(3, 3, 3, 3)) for _ in range(3))
        mine, right = same.conv2d_backward(*case, padding=1)
        mine = assert_parts(mine, self.names)
        assert_close(mine[i], right[i], name)

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
        """The gradient of a pixel has one share for each window that contains it, and is 0 for
        none
        """
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
        """Integer inputs give the right gradients"""
        case = (
            rng.randint(-3, 4, size=(2, 3, 3, 2)),
            rng.randint(0, 9, size=(2, 1, 4, 5)),
            np.ones((3, 1, 2, 4), int),
        )
        mine = assert_parts(student.conv2d_backward(*case), self.names)
        for part, right, name in zip(mine, oracle.conv2d_backward(*case), self.names):
            assert_close(part, right, name)

    @robust
    def test_arguments_unchanged(self, unchanged, rng, layer):
        """dy, x and W are not changed"""
        x, W, _ = layer
        unchanged.conv2d_backward(rng.normal(size=(3, 5, 6, 10)), x, W)
