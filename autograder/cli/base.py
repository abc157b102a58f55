"""What the commands share: exit codes, options, and reading and writing reports."""

import sys
from pathlib import Path
from typing import Any

import click

from autograder.model.errors import UserError
from autograder.model.harmless import escaped, harmless, on_one_line
from autograder.model.report import Report

FINE, LOST_POINTS, USAGE, FAULT = 0, 1, 2, 3


wheel_option = click.option(
    "--wheel",
    "given",
    type=click.Path(path_type=Path),
    metavar="FILE.whl",
    help="Use this wheel of the package. Default: build one with pip.",
)


def unsafe_option(command: Any) -> Any:
    """The option that accepts tier C, which is no isolation."""
    text = "Run without isolation if this machine has none: the code may then read, change and send whatever you may."
    return click.option("--unsafe-no-jail", "unsafe", is_flag=True, help=text)(command)


def say(text: str, err: bool = False) -> None:
    """Print a text such that nothing in it does anything to a terminal. All that we print goes
    through here.
    """
    click.echo(harmless(text), err=err)


def say_json(text: str) -> None:
    """Print JSON, which may be read on a terminal too: it means the same to whoever parses it."""
    click.echo(escaped(text), nl=False)


def note(trouble: str | None) -> None:
    """Print a warning to standard error."""
    if trouble is not None:
        say(f"! {on_one_line(trouble)}", err=True)


def show(report: Report, json_to: str | None, stuck: str | None = None) -> None:
    """Print a report or write it as JSON, then exit with its exit code."""
    from autograder.render import terminal

    if json_to == "-":
        say_json(report.to_json())
    else:
        say(terminal.render(report))
        if stuck is not None:
            say(f"Stuck? {stuck}")
        if json_to is not None:
            write(Path(json_to), report.to_json())
    sys.exit(exit_code(report))


def exit_code(report: Report) -> int:
    """The exit code of a report."""
    if report.status == "graded":
        return FINE if report.full_marks else LOST_POINTS
    return USAGE if report.status == "unreadable" else FAULT


def read_report(path: str) -> Report:
    where = "standard input" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{where} cannot be read ({error.strerror})") from None
    try:
        return Report.from_json(data.decode("utf-8"))
    except ValueError as error:
        raise UserError(
            f"{where} holds no report ({str(error)[:200]}); make one with: autograder check "
            "NOTEBOOK --json FILE"
        ) from None


def write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file whole or not at all, by default readable by the owner only."""
    from autograder.grading.report_cache import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data, mode)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
