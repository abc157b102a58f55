"""A submission is put back into the shape of its source, whatever was done to its cells."""

import copy
import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebooks import COURSE, TOPIC, cell, solved

from autograder.nbgrader.rebuild import MISSING, rebuild

SOURCE = nbformat.read(COURSE.assignment(TOPIC.id), as_version=4)
OURS = [c.metadata.nbgrader.grade_id for c in SOURCE.cells if "nbgrader" in c.metadata]
SOLVED = solved()


def grade_ids(notebook):
    return [c.metadata.nbgrader.grade_id for c in notebook.cells if "nbgrader" in c.metadata]


@given(st.data())
def test_any_deletion_doubling_and_order_of_cells_comes_back_whole(data):
    cells = data.draw(st.lists(st.sampled_from(SOLVED["cells"]), max_size=120))
    rebuilt = rebuild({"cells": copy.deepcopy(cells)}, SOURCE)
    nbformat.validate(rebuilt)
    assert sorted(grade_ids(rebuilt)) == sorted(OURS)
    for name in ("check-softmax", "text-softmax", "setup"):
        ours = next(
            c for c in SOURCE.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name
        )
        theirs = next(
            c for c in rebuilt.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name
        )
        assert (theirs.source, theirs.metadata.nbgrader) == (ours.source, ours.metadata.nbgrader)


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda v: (
                st.lists(v)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "cell_type",
                            "source",
                            "metadata",
                            "tags",
                            "nbgrader",
                            "grade_id",
                            "attachments",
                        ]
                    ),
                    v,
                )
            ),
            max_leaves=12,
        )
    )
)
def test_cells_of_any_content_become_a_valid_notebook(cells):
    rebuilt = rebuild({"cells": cells}, SOURCE)
    json.dumps(rebuilt)
    assert sorted(grade_ids(rebuilt)) == sorted(OURS)


def test_answers_and_own_cells_stay_as_they_were_written():
    bent = solved(softmax="def softmax(z):\n    return 1")
    bent["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": ["a = 1\n", "b = 2"], "outputs": []}
    )
    rebuilt = rebuild(bent, SOURCE)
    assert next(
        c
        for c in rebuilt.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "answer-softmax"
    ).source == ("def softmax(z):\n    return 1")
    assert rebuilt.cells[-1].source == "a = 1\nb = 2"


def test_edited_points_and_flipped_kinds_are_undone():
    bent = solved()
    check = cell(bent, "check-softmax")
    check["metadata"]["nbgrader"] |= {"points": 1000, "solution": True, "locked": False}
    check["source"] = "1000.0"
    rebuilt = rebuild(bent, SOURCE)
    mended = next(
        c
        for c in rebuilt.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "check-softmax"
    )
    assert (mended.source, mended.metadata.nbgrader.points, mended.metadata.nbgrader.solution) == (
        'check("softmax")',
        2,
        False,
    )


def test_a_missing_answer_is_said_to_be_missing_and_is_no_stub_that_hides_another():
    bent = solved()
    bent["cells"].remove(cell(bent, "answer-softmax"))
    rebuilt = rebuild(bent, SOURCE)
    answer = next(
        c
        for c in rebuilt.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "answer-softmax"
    )
    assert answer.source == MISSING


@pytest.mark.parametrize("attachments", [{"a.png": {"image/png": "AAAA"}}])
def test_a_picture_in_a_written_answer_stays(attachments):
    bent = solved()
    cell(bent, "written-saturation")["attachments"] = attachments
    rebuilt = rebuild(bent, SOURCE)
    answer = next(
        c
        for c in rebuilt.cells
        if c.metadata.get("nbgrader", {}).get("grade_id") == "written-saturation"
    )
    assert answer.attachments == attachments
