"""`dsv4-fold-lanes`: inverse lane operations cancel, operations on both halves move to whole rows,
and rotations of pairs become `dsv4.rotate_pairs`.

    dsv4.interleave of both halves of %x             =>    %x
    dsv4.deinterleave of dsv4.interleave %e, %o      =>    %e, %o
    dsv4.swap_pairs of dsv4.swap_pairs %x            =>    %x
    dsv4.interleave of pto.tcvt %e, pto.tcvt %o      =>    pto.tcvt of dsv4.interleave %e, %o
    pto.tcvt of both halves of %x                    =>    both halves of pto.tcvt %x
    pto.tadd of dsv4.interleave %e, 0 and 0, %o      =>    dsv4.interleave %e, %o, plus 0
    dsv4.interleave of e*c - o*s and o*c + e*s       =>    dsv4.rotate_pairs %x, %c, %s
    %x*c + (dsv4.swap_pairs %x)*s                    =>    dsv4.rotate_pairs %x, %c, %s

Operations are moved to the other side of a lane move only where nothing else reads what is in between. Legal
because lanes are copied bit by bit, so that what is done to each commutes with moving them; a function is
changed only if all it stores is proved to be the same, lane by lane.
"""

from dataclasses import dataclass

from xdsl.dialects import arith, func
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, LaneOp, SwapPairsOp
from dialects.pto.base import TileOp, is_tile, layout_of
from dialects.pto.elementwise import BinaryOp, TAddOp, TSubOp
from dialects.pto.tiles import InsertOp, ReshapeOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import refused
from dsv4_passes.equivalence.lanes import CannotFollow, lane_difference
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code

from .builder import CannotBuild, valid_of
from .checked_rewrite import Policy, Rewritten
from .find_rotations import rotations
from .fold_rows import LANE_WISE, FoldOneRow, FoldRows, again, placed
from .preconditions import followed
from .raise_lanes import MERGES, raise_sites
from .sites import LanePass, rewrite_site

# -- lane operations that meet -------------------------------------------------------------------------


class FoldInterleave(RewritePattern):
    """An interleave of both halves of a tile, or of what the same operation made of two tiles."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: InterleaveOp, rewriter: PatternRewriter) -> None:
        if (halves := both_halves(op.even, op.odd)) is not None:
            x, in_order = halves
            if in_order:
                rewriter.replace(op, [], [x])
            else:
                rewriter.replace(op, placed(SwapPairsOp([x], valid=list(op.valid)), op))
            return
        one, other = op.even.owner, op.odd.owner
        if not isinstance(one, TileOp) or not isinstance(other, TileOp) or not _only_read_by(op, one, other):
            return
        if isinstance(one, LANE_WISE) and same_operation(one, other):
            whole = placed(InterleaveOp([one.ins[0], other.ins[0]], valid=_valid(one.ins[0])), op)
            rewriter.replace(op, [whole, again(one, [whole.res[0]], op)])
        elif isinstance(one, BinaryOp) and same_operation(one, other):
            pairs = [both_halves(a, b) for a, b in zip(one.ins, other.ins, strict=True)]
            sources = [pair[0] for pair in pairs if pair is not None and pair[1]]
            if len(sources) == len(one.ins) == 2:
                rewriter.replace(op, again(one, sources, op))


class FoldDeinterleave(RewritePattern):
    """The halves of what was put together or exchanged, or of which both are used in one way only."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DeinterleaveOp, rewriter: PatternRewriter) -> None:
        source = op.x.owner
        if isinstance(source, InterleaveOp):
            rewriter.replace(op, [], [source.even, source.odd])
        elif (whole := _in_other_rows(op.x)) is not None:
            views = [
                placed(ReshapeOp(half, res.type), op) for half, res in zip(whole.ins, op.res, strict=True)
            ]
            rewriter.replace(op, views, [view.res for view in views])
        elif isinstance(source, SwapPairsOp):
            apart = placed(DeinterleaveOp([source.x], valid=list(op.valid)), op)
            rewriter.replace(op, apart, [apart.odd, apart.even])
        elif (users := _one_user_each(op)) is not None and same_operation(*users):
            one, other = users
            for scalar in one.ins:
                if isinstance(constant := scalar.owner, arith.ConstantOp) and not _is_before(constant, op):
                    constant.detach()
                    rewriter.insert(constant)
            whole = again(one, [op.x], op, as_in=op.x)
            apart = placed(DeinterleaveOp([whole.res[0]], valid=list(op.valid)), op)
            rewriter.insert([whole, apart])
            rewriter.replace(one, [], [apart.even])
            rewriter.replace(other, [], [apart.odd])
            rewriter.erase(op)


