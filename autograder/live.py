"""Checking in a live notebook: `check("softmax")` under a cell shows a card within a blink.

The value's `repr` is the plain score, so a stock nbgrader reads the same partial credit from it.
"""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder import answers as answers_file
from autograder.answers import NAME, Answers
from autograder.errors import UserError
from autograder.report import html
from autograder.results import Exercise
from autograder.run import grade_namespace
from autograder.suite import require_suite

_folder: Path | None = None


class Verdict:
    """What a check came to: a float to nbgrader, a card to a reader."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        self.score = min(float(exercise.score), float(exercise.max_score))  # nbgrader refuses more than a cell's points

    def __repr__(self) -> str:
        return repr(self.score)

    def __float__(self) -> float:
        return self.score

    def _repr_html_(self) -> str:
        return html.card(self.exercise)


def start(topic: str) -> None:
    """Find the folder of a topic and make its given.py importable. Call it once, in the first cell."""
    global _folder
    _folder = _find(topic)
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))


def check(exercise: str) -> Verdict:
    """Check the functions of one exercise as they stand in this notebook."""
    answers = _load(_folder or Path.cwd())
    try:
        answers.topic.exercise(exercise)
    except KeyError as error:
        raise UserError(error.args[0]) from None
    return Verdict(grade_namespace(answers, _namespace(), [exercise]).exercise(exercise))


def _find(topic: str) -> Path:
    here = Path.cwd()
    places = [here, *(folder / "release" / topic for folder in (here, *here.parents))]
    for place in places:
        if (place / NAME).is_file() and _load(place).topic.id == topic:
            return place
    raise UserError(
        f"the files of {topic} are not here: {NAME} and given.py should lie beside the notebook. "
        f"Copy the whole folder {topic}, not the notebook alone; this is {here}"
    )


def _load(folder: Path) -> Answers:
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"there is no {NAME} in {folder}; it comes with the notebook, so copy the whole folder")
    return _cached(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _cached(path: Path, modified: int) -> Answers:
    answers = answers_file.load(path)
    require_suite(answers, path)
    return answers


def _namespace() -> dict[str, Any]:
    """The names of the notebook: IPython's, or those of the running script."""
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None:
            namespace: dict[str, Any] = shell.user_ns
            return namespace
    return vars(sys.modules["__main__"])
