"""`pto-check-target`: is every operation legal on a chip, and for a version of `ptoas`?

    -p 'pto-check-target{chip=a3 ptoas="0.43"}'

Changes nothing. The first operation that is not legal is an error with the rule and where it comes from:
an element type the chip does not take, an operation the version is known to get wrong in every case, a
tile outside the memory that may be used. What is wrong only under a condition is a warning, and so is what
the newest version known here gets wrong if a newer one is given.
"""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import VerifyException

from dialects.pto.base import TileOp, target_arch
from dialects.pto.moves import TMovOp
from dsv4_passes.diagnostics import UserError, warning
from dsv4_passes.formats.pto.defect_conditions import predicate_differs
from dsv4_passes.formats.pto.window_moves import cannot_move, is_between_rows
from dsv4_passes.targets import LATEST, Chip, Ptoas, beyond_memory, wrong_element
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets import ptoas as find_ptoas


def check_operation(op: TileOp, chip: Chip, ptoas: Ptoas) -> None:
    """Raise UserError where the chip or the assembler cannot do this operation."""
    what = f"'{op.name}' ({op.form()})" if op.form() else f"'{op.name}'"
    try:
        if (wrong := wrong_element(op, chip)) is not None:
            legal = "/".join(sorted(wrong.rule.dtypes))
            _fail(op, f"{what} takes {legal} on {chip.name}, found {wrong.dtype} ({wrong.rule.source})")
        op.check_on(chip)
        if is_between_rows(op, chip, ptoas):
            assert isinstance(op, TMovOp)
            if (stuck := cannot_move(op)) is not None:
                _fail(op, f"{what} {stuck} (ptoas {ptoas.version})")
    except VerifyException as problem:
        _fail(op, f"{what} {problem}")
    for defect in ptoas.defects(chip, op.mnemonic(), op.form()):
        if defect.name == "a5_compare_shapes" and not predicate_differs(op):
            continue
        text = f"{what} with ptoas {ptoas.version}: {defect.effect}"
        if not defect.when and ptoas.surely_has(defect):
            _fail(op, f"{text}; {defect.avoid} ({defect.source})")
        warning(op, f"{text}{ptoas.where(defect)}; {defect.avoid} ({defect.source})")


def _fail(op: Operation, message: str) -> None:
    raise UserError(message, op.location)


@dataclass(frozen=True)
class CheckTargetPass(ModulePass):
    """Check the module against `chip` (its own `pto.target_arch` unless given) and `ptoas`."""

    name = "pto-check-target"
    chip: str | None = None
    ptoas: str | float = LATEST

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        try:
            chip, ptoas = find_chip(self.chip or target_arch(op)), find_ptoas(self.ptoas)
        except ValueError as error:
            raise UserError(str(error)) from None
        for inner in op.walk():
            if isinstance(inner, TileOp):
                check_operation(inner, chip, ptoas)
            elif (problem := beyond_memory(inner, chip)) is not None:
                _fail(inner, problem)
