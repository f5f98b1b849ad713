"""Matrix products on the cube."""

from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .attributes import AccPhaseAttr
from .base import TileOp, layout_of
from .rules import expect_relation
from .types import DYNAMIC, TileLayout


class MatmulOp(TileOp):
    """`[M, K] x [K, N] -> [M, N]` from left and right memory into an accumulator."""

    accPhase = opt_prop_def(AccPhaseAttr)

    @property
    def lhs(self) -> SSAValue:
        return self.required("lhs")

    @property
    def rhs(self) -> SSAValue:
        return self.required("rhs")

    def check(self, arch: str) -> None:
        from dsv4_passes.targets import chip

        lhs, rhs, dst = layout_of(self.lhs), layout_of(self.rhs), self.destination_layout()
        for layout, loc in ((lhs, "left"), (rhs, "right"), (dst, "acc")):
            if layout.loc != loc:
                raise VerifyException(f"expects an operand in {loc} memory, found {layout.loc}")
        (m, k), (k2, n), (m2, n2) = map(_logical, (lhs, rhs, dst))
        expect_relation("the rows of the right operand", k2, k)
        expect_relation("the rows of the accumulator", m2, m)
        expect_relation("the columns of the accumulator", n2, n)
        triples = chip(arch).matmul_types()
        if (dst.dtype, lhs.dtype, rhs.dtype) not in triples:
            known = ", ".join(f"({', '.join(t)})" for t in sorted(triples))
            raise VerifyException(
                f"expects (dst, lhs, rhs) element types to be one of {known}, "
                f"found ({dst.dtype}, {lhs.dtype}, {rhs.dtype})"
            )


def _logical(layout: TileLayout) -> tuple[int, int]:
    """What the product sees: the valid extent where it is static, else the physical one is not known."""
    rows, cols = (DYNAMIC if v == DYNAMIC else v for v in layout.valid)
    return rows, cols


@irdl_op_definition
class TMatmulOp(MatmulOp):
    """The accumulator becomes the product."""

    name = "pto.tmatmul"
    OPERANDS: ClassVar = "lhs rhs"


@irdl_op_definition
class TMatmulAccOp(MatmulOp):
    """The accumulator becomes itself plus the product; hardware adds into the destination's buffer."""

    name = "pto.tmatmul.acc"
    OPERANDS: ClassVar = "acc lhs rhs"
    TIED: ClassVar = "acc"

    @property
    def acc(self) -> SSAValue:
        return self.ins[0]


@irdl_op_definition
class TMatmulBiasOp(MatmulOp):
    """The product plus one bias row."""

    name = "pto.tmatmul.bias"
    OPERANDS: ClassVar = "lhs rhs bias"


OPERATIONS = [TMatmulOp, TMatmulAccOp, TMatmulBiasOp]
