"""`dsv4-scatter-form`: blends that put even and odd lanes together become a raw scatter pair.

    %z = texpands 0; %s = tscatter %e {P0101}; %m = tscatter ones {P0101}
    %p = tcmps %m, 0 {ne}; %b1 = tsel %p, %s, %z                               %s = tscatter %e {P0101}
    %t = tscatter %o {P1010}; %n = tscatter ones {P1010}              =>       %t = tscatter %o {P1010}
    %q = tcmps %n, 0 {ne}; %b2 = tsel %q, %t, %b1                              %b2 = tadd %s, %t

and likewise with index scatters whose index is known. A scatter writes +0 to every lane it does not
write, so code that wants to keep the other lanes blends; over a complementary pair nothing is kept.
Recognised by the lanes of the blend, so another zero, another comparison or another order is the same.

Legal because the merged lanes are proved equal. `tadd` turns -0 into +0; where that is observable,
the halves are merged by `tor` on their bits instead, which keeps every bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import layout_of
from dialects.pto.convert import TSelOp
from dialects.pto.lanes import TScatterOp
from dsv4_passes.transforms.common.origin import mark_rewritten

from .candidates import interleavings
from .checked_rewrite import Candidate, CheckedRewrite, Policy, Rewritten
from .index_facts import unknown_index
from .preconditions import followed
from .sites import LanePass, rewrite_site
from .stays import say_stays


def is_site(value: SSAValue) -> bool:
    """A blend, or a scatter by index."""
    op = value.owner
    return isinstance(op, TSelOp) or (isinstance(op, TScatterOp) and op.form() == "index")


def candidates(checked: CheckedRewrite, value: SSAValue) -> Iterator[Candidate]:
    """A value that is there already, else a scatter or a pair of them."""
    ids = checked.index.ids(value)
    anchor = value.owner
    if ids is None:
        return
    assert isinstance(anchor, Operation)
    for source in checked.index.same(ids, anchor):
        if source.type == value.type and not is_site(source):
            yield Candidate("the value itself", lambda b, s=source: s)
            break
    yield from interleavings(checked, value)


def refuse(function: func.FuncOp, value: SSAValue, reasons: list[str]) -> None:
    """Say why a blend or scatter stays."""
    op, layout = value.owner, layout_of(value)
    assert isinstance(op, Operation)
    site = f"'{op.name}' of {layout.rows}x{layout.cols}"
    otherwise = "its even and odd lanes are not those of known values", "not a pair of halves"
    say_stays(value, site, unknown_index(function, value), reasons, otherwise)


def rewrite_function(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function in value form; how many were rewritten."""
    count = 0
    if not any(is_site(r) for op in function.walk() for r in op.results):
        return count
    if (checked := followed(function, policy)) is None:
        return count
    for value in checked.from_the_last(is_site):
        result = rewrite_site(checked, value, candidates(checked, value))
        if isinstance(result, Rewritten):
            count += 1
        else:
            refuse(function, value, result)
    return count


@dataclass(frozen=True)
class ScatterFormPass(LanePass):
    """Rewrite preserve blends and index scatters over complementary lanes."""

    name = "dsv4-scatter-form"

    def rewrite(self, function: func.FuncOp, policy: Policy) -> None:
        if rewrite_function(function, policy):
            mark_rewritten(function)
