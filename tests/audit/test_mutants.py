"""Mutants of a reference: what each operator proposes, that each is one of a kind, and that names
last.
"""

import ast
from pathlib import Path

import pytest
import yaml

from autograder.audit.mutants import mutants

REFERENCE = Path(__file__).parents[2] / "solutions" / "neurons" / "reference.py"
SOURCE = REFERENCE.read_text(encoding="utf-8")
FUNCTIONS = [node.name for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)]


def of(body, operator, head="def f(x, y, z):", before=""):
    """What an operator makes of the body of a function: the code after the change."""
    source = f"{before}\n{head}\n" + "\n".join(f"    {line}" for line in body.splitlines())
    found = [m for m in mutants(source, ["f"]) if m.name.startswith(f"f/{operator}/")]
    return {m.change.partition(" → ")[2].strip("`") for m in found}


OPERATORS = {
    "add": ("return x + y", "arithmetic", {"x - y"}),
    "power": ("return x ** y", "arithmetic", {"x * y"}),
    "matrix product": ("return x @ y", "arithmetic", {"x * y"}),
    "augmented operator": ("x += y", "arithmetic", {"x -= y"}),
    "operands": ("return x - y", "operands", {"y - x"}),
    "operands of a matrix product": ("return x @ y", "operands", {"y @ x"}),
    "operands of a sum": ("return x + y", "operands", set()),
    "dropped term": ("return x + y", "term", {"x", "y"}),
    "plain assignment": ("x[0] += y", "plain", {"x[0] = y"}),
    "minus dropped": ("print(-x)", "sign", {"x"}),
    "not dropped": ("print(not x)", "sign", {"x"}),
    "minus added": ("return x", "sign", {"return -x"}),
    "minus added to each part": ("return (x, y)", "sign", {"return (-x, y)", "return (x, -y)"}),
    "minus zero": ("x = np.zeros(y)", "sign", set()),
    "less": ("return x < y", "comparison", {"x <= y", "x >= y"}),
    "at least": ("return x >= y", "comparison", {"x > y", "x < y"}),
    "in": ("return x in y", "comparison", {"x not in y"}),
    "and": ("return x and y and z", "boolean", {"x or y or z", "y and z", "x and z", "x and y"}),
    "if": ("if x:\n    y()", "condition", {"if True:", "if False:", "if not x:"}),
    "choice": (
        "return x if y else z",
        "condition",
        {"x if True else z", "x if False else z", "x if not y else z"},
    ),
    "constant": ("return x * 2", "constant", {"x * 3", "x * 1", "x * -2"}),
    "zero": ("return x + 0.0", "constant", {"x + 1.0", "x + -1.0"}),
    "negative exponent": ("return 2 ** x", "constant", {"3 ** x", "1 ** x", "(-2) ** x"}),
    "keepdims": ("return g(x, keepdims=True)", "flag", {"g(x, keepdims=False)"}),
    "axis": ("return x.sum(axis=1)", "axis", {"x.sum(axis=0)"}),
    "last axis": ("return x.sum(axis=-1)", "axis", {"x.sum(axis=0)"}),
    "axes": ("return x.sum(axis=(0, 2))", "axis", {"x.sum(axis=(0,))", "x.sum(axis=(2,))"}),
    "axis is no constant": ("return x.sum(axis=1)", "constant", set()),
    "transpose added": ("return x @ y", "transpose", {"x.T @ y", "x @ y.T"}),
    "transpose dropped": ("return x.T", "transpose", {"x"}),
    "neighbour": ("return np.exp(x)", "neighbour", {"np.exp2", "np.expm1"}),
    "method's neighbour": ("return x.mean()", "neighbour", {"x.sum"}),
    "builtin's neighbour": ("return max(x, y)", "neighbour", {"min(x, y)"}),
    "variable of that name": ("max = x", "neighbour", set()),
    "swapped arguments": ("return g(x, y, z)", "swap", {"g(y, x, z)", "g(x, z, y)"}),
    "symmetric function": ("return np.maximum(x, y)", "swap", set()),
    "swapped parts": ("return (x, y)", "swap", {"(y, x)"}),
    "names to assign": ("x, y = z", "swap", set()),
    "copied part": ("return (x, y, z)", "copy", {"(z, y, z)", "(x, x, z)", "(x, y, y)"}),
    "argument dropped": ("return g(x, y)", "argument", {"g(x)"}),
    "keyword dropped": ("return g(x, a=1, b=y)", "keyword", {"g(x, a=1)", "g(x, b=y)"}),
    "range": ("g(range(x))", "range", {"range(x + 1)", "range(x - 1)"}),
    "unwrapped": ("g(np.abs(x))", "unwrap", {"np.abs(x)", "x"}),
    "unwrapped method": ("z(x.sum(axis=1), y)", "unwrap", {"x"}),
    "conversion": ("return float(np.asarray(x))", "unwrap", set()),
    "index": ("return x[y]", "index", {"x[y + 1]", "x[y - 1]"}),
    "constant index": ("return x[1]", "index", {"x[2]", "x[0]"}),
    "last index": ("return x[-1]", "index", {"x[0]", "x[-2]"}),
    "number in a key": ("return x[f'W{y}']", "index", {"f'W{y + 1}'", "f'W{y - 1}'"}),
    "whole": ("return x[1:]", "whole", {"x"}),
    "slice": (
        "return x[y:z]",
        "bound",
        {"x[:z]", "x[y:]", "x[y + 1:z]", "x[y - 1:z]", "x[y:z + 1]", "x[y:z - 1]"},
    ),
    "key": ("return x['W'] + x['b']", "key", {"x['W']", "x['b']"}),
    "filter": ("return [i for i in x if i]", "filter", {"[i for i in x]"}),
    "loop": (
        "for i in x:\n    y()",
        "loop",
        {f"for i in list(x)[{cut}]:" for cut in (":1", ":-1", "::-1")},
    ),
    "loop without a variable": (
        "for _ in x:\n    y()",
        "loop",
        {f"for _ in list(x)[{c}]:" for c in (":1", ":-1")},
    ),
    "break": ("while x:\n    break", "jump", {"continue"}),
    "error message": ("if x:\n    raise ValueError('x is 1' + str(1))", "constant", set()),
    "docstring": ("'''Add 1.'''\n'a string'\nreturn x", "key", set()),
}


