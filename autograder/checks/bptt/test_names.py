"""Checks of 06-bptt: a model of names."""

import numpy as np
import pytest

from autograder.checks.bptt.dinosaurs import bigram_nll
from autograder.checks.bptt.sequences import (
    character_model,
    name_probabilities,
    nll,
    recall,
    recalled,
    some_names,
    surprise,
    tensor_shapes,
)
from autograder.testing import (
    assert_at_least,
    assert_at_most,
    assert_gradients,
    assert_parts,
    assert_scalar,
    assert_shapes,
    causes,
    convergence,
    exercise,
    expect,
    fail,
    generator,
    gradient,
    numbers,
    on_the_way,
    robust,
    shape,
    supporting,
)

# -- a model of characters
# -----------------------------------------------------------------------------


@exercise("char_rnn")
class TestCharRnn:
    names = ("loss", "grads")

    @pytest.fixture
    def case(self, rng):  # N, T, V, D, H all different; one row is empty, and 5 never occurs
        mask = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
        return character_model(rng, 7, 2, 4), rng.choice([0, 1, 2, 3, 4, 6], size=(3, 7)), mask

    def compare(self, student, oracle, *case):
        """Loss and all gradients."""
        loss, grads = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)
        right = oracle.char_rnn_loss_and_gradients(*case)
        assert_scalar(loss, right[0])
        assert_gradients(grads, right[1])

    def test_by_hand(self, student):
        """If all weights are 0 and by = (0, ln 3), each target 0 costs ln 4 and each target 1 costs
        ln 4/3
        """
        params = {name: np.zeros(size) for name, size in tensor_shapes(2, 3, 4).items()}
        params["by"] = np.array([0.0, np.log(3)])
        ids, mask = np.array([[0, 0, 1, 1]]), np.array([[1, 1, 0]])
        loss, grads = assert_parts(
            student.char_rnn_loss_and_gradients(params, ids, mask), self.names
        )
        right = {name: np.zeros(size) for name, size in tensor_shapes(2, 3, 4).items()}
        assert_scalar(loss, np.log(16 / 3) / 2)
        assert_gradients(grads, {**right, "by": [-0.25, 0.25]})

    def test_loss(self, same, case):
        """The loss is the mean over the unmasked targets of -log p(next symbol)"""
        mine, right = same.char_rnn_loss_and_gradients(*case)
        loss = assert_parts(mine, self.names)[0]
        assert_scalar(loss, right[0])

    @gradient
    def test_gradients(self, same, case):
        """The gradients of all six tensors are right"""
        mine, right = same.char_rnn_loss_and_gradients(*case)
        grads = assert_parts(mine, self.names)[1]
        assert_gradients(grads, right[1])

    @gradient
    def test_square(self, student, oracle, rng):
        """The loss and the gradients are right when all dimensions are equal"""
        self.compare(
            student,
            oracle,
            character_model(rng, 3, 3, 3),
            rng.randint(0, 3, size=(3, 4)),
            np.ones((3, 3)),
        )

    @gradient
    @pytest.mark.parametrize("N, T", [(1, 5), (6, 1)], ids=["one-row", "one-step"])
    def test_sizes(self, student, oracle, rng, N, T):
        """A batch of one row and rows of one step are right"""
        ids, mask = rng.randint(0, 5, size=(N, T + 1)), np.ones((N, T), bool)
        self.compare(student, oracle, character_model(rng, 5, 3, 2), ids, mask)

    @gradient
    def test_last_target_only(self, student, oracle, rng):
        """A loss at the last of nine steps gives a gradient to every symbol before it"""
        mask = np.zeros((2, 9), np.int64)
        mask[:, -1] = 1
        ids = np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 3], [4, 3, 8, 2, 7, 1, 6, 0, 5, 6]])
        self.compare(student, oracle, character_model(rng, 9, 3, 5), ids, mask)

    def test_padding_does_not_matter(self, student, rng, case):
        """Symbols after the end of a row do not change the result"""
        params, ids, mask = case
        loss, grads = assert_parts(student.char_rnn_loss_and_gradients(*case), self.names)
        others = ids.copy()
        others[1, 4:] = (ids[1, 4:] + 1) % 7
        again = assert_parts(student.char_rnn_loss_and_gradients(params, others, mask), self.names)
        assert_scalar(
            again[0], float(numbers(loss, "the loss").sum()), "the loss with other padding"
        )
        shapes = {name: np.shape(part) for name, part in params.items()}
        assert_gradients(again[1], assert_shapes(grads, shapes), "the gradients with other padding")

    def test_no_look_ahead(self, student, rng):
        """A prediction does not use the symbol that it predicts"""
        params = {**character_model(rng, 5, 2, 3), "Wy": np.zeros((3, 5)), "by": np.zeros(5)}
        loss = assert_parts(
            student.char_rnn_loss_and_gradients(
                params, rng.randint(0, 5, size=(2, 5)), np.ones((2, 4))
            ),
            self.names,
        )[0]
        assert_scalar(loss, np.log(5))

    @robust
    def test_arguments_unchanged(self, unchanged, case):
        """params, ids and mask are not changed"""
        unchanged.char_rnn_loss_and_gradients(*case)


