"""Names, numbers and layers in, one-line texts for people out: the words that pictures and tables share.

Text that comes from a spec is data: what could steer a terminal, reorder a line or break one is shown
as an escape (`\\u202e`), never sent.
"""

from __future__ import annotations

from ..compiler.frames import Argument, Frame
from ..compiler.values import BlockLayer, Builtin, Identity, Layer, Repeated, SharedLayer
from ..dsl import ast
from ..ops.arguments import parameters
from ..ops.base import Op, Shape, Window

ELLIPSIS = "…"
KEPT = ("groups", "dilation", "mult", "scale", "p", "drop")
"""Parameters with defaults that a short description still names where they differ."""
UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "K"))


def show(text: str, limit: int = 80) -> str:
    """`text` as one visible line of at most `limit` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    shown = ""
    for character in text:
        piece = show_character(character)
        if len(shown) + len(piece) > limit:
            return shown[: limit - 1] + ELLIPSIS
        shown += piece
    return shown


def show_character(character: str) -> str:
    """As it is; controls, bidirectional marks, surrogates, odd spaces and line ends as escapes."""
    if character.isprintable():
        return character
    code = ord(character)
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if known is not None:
        return known
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten_count(count: int) -> str:
    """Three digits and a unit: `25.6M`, `9.41K`, `512`."""
    for size, unit in UNITS:
        if count >= size * 0.9995:
            value = count / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f}{unit}"
    return str(count)


def span_counts(counts: list[int]) -> str:
    """One count where all are equal, else the least and the largest: `8.19K-28.7K`."""
    low, high = shorten_count(min(counts)), shorten_count(max(counts))
    return low if low == high else f"{low}–{high}"


def span_arguments(rows: list[list[str]]) -> list[str]:
    """The arguments of equal layers. Of numbers that differ the least and the largest stand, `17–44`; of
    other things, that there are several."""
    if any(len(row) != len(rows[0]) for row in rows):
        return [ELLIPSIS]
    return [column[0] if len({*column}) == 1 else _span(column) for column in zip(*rows, strict=True)]


def _span(texts: tuple[str, ...]) -> str:
    try:
        numbers = sorted(map(float, texts))
    except ValueError:
        return ELLIPSIS
    ends = (numbers[0], numbers[-1])
    return "–".join(f"{end:.0f}" if end.is_integer() else f"{end:.2g}" for end in ends)


def show_value(value: object) -> str:
    """An argument as a spec would write it; a layer by its name."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "none"
        case float():
            return f"{value:g}"
        case str():
            return f'"{show(value, 24)}"'
        case list() | tuple():
            shown = [show_value(entry) for entry in value[:6]]
            return f"[{', '.join(shown)}{', ' + ELLIPSIS if len(value) > 6 else ''}]"
        case Identity():
            return "id"
        case Builtin():
            return value.op.name
        case BlockLayer():
            return show(value.definition.name.id, 24)
        case SharedLayer() | Repeated():
            return show_value(value.layer)
        case Layer():
            return "{" + ELLIPSIS + "}"
        case int() | Window() | Shape():
            return str(value)
        case _:
            return ELLIPSIS


def join_sizes(sizes: object) -> str:
    return "x".join(map(str, sizes)) if isinstance(sizes, tuple) else str(sizes)


def arguments(op: Op, brief: bool = False) -> list[str]:
    """The arguments of a settled layer, as a spec would write them: `7x7/2`, `64`, `bias=false`.

    Those without a default by their place, others by name where they differ from it. `brief` leaves out what
    a figure in a paper would leave out.
    """
    written: list[str] = []
    for parameter in parameters(type(op)):
        if parameter.tensor or (parameter.name == "stride" and hasattr(op, "window")):
            continue
        fields = type(op).__struct_fields__
        value = getattr(op, parameter.name if parameter.name in fields else f"{parameter.name}_")
        if isinstance(value, Window):
            written.append(window(value, getattr(op, "stride", None), op))
        elif parameter.required:
            written.append(join_sizes(value) if parameter.type == "a shape" else show_value(value))
        elif value != parameter.default and (not brief or parameter.name in KEPT):
            shown = show_value(value)
            written.append(shown if brief and parameter.name == "p" else f"{parameter.name}={shown}")
    return written


def window(kernel: Window, stride: object, op: Op) -> str:
    """`7x7/2`: a stride is written where it is not the one that goes without saying."""
    usual: object = 1 if op.family == "convolution" else kernel.size
    sizes = (stride,) * len(kernel.size) if isinstance(stride, int) else stride
    silent = stride is None or sizes == (usual if isinstance(usual, tuple) else (usual,) * len(kernel.size))
    text = join_sizes(kernel.size)
    return text if silent else f"{text}/{join_sizes(stride)}"


def call(op: Op, brief: bool = False) -> str:
    """`conv(7x7/2, 64, bias=false)`."""
    written = ", ".join(arguments(op, brief))
    return f"{op.name}({written})" if written else op.name


def block_call(frame: Frame, limit: int) -> str:
    """`bottleneck(64, stride=2)`: a use of a block with the arguments that its caller gave, if they fit."""
    definition = frame.definition
    written: list[str] = []
    for parameter in definition.parameters:
        argument = frame.arguments.get(parameter.name)
        if argument is None or parameter.rest or is_default(argument, parameter.default):
            continue
        value = show_value(argument.value)
        written.append(value if parameter.default is None else f"{show(parameter.name, 24)}={value}")
    written += [f"{show(name, 24)}={show_value(argument.value)}" for name, argument in frame.rest.items()]
    name = show(definition.name.id, 32)
    text = f"{name}({', '.join(written)})" if written else name
    return text if len(text) <= limit else name


def is_default(argument: Argument, default: ast.Expr | None) -> bool:
    """Whether an argument is what the definition gives: an equal constant, `id`, or the very expression."""
    match default:
        case None:
            return False
        case ast.Number() | ast.Constant() | ast.String():
            return argument.value is default.value or bool(argument.value == default.value)
        case ast.Name(id="id"):
            return isinstance(argument.value, Identity)
        case _:
            return argument.expr is default
