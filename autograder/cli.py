"""The command `autograder`. Exit code 0: fine; 1: points were lost; 2: usage or unreadable input; 3: our fault."""

import sys
from pathlib import Path
from typing import Any

import click

from autograder.errors import KitError, UserError
from autograder.results import Report

FINE, LOST_POINTS, USAGE, FAULT = 0, 1, 2, 3


class _Group(click.Group):
    """Turns errors that a user can act on into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"✗ {error}", err=True)
            ctx.exit(FAULT if isinstance(error, KitError) else USAGE)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="autograder")
def main() -> None:
    """Deep learning from first principles: check, release and grade its notebooks."""


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="ID", help="Check this exercise only.")
@click.option("--json", "json_to", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--jailed", is_flag=True, help="Run the code as it is run in class: isolated, with its limits.")
@click.option("--seed", type=int, metavar="N", help="Draw other inputs. Needs the course's solutions/.")
def check(notebook: Path, exercise: str | None, json_to: str | None, jailed: bool, seed: int | None) -> None:
    """Check a notebook and say what is right, what is wrong and where."""
    from autograder import home
    from autograder.submissions import grade_file

    answers = home.answers_for(notebook, seed)
    if exercise is not None and exercise not in [e.id for e in answers.topic.exercises]:
        known = ", ".join(e.id for e in answers.topic.exercises)
        raise UserError(f"{answers.topic.id} has no exercise {exercise!r}; it has {known}")
    _show(grade_file(answers, notebook, exercises=exercise and [exercise]), json_to)


@main.command()
@click.argument("topic")
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE.py", help="Default: the reference.")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="OUT.ipynb")
def solve(topic: str, source: Path | None, output: Path) -> None:
    """Fill a topic's stub notebook with the functions of a Python file."""
    from autograder import course as course_file
    from autograder import solve as filling

    course = course_file.find(Path.cwd())
    spec = course.topic(topic)
    path = source or course.root / "solutions" / f"{spec.name}.py"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8 text'})") from None
    filling.write(filling.solve(course.assignment(topic), spec, text, str(path)), output)
    click.echo(f"✓ {output}")


def _show(report: Report, json_to: str | None) -> None:
    """Print a report, or write it as JSON, and leave with its exit code."""
    from autograder.report import terminal

    if json_to == "-":
        click.echo(report.to_json(), nl=False)
    else:
        click.echo(terminal.render(report))
        if json_to is not None:
            _write(Path(json_to), report.to_json())
    sys.exit(exit_code(report))


def exit_code(report: Report) -> int:
    """The exit code that a report stands for."""
    if report.status == "graded":
        return FINE if report.full_marks else LOST_POINTS
    return USAGE if report.status == "unreadable" else FAULT


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
