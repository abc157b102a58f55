"""The reference for 05-cnn: convolution, pooling and a small convolutional network, in
plain NumPy.
"""

import numpy as np


def output_size(n, kernel, stride=1, padding=0, dilation=1):
    """How many places a kernel finds on a line of n pixels. Dumoulin & Visin 2016,
    relationship 6.
    """
    span = dilation * (kernel - 1) + 1  # pixels from its first tap to its last
    return (n + 2 * padding - span) // stride + 1


def _pad(x, padding):
    """Images (N, C, H, W) with so many zeros on all four sides."""
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def conv2d_forward(x, W, b, stride=1, padding=0):
    """Cross-correlate x (N, C, H, W) with W (F, C, kH, kW), plus b (F,): (N, F, H', W'). LeCun et
    al. 1989.
    """
    *_, kH, kW = W.shape
    h, w = _places(x, kH, kW, stride, padding)
    x, y = _pad(x, padding), np.empty((len(x), len(W), h, w))
    for i, j in np.ndindex(h, w):
        patch = x[
            :, :, i * stride : i * stride + kH, j * stride : j * stride + kW
        ]  # (N, C, kH, kW)
        y[:, :, i, j] = np.einsum("ncpq,fcpq->nf", patch, W) + b
    return y


def _places(x, kH, kW, stride, padding):
    """H', W': the places of a window on images (N, C, H, W), down and across."""
    return output_size(x.shape[2], kH, stride, padding), output_size(
        x.shape[3], kW, stride, padding
    )


def _windows(x, kH, kW, stride):
    """Every window of x, as a view (N, C, H', W', kH, kW)."""
    every = np.lib.stride_tricks.sliding_window_view(x, (kH, kW), axis=(2, 3))
    return every[:, :, ::stride, ::stride]


def _lattice(i, j, shape, stride):
    """The pixel (i, j) of every window, as an index: one for each of the places in shape (..., H',
    W').
    """
    *_, h, w = shape
    return ..., slice(i, i + stride * h, stride), slice(j, j + stride * w, stride)


def im2col(x, kH, kW, stride=1, padding=0):
    """A row for every window of x (N, C, H, W): (N H' W', C kH kW). Chellapilla, Puri & Simard
    2006.
    """
    windows = _windows(_pad(x, padding), kH, kW, stride).transpose(
        0, 2, 3, 1, 4, 5
    )  # (N, H', W', C, kH, kW)
    return windows.reshape(-1, x.shape[1] * kH * kW)


def col2im(cols, x_shape, kH, kW, stride=1, padding=0):
    """The adjoint of im2col: add every entry of cols to the pixel that it was taken from, (N, C, H,
    W).
    """
    N, C, H, W = x_shape
    x = _pad(np.zeros(x_shape), padding)
    h, w = output_size(H, kH, stride, padding), output_size(W, kW, stride, padding)
    windows = cols.reshape(N, h, w, C, kH, kW).transpose(0, 3, 4, 5, 1, 2)  # (N, C, kH, kW, H', W')
    for i, j in np.ndindex(kH, kW):
        x[_lattice(i, j, (h, w), stride)] += windows[:, :, i, j]
    return x[:, :, padding : padding + H, padding : padding + W]


def conv2d_fast(x, W, b, stride=1, padding=0):
    """The same as conv2d_forward, as one matrix product."""
    F, _, kH, kW = W.shape
    y = im2col(x, kH, kW, stride, padding) @ W.reshape(F, -1).T + b  # (N H' W', F)
    return y.reshape(len(x), *_places(x, kH, kW, stride, padding), F).transpose(0, 3, 1, 2)


def conv2d_backward(dy, x, W, stride=1, padding=0):
    """Given dL/dy (N, F, H', W'), return dL/dx, dL/dW, dL/db: a linear layer's, and the adjoint of
    im2col.
    """
    F, _, kH, kW = W.shape
    d = dy.transpose(0, 2, 3, 1).reshape(-1, F)  # (N H' W', F), a row for every window
    dx = col2im(d @ W.reshape(F, -1), x.shape, kH, kW, stride, padding)
    dW = d.T @ im2col(x, kH, kW, stride, padding)
    return dx, dW.reshape(W.shape), d.sum(axis=0)


