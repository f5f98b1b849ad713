"""Values of tiles seen as other tiles: what raising puts where an address alone made the connection.

The same bytes are written as one tile and read as another: a column as a row, a mat tile as its transpose,
a part of a tile, several tiles as one. Here each becomes an operation on values, inserted in front of the
reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.pto.memory import constant_int, same_index
from dialects.pto.tiles import (
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
    UndefOp,
    is_contiguous,
)
from dialects.pto.types import DYNAMIC, TileLayout, TileType, element_bits
from dsv4_passes import source_names as spelling
from dsv4_passes.transforms.common.byte_ranges import Bytes, CannotRaise, Extents, ValidExtent
from dsv4_passes.transforms.common.constants import Constants


@dataclass(frozen=True, eq=False, slots=True)
class Definition:
    """`bytes` hold the lanes of `value` from `time` on, until something else is written there.

    Without a value their content is unknown: scratch, or for the reason `lost`.
    """

    bytes: Bytes
    value: SSAValue | None
    time: int
    parent: Bytes | None = None
    """The value was computed from a slice of the tile at these bytes."""
    lost: str = ""


class ReadPiece(NamedTuple):
    """Bytes `[lo, hi)` of a read request are in `cell`, or uninitialised."""

    lo: int
    hi: int
    definition: Definition | None

    @property
    def value(self) -> SSAValue | None:
        return None if self.definition is None else self.definition.value


class Views:
    """Makes views of values; knows the valid extent of every value that raising makes."""

    def __init__(self, body: Block):
        self.extents: dict[SSAValue, Extents] = {}
        self.constants = Constants(body)
        self.made: set[Operation] = set()
        """Operations that can be erased once their results are unused."""

    # -- whole tiles -------------------------------------------------------------------------------

    def whole(
        self, op: Operation, pieces: Sequence[ReadPiece], bytes_: Bytes, layout: TileLayout
    ) -> SSAValue:
        """The tile of `layout` at `bytes_`, of which `pieces` are the parts in order, in front of `op`."""
        known = [piece for piece in pieces if piece.value is not None]
        if not known:
            return self.undef(op, layout, layout.shape)
        if len(pieces) == 1:
            return self.adapt(op, known[0], bytes_.lo, layout)
        return self._assemble(op, known, bytes_, layout)

    def adapt(self, op: Operation, piece: ReadPiece, lo: int, layout: TileLayout) -> SSAValue:
        """See a value, or the contiguous part of it that begins at byte `lo`, as another layout."""
        definition, value = piece.definition, piece.value
        assert definition is not None
        assert value is not None
        have = layout_of_value(value)
        if not adaptable(have, definition.bytes, lo, layout):
            raise CannotRaise(
                op,
                "bytes of another kind",
                f"it reads {describe(layout)} where {describe(have)} was written",
            )
        if element_bits(have.dtype) != element_bits(layout.dtype):
            return self._reinterpret(op, value, lo - definition.bytes.lo, layout)
        if have.dtype != layout.dtype:
            have = have._replace(dtype=layout.dtype)
            value = self._view(op, BitcastOp, value, have, self.extents[value])
        if layout.bytes < have.bytes:
            return self._extract(op, value, lo - definition.bytes.lo, layout)
        if same_place(have, layout):
            return value
        if is_transpose(have, layout):
            seen = layout._replace(valid_rows=have.valid_cols, valid_cols=have.valid_rows)
            rows, cols = self.extents[value]
            return self._view(op, TransposeOp, value, seen, (cols, rows))
        return self._reshape(op, value, layout)

    def _reinterpret(self, op: Operation, value: SSAValue, offset: int, layout: TileLayout) -> SSAValue:
        """See the part at byte `offset` of a value as lanes of another width."""
        have = layout_of_value(value)
        seen = layout
        if have.bytes != layout.bytes:
            whole_lanes = have.cols * element_bits(have.dtype) % element_bits(layout.dtype) == 0
            seen = _of_width(have if whole_lanes else flat(have), layout.dtype)
        valid = reinterpreted(have, self.extents[value], seen)
        if valid is None:  # lanes that are not valid are never read
            value = self.retype(op, value, TileType(_full(have)))
            valid = seen.shape
        value = self._view(op, ReinterpretOp, value, value_type(seen, valid).data, valid)
        return value if have.bytes == layout.bytes else self._extract(op, value, offset, layout)

    def _extract(self, op: Operation, value: SSAValue, offset: int, layout: TileLayout) -> SSAValue:
        """A contiguous part of a row-major tile, at `offset` bytes: rows of it, or a stretch of its lanes."""
        have, first = layout_of_value(value), offset * 8 // element_bits(layout.dtype)
        rows, cols = layout.shape
        row, col = divmod(first, have.cols)
        if not (cols == have.cols and col == 0) and not (rows == 1 and col + cols <= have.cols):
            value = self._reshape(op, value, flat(have))
            have, row, col = flat(have), 0, first
            rows, cols = 1, rows * cols
        piece = _full(have._replace(rows=rows, cols=cols))
        window = SubviewOp(value, [self.index(row), self.index(col)], piece.shape, TileType(piece))
        part = self.add(op, window, window.res, piece.shape)
        return part if same_place(piece, layout) else self._reshape(op, part, layout)

    def _assemble(
        self, op: Operation, pieces: Sequence[ReadPiece], bytes_: Bytes, layout: TileLayout
    ) -> SSAValue:
        """Assemble a tile from values that hold parts of its bytes, in whole rows where possible.

        Where one of them is the whole tile, of which parts have been overwritten since, it is the base.
        """
        line = layout.cols * element_bits(layout.dtype) // 8
        aligned = all((p.lo - bytes_.lo) % line == 0 == (p.hi - p.lo) % line for p in pieces)
        whole = _full(layout._replace(blayout="row_major")) if aligned else flat(layout)
        line = whole.cols * element_bits(layout.dtype) // 8
        old = next((p for p in pieces if p.definition is not None and p.definition.bytes == bytes_), None)
        if old is None:
            value = self.undef(op, whole, whole.shape)
        else:
            value = self.retype(op, self.adapt(op, old, bytes_.lo, whole), TileType(whole))
        for given in pieces:
            lo, hi, definition = given
            if old is not None and definition is old.definition:
                continue
            if (lo - bytes_.lo) * 8 % element_bits(layout.dtype):
                raise CannotRaise(op, "tiles overlap partly", "it reads a part of an element")
            row, rest = divmod(lo - bytes_.lo, line)
            rows, cols = ((hi - lo) // line, whole.cols) if aligned else (1, _count(hi - lo, layout))
            part = _full(whole._replace(rows=rows, cols=cols))
            piece = self.retype(op, self.adapt(op, given, lo, part), TileType(part))
            value = self.insert(op, piece, value, self.index(row), self.index(_count(rest, layout)))
        return value if same_place(whole, layout) else self._reshape(op, value, layout)

    def _reshape(self, op: Operation, value: SSAValue, layout: TileLayout) -> SSAValue:
        """Row-major lanes in another shape. A full tile stays full; `[R, 1]` and `[1, R]` swap extents."""
        have, extents = layout_of_value(value), self.extents[value]
        if have.shape == layout.shape:
            valid: Extents = extents
        elif have.valid != have.shape and have.shape == layout.shape[::-1] and 1 in have.shape:
            valid = extents[1], extents[0]
        else:
            valid = layout.shape
        return self._view(op, ReshapeOp, value, value_type(layout, valid).data, valid)

    def _view(
        self,
        op: Operation,
        kind: type[ReshapeOp | ReinterpretOp | TransposeOp | BitcastOp],
        value: SSAValue,
        layout: TileLayout,
        valid: Extents,
    ) -> SSAValue:
        new = kind(value, TileType(layout))
        new.res.name_hint = value.name_hint
        return self.add(op, new, new.res, valid)

    # -- windows and valid extents -----------------------------------------------------------------

    def window(
        self,
        op: Operation,
        parent: SSAValue,
        offsets: tuple[SSAValue, SSAValue],
        layout: TileLayout,
        valid: Extents,
    ) -> SSAValue:
        """A box of `parent`: the inserted value, if it covers the box."""
        put = parent.owner
        if isinstance(put, InsertOp) and layout_of_value(put.source).shape == layout.shape:
            same = all(map(same_index, (put.row, put.col), offsets))
            if same and all(map(_same, self.extents[put.source], valid)):
                return put.source
        type_ = value_type(layout, valid)
        extents = [self.scalar(e, 0) for e in valid] if DYNAMIC in type_.data.valid else []
        new = SubviewOp(parent, offsets, layout.shape, type_, extents)
        return self.add(op, new, new.res, valid)

    def insert(
        self, op: Operation, piece: SSAValue, base: SSAValue, row: SSAValue, col: SSAValue
    ) -> SSAValue:
        """`base` with the valid lanes of `piece` in it."""
        new = InsertOp(piece, base, row, col)
        new.res.name_hint = base.name_hint
        spelling.carry_name(base, new.res)
        return self.add(op, new, new.res, self.extents[base])

    def with_valid(self, op: Operation, value: SSAValue, valid: Extents) -> SSAValue:
        """A reader that knows another valid extent than the value's sees it through a view."""
        current = self.extents[value]
        if None in valid or all(map(_same, valid, current)):
            return value
        if (piece := self._only_valid(op, value, valid)) is not None:
            return piece
        return self.set_valid(op, value, value_type(layout_of_value(value), valid), valid)

    def _only_valid(self, op: Operation, value: SSAValue, valid: Extents) -> SSAValue | None:
        """Where a tile of that extent was put into a larger one, and is read back as lanes of another
        width: that tile, seen so.
        """
        view, layout = value.owner, layout_of_value(value)
        if not isinstance(view, ReinterpretOp) or not isinstance(put := view.source.owner, InsertOp):
            return None
        piece = put.source
        have, extents = layout_of_value(piece), self.extents[piece]
        whole = have.shape == layout_of_value(view.source).shape
        seen = reinterpreted(have, extents, layout) if whole else None
        if seen is None or not all(map(_same, seen, valid)):
            return None
        return self._view(op, ReinterpretOp, piece, value_type(layout, valid).data, valid)

    def retype(self, op: Operation, value: SSAValue, target: TileType) -> SSAValue:
        """Make a value of the same place have exactly the type `target`: only the extent may differ."""
        if value.type == target:
            return value
        rows, cols = (
            e if static == DYNAMIC else static
            for e, static in zip(self.extents[value], target.data.valid, strict=True)
        )
        return self.set_valid(op, value, target, (rows, cols))

    def set_valid(self, op: Operation, value: SSAValue, target: TileType, valid: Extents) -> SSAValue:
        rows, cols = (self.scalar(e, size) for e, size in zip(valid, target.data.shape, strict=True))
        new = SetValidShapeOp(value, rows, cols, target)
        assert new.res is not None
        new.res.name_hint = value.name_hint
        return self.add(op, new, new.res, valid)

    def undef(self, op: Operation, layout: TileLayout, valid: Extents) -> SSAValue:
        type_ = value_type(layout, valid)
        full = [size if e == DYNAMIC else e for e, size in zip(type_.data.valid, layout.shape, strict=True)]
        new = UndefOp(type_)
        return self.add(op, new, new.res, (full[0], full[1]))

    # -- small things ------------------------------------------------------------------------------

    def scalar(self, extent: ValidExtent, unknown: int) -> SSAValue:
        return extent if isinstance(extent, SSAValue) else self.index(unknown if extent is None else extent)

    def index(self, value: int) -> SSAValue:
        return self.constants.index(value)

    def sum(self, op: Operation, a: SSAValue, b: SSAValue) -> SSAValue:
        """The sum of two offsets."""
        x, y = constant_int(a), constant_int(b)
        if x is not None and y is not None:
            return self.index(x + y)
        if x == 0 or y == 0:
            return b if x == 0 else a
        new = arith.AddiOp(a, b)
        return self.add(op, new, new.result, (None, None))

    def add(self, op: Operation, new: Operation, result: SSAValue, valid: Extents) -> SSAValue:
        parent = op.parent_op()
        new.location = parent.location if parent is not None and isinstance(op, scf.YieldOp) else op.location
        Rewriter.insert_op(new, InsertPoint.before(op))
        self.extents[result] = valid
        self.made.add(new)
        return result


