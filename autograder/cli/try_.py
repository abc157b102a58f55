"""`autograder try`: grade the answers of many Python modules with one recording."""

import json
import sys
from pathlib import Path

import click

from autograder.cli.base import exit_code, say, say_json, unsafe_option, write


@click.command("try")
@click.argument("topic")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE.py...", type=click.Path(path_type=Path)
)
@click.option("--exercise", metavar="ID", help="Grade this exercise only.")
@click.option("--seed", type=int, metavar="N", help="Draw other inputs. Default: the public ones.")
@click.option("--json", "json_to", metavar="FILE", help="Write the reports as JSON; - for stdout.")
@unsafe_option
def try_(
    topic: str,
    files: tuple[Path, ...],
    exercise: str | None,
    seed: int | None,
    json_to: str | None,
    unsafe: bool,
) -> None:
    """Grade the answers of Python files in the jail: a row and a report for each."""
    from autograder.course import course_file
    from autograder.course.try_answers import try_answers
    from autograder.jail import tiers
    from autograder.render import terminal

    course = course_file.find(Path.cwd())
    reports = try_answers(course, topic, files, tiers.best(unsafe), seed, exercise)
    for file, report in zip(files, reports):
        say(terminal.row(str(file), report), err=json_to == "-")
    plain = [{"file": str(f), "report": r.to_dict()} for f, r in zip(files, reports)]
    text = json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    if json_to == "-":
        say_json(text)
    elif json_to is not None:
        write(Path(json_to), text)
    sys.exit(max(exit_code(report) for report in reports))
