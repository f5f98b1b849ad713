"""Clean up after raising: unused columns, operations and initial values.

* views, inserts and undefined tiles without uses;
* columns of loops and branches that only feed themselves;
* initial values of which every lane is overwritten before it is read: a tile assembled row by row keeps
  nothing of what lay there before, in a loop or not, and a dead tile must not look like an input.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
from xdsl.dialects import scf
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.base import layout_of
from dialects.pto.memory import constant_int
from dialects.pto.tiles import InsertOp, UndefOp
from dialects.pto.types import TileType
from dsv4_passes.transforms.common.assembled import only_insert
from dsv4_passes.xdsl_extras.insert import insert_before
from dsv4_passes.xdsl_extras.region_values import Structured, drop_columns, terminator


def clean_up(structured: Sequence[Structured], added: Collection[SSAValue], made: set[Operation]) -> None:
    """Remove unneeded columns whose results are `added`, and unneeded operations of `made`."""
    for op in structured:
        if isinstance(op, scf.ForOp):
            forget_unseen(op, made)
    for op in list(made):
        if isinstance(op, InsertOp):
            forget_covered(op, made)
    erase_unused(list(made), made)
    for op in structured:
        drop_unneeded(op, added, made)


def erase_unused(queue: list[Operation], erasable: set[Operation]) -> None:
    """Erase operations of `erasable` without uses, transitively."""
    while queue:
        op = queue.pop()
        if op not in erasable or any(result.first_use is not None for result in op.results):
            continue
        operands = {v.owner for v in op.operands}
        erasable.discard(op)
        Rewriter.erase_op(op)
        queue += [owner for owner in operands if isinstance(owner, Operation)]


# -- columns that only feed themselves -------------------------------------------------------------


def drop_unneeded(op: Structured, added: Collection[SSAValue], erasable: set[Operation]) -> None:
    """Drop added columns with an unused result whose argument, if any, is used only for its next value."""
    dropped: list[int] = []
    for index, result in enumerate(op.results):
        if result.first_use is not None or result not in added:
            continue
        if isinstance(op, scf.ForOp) and not _feeds_itself(op, index, erasable):
            continue
        dropped.append(index)
    if dropped:
        ends = [terminator(region.block) for region in op.regions if region.blocks]
        freed = [end.operands[i] for end in ends for i in dropped]
        if isinstance(op, scf.ForOp):
            freed += [op.iter_args[i] for i in dropped]
        drop_columns(op, dropped)
        erase_unused([v.owner for v in freed if isinstance(v.owner, Operation)], erasable)


def _feeds_itself(loop: scf.ForOp, index: int, erasable: Collection[Operation]) -> bool:
    """The argument is used by nothing but a chain of inserts whose end is yielded."""
    value: SSAValue = loop.body.block.args[index + 1]
    end = terminator(loop.body.block)
    while value.first_use is not None:
        uses = list(value.uses)
        user = uses[0].operation
        if len(uses) > 1:
            return False
        if user is end:
            return uses[0].index == index
        if not isinstance(user, InsertOp) or user not in erasable or uses[0].index != 1:
            return False
        value = user.res
    return True


# -- unobservable initial values ---------------------------------------------------------------


def forget_unseen(loop: scf.ForOp, made: set[Operation]) -> None:
    """Make initial values undefined of which the loop's inserts leave nothing."""
    bounds = len(loop.operands) - len(loop.results)
    for index, initial in enumerate(loop.iter_args):
        if isinstance(initial.type, TileType) and not isinstance(initial.owner, UndefOp):
            if all_replaced(loop, index):
                undef = UndefOp(initial.type)
                insert_before(loop, undef)
                loop.operands[bounds + index] = undef.res
                made.add(undef)


def forget_covered(first: InsertOp, made: set[Operation]) -> None:
    """Make the tile that a chain of inserts begins with undefined, where they leave nothing of it."""
    if isinstance(first.dest.owner, UndefOp):
        return
    layout = layout_of(first.dest)
    left = np.ones(layout.shape, np.bool_)
    insert: InsertOp | None = first
    while insert is not None and left.any():
        row, col, piece = constant_int(insert.row), constant_int(insert.col), layout_of(insert.source)
        if row is not None and col is not None and piece.full:
            left[row : row + piece.rows, col : col + piece.cols] = False
        insert = only_insert(insert.res)
    if not left.any():
        undef = UndefOp(first.dest.type)
        insert_before(first, undef)
        first.operands[1] = undef.res
        made.add(undef)


def all_replaced(loop: scf.ForOp, index: int) -> bool:
    """Every lane of the tile that column `index` carries is replaced by the inserts of some trip, and the
    tile is read nowhere else in the loop: what was there before the loop cannot be seen behind it."""
    lower, upper, step = (constant_int(v) for v in (loop.lb, loop.ub, loop.step))
    if lower != 0 or not upper or not step:
        return False
    argument = loop.body.block.args[index + 1]
    whole = layout_of(argument)
    covered = False
    value: SSAValue = argument
    for insert in _inserts(loop, value):
        piece = layout_of(insert.source)
        rows = step * _factor(insert.row, loop.body.block.args[0])
        covered |= (
            constant_int(insert.col) == 0
            and piece.full
            and piece.cols == whole.cols
            and 0 < rows <= piece.rows
            and -(-upper // step) * rows >= whole.rows
        )
        value = insert.res
    uses = list(value.uses)
    end = terminator(loop.body.block)
    return covered and len(uses) == 1 and uses[0].operation is end and uses[0].index == index


def _factor(row: SSAValue, iv: SSAValue) -> int:
    """`row` is the induction variable times this; 0 if it is anything else."""
    if row is iv:
        return 1
    if isinstance(owner := row.owner, Operation) and owner.name == "arith.muli":
        left, right = owner.operands
        return (constant_int(right) if left is iv else constant_int(left) if right is iv else 0) or 0
    return 0


def _inserts(loop: scf.ForOp, value: SSAValue) -> Iterator[InsertOp]:
    """The chain of inserts that begins with `value`, as long as nothing else uses it."""
    while True:
        uses = list(value.uses)
        user = uses[0].operation if len(uses) == 1 else None
        if not isinstance(user, InsertOp) or uses[0].index != 1 or user.parent is not loop.body.block:
            return
        yield user
        value = user.res
