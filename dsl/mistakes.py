"""Tokens and the one that the grammar has no use for in, what a person did wrong there out.

The first of `EXPLANATIONS` that knows the case speaks; `expectation` speaks where none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from .brackets import CLOSERS, OPENERS
from .case import HEADS, NAMES, VALUE_STARTS, Case
from .depth import OPERATORS
from .lalr import Token
from .slip import Edits, Slip
from .words import FOREIGN, FUNCTIONS, INSTEAD, ITEM_WORDS, ITEMS, STATEMENT_WORDS, UNSURE, guess_item


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


# --- one function for each kind of mistake -------------------------------------------------------


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
    value = [token.kind for token in statement_rest(case)]
    spelled = case.text[case.tokens[case.index + 1].start : case.tokens[case.index + 1].end]
    if value[:1] == ["NAME"] and spelled not in FUNCTIONS and OPERATORS.isdisjoint(outermost(value)):
        return case.as_colon(), ()
    if value[:1] in (["NUMBER"], ["LSQB"], ["DIMS"], ["STRING"]) and case.before == case.first:
        return ((case.first.start, case.first.start, "let "),), ()
    return (), case.as_colon()


def statement_rest(case: Case) -> Sequence[Token]:
    """What follows the token in its statement."""
    depth = 0
    for position in range(case.index + 1, len(case.tokens)):
        kind = case.tokens[position].kind
        if depth == 0 and kind in ("_NL", "$END", *CLOSERS):
            return case.tokens[case.index + 1 : position]
        depth += (kind in OPENERS) - (kind in CLOSERS)
    return case.tokens[case.index + 1 :]


def outermost(kinds: Sequence[str]) -> list[str]:
    """Those that stand in no bracket."""
    found = []
    depth = 0
    for kind in kinds:
        depth -= kind in CLOSERS
        if depth == 0:
            found.append(kind)
        depth += kind in OPENERS
    return found


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
        annotation = case.tokens[case.index + 1 : case.index + 3]
        named = annotation[0].kind == "NAME" and annotation[-1].kind in ("ASSIGN", "COMMA", "RPAR")
        fix: Edits = ((case.token.start, annotation[0].end, ""),) if named else ()
        help = "write its name, or `name=default`"
        return case.slip("a parameter is written without its type", help, fix=fix)
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
        given = value and "ASSIGN" not in outermost([token.kind for token in statement_rest(case)])
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
