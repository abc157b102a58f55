"""Right, by other formulae: logarithms for products, turns for roots, precisions for the posterior,
classes.
"""

import math
from dataclasses import dataclass

import numpy as np


def over(v, x):
    """v (N,) ready to scale the samples of x."""
    return np.asarray(v, float).reshape((np.shape(x)[0], *(1 for _ in np.shape(x)[1:])))


def linear_betas(T, start=1e-4, end=0.02):
    """A weighted mean of the two ends."""
    w = np.arange(T) / max(T - 1, 1)
    return (1 - w) * start + w * end


def cosine_alpha_bars(T, s=0.008):
    """cos^2 as (1 + cos of twice the angle) / 2."""
    u = (np.arange(1, T + 1) / T + s) / (1 + s)
    return (1 + np.cos(np.pi * u)) / (1 + math.cos(math.pi * s / (1 + s)))


def alpha_bars(betas):
    """The exponential of a sum of logarithms."""
    return np.exp(np.add.accumulate(np.log1p(np.negative(betas))))


def q_sample(x0, t, noise, alpha_bar):
    """A turn by an angle whose squared cosine is alpha_bar."""
    angle = over(np.arccos(np.sqrt(np.take(alpha_bar, t))), x0)
    return np.cos(angle) * x0 + np.sin(angle) * noise


def timestep_embedding(t, dim, max_period=10000):
    """Real and imaginary parts of turning arrows."""
    half = dim // 2
    arrows = np.exp(
        1j
        * np.multiply.outer(
            t, np.exp(-math.log(max_period) * np.linspace(0, 1, half, endpoint=False))
        )
    )
    out = np.hstack([arrows.imag, arrows.real])
    return np.pad(out, [(0, 0), (0, dim - 2 * half)])


def predict_x0(x_t, t, eps, alpha_bar):
    """The same turn, solved for x0: 1 / cos and tan."""
    angle = over(np.arccos(np.sqrt(np.take(alpha_bar, t))), x_t)
    return np.asarray(x_t) / np.cos(angle) - np.tan(angle) * eps


def posterior_mean_variance(x0, x_t, t, betas):
    """Bayes: the precisions of two Gaussians add up; where the prior is certain (t = 0) it wins."""
    t, betas = np.asarray(t), np.asarray(betas, float)
    before = np.where(t > 0, alpha_bars(betas)[t - 1], 1.0)
    beta = betas[t]
    certain = t == 0
    width = np.where(certain, 1.0, 1 - before)  # of x_{t-1} around root(before) x0
    precision = 1 / width + (1 - beta) / beta
    variance = np.where(certain, 0.0, 1 / precision)
    pull0 = np.where(certain, 1.0, np.sqrt(before) / width / precision)
    pullt = np.where(certain, 0.0, np.sqrt(1 - beta) / beta / precision)
    return over(pull0, x0) * x0 + over(pullt, x0) * x_t, variance


def ddpm_step(x_t, t, eps, betas, noise):
    """Through x0 and its posterior."""
    x0 = predict_x0(x_t, t, eps, alpha_bars(betas))
    mean, variance = posterior_mean_variance(x0, x_t, t, betas)
    return mean + over(variance**0.5, x_t) * noise


def ddim_step(x_t, t, t_prev, eps, alpha_bar):
    """In the coordinates x / root(alpha_bar), where a jump is straight."""
    t_prev, alpha_bar = np.asarray(t_prev), np.asarray(alpha_bar)
    to = np.where(t_prev >= 0, alpha_bar[np.maximum(t_prev, 0)], 1.0)
    ratio = np.sqrt(1 / to - 1) - np.sqrt(1 / alpha_bar[t] - 1)
    return over(np.sqrt(to), x_t) * (
        x_t / over(np.sqrt(alpha_bar[t]), x_t) + over(ratio, x_t) * eps
    )


def denoising_loss(eps_pred, noise):
    """A dot product, as an array without axes."""
    gap = np.subtract(eps_pred, noise, dtype=float)
    return np.asarray(np.vdot(gap, gap) / gap.size), gap * (2 / gap.size)


