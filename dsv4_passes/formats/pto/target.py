"""The target `pto`: text that a given ptoas takes.

Attributes of the `dsv4` dialect (facts about arguments, kinds of loops) are for passes: ptoas does not know
the dialect, so they are left out.
"""

from dataclasses import dataclass
from typing import IO, Literal

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp
from xdsl.utils.target import Target

from dsv4_passes.diagnostics import UserError
from dsv4_passes.targets import LATEST, chip_for, ptoas
from dsv4_passes.targets import chip as find_chip

from .reader import verify_module
from .upgrade import LevelOption, upgrade
from .writer import PtoPrinter


@dataclass(frozen=True)
class PtoTarget(Target):
    """The text that ptoas takes, as `-t 'pto{ptoas=0.57 types=long}'`.

    `ptoas` is the version to write for, `types` whether tile types are spelled as ptoas prints them (short)
    or as pypto does (long), `level` what the text must be fit for: `level3` has addresses, `level2` leaves
    them to ptoas, `auto` is whichever the text is.

    `chip` is for whole programs and for kernels whose text does not name one; others are written for the
    one that it names.
    """

    name = "pto"

    ptoas: str | float = LATEST
    types: Literal["short", "long"] = "short"
    """how tile types are spelled: as ptoas prints them (short), or as pypto does (long)"""
    level: LevelOption = "auto"
    """what the text must be fit for: addresses (level3), or none, as ptoas plans the memory (level2); auto is
    whichever the text is"""
    chip: str | None = None
    """the chip to write for, where the text does not name one: a2, a3 (both are a2a3) or a5"""

    def __post_init__(self) -> None:
        ptoas(self.ptoas)  # what is not known is an error now, not when the passes are through
        if self.chip is not None:
            find_chip(self.chip)

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        if is_program(module):
            raise UserError(
                "a whole program is one text per kernel: dsv4-opt with -o FOLDER writes them", module.location
            )
        version = ptoas(self.ptoas)
        module = upgrade(module, version, self.level, self.chip)
        if self.chip is not None:
            for each in (module, *module.ops):
                chip_for(each, self.chip)
        drop_notes(module)
        verify_module(module)
        printer = PtoPrinter(
            output, long_types=self.types == "long", tci_attribute_in_ins=version.tci_attr_in_ins
        )
        printer.print_op(module)
        output.write("\n")


def is_program(module: ModuleOp) -> bool:
    """Whether a module has functions of a program, and not only kernels as `.pto` text has them."""
    return any("dsv4.role" in op.attributes for op in module.ops)


def drop_notes(module: ModuleOp) -> None:
    """Take away every attribute of the `dsv4` dialect."""
    for op in module.walk():
        for name in [name for name in op.attributes if name.startswith("dsv4.")]:
            del op.attributes[name]
        if isinstance(op, func.FuncOp):
            op.arg_attrs, op.res_attrs = _without_notes(op.arg_attrs), _without_notes(op.res_attrs)


def _without_notes(entries: ArrayAttr[DictionaryAttr] | None) -> ArrayAttr[DictionaryAttr] | None:
    if entries is None:
        return None
    kept = [{n: a for n, a in e.data.items() if not n.startswith("dsv4.")} for e in entries.data]
    return ArrayAttr(map(DictionaryAttr, kept)) if any(kept) else None
