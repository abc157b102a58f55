"""How far a training came on its way: shown when it did not come as far as its threshold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autograder.model import picture
from autograder.model.errors import KitError
from autograder.model.picture import Picture
from autograder.testing.assertions import CheckFailed
from autograder.testing.student import Student, aside

_HALVINGS = (
    4  # shorter trainings that are run: together they take as long as the one that was judged
)


@contextmanager
def on_the_way(
    student: Student, length: int, unit: str, reached: Callable[[int], float]
) -> Iterator[None]:
    """Where the measured end of a training fails in here, show what it measures on the way to it.

    `reached(n)` trains anew for n units, from the same start, and measures what the check has
    judged for `length`. The shorter trainings are called aside: they use up no time of the
    exercise, and no verdict rests on them.
    """
    try:
        yield
    except CheckFailed as failed:
        if failed.picture is not None and failed.picture["type"] == "measured":
            failed.picture = (
                _shown(student, failed.picture, length, unit, reached) or failed.picture
            )
        raise


def _shown(
    student: Student, judged: Picture, length: int, unit: str, reached: Callable[[int], float]
) -> Picture | None:
    values = {length: float(judged["value"])}
    with aside(student) as wanted:
        for n in sorted({length >> k for k in range(1, _HALVINGS + 1)} - {0}) if wanted else ():
            try:
                values[n] = float(reached(n))
            except KitError:
                raise
            except Exception:  # the verdict stands: what cannot be trained for less is not drawn
                break
    return picture.training(judged, unit, values)
