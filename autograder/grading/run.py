"""Run a topic's suite for one or many students and turn the outcomes into Reports."""

import ast
import contextlib
import os
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from autograder.grading.diagnose import diagnose
from autograder.grading.in_process import InProcess
from autograder.grading.in_worker import InWorker
from autograder.grading.oracle import Oracle
from autograder.grading.outcome import Outcome
from autograder.grading.plugin import Job, Plugin, exercise_of, kind_of
from autograder.grading.suite import probes_source, suite_files
from autograder.grading.waiting import settled
from autograder.jail.workers import Jail
from autograder.model import cause as causes
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.model.notebook import Cell
from autograder.model.report import Check, Exercise, ExerciseStatus, Report
from autograder.model.topic import ExerciseSpec, Topic
from autograder.testing.student import Student
from autograder.worker.codec import PROBE

# Builtin plugins of pytest that we do not need: half of its start-up time.
_UNUSED = (
    "terminal cacheprovider warnings logging junitxml pastebin doctest unittest faulthandler stepwise \
debugging unraisableexception threadexception setuponly setupplan capture"
)
_FLAGS = [
    "--noconftest",
    "--assert=plain",
    "--disable-plugin-autoload",
    "-c",
    os.devnull,
    "--import-mode=importlib",
]
_FLAGS += [argument for name in _UNUSED.split() for argument in ("-p", f"no:{name}")]

_MESSAGE = 2000  # characters of a failed check's message in a Report


def run_suite(
    topic: Topic,
    jobs: Iterable[Job],
    exercises: Iterable[str] | None = None,
    untrained: bool = False,
) -> None:
    """Collect the suite once and run it for each job. KitError if the fault is our own.

    `exercises` limits the run to their checks; `untrained` skips those that measure a training.
    """
    only = None if exercises is None else set(exercises)

    def wanted(item: pytest.Item) -> bool:
        trains = kind_of(item) == "convergence" and "oracle" not in getattr(
            item, "fixturenames", ()
        )
        return (only is None or exercise_of(item) in only) and not (untrained and trains)

    plugin, files = Plugin(jobs, wanted), list(map(str, suite_files(topic)))
    # One thread: sums are the same to the bit, and on a loaded machine ten times faster.
    with threadpool_limits(1):
        code = pytest.main(
            [*_FLAGS, f"--rootdir={Path(files[0]).parent}", *files], plugins=[plugin]
        )
    if plugin.fault is not None:
        raise plugin.fault
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt  # which pytest swallows
    if code != pytest.ExitCode.OK:
        raise KitError(
            f"the checks of {topic.id} could not be run (pytest: {pytest.ExitCode(code).name})"
        )


def parameters(topic: Topic) -> dict[str, list[str]]:
    """The parameter names of every function and probe that a check of the topic can call."""
    tree = ast.parse(probes_source(topic))
    probes = {
        n.name: [a.arg for a in n.args.args[1:]]
        for n in tree.body
        if isinstance(n, ast.FunctionDef)
    }
    return topic.functions | {f"{PROBE}{name}": names for name, names in probes.items()}


class Grading:
    """A Job that grades one student with an answers file and ends in a Report.

    With `until_failure` it stops at the first check that fails. Without `pictures` it reruns no
    training to show the progress. With `contained` a fault of ours costs only its own exercise the
    verdict, and the Report says so. Otherwise the fault is raised.
    """

    def __init__(
        self,
        answers: Answers,
        backend: InWorker | InProcess,
        until_failure: bool = False,
        pictures: bool = True,
        contained: bool = False,
    ) -> None:
        self.seed, self.outcomes, self.over = answers.seed, list[Outcome](), False
        self.faults: dict[str, str] = {}  # exercise -> why it could not be checked
        self._until_failure, self._pictures, self._contained = until_failure, pictures, contained
        self._answers, self._backend, self._exercise = answers, backend, ""
        self._parameters = parameters(answers.topic)
        self._started = time.perf_counter()
        self.seconds = 0.0

    def student(self, exercise: str) -> Student:
        if exercise != self._exercise:
            self._exercise = exercise
            self._backend.begin(self._answers.topic.exercise(exercise))
        return Student(self._backend, self._parameters, self._pictures)

    def oracle(self, key: str) -> Oracle:
        return Oracle(self._answers, key)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.over = self._until_failure and not outcome.passed

    def strike(self, exercise: str, fault: KitError) -> None:
        if not self._contained:
            raise fault
        self.faults.setdefault(exercise, str(fault))
        self.outcomes = [o for o in self.outcomes if o.exercise != exercise]

    def done(self) -> None:
        self.seconds = time.perf_counter() - self._started

    def report(self, student: str | None = None) -> Report:
        """The verdict on every check that ran. It has no score if a fault of ours struck."""
        topic = self._answers.topic
        ran = {o.exercise for o in self.outcomes}
        exercises = [self._judge(spec) for spec in topic.exercises if spec.id in ran]
        struck = [spec for spec in topic.exercises if spec.id in self.faults]
        missing = sum(0.0 if spec.bonus else spec.points for spec in struck)
        return Report(
            topic=topic.id,
            student=student,
            status="grader_error" if struck else "graded",
            score=None if struck else sum(e.score for e in exercises),
            max_score=sum(e.max_score for e in exercises) + missing,
            seconds=round(self.seconds, 3),
            exercises=exercises,
            reason="\n".join(map(self._unchecked, struck)) or None,
        )

    def _unchecked(self, spec: ExerciseSpec) -> str:
        return f"{spec.id} could not be checked, and that is our fault: {self.faults[spec.id]}"

    def _judge(self, spec: ExerciseSpec) -> Exercise:
        outcomes = [o for o in self.outcomes if o.exercise == spec.id]
        named = diagnose(self._answers, outcomes)
        outcomes = settled(outcomes)
        checks = [_check(o, named.get(o.key), self._answers) for o in outcomes]
        weight = sum(c.weight for c in checks)
        earned = sum(c.weight for c in checks if c.passed)
        score = spec.points if earned == weight else round(spec.points * earned / weight, 4)
        return Exercise(
            spec.id, score, 0.0 if spec.bonus else spec.points, _status(outcomes), checks
        )


