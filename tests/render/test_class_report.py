"""The class report: its numbers are right, its words are only words, and nothing that it reads can
stop it.
"""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rolls import POINTS, check, entry, exercise, graded, report, roll
from test_cards import CONTROL, HOSTILE

from autograder.grading.faults import Faults
from autograder.model.class_list import GradebookGrade, StudentEntry
from autograder.model.report_file import NoReport, read_report
from autograder.render import class_figures, class_page, class_sheet, spreadsheet

MADE = datetime(2026, 11, 21, 12, tzinfo=UTC)


# --- numbers ---


def test_every_student_is_counted_in_one_state():
    unread = entry("b", replace(report("b", 0, 0), status="unreadable", reason="empty"))
    students = [graded("a"), unread, entry("c", fault="no memory"), entry("d"), StudentEntry("e")]
    assert class_figures.counts(roll(*students)) == {
        "graded": 1,
        "unreadable": 1,
        "grader_error": 1,
        "not_graded": 1,
        "nothing": 1,
    }
    assert class_figures.handed_in(roll(*students)) == 4


def test_a_fault_of_ours_outweighs_the_verdict_before_it():
    again = replace(graded("a"), fault="the answers are gone")
    assert again.state == "grader_error"
    assert roll(again).graded == []


def test_who_attempted_nothing_is_told_from_who_failed():
    blank = exercise("softmax", 0, "not_attempted"), exercise("relu", 0, "not_attempted")
    assert class_figures.untouched(roll(graded("a", *blank), graded("b", 0, 0), graded("c"))) == [
        "a"
    ]


def test_scores_are_counted_in_tenths_and_full_marks_are_in_the_last():
    found = class_figures.scores(
        roll(graded("a"), graded("b", 0, 0), graded("c", 0.25, 0), graded("d", 1, 0))
    )
    assert [b.count for b in found.bins] == [1, 1, 0, 0, 1, 0, 0, 0, 0, 1]
    assert (found.lowest, found.median, found.highest) == (0, 1.25, 5)
    assert found.mean == pytest.approx(7.5 / 4)


def test_a_bonus_above_full_marks_is_in_the_last_bar():
    above = entry("a", report("a", score=7.0))
    assert class_figures.scores(roll(above)).bins[-1].count == 1


def test_no_score_no_distribution():
    assert class_figures.scores(roll(StudentEntry("a"))) is None


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_every_score_is_in_one_bar(shares):
    found = class_figures.scores(roll(*(graded(str(i), *pair) for i, pair in enumerate(shares))))
    assert sum(b.count for b in found.bins) == len(shares)


def test_the_hardest_exercise_and_its_hardest_check_come_first():
    two = [check("rows", True), check("extremes", False)]
    half = exercise("relu", 0.5, "partial", two)
    hardest, easiest = class_figures.attempts(roll(graded("a", relu=half), graded("b", relu=half)))
    assert (hardest.id, easiest.id) == ("relu", "softmax")
    assert [(r.title, r.passed, r.tried) for r in hardest.rates] == [
        ("extremes", 0, 2),
        ("rows", 2, 2),
    ]
    assert (hardest.mean, hardest.statuses) == (0.5, {"partial": 2})


def test_a_check_is_passed_only_if_all_its_cases_are_and_only_who_tried_counts():
    cases = exercise("softmax", 0.5, "partial", [check("rows", True), check("rows", False)])
    none = exercise("softmax", 0, "not_attempted", [check("rows", False)])
    found = class_figures.attempts(
        roll(graded("a", cases), graded("b", none), graded("c", exercise("softmax", 1)))
    )
    softmax = next(a for a in found if a.id == "softmax")
    assert {r.title: (r.passed, r.tried) for r in softmax.rates} == {
        "rows": (0, 1),
        "softmax is right": (1, 1),
    }
    assert softmax.not_attempted == 1


