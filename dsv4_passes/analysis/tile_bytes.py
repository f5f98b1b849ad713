"""Which bytes of on-chip memory every operation of a buffer-form function reads and writes.

Real kernels reuse addresses: two handles can be the same bytes with no operation between them. So all
questions about values are asked of byte ranges. A `Handle` says where a tile lives; `Access` is one read
or write of it; `Summary` is what a block reads before it writes it, and what it writes; `live_after`
says which ranges are read after a loop or branch.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.dialects import scf
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dialects.pto.base import TileOp
from dialects.pto.memory import constant_int
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import AllocTileOp, BitcastOp, SetValidShapeOp, SubviewOp, TReshapeOp
from dialects.pto.types import DYNAMIC, TileBufType, TileLayout

Space = str | SSAValue
"""A memory space with addresses, or the handle that has a region of its own."""

Extent = int | SSAValue | None
"""A valid extent: a number, an index value, or not known."""


class CannotRaise(Exception):
    """Why a function must stay in buffer form, and the operation that says so."""

    def __init__(self, op: Operation, reason: str, why: str):
        super().__init__(why)
        self.op, self.reason, self.why = op, reason, why


@dataclass(frozen=True, eq=False)
class Window:
    """A box of another handle: a subview that does not cover its parent."""

    parent: "Handle"
    row: SSAValue
    col: SSAValue


@dataclass(frozen=True, eq=False)
class Handle:
    """Where a tile lives: bytes `[lo, hi)` of a space, and how they are laid out."""

    space: Space
    lo: int
    layout: TileLayout
    valid: tuple[Extent, Extent]
    window: Window | None = None

    @property
    def hi(self) -> int:
        return self.lo + self.layout.bytes

    @property
    def bytes(self) -> tuple[Space, int, int]:
        return self.space, self.lo, self.hi

    @property
    def root(self) -> "Handle":
        """The handle whose bytes are contiguous: itself, or the parent of its window."""
        return self.window.parent.root if self.window else self

    def access(self, guards: frozenset[SSAValue] = frozenset(), partial: bool = False) -> "Access":
        """A read or write of the whole of this handle."""
        return Access(self.space, self.lo, self.hi, self.layout, self.valid, guards, partial)

    @property
    def is_null(self) -> bool:
        """Nothing is valid: such a handle is neither read nor written."""
        return 0 in self.valid


class Access(NamedTuple):
    """A read or write of contiguous bytes. `guards` are the loops in whose first trip it cannot happen."""

    space: Space
    lo: int
    hi: int
    layout: TileLayout
    valid: tuple[Extent, Extent]
    guards: frozenset[SSAValue] = frozenset()
    partial: bool = False

    @property
    def range(self) -> tuple[Space, int, int]:
        return self.space, self.lo, self.hi


class Ranges:
    """A set of bytes: sorted disjoint intervals per space."""

    def __init__(self, other: "Ranges | None" = None):
        self.spans: dict[Space, list[tuple[int, int]]] = (
            {space: list(spans) for space, spans in other.spans.items()} if other else {}
        )

    def add(self, space: Space, lo: int, hi: int) -> None:
        spans = self.spans.setdefault(space, [])
        kept = [s for s in spans if s[1] < lo or s[0] > hi]
        if len(kept) != len(spans):
            lo = min(lo, min(s[0] for s in spans if not (s[1] < lo or s[0] > hi)))
            hi = max(hi, max(s[1] for s in spans if not (s[1] < lo or s[0] > hi)))
        kept.append((lo, hi))
        kept.sort()
        self.spans[space] = kept

    def remove(self, space: Space, lo: int, hi: int) -> None:
        if not (spans := self.spans.get(space)):
            return
        left: list[tuple[int, int]] = []
        for start, end in spans:
            if end <= lo or start >= hi:
                left.append((start, end))
                continue
            if start < lo:
                left.append((start, lo))
            if end > hi:
                left.append((hi, end))
        self.spans[space] = left

    def update(self, accesses: Iterable[Access]) -> None:
        for access in accesses:
            self.add(*access.range)

    def covers(self, space: Space, lo: int, hi: int) -> bool:
        return any(start <= lo and hi <= end for start, end in self.spans.get(space, ()))

    def touches(self, space: Space, lo: int, hi: int) -> bool:
        return any(start < hi and lo < end for start, end in self.spans.get(space, ()))

    def intersection(self, other: "Ranges") -> "Ranges":
        both = Ranges()
        for space, spans in self.spans.items():
            for start, end in spans:
                for lo, hi in other.spans.get(space, ()):
                    if max(start, lo) < min(end, hi):
                        both.add(space, max(start, lo), min(end, hi))
        return both


@dataclass
class Summary:
    """What a block or operation does to memory, seen from outside."""

    exposed: list[Access] = field(default_factory=list[Access])
    """Reads of bytes that it has not itself written before."""
    written: list[Access] = field(default_factory=list[Access])
    """Writes that may happen."""
    certain: Ranges = field(default_factory=Ranges)
    """Bytes that are written on every path through it."""


class TileBytes:
    """Handles and summaries of one function; every operation is looked at once per nesting level."""

    def __init__(self, body: Block, watch: Collection[Operation] = ()):
        self._watch = frozenset(watch)
        self.handles: dict[SSAValue, Handle] = {}
        self.blocks: dict[Block, Summary] = {}
        self.first_trip: dict[Operation, Ranges] = {}
        """What a loop's first trip may read of the bytes before the loop."""
        self.live_after: dict[Operation, Ranges] = {}
        """What is read after a loop or branch, and after the operations to watch."""
        self._resolve(body)
        self._summarise(body)
        self._liveness(body, Ranges())

    # -- handles ---------------------------------------------------------------------------------

    def _resolve(self, body: Block) -> None:
        for op in body.walk():
            if isinstance(op, AllocTileOp):
                self.handles[op.res] = _allocation(op)
            elif isinstance(op, (TReshapeOp, BitcastOp)) and isinstance(op.res.type, TileBufType):
                source = self.handles[op.source]
                if source.window is not None:
                    raise CannotRaise(op, "cast of a window", "it casts a window of a tile")
                self.handles[op.res] = Handle(
                    source.space, source.lo, op.res.type.data, op.res.type.data.valid
                )
            elif isinstance(op, SubviewOp) and isinstance(op.res.type, TileBufType):
                self.handles[op.res] = self._subview(op)
            else:
                for result in op.results:
                    if isinstance(result.type, TileBufType):
                        layout = result.type.data
                        given = iter(op.operands)
                        valid = tuple(next(given, None) if e == DYNAMIC else e for e in layout.valid)
                        self.handles[result] = Handle(
                            result, 0, layout, (_extent(valid[0]), _extent(valid[1]))
                        )

    def _subview(self, op: SubviewOp) -> Handle:
        parent = self.handles[op.source]
        layout = layout_of_buffer(op.res.type)
        extents = list(op.valid) or list(layout.valid)
        valid = (_extent(extents[0]), _extent(extents[1]))
        offsets = [constant_int(offset) for offset in op.offsets]
        if offsets == [0, 0] and layout.shape == parent.layout.shape:
            return Handle(parent.space, parent.lo, layout, valid, parent.window)
        return Handle(parent.space, parent.lo, layout, valid, Window(parent, *op.offsets))

    # -- accesses --------------------------------------------------------------------------------

    def reads(self, op: Operation) -> Iterator[tuple[SSAValue, Handle]]:
        """Tile operands that an operation reads; scratch and destinations are not among them."""
        operands = op.inputs() if isinstance(op, TileOp) else op.operands
        if isinstance(op, (AllocTileOp, SubviewOp, TReshapeOp, BitcastOp, SetValidShapeOp)):
            return
        if self.moves_onto_itself(op):
            return
        for operand in operands:
            if (handle := self.handles.get(operand)) is not None and not handle.is_null:
                yield operand, handle

    def writes(self, op: Operation) -> Iterator[tuple[SSAValue, Handle]]:
        """Tile handles that an operation writes."""
        if isinstance(op, TileOp) and not self.moves_onto_itself(op):
            for operand in op.outs:
                if (handle := self.handles.get(operand)) is not None and not handle.is_null:
                    yield operand, handle

    def moves_onto_itself(self, op: Operation) -> bool:
        """A move between two handles of the same bytes and type does nothing."""
        if not isinstance(op, TMovOp) or len(op.ins) != 1 or len(op.outs) != 1:
            return False
        source, dest = self.handles.get(op.ins[0]), self.handles.get(op.outs[0])
        return (
            source is not None
            and dest is not None
            and source.window is None
            and dest.window is None
            and (source.bytes, source.layout, source.valid) == (dest.bytes, dest.layout, dest.valid)
        )

    def _summarise(self, block: Block, guards: frozenset[SSAValue] = frozenset()) -> Summary:
        summary = Summary()
        for op in block.ops:
            inner = self._summarise_op(op, guards)
            for access in inner.exposed:
                if not summary.certain.covers(*access.range):
                    summary.exposed.append(access)
            summary.written.extend(inner.written)
            for space, spans in inner.certain.spans.items():
                for span in spans:
                    summary.certain.add(space, *span)
        summary.exposed = list(dict.fromkeys(summary.exposed))
        summary.written = list(dict.fromkeys(summary.written))
        self.blocks[block] = summary
        return summary

    def _summarise_op(self, op: Operation, guards: frozenset[SSAValue]) -> Summary:
        if isinstance(op, scf.ForOp):
            return self._summarise_loop(op, guards)
        if isinstance(op, scf.IfOp):
            return self._summarise_branch(op, guards)
        summary = Summary()
        for region in op.regions:
            for block in region.blocks:
                inner = self._summarise(block, guards)
                summary.exposed += inner.exposed
                summary.written += inner.written
        for _, handle in self.reads(op):
            root = handle.root
            summary.exposed.append(root.access(guards))
        for _, handle in self.writes(op):
            root = handle.root
            partial = handle.window is not None or updates(op)
            if partial:
                summary.exposed.append(root.access(guards, partial=True))
            else:
                summary.certain.add(root.space, root.lo, root.hi)
            summary.written.append(root.access())
        return summary

    def _summarise_loop(self, op: scf.ForOp, guards: frozenset[SSAValue]) -> Summary:
        block = op.body.block
        body = self._summarise(block, guards)
        iv = block.args[0]
        # What only later trips read, and every trip leaves written, does not come from before the loop.
        outer = [
            a._replace(guards=a.guards - {iv})
            for a in body.exposed
            if not (iv in a.guards and body.certain.covers(*a.range)) and not self.assembles(op, a)
        ]
        self.first_trip[op] = Ranges()
        self.first_trip[op].update(outer)
        certain = body.certain if (trips(op) or 0) > 0 else Ranges()
        return Summary(outer, body.written, Ranges(certain))

    def _summarise_branch(self, op: scf.IfOp, guards: frozenset[SSAValue]) -> Summary:
        first, later = first_trip_guard(op)
        then = self._summarise(op.true_region.block, guards | _one(later))
        if not op.false_region.blocks:
            return Summary(then.exposed, then.written, Ranges())
        other = self._summarise(op.false_region.block, guards | _one(first))
        certain = then.certain.intersection(other.certain)
        return Summary(then.exposed + other.exposed, then.written + other.written, certain)

    def assembles(self, loop: scf.ForOp, base: Access) -> bool:
        """The loop writes every row of `base` by inserting row `iv` in trip `iv`, and reads it nowhere else.

        Then what was in those bytes before the loop cannot be seen.
        """
        if not base.partial or trips(loop) is None or constant_int(loop.lb) != 0:
            return False
        step, block = constant_int(loop.step) or 0, loop.body.block
        iv, end = block.args[0], constant_int(loop.ub) or 0
        inserted = False
        for op in block.walk():
            for _, handle in self.reads(op):
                root = handle.root
                if root.space == base.space and root.lo < base.hi and base.lo < root.hi:
                    return False
            for _, handle in self.writes(op):
                if handle.root.bytes != (base.space, base.lo, base.hi) or op.parent is not block:
                    continue
                window = handle.window
                inserted |= (
                    window is not None
                    and window.parent.window is None
                    and window.row is iv
                    and constant_int(window.col) == 0
                    and handle.layout.cols == base.layout.cols
                    and handle.layout.rows >= step
                    and end >= base.layout.rows
                    and handle.valid == handle.layout.shape
                )
        return inserted

    # -- liveness --------------------------------------------------------------------------------

    def _liveness(self, block: Block, live: Ranges) -> None:
        """Walk backwards from what is live behind the block; `live` is changed in place."""
        for op in reversed(list(block.ops)):
            if op in self._watch:
                self.live_after[op] = Ranges(live)
            if isinstance(op, scf.ForOp):
                self.live_after[op] = after = Ranges(live)
                inside = Ranges(after)
                inside.update(self.blocks[op.body.block].exposed)
                self._liveness(op.body.block, inside)
                for space, spans in inside.spans.items():
                    for span in spans:
                        live.add(space, *span)
                continue
            if isinstance(op, scf.IfOp):
                self.live_after[op] = after = Ranges(live)
                before = Ranges() if op.false_region.blocks else Ranges(after)
                for region in op.regions:
                    for inner in region.blocks:
                        branch = Ranges(after)
                        self._liveness(inner, branch)
                        for space, spans in branch.spans.items():
                            for span in spans:
                                before.add(space, *span)
                live.spans = before.spans
                continue
            for region in op.regions:
                for inner in region.blocks:
                    self._liveness(inner, live)
            for _, handle in self.writes(op):
                if handle.window is None and not updates(op):
                    live.remove(handle.space, handle.lo, handle.hi)
                else:
                    root = handle.root
                    live.add(root.space, root.lo, root.hi)
            for _, handle in self.reads(op):
                root = handle.root
                live.add(root.space, root.lo, root.hi)


