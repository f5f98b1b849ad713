"""`dsv4-fuse-stages`: two kernels of which one only hands a GM tensor to the other become one kernel.

    %s  = dsv4.create : tensor<256x64xf32>
    %s1 = dsv4.launch @reassemble blocks(4) (%x, %s)        =>    %o1 = dsv4.launch @reassemble_write_back
    %o1 = dsv4.launch @write_back blocks(4) (%s1, %o)                   blocks(4) (%x, %o)

The load becomes the stored value, the store and the tensor go. Also a kernel that copies a tensor
unchanged is forwarded: its readers read the original.

Kernels of other grids, and kernels with loops that fit into one another, are fused part by part: the
consumer's trips go to where the producer stored what they load (regrid.py, sink_tasks.py). Kernels in two
loops of the orchestration are brought together first (fuse_loops.py).

Legal because (1) both run in one loop or branch of the orchestration, and nothing in between needs the one
or feeds the other; (2) the stage has no other reader, and it is not returned; (3) every lane that is loaded
was stored in the same block, which lane terms prove; (4) apart from the stage, no block of either touches
what another block of the other writes, which the addresses of all blocks prove; (5) the lanes stored by the
fused kernel are those of the two kernels one after the other; (6) where the consumer's trips change their
order or block, none touches what another one stores. What does not fit into vector memory stays two, and
so does what would be worse as one (never_worse.py), unless all is to be fused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import SymbolTable

from dialects.dsv4.attributes import DirectionAttr
from dialects.dsv4.functions import set_returned, visible, written
from dialects.dsv4.launch import LaunchOp, WrapperOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.forms import is_buffer_form
from dsv4_passes.diagnostics import UserError, about, note, refused, rewritten
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.targets import LATEST, Pypto, chip_for
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.targets import pypto as find_pypto
from dsv4_passes.transforms.common.origin import given, note_given
from dsv4_passes.transforms.lanes.forms.form import target_for
from dsv4_passes.transforms.lanes.lower_lanes import cannot_lower
from dsv4_passes.transforms.memory.fit_ub import NotRowWise, fitted, too_large
from dsv4_passes.transforms.program.drop_dead_args import drop_arguments
from dsv4_passes.transforms.program.orchestration import position, remove_unused, written_result
from dsv4_passes.xdsl_extras.insert import insert_before

from .forward_copies import forward_copies
from .fuse_kernels import Shared, common_decorator, concatenate, merge_parameters
from .fuse_loops import fuse_loops
from .gm_footprint import Footprint, empty, footprint
from .lane_way import LaneWay
from .lifts import what_lifts
from .never_worse import WORSE, check_grid, check_work
from .nonadjacent_stages import remark_nonadjacent_stages
from .producer_consumer import (
    CannotFuse,
    StagePair,
    check_launches,
    pairs,
    parameter_of,
    shared_scalars,
    shared_tensors,
)
from .store_to_load import NotForwarded, clean, forward
from .task_inlining import Sunk, sink
from .task_mapping import TaskMapping, map_tasks

FusionScope = Literal["lanes", "all"]
MAX_GROWTH = 1.5
TELLING = (*WORSE, "text grows", "does not fit", "loads of several blocks", "not stored in one block")
"""Reasons that say more than those of other attempts."""


class FusionTarget(NamedTuple):
    """What fused kernels have to fit."""

    chip: str
    ptoas: str | float
    growth: float | None = None
    """How many times the operations of both a kernel for two may have; None for any number."""
    worse: bool = True
    """A kernel for two may do more, or in fewer blocks, than the two."""
    pypto: Pypto | None = None
    """What goes on compiling them, and plans their memory, if anything does."""


# -- blocks --------------------------------------------------------------------------------------------


def block_footprint(run: LaneRun, blocks: int, argument: int, stores: bool) -> Footprint:
    if not run.is_followed(argument):
        return Footprint(None)
    boxes = (
        [s.box for s in run.stores if s.box.argument == argument]
        if stores
        else [box for _, box in run.loads if box.argument == argument]
    )
    total = empty(blocks)
    for box in boxes:
        total += footprint(box, blocks)
    return total


def check_blocks(pair: StagePair, first: LaneRun, second: LaneRun, same: Mapping[int, int]) -> None:
    """No block of either kernel touches what another block of the other writes."""
    blocks = pair.producer.block_count
    assert blocks is not None
    if blocks == 1:
        return
    a, b = pair.producer.function(), pair.consumer.function()
    writes_a, writes_b = ({p.index for p in written(f)} for f in (a, b))
    names = {p.index: p.name for p in visible(b)}
    for theirs, ours in (*same.items(), *pair.stages.items()):
        for mine_writes, other_writes in ((True, False), (False, True), (True, True)):
            if (mine_writes and ours not in writes_a) or (other_writes and theirs not in writes_b):
                continue
            mine = block_footprint(first, blocks, ours, mine_writes)
            other = block_footprint(second, blocks, theirs, other_writes)
            if mine.meets_other_blocks(other):
                raise CannotFuse(
                    f"a block of {pair.label} may touch what another block writes of '{names[theirs]}'",
                    "blocks share elements",
                )


# -- fusing --------------------------------------------------------------------------------------------


def check(pair: StagePair) -> tuple[StagePair, dict[int, int]]:
    """What holds for any grid: the pair with what need not be in GM, and the tensors of both."""
    pair, passed = check_launches(pair)
    for launch in (pair.producer, pair.consumer):
        if is_buffer_form(launch.function()):
            raise CannotFuse(f"'{launch.callee}' is not in value form", "buffer form")
    if common_decorator(pair.producer.function(), pair.consumer.function()) is None:
        raise CannotFuse(f"{pair.label} are declared with different attributes", "different attributes")
    return pair, shared_tensors(pair, passed)


def fuse_behind(module: ModuleOp, pair: StagePair, same: Mapping[int, int], target: FusionTarget) -> LaunchOp:
    """Make one launch of two of the same grid, the one body behind the other.

    Raises CannotFuse and leaves everything as it was.
    """
    first, second = pair.producer.function(), pair.consumer.function()
    try:
        runs = [run_lanes(f, selectors=facts_of(f), context=LaneContext()) for f in (first, second)]
    except UserError as error:
        raise CannotFuse(error.message, "cannot be followed") from None
    check_blocks(pair, runs[0], runs[1], same)
    shared = merge(pair, same)
    fused = concatenate(first, second, shared, fused_name(module, pair))
    return finish(module, pair, Sunk(fused, [], False), shared, target)


def fuse_by_tasks(
    module: ModuleOp, pair: StagePair, same: Mapping[int, int], plan: TaskMapping, target: FusionTarget
) -> LaunchOp:
    """Make one launch of two by moving the consumer's work to where the producer does its own."""
    shared = merge(pair, same)
    functions = pair.producer.function(), pair.consumer.function()
    sunk = sink(*functions, shared, fused_name(module, pair), plan)
    return finish(module, pair, sunk, shared, target)


