"""The bundled specs in, `docs/zoo` out: each family's picture, its table, its claims and how to build it.

    python docs/gallery.py [FOLDER]

`make gallery` runs it; a test holds the pages to what it writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import netc
from netc import driver
from netc.codegen.plain_text import shorten_count
from netc.codegen.table_formats import code, join_markdown
from netc.compiler.claims import Outcome
from netc.files import Spec, bundled_files, read_bundled

ZOO = Path(__file__).parent / "zoo"
PRELUDE = "std"


def families() -> list[str]:
    """The files that describe nets."""
    return [file for file in bundled_files() if file != PRELUDE]


def open_family(file: str) -> Spec:
    source = read_bundled(file)
    assert source is not None
    return Spec(source, None, None)


def compiled_nets(file: str) -> list[driver.Compiled]:
    return [result.compiled for result in driver.check(open_family(file)) if result.compiled is not None]


def shown_net(file: str, nets: list[driver.Compiled]) -> driver.Compiled:
    """The net that stands for the family: the one named like the file, else the first."""
    return next((net for net in nets if net.name == file), nets[0])


def paragraphs(doc: str) -> list[str]:
    """A docstring's paragraphs, a line each; a line that starts with blanks stays in the one before."""
    return [" ".join(part.split()) for part in doc.strip().split("\n\n")]


def write_page(file: str) -> str:
    """The page of a family, as Markdown."""
    nets = compiled_nets(file)
    shown = shown_net(file, nets)
    title, *rest = paragraphs(shown.doc)
    model = netc.load(shown.name)
    parts = [
        f"# {file}",
        *map(escape, [title, *rest]),
        f"The text is [specs/{file}.net](../../specs/{file}.net).",
        "## Nets",
        list_nets(nets),
        f"## `{shown.name}`",
        f'<img src="{file}.svg" alt="The blocks of {shown.name}">',
        model.summary(format="markdown"),
        "## Build it",
        f"    netc build {shown.name} -o {shown.name}.py\n"
        f"    netc compile {shown.name} --render svg -o {shown.name}.svg",
        "## Claims",
        f"What the sources print, held against what netc computes (`netc verify {file}`). `==` is exact, `~=`"
        " holds to the digits printed, `<=` is a bound; `!~` is printed and not so, for the reason given.",
        *write_claims(file),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def list_nets(nets: list[driver.Compiled]) -> str:
    rows = [["net", "input", "parameters", "multiply-adds", "depth"]]
    for net in nets:
        facts = net.inference
        inputs = [str(facts.shapes[node.id]) for node in facts.graph if node.op.family == "input"]
        total = facts.total
        counts = f"{total.params:,}", f"{total.macs:,}", str(facts.depths.total)
        rows.append([code(net.name), ", ".join(inputs), *counts])
    return join_markdown(rows, right=(2, 3, 4))


def write_claims(file: str) -> Iterator[str]:
    """A table for each expectation, and after it what the sources report and no compiler can compute."""
    for expectation in driver.verify(open_family(file)).expectations:
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
    return [code(outcome.quantity), printed, code(str(outcome.computed)), escape(outcome.source)]


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{mark}" if mark in "\\`*_[]<>|#" else mark for mark in text)


def write_index() -> str:
    """The list of all families."""
    rows = [["family", "paper", "nets", "parameters"]]
    for file in families():
        nets = compiled_nets(file)
        params = sorted(net.inference.total.params for net in nets)
        span = " to ".join(dict.fromkeys(map(shorten_count, (params[0], params[-1]))))
        rows.append([f"[{file}]({file}.md)", escape(paragraphs(nets[0].doc)[0]), str(len(nets)), span])
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
        shown = shown_net(file, compiled_nets(file))
        (folder / f"{file}.svg").write_text(netc.load(shown.name).svg(), encoding="utf-8")
    (folder / "README.md").write_text(write_index(), encoding="utf-8")


if __name__ == "__main__":
    write_gallery(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
