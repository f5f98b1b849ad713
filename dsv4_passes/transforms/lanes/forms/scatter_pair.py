"""The target's forms of lane plumbing, built from values: gathers, scatter pairs and their merge.

Each function adds operations through a `Builder` and returns the value; whether its lanes are the ones
wanted is checked by whoever asked, on terms.
"""

from collections.abc import Sequence
from typing import Literal

from xdsl.dialects import func
from xdsl.dialects.builtin import FloatAttr, StringAttr, f32
from xdsl.ir import Attribute, SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.attributes import MaskPatternAttr
from dialects.pto.base import layout_of
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.convert import TCvtOp
from dialects.pto.elementwise import TAddOp, TAddsOp, TOrOp
from dialects.pto.lanes import TGatherOp, TScatterOp
from dialects.pto.tiles import BitcastOp, ReshapeOp
from dialects.pto.types import TileLayout, TileType, element_bits
from dsv4_passes.transforms.lanes.builder import WIDENED, Builder, valid_of, vec_type

from .form import Built, Form, Target, Widened, cannot_reinterpret, lacks

EVEN, ODD = "P0101", "P1010"
PATTERNS = (EVEN, ODD)
MergedBy = Literal["tadd", "tor"]


def gather(builder: Builder, source: SSAValue, pattern: str) -> SSAValue:
    """Every second lane of each row."""
    layout = layout_of(source)
    half = TileType(layout._replace(cols=layout.cols // 2, valid_cols=layout.cols // 2))
    op = TGatherOp([source], result=half, valid=valid_of(source), properties=_mask(pattern))
    builder.add(op)
    return op.res[0]


def scatter(builder: Builder, source: SSAValue, pattern: str) -> SSAValue:
    """The lanes at every second place of twice as wide rows, +0 elsewhere."""
    layout = layout_of(source)
    op = TScatterOp(
        [source], result=vec_type(layout.rows, layout.cols * 2, layout.dtype), properties=_mask(pattern)
    )
    builder.add(op)
    return op.res[0]


def merge(builder: Builder, even: SSAValue, odd: SSAValue, how: MergedBy) -> SSAValue:
    """One tile of two with disjoint lanes that are +0 elsewhere.

    `tadd` turns -0 into +0; `tor` on the bits keeps every bit, because the bits of +0 are all 0.
    """
    if how == "tadd":
        op = TAddOp([even, odd], result=even.type)
        builder.add(op)
        return op.res[0]
    layout = layout_of(even)
    bits = TileType(layout._replace(dtype=f"i{element_bits(layout.dtype)}"))
    if even.type == bits:
        op = TOrOp([even, odd], result=bits)
        builder.add(op)
        return op.res[0]
    halves: list[SSAValue] = []
    for half in (even, odd):
        cast = BitcastOp(half, bits)
        builder.add(cast)
        halves.append(cast.res)
    both = TOrOp(halves, result=bits)
    builder.add(both)
    back = BitcastOp(both.res[0], even.type)
    builder.add(back)
    return back.res


def interleave(builder: Builder, even: SSAValue, odd: SSAValue, how: MergedBy) -> SSAValue:
    """`even` and `odd` in vector memory, lane by lane: raw mask scatters into two tiles, merged.

    A half of zeros needs no scatter: that is what the other one leaves between its lanes.
    """
    for half, other, pattern in ((even, odd, EVEN), (odd, even, ODD)):
        if is_zero_fill(other):
            return scatter(builder, half, pattern)
    first = scatter(builder, even, EVEN)
    second = scatter(builder, odd, ODD)
    return merge(builder, first, second, how)


def _mask(pattern: str) -> dict[str, Attribute]:
    return {"maskPattern": MaskPatternAttr(pattern), "axis": StringAttr("row")}


def is_zero_fill(value: SSAValue) -> bool:
    """Every lane is the number +0 that the tile was filled with."""
    while isinstance(op := value.owner, (ReshapeOp, TCvtOp)):
        value = op.source if isinstance(op, ReshapeOp) else op.ins[0]
    number = (
        getattr(getattr(op.ins[0].owner, "value", None), "value", None)
        if isinstance(op, TExpandsOp)
        else None
    )
    return number is not None and str(float(number.data)) == "0.0"


def refuse(target: Target, layout: TileLayout) -> str | None:
    bits = f"i{element_bits(layout.dtype)}"
    return _no_scatter(target, layout) or cannot_reinterpret(target) or lacks(target, "tor", bits)


def _no_scatter(target: Target, layout: TileLayout) -> str | None:
    if not layout.full:
        return "not all of the tile is valid"
    return lacks(target, "tscatter", layout.dtype, "mask")


def build(builder: Builder, halves: Sequence[SSAValue]) -> list[Built]:
    return [interleave(builder, halves[0], halves[1], "tor")]


def refuse_add(target: Target, layout: TileLayout) -> str | None:
    if layout.dtype not in ("f32", *WIDENED):
        return f"halves of {layout.dtype} are not added"
    return _no_scatter(target, layout._replace(dtype="f32"))


def build_add(builder: Builder, halves: Sequence[SSAValue]) -> list[Built]:
    """Short numbers are widened before they are put together."""
    even, odd = (builder.f32_in_vec(half) for half in halves)
    whole = interleave(builder, even, odd, "tadd")
    return [whole if layout_of(halves[0]).dtype == "f32" else Widened(whole)]


SCATTER_PAIR = Form("scatter-pair", "interleave", refuse, build)
"""Two raw scatters merged by `tor`. Every chip has it; on A2/A3 a scatter is a scalar loop."""
SCATTER_PAIR_ADD = Form("scatter-pair", "interleave", refuse_add, build_add)
"""Merged by `tadd`, for halves whose zeros are never negative or whose signs of zero are not observable."""


def drop_zeros_added_twice(function: func.FuncOp) -> None:
    """A merge by `tadd` gives no -0, so +0 need not be added to it."""
    for op in [op for op in function.walk() if isinstance(op, TAddsOp)]:
        merged, added = op.ins[0].owner, getattr(op.ins[1].owner, "value", None)
        if not isinstance(merged, TAddOp) or str(added) != str(FloatAttr(0.0, f32)):
            continue
        if all(isinstance(v.owner, TScatterOp) and v.owner.form() == "mask" for v in merged.ins):
            Rewriter.replace_op(op, [], [merged.res[0]])
