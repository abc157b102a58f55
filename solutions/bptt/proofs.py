"""The gradients of 06-bptt, each against central differences of its forward and against PyTorch."""

import numpy as np

from autograder.course.proofs import Proof
from solutions.bptt.reference import (
    char_rnn_loss_and_gradients,
    embedding_backward,
    embedding_forward,
    gradient_norms,
    lstm_step_backward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_backward,
    rnn_step_forward,
    sequence_cross_entropy,
)


def weights(rng, D, H, gates=1):
    """Wx, Wh and b by name."""
    sizes = {"Wx": (D, gates * H), "Wh": (H, gates * H), "b": gates * H}
    return {name: rng.normal(size=size) / 2 for name, size in sizes.items()}


def states(torch, x, h, Wx, Wh, b):
    """All states of a recurrent layer, with tensors."""
    found = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ Wx + h @ Wh + b)
        found.append(h)
    return torch.stack(found, dim=1)


def embedding(rng):
    """Symbols that stand several times, and one that does not stand at all."""
    ids, E, dy = (
        np.array([[2, 0, 2, 1], [3, 2, 2, 0]]),
        rng.normal(size=(5, 3)),
        rng.normal(size=(2, 4, 3)),
    )
    return Proof(
        name="embedding_backward",
        forward=lambda E: embedding_forward(ids, E),
        inputs={"E": E},
        upstream=dy,
        gradients={"E": embedding_backward(dy, ids, 5)},
        torch=lambda torch, E: torch.nn.functional.embedding(torch.tensor(ids), E),
    )


def steps(rng):
    """One step, and six in a row from an h0 that is not 0 with gradients from above at
    every step.
    """
    w, h0 = weights(rng, 2, 4), rng.normal(size=(3, 4)) / 2
    x, dh = rng.normal(size=(3, 2)), rng.normal(size=(3, 4))
    inputs = {"x": x, "h_prev": h0, **w}
    gradients = rnn_step_backward(dh, x, h0, rnn_step_forward(**inputs), w["Wx"], w["Wh"])
    yield Proof(
        name="rnn_step_backward",
        forward=rnn_step_forward,
        inputs=inputs,
        upstream=dh,
        gradients=dict(zip(inputs, gradients)),
        torch=lambda torch, x, h_prev, Wx, Wh, b: torch.tanh(x @ Wx + h_prev @ Wh + b),
    )
    x, dh = rng.normal(size=(3, 6, 2)), rng.normal(size=(3, 6, 4))
    inputs = {"x": x, "h0": h0, **w}
    gradients = rnn_backward(dh, x, h0, rnn_forward(**inputs), w["Wx"], w["Wh"])
    yield Proof(
        name="rnn_backward",
        forward=rnn_forward,
        inputs=inputs,
        upstream=dh,
        gradients=dict(zip(inputs, gradients)),
        torch=lambda torch, x, h0, Wx, Wh, b: states(torch, x, h0, Wx, Wh, b),
    )


def loss(rng):
    """A batch with padding, a hole and an empty row."""
    logits, targets = rng.normal(size=(3, 4, 5)), rng.randint(0, 5, size=(3, 4))
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]])

    def theirs(torch, logits):
        real = torch.tensor(mask == 1)
        return torch.nn.functional.cross_entropy(logits[real], torch.tensor(targets[mask == 1]))

    return Proof(
        name="sequence_cross_entropy",
        forward=lambda logits: sequence_cross_entropy(logits, targets, mask)[0],
        inputs={"logits": logits},
        upstream=1.0,
        gradients={"logits": sequence_cross_entropy(logits, targets, mask)[1]},
        torch=theirs,
    )


def lstm(rng):
    """One step with gradients from above on h and on c."""
    dh, dc, h_prev, c_prev = (rng.normal(size=(4, 3)) for _ in range(4))
    inputs = {
        "x": rng.normal(size=(4, 2)),
        "h_prev": h_prev,
        "c_prev": c_prev,
        **weights(rng, 2, 3, gates=4),
    }

    def theirs(torch, x, h_prev, c_prev, Wx, Wh, b):
        i, f, g, o = (x @ Wx + h_prev @ Wh + b).chunk(4, dim=1)
        c = torch.sigmoid(f) * c_prev + torch.sigmoid(i) * torch.tanh(g)
        return torch.stack([torch.sigmoid(o) * torch.tanh(c), c])

    return Proof(
        name="lstm_step_backward",
        forward=lambda **inputs: np.stack(lstm_step_forward(**inputs)),
        inputs=inputs,
        upstream=np.stack([dh, dc]),
        gradients=dict(zip(inputs, lstm_step_backward(dh, dc, *inputs.values()))),
        torch=theirs,
    )


def flow(rng):
    """The first norm is the length of the gradient of the sum of the last state, five steps on."""
    w, x, h = weights(rng, 2, 4), rng.normal(size=(3, 6, 2)), rng.normal(size=(3, 4)) / 2
    first = rnn_step_forward(x[:, 0], h, **w)

    def last(state):
        return rnn_forward(x[:, 1:], state, **w)[:, -1].sum()

    rest = rnn_forward(x[:, 1:], first, **w)
    above = np.zeros(rest.shape)
    above[:, -1] = 1
    gradient = rnn_backward(above, x[:, 1:], first, rest, w["Wx"], w["Wh"])[1]
    norm = gradient_norms(x=x, h0=h, **w)[0]  # the claim: the gradient has this length
    return Proof(
        name="gradient_norms",
        forward=lambda state: last(state),
        inputs={"state": first},
        upstream=1.0,
        gradients={"state": gradient * (norm / np.linalg.norm(gradient))},
        torch=lambda torch, state: states(
            torch, torch.tensor(x[:, 1:]), state, *(torch.tensor(part) for part in w.values())
        )[:, -1].sum(),
    )


def model(rng):
    """The whole character model, every tensor an input."""
    ids, mask = (
        rng.randint(0, 6, size=(3, 6)),
        np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]),
    )
    params = {
        "E": rng.normal(size=(6, 2)),
        **weights(rng, 2, 4),
        "Wy": rng.normal(size=(4, 6)),
        "by": rng.normal(size=6),
    }

    def theirs(torch, E, Wx, Wh, b, Wy, by):
        real = torch.tensor(mask == 1)
        x = E[torch.tensor(ids[:, :-1])]
        h = states(torch, x, torch.zeros(3, 4, dtype=torch.float64), Wx, Wh, b)
        return torch.nn.functional.cross_entropy(
            (h @ Wy + by)[real], torch.tensor(ids[:, 1:][mask == 1])
        )

    return Proof(
        name="char_rnn_loss_and_gradients",
        forward=lambda **params: char_rnn_loss_and_gradients(params, ids, mask)[0],
        inputs=params,
        upstream=1.0,
        gradients=char_rnn_loss_and_gradients(params, ids, mask)[1],
        torch=theirs,
    )


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    yield embedding(rng)
    yield from steps(rng)
    yield loss(rng)
    yield lstm(rng)
    yield flow(rng)
    yield model(rng)
