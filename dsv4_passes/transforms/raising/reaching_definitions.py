"""What the bytes of a function hold, at any point of it: values found where they are asked for.

Raising walks a function once and writes down, per atom of memory and scope (a block), which value it holds
from when on. A question climbs from the block it is asked in through those around it, and through the loops
and branches that it meets (`region_frames`). What goes into one of those is asked for by a queue
instead of by recursion, so that long chains of loops do no harm.
"""

from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.base import TileOp
from dialects.pto.types import DYNAMIC, TileLayout, TileType
from dsv4_passes.transforms.common.byte_ranges import Bytes, CannotRaise, Extents, TileByteRanges, TileHandle

from .diagnose import ReadBox, warn_of_reads
from .region_frames import (
    NOW,
    BlockScope,
    Demand,
    LoopFrame,
    Phi,
    PhiInput,
    ReadRequest,
    RegionFrame,
)
from .views import (
    Definition,
    ReadPiece,
    Views,
    adaptable,
    covers,
    layout_of_value,
    value_type,
)


class ReachingDefinitions:
    """Memory over time, as far as the walk has come."""

    def __init__(self, tiles: TileByteRanges, views: Views):
        self.tiles, self.views = tiles, views
        self.now = 0
        self.scope = BlockScope()
        self.scopes: dict[Block, BlockScope] = {}
        self.frames: list[RegionFrame] = []
        self.loops: dict[Operation | Block, LoopFrame] = {}
        self._queue: list[tuple[Phi, PhiInput]] = []
        self._deep: dict[Definition, SSAValue] = {}
        self._written_as: dict[Bytes, set[tuple[tuple[int, int], Extents] | None]] = {}
        """Shape and valid extent of all writes of a range; None stands for all of it."""

    # -- writing -----------------------------------------------------------------------------------

    def write(self, bytes_: Bytes, value: SSAValue | None, parent: Bytes | None = None) -> None:
        """Record that the bytes hold `value`, or are undefined."""
        self.now += 1
        definition = Definition(bytes_, value, self.now, parent)
        for interval in self.tiles.intervals(bytes_):
            self.scope.defs.setdefault(interval, []).append((self.now, definition))

    def open(self, frame: RegionFrame) -> None:
        self.frames.append(frame)
        if isinstance(frame, LoopFrame):
            self.loops[frame.loop.body.block] = frame

    def close(self, frame: RegionFrame) -> None:
        """Continue after an operation with regions."""
        self.scope = frame.scope
        self.now += 1
        frame.end = self.now
        for interval in frame.written():
            self.scope.defs.setdefault(interval, []).append((self.now, frame))

    # -- reading -----------------------------------------------------------------------------------

    def read(
        self, op: Operation, request: ReadRequest, valid: Extents, demand: Demand, box: ReadBox | None = None
    ) -> SSAValue:
        """The tile that `op` reads, of which it looks at the lanes in `valid`, or only at those in `box`."""
        pieces = self.pieces(self.scope, NOW, request, demand)
        if not demand.partly:
            warn_of_reads(op, pieces, request, box or ReadBox(0, 0, valid))
        return self._whole(op, pieces, request, valid)

    def pieces(self, scope: BlockScope, time: int, request: ReadRequest, demand: Demand) -> list[ReadPiece]:
        """What a range of bytes consists of, in order."""
        intervals = self.tiles.intervals(request.bytes)
        found = [scope.find(interval, time, request, demand) for interval in intervals]
        if any(definition is not found[0] for definition in found):
            found = self._newest(intervals, found)
        pieces: list[ReadPiece] = []
        for interval, definition in zip(intervals, found, strict=True):
            lo, hi = self.tiles.starts[interval][1], self.tiles.starts[interval + 1][1]
            if pieces and pieces[-1].definition is definition:
                lo = pieces.pop().lo
            pieces.append(ReadPiece(lo, hi, definition))
        return pieces

    def _newest(self, intervals: range, found: list[Definition | None]) -> list[Definition | None]:
        """A phi of a range defines all of its bytes that are not written later."""
        for definition in sorted({c for c in found if c is not None}, key=lambda c: c.time):
            inside = self.tiles.intervals(definition.bytes)
            for i, interval in enumerate(intervals):
                other = found[i]
                if interval in inside and (other is None or other.time < definition.time):
                    found[i] = definition
        return found

    def _whole(
        self, op: Operation, pieces: list[ReadPiece], request: ReadRequest, valid: Extents
    ) -> SSAValue:
        for _, _, definition in pieces:
            if definition is not None and definition.lost:
                raise CannotRaise(op, "tile behind a region", definition.lost)
        pieces = [self._complete(piece, request, valid) for piece in pieces]
        return self.views.whole(op, pieces, request.bytes, request.layout)

    def _complete(self, piece: ReadPiece, request: ReadRequest, valid: Extents) -> ReadPiece:
        """A piece, with what lies beside the lanes that were written where the reader sees that."""
        definition = piece.definition
        if definition is None or definition.value is None:
            return piece
        have, extents = layout_of_value(definition.value), self.views.extents[definition.value]
        alone = (piece.lo, piece.hi) == (request.bytes.lo, request.bytes.hi)
        layout, seen = (request.layout, valid) if alone else (have, have.shape)
        if covers(have, extents, layout, seen):
            return piece
        return piece._replace(definition=self._with_old_lanes(definition, definition.value))

    def _with_old_lanes(self, definition: Definition, value: SSAValue) -> Definition:
        """A reader sees more lanes than were written: beside them are those that were there before.

        The content of the cube's memories outside of the valid lanes is unknown.
        """
        layout, owner = layout_of_value(value), value.owner
        if layout.loc not in ("vec", "mat") or not isinstance(owner, Operation) or owner.parent is None:
            return definition
        if isinstance(owner, TileOp) and owner.FILLS:
            return definition
        if definition not in self._deep:
            scope, request = self.scopes[owner.parent], ReadRequest(definition.bytes, layout)
            before = self.pieces(scope, definition.time, request, Demand(partly=True))
            following = owner.next_op
            known = [p.definition for p in before if p.definition is not None and p.value is not None]
            if (
                not known
                or following is None
                or not all(self._is_kind(old, definition, layout) for old in known)
            ):
                self._deep[definition] = value
            else:
                full = layout._replace(valid_rows=layout.rows, valid_cols=layout.cols)
                base = self._whole(following, before, ReadRequest(definition.bytes, full), layout.shape)
                base = self.views.retype(following, base, TileType(full))
                zero = self.views.index(0)
                self._deep[definition] = self.views.insert(following, value, base, zero, zero)
        return Definition(definition.bytes, self._deep[definition], definition.time, definition.parent)

    @staticmethod
    def _is_kind(old: Definition, new: Definition, layout: TileLayout) -> bool:
        assert old.value is not None
        return adaptable(layout_of_value(old.value), old.bytes, new.bytes.lo, layout)

    # -- columns -----------------------------------------------------------------------------------

    def note_write(self, handle: TileHandle) -> None:
        """Before the walk: somewhere in the function this tile is written. A piece leaves all of it valid."""
        shape = handle.layout.shape
        written = None if handle.window or handle.valid == shape else (shape, handle.valid)
        self._written_as.setdefault(handle.bytes, set()).add(written)

    def phi_type(self, request: ReadRequest) -> TileType:
        """A column's extent is static where all writes of its range agree."""
        layout = request.layout
        written = self._written_as.get(request.bytes, set())
        if written == {None}:
            return value_type(layout, layout.shape)
        (only,) = written if len(written) == 1 else (None,)
        return value_type(layout, only[1] if only and only[0] == layout.shape else (None, None))

    def announce(self, phi: Phi) -> None:
        """Know the extents of a column's values."""
        if isinstance(phi.type, TileType):
            rows, cols = (None if e == DYNAMIC else e for e in phi.type.data.valid)
            for value in (phi.argument, phi.result):
                if value is not None:
                    self.views.extents[value] = rows, cols

    def ask(self, phi: Phi, phi_input: PhiInput, demand: Demand) -> None:
        together = demand.together(phi_input.demand)
        if together != phi_input.demand:
            phi_input.demand = together
            self._queue.append((phi, phi_input))

    def settle(self) -> None:
        """Find the values of all edges that were asked for."""
        while self._queue:
            phi, phi_input = self._queue.pop()
            assert phi_input.demand is not None
            assert phi.request is not None
            pieces = self.pieces(phi_input.scope, phi_input.time, phi.request, phi_input.demand)
            if phi_input.value is None or (phi_input.makeshift and not phi_input.demand.partly):
                self._fill(phi, phi_input, phi.request, pieces, phi_input.demand)

    def _fill(
        self, phi: Phi, phi_input: PhiInput, request: ReadRequest, pieces: list[ReadPiece], demand: Demand
    ) -> None:
        type_ = phi.type
        assert isinstance(type_, TileType)
        layout = type_.data
        rows, cols = (s if e == DYNAMIC else e for e, s in zip(layout.valid, layout.shape, strict=True))
        try:
            value = self._whole(phi_input.before, pieces, request, (rows, cols))
        except CannotRaise as problem:
            if not demand.partly:
                raise CannotRaise(_owner(phi), problem.reason, problem.why) from None
            value, phi_input.makeshift = (
                self.views.undef(phi_input.before, type_.data, type_.data.valid),
                True,
            )
        if not demand.partly:
            warn_of_reads(_owner(phi), pieces, request, ReadBox(0, 0, (rows, cols)))
        phi_input.value = self.views.retype(phi_input.before, value, type_)

    def value(self, phi: Phi, phi_input: PhiInput) -> SSAValue:
        """The phi input of an edge; undefined if it is not demanded."""
        if phi_input.value is None:
            assert isinstance(phi.type, TileType)
            layout = phi.type.data
            phi_input.value = self.views.undef(phi_input.before, layout, layout.valid)
        return phi_input.value

    def finish(self) -> None:
        self.settle()
        for frame in self.frames:
            frame.finish()


def _owner(phi: Phi) -> Operation:
    owner = phi.result.owner
    assert isinstance(owner, Operation)
    return owner
