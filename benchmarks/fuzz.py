"""Feed the readers of hostile bytes a million broken inputs: python -m benchmarks.fuzz [INPUTS] [--seed N].

What a worker answers goes through wire.sizes, wire.decode and jailed._reply; what a student hands in through
notebook.parse, notebook.submission and nbgrader's rebuild. Each input is a valid one, or a tree of its kind made up
by chance, with bytes or nodes of it changed. All that may come of it is a value, or one of the errors that say no.
Any other exception is printed with the seed that makes it again.
"""

import argparse
import json
import random
import resource
import struct
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import nbformat
import numpy as np

from autograder.course import course_file
from autograder.grading.in_worker import _reply
from autograder.jail.workers import Crashed
from autograder.model import notebook
from autograder.model.notebook import Unreadable
from autograder.nbgrader.rebuild import rebuild
from autograder.worker import codec
from autograder.worker.codec import BadFrame, NotPlain

ROOT = Path(__file__).parents[1]
COURSE = course_file.load(ROOT / course_file.FILE)
TOPIC = COURSE.topic("01-neurons")
SOURCE = nbformat.read(COURSE.assignment(TOPIC.id), as_version=4)
SOURCE.cells = [
    c
    for c in SOURCE.cells
    if c.metadata.get("nbgrader", {}).get("grade_id", "").endswith(("relu", "ation"))
]
HEADER = struct.Struct("<4sIQ")
DTYPES = [
    "<f8",
    "<f4",
    "|i1",
    "|b1",
    "<c16",
    "|O",
    "<U4",
    "<M8[D]",
    ">f8",
    "f8",
    "",
    "V8",
    "<f8,<i4",
    "🐍",
    "<i8" * 9,
]
WORDS = [
    "",
    "t",
    "l",
    "d",
    "c",
    "g",
    "a",
    "s",
    "value",
    "cause",
    "kind",
    "stub",
    "raised",
    "missing",
    "text",
    "error",
]
WORDS += [
    "changed",
    "nonce",
    "outcome",
    "\0",
    "\x1b[2J",
    "<script>",
    "x" * 300,
    "é\u2028",
    "{{7*7}}",
    "=cmd|",
]
NUMBERS = [0, 1, -1, 2, 7, 255, 2**31, 2**53, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, -0.0, 1e308]
SOURCES = [
    "def softmax(z):\n    return z",
    "%time x",
    "!ls",
    "a = !x",
    "a?",
    "(",
    "'''",
    "\t \n",
    "class relu:",
    "%%html\n<b>",
]
SOURCES += [
    "\\\n",
    "a\r\nb",
    "\f",
    "x = 1\n" * 50,
    "\0",
    "\ud800",
    "lambda: " * 40,
    "[" * 90,
    "f'{f'",
    "é = 1",
    "#" * 99,
]


