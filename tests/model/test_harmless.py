"""Nothing that a terminal obeys survives on any way out; all other text stays as it is."""

import io
import json
import logging
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rolls import report

from autograder.cli import base
from autograder.cli.main import main
from autograder.model.errors import UserError
from autograder.model.harmless import escaped, harmless, on_one_line
from autograder.nbgrader.log import Harmless
from autograder.render import terminal

C0 = [chr(i) for i in range(32) if chr(i) not in "\n\t"]
C1 = [chr(i) for i in range(0x7F, 0xA0)]
TURNS = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LINES, HALVES = list("\u2028\u2029"), ["\ud800", "\udbff", "\udc1b", "\udfff"]
OBEYED = C0 + C1 + TURNS + LINES + HALVES
ORDINARY = [
    "Zoë Ångström, naïve façade",
    "e\u0301 n\u0303 \u1e69\u0323",  # combining marks
    "日本語　テキスト 한국어 中文",
    "👩🏽‍🚀 👨‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ❤️ ✓ ✗",
    "שלום مرحبا فارسی می‌خواهم",  # written from right to left by itself
    "∂L/∂W = xᵀ·dy, 1e−5 …",
    "\u00a0\u2009\u3000",
]
hostile = st.text(st.one_of(st.sampled_from(OBEYED), st.characters(), st.sampled_from("\n\ta[;m")))


def silent(text):
    return not [c for c in text if c in OBEYED]


def printed(function, *args, **more):
    """What a function writes to either stream."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        function(*args, **more)
    return out.getvalue() + err.getvalue()


@given(hostile)
def test_nothing_that_a_terminal_obeys_survives_the_filter(text):
    assert silent(harmless(text))
    assert silent(on_one_line(text)) and "\t" not in on_one_line(text)
    assert len(on_one_line(text).splitlines()) <= 1
    assert harmless(harmless(text)) == harmless(text)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_ordinary_text_is_unchanged(text):
    assert harmless(text) == on_one_line(text) == text


@pytest.mark.parametrize("text", ORDINARY)
def test_text_as_people_write_it_is_unchanged(text):
    assert harmless(text) == on_one_line(text) == text
    assert escaped(json.dumps(text, ensure_ascii=False)) == json.dumps(text, ensure_ascii=False)


def test_lines_and_tabs_stay_where_there_are_lines():
    assert harmless("a\tb\r\nc\n") == "a\tb\nc\n"
    assert on_one_line("a\nb\tc") == "a b\N{REPLACEMENT CHARACTER}c"


@given(hostile)
def test_nothing_survives_on_the_way_of_any_print(text):
    assert silent(printed(base.say, text))
    assert silent(printed(base.say, text, err=True))
    assert len(printed(base.note, text).strip().splitlines()) <= 1
    assert silent(printed(base.note, text))
    assert silent("".join(UserError(text)._render_traceback_()))


@given(hostile)
def test_nothing_survives_in_a_table_or_a_report(text):
    found = replace(report("ada"), status="unreadable", reason=text, topic=text, student=text)
    assert len(terminal.line(found).splitlines()) == 1
    for line in (terminal.line(found), terminal.Progress(1).line(found)):
        assert silent(line)
    assert silent(printed(base.say, terminal.render(found)))
    assert silent(printed(base.say, terminal.row(text, found)))


@given(hostile)
def test_json_on_a_terminal_is_silent_and_means_the_same(text):
    found = replace(report("ada"), reason=text, student=text)
    out = printed(base.say_json, found.to_json())
    assert silent(out)
    assert json.loads(out) == found.to_dict()


@given(hostile, hostile)
def test_nothing_survives_in_a_log(text, error):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.Logger("ours")
    logger.addHandler(handler)
    logger.addFilter(Harmless())
    logger.warning("%s is left out: %s", text, {"a": error})
    logger.warning(text)
    try:
        raise ValueError(error)
    except ValueError:
        logger.exception("%r", text)
    assert silent(stream.getvalue())


@pytest.mark.parametrize(
    "args",
    [
        ["check", "no\x1b[2J\x9b31m\u202e.ipynb"],
        ["check"],
        ["no\x1b[2J"],
        ["--\x1b[2J"],
        ["check", "--\x9b31m", "x"],
        ["check", "x", "--seed", "\u202e1"],
        ["feedback", "\x1b]0;title\x07", "-o", "x.html"],
        ["feedback", "-o", "x\x1b"],
        ["solve", "\x1b[2J", "-o", "x"],
    ],
)
def test_an_error_of_the_command_line_is_harmless(args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 2
    assert silent(done.output)
    assert "Traceback" not in done.output


def test_all_that_the_commands_print_goes_through_the_filter():
    from test_architecture import PACKAGE

    found = [
        path.name
        for path in (PACKAGE / "cli").glob("*.py")
        if "click.echo" in path.read_text("utf-8") or "print(" in path.read_text("utf-8")
    ]
    assert found == ["base.py"]
    assert click.echo is not base.say
