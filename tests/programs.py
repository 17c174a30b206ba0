"""Small programs drawn by hypothesis: blocks with parameters, `if`, loops, merges, labels, layers as
arguments, `dense`, `share`, tuples, recursion, auxiliary heads. Each text is a correct net, or close to
one."""

from __future__ import annotations

from hypothesis import strategies as st

ACTIVATIONS = ("relu", "tanh", "leaky(0.2)", "relu6", "hswish", "prelu", "id")
Draw = st.DrawFn


class Writer:
    """The text of one body. `channels` are expressions that may stand for a number of channels here."""

    def __init__(
        self, draw: Draw, channels: list[str], blocks: list[Block], layers: list[str], depth: int = 0
    ) -> None:
        self.draw, self.channels, self.blocks, self.layers, self.depth = draw, channels, blocks, layers, depth
        self.labels = 0
        self.names: list[str] = []

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def count(self) -> str:
        return self.pick(*self.channels, "4", "6", "in.c", "2 * in.c // 2")

    def inner(self, extra: tuple[str, ...] = ()) -> Writer:
        writer = Writer(self.draw, [*self.channels, *extra], self.blocks, self.layers, self.depth + 1)
        writer.labels = 100 * (self.labels + 1) * (self.depth + 1)
        return writer

    def label(self, indexed: str = "") -> str:
        """Sometimes a label before a statement."""
        if self.draw(st.integers(0, 3)):
            return ""
        self.labels += 1
        return f"{self.pick('part', 'unit', 'step')}{self.labels}_{self.depth}{indexed}: "

    def simple(self) -> str:
        return self.pick(
            f"conv({self.pick('1x1', '3x3', '1x3', '3')}, {self.count()})",
            f"conv(3x3, {self.count()}, bias=false)",
            "bn",
            "relu",
            self.pick(*ACTIVATIONS, *self.layers),
            "dropout(0.3)",
            "maxpool(3x3/1, pad=1)",
            "dwconv(3x3)",
            "layer_scale(0.5)",
            "pos_embed",
            f"channels_last -> ln -> linear({self.count()}) -> channels_first",
            f"cba({self.count()}, {self.pick('relu', 'tanh', 'id', *self.layers)}{self.options()})",
        )

    def options(self) -> str:
        return self.pick("", ", bias=false", ", dilation=2, pad=2")

    def chain(self) -> str:
        return " -> ".join(self.simple() for _ in range(self.draw(st.integers(1, 3))))

    def call(self) -> str:
        """A use of an earlier block, or a plain chain where there is none."""
        if not self.blocks:
            return self.chain()
        block = self.draw(st.sampled_from(self.blocks))
        return block.use(self)

    def body(self, least: int = 1, most: int = 3) -> str:
        lines = [self.statement() for _ in range(self.draw(st.integers(least, most)))]
        return "\n".join(lines)

    def statement(self) -> str:
        kinds = ["chain", "chain", "call", "let"]
        if self.depth < 3:
            kinds += [
                "add",
                "concat",
                "gate",
                "dense",
                "repeat",
                "for",
                "if",
                "braces",
                "skip",
                "split",
                "call",
                "branch",
                "optional",
            ]
        return getattr(self, f"write_{self.pick(*kinds)}")()

    # --- statements ---

    def write_chain(self) -> str:
        return self.label() + self.chain()

    def write_call(self) -> str:
        return self.label() + self.call()

    def write_let(self) -> str:
        self.labels += 1
        name = f"n{self.labels}_{self.depth}"
        value = self.pick(*self.channels, "5")
        self.channels.append(name)
        return f"let {name} = {value} + {self.pick('0', '1', '2')}\nconv(1x1, {name})"

    def write_add(self) -> str:
        inner = self.inner()
        members = [
            inner.label() + f"{{ {inner.body(1, 2)}\nconv(1x1, 6) }}"
            for _ in range(self.draw(st.integers(1, 2)))
        ]
        other = inner.pick(
            "conv(1x1, 6)", "lbl: conv(1x1, 6)", "bn -> conv(1x1, 6)", "{ relu -> conv(3x3, 6) }"
        )
        return self.label() + "add {\n" + "\n".join([*members, other]) + "\n} -> relu"

    def write_concat(self) -> str:
        inner = self.inner()
        members = [
            inner.label() + inner.pick(inner.chain(), "id", f"{{ {inner.body(1, 2)} }}") for _ in range(2)
        ]
        loop = f"for k in [4, 6] {{ conv(1x1, k{inner.pick('', ' + 1')}) -> relu }}"
        return (
            self.label()
            + "concat {\n"
            + "\n".join([*members, *([loop] if self.draw(st.booleans()) else [])])
            + "\n}"
        )

    def write_gate(self) -> str:
        return (
            self.label()
            + f"mul {{ id; gap -> fc({self.pick('in.c', '2 * in.c')}) -> relu -> fc(in.c) -> sigmoid }}"
        )

    def write_dense(self) -> str:
        inner = self.inner()
        label = self.pick("", "grow[j]: ", "grow[j + 1]: ")
        member = inner.pick(
            f"conv(3x3, {inner.count()})", "relu -> conv(1x1, 2)", inner.call(), "conv(1x1, 3)"
        )
        times = self.pick("2", "3", *[name for name in self.channels if name == "times"])
        name = self.label()
        if label and not name:
            self.labels += 1
            name = f"dense{self.labels}_{self.depth}: "
        return name + f"dense {{ for j in range({times}) {{ {label}{member} }} }}"

    def write_repeat(self) -> str:
        times = self.pick("0", "1", "2", "3", *[name for name in self.channels if name == "times"])
        layer = self.pick(f"conv(3x3, {self.count()})", f"({self.chain()})", f"({self.call()})", "bn")
        return self.label() + f"{layer} * {times}"

    def write_for(self) -> str:
        source = self.pick("[4, 6]", "[6]", "[3, 5, 7]")
        if self.draw(st.booleans()):
            self.labels += 1
            name, rest = f"turn{self.labels}_{self.depth}", self.pick("", " -> bn", " -> relu")
            return f"for i, c in enumerate({source}) {{ {name}[i]: conv(3x3, c){rest} }}"
        return (
            self.label()
            + f"{{ for c in {source} {{ {self.pick('conv(3x3, c)', 'conv(1x1, 2 * c) -> relu')} }} }}"
        )

    def condition(self) -> str:
        return self.pick(
            *[f"{name} > 1" for name in self.channels if name == "times"],
            *[f"{name} > 5" for name in self.channels],
            "in.c > 5",
            "in.c == 6",
            *(["flag"] if "flag" in self.layers else []),
        )

    def write_if(self) -> str:
        inner, other = self.inner(), self.inner()
        otherwise = f" else {{ {other.body(1, 2)} }}" if self.draw(st.booleans()) else ""
        return f"if {self.condition()} {{ {inner.body(1, 2)} }}{otherwise}"

    def write_branch(self) -> str:
        """An `if` in a labelled container, as shortcuts have it."""
        self.labels += 1
        name = f"short{self.labels}_{self.depth}"
        taken = self.pick("conv(1x1, 6) -> bn", "conv(1x1, 6)", "cba(6, relu)")
        inner = f"{name}: {{ if {self.condition()} {{ {taken} }} else {{ id }} }}"
        return f"conv(1x1, 6)\nadd {{ {{ {inner} }}; id }}"

    def write_optional(self) -> str:
        """A merge with a member that is there under a condition, or is made in one way or another."""
        inner = self.inner()
        head = self.pick("add", "concat", "max")
        first = inner.pick("{ conv(3x3, 6) -> bn }", "conv(1x1, 6)", "side: conv(1x1, 6)", "id")
        member = inner.pick("id", "conv(1x1, 6)", "proj: conv(1x1, 6)", "relu -> conv(3x3, 6) -> bn")
        other = inner.pick("", " else { id }", " else { conv(3x3, 6) }")
        let = f"let chosen = {self.condition()}\n" if self.draw(st.booleans()) else ""
        condition = self.pick("chosen", "not chosen") if let else self.condition()
        name = self.label()
        return f"conv(1x1, 6)\n{let}{name}{head} {{ {first}; if {condition} {{ {member} }}{other} }}"

    def write_braces(self) -> str:
        return self.label() + f"{{ {self.inner().body(1, 2)} }}"

    def write_skip(self) -> str:
        self.labels += 1
        name = f"skip{self.labels}_{self.depth}"
        joined = self.pick(f"concat({name}, in2)", f"add({name}, in2 -> conv(1x1, {name}.c))").replace(
            "in2", f"{name}b"
        )
        return f"{name}: {self.chain()}\n{name}b: {self.chain()}\n{joined}"

    def write_split(self) -> str:
        self.labels += 1
        left, right = f"left{self.labels}_{self.depth}", f"right{self.labels}_{self.depth}"
        return f"conv(1x1, 8)\n({left}, {right}): split(2)\nconcat({right}, {left} -> {self.chain()})"


