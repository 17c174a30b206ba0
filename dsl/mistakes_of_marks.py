"""A place in the text in, a mark that means something else there, or nothing, out."""

from __future__ import annotations

from .case import Case, outermost
from .depth import OPERATORS
from .slip import Edits, Slip
from .words import FUNCTIONS, TYPES


def explain_assignment(case: Case) -> Slip | None:
    """`=` where it has no meaning."""
    if case.token.kind != "ASSIGN":
        if case.token.kind == "EQUAL" and "ASSIGN" in case.accepted:
            return case.slip(
                "`==` compares; a name is given its value by `=`", "write `=`", fix=case.instead("=")
            )
        return None
    if case.section == "expect":
        help = "write `==` for exact, `~=` for the digits that are printed"
        return case.slip("`=` makes no claim", help, fix=case.instead("=="))
    if case.section == "train":
        help = "write the name, a space and the value: `batch 256`"
        return case.slip("an entry of a recipe has no `=`", help, fix=case.without())
    if case.first.kind in ("INPUT", "OUTPUT", "AUX") and case.section == "{":
        word = case.written(case.first).strip("`")
        return case.slip(f"`:` is missing in this `{word}`", f"write `{word} name: ...`", fix=case.as_colon())
    kinds = {token.kind for token in case.tokens[case.first_index : case.index]}
    if case.first.kind == "FOR" and "IN" not in kinds:
        help = "a loop is `for x in list { }`; `range(3)` counts from 0"
        return Slip("syntax", "`for` takes what a list holds", case.first.start, case.first.end, help=help)
    if case.first.kind in ("IF", "FOR") or case.section == "[":
        return case.slip("`=` compares nothing", "write `==`", fix=case.instead("=="))
    if case.section == "{" and case.names_statement:
        fix, repair = mend_assignment(case)
        return case.slip("a statement does not assign", explain_names(case), fix=fix, repair=repair)
    if (
        case.section == "{"
        and case.before is not None
        and case.before.kind in ("PLUS", "MINUS", "STAR", "SLASH")
    ):
        operator = case.text[case.before.start : case.token.end]
        help = "a name has one value; `let y = x + 1` gives another one its own"
        return Slip("syntax", f"there is no `{operator}`", case.before.start, case.token.end, help=help)
    if case.section == "{" and case.first.kind == "NAME":
        help = "a label names the value that flows: `name: layer`; `let name = ...` names a number or a list"
        return case.slip("a statement does not assign", help)
    return None


def explain_names(case: Case) -> str:
    name = case.text[case.first.start : case.tokens[case.index - 1].end]
    return f"`{name}: ...` names the value that flows, `let {name} = ...` a number, a list or a layer"


def mend_assignment(case: Case) -> tuple[Edits, Edits]:
    """A label where layers follow, a `let` where a number or a list does: sure ones, and a guess."""
    value = [token.kind for token in case.rest]
    spelled = case.text[case.tokens[case.index + 1].start : case.tokens[case.index + 1].end]
    if value[:1] == ["NAME"] and spelled not in FUNCTIONS and OPERATORS.isdisjoint(outermost(value)):
        return case.as_colon(), ()
    if value[:1] in (["NUMBER"], ["LSQB"], ["DIMS"], ["STRING"]) and case.before == case.first:
        return ((case.first.start, case.first.start, "let "),), ()
    return (), case.as_colon()


def explain_walrus(case: Case) -> Slip | None:
    """`:=`, which is `:` at a label and `=` elsewhere."""
    if case.token.kind != "WALRUS":
        return None
    if case.section == "{" and case.first.kind != "LET":
        return case.slip("`:=` is written `:` in a spec", fix=case.as_colon())
    return case.slip("`:=` is written `=` in a spec", fix=case.instead("="))


def explain_colon(case: Case) -> Slip | None:
    if case.token.kind != "COLON":
        return None
    if case.in_head and "LBRACE" in case.accepted:
        help = "write `{` here, and `}` at the end of the body"
        return case.slip("a body stands in braces", help, fix=brace_indented(case))
    if case.section == "(" and case.in_parameters:
        kind, after = case.tokens[case.index + 1 : case.index + 3]
        if kind.kind == "NAME" and (after.kind == "ASSIGN" or case.written(kind).strip("`") in TYPES):
            help = "write its name, or `name=default`"
            typed: Edits = ((case.token.start, kind.end, ""),)
            return case.slip("a parameter is written without its type", help, fix=typed)
    if case.section == "(":
        fix = case.instead("=") if case.before is not None and case.before.kind == "NAME" else ()
        return case.slip("an argument is named by `=`", "write `name=value`", fix=fix)
    if case.section == "train":
        help = "write the name, a space and the value: `batch 256`"
        return case.slip("an entry of a recipe has no `:`", help, fix=case.without())
    if "ASSIGN" in case.accepted and case.section in ("", "{"):
        return case.slip("a name is given its value by `=`", "write `=`", fix=case.instead(" ="))
    if case.first.kind == "AUX" and case.index == case.first_index + 1:
        return case.slip("this `aux` has no name", "write `aux name(weight=0.3): ...`")
    if case.section == "{" and case.after_value:
        return case.slip(
            "a statement has one label", "a label stands at the beginning of a statement: `name: layer`"
        )
    return None


def brace_indented(case: Case) -> Edits:
    """The braces of a body that is told by its indentation alone."""
    head = case.indent(case.token.start)
    last = None
    for token in case.tokens[case.index + 1 :]:
        if token.kind == "_NL":
            continue
        if token.kind == "$END" or (case.begins_line(token.start) and case.indent(token.start) <= head):
            break
        last = token
    if last is None or case.tokens[case.index + 1].kind != "_NL":
        return ()
    start = case.before.end if case.before is not None else case.token.start
    return (start, case.token.end, " {"), (last.end, last.end, "\n" + " " * head + "}")


def explain_comma(case: Case) -> Slip | None:
    if case.token.kind == "COMMA" and case.section == "{":
        help = "a line end or `;` ends a statement; values that flow together stand in parentheses: `(a, b)`"
        ends = case.tokens[case.index + 1].kind in ("_NL", "RBRACE")
        fix = ((case.token.start, case.token.end, ""),) if ends else ()
        return case.slip("a comma parts nothing here", help, fix=fix, repair=fix or case.instead("->"))
    return None


def explain_semicolon(case: Case) -> Slip | None:
    if case.token.kind == "_NL" and case.opener is not None and case.section in ("(", "["):
        start, end = case.token.start, case.token.end
        cause = (case.opener.start, case.opener.end, "still open")
        message = "`;` ends a statement, and a bracket is still open"
        return Slip("syntax", message, start, end, causes=(cause,), fix=((start, start + 1, ","),))
    return None


def explain_nothing_before(case: Case) -> Slip | None:
    if case.wants_value and case.token.kind == "DOT":
        return case.slip("a number does not begin with its point", "write `0.5`")
    doubled = case.before is not None and case.before.end == case.token.start
    if doubled and case.before is not None and case.token.kind == case.before.kind == "PLUS":
        return case.slip(
            "there is no `++`", "a name has one value; a loop counts with `for i in range(n) { }`"
        )
    if case.wants_value and case.token.kind in ("STAR", "SLASH", "PLUS", "PERCENT"):
        return case.slip(f"{case.written(case.token)} has nothing on its left")
    return None
