"""Checks of 03-optimizers: rules for a step, rates for the rules, batches for the gradients, and
whole descents.
"""

import numpy as np
import pytest

from autograder.checks.data import digits
from autograder.checks.optimizers.landscapes import (
    KINDS,
    ONE_TO_100_IN_4,
    ONE_TO_100_IN_5,
    combined,
    curved,
    descent,
    epochs,
    network,
    network_loss,
    turned_axes,
)
from autograder.checks.optimizers.probes import slope
from autograder.testing.assertions import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_scalar,
    assert_shape,
    expect,
    numbers,
    relative_error,
)
from autograder.testing.student import assert_unchanged, generator
from autograder.testing.tensors import assert_gradients, assert_shapes
from autograder.testing.training import on_the_way

robust = pytest.mark.kind("robustness")
shape = pytest.mark.kind("shape")
convergence = pytest.mark.kind("convergence")


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


def stepped(result):
    """The parts of an update's answer: w as it came, and the state, a dict."""
    w, state = assert_parts(result, ["w", "state"])
    expect(
        isinstance(state, dict),
        f"the state is of type {type(state).__name__}, expected a dict",
        state,
    )
    return w, state


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

    @pytest.mark.weight(3)
    def test_five_steps(self, student, oracle, case, rule):
        """Five steps with five different gradients are right, from the first on"""
        w, grads = case
        follow(getattr(student, rule), w, grads, [0.1] * 5, oracle.probes.walk(rule, w, grads, 0.1))

    def test_options(self, student, oracle, case, tuned):
        """It uses the options that it is given, in the order of the signature"""
        (rule, *options), (w, grads) = tuned, case
        expected = oracle.probes.walk(rule, w, grads, 0.1, options)
        follow(getattr(student, rule), w, grads, [0.1] * 5, expected, options)

    def test_two_tensors(self, student, oracle, rng, rule):
        """A matrix and a vector that take turns, each with a state of its own, do not disturb each
        other
        """
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
        """A step with twice the rate is twice as long, also when the rate changes on the way"""
        w, grads, update = rng.normal(size=5), rng.normal(size=(2, 5)), getattr(student, rule)
        before, state = stepped(update(w, grads[0], {}, 0.3))
        before = assert_finite(assert_shape(before, (5,), "w"), "w")
        short, long = (stepped(update(before, grads[1], state, lr))[0] for lr in (0.1, 0.2))
        once, twice = (assert_shape(w, (5,), "w") - before for w in (short, long))
        assert_close(twice, 2 * once, "the step with twice the rate")

    @robust
    def test_old_state_stays_good(self, student, rng, rule):
        """From an old w and an old state, the same step can be taken again"""
        w, grads = rng.normal(size=(2, 3)), rng.normal(size=(2, 2, 3))
        both = assert_shape(
            student.probes.the_same_step_twice(rule, w, grads, 0.2), (2, 2, 3), "w of both"
        )
        expect(
            relative_error(both[0], both[1]) < 1e-9,
            "the second time, the same step ends elsewhere",
            both,
        )

    @shape
    @pytest.mark.parametrize("size", [(), (2, 3, 4)], ids=["number", "rank-3"])
    def test_any_shape(self, student, oracle, rng, rule, size):
        """w may be a number or an array of any rank; w and its state keep step"""
        w, grads = np.asarray(rng.normal(size=size)), np.asarray(rng.normal(size=(2, *size)))
        grads = [np.asarray(g) for g in grads]
        follow(getattr(student, rule), w, grads, [0.2] * 2, oracle.probes.walk(rule, w, grads, 0.2))

    @robust
    def test_integers(self, student, oracle, rng, rule):
        """Integer weights and gradients are fine"""
        w, grads = rng.randint(-9, 9, size=(3, 2)), rng.randint(1, 9, size=(2, 3, 2))
        follow(
            getattr(student, rule), w, grads, [0.25] * 2, oracle.probes.walk(rule, w, grads, 0.25)
        )

    @robust
    def test_arguments_unchanged(self, student, rng, rule):
        """w, the gradient and the state are left as they were"""
        w, grads, update = rng.normal(size=4), rng.normal(size=(2, 4)), getattr(student, rule)
        w, state = stepped(update(w, grads[0], {}, 0.1))
        assert_unchanged(student)
        update(np.asarray(w), grads[1], state, 0.1)
        assert_unchanged(student)

    @convergence
    def test_digits(self, student, rng, run):
        """Ten epochs on the digits with a small network bring the training loss down"""
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
        """While a gradient is 0 from the start, its weight stays where it is: 0 / 0 must
        not happen
        """
        w, update, grad = (
            rng.uniform(1, 2, size=3),
            getattr(student, rule),
            np.array([0.0, 1.0, 0.0]),
        )
        new, _ = stepped(update(w, grad, {}, 0.1))
        assert_close(
            assert_shape(new, (3,), "w")[[0, 2]], w[[0, 2]], "the weights without a gradient"
        )

    def test_tiny_gradients(self, student, oracle, rng, rule):
        """For gradients as small as eps, eps stands outside the root, and is 1e-8 unless told
        otherwise
        """
        w, grads = 0.01 * rng.normal(size=(2, 3)), 1e-8 * rng.uniform(0.5, 3, size=(3, 2, 3))
        follow(getattr(student, rule), w, grads, [0.1] * 3, oracle.probes.walk(rule, w, grads, 0.1))


