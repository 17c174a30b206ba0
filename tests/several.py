"""Programs drawn by hypothesis in which some lines are wrong, each by itself, and which lines these are."""

from __future__ import annotations

from hypothesis import strategies as st

Draw = st.DrawFn

RIGHT = (
    "conv(3x3, 8)",
    "relu",
    "bn -> relu",
    "maxpool(3x3/1, pad=1)",
    "dropout(0.1)",
    "pad(1) -> conv(3x3, 8, pad=0)",
)
WRONG = (
    *("conv(3x3, relu)", "conv(3x3)", "dropout(1.5)", "maxpool(2x2, padd=1)", "bnn", 'pad(1, mode="zeros")'),
    *("conv(3x3, 8.5)", "conv(3x3/0, 8)", "gap(2)", "conv(3x3, 8, 8, 8, 8, true, 1, 9)", "conv(3x3, widht)"),
    *(
        "conv(3x3, 8, out=9)",
        "relu * 2.5",
        "bn(eps=-1)",
        "relu -> dropout(2) -> relu",
        "share(3)",
        "conv(3x3, [2][1])",
    ),
    *("unit(8, 8, 8)", "unit", 'conv("a", 8)', "mean(drop=2) { id; relu }", "(relu -> bn(eps=relu)) * 2"),
)
"""Each has one mistake, whatever enters."""


class Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.wrong: list[int] = []

    def write(self, text: str) -> None:
        self.lines.append(text)

    def statements(self, depth: int, blocks: tuple[str, ...]) -> None:
        for _ in range(self.draw(st.integers(1, 4))):
            kind = self.draw(st.sampled_from(("right", "right", "wrong", "block", "group", "loop")))
            if kind == "wrong":
                self.write(self.draw(st.sampled_from(WRONG)))
                self.wrong.append(len(self.lines))
            elif kind == "block" and blocks:
                self.write(self.draw(st.sampled_from(blocks)))
            elif kind == "group" and depth < 3:
                self.write(
                    self.draw(st.sampled_from(("add {", "concat {", "{", "dense {", "mean(drop=0.1) {")))
                )
                self.statements(depth + 1, blocks)
                self.write("}")
            elif kind == "loop" and depth < 3:
                self.write("for i in range(2) {")
                self.statements(depth + 1, blocks)
                self.write("}")
            else:
                self.write(self.draw(st.sampled_from(RIGHT)))


@st.composite
def programs_with_mistakes(draw: Draw) -> tuple[str, list[int]]:
    """A program, and the lines that are wrong in what its net reaches."""
    writer = Writer(draw)
    writer.write("block unit(n) { conv(3x3, n) }")
    blocks: list[str] = ["unit(8)"]
    for i in range(draw(st.integers(0, 3))):
        writer.write(f"block blk{i} {{")
        writer.statements(1, tuple(blocks))
        writer.write("}")
        blocks.append(f"blk{i}")
    writer.write("net main {")
    writer.write("input: 8x32x32")
    for name in blocks:
        writer.write(name)
    writer.statements(0, tuple(blocks))
    writer.write("gap -> fc(10)")
    writer.write("}")
    return "\n".join(writer.lines) + "\n", writer.wrong
