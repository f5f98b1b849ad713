"""`dsv4-forward-copies`: readers of a GM tensor that a kernel copied unchanged read the original.

    %c1 = dsv4.launch @selector_copy blocks(1) (%s, %c)        =>    dsv4.launch @apply (%x, %s)
    dsv4.launch @apply blocks(16) (%x, %c1)

Part of `dsv4-fuse-stages` too; done before, what is known of the original is known of the copy. Legal because
every element of the copy is proved to be that element of the original (lane terms are loads from the same
address), all elements are certain to be written, and nothing in the program writes the original. A store is
certain if it is in no undecided branch and in no loop of an unknown number of trips, moves a known number of
lanes, and replaces what was there.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from dialects.dsv4.functions import Parameter, visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.base import TileOp
from dsv4_passes.diagnostics import UserError, refused, rewritten
from dsv4_passes.equivalence.effects import Store
from dsv4_passes.equivalence.lanes import LaneRun, run_lanes
from dsv4_passes.equivalence.symbolic_memory import INITIAL
from dsv4_passes.interpreter.affine import split
from dsv4_passes.transforms.program.orchestration import (
    is_only_read,
    position,
    remove_unused,
    tensor_of,
    written_result,
)

from .gm_footprint import empty, footprint, joined, within

COPYING = ("tload", "tstore", "tmov", "tinsert", "textract", "treshape", "ttrans")
"""Operations on tiles that a copy may consist of."""


def copied_from(run: LaneRun, argument: int) -> int | None:
    """The argument whose elements all stores to `argument` copy to the same addresses, if there is one."""
    table = run.context.domain.table
    sources: set[int] = set()
    for store in run.stores:
        if store.box.argument != argument:
            continue
        if store.atomic:
            return None
        linear, constant = split(store.box.base)
        addresses = store.box.offsets.reshape(-1) + constant
        for term, address in zip(store.ids.reshape(-1).tolist(), addresses.tolist(), strict=True):
            head = table.head(term)
            if head[0] != "load" or head[2:4] != (INITIAL, linear) or table.args(term) != (address,):
                return None
            if not isinstance(head[1], int):
                return None
            sources.add(head[1])
    return sources.pop() if len(sources) == 1 else None


def is_certain(store: Store) -> bool:
    """The store is executed at least once and overwrites its whole box."""
    return not (store.context or store.atomic or store.box.extent)


def covers(run: LaneRun, parameter: Parameter, blocks: int) -> bool:
    """All elements of the tensor are certain to be written by some block."""
    sizes = [d for d in parameter.dims if isinstance(d, int) and d >= 0]
    if len(sizes) != len(parameter.dims):
        return False
    total = empty(blocks)
    for store in run.stores:
        if store.box.argument == parameter.index and is_certain(store):
            total += footprint(store.box, blocks)
    if total.blocks is None:
        return False
    return within(np.array([[0, prod(sizes)]]), joined(total.blocks))


def forward_copies(module: ModuleOp) -> int:
    """Forward every copy in every orchestration; how many launches went."""
    count = 0
    for launch in [op for op in module.walk() if isinstance(op, LaunchOp)]:
        if (sources := _copies(launch)) is None:
            continue
        names: list[str] = []
        for copy, original in sources:
            names.append(original.name_hint or "a tensor")
            copy.replace_all_uses_with(original)
        creates = [v.owner for v in launch.args]
        rewritten(launch, f"'{launch.callee}' only copies {', '.join(names)}: its readers read the original")
        remove_unused(module, launch)
        for create in creates:
            if isinstance(create, CreateOp) and not list(create.res.uses):
                Rewriter.erase_op(create)
        count += 1
    return count


def _may_copy(op: Operation) -> bool:
    """The operation computes no lane."""
    return not isinstance(op, TileOp) or op.mnemonic() in COPYING


def _copies(launch: LaunchOp) -> list[tuple[SSAValue, SSAValue]] | None:
    """Pairs of (copy, original) if copying is all that the launch does."""
    function, blocks = launch.function(), launch.block_count
    outputs = written(function)
    if blocks is None or not outputs or len(outputs) != len(launch.res):
        return None
    if not all(_may_copy(op) for op in function.walk()):
        return None
    try:
        run = run_lanes(function)
    except UserError:
        return None
    if len(run.effects) != len(list(run.stores)):
        return None
    by_index = {p.index: p for p in visible(function)}
    pairs: list[tuple[SSAValue, SSAValue]] = []
    for parameter in outputs:
        source = copied_from(run, parameter.index)
        if source is None or source not in by_index or not covers(run, parameter, blocks):
            return None
        if by_index[source].type != parameter.type:
            return None
        original = launch.args[position(launch, source)]
        copy = written_result(launch, parameter.index)
        target = launch.args[position(launch, parameter.index)]
        if copy is None or not isinstance(target.owner, CreateOp) or len(list(target.uses)) != 1:
            return None
        if _escapes(copy):
            return None
        if not _is_whole(tensor_of(original)):
            return None
        if not is_only_read(tensor_of(original)):
            name = by_index[source].name
            refused(launch, f"the copy of '{name}' stays: '{name}' is written, too", "original is written")
            return None
        pairs.append((copy, original))
    return pairs


def _is_whole(root: SSAValue) -> bool:
    """All versions of the tensor are known: it is a parameter or made here, and not carried by a loop."""
    owner = root.owner
    return isinstance(owner.parent_op() if isinstance(owner, Block) else owner, func.FuncOp | CreateOp)


def _escapes(value: SSAValue) -> bool:
    """Something other than a launch that only reads takes the value."""
    for use in value.uses:
        op: Operation = use.operation
        if not isinstance(op, LaunchOp):
            return True
        if any(position(op, p.index) == use.index for p in written(op.function())):
            return True
    return False


@dataclass(frozen=True)
class ForwardCopiesPass(ModulePass):
    """Forward the copies of a program; lone kernels have none."""

    name = "dsv4-forward-copies"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        forward_copies(op)
