"""Where tile values are alive, as segments of positions in one numbering of a function's operations.

An operation at position p reads at 2p and writes at 2p + 1; a region's operations lie between the
start and the end of the operation that holds it. A value may be alive in several segments: it is not
alive in a branch that neither uses it nor passes it on. One walk backwards finds all of them.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, SSAValue


@dataclass
class LiveRange:
    """Disjoint closed segments, sorted; segments that touch are one."""

    segments: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def add(self, start: int, end: int) -> None:
        segments = self.segments
        first = bisect_left(segments, (start,))
        if first and segments[first - 1][1] >= start - 1:
            first -= 1
            start = segments[first][0]
        last = first
        while last < len(segments) and segments[last][0] <= end + 1:
            end = max(end, segments[last][1])
            last += 1
        if first == last:
            insort(segments, (start, end))
        else:
            segments[first:last] = [(start, end)]

    def overlaps(self, other: "LiveRange") -> bool:
        few, many = self.segments, other.segments
        if not few or not many or few[-1][1] < many[0][0] or many[-1][1] < few[0][0]:
            return False
        if len(few) > len(many):
            few, many = many, few
        for start, end in few:
            index = bisect_right(many, (start, end))
            if index < len(many) and many[index][0] <= end:
                return True
            if index and many[index - 1][1] >= start:
                return True
        return False

    def merge(self, other: "LiveRange") -> "LiveRange":
        """All segments of both; one of the two is changed and returned."""
        few, many = sorted((self, other), key=lambda live: len(live.segments))
        for start, end in few.segments:
            many.add(start, end)
        return many

    @property
    def start(self) -> int:
        return self.segments[0][0]

    @property
    def end(self) -> int:
        return self.segments[-1][1]


Track = Callable[[SSAValue], SSAValue | None]
"""A value, or what it is a view of; None for values without a live range."""

Through = Callable[[Operation, int], bool]
"""An operand that must still be there while the operation writes."""


class LiveRanges:
    """Live segments of the values that `track` maps to something."""

    def __init__(self, body: Block, track: Track, through: Through):
        self.track, self.through = track, through
        self.position: dict[Operation, int] = {}
        self.end: dict[Operation, int] = {}
        self.live: dict[SSAValue, LiveRange] = {}
        self._around: dict[Operation, dict[SSAValue, None]] = {}
        """Values from outside that are used in each loop: alive in all of it."""
        self._number(body, 0, [])
        self._open: dict[SSAValue, int] = {}
        self._trail: list[SSAValue] = []
        self._block(body)
        for value, end in self._open.items():
            self._close(value, 0, end)

    # -- forwards ----------------------------------------------------------------------------------

    def _number(self, block: Block, next_: int, loops: list[Operation]) -> int:
        for op in block.ops:
            self.position[op] = next_
            self._note_uses(op, loops)
            next_ += 1
            if op.regions:
                inner = [*loops, op] if isinstance(op, scf.ForOp) else loops
                if isinstance(op, scf.ForOp):
                    self._around[op] = {}
                for region in op.regions:
                    for nested in region.blocks:
                        next_ = self._number(nested, next_, inner)
                self.end[op] = next_
                next_ += 1
        return next_

    def _note_uses(self, op: Operation, loops: list[Operation]) -> None:
        for operand in op.operands if loops else ():
            if (root := self.track(operand)) is None:
                continue
            owner = root.owner
            holder = owner.parent_op() if isinstance(owner, Block) else owner
            inside = isinstance(owner, Block)
            defined = -1 if holder is None else self.position.get(holder, -1)
            for loop in reversed(loops):
                here = self.position[loop]
                if defined > here or (defined == here and inside):
                    break
                self._around[loop][root] = None

    # -- backwards ---------------------------------------------------------------------------------

    def uses(self, op: Operation) -> Iterable[tuple[SSAValue, bool]]:
        for index, operand in enumerate(op.operands):
            if (root := self.track(operand)) is not None:
                yield root, self.through(op, index)

    def _close(self, value: SSAValue, start: int, end: int) -> None:
        self.live.setdefault(value, LiveRange()).add(start, end)

    def _use(self, value: SSAValue, at: int) -> None:
        if value not in self._open:
            self._open[value] = at
            self._trail.append(value)

    def _define(self, value: SSAValue, at: int) -> None:
        if self.track(value) is value:
            self._close(value, at, max(at, self._open.pop(value, at)))

    def _block(self, block: Block) -> None:
        for op in reversed(list(block.ops)):
            start = 2 * self.position[op]
            written = 2 * self.end[op] + 1 if op.regions else start + 1
            for result in op.results:
                self._define(result, written)
            if isinstance(op, scf.ForOp):
                self._loop(op)
            elif isinstance(op, scf.IfOp):
                self._branch(op, start)
            else:
                for region in op.regions:
                    for inner in region.blocks:
                        self._block(inner)
            for value, through in self.uses(op):
                self._use(value, start + through)

    def _loop(self, op: scf.ForOp) -> None:
        for value in self._around[op]:
            self._use(value, 2 * self.end[op])
        block = op.body.block
        self._block(block)
        for argument in block.args:
            self._define(argument, 2 * self.position[op] + 1)

    def _branch(self, op: scf.IfOp, start: int) -> None:
        """A value whose last use is on one side is not alive on the other."""
        outer, used = self._trail, dict[SSAValue, None]()
        for region in op.regions:
            if (block := region.first_block) is None or block.first_op is None:
                continue
            self._trail = []
            self._block(block)
            begin = 2 * self.position[block.first_op] - 1
            for value in self._trail:
                if (until := self._open.pop(value, None)) is not None:
                    self._close(value, begin, until)
                    used[value] = None
        self._trail = outer
        for value in used:
            self._use(value, start)
