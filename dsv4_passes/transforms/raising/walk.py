"""The walk through a function that turns tiles in memory into tiles as values, operation by operation.

    pto.tadd ins(%a, %b : TB, TB) outs(%c : TB)      =>      %1 = pto.tadd ins(%0, %0 : T, T) -> T

Operands become the values that their bytes hold here (`raise_flow`), destinations become results, handles
go. What is written into a window becomes an insert into what the tile held; a tile of which nothing is
valid is not written, and what only moves it does nothing; an extent that `set_validshape` changes is
carried like a tile.
"""

from collections import deque

from xdsl.dialects import scf
from xdsl.dialects.builtin import UnregisteredOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import VerifyException

from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import TileOp, segment_sizes
from dialects.pto.channels import FreeOp, PopOp
from dialects.pto.control import SectionOp
from dialects.pto.extents import GetValidShapeOp, ValidExtentOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.opaque import OpaqueOp
from dialects.pto.target import ChipRules
from dialects.pto.tiles import SetValidShapeOp
from dialects.pto.types import DYNAMIC, TileBufType, TileType
from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import warning
from dsv4_passes.transforms.common.byte_ranges import (
    HANDLES,
    CannotRaise,
    Extents,
    Space,
    TileByteRanges,
    TileHandle,
    Window,
    check_extent,
    extent_of,
)
from dsv4_passes.transforms.common.scratch import remember_scratch

from .cleanup import clean_up
from .diagnose import ReadBox, overwritten_parent
from .reaching_definitions import ReachingDefinitions
from .region_frames import (
    BlockScope,
    Branch,
    Demand,
    LoopFrame,
    ReadRequest,
    RegionFrame,
)
from .views import Views, value_type


