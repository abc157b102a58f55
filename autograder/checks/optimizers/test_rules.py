"""Checks of 03-optimizers: update rules."""

import numpy as np
import pytest

from autograder.checks.data import digits
from autograder.checks.optimizers.cases import stepped
from autograder.checks.optimizers.landscapes import (
    ONE_TO_100_IN_5,
    combined,
    curved,
    epochs,
    network,
    network_loss,
    turned_axes,
)
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_shape,
    assert_shapes,
    assert_unchanged,
    convergence,
    exercise,
    expect,
    on_the_way,
    relative_error,
    robust,
    shape,
    supporting,
    weight,
)


def pytest_generate_tests(metafunc):
    """The classes of update rules name the rules, options and runs that their checks go through."""
    if "rule" in metafunc.fixturenames:
        metafunc.parametrize("rule", metafunc.cls.rules)
    if "tuned" in metafunc.fixturenames:
        metafunc.parametrize(
            "tuned", metafunc.cls.tuned, ids=[name for name, *_ in metafunc.cls.tuned]
        )
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", metafunc.cls.runs, ids=[name for name, *_ in metafunc.cls.runs])


def follow(update, w, grads, rates, expected, options=()):
    """Take the steps one by one, so that the first one that goes astray is named."""
    state = {}
    for k, (grad, lr, e) in enumerate(zip(grads, rates, expected), 1):
        new, state = stepped(update(w, grad, state, lr, *options))
        assert_close(new, e, f"w after step {k}")
        w = np.asarray(new, float)