class FoldSwap(RewritePattern):
    """Pairs exchanged twice, or of what was put together."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SwapPairsOp, rewriter: PatternRewriter) -> None:
        source = op.x.owner
        if isinstance(source, SwapPairsOp):
            rewriter.replace(op, [], [source.x])
        elif isinstance(source, InterleaveOp):
            whole = InterleaveOp([source.odd, source.even], valid=list(op.valid))
            rewriter.replace(op, placed(whole, op))


class FoldReshape(RewritePattern):
    """What is done to every lane before rows get another length, on the way into or out of an interleave; and
    an interleave of halves whose rows get another length and then their own again.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter) -> None:
        source = op.source.owner
        if isinstance(source, InterleaveOp) and (halves := _in_rows_of(op, source)) is not None:
            rewriter.replace(op, placed(InterleaveOp(halves), op))
            return
        if not isinstance(source, LANE_WISE) or not _only_read_by(op, source):
            return
        goes_in = [isinstance(use.operation, InterleaveOp) for use in op.res.uses] == [True]
        if goes_in or isinstance(source.ins[0].owner, InterleaveOp):
            before = layout_of(source.ins[0])
            shape = layout_of(op.res)._replace(dtype=before.dtype)
            other = placed(ReshapeOp(source.ins[0], TileType(shape)), op)
            rewriter.replace(op, [other, again(source, [other.res], op)])


def _in_other_rows(value: SSAValue) -> InterleaveOp | None:
    """The interleave that a tile is, in rows of another length."""
    op = value.owner
    source = op.source.owner if isinstance(op, ReshapeOp) and layout_of(value).full else None
    return source if isinstance(source, InterleaveOp) else None


