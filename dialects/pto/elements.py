"""Element types by the names that text gives them: `f32`, `ui8`, `!pto.hif8`."""

from typing import Any

from xdsl.dialects.builtin import (
    BFloat16Type,
    Float8E4M3FNType,
    Float8E4M3Type,
    Float8E5M2Type,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
)
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition


class LowPrecisionType(ParametrizedAttribute, TypeAttribute):
    """An element type that MLIR has no builtin for; those ending in `x2` are pairs of values."""


LOW_PRECISION_BITS = {"hif8": 8, "f8E8M0": 8, "hif8x2": 16, "f4E1M2x2": 8, "f4E2M1x2": 8, "bf16x2": 32}
"""Width of one element, a pair counting as one (ptoas 0.60, PTOTypeUtils.cpp)."""


def _low_precision(name: str) -> type[LowPrecisionType]:
    namespace: dict[str, Any] = {"name": f"pto.{name}", "__module__": __name__}
    class_name = name[0].upper() + name[1:] + "Type"
    return irdl_attr_definition(type(class_name, (LowPrecisionType,), namespace))


LOW_PRECISION = {name: _low_precision(name) for name in LOW_PRECISION_BITS}


def _element_types() -> dict[str, Attribute]:
    table: dict[str, Attribute] = {
        "f16": Float16Type(),
        "bf16": BFloat16Type(),
        "f32": Float32Type(),
        "f64": Float64Type(),
        "f8E4M3FN": Float8E4M3FNType(),
        "f8E4M3": Float8E4M3Type(),
        "f8E5M2": Float8E5M2Type(),
        "index": IndexType(),
    }
    for width in (1, 4, 8, 16, 32, 64):
        table[f"i{width}"] = IntegerType(width)
        table[f"ui{width}"] = IntegerType(width, Signedness.UNSIGNED)
        table[f"si{width}"] = IntegerType(width, Signedness.SIGNED)
    for name, cls in LOW_PRECISION.items():
        table[f"!pto.{name}"] = cls()
    return table


ELEMENT_TYPES = _element_types()
"""Element types by the name they have in text."""

_ELEMENT_NAMES = {attr: name for name, attr in ELEMENT_TYPES.items()}

_BITS = (
    {"f16": 16, "bf16": 16, "f32": 32, "f64": 64, "f8E4M3FN": 8, "f8E4M3": 8, "f8E5M2": 8, "index": 64}
    | {f"{sign}i{width}": width for sign in ("", "u", "s") for width in (1, 4, 8, 16, 32, 64)}
    | {f"!pto.{name}": bits for name, bits in LOW_PRECISION_BITS.items()}
)


def element_name(element: Attribute) -> str:
    """The name of an element type as text has it: `f32`, `ui8`, `!pto.hif8`."""
    return _ELEMENT_NAMES.get(element) or str(element)


def element_bits(element: str) -> int:
    """Bits of one element of that name."""
    return _BITS[element]


def is_float(element: str) -> bool:
    """The element is a floating-point number."""
    return element in _BITS and not element.lstrip("us").startswith("i")