def value_type(layout: TileLayout, valid: Extents) -> TileType:
    """The value type of a handle: a constant valid extent stands in the type."""
    rows, cols = (e if isinstance(e, int) else DYNAMIC for e in valid)
    return TileType(layout._replace(valid_rows=rows, valid_cols=cols))


def layout_of_value(value: SSAValue) -> TileLayout:
    assert isinstance(value.type, TileType)
    return value.type.data


def same_place(a: TileLayout, b: TileLayout) -> bool:
    """Every lane is at the same byte: equal up to valid extent, padding value and compact mode."""
    if a.shape != b.shape or a.dtype != b.dtype or a.loc != b.loc:
        return False
    if a.slayout == b.slayout == "none_box":
        return (a.blayout, a.compact) == (b.blayout, b.compact)
    return (a.blayout, a.slayout, a.fractal, a.compact) == (b.blayout, b.slayout, b.fractal, b.compact)


def is_transpose(a: TileLayout, b: TileLayout) -> bool:
    """One is the other with rows and columns exchanged, boxes included: NZ seen as ZN."""
    return (
        a.shape == b.shape[::-1]
        and "none_box" not in (a.slayout, b.slayout)
        and a.blayout != b.blayout
        and (a.blayout, a.slayout) == (b.slayout, b.blayout)
        and (a.dtype, a.fractal, a.compact) == (b.dtype, b.fractal, b.compact)
    )