def merge(pair: StagePair, same: Mapping[int, int]) -> list[Shared]:
    directions: dict[tuple[int | None, int | None], Attribute] = {
        (a, b): _direction(pair, a, b) for b, a in same.items()
    }
    functions = pair.producer.function(), pair.consumer.function()
    return merge_parameters(*functions, {**same, **shared_scalars(pair), **pair.stages}, directions)


def fused_name(module: ModuleOp, pair: StagePair) -> str:
    return unused_name(module, f"{pair.producer.callee}_{pair.consumer.callee}")


def finish(
    module: ModuleOp, pair: StagePair, sunk: Sunk, shared: Sequence[Shared], target: FusionTarget
) -> LaunchOp:
    """Forward the stages in a fused kernel and put it in the place of the two."""
    fused = sunk.function
    Rewriter.insert_op(fused, InsertPoint.after(pair.consumer.function()))
    arguments = fused.body.block.args
    stages = [arguments[i] for i, s in enumerate(shared) if s.second is not None and s.second in pair.stages]
    try:
        forward(fused, stages)
        sunk.arrange()
        clean(fused)
        drop_arguments(fused, [arguments.index(s) for s in stages])
        if target.growth is not None:
            check_growth(pair, fused, target.growth)
        fused = in_memory(fused, target)
        for one in (pair.producer.function(), pair.consumer.function()):
            note_given(fused, given(one))
        if not target.worse:
            blocks = pair.producer.block_count
            check_work(pair, fused, blocks, find_chip(target.chip))
    except (NotForwarded, UserError, CannotFuse) as problem:
        Rewriter.erase_op(fused)
        if isinstance(problem, CannotFuse):
            raise
        if isinstance(problem, UserError):
            raise CannotFuse(f"{pair.label}: {problem.message}", "cannot be followed") from None
        raise CannotFuse(f"{pair.label}: {problem}", "not stored in the same block") from None
    kept = [s for s in shared if s.second is None or s.second not in pair.stages]
    return _replace_launches(module, pair, fused, [(s.first, s.second) for s in kept])


