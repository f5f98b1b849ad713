"""`dsv4-rope`: everything this project does for a RoPE kernel, in the order in which it works.

    -p 'dsv4-rope{chip=a3 ptoas="0.60" guard=exact}'

On kernels: raise -> `pto-join-mixed` -> `dsv4-select-to-lanes` -> `dsv4-scatter-form` ->
`dsv4-hoist-fills` -> lower. Where something is left for the cube, `pto-split-mixed` makes two functions
again. A function in which nothing was rewritten comes out as it came in, to the letter. Fills and tables are
hoisted in kernels that were rewritten, and in those that gather or scatter lanes already.

On a whole program: `dsv4-fuse-stages` -> facts go from the entry to the kernels -> the same three passes ->
`dsv4-drop-dead-stores` -> `dsv4-drop-dead-args`. Kernels stay in value form: a program is exported from it.
"""

from dataclasses import dataclass
from typing import Literal

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.functions import KERNEL, ORCHESTRATION, program_functions
from dialects.pto.base import TileOp, target_arch
from dialects.pto.tiles import AllocTileOp
from dsv4_passes.diagnostics import UserError, collect, refused, repeat, warning
from dsv4_passes.source_names import carry_names
from dsv4_passes.targets import LATEST, beyond_memory
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas

from .fusion import fuse_stages
from .lanes import scatter_form, select_to_lanes
from .lanes.checked_rewrite import Guard, Policy, SignedZero
from .lowering.lower_tiles import lower_function
from .lowering.placement import DoesNotFit
from .memory import hoist_fills
from .mixed.join_mixed import join_all
from .mixed.split_mixed import CannotSplit, split
from .mixed.subblocks import splits_tiles
from .program import drop_dead_args, drop_dead_stores
from .program.propagate_facts import propagate_facts
from .raising.raise_tiles import raise_function


@dataclass(frozen=True)
class RopePass(ModulePass):
    """The whole pipeline for one chip and one `ptoas` version.

    `level` is that of the input unless given: addresses are assigned where the input had some.
    """

    name = "dsv4-rope"
    chip: str | None = None
    ptoas: str | float = LATEST
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
        for inner in op.walk():
            if (problem := beyond_memory(inner, find_chip(chip))) is not None:
                warning(inner, problem)
        if program_functions(op, ORCHESTRATION):
            self.rewrite_program(op)
            return
        self.rewrite_kernels(op, chip)

    def rewrite_program(self, module: ModuleOp) -> None:
        policy = Policy(self.guard, self.signed_zero, self.chip, self.ptoas)
        fuse_stages.fuse_all(module, self.chip, self.ptoas)
        propagate_facts(module)
        for kernel in program_functions(module, KERNEL):
            count = select_to_lanes.rewrite_function(kernel, policy)
            count += scatter_form.rewrite_function(kernel, policy)
            if count or moves_lanes(kernel):
                hoist_fills.hoist_function(kernel, self.chip or target_arch(module), self.ptoas)
        drop_dead_stores.drop_dead_stores(module)
        drop_dead_args.drop_all(module)

    def rewrite_kernels(self, module: ModuleOp, chip: str) -> None:
        before: dict[func.FuncOp, list[func.FuncOp]] = {}
        for function in [f for f in module.walk() if isinstance(f, func.FuncOp)]:
            clones: dict[SSAValue, SSAValue] = {}
            original = function.clone(clones)
            carry_names(clones)
            if (raised := raise_function(function)) is not None:
                before[raised] = [original]
        for joined, cube, vector in join_all(module):
            before[joined] = before.pop(cube) + before.pop(vector)
        for function, originals in before.items():
            self.rewrite(function, originals, chip)

    def rewrite(self, function: func.FuncOp, originals: list[func.FuncOp], chip: str) -> None:
        """Rewrite and lower one function; where nothing came of it, `originals` take its place again."""
        made = [function]
        changed = False
        problem: tuple[Operation, str, str] | None = None
        with collect() as said:
            try:
                changed = self.rewrite_and_lower(made, originals, chip)
            except CannotSplit as error:
                why = f"something is left for the cube, and they cannot be split again: {error}"
                problem = error.op, why, "cube part left"
            except DoesNotFit as error:
                why = f"rewritten, {error.why}"
                problem = made[0], why, "does not fit"
        for diagnostic in said.entries:
            if problem is None or diagnostic.outcome == "refused" or diagnostic.severity == "warning":
                repeat(diagnostic)
        if problem is not None:
            op, why, reason = problem
            names = " and ".join(f"'{f.sym_name.data}'" for f in originals)
            stay = "stays as it is" if len(originals) == 1 else "stay as they are"
            refused(op, f"{names} {stay}: {why}", reason)
        if not changed:
            for original in originals:
                Rewriter.insert_op(original, InsertPoint.before(made[0]))
            for each in made:
                each.detach()
                each.erase()

    def rewrite_and_lower(self, made: list[func.FuncOp], originals: list[func.FuncOp], chip: str) -> bool:
        """Whether anything was rewritten in the only function of `made`, which becomes what replaces it.

        Raises CannotSplit or DoesNotFit where the result cannot be written.
        """
        (function,) = made
        policy = Policy(self.guard, self.signed_zero, self.chip, self.ptoas)
        count = select_to_lanes.rewrite_function(function, policy)
        count += scatter_form.rewrite_function(function, policy)
        if len(originals) == 1 and (count or moves_lanes(function)):
            made[0], hoisted = hoist_fills.hoist_function(function, chip, self.ptoas)
            count += hoisted
        if not count:
            return False
        if len(originals) == 2:
            if select_to_lanes.uses_cube(function):
                if any(map(splits_tiles, originals)):
                    raise CannotSplit(function, "one sub-block would do the work of both")
                made[:] = split(function)
            for i, each in enumerate(made):
                made[i], _ = hoist_fills.hoist_function(each, chip, self.ptoas)
        level = self.level if self.level != "auto" else _level(originals[0])
        for each in made:
            lower_function(each, chip, self.ptoas, level)
        return True


def moves_lanes(function: func.FuncOp) -> bool:
    """The function takes lanes apart or puts them together by gathers or scatters."""
    return any(isinstance(op, TileOp) and op.mnemonic() in ("tgather", "tscatter") for op in function.walk())


def _level(function: func.FuncOp) -> Literal["level2", "level3"]:
    addressed = any(isinstance(op, AllocTileOp) and op.addr is not None for op in function.walk())
    return "level3" if addressed else "level2"
