"""Questions about extents: of views, and of the valid part of tiles."""

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, result_def, traits_def
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Pure

from .base import leaf
from .types import AnyTileType, PartitionTensorViewType, TensorViewType, TileBufType


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


OPERATIONS: list[type[Operation]] = [
    *(leaf(ViewExtentOp, mnemonic) for mnemonic in ("get_tensor_view_dim", "get_tensor_view_stride")),
    GetValidShapeOp,
    *(leaf(ValidExtentOp, mnemonic) for mnemonic in ("tile_valid_rows", "tile_valid_cols")),
]
