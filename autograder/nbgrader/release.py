"""In `nbgrader generate_assignment`: prove that the notebook fits course.yaml; add public answers."""

from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.course import course_file
from autograder.course.course_file import Course
from autograder.course.record import record
from autograder.model.answer_key import NAME, PUBLIC_SEED
from autograder.model.errors import UserError
from autograder.nbgrader import api


class Release(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes answers.npz under the public seed beside the released notebook; sets the due date."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        with api.telling():
            return self._release(nb, resources)

    def _release(self, nb: Any, resources: Any) -> Any:
        course = course_file.find(Path.cwd())
        topic_id = resources["nbgrader"]["assignment"]
        require_agreement(course, topic_id, nb)
        answers = record(course, course.topic(topic_id), PUBLIC_SEED)
        resources.setdefault("outputs", {})[NAME] = answers.to_bytes()
        with Gradebook(resources["nbgrader"]["db_url"]) as gradebook:
            # nbgrader needs it to know what is late
            gradebook.update_or_create_assignment(topic_id, duedate=course.entry(topic_id).due)
        return nb, resources


def require_agreement(course: Course, topic_id: str, nb: Any) -> None:
    """UserError unless the notebook's graded cells have the names and points of course.yaml."""
    entry = course.entry(topic_id)
    expected = {
        f"check-{name}": 0.0 if e.bonus else float(e.points) for name, e in entry.exercises.items()
    }
    expected |= {f"written-{name}": float(w.points) for name, w in entry.written.items()}
    metadata = [cell.metadata.get("nbgrader", {}) for cell in nb.cells]
    found = {m["grade_id"]: float(m["points"]) for m in metadata if m.get("grade")}
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise UserError(
                f"the cell {name} of {topic_id} is worth "
                f"{found.get(name, 'nothing, as it is missing')} in the notebook and "
                f"{expected.get(name, 'nothing, as it is missing')} in course.yaml; make them "
                "equal"
            )
