"""`dsv4-select-to-lanes`: matrix products that only select or re-order lanes become lane moves.

    %a = pto.tmatmul ins(%even, %E)                   %s = pto.tscatter ins(%even, {P0101})
    %b = pto.tmatmul.acc ins(%a, %odd, %O)      =>    %t = pto.tscatter ins(%odd, {P1010})
                                                      %b = pto.tadd ins(%s, %t)

    %e = pto.tmatmul ins(%x, %S)                =>    %e = pto.tgather ins(%x, {P0101})

where `%E`, `%O`, `%S` are loaded from arguments that are known to be one-hot (a fact). Recognised is not
the shape of the code but the result: a value in the accumulator whose lanes are those of other values,
re-ordered. So chunked, transposed, block-diagonal and added products are all the same to it.

Legal because a product with a one-hot matrix is exact: one summand is `1 * x`, the others are 0 where
the row is finite (the side condition `FIN`), and the accumulator starts at +0. Every rewrite is kept
only if what the function stores is proved to be the same, lane by lane; the guard says what happens to
a rounding to bf16 that the cube made necessary: dropped where every use rounds again in the same mode,
else kept as an explicit conversion.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects.pto.matmul import MatmulOp
from dialects.pto.types import TileType
from dsv4_passes.transforms.common.origin import mark_rewritten

from .bf16_consumers import kept_for_bf16
from .candidates import Selections, interleavings
from .checked_rewrite import Candidate, CheckedRewrite, Policy, Rewritten
from .chunks import with_chunks_unrolled
from .constant_reachability import KnownLanes
from .kernel_kind import become_vector
from .lane_values import plus_zero
from .preconditions import followed
from .products import is_site, may_select, products, unknown
from .sites import GuardedLanePass, rewrite_site
from .stays import say_stays


def candidates(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """Forms that hold the lanes of `value`, cheapest first."""
    ids = checked.index.ids(value)
    if ids is None:
        return
    anchor = value.owner
    assert isinstance(anchor, Operation)
    if (found := Selections(checked.index, anchor).source(ids)) is not None:
        yield Candidate(found.what, found.build)
        yield Candidate(f"{found.what} + 0", lambda b: plus_zero(b, found.build(b)))
    yield from interleavings(checked, value)


def refuse(function: func.FuncOp, value: SSAValue, reasons: list[str]) -> None:
    """Say why a product stays."""
    op = value.owner
    assert isinstance(op, Operation)
    otherwise = "its lanes are not those of known values", "not a selection"
    say_stays(value, f"'{op.name}'", unknown(function, value), reasons, otherwise)


def rewrite_function(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function in value form; how many were rewritten."""
    if not any(isinstance(op, MatmulOp) for op in function.walk()):
        return 0
    if may_select(function):
        return with_chunks_unrolled(function, policy, rewrite_sites)
    for value in reversed([v for op in function.walk() for v in op.results]):
        if isinstance(value.type, TileType) and is_site(value) and unknown(function, value):
            refuse(function, value, [])
    return 0


def rewrite_sites(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function as it stands."""
    count = 0
    if (checked := followed(function, policy)) is None:
        return count
    kept: dict[Operation, Operation] = {}
    lanes = KnownLanes(function)
    for value in checked.from_the_last(is_site):
        forms = list(candidates(checked, value))
        if policy.guard == "bf16-fallback" and forms and list(interleavings(checked, value)):
            if kept_for_bf16(value, kept):
                continue
        result = rewrite_site(checked, value, forms)
        if isinstance(result, Rewritten):
            count += 1
        elif result or unknown(function, value) or any(lanes.possible(*p.inputs()) for p in products(value)):
            refuse(function, value, result)
    become_vector(function)
    return count


@dataclass(frozen=True)
class SelectToLanesPass(GuardedLanePass):
    """Rewrite one-hot products; `guard` and `signed-zero` say how exact the result must be."""

    name = "dsv4-select-to-lanes"

    def rewrite(self, function: func.FuncOp, policy: Policy) -> None:
        if rewrite_function(function, policy):
            mark_rewritten(function)
