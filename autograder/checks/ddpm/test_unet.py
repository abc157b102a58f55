"""Checks of 08-ddpm: the U-Net and its average."""

import math

import numpy as np
import pytest

from autograder.testing import (
    assert_close,
    assert_gradient,
    assert_gradients,
    assert_linear,
    assert_parts,
    assert_shape,
    assert_tensors,
    assert_unchanged,
    exercise,
    expect,
    gradient,
    robust,
    shape,
)

# -- a U-Net
# -----------------------------------------------------------------------------------------


def adjoint(student, name, x, dy):
    """<forward(x), dy> and <x, backward(dy)>: equal, where the backward belongs to the forward."""
    y = assert_shape(getattr(student, f"{name}_forward")(x), dy.shape, "y")
    dx = assert_shape(getattr(student, f"{name}_backward")(dy), x.shape, "dx")
    return float(np.sum(y * dy)), float(np.sum(x * dx))


@exercise("unet_parts")
class TestUnetParts:
    samplers = pytest.mark.parametrize("name", ["upsample2x", "downsample2x"])

    def upstream(self, rng, name, n=2, c=3):
        """A random dL/dy for images (n, c, 4, 6)."""
        return rng.normal(size=(n, c, 8, 12) if name == "upsample2x" else (n, c, 2, 3))

    def test_up_by_hand(self, student):
        """Upsampling copies each pixel to a block of 2 x 2"""
        y = student.upsample2x_forward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]))
        assert_close(y, [[[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]], "y")

    def test_down_by_hand(self, student):
        """Downsampling replaces each block of 2 x 2 with its mean"""
        y = student.downsample2x_forward(np.array([[[[1.0, 3.0, 0.0, 8.0], [5.0, 7.0, 0.0, 0.0]]]]))
        assert_close(y, [[[[4.0, 2.0]]]], "y")

    @samplers
    def test_forward(self, student, oracle, rng, name):
        """Several images with several channels, wider than high, are right"""
        x = rng.normal(size=(2, 3, 4, 6))
        f = f"{name}_forward"
        assert_close(getattr(student, f)(x), getattr(oracle, f)(x), "y")

    @gradient
    def test_up_backward_by_hand(self, student):
        """The gradient of an upsampled pixel is the sum over its four copies"""
        dx = student.upsample2x_backward(np.array([[[[1.0, 2.0, 0.0, 1.0], [3.0, 4.0, 0.0, 1.0]]]]))
        assert_close(dx, [[[[10.0, 2.0]]]], "dx")

    @gradient
    def test_down_backward_by_hand(self, student):
        """Each of the four pixels of a mean gets a quarter of the gradient"""
        dx = student.downsample2x_backward(np.array([[[[4.0, -8.0]]]]))
        assert_close(dx, [[[[1.0, 1.0, -2.0, -2.0], [1.0, 1.0, -2.0, -2.0]]]], "dx")

    @gradient
    @samplers
    def test_backward(self, student, oracle, rng, name):
        """The gradients are right for several images with several channels"""
        x, dy, f = rng.normal(size=(2, 3, 4, 6)), self.upstream(rng, name), f"{name}_backward"
        dx = getattr(student, f)(dy)
        assert_gradient(
            dx, getattr(oracle, f)(dy), "dx", getattr(student, f"{name}_forward"), x, dy
        )

    @gradient
    @samplers
    def test_adjoint(self, student, rng, name):
        """The backward fits the forward: the sum of y dy is the sum of x dx"""
        there, back = adjoint(
            student, name, rng.normal(size=(2, 3, 4, 6)), self.upstream(rng, name)
        )
        assert_close(there, back, "the sum of y dy, compared with the sum of x dx")

    @gradient
    @samplers
    def test_linear(self, student, rng, name):
        """The gradient is linear in dy"""
        u, v = self.upstream(rng, name), self.upstream(rng, name)
        f = getattr(student, f"{name}_backward")
        assert_linear(lambda dy: assert_shape(f(dy), (2, 3, 4, 6), "dx"), u, v)

    def test_there_and_back(self, student, rng):
        """Upsampling and then downsampling returns the image"""
        x = rng.normal(size=(2, 2, 3, 1))
        y = assert_shape(student.upsample2x_forward(x), (2, 2, 6, 2), "y")
        assert_close(student.downsample2x_forward(y), x, "the image")

    def test_concat(self, student, rng):
        """The channels of x come first, then the channels of the skip"""
        x, skip = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 1, 4, 5))
        y = assert_shape(student.skip_concat_forward(x, skip), (2, 4, 4, 5), "y")
        assert_close(y[:, :3], x, "y[:, :3]")
        assert_close(y[:, 3:], skip, "y[:, 3:]")

    @gradient
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_concat_backward(self, student, rng, channels):
        """The gradient is split after the channels of x"""
        dy = rng.normal(size=(3, 5, 2, 4))
        dx, dskip = assert_parts(student.skip_concat_backward(dy, channels), ["dx", "dskip"])
        assert_close(dx, dy[:, :channels], "dx")
        assert_close(dskip, dy[:, channels:], "dskip")

    def test_time(self, same, rng):
        """All pixels of a channel get the same shift, and each sample has its own shift"""
        x, shift = rng.normal(size=(3, 2, 4, 5)), rng.normal(size=(3, 2))
        assert_close(*same.add_time_forward(x, shift), "y")

    def test_time_square(self, same, rng):
        """The shift is right when there are as many samples and channels as rows and columns"""
        x, shift = rng.normal(size=(3, 3, 3, 3)), rng.normal(size=(3, 3))
        assert_close(*same.add_time_forward(x, shift), "y")

    @gradient
    @pytest.mark.parametrize("size", [(3, 2, 4, 5), (1, 1, 2, 3)], ids=["batch", "one"])
    def test_time_backward(self, same, rng, size):
        """dx is dy, and dshift is the sum of dy over the pixels"""
        dy = rng.normal(size=size)
        mine, right = same.add_time_backward(dy)
        dx, dshift = assert_parts(mine, ["dx", "dshift"])
        assert_close(dx, dy, "dx")
        assert_close(dshift, right[1], "dshift")

    @shape
    @samplers
    def test_smallest(self, student, rng, name):
        """The smallest image with one channel in a batch of one is right"""
        size = (1, 1, 1, 1) if name == "upsample2x" else (1, 1, 2, 2)
        out = (1, 1, 2, 2) if name == "upsample2x" else (1, 1, 1, 1)
        assert_shape(getattr(student, f"{name}_forward")(rng.normal(size=size)), out, "y")
        assert_shape(getattr(student, f"{name}_backward")(rng.normal(size=out)), size, "dx")

    @robust
    def test_integers(self, student):
        """Integer images give the right fractions"""
        assert_close(
            student.downsample2x_forward(np.array([[[[1, 0], [1, 1]]]])), [[[[0.75]]]], "y"
        )
        assert_close(
            student.add_time_forward(np.array([[[[1, 2]]]]), np.array([[0.5]])),
            [[[[1.5, 2.5]]]],
            "y",
        )

    @robust
    @pytest.mark.parametrize("name", ["upsample2x", "downsample2x", "skip_concat", "add_time"])
    def test_arguments_unchanged(self, student, rng, name):
        """The arguments are not changed"""
        x, dy = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 4, 2))
        more = {
            "skip_concat": [rng.normal(size=(2, 1, 4, 2))],
            "add_time": [rng.normal(size=(2, 3))],
        }.get(name, [])
        getattr(student, f"{name}_forward")(x, *more)
        assert_unchanged(student)
        getattr(student, f"{name}_backward")(dy, *([1] if name == "skip_concat" else []))
        assert_unchanged(student)


