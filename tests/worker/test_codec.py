"""The wire carries plain data unharmed, refuses all else by name, and believes no frame."""

import io
import struct

import msgpack
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.worker import codec
from autograder.worker.codec import BadFrame, NotPlain

HEADER = struct.Struct("<4sIQ")


def frame(tree, buffers=(), lengths=None, magic=b"dlw1"):
    """A frame made by hand, honest or not."""
    data = b"".join(buffers)
    meta = msgpack.packb([tree, [len(b) for b in buffers] if lengths is None else lengths])
    return HEADER.pack(magic, len(meta), len(data)) + meta + data


def identical(a, b):
    """Same types, same structure, same bits."""
    if isinstance(a, np.generic) and isinstance(
        b, np.generic
    ):  # ulonglong arrives as its equal, uint64
        return identical(np.asarray(a), np.asarray(b))
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(identical, a.items(), b.items()))
    if isinstance(a, np.ndarray):
        native = a.dtype.newbyteorder("=")
        return (
            b.dtype == native and a.shape == b.shape and a.astype(native).tobytes() == b.tobytes()
        )
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, complex):
        return identical(a.real, b.real) and identical(a.imag, b.imag)
    return a == b


def views(array):
    """The same numbers, or some of them, laid out in every way that NumPy knows."""
    locked = array.copy()
    locked.flags.writeable = False
    layouts = [
        array,
        np.asfortranarray(array),
        array.T,
        locked,
        np.broadcast_to(array, (2, *array.shape)),
    ]
    if array.ndim:
        layouts += [array[::2], array[::-1], array[..., ::-2]]
    return st.sampled_from(layouts)


dtypes = st.builds(
    lambda char, order: np.dtype(char).newbyteorder(order),
    st.sampled_from(sorted(codec.DTYPES)),
    st.sampled_from("<>"),
)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
arrays = hnp.arrays(dtypes, shapes).flatmap(views)
scalars = (
    st.sampled_from(sorted(codec.DTYPES))
    .flatmap(lambda char: hnp.arrays(char, ()))
    .map(lambda a: a[()])
)
integers = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.sampled_from([-(2**63), 2**63 - 1, 2**63, 2**64 - 1])
)
keys = st.one_of(st.text(max_size=5), integers, st.booleans(), st.none(), st.floats())
leaves = st.one_of(
    st.none(),
    st.booleans(),
    integers,
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    arrays,
    scalars,
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=12,
)


@given(values)
@example(())
@example([[], {}, ((),)])
@example(np.array(3.5))
@example(np.zeros((0, 3)))
def test_every_plain_value_arrives_as_it_was_sent(value):
    assert identical(value, codec.copy(value))


@given(st.integers(0, 2**64 - 1))
@example(0x7FF0000000000001)  # a signalling NaN
@example(0xFFF8000000000123)  # a NaN with a sign and a payload
@example(0x8000000000000000)  # minus zero
@example(0xFFF0000000000000)  # minus infinity
def test_the_bits_of_a_float_survive_in_an_array(bits):
    array = np.array([bits], np.uint64).view(np.float64)
    assert codec.copy(array).tobytes() == array.tobytes()


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**63 - 1, 2**63, 2**64 - 1])
def test_integers_travel_up_to_the_edge_of_64_bits(number):
    assert codec.copy(number) == number


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**64, 10**400])
def test_an_integer_beyond_64_bits_is_refused(number):
    with pytest.raises(NotPlain, match="an integer beyond 64 bits"):
        codec.encode(number)


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_a_long_double_travels_in_double_precision(dtype):
    arrived = codec.copy(np.ones(2, dtype) / 3)
    assert arrived.dtype == (np.float64 if dtype is np.longdouble else np.complex128)
    assert arrived[0] == 1 / 3


@given(arrays)
def test_a_decoded_array_can_be_written_and_shares_nothing(array):
    sent = codec.encode([array, array])
    first, second = codec.decode(sent)
    assert first.flags.writeable
    assert first.flags.c_contiguous
    first[...] = 1
    assert identical(array, second)
    assert codec.encode([array, array]) == sent


def test_a_value_used_twice_arrives_as_two():
    shared = [1]
    first, second = codec.copy([shared, shared])
    first.append(2)
    assert second == [1]


# --- what is refused, and how it is told ---


class Liar:
    """Equal to everything, and an array to whoever asks."""

    shape, dtype, ndim = (2,), np.dtype(float), 1

    def __eq__(self, other):
        return True

    def __array__(self, *_, **__):
        return np.zeros(2)

    def __float__(self):
        return 1.0

    @property
    def __class__(self):
        return np.ndarray


