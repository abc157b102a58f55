"""An autograder for deep learning from first principles.

In a notebook: `from autograder import check, hint, start`. Everything else is the command
`autograder`.
"""

from typing import Any

__all__ = ["check", "hint", "start"]


def __getattr__(name: str) -> Any:
    """Import the live check on first use: workers and commands do not need it."""
    if name in __all__:
        from autograder import live

        return getattr(live, name)
    raise AttributeError(name)
