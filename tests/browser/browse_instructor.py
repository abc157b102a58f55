"""An instructor in formgrader: grades a submission, writes a comment, and the student's page has
both.
"""

import pytest
from conftest import jupyter
from notebooks import COURSE, TOPIC, cell, solved, written
from selenium.webdriver.common.by import By

from autograder.course import course_file
from autograder.nbgrader import api, releasing

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, and selenium's
COMMENT = "Read the factor of the sigmoid's slope once more: where does the logarithm cancel it?"
CLASS = [("ada", "Ada", "Lovelace"), ("grace", "Grace", "Hopper"), ("kurt", "Kurt", "Gödel")]
WRONG_AXIS = "def softmax(z):\n    e = np.exp(z - z.max(axis=0))\n    return e / e.sum(axis=0)"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with one topic released and three submissions that nobody has graded."""
    folder = tmp_path_factory.mktemp("course") / "course"
    releasing.copy_course(COURSE, folder)
    copy = course_file.load(folder / course_file.FILE)
    releasing.release(copy, TOPIC.id)
    with api.opened(copy) as nbgrader, nbgrader.gradebook as gradebook:
        for student, first, last in CLASS:
            gradebook.update_or_create_student(student, first_name=first, last_name=last)
    for student, wrong in {
        "ada": {},
        "grace": {"softmax": WRONG_AXIS},
        "kurt": {"relu": ""},
    }.items():
        notebook = solved(**wrong)
        cell(notebook, "written-saturation")["source"] = (
            "The slope of the squared error has the factor s(1 - s)."
        )
        target = folder / "submitted" / student / TOPIC.id
        target.mkdir(parents=True)
        written(notebook, target)
    return copy


@pytest.fixture(scope="module")
def server(course, tmp_path_factory):
    with jupyter(course.root, tmp_path_factory.mktemp("settings")) as running:
        yield running


@pytest.fixture(scope="module")
def desktop(chromium):
    return chromium(1280, 900)


def test_it_grades_a_submission_at_the_press_of_a_button(desktop, server):
    address, token = server
    desktop.open(f"{address}/lab?token={token}")  # formgrader by itself takes no token
    desktop.one("#jp-MainMenu", "Nbgrader")
    desktop.shot("instructor-lab")
    desktop.open(f"{address}/formgrader/manage_submissions/{TOPIC.id}")
    row = desktop.one("#main-table tr", "grace")
    desktop.shot("formgrader-before-grading")
    row.find_element(By.CSS_SELECTOR, ".autograde a").click()
    dialog = desktop.one(".modal", "Successfully autograded")
    desktop.shot("formgrader-graded")
    dialog.find_element(By.CSS_SELECTOR, "button.close, .btn").click()
    assert "16.35 / 24" in desktop.one("#main-table tr", "16.35").text
    desktop.wait(
        lambda d: not d.find_elements(By.CSS_SELECTOR, ".modal-backdrop"), "the dialog to go"
    )
    desktop.shot("formgrader-submissions-desktop")


def test_a_comment_is_kept_beside_the_written_answer(desktop, server):
    address, _ = server
    desktop.open(f"{address}/formgrader/gradebook/{TOPIC.id}/{TOPIC.name}")
    desktop.one("#main-table tr", "Submission")
    desktop.shot("formgrader-manual-grading")
    desktop.one("#main-table tr a", "Submission").click()
    card = desktop.one(".dlcard", "the softmax runs over the batch")
    desktop.show(card)
    desktop.shot("formgrader-card")
    box = desktop.one("#written-saturation-comment")
    desktop.show(box)
    box.send_keys(COMMENT)
    points = desktop.driver.find_element(By.ID, "written-saturation")
    points.send_keys("1.5\t")
    desktop.wait(lambda d: points.get_property("value") == "1.5", "the points to be saved")
    desktop.show(box)
    desktop.shot("formgrader-comment-desktop")
    desktop.driver.refresh()
    again = desktop.one("#written-saturation-comment")
    desktop.wait(
        lambda d: again.get_property("value") == COMMENT,
        "the comment, after the page was loaded anew",
    )


def test_the_feedback_page_has_the_card_and_the_comment(desktop, server, course):
    address, _ = server
    desktop.open(f"{address}/formgrader/manage_submissions/{TOPIC.id}")
    desktop.one("#main-table tr", "grace").find_element(
        By.CSS_SELECTOR, ".generate-feedback a"
    ).click()
    desktop.one(".modal", "Successfully generated feedback")
    page = course.root / "feedback" / "grace" / TOPIC.id / f"{TOPIC.name}.html"
    desktop.open(page.as_uri())
    desktop.show(desktop.one(".dlcard", "the softmax runs over the batch"))
    desktop.shot("feedback-card")
    assert COMMENT in desktop.driver.find_element(By.TAG_NAME, "body").text


def test_formgrader_on_a_phone(chromium, server):
    """For a look at the pictures: nothing is promised here, and nothing breaks."""
    phone, (address, token) = chromium(390, 844), server
    phone.open(f"{address}/lab?token={token}")
    phone.open(f"{address}/formgrader/manage_submissions/{TOPIC.id}")
    phone.show(phone.one("#main-table tr", "grace"))
    phone.shot("formgrader-submissions-phone")
    phone.open(f"{address}/formgrader/gradebook/{TOPIC.id}/{TOPIC.name}")
    phone.one("#main-table tr a", "Submission").click()
    phone.show(phone.one("#written-saturation-comment"))
    phone.shot("formgrader-comment-phone")


def test_formgrader_has_no_error_and_asks_nobody_but_for_mathjax(desktop):
    """nbgrader's own page draws formulas with it, from a server of others; without it they
    stay TeX
    """
    assert [url for url in desktop.abroad if "mathjax" not in url.lower()] == []
    assert [error for error in desktop.errors if "mathjax" not in error.lower()] == []
