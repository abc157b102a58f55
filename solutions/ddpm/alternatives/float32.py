"""Right, and in single precision throughout, as a graphics card would do it."""

import numpy as np

F = np.float32


def f32(*arrays):
    """Single-precision copies."""
    return [np.array(a, dtype=F) for a in arrays]


def spread(values, t, x):
    """values[t] over the axes of x."""
    return np.array(values, dtype=F)[t][(...,) + (None,) * (np.ndim(x) - 1)]


def linear_betas(T, start=1e-4, end=0.02):
    """linspace, rounded."""
    return np.linspace(start, end, num=T, dtype=F)


def cosine_alpha_bars(T, s=0.008):
    """The cosine in single precision: its zero is 4e-8."""
    u = np.linspace(0, 1, T + 1, dtype=F)
    f = np.square(np.cos((u + F(s)) * F(np.pi / 2 / (1 + s))))
    return np.delete(f, 0) / f[0]


def alpha_bars(betas):
    """Products in single precision."""
    return np.cumprod(F(1) - np.array(betas, dtype=F), dtype=F)


def q_sample(x0, t, noise, alpha_bar):
    """Both roots from one share."""
    a = spread(alpha_bar, t, x0)
    x0, noise = f32(x0, noise)
    return a ** F(0.5) * x0 + (1 - a) ** F(0.5) * noise


def timestep_embedding(t, dim, max_period=10000):
    """Frequencies by logspace; a preallocated result."""
    half = dim // 2
    angles = np.outer(t, np.logspace(0, -np.log10(max_period), half, endpoint=False)).astype(F)
    out = np.zeros((len(t), dim), dtype=F)
    out[:, :half], out[:, half : 2 * half] = np.sin(angles), np.cos(angles)
    return out


def predict_x0(x_t, t, eps, alpha_bar):
    """The signal-to-noise form: x / root(a) - root(1/a - 1) eps."""
    a = spread(alpha_bar, t, x_t)
    x_t, eps = f32(x_t, eps)
    return x_t / np.sqrt(a) - np.sqrt(1 / a - 1) * eps


def posterior_mean_variance(x0, x_t, t, betas):
    """Tables for all steps, then a look-up."""
    betas = np.array(betas, dtype=np.float64)
    now = np.cumprod(1 - betas)
    before = np.concatenate([[1.0], now[:-1]])
    tables = np.array(
        [np.sqrt(before) * betas, np.sqrt(1 - betas) * (1 - before), betas * (1 - before)],
        dtype=np.float64,
    ) / (1 - now)
    x0, x_t = f32(x0, x_t)
    return spread(tables[0], t, x0) * x0 + spread(tables[1], t, x0) * x_t, tables[2][t].astype(F)


def ddpm_step(x_t, t, eps, betas, noise):
    """The mean from eps, the width with a mask for t = 0."""
    now = alpha_bars(np.array(betas, dtype=np.float64).astype(F))
    beta, a = spread(betas, t, x_t), spread(now, t, x_t)
    width = np.sqrt(posterior_mean_variance(x_t, x_t, t, betas)[1])
    x_t, eps, noise = f32(x_t, eps, noise)
    mean = (x_t - beta * eps / np.sqrt(1 - a)) / np.sqrt(1 - beta)
    return mean + np.where(np.array(t) > 0, width, F(0))[(...,) + (None,) * (x_t.ndim - 1)] * noise


def ddim_step(x_t, t, t_prev, eps, alpha_bar):
    """Where t_prev is -1 the share is 1."""
    x_t, eps = f32(x_t, eps)
    table = np.append(np.array(alpha_bar, dtype=F), F(1))
    to = spread(table, np.where(np.array(t_prev) < 0, len(table) - 1, t_prev), x_t)
    return np.sqrt(to) * predict_x0(x_t, t, eps, alpha_bar) + np.sqrt(1 - to) * eps


def denoising_loss(eps_pred, noise):
    """A NumPy scalar of single precision."""
    gap = np.array(eps_pred, dtype=F) - np.array(noise, dtype=F)
    return np.square(gap).mean(dtype=F), gap * F(2.0 / gap.size)


