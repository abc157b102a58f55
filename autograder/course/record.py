"""Record an answers file.

Run a topic's suite with the reference as the student and keep the oracle's answers. Then run it
with each misconception and keep the fingerprint of each failing check.
"""

import importlib
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from autograder.course import misconceptions
from autograder.course.course_file import Course
from autograder.course.misconceptions import Misconception
from autograder.course.proofs import Proof
from autograder.grading.in_process import InProcess
from autograder.grading.oracle import Oracle, Recorder
from autograder.grading.outcome import Outcome
from autograder.grading.run import Grading, parameters, run_suite
from autograder.grading.suite import probes_source, suite_digest
from autograder.model import answer_key
from autograder.model.answer_key import Answers
from autograder.model.errors import KitError, UserError
from autograder.model.topic import ExerciseSpec, Topic
from autograder.testing.student import Reply, Student


class Recording:
    """A Job: the reference answers its own checks, and every one of them must pass."""

    def __init__(self, reference: ModuleType, answers: Answers) -> None:
        self.seed, self._answers = answers.seed, answers
        self.over = False
        self._local, self._parameters = (
            _local(vars(reference), answers.topic),
            parameters(answers.topic),
        )

    def student(self, exercise: str) -> Student:
        return Student(self._local, self._parameters)

    def oracle(self, key: str) -> Recorder:
        return Recorder(self.student(""), self._answers, key)

    def add(self, outcome: Outcome) -> None:
        if not outcome.passed:
            raise KitError(f"the reference fails {outcome.key}: {outcome.call} {outcome.message}")

    def strike(self, exercise: str, fault: KitError) -> None:
        raise fault

    def done(self) -> None:
        """Nothing to do: all checks passed."""


class Contrary:
    """A Job whose student returns wrong values.

    An oracle call whose inputs depend on them raises KitError.
    """

    def __init__(self, reference: ModuleType, answers: Answers) -> None:
        self.over = False
        self.seed, self._answers, self._honest = (
            answers.seed,
            answers,
            _local(vars(reference), answers.topic),
        )

    def student(self, exercise: str) -> Student:
        return Student(self, parameters(self._answers.topic), pictures=False)

    def oracle(self, key: str) -> Oracle:
        return Oracle(self._answers, key)

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reply:
        return Reply(_distort(self._honest.call(function, args, kwargs).value))

    def aside(self) -> AbstractContextManager[None]:
        return self._honest.aside()

    def begin(self, spec: ExerciseSpec) -> None:
        """Nothing to prepare."""

    def add(self, outcome: Outcome) -> None:
        """Nothing to do: whether the check passes does not matter."""

    def strike(self, exercise: str, fault: KitError) -> None:
        raise fault

    def done(self) -> None:
        """Nothing to do."""


def record(course: Course, topic: Topic, seed: int) -> Answers:
    """The answers of the topic's reference under a seed. KitError if the reference fails its suite."""
    return record_with_misconceptions(course, topic, seed)[0]


def record_with_misconceptions(
    course: Course, topic: Topic, seed: int
) -> tuple[Answers, dict[str, Grading]]:
    """The answers, and for each misconception, by name, the run of its own exercise."""
    reference, wrong = load_reference(course, topic), load_misconceptions(course, topic)
    answers = Answers(topic, seed, suite_digest(topic))
    run_suite(topic, [Recording(reference, answers)])
    run_suite(topic, [Contrary(reference, answers)])
    runs: dict[str, Grading] = {}
    for spec in topic.exercises:
        known = [m for m in wrong if m.function in spec.functions]
        jobs = [
            Grading(answers, _local(with_misconception(reference, m), topic), pictures=False)
            for m in known
        ]
        run_suite(topic, jobs, [spec.id])
        for misconception, job in zip(known, jobs):
            runs[misconception.name] = job
            answers.misconceptions[misconception.name] = {
                "exercise": spec.id,
                "title": misconception.title,
                "hint": misconception.hint,
            }
            for outcome in job.outcomes:
                if not outcome.passed:
                    answers.fingerprints.setdefault(outcome.key, {})[misconception.name] = (
                        outcome.fingerprint
                    )
    return answers, runs


