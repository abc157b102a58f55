"""nbgrader's own Python interface, opened on a course with the course's own configuration."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

from autograder.course.course_file import Course
from autograder.model.errors import UserError

CONFIG = "nbgrader_config.py"
_told: ContextVar[str | None] = ContextVar("told", default=None)


@contextmanager
def opened(course: Course) -> Iterator[Any]:
    """NbGraderAPI for the course, working in its folder, its log kept out of the terminal."""
    if not (course.root / CONFIG).is_file():
        raise UserError(f"{course.root / CONFIG} is missing; copy the one that comes with the kit")
    _told.set(None)
    here = os.getcwd()
    os.chdir(course.root)
    make_tools_reachable()
    try:
        config = PyFileConfigLoader(CONFIG, path=str(course.root)).load_config()
        api = NbGraderAPI(config=config)
        api.log.handlers = [logging.NullHandler()]
        api.log.propagate = False
        yield api
    finally:
        os.chdir(here)


def make_tools_reachable() -> None:
    """nbgrader calls `alembic` by its bare name, so the folder of this Python has to be on PATH."""
    import sysconfig

    scripts = sysconfig.get_path("scripts")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if scripts not in folders:
        os.environ["PATH"] = os.pathsep.join([scripts, *folders])


@contextmanager
def telling() -> Iterator[None]:
    """Around what nbgrader calls of ours: an error of ours is kept in its own words, for nbgrader
    hands on no more than a log.
    """
    try:
        yield
    except UserError as error:
        _told.set(str(error))
        raise


def reason(result: dict[str, Any]) -> str:
    """Why nbgrader failed: an error of ours, or the last line of its own that says something."""
    told = _told.get()
    if told is not None:
        return told
    lines = [*result.get("error", "").splitlines(), *result.get("log", "").splitlines()]
    errors = [line for line in lines if line.startswith("[ERROR]") and "Traceback" not in line]
    return str(
        (errors or [line for line in lines if line.strip()] or ["nbgrader gave no reason"])[-1]
    ).strip()
