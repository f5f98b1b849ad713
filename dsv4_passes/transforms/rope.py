"""`dsv4-rope`: everything this project does for a RoPE kernel, in the order in which it works.

    -p 'dsv4-rope{chip=a3 ptoas="0.60" guard=exact}'

On a kernel: raise -> `dsv4-select-to-lanes` -> `dsv4-scatter-form` -> lower. A function in which nothing
was rewritten comes out as it came in, to the letter.

On a whole program: `dsv4-fuse-stages` -> facts go from the entry to the kernels -> the same two passes ->
`dsv4-drop-dead-stores` -> `dsv4-drop-dead-args`. Kernels stay in value form: a program is exported from it.
"""

from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from dialects.dsv4.functions import KERNEL, ORCHESTRATION, program_functions
from dialects.pto.base import target_arch
from dialects.pto.tiles import AllocTileOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas

from . import drop_dead_args, drop_dead_stores, fuse_stages, scatter_form, select_to_lanes
from .lower_tiles import lower_function
from .propagate_facts import propagate_facts
from .raise_tiles import raise_function
from .rebuild import Guard, Policy, SignedZero


@dataclass(frozen=True)
class RopePass(ModulePass):
    """The whole pipeline for one chip and one `ptoas` version.

    `level` is that of the input unless given: addresses are assigned where the input had some.
    """

    name = "dsv4-rope"
    chip: str | None = None
    ptoas: str = "0.60"
    guard: Guard = "exact"
    signed_zero: SignedZero = "exact"
    level: Literal["auto", "level2", "level3"] = "auto"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        chip = self.chip or target_arch(op)
        try:
            find_chip(chip)
            find_ptoas(self.ptoas)
        except ValueError as error:
            raise UserError(str(error)) from None
        if program_functions(op, ORCHESTRATION):
            self.rewrite_program(op)
            return
        for function in [f for f in op.walk() if isinstance(f, func.FuncOp)]:
            self.rewrite(function, chip)

    def rewrite_program(self, module: ModuleOp) -> None:
        policy = Policy(self.guard, self.signed_zero, self.chip, self.ptoas)
        fuse_stages.fuse_all(module)
        propagate_facts(module)
        for kernel in program_functions(module, KERNEL):
            select_to_lanes.rewrite_function(kernel, policy)
            scatter_form.rewrite_function(kernel, policy)
        drop_dead_stores.drop_dead_stores(module)
        drop_dead_args.drop_all(module)

    def rewrite(self, function: func.FuncOp, chip: str) -> None:
        original = function.clone()
        if (raised := raise_function(function)) is None:
            return
        policy = Policy(self.guard, self.signed_zero, self.chip, self.ptoas)
        count = select_to_lanes.rewrite_function(raised, policy)
        count += scatter_form.rewrite_function(raised, policy)
        if count == 0:
            Rewriter.replace_op(raised, original)
            return
        level = self.level if self.level != "auto" else _level(original)
        lower_function(raised, chip, self.ptoas, level)


def _level(function: func.FuncOp) -> Literal["level2", "level3"]:
    addressed = any(isinstance(op, AllocTileOp) and op.addr is not None for op in function.walk())
    return "level3" if addressed else "level2"
