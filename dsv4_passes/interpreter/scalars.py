"""Scalar arithmetic of the `arith` dialect: integers on `Number`s, floats on lanes [1, 1] of the domain.

Integers wrap at the width of their type (index has 64 bits). One that has no value is a symbol of its own
where it may not fit into a type of fewer than 64 bits; 64 bits are taken to be enough for it.
"""

from collections.abc import Callable

from xdsl.dialects.builtin import (
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    UnrealizedConversionCastOp,
)
from xdsl.ir import Attribute, Operation

from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError

from . import affine, integers, numerics
from .affine import Affine, Number
from .domain import Domain, Lanes, NotConcrete
from .integers import width
from .values import Value, is_lanes

_FLOAT_PREDICATES = {f"o{kind}": kind for kind in ("eq", "gt", "ge", "lt", "le")} | {"une": "ne"}
"""Those that a domain's comparison decides alike when an operand is NaN."""
_CMPF = tuple("false oeq ogt oge olt ole one ord ueq ugt uge ult ule une uno true".split())
"""arith.cmpf, by number."""


def is_integer(type_: Attribute) -> bool:
    return isinstance(type_, (IntegerType, IndexType))


def value_range(bits: int) -> tuple[int | None, int | None]:
    """The least and the greatest number of so many bits; 64 are taken to be enough for any."""
    if bits == 1:
        return 0, 1
    return (None, None) if bits >= 64 else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def symbol(name: str, dtype: str) -> Affine:
    """An integer of an element type, of which nothing else is known."""
    if dtype.startswith("ui"):
        return Affine.symbol(name, 0, (1 << int(dtype[2:])) - 1)
    return Affine.symbol(name, *value_range(64 if dtype == "index" else int(dtype[1:])))


def wrap(value: Number, bits: int) -> Number:
    """Two's complement; a single bit is 0 or 1."""
    if isinstance(value, int):
        return integers.wrap(value, bits)
    low, high = value_range(bits)
    if low is None or high is None:
        return value
    least, greatest = affine.bounds(value)
    fits = least is not None and greatest is not None and low <= least and greatest <= high
    return value if fits else affine.opaque(f"i{bits}", value, low=low, high=high)


def _unsigned(value: Number, bits: int) -> Number:
    if isinstance(value, int):
        return integers.unsigned(value, bits)
    low = affine.bounds(value)[0]
    return value if low is not None and low >= 0 else affine.opaque(f"ui{bits}", value, low=0)


def _positive(a: Number, b: Number) -> bool:
    """`a >= 0` and `b > 0`: all ways to round a quotient agree."""
    least, divisor = affine.bounds(a)[0], affine.bounds(b)[0]
    return least is not None and least >= 0 and divisor is not None and divisor > 0


def _truncating_division(a: Number, b: Number) -> Number:
    return a // b if _positive(a, b) else affine.opaque("trunc//", a, b)


def _remainder(a: Number, b: Number) -> Number:
    return a % b if _positive(a, b) else affine.opaque("rem", a, b)


def _ceil_division(a: Number, b: Number) -> Number:
    return (a + (b - 1)) // b if isinstance(b, int) and b > 0 else affine.opaque("ceil//", a, b)


def _bitwise(symbol: str) -> Callable[[Number, Number], Number]:
    return lambda a, b: affine.opaque(symbol, *sorted((a, b), key=str))


def _shift_left(a: Number, b: Number) -> Number:
    return a * (1 << b) if isinstance(b, int) and 0 <= b < 64 else affine.opaque("<<", a, b)


def _shift_right(a: Number, b: Number) -> Number:
    return a // (1 << b) if isinstance(b, int) and 0 <= b < 64 else affine.opaque(">>", a, b)


_SYMBOLIC: dict[str, Callable[[Number, Number], Number]] = {
    "arith.addi": lambda a, b: a + b,
    "arith.subi": lambda a, b: a - b,
    "arith.muli": lambda a, b: a * b,
    "arith.divsi": _truncating_division,
    "arith.divui": _truncating_division,
    "arith.floordivsi": lambda a, b: a // b,
    "arith.ceildivsi": _ceil_division,
    "arith.ceildivui": _ceil_division,
    "arith.remsi": _remainder,
    "arith.remui": _remainder,
    "arith.minsi": affine.minimum,
    "arith.maxsi": affine.maximum,
    "arith.minui": affine.minimum,
    "arith.maxui": affine.maximum,
    "arith.andi": _bitwise("&"),
    "arith.ori": _bitwise("|"),
    "arith.xori": _bitwise("^"),
    "arith.shli": _shift_left,
    "arith.shrsi": _shift_right,
    "arith.shrui": _shift_right,
}
"""Where an operand has no number; min and max also where both have one (the rest is in integers.py)."""

_FLOAT = {
    "arith.addf": "add",
    "arith.subf": "sub",
    "arith.mulf": "mul",
    "arith.divf": "div",
    "arith.maximumf": "max",
    "arith.minimumf": "min",
    "arith.maxnumf": "max",
    "arith.minnumf": "min",
}
_TO_FLOAT = ("arith.sitofp", "arith.uitofp")
_TO_INTEGER = ("arith.fptosi", "arith.fptoui")


