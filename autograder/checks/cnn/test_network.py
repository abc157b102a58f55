"""Checks of 05-cnn: a small network and its training."""

import numpy as np
import pytest

from autograder.checks.cnn.images import (
    cnn_accuracy,
    cnn_scores,
    digit_images,
    linear_accuracy,
    moved,
    small_cnn,
)
from autograder.testing import (
    assert_at_least,
    assert_close,
    assert_finite,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shape,
    assert_shapes,
    convergence,
    exercise,
    expect,
    generator,
    gradient,
    on_the_way,
    robust,
    shape,
    supporting,
)

# -- a network
# ---------------------------------------------------------------------------------------


@exercise("cnn_loss_and_gradients")
class TestCnnLossAndGradients:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):
        return (
            small_cnn(rng, (2, 6, 9), 5, 4),
            rng.normal(size=(7, 2, 6, 9)),
            rng.permutation(np.arange(7) % 4),
        )

    def test_by_hand(self, student):
        """A network with one kernel and two classes gives the loss and gradients worked out by
        hand
        """
        params = {
            "W1": np.zeros((1, 1, 3, 3)),
            "b1": [-1.0],
            "W2": [[np.log(3), 0.0]],
            "b2": [0.0, 0.0],
        }
        params = {name: np.array(tensor) for name, tensor in params.items()}
        params["W1"][0, 0, 1, 1] = 1.0
        x = np.array([[[[0.0, 2.0], [1.5, 0.5]]]])  # minus 1, cut at 0, and the greatest: 1
        loss, grads = assert_parts(
            student.cnn_loss_and_gradients(params, x, np.array([1])), self.names
        )
        push = 0.75 * np.log(3)
        dW1 = push * np.array([[[[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.5, 0.5, 0.0]]]])
        dW1[0, 0] = push * np.array([[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.5, 0.5, 0.0]])
        assert_scalar(loss, np.log(4))
        assert_gradients(
            grads, {"W1": dW1, "b1": [push], "W2": [[0.75, -0.75]], "b2": [0.75, -0.75]}
        )

    def test_loss(self, same, case):
        """The loss of a batch is right"""
        mine, right = same.cnn_loss_and_gradients(*case)
        loss = assert_parts(mine, self.names)[0]
        assert_scalar(loss, right[0])

    @gradient
    def test_gradients(self, same, case):
        """The gradients of all four tensors are right"""
        mine, right = same.cnn_loss_and_gradients(*case)
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @gradient
    @pytest.mark.parametrize("size", [(1, 8, 8), (3, 5, 7), (4, 4, 4), (1, 2, 3)], ids=str)
    def test_sizes(self, same, rng, size):
        """Images of odd sizes and square images are right too"""
        case = small_cnn(rng, size, 4, 3), rng.normal(size=(4, *size)), np.array([2, 0, 1, 1])
        mine, right = same.cnn_loss_and_gradients(*case)
        loss, grads = assert_parts(mine, self.names)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    @gradient
    def test_batch_of_one(self, same, case):
        """The loss and the gradients of one image are right"""
        params, x, labels = case
        mine, right = same.cnn_loss_and_gradients(params, x[:1], labels[:1])
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @robust
    def test_large_scores(self, student, rng, case):
        """For very large scores the loss and the gradients are finite"""
        params, x, labels = case
        loud = params | {"W2": 1e5 * params["W2"]}
        loss, grads = assert_parts(student.cnn_loss_and_gradients(loud, x, labels), self.names)
        assert_finite(assert_shape(loss, (), "the loss"), "the loss")
        assert_shapes(
            grads, {name: tensor.shape for name, tensor in params.items()}, "the gradients"
        )

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """params, x and labels are not changed"""
        unchanged.cnn_loss_and_gradients(*case)


