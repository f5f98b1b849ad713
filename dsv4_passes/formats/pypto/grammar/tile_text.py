"""The type annotation that pypto writes for a tile, derived from the IR for reader and writer.

A tile type says less than the text (how many dimensions there were) and the text says more than it means
(a vector tile keeps the boxes of the accumulator that its first operand was). The second follows from the
operands, as pypto's own deduction has it (include/pypto/ir/type_inference.h InheritTileViewLayout); what
does not follow is an attribute:

    dsv4.shape   the shape of a tile that has not two dimensions
    dsv4.layout  [blayout, slayout, fractal] where the text has another layout than follows

`dsv4.implicit` marks an operation that the text does not write: a move between memories or a reshape of a
column to a row that pypto puts in later.
"""

from math import prod
from typing import TypeVar

from xdsl.dialects import scf
from xdsl.dialects.builtin import ArrayAttr, DenseArrayBase, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import (
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
)
from dialects.pto.types import DYNAMIC

from .table import row_of
from .types import Layout, TileText

IMPLICIT = "dsv4.implicit"
SHAPE = "dsv4.shape"
LAYOUT = "dsv4.layout"


def is_implicit(op: Operation | None) -> bool:
    return op is not None and IMPLICIT in op.attributes


OperationT = TypeVar("OperationT", bound=Operation)


def is_left_out(op: Operation) -> bool:
    """An implicit operation that the text still leaves out: pypto moves nothing where a view reads it."""
    views = (ReshapeOp, BitcastOp, ReinterpretOp)
    readers = [use.operation for use in op.results[0].uses] if isinstance(op, TMovOp | CoreMoveOp) else []
    return is_implicit(op) and not any(isinstance(r, views) and not is_implicit(r) for r in readers)


def mark_implicit(op: OperationT) -> OperationT:
    """Mark a new operation as implicit in the text."""
    op.attributes[IMPLICIT] = UnitAttr()
    return op


class TileTexts:
    """Annotations of tile values, each worked out once."""

    def __init__(self) -> None:
        self._layouts: dict[SSAValue, Layout] = {}

    def text(self, value: SSAValue) -> TileText:
        """The annotation of a tile, without its valid shape."""
        layout = layout_of(value)
        owner = value.owner if isinstance(value.owner, Operation) else None
        shape: tuple[int, ...] = layout.shape
        if owner is not None and isinstance(given := owner.attributes.get(SHAPE), DenseArrayBase):
            shape = tuple(int(extent) for extent in given.get_values())
        elif (start := carried_start(value)) is not None:
            given = self.text(start).shape
            shape = given if (prod(given[:-1]), given[-1]) == shape else shape
        return TileText(shape, layout.dtype, layout.loc, self.layout(value))

    def layout(self, value: SSAValue) -> Layout:
        if value not in self._layouts:
            self._layouts[value] = self._find(value)
        return self._layouts[value]

    def _find(self, value: SSAValue) -> Layout:
        data = layout_of(value)
        own = Layout(data.blayout, data.slayout, data.fractal, data.pad)
        if isinstance(value, BlockArgument):
            return own
        owner = value.owner
        assert isinstance(owner, Operation)
        match owner.attributes.get(LAYOUT):
            case ArrayAttr(
                data=[StringAttr(data=blayout), StringAttr(data=slayout), IntegerAttr() as fractal]
            ):
                return Layout(blayout, slayout, fractal.value.data, data.pad)
            case _:
                pass
        if data.loc != "vec" or (origin := self._origin(owner, value)) is None:
            return own
        inherited = self.layout(origin)
        if inherited.slayout == "none_box":
            return own
        return Layout(inherited.blayout, inherited.slayout, pad=data.pad)

    def _origin(self, owner: Operation, value: SSAValue) -> SSAValue | None:
        """The tile whose boxes the text of `value` inherits."""
        if is_left_out(owner):
            return owner.operands[0]
        if isinstance(owner, SubviewOp | SetValidShapeOp):
            return owner.source
        if isinstance(owner, InsertOp):
            return owner.dest
        if isinstance(owner, scf.ForOp | scf.IfOp):
            last = owner.regions[0].block.last_op
            return last.operands[owner.results.index(value)] if last is not None else None
        if isinstance(owner, TileOp) and (row := row_of(owner)) is not None and not row.drops:
            if row.shape in ("like", "mask", "packed", "index") and row.like < len(owner.ins):
                return owner.ins[row.like]
        return None

    def note(self, value: SSAValue, declared: TileText) -> None:
        """Keep in attributes the parts of an annotation that cannot be derived from the IR."""
        owner = value.owner
        assert isinstance(owner, Operation)
        if declared.shape != layout_of(value).shape:
            owner.attributes[SHAPE] = DenseArrayBase.from_list(i64, list(declared.shape))
        if self.layout(value) != declared.layout:
            given = declared.layout
            words: list[Attribute] = [StringAttr(given.blayout), StringAttr(given.slayout)]
            owner.attributes[LAYOUT] = ArrayAttr([*words, IntegerAttr(given.fractal, i64)])
            del self._layouts[value]


def carried_start(value: SSAValue) -> SSAValue | None:
    """What a value that a loop carries, or has carried, is to begin with."""
    if isinstance(value, BlockArgument):
        loop = value.owner.parent_op()
        return loop.iter_args[value.index - 1] if isinstance(loop, scf.ForOp) and value.index else None
    owner = value.owner
    return owner.iter_args[owner.results.index(value)] if isinstance(owner, scf.ForOp) else None


def extents(value: SSAValue) -> list[SSAValue] | None:
    """Index values for the dynamic extents in the type of a tile; None where they are not stated."""
    count = layout_of(value).valid.count(DYNAMIC)
    if not count:
        return []
    owner = value.owner
    found: list[SSAValue] | None = None
    if isinstance(owner, TileOp):
        found = list(owner.valid)
    elif isinstance(owner, CoreMoveOp | ReshapeOp | BitcastOp | ReinterpretOp):
        found = extents(owner.source)
    elif isinstance(owner, TransposeOp):
        found = extents(owner.source)
        found = found and found[::-1]
    elif isinstance(owner, SetValidShapeOp | SubviewOp):
        given = owner.valid if isinstance(owner, SubviewOp) else (owner.valid_row, owner.valid_col)
        pairs = zip(layout_of(value).valid, given, strict=False)
        found = [operand for extent, operand in pairs if extent == DYNAMIC]
    return found if found is not None and len(found) == count else None
