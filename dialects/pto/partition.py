"""Combining two tiles of different valid extent: where only one of them is valid, its lane is taken."""

from typing import ClassVar

from xdsl.utils.exceptions import VerifyException

from .base import TileOp, layout_of, leaf
from .rules import expect_element, expect_same_element, expect_vec
from .target import ChipRules


class PartitionOp(TileOp):
    """`d = a op b` where both are valid, else the valid one."""

    OPERANDS: ClassVar = "lhs rhs"

    def check(self, chip: ChipRules) -> None:
        expect_vec([*self.ins, *self.destinations()])
        expect_same_element([*self.ins, *self.destinations()])
        expect_element(self, chip)


class PartitionArgOp(TileOp):
    """The larger or smaller lane, and the index that came with it."""

    OPERANDS: ClassVar = "lhs rhs lhs_idx rhs_idx"
    DESTINATIONS: ClassVar = "dst dst_idx"

    def check(self, chip: ChipRules) -> None:
        dst, dst_idx = self.destinations()
        expect_vec([*self.ins, dst, dst_idx])
        expect_same_element([*self.ins[:2], dst])
        expect_same_element([*self.ins[2:], dst_idx])
        if not layout_of(dst_idx).dtype.lstrip("us").startswith("i"):
            raise VerifyException(f"expects integer indices, found {layout_of(dst_idx).dtype}")
        expect_element(self, chip)


OPERATIONS = [
    *(leaf(PartitionOp, f"tpart{kind}") for kind in ("add", "mul", "max", "min")),
    *(leaf(PartitionArgOp, f"tpartarg{kind}") for kind in ("max", "min")),
]