@pytest.mark.exercise("sgd_momentum")
class TestSgdMomentum(Update):
    rules = ("sgd", "momentum", "nesterov")
    tuned = (("momentum", 0.5), ("nesterov", 0.6))
    runs = (("sgd", 0.1, 0.22), ("momentum", 0.05, 0.10))

    def test_sgd_by_hand(self, student):
        """sgd from (1, 2) against the gradient (4, -2) with rate 0.1 comes to (0.6, 2.2)"""
        assert_close(
            stepped(student.sgd(np.array([1.0, 2.0]), np.array([4.0, -2.0]), {}, 0.1))[0],
            [0.6, 2.2],
            "w",
        )

    def test_momentum_by_hand(self, student):
        """momentum from 1 with the gradients 2, -1, rate 0.1 and beta 0.5 comes to 0.8, then again
        0.8
        """
        w, grads = np.array([1.0]), np.array([[2.0], [-1.0]])
        follow(student.momentum, w, grads, [0.1] * 2, [[0.8], [0.8]], (0.5,))

    def test_nesterov_by_hand(self, student):
        """nesterov from 1 with the gradients 2, -1, rate 0.1 and beta 0.5 comes to 0.7, then 0.8"""
        w, grads = np.array([1.0]), np.array([[2.0], [-1.0]])
        follow(student.nesterov, w, grads, [0.1] * 2, [[0.7], [0.8]], (0.5,))

    @pytest.mark.parametrize("ball", ["momentum", "nesterov"])
    def test_coasting(self, student, rng, ball):
        """When the gradient stops, the ball rolls on: each step is beta times the one before"""
        w, grads = rng.normal(size=3), [rng.uniform(1, 2, size=3), np.zeros(3), np.zeros(3)]
        path, state = [w], {}
        for grad in grads:
            new, state = stepped(getattr(student, ball)(path[-1], grad, state, 0.1, 0.8))
            path.append(assert_finite(assert_shape(new, (3,), "w"), "w"))
        assert_close(path[3] - path[2], 0.8 * (path[2] - path[1]), "the third step")

    @convergence
    def test_sgd_in_a_bowl(self, student, rng):
        """In a bowl of curvatures 1 to 100, sgd at the best rate gets near, and just above 2/100 it
        flies off
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

    @convergence
    @pytest.mark.parametrize(
        "ball, lr, options, line",
        [("momentum", 0.0331, (0.669,), 1e-12), ("nesterov", 0.01, (), 1e-6)],
    )
    def test_momentum_in_a_bowl(self, student, rng, ball, lr, options, line):
        """In the same bowl and in as many steps, memory gets far closer to the bottom than
        sgd can
        """
        axes = turned_axes(rng, 5)
        A, w = curved(axes, ONE_TO_100_IN_5), combined(axes, rng.uniform(0.5, 1, size=5))
        end = assert_shape(student.probes.end_in_a_bowl(ball, A, w, lr, 200, options), (5,), "w")
        end = assert_finite(end, "w")
        assert_at_most(end @ A @ end / 2, line, "the loss after 200 steps", end)

    @convergence
    def test_momentum_in_the_valley(self, student):
        """momentum finds the end of Rosenbrock's bent valley in 2,000 steps"""
        end = student.probes.end_in_the_banana("momentum", np.array([-1.5, 1.5]), 0.001, 2000)
        a, b = assert_finite(assert_shape(end, (2,), "w"), "w")
        assert_at_most((1 - a) ** 2 + 100 * (b - a * a) ** 2, 1e-6, "the loss", end)


@pytest.mark.exercise("adagrad_rmsprop")
class TestAdagradRmsprop(Scaled):
    rules = ("adagrad", "rmsprop")
    tuned = (("adagrad", 0.3), ("rmsprop", 0.6, 0.3))
    runs = (("adagrad", 0.05, 0.12), ("rmsprop", 0.003, 0.12))

    def test_adagrad_by_hand(self, student):
        """adagrad from 1 with the gradients 3, 4, rate 0.5 and eps 0 takes the steps 1/2 and 2/5"""
        follow(
            student.adagrad,
            np.array([1.0]),
            np.array([[3.0], [4.0]]),
            [0.5] * 2,
            [[0.5], [0.1]],
            (0.0,),
        )

    def test_rmsprop_by_hand(self, student):
        """rmsprop from 1 with the gradients 2, 2, rate 0.3, rho 3/4 and eps 0 takes the steps 0.6
        and 0.6/sqrt(7/4)
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
        """Under a constant gradient adagrad's steps shrink like 1/sqrt(t), rmsprop's settle
        at lr
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
        """Each weight has a scale of its own: a gradient 1,000 times as large makes the
        same steps
        """
        w, grads, ends = np.zeros(4), rng.normal(size=(3, 4)) + 0.1, []
        for factor in (np.ones(4), np.array([1e3, 1.0, 1e-2, 10.0])):
            x, state = w, {}
            for grad in grads * factor:
                x, state = stepped(getattr(student, scaled)(x, grad, state, 0.1))
                x = assert_finite(assert_shape(x, (4,), "w"), "w")
            ends.append(x)
        assert_close(ends[1], ends[0], "w under the scaled gradients", tolerance=1e-4)


