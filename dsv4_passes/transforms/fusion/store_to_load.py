"""Hand values over inside a kernel without going through GM.

    pto.tstore ins(%a) outs(%stage[0, 0])              %w = insert %b into (insert %a into undef)
    pto.tstore ins(%b) outs(%stage[0, 32])      =>
    %x = pto.tload ins(%stage[8, 0])                   %x = subview %w[8, 0]

Each load of a stage becomes what was stored there, found by lanes: a tile that holds them, a box of one or
of several that were stored side by side, or else several boxes put together. What cannot be found is a
`NotForwarded`. Legal because the lanes are the same terms in every trip.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from xdsl.dialects import func, scf
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.attributes import RoundModeAttr
from dialects.pto.base import layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, TStoreOp, constant_int
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout, TileType
from dsv4_passes.equivalence.effects import Store
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.equivalence.symbolic_memory import Linear
from dsv4_passes.interpreter.affine import split
from dsv4_passes.interpreter.values import Box
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.lane_index import Ids, LaneIndex
from dsv4_passes.transforms.common.unroll import fold_numbers, unroll_loops
from dsv4_passes.xdsl_extras.insert import index_before, result_before

from .fuse_kernels import accesses
from .hoist_over_slices import hoist_over_slices
from .sink_into_inserts import sink_into_inserts

MAX_TRIPS = 64
"""Loops around accesses of a stage are unrolled up to this."""


class NotForwarded(Exception):
    """Why a load of a stage stays a load."""

    def __init__(self, load: Operation, why: str):
        super().__init__(why)
        self.load = load


def forward(function: func.FuncOp, stages: Sequence[SSAValue]) -> None:
    """Replace every load of the stages by stored values and drop their stores; `clean` has to follow.

    Short loops around such accesses are unrolled first, but for those that are around all of them: a value
    inside a loop is not one value to whoever is outside.
    """
    _check_accesses(stages)
    around = [_loops_around(a) for s in stages for a in accesses(function, s)]
    everywhere = set(around[0]).intersection(*around) if around else set[Operation]()
    some = {loop for loops in around for loop in loops} - everywhere
    unroll_loops(function, lambda loop: loop in some, MAX_TRIPS)
    run = run_lanes(function, selectors=facts_of(function), context=LaneContext())
    forwarder = _Forwarder(function, run)
    for stage in stages:
        found = list(accesses(function, stage))
        stored = forwarder.stored([op for op in found if isinstance(op, TStoreOp)])
        for load in [op for op in found if isinstance(op, TLoadOp)]:
            load.res[0].replace_all_uses_with(forwarder.value(load, stored))
            Rewriter.erase_op(load)
    for stage in stages:
        for store in list(accesses(function, stage)):
            Rewriter.erase_op(store)


def clean(function: func.FuncOp) -> None:
    """Tidy a kernel in which loads were forwarded."""
    fold_numbers(function.body.block)
    hoist_over_slices(function)
    sink_into_inserts(function)
    eliminate_dead_code(function)


def _check_accesses(stages: Sequence[SSAValue]) -> None:
    """Nothing but tile loads and stores touches the stages."""
    pending = list(stages)
    while pending:
        for use in pending.pop().uses:
            op = use.operation
            if isinstance(op, MakeTensorViewOp | PartitionViewOp):
                pending += op.results
            elif not isinstance(op, TLoadOp | TStoreOp):
                raise NotForwarded(op, f"'{op.name}' touches it")


def _loops_around(op: Operation) -> list[Operation]:
    found: list[Operation] = []
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp):
            found.append(parent)
        parent = parent.parent_op()
    return found


# -- what was stored -------------------------------------------------------------------------------


@dataclass(eq=False)
class Stored:
    """Stores side by side, left to right, and the term ids [visits, rows, cols] that they stored.

    A visit is a trip of the loops around; `addresses` [rows, cols] are those of the first one. `values`
    keeps the tile for each memory it was wanted in.
    """

    ops: list[TStoreOp]
    ids: Ids
    linear: Linear
    addresses: Ids
    values: dict[object, SSAValue] = field(default_factory=dict[object, SSAValue])

    @property
    def last(self) -> TStoreOp:
        """The store that runs last; behind the definitions of all the tiles."""
        block = self.ops[0].parent
        assert block is not None
        return max(self.ops, key=block.get_operation_index)

    def tile(self, target: TileLayout) -> SSAValue:
        """What was stored, as one tile; from an accumulator in the memory of `target` if that is vector
        memory, because a box of an accumulator cannot be moved there."""
        key = target.loc == "vec", target.dtype
        if key not in self.values:
            self.values[key] = self._tile(target)
        return self.values[key]

    def _tile(self, target: TileLayout) -> SSAValue:
        before = self.last
        parts = [self._part(op.operands[0], target, before) for op in self.ops]
        if len(parts) == 1:
            return parts[0]
        rows, cols = self.ids.shape[1:]
        layout = layout_of(parts[0])._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
        undef = UndefOp(TileType(layout))
        whole, col = result_before(before, undef), 0
        for part in parts:
            whole = result_before(
                before, InsertOp(part, whole, index_before(before, 0), index_before(before, col))
            )
            col += layout_of(part).cols
        return whole

    def _part(self, value: SSAValue, target: TileLayout, before: Operation) -> SSAValue:
        layout = layout_of(value)
        if layout.loc != "vec" and (target.loc == "vec" or layout.dtype != target.dtype):
            plain = TileLayout("vec", layout.rows, layout.cols, layout.dtype, *layout.valid)
            value = result_before(before, CoreMoveOp(value, TileType(plain)))
        return value if layout.dtype == target.dtype else _converted(before, value, target.dtype)


class _Forwarder:
    """Matches loads with the stores that they read."""

    def __init__(self, function: func.FuncOp, run: LaneRun):
        self.run, self.index = run, LaneIndex(function, run)
        self.visits: dict[Operation, list[Store]] = {}
        for store in run.stores:
            self.visits.setdefault(store.op, []).append(store)
        self.loads: dict[Operation, Box] = {}
        for op, box in run.loads:
            self.loads.setdefault(op, box)

    def stored(self, ops: Sequence[TStoreOp]) -> list[Stored]:
        """Each store alone, then those that are side by side."""
        alone = [op for op in ops if op in self.visits and self._known(op)]
        found = [self._side_by_side([op]) for op in alone]
        rows: dict[object, list[tuple[int, TStoreOp]]] = {}
        for op in alone:
            if (place := self._place(op)) is not None:
                rows.setdefault(place[0], []).append((place[1], op))
        for row in rows.values():
            widths = [(col, op, self.visits[op][0].ids.shape[1]) for col, op in row]
            found += [self._side_by_side(run) for run in _runs(widths)]
        return found

    def _side_by_side(self, ops: list[TStoreOp]) -> Stored:
        ids = np.concatenate([np.stack([s.ids for s in self.visits[op]]) for op in ops], axis=2)
        places = [_places(self.visits[op][0].box) for op in ops]
        return Stored(ops, ids, places[0][0], np.concatenate([addresses for _, addresses in places], axis=1))

    def _known(self, op: TStoreOp) -> bool:
        """Every lane that is stored was written before."""
        rows, cols = self.visits[op][0].ids.shape
        tiles = self.run.instances.get(op.operands[0], ())
        return all(t.known[:rows, :cols].all() for t in tiles)

    def _place(self, op: TStoreOp) -> tuple[object, int] | None:
        """What stores of one row of tiles have in common, and the column in the tensor."""
        store, layout = self.visits[op][0], layout_of(op.operands[0])
        view = op.operands[-1].owner
        root = view.source.owner if isinstance(view, PartitionViewOp) else None
        if not isinstance(root, MakeTensorViewOp) or len(root.strides) < 2 or layout.valid != layout.shape:
            return None
        if (stride := constant_int(root.strides[-2])) is None or not stride:
            return None
        linear, constant = split(store.box.base)
        row, col = divmod(constant, stride)
        key = op.parent, len(self.visits[op]), linear, row, layout.rows, layout.loc, layout.dtype
        return key, col

    def value(self, load: TLoadOp, stored: Sequence[Stored]) -> SSAValue:
        """What the load would read, in the load's memory."""
        ids = self.index.ids(load.res[0])
        if ids is None:
            raise NotForwarded(load, "not all of its lanes are valid")
        linear, addresses = _places(self.loads[load])
        found: list[tuple[Stored, Overlap]] = []
        for source in stored:
            if len(source.ids) in (1, len(ids)) and self._runs_before(source.last, load):
                overlap = _overlap(ids, addresses, source) if source.linear == linear else None
                if overlap is not None and overlap.extents == addresses.shape:
                    return _cut(load, source, overlap)
                if overlap is not None and len(source.ops) == 1:
                    found.append((source, overlap))
        return _assemble(load, found)

    def _runs_before(self, store: Operation, load: Operation) -> bool:
        """In every trip in which the load runs, the store has run just before."""
        current: Operation | None = load
        while current is not None and current.parent is not store.parent:
            current = current.parent_op()
        order = self.index.order
        return current is not None and order[store] < order[current]


