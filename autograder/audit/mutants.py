"""Single-point mutants of a reference's syntax tree. The suite must catch each of them.

An operator is a row of the table at the end: its name, the nodes it takes, and their replacements.
Changes that are known to have no effect are left out: a docstring, `np.asarray(z)` for `z`, an axis
by its other name.
"""

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A module that differs from the reference at one point. `function` is the answer it breaks."""

    function: str
    name: str  # function/operator/before -> after: stable as long as the mutated code is
    line: int
    change: str
    source: str


def mutants(source: str, functions: Iterable[str]) -> list[Mutant]:
    """The mutants of these functions and classes and of their helpers, in the order of the source.

    A helper's mutant counts for the first function that needs it. Code that none of them needs is
    not mutated.
    """
    body = ast.parse(source).body
    owners = _owners(body, set(functions))
    texts = [ast.unparse(statement) for statement in body]
    found, names, seen = list[Mutant](), Counter[str](), {"\n\n\n".join(texts)}
    for i, home in enumerate(body):
        for node, operator, line, before, after in (
            _variants(home, _keys(home)) if home in owners else ()
        ):
            text = "\n\n\n".join([*texts[:i], ast.unparse(node), *texts[i + 1 :]])
            if text not in seen and _compiles(text):
                seen.add(text)
                name = f"{owners[home]}/{operator}/{before} -> {after}"
                names[name] += 1
                name += f" #{names[name]}" if names[name] > 1 else ""
                found.append(
                    Mutant(owners[home], name, line, f"`{before}` → `{after}`", text + "\n")
                )
    return found


def _owners(body: list[ast.stmt], functions: set[str]) -> dict[ast.stmt, str]:
    """The answer that each statement counts for: the one it defines, or the first that needs it."""
    answers = {home: name for home in body for name in _defined(home) & functions}
    owners: dict[ast.stmt, str] = {}
    for answer, name in answers.items():
        todo = [answer]
        while todo:
            if (home := todo.pop()) not in owners:
                owners[home] = name
                used = {node.id for node in ast.walk(home) if isinstance(node, ast.Name)}
                todo += [
                    helper for helper in body if helper not in answers and _defined(helper) & used
                ]
    return owners


def _defined(home: ast.stmt) -> set[str]:
    if isinstance(home, ast.FunctionDef | ast.ClassDef):
        return {home.name}
    return {
        n.id for n in ast.walk(home) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _keys(home: ast.stmt) -> list[str]:
    """The strings that may be keys: one word, not a sentence."""
    words = (
        node.value
        for node in ast.walk(home)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return sorted({word for word in words if " " not in word})


def _variants(node: ast.AST, keys: list[str]) -> Iterator[tuple[Any, str, int, str, str]]:
    """Every change of the node at one point.

    Each is the new node, the operator, the line, and the code before and after.
    """
    speaks = isinstance(node, ast.expr | ast.stmt | ast.arguments) and not isinstance(node, _ATOMS)
    here = getattr(node, "lineno", 0)
    found = [
        (new, name, here, "", "")
        for name, kinds, op in _OPERATORS
        if isinstance(node, kinds)
        for new in op(node)
    ]
    if isinstance(node, ast.Constant) and node.value in keys:  # another string of the same function
        found.append((ast.Constant(keys[keys.index(node.value) - 1]), "key", here, "", ""))
    for field in node._fields:
        for i, part in _parts(node, field):
            if isinstance(part, ast.AST) and field not in _KEPT and not _fixed(node, part):
                found += [
                    (_put(node, field, i, new), *rest) for new, *rest in _variants(part, keys)
                ]
    for new, operator, line, before, after in found:
        shown = (_brief(node), _brief(new)) if speaks and not before else (before, after)
        yield new, operator, line or here, *shown


def _fixed(parent: ast.AST, node: ast.AST) -> bool:
    """Whether the node stays: a docstring, an error message, an assigned name, an index or axis."""
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    index = isinstance(parent, ast.Subscript) and _literal(node) is not None
    axis = isinstance(parent, ast.keyword) and parent.arg == "axis"
    target = isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Store)
    return text or index or axis or target or isinstance(node, ast.Raise)


def _compiles(text: str) -> bool:
    with warnings.catch_warnings(action="ignore"), suppress(SyntaxError):
        return bool(compile(text, "mutant", "exec"))
    return False


def _brief(node: ast.AST) -> str:
    """The code of a node on one line; of a compound statement its first line."""
    return ast.unparse(node).partition("\n")[0]


def _parts(node: ast.AST, field: str) -> list[tuple[int | None, Any]]:
    value = getattr(node, field)
    return (
        list(enumerate(value))
        if isinstance(value, list)
        else []
        if value is None
        else [(None, value)]
    )


def _with(node: Any, **fields: Any) -> Any:
    new = copy(node)
    for field, value in fields.items():
        setattr(new, field, value)
    return new


def _put(node: ast.AST, field: str, i: int | None, *new: Any) -> Any:
    """The node with one part replaced by others, or by none."""
    old = getattr(node, field)
    return _with(
        node, **{field: [*old[:i], *new, *old[i + 1 :]] if i is not None else (*new, None)[0]}
    )


def _each(node: ast.AST, fields: str, change: Callable[[Any], Iterable[Any]]) -> list[Any]:
    """The node with one of the parts in these fields changed."""
    return [
        _put(node, f, i, new)
        for f in fields.split()
        for i, part in _parts(node, f)
        for new in change(part)
    ]


def _less(node: ast.AST, fields: str) -> list[Any]:
    """The node without one of the parts in these fields."""
    return [_put(node, field, i) for field in fields.split() for i, _ in _parts(node, field)]


def _swaps(node: ast.AST, field: str) -> list[Any]:
    """The node with two neighbours in a field swapped."""
    old = getattr(node, field)
    return [
        _with(node, **{field: [*old[:i], old[i + 1], old[i], *old[i + 2 :]]})
        for i in range(len(old) - 1)
    ]


def _operators(node: ast.AST) -> list[Any]:
    return [getattr(ast, name)() for name in _NEIGHBOURS.get(type(node).__name__, [])]


def _literal(node: ast.AST) -> float | None:
    """The value of a number literal, negative ones included."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _literal(node.operand)
        return None if inner is None else -inner
    value: Any = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) in (int, float) else None


