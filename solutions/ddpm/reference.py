"""The reference for 08-ddpm: denoising diffusion in plain NumPy. t runs from 0 to T - 1; alpha_bar
is (T,).
"""

import math

import numpy as np

# -- the chain forward
# -------------------------------------------------------------------------------


def linear_betas(T, start=1e-4, end=0.02):
    """Noise variances (T,) in equal steps from start to end. Ho, Jain & Abbeel 2020, section 4."""
    return np.linspace(start, end, T)


def cosine_alpha_bars(T, s=0.008):
    """Signal shares (T,): f(t + 1) / f(0), f a squared cosine. Nichol & Dhariwal 2021, eq. 17, not
    clipped.
    """
    f = np.cos((np.arange(T + 1) / T + s) / (1 + s) * math.pi / 2) ** 2
    return f[1:] / f[0]


def alpha_bars(betas):
    """alpha_bar[t], the product of 1 - beta over the steps 0 to t: (T,) -> (T,)."""
    return np.cumprod(1 - np.asarray(betas))


def q_sample(x0, t, noise, alpha_bar):
    """Noise x0 (N, ...) to the steps t (N,) at once. Ho et al. 2020, eq. 4."""
    kept = _of_each(alpha_bar, t, x0)
    return np.sqrt(kept) * x0 + np.sqrt(1 - kept) * noise


def _of_each(values, t, x):
    """values[t] (N,) with axes of length 1 behind it, so that it scales the samples of x
    (N, ...).
    """
    return np.reshape(np.asarray(values)[t], (len(x),) + (1,) * (np.ndim(x) - 1))


def timestep_embedding(t, dim, max_period=10000):
    """Sines, then cosines of t (N,) at dim // 2 falling frequencies: (N, dim). Vaswani et al. 2017,
    section 3.5.
    """
    half = dim // 2
    angles = np.asarray(t)[:, None] * float(max_period) ** (-np.arange(half) / half)
    return np.concatenate(
        [np.sin(angles), np.cos(angles), np.zeros((len(angles), dim % 2))], axis=1
    )


# -- the way back
# ------------------------------------------------------------------------------------


def predict_x0(x_t, t, eps, alpha_bar):
    """The x0 that q_sample turned into x_t, if eps was the noise. Ho et al. 2020, eq. 15."""
    kept = _of_each(alpha_bar, t, x_t)
    return (x_t - np.sqrt(1 - kept) * eps) / np.sqrt(kept)


def posterior_mean_variance(x0, x_t, t, betas):
    """Mean (N, ...) and variance (N,) of x_{t-1}, given x_t and x0. Ho et al. 2020, eq. 7."""
    betas, alpha_bar = np.asarray(betas), alpha_bars(betas)
    before = np.append(
        1.0, alpha_bar[:-1]
    )  # alpha_bar one step earlier: nothing is lost before t = 0
    variance = betas * (1 - before) / (1 - alpha_bar)
    of_x0 = np.sqrt(before) * betas / (1 - alpha_bar)
    of_xt = np.sqrt(1 - betas) * (1 - before) / (1 - alpha_bar)
    return _of_each(of_x0, t, x0) * x0 + _of_each(of_xt, t, x0) * x_t, variance[t]


def ddpm_step(x_t, t, eps, betas, noise):
    """Draw x_{t-1} (N, ...): the posterior at the predicted x0, with noise times its root.
    Algorithm 2.
    """
    x0 = predict_x0(x_t, t, eps, alpha_bars(betas))
    mean, variance = posterior_mean_variance(x0, x_t, t, betas)
    return mean + _of_each(np.sqrt(variance), np.arange(len(t)), x_t) * noise


def ddim_step(x_t, t, t_prev, eps, alpha_bar):
    """Jump from t to t_prev (N,) without noise; -1 is x0 itself. Song, Meng & Ermon 2021, eq. 12,
    sigma 0.
    """
    to = _of_each(np.append(alpha_bar, 1.0), t_prev, x_t)  # the last entry answers to -1
    return np.sqrt(to) * predict_x0(x_t, t, eps, alpha_bar) + np.sqrt(1 - to) * eps


# -- what is learnt
# ----------------------------------------------------------------------------------


def denoising_loss(eps_pred, noise):
    """Mean squared error over all entries, a float, and its gradient in eps_pred. Ho et al. 2020,
    eq. 14.
    """
    gap = np.asarray(eps_pred) - noise
    return float(np.mean(gap**2)), 2 * gap / gap.size


