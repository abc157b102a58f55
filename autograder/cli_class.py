"""The commands for what leaves the grader: the class report, grades for a platform, folders to hand out."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder.errors import UserError
from autograder.handout.archive import zipped

if TYPE_CHECKING:
    from autograder.roll import Roll


_WHEEL = click.option(
    "--wheel",
    "given",
    type=click.Path(path_type=Path),
    metavar="FILE.whl",
    help="Take this wheel of the package. Default: built now, by pip.",
)


@click.command()
@click.argument("topic")
@click.option("-o", "output", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: reports/TOPIC.")
def report(topic: str, output: Path | None) -> None:
    """Write the class report of a topic: class.html to read and class.csv for a spreadsheet."""
    from autograder import course as course_file
    from autograder.nbgrader import roll as rolls
    from autograder.report import class_page, gradesheet

    course = course_file.find(Path.cwd())
    roll = rolls.call(course, topic)
    if not roll.entries:
        raise UserError(f"nobody is enrolled and nobody has handed in {topic}: there is nothing to report yet")
    folder = output or course.root / "reports" / topic
    write(folder / "class.html", class_page.render(roll, datetime.now().astimezone()).encode())
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
    for remark in platforms.remarks(roll, partial):
        click.echo(f"  {remark}", err=True)
    click.echo(f"✓ {output}")


@click.command()
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.zip")
@_WHEEL
def kit(output: Path, given: Path | None) -> None:
    """Pack what students get: the releases, the package and a page to start from; searched for secrets."""
    from autograder import course as course_file
    from autograder.handout import kit as packing
    from autograder.handout.wheel import wheel

    course = course_file.find(Path.cwd())
    members = packing.contents(course, wheel(given))
    write(output, zipped(members), 0o644)
    click.echo(f"✓ {output}: {len(course.topic_ids)} topics, {len(members)} files, no secret among them")


@export.command()
@click.argument("topic")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.zip")
@_WHEEL
@click.option("--unsafe-no-jail", "unsafe", is_flag=True, help="Let code run without isolation where there is none.")
def gradescope(topic: str, output: Path, given: Path | None, unsafe: bool) -> None:
    """The topic's grader for Gradescope: upload it as the autograder of a programming assignment.

    It holds the topic's secret answers, for which it is written for you alone: to Gradescope, and to nobody else.
    It holds no solution.
    """
    from autograder import course as course_file
    from autograder.gradescope import pack
    from autograder.handout.wheel import wheel

    course = course_file.find(Path.cwd())
    course.entry(topic)
    write(output, zipped(pack.contents(course, topic, wheel(given), unsafe), pack.PROGRAMS))
    click.echo(f"✓ {output}; it holds the secret answers of {topic}: for Gradescope alone")


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A file, whole or not at all; with grades or secrets in it unless told otherwise, so for nobody else to read."""
    from autograder.store import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data, mode)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
