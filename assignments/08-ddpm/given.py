"""Data of 08-ddpm and layers of earlier lessons: NumPy alone, so that answers may use them."""

import numpy as np

# -- from earlier lessons --


def new_mlp(sizes, rng):
    """W1, b1, W2, ... for layers of these sizes, by He's rule; lesson 2."""
    params = {}
    for i in range(1, len(sizes)):
        fan_in, fan_out = sizes[i - 1 : i + 1]
        params[f"W{i}"] = rng.normal(0, np.sqrt(2 / fan_in), size=(fan_in, fan_out))
        params[f"b{i}"] = np.zeros(fan_out)
    return params


def mlp_layers(params, x):
    """What enters each layer, and last what comes out: ReLU between layers, none behind the last;
    lesson 1.
    """
    values, depth = [x], len(params) // 2
    for i in range(1, depth + 1):
        z = values[-1] @ params[f"W{i}"] + params[f"b{i}"]
        values.append(z if i == depth else np.maximum(z, 0))
    return values


def mlp_backward(dy, params, values):
    """The gradient of each tensor, from that of the output and what mlp_layers returned;
    lesson 2.
    """
    grads = {}
    for i in range(len(params) // 2, 0, -1):
        x, W = values[i - 1], params[f"W{i}"]
        grads[f"W{i}"], grads[f"b{i}"] = np.einsum("nd,nm->dm", x, dy), dy.sum(0)
        dy = np.where(x > 0, dy @ W.T, 0)
    return grads


def adam(params, grads, state, lr):
    """One step of Adam for a dict of tensors -> new params, new state (at first {}); lesson 3."""
    step, new, moments = state.get("step", 0) + 1, {}, {"step": state.get("step", 0) + 1}
    for name, g in grads.items():
        m, v = state.get(name, (0.0, 0.0))
        m, v = m + 0.1 * (g - m), v + 0.01 * (g * g - v)
        new[name] = params[name] - lr * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
        moments[name] = m, v
    return new, moments


def conv3x3_forward(x, W, b):
    """Convolution of lesson 5: x (N, C, H, W), kernels W (F, C, 3, 3), b (F,), stride 1, padding 1
    -> (N, F, H, W).
    """
    n, _, height, width = x.shape
    return (W.reshape(len(W), -1) @ _columns(x)).reshape(n, len(W), height, width) + b.reshape(
        -1, 1, 1
    )


def conv3x3_backward(dy, x, W):
    """Its gradients: dy (N, F, H, W) -> dx (N, C, H, W), dW (F, C, 3, 3), db (F,)."""
    rows = dy.reshape(*dy.shape[:2], -1)  # (N, F, H W)
    dW = (rows @ _columns(x).transpose(0, 2, 1)).sum(axis=0).reshape(W.shape)
    flipped = np.flip(W, axis=(2, 3)).transpose(
        1, 0, 2, 3
    )  # every output pixel that used an input pixel
    return conv3x3_forward(dy, flipped, np.zeros(W.shape[1])), dW, rows.sum(axis=(0, 2))


def _columns(x):
    """(N, 9 C, H W): the nine neighbours of every pixel, zeros outside the picture."""
    n, c, h, w = x.shape
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    views = [padded[:, :, i : i + h, j : j + w] for i in range(3) for j in range(3)]
    return np.stack(views, axis=2).reshape(n, 9 * c, h * w)


# -- data --

_ANGLES = np.arange(8) * np.pi / 4 + 0.2
RING = {"middles": np.sqrt(2) * np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)]), "spread": 0.08}


def ring(n, rng):
    """Points (n, 2) in eight heaps on a circle, mean 0 and variance 1 in each direction."""
    return RING["middles"][rng.integers(8, size=n)] + RING["spread"] * rng.normal(size=(n, 2))


def moons(n, rng):
    """Points (n, 2) on two half circles that reach into each other, brought to mean 0 and about
    unit size.
    """
    angle, side = rng.uniform(0, np.pi, n), rng.integers(2, size=n)
    x = np.where(side == 0, np.cos(angle), 1 - np.cos(angle)) + 0.05 * rng.normal(size=n)
    y = np.where(side == 0, np.sin(angle), 0.5 - np.sin(angle)) + 0.05 * rng.normal(size=n)
    return np.column_stack([(x - 0.5) / 0.87, (y - 0.25) / 0.5])


def perfect_noise(cloud, x_t, t):
    """What a network that has learnt all there is says of x_t (n, 2): E[noise | x_t], by a formula.

    `cloud` holds the `middles` (K, 2) of heaps, equally probable, their `spread`, and the chain's
    `alpha_bar`.
    """
    kept = np.asarray(cloud["alpha_bar"])[t].reshape(-1, 1, 1)
    gap, width = (
        x_t[:, None] - np.sqrt(kept) * cloud["middles"],
        kept * cloud["spread"] ** 2 + (1 - kept),
    )
    score = -(gap**2).sum(axis=2, keepdims=True) / (2 * width)
    belongs = np.exp(score - score.max(axis=1, keepdims=True))  # (n, K, 1)
    belongs /= belongs.sum(axis=1, keepdims=True)
    return np.sqrt(1 - kept[:, 0]) * (belongs * gap / width).sum(axis=1)


