"""`pto-join-mixed`: the cube and the vector function of a mixed kernel become one function.

    func.func @k_aic(…) {                            func.func @k(…) {
      %e = pto.tmatmul …                               %e = pto.tmatmul …
      pto.tpush_to_aiv(%e) }                  =>       %v = dsv4.move %e : acc -> vec
    func.func @k_aiv(…) {                              … %v … }
      %v = pto.tpop_from_aic … }

Both run at once and hand tiles to each other through first-in-first-out channels, so the k-th pop is the
k-th push: as values there is one program. Loops and branches that contain channel operations must match
pairwise. The branch in which the second sub-block of a vector core pops and pushes nothing, only to stay
in step, goes.

Legal because either function only waits for what the other has pushed: running their operations in any
order in which every pop follows its push gives the same values. What cannot be matched stays two
functions, with a remark. How the channels are set up stays in the function, for `pto-split-mixed`, the
way back; `drop_channels` takes it out when nothing is left for them to carry.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.opaque import MoveOp
from dialects.pto.base import TileOp
from dialects.pto.channels import ChannelOp, FreeOp, PopOp, PushOp
from dialects.pto.memory import constant_int
from dialects.pto.pipes import BufferOp, InitializePipeOp
from dialects.pto.types import TileBufType, TileType
from dsv4_passes.diagnostics import note, refused

from .tidy import tidy

SETUP = (BufferOp, InitializePipeOp)
JOINED = "dsv4.joined"
"""Marks a function that stands for a cube and a vector function."""


class CannotJoin(Exception):
    """Why two functions stay two, and the operation that says so."""

    def __init__(self, op: Operation, why: str):
        super().__init__(why)
        self.op = op


def is_pipe(op: Operation) -> bool:
    return isinstance(op, ChannelOp)


def has_pipes(op: Operation) -> bool:
    """Somewhere inside the operation's regions something goes through a channel."""
    return bool(op.regions) and any(is_pipe(inner) for inner in op.walk())


def pairs_of(module: ModuleOp) -> list[tuple[func.FuncOp, func.FuncOp]]:
    """Cube and vector functions that belong together by their names."""
    by_name = {f.sym_name.data: f for f in module.ops if isinstance(f, func.FuncOp)}
    names = [n.removesuffix("_aic") for n in by_name if n.endswith("_aic")]
    return [(by_name[f"{n}_aic"], by_name[f"{n}_aiv"]) for n in names if f"{n}_aiv" in by_name]


# -- the second sub-block ------------------------------------------------------------------------------


def steps(block: Block) -> list[Operation]:
    """The operations of a block; where only the first sub-block works, those of its branch."""
    found: list[Operation] = []
    for op in block.ops:
        if isinstance(op, scf.IfOp) and is_first_subblock(op.cond):
            check_mirror(op)
            found += [inner for inner in op.true_region.block.ops if not isinstance(inner, scf.YieldOp)]
        else:
            found.append(op)
    return found


def is_first_subblock(condition: SSAValue) -> bool:
    """The condition is `subblock_idx == 0`."""
    op = condition.owner
    if not isinstance(op, Operation) or op.name != "arith.cmpi":
        return False
    predicate = op.properties["predicate"]
    if not isinstance(predicate, IntegerAttr) or predicate.value.data != 0:
        return False
    source = op.operands[0].owner
    while isinstance(source, Operation) and source.name in ("arith.index_cast", "arith.trunci"):
        source = source.operands[0].owner
    named = isinstance(source, Operation) and source.name == "pto.get_subblock_idx"
    return named and constant_int(op.operands[1]) == 0


def check_mirror(op: scf.IfOp) -> None:
    """The other branch does nothing but keep the channels in step."""
    if not op.false_region.blocks:
        raise CannotJoin(op, "the second sub-block leaves the channels alone")
    ours, theirs = (list(pipe_skeleton(r.block)) for r in (op.true_region, op.false_region))
    if ours != theirs:
        raise CannotJoin(op, "the second sub-block uses the channels in another order")
    for inner in op.false_region.walk():
        if isinstance(inner, TileOp) and inner.outs:
            raise CannotJoin(inner, "the second sub-block stores something")


def pipe_skeleton(block: Block) -> Iterator[str]:
    """Channel operations of a block, with the loops and branches around them."""
    for op in block.ops:
        if is_pipe(op):
            yield op.name
        elif has_pipes(op):
            yield f"{op.name}("
            for region in op.regions:
                for inner in region.blocks:
                    yield from pipe_skeleton(inner)
            yield ")"


# -- joining -------------------------------------------------------------------------------------------


@dataclass
class _Side:
    """One function on its way into the joined one."""

    values: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])

    def get(self, value: SSAValue) -> SSAValue:
        return self.values.get(value, value)