def unet_case(rng, n=2, size=(4, 6), channels=(2, 3, 5, 4), width=7):
    """Parameters, images and embeddings for a U-Net with these channels: image, then h1, h2, h3."""
    c, c1, c2, c3 = channels
    shapes = {"1": (c1, c), "2": (c2, c1), "3": (c3, c2 + c1), "4": (c, c3)}
    params = {
        f"W{i}": rng.normal(size=(*s, 3, 3)) / math.sqrt(4.5 * s[1]) for i, s in shapes.items()
    }
    params |= {f"b{i}": 0.5 * rng.normal(size=s[0]) for i, s in shapes.items()}
    params |= {
        "Wt": rng.normal(size=(width, c2)) / math.sqrt(width),
        "bt": 0.5 * rng.normal(size=c2),
    }
    return params, rng.normal(size=(n, c, *size)), rng.normal(size=(n, width))


@exercise("unet")
class TestUnet:
    @pytest.fixture
    def case(self, rng):
        return unet_case(rng)

    @pytest.fixture
    def by_hand(self):
        """Kernels with a middle only, so that every pixel goes its own way."""
        params = {f"W{i}": np.zeros((1, 2 if i == 3 else 1, 3, 3)) for i in (1, 2, 3, 4)}
        params |= {
            "b1": [-2.0],
            "b2": [0.5],
            "b3": [0.0],
            "b4": [1.0],
            "Wt": [[-1.0], [2.0]],
            "bt": [1.0],
        }
        for i, middle in ((1, [1.0]), (2, [2.0]), (3, [1.0, 10.0]), (4, [0.5])):
            params[f"W{i}"][0, :, 1, 1] = middle
        params = {name: np.array(tensor) for name, tensor in params.items()}
        return params, np.array([[[[1.0, 3.0], [5.0, 7.0]]]]), np.array([[2.0, 0.0]])

    def test_by_hand(self, student, by_hand):
        """A U-Net with one channel gives the values worked out by hand"""
        # h1 = (0 1; 3 5), its mean 2.25, h2 = 2 · 2.25 + 0.5 - 2 + 1 = 4, h3 = 4 + 10 h1, y = h3 /
        # 2 + 1
        assert_close(student.unet_forward(*by_hand), [[[[3.0, 8.0], [18.0, 28.0]]]], "y")

    def test_forward(self, same, case):
        """The output is right for several images with several channels"""
        assert_close(*same.unet_forward(*case), "y")

    def test_one_channel(self, same, rng):
        """The output is right for 8 x 8 images with one channel"""
        case = unet_case(rng, n=3, size=(8, 8), channels=(1, 4, 6, 5), width=4)
        assert_close(*same.unet_forward(*case), "y")

    def test_more_in_than_out(self, student, oracle, rng):
        """The input may have more channels than the output"""
        params, x, t_emb = unet_case(rng, channels=(5, 3, 4, 6))
        params |= {"W4": params["W4"][:2], "b4": params["b4"][:2]}
        y, grads = (
            student.unet_forward(params, x, t_emb),
            student.unet_backward(x[:, :2], params, x, t_emb),
        )
        assert_close(y, oracle.unet_forward(params, x, t_emb), "y")
        assert_gradients(grads, oracle.unet_backward(x[:, :2], params, x, t_emb))

    def test_time_matters(self, student, rng, case):
        """The output depends on t_emb, and each sample uses its own t_emb"""
        params, x, t_emb = case
        first = assert_shape(student.unet_forward(params, x, t_emb), x.shape, "y")
        other = t_emb.copy()
        other[1] += rng.normal(size=7)
        second = assert_shape(student.unet_forward(params, x, other), x.shape, "y")
        assert_close(second[0], first[0], "y[0], whose t_emb is the same")
        expect(
            np.abs(second[1] - first[1]).max() > 1e-6, "y[1] is the same for another t_emb", second
        )

    @gradient
    def test_gradient_by_hand(self, student, by_hand):
        """A U-Net with one channel gives the gradients worked out by hand"""
        dy = np.array([[[[0.0, 0.0], [0.0, 1.0]]]])
        grads = student.unet_backward(dy, *by_hand)
        right = {name: np.zeros(tensor.shape) for name, tensor in by_hand[0].items()}
        # dh3 = W4 dy = 1/2 there, so the shift gets 1/2, h1 gets 10/2 by the skip and 1/2 · 2 / 4
        # by way of the mean
        right |= {
            "b4": [1.0],
            "b3": [0.5],
            "b2": [0.5],
            "bt": [0.5],
            "Wt": [[1.0], [0.0]],
            "b1": [5.75],
        }
        right["W4"][0, 0] = [[4, 14, 0], [34, 54, 0], [0, 0, 0]]
        right["W3"][0] = [
            [[2, 2, 0], [2, 2, 0], [0, 0, 0]],
            [[0, 0.5, 0], [1.5, 2.5, 0], [0, 0, 0]],
        ]
        right["W2"][0, 0, 1, 1] = 0.5 * 2.25
        right["W1"][0, 0] = [[5.25, 16, 0.75], [26.5, 38.75, 1.75], [1.25, 1.75, 0]]
        assert_gradients(grads, right)

    @gradient
    def test_gradients(self, same, rng, case):
        """The gradients of all ten tensors are right"""
        dy = rng.normal(size=case[1].shape)
        assert_gradients(*same.unet_backward(dy, *case))

    @gradient
    def test_gradients_square(self, same, rng):
        """The gradients are right when all sizes are equal, where a wrong axis would fit"""
        case = unet_case(rng, n=4, size=(4, 4), channels=(4, 4, 4, 4), width=4)
        dy = rng.normal(size=case[1].shape)
        assert_gradients(*same.unet_backward(dy, *case))

    @gradient
    def test_batch_of_one(self, same, rng):
        """The gradients are right for one small image with one channel"""
        case = unet_case(rng, n=1, size=(2, 2), channels=(1, 2, 3, 2), width=2)
        dy = rng.normal(size=(1, 1, 2, 2))
        assert_close(*same.unet_forward(*case), "y")
        assert_gradients(*same.unet_backward(dy, *case))

    @gradient
    def test_linear(self, student, rng, case):
        """The gradients are linear in dy"""
        params, x, t_emb = case

        def backward(dy):
            grads = assert_tensors(student.unet_backward(dy, *case), params)
            return np.concatenate([grads[name].ravel() for name in sorted(params)])

        assert_linear(backward, rng.normal(size=x.shape), rng.normal(size=x.shape), "the gradients")

    @robust
    def test_arguments_unchanged(self, unchanged, rng, case):
        """dy, params, x and t_emb are not changed"""
        unchanged.unet_forward(*case)
        unchanged.unet_backward(rng.normal(size=case[1].shape), *case)


