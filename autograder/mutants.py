"""Single-point mutants of a reference, from its syntax tree: each is a mistake that the suite must catch.

An operator is a row of the table at the end: its name, the nodes it takes, and what could stand in
their place. What is known to change nothing (a docstring, `np.asarray(z)` for `z`, the other name
of the same axis) is not proposed.
"""

import ast
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A module that differs from the reference in one point. `function` is the answer that it spoils."""

    function: str
    name: str  # function/operator/before -> after: it stays, as long as the code that is mutated does
    line: int
    change: str
    source: str


@dataclass(frozen=True)
class _Site:
    """A node and its place in the tree; `shown` is the smallest code around it that speaks for itself."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    shown: ast.AST
    line: int

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def mutants(source: str, functions: Iterable[str]) -> list[Mutant]:
    """The mutants of these functions and classes and of the helpers they need, in the order of the source.

    A helper's mutant counts for the first function that needs it; what none of them needs stays as it is.
    """
    body = ast.parse(source).body
    owners = _owners(body, set(functions))
    texts = [ast.unparse(statement) for statement in body]
    found, names = list[Mutant](), Counter[str]()
    for i, home in enumerate(body):
        for operator, site, before, after, text in _variants(home) if home in owners else ():
            name = f"{owners[home]}/{operator}/{before} -> {after}"
            names[name] += 1
            name += f" #{names[name]}" if names[name] > 1 else ""
            whole = "\n\n\n".join([*texts[:i], text, *texts[i + 1 :]]) + "\n"
            found.append(Mutant(owners[home], name, site.line, f"`{before}` → `{after}`", whole))
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
                todo += [helper for helper in body if helper not in answers and _defined(helper) & used]
    return owners


def _defined(home: ast.stmt) -> set[str]:
    if isinstance(home, ast.FunctionDef | ast.ClassDef):
        return {home.name}
    return {n.id for n in ast.walk(home) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _variants(home: ast.stmt) -> Iterator[tuple[str, _Site, str, str, str]]:
    """Operator, site, code before and after, and the whole text, of each distinct variant that compiles."""
    root = home if isinstance(home, ast.FunctionDef | ast.ClassDef) else ast.Module([home], [])
    sites = list(_sites(root, home, home.lineno))
    constants = (site.node.value for site in sites if isinstance(site.node, ast.Constant))
    keys = sorted({value for value in constants if isinstance(value, str)})
    seen = {ast.unparse(root)}
    for site in sites:
        before = _brief(site.shown)
        for operator, node in _replacements(site.node, keys):
            site.put(node)
            text, after = ast.unparse(root), _brief(node if site.shown is site.node else site.shown)
            site.put(site.node)
            if text not in seen and _compiles(text):
                seen.add(text)
                yield operator, site, before, after, text


def _sites(parent: ast.AST, shown: ast.AST, line: int) -> Iterator[_Site]:
    for field, value in ast.iter_fields(parent):
        many = isinstance(value, list)
        for i, node in enumerate(value if many else [value]):
            if isinstance(node, ast.AST) and field not in _KEPT and not _fixed(parent, node):
                speaks = isinstance(node, ast.expr | ast.stmt | ast.arguments) and not isinstance(node, _ATOMS)
                here, at = node if speaks else shown, getattr(node, "lineno", line)
                yield _Site(node, parent, field, i if many else None, here, at)
                yield from _sites(node, here, at)


def _fixed(parent: ast.AST, node: ast.AST) -> bool:
    """Documentation, error messages, and the numbers that an operator of their parent takes care of."""
    if isinstance(parent, ast.Subscript):
        return _integer(node) is not None
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Raise) or (isinstance(parent, ast.keyword) and parent.arg == "axis")


def _replacements(node: ast.AST, keys: list[str]) -> Iterator[tuple[str, ast.AST]]:
    for name, kinds, operator in _OPERATORS:
        if isinstance(node, kinds):
            yield from ((name, new) for new in operator(node))
    if isinstance(node, ast.Constant) and node.value in keys:  # another string of the same function
        yield "key", ast.Constant(keys[(keys.index(node.value) + 1) % len(keys)])


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _brief(node: ast.AST) -> str:
    """The code of a node on one line; of a compound statement its head."""
    head, _, rest = ast.unparse(node).partition("\n")
    return f"{head} ..." if rest else head


# What the operators are made of.

