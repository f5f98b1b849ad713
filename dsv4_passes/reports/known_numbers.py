"""The number in one lane of an index tile that a kernel computes for itself, for pictures of lanes."""

import math
from collections.abc import Callable

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation, SSAValue

from dialects.pto.base import TileOp
from dialects.pto.convert import TCvtOp
from dialects.pto.tiles import SubviewOp
from dialects.pto.types import AnyTileType

_BINARY: dict[str, Callable[[float, float], float]] = {
    "tadd": lambda a, b: a + b,
    "tadds": lambda a, b: a + b,
    "tsub": lambda a, b: a - b,
    "tsubs": lambda a, b: a - b,
    "tmul": lambda a, b: a * b,
    "tmuls": lambda a, b: a * b,
    "tcolexpandmul": lambda a, b: a * b,
    "tcolexpandadd": lambda a, b: a + b,
    "tand": lambda a, b: int(a) & int(b),
    "tands": lambda a, b: int(a) & int(b),
    "tor": lambda a, b: int(a) | int(b),
    "txors": lambda a, b: int(a) ^ int(b),
    "tshls": lambda a, b: int(a) << int(b),
    "tshrs": lambda a, b: int(a) >> int(b),
}
_ROUND: dict[str, Callable[[float], float]] = {
    "RINT": round,
    "FLOOR": math.floor,
    "CEIL": math.ceil,
    "TRUNC": math.trunc,
    "ROUND": lambda x: math.copysign(math.floor(abs(x) + 0.5), x),
}


def number_at(value: SSAValue, row: int, col: int) -> float | None:
    """The number in a lane, or the value of a scalar; None where it is not computed from constants alone."""
    owner = value.owner
    if isinstance(owner, arith.ConstantOp):
        constant = owner.value
        return constant.value.data if isinstance(constant, IntegerAttr | FloatAttr) else None
    if not isinstance(owner, Operation) or not isinstance(value.type, AnyTileType):
        return None
    if isinstance(owner, SubviewOp):
        # in a loop over rows, that of the first trip
        down, right = (int(number_at(offset, 0, 0) or 0) for offset in owner.offsets)
        return number_at(owner.source, row + down, col + right)
    if owner.name == "pto.reshape":
        source = owner.operands[0]
        assert isinstance(source.type, AnyTileType)
        lane = row * value.type.data.cols + col
        return number_at(source, *divmod(lane, source.type.data.cols))
    return _computed(owner, row, col) if isinstance(owner, TileOp) else None


def _computed(op: TileOp, row: int, col: int) -> float | None:
    mnemonic = op.mnemonic()
    found = [_operand(operand, row, col) for operand in op.inputs()]
    if not found or None in found:
        return None
    numbers = [number for number in found if number is not None]
    if mnemonic == "tci":
        descending = op.properties.get("descending")
        return numbers[0] + (-col if descending and "true" in str(descending) else col)
    if mnemonic in ("texpands", "tcolexpand", "tmov"):
        return numbers[0]
    if isinstance(op, TCvtOp):
        to_integer = "f" not in op.destination_layout().dtype
        mode = str(getattr(op.properties.get("rmode"), "data", "RINT"))
        return _ROUND.get(mode, round)(numbers[0]) if to_integer else numbers[0]
    if (rule := _BINARY.get(mnemonic)) is not None and len(numbers) == 2:
        return rule(*numbers)
    return None


def _operand(value: SSAValue, row: int, col: int) -> float | None:
    layout = value.type.data if isinstance(value.type, AnyTileType) else None
    return number_at(value, min(row, layout.rows - 1) if layout else 0, col)
