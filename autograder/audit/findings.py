"""The findings of an audit: for each claim, how much was tried and what is wrong."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Finding:
    """One row of the table. Without problems the claim holds. `notes` are for the reader only."""

    title: str
    summary: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Audit:
    """All findings about one topic."""

    topic: str
    seeds: int
    seconds: float
    findings: list[Finding]

    @property
    def good(self) -> bool:
        return not any(f.problems for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "good": self.good}

    def table(self) -> str:
        """The findings as text, each problem below its finding."""
        lines = [
            f"{self.topic}   {self.seeds} seed{'s' if self.seeds > 1 else ''}, {self.seconds:.0f} s"
        ]
        for f in self.findings:
            lines.append(f"  {'✗' if f.problems else '✓'} {f.title:<26} {f.summary}")
            lines += [f"      ✗ {problem}" for problem in f.problems]
            lines += [f"      {note}" for note in f.notes]
        return "\n".join(lines)
