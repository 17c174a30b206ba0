"""A place in the text in, a word that cannot stand there out."""

from __future__ import annotations

from .brackets import OPENERS
from .case import HEADS, VALUE_STARTS, Case
from .slip import Edits, Slip
from .words import FOREIGN, INSTEAD, ITEMS, STATEMENT_WORDS, UNSURE, guess_item


def explain_item(case: Case) -> Slip | None:
    if case.index > 0:
        return None
    word = case.text[case.token.start : case.token.end]
    help = FOREIGN.get(word) or f"at the top of a file stand {ITEMS}"
    item = guess_item(word)
    following = [token.kind for token in case.tokens[1:3]]
    if following[:1] == ["LBRACE"] or (item == "let" and following[1:] in (["LPAR"], ["LBRACE"])):
        item = ""  # so no item goes on, but a body without its word
    if word not in FOREIGN and item:
        help = f"did you mean `{item}`?"
    message = f"{case.written(case.token)} begins nothing that a file can hold"
    if word == "from":
        return case.slip(message, help, fix=use_from(case), repair=case.instead(item))
    sure = item and word not in UNSURE and has_head(case, item)
    return case.slip(
        message, help, fix=case.instead(item) if sure else (), repair=case.instead(item) if item else ()
    )


def use_from(case: Case) -> Edits:
    """`use file (a, b)` in place of `from file import a, b`, where that is all."""
    row = [token for token in case.tokens if token.kind not in ("_NL", "$END")]
    words = [case.text[token.start : token.end] for token in row]
    names = row[3:]
    listed = [token.kind for token in names] == ["NAME", *["COMMA", "NAME"] * (len(names) // 2)]
    if [token.kind for token in row[1:3]] != ["NAME", "NAME"] or words[2] != "import":
        return ()
    if words[3:] == ["*"]:
        return ((row[0].start, names[0].end, f"use {words[1]}"),)
    return (
        ((row[0].start, names[0].start, f"use {words[1]} ("), (names[-1].end, names[-1].end, ")"))
        if listed
        else ()
    )


def has_head(case: Case, item: str) -> bool:
    """Whether what follows could be the rest of the item's head."""
    kinds = [token.kind for token in case.tokens[1:4]]
    after = {"let": ("ASSIGN",), "net": ("ASSIGN", "LPAR", "LBRACE"), "use": ("LPAR", "$END")}
    return kinds[:1] == ["NAME"] and kinds[1:2] != [] and kinds[1] in after.get(item, tuple(OPENERS))


def explain_foreign_word(case: Case) -> Slip | None:
    """A word of another language: `return x`, `x is none`."""
    before = case.before if case.token.kind in VALUE_STARTS else None
    fix: Edits
    for token in (case.token if case.after_value else None, before):
        if token is not None and token.kind == "NAME":
            word = case.text[token.start : token.end]
            if word not in STATEMENT_WORDS and word.lower() in STATEMENT_WORDS and token == case.first:
                message, fix = (
                    f"`{word}` is written `{word.lower()}`",
                    ((token.start, token.end, word.lower()),),
                )
                return Slip("syntax", message, token.start, token.end, fix=fix)
            if word in FOREIGN:
                fix = ((token.start, token.end, INSTEAD[word]),) if word in INSTEAD else ()
                if word == "return" and token == case.first:
                    fix = ((token.start, case.token.start, ""),)
                message = f"`{word}` is no word of a spec"
                return Slip("syntax", message, token.start, token.end, help=FOREIGN[word], fix=fix)
    return None


def explain_after_end(case: Case) -> Slip | None:
    """Something behind the `}` that ends the item."""
    before = case.before
    if case.opener is not None or before is None or before.kind != "RBRACE" or case.first.kind not in HEADS:
        return None
    if "$END" not in case.accepted:
        return None
    word = case.text[case.first.start : case.first.end]
    cause = (before.start, before.end, f"the `{word}` ends here")
    help = "a new item begins on a line of its own; or is this `}` one too many?"
    token = case.tokens[case.index + 1] if case.token.kind == "_NL" else case.token
    message = f"{case.written(token)} stands behind the end of the `{word}`"
    return Slip("syntax", message, token.start, token.end, causes=(cause,), help=help)


def explain_nested_item(case: Case) -> Slip | None:
    word = case.text[case.first.start : case.first.end]
    if (
        case.section == "{"
        and word in ("use", "block", "net", "expect", "train")
        and case.token.kind == "NAME"
    ):
        message = f"a `{word}` stands at the top of the file, not inside another item"
        return Slip("syntax", message, case.first.start, case.first.end)
    return None


def explain_else(case: Case) -> Slip | None:
    if case.token.kind == "ELSE":
        return case.slip("this `else` has no `if`", "it follows the `}` of an `if`: `if c { } else { }`")
    return None


def explain_reserved(case: Case) -> Slip | None:
    """A reserved word where a name is wanted."""
    word = case.text[case.token.start : case.token.end]
    if "NAME" not in case.accepted or not word.isalpha() or case.token.kind == "NAME":
        return None
    following = case.tokens[case.index + 1 :][:1]
    if case.wants_value and not (following and following[0].kind == "ASSIGN"):
        if case.token.kind in ("IF", "FOR"):
            value = "`a if c else b`" if case.token.kind == "IF" else "`[f(x) for x in list]`"
            help = f"put it in braces: `{{ {word} ... }}`; as a value, write {value}"
            return case.slip(f"`{word}` begins a statement, and a value is wanted here", help)
        return None
    return case.slip(f"`{word}` is a word of the language, and cannot be a name")
