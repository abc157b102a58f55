"""A student in JupyterLab: a misconception is named, mended, and turns to full points."""

import shutil

import pytest
from conftest import jupyter
from lab import Notebook
from notebooks import COURSE, answer

pytestmark = pytest.mark.filterwarnings("ignore")  # selenium's own

WRONG_AXIS = """def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab in a folder as a student has it: what was released, nothing else."""
    home = tmp_path_factory.mktemp("student")
    shutil.copytree(COURSE.release("01-neurons"), home / "01-neurons")
    with jupyter(home, tmp_path_factory.mktemp("settings")) as running:
        yield running


@pytest.mark.parametrize(
    ("device", "width", "height", "view"),
    [
        ("desktop", 1280, 900, "lab/tree"),
        ("phone", 390, 844, "notebooks"),
    ],  # JupyterLab needs a wide screen
)
def test_a_misconception_is_named_and_the_mended_answer_has_full_points(
    server, chromium, device, width, height, view
):
    page = chromium(width, height)
    notebook = Notebook(page, *server, "01-neurons/neurons.ipynb", view)
    page.shot(f"student-opened-{device}")
    notebook.run('start("01-neurons")')
    notebook.write("def softmax(z):", WRONG_AXIS)
    notebook.run("def softmax(z):")
    card = notebook.run('check("softmax")', ".dlcard")
    page.show(card)
    page.shot(f"student-card-wrong-{device}")
    assert "the softmax runs over the batch" in card.text
    assert "0.22 / 2 points" in card.text
    notebook.write("def softmax(z):", answer("softmax"))
    notebook.run("def softmax(z):")
    card = notebook.run('check("softmax")', ".dlcard.good")
    page.show(card)
    page.shot(f"student-card-right-{device}")
    assert card.text.endswith("checks pass")
    assert "\n2 / 2 points" in card.text
    assert [
        e for e in page.errors if "/static/notebook/" not in e
    ] == []  # Notebook 7 has an error of its own
    assert page.abroad == []
