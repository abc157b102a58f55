"""`autograder new`: the parts of a new exercise or topic, each in its place."""

from collections.abc import Iterable
from pathlib import Path

import click

from autograder.cli.base import say


@click.group()
def new() -> None:
    """Write the parts of a new exercise or topic into their places."""


@new.command()
@click.argument("topic")
@click.argument("name", metavar="ID")
@click.argument("signature", metavar='"f(x, y=1.0)"')
@click.option("--points", type=click.FloatRange(0, 1000, min_open=True), required=True, metavar="P")
def exercise(topic: str, name: str, signature: str, points: float) -> None:
    """An exercise: its cells, a stub of the reference, of a misconception and of each alternative,
    and a class of checks.
    """
    from autograder.course import course_file
    from autograder.course.new_exercise import new_exercise

    course = course_file.find(Path.cwd())
    points = int(points) if points == int(points) else points
    _tell(course.root, new_exercise(course, topic, name, signature, points))
    spec = course_file.load(course.root / course_file.FILE).topic(topic)
    if spec.max_score != 20:
        say(f"! {topic} now has {spec.max_score:g} points; a topic has 20")
    say(
        f"Fill each NotImplementedError, then: autograder release {topic}, autograder audit {topic}"
    )


@new.command("topic")
@click.argument("topic_id", metavar="NN-NAME")
def topic_(topic_id: str) -> None:
    """A topic: its folders, with one exercise and two written questions to begin with."""
    from autograder.course import course_file
    from autograder.course.new_topic import new_topic

    course = course_file.find(Path.cwd())
    _tell(course.root, new_topic(course, topic_id))
    say(f'Then, for each exercise: autograder new exercise {topic_id} ID "f(x)" --points P')


def _tell(root: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        say(f"✓ {path.relative_to(root)}")
