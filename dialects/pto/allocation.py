"""Allocation: handles on pieces of on-chip memory, one at a time or several of one type."""

from abc import ABC, abstractmethod
from typing import ClassVar, Self

from xdsl.dialects.builtin import IndexType, IntegerType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure
from xdsl.utils.exceptions import VerifyException

from .base import layout_of
from .handles import MultiTileBufType
from .memory import constant_int
from .syntax import segment_sizes
from .types import DYNAMIC, TileBufType, TileLayout, element_bits

_L0 = ("left", "right", "acc")


def verify_allocation(layout: TileLayout) -> None:
    """Row and box sizes that hardware can address (ptoas 0.60, PTO.cpp verifyTileBufLayoutConstraints)."""
    size = element_bits(layout.dtype) // 8
    if layout.slayout == "none_box":
        extent, what = (layout.cols, "cols") if layout.blayout == "row_major" else (layout.rows, "rows")
        unit = 16 if layout.dtype.startswith("!pto.f4") else 32
        if extent * size % unit:
            raise VerifyException(
                f"expects a {layout.blayout} none_box tile to have {what} * sizeof({layout.dtype}) "
                f"divisible by {unit} bytes, found {extent * size}"
            )
        return
    box_rows, box_cols = box_shape(layout)
    if layout.cols % box_cols:
        raise VerifyException(f"expects cols to be a multiple of the box's {box_cols}, found {layout.cols}")
    if layout.rows % box_rows and layout.loc != "vec" and layout.fractal != 32 and layout.rows != 1:
        raise VerifyException(f"expects rows to be a multiple of the box's {box_rows}, found {layout.rows}")


def box_shape(layout: TileLayout) -> tuple[int, int]:
    """Rows and columns (elements) of one fractal box of a boxed layout."""
    per_line = 32 // (element_bits(layout.dtype) // 8)
    if layout.fractal == 1024:
        return 16, 16
    if layout.fractal == 32:
        return 16, 2
    return (16, per_line) if layout.slayout == "row_major" else (per_line, 16)


class AllocEffect(MemoryEffect):
    """Allocates its result: erased when unused, never merged with another allocation."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        return {EffectInstance(MemoryEffectKind.ALLOC, op.results[0])}


def verify_extents(layout: TileLayout, valid_row: SSAValue | None, valid_col: SSAValue | None) -> None:
    """A valid operand stands for each `?` of the type, and for nothing else."""
    for what, extent, operand in (
        ("valid_row", layout.valid_rows, valid_row),
        ("valid_col", layout.valid_cols, valid_col),
    ):
        if (extent == DYNAMIC) != (operand is not None):
            expected = f"a {what} operand" if extent == DYNAMIC else f"no {what} operand"
            raise VerifyException(f"expects {expected} for its result type")


def verify_address(layout: TileLayout, addr: SSAValue | None) -> None:
    """A constant address is not negative and aligned as its memory wants it (bytes)."""
    if addr is not None and (address := constant_int(addr)) is not None:
        alignment = 512 if layout.loc in _L0 else 32
        if address < 0:
            raise VerifyException(f"expects an address from 0 on, found {address}")
        if address % alignment:
            raise VerifyException(
                f"expects an address that is a multiple of {alignment} bytes, found {address}"
            )


class AllocationOp(IRDLOperation, ABC):
    """`%r = pto.OP addr = %a valid_row = %r valid_col = %c : T`, each operand optional.

    A valid operand stands for each `?` of the type.
    """

    addr = opt_operand_def(IntegerType)
    valid_row = opt_operand_def(IndexType)
    valid_col = opt_operand_def(IndexType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(AllocEffect())
    OPERANDS: ClassVar = {"addr": i64, "valid_row": IndexType(), "valid_col": IndexType()}

    def __init__(
        self,
        result_type: Attribute,
        addr: SSAValue | None = None,
        valid_row: SSAValue | None = None,
        valid_col: SSAValue | None = None,
    ):
        super().__init__(operands=[addr, valid_row, valid_col], result_types=[result_type])

    @property
    @abstractmethod
    def layout(self) -> TileLayout:
        """The layout of one tile."""

    def verify_(self) -> None:
        verify_extents(self.layout, self.valid_row, self.valid_col)
        verify_address(self.layout, self.addr)
        verify_allocation(self.layout)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands: list[SSAValue] = []
        sizes: list[int] = []
        for keyword, type_ in cls.OPERANDS.items():
            given = parser.parse_optional_keyword(keyword) is not None
            sizes.append(int(given))
            if given:
                parser.parse_punctuation("=")
                operands.append(parser.resolve_operand(parser.parse_unresolved_operand(), type_))
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        return cls.create(
            operands=operands,
            result_types=[parser.parse_type()],
            properties={"operandSegmentSizes": segment_sizes(*sizes)},
            attributes=attributes,
        )

    def print(self, printer: Printer) -> None:
        for keyword in self.OPERANDS:
            if (value := getattr(self, keyword)) is not None:
                printer.print_string(f" {keyword} = ")
                printer.print_operand(value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.results[0].type)


@irdl_op_definition
class AllocTileOp(AllocationOp):
    """A handle on a piece of on-chip memory, at a byte address or wherever `ptoas` puts it.

    Two handles with one address are the same bytes.
    """

    name = "pto.alloc_tile"
    res = result_def(TileBufType)

    @property
    def layout(self) -> TileLayout:
        return layout_of(self.res)


@irdl_op_definition
class AllocMultiTileOp(AllocationOp):
    """Buffers behind one another: slot k starts `k * bytes of one slot` behind the address."""

    name = "pto.alloc_multi_tile"
    res = result_def(MultiTileBufType)

    @property
    def layout(self) -> TileLayout:
        assert isinstance(self.res.type, MultiTileBufType)
        return self.res.type.data.layout


@irdl_op_definition
class MultiTileGetOp(IRDLOperation):
    """One of the buffers.

    `%t = pto.multi_tile_get %m[%slot] : !pto.multi_tile_buf<…> -> !pto.tile_buf<…>`
    """

    name = "pto.multi_tile_get"
    source = operand_def(MultiTileBufType)
    slot = operand_def(IndexType)
    res = result_def(TileBufType)
    traits = traits_def(Pure())
    assembly_format = "$source `[` $slot `]` attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue, slot: SSAValue):
        assert isinstance(source.type, MultiTileBufType)
        super().__init__(operands=[source, slot], result_types=[source.type.slot_type])

    def verify_(self) -> None:
        assert isinstance(self.source.type, MultiTileBufType)
        if self.res.type != self.source.type.slot_type:
            raise VerifyException(
                f"expects a result of the slot's type {self.source.type.slot_type}, found {self.res.type}"
            )
        number, slots = constant_int(self.slot), self.source.type.data.number
        if number is not None and not 0 <= number < slots:
            raise VerifyException(f"expects a slot below {slots}, found {number}")


OPERATIONS: list[type[Operation]] = [AllocTileOp, AllocMultiTileOp, MultiTileGetOp]
