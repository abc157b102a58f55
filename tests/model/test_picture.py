"""Pictures are small plain data made from masks and shapes, and nothing else is read as one."""

import json
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.model import picture
from autograder.render import drawing

masks = hnp.arrays(
    bool,
    hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=40).filter(
        lambda s: np.prod(s) < 1e5
    ),
)
whole = st.integers(0, 1 << 61)
names = st.sampled_from(["the test accuracy", "<b>", "a & b"])


def pictures():
    """Whatever the makers make."""
    shape = st.lists(st.one_of(st.integers(0, 9), whole), max_size=32)
    return st.one_of(
        st.builds(picture.where, masks, st.sampled_from(["differ", "are not finite"])),
        st.builds(picture.shapes, shape, shape),
        st.builds(
            picture.measured, names, st.floats(), st.floats(), st.sampled_from(["least", "most"])
        ),
        st.builds(
            picture.curve, names, st.lists(st.one_of(st.floats(), st.integers()), max_size=200)
        ),
        trainings(),
    ).filter(bool)


def trainings():
    """Of what was measured, where that is a picture at all."""
    judged = st.builds(
        picture.measured, names, st.floats(), st.floats(), st.sampled_from(["least", "most"])
    )
    ways = st.dictionaries(st.integers(1, 1 << 30), st.floats(), max_size=9)
    return st.builds(
        picture.training, judged.filter(bool), st.sampled_from(["steps", "epochs"]), ways
    )


@given(pictures())
@example(picture.shapes([1 << 61] * 32, [0] * 32))
@example(picture.measured("x", 1e299, -1e299, "most"))
@example(picture.curve("x", [-1e299, 1e299, 0.0, 5e-324]))
def test_every_picture_is_small_plain_data_that_is_read_back(made):
    text = json.dumps(made, allow_nan=False)
    assert len(text) <= 4096
    picture.require(json.loads(text))


@given(pictures())
@example(picture.shapes([1 << 61] * 32, [0] * 32))
@example(picture.measured("x", 1e299, -1e299, "most"))
@example(picture.curve("x", [-1e299, 1e299, 0.0, 5e-324]))
@example(picture.where(np.arange(6 * 8 * 12).reshape(6, 8, 12) > 9, "differ"))
def test_every_picture_is_drawn_the_same_twice_as_xml_with_words(made):
    drawn = drawing.draw(made)
    assert drawn == drawing.draw(made)
    assert len(list(xml.fromstring(f"<svg>{drawn.body}</svg>"))) > 0
    assert 0 < drawn.width < 800
    assert 0 < drawn.height < 400
    assert drawn.label
    assert drawn.caption


NO_CURVES = [
    None,
    "abc",
    3.0,
    [],
    [1, 2],
    ["a"] * 9,
    [1j] * 9,
    [[1, 2]] * 9,
    [10**400] * 9,
    [np.inf] * 9,
    {"a": 1},
]
NO_CURVES += [
    [1e308, -1e308, 0, 0],
    np.ones((3, 3)),
    np.ones(9, complex),
    [1.0, None] * 5,
    range(10),
]


@pytest.mark.parametrize("values", NO_CURVES, ids=map(str, range(len(NO_CURVES))))
def test_what_is_no_curve_is_not_drawn(values):
    assert picture.curve("losses", values) is None


def test_a_curve_shows_no_more_than_can_be_seen():
    """A function may return the secret inputs in the place of its losses."""
    secret = np.random.RandomState(0).normal(size=5000)
    made = picture.curve("losses", secret)
    assert len(made["heights"]) == 48
    assert set(made["heights"]) <= set(range(picture.TOP + 1))


def test_a_curve_has_gaps_where_it_is_not_finite():
    assert picture.curve("losses", [4.0, np.nan, 2.0, np.inf, 0.0])["heights"] == [
        32,
        None,
        16,
        None,
        0,
    ]


# --- the map ---


def caption(mask):
    return drawing.draw(picture.where(np.asarray(mask), "differ")).caption


def matrix(inside, rows=4, columns=5):
    return np.array([[inside(i, j) for j in range(columns)] for i in range(rows)])


BORDER = matrix(lambda i, j: i in (0, 3) or j in (0, 4))
PLACES = {
    "the whole of row 2": matrix(lambda i, j: i == 2),
    "the whole of rows 0, 2–3": matrix(lambda i, j: i != 1),
    "the whole of column 4": matrix(lambda i, j: j == 4),
    "the diagonal": matrix(lambda i, j: i == j),
    "all but the diagonal": matrix(lambda i, j: i != j),
    "above the diagonal": matrix(lambda i, j: i < j),
    "on and below the diagonal": matrix(lambda i, j: i >= j),
    "the border": BORDER,
    "all but the border": ~BORDER,
    "3 in rows 0, 2 and columns 1–2": matrix(lambda i, j: (i, j) in ((0, 1), (2, 1), (2, 2))),
    "entries 0, 3–5": np.isin(np.arange(7), [0, 3, 4, 5]),
    "entry 6": np.arange(7) == 6,
    "the border in [0, 0], [0, 2]": np.array([[BORDER, ~BORDER & BORDER, BORDER]]),
    "some in [0], [1]": np.array([BORDER, ~BORDER]),
    "everywhere in [1]": np.arange(2)[:, None, None] == np.ones((1, 3, 4)),
    "everywhere in [0, 2], [1, 2]": np.arange(3)[None, :, None, None] == np.full((2, 1, 2, 2), 2),
}


