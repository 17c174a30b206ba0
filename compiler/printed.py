"""A number as a source prints it, and the exact one, in; whether they are the same figure, out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from ..dsl.literals import SUFFIXES


def agrees(text: str, value: int | float | Fraction) -> bool:
    """Whether the digits of `text`, in its unit, come out of `value` by rounding or by truncation.

    `25.5M` has tenths of a million, `159Ki` whole times 1,024, `4.10G` hundredths: every digit counts that is
    printed, a zero at the end too.
    """
    step, steps = read_steps(text)
    exact = Fraction(value) / step
    if (exact < 0) != (steps < 0) and exact * steps != 0:
        return False
    whole, rest = divmod(abs(exact), 1)
    return abs(steps) == whole or (rest >= Fraction(1, 2) and abs(steps) == whole + 1)


def read_steps(text: str) -> tuple[Fraction, int]:
    """What a literal's last digit stands for, and how many of these it is: `25.5M` is 255 times 100,000."""
    digits = text.replace("_", "").replace(" ", "")
    unit = digits.lstrip("0123456789.+-eE")
    number = Decimal(digits.removesuffix(unit))
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "the language has no infinite literals"
    step = Fraction(10) ** exponent * SUFFIXES.get(unit, 1)
    return step, int(number.scaleb(-exponent))
