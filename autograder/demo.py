"""`autograder demo`: a made-up class, most of it broken in some way, through nbgrader's own commands.

For each submission the right grade is known without grading it: by what was done to it, or, for a known
mistake, from a run of its functions in this process, past every notebook, worker and gradebook.
"""

import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from autograder import record, solve
from autograder.bank import Misconception
from autograder.course import FILE, Course, load
from autograder.errors import KitError
from autograder.grade import grade
from autograder.nbgrader import api
from autograder.releasing import copy_course
from autograder.run import grade_namespace
from autograder.topic import Topic

TOPIC = "01-neurons"
Notebook = dict[str, Any]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A made-up submission: its file's text, and the grade that is right for it."""

    kind: str
    text: str
    right: float


class Maker:
    """Makes each kind of submission from the reference solution of a course."""

    def __init__(self, course: Course) -> None:
        self.course, self.topic = course, course.topic(TOPIC)
        self.reference = (course.root / "solutions" / f"{self.topic.name}.py").read_text(encoding="utf-8")
        self.stub = course.assignment(TOPIC)
        self.full = self.topic.max_score

    def all(self) -> list[Made]:
        """The fourteen kinds."""
        wrong = [m for m in record.load_misconceptions(self.course, self.topic) if m.function in ("softmax", "gelu")]
        by_name = {m.name: m for m in wrong}
        return [
            self._made("reference", self.solved(), self.full),
            *(self._alternative(path) for path in record.alternatives(self.course, self.topic)[:3]),
            *(self._mistaken(by_name[name]) for name in ("softmax_over_the_batch", "gelu_by_tanh")),
            self._made(
                "half filled", self.half_filled(), self.points("linear_forward", "sigmoid", "relu", "gelu_swish")
            ),
            self._made("untouched stub", json.loads(self.stub.read_text(encoding="utf-8")), 0.0),
            self._made(
                "syntax error in a cell",
                self.broken("gelu_swish", "def gelu(z:\n    return z"),
                self.without("gelu_swish"),
            ),
            self._made(
                "exception at top level", self.with_cell("raise RuntimeError('left over from trying')"), self.full
            ),
            self._made("infinite loop", self.broken("perceptron_fit", _LOOP), self.without("perceptron_fit")),
            self._made("os._exit(0)", self.broken("mlp_forward", _EXIT), self.without("mlp_forward")),
            Made("truncated file", json.dumps(self.solved(), indent=1)[:30_000], 0.0),
            self._made("check cells deleted, doubled", self.rearranged(), self.full),
        ]

    def solved(self, source: str | None = None) -> Notebook:
        return solve.solve(self.stub, self.topic, source or self.reference, "the demo's solution")

    def points(self, *exercises: str) -> float:
        return sum(self.topic.exercise(name).points for name in exercises)

    def without(self, exercise: str) -> float:
        return self.full - self.points(exercise)

    def half_filled(self) -> Notebook:
        keep = [f for e in self.topic.exercises[:4] for f in e.functions]
        tree = ast.parse(self.reference)
        tree.body = [n for n in tree.body if not isinstance(n, ast.FunctionDef) or n.name in keep]
        return self.solved(ast.unparse(tree))

    def broken(self, exercise: str, source: str) -> Notebook:
        """The solved notebook with other code in one answer cell."""
        notebook = self.solved()
        _cell(notebook, f"answer-{exercise}")["source"] = source
        return notebook

    def with_cell(self, source: str) -> Notebook:
        notebook = self.solved()
        notebook["cells"].insert(8, solve.code_cell("own", source))
        return notebook

    def rearranged(self) -> Notebook:
        notebook = self.solved()
        cells, doubled = notebook["cells"], _cell(notebook, "check-softmax")
        cells.remove(_cell(notebook, "check-sigmoid"))
        cells.remove(_cell(notebook, "check-losses"))
        cells.insert(3, {**doubled, "id": "softmax-again"})
        return notebook

    def _made(self, kind: str, notebook: Notebook, right: float) -> Made:
        return Made(kind, json.dumps(notebook, indent=1, ensure_ascii=False), right)

    def _alternative(self, path: Path) -> Made:
        return self._made(f"alternative: {path.stem}", self.solved(path.read_text(encoding="utf-8")), self.full)

    def _mistaken(self, mistake: Misconception) -> Made:
        text = (self.course.root / "solutions" / "misconceptions" / f"{self.topic.name}.py").read_text(encoding="utf-8")
        wrong = next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == mistake.name)
        wrong.name, wrong.decorator_list = mistake.function, []
        tree = ast.parse(self.reference)
        tree.body = [wrong if isinstance(n, ast.FunctionDef) and n.name == mistake.function else n for n in tree.body]
        source = ast.unparse(tree)
        namespace: dict[str, Any] = {}
        exec(compile(source, mistake.name, "exec"), namespace)
        right = grade_namespace(record.secret_answers(self.course, self.topic), namespace).score
        return self._made(f"mistake: {mistake.name}", self.solved(source), right or 0.0)


