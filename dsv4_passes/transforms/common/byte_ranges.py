"""Which bytes of on-chip memory the tiles of a buffer-form function occupy.

Real kernels reuse addresses: two handles can be the same bytes with no operation between them. So all
questions about values are asked of byte ranges. A `TileHandle` says where a tile lives. The ends of all
ranges of a function cut its memory into elementary intervals ("atoms"), so that a range is a run of
consecutive numbers and two ranges share bytes exactly where they share an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp
from dialects.pto.channels import PopOp
from dialects.pto.handles import MultiTileBufType
from dialects.pto.memory import constant_int
from dialects.pto.moves import TExtractOp, TMovOp
from dialects.pto.tiles import BUFFER_VIEWS, BitcastOp, SubviewOp, TReshapeOp
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout, element_bits

Space = str | SSAValue
"""A memory space with addresses, or a handle without an address."""

ValidExtent = int | SSAValue | None
"""A valid extent: a number, an index value, or not known."""

Extents = tuple[ValidExtent, ValidExtent]
"""Valid rows and columns."""


class CannotRaise(Exception):
    """Why a function must stay in buffer form, and the operation that says so."""

    def __init__(self, op: Operation, reason: str, why: str):
        super().__init__(why)
        self.op, self.reason, self.why = op, reason, why


class Bytes(NamedTuple):
    """Bytes `[lo, hi)` of a space."""

    space: Space
    lo: int
    hi: int


@dataclass(frozen=True, eq=False)
class Window:
    """A box of another handle: a subview that does not cover its parent. It may reach beyond its parent
    as long as its valid lanes do not."""

    parent: SSAValue
    row: SSAValue
    col: SSAValue


@dataclass(frozen=True, eq=False)
class TileHandle:
    """Where a tile lives and how its lanes are laid out.

    `bytes` are those of the whole tile: of a window, those of the tile that it is a box of. `valid` is the
    extent at the handle's definition; `set_validshape` may change it later.
    """

    bytes: Bytes
    layout: TileLayout
    valid: Extents
    window: Window | None = None

    @property
    def is_null(self) -> bool:
        """The valid extent is empty: the handle is never written; the operation may still read it."""
        return 0 in self.valid


def check_extent(op: Operation, layout: TileLayout, valid: Extents) -> None:
    """CannotRaise where a valid extent is known and not within the tile."""
    for extent, physical, what in zip(valid, layout.shape, ("rows", "columns"), strict=True):
        number = constant_int(extent) if isinstance(extent, SSAValue) else extent
        if number is not None and not 0 <= number <= physical:
            found = f"expected between 0 and {physical} valid {what}, found {number}"
            raise CannotRaise(op, "extent beyond the tile", found)


class TileByteRanges:
    """The handles of a function, and the atoms that their ranges consist of.

    Raises CannotRaise where a handle's place is not known.
    """

    def __init__(self, body: Block):
        self.handles: dict[SSAValue, TileHandle] = {}
        self._resolve(body)
        self._number_intervals()

    # -- handles -----------------------------------------------------------------------------------

    def _resolve(self, body: Block) -> None:
        self._check_arguments(body)
        self._resolve_all(body)
        for value, handle in self.handles.items():
            assert isinstance(value.owner, Operation)
            check_extent(value.owner, handle.layout, handle.valid)

    def _resolve_all(self, body: Block) -> None:
        for op in body.walk():
            if isinstance(op, AllocTileOp):
                self.handles[op.res] = _allocation(op)
            elif isinstance(op, BUFFER_VIEWS):
                if isinstance(op.res.type, TileBufType):
                    self.handles[op.res] = self._view(op)
            else:
                self._other(op)
            for region in op.regions:
                for block in region.blocks:
                    self._check_arguments(block)

    def _check_arguments(self, block: Block) -> None:
        for argument in block.args:
            if isinstance(argument.type, (TileBufType, MultiTileBufType)):
                owner = block.parent_op()
                assert owner is not None
                raise CannotRaise(owner, "tile passed in", "a tile is passed in, so its place is not known")

    def _other(self, op: Operation) -> None:
        for result in op.results:
            if isinstance(result.type, MultiTileBufType):
                raise CannotRaise(op, "multi-buffer", "the buffer is selected at run time")
            if not isinstance(result.type, TileBufType):
                continue
            if not isinstance(op, PopOp):
                raise CannotRaise(op, "tile chosen while running", "the place of its result is not known")
            layout = result.type.data
            extents = [v for v in (op.valid_row, op.valid_col) if v is not None] or list(layout.valid)
            space = Bytes(result, 0, layout.bytes)
            self.handles[result] = TileHandle(space, layout, _popped(layout, extents))

    def _view(self, op: SubviewOp | BitcastOp | TReshapeOp) -> TileHandle:
        source, layout = self.handles[op.source], layout_of_buffer(op.res.type)
        if isinstance(op, SubviewOp):
            extents = list(op.valid) or list(layout.valid)
            valid = extent_of(extents[0]), extent_of(extents[1])
            whole = layout.shape == source.layout.shape == valid
            if whole and [constant_int(v) for v in op.offsets] == [0, 0]:
                return TileHandle(source.bytes, layout, valid, source.window)
            return TileHandle(source.bytes, layout, valid, Window(op.source, *op.offsets))
        bytes_ = source.bytes if source.window is None else self._bytes_of_window(op, source)
        given = iter(op.operands[1:])
        rows, cols = (next(given, e) if e == DYNAMIC else e for e in layout.valid)
        if layout.shape == source.layout.shape:
            rows, cols = (s if e == DYNAMIC else e for e, s in zip((rows, cols), source.valid, strict=True))
        return TileHandle(bytes_, layout, (extent_of(rows), extent_of(cols)))

    def _bytes_of_window(self, op: Operation, handle: TileHandle) -> Bytes:
        """The bytes of a window that is one stretch of its tile's."""
        start, box = handle.bytes.lo, handle
        while (outer := box.window) is not None:
            parent = self.handles[outer.parent]
            offset = stretch(parent.layout, box.layout.shape, outer.row, outer.col)
            if offset is None:
                raise CannotRaise(
                    op, "cast of a window", "it casts a window of a tile that is not one stretch"
                )
            start, box = start + offset, parent
        return Bytes(handle.bytes.space, start, start + handle.layout.bytes)

    # -- atoms -------------------------------------------------------------------------------------

    def _number_intervals(self) -> None:
        ends: dict[Space, set[int]] = {}
        for handle in self.handles.values():
            ends.setdefault(handle.bytes.space, set()).update((handle.bytes.lo, handle.bytes.hi))
        self._atom: dict[tuple[Space, int], int] = {}
        self.starts: list[tuple[Space, int]] = []
        """Space and address where each atom begins."""
        for space, addresses in ends.items():
            for address in sorted(addresses):
                self._atom[space, address] = len(self.starts)
                self.starts.append((space, address))

    def intervals(self, bytes_: Bytes) -> range:
        """The atoms of a range that begins and ends where handles do."""
        space, lo, hi = bytes_
        return range(self._atom[space, lo], self._atom[space, hi])

    # -- accesses ----------------------------------------------------------------------------------

    def writes(self, op: Operation) -> Iterator[TileHandle]:
        """Tiles that an operation writes."""
        if isinstance(op, TileOp) and not self.moves_onto_itself(op):
            for operand in op.outs:
                if (handle := self.handles.get(operand)) is not None and not handle.is_null:
                    yield handle

    def moves_onto_itself(self, op: Operation) -> bool:
        """A move between identical byte ranges is a no-op."""
        if not isinstance(op, (TMovOp, TExtractOp)) or len(op.outs) != 1 or len(op.inputs()) > 3:
            return False
        source, dest = self.handles.get(op.ins[0]), self.handles.get(op.outs[0])
        if source is None or dest is None or dest.window is not None or len(op.ins) == 2:
            return False
        whole, offset = source, 0
        if isinstance(op, TExtractOp):
            if source.window is not None or dest.valid != dest.layout.shape:
                return False
            offset = stretch(source.layout, dest.layout.shape, *op.offsets())
        elif source.window is not None:
            whole = self.handles[source.window.parent]
            if whole.window is not None or source.valid != dest.valid:
                return False
            offset = stretch(whole.layout, source.layout.shape, source.window.row, source.window.col)
        elif (source.layout, source.valid) != (dest.layout, dest.valid):
            return False
        if offset is None or _order(whole.layout) != _order(dest.layout):
            return False
        space, lo, _ = whole.bytes
        return dest.bytes == (space, lo + offset, lo + offset + dest.layout.bytes)


