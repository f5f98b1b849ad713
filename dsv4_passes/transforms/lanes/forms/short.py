"""f32 numbers that are short: what a bf16 or f16 widens to, as far as the operations before them say so."""

from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import SSAValue

from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import TColExpandOp
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import TAddsOp, TMulsOp, TNegOp, TShlsOp
from dialects.pto.memory import constant_int
from dialects.pto.tiles import ReinterpretOp, ReshapeOp
from dialects.pto.types import element_bits
from dsv4_passes.transforms.lanes.builder import WIDENED


def short_type(value: SSAValue) -> str | None:
    """The 16-bit type of which every lane of an f32 tile is a number, as far as its operations say so."""
    op = value.owner
    if isinstance(op, TCvtOp) and layout_of(op.ins[0]).dtype in WIDENED:
        return layout_of(op.ins[0]).dtype if layout_of(value).dtype == "f32" else None
    turned = isinstance(op, TMulsOp) and is_number(op.ins[1], -1.0)
    if isinstance(op, (TNegOp, TColExpandOp)) or turned or adds_zero(op):
        assert isinstance(op, TileOp)
        return short_type(op.ins[0])
    if isinstance(op, ReshapeOp):
        return short_type(op.source)
    if isinstance(op, ReinterpretOp) and layout_of(value).dtype == "f32":
        return _shifted_up(op.source)
    return None


def _shifted_up(words: SSAValue) -> str | None:
    """A word with zeros in its low half is a bf16, seen as f32."""
    op = words.owner
    if isinstance(op, ReshapeOp):
        return _shifted_up(op.source)
    up = isinstance(op, TShlsOp) and constant_int(op.ins[1]) == 16
    return "bf16" if up and element_bits(layout_of(words).dtype) == 32 else None


def adds_zero(op: object) -> bool:
    """`x + (+0)`, which makes a -0 +0 and nothing else."""
    return isinstance(op, TAddsOp) and is_number(op.ins[1], 0.0)


def without_sign(value: SSAValue) -> SSAValue:
    """The tile behind conversions, other rows and turned signs: its lanes but for their sign and type."""
    op = value.owner
    while True:
        if isinstance(op, ReshapeOp):
            value = op.source
        elif isinstance(op, (TCvtOp, TNegOp)) or (isinstance(op, TMulsOp) and is_number(op.ins[1], -1.0)):
            value = op.ins[0]
        else:
            return value
        op = value.owner


def is_number(value: SSAValue, number: float) -> bool:
    """A constant that is this float, with the sign that it has."""
    attribute = getattr(value.owner, "value", None)
    found = attribute.value.data if isinstance(attribute, FloatAttr) else None
    return found is not None and str(float(found)) == str(number)


def shortened_from(value: SSAValue) -> SSAValue | None:
    """The short f32 numbers that a 16-bit tile was converted from: widened they are the same again."""
    op = value.owner
    while isinstance(op, ReshapeOp):
        op = op.source.owner
    if isinstance(op, TCvtOp) and short_type(op.ins[0]) == layout_of(op.res[0]).dtype:
        return op.ins[0]
    return None
