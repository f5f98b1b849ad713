"""A rotation of pairs as arithmetic: on even and odd lanes apart, or on whole rows.

    halves    %e, %o = dsv4.deinterleave %x            full    %s = dsv4.swap_pairs %x
              %e2 = %e * cos - %o * sin                        %y = %x * cos_il + %s * sin_il
              %o2 = %e * sin + %o * cos
              %y = dsv4.interleave %e2, %o2            where cos_il = c0 c0 c1 c1 …, sin_il = -s0 s0 -s1 s1 …

An inverse rotation has the other sign of every sin, and a signed table has its signs in it. Legal in either
form: `-s * o` is `-(s * o)`, adding it is subtracting `s * o`, and sums and products commute, all of it bit
for bit.
"""

from typing import Literal

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, f32
from xdsl.ir import SSAValue

from dialects.dsv4.lanes import DeinterleaveOp, RotatePairsOp, SwapPairsOp
from dialects.pto.base import layout_of
from dialects.pto.broadcast import TColExpandMulOp
from dialects.pto.elementwise import TAddOp, TMulOp, TMulsOp, TSubOp

from .builder import Builder, valid_of
from .forms.words import made
from .lane_values import interleaved

Width = Literal["halves", "full"]


def expand(builder: Builder, op: RotatePairsOp, width: Width) -> SSAValue:
    """The rotated tile, in front of the builder's site."""
    return _in_halves(builder, op) if width == "halves" else _in_full(builder, op)


def _in_halves(builder: Builder, op: RotatePairsOp) -> SSAValue:
    lanes = deinterleave(builder, op.x)
    cos, sin = ((table, table) for table in (op.cos, op.sin))
    if op.full_width:
        cos, sin = deinterleave(builder, op.cos), deinterleave(builder, op.sin)
    turned: list[SSAValue] = []
    for lane, minus in enumerate(op.signs):
        this, other = product(builder, lanes[lane], cos[lane]), product(builder, lanes[1 - lane], sin[lane])
        turned.append(made(builder, TSubOp if minus else TAddOp, [this, other]))
    return interleaved(builder, *turned)


def _in_full(builder: Builder, op: RotatePairsOp) -> SSAValue:
    cos, sin = op.cos, op.sin
    if any(op.signs):
        halves = deinterleave(builder, sin) if op.full_width else (sin, sin)
        signed = [negated(builder, h) if minus else h for h, minus in zip(halves, op.signs, strict=True)]
        sin = interleaved(builder, *signed)
    if not op.full_width:
        cos = interleaved(builder, cos, cos)
    swapped = SwapPairsOp([op.x], valid=valid_of(op.x))
    builder.add(swapped)
    kept, turned = product(builder, op.x, cos), product(builder, swapped.res[0], sin)
    return made(builder, TAddOp, [kept, turned])


def deinterleave(builder: Builder, value: SSAValue) -> tuple[SSAValue, SSAValue]:
    op = DeinterleaveOp([value], valid=2 * valid_of(value))
    builder.add(op)
    return op.even, op.odd


def product(builder: Builder, value: SSAValue, table: SSAValue) -> SSAValue:
    """Lane by lane, with a table of one row for all rows or of a row each."""
    one_row = layout_of(table).rows == 1 != layout_of(value).rows
    return made(builder, TColExpandMulOp if one_row else TMulOp, [value, table])


def negated(builder: Builder, value: SSAValue) -> SSAValue:
    """Every sign flipped: `x * -1`, which is exact."""
    minus_one = arith.ConstantOp(FloatAttr(-1.0, f32))
    builder.add(minus_one)
    minus_one.result.name_hint = "minus_one"
    return made(builder, TMulsOp, [value, minus_one.result])
