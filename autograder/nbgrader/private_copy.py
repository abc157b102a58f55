"""At `nbgrader autograde`: nbgrader reads a copy of the submissions that nobody else can change.

nbgrader opens folders and files by their paths, again and again, and follows every link. So before
it begins it is given folders of ours, with plain files only, with the notebook under the name that
it expects, and with a time only where somebody vouches for it.
"""

import os
import shutil
import tempfile
import weakref
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.course import course_file
from autograder.model import opened
from autograder.model.errors import UserError
from autograder.model.opened import NotPlain
from autograder.nbgrader.classroom import Classroom
from autograder.nbgrader.extras import make_room, take_over
from autograder.nbgrader.timestamps import FILE, settle, text_of


def give(converter: Any, user: Any) -> None:
    """Let nbgrader's converter read copies in the place of what was handed in, until its `user` is
    gone. NbGraderException for a topic that the course does not have.
    """
    root = Path(converter.coursedir.root)
    try:
        course = course_file.load(root / course_file.FILE)
        course.secrets.mkdir(mode=0o700, exist_ok=True)
        private = Path(tempfile.mkdtemp(dir=course.secrets, prefix="autograde-"))
        weakref.finalize(user, shutil.rmtree, private, ignore_errors=True)
        folders = [Path(folder) for folder in converter.assignments]
        rooms = {name: Classroom(course, name) for name in {f.name for f in folders}}
        pattern = converter.coursedir.notebook_id
        converter.assignments = {
            str(copy): [str(path)] if fnmatch(path.stem, pattern) else []
            for copy, path in (_copied(f, private, rooms[f.name], converter.log) for f in folders)
        }
    except UserError as error:
        converter.log.error("%s", error)
        raise NbGraderException(str(error)) from None
    names = converter.coursedir.trait_names(config=True)
    settings = {name: getattr(converter.coursedir, name) for name in names}
    settings["submitted_directory"] = os.path.relpath(private, root)
    converter.coursedir = CourseDirectory(parent=converter.coursedir.parent, **settings)


def _copied(folder: Path, private: Path, room: Classroom, log: Any) -> tuple[Path, Path]:
    """The copy of a submission's folder and its notebook there. What cannot be copied by a fault of
    ours is left out: nbgrader then fails with this submission and goes on.
    """
    target = private / folder.parent.name / folder.name
    target.mkdir(parents=True)
    path = target / f"{room.topic.name}.ipynb"

    def left_out(name: Path, error: OSError) -> None:
        log.warning("%s is left out: %s", folder / name, error.strerror or error)

    when = settle(folder, room.course.entry(room.topic.id).due)
    if when.warning is not None:
        log.warning("%s", when.warning)
    if when.moment is not None:
        (target / FILE).write_text(text_of(when.moment))
    try:
        nb = room.read(folder)
        with opened.submitted(folder) as at:
            take_over(at, target, left_out)
    except NotPlain as error:
        left_out(Path(), error)
    except OSError as error:
        log.error("%s cannot be read: %s", folder, error.strerror or error)
        return target, path
    make_room(target, Path(path.name))
    path.write_text(nbformat.v4.writes(nb), encoding="utf-8")
    return target, path
