"""Two loops of an orchestration, of which one hands tensors to the other, become one.

    %r = scf.for %b = 0 to 16 … {                     %o = scf.for %b = 0 to 16 … {
      dsv4.launch @rope (…, %b) }                       %s = dsv4.create
    %o = scf.for %c = 0 to 16 … {             =>        %r = dsv4.launch @rope (…, %s, %b)
      dsv4.launch @mix (%r, …, %c) }                    dsv4.launch @mix (%r, …, %b) }

Part of `dsv4-fuse-stages`: after that the two kernels may be fused. It is done where a tensor was carried
through the loops only to be handed over; it is then created inside each iteration.

Legal because no trip of one loop touches what another trip of the other loop writes: the addresses of all
trips and blocks prove it. So both orders of the trips do the same, also where trips run at the same time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.functions import ORCHESTRATION, program_functions, visible
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.memory import constant_int
from dsv4_passes.diagnostics import UserError, refused, rewritten
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneRun, run_lanes
from dsv4_passes.interpreter.affine import split
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.scalars import evaluate, is_integer
from dsv4_passes.interpreter.values import Box
from dsv4_passes.transforms.program.orchestration import tensor_of
from dsv4_passes.xdsl_extras.insert import insert_before
from dsv4_passes.xdsl_extras.loops import trips

from .gm_footprint import MAX_RUNS, Footprint, Runs, joined, runs_of, within
from .lane_way import LaneWay
from .merge_loops import between, merge_loops, mergeable

MAX_TRIPS = 256


class CannotFuseLoops(Exception):
    """Why two loops stay two."""


def origin(value: SSAValue) -> SSAValue:
    """The tensor of which a value is a version, through loops and branches too."""
    while True:
        value = tensor_of(value)
        owner = value.owner
        loop = owner.parent_op() if isinstance(owner, Block) else owner
        if not isinstance(loop, scf.ForOp):
            return _of_branch(value)
        if isinstance(value, BlockArgument):
            if value.index == 0:
                return value
            number = value.index - 1
        else:
            number = list(loop.results).index(value)  # pyright: ignore[reportArgumentType]
            end = loop.body.block.last_op
            assert end is not None
            if origin(end.operands[number]) is not origin(loop.iter_args[number]):
                raise CannotFuseLoops("a trip yields another tensor than it is given")
        value = loop.iter_args[number]


def _of_branch(value: SSAValue) -> SSAValue:
    """The tensor that both bodies of a branch yield."""
    op = value.owner
    if not isinstance(op, scf.IfOp):
        return value
    number = list(op.results).index(value)  # pyright: ignore[reportArgumentType]
    ends = [region.block.last_op for region in op.regions if region.blocks]
    found = {origin(end.operands[number]) for end in ends if end is not None}
    if len(found) != 1:
        raise CannotFuseLoops("a branch yields one of several tensors")
    return found.pop()


@dataclass
class TripFootprints:
    """What the trips of a loop load and store of one tensor."""

    loads: Footprint
    stores: Footprint


def trip_footprints(loop: scf.ForOp) -> dict[SSAValue, TripFootprints]:
    """What each trip touches, by tensor. Raises CannotFuse where that is not known."""
    number = trips(loop)
    if number is None or number > MAX_TRIPS:
        raise CannotFuseLoops("how often they run is not known, or too often")
    found: dict[SSAValue, TripFootprints] = {}
    for op in loop.body.walk():
        if isinstance(op, LaunchOp):
            for tensor, new in _launched(op, loop, number).items():
                old = found.get(tensor)
                found[tensor] = (
                    new if old is None else TripFootprints(old.loads + new.loads, old.stores + new.stores)
                )
        elif not isinstance(op, CreateOp | scf.IfOp | scf.YieldOp) and not op.name.startswith("arith."):
            raise CannotFuseLoops(f"'{op.name}' stands in one of them")
    return found


def _launched(launch: LaunchOp, loop: scf.ForOp, number: int) -> dict[SSAValue, TripFootprints]:
    function, blocks = launch.function(), launch.block_count
    if blocks is None:
        raise CannotFuseLoops(f"'{launch.callee}' runs in {launch.grid} blocks")
    try:
        run = run_lanes(function, selectors=facts_of(function))
    except UserError as error:
        raise CannotFuseLoops(f"'{launch.callee}' cannot be followed: {error.message}") from None
    lower, step = constant_int(loop.lb), constant_int(loop.step)
    assert lower is not None
    assert step is not None
    values: list[dict[str, int]] = []
    for trip in range(number):
        known: dict[SSAValue, int | None] = {loop.body.block.args[0]: lower + trip * step}
        scalars = {
            f"arg{p.index}": _number(v, known)
            for p, v in zip(visible(function), launch.args, strict=True)
            if is_integer(v.type)
        }
        values.append({name: value for name, value in scalars.items() if value is not None})
    found: dict[SSAValue, TripFootprints] = {}
    for parameter, value in zip(visible(function), launch.args, strict=True):
        if not parameter.is_tensor:
            continue
        if run.is_followed(parameter.index):
            loads, stores = _boxes(run, parameter.index)
            new = TripFootprints(_of_trips(loads, values, blocks), _of_trips(stores, values, blocks))
        else:
            new = TripFootprints(Footprint(None), Footprint(None))
        tensor = origin(value)
        old = found.get(tensor)
        found[tensor] = new if old is None else TripFootprints(old.loads + new.loads, old.stores + new.stores)
    return found


def _boxes(run: LaneRun, argument: int) -> tuple[list[Box], list[Box]]:
    loads = [box for _, box in run.loads if box.argument == argument]
    return loads, [s.box for s in run.stores if s.box.argument == argument]


def _of_trips(boxes: list[Box], values: list[dict[str, int]], blocks: int) -> Footprint:
    """The elements that boxes touch in each trip, in any block."""
    if any(box.scale for box in boxes):
        return Footprint(None)
    runs = [runs_of(box.offsets.reshape(-1)) for box in boxes]
    if sum(map(len, runs)) * len(values) * blocks > MAX_RUNS:
        return Footprint(None)
    found: list[Runs] = []
    for known in values:
        here: list[Runs] = []
        for box, own in zip(boxes, runs, strict=True):
            for block in range(blocks):
                linear, base = split(box.base)
                for symbol, factor in linear:
                    value = {**known, "block": block}.get(symbol.name)
                    if value is None:
                        return Footprint(None)
                    base += factor * value
                here.append(own + base)
        found.append(joined(here))
    return Footprint(found)


def _number(value: SSAValue, known: dict[SSAValue, int | None]) -> int | None:
    """An integer of the orchestration in one trip, if it follows from constants and the trip's number."""
    if value not in known:
        op = value.owner
        known[value] = None
        if isinstance(op, arith.ConstantOp):
            known[value] = constant_int(value)
        elif isinstance(op, Operation) and op.name.startswith("arith.") and is_integer(value.type):
            numbers = [_number(v, known) for v in op.operands]
            if None not in numbers:
                result = evaluate(op, list(numbers), NumpyDomain())
                known[value] = result if isinstance(result, int) else None
    return known[value]


