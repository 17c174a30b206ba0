"""DOT text in, a laid-out picture out: SVG, PNG, PDF or Graphviz's JSON, as bytes.

Graphviz is `dot` on the PATH, or else the one inside `pygraphviz`. Both run in a process of their own:
their warnings (of fonts, of the fonts' configuration) then stay off the user's screen.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Format = Literal["svg", "png", "pdf", "json"]
SECONDS = 60
DPI = {"png": "180"}
BUNDLED = """
import sys
sys.path.append(sys.argv[2])
from pygraphviz import AGraph
graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
if sys.argv[3]:
    graph.graph_attr["dpi"] = sys.argv[3]
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))
"""
"""Runs where `pygraphviz` lives; it writes to this process's own standard output only."""


class LayoutFailed(Exception):
    """Graphviz is missing or gave up: `message` is what is true, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message, self.help = message, help


def lay_out(dot: str, format: Format, hints: Mapping[str, str] | None = None) -> bytes:
    """The picture; raises `LayoutFailed`. `hints` are what a pointer over a box shows, by the box's id."""
    drawn = run_first(dot, format)
    if format == "svg":
        return clean_svg(drawn.decode("utf-8"), hints or {}).encode("utf-8")
    if format == "pdf":
        return undated(drawn)
    return drawn


def run_first(dot: str, format: Format) -> bytes:
    failures: list[str] = []
    for command in commands(format):
        try:
            done = subprocess.run(
                command,
                input=dot.encode("utf-8"),
                capture_output=True,
                timeout=SECONDS,
                env=environment(),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LayoutFailed(
                f"the layout of this picture takes longer than {SECONDS} seconds",
                "leave `--expand` away, or write the DOT text with `--render dot`",
            ) from None
        except OSError as error:
            failures.append(str(error))
            continue
        if done.returncode == 0 and done.stdout:
            return done.stdout
        failures.append(done.stderr.decode("utf-8", "replace").strip().split("\n")[-1])
    reason = next((failure for failure in reversed(failures) if failure), "no Graphviz was found")
    raise LayoutFailed(
        f"the picture could not be laid out: {reason}",
        "install `pygraphviz`, whose wheel brings Graphviz, or a `dot` on the PATH; `--render dot` and "
        "`--render mermaid` need neither",
    )


def commands(format: Format) -> list[list[str]]:
    """The ways to run Graphviz, in the order in which they are tried."""
    dpi = DPI.get(format, "")
    ways: list[list[str]] = []
    installed = shutil.which("dot")
    if installed is not None:
        ways.append([installed, f"-T{format}", *([f"-Gdpi={dpi}"] if dpi else [])])
    bundled = find_spec("pygraphviz")
    if bundled is not None and bundled.origin is not None:
        ways.append(
            [sys.executable, "-P", "-c", BUNDLED, format, str(Path(bundled.origin).parent.parent), dpi]
        )
    return ways


def environment() -> dict[str, str]:
    """Ours, with a fixed date and encoding, so that one text gives the same bytes."""
    return {**os.environ, "SOURCE_DATE_EPOCH": "0", "PYTHONIOENCODING": "utf-8"}


def undated(pdf: bytes) -> bytes:
    """The document without the time at which it was made; as long as before, as its index counts bytes."""

    def blank(match: re.Match[bytes]) -> bytes:
        return match[1] + re.sub(rb"\d", b"0", match[2]).replace(b"00000000", b"19700101", 1) + match[3]

    return re.sub(rb"(/(?:CreationDate|ModDate) ?\()(D:[^)]*)(\))", blank, pdf)


def clean_svg(svg: str, hints: Mapping[str, str]) -> str:
    """Graphviz's SVG without its own comments and document type, with what a pointer shows in place of ids.

    Comments repeat names; the document type names a file on the web; ids mean nothing to a reader.
    """
    from xml.sax.saxutils import escape

    def title(match: re.Match[str]) -> str:
        hint = hints.get(match[1], "")
        return f"<title>{escape(hint)}</title>\n" if hint else ""

    svg = re.sub(r"<\?xml.*?\?>\s*|<!DOCTYPE.*?>\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "", 1)
    return re.sub(r"<title>(.*?)</title>\n?", title, svg, flags=re.DOTALL)
