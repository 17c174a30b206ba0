"""Correct text in, its tree out: every construct, precedence against Python's, the loop against lark's."""

from __future__ import annotations

import ast as python
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import lark
import msgspec
import pytest
from conftest import Case, cases
from hypothesis import assume, given
from hypothesis import strategies as st

from netc.dsl import ast, literals, tables
from netc.dsl.build import CALLBACKS
from netc.dsl.lalr import Parser, Token, Unexpected
from netc.dsl.layout import lay_out
from netc.dsl.lexer import tokenize
from netc.dsl.parser import DEFINITIONS, parse, parse_item
from netc.dsl.source import Source

PROGRAMS = [case.program for case in cases("syntax/programs") + cases("syntax/trees")]


def parsed(text: str) -> ast.File:
    file, diagnostics = parse(Source("test.net", text))
    assert not diagnostics, [(str(found.place), found.message) for found in diagnostics]
    return file


def dump(value: Any) -> str:
    """The tree in a line: names, numbers and windows as written, else the class with its fields."""
    match value:
        case ast.Name():
            return value.id
        case ast.Number():
            return f"{value.value!r}"
        case ast.Dims():
            return "x".join(map(str, value.sizes))
        case ast.Binary():
            return f"({dump(value.left)} {value.operator} {dump(value.right)})"
        case ast.Unary():
            return f"({value.operator} {dump(value.operand)})"
        case ast.Argument():
            return (
                f"{value.name + '=' if value.name else ''}{'...' if value.spread else ''}{dump(value.value)}"
            )
        case ast.Node():
            fields = [
                field.name for field in msgspec.structs.fields(value) if field.name not in ("start", "end")
            ]
            return f"{type(value).__name__}[{', '.join(dump(getattr(value, name)) for name in fields)}]"
        case tuple():
            return f"({', '.join(map(dump, value))})"
        case _:
            return repr(value)


@pytest.mark.cases("syntax/programs")
def test_a_correct_program_has_no_mistakes(case: Case) -> None:
    assert parsed(case.program).items


@pytest.mark.cases("syntax/trees")
def test_the_tree_is_as_expected(case: Case, agrees: Callable[[Case, str, str], None]) -> None:
    agrees(case, "tree", "\n".join(dump(item.tree) for item in parsed(case.program).items))


# --- the grammar and its tables ------------------------------------------------------------------


def test_the_shipped_tables_are_those_of_the_grammar() -> None:
    shipped = tables.files("netc.grammar") / "net.tables.json"
    assert shipped.read_text(encoding="utf-8") == tables.write_tables(), "run `make tables`"


def test_a_grammar_with_a_conflict_is_refused() -> None:
    ambiguous = tables.grammar_text().replace("_flat: _term |", "_flat: _term | _flat _op _flat |")
    with pytest.raises(lark.exceptions.GrammarError):
        tables.build_tables(ambiguous)


def test_rules_are_named_after_the_classes_of_the_tree() -> None:
    own = (found for found in vars(ast).values() if getattr(found, "__module__", "") == ast.__name__)
    classes = {found.__name__.lower() for found in own if isinstance(found, type)}
    rules = {name.replace("_", "") for name in CALLBACKS}
    made_without_a_rule = {"argument", "binary", "conditional", "definition", "expr", "file", "item", "label"}
    made_without_a_rule |= {"node", "statement", "unary"}
    assert classes - rules <= made_without_a_rule


class LineEnds:
    """Drops from lark's tokens the line ends inside ( ) and [ ], by other code than ours."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[lark.Token]) -> Iterator[lark.Token]:
        brackets = [""]
        for token in stream:
            if token.type == "_NL" and brackets[-1] in ("(", "[") and ";" not in re.sub("#.*", "", token):
                continue
            if token.value in ("(", "[", "{"):
                brackets.append(token.value)
            elif token.value in (")", "]", "}"):
                brackets.pop()
            yield token


@pytest.fixture(scope="module")
def lark_parser() -> lark.Lark:
    return lark.Lark(
        tables.grammar_text(),
        parser="lalr",
        lexer="contextual",
        start=list(tables.STARTS),
        postlex=LineEnds(),
    )


def plain(tree: Any) -> Any:
    """lark's tree, or ours, as nested tuples."""
    if isinstance(tree, lark.Tree):
        return (str(tree.data), *map(plain, tree.children))
    if isinstance(tree, lark.Token):
        return (tree.type, tree.start_pos)
    return tree


