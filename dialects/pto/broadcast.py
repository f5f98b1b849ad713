"""Rows and columns spread over a tile, fills and iotas."""

from typing import ClassVar

from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of, leaf
from .rules import expect_element, expect_relation, expect_same_element, expect_vec
from .target import ChipRules
from .types import DYNAMIC, element_bits, element_name


class ColumnExpandOp(TileOp):
    """`d[i, j] = src[i, j] op row[0, j]`: one row for all rows."""

    OPERANDS: ClassVar = "src row"
    NOT_IN_PLACE: ClassVar = ("row",)
    precision = opt_prop_def(prop_name="precisionType")

    def check(self, chip: ChipRules) -> None:
        row, dst = layout_of(self.ins[1]), self.destination_layout()
        expect_vec([*self.inputs(), *self.destinations()])
        expect_same_element([*self.inputs(), *self.destinations()])
        expect_relation("the valid columns of the row operand", row.valid_cols, dst.valid_cols)
        expect_element(self, chip)


_ANY_COLUMN = ("trowexpandmul", "trowexpandsub", "trowexpanddiv")


class RowExpandOp(TileOp):
    """`d[i, j] = src[i, j] op col[i, 0]`: one scalar per row.

    The column is a tile of one valid column, or of none where an extent turned out to be 0, or row_major with
    a 32-byte block per row. ptoas 0.60 lets multiplication, subtraction and division have any (PTO.cpp, the
    verifiers of each).
    """

    OPERANDS: ClassVar = "src col tmp?"
    NOT_IN_PLACE: ClassVar = ("col",)
    precision = opt_prop_def(prop_name="precisionType")

    def check(self, chip: ChipRules) -> None:
        col, dst = layout_of(self.ins[1]), self.destination_layout()
        expect_vec([*self.inputs(), *self.destinations()])
        expect_same_element([*self.inputs(), *self.destinations()])
        expect_relation("the valid rows of the column operand", col.valid_rows, dst.valid_rows)
        block = 32 * 8 // element_bits(col.dtype)
        valid = block if col.blayout == "row_major" else 1
        if self.mnemonic() not in _ANY_COLUMN and col.valid_cols not in (valid, 0, DYNAMIC):
            raise VerifyException(
                f"expects a {col.blayout} column operand to have {valid} valid columns, "
                f"found {col.valid_cols}"
            )
        expect_element(self, chip)


@irdl_op_definition
class TColExpandOp(TileOp):
    """`d[i, j] = src[0, j]`."""

    name = "pto.tcolexpand"
    NOT_IN_PLACE: ClassVar = ("src",)

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        expect_vec([*self.inputs(), *self.destinations()])
        expect_same_element([*self.inputs(), *self.destinations()])
        expect_relation("the valid columns of the source", src.valid_cols, dst.valid_cols)


@irdl_op_definition
class TRowExpandOp(TileOp):
    """`d[i, j] = src[i, 0]`."""

    name = "pto.trowexpand"
    NOT_IN_PLACE: ClassVar = ("src",)

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        expect_vec([*self.inputs(), *self.destinations()])
        expect_same_element([*self.inputs(), *self.destinations()])
        expect_relation("the valid rows of the source", src.valid_rows, dst.valid_rows)


@irdl_op_definition
class TExpandsOp(TileOp):
    """Every valid lane becomes the scalar."""

    name = "pto.texpands"
    OPERANDS: ClassVar = "scalar"

    def check(self, chip: ChipRules) -> None:
        dst = self.destination_layout()
        if (scalar := element_name(self.ins[0].type)) != dst.dtype:
            raise VerifyException(f"expects a scalar of type {dst.dtype}, found {scalar}")
        if scalar.startswith("ui"):
            raise VerifyException(f"fills no tile of {scalar}: fill one of {scalar[1:]} and cast it")
        if dst.loc not in ("vec", "mat"):
            raise VerifyException(f"expects a destination in vec or mat memory, found {dst.loc}")
        expect_element(self, chip)


@irdl_op_definition
class TCiOp(TileOp):
    """`d[0, j] = start + j`, or `start - j` when descending. A scalar loop on A2/A3."""

    name = "pto.tci"
    OPERANDS: ClassVar = "start tmp?"
    descending = opt_prop_def(BoolAttr)

    def ins_attributes(self, printer: Printer) -> tuple[str, ...]:
        """Assemblers before August 2026 want `descending` inside `ins`."""
        given = self.descending is not None and getattr(printer, "tci_attribute_in_ins", False)
        return ("descending",) if given else ()

    def check(self, chip: ChipRules) -> None:
        dst = self.destination_layout()
        if (start := element_name(self.ins[0].type)) != dst.dtype:
            raise VerifyException(f"expects a start of type {dst.dtype}, found {start}")
        if dst.cols == 1:
            raise VerifyException("expects more than one column")
        expect_element(self, chip)


_KINDS = ("add", "sub", "div", "max", "min", "expdif")
TColExpandMulOp, TRowExpandMulOp = leaf(ColumnExpandOp, "tcolexpandmul"), leaf(RowExpandOp, "trowexpandmul")

OPERATIONS = [
    *(TColExpandMulOp, TRowExpandMulOp),
    *(leaf(ColumnExpandOp, f"tcolexpand{kind}") for kind in _KINDS),
    *(leaf(RowExpandOp, f"trowexpand{kind}") for kind in _KINDS),
    TColExpandOp,
    TRowExpandOp,
    TExpandsOp,
    TCiOp,
]
