"""Evaluates a kernel, in buffer form or in value form, over any domain.

The machine knows control flow, scalars, memory and pipes; what a tile operation computes stands in
`semantics`. Functions run as generators that yield where a pipe is empty, so that the cube function and the
vector functions of a mixed kernel can run in turns (`run_together`).
"""

from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp, UnregisteredOp
from xdsl.ir import Block, Operation, SSAValue

from dialects.pto import debug, pipes, sync
from dialects.pto.base import TileOp, layout_of
from dialects.pto.types import PtrType, TileBufType, TileLayout
from dsv4_passes.diagnostics import PassFailure, UserError

from . import scalars
from .affine import Number
from .channels import MAX_SPLIT, Channels, Item
from .domain import Domain, NotConcrete
from .gm import GlobalMemory
from .memory import RegionView
from .operation_plans import Plans
from .semantics import SEMANTICS, views
from .tile_machine import TileMachine
from .values import Extent, Pointer, Tile, Value

Steps: TypeAlias = Generator[None, None, Any]
"""A computation that yields while it waits for the other side of a pipe."""

NO_EFFECT = frozenset(
    {op.name for family in (sync, pipes, debug) for op in family.OPERATIONS if op.name != "pto.trap"}
    | {"pto.tfree_from_aic", "pto.tfree_from_aiv", "pto.tprefetch"}
)
"""Synchronisation, reservations, frees, prints: nothing that a sequential run could see."""


class Place(NamedTuple):
    """Which of the blocks a core works on, and the pipes it shares with the other cores of its block."""

    block: Number = 0
    blocks: Number = 1
    subblock: Number = 0
    subblocks: Number = 1
    channels: Channels | None = None


