"""The page that nbgrader's own generate_feedback writes: whole, offline, with all that the
gradebook knows.
"""

import re
import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from classes import graded, hand_in, released
from nbgrader.api import Gradebook
from notebooks import TOPIC, cell, solved
from test_page import Reader

from autograder.course.solve import code_cell
from autograder.nbgrader import api, feedback, markdown
from autograder.nbgrader.feedback import REPORT

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
WRITTEN = "The slope has the factor $s(1 - s)$:\n\n$$\\frac{\\partial L}{\\partial z} = 2(s - y)s(1 - s)$$"
COMMENT = "Well seen. And what is $s - y$ **there**? <script>attack()</script>"
DUE = datetime(2026, 11, 21, 12)


def ada():
    notebook = solved(
        softmax="def softmax(z):\n    return np.ones((2, 2))", mlp_forward="mlp_forward = None"
    )
    cell(notebook, "written-saturation")["source"] = WRITTEN
    notebook["cells"].insert(9, code_cell("own", "# tried <b>this</b>"))
    notebook["cells"][9]["metadata"] = {}
    return notebook


def eve():
    notebook = solved()
    cell(notebook, "written-saturation")["source"] = WRITTEN
    return notebook


@pytest.fixture(scope="module")
def course():
    """A class of its own: ada, who is late and has a comment, eve, who has only just handed in, and
    bob's ruin.
    """
    course = released()
    for student, notebook in (("ada-f", ada()), ("eve-f", eve()), ("bob-f", None)):
        folder = hand_in(course, student, notebook)
        late = timedelta(hours=2, minutes=5) if student == "ada-f" else timedelta(0)
        (folder / "timestamp.txt").write_text(f"{DUE + late} UTC\n")
    (course.root / "submitted" / "bob-f" / TOPIC.id / "neurons.ipynb").write_text("{")
    graded(course, "ada-f", "eve-f", "bob-f")
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.update_or_create_student("ada-f", first_name="Ada", last_name="<b>Lovelace")
        gradebook.find_assignment(TOPIC.id).duedate = DUE
        where = ("written-saturation", "neurons", TOPIC.id, "ada-f")
        gradebook.find_grade(*where).manual_score = 1.5
        gradebook.find_comment(*where).manual_comment = COMMENT
        gradebook.find_grade("check-softmax", "neurons", TOPIC.id, "ada-f").manual_score = 1.0
        gradebook.find_comment(
            "answer-relu", "neurons", TOPIC.id, "bob-f"
        ).manual_comment = "send it again"
        gradebook.db.commit()
    return course


def generated(course, student):
    with api.opened(course) as nbgrader:
        done = nbgrader.generate_feedback(TOPIC.id, student, force=True)
    page = course.root / "feedback" / student / TOPIC.id / "neurons.html"
    return page.read_text(encoding="utf-8") if done["success"] else done["log"] + done["error"]


@pytest.fixture(scope="module")
def page(course):
    return generated(course, "ada-f")


def test_the_page_loads_nothing_and_runs_nothing(page):
    read = Reader(page)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & {
        tag for tag, _ in read.tags
    }
    assert not [a for _, a in read.tags if set(a) & {"src", "srcset", "data", "action", "style"}]
    assert not re.search(r"url\(|@import", page)
    assert "&lt;script&gt;attack()" in page


def test_the_top_says_whose_it_is_how_many_points_and_how_late(page):
    top = Reader(page).text.partition("Exercises")[0]
    assert "01-neurons · Neurons" in top
    assert "Ada <b>Lovelace (ada-f)" in top
    assert re.search(r"Score\s*15\.5 / 24 points", top)
    assert "2026-11-21 14:05 UTC, 2 h 5 min late" in top


def test_the_contents_lead_to_every_card_and_written_answer(page):
    read = Reader(page)
    leads = [a["href"][1:] for a in read.all("a") if a["href"].startswith("#exercise")]
    assert len(leads) == len(TOPIC.exercises) + 2
    names = [a["id"] for _, a in read.tags if "id" in a]
    assert set(leads) <= set(names)
    assert len(names) == len(set(names))
    contents = page.partition("<nav")[2].partition("</nav>")[0]
    assert re.search(
        r"softmax</a>\s*<span class=\"state\">[a-z ]+; set by hand</span>\s*<span[^>]*>1 / 2 points",
        contents,
    )
    assert re.search(
        r"saturation</a>\s*<span class=\"state\">graded by hand, see the comment<", contents
    )
    assert re.search(r"linear_limits</a>\s*<span class=\"state\">no answer<", contents)


def test_each_check_cell_shows_its_card_once(page):
    for exercise in TOPIC.exercises:
        assert len(re.findall(rf'class="name">{exercise.id}<', page)) == 1
    assert "Your instructor has set this to 1 / 2 points." in page
    assert "<svg" in page


def test_a_comment_stands_at_its_answer_with_its_formula(page):
    answer = page.partition("is nearly")[2] or page
    comment = answer[answer.index("Well seen") :]
    assert "<math" in comment[:200]
    assert "<strong>there</strong>" in comment[:400]


def test_formulas_are_drawn(page):
    assert page.count("<math") > 100
    assert "<mfrac>" in page


def test_headings_are_in_order(page):
    levels = [int(tag[1]) for tag, _ in Reader(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_code_of_the_students_own_is_marked_and_escaped(page):
    own = page[page.index("A cell of your own") :]
    assert "# tried &lt;b&gt;this&lt;/b&gt;" in own


def test_what_waits_for_a_human_says_so(course):
    page = generated(course, "eve-f")
    assert "waits to be read" in page
    assert "– / 2 points" in page
    assert ", on time" in page


def test_an_unreadable_submission_says_why_and_keeps_the_comment(course):
    page = generated(course, "bob-f")
    assert "is damaged" in page
    assert "send it again" in page
    assert "0 / 24 points" in page


def test_a_text_that_takes_hours_to_read_is_shown_as_written_and_the_next_page_is_made(
    course, monkeypatch
):
    """Blank lines of which the highlighter of code tries each with each."""
    slow = solved()
    slow["cells"].insert(9, code_cell("own", "x = 1\n" + "\n " * 30_000 + "# the end"))
    slow["cells"][9]["metadata"] = {}
    hand_in(course, "mal-f", slow)
    graded(course, "mal-f")
    monkeypatch.setattr(feedback, "_CPU", 3.0)
    page = generated(course, "mal-f")
    assert "# the end</pre>" in page
    assert "20 / 24 points" in page
    assert "<h2" in page  # the lesson's own text is formatted all the same
    assert "waits to be read" in generated(course, "eve-f")


@pytest.mark.parametrize("text", [r"\begin{a}" * 60_000, "[" * 90_000, "a|b\n-|-\n" * 40_000])
def test_a_text_far_too_long_is_shown_as_written_at_once(text):
    started = time.process_time()
    assert markdown.render(text) == f"<pre>{text}</pre>"
    assert time.process_time() - started < 2


def test_a_picture_in_the_text_does_not_make_it_too_long():
    picture = f"![a plot](data:image/png;base64,{'A' * 100_000})"
    assert "<img" in markdown.render(f"See:\n\n{picture}")


def test_a_lost_report_is_one_line_that_says_what_to_run(course):
    path = course.root / "autograded" / "eve-f" / TOPIC.id / REPORT
    path.unlink()
    said = generated(course, "eve-f")
    assert "grade once more: autograder grade 01-neurons --student eve-f" in said
