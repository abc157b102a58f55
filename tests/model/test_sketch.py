"""A sketch forgives what rounding does to the last bits, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.model.sketch import Sketch, sketch
from autograder.worker.codec import Seed

FLOATS = hnp.arrays(
    np.float64,
    hnp.array_shapes(max_dims=3, max_side=6),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


def ulps(array, rng, most=4):
    """Each entry moved by a few of its last bits."""
    steps = np.random.RandomState(rng).randint(-most, most + 1, size=array.shape)
    return array * (1 + steps * 2.0**-52)


@given(FLOATS, st.integers(0, 99))
def test_the_last_bits_are_forgiven(array, rng):
    assert sketch(("f", [array])).fits(sketch(("f", [ulps(array, rng)])))


@given(FLOATS, st.data())
def test_one_entry_changed_by_a_millionth_is_found(array, data):
    index = data.draw(st.integers(0, array.size - 1))
    drifted = array.copy().ravel()
    drifted[index] += 1e-6 * max(np.abs(array).max(), 1e-30)
    assert not sketch(array).fits(sketch(drifted.reshape(array.shape)))


@pytest.mark.parametrize("size", [2, 10, 1000, 100_000])
def test_in_an_array_of_any_size_one_entry_and_two_swapped_entries_are_found(size):
    rng = np.random.RandomState(size)
    array = rng.normal(size=size)
    for i, j in rng.permutation(size)[: size // 2 * 2].reshape(-1, 2)[:50]:
        changed, swapped = array.copy(), array.copy()
        changed[i] += 1e-6 * np.abs(array).max()
        swapped[[i, j]] = array[[j, i]]
        assert not sketch(array).fits(sketch(changed))
        assert not sketch(array).fits(sketch(swapped))


ALL_DIFFERENT = {
    "nothing": None,
    "zero": 0,
    "no": False,
    "float zero": 0.0,
    "text": "0",
    "array zero": np.array(0.0),
    "single zero": np.float32(0),
    "one zero": np.zeros(1),
    "a row": np.zeros((1, 1)),
    "integers": np.zeros(1, int),
    "a list": [0.0],
    "a tuple": (0.0,),
    "a dict": {0: 0.0},
    "another key": {"0": 0.0},
    "a seed": Seed(0),
    "another seed": Seed(1),
    "nan": np.nan,
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "complex": 0j,
}


@pytest.mark.parametrize("name", ALL_DIFFERENT)
def test_structure_types_and_texts_are_exact(name):
    fitting = [o for o, v in ALL_DIFFERENT.items() if sketch(v).fits(sketch(ALL_DIFFERENT[name]))]
    assert fitting == [name]


def test_a_nan_in_another_place_is_found():
    assert not sketch(np.array([np.nan, 1.0])).fits(sketch(np.array([1.0, np.nan])))


def test_a_single_precision_array_forgives_its_own_last_bits():
    array = np.linspace(1, 2, 50, dtype=np.float32)
    steps = np.random.RandomState(0).randint(-1, 2, size=50).astype(np.float32)
    assert sketch(array).fits(sketch(array * (1 + steps * np.float32(2**-23))))
    assert not sketch(array).fits(sketch(array * np.float32(1.0001)))


@given(FLOATS)
def test_a_sketch_survives_its_file(array):
    made = sketch((array, 3, "x", array.astype(np.float32)))
    assert Sketch.from_plain(made.to_plain()) == made


@pytest.mark.parametrize("value", [object(), {1}, b"bytes", [len]])
def test_what_is_no_plain_data_has_no_sketch(value):
    with pytest.raises(TypeError, match="plain data"):
        sketch(value)
