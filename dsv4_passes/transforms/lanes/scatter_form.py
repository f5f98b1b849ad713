"""`dsv4-scatter-form`: blends that put even and odd lanes together become a raw scatter pair.

    %z = texpands 0; %s = tscatter %e {P0101}; %m = tscatter ones {P0101}
    %p = tcmps %m, 0 {ne}; %b1 = tsel %p, %s, %z                               %s = tscatter %e {P0101}
    %t = tscatter %o {P1010}; %n = tscatter ones {P1010}              =>       %t = tscatter %o {P1010}
    %q = tcmps %n, 0 {ne}; %b2 = tsel %q, %t, %b1                              %b2 = tadd %s, %t

and likewise with index scatters whose index is known. A scatter writes +0 to every lane it does not
write, so code that wants to keep the other lanes blends; over a complementary pair nothing is kept.
Recognised by the lanes of the blend, so another zero, another comparison or another order is the same.

Legal because the merged lanes are proved equal. `tadd` turns -0 into +0; where anybody could see that,
the halves are merged by `tor` on their bits instead, which keeps every bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.pto.convert import TSelOp
from dialects.pto.lanes import TScatterOp
from dialects.pto.memory import TLoadOp
from dialects.pto.types import TileBufType
from dsv4_passes.argument_names import argument_name
from dsv4_passes.diagnostics import refused, rewritten
from dsv4_passes.equivalence.facts import facts_of, loaded_argument
from dsv4_passes.targets import LATEST
from dsv4_passes.transforms.common.origin import functions_of, mark_rewritten
from dsv4_passes.transforms.facts.given import given_instead

from .builder import layout_of
from .checked_rewrite import Candidate, CheckedRewrite, Policy, Rewritten, SignedZero
from .report import outcome_text, savings
from .select_to_lanes import PARTLY_VALID, followed, interleavings, wanted_fact


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


def missing_facts(function: func.FuncOp, value: SSAValue) -> list[str]:
    """Integer arguments that the index of a scatter at or behind `value` is made from, without a fact."""
    known = facts_of(function)
    unknown = [argument for argument in _index_arguments(value) if argument not in known]
    return list(dict.fromkeys(argument_name(function, argument.index) for argument in unknown))


def _index_arguments(value: SSAValue) -> Iterator[BlockArgument]:
    """The arguments that the index of a scatter at or behind `value` is made from."""
    for scatter in _behind(value):
        if not isinstance(scatter, TScatterOp) or scatter.form() != "index":
            continue
        for load in _behind(scatter.idx):
            argument = loaded_argument(load) if isinstance(load, TLoadOp) else None
            if argument is not None:
                yield argument


def _behind(value: SSAValue) -> Iterator[Operation]:
    """The operations that a value is computed by, each once."""
    pending, seen = [value], set[Operation]()
    while pending:
        op = pending.pop().owner
        if isinstance(op, Operation) and op not in seen:
            seen.add(op)
            yield op
            pending += op.operands


def refuse(function: func.FuncOp, value: SSAValue, reasons: list[str]) -> None:
    op, layout = value.owner, layout_of(value)
    assert isinstance(op, Operation)
    site = f"'{op.name}' of {layout.rows}x{layout.cols} stays"
    if given := given_instead(function, _index_arguments(value)):
        refused(op, f"{site}: {given}", "no table")
        return
    if missing := missing_facts(function, value):
        wanted = wanted_fact(missing, "a row of lane numbers", "table:")
        refused(op, f"{site}: {wanted}", "no fact about an index")
        return
    if not reasons and not layout.full:
        reasons = [PARTLY_VALID]
    why = "; ".join(reasons) or "its even and odd lanes are not those of known values"
    refused(op, f"{site}: {why}", reasons[0] if reasons else "not a pair of halves")


def rewrite_function(function: func.FuncOp, policy: Policy) -> int:
    """Rewrite every site of one function in value form; how many were rewritten."""
    count = 0
    if not any(is_site(r) for op in function.walk() for r in op.results):
        return count
    if any(isinstance(r.type, TileBufType) for op in function.walk() for r in op.results):
        return count
    if (checked := followed(function, policy)) is None:
        return count
    for value in checked.from_the_last(is_site):
        op = value.owner
        assert isinstance(op, Operation)
        before = savings(function)
        result = checked.try_all(value, candidates(checked, value))
        if isinstance(result, Rewritten):
            count += 1
            rewritten(op, f"'{op.name}' -> {outcome_text(result, before, savings(function))}")
        else:
            refuse(function, value, result)
    return count


@dataclass(frozen=True)
class ScatterFormPass(ModulePass):
    """Rewrite preserve blends and index scatters over complementary lanes."""

    name = "dsv4-scatter-form"
    signed_zero: SignedZero = "exact"
    chip: str | None = None
    ptoas: str | float = LATEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for function in functions_of(op):
            if rewrite_function(function, Policy("exact", self.signed_zero, self.chip, self.ptoas)):
                mark_rewritten(function)