def secret_answers(course: Course, topic: Topic) -> Answers:
    """The answers under the course's secret seed.

    They are recorded again if anything they depend on has changed.
    """
    seed = _secret_seed(course)
    path = course.secrets / f"{topic.id}.npz"
    state = digest_of_sources(course, topic, seed)
    stamp = path.with_suffix(".digest")
    if path.is_file() and stamp.is_file() and stamp.read_text() == state:
        return answer_key.load(path)
    answers = record(course, topic, seed)
    answers.save(path)
    os.chmod(path, 0o600)
    stamp.write_text(state)
    return answers


def digest_of_sources(course: Course, topic: Topic, seed: int) -> str:
    """Digest of everything that an answers file is recorded from."""
    files = [_solution(course, topic), _bank(course, topic)]
    texts = [path.read_text(encoding="utf-8") for path in files if path.is_file()]
    return answer_key.digest(
        str(seed), suite_digest(topic), repr(topic.to_dict()), np.__version__, *texts
    )


def load_reference(course: Course, topic: Topic) -> ModuleType:
    """The reference solution as a module. KitError if it lacks a function of the topic."""
    path = _solution(course, topic)
    if not path.is_file():
        raise UserError(f"{path} is missing: recording answers needs the course's solutions")
    with _importable(course.root):
        module = importlib.import_module(f"solutions.{topic.name}.reference")
    absent = [f for f in topic.functions if not callable(getattr(module, f, None))]
    if absent:
        raise KitError(f"{path} does not define {', '.join(absent)}")
    return module


def load_misconceptions(course: Course, topic: Topic) -> list[Misconception]:
    """The topic's bank of misconceptions; empty if it has none yet."""
    if not _bank(course, topic).is_file():
        return []
    with _importable(course.root):
        found = misconceptions.misconceptions(
            importlib.import_module(f"solutions.{topic.name}.misconceptions")
        )
    for m in found:
        if m.function not in topic.functions:
            raise KitError(
                f"the misconception {m.name} is of {m.function}, which {topic.id} does not have"
            )
    return found


def load_proofs(
    course: Course, topic: Topic
) -> Callable[[np.random.RandomState], Iterable[Proof]] | None:
    """The function that yields claims about the reference's gradients; None if the topic has none."""
    if not (course.solutions(topic.id) / "proofs.py").is_file():
        return None
    with _importable(course.root):
        module = importlib.import_module(f"solutions.{topic.name}.proofs")
    claims: Callable[[np.random.RandomState], Iterable[Proof]] = module.proofs
    return claims


def alternatives(course: Course, topic: Topic) -> list[Path]:
    """Other complete solutions, one module each."""
    return sorted((course.solutions(topic.id) / "alternatives").glob("*.py"))


def with_misconception(reference: ModuleType, misconception: Misconception) -> dict[str, Any]:
    """The reference's namespace with one function replaced. Its other functions call the right one."""
    return {**vars(reference), misconception.function: misconception.body}


def _local(namespace: dict[str, Any], topic: Topic) -> InProcess:
    return InProcess(namespace, probes_source(topic))


def _solution(course: Course, topic: Topic) -> Path:
    return course.solutions(topic.id) / "reference.py"


def _bank(course: Course, topic: Topic) -> Path:
    return course.solutions(topic.id) / "misconceptions.py"


def _secret_seed(course: Course) -> int:
    path = course.secrets / "seed"
    if not path.is_file():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.randbits(63)}\n")
    try:
        return int(path.read_text())
    except ValueError:
        raise UserError(
            f"{path} does not hold a number; restore it, or remove it for a new seed"
        ) from None


def _distort(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _distort(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_distort(item) for item in value)
    if isinstance(value, (int, float, np.ndarray, np.number)) and not isinstance(value, bool):
        return np.multiply(value, 1.5) + 0.25
    return value


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Make `solutions` importable in this context, read afresh and from this course only."""
    for name in [n for n in sys.modules if n.partition(".")[0] == "solutions"]:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
