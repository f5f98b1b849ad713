"""`dsv4-hoist-fills`: fills, iotas and tables that a loop computes again and again are computed once.

    scf.for … {                                          %z = pto.texpands ins(%zero)
      %z = pto.texpands ins(%zero)                =>     scf.for … {
      … }                                                  … }

Legal because such an operation has no effects and depends on nothing that the loop changes. Only values
made from constants alone are moved (fills, `tci`, arithmetic on them): they are what kernels rebuild per
trip. A loop in which they would no longer fit into memory keeps them. A fill that is overwritten before
it is read needs no pass: as a value it is dead.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.base import TileOp, target_arch
from dialects.pto.tiles import ReshapeOp
from dialects.pto.types import TileBufType, TileType
from dsv4_passes.diagnostics import UserError, rewritten

from .lower_tiles import lower_function


def is_table(op: Operation, tables: set[SSAValue]) -> bool:
    """The operation makes a tile from constants, or from tables, alone."""
    if not isinstance(op, (TileOp, ReshapeOp)) or not op.results:
        return False
    if not all(isinstance(r.type, TileType) for r in op.results):
        return False
    return all(v in tables or isinstance(v.owner, arith.ConstantOp) for v in op.operands)


def tables_in(function: func.FuncOp) -> set[SSAValue]:
    """Values made from constants alone, in any loop."""
    tables: set[SSAValue] = set()
    for op in function.walk():
        if is_table(op, tables):
            tables.update(op.results)
    return tables


def hoist(function: func.FuncOp) -> list[Operation]:
    """Move tables out of the loops around them; what was moved."""
    tables, moved = tables_in(function), list[Operation]()
    for op in list(function.walk()):
        if not op.results or op.results[0] not in tables or isinstance(op, arith.ConstantOp):
            continue
        if (outermost := _loop_around(op)) is None:
            continue
        for operand in op.operands:
            _move(operand.owner, outermost)
        _move(op, outermost)
        moved.append(op)
    return moved


def _loop_around(op: Operation) -> scf.ForOp | None:
    found, parent = None, op.parent_op()
    while parent is not None and not isinstance(parent, func.FuncOp):
        if isinstance(parent, scf.ForOp):
            found = parent
        elif not isinstance(parent, scf.IfOp):
            return None
        parent = parent.parent_op()
    return found


def _move(op: Operation | Block, before: Operation) -> None:
    """Move an operation in front of a loop that holds it; one that is outside stays."""
    if isinstance(op, Block) or not before.is_ancestor(op):
        return
    op.detach()
    Rewriter.insert_op(op, InsertPoint.before(before))


def fits(function: func.FuncOp, chip: str) -> bool:
    """The function still has a memory plan."""
    try:
        lower_function(function.clone(), chip, "0.60", "level3")
    except UserError:
        return False
    return True


def hoist_function(function: func.FuncOp, chip: str) -> int:
    """Hoist what a function in value form rebuilds, if it fits; how many operations moved."""
    if any(isinstance(r.type, TileBufType) for op in function.walk() for r in op.results):
        return 0
    trial = function.clone()
    if not (moved := hoist(trial)) or not fits(trial, chip):
        return 0
    first = moved[0]
    Rewriter.replace_op(function, trial)
    names = ", ".join(sorted({op.name for op in moved}))
    rewritten(first, f"{len(moved)} operations on constants ({names}) are done once, before the loop")
    return len(moved)


@dataclass(frozen=True)
class HoistFillsPass(ModulePass):
    """Hoist fills and tables out of loops where memory allows."""

    name = "dsv4-hoist-fills"
    chip: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in [f for f in op.walk() if isinstance(f, func.FuncOp)]:
            hoist_function(function, self.chip or target_arch(op))
