"""Plain data between two processes that do not trust each other.

A value is None, a bool, an int of 64 bits, a float, a complex, a str, a NumPy array or scalar of a
plain dtype, or a tuple, list or dict of these. Structure travels as msgpack, the numbers of arrays
as raw bytes behind it, so that nothing on the way can ever be executed. A live check encodes and
decodes too: what is refused in class is refused at home.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

PROBE = "probes."  # before the name of a probe, where a request has the name of a function
MAX_META = 1 << 20  # bytes of structure
MAX_DATA = 1 << 24  # bytes of array contents: twenty times what any exercise needs
MAX_ENTRIES = 1 << 21  # of an array: whoever compares small integers makes floats of them
MAX_DEPTH = 24
MAX_NDIM = 16
_ENVELOPE_META, _ENVELOPE_DEPTH = 4096, 2  # what a request or a reply needs around a value
DTYPES = frozenset("?bBhHiIlLqQefdFD")  # kinds b, i, u, f, c; long double travels as float64
_HEADER = struct.Struct("<4sIQ")
HEADER_SIZE = _HEADER.size
_MAGIC = b"dlw1"


@dataclass(frozen=True)
class Seed:
    """Stands for a random generator in a request: whoever calls the function makes a fresh one of
    it.
    """

    seed: int


class NotPlain(TypeError):
    """A value that cannot travel: the message says what it is, and where in a tuple or dict it
    sits.
    """


class BadFrame(ValueError):
    """Bytes that no honest sender writes: wrong magic, too large, inconsistent, cut short."""


def encode(value: object, seeds: bool = False, envelope: bool = False) -> bytes:
    """Return the frame of `value`; raise NotPlain where it holds anything but plain data (and
    Seeds, if allowed).

    An `envelope` may be a little larger and deeper than a value, so that it can hold any value.
    """
    buffers: list[bytes] = []
    tree = _pack(value, buffers, "", -_ENVELOPE_DEPTH if envelope else 0, seeds)
    try:
        meta = msgpack.packb([tree, [len(b) for b in buffers]])
    except UnicodeEncodeError:
        raise NotPlain("a text that is not Unicode (a lone surrogate)") from None
    size = sum(map(len, buffers))
    if len(meta) > MAX_META + envelope * _ENVELOPE_META or size > MAX_DATA:
        raise NotPlain(
            f"too much data: {size / 1e6:.0f} MB of arrays, {len(meta) / 1e6:.1f} MB around them "
            f"(at most {MAX_DATA >> 20} MB and {MAX_META >> 20} MB)"
        )
    return b"".join([_HEADER.pack(_MAGIC, len(meta), size), meta, *buffers])


def decode(frame: bytes, seed: Callable[[int], Any] | None = None) -> Any:
    """Return a fresh, writeable copy of the value in `frame`; raise BadFrame for anything odd.

    A Seed comes out as `seed(number)`; it is odd where no such function is given.
    """
    meta_size, data_size = sizes(frame[: _HEADER.size])
    if len(frame) != _HEADER.size + meta_size + data_size:
        raise BadFrame("the frame is cut short or goes on after its end")
    data = memoryview(frame)[_HEADER.size + meta_size :]
    try:
        meta = msgpack.unpackb(frame[_HEADER.size : _HEADER.size + meta_size], strict_map_key=True)
        tree, lengths = meta
        buffers = _split(data, lengths)
        value = _unpack(tree, buffers, -_ENVELOPE_DEPTH, seed)
    except BadFrame:
        raise
    except Exception as error:  # msgpack and NumPy raise a dozen kinds for malformed bytes
        raise BadFrame(f"the frame does not decode ({type(error).__name__})") from None
    if buffers:
        raise BadFrame("an array of the frame is used by nobody")
    return value


def copy(value: object) -> Any:
    """The value as it arrives on the other side of the wire."""
    return decode(encode(value))


def sizes(header: bytes) -> tuple[int, int]:
    """Bytes of structure and of array data that follow this header, checked before anything is
    allocated.
    """
    if len(header) != _HEADER.size:
        raise BadFrame("the frame ends inside its header")
    magic, meta_size, data_size = _HEADER.unpack(header)
    if magic != _MAGIC:
        raise BadFrame("the frame does not start with its mark")
    if meta_size > MAX_META + _ENVELOPE_META or data_size > MAX_DATA:
        raise BadFrame("the frame is larger than the limit")
    return meta_size, data_size


def read_frame(read: Callable[[int], bytes]) -> bytes | None:
    """Read one frame by `read(n)`, which returns n bytes or fewer at the end; None at a
    clean end.
    """
    header = read(_HEADER.size)
    if not header:
        return None
    body = sum(sizes(header))
    rest = read(body)
    if len(rest) != body:
        raise BadFrame("the stream ends inside a frame")
    return header + rest


def _pack(value: object, buffers: list[bytes], where: str, depth: int, seeds: bool) -> object:
    kind = type(value)  # exact types: a subclass may lie about what it holds
    if depth > MAX_DEPTH:
        raise NotPlain(f"data nested more than {MAX_DEPTH} levels deep")
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        if not -(2**63) <= value < 2**64:  # type: ignore[operator]
            raise NotPlain(f"{_at(where)}an integer beyond 64 bits")
        return value
    if kind is Seed and seeds:
        return ["g", value.seed]  # type: ignore[attr-defined]
    if kind is complex:
        return ["c", value.real, value.imag]  # type: ignore[attr-defined]
    if kind in (tuple, list):
        tag = "t" if kind is tuple else "l"
        items: Any = value
        parts = (_pack(v, buffers, f"{where}[{i}]", depth + 1, seeds) for i, v in enumerate(items))
        return [tag, *parts]
    if kind is dict:
        pairs: list[object] = []
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) not in (str, int, bool, float, type(None)):
                raise NotPlain(f"{_at(where)}a dict with a key of type {_name(type(key))}")
            pairs += [
                _pack(key, buffers, where, depth + 1, seeds),
                _pack(item, buffers, f"{where}[{_short(key)}]", depth + 1, seeds),
            ]
        return ["d", *pairs]
    if kind is np.ndarray or (isinstance(value, np.generic) and kind.__module__ == "numpy"):
        return _pack_array(np.asarray(value), "a" if kind is np.ndarray else "s", buffers, where)
    raise NotPlain(f"{_at(where)}an object of type {_name(kind)}")


def _pack_array(array: np.ndarray, tag: str, buffers: list[bytes], where: str) -> list[object]:
    if array.dtype.char == "g":
        array = array.astype(np.float64)
    elif array.dtype.char == "G":
        array = array.astype(np.complex128)
    if array.dtype.char not in DTYPES:
        raise NotPlain(f"{_at(where)}an array of dtype {array.dtype}")
    if array.ndim > MAX_NDIM:
        raise NotPlain(f"{_at(where)}an array with {array.ndim} axes")
    if array.nbytes > MAX_DATA or array.size > MAX_ENTRIES:
        # Before the copy: a broadcast view can claim terabytes.
        raise NotPlain(
            f"{_at(where)}an array of {array.size} entries, {array.nbytes / 1e6:.0f} MB (at most "
            f"{MAX_ENTRIES} entries and {MAX_DATA >> 20} MB)"
        )
    buffers.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return [tag, array.dtype.newbyteorder("<").str, list(array.shape), len(buffers) - 1]


def _at(where: str) -> str:
    return f"at {where[:200]} " if where else ""


def _short(key: object) -> str:
    text = repr(key)
    return text if len(text) <= 40 else text[:40] + "…"


def _name(kind: type) -> str:
    return str(type.__dict__["__name__"].__get__(kind))[:80]


def _split(data: memoryview, lengths: object) -> dict[int, memoryview]:
    """The contents of the arrays by their number. Each is taken out once, so that a frame cannot
    grow in decoding.
    """
    if (
        type(lengths) is not list
        or any(type(n) is not int or n < 0 for n in lengths)
        or sum(lengths) != len(data)
    ):
        raise BadFrame("the lengths of the arrays do not add up")
    parts, start = {}, 0
    for i, n in enumerate(lengths):
        parts[i] = data[start : start + n]
        start += n
    return parts


def _unpack(
    node: object, buffers: dict[int, memoryview], depth: int, seed: Callable[[int], Any] | None
) -> Any:
    if depth > MAX_DEPTH:
        raise BadFrame("the value is nested too deep")
    if node is None or type(node) in (bool, int, float, str):
        return node
    if type(node) is not list or not node:
        raise BadFrame("an unknown kind of value")
    tag, *rest = node
    if tag in ("t", "l"):
        items = [_unpack(v, buffers, depth + 1, seed) for v in rest]
        return tuple(items) if tag == "t" else items
    if tag == "d" and len(rest) % 2 == 0:
        return {
            _key(k): _unpack(v, buffers, depth + 1, seed) for k, v in zip(rest[::2], rest[1::2])
        }
    if tag == "c" and len(rest) == 2 and all(type(v) is float for v in rest):
        return complex(*rest)
    if tag == "g" and seed is not None and len(rest) == 1 and type(rest[0]) is int and rest[0] >= 0:
        return seed(rest[0])
    if tag in ("a", "s") and len(rest) == 3:
        name, shape, index = rest
        array = _unpack_array(name, shape, index, buffers)
        return array if tag == "a" else array[()]
    raise BadFrame("an unknown kind of value")


def _key(node: object) -> object:
    if node is not None and type(node) not in (bool, int, float, str):
        raise BadFrame("a dict key that is not plain")
    return node


def _unpack_array(
    name: object, shape: object, index: object, buffers: dict[int, memoryview]
) -> np.ndarray:
    if type(name) is not str or np.dtype(name).char not in DTYPES or np.dtype(name).str != name:
        raise BadFrame("an array of a dtype that is not allowed")
    if (
        type(shape) is not list
        or len(shape) > MAX_NDIM
        or any(type(n) is not int or n < 0 for n in shape)
    ):
        raise BadFrame("an array with an impossible shape")
    if type(index) is not int or index not in buffers:
        raise BadFrame("an array without contents of its own")
    contents = buffers.pop(index)
    dtype, count = np.dtype(name), 1
    for n in shape:
        count *= n
    if count > MAX_ENTRIES:
        raise BadFrame("an array with too many entries")
    if count * dtype.itemsize != len(contents):
        raise BadFrame("an array whose shape and contents disagree")
    return np.frombuffer(contents, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=True)
