"""What the operations of a function cost together, in value form or in buffer form.

    costs = function_cost(function, chip)
    costs.cycles.lo, costs.cycles.hi, costs.cycles.estimates, costs.loaded, costs.stored

Loops count as often as they run; one whose bounds are not constant counts once, and `costs.open_loops` says
how many of those there are. Of a branch the costlier side counts. All numbers are a model (`targets/costs`).
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeGuard

from xdsl.dialects import func, scf
from xdsl.ir import Block, Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.allocation import AllocTileOp
from dialects.pto.base import MEMORY_TYPES, TileOp
from dialects.pto.channels import PopOp, PushOp
from dialects.pto.tiles import InsertOp, SubviewOp
from dialects.pto.types import DYNAMIC, AnyTileType, TileLayout, TileType
from dsv4_passes.equivalence.gm_mod_ref import root
from dsv4_passes.formats.pto.live_bytes import allocation_of, bytes_of
from dsv4_passes.targets import Chip, Cost, cost, hand_over, total, wait
from dsv4_passes.targets.costs import FREE
from dsv4_passes.targets.elements import element_bytes
from dsv4_passes.targets.timeline import Timeline
from dsv4_passes.xdsl_extras.loops import trips

# What the shape of these is that of: their source, not their destination.
_WALK_SOURCE = frozenset(
    "ttrans tcmps tcmp trowsum trowmax trowmin trowprod tcolsum tcolmax tcolmin tcolprod".split()
)
_SCALAR = frozenset(("tsetval", "tgetval"))
_MOVES = frozenset(("tload", "tstore", "tmov", "textract", "tinsert"))
_PIPES = {
    "gm": "load",
    "mat-left": "mat to left/right",
    "mat-right": "mat to left/right",
    "acc": "drain",
}


@dataclass(frozen=True)
class FunctionCost:
    """What one run of a function costs, by the model."""

    cycles: Cost
    """From the first operation to the last, pipes overlapping."""
    pipes: dict[str, Cost]
    """How long each pipe is busy."""
    operations: dict[str, tuple[float, Cost]]
    """How often each operation runs, and what all its runs cost."""
    loaded: float
    """Bytes from GM."""
    stored: float
    """Bytes to GM."""
    open_loops: int
    """Loops of unknown length, counted as one trip."""

    @property
    def moved(self) -> float:
        return self.loaded + self.stored


def op_cost(op: Operation, chip: Chip) -> Cost:
    """Cycles of one run of one operation; other than tile operations cost nothing."""
    if isinstance(op, (PushOp, PopOp)):
        return _channel_cost(op, chip)
    if isinstance(op, CoreMoveOp):
        return _move_cost(op, chip)
    if not isinstance(op, TileOp) or op.mnemonic() in FREE:
        return Cost()
    mnemonic = op.mnemonic()
    tiles = [t for v in op.inputs() if (t := _layout(v)) is not None]
    made = [t for v in op.destinations() if (t := _layout(v)) is not None]
    if mnemonic.startswith(("tmatmul", "tgemv")) and made:
        left = _layout(op.required("lhs"))
        assert left is not None
        return cost(mnemonic, "", *_extent(made[0]), left.dtype, chip, _extent(left)[1])
    walked = _walked(op, tiles, made)
    if walked is None:
        return Cost()
    rows, cols = _extent(walked)
    form = _form(op, tiles, made)
    spent = cost(mnemonic, form, rows, cols, walked.dtype, chip, stride=_stride(op, cols))
    # what a cube kernel leaves in GM is read by a task that waits for it
    return total((spent, wait(chip, "task_hand_over"))) if form == "acc-gm" else spent


def function_cost(function: func.FuncOp, chip: Chip) -> FunctionCost:
    """What one run of the function costs on one core of the chip; a declaration costs nothing."""
    return block_cost(function.body.block if function.body.blocks else Block(), chip)


def block_cost(block: Block, chip: Chip) -> FunctionCost:
    """What one run of a block costs, the regions in it included."""
    issues = _Issues(block, chip)
    lower, upper = (_Walk(block, issues, reading) for reading in (0, 1))
    busy = total(each.cost for each in lower.pipes.values())
    ends = lower.times.end, upper.times.end
    return FunctionCost(
        Cost(min(ends), max(ends), busy.estimates, busy.source),
        {pipe: each.cost for pipe, each in lower.pipes.items()},
        {name: (each.count, each.cost) for name, each in lower.operations.items()},
        lower.bytes["tload"],
        lower.bytes["tstore"],
        lower.open_loops,
    )


def _channel_cost(op: PushOp | PopOp, chip: Chip) -> Cost:
    layout = _layout(op.tile)
    waits = wait(chip) if isinstance(op, PopOp) else Cost()
    if layout is None:
        return waits
    return waits + cost(op.name.removeprefix("pto."), "", *_extent(layout), layout.dtype, chip)


def _move_cost(op: CoreMoveOp, chip: Chip) -> Cost:
    """A move in value form: a hand-over where it changes the core, else what copies from there to there."""
    source, dest = _layout(op.source), _layout(op.res)
    if source is None or dest is None:
        return Cost()
    rows, cols = _extent(source)
    if "vec" in (source.loc, dest.loc) and source.loc != dest.loc:
        return hand_over(source.loc, dest.loc, rows, cols, source.dtype, chip)
    return cost("tmov", f"{source.loc}-{dest.loc}", rows, cols, source.dtype, chip)


def _walked(op: TileOp, tiles: list[TileLayout], made: list[TileLayout]) -> TileLayout | None:
    """The tile whose lanes the operation goes through; of a conversion the wider one."""
    mnemonic = op.mnemonic()
    from_source = mnemonic in _WALK_SOURCE or mnemonic == "tscatter" or op.form() == "mask"
    if tiles and (from_source or not made):
        return tiles[0]
    if mnemonic == "tcvt" and tiles:
        return max(made[0], tiles[0], key=lambda tile: element_bytes(tile.dtype))
    return made[0] if made else None


def _form(op: TileOp, tiles: list[TileLayout], made: list[TileLayout]) -> str:
    if op.mnemonic() == "tcvt" and tiles and made:
        return "widen" if element_bytes(made[0].dtype) > element_bytes(tiles[0].dtype) else ""
    if op.mnemonic() in _MOVES:
        return f"{tiles[0].loc if tiles else 'gm'}-{made[0].loc if made else 'gm'}"
    return op.form()


def _layout(value: SSAValue) -> TileLayout | None:
    return value.type.data if isinstance(value.type, AnyTileType) else None


def _extent(tile: TileLayout) -> tuple[int, int]:
    """Rows and columns that are valid; all of them where that is known only when it runs."""
    return (
        tile.rows if tile.valid_rows == DYNAMIC else tile.valid_rows,
        tile.cols if tile.valid_cols == DYNAMIC else tile.valid_cols,
    )


def _stride(op: TileOp, cols: int) -> int:
    """Elements from row to row, where some operand or the result is a part of wider rows; else 0."""
    widths = [width for v in (*op.inputs(), *op.destinations()) if (width := _row_width(v)) > cols]
    return max(widths, default=0)


def _row_width(value: SSAValue) -> int:
    if not isinstance(value.type, AnyTileType):
        return 0
    while isinstance(value.owner, SubviewOp):
        value = value.owner.source
    uses = list(value.uses)
    if len(uses) == 1 and isinstance(into := uses[0].operation, InsertOp) and into.source is value:
        value = into.dest
    layout = _layout(value)
    return layout.cols if layout is not None and layout.rows > 1 else 0


def _pipe(op: Operation) -> str:
    if isinstance(op, PopOp):
        return "load"
    if isinstance(op, CoreMoveOp):
        return "hand-over"
    if isinstance(op, PushOp):
        return "drain" if op.name == "pto.tpush_to_aiv" else "store"
    assert isinstance(op, TileOp)
    mnemonic = op.mnemonic()
    if mnemonic.startswith(("tmatmul", "tgemv")):
        return "cube"
    if mnemonic in _SCALAR:
        return "scalar"
    if mnemonic not in _MOVES:
        return "vector"
    tiles = [t for v in op.inputs() if (t := _layout(v)) is not None]
    made = [t for v in op.destinations() if (t := _layout(v)) is not None]
    source, dest = tiles[0].loc if tiles else "gm", made[0].loc if made else "gm"
    if (pipe := _PIPES.get(source) or _PIPES.get(f"{source}-{dest}")) is not None:
        return pipe
    return "vector" if dest == "vec" else "store"


@dataclass
class _Sum:
    count: float = 0
    cost: Cost = field(default_factory=Cost)


class _Walk:
    """Follows a block along a timeline, with the lower or the upper reading of every number.

    `weight` is how often what is followed runs; 0 where it has been counted before.
    """

    def __init__(self, block: Block, issues: "_Issues", reading: int):
        self._issues, self._reading = issues, reading
        self._weight = 1.0
        self.times = Timeline()
        self.operations: dict[str, _Sum] = defaultdict(_Sum)
        self.pipes: dict[str, _Sum] = defaultdict(_Sum)
        self.bytes = {"tload": 0.0, "tstore": 0.0}
        self.open_loops = 0
        self.block(block)

    def block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, scf.ForOp):
                self._loop(op)
            elif isinstance(op, scf.IfOp):
                self._branch(op)
            elif op.regions:
                for region in op.regions:
                    for inner in region.blocks:
                        self.block(inner)
            elif (issue := self._issues.of(op)) is not None:
                cycles = issue.cost.hi if self._reading else issue.cost.lo
                self.times.issue(issue.pipe, cycles, issue.reads, issue.writes)
                if self._weight:
                    self._count(op, issue.pipe, issue.cost)

    def _count(self, op: Operation, pipe: str, each: Cost) -> None:
        name = op.name.partition(".")[2]
        if isinstance(op, TileOp):
            if name in self.bytes:
                tile = op.destinations()[0] if name == "tload" else op.inputs()[0]
                self.bytes[name] += self._weight * _bytes(tile)
            name += f" ({op.form()})" if op.form() else ""
        for entry in (self.operations[name], self.pipes[pipe]):
            entry.count += self._weight
            entry.cost += each.times(self._weight)

    def _loop(self, op: scf.ForOp) -> None:
        number, body, weight = trips(op), op.body.block, self._weight
        if number is None:
            number = 1
            self.open_loops += bool(weight)
        carried = body.args[1:]
        self._hand(op.iter_args, carried)

        def trip(index: int) -> None:
            self._weight = 0 if index else weight * number
            self.block(body)
            self._yield(body, carried)

        self.times.loop(number, trip)
        self._weight = weight
        self._hand(carried, op.results)

    def _branch(self, op: scf.IfOp) -> None:
        blocks = [block for region in op.regions for block in region.blocks]
        costlier = max(blocks, key=self._work, default=None)
        weight = self._weight

        def side(block: Block) -> None:
            self._weight = weight if block is costlier else 0
            self.block(block)
            self._yield(block, op.results)

        self.times.branches([lambda block=block: side(block) for block in blocks])
        self._weight = weight

    def _work(self, block: Block) -> float:
        return sum(self._issues.cost(op).hi for op in block.walk())

    def _yield(self, block: Block, targets: Sequence[SSAValue]) -> None:
        if isinstance(last := block.last_op, scf.YieldOp):
            self._hand(last.operands, targets)

    def _hand(self, sources: Sequence[SSAValue], targets: Sequence[SSAValue]) -> None:
        for source, target in zip(sources, targets, strict=True):
            if isinstance(target.type, AnyTileType):
                self.times.hand(self._issues.places.of([source]), self._issues.places.of([target]))


def _costs_something(op: Operation) -> TypeGuard[TileOp | PushOp | PopOp | CoreMoveOp]:
    """Whether it does work; all else that makes a tile is a view of one."""
    return isinstance(op, (TileOp, PushOp, PopOp, CoreMoveOp)) and op.name.removeprefix("pto.") not in FREE


class _Issue(NamedTuple):
    """What the timeline is told of an operation."""

    pipe: str
    cost: Cost
    reads: list[Hashable]
    writes: list[Hashable]


class _Issues:
    """Operations as the timeline sees them, looked at once for all trips and both readings."""

    def __init__(self, block: Block, chip: Chip):
        self.places = _Places(block)
        self._chip = chip
        self._known: dict[Operation, _Issue | None] = {}

    def of(self, op: Operation) -> _Issue | None:
        """None for an operation that does no work."""
        if op not in self._known:
            self._known[op] = self._find(op) if _costs_something(op) else None
        return self._known[op]

    def cost(self, op: Operation) -> Cost:
        return Cost() if (issue := self.of(op)) is None else issue.cost

    def _find(self, op: TileOp | PushOp | PopOp | CoreMoveOp) -> _Issue:
        reads: list[SSAValue] = list(op.operands)
        writes: list[SSAValue] = list(op.results)
        if isinstance(op, TileOp):
            reads = [*op.ins, *(op.outs if op.reads_destination() else ())]
            writes = [*op.destinations(), *op.scratch_operands()]
        places = self.places.of(reads), self.places.of(writes)
        return _Issue(_pipe(op), op_cost(op, self._chip), *places)


class _Places:
    """The resource of a value on the timeline: a tile value, the bytes of a buffer, or an argument in GM."""

    def __init__(self, block: Block):
        self._known: dict[SSAValue, tuple[Hashable, ...]] = {}
        ends: dict[str, set[int]] = defaultdict(set)
        for op in block.walk():
            if isinstance(op, AllocTileOp) and (found := bytes_of(op.res, op.layout.loc)) is not None:
                ends[op.layout.loc].update(found)
        self._ends = {space: sorted(found) for space, found in ends.items()}

    def of(self, values: Iterable[SSAValue]) -> list[Hashable]:
        return [place for value in values for place in self._of(value)]

    def _of(self, value: SSAValue) -> tuple[Hashable, ...]:
        if (known := self._known.get(value)) is None:
            known = self._known[value] = self._find(value)
        return known

    def _find(self, value: SSAValue) -> tuple[Hashable, ...]:
        if isinstance(value.type, TileType):
            owner = value.owner
            if isinstance(owner, Operation) and not owner.regions and not _costs_something(owner):
                tiles = [v for v in owner.operands if isinstance(v.type, TileType)]
                return tuple(self.of(tiles)) or (value,)
            return (value,)
        if isinstance(value.type, AnyTileType):
            tile = allocation_of(value)
            if tile is None:
                return (value,)
            found = bytes_of(value, space := tile.layout.loc)
            if found is None:
                return (tile,)
            ends = self._ends[space]
            pieces = range(bisect_left(ends, found[0]), bisect_left(ends, found[1]))
            return tuple((space, piece) for piece in pieces)
        if isinstance(value.type, MEMORY_TYPES):
            return (root(value) or "gm",)
        return ()


def _bytes(value: SSAValue) -> int:
    if (layout := _layout(value)) is None:
        return 0
    rows, cols = _extent(layout)
    return rows * cols * element_bytes(layout.dtype)
