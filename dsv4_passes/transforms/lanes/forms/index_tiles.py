"""Tiles of lane numbers that gathers and scatters by index take, computed once outside of loops.

They count with `tci` and go on by integer operations that every chip has for i32 and i16. Where the assembler
gets `tci` wrong they count by fills:

    %c = rows of 0, of 1, … of 15 : 16x8xi32;  %r = ttrans %c, of which each row is 0 1 … 15
    %t[0, 0] = %r[0, 0] : 1x16;  %t[0, 16] = %t[0, 0] + 16 : 1x16;  %t[0, 32] = %t[0, 0] + 32 : 1x32;  …

Where pypto writes `tci` as the assembler does not take it they count by joining tiles side by side, for
which pypto has an operation:

    %a = 0 0 … 0 : 1x8;  %b = %a, %a + 1 : 1x16;  %c = %b, %b + 2 : 1x32;  …  : 1x128, 16 times 8 alike
    %r = ttrans (reshape of that : 16x8);  %t = %r[0, 0] : 1x16;  %u = %t, %t + 16 : 1x32;  …
"""

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, IntegerAttr, IntegerType
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import TCiOp, TExpandsOp
from dialects.pto.elementwise import TAddOp, TAddsOp, TAndOp, TMulsOp, TShlsOp, TShrsOp, TSubOp
from dialects.pto.moves import TMovOp, TTransOp
from dialects.pto.tiles import InsertOp, ReshapeOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import Builder
from dsv4_passes.xdsl_extras.insert import constant

from .form import BLOCK_BYTES, Target, lacks

INDEX = "i32"
OPERATIONS = ("tand", "tshls", "tshrs", "tmuls", "tadd", "tadds", "tsub", "texpands")
ROWS = 16
"""The rows that are transposed at once by vector instructions (A2/A3)."""
BY_FILLS = ("ttrans", "tmov")
"""What counting takes where `tci` cannot be used."""
BY_JOINING = ("ttrans", "tmov", "tconcat")
"""What it takes where pypto goes on compiling the text."""


def cannot_count(target: Target, dtype: str = INDEX) -> str | None:
    """Why no index tile of that type can be computed on the target."""
    counting = ("tci",) if target.ptoas.usable(target.chip, "tci") else BY_FILLS
    if target.leaves_out("tile.ci") is not None:
        counting = BY_JOINING
    wanted = (*counting, *OPERATIONS)
    return next((why for m in wanted if (why := lacks(target, m, dtype)) is not None), None)


@dataclass
class Indices:
    """Adds operations on one row of `count` lane numbers in front of the loops around a site."""

    builder: Builder
    count: int
    dtype: str = INDEX

    def __post_init__(self) -> None:
        self.before: Operation = self.builder.outside_loops()
        self.layout = TileLayout("vec", 1, self.count, self.dtype, 1, self.count)
        self.type = TileType(self.layout)

    def counted(self) -> SSAValue:
        """0 1 2 3 …"""
        chip, ptoas = self.builder.chip, self.builder.ptoas
        if not self.builder.tci:
            return self.counted_by_joining()
        if chip is None or ptoas is None or ptoas.usable(chip, "tci"):
            return self._add(TCiOp, self.number(0))
        return self.counted_by_fills()

    def counted_by_fills(self) -> SSAValue:
        """The same without `tci`: the first block of numbers, then twice as many each time."""
        cols = 8 * BLOCK_BYTES // element_bits(self.dtype)
        block = self.layout._replace(rows=ROWS, cols=cols, valid_rows=ROWS, valid_cols=cols)
        filled = self._shared(UndefOp(TileType(block)))
        for number in range(ROWS):
            row = TExpandsOp([self.number(number)], result=TileType(_row(block, cols)))
            filled = self._insert(self._shared(row), filled, number, 0)
        across = block._replace(rows=cols, cols=ROWS, valid_rows=cols, valid_cols=ROWS)
        turned = self._shared(TTransOp([filled], result=TileType(across)))
        whole = self._shared(UndefOp(self.type))
        done = min(ROWS, self.count)
        part = self._shared(TMovOp([self._window(turned, done)], result=TileType(_row(self.layout, done))))
        whole = self._insert(part, whole, 0, 0)
        while done < self.count:
            more = min(done, self.count - done)
            first = self._window(whole, more)
            part = self._shared(TAddsOp([first, self.number(done)], result=first.type))
            whole = self._insert(part, whole, 0, done)
            done += more
        return whole

    def counted_by_joining(self) -> SSAValue:
        """The same by tiles that are joined side by side."""
        cols = 8 * BLOCK_BYTES // element_bits(self.dtype)
        row = TileType(_row(self.layout, cols))
        lanes: SSAValue = self._shared(TExpandsOp([self.number(0)], result=row))
        number = 1
        while number < ROWS:
            lanes = self._joined(lanes, self._more(lanes, number))
            number *= 2
        block = self.layout._replace(rows=ROWS, cols=cols, valid_rows=ROWS, valid_cols=cols)
        across = block._replace(rows=cols, cols=ROWS, valid_rows=cols, valid_cols=ROWS)
        rows = self._shared(ReshapeOp(lanes, TileType(block)))
        turned = self._shared(TTransOp([rows], result=TileType(across)))
        done = min(ROWS, self.count)
        whole: SSAValue = self._shared(
            TMovOp([self._window(turned, done)], result=TileType(_row(self.layout, done)))
        )
        while done < self.count:
            more = min(done, self.count - done)
            first = whole if more == done else self._window(whole, more)
            whole = self._joined(whole, self._more(first, done))
            done += more
        return whole

    def _more(self, tile: SSAValue, number: int) -> SSAValue:
        return self._shared(TAddsOp([tile, self.number(number)], result=tile.type))

    def _joined(self, left: SSAValue, right: SSAValue) -> SSAValue:
        """Two rows side by side."""
        cols = layout_of(left).cols
        whole = self._shared(UndefOp(TileType(_row(self.layout, cols + layout_of(right).cols))))
        return self._insert(right, self._insert(left, whole, 0, 0), 0, cols)

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
        type_ = IntegerType(element_bits(self.dtype))
        number = self.builder.shared(arith.ConstantOp(IntegerAttr(value, type_)), self.before)
        number.name_hint = f"c{value}_{self.dtype}"
        return number

    def _add(self, kind: Callable[..., TileOp], *operands: SSAValue) -> SSAValue:
        return self._shared(kind(list(operands), result=self.type))

    def _shared(self, op: Operation) -> SSAValue:
        tile = self.builder.shared(op, self.before)
        tile.name_hint = "index"
        return tile

    def _place(self, value: int) -> SSAValue:
        return self.builder.shared(constant(value, IndexType()), self.before)

    def _window(self, tile: SSAValue, count: int) -> SSAValue:
        """The first numbers of the first row of a tile."""
        row = _row(layout_of(tile), count)
        offsets = [self._place(0), self._place(0)]
        return self._shared(SubviewOp(tile, offsets, row.shape, TileType(row)))

    def _insert(self, part: SSAValue, whole: SSAValue, row: int, col: int) -> SSAValue:
        return self._shared(InsertOp(part, whole, self._place(row), self._place(col)))


def _row(layout: TileLayout, count: int) -> TileLayout:
    return layout._replace(rows=1, cols=count, valid_rows=1, valid_cols=count)
