"""The commands for what leaves the grader: the class report, grades for a platform, folders to hand out."""

from datetime import datetime
from pathlib import Path

import click

from autograder.errors import UserError


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


def write(path: Path, data: bytes) -> None:
    """A file with grades, whole or not at all, for nobody else to read."""
    from autograder.store import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
