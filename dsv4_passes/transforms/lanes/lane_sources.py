"""Where the lanes of a site can be had from, in terms of lane operations.

`Finder(checked, site)` looks for the lanes of a value among those of other values: all of one, a stretch of
its columns, its even or odd lanes, any of these with the sign turned, exact zeros, or several side by side.
What it finds is built in the element type that the source has, and converted where that loses nothing: lanes
of 16 bits stay lanes of 16 bits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.tiles import SubviewOp
from dialects.pto.types import element_bits
from dsv4_passes.interpreter.numerics import computes_as_float
from dsv4_passes.transforms.common.lane_index import Ids

from .adjacent_loads import adjacent_loads, columns_of_load, load_columns, load_together
from .builder import PLACES, equal_parts
from .checked_rewrite import CheckedRewrite
from .lane_values import (
    Build,
    as_type,
    columns,
    deinterleaved,
    filled,
    negated,
    reshaped,
    rows_of,
    side_by_side,
    widened,
)


@dataclass(frozen=True)
class LaneSource:
    """A way to have some lanes: what it is called in remarks, its element type, and how it is built."""

    what: str
    dtype: str
    build: Build
    half: tuple[SSAValue, int] | None = None
    """The value of which these are the even (0) or odd (1) lanes."""


class Finder:
    """Looks for the sources of one site among the values that dominate it."""

    def __init__(self, checked: CheckedRewrite, site: SSAValue):
        self.index, self.table = checked.index, checked.context.domain.table
        self.site, self.layout = site, layout_of(site)
        self.extent = self.index.extent(site)
        owner = site.owner
        assert isinstance(owner, Operation)
        self.before = owner

    # -- what is there -------------------------------------------------------------------------------

    def usable(self, value: SSAValue, rows: int | None = None) -> bool:
        """It has the rows of the site, or so many, and can be brought into vector memory with its type."""
        layout = layout_of(value)
        fits = layout.dtype == self.layout.dtype or (
            computes_as_float(layout.dtype) and computes_as_float(self.layout.dtype)
        )
        extent = self.extent if rows is None else (rows, rows)
        return fits and layout.loc in PLACES and self.index.extent(value) == extent

    def rank(self, value: SSAValue) -> tuple[int, int, int]:
        """Best first: in vector memory, with the element type of the site, a tile of its own."""
        layout = layout_of(value)
        window = isinstance(value.owner, SubviewOp)
        return PLACES.index(layout.loc), int(layout.dtype != self.layout.dtype), int(window)

    def beside(self, value: SSAValue, ids: Ids) -> bool:
        """Its lanes are these but for the sign of zeros."""
        lanes = self.index.ids(value)
        return lanes is None or not (lanes == ids).all()

    def whole(self, ids: Ids, rows: int | None = None) -> SSAValue | None:
        """A value with these lanes."""
        found = (v for v in self.index.same(ids, self.before) if self.usable(v, rows))
        return min(found, key=lambda v: (self.beside(v, ids), self.rank(v)), default=None)

    def half(self, ids: Ids, rows: int | None = None) -> tuple[SSAValue, int] | None:
        """A value whose even (0) or odd (1) lanes these are."""
        found = (pair for pair in self.index.whole(ids, self.before) if self.usable(pair[0], rows))
        return min(found, key=lambda pair: self.rank(pair[0]), default=None)

    def shapes(self, ids: Ids) -> Iterator[Ids]:
        """The same lanes in rows of other lengths, as known values and their halves have them."""
        trips, rows, cols = ids.shape
        if not self.layout.full:
            return
        for other, width in self.index.shapes(rows * cols):
            if width != cols and not width * element_bits(self.layout.dtype) % 256:
                yield ids.reshape(trips, other, width)

    # -- as a source ---------------------------------------------------------------------------------

    def source(self, ids: Ids) -> LaneSource | None:
        """The simplest way to have lanes in tiles of that width; None if nothing holds them."""
        if (number := self.one_number(ids)) is not None and self.whole(ids) is None:
            width = ids.shape[2]
            return LaneSource(f"{number:g}", self.layout.dtype, lambda b: filled(b, self.site, width, number))
        for find in (self.plain, self.side_by_side):
            if (found := find(ids) or self.turned(ids, find)) is not None:
                return found
        return None

    def plain(self, ids: Ids) -> LaneSource | None:
        """Lanes of one known value: all of them, every second one, or a stretch of each row."""
        if (found := self.there(ids)) is not None:
            return found
        if (pair := self.half(ids)) is not None:
            of, lane = pair
            what = f"the {('even', 'odd')[lane]} lanes of {named(of)}"
            return LaneSource(what, layout_of(of).dtype, lambda b: deinterleaved(b, b.in_vec(of), lane), pair)
        for other in self.shapes(ids):
            if (found := self.in_other_rows(other, ids.shape[1:])) is not None:
                return found
        slices = [
            (value, col)
            for value, col in self.index.slices(ids, self.before)
            if layout_of(value).loc == "vec" and layout_of(value).full and self.usable(value)
        ]
        for value, col in slices:
            if (load := columns_of_load(value, col, ids.shape[2])) is not None:
                what, width = f"columns of {named(value)} loaded alone", ids.shape[2]
                return LaneSource(what, layout_of(value).dtype, lambda b: load_columns(b, load, col, width))
        for value, col in slices:
            width = ids.shape[2]
            return LaneSource(
                f"a slice of {named(value)}",
                layout_of(value).dtype,
                lambda b: columns(b, value, col, width),
            )
        return None

    def there(self, ids: Ids) -> LaneSource | None:
        """All lanes of one known value."""
        if (value := self.whole(ids)) is None:
            return None
        return LaneSource(named(value), layout_of(value).dtype, lambda b: b.in_vec(value))

    def in_other_rows(self, ids: Ids, shape: tuple[int, ...]) -> LaneSource | None:
        """Lanes of a value with rows of another length, brought into `shape`."""
        rows = ids.shape[1]
        found = self.whole(ids, rows)
        if found is None or self.beside(found, ids):
            if (part := self.rows_of_one(ids, shape)) is not None:
                return part
        if (value := found) is not None:
            what, dtype = f"{named(value)} in other rows", layout_of(value).dtype
            return LaneSource(what, dtype, lambda b: reshaped(b, b.in_vec(value), shape))
        if (pair := self.half(ids, rows)) is not None:
            of, lane = pair
            what = f"the {('even', 'odd')[lane]} lanes of {named(of)} in other rows"
            return LaneSource(
                what,
                layout_of(of).dtype,
                lambda b: reshaped(b, deinterleaved(b, b.in_vec(of), lane), shape),
            )
        return None

    def rows_of_one(self, ids: Ids, shape: tuple[int, ...]) -> LaneSource | None:
        """Exactly the lanes of some rows of a larger tile, brought into `shape`."""
        rows = ids.shape[1]
        for value, row in self.index.row_slices(ids, self.before):
            layout, lanes = layout_of(value), self.index.ids(value)
            if lanes is None or not np.array_equal(lanes[:, row : row + rows], ids):
                continue
            if layout.full and layout.loc == "vec" and self.usable(value, layout.rows):
                return LaneSource(
                    f"rows of {named(value)}",
                    layout.dtype,
                    lambda b: reshaped(b, rows_of(b, value, row, rows), shape),
                )
        return None

    def turned(self, ids: Ids, find: Callable[[Ids], LaneSource | None]) -> LaneSource | None:
        """Lanes that are found with the sign turned."""
        if not computes_as_float(self.layout.dtype):
            return None
        unique, inverse = np.unique(self.index.strip(ids), return_inverse=True)
        opposite = np.array([self.table.neg(int(term)) for term in unique], np.int64)[inverse]
        found = find(opposite.reshape(ids.shape))
        return None if found is None else LaneSource(f"minus {found.what}", "f32", negated(found.build))

    def one_number(self, ids: Ids) -> float | None:
        number = self.table.number(int(ids[0, 0, 0]))
        return None if number is None or (ids != ids[0, 0, 0]).any() else number

    def side_by_side(self, ids: Ids) -> LaneSource | None:
        """Lanes of several known values, each a part of every row."""
        if not self.layout.full:
            return None
        for count, width in equal_parts(ids.shape[2]):
            if (found := self.pieces(ids, count, width)) is not None:
                return found
        return None

    def pieces(self, ids: Ids, count: int, width: int) -> LaneSource | None:
        """Parts of each row from different values, put side by side."""
        parts: list[LaneSource] = []
        for i in range(count):
            if (part := self.plain(ids[:, :, i * width : (i + 1) * width])) is None:
                return None
            parts.append(part)
        if (found := self.of_one_load(parts)) is not None:
            return found
        if len({part.dtype for part in parts}) > 1:
            parts = [replace(p, dtype="f32", build=widened(p.build)) for p in parts]
        what = " | ".join(dict.fromkeys(part.what for part in parts))
        forms = [part.build for part in parts]
        return LaneSource(
            f"{count} times {what}, side by side", parts[0].dtype, lambda b: side_by_side(b, forms)
        )

    def of_one_load(self, parts: Sequence[LaneSource]) -> LaneSource | None:
        """Halves of tiles that were loaded from side by side: one load of them all."""
        halves = [part.half for part in parts if part.half is not None]
        if len(halves) < len(parts) or len({lane for _, lane in halves}) != 1:
            return None
        loads = adjacent_loads([value for value, _ in halves])
        if loads is None or not self.index.visible(loads[0].res[0], self.before):
            return None
        lane = halves[0][1]
        return LaneSource(
            f"the {('even', 'odd')[lane]} lanes of one load in place of {len(loads)}",
            parts[0].dtype,
            lambda b: deinterleaved(b, load_together(b, loads), lane),
        )


def named(value: SSAValue) -> str:
    """A value as text has it."""
    return f"%{value.name_hint}" if value.name_hint else "a value"


def meeting(sources: Sequence[LaneSource], dtype: str) -> Iterator[tuple[list[Build], str]]:
    """Ways to have several sources in one element type: their own if they agree, then that of the site."""
    own = {source.dtype for source in sources}
    if len(own) == 1:
        yield [source.build for source in sources], own.pop()
    if own != {dtype} and {source.dtype for source in sources} != {dtype}:
        yield [lambda b, s=source: as_type(b, s.build(b), dtype) for source in sources], dtype
