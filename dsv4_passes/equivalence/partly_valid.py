"""Tiles of which the number of valid rows or columns is known only when they run.

    %w = pto.set_validshape %x, %c8, %c16        row r of %w is x if r < %n, and undefined otherwise
    %i = pto.insert %x into %d[%c0, %c0]         row r of %i is x if r < %n, and row r of %d otherwise
    %v = pto.set_validshape %i, %n, %c16         row r of %v, which counts only if r < %n, is x

where `%x` has `%n` valid rows. Lanes that a tile does not have are one term, `undefined`, whatever the
bytes there are: that two kernels store it proves nothing (`comparison.undefined_store`).
"""

import numpy as np
from numpy.typing import NDArray

from dsv4_passes.interpreter import affine, numerics
from dsv4_passes.interpreter.affine import Number
from dsv4_passes.interpreter.values import Extent, Known, Tile

from .term_domain import TermDomain
from .terms import Ids, TermTable

SELECT, Z = ("select",), ("Z",)
UNDEFINED = "undefined"


def has_symbols(valid: Extent) -> bool:
    """Whether an extent is known only when it runs."""
    return not all(isinstance(number, int) for number in valid)


def covers(extent: Number, wanted: Number, physical: int) -> bool:
    """Whether all lanes of an extent along one axis are among those of another one."""
    return extent in (wanted, physical) or affine.compare("ge", extent - wanted, 0) == 1


def guarded(domain: TermDomain, tile: Tile, wanted: Extent) -> Tile:
    """The tile as a reader of more lanes than it has sees it: those beyond its extent are undefined."""
    open_ = [
        not isinstance(extent, int) and not covers(extent, number, physical)
        for extent, number, physical in zip(tile.valid, wanted, tile.layout.shape, strict=True)
    ]
    if not any(open_):
        return tile
    undefined = np.full(tile.data.shape, domain.table.opaque(UNDEFINED, tile.layout.dtype), np.int64)
    ids = tile.data
    for axis in (axis for axis in (0, 1) if open_[axis]):
        ids = _where_covered(domain, tile.valid[axis], axis, ids, undefined)
    return Tile(tile.layout, np.where(tile.known, ids, tile.data), tile.known, tile.valid, tile.conditions)


def inserted(domain: TermDomain, source: Tile, dest: Tile, row: int, col: int) -> tuple[Ids, Known] | None:
    """Lanes of `dest` with those of `source` at [row, col], and which are known; None outside of it."""
    rows, cols = source.box
    at = slice(row, row + rows), slice(col, col + cols)
    if dest.data[at].shape != (rows, cols):
        return None
    piece, seen = source.data[:rows, :cols], source.known[:rows, :cols]
    undefined = domain.table.opaque(UNDEFINED, source.layout.dtype)
    old = np.where(dest.known[at], dest.data[at], undefined)
    for axis, extent in enumerate(source.valid):
        if not isinstance(extent, int):
            piece = _where_covered(domain, extent, axis, piece, old)
    data, known = dest.data.copy(), dest.known.copy()
    data[at] = np.where(seen, piece, data[at])
    known[at] = seen
    return data, known


def _where_covered(domain: TermDomain, extent: Number, axis: int, inside: Ids, outside: Ids) -> Ids:
    """Lanes within an extent along an axis from one array, the others from another one."""
    conditions = _conditions(domain, extent, inside.shape, axis)
    outside = _assuming(domain, outside, conditions, holds=False)
    return domain.select(np.broadcast_to(conditions, inside.shape), inside, outside)


def _conditions(domain: TermDomain, extent: Number, shape: tuple[int, ...], axis: int) -> Ids:
    """A term for each row or column: whether it is within the extent."""
    found = [_condition(domain, affine.compare("gt", extent - index, 0)) for index in range(shape[axis])]
    return np.array(found, np.int64).reshape((-1, 1) if axis == 0 else (1, -1))


def _condition(domain: TermDomain, holds: Number) -> int:
    if isinstance(holds, int):
        return domain.table.int_constant(holds)
    return domain.table.opaque(("number", holds), "i1")


def within(domain: TermDomain, tile: Tile) -> Tile:
    """The tile with what its extent implies: rows that are there are within it, others cannot be."""
    ids, never = tile.data, domain.table.int_constant(0)
    for axis, extent in enumerate(tile.valid):
        if isinstance(extent, int):
            continue
        conditions = _conditions(domain, extent, ids.shape, axis)
        ids = _assuming(domain, ids, conditions, holds=True)
        if (conditions == never).any():
            ids = np.where(conditions == never, domain.table.opaque(UNDEFINED, tile.layout.dtype), ids)
    if ids is tile.data:
        return tile
    return Tile(tile.layout, ids, tile.known, tile.valid, tile.conditions)


def _assuming(domain: TermDomain, ids: Ids, conditions: Ids, *, holds: bool) -> Ids:
    """Lanes where each one's condition is known to hold, or not to."""
    table = domain.table
    heads = {term: table.head(term) for term in np.unique(ids[ids >= 0]).tolist()}
    if not any(head in (SELECT, Z) for head in heads.values()):
        return ids
    known: dict[tuple[int, int], int] = {}

    def assumed(term: int, condition: int) -> int:
        if term < 0 or (head := table.head(term)) not in (SELECT, Z):
            return term
        if (found := known.get((term, condition))) is None:
            args = table.args(term)
            if head == Z:
                found = table.plus_zero(assumed(args[0], condition))
            elif args[0] == condition:
                found = assumed(args[1 if holds else 2], condition)
            else:
                found = table.select(args[0], *(assumed(arg, condition) for arg in args[1:]))
            known[term, condition] = found
        return found

    each = np.broadcast_to(conditions, ids.shape)
    pairs = zip(ids.reshape(-1).tolist(), each.reshape(-1).tolist(), strict=True)
    return np.array([assumed(*pair) for pair in pairs], np.int64).reshape(ids.shape)


class UndefinedTerms:
    """The terms of one table that rest on lanes which are undefined, as far as they were asked for."""

    def __init__(self) -> None:
        self._found: set[int] = set()
        self._looked_at = 0
        """So many terms of the table."""

    def among(self, table: TermTable, ids: Ids) -> NDArray[np.bool_]:
        """Which lanes rest on some that are undefined."""
        leaves = [leaf for dtype in numerics.DTYPES if table.knows(leaf := ("opaque", UNDEFINED, dtype))]
        if not leaves:
            return np.zeros(ids.shape, np.bool_)
        found = self._found
        for term in range(self._looked_at, len(table)):  # what a term consists of was there before it
            if not found.isdisjoint(table.children(term)) or table.head(term) in leaves:
                found.add(term)
        self._looked_at = len(table)
        undefined = np.zeros(len(table), np.bool_)
        undefined[list(found)] = True
        return undefined[ids] & (ids >= 0)
