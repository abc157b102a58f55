"""`autograder grade`: one topic of a whole class, through nbgrader, one submission at a time.

Whatever a submission holds, it ends as graded, unreadable or grader_error, and the next one is graded.
"""

from collections.abc import Iterator
from pathlib import Path

from nbgrader.api import MissingEntry

from autograder.course import Course
from autograder.errors import UserError
from autograder.nbgrader import api
from autograder.nbgrader.grade import REPORT
from autograder.results import Report
from autograder.submissions import unreadable
from autograder.topic import Topic


def submitted(course: Course, topic_id: str) -> list[str]:
    """The students who have handed in something for a topic."""
    return sorted(path.parent.name for path in (course.root / "submitted").glob(f"*/{topic_id}") if path.is_dir())


def grade(course: Course, topic_id: str, students: list[str]) -> Iterator[Report]:
    """Grade the students' submissions into the gradebook, each as soon as it is asked for."""
    topic = course.topic(topic_id)
    with api.opened(course) as nbgrader:
        _require_released(nbgrader, topic)
        for student in students:
            folder = course.root / "submitted" / student / topic_id
            if not folder.is_dir():
                raise UserError(f"{student} has handed in nothing for {topic_id}: there is no folder {folder}")
            if any(folder.glob("*.ipynb")):
                yield _graded(nbgrader, course, topic, student)
            else:
                yield _nothing(nbgrader, topic, student, folder)


def _graded(nbgrader: object, course: Course, topic: Topic, student: str) -> Report:
    result = nbgrader.autograde(topic.id, student)  # type: ignore[attr-defined]
    path = course.root / "autograded" / student / topic.id / REPORT
    if result["success"] and path.is_file():
        return Report.from_json(path.read_text(encoding="utf-8"))
    why = f"{api.reason(result)}; any earlier grade stands, run the grading of {student} again"
    return Report(topic.id, "grader_error", None, topic.max_score, 0.0, student=student, reason=why)


def _nothing(nbgrader: object, topic: Topic, student: str, folder: Path) -> Report:
    """A folder without a notebook: nbgrader passes it over in silence, so its zero is entered here."""
    with nbgrader.gradebook as gradebook:  # type: ignore[attr-defined]
        gradebook.update_or_create_student(student)
        submission = gradebook.update_or_create_submission(topic.id, student)
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                grade.auto_score, grade.needs_manual_grade = 0, False
        gradebook.db.commit()
    found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    return unreadable(topic, student, f"no notebook was handed in: expected {topic.name}.ipynb, found {found}")


def _require_released(nbgrader: object, topic: Topic) -> None:
    with nbgrader.gradebook as gradebook:  # type: ignore[attr-defined]
        try:
            gradebook.find_notebook(topic.name, topic.id)
        except MissingEntry:
            raise UserError(
                f"{topic.id} is not in the gradebook yet; run first: autograder release {topic.id}"
            ) from None
