"""`autograder grade`: grade a class into the gradebook."""

import json
import sys
from contextlib import closing
from pathlib import Path

import click

from autograder.cli.base import FAULT, FINE, note, say, say_json, unsafe_option, write
from autograder.model.errors import UserError


@click.command()
@click.argument("topic")
@click.option("--student", metavar="S", help="Grade this student only.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Number of processes. Default: one per core.",
)
@click.option("--cluster", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler.")
@unsafe_option
@click.option(
    "--json", "json_to", metavar="FILE", help="Write all reports as JSON; - means standard output."
)
def grade(
    topic: str,
    student: str | None,
    workers: int | None,
    cluster: str | None,
    unsafe: bool,
    json_to: str | None,
) -> None:
    """Grade a topic's collected submissions into the gradebook."""
    from autograder.course import course_file
    from autograder.grading import executors
    from autograder.render import terminal

    course = course_file.find(Path.cwd())
    course.entry(topic)
    students = [student] if student else course.submitted(topic)
    if not students:
        raise UserError(
            f"nobody has handed in {topic}: {course.root / 'submitted'} has no folder */{topic}"
        )
    with closing(executors.runner(len(students), workers, cluster, unsafe)) as runner:
        from autograder.nbgrader import grade_class  # while the runner gets ready

        say(f"{topic}: {len(students)} submissions, jail tier {runner.tier()}", err=True)
        progress, reports = terminal.Progress(len(students)), []
        for report in grade_class.grade(course, topic, students, runner, note):
            reports.append(report)
            say(progress.line(report), err=json_to == "-")
    say(progress.summary(), err=True)
    text = json.dumps([report.to_dict() for report in reports], indent=1, ensure_ascii=False) + "\n"
    if json_to == "-":
        say_json(text)
    elif json_to is not None:
        write(Path(json_to), text)
    sys.exit(FAULT if any(report.status == "grader_error" for report in reports) else FINE)
