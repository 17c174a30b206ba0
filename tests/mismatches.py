"""Programs drawn by hypothesis whose branches meet, and the same with a line changed so that they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st

CHANNELS, SIZE = 8, 32
Draw = st.DrawFn


@dataclass(frozen=True)
class Line:
    """A line of the text, and what may stand there instead: (how its branch then differs, the text)."""

    text: str
    wrong: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Mismatch:
    """`right` is clean; `wrong` has line `line` (from 1) changed."""

    right: str
    wrong: str
    line: int


BLOCKS = """block unit(width, stride=1, window=3x3) {
conv(window, width, stride=stride)
bn
}
block pair(width, stride=1) {
relu
unit(width, stride)
}
block same(k, n, ...opts) { conv(k, n, ...opts) -> relu }
"""


class Writer:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.count = 0

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def label(self) -> str:
        self.count += 1
        return self.pick("", "", f"part{self.count}: ")

    def layer(self) -> Line:
        """A line that keeps the size, and gives as many channels as it is given or `CHANNELS`."""
        n = CHANNELS
        kind = self.pick("plain", "conv", "conv", "pool", "unit", "pair", "same", "repeat", "chain")
        before = self.label()
        match kind:
            case "conv":
                wrong = (
                    ("size", f"{before}conv(3x3/2, {n})"),
                    ("size", f"{before}conv(3x3, {n}, pad=0)"),
                    ("size", f"{before}conv(3x3, {n}, stride=2, bias=false)"),
                    ("channels", f"{before}conv(3x3, {n + 1})"),
                )
                return Line(f"{before}conv(3x3, {n})", wrong)
            case "pool":
                wrong = (("size", f"{before}maxpool(3x3/1)"), ("size", f"{before}avgpool(2x2)"))
                return Line(f"{before}maxpool(3x3/1, pad=1)", wrong)
            case "unit" | "pair":
                wrong = (
                    ("size", f"{before}{kind}({n}, stride=2)"),
                    ("channels", f"{before}{kind}({n} + 4)"),
                )
                return Line(f"{before}{kind}({n})", wrong)
            case "same":
                wrong = (
                    ("size", f"{before}same(3x3/2, {n})"),
                    ("size", f"{before}same(3x3, {n}, pad=0)"),
                    ("channels", f"{before}same(3x3, 2 * {n})"),
                )
                return Line(f"{before}same(3x3, {n})", wrong)
            case "repeat":
                return Line(
                    f"unit({n}) * 2", (("size", f"unit({n}, 2) * 2"), ("channels", f"unit({n} // 2) * 2"))
                )
            case "chain":
                wrong = (("size", f"{before}relu -> conv(5x5/2, {n}) -> bn"),)
                return Line(f"{before}relu -> conv(5x5, {n}) -> bn", wrong)
        return Line(self.pick("relu", "bn", "dropout(0.1)", "dwconv(3x3)"))

    def branch(self, depth: int) -> list[Line]:
        """The lines of one member."""
        lines = [self.layer() for _ in range(self.draw(st.integers(1, 4)))]
        if depth < 2 and not self.draw(st.integers(0, 2)):
            lines += self.merge(depth + 1)
        if len(lines) == 1 and self.draw(st.booleans()):
            return lines
        if self.draw(st.booleans()):
            self.count += 1
            return [Line(f"branch{self.count}: {{"), *lines, Line("}")]
        return [Line("{"), *lines, Line("}")]

    def merge(self, depth: int = 0) -> list[Line]:
        head = self.pick("add", "max", "mean", "mul", "concat", "mean(drop=0.1)")
        lines = [Line(f"{head} {{")]
        for _ in range(self.draw(st.integers(2, 4))):
            lines += self.pick_branch(depth)
        lines.append(Line("}"))
        if head == "concat":
            lines.append(Line(f"conv(1x1, {CHANNELS})"))
        return lines

    def pick_branch(self, depth: int) -> list[Line]:
        return [Line("id")] if not self.draw(st.integers(0, 4)) else self.branch(depth)


@st.composite
def mismatches(draw: Draw) -> Mismatch:
    """A net with branches in it, straight or in a block, and one changed line within them."""
    writer = Writer(draw)
    merge = writer.merge()
    net = [Line("net main {"), Line(f"input: {CHANNELS}x{SIZE}x{SIZE}")]
    where = writer.pick("net", "block", "nested", "loop", "argument")
    outside: list[Line] = []
    if where == "net":
        net += merge
    elif where == "loop":
        net += [Line("for i in range(2) {"), *unlabelled(merge), Line("}")]
    elif where == "argument":
        outside = [Line("block run(f) {"), Line("f"), Line("relu"), Line("}")]
        net += [Line("run({"), *unlabelled(merge), Line("})")]
    else:
        outside = [Line("block inner {"), *merge, Line("}")]
        if where == "nested":
            outside += [Line("block outer(n) {"), Line("conv(3x3, n)"), Line("inner -> relu"), Line("}")]
        net.append(Line("inner" if where == "block" else f"outer({CHANNELS})"))
    net += [Line("gap"), Line("fc(10)"), Line("}")]
    lines = [Line(text) for text in BLOCKS.splitlines()] + outside + net
    changes = [(number, text) for number, line in enumerate(lines) for kind, text in line.wrong]
    assume(changes)
    number, text = draw(st.sampled_from(changes))
    changed = [*lines[:number], replace(lines[number], text=text), *lines[number + 1 :]]
    return Mismatch(join(lines), join(changed), number + 1)


def unlabelled(lines: list[Line]) -> list[Line]:
    """As they may stand in a loop, where a label needs an index."""

    def bare(text: str) -> str:
        return text.split(": ", 1)[1] if ": " in text else text

    return [Line(bare(line.text), tuple((kind, bare(text)) for kind, text in line.wrong)) for line in lines]


def join(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines) + "\n"
