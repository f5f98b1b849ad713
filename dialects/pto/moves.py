"""Moves between and within on-chip memories."""

from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of
from .memory import constant_int
from .rules import expect_relation, expect_same_element, expect_vec
from .types import TileLayout


class MoveOp(TileOp):
    """A copy whose source and destination memories must be connected on the chip."""

    def check_path(self, source: TileLayout, dest: TileLayout, arch: str) -> None:
        from dsv4_passes.targets import chip

        if (source.loc, dest.loc) not in (paths := chip(arch).moves(self.mnemonic())):
            known = ", ".join(f"{a} to {b}" for a, b in sorted(paths))
            raise VerifyException(
                f"cannot move from {source.loc} to {dest.loc} memory on {arch}; possible are {known}"
            )


@irdl_op_definition
class TMovOp(MoveOp):
    """Copy a tile, between memories or within vec memory."""

    name = "pto.tmov"
    OPERANDS: ClassVar = "src fp?"
    accToVecMode = opt_prop_def()
    reluPreMode = opt_prop_def()

    def check(self, arch: str) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        self.check_path(source, dest, arch)
        for axis, what in enumerate(("rows", "columns")):
            expect_relation(f"the valid {what} of the destination", dest.valid[axis], source.valid[axis])


@irdl_op_definition
class TExtractOp(MoveOp):
    """`d[r, c] = src[r + row, c + col]`: a box of a larger tile into another memory."""

    name = "pto.textract"
    OPERANDS: ClassVar = "src row col fp?"
    reluPreMode = opt_prop_def()
    accToVecMode = opt_prop_def()

    def check(self, arch: str) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        self.check_path(source, dest, arch)
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
class TConcatOp(TileOp):
    """The columns of `lhs`, then those of `rhs`."""

    name = "pto.tconcat"
    OPERANDS: ClassVar = "lhs rhs"
    NOT_IN_PLACE: ClassVar = ("lhs", "rhs")

    def check(self, arch: str) -> None:
        tiles = [*self.ins, *self.destinations()]
        expect_vec(tiles)
        expect_same_element(tiles)
        lhs, rhs, dst = map(layout_of, tiles)
        if not lhs.rows == rhs.rows == dst.rows or lhs.cols + rhs.cols > dst.cols:
            raise VerifyException(
                f"cannot put {lhs.rows}x{lhs.cols} and {rhs.rows}x{rhs.cols} side by side "
                f"in {dst.rows}x{dst.cols}"
            )


@irdl_op_definition
class TTransOp(TileOp):
    """`d[c, r] = src[r, c]`, really moved."""

    name = "pto.ttrans"
    OPERANDS: ClassVar = "src tmp?"
    NOT_IN_PLACE: ClassVar = ("src",)

    def check(self, arch: str) -> None:
        source, dest = layout_of(self.ins[0]), self.destination_layout()
        expect_same_element([self.ins[0], *self.destinations()])
        expect_relation("the valid rows of the destination", dest.valid_rows, source.valid_cols)


OPERATIONS = [TMovOp, TExtractOp, TConcatOp, TTransOp]
