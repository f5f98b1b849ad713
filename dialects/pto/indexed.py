"""Loads and stores of GM by index, and prefetch."""

from typing import ClassVar

from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from .attributes import CoalesceAttr
from .base import TileOp, is_tile, layout_of
from .target import ChipRules
from .types import AnyViewType, PartitionTensorViewType, element_bits


def _expect_index(op: TileOp) -> None:
    index = op.ins[1].type
    if is_tile(op.ins[1]) and (found := layout_of(op.ins[1]).dtype) not in ("i32", "si32", "ui32"):
        raise VerifyException(f"expects an i32 index, found {found}")
    if isinstance(index, AnyViewType) and index.data.dtype != "i32":
        raise VerifyException(f"expects an i32 index, found {index.data.dtype}")


@irdl_op_definition
class MGatherOp(TileOp):
    """Load rows (`coalesce` row) or elements (elem) of GM by index.

    `pto.mgather ins(%mem, %idx : PTV, T) outs(%d : T) {coalesce = #pto<coalesce row>}`. Into mat memory,
    the index is in GM too, and element mode needs scratch memory in GM.
    """

    name = "pto.mgather"
    OPERANDS: ClassVar = "mem idx tmp?"
    NOT_IN_PLACE: ClassVar = ("idx",)
    coalesce = opt_prop_def(CoalesceAttr)
    gatherOob = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        mem, dst = self.ins[0].type, self.destination_layout()
        if not isinstance(mem, PartitionTensorViewType):
            raise VerifyException(f"expects to gather from a partition_tensor_view, found {mem}")
        if mem.data.dtype != dst.dtype:
            raise VerifyException(f"expects a destination of {mem.data.dtype} elements, found {dst.dtype}")
        if self.coalesce is None:
            raise VerifyException("expects attribute coalesce, found none")
        if len(self.ins) == 3 and dst.loc != "mat":
            raise VerifyException(f"expects scratch memory only for mat memory, found {dst.loc}")
        _expect_index(self)


@irdl_op_definition
class MScatterOp(TileOp):
    """Store rows or elements of a tile to GM by index, perhaps adding to what is there."""

    name = "pto.mscatter"
    OPERANDS: ClassVar = "src idx"
    DESTINATIONS: ClassVar = ""
    coalesce = opt_prop_def(CoalesceAttr)
    scatterAtomicOp = opt_prop_def()
    scatterOob = opt_prop_def()
    scatterConflict = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        if len(self.outs) != 1 or not isinstance(mem := self.outs[0].type, PartitionTensorViewType):
            raise VerifyException("expects to scatter to one partition_tensor_view")
        if (found := layout_of(self.ins[0]).dtype) != mem.data.dtype:
            raise VerifyException(f"expects a source of {mem.data.dtype} elements, found {found}")
        _expect_index(self)


@irdl_op_definition
class TPrefetchOp(TileOp):
    """Begin an asynchronous load of a box of GM; a separate operation waits for it."""

    name = "pto.tprefetch"

    def check(self, chip: ChipRules) -> None:
        view, tile = self.ins[0].type, self.destination_layout()
        if not isinstance(view, PartitionTensorViewType):
            raise VerifyException(f"expects to prefetch from a partition_tensor_view, found {view}")
        if element_bits(view.data.dtype) != element_bits(tile.dtype):
            raise VerifyException(
                f"expects elements of one width, found {view.data.dtype} in GM and {tile.dtype} in the tile"
            )


OPERATIONS = [MGatherOp, MScatterOp, TPrefetchOp]
