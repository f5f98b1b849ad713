"""`dsv4-hoist-fills`: fills, iotas and tables that are the same in every trip of a loop are made once.

    scf.for … {                                          %z = pto.texpands ins(%zero)
      %z = pto.texpands ins(%zero)                =>     scf.for … {
      %y = pto.tadd ins(%x, %z) }                          %y = pto.tadd ins(%x, %z) }

Legal because such an operation has no effects and depends on nothing that the loop changes. What moves only
computes tiles in vector memory from numbers and from tiles made in front of the loop. A tile that somebody
goes on to write (an accumulator, the start of what a loop carries) stays: it would be copied in every trip.
So does what would no longer fit into memory, the largest tiles first. Equal ones that meet in front of a loop
are one.

Before that, a fill of which every lane is overwritten before it is read goes (overwritten_fills.py).
"""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import is_side_effect_free

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.forms import is_buffer_form
from dialects.pto.sync import OPERATIONS as SYNC
from dialects.pto.tiles import CASTS, SubviewOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import UserError, refused, rewritten
from dsv4_passes.equivalence.unknown_ops import changing_tiles
from dsv4_passes.interpreter.semantics import SEMANTICS
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.transforms.common.origin import (
    Level,
    LevelOption,
    functions_of,
    is_rewritten,
    level_of,
    mark_rewritten,
)
from dsv4_passes.transforms.lowering.dry_run import memory_problem
from dsv4_passes.transforms.lowering.placement import DoesNotFit
from dsv4_passes.transforms.mixed.join_mixed import JOINED
from dsv4_passes.xdsl_extras.loops import trips

from .dead_fills import drop_dead_fills

MAX_ATTEMPTS = 8
"""So many memory plans are made to find what may move."""
_VIEWS = (*CASTS, SubviewOp)


class Moved(NamedTuple):
    """An operation that was hoisted, and its number in a walk over the function it came from."""

    number: int
    op: Operation

    @property
    def bytes(self) -> int:
        return 0 if isinstance(self.op, _VIEWS) else sum(layout_of(r).bytes for r in self.op.results)


def may_move(op: Operation) -> bool:
    """The operation computes tiles in vector memory and does nothing else."""
    if isinstance(op, TileOp):
        if op.mnemonic() not in SEMANTICS or not is_side_effect_free(op) or not op.results:
            return False
    elif not isinstance(op, _VIEWS):
        return False
    tiles = [v for v in (*op.operands, *op.results) if isinstance(v.type, TileType)]
    return all(layout_of(v).loc == "vec" for v in tiles) and all(is_never_updated(r) for r in op.results)


