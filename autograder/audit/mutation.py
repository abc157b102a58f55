"""Errors not in the bank: every single-point mutant of the reference is caught or listed."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import yaml

from autograder.audit.mutants import Mutant, mutants
from autograder.course.course_file import Course
from autograder.grading.in_worker import InWorker
from autograder.grading.run import Grading, run_suite
from autograder.grading.suite import probes_source
from autograder.jail.tiers import survey
from autograder.model import cause as causes
from autograder.model.answer_key import Answers
from autograder.model.errors import UserError
from autograder.model.notebook import Cell
from autograder.model.topic import Topic

_BATCH = 8  # mutants that share one collection of the suite
_CPU_SECONDS = 4.0  # for one exercise: a mutant that takes longer counts as endless


@dataclass(frozen=True)
class Fate:
    """The keys of the checks that a mutant failed; none if it survived.

    It is `beaten` if a check of its results failed it, not only a limit on training or on time.
    """

    mutant: Mutant
    failed: tuple[str, ...]
    beaten: bool


def fates(
    course: Course, topic: Topic, answers: Answers, workers: int, complete: bool = False
) -> Iterator[Fate]:
    """Run every mutant against the checks of its exercise.

    A run ends at the first failure, unless `complete`.
    """
    source = (course.solutions(topic.id) / "reference.py").read_text(encoding="utf-8")
    every = mutants(source, topic.functions)
    impatient = replace(
        topic, exercises=[replace(e, cpu_seconds=_CPU_SECONDS) for e in topic.exercises]
    )
    answers = replace(answers, topic=impatient)
    batches = list(_batches(topic, every))
    with ProcessPoolExecutor(workers) as pool:
        for batch in pool.map(
            run_batch, [answers] * len(batches), batches, [complete] * len(batches)
        ):
            yield from batch


def run_batch(answers: Answers, batch: list[Mutant], complete: bool) -> list[Fate]:
    """The fates of some mutants of one exercise."""
    topic = answers.topic
    exercise = topic.exercise_of(batch[0].function)
    found = []

    def jobs() -> Iterator[Grading]:
        for mutant in batch:
            cells = [Cell(0, "code", source, "setup") for source in topic.setup]
            cells.append(Cell(1, "code", mutant.source, "mutant"))
            backend = InWorker(topic, cells, probes_source(topic), survey().jail, ahead=False)
            grading = Grading(answers, backend, until_failure=not complete, pictures=False)
            yield grading
            backend.close()
            failed = [o for o in grading.outcomes if not o.passed]
            beaten = any(
                o.kind != "convergence" and causes.kind(o.cause) != "timeout" for o in failed
            )
            found.append(Fate(mutant, tuple(o.key for o in failed), beaten))

    run_suite(topic, jobs(), [exercise])
    return found


def explained(course: Course, topic: Topic) -> dict[str, str]:
    """The mutants listed as equivalent to the reference, each with its reason."""
    path = course.solutions(topic.id) / "equivalent_mutants.yaml"
    if not path.is_file():
        return {}
    data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(data, dict) or not all(
        isinstance(v, str) and v.strip() for v in data.values()
    ):
        raise UserError(f"{path} must map each mutant's name to a one-line reason")
    return {str(name): reason for name, reason in data.items()}


def _batches(topic: Topic, every: list[Mutant]) -> Iterator[list[Mutant]]:
    for spec in topic.exercises:
        own = [m for m in every if m.function in spec.functions]
        yield from (own[i : i + _BATCH] for i in range(0, len(own), _BATCH))