def _order(layout: TileLayout) -> tuple[object, ...]:
    """What lanes are and in which order they lie, whatever the shape."""
    return layout.dtype, layout.blayout, layout.slayout, layout.fractal, layout.compact


def stretch(whole: TileLayout, size: tuple[int, int], row: SSAValue, col: SSAValue) -> int | None:
    """Bytes from the start of a tile to a box of it, if the box is one stretch of the tile's bytes."""
    first, across = constant_int(row), constant_int(col)
    if first == across == 0 and size == whole.shape:
        return 0
    if first is None or across is None or whole.slayout != "none_box" or whole.blayout != "row_major":
        return None
    rows, cols = size
    if not (rows == 1 or (cols == whole.cols and across == 0)):
        return None
    return (first * whole.cols + across) * element_bits(whole.dtype) // 8


HANDLES = (AllocTileOp, *BUFFER_VIEWS)
"""Operations that make a handle and touch no bytes."""


def layout_of_buffer(type_: Attribute) -> TileLayout:
    assert isinstance(type_, TileBufType)
    return type_.data


def extent_of(value: int | SSAValue | None) -> ValidExtent:
    """An extent as a number where it is one."""
    if isinstance(value, SSAValue):
        number = constant_int(value)
        return value if number is None else number
    return None if value == DYNAMIC else value