def check_growth(pair: StagePair, fused: func.FuncOp, most: float) -> None:
    """Fusion is refused where the text grows many times over: loops are unrolled to follow lanes."""
    before = sum(1 for launch in (pair.producer, pair.consumer) for _ in launch.function().walk())
    if (after := sum(1 for _ in fused.walk())) > most * before:
        raise CannotFuse(
            f"a kernel for {pair.label} would have {after} operations, and the two have {before}",
            "text grows",
        )


def _direction(pair: StagePair, a: int | None, b: int | None) -> Attribute:
    assert a is not None
    assert b is not None
    mine, other = parameter_of(pair.producer.function(), a), parameter_of(pair.consumer.function(), b)
    words = {mine.direction, other.direction}
    return DirectionAttr(words.pop() or "in" if len(words) == 1 else "inout")


def unused_name(module: ModuleOp, wanted: str) -> str:
    name, number = wanted, 1
    while SymbolTable.lookup_symbol(module, name) is not None:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _replace_launches(
    module: ModuleOp, pair: StagePair, fused: func.FuncOp, parameters_: list[tuple[int | None, int | None]]
) -> LaunchOp:
    arguments: list[SSAValue] = []
    for a, b in parameters_:
        launch, index = (pair.producer, a) if a is not None else (pair.consumer, b)
        assert index is not None
        arguments.append(launch.args[position(launch, index)])
    outputs = written(fused)
    set_returned(fused, range(len(outputs)))
    wrapped = pair.producer.via is not None or pair.consumer.via is not None
    via = unused_name(module, f"{fused.sym_name.data}_spmd") if wrapped else None
    launch = LaunchOp(
        fused.sym_name.data,
        arguments,
        [a.type for p, a in zip(visible(fused), arguments, strict=True) if p.written],
        pair.consumer.grid if pair.consumer.block_count == pair.producer.block_count else pair.producer.grid,
        via,
    )
    insert_before(pair.consumer, launch)
    if via is not None:
        wrapper = WrapperOp(via, fused.sym_name.data, launch.grid)
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
            Rewriter.erase_op(create)
    return launch


def in_memory(function: func.FuncOp, target: FusionTarget) -> func.FuncOp:
    """The kernel, chunked if need be, so that its values fit into vector memory; raises CannotFuse."""
    if target.pypto is not None:  # it plans a kernel as it is written, lane operations in some form
        form_target = target_for(function, find_chip(target.chip), find_ptoas(target.ptoas), target.pypto)
        if (why := cannot_lower(function, form_target)) is not None:
            raise CannotFuse(why, "does not fit")
    if (why := too_large(function, target.chip, target.ptoas, target.pypto is not None)) is None:
        return function
    try:
        found = fitted(function, target.chip, target.ptoas, target.pypto is not None)
    except NotRowWise as problem:
        raise CannotFuse(f"{why}, and it cannot work on less at a time: {problem}", "does not fit") from None
    if found is None:
        raise CannotFuse(f"{why}, and chunks of its rows do not fit either", "does not fit")
    Rewriter.replace_op(function, found[0])
    note(found[0], f"'{function.sym_name.data}' works on {found[1]} rows at a time to fit into vector memory")
    return found[0]


