"""The commands for what leaves the grader: the class report, grades for a platform, folders to hand out."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.roll import Roll


@click.command()
@click.argument("topic")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: reports/TOPIC.")
def report(topic: str, output: Path | None) -> None:
    """Write the class report of a topic: class.html to read and class.csv for a spreadsheet."""
    from autograder import course as course_file
    from autograder.nbgrader import roll as rolls
    from autograder.report import gradesheet, page

    course = course_file.find(Path.cwd())
    roll = rolls.call(course, topic)
    if not roll.entries:
        raise UserError(f"nobody is enrolled and nobody has handed in {topic}: there is nothing to report yet")
    folder = output or course.root / "reports" / topic
    write(folder / "class.html", page.render(roll, datetime.now().astimezone()).encode())
    write(folder / "class.csv", gradesheet.render(roll))
    for note in roll.notes:
        click.echo(f"  {note}", err=True)
    click.echo(f"✓ {folder / 'class.html'}\n✓ {folder / 'class.csv'}")


@click.group()
def export() -> None:
    """Write a topic's grades, or its grader, for another platform."""


def _grades(command: Any) -> Any:
    """The arguments that the exports of grades share."""
    partial = "Also grades in which written answers wait to be graded by hand."
    for option in (
        click.option("--partial", is_flag=True, help=partial),
        click.option("--column", metavar="NAME", help="What the column is called there. Default: the topic's title."),
        click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.csv"),
        click.argument("topic"),
    ):
        command = option(command)
    return command


@export.command()
@_grades
def canvas(topic: str, output: Path, column: str | None, partial: bool) -> None:
    """Grades for Canvas: Grades, Import. Name the column as Canvas exports it: "Neurons (4711)"."""
    from autograder import platforms

    _export(platforms.canvas, topic, output, column, partial)


@export.command()
@_grades
def moodle(topic: str, output: Path, column: str | None, partial: bool) -> None:
    """Grades for Moodle: Grades, Import, CSV file. Map one identifier, and the column to the grade item."""
    from autograder import platforms

    _export(platforms.moodle, topic, output, column, partial)


def _export(
    table: Callable[["Roll", str, bool], bytes], topic: str, output: Path, column: str | None, partial: bool
) -> None:
    from autograder import course as course_file
    from autograder import platforms
    from autograder.nbgrader import roll as rolls

    course = course_file.find(Path.cwd())
    roll = rolls.call(course, topic)
    if roll.points_possible is None:
        raise UserError(f"{topic} is not in the gradebook; release and grade it first. {' '.join(roll.notes)}".strip())
    write(output, table(roll, column or roll.title, partial))
    for reason, n in platforms.left_out(roll, partial).items():
        click.echo(f"  {n} without a grade: {reason}", err=True)
    if again := sum(entry.outdated for entry in roll.entries):
        click.echo(f"  {again} handed in anew since they were graded; grade them again first", err=True)
    click.echo(f"✓ {output}")


def write(path: Path, data: bytes) -> None:
    """A file with grades, whole or not at all, for nobody else to read."""
    from autograder.store import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
