"""`autograder demo`: the command behind `make demo`."""

import sys
from pathlib import Path

import click

from autograder.cli.base import FAULT, say


@click.command()
@click.option("--students", default=14, show_default=True, type=click.IntRange(1, 500), metavar="N")
def demo(students: int) -> None:
    """Run a made-up class through nbgrader in a temporary course and check every grade."""
    from autograder.course import course_file
    from autograder.nbgrader.demo import run

    if not run(course_file.find(Path.cwd()), students, say):
        sys.exit(FAULT)
