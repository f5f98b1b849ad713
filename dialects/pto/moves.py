"""Moves between and within on-chip memories."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, is_tile, layout_of
from .memory import constant_int
from .rules import expect_element, expect_relation, expect_same_element, expect_vec
from .target import ChipRules
from .types import DYNAMIC, TileLayout


class MemoryMoveOp(TileOp):
    """A copy whose source and destination memories must be connected on the chip.

    From an accumulator it may scale while it converts: by the numbers in the scaling tile `fp`, or by the
    64-bit scalar `pre_quant`.
    """

    accToVecMode = opt_prop_def()
    reluPreMode = opt_prop_def()
    grpAxis = opt_prop_def()

    def operand_names(self) -> Sequence[str]:
        """What `fp` and `pre_quant` are, their types say; `old` is the last one in value form."""
        names = [name for name in self.OPERANDS.split() if not name.endswith("?")]
        names += ["fp" if is_tile(value) else "pre_quant" for value in self.ins[len(names) :]]
        if self.reads_destination() and self.is_value_form:
            names[-1] = "old"
        return names

    def check_path(self, source: TileLayout, dest: TileLayout, chip: ChipRules) -> None:
        scaled = next((name for name in ("fp", "pre_quant") if self.operand(name) is not None), None)
        if scaled is not None and source.loc != "acc":
            raise VerifyException(f"expects {scaled} only with a source in acc memory, found {source.loc}")

        if (paths := chip.moves(self.mnemonic())) is not None and (source.loc, dest.loc) not in paths:
            known = ", ".join(f"{a} to {b}" for a, b in sorted(paths))
            raise VerifyException(
                f"cannot move from {source.loc} to {dest.loc} memory on {chip.name}; possible are {known}"
            )


@irdl_op_definition
class TMovOp(MemoryMoveOp):
    """Copy a tile, between memories or within vec memory."""

    name = "pto.tmov"
    OPERANDS: ClassVar = "src fp? pre_quant?"
    CLAUSES: ClassVar = {"fp": ", ", "pre_quant": ", "}

    def check(self, chip: ChipRules) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        fp = self.operand("fp")
        if fp is not None and layout_of(fp).loc != "scaling":
            return  # the form that rearranges exponents (A5): `fp` is scratch memory and shapes differ
        self.check_path(source, dest, chip)
        if (source.loc == "mat" or not chip.lifts("tmov.same_shape")) and source.shape != dest.shape:
            raise VerifyException(
                f"expects a destination of {source.rows}x{source.cols}, found {dest.rows}x{dest.cols}"
            )


@irdl_op_definition
class TExtractOp(MemoryMoveOp):
    """`d[r, c] = src[r + row, c + col]`: a box of a larger tile into another memory."""

    name = "pto.textract"
    OPERANDS: ClassVar = "src row col pre_quant? fp?"
    NOT_IN_PLACE: ClassVar = ("src",)
    CLAUSES: ClassVar = {"fp": " fp "}

    def check(self, chip: ChipRules) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        self.check_path(source, dest, chip)
        for axis, offset in enumerate(self.offsets()):
            start = constant_int(offset) or 0
            if start + dest.shape[axis] > source.shape[axis]:
                raise VerifyException(
                    f"reaches from {start} to {start + dest.shape[axis]} on axis {axis} "
                    f"of a source with {source.shape[axis]}"
                )

    def offsets(self) -> tuple[SSAValue, SSAValue]:
        """Row and column (index values) of the box in the source."""
        return self.ins[1], self.ins[2]


@irdl_op_definition
class TInsertOp(MemoryMoveOp):
    """`d[r + row, c + col] = src[r, c]`: a box of a larger tile is replaced, the rest of it stays."""

    name = "pto.tinsert"
    OPERANDS: ClassVar = "src row col fp? pre_quant? old?"
    TIED: ClassVar = "old"
    CLAUSES: ClassVar = {"fp": " fp ", "pre_quant": " pre_quant "}
    tinsertMode = opt_prop_def()

    @classmethod
    def arrange(cls, ins: Sequence[SSAValue], results: int) -> Sequence[SSAValue]:
        """In text, `old` stands before what has a keyword."""
        return [*ins[:3], *ins[4:], ins[3]] if results and len(ins) > 3 else ins

    def check(self, chip: ChipRules) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        self.check_path(source, dest, chip)
        for axis, offset in enumerate(self.ins[1:3]):
            start, size = constant_int(offset) or 0, source.valid[axis]
            if size != DYNAMIC and start + size > dest.shape[axis]:
                raise VerifyException(
                    f"reaches from {start} to {start + size} on axis {axis} "
                    f"of a destination with {dest.shape[axis]}"
                )


@irdl_op_definition
class TConcatOp(TileOp):
    """The columns of `lhs`, then those of `rhs`."""

    name = "pto.tconcat"
    OPERANDS: ClassVar = "lhs rhs"
    NOT_IN_PLACE: ClassVar = ("lhs", "rhs")

    def check(self, chip: ChipRules) -> None:
        tiles = [*self.ins, *self.destinations()]
        expect_vec(tiles)
        expect_same_element(tiles)
        lhs, rhs, dst = map(layout_of, tiles)
        for what, source in (("left", lhs), ("right", rhs)):
            expect_relation(f"the valid rows of the {what} source", source.valid_rows, dst.valid_rows)
        width = lhs.valid_cols + rhs.valid_cols
        if DYNAMIC not in (lhs.valid_cols, rhs.valid_cols) and width > dst.cols:
            raise VerifyException(f"expects at least {width} columns in the destination, found {dst.cols}")


@irdl_op_definition
class TTransOp(TileOp):
    """`d[c, r] = src[r, c]`, really moved."""

    name = "pto.ttrans"
    OPERANDS: ClassVar = "src tmp?"
    NOT_IN_PLACE: ClassVar = ("src",)

    def check(self, chip: ChipRules) -> None:
        source = layout_of(self.ins[0])
        expect_same_element([self.ins[0], *self.destinations()])
        if not chip.lifts("ttrans.row_major") and source.blayout != "row_major":
            raise VerifyException(f"expects a row_major source on {chip.name}, found {source.blayout}")
        expect_element(self, chip)


@irdl_op_definition
class TConcatIdxOp(TileOp):
    """Per row i, the first `lhs_idx[i, 0]` lanes of `lhs`, then the first `rhs_idx[i, 0]` of `rhs`."""

    name = "pto.tconcatidx"
    OPERANDS: ClassVar = "lhs rhs lhs_idx rhs_idx old?"
    TIED: ClassVar = "old"
    NOT_IN_PLACE: ClassVar = ("lhs", "rhs", "lhs_idx", "rhs_idx")

    def check(self, chip: ChipRules) -> None:
        lhs, rhs, lhs_idx, rhs_idx = self.ins[:4]
        expect_vec([lhs, rhs, lhs_idx, rhs_idx, *self.destinations()])
        expect_same_element([lhs, rhs, *self.destinations()])
        expect_same_element([lhs_idx, rhs_idx])
        dst = self.destination_layout()
        for what, value in (("left", lhs), ("right", rhs)):
            rows = layout_of(value).valid_rows
            expect_relation(f"the valid rows of the {what} source", rows, dst.valid_rows)


OPERATIONS = [TMovOp, TExtractOp, TInsertOp, TConcatOp, TConcatIdxOp, TTransOp]
