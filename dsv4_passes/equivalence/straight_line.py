"""Straight-line code over terms: integers may be symbols, and what has no formula becomes a leaf.

Loops and branches come on top (machine.py).
"""

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from xdsl.dialects import func
from xdsl.ir import Operation, OpResult, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.pto.base import REMEMBERED_SCRATCH, TileOp, layout_of
from dialects.pto.tiles import InsertOp, SubviewOp
from dialects.pto.types import DYNAMIC, PtrType, TileLayout, TileType, element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter import affine, numerics, scalars
from dsv4_passes.interpreter.affine import Affine, Number
from dsv4_passes.interpreter.domain import Lanes, NotConcrete
from dsv4_passes.interpreter.machine import Machine, Place, Steps
from dsv4_passes.interpreter.operation_plans import Plans
from dsv4_passes.interpreter.semantics import TileCall, convert, elementwise, views
from dsv4_passes.interpreter.tile_machine import atomic
from dsv4_passes.interpreter.values import (
    NO_CONDITIONS,
    Box,
    Extent,
    Pointer,
    Tile,
    Value,
    is_lanes,
)
from dsv4_passes.interpreter.values import box as box_shape

from . import partly_valid
from .budget import Budget
from .effects import Opaque, Push, Store
from .loop_stores import BARRIERS, argument_of
from .run import Applied, LaneRun
from .source_text import line_of, spell
from .symbolic_memory import Context, TermMemory
from .unknown_ops import changes_tiles

ROW_BY_ROW = frozenset((*elementwise.TABLE, *convert.TABLE))
"""Operations whose lanes depend on those at the same place only."""
PACKED = frozenset(name for name in convert.TABLE if name != "tcvt")
"""Those of them with a mask, of which a column is a byte for eight lanes."""
VIEWS_OF_ALL = ("pto.bitcast", "pto.treshape", "pto.reshape", "pto.reinterpret", "pto.transpose")
"""Views of whole tiles, which have the extent that their type says."""


@dataclass(frozen=True)
class Options:
    """How to follow a kernel; see `run_lanes`."""

    max_trips: int
    budget: Budget
    symbolic_loops: bool | Container[Operation]
    function: func.FuncOp
    arguments: Mapping[int, int]
    plans: Plans

    def number(self, index: int) -> int:
        """The identifier of a parameter in leaves and effects."""
        return self.arguments.get(index, index)

    def symbolic(self, loop: Operation) -> bool:
        if isinstance(self.symbolic_loops, bool):
            return self.symbolic_loops
        return loop in self.symbolic_loops


