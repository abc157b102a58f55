"""What the guides show: their code blocks, with what is said of each, and the commands that they name.

A shell block is fenced as ```bash and is run by tests/test_guides.py, unless a comment above it says otherwise:

    <!-- not run: why -->        nobody runs it: it installs, opens a browser, or needs another machine
    <!-- run in: page -->        that page has the same commands, and they are run there
    <!-- exits 1: why -->        it ends with that exit code
    <!-- as a student: when -->  it is run in the home of a student, where nothing of the course is
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    p.relative_to(ROOT).as_posix()
    for p in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
]
MARK = re.compile(r"<!-- (not run|run in|exits \d|as a student): (.+) -->$")
PROGRAMS = ("autograder", "nbgrader", "make")


@dataclass(frozen=True)
class Block:
    """A fenced block, the line of its page where it begins, and what the comment above it says."""

    line: int
    language: str
    text: str
    mark: str
    why: str

    @property
    def commands(self):
        """Its lines, those that go on joined, without comments."""
        joined = self.text.replace("\\\n", " ").splitlines()
        return [line for line in joined if line.strip() and not line.lstrip().startswith("#")]


def blocks(page):
    """The fenced blocks of a page's text."""
    found, mark, opened = [], ("", ""), None
    for number, line in enumerate(page.splitlines(), 1):
        if opened is None and line.startswith("```"):
            opened, body = (number, line[3:].strip()), []
        elif opened is not None and line == "```":
            found.append(Block(*opened, "\n".join(body), *mark))
            opened, mark = None, ("", "")
        elif opened is not None:
            body.append(line)
        elif line.strip():
            assert not line.lstrip().startswith(("```", "~~~")), (
                f"line {number}: a block begins at the margin, with ```"
            )
            match = MARK.match(line)
            mark = match.groups() if match else ("", "")
    assert opened is None, f"the block of line {opened[0]} has no end"
    return found


def named(page):
    """The commands of ours, nbgrader's and make's that a page names, in blocks or in prose, as
    lists of words.
    """
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.M | re.S)
    lines = [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]
    lines += [
        command for block in blocks(page) if block.language == "bash" for command in block.commands
    ]
    for line in lines:
        yield from (words for words in commands_of(line) if len(words) > 1 and words[0] in PROGRAMS)


def commands_of(line):
    """The commands of a line of shell, each as a list of words."""
    return [_words(part) for part in re.split(r"&&|;|\|", re.sub(r"\s#.*", "", line))]


def _words(line):
    try:
        return shlex.split(line.replace("[", " ").replace("]", " "), comments=True)
    except ValueError:  # half a quotation: a line of a here-document
        return line.split()
