"""Conversion, comparison and selection."""

from typing import ClassVar

from xdsl.irdl import irdl_op_definition, opt_prop_def

from .attributes import CmpAttr, RoundModeAttr, SaturationModeAttr
from .base import TileOp, layout_of
from .rules import (
    expect_element,
    expect_relation,
    expect_same_element,
    expect_same_valid,
    expect_vec,
    expect_vec_row_major,
)
from .target import ChipRules


@irdl_op_definition
class TCvtOp(TileOp):
    """Convert element by element. RINT and CAST_RINT round to nearest even, ROUND to nearest, ties away.

    pypto's default mode is ROUND, the assembler's is CAST_RINT.
    """

    name = "pto.tcvt"
    OPERANDS: ClassVar = "src tmp?"
    ALL_ATTRIBUTES_IN_INS: ClassVar = True
    ALIASES: ClassVar = {"sat_mode": "satmode"}
    rmode = opt_prop_def(RoundModeAttr)
    satmode = opt_prop_def(SaturationModeAttr)

    @property
    def mode(self) -> str:
        return self.rmode.data if self.rmode else "CAST_RINT"

    @property
    def saturates(self) -> bool:
        return self.satmode is not None and self.satmode.data == "ON"

    def check(self, chip: ChipRules) -> None:
        tiles = [self.ins[0], *self.destinations()]
        src, dst = layout_of(tiles[0]), layout_of(tiles[1])
        if src.dtype.endswith("x2") != dst.dtype.endswith("x2"):
            return  # extents count pairs on one side and single values on the other
        expect_same_valid(tiles)
        expect_relation("the rows of the destination", dst.rows, src.rows)
        expect_relation("the columns of the destination", dst.cols, src.cols)


class CompareOp(TileOp):
    """Predicates are packed: bit `j % 8` of byte `j / 8` of a row, LSB first, says whether lane j holds."""

    ALL_ATTRIBUTES_IN_INS: ClassVar = True
    ELEMENT: ClassVar = "src"
    cmpMode = opt_prop_def(CmpAttr)

    @property
    def mode(self) -> str:
        return self.cmpMode.data if self.cmpMode else "eq"

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        expect_vec([self.ins[0], *self.destinations()])
        expect_relation("the valid rows of the destination", dst.valid_rows, src.valid_rows)
        expect_element(self, chip)


@irdl_op_definition
class TCmpOp(CompareOp):
    """Compare two tiles."""

    name = "pto.tcmp"
    OPERANDS: ClassVar = "lhs rhs"
    ELEMENT: ClassVar = "lhs"


@irdl_op_definition
class TCmpsOp(CompareOp):
    """Compare a tile with a scalar."""

    name = "pto.tcmps"
    OPERANDS: ClassVar = "src scalar"


@irdl_op_definition
class TSelOp(TileOp):
    """`d = bit ? src0 : src1`, a copy of bits; the mask is packed as a comparison leaves it."""

    name = "pto.tsel"
    OPERANDS: ClassVar = "mask src0 src1 tmp?"
    NOT_IN_PLACE: ClassVar = ("mask",)

    def check(self, chip: ChipRules) -> None:
        tiles = [self.ins[1], self.ins[2], *self.destinations()]
        expect_vec_row_major(tiles)
        expect_same_element(tiles)
        expect_same_valid(tiles)
        expect_element(self, chip)


@irdl_op_definition
class TSelsOp(TileOp):
    """`d = bit ? src : scalar`."""

    name = "pto.tsels"
    OPERANDS: ClassVar = "mask src tmp? scalar"
    NOT_IN_PLACE: ClassVar = ("mask",)

    def check(self, chip: ChipRules) -> None:
        tiles = [self.ins[1], *self.destinations()]
        expect_vec_row_major(tiles)
        expect_same_element(tiles)


OPERATIONS = [TCvtOp, TCmpOp, TCmpsOp, TSelOp, TSelsOp]
