"""This package as a wheel: built from its source tree, or given and proven equal."""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from autograder.model.errors import KitError, UserError

_PACKAGE = Path(__file__).parents[1]
_NEEDED = ("pyproject.toml", "README.md", "LICENSE")
_EPOCH = "315532800"  # 1980: equal contents give equal bytes


def wheel(given: Path | None) -> tuple[str, bytes]:
    """The wheel's file name and contents.

    UserError if there is none or it differs from this package.
    """
    name, data = (given.name, _read(given)) if given else _built()
    if not re.fullmatch(r"first_principles_kit-[\w.+]+-py3-none-any\.whl", name):
        raise UserError(
            f"{name} is not a wheel of this package: expected first_principles_kit-VERSION-py3-none-any.whl"
        )
    if other := _different(data):
        raise UserError(f"{name} differs from the running package in {other}")
    return name, data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from None


def _built() -> tuple[str, bytes]:
    """Build a wheel with pip in a copy of the tree: in the tree an old build/ would be packed too."""
    root = _PACKAGE.parent
    if not all((root / name).is_file() for name in _NEEDED):
        raise UserError(
            f"the package in {_PACKAGE} has no source tree to build a wheel from; give one with "
            "--wheel"
        )
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(
            _PACKAGE, tree / _PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
        )
        for name in _NEEDED:
            shutil.copy(root / name, tree / name)
        for path in tree.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask was
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--wheel-dir",
            folder,
            str(tree),
        ]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        found = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not found:
            raise KitError(
                "pip could not build the wheel: "
                f"{(done.stderr.strip() or 'no reason given')[-400:]}"
            )
        return found[0].name, found[0].read_bytes()


def _different(data: bytes) -> str | None:
    """The first file in which a wheel and the running package differ; None if they are equal."""
    files = (p for p in _PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    ours = {p.relative_to(_PACKAGE.parent).as_posix(): p for p in files}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            theirs = {
                n: archive.read(n) for n in archive.namelist() if n.startswith(f"{_PACKAGE.name}/")
            }
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        return f"everything: it is no zip file ({error})"
    differ = (
        n
        for n in sorted(ours.keys() | theirs.keys())
        if n not in ours or ours[n].read_bytes() != theirs.get(n)
    )
    return next(differ, None)
