"""Tokens and tables in, what the callbacks make of them out: the loop of an LALR parser.

lark makes the tables; the loop is here so that a run need not import lark. A test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .tables import Rule, Tables


class Token(NamedTuple):
    """`kind` is a terminal of the grammar; `text[start:end]` is what was written."""

    kind: str
    start: int
    end: int


Callback = Callable[[Any, int, int, list[Any]], Any]
"""Takes the context given to `Parser.parse`, the place, and the children that the grammar keeps."""


class Unexpected(Exception):
    """The grammar has no use for the token at `index`, even taken as `kind`. The stack of `states` may have
    been reduced in vain for it.
    """

    def __init__(self, index: int, kind: str, states: list[int]) -> None:
        super().__init__(index)
        self.index, self.kind, self.states = index, kind, states


class Parser:
    def __init__(self, tables: Tables, callbacks: Mapping[str, Callback]) -> None:
        self.tables = tables
        self.soft = frozenset(
            kind for word, kind in tables.words.items() if re.fullmatch(tables.patterns["NAME"], word)
        )
        """The words that are names where the grammar has no use for them; the others are reserved."""
        self.rules = [self.prepare(rule, callbacks) for rule in tables.rules]

    @staticmethod
    def prepare(rule: Rule, callbacks: Mapping[str, Callback]) -> tuple[Any, ...]:
        named = rule.callback and not (rule.single and rule.callback not in callbacks)
        callback = callbacks[rule.callback] if named else None
        plain = rule.keep == tuple(range(rule.length)) and not rule.inline
        plan = None if plain else tuple((position, position in rule.inline) for position in rule.keep)
        return rule.origin, rule.length, callback, plan, rule.single

    def parse(self, tokens: Sequence[Token], start: str, context: Any) -> Any:
        """`tokens` ends with one of kind `$END`. Raises `Unexpected`."""
        actions, gotos, rules, soft = self.tables.actions, self.tables.gotos, self.rules, self.soft
        states = [self.tables.starts[start]]
        final = self.tables.ends[start]
        values: list[Any] = []
        starts: list[int] = []
        end = 0
        for index, token in enumerate(tokens):
            kind = token[0]
            while True:
                action = actions[states[-1]].get(kind)
                if action is None:
                    if kind not in soft:
                        raise Unexpected(index, kind, states)
                    kind = "NAME"
                    continue
                if action >= 0:
                    states.append(action)
                    values.append(token if kind == token[0] else token._replace(kind=kind))
                    starts.append(token[1])
                    end = token[2]
                    break
                origin, length, callback, plan, single = rules[-1 - action]
                if length == 1:
                    states.pop()
                    if not single:
                        children = [values[-1]] if plan is None else pick(values[-1:], plan)
                        made = children if callback is None else callback(context, starts[-1], end, children)
                        values[-1] = made
                else:
                    children = values[-length:] if plan is None else pick(values[-length:], plan)
                    del states[-length:], values[-length:], starts[1 - length :]
                    if callback is None:
                        values.append(children)
                    elif single and len(children) == 1:
                        values.append(children[0])
                    else:
                        values.append(callback(context, starts[-1], end, children))
                state = gotos[states[-1]][origin]
                if state == final:
                    return values[0]
                states.append(state)
        raise ValueError("the tokens have no $END")

    def run(self, tokens: Sequence[Token], start: str) -> tuple[int, str, list[int]]:
        """As `parse`, but nothing is made: the index of the first token that the grammar has no use for, even
        taken as a kind, and that kind; the number of tokens where there is none. Then the stack of states."""
        actions, gotos, rules, soft = self.tables.actions, self.tables.gotos, self.tables.rules, self.soft
        states = [self.tables.starts[start]]
        final = self.tables.ends[start]
        for index, token in enumerate(tokens):
            kind = token[0]
            while True:
                action = actions[states[-1]].get(kind)
                if action is None:
                    if kind not in soft:
                        return index, kind, states
                    kind = "NAME"
                elif action >= 0:
                    states.append(action)
                    break
                else:
                    rule = rules[-1 - action]
                    del states[-rule.length :]
                    state = gotos[states[-1]][rule.origin]
                    if state == final:
                        return len(tokens), "", states
                    states.append(state)
        return len(tokens), "", states

    def accepts(self, tokens: Sequence[Token], start: str) -> set[str]:
        """The terminals that could stand behind `tokens`."""
        _, _, states = self.run(tokens, start)
        return {kind for kind in self.tables.actions[states[-1]] if self.would_shift(states, kind)}

    def would_shift(self, states: list[int], kind: str) -> bool:
        stack = list(states)
        while True:
            action = self.tables.actions[stack[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            rule = self.tables.rules[-1 - action]
            del stack[-rule.length :]
            stack.append(self.tables.gotos[stack[-1]][rule.origin])
            if stack[-1] in self.tables.ends.values():
                return True


def pick(children: list[Any], plan: tuple[tuple[int | None, bool], ...]) -> list[Any]:
    """The children that a rule keeps, lists put in place. The first list is used again, not copied."""
    picked: list[Any] | None = None
    for position, inline in plan:
        if position is None:
            picked = picked if picked is not None else []
            picked.append(None)
        elif inline:
            if picked is None:
                picked = children[position]
            else:
                picked.extend(children[position])
        elif picked is None:
            picked = [children[position]]
        else:
            picked.append(children[position])
    return picked if picked is not None else []