def test_misconceptions_are_ranked_by_students_and_count_each_student_once():
    twice = exercise(
        "softmax",
        0,
        checks=[check("a", False, "wrong axis", "which?"), check("b", False, "wrong axis")],
    )
    once = exercise("relu", 0, checks=[check("c", False, "a leak", "below 0?")])
    found = class_figures.misconceptions(
        roll(graded("ada", twice, once), graded("bob", twice), graded("cy"))
    )
    assert [(m.title, m.exercise, list(m.students)) for m in found] == [
        ("wrong axis", "softmax", ["ada", "bob"]),
        ("a leak", "relu", ["ada"]),
    ]


def test_who_took_far_longer_is_named_and_a_slow_class_is_not():
    assert class_figures.slow(roll(*(graded(str(i), seconds=1 + i / 10) for i in range(9)))) == []
    assert class_figures.slow(
        roll(*(graded(str(i)) for i in range(9)), graded("z", seconds=9))
    ) == [("z", 9)]
    assert (
        class_figures.slow(
            roll(graded("a", seconds=0.01), graded("b", seconds=0.01), graded("c", seconds=0.5))
        )
        == []
    )


STOPPED = exercise("softmax", 0, "timeout")
CONCERNS = {
    "unreadable": (
        entry("x", report("x", status="unreadable", reason="it is empty")),
        "it is empty",
    ),
    "our fault": (
        entry("x", report("x"), fault="a full disk"),
        "grader error, our fault: a full disk",
    ),
    "not graded": (
        entry("x", trouble="there is no report.json"),
        "not graded: there is no report.json",
    ),
    "submitted again": (entry("x", report("x"), outdated=True), "submitted again"),
    "a timeout": (graded("x", STOPPED), "softmax stopped: out of time"),
    "a crash": (
        graded("x", exercise("softmax", 0, "crashed")),
        "softmax stopped: the process ended",
    ),
    "another version": (
        entry("x", replace(report("x"), exercises=[])),
        "another version of the topic",
    ),
    "fewer points": (
        entry("x", report("x"), grade=GradebookGrade(1.0, 5.0, True)),
        "fewer points than the report",
    ),
}


@pytest.mark.parametrize(("student", "why"), CONCERNS.values(), ids=CONCERNS)
def test_who_needs_a_human_is_named_with_the_reason(student, why):
    (concern,) = class_figures.concerns(roll(graded("fine"), student))
    assert concern.student == "x"
    assert why in "; ".join(concern.reasons)
    assert why in Reader(class_page.render(roll(student), MADE)).text


def test_a_report_without_a_grade_is_noticed_where_there_is_a_gradebook():
    half = replace(graded("a"), grade=None)
    (concern,) = class_figures.concerns(roll(half, graded("b"), points_possible=5.0))
    assert (concern.student, "not in the gradebook" in concern.reasons[0]) == ("a", True)
    assert class_figures.concerns(roll(half)) == []


def test_points_by_hand_and_a_late_penalty_are_no_concern():
    by_hand = entry("a", report("a"), grade=GradebookGrade(7.0, 9.0, True))
    late = entry("b", report("b"), grade=GradebookGrade(4.0, 5.0, True, penalty=1.0))
    assert class_figures.concerns(roll(by_hand, late)) == []


def test_written_answers_that_wait_are_counted_by_question():
    a, b = (
        entry(s, report(s), grade=GradebookGrade(5.0, 9.0, False, w))
        for s, w in (("a", ["why"]), ("b", ["why", "how"]))
    )
    assert class_figures.waiting(roll(a, b)) == {"why": 2, "how": 1}


def test_the_latest_comes_first_and_without_due_dates_nobody_is_late():
    a, b = (replace(graded(s), seconds_late=t) for s, t in (("a", 60.0), ("b", 7200.0)))
    assert [
        e.student for e in class_figures.late(roll(a, b, replace(graded("c"), seconds_late=0.0)))
    ] == ["b", "a"]
    assert not class_figures.has_due_date(roll(graded("a")))
    assert "neither course.yaml nor the gradebook has a due date" in class_page.render(
        roll(graded("a")), MADE
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 day"),
        (3 * 86400 + 4 * 3600, "3 days 4 h"),
    ],
)
def test_a_duration_is_as_coarse_as_its_reader_needs_it(seconds, words):
    assert class_figures.duration(seconds) == words


