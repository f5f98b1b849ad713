"""`dsv4-fuse-stages`: two kernels of which one only hands a GM tensor to the other become one kernel.

    %s  = dsv4.create : tensor<256x64xf32>
    %s1 = dsv4.launch @reassemble blocks(4) (%x, %s)        =>    %o1 = dsv4.launch @reassemble_write_back
    %o1 = dsv4.launch @write_back blocks(4) (%s1, %o)                   blocks(4) (%x, %o)

The load becomes the stored value, the store and the tensor go. Also a kernel that copies a tensor
unchanged is forwarded: its readers read the original.

Legal because (1) both run in as many blocks, in one loop or branch of the orchestration, and nothing in
between needs the one or feeds the other; (2) nobody else reads the stage, and it is not returned;
(3) every lane that is loaded was stored in the same block, which lane terms prove; (4) apart from the
stage, no block of either touches what another block of the other writes, which the addresses of all
blocks prove; (5) the lanes stored by the fused kernel are those of the two kernels one after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import SymbolTable

from dialects.dsv4.attributes import DirectionAttr
from dialects.dsv4.functions import (
    ORCHESTRATION,
    program_functions,
    set_returned,
    visible,
    written,
)
from dialects.dsv4.launch import LaunchOp, WrapperOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.types import TileBufType
from dsv4_passes.analysis.facts import facts_of
from dsv4_passes.analysis.footprint import Footprint, empty, footprint
from dsv4_passes.analysis.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.diagnostics import UserError, refused, rewritten

from .forward_copies import forward_copies
from .fuse_kernels import NotForwarded, concatenate, forward, merge_parameters
from .orchestration import position, remove_unused, root_of, written_result


class CannotFuse(Exception):
    """Why a pair of kernels stays two."""

    def __init__(self, why: str, reason: str):
        super().__init__(why)
        self.reason = reason


@dataclass(frozen=True)
class Pair:
    """A producer and a consumer launch, and what goes from the one to the other.

    `stages` maps parameters of the consumer to those of the producer.
    """

    producer: LaunchOp
    consumer: LaunchOp
    stages: Mapping[int, int]

    @property
    def label(self) -> str:
        return f"'{self.producer.callee}' and '{self.consumer.callee}'"


# -- the orchestration ---------------------------------------------------------------------------------


def pairs_in(block: Block) -> Iterator[Pair]:
    """Producer and consumer launches of one block, by their first stage."""
    for consumer in block.ops:
        if not isinstance(consumer, LaunchOp):
            continue
        by_producer: dict[LaunchOp, dict[int, int]] = {}
        for parameter, value in zip(visible(consumer.function()), consumer.args, strict=True):
            producer = value.owner
            if not isinstance(producer, LaunchOp) or producer.parent is not block or producer is consumer:
                continue
            for source in written(producer.function()):
                if written_result(producer, source.index) is value:
                    by_producer.setdefault(producer, {})[parameter.index] = source.index
        for producer, stages in by_producer.items():
            yield Pair(producer, consumer, stages)


def check_launches(pair: Pair) -> None:
    """Blocks, other readers, and what stands between."""
    blocks = pair.producer.block_count
    if blocks is None or blocks != pair.consumer.block_count:
        raise CannotFuse(
            f"{pair.label} run in {pair.producer.block_count} and {pair.consumer.block_count} blocks",
            "different grids",
        )
    for source in pair.stages.values():
        value = written_result(pair.producer, source)
        assert value is not None
        readers = [use.operation for use in value.uses if use.operation is not pair.consumer]
        if readers:
            raise CannotFuse(
                f"what goes between {pair.label} is also read by {_say(readers[0])}", "other reader"
            )
        if len([use for use in value.uses]) > 1:
            raise CannotFuse(f"what goes between {pair.label} is passed twice", "other reader")
        if not isinstance(root_of(value).owner, CreateOp):
            raise CannotFuse(f"what goes between {pair.label} comes in from outside", "not a stage")
        before = pair.producer.args[position(pair.producer, source)]
        if not isinstance(before.owner, CreateOp) or len(list(before.uses)) != 1:
            raise CannotFuse(f"what goes between {pair.label} is written elsewhere too", "several producers")
    between = list(_between(pair.producer, pair.consumer))
    if (blocker := _blocker(pair, between)) is not None:
        raise CannotFuse(f"{_say(blocker)} stands between {pair.label}", "kernel in between")


def _say(op: Operation) -> str:
    return f"'{op.callee}'" if isinstance(op, LaunchOp) else f"'{op.name}'"


def _between(a: Operation, b: Operation) -> Iterator[Operation]:
    op = a.next_op
    while op is not None and op is not b:
        yield op
        op = op.next_op


def _blocker(pair: Pair, between: list[Operation]) -> Operation | None:
    """An operation because of which the producer cannot be moved down to the consumer."""
    mine = {root_of(v) for v in pair.producer.args}
    made = set(pair.producer.res)
    for op in between:
        if op.regions or any(v in made for v in op.operands):
            return op
        if isinstance(op, LaunchOp):
            touched = {root_of(op.args[position(op, p.index)]) for p in written(op.function())}
            if touched & mine:
                return op
        elif not isinstance(op, CreateOp) and op.results == () and op.operands:
            return op
    return None


# -- blocks --------------------------------------------------------------------------------------------


def touched(run: LaneRun, blocks: int, argument: int, stores: bool) -> Footprint:
    boxes = (
        [s.box for s in run.stores if s.box.argument == argument]
        if stores
        else [box for _, box in run.loads if box.argument == argument]
    )
    total = empty(blocks)
    for box in boxes:
        total += footprint(box, blocks)
    return total


def check_blocks(pair: Pair, first: LaneRun, second: LaneRun, same: Mapping[int, int]) -> None:
    """No block of either kernel touches what another block of the other writes."""
    blocks = pair.producer.block_count
    assert blocks is not None
    a, b = pair.producer.function(), pair.consumer.function()
    writes_a, writes_b = ({p.index for p in written(f)} for f in (a, b))
    names = {p.index: p.name for p in visible(b)}
    for theirs, ours in (*same.items(), *pair.stages.items()):
        for mine_writes, other_writes in ((True, False), (False, True), (True, True)):
            if (mine_writes and ours not in writes_a) or (other_writes and theirs not in writes_b):
                continue
            mine = touched(first, blocks, ours, mine_writes)
            other = touched(second, blocks, theirs, other_writes)
            if mine.meets_other_blocks(other):
                raise CannotFuse(
                    f"a block of {pair.label} may touch what another block writes of '{names[theirs]}'",
                    "blocks share elements",
                )


# -- fusing --------------------------------------------------------------------------------------------


def fuse(module: ModuleOp, pair: Pair) -> LaunchOp:
    """Make one launch of two; raises CannotFuse and leaves everything as it was."""
    check_launches(pair)
    first, second = pair.producer.function(), pair.consumer.function()
    for function in (first, second):
        if any(isinstance(r.type, TileBufType) for op in function.walk() for r in op.results):
            raise CannotFuse(f"'{function.sym_name.data}' is not in value form", "buffer form")
    same = shared_tensors(pair)
    try:
        runs = [run_lanes(f, selectors=facts_of(f), context=LaneContext()) for f in (first, second)]
    except UserError as error:
        raise CannotFuse(error.message, "cannot be followed") from None
    check_blocks(pair, runs[0], runs[1], same)
    directions: dict[tuple[int | None, int | None], Attribute] = {
        (a, b): _direction(pair, a, b) for b, a in same.items()
    }
    shared = merge_parameters(first, second, {**same, **pair.stages}, directions)
    name = unused_name(module, f"{first.sym_name.data}_{second.sym_name.data}")
    fused = concatenate(first, second, shared, name)
    Rewriter.insert_op(fused, InsertPoint.after(second))
    stages = [
        fused.body.block.args[i]
        for i, s in enumerate(shared)
        if s.second is not None and s.second in pair.stages
    ]
    try:
        forward(fused, stages)
    except (NotForwarded, UserError) as problem:
        fused.detach()
        fused.erase()
        why = problem.message if isinstance(problem, UserError) else str(problem)
        raise CannotFuse(f"{pair.label}: {why}", "not stored in the same block") from None
    _drop_parameters(fused, len(stages), [fused.body.block.args.index(s) for s in stages])
    kept = [s for s in shared if s.second is None or s.second not in pair.stages]
    return _replace_launches(module, pair, fused, [(s.first, s.second) for s in kept])


def shared_tensors(pair: Pair) -> dict[int, int]:
    """Parameters of the consumer that are the same tensor as one of the producer's, stages aside."""
    first = {
        root_of(v): p.index
        for p, v in zip(visible(pair.producer.function()), pair.producer.args, strict=True)
    }
    same: dict[int, int] = {}
    for parameter, value in zip(visible(pair.consumer.function()), pair.consumer.args, strict=True):
        if parameter.index in pair.stages or not parameter.is_tensor:
            continue
        root = root_of(value)
        if root in first and first[root] not in same.values():
            if value.type == pair.producer.args[position(pair.producer, first[root])].type:
                same[parameter.index] = first[root]
    return same


