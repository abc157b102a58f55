"""The gradients of 08-ddpm, each against central differences of its forward and against PyTorch."""

from autograder.course.proofs import Proof
from solutions.ddpm.reference import (
    _conv3x3,
    _conv3x3_backward,
    _gradients,
    _layers,
    _new_network,
    add_time_backward,
    add_time_forward,
    denoising_loss,
    downsample2x_backward,
    downsample2x_forward,
    skip_concat_backward,
    skip_concat_forward,
    unet_backward,
    unet_forward,
    upsample2x_backward,
    upsample2x_forward,
)


def parts(rng):
    """A claim for each part of the U-Net, the given convolution's own form among them."""
    x, skip, shift = (
        rng.normal(size=(2, 3, 4, 6)),
        rng.normal(size=(2, 2, 4, 6)),
        rng.normal(size=(2, 3)),
    )
    up, down, both, time = (
        rng.normal(size=s) for s in [(2, 3, 8, 12), (2, 3, 2, 3), (2, 5, 4, 6), (2, 3, 4, 6)]
    )
    yield Proof(
        name="upsample2x",
        forward=upsample2x_forward,
        inputs={"x": x},
        upstream=up,
        gradients={"x": upsample2x_backward(up)},
        torch=lambda torch, x: torch.nn.functional.interpolate(x, scale_factor=2),
    )
    yield Proof(
        name="downsample2x",
        forward=downsample2x_forward,
        inputs={"x": x},
        upstream=down,
        gradients={"x": downsample2x_backward(down)},
        torch=lambda torch, x: torch.nn.functional.avg_pool2d(x, 2),
    )
    yield Proof(
        name="skip_concat",
        forward=skip_concat_forward,
        inputs={"x": x, "skip": skip},
        upstream=both,
        gradients=dict(zip(("x", "skip"), skip_concat_backward(both, 3))),
        torch=lambda torch, x, skip: torch.cat([x, skip], dim=1),
    )
    yield Proof(
        name="add_time",
        forward=add_time_forward,
        inputs={"x": x, "shift": shift},
        upstream=time,
        gradients=dict(zip(("x", "shift"), add_time_backward(time))),
        torch=lambda torch, x, shift: x + shift[:, :, None, None],
    )
    W, b, dy = rng.normal(size=(5, 3, 3, 3)), rng.normal(size=5), rng.normal(size=(2, 5, 4, 6))
    yield Proof(
        name="convolution",
        forward=lambda x, W, b: _conv3x3(x, W, b),
        inputs={"x": x, "W": W, "b": b},
        upstream=dy,
        gradients=dict(zip(("x", "W", "b"), _conv3x3_backward(dy, x, W))),
        torch=lambda torch, x, W, b: torch.nn.functional.conv2d(x, W, b, padding=1),
    )


def unet(rng):
    """The claim for the whole U-Net, all ten tensors."""
    shapes = {"W1": (3, 2, 3, 3), "b1": 3, "W2": (5, 3, 3, 3), "b2": 5, "Wt": (6, 5), "bt": 5}
    shapes |= {"W3": (4, 8, 3, 3), "b3": 4, "W4": (2, 4, 3, 3), "b4": 2}
    params = {name: 0.4 * rng.normal(size=size) for name, size in shapes.items()}
    x, t_emb, dy = (
        rng.normal(size=(2, 2, 4, 6)),
        rng.normal(size=(2, 6)),
        rng.normal(size=(2, 2, 4, 6)),
    )

    def theirs(torch, **p):
        f = torch.nn.functional
        h1 = f.relu(f.conv2d(torch.tensor(x), p["W1"], p["b1"], padding=1))
        shift = (torch.tensor(t_emb) @ p["Wt"] + p["bt"])[:, :, None, None]
        h2 = f.relu(f.conv2d(f.avg_pool2d(h1, 2), p["W2"], p["b2"], padding=1) + shift)
        both = torch.cat([f.interpolate(h2, scale_factor=2), h1], dim=1)
        return f.conv2d(
            f.relu(f.conv2d(both, p["W3"], p["b3"], padding=1)), p["W4"], p["b4"], padding=1
        )

    return Proof(
        name="unet",
        forward=lambda **p: unet_forward(p, x, t_emb),
        inputs=params,
        upstream=dy,
        gradients=unet_backward(dy, params, x, t_emb),
        torch=theirs,
    )


def points(rng):
    """The claim for the network on points that train_denoiser trains."""
    params, x_t, t = _new_network(rng), rng.normal(size=(9, 2)), rng.randint(50, size=9)
    params = {name: tensor + 0.1 * rng.normal(size=tensor.shape) for name, tensor in params.items()}
    noise = rng.normal(size=(9, 2))

    def theirs(torch, **p):
        h = torch.tensor(_layers(params, x_t, t)[0])
        for i in (1, 2):
            h = torch.relu(h @ p[f"W{i}"] + p[f"b{i}"])
        return torch.nn.functional.mse_loss(h @ p["W3"] + p["b3"], torch.tensor(noise))

    return Proof(
        name="train_denoiser",
        forward=lambda **p: denoising_loss(_layers(p, x_t, t)[-1], noise)[0],
        inputs=params,
        upstream=1.0,
        gradients=_gradients(params, x_t, t, noise),
        torch=theirs,
    )


def proofs(rng):
    """The claims of the topic, on inputs drawn from `rng` (a RandomState)."""
    eps, noise = rng.normal(size=(3, 2, 4)), rng.normal(size=(3, 2, 4))
    yield Proof(
        name="denoising_loss",
        forward=lambda eps: denoising_loss(eps, noise)[0],
        inputs={"eps": eps},
        upstream=1.0,
        gradients={"eps": denoising_loss(eps, noise)[1]},
        torch=lambda torch, eps: torch.nn.functional.mse_loss(eps, torch.tensor(noise)),
    )
    yield from parts(rng)
    yield unet(rng)
    yield points(rng)
