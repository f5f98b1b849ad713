"""Names, scalar expressions and the frame of a function in program text.

What is shared by kernels and orchestrations: both are lists of `name: type = …` lines whose operands are
names, numbers or short scalar expressions.
"""

import ast
import keyword
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    AnyFloat,
    FloatAttr,
    IndexType,
    IntegerAttr,
    StringAttr,
    UnrealizedConversionCastOp,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue

from dialects.dsv4.attributes import LoopAttr
from dialects.dsv4.functions import Parameter
from dialects.pto.elements import element_bits, element_name
from dialects.pto.memory import constant_int
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pypto.grammar.imports import language_of
from dsv4_passes.formats.pypto.grammar.names import Names
from dsv4_passes.formats.pypto.grammar.scalars import fold, number_attribute
from dsv4_passes.formats.pypto.grammar.types import DTYPE_NAMES, ScalarText, TensorText
from dsv4_passes.source_names import written_name

_NOT_A_NAME = re.compile(r"\W")
_BINARY: dict[type[Operation], tuple[str, int]] = {
    arith.AddiOp: ("+", 2),
    arith.AddfOp: ("+", 2),
    arith.SubiOp: ("-", 2),
    arith.SubfOp: ("-", 2),
    arith.MuliOp: ("*", 3),
    arith.MulfOp: ("*", 3),
    arith.DivSIOp: ("//", 3),
    arith.FloorDivSIOp: ("//", 3),
    arith.DivfOp: ("/", 3),
    arith.RemSIOp: ("%", 3),
}
"""Sign and how strongly it binds."""

_LOGIC: dict[type[Operation], tuple[str, str]] = {
    arith.AndIOp: ("and", "&"),
    arith.OrIOp: ("or", "|"),
    arith.XOrIOp: ("", "^"),
}
"""Word for truth values and sign for whole numbers."""

_CALLS: dict[type[Operation], str] = {
    arith.MinSIOp: "pl.min",
    arith.MaxSIOp: "pl.max",
    arith.MinimumfOp: "pl.min",
    arith.MaximumfOp: "pl.max",
}
_CASTS = (
    arith.IndexCastOp,
    arith.ExtSIOp,
    arith.TruncIOp,
    arith.SIToFPOp,
    arith.FPToSIOp,
    arith.ExtFOp,
    arith.TruncFOp,
)
_SIGNS: dict[str, type[ast.operator]] = {
    "+": ast.Add,
    "-": ast.Sub,
    "*": ast.Mult,
    "//": ast.FloorDiv,
    "/": ast.Div,
    "%": ast.Mod,
}
_SIGNED = {0: "==", 1: "!=", 2: "<", 3: "<=", 4: ">", 5: ">="}
_ORDERED = {1: "==", 2: ">", 3: ">=", 4: "<", 5: "<=", 13: "!="}
_COMPARISON, _SUM, _UNARY = 1, 2, 4


def float_text(attr: FloatAttr) -> str:
    """The shortest decimal that is this number of its element type, with a point or an exponent."""
    value = attr.value.data
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"  # what Python reads as that
    candidates = (f"{value:.{digits}g}" for digits in range(1, 18))
    text = next((c for c in candidates if number_attribute(float(c), attr.type) == attr), repr(value))
    return text if any(sign in text for sign in ".e") else f"{text}.0"


def identifier(text: str) -> str | None:
    """A name that Python takes, made of what the IR calls a value; None if nothing is left."""
    name = _NOT_A_NAME.sub("_", text)
    if not name or name[0].isdigit() or name in ("self", "pl"):
        return None
    return f"{name}_" if keyword.iskeyword(name) else name


