"""Tokens and the one that the grammar has no use for in, what a person did wrong there out.

The first of `EXPLANATIONS` that knows the case speaks; `expectation` speaks where none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from .case import NAMES, Case
from .lalr import Token
from .mistakes_of_marks import (
    explain_assignment,
    explain_colon,
    explain_comma,
    explain_nothing_before,
    explain_semicolon,
    explain_walrus,
)
from .mistakes_of_omission import (
    explain_missing_brace,
    explain_missing_mark,
    explain_missing_name,
    explain_missing_value,
    explain_side_by_side,
)
from .mistakes_of_words import (
    explain_after_end,
    explain_else,
    explain_foreign_word,
    explain_item,
    explain_nested_item,
    explain_reserved,
)
from .slip import Slip


def explain(tokens: Sequence[Token], index: int, accepted: set[str], text: str, item: str) -> Slip:
    """`item` is the word that begins the item, or was meant to."""
    case = Case(tokens, index, accepted, text, item)
    for explanation in EXPLANATIONS:
        slip = explanation(case)
        if slip is not None:
            break
    else:
        slip = expectation(case)
    return replace(slip, inside=case.opener.start if case.opener else None)


EXPLANATIONS: tuple[Callable[[Case], Slip | None], ...] = (
    explain_item,
    explain_semicolon,
    explain_foreign_word,
    explain_after_end,
    explain_nested_item,
    explain_missing_name,
    explain_assignment,
    explain_walrus,
    explain_colon,
    explain_missing_value,
    explain_missing_brace,
    explain_missing_mark,
    explain_comma,
    explain_side_by_side,
    explain_else,
    explain_reserved,
    explain_nothing_before,
)


def expectation(case: Case) -> Slip:
    """What is true of every case: what stands there, and what could."""
    if case.wants_value:
        wanted = ["a value"]
    else:
        wanted = [name for kind, name in NAMES.items() if kind in case.accepted]
    wanted = list(dict.fromkeys(wanted))
    marked = ""
    if 0 < len(wanted) <= 4:
        marked = (
            " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
            + " is wanted here"
        )
    if case.token.kind in ("_NL", "$END"):
        return case.slip("the line ends too early", marked=marked)
    return case.slip(f"{case.written(case.token)} cannot stand here", marked=marked)
