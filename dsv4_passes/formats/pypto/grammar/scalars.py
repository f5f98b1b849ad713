"""What reading a kernel and reading an orchestration have in common: names, constants, scalar arithmetic."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    AnyFloat,
    BoolAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    StringAttr,
    f32,
    i1,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue

from dialects.pto.elements import ELEMENT_TYPES, element_bits, element_name, is_float
from dialects.pto.memory import constant_int
from dsv4_passes.source_names import set_written_name

from .source import Source, shortened
from .types import DTYPES, AnyText, ScalarText, TensorText, TypeReader

INDEX = IndexType()
_NOT_IN_MLIR = re.compile(r"[^A-Za-z0-9_]")


@dataclass(eq=False)
class KernelTensor:
    """GM behind a pointer argument of a kernel; all versions of a tensor are this."""

    pointer: BlockArgument
    text: TensorText
    name: str


@dataclass(eq=False)
class TensorBuffer:
    """A piece of GM in an orchestration; its newest value is in the reader's state."""

    text: TensorText
    name: str


@dataclass(eq=False)
class Many:
    """What a call returned when it is more than one thing."""

    parts: "list[Bound]"


Bound = SSAValue | KernelTensor | TensorBuffer | Many
NumberAttr = IntegerAttr[Any] | FloatAttr

_INTEGER_OPS: dict[type[ast.operator], type[Operation]] = {
    ast.Add: arith.AddiOp,
    ast.Sub: arith.SubiOp,
    ast.Mult: arith.MuliOp,
    # pypto lowers // and % to these; they differ from Python's for negative operands only
    ast.FloorDiv: arith.DivSIOp,
    ast.Mod: arith.RemSIOp,
    ast.BitAnd: arith.AndIOp,
    ast.BitOr: arith.OrIOp,
    ast.BitXor: arith.XOrIOp,
}
_FLOAT_OPS: dict[type[ast.operator], type[Operation]] = {
    ast.Add: arith.AddfOp,
    ast.Sub: arith.SubfOp,
    ast.Mult: arith.MulfOp,
    ast.Div: arith.DivfOp,
}
_UNREAD = (ast.Pow, ast.LShift, ast.RShift)
_PREDICATES: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("eq", "oeq"),
    ast.NotEq: ("ne", "une"),
    ast.Lt: ("slt", "olt"),
    ast.LtE: ("sle", "ole"),
    ast.Gt: ("sgt", "ogt"),
    ast.GtE: ("sge", "oge"),
}


SCALAR_CALLS = ("pl.cast", "pl.const", "pl.min", "pl.max")


