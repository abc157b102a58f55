"""Right, built like a framework: layer objects that cache what they need, a kernel's gather indices
kept for re-use.
"""

import functools

import numpy as np


@functools.cache
def output_size(n, kernel, stride=1, padding=0, dilation=1):
    """Remembered, since the same sizes are asked for again and again."""
    return int(np.floor((n + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1)


@functools.cache
def gather(C, H, W, kH, kW, stride):
    """Channel, row and column of each entry of a window (C kH kW, H' W'): computed once for each
    size.
    """
    h, w = output_size(H, kH, stride), output_size(W, kW, stride)
    c = np.repeat(np.arange(C), kH * kW).reshape(-1, 1)
    i = np.tile(np.repeat(np.arange(kH), kW), C).reshape(-1, 1) + stride * np.repeat(
        np.arange(h), w
    )
    j = np.tile(np.arange(kW), kH * C).reshape(-1, 1) + stride * np.tile(np.arange(w), h)
    return c, i, j


class Conv:
    """A layer that keeps its input's columns (N, C kH kW, H' W') for the way back."""

    def __init__(self, W, b, stride=1, padding=0):
        self.W, self.b, self.stride, self.padding = np.asarray(W), np.asarray(b), stride, padding

    def columns(self, x):
        """Gathered by index arrays, images first."""
        p = self.padding
        x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)), mode="constant", constant_values=0)
        self.shape = x.shape
        self.where = gather(*x.shape[1:], *self.W.shape[2:], self.stride)
        return x[(slice(None), *self.where)]

    def forward(self, x):
        """One batched matrix product."""
        self.cols = self.columns(x)
        y = self.W.reshape(len(self.W), -1) @ self.cols + self.b[:, None]
        kH, kW = self.W.shape[2:]
        h, w = (output_size(n, k, self.stride) for n, k in zip(self.shape[2:], (kH, kW)))
        return y.reshape(len(x), -1, h, w)

    def backward(self, dy):
        """dx, dW and db from what is kept."""
        d = dy.reshape(len(dy), len(self.W), -1)  # (N, F, H' W')
        dW = np.matmul(d, self.cols.transpose(0, 2, 1)).sum(axis=0).reshape(self.W.shape)
        return self.scatter(self.W.reshape(len(self.W), -1).T @ d), dW, d.sum(axis=(0, 2))

    def scatter(self, shares):
        """Add shares (N, C kH kW, H' W') to the pixels they belong to, and take the rim off."""
        image = np.zeros(self.shape)
        np.add.at(image, (slice(None), *self.where), shares)
        p = self.padding
        return image[:, :, p:-p, p:-p] if p else image


def conv2d_forward(x, W, b, stride=1, padding=0):
    """The layer's forward."""
    return Conv(W, b, stride, padding).forward(x)


def conv2d_fast(x, W, b, stride=1, padding=0):
    """The layer is fast already."""
    return conv2d_forward(x, W, b, stride, padding)


def conv2d_backward(dy, x, W, stride=1, padding=0):
    """The layer's backward, after a forward; a list instead of a tuple."""
    layer = Conv(W, np.zeros(len(W)), stride, padding)
    layer.forward(x)
    return list(layer.backward(np.asarray(dy)))


def im2col(x, kH, kW, stride=1, padding=0):
    """The layer's columns, on their side."""
    layer = Conv(np.zeros((1, x.shape[1], kH, kW)), [0], stride, padding)
    return layer.columns(x).transpose(0, 2, 1).reshape(-1, x.shape[1] * kH * kW)


def col2im(cols, x_shape, kH, kW, stride=1, padding=0):
    """The layer's scatter, with the columns upright again."""
    layer = Conv(np.zeros((1, x_shape[1], kH, kW)), [0], stride, padding)
    layer.columns(np.zeros(x_shape))
    return layer.scatter(cols.reshape(x_shape[0], -1, cols.shape[1]).transpose(0, 2, 1))


class Pool:
    """Pooling of each channel as an image of its own, on the columns of Conv."""

    def __init__(self, size, stride):
        self.size, self.conv = size, Conv(np.zeros((1, 1, size, size)), [0], stride)

    def windows(self, x):
        """(N C, size², H' W') and the output's shape."""
        cols = self.conv.columns(x.reshape(-1, 1, *x.shape[2:]))
        places = [output_size(n, self.size, self.conv.stride) for n in x.shape[2:]]
        return cols, (*x.shape[:2], *places)

    def back(self, shares, x):
        """Shares (N C, size², H' W') to their pixels."""
        return self.conv.scatter(shares).reshape(x.shape)


