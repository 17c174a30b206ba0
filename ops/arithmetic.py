"""Numbers in, numbers and their arithmetic as text out: what the rules of several families share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .base import Line, Margins, Reject, Shape, Sizes


def each(value: Sizes, rank: int) -> tuple[int, ...]:
    """One entry a dimension."""
    return (value,) * rank if isinstance(value, int) else value


def shorten(values: tuple[int, ...]) -> Sizes:
    """One integer where all are equal, as `nn.Conv2d(..., 3)` is written."""
    return values[0] if len(set(values)) == 1 else values


def sides(margins: Margins, rank: int) -> tuple[tuple[int, int], ...]:
    """(before, after) in each dimension."""
    if isinstance(margins, int):
        return ((margins, margins),) * rank
    return tuple((entry, entry) if isinstance(entry, int) else entry for entry in margins)


def torch_margins(pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """As `F.pad` wants them: the last dimension first."""
    return tuple(size for pair in reversed(pairs) for size in pair)


def divisible(value: float, by: int) -> int:
    """`value` rounded to a multiple of `by`, never below 90 % of it (Sandler et al. 2018's released code)."""
    rounded = max(by, int(value + by / 2) // by * by)
    return rounded + by if rounded < 0.9 * value else rounded


def check_division(channels: int, by: int, wish: str, blame: str) -> None:
    """Refuse to do with channels what needs a number that divides them."""
    if channels % by:
        from .mending import divide

        raise Reject(
            "indivisible",
            f"{channels} channels cannot be {wish}",
            blame=blame,
            help=divide(f"`{blame}`", by, channels),
            aspect="channels",
        )


def times(values: Iterable[int]) -> str:
    """`112*112`"""
    return "*".join(map(str, values))


def equation(what: str, formula: str, value: int) -> Line:
    """`params`: `7*7*3*64 = 9,408`"""
    return Line(what, f"{formula} = {value:,}")


def size_lines(formulas: Sequence[str], output: Shape) -> tuple[Line, ...]:
    """A line for each spatial dimension, or one for both where they are the same."""
    lines = [f"{formula} = {size}" for formula, size in zip(formulas, output.spatial, strict=True)]
    if len(lines) == 2 and lines[0] == lines[1]:
        return (Line("height and width", lines[0]),)
    names = ("length",) if len(lines) == 1 else ("height", "width")
    return tuple(Line(name, line) for name, line in zip(names, lines, strict=True))


def padded(size: int, before: int, after: int) -> str:
    """A size with its padding: `224 + 2*3`, `56 + 0 + 1`, `56`."""
    if before == after:
        return f"{size} + 2*{before}" if before > 0 else f"{size} - 2*{-before}" if before else str(size)
    return f"{size} {'-' if before < 0 else '+'} {abs(before)} {'-' if after < 0 else '+'} {abs(after)}"
