"""A stub notebook is filled by the functions of a module, and runs from its top to its end."""

import ast
import json

import numpy as np
import pytest

from autograder.course import solve
from autograder.model import notebook
from autograder.model.errors import UserError
from autograder.model.topic import ExerciseSpec, Topic

FUNCTIONS = {"relu": ["relu"], "pair": ["sigmoid", "swish"], "last": ["last"]}
TOPIC = Topic(
    "01-a",
    "A",
    [ExerciseSpec(e, 1, 1, {f: ["x"] for f in names}) for e, names in FUNCTIONS.items()],
    1,
    256,
    [],
    "",
)
STUB = '{0} {1}(x):\n    """Of x."""\n    raise NotImplementedError'


def cell(grade_id, source, kind="code", **metadata):
    return {
        "cell_type": kind,
        "id": grade_id,
        "source": source,
        "metadata": {"nbgrader": {"grade_id": grade_id, **metadata}},
    }


@pytest.fixture
def stub(tmp_path):
    path = tmp_path / "a.ipynb"
    cells = [cell("text", "# A", "markdown"), cell("setup", "import numpy as np", locked=True)]
    for exercise, names in FUNCTIONS.items():
        cells.append(
            cell(f"answer-{exercise}", "\n\n\n".join(STUB.format("def", n) for n in names))
        )
        cells.append(cell(f"check-{exercise}", f"check({exercise!r})", locked=True))
    path.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"a": 1}, "cells": cells})
    )
    return path


ALL = """
def relu(x):
    return np.maximum(x, 0)

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def swish(x):
    return x * sigmoid(x)

def last(x):
    return x
"""


def filled(stub, source):
    return solve.solve(stub, TOPIC, source, "mine.py")


def answer(made, exercise):
    return next(c["source"] for c in made["cells"] if c["id"] == f"answer-{exercise}")


def ran(made):
    """The names that the student's cells define, run in their order, after the setup."""
    namespace = {"np": np, "__name__": "__main__"}
    for c in made["cells"]:
        if c["cell_type"] == "code" and not c["metadata"].get("nbgrader", {}).get("locked"):
            exec(compile(c["source"], c["id"], "exec"), namespace)
    return namespace


def test_functions_fill_their_cells_and_nothing_else_changes(stub):
    made = filled(stub, ALL)
    before = json.loads(stub.read_text())
    assert answer(made, "relu") == "def relu(x):\n    return np.maximum(x, 0)"
    assert answer(made, "pair").count("def ") == 2
    assert "NotImplementedError" not in json.dumps(made)
    assert [{**c, "source": ""} for c in made["cells"]] == [
        {**c, "source": ""} for c in before["cells"]
    ]
    assert made["metadata"] == {"a": 1}
    assert ran(made)["swish"](0.0) == 0


def test_the_stub_itself_is_left_alone(stub):
    before = stub.read_bytes()
    filled(stub, ALL)
    assert stub.read_bytes() == before


def test_a_function_that_is_missing_stays_a_stub(stub):
    made = filled(stub, "def sigmoid(x):\n    return x\n")
    assert answer(made, "relu") == STUB.format("def", "relu")
    assert answer(made, "pair") == "def sigmoid(x):\n    return x\n\n\n" + STUB.format(
        "def", "swish"
    )


def test_an_empty_module_leaves_every_stub(stub):
    assert filled(stub, "")["cells"] == json.loads(stub.read_text())["cells"]


def test_imports_and_helpers_go_along_in_one_cell_before_the_first_answer(stub):
    source = "import math\nfrom math import pi as PI\n\nHALF = 0.5\n\n\ndef _helper(x):\n    return x * HALF * PI\n"
    made = filled(stub, source + "\n\ndef relu(x):\n    return _helper(x) + math.e\n")
    names = [c["id"] for c in made["cells"]]
    assert names.index(solve.HELPERS) == names.index("answer-relu") - 1
    assert names.count(solve.HELPERS) == 1
    assert ran(made)["relu"](0) == np.e


def test_the_helpers_are_the_students_own_code(stub):
    made = notebook.parse(stub, json.dumps(filled(stub, "K = 1\n" + ALL)))
    assert "K = 1" in [c.source for c in notebook.submission(made, TOPIC)]


def test_a_helper_that_stands_after_an_answer_goes_along(stub):
    made = filled(
        stub, "def relu(x):\n    return _late(x)\n\n\ndef _late(x):\n    return x + K\n\n\nK = 2\n"
    )
    assert ran(made)["relu"](1) == 3


def test_decorators_go_along(stub):
    twice = "def twice(f):\n    return lambda x: f(f(x))\n"
    source = f"import functools\n\n\n{twice}\n\n@functools.cache\n@twice\ndef relu(x):\n    return x + 1\n"
    made = filled(stub, source)
    assert answer(made, "relu").startswith("@functools.cache\n@twice\ndef relu")
    assert ran(made)["relu"](1) == 3


