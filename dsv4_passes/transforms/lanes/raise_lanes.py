"""`dsv4-raise-lanes`: code that moves lanes, by whatever means, becomes lane operations.

    %e = pto.tmatmul ins(%x, %E)                          %e, %o = dsv4.deinterleave %x
    %o = pto.tgather ins(%x, {P1010})            =>
    %s = scf.for … pto.tgather ins(%row, %index) …        %s = dsv4.swap_pairs %x
    %a = pto.tscatter ins(%e, {P0101})
    %b = pto.tscatter ins(%o, {P1010})                    %y = dsv4.interleave %e, %o
    %y = pto.tadd ins(%a, %b)

Recognised is what lanes a value holds, not how the code is written: products with select matrices (in chunks,
block-diagonal, transposed, accumulated or added, with signs), gathers and scatters by mask or by an index
that is known, row by row or all at once, preserve blends, scatters that are merged, bits that are shifted
and joined. Rows of which not all are valid are rows like others.

Legal because every rewrite is kept only if what the function stores is proved to be the same, lane by lane
(`checked_rewrite`); the guard says what happens to a rounding that the cube made necessary.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.lanes import LaneOp
from dialects.pto.base import layout_of
from dialects.pto.convert import TSelOp, TSelsOp
from dialects.pto.elementwise import TAddOp, TOrOp
from dialects.pto.lanes import TGatherOp, TScatterOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.moves import TTransOp
from dialects.pto.tiles import BitcastOp, InsertOp, ReinterpretOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import note, silent
from dsv4_passes.interpreter.numerics import computes_as_float
from dsv4_passes.transforms.common.lane_index import Ids
from dsv4_passes.transforms.common.origin import note_before, take_before

from .bf16_consumers import kept_for_bf16
from .builder import Builder
from .checked_rewrite import Candidate, CheckedRewrite, Policy, Rewritten
from .chunks import with_chunks_unrolled
from .kernel_kind import become_vector
from .lane_sources import Finder, meeting, named
from .lane_values import Build, as_type, interleaved, plus_zero, swapped
from .match_report import refuse
from .preconditions import followed
from .products import is_site as is_product
from .products import may_select
from .sites import GuardedLanePass, rewrite_site
from .stays import MissingFacts

VIEWS = (BitcastOp, ReinterpretOp)
MOVERS = (TGatherOp, TScatterOp, TSelOp, TSelsOp, TTransOp, *VIEWS)
MERGES = (TAddOp, TOrOp)


# -- sites -----------------------------------------------------------------------------------------


def is_site(checked: CheckedRewrite, value: SSAValue) -> bool:
    """The value may be others with their lanes moved: made by an operation or loop that moves lanes."""
    op = value.owner
    layout = layout_of(value)
    if layout.loc == "acc":
        return is_product(value)
    if layout.loc != "vec" or isinstance(op, (Block, LaneOp)):
        return False
    if isinstance(op, MERGES):
        return is_product(value) or any(has_empty_half(checked, v) for v in op.ins)
    if isinstance(op, scf.ForOp):
        return fills_a_tile(op, value)
    if isinstance(op, InsertOp):
        return completes_a_tile(value)
    return isinstance(op, MOVERS)


def has_empty_half(checked: CheckedRewrite, value: SSAValue) -> bool:
    """The even or the odd lanes are all +0, as of one half of what is put together."""
    ids = checked.index.ids(value)
    return (
        ids is not None
        and ids.shape[2] % 2 == 0
        and any(checked.is_zero(ids[:, :, lane::2]) for lane in (0, 1))
    )


def fills_a_tile(loop: scf.ForOp, value: SSAValue) -> bool:
    """The loop writes the value piece by piece."""
    last = loop.body.block.last_op
    number = list(loop.results).index(value)  # pyright: ignore[reportArgumentType]
    return isinstance(last, scf.YieldOp) and isinstance(last.operands[number].owner, InsertOp)


def completes_a_tile(value: SSAValue) -> bool:
    """The last of several pieces was put into the value."""
    goes_on = (InsertOp, scf.YieldOp)
    return isinstance(value.owner, InsertOp) and not any(
        isinstance(use.operation, goes_on) and (isinstance(use.operation, scf.YieldOp) or use.index == 1)
        for use in value.uses
    )


def _backwards(block: Block) -> Iterator[SSAValue]:
    """Tile values from the last to the first, a loop's results before what is inside."""
    for op in reversed(list(block.ops)):
        yield from (v for v in reversed(op.results) if isinstance(v.type, TileType))
        for region in reversed(op.regions):
            for inner in reversed(region.blocks):
                yield from _backwards(inner)


# -- forms -----------------------------------------------------------------------------------------


