"""Right, in other forms: einsum, sliding windows, gradients by Jacobian; views, Fortran order, 0-d
arrays.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _float(a):
    """A float64 copy of one's own."""
    return np.array(a, dtype=np.float64)


def _one_vector(params):
    """All weights behind one another."""
    return np.concatenate([_float(w).ravel() for k, w in params.items() if k[:1] == "W"])


def l2_penalty(params, lam):
    """The square of one long vector; a 0-d array."""
    v = _one_vector(params)
    return np.asarray(np.einsum("i,i->", v, v) * lam / 2), {
        k: lam * (k[:1] == "W") * _float(w) for k, w in params.items()
    }


def l1_penalty(params, lam):
    """The 1-norm of the same vector; the slope as w / |w|."""
    slope = {
        k: np.divide(w, np.abs(w), out=np.zeros(np.shape(w)), where=np.not_equal(w, 0))
        for k, w in params.items()
    }
    return np.asarray(lam * np.linalg.norm(_one_vector(params), 1)), {
        k: lam * s if k[:1] == "W" else 0 * s for k, s in slope.items()
    }


def dropout_forward(x, p, rng, training=True):
    """The mask from a binomial; in evaluation a view of x and a broadcast mask."""
    x = np.asarray(x)
    if not training:
        return x[...], np.broadcast_to(np.float64(1), x.shape)
    mask = np.asarray(rng.binomial(1, 1 - p, size=x.shape))
    return np.einsum("...,...,->...", x, mask, 1 / (1 - p)), mask


def dropout_backward(dy, mask, p):
    """In place, on a copy."""
    dx = _float(dy)
    dx *= mask
    dx /= 1 - p
    return dx


def _moments(x):
    """Mean and biased variance of the columns of (N, D)."""
    n = len(x)
    mean = np.einsum("nd->d", x) / n
    return mean, np.einsum("nd,nd->d", x - mean, x - mean) / n


def batchnorm_forward(x, gamma, beta, running_mean, running_var, training, momentum=0.1, eps=1e-5):
    """As one affine map a x + c of each feature; the result in Fortran order, the statistics moved
    by a difference.
    """
    x, n = _float(x), len(x)
    mean, var = _moments(x) if training else (running_mean, running_var)
    a = gamma / np.sqrt(var + eps)
    y = np.asfortranarray(a * (x - mean) + beta)
    if not training:
        return [y, running_mean, running_var]
    return [
        y,
        running_mean + momentum * (mean - running_mean),
        running_var + momentum * (var * n / (n - 1) - running_var),
    ]


def _jacobian_product(d, x, eps):
    """For each row of x (M, K): d times the K x K matrix (I - 1/K - hat hat' / K) / std."""
    K = x.shape[1]
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt(np.einsum("mk,mk->m", centred, centred) / K + eps)
    hat = centred / std[:, None]
    J = (np.eye(K) - 1 / K - np.einsum("mi,mj->mij", hat, hat) / K) / std[:, None, None]
    return np.einsum("mi,mij->mj", d, J), hat


def batchnorm_backward(dy, x, gamma, eps=1e-5):
    """Features as rows: a symmetric Jacobian for each; dx is a transposed view."""
    dx, hat = _jacobian_product(np.transpose(dy) * np.asarray(gamma)[:, None], _float(x).T, eps)
    return [dx.T, np.einsum("nd,dn->d", dy, hat), np.einsum("nd->d", dy)]


def layernorm_forward(x, gamma, beta, eps=1e-5):
    """Through the last axis moved to the front, and back."""
    front = np.moveaxis(_float(x), -1, 0)
    front = front - front.mean(axis=0)
    front /= np.sqrt(np.mean(front * front, axis=0) + eps)
    return np.moveaxis(front, 0, -1) * gamma + beta


def layernorm_backward(dy, x, gamma, eps=1e-5):
    """Samples as rows of one matrix."""
    rows, up = _float(x).reshape(-1, np.shape(x)[-1]), _float(dy).reshape(-1, np.shape(x)[-1])
    dx, hat = _jacobian_product(up * gamma, rows, eps)
    return [dx.reshape(np.shape(x)), np.einsum("nd,nd->d", up, hat), np.einsum("nd->d", up)]


def smooth_labels(labels, n_classes, eps):
    """A constant array with one entry of each row raised."""
    out = np.full((len(labels), n_classes), eps / n_classes)
    out[range(len(labels)), labels] += 1 - eps
    return out


