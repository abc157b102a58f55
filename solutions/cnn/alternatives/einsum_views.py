"""Right, in other forms: strided views, einsum, index arrays and bincount, dx as a convolution of
its own.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided


def output_size(n, kernel, stride=1, padding=0, dilation=1):
    """The number of places in a range of starts."""
    return len(range(0, n + 2 * padding - dilation * (kernel - 1), stride))


def view(x, kH, kW, stride=1, padding=0):
    """A view (N, C, H', W', kH, kW) of the padded images, by their strides."""
    x = np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * 2) if padding else np.ascontiguousarray(x)
    n, c, s, t = x.strides
    h, w = output_size(x.shape[2], kH, stride), output_size(x.shape[3], kW, stride)
    size = (*x.shape[:2], h, w, kH, kW)
    return as_strided(x, size, (n, c, s * stride, t * stride, s, t), writeable=False)


def conv2d_forward(x, W, b, stride=1, padding=0):
    """One einsum over the view."""
    y = np.einsum("nchwij,fcij->nfhw", view(x, *W.shape[2:], stride, padding), W, optimize=True)
    return y + np.reshape(b, (-1, 1, 1))


conv2d_fast = conv2d_forward


def numbers(x_shape, kH, kW, stride, padding):
    """For each entry of the matrix the number of its pixel, from 1; 0 for the rim. Columns in the
    order (kH, C, kW).
    """
    pixels = np.arange(1, np.prod(x_shape) + 1).reshape(x_shape)
    windows = view(pixels, kH, kW, stride, padding)
    return windows.transpose(0, 2, 3, 4, 1, 5).reshape(-1, kH * x_shape[1] * kW)


def im2col(x, kH, kW, stride=1, padding=0):
    """Look the pixels up by their numbers."""
    return np.append(0, x)[numbers(x.shape, kH, kW, stride, padding)]


def col2im(cols, x_shape, kH, kW, stride=1, padding=0):
    """Count the entries up by their pixels' numbers."""
    where = numbers(x_shape, kH, kW, stride, padding).ravel()
    total = np.bincount(where, weights=np.ravel(cols), minlength=int(np.prod(x_shape)) + 1)
    return total[1:].reshape(x_shape)


def conv2d_backward(dy, x, W, stride=1, padding=0):
    """dx by the textbook: spread dy out, give it a wide rim, and correlate it with the kernels
    turned round.
    """
    (N, F, h, w), (C, kH, kW), (H, Wd) = dy.shape, W.shape[1:], x.shape[2:]
    dW = np.einsum("nfhw,nchwij->fcij", dy, view(x, kH, kW, stride, padding), optimize=True)
    wide = np.zeros((N, F, H + 2 * padding + kH - 1, Wd + 2 * padding + kW - 1))
    wide[:, :, kH - 1 :: stride, kW - 1 :: stride][:, :, :h, :w] = dy
    turned = np.flip(W, axis=(2, 3)).swapaxes(0, 1)
    dx = conv2d_forward(wide, turned, np.zeros(C))
    return dx[:, :, padding : padding + H, padding : padding + Wd], dW, np.einsum("nfhw->f", dy)


def maxpool2d_forward(x, size, stride):
    """The maximum of the view, one axis after the other."""
    return view(x, size, size, stride).max(axis=-1).max(axis=-1)


def maxpool2d_backward(dy, x, size, stride):
    """Scatter with add.at to the place that each window's argmax names."""
    windows = view(x, size, size, stride)
    n, c, h, w = np.indices(dy.shape)
    i, j = np.divmod(windows.reshape(*dy.shape, -1).argmax(axis=-1), size)
    dx = np.zeros(x.shape)
    np.add.at(dx, (n, c, h * stride + i, w * stride + j), dy)
    return dx


def avgpool2d_forward(x, size, stride):
    """A convolution of each channel with equal weights."""
    y = conv2d_forward(
        x.reshape(-1, 1, *x.shape[2:]), np.full((1, 1, size, size), size**-2.0), np.zeros(1), stride
    )
    return y.reshape(*x.shape[:2], *y.shape[2:])


