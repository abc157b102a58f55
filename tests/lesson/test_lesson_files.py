"""The files beside each notebook: given.py computes, figures.py draws, and nothing stands twice."""

import ast
import json
import re
import sys

import pytest
from notebooks import COURSE

from autograder import lesson

TOPICS = COURSE.topic_ids
OWN = {"given", "figures"}


def parsed(topic_id, name):
    path = COURSE.assignment(topic_id).with_name(f"{name}.py")
    return ast.parse(path.read_text(encoding="utf-8"))


def defined(tree):
    """The names that a module has of its own, without what it imports."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name))


def imported(tree):
    """The packages that are imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]


def functions(topic_id, name="given"):
    tree = parsed(topic_id, name)
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("topic_id", TOPICS)
def test_given_imports_what_a_worker_has(topic_id):
    """NumPy and the standard library; scikit-learn's data sets, inside the functions that load
    them.
    """
    tree = parsed(topic_id, "given")
    assert set(imported(tree)) - set(sys.stdlib_module_names) <= {"numpy", "sklearn"}
    at_import = ast.Module([n for n in tree.body if not isinstance(n, ast.FunctionDef)], [])
    assert "sklearn" not in set(imported(at_import))


@pytest.mark.parametrize("topic_id", TOPICS)
def test_given_draws_and_prints_nothing(topic_id):
    tree = parsed(topic_id, "given")
    assert not [name for name in defined(tree) if name.startswith("plot")]
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert "print" not in {f.id for f in calls if isinstance(f, ast.Name)}


@pytest.mark.parametrize("topic_id", TOPICS)
@pytest.mark.parametrize("name", sorted(OWN))
def test_no_file_has_what_all_lessons_share(topic_id, name):
    assert set(defined(parsed(topic_id, name))) & set(lesson.__all__) == set()


def is_a_layer(function):
    """Whether its docstring says which lesson it comes from."""
    return "lesson " in (ast.get_docstring(function) or "").lower()


def code(function):
    """What it does, without its docstring."""
    return ast.dump(ast.Module(function.body[bool(ast.get_docstring(function)) :], []))


@pytest.mark.parametrize("topic_id", TOPICS)
def test_no_given_repeats_a_name_of_another(topic_id):
    """But for a layer of an earlier lesson, which says so: only given.py travels with an answer."""
    others = {name for other in TOPICS if other != topic_id for name in functions(other)}
    mine = functions(topic_id)
    assert [name for name in mine.keys() & others if not is_a_layer(mine[name])] == []


def test_no_two_files_do_the_same_under_any_name():
    places = {}
    for topic_id in TOPICS:
        for name in sorted(OWN):
            for function in functions(topic_id, name).values():
                if not is_a_layer(function):
                    place = f"{topic_id}/{name}.py: {function.name}"
                    places.setdefault(code(function), []).append(place)
    assert [found for found in places.values() if len(found) > 1] == []


def test_the_softmax_of_lesson_1_is_the_same_wherever_it_is_given():
    assert len({code(functions(t)["softmax"]) for t in TOPICS if "softmax" in functions(t)}) == 1


def code_cells(topic_id):
    notebook = json.loads(COURSE.assignment(topic_id).read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


@pytest.mark.parametrize("topic_id", TOPICS)
def test_every_name_that_a_notebook_uses_exists(topic_id):
    """given.x and figures.x in cells, in their comments and in texts; and what comes from the
    package's lesson.
    """
    notebook = json.loads(COURSE.assignment(topic_id).read_text(encoding="utf-8"))
    text = "\n".join(source(cell) for cell in notebook["cells"])
    for module in OWN:
        names = set(defined(parsed(topic_id, module)))
        assert used(text, module) <= names
    for cell in code_cells(topic_id):
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.ImportFrom) and node.module == "autograder.lesson":
                assert {alias.name for alias in node.names} <= set(lesson.__all__)


def used(text, module):
    """The names behind `module.`, which is no part of a path or of another word."""
    return set(re.findall(rf"(?<![\w./]){module}\.([A-Za-z_]\w*)", text)) - {"py"}


@pytest.mark.parametrize("topic_id", TOPICS)
def test_every_shared_helper_that_a_notebook_calls_is_imported_by_its_first_cell(topic_id):
    cells = code_cells(topic_id)
    setup = ast.parse(source(cells[0]))
    have = {a.name for n in ast.walk(setup) if isinstance(n, ast.ImportFrom) for a in n.names}
    called, made = set(), set()
    for cell in cells:
        for node in ast.walk(ast.parse(source(cell))):
            if isinstance(node, ast.Name):
                (called if isinstance(node.ctx, ast.Load) else made).add(node.id)
            elif isinstance(node, ast.arg):
                made.add(node.arg)
    needed = called & set(lesson.__all__) - made
    assert needed <= have
    assert have & set(lesson.__all__) <= called


@pytest.mark.parametrize("topic_id", TOPICS)
def test_figures_take_from_given_and_from_the_lesson_only_what_is_there(topic_id):
    homes = {"given": set(defined(parsed(topic_id, "given"))), "autograder.lesson": lesson.__all__}
    for node in ast.walk(parsed(topic_id, "figures")):
        if isinstance(node, ast.ImportFrom) and node.module in homes:
            assert {alias.name for alias in node.names} <= set(homes[node.module])


@pytest.mark.parametrize("topic_id", TOPICS)
@pytest.mark.parametrize("name", sorted(OWN))
def test_every_function_says_what_it_is_in_whole_sentences(topic_id, name):
    for function in functions(topic_id, name).values():
        if not function.name.startswith("_"):
            text = ast.get_docstring(function)
            assert text.count("(") == text.count(")") and text.rstrip("`").endswith("."), text
