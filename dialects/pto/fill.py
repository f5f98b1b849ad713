"""Tiles made from a pattern: padding, triangles, random bits."""

from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, IntegerType
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of
from .rules import expect_element, expect_vec_row_major
from .target import ChipRules
from .types import element_bits


@irdl_op_definition
class TFillPadOp(TileOp):
    """The source, with every lane outside its valid extent set to the destination's pad value.

    The pad value is part of the destination's type: 1 zero, 2 the largest and 3 the smallest number.
    """

    name = "pto.tfillpad"
    padValue = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        src, dst = layout_of(self.ins[0]), self.destination_layout()
        if not dst.pad:
            raise VerifyException("expects a destination type with a pad value, found pad=0")
        if element_bits(src.dtype) != element_bits(dst.dtype):
            raise VerifyException(f"expects elements of one width, found {src.dtype} and {dst.dtype}")
        for what, size, least in (("rows", dst.rows, src.rows), ("columns", dst.cols, src.cols)):
            if size < least:
                raise VerifyException(f"expects at least {least} {what} in the destination, found {size}")
        if self.padValue is not None and dst.loc != "mat":
            raise VerifyException(f"expects padValue for mat memory only, found {dst.loc}")


@irdl_op_definition
class TTriOp(TileOp):
    """Ones on one side of a diagonal and zeros on the other; `upperOrLower` is 0 for lower, 1 for upper."""

    name = "pto.ttri"
    OPERANDS: ClassVar = "diagonal"
    ALL_ATTRIBUTES_IN_INS: ClassVar = True
    upperOrLower = opt_prop_def(IntegerAttr)

    def check(self, chip: ChipRules) -> None:
        expect_vec_row_major(self.destinations())
        if not isinstance(self.ins[0].type, IntegerType):
            raise VerifyException(f"expects an integer diagonal, found {self.ins[0].type}")
        expect_element(self, chip)


@irdl_op_definition
class TRandomOp(TileOp):
    """Pseudo-random bits from a counter-based generator (A5)."""

    name = "pto.trandom"
    OPERANDS: ClassVar = "key0 key1 counter0 counter1 counter2 counter3"
    ALL_ATTRIBUTES_IN_INS: ClassVar = True
    rounds = opt_prop_def(IntegerAttr)

    def check(self, chip: ChipRules) -> None:
        expect_vec_row_major(self.destinations())


OPERATIONS = [TFillPadOp, TTriOp, TRandomOp]