# --- the page ---


class Reader(HTMLParser):
    """The tags of a page, with their attributes' names, and its text."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.links = set(), "", []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add((tag, *(name for name, _ in attrs)))
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data")]

    def handle_comment(self, data):
        self.tags.add("comment")

    def handle_data(self, data):
        self.text += data


def full(text="plain"):
    """A roll with this text wherever a stranger's can be."""
    misconception = exercise(
        "softmax", 0.5, "partial", [check(text, False, text, text), check("fine", True)]
    )
    unread = replace(report(text, 0, 0), status="unreadable", reason=text)
    entries = [
        replace(
            graded(text, misconception, STOPPED_RELU, seconds=99), name=text, seconds_late=90.0
        ),
        replace(graded("a"), outdated=True),
        graded("b"),
        replace(
            entry(text, unread),
            name=text,
            grade=GradebookGrade(1, 2, False, [text], 1.0),
            seconds_late=9.0,
        ),
        entry(text, fault=text),
        entry(text, trouble=text),
        StudentEntry(text, text),
    ]
    return roll(*entries, notes=[text])


STOPPED_RELU = exercise("relu", 0, "timeout")
ALLOWED = Reader(class_page.render(full(), MADE)).tags


@given(st.text(min_size=1))
@example(HOSTILE[0])
@example(HOSTILE[1])
@example(HOSTILE[2])
@example(HOSTILE[4])
@example(HOSTILE[5])
def test_no_text_adds_a_tag_to_the_page(text):
    assert Reader(class_page.render(full(text), MADE)).tags <= ALLOWED


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_is_shown_as_it_was_written(text):
    assert Reader(class_page.render(full(text), MADE)).text.count(text) >= 8


@pytest.mark.parametrize("text", [*CONTROL, "\u202eevil", "\u200bhidden", "\ud800"])
def test_no_text_hides_or_turns_other_text(text):
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800]",
        class_page.render(full(text), MADE),
    )


def test_the_page_needs_no_script_and_no_other_file():
    source = class_page.render(full(), MADE)
    assert Reader(source).links == []
    assert "<script" not in source
    assert "url(" not in source
    assert "default-src 'none'" in source


def test_the_histogram_says_the_same_in_words():
    source = class_page.render(roll(graded("a"), graded("b"), graded("c", 0, 0)), MADE)
    found = [
        re.findall(r">([^<]+)</td>", row)
        for row in source.partition("as a table")[2].split("<tr>")[2:12]
    ]
    assert found[0] == ["0", "0.5", "1"]
    assert found[-1] == ["4.5", "5 or more", "2"]


def test_an_empty_class_has_a_page():
    assert "Nothing is graded yet. Run: autograder grade 01-neurons" in class_page.render(
        roll(StudentEntry("a")), MADE
    )


def test_bars_are_in_proportion_and_none_that_counts_is_invisible():
    bins = [
        class_figures.Bin(0, 1, 1000),
        class_figures.Bin(1, 2, 1),
        class_figures.Bin(2, 3, 0),
        class_figures.Bin(3, 4, 500),
    ]
    assert [bar.height for bar in class_page.histogram(bins)] == [150, 2, 0, 75]


# --- the table ---


def rows(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_table_has_a_row_for_each_student_and_a_column_for_each_exercise():
    header, ada, nobody = rows(
        class_sheet.render(roll(graded("ada", softmax=0.5), StudentEntry("nobody")))
    )
    found = dict(zip(header, ada))
    assert (found["points by machine"], found["softmax"], found["relu"], found["gradebook"]) == (
        "4",
        "1",
        "3",
        "4",
    )
    assert dict(zip(header, nobody))["points by machine"] == ""  # nothing is not 0
    assert set(POINTS) < set(header)


def test_the_table_begins_with_the_mark_by_which_excel_knows_utf_8():
    assert class_sheet.render(roll(graded("Müller"))).startswith(b"\xef\xbb\xbfstudent,")


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "=cmd|'/C calc'!A0",
    "a;=1+1",
    '"=1',
]
RUNS = re.compile(r"(^|;)\s*[=+\-@\t\r\n＝＋－＠]")


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(text):
    assert not RUNS.search(spreadsheet.cell(text))


