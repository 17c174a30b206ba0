"""A place in the text in, what was left out there out: a value, a name, a mark, a brace."""

from __future__ import annotations

from .brackets import CLOSERS, OPENERS
from .case import VALUE_STARTS, Case, outermost
from .depth import OPERATORS
from .slip import Edits, Slip
from .words import ITEM_WORDS


def explain_missing_value(case: Case) -> Slip | None:
    before = case.before
    if not case.wants_value or before is None:
        return None
    if case.token.kind == "ARROW" and before.kind in ("LBRACE", "_NL", "COLON", "LPAR", "COMMA"):
        return case.slip(
            "this `->` has nothing on its left",
            "a chain begins with a layer or a tensor",
            repair=((case.token.start, case.token.end, ""),),
        )
    no_head = case.token.kind == "LBRACE" and before.kind in ("IF", "IN", "EXPECT", "TRAIN")
    if case.ends or no_head or case.token.kind in ("COMMA", "ARROW"):
        if case.token.kind not in ("_NL", "$END") and (before.kind in ("COMMA", "_NL", *OPENERS)):
            doubled = case.token.kind == "COMMA" == before.kind
            message = f"a value is missing before {case.written(case.token)}"
            return case.slip(message, fix=((case.token.start, case.token.end, ""),) if doubled else ())
        message = f"a value is missing after {case.written(before)}"
        help = explain_line_end(case)
        fix, repair = mend_line_end(case)
        return Slip("syntax", message, before.start, before.end, help=help, fix=fix, repair=repair)
    return None


def explain_line_end(case: Case) -> str:
    """How what breaks off at a line end could go on in the next line."""
    if case.before is None or case.token.kind != "_NL" or case.text[case.token.start] == ";":
        return ""
    if case.before.kind == "ARROW":
        return "a chain goes on in the next line where that begins with `->`"
    inside = case.section != "expect" and case.before.kind in OPERATORS
    return "inside parentheses a line end means nothing" if inside else ""


def mend_line_end(case: Case) -> tuple[Edits, Edits]:
    """The arrow that ends a line put where the next one begins; of another operator, what follows is read as
    its value."""
    before, token = case.before, case.token
    if before is None or token.kind != "_NL" or case.text[token.start] == ";":
        return (), ()
    following = case.tokens[case.index + 1]
    if following.kind not in VALUE_STARTS:
        return (), ()
    joined = ((token.start, token.end, ""),)
    if before.kind != "ARROW":
        return (), joined if before.kind in OPERATORS else ()
    start = case.tokens[case.index - 2].end if case.index > 1 else before.start
    return ((start, before.end, ""), (following.start, following.start, "-> ")), joined


def explain_missing_brace(case: Case) -> Slip | None:
    if not case.in_head or "LBRACE" not in case.accepted:
        return None
    if not case.ends and (case.token.kind not in VALUE_STARTS or "COMMA" in case.accepted):
        return None
    word = case.written(case.first)
    following = case.tokens[case.index + 1 : case.index + 2]
    if case.token.kind == "_NL" and following and following[0].kind == "LBRACE" and case.before is not None:
        message, help = f"the `{{` of {word} stands on the next line", "put it at the end of this line"
        between = case.text[case.before.end : following[0].end]
        fix = ((case.before.end, following[0].end, " {"),) if between.strip() == "{" else ()
        return case.slip(message, help, fix=fix, repair=((case.token.start, case.token.end, ""),))
    return case.slip(f"the body of {word} is missing its `{{`", "a body stands in braces: `{ ... }`")


def explain_missing_mark(case: Case) -> Slip | None:
    """A colon, `=` or comma that is left out."""
    token = case.token
    if token.kind in CLOSERS or token.kind == "ASSIGN":
        return None
    value = token.kind in VALUE_STARTS or token.kind == "ELLIPSIS"
    if "COLON" in case.accepted and case.first.kind in ("INPUT", "OUTPUT", "AUX"):
        word = case.written(case.first).strip("`")
        at = case.first.end if case.ends or token.kind == "ARROW" or case.before is None else case.before.end
        named = [token.kind for token in case.tokens[case.first_index + 1 : case.first_index + 3]]
        if case.first.kind == "INPUT" and named == ["NAME", "LSQB"]:
            at = case.tokens[case.first_index + 1].end
        colon: Edits = ((at, at, ":"),)
        message, help = f"`:` is missing in this `{word}`", f"write `{word} name: ...`"
        return case.slip(message, help, fix=() if case.repeats else colon, repair=colon)
    if "ASSIGN" in case.accepted and case.first.kind in ("LET", "NET") and "COMMA" not in case.accepted:
        help = f"write {case.written(case.first)[:-1]} name = ...`"
        given = value and "ASSIGN" not in outermost([token.kind for token in case.rest])
        return case.slip("`=` is missing", help, fix=case.behind(" =") if given else ())
    listed = case.section in ("(", "[") or case.first.kind == "TRAIN"
    if value and listed and "COMMA" in case.accepted:
        if "ASSIGN" in case.accepted:
            message = f"a comma or `=` is missing before {case.written(token)}"
            return case.slip(message, repair=case.behind(","))
        message = f"a comma is missing before {case.written(token)}"
        return case.slip(message, fix=() if case.repeats else case.behind(","), repair=case.behind(","))
    before = outermost([token.kind for token in case.tokens[case.first_index : case.index]])
    follows_path = "COLON" in case.accepted and {*before} <= {"NAME", "DOT", "LSQB", "RSQB"}
    if case.section == "expect" and token.kind == "NAME" and follows_path and not case.has_claim:
        message = f"`:` is missing before {case.written(token)}"
        help = "a row begins with a path and a colon: `layer[4]: shape == 512x7x7`"
        return case.slip(message, help, fix=() if case.repeats else case.behind(":"), repair=case.behind(":"))
    if token.kind in ("NAME", "REPORTED") and case.section == "expect" and "COMMA" in case.accepted:
        return case.slip(f"a comma or a line end is missing before {case.written(token)}")
    return None


def explain_side_by_side(case: Case) -> Slip | None:
    if not case.after_value or case.token.kind not in VALUE_STARTS:
        return None
    here = case.written(case.token)
    is_item = case.opener is None and here.strip("`") in ITEM_WORDS
    if is_item or (case.before is not None and case.before.kind == "RBRACE"):
        return case.slip(f"a line end or `;` is missing before {here}", repair=case.behind("->"))
    if case.section == "expect" and case.token.kind == "NUMBER" and case.before == case.first:
        name, figure = case.written(case.first)[1:-1], case.written(case.token)[1:-1]
        help = f"what is claimed is compared, `{name} == {figure}`; else write `reported {name} {figure}`"
        return case.slip(f"a claim is missing its `==` before {here}", help)
    if case.section not in ("(", "["):
        help = "`->` sends one through the other; a line end or `;` ends a statement"
        return case.slip(
            f"something is missing between two values, before {here}", help, repair=case.behind("->")
        )
    return None


def explain_missing_name(case: Case) -> Slip | None:
    before = case.before
    if before is None or "NAME" not in case.accepted or case.wants_value:
        return None
    if before.kind not in ("USE", "LET", "BLOCK", "NET", "FOR", "AS", "REPORTED"):
        return None
    word = case.text[case.token.start : case.token.end]
    if word.isalpha() and case.token.kind != "_NL":
        return case.slip(f"`{word}` is a word of the language, and cannot be a name")
    help = "a loop is `for x in list { }`; `range(3)` counts from 0" if before.kind == "FOR" else ""
    message = f"a name is missing after {case.written(before)}"
    return Slip("syntax", message, before.start, before.end, help=help)