class _Join:
    def __init__(self, cube: func.FuncOp, vector: func.FuncOp):
        self.sides = (_Side(), _Side())
        self.channels: dict[tuple[str, int], deque[SSAValue]] = defaultdict(deque)
        self.known: list[dict[tuple[object, ...], SSAValue]] = [{}]
        self.entry = Block(arg_types=[a.type for a in cube.body.block.args])
        for side, function in zip(self.sides, (cube, vector), strict=True):
            for old, new in zip(function.body.block.args, self.entry.args, strict=True):
                side.values[old] = new
                new.name_hint = old.name_hint
        self.merge(steps(cube.body.block), steps(vector.body.block), self.entry)
        self.require_empty(cube)
        self.entry.add_op(func.ReturnOp())

    def merge(
        self, cube: Sequence[Operation], vector: Sequence[Operation], into: Block
    ) -> list[list[SSAValue]]:
        """Put both lists of operations into one block; what each side yields at its end."""
        ops, at = (list(cube), list(vector)), [0, 0]
        while True:
            before = list(at)
            for side in (0, 1):
                at[side] = self.run(side, ops[side], at[side], into)
            current = [o[i] if i < len(o) else None for o, i in zip(ops, at, strict=True)]
            if all(op is None or isinstance(op, (func.ReturnOp, scf.YieldOp)) for op in current):
                return [
                    [s.get(v) for v in op.operands] if op is not None else []
                    for s, op in zip(self.sides, current, strict=True)
                ]
            a, b = current
            if a is not None and b is not None and has_pipes(a) and has_pipes(b):
                self.merge_regions(a, b, into)
                at = [at[0] + 1, at[1] + 1]
            elif at == before:
                stuck = next(op for op in current if op is not None)
                raise CannotJoin(stuck, "pushes and pops of the two functions do not match")

    def run(self, side: int, ops: Sequence[Operation], at: int, into: Block) -> int:
        """Go on with one side until it has to wait for the other."""
        mine = self.sides[side]
        while at < len(ops):
            op = ops[at]
            if isinstance(op, (func.ReturnOp, scf.YieldOp)) or has_pipes(op):
                break
            if isinstance(op, PushOp):
                self.require_whole(op)
                self.channels[op.channel].append(mine.get(op.operands[0]))
            elif isinstance(op, PopOp):
                if not self.channels[op.channel]:
                    break
                self.require_whole(op)
                mine.values[op.results[0]] = self.popped(op, into)
            elif isinstance(op, ChannelOp) and not isinstance(op, FreeOp):
                raise CannotJoin(op, "it is neither a push nor a pop")
            elif not isinstance(op, FreeOp):
                self.copy(mine, op, into)
            at += 1
        return at

    def popped(self, op: PopOp, into: Block) -> SSAValue:
        value = self.channels[op.channel].popleft()
        result = op.results[0].type
        move = MoveOp(value, result)
        move.location = op.location
        move.res.name_hint = op.results[0].name_hint
        into.add_op(move)
        return move.res

    def copy(self, side: _Side, op: Operation, into: Block) -> None:
        """Clone an operation; a scalar that both functions compute is computed once."""
        key = (op.name, tuple(map(side.get, op.operands)), tuple(sorted(op.properties.items(), key=str)))
        scalar = op.name.startswith("arith.") and not op.regions
        if scalar and (same := next((k[key] for k in self.known if key in k), None)) is not None:
            side.values[op.results[0]] = same
            return
        new = op.clone(side.values)
        for old, made in zip(op.walk(), new.walk(), strict=True):
            made.location = old.location
        into.add_op(new)
        side.values.update(zip(op.results, new.results, strict=True))
        if scalar:
            self.known[-1][key] = new.results[0]

    def merge_regions(self, a: Operation, b: Operation, into: Block) -> None:
        """Two loops over the same range, or two branches on the same condition."""
        self.require_empty(a)
        if isinstance(a, scf.ForOp) and isinstance(b, scf.ForOp):
            self.merge_loops(a, b, into)
        elif isinstance(a, scf.IfOp) and isinstance(b, scf.IfOp):
            self.merge_branches(a, b, into)
        else:
            raise CannotJoin(b, f"a '{a.name}' of the one meets a '{b.name}' of the other")
        self.require_empty(a)

    def merge_loops(self, a: scf.ForOp, b: scf.ForOp, into: Block) -> None:
        mine, other = self.sides
        bounds = [mine.get(v) for v in (a.lb, a.ub, a.step)]
        if bounds != [other.get(v) for v in (b.lb, b.ub, b.step)]:
            raise CannotJoin(b, "the loops around pushes and pops have different bounds")
        inits = [*map(mine.get, a.iter_args), *map(other.get, b.iter_args)]
        block = Block(arg_types=[a.lb.type, *(v.type for v in inits)])
        count = len(a.iter_args)
        for side, loop, first in ((mine, a, 1), (other, b, 1 + count)):
            old = loop.body.block.args
            block.args[0].name_hint = block.args[0].name_hint or old[0].name_hint
            side.values[old[0]] = block.args[0]
            side.values.update(zip(old[1:], block.args[first : first + len(old) - 1], strict=True))
        self.known.append({})
        yielded = self.merge(steps(a.body.block), steps(b.body.block), block)
        self.known.pop()
        block.add_op(scf.YieldOp(*yielded[0], *yielded[1]))
        new = scf.ForOp(bounds[0], bounds[1], bounds[2], inits, Region(block))
        self.finish(a, b, new, into)

    def merge_branches(self, a: scf.IfOp, b: scf.IfOp, into: Block) -> None:
        mine, other = self.sides
        if mine.get(a.cond) is not other.get(b.cond):
            raise CannotJoin(b, "the branches around pushes and pops have different conditions")
        regions: list[Region] = []
        for first, second in zip(a.regions, b.regions, strict=True):
            block = Block()
            lists = [steps(r.block) if r.blocks else [] for r in (first, second)]
            self.known.append({})
            yielded = self.merge(lists[0], lists[1], block)
            self.known.pop()
            block.add_op(scf.YieldOp(*yielded[0], *yielded[1]))
            regions.append(Region(block))
        types = [*(r.type for r in a.results), *(r.type for r in b.results)]
        self.finish(a, b, scf.IfOp(mine.get(a.cond), types, regions[0], regions[1]), into)

    def finish(self, a: Operation, b: Operation, new: Operation, into: Block) -> None:
        new.location = a.location
        into.add_op(new)
        for side, results in zip(self.sides, (a.results, b.results), strict=True):
            offset = 0 if results is a.results else len(a.results)
            made = new.results[offset : offset + len(results)]
            side.values.update(zip(results, made, strict=True))

    def require_empty(self, op: Operation) -> None:
        if any(self.channels.values()):
            raise CannotJoin(op, "a push before it is popped behind or inside it")

    @staticmethod
    def require_whole(op: Operation) -> None:
        """Both sub-blocks see the same tile; halves of a tile (split 1 and up) are another program each."""
        given = op.properties.get("split", op.attributes.get("split"))
        if isinstance(given, IntegerAttr) and given.value.data != 0:
            raise CannotJoin(op, f"it splits tiles between the sub-blocks (split = {given.value.data})")