def _number(value: float) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _off_by_one(node: ast.expr) -> list[ast.expr]:
    if (value := _literal(node)) is not None:
        return [_number(value + 1), _number(value - 1)]
    fixed = isinstance(node, ast.Constant | ast.JoinedStr | ast.Slice | ast.Tuple)
    return [] if fixed else [ast.BinOp(node, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub())]


def _negated(node: ast.expr) -> list[Any]:
    """Minus the value; of a tuple, each part in turn.

    Literals have operators of their own, and -0 is 0.
    """
    if isinstance(node, ast.Tuple):
        return _each(node, "elts", _negated)
    zeros = isinstance(node, ast.Call) and _called(node) in ("zeros", "zeros_like")
    return [] if zeros or isinstance(node, _LITERALS) else [ast.UnaryOp(ast.USub(), node)]


def _axes(node: ast.expr) -> list[Any]:
    return (
        _less(node, "elts")
        if isinstance(node, ast.Tuple)
        else [ast.Constant(int(_literal(node) == 0))]
    )


def _called(node: ast.Call) -> str:
    """The last name of a called expression: `max` of `np.max(z)`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _receiver(node: ast.expr) -> list[ast.expr]:
    """The object whose method is called, as a list; empty for a module."""
    return (
        [node.value]
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("np", "math")
        else []
    )


def _transposed(node: ast.expr) -> list[ast.expr]:
    return (
        [node.value]
        if isinstance(node, ast.Attribute) and node.attr == "T"
        else [ast.Attribute(node, "T")]
    )


def _cut(node: ast.For) -> list[Any]:
    """The loop cut to its first turn, cut before its last, or reversed if the order can matter."""
    cuts = ["[:1]", "[:-1]", "[::-1]"][: 2 if ast.unparse(node.target) == "_" else 3]
    return [
        _with(node, iter=ast.parse(f"list({ast.unparse(node.iter)}){cut}", mode="eval").body)
        for cut in cuts
    ]


_KEPT = {"decorator_list", "annotation", "returns", "ctx"}  # fields that are not mutated
_ATOMS = (ast.Name, ast.Constant, ast.FormattedValue, ast.Slice)
_LITERALS = (ast.Constant, ast.List, ast.Dict, ast.UnaryOp, ast.JoinedStr)
_SYMMETRIC = {
    "maximum",
    "minimum",
    "max",
    "min",
    "logaddexp",
    "add",
    "multiply",
    "hypot",
    "isclose",
    "allclose",
}
_CONVERSIONS = {
    "float",
    "asarray",
}  # no check looks at the type of a result, and arguments are arrays
_NEIGHBOURS = {first: others for first, *others in map(str.split, """
    Add Sub, Sub Add, Mult Div, Div Mult, FloorDiv Div, Mod FloorDiv, Pow Mult, MatMult Mult, BitAnd BitOr,
    BitOr BitAnd, Lt LtE GtE, LtE Lt Gt, Gt GtE LtE, GtE Gt Lt, Eq NotEq, NotEq Eq, In NotIn, NotIn In, Is IsNot,
    IsNot Is, And Or, Or And, Break Continue, Continue Break, mean sum, sum mean, max min, min max, maximum minimum,
    minimum maximum, argmax argmin, argmin argmax, var std, std var, any all, all any, exp exp2 expm1, expm1 exp,
    log log2 log1p, log1p log, logaddexp logaddexp2, zeros ones, ones zeros, zeros_like ones_like, eye ones,
    ones_like zeros_like, tanh sin, sin cos, cos sin, sqrt square, square sqrt, abs negative, cumsum cumprod,
    cumprod cumsum, floor ceil, ceil floor, erf erfc, sign abs, normal uniform, uniform normal, vstack hstack,
    hstack vstack""".split(","))}  # fmt: skip  # noqa: SIM905
_TESTED = ast.If | ast.While | ast.IfExp
_OPERATORS: list[tuple[str, Any, Callable[[Any], Iterable[ast.AST]]]] = [
    ("arithmetic", ast.BinOp | ast.AugAssign, lambda n: _each(n, "op", _operators)),
    (
        "operands",
        ast.BinOp,
        lambda n: [_with(n, left=n.right, right=n.left)][isinstance(n.op, ast.Add | ast.Mult) :],
    ),
    ("term", ast.BinOp, lambda n: [n.left, n.right]),
    ("plain", ast.AugAssign, lambda n: [ast.Assign([n.target], n.value, lineno=n.lineno)]),
    ("sign", ast.UnaryOp, lambda n: [n.operand]),
    ("sign", ast.Return | ast.Assign, lambda n: _each(n, "value", _negated)),
    ("comparison", ast.Compare, lambda n: _each(n, "ops", _operators)),
    ("boolean", ast.BoolOp, lambda n: _each(n, "op", _operators) + _less(n, "values")),
    (
        "condition",
        _TESTED,
        lambda n: [_with(n, test=ast.Constant(forced)) for forced in (True, False)],
    ),
    ("condition", _TESTED, lambda n: [_with(n, test=ast.UnaryOp(ast.Not(), n.test))]),
    (
        "constant",
        ast.Constant,
        lambda n: _off_by_one(n) + ([_number(-n.value)] if _literal(n) else []),
    ),
    (
        "flag",
        ast.Constant,
        lambda n: [ast.Constant(not n.value)] if isinstance(n.value, bool) else [],
    ),
    ("axis", ast.keyword, lambda n: _each(n, "value", _axes) if n.arg == "axis" else []),
    (
        "transpose",
        ast.BinOp,
        lambda n: _each(n, "left right", _transposed) if isinstance(n.op, ast.MatMult) else [],
    ),
    ("transpose", ast.Attribute, lambda n: [n.value] if n.attr == "T" else []),
    (
        "neighbour",
        ast.Attribute,
        lambda n: [_with(n, attr=name) for name in _NEIGHBOURS.get(n.attr, [])],
    ),
    (
        "neighbour",
        ast.Call,
        lambda n: [_with(n, func=ast.Name(f)) for f in _NEIGHBOURS.get(ast.unparse(n.func), [])],
    ),
    ("swap", ast.Call, lambda n: _swaps(n, "args") if _called(n) not in _SYMMETRIC else []),
    ("argument", ast.Call, lambda n: [_with(n, args=n.args[:-1])] if len(n.args) > 1 else []),
    ("keyword", ast.Call, lambda n: _less(n, "keywords")),
    ("range", ast.Call, lambda n: _each(n, "args", _off_by_one) if _called(n) == "range" else []),
    (
        "unwrap",
        ast.Call,
        lambda n: n.args if len(n.args) == 1 and _called(n) not in _CONVERSIONS else [],
    ),
    ("unwrap", ast.Call, lambda n: _receiver(n.func)),
    ("swap", ast.Tuple, lambda n: _swaps(n, "elts")),
    ("copy", ast.Tuple, lambda n: [_put(n, "elts", i, n.elts[i - 1]) for i in range(len(n.elts))]),
    ("index", ast.Subscript, lambda n: _each(n, "slice", _off_by_one)),
    ("index", ast.FormattedValue, lambda n: _each(n, "value", _off_by_one)),
    ("whole", ast.Subscript, lambda n: [n.value]),
    (
        "bound",
        ast.Slice,
        lambda n: _less(n, "lower upper step") + _each(n, "lower upper", _off_by_one),
    ),
    ("default", ast.arguments, lambda n: [_with(n, defaults=n.defaults[1:])]),
    ("filter", ast.comprehension, lambda n: _less(n, "ifs")),
    ("loop", ast.For, _cut),
    ("jump", ast.Break | ast.Continue, _operators),
    ("statement", ast.stmt, lambda n: [ast.Pass()]),
]
