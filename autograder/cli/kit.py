"""`autograder kit`: everything that students get, in one file."""

from pathlib import Path

import click

from autograder.cli.base import say, wheel_option, write_private
from autograder.export.archive import zipped


@click.command()
@click.option("-o", "output", type=click.Path(path_type=Path), required=True, metavar="FILE.zip")
@wheel_option
def kit(output: Path, given: Path | None) -> None:
    """Pack what students get: the releases, the package and a start page, searched for secrets."""
    from autograder.course import course_file
    from autograder.export import kit as packing
    from autograder.export.wheel import wheel

    course = course_file.find(Path.cwd())
    members = packing.contents(course, wheel(given))
    write_private(output, zipped(members), 0o644)
    say(f"✓ {output}: {len(course.topic_ids)} topics, {len(members)} files, no secret among them")
