"""What looks wrong in a kernel that is raised: `dsv4-opt --warn` tells.

Raising follows bytes regardless of their meaning. These places are certainly mistakes: bytes that
are read uninitialised, and a slice of a tile that was put at the tile's own beginning, as if a
slice had the address of what it is cut from, although the tile is read later. (The third, a popped tile
that is read after its slot was given back, shows while walking: `walk`.)
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from xdsl.ir import Operation, SSAValue

from dialects.pto.types import TileLayout, element_bits
from dsv4_passes.diagnostics import warning
from dsv4_passes.transforms.common.byte_ranges import Bytes, Extents, TileHandle, ValidExtent, stretch
from dsv4_passes.xdsl_extras.region_values import Structured

from .region_frames import ReadRequest
from .views import ReadPiece


class ReadBox(NamedTuple):
    """The lanes of a tile that are looked at: `valid` many rows and columns from [row, col] on."""

    row: ValidExtent
    col: ValidExtent
    valid: Extents


def warn_of_reads(op: Operation, pieces: Sequence[ReadPiece], request: ReadRequest, box: ReadBox) -> None:
    """Warn about reads of uninitialised bytes and about slices that overlap their parent tile."""
    if unwritten := _unwritten(pieces, request, box):
        how = "were not written on every path" if isinstance(op, Structured) else "nobody wrote"
        warning(op, f"reads {unwritten} bytes of {request.layout.loc} memory that {how}")
    for _, _, definition in pieces if len(pieces) > 1 else ():
        if definition is not None and definition.parent is not None and definition.value is not None:
            if request.bytes.lo <= definition.parent.lo and definition.parent.hi <= request.bytes.hi:
                owner = definition.value.owner
                where = owner if isinstance(owner, Operation) else op
                warning(where, "copies a slice of a tile over that tile, which is read later")


def _unwritten(pieces: Sequence[ReadPiece], request: ReadRequest, box: ReadBox) -> int:
    """How many of the bytes that are looked at certainly belong to no value.

    Where the box is only known at run time, this requires that no byte of the tile belongs to a value.
    """
    missing = [(p.lo, p.hi) for p in pieces if p.value is None]
    lines = None if len(missing) < len(pieces) else [(request.bytes.lo, request.bytes.hi)]
    if missing and (exact := _lines(request.layout, box)) is not None:
        lines = [(request.bytes.lo + lo, request.bytes.lo + hi) for lo, hi in exact]
    return sum(max(0, min(hi, end) - max(lo, start)) for start, end in lines or () for lo, hi in missing)


def _lines(layout: TileLayout, box: ReadBox) -> list[tuple[int, int]] | None:
    """The bytes of a box as stretches [start, end) from the beginning of the tile; None if not known."""
    if (box.row, box.col) == (0, 0) and box.valid == layout.shape:
        return [(0, layout.bytes)]
    numbers = [e for e in (box.row, box.col, *box.valid) if isinstance(e, int)]
    width = element_bits(layout.dtype) // 8
    if len(numbers) < 4 or layout.slayout != "none_box" or not width:
        return None
    row, col, rows, cols = numbers
    line = layout.cols
    if layout.blayout == "col_major":
        row, col, rows, cols, line = col, row, cols, rows, layout.rows
    return [((r * line + col) * width, (r * line + col + cols) * width) for r in range(row, row + rows)]


def overwritten_parent(
    bytes_: Bytes, ins: Sequence[TileHandle], handles: Mapping[SSAValue, TileHandle]
) -> Bytes | None:
    """The parent tile of a slice that the operation reads and its destination overlaps.

    A slice whose own place is the destination is changed there, which is nothing special.
    """
    return next(_overwritten_parents(bytes_, ins, handles), None)


def _overwritten_parents(
    bytes_: Bytes, ins: Sequence[TileHandle], handles: Mapping[SSAValue, TileHandle]
) -> Iterator[Bytes]:
    for handle in ins:
        space, lo, hi = handle.bytes
        inside = space == bytes_.space and lo <= bytes_.lo and bytes_.hi <= hi
        if handle.window is None or not inside or (lo, hi) == (bytes_.lo, bytes_.hi):
            continue
        parent = handles[handle.window.parent]
        place = stretch(parent.layout, handle.layout.shape, handle.window.row, handle.window.col)
        if parent.window is not None or place is None or lo + place != bytes_.lo:
            yield handle.bytes