@pytest.mark.exercise("adam")
class TestAdam(Scaled):
    rules = ("adam",)
    tuned = (("adam", 0.8, 0.95, 0.1), ("adam", 0.5, 0.9))
    runs = (("adam", 0.003, 0.13),)

    @pytest.mark.weight(2)
    def test_first_step(self, student, rng):
        """The very first step has the length lr for every weight, however large its gradient"""
        w, grad = rng.normal(size=5), np.array([1e-3, -2.0, 300.0, -1e4, 0.5])
        assert_close(
            stepped(student.adam(w, grad, {}, 0.1))[0], w - 0.1 * np.sign(grad), "w after step 1"
        )

    def test_by_hand(self, student):
        """adam from 1 with the gradients 1, -1, rate 0.1, betas 1/2 and 3/4 and eps 0 comes to 0.9,
        then 0.9 + 0.1/3
        """
        w, grads, expected = np.array([1.0]), np.array([[1.0], [-1.0]]), [[0.9], [0.9 + 0.1 / 3]]
        follow(student.adam, w, grads, [0.1] * 2, expected, (0.5, 0.75, 0.0))

    def test_long_walk(self, student, oracle, rng):
        """After 40 steps it is still right: the corrections fade as they should"""
        w, grads = rng.normal(size=3), rng.normal(size=(40, 3))
        expected = oracle.probes.walk("adam", w, grads, 0.05)
        follow(student.adam, w, grads, [0.05] * 40, expected)

    def test_constant_gradient(self, student, rng):
        """Under a constant gradient every step is lr: with both corrections, m and v agree from the
        start
        """
        w, grad, state = np.zeros(3), np.array([0.5, -2.0, 30.0]), {}
        for _ in range(6):
            w, state = stepped(student.adam(w, grad, state, 0.1))
            w = assert_finite(assert_shape(w, (3,), "w"), "w")
        assert_close(w, -0.6 * np.sign(grad), "w after six steps")

    @convergence
    def test_valley(self, student):
        """adam comes near the end of Rosenbrock's bent valley in 2,000 steps"""
        end = student.probes.end_in_the_banana("adam", np.array([-1.5, 1.5]), 0.05, 2000)
        a, b = assert_finite(assert_shape(end, (2,), "w"), "w")
        assert_at_most((1 - a) ** 2 + 100 * (b - a * a) ** 2, 1e-3, "the loss", end)


@pytest.mark.exercise("adamw")
class TestAdamw(Update):
    rules = ("adamw",)
    tuned = (("adamw", 0.8, 0.95, 0.1, 0.5), ("adamw", 0.5, 0.9, 1e-8, 2.0))
    runs = (("adamw", 0.003, 0.13),)

    def test_by_hand(self, student):
        """adamw from (4, -4), gradient (2, 2), rate 0.1 and decay 0.5 comes to (3.7, -3.9)"""
        new, _ = stepped(
            student.adamw(
                np.array([4.0, -4.0]), np.array([2.0, 2.0]), {}, 0.1, 0.9, 0.999, 1e-8, 0.5
            )
        )
        assert_close(new, [3.7, -3.9], "w")

    def test_no_gradient(self, student, rng):
        """Without a gradient, w shrinks by the factor 1 - lr * weight_decay in each step, and by
        nothing else
        """
        w, zero = rng.normal(size=(2, 3)), np.zeros((3, 2, 3))
        expected = [w * 0.9**k for k in (1, 2, 3)]
        follow(student.adamw, w, zero, [0.2] * 3, expected, (0.9, 0.999, 1e-8, 0.5))

    def test_default_decay(self, student, oracle, rng):
        """The decay is 0.01 unless told otherwise"""
        w, grads = rng.uniform(50, 90, size=(2, 2)), rng.normal(size=(3, 2, 2))
        follow(student.adamw, w, grads, [0.1] * 3, oracle.probes.walk("adamw", w, grads, 0.1))

    def test_without_decay(self, student, rng):
        """With weight_decay = 0 the first step is Adam's: lr for every weight"""
        w, grad = rng.normal(size=4), np.array([3.0, -0.2, 40.0, -1.0])
        new, _ = stepped(student.adamw(w, grad, {}, 0.1, 0.9, 0.999, 1e-8, 0.0))
        assert_close(new, w - 0.1 * np.sign(grad), "w")

    def test_decay_ignores_the_gradient(self, student, rng):
        """What the decay adds does not depend on how large the gradients are"""
        w, grad, pulls = rng.uniform(1, 2, size=3), rng.uniform(1, 2, size=3), []
        for factor in (1.0, 1000.0):
            ends = [
                stepped(student.adamw(w, factor * grad, {}, 0.1, 0.9, 0.999, 1e-8, d))[0]
                for d in (0.5, 0.0)
            ]
            pulls.append(assert_shape(ends[0], (3,), "w") - assert_shape(ends[1], (3,), "w"))
        assert_close(pulls[0], -0.05 * w, "what the decay adds")
        assert_close(pulls[1], -0.05 * w, "what the decay adds beside a large gradient")

    def test_tiny_gradients(self, student, oracle, rng):
        """For gradients as small as eps, eps stands outside the root, and is 1e-8 unless told
        otherwise
        """
        w, grads = 0.01 * rng.normal(size=(2, 3)), 1e-8 * rng.uniform(0.5, 3, size=(3, 2, 3))
        follow(student.adamw, w, grads, [0.1] * 3, oracle.probes.walk("adamw", w, grads, 0.1))


