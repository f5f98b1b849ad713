"""Matrix products on the cube."""

from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .attributes import AccPhaseAttr
from .base import TileOp, layout_of, leaf
from .rules import expect_relation
from .target import ChipRules
from .types import DYNAMIC, TileLayout


class MatmulOp(TileOp):
    """`[M, K] x [K, N] -> [M, N]` from left and right memory into an accumulator."""

    accPhase = opt_prop_def(AccPhaseAttr)
    ROWS: ClassVar[int] = DYNAMIC
    """The only number of rows it takes (1 for matrix times vector)."""

    @property
    def lhs(self) -> SSAValue:
        return self.required("lhs")

    @property
    def rhs(self) -> SSAValue:
        return self.required("rhs")

    def check(self, chip: ChipRules) -> None:
        lhs, rhs, dst = layout_of(self.lhs), layout_of(self.rhs), self.destination_layout()
        for layout, loc in ((lhs, "left"), (rhs, "right"), (dst, "acc")):
            if layout.loc != loc:
                raise VerifyException(f"expects an operand in {loc} memory, found {layout.loc}")
        (m, k), (k2, n), (m2, n2) = lhs.valid, rhs.valid, dst.valid
        expect_relation("the rows of the left operand", m, self.ROWS)
        expect_relation("the rows of the right operand", k2, k)
        expect_relation("the rows of the accumulator", m2, m)
        expect_relation("the columns of the accumulator", n2, n)
        if (bias := self.operand("bias")) is not None:
            check_bias(layout_of(bias), dst)
        self.check_elements(lhs, rhs, dst, chip)

    def check_elements(self, lhs: TileLayout, rhs: TileLayout, dst: TileLayout, chip: ChipRules) -> None:
        triples = chip.matmul_types()
        if triples is not None and (dst.dtype, lhs.dtype, rhs.dtype) not in triples:
            known = ", ".join(f"({', '.join(t)})" for t in sorted(triples))
            raise VerifyException(
                f"expects (dst, lhs, rhs) element types to be one of {known}, "
                f"found ({dst.dtype}, {lhs.dtype}, {rhs.dtype})"
            )


class MxMatmulOp(MatmulOp):
    """The same on numbers in groups of 32 along K, each group with a scale of its own (A5)."""

    def check_elements(self, lhs: TileLayout, rhs: TileLayout, dst: TileLayout, chip: ChipRules) -> None:
        for name in ("lhs_scale", "rhs_scale"):
            if (loc := layout_of(self.required(name)).loc) != "scaling":
                raise VerifyException(f"expects {name} in scaling memory, found {loc}")
        if dst.dtype != "f32":
            raise VerifyException(f"expects an f32 accumulator, found {dst.dtype}")


def check_bias(bias: TileLayout, dst: TileLayout) -> None:
    """One row in bias memory, of the accumulator's element type."""
    if bias.loc != "bias":
        raise VerifyException(f"expects an operand in bias memory, found {bias.loc}")
    if bias.dtype != dst.dtype:
        raise VerifyException(f"expects a bias of {dst.dtype} elements, found {bias.dtype}")
    expect_relation("the rows of the bias", bias.valid_rows, 1)


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


_SCALED = "lhs lhs_scale rhs rhs_scale"
_ACC = {"TIED": "acc"}
_ONE_ROW = {"ROWS": 1}

OPERATIONS = [
    *(TMatmulOp, TMatmulAccOp, TMatmulBiasOp),
    leaf(MatmulOp, "tgemv", OPERANDS="lhs rhs", **_ONE_ROW),
    leaf(MatmulOp, "tgemv.acc", OPERANDS="acc lhs rhs", **_ACC, **_ONE_ROW),
    leaf(MatmulOp, "tgemv.bias", OPERANDS="lhs rhs bias", **_ONE_ROW),
    *(leaf(MxMatmulOp, f"{name}.mx", OPERANDS=_SCALED) for name in ("tmatmul", "tgemv")),
    *(leaf(MxMatmulOp, f"{name}.mx.acc", OPERANDS=f"acc {_SCALED}", **_ACC) for name in ("tmatmul", "tgemv")),
    *(leaf(MxMatmulOp, f"{name}.mx.bias", OPERANDS=f"{_SCALED} bias") for name in ("tmatmul", "tgemv")),
]