def avgpool2d_backward(dy, x, size, stride):
    """The adjoint of that convolution."""
    flat = dy.reshape(-1, 1, *dy.shape[2:])
    cols = np.repeat(flat.reshape(-1, 1) / size**2, size * size, axis=1)
    return col2im(cols, (len(flat), 1, *x.shape[2:]), size, size, stride).reshape(x.shape)


def causal_conv1d(x, W, b, dilation=1):
    """An index for every tap of every step; the steps before the start all are the zero in
    front.
    """
    T, K = x.shape[2], W.shape[2]
    steps = np.arange(T)[:, None] - dilation * np.arange(K)[::-1] + 1
    early = np.pad(x, ((0, 0), (0, 0), (1, 0)))[:, :, np.maximum(steps, 0)]  # (N, C, T, K)
    return np.einsum("nctk,fck->nft", early, W) + np.expand_dims(b, 1)


def receptive_field(kernel, dilations):
    """A 0-d array."""
    return np.asarray(1 + (kernel - 1) * np.sum(dilations))


def stages(params, x):
    """Scores (N, C), and on the way the convolution and what is pooled; windows are cut by
    reshaping.
    """
    z = conv2d_forward(x, params["W1"], params["b1"], 1, 1)
    N, F, H, W = z.shape
    blocks = np.maximum(z[:, :, : H // 2 * 2, : W // 2 * 2], 0).reshape(N, F, H // 2, 2, W // 2, 2)
    h = blocks.max(axis=(3, 5))
    return z, blocks, h, np.einsum("nd,dk->nk", h.reshape(N, -1), params["W2"]) + params["b2"]


def cnn_loss_and_gradients(params, x, labels):
    """The gradients as one dict comprehension's worth of einsums."""
    z, blocks, h, scores = stages(params, x)
    N, F, H, W = z.shape
    p = np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])
    right = np.eye(p.shape[1])[labels]
    loss = np.logaddexp.reduce(scores, axis=1).mean() - (scores * right).sum() / N
    d = (p - right) / N
    dh = (d @ params["W2"].T).reshape(h.shape)
    won = (blocks == h[:, :, :, None, :, None]) & (
        blocks > 0
    )  # where all are 0, nobody gets anything
    dz = np.zeros(z.shape)
    dz[:, :, : H // 2 * 2, : W // 2 * 2] = (won * dh[:, :, :, None, :, None]).reshape(
        N, F, H // 2 * 2, W // 2 * 2
    )
    dW1 = np.tensordot(dz, view(x, 3, 3, 1, 1), axes=((0, 2, 3), (0, 2, 3)))
    dW2 = h.reshape(N, -1).T @ d
    return np.array(loss), {"W1": dW1, "b1": dz.sum((0, 2, 3)), "W2": dW2, "b2": d.sum(0)}


def train_cnn(X, labels, n_classes, rng, epochs):
    """Nesterov's momentum in Sutskever's form, a cosine for the rate, Xavier's start."""
    F, (C, H, W) = 24, X.shape[1:]
    sizes = {
        "W1": (F, C, 3, 3),
        "b1": (F,),
        "W2": (F * (H // 2) * (W // 2), n_classes),
        "b2": (n_classes,),
    }
    params = {
        k: rng.normal(size=s) / np.sqrt(9 * C if k == "W1" else s[0]) for k, s in sizes.items()
    }
    speed, size = {k: np.zeros(s) for k, s in sizes.items()}, 50
    total = epochs * -(-len(X) // size)
    for step in range(total):
        lr = 0.04 * (1 + np.cos(np.pi * step / total)) / 2
        batch = rng.choice(len(X), size=min(size, len(X)), replace=False)
        ahead = {k: params[k] + 0.9 * speed[k] for k in params}
        grads = cnn_loss_and_gradients(ahead, X[batch], labels[batch])[1]
        for k in params:
            speed[k] = 0.9 * speed[k] - lr * grads[k]
            params[k] = params[k] + speed[k]
    return params


def predict(params, X):
    """Sort the scores and take the last."""
    return np.argsort(stages(params, X)[3], axis=1)[:, -1]
