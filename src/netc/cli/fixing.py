"""Specs in; the same with what can be fixed mechanically fixed, and the files of it written, out."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from msgspec.structs import replace

from .. import driver
from ..compiler.limits import Limits
from ..dsl.diagnostics import Diagnostic
from ..dsl.differences import differ
from ..dsl.fixes import Mended, mend
from ..dsl.source import Source
from ..files import STDIN, Spec, write_file
from .terminal import coloured, count, give, say, several


def fix_specs(specs: Sequence[Spec], limits: Limits) -> tuple[list[Spec], dict[str, int]]:
    """Fix the files of these specs, and write them; of standard input, the text to standard output. What they
    use is left alone. The specs as they are then, and how much was fixed in which file."""
    fixed: dict[str, int] = {}
    after = []
    for spec in specs:
        if spec.folder is None:  # a bundled spec
            after.append(spec)
            continue
        mended = fix_spec(spec, limits)
        after.append(replace(spec, source=mended.source))
        name = spec.source.name
        if name == STDIN:
            give(mended.source.text)
        if mended.fixed:
            if name != STDIN:
                write_file(name, mended.source.text)
            fixed[name] = fixed.get(name, 0) + mended.fixed
            say(f"fixed {several(mended.fixed, 'mistake')} in {name}")
    return after, fixed


def show_fixes(specs: Sequence[Spec], limits: Limits, strict: bool) -> bool:
    """Show what `fix_specs` would change, and write nothing. Whether there is something to fix, or would be
    something wrong still."""
    wrong = False
    remaining: list[Diagnostic] = []
    for spec in specs:
        if spec.folder is None:
            continue
        mended = fix_spec(spec, limits)
        remaining += mended.diagnostics
        if mended.fixed:
            wrong = True
            name = spec.source.name
            give(differ(name, spec.source.text, mended.source.text, coloured(sys.stdout)))
            say(f"would fix {several(mended.fixed, 'mistake')} in {name}")
    if remaining:
        say(f"{count(remaining)} would remain")
    return wrong or any(diagnostic.severity == "error" or strict for diagnostic in remaining)


def fix_spec(spec: Spec, limits: Limits) -> Mended:
    def find(source: Source) -> Sequence[Diagnostic]:
        return driver.distinct(driver.check(replace(spec, source=source), limits=limits))

    return mend(spec.source, find)
