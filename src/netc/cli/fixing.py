"""Specs in; the same with what can be fixed mechanically fixed, and the files of it written, out."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from .. import driver
from ..compiler.limits import Limits
from ..dsl.diagnostics import Diagnostic
from ..dsl.fixes import Mended, mend
from ..dsl.source import Source
from ..files import STDIN, Spec, read_data, write_file
from .terminal import count, give, give_differences, say, several

MOST_PASSES = 5
"""Over all files: what is fixed in one can bring to light what is wrong in those that use it."""


def fix_specs(specs: Sequence[Spec], limits: Limits) -> tuple[list[Spec], dict[str, int]]:
    """Fix the files of these specs, and write them; of standard input, the text to standard output. What they
    use is left alone. The specs as they are then, and how much was fixed in which file."""
    texts: dict[str, Source] = {}
    fixed: dict[str, int] = {}
    for _ in range(MOST_PASSES):
        before = fixed.copy()
        for spec in specs:
            if spec.folder is None:  # a bundled spec
                continue
            spec = renew(spec, texts)
            mended = fix_spec(spec, limits)
            texts[path_of(spec)] = mended.source
            if mended.fixed:
                name = spec.source.name
                fixed[name] = fixed.get(name, 0) + mended.fixed
                if name != STDIN:
                    mark = BOM_UTF8 if read_data(Path(name)).startswith(BOM_UTF8) else b""
                    write_file(name, mark + mended.source.text.encode())
        if fixed == before or len(texts) == 1:
            break
    if STDIN in texts and texts[STDIN].garbled is None:
        give(texts[STDIN].text.encode())
    for name, number in fixed.items():
        say(f"fixed {several(number, 'mistake')} in {name}")
    return [renew(spec, texts) for spec in specs], fixed


def renew(spec: Spec, texts: Mapping[str, Source]) -> Spec:
    """The spec with what its file, which other specs may have too, holds by now."""
    now = texts.get(path_of(spec))
    return spec if now is None else replace(spec, source=replace(now, name=spec.source.name))


def path_of(spec: Spec) -> str:
    return spec.source.name if spec.source.name == STDIN else os.path.realpath(spec.source.name)


def show_fixes(specs: Sequence[Spec], limits: Limits, strict: bool) -> bool:
    """Show what `fix_specs` would change, and write nothing. Whether there is something to fix, or would be
    something wrong still."""
    wrong = False
    remaining: list[Diagnostic] = []
    shown = {spec.source.name for spec in specs}
    for spec in specs:
        mended = fix_spec(spec, limits) if spec.folder is not None else Mended(spec.source, 0, ())
        remaining += [
            diagnostic
            for diagnostic in mended.diagnostics
            if diagnostic.place.source is mended.source or diagnostic.place.source.name not in shown
        ]
        if mended.fixed:
            wrong = True
            name = spec.source.name
            give_differences(name, spec.source.text, mended.source.text)
            say(f"would fix {several(mended.fixed, 'mistake')} in {name}")
    remaining = [*driver.in_order(remaining)]
    if remaining:
        say(f"{count(remaining)} would remain")
    return wrong or any(diagnostic.is_error or strict for diagnostic in remaining)


def fix_spec(spec: Spec, limits: Limits) -> Mended:
    def find(source: Source) -> Sequence[Diagnostic]:
        return driver.distinct(driver.check(replace(spec, source=source), limits=limits))

    return mend(spec.source, find)