_LOOP = "def perceptron_fit(X, y, max_epochs):\n    while True:\n        pass"
_EXIT = "def mlp_forward(x, params):\n    import os\n    os._exit(0)"


def run(course: Course, students: int, say: Say) -> bool:
    """The whole round for that many students; whether every grade in the gradebook is the right one."""
    work = Path(tempfile.mkdtemp(prefix="autograder-demo-"))
    copy_course(course, work / "course")
    copy = load(work / "course" / FILE)
    nbgrader = Nbgrader(copy, work / "exchange")
    say(f"a class of {students} in {work}")
    say("releasing: nbgrader generate_assignment, release_assignment")
    nbgrader.run("generate_assignment", TOPIC)
    nbgrader.run("release_assignment", TOPIC)
    maker = Maker(copy)
    kinds = list(islice(cycle(maker.all()), students))
    names = [f"student{i:02}" for i in range(1, students + 1)]
    say("fetching: nbgrader fetch_assignment, once, as all get the same")
    fetched = nbgrader.fetch(work / "fetched")
    say("handing in, each from a folder of their own: nbgrader submit")
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda name, made: nbgrader.hand_in(fetched, work / "homes" / name, made, maker.topic), names, kinds
            )
        )
    say("collecting: nbgrader collect")
    nbgrader.run("collect", TOPIC)
    say("grading: autograder grade (nbgrader autograde for each)")
    for report in grade(copy, TOPIC, names):
        if report.status == "grader_error":
            say(f"  {report.student}: {report.reason}")
    say("feedback: nbgrader generate_feedback, release_feedback\n")
    nbgrader.run("generate_feedback", TOPIC)
    nbgrader.run("release_feedback", TOPIC)
    return _compare(copy, names, kinds, maker.topic, say)


class Nbgrader:
    """nbgrader's commands, as an instructor and as students type them."""

    def __init__(self, course: Course, exchange: Path) -> None:
        self.course = course
        api.make_tools_reachable()
        exchange.mkdir(mode=0o777)
        exchange.chmod(0o777)
        self.common = [f"--course={course.file.course}", f"--Exchange.root={exchange}"]

    def run(self, *command: str, cwd: Path | None = None) -> None:
        """Run one command; KitError with the end of what it said if it fails."""
        line = [sys.executable, "-m", "nbgrader", *command, *self.common]
        done = subprocess.run(line, cwd=cwd or self.course.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KitError(f"nbgrader {command[0]} failed: {done.stderr.strip()[-800:]}")

    def fetch(self, home: Path) -> Path:
        """The folder of the assignment as students get it."""
        home.mkdir()
        self.run("fetch_assignment", TOPIC, cwd=home)
        return home / TOPIC

    def hand_in(self, fetched: Path, home: Path, made: Made, topic: Topic) -> None:
        """In a student's home, put the made-up notebook in the place of the fetched one, and submit."""
        shutil.copytree(fetched, home / topic.id)
        (home / topic.id / f"{topic.name}.ipynb").write_text(made.text, encoding="utf-8")
        self.run("submit", topic.id, f"--student={home.name}", cwd=home)
        shutil.rmtree(home)


def _compare(course: Course, names: list[str], kinds: list[Made], topic: Topic, say: Say) -> bool:
    say(f"{'submission':<36} {'right':>6} {'graded':>7}   feedback")
    agree = True
    with api.opened(course) as nbgrader, nbgrader.gradebook as gradebook:
        for name, made in zip(names, kinds):
            score = gradebook.find_submission(topic.id, name).score
            page = course.root / "feedback" / name / topic.id / f"{topic.name}.html"
            good = abs(score - made.right) < 1e-3 and page.is_file()
            agree &= good
            shown = page if page.is_file() else "missing"
            say(f"{'✓' if good else '✗'} {made.kind:<34} {made.right:>6.2f} {score:>7.2f}   {shown}")
    say("\nall grades are right" if agree else "\n✗ the gradebook and the right grades differ")
    return agree


def _cell(notebook: Notebook, grade_id: str) -> Any:
    return next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id)
