"""Printing and stopping."""

from typing import ClassVar

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from .base import OrderedOp, TileOp, is_tile, layout_of
from .target import ChipRules
from .types import AnyViewType


@irdl_op_definition
class TPrintOp(OrderedOp, TileOp):
    """Print a tile, or a view of GM: `pto.tprint ins(%t, %tmp : T, PTV) {printFormat = …}`.

    A tile that is not in vec memory is printed by way of the GM scratch memory `tmp`.
    """

    name = "pto.tprint"
    OPERANDS: ClassVar = "src tmp?"
    DESTINATIONS: ClassVar = ""
    printFormat = opt_prop_def()

    def check(self, chip: ChipRules) -> None:
        source = self.ins[0]
        if not is_tile(source) and not isinstance(source.type, AnyViewType):
            raise VerifyException(f"expects a tile or a view to print, found {source.type}")
        if len(self.ins) == 2 and not is_tile(source):
            raise VerifyException("expects scratch memory only for a tile")
        if len(self.ins) == 1 and is_tile(source) and (loc := layout_of(source).loc) != "vec":
            raise VerifyException(f"expects scratch memory for a tile in {loc} memory")


@irdl_op_definition
class PrintOp(OrderedOp, IRDLOperation):
    """Print a scalar: `pto.print ins("x = %f", %v : f32)`."""

    name = "pto.print"
    format = prop_def(StringAttr)
    scalar = operand_def()
    assembly_format = "`ins` `(` $format `,` $scalar `:` type($scalar) `)` attr-dict"


@irdl_op_definition
class TrapOp(OrderedOp, IRDLOperation):
    """Stop the kernel."""

    name = "pto.trap"
    assembly_format = "attr-dict"


OPERATIONS: list[type[Operation]] = [TPrintOp, PrintOp, TrapOp]
