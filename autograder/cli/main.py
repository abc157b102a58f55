"""The command `autograder`.

Exit codes: 0 fine, 1 points were lost, 2 usage or unreadable input, 3 our own fault.
"""

import importlib
import keyword
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from autograder.cli.base import FAULT, USAGE, say
from autograder.model.errors import KitError, UserError
from autograder.model.harmless import harmless

# In the order of `--help`, a learner's first. Each is a module of this package, imported when used.
COMMANDS = """
check hint progress solve feedback
release grade report kit export jail
try new audit demo
""".split()  # noqa: SIM905


class _Group(click.Group):
    """Loads the subcommand and turns a user's errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return COMMANDS

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        name += "_" * keyword.iskeyword(name)  # a module cannot be called `try`
        command: click.Command = getattr(importlib.import_module(f"autograder.cli.{name}"), name)
        return command

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        with _told_harmlessly():
            return super().make_context(*args, **more)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _told_harmlessly():
                return super().invoke(ctx)
        except UserError as error:
            say(f"✗ {error}", err=True)
            ctx.exit(FAULT if isinstance(error, KitError) else USAGE)


@contextmanager
def _told_harmlessly() -> Iterator[None]:
    """Around what click refuses: it prints the message itself, with the file name that was given."""
    try:
        yield
    except click.ClickException as error:
        message = harmless(error.format_message())
        error.format_message = lambda: message  # type: ignore[method-assign]
        raise


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="first-principles-kit")
def main() -> None:
    """Deep learning from first principles: check, release and grade its notebooks."""