@exercise("train_cnn")
class TestTrainCnn:
    def trained(self, student, X, labels, n_classes, *rest):
        """The student's params, finite and of the network's shapes, with as many kernels as the
        student likes.
        """
        params = student.train_cnn(X, labels, n_classes, *rest)
        expect(
            isinstance(params, dict) and "W1" in params,
            "params is not a dict with W1, b1, W2, b2",
            params,
        )
        kernels, (C, H, W) = len(np.atleast_1d(params["W1"])), X.shape[1:]
        sizes = {
            "W1": (kernels, C, 3, 3),
            "b1": (kernels,),
            "W2": (kernels * (H // 2) * (W // 2), n_classes),
        }
        return assert_shapes(params, sizes | {"b2": (n_classes,)}, "params")

    def test_predict(self, student, rng):
        """predict returns the class with the largest score of the network, for each image"""
        params, X = small_cnn(rng, (2, 5, 6), 3, 4), rng.normal(size=(30, 2, 5, 6))
        assert_close(student.predict(params, X), cnn_scores(params, X).argmax(axis=1), "the labels")

    def test_predict_many(self, student, rng):
        """predict is right for a network with more kernels, on square images of one channel"""
        params, X = small_cnn(rng, (1, 8, 8), 7, 10), rng.normal(size=(40, 1, 8, 8))
        assert_close(student.predict(params, X), cnn_scores(params, X).argmax(axis=1), "the labels")

    @shape
    def test_predict_one(self, student, rng):
        """predict returns one label for one image"""
        assert_shape(
            student.predict(small_cnn(rng, (1, 4, 4), 3, 5), rng.normal(size=(1, 1, 4, 4))),
            (1,),
            "the labels",
        )

    @pytest.fixture
    def few(self, rng):  # class 3 has no image: it still needs its column
        return rng.normal(size=(12, 2, 5, 6)), rng.permutation(np.arange(12) % 3)

    @shape
    def test_shapes(self, student, rng, few):
        """W1 (F, C, 3, 3), b1, W2 and b2 have the right shapes, even if a class has no image"""
        self.trained(student, *few, 4, generator(rng), 2)

    @supporting
    def test_all_learn(self, student, rng, few):
        """A second epoch changes every tensor: kernels and biases, not only the last layer"""
        seed = generator(rng)
        one, two = (self.trained(student, *few, 3, seed, epochs) for epochs in (1, 2))
        for name in one:
            expect(
                np.abs(two[name] - one[name]).max() > 0,
                f"{name} is the same after one epoch and after two epochs",
                two,
            )

    @supporting
    def test_labels_matter(self, student, rng, few):
        """One epoch uses the labels: other labels give other weights"""
        seed, (X, labels) = generator(rng), few
        one, other = (self.trained(student, X, y, 3, seed, 1) for y in (labels, (labels + 1) % 3))
        expect(np.abs(one["W2"] - other["W2"]).max() > 0, "W2 is the same for other labels", one)

    @convergence
    def test_by_heart(self, student, rng):
        """The network learns twelve noisy images by heart"""
        X, labels = rng.normal(size=(12, 1, 6, 6)), rng.permutation(np.arange(12) % 3)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 3, seed, epochs)

        params = trained(150)
        with on_the_way(student, 150, "epochs", lambda n: cnn_accuracy(trained(n), X, labels)):
            assert_at_least(
                cnn_accuracy(params, X, labels), 0.9, "the accuracy on the twelve images", params
            )

    @convergence
    def test_moved_digits(self, student, rng):
        """On digits moved by a pixel it is better than a linear model (mean over three splits)"""
        gains = []
        for _ in range(3):
            X, labels, X_test, labels_test = digit_images(rng)
            X, labels, X_test = moved(rng, X[:500]), labels[:500], moved(rng, X_test)
            params = self.trained(student, X, labels, 10, generator(rng), 16)
            baseline = linear_accuracy(X, labels, X_test, labels_test)
            gains.append(cnn_accuracy(params, X_test, labels_test) - baseline)
        assert_at_least(float(np.mean(gains)), 0.0, "the mean gain in test accuracy", gains)

    @convergence
    def test_digits(self, student, rng):
        """After 20 epochs on real digits, the accuracy on new digits is high enough"""
        X, labels, X_test, labels_test = digit_images(rng)
        seed = generator(rng)

        def trained(epochs):
            return self.trained(student, X, labels, 10, seed, epochs)

        params = trained(20)
        with on_the_way(
            student, 20, "epochs", lambda n: cnn_accuracy(trained(n), X_test, labels_test)
        ):
            assert_at_least(
                cnn_accuracy(params, X_test, labels_test), 0.95, "the test accuracy", params
            )

    @robust
    def test_arguments_unchanged(self, unchanged, rng, few):
        """X, labels and params are not changed"""
        unchanged.train_cnn(*few, 3, generator(rng), 1)
        unchanged.predict(small_cnn(rng, (2, 5, 6), 3, 4), few[0])
