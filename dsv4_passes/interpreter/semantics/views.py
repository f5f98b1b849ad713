"""Tiles seen as other tiles, in value form: no arithmetic, so uninitialised lanes may pass."""

import numpy as np

from dialects.pto.types import DYNAMIC, TileLayout, element_bits
from dsv4_passes.interpreter.domain import Domain
from dsv4_passes.interpreter.values import Extent, Tile, blank


def undef(layout: TileLayout, valid: Extent, domain: Domain) -> Tile:
    return blank(layout, domain.constant(0, layout.dtype, (1, 1)).dtype, valid)


def subview(source: Tile, row: int, col: int, layout: TileLayout, valid: Extent) -> Tile:
    """The box of `layout`'s shape at [row, col]; lanes outside of the source are uninitialised."""
    at = slice(row, row + layout.rows), slice(col, col + layout.cols)
    data, known = source.data[at], source.known[at]
    if data.shape != layout.shape:
        rows, cols = data.shape
        inside, data = data, np.zeros(layout.shape, data.dtype)
        seen, known = known, np.zeros(layout.shape, np.bool_)
        data[:rows, :cols], known[:rows, :cols] = inside, seen
    return Tile(layout, data, known, valid, source.conditions)


def insert(source: Tile, dest: Tile, row: int, col: int, layout: TileLayout) -> Tile:
    """`dest` with the valid lanes of `source` at [row, col], uninitialised ones included."""
    data, known = dest.data.copy(), dest.known.copy()
    rows, cols = source.box
    at = slice(row, row + rows), slice(col, col + cols)
    data[at], known[at] = source.data[:rows, :cols], source.known[:rows, :cols]
    return Tile(layout, data, known, dest.valid, source.conditions | dest.conditions)


def reshape(source: Tile, layout: TileLayout, valid: Extent | None) -> Tile:
    """The lanes in row-major order in another shape."""
    data, known = source.data.reshape(layout.shape), source.known.reshape(layout.shape)
    return Tile(layout, data, known, valid or _reshaped_extent(source, layout), source.conditions)


def _reshaped_extent(source: Tile, layout: TileLayout) -> Extent:
    """What `?` means in the type of a reshape: the source's extent, where it has a shape here."""
    inherited: Extent
    if layout.shape == source.layout.shape:
        inherited = source.valid
    elif layout.shape == source.layout.shape[::-1] and 1 in layout.shape:
        inherited = (source.valid[1], source.valid[0])
    else:
        inherited = layout.shape
    return _static_or(layout, inherited)


def transpose(source: Tile, layout: TileLayout) -> Tile:
    valid = _static_or(layout, (source.valid[1], source.valid[0]))
    return Tile(layout, source.data.T, source.known.T, valid, source.conditions)


def reinterpret(source: Tile, layout: TileLayout, domain: Domain) -> Tile:
    """The bytes in row-major order as lanes of another element type, which may be wider or narrower.

    A lane is known if all of its bytes are; only known lanes reach the domain.
    """
    ours, theirs = element_bits(source.layout.dtype), element_bits(layout.dtype)
    joined, split = max(1, theirs // ours), max(1, ours // theirs)
    groups = source.data.reshape(-1, joined)
    seen = source.known.reshape(-1, joined).all(axis=1)
    data = undef(layout, layout.shape, domain).data.reshape(-1, split)
    if seen.any():
        data[seen] = domain.reinterpret(groups[seen], source.layout.dtype, layout.dtype)
    known = np.repeat(seen, split).reshape(layout.shape)
    valid = _static_or(layout, source.valid)
    return Tile(layout, data.reshape(layout.shape), known, valid, source.conditions)


def uniform_rows(tile: Tile) -> bool:
    """All rows are equal, so any of them may be taken."""
    return bool(
        np.array_equal(tile.data, np.broadcast_to(tile.data[:1], tile.data.shape)) and tile.known.all()
    )


def _static_or(layout: TileLayout, inherited: Extent) -> Extent:
    rows, cols = layout.valid
    return inherited[0] if rows == DYNAMIC else rows, inherited[1] if cols == DYNAMIC else cols