class Machine(TileMachine):
    """One core: its on-chip memory, its place among the blocks, and the values of the running function."""

    def __init__(
        self, domain: Domain, gm: GlobalMemory, place: Place | None = None, plans: Plans | None = None
    ):
        super().__init__(domain, gm, plans)
        place = place or Place()
        self.channels = place.channels or Channels(1)
        self.numbers: dict[str, Number] = {
            "block_idx": place.block,
            "block_num": place.blocks,
            "subblock_idx": place.subblock,
            "subblock_num": place.subblocks,
        }
        self.waiting: dict[str, Callable[[Any], Steps]] = {
            "scf.for": self.run_for,
            "scf.if": self.run_if,
            "func.call": self.run_call,
            "pto.section.cube": self.run_section,
            "pto.section.vector": self.run_section,
            "pto.tpop_from_aic": self.pop,
            "pto.tpop_from_aiv": self.pop,
        }
        self.handlers |= {f"pto.get_{name}": self.core_number for name in self.numbers}
        self.handlers |= {"pto.tpush_to_aiv": self.push, "pto.tpush_to_aic": self.push}

    def retire(self) -> None:
        """Run nothing any more. Its handlers know the machine: that cycle would keep all it has seen."""
        self.handlers.clear()
        self.waiting.clear()

    # -- functions and regions -------------------------------------------------------------------

    def run(self, function: func.FuncOp, arguments: Sequence[Value]) -> Steps:
        """Evaluate a function; its results are the generator's value."""
        outer: dict[SSAValue, Value] = self.env
        self.env = {arg: value for arg, value in zip(function.body.block.args, arguments, strict=True)}
        results = yield from self.run_block(function.body.block)
        self.env = outer
        return results

    def run_block(self, block: Block) -> Steps:
        """Evaluate the operations of a block; the values its terminator passes on."""
        handlers, waiting = self.handlers, self.waiting
        for op in block.ops:
            name = op.name
            try:
                if (handler := handlers.get(name)) is not None:
                    handler(op)
                elif (steps := waiting.get(name)) is not None:
                    yield from steps(op)
                elif name in ("scf.yield", "func.return"):
                    return [self.env[value] for value in op.operands]
                else:
                    self.evaluate(op)
            except (UserError, NotConcrete, PassFailure, MemoryError, RecursionError):
                raise
            except Exception as error:
                raise PassFailure(op, error) from error
        return []

    def evaluate(self, op: Operation) -> None:
        """An operation that is neither control flow nor concerned with memory."""
        name = op.name
        if isinstance(op, TileOp) and op.mnemonic() in SEMANTICS:
            self.tile_op(op)
        elif scalars.is_scalar(op):
            operands = [self.env[value] for value in op.operands]
            self.env[op.results[0]] = scalars.evaluate(op, operands, self.domain)
        elif name in NO_EFFECT:
            for result in op.results:
                self.env[result] = None
        else:
            self.unknown(op)

    def knows(self, op: Operation) -> bool:
        """The operation has semantics here."""
        if isinstance(op, TileOp) and op.mnemonic() in SEMANTICS:
            return True
        known = op.name in self.handlers or op.name in self.waiting or op.name in NO_EFFECT
        return known or op.name in ("scf.yield", "func.return") or scalars.is_scalar(op)

    def unknown(self, op: Operation) -> None:
        name = op.op_name.data if isinstance(op, UnregisteredOp) else op.name
        raise UserError(f"cannot interpret {name}", op.location)

    def run_for(self, op: scf.ForOp) -> Steps:
        low, high, step = (
            self.number(v, what, op)
            for v, what in ((op.lb, "lower bound"), (op.ub, "upper bound"), (op.step, "step"))
        )
        if step <= 0:
            raise UserError(f"scf.for expects a positive step, found {step}", op.location)
        yield from self.run_trips(op, range(low, high, step))

    def run_trips(self, op: scf.ForOp, trips: Iterable[Number]) -> Steps:
        block = op.body.block
        carried: list[Value] = [self.env[value] for value in op.iter_args]
        for trip in trips:
            self.env.update(zip(block.args, chain([trip], carried), strict=True))
            carried = yield from self.run_block(block)
        self.env.update(zip(op.results, carried, strict=True))

    def run_if(self, op: scf.IfOp) -> Steps:
        condition = self.number(op.cond, "condition", op)
        region = op.true_region if condition else op.false_region
        results: list[Value] = []
        if region.blocks:
            results = yield from self.run_block(region.block)
        self.env.update(zip(op.results, results, strict=True))

    def run_call(self, op: func.CallOp) -> Steps:
        callee = _callee(op)
        if callee is None or not callee.body.blocks:
            raise UserError(f"calls {op.callee}, which has no body here", op.location)
        results = yield from self.run(callee, [self.env[value] for value in op.arguments])
        self.env.update(zip(op.results, results, strict=True))

    def run_section(self, op: Operation) -> Steps:
        yield from self.run_block(op.regions[0].block)

    def core_number(self, op: Operation) -> None:
        self.env[op.results[0]] = self.numbers[op.name.removeprefix("pto.get_")]

    # -- pipes -----------------------------------------------------------------------------------

    def push(self, op: Operation) -> None:
        tile = self.read(op.operands[0])
        if not isinstance(tile, Tile):
            kind = op.operands[0].type
            raise UserError(f"{op.name} of {kind}, no tile, has no semantics here", op.location)
        if 0 in tile.valid:
            tile = views.undef(tile.layout, tile.valid, self.domain)
        self.pushed(op, tile)
        pipe, split = _channel(op)
        if op.name == "pto.tpush_to_aiv":
            self.channels.push_to_vector(pipe, split, Item(tile, self.where()))
        else:
            self.channels.push_to_cube(pipe, self._subblock(op), Item(tile, self.where()))

    def where(self) -> Hashable:
        """Where the core is among loops that run once for all their trips; pushes and pops must agree."""
        return ()

    def pushed(self, op: Operation, tile: Tile) -> None:
        """A hook: a tile is pushed to the other core."""

    def widened(self, tile: Tile, valid: Extent) -> Tile:
        """A hook: a pushed tile as it is popped, with another extent."""
        return tile

    def pop(self, op: Operation) -> Steps:
        pipe, split = _channel(op)
        while True:
            if op.name == "pto.tpop_from_aic":
                item = self.channels.pop_from_cube(pipe, self._subblock(op))
            else:
                item = self.channels.pop_from_vector(pipe, split)
            if item is not None:
                break
            yield
        if item.where != self.where():
            raise UserError(f"{op.name} receives a tile from another loop or branch", op.location)
        tile = item.tile
        result = op.results[0]
        layout = layout_of(result)
        extents = [v for v in op.operands if isinstance(v.type, IndexType)]
        valid = self.static_or(layout, extents, op)
        tile = self.widened(tile, valid)
        if tile.data.shape != layout.shape or tile.layout.dtype != layout.dtype:
            pushed = f"{tile.data.shape[0]}x{tile.data.shape[1]}x{tile.layout.dtype}"
            raise UserError(
                f"{op.name} expects {layout.rows}x{layout.cols}x{layout.dtype}, "
                f"but the tile pushed to it is {pushed}",
                op.location,
            )
        if isinstance(result.type, TileBufType):
            self.env[result] = self._slot(layout, valid, tile)
        else:
            self.bind(result, Tile(layout, tile.data, tile.known, valid, tile.conditions))

    def _slot(self, layout: TileLayout, valid: Extent, tile: Tile) -> RegionView:
        """The memory of a popped tile, which nothing else shares."""
        handle = self.memory.handle(layout, None, valid)
        handle.write(tile.data, tile.known)
        return handle

    def _subblock(self, op: Operation) -> int:
        subblock = self.numbers["subblock_idx"]
        if not isinstance(subblock, int):
            raise UserError(f"{op.name} needs a number for its sub-block, found {subblock}", op.location)
        return subblock


