"""The gradients of 07-attention, each against central differences of its forward and against
PyTorch.
"""

import numpy as np

from autograder.checks.attention.transformer import (
    attention_params,
    block_params,
    feed_forward_params,
    gpt_params,
)
from autograder.course.proofs import Proof
from autograder.testing.nested import flat
from solutions.attention.reference import (
    attention_backward,
    attention_forward,
    block_backward,
    block_forward,
    feed_forward_backward,
    feed_forward_forward,
    gpt_loss_and_gradients,
    merge_heads,
    multi_head_attention_backward,
    multi_head_attention_forward,
    split_heads,
)

WIDTH, HEADS = 6, 2


def named(tree):
    """The tensors of a nest under names that can be keywords: blocks_0_attn_Wq.

    A bias of the keys moves all scores of a query alike: its gradient is zero but for rounding,
    which has no relative error. So bk goes along as the last row of Wk.
    """
    tensors = {
        name.replace("[", "_").replace("]", "").replace(".", "_"): tensor
        for name, tensor in flat(tree).items()
    }
    for name in [name for name in tensors if name.endswith("bk")]:
        keys = name.removesuffix("bk") + "Wk"
        tensors[keys] = np.vstack([tensors[keys], tensors.pop(name)])
    return tensors


def filled(tree, tensors, name=""):
    """The nest with the tensors of these names in its places."""
    if isinstance(tree, dict):
        return {
            key: filled(part, tensors, f"{name}_{key}".lstrip("_")) for key, part in tree.items()
        }
    if isinstance(tree, list):
        return [filled(part, tensors, f"{name}_{i}") for i, part in enumerate(tree)]
    if name.endswith("bk"):
        return tensors[name.removesuffix("bk") + "Wk"][-1]
    return tensors[name][:-1] if name.endswith("Wk") else tensors[name]


def theirs_attention(torch, x, p, causal):
    """PyTorch's own attention on heads that are cut as a view."""
    n, t, _ = x.shape
    q, k, v = ((x @ p[f"W{c}"] + p[f"b{c}"]).view(n, t, HEADS, -1).transpose(1, 2) for c in "qkv")
    heads = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return heads.transpose(1, 2).reshape(n, t, WIDTH) @ p["Wo"] + p["bo"]


def theirs_feed_forward(torch, x, p):
    return torch.nn.functional.gelu(x @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]


def theirs_norm(torch, x, p):
    return torch.nn.functional.layer_norm(x, (WIDTH,), p["gamma"], p["beta"], 1e-5)


def theirs_block(torch, x, p, causal):
    h = x + theirs_attention(torch, theirs_norm(torch, x, p["ln1"]), p["attn"], causal)
    return h + theirs_feed_forward(torch, theirs_norm(torch, h, p["ln2"]), p["ffn"])


def theirs_gpt(torch, p, ids, targets, mask):
    position = torch.arange(ids.shape[1], dtype=torch.float64)[:, None]
    speed = 10000.0 ** (-torch.arange(0, WIDTH, 2, dtype=torch.float64) / WIDTH)
    hands = torch.stack([torch.sin(position * speed), torch.cos(position * speed)], dim=2)
    x = p["E"][torch.tensor(ids)] + hands.reshape(-1, WIDTH)
    for block in p["blocks"]:
        x = theirs_block(torch, x, block, True)
    logits = theirs_norm(torch, x, p["ln_f"]) @ p["Wy"] + p["by"]
    losses = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), torch.tensor(targets), reduction="none"
    )
    return losses[torch.tensor(mask) == 1].mean()


def attention(rng, mask):
    """Queries, keys and values of different sizes; no query without a key where PyTorch is
    asked.
    """
    Q, K, V = (rng.normal(size=(2, 3, *size)) for size in [(4, 5), (6, 5), (6, 2)])
    dout = rng.normal(size=(2, 3, 4, 2))
    alone = mask is not None and not mask.any(axis=-1).all()
    given = {} if mask is None else {"attn_mask": mask}

    def theirs(torch, Q, K, V):
        masks = {key: torch.tensor(m) for key, m in given.items()}
        return torch.nn.functional.scaled_dot_product_attention(Q, K, V, **masks)

    return Proof(
        name="attention_backward",
        forward=lambda Q, K, V: attention_forward(Q, K, V, mask)[0],
        inputs={"Q": Q, "K": K, "V": V},
        upstream=dout,
        gradients=dict(zip("QKV", attention_backward(dout, Q, K, V, mask))),
        torch=None if alone else theirs,
    )


def layer(name, x, params, dy, forward, backward, theirs):
    """The claim for x (N, T, D) and all parameters of a layer: forward(x, params), backward(dy, x,
    params).
    """
    dx, grads = backward(dy, x, params)
    return Proof(
        name=name,
        forward=lambda x, **p: forward(x, filled(params, p)),
        inputs={"x": x, **named(params)},
        upstream=dy,
        gradients={"x": dx, **named(grads)},
        torch=lambda torch, x, **p: theirs(torch, x, filled(params, p)),
    )


def gpt(rng):
    """The claim for two blocks, repeated tokens and a ragged mask."""
    params, ids, targets = (
        gpt_params(rng, 5, WIDTH, 7, 2),
        rng.randint(0, 4, size=(2, 4)),
        rng.randint(0, 5, size=(2, 4)),
    )
    mask = np.array([[1, 0, 1, 1], [0, 1, 0, 0]])
    return Proof(
        name="gpt_loss_and_gradients",
        forward=lambda **p: gpt_loss_and_gradients(filled(params, p), ids, targets, mask, HEADS)[0],
        inputs=named(params),
        upstream=1.0,
        gradients=named(gpt_loss_and_gradients(params, ids, targets, mask, HEADS)[1]),
        torch=lambda torch, **p: theirs_gpt(torch, filled(params, p), ids, targets, mask),
    )


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    ragged = rng.uniform(size=(4, 6)) < 0.6
    ragged[:, 0] = True
    empty = ragged.copy()
    empty[1] = False
    for mask in (None, ragged, empty):
        yield attention(rng, mask)
    x, dy = rng.normal(size=(2, 3, WIDTH)), rng.normal(size=(2, 3, WIDTH))
    heads = rng.normal(size=(2, HEADS, 3, WIDTH // HEADS))
    yield Proof(
        "split_heads", lambda x: split_heads(x, HEADS), {"x": x}, heads, {"x": merge_heads(heads)}
    )
    for causal in (True, False):
        yield layer(
            "multi_head_attention_backward",
            x,
            attention_params(rng, WIDTH),
            dy,
            lambda x, p, causal=causal: multi_head_attention_forward(x, p, HEADS, causal),
            lambda dy, x, p, causal=causal: multi_head_attention_backward(dy, x, p, HEADS, causal),
            lambda torch, x, p, causal=causal: theirs_attention(torch, x, p, causal),
        )
        yield layer(
            "block_backward",
            x,
            block_params(rng, WIDTH, 5),
            dy,
            lambda x, p, causal=causal: block_forward(x, p, HEADS, causal),
            lambda dy, x, p, causal=causal: block_backward(dy, x, p, HEADS, causal),
            lambda torch, x, p, causal=causal: theirs_block(torch, x, p, causal),
        )
    ffn = feed_forward_params(rng, WIDTH, 5)
    yield layer(
        "feed_forward_backward",
        x,
        ffn,
        dy,
        feed_forward_forward,
        feed_forward_backward,
        theirs_feed_forward,
    )
    yield gpt(rng)