def join(cube: func.FuncOp, vector: func.FuncOp) -> func.FuncOp:
    """One function for both, not yet in the module. Raises CannotJoin."""
    for function in (cube, vector):
        for op in function.walk():
            if any(isinstance(r.type, TileBufType) for r in op.results):
                raise CannotJoin(op, f"'{function.sym_name.data}' is in buffer form")
            uses = [u.operation for r in op.results for u in r.uses]
            if op.name == "pto.get_subblock_idx" and not all(_only_compared(u) for u in uses):
                raise CannotJoin(op, "the sub-blocks do different work")
    if cube.function_type != vector.function_type:
        raise CannotJoin(vector, "the two functions take different arguments")
    joined = func.FuncOp(
        cube.sym_name.data.removesuffix("_aic"),
        cube.function_type,
        Region(_Join(cube, vector).entry),
        arg_attrs=cube.arg_attrs,
    )
    joined.location = cube.location
    joined.attributes |= {n: a for n, a in cube.attributes.items() if n != "pto.kernel_kind"}
    joined.attributes[JOINED] = StringAttr(f"{cube.sym_name.data} {vector.sym_name.data}")
    tidy(joined)
    return joined


def _only_compared(op: Operation) -> bool:
    """A use of the sub-block's number that says no more than which of the two it is."""
    if op.name in ("arith.index_cast", "arith.trunci"):
        return all(_only_compared(u.operation) for u in op.results[0].uses)
    if op.name != "arith.cmpi":
        return False
    return all(
        isinstance(u.operation, scf.IfOp) and is_first_subblock(op.results[0]) for u in op.results[0].uses
    )


def join_all(module: ModuleOp) -> list[tuple[func.FuncOp, func.FuncOp, func.FuncOp]]:
    """Join every pair that can be joined: (joined, cube, vector); the two are taken out of the module."""
    done: list[tuple[func.FuncOp, func.FuncOp, func.FuncOp]] = []
    for cube, vector in pairs_of(module):
        try:
            joined = join(cube, vector)
        except CannotJoin as problem:
            names = f"'{cube.sym_name.data}' and '{vector.sym_name.data}'"
            refused(problem.op, f"{names} stay two functions: {problem}", "mixed kernel not joined")
            continue
        Rewriter.insert_op(joined, InsertPoint.before(cube))
        cube.detach()
        vector.detach()
        note(joined, f"'{cube.sym_name.data}' and '{vector.sym_name.data}' are seen as one function")
        done.append((joined, cube, vector))
    return done


def drop_channels(function: func.FuncOp) -> None:
    """Take out how channels are set up; a joined function without cube operations needs none."""
    for op in reversed([op for op in function.walk() if isinstance(op, SETUP)]):
        op.detach()
        op.erase()
    function.attributes.pop(JOINED, None)
    tidy(function)


def crosses(op: Operation) -> bool:
    """A move between the memories of the two kinds of core."""
    if not isinstance(op, MoveOp):
        return False
    source, result = op.source.type, op.res.type
    assert isinstance(source, TileType)
    assert isinstance(result, TileType)
    return (source.data.loc == "vec") != (result.data.loc == "vec")


@dataclass(frozen=True)
class JoinMixedPass(ModulePass):
    """Join the cube and vector functions of mixed kernels (in value form)."""

    name = "pto-join-mixed"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        join_all(op)
