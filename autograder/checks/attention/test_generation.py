"""Checks of 07-attention: generation, and a training."""

import time

import numpy as np
import pytest

from autograder.checks.attention.attending import (
    mean_loss,
    probabilities,
    turned_rightly,
)
from autograder.checks.attention.transformer import (
    attentive_gpt,
    gpt_params,
    noisy_language,
    reversal,
)
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_close,
    assert_finite,
    assert_parts,
    assert_shape,
    assert_unchanged,
    convergence,
    exercise,
    expect,
    generator,
    on_the_way,
    robust,
    shape,
    speed,
    supporting,
)

both = pytest.mark.parametrize("name", ["generate", "generate_cached"])


@exercise("generate")
class TestGenerate:
    @pytest.fixture
    def case(self, rng):  # N, T, V, D, heads, head size all different; two blocks
        return attentive_gpt(rng, 11, 12, 7, 2), rng.randint(0, 11, size=(2, 13)), 10, 3

    @both
    def test_greedy(self, student, oracle, rng, case, name):
        """At temperature 0 each new token is the one with the highest score"""
        (params, _, n_new, H), ids, seed = case, rng.randint(0, 11, size=(40, 13)), generator(rng)
        right = oracle.generate(params, ids, n_new, H, 0, seed)
        scores = np.sort(oracle.gpt_forward(params, right[:, :-1], H)[:, 12:], axis=2)
        clear = (scores[..., -1] - scores[..., -2]).min(
            axis=1
        ) > 1e-3  # the others may turn on a rounding
        tokens = assert_shape(
            getattr(student, name)(params, ids, n_new, H, 0, seed), right.shape, "the tokens"
        )
        assert_close(tokens[clear], right[clear], "the tokens")

    @both
    def test_short_prompt(self, student, oracle, rng, case, name):
        """A prompt of one token in a batch of one is right"""
        params, ids, _, H = case
        seed = generator(rng)
        right = oracle.generate(params, ids[:1, :1], 14, H, 0, seed)
        assert_close(
            getattr(student, name)(params, ids[:1, :1], 14, H, 0, seed), right, "the tokens"
        )

    @both
    @shape
    def test_shape(self, student, rng, case, name):
        """The result is the prompt and then the new tokens, for one new token and for many"""
        params, ids, _, H = case
        for n_new in (1, 4):
            tokens = getattr(student, name)(params, ids, n_new, H, 1.0, generator(rng))
            tokens = assert_shape(tokens, (2, 13 + n_new), "the tokens")
            assert_close(tokens[:, :13], ids, "the prompt")
            expect(
                np.isin(tokens, np.arange(11)).all(), "a token is not one of the vocabulary", tokens
            )

    @both
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
    def test_distribution(self, student, oracle, rng, name, temperature):
        """Each prompt draws its own tokens, from softmax(scores / temperature)"""
        params, n = gpt_params(rng, 5, 4, 3, 1), 4000
        ids = np.repeat(rng.randint(0, 5, size=(1, 3)), n, axis=0)
        tokens = getattr(student, name)(params, ids, 1, 2, temperature, generator(rng))
        first = assert_shape(tokens, (n, 4), "the tokens")[:, -1]
        share = np.bincount(first.astype(int), minlength=5)[:5] / n
        p = probabilities(oracle.gpt_forward(params, ids[:1], 2)[0, -1] / temperature)
        off = np.abs(share - p) / np.sqrt(p * (1 - p) / n + 1 / n**2)
        assert_at_most(
            off.max(),
            6,
            "the distance of a token's share from its probability, in standard errors",
            tokens,
        )

    @both
    def test_second_token(self, student, oracle, rng, name):
        """The second new token is drawn with the first new token as part of the input"""
        params, n = gpt_params(rng, 3, 4, 5, 2), 6000
        ids = np.repeat(rng.randint(0, 3, size=(1, 2)), n, axis=0)
        tokens = assert_shape(
            getattr(student, name)(params, ids, 2, 2, 1.5, generator(rng)), (n, 4), "the tokens"
        )
        share = np.bincount((3 * tokens[:, 2] + tokens[:, 3]).astype(int), minlength=9)[:9] / n
        longer = np.concatenate([ids[:3], np.arange(3)[:, None]], axis=1)
        scores = oracle.gpt_forward(params, longer, 2)[
            :, 1:
        ]  # after the prompt, and after each first token
        p = (
            probabilities(scores[0, 0] / 1.5)[:, None] * probabilities(scores[:, -1] / 1.5)
        ).ravel()
        off = np.abs(share - p) / np.sqrt(p * (1 - p) / n + 1 / n**2)
        assert_at_most(
            off.max(),
            6,
            "the distance of a pair's share from its probability, in standard errors",
            tokens,
        )

    @both
    def test_generator(self, student, rng, name):
        """All randomness comes from rng: the same seed gives the same tokens, another seed
        others
        """
        params, ids, seeds = (
            gpt_params(rng, 9, 4, 5, 1),
            rng.randint(0, 9, size=(4, 3)),
            [generator(rng), generator(rng)],
        )
        first, again, others = (
            getattr(student, name)(params, ids, 20, 2, 2.0, s) for s in (*seeds[:1] * 2, seeds[1])
        )
        assert_close(
            again, assert_shape(first, (4, 23), "the tokens"), "the tokens from the same seed"
        )
        expect(np.not_equal(first, others).any(), "two seeds give the same tokens", first)

    @both
    @robust
    def test_loud(self, student, oracle, rng, case, name):
        """Very large scores with a small temperature do not overflow: they give the most likely
        token
        """
        params, ids, n_new, H = case
        loud = params | {"Wy": 1e3 * params["Wy"]}
        right = oracle.generate(loud, ids, n_new, H, 0, seed := generator(rng))
        assert_close(getattr(student, name)(loud, ids, n_new, H, 0.01, seed), right, "the tokens")

    @both
    @robust
    def test_arguments_unchanged(self, student, rng, case, name):
        """params and ids are not changed"""
        params, ids, _, H = case
        getattr(student, name)(params, ids, 3, H, 0.8, generator(rng))
        assert_unchanged(student)

    @speed
    def test_work(self, student, oracle, rng):
        """For 60 new tokens after 140, generate_cached takes at most 1/3 of the time of generate"""
        params, ids = gpt_params(rng, 7, 32, 16, 1, loud=3), rng.randint(0, 7, size=(2, 140))
        rest, times = (
            (ids, 60, 4, 0, generator(rng)),
            {student.generate: [], student.generate_cached: []},
        )
        right = oracle.generate(params, *rest)
        plain, cached = times
        for run in (cached, plain, cached, cached):  # in turns: a busy moment is nobody's fault
            start = time.perf_counter()
            tokens = run(params, *rest)
            times[run].append(time.perf_counter() - start)
            assert_close(tokens, right, "the tokens")
        ratio = min(times[plain][0] / min(times[cached]), 6.0)  # far above the line it is all one
        assert_at_least(
            ratio,
            3,
            "the time of generate divided by the time of generate_cached",
            {"ratio": "too small"},
        )


