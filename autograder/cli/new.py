"""`autograder new`: write the parts of a new exercise or topic."""

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
    """Write an exercise: its cells, checks, and stubs of the reference and of a misconception."""
    from autograder.course import course_file
    from autograder.course.new_exercise import new_exercise

    course = course_file.find(Path.cwd())
    points = int(points) if points == int(points) else points
    _tell(course.root, new_exercise(course, topic, name, signature, points))
    total = course_file.load(course.root / course_file.FILE).topic(topic).max_score
    if total != 20:
        say(f"! {topic} now has {total:g} points; a topic has 20")
    say(
        f"Fill each NotImplementedError, then: autograder release {topic}, autograder audit {topic}"
    )


@new.command("topic")
@click.argument("topic_id", metavar="NN-NAME")
def topic_(topic_id: str) -> None:
    """Write a topic: its folders, with one exercise and two written questions to start from."""
    from autograder.course import course_file
    from autograder.course.new_topic import new_topic

    course = course_file.find(Path.cwd())
    _tell(course.root, new_topic(course, topic_id))
    say(f'Then, for each exercise: autograder new exercise {topic_id} ID "f(x)" --points P')


def _tell(root: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        say(f"✓ {path.relative_to(root)}")