@pytest.mark.exercise("schedules")
class TestSchedules:
    @pytest.mark.parametrize("step, rate", [(0, 0.0), (2, 0.4), (5, 1.0), (10, 0.5), (15, 0.0)])
    def test_cosine_by_hand(self, student, step, rate):
        """With total 15, warmup 5 and peak 1: 0 at step 0, 0.4 at 2, 1 at 5, 0.5 halfway down at
        10, 0 at 15
        """
        assert_scalar(student.warmup_cosine(step, 15, 5, 1.0), rate, f"the rate at step {step}")

    def test_cosine_values(self, student, oracle, rng):
        """The whole schedule is right, step by step, with a floor"""
        total, warmup, peak, floor = (
            int(rng.randint(30, 40)),
            int(rng.randint(5, 9)),
            rng.uniform(0.5, 2),
            0.1,
        )
        for step in range(total):
            expected = oracle.warmup_cosine(step, total, warmup, peak, floor)
            assert_scalar(
                student.warmup_cosine(step, total, warmup, peak, floor),
                expected,
                f"the rate at step {step}",
            )

    def test_cosine_default_floor(self, student, oracle, rng):
        """Without a floor the rate comes down to 0"""
        total, peak = int(rng.randint(20, 30)), rng.uniform(0.5, 2)
        for step in range(4, total):
            expected = oracle.warmup_cosine(step, total, 4, peak)
            assert_scalar(
                student.warmup_cosine(step, total, 4, peak), expected, f"the rate at step {step}"
            )

    @pytest.mark.parametrize("late", [0, 1, 7, 40])
    def test_cosine_after_the_end(self, student, late):
        """From `total` on the rate stays at the floor"""
        assert_scalar(
            student.warmup_cosine(20 + late, 20, 4, 2.0, 0.3), 0.3, f"the rate at step {20 + late}"
        )

    @robust
    @pytest.mark.parametrize("step, rate", [(0, 2.0), (3, 1.25), (6, 0.5)])
    def test_cosine_without_warmup(self, student, step, rate):
        """With warmup 0 it starts at the peak"""
        assert_scalar(student.warmup_cosine(step, 6, 0, 2.0, 0.5), rate, f"the rate at step {step}")

    def test_warmup_ignores_the_floor(self, student):
        """The warm-up is a straight line from 0 to the peak, whatever the floor"""
        rates = [numbers(student.warmup_cosine(k, 30, 10, 4.0, 1.0), "the rate") for k in range(11)]
        assert_close(np.array(rates), 0.4 * np.arange(11), "the rate")

    @pytest.mark.parametrize(
        "step, rate", [(0, 8.0), (4, 8.0), (5, 4.0), (9, 4.0), (10, 2.0), (17, 1.0)]
    )
    def test_decay_by_hand(self, student, step, rate):
        """With base 8, every 5 and factor 1/2: 8 up to step 4, 4 from 5, 2 from 10, 1 from 15"""
        assert_scalar(student.step_decay(step, 8.0, 5, 0.5), rate, f"the rate at step {step}")

    def test_decay_values(self, student, oracle, rng):
        """step_decay is right for other factors and lengths, step by step"""
        base, every, factor = rng.uniform(1, 2), int(rng.randint(3, 7)), rng.uniform(0.3, 0.9)
        for step in range(25):
            expected = oracle.step_decay(step, base, every, factor)
            assert_scalar(
                student.step_decay(step, base, every, factor), expected, f"the rate at step {step}"
            )


def clipped(result):
    """The parts of an answer: the gradients, and the norm as a number."""
    grads, norm = assert_parts(result, ["grads", "norm"])
    value = assert_finite(norm, "the norm")
    expect(value.size == 1, f"the norm has shape {value.shape}, expected one number", norm)
    return grads, float(value.reshape(()))