def training_batch(x0, alpha_bar, rng):
    """Noise each x0 (N, ...) to a step of its own: x_t, t (N,), noise. Ho et al. 2020,
    algorithm 1.
    """
    t = rng.integers(len(alpha_bar), size=len(x0))
    noise = rng.normal(size=np.shape(x0))
    return q_sample(x0, t, noise, alpha_bar), t, noise


# -- a U-Net: Ronneberger, Fischer & Brox 2015; images are (N, C, H, W)
# --------------------------------


def upsample2x_forward(x):
    """Each pixel four times: (N, C, H, W) -> (N, C, 2H, 2W)."""
    return np.repeat(np.repeat(x, 2, axis=2), 2, axis=3)


def upsample2x_backward(dy):
    """The four shares of each pixel, added up: (N, C, 2H, 2W) -> (N, C, H, W)."""
    return dy[:, :, ::2, ::2] + dy[:, :, 1::2, ::2] + dy[:, :, ::2, 1::2] + dy[:, :, 1::2, 1::2]


def downsample2x_forward(x):
    """The mean of each 2 x 2 block: (N, C, H, W) -> (N, C, H/2, W/2)."""
    return upsample2x_backward(x) / 4


def downsample2x_backward(dy):
    """A quarter for each of the four: (N, C, H/2, W/2) -> (N, C, H, W)."""
    return upsample2x_forward(dy) / 4


def skip_concat_forward(x, skip):
    """x (N, A, H, W) and skip (N, B, H, W), one behind the other: (N, A + B, H, W)."""
    return np.concatenate([x, skip], axis=1)


def skip_concat_backward(dy, channels):
    """Cut the gradient (N, A + B, H, W) behind the channels A of x: dx, dskip."""
    return dy[:, :channels], dy[:, channels:]


def add_time_forward(x, shift):
    """Add shift (N, C) to every pixel of x (N, C, H, W)."""
    return x + np.asarray(shift)[:, :, None, None]


def add_time_backward(dy):
    """dx and dshift (N, C): every pixel had the same shift."""
    return dy, dy.sum(axis=(2, 3))


def _conv3x3(x, W, b):
    """Cross-correlate x (N, C, H, W) with W (F, C, 3, 3), a pixel of zeros around it: (N,
    F, H, W).
    """
    y = np.tensordot(W, _patches(x), axes=([1, 2, 3], [1, 2, 3]))  # (F, N, H, W)
    return y.swapaxes(0, 1) + b[:, None, None]


def _conv3x3_backward(dy, x, W):
    """dx, dW and db of _conv3x3: dx is the correlation of dy with the kernels turned by 180
    degrees.
    """
    dW = np.tensordot(dy, _patches(x), axes=([0, 2, 3], [0, 4, 5]))
    turned = W[:, :, ::-1, ::-1].swapaxes(0, 1)
    return _conv3x3(dy, turned, np.zeros(len(turned))), dW, dy.sum(axis=(0, 2, 3))


def _patches(x):
    """The 3 x 3 neighbourhoods of every pixel, zeros outside: (N, C, 3, 3, H, W), a view."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return np.lib.stride_tricks.sliding_window_view(padded, np.shape(x)[2:], axis=(2, 3))


def unet_forward(params, x, t_emb):
    """Predict the noise in x (N, C, H, W), given an embedding t_emb (N, E) of its step."""
    return _unet(params, x, t_emb)[0]


def _unet(p, x, t_emb):
    """y, and what the way back needs: each convolution's input, last to first."""
    h1 = np.maximum(_conv3x3(x, p["W1"], p["b1"]), 0)
    small = downsample2x_forward(h1)
    h2 = np.maximum(
        add_time_forward(_conv3x3(small, p["W2"], p["b2"]), t_emb @ p["Wt"] + p["bt"]), 0
    )
    both = skip_concat_forward(upsample2x_forward(h2), h1)
    h3 = np.maximum(_conv3x3(both, p["W3"], p["b3"]), 0)
    return _conv3x3(h3, p["W4"], p["b4"]), (h3, both, h2, small, h1)