def _one(value: SSAValue | None) -> frozenset[SSAValue]:
    return frozenset() if value is None else frozenset((value,))


def updates(op: Operation) -> bool:
    """The operation keeps part of what its destination held before."""
    return isinstance(op, TileOp) and op.reads_destination()


def layout_of_buffer(type_: Attribute) -> TileLayout:
    assert isinstance(type_, TileBufType)
    return type_.data


def _extent(value: int | SSAValue | None) -> Extent:
    if isinstance(value, SSAValue):
        number = constant_int(value)
        return value if number is None else number
    return None if value == DYNAMIC else value


def _allocation(op: AllocTileOp) -> Handle:
    layout = op.layout
    valid = (
        _extent(layout.valid_rows if op.valid_row is None else op.valid_row),
        _extent(layout.valid_cols if op.valid_col is None else op.valid_col),
    )
    if op.addr is None:
        return Handle(op.res, 0, layout, valid)
    address = constant_int(op.addr)
    if address is None:
        raise CannotRaise(op, "dynamic address", "its address is not a constant")
    return Handle(layout.loc, address, layout, valid)


def trips(loop: scf.ForOp) -> int | None:
    """How often a loop with constant bounds runs."""
    lower, upper, step = (constant_int(v) for v in (loop.lb, loop.ub, loop.step))
    if lower is None or upper is None or not step:
        return None
    return max(0, -(-(upper - lower) // step))


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
