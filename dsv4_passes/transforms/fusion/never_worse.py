"""A kernel for two must not be worse than the two: blocks, GM bytes, tile operations and cycles are compared.

    producer 4 blocks, consumer 16 blocks    refused: 16 blocks did the work, 4 would
    a load in every part of the work          refused: more bytes than the stage cost
    rows in chunks to fit into memory         refused where that makes more operations than fusing saves
    a cube and a vector kernel that meet      refused where handing over costs more than the stage did

Bytes and operations are those of all blocks and trips together. Cycles are those of the cost model, where a
kernel for two counts as costlier only if it is so whichever readings of the model's numbers are right.
"""

from xdsl.dialects import func

from dsv4_passes.targets import Chip
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.lanes.products import may_select
from dsv4_passes.transforms.program.work import kernel_work

from .producer_consumer import CannotFuse, StagePair

WORSE = ("fewer blocks", "more GM bytes", "more operations", "costlier")
"""Reasons that are given here."""
SLACK = 1.02
"""Up to so many times the cycles count as the same: the model leaves out the latency of GM and the launch of
the second kernel, which only the two have.
"""


def check_grid(pair: StagePair, blocks: int | None) -> None:
    """Refuse to run in fewer blocks than the one of the two that runs in more."""
    for launch in (pair.producer, pair.consumer):
        before = launch.block_count
        if before is not None and blocks is not None and blocks < before:
            raise CannotFuse(
                f"'{launch.callee}' runs in {before} blocks, and a kernel for {pair.label} would in {blocks}",
                "fewer blocks",
            )


def check_work(pair: StagePair, fused: func.FuncOp, blocks: int | None, chip: Chip) -> None:
    """Refuse a kernel that moves more bytes, does more operations on tiles or takes more cycles."""
    launches = pair.producer, pair.consumer
    counts = [launch.block_count for launch in launches]
    if blocks is None or None in counts:
        blocks, counts = 1, [1, 1]  # of one grid
    numbers = [count or 1 for count in counts]
    works = [kernel_work(launch.function()).times(n) for launch, n in zip(launches, numbers, strict=True)]
    before, after = works[0] + works[1], kernel_work(fused).times(blocks)
    for ours, theirs, what, reason in (
        (after.moved, before.moved, "bytes from and to GM", "more GM bytes"),
        (after.operations, before.operations, "operations on tiles", "more operations"),
    ):
        if ours > theirs:
            raise CannotFuse(
                f"a kernel for {pair.label} would do {ours} {what} in all blocks and trips, "
                f"and the two do {theirs}",
                reason,
            )
    check_cycles(pair, fused, chip)


def check_cycles(pair: StagePair, fused: func.FuncOp, chip: Chip) -> None:
    """Refuse a kernel of which a block surely takes longer than one of each of the two, one after the other.

    Where the grids differ, a block of the kernel stands for several of the consumer's. A kernel with products
    that select lanes is not what it will be, and is let pass.
    """
    if may_select(fused):
        return
    launches = pair.producer, pair.consumer
    first, second = (function_cost(launch.function(), chip).cycles for launch in launches)
    grids = [launch.block_count or 1 for launch in launches]
    share = max(1, grids[1] // grids[0])
    before, after = first + second.times(share), function_cost(fused, chip).cycles
    if before.times(SLACK).surely_below(after):
        raise CannotFuse(
            f"a block of a kernel for {pair.label} would take {after} cycles by the model, "
            f"and one of each takes {before}",
            "costlier",
        )
