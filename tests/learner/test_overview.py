"""The map of a learner's progress: which lessons it has, what it says of each, and that it is a
harmless page.
"""

import re
import shutil
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from notebooks import COURSE, ROOT

import autograder
from autograder.learner import lessons
from autograder.learner.overview import Lesson, overview
from autograder.learner.progress import Progress, Standing
from autograder.model.errors import UserError
from autograder.render import chart, progress_page
from autograder.render.view import STATUS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LESSONS = [
    Lesson("01-a", "First", {"x": 2.0, "y": 1.0, "extra": 0.0}, Path("/work/01-a/a.ipynb")),
    Lesson("02-b", "Second", {"z": 3.0}, None),
]


def standing(status, score, most=2.0, best=None, at=NOON):
    return Standing(status, score, most, score if best is None else best, at)


def drawn(progress, lessons=LESSONS, now=NOON):
    return chart.render(overview(lessons, Progress(progress)), now, Path("/work"))


# --- which lessons ---


def ids(folder):
    found, troubles = lessons.lessons(folder)
    assert not troubles
    return [lesson.id for lesson in found]


def test_a_course_has_the_lessons_of_its_course_yaml_from_any_folder_in_it():
    assert ids(ROOT) == ids(ROOT / "release" / "01-neurons") == COURSE.topic_ids
    lesson = lessons.lessons(ROOT)[0][0]
    assert lesson.exercises == {
        name: e.points for name, e in COURSE.entry(lesson.id).exercises.items()
    }
    assert lesson.notebook == COURSE.release(lesson.id) / "neurons.ipynb"


@pytest.fixture
def released(tmp_path):
    """Two lessons as a learner has them, with no course around."""
    for topic in ("02-backprop", "01-neurons"):
        shutil.copytree(COURSE.release(topic), tmp_path / "release" / topic)
    return tmp_path


@pytest.mark.parametrize("where", [".", "release", "release/01-neurons"])
def test_without_a_course_the_released_folders_are_found(released, where):
    assert ids(released / where) == ["01-neurons", "02-backprop"]


def test_a_released_lesson_is_the_same_as_the_courses_own(released):
    own = {lesson.id: lesson for lesson in lessons.lessons(ROOT)[0]}
    for lesson in lessons.lessons(released)[0]:
        assert lesson.exercises == own[lesson.id].exercises
        assert lesson.title == own[lesson.id].title


def test_without_the_instructors_packages_the_released_folders_are_found(released, monkeypatch):
    (released / "course.yaml").write_text("which nobody can read here")
    monkeypatch.delattr(autograder.course, "course_file", raising=False)
    monkeypatch.setitem(sys.modules, "autograder.course.course_file", None)
    assert ids(released) == ["01-neurons", "02-backprop"]


def test_a_damaged_lesson_is_told_of_and_the_others_are_there(released):
    (released / "release" / "01-neurons" / "answers.npz").write_bytes(b"PK")
    found, troubles = lessons.lessons(released)
    assert [lesson.id for lesson in found] == ["02-backprop"]
    assert len(troubles) == 1
    assert "is damaged" in troubles[0]


def test_a_folder_that_is_none_is_a_users_error(tmp_path):
    with pytest.raises(UserError, match="not a folder"):
        lessons.lessons(tmp_path / "nowhere")


# --- what it says ---


def test_each_exercise_has_its_state_points_and_the_time_of_its_last_check():
    lines = drawn(
        {"01-a": {"x": standing("passed", 2.0), "y": standing("partial", 0.5, 1.0)}}
    ).splitlines()
    assert lines[0].split() == ["█████████████░░░", "2.5", "/", "3", "01-a", "First"]
    assert lines[1].split()[:5] == ["✓", "x", "2", "/", "2"]
    assert lines[2].split()[:5] == ["◐", "y", "0.5", "/", "1"]
    assert "today" in lines[1]
    assert lines[3].split() == ["○", "extra", "+0"]


def test_a_lesson_that_is_not_begun_names_its_exercises():
    assert "○ x  ○ y  ○ extra" in drawn({})


def test_a_stub_that_was_checked_is_not_begun():
    assert "○ x  ○ y  ○ extra" in drawn({"01-a": {"x": standing("not_attempted", 0.0)}})


def test_a_failure_is_an_attempt_and_a_better_day_is_remembered():
    assert re.search(
        r"◐ x +0 / 2 +today \S+ +was 2", drawn({"01-a": {"x": standing("failed", 0.0, best=2.0)}})
    )


def test_a_check_that_was_stopped_says_so():
    assert "stopped: out of time" in drawn({"01-a": {"x": standing("timeout", 0.0)}})


