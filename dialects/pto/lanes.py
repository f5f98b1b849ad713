"""Operations that move lanes by pattern or index: gathers and scatters."""

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import IntegerAttr, StringAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .attributes import CmpAttr, MaskPatternAttr
from .base import TileOp, layout_of
from .rules import (
    expect_element,
    expect_relation,
    expect_same_element,
    expect_same_valid,
    expect_vec_row_major,
)
from .target import ChipRules
from .types import DYNAMIC, element_bits

LANES: dict[str, tuple[int, int]] = {
    "P0101": (0, 2),
    "P1010": (1, 2),
    "P0001": (0, 4),
    "P0010": (1, 4),
    "P0100": (2, 4),
    "P1000": (3, 4),
    "P1111": (0, 1),
}
"""First lane and step of a mask pattern; its rightmost digit is lane 0 (pto-isa type.hpp)."""


class MaskedOp(TileOp):
    """What the mask forms of gather and scatter share."""

    INS_ATTRIBUTES: ClassVar = ("maskPattern",)
    INS_ATTRIBUTES_COMMA: ClassVar = True
    TYPE_ATTRIBUTES: ClassVar = ("axis",)
    maskPattern = opt_prop_def(MaskPatternAttr)
    axis = opt_prop_def(StringAttr)

    @property
    def src(self) -> SSAValue:
        return self.ins[0]

    @property
    def pattern(self) -> str | None:
        return self.maskPattern.data if self.maskPattern else None

    @property
    def along(self) -> str:
        """`row` unless said otherwise: older text has no axis and means rows."""
        return self.axis.data if isinstance(self.axis, StringAttr) else "row"

    def check_mask(self, many: SSAValue, few: SSAValue, chip: ChipRules) -> None:
        """`many` has all lanes and `few` the selected ones: source and destination of a gather."""
        assert self.pattern is not None
        if self.along not in ("row", "col"):
            raise VerifyException(f'expects axis to be "row" or "col", found "{self.along}"')
        step = LANES[self.pattern][1]
        along, across = (1, 0) if self.along == "row" else (0, 1)
        whole, part = layout_of(many).valid, layout_of(few).valid
        name = ("rows", "columns")
        if DYNAMIC not in (whole[along], part[along]) and whole[along] != part[along] * step:
            raise VerifyException(
                f"expects {step} times as many valid {name[along]} on the side with all lanes, "
                f"found {whole[along]} and {part[along]}"
            )
        expect_relation(f"the valid {name[across]} of the destination", part[across], whole[across])


@irdl_op_definition
class TGatherOp(MaskedOp):
    """Pick lanes by mask pattern, by flat element index, or by comparison.

    mask: `ins(%s, {maskPattern = …} : T, "row")`; index: `ins(%s, %i, %tmp : …)` with
    `d[r, c] = s.flat[i[r, c]]`, flat over the physical source; compare has two destinations.
    """

    name = "pto.tgather"
    OPERANDS: ClassVar = "src idx? tmp?"
    ELEMENT: ClassVar = "src"
    NOT_IN_PLACE: ClassVar = ("src", "idx")
    cmpMode = opt_prop_def(CmpAttr)
    offset = opt_prop_def(IntegerAttr)

    def form(self) -> str:
        if self.pattern is not None:
            return "mask"
        return "compare" if len(self.destinations()) == 2 else "index"

    def operand_names(self) -> Sequence[str]:
        return ("src", "k", "tmp")[: len(self.ins)] if self.form() == "compare" else super().operand_names()

    @property
    def idx(self) -> SSAValue:
        return self.required("idx")

    def destination_names(self) -> Sequence[str]:
        return ("dst", "cdst") if self.form() == "compare" else ("dst",)

    def check(self, chip: ChipRules) -> None:
        dst = self.destinations()[0]
        if self.form() == "compare":
            return
        expect_vec_row_major([self.src, dst])
        source, result = layout_of(self.src), layout_of(dst)
        if self.form() == "mask":
            if len(self.ins) != 1:
                raise VerifyException("expects no index or scratch operand beside a mask pattern")
            if element_bits(source.dtype) != element_bits(result.dtype):
                raise VerifyException(
                    f"expects elements of one width, found {source.dtype} and {result.dtype}"
                )
            self.check_mask(self.src, dst, chip)
            expect_relation("the valid columns of the destination", result.valid_cols, result.cols)
        else:
            if len(self.ins) < 2:
                raise VerifyException("expects a mask pattern or an index operand, found neither")
            expect_same_element([self.src, dst])
            index, legal = layout_of(self.idx).dtype, chip.gather_indices
            if legal is not None and index not in legal:
                expected = "/".join(sorted(legal))
                raise VerifyException(f"expects an index of {expected} on {chip.name}, found {index}")
            self.check_scratch(chip)
        expect_element(self, chip)

    def check_scratch(self, chip: ChipRules) -> None:
        """In buffer form the index form needs a tile like its index to work in, except on A5."""
        if self.is_value_form or chip.lifts("tgather.scratch"):
            return
        if not (scratch := self.scratch_operands()):
            raise VerifyException(f"expects scratch memory beside the index on {chip.name}, found none")
        expect_same_element([self.idx, *scratch])
        expect_same_valid([self.idx, *scratch])


