"""The body of a joined function: the operations of all its cores, each pop behind its push.

Every core goes on until it pops a tile that has not been pushed, so the order is one of those in which they
may really run. Loops and branches around pushes and pops are merged if all cores have them, with the same
bounds or condition; a loop with few trips that only some cores have is unrolled.
"""

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.channels import ChannelOp, FreeOp, PopOp, PushOp
from dialects.pto.moves import TMovOp
from dialects.pto.pipes import BufferOp, InitializePipeOp
from dialects.pto.tiles import InsertOp, SetValidShapeOp, SubviewOp, UndefOp
from dialects.pto.types import DYNAMIC, TileType
from dsv4_passes.equivalence.gm_mod_ref import only_read, root
from dsv4_passes.transforms.common.unroll import fold_numbers, unroll
from dsv4_passes.xdsl_extras.insert import constant
from dsv4_passes.xdsl_extras.loops import trips

from .subblocks import SPLIT_AXIS, CannotJoin, has_pipes

ENDS = (func.ReturnOp, scf.YieldOp)
MAX_TRIPS = 8
"""Loops with so many trips are unrolled where the other side has written its trips one by one."""


@dataclass
class _Side:
    """One core's function on its way into the joined one. `subblock`: None for the cube."""

    subblock: int | None
    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def get(self, value: SSAValue) -> SSAValue:
        return self.values.get(value, value)


@dataclass
class _Item:
    """A tile in a channel. `moved`: as a whole in the other memory, once a sub-block has taken its half."""

    op: PushOp
    value: SSAValue
    moved: SSAValue | None = None


