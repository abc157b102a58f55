"""A learner's session: one notebook, its checks, and what is kept of them."""

import shlex
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from autograder.grading.submission import grade_file, grade_notebook
from autograder.jail.workers import Jail
from autograder.learner import record_verdict
from autograder.learner import watch as watching
from autograder.learner.exercise_text import exercise_text
from autograder.learner.hints import Hints, hints
from autograder.learner.progress import TIERS
from autograder.learner.watch import Update
from autograder.model import notebook
from autograder.model.answer_key import Answers
from autograder.model.errors import UserError
from autograder.model.notebook import Notebook
from autograder.model.report import Report

_LOOK = 0.3  # seconds between two looks at a watched file


class Session:
    """Checks a notebook, whole or one exercise of it. Of a learner's `own` work each verdict is
    kept.
    """

    def __init__(
        self,
        answers: Answers,
        path: Path,
        jail: Jail,
        exercise: str | None = None,
        own: bool = True,
    ) -> None:
        self._answers, self.path, self._jail, self._own = answers, path, jail, own
        self._exercise = exercise
        self.trouble: str | None = None  # why the last verdict could not be kept
        topic = answers.topic
        if exercise is not None and exercise not in [e.id for e in topic.exercises]:
            known = ", ".join(e.id for e in topic.exercises)
            raise UserError(f"{topic.id} has no exercise {exercise!r}; it has {known}")

    def check(self) -> Report:
        """The verdict on the notebook as it is."""
        report = grade_file(self._answers, self.path, self._jail, exercises=self._wanted)
        self._keep(report)
        return report

    def watch(self) -> Iterator[Update]:
        """The verdict now, and what each save changes in it."""
        saved = notebook.read(self.path)
        notebook.require_topic(saved, self._answers.topic)
        feed = watching.saves(self.path, partial(time.sleep, _LOOK))
        return watching.watch(feed, self._answers.topic, self._graded, self._wanted)

    def hint(self) -> tuple[Report, Hints, int]:
        """The verdict on the one exercise, the hints for it, and how many of them are to be shown
        by now.
        """
        assert self._exercise is not None
        report = grade_file(self._answers, self.path, self._jail, exercises=self._wanted)
        if report.status != "graded":
            return report, Hints(self._exercise, ()), 0
        judged, tier = report.exercise(self._exercise), TIERS
        try:
            tier = record_verdict.next_hint(report.topic, judged)
        except OSError as error:
            self.trouble = (
                f"the hints that you have seen cannot be saved ({error.strerror}), so all are shown"
            )
        where = exercise_text(notebook.read(self.path), self._exercise)
        return report, hints(judged, self._answers.catches(self._exercise), where), tier

    def stuck(self, report: Report) -> str | None:
        """The command that helps on, where something was tried and fails."""
        if not self._own or report.status == "unreadable":
            return None
        tried = (e.id for e in report.exercises if e.status not in ("passed", "not_attempted"))
        name = next(tried, None)
        return None if name is None else f"autograder hint {shlex.quote(str(self.path))} {name}"

    @property
    def _wanted(self) -> list[str] | None:
        return None if self._exercise is None else [self._exercise]

    def _graded(self, saved: Notebook, exercises: list[str]) -> Report:
        report = grade_notebook(self._answers, saved, self._jail, exercises=exercises)
        self._keep(report)
        return report

    def _keep(self, report: Report) -> None:
        self.trouble = None
        if self._own and report.status != "unreadable":
            try:
                record_verdict.verdicts(report.topic, report.exercises, record_verdict.now())
            except OSError as error:
                self.trouble = (
                    f"your progress cannot be saved in the state folder ({error.strerror})"
                )
