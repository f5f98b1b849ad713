"""Tiles of lane numbers that gathers by index take, computed once outside of loops.

They count with `tci` and go on by integer operations that every chip has for i32.
"""

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i32
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import TileOp
from dialects.pto.broadcast import TCiOp, TExpandsOp
from dialects.pto.elementwise import TAddOp, TAddsOp, TAndOp, TMulsOp, TShlsOp, TShrsOp, TSubOp
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.transforms.lanes.builder import Builder

from .form import Target, lacks

INDEX = "i32"
OPERATIONS = ("tci", "tand", "tshls", "tshrs", "tmuls", "tadd", "tadds", "tsub", "texpands")


def cannot_count(target: Target) -> str | None:
    """Why no index tile can be computed on the target."""
    return next((why for m in OPERATIONS if (why := lacks(target, m, INDEX)) is not None), None)


@dataclass
class Indices:
    """Adds operations on one row of `count` lane numbers in front of the loops around a site."""

    builder: Builder
    count: int

    def __post_init__(self) -> None:
        self.before: Operation = self.builder.outside_loops()
        self.type = TileType(TileLayout("vec", 1, self.count, INDEX, 1, self.count))

    def counted(self) -> SSAValue:
        """0 1 2 3 …"""
        return self._add(TCiOp, self.number(0))

    def swapped(self) -> SSAValue:
        """1 0 3 2 …: the other lane of each pair, 4 (i / 2) + 1 - i.

        Not by txor, of which pypto's code generator makes an operation that it then refuses.
        """
        lanes = self.counted()
        pairs = self._add(TShrsOp, lanes, self.number(1))
        both = self._add(TAddsOp, self._add(TShlsOp, pairs, self.number(2)), self.number(1))
        return self._add(TSubOp, both, lanes)

    def every_second(self, first: int) -> SSAValue:
        """first, first + 2, first + 4, …"""
        doubled = self._add(TMulsOp, self.counted(), self.number(2))
        return self._add(TAddsOp, doubled, self.number(first)) if first else doubled

    def in_turns(self) -> SSAValue:
        """0 n 1 n+1 2 n+2 …, where n is half the count: lanes of two halves one behind the other."""
        lanes, ones = self.counted(), self._add(TExpandsOp, self.number(1))
        second_half = self._add(TMulsOp, self._add(TAndOp, lanes, ones), self.number(self.count // 2))
        return self._add(TAddOp, self._add(TShrsOp, lanes, self.number(1)), second_half)

    def number(self, value: int) -> SSAValue:
        number = self.builder.shared(arith.ConstantOp(IntegerAttr(value, i32)), self.before)
        number.name_hint = f"c{value}_i32"
        return number

    def _add(self, kind: Callable[..., TileOp], *operands: SSAValue) -> SSAValue:
        tile = self.builder.shared(kind(list(operands), result=self.type), self.before)
        tile.name_hint = "index"
        return tile