def _allocation(op: AllocTileOp) -> TileHandle:
    layout = op.layout
    valid = (
        extent_of(layout.valid_rows if op.valid_row is None else op.valid_row),
        extent_of(layout.valid_cols if op.valid_col is None else op.valid_col),
    )
    if op.addr is None:
        return TileHandle(Bytes(op.res, 0, layout.bytes), layout, valid)
    address = constant_int(op.addr)
    if address is None:
        raise CannotRaise(op, "dynamic address", "its address is not a constant")
    return TileHandle(Bytes(layout.loc, address, address + layout.bytes), layout, valid)


def _popped(layout: TileLayout, extents: list[SSAValue] | list[int]) -> Extents:
    """A popped tile is valid as its operands say, else as its type says, else all of it."""
    rows, cols = (
        size if e is None else e for e, size in zip(map(extent_of, extents), layout.shape, strict=True)
    )
    return rows, cols


def first_trip_guard(op: scf.IfOp) -> tuple[SSAValue | None, SSAValue | None]:
    """`(iv, None)` if the condition holds exactly in a loop's first trip, `(None, iv)` if in all others.

    Recognised is a comparison of the induction variable, or a constant multiple of it where the lower
    bound is 0, with the lower bound.
    """
    compare = op.cond.owner
    if not isinstance(compare, Operation) or compare.name != "arith.cmpi":
        return None, None
    predicate = compare.properties["predicate"]
    kind = getattr(getattr(predicate, "value", None), "data", None)
    if kind not in (0, 1):
        return None, None
    for variable, bound in (compare.operands, reversed(compare.operands)):
        loop, scaled = _induction(variable)
        if loop is None:
            continue
        same = bound is loop.lb or (
            constant_int(bound) is not None and constant_int(bound) == constant_int(loop.lb)
        )
        if same and (not scaled or constant_int(bound) == 0):
            iv = loop.body.block.args[0]
            return (iv, None) if kind == 0 else (None, iv)
    return None, None


def _induction(value: SSAValue) -> tuple[scf.ForOp | None, bool]:
    """The loop whose induction variable `value` is, and whether it is scaled by a constant."""
    scaled = False
    owner = value.owner
    while isinstance(owner, Operation):
        if owner.name in ("arith.index_cast", "arith.extsi", "arith.trunci"):
            value = owner.operands[0]
        elif owner.name == "arith.muli":
            factors = [v for v in owner.operands if not constant_int(v)]
            if len(factors) != 1:
                return None, False
            value, scaled = factors[0], True
        else:
            return None, False
        owner = value.owner
    parent = owner.parent_op()
    if isinstance(parent, scf.ForOp) and owner.args[0] is value:
        return parent, scaled
    return None, False
