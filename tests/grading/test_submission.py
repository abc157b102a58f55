"""Whatever state a notebook is in, it is graded right, or one sentence says what is wrong and what
to do.
"""

import json

import pytest
from notebooks import answer, cell, public_answers, solved, written

from autograder.course.solve import code_cell
from autograder.grading.submission import grade_file
from autograder.jail.tiers import survey


def graded(notebook, folder, *exercises):
    return grade_file(
        public_answers(), written(notebook, folder), survey().jail, exercises=exercises
    )


def messages(report):
    return "\n".join(c.message for e in report.exercises for c in e.checks if c.message)


RIGHT = {
    "warns": "import warnings\n{code}\nwarnings.warn('careful')\nnp.log(np.zeros(2))",
    "prints ten megabytes": "{code}\nprint('x' * 10_000_000)",
    "prints while it is called": "{code}\n_right = softmax\ndef softmax(z):\n    print(z)\n    "
    "return _right(z)",
    "raises after its definition": "{code}\nraise ValueError('left over')",
    "has magics": "%matplotlib inline\n!pip install numpy\n{code}\n%time softmax(np.ones((2, "
    "2)))\nfiles = !ls",
    "has a cell magic": "%%time\n{code}",
    "opens a plot window": "import matplotlib.pyplot as plt\n{code}\n_, ax = "
    "plt.subplots()\nax.plot([1, 2])",
    "shows things": "from IPython.display import display\n{code}\ndisplay(softmax(np.ones((1, "
    "2))))",
    "asks for input": "{code}\nname = input('your name? ')",
    "calls check itself": "{code}\ncheck('softmax')",
    "sets NumPy to raise": "np.seterr(all='raise')\n{code}",
    "turns warnings into errors": "import warnings\nwarnings.simplefilter('error')\n{code}",
    "starts a thread": "import threading\n{code}\nthreading.Thread(target=softmax, "
    "args=(np.ones((2, 2)),)).start()",
    "seeds and draws": "{code}\nnp.random.seed(0)\nnp.random.normal(size=3)",
}


@pytest.mark.parametrize("code", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_keeps_its_points_when_its_cell(code, tmp_path):
    notebook = solved(softmax=code.replace("{code}", answer("softmax")))
    report = graded(notebook, tmp_path, "softmax")
    assert report.full_marks, messages(report)


def test_an_answer_split_over_two_cells_is_one_answer(tmp_path):
    first, second = answer("losses").split("def binary_cross_entropy")
    notebook = solved(losses=first)
    at = notebook["cells"].index(cell(notebook, "answer-losses"))
    notebook["cells"].insert(at + 1, code_cell("rest", "def binary_cross_entropy" + second))
    assert graded(notebook, tmp_path, "losses").full_marks


def test_an_answer_moved_to_the_end_without_its_metadata_counts(tmp_path):
    notebook = solved()
    moved = cell(notebook, "answer-softmax")
    notebook["cells"].remove(moved)
    notebook["cells"].append(code_cell("moved", moved["source"]))
    assert graded(notebook, tmp_path, "softmax", "softmax_regression_fit").full_marks


def test_of_a_doubled_answer_cell_the_last_one_counts_as_in_the_notebook(tmp_path):
    notebook = solved()
    copy = {
        **cell(notebook, "answer-softmax"),
        "id": "copy",
        "source": "def softmax(z):\n    return z",
    }
    notebook["cells"].append(copy)
    assert not graded(notebook, tmp_path, "softmax").full_marks


def test_deleted_setup_and_check_cells_cost_nothing(tmp_path):
    notebook = solved()
    gone = ("setup", "check-softmax", "check-relu", "text-softmax")
    notebook["cells"] = [
        c
        for c in notebook["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") not in gone
    ]
    assert graded(notebook, tmp_path, "softmax", "relu").full_marks


def test_a_syntax_error_costs_its_own_exercise_and_names_the_cell(tmp_path):
    report = graded(
        solved(relu="def relu(z:\n    return z"), tmp_path, "relu", "softmax", "sigmoid"
    )
    assert [e.status for e in report.exercises] == ["passed", "failed", "passed"]
    assert "its cell (answer-relu) does not run: SyntaxError" in messages(report)


def test_a_renamed_function_is_said_to_be_renamed(tmp_path):
    report = graded(
        solved(softmax=answer("softmax").replace("def softmax", "def softmaxx")),
        tmp_path,
        "softmax",
    )
    assert report.exercises[0].status == "not_attempted"
    assert "Did you mean softmaxx? Its name must be softmax" in messages(report)


def test_a_helper_in_a_figure_cell_is_not_there_when_grading(tmp_path):
    notebook = solved(sigmoid="def sigmoid(z):\n    return halve(np.tanh(z / 2) + 1)")
    figure = code_cell("figure", "def halve(x):\n    return x / 2")
    figure["metadata"]["tags"] = ["demo"]
    notebook["cells"].insert(3, figure)
    assert "'halve' is not defined" in messages(graded(notebook, tmp_path, "sigmoid"))


def test_an_endless_loop_costs_its_exercise_only(tmp_path):
    notebook = solved(
        relu="def relu(z):\n    while True:\n        pass\n\ndef leaky_relu(z, slope=0.01):\n    "
        "return z"
    )
    report = graded(notebook, tmp_path, "relu", "softmax")
    assert [e.status for e in report.exercises] == ["timeout", "passed"]
    assert "is there an endless loop?" in messages(report)


def test_ending_the_process_costs_its_exercise_only(tmp_path):
    notebook = solved(mlp_forward="import os\ndef mlp_forward(x, params):\n    os._exit(0)")
    report = graded(notebook, tmp_path, "mlp_forward", "softmax")
    assert [e.status for e in report.exercises] == ["passed", "crashed"]


def test_another_topics_notebook_is_unreadable_and_scores_zero(tmp_path):
    notebook = solved()
    notebook["metadata"]["autograder"]["topic"] = "02-backprop"
    report = graded(notebook, tmp_path)
    assert (report.status, report.score, report.max_score) == ("unreadable", 0, 20)
    assert "is the notebook of 02-backprop, expected 01-neurons" in (report.reason or "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"hello", "is damaged"),
        (b"{}", "not a notebook"),
        (b"\xff\xfe\x00", "is not text"),
        (b'{"nbformat": 3, "worksheets": []}', "format 3"),
        (b'{"nbformat": 4, "cells": []}', "none of the exercises"),
        (json.dumps(json.loads('{"nbformat": 4, "cells": []}')).encode()[:20], "is damaged"),
    ],
)
def test_what_is_no_notebook_is_unreadable_and_says_why(tmp_path, content, said):
    path = tmp_path / "neurons.ipynb"
    path.write_bytes(content)
    report = grade_file(public_answers(), path, survey().jail)
    assert (report.status, report.score) == ("unreadable", 0)
    assert said in (report.reason or "")