def test_a_bonus_counts_on_top_but_no_lesson_makes_up_for_another():
    everything = {
        "x": standing("passed", 2.0),
        "y": standing("passed", 1.0, 1.0),
        "extra": standing("passed", 4.0, 0.0),
    }
    plan = overview(LESSONS, Progress({"01-a": everything}))
    assert plan.parts[0].share == 1.0
    assert plan.share == 0.5
    assert re.search(r"✓ extra +\+4", chart.render(plan, NOON, Path("/work")))


def test_a_bar_is_full_only_when_all_is_done():
    assert (
        drawn({"01-a": {"x": standing("partial", 1.99), "y": standing("passed", 1.0, 1.0)}}).count(
            "█"
        )
        == 15
    )


def test_what_was_checked_elsewhere_is_shown_too():
    assert re.search(r"09-other\n  ✓ q +2 / 2", drawn({"09-other": {"q": standing("passed", 2.0)}}))


@pytest.mark.parametrize(
    ("progress", "then"),
    [
        ({}, "Next: x in 01-a"),
        ({"01-a": {"x": standing("passed", 2.0)}}, "Next: y in 01-a"),
        ({"02-b": {"z": standing("failed", 0.0, 3.0)}}, "Next: z in 02-b"),
        ({"02-b": {"z": standing("passed", 3.0, 3.0)}}, "Next: x in 01-a"),
        (
            {
                "01-a": {"x": standing("failed", 0.0, at=NOON - timedelta(1))},
                "02-b": {"z": standing("failed", 0.0, 3.0)},
            },
            "Next: z in 02-b",
        ),
        (
            {
                "01-a": {"x": standing("passed", 2.0), "y": standing("passed", 1.0, 1.0)},
                "02-b": {"z": standing("passed", 3.0, 3.0)},
            },
            "Everything is done.",
        ),
    ],
)
def test_what_comes_next_goes_on_where_one_was(progress, then):
    assert then in drawn(progress).splitlines()


def test_the_way_to_go_on_can_be_copied_from_the_screen():
    lessons = [Lesson("01-a", "First", {"x": 2.0}, Path("/work/my course/a.ipynb"))]
    lines = drawn({"01-a": {"x": standing("failed", 0.0)}}, lessons).splitlines()
    assert lines[-2:] == [
        "    jupyter lab 'my course/a.ipynb'",
        "    autograder hint 'my course/a.ipynb' x",
    ]


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(minutes=1), r"today \d+:\d\d"),
        (timedelta(days=1), r"yesterday \d+:\d\d"),
        (timedelta(days=40), r"1[123] Oct 2026"),
    ],
)
def test_times_are_told_as_one_says_them(ago, words):
    now = datetime(2026, 11, 21, 12).astimezone()
    assert re.fullmatch(words, chart.when(now - ago, now))


# --- a page ---


class Reader(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add((tag, *(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text += data


states = st.sampled_from(list(STATUS))
standings = st.builds(Standing, states, *[st.floats(0, 9)] * 3, st.just(NOON))
BEGUN = {"01-a": {"x": standing("passed", 2.0)}, "t": {"e": standing("partial", 1.0, best=2.0)}}
ALLOWED = Reader(progress_page.render(overview([*LESSONS], Progress(BEGUN)), NOON)).tags


@given(
    st.dictionaries(
        st.text(), st.dictionaries(st.text(), standings, min_size=1, max_size=2), max_size=2
    )
)
@example(
    {
        "</section><script>alert(1)</script>": {
            "<img src=x onerror=alert(1)>": standing("partial", 1.0)
        }
    }
)
@example({"{{ 7 * 7 }}": {"\x1b[2J": standing("partial", 1.0)}})
def test_no_name_adds_a_tag_to_the_page_or_moves_the_cursor(progress):
    plan = overview(LESSONS, Progress(progress))
    assert Reader(progress_page.render(plan, NOON)).tags <= ALLOWED
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", chart.render(plan, NOON, Path("/work")))


def test_the_page_needs_nothing_and_allows_nothing():
    page = progress_page.render(overview(LESSONS, Progress(BEGUN)), NOON)
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|<img|https?:|url\(|@import", page)


def test_the_page_says_what_the_terminal_says():
    text = " ".join(
        Reader(progress_page.render(overview(LESSONS, Progress(BEGUN)), NOON)).text.split()
    )
    assert "1 of 5 exercises in full" in text
    assert "Next: y in 01-a" in text
    assert "21 Nov 2026" in text
    assert "was 2" in text