def training_batch(x0, alpha_bar, rng):
    """Steps by flooring uniform numbers, noise as one multivariate draw."""
    x0 = np.asarray(x0)
    noise = rng.normal(0.0, 1.0, x0.shape)
    t = np.floor(rng.random(len(x0)) * len(alpha_bar)).astype(int)
    return q_sample(x0, t, noise, alpha_bar), t, noise


def upsample2x_forward(x):
    """A broadcast view of blocks, reshaped."""
    n, c, h, w = np.shape(x)
    return np.broadcast_to(np.asarray(x)[:, :, :, None, :, None], (n, c, h, 2, w, 2)).reshape(
        n, c, 2 * h, 2 * w
    )


def doubling(size):
    """The matrix (2 size, size) that doubles every entry of a vector."""
    return np.kron(np.eye(size), np.ones((2, 1)))


def upsample2x_backward(dy):
    """The transposed matrices from both sides."""
    rows, columns = (doubling(s // 2) for s in np.shape(dy)[2:])
    return np.matmul(np.matmul(rows.T, dy), columns)


def downsample2x_forward(x):
    """Half of the transposed matrices from both sides, and in Fortran's order."""
    rows, columns = (doubling(s // 2) / 2 for s in np.shape(x)[2:])
    return np.asfortranarray(np.einsum("ih,ncij,jw->nchw", rows, x, columns))


def downsample2x_backward(dy):
    """Spread, and divide by how many there are."""
    return np.asarray(dy).repeat(2, 2).repeat(2, 3) * 0.25


def skip_concat_forward(x, skip):
    """Channels first, then vstack."""
    return np.swapaxes(np.vstack([np.swapaxes(x, 0, 1), np.swapaxes(skip, 0, 1)]), 0, 1)


def skip_concat_backward(dy, channels):
    """Two views."""
    first, second = slice(None, channels), slice(channels, None)
    return dy[:, first], dy[:, second]


def add_time_forward(x, shift):
    """expand_dims."""
    return np.add(x, np.expand_dims(shift, (2, 3)))


def add_time_backward(dy):
    """A view and a sum of sums."""
    return dy[...], dy.sum(-1).sum(-1)


@dataclass
class Conv:
    """A 3 x 3 convolution that keeps its input for the way back."""

    W: np.ndarray
    b: np.ndarray

    def forward(self, x):
        self.x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
        self.h, self.w = x.shape[2:]
        return sum(
            np.einsum("nchw,fc->nfhw", v, self.W[:, :, i, j]) for i, j, v in self.taps()
        ) + self.b.reshape(-1, 1, 1)

    def taps(self):
        return [
            (i, j, self.x[:, :, i : i + self.h, j : j + self.w]) for i in range(3) for j in range(3)
        ]

    def backward(self, dy):
        dx, self.dW = np.zeros_like(self.x), np.empty_like(self.W, dtype=float)
        for i, j, v in self.taps():
            self.dW[:, :, i, j] = np.einsum("nfhw,nchw->fc", dy, v)
            dx[:, :, i : i + self.h, j : j + self.w] += np.einsum(
                "nfhw,fc->nchw", dy, self.W[:, :, i, j]
            )
        self.db = np.einsum("nfhw->f", dy)
        return dx[:, :, 1:-1, 1:-1]


class UNet:
    """The four convolutions and what lies between them."""

    def __init__(self, params):
        self.params = params
        self.conv = {i: Conv(params[f"W{i}"], params[f"b{i}"]) for i in "1234"}

    def forward(self, x, t_emb):
        self.t_emb = t_emb
        self.h1 = self.conv["1"].forward(x).clip(0)
        z2 = self.conv["2"].forward(downsample2x_forward(self.h1))
        self.h2 = add_time_forward(
            z2, np.tensordot(t_emb, self.params["Wt"], 1) + self.params["bt"]
        ).clip(0)
        self.h3 = (
            self.conv["3"]
            .forward(skip_concat_forward(upsample2x_forward(self.h2), self.h1))
            .clip(0)
        )
        return self.conv["4"].forward(self.h3)

    def backward(self, dy):
        d = self.conv["3"].backward(self.conv["4"].backward(dy) * (self.h3 != 0))
        below, beside = skip_concat_backward(d, self.h2.shape[1])
        d = upsample2x_backward(below) * (self.h2 != 0)
        dshift = d.sum((2, 3))
        d = downsample2x_backward(self.conv["2"].backward(d)) + beside
        self.conv["1"].backward(d * (self.h1 != 0))
        grads = {"bt": dshift.sum(0), "Wt": np.einsum("ne,nc->ec", self.t_emb, dshift)}
        return grads | {f"{k}{i}": getattr(c, f"d{k}") for i, c in self.conv.items() for k in "Wb"}


def unet_forward(params, x, t_emb):
    """A fresh network each time."""
    return UNet(params).forward(x, t_emb)


def unet_backward(dy, params, x, t_emb):
    """Forward, then backward."""
    net = UNet(params)
    net.forward(x, t_emb)
    return net.backward(dy)


def ema_update(shadow, params, decay):
    """np.average."""
    return {
        k: np.average([shadow[k], params[k]], axis=0, weights=[decay, 1 - decay]) for k in params
    }


def train_denoiser(x0, T, rng, steps):
    """AdaMax, a rate that falls like a squared cosine, and the average of the weights."""
    alpha_bar = alpha_bars(linear_betas(T, 0.1 / T, 20 / T))
    p = {
        f"W{i}": rng.normal(0, math.sqrt(2 / n), (n, m))
        for i, (n, m) in enumerate([(53, 80), (80, 80), (80, 2)])
    }
    p |= {f"b{i}": np.zeros(m) for i, m in enumerate([80, 80, 2])}
    p["root"] = np.sqrt(alpha_bar)
    kept, m, v = dict(p), dict.fromkeys(p, 0.0), dict.fromkeys(p, 0.0)
    for step in range(steps):
        x_t, t, noise = training_batch(rng.choice(x0, 128), alpha_bar, rng)
        h = layers(p, x_t, t)
        d = denoising_loss(h[-1], noise)[1]
        for i in (2, 1, 0):
            for name, g in ((f"W{i}", h[i].T @ d), (f"b{i}", d.sum(0))):
                m[name] = 0.85 * m[name] + 0.15 * g
                v[name] = np.maximum(0.995 * v[name], np.abs(g))  # AdaMax
            d = d @ p[f"W{i}"].T * (h[i] > 0)
        rate = 0.02 * math.cos(math.pi / 2 * step / steps) ** 2
        p = {name: w - rate * m[name] / (v[name] + 1e-8) for name, w in p.items()}
        kept = ema_update(kept, p, min(0.98, step / (step + 5)))
    return kept


def layers(p, x_t, t):
    """Input, hidden values and guess: waves in 16 directions, the share of the signal, and the
    step.
    """
    angle = np.pi * np.arange(8) / 8
    directions = np.concatenate(
        [k * np.stack([np.cos(angle), np.sin(angle)]) for k in (2.0, 5.5)], axis=1
    )
    phase, root = np.asarray(x_t) @ directions, p["root"][t][:, None]
    h = [
        np.hstack(
            [
                x_t,
                np.sin(phase),
                np.cos(phase),
                root,
                np.sqrt(1 - root**2),
                1 / root / 10,
                timestep_embedding(t, 16, 500),
            ]
        )
    ]
    for i in (0, 1):
        h.append(np.maximum(h[-1] @ p[f"W{i}"] + p[f"b{i}"], 0))
    return [*h, h[-1] @ p["W2"] + p["b2"]]


def denoise(params, x_t, t):
    """The last of the layers."""
    return layers(params, x_t, t)[-1]


def sample(denoise, params, n, betas, rng):
    """All noise is drawn at once; points in two portions."""
    T, half = len(betas), (n + 1) // 2
    z = rng.normal(size=(T + 1, n, 2))
    done = []
    for part in (slice(0, half), slice(half, n)):
        x = z[T, part]
        if len(x):
            for t in range(T)[::-1]:
                steps = np.zeros(len(x), dtype=np.int32) + t
                x = ddpm_step(x, steps, np.asarray(denoise(params, x, steps)), betas, z[t, part])
            done.append(x)
    return np.concatenate(done)
