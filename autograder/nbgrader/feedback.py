"""The page that `nbgrader generate_feedback` writes: the notebook with cards, grades and comments.

nbgrader's template loads scripts from the network and escapes nothing. This one escapes every text
or cleans it as markdown, contains no script and loads nothing.
"""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from nbconvert.exporters import Exporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import GetGrades
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import Python3Lexer

from autograder.course import course_file
from autograder.grading.disposable import Disposable, Gone
from autograder.model import opened
from autograder.model.errors import UserError
from autograder.model.report import Report
from autograder.model.report_file import MAX_BYTES
from autograder.nbgrader.markdown import Outline, render
from autograder.nbgrader.outputs import REPORT
from autograder.render import cards, page, view
from autograder.render.page import Page, Section

_CPU = 30.0  # seconds to draw one page: fifty times what a long one takes
NO_RESPONSE = "No response."  # nbgrader's comment on an untouched answer


class Grades(GetGrades):  # type: ignore[misc]
    """nbgrader's scores and comments of each cell, the submission time, and what is still ungraded."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        nb, resources = super().preprocess(nb, resources)
        names = resources["nbgrader"]
        with Gradebook(names["db_url"]) as gradebook:
            submission = gradebook.find_submission(names["assignment"], names["student"])
            person = submission.student
            names["full_name"] = " ".join(filter(None, (person.first_name, person.last_name)))
            names["handed_in"], names["due"] = submission.timestamp, submission.duedate
            names["seconds_late"] = submission.total_seconds_late
            (notebook,) = (n for n in submission.notebooks if n.name == names["notebook"])
            names["unread"] = {
                g.name for g in notebook.grades if g.needs_manual_grade and g.manual_score is None
            }
        return nb, resources


class FeedbackExporter(Exporter):
    """Turns a graded notebook into a page."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **options: Any) -> Any:
        nb, resources = super().from_notebook_node(nb, resources, **options)
        names = resources["nbgrader"]
        course = course_file.find(Path.cwd())
        title = f"{names['assignment']} · {course.entry(names['assignment']).title}"
        report = _report(Path(resources["metadata"]["path"]) / REPORT, names)
        try:
            drawn = _drawer().call(draw, title, report, names, nb, cpu=_CPU, wall=10 * _CPU)
        except Gone:  # a text of the student's that takes hours to read, or all memory
            drawn = draw(title, report, names, nb, as_written=True)
        return drawn, resources


@cache
def _drawer() -> Disposable:
    """The process in which pages are drawn: it stays for the next one."""
    return Disposable()


def draw(title: str, report: Report, names: Any, nb: Any, as_written: bool = False) -> str:
    """The page of a graded notebook. `as_written`: the student's texts and code are not formatted."""
    return page.render(_Writer(report, names, as_written).page(title, nb))