def candidates(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Ways to have the lanes of a site, the simplest first."""
    ids = checked.index.ids(value)
    if ids is None or checked.context.domain.is_constant(ids).all():
        return
    finder = Finder(checked, value)
    dtype = finder.layout.dtype
    mode = rounding_mode(checked, ids)
    sums = computes_as_float(dtype) and (
        finder.layout.loc == "acc" or isinstance(value.owner, (TAddOp, InsertOp))
    )
    for what, build, drops in moves(checked, finder, ids):

        def finish(b: Builder, build: Build = build) -> SSAValue:
            return as_type(b, build(b), dtype, mode)

        yield Candidate(what, finish, drops)
        if sums:  # a sum that starts at +0 is never -0
            yield Candidate(f"{what} + 0", lambda b, f=finish: plus_zero(b, f(b)), drops)


def moves(checked: CheckedRewrite, finder: Finder, ids: Ids) -> Iterator[tuple[str, Build, bool]]:
    """What the lanes are, as a text; how to build them; and whether a rounding is dropped."""
    pieces = isinstance(finder.before, InsertOp)  # which may just stand side by side
    source = finder.there if pieces else finder.source
    if not pieces and (found := finder.source(ids)) is not None:
        yield found.what, found.build, False
    if ids.shape[2] % 2:
        return
    even, odd = ids[:, :, 0::2], ids[:, :, 1::2]
    exchanged = ids.copy()
    exchanged[:, :, 0::2], exchanged[:, :, 1::2] = odd, even
    if (other := finder.whole(exchanged)) is not None:
        yield f"the pairs of {named(other)} exchanged", lambda b: swapped(b, b.in_vec(other)), False
    kept, bare = (even, odd), (checked.unrounded(even), checked.unrounded(odd))
    wide = finder.layout.dtype == "f32"
    for halves, drops in ((bare, True), (kept, False)) if wide else ((kept, False), (bare, False)):
        if halves[0] is None or halves[1] is None:
            continue
        sources = source(halves[0]), source(halves[1])
        if sources[0] is None or sources[1] is None:
            continue
        what = f"{sources[0].what} and {sources[1].what} interleaved"
        for builds, _ in meeting([s for s in sources if s is not None], finder.layout.dtype):
            yield what, lambda b, builds=builds: interleaved(b, builds[0](b), builds[1](b)), drops


def rounding_mode(checked: CheckedRewrite, ids: Ids) -> str:
    """How the lanes were rounded, if they were: what a conversion has to do that rounds them again."""
    table = checked.context.domain.table
    heads = {table.head(int(term)) for term in np.unique(ids)}
    modes = {head[2] for head in heads if head[0] == "round"}
    return str(modes.pop()) if len(modes) == 1 else "RINT"


def stands_for_another(checked: CheckedRewrite, value: SSAValue) -> bool:
    """The lanes are those of a value that is there: in a view, that alone moves no lanes."""
    ids = checked.index.ids(value)
    return ids is not None and Finder(checked, value).whole(ids) is not None


def puts_together(checked: CheckedRewrite, value: SSAValue) -> bool:
    """A product, or a sum of such, whose even and odd lanes are those of two values."""
    ids = checked.index.ids(value)
    if ids is None or ids.shape[2] % 2 or not is_product(value):
        return False
    finder = Finder(checked, value)
    return all(finder.source(_bare(checked, ids[:, :, lane::2])) is not None for lane in (0, 1))


def _bare(checked: CheckedRewrite, ids: Ids) -> Ids:
    bare = checked.unrounded(ids)
    return ids if bare is None else bare


# -- the pass ----------------------------------------------------------------------------------------


def raise_sites(function: func.FuncOp, policy: Policy) -> int:
    """Raise every site of one function as it stands."""
    if (checked := followed(function, policy, partly=True)) is None:
        return 0
    count, ordinary, missing = 0, 0, MissingFacts()
    seen: set[SSAValue] = set()
    kept: dict[Operation, Operation] = {}
    pending = list(_backwards(function.body.block))[::-1]
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if not is_site(checked, value):
            continue
        if policy.guard == "bf16-fallback" and puts_together(checked, value):
            if kept_for_bf16(value, kept):
                continue
        if isinstance(value.owner, VIEWS) and not count and stands_for_another(checked, value):
            continue
        result = rewrite_site(checked, value, candidates(checked, value))
        if isinstance(result, Rewritten):
            count += 1
            seen -= {v for v in seen if isinstance(v.owner, VIEWS)}
            pending = list(_backwards(function.body.block))[::-1]
        else:
            ordinary += refuse(checked, function, value, result, missing)
    missing.say()
    say_ordinary(function, ordinary)
    become_vector(function)
    return count


def say_ordinary(function: func.FuncOp, count: int) -> None:
    """Count products that only multiply; in a lone kernel a note says how many there are."""
    if count:
        plural = "product selects" if count == 1 else "products select"
        say = silent if "dsv4.role" in function.attributes else note
        say(function, f"{count} {plural} no lanes of known values", "ordinary product", count)


def may_move_lanes(function: func.FuncOp) -> bool:
    """Something in the function may be a site whose lanes are worth to be followed."""
    if any(isinstance(op, (*MOVERS, TOrOp)) for op in function.walk()):
        return True
    return any(isinstance(op, MatmulOp) for op in function.walk()) and may_select(function)


def raise_lane_moves(function: func.FuncOp, policy: Policy) -> int:
    """Raise every site of one function in value form; how many were raised."""
    if not may_move_lanes(function):
        values = [v for v in _backwards(function.body.block) if is_product(v)]
        missing = MissingFacts()
        ordinary = sum(refuse(None, function, v, [], missing) for v in values)
        missing.say()
        say_ordinary(function, ordinary)
        return 0
    note_before(function)
    if not (count := with_chunks_unrolled(function, policy, raise_sites)):
        take_before(function)
    return count


@dataclass(frozen=True)
class RaiseLanesPass(GuardedLanePass):
    """Raise lane moves; `guard` and `signed-zero` say how exact the result must be."""

    name = "dsv4-raise-lanes"

    def rewrite(self, function: func.FuncOp, policy: Policy) -> None:
        raise_lane_moves(function, policy)
