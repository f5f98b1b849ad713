"""Values made of others by lane operations and what goes with them.

Each function adds operations through a `Builder` and returns the value; whether its lanes are the ones
wanted is checked by whoever asked, on terms.
"""

from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import AnyFloat, FloatAttr, IntegerAttr, IntegerType, bf16, f16, f32
from xdsl.ir import SSAValue

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, SwapPairsOp
from dialects.pto.base import layout_of
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.elementwise import TAddsOp, TMulsOp
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import InsertOp, ReshapeOp, SubviewOp, UndefOp
from dialects.pto.types import DYNAMIC, TileLayout, TileType, element_bits
from dsv4_passes.interpreter.numerics import computes_as_float

from .builder import Builder, CannotBuild, index_constant, valid_of, vec_type

FLOAT_TYPES: dict[str, AnyFloat] = {"f32": f32, "f16": f16, "bf16": bf16}
Build = Callable[[Builder], SSAValue]
"""Builds a value in front of the builder's site; raises CannotBuild where it cannot."""


def deinterleaved(builder: Builder, value: SSAValue, lane: int) -> SSAValue:
    """The even (0) or odd (1) lanes of a value; one operation yields both."""
    for use in value.uses:
        op = use.operation
        if isinstance(op, DeinterleaveOp) and op in builder.made:
            return op.res[lane]
    op = DeinterleaveOp([value], valid=[*valid_of(value)] * 2)
    builder.add(op)
    for result, suffix in zip(op.res, ("even", "odd"), strict=True):
        result.name_hint = f"{value.name_hint}_{suffix}" if value.name_hint else suffix
    return op.res[lane]


def interleaved(builder: Builder, even: SSAValue, odd: SSAValue) -> SSAValue:
    op = InterleaveOp([even, odd], valid=valid_of(even))
    builder.add(op)
    return op.res[0]


def swapped(builder: Builder, value: SSAValue) -> SSAValue:
    op = SwapPairsOp([value], valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def reshaped(builder: Builder, value: SSAValue, shape: tuple[int, ...]) -> SSAValue:
    """The lanes in row-major order in rows of another length."""
    rows, cols = shape
    layout = layout_of(value)._replace(rows=rows, cols=cols, valid_rows=rows, valid_cols=cols)
    op = ReshapeOp(value, TileType(layout))
    builder.add(op)
    return op.res


def rows_of(builder: Builder, value: SSAValue, row: int, count: int) -> SSAValue:
    """Some rows of a tile, which lie together."""
    layout = layout_of(value)._replace(rows=count, valid_rows=count)
    offsets = [index_constant(builder, row), index_constant(builder, 0)]
    op = SubviewOp(value, offsets, layout.shape, TileType(layout))
    builder.add(op)
    return op.res


def as_type(builder: Builder, value: SSAValue, dtype: str, mode: str = "RINT") -> SSAValue:
    """Lanes in another element type: one that holds each of them exactly, or rounded in that mode."""
    have = layout_of(value).dtype
    if have == dtype:
        return value
    if not (computes_as_float(have) and computes_as_float(dtype)):
        raise CannotBuild(f"its operand has {have} elements, not {dtype}")
    if "f32" not in (have, dtype):
        value = builder.convert(value, "f32", "RINT")
    return builder.convert(value, dtype, mode)


def negated(build: Build) -> Build:
    return lambda b: minus(b, build(b))


def widened(build: Build) -> Build:
    return lambda b: as_type(b, build(b), "f32")


def minus(builder: Builder, value: SSAValue) -> SSAValue:
    """`value * -1`, which turns the sign of every lane and nothing else."""
    value = as_type(builder, value, "f32")
    one = arith.ConstantOp(FloatAttr(-1.0, f32))
    builder.add(one)
    one.result.name_hint = "minus_one"
    op = TMulsOp([value, one.result], result=value.type, valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def plus_zero(builder: Builder, value: SSAValue) -> SSAValue:
    """`value + (+0)`: a -0 becomes +0 and nothing else changes, as in a sum that starts at +0."""
    dtype = layout_of(value).dtype
    if dtype == "bf16":  # has no sums of its own
        return as_type(builder, plus_zero(builder, as_type(builder, value, "f32")), dtype)
    zero = arith.ConstantOp(FloatAttr(0.0, FLOAT_TYPES[dtype]))
    builder.add(zero)
    zero.result.name_hint = "zero"
    op = TAddsOp([value, zero.result], result=value.type, valid=valid_of(value))
    builder.add(op)
    return op.res[0]


def filled(builder: Builder, like: SSAValue, cols: int, number: float) -> SSAValue:
    """A tile with the rows of `like` and one number in every lane."""
    layout = layout_of(like)
    layout = TileLayout("vec", layout.rows, cols, layout.dtype, layout.valid_rows, cols)
    if computes_as_float(layout.dtype):
        value = FloatAttr(number, FLOAT_TYPES[layout.dtype])
    else:
        value = IntegerAttr(int(number), IntegerType(element_bits(layout.dtype)))
    constant = arith.ConstantOp(value)
    builder.add(constant)
    valid = valid_of(like)[:1] if layout.valid_rows == DYNAMIC else []
    op = TExpandsOp([constant.result], result=TileType(layout), valid=valid)
    builder.add(op)
    return op.res[0]


def columns(builder: Builder, value: SSAValue, col: int, width: int) -> SSAValue:
    """A copy of consecutive columns as a separate tile."""
    layout = layout_of(value)
    piece = TileType(layout._replace(cols=width, valid_cols=width))
    window = SubviewOp(
        value, [index_constant(builder, 0), index_constant(builder, col)], (layout.rows, width), piece
    )
    builder.add(window)
    copy = TMovOp([window.res], result=piece)
    builder.add(copy)
    return copy.res[0]


def side_by_side(builder: Builder, parts: Sequence[Build]) -> SSAValue:
    """Tiles of equal width next to each other in one tile."""
    values = [part(builder) for part in parts]
    layout = layout_of(values[0])
    undef = UndefOp(vec_type(layout.rows, layout.cols * len(values), layout.dtype))
    builder.add(undef)
    whole: SSAValue = undef.res
    for number, value in enumerate(values):
        insert = InsertOp(
            value, whole, index_constant(builder, 0), index_constant(builder, number * layout.cols)
        )
        builder.add(insert)
        whole = insert.res
    return whole
