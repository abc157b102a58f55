"""Checks of 03-optimizers: whole descents."""

import numpy as np
import pytest

from autograder.checks.data import digits
from autograder.checks.optimizers.cases import stepped
from autograder.checks.optimizers.landscapes import (
    KINDS,
    ONE_TO_100_IN_4,
    curved,
    descent,
    turned_axes,
)
from autograder.checks.optimizers.probes import slope
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
    generator,
    on_the_way,
    robust,
    shape,
    supporting,
    weight,
)


@exercise("minimise")
class TestMinimise:
    def test_by_hand(self, student):
        """On the parabola w^2/2, three plain steps with rate 1/2 halve w each time: 8, 4, 2, 1"""
        path = student.probes.path_in_a_bowl(np.eye(1), np.array([8.0]), 0.5, 3)
        assert_close(path, [[8.0], [4.0], [2.0], [1.0]], "the path")

    def test_path(self, student, oracle, rng):
        """Every point of the path is right for a rule that uses its state"""
        w0 = rng.normal(size=3)
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.3, 6)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.3, 6), expected, "the path")

    def test_slopes(self, student, rng):
        """The gradient is computed at the current w, once for each step"""
        places, *_ = student.probes.what_the_rule_and_the_gradient_see(
            rng.uniform(1, 2, size=2), 0.5, 4
        )
        places = assert_shape(places, (4, 2), "the points where the gradient was computed")
        assert_close(
            places[1:] / places[:-1],
            np.tile(1 - 0.25 / np.arange(1, 4)[:, None], (1, 2)),
            "the ratio of one point to the point before",
        )

    def test_state(self, student, rng):
        """The rule gets {} at first, and then the state that it returned last"""
        _, _, counts = student.probes.what_the_rule_and_the_gradient_see(
            rng.uniform(1, 2, size=3), 0.5, 5
        )
        expect(
            list(counts) == [0, 1, 2, 3, 4],
            f"the rule found {counts} steps in its state, expected 0 to 4",
            counts,
        )

    def test_rate(self, student, rng):
        """The rule gets the learning rate that the caller gives"""
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
        """For w0 of any shape, the path has the shape (steps + 1, ...)"""
        w0 = np.asarray(rng.normal(size=size))
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.2, steps)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.2, steps), expected, "the path")

    @robust
    def test_no_steps(self, student, rng):
        """With 0 steps the path has one point, w0"""
        w0 = rng.normal(size=3)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.2, 0), w0[None], "the path")

    @robust
    def test_integers(self, student, oracle):
        """The path keeps its fractions if w0 has integers"""
        w0 = np.array([1, -2, 3])
        expected = oracle.probes.path_of_a_rule_that_tires(w0, 0.1, 3)
        assert_close(student.probes.path_of_a_rule_that_tires(w0, 0.1, 3), expected, "the path")

    @convergence
    def test_bowl(self, student, rng):
        """In a bowl each axis of the path shrinks by the factor 1 - lr * curvature, as theory
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


@exercise("train_with")
class TestTrainWith:
    shapes = {"W1": (5, 4), "b1": (4,)}  # noqa: RUF012

    @pytest.fixture
    def case(self, rng):  # all rows alike: whatever the batch, its mean gradient is that of one row
        return np.tile(rng.normal(size=(1, 5)), (9, 1)), np.full(9, 2), 4

    @shape
    def test_parameters(self, student, rng):
        """train_with returns W1 (D, C) and b1 (C,), even if one class has no sample"""
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
        """W1 and b1 have separate states, and each step gets the state that the step before
        returned
        """
        _, pages = diaries(self.diary(student, *case, 0.5, 5, generator(rng)), self.shapes)
        steps = [page["steps"] for page in pages[name]]
        expect(
            steps == [0, 1, 2, 3, 4],
            f"the state of {name} held {steps} steps, expected 0 to 4",
            steps,
        )

    def test_rate(self, student, rng, case):
        """The rule gets the learning rate that the caller gives"""
        _, pages = diaries(self.diary(student, *case, 0.3, 3, generator(rng)), self.shapes)
        rates = [page["lr"] for page in pages["W1"] + pages["b1"]]
        expect(
            all(rate == 0.3 for rate in rates),
            f"the rule was given the rates {rates}, expected 0.3",
            rates,
        )

    @weight(2)
    @pytest.mark.parametrize("name", ["W1", "b1"])
    def test_gradients(self, student, rng, case, name):
        """Both gradients belong to the mean cross-entropy and are computed at the old W1 and b1"""
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
        """Each step starts from what the rule returned last, and the last values are returned"""
        params, pages = diaries(self.diary(student, *case, 0.5, 4, generator(rng)), self.shapes)
        ends = [page["w"] - 0.5 * page["grad"] / (k + 1) for k, page in enumerate(pages[name])]
        starts = [page["w"] for page in pages[name][1:]] + [params[name]]
        for k, (end, start) in enumerate(zip(ends, starts), 1):
            assert_close(start, end, f"{name} after step {k}")

    @convergence
    @weight(2)
    def test_digits(self, student, rng):
        """After 300 steps on digits, nine of ten new digits are classified right"""
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
        """Scores of several thousand do not overflow, even in a batch with a sample of small
        scores
        """
        X, labels = (
            np.repeat([[40.0], [0.1]], 4, axis=0) * np.ones(5),
            np.array([0, 0, 0, 1, 1, 2, 3, 0]),
        )
        params = student.probes.train_with_plain_steps(X, labels, 4, 1.0, 6, generator(rng))
        assert_shapes(params, self.shapes)

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """X and labels are not changed"""
        X, labels = rng.normal(size=(20, 5)), np.arange(20) % 4
        unchanged.probes.train_with_plain_steps(X, labels, 4, 0.1, 3, generator(rng))

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


@exercise("own_optimizer")
class TestOwnOptimizer:
    @convergence
    @pytest.mark.parametrize(
        "kind, line",
        [
            # Both end near a point that is easily guessed.
            pytest.param("noisy bowl", -1.0, marks=supporting),
            pytest.param("valley", -1.5, marks=supporting),
            ("digits", -0.3),
        ],
    )
    def test_goes_down(self, student, rng, kind, line):
        """In 200 steps the loss falls far enough on each kind of problem (counted in powers of
        ten)
        """
        problem = KINDS[kind](rng, TOTAL)
        end = contest(student.own_optimizer, problem)
        assert_at_most(
            descent(problem, end),
            line,
            f"the change of the loss on the {kind}, in powers of ten",
            end,
        )

    @convergence
    @weight(3)
    def test_beats_tuned_adam(self, student, oracle, rng):
        """On six unseen problems it beats Adam with the best learning rate for such problems"""
        problems = [make(rng, TOTAL) for make in KINDS.values() for _ in range(2)]
        adam = np.mean([descent(p, oracle.probes.tuned_adam(p, TUNED, TOTAL)) for p in problems])
        ends = [contest(student.own_optimizer, problem) for problem in problems]
        own = np.mean([descent(problem, end) for problem, end in zip(problems, ends)])
        assert_at_most(
            own,
            adam,
            "the mean change of the loss, in powers of ten (Adam's is the threshold),",
            ends,
        )

    @robust
    @pytest.mark.parametrize("size", [(), (2, 3)], ids=["number", "matrix"])
    def test_any_shape(self, student, rng, size):
        """w of any shape keeps its shape in every step, even if the budget is one step"""
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
    def test_arguments_unchanged(self, student, unchanged, rng):
        """w, the gradient and the state are not changed"""
        w, state = stepped(student.own_optimizer(rng.normal(size=4), rng.normal(size=4), {}, 0, 9))
        assert_unchanged(student)
        unchanged.own_optimizer(np.asarray(w), rng.normal(size=4), state, 1, 9)
