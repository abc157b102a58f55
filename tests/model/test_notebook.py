"""A submitted notebook is read whatever state it is in, and the student's own code is taken from
it.
"""

import ast
import contextlib
import json
import os
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autograder.model import notebook
from autograder.model.errors import UserError
from autograder.model.notebook import Cell, Notebook, Unreadable
from autograder.model.topic import ExerciseSpec, Topic

HERE = Path("ada/neurons.ipynb")
TOPIC = Topic(
    "01-neurons",
    "Neurons",
    [ExerciseSpec("relu", 1, 1, {"relu": ["x"]})],
    1,
    256,
    ["import numpy as np"],
    "",
)


def cell(source="", kind="code", **metadata):
    return {"cell_type": kind, "source": source, "metadata": metadata}


def graded(grade_id, source="", **more):
    return cell(source, nbgrader={"grade_id": grade_id, **more})


def document(*cells, **metadata):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def parsed(*cells, **metadata):
    return notebook.parse(HERE, json.dumps(document(*cells, **metadata)))


def complaint(text):
    """The one sentence about an unreadable text; None for a notebook."""
    try:
        assert isinstance(notebook.parse(HERE, text), Notebook)
    except Unreadable as error:
        told = str(error)
        assert told.isprintable()
        assert 0 < len(told) <= 300
        return told
    return None


# --- files in every state ---

WHOLE = json.dumps(
    document(
        cell("# One", "markdown"), graded("answer-relu", "def relu(x):\n    return max(x, 0)\n")
    )
)
BYTES = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\r\n ", "is empty"),
    "a mark alone": (b"\xef\xbb\xbf", "is empty"),
    "not JSON": (b"def relu(x): ...", "its JSON ends or breaks at line 1"),
    "HTML": (b"<!doctype html>\n<title>Sign in</title>", "its JSON ends or breaks at line 1"),
    "cut on line 3": (b'{\n "nbformat": 4,\n "cells": [', "its JSON ends or breaks at line 3"),
    "two notebooks": ((WHOLE + WHOLE).encode(), "its JSON ends or breaks"),
    "a list": (b"[1, 2]", "is JSON but not a notebook"),
    "a number": (b"4", "is JSON but not a notebook"),
    "null": (b"null", "is JSON but not a notebook"),
    "an object": (b'{"cells": []}', "is JSON but not a notebook"),
    "format 3": (
        b'{"nbformat": 3, "worksheets": [{"cells": []}]}',
        "has notebook format 3, expected 4",
    ),
    "format 5": (b'{"nbformat": 5, "cells": []}', "has notebook format 5, expected 4"),
    "no cells": (b'{"nbformat": 4}', "notebook"),
    "cells no list": (b'{"nbformat": 4, "cells": {"a": 1}}', "notebook"),
    "Latin-1": ('{"nbformat": 4, "cells": ["é"]}'.encode("latin-1"), "is not text"),
    "UTF-16": (WHOLE.encode("utf-16"), "is not text"),
    "a zip": (b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xff\xfe", "is not text"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00", "is not text"),
    "NUL bytes alone": (b"\0" * 512, "its JSON ends or breaks"),
    "NUL bytes after a crash": (WHOLE.encode()[:60] + b"\0" * 100, "its JSON ends or breaks"),
    "NUL bytes in a string": (b'{"nbformat": 4, "cells": ["\0"]}', "its JSON ends or breaks"),
    "a merge conflict": (
        WHOLE.replace('"cells"', '\n<<<<<<< HEAD\n"cells"').encode(),
        "its JSON ends or breaks",
    ),
    "nested without end": (b"[" * 100_000, "its JSON ends or breaks"),
    "nested deep": (
        b'{"nbformat": 4, "cells": [' + b"[" * 20_000 + b"]" * 20_000 + b"]}",
        "its JSON ends or breaks",
    ),
    "a number without end": (b'{"nbformat": ' + b"4" * 10_000 + b"}", "its JSON ends or breaks"),
}


