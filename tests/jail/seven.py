"""A class of seven in which one attacker tries everything and six get exactly their honest grades:

    python tests/jail/seven.py TIER ROUNDS

prints a line a round, and exits 1 if a grade changed, a point was gained, a secret left or a file of
the course is not as it was.
"""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import attacks
import attacks_apart

from autograder.grading import suite
from autograder.grading.run import grade_each
from autograder.jail import tiers
from autograder.model.notebook import Cell

HONEST = [
    [attacks.RIGHT, attacks.SHIFT],
    [attacks.WRONG, attacks.SHIFT],
    [attacks.RIGHT],
    [attacks.SHIFT],
    [attacks.RIGHT, "def shift(x):\n    return x"],
    ["def double(x):\n    raise ValueError('not yet')", attacks.SHIFT],
]


def as_cells(texts):
    return [Cell(i, "code", text) for i, text in enumerate(["import numpy as np", *texts], 1)]


@contextmanager
def tiny():
    """Answers to the tiny topic, with its suite in the place of the course's."""

    class Patch:
        def setattr(self, module, name, value):
            setattr(module, name, value)

    before = suite._CHECKS
    try:
        yield from attacks.tiny.__wrapped__(Patch())
    finally:
        suite._CHECKS = before


def files_of(folder):
    """Of each file what a stranger could have changed."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        state = path.stat()
        text = path.read_bytes() if path.is_file() else b""
        found[path] = state.st_mode, state.st_uid, state.st_mtime_ns, state.st_ctime_ns, text
    return found


def rounds(tier, number):
    """Grade the class so often; yield what was found wrong, each round."""
    course = attacks.course()
    before, jail = files_of(course), tiers.open_tier(tier)
    known = attacks_apart.attacks(course)
    steady = [text for text in known.values() if "def double" not in text and "SIGKILL" not in text]
    changing = [text for text in known.values() if text not in steady]
    with tiny() as answers:
        alone = [r.score for r in grade_each(answers, map(as_cells, HONEST), jail)]
        for i in range(number):
            attacker = as_cells([*steady, attacks.SHIFT, changing[i % len(changing)]])
            work = [as_cells(texts) for texts in HONEST]
            reports = grade_each(answers, [*work[:3], attacker, *work[3:]], jail)
            caught = reports.pop(3)
            wrong = [] if [r.score for r in reports] == alone else ["a classmate's grade changed"]
            wrong += ["a point was gained"] if (caught.score or 0) > attacks.HONEST else []
            wrong += ["a secret left"] if attacks.CANARY in attacks.pages(caught) else []
            wrong += [] if files_of(course) == before else ["a file of the course changed"]
            yield wrong
    jail.close()


def main():
    failed = 0
    for i, wrong in enumerate(rounds(sys.argv[1], int(sys.argv[2])), 1):
        print(f"round {i} as user {os.getuid()}, tier {sys.argv[1]}: {', '.join(wrong) or 'held'}")
        failed += bool(wrong)
    sys.exit(failed > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
