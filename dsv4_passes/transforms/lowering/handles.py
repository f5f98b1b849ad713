"""Handles for tile values: an allocation at an address, or a view of another handle."""

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue, Use

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int
from dialects.pto.tiles import (
    VIEWS,
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    SetValidShapeOp,
    SubviewOp,
    TransposeOp,
    TReshapeOp,
    is_contiguous,
)
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout, TileType, element_bits
from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import UserError
from dsv4_passes.transforms.common.byte_ranges import stretch
from dsv4_passes.transforms.common.coalescing import storage_of
from dsv4_passes.transforms.common.constants import Constants
from dsv4_passes.xdsl_extras.insert import insert_before, result_before
from dsv4_passes.xdsl_extras.region_values import phi_inputs

from .copies import allocatable
from .placement import Places

CASTS = (TReshapeOp, BitcastOp)
"""Handles on the bytes of other handles."""

Size = int | SSAValue
"""A valid extent: a number or an index value."""


class Handles:
    """Makes the handles of a function, each in front of the operation that needs it first."""

    def __init__(self, body: Block, places: Places):
        self.body, self.places = body, places
        self.constants = Constants(body)
        self.known: dict[SSAValue, SSAValue] = {}
        self.shared: dict[SSAValue, SSAValue] = {}
        """The allocation of each web, where the assembler assigns addresses."""
        self.windowed: dict[SSAValue, TileLayout] = {}
        """The layout that a web is allocated in, where windows decide that."""
        for op in body.walk():
            if isinstance(op, SubviewOp):
                self._allocate_windowed(op)

    def of(self, value: SSAValue, before: Operation) -> SSAValue:
        """The handle of a tile value in front of `before`; other values are returned unchanged."""
        if not isinstance(value.type, TileType):
            return value
        known = self.known.get(value)
        if known is None or not _reaches(known, before):
            known = self.known[value] = self._make(value, before)
        return known

    def destination(self, result: SSAValue, before: Operation) -> SSAValue:
        """Where an operation writes its result: its buffer, or the window it is inserted at."""
        insert = self.places.pieces.get(result)
        return self.of(result, before) if insert is None else self.window(insert, before)

    def scratch(self, op: Operation) -> SSAValue | None:
        """The scratch operand of an operation that gets one."""
        if (scratch := self.places.scratch.get(op)) is None:
            return None
        handle = self._allocate(op, scratch.layout, scratch.address, scratch.layout.shape)
        handle.name_hint = "tmp"
        return handle

    def window(self, insert: InsertOp, before: Operation) -> SSAValue:
        """The window of an insert."""
        piece, extents = layout_of(insert.source), self.extents(insert.source)
        address = self.places.window_address(insert)
        if address is not None and allocatable(piece):
            handle = self._allocate(before, piece, address, extents)
            spelling.carry_name(insert.source, handle)
            return handle
        base = self.of(insert.dest, before)
        return self._subview(before, base, (insert.row, insert.col), piece, extents)

    # -- making ------------------------------------------------------------------------------------

    def _make(self, value: SSAValue, before: Operation) -> SSAValue:
        layout, address = layout_of(value), self.places.address(value)
        if address is not None and allocatable(layout):
            handle = self._allocate(before, layout, address, self.extents(value))
        elif isinstance(value.owner, VIEWS):
            handle = self._view(value.owner, value, before)
        else:
            handle = self._shared(value, before)
        spelling.carry_name(value, handle)
        return handle

    def _shared(self, value: SSAValue, before: Operation) -> SSAValue:
        """A handle on the buffer that all values of a web have: one allocation at the top."""
        layout, web = layout_of(value), self.places.classes.find(value)
        if web not in self.shared:
            whole = self.windowed.get(web, layout_of(web))
            self.shared[web] = self._allocate(before, whole, None, whole.shape, at_top=True)
            spelling.carry_name(value, self.shared[web])
        handle = self.shared[web]
        extents = self.extents(value)
        if _place(layout_of(handle)) != _place(layout):
            return self._cast(before, handle, layout, extents)
        if extents == layout.shape:
            return handle
        zero = self.constants.index(0)
        return self._subview(before, handle, (zero, zero), layout, extents)

    def _allocate_windowed(self, op: SubviewOp) -> None:
        """A tile of which a part that is no stretch of bytes is taken is allocated as it is then seen.

        ptoas 0.60 takes no window of a cast, and only a stretch is a cast of another window.
        """
        seen, root = layout_of(op.source), storage_of(op.source)
        if root is None or stretch(seen, op.static_sizes, *op.offsets) is not None:
            return
        web = self.places.classes.find(root)
        if is_contiguous(seen) and is_contiguous(whole := layout_of(web)) and seen.bytes == whole.bytes:
            self.windowed.setdefault(web, seen)

    def _view(self, op: Operation, value: SSAValue, before: Operation) -> SSAValue:
        """A view as an operation on its source's handle."""
        assert isinstance(op, VIEWS)
        source, layout, extents = self.of(op.source, before), layout_of(value), self.extents(value)
        if isinstance(op, (SubviewOp, SetValidShapeOp)):
            zero = self.constants.index(0)
            offsets = (op.offsets[0], op.offsets[1]) if isinstance(op, SubviewOp) else (zero, zero)
            return self._subview(before, source, offsets, layout, extents)
        if isinstance(op, BitcastOp):
            type_ = TileBufType(layout_of(source)._replace(dtype=layout.dtype))
            return result_before(before, BitcastOp(source, type_))
        return self._cast(before, source, layout, extents)

    def _cast(
        self, before: Operation, source: SSAValue, layout: TileLayout, extents: tuple[Size, Size]
    ) -> SSAValue:
        """The bytes of a handle as another tile.

        ptoas 0.60 takes no window of a cast, and a cast does not take over an extent: one that shows while
        running is set on the handle, which must be a cast of an allocation for that.
        """
        static = [e if isinstance(e, int) else size for e, size in zip(extents, layout.shape, strict=True)]
        if tuple(static) == extents:
            type_ = TileBufType(layout._replace(valid_rows=static[0], valid_cols=static[1]))
            return result_before(before, TReshapeOp(source, type_))
        type_ = TileBufType(layout._replace(valid_rows=DYNAMIC, valid_cols=DYNAMIC))
        handle = result_before(before, TReshapeOp(_whole(source), type_))
        rows, cols = map(self._index, extents)
        sized = SetValidShapeOp(handle, rows, cols)
        insert_before(before, sized)
        return handle

    def _subview(
        self,
        before: Operation,
        source: SSAValue,
        offsets: tuple[SSAValue, SSAValue],
        layout: TileLayout,
        extents: tuple[Size, Size],
    ) -> SSAValue:
        if isinstance(source.owner, CASTS):
            cast = self._cast_window(before, source, offsets, layout, extents)
            if cast is not None:
                return cast
        rows, cols = (e if isinstance(e, int) else DYNAMIC for e in extents)
        type_ = layout_of(source)._replace(
            rows=layout.rows, cols=layout.cols, valid_rows=rows, valid_cols=cols
        )
        valid = [self._index(e) for e in extents]
        return result_before(before, SubviewOp(source, offsets, layout.shape, TileBufType(type_), valid))

    def _cast_window(
        self,
        before: Operation,
        source: SSAValue,
        offsets: tuple[SSAValue, SSAValue],
        layout: TileLayout,
        extents: tuple[Size, Size],
    ) -> SSAValue | None:
        """A window of a cast as a cast of a window: ptoas 0.60 does not take the other order.

        None where the window is no box of the tile below the casts.
        """
        base, seen = source, layout_of(source)
        while isinstance(owner := base.owner, CASTS):
            base = owner.source
        have = layout_of(base)
        if (have.shape, element_bits(have.dtype)) == (seen.shape, element_bits(seen.dtype)):
            window = self._subview(before, base, offsets, layout, extents)
            if have.dtype == layout.dtype:
                return window
            type_ = TileBufType(layout_of(window)._replace(dtype=layout.dtype))
            return result_before(before, BitcastOp(window, type_))
        offset = stretch(seen, layout.shape, *offsets)
        if offset is None or extents != layout.shape or not (is_contiguous(have) and is_contiguous(layout)):
            return None
        width = element_bits(have.dtype) // 8
        (row, inside), line = divmod(offset, have.cols * width), have.cols * width
        if inside == 0 == layout.bytes % line:
            rows, cols = layout.bytes // line, have.cols
        elif inside % width == 0 == layout.bytes % width and inside + layout.bytes <= line:
            rows, cols = 1, layout.bytes // width
        else:
            return None
        at = self.constants.index(row), self.constants.index(inside // width)
        box = have._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
        window = self._subview(before, base, at, box, (rows, cols))
        full = layout._replace(valid_rows=layout.rows, valid_cols=layout.cols)
        return result_before(before, TReshapeOp(window, TileBufType(full)))

    def _allocate(
        self,
        before: Operation,
        layout: TileLayout,
        address: int | None,
        extents: tuple[Size, Size],
        at_top: bool = False,
    ) -> SSAValue:
        """A handle as pypto writes it: `?` extents in the type, their numbers as operands."""
        type_ = TileBufType(layout._replace(valid_rows=DYNAMIC, valid_cols=DYNAMIC))
        place = None if address is None else self.constants.address(address)
        op = AllocTileOp(type_, place, *map(self._index, extents))
        if not at_top:
            return result_before(before, op)
        first = self.body.first_op
        while isinstance(first, (arith.ConstantOp, AllocTileOp)):
            first = first.next_op
        assert first is not None
        insert_before(first, op, before)
        return op.res

    def _index(self, extent: Size) -> SSAValue:
        return extent if isinstance(extent, SSAValue) else self.constants.index(extent)

    # -- valid extents -----------------------------------------------------------------------------

    def extents(self, value: SSAValue) -> tuple[Size, Size]:
        """The valid extent of a value: numbers, or the operands its producer names; all of it if unknown.

        UserError for a value of a loop or branch whose extent is not the same whichever way it came, unless
        nobody reads it with that extent.
        """
        found = self._extents(value, frozenset())
        assert found is not None
        return found

    def _extents(self, value: SSAValue, asked: frozenset[SSAValue]) -> tuple[Size, Size] | None:
        """None for a value whose extent is that of one in `asked`."""
        layout, owner = layout_of(value), value.owner
        if value in asked:
            return None
        if DYNAMIC in layout.valid and (inputs := phi_inputs(value)) is not None:
            each = [self._extents(v, asked | {value}) for v in inputs]
            found = [extents for extents in each if extents is not None]
            if any(other != found[0] for other in found):
                if all(_states_extent(use) for use in value.uses):
                    return layout.shape
                problem = "expected a valid extent that is the same on all ways to here; state it with"
                owner = owner.parent_op() if isinstance(owner, Block) else owner
                raise UserError(f"{problem} pto.set_validshape", owner.location if owner else None)
            return found[0] if found else layout.shape
        given: list[SSAValue] = []
        if isinstance(owner, TileOp):
            given = _own_operands(owner, value)
        elif isinstance(owner, SetValidShapeOp):
            pair = zip((owner.valid_row, owner.valid_col), layout.valid, strict=True)
            given = [v for v, static in pair if static == DYNAMIC]
        elif isinstance(owner, SubviewOp):
            pair = zip(owner.valid, layout.valid, strict=False)
            given = [v for v, static in pair if static == DYNAMIC]
        elif isinstance(owner, VIEWS):
            return self._of_source(owner, value, asked)
        operands = iter(given)
        rows, cols = (
            _size(next(operands, size)) if e == DYNAMIC else e
            for e, size in zip(layout.valid, layout.shape, strict=True)
        )
        return rows, cols

    def _of_source(
        self, op: Operation, value: SSAValue, asked: frozenset[SSAValue]
    ) -> tuple[Size, Size] | None:
        """What `?` means in the type of a view other than a window: the source's extent."""
        assert isinstance(op, VIEWS)
        layout, source = layout_of(value), layout_of(op.source)
        if (inherited := self._extents(op.source, asked)) is None:
            return None
        if isinstance(op, TransposeOp) or (source.shape == layout.shape[::-1] != layout.shape):
            inherited = inherited[1], inherited[0]
        elif isinstance(op, ReinterpretOp) and source.rows == layout.rows:
            inherited = inherited[0], layout.cols
        elif source.shape != layout.shape:
            inherited = layout.shape
        rows, cols = (own if own != DYNAMIC else e for own, e in zip(layout.valid, inherited, strict=True))
        return rows, cols


def _size(extent: Size) -> Size:
    """An extent as a number where it is constant."""
    number = extent if isinstance(extent, int) else constant_int(extent)
    return extent if number is None else number


def _states_extent(use: Use) -> bool:
    """What uses a tile says itself how much of it is valid, or only hands it on."""
    op = use.operation
    if isinstance(op, (SetValidShapeOp, SubviewOp, scf.YieldOp, scf.ForOp)):
        return True
    if not isinstance(op, VIEWS):
        return False
    view = op.results[0]
    return DYNAMIC not in layout_of(view).valid or all(_states_extent(use) for use in view.uses)


def _own_operands(op: TileOp, value: SSAValue) -> list[SSAValue]:
    """The extents among `valid` that belong to one of several results."""
    given = list(op.valid)
    for result in op.res:
        count = sum(e == DYNAMIC for e in layout_of(result).valid) if isinstance(result.type, TileType) else 0
        if result is value:
            return given[:count]
        given = given[count:]
    return []


def _whole(handle: SSAValue) -> SSAValue:
    """The tile that a handle is all of, whatever extent it has."""
    while isinstance(op := handle.owner, SubviewOp):
        if op.static_sizes != layout_of(op.source).shape or any(constant_int(v) != 0 for v in op.offsets):
            break
        handle = op.source
    return handle


def _place(layout: TileLayout) -> TileLayout:
    return layout._replace(valid_rows=0, valid_cols=0)


def _reaches(handle: SSAValue, op: Operation) -> bool:
    """The handle is defined in the block of `op`, or in one around it (and then before it)."""
    block = handle.owner if isinstance(handle.owner, Block) else handle.owner.parent
    current: Operation | None = op
    while current is not None:
        if current.parent is block:
            return True
        current = current.parent_op()
    return False
