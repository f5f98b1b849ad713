"""Sorting pairs of a value and its index, in blocks of 32 and by merging sorted runs."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr, UnitAttr, VectorType
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, is_tile, layout_of
from .rules import expect_element, expect_same_element, expect_vec_row_major
from .target import ChipRules


@irdl_op_definition
class TSort32Op(TileOp):
    """Sort each block of 32 lanes; the destination holds value and index side by side.

    `pto.tsort32 ins(%values, %index, %tmp : …) outs(%pairs : …)`
    """

    name = "pto.tsort32"
    OPERANDS: ClassVar = "src idx tmp?"
    NOT_IN_PLACE: ClassVar = ("src", "idx")

    def check(self, chip: ChipRules) -> None:
        expect_vec_row_major([*self.ins, *self.destinations()])
        expect_same_element([self.ins[0], *self.destinations()])
        expect_element(self, chip)
        if (index := layout_of(self.ins[1]).dtype) not in ("i32", "ui32"):
            raise VerifyException(f"expects an i32 or ui32 index, found {index}")


@irdl_op_definition
class TMrgSortOp(TileOp):
    """Merge sorted runs of value and index pairs.

    One source: `ins(%s, %len : T, i32) outs(%d : T)` merges four neighbouring runs of `len` each.
    Several: `ins(%a, %b, %tmp {exhausted = false} : …) outs(%d, %counts : T, vector<4xi16>)` merges 2 to 4
    sources, and says how much of each was used up; `no_tmp` behind the sources says that the last one is
    no scratch memory.
    """

    name = "pto.tmrgsort"
    OPERANDS: ClassVar = "src0 src1 src2? src3? tmp?"
    NOT_IN_PLACE: ClassVar = ("src", "src0", "src1", "src2", "src3")
    INS_ATTRIBUTES: ClassVar = ("exhausted",)
    INS_FLAGS: ClassVar = ("no_tmp",)
    exhausted = opt_prop_def(BoolAttr)
    no_tmp = opt_prop_def(UnitAttr)

    def form(self) -> str:
        return "several" if len(self.ins) > 1 and is_tile(self.ins[1]) else "one"

    def operand_names(self) -> Sequence[str]:
        if self.form() == "one":
            return ("src", "block_len")
        sources = len(self.ins) - (self.no_tmp is None)
        return [f"src{i}" for i in range(sources)] + ["tmp"] * (self.no_tmp is None)

    def destination_names(self) -> Sequence[str]:
        return ("dst",) if self.form() == "one" else ("dst", "counts")

    def check(self, chip: ChipRules) -> None:
        tiles = [v for v in self.inputs() if is_tile(v)]
        if self.form() == "several" and not 2 <= len(tiles) <= 4:
            raise VerifyException(f"expects 2 to 4 sources, found {len(tiles)}")
        dst, *counts = self.destinations()
        expect_same_element([*tiles, dst])
        expect_element(self, chip)
        for layout in map(layout_of, (*tiles, dst)):
            if layout.rows != 1:
                raise VerifyException(f"expects tiles of one row, found {layout.rows}")
        for value in counts:
            if not isinstance(value.type, VectorType):
                raise VerifyException(f"expects counts of type vector<4xi16>, found {value.type}")


OPERATIONS = [TSort32Op, TMrgSortOp]
