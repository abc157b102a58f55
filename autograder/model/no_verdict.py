"""Reports without a verdict: of unreadable submissions and of grader errors."""

from autograder.model.report import Exercise, Report
from autograder.model.topic import Topic


def unreadable(topic: Topic, student: str | None, reason: str) -> Report:
    """The Report of a submission that is no notebook of the topic: score 0, with the reason."""
    exercises = [
        Exercise(e.id, 0.0, 0.0 if e.bonus else e.points, "not_attempted") for e in topic.exercises
    ]
    return Report(
        topic.id, "unreadable", 0.0, topic.max_score, 0.0, exercises, student, str(reason)
    )


def grader_error(topic: Topic, reason: str, student: str | None = None) -> Report:
    """The Report of our own fault: no score, no change of an earlier grade, to be graded again."""
    return Report(
        topic.id, "grader_error", None, topic.max_score, 0.0, student=student, reason=reason
    )
