"""Lane by lane arithmetic, rows and columns spread over a tile, fills and iotas."""

import numpy as np
from xdsl.dialects.builtin import IntegerAttr

from dialects.pto.base import is_tile
from dsv4_passes.interpreter.domain import Lanes
from dsv4_passes.interpreter.numerics import numpy_dtype

from .call import Semantics, TileCall


def _binary(name: str) -> Semantics:
    return lambda c: c.domain.binary(name, c.lanes("lhs"), c.lanes("rhs"), c.dtype)


def _with_scalar(name: str) -> Semantics:
    return lambda c: c.domain.binary(name, c.lanes("src"), c.scalar("scalar"), c.dtype)


def _unary(name: str) -> Semantics:
    return lambda c: c.domain.unary(name, c.lanes("src"), c.dtype)


def _ternary(first: str, second: str, third: str, name: str) -> Semantics:
    """`(a name b) + c`: three operands, the middle one perhaps a scalar (PTO IR manual)."""

    def apply(c: TileCall) -> Lanes:
        b = c.scalar(second) if second == "scalar" else c.lanes(second)
        return c.domain.binary(
            "add", c.domain.binary(name, c.lanes(first), b, c.dtype), c.lanes(third), c.dtype
        )

    return apply


def _add_relu(c: TileCall) -> Lanes:
    return c.domain.unary("relu", c.domain.binary("add", c.lanes("lhs"), c.lanes("rhs"), c.dtype), c.dtype)


def _leaky(c: TileCall, a: Lanes, slope: Lanes) -> Lanes:
    """`a > 0 ? a : slope * a`."""
    positive = c.domain.compare("gt", a, c.domain.constant(0, c.dtype, (1, 1)), c.dtype)
    return c.domain.select(positive, a, c.domain.binary("mul", slope, a, c.dtype))


def _either_order(name: str) -> Semantics:
    """Tile and scalar in either order; the order is the operation's meaning."""

    def apply(c: TileCall) -> Lanes:
        tile_first = is_tile(c.op.ins[0])
        lhs = c.lanes("lhs") if tile_first else c.scalar("lhs")
        rhs = c.scalar("rhs") if tile_first else c.lanes("rhs")
        return c.domain.binary(name, lhs, rhs, c.dtype)

    return apply


def _combine(c: TileCall, kind: str, a: Lanes, b: Lanes) -> Lanes:
    """`a kind b`; expdif is `exp(a - b)`."""
    if kind == "expdif":
        return c.domain.unary("exp", c.domain.binary("sub", a, b, c.dtype), c.dtype)
    return c.domain.binary(kind, a, b, c.dtype)


def _column_expand(kind: str) -> Semantics:
    """`d[i, j] = src[i, j] kind row[0, j]`."""
    return lambda c: _combine(c, kind, c.lanes("src"), c.lanes("row", rows=1))


def _row_operand(c: TileCall, name: str) -> Lanes:
    """A full operand, or one scalar per row.

    A `[R, 1]` column gives each row its scalar; a `[R, B]` tile of one 32-byte block per row gives lane j its
    element `j mod B` (pto-isa include/pto/cpu/TRowExpand.hpp).
    """
    cols = c.extent[1]
    layout = c.tile(name).layout
    if layout.cols >= cols:
        return c.lanes(name)
    lanes = c.lanes(name, cols=layout.cols)
    return lanes if layout.cols == 1 else lanes[:, np.arange(cols) % layout.cols]


def _row_expand(kind: str) -> Semantics:
    """`d[i, j] = src[i, j] kind col[i, 0]`."""

    def apply(c: TileCall) -> Lanes:
        lanes = _combine(c, kind, _row_operand(c, "src"), _row_operand(c, "col"))
        return np.broadcast_to(lanes, c.extent)

    return apply


def _colexpand(c: TileCall) -> Lanes:
    return np.broadcast_to(c.lanes("src", rows=1), c.extent)


def _rowexpand(c: TileCall) -> Lanes:
    return np.broadcast_to(c.lanes("src", cols=1), c.extent)


def _expands(c: TileCall) -> Lanes:
    return np.broadcast_to(c.scalar("scalar"), c.extent)


def _ci(c: TileCall) -> Lanes:
    """`d[0, j] = start + j`, or `start - j`; integers wrap."""
    rows, cols = c.extent
    steps = c.domain.from_numbers(np.arange(cols)[None].astype(numpy_dtype(c.dtype)), c.dtype)
    descending = c.op.properties.get("descending")
    name = "sub" if isinstance(descending, IntegerAttr) and descending.value.data else "add"
    return np.broadcast_to(c.domain.binary(name, c.scalar("start"), steps, c.dtype), (rows, cols))


_BINARY = ("add", "sub", "mul", "div", "max", "min", "and", "or", "xor", "rem", "fmod", "shl", "shr")
_UNARY = ("neg", "abs", "exp", "log", "sqrt", "rsqrt", "recip", "relu", "not")
_EXPAND = ("add", "sub", "mul", "div", "max", "min", "expdif")

TABLE: dict[str, Semantics] = {
    **{f"t{name}": _binary(name) for name in _BINARY},
    **{f"t{name}s": _with_scalar(name) for name in _BINARY},
    **{f"t{name}": _unary(name) for name in _UNARY},
    "tdivs": _either_order("div"),
    "tpow": _binary("pow"),
    "tpows": _with_scalar("pow"),
    "taddrelu": _add_relu,
    "tprelu": lambda c: _leaky(c, c.lanes("lhs"), c.lanes("rhs")),
    "tlrelu": lambda c: _leaky(c, c.lanes("src"), c.scalar("scalar")),
    "taddc": _ternary("src0", "src1", "src2", "add"),
    "tsubc": _ternary("src0", "src1", "src2", "sub"),
    "taddsc": _ternary("src0", "scalar", "src1", "add"),
    "tsubsc": _ternary("src0", "scalar", "src1", "sub"),
    **{f"tcolexpand{kind}": _column_expand(kind) for kind in _EXPAND},
    **{f"trowexpand{kind}": _row_expand(kind) for kind in _EXPAND},
    "tcolexpand": _colexpand,
    "trowexpand": _rowexpand,
    "texpands": _expands,
    "tci": _ci,
}
