"""Errors that a user reads: one sentence each, what is wrong and what to do next."""

from autograder.model.harmless import harmless


class UserError(Exception):
    """Something the user can put right: a file, a key, an argument. Exit code 2, never a
    traceback.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        return [f"✗ {harmless(str(self))}"]


class KitError(UserError):
    """Our own fault or a damaged installation: no verdict, exit code 3, no grade is overwritten."""
