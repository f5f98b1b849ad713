"""Merge a loop that stores to a stage with a later one that loads it, so that a trip finds what it stored.

    scf.for %h = 0 to 8 { tstore %x, %stage[%h] }           scf.for %h = 0 to 8 {
    scf.for %h = 0 to 8 { %y = tload %stage[%h] }     =>      tstore %x, %stage[%h]
                                                              %y = tload %stage[%h] }

Legal because it is kept only if everything the function stores is proved to stay the same.
"""

from collections.abc import Iterator, Sequence

from xdsl.dialects import func, scf
from xdsl.ir import Operation, SSAValue

from dialects.pto.memory import TLoadOp, TStoreOp
from dsv4_passes.analysis.facts import facts_of
from dsv4_passes.analysis.lane_effects import compare_effects
from dsv4_passes.analysis.lanes import LaneContext, run_lanes

from .fuse_kernels import accesses
from .merge_loops import merge_loops, mergeable

LoopPair = tuple[scf.ForOp, scf.ForOp]


def merge_stage_loops(function: func.FuncOp, stages: Sequence[SSAValue]) -> None:
    """Merge loops around accesses of the stages as long as that works."""
    tried: set[LoopPair] = set()
    while (
        pair := next((p for s in stages for p in _pairs(function, s) if p not in tried), None)
    ) is not None:
        tried.add(pair)
        if _does_the_same(function, pair):
            merge_loops(*pair)


def _pairs(function: func.FuncOp, stage: SSAValue) -> Iterator[LoopPair]:
    """A loop that stores and a later one beside it that loads and counts alike."""
    found = list(accesses(function, stage))
    for store in (a for a in found if isinstance(a, TStoreOp)):
        for load in (a for a in found if isinstance(a, TLoadOp)):
            for first in _loops_around(store):
                for second in _loops_around(load):
                    if first is not second and mergeable(first, second):
                        yield first, second


def _loops_around(op: Operation) -> Iterator[scf.ForOp]:
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, scf.ForOp):
            yield parent
        parent = parent.parent_op()


def _does_the_same(function: func.FuncOp, pair: LoopPair) -> bool:
    """Whether the function stores the same with these loops merged."""
    trial = function.clone()
    twins = dict(zip(function.walk(), trial.walk(), strict=True))
    first, second = (twins[loop] for loop in pair)
    assert isinstance(first, scf.ForOp)
    assert isinstance(second, scf.ForOp)
    merge_loops(first, second)
    context = LaneContext()
    runs = [run_lanes(f, selectors=facts_of(f), context=context) for f in (function, trial)]
    return compare_effects(*runs) is None