@pytest.mark.exercise("clip_by_global_norm")
class TestClipByGlobalNorm:
    @pytest.fixture
    def grads(self, rng):  # tensors of very different sizes
        return {
            "W1": 2 * rng.normal(size=(4, 3)),
            "b1": 0.1 * rng.normal(size=3),
            "W2": rng.normal(size=(2, 3, 2)),
        }

    def test_by_hand(self, student):
        """The gradients (3) and (4), max_norm 1, become (0.6) and (0.8); the norm was 5"""
        grads, norm = clipped(
            student.clip_by_global_norm({"a": np.array([3.0]), "b": np.array([4.0])}, 1.0)
        )
        assert_gradients(grads, {"a": np.array([0.6]), "b": np.array([0.8])})
        assert_scalar(norm, 5.0, "the norm")

    def test_values(self, student, oracle, grads):
        """Large gradients are shortened together"""
        expected, _ = oracle.clip_by_global_norm(grads, 2.5)
        assert_gradients(clipped(student.clip_by_global_norm(grads, 2.5))[0], expected)

    def test_norm(self, student, oracle, grads):
        """The norm is that of all tensors together, before clipping"""
        _, expected = oracle.clip_by_global_norm(grads, 2.5)
        assert_scalar(clipped(student.clip_by_global_norm(grads, 2.5))[1], expected, "the norm")

    def test_new_norm(self, student, grads):
        """What comes back has the norm max_norm"""
        new, _ = clipped(student.clip_by_global_norm(grads, 1.7))
        new = assert_shapes(new, {key: g.shape for key, g in grads.items()})
        total = np.sqrt(sum(np.sum(g**2) for g in new.values()))
        expect(
            abs(total - 1.7) < 1e-4, f"the new norm is {total:.6g}, expected max_norm = 1.7", new
        )

    def test_small_stay(self, student, grads):
        """Gradients below max_norm stay as they are"""
        new, norm = clipped(student.clip_by_global_norm(grads, 100.0))
        assert_gradients(new, grads)
        assert_scalar(norm, np.sqrt(sum(np.sum(g**2) for g in grads.values())), "the norm")

    def test_just_at_the_limit(self, student):
        """A norm of exactly max_norm is not too large"""
        grads = {"a": np.array([[3.0, 0.0]]), "b": np.array([0.0, 4.0])}
        assert_gradients(clipped(student.clip_by_global_norm(grads, 5.0))[0], grads)

    @pytest.mark.parametrize("alone", ["W1", "b1"])
    def test_one_tensor(self, student, oracle, grads, alone):
        """A single tensor is clipped by its own norm"""
        one = {alone: 50 * grads[alone]}
        expected, before = oracle.clip_by_global_norm(one, 1.5)
        new, norm = clipped(student.clip_by_global_norm(one, 1.5))
        assert_gradients(new, expected)
        assert_scalar(norm, before, "the norm")

    @robust
    def test_zeros(self, student):
        """Zeros stay zeros: nothing is divided by 0"""
        zeros = {"W": np.zeros((2, 3)), "b": np.zeros(4)}
        new, norm = clipped(student.clip_by_global_norm(zeros, 1.0))
        assert_gradients(new, zeros)
        assert_scalar(norm, 0.0, "the norm")

    @robust
    def test_integers(self, student):
        """Integer gradients give fractions"""
        grads, _ = clipped(
            student.clip_by_global_norm({"W": np.array([[6, 0]]), "b": np.array(-8)}, 5.0)
        )
        assert_gradients(grads, {"W": np.array([[3.0, 0.0]]), "b": np.array(-4.0)})

    @robust
    def test_arguments_unchanged(self, student, grads):
        """The gradients that went in are left as they were"""
        student.clip_by_global_norm(grads, 0.5)
        assert_unchanged(student)


def dealt(result, n_features):
    """The batches of an answer as pairs of arrays, each with as many rows on both sides."""
    if not isinstance(result, (list, tuple)):
        expect(
            False,
            f"the result is of type {type(result).__name__}, expected a list of pairs",
            result,
        )
    pairs = []
    for i, pair in enumerate(result):
        x, y = (numbers(part, f"batch {i}") for part in assert_parts(pair, ["xb", "yb"]))
        expect(
            y.ndim == 1 and x.shape == (len(y), n_features),
            f"batch {i} has shapes {x.shape} and {y.shape}",
            result,
        )
        pairs.append((x, y))
    return pairs