class Update:
    """What is asked of every update rule."""

    rules, tuned, runs = (), (), ()

    @pytest.fixture
    def case(self, rng):  # w (4, 3) and five gradients that change in size and sign
        return rng.normal(size=(4, 3)), rng.normal(size=(5, 4, 3)) * np.array([1, 2, 0.5, 3, 0.2])[
            :, None, None
        ]

    @weight(3)
    def test_five_steps(self, student, oracle, case, rule):
        """Five steps with five different gradients are all right"""
        w, grads = case
        follow(getattr(student, rule), w, grads, [0.1] * 5, oracle.probes.walk(rule, w, grads, 0.1))

    def test_options(self, student, oracle, case, tuned):
        """The rule uses the options that it is given, in the order of the signature"""
        (rule, *options), (w, grads) = tuned, case
        expected = oracle.probes.walk(rule, w, grads, 0.1, options)
        follow(getattr(student, rule), w, grads, [0.1] * 5, expected, options)

    def test_two_tensors(self, student, oracle, rng, rule):
        """A matrix and a vector with separate states can be updated in turn"""
        update, sizes = getattr(student, rule), [(3, 2), (2,)]
        tensors, grads = (
            [rng.normal(size=s) for s in sizes],
            [rng.normal(size=(3, *s)) for s in sizes],
        )
        expected, states = (
            [oracle.probes.walk(rule, w, g, 0.1) for w, g in zip(tensors, grads)],
            [{}, {}],
        )
        for k in range(3):
            for i, name in enumerate(["the matrix", "the vector"]):
                w, states[i] = stepped(update(tensors[i], grads[i][k], states[i], 0.1))
                assert_close(w, expected[i][k], f"{name} after step {k + 1}")
                tensors[i] = np.asarray(w, float)

    def test_rate_changes(self, student, rng, rule):
        """With twice the learning rate a step is twice as long, even if the rate changes in
        between
        """
        w, grads, update = rng.normal(size=5), rng.normal(size=(2, 5)), getattr(student, rule)
        before, state = stepped(update(w, grads[0], {}, 0.3))
        before = assert_finite(assert_shape(before, (5,), "w"), "w")
        short, long = (stepped(update(before, grads[1], state, lr))[0] for lr in (0.1, 0.2))
        once, twice = (assert_shape(w, (5,), "w") - before for w in (short, long))
        assert_close(twice, 2 * once, "the step with twice the rate")

    @robust
    def test_old_state_stays_good(self, student, rng, rule):
        """An old state is not changed: the same step can be taken again from it"""
        w, grads = rng.normal(size=(2, 3)), rng.normal(size=(2, 2, 3))
        both = assert_shape(
            student.probes.the_same_step_twice(rule, w, grads, 0.2), (2, 2, 3), "w of both"
        )
        expect(
            relative_error(both[0], both[1]) < 1e-9,
            "the same step gives another w the second time",
            both,
        )

    @shape
    @pytest.mark.parametrize("size", [(), (2, 3, 4)], ids=["number", "rank-3"])
    def test_any_shape(self, student, oracle, rng, rule, size):
        """w may be a number or an array of any shape"""
        w, grads = np.asarray(rng.normal(size=size)), np.asarray(rng.normal(size=(2, *size)))
        grads = [np.asarray(g) for g in grads]
        follow(getattr(student, rule), w, grads, [0.2] * 2, oracle.probes.walk(rule, w, grads, 0.2))

    @robust
    def test_integers(self, student, oracle, rng, rule):
        """Integer weights and gradients give the right values"""
        w, grads = rng.randint(-9, 9, size=(3, 2)), rng.randint(1, 9, size=(2, 3, 2))
        follow(
            getattr(student, rule), w, grads, [0.25] * 2, oracle.probes.walk(rule, w, grads, 0.25)
        )

    @robust
    def test_arguments_unchanged(self, student, rng, rule):
        """w, the gradient and the state are not changed"""
        w, grads, update = rng.normal(size=4), rng.normal(size=(2, 4)), getattr(student, rule)
        w, state = stepped(update(w, grads[0], {}, 0.1))
        assert_unchanged(student)
        update(np.asarray(w), grads[1], state, 0.1)
        assert_unchanged(student)

    @convergence
    def test_digits(self, student, rng, run):
        """Ten epochs on digits with a small network bring the training loss down"""
        (rule, lr, line), (X, labels, *_) = run, digits(rng)
        params, batches = network(rng, 64), epochs(rng, len(X), 32, 10)
        shapes = {name: p.shape for name, p in params.items()}

        def trained(steps):
            network = student.probes.network_trained_on_digits(
                rule, params, X, labels, batches[:steps], lr
            )
            return assert_shapes(network, shapes, "the network")

        yours, steps = trained(len(batches)), len(batches)
        with on_the_way(student, steps, "steps", lambda n: network_loss(trained(n), X, labels)):
            assert_at_most(network_loss(yours, X, labels), line, "the training loss", yours)


class Scaled(Update):
    """What is asked of the rules that divide by the size of past gradients."""

    @robust
    def test_zero_gradient(self, student, rng, rule):
        """A weight whose gradients are all 0 does not change, and 0 / 0 does not occur"""
        w, update, grad = (
            rng.uniform(1, 2, size=3),
            getattr(student, rule),
            np.array([0.0, 1.0, 0.0]),
        )
        new, _ = stepped(update(w, grad, {}, 0.1))
        assert_close(assert_shape(new, (3,), "w")[[0, 2]], w[[0, 2]], "the weights with gradient 0")

    def test_tiny_gradients(self, student, oracle, rng, rule):
        """For gradients as small as eps: eps is outside the root, and is 1e-8 if it is not given"""
        w, grads = 0.01 * rng.normal(size=(2, 3)), 1e-8 * rng.uniform(0.5, 3, size=(3, 2, 3))
        follow(getattr(student, rule), w, grads, [0.1] * 3, oracle.probes.walk(rule, w, grads, 0.1))


