"""Which tile values must, or may, live in one buffer.

A *root* is a value that has bytes of its own; a reshape, reinterpretation, bitcast, transpose, window or
change of the valid extent is a view of one. A *web* is a set of roots that share a buffer:

* must: a loop's initial value, argument, yielded value and result; a branch's results and what the
  branches yield; an accumulator and the product added to it; an insert and the tile it changes;
* may: the result of a lane-wise operation and an operand that dies there (in place); a piece and the tile
  that it is a part of, in its place there (`assembled`).

Where roots that must share a buffer are alive at once, or the value that must be there is a window in the
middle of its root, a copy is put in between, where the memory can copy to itself (`vec`); elsewhere that
is an error. An operand that an operation reads out of order is alive until the result is written, so that
no result ever lies on it.
"""

from collections.abc import Iterator

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import ColumnExpandOp, RowExpandOp
from dialects.pto.channels import PopOp
from dialects.pto.convert import TCvtOp, TSelOp, TSelsOp
from dialects.pto.elementwise import BinaryOp, EitherOrderScalarOp, ScalarOp, UnaryOp
from dialects.pto.fill import TFillPadOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import (
    VIEWS,
    BitcastOp,
    InsertOp,
    ReinterpretOp,
    ReshapeOp,
    SetValidShapeOp,
    SubviewOp,
    UndefOp,
)
from dialects.pto.types import DYNAMIC, TileLayout, TileType, element_bits
from dsv4_passes.diagnostics import UserError
from dsv4_passes.xdsl_extras.insert import insert_before

from .assembled import assemblies, computed_at_once, place_in_tile
from .byte_ranges import stretch
from .live_ranges import LiveRange, LiveRanges

IN_PLACE: tuple[tuple[type[TileOp] | tuple[type[TileOp], ...], tuple[str, ...]], ...] = (
    ((BinaryOp, EitherOrderScalarOp), ("lhs", "rhs")),
    ((ScalarOp, UnaryOp, TMovOp, TCvtOp, TFillPadOp), ("src",)),
    ((ColumnExpandOp, RowExpandOp), ("src",)),
    (TSelOp, ("src0", "src1")),
    (TSelsOp, ("src",)),
)
"""Operations that read lane i of these operands before they write lane i of the result."""


def storage_of(value: SSAValue) -> SSAValue | None:
    """The value whose bytes these are; None for anything that is not a tile value."""
    if not isinstance(value.type, TileType):
        return None
    while isinstance(op := value.owner, VIEWS):
        value = op.source
    return value


def is_whole(value: SSAValue) -> bool:
    """The value is all bytes of its root, in the same order."""
    while isinstance(op := value.owner, VIEWS):
        if isinstance(op, SubviewOp) and layout_of(op.source).shape != op.static_sizes:
            return False
        value = op.source
    return True


def byte_offset(value: SSAValue, addressed: bool) -> int | None:
    """Bytes from the start of the root to this view, if it is one stretch of it.

    Without addresses nothing but the start can be named.
    """
    op = value.owner
    if not isinstance(op, VIEWS):
        return 0
    offset = byte_offset(op.source, addressed)
    if offset is None or not isinstance(op, SubviewOp):
        return offset
    inside = stretch(layout_of(op.source), op.static_sizes, *op.offsets)
    if inside is None or (inside and not addressed):
        return None
    return offset + inside if (offset + inside) % 32 == 0 else None


def is_slot(value: SSAValue) -> bool:
    """A popped tile lives in its pipe slot, which holds nothing else."""
    return isinstance(value.owner, PopOp)


def is_null(layout: TileLayout) -> bool:
    """Nothing of the tile is valid, so its bytes are never touched."""
    return 0 in layout.valid


