"""Where every tile value of a function gets its bytes.

Values that share a buffer form a web (`common/coalescing`); a piece that is inserted into a tile is written
straight into its window. Buffers get addresses from their live ranges, around what pipes and the chip
keep for themselves. If they do not fit into the chip's usable memory, that is an error which shows the plan.
"""

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.dialects import func
from xdsl.dialects.builtin import IntegerAttr, LocationAttr
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.memory import constant_int, same_index
from dialects.pto.pipes import ReserveBufferOp
from dialects.pto.tiles import InsertOp, SubviewOp, UndefOp
from dialects.pto.types import TileLayout
from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets import Chip, Ptoas
from dsv4_passes.transforms.common.byte_ranges import stretch
from dsv4_passes.transforms.common.coalescing import (
    CoalescingClasses,
    byte_offset,
    in_place_operands,
    is_null,
    is_slot,
    storage_of,
    tile_results,
)
from dsv4_passes.transforms.common.live_ranges import LiveRange
from dsv4_passes.transforms.common.scratch import scratch_layout

from .address_planner import LiveBuffer, plan

ALWAYS = LiveRange([(0, 1 << 60)])


class DoesNotFit(UserError):
    """A chip has too little memory of some space; `why` says it without the plan."""

    def __init__(self, space: str, why: str, table: Sequence[str], location: LocationAttr | None):
        super().__init__(f"{why}; the plan is:\n" + "\n".join(table), location)
        self.space, self.why = space, why


class ScratchOperand(NamedTuple):
    """The scratch operand of an operation: its tile, and its address if it has one."""

    layout: TileLayout
    address: int | None