def main() -> None:
    """Run the fuzzer and print what became of the inputs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("inputs", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20261121)
    arguments = parser.parse_args()
    print(f"{arguments.inputs} inputs, seed {arguments.seed}")
    result = run(arguments.inputs, arguments.seed, print)
    print(result.table())
    sys.exit(1 if result.escaped else 0)


class Result:
    """How many inputs there were of each kind, what became of them, and what it took."""

    def __init__(self) -> None:
        self.fates: dict[str, Counter[str]] = {}
        self.escaped: list[str] = []
        self.started, self.seconds, self.peak_mb, self.grown_mb = time.perf_counter(), 0.0, 0.0, 0.0

    def table(self) -> str:
        lines = [
            f"{name:<22} {sum(c.values()):>9}  {dict(c.most_common())}"
            for name, c in self.fates.items()
        ]
        total = sum(sum(c.values()) for c in self.fates.values())
        memory = f"{self.peak_mb:.0f} MB of memory at the most, {self.grown_mb:.0f} of them since it began"
        end = f"{total} inputs in {self.seconds:.0f} s, {memory}, {len(self.escaped)} exceptions escaped"
        return "\n".join([*lines, end])


def run(inputs: int, seed: int, say: Callable[[str], object]) -> Result:
    """As many inputs, each by a generator of its own, so that any one of them can be made again."""
    result, before = Result(), _peak_mb()
    for i in range(inputs):
        name, attempt = ATTEMPTS[i % len(ATTEMPTS)]
        rng = random.Random(f"{seed}/{i}")
        fates = result.fates.setdefault(name, Counter())
        try:
            fates[attempt(rng)] += 1
        except Exception:
            fates["escaped"] += 1
            result.escaped.append(f"{name}, input {i} of seed {seed}\n{traceback.format_exc()}")
            say(result.escaped[-1])
        if i and i % 100_000 == 0:
            say(
                f"{i} inputs, {time.perf_counter() - result.started:.0f} s, {len(result.escaped)} escaped"
            )
    result.seconds, result.peak_mb = time.perf_counter() - result.started, _peak_mb()
    result.grown_mb = result.peak_mb - before
    return result


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- what a worker says ---


def frame_of_bytes(rng: random.Random) -> str:
    """An honest frame with some of its bytes changed."""
    return _decoded(_mutated(rng, _honest_frame(rng)))


def frame_of_structure(rng: random.Random) -> str:
    """A frame whose header is right, around a tree that no honest sender makes."""
    buffers = [rng.randbytes(rng.choice([0, 1, 8, 16, 64])) for _ in range(rng.randrange(4))]
    lengths: Any = [len(b) for b in buffers]
    if rng.random() < 0.2:
        lengths = rng.choice([[], [-1], ["x"], None, {}, [2**63], [*lengths, 0], [0.0], [True]])
    meta = msgpack.packb([_tree(rng, 4), lengths])
    data = b"".join(buffers)
    return _decoded(HEADER.pack(b"dlw1", len(meta), len(data)) + meta + data)


def header_of_bytes(rng: random.Random) -> str:
    """The first bytes of a stream, by which memory is set aside."""
    sizes = [
        rng.choice([0, 1, 2**16, codec.MAX_META, codec.MAX_META + 5000, 2**32 - 1])
        for _ in range(2)
    ]
    header = HEADER.pack(
        rng.choice([b"dlw1", b"dlw2"]),
        sizes[0],
        rng.choice([sizes[1], codec.MAX_DATA + 1, 2**64 - 1]),
    )
    try:
        meta, data = codec.sizes(header if rng.random() < 0.5 else _mutated(rng, header))
        assert meta <= codec.MAX_META + 4096
        assert data <= codec.MAX_DATA
        return "taken"
    except BadFrame:
        return "refused"


def reply_of_structure(rng: random.Random) -> str:
    """An outcome as a worker in a student's hands would put it."""
    keys = ["cause", "changed", "text", "error", "value", "passed"]
    outcome = {rng.choice(keys): _value(rng, 3) for _ in range(rng.randrange(5))}
    if rng.random() < 0.5:
        facts = {"function": "f", "found": None, "error": "E", "needs": _value(rng, 2)}
        kind = rng.choice([None, "raised", "stub", "missing", "needs_stub", "cell", 1, np.zeros(2)])
        outcome["cause"] = {"kind": kind, **facts} if rng.random() < 0.8 else kind
    try:
        decoded = codec.decode(codec.encode(outcome, envelope=True))
        reply = _reply(decoded, rng.randrange(3))
        assert len(reply.text) <= 500
        assert len(str(reply.cause)) <= 500
        return "taken"
    except (Crashed, NotPlain, BadFrame):
        return "refused"


def _decoded(frame: bytes) -> str:
    try:
        codec.decode(frame)
        return "taken"
    except BadFrame:
        return "refused"