def training_batch(x0, alpha_bar, rng):
    """Noise drawn in single precision; steps as int32."""
    x0 = np.array(x0, dtype=F)
    noise = rng.standard_normal(x0.shape, dtype=F)
    t = rng.integers(0, len(alpha_bar), len(x0), dtype=np.int32)
    return q_sample(x0, t, noise, alpha_bar), t, noise


def upsample2x_forward(x):
    """A Kronecker product with a block of ones."""
    return np.kron(np.array(x, dtype=F), np.ones((1, 1, 2, 2), dtype=F))


def blocks(x):
    """(N, C, H, W) as (N, C, H/2, 2, W/2, 2)."""
    x = np.array(x, dtype=F)
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2)


def upsample2x_backward(dy):
    """Sums over blocks."""
    return blocks(dy).sum(axis=(3, 5))


def downsample2x_forward(x):
    """Means over blocks."""
    return blocks(x).mean(axis=(3, 5))


def downsample2x_backward(dy):
    """The same Kronecker product, with quarters."""
    return np.kron(np.array(dy, dtype=F), np.full((1, 1, 2, 2), 0.25, dtype=F))


def skip_concat_forward(x, skip):
    """A preallocated result."""
    a = np.shape(x)[1]
    out = np.empty((len(x), a + np.shape(skip)[1], *np.shape(x)[2:]), dtype=F)
    out[:, :a], out[:, a:] = x, skip
    return out


def skip_concat_backward(dy, channels):
    """np.split."""
    return np.split(np.array(dy, dtype=F), [channels], axis=1)


def add_time_forward(x, shift):
    """Channels last, add, channels first again."""
    x, shift = f32(x, shift)
    return np.transpose(np.transpose(x, (2, 3, 0, 1)) + shift, (2, 3, 0, 1))


def add_time_backward(dy):
    """A copy, and an einsum."""
    dy = np.array(dy, dtype=F)
    return dy, np.einsum("nchw->nc", dy)


