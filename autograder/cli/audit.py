"""`autograder audit`: grade the grader."""

import json
import sys
from pathlib import Path

import click

from autograder.cli.base import FAULT, FINE, say, say_json, write


@click.command()
@click.argument("topics", nargs=-1)
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1, 1000), metavar="K")
@click.option(
    "--mutants/--no-mutants", default=True, help="Run mutants of the reference.", show_default=True
)
@click.option(
    "--json", "json_to", metavar="FILE", help="Write what was found as JSON; - for standard output."
)
def audit(topics: tuple[str, ...], seeds: int, mutants: bool, json_to: str | None) -> None:
    """Grade the grader: right answers pass, wrong ones are caught and named."""
    from autograder.audit.audit import audit as examine
    from autograder.course import course_file

    course = course_file.find(Path.cwd())
    found = []
    for topic in topics or course.topic_ids:
        found.append(examine(course, topic, seeds, mutants, lambda text: say(text, err=True)))
        say(found[-1].table(), err=json_to == "-")
    text = json.dumps([a.to_dict() for a in found], indent=1, ensure_ascii=False) + "\n"
    if json_to == "-":
        say_json(text)
    elif json_to is not None:
        write(Path(json_to), text)
    sys.exit(FINE if all(a.good for a in found) else FAULT)