def is_scalar(op: Operation) -> bool:
    """An operation of `arith`, or a cast that gives the bits of an integer to another spelling of its width.

    `arith` knows no `ui32`: a scalar of a tile's unsigned type is made from an `i32` by
    `builtin.unrealized_conversion_cast`.
    """
    if op.name.startswith("arith."):
        return True
    if not isinstance(op, UnrealizedConversionCastOp) or len(op.operands) != 1 or len(op.results) != 1:
        return False
    types = op.operands[0].type, op.results[0].type
    return all(isinstance(type_, IntegerType) for type_ in types) and len({*map(width, types)}) == 1


def evaluate(op: Operation, operands: list[Value], domain: Domain) -> Value:
    """The result of one operation that `is_scalar`. UserError for one that is not known here."""
    name, result = op.name, op.results[0].type
    if isinstance(op, UnrealizedConversionCastOp):
        unsigned = element_name(result).startswith("ui")
        return (_unsigned if unsigned else wrap)(operands[0], width(result))
    if name == "arith.constant":
        return constant(op.properties["value"], domain)
    if name in _SYMBOLIC:
        return _integer(op, operands[0], operands[1])
    if name in integers.CASTS:
        return _cast(op, operands[0])
    if name in _FLOAT:
        return domain.binary(_FLOAT[name], operands[0], operands[1], element_name(result))
    if name == "arith.negf":
        return domain.unary("neg", operands[0], element_name(result))
    if name == "arith.cmpi":
        return _cmpi(op, operands)
    if name == "arith.cmpf":
        return _cmpf(op, operands, domain)
    if name == "arith.select":
        return select(operands[0], operands[1], operands[2], op)
    return _convert(op, operands[0], domain)


def _integer(op: Operation, a: Number, b: Number) -> Number:
    bits = width(op.results[0].type)
    if op.name in integers.READ_UNSIGNED:
        a, b = _unsigned(a, bits), _unsigned(b, bits)
    if b == 0 and op.name in integers.DIVISIONS:
        raise UserError(f"{op.name} divides by zero", op.location)
    if isinstance(a, int) and isinstance(b, int) and (op.name not in integers.SHIFTS or 0 <= b < 64):
        return wrap(integers.BINARY.get(op.name, _SYMBOLIC[op.name])(a, b), bits)
    return wrap(_SYMBOLIC[op.name](a, b), bits)


def _cast(op: Operation, value: Number) -> Number:
    source, target = width(op.operands[0].type), width(op.results[0].type)
    if isinstance(value, int):
        return integers.cast(op.name, value, source, target)
    if op.name in ("arith.extui", "arith.index_castui"):
        value = _unsigned(value, source)
    elif source == 1 and op.name != "arith.trunci":
        value = -value
    return wrap(value, target)


def constant(attribute: Attribute, domain: Domain) -> Value:
    if isinstance(attribute, IntegerAttr):
        return wrap(attribute.value.data, width(attribute.get_type()))
    assert isinstance(attribute, FloatAttr)
    return domain.constant(attribute.value.data, element_name(attribute.get_type()), (1, 1))


def _cmpi(op: Operation, operands: list[Value]) -> Number:
    predicate = op.properties["predicate"]
    assert isinstance(predicate, IntegerAttr)
    kind = predicate.value.data
    a, b = operands
    if kind >= integers.UNSIGNED_FROM:
        bits = width(op.operands[0].type)
        a, b = _unsigned(a, bits), _unsigned(b, bits)
    return affine.compare(integers.PREDICATES[kind], a, b)


def _cmpf(op: Operation, operands: list[Value], domain: Domain) -> Number:
    predicate = op.properties["predicate"]
    assert isinstance(predicate, IntegerAttr)
    kind = _CMPF[predicate.value.data]
    if kind not in _FLOAT_PREDICATES:
        raise UserError(f"cannot interpret arith.cmpf {kind}", op.location)
    dtype = element_name(op.operands[0].type)
    bits = domain.compare(_FLOAT_PREDICATES[kind], operands[0], operands[1], dtype)
    return integer(bits, "i1", domain)


def select(condition: Number, a: Value, b: Value, op: Operation) -> Value:
    """One of two scalars; a symbol where the condition and both integers leave it open."""
    if isinstance(condition, int):
        return a if condition else b
    if isinstance(a, (int, Affine)) and isinstance(b, (int, Affine)):
        return a if a == b else affine.opaque("select", condition, a, b)
    raise NotConcrete(f"{op.name} on {condition}")


def integer(lanes: Lanes, dtype: str, domain: Domain) -> Number:
    """A scalar of the domain as a number; a symbol named by its term where it is not a constant."""
    try:
        return int(domain.concrete(lanes, dtype).item())
    except NotConcrete:
        return symbol(f"{dtype}#{int(lanes.item())}", dtype)


def _convert(op: Operation, value: Value, domain: Domain) -> Value:
    name, source, target = op.name, element_name(op.operands[0].type), element_name(op.results[0].type)
    if name in _TO_FLOAT and isinstance(value, int):
        return domain.convert(domain.constant(value, source, (1, 1)), source, target, "RINT", False)
    if name in _TO_INTEGER:
        return integer(domain.convert(value, source, target, "TRUNC", False), target, domain)
    if name in ("arith.extf", "arith.truncf"):
        return domain.convert(value, source, target, "RINT", False)
    if name == "arith.bitcast" and is_lanes(value) and numerics.computes_as_float(target):
        return domain.bitcast(value, source, target)
    raise UserError(f"cannot interpret {name}", op.location)