def energy_distance(a, b):
    """2 E|a - b| - E|a - a'| - E|b - b'|: 0 for equal distributions only (Szekely and
    Rizzo, 2013).
    """

    def mean(x, y, pairs):
        return np.hypot(*(x[:, None] - y[None]).transpose(2, 0, 1)).sum() / pairs

    n, m = len(a), len(b)
    return float(2 * mean(a, b, n * m) - mean(a, a, n * (n - 1)) - mean(b, b, m * (m - 1)))


def in_heaps(points):
    """The share of points within three spreads of a middle of the ring, and the number in the
    emptiest heap.
    """
    away = np.linalg.norm(points[:, None] - RING["middles"], axis=2)
    near = away.min(axis=1) < 3 * RING["spread"]
    return near.mean(), np.bincount(away.argmin(axis=1)[near], minlength=8).min()


# -- digits from a U-Net --


def signed_images(X):
    """Digits with pixels in [0, 1], X (n, 64), as images in [-1, 1]: (n, 1, 8, 8)."""
    return (2 * X - 1).reshape(-1, 1, 8, 8)


def fold(images):
    """(n, 1, 8, 8) -> (n, 4, 4, 4): the four pixels of each 2 x 2 block become channels."""
    return images.reshape(-1, 4, 2, 4, 2).transpose(0, 2, 4, 1, 3).reshape(-1, 4, 4, 4)


def told(f, x, t, labels):
    """The U-Net's input and t_emb: the step, and the class as a one-hot row, all 0 where labels is
    -1.

    The same 26 numbers stand in every pixel of x as channels of their own, so that the fine level
    knows them too.
    """
    rows = np.hstack(
        [f["timestep_embedding"](t, 16, 1000), labels[:, None] == np.arange(10)]
    ).astype(np.float32)
    everywhere = np.broadcast_to(rows[:, :, None, None], (*rows.shape, 4, 4))
    return np.concatenate([x, everywhere], axis=1, dtype=np.float32), rows


def train_unet(f, images, labels, betas, rng, steps, channels=(32, 64), batch=32):
    """Train the learner's U-Net (functions by name in `f`), in float32 -> the average of its
    parameters, losses.
    """
    x0, (c, deep), losses, state = fold(images), channels, [], {}
    shapes = {
        "W1": (c, 30, 3, 3),
        "W2": (deep, c, 3, 3),
        "W3": (c, deep + c, 3, 3),
        "W4": (4, c, 3, 3),
        "Wt": (26, deep),
    }
    params = {
        k: rng.normal(0, np.sqrt(2 / np.prod(s[1:])), s).astype(np.float32)
        for k, s in shapes.items()
    }
    params |= {f"b{k}": np.zeros(n, np.float32) for k, n in zip("1234t", (c, deep, c, 4, deep))}
    shadow, alpha_bar = params, f["alpha_bars"](betas)
    for step in range(steps):
        rows = rng.integers(len(x0), size=batch)
        x_t, t, noise = f["training_batch"](x0[rows], alpha_bar, rng)
        given_classes = np.where(
            rng.random(batch) < 0.15, -1, labels[rows]
        )  # sometimes the class is kept secret
        inputs = told(f, x_t, t, given_classes)
        loss, d = f["denoising_loss"](f["unet_forward"](params, *inputs), noise)
        grads = f["unet_backward"](d.astype(np.float32), params, *inputs)
        params, state = adam(params, grads, state, np.float32(0.004 * (1 - step / steps)))
        shadow = f["ema_update"](shadow, params, np.float32(min(0.995, step / (step + 10))))
        losses.append(loss)
    return shadow, losses


def draw_digits(f, params, labels, w, betas, rng, jumps=25):
    """Images (n, 1, 8, 8) of these classes: DDIM jumps, the two guesses combined by the notebook's
    `guide`.
    """
    n, alpha_bar = len(labels), f["alpha_bars"](betas)
    x, both = rng.normal(size=(n, 4, 4, 4)), np.concatenate([labels, np.full(n, -1)])
    stops = np.linspace(len(betas) - 1, -1, jumps + 1).round().astype(int)
    for start, stop in np.column_stack([stops[:-1], stops[1:]]):
        eps = f["unet_forward"](
            params, *told(f, np.tile(x, (2, 1, 1, 1)), np.full(2 * n, start), both)
        )
        x = f["ddim_step"](
            x, np.full(n, start), np.full(n, stop), f["guide"](eps[:n], eps[n:], w), alpha_bar
        )
    return x.reshape(-1, 2, 2, 4, 4).transpose(0, 3, 1, 4, 2).reshape(-1, 1, 8, 8)
