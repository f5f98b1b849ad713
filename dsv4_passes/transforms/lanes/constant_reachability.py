"""Which tiles could hold known numbers, judged from the operations they come from, without running anything.

A product selects lanes only where a factor holds known numbers: loaded from an argument with a fact, or
computed from constants. Most products multiply what was loaded by what was loaded, and need not be followed
lane by lane, which takes a term for every element.
"""

from collections.abc import Iterator

from xdsl.dialects import func, scf
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from dialects.dsv4.lanes import LaneOp
from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.broadcast import ColumnExpandOp, RowExpandOp, TColExpandOp, TRowExpandOp
from dialects.pto.channels import PopOp
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import BinaryOp, ScalarOp, UnaryOp
from dialects.pto.lanes import TGatherOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dialects.pto.moves import MemoryMoveOp, TConcatOp, TTransOp
from dialects.pto.reductions import RowReduction
from dialects.pto.tiles import (
    VIEWS,
    InsertOp,
    UndefOp,
)
from dialects.pto.types import TileType
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.interpreter.numerics import computes_as_float

_MOVES = (MemoryMoveOp, CoreMoveOp, TTransOp, TConcatOp, InsertOp, LaneOp)
_ARITHMETIC = (BinaryOp, MatmulOp, TCvtOp)
"""No rule folds non-constant operands to a constant."""
_FLOAT_ARITHMETIC = (ScalarOp, UnaryOp, RowReduction, ColumnExpandOp, RowExpandOp, TColExpandOp, TRowExpandOp)
"""The same of floats only: an integer and 0 is 0."""


class KnownLanes:
    """Asks of one function in value form; a value is asked about once."""

    def __init__(self, function: func.FuncOp):
        self._facts = {*facts_of(function)}
        stored = {_pointer(op.outs[0]) for op in function.walk() if isinstance(op, TStoreOp)}
        self._stored: set[SSAValue] | None = None if None in stored else {p for p in stored if p is not None}
        """Arguments that are stored to; None if any may be."""

    def possible(self, *values: SSAValue) -> bool:
        """Some lane of the values may be a known number. Conservative: may return true."""
        pending, seen = list(values), set(values)
        while pending:
            sources = self._sources(pending.pop())
            if sources is None:
                return True
            fresh = [v for v in sources if v not in seen]
            seen.update(fresh)
            pending += fresh
        return False

    def _sources(self, value: SSAValue) -> list[SSAValue] | None:
        """Tiles whose lanes make up those of `value`; None where numbers may come from elsewhere."""
        op = value.owner
        if isinstance(op, Block):
            return _carried(value, op)
        if isinstance(op, scf.ForOp):
            return [op.iter_args[value.index], *_yielded(op, value)]  # pyright: ignore
        if isinstance(op, scf.IfOp):
            return list(_yielded(op, value))
        if isinstance(op, TLoadOp):
            pointer = _pointer(op.ins[0])
            plain = self._stored is not None and pointer not in self._stored and pointer not in self._facts
            return [] if plain and pointer is not None else None
        if isinstance(op, (PopOp, UndefOp)):
            return []
        if isinstance(op, TGatherOp) and op.form() == "mask":
            return [op.ins[0]]
        float_ = isinstance(value.type, TileType) and computes_as_float(value.type.data.dtype)
        if isinstance(op, (*_MOVES, *VIEWS, *_ARITHMETIC)) or (float_ and isinstance(op, _FLOAT_ARITHMETIC)):
            return [v for v in op.operands if isinstance(v.type, TileType)]
        return None


def _carried(value: SSAValue, block: Block) -> list[SSAValue] | None:
    loop = block.parent_op()
    if not isinstance(loop, scf.ForOp) or not isinstance(value, BlockArgument):
        return None
    result = loop.results[value.index - 1]
    return [loop.iter_args[value.index - 1], *_yielded(loop, result)]


def _yielded(op: Operation, result: SSAValue) -> Iterator[SSAValue]:
    number = list(op.results).index(result)  # pyright: ignore[reportArgumentType]
    for region in op.regions:
        if isinstance(last := region.block.last_op, scf.YieldOp):
            yield last.operands[number]


def _pointer(view: SSAValue) -> BlockArgument | None:
    """The argument of a function that a view of GM is a view of, if it is one."""
    while isinstance(op := view.owner, Operation):
        if not op.operands:
            return None
        view = op.operands[0]
    function = op.parent_op()
    return view if isinstance(view, BlockArgument) and isinstance(function, func.FuncOp) else None