PLAIN = Parser(
    tables.load_tables(),
    {
        rule.callback: lambda context, start, end, children, name=rule.callback: (
            name,
            *[(child.kind, child.start) if type(child).__name__ == "Token" else child for child in children],
        )
        for rule in tables.load_tables().rules
        if rule.callback and rule.callback not in ("item", "operand", "postfix", "atom")
    },
)


def read_plainly(text: str) -> Any:
    """What our loop makes of one item; None where it refuses."""
    raw, slips = tokenize(text)
    tokens, more = lay_out(raw, text, 100)
    if slips or more or tokens[-1:] != [Token("$END", len(text), len(text))]:
        return None
    try:
        return PLAIN.parse(tokens, "item", None)
    except Unexpected:
        return None


def test_our_loop_reads_what_lark_reads(lark_parser: lark.Lark) -> None:
    for program in PROGRAMS:
        for item in parsed(program).items:
            text = program[item.offset : item.offset + item.tree.end]
            assert read_plainly(text) == plain(lark_parser.parse(text, start="item"))


WORDS = (
    'a in if else for not or and let input output takes as 1 2x3 "s" ( ) [ ] { } , ; : . = -> ... + - ^ ~= \n'
)


@given(st.lists(st.sampled_from([*WORDS.split(" "), "net n {", "}", "block b"]), max_size=12), st.randoms())
def test_our_loop_refuses_what_lark_refuses(
    lark_parser: lark.Lark, words: list[str], chance: random.Random
) -> None:
    text = f"{chance.choice(['net n { ', 'let a = ', 'block b ', 'expect e { '])}{' '.join(words)}"
    text = text.strip(" \n;") + chance.choice(["", " }"])
    try:
        expected = plain(lark_parser.parse(text, start="item"))
    except (lark.exceptions.UnexpectedInput, IndexError):
        expected = None
    found = read_plainly(text)
    # lark reads the `in` of `input` as a word of its own where no statement can begin
    assume(not (found is None and expected is not None and "input" in words))
    assert found == expected


# --- precedence ----------------------------------------------------------------------------------

BINARY = ["+", "-", "*", "/", "//", "%", "^", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
OPERATORS = {
    python.Add: "+", python.Sub: "-", python.Mult: "*", python.Div: "/", python.FloorDiv: "//",
    python.Mod: "%", python.Pow: "^", python.Eq: "==", python.NotEq: "!=", python.Lt: "<",
    python.LtE: "<=", python.Gt: ">", python.GtE: ">=", python.In: "in", python.NotIn: "not in",
    python.And: "and", python.Or: "or", python.USub: "-", python.Not: "not",
}  # fmt: skip


def rows() -> st.SearchStrategy[str]:
    """Operands with operators between and before them, sensible or not."""
    prefix = st.sampled_from(["", "", "", "-", "not ", "- -", "not not "])
    name = st.sampled_from(["a", "b", "c", "1", "2.5"])

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operand = st.builds("{}{}".format, prefix, inner | inner.map("({})".format))
        pair = st.tuples(operand, st.sampled_from([*BINARY, "if"]), operand, st.sampled_from(BINARY), operand)
        ternary = st.builds("{} if {} else {}".format, operand, operand, operand)
        return (
            pair.map(" ".join) | ternary | st.tuples(operand, st.sampled_from(BINARY), operand).map(" ".join)
        )

    return st.recursive(name, extend, max_leaves=12)


def from_python(node: python.expr) -> Any:
    match node:
        case python.BinOp():
            return (OPERATORS[type(node.op)], from_python(node.left), from_python(node.right))
        case python.UnaryOp():
            return (OPERATORS[type(node.op)], from_python(node.operand))
        case python.BoolOp():
            first, *others = map(from_python, node.values)
            for other in others:
                first = (OPERATORS[type(node.op)], first, other)
            return first
        case python.Compare():
            terms = list(map(from_python, [node.left, *node.comparators]))
            pairs = list(zip(node.ops, terms, terms[1:], strict=False))
            first, *others = [(OPERATORS[type(op)], left, right) for op, left, right in pairs]
            for other in others:
                first = ("and", first, other)
            return first
        case python.IfExp():
            return ("if", *map(from_python, (node.test, node.body, node.orelse)))
        case python.Name():
            return node.id
        case python.Constant():
            return node.value
    raise AssertionError(node)


def from_ours(node: ast.Expr) -> Any:
    match node:
        case ast.Binary():
            return (node.operator, from_ours(node.left), from_ours(node.right))
        case ast.Unary():
            return (node.operator, from_ours(node.operand))
        case ast.Conditional():
            return ("if", *map(from_ours, (node.condition, node.then, node.otherwise)))
        case ast.Name():
            return node.id
        case ast.Number():
            return node.value
    raise AssertionError(node)


@given(rows())
def test_precedence_is_that_of_python(row: str) -> None:
    try:
        expected = from_python(python.parse(row.replace("^", "**"), mode="eval").body)
    except SyntaxError:
        assert parse(Source("test.net", f"let x = {row}"))[1]
        return
    tree = parsed(f"let x = {row}").items[0].tree
    assert isinstance(tree, ast.Constants)
    assert from_ours(tree.value) == expected


# --- literals ------------------------------------------------------------------------------------


@given(st.integers(0, 2**63 - 1))
def test_an_integer_is_read_with_and_without_underscores(number: int) -> None:
    assert literals.read_number(str(number)) == literals.read_number(f"{number:_}") == number


@given(st.floats(0, allow_infinity=False, allow_nan=False))
def test_a_float_is_read_as_python_reads_it(number: float) -> None:
    text = repr(number)
    assert literals.read_number(text) == number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("25.5M", 25_500_000), ("159Ki", 162_816), ("4.1G", 4_100_000_000), ("1.5Ki", 1536)],
        *[("0.1Ki", 102.4), ("2Gi", 2**31), ("1e3K", 1e6), ("1_0.5_0K", 10_500), ("3Mi", 3 * 2**20)],
    ],
)
def test_a_suffix_multiplies(text: str, value: float) -> None:
    found = literals.read_number(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", [str(2**63), "9" * 10_000, "9223372036854775808", "10000000000G", "1e999", "1e308K"]
)
def test_a_number_beyond_its_limit_is_refused(text: str) -> None:
    (found,) = parse(Source("test.net", f"let a = {text}"))[1]
    assert found.code == "number-limit"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=50))
