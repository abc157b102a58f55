"""The command `autograder`. Exit code 0: fine; 1: points were lost; 2: usage or unreadable input; 3: our fault."""

import json
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from autograder import cli_class, cli_learner
from autograder.cli_base import FAULT, FINE, USAGE, read_report, unsafe_option, write
from autograder.errors import KitError, UserError


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


for command in (
    cli_learner.check,
    cli_learner.hint,
    cli_learner.progress,
    cli_class.report,
    cli_class.kit,
    cli_class.export,
):
    main.add_command(command)


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


@main.command()
@click.argument("report", metavar="REPORT.json")
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="PAGE.html")
def feedback(report: str, output: Path) -> None:
    """Draw a report as a page to read in a browser, offline; - reads it from standard input."""
    from autograder.report import page

    write(output, page.of_report(read_report(report)))
    click.echo(f"✓ {output}")


@main.command()
@click.argument("topics", nargs=-1)
@click.option("--check", "only_check", is_flag=True, help="Change nothing; fail if a release is out of step.")
def release(topics: tuple[str, ...], only_check: bool) -> None:
    """Generate what students get, for the named topics or all of them."""
    from autograder import course as course_file
    from autograder import releasing

    course = course_file.find(Path.cwd())
    for topic in topics or course.topic_ids:
        if only_check:
            releasing.require_current(course, topic)
            click.echo(f"✓ release/{topic} is current")
        else:
            click.echo(f"✓ {releasing.release(course, topic).relative_to(course.root)}")


@main.command()
@click.argument("topic")
@click.option("--student", metavar="S", help="Grade this student only.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes to grade on. Default: all cores.")
@click.option("--cluster", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler.")
@unsafe_option
@click.option("--json", "json_to", metavar="FILE", help="Write all reports as JSON; - for standard output.")
def grade(
    topic: str, student: str | None, workers: int | None, cluster: str | None, unsafe: bool, json_to: str | None
) -> None:
    """Grade a topic's collected submissions into the gradebook."""
    from autograder import course as course_file
    from autograder import pool
    from autograder.report import terminal

    course = course_file.find(Path.cwd())
    course.entry(topic)
    students = [student] if student else course.submitted(topic)
    if not students:
        raise UserError(f"nobody has handed in {topic}: {course.root / 'submitted'} has no folder */{topic}")
    with closing(pool.runner(len(students), workers, cluster, unsafe)) as runner:
        from autograder import grade as grading  # while the runner gets ready

        click.echo(f"{topic}: {len(students)} submissions, jail tier {runner.tier()}", err=True)
        progress, reports = terminal.Progress(len(students)), []
        for report in grading.grade(course, topic, students, runner):
            reports.append(report)
            click.echo(progress.line(report), err=json_to == "-")
    click.echo(progress.summary(), err=True)
    text = json.dumps([report.to_dict() for report in reports], indent=1, ensure_ascii=False) + "\n"
    if json_to == "-":
        click.echo(text, nl=False)
    elif json_to is not None:
        write(Path(json_to), text)
    sys.exit(FAULT if any(report.status == "grader_error" for report in reports) else FINE)


@main.command()
@click.argument("topics", nargs=-1)
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1, 1000), metavar="K")
@click.option("--mutants/--no-mutants", default=True, help="Run mutants of the reference.", show_default=True)
@click.option("--json", "json_to", metavar="FILE", help="Write what was found as JSON; - for standard output.")
def audit(topics: tuple[str, ...], seeds: int, mutants: bool, json_to: str | None) -> None:
    """Grade the grader: right answers pass, wrong ones are caught and named."""
    from autograder import course as course_file
    from autograder.audit.audit import audit as examine

    course = course_file.find(Path.cwd())
    found = []
    for topic in topics or course.topic_ids:
        found.append(examine(course, topic, seeds, mutants, lambda text: click.echo(text, err=True)))
        click.echo(found[-1].table(), err=json_to == "-")
    text = json.dumps([a.to_dict() for a in found], indent=1, ensure_ascii=False) + "\n"
    if json_to == "-":
        click.echo(text, nl=False)
    elif json_to is not None:
        write(Path(json_to), text)
    sys.exit(FINE if all(a.good for a in found) else FAULT)


@main.command()
def jail() -> None:
    """Show which jail this machine offers for strangers' code, and how to get a better one."""
    from autograder.jail import tiers
    from autograder.report import terminal

    survey = tiers.survey()
    passed_over = {str(tier): reason for tier, reason in survey.passed_over.items()}
    click.echo(terminal.jail(survey.jail.tier, tiers.MEANING[survey.jail.tier], passed_over))
    sys.exit(USAGE if survey.jail.tier == "C" else FINE)


@main.command()
@click.option("--students", default=14, show_default=True, type=click.IntRange(1, 500), metavar="N")
def demo(students: int) -> None:
    """Run a made-up class through nbgrader in a temporary course and show that every grade is right."""
    from autograder import course as course_file
    from autograder import demo as demonstration

    course = course_file.find(Path.cwd())
    if not demonstration.run(course, students, click.echo):
        sys.exit(FAULT)
