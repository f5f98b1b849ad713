"""Questions about extents, and pointers as numbers."""

from typing import Self

from xdsl.dialects.builtin import I64, IndexType, IntegerType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure
from xdsl.utils.exceptions import VerifyException

from .base import leaf
from .syntax import parse_pointer_type
from .types import AnyTileType, PartitionTensorViewType, PtrType, TensorViewType, TileBufType


class ViewExtentOp(IRDLOperation):
    """`%n = pto.get_tensor_view_dim %v, %axis : !pto.tensor_view<?x?xf32> -> index`; strides in elements."""

    view = operand_def(TensorViewType | PartitionTensorViewType)
    axis = operand_def(IndexType)
    res = result_def(IndexType)
    traits = traits_def(Pure())
    assembly_format = "$view `,` $axis `:` type($view) `->` type($res) attr-dict"

    def __init__(self, view: SSAValue, axis: SSAValue):
        super().__init__(operands=[view, axis], result_types=[IndexType()])


class ReadsHandle(MemoryEffect):
    """Reads what a buffer's handle says at the moment."""

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        if not isinstance(op.operands[0].type, TileBufType):
            return set()
        return {EffectInstance(MemoryEffectKind.READ, op.operands[0])}


@irdl_op_definition
class GetValidShapeOp(IRDLOperation):
    """The valid extent of a tile: `%r, %c = pto.get_validshape %t : T`."""

    name = "pto.get_validshape"
    source = operand_def(AnyTileType)
    valid_row = result_def(IndexType)
    valid_col = result_def(IndexType)
    traits = traits_def(ReadsHandle())
    assembly_format = "$source attr-dict `:` type($source)"

    def __init__(self, source: SSAValue):
        super().__init__(operands=[source], result_types=[IndexType(), IndexType()])


class ValidExtentOp(IRDLOperation):
    """One of the two valid extents: `%r = pto.tile_valid_rows %t : T -> index`."""

    source = operand_def(AnyTileType)
    res = result_def(IndexType)
    traits = traits_def(ReadsHandle())
    assembly_format = "$source attr-dict `:` type($source) `->` type($res)"

    def __init__(self, source: SSAValue):
        super().__init__(operands=[source], result_types=[IndexType()])


class PointerCastOp(IRDLOperation):
    """`%r = pto.OP %x : T -> T'`, with pointers and integers on either side."""

    source = operand_def(PtrType | IntegerType)
    res = result_def(PtrType | IntegerType)
    traits = traits_def(Pure())

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        source = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        source_type = parse_pointer_type(parser)
        parser.parse_punctuation("->")
        result = parse_pointer_type(parser)
        operand = parser.resolve_operand(source, source_type)
        return cls.create(operands=[operand], result_types=[result], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_operand(self.source)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.source.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.res.type)


@irdl_op_definition
class CastPtrOp(PointerCastOp):
    """A pointer to other elements in the same memory, or a pointer from or to an integer."""

    name = "pto.castptr"

    def verify_(self) -> None:
        source, result = self.source.type, self.res.type
        if isinstance(source, PtrType) and isinstance(result, PtrType):
            if source.data.space != result.data.space:
                raise VerifyException(
                    f"expects a pointer to {source.data.space} memory, found {result.data.space}"
                )
        elif not isinstance(source, PtrType) and not isinstance(result, PtrType):
            raise VerifyException("expects a pointer on one side, found two integers")


@irdl_op_definition
class PtrToIntOp(PointerCastOp):
    """The byte address that a GM pointer is."""

    name = "pto.ptrtoint"
    source = operand_def(PtrType)
    res = result_def(I64)


@irdl_op_definition
class IntToPtrOp(PointerCastOp):
    """A GM pointer from a byte address."""

    name = "pto.inttoptr"
    source = operand_def(IntegerType)
    res = result_def(PtrType)


_VIEW_EXTENTS = ("get_tensor_view_dim", "get_tensor_view_stride")

OPERATIONS: list[type[Operation]] = [
    *(leaf(ViewExtentOp, mnemonic) for mnemonic in _VIEW_EXTENTS),
    GetValidShapeOp,
    *(leaf(ValidExtentOp, mnemonic) for mnemonic in ("tile_valid_rows", "tile_valid_cols")),
    *(CastPtrOp, PtrToIntOp, IntToPtrOp),
]
