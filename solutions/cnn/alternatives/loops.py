"""Right, and written with loops wherever speed is not asked for: window by window, pixel by pixel,
lists inside.
"""

import numpy as np


def output_size(n, kernel, stride=1, padding=0, dilation=1):
    """Walk along the line and count."""
    places, start = 0, -padding
    while start + dilation * (kernel - 1) < n + padding:
        places, start = places + 1, start + stride
    return places


def starts(n, kernel, stride, padding):
    """Where the windows begin on a line that has its zeros already."""
    return range(0, n + 2 * padding - kernel + 1, stride)


def with_rim(x, padding):
    """A larger array of floats with the images in its middle."""
    N, C, H, W = x.shape
    out = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    out[:, :, padding : padding + H, padding : padding + W] = x
    return out


def conv2d_forward(x, W, b, stride=1, padding=0):
    """Four loops, one number at a time."""
    kH, kW = W.shape[-2:]
    down, across = starts(x.shape[2], kH, stride, padding), starts(x.shape[3], kW, stride, padding)
    x = with_rim(x, padding)
    return np.array(
        [
            [
                [
                    [float(np.sum(image[:, i : i + kH, j : j + kW] * kernel) + c) for j in across]
                    for i in down
                ]
                for kernel, c in zip(W, b)
            ]
            for image in x
        ]
    )


def im2col(x, kH, kW, stride=1, padding=0):
    """A list of windows, place by place for all images: rows in the order (H', W', N)."""
    down, across = starts(x.shape[2], kH, stride, padding), starts(x.shape[3], kW, stride, padding)
    x = with_rim(x, padding)
    rows = [x[:, :, i : i + kH, j : j + kW].reshape(len(x), -1) for i in down for j in across]
    return np.concatenate(rows)


def col2im(cols, x_shape, kH, kW, stride=1, padding=0):
    """Lay each window back on the image and add."""
    N, C, H, W = x_shape
    out = with_rim(np.zeros(x_shape), padding)
    places = [
        (i, j) for i in starts(H, kH, stride, padding) for j in starts(W, kW, stride, padding)
    ]
    for k, (i, j) in enumerate(places):
        out[:, :, i : i + kH, j : j + kW] += cols[k * N : (k + 1) * N].reshape(N, C, kH, kW)
    return out[:, :, padding : H + padding, padding : W + padding]


def conv2d_fast(x, W, b, stride=1, padding=0):
    """A loop over the places alone, all images and kernels at once."""
    kH, kW = W.shape[-2:]
    down, across = starts(x.shape[2], kH, stride, padding), starts(x.shape[3], kW, stride, padding)
    x, flat = with_rim(x, padding), W.reshape(len(W), -1).T
    y = np.zeros((len(x), len(W), len(down), len(across)))
    for p, i in enumerate(down):
        for q, j in enumerate(across):
            y[:, :, p, q] = x[:, :, i : i + kH, j : j + kW].reshape(len(x), -1) @ flat + b
    return y


def conv2d_backward(dy, x, W, stride=1, padding=0):
    """Each output sends its gradient to the pixels and the weights that it was made of."""
    (N, F, h, w), (kH, kW), (H, Wd) = dy.shape, W.shape[-2:], x.shape[-2:]
    x = with_rim(x, padding)
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(F)
    for p in range(h):
        for q in range(w):
            here = (
                slice(None),
                slice(None),
                slice(p * stride, p * stride + kH),
                slice(q * stride, q * stride + kW),
            )
            for f in range(F):
                push = dy[:, f, p, q].reshape(N, 1, 1, 1)
                dx[here] += push * W[f]
                dW[f] += (push * x[here]).sum(axis=0)
                db[f] += push.sum()
    return dx[:, :, padding : padding + H, padding : padding + Wd], dW, db


def maxpool2d_forward(x, size, stride):
    """The greatest of each window, one window after another."""
    down, across = starts(x.shape[2], size, stride, 0), starts(x.shape[3], size, stride, 0)
    rows = [[x[:, :, i : i + size, j : j + size].max(axis=(2, 3)) for j in across] for i in down]
    return np.moveaxis(np.array(rows), (0, 1), (2, 3))


def maxpool2d_backward(dy, x, size, stride):
    """To the last of equal greatest pixels."""
    dx = np.zeros(x.shape)
    for n, c, p, q in np.ndindex(dy.shape):
        window = x[n, c, p * stride : p * stride + size, q * stride : q * stride + size]
        i, j = np.argwhere(window == window.max())[-1]
        dx[n, c, p * stride + i, q * stride + j] += dy[n, c, p, q]
    return dx


