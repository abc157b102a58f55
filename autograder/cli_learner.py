"""The commands of a learner: check, hint, progress."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.cli_base import LOST_POINTS, exit_code, note, show, unsafe_option, write
from autograder.errors import UserError

if TYPE_CHECKING:
    from autograder.learner.desk import Desk


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="ID", help="Check this exercise only.")
@click.option("--json", "json_to", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--jailed", is_flag=True, help="Run the code as it is run in class: isolated, with its limits.")
@unsafe_option
@click.option("--seed", type=int, metavar="N", help="Draw other inputs. Needs the course's solutions/.")
@click.option("--watch", is_flag=True, help="Check again at each save what has changed, until Ctrl-C.")
def check(
    notebook: Path, exercise: str | None, json_to: str | None, jailed: bool, unsafe: bool, seed: int | None, watch: bool
) -> None:
    """Check a notebook and say what is right, what is wrong and where."""
    from autograder import home
    from autograder.jail import tiers
    from autograder.learner.desk import Desk

    if watch and json_to == "-":
        raise UserError("--watch tells of every save, and --json - of one report: name a file for --json")
    jail = tiers.best(unsafe) if jailed else tiers.Unsafe()  # at home it is the learner's own code
    answers = home.answers_for(notebook, seed)
    own = seed is None and not jailed  # else somebody tries out the kit, or another's work
    desk = Desk(answers, notebook, jail, exercise, own)
    if watch:
        sys.exit(_watch(desk, json_to))
    report = desk.check()
    note(desk.trouble)
    show(report, json_to, desk.stuck(report))


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("exercise")
def hint(notebook: Path, exercise: str) -> None:
    """Give a hint for an exercise that fails, and one more each time."""
    from autograder import home
    from autograder.jail import tiers
    from autograder.learner.desk import Desk
    from autograder.report import terminal

    desk = Desk(home.answers_for(notebook, None), notebook, tiers.Unsafe(), exercise)
    report, given, tier = desk.hint()
    note(desk.trouble)
    if report.status != "graded":
        show(report, None)
    click.echo(terminal.hints(given, tier))


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option("--html", "html_to", type=click.Path(path_type=Path), metavar="FILE", help="Write the map as a page.")
def progress(folder: Path, html_to: Path | None) -> None:
    """Show how far you are: the lessons of FOLDER, and each exercise as its last check left it."""
    from datetime import UTC, datetime

    from autograder.learner import catalogue, statefile
    from autograder.learner.overview import overview
    from autograder.report import chart, html

    lessons, troubles = catalogue.lessons(folder)
    try:
        plan, now = overview(lessons, statefile.load()), datetime.now(UTC)
    except OSError as error:
        raise UserError(f"{statefile.folder()} cannot be read ({error.strerror}); see to its permissions") from None
    for trouble in troubles:
        note(trouble)
    for path in statefile.set_aside():
        note(f"{path} was no record of progress and has been set aside; delete it, or mend it and move it back")
    if not plan.parts:
        raise UserError(f"there are no lessons in {folder}, and none was checked yet: name the folder that holds them")
    click.echo(chart.render(plan, now, Path.cwd()))
    if html_to is not None:
        write(html_to, html.progress(plan, now))


def _watch(desk: "Desk", json_to: str | None) -> int:
    """Tell of each save what it came to, until Ctrl-C; return the exit code of the last verdict."""
    from autograder.report import terminal

    code = LOST_POINTS
    click.echo(f"watching {desk.path}; Ctrl-C ends it", err=True)
    with suppress(KeyboardInterrupt):
        for update in desk.watch():
            click.echo(terminal.update(update, time.strftime("%H:%M:%S")))
            note(desk.trouble)
            if update.report is not None:
                code = exit_code(update.report)
                if json_to is not None:
                    write(Path(json_to), update.report.to_json())
    return code