class Block:
    """A block that was defined: its name and parameters."""

    def __init__(self, name: str, parameters: tuple[str, ...]) -> None:
        self.name, self.parameters = name, parameters

    def use(self, writer: Writer) -> str:
        arguments = []
        for parameter in self.parameters:
            match parameter:
                case "width":
                    arguments.append(writer.pick(*writer.channels, "4", "6"))
                case "times":
                    arguments.append(f"times={writer.pick('1', '2', '3')}")
                case "act" if writer.draw(st.booleans()):
                    arguments.append(f"act={writer.pick(*ACTIVATIONS, *writer.layers)}")
                case "kernel" if writer.draw(st.booleans()):
                    arguments.append(f"kernel={writer.pick('1x1', '3x3', '3', '1x3')}")
                case "inner" if writer.draw(st.booleans()):
                    arguments.append(f"inner={writer.pick(*writer.channels, '6')}")
        return f"{self.name}({', '.join(arguments)})"


FIXED = """\
block cba(out, act, ...opts) { conv(3x3, out, ...opts) -> bn -> act }
block tree(n, out) {
    if n == 1 { conv(3x3, out) -> bn } else { mean { conv(1x1, out); tree(n - 1, out) -> tree(n - 1, out) } }
}
block both(width) takes (p, q) { concat(p, q -> conv(1x1, width)) }
block twice(f) { f -> relu -> f }
block head(n) { gap -> fc(n) }
"""