class FunctionMerger:
    """Merges functions; `entry` is the body of the joined one, with the arguments of the vector function."""

    def __init__(self, cube: func.FuncOp, vectors: Sequence[func.FuncOp]):
        self.cube, self.vectors = _Side(None), [_Side(number) for number in range(len(vectors))]
        self.sides = [self.cube, *self.vectors]
        self.channels: dict[tuple[tuple[str, int], int], deque[_Item]] = defaultdict(deque)
        self.known: list[dict[tuple[object, ...], SSAValue]] = [{}]
        self.read_only = only_read(*vectors, cube)
        self.first_problem: CannotJoin | None = None
        functions = [cube, *vectors]
        self.entry = Block(arg_types=[a.type for a in vectors[0].body.block.args])
        for side, function in zip(self.sides, functions, strict=True):
            for old, new in zip(function.body.block.args, self.entry.args, strict=False):
                side.values[old] = new
                new.name_hint = new.name_hint or old.name_hint
        self.merge([f.body.block for f in functions], self.entry)
        if (problem := self.left(cube)) is not None:
            raise problem
        self.entry.add_op(func.ReturnOp())

    def merge(self, blocks: Sequence[Block | None], into: Block) -> list[list[SSAValue]]:
        """Put the operations of all blocks into one; what each side yields at its end."""
        at = [None if block is None else block.first_op for block in blocks]
        while True:
            before = list(at)
            at = [self.run(side, op, into) for side, op in zip(self.sides, at, strict=True)]
            current = [op for op in at if op is not None and not isinstance(op, ENDS)]
            if not current:
                return [
                    [side.get(v) for v in op.operands] if op is not None else []
                    for side, op in zip(self.sides, at, strict=True)
                ]
            if len(current) == len(at) and all(map(has_pipes, current)):
                problem = self.difference(current)
                if problem is None:
                    self.merge_regions(current, into)
                    at = [op.next_op for op in current]
                    continue
            elif at == before:
                problem = CannotJoin(current[0], "pushes and pops of the two functions do not match")
            else:
                continue
            self.first_problem = self.first_problem or problem
            unrolled = [_unrolled(op) for op in at]
            if unrolled == at:
                raise self.first_problem
            at = unrolled

    def run(self, side: _Side, op: Operation | None, into: Block) -> Operation | None:
        """Advance one side until it has to wait for the other; returns the operation at which it waits."""
        while op is not None and not isinstance(op, ENDS) and not has_pipes(op):
            if isinstance(op, PushOp):
                self.push(side, op)
            elif isinstance(op, PopOp):
                if not all(self.queues(side, op)):
                    break
                side.values[op.tile] = self.pop(side, op, into)
            elif isinstance(op, ChannelOp) and not isinstance(op, FreeOp):
                raise CannotJoin(op, "it is neither a push nor a pop")
            elif not isinstance(op, FreeOp):
                self.copy(side, op, into)
            op = op.next_op
        return op

    def copy(self, side: _Side, op: Operation, into: Block) -> None:
        """Clone an operation; a scalar that several cores compute is computed once."""
        if isinstance(op, InitializePipeOp) and side.subblock:
            return  # as for the first sub-block
        key = (op.name, tuple(map(side.get, op.operands)), tuple(sorted(op.properties.items(), key=str)))
        if shared := self.shared(op):
            same = next((known[key] for known in self.known if key in known), None)
            if same is not None:
                side.values[op.results[0]] = same
                return
        new = op.clone(side.values)
        for old, made in zip(op.walk(), new.walk(), strict=True):
            made.location = old.location
        into.add_op(new)
        side.values.update(zip(op.results, new.results, strict=True))
        if shared:
            self.known[-1][key] = new.results[0]

    def shared(self, op: Operation) -> bool:
        """All cores that run the operation on the same operands get the same number."""
        if op.name == "pto.load_scalar":
            argument = root(op.operands[0])
            return argument is not None and getattr(argument, "index", None) in self.read_only
        return isinstance(op, BufferOp) or (op.name.startswith("arith.") and not op.regions)

    # -- channels ----------------------------------------------------------------------------------

    def queues(self, side: _Side, op: ChannelOp) -> list[deque[_Item]]:
        """What this side pops from: its own queue, or on the cube side those of all sub-blocks."""
        numbers = range(len(self.vectors)) if side.subblock is None else (side.subblock,)
        return [self.channels[op.channel, number] for number in numbers]

    def push(self, side: _Side, op: PushOp) -> None:
        if not isinstance(op.tile.type, TileType):
            raise CannotJoin(op, "what it pushes is no tile")
        item = _Item(op, side.get(op.tile))
        for queue in self.queues(side, op):
            queue.append(item)

    def pop(self, side: _Side, op: PopOp, into: Block) -> SSAValue:
        """The value of a popped tile."""
        items = [queue.popleft() for queue in self.queues(side, op)]
        split = op.split.value.data
        if any(item.op.split.value.data != split for item in items):
            raise CannotJoin(op, "the push that it belongs to splits the tile in another way")
        if not isinstance(op.tile.type, TileType):
            raise CannotJoin(op, "what it pops is no tile")
        make = _Make(op, into)
        if not split:
            return make.popped(items[0].value, [side.get(v) for v in op.operands])
        if not all(layout_of(tile).full for tile in (op.tile, *(item.value for item in items))):
            raise CannotJoin(op, "it splits a tile that is valid in part")
        axis = SPLIT_AXIS[split]
        if side.subblock is None:
            return make.popped(make.together([item.value for item in items], axis), [])
        if items[0].moved is None:
            items[0].moved = make.moved(items[0].value, make.whole_of(op.tile, axis))
        return make.half(items[0].moved, axis, side.subblock)

    def left(self, op: Operation) -> CannotJoin | None:
        if any(self.channels.values()):
            return CannotJoin(op, "a push before it is popped behind or inside it")
        return None

    # -- loops and branches ------------------------------------------------------------------------

    def difference(self, ops: Sequence[Operation]) -> CannotJoin | None:
        """Why the loops or branches cannot be one."""
        if (problem := self.left(ops[0])) is not None:
            return problem
        kinds = {type(op) for op in ops}
        if kinds not in ({scf.ForOp}, {scf.IfOp}):
            other = next((op for op in ops if type(op) is not type(ops[0])), ops[0])
            return CannotJoin(other, f"a '{ops[0].name}' of the one meets a '{other.name}' of the other")
        count = 3 if kinds == {scf.ForOp} else 1
        deciding = [[s.get(v) for v in op.operands[:count]] for s, op in zip(self.sides, ops, strict=True)]
        other = next((op for op, d in zip(ops, deciding, strict=True) if d != deciding[0]), None)
        if other is None:
            return None
        what = ("loops", "bounds") if count == 3 else ("branches", "conditions")
        return CannotJoin(other, f"the {what[0]} around pushes and pops have different {what[1]}")

    def merge_regions(self, ops: Sequence[Operation], into: Block) -> None:
        loops = [op for op in ops if isinstance(op, scf.ForOp)]
        branches = [op for op in ops if isinstance(op, scf.IfOp)]
        new = self.merged_loop(loops) if loops else self.merged_branch(branches)
        new.location = ops[0].location
        into.add_op(new)
        results = iter(new.results)
        for side, op in zip(self.sides, ops, strict=True):
            for old in op.results:
                side.values[old] = next(results)
                side.values[old].name_hint = old.name_hint
        if (problem := self.left(ops[0])) is not None:
            raise problem

    def merged_loop(self, loops: Sequence[scf.ForOp]) -> scf.ForOp:
        bounds = [self.cube.get(v) for v in (loops[0].lb, loops[0].ub, loops[0].step)]
        inits = [side.get(v) for side, loop in zip(self.sides, loops, strict=True) for v in loop.iter_args]
        block = Block(arg_types=[loops[0].lb.type, *(v.type for v in inits)])
        carried = iter(block.args[1:])
        for side, loop in zip(self.sides, loops, strict=True):
            old = loop.body.block.args
            block.args[0].name_hint = block.args[0].name_hint or old[0].name_hint
            side.values[old[0]] = block.args[0]
            side.values.update({value: next(carried) for value in old[1:]})
        self.merge_blocks([loop.body.block for loop in loops], block)
        return scf.ForOp(bounds[0], bounds[1], bounds[2], inits, Region(block))

    def merged_branch(self, branches: Sequence[scf.IfOp]) -> scf.IfOp:
        regions: list[Region] = []
        for part in zip(*(branch.regions for branch in branches), strict=True):
            self.merge_blocks([r.block if r.blocks else None for r in part], block := Block())
            regions.append(Region(block))
        types = [r.type for branch in branches for r in branch.results]
        return scf.IfOp(self.cube.get(branches[0].cond), types, regions[0], regions[1])

    def merge_blocks(self, blocks: Sequence[Block | None], into: Block) -> None:
        self.known.append({})
        yielded = self.merge(blocks, into)
        self.known.pop()
        into.add_op(scf.YieldOp(*(value for values in yielded for value in values)))


