"""`autograder release`: generate what students get."""

from pathlib import Path

import click

from autograder.cli.base import say


@click.command()
@click.argument("topics", nargs=-1)
@click.option(
    "--check", "only_check", is_flag=True, help="Change nothing; fail if a release is out of date."
)
def release(topics: tuple[str, ...], only_check: bool) -> None:
    """Generate what students get, for the named topics or for all."""
    from autograder.course import course_file
    from autograder.nbgrader import releasing

    course = course_file.find(Path.cwd())
    for topic in topics or course.topic_ids:
        if only_check:
            releasing.require_current(course, topic)
            say(f"✓ release/{topic} is current")
        else:
            say(f"✓ {releasing.release(course, topic).relative_to(course.root)}")