_KEPT = {"decorator_list", "annotation", "returns", "ctx"}  # fields that are not mutated
_ATOMS = (ast.Name, ast.Constant, ast.FormattedValue, ast.Slice)
_SYMMETRIC = {"maximum", "minimum", "max", "min", "logaddexp", "add", "multiply", "hypot", "isclose", "allclose"}
_CONVERSIONS = {"float", "asarray"}  # the type of a result is never checked, and arguments are arrays
_LITERALS = (ast.Constant, ast.List, ast.Dict, ast.UnaryOp, ast.JoinedStr)
_NEIGHBOURS = {first: others for first, *others in map(str.split, """
    Add Sub, Sub Add, Mult Div, Div Mult, FloorDiv Div, Mod FloorDiv, Pow Mult, MatMult Mult, BitAnd BitOr, BitOr BitAnd,
    Lt LtE GtE, LtE Lt Gt, Gt GtE LtE, GtE Gt Lt, Eq NotEq, NotEq Eq, In NotIn, NotIn In, Is IsNot, IsNot Is, And Or, Or And,
    Break Continue, Continue Break, mean sum, sum mean, max min, min max, maximum minimum, minimum maximum,
    argmax argmin, argmin argmax, var std, std var, any all, all any, exp exp2 expm1, expm1 exp, log log2 log1p, log1p log,
    logaddexp logaddexp2, zeros ones, ones zeros, zeros_like ones_like, ones_like zeros_like, eye ones, tanh sin, sin cos,
    cos sin, sqrt square, square sqrt, abs negative, cumsum cumprod, cumprod cumsum, floor ceil, ceil floor, erf erfc,
    sign abs, normal uniform, uniform normal, vstack hstack, hstack vstack
""".split(","))}  # fmt: skip


def _with(node: Any, **fields: Any) -> Any:
    new = copy(node)
    for field, value in fields.items():
        setattr(new, field, value)
    return new


def _each(node: ast.AST, field: str, change: Callable[[Any], Iterable[ast.AST]]) -> list[ast.AST]:
    """The node with one of its parts in that field changed."""
    parts = getattr(node, field)
    return [_with(node, **{field: _spliced(parts, i, [new])}) for i in range(len(parts)) for new in change(parts[i])]


def _less(node: ast.AST, field: str) -> list[ast.AST]:
    """The node without one of its parts in that field."""
    parts = getattr(node, field)
    return [_with(node, **{field: _spliced(parts, i, [])}) for i in range(len(parts))]


def _pairs(node: ast.AST, field: str, *orders: str) -> list[ast.AST]:
    """The node with two neighbours, a and b, in that field replaced: by `ba`, `aa` or `bb`."""
    parts = getattr(node, field)
    pairs = [(i, order, dict(a=parts[i], b=parts[i + 1])) for i in range(len(parts) - 1) for order in orders]
    return [_with(node, **{field: [*parts[:i], *map(ab.get, order), *parts[i + 2 :]]}) for i, order, ab in pairs]


def _spliced(parts: list[Any], i: int, new: list[Any]) -> list[Any]:
    return [*parts[:i], *new, *parts[i + 1 :]]


def _others(name: object) -> list[str]:
    return _NEIGHBOURS.get(name if isinstance(name, str) else type(name).__name__, [])


def _classes(node: ast.AST) -> list[ast.AST]:
    """Other operators, or another jump."""
    return [getattr(ast, name)() for name in _others(node)]


def _integer(node: ast.AST | None) -> int | None:
    """The value of an integer literal, negative ones included."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _integer(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _number(value: float) -> ast.expr:
    return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def _constants(node: ast.Constant) -> list[ast.expr]:
    if isinstance(node.value, bool):
        return [ast.Constant(not node.value)]
    if not isinstance(node.value, int | float):
        return []
    return [_number(value) for value in (node.value + 1, node.value - 1, -node.value) if value or node.value]


def _off_by_one(node: ast.expr) -> list[ast.expr]:
    value = _integer(node)
    if value is not None:
        return [_number(value + 1), _number(value - 1)]
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.Slice | ast.Tuple):
        return []
    return [ast.BinOp(node, op, ast.Constant(1)) for op in (ast.Add(), ast.Sub())]


def _negated(node: ast.expr | None) -> list[ast.AST]:
    """Minus the value; of a tuple each part in turn. Literals have operators of their own, and -0 is 0."""
    if isinstance(node, ast.Tuple):
        return _each(node, "elts", _negated)
    zeros = isinstance(node, ast.Call) and _called(node) in ("zeros", "zeros_like")
    return [] if node is None or zeros or isinstance(node, _LITERALS) else [ast.UnaryOp(ast.USub(), node)]


def _axes(node: ast.keyword) -> list[ast.AST]:
    if node.arg != "axis":
        return []
    if isinstance(node.value, ast.Tuple):
        return [_with(node, value=value) for value in _less(node.value, "elts")]
    return [_with(node, value=ast.Constant(int(_integer(node.value) == 0)))]


def _called(node: ast.Call) -> str:
    """The last name of what is called: `max` of `np.max(z)`."""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _unwrapped(node: ast.Call) -> Iterator[ast.AST]:
    """The only argument, or what the method is called on."""
    if len(node.args) == 1 and _called(node) not in _CONVERSIONS:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") not in ("np", "math"):
        yield node.func.value


def _transposed(node: ast.expr) -> list[ast.AST]:
    return [] if isinstance(node, ast.Attribute) and node.attr == "T" else [ast.Attribute(node, "T")]
