"""Where the benchmarks write what they measured: benchmarks/results.json, each its own keys."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")


def note(figures: dict[str, Any]) -> None:
    """Print the figures, and write them over what stood under the same names."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    FILE.write_text(json.dumps(known | figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