def _unrolled(op: Operation | None) -> Operation | None:
    """What comes first once a loop around pushes and pops is unrolled; other operations as they are."""
    if not isinstance(op, scf.ForOp) or not has_pipes(op):
        return op
    number, block = trips(op), op.parent
    if number is None or number > MAX_TRIPS or not isinstance(op.lb.type, IndexType) or block is None:
        return op
    before = op.prev_op
    unroll(op, number)
    fold_numbers(block)
    return block.first_op if before is None else before.next_op


class _Make:
    """Builds the replacement of a pop in the joined function."""

    def __init__(self, op: PopOp, into: Block):
        assert isinstance(op.tile.type, TileType)
        self.op, self.into, self.type = op, into, op.tile.type

    def add(self, op: Operation, name: str | None = None) -> SSAValue:
        op.location = self.op.location
        op.results[0].name_hint = name
        self.into.add_op(op)
        return op.results[0]

    def index(self, number: int) -> SSAValue:
        return self.add(constant(number, IndexType()), f"c{number}_index")

    def popped(self, value: SSAValue, extents: Sequence[SSAValue]) -> SSAValue:
        """A tile in the other memory with the valid extent of the pop."""
        self.require_same(value, self.type)
        pushed, wanted = layout_of(value).valid, self.type.data.valid
        if pushed == wanted and DYNAMIC not in wanted:
            return self.moved(value, self.type)
        given = iter(extents[-2:])
        valid = [next(given, None) if n == DYNAMIC else self.index(n) for n in wanted]
        if valid[0] is None or valid[1] is None:
            raise CannotJoin(self.op, "how much of the tile it pops is valid is not said")
        moved = self.moved(value, self.type.with_(valid_rows=pushed[0], valid_cols=pushed[1]))
        name = self.op.tile.name_hint
        return self.add(SetValidShapeOp(moved, valid[0], valid[1], self.type), name)

    def require_same(self, value: SSAValue, type_: TileType) -> None:
        """The pushed tile has the shape and element type of the popped one."""
        pushed, popped = (f"{t.rows}x{t.cols}x{t.dtype}" for t in (layout_of(value), type_.data))
        if pushed != popped:
            raise CannotJoin(self.op, f"a push of {pushed} meets a pop of {popped}")

    def moved(self, value: SSAValue, type_: TileType) -> SSAValue:
        self.require_same(value, type_)
        return self.add(CoreMoveOp(value, type_), self.op.tile.name_hint)

    def whole_of(self, half: SSAValue, axis: int) -> TileType:
        """The type of a tile that consists of two such halves."""
        layout, type_ = layout_of(half), half.type
        assert isinstance(type_, TileType)
        if axis == 0:
            return type_.with_(rows=2 * layout.rows, valid_rows=2 * layout.rows)
        return type_.with_(cols=2 * layout.cols, valid_cols=2 * layout.cols)

    def half(self, whole: SSAValue, axis: int, number: int) -> SSAValue:
        """The half of a popped tile for one sub-block."""
        shape = self.type.data.shape
        offsets = [self.index(number * n if i == axis else 0) for i, n in enumerate(shape)]
        return self.add(SubviewOp(whole, offsets, shape, self.type), self.op.tile.name_hint)

    def together(self, halves: Sequence[SSAValue], axis: int) -> SSAValue:
        """One tile of what all sub-blocks have pushed."""
        type_ = self.whole_of(halves[0], axis)
        if (plain := [_in_rows(half) for half in halves]) and all(plain):
            whole = self.together([half for half in plain if half is not None], axis)
            return self.add(TMovOp([whole], result=type_), halves[0].name_hint)
        result = self.add(UndefOp(type_))
        for number, half in enumerate(halves):
            shape = layout_of(half).shape
            at = [self.index(number * n if i == axis else 0) for i, n in enumerate(shape)]
            result = self.add(InsertOp(half, result, at[0], at[1], type_), half.name_hint)
        return result


def _in_rows(tile: SSAValue) -> SSAValue | None:
    """What a tile was before it got the boxes of mat memory, as a5 wants it for a push. Windows need rows."""
    op = tile.owner
    if not isinstance(op, TMovOp) or len(op.ins) != 1 or layout_of(tile).slayout == "none_box":
        return None
    source, result = layout_of(op.ins[0]), layout_of(tile)
    rows = source._replace(blayout=result.blayout, slayout=result.slayout, fractal=result.fractal) == result
    return op.ins[0] if rows and source.slayout == "none_box" and source.blayout == "row_major" else None
