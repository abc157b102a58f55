"""`autograder jail`: the isolation that this machine offers."""

import sys

import click

from autograder.cli.base import FINE, USAGE, say


@click.command()
def jail() -> None:
    """Show which jail this machine offers for strangers' code, and how to get a better one."""
    from autograder.jail import tiers
    from autograder.render import terminal

    survey = tiers.survey()
    passed_over = {str(tier): reason for tier, reason in survey.passed_over.items()}
    say(terminal.jail(survey.jail.tier, tiers.MEANING[survey.jail.tier], passed_over))
    sys.exit(USAGE if survey.jail.tier == "C" else FINE)
