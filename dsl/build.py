"""What the parser read in, nodes of the tree out: one function for each rule of the grammar.

Each takes the builder, the place, and the children that the rule keeps (None for an optional part that is
absent; tokens for names, literals and operators).
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from . import ast, literals
from .builder import Builder
from .lalr import Callback
from .precedence import Misplaced, Piece, resolve, resolve_claim, resolve_filtered
from .slip import Slip

Children = list[Any]
CONSTANTS = {"TRUE": True, "FALSE": False, "NONE": None}

# --- top level ---------------------------------------------------------------------------------


def docstring(builder: Builder, start: int, end: int, children: Children) -> ast.Docstring:
    return ast.Docstring(start, end, builder.string(literals.read_docstring, start, end))


def use(builder: Builder, start: int, end: int, children: Children) -> ast.Use:
    module, names = children
    return ast.Use(start, end, builder.name(module), names)


def constants(builder: Builder, start: int, end: int, children: Children) -> ast.Constants:
    name, value = children
    return ast.Constants(start, end, builder.name(name), value)


def block(builder: Builder, start: int, end: int, children: Children) -> ast.Block:
    name, parameters, takes, body = children
    return ast.Block(start, end, builder.name(name), parameters or (), takes, body)


def net(builder: Builder, start: int, end: int, children: Children) -> ast.Net:
    name, parameters, body = children
    return ast.Net(start, end, builder.name(name), parameters or (), body)


def net_alias(builder: Builder, start: int, end: int, children: Children) -> ast.NetAlias:
    name, value = children
    return ast.NetAlias(start, end, builder.name(name), value)


def expect(builder: Builder, start: int, end: int, children: Children) -> ast.Expect:
    target, source, claims = children
    return ast.Expect(start, end, target, builder.source(source), claims)


def train(builder: Builder, start: int, end: int, children: Children) -> ast.Train:
    *targets, entries = children
    return ast.Train(start, end, tuple(targets), entries)


def names(builder: Builder, start: int, end: int, children: Children) -> tuple[ast.Name, ...]:
    return tuple(builder.name(token) for token in children)


def parameters(builder: Builder, start: int, end: int, children: Children) -> tuple[ast.Parameter, ...]:
    for parameter in children[:-1]:
        if parameter.rest:
            builder.wrong(parameter, f"`...{parameter.name}` takes what is left, and stands last")
    return tuple(children)


def parameter(builder: Builder, start: int, end: int, children: Children) -> ast.Parameter:
    name, default = children
    return ast.Parameter(start, end, builder.name(name).id, default, False)


def rest(builder: Builder, start: int, end: int, children: Children) -> ast.Parameter:
    return ast.Parameter(start, end, builder.name(children[0]).id, None, True)


# --- statements --------------------------------------------------------------------------------


def body(builder: Builder, start: int, end: int, children: Children) -> ast.Body:
    return ast.Body(start, end, tuple(children))


def flow(builder: Builder, start: int, end: int, children: Children) -> ast.Flow:
    named, value = children
    for step in value.steps if isinstance(value, ast.Chain) else (value,):
        refuse_comparison(builder, step)
    labels: tuple[ast.Label, ...] = ()
    if isinstance(named, ast.Tuple):
        labels = tuple(builder.label(item) for item in named.items)
    elif named is not None:
        labels = (builder.label(named),)
    return ast.Flow(start, end, labels, value)


def refuse_comparison(builder: Builder, step: ast.Expr) -> None:
    """`a > b` where a value flows: an arrow that lacks its line."""
    places = find_comparisons(builder, step)
    if places:
        fix = tuple((at, at + 1, "->") for at in places)
        message, help = "`>` compares; a value flows on through `->`", "write `->`"
        builder.slips.append(Slip("syntax", message, places[0], places[0] + 1, help=help, fix=fix))


def find_comparisons(builder: Builder, step: ast.Expr) -> list[int]:
    """Where the `>` of `a > b > c` stand; none where there is another operator."""
    if not isinstance(step, ast.Binary):
        return []
    if step.operator == ">":
        at = builder.text.find(">", step.left.end, step.right.start)
        return [at] if at >= 0 else []
    first, second = find_comparisons(builder, step.left), find_comparisons(builder, step.right)
    return first + second if step.operator == "and" and first and second else []


def let(builder: Builder, start: int, end: int, children: Children) -> ast.Let:
    name, value = children
    return ast.Let(start, end, builder.name(name), value)


def if_(builder: Builder, start: int, end: int, children: Children) -> ast.If:
    condition, then, otherwise = children
    if isinstance(otherwise, ast.If):
        otherwise = ast.Body(otherwise.start, otherwise.end, (otherwise,))
    return ast.If(start, end, condition, then, otherwise)


def targets(builder: Builder, start: int, end: int, children: Children) -> ast.Targets:
    return tuple(child if isinstance(child, ast.Parts) else builder.name(child) for child in children)


def parts(builder: Builder, start: int, end: int, children: Children) -> ast.Parts:
    return ast.Parts(start, end, targets(builder, start, end, children))


def for_(builder: Builder, start: int, end: int, children: Children) -> ast.For:
    return ast.For(start, end, *children)


def input_(builder: Builder, start: int, end: int, children: Children) -> ast.Input:
    label, shape, dtype = children
    named = None if label is None else builder.label(label)
    return ast.Input(start, end, named, shape, None if dtype is None else builder.name(dtype))


def output(builder: Builder, start: int, end: int, children: Children) -> ast.Output:
    label, value = children
    return ast.Output(start, end, None if label is None else builder.label(label), value)


def aux(builder: Builder, start: int, end: int, children: Children) -> ast.Aux:
    label, value = children
    if isinstance(label, ast.Call):
        return ast.Aux(start, end, builder.label(label.target), label.arguments, value)
    return ast.Aux(start, end, builder.label(label), (), value)


# --- expectations and recipes ------------------------------------------------------------------


def claims(
    builder: Builder, start: int, end: int, children: Children
) -> tuple[ast.Claim | ast.Reported, ...]:
    flat: list[ast.Claim | ast.Reported] = []
    for row in children:
        flat.extend(row if isinstance(row, list) else [row])
    return tuple(flat)


def row(builder: Builder, start: int, end: int, children: Children) -> list[ast.Claim]:
    label, *made = children
    if label is None:
        return made
    path = label
    while isinstance(path, ast.Index | ast.Attribute):
        path = path.target
    if not isinstance(path, ast.Name):
        builder.wrong(
            label, "this names no part of the net", "a row begins with a path, such as `layer[1][0]:`"
        )
    return [replace(claim, row=label) for claim in made]


def claim(builder: Builder, start: int, end: int, children: Children) -> ast.Claim:
    *pieces, source = children
    try:
        sides = resolve_claim(pieces)
    except Misplaced as error:
        sides = builder.misplaced(error), "==", ast.Name(end, end, "")
    if sides is None:
        place = ast.Name(start, end, "")
        builder.wrong(
            place, "a claim has two sides, and one of `==`, `~=`, `<=`, `!~` between them", code="bad-claim"
        )
        sides = place, "==", place
    return ast.Claim(start, end, None, *sides, builder.source(source))


def reported(builder: Builder, start: int, end: int, children: Children) -> ast.Reported:
    name, value, source = children
    return ast.Reported(start, end, builder.name(name), value, builder.source(source))


def recipe(builder: Builder, start: int, end: int, children: Children) -> tuple[ast.Entry, ...]:
    return tuple(children)


def entry(builder: Builder, start: int, end: int, children: Children) -> ast.Entry:
    name, value = children
    return ast.Entry(start, end, builder.name(name), value)


# --- expressions -------------------------------------------------------------------------------


def chain(builder: Builder, start: int, end: int, children: Children) -> ast.Chain:
    return ast.Chain(start, end, tuple(children))


def expr(builder: Builder, start: int, end: int, children: list[Piece]) -> ast.Expr:
    first = children[0]
    if len(children) == 1 and isinstance(first, ast.Expr):
        return first
    try:
        return resolve(children)
    except Misplaced as error:
        return builder.misplaced(error)


def group(builder: Builder, start: int, end: int, children: Children) -> ast.Group:
    head, inside = children
    return ast.Group(start, end, head, inside)


def call(builder: Builder, start: int, end: int, children: Children) -> ast.Call:
    return ast.Call(start, end, children[0], tuple(children[1:]))


def argument(builder: Builder, start: int, end: int, children: Children) -> ast.Argument:
    return ast.Argument(start, end, None, children[0], False)


def named(builder: Builder, start: int, end: int, children: Children) -> ast.Argument:
    name, value = children
    return ast.Argument(start, end, builder.text[name.start : name.end], value, False)


def spread(builder: Builder, start: int, end: int, children: Children) -> ast.Argument:
    return ast.Argument(start, end, None, children[0], True)


def index(builder: Builder, start: int, end: int, children: Children) -> ast.Index:
    return ast.Index(start, end, children[0], tuple(children[1:]))


def slice_(builder: Builder, start: int, end: int, children: Children) -> ast.Slice:
    low, high = children
    return ast.Slice(start, end, low, high)


def attribute(builder: Builder, start: int, end: int, children: Children) -> ast.Attribute:
    target, name = children
    return ast.Attribute(start, end, target, builder.text[name.start : name.end])


def number(builder: Builder, start: int, end: int, children: Children) -> ast.Number:
    zero: int | float = 0
    value = builder.literal(literals.read_number, start, end, zero)
    return ast.Number(start, end, value, builder.text[start:end])


def dims(builder: Builder, start: int, end: int, children: Children) -> ast.Dims:
    return ast.Dims(start, end, builder.literal(literals.read_dims, start, end, (1,)))


def string(builder: Builder, start: int, end: int, children: Children) -> ast.String:
    return ast.String(start, end, builder.string(literals.read_string, start, end))


def constant(builder: Builder, start: int, end: int, children: Children) -> ast.Constant:
    return ast.Constant(start, end, CONSTANTS[children[0].kind])


def name(builder: Builder, start: int, end: int, children: Children) -> ast.Name:
    return ast.Name(start, end, builder.text[start:end])


def list_(builder: Builder, start: int, end: int, children: Children) -> ast.List:
    return ast.List(start, end, tuple(children))


def comprehension(builder: Builder, start: int, end: int, children: Children) -> ast.Comprehension:
    item, targets, *pieces = children
    try:
        source, condition = resolve_filtered(pieces)
    except Misplaced as error:
        source, condition = builder.misplaced(error), None
    return ast.Comprehension(start, end, item, targets, source, condition)


def tuple_(builder: Builder, start: int, end: int, children: Children) -> ast.Tuple:
    return ast.Tuple(start, end, tuple(children))


def parenthesis(builder: Builder, start: int, end: int, children: Children) -> ast.Expr:
    """What is inside, placed with its parentheses: what it becomes a part of then holds both of them."""
    inside: ast.Expr = children[0]
    return replace(inside, start=start, end=end)


CALLBACKS: dict[str, Callback] = {
    made.__name__.rstrip("_"): made
    for made in (
        docstring, use, constants, block, net, net_alias, expect, train, names, parameters, parameter, rest,
        body, flow, let, if_, for_, targets, parts, input_, output, aux,
        claims, row, claim, reported, recipe, entry,
        chain, expr, group, call, argument, named, spread, index, slice_, attribute,
        number, dims, string, constant, name, list_, comprehension, tuple_, parenthesis,
    )
}  # fmt: skip
CALLBACKS["head"] = expr