@exercise("train_transformer")
class TestTrainTransformer:
    @pytest.fixture
    def small(self, rng):
        return [part[:30] for part in reversal(rng, 30, length=3, symbols=4)]

    def trained(self, student, data, vocab_size, seed, steps):
        """The student's params and the number of heads."""
        return assert_parts(
            student.train_transformer(*data, vocab_size, seed, steps), ("params", "n_heads")
        )

    def scores(self, student, params, ids, n_heads, V):
        """What the trained model says, by the student's own gpt_forward."""
        return assert_finite(
            assert_shape(student.gpt_forward(params, ids, n_heads), (*ids.shape, V), "logits")
        )

    @shape
    def test_a_model(self, student, rng, small):
        """The result works with gpt_forward: it has a row of E and a column of Wy for every
        token
        """
        params, n_heads = self.trained(student, small, 8, generator(rng), 2)
        self.scores(student, params, small[0], n_heads, 8)
        keys = gpt_params(np.random.RandomState(0), 8, 4, 5, 0)
        expect(
            isinstance(params, dict) and params.keys() == keys.keys(),
            f"params has the wrong keys, expected {', '.join(keys)}",
        )
        expect(
            len(params["E"]) == 8,
            f"E has {len(params['E'])} rows, expected vocab_size = 8",
            params["E"],
        )

    @supporting
    def test_masked_targets(self, student, rng, small):
        """The targets of masked tokens do not change the trained model"""
        ids, targets, _ = small
        mask = rng.uniform(size=targets.shape) < 0.5
        mask[:, 0] = True
        seed, other = generator(rng), np.where(mask, targets, rng.randint(0, 5, size=targets.shape))
        logits = [
            self.scores(student, *self.after(student, (ids, t, mask), seed), 5)
            for t in (targets, other)
        ]
        assert_close(logits[1], logits[0], "the scores after training with other masked targets")

    def after(self, student, data, seed):
        params, n_heads = self.trained(student, data, 5, seed, 4)
        return params, data[0], n_heads

    @supporting
    def test_generator(self, student, rng, small):
        """All randomness comes from rng: the same seed gives the same model, another seed
        another
        """
        seeds = [generator(rng), generator(rng)]
        first, again, other = (
            self.scores(student, *self.after(student, small, s), 5)
            for s in (seeds[0], seeds[0], seeds[1])
        )
        assert_close(again, first, "the scores from the same seed")
        expect(np.abs(first - other).max() > 1e-6, "two seeds give the same model", first)

    @supporting
    @convergence
    def test_steps(self, student, rng):
        """After three updates the task is not learned yet: steps is the number of updates"""
        ids, targets, mask = reversal(rng, 200)
        params, n_heads = self.trained(student, (ids, targets, mask), 11, generator(rng), 3)
        right = turned_rightly(self.scores(student, params, ids, n_heads, 11), targets, mask)
        assert_at_most(
            right, 0.2, "the share of correctly reversed tokens after three steps", params
        )

    @convergence
    def test_known_entropy(self, student, rng):
        """On a random language, the loss on new text comes close to the entropy, and not below
        it
        """
        text, least = noisy_language(rng, 800, 12)
        data, seed = (text[:400, :-1], text[:400, 1:], np.ones((400, 12))), generator(rng)

        def above(params, n_heads):
            return (
                mean_loss(self.scores(student, params, text[400:, :-1], n_heads, 6), text[400:, 1:])
                - least
            )

        params, n_heads = self.trained(student, data, 6, seed, 100)
        excess = above(params, n_heads)
        low = f"the loss is {-excess:.3g} below the minimum: can a position see later tokens?"
        expect(excess > -0.03, low, params)
        with on_the_way(
            student, 100, "steps", lambda n: above(*self.trained(student, data, 6, seed, n))
        ):
            assert_at_most(
                excess, 0.2, "the loss on new text minus the lowest possible loss", params
            )

    @convergence
    def test_reversal(self, student, rng):
        """After 400 steps it reverses new sequences of eight symbols"""
        ids, targets, mask = reversal(rng, 2500)
        data, seed = (ids[:2000], targets[:2000], mask[:2000]), generator(rng)

        def right(params, n_heads):
            return turned_rightly(
                self.scores(student, params, ids[2000:], n_heads, 11), targets[2000:], mask[2000:]
            )

        params, n_heads = self.trained(student, data, 11, seed, 400)
        share = right(params, n_heads)
        with on_the_way(
            student, 400, "steps", lambda n: right(*self.trained(student, data, 11, seed, n))
        ):
            assert_at_least(share, 0.98, "the share of correctly reversed tokens", params)

    @robust
    def test_arguments_unchanged(self, student, rng, small):
        """ids, targets and mask are not changed"""
        self.trained(student, small, 5, generator(rng), 2)
        assert_unchanged(student)