def avgpool2d_forward(x, size, stride):
    """The mean of each window, one window after another."""
    down, across = starts(x.shape[2], size, stride, 0), starts(x.shape[3], size, stride, 0)
    rows = [[x[:, :, i : i + size, j : j + size].mean(axis=(2, 3)) for j in across] for i in down]
    return np.moveaxis(np.array(rows), (0, 1), (2, 3))


def avgpool2d_backward(dy, x, size, stride):
    """An equal share for each pixel of each window."""
    dx = np.zeros(x.shape)
    for p, q in np.ndindex(dy.shape[2], dy.shape[3]):
        share = dy[:, :, p, q] / (size * size)
        dx[:, :, p * stride : p * stride + size, q * stride : q * stride + size] += share[
            :, :, None, None
        ]
    return dx


def causal_conv1d(x, W, b, dilation=1):
    """Step by step; taps before the start are skipped."""
    N, _, T = x.shape
    K = W.shape[2]
    y = np.tile(np.asarray(b, float)[:, None], (N, 1, T))
    for t in range(T):
        for k in range(K):
            past = t - (K - 1 - k) * dilation
            if past >= 0:
                y[:, :, t] += x[:, :, past] @ W[:, :, k].T
    return y


def receptive_field(kernel, dilations):
    """Every layer reaches further back."""
    seen = 1
    for dilation in dilations:
        seen += (kernel - 1) * dilation
    return seen


def network(params, x):
    """Every stage of the network."""
    z = conv2d_fast(x, params["W1"], params["b1"], 1, 1)
    a = np.where(z > 0, z, 0)
    h = maxpool2d_forward(a, 2, 2)
    return z, a, h, h.reshape(len(x), -1) @ params["W2"] + params["b2"]


def convolution_gradients(dz, x):
    """dW and db of a 3 x 3 convolution with padding 1, a loop over the nine weights only: fit for
    training.
    """
    (_, _, H, W), rim = dz.shape, with_rim(x, 1)
    dW = np.zeros((dz.shape[1], x.shape[1], 3, 3))
    for i in range(3):
        for j in range(3):
            dW[:, :, i, j] = np.tensordot(
                dz, rim[:, :, i : i + H, j : j + W], axes=((0, 2, 3), (0, 2, 3))
            )
    return dW, dz.sum(axis=(0, 2, 3))


def pool_gradient(dh, h, a):
    """Of windows of 2 that touch: a loop over the four pixels; what ties is 0 and lets nothing
    through anyway.
    """
    da = np.zeros(a.shape)
    bottom, right = 2 * h.shape[2], 2 * h.shape[3]
    for i in range(2):
        for j in range(2):
            da[:, :, i:bottom:2, j:right:2] = dh * (a[:, :, i:bottom:2, j:right:2] == h)
    return da


def cnn_loss_and_gradients(params, x, labels):
    """Forward, then backward."""
    z, a, h, scores = network(params, x)
    scores = scores - scores.max(axis=1)[:, None]
    p = np.exp(scores) / np.exp(scores).sum(axis=1)[:, None]
    n = np.arange(len(x))
    loss = float(np.mean(np.log(np.exp(scores).sum(axis=1)) - scores[n, labels]))
    p[n, labels] -= 1
    p /= len(x)
    da = pool_gradient((p @ params["W2"].T).reshape(h.shape), h, a)
    dW1, db1 = convolution_gradients(da * (z > 0), x)
    return loss, {"W1": dW1, "b1": db1, "W2": h.reshape(len(x), -1).T @ p, "b2": p.sum(axis=0)}


def train_cnn(X, labels, n_classes, rng, epochs):
    """Plain SGD with small batches, and a rate that falls to a tenth."""
    _, C, H, W = X.shape
    F = 12
    params = {
        "W1": rng.uniform(-0.5, 0.5, size=(F, C, 3, 3)),
        "b1": np.full(F, 0.05),
        "W2": rng.uniform(-0.1, 0.1, size=(F * (H // 2) * (W // 2), n_classes)),
        "b2": np.zeros(n_classes),
    }
    for epoch in range(epochs):
        lr = 0.15 * 0.1 ** (epoch / epochs)
        order = rng.permutation(len(X))
        for k in range(0, len(X), 16):
            batch = order[k : k + 16]
            grads = cnn_loss_and_gradients(params, X[batch], labels[batch])[1]
            for name in params:
                params[name] = params[name] - lr * grads[name]
    return params


def predict(params, X):
    """A list of labels."""
    return [int(np.argmax(row)) for row in network(params, X)[3]]
