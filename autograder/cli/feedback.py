"""`autograder feedback`: a report as a page."""

from pathlib import Path

import click

from autograder.cli.base import read_report, say, write


@click.command()
@click.argument("report", metavar="REPORT.json")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="PAGE.html")
def feedback(report: str, output: Path) -> None:
    """Write a report as an HTML page that needs no network; - reads the report from standard input."""
    from autograder.render import page

    write(output, page.of_report(read_report(report)))
    say(f"✓ {output}")