class CoalescingClasses:
    """Webs of a function in value form. Making them may put copies into the function.

    `addressed`: values of different size may share a buffer from its first byte on. A conversion may put
    its shorter result at the start of its operand's bytes, a loop begin with the first rows of a tile.
    """

    def __init__(
        self,
        function: func.FuncOp,
        addressed: bool = True,
        nested: bool = True,
    ):
        self.function, self.addressed = function, addressed
        self.parent: dict[SSAValue, SSAValue] = {}
        self.body = function.body.block
        self._require()
        self.inside: dict[SSAValue, int] = {}
        """Roots that are computed within a tile that they are a piece of, at so many bytes from its start."""
        self.in_place: set[InsertOp] = set()
        """Their inserts, which do nothing."""
        if addressed and nested:
            self._nest()
        self._allow()

    def find(self, root: SSAValue) -> SSAValue:
        """The representative of the web a root belongs to."""
        path: list[SSAValue] = []
        while (up := self.parent.get(root, root)) is not root:
            path.append(root)
            root = up
        for value in path:
            self.parent[value] = root
        return root

    def roots(self) -> Iterator[SSAValue]:
        """All roots; `own` says when each is alive, `live` when a web is."""
        yield from self.own

    def same(self, a: SSAValue | None, b: SSAValue | None) -> bool:
        """Two roots share a buffer."""
        return a is not None and b is not None and self.find(a) is self.find(b)

    # -- required sharing --------------------------------------------------------------------------

    def _require(self) -> None:
        """Join what must be joined; where that fails, copy and start again."""
        while True:
            liveness = LiveRanges(self.body, storage_of, self._reads_through)
            self.own = liveness.live
            self.live = {value: LiveRange(list(live.segments)) for value, live in self.own.items()}
            self.position, self.end = liveness.position, liveness.end
            self.parent = {}
            clashes = [
                (op, index)
                for op, a, b, index in list(self._pairs())
                if not self._is_at_start(op.operands[index]) or not self._join(a, b)
            ]
            if not clashes:
                return
            for op, index in dict.fromkeys(clashes):
                copy_operand(op, index)

    def _pairs(self) -> Iterator[tuple[Operation, SSAValue, SSAValue, int]]:
        """(operation, root, root, operand to copy where they cannot share).

        What a loop carries and what it leaves come first: no copy can part those two.
        """
        loops = [op for op in self.body.walk() if isinstance(op, scf.ForOp)]
        for op in loops:
            for index, _, argument, result in self._columns(op):
                yield op, argument, result, index
        for op in self.body.walk():
            if isinstance(op, scf.ForOp):
                for index, init, argument, _ in self._columns(op):
                    end = op.body.block.last_op
                    assert end is not None
                    last = argument.index - 1
                    yield op, argument, _root(init), index
                    yield end, argument, _root(end.operands[last]), last
            elif isinstance(op, scf.IfOp):
                for index, result in enumerate(op.results):
                    if not isinstance(result.type, TileType):
                        continue
                    for region in op.regions:
                        end = region.block.last_op
                        assert end is not None
                        yield end, result, _root(end.operands[index]), index
            elif isinstance(op, InsertOp):
                yield op, op.res, _root(op.dest), 1
            elif isinstance(op, TileOp) and op.TIED and (results := tile_results(op)):
                index = op.operand_names().index(op.TIED)
                yield op, results[0], _root(op.ins[index]), index

    @staticmethod
    def _columns(loop: scf.ForOp) -> Iterator[tuple[int, SSAValue, BlockArgument, SSAValue]]:
        """The tiles that a loop carries: number of the operand, initial value, argument and result."""
        first = len(loop.operands) - len(loop.iter_args)
        columns = zip(loop.iter_args, loop.body.block.args[1:], loop.results, strict=True)
        for i, (init, argument, result) in enumerate(columns):
            if isinstance(init.type, TileType):
                yield first + i, init, argument, result

    def _is_at_start(self, value: SSAValue) -> bool:
        """The value starts at the first byte of its buffer, so others there can replace it."""
        return is_whole(value) or (self.addressed and byte_offset(value, True) == 0)

    def _join(self, a: SSAValue, b: SSAValue) -> bool:
        a, b = self.find(a), self.find(b)
        if a is b:
            return True
        if is_slot(a) or is_slot(b):
            return False
        mine, other = self.live.get(a) or LiveRange(), self.live.get(b) or LiveRange()
        if mine.overlaps(other):
            return False
        self.live[a] = mine.merge(other)
        self.parent[b] = a
        return True

    # -- pieces in their tiles ---------------------------------------------------------------------

    def _nest(self) -> None:
        """Put pieces into the tiles they are pieces of, where nothing else in those is alive with them."""
        members: dict[SSAValue, list[SSAValue]] = {}
        for root in self.own:
            members.setdefault(self.find(root), []).append(root)
        for inserts in assemblies(self.function):
            tile = {inserts[0].dest, *(insert.res for insert in inserts)} if inserts else set[SSAValue]()
            for insert in inserts:
                piece, offset = storage_of(insert.source), place_in_tile(insert)
                web = self.find(insert.res)
                if piece is None or offset is None or not self._is_own(piece, insert, members):
                    continue
                others = (self.own[root] for root in members[web] if root not in tile)
                if any(live.overlaps(self.own[piece]) for live in others):
                    continue
                self.parent[piece] = web
                self.live[web] = self.live[web].merge(self.own[piece])
                self.inside[piece] = offset
                self.in_place.add(insert)

    def _is_own(self, piece: SSAValue, insert: InsertOp, members: dict[SSAValue, list[SSAValue]]) -> bool:
        """The inserted tile is a whole value without another fixed location."""
        if not computed_at_once(piece) or piece in self.inside or len(members.get(piece, ())) != 1:
            return False
        whole = is_whole(insert.source) and layout_of(piece).bytes == layout_of(insert.source).bytes
        return whole and piece.owner.parent is insert.parent and not is_slot(piece)  # pyright: ignore

    # -- sharing in place --------------------------------------------------------------------------

    def _reads_through(self, op: Operation, index: int) -> bool:
        """The operand must still be there while the result is written."""
        if isinstance(op, InsertOp):
            return index == 0 and storage_of(op.source) is not storage_of(op.dest)
        if not isinstance(op, TileOp) or not (results := tile_results(op)) or index >= len(op.ins):
            return False
        if op.operand_names()[index] == op.TIED:
            return False
        return len(results) > 1 or not self._lane_wise(op, index)

    def _lane_wise(self, op: TileOp, index: int) -> bool:
        """The result may take over this operand's bytes: lane i is read before lane i is written, and
        lies where lane i of the operand lies, or before it."""
        value = op.ins[index]
        if op.operand_names()[index] not in in_place_operands(op) or not is_whole(value):
            return False
        have, result = layout_of(value), op.destination_layout()
        if (have.loc, have.shape, have.blayout, have.slayout) != (
            *(result.loc, result.shape, result.blayout, result.slayout),
        ):
            return False
        root = storage_of(value)
        if any(storage_of(v) is root and v is not value for v in op.ins):
            return False
        wide, narrow = element_bits(have.dtype), element_bits(result.dtype)
        return wide == narrow or (self.addressed and narrow < wide and isinstance(op, TCvtOp))

    def _allow(self) -> None:
        for op in self.body.walk():
            if not isinstance(op, TileOp) or len(results := tile_results(op)) != 1 or op.TIED:
                continue
            for index, operand in enumerate(op.ins):
                if not isinstance(operand.type, TileType) or not self._lane_wise(op, index):
                    continue
                if self._is_piece(results[0]) or self._is_piece(operand):
                    continue
                if self._join(results[0], _root(operand)):
                    break

    def _is_piece(self, value: SSAValue) -> bool:
        """The value is inserted somewhere, so its best place is there."""
        if storage_of(value) in self.inside:
            return True
        return any(isinstance(use.operation, InsertOp) and use.index == 0 for use in value.uses)


