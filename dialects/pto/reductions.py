"""Reductions along a row or a column, and the position of the largest or smallest lane."""

from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of, leaf
from .rules import expect_element, expect_relation, expect_same_element, expect_vec
from .target import ChipRules
from .types import TileLayout, element_bits


class Reduction(TileOp):
    """`d` has one lane for each row, or each column, of the source.

    A destination of valid extent 0x0 stands for doing nothing (the idle half of a pair of vector cores).
    """

    ELEMENT: ClassVar = "src"
    NOT_IN_PLACE: ClassVar = ("src",)
    INDEX: ClassVar[bool] = False
    """The result is a position, not a value."""
    AXIS: ClassVar[int] = 1
    """Which axis disappears: 1 for one result per row."""

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        expect_vec([self.ins[0], *self.destinations()])
        if self.INDEX:
            if dst.dtype not in ("i32", "ui32"):
                raise VerifyException(f"expects a destination of i32 or ui32 positions, found {dst.dtype}")
        else:
            expect_same_element([self.ins[0], *self.destinations()])
        expect_element(self, chip)
        self.check_scratch(src, chip)
        if dst.valid != (0, 0):
            names = ("rows", "columns")
            kept = 1 - self.AXIS
            expect_relation(f"the valid {names[kept]} of the destination", dst.valid[kept], src.valid[kept])
            if self.AXIS == 1 or self.INDEX:
                gone = self.AXIS
                expect_relation(f"the valid {names[gone]} of the destination", dst.valid[gone], 1)

    def check_scratch(self, src: TileLayout, chip: ChipRules) -> None:
        for tmp in self.scratch_operands():
            layout = layout_of(tmp)
            if not chip.lifts("reduction.scratch_element") and not self.INDEX and layout.dtype != src.dtype:
                raise VerifyException(f"expects {src.dtype} scratch on {chip.name}, found {layout.dtype}")


class RowReduction(Reduction):
    """`d[i, 0] = reduce over j of src[i, j]`."""

    OPERANDS: ClassVar = "src tmp?"


class ColumnReduction(Reduction):
    """`d[0, j] = reduce over i of src[i, j]`."""

    AXIS: ClassVar = 0


@irdl_op_definition
class TColSumOp(ColumnReduction):
    """The sum of each column: row after row, or as a binary tree in scratch memory when `isBinary`."""

    name = "pto.tcolsum"
    OPERANDS: ClassVar = "src tmp?"
    isBinary = opt_prop_def(BoolAttr)

    def ins_attributes(self, printer: Printer) -> list[str]:
        """With scratch memory, all attributes stand inside `ins`."""
        given = (*self.properties, *self.attributes) if len(self.ins) == 2 else ()
        return [name for name in given if name != "operandSegmentSizes"]

    def check_scratch(self, src: TileLayout, chip: ChipRules) -> None:
        if self.scratch_operands() and self.isBinary is None:
            raise VerifyException("expects isBinary with scratch memory, found none")
        super().check_scratch(src, chip)


class ColumnArgReduction(ColumnReduction):
    """`d[0, j]` is the row in which column j is largest or smallest."""

    OPERANDS: ClassVar = "src tmp?"
    INDEX: ClassVar = True

    def check(self, chip: ChipRules) -> None:
        super().check(chip)
        if element_bits(dtype := layout_of(self.ins[0]).dtype) not in (8, 16, 32):
            raise VerifyException(f"expects elements of 8, 16 or 32 bits, found {dtype}")


_KINDS = ("sum", "max", "min", "prod")

OPERATIONS = [
    *(leaf(RowReduction, f"trow{kind}") for kind in _KINDS),
    *(leaf(RowReduction, f"trowarg{kind}", INDEX=True) for kind in ("max", "min")),
    TColSumOp,
    *(leaf(ColumnReduction, f"tcol{kind}", NOT_IN_PLACE=()) for kind in _KINDS[1:]),
    *(leaf(ColumnArgReduction, f"tcolarg{kind}") for kind in ("max", "min")),
]
