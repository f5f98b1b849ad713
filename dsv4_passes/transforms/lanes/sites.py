"""What the passes over lane sites share: their options, their functions, and replacing one site."""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.pto.forms import is_buffer_form
from dsv4_passes.diagnostics import rewritten
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.transforms.common.origin import functions_of, note_given

from .checked_rewrite import Candidate, CheckedRewrite, Guard, Policy, Rewritten, SignedZero
from .report import outcome_text, savings


@dataclass(frozen=True)
class LanePass(ModulePass):
    """A pass that rewrites the lane sites of functions in value form, one function after the other."""

    signed_zero: SignedZero = "exact"
    chip: str | None = None
    ptoas: str | float = LATEST

    def policy(self) -> Policy:
        return Policy("exact", self.signed_zero, self.chip, self.ptoas)

    def rewrite(self, function: func.FuncOp, policy: Policy) -> None:
        raise NotImplementedError

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        policy = self.policy()
        for function in functions_of(op):
            chip_for(function, self.chip)  # a text for another chip is an error, not a remark
            if not is_buffer_form(function):
                self.rewrite(function, policy)


@dataclass(frozen=True)
class _Guarded:
    """The first option of a pass with a guard."""

    guard: Guard = "exact"


@dataclass(frozen=True)
class GuardedLanePass(LanePass, _Guarded):
    """A lane pass that may meet roundings to bf16; `guard` says what happens to them."""

    def policy(self) -> Policy:
        return Policy(self.guard, self.signed_zero, self.chip, self.ptoas)


def rewrite_site(
    checked: CheckedRewrite, value: SSAValue, candidates: Iterable[Candidate]
) -> Rewritten | list[str]:
    """Replace a site by the first candidate that is proved equal, with a remark, or say why each failed."""
    op = value.owner
    assert isinstance(op, Operation)
    before = savings(checked.function)
    result = checked.try_all(value, candidates)
    if isinstance(result, Rewritten):
        rewritten(op, f"'{op.name}' -> {outcome_text(result, before, savings(checked.function))}", sites=1)
        note_given(checked.function, result.given)
    return result