class Places:
    """Webs, pieces, scratch memory and addresses of one function; raises DoesNotFit."""

    def __init__(self, function: func.FuncOp, chip: Chip, ptoas: Ptoas, level: int, nested: bool = True):
        self.function, self.chip, self.addressed = function, chip, level == 3
        self.classes = CoalescingClasses(function, self.addressed, nested)
        self.pieces: dict[SSAValue, InsertOp] = {}
        for op in function.walk():
            if isinstance(op, InsertOp) and op not in self.classes.in_place and self._written_in_place(op):
                self.pieces[op.source] = op
        self.scratch: dict[Operation, ScratchOperand] = {}
        for op in function.walk():
            if isinstance(op, TileOp) and (layout := scratch_layout(op, chip, ptoas, level)) is not None:
                self.scratch[op] = ScratchOperand(layout, None)
        self.addresses: dict[SSAValue, int] = {}
        if self.addressed:
            self._plan()

    # -- pieces ------------------------------------------------------------------------------------

    def _written_in_place(self, insert: InsertOp) -> bool:
        """The producer of a piece can write straight into the window where the piece is inserted.

        Between the producer and the insert nothing may read the tile's old value, and tile and window
        must be known before the producer. The producer itself may read the lanes that it replaces.
        """
        piece, producer = insert.source, insert.source.owner
        if not isinstance(producer, TileOp) or producer.parent is not insert.parent:
            return False
        if len(tile_results(producer)) != 1 or producer.TIED or len(list(piece.uses)) != 1:
            return False
        if producer.FILLS:
            return False
        if isinstance(insert.dest.owner, UndefOp) and insert.dest.owner.parent is producer.parent:
            if not self._begin_before(insert.dest.owner, producer):
                return False
        if not all(self._known_before(v, producer) for v in (insert.row, insert.col, insert.dest)):
            return False
        return self._reads_own_lanes(producer, insert) and not self._read_between(producer, insert)

    def _begin_before(self, undef: UndefOp, producer: TileOp) -> bool:
        """Move the beginning of a tile ahead of the producer of a piece, if its buffer is free until then."""
        first, begin = 2 * self.classes.position[producer] + 1, self.classes.own[undef.res].start
        web = self.classes.find(undef.res)
        if begin > first:
            if self.classes.live[web].overlaps(LiveRange([(first, begin - 1)])):
                return False
            self.classes.live[web].add(first, begin)
            self.classes.own[undef.res].add(first, begin)
        undef.detach()
        assert producer.parent is not None
        producer.parent.insert_op_before(undef, producer)
        self.classes.position[undef] = self.classes.position[producer] - 1
        return True

    def _reads_own_lanes(self, producer: TileOp, insert: InsertOp) -> bool:
        """Of the tile, the producer reads windows beside the one it writes, and that one lane by lane."""
        names = in_place_operands(producer)
        for name, value in producer.named_operands():
            if not self.classes.same(storage_of(value), storage_of(insert.dest)):
                continue
            window = value.owner
            if isinstance(window, SubviewOp) and window.source is insert.dest and _beside(window, insert):
                continue
            if name not in names or not isinstance(window, SubviewOp) or window.source is not insert.dest:
                return False
            same_place = all(map(same_index, window.offsets, (insert.row, insert.col)))
            have, result = layout_of(value), layout_of(insert.source)
            if not same_place or (have.shape, have.dtype) != (result.shape, result.dtype):
                return False
        return True

    def _read_between(self, producer: Operation, insert: InsertOp) -> bool:
        op = producer.next_op
        while op is not None and op is not insert:
            if op.regions or any(
                self.classes.same(storage_of(v), storage_of(insert.dest)) for v in op.operands
            ):
                return True
            op = op.next_op
        return False

    def _known_before(self, value: SSAValue, op: Operation) -> bool:
        owner = value.owner
        if isinstance(owner, Block) or owner.parent is not op.parent:
            return True
        return self.classes.position[owner] < self.classes.position[op]

    # -- addresses ---------------------------------------------------------------------------------

    def address(self, value: SSAValue) -> int | None:
        """Where the bytes of a value begin; None if it is not one stretch of an addressed buffer."""
        root = storage_of(value)
        if root is None or not self.addressed or is_slot(root) or root in self.pieces:
            return None
        offset = byte_offset(value, True)
        if offset is None:
            return None
        return self.addresses[self.classes.find(root)] + self.classes.inside.get(root, 0) + offset

    def window_address(self, insert: InsertOp) -> int | None:
        """Where the window of an insert begins, if it is one stretch of bytes."""
        base = self.address(insert.dest)
        if base is None:
            return None
        whole, size = layout_of(insert.dest), layout_of(insert.source).shape
        inside = stretch(whole, size, insert.row, insert.col)
        return None if inside is None or (base + inside) % 32 else base + inside

    def _plan(self) -> None:
        classes: dict[SSAValue, list[SSAValue]] = {}
        for root in self.classes.roots():
            if root not in self.pieces and not is_slot(root):
                classes.setdefault(self.classes.find(root), []).append(root)
        wanted: dict[str, list[tuple[SSAValue | Operation, LiveBuffer]]] = {}
        for web, roots in classes.items():
            layouts = [layout_of(root) for root in roots]
            if all(is_null(layout) for layout in layouts):
                self.addresses[web] = 0
                continue
            wanted.setdefault(layouts[0].loc, []).append((web, self._buffer(roots)))
        for op, (layout, _) in self.scratch.items():
            at = 2 * self.classes.position[op]
            parts = [(layout.bytes, LiveRange([(at, at + 1)]))]
            align = self.chip.memory(layout.loc).align
            wanted.setdefault(layout.loc, []).append((op, LiveBuffer(f"scratch of {op.name}", align, parts)))
        for space, buffers in wanted.items():
            self._plan_space(space, buffers)

    def _buffer(self, roots: list[SSAValue]) -> LiveBuffer:
        """What the values of a web need.

        Each is alive through the write of its last reader: a result takes over an operand's bytes exactly,
        as one web with it, or not at all.
        """
        parts: dict[int, LiveRange] = {}
        for root in roots:
            end = self.classes.inside.get(root, 0) + layout_of(root).bytes
            live = parts.setdefault(end, LiveRange())
            for start, end in self.classes.own[root].segments:
                live.add(start, end | 1)
        name = next((r.name_hint for r in roots if r.name_hint), "tile")
        return LiveBuffer(name, self.chip.memory(layout_of(roots[0]).loc).align, list(parts.items()))

    def _plan_space(self, space: str, wanted: list[tuple[SSAValue | Operation, LiveBuffer]]) -> None:
        slots = self._slots(space)
        made = plan([*slots, *(buffer for _, buffer in wanted)])
        if made.peak > (usable := self.chip.memory(space).usable):
            why = (
                f"'{self.function.sym_name.data}' needs {made.peak} bytes of {space} memory, "
                f"{self.chip.name} has {usable} usable"
            )
            raise DoesNotFit(space, why, made.table(), self.function.location)
        for (key, _), address in zip(wanted, made.addresses[len(slots) :], strict=True):
            if isinstance(key, Operation):
                self.scratch[key] = self.scratch[key]._replace(address=address)
            else:
                self.addresses[key] = address

    def _slots(self, space: str) -> list[LiveBuffer]:
        """What pipes keep for themselves."""
        return [
            LiveBuffer(
                f"pipe slots of {op.buffer_name.data}", 1, [(op.size.value.data, ALWAYS)], op.base.value.data
            )
            for op in self.function.walk()
            if isinstance(op, ReserveBufferOp) and op.space.data == space and isinstance(op.base, IntegerAttr)
        ]


def _beside(window: SubviewOp, insert: InsertOp) -> bool:
    """A window of the tile shares no row, or no column, with the one where something is inserted."""
    sizes = layout_of(insert.source).shape
    boxes = zip(window.offsets, window.static_sizes, (insert.row, insert.col), sizes, strict=True)
    for read, length, written, size in boxes:
        first, second = constant_int(read), constant_int(written)
        if first is not None and second is not None and (first + length <= second or second + size <= first):
            return True
    return False
