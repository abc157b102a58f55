"""Right, and written with loops: one sample, one pixel, one step at a time; lists for tuples."""

import math

import numpy as np


def linear_betas(T, start=1e-4, end=0.02):
    """A list, term by term."""
    if T == 1:
        return [start]
    return [start + (end - start) * i / (T - 1) for i in range(T)]


def cosine_alpha_bars(T, s=0.008):
    """f at T + 1 places with math.cos."""

    def f(u):
        return math.cos((u / T + s) / (1 + s) * math.pi / 2) ** 2

    return [f(i + 1) / f(0) for i in range(T)]


def alpha_bars(betas):
    """A running product."""
    shares, left = [], 1.0
    for beta in betas:
        left *= 1.0 - float(beta)
        shares.append(left)
    return np.array(shares)


def q_sample(x0, t, noise, alpha_bar):
    """Sample by sample."""
    out = np.zeros(np.shape(x0))
    for i in range(len(x0)):
        kept = float(alpha_bar[t[i]])
        out[i] = math.sqrt(kept) * x0[i] + math.sqrt(1.0 - kept) * noise[i]
    return out


def timestep_embedding(t, dim, max_period=10000):
    """Number by number, with exp and log."""
    half, rows = dim // 2, []
    for step in t:
        angles = [step * math.exp(-math.log(max_period) * i / half) for i in range(half)]
        rows.append(
            [math.sin(a) for a in angles] + [math.cos(a) for a in angles] + [0.0] * (dim - 2 * half)
        )
    return rows


def predict_x0(x_t, t, eps, alpha_bar):
    """Sample by sample."""
    out = []
    for x, step, e in zip(x_t, t, eps):
        kept = float(alpha_bar[step])
        out.append((x - math.sqrt(1.0 - kept) * e) / math.sqrt(kept))
    return np.array(out)


def posterior_mean_variance(x0, x_t, t, betas):
    """Products from the start, for each sample."""
    means, variances = [], []
    for clean, x, step in zip(x0, x_t, t):
        before = math.prod(1.0 - float(b) for b in betas[:step])
        beta = float(betas[step])
        now = before * (1.0 - beta)
        a = math.sqrt(before) * beta / (1.0 - now)
        b = math.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - now)
        means.append(a * clean + b * x)
        variances.append((1.0 - before) / (1.0 - now) * beta)
    return [np.array(means), variances]


def ddpm_step(x_t, t, eps, betas, noise):
    """The formula with eps, case by case."""
    out, alpha_bar = [], alpha_bars(betas)
    for i, step in enumerate(t):
        beta, now = float(betas[step]), float(alpha_bar[step])
        x = (x_t[i] - beta / math.sqrt(1.0 - now) * eps[i]) / math.sqrt(1.0 - beta)
        if step > 0:
            x = x + math.sqrt(beta * (1.0 - float(alpha_bar[step - 1])) / (1.0 - now)) * noise[i]
        out.append(x)
    return np.array(out)


def ddim_step(x_t, t, t_prev, eps, alpha_bar):
    """The two cases of t_prev apart."""
    out = np.array(predict_x0(x_t, t, eps, alpha_bar), dtype=float)
    for i in range(len(out)):
        if t_prev[i] >= 0:
            kept = float(alpha_bar[t_prev[i]])
            out[i] = math.sqrt(kept) * out[i] + math.sqrt(1.0 - kept) * eps[i]
    return out


def denoising_loss(eps_pred, noise):
    """A sum over entries."""
    a, b = np.ravel(eps_pred), np.ravel(noise)
    total, d = 0.0, []
    for u, v in zip(a, b):
        total += (u - v) ** 2
        d.append(2.0 * (u - v) / len(a))
    return [total / len(a), np.array(d).reshape(np.shape(eps_pred))]


def training_batch(x0, alpha_bar, rng):
    """A draw for each sample."""
    t = np.array([rng.integers(0, len(alpha_bar)) for _ in x0])
    noise = np.array([rng.standard_normal(np.shape(x)) for x in x0])
    return [q_sample(x0, t, noise, alpha_bar), t, noise]