def _runs(row: Sequence[tuple[int, TStoreOp, int]]) -> Iterator[list[TStoreOp]]:
    """Stores whose columns follow one another: (column, store, width)."""
    run: list[TStoreOp] = []
    end = -1
    for col, op, width in sorted(row, key=lambda entry: entry[0]):
        if col != end and len(run) > 1:
            yield run
        run = [*run, op] if col == end else [op]
        end = col + width
    if len(run) > 1:
        yield run


# -- putting it in the load's place ----------------------------------------------------------------


class Overlap(NamedTuple):
    """A box of a load that was stored: where it begins in the load and in what was stored."""

    row: int
    col: int
    at: tuple[int, int]
    extents: tuple[int, int]


def _places(box: Box) -> tuple[Linear, Ids]:
    """Symbolic part and numbers of the addresses of a box."""
    linear, constant = split(box.base)
    return linear, box.offsets + constant


def _overlap(wanted: Ids, addresses: Ids, source: Stored) -> Overlap | None:
    """The overlap of a load with a store that is still visible, if it is a box in every visit."""
    common = np.argwhere(np.isin(addresses, source.addresses))
    if not len(common):
        return None
    row, col = (int(i) for i in common[0])
    at_row, at_col = (int(i) for i in np.argwhere(source.addresses == addresses[row, col])[0])
    rows, cols = (
        min(size - here, stored - there)
        for size, here, stored, there in zip(
            addresses.shape, (row, col), source.addresses.shape, (at_row, at_col), strict=True
        )
    )
    same = (
        wanted[:, row : row + rows, col : col + cols]
        == source.ids[:, at_row : at_row + rows, at_col : at_col + cols]
    ).all(axis=0)
    if not same.any():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(same.any(axis=axis))[[0, -1]] for axis in (1, 0))
    if not same[top : bottom + 1, left : right + 1].all():
        return None
    return Overlap(
        row + int(top),
        col + int(left),
        (at_row + int(top), at_col + int(left)),
        (int(bottom - top) + 1, int(right - left) + 1),
    )


