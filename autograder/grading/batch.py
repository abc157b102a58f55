"""Grading as a pure function of bytes: answers and code in, Reports out, on any machine."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path

from autograder.grading.run import grade_each
from autograder.jail import tiers
from autograder.model import answer_key
from autograder.model.answer_key import Answers
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.model.notebook import Cell
from autograder.model.report import Report

# The packages that decide verdicts: an edit of any other one keeps cached Reports valid.
_JUDGES = ("worker", "model", "testing", "jail", "checks", "grading")


@dataclass(frozen=True)
class Code:
    """The code of one submission, without its student."""

    cells: tuple[Cell, ...]

    def to_bytes(self) -> bytes:
        return json.dumps([asdict(cell) for cell in self.cells], sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Code":
        return cls(
            tuple(Cell(**{**cell, "tags": tuple(cell["tags"])}) for cell in json.loads(data))
        )


def key(answers: bytes, submission: bytes) -> str:
    """The cache key of a Report.

    A digest of the code, of the answers with their suite and limits, and of this kit.
    """
    digest = hashlib.sha256(kit_digest().encode())
    for part in (answers, submission):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def get_ready(unsafe: bool) -> str:
    """Open the jail of this process and return its tier. NoJail if there is none."""
    return tiers.best(unsafe).tier


def grade_batch(answers: bytes, submissions: Sequence[bytes], unsafe: bool) -> list[str]:
    """Grade some submissions and return their Reports as JSON.

    A fault of ours gives a Report with the status grader_error.
    """
    loaded = _loaded(answers)
    try:
        jail = tiers.best(unsafe)
    except UserError as error:
        return [grader_error(loaded.topic, str(error)).to_json() for _ in submissions]
    graded = grade_each(
        loaded, [list(Code.from_bytes(submission).cells) for submission in submissions], jail
    )
    return [
        (r if isinstance(r, Report) else grader_error(loaded.topic, str(r))).to_json()
        for r in graded
    ]


@cache
def kit_digest() -> str:
    """Digest of the code that decides verdicts."""
    package = Path(__file__).parents[1]
    files = sorted(path for layer in _JUDGES for path in package.glob(f"{layer}/**/*.py"))
    return answer_key.digest(*(path.read_text(encoding="utf-8") for path in files))


@lru_cache(maxsize=4)
def _loaded(answers: bytes) -> Answers:
    return answer_key.from_bytes(answers)
