"""The command `autograder`. Exit code 0: fine; 1: points were lost; 2: usage or unreadable input; 3: our fault."""

import json
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from autograder import cli_class
from autograder.errors import KitError, UserError
from autograder.results import Report

if TYPE_CHECKING:
    from autograder.learner.desk import Desk

FINE, LOST_POINTS, USAGE, FAULT = 0, 1, 2, 3


class _Group(click.Group):
    """Turns errors that a user can act on into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"✗ {error}", err=True)
            ctx.exit(FAULT if isinstance(error, KitError) else USAGE)


def _unsafe(command: Any) -> Any:
    """The option by which somebody takes tier C upon themselves."""
    text = "Run without isolation where there is none: the code may read, change and send whatever you may."
    return click.option("--unsafe-no-jail", "unsafe", is_flag=True, help=text)(command)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="autograder")
def main() -> None:
    """Deep learning from first principles: check, release and grade its notebooks."""


for command in (cli_class.report, cli_class.kit, cli_class.export):
    main.add_command(command)


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="ID", help="Check this exercise only.")
@click.option("--json", "json_to", metavar="FILE", help="Write the report as JSON; - for standard output.")
@click.option("--jailed", is_flag=True, help="Run the code as it is run in class: isolated, with its limits.")
@_unsafe
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
    _note(desk.trouble)
    _show(report, json_to, desk.stuck(report))


@main.command()
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
    _note(desk.trouble)
    if report.status != "graded":
        _show(report, None)
    click.echo(terminal.hints(given, tier))


@main.command()
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
        _note(trouble)
    for path in statefile.set_aside():
        _note(f"{path} was no record of progress and has been set aside; delete it, or mend it and move it back")
    if not plan.parts:
        raise UserError(f"there are no lessons in {folder}, and none was checked yet: name the folder that holds them")
    click.echo(chart.render(plan, now, Path.cwd()))
    if html_to is not None:
        _write(html_to, html.progress(plan, now))


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

    _write(output, page.of_report(_read_report(report)))
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
@_unsafe
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
        _write(Path(json_to), text)
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
        _write(Path(json_to), text)
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


def _watch(desk: "Desk", json_to: str | None) -> int:
    """Tell of each save what it came to, until Ctrl-C; return the exit code of the last verdict."""
    from autograder.report import terminal

    code = LOST_POINTS
    click.echo(f"watching {desk.path}; Ctrl-C ends it", err=True)
    with suppress(KeyboardInterrupt):
        for update in desk.watch():
            click.echo(terminal.update(update, time.strftime("%H:%M:%S")))
            _note(desk.trouble)
            if update.report is not None:
                code = exit_code(update.report)
                if json_to is not None:
                    _write(Path(json_to), update.report.to_json())
    return code


def _note(trouble: str | None) -> None:
    """A line beside the output about something that stopped nothing."""
    if trouble is not None:
        click.echo(f"! {trouble}", err=True)


def _show(report: Report, json_to: str | None, stuck: str | None = None) -> None:
    """Print a report, or write it as JSON, and leave with its exit code."""
    from autograder.report import terminal

    if json_to == "-":
        click.echo(report.to_json(), nl=False)
    else:
        click.echo(terminal.render(report))
        if stuck is not None:
            click.echo(f"Stuck? {stuck}")
        if json_to is not None:
            _write(Path(json_to), report.to_json())
    sys.exit(exit_code(report))


def exit_code(report: Report) -> int:
    """The exit code that a report stands for."""
    if report.status == "graded":
        return FINE if report.full_marks else LOST_POINTS
    return USAGE if report.status == "unreadable" else FAULT


def _read_report(path: str) -> Report:
    where = "standard input" if path == "-" else path
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{where} cannot be read ({error.strerror})") from None
    try:
        return Report.from_json(data.decode("utf-8"))
    except ValueError as error:
        raise UserError(
            f"{where} holds no report ({str(error)[:200]}); make one with: autograder check NOTEBOOK --json FILE"
        ) from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})") from None