# -- fusing ----------------------------------------------------------------------------------------


def hands_over(first: scf.ForOp, second: scf.ForOp) -> bool:
    """The second loop takes a result of the first."""
    made = set(first.results)
    return any(v in made for op in second.walk() for v in op.operands)


def check(first: scf.ForOp, second: scf.ForOp) -> list[int]:
    """Raises CannotFuse unless the trips may be interleaved.

    The results of the first loop that are tensors of a trip's own: handed over to the second, nothing else.
    """
    for op in between(first, second):
        if not isinstance(op, CreateOp) and not op.name.startswith("arith."):
            raise CannotFuseLoops(f"'{op.name}' stands between them")
    mine, other = trip_footprints(first), trip_footprints(second)
    for tensor in mine.keys() & other.keys():
        a, b = mine[tensor], other[tensor]
        for x, y in ((a.stores, b.loads), (a.stores, b.stores), (a.loads, b.stores)):
            if x.meets_other_blocks(y):
                name = tensor.name_hint or "a tensor"
                raise CannotFuseLoops(
                    f"a trip of one may touch what another trip of the other writes of '{name}'"
                )
    return [k for k, result in enumerate(first.results) if _is_private(result, first, second, mine, other)]


def _is_private(
    result: SSAValue,
    first: scf.ForOp,
    second: scf.ForOp,
    mine: dict[SSAValue, TripFootprints],
    other: dict[SSAValue, TripFootprints],
) -> bool:
    """A tensor that starts uninitialised; each iteration loads only what it stored itself."""
    start = origin(result)
    if not isinstance(start.owner, CreateOp) or [use.operation for use in start.uses] != [first]:
        return False
    if not all(second.body.block.is_ancestor(use.operation) for use in result.uses):
        return False
    a, b = mine.get(start), other.get(start)
    if a is None or b is None or a.loads.blocks is None or any(len(each) for each in a.loads.blocks):
        return False
    stores, loads = a.stores.blocks, b.loads.blocks
    if stores is None or loads is None or b.stores.blocks is None or any(len(s) for s in b.stores.blocks):
        return False
    return all(within(load, store) for load, store in zip(loads, stores, strict=True))


