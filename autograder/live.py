"""In a live notebook: `check("softmax")` shows a card, `hint("softmax")` a hint.

The `repr` of a verdict is the plain score, so a stock nbgrader reads the same partial credit from
it.
"""

import os
import sys
import threading
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.grading.run import grade_namespace
from autograder.grading.suite import require_suite
from autograder.learner import record_verdict
from autograder.learner.exercise_text import ExerciseText, exercise_text
from autograder.learner.hints import Hints, hints
from autograder.learner.progress import TIERS
from autograder.model import answer_key, notebook
from autograder.model.answer_key import NAME, Answers
from autograder.model.errors import KitError, UserError
from autograder.model.notebook import Unreadable
from autograder.model.report import Exercise
from autograder.model.topic import Topic
from autograder.render import cards, terminal

MODULES = ("given", "figures")  # modules beside a notebook

_folder: Path | None = None


class Verdict:
    """The verdict of a check: a float to nbgrader, a card to a reader."""

    def __init__(self, exercise: Exercise) -> None:
        self.exercise = exercise
        # nbgrader accepts no more than a cell's points
        self.score = min(float(exercise.score), float(exercise.max_score))

    def __repr__(self) -> str:
        return repr(self.score)

    def __float__(self) -> float:
        return self.score

    def _repr_html_(self) -> str:
        return cards.card(self.exercise, live=not _is_class())


class Hint:
    """What `hint` shows."""

    def __init__(self, given: Hints, tier: int) -> None:
        self._given, self._tier = given, tier

    def __repr__(self) -> str:
        return terminal.hints(self._given, self._tier)

    def _repr_html_(self) -> str:
        return cards.hints(self._given, self._tier)


def start(topic: str) -> None:
    """Find the folder of a topic and make its given.py and figures.py importable.

    Call it once, in the first cell.
    """
    global _folder
    _folder = _find(topic)
    _import_from(_folder)


def _import_from(folder: Path) -> None:
    """Import modules from this folder first, even if the kernel opened another topic before.

    Each topic has its own `given` and `figures`.
    """
    sys.path[:] = [str(folder), *(place for place in sys.path if place != str(folder))]
    for name in MODULES:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and Path(file).parent != folder:
            del sys.modules[name]


def check(exercise: str) -> Verdict:
    """Check the functions of one exercise as they are now in this notebook."""
    answers = _load(_folder or Path.cwd())
    judged = _judge(answers, exercise)
    if not _is_class():
        with suppress(Exception):  # a slow or full disk must not disturb the notebook
            threading.Thread(
                target=_keep, args=(answers.topic.id, judged, record_verdict.now())
            ).start()
    return Verdict(judged)


def hint(exercise: str) -> Hint:
    """A hint for an exercise, and one more each time you ask."""
    folder = _folder or Path.cwd()
    answers = _load(folder)
    judged = _judge(answers, exercise)
    tier = TIERS  # all at once, if the count cannot be saved
    if not _is_class():
        with suppress(Exception):
            tier = record_verdict.next_hint(answers.topic.id, judged)
    return Hint(
        hints(judged, answers.catches(exercise), _signpost(folder, answers.topic, exercise)), tier
    )


def _judge(answers: Answers, exercise: str) -> Exercise:
    try:
        answers.topic.exercise(exercise)
    except KeyError as error:
        raise UserError(error.args[0]) from None
    report = grade_namespace(answers, _namespace(), [exercise])
    if report.status != "graded":
        raise KitError(str(report.reason))
    return report.exercise(exercise)


def _keep(topic: str, judged: Exercise, at: datetime) -> None:
    with suppress(Exception):
        record_verdict.verdicts(topic, [judged], at)


def _is_class() -> bool:
    """Whether a stock nbgrader is grading: its verdicts are no learner's progress."""
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def _signpost(folder: Path, topic: Topic, exercise: str) -> ExerciseText | None:
    try:
        return exercise_text(notebook.read(folder / f"{topic.name}.ipynb"), exercise)
    except Unreadable:  # renamed, or just being saved
        return None


def _find(topic: str) -> Path:
    here = Path.cwd()
    places = [here, *(folder / "release" / topic for folder in (here, *here.parents))]
    for place in places:
        if (place / NAME).is_file() and _load(place).topic.id == topic:
            return place
    raise UserError(
        f"the files of {topic} are not here: {NAME}, given.py and figures.py should lie beside the "
        f"notebook. Copy the whole folder {topic}, not the notebook alone; this is {here}"
    )


def _load(folder: Path) -> Answers:
    path = folder / NAME
    if not path.is_file():
        raise UserError(
            f"there is no {NAME} in {folder}; it comes with the notebook, so copy the whole folder"
        )
    return _cached(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _cached(path: Path, modified: int) -> Answers:
    answers = answer_key.load(path)
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