def grade_cells(
    answers: Answers,
    cells: list[Cell],
    jail: Jail,
    exercises: Iterable[str] | None = None,
    pictures: bool = True,
) -> Report:
    """Grade a submission's code in workers of a jail."""
    backend = InWorker(answers.topic, cells, probes_source(answers.topic), jail)
    grading = Grading(answers, backend, pictures=pictures, contained=True)
    try:
        run_suite(answers.topic, [grading], exercises)
    finally:
        backend.close()
    return grading.report()


def grade_each(
    answers: Answers,
    submissions: Iterable[list[Cell]],
    jail: Jail,
    exercises: Iterable[str] | None = None,
) -> list[Report | KitError]:
    """Grade several submissions and collect the suite once.

    A fault of ours costs only the submission that it struck.
    """
    waiting, verdicts = list(submissions), list[Report | KitError]()
    while len(verdicts) < len(waiting):
        try:
            with contextlib.closing(
                _gradings(answers, waiting[len(verdicts) :], jail, verdicts)
            ) as gradings:
                run_suite(answers.topic, gradings, exercises)
        except KitError as error:
            verdicts.append(error)
    return verdicts


def _gradings(
    answers: Answers, submissions: list[list[Cell]], jail: Jail, verdicts: list[Report | KitError]
) -> Generator[Grading]:
    """A job for each submission. Its verdict is kept before the next one begins."""
    for cells in submissions:
        backend = InWorker(answers.topic, cells, probes_source(answers.topic), jail)
        grading = Grading(answers, backend, contained=True)
        try:
            yield grading
            verdicts.append(grading.report())
        finally:
            backend.close()


def grade_namespace(
    answers: Answers, namespace: dict[str, Any], exercises: Iterable[str] | None = None
) -> Report:
    """Grade the functions of a live namespace, in this process."""
    local = InProcess(namespace, probes_source(answers.topic))
    grading = Grading(answers, local, contained=True)
    run_suite(answers.topic, [grading], exercises)
    return grading.report()


def _check(outcome: Outcome, misconception: str | None, answers: Answers) -> Check:
    message = (
        None
        if outcome.passed
        else "\n".join(filter(None, (outcome.call, outcome.message)))[:_MESSAGE]
    )
    known = answers.misconceptions.get(misconception or "")
    return Check(
        id=outcome.id,
        kind=outcome.kind,
        title=outcome.title,
        passed=outcome.passed,
        weight=outcome.weight,
        message=message,
        hint=known["hint"] if known else outcome.hint,
        misconception=known["title"] if known else None,
        call=outcome.made,
        cause=outcome.cause,
        picture=outcome.picture,
    )


def _status(outcomes: list[Outcome]) -> ExerciseStatus:
    failed = [o for o in outcomes if not o.passed]
    troubles = {causes.kind(o.cause) for o in failed}
    if not failed:
        return "passed"
    if len(failed) == len(outcomes) and troubles <= {"missing", "stub"}:
        return "not_attempted"
    if "timeout" in troubles:
        return "timeout"
    if "crashed" in troubles:
        return "crashed"
    return "partial" if len(failed) < len(outcomes) else "failed"
