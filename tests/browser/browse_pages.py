"""The pages that the kit writes: no error in the console, no request to anybody, nothing wider than
a phone.
"""

import subprocess
import sys

import classes
import pytest
from classes import graded, hand_in
from notebooks import ROOT, TOPIC, solved

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, and selenium's
WIDTHS = pytest.mark.parametrize("device, width", [("desktop", 1280), ("phone", 390)])
WRONG_AXIS = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The guides, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", ROOT / "docs", folder],
        check=True,
    )
    return folder


@pytest.fixture(scope="session")
def course():
    """A course with one graded submission and its feedback."""
    course = classes.released()
    hand_in(course, "grace", solved(softmax=WRONG_AXIS))
    graded(course, "grace")
    command("nbgrader", course, "generate_feedback", TOPIC.id)
    return course


def command(module, course, *words):
    subprocess.run(
        [sys.executable, "-m", module, *words], cwd=course.root, check=True, capture_output=True
    )


def fits(page):
    """Whether nothing has to be moved sideways to be read."""
    script = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return page.driver.execute_script(script)


@WIDTHS
def test_the_guides(site, chromium, device, width):
    page = chromium(width)
    for path in sorted(
        p for p in site.rglob("*.html") if p.name not in ("genindex.html", "search.html")
    ):
        page.open(path.as_uri())
        page.shot(f"guides-{path.stem}-{device}")
        assert fits(page), path.name
    assert page.errors == []
    assert page.abroad == []


def test_the_guides_can_be_searched_offline(site, chromium):
    page = chromium(1280)
    page.open((site / "search.html").as_uri() + "?q=grader_error")
    page.one("#search-results a", "For instructors")
    page.shot("guides-search")
    assert page.abroad == []


@WIDTHS
def test_the_feedback_page(course, chromium, device, width):
    page = chromium(width)
    page.open((course.root / "feedback" / "grace" / TOPIC.id / f"{TOPIC.name}.html").as_uri())
    page.show(page.one(".dlcard", "runs over the batch"))
    page.shot(f"feedback-{device}")
    assert page.errors == []
    assert page.abroad == []
    assert fits(page)


@WIDTHS
def test_the_class_report(course, chromium, device, width):
    command("autograder", course, "report", TOPIC.id)
    (path,) = (course.root / "reports" / TOPIC.id).glob("*.html")
    page = chromium(width)
    page.open(path.as_uri())
    page.shot(f"class-report-{device}")
    assert page.errors == []
    assert page.abroad == []
    assert fits(page)
