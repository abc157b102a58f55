"""`autograder release`: generate releases from assignments/ with nbgrader, and prove them current."""

import json
import shutil
import tempfile
from pathlib import Path

from autograder.course.course_file import FILE, Course, load
from autograder.model import answer_key
from autograder.model.answer_key import NAME
from autograder.model.errors import KitError, UserError
from autograder.nbgrader import api
from autograder.worker.codec import decode


def release(course: Course, topic_id: str) -> Path:
    """Generate release/<topic> with `nbgrader generate_assignment` and return its folder."""
    course.topic(topic_id)  # our errors are clearer than nbgrader's
    with api.opened(course) as nbgrader:
        result = nbgrader.generate_assignment(topic_id, force=True)
    if not result["success"]:
        raise UserError(f"{topic_id} was not released: {api.reason(result)}")
    return course.release(topic_id)


def require_current(course: Course, topic_id: str) -> None:
    """UserError unless the release equals what would be generated now."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "course"
        copy_course(course, copy)
        fresh = release(load(copy / FILE), topic_id)
        stale = [
            name
            for name in _names(fresh, course.release(topic_id))
            if not _same(fresh, course, topic_id, name)
        ]
    if stale:
        raise UserError(
            f"release/{topic_id} is out of date in {', '.join(stale)}; run: autograder release "
            f"{topic_id}"
        )


def copy_course(course: Course, to: Path) -> None:
    """Copy the parts of a course from which releases are made."""
    to.mkdir(parents=True)
    for name in ("assignments", "solutions"):
        shutil.copytree(
            course.root / name,
            to / name,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    for name in (FILE, api.CONFIG):
        shutil.copy(course.root / name, to / name)


def _names(*folders: Path) -> list[str]:
    ignored = ("__pycache__", ".ipynb_checkpoints")
    files = (p for folder in folders for p in folder.rglob("*") if p.is_file())
    return sorted({p.name for p in files if not set(ignored) & set(p.parts)})


def _same(fresh: Path, course: Course, topic_id: str, name: str) -> bool:
    ours, theirs = fresh / name, course.release(topic_id) / name
    if not (ours.is_file() and theirs.is_file()):
        return False
    if name == NAME:
        return same_answers(ours, theirs)
    if name.endswith(".ipynb"):
        return bool(json.loads(ours.read_text("utf-8")) == json.loads(theirs.read_text("utf-8")))
    return ours.read_bytes() == theirs.read_bytes()


def same_answers(a: Path, b: Path) -> bool:
    """Whether two answers files are equal up to rounding, as between two processors."""
    try:
        x, y = answer_key.load(a), answer_key.load(b)
    except KitError:
        return False
    if (x.topic, x.seed, x.suite, x.misconceptions, x.calls.keys()) != (
        y.topic,
        y.seed,
        y.suite,
        y.misconceptions,
        y.calls.keys(),
    ):
        return False
    pairs = ((p, q) for key in x.calls for p, q in zip(x.calls[key], y.calls[key]))
    return all(
        p.inputs.fits(q.inputs) and _close(decode(p.frame), decode(q.frame)) for p, q in pairs
    )


def _close(a: object, b: object) -> bool:
    import numpy as np

    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[k], b[k]) for k in a)
    if isinstance(a, str) or a is None:
        return a == b
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True))  # type: ignore[arg-type]