@given(st.text())
@example("\x0b=1")
@example("\u2028=1")
def test_no_text_runs_or_breaks_the_table(text):
    ((header, value),) = rows(spreadsheet.table([["a", text]], bom=True))
    assert value == "-" or not RUNS.search(value)
    assert not re.search(r"[\x00-\x1f]", value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-1.5, "-1.5"),
        (20.0, "20"),
        (0, "0"),
        (1 / 3, "0.3333"),
        (None, ""),
        ("ada", "ada"),
        (1e7, "10000000"),
    ],
)
def test_numbers_stay_numbers_and_nothing_stays_empty(value, text):
    assert spreadsheet.cell(value) == text


@pytest.mark.parametrize("text", HOSTILE + FORMULAS)
def test_the_class_table_takes_hostile_text(text):
    found = rows(class_sheet.render(full(text)))
    assert len({len(row) for row in found}) == 1
    assert not [cell for row in found for cell in row if RUNS.search(cell)]


# --- reading ---


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report("ada").to_json(), encoding="utf-8")
    return path


def test_a_report_is_read_as_it_was_written(kept):
    assert read_report(kept, "01-neurons", "ada") == report("ada")


def spoilt(**changes):
    return json.dumps({**report("ada").to_dict(), **changes})


BROKEN = {
    "cut": (report("ada").to_json()[:200], "no report of this version"),
    "empty": ("", "no report of this version"),
    "a list": ("[]", "no report of this version"),
    "deep": ("[" * 100_000, "no report of this version"),
    "not UTF-8": (b"\xff\xfe{}", "no report of this version"),
    "of another schema": (spoilt(schema=2), "has schema 2"),
    "of another student": (spoilt(student="bob"), "is of bob"),
    "of another topic": (spoilt(topic="02-backprop"), "02-backprop"),
    "a text for a score": (spoilt(score="<b>20"), r"no report of this version \(score is"),
    "a status of its own": (spoilt(status="full marks"), r"no report of this version \(status is"),
    "endless points": (spoilt(score=float("inf")), r"no report of this version \(score is"),
    "no number": (spoilt(score=float("nan")), r"no report of this version \(score is"),
    "negative seconds": (spoilt(seconds=-1), r"no report of this version \(seconds is"),
    "a verdict without a score": (spoilt(score=None), "a verdict without a score"),
    "exercises that are none": (spoilt(exercises=[1]), r"exercises\.0"),
}


@pytest.mark.parametrize(("content", "why"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_report_is_told_from_one(kept, content, why):
    kept.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(NoReport, match=why):
        read_report(kept, "01-neurons", "ada")


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.dictionaries(st.text(), st.integers()).map(lambda d: json.dumps(d).encode())
)
def test_any_bytes_are_a_report_or_none(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with pytest.raises(NoReport):
        read_report(path, "01-neurons", "ada")


def test_what_is_no_plain_file_is_not_opened(tmp_path, kept):
    (tmp_path / "link").symlink_to(kept)
    for path in (tmp_path, tmp_path / "link", tmp_path / "nowhere"):
        with pytest.raises(NoReport):
            read_report(path, "01-neurons", "ada")


def test_a_grader_error_stands_until_grading_succeeds(tmp_path):
    faults, name = Faults(tmp_path / "faults"), "ä" * 120
    faults.note(report(name, status="grader_error", score=None, reason="no memory"))
    assert faults.of("01-neurons", name) == "no memory"
    assert faults.of("01-neurons", "ada") is None
    faults.note(report(name))
    assert faults.of("01-neurons", name) is None


def test_a_full_disk_stops_no_grading(tmp_path):
    (tmp_path / "faults").write_text("a file where the folder should be")
    Faults(tmp_path / "faults").note(report("ada", status="grader_error", score=None, reason="x"))