class Scalars:
    """Reads names and scalar expressions into a block."""

    def __init__(self, source: Source, types: TypeReader):
        self.source = source
        self.types = types
        self.names: dict[str, Bound] = {}
        self.entry = Block()
        self.block = self.entry
        self.leading: list[Operation] = []
        """Constants and views, which go to the front of the function at the end."""
        self._constants: dict[tuple[Attribute, str], SSAValue] = {}

    def fail(self, node: ast.AST, message: str) -> NoReturn:
        self.source.fail(node, message)

    # -- building --------------------------------------------------------------------------------

    def emit(self, op: Operation, node: ast.AST, name: str | None = None) -> Operation:
        """Put an operation at the end of the current block."""
        self.block.add_op(op)
        op.location = self.source.location(node)
        if name is not None and op.results:
            self.call(op.results[0], name)
        return op

    def emit_value(self, op: Operation, node: ast.AST, name: str | None = None) -> SSAValue:
        return self.emit(op, node, name).results[0]

    def call(self, value: SSAValue, name: str) -> None:
        value.name_hint = _NOT_IN_MLIR.sub("_", name)
        set_written_name(value, name)

    def lead(self, op: Operation, node: ast.AST) -> SSAValue:
        """Put an operation to the front of the function."""
        self.leading.append(op)
        op.location = self.source.location(node)
        return op.results[0]

    def finish(self) -> None:
        """Put the leading operations in place."""
        if not self.leading:
            return
        if self.entry.first_op is None:
            self.entry.add_ops(self.leading)
        else:
            self.entry.insert_ops_before(self.leading, self.entry.first_op)

    def constant(self, value: float | bool, type_: Attribute, node: ast.AST) -> SSAValue:
        """A number of that type, made once per function."""
        name = element_name(type_)
        attr = number_attribute(value, type_)
        if attr is None:
            self.fail(node, f"{shortened(str(value))} is no {name} number")
        key = (attr, str(attr))  # the text tells -0.0 from 0.0
        if key not in self._constants:
            op = arith.ConstantOp(attr)
            self._constants[key] = self.lead(op, node)
            if not is_float(name) and name != "i1":
                self.call(op.result, f"c{'m' if value < 0 else ''}{abs(int(value))}_{name}")
        return self._constants[key]

    def index(self, value: int, node: ast.AST) -> SSAValue:
        return self.constant(value, INDEX, node)

    # -- names -----------------------------------------------------------------------------------

    def define(self, name: str, bound: Bound) -> None:
        """A name may be redefined: branches do so, and pypto numbers versions only where it must."""
        self.names[name] = bound

    def lookup(self, node: ast.expr) -> Bound:
        """The binding of a name or of an element of a tuple."""
        match node:
            case ast.Name(id=name):
                if name not in self.names:
                    self.fail(node, f"undefined name '{name}'")
                return self.names[name]
            case ast.Subscript(value=value, slice=slice_):
                whole, number = self.lookup(value), self.source.integer(slice_)
                if not isinstance(whole, Many):
                    self.fail(node, f"'{ast.unparse(value)}' is not a tuple")
                if not 0 <= number < len(whole.parts):
                    self.fail(
                        node, f"'{ast.unparse(value)}' has {len(whole.parts)} parts, no number {number}"
                    )
                return whole.parts[number]
            case ast.Call(func=function) if (self.source.qualified(function) or "").startswith("pl."):
                self.source.unread(node)
            case _:
                self.source.outside(node, "a name")

    # -- scalars ---------------------------------------------------------------------------------

    def scalar(self, node: ast.expr, hint: Attribute | None = None) -> SSAValue:
        """A scalar expression; `hint` is the type of an untyped literal."""
        match node:
            case ast.Constant(value=bool(value)):
                return self.constant(value, i1, node)
            case ast.Constant(value=int(value)):
                return self.constant(value, hint or INDEX, node)
            case ast.Constant(value=float(value)):
                if hint is not None and not is_float(element_name(hint)):
                    self.fail(node, f"expected an {element_name(hint)} number, found {value}")
                return self.constant(value, hint or f32, node)
            case ast.Name() | ast.Subscript():
                bound = self.lookup(node)
                if not isinstance(bound, SSAValue) or element_name(bound.type) not in ELEMENT_TYPES:
                    self.fail(node, f"expected a scalar, '{ast.unparse(node)}' is none")
                return bound
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.negative(node, operand, hint)
            case ast.BinOp():
                return self.binary(node, hint)
            case ast.Compare():
                return self.comparison(node)
            case ast.Call():
                return self.scalar_call(node, hint)
            case ast.BoolOp() | ast.UnaryOp() | ast.Tuple():
                return self.truth(node)
            case _:
                self.source.outside(node, "a scalar expression")

    def truth(self, node: ast.BoolOp | ast.UnaryOp | ast.Tuple) -> SSAValue:
        """`a and b`, `a or b`, `not a`."""
        if isinstance(node, ast.Tuple):
            self.source.unread(node)
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.Invert):
                self.source.unread(node)
            if not isinstance(node.op, ast.Not):
                self.source.outside(node, "a scalar expression")
            value = self.condition(node.operand)
            return self.emit_value(arith.XOrIOp(value, self.constant(True, i1, node)), node)
        kind = arith.AndIOp if isinstance(node.op, ast.And) else arith.OrIOp
        value = self.condition(node.values[0])
        for other in node.values[1:]:
            value = self.emit_value(kind(value, self.condition(other)), node)
        return value

    def condition(self, node: ast.expr) -> SSAValue:
        value = self.scalar(node)
        if value.type != i1:
            self.source.outside(node, "a condition")
        return value

    def negative(self, node: ast.expr, operand: ast.expr, hint: Attribute | None) -> SSAValue:
        if isinstance(operand, ast.Constant) and isinstance(operand.value, int | float):
            number = -operand.value
            if isinstance(number, float) or (hint is not None and is_float(element_name(hint))):
                return self.constant(float(number), hint or f32, node)
            return self.constant(number, hint or INDEX, node)
        value = self.scalar(operand, hint)
        if is_float(element_name(value.type)):
            return self.emit_value(arith.NegfOp(value), node)
        return self.emit_value(arith.SubiOp(self.constant(0, value.type, node), value), node)

    def operands(self, nodes: Sequence[ast.expr], hint: Attribute | None) -> list[SSAValue]:
        """Operands of one type; bare numbers take the type of the others."""
        values = [None if _is_number(n) else self.scalar(n, hint) for n in nodes]
        known = next((v.type for v in values if v is not None), hint)
        found = [self.scalar(n, known) if v is None else v for n, v in zip(nodes, values, strict=True)]
        for value, node in zip(found, nodes, strict=True):
            if value.type != found[0].type:
                self.fail(
                    node,
                    f"expected numbers of one type, found {element_name(found[0].type)} "
                    f"and {element_name(value.type)}",
                )
        return found

    def binary(self, node: ast.BinOp, hint: Attribute | None) -> SSAValue:
        left, right = self.operands([node.left, node.right], hint)
        if isinstance(node.op, _UNREAD):
            self.source.unread(node)
        table = _FLOAT_OPS if is_float(element_name(left.type)) else _INTEGER_OPS
        if (kind := table.get(type(node.op))) is None:
            self.fail(node, f"'{ast.unparse(node)}' is no operation on {element_name(left.type)} numbers")
        numbers = [constant_int(v) for v in (left, right)]
        if (folded := fold(type(node.op), numbers[0], numbers[1])) is not None:
            return self.constant(folded, left.type, node)
        return self.emit_value(kind(left, right), node)  # pyright: ignore[reportCallIssue]

    def comparison(self, node: ast.Compare) -> SSAValue:
        if len(node.ops) != 1 or type(node.ops[0]) not in _PREDICATES:
            self.source.outside(node, "one comparison")
        left, right = self.operands([node.left, node.comparators[0]], None)
        signed, ordered = _PREDICATES[type(node.ops[0])]
        if is_float(element_name(left.type)):
            return self.emit_value(arith.CmpfOp(left, right, ordered), node)
        return self.emit_value(arith.CmpiOp(left, right, signed), node)

    def is_scalar_call(self, call: ast.Call) -> bool:
        return self.source.qualified(call.func) in (*SCALAR_CALLS, "abs")

    def scalar_call(self, node: ast.Call, hint: Attribute | None) -> SSAValue:
        name = self.source.qualified(node.func)
        if name == "abs":
            self.source.unread(node)
        if name not in SCALAR_CALLS:
            self.source.outside(node, "a scalar expression")
        if len(node.args) != 2 or node.keywords:
            self.fail(node, f"expected 2 arguments for {name}, found {len(node.args) + len(node.keywords)}")
        first, second = node.args
        match name:
            case "pl.cast":
                return self.cast(self.scalar(first), self.scalar_type(second), node)
            case "pl.const":
                return self.scalar(first, self.scalar_type(second))
            case _:
                left, right = self.operands([first, second], hint)
                if is_float(element_name(left.type)):
                    kind = arith.MinimumfOp if name == "pl.min" else arith.MaximumfOp
                else:
                    kind = arith.MinSIOp if name == "pl.min" else arith.MaxSIOp
                return self.emit_value(kind(left, right), node)

    def scalar_type(self, node: ast.expr) -> Attribute:
        word = self.source.word(node, "pl")
        if word not in DTYPES:
            self.fail(node, f"unknown element type '{word}'")
        return ScalarText(DTYPES[word]).scalar_type()

    def cast(self, value: SSAValue, target: Attribute, node: ast.AST) -> SSAValue:
        """`pl.cast` of a scalar; to its own type it is nothing."""
        if value.type == target:
            return value
        source, wanted = element_name(value.type), element_name(target)
        narrower = element_bits(wanted) < element_bits(source)
        match is_float(source), is_float(wanted):
            case False, False:
                if "index" in (source, wanted):
                    op = arith.IndexCastOp(value, target)
                else:
                    op = (arith.TruncIOp if narrower else arith.ExtSIOp)(value, _integer(target))
            case False, True if source != "index":
                op = arith.SIToFPOp(value, _float(target))
            case True, False if wanted != "index":
                op = arith.FPToSIOp(value, _integer(target))
            case True, True:
                op = (arith.TruncFOp if narrower else arith.ExtFOp)(value, _float(target))
            case _:
                self.fail(node, f"cannot cast {source} to {wanted}")
        return self.emit_value(op, node)

    def named_scalar(self, name: str, declared: AnyText | None, node: ast.expr) -> SSAValue:
        """`name: declared = expression`; a number keeps no name."""
        hint = declared.scalar_type() if isinstance(declared, ScalarText) else None
        value = self.scalar(node, hint)
        if declared is not None and value.type != hint:
            self.fail(node, f"expected {declared.text()}, found {element_name(value.type)}")
        unnamed = isinstance(value.owner, Operation) and value.name_hint is None
        if unnamed and not isinstance(value.owner, arith.ConstantOp):
            self.call(value, name)
        return value

    def scalar_parameter(self, name: str, text: ScalarText) -> dict[str, Attribute]:
        """Add a scalar argument; the attribute that says what its type does not."""
        argument = self.entry.insert_arg(text.scalar_type(), len(self.entry.args))
        self.call(argument, name)
        self.define(name, argument)
        return {"dsv4.dtype": StringAttr(text.dtype)} if text.dtype.startswith("u") else {}


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def fold(sign: type[ast.operator], left: int | None, right: int | None) -> int | None:
    """The value of an operation on two numbers of the text."""
    if left is None or right is None:
        return None
    match sign:
        case ast.Add:
            return left + right
        case ast.Sub:
            return left - right
        case ast.Mult:
            return left * right
        case ast.FloorDiv if right > 0 and left >= 0:
            return left // right
        case ast.Mod if right > 0 and left >= 0:
            return left % right
        case _:
            return None


def number_attribute(value: float | bool, type_: Attribute) -> NumberAttr | None:
    """A number of that type; None if the type has none such. Both readings of a signless integer are fine."""
    if type_ == i1:
        return BoolAttr.from_bool(bool(value))
    if is_float(element_name(type_)):
        try:
            return FloatAttr(float(value), _float(type_))
        except OverflowError:
            return None
    bits = element_bits(element_name(type_))
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - isinstance(type_, IndexType)):
        return None
    return IntegerAttr(int(value), type_ if isinstance(type_, IndexType) else _integer(type_))


def _integer(type_: Attribute) -> IntegerType:
    return cast(IntegerType, type_)


def _float(type_: Attribute) -> AnyFloat:
    return cast(AnyFloat, type_)