@pytest.mark.exercise("minibatches")
class TestMinibatches:
    @pytest.fixture
    def case(
        self, rng
    ):  # row i is (i, -i, i^2) and y is 3 i: every row can be told from the others
        i = np.arange(11)
        return np.column_stack([i, -i, i**2]).astype(float), 3 * i, generator(rng)

    @shape
    @pytest.mark.parametrize(
        "n, size, sizes",
        [(9, 4, [4, 4, 1]), (8, 4, [4, 4]), (3, 5, [3]), (5, 1, [1] * 5), (6, 6, [6])],
    )
    def test_sizes(self, student, case, n, size, sizes):
        """All batches are full but the last, and none is empty"""
        X, y, rng = case
        found = [len(yb) for _, yb in dealt(student.minibatches(X[:n], y[:n], size, rng), 3)]
        expect(found == sizes, f"the batches have {found} samples, expected {sizes}", found)

    def test_every_sample_once(self, student, case):
        """Every sample is dealt exactly once"""
        X, y, rng = case
        rows = np.concatenate(
            [xb for xb, _ in dealt(student.minibatches(X, y, 4, rng), 3)] or [X[:0]]
        )
        expect(len(rows) == 11, f"{len(rows)} samples are dealt, expected 11", rows)
        assert_close(rows[np.argsort(rows[:, 0])], X, "the samples, sorted")

    def test_pairs(self, student, case):
        """Each sample keeps its own label"""
        X, y, rng = case
        for xb, yb in dealt(student.minibatches(X, y, 4, rng), 3):
            assert_close(yb, 3 * xb[:, 0], "yb")

    def test_shuffled(self, student, case):
        """The samples are not dealt in their old order, nor only the batches in another"""
        X, y, rng = case
        X, y = np.repeat(np.arange(60.0)[:, None], 3, axis=1), np.arange(60)
        order = np.concatenate([yb for _, yb in dealt(student.minibatches(X, y, 10, rng), 3)])
        together = int(np.sum(np.diff(order) == 1))
        expect(together <= 12, f"{together} of 59 samples still follow their old neighbour", order)

    def test_every_order(self, student, rng):
        """Over many epochs, each of the 24 orders of four samples comes up about equally often"""
        orders = assert_shape(
            student.probes.orders_of_many_epochs(4, 3, 1200, generator(rng)),
            (1200, 4),
            "the orders of 1200 epochs",
        )
        counts = np.unique(orders @ [64, 16, 4, 1], return_counts=True)[1]
        expect(len(counts) == 24, f"{len(counts)} different orders came up, expected 24", orders)
        chi2 = float(np.sum((counts - 50) ** 2 / 50))  # 23 on average, standard deviation 7
        expect(
            chi2 <= 80,
            f"some orders are preferred: each {counts.min()} to {counts.max()} times of 1200",
            orders,
        )

    def test_generator(self, student, case):
        """The order comes from rng alone: the same generator deals the same batches again"""
        X, y, rng = case
        first, again = (dealt(student.minibatches(X, y, 4, rng), 3) for _ in range(2))
        orders = [np.concatenate([yb for _, yb in pairs]) for pairs in (first, again)]
        same = orders[0].shape == orders[1].shape and bool(np.all(orders[0] == orders[1]))
        expect(
            same,
            "two generators with one seed deal different batches; is another source of chance "
            "used?",
            orders,
        )

    @shape
    def test_images(self, student, rng):
        """Samples may be images, and labels rows: all of a sample stays together"""
        X, y = rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 4))
        pairs = [
            assert_parts(pair, ["xb", "yb"])
            for pair in student.minibatches(X, y, 2, generator(rng))
        ]
        xs = np.concatenate([assert_shape(x, (len(x), 3, 2), "xb") for x, _ in pairs])
        ys = np.concatenate([assert_shape(t, (len(t), 4), "yb") for _, t in pairs])
        expect(
            len(xs) == len(ys) == 5,
            f"{len(xs)} samples and {len(ys)} labels are dealt, expected 5 of each",
            (xs, ys),
        )
        old, new = np.argsort(X[:, 0, 0]), np.argsort(xs[:, 0, 0])
        assert_close(xs[new], X[old], "the samples, sorted")
        assert_close(ys[new], y[old], "the labels in the samples' order")

    @robust
    def test_arguments_unchanged(self, student, case):
        """X and y are left in their order"""
        student.minibatches(*case[:2], 4, case[2])
        assert_unchanged(student)


@pytest.mark.exercise("minimise")
class TestMinimise:
    def test_by_hand(self, student):
        """Down the parabola w^2/2 from 8 with rate 1/2, three plain steps halve w each time: 8, 4,
        2, 1
        """
        path = student.probes.path_in_a_bowl(np.eye(1), np.array([8.0]), 0.5, 3)
        assert_close(path, [[8.0], [4.0], [2.0], [1.0]], "the path")

    def test_path(self, student, oracle, rng):
        """Every point of the path is right for a rule that needs its state back"""
        w0 = rng.normal(size=3)
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.3, 6)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.3, 6), expected, "the path")

    def test_slopes(self, student, rng):
        """The slope is asked for at the place where w is now, once for each step"""
        places, *_ = student.probes.what_the_rule_and_the_gradient_see(
            rng.uniform(1, 2, size=2), 0.5, 4
        )
        places = assert_shape(places, (4, 2), "where the gradient was asked for")
        assert_close(
            places[1:] / places[:-1],
            np.tile(1 - 0.25 / np.arange(1, 4)[:, None], (1, 2)),
            "the way per step",
        )

    def test_state(self, student, rng):
        """The rule gets the state back that it returned, and {} at first"""
        _, _, counts = student.probes.what_the_rule_and_the_gradient_see(
            rng.uniform(1, 2, size=3), 0.5, 5
        )
        expect(
            list(counts) == [0, 1, 2, 3, 4],
            f"the rule found {counts} steps in its state, expected 0 to 4",
            counts,
        )

    def test_rate(self, student, rng):
        """The rule gets the rate that was asked for"""
        _, rates, _ = student.probes.what_the_rule_and_the_gradient_see(
            rng.uniform(1, 2, size=3), 0.75, 4
        )
        expect(
            list(rates) == [0.75] * 4,
            f"the rule was given the rates {rates}, expected 0.75 each time",
            rates,
        )

    @shape
    @pytest.mark.parametrize(
        "size, steps", [((), 4), ((2, 3), 5), ((4,), 1)], ids=["number", "matrix", "one-step"]
    )
    def test_shapes(self, student, oracle, rng, size, steps):
        """w0 of any shape gives (steps + 1, ...)"""
        w0 = np.asarray(rng.normal(size=size))
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.2, steps)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.2, steps), expected, "the path")

    @robust
    def test_no_steps(self, student, rng):
        """No steps give a path of one point, w0"""
        w0 = rng.normal(size=3)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.2, 0), w0[None], "the path")

    @robust
    def test_integers(self, student, oracle):
        """An integer start gives a path of fractions"""
        w0 = np.array([1, -2, 3])
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.1, 3)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.1, 3), expected, "the path")

    @convergence
    def test_bowl(self, student, rng):
        """In a bowl the path shrinks along each axis by the factor 1 - lr * curvature, as theory
        says
        """
        axes, w0 = turned_axes(rng, 4), rng.normal(size=4)
        A = curved(axes, ONE_TO_100_IN_4)
        path = assert_shape(student.probes.path_in_a_bowl(A, w0, 0.01, 150), (151, 4), "the path")
        factors = (1 - 0.01 * ONE_TO_100_IN_4) ** np.arange(151)[:, None]  # (151, 4)
        assert_close(path @ axes.T, factors * (axes @ w0), "the path along the axes")