class Walk:
    """Raise one function body in place; raises CannotRaise and leaves a wreck, so work on a clone."""

    def __init__(self, body: Block, chip: ChipRules):
        self.chip = chip
        self.tiles = TileByteRanges(body)
        self.views = Views(body)
        self.reaching = ReachingDefinitions(self.tiles, self.views)
        self.dead: list[Operation] = []
        self.popped: dict[tuple[Block | None, object], deque[SSAValue]] = {}
        self.freed: set[Space] = set()
        self.written: dict[Operation, set[int]] = {}
        """Atoms written in each loop."""
        self.reshaped: dict[Operation, list[SSAValue]] = {}
        """Handles from outside that `set_validshape` changes in each loop or branch."""
        self.look_ahead(body)
        self.block(body, self.reaching.scope)
        self.reaching.finish()
        for op in reversed(self.dead):
            Rewriter.erase_op(op)
        frames = self.reaching.frames
        added = {phi.result for frame in frames for phi in frame.phis}
        structured = [j.op for j in frames if isinstance(j.op, (scf.ForOp, scf.IfOp)) and j.phis]
        clean_up(structured, added, self.views.made)

    # -- before the walk ---------------------------------------------------------------------------

    def look_ahead(self, block: Block) -> tuple[set[int], list[SSAValue]]:
        """The atoms written in a block, and the handles of other blocks whose extent it changes."""
        written, reshaped = set[int](), list[SSAValue]()
        for op in block.ops:
            for handle in self.tiles.writes(op):
                self.reaching.note_write(handle)
                written.update(self.tiles.intervals(handle.bytes))
            written.update(a for h in self.scratch(op) for a in self.tiles.intervals(h.bytes))
            if isinstance(op, AllocTileOp) and op.addr is None:
                written.update(self.tiles.intervals(self.tiles.handles[op.res].bytes))
            if isinstance(op, SetValidShapeOp):
                reshaped.append(op.source)
            inner = [self.look_ahead(b) for region in op.regions for b in region.blocks]
            if inner:
                self.written[op] = set[int]().union(*(w for w, _ in inner))
                written |= self.written[op]
                self.reshaped[op] = list(dict.fromkeys(h for _, changed in inner for h in changed))
                reshaped += self.reshaped[op]
        return written, [h for h in reshaped if not _defined_in(h, block)]

    def scratch(self, op: Operation) -> list[TileHandle]:
        """Tiles that an operation other than a tile operation overwrites on its way."""
        if isinstance(op, TileOp) or not hasattr(op, "scratch_operands"):
            return []
        values: list[SSAValue] = getattr(op, "scratch_operands")()
        return [self.tiles.handles[v] for v in values if v in self.tiles.handles]

    # -- walking -----------------------------------------------------------------------------------

    def block(self, block: Block, scope: BlockScope) -> None:
        self.reaching.scope = scope
        self.reaching.scopes[block] = scope
        for op in list(block.ops):
            if isinstance(op, scf.ForOp):
                self.loop(op)
            elif isinstance(op, scf.IfOp):
                self.branch(op)
            elif isinstance(op, HANDLES):
                self.handle(op)
            elif isinstance(op, (SetValidShapeOp, GetValidShapeOp, ValidExtentOp)):
                self.extent_op(op)
            elif isinstance(op, TileOp):
                self.tile_op(op)
            elif op.regions:
                self.section(op)
            else:
                self.other(op)

    def handle(self, op: Operation) -> None:
        if isinstance(op.results[0].type, TileBufType):
            self.dead.append(op)
            if isinstance(op, AllocTileOp) and op.addr is None:
                self.reaching.write(self.tiles.handles[op.res].bytes, None)

    def tile_op(self, op: TileOp) -> None:
        outs = [handle for v in op.outs if (handle := self.tiles.handles.get(v)) is not None]
        ins = [handle for v in op.ins if (handle := self.tiles.handles.get(v)) is not None]
        nothing = any(h.is_null for h in outs) or (not outs and ins and all(h.is_null for h in ins))
        if (nothing or self.tiles.moves_onto_itself(op)) and not op.results:
            self.dead.append(op)
        elif outs:
            self.producer(op, outs, ins)
        else:
            self.other(op)

    def producer(self, op: TileOp, outs: list[TileHandle], ins: list[TileHandle]) -> None:
        """An operation whose destinations become its results."""
        if op.BUFFER_ONLY or len(outs) != len(op.outs):
            raise CannotRaise(op, "about handles", "it is about addresses and has no meaning on values")
        operands = [self.looked_at(op, value) for value in op.inputs()]
        extents = [self.extents(v) for v in op.outs]
        if op.reads_destination():
            operands.append(self.old_content(op, op.outs[0]))
        elif isinstance(op, MatmulOp):
            # An accumulator's handle may say more than the product has: its extent comes from the factors.
            extents = [(self.extents(op.lhs)[0], self.extents(op.rhs)[1])]
            if op.TIED:
                operands[0] = self.views.with_valid(op, operands[0], extents[0])
        # What a piece goes into is looked up in front of the operation, which can then write it there.
        base = self.base(op, op.outs[0]) if len(outs) == 1 else None
        types = [value_type(h.layout, e) for h, e in zip(outs, extents, strict=True)]
        new = self.create(op, operands, types, extents)
        if not self.holds(new):
            new.drop_all_references()
            types = [t.with_(valid_rows=DYNAMIC, valid_cols=DYNAMIC) for t in types]
            new = self.create(op, [self.loose(op, v) for v in operands], types, extents)
        Rewriter.insert_op(new, InsertPoint.before(op))
        remember_scratch(op, new)
        for out, result, extent in zip(op.outs, new.results, extents, strict=True):
            spelling.carry_name(out, result)
            self.views.extents[result] = extent
            self.write(op, out, result, base or self.base(op, out), ins)
        self.dead.append(op)

    def create(
        self, op: TileOp, operands: list[SSAValue], types: list[TileType], extents: list[Extents]
    ) -> TileOp:
        """The operation in value form, not yet in place."""
        valid = [
            self.views.scalar(extent, 0)
            for type_, pair in zip(types, extents, strict=True)
            for static, extent in zip(type_.data.valid, pair, strict=True)
            if static == DYNAMIC
        ]
        properties = dict(op.properties)
        properties["operandSegmentSizes"] = segment_sizes(len(operands), 0, len(valid))
        new = type(op).create(
            operands=[*operands, *valid],
            result_types=types,
            properties=properties,
            attributes=op.attributes,
        )
        new.location = op.location
        return new

    def holds(self, op: TileOp) -> bool:
        """The family's rules hold. Text that writes `?` is not checked by them and may break them: real
        kernels combine tiles whose extents differ in lanes that are never read."""
        try:
            op.check_on(self.chip)
        except VerifyException:
            return False
        return True

    def loose(self, op: Operation, value: SSAValue) -> SSAValue:
        """A tile with its extent hidden behind `?`."""
        if not isinstance(value.type, TileType) or value.type.data.valid == (DYNAMIC, DYNAMIC):
            return value
        type_ = value.type.with_(valid_rows=DYNAMIC, valid_cols=DYNAMIC)
        return self.views.set_valid(op, value, type_, self.views.extents[value])

    def other(self, op: Operation) -> None:
        """Pushes, pops, stores and everything else that has no destination in memory."""
        self.refuse_unknown(op)
        scratch = list[SSAValue](getattr(op, "scratch_operands", list)())
        for index, value in enumerate(op.operands):
            if value in self.tiles.handles:
                unread = any(value is s for s in scratch)
                op.operands[index] = self.nothing(op, value) if unread else self.operand(op, value)
        for handle in self.scratch(op):
            self.reaching.write(handle.bytes, None)
        if isinstance(op, TileOp) and not self.holds(op):
            for index, value in enumerate(op.operands):
                op.operands[index] = self.loose(op, value)
        if isinstance(op, PopOp) and isinstance(op.tile.type, TileBufType):
            self.pop(op)
        if isinstance(op, FreeOp):
            queue = self.popped.get((op.parent, op.channel))
            if queue:
                self.freed.add(queue.popleft())

    def refuse_unknown(self, op: Operation) -> None:
        if isinstance(op, OpaqueOp | UnregisteredOp):
            raise CannotRaise(op, "unknown operation", "it is not understood and may touch any tile")
        if isinstance(op, TileOp) and op.BUFFER_ONLY:
            raise CannotRaise(op, "about handles", "it is about addresses and has no meaning on values")

    def pop(self, op: PopOp) -> None:
        """Give each popped tile a fresh value."""
        handle = self.tiles.handles[op.tile]
        old = op.tile
        self.popped.setdefault((op.parent, op.channel), deque()).append(old)
        new = Rewriter.replace_value_with_new_type(old, value_type(handle.layout, handle.valid))
        if old is not new:
            self.tiles.handles[new] = handle
            spelling.carry_name(old, new)
        self.views.extents[new] = handle.valid
        self.reaching.write(handle.bytes, new)

    # -- regions -----------------------------------------------------------------------------------

    def loop(self, op: scf.ForOp) -> None:
        frame = LoopFrame(self.reaching, op, self.written[op])
        self.reaching.open(frame)
        inner = frame.inner[0]
        changed = self.changed(op)
        before = {handle: self.extents(handle) for handle in changed}
        phis = {h: [frame.add(self.views.index(0).type) for _ in (0, 1)] for h in changed}
        for handle, pair in phis.items():
            inner.extents[handle] = pair[0].argument, pair[1].argument
        self.block(op.body.block, inner)
        for handle, pair in phis.items():
            for axis, phi in enumerate(pair):
                phi.inputs[0].value = self.views.scalar(before[handle][axis], 0)
                phi.inputs[1].value = self.views.scalar(inner.extents[handle][axis], 0)
        self.reaching.close(frame)
        for handle, pair in phis.items():
            self.reaching.scope.extents[handle] = pair[0].result, pair[1].result

    def branch(self, op: scf.IfOp) -> None:
        frame = Branch(self.reaching, op)
        self.reaching.open(frame)
        for scope, region in zip(frame.inner, op.regions, strict=False):
            self.block(region.block, scope)
        self.reaching.scope = frame.scope
        changed = self.changed(op)
        before = {handle: self.extents(handle) for handle in changed}
        for handle in changed:
            after: list[SSAValue] = []
            for axis in (0, 1):
                phi = frame.add(self.views.index(0).type)
                sides = [side.extents.get(handle, before[handle]) for side in frame.inner]
                for phi_input, extents in zip(phi.inputs, [*sides, before[handle]], strict=False):
                    phi_input.value = self.views.scalar(extents[axis], 0)
                after.append(phi.result)
            frame.scope.extents[handle] = after[0], after[1]
        self.reaching.close(frame)

    def section(self, op: Operation) -> None:
        """Tiles do not get out of a section for one kind of core; no other region is understood."""
        if not isinstance(op, SectionOp):
            raise CannotRaise(op, "unknown region", "when its region runs is not known")
        frame = RegionFrame(self.reaching, op)
        self.reaching.open(frame)
        frame.inner = [BlockScope(frame)]
        self.block(op.body.block, frame.inner[0])
        self.reaching.close(frame)

    def changed(self, op: Operation) -> list[SSAValue]:
        """Handles from outside whose extents change in a loop or branch."""
        return self.reshaped.get(op, [])

    # -- valid extents -----------------------------------------------------------------------------

    def extents(self, handle: SSAValue) -> Extents:
        """What a handle says here."""
        scope: BlockScope | None = self.reaching.scope
        while scope is not None:
            if (known := scope.extents.get(handle)) is not None:
                return known
            scope = scope.frame.scope if scope.frame else None
        return self.tiles.handles[handle].valid

    def extent_op(self, op: SetValidShapeOp | GetValidShapeOp | ValidExtentOp) -> None:
        """`set_validshape` changes what a handle says from here on; the others ask."""
        if op.source not in self.tiles.handles:
            return
        self.dead.append(op)
        if isinstance(op, SetValidShapeOp):
            extents = extent_of(op.valid_row), extent_of(op.valid_col)
            check_extent(op, self.tiles.handles[op.source].layout, extents)
            self.reaching.scope.extents[op.source] = extents
            return
        rows, cols = self.extents(op.source)
        asked = (rows, cols) if isinstance(op, GetValidShapeOp) else (cols if "cols" in op.name else rows,)
        for result, extent in zip(op.results, asked, strict=True):
            result.replace_all_uses_with(self.views.scalar(extent, 0))

    # -- operands and destinations -----------------------------------------------------------------

    def operand(self, op: Operation, value: SSAValue) -> SSAValue:
        """The value that a tile operand denotes here; anything else stays as it is."""
        if (handle := self.tiles.handles.get(value)) is None:
            return value
        if handle.bytes.space in self.freed:
            warning(op, "reads a popped tile after its slot was given back")
            self.freed.discard(handle.bytes.space)
        return self.nothing(op, value) if handle.is_null else self.read(op, value, Demand())

    def looked_at(self, op: Operation, value: SSAValue) -> SSAValue:
        """A tile operand of an operation that computes something: which lanes it looks at is said by its
        destination, so that an operand of which nothing is valid may be read all the same.
        """
        handle = self.tiles.handles.get(value)
        return (
            self.read(op, value, Demand())
            if handle is not None and handle.is_null
            else self.operand(op, value)
        )

    def nothing(self, op: Operation, value: SSAValue) -> SSAValue:
        handle = self.tiles.handles[value]
        return self.views.undef(op, handle.layout, self.extents(value))

    def read(self, op: Operation, value: SSAValue, demand: Demand) -> SSAValue:
        """The tile that a handle denotes here, as the handle sees it."""
        handle, valid = self.tiles.handles[value], self.extents(value)
        if handle.window is not None:
            parent, row, col = self.place(op, handle.window)
            box = ReadBox(extent_of(row), extent_of(col), valid)
            return self.views.window(
                op, self.whole(op, parent, demand, box), (row, col), handle.layout, valid
            )
        return self.whole(op, value, demand)

    def whole(self, op: Operation, value: SSAValue, demand: Demand, box: ReadBox | None = None) -> SSAValue:
        """The tile that a handle of a whole tile denotes; `op` looks at nothing else than `box` of it."""
        handle, valid = self.tiles.handles[value], self.extents(value)
        tile = self.reaching.read(op, ReadRequest(handle.bytes, handle.layout), valid, demand, box)
        return self.views.with_valid(op, tile, valid)

    def place(self, op: Operation, window: Window) -> tuple[SSAValue, SSAValue, SSAValue]:
        """The tile that a window, or a window of a window, is a box of, and where in it."""
        parent, row, col = window.parent, window.row, window.col
        while (outer := self.tiles.handles[parent].window) is not None:
            parent = outer.parent
            row, col = self.views.sum(op, row, outer.row), self.views.sum(op, col, outer.col)
        return parent, row, col

    def old_content(self, op: Operation, value: SSAValue) -> SSAValue:
        """What the destination of an operation that changes a part of it held before."""
        try:
            return self.read(op, value, Demand(partly=True))
        except CannotRaise:
            return self.views.undef(op, self.tiles.handles[value].layout, self.extents(value))

    def write(
        self, op: Operation, out: SSAValue, value: SSAValue, base: SSAValue | None, ins: list[TileHandle]
    ) -> None:
        """The destination's bytes hold `value`; around a window they keep what they held."""
        handle = self.tiles.handles[out]
        if handle.window is not None and base is not None:
            _, row, col = self.place(op, handle.window)
            value = self.views.insert(op, value, base, row, col)
        self.reaching.write(handle.bytes, value, overwritten_parent(handle.bytes, ins, self.tiles.handles))

    def base(self, op: Operation, out: SSAValue) -> SSAValue | None:
        """What a piece is written into: all lanes of the tile, or nothing where other bytes lie there.

        None where the destination is a whole tile.
        """
        if (window := self.tiles.handles[out].window) is None:
            return None
        tile = self.tiles.handles[self.place(op, window)[0]]
        layout = tile.layout
        full = TileType(layout._replace(valid_rows=layout.rows, valid_cols=layout.cols))
        try:
            value = self.reaching.read(op, ReadRequest(tile.bytes, layout), layout.shape, Demand(partly=True))
        except CannotRaise:
            return self.views.undef(op, layout, layout.shape)
        return self.views.retype(op, value, full)


def _defined_in(value: SSAValue, block: Block) -> bool:
    owner = value.owner
    return (owner if isinstance(owner, Block) else owner.parent) is block