class _Writer:
    """Writes the page of one notebook, cell by cell."""

    def __init__(self, report: Report, names: Any, as_written: bool) -> None:
        self._report, self._names, self._as_written = report, names, as_written
        self._exercises = {f"check-{e.id}": e for e in report.exercises}
        self._outline = Outline()
        self._sections: list[Section] = []
        self._body: list[Markup] = []

    def page(self, title: str, nb: Any) -> Page:
        if self._report.status == "graded":
            self._body = [self._cell(cell) for cell in nb.cells]
        else:  # the notebook is the stub, without any answer
            comments = [
                str(cell.metadata.get("nbgrader", {}).get("comment") or "") for cell in nb.cells
            ]
            told = [
                self._answer(Markup(""), "", "", c) for c in comments if c not in ("", NO_RESPONSE)
            ]
            self._body = [Markup(cards.notice(self._report)), *told]
        student = view.plain(self._names["student"])
        return Page(title, student, _facts(self._names), self._sections, self._body)

    def _cell(self, cell: Any) -> Markup:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("grade") and not marks.get("solution"):
            return self._check(marks)
        content = self._content(cell, marks)
        if marks.get("grade"):
            return self._written(marks, content)
        if marks.get("solution"):
            return self._answer(content, "", "Your answer", marks.get("comment"))
        if cell.cell_type == "code" and "demo" in cell.metadata.get("tags", []):
            return Markup(
                cards.render(
                    "folded.html", label="A cell to look at, not run for grading", content=content
                )
            )
        own = cell.cell_type == "code" and not marks
        return self._answer(content, "", "A cell of your own", None) if own else content

    def _check(self, marks: Any) -> Markup:
        exercise, anchor = self._exercises.get(marks["grade_id"]), page.anchor(len(self._sections))
        if exercise is None:  # the course added it later
            raise UserError(f"the report has no {marks['grade_id']}; {_again(self._names)}")
        section, note = page.section(exercise, anchor), ""
        if exercise.max_score and abs(marks["score"] - exercise.score) > 0.005:
            points = _points(marks)
            note = f"Your instructor has set this to {points}."
            section = Section(
                anchor, section.name, section.kind, f"{section.state}; set by hand", points
            )
        self._sections.append(section)
        return page.card(exercise, anchor, min(self._outline.level + 1, 6), note)

    def _written(self, marks: Any, content: Markup) -> Markup:
        name, anchor = marks["grade_id"], page.anchor(len(self._sections))
        waits = name in self._names["unread"]
        kind = (
            "open"
            if waits or not marks["score"]
            else "good"
            if marks["score"] >= marks["points"]
            else "bad"
        )
        state = "waits to be read" if waits else "graded by hand"
        if marks.get("comment"):
            state = "no answer" if marks["comment"] == NO_RESPONSE else f"{state}, see the comment"
        points = f"– / {view.points(marks['points'])} points" if waits else _points(marks)
        self._sections.append(Section(anchor, name.replace("-", ": ", 1), kind, state, points))
        return self._answer(
            content, anchor, f"Your answer · {points} · {state}", marks.get("comment")
        )

    def _answer(self, content: Markup, anchor: str, label: str, comment: str | None) -> Markup:
        told = Markup(render(comment, None, Outline(self._outline.level))) if comment else ""
        return Markup(
            cards.render("answer.html", content=content, anchor=anchor, label=label, comment=told)
        )

    def _content(self, cell: Any, marks: Any) -> Markup:
        ours = marks.get("locked") and not marks.get("solution")
        if self._as_written and not ours:
            return Markup(f"<pre>{escape(cell.source)}</pre>")
        if cell.cell_type == "code":
            return _code(cell.source)
        return Markup(render(cell.source, cell.get("attachments", {}), self._outline))


def _report(path: Path, names: Any) -> Report:
    try:
        with opened.folder(path.parent) as folder:
            content = opened.read_regular(folder, path.name, MAX_BYTES)
        return Report.from_json(content.decode("utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{path} is missing or damaged; {_again(names)}") from None


def _again(names: Any) -> str:
    return f"grade once more: autograder grade {names['assignment']} --student {names['student']}"


def _facts(names: Any) -> list[tuple[str, str]]:
    full, student = view.plain(names["full_name"]), view.plain(names["student"])
    facts = [("Student", f"{full} ({student})" if full else student)]
    facts.append(
        ("Score", f"{view.points(names['score'])} / {view.points(names['max_score'])} points")
    )
    if names["late_penalty"]:
        facts.append(("Taken off for being late", f"{view.points(names['late_penalty'])} points"))
    if names["unread"]:
        facts.append(("Still to be read", f"{len(names['unread'])} written"))
    if names["handed_in"]:
        facts.append(
            ("Handed in", f"{_time(names['handed_in'])}, {_late(names)}".removesuffix(", "))
        )
    return facts


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _late(names: Any) -> str:
    """`on time`, `2 h 5 min late`, or nothing without a due date."""
    if names["due"] is None:
        return ""
    minutes = -int(-names["seconds_late"] // 60)
    if minutes <= 0:
        return "on time"
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n]
    return f"{' '.join(parts[:2])} late"


def _points(marks: Any) -> str:
    return f"{view.points(marks['score'])} / {view.points(marks['points'])} points"


def _code(source: str) -> Markup:
    coloured = highlight(source, Python3Lexer(stripnl=False), HtmlFormatter(nowrap=True))
    return Markup("<pre><code>{}</code></pre>").format(Markup(coloured))