@irdl_op_definition
class TScatterOp(MaskedOp):
    """Put lanes by mask pattern or flat element index; every other lane of the destination becomes +0.

    The destination is zero-filled first, all of it (pto-isa npu/a2a3/TScatter.hpp, npu/a5/TScatter.hpp),
    so two scatters into one tile leave only the second one's lanes.
    """

    name = "pto.tscatter"
    OPERANDS: ClassVar = "src idx?"
    NOT_IN_PLACE: ClassVar = ("src", "idx")
    FILLS: ClassVar = True

    def form(self) -> str:
        return "mask" if self.pattern is not None else "index"

    @property
    def idx(self) -> SSAValue:
        return self.required("idx")

    def check(self, chip: ChipRules) -> None:
        dst = self.destinations()[0]
        if (self.pattern is not None) == (len(self.ins) == 2):
            found = "neither" if self.pattern is None else "both"
            raise VerifyException(f"expects an index operand or a mask pattern, found {found}")
        expect_vec_row_major([*self.ins, dst])
        expect_same_element([self.src, dst])
        source = layout_of(self.src)
        expect_element(self, chip)
        if self.form() == "mask":
            self.check_mask(dst, self.src, chip)
            return
        expect_same_valid(self.ins)
        expected = "i32" if element_bits(source.dtype) == 32 else "i16"
        if (index := layout_of(self.idx).dtype) != expected:
            raise VerifyException(f"expects an {expected} index for {source.dtype} elements, found {index}")
        for what, room, need in zip(("rows", "columns"), layout_of(dst).valid, source.valid, strict=True):
            if DYNAMIC not in (room, need) and room < need:
                raise VerifyException(
                    f"expects at least {need} valid {what} in the destination, found {room}"
                )


@irdl_op_definition
class TGatherBOp(TileOp):
    """Pick blocks of 32 bytes by byte offset: one offset for each block of the destination."""

    name = "pto.tgatherb"
    OPERANDS: ClassVar = "src offsets"
    NOT_IN_PLACE: ClassVar = ("src", "offsets")

    def check(self, chip: ChipRules) -> None:
        dst = self.destination_layout()
        if element_bits(dst.dtype) not in (8, 16, 32):
            raise VerifyException(f"expects elements of 8, 16 or 32 bits, found {dst.dtype}")
        if not chip.lifts("tgatherb.row_major") and dst.blayout != "row_major":
            raise VerifyException(f"expects a row_major destination on {chip.name}, found {dst.blayout}")


@irdl_op_definition
class THistogramOp(TileOp):
    """Count byte values per row (A5); `byte` says which byte of an element."""

    name = "pto.thistogram"
    OPERANDS: ClassVar = "src idx"
    byte = opt_prop_def(IntegerAttr)


OPERATIONS = [TGatherOp, TScatterOp, TGatherBOp, THistogramOp]