def diaries(result, shapes):
    """The returned parameters, and the steps that W1 and b1 took, from the diary of the rule."""
    params, diary = result
    params = assert_shapes(params, shapes, "the result")
    pages = {
        name: [page for page in diary if np.shape(page["w"]) == size]
        for name, size in shapes.items()
    }
    odd = len(diary) - sum(len(page) for page in pages.values())
    expect(
        odd == 0,
        f"the rule was called {odd} times with something that is neither W1 nor b1",
        params,
    )
    return params, pages


@pytest.mark.exercise("train_with")
class TestTrainWith:
    shapes = {"W1": (5, 4), "b1": (4,)}  # noqa: RUF012

    @pytest.fixture
    def case(self, rng):  # all rows alike: whatever the batch, its mean gradient is that of one row
        return np.tile(rng.normal(size=(1, 5)), (9, 1)), np.full(9, 2), 4

    @shape
    def test_parameters(self, student, rng):
        """It returns W1 (D, C) and b1 (C,), with a column for every class, also for one without
        samples
        """
        X, labels = rng.normal(size=(12, 5)), np.array([0, 2, 1] * 4)
        params = student.probes.train_with_plain_steps(X, labels, 4, 0.1, 3, generator(rng))
        assert_shapes(params, self.shapes)

    def test_one_step_each(self, student, rng, case):
        """Each step calls the rule once for W1 and once for b1"""
        _, pages = diaries(self.diary(student, *case, 0.5, 6, generator(rng)), self.shapes)
        counts = [len(pages[name]) for name in ("W1", "b1")]
        expect(
            counts == [6, 6],
            f"6 steps called the rule {counts[0]} times for W1, {counts[1]} for b1",
            counts,
        )

    @pytest.mark.parametrize("name", ["W1", "b1"])
    def test_states(self, student, rng, case, name):
        """W1 and b1 each have a state of their own, which comes back from step to step"""
        _, pages = diaries(self.diary(student, *case, 0.5, 5, generator(rng)), self.shapes)
        steps = [page["steps"] for page in pages[name]]
        expect(
            steps == [0, 1, 2, 3, 4],
            f"the state of {name} held {steps} steps, expected 0 to 4",
            steps,
        )

    def test_rate(self, student, rng, case):
        """The rule gets the rate that was asked for"""
        _, pages = diaries(self.diary(student, *case, 0.3, 3, generator(rng)), self.shapes)
        rates = [page["lr"] for page in pages["W1"] + pages["b1"]]
        expect(
            all(rate == 0.3 for rate in rates),
            f"the rule was given the rates {rates}, expected 0.3",
            rates,
        )

    @pytest.mark.weight(2)
    @pytest.mark.parametrize("name", ["W1", "b1"])
    def test_gradients(self, student, rng, case, name):
        """The gradients are those of the mean cross-entropy, both at the old W1 and b1"""
        (X, labels, _), lr = case, 0.5
        _, pages = diaries(self.diary(student, *case, lr, 4, generator(rng)), self.shapes)
        for k, (W, b) in enumerate(zip(pages["W1"], pages["b1"]), 1):
            scores = X[:1] @ W["w"] + b["w"]
            d = (
                np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
                - np.eye(4)[labels[:1]]
            )
            expected, page = (X[:1].T @ d, W) if name == "W1" else (d[0], b)
            name_k = f"the gradient of {name} in step {k}"
            assert_close(
                page["grad"], expected, name_k, tolerance=1e-4
            )  # in float32 each step adds its roundings

    @pytest.mark.parametrize("name", ["W1", "b1"])
    def test_takes_what_the_rule_returns(self, student, rng, case, name):
        """Each step starts where the rule has ended the last one, and the last one's end is
        returned
        """
        params, pages = diaries(self.diary(student, *case, 0.5, 4, generator(rng)), self.shapes)
        ends = [page["w"] - 0.5 * page["grad"] / (k + 1) for k, page in enumerate(pages[name])]
        starts = [page["w"] for page in pages[name][1:]] + [params[name]]
        for k, (end, start) in enumerate(zip(ends, starts), 1):
            assert_close(start, end, f"{name} after step {k}")

    @convergence
    @pytest.mark.weight(2)
    def test_digits(self, student, rng):
        """300 steps on the digits are enough to read nine of ten new ones"""
        X, labels, X_test, labels_test = digits(rng)
        seed = generator(rng)

        def trained(steps):
            params = student.probes.train_with_plain_steps(X, labels, 10, 0.5, steps, seed)
            return assert_shapes(params, {"W1": (64, 10), "b1": (10,)})

        def accuracy(params):
            return np.mean((X_test @ params["W1"] + params["b1"]).argmax(axis=1) == labels_test)

        params = trained(300)
        with on_the_way(student, 300, "steps", lambda n: accuracy(trained(n))):
            assert_at_least(accuracy(params), 0.90, "the test accuracy", params)

    @robust
    def test_large_scores(self, student, rng):
        """Scores that grow to thousands do not overflow, nor spoil a sample whose scores
        are small
        """
        X, labels = (
            np.repeat([[40.0], [0.1]], 4, axis=0) * np.ones(5),
            np.array([0, 0, 0, 1, 1, 2, 3, 0]),
        )
        params = student.probes.train_with_plain_steps(X, labels, 4, 1.0, 6, generator(rng))
        assert_shapes(params, self.shapes)

    @robust
    def test_arguments_unchanged(self, student, rng):
        """X and labels are left as they were"""
        X, labels = rng.normal(size=(20, 5)), np.arange(20) % 4
        student.probes.train_with_plain_steps(X, labels, 4, 0.1, 3, generator(rng))
        assert_unchanged(student)

    @staticmethod
    def diary(student, X, labels, n_classes, lr, steps, seed):
        return student.probes.train_with_a_rule_that_keeps_a_diary(
            X, labels, n_classes, lr, steps, seed
        )