def maxpool2d_forward(x, size, stride):
    """The greatest pixel of each window: (N, C, H, W) -> (N, C, H', W')."""
    return _windows(x, size, size, stride).max(axis=(4, 5))


def maxpool2d_backward(dy, x, size, stride):
    """Each window's gradient goes to its greatest pixel, the first of equals. Shares add up."""
    greatest = (
        _windows(x, size, size, stride).reshape(*dy.shape, size * size).argmax(axis=4)
    )  # 0 ... size^2 - 1
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(size, size):
        dx[_lattice(i, j, dy.shape, stride)] += dy * (greatest == i * size + j)
    return dx


def avgpool2d_forward(x, size, stride):
    """The mean of each window: (N, C, H, W) -> (N, C, H', W')."""
    return _windows(x, size, size, stride).mean(axis=(4, 5))


def avgpool2d_backward(dy, x, size, stride):
    """Each window's gradient, in equal shares, to all its pixels. Shares add up."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(size, size):
        dx[_lattice(i, j, dy.shape, stride)] += dy / size**2
    return dx


def causal_conv1d(x, W, b, dilation=1):
    """y[t] = b + sum_k W[..., k] x[t - (K - 1 - k) dilation], zeros before the start. van den Oord
    et al. 2016.

    x (N, C, T), W (F, C, K), b (F,) -> (N, F, T); the last tap sees the present, none the future
    """
    T, K = x.shape[2], W.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), ((K - 1) * dilation, 0)))
    taps = [
        W[:, :, k] @ x[:, :, k * dilation : k * dilation + T] for k in range(K)
    ]  # each (N, F, T)
    return sum(taps) + b[:, None]


def receptive_field(kernel, dilations):
    """How many steps of the input one output of a stack of causal layers depends on."""
    return 1 + (kernel - 1) * sum(dilations)


def _softmax_cross_entropy(logits, labels):
    """Mean of -log softmax(logits)[n, labels[n]] and its gradient, as in 02-backprop."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_p[rows, labels].mean()), (
        np.exp(log_p) - np.eye(log_p.shape[1])[labels]
    ) / len(labels)


def _scores(params, x):
    """Convolution, ReLU, max-pooling, linear layer; every stage, for the way back."""
    z = conv2d_fast(x, params["W1"], params["b1"], padding=1)  # (N, F, H, W)
    h = maxpool2d_forward(np.maximum(z, 0), 2, 2)  # (N, F, H/2, W/2)
    return z, h, h.reshape(len(x), -1) @ params["W2"] + params["b2"]


def cnn_loss_and_gradients(params, x, labels):
    """Cross-entropy of the little network on x (N, C, H, W), and its gradient for W1, b1,
    W2, b2.
    """
    z, h, logits = _scores(params, x)
    loss, d = _softmax_cross_entropy(logits, labels)
    dh = (d @ params["W2"].T).reshape(h.shape)
    dz = maxpool2d_backward(dh, np.maximum(z, 0), 2, 2) * (z > 0)
    _, dW1, db1 = conv2d_backward(dz, x, params["W1"], padding=1)
    return loss, {"W1": dW1, "b1": db1, "W2": h.reshape(len(x), -1).T @ d, "b2": d.sum(axis=0)}


def train_cnn(X, labels, n_classes, rng, epochs):
    """Momentum (Polyak 1964) on mini-batches of about 64, from He's start: W1 (F, C, 3, 3), b1, W2,
    b2.
    """
    F, (C, H, W) = 16, X.shape[1:]
    flat = F * (H // 2) * (W // 2)
    params = {"W1": rng.normal(size=(F, C, 3, 3)) * np.sqrt(2 / (9 * C)), "b1": np.zeros(F)}
    params |= {
        "W2": rng.normal(size=(flat, n_classes)) * np.sqrt(2 / flat),
        "b2": np.zeros(n_classes),
    }
    velocity = dict.fromkeys(params, 0.0)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), len(X) // 64 + 1):
            _, grads = cnn_loss_and_gradients(params, X[batch], labels[batch])
            velocity = {name: 0.9 * velocity[name] + grads[name] for name in params}
            params = {name: params[name] - 0.1 * velocity[name] for name in params}
    return params


def predict(params, X):
    """The class with the greatest score, for each image of X (N, C, H, W): (N,)."""
    return _scores(params, X)[2].argmax(axis=1)