def _honest_frame(rng: random.Random) -> bytes:
    while True:
        try:
            return codec.encode(_value(rng, 3), envelope=True)
        except NotPlain:
            continue


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.choice(WORDS)
    if kind == 2:
        return rng.choice([None, True, False, 1j, float("nan"), float("inf")])
    if kind in (3, 4):
        shape = tuple(rng.randrange(4) for _ in range(rng.randrange(4)))
        return np.ones(shape, rng.choice(["f8", "f4", "i1", "?", "c16", "u8"]))
    if kind == 5:
        return np.float64(rng.choice(NUMBERS))
    items = [_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    if kind == 6:
        return items
    return tuple(items) if kind == 7 else {rng.choice([*WORDS, 1, None]): item for item in items}


def _tree(rng: random.Random, depth: int) -> Any:
    """Anything that the structure of a frame may be, honest or not."""
    if not depth or rng.random() < 0.25:
        return rng.choice([*NUMBERS, *WORDS, None, True, b"", b"\xff", {}, []])
    if rng.random() < 0.3:
        shape = [
            rng.choice([0, 1, 2, 8, -1, 2**40, 1.0, "1"])
            for _ in range(rng.choice([0, 1, 1, 2, 17]))
        ]
        return [
            rng.choice("as"),
            rng.choice(DTYPES),
            rng.choice([shape, None, "8"]),
            rng.choice([0, 1, 2, -1, 0.0, None]),
        ]
    if rng.random() < 0.1:
        return {rng.choice(WORDS): _tree(rng, depth - 1)}
    return [rng.choice(WORDS[:8]), *(_tree(rng, depth - 1) for _ in range(rng.randrange(4)))]


def _mutated(rng: random.Random, data: bytes) -> bytes:
    """Some bytes flipped, cut out, doubled or put in."""
    found = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(len(found) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(found):
            found[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(found):
            found[at] = rng.choice([0, 1, 0x7F, 0x80, 0xC1, 0xDC, 0xDD, 0xDF, 0xFF])
        elif kind == 2:
            del found[at : at + rng.choice([1, 1, 4, 64])]
        elif kind == 3:
            found[at:at] = rng.randbytes(rng.choice([1, 1, 4, 16]))
        else:
            found[at:at] = found[at : at + rng.choice([1, 8, 32])]
    return bytes(found)


# --- what a student hands in ---


def notebook_of_bytes(rng: random.Random) -> str:
    """A small honest notebook with some of its bytes changed."""
    text = json.dumps(_notebook(rng, honest=True), ensure_ascii=rng.random() < 0.5).encode(
        "utf-8", "replace"
    )
    return _handed_in(_mutated(rng, text).decode("utf-8", "replace"))


def notebook_of_structure(rng: random.Random) -> str:
    """JSON of the shape of a notebook, with anything in any place."""
    return _handed_in(json.dumps(_notebook(rng, honest=False)))


def _handed_in(text: str) -> str:
    path = Path("neurons.ipynb")
    try:
        found = notebook.parse(path, text)
        rebuilt = rebuild(json.loads(text), SOURCE)
        nbformat.writes(rebuilt).encode()
        cells = notebook.submission(notebook.of(path, rebuilt), TOPIC)
        json.dumps([cell.source for cell in cells]).encode()
        notebook.require_topic(found, TOPIC)
        return "taken"
    except Unreadable as error:
        str(error).encode()
        return "refused"


def _notebook(rng: random.Random, honest: bool) -> Any:
    cells = [_cell(rng, honest) for _ in range(rng.randrange(5))]
    data: dict[str, Any] = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"autograder": {"topic": TOPIC.id}},
    }
    data["cells"] = cells
    if not honest and rng.random() < 0.3:
        data[rng.choice([*data, "x"])] = _json(rng, 3)
    return data


def _cell(rng: random.Random, honest: bool) -> Any:
    grade_id = rng.choice(GRADE_IDS)
    source: Any = rng.choice(SOURCES)
    metadata: Any = {
        "nbgrader": {"grade_id": grade_id, "locked": False, "solution": True},
        "tags": ["demo"],
    }
    if rng.random() < 0.5:
        metadata = {}
    cell = {
        "cell_type": rng.choice(["code", "markdown", "raw"]),
        "source": source,
        "metadata": metadata,
    }
    if not honest:
        if rng.random() < 0.2:
            cell["source"] = [source, rng.choice([1, None, source])]
        if rng.random() < 0.4:
            cell[rng.choice([*cell, "attachments", "outputs", "id"])] = _json(rng, 3)
        if rng.random() < 0.1:
            return _json(rng, 2)
    return cell


def _json(rng: random.Random, depth: int) -> Any:
    kind = rng.randrange(8 if depth else 5)
    if kind < 5:
        return rng.choice(
            [None, True, 0, -1, 1e308, float("nan"), 10**30, "", "\ud800", *WORDS, *SOURCES]
        )
    if kind == 5:
        return [_json(rng, depth - 1) for _ in range(rng.randrange(4))]
    names = [
        "nbgrader",
        "grade_id",
        "tags",
        "metadata",
        "autograder",
        "unreadable",
        "topic",
        "image/png",
        "a",
        "\udfff",
    ]
    return {rng.choice(names): _json(rng, depth - 1) for _ in range(rng.randrange(4))}


GRADE_IDS = [c.metadata.nbgrader.grade_id for c in SOURCE.cells if "nbgrader" in c.metadata] + [
    "",
    "x",
    "answer-",
    "check-x",
]
ATTEMPTS: list[tuple[str, Callable[[random.Random], str]]] = [
    *[("frames, bytes", frame_of_bytes)] * 20,
    *[("frames, structure", frame_of_structure)] * 20,
    *[("headers", header_of_bytes)] * 4,
    *[("replies", reply_of_structure)] * 4,
    ("notebooks, bytes", notebook_of_bytes),
    ("notebooks, structure", notebook_of_structure),
]

if __name__ == "__main__":
    main()
