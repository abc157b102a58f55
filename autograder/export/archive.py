"""Zip files whose bytes depend only on their contents."""

import io
import zipfile
from collections.abc import Collection, Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(members: Mapping[str, bytes], programs: Collection[str] = ()) -> bytes:
    """A zip file of the members, sorted by name. `programs` are executable."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix on every platform, so that the permissions count
            info.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(info, members[name], zipfile.ZIP_DEFLATED)
    return file.getvalue()