def adaptable(have: TileLayout, bytes_: Bytes, lo: int, want: TileLayout) -> bool:
    """A value of layout `have` in `bytes_` can be seen as a tile of layout `want` at byte `lo`."""
    if element_bits(have.dtype) != element_bits(want.dtype):
        whole_bytes = element_bits(have.dtype) % 8 == 0 == element_bits(want.dtype) % 8
        whole_lanes = (lo - bytes_.lo, have.bytes)
        aligned = all(n * 8 % element_bits(want.dtype) == 0 for n in whole_lanes)
        return whole_bytes and aligned and is_contiguous(have) and is_contiguous(want)
    have = have._replace(dtype=want.dtype)
    whole = (bytes_.lo, have.bytes) == (lo, want.bytes)
    if whole and (same_place(have, want) or is_transpose(have, want)):
        return True
    return (
        is_contiguous(have) and is_contiguous(want) and (lo - bytes_.lo) * 8 % element_bits(want.dtype) == 0
    )


def covers(have: TileLayout, extents: Extents, want: TileLayout, valid: Extents) -> bool:
    """Lanes that are valid in a tile of `extents` are all that a reader of extent `valid` sees."""
    if None in extents or all(map(_within, have.shape, extents)):
        return True
    if element_bits(have.dtype) != element_bits(want.dtype):
        seen = reinterpreted(have, extents, want)
        return seen is not None and all(map(_within, valid, seen))
    if is_transpose(have, want) or (have.shape == want.shape[::-1] != want.shape and 1 in have.shape):
        extents, have = (extents[1], extents[0]), want
    if have.shape != want.shape:
        return False
    return all(
        _within(v, e) or (isinstance(e, int) and e == size)
        for v, e, size in zip(valid, extents, have.shape, strict=True)
    )


