"""Where tile values are alive, as segments of positions in one numbering of a function's operations.

An operation at position p reads at 2p and writes at 2p + 1; a region's operations lie between the
start and the end of the operation that holds it. A value may be alive in several segments: it is not
alive in a branch that neither uses it nor passes it on.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, SSAValue


@dataclass
class Live:
    """Disjoint closed segments, sorted."""

    segments: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, start: int, end: int) -> None:
        if self.segments and self.segments[0][0] <= start:
            index = bisect_right(self.segments, (start, end))
            self.segments.insert(index, (start, end))
        else:
            self.segments.insert(0, (start, end))

    def overlaps(self, other: "Live") -> bool:
        few, many = sorted((self.segments, other.segments), key=len)
        for start, end in few:
            index = bisect_right(many, (start, end))
            if index < len(many) and many[index][0] <= end:
                return True
            if index and many[index - 1][1] >= start:
                return True
        return False

    def merge(self, other: "Live") -> None:
        self.segments = sorted((*self.segments, *other.segments))

    @property
    def start(self) -> int:
        return self.segments[0][0]

    @property
    def end(self) -> int:
        return max(end for _, end in self.segments)


class Liveness:
    """Live segments of the values that `track` maps to something: a value or what it is a view of."""

    def __init__(self, body: Block, track: Callable[[SSAValue], SSAValue | None]):
        self.track = track
        self.position: dict[Operation, int] = {}
        self.end: dict[Operation, int] = {}
        self.live: dict[SSAValue, Live] = {}
        self._free: dict[Operation, set[SSAValue]] = {}
        self._number(body, 0)
        self._open: dict[SSAValue, int] = {}
        self._block(body, self._block_end(body))
        for value, end in self._open.items():
            self._close(value, 0, end)

    def _number(self, block: Block, next_: int) -> int:
        for op in block.ops:
            self.position[op] = next_
            next_ += 1
            for region in op.regions:
                for inner in region.blocks:
                    next_ = self._number(inner, next_)
            if op.regions:
                self.end[op] = next_
                next_ += 1
        return next_

    def _block_end(self, block: Block) -> int:
        last = block.last_op
        return 2 * (self.end.get(last, self.position[last]) if last else 0) + 1

    def uses(self, op: Operation) -> Iterable[SSAValue]:
        for operand in op.operands:
            if (root := self.track(operand)) is not None:
                yield root

    def free_values(self, op: Operation) -> set[SSAValue]:
        """Tracked values from outside that are used inside the regions of `op`."""
        if op not in self._free:
            inside: set[SSAValue] = set()
            used: set[SSAValue] = set()
            for region in op.regions:
                for block in region.blocks:
                    inside.update(block.args)
                    for inner in block.ops:
                        used.update(self.uses(inner))
                        used |= self.free_values(inner) if inner.regions else set()
                        inside.update(inner.results)
            self._free[op] = used - inside
        return self._free[op]

    def _close(self, value: SSAValue, start: int, end: int) -> None:
        self.live.setdefault(value, Live()).add(start, end)

    def _use(self, value: SSAValue, at: int) -> None:
        self._open.setdefault(value, at)

    def _block(self, block: Block, end: int) -> None:
        for op in reversed(list(block.ops)):
            start = 2 * self.position[op]
            if op.regions:
                self._structured(op, start)
            for result in op.results:
                if self.track(result) is result:
                    written = 2 * self.end[op] + 1 if op.regions else start + 1
                    self._close(result, written, max(written, self._open.pop(result, written)))
            for value in self.uses(op):
                self._use(value, start)

    def _structured(self, op: Operation, start: int) -> None:
        """Segments behind the operation end here; each block is walked with what is live at its end."""
        end = 2 * self.end[op]
        results = {result: self._open.pop(result) for result in op.results if result in self._open}
        after = set(self._open)
        for value, until in self._open.items():
            self._close(value, end, until)
        live_in: set[SSAValue] = set()
        around = self.free_values(op) if isinstance(op, scf.ForOp) else set[SSAValue]()
        for region in op.regions:
            for block in region.blocks:
                block_end = self._block_end(block)
                self._open = dict.fromkeys(after | around, block_end)
                self._block(block, block_end)
                block_start = 2 * self.position[block.first_op] - 1 if block.first_op else start
                for argument in block.args:
                    if self.track(argument) is argument:
                        self._close(argument, block_start, self._open.pop(argument, block_start))
                for value, until in self._open.items():
                    self._close(value, block_start, until)
                live_in |= self._open.keys()
        if not isinstance(op, (scf.ForOp, scf.IfOp)) or (
            isinstance(op, scf.IfOp) and not op.false_region.blocks
        ):
            live_in |= after
        if isinstance(op, scf.ForOp):
            live_in |= after
        self._open = dict.fromkeys(live_in, start) | results