def is_never_updated(value: SSAValue) -> bool:
    """The tile is never updated in place, which would require a copy."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, _VIEWS):
            if not is_never_updated(op.results[0]):
                return False
        elif isinstance(op, TileOp):
            if op.TIED and op.operand(op.TIED) is value:
                return False
        elif not isinstance(op, CoreMoveOp):
            return False
    return True


def hoist(function: func.FuncOp, kept: Collection[int] = ()) -> list[Moved]:
    """Move what may move out of all loops, the innermost first; operations with the numbers `kept` stay."""
    numbers = {op: number for number, op in enumerate(function.walk())}
    moved: dict[Operation, Moved] = {}
    known: dict[Hashable, Operation] = {}
    for loop in reversed([op for op in numbers if isinstance(op, scf.ForOp)]):
        if (count := trips(loop)) is not None and count < 2:
            continue
        for op in list(loop.body.walk()):
            if numbers[op] not in kept and _runs_in(op, loop) and may_move(op) and _is_invariant(op, loop):
                for operand in op.operands:
                    _move(operand.owner, loop)
                if (same := known.setdefault((loop, *_work(op)), op)) is not op:
                    Rewriter.replace_op(op, [], list(same.results))
                    continue
                _move(op, loop)
                moved[op] = Moved(numbers[op], op)
    return list(moved.values())


def _work(op: Operation) -> tuple[Hashable, ...]:
    """What makes an operation compute the same as another one."""
    properties = tuple(sorted(op.properties.items(), key=lambda item: item[0]))
    numbers = (_number(v) for v in op.operands)
    return op.name, properties, tuple(numbers), tuple(r.type for r in op.results)


def _number(value: SSAValue) -> Hashable:
    """A key: the number of a constant, else the value."""
    owner = value.owner
    return (owner.value, value.type) if isinstance(owner, arith.ConstantOp) else value


def _runs_in(op: Operation, loop: scf.ForOp) -> bool:
    """The loop is the innermost one around the operation."""
    parent = op.parent_op()
    while isinstance(parent, scf.IfOp):
        parent = parent.parent_op()
    return parent is loop


def _is_invariant(op: Operation, loop: scf.ForOp) -> bool:
    return all(isinstance(v.owner, arith.ConstantOp) or not loop.is_ancestor(v.owner) for v in op.operands)


def _move(op: object, loop: scf.ForOp) -> None:
    """Move an operation in front of a loop that holds it; one that is outside stays."""
    if isinstance(op, Operation) and loop.is_ancestor(op):
        op.detach()
        Rewriter.insert_op(op, InsertPoint.before(loop))


def hoist_function(
    function: func.FuncOp, chip: str, ptoas: str | float = LATEST, level: Level = "level3"
) -> tuple[func.FuncOp, int]:
    """A function in value form with what fits hoisted, in the place of the one given; how much moved."""
    if is_buffer_form(function):
        return function, 0
    if changing_tiles(function) is not None or any(isinstance(op, tuple(SYNC)) for op in function.walk()):
        return function, 0
    dropped = drop_dead_fills(function)
    kept: set[int] = set()
    first: list[Moved] = []
    problem: DoesNotFit | None = None
    for _ in range(MAX_ATTEMPTS):
        trial = function.clone()
        moved = hoist(trial, kept)
        if not any(m.bytes for m in moved):
            break
        first = first or moved
        try:
            problem = memory_problem(trial, chip, ptoas, level)
        except UserError:
            return function, dropped
        if problem is None:
            Rewriter.replace_op(function, trial)
            rewritten(moved[0].op, f"{_say(moved)} done once, in front of the loop around")
            return trial, dropped + len(moved)
        kept.add(max(_ends(moved), key=lambda m: m.bytes).number)
    if first and problem is not None:
        place = first[0].op
        refused(place, f"{_say(first)} stay in their loop: in front of it {problem.why}", "does not fit")
    return function, dropped


def _ends(moved: list[Moved]) -> list[Moved]:
    """Those that others than what moved use."""
    ops = {m.op for m in moved}
    return [m for m in moved if any(use.operation not in ops for r in m.op.results for use in r.uses)]


def _say(moved: list[Moved]) -> str:
    computed = [m.op for m in moved if m.bytes]
    names = ", ".join(sorted({op.name.removeprefix("pto.") for op in computed}))
    return f"{len(computed)} operation{'s' if len(computed) > 1 else ''} on tiles ({names})"


@dataclass(frozen=True)
class HoistFillsPass(ModulePass):
    """Drop fills that are overwritten, and hoist fills and tables out of loops where memory allows.

    With `scope=lanes` only in functions that were rewritten, or that gather or scatter lanes.
    `chip` is taken from the module's `pto.target_arch` unless given; scratch memory is that of `ptoas`.
    """

    name = "dsv4-hoist-fills"
    chip: str | None = None
    ptoas: str | float = LATEST
    scope: Literal["all", "lanes"] = "all"
    """which functions: all, or those that were rewritten or that gather or scatter lanes"""
    level: LevelOption = "auto"
    """the level that they will be lowered to; auto is that of the text that was read"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions_of(op):
            if self.scope == "all" or is_rewritten(function) or _is_whole(function):
                level = level_of(function, self.level)
                new, count = hoist_function(function, chip_for(function, self.chip).name, self.ptoas, level)
                if count:
                    mark_rewritten(new)


def _is_whole(function: func.FuncOp) -> bool:
    """It moves lanes, and is not the two functions of a mixed kernel seen as one."""
    return moves_lanes(function) and JOINED not in function.attributes


def moves_lanes(function: func.FuncOp) -> bool:
    """The function takes lanes apart or puts them together by gathers or scatters."""
    return any(isinstance(op, TileOp) and op.mnemonic() in ("tgather", "tscatter") for op in function.walk())