@pytest.mark.parametrize(("words", "mask"), PLACES.items(), ids=PLACES)
def test_the_place_of_what_is_wrong_is_named(words, mask):
    assert caption(mask) == f"Where entries differ: {words}."


@pytest.mark.parametrize(
    "mask", [np.zeros((3, 3), bool), np.ones((3, 3), bool), np.array([True, False]), np.True_]
)
def test_a_map_of_one_colour_or_of_a_few_entries_is_not_drawn(mask):
    assert picture.where(mask, "differ") is None


def test_a_large_map_is_drawn_in_blocks_that_say_how_much_of_them_is_wrong():
    mask = np.zeros((48, 30), bool)
    mask[:2] = True  # the first row of blocks
    mask[2, 1] = True  # one of the four entries of a block
    (sheet,) = picture.where(mask, "differ")["sheets"]
    assert (len(sheet), len(sheet[0])) == (24, 24)
    assert sheet[0] == "9" * 24
    assert sheet[1].count("0") == 23
    assert sheet[1][1] in "12345678"
    assert "within rows 0–3 and columns 0–29" in caption(mask)
    assert "block" in caption(mask)


def test_many_pages_become_one_of_their_mean():
    mask = np.zeros((5, 7, 4, 4), bool)
    mask[..., 0] = True
    mask[0, 0, 3, 3] = True
    (sheet,) = picture.where(mask, "differ")["sheets"]
    assert [row[0] for row in sheet] == ["9"] * 4
    assert sheet[3] == "9001"
    assert "in the last two axes, 5 in rows 0–3 and columns 0, 3" in caption(mask)
    assert "the more of its 35 entries" in caption(mask)


def test_a_map_tells_of_the_mask_and_of_nothing_else():
    assert picture.where(np.eye(3, dtype=bool), "differ") == {
        "type": "where", "what": "differ", "shape": [3, 3], "sheets": [["900", "090", "009"]],
    }  # fmt: skip


# --- what others write ---

KEYS = ["type", "what", "shape", "sheets", "name", "value", "line", "side", "lengths", "heights"]
WAY = {"unit": "steps", "lengths": [1, 2, 4], "low": 0, "high": 2, "heights": [1, None, 16]}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "what", "shape", "sheets", "name", "value", "line", "side", *WAY]
            ),
            inner,
        )
    ),
    max_leaves=12,
)
WHERE = {"type": "where", "what": "differ", "shape": [2, 2], "sheets": [["90", "09"]]}
CURVE = {"type": "curve", "name": "x", "count": 4, "low": 0, "high": 1, "heights": [1, 2, 3, None]}
MEASURED = {"type": "measured", "name": "x", "value": 1, "line": 2, "side": "least"}
TRAINING = {**MEASURED, **WAY, "type": "training"}
FORGED = [
    {**WHERE, "what": "<script>"},
    {**WHERE, "shape": ["<b>"]},
    {**WHERE, "shape": [True, 2]},
    {**WHERE, "shape": []},
    {**WHERE, "shape": [0, 2, 2], "sheets": WHERE["sheets"] * 2},
    {**WHERE, "shape": [-1, 2]},
    {**WHERE, "sheets": []},
    {**WHERE, "sheets": [[]]},
    {**WHERE, "sheets": [["90", "0"]]},
    {**WHERE, "sheets": [["00", "00"]]},
    {**WHERE, "sheets": [["9<", "09"]]},
    {**WHERE, "sheets": [["٣٣", "09"]]},
    {**WHERE, "sheets": [["90", "09"], ["90"]]},
    {**WHERE, "sheets": [["9" * 25]]},
    {**WHERE, "more": 1},
    {"type": "shapes", "actual": [1], "expected": [0] * 33},
    {"type": "shapes", "actual": [1 << 63], "expected": []},
    {**MEASURED, "side": "<b>"},
    {**MEASURED, "value": float("nan")},
    {**MEASURED, "value": 10**400},
    {**MEASURED, "name": ["x"]},
    {**MEASURED, "name": "x" * 5000},
    {**CURVE, "heights": [1, 2, 3, 33]},
    {**CURVE, "heights": [1, 2, 3, "4"]},
    {**CURVE, "heights": [1.5] * 9},
    {**CURVE, "heights": [1] * 49},
    {**TRAINING, "lengths": [1, 2, 2]},
    {**TRAINING, "lengths": [4, 2, 1]},
    {**TRAINING, "lengths": [0, 1, 2]},
    {**TRAINING, "lengths": [1, 2, 4, 8]},
    {**TRAINING, "heights": [1, 2, 33]},
    {**TRAINING, "high": 1.9},
    {**TRAINING, "unit": 3},
    {**TRAINING, "side": "<b>"},
    {key: TRAINING[key] for key in TRAINING if key != "value"},
    {"type": ["where"]},
    {"type": "film"},
    {},
    [],
    "where",
]


@pytest.mark.parametrize("forged", FORGED, ids=map(str, range(len(FORGED))))
def test_what_is_no_picture_of_ours_is_refused(forged):
    with pytest.raises(ValueError, match="a picture of no known form"):
        picture.require(forged)


@given(json_values)
@example(WHERE)
@example(MEASURED)
@example(TRAINING)
def test_anything_is_refused_or_can_be_drawn(value):
    try:
        picture.require(value)
    except ValueError:
        return
    drawing.draw(value)


def test_no_word_of_a_picture_is_read_as_html():
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)
    parser.feed(str(drawing.draw({**MEASURED, "name": "<script>"}).body))
    assert "script" not in tags