@pytest.mark.parametrize(("body", "operator", "changes"), OPERATORS.values(), ids=OPERATORS)
def test_an_operator(body, operator, changes):
    assert of(body, operator) == changes


def test_a_default_is_changed_and_dropped():
    assert of("return x", "constant", head="def f(x, a=2):") == {"x, a=3", "x, a=1", "x, a=-2"}
    assert of("return x", "default", head="def f(x, a=2):") == {"x, a"}


def test_documentation_and_annotations_stay():
    source = '@cache\ndef f(x: int = 2) -> 3:\n    """Add 1."""\n    return g(x)\n'
    kept = [m for m in mutants(source, ["f"]) if "def f" in m.source]
    assert kept
    assert all(
        '"""Add 1."""' in m.source and "-> 3:" in m.source and m.source.startswith("@cache")
        for m in kept
    )


@pytest.fixture(scope="module")
def found():
    return mutants(SOURCE, FUNCTIONS)


def test_there_are_many_for_each_function(found):
    assert len(found) >= 150
    assert {m.function for m in found} == set(FUNCTIONS)


def test_each_is_valid_and_unlike_the_reference_and_all_others(found):
    trees = [ast.dump(ast.parse(m.source)) for m in found]
    assert ast.dump(ast.parse(SOURCE)) not in trees
    assert len(set(trees)) == len(found)
    for m in found:
        compile(m.source, m.name, "exec")


def test_names_are_one_of_a_kind_and_tell_the_change(found):
    assert len({m.name for m in found}) == len(found)
    for m in found:
        before, _, after = m.change.replace("`", "").partition(" → ")
        assert m.name.startswith(f"{m.function}/")
        assert f"/{before} -> {after}" in m.name


def test_the_line_is_that_of_the_change(found):
    lines = SOURCE.splitlines()
    assert all("keepdims" in lines[m.line - 1] for m in found if "/flag/" in m.name)


def test_the_same_source_gives_the_same_mutants(found):
    assert mutants(SOURCE, reversed(FUNCTIONS)) == found


def test_names_last_through_comments_and_edits_elsewhere(found):
    edited = SOURCE.replace("\n    return", "\n\n    # about to return\n    return").replace(
        "slope * np", "slope + np"
    )
    names = [m.name for m in mutants(edited, FUNCTIONS) if m.function != "leaky_relu"]
    assert names == [m.name for m in found if m.function != "leaky_relu"]


def test_the_same_change_twice_is_numbered():
    names = [
        m.name
        for m in mutants("def f(x):\n    return g(x[0], x[0])\n", ["f"])
        if "/index/" in m.name
    ]
    assert names == [f"f/index/x[0] -> x[{i}]{n}" for n in ("", " #2") for i in (1, -1)]


HELPERS = """\
A = 1
B = 2
def unused(): return B
def helper(): return A
def f(): return helper()
def h(): return A
"""


def test_a_helper_counts_for_the_first_function_that_needs_it():
    owners = {(m.line, m.function) for m in mutants(HELPERS, ["f", "h"])}
    assert owners == {(1, "f"), (4, "f"), (5, "f"), (6, "h")}


def test_a_class_is_mutated_in_its_methods():
    source = 'class Value:\n    """A number."""\n    def add(self, other):\n        return self.data + other.data\n'
    assert {m.function for m in mutants(source, ["Value"])} == {"Value"}
    assert any(
        m.change == "`self.data + other.data` → `self.data - other.data`"
        for m in mutants(source, ["Value"])
    )


def test_what_does_not_compile_is_left_out():
    assert not [
        m
        for m in mutants("def f(x):\n    return g(*x)\n", ["f"])
        if m.change.endswith("return *x`")
    ]


def test_every_mutant_explained_as_equivalent_exists_and_has_a_reason(found):
    path = REFERENCE.with_name("equivalent_mutants.yaml")
    reasons = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(reasons) <= {m.name for m in found}
    assert all(isinstance(reason, str) and reason for reason in reasons.values())
