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

from dsv4_passes.parsing import verify_module
from dsv4_passes.targets import LATEST, ptoas

from .printer import PtoPrinter
from .upgrade import Level, upgrade


@dataclass(frozen=True)
class PtoTarget(Target):
    """`-t 'pto{ptoas=0.57 types=long}'`.

    `ptoas` is the version to write for, `types` whether tile types are spelled as ptoas prints them (short)
    or as pypto does (long), `level` what the text must be fit for: `level3` has addresses, `level2` leaves
    them to ptoas, `auto` is whichever the text is.
    """

    name = "pto"

    ptoas: str | float = LATEST
    types: Literal["short", "long"] = "short"
    level: Level = "auto"

    def __post_init__(self) -> None:
        ptoas(self.ptoas)  # an unknown version is an error now, not when the passes are through

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        version = ptoas(self.ptoas)
        module = upgrade(module, version, self.level)
        drop_notes(module)
        verify_module(module)
        printer = PtoPrinter(
            output, long_types=self.types == "long", tci_attribute_in_ins=version.tci_attr_in_ins
        )
        printer.print_op(module)
        output.write("\n")


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
