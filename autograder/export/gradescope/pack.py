"""Pack a topic's grader for Gradescope: two scripts, this package and the topic's secret answers."""

import re
from pathlib import Path

from autograder.course.course_file import Course
from autograder.course.record import secret_answers
from autograder.export.kit import explained, secrets_of
from autograder.export.leaks import leaks
from autograder.model.answer_key import NAME
from autograder.model.errors import UserError

PROGRAMS = ("setup.sh", "run_autograder")
_HERE = Path(__file__).parent
_ALLOWED = re.compile(
    r"setup\.sh|run_autograder|constraints\.txt|first_principles_kit-[\w.+-]+\.whl"
)


def contents(
    course: Course, topic_id: str, wheel: tuple[str, bytes], unsafe: bool
) -> dict[str, bytes]:
    """The members of the zip file.

    If one holds a solution or the seed, UserError says which and where.
    """
    answers = secret_answers(course, course.topic(topic_id))
    members = {name: (_HERE / name).read_bytes() for name in PROGRAMS} | {wheel[0]: wheel[1]}
    members["run_autograder"] = members["run_autograder"].replace(
        b" @FLAGS@", b" --unsafe-no-jail" if unsafe else b""
    )
    constraints = course.root / "constraints.txt"
    if constraints.is_file():
        members["constraints.txt"] = constraints.read_bytes()
    if found := leaks(members, _ALLOWED, secrets_of(course)):
        raise UserError(explained(found))
    return members | {NAME: answers.to_bytes()}