@exercise("sgd_momentum")
class TestSgdMomentum(Update):
    rules = ("sgd", "momentum", "nesterov")
    tuned = (("momentum", 0.5), ("nesterov", 0.6))
    runs = (("sgd", 0.1, 0.22), ("momentum", 0.05, 0.10))

    def test_sgd_by_hand(self, student):
        """sgd from (1, 2) with the gradient (4, -2) and rate 0.1 gives (0.6, 2.2)"""
        assert_close(
            stepped(student.sgd(np.array([1.0, 2.0]), np.array([4.0, -2.0]), {}, 0.1))[0],
            [0.6, 2.2],
            "w",
        )

    def test_momentum_by_hand(self, student):
        """momentum from 1 with the gradients 2, -1, rate 0.1 and beta 0.5 gives 0.8, then 0.8
        again
        """
        w, grads = np.array([1.0]), np.array([[2.0], [-1.0]])
        follow(student.momentum, w, grads, [0.1] * 2, [[0.8], [0.8]], (0.5,))

    def test_nesterov_by_hand(self, student):
        """nesterov from 1 with the gradients 2, -1, rate 0.1 and beta 0.5 gives 0.7, then 0.8"""
        w, grads = np.array([1.0]), np.array([[2.0], [-1.0]])
        follow(student.nesterov, w, grads, [0.1] * 2, [[0.7], [0.8]], (0.5,))

    @pytest.mark.parametrize("ball", ["momentum", "nesterov"])
    def test_coasting(self, student, rng, ball):
        """When the gradient becomes 0, each step is beta times the step before it"""
        w, grads = rng.normal(size=3), [rng.uniform(1, 2, size=3), np.zeros(3), np.zeros(3)]
        path, state = [w], {}
        for grad in grads:
            new, state = stepped(getattr(student, ball)(path[-1], grad, state, 0.1, 0.8))
            path.append(assert_finite(assert_shape(new, (3,), "w"), "w"))
        assert_close(path[3] - path[2], 0.8 * (path[2] - path[1]), "the third step")

    @convergence
    def test_sgd_in_a_bowl(self, student, rng):
        """In a bowl with curvatures 1 to 100, sgd converges at rate 2/101 and diverges just above
        2/100
        """
        axes = turned_axes(rng, 5)
        A, w = curved(axes, ONE_TO_100_IN_5), combined(axes, rng.uniform(0.5, 1, size=5))
        near, far = (student.probes.end_in_a_bowl("sgd", A, w, lr, 200) for lr in (2 / 101, 0.0201))
        near, far = (
            assert_finite(assert_shape(near, (5,), "w"), "w"),
            assert_finite(assert_shape(far, (5,), "w"), "w"),
        )
        assert_at_most(near @ A @ near / 2, 0.05, "the loss after 200 steps at rate 2/101", near)
        assert_at_least(
            far @ A @ far / 2, w @ A @ w / 2, "the loss after 200 steps at rate 0.0201", far
        )

    @supporting
    @convergence
    @pytest.mark.parametrize(
        "ball, lr, options, line",
        [("momentum", 0.0331, (0.669,), 1e-12), ("nesterov", 0.01, (), 1e-6)],
    )
    def test_momentum_in_a_bowl(self, student, rng, ball, lr, options, line):
        """In the same bowl, momentum gets much closer to the minimum than sgd in as many steps"""
        axes = turned_axes(rng, 5)
        A, w = curved(axes, ONE_TO_100_IN_5), combined(axes, rng.uniform(0.5, 1, size=5))
        end = assert_shape(student.probes.end_in_a_bowl(ball, A, w, lr, 200, options), (5,), "w")
        end = assert_finite(end, "w")
        assert_at_most(end @ A @ end / 2, line, "the loss after 200 steps", end)

    @convergence
    def test_momentum_in_the_valley(self, student):
        """momentum reaches the minimum of Rosenbrock's curved valley in 2,000 steps"""
        end = student.probes.end_in_the_banana("momentum", np.array([-1.5, 1.5]), 0.001, 2000)
        a, b = assert_finite(assert_shape(end, (2,), "w"), "w")
        assert_at_most((1 - a) ** 2 + 100 * (b - a * a) ** 2, 1e-6, "the loss", end)


