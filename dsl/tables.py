"""The grammar in, the tables of its LALR parser out: shipped as JSON, or built by lark where that is stale.

The tables are data of the package (`grammar/net.tables.json`), with the text of the grammar, so that
a run imports no lark and unpickles nothing. `make tables` writes them again; a test holds them up to date.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

STARTS = ("item", "body", "claims", "recipe")


class Rule(Struct, frozen=True):
    """A production. `keep` lists what its callback receives: positions of its `length` children, None for
    an optional part that is absent; those in `inline` are lists, put in place of themselves.
    """

    origin: str
    length: int
    callback: str
    """Empty: the children are passed on as a list, to be put in place in the parent."""
    keep: tuple[int | None, ...]
    inline: tuple[int, ...]
    single: bool
    """A single child is passed on as it is."""


class Tables(Struct, frozen=True):
    grammar: str
    """The text that they were made of."""
    patterns: dict[str, str]
    """Terminals given by a regular expression, the first that fits first."""
    marks: dict[str, str]
    """Punctuation and its terminals."""
    words: dict[str, str]
    rules: tuple[Rule, ...]
    starts: dict[str, int]
    ends: dict[str, int]
    actions: tuple[dict[str, int], ...]
    """By state and terminal: the next state to shift to, or `-1 - rule` to reduce."""
    gotos: tuple[dict[str, int], ...]


def grammar_text() -> str:
    return (files("netc.grammar") / "net.lark").read_text(encoding="utf-8")


@cache
def load_tables() -> Tables:
    """The shipped tables, or new ones where the grammar is not the one that they were made of."""
    grammar = grammar_text()
    shipped = files("netc.grammar") / "net.tables.json"
    try:
        tables = msgspec.json.decode(shipped.read_bytes(), type=Tables)
    except (OSError, msgspec.MsgspecError):
        return build_tables(grammar)
    return tables if tables.grammar == grammar else build_tables(grammar)


def write_tables() -> str:
    """The text of `grammar/net.tables.json`."""
    return msgspec.json.encode(build_tables(grammar_text())).decode().replace("},{", "},\n{") + "\n"


def build_tables(grammar: str) -> Tables:
    """Raises lark's GrammarError where the grammar has a conflict (`strict`)."""
    from lark import Lark
    from lark.lexer import Lexer
    from lark.parsers.lalr_analysis import Shift

    class NoLexer(Lexer):
        def __init__(self, configuration: object) -> None: ...

        def lex(self, state: object, parser: object) -> Any:
            raise NotImplementedError

    parser = Lark(grammar, parser="lalr", lexer=NoLexer, start=list(STARTS), strict=True)
    table = parser.parser.parser._parse_table
    rules = {rule: number for number, rule in enumerate(sorted(parser.rules, key=str))}
    numbers = number_states(table)
    names = {rule.origin.name for rule in rules}
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in numbers:
        actions.append({})
        gotos.append({})
        for symbol, (action, target) in sorted(table.states[state].items(), key=lambda entry: entry[0]):
            row = gotos[-1] if symbol in names else actions[-1]
            row[str(symbol)] = numbers[target] if action is Shift else -1 - rules[target]
    used = [terminal for terminal in parser.terminals if terminal.name not in parser.ignore_tokens]
    patterns = sorted((t for t in used if t.pattern.type == "re"), key=lambda t: -t.priority)
    texts = {str(t.pattern.value): str(t.name) for t in used if t.pattern.type == "str"}
    return Tables(
        grammar=grammar,
        patterns={str(t.name): str(t.pattern.value) for t in patterns if not t.name.startswith("_")},
        marks={text: name for text, name in sorted(texts.items()) if not text.isalpha()},
        words={text: name for text, name in sorted(texts.items()) if text.isalpha()},
        rules=tuple(describe_rule(rule) for rule in rules),
        starts={start: numbers[state] for start, state in sorted(table.start_states.items())},
        ends={start: numbers[state] for start, state in sorted(table.end_states.items())},
        actions=tuple(actions),
        gotos=tuple(gotos),
    )


def number_states(table: Any) -> dict[Any, int]:
    """The states in the order in which they are reached, so that the same grammar gives the same tables."""
    from lark.parsers.lalr_analysis import Shift

    reached = [table.start_states[start] for start in STARTS]
    for state in reached:
        for _, (action, target) in sorted(table.states[state].items(), key=lambda entry: entry[0]):
            if action is Shift and target not in reached:
                reached.append(target)
    return {state: number for number, state in enumerate(reached)}


def describe_rule(rule: Any) -> Rule:
    keep: list[int | None] = []
    inline = []
    # `empty_indices` has a True for each absent part, between the Falses of the symbols that are there.
    absent = rule.options.empty_indices or (False,) * len(rule.expansion)
    symbols = iter(enumerate(rule.expansion))
    for missing in absent:
        if missing:
            keep.append(None)
            continue
        position, symbol = next(symbols)
        if symbol.is_term and symbol.filter_out:
            continue
        keep.append(position)
        if not symbol.is_term and symbol.name.startswith("_"):
            inline.append(position)
    name = str(rule.origin.name)
    return Rule(
        origin=name,
        length=len(rule.expansion),
        callback="" if name.startswith("_") else str(rule.alias or name),
        keep=tuple(keep),
        inline=tuple(inline),
        single=rule.options.expand1,
    )