def in_place_operands(op: TileOp) -> tuple[str, ...]:
    """Operands whose bytes the result may take over lane by lane."""
    for kind, names in IN_PLACE:
        if isinstance(op, kind):
            return tuple(name for name in names if name not in op.NOT_IN_PLACE)
    return ()


def tile_results(op: TileOp) -> list[SSAValue]:
    return [value for value in op.res if isinstance(value.type, TileType)]


def copy_operand(op: Operation, index: int) -> None:
    """Give an operation a copy of an operand of its own. Raises UserError where memory cannot be copied."""
    value = op.operands[index]
    assert isinstance(value.type, TileType)
    if isinstance(value.owner, UndefOp):
        new: Operation = UndefOp(value.type)
    else:
        layout = value.type.data
        if layout.loc != "vec":
            raise UserError(
                f"'{op.name}' needs a copy of a tile in {layout.loc} memory, which cannot copy to itself",
                op.location,
            )
        new = copy_of(op, value)
    insert_before(op, new)
    new.results[0].name_hint = value.name_hint
    op.operands[index] = with_type(op, new.results[0], value.type)


def copy_of(op: Operation, value: SSAValue) -> TMovOp:
    """A copy of all lanes that may be valid; where the extent is not known here, of the whole tile."""
    layout = layout_of(value)
    if DYNAMIC not in layout.valid:
        return TMovOp([value], result=value.type)
    if (stated := stated_extent(value)) is not None:
        return TMovOp([value], result=value.type, valid=stated)
    full = TileType(layout._replace(valid_rows=layout.rows, valid_cols=layout.cols))
    return TMovOp([with_type(op, value, full)], result=full)


def stated_extent(value: SSAValue) -> list[SSAValue] | None:
    """The operands that say what each `?` in the type of a tile is; None where they are not found from here.

    A view of all lanes has the rows of its source.
    """
    layout, owner = layout_of(value), value.owner
    if isinstance(owner, TileOp) and len(owner.res) == 1:
        return list(owner.valid)
    if isinstance(owner, SetValidShapeOp):
        pair = zip((owner.valid_row, owner.valid_col), layout.valid, strict=True)
        return [number for number, static in pair if static == DYNAMIC]
    if not isinstance(owner, BitcastOp | ReinterpretOp | ReshapeOp):
        return None
    source = layout_of(owner.source)
    alike = (source.shape, source.valid) == (layout.shape, layout.valid)
    rows = source.rows == layout.rows and source.valid[0] == layout.valid[0] == DYNAMIC
    only_rows = (
        rows and DYNAMIC not in (source.valid[1], layout.valid[1]) and isinstance(owner, ReinterpretOp)
    )
    return stated_extent(owner.source) if alike or only_rows else None


def with_type(op: Operation, value: SSAValue, type_: TileType) -> SSAValue:
    """The value under a type that says another valid extent; `?` stands for all of the tile."""
    if value.type == type_:
        return value
    layout = type_.data
    extents = [size if e == DYNAMIC else e for e, size in zip(layout.valid, layout.shape, strict=True)]
    numbers = [arith.ConstantOp(IntegerAttr(extent, IndexType())) for extent in extents]
    view = SetValidShapeOp(value, numbers[0].result, numbers[1].result, type_)
    for new in (*numbers, view):
        insert_before(op, new)
    assert view.res is not None
    return view.res


def _root(value: SSAValue) -> SSAValue:
    root = storage_of(value)
    assert root is not None
    return root
