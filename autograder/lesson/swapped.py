"""Another function under a name of the notebook, for a while."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def swapped(namespace: MutableMapping[str, Any], **parts: Any) -> Iterator[None]:
    """Inside the `with` block, names of the notebook mean other functions; afterwards all is as
    before. `namespace` is the notebook's `globals()`.
    """
    before = {name: namespace[name] for name in parts}
    namespace.update(parts)
    try:
        yield
    finally:
        namespace.update(before)
