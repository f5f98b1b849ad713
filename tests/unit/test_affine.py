"""Integers with symbols: linear parts stay linear, and comparisons say only what the bounds prove."""

import itertools

import pytest

from dsv4_passes.interpreter.affine import (
    Affine,
    Number,
    bounds,
    compare,
    maximum,
    minimum,
    split,
)


def substitute(number: Number, values: dict[str, int]) -> int:
    if isinstance(number, int):
        return number
    return number.constant + sum(c * values[s.name] for s, c in number.terms)


def test_sums_and_products_by_numbers_are_linear() -> None:
    x, y = Affine.symbol("x"), Affine.symbol("y")
    number = (x * 32 + 4) - y * 2 + (7 - x)
    for a, b in itertools.product((-3, 0, 5), repeat=2):
        assert substitute(number, {"x": a, "y": b}) == 32 * a + 4 - 2 * b + 7 - a
    assert x - x == 0
    assert x * 0 == 0
    assert x + y == y + x
    assert hash(x * 2 + 1) == hash(1 + x + x)


def test_division_by_a_divisor_of_all_coefficients_is_exact() -> None:
    x = Affine.symbol("x")
    assert (x * 64 + 33) // 32 == x * 2 + 1
    assert (x * 64 + 33) % 32 == 1
    assert (x * 64 - 1) // 32 == x * 2 - 1


def test_other_operations_are_symbols_named_by_what_they_compute() -> None:
    x, y = Affine.symbol("x", 0), Affine.symbol("y", 0)
    assert x * y == y * x
    assert x // 3 == x // 3 != x // 5
    assert bounds(x % 3) == (0, 2)
    assert bounds(x * y) == (0, None)
    assert (x * 3 + 1) % 3 == 1
    small = Affine.symbol("s", 0, 2)
    assert small % 3 == small


def test_a_clamped_offset_is_itself_where_it_cannot_be_negative() -> None:
    block, any_ = Affine.symbol("block", 0), Affine.symbol("n")
    assert maximum(block * 32, 0) == block * 32
    assert maximum(any_, 0) == maximum(0, any_) != any_
    assert bounds(maximum(any_, 0)) == (0, None)
    assert minimum(block, block + 1) == block
    assert minimum(3, 5) == 3


@pytest.mark.parametrize("predicate", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_a_comparison_is_decided_exactly_when_all_values_agree(predicate: str) -> None:
    python = {
        "eq": int.__eq__,
        "ne": int.__ne__,
        "lt": int.__lt__,
        "le": int.__le__,
        "gt": int.__gt__,
        "ge": int.__ge__,
    }[predicate]
    for low, high, other in itertools.product(range(4), range(4), range(-1, 5)):
        if low >= high:  # an interval of one number makes no number of a symbol
            continue
        decided = compare(predicate, Affine.symbol("x", low, high), other)
        outcomes = {int(python(x, other)) for x in range(low, high + 1)}
        assert {decided} == outcomes if len(outcomes) == 1 else not isinstance(decided, int)
    assert compare(predicate, 3, 4) == int(python(3, 4))


def test_split_gives_the_symbolic_part_and_the_constant() -> None:
    x = Affine.symbol("x")
    assert split(5) == ((), 5)
    assert split(x * 2 + 5)[0] == split(x * 2)[0]
    assert split(x * 2 + 5)[1] == 5
