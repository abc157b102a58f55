"""The oracle of a check: `oracle.softmax(z)` is the reference's answer to the same call.

While recording, it asks the reference; afterwards it reads the answers file. The inputs of an
oracle call may depend only on the seed, never on what the student returned. The sketch of the
inputs proves it.
"""

from typing import Any

from autograder.model.answer_key import Answer, Answers, call_sketch
from autograder.model.errors import KitError
from autograder.testing.student import ByName, Student
from autograder.worker import codec


class Oracle(ByName):
    """Answers the calls of one check, in order, from the answers file."""

    def __init__(self, answers: Answers, key: str) -> None:
        self._key, self._next = key, iter(answers.calls.get(key, []))

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        answer = next(self._next, None)
        if answer is None:
            raise KitError(
                f"{self._key} asks the oracle more often than when its answers were recorded"
            )
        if not answer.inputs.fits(call_sketch(function, args, kwargs)):
            raise KitError(
                f"the inputs that {self._key} gave to {function} are not those its answer was "
                "recorded for; please report this, with the versions of Python and NumPy"
            )
        return codec.decode(answer.frame)


class Recorder(ByName):
    """Asks the reference and keeps each answer for the file."""

    def __init__(self, reference: Student, answers: Answers, key: str) -> None:
        self._reference, self._kept = reference, answers.calls.setdefault(key, [])

    def _ask(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = call_sketch(function, args, kwargs)
        frame = codec.encode(getattr(self._reference, function)(*args, **kwargs))
        self._kept.append(Answer(inputs, frame))
        return codec.decode(frame)
