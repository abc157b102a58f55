"""course.yaml: the only place that names topics, exercises, points, due dates and limits."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from autograder.model import notebook
from autograder.model.errors import UserError
from autograder.model.topic import ExerciseSpec, Topic

FILE = "course.yaml"
Seconds = Annotated[float, Field(gt=0, le=3600)]
Points = Annotated[float, Field(gt=0, le=1000)]
TopicId = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}-[a-z][a-z0-9_]*$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Limits(_Model):
    """What a submission may use: memory, and CPU seconds for each exercise and for its own cells."""

    cpu_seconds: Seconds = 10.0
    memory_mb: Annotated[int, Field(ge=256, le=65536)] = 1024


class ExerciseEntry(_Model):
    """An exercise, graded automatically."""

    points: Points
    cpu_seconds: Seconds | None = None
    bonus: bool = False


class WrittenEntry(_Model):
    """A written question, graded by hand."""

    points: Points


class TopicEntry(_Model):
    """One topic: `assignments/<id>/`, `solutions/<name>/` and `autograder/checks/<name>/`."""

    title: str
    due: AwareDatetime | None = None
    exercises: Annotated[dict[Name, ExerciseEntry], Field(min_length=1)]
    written: dict[Name, WrittenEntry] = {}


class CourseFile(_Model):
    """All of course.yaml."""

    course: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$")]
    limits: Limits = Limits()
    topics: Annotated[dict[TopicId, TopicEntry], Field(min_length=1)]


@dataclass(frozen=True)
class Course:
    """A checkout of a course: its root folder and its course.yaml."""

    root: Path
    file: CourseFile

    @property
    def topic_ids(self) -> list[str]:
        return list(self.file.topics)

    def submitted(self, topic_id: str) -> list[str]:
        """The students who have submitted something for a topic."""
        folders = (self.root / "submitted").glob(f"*/{topic_id}")
        return sorted(path.parent.name for path in folders if path.is_dir())

    def entry(self, topic_id: str) -> TopicEntry:
        """The entry of a topic. For any other, UserError names those that exist."""
        try:
            return self.file.topics[topic_id]
        except KeyError:
            known = ", ".join(self.topic_ids)
            raise UserError(f"{FILE} has no topic {topic_id!r}; it has {known}") from None

    def assignment(self, topic_id: str) -> Path:
        """The stub notebook of a topic."""
        return self.root / "assignments" / topic_id / f"{_name(topic_id)}.ipynb"

    def release(self, topic_id: str) -> Path:
        """The folder that students get."""
        return self.root / "release" / topic_id

    def topic(self, topic_id: str) -> Topic:
        """The topic from course.yaml and its stub notebook. UserError if the two disagree."""
        entry, limits = self.entry(topic_id), self.file.limits
        stub = notebook.read(self.assignment(topic_id))
        functions = {
            c.grade_id.removeprefix("answer-"): _signatures(c, stub.path) for c in _answers(stub)
        }
        if set(functions) != set(entry.exercises):
            odd = ", ".join(sorted(set(functions) ^ set(entry.exercises)))
            raise UserError(
                f"{FILE} and the answer cells of {stub.path} name different exercises: {odd}"
            )
        given = stub.path.with_name("given.py")
        return Topic(
            id=topic_id,
            title=entry.title,
            exercises=[
                ExerciseSpec(
                    name, e.points, e.cpu_seconds or limits.cpu_seconds, functions[name], e.bonus
                )
                for name, e in entry.exercises.items()
            ],
            cpu_seconds=limits.cpu_seconds,
            memory_mb=limits.memory_mb,
            setup=[
                c.source
                for c in stub.cells
                if c.kind == "code" and c.locked and c.grade_id == "setup"
            ],
            given=given.read_text(encoding="utf-8") if given.is_file() else "",
        )

    def solutions(self, topic_id: str) -> Path:
        """The folder of a topic's reference and its proofs, for the instructor only."""
        return self.root / "solutions" / _name(topic_id)

    @cached_property
    def secrets(self) -> Path:
        """The folder of the course's secret seed and answers, for the instructor only."""
        folder = self.root / ".autograder"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def find(start: Path) -> Course:
    """The course that contains `start`. UserError if there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE).is_file():
            return load(folder / FILE)
    raise UserError(f"no {FILE} here or above {start.resolve()}; run this inside the course folder")


def load(path: Path) -> Course:
    """Read and validate course.yaml; UserError names the key, its line and what is allowed."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = dict(_lines(root, (), path)) if root else {}
        data = yaml.safe_load(text)
    except OSError as error:
        raise UserError(f"{path} cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(f"{path} contains itself by an alias (&…, *…); write it out") from None
    except (
        ValueError,
        TypeError,
        OverflowError,
    ) as error:
        # a date or number that YAML recognises but cannot read
        raise UserError(f"{path} has a value that cannot be read: {error}") from None
    try:
        return Course(path.parent, CourseFile.model_validate(data))
    except ValidationError as error:
        problems = [_explain(dict(e), lines, path) for e in error.errors()]
        raise UserError("\n  ".join(problems)) from None


def _name(topic_id: str) -> str:
    return topic_id.partition("-")[2]


def _answers(stub: notebook.Notebook) -> list[notebook.Cell]:
    return [c for c in stub.cells if c.kind == "code" and c.grade_id.startswith("answer-")]


def _signatures(cell: notebook.Cell, path: Path) -> dict[str, list[str]]:
    """The functions and classes that an answer cell defines, with their parameter names."""
    try:
        tree = ast.parse(cell.source)
    except SyntaxError as error:
        raise UserError(
            f"the cell {cell.label} of {path} is not Python: {error.msg} (line {error.lineno})"
        ) from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = [a.arg for a in node.args.args]
        elif isinstance(node, ast.ClassDef):
            found[node.name] = []
    return found


def _lines(
    node: yaml.Node, at: tuple[str, ...], path: Path
) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of each key in the file, by its path of keys. A key given twice is an error."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            raise UserError(
                f"{path}, line {line}: {'.'.join((*at, name))} is given twice (also on line "
                f"{seen[name]})"
            )
        seen[name] = line
        yield (*at, name), line
        yield from _lines(value, (*at, name), path)


def _explain(error: dict[str, Any], lines: dict[tuple[str, ...], int], path: Path) -> str:
    where = tuple(str(part) for part in error["loc"] if part != "[key]")
    line = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), 1)
    key, parent = ".".join(where), _model_at(where[:-1])
    allowed = f"; allowed here: {', '.join(sorted(parent.model_fields))}" if parent else ""
    if error["type"] == "extra_forbidden":
        what = f"unknown key {key}{allowed}"
    elif error["type"] == "missing":
        what = f"the key {key} is missing{allowed}"
    else:
        what = f"{key or 'the file'} is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
    return f"{path}, line {line}: {what}"


def _model_at(where: tuple[str, ...]) -> type[_Model] | None:
    """The model that describes the mapping at a path of keys."""
    if not where:
        return CourseFile
    shapes: dict[tuple[str, int], type[_Model]] = {
        ("limits", 1): Limits,
        ("topics", 2): TopicEntry,
        ("exercises", 4): ExerciseEntry,
        ("written", 4): WrittenEntry,
    }
    return shapes.get((where[2] if len(where) == 4 else where[0], len(where)))
