"""Data of 06-bptt and layers of earlier lessons: NumPy alone, so that answers may use them."""

import numpy as np

SYMBOLS = ".abcdefghijklmnopqrstuvwxyz"  # 0 is the dot before and after a name


def random_weights(D, H, gates=1, seed=0):
    """Wx (D, gates H), Wh (H, gates H), b: random."""
    rng, M = np.random.RandomState(seed), gates * H
    return rng.normal(size=(D, M)), rng.normal(size=(H, M)) / np.sqrt(H), rng.normal(size=M)


def adam_step(params, grads, memory, rate=0.01):
    """One update by Adam (lesson 3): new params and new memory; begin with {} for memory."""
    t = memory.get("t", 0) + 1
    new, kept = {}, {"t": t}
    for key, g in grads.items():
        first, second = memory.get(key, (0.0, 0.0))
        kept[key] = first, second = first + (g - first) / 10, second + (g * g - second) / 100
        size = np.sqrt(second / (1 - 0.99**t)) + 1e-8
        new[key] = params[key] - rate / size * first / (1 - 0.9**t)
    return new, kept


def decode(ids):
    """Symbols as text."""
    return "".join(SYMBOLS[i] for i in ids)


def train_and_held_out(ids, mask, held_out=200):
    """Encoded names in a fixed random order, all but 200 to train on: (ids, mask), (ids, mask).

    ids (N, T + 1) goes from dot to dot, with dots behind; mask (N, T) says which targets are real.
    """
    order = np.random.RandomState(0).permutation(len(ids))
    return tuple((ids[rows], mask[rows]) for rows in (order[:-held_out], order[-held_out:]))


def counted(ids, mask, a=0.1):
    """Frequencies of pairs (27, 27), row: before, column: after; `a` is added to each count."""
    counts = np.full((27, 27), a)
    np.add.at(counts, (ids[:, :-1][mask], ids[:, 1:][mask]), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def baselines(names, held_back):
    """Mean loss on names (ids, mask) that were held back: equal guesses, then frequencies of
    letters and of pairs among the other `names` (ids, mask).
    """
    (ids, mask), (ids_h, mask_h) = names, held_back
    letters, pairs = np.bincount(ids[:, 1:][mask]) / mask.sum(), counted(ids, mask)
    before, after = ids_h[:, :-1][mask_h], ids_h[:, 1:][mask_h]
    return np.log(27), -np.mean(np.log(letters[after])), -np.mean(np.log(pairs[before, after]))


def recall_task(n, lag=10, seed=0):
    """Rows of lag + 1 symbols from 0 to 3 whose last repeats the first; the mask asks for the last
    target only.
    """
    ids = np.random.RandomState(seed).randint(0, 4, (n, lag + 1))
    ids[:, -1] = ids[:, 0]
    return ids, np.arange(lag) == np.full((n, 1), lag - 1)


def scores(params, ids):
    """The character model's scores (N, T, V) after each of the symbols ids (N, T), and its states
    (N, T, H).
    """
    h, states = np.zeros((len(ids), len(params["Wh"]))), []
    for column in ids.T:
        h = np.tanh(params["E"][column] @ params["Wx"] + h @ params["Wh"] + params["b"])
        states.append(h)
    states = np.stack(states, axis=1)
    return states @ params["Wy"] + params["by"], states


def recalled(params, ids):
    """The share of rows whose last symbol is predicted."""
    return np.mean(scores(params, ids[:, :-1])[0][:, -1].argmax(axis=1) == ids[:, -1])
