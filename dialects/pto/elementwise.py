"""Lane by lane arithmetic: tile with tile, tile with scalar, one tile."""

from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.irdl import opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, is_tile, layout_of, leaf
from .rules import expect_element, expect_same_element, expect_same_valid, expect_vec_row_major


class ElementwiseOp(TileOp):
    """Every tile operand and the result have one shape and one element type, row-major in vec memory."""

    def check(self, arch: str) -> None:
        tiles = [v for v in self.inputs() if is_tile(v)] + self.destinations()
        expect_vec_row_major(tiles)
        expect_same_element(tiles)
        expect_same_valid(tiles)
        expect_element(self, layout_of(tiles[0]).dtype, arch)


class BinaryOp(ElementwiseOp):
    """`%d = a op b`."""

    OPERANDS: ClassVar = "lhs rhs"

    @property
    def lhs(self) -> SSAValue:
        return self.ins[0]

    @property
    def rhs(self) -> SSAValue:
        return self.ins[1]


class ScalarOp(ElementwiseOp):
    """`%d = a op s` with one scalar for all lanes."""

    OPERANDS: ClassVar = "src scalar"


class UnaryOp(ElementwiseOp):
    """`%d = op a`. Some need scratch memory on some chips."""

    OPERANDS: ClassVar = "src tmp?"


class EitherOrderScalarOp(TileOp):
    """`tdivs` takes tile and scalar in either order, and the order is its meaning."""

    OPERANDS: ClassVar = "lhs rhs"

    def check(self, arch: str) -> None:
        if sum(is_tile(v) for v in self.ins) != 1:
            raise VerifyException("expects one tile and one scalar")
        tiles = [v for v in (*self.ins, *self.destinations()) if is_tile(v)]
        expect_vec_row_major(tiles)
        expect_same_element(tiles)
        expect_same_valid(tiles)


class PreciseBinaryOp(BinaryOp):
    """Division and square root have a precision switch on A5."""

    div_precision = opt_prop_def(prop_name="divPrecision")


_BINARY = "tadd tsub tmul tmax tmin tand tor txor trem tfmod tshl tshr"
_SCALAR = "tadds tsubs tmuls tmaxs tmins tands tors txors trems tfmods tshls tshrs"
_UNARY = "tneg tabs texp tlog tsqrt trsqrt trecip trelu tnot"

TAddOp, TSubOp, TMulOp, TMaxOp, TMinOp, TAndOp, TOrOp, *_MORE_BINARY = (
    leaf(BinaryOp, m) for m in _BINARY.split()
)
TAddsOp, TSubsOp, TMulsOp, *_MORE_SCALAR = (leaf(ScalarOp, m) for m in _SCALAR.split())
TNegOp, *_MORE_UNARY = (leaf(UnaryOp, m) for m in _UNARY.split())

OPERATIONS = [
    *(TAddOp, TSubOp, TMulOp, TMaxOp, TMinOp, TAndOp, TOrOp, *_MORE_BINARY),
    *(TAddsOp, TSubsOp, TMulsOp, *_MORE_SCALAR),
    *(TNegOp, *_MORE_UNARY),
    leaf(PreciseBinaryOp, "tdiv"),
    leaf(EitherOrderScalarOp, "tdivs"),
]
