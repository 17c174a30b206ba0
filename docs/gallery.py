"""The bundled specs in, `docs/zoo` out: each family's pictures, table, claims and recipes.

    python docs/gallery.py [FOLDER]

`make gallery` runs it; a test holds the pages to what it writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from netc import driver
from netc.codegen.plain_text import shorten_count
from netc.codegen.table_formats import code, join_markdown
from netc.compiler.claims import Outcome
from netc.drawing import draw_as, tabulate
from netc.dsl import ast
from netc.dsl.parser import parse
from netc.files import bundled_files, open_bundled

ZOO = Path(__file__).parent / "zoo"
COMMENT = re.compile(r"(?:^#[^\n]*\n)+\Z", re.MULTILINE)
"""Lines at the end of a text."""
PRELUDE = "std"
DRAWN = {
    "alexnet": ("alexnet_2012", "alexnet", "alexnet_towers"),
    "attention": ("attention92", "attention56"),
    "cifar_resnet": ("resnet20", "preact_resnet164", "resnet110_shortcut_exclusive_gating"),
    "densenet_cifar": ("densenet_bc100_k12", "densenet40_k12"),
    "googlenet": ("googlenet", "googlenet_naive"),
    "mobilenet_v1": ("mobilenet_v1", "conv_mobilenet"),
    "mobilenet_v3": ("mobilenet_v3_large", "mobilenet_v3_small"),
    "nin": ("nin_cifar10", "nin_imagenet"),
    "pyramidnet": ("pyramidnet110_a84", "pyramidnet200_a240"),
    "regnet": ("regnet_x_400mf", "regnet_y_400mf"),
    "resnet": ("resnet50", "resnet18", "plain34", "resnet200"),
    "resnext50": ("resnext50", "resnext50_concat", "resnext50_branches"),
    "senet": ("se_resnet50", "se_pre_resnet50", "se_post_resnet50", "se_identity_resnet50", "senet154"),
    "unet": ("unet", "unet_same"),
    "vgg": ("vgg16",),
    "wide_resnet": ("wrn_28_10", "wide_resnet50_2"),
    "word2vec": ("skipgram", "cbow"),
    "xception": ("xception", "xception_towers", "xception_segments", "xception_extreme"),
}
"""The nets of a family that are drawn, where that is not one, named like the file, or the first. The page
shows the table of the first."""


def families() -> list[str]:
    """The files that describe nets."""
    return [file for file in bundled_files() if file != PRELUDE]


@cache
def compiled_nets(file: str) -> tuple[driver.Compiled, ...]:
    return tuple(
        result.compiled for result in driver.check(open_bundled(file)) if result.compiled is not None
    )


def drawn_nets(file: str) -> list[driver.Compiled]:
    """The nets whose pictures are on the page of a family."""
    nets = {net.name: net for net in compiled_nets(file)}
    return [nets[name] for name in DRAWN.get(file, (file if file in nets else next(iter(nets)),))]


def draw(net: driver.Compiled) -> str:
    return draw_as(net.training, "svg").decode()


def paragraphs(doc: str) -> list[str]:
    """A docstring's paragraphs, a line each."""
    return [" ".join(part.split()) for part in doc.strip().split("\n\n")]


