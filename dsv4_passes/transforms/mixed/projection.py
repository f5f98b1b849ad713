"""What one core does of a joined function: its operations, and pushes, pops and frees for the crossings."""

from collections.abc import Sequence
from typing import TypeVar, cast

from xdsl.dialects import func, scf
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.traits import MemoryEffectKind, get_effects

from dialects.pto import channels
from dialects.pto.channels import FreeOp, PopOp, PushOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import UndefOp
from dialects.pto.types import DYNAMIC, TileType

from .channel_schedule import CannotSplit, Crossing, Crossings, Side, side_of
from .join_mixed import SETUP

AnyOp = TypeVar("AnyOp", bound=Operation)


def _by_direction(base: type[AnyOp]) -> dict[str, type[AnyOp]]:
    """Operations of one kind, by the direction of their channel."""
    found = [op for op in channels.OPERATIONS if issubclass(op, base)]
    return {cast(str, getattr(op, "DIRECTION")): op for op in found}


PUSHES, POPS, FREES = _by_direction(PushOp), _by_direction(PopOp), _by_direction(FreeOp)


class CoreProjection:
    """Copies what one side does, from the joined function."""

    def __init__(self, side: Side, plan: Crossings, values: dict[SSAValue, SSAValue]):
        self.side, self.plan, self.values = side, plan, values

    def known(self, op: Operation) -> bool:
        return all(v in self.values for v in op.operands)

    def get(self, value: SSAValue, op: Operation) -> SSAValue:
        if value not in self.values:
            raise CannotSplit(op, f"the {self.side} core does not have a value that '{op.name}' needs")
        return self.values[value]

    def keeps(self, value: SSAValue) -> bool:
        """A tile in this side's memory, or a scalar that this side can compute."""
        if not isinstance(value.type, TileType):
            return value in self.values
        return (value.type.data.loc == "vec") == (self.side == "vector")

    def block(self, source: Block, into: Block) -> None:
        """Everything but the terminator, which only its owner can copy."""
        for op in source.ops:
            for crossing in self.plan.frees.get(op, ()):
                if crossing.source != self.side and not crossing.copied:
                    self.free(crossing, into)
            for crossing in self.plan.pushes.get(op, ()):
                if crossing.source == self.side:
                    self.push(crossing, into)
            if not isinstance(op, (scf.YieldOp, func.ReturnOp)):
                self.operation(op, into)

    def operation(self, op: Operation, into: Block) -> None:
        if isinstance(op, SETUP) or (op.results and op.results[0] in self.values):
            return  # at the top
        if (crossing := self.plan.pops.get(op)) is not None:
            if crossing.source != self.side:
                self.pop(crossing, into)
        elif isinstance(op, scf.ForOp):
            self.loop(op, into)
        elif isinstance(op, scf.IfOp):
            self.branch(op, into)
        elif op.regions:
            raise CannotSplit(op, f"'{op.name}' has operations of its own")
        elif (side := side_of(op)) is None:
            if not only_reads(op):
                raise CannotSplit(op, f"which core is to run '{op.name}' is not known")
            if self.known(op):
                into.add_op(op.clone(self.values))
        elif side == self.side:
            self.tile_operation(op, into)

    def tile_operation(self, op: Operation, into: Block) -> None:
        for value in op.operands:
            self.get(value, op)
        into.add_op(op.clone(self.values))

    # -- channels ----------------------------------------------------------------------------------

    def push(self, crossing: Crossing, into: Block) -> None:
        self.pushed(crossing, self.get(crossing.move.source, crossing.move), into)

    def pushed(self, crossing: Crossing, tile: SSAValue, into: Block) -> None:
        kind = PUSHES[crossing.channel[0]]
        self.add(kind(tile, id=_number(crossing)), crossing, into)

    def pop(self, crossing: Crossing, into: Block) -> None:
        move = crossing.move
        op = self.popped(crossing, move.res.type, None, into)
        op.tile.name_hint = move.res.name_hint
        self.values[move.res] = op.tile
        if crossing.copied:
            copy = TMovOp([op.tile], result=move.res.type)
            self.add(copy, crossing, into)
            self.values[move.res] = copy.res[0]
            self.free(crossing, into)

    def popped(
        self, crossing: Crossing, type_: Attribute, valid: tuple[SSAValue, SSAValue] | None, into: Block
    ) -> PopOp:
        kind = POPS[crossing.channel[0]]
        return self.add(kind(type_, id=_number(crossing), valid=valid), crossing, into)

    def free(self, crossing: Crossing, into: Block) -> None:
        kind = FREES[crossing.channel[0]]
        self.add(kind(id=_number(crossing)), crossing, into)

    def add(self, op: AnyOp, crossing: Crossing, into: Block) -> AnyOp:
        op.location = crossing.move.location
        into.add_op(op)
        return op

    # -- loops and branches ------------------------------------------------------------------------

    def loop(self, op: scf.ForOp, into: Block) -> None:
        bounds = (op.lb, op.ub, op.step)
        if not all(v in self.values for v in bounds) and not self.works_in(op):
            return
        lower, upper, step = (self.get(v, op) for v in bounds)
        kept = [i for i, v in enumerate(op.iter_args) if self.keeps(v)]
        old = op.body.block
        block = Block(arg_types=[old.args[0].type, *(old.args[i + 1].type for i in kept)])
        for source, made in zip((old.args[0], *(old.args[i + 1] for i in kept)), block.args, strict=True):
            made.name_hint = source.name_hint
            self.values[source] = made
        self.body(old, block, kept)
        inits = [self.get(op.iter_args[i], op) for i in kept]
        self.finish(op, scf.ForOp(lower, upper, step, inits, Region(block)), kept, into)

    def branch(self, op: scf.IfOp, into: Block) -> None:
        if op.cond not in self.values and not self.works_in(op):
            return
        condition = self.get(op.cond, op)
        ends = [r.block.last_op for r in op.regions if r.blocks]
        regions = [Region(Block()) if r.blocks else Region() for r in op.regions]
        kept = [i for i, r in enumerate(op.results) if not isinstance(r.type, TileType) or self.keeps(r)]
        for old, new in zip(op.regions, regions, strict=True):
            if old.blocks:
                self.block(old.block, new.block)
        kept = [i for i in kept if all(end is not None and self.keeps(end.operands[i]) for end in ends)]
        for end, new in zip(ends, (r for r in regions if r.blocks), strict=True):
            assert end is not None
            new.block.add_op(scf.YieldOp(*(self.get(end.operands[i], end) for i in kept)))
        types = [op.results[i].type for i in kept]
        self.finish(op, scf.IfOp(condition, types, regions[0], regions[1]), kept, into)

    def body(self, old: Block, new: Block, kept: Sequence[int]) -> None:
        self.block(old, new)
        end = old.last_op
        assert end is not None
        new.add_op(scf.YieldOp(*(self.get(end.operands[i], end) for i in kept)))

    def finish(self, op: Operation, new: Operation, kept: Sequence[int], into: Block) -> None:
        new.location = op.location
        new.attributes |= op.attributes
        into.add_op(new)
        for index, result in zip(kept, new.results, strict=True):
            result.name_hint = op.results[index].name_hint
            self.values[op.results[index]] = result

    def works_in(self, op: Operation) -> bool:
        """This side has operations, pushes or pops inside."""
        inner = (o for o in op.walk() if not o.regions)
        return any(o in self.plan.pops or side_of(o) == self.side for o in inner)