class Sub(np.ndarray):
    """An array that is of another type."""


class Text(str):
    """A str that is of another type."""


class Whole(int):
    """An int that is of another type."""


class Real(np.float64):
    """A NumPy scalar that is of another type."""


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


REFUSED = {
    "object array": (np.array([1, None]), "an array of dtype object"),
    "text array": (np.array(["a"]), "an array of dtype <U1"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), "an array of dtype datetime64"),
    "records": (np.zeros(2, [("a", float)]), "an array of dtype"),
    "matrix": (np.zeros(2).view(np.matrix), "an object of type matrix"),
    "masked": (np.ma.masked_array([1.0, 2.0], [0, 1]), "an object of type MaskedArray"),
    "own subclass": (np.zeros(2).view(Sub), "an object of type Sub"),
    "own scalar": (Real(1.0), "an object of type Real"),
    "liar": (Liar(), "an object of type Liar"),
    "liar in an array": (np.array([Liar(), None], object), "an array of dtype object"),
    "str subclass": (Text("a"), "an object of type Text"),
    "int subclass": (Whole(1), "an object of type Whole"),
    "set": ({1, 2}, "an object of type set"),
    "bytes": (b"a", "an object of type bytes"),
    "function": (len, "an object of type builtin_function_or_method"),
    "generator": ((i for i in ()), "an object of type generator"),
    "dict with a tuple key": ({(1, 2): 3}, "a dict with a key of type tuple"),
    "dict with a subclass key": ({Text("a"): 3}, "a dict with a key of type Text"),
    "too deep": (nested(codec.MAX_DEPTH + 1), f"nested more than {codec.MAX_DEPTH} levels deep"),
    "claims terabytes": (
        np.broadcast_to(1.0, (10**6, 10**6)),
        "an array of 1000000000000 entries, 8000000 MB",
    ),
    "small integers without end": (np.ones(codec.MAX_ENTRIES + 1, bool), "at most 2097152 entries"),
    "much text": ("a" * codec.MAX_META, "too much data"),
}


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_plain_is_refused_by_name(value, words):
    with pytest.raises(NotPlain) as caught:
        codec.encode(value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "where"),
    [((1, {2}), "[1]"), ({"dW": [0, {2}]}, "['dW'][1]"), ([[np.array([None])]], "[0][0]")],
)
def test_a_refusal_says_where_the_value_sits(value, where):
    with pytest.raises(NotPlain) as caught:
        codec.encode(value)
    assert str(caught.value).startswith(f"at {where} ")


@given(st.dictionaries(st.text(), st.sets(st.integers()), min_size=1))
@example({"k" * 2_000_000: {1}})
def test_a_refusal_is_short_enough_to_read(value):
    with pytest.raises(NotPlain) as caught:
        codec.encode(value)
    assert len(str(caught.value)) <= 500


def test_a_list_that_holds_itself_is_refused():
    ring = []
    ring.append(ring)
    with pytest.raises(NotPlain, match="nested"):
        codec.encode(ring)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_text_that_is_no_unicode_is_refused(text):
    with pytest.raises(NotPlain):
        codec.encode(text)


@pytest.mark.parametrize("ndim", [codec.MAX_NDIM, codec.MAX_NDIM + 1, 32])
def test_what_can_be_encoded_can_be_decoded_whatever_its_axes(ndim):
    try:
        sent = codec.encode(np.ones((1,) * ndim))
    except NotPlain:
        assert ndim > codec.MAX_NDIM
    else:
        assert codec.decode(sent).ndim == ndim


@pytest.mark.parametrize("depth", [codec.MAX_DEPTH - 1, codec.MAX_DEPTH])
def test_the_deepest_value_that_can_be_encoded_can_be_decoded(depth):
    assert codec.copy(nested(depth)) == nested(depth)


# --- frames that no honest sender writes ---


def wrapped(depth):
    """Lists within lists, as the structure of a frame."""
    tree = 1
    for _ in range(depth):
        tree = ["l", tree]
    return tree


