"""A made-up class, most of it broken in some way, for `autograder demo`.

The right grade of each submission is known without grading it. It follows from how the submission
was made, or, for a misconception, from a run of its functions in this process, without notebook,
worker or gradebook.
"""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course import record, solve
from autograder.course.course_file import Course
from autograder.course.misconceptions import Misconception
from autograder.grading.run import grade_namespace

TOPIC = "01-neurons"
Notebook = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """A made-up submission: the text of its file, and its right grade."""

    kind: str
    text: str
    right: float


class Maker:
    """Makes each kind of submission from a course's reference solution."""

    def __init__(self, course: Course) -> None:
        self.course, self.topic = course, course.topic(TOPIC)
        self.reference = (course.solutions(TOPIC) / "reference.py").read_text(encoding="utf-8")
        self.stub = course.assignment(TOPIC)
        self.full = self.topic.max_score

    def all(self) -> list[Made]:
        """All fourteen kinds."""
        wrong = [
            m
            for m in record.load_misconceptions(self.course, self.topic)
            if m.function in ("softmax", "gelu")
        ]
        by_name = {m.name: m for m in wrong}
        return [
            self._made("reference", self.solved(), self.full),
            *(self._alternative(path) for path in record.alternatives(self.course, self.topic)[:3]),
            *(
                self._with_misconception(by_name[name])
                for name in ("softmax_over_the_batch", "gelu_by_tanh")
            ),
            self._made(
                "half filled",
                self.half_filled(),
                self.points("linear_forward", "sigmoid", "relu", "gelu_swish"),
            ),
            self._made("untouched stub", json.loads(self.stub.read_text(encoding="utf-8")), 0.0),
            self._made(
                "syntax error in a cell",
                self.broken("gelu_swish", "def gelu(z:\n    return z"),
                self.without("gelu_swish"),
            ),
            self._made(
                "exception at top level",
                self.with_cell("raise RuntimeError('left over from trying')"),
                self.full,
            ),
            self._made(
                "infinite loop",
                self.broken("perceptron_fit", _LOOP),
                self.without("perceptron_fit"),
            ),
            self._made(
                "os._exit(0)", self.broken("mlp_forward", _EXIT), self.without("mlp_forward")
            ),
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
        return self._made(
            f"alternative: {path.stem}", self.solved(path.read_text(encoding="utf-8")), self.full
        )

    def _with_misconception(self, misconception: Misconception) -> Made:
        text = (self.course.solutions(TOPIC) / "misconceptions.py").read_text(encoding="utf-8")
        wrong = next(
            n
            for n in ast.parse(text).body
            if isinstance(n, ast.FunctionDef) and n.name == misconception.name
        )
        wrong.name, wrong.decorator_list = misconception.function, []
        tree = ast.parse(self.reference)
        tree.body = [
            wrong if isinstance(n, ast.FunctionDef) and n.name == misconception.function else n
            for n in tree.body
        ]
        source = ast.unparse(tree)
        namespace: dict[str, Any] = {}
        exec(compile(source, misconception.name, "exec"), namespace)
        right = grade_namespace(record.secret_answers(self.course, self.topic), namespace).score
        return self._made(f"misconception: {misconception.name}", self.solved(source), right or 0.0)


_LOOP = "def perceptron_fit(X, y, max_epochs):\n    while True:\n        pass"
_EXIT = "def mlp_forward(x, params):\n    import os\n    os._exit(0)"


def _cell(notebook: Notebook, grade_id: str) -> Any:
    return next(
        c
        for c in notebook["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    )