def soft_cross_entropy(logits, targets):
    """Log-sum-exp less the mean score under the target; right for targets that add up to 1."""
    z = _float(logits)
    log_sum = np.logaddexp.reduce(z, axis=1)
    loss = np.asarray(np.mean(log_sum - np.einsum("nc,nc->n", z, targets)))
    return loss, (np.exp(z - log_sum[:, None]) - targets) / len(z)


def early_stopping(val_losses, patience):
    """The first epoch whose last `patience` losses do not beat what was before them."""
    losses = np.asarray(val_losses, dtype=float)
    stop = next(
        (
            e
            for e in range(patience, len(losses))
            if losses[e - patience + 1 : e + 1].min() >= losses[: e - patience + 1].min()
        ),
        len(losses) - 1,
    )
    return np.argmin(losses[: stop + 1]), np.asarray(stop)


def random_shift(images, max_shift, rng):
    """All windows of the padded images, one of them chosen for each."""
    images = np.asarray(images)
    padding = [(0, 0)] * (images.ndim - 2) + [(max_shift, max_shift)] * 2
    windows = sliding_window_view(np.pad(images, padding), images.shape[-2:], axis=(-2, -1))
    windows = np.moveaxis(windows, (-4, -3), (1, 2))  # (N, 2m + 1, 2m + 1, ..., H, W)
    place = rng.choice(2 * max_shift + 1, size=(2, len(images)))
    return windows[np.arange(len(images)), place[0], place[1]]


def activation_variances(depth, width, scheme, activation, rng):
    """The variances of all layers by a generator; the sigmoid by tanh."""
    std = {"small": 1e-2, "xavier": 1 / np.sqrt(width), "he": np.sqrt(2 / width), "large": 1}[
        scheme
    ]
    f = {
        "relu": lambda z: z.clip(0),
        "tanh": np.tanh,
        "sigmoid": lambda z: np.tanh(z / 2) / 2 + 0.5,
        "linear": np.copy,
    }

    def layers():
        h = rng.normal(size=(width, 400))
        for _ in range(depth):
            h = f[activation](
                np.einsum("ij,jn->in", rng.normal(0, std, (width, width)), h, optimize=True)
            )
            yield (
                np.mean(h * h) - np.mean(h) ** 2
                if activation in ("relu", "linear", "tanh")
                else np.var(h)
            )

    return np.fromiter(layers(), dtype=float, count=depth)


def train_regularized(X, labels, n_classes, rng, epochs):
    """All parameters are views into one long vector, moved by Adam; their average over the last
    half is the answer.
    """
    shapes = [(X.shape[1], 128), (128, 128), (128, n_classes), (128,), (128,), (n_classes,)]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    theta, m, v, average, seen = *(np.zeros(ends[-1]) for _ in range(4)), 0

    def parts(vector):
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes)]

    for W in parts(theta)[:3]:
        W[...] = rng.normal(scale=(2 / len(W)) ** 0.5, size=W.shape)
    T, t = smooth_labels(labels, n_classes, 0.02), 0
    for epoch in range(epochs):
        for rows in np.array_split(rng.permutation(len(X)), -(-len(X) // 40)):
            W1, W2, W3, b1, b2, b3 = parts(theta)
            h1 = np.maximum(X[rows] @ W1 + b1, 0)
            h1, k1 = dropout_forward(h1, 0.5, rng)
            h2, k2 = dropout_forward(np.maximum(h1 @ W2 + b2, 0), 0.5, rng)
            _, d3 = soft_cross_entropy(h2 @ W3 + b3, T[rows])
            d2 = (d3 @ W3.T) * 2 * (h2 > 0)  # where h2 > 0, it was kept
            d1 = (d2 @ W2.T) * 2 * (h1 > 0)
            g = np.concatenate(
                [
                    a.ravel()
                    for a in (X[rows].T @ d1, h1.T @ d2, h2.T @ d3, d1.sum(0), d2.sum(0), d3.sum(0))
                ]
            )
            t += 1
            m, v = m + 0.1 * (g - m), v + 0.001 * (g * g - v)
            theta = theta - 1e-3 * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        if epoch >= epochs // 2:
            average, seen = average + theta, seen + 1
    return tuple(parts(average / seen))


def predict_proba(params, X):
    """Log-sum-exp at the end."""
    W1, W2, W3, b1, b2, b3 = params
    z = np.maximum(np.maximum(X @ W1 + b1, 0) @ W2 + b2, 0) @ W3 + b3
    return np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))
