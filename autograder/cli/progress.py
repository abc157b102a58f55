"""`autograder progress`: a learner's progress."""

from pathlib import Path

import click

from autograder.cli.base import note, say, write
from autograder.model.errors import UserError


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option(
    "--html",
    "html_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the map as a page.",
)
def progress(folder: Path, html_to: Path | None) -> None:
    """Show your progress: the lessons of FOLDER, and each exercise as of its last check."""
    from datetime import UTC, datetime

    from autograder.learner import statefile
    from autograder.learner.lessons import lessons
    from autograder.learner.overview import overview
    from autograder.render import chart, progress_page

    found, troubles = lessons(folder)
    try:
        plan, now = overview(found, statefile.load()), datetime.now(UTC)
    except OSError as error:
        raise UserError(
            f"{statefile.folder()} cannot be read ({error.strerror}); check its permissions"
        ) from None
    for trouble in troubles:
        note(trouble)
    for path in statefile.set_aside():
        note(
            f"{path} was no record of progress and has been set aside; delete it, or mend it and "
            "move it back"
        )
    if not plan.parts:
        raise UserError(
            f"there are no lessons in {folder}, and none was checked yet: name the folder that "
            "holds them"
        )
    say(chart.render(plan, now, Path.cwd()))
    if html_to is not None:
        write(html_to, progress_page.render(plan, now))