class SecondSubblock(CoreProjection):
    """Copies what the second vector core does: it keeps the channels in step."""

    def __init__(self, plan: Crossings, values: dict[SSAValue, SSAValue], zero: SSAValue):
        super().__init__("vector", plan, values)
        self.zero = zero

    def keeps(self, value: SSAValue) -> bool:
        return not isinstance(value.type, TileType) and value in self.values

    def tile_operation(self, op: Operation, into: Block) -> None:
        """Nothing is done."""

    def push(self, crossing: Crossing, into: Block) -> None:
        nothing = self.add(UndefOp(_with_valid(crossing.move.source.type, 0)), crossing, into)
        self.pushed(crossing, nothing.res, into)

    def pop(self, crossing: Crossing, into: Block) -> None:
        type_ = _with_valid(crossing.move.res.type, DYNAMIC)
        self.popped(crossing, type_, (self.zero, self.zero), into)
        if crossing.copied:
            self.free(crossing, into)


def _number(crossing: Crossing) -> int | None:
    """The channel's number as it is written: 0 is left out."""
    return crossing.channel[1] or None


def _with_valid(type_: Attribute, extent: int) -> TileType:
    assert isinstance(type_, TileType)
    return type_.with_(valid_rows=extent, valid_cols=extent)


def only_reads(op: Operation) -> bool:
    effects = get_effects(op)
    return effects is not None and all(e.kind == MemoryEffectKind.READ for e in effects)
