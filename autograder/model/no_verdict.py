"""Reports of submissions that were not judged: by no fault of ours, or by ours."""

from autograder.model.report import Exercise, Report
from autograder.model.topic import Topic


def unreadable(topic: Topic, student: str | None, reason: str) -> Report:
    """A submission that is no notebook of the topic: zero, and the reason."""
    exercises = [
        Exercise(e.id, 0.0, 0.0 if e.bonus else e.points, "not_attempted") for e in topic.exercises
    ]
    return Report(
        topic.id, "unreadable", 0.0, topic.max_score, 0.0, exercises, student, str(reason)
    )


def grader_error(topic: Topic, reason: str, student: str | None = None) -> Report:
    """Our own fault: no score; to be tried again, and never entered over an earlier grade."""
    return Report(
        topic.id, "grader_error", None, topic.max_score, 0.0, student=student, reason=reason
    )