def _in_rows_of(op: ReshapeOp, source: InterleaveOp) -> list[SSAValue] | None:
    """The halves of an interleave before their rows got another length, if they had that of the result."""
    wanted = layout_of(op.res)
    halves = [half.owner.source for half in source.ins if isinstance(half.owner, ReshapeOp)]
    layouts = [layout_of(half) for half in halves]
    half = wanted._replace(cols=wanted.cols // 2, valid_cols=wanted.cols // 2)
    return halves if wanted.full and layouts == [half, half] else None


def both_halves(even: SSAValue, odd: SSAValue) -> tuple[SSAValue, bool] | None:
    """The tile that two values are the halves of, and whether they are so in order."""
    one, other = even.owner, odd.owner
    if not isinstance(one, DeinterleaveOp) or not isinstance(other, DeinterleaveOp) or one.x is not other.x:
        return None
    places = even is one.even, odd is other.even
    return (one.x, places[0]) if places[0] != places[1] else None


def same_operation(one: Operation, other: Operation) -> bool:
    """Both do the same to the lanes of their tiles: one name, one set of attributes, the same scalars."""
    if not isinstance(one, TileOp) or not isinstance(other, TileOp) or type(one) is not type(other):
        return False
    scalars = [[v for v in op.ins if not is_tile(v)] for op in (one, other)]
    return (
        scalars[0] == scalars[1]
        and (one.properties, one.attributes) == (other.properties, other.attributes)
        and [v.type for v in (*one.ins, *one.res)] == [v.type for v in (*other.ins, *other.res)]
    )


def _valid(value: SSAValue) -> list[SSAValue]:
    try:
        return valid_of(value)
    except CannotBuild:
        return []


def _only_read_by(user: Operation, *ops: TileOp) -> bool:
    """Nothing else reads the results of the operations, which are different ones."""
    uses = [use.operation for op in ops for result in op.res for use in result.uses]
    return len(set(ops)) == len(ops) and all(use is user for use in uses)


def _one_user_each(op: DeinterleaveOp) -> tuple[TileOp, TileOp] | None:
    """The only operations that read the halves, if each is lane-wise and they are in one block with `op`."""
    users: list[TileOp] = []
    for half in op.res:
        uses = list(half.uses)
        if len(uses) != 1 or not isinstance(user := uses[0].operation, LANE_WISE):
            return None
        users.append(user)
    one, other = users
    scalars = [v.owner for v in one.ins if not is_tile(v)]
    near = all(
        isinstance(o, arith.ConstantOp) or (isinstance(o, Operation) and _is_before(o, op)) for o in scalars
    )
    return (one, other) if near and one.parent is other.parent is op.parent else None


def _is_before(one: Operation, other: Operation) -> bool:
    """An operation stands before another one in its block, or in a block around it."""
    if one.parent is not other.parent:
        return True
    return one.is_before_in_block(other)


FOLDS: list[RewritePattern] = [
    FoldInterleave(),
    FoldDeinterleave(),
    FoldSwap(),
    FoldReshape(),
    FoldRows(),
    FoldOneRow(),
]


def fold_meeting(function: func.FuncOp) -> bool:
    """Fold lane operations that meet each other; whether anything was folded. Nothing is, where the function
    could not be proved to do the same.
    """
    trial = function.clone()
    eliminate_dead_code(trial)
    applier = GreedyRewritePatternApplier(FOLDS, dce_enabled=True)
    if not PatternRewriteWalker(applier).rewrite_region(trial.body):
        return False
    eliminate_dead_code(trial)
    try:
        difference = lane_difference(function, trial)
    except CannotFollow as problem:
        name = function.sym_name.data
        refused(function, f"lane operations of '{name}' are not folded: {problem.message}", "not proved")
        return False
    if difference is not None:
        return False
    old, new = function.body.detach_block(0), trial.body.detach_block(0)
    function.body.add_block(new)
    old.erase()
    return True


# -- rotations -----------------------------------------------------------------------------------------


def is_rotated(value: SSAValue) -> bool:
    """The value may be a rotation: a sum, a difference or two values put together, in rows of any length."""
    op = value.owner
    while isinstance(op, ReshapeOp):
        op = op.source.owner
    return isinstance(op, (TAddOp, TSubOp, InterleaveOp)) and layout_of(value).dtype == "f32"


def fold_rotations(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite rotations as `dsv4.rotate_pairs`; returns how many."""
    if not any(isinstance(op, LaneOp) for op in function.walk()):
        return 0
    if (checked := followed(function, policy, partly=True)) is None:
        return 0
    count = 0
    for value in checked.from_the_last(is_rotated):
        count += isinstance(rewrite_site(checked, value, rotations(checked, value)), Rewritten)
    return count


# -- the pass ------------------------------------------------------------------------------------------


def fold_function(function: func.FuncOp, policy: Policy) -> bool:
    """Fold the lane operations of one function in value form; whether anything changed."""
    if not any(isinstance(op, LaneOp) for op in function.walk()):
        return False
    merged = merges_halves(function) and raise_sites(function, policy) > 0
    folded = fold_meeting(function)
    if fold_rotations(function, policy):
        fold_meeting(function)
        return True
    return folded or merged


def merges_halves(function: func.FuncOp) -> bool:
    """Tiles are merged, and some are put together: halves that came from two kernels may meet by now."""
    names = {type(op) for op in function.walk()}
    return InterleaveOp in names and not names.isdisjoint((*MERGES, InsertOp))


@dataclass(frozen=True)
class FoldLanesPass(LanePass):
    """Fold lane operations, rotations among them; `signed-zero` as for `dsv4-raise-lanes`."""

    name = "dsv4-fold-lanes"

    def rewrite(self, function: func.FuncOp, policy: Policy) -> None:
        fold_function(function, policy)