def _direction(pair: Pair, a: int | None, b: int | None) -> Attribute:
    mine = next(p for p in visible(pair.producer.function()) if p.index == a)
    other = next(p for p in visible(pair.consumer.function()) if p.index == b)
    words = {mine.direction, other.direction}
    return DirectionAttr(words.pop() or "in" if len(words) == 1 else "inout")


def unused_name(module: ModuleOp, wanted: str) -> str:
    name, number = wanted, 1
    while SymbolTable.lookup_symbol(module, name) is not None:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _drop_parameters(function: func.FuncOp, count: int, indices: list[int]) -> None:
    from .drop_dead_args import drop_arguments

    assert len(indices) == count
    drop_arguments(function, indices)


def _replace_launches(
    module: ModuleOp, pair: Pair, fused: func.FuncOp, parameters_: list[tuple[int | None, int | None]]
) -> LaunchOp:
    arguments: list[SSAValue] = []
    for a, b in parameters_:
        launch, index = (pair.producer, a) if a is not None else (pair.consumer, b)
        assert index is not None
        arguments.append(launch.args[position(launch, index)])
    outputs = written(fused)
    set_returned(fused, range(len(outputs)))
    via = unused_name(module, f"{fused.sym_name.data}_spmd") if pair.consumer.via is not None else None
    launch = LaunchOp(
        fused.sym_name.data,
        arguments,
        [p.type for p in outputs],
        pair.consumer.grid,
        via,
    )
    launch.location = pair.consumer.location
    Rewriter.insert_op(launch, InsertPoint.before(pair.consumer))
    if via is not None:
        wrapper = WrapperOp(via, fused.sym_name.data, pair.consumer.block_count)
        Rewriter.insert_op(wrapper, InsertPoint.after(fused))
    by_parameter = {p.index: pair_ for p, pair_ in zip(visible(fused), parameters_, strict=True)}
    for result, parameter in zip(launch.res, outputs, strict=True):
        a, b = by_parameter[parameter.index]
        for old, index in ((pair.consumer, b), (pair.producer, a)):
            if index is not None and (value := written_result(old, index)) is not None:
                result.name_hint = result.name_hint or value.name_hint
                value.replace_all_uses_with(result)
    creates = [v.owner for v in pair.producer.args]
    for old in (pair.consumer, pair.producer):
        remove_unused(module, old)
    for create in creates:
        if isinstance(create, CreateOp) and create.parent is not None and not list(create.res.uses):
            create.detach()
            create.erase()
    return launch


