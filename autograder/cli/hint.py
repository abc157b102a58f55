"""`autograder hint`: one more hint each time."""

from pathlib import Path

import click

from autograder.cli.base import note, say, show


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.argument("exercise")
def hint(notebook: Path, exercise: str) -> None:
    """Give a hint for a failing exercise, and one more each time."""
    from autograder.jail import tiers
    from autograder.learner import find_answers
    from autograder.learner.session import Session
    from autograder.render import terminal

    session = Session(find_answers.answers_for(notebook, None), notebook, tiers.Unsafe(), exercise)
    report, given, tier = session.hint()
    note(session.trouble)
    if report.status != "graded":
        show(report, None)
    say(terminal.hints(given, tier))
