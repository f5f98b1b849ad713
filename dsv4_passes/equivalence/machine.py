"""The machine over terms: loops and branches, on top of straight-line code (straight_line.py).

Loops with few constant trips run as they are; others run once with a symbol for their induction variable,
and what travels around them becomes leaves of its own, equal in two runs when the loops start alike; that
their trips then do the same is among the effects to compare (induction). Branches whose condition is a
symbol run both ways; a lane that differs becomes a `select`.
"""

from collections.abc import Hashable, Iterable

import numpy as np
from xdsl.dialects import scf
from xdsl.ir import Operation, OpResult, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.moves import TMovOp
from dialects.pto.types import DYNAMIC, element_name
from dsv4_passes.interpreter import affine, scalars
from dsv4_passes.interpreter.affine import Affine, Number
from dsv4_passes.interpreter.domain import NotConcrete
from dsv4_passes.interpreter.machine import Place, Steps
from dsv4_passes.interpreter.values import Tile, Value, is_lanes
from dsv4_passes.xdsl_extras.region_values import passes_on, terminator

from .effects import Carry
from .loop_stores import argument_of, stored_within
from .run import LaneRun
from .source_text import spell
from .straight_line import Options, StraightLineMachine
from .symbolic_memory import TermMemory
from .trip_limit import most_trips


