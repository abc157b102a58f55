"""Where in a notebook an exercise is explained: the heading of its text, and what there is to be
found in it.
"""

import re
from dataclasses import dataclass

from autograder.model.notebook import Cell, Notebook


@dataclass(frozen=True)
class ExerciseText:
    """The heading of an exercise's text, its paragraphs that open with a name, and whether a cell
    shows an example.
    """

    heading: str
    paragraphs: tuple[str, ...] = ()
    asks: bool = False
    example: bool = False


def exercise_text(notebook: Notebook, exercise: str) -> ExerciseText | None:
    """Find the text of an exercise: the last one with a heading above its answer cell."""
    names = [cell.grade_id for cell in notebook.cells]
    if f"answer-{exercise}" not in names:
        return None
    answer = names.index(f"answer-{exercise}")
    texts = [c for c in notebook.cells[:answer] if c.kind == "markdown" and _headings(c)]
    below = notebook.cells[answer + 1 : answer + 2]
    if not texts:
        return None
    source = texts[-1].source
    return ExerciseText(
        heading=_headings(texts[-1])[-1],
        paragraphs=tuple(re.findall(r"^\*\*([\w ']+?)[.:]?\*\*", source, re.M)),
        asks="*Ask yourself" in source,
        example=bool(below) and "demo" in below[0].tags,
    )


def _headings(cell: Cell) -> list[str]:
    """The headings of a text without the signs of markdown, the smallest last."""
    lines = re.findall(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", cell.source, re.M)
    return [line.replace("`", "")[:100] for line in lines if line]