@exercise("ema")
class TestEma:
    @pytest.fixture
    def pair(self, rng):
        shapes = {"W1": (3, 2), "b1": (2,), "scale": ()}
        return tuple(
            {name: np.asarray(rng.normal(size=size)) for name, size in shapes.items()}
            for _ in range(2)
        )

    def test_by_hand(self, student):
        """With decay 0.9 and parameter 0, the average goes from 10 to 9"""
        moved = student.ema_update({"w": np.array([10.0, 0.0])}, {"w": np.array([0.0, 5.0])}, 0.9)
        assert_tensors(moved, {"w": np.zeros(2)}, "the average")
        assert_close(moved["w"], [9.0, 0.5], "the average['w']")

    def test_values(self, same, pair):
        """Every tensor is averaged with the parameter of the same name"""
        assert_gradients(*same.ema_update(*pair, 0.7), "the average")

    @pytest.mark.parametrize("decay", [0.0, 1.0])
    def test_limits(self, student, pair, decay):
        """With decay 0 the result is the parameters; with decay 1 it is the old average"""
        assert_gradients(
            student.ema_update(*pair, decay), pair[0] if decay else pair[1], "the average"
        )

    def test_many_steps(self, student, oracle, rng):
        """Ten updates in a row are right"""
        mine, right = {"w": np.zeros(3)}, {"w": np.zeros(3)}
        for _ in range(10):
            params = {"w": rng.normal(size=3)}
            mine = assert_tensors(student.ema_update(mine, params, 0.8), params, "the average")
            right = oracle.ema_update(right, params, 0.8)
        assert_gradients(mine, right, "the average")

    @robust
    def test_arguments_unchanged(self, unchanged, pair):
        """shadow and params are not changed"""
        unchanged.ema_update(*pair, 0.9)