def _channel(op: Operation) -> tuple[int, int]:
    """Number and split of a push or pop."""
    given = (op.properties.get("id"), op.properties.get("split"))
    pipe, split = (a.value.data if isinstance(a, IntegerAttr) else 0 for a in given)
    if split > MAX_SPLIT:
        raise UserError(f"{op.name} has split = {split}, which has no semantics here", op.location)
    return pipe, split


def _callee(op: func.CallOp) -> func.FuncOp | None:
    parent: Operation | None = op
    while parent is not None and not isinstance(parent, ModuleOp):
        parent = parent.parent_op()
    name = op.callee.root_reference.data
    if parent is None:
        return None
    found = (o for o in parent.ops if isinstance(o, func.FuncOp) and o.sym_name.data == name)
    return next(found, None)


def finish(steps: Steps) -> Any:
    """Run a function that has no other side to wait for. UserError where it waits."""
    return run_together([steps])[0]


def run_together(sides: Sequence[Steps], channels: Channels | None = None) -> list[Any]:
    """Run several functions in turns until all are done; their results. UserError if all of them wait."""
    results: list[Any] = [None] * len(sides)
    running = dict(enumerate(sides))
    while running:
        moved, before = channels.moved if channels else 0, len(running)
        for i, steps in list(running.items()):
            try:
                next(steps)
            except StopIteration as stop:
                results[i] = stop.value
                del running[i]
        if len(running) == before and (channels is None or channels.moved == moved):
            raise UserError("a pop waits for a tile that nobody pushes")
    return results


def pointer_arguments(function: func.FuncOp) -> dict[int, Pointer]:
    """A pointer to each GM argument, by its index."""
    return {
        i: Pointer(i, 0, arg.type.data.dtype)
        for i, arg in enumerate(function.body.block.args)
        if isinstance(arg.type, PtrType)
    }


SPMD_PARAMETERS = {
    "__pypto_spmd_block_idx": "block_idx",
    "__pypto_spmd_block_num": "block_num",
    "__pypto_spmd_subblock_idx": "subblock_idx",
}
"""How pypto names the parameters that say which block this is."""


def arguments_of(machine: Machine, function: func.FuncOp, scalars_: Mapping[int, Value]) -> list[Value]:
    """Values for the parameters: pointers, the machine's block numbers, and given scalars by index."""
    pointers = pointer_arguments(function)
    values: list[Value] = []
    for i, arg in enumerate(function.body.block.args):
        spmd = SPMD_PARAMETERS.get(arg.name_hint or "")
        if i in pointers:
            values.append(pointers[i])
        elif spmd is not None:
            values.append(machine.numbers[spmd])
        elif i in scalars_:
            values.append(scalars_[i])
        else:
            raise UserError(f"no value for scalar argument '{arg.name_hint or f'arg{i}'}'", function.location)
    return values
