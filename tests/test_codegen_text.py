"""Text of a spec is data: no name, docstring or file can put code into a generated module."""

from __future__ import annotations

import ast
import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lowering import read

from netc.codegen.python_text import docstring, identifier, literal
from netc.codegen.pytorch import emit
from netc.codegen.rehearse import NODES
from netc.compiler.imports import resolve
from netc.compiler.lower import lower
from netc.dsl.source import Source, Unread

HOSTILE = [
    '"""\nimport os\n"""',
    'ends with a quote"',
    "back\\slash\\",
    '\\"""',
    "line\nbreak",
    "\u202e\u2066 right to left",
    "\x00\x1b[31m null and escape",
    "{{ 7 * 7 }}{% raw %}",
    "'; __import__('os').system('true') #",
    "\r\nclass Evil: pass",
    "\ufeff\u2028\u2029",
]
TEXT = st.one_of(
    st.text(max_size=60), st.sampled_from(HOSTILE), st.text(alphabet='"\\\n\r\t{}%#a ', max_size=30)
)


@given(TEXT)
def test_docstring_holds_text_whatever_it_is(text):
    lines = docstring(text)
    source = "\n".join(['"""' + lines[0], *lines[1:], '"""'])
    (statement,) = ast.parse(source).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert all(line.isprintable() for line in lines)
    assert ast.parse("x = 1  # " + " ".join(lines)).body[0].end_col_offset == 5


@given(st.text(max_size=50))
def test_literal_of_a_string_is_that_string(text):
    written = literal(text)
    assert ast.literal_eval(written) == text
    assert written.isascii()
    assert written.isprintable()


PLAIN = st.recursive(
    st.one_of(
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.none(),
        st.text(max_size=5),
    ),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
)


@given(PLAIN)
def test_literal_of_plain_values_is_the_value(value):
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), object(), {1: 2}, b"bytes"])
def test_what_is_not_plain_has_no_literal(value):
    with pytest.raises((TypeError, ValueError)):
        literal(value)


@given(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.sets(st.sampled_from(["x", "out", "width"])),
)
def test_identifier_is_free_and_no_word_of_python(text, taken):
    name = identifier(text, taken)
    assert name.isidentifier()
    assert name not in taken
    assert not keyword.iskeyword(name)
    assert not hasattr(builtins, name)


@pytest.mark.parametrize("text", ["", "a b", "a-b", "1a", "naïve", "a.b", "a\n", "ａ"])
def test_what_is_no_name_is_refused(text):
    with pytest.raises(ValueError, match="is not a name"):
        identifier(text)


@given(TEXT, TEXT)
def test_module_of_hostile_texts_holds_nothing_but_what_a_module_may(doc, file):
    program = resolve(
        Source(file, "net plain { input: 3x8x8\nconv(3x3, 4); mean(drop=0.1) { id; relu } }"),
        lambda *_: Unread(""),
    )
    graph = lower(program, "plain")
    assert graph is not None
    tree = ast.parse(emit(graph, doc=doc))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [each.name for each in classes] == ["DropMean", "Plain"]
    assert all(isinstance(node, NODES) for node in ast.walk(classes[1]))
    others = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    assert [ast.unparse(node) for node in others] == [
        "import torch",
        "import torch.nn.functional as F",
        "from torch import Tensor, nn",
        "__all__ = ['Plain']",
    ]


def test_names_that_python_has_are_written_with_an_underscore():
    text = """
block lambda_(list, print=2, self=3) { conv(1x1, list) -> conv(1x1, print) -> conv(1x1, self) }
net type_(nn=4) { input range: 3x8x8
lambda_(4) -> lambda_(5, 6, 7)
fc(nn) }
"""
    program = read(text)
    graph = lower(program, "type_")
    assert graph is not None
    source = emit(graph, lower_again=lambda values: lower(program, "type_", settings=values))
    for words in ("list_: int", "print_: int", "self_: int", "nn_: int = 4", "range_: Tensor"):
        assert words in source