class FunctionText:
    """The lines of one function."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = 2
        self.names = Names({"self", "pl"})
        self.values: dict[SSAValue, str] = {}

    def line(self, text: str) -> None:
        self.lines.append(f"{'    ' * self.indent}{text}\n")

    def fail(self, op: Operation, message: str) -> NoReturn:
        raise UserError(f"cannot be written as program text: {message}", op.location)

    # -- names -----------------------------------------------------------------------------------

    def name(self, value: SSAValue, default: str) -> str:
        """Give a value the name it had, or one like it."""
        own = identifier(written_name(value) or "")
        if own is None or not self.names.own(own):
            own = self.names.fresh(own or identifier(value.name_hint or "") or default)
        self.values[value] = own
        return own

    def reserve(self, function: Operation) -> None:
        """Leave the names that values of a function had to them, and that of the language module to it."""
        self.names.taken.add(language_of(function))
        for op in function.walk():
            arguments = (
                argument for region in op.regions for block in region.blocks for argument in block.args
            )
            for value in (*op.results, *arguments):
                if (name := identifier(written_name(value) or "")) is not None:
                    self.names.reserved.add(name)

    def parameter(self, parameter: Parameter, value: SSAValue) -> str:
        """Take the name of a parameter."""
        self.names.taken.add(parameter.name)
        self.values[value] = parameter.name
        return parameter.name

    # -- scalars ---------------------------------------------------------------------------------

    def scalar(self, value: SSAValue, around: int = 0, bare: bool = False) -> str:
        """A scalar as an expression; `around` is how strongly its surroundings bind.

        A `bare` number stands where its type is known.
        """
        if value in self.values:
            return self.values[value]
        op = value.owner
        if isinstance(op, Block):
            raise UserError(f"cannot be written as program text: unknown argument %{value.name_hint}")
        if isinstance(op, arith.ConstantOp):
            return self.constant(op.value, bare)
        if type(op) in _BINARY:
            return self.binary(op, around)
        if type(op) in _LOGIC:
            return self.logic(op, around)
        if type(op) in _CALLS:
            return f"{_CALLS[type(op)]}({', '.join(self.scalar(v) for v in op.operands)})"
        if isinstance(op, _CASTS):
            return f"pl.cast({self.scalar(op.operands[0])}, pl.{self.dtype(value.type, op)})"
        if isinstance(op, UnrealizedConversionCastOp):
            return self.unsigned(op, bare)
        if isinstance(op, arith.NegfOp):
            return self.enclosed(f"-{self.scalar(op.operand, _UNARY)}", around > _UNARY)
        if isinstance(op, arith.CmpiOp | arith.CmpfOp):
            return self.comparison(op, around)
        self.fail(op, f"{op.name} is no scalar expression")

    def unsigned(self, op: UnrealizedConversionCastOp, bare: bool) -> str:
        """The scalar of an unsigned type that stands for the bits of one without a sign."""
        (value,), type_ = op.operands, op.results[0].type
        dtype = self.dtype(type_, op)
        if (number := constant_int(value)) is None:
            return f"pl.cast({self.scalar(value)}, pl.{dtype})"
        number %= 1 << element_bits(element_name(type_))
        return str(number) if bare else f"pl.const({number}, pl.{dtype})"

    def enclosed(self, text: str, needed: bool) -> str:
        return f"({text})" if needed else text

    def binary(self, op: Operation, around: int) -> str:
        sign, strength = _BINARY[type(op)]
        left, right = op.operands
        if isinstance(op, arith.SubiOp) and constant_int(left) == 0 and constant_int(right) is None:
            return self.enclosed(f"-{self.scalar(right, _UNARY)}", around > _UNARY)
        if (number := fold(_SIGNS[sign], constant_int(left), constant_int(right))) is not None:
            return self.constant(IntegerAttr(number, cast(IndexType, left.type)), False)
        text = f"{self.scalar(left, strength - 1)} {sign} {self.scalar(right, strength)}"
        return self.enclosed(text, strength <= around)

    def logic(self, op: Operation, around: int) -> str:
        """`a and b`, `not a`, or `a & b` of whole numbers."""
        words = _LOGIC[type(op)]
        left, right = op.operands
        if left.type != i1:
            text = f"{self.scalar(left, _COMPARISON)} {words[1]} {self.scalar(right, _COMPARISON)}"
        elif words[0]:
            text = f"{self.scalar(left, _COMPARISON)} {words[0]} {self.scalar(right, _COMPARISON)}"
        elif constant_int(right) in (1, -1):
            text = f"not {self.scalar(left, _COMPARISON)}"
        else:
            text = f"{self.scalar(left, _COMPARISON)} != {self.scalar(right, _COMPARISON)}"
        return self.enclosed(text, around > 0)

    def comparison(self, op: arith.CmpiOp | arith.CmpfOp, around: int) -> str:
        table = _SIGNED if isinstance(op, arith.CmpiOp) else _ORDERED
        if (sign := table.get(op.predicate.value.data)) is None:
            self.fail(op, f"{op.name} with predicate {op.predicate.value.data}")
        left, right = (self.scalar(v, _COMPARISON) for v in op.operands)
        return self.enclosed(f"{left} {sign} {right}", around >= _COMPARISON)

    def constant(self, attr: Attribute, bare: bool) -> str:
        if isinstance(attr, FloatAttr):
            number = cast(FloatAttr[AnyFloat], attr)
            dtype, text = element_name(number.type), float_text(number)
            return text if bare or dtype == "f32" else f"pl.const({text}, pl.{DTYPE_NAMES[dtype]})"
        assert isinstance(attr, IntegerAttr)
        value, dtype = attr.value.data, element_name(cast(IntegerAttr[Any], attr).type)
        if dtype == "i1":
            return str(value != 0)
        return str(value) if bare or dtype == "index" else f"pl.const({value}, pl.{DTYPE_NAMES[dtype]})"

    def dtype(self, type_: Attribute, op: Operation) -> str:
        if (name := element_name(type_)) not in DTYPE_NAMES:
            self.fail(op, f"there are no {name} scalars")
        return DTYPE_NAMES[name]

    def is_scalar_op(self, op: Operation) -> bool:
        """The operation is part of a scalar expression."""
        known = type(op) in _BINARY or type(op) in _CALLS or type(op) in _LOGIC
        return known or isinstance(
            op, (*_CASTS, UnrealizedConversionCastOp, arith.NegfOp, arith.CmpiOp, arith.CmpfOp)
        )

    def scalar_statement(self, op: Operation) -> None:
        """A line for a scalar that has a name or several uses; others stand where they are used."""
        (result,) = op.results
        uses = list(result.uses)
        named = written_name(result) or result.name_hint
        if not named and (not uses or (len(uses) == 1 and uses[0].operation.parent is op.parent)):
            return
        text = self.scalar(result)
        annotation = f"pl.Scalar[pl.{self.dtype(result.type, op)}]"
        self.line(f"{self.name(result, 'value__ssa_v0')}: {annotation} = {text}")

    def index_list(self, values: Sequence[SSAValue]) -> str:
        return f"[{', '.join(self.scalar(v) for v in values)}]"

    def bounds(self, low: SSAValue, high: SSAValue, step: SSAValue) -> str:
        """The bounds of a loop, without a start of 0 and a step of 1."""
        values = [low, high, step]
        if constant_int(step) == 1:
            values.pop()
            if constant_int(low) == 0:
                values.pop(0)
        return ", ".join(self.scalar(v) for v in values)


def loop_words(op: Operation) -> tuple[str, str, str]:
    """The word for a loop, and its `stage=` and `attrs=` where it has them."""
    attr = op.attributes.get("dsv4.loop")
    if not isinstance(attr, LoopAttr):
        return "range", "", ""
    kind, stage, options = attr.data
    return kind, f", stage={stage}" if stage else "", f", attrs={options}" if options else ""


def parameter_text(parameter: Parameter, declared: TensorText | ScalarText) -> str:
    """`out: pl.InOut[pl.Tensor[[64, 64], pl.BF16]]`."""
    wrap = {"out": "pl.Out[{}]", "inout": "pl.InOut[{}]"}.get(parameter.direction or "", "{}")
    return f"{parameter.name}: {wrap.format(declared.text())}"


def declared_text(parameter: Parameter, given: dict[str, Attribute]) -> TensorText | ScalarText:
    """The annotation of a parameter, from its type and attributes."""
    if not parameter.is_tensor:
        dtype = given.get("dsv4.dtype")
        return ScalarText(dtype.data if isinstance(dtype, StringAttr) else element_name(parameter.type))
    view = given.get("dsv4.view")
    element = getattr(parameter.type, "element_type", parameter.type)
    kept = view.data if isinstance(view, StringAttr) else ""
    return TensorText(parameter.dims, element_name(element), kept)


def returns_text(types: Sequence[TensorText | ScalarText]) -> str:
    """`-> T`, `-> tuple[T, T]`, or nothing."""
    if not types:
        return ""
    if len(types) == 1:
        return f" -> {types[0].text()}"
    return f" -> tuple[{', '.join(t.text() for t in types)}]"


def tuple_text(types: Sequence[TensorText | ScalarText]) -> str:
    return f"pl.Tuple[{', '.join(t.text() for t in types)}]"