@exercise("adagrad_rmsprop")
class TestAdagradRmsprop(Scaled):
    rules = ("adagrad", "rmsprop")
    tuned = (("adagrad", 0.3), ("rmsprop", 0.6, 0.3))
    runs = (("adagrad", 0.05, 0.12), ("rmsprop", 0.003, 0.12))

    def test_adagrad_by_hand(self, student):
        """adagrad from 1 with the gradients 3, 4, rate 0.5 and eps 0 makes the steps 1/2 and 2/5"""
        follow(
            student.adagrad,
            np.array([1.0]),
            np.array([[3.0], [4.0]]),
            [0.5] * 2,
            [[0.5], [0.1]],
            (0.0,),
        )

    def test_rmsprop_by_hand(self, student):
        """rmsprop with the gradients 2, 2, rate 0.3, rho 3/4 and eps 0 makes the steps 0.6,
        0.6/sqrt(7/4)
        """
        expected = [[0.4], [0.4 - 0.6 / np.sqrt(1.75)]]
        follow(
            student.rmsprop,
            np.array([1.0]),
            np.array([[2.0], [2.0]]),
            [0.3] * 2,
            expected,
            (0.75, 0.0),
        )

    def test_memory(self, student, rng):
        """For a constant gradient, adagrad's steps shrink like 1/sqrt(t) and rmsprop's steps
        approach lr
        """
        grad, lasts = rng.uniform(1, 3, size=2), []
        for rule in ("adagrad", "rmsprop"):
            w, state = np.zeros(2), {}
            for _ in range(100):
                before, (w, state) = w, stepped(getattr(student, rule)(w, grad, state, 0.1))
                w = assert_finite(assert_shape(w, (2,), "w"), "w")
            lasts.append(before - w)
        assert_close(lasts[0], [0.01, 0.01], "adagrad's 100th step")
        assert_close(lasts[1], [0.1, 0.1], "rmsprop's 100th step", tolerance=1e-4)

    @pytest.mark.parametrize("scaled", rules)
    def test_scale(self, student, rng, scaled):
        """Each weight has its own scale: a gradient 1,000 times as large gives the same steps"""
        w, grads, ends = np.zeros(4), rng.normal(size=(3, 4)) + 0.1, []
        for factor in (np.ones(4), np.array([1e3, 1.0, 1e-2, 10.0])):
            x, state = w, {}
            for grad in grads * factor:
                x, state = stepped(getattr(student, scaled)(x, grad, state, 0.1))
                x = assert_finite(assert_shape(x, (4,), "w"), "w")
            ends.append(x)
        assert_close(ends[1], ends[0], "w under the scaled gradients", tolerance=1e-4)


@exercise("adam")
class TestAdam(Scaled):
    rules = ("adam",)
    tuned = (("adam", 0.8, 0.95, 0.1), ("adam", 0.5, 0.9))
    runs = (("adam", 0.003, 0.13),)

    @weight(2)
    def test_first_step(self, student, rng):
        """The first step has the length lr for every weight, however large its gradient is"""
        w, grad = rng.normal(size=5), np.array([1e-3, -2.0, 300.0, -1e4, 0.5])
        assert_close(
            stepped(student.adam(w, grad, {}, 0.1))[0], w - 0.1 * np.sign(grad), "w after step 1"
        )

    def test_by_hand(self, student):
        """adam from 1 with gradients 1, -1, rate 0.1, betas 1/2, 3/4, eps 0 gives 0.9, then 0.9 +
        0.1/3
        """
        w, grads, expected = np.array([1.0]), np.array([[1.0], [-1.0]]), [[0.9], [0.9 + 0.1 / 3]]
        follow(student.adam, w, grads, [0.1] * 2, expected, (0.5, 0.75, 0.0))

    def test_long_walk(self, student, oracle, rng):
        """After 40 steps the values are still right: the corrections fade as they should"""
        w, grads = rng.normal(size=3), rng.normal(size=(40, 3))
        expected = oracle.probes.walk("adam", w, grads, 0.05)
        follow(student.adam, w, grads, [0.05] * 40, expected)

    def test_constant_gradient(self, student, rng):
        """For a constant gradient every step is lr, because both averages are corrected"""
        w, grad, state = np.zeros(3), np.array([0.5, -2.0, 30.0]), {}
        for _ in range(6):
            w, state = stepped(student.adam(w, grad, state, 0.1))
            w = assert_finite(assert_shape(w, (3,), "w"), "w")
        assert_close(w, -0.6 * np.sign(grad), "w after six steps")

    @convergence
    def test_valley(self, student):
        """adam comes close to the minimum of Rosenbrock's curved valley in 2,000 steps"""
        end = student.probes.end_in_the_banana("adam", np.array([-1.5, 1.5]), 0.05, 2000)
        a, b = assert_finite(assert_shape(end, (2,), "w"), "w")
        assert_at_most((1 - a) ** 2 + 100 * (b - a * a) ** 2, 1e-3, "the loss", end)


