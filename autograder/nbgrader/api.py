"""nbgrader's Python interface, opened on a course with the course's own configuration."""

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
    """NbGraderAPI in the folder of the course, with its log kept out of the terminal."""
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
    """Put the folder of this Python on PATH: nbgrader calls `alembic` by its bare name."""
    import sysconfig

    scripts = sysconfig.get_path("scripts")
    folders = os.environ.get("PATH", "").split(os.pathsep)
    if scripts not in folders:
        os.environ["PATH"] = os.pathsep.join([scripts, *folders])


@contextmanager
def telling() -> Iterator[None]:
    """Keep a UserError raised inside nbgrader, which passes on only a log."""
    try:
        yield
    except UserError as error:
        _told.set(str(error))
        raise


def reason(result: dict[str, Any]) -> str:
    """Why nbgrader failed: our own error, or the last meaningful line of its log."""
    told = _told.get()
    if told is not None:
        return told
    lines = [*result.get("error", "").splitlines(), *result.get("log", "").splitlines()]
    errors = [line for line in lines if line.startswith("[ERROR]") and "Traceback" not in line]
    return str(
        (errors or [line for line in lines if line.strip()] or ["nbgrader gave no reason"])[-1]
    ).strip()
