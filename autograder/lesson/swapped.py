"""Replace functions of a notebook for a while."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def swapped(namespace: MutableMapping[str, Any], **parts: Any) -> Iterator[None]:
    """Replace names of the notebook inside the `with` block and restore them afterwards.

    `namespace` is the notebook's `globals()`.
    """
    before = {name: namespace[name] for name in parts}
    namespace.update(parts)
    try:
        yield
    finally:
        namespace.update(before)
