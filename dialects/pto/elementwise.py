"""Lane by lane arithmetic: tile with tile, tile with scalar, one tile, three tiles."""

from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, is_tile, layout_of, leaf
from .rules import expect_element, expect_same_element, expect_same_valid, expect_vec, expect_vec_row_major
from .target import ChipRules
from .types import element_name

_ANY_LAYOUT = ("tadds", "tsubs", "tmuls", "tmaxs", "tmins", "tlrelu")
"""Operations with a scalar that ptoas 0.60 takes of column-major tiles, too, as it does tdivs."""


class ElementwiseOp(TileOp):
    """Every tile operand and the result have one shape and element type, most row-major, in vec memory."""

    def check(self, chip: ChipRules) -> None:
        tiles = [v for v in self.inputs() if is_tile(v)] + self.destinations()
        (expect_vec if self.mnemonic() in _ANY_LAYOUT else expect_vec_row_major)(tiles)
        expect_same_element(tiles)
        expect_same_valid(tiles)
        expect_element(self, chip)


class BinaryOp(ElementwiseOp):
    """`%d = a op b`."""

    OPERANDS: ClassVar = "lhs rhs"
    precision = opt_prop_def(prop_name="precisionType")

    @property
    def lhs(self) -> SSAValue:
        return self.ins[0]

    @property
    def rhs(self) -> SSAValue:
        return self.ins[1]


class ScalarOp(ElementwiseOp):
    """`%d = a op s` with one scalar for all lanes."""

    OPERANDS: ClassVar = "src scalar"
    precision = opt_prop_def(prop_name="precisionType")


class UnaryOp(ElementwiseOp):
    """`%d = op a`. Some take scratch memory."""

    precision = opt_prop_def(prop_name="precisionType")


class TernaryOp(ElementwiseOp):
    """`%d = a op b op c`; with a scalar in the middle, `%d = a op s op c`."""

    OPERANDS: ClassVar = "src0 src1 src2"


class EitherOrderScalarOp(TileOp):
    """`tdivs` takes tile and scalar in either order, and the order is its meaning."""

    OPERANDS: ClassVar = "lhs rhs"
    precision = opt_prop_def(prop_name="precisionType")

    def check(self, chip: ChipRules) -> None:
        if (count := sum(map(is_tile, self.ins))) != 1:
            raise VerifyException(f"expects one tile and one scalar, found {count} tiles")
        tiles = [v for v in (*self.ins, *self.destinations()) if is_tile(v)]
        expect_vec(tiles)
        expect_same_element(tiles)
        expect_same_valid(tiles)


@irdl_op_definition
class TAxpyOp(TileOp):
    """`d = d + src * scalar`; the destination may be f32 where the source is f16."""

    name = "pto.taxpy"
    OPERANDS: ClassVar = "src scalar old?"
    TIED: ClassVar = "old"

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        expect_vec_row_major([self.ins[0], *self.destinations()])
        expect_same_valid([self.ins[0], *self.destinations()])
        if src.dtype != dst.dtype and (src.dtype, dst.dtype) != ("f16", "f32"):
            raise VerifyException(
                f"expects a destination of {src.dtype} elements, or f32 for f16, found {dst.dtype}"
            )
        if (scalar := element_name(self.ins[1].type)) != src.dtype:
            raise VerifyException(f"expects a scalar of type {src.dtype}, found {scalar}")
        expect_element(self, chip)


@irdl_op_definition
class TAddReluOp(BinaryOp):
    """`d = max(a + b, 0)` (A2/A3)."""

    name = "pto.taddrelu"


_BINARY = "tadd tsub tmul tmax tmin tand tor tshl tshr tdiv"
_SCALAR = "tadds tsubs tmuls tmaxs tmins tshls tshrs tlrelu"
_UNARY = "tneg tabs texp tlog tsqrt trelu tnot"

TAddOp, TSubOp, TMulOp, TMaxOp, TMinOp, TAndOp, TOrOp, *_MORE_BINARY = (
    leaf(BinaryOp, m) for m in _BINARY.split()
)
TAddsOp, TSubsOp, TMulsOp, TMaxsOp, TMinsOp, TShlsOp, TShrsOp, *_MORE_SCALAR = (
    leaf(ScalarOp, m) for m in _SCALAR.split()
)
TNegOp, *_MORE_UNARY = (leaf(UnaryOp, m) for m in _UNARY.split())

# Not in place where pypto's registration of the operation says so (pypto src/ir/op/tile_ops).
_BOTH = {"NOT_IN_PLACE": ("lhs", "rhs")}
_SOURCE = {"NOT_IN_PLACE": ("src",)}
TAndsOp, TOrsOp = (leaf(ScalarOp, m, **_SOURCE) for m in ("tands", "tors"))
_BINARY_TMP = {"OPERANDS": "lhs rhs tmp?"}
_SCALAR_TMP = {"OPERANDS": "src scalar tmp?"}

TXorOp, TRemOp, TPowOp = (leaf(BinaryOp, m, **_BINARY_TMP) for m in ("txor", "trem", "tpow"))

OPERATIONS = [
    *(TAddOp, TSubOp, TMulOp, TMaxOp, TMinOp, TAndOp, TOrOp, *_MORE_BINARY),
    *(TXorOp, TRemOp, TPowOp),
    leaf(BinaryOp, "tprelu", **_BINARY_TMP, **_BOTH),
    leaf(BinaryOp, "tfmod", **_BOTH),
    *(TAddsOp, TSubsOp, TMulsOp, TMaxsOp, TMinsOp, TShlsOp, TShrsOp, *_MORE_SCALAR),
    *(TAndsOp, TOrsOp),
    leaf(ScalarOp, "tfmods", **_SOURCE),
    leaf(ScalarOp, "txors", **_SCALAR_TMP, **_SOURCE),
    *(leaf(ScalarOp, m, **_SCALAR_TMP) for m in ("trems", "tpows")),
    *(TNegOp, *_MORE_UNARY),
    leaf(UnaryOp, "trecip", **_SOURCE),
    leaf(UnaryOp, "trsqrt", OPERANDS="src tmp?", **_SOURCE),
    *(leaf(TernaryOp, m) for m in ("taddc", "tsubc")),
    *(leaf(TernaryOp, m, OPERANDS="src0 scalar src1") for m in ("taddsc", "tsubsc")),
    leaf(EitherOrderScalarOp, "tdivs"),
    *(TAddReluOp, TAxpyOp),
]
