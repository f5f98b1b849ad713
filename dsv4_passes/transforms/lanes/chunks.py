"""Loops that sum up chunks of one selection: unrolled first, because no single trip selects anything."""

from collections.abc import Callable, Container, Iterator

from xdsl.dialects import func, scf
from xdsl.ir import SSAValue

from dialects.pto.matmul import MatmulOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import collect, repeat
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import CannotFollow, lane_difference
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.origin import given, note_given
from dsv4_passes.transforms.common.unroll import unroll_loops
from dsv4_passes.xdsl_extras.loops import trips

from .checked_rewrite import Policy
from .products import loaded_by

MAX_CHUNKS = 8
"""Loops are unrolled up to so many trips."""
Rewrite = Callable[[func.FuncOp, Policy], int]
"""Rewrites the sites of a function and says how many."""


def with_chunks_unrolled(function: func.FuncOp, policy: Policy, rewrite: Rewrite) -> int:
    """Rewrite a function, first with each loop unrolled that sums up chunks of one selection."""
    count = 0
    tried: set[int] = set()
    while (number := next(_accumulating(function, tried), None)) is not None:
        tried.add(number)
        if gained := rewrite_unrolled(function, number, policy, rewrite):
            count += gained
            tried.clear()
    return count + rewrite(function, policy)


def _accumulating(function: func.FuncOp, tried: Container[int]) -> Iterator[int]:
    """Short loops, by number, that sum up products with known select matrices, a chunk per trip."""
    known = facts_of(function)
    for number, loop in enumerate(op for op in function.walk() if isinstance(op, scf.ForOp)):
        if number in tried or not any(_is_acc(v) for v in loop.results):
            continue
        products = [op for op in loop.walk() if isinstance(op, MatmulOp)]
        if any(loaded_by(op.rhs) in known for op in products) and 0 < (trips(loop) or 0) <= MAX_CHUNKS:
            yield number


def _is_acc(value: SSAValue) -> bool:
    return isinstance(value.type, TileType) and value.type.data.loc == "acc"


def rewrite_unrolled(function: func.FuncOp, number: int, policy: Policy, rewrite: Rewrite) -> int:
    """Unroll a loop that sums up chunks and rewrite; everything stays if a product of it is left.

    No single trip selects anything, only all of them together do. Unrolled, the function has to do the same
    lane by lane before anything is rewritten.
    """
    trial = function.clone()
    loop = [op for op in trial.walk() if isinstance(op, scf.ForOp)][number]
    others = {op for op in trial.walk() if isinstance(op, MatmulOp)} - set(loop.walk())
    unroll_loops(trial, lambda one: one is loop, MAX_CHUNKS)
    eliminate_dead_code(trial)
    try:
        if lane_difference(function, trial) is not None:
            return 0
    except CannotFollow:  # whatever is looked at next cannot be followed, either, and says so
        return 0
    with collect() as said:
        count = rewrite(trial, policy)
    if any(isinstance(op, MatmulOp) and op not in others for op in trial.walk()):
        return 0
    for diagnostic in said.entries:
        if diagnostic.outcome != "refused":
            repeat(diagnostic)
    old, new = function.body.detach_block(0), trial.body.detach_block(0)
    function.body.add_block(new)
    function.attributes |= trial.attributes
    note_given(function, given(trial))
    old.erase()
    return count
