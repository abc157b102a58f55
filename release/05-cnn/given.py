"""Data of 05-cnn and layers of earlier lessons."""

import numpy as np


def framed_digits(split=0, frame=8):
    """Scanned digits in [0, 1], X (1347, 1, 8, 8), labels, 450 for testing; placed at random in a
    larger frame.
    """
    from sklearn.datasets import load_digits

    X, labels = load_digits(return_X_y=True)
    rng = np.random.RandomState(split)
    train, test = np.split(rng.permutation(len(X)), [1347])
    images = moved(X.reshape(-1, 1, 8, 8) / 16, frame, rng.randint(0, frame - 7, size=(len(X), 2)))
    return images[train], labels[train], images[test], labels[test]


def moved(images, frame, corners):
    """Each image (1, 8, 8) laid into a black frame with its upper left pixel at its corner (row,
    column).
    """
    out = np.zeros((len(images), 1, frame, frame))
    for place, image, (i, j) in zip(out, images, np.broadcast_to(corners, (len(images), 2))):
        place[:, i : i + 8, j : j + 8] = image
    return out


def photo(name="china.jpg", step=4):
    """One of scikit-learn's two photographs in grey, pixels in [0, 1], blocks of step x step
    averaged: (H, W).
    """
    from sklearn.datasets import load_sample_image

    grey = load_sample_image(name) @ np.array([0.299, 0.587, 0.114]) / 255
    H, W = (n // step * step for n in grey.shape)
    return grey[:H, :W].reshape(H // step, step, W // step, step).mean(axis=(1, 3))


def softmax_cross_entropy(logits, labels):
    """Lesson 2: the mean loss of scores (N, C), and its gradient (N, C)."""
    log_p = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    hot = np.equal.outer(np.asarray(labels), np.arange(log_p.shape[1]))
    return float(-log_p[hot].mean()), (np.exp(log_p) - hot) / len(log_p)


def linear_model(X, labels, steps=500):
    """Lesson 1: softmax regression on the pixels, full batch, rate 1. Returns a function images ->
    labels.
    """
    flat = np.column_stack([X.reshape(len(X), -1), np.ones(len(X))])
    W = np.zeros((flat.shape[1], 10))
    for _ in range(steps):
        W -= flat.T @ softmax_cross_entropy(flat @ W, labels)[1]
    return lambda images: (images.reshape(len(images), -1) @ W[:-1] + W[-1]).argmax(axis=1)


def train_deeper(f, X, labels, epochs=6, seed=0):
    """Train conv 8 - ReLU - conv 16 - ReLU - max-pool - linear with the functions in the dict f;
    return its predict.
    """
    rng = np.random.default_rng(seed)
    shapes = {
        "W1": (8, 1, 3, 3),
        "b1": (8,),
        "W2": (16, 8, 3, 3),
        "b2": (16,),
        "W3": (256, 10),
        "b3": (10,),
    }
    inputs = {"W1": 9, "W2": 72, "W3": 256}  # of each output; biases begin at 0
    p = {
        k: rng.normal(size=s) * np.sqrt(2 / inputs[k]) if k in inputs else np.zeros(s)
        for k, s in shapes.items()
    }
    speed = dict.fromkeys(p, 0.0)

    def conv(i):
        W, b = f"W{i}", f"b{i}"

        def back(dy, x):
            dx, dW, db = f["conv2d_backward"](dy, x, p[W], 1, 1)
            return dx, {W: dW, b: db}

        return lambda x: f["conv2d_fast"](x, p[W], p[b], 1, 1), back

    relu = lambda z: np.clip(z, 0, None), lambda dy, z: (np.where(z > 0, dy, 0), {})
    pool = (
        lambda x: f["maxpool2d_forward"](x, 2, 2),
        lambda dy, x: (f["maxpool2d_backward"](dy, x, 2, 2), {}),
    )
    layers = [conv(1), relu, conv(2), relu, pool]  # each a pair, there and back

    def run(x):
        seen = [x]
        for forward, _ in layers:
            seen.append(forward(seen[-1]))
        return seen, seen[-1].reshape(len(x), -1)

    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(X)), len(X) // 32):
            seen, flat = run(X[batch])
            _, d = softmax_cross_entropy(flat @ p["W3"] + p["b3"], labels[batch])
            grads = {"W3": flat.T @ d, "b3": d.sum(axis=0)}
            d = (d @ p["W3"].T).reshape(seen[-1].shape)
            for (_, backward), x in zip(layers[::-1], seen[-2::-1]):
                d, found = backward(d, x)
                grads |= found
            for name, g in grads.items():
                speed[name] = 0.9 * speed[name] + g
                p[name] = p[name] - 0.05 * speed[name]
    return lambda images: (run(images)[1] @ p["W3"] + p["b3"]).argmax(axis=1)