def _assemble(load: TLoadOp, found: Sequence[tuple[Stored, Overlap]]) -> SSAValue:
    """The lanes of a load from several boxes, each moved to the load's memory separately."""
    open_ = np.ones(layout_of(load.res[0]).shape, np.bool_)
    chosen: list[tuple[Stored, Overlap]] = []
    for source, overlap in found:
        row, col, _, (rows, cols) = overlap
        if open_[row : row + rows, col : col + cols].all():
            open_[row : row + rows, col : col + cols] = False
            chosen.append((source, overlap))
    if open_.any():
        row, col = (int(i) for i in np.argwhere(open_)[0])
        raise NotForwarded(load, f"lane [{row}, {col}] of what it reads is not stored in the same block")
    whole = result_before(load, UndefOp(load.res[0].type))
    for source, overlap in chosen:
        piece = _cut(load, source, overlap)
        whole = result_before(
            load, InsertOp(piece, whole, index_before(load, overlap.row), index_before(load, overlap.col))
        )
    return whole


def _cut(load: TLoadOp, source: Stored, overlap: Overlap) -> SSAValue:
    """A box of what was stored, in the load's memory: the tile itself where it is all of it."""
    target = layout_of(load.res[0])
    tile = source.tile(target)
    layout, at, (rows, cols) = layout_of(tile), overlap.at, overlap.extents
    if (*at, rows, cols) != (0, 0, *layout.shape):
        piece = TileType(layout._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols))
        tile = result_before(load, SubviewOp(tile, [index_before(load, i) for i in at], (rows, cols), piece))
    result = TileType(target._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols))
    return tile if tile.type == result else result_before(load, CoreMoveOp(tile, result))


def _converted(before: Operation, value: SSAValue, want: str) -> SSAValue:
    """What a converting store (from the accumulator, to nearest even) writes, as an operation."""
    layout = layout_of(value)
    if layout.dtype != "f32" or want not in ("bf16", "f16"):
        raise NotForwarded(before, f"the store converts {layout.dtype} to {want}")
    result = TileType(layout._replace(dtype=want))
    return result_before(before, TCvtOp([value], result=result, properties={"rmode": RoundModeAttr("RINT")}))