@pytest.mark.parametrize(("content", "words"), BYTES.values(), ids=BYTES)
def test_a_damaged_file_is_told_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "neurons.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        notebook.read(path)
    assert str(caught.value).startswith("neurons.ipynb ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Unreadable, match=r"there is no file .*neurons\.ipynb"):
        notebook.read(tmp_path / "neurons.ipynb")


def test_a_folder_is_no_notebook(tmp_path):
    with pytest.raises(Unreadable, match="is not a file; give the path of a notebook"):
        notebook.read(tmp_path)


def test_a_path_through_a_file_is_an_error_of_the_users(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(Unreadable):
        notebook.read(tmp_path / "a" / "neurons.ipynb")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "neurons.ipynb")
    with pytest.raises(Unreadable, match="is not a file"):
        notebook.read(tmp_path / "neurons.ipynb")


def test_a_link_in_a_circle_is_unreadable(tmp_path):
    path = tmp_path / "neurons.ipynb"
    try:
        path.symlink_to(path)
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(Unreadable):
        notebook.read(path)


def test_a_file_that_may_not_be_read_says_so(tmp_path):
    path = tmp_path / "neurons.ipynb"
    path.write_text(WHOLE)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(Unreadable, match="check its permissions"):
        notebook.read(path)


def test_a_file_beyond_the_limit_is_not_read(tmp_path):
    path = tmp_path / "neurons.ipynb"
    with path.open("wb") as file:
        file.truncate(notebook.MAX_BYTES + 1)  # takes no room
    with pytest.raises(Unreadable, match="is 64 MB large, more than 64 MB; clear its outputs"):
        notebook.read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_notebook_is_read_with_or_without_a_mark_and_with_either_line_end(
    tmp_path, encoding, newline
):
    path = tmp_path / "ñeurons 1.ipynb"
    path.write_bytes(
        json.dumps(document(cell("x = 'é'")), indent=1).replace("\n", newline).encode(encoding)
    )
    assert notebook.read(path).cells == [Cell(1, "code", "x = 'é'")]


@given(st.integers(0, len(WHOLE) - 1))
def test_a_notebook_cut_short_is_damaged(length):
    assert complaint(WHOLE[:length])


@given(st.text(max_size=100))
def test_any_text_is_a_notebook_or_told_in_one_sentence(text):
    complaint(text)


@given(st.binary(max_size=100))
def test_any_file_is_a_notebook_or_told_in_one_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        notebook.read(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["cell_type", "source", "metadata", "outputs", "id"]
NAMES = ["nbgrader", "tags", "autograder", "topic", "grade_id", "locked", "solution"]
odd_metadata = st.recursive(
    json_values, lambda inner: st.dictionaries(st.sampled_from(NAMES), inner), max_leaves=6
)
odd_cells = json_values | st.dictionaries(
    st.sampled_from(KEYS), odd_metadata | st.sampled_from(["code", "markdown"])
)


@given(json_values, odd_metadata, st.lists(odd_cells, max_size=4) | json_values)
@example(4, {}, [None, 1, "a", [], {}, {"source": 1}, {"source": ["a", 1]}, {"metadata": []}])
@example(
    4, {"autograder": {"topic": ["01-neurons"]}}, [{"metadata": {"nbgrader": [], "tags": "demo"}}]
)
@example("4" * 1000, {}, [])
@example({"a": "\x1b[2J" * 100}, {}, [])
def test_any_json_is_a_notebook_or_told_in_one_sentence(version, metadata, cells):
    complaint(json.dumps({"nbformat": version, "metadata": metadata, "cells": cells}))


@given(odd_metadata, st.lists(odd_cells, max_size=4))
def test_a_notebook_of_any_cells_can_be_graded_or_is_another_topics(metadata, cells):
    found = notebook.parse(HERE, json.dumps({"nbformat": 4, "metadata": metadata, "cells": cells}))
    assert len(found.cells) == len(cells)
    with contextlib.suppress(Unreadable):
        notebook.require_topic(found, TOPIC)
    assert all(isinstance(c.source, str) for c in notebook.submission(found, TOPIC))


def deepest(text):
    """How deep `text` can be nested in lists, such that json reads it from here."""
    low, high = 0, 20_000
    while low < high:
        middle = (low + high + 1) // 2
        try:
            json.loads("[" * middle + text + "]" * middle)
            low = middle
        except RecursionError:
            high = middle - 1
    return low


@pytest.mark.parametrize("place", ["nbformat", "cell_type"])
@pytest.mark.parametrize("less", range(0, 24, 2))
def test_nesting_at_the_edge_of_what_json_reads_is_a_notebook_or_unreadable(place, less):
    depth = max(1, deepest("1") - less)
    nested = "[" * depth + "1" + "]" * depth
    text = (
        WHOLE.replace('"code"', nested)
        if place == "cell_type"
        else f'{{"nbformat": {nested}, "cells": []}}'
    )
    with contextlib.suppress(Unreadable):
        notebook.parse(HERE, text)


def test_unreadable_is_an_error_that_users_read():
    assert issubclass(Unreadable, UserError)


# --- which cells count ---

CELLS = {
    "an answer": (graded("answer-relu", "a = 1", solution=True), True),
    "an answer that was locked": (graded("answer-relu", "a = 1", locked=True), True),
    "a free cell": (cell("a = 1"), True),
    "a cell with no metadata": ({"cell_type": "code", "source": "a = 1"}, True),
    "a cell of the student's own id": (graded("my-tests", "a = 1"), True),
    "an unlocked setup": (graded("setup", "a = 1"), True),
    "a locked setup": (graded("setup", "a = 1", locked=True), False),
    "a check": (graded("check-relu", "a = 1", locked=True, grade=True), False),
    "a check that was unlocked": (
        graded("check-relu", "a = 1", locked=False, grade=True, solution=True),
        False,
    ),
    "a figure": (cell("a = 1", tags=["demo"]), False),
    "a figure with more tags": (cell("a = 1", tags=["hide-input", "demo"]), False),
    "another tag": (cell("a = 1", tags=["demonstration"]), True),
    "a text": (cell("a = 1", "markdown"), False),
    "a raw cell": (cell("a = 1", "raw"), False),
    "an empty cell": (cell(""), False),
    "a blank cell": (cell("  \n\t\n"), False),
}


@pytest.mark.parametrize(("data", "counts"), CELLS.values(), ids=CELLS)
def test_code_counts_when_it_is_the_students_own(data, counts):
    assert len(notebook.submission(parsed(data), TOPIC)) == 1 + counts


def test_the_topics_own_setup_comes_first_and_then_the_cells_in_their_order():
    found = parsed(
        cell("b = 2"),
        graded("setup", "import evil", locked=True),
        graded("answer-relu", "a = 1"),
        cell("c = 3"),
    )
    run = notebook.submission(found, TOPIC)
    assert [c.source for c in run] == ["import numpy as np", "b = 2", "a = 1", "c = 3"]
    assert [c.label for c in run] == ["setup", "cell 1", "answer-relu", "cell 4"]


def test_both_of_two_answer_cells_count():
    found = parsed(graded("answer-relu", "def a(): ..."), graded("answer-relu", "def b(): ..."))
    assert len(notebook.submission(found, TOPIC)) == 3


def test_a_source_may_be_a_list_of_lines():
    assert parsed(cell(["def f():\n", "    return 1"])).cells[0].source == "def f():\n    return 1"


def test_the_names_that_cells_define_are_found_even_where_they_do_not_compile():
    found = parsed(
        cell("def relu(x):\n    return ("),
        cell("if True:\n  class Value(object): pass"),
        cell("def no()", "markdown"),
    )
    assert found.functions() == {"relu", "Value"}


# --- magics ---

MAGICS = {
    "a line magic": ("%matplotlib inline\na = 1", "run_line_magic('matplotlib', 'inline')"),
    "a shell line": ("!pip install x\na = 1", "system('pip install x')"),
    "a cell magic": ("%%time\na = 1", "run_cell_magic('time', ''"),
    "a shell line that is assigned": ("x = !ls\na = 1", "x = get_ipython().getoutput('ls')"),
    "a magic that is assigned": (
        "x = %timeit -o 1\na = 1",
        "x = get_ipython().run_line_magic('timeit'",
    ),
    "a question": ("np.exp?\na = 1", "pinfo"),
    "a magic in a function": (
        "def f():\n    %time 1\n    return 2\na = 1",
        "    get_ipython().run_line_magic('time'",
    ),
    "a magic beside a modulo": ("%load_ext x\na = (7\n     % 4)", "     % 4)"),
    "a prompt that was copied": (">>> a = 1", "a = 1"),
}


@pytest.mark.parametrize(("source", "becomes"), MAGICS.values(), ids=MAGICS)
def test_magics_become_plain_python(source, becomes):
    run = notebook.submission(parsed(graded("answer-relu", source)), TOPIC)[1]
    ast.parse(run.source)
    assert becomes in run.source
    assert run.label == "answer-relu"


PYTHON = {
    "a modulo at the start of a line": "b = 3\na = (7\n% b)",
    "a modulo in an index": "a = [1, 2, 3][\n    7\n    % 3\n]",
    "a text with magics": 'a = """\n%matplotlib inline\n!ls\n%%time\n"""',
    "a comment with magics": "# %matplotlib inline\n# !ls\na = 1",
    "a backslash": "b = 3\na = 7 \\\n % b",
    "nothing special": "def relu(x):\n\treturn max(x, 0)  # ?\n",
}


@pytest.mark.parametrize("source", PYTHON.values(), ids=PYTHON)
def test_python_is_left_as_it_is(source):
    assert notebook.submission(parsed(cell(source)), TOPIC)[1].source == source


@pytest.mark.parametrize(
    "source",
    ["def relu(x)\n    return x", "a = (", "%%time\na = (", "'\0'", "(" * 500, "-" * 20_000 + "1"],
)
def test_what_is_no_python_either_way_is_left_for_the_worker_to_explain(source):
    assert len(notebook.submission(parsed(cell(source)), TOPIC)) == 2


@given(st.text(st.sampled_from("ab=%!?()\n \t'\"\\#:,;[]"), max_size=40))
def test_no_source_makes_the_reader_raise(source):
    notebook.submission(parsed(cell(source)), TOPIC)


def test_a_cell_of_many_magics_is_not_read_over_again_for_each(monkeypatch):
    from IPython.core import inputtransformer2

    tokens, passes = inputtransformer2.make_tokens_by_line, []
    counted = lambda lines: passes.append(1) or tokens(lines)  # noqa: E731
    monkeypatch.setattr(inputtransformer2, "make_tokens_by_line", counted)
    notebook.submission(parsed(cell("%x\n" * 100)), TOPIC)
    assert len(passes) <= 20  # a hundred kilobytes of such lines would hold up a class for minutes


def test_odd_python_in_a_cell_prints_no_warning_of_ours():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        notebook.submission(parsed(cell("a = '\\d'\nb = 1 is 1")), TOPIC)
    assert seen == []


# --- which topic ---

RECOGNISED = {
    "by its metadata": parsed(autograder={"topic": "01-neurons"}),
    "by an answer cell": parsed(graded("answer-relu")),
    "by a function, its metadata stripped": parsed(cell("def relu(x):\n    return x")),
    "by a function that does not compile": parsed(cell("def relu(x)\n    return x")),
}


@pytest.mark.parametrize("found", RECOGNISED.values(), ids=RECOGNISED)
def test_a_notebook_of_the_topic_is_recognised(found):
    notebook.require_topic(found, TOPIC)


STRANGE = {
    "another topic": (
        parsed(graded("answer-relu"), autograder={"topic": "02-backprop"}),
        "is the notebook of 02-backprop",
    ),
    "no topic": (parsed(cell("a = 1")), "has none of the exercises of 01-neurons"),
    "an empty notebook": (parsed(), "has none of the exercises of 01-neurons"),
    "a function in a text": (
        parsed(cell("def relu(x):", "markdown")),
        "has none of the exercises of 01-neurons",
    ),
    "a topic that is no text": (
        parsed(autograder={"topic": 1}),
        "has none of the exercises of 01-neurons",
    ),
}


@pytest.mark.parametrize(("found", "words"), STRANGE.values(), ids=STRANGE)
def test_another_notebook_is_refused(found, words):
    with pytest.raises(Unreadable) as caught:
        notebook.require_topic(found, TOPIC)
    assert str(caught.value).startswith(f"neurons.ipynb {words}")


@given(st.text(min_size=1))
@example("x" * 5000)
@example("\x1b[2J\n\n<script>")
def test_the_refusal_of_another_topic_is_one_sentence_whatever_its_name(topic):
    with pytest.raises(Unreadable) as caught:
        notebook.require_topic(parsed(autograder={"topic": topic}), TOPIC)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) <= 300