@st.composite
def programs(draw: Draw) -> str:
    """The text of a file with one net, `main`."""
    blocks: list[Block] = []
    texts = [FIXED]
    for number in range(draw(st.integers(1, 3))):
        parameters = tuple(p for p in ("width", "times", "act", "kernel", "inner") if draw(st.booleans()))
        writer = Writer(
            draw,
            [p for p in parameters if p in ("width", "times", "inner")] or ["4"],
            list(blocks),
            [p for p in parameters if p == "act"],
        )
        declared = {
            "width": "width",
            "times": "times=1",
            "act": "act=relu",
            "kernel": "kernel=3x3",
            "inner": "inner=6",
        }
        if "width" in parameters:
            declared["inner"] = "inner=2*width"
        lines = [writer.body(1, 3)]
        if "kernel" in parameters:
            lines.append(f"conv(kernel, {writer.count()})")
        if "times" in parameters:
            lines.append(
                draw(
                    st.sampled_from(
                        ["conv(3x3, 6) * times", "(conv(1x1, 4) -> relu) * times", "cba(4, relu) * times"]
                    )
                )
            )
        signature = ", ".join(
            declared[p] for p in ("width", "times", "act", "kernel", "inner") if p in parameters
        )
        name = f"blk{number}"
        texts.append(f"block {name}({signature}) {{\n" + "\n".join(lines) + "\n}\n")
        blocks.append(Block(name, parameters))
    writer = Writer(draw, ["4", "6", "8"], blocks, [])
    lines = ["input: 4x8x8", writer.body(1, 2)]
    for _ in range(draw(st.integers(1, 3))):
        lines.append(writer.label() + blocks[draw(st.integers(0, len(blocks) - 1))].use(writer))
        if draw(st.integers(0, 4)) == 0:
            lines.append("maxpool(2x2)" if draw(st.booleans()) else "conv(3x3/2, 6)")
    extras = draw(
        st.sets(
            st.sampled_from(["share", "shared block", "passed", "tree", "both", "aux", "stages", "output"])
        )
    )
    if "share" in extras:
        lines.append("conv(1x1, 6)\nlet s = share(conv(3x3, 6))\ns -> relu -> s")
    if "shared block" in extras:
        lines.append("conv(1x1, 6)\nlet t = share(cba(6, relu))\nt -> t")
    if "passed" in extras:
        lines.append("conv(1x1, 6)\nlet u = share(conv(1x1, 6))\ntwice(u) -> twice(u)")
        lines.append("stem: { twice(conv(1x1, 6)) -> u }")
    if "tree" in extras:
        lines.append("tree(3, 6) -> tree(2, 4)")
    if "both" in extras:
        lines.append("before: id\nafter: conv(1x1, 6)\n(before, after) -> both(4)")
    if "aux" in extras:
        lines.append(
            "aux side(weight=0.3): head(5)\naux far(weight=0.4): conv(1x1, 4) -> relu -> gap -> fc(5)"
        )
    if "stages" in extras:
        use = blocks[0].use(writer)
        stage = f"stage[i + 1]: conv(1x1, 2 * i + 4) -> ({use}) * n"
        lines.append(f"for i, n in enumerate([1, 3, 2]) {{ {stage} }}")
    if "output" in extras:
        lines.append("output seen: gap")
        lines.append(writer.body(1, 1))
        lines.append("output scores: fc(classes)")
    else:
        lines.append(
            draw(st.sampled_from(["fc: fc(classes)", "gap\nfc(classes)", "gap\nlast: head(classes)"]))
        )
    texts.append("net main(classes=5) {\n" + "\n".join(lines) + "\n}\n")
    return "\n".join(texts)