def reinterpreted(have: TileLayout, extents: Extents, want: TileLayout) -> Extents | None:
    """The extent of a tile whose bytes are seen as lanes of another width; None if it is no box of them."""
    rows, cols = extents
    if (rows, cols) == have.shape:
        return want.shape
    if have.rows != want.rows or have.bytes != want.bytes or not isinstance(cols, int):
        return None
    across, rest = divmod(cols * element_bits(have.dtype), element_bits(want.dtype))
    return None if rest else (rows, across)


def _within(inner: ValidExtent, outer: ValidExtent) -> bool:
    """`inner <= outer` is known."""
    return _same(inner, outer) or (isinstance(inner, int) and isinstance(outer, int) and inner <= outer)


def _same(a: ValidExtent, b: ValidExtent) -> bool:
    return a is not None and (a is b or (isinstance(a, int) and a == b))


def flat(layout: TileLayout) -> TileLayout:
    """All lanes in one row."""
    return _full(layout._replace(rows=1, cols=layout.rows * layout.cols, blayout="row_major"))


def _full(layout: TileLayout) -> TileLayout:
    return layout._replace(valid_rows=layout.rows, valid_cols=layout.cols)


def _of_width(layout: TileLayout, dtype: str) -> TileLayout:
    """All lanes of a tile, each row as lanes of `dtype`."""
    cols = layout.cols * element_bits(layout.dtype) // element_bits(dtype)
    return _full(layout._replace(cols=cols, dtype=dtype, blayout="row_major"))


def _count(bytes_: int, layout: TileLayout) -> int:
    return bytes_ * 8 // element_bits(layout.dtype)


def describe(layout: TileLayout) -> str:
    """A tile in a message: `64x32xf32` and its boxing where it has one."""
    boxed = "" if layout.slayout == "none_box" else f" ({layout.blayout} of {layout.slayout} boxes)"
    return f"{layout.rows}x{layout.cols}x{layout.dtype}{boxed}"