EIGHT = b"\0" * 8
LIES = {
    "shape too large": frame(["a", "<f8", [2], 0], [EIGHT]),
    "too many entries": frame(
        ["a", "|i1", [codec.MAX_ENTRIES + 1], 0], [bytes(codec.MAX_ENTRIES + 1)]
    ),
    "shape too small": frame(["a", "<f8", [], 0], [EIGHT * 2]),
    "shape negative": frame(["a", "<f8", [-1], 0], [EIGHT]),
    "shape negative twice": frame(["a", "<f8", [-1, -1], 0], [EIGHT]),
    "shape of floats": frame(["a", "<f8", [1.0], 0], [EIGHT]),
    "shape of bools": frame(["a", "<f8", [True], 0], [EIGHT]),
    "shape no list": frame(["a", "<f8", 1, 0], [EIGHT]),
    "shape that overflows": frame(["a", "<f8", [2**62, 4], 0], [EIGHT]),
    "shape empty and huge": frame(["a", "<f8", [0, 2**62, 2**62], 0], [b""]),
    "too many axes": frame(["a", "<f8", [1] * 17, 0], [EIGHT]),
    "far too many axes": frame(["a", "<f8", [1] * 70, 0], [EIGHT]),
    "index beyond": frame(["a", "<f8", [1], 1], [EIGHT]),
    "index negative": frame(["a", "<f8", [1], -1], [EIGHT]),
    "index a bool": frame(["a", "<f8", [1], True], [EIGHT, EIGHT]),
    "index no number": frame(["a", "<f8", [1], "0"], [EIGHT]),
    "objects": frame(["a", "|O", [1], 0], [EIGHT]),
    "text": frame(["a", "<U2", [1], 0], [EIGHT]),
    "bytes": frame(["a", "|S8", [1], 0], [EIGHT]),
    "raw": frame(["a", "|V8", [1], 0], [EIGHT]),
    "dates": frame(["a", "<M8[s]", [1], 0], [EIGHT]),
    "records": frame(["a", "f4,f4", [1], 0], [EIGHT]),
    "subarray": frame(["a", "(2,)<f4", [1], 0], [EIGHT]),
    "long double": frame(["a", "<f16", [1], 0], [EIGHT * 2]),
    "a dtype by another name": frame(["a", "float64", [1], 0], [EIGHT]),
    "no dtype": frame(["a", "nonsense", [1], 0], [EIGHT]),
    "an empty dtype": frame(["a", "", [1], 0], [EIGHT]),
    "no dtype but a number": frame(["a", 8, [1], 0], [EIGHT]),
    "many dtypes": frame(["a", ",".join(["f4"] * 1000), [1], 0], [EIGHT]),
    "unknown tag": frame(["x", 1]),
    "no tag": frame([]),
    "a tag that is a list": frame([["a"], 1]),
    "a map": frame({"a": 1}),
    "bytes in the structure": frame(b"abc"),
    "an extension type": frame(msgpack.ExtType(5, b"abc")),
    "a timestamp": frame(msgpack.Timestamp(1)),
    "complex of text": frame(["c", "1", "2"]),
    "complex of three": frame(["c", 1.0, 2.0, 3.0]),
    "dict with an odd end": frame(["d", 1]),
    "dict with a list key": frame(["d", ["t", 1], 2]),
    "too deep": frame(wrapped(codec.MAX_DEPTH + 3)),
    "far too deep": frame(wrapped(400)),
    "lengths too short": frame(["a", "<f8", [1], 0], [EIGHT], lengths=[4]),
    "lengths too long": frame(["a", "<f8", [1], 0], [EIGHT], lengths=[16]),
    "lengths negative": frame(["a", "<f8", [1], 0], [EIGHT], lengths=[16, -8]),
    "lengths of bools": frame(["a", "|b1", [1], 0], [b"\0"], lengths=[True]),
    "lengths no list": frame(["a", "<f8", [1], 0], [EIGHT], lengths=8),
    "another mark": frame(1, magic=b"PK\3\4"),
    "a mark alone": b"dlw1",
    "nothing": b"",
    "no pair": HEADER.pack(b"dlw1", 1, 0) + b"\x01",
    "three things": HEADER.pack(b"dlw1", 4, 0) + msgpack.packb([1, [], 2]),
    "two structures": HEADER.pack(b"dlw1", 6, 0) + msgpack.packb([1, []]) * 2,
    "claims too much structure": HEADER.pack(b"dlw1", codec.MAX_META + 1, 0),
    "claims too much data": HEADER.pack(b"dlw1", 1, codec.MAX_DATA + 1),
    "claims everything": HEADER.pack(b"dlw1", 2**32 - 1, 2**64 - 1),
    "a list that claims a billion": HEADER.pack(b"dlw1", 5, 0) + b"\xdd\x3f\xff\xff\xff",
    "a text that claims a billion": HEADER.pack(b"dlw1", 5, 0) + b"\xdb\x3f\xff\xff\xff",
    "text that is not UTF-8": HEADER.pack(b"dlw1", 4, 0) + b"\x92\xa1\xff\x90",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_frame_that_lies_is_refused(lie):
    with pytest.raises(BadFrame):
        codec.decode(lie)


def test_arrays_cannot_share_their_contents_and_grow_beyond_the_frame():
    contents = b"\0" * 8000
    with pytest.raises(BadFrame):
        codec.decode(frame(["l", *[["a", "<f8", [1000], 0]] * 50], [contents]))


def decodes_or_is_refused(data):
    try:
        value = codec.decode(data)
    except BadFrame:
        return
    codec.encode(value)  # whatever gets through is plain


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_one_kind_of_error(data):
    decodes_or_is_refused(data)


@given(st.binary(max_size=60), st.binary(max_size=40))
def test_arbitrary_structure_in_a_true_header_is_refused_with_one_kind_of_error(meta, data):
    decodes_or_is_refused(HEADER.pack(b"dlw1", len(meta), len(data)) + meta + data)


trees = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        integers,
        st.floats(),
        st.text(max_size=4),
        st.binary(max_size=4),
        st.sampled_from(["a", "s", "t", "l", "d", "c", "<f8", "<i8", "|b1", "<c16", "|O"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=20,
)


@given(trees, st.one_of(trees, st.lists(st.integers(0, 16), max_size=3)), st.binary(max_size=32))
def test_arbitrary_trees_are_refused_with_one_kind_of_error(tree, lengths, data):
    meta = msgpack.packb([tree, lengths])
    decodes_or_is_refused(HEADER.pack(b"dlw1", len(meta), len(data)) + meta + data)


@given(
    st.sampled_from(["<f8", "<i4", "|b1", "|u1", "<c8", "<f2", ">f8", "|O"]),
    st.lists(st.integers(-1, 5) | st.integers(2**31, 2**63), max_size=18),
    st.integers(-1, 3),
    st.lists(st.binary(max_size=24), max_size=3),
    st.sampled_from("as"),
)
def test_arbitrary_arrays_are_refused_with_one_kind_of_error(dtype, shape, index, buffers, tag):
    decodes_or_is_refused(frame([tag, dtype, shape, index], buffers))


@st.composite
def damaged_frames(draw):
    data = bytearray(codec.encode(draw(values)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["flip", "insert", "delete", "truncate"]))
        if kind == "flip" and data:
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 8))]
        else:
            del data[at:]
    return bytes(data)


