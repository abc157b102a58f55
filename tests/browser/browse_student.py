"""A student in JupyterLab: a slip is named, mended, and turns to full points."""

import shutil

import pytest
from conftest import jupyter
from lab import Notebook
from notebooks import COURSE, answer

pytestmark = pytest.mark.filterwarnings("ignore")  # selenium's own

SLIP = """def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab in a folder as a student has it: what was released, nothing else."""
    home = tmp_path_factory.mktemp("student")
    shutil.copytree(COURSE.release("01-neurons"), home / "01-neurons")
    with jupyter(home, tmp_path_factory.mktemp("settings")) as running:
        yield running


@pytest.mark.parametrize(("width", "height", "device"), [(1280, 900, "desktop"), (390, 844, "phone")])
def test_a_slip_is_named_and_the_mended_answer_has_full_points(server, chromium, width, height, device):
    page = chromium(width, height)
    notebook = Notebook(page, *server, "01-neurons/neurons.ipynb")
    page.shot(f"student-opened-{device}")
    notebook.run('start("01-neurons")')
    notebook.write("def softmax(z):", SLIP)
    notebook.run("def softmax(z):")
    card = notebook.run('check("softmax")', ".dlcard")
    page.show(card)
    page.shot(f"student-card-wrong-{device}")
    assert "the softmax runs over the batch" in card.text
    assert "2 / 2 points" not in card.text
    notebook.write("def softmax(z):", answer("softmax"))
    notebook.run("def softmax(z):")
    card = notebook.run('check("softmax")', ".dlcard.good")
    page.show(card)
    page.shot(f"student-card-right-{device}")
    assert "2 / 2 points" in card.text
    assert page.errors == []
    assert page.abroad == []
