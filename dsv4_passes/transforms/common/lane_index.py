"""Find values by the lanes they hold.

"These are the even lanes of `x`" is a question about terms, not about operations: take the lanes of the
value in question and look up who else has lanes whose even half is just that. A value inside a loop has
one set of lanes per trip; it answers only to a question that agrees with it in every trip.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.types import TileType
from dsv4_passes.equivalence.lanes import LaneRun
from dsv4_passes.equivalence.terms import Ids
from dsv4_passes.interpreter.affine import Number, bounds


class LaneIndex:
    """The fully known tile values of a run by their lanes, the sign of a zero aside.

    `partly`: a tile may have fewer valid rows, if all columns are valid; its lanes are those of its valid
    rows. Whoever asks then compares extents, too.
    """

    def __init__(self, function: func.FuncOp, run: LaneRun, partly: bool = False):
        self.run, self.domain, self.partly = run, run.context.domain, partly
        self.order: dict[Operation, int] = {}
        self.found: dict[tuple[object, ...], list[SSAValue]] = defaultdict(list)
        self.halves: dict[tuple[object, ...], list[tuple[SSAValue, int]]] = defaultdict(list)
        self._known: dict[SSAValue, Ids | None] = {}
        self.plain: dict[SSAValue, Ids] = {}
        """The lanes of each value, the sign of a zero aside."""
        self._shapes: dict[int, dict[tuple[int, int], None]] = defaultdict(dict)
        for number, op in enumerate(function.walk()):
            self.order[op] = number
        for value in run.instances:
            if isinstance(value.type, TileType) and (ids := self.ids(value)) is not None:
                plain = self.plain[value] = self.strip(ids)
                self.found[_key(plain)].append(value)
                rows, cols = ids.shape[1:]
                self._shapes[rows * cols][rows, cols] = None
                if ids.shape[2] % 2 == 0:
                    self._shapes[rows * cols // 2][rows, cols // 2] = None
                    for lane in (0, 1):
                        self.halves[_key(plain[:, :, lane::2])].append((value, lane))

    def ids(self, value: SSAValue) -> Ids | None:
        """Term ids `[trips, rows, cols]` of a value, or None unless every lane of the tile is known."""
        if value not in self._known:
            self._known[value] = self._find(value)
        return self._known[value]

    def _find(self, value: SSAValue) -> Ids | None:
        ids = self._ids(value)
        if ids is None:
            return None
        undefined = self.run.context.undefined.among(self.domain.table, ids)
        if undefined.any() and not self._beyond_extent(value, undefined):
            return None
        return ids

    def _beyond_extent(self, value: SSAValue, lanes: NDArray[np.bool_]) -> bool:
        """Whether such lanes are in rows that the tile cannot have, whatever number of them is valid."""
        _, valid = self.extent(value)
        most = bounds(valid)[1]
        return most is not None and not lanes[:, :most].any()

    def _ids(self, value: SSAValue) -> Ids | None:
        instances = self.run.instances.get(value)
        if not instances:
            return None
        layout = instances[0].layout
        if self.partly:
            rows, cols = instances[0].box
            alike = all(t.valid == instances[0].valid for t in instances)
            if not alike or cols != layout.cols or any(not t.known[:rows].all() for t in instances):
                return None
            return np.stack([t.data[:rows] for t in instances])
        if any(not t.known.all() or t.valid != layout.shape for t in instances):
            return None
        return np.stack([t.data for t in instances])

    def extent(self, value: SSAValue) -> tuple[int, Number]:
        """Rows of a value's tile, and how many of them are valid."""
        tile = self.run.instances[value][0]
        return tile.layout.rows, tile.valid[0]

    def shapes(self, lanes: int) -> Iterator[tuple[int, int]]:
        """Rows and columns of the values with that many lanes, and of their halves."""
        yield from self._shapes.get(lanes, ())

    def strip(self, ids: Ids) -> Ids:
        """Terms without a `+ (+0)` at their root."""
        flat = self.domain.strip_zero(ids.reshape(-1, ids.shape[-1]))
        return flat.reshape(ids.shape)

    def same(self, ids: Ids, before: Operation) -> Iterator[SSAValue]:
        """Values visible before an operation that hold these lanes, the sign of a zero aside."""
        for key in _keys(self.strip(ids)):
            yield from (v for v in self.found.get(key, ()) if self.visible(v, before))

    def whole(self, ids: Ids, before: Operation) -> Iterator[tuple[SSAValue, int]]:
        """Values whose even (0) or odd (1) lanes these are."""
        for key in _keys(self.strip(ids)):
            yield from (v for v in self.halves.get(key, ()) if self.visible(v[0], before))

    def slices(self, ids: Ids, before: Operation) -> Iterator[tuple[SSAValue, int]]:
        """Values that hold these lanes from some column on, at a multiple of their width."""
        plain, width = self.strip(ids), ids.shape[2]
        for value, whole in self.plain.items():
            if whole.shape[2] <= width or whole.shape[:2] != ids.shape[:2]:
                continue
            starts = whole[0, 0, : whole.shape[2] - width + 1 : width] == plain[0, 0, 0]
            for col in (np.flatnonzero(starts) * width).tolist():
                same = np.array_equal(whole[:, :, col : col + width], plain)
                if same and self.visible(value, before):
                    yield value, col

    def row_slices(self, ids: Ids, before: Operation) -> Iterator[tuple[SSAValue, int]]:
        """Values that hold these lanes from some row on, at a multiple of their rows."""
        plain, rows = self.strip(ids), ids.shape[1]
        for value, whole in self.plain.items():
            if whole.shape[1] <= rows or (whole.shape[0], whole.shape[2]) != (ids.shape[0], ids.shape[2]):
                continue
            starts = whole[0, : whole.shape[1] - rows + 1 : rows, 0] == plain[0, 0, 0]
            for row in (np.flatnonzero(starts) * rows).tolist():
                same = np.array_equal(whole[:, row : row + rows], plain)
                if same and self.visible(value, before):
                    yield value, row

    def visible(self, value: SSAValue, before: Operation) -> bool:
        """`value` is defined before the operation, in its block or one around it."""
        owner = value.owner
        block = owner if isinstance(owner, Block) else owner.parent
        if block is None:
            return False
        current: Operation | None = before
        while current is not None:
            if current.parent is block:
                if isinstance(owner, Block):
                    return True
                return self.order.get(owner, -1) < self.order.get(current, 1 << 60)
            current = current.parent_op()
        return False


def _key(ids: Ids) -> tuple[object, ...]:
    return ids.shape, np.ascontiguousarray(ids).tobytes()


def _keys(ids: Ids) -> Iterator[tuple[object, ...]]:
    """The lanes as they are, and as those of a value outside the loop where all trips agree."""
    yield _key(ids)
    if ids.shape[0] > 1 and (ids == ids[:1]).all():
        yield _key(ids[:1])