TOTAL = 200  # steps of a problem of the challenge
TUNED = 0.2  # the rate with which Adam does best on average over such problems


def contest(update, problem):
    """Where the rule ends when it is given one gradient a step, and never the problem itself."""
    w, state = problem["start"], {}
    for k in range(TOTAL):
        with np.errstate(all="ignore"):  # far out, a slope overflows
            grad = slope(problem, w, k)
        new, state = stepped(update(w, grad, state, k, TOTAL))
        w = assert_finite(assert_shape(new, w.shape, "w"), "w")
    return w


@pytest.mark.exercise("own_optimizer")
class TestOwnOptimizer:
    @convergence
    @pytest.mark.parametrize(
        "kind, line", [("noisy bowl", -1.0), ("valley", -1.5), ("digits", -0.3)]
    )
    def test_goes_down(self, student, rng, kind, line):
        """In 200 steps it comes well down on each kind of problem (counted in powers of ten)"""
        problem = KINDS[kind](rng, TOTAL)
        end = contest(student.own_optimizer, problem)
        assert_at_most(
            descent(problem, end),
            line,
            f"the change of the loss on the {kind}, in powers of ten",
            end,
        )

    @convergence
    @pytest.mark.weight(3)
    def test_beats_tuned_adam(self, student, oracle, rng):
        """Over six unseen problems it beats Adam at the rate that suits such problems best"""
        problems = [make(rng, TOTAL) for make in KINDS.values() for _ in range(2)]
        adam = np.mean([descent(p, oracle.probes.tuned_adam(p, TUNED, TOTAL)) for p in problems])
        ends = [contest(student.own_optimizer, problem) for problem in problems]
        own = np.mean([descent(problem, end) for problem, end in zip(problems, ends)])
        assert_at_most(
            own, adam, "the mean change of the loss, in powers of ten (Adam's is the line),", ends
        )

    @robust
    @pytest.mark.parametrize("size", [(), (2, 3)], ids=["number", "matrix"])
    def test_any_shape(self, student, rng, size):
        """w of any shape keeps its shape, from the first step to the last and for a budget
        of one
        """
        w, state = np.asarray(rng.normal(size=size)), {}
        for step, total in [(0, 1), (0, 3), (1, 3), (2, 3)]:
            w, state = stepped(
                student.own_optimizer(
                    np.asarray(w),
                    np.asarray(rng.normal(size=size)),
                    state if step else {},
                    step,
                    total,
                )
            )
            w = assert_finite(assert_shape(w, size, "w"), "w")

    @robust
    def test_arguments_unchanged(self, student, rng):
        """w, the gradient and the state are left as they were"""
        w, state = stepped(student.own_optimizer(rng.normal(size=4), rng.normal(size=4), {}, 0, 9))
        assert_unchanged(student)
        student.own_optimizer(np.asarray(w), rng.normal(size=4), state, 1, 9)
        assert_unchanged(student)
