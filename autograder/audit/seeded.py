"""What one seed shows: right answers pass, the stub scores 0, misconceptions are caught and named."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.course import record, solve
from autograder.course.course_file import Course, load
from autograder.grading.in_process import InProcess
from autograder.grading.run import Grading, run_suite
from autograder.grading.submission import grade_notebook
from autograder.grading.suite import probes_source
from autograder.jail.tiers import survey
from autograder.model import notebook
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError
from autograder.model.report import Report
from autograder.model.topic import ExerciseSpec


@dataclass
class Seeded:
    """The results under one seed, as plain data that another process sends."""

    seed: int
    problems: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    # misconception -> itself, another one's title, or ""
    named: dict[str, str] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)  # checks that some misconception fails
    margins: dict[str, float] = field(default_factory=dict)  # measured by the reference
    checks: list[str] = field(default_factory=list)


def examine(course_file: Path, topic_id: str, seed: int) -> Seeded:
    """All results under one seed. It runs in its own process, so it takes and returns plain data."""
    course = load(course_file)
    topic = course.topic(topic_id)
    result = Seeded(seed)
    try:
        answers, runs = record.record_with_misconceptions(course, topic, seed)
    except KitError as error:
        result.problems["right"].append(f"seed {seed}: {error}")
        return result
    _right_answers(course, answers, result)
    _stub(course, answers, result)
    _misconceptions(answers, runs, result)
    return result


def in_worker(course: Course, answers: Answers, source: str | None) -> Report:
    """The Report of the notebook filled from a source, or of the stub, graded as a submission is."""
    path = course.assignment(answers.topic.id)
    text = path.read_text(encoding="utf-8")
    if source is not None:
        text = json.dumps(solve.solve(path, answers.topic, source, "a solution"))
    return grade_notebook(answers, notebook.parse(path, text), survey().jail)


def in_namespace(answers: Answers, source: str) -> Grading:
    """Run a module's functions in this process, as in a live notebook."""
    namespace: dict[str, Any] = {"__name__": "solution"}
    exec(compile(source, "<solution>", "exec"), namespace)
    grading = Grading(answers, InProcess(namespace, probes_source(answers.topic)))
    run_suite(answers.topic, [grading])
    return grading


def _right_answers(course: Course, answers: Answers, result: Seeded) -> None:
    topic = answers.topic
    reference = course.solutions(topic.id) / "reference.py"
    for path in (reference, *record.alternatives(course, topic)):
        source = path.read_text(encoding="utf-8")
        live = in_namespace(answers, source)
        reports = {"worker": in_worker(course, answers, source), "live notebook": live.report()}
        for where, report in reports.items():
            for problem in _lost(report):
                result.problems["right"].append(
                    f"{path.stem} in a {where}, seed {result.seed}: {problem}"
                )
        bare = [_without_times(report) for report in reports.values()]
        if bare[0] != bare[1]:
            result.problems["right"].append(
                f"{path.stem}, seed {result.seed}: worker and live notebook disagree"
            )
        if path == reference:
            result.margins = {o.key: o.margin for o in live.outcomes if o.margin is not None}
            result.checks = [o.key for o in live.outcomes]


def _stub(course: Course, answers: Answers, result: Seeded) -> None:
    report = in_worker(course, answers, None)
    odd = [e.id for e in report.exercises if e.status != "not_attempted" or e.score]
    if report.status != "graded" or odd:
        result.problems["stub"].append(f"seed {result.seed}: {report.reason or ', '.join(odd)}")


def _misconceptions(answers: Answers, runs: dict[str, Grading], result: Seeded) -> None:
    for name, run in runs.items():
        report, known = run.report(), answers.misconceptions[name]
        failed = [c for e in report.exercises for c in e.checks if not c.passed]
        result.failed |= {o.key for o in run.outcomes if not o.passed}
        if not failed:
            result.problems["misconceptions"].append(f"{name} is not caught, seed {result.seed}")
        titles = {c.misconception for c in failed if c.misconception}
        others = titles - {known["title"]}
        result.named[name] = next(iter(sorted(others)), name if titles else "")


def elsewhere(course_file: Path, topic_id: str, seed: int) -> list[str]:
    """Misconceptions that fail a check of another exercise without `also`, or with it do not.

    One seed tells: it depends only on which function calls which.
    """
    course = load(course_file)
    topic = course.topic(topic_id)
    answers, _ = record.record_with_misconceptions(course, topic, seed)
    reference = record.load_reference(course, topic)
    callers = _callers(answers, vars(reference))
    found = []
    for misconception in record.load_misconceptions(course, topic):
        own = topic.exercise_of(misconception.function)
        others = (callers.get(misconception.function, set()) | {misconception.also or own}) - {own}
        if not others:
            continue
        wrong = InProcess(record.with_misconception(reference, misconception), probes_source(topic))
        run = Grading(answers, wrong, until_failure=True, pictures=False)
        run_suite(topic, [run], others)
        failed = [o for o in run.outcomes if not o.passed]
        found += [
            f"{misconception.name} of {own} fails {o.key} too"
            for o in failed
            if o.exercise != misconception.also
        ]
        if misconception.also and misconception.also not in {o.exercise for o in failed}:
            found.append(
                f"{misconception.name} of {own} declares also={misconception.also!r} but fails no check of it"
            )
    return found


def _callers(answers: Answers, reference: dict[str, Any]) -> dict[str, set[str]]:
    """For each function, the exercises whose checks call it. No other check depends on it."""
    watched = _Watched(reference, probes_source(answers.topic))
    run_suite(answers.topic, [Grading(answers, watched)])
    return watched.calls.callers


class _Watched(InProcess):
    """The reference, which notes what each exercise calls, through a check or a probe."""

    def __init__(self, namespace: dict[str, Any], probes: str) -> None:
        self.calls = _Calls(namespace)
        super().__init__(self.calls, probes)

    def begin(self, spec: ExerciseSpec) -> None:
        self.calls.exercise = spec.id


class _Calls(dict[str, Any]):
    """A namespace that notes which exercise asks for which name."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        super().__init__(namespace)
        self.exercise = ""
        self.callers: dict[str, set[str]] = defaultdict(set)

    def get(self, key: str, default: Any = None) -> Any:
        self.callers[key].add(self.exercise)
        return super().get(key, default)


def _lost(report: Report) -> Iterable[str]:
    if report.status != "graded":
        yield f"{report.status}: {report.reason}"
    for exercise in report.exercises:
        for check in exercise.checks:
            if not check.passed:
                yield f"{exercise.id} {check.id}: {' '.join((check.message or '').split())}"


def _without_times(report: Report) -> dict[str, Any]:
    return {**report.to_dict(), "seconds": None}
