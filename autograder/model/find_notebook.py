"""Find the notebook to grade in a submitted folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from autograder.model import notebook, opened
from autograder.model.errors import UserError
from autograder.model.notebook import MAX_BYTES, Unreadable, shown
from autograder.model.opened import NotPlain, TooLarge
from autograder.model.topic import Topic

_NAMED = 5  # files that the message names if none is a notebook
_TRIED = 100  # notebooks of other names


def require_notebook(folder: int, topic: Topic) -> tuple[str, bytes]:
    """The name and bytes of the notebook to grade, from an open folder.

    Unreadable says what the folder holds instead.
    """
    found = notebook_of(folder, topic)
    if found is None:
        names = sorted(map(shown, opened.names(folder)))
        told = ", ".join([*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])]) or "nothing"
        raise Unreadable(f"no notebook was handed in: expected {topic.name}.ipynb, found {told}")
    return found


def notebook_of(folder: int, topic: Topic) -> tuple[str, bytes] | None:
    """The notebook to grade: the one of the expected name, or else of the right topic, saved last;
    None without any. Unreadable if the one of the expected name is there and cannot be read.
    """
    expected = f"{topic.name}.ipynb"
    try:
        return expected, opened.read_regular(folder, expected, MAX_BYTES)
    except FileNotFoundError:
        best = max(_others(folder, topic), default=None)
        return best and best[2:]
    except TooLarge as error:
        raise notebook.refused(Path(expected), error) from None
    except NotPlain as error:
        raise Unreadable(f"{expected} cannot be graded: {error}") from None
    except OSError as error:
        raise notebook.refused(Path(expected), error) from None


def _others(folder: int, topic: Topic) -> Iterator[tuple[bool, int, str, bytes]]:
    """Notebooks of other names, each behind what speaks for it: its topic, when it was saved."""
    names = [name for name in opened.names(folder) if name.endswith(".ipynb")]
    for name in names[:_TRIED]:
        try:
            with opened.regular(folder, name) as file:
                saved = os.fstat(file.fileno()).st_mtime_ns
                content = opened.read(file, MAX_BYTES)
        except OSError:
            continue
        yield _fits(name, content, topic), saved, name, content


def _fits(name: str, content: bytes, topic: Topic) -> bool:
    try:
        path = Path(name)
        notebook.require_topic(notebook.of(path, notebook.decode(path, content)), topic)
    except UserError:
        return False
    return True
