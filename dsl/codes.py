"""What can be wrong with a spec: the code of a diagnostic in, one line on its meaning out.

Each has a page, `docs/errors/<code>.md`, with a program that has the mistake and one that has not.
"""

from __future__ import annotations

SYNTAX = {
    "syntax": "the text is not what the grammar expects here",
    "unclosed": "a bracket, string or docstring is opened and never closed",
    "stray": "a closing bracket closes nothing that is open",
    "bad-character": "a character that no spec can hold here",
    "encoding": "the bytes of a file are not UTF-8 text",
    "nesting-limit": "brackets or operators are nested more than 100 deep",
    "string-limit": "a string is longer than 10,000 characters",
    "number-limit": "an integer needs more than 64 bits, or a float is not finite",
    "bad-claim": "a line of an `expect` makes no claim that can be checked",
}
NAMES = {
    "unknown-name": "a name that nothing in scope has",
    "unknown-parameter": "an argument is named that the layer or block does not take",
    "unknown-net": "a net is named that there is not",
    "unknown-import": "a `use` names what the other file does not hold",
    "unknown-label": "a path leads to no label of the net",
    "ambiguous-name": "two files that are used whole bring one name",
    "duplicate-definition": "two items of one file have one name",
    "duplicate-label": "two labels of one module have one name",
    "duplicate-parameter": "two parameters of one block have one name",
    "use-before-definition": "a label is used before the statement that it names",
    "bad-label": "a label cannot be the name of a module",
    "import-cycle": "files use each other in a circle",
    "missing-file": "a file that is used is not there",
}
VALUES = {
    "missing-argument": "a parameter without a default is given nothing",
    "surplus-argument": "more arguments are given than there are parameters",
    "repeated-argument": "one parameter is given two arguments",
    "wrong-type": "a value of one kind stands where another is wanted",
    "out-of-range": "a number is too small or too large for its use",
    "not-whole": "a count that is no whole number",
    "unknown-choice": "a word that is none of those a parameter accepts",
    "not-a-layer": "a value that is no layer stands where a value flows through",
    "not-a-tensor": "a value that is no tensor stands where one is wanted",
    "not-a-net": "a net is made of something that gives none",
    "template": "a net is compiled whose parameters lack values",
}
SHAPES = {
    "shape-mismatch": "tensors meet whose shapes do not fit",
    "window-too-large": "a window is larger than the padded map that it slides over",
    "indivisible": "channels or sizes cannot be split into equal parts",
    "crop-too-large": "more is cropped than there is",
    "rank-mismatch": "a map, a sequence, tokens or a vector enters a layer that takes another kind",
    "dtype-mismatch": "whole numbers enter a layer that computes, or others one that looks words up",
}
FLOW = {
    "wrong-arity": "one value enters where several are taken, or the reverse",
    "thrown-away": "a value is computed that reaches no output",
    "misplaced": "a statement stands where its kind has no meaning",
    "no-input": "a net that nothing enters",
    "recursion-limit": "blocks call each other more than 200 deep",
    "unroll-limit": "loops unroll into more than the limit",
    "graph-limit": "the graph has more nodes, or a tensor more elements, than the limit",
    "list-limit": "a list or range has more than 100,000 entries",
}
CLAIMS = {
    "failed-claim": "a claim of an `expect` does not hold",
    "over-budget": "a net has more parameters or multiply-adds than the command allows",
}
WARNINGS = {
    "empty": "a file defines nothing",
    "shadowed-name": "a name hides a built-in layer, group or function",
    "even-window": "an even window is padded with `same`, which cannot centre it",
    "multiplied-window": "a window is written as a product, which is one number",
    "unreached": "a recipe names an epoch that its training does not reach",
    "unused-import": "a `use` brings what nothing reads",
    "unused-block": "a block that no net of the file uses",
    "unused-let": "a `let` that nothing reads",
    "unused-parameter": "a block or a net never reads what it is given",
    "unused-label": "a label that makes no module and that nothing reads",
}
GROUPS: dict[str, dict[str, str]] = {
    "the text": SYNTAX,
    "names": NAMES,
    "arguments and values": VALUES,
    "shapes": SHAPES,
    "flow and limits": FLOW,
    "claims": CLAIMS,
    "warnings": WARNINGS,
}
CODES: dict[str, str] = {code: line for group in GROUPS.values() for code, line in group.items()}
