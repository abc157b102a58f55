"""`autograder report`: the class report."""

from datetime import datetime
from pathlib import Path

import click

from autograder.cli.base import say, write_private
from autograder.model.errors import UserError


@click.command()
@click.argument("topic")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Default: reports/TOPIC.",
)
def report(topic: str, output: Path | None) -> None:
    """Write the class report of a topic: class.html to read and class.csv for a spreadsheet."""
    from autograder.course import course_file
    from autograder.nbgrader import class_list
    from autograder.render import class_page, class_sheet

    course = course_file.find(Path.cwd())
    roll = class_list.call(course, topic)
    if not roll.entries:
        raise UserError(
            f"nobody is enrolled and nobody has handed in {topic}: there is nothing to report yet"
        )
    folder = output or course.root / "reports" / topic
    write_private(
        folder / "class.html", class_page.render(roll, datetime.now().astimezone()).encode()
    )
    write_private(folder / "class.csv", class_sheet.render(roll))
    for note in roll.notes:
        say(f"  {note}", err=True)
    say(f"✓ {folder / 'class.html'}\n✓ {folder / 'class.csv'}")
