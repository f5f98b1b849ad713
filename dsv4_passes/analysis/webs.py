"""Which tile values must, or may, live in one buffer.

A *root* is a value that has bytes of its own; a reshape, bitcast, transpose, window or change of the
valid extent is a view of one. A *web* is a set of roots that share a buffer:

* must: a loop's initial value, argument, yielded value and result; a branch's results and what the
  branches yield; an accumulator and the product added to it; an insert and the tile it changes;
* may: the result of a lane-wise operation and an operand that dies there (in place).

Where roots that must share a buffer are alive at once, a copy is put in between, where the memory can
copy to itself (`vec`); elsewhere that is an error.
"""

from collections.abc import Iterator

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.base import TileOp
from dialects.pto.broadcast import ColumnExpandOp, RowExpandOp
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import BinaryOp, ScalarOp, UnaryOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import BitcastOp, InsertOp, ReshapeOp, SetValidShapeOp, SubviewOp, TransposeOp
from dialects.pto.types import TileType, element_bits
from dsv4_passes.diagnostics import UserError

from .liveness import Live, Liveness

VIEWS = (SubviewOp, ReshapeOp, TransposeOp, BitcastOp, SetValidShapeOp)


def root_of(value: SSAValue) -> SSAValue | None:
    """The value whose bytes these are; None for anything that is not a tile value."""
    if not isinstance(value.type, TileType):
        return None
    while isinstance(op := value.owner, VIEWS):
        value = op.source
    return value


def is_slot(value: SSAValue) -> bool:
    """A popped tile lives in its pipe slot, which holds nothing else."""
    owner = value.owner
    return isinstance(owner, Operation) and owner.name.startswith("pto.tpop")


class Webs:
    """Webs of a function in value form. Making them may put copies into the function."""

    def __init__(self, function: func.FuncOp, narrowing: bool = True):
        """`narrowing`: a conversion may put its shorter result at the start of its operand's bytes."""
        self.function, self.narrowing = function, narrowing
        self.parent: dict[SSAValue, SSAValue] = {}
        self.body = function.body.block
        self._require()
        self._allow()

    def find(self, root: SSAValue) -> SSAValue:
        """The representative of the web a root belongs to."""
        path: list[SSAValue] = []
        while (up := self.parent.get(root, root)) is not root:
            path.append(root)
            root = up
        for value in path:
            self.parent[value] = root
        return root

    def roots(self) -> Iterator[SSAValue]:
        yield from self.live

    # -- required sharing --------------------------------------------------------------------------

    def _require(self) -> None:
        """Join what must be joined; where that fails, copy and start again."""
        while True:
            liveness = Liveness(self.body, root_of)
            self.live: dict[SSAValue, Live] = {
                value: Live(list(live.segments)) for value, live in liveness.live.items()
            }
            self.parent = {}
            self.position = liveness.position
            clashes = [pair for pair in list(self._pairs()) if not self._join(pair[1], pair[2])]
            if not clashes:
                return
            for op, index in {(op, index): None for op, _, _, index in clashes}:
                self._copy(op, index)

    def _pairs(self) -> Iterator[tuple[Operation, SSAValue, SSAValue, int]]:
        """(operation, root, root, operand to copy where they cannot share)."""
        for op in self.body.walk():
            if isinstance(op, scf.ForOp):
                first = len(op.operands) - len(op.iter_args)
                for index, (init, argument, result) in enumerate(
                    zip(op.iter_args, op.body.block.args[1:], op.results, strict=True)
                ):
                    if not isinstance(init.type, TileType):
                        continue
                    end = op.body.block.last_op
                    assert end is not None
                    yield op, argument, _root(init), first + index
                    yield end, argument, _root(end.operands[index]), index
                    yield op, argument, result, first + index
            elif isinstance(op, scf.IfOp):
                for index, result in enumerate(op.results):
                    if not isinstance(result.type, TileType):
                        continue
                    for region in op.regions:
                        end = region.block.last_op
                        assert end is not None
                        yield end, result, _root(end.operands[index]), index
            elif isinstance(op, InsertOp):
                yield op, op.res, _root(op.dest), 1
            elif isinstance(op, TileOp) and op.res and op.TIED:
                index = op.operand_names().index(op.TIED)
                yield op, op.res[0], _root(op.ins[index]), index

    def _join(self, a: SSAValue, b: SSAValue) -> bool:
        a, b = self.find(a), self.find(b)
        if a is b:
            return True
        if is_slot(a) or is_slot(b):
            return False
        mine, other = self.live.setdefault(a, Live()), self.live.setdefault(b, Live())
        if mine.overlaps(other):
            return False
        mine.merge(other)
        self.parent[b] = a
        return True

    def _copy(self, op: Operation, index: int) -> None:
        value = op.operands[index]
        assert isinstance(value.type, TileType)
        if value.type.data.loc != "vec":
            raise UserError(
                f"'{op.name}' needs a copy of a tile in {value.type.data.loc} memory, which cannot copy to itself",
                op.location,
            )
        valid = [v for v in getattr(value.owner, "valid", ())] if isinstance(value.owner, TileOp) else []
        copy = TMovOp([value], result=value.type, valid=valid)
        copy.location = op.location
        copy.res[0].name_hint = value.name_hint
        Rewriter.insert_op(copy, InsertPoint.before(op))
        op.operands[index] = copy.res[0]

    # -- sharing in place --------------------------------------------------------------------------

    def _allow(self) -> None:
        for op in self.body.walk():
            if not isinstance(op, TileOp) or not op.res or op.scratch_operands():
                continue
            for operand in _in_place_operands(op, self.narrowing):
                root = root_of(operand)
                if root is None or root is not operand or isinstance(root.owner, Block):
                    continue
                if self._is_piece(op.res[0]) or self._is_piece(root):
                    continue
                if self._join(op.res[0], root):
                    break

    @staticmethod
    def _is_piece(value: SSAValue) -> bool:
        """The value is inserted somewhere, so its best place is there."""
        return any(isinstance(use.operation, InsertOp) and use.index == 0 for use in value.uses)


def _in_place_operands(op: TileOp, narrowing: bool) -> Iterator[SSAValue]:
    """Operands whose bytes the result may take over: lane i is read before lane i is written."""
    result = op.destination_layout()
    if isinstance(op, (BinaryOp, ScalarOp, UnaryOp)):
        candidates = list(op.inputs())
    elif isinstance(op, (ColumnExpandOp, RowExpandOp, TCvtOp)):
        candidates = [op.ins[0]]
    else:
        return
    for value in candidates:
        if not isinstance(value.type, TileType):
            continue
        layout = value.type.data
        narrower = element_bits(result.dtype) <= element_bits(layout.dtype)
        same = element_bits(result.dtype) == element_bits(layout.dtype)
        if (
            layout.shape == result.shape
            and layout.blayout == result.blayout
            and (same or (narrowing and narrower and isinstance(op, TCvtOp)))
        ):
            yield value


def _root(value: SSAValue) -> SSAValue:
    root = root_of(value)
    assert root is not None
    return root