class StraightLineMachine(Machine):
    """One core without its loops and branches; results are recorded in its run."""

    gm: TermMemory

    def __init__(self, run: LaneRun, gm: TermMemory, place: Place, options: Options):
        super().__init__(run.context.domain, gm, place, options.plans)
        self.run_ = run
        self.terms = run.context.domain
        self.intern = run.context.intern
        self.options = options
        self.described: set[Number] = set()
        """Extents of tiles from two sides of a branch: their lanes say where they are undefined."""
        self.arrays: dict[SSAValue, Context] = {}
        """Where local arrays were declared."""
        for name in VIEWS_OF_ALL:
            self.handlers[name] = partial(self.view, self.handlers[name])
        for name in BARRIERS:
            self.handlers[name] = self.meet
        self.handlers["pto.alloc_tile"] = self.handlers["pto.alloc_multi_tile"] = self.in_memory

    def in_memory(self, op: Operation) -> None:
        raise UserError(
            f"{op.name} belongs to the buffer form; lanes are followed in value form", op.location
        )

    def run(self, function: func.FuncOp, arguments: Sequence[Value]) -> Steps:
        if not self.env:  # the kernel itself, not a function that it calls
            number = self.options.number
            arguments = [
                v._replace(argument=number(v.argument)) if isinstance(v, Pointer) else v for v in arguments
            ]
        return super().run(function, arguments)

    # -- what is recorded ------------------------------------------------------------------------

    def bind(self, value: SSAValue, tile: Tile) -> None:
        if partly_valid.has_symbols(tile.valid):
            tile = partly_valid.within(self.terms, tile)
        self.env[value] = tile
        self.run_.instances.setdefault(value, []).append(tile)
        self.run_.bytes += tile.data.nbytes + tile.known.nbytes
        owner = value.owner
        if isinstance(owner, Operation):
            self.options.budget.check(self.run_.bytes + self.run_.context.bytes, owner)

    def evaluate(self, op: Operation) -> None:
        super().evaluate(op)
        for result in op.results:
            if isinstance(number := self.env.get(result), (int, Affine)):
                self.run_.numbers[result] = number

    def store(self, op: Operation, box: Box, lanes: Lanes, conditions: frozenset[str]) -> None:
        how = atomic(op)
        store = Store(op, self.gm.context, box, lanes, conditions, how)
        self.run_.effects.append(store)
        self.gm.store(box, lanes, op, conditions, how)

    def pushed(self, op: Operation, tile: Tile) -> None:
        ids = np.where(tile.known, tile.data, -1)
        self.run_.effects.append(
            Push(op, self.gm.context, self.channel(op), ids, tile.valid, tile.conditions)
        )

    def new_conditions(self, call: TileCall) -> frozenset[str]:
        """Conditions by the value they speak of: the operand whose lanes were multiplied by exact zeros."""
        met = self.domain.take_conditions()
        if not met:
            return NO_CONDITIONS
        names: set[str] = set()
        for operand in ("lhs", "rhs"):
            if not call.has(operand) or self.terms.is_constant(call.tile(operand).data).all():
                continue
            value = call.op.operand(operand)
            assert value is not None
            value = _moved_from(value)
            for condition in met:
                name = f"{condition}({spell(value)})"
                self.run_.finite[name] = value
                names.add(name)
        return frozenset(names)

    # -- what has no formula ---------------------------------------------------------------------

    def leaves(
        self, layout: TileLayout, valid: Extent, key: Hashable, conditions: frozenset[str], what: str
    ) -> Tile:
        """A tile of leaves that equals only a tile of the same key; `what` made it."""
        lanes = np.arange(layout.rows * layout.cols, dtype=np.int64).reshape(layout.shape)
        number = self.intern(key)
        self.run_.context.without_formula.setdefault(number, what)
        ids = self.terms.table.loads("unknown", number, (), lanes, layout.dtype)
        return Tile(layout, ids, np.ones(layout.shape, np.bool_), valid, conditions)

    def key(self, value: Value) -> Hashable:
        """What identifies an operand: its terms, its number, or where it points."""
        if isinstance(value, Tile):
            return np.where(value.known, value.data, -1).tobytes(), value.layout.shape, value.valid
        return value.tobytes() if is_lanes(value) else value

    def flat_key(self, value: Value) -> Hashable:
        """`key` of what a loop carries, lane by lane: in which shape a whole tile travels does not matter."""
        if isinstance(value, Tile) and value.valid == value.layout.shape:
            return np.where(value.known, value.data, -1).tobytes()
        return self.key(value)

    def symbolic(self, number: Number, dtype: str) -> Lanes:
        return np.full((1, 1), self.terms.table.opaque(("number", number), dtype), np.int64)

    def opaque(self, call: TileCall, error: NotConcrete) -> None:
        operands = list(call.operands.values())
        key = self._signature(call.op, operands)
        self._unknown_results(call.op, operands, frozenset(call.conditions), key)
        for i, result in enumerate(call.op.results):
            if isinstance(tile := self.env[result], Tile):
                number: Any = self.terms.table.head(int(tile.data[0, 0]))[2]
                what = *self._what(call.op, operands), i, tile.layout.shape
                self.run_.context.note(number, Applied(what, tuple(operands)))

    def unknown(self, op: Operation) -> None:
        """An operation without semantics: its results are leaves, and it is itself an effect.

        A tile operation touches the memory its operands point to, any other one all there is, unless it
        says that it has no effects. One that yields nothing but takes a tile writes into that tile, and
        into all tiles that share its bytes: lanes cannot be followed.
        """
        operands = [self.env[value] for value in op.operands]
        if op.regions or any(isinstance(result.type, PtrType) for result in op.results):
            super().unknown(op)
        if changes_tiles(op):
            raise UserError(f"{op.name} may change a tile that it is given", op.location)
        pure = not isinstance(op, TileOp) and is_side_effect_free(op)
        touched = {a for value in operands if (a := argument_of(value)) is not None}
        if not isinstance(op, TileOp) and not pure:
            touched = set(self._pointer_arguments())
        key = self.intern(
            self._signature(op, operands), *(self.gm.histories.state(i) for i in sorted(touched))
        )
        if touched or not op.results or not (isinstance(op, TileOp) or pure):
            self.run_.effects.append(Opaque(op, self.gm.context, key, frozenset(touched)))
            for argument in touched:
                self.gm.histories.disturb(argument, key, self.gm.context)
        self._unknown_results(op, operands, NO_CONDITIONS, key)

    def meet(self, op: Operation) -> None:
        """Barrier: clobbers all GM arguments."""
        arguments = self._pointer_arguments()
        states = [self.gm.histories.state(i) for i in arguments]
        key = self.intern(self._signature(op, [self.env[v] for v in op.operands]), *states)
        self.run_.effects.append(Opaque(op, self.gm.context, key, frozenset(arguments)))
        for argument in arguments:
            self.gm.histories.disturb(argument, key, self.gm.context)

    def _what(self, op: Operation, operands: Sequence[Value]) -> tuple[Hashable, ...]:
        """All that decides what an operation yields, but for the values of its operands. The size of its
        scratch memory does not.
        """
        given = (op.properties | op.attributes).items()
        attributes = tuple(sorted(f"{name}={a}" for name, a in given if name != REMEMBERED_SCRATCH))
        types = tuple(v.layout._replace(valid_rows=0, valid_cols=0) for v in operands if isinstance(v, Tile))
        return op.name, attributes, types

    def _signature(self, op: Operation, operands: Sequence[Value]) -> int:
        return self.intern(*self._what(op, operands), *map(self.key, operands))

    def _unknown_results(
        self, op: Operation, operands: Sequence[Value], conditions: frozenset[str], key: int
    ) -> None:
        tiles = [value for value in operands if isinstance(value, Tile)]
        conditions = conditions.union(*(tile.conditions for tile in tiles))
        for i, result in enumerate(op.results):
            if isinstance(result.type, TileType):
                layout = layout_of(result)
                valid = self.extent(op, i) if isinstance(op, TileOp) else layout.shape
                self.bind(result, self.leaves(layout, valid, (key, i, layout.shape), conditions, line_of(op)))
            elif scalars.is_integer(result.type):
                self.env[result] = scalars.symbol(f"{op.name}#{key}.{i}", element_name(result.type))
            elif element_name(result.type) in numerics.FLOATS:
                self.env[result] = self.symbolic(affine.opaque(op.name, key, i), element_name(result.type))
            else:
                super().unknown(op)

    # -- tiles of which some lanes may not be there ----------------------------------------------

    def seen(self, op: TileOp, value: Value, destinations: list[tuple[TileLayout, Extent]]) -> Value:
        """An operand; what it does not have is undefined, unless that decides what is written."""
        if not isinstance(value, Tile):
            return value
        given = {number for _, extent in destinations for number in extent}
        if not all(isinstance(number, int) or number in given for number in value.valid):
            return self.guarded(value, value.layout.shape)
        layout, extent = destinations[0] if destinations else (value.layout, value.valid)
        if op.mnemonic() in PACKED:
            extent = extent[0], value.valid[1]
        if value.valid != extent and op.mnemonic() in ROW_BY_ROW and layout.shape == value.layout.shape:
            return partly_valid.within(self.terms, value.with_valid(extent))
        return value

    def guarded(self, tile: Tile, wanted: Extent) -> Tile:
        """A tile for a reader of so many rows and columns."""
        if self.described.intersection(tile.valid) or not partly_valid.has_symbols(tile.valid):
            return tile
        return partly_valid.guarded(self.terms, tile, wanted)

    def view(self, handler: Callable[[Any], None], op: Operation) -> None:
        """A tile in another shape or type; where that says a number of rows, those it lacks are undefined."""
        value = self.env[op.operands[0]]
        wanted: Extent | None = None
        if isinstance(value, Tile):
            open_ = sum(not isinstance(number, int) for number in value.valid)
            if open_ > layout_of(op.results[0]).valid.count(DYNAMIC):
                wanted = value.layout.shape
        self.with_guarded(handler, op, wanted)

    def with_guarded(self, handler: Callable[[Any], None], op: Operation, wanted: Extent | None) -> None:
        """Evaluate a view while its source is as the reader of an extent sees it, if one is given."""
        value = self.env[op.operands[0]]
        if wanted is not None and isinstance(value, Tile):
            self.env[op.operands[0]] = self.guarded(value, wanted)
        handler(op)
        self.env[op.operands[0]] = value

    def widened(self, tile: Tile, valid: Extent) -> Tile:
        return self.guarded(tile, valid)

    def set_validshape(self, op: Operation) -> None:
        rows, cols = (self.env[operand] for operand in op.operands[1:])
        self.with_guarded(super().set_validshape, op, (rows, cols))

    def subview(self, op: SubviewOp) -> None:
        row, col = (self.env[offset] for offset in op.offsets)
        rows, cols = layout_of(op.res).shape
        self.with_guarded(super().subview, op, (row + rows, col + cols))

    def symbolic_subview(self, op: SubviewOp, source: Tile, row: Number, col: Number, valid: Extent) -> None:
        layout = layout_of(op.res)
        if isinstance(col, int) and views.uniform_rows(source):
            self.check_box(op, source.layout, 0, col, box_shape(layout, valid))
            self.bind(op.res, views.subview(source, 0, col, layout, valid))
            return
        key = "subview", self.key(source), row, col, layout.shape
        self.bind(op.res, self.leaves(layout, valid, key, source.conditions, line_of(op)))

    def symbolic_insert(self, op: InsertOp, source: Tile, dest: Tile, row: Number, col: Number) -> None:
        conditions = source.conditions | dest.conditions
        if isinstance(row, int) and isinstance(col, int):
            if (found := partly_valid.inserted(self.terms, source, dest, row, col)) is not None:
                self.bind(op.res, Tile(layout_of(op.res), *found, dest.valid, conditions))
                return
        key = "insert", self.key(source), self.key(dest), row, col
        self.bind(op.res, self.leaves(layout_of(op.res), dest.valid, key, conditions, line_of(op)))

    def declare_array(self, op: Operation) -> None:
        super().declare_array(op)
        self.arrays[op.results[0]] = self.gm.context

    def array_set(self, op: Any) -> None:
        if self.arrays.get(op.array) != self.gm.context:
            raise NotConcrete(f"{op.name} in a loop or branch of which not all is known")
        super().array_set(op)

    # -- pipes -----------------------------------------------------------------------------------

    def where(self) -> Hashable:
        return self.gm.context

    def channel(self, op: Operation) -> str:
        """The pipe of a push, and the side it comes from."""
        pipe = op.properties.get("id", op.attributes.get("id"))
        return f"{op.name.removeprefix('pto.tpush_')} {pipe} {self.numbers['subblock_idx']}"

    def _pointer_arguments(self) -> list[int]:
        arguments = self.options.function.body.block.args
        return [self.options.number(i) for i, arg in enumerate(arguments) if isinstance(arg.type, PtrType)]


def _moved_from(value: SSAValue) -> SSAValue:
    """The value that moves between memories copied; one that rounded may have made an Inf."""
    moves = ("pto.tmov", "pto.textract", "pto.transpose", "dsv4.move")
    while isinstance(value, OpResult) and value.op.name in moves:
        source = value.op.operands[0]
        if layout_of(source).dtype != layout_of(value).dtype:
            break
        value = source
    return value