def columns(x):
    """(N H W, C 9): the neighbourhoods as rows."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    taps = [padded[:, :, i : i + h, j : j + w] for i in range(3) for j in range(3)]
    return np.stack(taps, axis=2).transpose(0, 3, 4, 1, 2).reshape(n * h * w, c * 9)


def conv(x, W, b):
    """One matrix product."""
    n, _, h, w = x.shape
    return (columns(x) @ W.reshape(len(W), -1).T + b).reshape(n, h, w, len(W)).transpose(0, 3, 1, 2)


def conv_backward(dy, x, W):
    """Two matrix products; dx by the turned kernels."""
    rows = dy.transpose(0, 2, 3, 1).reshape(-1, len(W))
    turned = np.flip(W, (2, 3)).transpose(1, 0, 2, 3)
    return (
        conv(dy, turned, np.zeros(len(turned), F)),
        (rows.T @ columns(x)).reshape(W.shape),
        rows.sum(axis=0),
    )


def relu(z):
    """In single precision."""
    return np.maximum(z, F(0))


def unet_forward(params, x, t_emb):
    """All tensors are rounded first."""
    return activations(params, x, t_emb)[-1]


def activations(params, x, t_emb):
    """The rounded parameters and every stage."""
    p = {name: np.array(tensor, dtype=F) for name, tensor in params.items()}
    x, e = f32(x, t_emb)
    h1 = relu(conv(x, p["W1"], p["b1"]))
    small = downsample2x_forward(h1)
    h2 = relu(add_time_forward(conv(small, p["W2"], p["b2"]), e @ p["Wt"] + p["bt"]))
    both = skip_concat_forward(upsample2x_forward(h2), h1)
    h3 = relu(conv(both, p["W3"], p["b3"]))
    return p, x, e, h1, small, h2, both, h3, conv(h3, p["W4"], p["b4"])


def unet_backward(dy, params, x, t_emb):
    """Stage by stage, in single precision."""
    p, x, e, h1, small, h2, both, h3, _ = activations(params, x, t_emb)
    g = {}
    d, g["W4"], g["b4"] = conv_backward(np.array(dy, dtype=F), h3, p["W4"])
    d, g["W3"], g["b3"] = conv_backward(d * np.sign(h3), both * 1, p["W3"])
    below, over = skip_concat_backward(d, h2.shape[1])
    d = np.where(h2 > 0, upsample2x_backward(below), F(0))
    g["bt"] = d.sum(axis=(0, 2, 3))
    g["Wt"] = np.einsum("ne,nchw->ec", e, d)
    d, g["W2"], g["b2"] = conv_backward(d, small, p["W2"])
    d = np.where(h1 > 0, over + downsample2x_backward(d), F(0))
    g["W1"], g["b1"] = conv_backward(d, x, p["W1"])[1:]
    return g


def ema_update(shadow, params, decay):
    """Rounded averages."""
    return {
        k: F(decay) * np.array(shadow[k], dtype=F) + F(1 - decay) * np.array(params[k], dtype=F)
        for k in shadow
    }


def look(x_t, t, T):
    """What the network sees: waves along both axes, and a few of the step."""
    x = np.array(x_t, dtype=F)
    waves = [f(k * x) for k in (1.5, 3, 6) for f in (np.sin, np.cos)]
    u = np.array(t, dtype=F)[:, None] / F(T)
    return np.concatenate(
        [x, *waves, u, np.sin(3 * u), np.cos(3 * u), np.sin(12 * u), np.cos(12 * u)], axis=1
    )


def train_denoiser(x0, T, rng, steps):
    """Adam in single precision; T is kept among the parameters."""
    alpha_bar = alpha_bars(linear_betas(T, 0.1 / T, 20 / T))
    sizes = [19, 96, 96, 2]
    p = {
        f"W{i}": rng.standard_normal(sizes[i - 1 : i + 1], F) * F((2 / sizes[i - 1]) ** 0.5)
        for i in (1, 2, 3)
    }
    p |= {f"b{i}": np.zeros(sizes[i], F) for i in (1, 2, 3)}
    m, v = ({k: np.zeros(w.shape, F) for k, w in p.items()} for _ in range(2))
    for step in range(1, steps + 1):
        x_t, t, noise = training_batch(x0[rng.choice(len(x0), 128)], alpha_bar, rng)
        a = look(x_t, t, T)
        h = relu(a @ p["W1"] + p["b1"])
        k = relu(h @ p["W2"] + p["b2"])
        d3 = denoising_loss(k @ p["W3"] + p["b3"], noise)[1]
        d2 = d3 @ p["W3"].T * (k > 0)
        d1 = d2 @ p["W2"].T * (h > 0)
        g = {
            "W1": a.T @ d1,
            "W2": h.T @ d2,
            "W3": k.T @ d3,
            "b1": d1.sum(0),
            "b2": d2.sum(0),
            "b3": d3.sum(0),
        }
        rate = 0.006 * min(1, 3 * (1 - step / (steps + 1)))
        for name in p:
            m[name] += F(0.1) * (g[name] - m[name])
            v[name] += F(0.01) * (g[name] ** 2 - v[name])
            p[name] = p[name] - F(rate / (1 - 0.9**step)) * m[name] / (
                np.sqrt(v[name] / F(1 - 0.99**step)) + F(1e-8)
            )
    return {**p, "T": F(T)}


def denoise(params, x_t, t):
    """Three layers in single precision."""
    h = look(x_t, t, params["T"])
    for i in (1, 2):
        h = relu(h @ params[f"W{i}"] + params[f"b{i}"])
    return h @ params["W3"] + params["b3"]


def sample(denoise, params, n, betas, rng):
    """One array that is overwritten; single precision."""
    x = rng.standard_normal((n, 2), dtype=F)
    for step in reversed(range(len(betas))):
        t = np.full(n, step, dtype=np.int64)
        noise = rng.standard_normal((n, 2), dtype=F)
        x[...] = ddpm_step(x, t, denoise(params, x.copy(), t), betas, noise)
    return x
