"""Misconceptions of 05-cnn: what students really write, what it is called, where to look."""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.cnn import reference

# -- output_size
# -------------------------------------------------------------------------------------


@misconception(
    "output_size", "How many positions does a kernel have that is as large as the image?"
)
def places_off_by_one(n, kernel, stride=1, padding=0, dilation=1):
    """the first position of the kernel is not counted"""
    return reference.output_size(n, kernel, stride, padding, dilation) - 1


@misconception("output_size", "If the last step does not fit, does it give an output?")
def rounded_up(n, kernel, stride=1, padding=0, dilation=1):
    """a last step that does not fit is counted: the quotient is rounded up, not down"""
    return math.ceil((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1


@misconception("output_size", "At how many ends is padding added?")
def padded_on_one_side(n, kernel, stride=1, padding=0, dilation=1):
    """the padding is counted once, but it is added at both ends"""
    return (n + padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception("output_size", "Is the number of positions a whole number?")
def fraction_of_a_place(n, kernel, stride=1, padding=0, dilation=1):
    """the quotient is not rounded, so the size has a fraction"""
    return (n + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1


@misconception(
    "output_size",
    "Draw three taps that are two pixels apart. How many pixels do they span, first to last?",
)
def dilation_times_kernel(n, kernel, stride=1, padding=0, dilation=1):
    """the dilation multiplies the whole kernel, but k taps have only k - 1 gaps"""
    return (n + 2 * padding - dilation * kernel) // stride + 1


@misconception("output_size", "Does the result change when the caller gives another dilation?")
def dilation_ignored(n, kernel, stride=1, padding=0, dilation=1):
    """the dilation is never used"""
    return reference.output_size(n, kernel, stride, padding)


@misconception(
    "output_size",
    "How far is the last position from the first? Which part of the formula does the stride "
    "divide?",
)
def one_divided_along(n, kernel, stride=1, padding=0, dilation=1):
    """the 1 for the first position is divided by the stride too"""
    return (n + 2 * padding - dilation * (kernel - 1)) // stride


# -- conv2d_forward
# ----------------------------------------------------------------------------------


def _turned(W):
    return W[:, :, ::-1, ::-1]


@misconception("conv2d_forward", "Which weight meets the upper left pixel of a window?")
def kernel_turned_round(x, W, b, stride=1, padding=0):
    """the kernel is flipped, as in the mathematical convolution, but the contract does not flip
    it
    """
    return reference.conv2d_forward(x, _turned(W), b, stride, padding)


@misconception("conv2d_forward", "Which axis of the kernel goes down, and which goes across?")
def kernel_transposed(x, W, b, stride=1, padding=0):
    """the rows and columns of the kernel (if it is not square, of the image) are swapped"""
    return reference.conv2d_forward(x.transpose(0, 1, 3, 2), W, b, stride, padding)


@misconception("conv2d_forward", "What is the output for an image of zeros?")
def bias_left_out(x, W, b, stride=1, padding=0):
    """the bias is never added"""
    return reference.conv2d_forward(x, W, np.zeros(len(W)), stride, padding)


@misconception(
    "conv2d_forward", "How often does the bias count in one output? Try an image of zeros."
)
def bias_for_every_channel(x, W, b, stride=1, padding=0):
    """the bias is added once for each input channel, inside the sum"""
    return reference.conv2d_forward(x, W, x.shape[1] * b, stride, padding)


@misconception(
    "conv2d_forward", "How often does the bias count in one output? Try an image of zeros."
)
def bias_for_every_weight(x, W, b, stride=1, padding=0):
    """the bias is added to every product, inside the sum"""
    return reference.conv2d_forward(x, W, W[0].size * b, stride, padding)


@misconception("conv2d_forward", "Over which axes does an output sum?")
def first_channel_only(x, W, b, stride=1, padding=0):
    """only the first channel of the image is used"""
    return reference.conv2d_forward(x[:, :1], W[:, :1], b, stride, padding)


@misconception(
    "conv2d_forward", "By how many pixels does the window move from one output to the next?"
)
def stride_ignored(x, W, b, stride=1, padding=0):
    """the output has the right size, but its windows are taken one pixel apart"""
    size = reference.conv2d_forward(x, W, b, stride, padding).shape[2:]
    return reference.conv2d_forward(x, W, b, 1, padding)[:, :, : size[0], : size[1]]


@misconception(
    "conv2d_forward", "Does a window give an output if only a part of it lies on the image?"
)
def windows_cut_off(x, W, b, stride=1, padding=0):
    """a last window that does not fit is cut off at the edge and kept"""
    (kH, kW), (H, Wd) = W.shape[2:], (n + 2 * padding for n in x.shape[2:])
    places = (-(-(n - k) // stride) + 1 for n, k in ((H, kH), (Wd, kW)))
    more = [(p - 1) * stride + k - n for p, n, k in zip(places, (H, Wd), (kH, kW))]
    rim = [(padding, padding + m) for m in more]
    return reference.conv2d_forward(np.pad(x, ((0, 0), (0, 0), *rim)), W, b, stride)


@misconception("conv2d_forward", "Which comes first: the padding, or the windows?")
def padding_after_convolving(x, W, b, stride=1, padding=0):
    """the zeros are put around the output instead of around the image"""
    rim = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return np.pad(reference.conv2d_forward(x, W, b, stride), rim)


@misconception("conv2d_forward", "On which sides of the image is the padding?")
def padding_at_the_end_only(x, W, b, stride=1, padding=0):
    """all padding is put at the bottom and on the right"""
    rim = ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding))
    return reference.conv2d_forward(np.pad(x, rim), W, b, stride)


@misconception("conv2d_forward", "Which value do the pixels of the padding have?")
def rim_repeats_the_edge(x, W, b, stride=1, padding=0):
    """the padding repeats the pixels at the edge instead of being zero"""
    rim = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    return reference.conv2d_forward(np.pad(x, rim, mode="edge"), W, b, stride)


@misconception(
    "conv2d_forward", "You write the outputs into an array. What is the dtype of that array?"
)
def output_like_the_input(x, W, b, stride=1, padding=0):
    """for integer images the outputs are stored in an integer array and lose their fraction"""
    return reference.conv2d_forward(x, W, b, stride, padding).astype(x.dtype)


# -- im2col and col2im
# -------------------------------------------------------------------------------


@misconception(
    "im2col",
    "A reshape keeps the numbers in their order. Which axes must be next to each other?",
)
def windows_reshaped_unmoved(x, kH, kW, stride=1, padding=0):
    """channels and positions are mixed up: the axes are not moved before the reshape"""
    windows = reference._windows(reference._pad(x, padding), kH, kW, stride)
    return windows.reshape(-1, x.shape[1] * kH * kW)


@misconception("im2col", "Which of the two sizes belongs to the rows of the image?")
def kernel_sizes_swapped(x, kH, kW, stride=1, padding=0):
    """the height and the width of the kernel are swapped"""
    return reference.im2col(x, kW, kH, stride, padding)


@misconception("im2col", "What should each row of the matrix be, and what should each column be?")
def windows_as_columns(x, kH, kW, stride=1, padding=0):
    """the matrix is transposed: the windows are its columns"""
    return reference.im2col(x, kH, kW, stride, padding).T


@misconception("im2col", "By how many pixels does the window move from one row to the next?")
def im2col_stride_ignored(x, kH, kW, stride=1, padding=0):
    """the number of rows is right, but the windows are one pixel apart"""
    h, w = reference._places(x, kH, kW, stride, padding)
    windows = reference._windows(reference._pad(x, padding), kH, kW, 1)[:, :, :h, :w]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kH * kW)


@misconception("im2col", "Which array gets the padding, and on how many sides?")
def im2col_padding_ignored(x, kH, kW, stride=1, padding=0):
    """the padding is never used"""
    return reference.im2col(x, kH, kW, stride)


@misconception(
    "col2im",
    "A pixel lies in many windows. What happens to its first share when the second one comes?",
)
def overlaps_overwritten(cols, x_shape, kH, kW, stride=1, padding=0):
    """where windows overlap, the last share replaces the others instead of being added"""
    N, C, H, W = x_shape
    x = reference._pad(np.zeros(x_shape), padding)
    h, w = (reference.output_size(n, k, stride, padding) for n, k in ((H, kH), (W, kW)))
    windows = cols.reshape(N, h, w, C, kH, kW).transpose(0, 3, 4, 5, 1, 2)
    for i, j in np.ndindex(kH, kW):
        x[reference._lattice(i, j, (h, w), stride)] = windows[:, :, i, j]
    return x[:, :, padding : padding + H, padding : padding + W]


@misconception(
    "col2im", "The contract asks for the adjoint, not for the inverse. Does im2col divide anything?"
)
def overlaps_averaged(cols, x_shape, kH, kW, stride=1, padding=0):
    """the shares of a pixel are averaged: that is the inverse of im2col, but its adjoint adds
    them
    """
    ones = reference.col2im(np.ones(cols.shape), x_shape, kH, kW, stride, padding)
    return reference.col2im(cols, x_shape, kH, kW, stride, padding) / np.maximum(ones, 1)


@misconception(
    "col2im",
    "The padding is not a part of the image. What is left when you remove it on all sides?",
)
def rim_left_on(cols, x_shape, kH, kW, stride=1, padding=0):
    """the padding is not removed at the end"""
    N, C, H, W = x_shape
    return reference.col2im(cols, (N, C, H + 2 * padding, W + 2 * padding), kH, kW, stride)


@misconception("col2im", "Where does the image begin in the padded image?")
def rim_taken_off_one_end(cols, x_shape, kH, kW, stride=1, padding=0):
    """all padding is removed at the bottom and on the right, so the image is shifted"""
    N, C, H, W = x_shape
    whole = reference.col2im(cols, (N, C, H + 2 * padding, W + 2 * padding), kH, kW, stride)
    return whole[:, :, :H, :W]


@misconception(
    "col2im",
    "In which order does im2col put the channels, rows and columns of a window into a row?",
)
def other_order_back(cols, x_shape, kH, kW, stride=1, padding=0):
    """col2im reads the entries of a row in another order than im2col writes them"""
    C = x_shape[1]
    turned = cols.reshape(len(cols), kH, kW, C).transpose(0, 3, 1, 2).reshape(len(cols), -1)
    return reference.col2im(turned, x_shape, kH, kW, stride, padding)


# -- conv2d_fast
# -------------------------------------------------------------------------------------


@misconception(
    "conv2d_fast",
    "Which axes does the product have, and in which order does the contract want them?",
)
def channels_by_reshape(x, W, b, stride=1, padding=0):
    """the channels are moved to the front with a reshape, which mixes up the outputs"""
    y = reference.conv2d_fast(x, W, b, stride, padding)
    return y.transpose(0, 2, 3, 1).reshape(y.shape)


@misconception(
    "conv2d_fast", "A reshape is not a transpose. Which kernel's weights are in one column?"
)
def weights_reshaped(x, W, b, stride=1, padding=0):
    """the kernels are reshaped instead of transposed"""
    cols = reference.im2col(x, *W.shape[2:], stride, padding)
    y = cols @ W.reshape(-1, len(W)) + b
    return y.reshape(
        len(x), *reference._places(x, *W.shape[2:], stride, padding), len(W)
    ).transpose(0, 3, 1, 2)


@misconception("conv2d_fast", "What is the output for an image of zeros?")
def fast_without_bias(x, W, b, stride=1, padding=0):
    """the bias is never added"""
    return reference.conv2d_fast(x, W, np.zeros(len(W)), stride, padding)


@misconception("conv2d_fast", "Which Python loops are left, and how often does each of them run?")
def loops_under_another_name(x, W, b, stride=1, padding=0):
    """a loop still computes every output separately: the values are right, but it is slow"""
    y = reference.conv2d_fast(x, W, b, stride, padding)
    x, (kH, kW) = reference._pad(x, padding), W.shape[2:]
    for n, f, i, j in np.ndindex(y.shape):
        patch = x[n, :, i * stride : i * stride + kH, j * stride : j * stride + kW]
        y[n, f, i, j] = (patch * W[f]).sum() + b[f]
    return y


@misconception("conv2d_fast", "Which weight meets the upper left pixel of a window?")
def fast_kernel_turned_round(x, W, b, stride=1, padding=0):
    """the kernel is flipped, but the contract does not flip it"""
    return reference.conv2d_fast(x, _turned(W), b, stride, padding)


# -- conv2d_backward
# ---------------------------------------------------------------------------------


@misconception(
    "conv2d_backward",
    "Through which weight did a pixel reach an output? The way back uses the same weight.",
)
def dx_with_the_kernel_turned(dy, x, W, stride=1, padding=0):
    """dx is computed with the kernel flipped, but col2im does not need that"""
    _, dW, db = reference.conv2d_backward(dy, x, W, stride, padding)
    return reference.conv2d_backward(dy, x, _turned(W), stride, padding)[0], dW, db


@misconception(
    "conv2d_backward",
    "A pixel lies in many windows. What happens to its first share when others come?",
)
def dx_overwritten(dy, x, W, stride=1, padding=0):
    """in dx, the share of the last window replaces the others instead of being added"""
    F, _, kH, kW = W.shape
    _, dW, db = reference.conv2d_backward(dy, x, W, stride, padding)
    shares = dy.transpose(0, 2, 3, 1).reshape(-1, F) @ W.reshape(F, -1)
    return overlaps_overwritten(shares, x.shape, kH, kW, stride, padding), dW, db


@misconception(
    "conv2d_backward", "Which pixel does weight (i, j) meet? It is the same pixel in dW."
)
def dW_transposed(dy, x, W, stride=1, padding=0):
    """the rows and columns of each kernel's gradient are mixed up"""
    dx, dW, db = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, dW.transpose(0, 1, 3, 2).reshape(dW.shape), db


@misconception(
    "conv2d_backward", "Which pixel does weight (i, j) meet? It is the same pixel in dW."
)
def dW_turned(dy, x, W, stride=1, padding=0):
    """the gradient of each kernel is flipped"""
    dx, dW, db = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, _turned(dW), db


@misconception(
    "conv2d_backward",
    "A reshape keeps the numbers in their order. In which order are the numbers of dy?",
)
def dy_reshaped_unmoved(dy, x, W, stride=1, padding=0):
    """dy is reshaped before its channel axis is moved to the end"""
    N, F, h, w = dy.shape
    shuffled = dy.reshape(N, h, w, F).transpose(0, 3, 1, 2)
    return reference.conv2d_backward(shuffled, x, W, stride, padding)


@misconception(
    "conv2d_backward",
    "Is the loss already a mean over the batch? How often may the factor 1/N appear?",
)
def batch_divided_out_again(dy, x, W, stride=1, padding=0):
    """dW and db are divided by the number of images again"""
    dx, dW, db = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, dW / len(x), db / len(x)


@misconception("conv2d_backward", "In how many outputs does one bias appear?")
def db_over_the_batch_only(dy, x, W, stride=1, padding=0):
    """db is summed over the images, but not over the positions"""
    dx, dW, _ = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, dW, dy.sum(axis=0)


@misconception(
    "conv2d_backward", "In how many outputs does one bias appear? Do you need a sum or a mean?"
)
def db_averaged(dy, x, W, stride=1, padding=0):
    """db is the mean of the upstream gradient instead of its sum"""
    dx, dW, _ = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, dW, dy.mean(axis=(0, 2, 3))


@misconception(
    "conv2d_backward", "Which windows did the forward use? The way back uses the same windows."
)
def backward_stride_ignored(dy, x, W, stride=1, padding=0):
    """the gradients go back to windows that are one pixel apart, whatever the stride"""
    full = [n + 2 * padding - k + 1 for n, k in zip(x.shape[2:], W.shape[2:])]
    close = np.zeros((*dy.shape[:2], *full))
    close[:, :, : dy.shape[2], : dy.shape[3]] = dy
    return reference.conv2d_backward(close, x, W, 1, padding)


@misconception(
    "conv2d_backward",
    "Which gradient does the contract ask for: for the image, or for the padded image?",
)
def dx_with_its_rim(dy, x, W, stride=1, padding=0):
    """dx still includes the padding"""
    padded = reference._pad(x, padding)
    return reference.conv2d_backward(dy, padded, W, stride)


@misconception("conv2d_backward", "How many images contribute to dW?")
def dW_of_the_last_image(dy, x, W, stride=1, padding=0):
    """dW is overwritten for each image, so only the last image counts"""
    dx, _, db = reference.conv2d_backward(dy, x, W, stride, padding)
    return dx, reference.conv2d_backward(dy[-1:], x[-1:], W, stride, padding)[1], db


# -- pooling
# -----------------------------------------------------------------------------------------


@misconception(
    "maxpool2d_forward", "What is the maximum of a window whose pixels are all negative?"
)
def greatest_starts_at_zero(x, size, stride):
    """the search for the maximum starts at 0, so a window of negative pixels gives 0"""
    return np.maximum(reference.maxpool2d_forward(x, size, stride), 0)


@misconception(
    "maxpool2d_forward",
    "By how many pixels does the window move? Is that always the size of the window?",
)
def pool_stride_ignored(x, size, stride):
    """the stride is ignored: the windows are always their own size apart"""
    return reference.maxpool2d_forward(x, size, size)


@misconception(
    "maxpool2d_forward", "Does a window give an output if only a part of it lies on the image?"
)
def pool_keeps_the_rest(x, size, stride):
    """a window that does not fit is cut off at the edge and kept"""
    h, w = (-(-(n - size) // stride) + 1 for n in x.shape[2:])
    starts = [(i * stride, j * stride) for i in range(h) for j in range(w)]
    y = [x[:, :, i : i + size, j : j + size].max(axis=(2, 3)) for i, j in starts]
    return np.stack(y, axis=-1).reshape(*x.shape[:2], h, w)


@misconception("maxpool2d_backward", "Which pixels of a window does its maximum depend on?")
def gradient_to_the_whole_window(dy, x, size, stride):
    """every pixel of a window gets the gradient, not only the largest pixel"""
    return reference.avgpool2d_backward(dy, x, size, stride) * size**2


@misconception(
    "maxpool2d_backward",
    "Two pixels of a window are equally large. How much gradient may they get together?",
)
def ties_counted_twice(dy, x, size, stride):
    """if several pixels are equally large, each gets the whole gradient, so it counts more than
    once
    """
    windows, dx = reference._windows(x, size, size, stride), np.zeros(x.shape)
    for i, j in np.ndindex(size, size):
        dx[reference._lattice(i, j, dy.shape, stride)] += dy * (
            windows[..., i, j] == windows.max(axis=(4, 5))
        )
    return dx


@misconception(
    "maxpool2d_backward",
    "A pixel can be the maximum of several windows. What gradient does it get then?",
)
def pool_overlaps_overwritten(dy, x, size, stride):
    """a pixel that is the maximum of several windows gets only the gradient of the last one"""
    greatest, dx = (
        reference._windows(x, size, size, stride).reshape(*dy.shape, -1).argmax(axis=4),
        np.zeros(x.shape),
    )
    for n, c, i, j in np.ndindex(dy.shape):
        down, across = divmod(int(greatest[n, c, i, j]), size)
        dx[n, c, i * stride + down, j * stride + across] = dy[n, c, i, j]
    return dx


@misconception(
    "maxpool2d_backward",
    "Pooling passes the gradient on. Should the value of the pixel appear in it?",
)
def value_for_gradient(dy, x, size, stride):
    """the largest pixel gets its own value times the gradient"""
    return reference.maxpool2d_backward(dy, x, size, stride) * x


@misconception(
    "avgpool2d_forward",
    "Over how many pixels is the mean taken, and where do you divide by that number?",
)
def average_is_a_sum(x, size, stride):
    """the pixels of a window are added, but not divided by their number"""
    return reference.avgpool2d_forward(x, size, stride) * size**2


@misconception("avgpool2d_forward", "How many pixels does a window of size x size have?")
def average_over_one_side(x, size, stride):
    """the sum is divided by the side of the window, not by its number of pixels"""
    return reference.avgpool2d_forward(x, size, stride) * size


@misconception("avgpool2d_backward", "By which number does the forward divide?")
def shares_not_divided(dy, x, size, stride):
    """every pixel gets the whole gradient of its window, not a share of it"""
    return reference.avgpool2d_backward(dy, x, size, stride) * size**2


@misconception(
    "avgpool2d_backward",
    "By which number does the forward divide? Does that number depend on the overlap?",
)
def shares_divided_by_overlaps(dy, x, size, stride):
    """where windows overlap, the shares of a pixel are averaged instead of added"""
    dx = reference.avgpool2d_backward(dy, x, size, stride)
    times = reference.avgpool2d_backward(np.full(dy.shape, size**2), x, size, stride)
    return dx / np.maximum(times, 1)


@misconception(
    "avgpool2d_backward", "A pixel lies in several windows. What happens to its first share?"
)
def shares_overwritten(dy, x, size, stride):
    """where windows overlap, the last share replaces the others instead of being added"""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*dy.shape[2:]):
        place = slice(i * stride, i * stride + size), slice(j * stride, j * stride + size)
        dx[:, :, *place] = dy[:, :, i : i + 1, j : j + 1] / size**2
    return dx


# -- causal_conv1d
# -----------------------------------------------------------------------------------


@misconception("causal_conv1d", "May y[t] depend on x[t + 1]? At which end do you need the zeros?")
def zeros_on_both_sides(x, W, b, dilation=1):
    """the zeros are split between both ends, so the outputs see the future"""
    reach = (W.shape[2] - 1) * dilation
    late = reach // 2
    x = np.concatenate([x[:, :, late:], np.zeros((*x.shape[:2], late))[:, :, : x.shape[2]]], axis=2)
    return reference.causal_conv1d(x, W, b, dilation)


@misconception("causal_conv1d", "Which tap sees the present: the first or the last?")
def taps_turned_round(x, W, b, dilation=1):
    """the kernel is flipped: the first tap sees the present"""
    return reference.causal_conv1d(x, W[:, :, ::-1], b, dilation)


@misconception("causal_conv1d", "Does the last tap see x[t] or x[t - 1]?")
def present_left_out(x, W, b, dilation=1):
    """everything is one step late: the last tap sees the step before the present"""
    late = np.concatenate([np.zeros((*x.shape[:2], 1)), x[:, :, :-1]], axis=2)
    return reference.causal_conv1d(late, W, b, dilation)


@misconception("causal_conv1d", "Does the result change when the caller gives another dilation?")
def taps_side_by_side(x, W, b, dilation=1):
    """the dilation is never used"""
    return reference.causal_conv1d(x, W, b)


@misconception("causal_conv1d", "How many steps are between two taps if the dilation is 1?")
def gaps_too_wide(x, W, b, dilation=1):
    """the taps are dilation + 1 steps apart instead of dilation steps"""
    return reference.causal_conv1d(x, W, b, dilation + 1)


@misconception("causal_conv1d", "What is the output for a sequence of zeros?")
def causal_without_bias(x, W, b, dilation=1):
    """the bias is never added"""
    return reference.causal_conv1d(x, W, np.zeros(len(W)), dilation)


@misconception("causal_conv1d", "What do the taps see before the start? Look at the first outputs.")
def start_left_out(x, W, b, dilation=1):
    """there are no zeros before the start, so the output is shorter than the input"""
    y = reference.causal_conv1d(x, W, b, dilation)
    return y[:, :, min((W.shape[2] - 1) * dilation, y.shape[2]) :]


@misconception("receptive_field", "How many gaps are there between the taps of one layer?")
def kernel_for_its_gaps(kernel, dilations):
    """each layer adds the number of its taps instead of the gaps between them"""
    return 1 + kernel * sum(dilations)


@misconception("receptive_field", "What does a network without any layer see?")
def present_not_counted(kernel, dilations):
    """the present step is not counted"""
    return (kernel - 1) * sum(dilations)


@misconception(
    "receptive_field", "Does each layer multiply the number of steps that are seen, or add to it?"
)
def layers_multiplied(kernel, dilations):
    """the layers' contributions are multiplied instead of added"""
    return math.prod(1 + (kernel - 1) * d for d in dilations)


@misconception("receptive_field", "Which dilations count: only the largest, or all?")
def largest_dilation_only(kernel, dilations):
    """only the largest dilation counts, not the sum of all"""
    return 1 + (kernel - 1) * max(dilations)


# -- the network
# -------------------------------------------------------------------------------------


def _network(params, x, labels, relu=True, pool="max", order="C", gate=True, padding=1, mean=True):
    """The reference's network with one part exchanged."""
    z = reference.conv2d_fast(x, params["W1"], params["b1"], padding=padding)
    a = np.maximum(z, 0) if relu else z
    h = getattr(reference, f"{pool}pool2d_forward")(a, 2, 2)
    flat = h.reshape(len(x), -1) if order == "C" else h.transpose(0, 2, 3, 1).reshape(len(x), -1)
    loss, d = reference._softmax_cross_entropy(flat @ params["W2"] + params["b2"], labels)
    loss, d = (loss, d) if mean else (loss * len(x), d * len(x))
    dh = d @ params["W2"].T
    N, F, H, W = h.shape
    dh = dh.reshape(h.shape) if order == "C" else dh.reshape(N, H, W, F).transpose(0, 3, 1, 2)
    da = getattr(reference, f"{pool}pool2d_backward")(dh, a, 2, 2)
    _, dW1, db1 = reference.conv2d_backward(
        da * (z > 0) if gate else da, x, params["W1"], padding=padding
    )
    return loss, {"W1": dW1, "b1": db1, "W2": flat.T @ d, "b2": d.sum(axis=0)}


@misconception("cnn_loss_and_gradients", "What is between the convolution and the pooling?")
def no_relu_between(params, x, labels):
    """there is no ReLU between the convolution and the pooling"""
    return _network(params, x, labels, relu=False, gate=False)


@misconception("cnn_loss_and_gradients", "Which scores let no gradient through?")
def relu_forgotten_on_the_way_back(params, x, labels):
    """the backward pass ignores the ReLU"""
    return _network(params, x, labels, gate=False)


@misconception(
    "cnn_loss_and_gradients",
    "Which axis changes most slowly in C order? Look at how the rows of W2 are numbered.",
)
def channels_flattened_last(params, x, labels):
    """the network is flattened with the channels last, but W2 expects the channels first"""
    return _network(params, x, labels, order="channels last")


@misconception("cnn_loss_and_gradients", "Which kind of pooling does this network use?")
def average_for_max(params, x, labels):
    """the network uses average pooling instead of max pooling"""
    return _network(params, x, labels, pool="avg")


@misconception("cnn_loss_and_gradients", "Is the loss a sum over the batch, or a mean?")
def batch_summed(params, x, labels):
    """the loss and the gradients are summed over the batch, not averaged"""
    return _network(params, x, labels, mean=False)


@misconception(
    "cnn_loss_and_gradients", "The loss divides by N. How often does 1/N appear in its gradient?"
)
def gradients_summed_over_the_batch(params, x, labels):
    """the loss is a mean over the batch, but the gradients belong to the sum"""
    loss, grads = _network(params, x, labels)
    return loss, {name: len(x) * g for name, g in grads.items()}


@misconception("cnn_loss_and_gradients", "Where does the gradient of the first bias come from?")
def first_layer_without_gradient(params, x, labels):
    """the backward stops at the pooling, so the gradients of the convolution are zero"""
    loss, grads = _network(params, x, labels)
    return loss, grads | {name: 0 * grads[name] for name in ("W1", "b1")}


# -- train_cnn and predict
# ---------------------------------------------------------------------------


def _train(X, labels, n_classes, rng, epochs, move):
    """A few lines of plain SGD; `move` says which parameters are trained and how far."""
    params = reference.train_cnn(X, labels, n_classes, rng, 0)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), len(X) // 64 + 1):
            _, grads = reference.cnn_loss_and_gradients(params, X[batch], labels[batch])
            params = {name: params[name] - move.get(name, 0.0) * grads[name] for name in params}
    return params


@misconception("train_cnn", "Which of the four tensors change from one epoch to the next?")
def kernels_never_trained(X, labels, n_classes, rng, epochs):
    """only the last layer is trained: the kernels keep their initial values"""
    return _train(X, labels, n_classes, rng, min(epochs, 2), {"W2": 0.3, "b2": 0.3})


@misconception("train_cnn", "Which of the four tensors change from one epoch to the next?")
def biases_never_trained(X, labels, n_classes, rng, epochs):
    """the biases stay 0"""
    return _train(X, labels, n_classes, rng, min(epochs, 2), {"W1": 0.3, "W2": 0.3})


@misconception("train_cnn", "Should the loss fall or rise?")
def uphill(X, labels, n_classes, rng, epochs):
    """the steps follow the gradient uphill instead of going against it"""
    down = dict.fromkeys(("W1", "b1", "W2", "b2"), -0.1)
    return _train(X, labels, n_classes, rng, min(epochs, 3), down)


@misconception("train_cnn", "How many columns does W2 need if one class has no image?")
def classes_counted_in_the_labels(X, labels, n_classes, rng, epochs):
    """the number of classes is counted in the labels instead of taken from n_classes"""
    return reference.train_cnn(X, labels, int(labels.max()) + 1, rng, min(epochs, 2))


@misconception("predict", "Over which axis do you search for the largest score?")
def best_image_of_each_class(params, X):
    """the largest score is searched over the images instead of over the classes"""
    return reference._scores(params, X)[2].argmax(axis=0)


@misconception("predict", "Does the contract ask for scores or for labels?")
def scores_for_labels(params, X):
    """the scores are returned instead of the labels"""
    return reference._scores(params, X)[2]