class LaneMachine(StraightLineMachine):
    """One core; results are recorded in its run."""

    def __init__(self, run: LaneRun, gm: TermMemory, place: Place, options: Options):
        super().__init__(run, gm, place, options)
        self.loops: dict[Hashable, int] = {}
        """Counts loops with equal bounds at one place, to distinguish them."""

    # -- loops -----------------------------------------------------------------------------------

    def run_for(self, op: scf.ForOp) -> Steps:
        low, high, step = (self.env[value] for value in (op.lb, op.ub, op.step))
        trips = _trips(low, high, step)
        most = most_trips(op, self.options.max_trips)
        if trips is not None and len(trips) <= most and not self.options.symbolic(op):
            yield from self.run_trips(op, trips)
        else:
            yield from self._run_once(op, f"{low}:{high}:{step}", affine.bounds(low)[0], trips)

    def run_trips(self, op: scf.ForOp, trips: Iterable[Number]) -> Steps:
        yield from super().run_trips(op, trips)
        for result in op.results:
            if isinstance(tile := self.env[result], Tile):
                self.bind(result, tile)

    def _run_once(self, op: scf.ForOp, bounds: str, low: int | None, trips: range | None) -> Steps:
        """One symbolic iteration: `iv` and the values of earlier iterations are symbols."""
        self.run_.symbolic.add(op)
        place = self.gm.context, bounds
        self.loops[place] = number = self.loops.get(place, 0) + 1
        iv = Affine.symbol(f"iv{len(self.gm.context)}.{number}[{bounds}]", low, trips[-1] if trips else None)
        written = self._stored_arguments(op)
        for argument in written:
            self.gm.histories.disturb(argument, "trip of", bounds, self.gm.context)
        block, outer = op.body.block, self.gm.context
        initial = [self.env[value] for value in op.iter_args]
        self.env[block.args[0]] = iv
        keys: dict[int, Hashable] = {}
        for i, (arg, end) in enumerate(zip(block.args[1:], terminator(block).operands, strict=True)):
            if passes_on(end, arg, _copied):
                self._rebind(arg, initial[i])
            else:
                keys[i] = self._carried_key(bounds, initial[i])
                self.env[arg] = self._carried(arg, initial[i], ("carried", keys[i]))
        carried = [self.env[arg] for arg in block.args[1:]]
        self.gm.context = (*outer, ("for", bounds, number))
        yielded = yield from self.run_block(block)
        self.gm.context = outer
        for argument in written:
            self.gm.histories.disturb(argument, "end of", bounds, outer)
        for i, result in enumerate(op.results):
            start, end = initial[i], yielded[i]
            if i not in keys:
                self._rebind(result, start)
                continue
            content = self.flat_key(end)
            if isinstance(start, Tile) and isinstance(end, Tile) and end.valid != start.valid:
                raise NotConcrete("a loop changes the valid extent of a tile that it carries")
            self.run_.effects.append(Carry(op, outer, keys[i], content))
            unchanged = content == self.flat_key(carried[i])
            self._rebind(result, start if unchanged else self._carried(result, end, ("result", keys[i])))

    def _carried_key(self, bounds: str, initial: Value) -> Hashable:
        key = self.intern(bounds, self.gm.context, self.flat_key(initial))
        self.run_.carried[key] = self.run_.carried.get(key, 0) + 1
        return key, self.run_.carried[key]

    def _carried(self, value: SSAValue, like: Value, key: Hashable) -> Value:
        """An unknown value of the kind of `like`."""
        if isinstance(like, Tile):
            what = f"{spell(value)} of a loop"
            tile = self.leaves(layout_of(value), like.valid, key, like.conditions, what)
            self.run_.instances.setdefault(value, []).append(tile)
            return tile
        if is_lanes(like):
            return np.full((1, 1), self.terms.table.opaque(key, element_name(value.type)), np.int64)
        if argument_of(like) is not None:
            raise NotConcrete("a loop carries a pointer")
        return scalars.symbol(f"{key}", element_name(value.type))

    def _rebind(self, value: SSAValue, content: Value) -> None:
        if isinstance(content, Tile):
            self.bind(value, content)
        else:
            self.env[value] = content

    def _stored_arguments(self, loop: scf.ForOp) -> list[int]:
        """Pointer arguments that something inside may write; all of them where that is not clear."""
        found = stored_within(loop, self.knows, lambda value: argument_of(self.env.get(value)))
        return self._pointer_arguments() if found is None else sorted(found)

    # -- branches --------------------------------------------------------------------------------

    def run_if(self, op: scf.IfOp) -> Steps:
        condition: Number = self.env[op.cond]
        if isinstance(condition, int):
            yield from super().run_if(op)
            return
        outer, results = self.gm.context, list[list[Value]]()
        for taken, region in ((True, op.true_region), (False, op.false_region)):
            self.gm.context = (*outer, ("if", str(condition), taken))
            results.append((yield from self.run_block(region.block)) if region.blocks else [])
        self.gm.context = outer
        for result, a, b in zip(op.results, *results, strict=True):
            self._rebind(result, self._either(op, condition, a, b))

    def _either(self, op: Operation, condition: Number, a: Value, b: Value) -> Value:
        if isinstance(a, Tile) and isinstance(b, Tile):
            cond = np.broadcast_to(self.symbolic(condition, "i1"), a.data.shape)
            valid = tuple(scalars.select(condition, x, y, op) for x, y in zip(a.valid, b.valid, strict=True))
            if a.valid != b.valid:
                a, b = (self.guarded(side, side.layout.shape) for side in (a, b))
                self.described |= {number for number in valid if not isinstance(number, int)}
            ids = self.terms.select(cond, a.data, b.data)
            return Tile(a.layout, ids, a.known & b.known, (valid[0], valid[1]), a.conditions | b.conditions)
        if is_lanes(a) and is_lanes(b):
            return self.terms.select(self.symbolic(condition, "i1"), a, b)
        return scalars.select(condition, a, b, op)


def _copied(value: SSAValue) -> SSAValue:
    """The tile that moves within one memory, all of whose extents are constant, have copied to `value`."""
    while isinstance(value, OpResult) and isinstance(move := value.op, TMovOp) and len(move.operands) == 1:
        if move.operands[0].type != value.type or DYNAMIC in layout_of(value).valid:
            break
        value = move.operands[0]
    return value


def _trips(low: Number, high: Number, step: Number) -> range | None:
    """The trips of a loop with constant bounds."""
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int) and step > 0:
        return range(low, high, step)
    return None
