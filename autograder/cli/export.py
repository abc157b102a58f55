"""`autograder export`: grades and graders for other platforms."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.cli.base import say, wheel_option, write_private
from autograder.export.archive import zipped
from autograder.model.errors import UserError

if TYPE_CHECKING:
    from autograder.model.class_list import ClassList


@click.group()
def export() -> None:
    """Write a topic's grades, or its grader, for another platform."""


def _grades(command: Any) -> Any:
    """The arguments shared by the exports of grades."""
    partial = "Include grades whose written answers still wait for manual grading."
    for option in (
        click.option("--partial", is_flag=True, help=partial),
        click.option(
            "--column",
            metavar="NAME",
            help="Name of the column on the platform. Default: the topic's title.",
        ),
        click.option(
            "-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.csv"
        ),
        click.argument("topic"),
    ):
        command = option(command)
    return command


@export.command()
@_grades
def canvas(topic: str, output: Path, column: str | None, partial: bool) -> None:
    """Grades for Canvas: Grades, Import. Name the column as Canvas exports it: "Neurons (4711)"."""
    from autograder.export import platforms

    _export(platforms.canvas, topic, output, column, partial)


@export.command()
@_grades
def moodle(topic: str, output: Path, column: str | None, partial: bool) -> None:
    """Grades for Moodle: Grades, Import, CSV file. Map one identifier column and the grade column."""
    from autograder.export import platforms

    _export(platforms.moodle, topic, output, column, partial)


def _export(
    table: Callable[["ClassList", str, bool], bytes],
    topic: str,
    output: Path,
    column: str | None,
    partial: bool,
) -> None:
    from autograder.course import course_file
    from autograder.export import platforms
    from autograder.nbgrader import class_list

    course = course_file.find(Path.cwd())
    roll = class_list.call(course, topic)
    if roll.points_possible is None:
        raise UserError(
            f"{topic} is not in the gradebook; release and grade it first. {' '.join(roll.notes)}".strip()
        )
    write_private(output, table(roll, column or roll.title, partial))
    for remark in platforms.remarks(roll, partial):
        say(f"  {remark}", err=True)
    say(f"✓ {output}")


@export.command()
@click.argument("topic")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.zip")
@wheel_option
@click.option(
    "--unsafe-no-jail",
    "unsafe",
    is_flag=True,
    help="Let code run without isolation if the container has none.",
)
def gradescope(topic: str, output: Path, given: Path | None, unsafe: bool) -> None:
    """The topic's grader for Gradescope: upload it as the autograder of a programming assignment.

    It holds the topic's secret answers and no solution, and only you can read the file. Give it to
    Gradescope and to nobody else.
    """
    from autograder.course import course_file
    from autograder.export.gradescope import pack
    from autograder.export.wheel import wheel

    course = course_file.find(Path.cwd())
    course.entry(topic)
    write_private(output, zipped(pack.contents(course, topic, wheel(given), unsafe), pack.PROGRAMS))
    say(f"✓ {output}; it holds the secret answers of {topic}: give it to Gradescope only")