@given(damaged_frames())
def test_damaged_frames_are_refused_with_one_kind_of_error(data):
    decodes_or_is_refused(data)


@given(values, st.data())
def test_a_frame_cut_short_is_refused(value, data):
    sent = codec.encode(value)
    with pytest.raises(BadFrame):
        codec.decode(sent[: data.draw(st.integers(0, len(sent) - 1))])


@given(values, st.binary(min_size=1, max_size=4))
def test_a_frame_that_goes_on_after_its_end_is_refused(value, more):
    with pytest.raises(BadFrame):
        codec.decode(codec.encode(value) + more)


# --- the stream ---


@given(st.lists(values, max_size=3))
def test_frames_are_read_one_after_another_until_a_clean_end(sent):
    stream = io.BytesIO(b"".join(map(codec.encode, sent)))
    received = [codec.decode(codec.read_frame(stream.read)) for _ in sent]
    assert identical(sent, received)
    assert codec.read_frame(stream.read) is None


@given(values, st.data())
def test_a_stream_that_ends_inside_a_frame_is_an_error(value, data):
    sent = codec.encode(value)
    cut = data.draw(st.integers(1, len(sent) - 1))
    with pytest.raises(BadFrame):
        codec.read_frame(io.BytesIO(sent[:cut]).read)


@pytest.mark.parametrize(
    ("meta", "data"), [(codec.MAX_META + 4097, 0), (0, codec.MAX_DATA + 1), (2**32 - 1, 2**64 - 1)]
)
def test_no_more_is_read_than_the_limit_allows(meta, data):
    asked = []

    def read(n):
        asked.append(n)
        return HEADER.pack(b"dlw1", meta, data)

    with pytest.raises(BadFrame, match="larger than the limit"):
        codec.read_frame(read)
    assert asked == [HEADER.size]


@given(st.binary(max_size=32))
def test_a_header_gives_two_sizes_within_the_limits_or_is_refused(header):
    try:
        meta, data = codec.sizes(header)
    except BadFrame:
        return
    assert meta <= codec.MAX_META
    assert data <= codec.MAX_DATA
