"""`autograder kit`: one zip file with everything that students need and no secrets."""

import re

from autograder.course.course_file import Course
from autograder.export.leaks import Leak, Secrets, leaks
from autograder.grading.suite import require_suite
from autograder.model import answer_key
from autograder.model.answer_key import NAME
from autograder.model.errors import UserError

_IGNORED = ("__pycache__", ".ipynb_checkpoints")
_SHOWN = 5  # leaks that the message names; it counts the others
README = """\
# {course}

Notebooks with blanks to fill, and a package that checks your answers while you work.

## Set up, once

You need Python 3.11 or newer. In this folder:

    python3 -m venv .venv
    . .venv/bin/activate            # on Windows: .venv\\Scripts\\activate
    pip install ./{wheel} jupyterlab matplotlib

## Work

    jupyter lab

Open a notebook under `release/` and start at the top:

{topics}

Fill a blank, and run the `check(...)` cell below it: it says what is right, what is wrong, and where. To check a whole
notebook from a terminal:

    autograder check release/{first}

Keep `answers.npz`, `given.py` and `figures.py` beside their notebook. Hand in the notebook alone.
"""


def contents(course: Course, wheel: tuple[str, bytes]) -> dict[str, bytes]:
    """The members of the zip file, in one folder.

    If one holds a secret, UserError says which and where.
    """
    name, data = wheel
    members = {"README.md": _readme(course, name).encode(), name: data}
    for topic in course.topic_ids:
        members |= _released(course, topic)
    if found := leaks(members, _allowed(course), secrets_of(course)):
        raise UserError(explained(found))
    return {f"{course.file.course}/{name}": data for name, data in members.items()}


def secrets_of(course: Course) -> Secrets:
    """The secrets of a course. If there is no seed yet, none is made."""
    if not (course.root / "solutions").is_dir():
        raise UserError(
            f"{course.root} has no solutions/, and without them the search for leaks proves nothing; run "
            "this in the whole course folder"
        )
    path = course.secrets / "seed"
    seed = path.read_text().strip() if path.is_file() else ""
    return Secrets(course.root / "solutions", int(seed) if seed.isdigit() else None)


def explained(found: list[Leak]) -> str:
    """What was found and where, one line each."""
    lines = [f"{leak.where}: {leak.what}" for leak in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return "\n  ".join(["nothing was written, because this must not be handed out:", *lines, *more])


def _released(course: Course, topic: str) -> dict[str, bytes]:
    """All files of a release. The search for leaks finds what must not be there."""
    folder = course.release(topic)
    if not (folder / NAME).is_file():
        raise UserError(f"{topic} is not released yet; run first: autograder release {topic}")
    require_suite(answer_key.load(folder / NAME), folder / NAME)
    paths = [
        p for p in sorted(folder.rglob("*")) if p.is_file() and not set(_IGNORED) & set(p.parts)
    ]
    return {
        f"release/{topic}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in paths
    }


def _allowed(course: Course) -> re.Pattern[str]:
    names = [
        rf"release/{re.escape(t)}/({t.partition('-')[2]}\.ipynb|given\.py|figures\.py|answers\.npz)"
        for t in course.topic_ids
    ]
    return re.compile("|".join([r"README\.md", r"first_principles_kit-[\w.+-]+\.whl", *names]))


def _readme(course: Course, wheel: str) -> str:
    notebooks = {t: f"{t}/{t.partition('-')[2]}.ipynb" for t in course.topic_ids}
    topics = "\n".join(
        f"- `release/{path}`: {course.entry(t).title}" for t, path in notebooks.items()
    )
    return README.format(
        course=course.file.course, wheel=wheel, topics=topics, first=next(iter(notebooks.values()))
    )