def plain_name(name):
    """A name as a tuple of whole numbers."""
    symbols = numbers(list(name) if isinstance(name, (list, tuple)) else name, "the name")
    if symbols.ndim != 1 or (symbols % 1).any():
        fail("the name is not a list of whole numbers, one for each symbol", saw=name)
    return tuple(int(s) for s in symbols)


@exercise("sample_name")
class TestSampleName:
    @pytest.fixture
    def model(self, rng):  # 0 ends a name; 4 begins it, and is not drawn again
        model = character_model(rng, 5, 3, 4, scale=2.5)
        model["by"][0] -= 0.5
        model["by"][4] = -200.0
        return model

    def written(self, student, model, start, end, longest, temperature, seed, times=1):
        """Many names as tuples, all of them legal."""
        names = student.probes.many_names(model, start, end, longest, temperature, times, seed)
        names = [plain_name(name) for name in names]
        for name in names:
            expect(
                len(name) <= longest,
                f"a name has {len(name)} symbols, expected at most {longest}",
                names,
                cause=causes.measured("most", len(name), longest),
            )
            expect(end not in name, f"the end symbol {end} is part of a name", names)
        return names

    def greedy(self, student, params, *rest):
        return plain_name(
            student.sample_name(params, *rest, 0, generator(np.random.RandomState(0)))
        )

    @pytest.mark.parametrize(
        "start, name", [(3, (0, 1, 2)), (1, (2,)), (2, ())], ids=["three", "one", "none"]
    )
    def test_by_hand(self, student, start, name):
        """A model that always writes 3 0 1 2 and then the end (4) does so from any start"""
        chain = (
            np.array(
                [
                    [0, 1, 0, 0, 0],
                    [0, 0, 1, 0, 0],
                    [0, 0, 0, 0, 1],
                    [1, 0, 0, 0, 0],
                    [0, 0, 0, 0, 1],
                ]
            )
            * 9.0
        )
        params = {"E": 9 * np.eye(5), "Wx": np.eye(5), "Wh": np.zeros((5, 5)), "b": np.zeros(5)}
        mine = self.greedy(student, {**params, "Wy": chain, "by": np.zeros(5)}, start, 4, 10)
        expect(mine == name, f"the name is {list(mine)}, expected {list(name)}", np.array(mine))

    @pytest.mark.parametrize("model_number", [1, 2, 3])
    def test_greedy(self, student, oracle, rng, model_number):
        """At temperature 0 each symbol is the most likely one after all symbols before it"""
        model = character_model(rng, 6, 3, 5, scale=3.0)
        model["by"][0] = -30.0  # the end never comes
        mine = self.greedy(student, model, 4, 0, 12)
        right = oracle.sample_name(model, 4, 0, 12, 0, generator(np.random.RandomState(0)))
        expect(
            mine == tuple(right),
            f"the name is {list(mine)}, expected {list(right)}",
            np.array(mine),
        )

    @pytest.mark.parametrize("temperature", [0.5, 1, 3.0])
    def test_distribution(self, student, rng, model, temperature):
        """Names of up to three symbols are as frequent as softmax(scores / temperature) says"""
        names = self.written(student, model, 4, 0, 3, temperature, generator(rng), times=900)
        off = surprise(names, name_probabilities(model, 4, 0, 3, temperature))
        assert_at_most(off, 6, "the largest error of a count, in standard errors,", names)

    def test_start_is_end(self, student, rng):
        """The start symbol and the end symbol may be the same"""
        model = character_model(rng, 3, 2, 4, scale=2.0)
        names = self.written(student, model, 0, 0, 2, 1.0, generator(rng), times=600)
        off = surprise(names, name_probabilities(model, 0, 0, 2, 1.0))
        assert_at_most(off, 6, "the largest error of a count, in standard errors,", names)

    def test_longest(self, student, rng, model):
        """If the end symbol never comes, the name has max_length symbols"""
        model["by"][0] = -200.0
        for longest in (1, 7):
            (name,) = self.written(student, model, 4, 0, longest, 1.0, generator(rng))
            expect(
                len(name) == longest,
                f"the name has {len(name)} symbols, expected {longest}",
                np.array(name),
            )

    def test_generator(self, student, rng, model):
        """All randomness comes from rng: the same seed gives the same names, another seed other
        names
        """
        model["by"][0] = -200.0
        seed, other = generator(rng), generator(rng)
        first, again, others = (
            self.written(student, model, 4, 0, 30, 3.0, s, times=3) for s in (seed, seed, other)
        )
        expect(first == again, "the same seed gives different names", np.array(again))
        expect(first != others, "two seeds give the same names", np.array(first))
        expect(
            len(set(first)) > 1, "all names drawn one after the other are equal", np.array(first)
        )

    @robust
    @pytest.mark.parametrize("temperature", [1.0, 1e-3])
    def test_large_scores(self, student, rng, temperature):
        """Scores of ±1,000 and small temperatures do not overflow"""
        params = {name: np.zeros(size) for name, size in tensor_shapes(4, 2, 3).items()}
        params["by"] = np.array([-1000.0, 900.0, 1000.0, 0.0])
        (name,) = self.written(student, params, 3, 0, 4, temperature, generator(rng))
        expect(
            name == (2, 2, 2, 2), f"the name is {list(name)}, expected [2, 2, 2, 2]", np.array(name)
        )

    @robust
    @pytest.mark.parametrize("temperature", [0, 0.7])
    def test_arguments_unchanged(self, unchanged, rng, model, temperature):
        """The parameters are not changed"""
        unchanged.sample_name(model, 4, 0, 5, temperature, generator(rng))


