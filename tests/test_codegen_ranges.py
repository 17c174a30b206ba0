"""Loops in other numbers: they make the same children."""

from __future__ import annotations

import pytest

from netc.codegen.expressions import Const, Expr, Name, binary, choice
from netc.codegen.plan import Element, Given, Make, Repeat, Running
from netc.codegen.ranges import bounds
from netc.codegen.readings import evaluate, text

J = Name("j")


def plus(left: Expr, right: int) -> Expr:
    return binary("+", left, Const(right))


def loop(*values: Expr, count: int = 4, step: int = 1, key: Expr | None = None) -> Repeat:
    make = Make("Unit", tuple(Given(None, value) for value in values))
    return Repeat("j", Const(count), (Element(None if key is None else Running("unit", key), make),), step)


def values_of(repeat: Repeat, numbers: range) -> list[list[object]]:
    (element,) = repeat.entries
    assert isinstance(element, Element)
    assert isinstance(element.make, Make)
    given = [each.value for each in element.make.given]
    if isinstance(element.key, Running):
        given.append(element.key.number)
    return [
        [evaluate(value, {"j": number}) for value in given if not isinstance(value, str)]
        for number in numbers
    ]


CASES = [
    (loop(J), "range(4)", "j"),
    (loop(binary("/", plus(J, 3), Const(39))), "range(3, 7)", "j / 39"),
    (loop(plus(J, 2), plus(J, 5)), "range(2, 6)", "j"),
    (loop(plus(J, 2), J), "range(4)", "j + 2"),
    (loop(plus(J, 2), plus(binary("*", Const(12), J), 64)), "range(4)", "j + 2"),
    (loop(plus(J, 2), choice(binary("==", J, Const(0)), Const(2), Const(1))), "range(2, 6)", "j"),
    (loop(plus(binary("*", Const(2), J), 10), step=2), "range(10, 18, 2)", "j"),
    (loop(plus(binary("*", Const(2), J), 10)), "range(4)", "2 * j + 10"),
    (loop(Const(8), key=plus(J, 1)), "range(1, 5)", "8"),
]


@pytest.mark.parametrize(("repeat", "shown", "first"), CASES)
def test_numbers_move_where_all_expressions_get_shorter(repeat, shown, first):
    moved, numbers = bounds(repeat)
    assert numbers == shown
    (element,) = moved.entries
    assert text(element.make.given[0].value) == first
    over = range(*map(int, numbers.removeprefix("range(").removesuffix(")").split(",")))
    assert values_of(moved, over) == values_of(repeat, range(4))


def test_a_count_that_varies_stands_in_the_end_of_the_range():
    repeat = Repeat("j", Name("n"), loop(plus(J, 1)).entries)
    assert bounds(repeat)[1] == "range(1, n + 1)"
