"""Kernels launched over blocks.

%s1 = dsv4.launch @rotate blocks(4) (%x, %s0 : tensor<…>, tensor<…>) -> (tensor<256x64xbf16>)
"""

from collections.abc import Sequence
from typing import Self, cast

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ArrayAttr,
    DenseArrayBase,
    FlatSymbolRefAttr,
    FlatSymbolRefAttrConstr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    i64,
)
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from .functions import call_results, find_function, visible


def enclosing_module(op: Operation) -> ModuleOp | None:
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, ModuleOp):
        parent = parent.parent_op()
    return parent


@irdl_op_definition
class LaunchOp(IRDLOperation):
    """Run a kernel, once or in `blocks(n)` blocks, through a wrapper of the program text if `via` names one.

    Results: a new version of each tensor the kernel writes, in argument order, then its scalar results.
    The number of blocks is a text where the program has an expression that cannot be evaluated.
    """

    name = "dsv4.launch"
    kernel = prop_def(FlatSymbolRefAttrConstr)
    blocks = opt_prop_def(IntegerAttr | StringAttr)
    via = opt_prop_def(FlatSymbolRefAttrConstr)
    args = var_operand_def()
    res = var_result_def()

    def __init__(
        self,
        kernel: str,
        args: Sequence[SSAValue],
        results: Sequence[Attribute],
        blocks: int | str | None = None,
        via: str | None = None,
    ):
        properties: dict[str, Attribute | None] = {
            "kernel": SymbolRefAttr(kernel),
            "via": SymbolRefAttr(via) if via else None,
            "blocks": blocks_attribute(blocks),
        }
        super().__init__(operands=[args], result_types=[results], properties=properties)

    @property
    def callee(self) -> str:
        return self.kernel.root_reference.data

    @property
    def block_count(self) -> int | None:
        """Blocks it runs in; None where the program text does not give a number."""
        if self.blocks is None:
            return 1
        return self.blocks.value.data if isinstance(self.blocks, IntegerAttr) else None

    @property
    def grid(self) -> int | str | None:
        """The blocks as written: a number, the text of an expression, or nothing."""
        if isinstance(self.blocks, IntegerAttr):
            return self.blocks.value.data
        return None if self.blocks is None else self.blocks.data

    def function(self) -> func.FuncOp:
        """The kernel. Raises VerifyException if the module has none of that name."""
        module = enclosing_module(self)
        found = find_function(module, self.callee) if module else None
        if found is None:
            raise VerifyException(f"expects a function @{self.callee} in its module")
        return found

    def verify_(self) -> None:
        if enclosing_module(self) is None:
            return
        function = self.function()
        expected = visible(function)
        if len(expected) != len(self.args):
            raise VerifyException(
                f"expects {len(expected)} arguments for @{self.callee}, found {len(self.args)}"
            )
        for parameter, argument in zip(expected, self.args, strict=True):
            if not compatible(parameter.type, argument.type):
                raise VerifyException(
                    f"expects {parameter.type} for '{parameter.name}' of @{self.callee}, "
                    f"found {argument.type}"
                )
        results = call_results(function)
        found = [r.type for r in self.res]
        if len(results) != len(found) or not all(map(compatible, results, found)):
            raise VerifyException(
                f"expects results ({', '.join(map(str, results))}) from @{self.callee}, "
                f"found ({', '.join(map(str, found))})"
            )
        if (count := self.block_count) is not None and count < 1:
            raise VerifyException(f"expects at least one block, found {count}")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        kernel = parser.parse_symbol_name().data
        blocks: int | str | None = None
        if parser.parse_optional_keyword("blocks"):
            with parser.in_parens():
                blocks = parser.parse_optional_str_literal()
                blocks = parser.parse_integer() if blocks is None else blocks
        via = parser.parse_symbol_name().data if parser.parse_optional_keyword("via") else None
        arguments, results = _parse_call(parser)
        op = cls(kernel, arguments, results, blocks, via)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.callee)
        if isinstance(self.blocks, IntegerAttr):
            printer.print_string(f" blocks({self.blocks.value.data})")
        elif self.blocks is not None:
            printer.print_string(" blocks(")
            printer.print_string_literal(self.blocks.data)
            printer.print_string(")")
        if self.via is not None:
            printer.print_string(" via ")
            printer.print_symbol_name(self.via.root_reference.data)
        _print_call(printer, self.args, self.res)
        printer.print_op_attributes(self.attributes)


def blocks_attribute(blocks: int | str | None) -> Attribute | None:
    if isinstance(blocks, int):
        return IntegerAttr(blocks, i64)
    return None if blocks is None else StringAttr(blocks)


def compatible(expected: Attribute, found: Attribute) -> bool:
    """Equal, or tensors of one element type whose extents agree wherever both are numbers."""
    if not (isinstance(expected, TensorType) and isinstance(found, TensorType)):
        return expected == found
    left = cast(TensorType[Attribute], expected)
    right = cast(TensorType[Attribute], found)
    return (
        left.element_type == right.element_type
        and len(left.get_shape()) == len(right.get_shape())
        and all(
            a == b or DYNAMIC_INDEX in (a, b)
            for a, b in zip(left.get_shape(), right.get_shape(), strict=True)
        )
    )