def test_a_string_gives_back_what_was_put_in(text: str) -> None:
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    tree = parsed(f'let a = "{written}"').items[0].tree
    assert isinstance(tree, ast.Constants)
    assert isinstance(tree.value, ast.String)
    assert tree.value.value == text


# --- places, laziness, caching -------------------------------------------------------------------


def nodes(value: Any) -> Iterator[ast.Node]:
    if isinstance(value, ast.Node):
        yield value
        for field in msgspec.structs.fields(value):
            yield from nodes(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from nodes(part)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_places_point_at_what_was_written(ends: str) -> None:
    for program in PROGRAMS:
        text = "\ufeff" + program.replace("\n", ends)
        for item in parsed(text).items:
            for node in nodes(item.tree):
                written = text[item.place(node).start : item.place(node).end]
                assert written == written.strip()
                if isinstance(node, ast.Name):
                    assert written.strip("( )") == node.id
                if isinstance(node, ast.Body):
                    assert written[0] == "{" or isinstance(node.statements[0], ast.If)
                    assert written[-1] == "}"
                if isinstance(node, ast.Number):
                    assert written == node.text
                for field in msgspec.structs.fields(node):
                    for child in nodes(getattr(node, field.name)):
                        row_label = isinstance(node, ast.Claim)
                        assert row_label or node.start <= child.start <= child.end <= node.end


def test_line_ends_of_windows_give_the_same_tree() -> None:
    for program in PROGRAMS:
        trees = [dump(item.tree) for item in parsed(program).items]
        assert trees == [dump(item.tree) for item in parsed(program.replace("\n", "\r\n")).items]


def test_expectations_and_recipes_are_read_on_demand() -> None:
    source = Source("test.net", "net a { relu }\nexpect a { nonsense nonsense }\ntrain a { = }\n")
    file, diagnostics = parse(source, DEFINITIONS)
    assert not diagnostics
    assert [type(item.tree) for item in file.items] == [ast.Net]
    assert [found.place.line for found in parse(source)[1]] == [2, 3]


def test_equal_items_are_parsed_once() -> None:
    parse_item.cache_clear()
    text = "block a { conv(3x3, 64) -> relu }"
    first = parsed(f"{text}\n").items[0]
    second = parsed(f"# moved\n\n{text}\nnet b {{ a }}\n").items[0]
    assert first.tree is second.tree
    assert second.place(second.tree).line == 3


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# only a comment", " \t\r\n;;\n", "#\r\n"])
def test_a_file_may_be_empty(text: str) -> None:
    assert not parsed(text).items


def test_no_name_of_a_token_is_in_the_words_of_the_language() -> None:
    assert set(tables.load_tables().words) == {
        *re.findall(r"\w+", "and or not if else for true false none in use let block net expect train"),
        *re.findall(r"\w+", "input output aux as takes reported"),
    }
