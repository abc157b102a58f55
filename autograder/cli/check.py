"""`autograder check`: check a learner's notebook, once or at each save."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from autograder.cli.base import LOST_POINTS, exit_code, note, say, show, unsafe_option, write
from autograder.model.errors import UserError

if TYPE_CHECKING:
    from autograder.learner.session import Session


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="ID", help="Check this exercise only.")
@click.option(
    "--json", "json_to", metavar="FILE", help="Write the report as JSON; - means standard output."
)
@click.option("--jailed", is_flag=True, help="Run the code as in class: isolated and with limits.")
@unsafe_option
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Draw other inputs with this seed. Needs the course's solutions/.",
)
@click.option("--watch", is_flag=True, help="Check what changed at each save, until Ctrl-C.")
def check(
    notebook: Path,
    exercise: str | None,
    json_to: str | None,
    jailed: bool,
    unsafe: bool,
    seed: int | None,
    watch: bool,
) -> None:
    """Check a notebook and say what is right, what is wrong and where."""
    from autograder.jail import tiers
    from autograder.learner import find_answers
    from autograder.learner.session import Session

    if watch and json_to == "-":
        raise UserError(
            "--watch writes a report at each save, and --json - only one: give --json a file name"
        )
    jail = tiers.best(unsafe) if jailed else tiers.Unsafe()  # at home the code is the learner's own
    answers = find_answers.answers_for(notebook, seed)
    own = seed is None and not jailed  # otherwise somebody tries out the kit or another's work
    session = Session(answers, notebook, jail, exercise, own)
    if watch:
        sys.exit(_watch(session, json_to))
    report = session.check()
    note(session.trouble)
    show(report, json_to, session.stuck(report))


def _watch(session: "Session", json_to: str | None) -> int:
    """Print what each save changed, until Ctrl-C. Return the exit code of the last verdict."""
    from autograder.render import terminal

    code = LOST_POINTS
    say(f"watching {session.path}; Ctrl-C ends it", err=True)
    with suppress(KeyboardInterrupt):
        for update in session.watch():
            if update.report is not None:  # before it is shown: Ctrl-C may come right after
                code = exit_code(update.report)
                if json_to is not None:
                    write(Path(json_to), update.report.to_json())
            say(terminal.update(update, time.strftime("%H:%M:%S")))
            note(session.trouble)
    return code