def _parse_call(parser: Parser) -> tuple[list[SSAValue], list[Attribute]]:
    """`(%a, %b : T, T) -> (T)`; an empty list is `()`."""
    parser.parse_punctuation("(")
    position = parser.pos
    names = [parser.parse_unresolved_operand()] if parser.parse_optional_punctuation(")") is None else []
    types: list[Attribute] = []
    if names:
        while parser.parse_optional_punctuation(","):
            names.append(parser.parse_unresolved_operand())
        parser.parse_punctuation(":")
        types = parser.parse_comma_separated_list(parser.Delimiter.NONE, parser.parse_type)
        parser.parse_punctuation(")")
    values = parser.resolve_operands(names, types, position)
    parser.parse_punctuation("->")
    results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
    return list(values), list(results)


def _print_call(printer: Printer, arguments: Sequence[SSAValue], results: Sequence[SSAValue]) -> None:
    printer.print_string(" (")
    if arguments:
        printer.print_list(arguments, printer.print_operand)
        printer.print_string(" : ")
        printer.print_list([v.type for v in arguments], printer.print_attribute)
    printer.print_string(") -> (")
    printer.print_list([v.type for v in results], printer.print_attribute)
    printer.print_string(")")


@irdl_op_definition
class WrapperOp(IRDLOperation):
    """A function of the program text that does nothing but run a kernel in blocks.

    `dsv4.wrapper @rotate_spmd runs @rotate blocks(4)`. It only keeps the name; a launch says itself what
    it runs and in how many blocks.

    `dsv4.passes` has, by parameter of the kernel, the number of the wrapper's that is passed for it, where
    that is not the same. `dsv4.returns` numbers what it returns among the results of a launch, where that is
    not what the kernel returns; -1 - n is its n-th parameter, which the kernel does not write.
    `dsv4.unpassed` says that the kernel does not get all of its parameters.
    """

    name = "dsv4.wrapper"
    sym_name = prop_def(SymbolNameConstraint())
    kernel = prop_def(FlatSymbolRefAttrConstr)
    blocks = opt_prop_def(IntegerAttr | StringAttr)
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, kernel: str, blocks: int | str | None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "kernel": SymbolRefAttr(kernel),
                "blocks": blocks_attribute(blocks),
            }
        )

    @property
    def callee(self) -> str:
        return self.kernel.root_reference.data

    @property
    def passes(self) -> Sequence[int] | None:
        return _numbers(self.attributes.get("dsv4.passes"))

    @property
    def returns(self) -> Sequence[int] | None:
        return _numbers(self.attributes.get("dsv4.returns"))

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("runs")
        kernel = parser.parse_symbol_name().data
        blocks: int | str | None = None
        if parser.parse_optional_keyword("blocks"):
            with parser.in_parens():
                blocks = parser.parse_optional_str_literal()
                blocks = parser.parse_integer() if blocks is None else blocks
        op = cls(name, kernel, blocks)
        op.attributes |= parser.parse_optional_attr_dict()
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(" runs ")
        printer.print_symbol_name(self.callee)
        if self.blocks is not None:
            printer.print_string(" blocks(")
            if isinstance(self.blocks, IntegerAttr):
                printer.print_int(self.blocks.value.data)
            else:
                printer.print_string_literal(self.blocks.data)
            printer.print_string(")")
        printer.print_op_attributes(self.attributes)


@irdl_op_definition
class KeptOp(IRDLOperation):
    """A function of the program text that nothing here reads: it stays as it stands.

    `dsv4.kept @main calls [@rotate_spmd]`. What it calls keeps its name and signature.
    """

    name = "dsv4.kept"
    sym_name = prop_def(SymbolNameConstraint())
    calls = prop_def(ArrayAttr[FlatSymbolRefAttr])
    traits = traits_def(SymbolOpInterface())
    assembly_format = "$sym_name `calls` $calls attr-dict"

    def __init__(self, name: str, calls: Sequence[str]):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "calls": ArrayAttr([SymbolRefAttr(call) for call in calls]),
            }
        )


def fixed_names(module: ModuleOp) -> set[str]:
    """Functions called from text that is not read, directly or through a wrapper."""
    names = {c.root_reference.data for op in module.ops if isinstance(op, KeptOp) for c in op.calls}
    inner = {op.callee for op in module.ops if isinstance(op, WrapperOp) and op.sym_name.data in names}
    return names | inner


def _numbers(attr: Attribute | None) -> Sequence[int] | None:
    return [int(n) for n in attr.get_values()] if isinstance(attr, DenseArrayBase) else None


OPERATIONS: list[type[Operation]] = [LaunchOp, WrapperOp, KeptOp]
