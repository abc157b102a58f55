"""Right, in single precision: Adam for training, views and Fortran order where they come."""

import numpy as np

F = np.float32


def output_size(n, kernel, stride=1, padding=0, dilation=1):
    """The index of the last place, and one."""
    return np.int32((n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)


def _taps(x, kH, kW, stride, padding):
    """For each weight (i, j) the pixels that it meets, as a view (N, C, H', W')."""
    x = np.pad(np.asarray(x, dtype=F), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    h, w = (x.shape[2] - kH) // stride + 1, (x.shape[3] - kW) // stride + 1
    for i in range(kH):
        for j in range(kW):
            yield (
                i,
                j,
                x[
                    :,
                    :,
                    i : i + (h - 1) * stride + 1 : stride,
                    j : j + (w - 1) * stride + 1 : stride,
                ],
            )


def conv2d_forward(x, W, b, stride=1, padding=0):
    """A sum over the weights of the kernel."""
    W, y = np.asarray(W, dtype=F), F(0)
    for i, j, pixels in _taps(x, *W.shape[2:], stride, padding):
        y = y + np.moveaxis(np.tensordot(W[:, :, i, j], pixels, axes=(1, 1)), 0, 1)
    return y + np.asarray(b, dtype=F).reshape(1, -1, 1, 1)


def im2col(x, kH, kW, stride=1, padding=0):
    """Columns weight by weight, the channels innermost: the order (kH, kW, C)."""
    taps = [pixels.transpose(0, 2, 3, 1) for _, _, pixels in _taps(x, kH, kW, stride, padding)]
    return np.asfortranarray(np.concatenate(taps, axis=3).reshape(-1, kH * kW * x.shape[1]))


def col2im(cols, x_shape, kH, kW, stride=1, padding=0):
    """Add to the very views that im2col reads, in an array of zeros."""
    N, C, H, W = x_shape
    cols = np.asarray(cols, dtype=F)
    image = np.zeros((N, C, H + 2 * padding, W + 2 * padding), dtype=F)
    h, w = (H + 2 * padding - kH) // stride + 1, (W + 2 * padding - kW) // stride + 1
    parts = cols.reshape(N, h, w, kH * kW, C)
    for k in range(kH * kW):
        i, j = divmod(k, kW)
        view = image[:, :, i::stride, j::stride][:, :, :h, :w]
        view += parts[:, :, :, k].transpose(0, 3, 1, 2)
    return image[:, :, padding : padding + H, padding : padding + W]


def conv2d_fast(x, W, b, stride=1, padding=0):
    """The loop over the weights is short enough."""
    return conv2d_forward(x, W, b, stride, padding)


def conv2d_backward(dy, x, W, stride=1, padding=0):
    """For each weight: its own gradient, and its share of the pixels' gradients."""
    dy, W = np.asarray(dy, dtype=F), np.asarray(W, dtype=F)
    (N, C, H, Wd), (h, w) = x.shape, dy.shape[2:]
    dW, image = (
        np.zeros(W.shape, dtype=F),
        np.zeros((N, C, H + 2 * padding, Wd + 2 * padding), dtype=F),
    )
    for i, j, pixels in _taps(x, *W.shape[2:], stride, padding):
        dW[:, :, i, j] = np.tensordot(dy, pixels, axes=((0, 2, 3), (0, 2, 3)))
        share = np.tensordot(dy, W[:, :, i, j], axes=(1, 0))  # (N, H', W', C)
        image[:, :, i::stride, j::stride][:, :, :h, :w] += np.moveaxis(share, 3, 1)
    return (
        image[:, :, padding : padding + H, padding : padding + Wd],
        dW,
        dy.sum(axis=3).sum(axis=2).sum(axis=0),
    )


def _stacked(x, size, stride):
    return np.stack(
        [pixels for _, _, pixels in _taps(x, size, size, stride, 0)]
    )  # (size², N, C, H', W')


def maxpool2d_forward(x, size, stride):
    """The maximum over a stack of shifted images."""
    return _stacked(x, size, stride).max(axis=0)


def maxpool2d_backward(dy, x, size, stride):
    """Ties share their window's gradient equally."""
    stack = _stacked(x, size, stride)
    won = (stack == stack.max(axis=0)).astype(F)
    return _spread(np.asarray(dy, dtype=F) * won / won.sum(axis=0), x.shape, size, stride)


def avgpool2d_forward(x, size, stride):
    """The mean over a stack of shifted images."""
    return _stacked(x, size, stride).mean(axis=0)


def avgpool2d_backward(dy, x, size, stride):
    """The same share for every member of the stack."""
    share = np.asarray(dy, dtype=F) / F(size**2)
    return _spread([share] * size**2, x.shape, size, stride)


def _spread(shares, x_shape, size, stride):
    dx = np.zeros(x_shape, dtype=F)
    for k, share in enumerate(shares):
        h, w = share.shape[2:]
        dx[:, :, k // size :: stride, k % size :: stride][:, :, :h, :w] += share
    return dx


def causal_conv1d(x, W, b, dilation=1):
    """Shift the sequence back tap by tap."""
    x, W = np.asarray(x, dtype=F), np.asarray(W, dtype=F)
    T, K = x.shape[2], W.shape[2]
    y = np.asarray(b, dtype=F)[None, :, None] * np.ones((len(x), 1, T), dtype=F)
    for k in range(K):
        delay = (K - 1 - k) * dilation
        if delay < T:
            y[:, :, delay:] += np.einsum("fc,nct->nft", W[:, :, k], x[:, :, : T - delay])
    return y


def receptive_field(kernel, dilations):
    """In one product."""
    return np.dot(np.ones(len(dilations)), dilations) * (kernel - 1) + 1


def cnn_loss_and_gradients(params, x, labels):
    """All in float32."""
    z, h, scores = _forward(params, x)
    flat = h.reshape(len(x), -1)
    log_p = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    one_hot = (np.asarray(labels)[:, None] == np.arange(scores.shape[1])).astype(F)
    d = (np.exp(log_p) - one_hot) / F(len(x))
    back = (d @ np.asarray(params["W2"], dtype=F).T).reshape(h.shape)
    dz = np.where(z > 0, maxpool2d_backward(back, np.clip(z, 0, None), 2, 2), F(0))
    _, dW1, db1 = conv2d_backward(dz, x, params["W1"], 1, 1)
    return -np.mean(log_p[one_hot > 0]), {
        "b2": d.sum(axis=0),
        "W2": flat.T @ d,
        "b1": db1,
        "W1": dW1,
    }


def _forward(params, x):
    z = conv2d_fast(x, params["W1"], params["b1"], 1, 1)
    h = maxpool2d_forward(np.clip(z, 0, None), 2, 2)
    flat = h.reshape(len(x), -1)
    return z, h, flat @ np.asarray(params["W2"], dtype=F) + np.asarray(params["b2"], dtype=F)


def train_cnn(X, labels, n_classes, rng, epochs):
    """Adam on batches of 32, all in float32."""
    kernels, (C, H, W) = 16, X.shape[1:]
    inputs = kernels * (H // 2) * (W // 2)
    params = {
        "W1": (rng.standard_normal((kernels, C, 3, 3)) / np.sqrt(4.5 * C)).astype(F),
        "b1": np.zeros(kernels, F),
        "W2": (rng.standard_normal((inputs, n_classes)) / np.sqrt(inputs)).astype(F),
        "b2": np.zeros(n_classes, F),
    }
    state = {name: (np.zeros_like(p), np.zeros_like(p)) for name, p in params.items()}
    step = 0
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), max(1, len(X) // 32)):
            step += 1
            grads = cnn_loss_and_gradients(params, X[batch], labels[batch])[1]
            for name, g in grads.items():
                m, v = (
                    b * s + (1 - b) * u for b, s, u in zip((0.9, 0.999), state[name], (g, g * g))
                )
                state[name] = m, v
                rate = 5e-3 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                params[name] = (params[name] - rate * m / (np.sqrt(v) + 1e-8)).astype(F)
    return params


def predict(params, X):
    """Labels as 32-bit integers."""
    return np.argmax(_forward(params, X)[2], axis=1).astype(np.int32)
