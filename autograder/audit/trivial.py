"""Answers that compute nothing: each must score 0 in its exercise."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autograder.course import record
from autograder.course.course_file import load
from autograder.grading.in_process import InProcess
from autograder.grading.run import Grading, run_suite
from autograder.grading.suite import probes_source
from autograder.model.answer_key import Answers
from autograder.worker import codec

Function = Callable[..., Any]


def answers_to(reference: Function) -> dict[str, Function]:
    """The trivial answers to a function, by name. Some have the form of the right result."""
    remembered: dict[bytes, Any] = {}

    def right(*args: Any, **kwargs: Any) -> Any:
        try:
            key = codec.encode((args, kwargs), seeds=True)
        except codec.NotPlain:  # a function or a generator among the arguments
            return reference(*args, **kwargs)
        if key not in remembered:
            remembered[key] = reference(*args, **kwargs)
        return codec.copy(remembered[key])

    def formed(number: Callable[[Any], Any]) -> Function:
        def answer(*args: Any, **kwargs: Any) -> Any:
            if any(map(callable, (*args, *kwargs.values()))):
                return None  # to find the form, the reference would call what was handed in
            return _each(right(*args, **kwargs), number)

        return answer

    drawn = np.random.RandomState(0)
    return {
        "None": lambda *args, **kwargs: None,
        "nothing": lambda *args, **kwargs: (),
        "the first argument": lambda *args, **kwargs: args[0] if args else None,
        "the last argument": lambda *args, **kwargs: args[-1] if args else None,
        "all arguments": lambda *args, **kwargs: args,
        "zero": lambda *args, **kwargs: 0.0,
        "one": lambda *args, **kwargs: 1.0,
        "zeros of the right form": formed(np.zeros_like),
        "ones of the right form": formed(np.ones_like),
        "halves of the right form": formed(lambda a: np.full_like(a, 0.5, dtype=float)),
        "NaN of the right form": formed(lambda a: np.full_like(a, math.nan, dtype=float)),
        "noise of the right form": formed(lambda a: drawn.normal(size=np.shape(a))),
    }


@dataclass
class Trivial:
    """How many trivial answers were tried, and a sentence for each that earned points."""

    tried: int = 0
    earned: list[str] = field(default_factory=list)


def trivial_answers(course_file: Path, topic_id: str, seed: int) -> Trivial:
    """Try all trivial answers of a topic. It runs in its own process: plain data in and out."""
    course = load(course_file)
    topic = course.topic(topic_id)
    reference = vars(record.load_reference(course, topic))
    return tried(record.record(course, topic, seed), reference)


def tried(answers: Answers, solution: dict[str, Any]) -> Trivial:
    """The result of each trivial answer in its exercise.

    All functions of the exercise give trivial answers; those of the others are the solution's.
    """
    result = Trivial()
    for spec in answers.topic.exercises:
        functions = [f for f in spec.functions if not isinstance(solution.get(f), type)]
        trivial = {f: answers_to(solution[f]) for f in functions if callable(solution.get(f))}
        for name in next(iter(trivial.values()), {}):
            namespace = solution | {f: found[name] for f, found in trivial.items()}
            grading = Grading(
                answers, InProcess(namespace, probes_source(answers.topic)), pictures=False
            )
            run_suite(answers.topic, [grading], [spec.id])
            exercise = grading.report().exercise(spec.id)
            result.tried += 1
            if exercise.score > 0:
                passed = ", ".join(check.id for check in exercise.checks if check.passed)
                points = f"{exercise.score:.2g} of {spec.points:g} points"
                result.earned.append(f"{spec.id}: {name} earns {points} by {passed}")
    return result


def _each(value: Any, number: Callable[[Any], Any]) -> Any:
    """The value with its numbers replaced."""
    if isinstance(value, dict):
        return {key: _each(item, number) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_each(item, number) for item in value)
    if isinstance(value, str) or value is None:
        return value
    made = number(value)
    return made if isinstance(value, np.ndarray) else np.asarray(made)[()]
