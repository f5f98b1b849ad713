"""Runs a kernel in value form on terms: what every lane of every tile is, as a formula over loads.

`run_lanes` gives the tiles and the effects of a function, or of the cube and vector functions of a mixed
kernel together; `compare_effects` (comparison.py) says whether two runs in one `LaneContext` do the same.
Block numbers are symbols; loops and branches are explained in machine.py.
"""

from collections.abc import Container, Mapping, Sequence

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import BlockArgument, Operation, SSAValue

from dialects.pto.base import MEMORY_TYPES
from dialects.pto.handles import MultiTileBufType
from dialects.pto.types import PtrType, TileType, element_name
from dsv4_passes.interpreter import scalars
from dsv4_passes.interpreter.affine import Affine
from dsv4_passes.interpreter.domain import NotConcrete
from dsv4_passes.interpreter.kernels import Kernel, run_block
from dsv4_passes.interpreter.machine import SPMD_PARAMETERS, Place
from dsv4_passes.interpreter.operation_plans import Plans
from dsv4_passes.interpreter.values import Value

from .budget import CannotFollow, current
from .comparison import Difference, compare_effects
from .facts import argument_attribute, facts_of
from .gm_mod_ref import only_read
from .machine import LaneMachine
from .run import MAX_TRIPS, LaneContext, LaneRun
from .straight_line import Options
from .symbolic_memory import Histories, KnownArgument, TermMemory

MAX_BLOCKS = 2**31 - 1
"""A block number is an i32."""

__all__ = ["MAX_TRIPS", "CannotFollow", "LaneContext", "LaneRun", "lane_difference", "run_lanes"]


def run_lanes(
    functions: func.FuncOp | Sequence[func.FuncOp],
    *,
    selectors: Mapping[SSAValue, KnownArgument] | Mapping[int, KnownArgument] | None = None,
    context: LaneContext | None = None,
    max_trips: int | None = None,
    symbolic_loops: bool | Container[Operation] = False,
    arguments: Mapping[int, int] | None = None,
) -> LaneRun:
    """Run a function in value form, or the cube and vector function of a mixed kernel, for any block.

    `selectors` says what is known of GM arguments, by argument or by its index; loads from them are
    constants, unless the kernel stores to the argument: some other block may have done so before.
    `symbolic_loops` (all, or some) run once whatever their bounds are, so that what is found in their bodies
    holds for every trip. `arguments` renumbers parameters, so that kernels that take the same tensors in
    another order can be compared. Loops of at most `max_trips` constant trips run as they are; by default
    those of the context, fewer where the function would cost too much. UserError for a function that cannot
    be run: in buffer form, reading uninitialised lanes, or over the budget.
    """
    sides = [functions] if isinstance(functions, func.FuncOp) else list(functions)
    context = context or LaneContext()
    run = LaneRun(context)
    budget = current()
    context.fit(sides, budget)
    trips = context.trips if max_trips is None else max_trips
    options = Options(trips, budget, symbolic_loops, sides[0], arguments or {}, Plans())
    facts: dict[int, KnownArgument] = {}
    unwritten = only_read(*sides)  # what a block stores, another one may load
    for key, fact in (selectors or {}).items():
        index = key.index if isinstance(key, BlockArgument) else key
        assert isinstance(index, int)
        if index in unwritten:
            facts[options.number(index)] = fact
    histories = Histories(context.domain, context.intern, facts)
    kernel = Kernel(sides[0].sym_name.data, sides)

    def machine(place: Place) -> LaneMachine:
        if len(sides) == 1:
            place = place._replace(
                subblock=Affine.symbol("subblock", 0, 1), subblocks=Affine.symbol("subblocks", 1)
            )
        return LaneMachine(run, TermMemory(histories, run.loads), place, options)

    block, blocks = Affine.symbol("block", 0, MAX_BLOCKS), Affine.symbol("blocks", 1, MAX_BLOCKS)
    try:
        run_block(kernel, machine, _scalar_arguments(options, context), block, blocks)
    except NotConcrete as error:
        raise CannotFollow(f"cannot be followed lane by lane: {error}", sides[0].location) from None
    return run


def lane_difference(before: func.FuncOp, after: func.FuncOp) -> Difference | None:
    """The first observable difference between two forms of one function, under the facts of both.

    UserError for a function that cannot be run.
    """
    context = LaneContext()
    context.fit((before,), current())
    context.fit((after,), current())
    runs = [
        run_lanes(function, selectors=facts_of(function), context=context) for function in (before, after)
    ]
    return compare_effects(*runs)


def _is_extent(function: func.FuncOp, index: int) -> bool:
    """The parameter is an extent of a tensor, which is never negative; other integers may be."""
    hidden = argument_attribute(function, index, "dsv4.hidden")
    return isinstance(hidden, StringAttr) and hidden.data == "dim"


def _scalar_arguments(options: Options, context: LaneContext) -> dict[int, Value]:
    """Symbols for the scalar parameters that are not block numbers."""
    values: dict[int, Value] = {}
    for i, arg in enumerate(options.function.body.block.args):
        if isinstance(arg.type, PtrType) or arg.name_hint in SPMD_PARAMETERS:
            continue
        if isinstance(arg.type, (*MEMORY_TYPES, TileType, MultiTileBufType)):
            raise CannotFollow(f"it takes {arg.type}, of which nothing is known", options.function.location)
        number = options.number(i)
        if scalars.is_integer(arg.type):
            extent = _is_extent(options.function, i)
            values[i] = (
                Affine.symbol(f"arg{number}", 0)
                if extent
                else scalars.symbol(f"arg{number}", element_name(arg.type))
            )
        else:
            term = context.domain.table.opaque(("argument", number), element_name(arg.type))
            values[i] = np.full((1, 1), term, np.int64)
    return values
