"""`autograder solve`: fill a stub notebook from a Python file."""

from pathlib import Path

import click

from autograder.cli.base import say


@click.command()
@click.argument("topic")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Default: the reference.",
)
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="OUT.ipynb")
def solve(topic: str, source: Path | None, output: Path) -> None:
    """Fill a topic's stub notebook with the functions of a Python file."""
    from autograder.course import course_file, solve

    course = course_file.find(Path.cwd())
    loaded = course.topic(topic)
    path = source or course.solutions(topic) / "reference.py"
    text = solve.read_source(path)
    solve.write(solve.solve(course.assignment(topic), loaded, text, str(path)), output)
    say(f"✓ {output}")