def fuse_all(
    module: ModuleOp,
    chip: str | None = None,
    ptoas: str | float = LATEST,
    scope: FusionScope = "all",
    pypto: Pypto | None = None,
) -> int:
    """Fuse until nothing more can be; pairs that stay two are remarked once."""
    everything = scope == "all"
    growth = None if everything else MAX_GROWTH
    target = FusionTarget(chip_for(module, chip).name, ptoas, growth, everything, pypto)
    count = forward_copies(module)
    way = None if scope == "all" else LaneWay(module)
    count += fuse_loops(module, way)
    seen: set[tuple[str, str]] = set()
    while (pair := _next_pair(module, seen, scope)) is not None:
        seen.add(_names(pair))
        try:
            launch, message = fuse(module, pair, target)
        except CannotFuse as problem:
            with about(pair.consumer.callee):
                refused(pair.consumer, f"not fused: {problem}{what_lifts(problem.reason)}", problem.reason)
            continue
        with about(launch.callee):
            rewritten(launch, message, "fused")
        count += 1
    remark_nonadjacent_stages(module, None if scope == "all" else LaneWay(module))
    return count


def _next_pair(module: ModuleOp, seen: set[tuple[str, str]], scope: FusionScope) -> StagePair | None:
    found = pairs(module)
    wanted = found if scope == "all" else LaneWay(module).on_the_way(found)
    return next((p for p in wanted if _names(p) not in seen), None)


def fuse(module: ModuleOp, pair: StagePair, target: FusionTarget) -> tuple[LaunchOp, str]:
    """Make one launch of two, and what there is to say about it; raises CannotFuse and changes nothing.

    Into a loop of the producer where that is possible, else one body behind the other.
    """
    pair, same = check(pair)
    message = (
        f"{pair.label} are one kernel now, '{fused_name(module, pair)}': {_stage_names(pair)} no longer "
        f"go{'es' if len(pair.stages) == 1 else ''} through GM; every lane that was loaded is proved to be "
        "stored in the same block"
    )
    plan, problems = None, list[CannotFuse]()
    try:
        plan = map_tasks(pair, same)
    except CannotFuse as problem:
        problems.append(problem)
    blocks = pair.producer.block_count, pair.consumer.block_count
    for by_tasks in (True, False) if plan is not None and plan.inside else (False, True):
        try:
            if by_tasks and plan is not None:
                if not target.worse:
                    check_grid(pair, blocks[0])
                how = _division(pair, plan)
                return fuse_by_tasks(module, pair, same, plan, target), f"{message}; {how}"
            if not by_tasks and blocks[0] == blocks[1] is not None:
                return fuse_behind(module, pair, same, target), message
        except CannotFuse as problem:
            problems.append(problem)
    raise next((p for p in problems if p.reason in TELLING), problems[-1])


def _division(pair: StagePair, plan: TaskMapping) -> str:
    (first, second), each = _names(pair), plan.tasks.shape[-1]
    where = "trip of a loop" if plan.inside else "block"
    own = np.arange(plan.first.blocks).reshape(-1, *[1] * (plan.tasks.ndim - 1))
    if (plan.tasks * plan.second.blocks // plan.tasks.size == own).all():
        return f"every block of '{second}' does its work in {each} part{'s' if each > 1 else ''} per {where}"
    return (
        f"the work of the {plan.second.blocks} blocks of '{second}' goes to the {plan.first.blocks} of "
        f"'{first}', {each} part{'s' if each > 1 else ''} to each {where}"
    )


def _names(pair: StagePair) -> tuple[str, str]:
    return pair.producer.callee, pair.consumer.callee


def _stage_names(pair: StagePair) -> str:
    function = pair.consumer.function()
    return ", ".join(f"'{parameter_of(function, index).name}'" for index in sorted(pair.stages))


@dataclass(frozen=True)
class FuseStagesPass(ModulePass):
    """Fuse kernels of a program across the GM tensors that only go from one to the next.

    `scope` says across which: only those on the way of a lane site (lane_way.py), or all.

    `chip`, taken from the module's `pto.target_arch` unless given, says how much vector memory there is, and
    `ptoas` how much of it is scratch; with a version of `pypto`, kernels have to fit as pypto plans them.
    """

    name = "dsv4-fuse-stages"
    chip: str | None = None
    ptoas: str | float = LATEST
    scope: FusionScope = "lanes"
    """which stages: those on the way of a place where lanes move, or all"""
    pypto: str | None = None
    """the version that goes on compiling the result, which has to fit as it plans memory"""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        try:
            version = None if self.pypto is None else find_pypto(self.pypto)
        except ValueError as error:
            raise UserError(str(error)) from None
        fuse_all(op, self.chip, self.ptoas, self.scope, version)
