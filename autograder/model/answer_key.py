"""The answers file: what the reference answered to each check under one seed.

A check needs only this file and the student, so the reference is never where a student's code runs.
The public answers file ships with the notebook. The instructor keeps the one under the secret seed.

The format is one `.npz`: the oracle's arrays, and one member `meta` (msgpack) with the topic, the
seed, a digest of the suite, a sketch of the inputs of each oracle call, and the fingerprints of the
misconceptions.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from autograder.model.errors import KitError, UserError
from autograder.model.fingerprint import Fingerprint
from autograder.model.sketch import Sketch, sketch
from autograder.model.topic import Topic

NAME = "answers.npz"
PUBLIC_SEED = 1
_FORMAT = 2
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that equal contents are equal bytes


@dataclass
class Answer:
    """One oracle call: the sketch of its inputs and the frame of its output."""

    inputs: Sketch
    frame: bytes


@dataclass
class Answers:
    """The contents of an answers file. `calls` maps each check to its oracle calls, in order."""

    topic: Topic
    seed: int
    suite: str  # digest of the checks it was recorded with
    calls: dict[str, list[Answer]] = field(default_factory=dict)
    # name -> exercise, title, hint
    misconceptions: dict[str, dict[str, str]] = field(default_factory=dict)
    # check -> name -> fingerprint
    fingerprints: dict[str, dict[str, Fingerprint | None]] = field(default_factory=dict)

    def catches(self, exercise: str) -> dict[str, set[str]]:
        """Map the id of each check of an exercise to the names of the misconceptions that fail it."""
        keys = {key: key.partition("::") for key in self.fingerprints}
        return {
            name: set(self.fingerprints[key])
            for key, (owner, _, name) in keys.items()
            if owner == exercise
        }

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        partial = path.with_name(path.name + ".partial")
        partial.write_bytes(self.to_bytes())
        partial.replace(path)

    def to_bytes(self) -> bytes:
        """The contents of the file. Equal answers give equal bytes."""
        meta = {
            "format": _FORMAT,
            "topic": self.topic.to_dict(),
            "seed": self.seed,
            "suite": self.suite,
            "calls": {
                key: [a.inputs.to_plain() for a in answers] for key, answers in self.calls.items()
            },
            "misconceptions": self.misconceptions,
            "fingerprints": self.fingerprints,
        }
        members = {"meta": msgpack.packb(meta)}
        for key, answers in self.calls.items():
            members |= {f"{key}#{i}": a.frame for i, a in enumerate(answers)}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in members.items():
                buffer = io.BytesIO()
                np.lib.format.write_array(
                    buffer, np.frombuffer(content, np.uint8), allow_pickle=False
                )
                archive.writestr(
                    zipfile.ZipInfo(f"{name}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED
                )
        return file.getvalue()


def load(path: Path) -> Answers:
    """Read an answers file.

    Raise UserError if there is none, KitError if it is damaged or of another version.
    """
    if not path.is_file():
        raise UserError(
            f"there is no {NAME} in {path.parent}; it comes with the notebook, so copy the whole "
            "folder"
        )
    return from_bytes(path.read_bytes(), str(path))


def from_bytes(data: bytes, path: str = NAME) -> Answers:
    """The answers in the bytes of a file. Errors as for `load`."""
    with _archive(io.BytesIO(data), path) as (archive, meta):
        content = {name: archive[name].tobytes() for name in archive.files}
        calls = {
            key: [
                Answer(Sketch.from_plain(inputs), content[f"{key}#{i}"])
                for i, inputs in enumerate(sketches)
            ]
            for key, sketches in meta["calls"].items()
        }
        topic = Topic.from_dict(meta["topic"])
        return Answers(
            topic, meta["seed"], meta["suite"], calls, meta["misconceptions"], meta["fingerprints"]
        )


def topic_of(path: Path) -> Topic:
    """The topic of an answers file, read without its arrays. KitError as for `load`."""
    with _archive(path, str(path)) as (_, meta):
        return Topic.from_dict(meta["topic"])


@contextmanager
def _archive(file: io.BytesIO | Path, path: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Open an answers file: its members, and its `meta`. KitError if anything in it is damaged."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            meta = msgpack.unpackb(archive["meta"].tobytes())
            if meta["format"] != _FORMAT:
                raise KitError(
                    f"{path} has format {meta['format']}, this autograder reads {_FORMAT}; update "
                    "one of them"
                )
            yield archive, meta
    except KitError:
        raise
    except Exception as error:
        raise KitError(
            f"{path} is damaged ({type(error).__name__}: {error}); copy it afresh"
        ) from None


def digest(*parts: bytes | str) -> str:
    """A short digest of bytes and texts, in their order."""
    h = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little") + data)
    return h.hexdigest()[:32]


def call_sketch(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Sketch:
    """The sketch of an oracle call: its function and its inputs."""
    return sketch((function, args, kwargs))