def fuse_all(module: ModuleOp) -> int:
    """Fuse until nothing more can be; pairs that stay two are remarked once."""
    count = forward_copies(module)
    seen: set[tuple[str, str]] = set()
    progress = True
    while progress:
        progress = False
        for orchestration in program_functions(module, ORCHESTRATION):
            blocks = [orchestration.body.block]
            blocks += [
                b
                for op in orchestration.walk()
                for r in op.regions
                for b in r.blocks
                if op is not orchestration
            ]
            for pair in [p for block in blocks for p in pairs_in(block)]:
                key = (pair.producer.callee, pair.consumer.callee)
                if key in seen:
                    continue
                seen.add(key)
                names = ", ".join(
                    f"'{p.name}'" for p in visible(pair.consumer.function()) if p.index in pair.stages
                )
                try:
                    launch = fuse(module, pair)
                except CannotFuse as problem:
                    refused(pair.consumer, f"not fused: {problem}", problem.reason)
                    continue
                rewritten(
                    launch,
                    f"'{key[0]}' and '{key[1]}' are one kernel now, '{launch.callee}': "
                    f"{names} no longer goes through GM; every lane that was loaded is proved to be "
                    "stored in the same block",
                )
                count += 1
                progress = True
                break
            if progress:
                break
    return count


@dataclass(frozen=True)
class FuseStagesPass(ModulePass):
    """Fuse kernels of a program across the GM tensors that only go from one to the next."""

    name = "dsv4-fuse-stages"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        fuse_all(op)
