"""`dsv4-rope`: everything this project does for a RoPE kernel, in the order in which it works.

    -p 'dsv4-rope{chip=a3 ptoas="0.60" guard=exact}'

It is a list of registered passes (`RopePass.passes`), and typing them one by one gives the same text. Some
of them have work in lone kernels only, some in whole programs only. A function comes out in the form in
which it came in: kernels of a program stay in value form, a `.pto` kernel is lowered again, and one in which
nothing was rewritten comes out as it came in, to the letter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import UserError, warning
from dsv4_passes.targets import LATEST, beyond_memory, chip_for
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.xdsl_extras.functions import functions_in

from .fusion.forward_copies import ForwardCopiesPass
from .fusion.fuse_stages import FuseStagesPass
from .lanes.checked_rewrite import Guard, SignedZero
from .lanes.fold_lanes import FoldLanesPass
from .lanes.lower_lanes import LowerLanesPass
from .lanes.raise_lanes import RaiseLanesPass
from .lanes.ways import FormName
from .lowering.lower_tiles import PtoLowerPass
from .memory.hoist_fills import HoistFillsPass
from .mixed.join_mixed import JoinMixedPass
from .mixed.split_mixed import SplitMixedPass
from .program.drop_dead_args import DropDeadArgsPass
from .program.drop_dead_stores import DropDeadStoresPass
from .program.propagate_facts import PropagateFactsPass
from .raising.raise_tiles import PtoRaisePass


@dataclass(frozen=True)
class RopePass(ModulePass):
    """The whole pipeline for one chip and one `ptoas` version.

    `level` is that of the input unless given: addresses are assigned where the input had some. `pypto` is
    the version that goes on compiling the result, where a program text is written.
    """

    name = "dsv4-rope"
    chip: str | None = None
    ptoas: str | float = LATEST
    guard: Guard = "exact"
    signed_zero: SignedZero = "exact"
    form: FormName = "auto"
    level: Literal["auto", "level2", "level3"] = "auto"
    pypto: str | None = None
    """the version of pypto that goes on compiling a program text, as 2026-06-15; -t pypto says it"""

    def passes(self) -> tuple[ModulePass, ...]:
        """The passes of the pipeline, in order."""
        chip, ptoas = self.chip, self.ptoas
        lanes = RaiseLanesPass(self.guard, self.signed_zero, chip, ptoas)
        fuse = FuseStagesPass(chip, ptoas, pypto=self.pypto)
        # who may leave out a rounding has to see it and what it is for in one kernel
        first, then = (fuse, lanes) if self.guard == "contract-rounding" else (lanes, fuse)
        return (
            PtoRaisePass(),
            JoinMixedPass(),
            ForwardCopiesPass(),
            PropagateFactsPass(),
            first,
            then,
            FoldLanesPass(self.signed_zero, chip, ptoas),
            LowerLanesPass(self.form, chip, ptoas, self.pypto, self.level),
            SplitMixedPass("input"),
            HoistFillsPass(chip, ptoas, "lanes", self.level),
            DropDeadStoresPass(),
            DropDeadArgsPass(),
            PtoLowerPass(chip, ptoas, self.level, "input"),
        )

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        try:
            find_ptoas(self.ptoas)
        except ValueError as error:
            raise UserError(str(error)) from None
        for function in list(functions_in(op)):
            chip = chip_for(function, self.chip)
            for inner in function.walk():
                if (problem := beyond_memory(inner, chip)) is not None:
                    warning(inner, problem)
        for each in self.passes():
            each.apply(ctx, op)


def single_passes(passes: Sequence[ModulePass]) -> Iterator[ModulePass]:
    """The passes that do the work: `dsv4-rope` taken apart."""
    for each in passes:
        yield from each.passes() if isinstance(each, RopePass) else (each,)
