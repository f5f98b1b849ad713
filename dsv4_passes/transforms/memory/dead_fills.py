"""Remove dead fills: every lane is overwritten before it is read.

    %z = pto.texpands ins(%zero)                           %z = pto.undef
    %a = pto.insert %even into %z[0, 0]             =>     %a = pto.insert %even into %z[0, 0]
    %b = pto.insert %odd into %a[0, 32]                    %b = pto.insert %odd into %a[0, 32]

A fill that is overwritten as a whole is dead as a value. Here it is the start of a tile that is written part
by part, also by the trips of a loop. Legal because the run on terms reads no lane of it: what is stored is
the same without it, and reading an uninitialised lane would be an error.
"""

from collections.abc import Iterator

from xdsl.dialects import func, scf
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from dialects.pto.base import TileOp
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.tiles import InsertOp, UndefOp
from dsv4_passes.diagnostics import UserError, rewritten
from dsv4_passes.equivalence.comparison import compare_effects
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneContext, run_lanes


def drop_dead_fills(function: func.FuncOp) -> int:
    """Replace dead fills in a function in value form; returns at how many places."""
    count = 0
    for fill, user, index in list(_starts(function)):
        old = user.operands[index]
        undef = UndefOp(old.type)
        undef.location = fill.location
        before = LaneContext()
        try:
            run = run_lanes(function, selectors=facts_of(function), context=before)
            Rewriter.insert_op(undef, InsertPoint.before(fill))
            user.operands[index] = undef.res
            same = compare_effects(run, run_lanes(function, selectors=facts_of(function), context=before))
        except (UserError, VerifyException):
            same = "it is read"
        if same is None:
            rewritten(user, f"the fill of '{user.name}' goes: every lane is overwritten before it is read")
            undef.res.name_hint = fill.res[0].name_hint
            count += 1
            if not list(fill.res[0].uses):
                Rewriter.erase_op(fill)
        elif undef.parent is not None:
            user.operands[index] = old
            Rewriter.erase_op(undef)
    return count


def _starts(function: func.FuncOp) -> Iterator[tuple[TExpandsOp, Operation, int]]:
    """Fills that are later updated in place: the updating operation and the operand's number."""
    for fill in function.walk():
        if not isinstance(fill, TExpandsOp) or not fill.res or fill.valid:
            continue
        for use in list(fill.res[0].uses):
            op = use.operation
            if isinstance(op, InsertOp):
                start = op.dest is fill.res[0] and use.index == 1
            elif isinstance(op, TileOp):
                start = op.TIED == "old" and op.operand("old") is fill.res[0]
            else:
                start = isinstance(op, scf.ForOp)
            if start:
                yield fill, op, use.index