def write_page(file: str) -> str:
    """The page of a family, as Markdown."""
    shown, *others = drawn_nets(file)
    paper, *rest = paragraphs(shown.doc)
    parts = [
        f"# {file}",
        cite(paper),
        *map(escape, rest),
        f"The text is [specs/{file}.net](../../specs/{file}.net).",
        "## Nets",
        list_nets(compiled_nets(file)),
        f"## `{shown.name}`",
        picture(shown),
        tabulate(shown.training, "markdown"),
        "Build it, and draw it:",
        f"    netc build {shown.name} -o {shown.name}.py\n"
        f"    netc compile {shown.name} --render svg -o {shown.name}.svg",
        *(part for net in others for part in (f"## `{net.name}`", picture(net))),
        "## Claims",
        f"What the sources print, held against what netc computes (`netc verify {file}`). `==` is exact, `~=`"
        " holds to the digits printed, `<=` is a bound; `!~` is printed and not so, for the reason given.",
        *write_claims(file),
        *write_recipes(file),
        neighbours(file),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def cite(paper: str) -> str:
    """The title in bold, and a link to the paper where it is on arXiv."""
    title, dot, rest = paper.partition(". ")
    link = r"[arXiv:\1](https://arxiv.org/abs/\1)"
    return f"**{escape(title)}.**{dot[1:]}" + re.sub(r"arXiv:(\d+\.\d+)", link, escape(rest))


def cite_briefly(paper: str) -> str:
    """The title, the first author and where the paper stands."""
    title, authors, *rest = paper.split(". ")
    first, *others = authors.split(", ")
    who = first if not others else f"{first} and {others[0]}" if len(others) == 1 else f"{first} et al"
    return escape(f"{title}. {who}. {rest[0].removesuffix('.')}")


def picture(net: driver.Compiled) -> str:
    return f'<img src="{net.name}.svg" alt="The blocks of {net.name}">'


def neighbours(file: str) -> str:
    """Links to the pages before and after, and to the list of all."""
    files = families()
    place = files.index(file)
    links = [f"[{before}]({before}.md) ←" for before in files[:place][-1:]]
    links += ["[the zoo](README.md)", *(f"→ [{after}]({after}.md)" for after in files[place + 1 :][:1])]
    return " ".join(links)


def list_nets(nets: tuple[driver.Compiled, ...]) -> str:
    rows = [["net", "input", "parameters", "multiply-adds", "depth"]]
    for net in nets:
        facts = net.inference
        total = facts.total
        counts = f"{total.params:,}", f"{total.macs:,}", str(facts.depths.total)
        rows.append([code(net.name), ", ".join(map(str, facts.inputs.values())), *counts])
    return join_markdown(rows, right=(2, 3, 4))


def write_claims(file: str) -> Iterator[str]:
    """A table for each expectation, and after it what the sources report and no compiler can compute."""
    for expectation in driver.verify(open_bundled(file)).expectations:
        judged = [outcome for outcome in expectation.outcomes if outcome.holds is not None]
        reported = [outcome for outcome in expectation.outcomes if outcome.holds is None]
        yield f"### {code(expectation.title)}"
        if judged:
            yield join_markdown(
                [["quantity", "printed", "computed", "source"], *map(claim_row, judged)], right=()
            )
        if reported:
            rows = [
                [code(outcome.quantity), escape(outcome.printed), escape(outcome.source)]
                for outcome in reported
            ]
            yield join_markdown([["reported", "figure", "source"], *rows], right=(1,))


def claim_row(outcome: Outcome) -> list[str]:
    if not outcome.holds:
        raise SystemExit(f"a claim does not hold: {outcome.quantity} {outcome.operator} {outcome.printed}")
    printed = code(f"{outcome.operator} {outcome.printed}")
    source = ". Not so: ".join(filter(None, (outcome.source, outcome.reason)))
    return [code(outcome.quantity), printed, code(str(outcome.computed)), escape(source)]


def write_recipes(file: str) -> Iterator[str]:
    """The `train` blocks, each with the comment above it."""
    source = open_bundled(file).source
    trains = [item for item in parse(source)[0].items if isinstance(item.tree, ast.Train)]
    if trains:
        yield "## Recipes" if len(trains) > 1 else "## Recipe"
        training = "[training](../training.md)"
        yield f"How these nets are trained: `netc train NET --data DATA` carries it out ({training})."
    for item in trains:
        place = item.place(item.tree)
        comment = COMMENT.search(source.text, 0, place.start)
        start = comment.start() if comment else place.start
        yield f"```net\n{source.text[start : place.end]}\n```"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, but for names in backquotes."""
    parts = re.split(r"(`[^`|]+`)", text)
    for place in range(0, len(parts), 2):
        parts[place] = re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", parts[place])
    return "".join(parts)


def write_index() -> str:
    """The list of all families."""
    rows = [["family", "paper", "nets", "parameters"]]
    for file in families():
        nets = compiled_nets(file)
        params = sorted(net.inference.total.params for net in nets)
        span = " to ".join(dict.fromkeys(map(shorten_count, (params[0], params[-1]))))
        rows.append([f"[{file}]({file}.md)", cite_briefly(paragraphs(nets[0].doc)[0]), str(len(nets)), span])
    total = sum(int(row[2]) for row in rows[1:])
    return (
        "# The zoo\n\n"
        f"{total} nets in {len(rows) - 1} files, each with what its paper prints about it, checked. "
        "`netc list` lists the nets; `netc build NET -o model.py` writes one as a PyTorch module.\n\n"
        f"{join_markdown(rows, right=(2, 3))}\n"
    )


def write_gallery(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.md"), *folder.glob("*.svg")]:
        old.unlink()
    for file in families():
        (folder / f"{file}.md").write_text(write_page(file), encoding="utf-8")
        for net in drawn_nets(file):
            (folder / f"{net.name}.svg").write_text(draw(net), encoding="utf-8")
    (folder / "README.md").write_text(write_index(), encoding="utf-8")


if __name__ == "__main__":
    write_gallery(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
