"""Every command in the guides and the README works as it is shown."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from click import Group
from guides import PAGES, ROOT, blocks, commands_of, named
from notebooks import COURSE, TOPIC, solved, written

from autograder.cli.main import main
from autograder.jail import tiers

GRADE = ["docs/instructor.md", "docs/server.md"]
LANGUAGES = {"", "bash", "text", "python", "{toctree}", "{include}"}
TEXT = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
MADE = (
    ".*",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "submitted",
    "autograded",
    "feedback",
    "gradebook.db",
)


def exists(words):
    """Whether `autograder NAME --option …` is known to the command line."""
    command = main.get_command(None, words[1]) if not words[1].startswith("-") else main
    if isinstance(command, Group) and command is not main and words[2:]:
        command = command.commands.get(words[2].partition("|")[0])
    if command is None:
        return False
    known = {
        option
        for parameter in command.params
        for option in parameter.opts + parameter.secondary_opts
    }
    known |= {"-h", "--help"}
    return all(word.partition("=")[0] in known for word in words if re.match(r"-{1,2}[a-z]", word))


def test_a_block_is_run_unless_the_line_above_it_says_otherwise():
    page = "<!-- not run: it installs -->\n```bash\na\n```\n\n<!-- not run -->\n```bash\nb\n```\n\n```bash\nc\n```\n"
    assert [(block.line, block.text, block.mark) for block in blocks(page)] == [
        (2, "a", "not run"),
        (7, "b", ""),  # no reason, no mark
        (11, "c", ""),
    ]


@pytest.mark.parametrize(
    "page", ["```bash\na\n", "- in a list\n  ```bash\n  a\n  ```\n", "~~~\na\n~~~\n"]
)
def test_a_block_that_would_be_overlooked_is_refused(page):
    with pytest.raises(AssertionError):
        blocks(page)


def test_commands_are_found_in_prose_and_in_blocks_and_judged_by_their_options():
    page = "Run `autograder grade\n01-neurons --nonsense`.\n\n```bash\ncd x && autograder jail  # see; make it\n```\n"
    assert list(named(page)) == [
        ["autograder", "grade", "01-neurons", "--nonsense"],
        ["autograder", "jail"],
    ]
    assert [exists(words) for words in named(page)] == [False, True]
    assert not exists(["autograder", "nonsense"])


@pytest.mark.parametrize("page", PAGES)
def test_a_shell_block_is_marked_as_one(page):
    for block in blocks(TEXT[page]):
        assert block.language.split(" ")[0] in LANGUAGES, f"{page}:{block.line}: {block.language}"
        first = block.text.split(maxsplit=1)[:1]
        odd = (
            block.language == ""
            and first
            and first[0] in ("autograder", "nbgrader", "make", "pip", "python", "git")
        )
        assert not odd, f"{page}:{block.line}: commands belong in a ```bash block"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page):
    from nbgrader.apps import NbGraderApp

    nbgrader = {name.replace("_", "-") for name in NbGraderApp.subcommands}
    targets = set(
        re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    )
    for words in named(TEXT[page]):
        if words[0] == "autograder":
            assert exists(words), " ".join(words)
        elif words[0] == "nbgrader":
            assert words[1].replace("_", "-") in nbgrader | {"submit"}, " ".join(words)
        else:
            assert {w for w in words[1:] if re.fullmatch(r"[a-z][\w-]*", w)} <= targets, " ".join(
                words
            )


def run(page):
    """The shell blocks of a page that are run."""
    return [
        b
        for b in blocks(TEXT[page])
        if b.language == "bash" and b.mark not in ("not run", "run in")
    ]


def script(page, place):
    """A page's blocks as one shell script that stops at the first command that fails, and
    names it.
    """
    lines = ["set -Eeuo pipefail", """trap 'echo "✗ $WHERE: $BASH_COMMAND" >&2' ERR"""]
    for block in run(page):
        text = block.text
        lines.append(f"WHERE={page}:{block.line}")
        if block.mark.startswith("exits"):
            text = f"{{ {text}\n}} && code=0 || code=$?; test $code = {block.mark[-1]}"
        elif block.mark == "as a student":
            text = f'(cd "{place}/student"\n{text}\n)'
        lines.append(text)
    return (
        "\n".join(lines)
        .replace("/srv/", f"{place}/srv/")
        .replace("/etc/jupyter", f"{place}/etc/jupyter")
    )


@pytest.mark.parametrize("page", [page for page in PAGES if run(page)])
def test_every_block_of_a_page_runs(page, place):
    if page in GRADE and tiers.survey().jail.tier == "C":
        pytest.skip("this machine has no jail, and a class is not graded without one")
    environment = {
        **os.environ,
        "HOME": str(place / "home"),
        "JUPYTER_CONFIG_PATH": str(place / "etc" / "jupyter"),
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    start = place / ("handed out" if page == "docs/student.md" else "course")
    done = subprocess.run(
        ["bash"],
        input=script(page, place),
        cwd=start,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_run_in_another_page_is_there(page):
    for block in blocks(TEXT[page]):
        if block.mark == "run in":
            there = [
                words for b in run(block.why) for line in b.commands for words in commands_of(line)
            ]
            for words in (words for line in block.commands for words in commands_of(line)):
                assert words in there, f"{page}:{block.line}: {' '.join(words)}"


@pytest.fixture
def place(tmp_path):
    """A fresh copy of the kit beside what the pages speak of: an exchange, a student's home, files
    handed in.
    """
    course, exchange = tmp_path / "course", tmp_path / "srv" / "nbgrader" / "exchange"
    shutil.copytree(ROOT, course, ignore=shutil.ignore_patterns(*MADE))
    for folder in ("home", "student", "handed out"):
        (tmp_path / folder).mkdir()
    shutil.copytree(COURSE.release(TOPIC.id), tmp_path / "handed out" / TOPIC.id)
    hand_in(course / "downloads", exchange / COURSE.file.course)
    return tmp_path


def hand_in(downloads, exchange):
    """A class of three, as a folder of files and in the exchange: one right, one with a misconception, one
    broken.
    """
    wrong = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"
    downloads.mkdir()
    for student, notebook in {
        "ada": solved(),
        "grace": solved(softmax=wrong),
        "kurt": {"nbformat": 3},
    }.items():
        written(notebook, downloads, f"{student}.ipynb")
        folder = exchange / "inbound" / f"{student}+{TOPIC.id}+2026-11-21 10:00:00 UTC+x"
        folder.mkdir(parents=True)
        written(notebook, folder)
        (folder / "timestamp.txt").write_text("2026-11-21 10:00:00 UTC\n")
        (folder / "submission_secret.txt").write_text(student)
    for folder in (exchange.parent, exchange / "inbound"):
        folder.chmod(0o777)
