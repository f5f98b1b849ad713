"""Integer operations of `arith` on operands that have numbers: ints, or int64 arrays of many numbers at once.

What is said here of one operation holds for both. Results of ints are exact, those of arrays wrap at 64 bits;
`wrap` brings either to the width of its type. Integers without a number are up to scalars.py.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerType
from xdsl.ir import Attribute

Integers = TypeVar("Integers", int, NDArray[np.int64])

PREDICATES = ("eq", "ne", "lt", "le", "gt", "ge", "lt", "le", "gt", "ge")
"""Comparisons of arith.cmpi by number: eq ne slt sle sgt sge ult ule ugt uge."""
UNSIGNED_FROM = 6
"""From this number on they read their operands without a sign."""
READ_UNSIGNED = frozenset(
    f"arith.{name}" for name in ("divui", "ceildivui", "remui", "minui", "maxui", "shrui", "extui")
)
DIVISIONS = frozenset(
    f"arith.{name}" for name in ("divsi", "divui", "floordivsi", "ceildivsi", "ceildivui", "remsi", "remui")
)
SHIFTS = frozenset(("arith.shli", "arith.shrsi", "arith.shrui"))
CASTS = ("arith.index_cast", "arith.index_castui", "arith.trunci", "arith.extsi", "arith.extui")


def width(type_: Attribute) -> int:
    """Bits of an integer; index has 64."""
    return int(type_.bitwidth) if isinstance(type_, IntegerType) else 64


def wrap(value: Integers, bits: int) -> Integers:
    """Two's complement; a single bit is 0 or 1."""
    if bits == 1:
        return value & 1
    if bits >= 64 and not isinstance(value, int):
        return value
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def unsigned(value: Integers, bits: int) -> Integers:
    """The bits of `value` read without a sign. An array of 64 bits may hold no negative numbers."""
    return value % (1 << bits) if bits < 64 or isinstance(value, int) else value


def cast(name: str, value: Integers, source: int, target: int) -> Integers:
    """One of `CASTS` from a type of `source` bits to one of `target` bits."""
    if name in ("arith.extui", "arith.index_castui"):
        value = unsigned(value, source)
    elif source == 1 and name != "arith.trunci":
        value = -value  # a set bit, extended with its sign
    return wrap(value, target)


def truncating_division(a: Integers, b: Integers) -> Integers:
    quotient = a // b
    rounds_down: Any = (quotient < 0) & (quotient * b != a)
    return quotient + rounds_down


def remainder(a: Integers, b: Integers) -> Integers:
    """It has the sign of `a`."""
    return a - truncating_division(a, b) * b


def ceil_division(a: Integers, b: Integers) -> Integers:
    return -(-a // b)


BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "arith.addi": lambda a, b: a + b,
    "arith.subi": lambda a, b: a - b,
    "arith.muli": lambda a, b: a * b,
    "arith.divsi": truncating_division,
    "arith.divui": truncating_division,
    "arith.floordivsi": lambda a, b: a // b,
    "arith.ceildivsi": ceil_division,
    "arith.ceildivui": ceil_division,
    "arith.remsi": remainder,
    "arith.remui": remainder,
    "arith.andi": lambda a, b: a & b,
    "arith.ori": lambda a, b: a | b,
    "arith.xori": lambda a, b: a ^ b,
    "arith.shli": lambda a, b: a << b,
    "arith.shrsi": lambda a, b: a >> b,
    "arith.shrui": lambda a, b: a >> b,
}
"""Divisors are not 0, and shifts are by 0 to 63 bits."""