def upsample2x_forward(x):
    """Pixel by pixel."""
    n, c, h, w = np.shape(x)
    y = np.empty((n, c, 2 * h, 2 * w))
    for i in range(2 * h):
        for j in range(2 * w):
            y[:, :, i, j] = x[:, :, i // 2, j // 2]
    return y


def upsample2x_backward(dy):
    """Every share goes back to its pixel."""
    n, c, h, w = np.shape(dy)
    dx = np.zeros((n, c, h // 2, w // 2))
    for i in range(h):
        for j in range(w):
            dx[:, :, i // 2, j // 2] += dy[:, :, i, j]
    return dx


def downsample2x_forward(x):
    """A mean for each block."""
    n, c, h, w = np.shape(x)
    y = np.empty((n, c, h // 2, w // 2))
    for i in range(h // 2):
        for j in range(w // 2):
            y[:, :, i, j] = x[:, :, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean(axis=(2, 3))
    return y


def downsample2x_backward(dy):
    """A quarter for each pixel of a block."""
    n, c, h, w = np.shape(dy)
    dx = np.empty((n, c, 2 * h, 2 * w))
    for i in range(2 * h):
        for j in range(2 * w):
            dx[:, :, i, j] = dy[:, :, i // 2, j // 2] / 4
    return dx


def skip_concat_forward(x, skip):
    """Sample by sample."""
    return np.array([[*a, *b] for a, b in zip(x, skip)])


def skip_concat_backward(dy, channels):
    """Two lists of channels."""
    return [
        np.array([sample[:channels] for sample in dy]),
        np.array([sample[channels:] for sample in dy]),
    ]


def add_time_forward(x, shift):
    """Channel by channel."""
    y = np.array(x, dtype=float)
    for i, j in np.ndindex(np.shape(shift)):
        y[i, j] += shift[i][j]
    return y


def add_time_backward(dy):
    """A sum for each channel."""
    return [dy, np.array([[channel.sum() for channel in sample] for sample in dy])]


def conv(x, W, b):
    """Tap by tap on a padded copy."""
    n, c, h, w = np.shape(x)
    padded = np.zeros((n, c, h + 2, w + 2))
    padded[:, :, 1:-1, 1:-1] = x
    y = np.zeros((n, len(W), h, w))
    for i in range(3):
        for j in range(3):
            for f in range(len(W)):
                for k in range(c):
                    y[:, f] += W[f, k, i, j] * padded[:, k, i : i + h, j : j + w]
    return y + np.reshape(b, (1, -1, 1, 1))


def conv_backward(dy, x, W):
    """Each tap's share, added where it came from."""
    n, c, h, w = np.shape(x)
    padded, dpadded, dW = (
        np.zeros((n, c, h + 2, w + 2)),
        np.zeros((n, c, h + 2, w + 2)),
        np.zeros(np.shape(W)),
    )
    padded[:, :, 1:-1, 1:-1] = x
    for f, k, i, j in np.ndindex(np.shape(W)):
        dW[f, k, i, j] = np.sum(dy[:, f] * padded[:, k, i : i + h, j : j + w])
        dpadded[:, k, i : i + h, j : j + w] += W[f, k, i, j] * dy[:, f]
    return dpadded[:, :, 1:-1, 1:-1], dW, [dy[:, f].sum() for f in range(len(W))]


def tape(params, x, t_emb):
    """Every array of the forward pass, by name."""
    z1 = conv(x, params["W1"], params["b1"])
    h1 = np.maximum(z1, 0)
    small = downsample2x_forward(h1)
    z2 = add_time_forward(
        conv(small, params["W2"], params["b2"]), np.dot(t_emb, params["Wt"]) + params["bt"]
    )
    h2 = np.maximum(z2, 0)
    both = skip_concat_forward(upsample2x_forward(h2), h1)
    z3 = conv(both, params["W3"], params["b3"])
    h3 = np.maximum(z3, 0)
    y = conv(h3, params["W4"], params["b4"])
    return {"z1": z1, "small": small, "z2": z2, "h2": h2, "both": both, "z3": z3, "h3": h3, "y": y}


def unet_forward(params, x, t_emb):
    """The last entry of the tape."""
    return tape(params, x, t_emb)["y"]


def unet_backward(dy, params, x, t_emb):
    """The tape, from its end."""
    saved = tape(params, x, t_emb)
    d, dW4, db4 = conv_backward(dy, saved["h3"], params["W4"])
    d, dW3, db3 = conv_backward(np.where(saved["z3"] > 0, d, 0), saved["both"], params["W3"])
    up, over = skip_concat_backward(d, saved["h2"].shape[1])
    d = np.where(saved["z2"] > 0, upsample2x_backward(up), 0)
    dshift = add_time_backward(d)[1]
    dWt, dbt = sum(np.outer(e, s) for e, s in zip(t_emb, dshift)), sum(dshift)
    d, dW2, db2 = conv_backward(d, saved["small"], params["W2"])
    d = np.where(saved["z1"] > 0, downsample2x_backward(d) + over, 0)
    _, dW1, db1 = conv_backward(d, x, params["W1"])
    grads = {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "Wt": dWt, "bt": dbt}
    return grads | {"W3": dW3, "b3": db3, "W4": dW4, "b4": db4}


def ema_update(shadow, params, decay):
    """Name by name."""
    moved = {}
    for name, tensor in shadow.items():
        moved[name] = tensor + (1 - decay) * (params[name] - tensor)
    return moved


def features(x_t, t):
    """Random waves, fixed once and for all, and two numbers that tell the step."""
    directions = np.random.RandomState(0).normal(size=(2, 40)) * 3.5
    angles = np.dot(x_t, directions)
    time = np.array(timestep_embedding(t, 8, 200))
    return np.concatenate([x_t, np.sin(angles), np.cos(angles), time], axis=1)


def train_denoiser(x0, T, rng, steps):
    """Gradients divided by their running size (RMSProp), three layers, biases in a row of ones."""
    alpha_bar = alpha_bars(linear_betas(T, 0.1 / T, 20 / T))
    sizes = [(len(features(np.zeros((1, 2)), [0])[0]), 80), (80, 80), (80, 2)]
    layers = [rng.normal(size=(n + 1, m)) * math.sqrt(2 / n) for n, m in sizes]
    running = [np.zeros(W.shape) for W in layers]
    for step in range(steps):
        batch = [x0[rng.integers(len(x0))] for _ in range(96)]
        t = rng.integers(0, T, 96)
        noise = rng.normal(size=(96, 2))
        kept = alpha_bar[t][:, None]
        h = [features(np.sqrt(kept) * batch + np.sqrt(1 - kept) * noise, t)]
        for W in layers:
            h.append(np.dot(h[-1], W[:-1]) + W[-1])
            if W is not layers[-1]:
                h[-1] = np.maximum(h[-1], 0)
        d = denoising_loss(h[-1], noise)[1]
        for i in (2, 1, 0):
            grad = np.vstack([np.dot(h[i].T, d), d.sum(axis=0)])
            d = np.dot(d, layers[i][:-1].T) * (h[i] > 0)
            running[i] = 0.98 * running[i] + 0.02 * grad**2
            rate = 0.003 * (1 - step / steps) * min(1.0, (step + 10) / 50)
            layers[i] = layers[i] - rate * grad / (np.sqrt(running[i]) + 1e-6)
    return {f"layer{i}": W for i, W in enumerate(layers)}


def denoise(params, x_t, t):
    """Layer by layer."""
    h = features(x_t, t)
    for i in range(3):
        h = np.dot(h, params[f"layer{i}"][:-1]) + params[f"layer{i}"][-1]
        h = np.maximum(h, 0) if i < 2 else h
    return h


def sample(denoise, params, n, betas, rng):
    """The noise is drawn only where it is used."""
    x, t = rng.standard_normal((n, 2)), len(betas)
    alpha_bar = alpha_bars(betas)
    while t > 0:
        t -= 1
        eps = denoise(params, x, np.array([t] * n))
        x = (x - betas[t] / math.sqrt(1 - alpha_bar[t]) * eps) / math.sqrt(1 - betas[t])
        if t > 0:
            width = math.sqrt(betas[t] * (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]))
            x = x + width * rng.standard_normal((n, 2))
    return x