@exercise("train_char_rnn")
class TestTrainCharRnn:
    def trained(self, student, ids, mask, V, H, steps, seed):
        """The student's params: the tensors of a character model, the width of E free."""
        params = student.train_char_rnn(ids, mask, V, H, steps, seed)
        expect(
            isinstance(params, dict),
            f"params is not a dict but {type(params).__name__}",
            params,
        )
        width = np.shape(params.get("E"))[-1:] or (1,)
        return assert_shapes(params, tensor_shapes(V, width[0], H), "params")

    @shape
    @pytest.mark.parametrize("V, H", [(6, 5), (9, 1)])
    def test_shapes(self, student, rng, V, H):
        """The six tensors have the right shapes, even if a symbol never occurs"""
        self.trained(
            student, rng.randint(0, 4, size=(7, 5)), np.ones((7, 4)), V, H, 2, generator(rng)
        )

    @supporting
    def test_no_steps(self, student, rng):
        """With 0 steps the parameters are the initial ones, whatever the data"""
        seed, one, two = (
            generator(rng),
            rng.randint(0, 4, size=(7, 5)),
            rng.randint(0, 4, size=(7, 5)),
        )
        first, second = (
            self.trained(student, ids, np.ones((7, 4)), 4, 5, 0, seed) for ids in (one, two)
        )
        assert_gradients(second, first, "the parameters from other data")

    @supporting
    def test_one_step(self, student, rng):
        """One step changes every tensor, and other data give other changes"""
        seed, one = generator(rng), rng.randint(0, 4, size=(7, 5))
        first, second = (
            self.trained(student, ids, np.ones((7, 4)), 4, 5, 1, seed) for ids in (one, 3 - one)
        )
        for name in first:
            moved = np.abs(first[name] - second[name]).max()
            expect(moved > 0, f"other data give the same {name}; is it trained?", (first, second))

    @supporting
    def test_generator(self, student, rng):
        """All randomness comes from rng: the same seed gives the same parameters, another seed
        others
        """
        case, seed, other = (
            (rng.randint(0, 4, size=(9, 4)), np.ones((9, 3)), 4, 5, 3),
            generator(rng),
            generator(rng),
        )
        first, again, others = (self.trained(student, *case, s) for s in (seed, seed, other))
        assert_gradients(again, first, "the parameters from the same seed")
        expect(
            any((first[k] != others[k]).any() for k in first),
            "two seeds give the same parameters",
            first,
        )

    @supporting
    def test_padding_does_not_matter(self, student, rng):
        """Symbols after the end of a row do not change the parameters"""
        ids, mask, seed = (
            rng.randint(0, 5, size=(8, 6)),
            np.arange(5) < rng.randint(1, 5, size=(8, 1)),
            generator(rng),
        )
        behind = np.concatenate([np.zeros((8, 1), bool), ~mask], axis=1)
        others = np.where(behind, (ids + 2) % 5, ids)
        first, second = (self.trained(student, row, mask, 5, 4, 5, seed) for row in (ids, others))
        assert_gradients(second, first, "the parameters with other padding")

    @robust
    def test_empty_rows(self, student, rng):
        """Rows without any target do not cause NaN"""
        mask = np.zeros((60, 4), np.int64)
        mask[7, :2] = mask[31] = 1
        params = self.trained(
            student, rng.randint(0, 4, size=(60, 5)), mask, 4, 5, 40, generator(rng)
        )
        expect(
            all(np.isfinite(part).all() for part in params.values()),
            "a parameter is NaN or infinite",
            params,
        )

    @convergence
    def test_recall(self, student, rng):
        """The network remembers the first of eleven symbols to the end; that needs gradients
        through all steps
        """
        ids, mask = recall(rng, 900)
        seed = generator(rng)

        def trained(steps):
            return self.trained(student, ids[:500], mask[:500], 4, 24, steps, seed)

        params = trained(600)
        with on_the_way(student, 600, "steps", lambda n: recalled(trained(n), ids[500:])):
            assert_at_least(
                recalled(params, ids[500:]),
                0.95,
                "the share of first symbols that are remembered",
                params,
            )

    @convergence
    def test_names(self, student, rng):
        """Names are predicted better than by the frequencies of letter pairs"""
        ids, mask = some_names(rng, 200)
        seed = generator(rng)

        def trained(steps):
            return self.trained(student, ids, mask, 27, 48, steps, seed)

        params = trained(300)
        with on_the_way(student, 300, "steps", lambda n: nll(trained(n), ids, mask)):
            assert_at_most(
                nll(params, ids, mask),
                0.9 * bigram_nll(ids, mask),
                "the mean loss on the names",
                params,
            )

    @robust
    def test_arguments_unchanged(self, unchanged, rng):
        """ids and mask are not changed"""
        unchanged.train_char_rnn(
            rng.randint(0, 4, size=(9, 4)), np.ones((9, 3)), 4, 5, 2, generator(rng)
        )
