"""Errors that a user reads. Each is one sentence: what is wrong and what to do next."""

from autograder.model.harmless import harmless


class UserError(Exception):
    """An error that the user can correct: a file, a key, an argument. Exit code 2, no traceback."""

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows in place of a traceback."""
        return [f"✗ {harmless(str(self))}"]


class KitError(UserError):
    """Our own fault or a damaged installation: exit code 3, no verdict, no change of a grade."""