def fuse(first: scf.ForOp, second: scf.ForOp) -> scf.ForOp:
    """Make one loop of two; raises CannotFuse and leaves them as they were."""
    private = check(first, second)
    if not private:
        raise CannotFuseLoops("no tensor is there only to be handed over")
    merged = merge_loops(first, second)
    for k in reversed(private):
        merged = make_inside(merged, k)
    return merged


def make_inside(loop: scf.ForOp, number: int) -> scf.ForOp:
    """Create a tensor in each trip that was carried from trip to trip."""
    start = loop.iter_args[number].owner
    assert isinstance(start, CreateOp)
    block = loop.body.block
    inside = start.clone()
    inside.res.name_hint = start.res.name_hint
    inside.location = start.location
    assert block.first_op is not None
    Rewriter.insert_op(inside, InsertPoint.before(block.first_op))
    block.args[number + 1].replace_all_uses_with(inside.res)
    block.erase_arg(block.args[number + 1])
    end = block.last_op
    assert isinstance(end, scf.YieldOp)
    Rewriter.replace_op(end, scf.YieldOp(*(v for k, v in enumerate(end.operands) if k != number)))
    starts = [v for k, v in enumerate(loop.iter_args) if k != number]
    new = scf.ForOp(loop.lb, loop.ub, loop.step, starts, loop.detach_region(loop.body))
    new.attributes |= loop.attributes
    insert_before(loop, new)
    rest = [r for k, r in enumerate(loop.results) if k != number]
    for old, result in zip(rest, new.results, strict=True):
        result.name_hint = old.name_hint
        old.replace_all_uses_with(result)
    Rewriter.erase_op(loop)
    Rewriter.erase_op(start)
    return new


def fuse_loops(module: ModuleOp, way: LaneWay | None = None) -> int:
    """Fuse sibling loops in all orchestrations; how many pairs became one.

    With `way`, only loops that both have kernels which move lanes.
    """
    count = 0
    seen: set[tuple[scf.ForOp, scf.ForOp]] = set()

    def wanted(pair: tuple[scf.ForOp, scf.ForOp]) -> bool:
        return pair not in seen and (way is None or all(way.are_sites(_launch_ops(loop)) for loop in pair))

    while (pair := next(filter(wanted, _pairs(module)), None)) is not None:
        seen.add(pair)
        names = " and ".join(f"'{_launches(loop)}'" for loop in pair)
        place = pair[1]
        try:
            merged = fuse(*pair)
        except CannotFuseLoops as problem:
            refused(place, f"the loops around {names} stay two: {problem}", "loops stay two")
            continue
        rewritten(merged, f"the loops around {names} are one: no trip touches what another one hands over")
        count += 1
    return count


def _pairs(module: ModuleOp) -> Iterator[tuple[scf.ForOp, scf.ForOp]]:
    for orchestration in program_functions(module, ORCHESTRATION):
        for block in _blocks(orchestration):
            loops = [op for op in block.ops if isinstance(op, scf.ForOp)]
            for first, second in pairwise(loops):
                if hands_over(first, second) and mergeable(first, second):
                    yield first, second


def _blocks(function: func.FuncOp) -> Iterator[Block]:
    for op in function.walk():
        for region in op.regions:
            yield from region.blocks


def _launch_ops(loop: scf.ForOp) -> list[LaunchOp]:
    return [op for op in loop.walk() if isinstance(op, LaunchOp)]


def _launches(loop: scf.ForOp) -> str:
    return ", ".join(op.callee for op in _launch_ops(loop))