@exercise("adamw")
class TestAdamw(Update):
    rules = ("adamw",)
    tuned = (("adamw", 0.8, 0.95, 0.1, 0.5), ("adamw", 0.5, 0.9, 1e-8, 2.0))
    runs = (("adamw", 0.003, 0.13),)

    def test_by_hand(self, student):
        """adamw from (4, -4) with gradient (2, 2), rate 0.1 and decay 0.5 gives (3.7, -3.9)"""
        new, _ = stepped(
            student.adamw(
                np.array([4.0, -4.0]), np.array([2.0, 2.0]), {}, 0.1, 0.9, 0.999, 1e-8, 0.5
            )
        )
        assert_close(new, [3.7, -3.9], "w")

    def test_no_gradient(self, student, rng):
        """With zero gradients, each step multiplies w by 1 - lr * weight_decay"""
        w, zero = rng.normal(size=(2, 3)), np.zeros((3, 2, 3))
        expected = [w * 0.9**k for k in (1, 2, 3)]
        follow(student.adamw, w, zero, [0.2] * 3, expected, (0.9, 0.999, 1e-8, 0.5))

    def test_default_decay(self, student, oracle, rng):
        """The decay is 0.01 if it is not given"""
        w, grads = rng.uniform(50, 90, size=(2, 2)), rng.normal(size=(3, 2, 2))
        follow(student.adamw, w, grads, [0.1] * 3, oracle.probes.walk("adamw", w, grads, 0.1))

    def test_without_decay(self, student, rng):
        """With weight_decay = 0 the first step is Adam's: its length is lr for every weight"""
        w, grad = rng.normal(size=4), np.array([3.0, -0.2, 40.0, -1.0])
        new, _ = stepped(student.adamw(w, grad, {}, 0.1, 0.9, 0.999, 1e-8, 0.0))
        assert_close(new, w - 0.1 * np.sign(grad), "w")

    def test_decay_ignores_the_gradient(self, student, rng):
        """The change that the decay makes does not depend on the size of the gradients"""
        w, grad, pulls = rng.uniform(1, 2, size=3), rng.uniform(1, 2, size=3), []
        for factor in (1.0, 1000.0):
            ends = [
                stepped(student.adamw(w, factor * grad, {}, 0.1, 0.9, 0.999, 1e-8, d))[0]
                for d in (0.5, 0.0)
            ]
            pulls.append(assert_shape(ends[0], (3,), "w") - assert_shape(ends[1], (3,), "w"))
        assert_close(pulls[0], -0.05 * w, "the change made by the decay")
        assert_close(pulls[1], -0.05 * w, "the change made by the decay, for a large gradient")

    def test_tiny_gradients(self, student, oracle, rng):
        """For gradients as small as eps: eps is outside the root, and is 1e-8 if it is not given"""
        w, grads = 0.01 * rng.normal(size=(2, 3)), 1e-8 * rng.uniform(0.5, 3, size=(3, 2, 3))
        follow(student.adamw, w, grads, [0.1] * 3, oracle.probes.walk("adamw", w, grads, 0.1))