def maxpool2d_forward(x, size, stride):
    """The greatest entry of each column."""
    cols, shape = Pool(size, stride).windows(x)
    return cols.max(axis=1).reshape(shape)


def maxpool2d_backward(dy, x, size, stride):
    """A one-hot share for the place of each column's greatest."""
    pool = Pool(size, stride)
    cols, _ = pool.windows(x)
    hot = np.arange(size * size)[None, :, None] == cols.argmax(axis=1)[:, None]
    return pool.back(hot * dy.reshape(len(cols), 1, -1), x)


def avgpool2d_forward(x, size, stride):
    """The mean of each column."""
    cols, shape = Pool(size, stride).windows(x)
    return np.average(cols, axis=1).reshape(shape)


def avgpool2d_backward(dy, x, size, stride):
    """The same share for each entry of a column."""
    pool = Pool(size, stride)
    cols, _ = pool.windows(x)
    return pool.back(np.broadcast_to(dy.reshape(len(cols), 1, -1) / size**2, cols.shape), x)


def causal_conv1d(x, W, b, dilation=1):
    """A 2-D convolution on an image of one row, with a kernel blown up by zeros between its
    taps.
    """
    F, C, K = W.shape
    wide = np.zeros((F, C, 1, (K - 1) * dilation + 1))
    wide[:, :, 0, ::dilation] = W
    early = np.concatenate([np.zeros((*x.shape[:2], (K - 1) * dilation)), x], axis=2)
    return Conv(wide, b).forward(early[:, :, None])[:, :, 0]


def receptive_field(kernel, dilations):
    """The width of the kernel that all layers together amount to."""
    return functools.reduce(lambda seen, dilation: seen + dilation * (kernel - 1), dilations, 1)


class Network:
    """Conv, ReLU, pool, linear; a step forward keeps what the step back needs."""

    def __init__(self, params):
        self.params, self.conv = params, Conv(params["W1"], params["b1"], 1, 1)

    def scores(self, x):
        """(N, n_classes)."""
        self.z = self.conv.forward(x)
        self.a = self.z * (self.z > 0)
        self.h = maxpool2d_forward(self.a, 2, 2)
        self.flat = self.h.reshape(len(x), -1)
        return self.flat @ self.params["W2"] + self.params["b2"]

    def gradients(self, d):
        """Of all tensors, for dL/dscores."""
        da = maxpool2d_backward((d @ self.params["W2"].T).reshape(self.h.shape), self.a, 2, 2)
        d1 = (da * (self.z > 0)).reshape(len(d), len(self.params["W1"]), -1)
        dW1 = (
            np.matmul(d1, self.conv.cols.transpose(0, 2, 1)).sum(axis=0).reshape(self.conv.W.shape)
        )
        return {"W1": dW1, "b1": d1.sum(axis=(0, 2)), "W2": self.flat.T @ d, "b2": d.sum(axis=0)}


def cnn_loss_and_gradients(params, x, labels):
    """Through the object."""
    network = Network(params)
    scores = network.scores(x)
    top = scores.max(axis=1, keepdims=True)
    odds = np.exp(scores - top)
    rows = np.arange(len(x))
    losses = np.log(odds.sum(axis=1)) + top[:, 0] - scores[rows, labels]
    d = odds / odds.sum(axis=1, keepdims=True)
    d[rows, labels] -= 1.0
    return losses.mean(), network.gradients(d / len(x))


def train_cnn(X, labels, n_classes, rng, epochs):
    """RMSprop with a falling rate, eight kernels to begin a small one."""
    shape = X.shape[1:]
    F = 14
    flat = F * (shape[1] // 2) * (shape[2] // 2)
    params = {"W1": 0.4 * rng.normal(size=(F, shape[0], 3, 3)), "b1": np.zeros(F)}
    params.update(W2=rng.normal(size=(flat, n_classes)) / np.sqrt(flat), b2=np.zeros(n_classes))
    squares = {name: np.zeros_like(p) for name, p in params.items()}
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for batch in (order[k : k + 40] for k in range(0, len(X), 40)):
            for name, g in cnn_loss_and_gradients(params, X[batch], labels[batch])[1].items():
                squares[name] = 0.95 * squares[name] + 0.05 * g**2
                params[name] = params[name] - 0.006 / (1 + epoch / 8) * g / (
                    np.sqrt(squares[name]) + 1e-7
                )
    return params


def predict(params, X):
    """The object's scores, the greatest."""
    return Network(params).scores(X).argmax(axis=-1)
