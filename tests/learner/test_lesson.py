"""Each lesson, filled with the reference, runs top to bottom as a student runs it, every check
green.
"""

import json
import os
import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from notebooks import COURSE, ROOT

from autograder.course import solve

LONG = {
    "04-regularization",
    "05-cnn",
    "08-ddpm",
}  # their figures and experiments only by `make lessons`
pytestmark = pytest.mark.filterwarnings("ignore")  # of the kernel's own machinery


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_the_solved_lesson_runs_without_an_error_and_earns_all_points(topic_id, tmp_path):
    topic, home = COURSE.topic(topic_id), tmp_path / topic_id
    shutil.copytree(COURSE.release(topic_id), home)
    reference = (ROOT / "solutions" / topic.name / "reference.py").read_text(encoding="utf-8")
    filled = solve.solve(home / f"{topic.name}.ipynb", topic, reference, "the reference")
    notebook = nbformat.reads(json.dumps(filled), as_version=4)
    if topic_id in LONG and not os.environ.get("LESSONS"):
        notebook.cells = [c for c in notebook.cells if "demo" not in c.metadata.get("tags", [])]
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(home)}}).execute()
    earned = {}
    for cell in notebook.cells:
        assert not [
            o for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr"
        ], cell.source
        if cell.cell_type == "code" and cell.source.startswith("check("):
            (card,) = cell.outputs
            earned[cell.metadata.nbgrader.grade_id] = float(card.data["text/plain"])
    assert earned == {f"check-{e.id}": 0.0 if e.bonus else float(e.points) for e in topic.exercises}


@pytest.mark.parametrize("topic_id", COURSE.topic_ids)
def test_the_lesson_as_handed_out_has_no_outputs_and_stubs_that_say_their_name(topic_id):
    topic = COURSE.topic(topic_id)
    notebook = json.loads(
        (COURSE.release(topic_id) / f"{topic.name}.ipynb").read_text(encoding="utf-8")
    )
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    for spec in topic.exercises:
        source = "".join(
            next(c["source"] for c in notebook["cells"] if _id(c) == f"answer-{spec.id}")
        )
        assert "raise NotImplementedError(" in source
        for function in spec.functions:
            assert f'NotImplementedError("{function}' in source or f"class {function}" in source


def _id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")