def unet_backward(dy, params, x, t_emb):
    """Given dL/dy of y = unet_forward(params, x, t_emb), return dL/d(each parameter), a dict like
    params.
    """
    p, grads = params, {}
    h3, both, h2, small, h1 = _unet(p, x, t_emb)[1]
    dh3, grads["W4"], grads["b4"] = _conv3x3_backward(dy, h3, p["W4"])
    dboth, grads["W3"], grads["b3"] = _conv3x3_backward(dh3 * (h3 > 0), both, p["W3"])
    dup, dskip = skip_concat_backward(dboth, h2.shape[1])
    dz2, dshift = add_time_backward(upsample2x_backward(dup) * (h2 > 0))
    grads["Wt"], grads["bt"] = t_emb.T @ dshift, dshift.sum(axis=0)
    dsmall, grads["W2"], grads["b2"] = _conv3x3_backward(dz2, small, p["W2"])
    dh1 = downsample2x_backward(dsmall) + dskip  # h1 went two ways
    _, grads["W1"], grads["b1"] = _conv3x3_backward(dh1 * (h1 > 0), x, p["W1"])
    return grads


def ema_update(shadow, params, decay):
    """Move the average of each tensor by 1 - decay towards its new value; a new dict."""
    return {name: decay * shadow[name] + (1 - decay) * params[name] for name in params}


# -- points in the plane
# -----------------------------------------------------------------------------

_WAVES = math.pi * np.array([0.5, 1.0, 2.0])  # of the Fourier features: Tancik et al. 2020


def train_denoiser(x0, T, rng, steps):
    """Teach a network the noise in points x0 (N, 2): so many updates, on the chain linear_betas(T,
    0.1/T, 20/T).
    """
    alpha_bar = alpha_bars(linear_betas(T, 0.1 / T, 20 / T))
    params = _new_network(rng)
    first = second = {name: np.zeros_like(tensor) for name, tensor in params.items()}
    for step in range(steps):
        x_t, t, noise = training_batch(x0[rng.integers(len(x0), size=96)], alpha_bar, rng)
        grads = _gradients(params, x_t, t, noise)
        first = ema_update(
            first, grads, 0.9
        )  # Adam, whose moments are moving averages: Kingma & Ba 2015
        second = ema_update(second, {name: g**2 for name, g in grads.items()}, 0.99)
        rate = 0.01 * (1 - step / steps)
        params = {
            name: p - rate * first[name] / (np.sqrt(second[name]) + 1e-8)
            for name, p in params.items()
        }
    return params


def denoise(params, x_t, t):
    """The network's guess of the noise in x_t (n, 2) at the steps t (n,)."""
    return _layers(params, x_t, t)[-1]


def _new_network(rng):
    """He's start for the network's three layers."""
    params = {}
    for i, (n, m) in enumerate([(30, 72), (72, 56), (56, 2)], 1):
        params |= {f"W{i}": rng.normal(size=(n, m)) * math.sqrt(2 / n), f"b{i}": np.zeros(m)}
    return params


def _layers(p, x_t, t):
    """Features (n, 30), two hidden layers and the guess, first to last."""
    waves = (np.asarray(x_t)[:, :, None] * _WAVES).reshape(len(x_t), -1)
    h = [
        np.concatenate([x_t, np.sin(waves), np.cos(waves), timestep_embedding(t, 16, 1000)], axis=1)
    ]
    for i in (1, 2):
        h.append(np.maximum(h[-1] @ p[f"W{i}"] + p[f"b{i}"], 0))
    return [*h, h[-1] @ p["W3"] + p["b3"]]


def _gradients(p, x_t, t, noise):
    """The gradient of the denoising loss in each tensor: lesson 2's way back."""
    *h, guess = _layers(p, x_t, t)
    d, grads = denoising_loss(guess, noise)[1], {}
    for i in (3, 2, 1):
        grads[f"W{i}"], grads[f"b{i}"] = h[i - 1].T @ d, d.sum(axis=0)
        d = (d @ p[f"W{i}"].T) * (h[i - 1] > 0)
    return grads


def sample(denoise, params, n, betas, rng):
    """Draw n points (n, 2): from pure noise down the whole chain. Ho et al. 2020, algorithm 2."""
    x = rng.normal(size=(n, 2))
    for t in range(len(betas) - 1, -1, -1):
        steps = np.full(n, t)
        x = ddpm_step(x, steps, denoise(params, x, steps), betas, rng.normal(size=(n, 2)))
    return x