def test_comments_go_with_the_statement_below_them(stub):
    made = filled(
        stub,
        "# Of K\nK = 1\n\n# Of relu,\n# on two lines\ndef relu(x):\n    # within\n    return x  # "
        "at the end\n",
    )
    assert (
        answer(made, "relu")
        == "# Of relu,\n# on two lines\ndef relu(x):\n    # within\n    return x  # at the end"
    )
    assert "# Of K\nK = 1" in [c["source"] for c in made["cells"]]


def test_a_class_can_be_an_answer(stub):
    made = filled(stub, "class relu:\n    def __call__(self, x):\n        return x\n")
    assert ran(made)["relu"]()(3) == 3


def test_the_modules_docstring_stays_behind(stub):
    assert "About" not in json.dumps(filled(stub, '"""About this module."""\n' + ALL))


def test_text_with_the_look_of_code_does_no_harm(stub):
    made = filled(stub, 'def relu(x):\n    """\ndef sigmoid(x):\n    """\n    return x\n')
    assert answer(made, "relu") == 'def relu(x):\n    """\ndef sigmoid(x):\n    """\n    return x'
    assert "NotImplementedError" in answer(made, "pair")


TABLES = {
    "from one answer": ("TABLE = [relu(i) for i in range(3)]", [0, 1, 2]),
    "in a loop": ("TABLE = []\nfor i in range(3):\n    TABLE.append(relu(i))", [0, 1, 2]),
    "by a helper": (
        "def make():\n    return [relu(i) for i in range(3)]\n\n\nTABLE = make()",
        [0, 1, 2],
    ),
    "in two steps": ("START = relu(1)\nTABLE = [START, START + 1]", [1, 2]),
    "in a class": ("class Table:\n    rows = [relu(1)]\n\n\nTABLE = Table.rows", [1]),
    "as a default": ("def get(rows=[relu(2)]):\n    return rows\n\n\nTABLE = get()", [2]),
    "as a default by name": (
        "def get(*, rows=[relu(2)]):\n    return rows\n\n\nTABLE = get()",
        [2],
    ),
    "from two answers": ("TABLE = [relu(1), last(2)]", [1, 2]),
}


@pytest.mark.parametrize(("table", "value"), TABLES.values(), ids=TABLES)
def test_a_table_that_an_answer_computes_comes_after_it(stub, table, value):
    made = filled(stub, f"{ALL}\n\n{table}\n")
    assert ran(made)["TABLE"] == value


def test_a_table_comes_after_the_last_of_its_answers_whatever_their_order_in_the_module(stub):
    made = filled(
        stub,
        "def last(x):\n    return x\n\n\ndef relu(x):\n    return x\n\n\nTABLE = [relu(1), "
        "last(2)]\n",
    )
    assert ran(made)["TABLE"] == [1, 2]


def test_a_table_that_a_later_answer_reads_is_there_when_it_is_called(stub):
    made = filled(stub, f"{ALL}\nTABLE = relu(3)\n\n\ndef last(x):\n    return TABLE + x\n")
    assert ran(made)["last"](1) == 4


@pytest.mark.parametrize("mark", ["\x0c", "\u2028", "\x85", "\x1c"])
def test_a_character_that_only_looks_like_a_line_end_does_no_harm(stub, mark):
    made = filled(stub, f"# one{mark}two\n\nK = 'a{mark}b'\n{ALL}")
    assert answer(made, "relu") == "def relu(x):\n    return np.maximum(x, 0)"
    assert ran(made)["K"] == f"a{mark}b"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_either_line_end_will_do(stub, newline):
    made = filled(stub, ALL.replace("\n", newline))
    assert "\\r" not in json.dumps(made["cells"])
    assert ran(made)["relu"](-1) == 0


@pytest.mark.parametrize(
    ("source", "line"),
    [("def relu(x)\n    return x", 1), ("x = 1\n\ny = (", 3), ("if True:\npass", 2)],
)
def test_a_syntax_error_is_told_with_its_line(stub, source, line):
    with pytest.raises(UserError, match=r"mine\.py is not Python: ") as caught:
        filled(stub, source)
    assert str(caught.value).endswith(f"(line {line})")


def test_what_is_no_source_at_all_is_told(stub):
    with pytest.raises(UserError, match=r"mine\.py is not Python"):
        filled(stub, "x = 1\0")


def test_what_is_written_is_a_notebook(stub, tmp_path):
    made = filled(stub, ALL.replace("np.maximum", "# größte\n    return np.maximum"))
    solve.write(made, tmp_path / "out.ipynb")
    read = notebook.read(tmp_path / "out.ipynb")
    assert [c.grade_id for c in read.cells] == [
        c["metadata"]["nbgrader"]["grade_id"] for c in made["cells"]
    ]
    assert all(ast.parse(c.source) for c in read.cells if c.kind == "code")


def test_a_place_that_cannot_be_written_is_told(stub, tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        solve.write(filled(stub, ALL), tmp_path / "absent" / "out.ipynb")
